#include "injector/event.h"

#include "tests/unit/test_injector_support.h"

#define ALL                                                                                                            \
    "[image, bead, branch, service-account, config-map, daemon-host, daemon-port, api-key-secret, "                    \
    "api-key-secret-key, "                                                                                             \
    "cpu, memory, template]"

/* The layer as a document, or "denied " and the causes; then the warnings. overrides NULL: the policy says nothing. */
static gt_str parse(gt_arena *arena, const char *overrides, const char *annotations)
{
    gt_record record;
    gt_policy policy = {.event_overrides = overrides == NULL ? NULL : value_of(arena, overrides)};
    gt_layer *layer = gt_layer_new(arena);
    gt_record_init(&record, arena);
    gt_event_parse(&record, &policy, view_of(arena, annotations), layer);
    gt_str causes = notes_of(arena, record.causes), warnings = notes_of(arena, record.warnings);
    const char *layer_text = shown(arena, gt_layer_resolved_value(arena, layer)).at;
    return gt_str_of(gt_arena_printf(arena, "%s%s%s%s", causes.len > 0 ? "denied " : layer_text, causes.at,
                                     warnings.len > 0 ? " warned " : "", warnings.at));
}

/* `key`: behind the prefix; as in JSON with ' for ". */
static gt_str parse_one(gt_arena *arena, const char *key, const char *value)
{
    return parse(arena, ALL, gt_arena_printf(arena, "{'event.gastown.io/%s': %s}", key, value));
}

