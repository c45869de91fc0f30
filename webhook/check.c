#include "webhook/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/show.h"
#include "lib/yaml/yaml.h"
#include "webhook/verbs.h"

enum { FORBIDDEN = 403 };

static const char *const verdicts[GT_VERDICT_COUNT] = {"ok", "warn", "FAIL", "UNKNOWN"};

/* ---- rows ---- */

void gt_survey_add(gt_survey *check, gt_verdict verdict, gt_str what, const char *todo, const char *fmt, ...)
{
    gt_survey_row *row = GT_NEW(check->arena, gt_survey_row);
    va_list args;
    va_start(args, fmt);
    *row = (gt_survey_row){
        .verdict = verdict, .what = what, .said = gt_show_vprintf(check->arena, fmt, args), .todo = todo};
    va_end(args);
    if (check->last == NULL)
        check->first = row;
    else
        check->last->next = row;
    check->last = row;
    check->count[verdict]++;
}

void gt_survey_unknown(gt_survey *check, gt_str what, const char *verb, const gt_kube_kind *kind, const char *ns,
                       const gt_err *err)
{
    const char *in = ns == NULL ? "" : gt_arena_printf(check->arena, " in namespace %s", ns);
    if (err->code == FORBIDDEN)
        gt_survey_add(check, GT_VERDICT_UNKNOWN, what,
                      gt_arena_printf(check->arena, "ask as somebody who may %s %s%s", verb, kind->plural, in),
                      "may not %s %s%s: %s", verb, kind->plural, in, err->text);
    else
        gt_survey_add(check, GT_VERDICT_UNKNOWN, what, "mend that and ask again", "can't %s %s%s: %s", verb,
                      kind->plural, in, err->text);
    check->silent = check->silent || (err->kind == GT_ERR_ENV && err->code == 0);
}

gt_survey_found gt_survey_get(gt_survey *check, const gt_kube_kind *kind, const char *ns, const char *name, gt_str what,
                              gt_value **object)
{
    gt_kube_answer answer;
    gt_err err;
    if (gt_kube_get(check->client, check->arena, kind, ns, name, &answer, &err) &&
        gt_value_from_view(check->arena, answer.object, object, &err))
        return GT_FOUND;
    if (err.kind == GT_ERR_NOT_FOUND)
        return GT_FOUND_NOT;
    gt_survey_unknown(check, what, "get", kind, ns, &err);
    return GT_FOUND_UNKNOWN;
}

/* ---- printing ---- */

static void print_table(gt_survey *check)
{
    gt_buf out;
    size_t widest = 0;
    gt_buf_init(&out, check->arena, 4096);
    for (const gt_survey_row *row = check->first; row != NULL; row = row->next)
        widest = row->what.len > widest ? row->what.len : widest;
    for (const gt_survey_row *row = check->first; row != NULL; row = row->next) {
        gt_buf_printf(&out, "%-8s %-*.*s  %.*s\n", verdicts[row->verdict], (int)widest, GT_STR_ARG(row->what),
                      GT_STR_ARG(row->said));
        if (row->todo != NULL)
            gt_buf_printf(&out, "%-8s %-*s  -> %s\n", "", (int)widest, "", row->todo);
    }
    gt_buf_printf(&out, "%zu ok, %zu warnings, %zu failed, %zu unknown\n", check->count[GT_VERDICT_OK],
                  check->count[GT_VERDICT_WARN], check->count[GT_VERDICT_FAIL], check->count[GT_VERDICT_UNKNOWN]);
    fwrite(out.at, 1, out.len, stdout);
}

static gt_value *rows_of(const gt_survey *check)
{
    gt_arena *arena = check->arena;
    gt_value *list = gt_value_array(arena);
    for (const gt_survey_row *row = check->first; row != NULL; row = row->next) {
        gt_value *made = gt_value_object(arena);
        gt_value_put(arena, made, "verdict", gt_value_text(arena, verdicts[row->verdict]));
        gt_value_put(arena, made, "check", gt_value_string(arena, row->what));
        gt_value_put(arena, made, "said", gt_value_string(arena, row->said));
        if (row->todo != NULL)
            gt_value_put(arena, made, "todo", gt_value_text(arena, row->todo));
        gt_value_push(list, made);
    }
    return list;
}

static void print(gt_survey *check, const char *format)
{
    gt_buf out;
    if (strcmp(format, "table") == 0) {
        print_table(check);
        return;
    }
    gt_buf_init(&out, check->arena, 4096);
    if (strcmp(format, "json") == 0) {
        gt_value_pretty(&out, rows_of(check), 0);
        gt_buf_byte(&out, '\n');
    } else {
        gt_yaml_print(&out, rows_of(check), 0);
    }
    fwrite(out.at, 1, out.len, stdout);
}

/* ---- which cluster ---- */

/* Who doesn't answer one question isn't asked the others: each would take its time-out, minutes together. */
static void ask_all(gt_survey *check)
{
    static void (*const questions[])(gt_survey *) = {
        gt_survey_definitions, gt_survey_registered, gt_survey_bundles, gt_survey_certificate,
        gt_survey_service,     gt_survey_agent,      gt_survey_others,
    };
    for (size_t i = 0; i < sizeof questions / sizeof *questions && !check->silent; i++)
        questions[i](check);
    if (check->silent)
        gt_survey_add(check, GT_VERDICT_UNKNOWN, GT_STR("all else"), "ask again when the API server answers",
                      "isn't asked: the API server has left a question unanswered");
}

static int ask(gt_survey *check, const char *format)
{
    gt_err err;
    if (!gt_survey_version(check, &err))
        return gt_verb_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    ask_all(check);
    print(check, format);
    if (check->count[GT_VERDICT_FAIL] > 0)
        return GT_EXIT_FINDING;
    return check->count[GT_VERDICT_UNKNOWN] > 0 ? GT_EXIT_ENVIRONMENT : GT_EXIT_OK;
}

int gt_survey_main(gt_arena *arena, const gt_verb_options *options)
{
    gt_kube_config config;
    gt_scoped(gt_kube_client_cleanup) gt_kube_client *client = NULL;
    gt_survey check = {.arena = arena,
                       .registration = &options->registration,
                       .secret = options->secret,
                       .now_s = gt_clock_wall_ms() / 1000};
    gt_err err;
    if (!gt_kube_config_find(arena, options->kubeconfig, options->context, &config, &err))
        return gt_verb_complain(err.kind == GT_ERR_INPUT && options->kubeconfig == NULL ? GT_EXIT_USAGE
                                                                                        : GT_EXIT_ENVIRONMENT,
                                "%s", err.text);
    if (!gt_kube_client_new(&config, "gastown-webhook/" GT_VERSION, &client, &err))
        return gt_verb_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    check.client = client;
    return ask(&check, options->output);
}
