#include "injector/explain.h"

#include <stdio.h>

#include "injector/cli/cli.h"

enum { COLUMNS = 4, WIDEST = 60 };

typedef struct row {
    gt_str cell[COLUMNS];
} row;

/* Strings bare, the rest as JSON. */
static void show(gt_buf *buf, const gt_value *value)
{
    if (value != NULL && value->type == GT_VALUE_STRING)
        gt_buf_str(buf, value->text);
    else if (value != NULL)
        gt_value_print(buf, value);
}

/* People look for fields of the spec: the word itself says nothing. Long cells keep both ends. */
static gt_str fit(gt_arena *arena, gt_str text)
{
    if (gt_str_starts(text, "spec."))
        text = (gt_str){text.at + 5, text.len - 5};
    if (text.len <= WIDEST)
        return text;
    size_t head = WIDEST * 2 / 3, tail = WIDEST - 3 - head;
    return gt_str_of(gt_arena_printf(arena, "%.*s...%s", (int)head, text.at, text.at + text.len - tail));
}

static gt_str over_text(gt_arena *arena, const gt_value *over)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 64);
    GT_VALUE_EACH (beaten, over) {
        gt_buf_text(&buf, buf.len > 0 ? ", " : "");
        gt_buf_str(&buf, gt_value_str(gt_value_get(beaten, "from")));
        gt_buf_byte(&buf, ' ');
        show(&buf, gt_value_get(beaten, "value"));
    }
    return gt_buf_slice(&buf);
}

static row row_of(gt_arena *arena, const gt_value *decision)
{
    gt_buf value;
    gt_buf_init(&value, arena, 64);
    if (gt_value_is(gt_value_get(decision, "action"), "remove"))
        gt_buf_text(&value, "(taken out)");
    else
        show(&value, gt_value_get(decision, "value"));
    gt_str was = gt_value_str(gt_value_get(decision, "was")), over = over_text(arena, gt_value_get(decision, "over"));
    if (was.len > 0)
        over = gt_str_of(gt_arena_printf(arena, "%.*s%sthe pod's own %.*s", GT_STR_ARG(over), over.len > 0 ? ", " : "",
                                         GT_STR_ARG(was)));
    return (row){{fit(arena, gt_value_str(gt_value_get(decision, "field"))), fit(arena, gt_buf_slice(&value)),
                  gt_value_str(gt_value_get(decision, "from")), over}};
}

static void print_table(gt_arena *arena, const gt_value *decisions)
{
    row *rows = GT_NEW_N(arena, row, decisions->count + 1);
    size_t n = 0, width[COLUMNS] = {0};
    rows[n++] = (row){{GT_STR("FIELD"), GT_STR("VALUE"), GT_STR("FROM"), GT_STR("OVER")}};
    GT_VALUE_EACH (decision, decisions)
        rows[n++] = row_of(arena, decision);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < COLUMNS - 1; c++)
            width[c] = rows[i].cell[c].len > width[c] ? rows[i].cell[c].len : width[c];
    for (size_t i = 0; i < n; i++) {
        gt_buf line;
        gt_buf_init(&line, arena, 256);
        for (int c = 0; c < COLUMNS; c++)
            gt_buf_printf(&line, "%-*.*s  ", (int)(c < COLUMNS - 1 ? width[c] : 0), GT_STR_ARG(rows[i].cell[c]));
        while (line.len > 0 && line.at[line.len - 1] == ' ')
            line.len--;
        printf("%.*s\n", (int)line.len, line.at);
    }
}

/* Without --all: what was decided, not what was right already. */
static gt_value *selected(gt_arena *arena, const gt_value *decisions, bool all)
{
    gt_value *some = gt_value_array(arena);
    GT_VALUE_EACH (decision, decisions)
        if (all || !gt_value_is(gt_value_get(decision, "action"), "keep"))
            gt_value_push(some, gt_value_ref(arena, decision));
    return some;
}

int gt_cli_explain(gt_arena *arena, const gt_cli *cli)
{
    gt_cli_pod *pods;
    size_t count;
    bool denied;
    gt_snapshot *snapshot = gt_cli_templates(cli);
    if (snapshot == NULL)
        return GT_EXIT_ENVIRONMENT;
    int status = gt_cli_pods(arena, cli, snapshot, &pods, &count, &denied);
    for (size_t i = 0; status == GT_EXIT_OK && i < count; i++) {
        gt_value *decisions = selected(arena, gt_explain(arena, &pods[i].record, &pods[i].injection), cli->all);
        if (cli->format != GT_FORMAT_TABLE)
            gt_cli_print(arena, decisions, cli->format);
        else if (decisions->count == 0)
            puts("nothing to do: the pod has everything already (--all shows where it comes from)");
        else
            print_table(arena, decisions);
    }
    gt_snapshot_free(snapshot);
    return status == GT_EXIT_OK && denied ? GT_EXIT_FINDING : status;
}
