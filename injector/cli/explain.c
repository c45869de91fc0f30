#include "injector/explain.h"

#include <stdio.h>

#include "injector/cli/cli.h"

static gt_str over_text(gt_arena *arena, const gt_value *over)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 64);
    GT_VALUE_EACH (beaten, over) {
        gt_buf_text(&buf, buf.len > 0 ? ", " : "");
        gt_buf_str(&buf, gt_value_str(gt_value_get(beaten, "from")));
        gt_buf_byte(&buf, ' ');
        gt_buf_str(&buf, gt_cli_cell(arena, gt_value_get(beaten, "value")));
    }
    return gt_buf_slice(&buf);
}

static void add_row(gt_cli_table *table, const gt_value *decision)
{
    gt_arena *arena = table->arena;
    gt_str was = gt_value_str(gt_value_get(decision, "was")), over = over_text(arena, gt_value_get(decision, "over"));
    if (was.len > 0)
        over = gt_str_of(gt_arena_printf(arena, "%.*s%sthe pod's own %.*s", GT_STR_ARG(over), over.len > 0 ? ", " : "",
                                         GT_STR_ARG(was)));
    bool gone = gt_value_is(gt_value_get(decision, "action"), "remove");
    gt_cli_table_add(table, gt_cli_field(arena, gt_value_str(gt_value_get(decision, "field"))));
    gt_cli_table_add(table, gone ? GT_STR("(taken out)") : gt_cli_cell(arena, gt_value_get(decision, "value")));
    gt_cli_table_add(table, gt_value_str(gt_value_get(decision, "from")));
    gt_cli_table_add(table, over);
}

static void print_table(gt_arena *arena, const gt_value *decisions)
{
    static const char *const head[] = {"FIELD", "VALUE", "FROM", "OVER"};
    gt_cli_table table = {.arena = arena, .columns = 4};
    for (size_t i = 0; i < table.columns; i++)
        gt_cli_table_add(&table, gt_str_of(head[i]));
    GT_VALUE_EACH (decision, decisions)
        add_row(&table, decision);
    gt_cli_table_print(&table);
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

/* One of several: "polecat gastown/furiosa, pod gt-gastown-polecat-furiosa". */
static void print_title(gt_arena *arena, const gt_cli_pod *pod)
{
    gt_identity id = gt_cli_identity(pod);
    gt_buf line;
    gt_buf_init(&line, arena, 128);
    if (pod->ours)
        gt_buf_printf(&line, "%.*s %.*s/%.*s, ", GT_STR_ARG(id.role), GT_STR_ARG(id.rig), GT_STR_ARG(id.agent));
    gt_buf_printf(&line, "pod %.*s", GT_STR_ARG(gt_cli_pod_name(pod)));
    gt_cli_line(GT_STYLE_HEAD, gt_buf_slice(&line));
}

static void print(gt_arena *arena, const gt_cli_pod *pod, const gt_value *decisions)
{
    if (pod->several)
        print_title(arena, pod);
    if (decisions->count > 0)
        print_table(arena, decisions);
    else if (pod->ours && !pod->denied)
        puts("nothing to do: the pod has everything already (--all shows where it comes from)");
}

static gt_value *pod_value(gt_arena *arena, const gt_cli_pod *pod, gt_value *decisions)
{
    gt_value *row = gt_value_object(arena);
    gt_value_put(arena, row, "pod", gt_value_string(arena, gt_cli_pod_name(pod)));
    gt_value_put(arena, row, "namespace", gt_value_string(arena, pod->ns));
    gt_value_put(arena, row, "fields", decisions);
    return row;
}

/* A denied pod is explained, too: what was decided up to the denial is what its author has to look at. Programs get one value. */
static void explain(gt_arena *arena, const gt_cli *cli, const gt_cli_pod *pods, size_t count)
{
    gt_value *all = gt_value_array(arena);
    for (size_t i = 0; i < count; i++) {
        const gt_cli_pod *pod = &pods[i];
        gt_value *decisions = selected(arena, gt_explain(arena, &pod->record, &pod->injection), cli->all);
        if (cli->format == GT_FORMAT_TABLE && i > 0)
            putchar('\n');
        if (cli->format == GT_FORMAT_TABLE)
            print(arena, pod, decisions);
        else if (pod->several)
            gt_value_push(all, pod_value(arena, pod, decisions));
        else
            gt_cli_print(arena, decisions, cli->format);
        gt_cli_tell(cli, pod);
    }
    if (cli->format != GT_FORMAT_TABLE && count > 1)
        gt_cli_print(arena, all, cli->format);
}

int gt_cli_explain(gt_arena *arena, const gt_cli *cli)
{
    gt_cli_documents documents;
    gt_cli_pod *pods;
    size_t count;
    bool denied;
    int status = gt_cli_read_pods(arena, cli, &documents);
    if (status != GT_EXIT_OK)
        return status;
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *snapshot =
        gt_cli_templates(arena, cli, cli->templates, &documents);
    if (snapshot == NULL)
        return GT_EXIT_ENVIRONMENT;
    status = gt_cli_pods(arena, cli, snapshot, &documents, &pods, &count, &denied);
    if (status == GT_EXIT_OK)
        explain(arena, cli, pods, count);
    return status == GT_EXIT_OK && denied ? GT_EXIT_FINDING : status;
}
