#include "tests/unit/test_injector_support.h"
#include "webhook/desired.h"

static const gt_store_object accepted = {.kind = GT_KIND_RIG,
                                         .ns = "gastown",
                                         .name = "r",
                                         .uid = "u",
                                         .generation = 7,
                                         .live_generation = 7,
                                         .verdict = GT_VERDICT_ACCEPTED,
                                         .field = "",
                                         .message = "",
                                         .first_warning = "",
                                         .status = ""};

static gt_store_object bad(gt_verdict verdict, int64_t live)
{
    gt_store_object object = accepted;
    object.verdict = verdict;
    object.live_generation = live;
    object.field = "spec.podOverrides.imgae";
    object.message = "unknown field";
    object.errors = 1;
    return object;
}

static gt_status_facts facts_of(const gt_store_object *object)
{
    return (gt_status_facts){.object = object, .engine = "v2", .wall_ms = 1795258706123, .claims_known = true};
}

static gt_value *desired_of(gt_arena *arena, const gt_status_facts *facts, const char *stored)
{
    return gt_status_desired(arena, facts, view_of(arena, stored));
}

#define NOW "2026-11-21T10:58:26Z"

Test(webhook_desired, of_an_accepted_one)
{
    SCOPED_ARENA(arena);
    gt_status_facts facts = facts_of(&accepted);
    const gt_hash_count hashes[] = {{"0aaa", 2}, {"0bbb", 1}};
    const gt_pod_counts pods = {.total = 4, .current = 2, .hashes = hashes, .hash_count = 2};
    facts.pods = &pods;
    expect_text(
        0, shown(arena, desired_of(arena, &facts, "{}")),
        "{'conditions':[{'lastTransitionTime':'" NOW "','message':'','observedGeneration':7,'reason':'Accepted',"
        "'status':'True','type':'Accepted'}],'engine':'v2','lastGoodGeneration':7,'observedGeneration':7,"
        "'pods':{'current':2,'hashes':[{'hash':'0aaa','pods':2},{'hash':'0bbb','pods':1}],'older':2,'total':4}}");
}

/* reason and message of a condition; "" when it isn't there. */
static const char *told(gt_arena *arena, const gt_value *status, const char *type)
{
    const gt_value *c = gt_status_condition(status, type);
    if (c == NULL)
        return "";
    return gt_arena_printf(arena, "%.*s %.*s: %.*s", GT_STR_ARG(gt_value_str(gt_value_get(c, "status"))),
                           GT_STR_ARG(gt_value_str(gt_value_get(c, "reason"))),
                           GT_STR_ARG(gt_value_str(gt_value_get(c, "message"))));
}

