/* The mapper's corners; tests/conformance/watcher has the contract's own cases. */
#include <stdio.h>

#include "tests/unit/support.h"
#include "watcher/event.h"

static const char *show(gt_arena *arena, gt_str line)
{
    gt_event event;
    gt_err why;
    switch (gt_event_read(arena, line, &event, &why)) {
    case GT_LINE_BROKEN: return "broken";
    case GT_LINE_NOTHING: return "";
    case GT_LINE_MAPPED: break;
    }
    return gt_arena_printf(arena, "%s %.*s|%.*s|%.*s %.*s", gt_lifecycle_name(event.lifecycle),
                           GT_STR_ARG(event.agent.rig), GT_STR_ARG(event.agent.role), GT_STR_ARG(event.agent.name),
                           GT_STR_ARG(event.bead));
}

typedef struct row {
    const char *in, *out;
} row;

static void check_rows(const row *rows, size_t n, const char *before, const char *after)
{
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < n; i++) {
        const char *line = gt_arena_printf(arena, "%s%s%s", before, rows[i].in, after);
        SCOPED_EXACT(exact, gt_str_of(line));
        const char *got = show(arena, exact);
        cr_expect_str_eq(got, rows[i].out, "%s\n    is        %s\n    should be %s", line, got, rows[i].out);
    }
}
/* A line is `before`, a row's text, and `after`. */
#define CHECK(before, after, ...)                                                                                      \
    do {                                                                                                               \
        static const row rows[] = {__VA_ARGS__};                                                                       \
        check_rows(rows, COUNT(rows), before, after);                                                                  \
    } while (0)

Test(watcher_event, addresses)
{
    CHECK("{\"type\":\"sling\",\"payload\":{\"target\":\"", "\"}}", {"r/polecats/n", "spawn r|polecat|n "},
          {"r/n", "spawn r|polecat|n "}, {"r/n/", "spawn r|polecat|n "}, {"r/n//", ""}, {"/r/n", ""}, {"r//n", ""},
          {"r/", ""}, {"r", ""}, {"/", ""}, {"//", ""}, {"", ""}, {"mayor", "spawn town|mayor|hq "},
          {"mayor/", "spawn town|mayor|hq "}, {"mayor//", ""}, {"Mayor", ""}, {"deacon", "spawn town|deacon|hq "},
          {"mayor/x", ""}, {"deacon/boot", ""}, {"mayor/polecats/x", ""}, {"deacon/dogs/d", "spawn town|dog|d "},
          {"deacon/dog/d/", "spawn town|dog|d "}, {"deacon/crew/x", ""}, {"deacon/dogs", ""},
          {"r/witness", "spawn r|witness|witness "}, {"r/refinery/", "spawn r|refinery|refinery "}, {"r/polecats", ""},
          {"r/crew", ""}, {"r/dogs", ""}, {"r/mayor", ""}, {"r/witness/x", ""}, {"r/mayor/hq", ""}, {"r/dudes/x", ""},
          {"r/crew/x/y", ""}, {"r/polecats/witness", "spawn r|polecat|witness "},
          {"r/crew/mayor", "spawn r|crew|mayor "}, {"./n", ""}, {"r/..", ""}, {"r/.", ""},
          {"r/...", "spawn r|polecat|... "}, {"r/crew/..", ""}, {"r/a\\u0001b", ""}, {"r/a\\u007fb", ""},
          {"r/a\\u0085b", ""}, {"r/a\\u00a0b", "spawn r|polecat|a\u00a0b "}, {"r/crew/a b", "spawn r|crew|a b "},
          {"r-x/n", "spawn r-x|polecat|n "}, {"R/Polecats/n", ""}, {"r/\u00fc", "spawn r|polecat|\u00fc "});
}

