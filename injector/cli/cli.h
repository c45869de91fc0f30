/* gastown-inject: what its commands share. */
#ifndef GT_INJECTOR_CLI_CLI_H
#define GT_INJECTOR_CLI_CLI_H

#include "injector/inject.h"
#include "lib/base/settings.h"

enum { GT_EXIT_OK, GT_EXIT_FINDING, GT_EXIT_USAGE, GT_EXIT_ENVIRONMENT };

typedef enum gt_format { GT_FORMAT_TABLE, GT_FORMAT_JSON, GT_FORMAT_YAML, GT_FORMAT_PATCH } gt_format;

typedef struct gt_cli {
    const char *templates, *file, *ns;
    int64_t format; /* gt_format */
    bool all;       /* explain: fields that were right already, too */
    bool help, version;
} gt_cli;

typedef struct gt_command {
    const char *name, *summary, *usage;
    gt_format formats[5]; /* the first is the default; GT_FORMAT_TABLE twice ends it */
    bool needs_templates;
    int (*run)(gt_arena *arena, const gt_cli *cli);
} gt_command;

int gt_cli_render(gt_arena *arena, const gt_cli *cli);
int gt_cli_explain(gt_arena *arena, const gt_cli *cli);
int gt_cli_check(gt_arena *arena, const gt_cli *cli);
int gt_cli_review(gt_arena *arena, const gt_cli *cli);

/* Loads cli->templates; objects that aren't accepted are named on stderr. NULL after saying why (exit GT_EXIT_ENVIRONMENT). The
 * snapshot is the caller's: gt_snapshot_free. */
gt_snapshot *gt_cli_templates(const gt_cli *cli);

/* One pod, injected. */
typedef struct gt_cli_pod {
    gt_value *pod; /* as read */
    gt_record record;
    gt_injection injection;
    gt_str ns;
} gt_cli_pod;

/* Reads pods from cli->file ("-": stdin), YAML or JSON, several documents or a v1 List, and injects each. Returns GT_EXIT_OK and the pods,
 * or another exit status after saying why on stderr. Warnings and denials are told on stderr: a denied pod is left out and *denied set. */
int gt_cli_pods(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, gt_cli_pod **pods, size_t *count,
                bool *denied);

/* The pod with the record's steps carried out. */
gt_value *gt_cli_apply(gt_arena *arena, const gt_value *pod, const gt_record *record);

/* "gastown-inject: ..." on stderr; returns status. */
int gt_cli_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints values: one, or several as YAML documents or JSON lines of their own. */
void gt_cli_print(gt_arena *arena, const gt_value *value, gt_format format);

#endif
