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
