#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "injector/trial.h"
#include "tests/unit/test_injector_support.h"

/* The notes of a trial, a line each. */
static const char *tried(gt_arena *arena, const gt_snapshot *snapshot, const gt_trial_wanted *wanted,
                         gt_trial_report *report)
{
    gt_err err;
    gt_buf text;
    cr_assert(gt_trial(arena, snapshot, wanted, report, &err), "%s", err.text);
    gt_buf_init(&text, arena, 256);
    for (const gt_trial_note *note = report->notes; note != NULL; note = note->next)
        gt_buf_printf(&text, "%s%s", note == report->notes ? "" : "\n", gt_trial_text(arena, note).at);
    return text.at;
}

#define GOOD_RIG RIG_OF("gastown", "{name: gastown}")

Test(trial, good_templates_say_nothing)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    SCOPED_SNAPSHOT(
        town, TOWN_OF("{defaults: {image: 'ghcr.io/acme/agent:1', git: {repository: 'https://h/r'}}}")
                  GOOD_RIG POOL_OF("p", "{rig: gastown, role: reviewer, template: {env: [{name: A, value: b}]}}"));
    cr_assert_str_eq(tried(arena, town, NULL, &report), "");
    cr_assert_eq(report.tried, 8, "mayor, deacon, dog; polecat, crew, witness, refinery, reviewer: %zu", report.tried);
    cr_assert_eq(report.skipped, 0);
}

#define CLASS_OF(name)                                                                                                 \
    "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: " name "}, provisioner: x}\n"

Test(trial, the_roles_own_class_of_storage_must_be_there)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {TOWN_OF("{defaults: {image: 'a:1'}}") GOOD_RIG CLASS_OF("standard"),
         "pods of crew in rig gastown and of 2 more roles: storage.storageClassName: no StorageClass is called gp3, "
         "which "
         "is the role's own: its claims stay Pending; name another one in defaults, or unset it"},
        {TOWN_OF("{defaults: {image: 'a:1'}}") GOOD_RIG CLASS_OF("gp3"), ""},
        {TOWN_OF("{defaults: {image: 'a:1', storage: {storageClassName: standard}}}") GOOD_RIG CLASS_OF("standard"),
         ""},
        {TOWN_OF("{defaults: {image: 'a:1', unset: [storage.storageClassName]}}") GOOD_RIG CLASS_OF("standard"), ""},
        {TOWN_OF("{defaults: {image: 'a:1'}}") GOOD_RIG, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED_SNAPSHOT(town, rows[i].yaml);
        cr_expect_str_eq(tried(arena, town, NULL, &report), rows[i].said, "row %zu: %s", i,
                         tried(arena, town, NULL, &report));
    }
}

Test(trial, a_town_that_leaves_the_image_to_its_pods_is_fine)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    static const char *const policies[] = {"{}", "{imageAllowlist: [ghcr.io/acme/], requireImageDigest: true}",
                                           "{imageAllowlist: ['localhost:5000', docker.io]}"};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        const char *yaml = gt_arena_printf(arena,
                                           "{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: main, "
                                           "namespace: gastown}, spec: {policy: %s}}\n" GOOD_RIG,
                                           policies[i]);
        SCOPED_SNAPSHOT(town, yaml);
        cr_expect_str_eq(tried(arena, town, NULL, &report), "", "%s: %s", policies[i],
                         tried(arena, town, NULL, &report));
    }
}

Test(trial, a_policy_that_refuses_a_templates_own_value_is_told_once_with_whose_it_is)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    SCOPED_SNAPSHOT(town, TOWN_OF("{policy: {imageAllowlist: [ghcr.io/acme]}, defaults: {image: 'ghcr.io/acme/a:1'}}")
                              RIG_OF("gastown", "{name: gastown, podOverrides: {image: 'quay.io/evil:1'}}"));
    cr_assert_str_eq(
        tried(arena, town, NULL, &report),
        "pods of crew in rig gastown and of 3 more roles are denied: spec.containers[agent].image: "
        "quay.io/evil:1 is from nowhere that the town's policy allows (spec.policy.imageAllowlist of GasTown/main) "
        "(from Rig/gastown.podOverrides)");
    const gt_trial_note *note = report.notes;
    cr_assert_eq(note->outcome, GT_TRIAL_DENIED);
    cr_assert_eq(note->code, 403);
    cr_assert_eq(note->pods, 4);
    cr_assert_eq(note->document_count, 2);
    cr_assert_eq(note->documents[0], 1, "the rig first: its value it is");
    cr_assert_eq(note->documents[1], 0);
    cr_assert_gt(note->line, 0);
    cr_assert_eq(report.counts[GT_TRIAL_DENIED], 1);
    cr_assert_eq(report.counts[GT_TRIAL_FAILED], 0);
}

