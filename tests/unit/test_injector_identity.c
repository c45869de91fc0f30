#include "injector/identity.h"

#include "lib/kube/names.h"
#include "tests/unit/test_injector_support.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10

typedef struct name_row {
    const char *raw, *out;
} name_row;

/* The hashes were computed by another program. */
Test(injector_identity, labels)
{
    static const name_row rows[] = {
        {"toast", "toast"},
        {"Toast", "Toast"},
        {"a.b_c-d", "a.b_c-d"},
        {"9", "9"},
        {X50 X10 "xxx", X50 X10 "xxx"},        /* 63 fit */
        {X50 X10 "xxxx", X50 "xxxx-7ce10097"}, /* 64 don't */
        {"a/b", "a-b-c14cddc0"},               /* never the same as a-b */
        {"a-b", "a-b"},
        {"-a", "a-c2748917"},
        {"a-", "a-9baf4407"},
        {".a.", "a-80143295"},
        {"", "e3b0c442"}, /* nothing left: the hash alone */
        {"-", "3973e022"},
        {"---", "cb3f91d5"},
        {"\xc3\xbc", "607474ca"},
        {"x\xc3\xbcy", "x--y-3c06db71"}, /* each byte of a character is one dash */
        {"a b", "a-b-c8687a08"},
        {"a\nb", "a-b-7e18f737"},
        {"$(HOME)", "HOME-b01d8556"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_EXACT(raw, gt_str_of(rows[i].raw));
        expect_text(i, gt_label_of(arena, raw), rows[i].out);
        cr_expect(gt_str_eq(gt_label_of(arena, gt_str_of(rows[i].out)), gt_str_of(rows[i].out)),
                  "row %zu: a label stands for itself", i);
    }
}

/* The cut may end in something that has to be trimmed, too. */
Test(injector_identity, a_cut_label_is_trimmed_again)
{
    SCOPED_ARENA(arena);
    gt_str label = gt_label_of(arena, GT_STR(X50 "xx--" X10));
    cr_expect_eq(label.len, 52 + 9);
    cr_expect(gt_str_starts(label, X50 "xx-"));
    cr_expect(label.at[53] != '-', "%s", label.at);
}

typedef struct pod_row {
    const char *rig, *role, *agent, *out;
} pod_row;

Test(injector_identity, pod_names)
{
    static const pod_row rows[] = {
        {"gastown", "crew", "toast", "gt-gastown-crew-toast"},
        {"town", "mayor", "mayor", "gt-town-mayor-mayor"},
        {"gastown", "crew", "a-b", "gt-gastown-crew-a-b"},    /* dashes of the agent are unambiguous */
        {"a-crew", "crew", "b", "gt-a-crew-crew-b-e394cfff"}, /* of the rig they aren't */
        {"a", "crew-b", "c", NULL},
        {"a", "crew", "A", NULL},
        {"a", "crew", "a.b", NULL},
        {"a", "crew", "b-", NULL},
        {"a", "crew", X50 X10, NULL},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_str name = gt_pod_name_of(arena, gt_str_of(rows[i].rig), gt_str_of(rows[i].role), gt_str_of(rows[i].agent));
        if (rows[i].out != NULL)
            expect_text(i, name, rows[i].out);
        else
            cr_expect(name.len >= 9 && name.at[name.len - 9] == '-', "row %zu: %s ends in a hash", i, name.at);
        cr_expect(gt_is_dns_label(name), "row %zu: %s is a DNS label", i, name.at);
    }
}

/* Different agents never share a pod name, however alike they look once sanitised. */
Test(injector_identity, pod_names_are_different)
{
    static const char *const agents[][3] = {
        {"a", "crew", "b"},   {"a-crew", "b", "c"}, {"a", "crew-b", "c"},       {"a", "crew", "B"},
        {"A", "crew", "b"},   {"a", "crew", "b/c"}, {"a", "crew", "b-c"},       {"a", "crew", "b.c"},
        {"a", "crew", "b c"}, {"a/crew", "b", "c"}, {"a", "crew", X50 X10 "1"}, {"a", "crew", X50 X10 "2"},
        {"a", "crew", "-b"},  {"a", "crew", "b-"},  {"town", "crew", "b"},      {"", "crew", "b"},
        {"a-", "crew", "b"},  {"a", "b-crew", "b"}, {"a-b", "crew", "b"},       {"a", "crew", ""},
    };
    SCOPED_ARENA(arena);
    gt_str names[COUNT(agents)];
    for (size_t i = 0; i < COUNT(agents); i++) {
        names[i] = gt_pod_name_of(arena, gt_str_of(agents[i][0]), gt_str_of(agents[i][1]), gt_str_of(agents[i][2]));
        cr_expect(gt_is_dns_label(names[i]), "%s", names[i].at);
        for (size_t j = 0; j < i; j++)
            cr_expect(!gt_str_eq(names[i], names[j]), "%zu and %zu are both %s", i, j, names[i].at);
    }
}

Test(injector_identity, roles)
{
    static const struct {
        const char *role;
        bool legal;
    } rows[] = {
        {"crew", true},   {"c", true},      {"crew-2", true},      {"a--b", true},          {"", false},
        {"Crew", false},  {"2crew", false}, {"crew-", false},      {"-crew", false},        {"cre w", false},
        {"cr.ew", false}, {"cr_ew", false}, {X50 X10 "xxx", true}, {X50 X10 "xxxx", false}, {"cr\xc3\xbcw", false}};
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_role_is_legal(gt_str_of(rows[i].role)), rows[i].legal, "%s", rows[i].role);
}

