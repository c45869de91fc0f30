/* `merge`: layers in, the one layer that does the same out.
 *
 * Layers are bare PodTemplates, so where they will stand isn't known. They are read as a pool's: that layer may say everything (in a
 * GasTown or a Rig's podOverrides storage.kind has no effect and would be lost). */
#include <stdio.h>

#include "catalogue/report.h"
#include "injector/cli/cli.h"
#include "injector/template.h"

static void tell(gt_arena *arena, const gt_finding *finding)
{
    gt_buf line;
    gt_buf_init(&line, arena, 128);
    gt_finding_print(&line, finding);
    fprintf(stderr, "%s\n", line.at);
}

/* A whole object isn't a layer, but holds one: one sentence instead of a complaint about each of its fields. */
static bool is_whole_object(gt_arena *arena, gt_str file, const gt_value *document)
{
    static const struct {
        const char *kind, *layer;
    } kinds[] = {{"GasTown", "its spec.defaults"},
                 {"Rig", "its spec.podOverrides"},
                 {"AgentPool", "its spec.template"},
                 {"", "an AgentPool's spec.template"}};
    const gt_value *kind = gt_value_get(document, "kind");
    if (kind == NULL || gt_value_get(document, "spec") == NULL)
        return false;
    size_t i = 0;
    while (kinds[i].kind[0] != '\0' && !gt_value_is(kind, kinds[i].kind))
        i++;
    gt_finding finding = {.error = true, .file = file, .line = kind->line, .column = kind->column};
    finding.message = gt_str_of(gt_arena_printf(
        arena, "a whole object: merge wants bare PodTemplates, such as what stands under %s", kinds[i].layer));
    tell(arena, &finding);
    return true;
}

/* The documents of one file, over `layer`. false: there were errors. */
static bool add_file(gt_arena *arena, const char *path, gt_str text, gt_layer **layer)
{
    gt_check check = {.arena = arena, .file = gt_str_of(path), .merged = true};
    gt_yaml_docs docs;
    gt_err err;
    if (!gt_yaml_load(arena, text, &docs, &err)) {
        gt_finding finding = gt_finding_unreadable(arena, check.file, err.text);
        tell(arena, &finding);
        return false;
    }
    for (const gt_yaml_surprise *s = docs.surprises; s != NULL; s = s->next) {
        gt_finding finding = gt_finding_surprise(arena, check.file, s);
        tell(arena, &finding);
    }
    bool whole = false;
    for (size_t i = 0; i < docs.count; i++) {
        if (is_whole_object(arena, check.file, docs.at[i])) {
            whole = true;
            continue;
        }
        gt_layer *higher = gt_layer_new(arena);
        gt_template_parse(&check, NULL, docs.at[i], GT_LAYER_POOL, higher);
        *layer = gt_layer_merge(arena, *layer, higher);
    }
    for (const gt_finding *f = check.first; f != NULL; f = f->next)
        tell(arena, f);
    return check.errors == 0 && !whole;
}

/* A request above a limit is legal between layers, and settled by which of them is the higher one: one layer doesn't say that any more. */
static void warn_of_requests(gt_arena *arena, const gt_value *merged)
{
    gt_check check = {.arena = arena, .file = GT_STR("gastown-inject")};
    gt_pointer at = gt_member(NULL, "resources");
    gt_type_check_request(&check, &at, gt_value_get(merged, "resources"));
    for (const gt_finding *f = check.first; f != NULL; f = f->next) {
        gt_finding warning = *f;
        warning.error = false;
        warning.line = 0; /* its files may be several */
        tell(arena, &warning);
    }
}

int gt_cli_merge(gt_arena *arena, const gt_cli *cli)
{
    gt_layer *merged = gt_layer_new(arena);
    bool good = true, standard = false;
    for (size_t i = 0; i < cli->words.count; i++) {
        bool is_standard = strcmp(cli->words.at[i], "-") == 0;
        if (is_standard && standard)
            return gt_cli_complain(GT_EXIT_USAGE, "merge: standard input can be read once");
        standard = standard || is_standard;
        gt_str text;
        gt_err err;
        if (!gt_cli_read(arena, cli->words.at[i], &text, &err))
            return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
        good = add_file(arena, cli->words.at[i], text, &merged) && good;
    }
    if (!good)
        return GT_EXIT_FINDING;
    gt_value *document = gt_layer_to_value(arena, merged);
    warn_of_requests(arena, document);
    gt_cli_print(arena, document, cli->format);
    return GT_EXIT_OK;
}
