#include "injector/layer.h"

#include "injector/roles.h"
#include "tests/unit/test_injector_support.h"

/* ---- the merge rules ---- */

typedef struct merge_row {
    const char *lower, *higher;
    const char *merged; /* as a document, deletions included */
    const char *resolved;
} merge_row;

static void check_merges(const merge_row *rows, size_t n)
{
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < n; i++) {
        const gt_layer *lower = layer_of(arena, rows[i].lower, GT_LAYER_TOWN);
        const gt_layer *higher = layer_of(arena, rows[i].higher, GT_LAYER_RIG);
        const gt_layer *merged = gt_layer_merge(arena, lower, higher);
        expect_text(i, shown(arena, gt_layer_to_value(arena, merged)), rows[i].merged);
        expect_text(i, shown(arena, gt_layer_resolved_value(arena, merged)),
                    rows[i].resolved == NULL ? rows[i].merged : rows[i].resolved);
    }
}

Test(injector_layer, scalars)
{
    static const merge_row rows[] = {
        {"{image: 'a:1'}", "{image: 'b:1'}", "{'image':'b:1'}", NULL},
        {"{image: 'a:1'}", "{}", "{'image':'a:1'}", NULL},
        {"{}", "{image: 'b:1'}", "{'image':'b:1'}", NULL},
        /* 0, false and "" are values */
        {"{terminationGracePeriodSeconds: 30}", "{terminationGracePeriodSeconds: 0}",
         "{'terminationGracePeriodSeconds':0}", NULL},
        {"{automountServiceAccountToken: true}", "{automountServiceAccountToken: false}",
         "{'automountServiceAccountToken':false}", NULL},
        {"{workingDir: /x}", "{workingDir: ''}", "{'workingDir':''}", NULL},
        {"{args: [a]}", "{args: []}", "{'args':[]}", NULL},
        {"{image: 'a:1'}", "{image: null}", "{'unset':['image']}", "{}"},
        {"{image: 'a:1'}", "{unset: [image]}", "{'unset':['image']}", "{}"},
        {"{unset: [image]}", "{image: 'b:1'}", "{'image':'b:1'}", NULL},
        /* a layer's own value stands above what it takes away */
        {"{image: 'a:1'}", "{unset: [image], image: 'b:1'}", "{'image':'b:1'}", NULL},
    };
    check_merges(rows, COUNT(rows));
}

Test(injector_layer, whole_lists_and_objects)
{
    static const merge_row rows[] = {
        {"{tolerations: [{key: a}, {key: b}]}", "{tolerations: [{key: c}]}", "{'tolerations':[{'key':'c'}]}", NULL},
        {"{affinity: {nodeAffinity: {}}}", "{affinity: {podAffinity: {}}}", "{'affinity':{'podAffinity':{}}}", NULL},
        {"{secretEnv: [{name: A, secretName: s}]}", "{secretEnv: []}", "{'secretEnv':[]}", NULL},
        {"{livenessProbe: {exec: {}}}", "{livenessProbe: {httpGet: {}}}", "{'livenessProbe':{'httpGet':{}}}", NULL},
    };
    check_merges(rows, COUNT(rows));
}

Test(injector_layer, maps)
{
    static const merge_row rows[] = {
        {"{nodeSelector: {a: '1', b: '2'}}", "{nodeSelector: {b: '3', c: '4'}}",
         "{'nodeSelector':{'a':'1','b':'3','c':'4'}}", NULL},
        {"{labels: {a: '1', b: '2'}}", "{labels: {a: null}}", "{'labels':{'b':'2'},'unset':['labels.a']}",
         "{'labels':{'b':'2'}}"},
        {"{labels: {a: '1', b: '2'}}", "{unset: [labels.a]}", "{'labels':{'b':'2'},'unset':['labels.a']}",
         "{'labels':{'b':'2'}}"},
        {"{annotations: {a.io/b.c: x}}", "{unset: [annotations.a.io/b.c]}", "{'unset':['annotations.a.io/b.c']}", "{}"},
        {"{labels: {a: '1', b: '2'}}", "{unset: [labels], labels: {c: '3'}}", "{'labels':{'c':'3'},'unset':['labels']}",
         "{'labels':{'c':'3'}}"},
        {"{labels: {a: '1', a.b: '2'}}", "{unset: [labels.a]}", "{'labels':{'a.b':'2'},'unset':['labels.a']}",
         "{'labels':{'a.b':'2'}}"},
        {"{labels: {a: ''}}", "{}", "{'labels':{'a':''}}", NULL},
    };
    check_merges(rows, COUNT(rows));
}

