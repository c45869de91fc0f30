/* Plans are kept as what each tier changes: for any templates what comes out must be what merging all of them comes to. */
#include "injector/plan.h"
#include "injector/roles.h"
#include "tests/unit/test_injector_support.h"

/* Fields of templates: values, nulls, deletions, and what takes away. A template is some of them, one at most of each row. */
static const char *const fields[][5] = {
    {"image: 'a:1'", "image: 'a:2'", "image: null"},
    {"env: [{name: A, value: '1'}, {name: B, value: '2'}]", "env: [{name: B, $patch: delete}, {name: C, value: x}]",
     "env: [{name: C, value: why}, {name: A, value: '3'}]", "env: null"},
    {"labels: {a: b, c: d}", "labels: {a: null, e: f}", "labels: {c: x}", "labels: {a: z}"},
    {"annotations: {'cluster-autoscaler.kubernetes.io/safe-to-evict': null}", "annotations: {x: 'y'}"},
    {"resources: {requests: {cpu: 1}, limits: {cpu: 2}}", "resources: {limits: {memory: 9Gi, cpu: null}}",
     "resources: {requests: {cpu: 3, memory: 7Gi}}", "resources: null"},
    {"storage: {size: 1Gi}", "storage: {size: null, storageClassName: fast}", "storage: {storageClassName: ''}"},
    {"securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}", "securityContext: {runAsUser: 7}",
     "securityContext: {runAsUser: null}"},
    {"tolerations: []", "tolerations: [{key: a, operator: Exists}]", "tolerations: null"},
    {"git: {branch: main}", "git: {depth: 1, branch: null}", "git: null"},
    {"terminationGracePeriodSeconds: 7", "terminationGracePeriodSeconds: null"},
    {"volumes: [{name: v, emptyDir: {}}]", "volumes: [{name: v, $patch: delete}, {name: w, emptyDir: {}}]"},
    {"unset: [env]", "unset: [labels.a, resources.limits, storage.size]", "unset: [image, resources, annotations]",
     "unset: [securityContext.runAsUser, env.A, tolerations, volumes]", "unset: [storage, git.branch, labels]"},
};

static uint64_t next(uint64_t *seed, uint64_t most)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (*seed >> 33) % most;
}

static const char *some_template(gt_arena *arena, uint64_t *seed)
{
    gt_buf text;
    gt_buf_init(&text, arena, 256);
    for (size_t i = 0; i < COUNT(fields); i++) {
        size_t n = 0;
        while (n < COUNT(fields[i]) && fields[i][n] != NULL)
            n++;
        if (next(seed, 3) == 0)
            gt_buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", fields[i][next(seed, n)]);
    }
    return gt_arena_printf(arena, "{%s}", text.at);
}

static const gt_layer *over(gt_arena *arena, const gt_layer *lower, const char *template, gt_layer_id origin)
{
    gt_layer *layer = gt_layer_new(arena);
    gt_check check = {.arena = arena};
    bool good = gt_template_parse(&check, NULL, value_of(arena, template), origin, layer);
    cr_assert(good, "%s: %s", template, good ? "" : check.first->message.at);
    return gt_layer_merge(arena, lower, layer);
}

/* Cells that matter to anybody: with their layers. */
static gt_str cells_of(gt_arena *arena, const gt_layer *layer)
{
    gt_buf text;
    gt_buf_init(&text, arena, 512);
    for (int f = 0; f < GT_FIELD_COUNT; f++)
        for (uint32_t i = 0; i < layer->cells[f].count; i++) {
            const gt_cell *cell = &layer->cells[f].at[i];
            gt_buf_printf(&text, "%d %.*s %d %d ", f, GT_STR_ARG(cell->key), cell->origin, cell->beaten);
            if (cell->value != NULL)
                gt_value_canonical(&text, cell->value);
            gt_buf_byte(&text, '\n');
        }
    return gt_buf_slice(&text);
}

static void same_fields(gt_arena *arena, size_t round, const char *role, const gt_plan *plan, const gt_layer *merged)
{
    expect_text(round, shown(arena, gt_layer_to_value(arena, plan->merged)),
                shown(arena, gt_layer_to_value(arena, merged)).at);
    expect_text(round, cells_of(arena, plan->merged), cells_of(arena, merged).at);
    for (int f = 0; f < GT_FIELD_COUNT; f++) {
        gt_buf canonical;
        gt_buf_init(&canonical, arena, 128);
        gt_layer_canonical_field(&canonical, merged, (gt_field_id)f);
        cr_expect(gt_str_eq(plan->canonical[f], gt_buf_slice(&canonical)), "round %zu, %s, %s: %.*s instead of %s",
                  round, role, gt_field_rows[f].name, GT_STR_ARG(plan->canonical[f]), canonical.at);
    }
}

Test(injector_plans, come_to_what_all_their_layers_merged_come_to)
{
    static const char *const roles[] = {"crew", "polecat", "witness", "scout", ""};
    uint64_t seed = 5;
    for (size_t round = 0; round < 200; round++) {
        SCOPED_ARENA(arena);
        const char *town = some_template(arena, &seed), *rig = some_template(arena, &seed),
                   *crew = some_template(arena, &seed), *scout = some_template(arena, &seed),
                   *pool = some_template(arena, &seed);
        bool has_rig = next(&seed, 4) > 0, has_pool = next(&seed, 4) > 0;
        gt_scoped(snapshot_cleanup) gt_snapshot *snapshot = snapshot_of(gt_arena_printf(
            arena,
            "{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: m, namespace: gastown}, spec: {name: t, "
            "defaults: %s}}\n---\n"
            "{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: r, namespace: gastown}, spec: {name: %s, "
            "podOverrides: %s, roleOverrides: {crew: %s, scout: %s}}}\n---\n"
            "{apiVersion: gastown.io/v1alpha1, kind: AgentPool, metadata: {name: p, namespace: gastown}, spec: {rig: "
            "%s, role: crew, template: %s}}\n",
            town, has_rig ? "here" : "there", rig, crew, scout, has_pool ? "here" : "there", pool));
        for (const gt_finding *f = gt_snapshot_findings(snapshot); f != NULL; f = f->next)
            cr_assert(!f->error, "%s", findings_of(arena, f).at);
        for (size_t i = 0; i < COUNT(roles); i++) {
            gt_plan plan;
            gt_str message = {"", 0}, role = gt_str_of(roles[i]);
            bool is_crew = gt_str_is(role, "crew"), is_scout = gt_str_is(role, "scout");
            cr_assert_eq(gt_snapshot_plan(arena, snapshot, GT_STR("gastown"), GT_STR("here"), role, &plan, &message),
                         GT_LOOKUP_FOUND, "round %zu: %.*s", round, GT_STR_ARG(message));
            const gt_layer *merged =
                gt_role_layer(arena, gt_role_profile(gt_role_of(role)), plan.town->policy.security);
            merged = over(arena, merged, town, GT_LAYER_TOWN);
            if (has_rig)
                merged = over(arena, merged, rig, GT_LAYER_RIG);
            if (has_rig && (is_crew || is_scout))
                merged = over(arena, merged, is_crew ? crew : scout, GT_LAYER_ROLE);
            if (has_pool && is_crew)
                merged = over(arena, merged, pool, GT_LAYER_POOL);
            same_fields(arena, round, roles[i], &plan, merged);
        }
    }
}
