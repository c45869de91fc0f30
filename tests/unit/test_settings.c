#include "lib/base/settings.h"

#include <stddef.h>

#include "tests/unit/support.h"

typedef struct options {
    const char *listen, *config;
    gt_setting_list namespaces;
    int64_t threads, offset, timeout, level, any;
    bool dry_run, colour;
} options;

#define AT(member) offsetof(options, member)

static const gt_setting table[] = {
    {"listen", 'l', "GT_TEST_LISTEN", GT_SET_STRING, ":8443", "ADDR:PORT", "where to serve admission reviews",
     .offset = AT(listen)},
    {"config", 0, NULL, GT_SET_STRING, NULL, "FILE", "what to read", .offset = AT(config)},
    {"namespace", 'n', "GT_TEST_NAMESPACE", GT_SET_STRING, NULL, "NAME", "what to watch", .offset = AT(namespaces),
     .repeat = true},
    {"threads", 't', "GT_TEST_THREADS", GT_SET_INT, "2", "N", "serving threads, 1 to 64", .offset = AT(threads),
     .min = 1, .max = 64},
    {"offset", 0, NULL, GT_SET_INT, "0", "N", "between -5 and 5", .offset = AT(offset), .min = -5, .max = 5},
    {"any", 0, NULL, GT_SET_INT, NULL, "N", "any number", .offset = AT(any)},
    {"timeout", 0, NULL, GT_SET_DURATION, "10s", "TIME", "how long to wait", .offset = AT(timeout), .min = 1000,
     .max = 3600000},
    {"log-level", 0, "GT_TEST_LEVEL", GT_SET_CHOICE, "info", "LEVEL", "what to log", .offset = AT(level),
     .choices = "error warn info"},
    {"dry-run", 'd', "GT_TEST_DRY", GT_SET_BOOL, "false", NULL, "change nothing", .offset = AT(dry_run)},
    {"colour", 0, NULL, GT_SET_BOOL, "true", NULL, "use colours", .offset = AT(colour)},
};

enum { MOST_WORDS = 8 };

static bool parse(gt_arena *arena, const char *const *words, options *o, gt_setting_list *rest, gt_err *err)
{
    char *argv[MOST_WORDS + 2] = {gt_arena_strdup(arena, "program")};
    int argc = 1;
    for (; argc <= MOST_WORDS && words[argc - 1] != NULL; argc++)
        argv[argc] = gt_arena_strdup(arena, words[argc - 1]);
    memset(o, 0xaa, sizeof *o); /* parse fills all that the table names */
    return gt_settings_parse(arena, table, COUNT(table), argc, argv, o, rest, err);
}

static void clean_environment(void)
{
    unsetenv("GT_TEST_LISTEN");
    unsetenv("GT_TEST_NAMESPACE");
    unsetenv("GT_TEST_THREADS");
    unsetenv("GT_TEST_LEVEL");
    unsetenv("GT_TEST_DRY");
}

TestSuite(settings, .init = clean_environment);

Test(settings, defaults)
{
    SCOPED_ARENA(arena);
    options o;
    gt_setting_list rest;
    gt_err err;
    cr_assert(parse(arena, (const char *const[]){NULL}, &o, &rest, &err), "%s", err.text);
    cr_expect_str_eq(o.listen, ":8443");
    cr_expect_null(o.config);
    cr_expect_eq(o.namespaces.count, 0);
    cr_expect_eq(o.threads, 2);
    cr_expect_eq(o.any, 0);
    cr_expect_eq(o.timeout, 10000);
    cr_expect_eq(o.level, 2);
    cr_expect(!o.dry_run && o.colour);
    cr_expect_eq(rest.count, 0);
}

Test(settings, environment_beats_defaults_and_flags_beat_both)
{
    SCOPED_ARENA(arena);
    options o;
    gt_setting_list rest;
    gt_err err;
    setenv("GT_TEST_LISTEN", ":1", 1);
    setenv("GT_TEST_THREADS", "7", 1);
    setenv("GT_TEST_LEVEL", "warn", 1);
    setenv("GT_TEST_DRY", "1", 1);
    cr_assert(parse(arena, (const char *const[]){"-t", "9", "--listen=:2", NULL}, &o, &rest, &err), "%s", err.text);
    cr_expect_str_eq(o.listen, ":2");
    cr_expect_eq(o.threads, 9);
    cr_expect_eq(o.level, 1);
    cr_expect(o.dry_run);
    setenv("GT_TEST_LISTEN", "", 1);
    cr_assert(parse(arena, (const char *const[]){"--no-dry-run", NULL}, &o, &rest, &err), "%s", err.text);
    cr_expect_str_eq(o.listen, "", "set to nothing is set");
    cr_expect(!o.dry_run);
}

