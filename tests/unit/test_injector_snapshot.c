#include "injector/snapshot.h"

#include "tests/unit/test_injector_support.h"

#define TOWN TOWN_OF("{defaults: {image: 'a:1'}}")
#define BROKEN_TOWN TOWN_OF("{defaults: {image: 5}}")

#define HELD_BY(title) "error : the same place is held by " title ", which is older: pods use that one, keep one"

/* "image layers" for an agent, or the status and its message. */
static gt_str look_up(gt_arena *arena, const gt_snapshot *snapshot, const char *ns, const char *rig, const char *role)
{
    static const char *const names[] = {"", "none: ", "conflict: ", "broken: "};
    gt_plan plan;
    gt_str message = {"", 0};
    gt_lookup status =
        gt_snapshot_plan(arena, snapshot, gt_str_of(ns), gt_str_of(rig), gt_str_of(role), &plan, &message);
    if (status != GT_LOOKUP_FOUND)
        return gt_str_of(gt_arena_printf(arena, "%s%.*s", names[status], GT_STR_ARG(message)));
    gt_str image = gt_value_str(gt_layer_value(plan.merged, GT_FIELD_IMAGE, ""));
    return gt_str_of(gt_arena_printf(arena, "%.*s %.*s", GT_STR_ARG(image), GT_STR_ARG(plan.contributors)));
}

typedef struct lookup_row {
    const char *ns, *rig, *role, *out;
} lookup_row;

static void check(const char *yaml, const lookup_row *rows, size_t n)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, yaml);
    for (size_t i = 0; i < n; i++) {
        gt_str got = look_up(arena, snapshot, rows[i].ns, rows[i].rig, rows[i].role);
        cr_expect_str_eq(got.at, rows[i].out, "row %zu, %s/%s/%s:\n    is        %s\n    should be %s", i, rows[i].ns,
                         rows[i].rig, rows[i].role, got.at, rows[i].out);
    }
}
#define CHECK(yaml, ...)                                                                                               \
    do {                                                                                                               \
        static const lookup_row rows[] = {__VA_ARGS__};                                                                \
        check(yaml, rows, COUNT(rows));                                                                                \
    } while (0)

Test(injector_snapshot, all_layers)
{
    CHECK(TOWN RIG_OF("r", "{name: gastown, podOverrides: {image: 'b:1'}, roleOverrides: {crew: {image: 'c:1'}, scout: "
                           "{image: 'd:1'}}}") POOL_OF("p", "{rig: gastown, role: crew, template: {image: 'e:1'}}")
              POOL_OF("q", "{rig: gastown, role: miner, template: {image: 'f:1'}}"),
          {"gastown", "gastown", "crew", "e:1 GasTown/main@12,Rig/r@7,AgentPool/p@3"},
          {"gastown", "gastown", "scout", "d:1 GasTown/main@12,Rig/r@7"},
          {"gastown", "gastown", "miner", "f:1 GasTown/main@12,Rig/r@7,AgentPool/q@3"},
          {"gastown", "gastown", "polecat", "b:1 GasTown/main@12,Rig/r@7"},
          {"gastown", "gastown", "never-heard-of", "b:1 GasTown/main@12,Rig/r@7"},
          {"gastown", "other", "crew", "a:1 GasTown/main@12"}, /* a missing rig skips its layer */
          {"gastown", "other", "scout", "a:1 GasTown/main@12"},
          {"gastown", "r", "crew", "a:1 GasTown/main@12"}, /* found by spec.name, not by metadata.name */
          {"gastown", "town", "mayor", "a:1 GasTown/main@12"},
          {"elsewhere", "gastown", "crew", "none: there is no GasTown in this namespace"});
}

/* Contributors are those whose block for this pod isn't empty; the town always is one. */
Test(injector_snapshot, contributors)
{
    CHECK(TOWN_OF("{}")
              RIG_OF("r", "{name: gastown, podOverrides: {}, roleOverrides: {crew: {}, dog: {workingDir: ''}}}")
                  POOL_OF("p", "{rig: gastown, role: crew, template: {}}"),
          {"gastown", "gastown", "crew", " GasTown/main@12"}, {"gastown", "gastown", "dog", " GasTown/main@12,Rig/r@7"},
          {"gastown", "gastown", "witness", " GasTown/main@12"});
}

