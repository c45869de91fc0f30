/* Layers: the merge is associative, has the empty layer as identity, and knows who beat whom. */
#include "injector/template.h"
#include "lib/yaml/yaml.h"
#include "tests/unit/support.h"

static gt_layer *layer_of(gt_arena *arena, const char *yaml, gt_layer_id origin)
{
    gt_yaml_docs docs;
    gt_err err;
    cr_assert(gt_yaml_load(arena, gt_str_of(yaml), &docs, &err), "%s", err.text);
    gt_check check = {.arena = arena};
    gt_layer *layer = gt_layer_new(arena);
    cr_assert(gt_template_parse(&check, NULL, docs.at[0], origin, layer), "%s", check.first->message.at);
    return layer;
}

static const char *canonical(gt_arena *arena, const gt_layer *layer)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 256);
    gt_value_canonical(&buf, gt_layer_to_value(arena, layer));
    return buf.at;
}

static const char *const templates[] = {
    "{image: 'a:1', env: [{name: A, value: '1'}, {name: B, value: '2'}], nodeSelector: {x: '1', y: '2'}}",
    "{image: null, env: [{name: B, $patch: delete}], nodeSelector: {x: null}, resources: {limits: {cpu: 2}}}",
    "{unset: [env, resources.limits], env: [{name: C, value: '3'}], tolerations: []}",
    "{env: [{name: B, value: '4'}, {name: A, value: ''}], resources: {requests: {cpu: 1}, limits: {cpu: 4}}}",
    "{unset: [nodeSelector, storage], storage: {size: 1Gi}, volumeMounts: [{name: v, mountPath: /a//b/}]}",
    "{}",
};

Test(injector_merge, merging_is_associative_with_the_empty_layer_as_identity)
{
    for (size_t a = 0; a < COUNT(templates); a++)
        for (size_t b = 0; b < COUNT(templates); b++)
            for (size_t c = 0; c < COUNT(templates); c++) {
                SCOPED_ARENA(arena);
                const gt_layer *x = layer_of(arena, templates[a], GT_LAYER_TOWN),
                               *y = layer_of(arena, templates[b], GT_LAYER_RIG),
                               *z = layer_of(arena, templates[c], GT_LAYER_ROLE), *none = gt_layer_new(arena);
                const char *left = canonical(arena, gt_layer_merge(arena, gt_layer_merge(arena, x, y), z));
                const char *right = canonical(arena, gt_layer_merge(arena, x, gt_layer_merge(arena, y, z)));
                cr_expect_str_eq(left, right, "%zu %zu %zu", a, b, c);
                cr_expect_str_eq(canonical(arena, gt_layer_merge(arena, none, x)), canonical(arena, x));
                cr_expect_str_eq(canonical(arena, gt_layer_merge(arena, x, none)), canonical(arena, x));
            }
}

Test(injector_merge, the_higher_one_wins_in_the_lower_ones_place_and_remembers_it)
{
    SCOPED_ARENA(arena);
    const gt_layer *town = layer_of(arena, templates[0], GT_LAYER_TOWN),
                   *rig = layer_of(arena, "{image: 'b:1', env: [{name: NEW, value: x}, {name: A, value: '9'}]}",
                                   GT_LAYER_RIG);
    const gt_layer *both = gt_layer_merge(arena, town, rig);
    const gt_cell *image = gt_layer_get(both, GT_FIELD_IMAGE, GT_STR(""));
    cr_expect(gt_value_is(image->value, "b:1"));
    cr_expect_eq(image->origin, GT_LAYER_RIG);
    cr_expect_eq(image->beaten, 1u << GT_LAYER_TOWN);
    const char *const order[] = {"A", "B", "NEW"};
    for (size_t i = 0; i < COUNT(order); i++)
        cr_expect(gt_str_is(both->cells[GT_FIELD_ENV].at[i].key, order[i]), "%s", order[i]);
    cr_expect(gt_str_is(gt_layer_get(gt_layer_merge(arena, town, layer_of(arena, templates[4], GT_LAYER_RIG)),
                                     GT_FIELD_VOLUME_MOUNTS, GT_STR("/a/b"))
                            ->key,
                        "/a/b"));
}

