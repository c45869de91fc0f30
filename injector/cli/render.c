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

int gt_cli_render(gt_arena *arena, const gt_cli *cli)
{
    gt_cli_pod *pods;
    size_t count;
    bool denied;
    gt_snapshot *snapshot = gt_cli_templates(cli->templates);
    if (snapshot == NULL)
        return GT_EXIT_ENVIRONMENT;
    int status = gt_cli_pods(arena, cli, snapshot, &pods, &count, &denied);
    for (size_t i = 0; status == GT_EXIT_OK && i < count; i++) {
        gt_cli_tell(&pods[i]);
        if (pods[i].denied)
            continue;
        if (cli->format == GT_FORMAT_YAML && count > 1)
            puts("---");
        if (cli->format == GT_FORMAT_PATCH)
            print_patch(&pods[i].record);
        else
            gt_cli_print(arena, gt_cli_apply(arena, pods[i].pod, &pods[i].record), cli->format);
    }
    gt_snapshot_free(snapshot);
    return status == GT_EXIT_OK && denied ? GT_EXIT_FINDING : status;
}