Test(injector_layer, env_keeps_its_places)
{
    static const merge_row rows[] = {
        {"{env: [{name: A, value: a}, {name: B, value: b}]}", "{env: [{name: C, value: c}, {name: A, value: x}]}",
         "{'env':[{'name':'A','value':'x'},{'name':'B','value':'b'},{'name':'C','value':'c'}]}", NULL},
        /* an entry is replaced whole */
        {"{env: [{name: A, value: a}]}", "{env: [{name: A, valueFrom: {fieldRef: {fieldPath: f}}}]}",
         "{'env':[{'name':'A','valueFrom':{'fieldRef':{'fieldPath':'f'}}}]}", NULL},
        {"{env: [{name: A, value: a}, {name: B, value: b}]}", "{env: [{name: A, $patch: delete}]}",
         "{'env':[{'$patch':'delete','name':'A'},{'name':'B','value':'b'}]}", "{'env':[{'name':'B','value':'b'}]}"},
        {"{env: [{name: A, value: a}]}", "{unset: [env.A]}", "{'env':[{'$patch':'delete','name':'A'}]}", "{}"},
        {"{env: [{name: A, value: a}]}", "{env: null}", "{'unset':['env']}", "{}"},
        {"{env: [{name: A, value: a}]}", "{env: []}", "{'env':[{'name':'A','value':'a'}]}", NULL},
    };
    check_merges(rows, COUNT(rows));
    SCOPED_ARENA(arena); /* deleted and defined again: the old place */
    const gt_layer *one = layer_of(arena, "{env: [{name: A, value: a}, {name: B, value: b}]}", GT_LAYER_TOWN);
    const gt_layer *two = layer_of(arena, "{env: [{name: A, $patch: delete}]}", GT_LAYER_RIG);
    const gt_layer *three = layer_of(arena, "{env: [{name: A, value: again}]}", GT_LAYER_ROLE);
    const gt_layer *all = gt_layer_merge(arena, gt_layer_merge(arena, one, two), three);
    expect_text(0, shown(arena, gt_layer_resolved_value(arena, all)),
                "{'env':[{'name':'A','value':'again'},{'name':'B','value':'b'}]}");
}

Test(injector_layer, named_lists_and_mounts)
{
    static const merge_row rows[] = {
        {"{sidecars: [{name: s, image: 'a:1', args: [x]}]}",
         "{sidecars: [{name: s, image: 'b:1'}, {name: t, image: 'c:1'}]}",
         "{'sidecars':[{'image':'b:1','name':'s'},{'image':'c:1','name':'t'}]}", NULL},
        {"{initContainers: [{name: s, image: 'a:1'}]}", "{initContainers: [{name: s, $patch: delete}]}",
         "{'initContainers':[{'$patch':'delete','name':'s'}]}", "{}"},
        {"{volumes: [{name: v, emptyDir: {}}]}", "{volumes: [{name: v, configMap: {name: c}}]}",
         "{'volumes':[{'configMap':{'name':'c'},'name':'v'}]}", NULL},
        {"{volumeMounts: [{name: v, mountPath: /a/}]}",
         "{volumeMounts: [{name: w, mountPath: //a}, {name: w, mountPath: /b}]}",
         "{'volumeMounts':[{'mountPath':'//a','name':'w'},{'mountPath':'/b','name':'w'}]}", NULL},
    };
    check_merges(rows, COUNT(rows));
}

