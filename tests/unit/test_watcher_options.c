#include "tests/unit/support.h"
#include "watcher/options.h"

#include <stdio.h>

static bool parse(gt_arena *arena, const char *words, gt_watch_options *o, gt_err *err)
{
    char *argv[16] = {gt_arena_strdup(arena, "gastown-watcher")};
    int argc = 1;
    for (char *w = strtok(gt_arena_strdup(arena, words), " "); w != NULL && argc < 15; w = strtok(NULL, " "))
        argv[argc++] = w;
    return gt_watch_options_parse(arena, argc, argv, o, err);
}

static void clean_environment(void)
{
    clearenv();
}

Test(watcher_options, defaults_are_the_contracts, .init = clean_environment)
{
    SCOPED_ARENA(arena);
    gt_watch_options o;
    gt_err err;
    cr_assert(parse(arena, "--town-root /town", &o, &err), "%s", err.text);
    cr_expect_str_eq(o.events, "/town/.events.jsonl");
    cr_expect_str_eq(o.ns, "gastown");
    cr_expect_str_eq(o.daemon_host, "localhost");
    cr_expect_eq(o.daemon_port, 9876);
    cr_expect_str_eq(o.bd_binary, "bd");
    cr_expect_eq(o.log_level, GT_LOG_INFO);
    cr_expect_null(o.kubeconfig);
    cr_expect_null(o.agent_image);
    cr_expect_null(o.state);
    cr_expect_eq(o.replay_timeout_ms, 30000);
}

Test(watcher_options, environment_and_flags, .init = clean_environment)
{
    SCOPED_ARENA(arena);
    gt_watch_options o;
    gt_err err;
    static const char *const set[][2] = {{"GT_TOWN_ROOT", "/t"}, {"NAMESPACE", "ns"},     {"KUBECONFIG", "/k"},
                                         {"LOG_LEVEL", "debug"}, {"BD_DAEMON_HOST", "h"}, {"BD_DAEMON_PORT", "1"},
                                         {"BD_BINARY", "/bd"},   {"AGENT_IMAGE", "i"}};
    for (size_t i = 0; i < COUNT(set); i++)
        setenv(set[i][0], set[i][1], 1);
    cr_assert(parse(arena, "--namespace other --log-level=warn", &o, &err), "%s", err.text);
    cr_expect_str_eq(o.events, "/t/.events.jsonl");
    cr_expect_str_eq(o.ns, "other");
    cr_expect_str_eq(o.kubeconfig, "/k");
    cr_expect_eq(o.log_level, GT_LOG_WARN);
    cr_expect_str_eq(o.agent_image, "i");
    cr_expect_eq(o.daemon_port, 1);
    setenv("KUBECONFIG", "", 1);
    cr_assert(parse(arena, "--events e", &o, &err), "%s", err.text);
    cr_expect_null(o.kubeconfig);
    cr_expect_str_eq(o.events, "e");
}

Test(watcher_options, refused, .init = clean_environment)
{
    static const char *const rows[][2] = {
        {"", "nothing to watch"},
        {"--events a --replay b", "one or the other"},
        {"--replay b --state s", "remembers nothing"},
        {"--events a --namespace Gas", "Gas"},
        {"--events a --namespace=", "namespace"},
        {"--events a --log-level loud", "loud"},
        {"--events a --daemon-port 99999", "99999"},
        {"--events a --replay-timeout 5", "5"},
        {"--events a b", "\"b\""},
        {"--events a -o json", "--dry-run"},
        {"--events a --dry-run -o xml", "xml"},
        {"--events a --context c", "--kubeconfig"},
        {"--event a", "--events"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_watch_options o;
        gt_err err = {0};
        cr_expect_not(parse(arena, rows[i][0], &o, &err), "row %zu", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT, "row %zu", i);
        cr_expect(strstr(err.text, rows[i][1]) != NULL, "row %zu: %s", i, err.text);
    }
}

Test(watcher_options, a_bad_environment_is_an_error, .init = clean_environment)
{
    SCOPED_ARENA(arena);
    gt_watch_options o;
    gt_err err;
    setenv("BD_DAEMON_PORT", "x", 1);
    cr_expect_not(parse(arena, "--events a", &o, &err));
    cr_expect(strstr(err.text, "BD_DAEMON_PORT") != NULL, "%s", err.text);
}

Test(watcher_options, help_needs_nothing_else, .init = clean_environment)
{
    SCOPED_ARENA(arena);
    gt_watch_options o;
    gt_err err;
    cr_expect(parse(arena, "--help", &o, &err), "%s", err.text);
    cr_expect(o.help);
    char text[16384] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    gt_watch_options_help(to);
    fclose(to);
    static const char *const words[] = {"--town-root",    "GT_TOWN_ROOT",       "AGENT_IMAGE",
                                        "BD_DAEMON_PORT", "nothing is deleted", "Exit status"};
    for (size_t i = 0; i < COUNT(words); i++)
        cr_expect(strstr(text, words[i]) != NULL, "%s", words[i]);
}
