/* One step against a server, and on paper. */
#include <stdio.h>

#include "tests/unit/test_kube_server.h"
#include "watcher/step.h"

#define STATUS(code, reason) "{\"kind\":\"Status\",\"message\":\"m\",\"reason\":\"" reason "\",\"code\":" code "}"
#define LABELS(agent, more)                                                                                            \
    "\"labels\":{\"gastown.io/rig\":\"r\",\"gastown.io/role\":\"crew\",\"gastown.io/agent\":\"" agent "\"" more "}"
#define OURS ",\"gastown.io/created-by\":\"gastown-watcher\""

typedef struct row {
    const char *create, *create_body; /* what the create is answered with */
    const char *get, *get_body;       /* and the look at who has the name, if there's one */
    gt_step_outcome outcome;
    gt_err_kind kind;
    const char *remark;
} row;

static const row rows[] = {
    {"201 Created", "{}", NULL, NULL, GT_STEP_CREATED, GT_ERR_NONE, NULL},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "200 OK", "{\"metadata\":{" LABELS("n", OURS) "}}", GT_STEP_THERE,
     GT_ERR_NONE, NULL},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "200 OK", "{\"metadata\":{" LABELS("n", "") "}}", GT_STEP_THERE,
     GT_ERR_NONE, "somebody else"},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "200 OK",
     "{\"metadata\":{" LABELS("n", OURS) "},\"status\":{\"phase\":\"Succeeded\"}}", GT_STEP_THERE, GT_ERR_NONE,
     "finished"},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "200 OK",
     "{\"metadata\":{" LABELS("n", OURS) ",\"deletionTimestamp\":\"2026-11-21T00:00:00Z\"}}", GT_STEP_LEAVING,
     GT_ERR_NONE, NULL},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "404 Not Found", STATUS("404", "NotFound"), GT_STEP_LEAVING,
     GT_ERR_NONE, NULL},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "200 OK", "{\"metadata\":{" LABELS("m", OURS) "}}",
     GT_STEP_REFUSED, GT_ERR_CONFLICT, NULL},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "503 Away", STATUS("503", "x"), GT_STEP_AWAY, GT_ERR_ENV, NULL},
    {"409 Conflict", STATUS("409", "AlreadyExists"), "403 Forbidden", STATUS("403", "Forbidden"), GT_STEP_REFUSED,
     GT_ERR_REFUSED, NULL},
    {"409 Conflict", STATUS("409", "Conflict"), NULL, NULL, GT_STEP_REFUSED, GT_ERR_CONFLICT, NULL},
    {"500 Oops", STATUS("500", "InternalError"), NULL, NULL, GT_STEP_REFUSED, GT_ERR_ENV, NULL},
    {"422 Invalid", STATUS("422", "Invalid"), NULL, NULL, GT_STEP_REFUSED, GT_ERR_REFUSED, NULL},
    {"404 Not Found", STATUS("404", "NotFound"), NULL, NULL, GT_STEP_REFUSED, GT_ERR_NOT_FOUND, NULL},
    {"429 Slow", STATUS("429", "TooManyRequests"), NULL, NULL, GT_STEP_AWAY, GT_ERR_ENV, NULL},
    {"502 Bad", "<html>", NULL, NULL, GT_STEP_AWAY, GT_ERR_ENV, NULL},
    {"504 Slow", STATUS("504", "Timeout"), NULL, NULL, GT_STEP_AWAY, GT_ERR_ENV, NULL},
    {"200 OK", "<html>log in</html>", NULL, NULL, GT_STEP_REFUSED, GT_ERR_ENV, NULL},
};

static const gt_agent agent = {{"r", 1}, {"crew", 4}, {"n", 1}};

Test(watcher_step, every_answer)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        const row *r = &rows[i];
        const scene scenes[] = {
            {.answer = ANSWER(arena, r->create, r->create_body)},
            {.answer = ANSWER(arena, r->get == NULL ? "500 Oops" : r->get, r->get == NULL ? "" : r->get_body)}};
        server api;
        server_start(&api, scenes, COUNT(scenes));
        gt_kube_config config = {.origin = "test", .server = gt_arena_printf(arena, "http://127.0.0.1:%d", api.port)};
        gt_scoped(gt_kube_client_cleanup) gt_kube_client *client = NULL;
        gt_err err = {0};
        gt_step_result result;
        gt_wish wish = {.bead = GT_STR("b")};
        cr_assert(gt_kube_client_new(&config, "test/1", &client, &err), "%s", err.text);
        gt_kube_hands hands = {client, "ns", "img"};
        err = (gt_err){0};
        gt_kube_ensure_pod(&hands, arena, &agent, &wish, &result, &err);
        cr_expect_eq(result.outcome, r->outcome, "row %zu: %d, %s", i, (int)result.outcome, err.text);
        if (result.outcome == GT_STEP_REFUSED || result.outcome == GT_STEP_AWAY)
            cr_expect_eq(err.kind, r->kind, "row %zu: %s", i, err.text);
        cr_expect((result.remark == NULL) == (r->remark == NULL), "row %zu", i);
        if (result.remark != NULL && r->remark != NULL)
            cr_expect(strstr(result.remark, r->remark) != NULL, "row %zu: %s", i, result.remark);
        expect_text(i, result.name, "gt-r-crew-n");
        cr_expect_eq(atomic_load(&api.requests), r->get == NULL ? 1 : 2, "row %zu", i);
        cr_expect(strstr(api.asked[0], "\"event.gastown.io/bead\":\"b\"") != NULL, "row %zu", i);
        server_stop(&api);
    }
}

Test(watcher_step, on_paper)
{
    static const char *const wanted[] = {
        "pod ns/gt-r-crew-n for crew n of r, bead b?1, image img\n",
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"gt-r-crew-n\",\"namespace\":\"ns\",",
        "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: gt-r-crew-n\n",
    };
    for (int format = GT_POD_TEXT; format <= GT_POD_YAML; format++) {
        SCOPED_ARENA(arena);
        char text[2048] = "";
        gt_paper_hands hands = {
            .out = fmemopen(text, sizeof text, "w"), .format = (gt_pod_format)format, .ns = "ns", .image = "img"};
        gt_step_result result;
        gt_err err;
        gt_wish wish = {.bead = GT_STR("b\x1b"
                                       "1")};
        gt_paper_ensure_pod(&hands, arena, &agent, &wish, &result, &err);
        fclose(hands.out);
        cr_expect_eq(result.outcome, GT_STEP_CREATED);
        cr_expect(gt_str_starts(gt_str_of(text), wanted[format]), "%s", text);
        cr_expect(gt_str_ends(gt_str_of(text), "\n"));
        cr_expect_not(hands.failed);
    }
}

Test(watcher_step, paper_that_is_full)
{
    SCOPED_ARENA(arena);
    gt_paper_hands hands = {.out = fopen("/dev/full", "w"), .ns = "ns"};
    gt_step_result result;
    gt_err err;
    gt_wish wish = {0};
    gt_paper_ensure_pod(&hands, arena, &agent, &wish, &result, &err);
    cr_expect(hands.failed);
    fclose(hands.out);
}