Test(webhook_desired, what_accepted_says)
{
    gt_store_object kept = bad(GT_VERDICT_KEPT, 5), rejected = bad(GT_VERDICT_REJECTED, 0), warned = accepted,
                    displaced = bad(GT_VERDICT_DISPLACED, 0), many = bad(GT_VERDICT_KEPT, 5);
    displaced.field = "";
    displaced.message = "Rig/first claims the same place and is older";
    warned.warnings = 2;
    warned.first_warning = "spec.podOverrides.image: floating tag";
    many.errors = 3;
    many.field = "";
    const struct {
        const gt_store_object *object;
        const char *told;
    } rows[] = {
        {&kept, "False Quarantined: spec.podOverrides.imgae: unknown field; generation 5 stays in use"},
        {&rejected,
         "False Rejected: spec.podOverrides.imgae: unknown field; no good version of it is known: pods that need "
         "it fail"},
        {&displaced, "False Conflict: Rig/first claims the same place and is older"},
        {&warned, "True Accepted: 2 warnings: spec.podOverrides.image: floating tag"},
        {&many, "False Quarantined: unknown field (and 2 more); generation 5 stays in use"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_status_facts facts = facts_of(rows[i].object);
        cr_expect_str_eq(told(arena, desired_of(arena, &facts, "{}"), "Accepted"), rows[i].told, "row %zu", i);
    }
}

#define STORED(generation, status, reason, engine)                                                                     \
    "{'engine':'" engine "','conditions':[{'type':'Accepted','status':'" status "','reason':'" reason                  \
    "','message':'as stored','observedGeneration':" generation ",'lastTransitionTime':'2020-01-01T00:00:00Z'}]}"

/* Another version accepted this very generation, and this one can't. */
Test(webhook_desired, what_another_version_accepted)
{
    static const struct {
        const char *stored, *told, *since;
    } rows[] = {
        {STORED("7", "True", "Accepted", "v3"),
         "False NotUnderstood: version v3 accepted generation 7, this one (v2) can't: spec.podOverrides.imgae: unknown "
         "field; generation 5 stays in use",
         NOW},
        {STORED("7", "False", "NotUnderstood", "v2"), "False NotUnderstood: as stored", "2020-01-01T00:00:00Z"},
        {STORED("7", "False", "NotUnderstood", "v1"), "False NotUnderstood: as stored", "2020-01-01T00:00:00Z"},
        {STORED("6", "False", "NotUnderstood", "v2"),
         "False Quarantined: spec.podOverrides.imgae: unknown field; generation 5 stays in use",
         "2020-01-01T00:00:00Z"},
        {STORED("7", "True", "Accepted", "v2"),
         "False Quarantined: spec.podOverrides.imgae: unknown field; generation 5 stays in use", NOW},
        {STORED("6", "True", "Accepted", "v3"),
         "False Quarantined: spec.podOverrides.imgae: unknown field; generation 5 stays in use", NOW},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_store_object kept = bad(GT_VERDICT_KEPT, 5);
        gt_status_facts facts = facts_of(&kept);
        gt_value *status = desired_of(arena, &facts, rows[i].stored);
        cr_expect_str_eq(told(arena, status, "Accepted"), rows[i].told, "row %zu", i);
        expect_text(i, gt_value_str(gt_value_get(gt_status_condition(status, "Accepted"), "lastTransitionTime")),
                    rows[i].since);
    }
}

#define CLAIMS(status) "{'conditions':[{'type':'ClaimsAsTemplated','status':'" status "','reason':'R','message':'m'}]}"
#define PODS(status) "{'conditions':[{'type':'PodsAdmitted','status':'" status "','reason':'R','message':'m'}]}"

/* Only where there is something to say, or was. */
Test(webhook_desired, conditions_that_come_with_trouble)
{
    static const struct {
        const char *stored;
        bool known;
        size_t mismatches;
        const char *mismatch, *denied, *claims, *pods;
    } rows[] = {
        {"{}", true, 0, NULL, NULL, "", ""},
        {"{}", true, 1, "claim x", NULL, "False Mismatch: claim x", ""},
        {"{}", true, 3, "claim x", NULL, "False Mismatch: 3 claims: claim x", ""},
        {CLAIMS("False"), true, 0, NULL, NULL, "True AsTemplated: all claims are as this object says", ""},
        {CLAIMS("False"), false, 0, NULL, NULL, "False R: m", ""},
        {"{}", false, 0, NULL, NULL, "", ""},
        {"{}", true, 0, NULL, "no image", "", "False Denied: no image"},
        {PODS("False"), true, 0, NULL, NULL, "", "True Admitted: pods that need this object are admitted"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_status_facts facts = facts_of(&accepted);
        facts.claims_known = rows[i].known;
        facts.mismatches = rows[i].mismatches;
        facts.mismatch = rows[i].mismatch;
        facts.denied = rows[i].denied;
        gt_value *status = desired_of(arena, &facts, rows[i].stored);
        cr_expect_str_eq(told(arena, status, "ClaimsAsTemplated"), rows[i].claims, "row %zu", i);
        cr_expect_str_eq(told(arena, status, "PodsAdmitted"), rows[i].pods, "row %zu", i);
    }
}

/* What is stored says so already: in any order, with others' conditions beside; and what makes it say something else. */
Test(webhook_desired, compared_with_what_is_stored)
{
    static const char conditions[] = "'conditions':[{'type':'Theirs','status':'True'},{'message':'','"
                                     "observedGeneration':7,'reason':'Accepted','status':"
                                     "'True','type':'Accepted','lastTransitionTime':'2020-01-01T00:00:00Z'}]";
    static const struct {
        const char *rest;
        bool same;
    } rows[] = {
        {"'engine':'v2','lastGoodGeneration':7,'observedGeneration':7,'pods':{'older':2,'hashes':[{'pods':1,'hash':'"
         "0bbb'},{"
         "'hash':'0aaa','pods':2}],'current':2,'total':4}",
         true},
        {"'engine':'v1','lastGoodGeneration':7,'observedGeneration':7,'pods':{'older':2,'hashes':[{'pods':1,'hash':'"
         "0bbb'},{"
         "'hash':'0aaa','pods':2}],'current':2,'total':4}",
         false},
        {"'engine':'v2','lastGoodGeneration':7,'observedGeneration':7,'pods':{'older':2,'hashes':[{'hash':'0aaa','pods'"
         ":2}],"
         "'current':2,'total':4}",
         false},
        {"'engine':'v2','lastGoodGeneration':7,'observedGeneration':7,'pods':{'older':2,'hashes':[{'pods':1,'hash':'"
         "0bbb'},{"
         "'hash':'0aaa','pods':2}],'current':2,'total':5}",
         false},
        {"'engine':'v2','lastGoodGeneration':7,'observedGeneration':7", false},
        {"'engine':'v2','lastGoodGeneration':'7','observedGeneration':7,'pods':7", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        const gt_hash_count hashes[] = {{"0aaa", 2}, {"0bbb", 1}};
        const gt_pod_counts pods = {.total = 4, .current = 2, .hashes = hashes, .hash_count = 2};
        gt_status_facts facts = facts_of(&accepted);
        facts.pods = &pods;
        gt_view stored = view_of(arena, gt_arena_printf(arena, "{%s,%s}", rows[i].rest, conditions));
        cr_expect_eq(gt_status_is(stored, gt_status_desired(arena, &facts, stored)), rows[i].same, "row %zu", i);
    }
    SCOPED_ARENA(arena);
    gt_status_facts facts = facts_of(&accepted);
    cr_expect_not(gt_status_is((gt_view){NULL}, gt_status_desired(arena, &facts, (gt_view){NULL})));
}

/* Counts that aren't known yet stay as they are stored. */
Test(webhook_desired, nothing_is_forgotten_that_is_not_known)
{
    SCOPED_ARENA(arena);
    gt_status_facts facts = facts_of(&accepted);
    gt_value *status = desired_of(arena, &facts, "{'pods':{'total':3}}");
    expect_text(0, shown(arena, gt_value_get(status, "pods")), "{'total':3}");
    cr_expect(gt_value_get(desired_of(arena, &facts, "{}"), "pods") == NULL);
}

Test(webhook_desired, bad_news)
{
    SCOPED_ARENA(arena);
    gt_store_object kept = bad(GT_VERDICT_KEPT, 5);
    gt_status_facts facts = facts_of(&kept), fine = facts_of(&accepted);
    gt_value *status = desired_of(arena, &facts, "{}");
    gt_buf stored;
    gt_buf_init(&stored, arena, 256);
    gt_value_print(&stored, status);
    gt_view same;
    gt_err err;
    cr_assert(gt_view_parse(arena, gt_buf_slice(&stored), 0, &same, &err));
    cr_expect(gt_status_is_bad_news((gt_view){NULL}, status));
    cr_expect_not(gt_status_is_bad_news(same, status));
    cr_expect(gt_status_is_bad_news(view_of(arena, STORED("7", "True", "Accepted", "v2")), status));
    cr_expect(gt_status_is_bad_news(view_of(arena, STORED("6", "False", "Quarantined", "v2")), status));
    cr_expect_not(gt_status_is_bad_news((gt_view){NULL}, desired_of(arena, &fine, "{}")));
}

/* A message of any length fits. */
Test(webhook_desired, a_long_message_is_cut)
{
    SCOPED_ARENA(arena);
    gt_store_object kept = bad(GT_VERDICT_KEPT, 5);
    char *message = gt_arena_alloc(arena, 50001);
    memset(message, 'x', 50000);
    kept.message = message;
    gt_status_facts facts = facts_of(&kept);
    const gt_value *c = gt_status_condition(desired_of(arena, &facts, "{}"), "Accepted");
    cr_expect_lt(gt_value_str(gt_value_get(c, "message")).len, 1100);
    cr_expect(gt_str_ends(gt_value_str(gt_value_get(c, "message")), "generation 5 stays in use"));
}