Test(trial, a_role_that_nobody_has_thought_of_makes_no_noise)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    /* the role profile's own limits are above the town's; only the crew was thought of, and forgotten to be made smaller */
    SCOPED_SNAPSHOT(town, TOWN_OF("{policy: {maxResources: {cpu: 1}}, defaults: {image: 'a:1'}}") RIG_OF(
                              "gastown", "{name: gastown, roleOverrides: {crew: {env: [{name: A, value: b}]}}}"));
    cr_assert_str_eq(
        tried(arena, town, NULL, &report),
        "pods of crew in rig gastown are denied: spec.containers[agent].resources.limits.cpu: 2 is above the "
        "town's 1 (spec.policy.maxResources of GasTown/main) (from role profile)");
}

/* Each is another pod, whatever the one before was like. */
Test(trial, every_role_that_an_object_names_is_tried)
{
    static const char *const roles[] = {"crew", "polecat", "refinery", "witness", "zoologist"};
    for (size_t i = 0; i < COUNT(roles); i++) {
        gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
        gt_trial_report report;
        const char *yaml =
            gt_arena_printf(arena,
                            TOWN_OF("{policy: {imageAllowlist: [ghcr.io/acme]}, defaults: {image: 'ghcr.io/acme/a:1'}}")
                                GOOD_RIG POOL_OF("p", "{rig: gastown, role: %s, template: {image: 'quay.io/x:1'}}"),
                            roles[i]);
        SCOPED_SNAPSHOT(town, yaml);
        const char *begin = gt_arena_printf(arena, "pods of %s in rig gastown are denied: ", roles[i]);
        const char *text = tried(arena, town, NULL, &report);
        cr_expect_eq(strncmp(text, begin, strlen(begin)), 0, "%s: %s", roles[i], text);
        cr_expect_eq(report.counts[GT_TRIAL_DENIED], 1);
    }
}

Test(trial, layers_that_dont_go_together_are_told)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    SCOPED_SNAPSHOT(
        town, TOWN_OF("{defaults: {image: 'a:1', sidecars: [{name: x, image: 'b:1'}]}}")
                  POOL_OF("p", "{rig: gastown, role: polecat, template: {initContainers: [{name: x, image: 'c:1'}]}}"));
    const char *text = tried(arena, town, NULL, &report);
    cr_assert(holds(gt_str_of(text), "pods of polecat in rig gastown are denied: spec.initContainers[x]: two layers"),
              "%s", text);
}

Test(trial, what_gives_way_between_layers_is_a_warning)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    SCOPED_SNAPSHOT(
        town, TOWN_OF("{defaults: {image: 'a:1', resources: {requests: {memory: 8Gi}, limits: {memory: 8Gi}}}}")
                  RIG_OF("gastown", "{name: gastown, roleOverrides: {crew: {resources: {limits: {memory: 2Gi}}}}}"));
    cr_assert_str_eq(
        tried(arena, town, NULL, &report),
        "pods of crew in rig gastown: spec.containers[agent].resources.requests.memory: 8Gi lowered to 2Gi, "
        "the limit of Rig/gastown.roleOverrides[crew]");
    cr_assert_eq(report.notes->outcome, GT_TRIAL_WARNED);
}

Test(trial, only_pods_that_a_changed_object_has_a_part_in)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    SCOPED_SNAPSHOT(town, TOWN_OF("{defaults: {image: 'a:1'}}") GOOD_RIG RIG_OF("other", "{name: other}")
                              POOL_OF("p", "{rig: other, role: crew}"));
    static const struct {
        bool changed[4];
        size_t tried;
    } cases[] = {{{false}, 0}, {{true}, 11}, {{false, true}, 4}, {{false, false, false, true}, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gt_trial_wanted wanted = {.changed = cases[i].changed};
        tried(arena, town, &wanted, &report);
        cr_expect_eq(report.tried, cases[i].tried, "case %zu: %zu", i, report.tried);
    }
    const gt_trial_wanted of_rig = {.rig = GT_STR("other")}, few = {.most = 3};
    tried(arena, town, &of_rig, &report);
    cr_expect_eq(report.tried, 4);
    tried(arena, town, &few, &report);
    cr_expect_eq(report.tried, 3);
    cr_expect_eq(report.skipped, 8);
}

Test(trial, pods_that_need_a_broken_object_are_skipped_and_a_missing_town_is_no_news)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    SCOPED_SNAPSHOT(town, TOWN_OF("{defaults: {image: 'a:1'}}")
                              RIG_OF("gastown", "{name: gastown, podOverrides: {imgae: x}}"));
    cr_assert_str_eq(tried(arena, town, NULL, &report), "");
    cr_assert_eq(report.skipped, 4);
    SCOPED_SNAPSHOT(none, RIG_OF("gastown", "{name: gastown}"));
    cr_assert_str_eq(tried(arena, none, NULL, &report), "");
    cr_assert_eq(report.tried, 0);
}

