/* The Secret's contents as an object of the API server, what is written of it, what is published, and gastown-certs' settings. */
#include "certs/secret.h"

#include "certs/cli/cli.h"
#include "certs/publish.h"
#include "tests/unit/support.h"

static gt_view parsed(gt_arena *arena, const char *text)
{
    gt_view view;
    gt_err err = {0};
    cr_assert(gt_view_parse(arena, gt_str_of(text), 0, &view, &err), "%s", err.text);
    return view;
}

static gt_str printed(gt_arena *arena, const gt_value *value)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 256);
    gt_value_print(&buf, value);
    return gt_buf_slice(&buf);
}

Test(certs_secret, is_read)
{
    SCOPED_ARENA(arena);
    gt_secret s;
    gt_err err = {0};
    gt_view object = parsed(
        arena, "{\"type\":\"kubernetes.io/tls\",\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"gastown.io/"
               "renew-certificate\":\"ca\",\"cert-manager.io/certificate-name\":\"c\"}},\"data\":{\"tls.crt\":\"YQ==\","
               "\"next.key\":\"Yg==\",\"other\":\"!\",\"previous.crt\":7}}");
    cr_assert(gt_secret_read(arena, object, &s, &err), "%s", err.text);
    cr_expect(s.exists);
    expect_text(0, s.leaf.cert, "a");
    expect_text(1, s.next.key, "b");
    expect_text(2, s.previous, "");
    expect_text(3, s.renew, "ca");
    expect_text(4, s.owner, "c");
    expect_text(5, s.version, "7");
    cr_expect(!gt_secret_read(arena, parsed(arena, "{\"data\":{\"ca.crt\":\"===\"}}"), &s, &err));
    cr_expect_str_eq(err.text, "ca.crt isn't base64");
    char *large = gt_arena_printf(arena, "{\"data\":{\"ca.crt\":\"%*s\"}}", GT_SECRET_PART_MAX + 1, "x");
    cr_expect(!gt_secret_read(arena, parsed(arena, large), &s, &err));
    cr_expect_str_eq(err.text, "ca.crt has more than 256 KiB");
}

Test(certs_secret, is_created_whole_and_changed_in_parts)
{
    SCOPED_ARENA(arena);
    const gt_secret none = {0}, one = {.exists = true,
                                       .leaf = {GT_STR("a"), GT_STR("b")},
                                       .previous = GT_STR("c"),
                                       .renew = GT_STR("ca"),
                                       .version = GT_STR("7")};
    gt_secret two = one;
    expect_text(
        0, printed(arena, gt_secret_change(arena, "n", &none, &one)),
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"kubernetes.io/tls\",\"metadata\":{\"name\":\"n\","
        "\"labels\":{\"app.kubernetes.io/part-of\":\"gastown\"},\"annotations\":{\"gastown.io/"
        "renew-certificate\":\"ca\"}},\"data\":{\"tls.crt\":\"YQ==\",\"tls.key\":\"Yg==\",\"previous.crt\":"
        "\"Yw==\"}}");
    two.leaf.cert = GT_STR("d");
    two.previous = two.renew = GT_STR("");
    expect_text(1, printed(arena, gt_secret_change(arena, "n", &one, &two)),
                "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"gastown.io/renew-certificate\":null}},"
                "\"data\":{\"tls.crt\":\"ZA==\",\"previous.crt\":null}}");
}

Test(certs_publish, entries_that_are_there)
{
    SCOPED_ARENA(arena);
    gt_observed_state observed = {.problem = ""};
    gt_kube_request request;
    cr_expect(!gt_publish_request(arena, &observed, GT_REGISTRATION_VALIDATING, "n", GT_STR("a"), &request));
    observed.entries[GT_ENTRY_POLICY].present = true;
    cr_expect(!gt_publish_request(arena, &observed, GT_REGISTRATION_MUTATING, "n", GT_STR("a"), &request));
    cr_assert(gt_publish_request(arena, &observed, GT_REGISTRATION_VALIDATING, "n", GT_STR("a"), &request));
    cr_expect_str_eq(request.method, "PATCH");
    cr_expect_str_eq(request.path, "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/n"
                                   "?fieldManager=gastown-certs&force=true");
    expect_text(0, request.body,
                "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"ValidatingWebhookConfiguration\","
                "\"metadata\":{\"name\":\"n\"},\"webhooks\":[{\"name\":\"policy.gastown.io\",\"clientConfig\":{"
                "\"caBundle\":\"YQ==\"}}]}");
}

static bool parse(gt_arena *arena, const char *const *words, gt_certs_options *options, gt_err *err)
{
    char *argv[32];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = gt_arena_strdup(arena, words[argc]);
    argv[argc] = NULL;
    return gt_certs_options_parse(arena, argc, argv, options, err);
}

Test(certs_options, what_is_right)
{
    SCOPED_ARENA(arena);
    gt_certs_options o;
    gt_err err = {0};
    const char *const words[] = {"gastown-certs", "renew",     "--ca",       "-n",       "sys",
                                 "--dns-name",    "a.example", "--dns-name", "10.0.0.1", NULL};
    cr_assert(parse(arena, words, &o, &err), "%s", err.text);
    static const char *const names[] = {"gastown-webhook.sys.svc", "gastown-webhook.sys.svc.cluster.local",
                                        "gastown-webhook.sys", "a.example", "10.0.0.1"};
    for (size_t i = 0; i < COUNT(names); i++)
        cr_expect_str_eq(o.dns_names[i], names[i]);
    cr_expect_null(o.dns_names[COUNT(names)]);
    cr_expect_str_eq(o.secret, GT_CERTS_SECRET);
    cr_expect(o.ca && o.settle_ms == 60000 && o.overlap_ms == 3600000);
}

Test(certs_options, what_is_wrong)
{
    static const struct {
        const char *words[6], *text;
    } rows[] = {
        {{"x"}, "what is to be done? init, renew, publish or show"},
        {{"x", "make"}, "\"make\" is no verb: init, renew, publish or show"},
        {{"x", "show", "now"}, "\"now\" is one word too many"},
        {{"x", "show", "--ca"}, "--ca goes with renew"},
        {{"x", "init", "--no-wait"}, "--no-wait goes with renew"},
        {{"x", "renew", "--out", "d"}, "--out goes with init"},
        {{"x", "init", "-o", "json"}, "--output goes with show"},
        {{"x", "init", "--certs-secret", "A"}, "--certs-secret: \"A\" can't be one's name"},
        {{"x", "init", "--service", "a.b"}, "--service: \"a.b\" can't be one's name"},
        {{"x", "init", "--dns-name", "a b"}, "--dns-name: \"a b\" is neither a DNS name nor an IP address"},
        {{"x", "init", "--ca-lifetime", "100h"},
         "--ca-lifetime must be at least three times --cert-lifetime: a certificate ends with its authority"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_certs_options o;
        gt_err err = {0};
        cr_expect(!parse(arena, rows[i].words, &o, &err), "row %zu", i);
        cr_expect_str_eq(err.text, rows[i].text, "row %zu", i);
    }
}