Test(settings, ways_to_write_a_flag)
{
    SCOPED_ARENA(arena);
    options o;
    gt_setting_list rest;
    gt_err err;
    cr_assert(
        parse(arena,
              (const char *const[]){"--config", "-x", "--offset", "-5", "--any=-9223372036854775807", "-d", "a", NULL},
              &o, &rest, &err),
        "%s", err.text);
    cr_expect_str_eq(o.config, "-x");
    cr_expect_eq(o.offset, -5);
    cr_expect_eq(o.any, -INT64_MAX);
    cr_expect(o.dry_run);
    cr_assert_eq(rest.count, 1);
    cr_expect_str_eq(rest.at[0], "a");
    cr_assert(parse(arena,
                    (const char *const[]){"--dry-run=true", "--dry-run=false", "--config=a=b", "--no-colour", NULL}, &o,
                    &rest, &err),
              "%s", err.text);
    cr_expect(!o.dry_run && !o.colour);
    cr_expect_str_eq(o.config, "a=b");
}

Test(settings, words)
{
    SCOPED_ARENA(arena);
    options o;
    gt_setting_list rest;
    gt_err err;
    cr_assert(
        parse(arena, (const char *const[]){"one", "-t", "3", "-", "", "--", "--threads", "--", NULL}, &o, &rest, &err),
        "%s", err.text);
    static const char *const wanted[] = {"one", "-", "", "--threads", "--"};
    cr_assert_eq(rest.count, COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++)
        cr_expect_str_eq(rest.at[i], wanted[i]);
    cr_expect_eq(o.threads, 3);
}

Test(settings, repeated)
{
    SCOPED_ARENA(arena);
    options o;
    gt_setting_list rest;
    gt_err err;
    setenv("GT_TEST_NAMESPACE", "from-env", 1);
    cr_assert(parse(arena, (const char *const[]){NULL}, &o, &rest, &err));
    cr_assert_eq(o.namespaces.count, 1);
    cr_expect_str_eq(o.namespaces.at[0], "from-env");
    cr_assert(parse(arena, (const char *const[]){"-n", "a", "--namespace=b", "-n", "c", NULL}, &o, &rest, &err));
    cr_assert_eq(o.namespaces.count, 3, "flags replace the environment, they don't add to it");
    cr_expect_str_eq(o.namespaces.at[0], "a");
    cr_expect_str_eq(o.namespaces.at[1], "b");
    cr_expect_str_eq(o.namespaces.at[2], "c");
}

Test(settings, durations)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {
        {"1000ms", 1000},
        {"10s", 10000},
        {"5m", 300000},
        {"1h", 3600000},
        {"1s", 1000},
        {"999ms", -1},
        {"3601s", -1},
        {"2h", -1},
        {"10", -1},
        {"s", -1},
        {"", -1},
        {"-5s", -1},
        {"1.5s", -1},
        {"1m30s", -1},
        {"1d", -1},
        {"10S", -1},
        {" 10s", -1},
        {"9223372036854775807h", -1},
        {"99999999999999999999s", -1},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        options o;
        gt_setting_list rest;
        gt_err err;
        bool good = parse(arena, (const char *const[]){"--timeout", cases[i].text, NULL}, &o, &rest, &err);
        cr_expect_eq(good, cases[i].ms >= 0, "`%s`", cases[i].text);
        cr_expect(!good || o.timeout == cases[i].ms, "`%s`", cases[i].text);
    }
}