Test(trial, a_pod_that_takes_too_much_memory_is_named)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    gt_buf yaml;
    gt_buf_init(&yaml, arena, 1024);
    gt_buf_text(&yaml, TOWN_OF("{defaults: {image: 'a:1'}}"));
    gt_buf_text(
        &yaml, "---\n{apiVersion: gastown.io/v1alpha1, kind: AgentPool, metadata: {name: p, namespace: gastown}, spec: "
               "{rig: gastown, role: crew, template: {env: [");
    for (int i = 0; i < 1000; i++)
        gt_buf_printf(&yaml, "{name: VARIABLE_%d, value: x},", i);
    gt_buf_text(&yaml, "]}}}\n");
    SCOPED_SNAPSHOT(town, yaml.at);
    const gt_trial_wanted wanted = {.memory = (size_t)256 * 1024};
    gt_err err;
    cr_assert_not(gt_trial(arena, town, &wanted, &report, &err));
    cr_assert_eq(err.kind, GT_ERR_NOMEM);
    cr_assert_str_eq(err.text, "trying the pods of crew in rig gastown: out of memory (262144 bytes may be used here)");
    cr_assert_str_eq(tried(arena, town, NULL, &report), "", "with the usual limit it's fine");
}

Test(trial, a_report_that_has_no_memory_says_so)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(2048);
    SCOPED_SNAPSHOT(town, TOWN_OF("{defaults: {image: 'a:1'}}") GOOD_RIG);
    gt_trial_report report;
    gt_err err;
    cr_assert_not(gt_trial(arena, town, NULL, &report, &err));
    cr_assert_eq(err.kind, GT_ERR_NOMEM);
}

Test(trial, thousands_of_different_notes_are_counted_and_the_first_hundred_kept)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_trial_report report;
    gt_buf yaml;
    gt_buf_init(&yaml, arena, 1024);
    gt_buf_text(&yaml, TOWN_OF("{policy: {imageAllowlist: [ghcr.io/acme]}}"));
    for (int i = 0; i < 300; i++)
        gt_buf_printf(
            &yaml,
            "---\n{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: r%d, namespace: gastown}, spec: "
            "{name: 'r%d', podOverrides: {image: 'quay.io/x:%d'}}}\n",
            i, i, i);
    SCOPED_SNAPSHOT(town, yaml.at);
    tried(arena, town, NULL, &report);
    size_t kept = 0;
    for (const gt_trial_note *note = report.notes; note != NULL; note = note->next)
        kept++;
    cr_assert_eq(kept, GT_TRIAL_MOST_NOTES);
    cr_assert_geq(report.counts[GT_TRIAL_DENIED], 300);
}

/* All objects of a large town: well below a second. The limit leaves room for a sanitizer and a busy machine. */
Test(trial, four_thousand_objects_are_tried_in_less_than_a_second, .timeout = 60)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_buf yaml;
    gt_yaml_docs docs;
    gt_err err;
    gt_trial_report report;
    gt_snapshot *large = NULL;
    gt_arena *own = gt_arena_new(0);
    enum { RIGS = 2000 };
    gt_document *documents = GT_NEW_N(own, gt_document, 2 * RIGS + 1);
    for (size_t i = 0; i <= (size_t)2 * RIGS; i++) {
        gt_buf_init(&yaml, arena, 512);
        if (i == 0)
            gt_buf_text(&yaml, TOWN_OF("{defaults: {image: 'a:1', env: [{name: A, value: b}]}}"));
        else
            gt_buf_printf(&yaml,
                          i % 2 == 1
                              ? "{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: r%zu, namespace: "
                                "gastown}, spec: {name: 'r%zu', roleOverrides: {crew: {storage: {size: 20Gi}}}}}\n"
                              : "{apiVersion: gastown.io/v1alpha1, kind: AgentPool, metadata: {name: p%zu, namespace: "
                                "gastown}, spec: {rig: 'r%zu', role: polecat}}\n",
                          (i + 1) / 2, (i + 1) / 2);
        cr_assert(gt_yaml_load(own, gt_buf_slice(&yaml), &docs, &err), "%s", err.text);
        documents[i] = (gt_document){GT_STR("a"), docs.at[0]};
    }
    cr_assert(gt_snapshot_build(own, documents, (size_t)2 * RIGS + 1, GT_CLAIMS_FIRST_HOLDS, &large, &err), "%s",
              err.text);
    clock_t start = clock();
    cr_assert_str_eq(tried(arena, large, NULL, &report), "");
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    gt_snapshot_free(large);
    fprintf(stderr, "%d objects, %zu pods: %.2f s\n", 2 * RIGS + 1, report.tried, seconds);
    cr_assert_eq(report.tried, 4 * RIGS + 3);
#ifdef GT_ARENA_EACH
    cr_assert_lt(seconds, 20);
#else
    cr_assert_lt(seconds, 2);
#endif
}