Test(injector_event, each_key_sets_its_field)
{
    static const struct {
        const char *key, *value, *layer;
    } rows[] = {
        {"image", "'ghcr.io/a/b:1'", "{'image':'ghcr.io/a/b:1'}"},
        {"bead", "'gt-1.2/x:3_y'", "{'bead':'gt-1.2/x:3_y'}"},
        {"branch", "'feat/x'", "{'git':{'workBranch':'feat/x'}}"},
        {"service-account", "'sa.x'", "{'serviceAccountName':'sa.x'}"},
        {"config-map", "'cm'", "{'configMapName':'cm'}"},
        {"daemon-host", "'bd.svc'", "{'daemon':{'host':'bd.svc'}}"},
        {"daemon-port", "'99'", "{'daemon':{'port':99}}"},
        {"api-key-secret", "'s'", "{'agent':{'apiKeySecret':{'name':'s'}}}"},
        {"api-key-secret-key", "'K_1.x-y'", "{'agent':{'apiKeySecret':{'key':'K_1.x-y'}}}"},
        {"cpu", "'1500m'", "{'resources':{'limits':{'cpu':'1500m'},'requests':{'cpu':'1500m'}}}"},
        {"memory", "'3Gi'", "{'resources':{'limits':{'memory':'3Gi'},'requests':{'memory':'3Gi'}}}"},
        {"template", "'{\\'labels\\':{\\'a\\':\\'b\\'}}'", "{'labels':{'a':'b'}}"},
        {"template", "'{}'", "{}"},
        {"image", "null", "{}"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_text(i, parse_one(arena, rows[i].key, rows[i].value), rows[i].layer);
}

Test(injector_event, values_that_dont_parse)
{
    static const struct {
        const char *key, *bad[16];
    } rows[] = {
        {"image", {"''", "'a b'", "'a:'", "'A'", "'a@sha256:1'", "5", "['a']"}},
        {"bead", {"''", "'-a'", "'.a'", "'a b'", "'\\u00e9'", "'a\\n'"}},
        {"branch",
         {"''", "'-x'", "'--upload-pack=x'", "'a..b'", "'a b'", "'x.lock'", "'x.lock/y'", "'/a'", "'a/'", "'a//b'",
          "'@'", "'a@{1}'", "'a.'", "'.a'", "'a~1'", "'a\\\\b'"}},
        {"service-account", {"''", "'A'", "'a_b'", "'-a'", "'a-'", "'a..b'", "'a/b'"}},
        {"config-map", {"''", "'A'", "true"}},
        {"daemon-host", {"''", "'h:1'", "'::1'", "'a b'", "'H'"}},
        {"daemon-port", {"''", "'0'", "'65536'", "'1.5'", "'+5'", "' 5'", "'0x1'", "'99999999999999999999'", "99"}},
        {"api-key-secret", {"''", "'A'"}},
        {"api-key-secret-key", {"''", "'a b'", "'a/b'", "'.'", "'..'", "'..a'"}},
        {"cpu", {"''", "'0'", "'-1'", "'x'", "'0m'", "'1 '", "2"}},
        {"memory", {"''", "'0'", "'1GB'", "'1gi'", "'Gi'"}},
        {"template",
         {"''", "'null'", "'[]'", "'5'", "'{'", "'{}x'", "'{\\'imag\\':1}'", "'{\\'image\\':5}'",
          "'{\\'a\\':1,\\'a\\':1}'", "{}"}},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t b = 0; b < COUNT(rows[i].bad) && rows[i].bad[b] != NULL; b++) {
            gt_str got = parse_one(arena, rows[i].key, rows[i].bad[b]);
            const char *wanted =
                gt_arena_printf(arena, "denied 422 metadata.annotations[event.gastown.io/%s]: ", rows[i].key);
            cr_expect(gt_str_starts(got, wanted), "%s: %s gives %s", rows[i].key, rows[i].bad[b], got.at);
        }
}

Test(injector_event, long_values)
{
    SCOPED_ARENA(arena);
    char name[300];
    memset(name, 'a', sizeof name);
    static const struct {
        const char *key;
        int most;
    } rows[] = {
        {"bead", 253}, {"service-account", 253}, {"config-map", 253}, {"api-key-secret-key", 253}, {"branch", 244}};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int more = 0; more < 2; more++) {
            gt_str got = parse_one(arena, rows[i].key, gt_arena_printf(arena, "'%.*s'", rows[i].most + more, name));
            cr_expect_eq(gt_str_starts(got, "denied 422"), more == 1, "%s of %d: %s", rows[i].key, rows[i].most + more,
                         got.at);
            cr_expect_lt(got.len, 400, "a message never holds a long value whole");
        }
}

/* What weakens the profile is a matter of policy, not of form. */
Test(injector_event, a_template_may_not_weaken_the_profile)
{
    static const char *const templates[] = {
        "{'securityContext':{'runAsUser':0}}",
        "{'securityContext':{'allowPrivilegeEscalation':null}}",
        "{'unset':['podSecurityContext']}",
        "{'volumes':[{'name':'h','hostPath':{'path':'/'}}]}",
        "{'sidecars':[{'name':'s','image':'i:1','securityContext':{'privileged':true}}]}",
        "{'ports':[{'containerPort':1,'hostPort':1}]}",
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(templates); i++) {
        gt_buf value;
        gt_buf_init(&value, arena, 128);
        gt_json_string(&value, gt_str_of(quoted(arena, templates[i])));
        gt_str got = parse_one(arena, "template", value.at);
        cr_expect(gt_str_starts(got, "denied 403 "), "%s: %s", templates[i], got.at);
    }
}

Test(injector_event, what_the_policy_allows)
{
    static const struct {
        const char *overrides, *key;
        bool allowed;
    } rows[] = {
        {NULL, "image", true},     {NULL, "bead", true},         {NULL, "branch", true}, {NULL, "cpu", false},
        {NULL, "template", false}, {"[]", "image", false},       {"[]", "bead", false},  {"[cpu]", "cpu", true},
        {"[cpu]", "image", false}, {"[template]", "cpu", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *value = strcmp(rows[i].key, "template") == 0 ? "{}" : "1";
        gt_str got = parse(arena, rows[i].overrides,
                           gt_arena_printf(arena, "{'event.gastown.io/%s': '%s'}", rows[i].key, value));
        cr_expect_eq(!gt_str_starts(got, "denied 403 metadata.annotations[event.gastown.io/"), rows[i].allowed,
                     "%s with %s: %s", rows[i].key, rows[i].overrides, got.at);
    }
}

Test(injector_event, single_keys_beat_the_template)
{
    SCOPED_ARENA(arena);
    static const char *const orders[] = {
        "{'event.gastown.io/image': 'b:1', 'event.gastown.io/template': "
        "'{\\'image\\':\\'a:1\\',\\'workingDir\\':\\'/w\\'}'}",
        "{'event.gastown.io/template': '{\\'image\\':\\'a:1\\',\\'workingDir\\':\\'/w\\'}', 'event.gastown.io/image': "
        "'b:1'}",
    };
    for (size_t i = 0; i < COUNT(orders); i++)
        expect_text(i, parse(arena, ALL, orders[i]), "{'image':'b:1','workingDir':'/w'}");
}

Test(injector_event, all_that_is_wrong_is_said)
{
    SCOPED_ARENA(arena);
    gt_str got = parse(arena, NULL,
                       "{'event.gastown.io/cpu': '1', 'event.gastown.io/image': '', 'event.gastown.io/bead': 5, "
                       "'event.gastown.io/brnch': 'x'}");
    cr_expect(holds(got, "403 metadata.annotations[event.gastown.io/cpu]") &&
                  holds(got, "422 metadata.annotations[event.gastown.io/image]") &&
                  holds(got, "422 metadata.annotations[event.gastown.io/bead]") &&
                  holds(got, "did you mean event.gastown.io/branch?"),
              "%s", got.at);
}

Test(injector_event, misspelt_keys)
{
    static const struct {
        const char *key, *warning;
    } rows[] = {
        {"event.gastown.io/imgae", "did you mean event.gastown.io/image?"},
        {"event.gastown.io/Image", "did you mean event.gastown.io/image?"},
        {"event.gastown.io/service_account", "did you mean event.gastown.io/service-account?"},
        {"event.gastown.io/something-else", "unknown"},
        {"gastown.io/raw-agnt", "did you mean gastown.io/raw-agent?"},
        {"gastown.io/anything", ""},
        {"gastown.io/raw-agent", ""},
        {"gastown.io/template-hash", ""},
        {"example.com/image", ""},
        {"event.gastown.iox/image", ""},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_str got = parse(arena, NULL, gt_arena_printf(arena, "{'%s': 'x'}", rows[i].key));
        if (rows[i].warning[0] == '\0')
            expect_text(i, got, "{}");
        else
            cr_expect(gt_str_starts(got, "{} warned ") && holds(got, rows[i].warning), "%s: %s", rows[i].key, got.at);
    }
}

Test(injector_event, no_annotations)
{
    SCOPED_ARENA(arena);
    gt_record record;
    gt_policy policy = {.event_overrides = NULL};
    gt_layer *layer = gt_layer_new(arena);
    gt_record_init(&record, arena);
    gt_event_parse(&record, &policy, (gt_view){NULL}, layer);
    gt_event_parse(&record, &policy, view_of(arena, "['event.gastown.io/image']"), layer);
    gt_event_parse(&record, &policy, view_of(arena, "{'a': 'b'}"), layer);
    cr_expect(gt_layer_is_empty(layer) && record.cause_count == 0 && record.warning_count == 0);
}