/* ---- reading ---- */

typedef struct read_row {
    const char *labels, *annotations; /* members of metadata */
    const char *out;                  /* "rig|role|agent|claim", or the causes of the denial */
} read_row;

static gt_str read_pod(gt_arena *arena, const char *metadata)
{
    gt_record record;
    gt_policy policy = {.rigless_roles = value_of(arena, "[scout]")};
    gt_identity id;
    gt_view pod = view_of(arena, gt_arena_printf(arena, "{'metadata': %s}", metadata));
    gt_record_init(&record, arena);
    bool good = gt_identity_read(&record, &policy, pod, &id);
    cr_expect_eq(good, record.cause_count == 0, "%s", metadata);
    if (!good)
        return notes_of(arena, record.causes);
    return gt_str_of(gt_arena_printf(arena, "%.*s|%.*s|%.*s|%.*s%s", GT_STR_ARG(id.rig), GT_STR_ARG(id.role),
                                     GT_STR_ARG(id.agent), GT_STR_ARG(id.claim), id.has_rig ? "" : "|no label"));
}

#define RIG "'gastown.io/rig': 'r'"
#define CREW "'gastown.io/role': 'crew'"
#define AGENT "'gastown.io/agent': 'a'"

Test(injector_identity, who_is_believed)
{
    static const read_row rows[] = {
        {RIG "," CREW "," AGENT, "", "r|crew|a|gt-r-crew-a-workspace"},
        {"'gastown.io/role': 'mayor'," AGENT, "", "town|mayor|a|gt-town-mayor-a-workspace|no label"},
        {"'gastown.io/role': 'scout'," AGENT, "", "town|scout|a|gt-town-scout-a-workspace|no label"},
        {"'gastown.io/role': 'mayor'," RIG "," AGENT, "", "r|mayor|a|gt-r-mayor-a-workspace"},
        {"'gastown.io/rig': 'town', 'gastown.io/role': 'dog'," AGENT, "", "town|dog|a|gt-town-dog-a-workspace"},
        {RIG "," CREW ", 'gastown.io/agent': 'a-b-c14cddc0'", "'gastown.io/raw-agent': 'a/b'",
         "r|crew|a/b|gt-r-crew-a-b-d2c17fcc-workspace"},
        {RIG "," CREW "," AGENT, "'gastown.io/raw-agent': 'a', 'gastown.io/raw-rig': 'r'",
         "r|crew|a|gt-r-crew-a-workspace"},
        {RIG "," CREW "," AGENT, "'gastown.io/raw-rig': null", "r|crew|a|gt-r-crew-a-workspace"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_text(i,
                    read_pod(arena, gt_arena_printf(arena, "{'labels': {%s}, 'annotations': {%s}}", rows[i].labels,
                                                    rows[i].annotations)),
                    rows[i].out);
}

/* out: what the causes begin with or hold, field first. */
Test(injector_identity, who_is_not)
{
    static const read_row rows[] = {
        {CREW "," AGENT, "", "422 metadata.labels[gastown.io/rig]"},
        {RIG "," AGENT, "", "422 metadata.labels[gastown.io/role]"},
        {"'gastown.io/rig': ''," CREW "," AGENT, "", "422 metadata.labels[gastown.io/rig]"},
        {"'gastown.io/rig': 5," CREW "," AGENT, "", "422 metadata.labels[gastown.io/rig]"},
        {RIG "," CREW ", 'gastown.io/agent': ''", "", "422 metadata.labels[gastown.io/agent]"},
        {RIG "," CREW ", 'gastown.io/agent': ['a']", "", "422 metadata.labels[gastown.io/agent]"},
        {RIG ", 'gastown.io/role': 'Crew'," AGENT, "", "422 metadata.labels[gastown.io/role]"},
        {"'gastown.io/rig': 'town'," CREW "," AGENT, "", "422 metadata.labels[gastown.io/rig]"},
        {RIG "," CREW ", 'gastown.io/agent': '-a'", "", "label it a-c2748917"}, /* the right value is in the message */
        {RIG "," CREW "," AGENT, "'gastown.io/raw-agent': 'a/b'",
         "403 metadata.annotations[gastown.io/raw-agent]: is forged"},
        {RIG "," CREW "," AGENT, "'gastown.io/raw-rig': 'R'",
         "403 metadata.annotations[gastown.io/raw-rig]: is forged"},
        {RIG "," CREW "," AGENT, "'gastown.io/raw-rig': ''", "422 metadata.annotations[gastown.io/raw-rig]"},
        {RIG "," CREW "," AGENT, "'gastown.io/raw-agent': 7", "422 metadata.annotations[gastown.io/raw-agent]"},
        {"'gastown.io/role': 'mayor'," AGENT, "'gastown.io/raw-rig': 'r'",
         "403 metadata.annotations[gastown.io/raw-rig]: is forged"},
        {RIG "," CREW "," AGENT, "'gastown.io/raw-agent': 'a\\u0000'",
         "422 metadata.annotations[gastown.io/raw-agent]: holds a NUL"},
        {RIG "," CREW "," AGENT ", 'gastown.io/x': '\\u0000'", "", "422 metadata.labels[gastown.io/x]: holds a NUL"},
        {RIG "," CREW "," AGENT, "'event.gastown.io/bead': '\\u0000'",
         "422 metadata.annotations[event.gastown.io/bead]: holds a NUL"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_str got = read_pod(arena, gt_arena_printf(arena, "{'labels': {%s}, 'annotations': {%s}}", rows[i].labels,
                                                     rows[i].annotations));
        cr_expect(holds(got, rows[i].out), "row %zu: `%s` in `%s`", i, rows[i].out, got.at);
    }
}

Test(injector_identity, what_is_wrong_is_said_at_once)
{
    SCOPED_ARENA(arena);
    gt_str causes =
        read_pod(arena, "{'labels': {'gastown.io/agent': '-', 'gastown.io/role': 'X', 'gastown.io/rig': ''}}");
    cr_expect(holds(causes, "labels[gastown.io/agent]") && holds(causes, "labels[gastown.io/role]") &&
                  holds(causes, "labels[gastown.io/rig]"),
              "%s", causes.at);
}

Test(injector_identity, ours_has_the_agent_label)
{
    static const struct {
        const char *pod;
        bool ours;
    } rows[] = {
        {"{'metadata': {'labels': {'gastown.io/agent': 'a'}}}", true},
        {"{'metadata': {'labels': {'gastown.io/agent': ''}}}", true}, /* then denied, not let through */
        {"{'metadata': {'labels': {'gastown.io/agent': 5}}}", true},
        {"{'metadata': {'labels': {'gastown.io/agent': null}}}", false},
        {"{'metadata': {'labels': {'app.kubernetes.io/name': 'gastown', 'gastown.io/role': 'crew'}}}", false},
        {"{'metadata': {'annotations': {'gastown.io/agent': 'a'}}}", false},
        {"{'metadata': {'labels': ['gastown.io/agent']}}", false},
        {"{'metadata': null}", false},
        {"{}", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_identity_is_ours(view_of(arena, rows[i].pod)), rows[i].ours, "%s", rows[i].pod);
}
