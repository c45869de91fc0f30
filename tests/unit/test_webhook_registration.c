#include <criterion/criterion.h>

#include "injector/identity.h"
#include "injector/review.h"
#include "tests/unit/support.h"
#include "webhook/compare.h"
#include "webhook/registration.h"
#include "webhook/verbs.h"

static bool parse(gt_arena *arena, const char *const *words, gt_verb_options *options, gt_err *err)
{
    char *argv[16];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = gt_arena_strdup(arena, words[argc]);
    argv[argc] = NULL;
    return gt_verb_parse(arena, gt_verb_find(words[0]), argc, argv, options, err);
}

#define PARSE(...) parse(arena, (const char *const[]){__VA_ARGS__, NULL}, &options, &err)

static const gt_value *entry(const gt_value *object, const char *name)
{
    GT_VALUE_EACH (child, gt_value_get(object, "webhooks"))
        if (gt_value_is(gt_value_get(child, "name"), name))
            return child;
    return NULL;
}

static gt_value *make(gt_arena *arena, gt_registered which)
{
    gt_verb_options options;
    gt_err err;
    cr_assert(PARSE("registration"), "%s", err.text);
    return gt_registration_make(arena, &options.registration, which);
}

static gt_str json(gt_arena *arena, const gt_value *value)
{
    gt_buf out;
    gt_buf_init(&out, arena, 4096);
    gt_value_print(&out, value);
    return gt_buf_slice(&out);
}

static bool holds(gt_arena *arena, const gt_value *value, const char *text)
{
    return value != NULL && strstr(json(arena, value).at, text) != NULL;
}

Test(webhook_registration, has_each_entry_and_no_bundle)
{
    SCOPED_ARENA(arena);
    for (int i = 0; i < GT_ENTRY_COUNT; i++) {
        const gt_value *object = make(arena, gt_entries[i].kind == GT_REGISTRATION_MUTATING ? GT_REGISTERED_MUTATING
                                                                                            : GT_REGISTERED_VALIDATING);
        const gt_value *found = entry(object, gt_entries[i].name);
        cr_assert_not_null(found, "%s", gt_entries[i].name);
        cr_expect_null(gt_value_get(gt_value_get(found, "clientConfig"), "caBundle"));
        cr_expect(gt_value_is(gt_value_get(found, "sideEffects"), "None"));
    }
}

Test(webhook_registration, fails_where_it_must_and_only_there)
{
    SCOPED_ARENA(arena);
    const gt_value *mutating = make(arena, GT_REGISTERED_MUTATING), *validating = make(arena, GT_REGISTERED_VALIDATING);
    cr_expect(gt_value_is(gt_value_get(entry(mutating, "pods.gastown.io"), "failurePolicy"), "Fail"));
    cr_expect(gt_value_is(gt_value_get(entry(validating, "policy.gastown.io"), "failurePolicy"), "Fail"));
    cr_expect(gt_value_is(gt_value_get(entry(validating, "templates.gastown.io"), "failurePolicy"), "Ignore"));
    cr_expect(holds(arena, entry(mutating, "pods.gastown.io"), "\"operator\":\"NotIn\",\"values\":[\"kube-system\"]"));
}

/* tests/cluster/registration.py has both judge the same pods; here: they name the same two things. */
Test(webhook_registration, mirrors_are_those_of_the_engine)
{
    SCOPED_ARENA(arena);
    const char *const both[] = {GT_ANNOTATION_MIRROR, GT_NODES_GROUP};
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        cr_expect(holds(arena, make(arena, GT_REGISTERED_MUTATING), both[i]));
        cr_expect(holds(arena, make(arena, GT_REGISTERED_POLICY), both[i]));
    }
}

Test(webhook_registration, namespaces_that_are_named_are_the_only_ones)
{
    SCOPED_ARENA(arena);
    gt_verb_options options;
    gt_err err;
    cr_assert(PARSE("registration", "--watch-namespaces", "a,b"), "%s", err.text);
    for (int i = 0; i < GT_REGISTERED_BINDING; i++) {
        const gt_value *object = gt_registration_make(arena, &options.registration, (gt_registered)i);
        cr_expect(holds(arena, object, "\"operator\":\"In\",\"values\":[\"a\",\"b\"]"), "%d", i);
        cr_expect_not(holds(arena, object, "kube-system"), "%d", i);
    }
}

Test(webhook_registration, by_url_and_by_service)
{
    SCOPED_ARENA(arena);
    gt_verb_options options;
    gt_err err;
    cr_assert(PARSE("registration", "--url", "https://[::1]:8443"), "%s", err.text);
    const gt_value *object = gt_registration_make(arena, &options.registration, GT_REGISTERED_MUTATING);
    cr_expect(holds(arena, object, "\"clientConfig\":{\"url\":\"https://[::1]:8443/mutate\"}"));
    cr_assert(PARSE("registration", "--service", "s", "--system-namespace", "n", "--port", "8443"), "%s", err.text);
    object = gt_registration_make(arena, &options.registration, GT_REGISTERED_MUTATING);
    cr_expect(holds(arena, object, "{\"namespace\":\"n\",\"name\":\"s\",\"path\":\"/mutate\",\"port\":8443}"));
    cr_assert(PARSE("registration", "--inject-ca-from", "n/c"), "%s", err.text);
    object = gt_registration_make(arena, &options.registration, GT_REGISTERED_VALIDATING);
    cr_expect(holds(arena, object, "{\"cert-manager.io/inject-ca-from\":\"n/c\"}"));
}