Test(watcher_event, spawn_takes_plain_words)
{
    CHECK("{\"type\":\"spawn\",\"actor\":\"a/b\",\"payload\":{", "}}",
          {"\"rig\":\"r\",\"polecat\":\"n\"", "spawn r|polecat|n "}, {"\"rig\":\"r\",\"polecat\":\"crew/n\"", ""},
          {"\"rig\":\"r\",\"role\":\"crews\",\"agent\":\"n\"", "spawn r|crew|n "},
          {"\"rig\":\"r\",\"role\":\"crew\"", ""},
          {"\"rig\":\"r\",\"polecat\":\"\",\"role\":\"crew\",\"agent\":\"n\"", "spawn r|crew|n "},
          {"\"rig\":\"r\",\"polecat\":\"..\",\"role\":\"crew\",\"agent\":\"n\"", "spawn r|crew|n "},
          {"\"rig\":\"r\",\"role\":\"scout\",\"agent\":\"n\"", "spawn r|scout|n "},
          {"\"rig\":\"r\",\"role\":\"Crew\",\"agent\":\"n\"", ""},
          {"\"rig\":\"\",\"role\":\"mayor\",\"agent\":\"hq\"", ""}, {"\"role\":\"mayor\",\"agent\":\"hq\"", ""},
          {"\"rig\":\"r\",\"role\":\"mayor\",\"agent\":\"bob\"", "spawn town|mayor|hq "},
          {"\"rig\":\"r\",\"role\":\"witness\",\"agent\":\"bob\"", "spawn r|witness|witness "},
          {"\"rig\":\"mayor\",\"polecat\":\"n\"", ""}, {"\"rig\":null,\"polecat\":\"n\"", ""});
}

Test(watcher_event, targets)
{
    CHECK("{\"type\":\"kill\",\"actor\":\"a/b\",\"payload\":{", "}}",
          {"\"target\":\"n\",\"rig\":\"r\"", "kill r|polecat|n "},
          {"\"target\":\"mayor\",\"rig\":\"r\"", "kill town|mayor|hq "},
          {"\"target\":\"deacon\"", "kill town|deacon|hq "},
          {"\"target\":\"witness\",\"rig\":\"r\"", "kill r|witness|witness "},
          {"\"target\":\"polecats\",\"rig\":\"r\"", ""}, {"\"target\":\"n\",\"rig\":\"r-x\"", ""},
          {"\"target\":\"n\",\"rig\":\"deacon\"", ""}, {"\"target\":\"x/crew/n\",\"rig\":\"r\"", "kill x|crew|n "},
          {"\"target\":\"x/\",\"rig\":\"r\"", ""}, {"\"rig\":\"r\"", ""});
}

Test(watcher_event, sessions)
{
    CHECK("{\"type\":\"session_death\",\"payload\":{\"agent\":\"unknown\",\"session\":\"", "\"}}",
          {"hq-mayor", "kill town|mayor|hq "}, {"hq-deacon", "kill town|deacon|hq "}, {"hq-boot", ""}, {"hq-", ""},
          {"gt-", ""}, {"gt-r", ""}, {"gt-r-", ""}, {"gt--n", ""}, {"gt-r-witness", "kill r|witness|witness "},
          {"gt-r-refinery", "kill r|refinery|refinery "}, {"gt-r-crew-n", "kill r|crew|n "},
          {"gt-r-crew-a-b", "kill r|crew|a-b "}, {"gt-r-crew", "kill r|polecat|crew "},
          {"gt-r-a-b", "kill r|polecat|a-b "}, {"gt-mayor-x", ""}, {"gt-r-witness-2", "kill r|polecat|witness-2 "},
          {"gt-r-a/b", ""}, {"tmux", ""}, {"", ""});
    CHECK("{\"type\":\"session_death\",", "}",
          {"\"actor\":\"gt-r-n\",\"payload\":{\"agent\":\"Deacon\",\"session\":\"\"}", "kill r|polecat|n "},
          {"\"actor\":\"r/crew/n\",\"payload\":{\"session\":\"nonsense\"}", "kill r|crew|n "},
          {"\"actor\":\"r/n\",\"payload\":{\"agent\":\"gt-x-y\",\"session\":\"gt-p-q\"}", "kill p|polecat|q "},
          {"\"actor\":\"r/n\"", "kill r|polecat|n "}, {"\"actor\":\"daemon\"", ""});
}

