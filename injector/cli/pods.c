/* Pods from files, through the engine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "injector/cli/cli.h"
#include "lib/yaml/yaml.h"

/* ---- reading ---- */

static bool read_all(gt_arena *arena, const char *path, gt_str *text, gt_err *err)
{
    enum { MOST = 16 * 1024 * 1024 };
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (file == NULL)
        return gt_fail(err, GT_ERR_ENV, "%s: %s", path, strerror(errno));
    size_t room = 64 * 1024, len = 0;
    char *bytes = malloc(room);
    while (bytes != NULL) {
        len += fread(bytes + len, 1, room - len, file);
        if (len < room || room >= MOST)
            break;
        char *more = realloc(bytes, room *= 2);
        if (more == NULL)
            free(bytes);
        bytes = more;
    }
    bool broken = ferror(file) != 0;
    if (!standard)
        fclose(file);
    if (bytes == NULL || broken || len >= MOST) {
        free(bytes);
        return bytes == NULL ? gt_fail(err, GT_ERR_NOMEM, "out of memory")
               : broken      ? gt_fail(err, GT_ERR_ENV, "%s: can't be read", path)
                             : gt_fail(err, GT_ERR_LIMIT, "%s: more than 16 MiB", path);
    }
    *text = (gt_str){gt_arena_dup(arena, bytes, len), len};
    free(bytes);
    return true;
}

/* ---- telling ---- */

static void tell(const gt_cli_pod *pod)
{
    gt_str name = gt_value_str(gt_value_get(gt_value_get(pod->pod, "metadata"), "name"));
    for (const gt_note *w = pod->record.warnings; w != NULL; w = w->next)
        fprintf(stderr, "warning: %.*s%s%.*s\n", GT_STR_ARG(w->field), w->field.len > 0 ? ": " : "",
                GT_STR_ARG(w->message));
    for (const gt_note *c = pod->record.causes; c != NULL; c = c->next)
        fprintf(stderr, "denied (%d): %.*s%s%.*s: %.*s\n", c->code, GT_STR_ARG(name), name.len > 0 ? ": " : "",
                GT_STR_ARG(c->field), GT_STR_ARG(c->message));
}

/* ---- injecting ---- */

static int inject(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *document,
                  gt_cli_pod *pod)
{
    gt_buf json;
    gt_view view;
    gt_err err;
    gt_str message = {"", 0};
    pod->pod = gt_value_ref(arena, document);
    gt_str own = gt_value_str(gt_value_get(gt_value_get(document, "metadata"), "namespace"));
    pod->ns = cli->ns != NULL ? gt_str_of(cli->ns) : own.len > 0 ? own : GT_STR("gastown");
    gt_buf_init(&json, arena, 4096);
    gt_value_print(&json, document); /* as the API server would: the engine reads JSON, not YAML */
    if (!gt_view_parse(arena, gt_buf_slice(&json), 0, &view, &err))
        return gt_cli_complain(GT_EXIT_FINDING, "%s: %s", cli->file, err.text);
    gt_record_init(&pod->record, arena);
    if (!gt_identity_is_ours(view)) {
        fprintf(stderr, "gastown-inject: line %u: no label " GT_LABEL_AGENT ": not an agent's pod, left alone\n",
                document->line);
        return GT_EXIT_OK;
    }
    gt_subject subject = {.pod = view, .ns = pod->ns};
    if (gt_inject(&pod->record, snapshot, &subject, &pod->injection, &message) == GT_LOOKUP_BROKEN)
        return gt_cli_complain(GT_EXIT_FINDING, "%s", message.at);
    tell(pod);
    return GT_EXIT_OK;
}

/* Documents, and the items of v1 Lists among them. */
static const gt_value **flatten(gt_arena *arena, const gt_yaml_docs *docs, size_t *n)
{
    size_t most = 0;
    for (size_t i = 0; i < docs->count; i++) {
        const gt_value *items = gt_value_get(docs->at[i], "items");
        most += items == NULL ? 1 : items->count;
    }
    const gt_value **all = GT_NEW_N(arena, const gt_value *, most);
    *n = 0;
    for (size_t i = 0; i < docs->count; i++) {
        const gt_value *items = gt_value_get(docs->at[i], "items");
        if (items == NULL)
            all[(*n)++] = docs->at[i];
        GT_VALUE_EACH (item, items)
            all[(*n)++] = item;
    }
    return all;
}

int gt_cli_pods(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, gt_cli_pod **pods, size_t *count,
                bool *denied)
{
    gt_str text;
    gt_yaml_docs docs;
    gt_err err;
    size_t n;
    *denied = false;
    *count = 0;
    if (!read_all(arena, cli->file, &text, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    if (!gt_yaml_load(arena, text, &docs, &err))
        return gt_cli_complain(GT_EXIT_FINDING, "%s: %s", cli->file, err.text);
    const gt_value **documents = flatten(arena, &docs, &n);
    *pods = GT_NEW_N(arena, gt_cli_pod, n);
    for (size_t i = 0; i < n; i++) {
        if (!gt_value_is(gt_value_get(documents[i], "kind"), "Pod"))
            return gt_cli_complain(GT_EXIT_FINDING, "%s:%u: must be a Pod", cli->file, documents[i]->line);
        gt_cli_pod *pod = &(*pods)[*count];
        int status = inject(arena, cli, snapshot, documents[i], pod);
        if (status != GT_EXIT_OK)
            return status;
        if (pod->record.cause_count > 0)
            *denied = true;
        else
            ++*count;
    }
    if (n == 0)
        return gt_cli_complain(GT_EXIT_FINDING, "%s: no pod in it", cli->file);
    return GT_EXIT_OK;
}