Test(injector_snapshot, namespaces)
{
    CHECK("{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: any}, spec: {defaults: {image: "
          "'any:1'}}}\n---\n"
          "{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: here, namespace: here}, spec: {name: r, "
          "podOverrides: {image: 'here:1'}}}\n---\n"
          "{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: any}, spec: {name: s, podOverrides: {image: "
          "'s:1'}}}\n",
          {"here", "r", "crew", "here:1 GasTown/any@0,Rig/here@0"}, {"there", "r", "crew", "any:1 GasTown/any@0"},
          {"here", "s", "crew", "s:1 GasTown/any@0,Rig/any@0"}, {"there", "s", "crew", "s:1 GasTown/any@0,Rig/any@0"},
          {"", "s", "crew", "s:1 GasTown/any@0,Rig/any@0"});
}

static void check_conflict(const char *yaml, const char *rig, const char *role, const char *first, const char *second)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, yaml);
    gt_str got = look_up(arena, snapshot, "gastown", rig, role);
    cr_expect(gt_str_starts(got, "conflict: ") && holds(got, first) && holds(got, second), "%s", got.at);
    gt_str findings = findings_of(arena, gt_snapshot_findings(snapshot));
    cr_expect(holds(findings, "claims the same place as"), "%s", findings.at);
    cr_expect(gt_snapshot_accepted(snapshot, 0) && gt_snapshot_accepted(snapshot, 1), "each by itself is fine");
}

Test(injector_snapshot, two_that_claim_one_place)
{
    check_conflict(
        TOWN
        "---\n{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: other, namespace: gastown}, spec: {}}",
        "r", "crew", "GasTown/main", "GasTown/other");
    check_conflict(TOWN "---\n{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: any}, spec: {}}", "r",
                   "crew", "GasTown/main", "GasTown/any");
    check_conflict(TOWN RIG_OF("one", "{name: r}") RIG_OF("two", "{name: r}"), "r", "crew", "Rig/one", "Rig/two");
    check_conflict(TOWN POOL_OF("one", "{rig: r, role: crew}") POOL_OF("two", "{rig: r, role: crew}"), "r", "crew",
                   "AgentPool/one", "AgentPool/two");
}

#define OTHER_TOWN                                                                                                     \
    "---\n{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: other, namespace: gastown}, spec: "        \
    "{defaults: {image: 'o:1'}}}\n"