Test(watcher_event, ids)
{
    CHECK("{\"type\":\"status\",\"new_status\":\"closed\",\"issue_id\":\"", "\"}",
          {"gt-r-polecat-n", "done r|polecat|n gt-r-polecat-n"},
          {"a-b-c-r-crew-x-y", "done r|crew|x-y a-b-c-r-crew-x-y"},
          {"gt-r-witness", "done r|witness|witness gt-r-witness"}, {"gt-r-witness-2", ""}, {"gt-r-polecat", ""},
          {"gt-r-polecat-", ""}, {"gt-r-polecat-crew-x", "done r|polecat|crew-x gt-r-polecat-crew-x"},
          {"gt-polecat-n", ""}, {"gt-witness", ""},
          {"gt-polecat-witness", "done polecat|witness|witness gt-polecat-witness"},
          {"gt-mayor", "done town|mayor|hq gt-mayor"}, {"my-p-deacon", "done town|deacon|hq my-p-deacon"},
          {"mayor", ""}, {"-mayor", ""}, {"gt-r-mayor-x", ""}, {"gt-crew-mayor", ""},
          {"hq-dog-d", "done town|dog|d hq-dog-d"}, {"hq-dog-a-witness", "done town|dog|a-witness hq-dog-a-witness"},
          {"hq-dog-", ""}, {"gt-dog-d", ""}, {"-r-polecat-n", ""}, {"gt--polecat-n", ""}, {"gt-deacon-polecat-n", ""},
          {"gt-r-polecats-n", ""}, {"gt-7p0", ""}, {"", ""}, {"-", ""}, {"---", ""}, {"gt-r-polecat-..", ""});
}

Test(watcher_event, labels)
{
    CHECK("{\"type\":\"status\",\"new_status\":\"hooked\",", "}",
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"rig:r\",\"role:dogs\",\"agent:n\"]", "spawn r|dog|n b"},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"role:dog\",\"agent:n\"]", "spawn town|dog|n b"},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"role:mayor\"]", "spawn town|mayor|hq b"},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"rig:r\",\"role:scribe\",\"agent:n\"]", "spawn r|scribe|n b"},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"rig:r\",\"role:Scribe\",\"agent:n\"]", ""},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"rig:r\",\"role:witness\",\"agent:bob\"]",
           "spawn r|witness|witness b"},
          {"\"issue_id\":\"gt-r-polecat-n\",\"labels\":[\"gt:agent\"]", "spawn r|polecat|n gt-r-polecat-n"},
          {"\"issue_id\":\"ff-polecat-n\",\"labels\":[\"gt:agent\"]", "spawn ff|polecat|n ff-polecat-n"},
          {"\"issue_id\":\"ff-refinery\",\"labels\":[\"gt:agent\"]", "spawn ff|refinery|refinery ff-refinery"},
          {"\"issue_id\":\"ff-polecat-n\",\"issue_type\":\"agent\"", ""},
          {"\"issue_id\":\"gt-r-polecat-n\",\"issue_type\":\"agent\"", "spawn r|polecat|n gt-r-polecat-n"},
          {"\"issue_id\":\"gt-r-polecat-n\",\"labels\":[\"gt:agent\",\"rig:q\"]", "spawn q|polecat|n gt-r-polecat-n"},
          {"\"issue_id\":\"gt-r-polecat-n\",\"labels\":[\"gt:agent\",\"role:crew\",\"rig:r\"]", ""},
          {"\"issue_id\":\"gt-r-polecat-n\",\"labels\":[\"work\"],\"assignee\":\"x/y\"",
           "spawn x|polecat|y gt-r-polecat-n"},
          {"\"issue_id\":\"gt-r-polecat-n\",\"labels\":[],\"assignee\":\"x/y\"", "spawn r|polecat|n gt-r-polecat-n"},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"rig:r\",\"role:crew\",\"agent:n\",\"agent:m\"]", ""},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"rig:r\",\"role:crew\",\"agent:n\",\"agent:n\"]",
           "spawn r|crew|n b"},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\"],\"assignee\":\"x/y\"", ""},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",\"rig:mayor\",\"role:crew\",\"agent:n\"]", ""},
          {"\"issue_id\":\"b\",\"labels\":[\"gt:agent\",7]", "broken"},
          {"\"issue_id\":\"b\",\"labels\":\"gt:agent\"", "broken"},
          {"\"issue_id\":\"b\",\"labels\":[null,\"gt:agent\",\"role:mayor\"]", "spawn town|mayor|hq b"},
          {"\"issue_id\":\"b\",\"issue\":{\"labels\":[\"gt:agent\",\"role:mayor\"],\"issue_type\":\"x\"}",
           "spawn town|mayor|hq b"},
          {"\"issue_id\":\"gt-r-crew-n\",\"issue\":{\"issue_type\":\"agent\",\"labels\":null}",
           "spawn r|crew|n gt-r-crew-n"});
}

