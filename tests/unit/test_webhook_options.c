#include "webhook/options.h"

#include "lib/base/log.h"
#include "tests/unit/support.h"

#define REQUIRED "webhook", "-t", "dir", "--tls-cert", "c", "--tls-key", "k"

static bool parse(gt_arena *arena, const char *const *words, gt_options *options, gt_err *err)
{
    char *argv[32];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = gt_arena_strdup(arena, words[argc]);
    argv[argc] = NULL;
    return gt_options_parse(arena, argc, argv, options, err);
}

#define PARSE(...) parse(arena, (const char *const[]){__VA_ARGS__, NULL}, &options, &err)

Test(webhook_options, defaults)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_assert(PARSE(REQUIRED), "%s", err.text);
    cr_expect_str_eq(options.templates, "dir");
    cr_expect_eq(options.listen.port, 8443);
    cr_expect_str_eq(options.listen.host, "");
    cr_expect_eq(options.probe.port, 8081);
    cr_expect_eq(options.threads, 4);
    cr_expect_eq(options.connections, 256);
    cr_expect_eq(options.header_ms, 10000);
    cr_expect_eq(options.body_ms, 10000);
    cr_expect_eq(options.idle_ms, 120000);
    cr_expect_eq(options.log_level, GT_LOG_INFO);
    cr_expect_eq(options.log_format, GT_LOG_TEXT);
    cr_expect_null(options.port_file);
}

Test(webhook_options, flags_beat_the_environment)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    setenv("LISTEN", "127.0.0.1:1", 1);
    setenv("PROBE_LISTEN", "127.0.0.1:2", 1);
    setenv("LOG_LEVEL", "debug", 1);
    cr_assert(PARSE(REQUIRED, "--listen", "[::1]:3", "--log-format=json"), "%s", err.text);
    cr_expect_eq(options.listen.port, 3);
    cr_expect_eq(options.probe.port, 2);
    cr_expect_eq(options.log_level, GT_LOG_DEBUG);
    cr_expect_eq(options.log_format, GT_LOG_JSON);
}

Test(webhook_options, help_needs_nothing_else)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_expect(PARSE("webhook", "--help"));
    cr_expect(options.help);
    cr_expect(PARSE("webhook", "--version"));
    cr_expect(options.version);
    FILE *nothing = fopen("/dev/null", "we");
    gt_options_help(nothing);
    fclose(nothing);
}

Test(webhook_options, refuses)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_expect(!PARSE("webhook"));
    cr_expect_str_eq(err.text, "--tls-cert FILE is required, and --tls-key FILE; or --certs-secret NAME");
    cr_expect(!PARSE("webhook", "-t", "dir", "--tls-cert", "c"));
    cr_expect_str_eq(err.text, "--tls-key FILE is required");
    cr_expect(!PARSE(REQUIRED, "--listen", "here"));
    cr_expect_str_eq(err.text, "--listen: \"here\" has no port: write ADDR:PORT, [IPV6]:PORT or :PORT");
    cr_expect(!PARSE(REQUIRED, "--threads", "1"));
    cr_expect(!PARSE(REQUIRED, "--idle-timeout", "0s"));
    cr_expect(!PARSE(REQUIRED, "word"));
    cr_expect_eq(err.kind, GT_ERR_INPUT);
}

Test(webhook_options, an_api_server_instead_of_a_directory)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_assert(PARSE("webhook", "--tls-cert", "c", "--tls-key", "k", "--kubeconfig", "kc", "--context", "x",
                    "--watch-namespaces", "a,b-c", "--system-namespace", "sys"),
              "%s", err.text);
    cr_expect_null(options.templates);
    cr_expect_str_eq(options.kubeconfig, "kc");
    cr_expect_str_eq(options.namespaces[0], "a");
    cr_expect_str_eq(options.namespaces[1], "b-c");
    cr_expect_null(options.namespaces[2]);
    cr_assert(PARSE("webhook", "--tls-cert", "c", "--tls-key", "k"), "%s", err.text);
    cr_expect_null(options.namespaces[0], "all");
    static const char *const wrong[] = {"a,,b", ",", "a b", "A", "a,b!"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect(!PARSE("webhook", "--tls-cert", "c", "--tls-key", "k", "--watch-namespaces", wrong[i]), "%s",
                  wrong[i]);
    cr_expect(!PARSE("webhook", "--tls-cert", "c", "--tls-key", "k", "--system-namespace", "a/b"));
    cr_expect_str_eq(err.text, "--system-namespace: \"a/b\" can't be a namespace");
    cr_expect(!PARSE(REQUIRED, "--watch-namespaces", "a"));
    cr_expect_str_eq(err.text, "--watch-namespaces goes with an API server, not with --templates");
}