Test(settings, errors)
{
    static const struct {
        const char *words[3];
        const char *text;
    } cases[] = {
        {{"--threads", "x"}, "--threads: \"x\" is not a whole number from 1 to 64"},
        {{"-t", "65"}, "-t: \"65\" is not a whole number from 1 to 64"},
        {{"--threads="}, "--threads: \"\" is not a whole number from 1 to 64"},
        {{"--any=1e3"}, "--any: \"1e3\" is not a whole number"},
        {{"--timeout=2h"}, "--timeout: \"2h\" is not a duration from 1s to 1h"},
        {{"--log-level=debug"}, "--log-level: \"debug\" is not one of: error warn info"},
        {{"--log-level=error warn"}, "--log-level: \"error warn\" is not one of: error warn info"},
        {{"--log-level="}, "--log-level: \"\" is not one of: error warn info"},
        {{"--dry-run=yes"}, "--dry-run: \"yes\" is not true or false"},
        {{"--threads"}, "--threads needs a value (N)"},
        {{"-n"}, "-n needs a value (NAME)"},
        {{"--thread", "2"}, "unknown flag --thread (did you mean --threads?)"},
        {{"--lisetn=:1"}, "unknown flag --lisetn (did you mean --listen?)"},
        {{"--dryrun"}, "unknown flag --dryrun (did you mean --dry-run?)"},
        {{"--frobnicate"}, "unknown flag --frobnicate"},
        {{"--no-listen"}, "unknown flag --no-listen"},
        {{"--no-dry-run=true"}, "--no-dry-run takes no value"},
        {{"-x"}, "unknown flag -x"},
        {{"-t5"}, "unknown flag -t5 (did you mean -t 5?)"},
        {{"-t=5"}, "unknown flag -t=5 (did you mean -t 5 or --threads=5?)"},
        {{"-dn"}, "unknown flag -dn"},
        {{"-5"}, "unknown flag -5"},
        {{"--="}, "unknown flag --"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        options o;
        gt_setting_list rest;
        gt_err err = {0};
        cr_expect(!parse(arena, cases[i].words, &o, &rest, &err), "row %zu was taken", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT, "row %zu", i);
        expect_text(i, gt_str_of(err.text), cases[i].text);
    }
}

Test(settings, nearest_neighbour_is_named)
{
    static const gt_setting near[] = {
        {"image", 0, NULL, GT_SET_STRING, NULL, "X", "x", .offset = AT(listen)},
        {"images", 0, NULL, GT_SET_STRING, NULL, "X", "x", .offset = AT(listen)},
        {"imagery", 0, NULL, GT_SET_STRING, NULL, "X", "x", .offset = AT(listen)},
    };
    SCOPED_ARENA(arena);
    options o;
    gt_setting_list rest;
    gt_err err;
    char program[] = "program", word[] = "--imagesx";
    cr_expect(!gt_settings_parse(arena, near, COUNT(near), 2, (char *[]){program, word, NULL}, &o, &rest, &err));
    cr_expect_str_eq(err.text, "unknown flag --imagesx (did you mean --images?)");
}

Test(settings, environment_is_named)
{
    SCOPED_ARENA(arena);
    options o;
    gt_setting_list rest;
    gt_err err;
    setenv("GT_TEST_THREADS", "", 1);
    cr_expect(!parse(arena, (const char *const[]){"-t", "3", NULL}, &o, &rest, &err),
              "wrong, even where a flag overrides it");
    cr_expect_str_eq(err.text, "environment GT_TEST_THREADS: \"\" is not a whole number from 1 to 64");
}

static gt_str help(gt_arena *arena, const gt_setting *rows, size_t n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    gt_settings_help(to, rows, n);
    fclose(to);
    gt_str copy = {gt_arena_dup(arena, text, size), size};
    free(text);
    return copy;
}

Test(settings, help_is_aligned)
{
    SCOPED_ARENA(arena);
    expect_text(0, help(arena, table, 4),
                "  -l, --listen ADDR:PORT  where to serve admission reviews (environment GT_TEST_LISTEN; default\n"
                "                          :8443)\n"
                "      --config FILE       what to read\n"
                "  -n, --namespace NAME    what to watch (may be repeated; environment GT_TEST_NAMESPACE)\n"
                "  -t, --threads N         serving threads, 1 to 64 (environment GT_TEST_THREADS; default 2)\n");
    expect_text(0, help(arena, table + 7, 3),
                "      --log-level LEVEL  what to log (one of: error warn info; environment GT_TEST_LEVEL; default\n"
                "                         info)\n"
                "  -d, --dry-run          change nothing (environment GT_TEST_DRY)\n"
                "      --colour           use colours (default true)\n");
}

Test(settings, help_stays_in_100_columns)
{
    static const gt_setting rows[] = {
        {"a-flag-with-quite-a-long-name", 'a', NULL, GT_SET_STRING, NULL, "AND-A-LONG-VALUE", "short", .offset = 0},
        {"b", 'b', "B", GT_SET_STRING, "x", "X",
         "a help text that goes on and on until nobody who reads it can say any more what the beginning of the "
         "sentence was about, "
         "which happens",
         .offset = 0},
    };
    SCOPED_ARENA(arena);
    gt_str text = help(arena, rows, COUNT(rows));
    size_t column = 0, widest = 0;
    for (size_t i = 0; i < text.len; i++) {
        column = text.at[i] == '\n' ? 0 : column + 1;
        widest = column > widest ? column : widest;
    }
    cr_expect(widest > 80 && widest <= 100, "%zu columns:\n%.*s", widest, GT_STR_ARG(text));
    cr_expect(
        gt_str_starts(
            text, "  -a, --a-flag-with-quite-a-long-name AND-A-LONG-VALUE\n             short\n  -b, --b X  a help"),
        "%.*s", GT_STR_ARG(text));
}