Test(watcher_event, hooked_work)
{
    CHECK("{\"type\":\"status\",\"issue_id\":\"w\",", "}",
          {"\"old_status\":\"open\",\"new_status\":\"hooked\",\"assignee\":\"r/n\"", "spawn r|polecat|n w"},
          {"\"old_status\":\"open\",\"new_status\":\"hooked\",\"assignee\":\"nobody\",\"issue\":{\"assignee\":\"r/n\"}",
           "spawn r|polecat|n w"},
          {"\"old_status\":\"hooked\",\"new_status\":\"closed\",\"assignee\":\"r/n\"", "done r|polecat|n w"},
          {"\"old_status\":\"hooked\",\"new_status\":\"closed\",\"assignee\":\"r/crew/n\"", ""},
          {"\"old_status\":\"hooked\",\"new_status\":\"closed\",\"assignee\":\"mayor/\"", ""},
          {"\"old_status\":\"hooked\",\"new_status\":\"open\",\"assignee\":\"r/n\"", ""},
          {"\"old_status\":\"open\",\"new_status\":\"closed\",\"assignee\":\"r/n\"", ""},
          {"\"old_status\":\"open\",\"new_status\":\"Hooked\",\"assignee\":\"r/n\"", ""},
          {"\"new_status\":\"hooked\",\"actor\":\"r/n\",\"message\":\"w hooked @r/n\"", ""});
}

Test(watcher_event, types_of_fields)
{
    CHECK("{\"type\":\"sling\",\"payload\":{\"target\":\"r/n\",\"bead\":\"b\"},", "}",
          {"\"x\":1", "spawn r|polecat|n b"}, {"\"actor\":null", "spawn r|polecat|n b"}, {"\"actor\":1", "broken"},
          {"\"Actor\":1", "broken"}, {"\"Actor\":\"a\",\"actor\":\"a\"", "broken"}, {"\"Type\":null", "broken"},
          {"\"TYPE\":\"x\"", "spawn r|polecat|n b"}, {"\"title\":[]", "broken"}, {"\"Timestamp\":3", "broken"},
          {"\"ts\":3", "broken"}, {"\"issue\":[]", "broken"}, {"\"issue\":{\"assignee\":1}", "broken"},
          {"\"issue\":{\"labels\":{}}", "broken"}, {"\"issue\":{\"zzz\":{}}", "spawn r|polecat|n b"},
          {"\"old_status\":true", "broken"}, {"\"issue_type\":{}", "broken"},
          {"\"IssueID\":\"i\",\"issue_id\":\"i\"", "broken"}, {"\"a\":{\"b\":1,\"b\":2}", "broken"},
          {"\"a\":\"\\u0000\"", "broken"}, {"\"\\u0000\":1", "broken"}, {"\"a\":\"\\\\u0000\"", "spawn r|polecat|n b"},
          {"\"a\":\"\\ud800\"", "broken"}, {"\"a\":1e999", "spawn r|polecat|n b"}, {"\"a\":01", "broken"},
          {"\"a\":\"\t\"", "broken"});
    CHECK("{\"payload\":{\"target\":\"r/n\",", "},\"type\":\"mail\"}", {"\"rig\":1", "broken"}, {"\"severity\":1", ""},
          {"\"image\":1", ""}, {"\"session\":[]", "broken"}, {"\"bead\":null", ""});
    CHECK("{\"type\":\"sling\",\"payload\":", "}", {"null", ""}, {"[]", "broken"}, {"{}", ""});
}

