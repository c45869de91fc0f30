/* Pods from files, through the engine. */
#include <stdio.h>

#include "catalogue/report.h"
#include "injector/cli/cli.h"
#include "lib/yaml/yaml.h"

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

/* ---- reading ---- */

/* Documents, and the items of v1 Lists among them. */
static void flatten(gt_arena *arena, const gt_yaml_docs *docs, gt_cli_documents *all)
{
    size_t most = 0;
    for (size_t i = 0; i < docs->count; i++) {
        const gt_value *items = gt_value_get(docs->at[i], "items");
        most += items == NULL ? 1 : items->count;
    }
    all->at = GT_NEW_N(arena, const gt_value *, most);
    for (size_t i = 0; i < docs->count; i++) {
        const gt_value *items = gt_value_get(docs->at[i], "items");
        if (items == NULL)
            all->at[all->count++] = docs->at[i];
        GT_VALUE_EACH (item, items)
            all->at[all->count++] = item;
    }
}

int gt_cli_read_pods(gt_arena *arena, const gt_cli *cli, gt_cli_documents *documents)
{
    const char *file = cli->file == NULL ? "-" : cli->file;
    gt_str text;
    gt_yaml_docs docs;
    gt_err err;
    *documents = (gt_cli_documents){.count = 0};
    if (!gt_cli_read(arena, file, &text, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    if (!gt_yaml_load(arena, text, &docs, &err)) {
        gt_finding finding = gt_finding_unreadable(arena, gt_str_of(file), err.text);
        gt_buf line;
        gt_buf_init(&line, arena, 128);
        gt_finding_print(&line, &finding);
        return gt_cli_complain(GT_EXIT_FINDING, "%s", line.at);
    }
    flatten(arena, &docs, documents);
    for (size_t i = 0; i < documents->count; i++)
        if (!gt_value_is(gt_value_get(documents->at[i], "kind"), "Pod"))
            return gt_cli_complain(GT_EXIT_FINDING, "%s:%u: must be a Pod", file, documents->at[i]->line);
    if (documents->count == 0)
        return gt_cli_complain(GT_EXIT_FINDING, "%s: no pod in it", file);
    return GT_EXIT_OK;
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
