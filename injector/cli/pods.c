/* Pods through the engine. */
#include <stdio.h>

#include "injector/cli/cli.h"

/* ---- telling ---- */

void gt_cli_tell(const gt_cli_pod *pod)
{
    fflush(stdout);
    gt_str name = gt_value_str(gt_value_get(gt_value_get(pod->pod, "metadata"), "name"));
    for (const gt_note *w = pod->record.warnings; w != NULL; w = w->next)
        fprintf(stderr, "warning: %.*s%s%.*s\n", GT_STR_ARG(w->field), w->field.len > 0 ? ": " : "",
                GT_STR_ARG(w->message));
    for (const gt_note *c = pod->record.causes; c != NULL; c = c->next)
        fprintf(stderr, "denied (%d): %.*s%s%.*s: %.*s\n", c->code, GT_STR_ARG(name), name.len > 0 ? ": " : "",
                GT_STR_ARG(c->field), GT_STR_ARG(c->message));
}

/* ---- injecting ---- */

bool gt_cli_inject(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *document,
                   gt_cli_pod *pod)
{
    gt_buf json;
    gt_view view;
    gt_err err;
    gt_str own = gt_value_str(gt_value_get(gt_value_get(document, "metadata"), "namespace"));
    *pod = (gt_cli_pod){.pod = gt_value_ref(arena, document)};
    pod->ns = cli->ns != NULL ? gt_str_of(cli->ns) : own.len > 0 ? own : GT_STR(GT_CLI_NAMESPACE);
    gt_buf_init(&json, arena, 4096);
    gt_value_print(&json, document); /* as the API server would: the engine reads JSON, not YAML */
    gt_record_init(&pod->record, arena);
    if (!gt_view_parse(arena, gt_buf_slice(&json), 0, &view, &err)) {
        pod->trouble = gt_str_of(gt_arena_strdup(arena, err.text));
        return false;
    }
    pod->ours = gt_identity_is_ours(view);
    gt_subject subject = {.pod = view, .ns = pod->ns};
    return !pod->ours ||
           gt_inject(&pod->record, snapshot, &subject, &pod->injection, &pod->trouble) != GT_LOOKUP_BROKEN;
}

int gt_cli_pods(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, gt_cli_pod **pods, size_t *count,
                bool *denied)
{
    gt_cli_documents documents;
    *denied = false;
    *count = 0;
    int status = gt_cli_read_pods(arena, cli, &documents);
    *pods = GT_NEW_N(arena, gt_cli_pod, documents.count);
    for (size_t i = 0; status == GT_EXIT_OK && i < documents.count; i++) {
        gt_cli_pod *pod = &(*pods)[i];
        if (!gt_cli_inject(arena, cli, snapshot, documents.at[i], pod))
            return gt_cli_complain(GT_EXIT_FINDING, "%s", pod->trouble.at);
        if (!pod->ours)
            gt_cli_complain(0, "line %u: no label " GT_LABEL_AGENT ": not an agent's pod, left alone",
                            documents.at[i]->line);
        pod->denied = pod->record.cause_count > 0;
        *denied = *denied || pod->denied;
        ++*count;
    }
    return status;
}
