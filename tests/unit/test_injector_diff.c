#include "injector/diff.h"

#include "tests/unit/test_injector_support.h"

/* "field: old -> new", a line each; what isn't there is -. */
static gt_str told(gt_arena *arena, const gt_difference *first)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 256);
    for (const gt_difference *d = first; d != NULL; d = d->next) {
        gt_str old = d->old == NULL ? GT_STR("-") : shown(arena, d->old),
               new = d->new == NULL ? GT_STR("-") : shown(arena, d->new);
        gt_buf_printf(&buf, "%s%.*s: %.*s -> %.*s", d == first ? "" : "\n", GT_STR_ARG(gt_place_text(arena, d->place)),
                      GT_STR_ARG(old), GT_STR_ARG(new));
    }
    return gt_buf_slice(&buf);
}

static bool always(const void *context, const gt_pointer *place)
{
    (void)context;
    (void)place;
    return true;
}

static bool at_resources(const void *context, const gt_pointer *place)
{
    return place != NULL && gt_str_is(place->name, context);
}

typedef struct row {
    const char *old, *new, *told;
} row;

static void check_rows(const row *rows, size_t n, gt_diff_options options)
{
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < n; i++)
        expect_text(i, told(arena, gt_diff(arena, value_of(arena, rows[i].old), value_of(arena, rows[i].new), options)),
                    rows[i].told);
}

Test(injector_diff, members)
{
    static const row rows[] = {
        {"{spec: {a: 1}}", "{spec: {a: 1}}", ""},
        {"{spec: {a: 1, b: x}}", "{spec: {b: x, a: 1}}", ""},
        {"{spec: {a: 1}}", "{spec: {a: 2}}", "spec.a: 1 -> 2"},
        {"{spec: {a: 1}}", "{spec: {a: '1'}}", "spec.a: 1 -> '1'"},
        {"{spec: {a: 1}}", "{spec: {b: 1}}", "spec.b: - -> 1\nspec.a: 1 -> -"},
        {"{spec: {a: null}}", "{spec: {}}", ""},
        {"{spec: {a: null}}", "{spec: {a: 1}}", "spec.a: - -> 1"},
        {"{spec: {a: {b: {c: 1, d: 2}}}}", "{spec: {a: {b: {c: 3, d: 2}}}}", "spec.a.b.c: 1 -> 3"},
        {"{spec: {a: {b: 1}}}", "{spec: {a: [1]}}", "spec.a: {'b':1} -> [1]"},
        {"{spec: {}}", "{spec: {probe: {port: 1, path: /}}}", "spec.probe: - -> {'path':'/','port':1}"},
        {"{metadata: {labels: {a.io/b: x}}}", "{metadata: {labels: {a.io/b: z}}}",
         "metadata.labels[a.io/b]: 'x' -> 'z'"},
        {"{a: 1}", "[]", ": {'a':1} -> []"},
    };
    check_rows(rows, COUNT(rows), (gt_diff_options){NULL, NULL});
}