Test(watcher_event, bead)
{
    CHECK("{\"type\":\"hook\",\"actor\":\"r/n\",", "}", {"\"issue_id\":\"i\"", "spawn r|polecat|n i"},
          {"\"IssueID\":\"i\",\"payload\":{\"bead\":\"b\"}", "spawn r|polecat|n b"},
          {"\"issue_id\":\"i\",\"payload\":{\"bead\":\"\"}", "spawn r|polecat|n i"},
          {"\"payload\":{\"rig\":\"hq-1\",\"escalation_id\":\"e\"}", "spawn r|polecat|n "});
}

Test(watcher_event, frames)
{
    CHECK("", "", {"data:{}", ""}, {"data:", ""}, {"data", ""}, {"data: ", ""}, {"data\r", ""}, {": \xc3\xbc", ""},
          {":", ""}, {"id", ""}, {"id:", ""}, {"event: mutation", ""}, {"retry:5\r", ""}, {"foo: bar", "broken"},
          {" data: {}", "broken"}, {"data:5", "broken"}, {"data: data: {}", "broken"}, {": \xff", "broken"},
          {"\xef\xbb\xbf{}", "broken"}, {"data:\xef\xbb\xbf{}", "broken"}, {"", ""}, {" \t\r", ""}, {"\v", "broken"},
          {"{}", ""}, {"{} ", ""}, {"data:{\"type\":\"done\",\"actor\":\"r/n\"}\r", "done r|polecat|n "});
}

Test(watcher_event, depth)
{
    SCOPED_ARENA(arena);
    for (int depth = 510; depth <= 514; depth++) {
        gt_buf buf;
        gt_buf_init(&buf, arena, 2048);
        gt_buf_text(&buf, "{\"type\":\"done\",\"actor\":\"r/n\",\"x\":");
        for (int i = 1; i < depth; i++)
            gt_buf_byte(&buf, '[');
        for (int i = 1; i < depth; i++)
            gt_buf_byte(&buf, ']');
        gt_buf_byte(&buf, '}');
        cr_expect_str_eq(show(arena, gt_buf_slice(&buf)), depth <= 512 ? "done r|polecat|n " : "broken", "depth %d",
                         depth);
    }
}

Test(watcher_event, own_bead_is_told_from_work)
{
    SCOPED_ARENA(arena);
    gt_event event;
    gt_err why;
    gt_event_read(arena, GT_STR("{\"type\":\"status\",\"issue_id\":\"gt-r-crew-n\",\"new_status\":\"hooked\"}"), &event,
                  &why);
    cr_expect(event.bead_is_own);
    gt_event_read(arena,
                  GT_STR("{\"type\":\"status\",\"issue_id\":\"w\",\"new_status\":\"hooked\",\"assignee\":\"r/n\"}"),
                  &event, &why);
    cr_expect_not(event.bead_is_own);
}

Test(watcher_event, running_out_of_memory_is_a_broken_line)
{
    gt_scoped(gt_arena_cleanup) gt_arena *small = gt_arena_new(2000);
    gt_event event;
    gt_err why;
    char line[3000], xs[2501] = "";
    memset(xs, 'x', sizeof xs - 1);
    snprintf(line, sizeof line, "{\"type\":\"done\",\"actor\":\"r/n\",\"x\":\"%s\"}", xs);
    cr_expect_eq(gt_event_read(small, gt_str_of(line), &event, &why), GT_LINE_BROKEN);
    cr_expect_eq(why.kind, GT_ERR_NOMEM);
}