Test(webhook_options, a_certificate_comes_one_way_or_the_other)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_assert(PARSE("webhook", "--certs-secret", "gastown-certs"), "%s", err.text);
    cr_expect_str_eq(options.service, "gastown-webhook");
    cr_expect_str_eq(options.registration, "gastown");
    cr_expect_eq(options.leaf_life_ms, INT64_C(90) * 24 * 3600 * 1000);
    cr_expect_eq(options.ca_life_ms, INT64_C(3650) * 24 * 3600 * 1000);
    cr_expect_eq(options.settle_ms, 60 * 1000);
    cr_expect_eq(options.overlap_ms, 3600 * 1000);
    static const char both[] =
        "the certificate comes from --tls-cert and --tls-key, or from --certs-secret, not from both";
    cr_expect(!PARSE("webhook", "--certs-secret", "s", "--tls-cert", "c", "--tls-key", "k"));
    cr_expect_str_eq(err.text, both);
    cr_expect(!PARSE("webhook", "--certs-secret", "s", "--tls-key", "k"));
    cr_expect_str_eq(err.text, both);
    cr_expect(!PARSE("webhook", "--certs-secret", "s", "-t", "dir"));
    cr_expect_str_eq(err.text, "--certs-secret goes with an API server, not with --templates");
    cr_expect(!PARSE("webhook", "--certs-secret", "a/b"));
    cr_expect_str_eq(err.text, "--certs-secret: \"a/b\" can't be a Secret");
    cr_expect(!PARSE(REQUIRED, "--service", "a.b"));
    cr_expect_str_eq(err.text, "--service: \"a.b\" can't be a Service");
    cr_expect(!PARSE(REQUIRED, "--registration", ""));
    cr_expect(!PARSE(REQUIRED, "--cert-lifetime", "1s"));
}

Test(webhook_options, an_authority_outlives_its_replacement)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_expect(!PARSE("webhook", "--certs-secret=s", "--ca-lifetime=1h"), "the overlap alone takes an hour");
    cr_expect_eq(strncmp(err.text, "--ca-settle and --ca-overlap together", 37), 0, "%s", err.text);
    cr_expect(!PARSE("webhook", "--certs-secret=s", "--ca-lifetime=60h", "--ca-settle=20h"));
    cr_expect(PARSE("webhook", "--certs-secret=s", "--ca-lifetime=1h", "--ca-overlap=19m"), "%s", err.text);
    cr_expect(PARSE(REQUIRED, "--ca-lifetime=1h"), "what isn't used doesn't matter");
}

/* As a chart's unused values leave them in the environment. */
Test(webhook_options, an_empty_text_is_none)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_assert(PARSE("webhook", "--certs-secret=", "--templates=", "--kubeconfig=", "--context=", "--system-namespace=",
                    "--watch-namespaces=", "--port-file=", "--tls-cert", "c", "--tls-key", "k"),
              "%s", err.text);
    cr_expect_null(options.certs_secret, "else no certificate would be read");
    cr_expect_null(options.templates);
    cr_expect_null(options.kubeconfig);
    cr_expect_null(options.context);
    cr_expect_null(options.system_namespace);
    cr_expect_null(options.port_file);
    cr_expect_null(options.namespaces[0]);
    cr_assert(PARSE("webhook", "--certs-secret=s", "--tls-cert=", "--tls-key="), "%s", err.text);
    cr_expect_null(options.tls_cert);
    cr_expect(!PARSE("webhook", "--certs-secret=", "--tls-cert=", "--tls-key="));
}

Test(webhook_options, names_of_clients)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_assert(PARSE(REQUIRED, "--client-ca", "ca.crt", "--client-names", "kube-apiserver,spiffe://x/y z"), "%s",
              err.text);
    cr_expect_str_eq(options.client_names[0], "kube-apiserver");
    cr_expect_str_eq(options.client_names[1], "spiffe://x/y z");
    cr_expect_null(options.client_names[2]);
    cr_assert(PARSE(REQUIRED, "--client-ca", "ca.crt"));
    cr_expect_null(options.client_names[0]);
    cr_expect(!PARSE(REQUIRED, "--client-names", "a"));
    cr_expect_str_eq(err.text, "--client-names needs --client-ca FILE: whose certificates would they be?");
    cr_expect(!PARSE(REQUIRED, "--client-ca", "c", "--client-names", "a,,b"));
    cr_expect_str_eq(err.text, "--client-names: an empty name (to admit any, leave the setting out)");
    cr_expect(!PARSE(REQUIRED, "--client-ca", "c", "--client-names", ""),
              "a list that came out empty admits everybody");
    cr_expect(!PARSE(REQUIRED, "--client-ca", "c", "--client-names", "a,"));
    cr_expect(!PARSE(REQUIRED, "--client-ca", ""));
}

Test(webhook_options, names_of_certificates_that_we_make)
{
    SCOPED_ARENA(arena);
    gt_options options;
    gt_err err;
    cr_assert(PARSE("webhook", "--certs-secret", "s", "--dns-name", "192.0.2.1", "--dns-name", "a.example"), "%s",
              err.text);
    cr_assert_eq(options.dns_names.count, 2);
    cr_expect_str_eq(options.dns_names.at[0], "192.0.2.1");
    cr_expect_not(PARSE(REQUIRED, "--dns-name", "a.example"));
    cr_expect_str_eq(err.text, "--dns-name goes with --certs-secret: files have the names that they have");
    cr_expect_not(PARSE("webhook", "--certs-secret", "s", "--dns-name", "a_b"));
    cr_expect_str_eq(err.text, "--dns-name: \"a_b\" is neither a DNS name nor an IP address");
}