Test(webhook_registration, what_cant_be_registered_is_named)
{
    SCOPED_ARENA(arena);
    static const struct {
        const char *flag, *value, *says;
    } wrong[] = {
        {"--url", "http://a", "--url: \"http://a\" isn't of the form"},
        {"--url", "https://", "--url"},
        {"--url", "https://a/", "--url"},
        {"--url", "https://a?b", "--url"},
        {"--url", "https://me@a", "--url"},
        {"--name", "A", "--name: \"A\" can't be"},
        {"--system-namespace", "a.b", "--system-namespace: \"a.b\" can't be a namespace"},
        {"--service", "", "--service"},
        {"--webhook-account", "x\"]", "--webhook-account"},
        {"--watcher-account", "a b", "--watcher-account"},
        {"--inject-ca-from", "a", "--inject-ca-from: \"a\" isn't of the form NAMESPACE/CERTIFICATE"},
        {"--watch-namespaces", "a,,b", "--watch-namespaces"},
        {"--watch-namespaces", "kube-system", "kube-system is never ours"},
        {"--ca-bundle", "/nowhere/at/all", "/nowhere/at/all: No such file"},
        {"--ca-bundle", "/dev/null", "holds no certificate"},
        {"--port", "0", "--port"},
        {"--output", "table", "--output: \"table\" is none of: yaml json"},
        {"--kubeconfig", "x", "--kubeconfig"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gt_verb_options options;
        gt_err err;
        cr_expect_not(PARSE("registration", wrong[i].flag, wrong[i].value), "%s %s", wrong[i].flag, wrong[i].value);
        cr_expect_not_null(strstr(err.text, wrong[i].says), "%s", err.text);
    }
}

/* ---- comparing ---- */

static gt_value *read_value(gt_arena *arena, const char *text)
{
    gt_view view;
    gt_value *value;
    gt_err err;
    cr_assert(gt_view_parse(arena, gt_str_of(text), 0, &view, &err) && gt_value_from_view(arena, view, &value, &err),
              "%s", err.text);
    return value;
}

static void expect_difference(const char *shipped, const char *found, const char *wanted)
{
    SCOPED_ARENA(arena);
    gt_buf out;
    gt_buf_init(&out, arena, 256);
    const gt_difference *d = gt_compare(arena, read_value(arena, shipped), read_value(arena, found));
    for (; d != NULL; d = d->next)
        gt_buf_printf(&out, "%.*s: %.*s, %.*s\n", GT_STR_ARG(d->path), GT_STR_ARG(d->shipped), GT_STR_ARG(d->found));
    cr_expect_str_eq(out.at, wanted, "%s", out.at);
}

Test(webhook_compare, what_others_add_by_right_is_none)
{
    expect_difference("{\"metadata\":{\"name\":\"a\"},\"webhooks\":[{\"name\":\"a\",\"s\":{}}]}",
                      "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"annotations\":{\"x\":\"y\"}},\"status\":{},"
                      "\"webhooks\":[{\"name\":"
                      "\"b\",\"x\":1},{\"name\":\"a\"}]}",
                      "");
    expect_difference("{\"clientConfig\":{\"url\":\"u\"}}", "{\"clientConfig\":{\"url\":\"u\",\"caBundle\":\"eA==\"}}",
                      "");
}

Test(webhook_compare, fields_are_named_with_both_values)
{
    expect_difference(
        "{\"spec\":{\"a\":1,\"l\":[\"x\"],\"m\":[{\"n\":1},{\"n\":2}]}}",
        "{\"spec\":{\"a\":2,\"l\":[\"x\",\"y\"],\"m\":[{\"n\":1}],\"z\":true}}",
        "spec.a: 1, 2\nspec.l: [\"x\"], [\"x\",\"y\"]\nspec.m[1]: {\"n\":2}, nothing\nspec.z: nothing, true\n");
    expect_difference("{\"webhooks\":[{\"name\":\"a\",\"t\":3}]}", "{\"webhooks\":[{\"name\":\"b\"}]}",
                      "webhooks[a]: {\"name\":\"a\",\"t\":3}, nothing\n");
    expect_difference("{\"metadata\":{\"annotations\":{\"k\":\"v\"}}}", "{}",
                      "metadata.annotations[k]: \"v\", nothing\n");
    expect_difference("{\"spec\":{\"a\":[1]}}", "{\"spec\":{\"a\":\"1\"}}", "spec.a: [1], \"1\"\n");
    expect_difference("{\"spec\":{\"m\":[{\"n\":1}]}}", "{\"spec\":{\"m\":[{\"n\":1},3]}}", "spec.m[1]: nothing, 3\n");
    expect_difference("{\"spec\":{\"a\":1}}", "{\"spec\":\"\\u001b[2J\"}", "spec: {\"a\":1}, \"\\u001b[2J\"\n");
}
