#include <stdio.h>

#include "injector/cli/cli.h"

static void print_patch(const gt_record *record)
{
    gt_patch patch;
    gt_record_patch(record, &patch);
    gt_str json = gt_patch_json(&patch);
    fwrite(json.at, 1, json.len, stdout);
    putchar('\n');
}

/* Pods that come out, as kubectl prints several. */
static gt_value *list_of(gt_arena *arena, gt_value *items)
{
    gt_value *list = gt_value_object(arena);
    gt_value_put(arena, list, "apiVersion", gt_value_text(arena, "v1"));
    gt_value_put(arena, list, "kind", gt_value_text(arena, "List"));
    gt_value_put(arena, list, "items", items);
    return list;
}

static void print(gt_arena *arena, const gt_cli *cli, const gt_cli_pod *pod, gt_value *items)
{
    if (cli->format == GT_FORMAT_PATCH) {
        print_patch(&pod->record);
        return;
    }
    gt_value *made = gt_record_apply(arena, pod->pod, &pod->record);
    if (pod->several && cli->format == GT_FORMAT_JSON) {
        gt_value_push(items, made);
        return;
    }
    if (pod->several)
        puts("---");
    gt_cli_print(arena, made, cli->format);
}

int gt_cli_render(gt_arena *arena, const gt_cli *cli)
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
    gt_value *items = gt_value_array(arena);
    status = gt_cli_pods(arena, cli, snapshot, &documents, &pods, &count, &denied);
    for (size_t i = 0; status == GT_EXIT_OK && i < count; i++) {
        gt_cli_tell(cli, &pods[i]);
        if (!pods[i].denied)
            print(arena, cli, &pods[i], items);
    }
    if (status == GT_EXIT_OK && count > 1 && cli->format == GT_FORMAT_JSON)
        gt_cli_print(arena, list_of(arena, items), cli->format);
    return status == GT_EXIT_OK && denied ? GT_EXIT_FINDING : status;
}