/* ---- the merged layer as a document ---- */

static const char *merged(gt_arena *arena, const char *const *layers, bool *stable)
{
    const gt_layer *all = gt_layer_new(arena);
    for (; *layers != NULL; layers++)
        all = gt_layer_merge(arena, all, layer_of(arena, *layers, GT_LAYER_POOL));
    gt_buf once, twice;
    gt_buf_init(&once, arena, 256);
    gt_buf_init(&twice, arena, 256);
    gt_value_print(&once, gt_layer_to_value(arena, all));
    gt_value_print(&twice, gt_layer_to_value(arena, layer_of(arena, once.at, GT_LAYER_POOL)));
    *stable = strcmp(once.at, twice.at) == 0;
    for (char *quote = once.at; (quote = strchr(quote, '"')) != NULL;)
        *quote = '\'';
    return once.at;
}

Test(injector_merge, documents_are_canonical)
{
    static const struct {
        const char *layers[4], *document;
    } rows[] = {
        {{NULL}, "{}"},
        {{"{}", "{labels: {}, env: [], resources: {requests: {}}, unset: []}"}, "{}"},
        /* what has no order is sorted, lists keep theirs */
        {{"{labels: {b: '1', c: '2'}, env: [{name: B}]}", "{env: [{name: A}], labels: {a: '3'}}"},
         "{'env':[{'name':'B'},{'name':'A'}],'labels':{'a':'3','b':'1','c':'2'}}"},
        {{"{resources: {requests: {memory: 1, cpu: 2}, limits: {cpu: 4}}}"},
         "{'resources':{'limits':{'cpu':4},'requests':{'cpu':2,'memory':1}}}"},
        {{"{agent: {model: m, apiKeySecret: {name: k}}}", "{agent: {apiKeySecret: {key: l}}}"},
         "{'agent':{'apiKeySecret':{'key':'l','name':'k'},'model':'m'}}"},
        {{"{unset: [storage.size, labels.b, labels.a, image]}"},
         "{'unset':['image','storage.size','labels.a','labels.b']}"},
        /* a layer's own members stand above what it takes away; a path below another one that is unset says nothing */
        {{"{storage: {size: 1Gi, retain: true}}", "{unset: [storage], storage: {size: 2Gi}}"},
         "{'storage':{'size':'2Gi'},'unset':['storage']}"},
        {{"{unset: [resources.requests.cpu]}", "{unset: [resources.requests]}"}, "{'unset':['resources.requests']}"},
        {{"{unset: [resources.requests]}", "{unset: [resources.requests.cpu]}"}, "{'unset':['resources.requests']}"},
        {{"{unset: [labels]}", "{labels: {a: null}}"}, "{'unset':['labels']}"},
        {{"{storage: {size: null}}", "{storage: {size: 2Gi}}"}, "{'storage':{'size':'2Gi'}}"},
        {{"{agent: {apiKeySecret: null}}", "{agent: {apiKeySecret: {name: k}}}"},
         "{'agent':{'apiKeySecret':{'name':'k'}},'unset':['agent.apiKeySecret']}"},
        {{"{resources: {requests: null}}", "{resources: {requests: {cpu: 1}}}"},
         "{'resources':{'requests':{'cpu':1}},'unset':['resources.requests']}"},
        /* deletions keep their places */
        {{"{env: [{name: A, $patch: delete}, {name: B, value: b}]}",
          "{env: [{name: C, value: c}, {name: A, value: null}]}"},
         "{'env':[{'name':'A','value':null},{'name':'B','value':'b'},{'name':'C','value':'c'}]}"},
        {{"{env: [{name: B}, {name: A}]}", "{unset: [env.B]}"},
         "{'env':[{'name':'B','$patch':'delete'},{'name':'A'}]}"},
        {{"{env: [{name: A}]}", "{unset: [env], env: [{name: B, $patch: delete}]}"},
         "{'env':[{'name':'B','$patch':'delete'}],'unset':['env']}"},
        /* values stay as they were written */
        {{"{volumeMounts: [{name: v, mountPath: /a/}]}", "{volumeMounts: [{name: w, mountPath: //a}]}"},
         "{'volumeMounts':[{'name':'w','mountPath':'//a'}]}"},
        {{"{unset: [volumeMounts], securityContext: {capabilities: {drop: [ALL], add: []}}}"},
         "{'securityContext':{'capabilities':{'add':[],'drop':['ALL']}},'unset':['volumeMounts']}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        bool stable;
        expect_text(i, gt_str_of(merged(arena, rows[i].layers, &stable)), rows[i].document);
        cr_expect(stable, "row %zu: read back it is another one", i);
    }
}

/* nvidia.com/gpu isn't below a resource called nvidia. */
Test(injector_merge, a_dot_in_a_resources_name_is_no_level)
{
    SCOPED_ARENA(arena);
    const gt_layer *gpu = layer_of(arena, "{resources: {requests: {nvidia.com/gpu: 1}}}", GT_LAYER_TOWN);
    static const struct {
        const char *higher;
        bool stays;
    } rows[] = {
        {"{unset: [resources.requests.nvidia]}", true},
        {"{unset: [resources.requests.nvidia.com/gpu]}", false},
        {"{unset: [resources.requests]}", false},
        {"{unset: [resources.limits]}", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const gt_layer *both = gt_layer_merge(arena, gpu, layer_of(arena, rows[i].higher, GT_LAYER_RIG));
        cr_expect_eq(gt_layer_value(both, GT_FIELD_RESOURCES, "requests.nvidia.com/gpu") != NULL, rows[i].stays, "%s",
                     rows[i].higher);
    }
}

/* What is settled between layers is an error in one of them, unless it stands for several. */
Test(injector_merge, a_merged_layer_may_say_what_two_may_say)
{
    static const char *const rows[] = {
        "{resources: {requests: {cpu: 2}, limits: {cpu: 1}}}",
        "{initContainers: [{name: x, image: 'a:1'}], sidecars: [{name: x, image: 'a:1'}]}",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_yaml_docs docs;
        gt_err err;
        gt_check one = {.arena = arena}, merged_one = {.arena = arena, .merged = true};
        cr_assert(gt_yaml_load(arena, gt_str_of(rows[i]), &docs, &err), "%s", err.text);
        cr_expect(!gt_template_parse(&one, NULL, docs.at[0], GT_LAYER_POOL, gt_layer_new(arena)), "row %zu", i);
        cr_expect(gt_template_parse(&merged_one, NULL, docs.at[0], GT_LAYER_POOL, gt_layer_new(arena)), "row %zu", i);
    }
}

Test(injector_merge, templates_that_are_wrong_say_so)
{
    static const char *const wrong[] = {
        "{imgae: x}",
        "{image: 5}",
        "{image: 'a b'}",
        "{env: [{name: GT_ROLE, value: x}]}",
        "{env: [{name: A, value: 1}]}",
        "{env: [{name: A}, {name: A}]}",
        "{resources: {requests: {cpu: 2}, limits: {cpu: 1}}}",
        "{resources: {limits: {cpu: much}}}",
        "{securityContext: {privileged: true}}",
        "{securityContext: {capabilities: {drop: []}}}",
        "{podSecurityContext: null}",
        "{unset: [securityContext]}",
        "{unset: [tolerations.x]}",
        "{unset: [labels.]}",
        "{volumes: [{name: v, hostPath: {path: /}}]}",
        "{volumes: [{name: workspace, emptyDir: {}}]}",
        "{sidecars: [{name: s}]}",
        "{ports: [{containerPort: 1, hostPort: 1}]}",
        "{labels: {gastown.io/rig: x}}",
        "{storage: {kind: Disk}}",
        "{agent: {apiKeySecret: {nam: x}}}",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        SCOPED_ARENA(arena);
        gt_yaml_docs docs;
        gt_err err;
        gt_check check = {.arena = arena};
        cr_assert(gt_yaml_load(arena, gt_str_of(wrong[i]), &docs, &err), "%s: %s", wrong[i], err.text);
        cr_expect(!gt_template_parse(&check, NULL, docs.at[0], GT_LAYER_ROLE, gt_layer_new(arena)), "%s", wrong[i]);
        cr_expect(check.first != NULL && check.first->field.len > 0, "%s: a finding names its field", wrong[i]);
    }
}