Test(injector_layer, structs)
{
    static const merge_row rows[] = {
        {"{resources: {requests: {cpu: 1}, limits: {cpu: 2}}}",
         "{resources: {requests: {memory: 1Gi}, limits: {cpu: 3}}}",
         "{'resources':{'limits':{'cpu':3},'requests':{'cpu':1,'memory':'1Gi'}}}", NULL},
        {"{resources: {requests: {cpu: 1}, limits: {cpu: 2}}}", "{unset: [resources.limits]}",
         "{'resources':{'requests':{'cpu':1}},'unset':['resources.limits']}", "{'resources':{'requests':{'cpu':1}}}"},
        {"{resources: {requests: {nvidia.com/gpu: 1}}}", "{resources: {requests: {nvidia.com/gpu: null}}}",
         "{'unset':['resources.requests.nvidia.com/gpu']}", "{}"},
        {"{storage: {size: 1Gi, storageClassName: a}}", "{storage: {size: 2Gi}}",
         "{'storage':{'size':'2Gi','storageClassName':'a'}}", NULL},
        {"{securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}}",
         "{securityContext: {capabilities: {add: []}}}",
         "{'securityContext':{'capabilities':{'add':[],'drop':['ALL']},'readOnlyRootFilesystem':true}}", NULL},
        {"{agent: {provider: openai, apiKeySecret: {name: a, key: k}}}", "{agent: {apiKeySecret: {name: b}}}",
         "{'agent':{'apiKeySecret':{'key':'k','name':'b'},'provider':'openai'}}", NULL},
        {"{agent: {provider: openai, apiKeySecret: {name: a, key: k}}}", "{agent: {apiKeySecret: null}}",
         "{'agent':{'provider':'openai'},'unset':['agent.apiKeySecret']}", "{'agent':{'provider':'openai'}}"},
        {"{git: {repository: h:r, branch: b}}", "{git: {branch: c}}", "{'git':{'branch':'c','repository':'h:r'}}",
         NULL},
    };
    check_merges(rows, COUNT(rows));
}

/* ---- associativity and identity ---- */

/* Pieces of templates that meet one another in every way: fields whole, by key, by name, by member, with and without deletions. */
static const char *const pieces[] = {
    "image: 'a:1'",
    "image: 'b:1'",
    "image: null",
    "env: [{name: A, value: '1'}]",
    "env: [{name: B, value: '2'}, {name: A, value: '3'}]",
    "env: [{name: A, $patch: delete}]",
    "env: [{name: B, $patch: delete}, {name: C, value: '4'}]",
    "env: null",
    "labels: {a: x, b: two}",
    "labels: {b: null, c: z}",
    "labels: null",
    "resources: {requests: {cpu: 1, memory: 1}}",
    "resources: {requests: {cpu: null}, limits: {cpu: 2}}",
    "resources: {requests: null}",
    "resources: null",
    "agent: {provider: openai, apiKeySecret: {name: k}}",
    "agent: {apiKeySecret: {key: l}}",
    "agent: {apiKeySecret: null, model: m}",
    "agent: null",
    "volumes: [{name: v, emptyDir: {}}]",
    "volumes: [{name: v, $patch: delete}]",
    "volumeMounts: [{name: v, mountPath: /a}]",
    "volumeMounts: [{name: w, mountPath: /a/}, {name: v, mountPath: /b}]",
    "volumeMounts: null",
    "sidecars: [{name: s, image: 'a:1'}]",
    "sidecars: [{name: t, image: 'b:1'}, {name: s, $patch: delete}]",
    "storage: {size: 1Gi}",
    "storage: {size: null, storageClassName: c}",
    "storage: null",
    "tolerations: [{key: a}]",
    "tolerations: []",
};
enum { FIELDS_OF_PIECES = 10 };

/* A field's pieces stand together: where each begins. */
static const size_t field_starts[FIELDS_OF_PIECES + 1] = {0, 3, 8, 11, 15, 19, 21, 24, 26, 29, COUNT(pieces)};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static gt_layer *random_layer(gt_arena *arena, uint32_t *state, gt_layer_id origin)
{
    gt_buf text;
    gt_buf_init(&text, arena, 256);
    gt_buf_byte(&text, '{');
    for (size_t f = 0; f < FIELDS_OF_PIECES; f++) {
        if (next_random(state) % 2 == 0)
            continue;
        size_t n = field_starts[f + 1] - field_starts[f];
        gt_buf_printf(&text, "%s%s", text.len > 1 ? ", " : "", pieces[field_starts[f] + next_random(state) % n]);
    }
    gt_buf_byte(&text, '}');
    return layer_of(arena, text.at, origin);
}

Test(injector_layer, merging_is_associative)
{
    uint32_t state = 20261121;
    for (int i = 0; i < 3000; i++) {
        SCOPED_ARENA(arena);
        const gt_layer *a = random_layer(arena, &state, GT_LAYER_TOWN), *b = random_layer(arena, &state, GT_LAYER_RIG),
                       *c = random_layer(arena, &state, GT_LAYER_POOL);
        const gt_layer *left = gt_layer_merge(arena, gt_layer_merge(arena, a, b), c);
        const gt_layer *right = gt_layer_merge(arena, a, gt_layer_merge(arena, b, c));
        gt_str l = shown(arena, gt_layer_to_value(arena, left)), r = shown(arena, gt_layer_to_value(arena, right));
        cr_assert(gt_str_eq(l, r), "round %d:\n  a %s\n  b %s\n  c %s\n  (ab)c %s\n  a(bc) %s", i,
                  shown(arena, gt_layer_to_value(arena, a)).at, shown(arena, gt_layer_to_value(arena, b)).at,
                  shown(arena, gt_layer_to_value(arena, c)).at, l.at, r.at);
    }
}

