/* Pods through the engine. */
#include <stdio.h>

#include "injector/cli/cluster.h"

/* ---- who it is ---- */

static gt_str label_of(const gt_cli_pod *pod, const char *label)
{
    return gt_value_str(gt_value_get(gt_value_get(gt_value_get(pod->pod, "metadata"), "labels"), label));
}

gt_str gt_cli_pod_name(const gt_cli_pod *pod)
{
    const gt_value *metadata = gt_value_get(pod->pod, "metadata");
    gt_str name = gt_value_str(gt_value_get(metadata, "name"));
    return name.len > 0 ? name : gt_value_str(gt_value_get(metadata, "generateName"));
}

gt_identity gt_cli_identity(const gt_cli_pod *pod)
{
    gt_identity id = pod->injection.identity;
    if (id.agent.len > 0)
        return id;
    gt_str rig = label_of(pod, GT_LABEL_RIG), role = label_of(pod, GT_LABEL_ROLE);
    if (rig.len == 0)
        rig = gt_role_is_of_town(role) ? GT_STR(GT_TOWN_RIG) : GT_STR("?");
    return (gt_identity){.rig = rig, .role = role, .agent = label_of(pod, GT_LABEL_AGENT)};
}

/* ---- telling ---- */

static void tell_stranger(const gt_cli *cli, const gt_cli_pod *pod)
{
    gt_str near = {"", 0};
    GT_VALUE_EACH (label, gt_value_get(gt_value_get(pod->pod, "metadata"), "labels"))
        if (gt_str_distance(label->key, GT_STR(GT_LABEL_AGENT), 2) <= 2)
            near = label->key;
    char where[512];
    gt_str name = gt_cli_pod_name(pod);
    if (pod->pod->line == 0)
        snprintf(where, sizeof where, "pod/%.*s", GT_STR_ARG(name));
    else
        snprintf(where, sizeof where, "%s:%u", cli->file == NULL ? "-" : cli->file, pod->pod->line);
    gt_cli_complain(0, "%s: not an agent's pod: it has no label " GT_LABEL_AGENT "%s%.*s%s; left alone", where,
                    near.len > 0 ? ", but " : "", GT_STR_ARG(near),
                    near.len > 0 ? " (did you mean " GT_LABEL_AGENT "?)" : "");
}

static void tell_field(const gt_note *note)
{
    fprintf(stderr, "%.*s%s%.*s\n", GT_STR_ARG(note->field), note->field.len > 0 ? ": " : "",
            GT_STR_ARG(note->message));
}

void gt_cli_tell(const gt_cli *cli, const gt_cli_pod *pod)
{
    gt_str name = gt_cli_pod_name(pod);
    const char *colon = name.len > 0 ? ": " : "";
    fflush(stdout);
    if (!pod->ours)
        tell_stranger(cli, pod);
    for (const gt_note *w = pod->record.warnings; w != NULL; w = w->next) {
        fputs("warning: ", stderr);
        if (pod->several)
            fprintf(stderr, "%.*s%s", GT_STR_ARG(name), colon);
        tell_field(w);
    }
    for (const gt_note *c = pod->record.causes; c != NULL; c = c->next) {
        fprintf(stderr, "denied (%d): %.*s%s", c->code, GT_STR_ARG(name), colon);
        tell_field(c);
    }
}

/* ---- injecting ---- */

gt_str gt_cli_namespace(const gt_cli *cli, const gt_value *document)
{
    gt_str own = gt_value_str(gt_value_get(gt_value_get(document, "metadata"), "namespace"));
    if (cli->ns != NULL)
        return gt_str_of(cli->ns);
    if (own.len > 0)
        return own;
    return gt_str_of(cli->cluster != NULL ? cli->cluster->home : GT_CLI_NAMESPACE);
}

bool gt_cli_inject(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *document,
                   gt_cli_pod *pod)
{
    gt_buf json;
    gt_view view;
    gt_err err;
    *pod = (gt_cli_pod){.pod = gt_value_ref(arena, document), .ns = gt_cli_namespace(cli, document)};
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

int gt_cli_pods(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_cli_documents *documents,
                gt_cli_pod **pods, size_t *count, bool *denied)
{
    *denied = false;
    *count = 0;
    *pods = GT_NEW_N(arena, gt_cli_pod, documents->count);
    for (size_t i = 0; i < documents->count; i++) {
        gt_cli_pod *pod = &(*pods)[i];
        bool answered = gt_cli_inject(arena, cli, snapshot, documents->at[i], pod);
        gt_str name = documents->count > 1 ? gt_cli_pod_name(pod) : (gt_str){"", 0};
        if (!answered)
            return gt_cli_complain(GT_EXIT_FINDING, "%.*s%s%s", GT_STR_ARG(name), name.len > 0 ? ": " : "",
                                   pod->trouble.at);
        pod->several = documents->count > 1;
        pod->denied = pod->record.cause_count > 0;
        *denied = *denied || pod->denied;
        ++*count;
    }
    return GT_EXIT_OK;
}