Test(injector_diff, lists)
{
    static const row rows[] = {
        {"{args: [a, b]}", "{args: [b, a]}", "args: ['a','b'] -> ['b','a']"},
        {"{env: [{name: A, value: 1}, {name: B}]}", "{env: [{name: A, value: 2}, {name: C}]}",
         "env[A]: {'name':'A','value':1} -> {'name':'A','value':2}\nenv[C]: - -> {'name':'C'}\nenv[B]: {'name':'B'} -> "
         "-"},
        /* one that is put in front leaves the others where they were */
        {"{env: [{name: A}, {name: B}]}", "{env: [{name: C}, {name: A}, {name: B}]}", "env[C]: - -> {'name':'C'}"},
        {"{env: [{name: A}, {name: B}, {name: C}]}", "{env: [{name: C}, {name: A}]}",
         "env[B]: {'name':'B'} -> -\nenv: ['A','B','C'] -> ['C','A']"},
        {"{volumes: [{name: a}, {name: b}]}", "{volumes: [{name: b}, {name: a}]}", ""},
        {"{volumeMounts: [{mountPath: /a//b, name: v}]}", "{volumeMounts: [{mountPath: /a/b/, name: v}]}",
         "volumeMounts[/a/b]: {'mountPath':'/a//b','name':'v'} -> {'mountPath':'/a/b/','name':'v'}"},
        {"{containers: [{name: agent, image: a, tty: true}]}",
         "{containers: [{name: side}, {name: agent, image: b, tty: true}]}",
         "containers[side]: - -> {'name':'side'}\ncontainers[agent].image: 'a' -> 'b'"},
        {"{initContainers: [{name: a}, {name: b}]}", "{initContainers: [{name: b}, {name: a}]}",
         "initContainers: ['a','b'] -> ['b','a']"},
        {"{tolerations: [{key: a, effect: X}, {key: a, effect: Y}]}", "{tolerations: [{key: a, effect: Y}]}",
         "tolerations[a]: {'effect':'X','key':'a'} -> -"},
        {"{ports: [{containerPort: 80, name: x}]}", "{ports: [{containerPort: 80, name: z}]}",
         "ports[80]: {'containerPort':80,'name':'x'} -> {'containerPort':80,'name':'z'}"},
        {"{envFrom: [{secretRef: {name: s}}]}", "{envFrom: [{secretRef: {name: s}, prefix: P}]}",
         "envFrom[s]: - -> {'prefix':'P','secretRef':{'name':'s'}}\nenvFrom[s]: {'secretRef':{'name':'s'}} -> -"},
        /* a name that stands twice: the first meets the first */
        {"{env: [{name: A, value: 1}, {name: A, value: 2}]}", "{env: [{name: A, value: 1}, {name: A, value: 3}]}",
         "env[A]: {'name':'A','value':2} -> {'name':'A','value':3}"},
        {"{env: [{name: A}, {name: A}]}", "{env: [{name: A}]}", "env[A]: {'name':'A'} -> -"},
        /* what isn't a list of objects is one value */
        {"{env: [A]}", "{env: [{name: A}]}", "env: ['A'] -> [{'name':'A'}]"},
        {"{env: {name: A}}", "{env: {name: B}}", "env.name: 'A' -> 'B'"},
        {"{env: [{name: A}]}", "{env: []}", "env[A]: {'name':'A'} -> -"},
        {"{env: [{name: A}]}", "{}", "env: [{'name':'A'}] -> -"},
        {"{env: [{}, {value: x}]}", "{env: [{}, {value: z}]}", "env[1]: {'value':'x'} -> {'value':'z'}"},
        {"{terms: [{name: a, x: 1}]}", "{terms: [{name: a, x: 2}]}",
         "terms: [{'name':'a','x':1}] -> [{'name':'a','x':2}]"},
    };
    check_rows(rows, COUNT(rows), (gt_diff_options){NULL, NULL});
}

Test(injector_diff, what_only_one_has_is_told_in_parts_where_asked)
{
    static const row everywhere[] = {
        {"{}", "{spec: {a: {b: 1, c: {}}}}", "spec.a.b: - -> 1"},
        {"{containers: [{name: x, env: [{name: A}]}]}", "{}",
         "containers[x].name: 'x' -> -\ncontainers[x].env[A]: {'name':'A'} -> -"},
        {"{}", "{affinity: {terms: [{a: 1}]}}", "affinity.terms: - -> [{'a':1}]"},
        {"{}", "{env: []}", ""},
    };
    static const row somewhere[] = {
        {"{}", "{resources: {limits: {cpu: 1}}, probe: {port: 1}}",
         "resources.limits: - -> {'cpu':1}\nprobe: - -> {'port':1}"},
        {"{resources: {limits: {cpu: 1}}}", "{resources: {limits: {cpu: 2}}}", "resources.limits.cpu: 1 -> 2"},
    };
    check_rows(everywhere, COUNT(everywhere), (gt_diff_options){always, NULL});
    check_rows(somewhere, COUNT(somewhere), (gt_diff_options){at_resources, "resources"});
}

Test(injector_diff, nothing_on_one_side)
{
    SCOPED_ARENA(arena);
    const gt_value *value = value_of(arena, "{a: 1}");
    gt_diff_options whole = {NULL, NULL};
    cr_expect_null(gt_diff(arena, NULL, NULL, whole));
    expect_text(0, told(arena, gt_diff(arena, NULL, value, whole)), ": - -> {'a':1}");
    expect_text(1, told(arena, gt_diff(arena, value, NULL, whole)), ": {'a':1} -> -");
}

Test(injector_diff, long_lists_are_matched_by_hashes)
{
    enum { MANY = 20000 };
    SCOPED_ARENA(arena);
    gt_value *pods[] = {gt_value_object(arena), gt_value_object(arena)};
    for (int p = 0; p < 2; p++) {
        gt_value *env = gt_value_array(arena);
        for (int i = 0; i < MANY; i++) {
            gt_value *entry = gt_value_object(arena);
            gt_value_put(arena, entry, "name", gt_value_text(arena, gt_arena_printf(arena, "V%d", i + p * MANY / 2)));
            gt_value_push(env, entry);
        }
        gt_value_put(arena, pods[p], "env", env);
    }
    double start = cpu_seconds();
    size_t n = 0;
    for (const gt_difference *d = gt_diff(arena, pods[0], pods[1], (gt_diff_options){NULL, NULL}); d != NULL;
         d = d->next)
        n++;
    cr_expect_eq(n, MANY);
    cr_expect_lt(cpu_seconds() - start, 1.0);
}