Test(injector_layer, the_empty_layer_is_the_identity)
{
    uint32_t state = 7;
    for (int i = 0; i < 300; i++) {
        SCOPED_ARENA(arena);
        const gt_layer *a = random_layer(arena, &state, GT_LAYER_TOWN), *none = gt_layer_new(arena);
        gt_str alone = shown(arena, gt_layer_to_value(arena, a));
        expect_text(i, shown(arena, gt_layer_to_value(arena, gt_layer_merge(arena, none, a))), alone.at);
        expect_text(i, shown(arena, gt_layer_to_value(arena, gt_layer_merge(arena, a, none))), alone.at);
        cr_expect(gt_layer_is_empty(none));
        cr_expect_eq(gt_layer_is_empty(a), gt_str_is(alone, "{}"), "%s", alone.at);
    }
}

/* What a layer prints as a document reads back as the same layer. */
Test(injector_layer, documents_read_back)
{
    uint32_t state = 99;
    for (int i = 0; i < 1000; i++) {
        SCOPED_ARENA(arena);
        const gt_layer *a = gt_layer_merge(arena, random_layer(arena, &state, GT_LAYER_TOWN),
                                           random_layer(arena, &state, GT_LAYER_RIG));
        const gt_layer *below = random_layer(arena, &state, GT_LAYER_PROFILE);
        gt_value *document = gt_layer_to_value(arena, a);
        gt_buf yaml;
        gt_buf_init(&yaml, arena, 512);
        gt_value_print(&yaml, document);
        const gt_layer *again = layer_of(arena, yaml.at, GT_LAYER_RIG);
        expect_text(i, shown(arena, gt_layer_to_value(arena, again)), shown(arena, document).at);
        expect_text(i, shown(arena, gt_layer_resolved_value(arena, gt_layer_merge(arena, below, again))),
                    shown(arena, gt_layer_resolved_value(arena, gt_layer_merge(arena, below, a))).at);
    }
}

/* ---- provenance ---- */

Test(injector_layer, cells_know_where_they_come_from)
{
    SCOPED_ARENA(arena);
    const gt_layer *town =
        layer_of(arena, "{image: 'a:1', env: [{name: A, value: '1'}], labels: {a: '1'}}", GT_LAYER_TOWN);
    const gt_layer *rig = layer_of(arena, "{image: 'b:1', labels: {b: '2'}}", GT_LAYER_RIG);
    const gt_layer *pool =
        layer_of(arena, "{image: 'c:1', unset: [labels], env: [{name: A, $patch: delete}]}", GT_LAYER_POOL);
    const gt_layer *event = layer_of(arena, "{env: [{name: A, value: e}]}", GT_LAYER_EVENT);
    const gt_layer *all = gt_layer_merge(arena, gt_layer_merge(arena, gt_layer_merge(arena, town, rig), pool), event);
    const gt_cell *image = gt_layer_get(all, GT_FIELD_IMAGE, GT_STR("")),
                  *env = gt_layer_get(all, GT_FIELD_ENV, GT_STR("A"));
    cr_assert(image != NULL && env != NULL);
    cr_expect_eq(image->origin, GT_LAYER_POOL);
    cr_expect_eq(image->beaten, 1u << GT_LAYER_TOWN | 1u << GT_LAYER_RIG);
    cr_expect_eq(env->origin, GT_LAYER_EVENT);
    cr_expect(env->beaten & 1u << GT_LAYER_TOWN);
    cr_expect_null(gt_layer_get(all, GT_FIELD_LABELS, GT_STR("a")));
    cr_expect_null(gt_layer_get(all, GT_FIELD_LABELS, GT_STR("b")));
    const gt_cell *own = gt_layer_get(town, GT_FIELD_IMAGE, GT_STR(""));
    cr_expect(own->beaten == 0 && gt_value_is(own->value, "a:1"), "merging changes neither of the two");
}

/* ---- layer 0 ---- */