/* In a cluster: nobody's pods are denied because somebody else comes along with a second object. */
Test(injector_snapshot, the_first_that_claims_a_place_holds_it)
{
    static const struct {
        const char *yaml, *lookup; /* for crew in the rig r */
        const char *accepted;      /* + or - for each document */
        const char *findings;
    } rows[] = {
        {TOWN OTHER_TOWN, "a:1 GasTown/main@12", "+-", HELD_BY("GasTown/main")},
        {TOWN RIG_OF("one", "{name: r, podOverrides: {image: '1:1'}}")
             RIG_OF("two", "{name: r, podOverrides: {image: '2:1'}, roleOverrides: {crew: {image: '3:1'}}}"),
         "1:1 GasTown/main@12,Rig/one@7", "++-", HELD_BY("Rig/one")},
        {TOWN POOL_OF("one", "{rig: r, role: crew, template: {image: '1:1'}}")
             POOL_OF("two", "{rig: r, role: crew, template: {image: '2:1'}}") POOL_OF("three", "{rig: r, role: crew}"),
         "1:1 GasTown/main@12,AgentPool/one@3", "++--", HELD_BY("AgentPool/one") "\n" HELD_BY("AgentPool/one")},
        {TOWN POOL_OF("one", "{rig: r, role: crew, template: {image: '1:1'}}") POOL_OF("two", "{rig: r, role: dog}"),
         "1:1 GasTown/main@12,AgentPool/one@3", "+++", ""},
        /* a broken one has its place, too: its author puts it right, and nobody takes over meanwhile */
        {BROKEN_TOWN OTHER_TOWN, "broken: GasTown/main has errors and no earlier version of it is known", "--",
         "error spec.defaults.image: must be a string, is a number: quote it\n" HELD_BY("GasTown/main")},
        {TOWN RIG_OF("one", "{name: r}") RIG_OF("two", "{name: r, podOverrides: {image: 5}}"), "a:1 GasTown/main@12",
         "++-", "error spec.podOverrides.image: must be a string, is a number: quote it\n" HELD_BY("Rig/one")},
        /* those that don't say what they are for have no place to hold: pods wait for each */
        {TOWN RIG_OF("one", "{}") RIG_OF("two", "{name: r}"),
         "broken: Rig/one has errors and no earlier version of it is known", "+-+", "error spec.name: is missing"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_scoped(snapshot_cleanup) gt_snapshot *snapshot = snapshot_where(GT_CLAIMS_FIRST_HOLDS, rows[i].yaml);
        expect_text(i, look_up(arena, snapshot, "gastown", "r", "crew"), rows[i].lookup);
        expect_text(i, findings_of(arena, gt_snapshot_findings(snapshot)), rows[i].findings);
        size_t good = 0;
        for (size_t d = 0; rows[i].accepted[d] != '\0'; d++) {
            good += rows[i].accepted[d] == '+';
            cr_expect_eq(gt_snapshot_accepted(snapshot, d), rows[i].accepted[d] == '+', "row %zu, document %zu", i, d);
        }
        cr_expect_eq(gt_snapshot_objects(snapshot), good, "row %zu", i);
        for (const gt_finding *f = gt_snapshot_findings(snapshot); f != NULL; f = f->next)
            cr_expect_eq(f->conflict, holds(f->message, "is held by"), "row %zu: %s", i, f->message.at);
    }
}

/* Only the pods concerned. */
Test(injector_snapshot, a_conflict_concerns_nobody_else)
{
    CHECK(TOWN RIG_OF("one", "{name: r}") RIG_OF("two", "{name: r}")
              RIG_OF("three", "{name: s, podOverrides: {image: 's:1'}}") POOL_OF("one", "{rig: s, role: crew}")
                  POOL_OF("two", "{rig: s, role: crew}"),
          {"gastown", "s", "witness", "s:1 GasTown/main@12,Rig/three@7"},
          {"gastown", "t", "crew", "a:1 GasTown/main@12"}, {"gastown", "town", "mayor", "a:1 GasTown/main@12"});
}

/* A layer is never silently skipped: who may need a broken object isn't answered. */
Test(injector_snapshot, broken_objects)
{
    static const struct {
        const char *yaml, *rig, *role;
        bool broken;
    } rows[] = {
        {BROKEN_TOWN, "r", "crew", true},
        {TOWN RIG_OF("b", "{name: r, podOverrides: {image: 5}}"), "r", "crew", true},
        {TOWN RIG_OF("b", "{name: r, podOverrides: {image: 5}}"), "s", "crew", false},
        {TOWN RIG_OF("b", "{name: r, podOverrides: {image: 5}}"), "town", "mayor", false},
        {TOWN RIG_OF("b", "{name: r, roleOverrides: {crew: {image: 5}}}"), "r", "witness",
         true}, /* the object as a whole */
        {TOWN POOL_OF("b", "{rig: r, role: crew, template: {image: 5}}"), "r", "crew", true},
        {TOWN POOL_OF("b", "{rig: r, role: crew, template: {image: 5}}"), "r", "witness", false},
        {TOWN POOL_OF("b", "{rig: r, role: crew, template: {image: 5}}"), "s", "crew", false},
        /* those that don't say whom they are for */
        {TOWN RIG_OF("b", "{podOverrides: {image: 'b:1'}}"), "r", "crew", true},
        {TOWN RIG_OF("b", "{podOverrides: {image: 'b:1'}}") RIG_OF("c", "{name: s}"), "s", "crew", true},
        {TOWN RIG_OF("b", "[]"), "r", "crew", true},
        {TOWN POOL_OF("b", "{template: {image: 'b:1'}}"), "r", "crew", true},
        {TOWN POOL_OF("b", "{rig: r, template: {image: 'b:1'}}"), "r", "crew", true},
        {TOWN POOL_OF("b", "{rig: 5, role: crew, template: {image: 'b:1'}}"), "r", "crew", true},
        {TOWN "---\n{apiVersion: gastown.io/v1alpha1, kind: Rgi, metadata: {name: b}, spec: {}}", "r", "crew", true},
        {TOWN "---\n{apiVersion: gastown.io/v1alpha1, kind: Rig, spec: {name: r}}", "r", "crew", true},
        {TOWN "---\n{apiVersion: gastown.io/v2, kind: Rig, metadata: {name: b}, spec: {name: r}}", "r", "crew", true},
        /* another's documents are no business of ours */
        {TOWN "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}", "r", "crew", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_SNAPSHOT(snapshot, rows[i].yaml);
        gt_str got = look_up(arena, snapshot, "gastown", rows[i].rig, rows[i].role);
        cr_expect_eq(gt_str_starts(got, "broken: "), rows[i].broken, "row %zu: %s", i, got.at);
        const gt_finding *f = gt_snapshot_findings(snapshot);
        cr_expect(f != NULL && f->error, "row %zu: and check says why", i);
        cr_expect(!gt_snapshot_accepted(snapshot, f == NULL ? 0 : f->document), "row %zu", i);
    }
}

Test(injector_snapshot, a_file_that_nobody_can_read)
{
    gt_arena *arena = gt_arena_new(0);
    gt_document documents[] = {{GT_STR("town.yaml"), value_of(arena, TOWN)}, {GT_STR("secret.yaml"), NULL}};
    gt_snapshot *snapshot;
    gt_err err;
    cr_assert(gt_snapshot_build(arena, documents, 2, GT_CLAIMS_EQUAL, &snapshot, &err));
    SCOPED_ARENA(scratch);
    gt_str got = look_up(scratch, snapshot, "gastown", "r", "crew");
    cr_expect(gt_str_starts(got, "broken: ") && holds(got, "secret.yaml"), "%s", got.at);
    cr_expect(gt_snapshot_accepted(snapshot, 0) && !gt_snapshot_accepted(snapshot, 1) &&
              !gt_snapshot_accepted(snapshot, 2));
    cr_expect_eq(gt_snapshot_objects(snapshot), 1);
    gt_snapshot_free(snapshot);
    gt_snapshot_free(NULL);
}

/* A plan is what a rig changes, not a copy of all that its town says. */
Test(injector_snapshot, many_rigs_take_little)
{
    enum { RIGS = 500, BYTES = 3000, ENV = 200 };
    SCOPED_ARENA(arena);
    gt_buf yaml;
    gt_buf_init(&yaml, arena, 1 << 16);
    gt_buf_text(&yaml, "{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: main, namespace: gastown}, "
                       "spec: {defaults: {env: [");
    for (int i = 0; i < ENV; i++)
        gt_buf_printf(&yaml, "%s{name: VARIABLE_%d, value: 'the value of %d'}", i == 0 ? "" : ", ", i, i);
    gt_buf_text(&yaml, "]}}}\n");
    for (int i = 0; i < RIGS; i++)
        gt_buf_printf(&yaml,
                      RIG_OF("r%d", "{name: rig%d, podOverrides: {image: 'rig:%d'}, roleOverrides: {crew: "
                                    "{storage: {size: 20Gi}}, scout: {workingDir: /%d}}}"),
                      i, i, i, i);
    SCOPED_SNAPSHOT(snapshot, yaml.at);
    cr_expect_lt(gt_snapshot_bytes(snapshot) / RIGS, BYTES, "%zu bytes for a rig", gt_snapshot_bytes(snapshot) / RIGS);
    expect_text(0, look_up(arena, snapshot, "gastown", "rig17", "scout"), "rig:17 GasTown/main@0,Rig/r17@7");
    expect_text(1, look_up(arena, snapshot, "gastown", "rig18", "mayor"), "rig:18 GasTown/main@0,Rig/r18@7");
    gt_plan plan;
    gt_str message;
    cr_assert_eq(gt_snapshot_plan(arena, snapshot, GT_STR("gastown"), GT_STR("rig19"), GT_STR("crew"), &plan, &message),
                 GT_LOOKUP_FOUND);
    cr_expect_eq(plan.merged->cells[GT_FIELD_ENV].count, ENV);
    gt_str last = GT_STR("VARIABLE_199"), size = GT_STR("size");
    cr_expect_not_null(gt_layer_get(plan.merged, GT_FIELD_ENV, last));
    expect_text(2, gt_plan_cell(&plan, GT_LAYER_ROLE, GT_FIELD_STORAGE, size)->value->text, "20Gi");
    expect_text(3, gt_plan_cell(&plan, GT_LAYER_PROFILE, GT_FIELD_STORAGE, size)->value->text, "10Gi");
    cr_expect_null(gt_plan_cell(&plan, GT_LAYER_POOL, GT_FIELD_STORAGE, size));
    cr_expect_null(gt_plan_cell(&plan, GT_LAYER_EVENT, GT_FIELD_STORAGE, size));
    cr_expect_null(gt_plan_cell(&plan, GT_LAYER_TOWN, GT_FIELD_STORAGE, size));
}

/* What is handed over for the hash is what the merged layer says, field by field. */
Test(injector_snapshot, canonical_fields_are_those_of_the_merged_layer)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(
        snapshot,
        TOWN_OF("{defaults: {image: 'a:1', env: [{name: A, value: '1'}, {name: B, value: '2'}], labels: {a: "
                "b}, resources: {limits: {cpu: 3}}, tolerations: [{key: x}]}, daemon: {host: h}}")
            RIG_OF("r", "{name: r, podOverrides: {env: [{name: A, $patch: delete}], tolerations: null, git: "
                        "{repository: 'https://h/r'}, unset: [labels]}, roleOverrides: {crew: {labels: {c: "
                        "d}, storage: {size: 20Gi}}}}")
                POOL_OF("p", "{rig: r, role: crew, template: {image: 'p:1', resources: {limits: {cpu: 1}}}}"));
    static const char *const agents[][2] = {{"r", "crew"},  {"r", "polecat"}, {"r", "witness"}, {"r", "scout"},
                                            {"r", "mayor"}, {"s", "crew"},    {"", "dog"}};
    for (size_t i = 0; i < COUNT(agents); i++) {
        gt_plan plan;
        gt_str message;
        cr_assert_eq(gt_snapshot_plan(arena, snapshot, GT_STR("gastown"), gt_str_of(agents[i][0]),
                                      gt_str_of(agents[i][1]), &plan, &message),
                     GT_LOOKUP_FOUND);
        for (int f = 0; f < GT_FIELD_COUNT; f++) {
            gt_buf field;
            gt_buf_init(&field, arena, 64);
            gt_layer_canonical_field(&field, plan.merged, (gt_field_id)f);
            cr_expect(gt_str_eq(plan.canonical[f], gt_buf_slice(&field)), "%s/%s %s: %s, should be %s", agents[i][0],
                      agents[i][1], gt_field_rows[f].name, plan.canonical[f].at, field.at);
        }
    }
}

Test(injector_snapshot, nothing_at_all)
{
    SCOPED_ARENA(scratch);
    gt_arena *arena = gt_arena_new(0);
    gt_snapshot *snapshot;
    gt_err err;
    cr_assert(gt_snapshot_build(arena, NULL, 0, GT_CLAIMS_EQUAL, &snapshot, &err));
    expect_text(0, look_up(scratch, snapshot, "gastown", "r", "crew"), "none: there is no GasTown in this namespace");
    expect_text(0, look_up(scratch, snapshot, "", "", ""), "none: there is no GasTown in this namespace");
    cr_expect_eq(gt_snapshot_objects(snapshot), 0);
    gt_snapshot_free(snapshot);
}

Test(injector_snapshot, memory_that_runs_out_is_an_error)
{
    SCOPED_ARENA(documents);
    gt_document document = {GT_STR("town.yaml"), value_of(documents, TOWN)};
    SCOPED_LIMITED_ARENA(arena, 4096);
    gt_snapshot *snapshot;
    gt_err err;
    cr_expect(!gt_snapshot_build(arena, &document, 1, GT_CLAIMS_EQUAL, &snapshot, &err));
    cr_expect_eq(err.kind, GT_ERR_NOMEM);
}

/* ---- findings about objects ---- */

Test(injector_snapshot, findings)
{
    static const struct {
        const char *yaml, *finding; /* as it begins; "" for none */
    } rows[] = {
        {TOWN, ""},
        {TOWN_OF("{name: t, daemon: {host: h, port: 1, tokenSecretRef: {name: s, key: k}}, defaults: null, policy: "
                 "null, rigSelector: {a: b}}"),
         ""},
        {TOWN_OF("{nam: t}"), "error spec.nam: unknown field (did you mean name?)"},
        {TOWN_OF("{name: 5}"), "error spec.name: must be a string"},
        {TOWN_OF("{daemon: {hots: h}}"), "error spec.daemon.hots: unknown field (did you mean host?)"},
        {TOWN_OF("{daemon: {port: 0}}"), "error spec.daemon.port: must be a port"},
        {TOWN_OF("{daemon: {port: '1'}}"), "error spec.daemon.port"},
        {TOWN_OF("{daemon: {tokenSecretRef: {key: k}}}"), "error spec.daemon.tokenSecretRef.name: is missing"},
        {TOWN_OF("{daemon: {tokenSecretRef: {name: s, key: 5}}}"), "error spec.daemon.tokenSecretRef.key"},
        {TOWN_OF("{daemon: {host: null, port: null, tokenSecretRef: null}}"), ""},
        {TOWN_OF("{policy: {podSecurity: privileged}}"), "error spec.policy.podSecurity: must be one of"},
        {TOWN_OF("{policy: {eventOverrides: [images]}}"), "error spec.policy.eventOverrides[0]"},
        {TOWN_OF("{policy: {eventOverrides: []}}"), ""},
        {TOWN_OF("{policy: {imageAllowlist: ['']}}"), "error spec.policy.imageAllowlist[0]"},
        {TOWN_OF("{policy: {requireImageDigest: 'yes'}}"), "error spec.policy.requireImageDigest"},
        {TOWN_OF("{policy: {riglessRoles: [Scout]}}"), "error spec.policy.riglessRoles[0]"},
        {TOWN_OF("[]"), "error spec: must be an object"},
        {RIG_OF("r", "{name: ''}"), "error spec.name: is empty"},
        {RIG_OF("r", "{}"), "error spec.name: is missing"},
        {RIG_OF("r", "{name: x, roleOverrides: {Crew: {}}}"),
         "error spec.roleOverrides.Crew: \"Crew\" can't be a role"},
        {RIG_OF("r", "{name: x, roleOverrides: {crew: {imag: x}}}"),
         "error spec.roleOverrides.crew.imag: unknown field"},
        {RIG_OF("r", "{name: x, roleOverrides: {crew: null}, podOverrides: null, polecats: null}"), ""},
        {RIG_OF("r", "{name: x, polecats: {maxRuntime: 2h, cleanupAfter: 5m}}"), ""},
        {RIG_OF("r", "{name: x, polecats: {maxRuntime: two}}"), "error spec.polecats.maxRuntime"},
        {RIG_OF("r", "{name: x, polecats: {max: 2h}}"), "error spec.polecats.max"},
        {POOL_OF("p", "{rig: r}"), "error spec.role: is missing"},
        {POOL_OF("p", "{rig: r, role: Crew}"), "error spec.role: \"Crew\" can't be a role"},
        {POOL_OF("p", "{rig: r, role: crew, size: 3}"), "error spec.size: unknown field"},
        {"{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: A_b}, spec: {}}", "error metadata.name"},
        {"{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: a, namespace: 5}, spec: {}}",
         "error metadata.namespace"},
        {"{apiVersion: v1, kind: GasTown, metadata: {name: a}, spec: {}}",
         "error apiVersion: must be gastown.io/v1alpha1"},
        {"{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: a}}", "error spec"},
        {"{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: a}, spec: {}, extra: 1}",
         "error extra: unknown field"},
        {"[]", "error"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_SNAPSHOT(snapshot, rows[i].yaml);
        gt_str got = findings_of(arena, gt_snapshot_findings(snapshot));
        cr_expect(gt_str_starts(got, rows[i].finding) && (got.len == 0) == (rows[i].finding[0] == '\0'),
                  "%s:\n    is        %s\n    should be %s", rows[i].yaml, got.at, rows[i].finding);
    }
}

#define CLASS_OF(name, more)                                                                                           \
    "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: " name "}, provisioner: ebs" more "}\n"

Test(injector_snapshot, storage_classes)
{
    static const struct {
        const char *yaml, *findings; /* all of them */
    } rows[] = {
        {TOWN CLASS_OF("gp3", ", parameters: {type: gp3}, allowVolumeExpansion: true, mountOptions: [discard]"), ""},
        {TOWN_OF("{defaults: {storage: {storageClassName: gp4}}}"), ""}, /* nothing is known about classes */
        {TOWN CLASS_OF("fast", ""), ""},                                 /* layer 0 says gp3: nobody here did */
        {TOWN_OF("{defaults: {storage: {storageClassName: gp4}}}") CLASS_OF("other", "") CLASS_OF("gp3", ""),
         "warning spec.defaults.storage.storageClassName: no StorageClass is called gp4 (did you mean gp3?)"},
        {TOWN RIG_OF("r", "{name: r, podOverrides: {storage: {storageClassName: gp3}}, roleOverrides: {crew: {storage: "
                          "{storageClassName: slow}}, dog: {storage: {storageClassName: ''}}}}") CLASS_OF("gp3", ""),
         "warning spec.roleOverrides.crew.storage.storageClassName: no StorageClass is called slow"},
        {TOWN RIG_OF("r", "{name: r, podOverrides: {storage: {storageClassName: gp}}}") CLASS_OF("gp3", ""),
         "warning spec.podOverrides.storage.storageClassName: no StorageClass is called gp (did you mean gp3?)"},
        {TOWN POOL_OF("p", "{rig: r, role: crew, template: {storage: {storageClassName: gp2}, unset: [storage.size]}}")
             CLASS_OF("gp3", ""),
         "warning spec.template.storage.storageClassName: no StorageClass is called gp2 (did you mean gp3?)"},
        {TOWN POOL_OF("p", "{rig: r, role: crew, template: {storage: {storageClassName: null}}}") CLASS_OF("gp3", ""),
         ""},
        /* what is wrong with them */
        {TOWN CLASS_OF("gp3", ", allowVolumeExpansion: 'yes'"),
         "error allowVolumeExpansion: must be true or false, is a string"},
        {TOWN CLASS_OF("gp3", ", allowVolumeExpansion: null"), ""},
        {TOWN "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: gp3, namespace: gastown}}\n",
         "error metadata.namespace: a StorageClass is the whole cluster's: it has no namespace"},
        {TOWN "---\n{apiVersion: v1, kind: StorageClass, metadata: {name: gp3}}\n",
         "error apiVersion: must be storage.k8s.io/v1"},
        {TOWN "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass}\n", "error metadata.name: is missing"},
        {TOWN CLASS_OF("gp3", "") CLASS_OF("gp3", ""),
         "error : has the name of another StorageClass (town.yaml): keep one\n"
         "error : has the name of another StorageClass (town.yaml): keep one"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_SNAPSHOT(snapshot, rows[i].yaml);
        expect_text(i, findings_of(arena, gt_snapshot_findings(snapshot)), rows[i].findings);
        gt_str town = look_up(arena, snapshot, "gastown", "s", "dog");
        cr_expect(holds(town, "GasTown/main@12"), "row %zu, no pod waits for a class: %s", i, town.at);
    }
}

Test(injector_snapshot, storage_classes_by_name)
{
    SCOPED_SNAPSHOT(none, TOWN);
    cr_expect(!gt_snapshot_knows_classes(none));
    cr_expect_null(gt_snapshot_class(none, GT_STR("gp3")));
    SCOPED_SNAPSHOT(some, TOWN CLASS_OF("gp3", ", allowVolumeExpansion: true") CLASS_OF("local", "")
                              CLASS_OF("odd", ", allowVolumeExpansion: 5"));
    cr_expect(gt_snapshot_knows_classes(some));
    const gt_object *gp3 = gt_snapshot_class(some, GT_STR("gp3")), *local = gt_snapshot_class(some, GT_STR("local"));
    cr_assert(gp3 != NULL && local != NULL);
    cr_expect(gp3->expandable && !local->expandable && gt_str_is(gp3->title, "StorageClass/gp3"));
    cr_expect_null(gt_snapshot_class(some, GT_STR("gp4")));
    cr_expect_null(gt_snapshot_class(some, GT_STR("")));
    cr_expect_null(gt_snapshot_class(some, GT_STR("odd")), "broken: nobody knows what it says");
    cr_expect_eq(gt_snapshot_objects(some), 1, "the town");
}

Test(injector_snapshot, identities_of_documents)
{
    SCOPED_ARENA(arena);
    gt_str kind, ns, name;
    gt_document_identity(value_of(arena, "{kind: Rig, metadata: {name: a, namespace: b}}"), &kind, &ns, &name);
    cr_expect(gt_str_is(kind, "Rig") && gt_str_is(ns, "b") && gt_str_is(name, "a"));
    gt_document_identity(value_of(arena, "{kind: [Rig], metadata: x}"), &kind, &ns, &name);
    cr_expect(kind.len == 0 && ns.len == 0 && name.len == 0);
    gt_document_identity(value_of(arena, "[1]"), &kind, &ns, &name);
    cr_expect(kind.len == 0 && ns.len == 0 && name.len == 0);
}

/* What only shows when all objects are known, and slips that no grammar forbids. */
Test(injector_snapshot, slips_between_objects)
{
    static const struct {
        const char *yaml, *findings; /* all of them */
    } rows[] = {
        {TOWN RIG_OF("a", "{name: api}") POOL_OF("p", "{rig: api, role: crew}"), ""},
        {TOWN RIG_OF("a", "{name: api}") POOL_OF("p", "{rig: other, role: crew}"), ""},
        {TOWN RIG_OF("a", "{name: api}") POOL_OF("p", "{rig: apii, role: crew}"),
         "warning spec.rig: there is no Rig apii (did you mean api?)"},
        {TOWN RIG_OF("a", "{name: api, roleOverrides: {crews: {}}}"),
         "warning spec.roleOverrides.crews: crews is no built-in role (did you mean crew?)"},
        {TOWN POOL_OF("p", "{rig: api, role: polcat}"),
         "warning spec.role: polcat is no built-in role (did you mean polecat?)"},
        {TOWN POOL_OF("p", "{rig: api, role: scout}"), ""},
        {TOWN_OF("{policy: {creators: {mayr: {users: [a]}}}}"),
         "warning spec.policy.creators.mayr: mayr is no built-in role (did you mean mayor?)"},
        {TOWN
         "---\n{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: a, namespace: gastwn}, spec: {name: r}}\n",
         "warning metadata.namespace: no GasTown is for the namespace gastwn: there pods are denied"},
        {"---\n{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: a, namespace: x}, spec: {name: r}}\n", ""},
        {TOWN POOL_OF("p", "{rig: r, role: crew}") POOL_OF("q", "{rig: r, role: crew}"),
         "error : claims the same place as AgentPool/q (town.yaml): pods that need it are denied, keep one\n"
         "error : claims the same place as AgentPool/p (town.yaml): pods that need it are denied, keep one"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_SNAPSHOT(snapshot, rows[i].yaml);
        expect_text(i, findings_of(arena, gt_snapshot_findings(snapshot)), rows[i].findings);
    }
}