Test(injector_layer, role_profiles)
{
    static const struct {
        const char *role, *restart, *kind, *size;
    } rows[] = {
        {"polecat", "Never", "EmptyDir", ""},
        {"crew", "Always", "PersistentVolumeClaim", "10Gi"},
        {"witness", "Always", "PersistentVolumeClaim", "5Gi"},
        {"refinery", "Always", "PersistentVolumeClaim", "5Gi"},
        {"mayor", "Always", "EmptyDir", ""},
        {"deacon", "Always", "EmptyDir", ""},
        {"dog", "Always", "EmptyDir", ""},
        {"scout", "Always", "EmptyDir", ""},
        {"Crew", "Always", "EmptyDir", ""},
        {"", "Always", "EmptyDir", ""},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const gt_layer *l = gt_role_layer(arena, gt_role_of(gt_str_of(rows[i].role)), GT_SECURITY_RESTRICTED);
        expect_text(i, gt_value_str(gt_layer_value(l, GT_FIELD_RESTART_POLICY, "")), rows[i].restart);
        expect_text(i, gt_value_str(gt_layer_value(l, GT_FIELD_STORAGE, "kind")), rows[i].kind);
        expect_text(i, gt_value_str(gt_layer_value(l, GT_FIELD_STORAGE, "size")), rows[i].size);
        expect_text(i, gt_value_str(gt_layer_value(l, GT_FIELD_STORAGE, "storageClassName")),
                    rows[i].size[0] == '\0' ? "" : "gp3");
    }
}

Test(injector_layer, only_openshift_leaves_ids_to_the_namespace)
{
    SCOPED_ARENA(arena);
    static const char *const ids[] = {"runAsUser", "runAsGroup", "fsGroup"};
    static const char *const others[] = {"runAsNonRoot", "seccompProfile", "fsGroupChangePolicy"};
    for (int security = GT_SECURITY_RESTRICTED; security <= GT_SECURITY_OPENSHIFT; security++) {
        const gt_layer *l = gt_role_layer(arena, gt_role_of(GT_STR("crew")), (gt_security)security);
        for (size_t i = 0; i < COUNT(ids); i++)
            cr_expect_eq(gt_layer_value(l, GT_FIELD_POD_SECURITY, ids[i]) == NULL, security == GT_SECURITY_OPENSHIFT,
                         "%s", ids[i]);
        for (size_t i = 0; i < COUNT(others); i++)
            cr_expect_not_null(gt_layer_value(l, GT_FIELD_POD_SECURITY, others[i]), "%s", others[i]);
        expect_text(security, shown(arena, gt_layer_value(l, GT_FIELD_SECURITY, "capabilities.drop")), "['ALL']");
        expect_text(security, shown(arena, gt_layer_value(l, GT_FIELD_SECURITY, "allowPrivilegeEscalation")), "false");
    }
}

/* ---- cost ---- */

Test(injector_layer, merging_is_linear)
{
    enum { MANY = 20000 };
    SCOPED_ARENA(arena);
    gt_layer *a = gt_layer_new(arena), *b = gt_layer_new(arena);
    gt_value *value = gt_value_text(arena, "x");
    gt_layer *layers[] = {a, b};
    double start = cpu_seconds();
    for (int l = 0; l < 2; l++)
        for (int i = 0; i < MANY; i++) {
            gt_layer_set(arena, layers[l], GT_FIELD_ENV, gt_str_of(gt_arena_printf(arena, "V%d", i + l * MANY / 2)),
                         value, GT_LAYER_POOL);
            gt_layer_clear(arena, layers[l], GT_FIELD_RESOURCES,
                           gt_str_of(gt_arena_printf(arena, "limits.v%d", i + l * MANY / 2)), GT_LAYER_POOL);
        }
    const gt_layer *merged = gt_layer_merge(arena, a, b);
    cr_expect_eq(merged->cells[GT_FIELD_ENV].count, MANY * 3 / 2);
    cr_expect_eq(merged->clears[GT_FIELD_RESOURCES].count, MANY * 3 / 2);
    cr_expect_eq(gt_value_get(gt_layer_to_value(arena, merged), "unset")->count, MANY * 3 / 2);
    cr_expect_lt(cpu_seconds() - start, 2.0);
}

/* gt_fields_sorted is written by hand: each field once, in the order of its name. */
Test(injector_layer, fields_sorted)
{
    for (int i = 1; i < GT_FIELD_COUNT; i++)
        cr_expect_lt(strcmp(gt_field_rows[gt_fields_sorted[i - 1]].name, gt_field_rows[gt_fields_sorted[i]].name), 0,
                     "%s", gt_field_rows[gt_fields_sorted[i]].name);
}
