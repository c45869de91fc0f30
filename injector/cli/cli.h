/* gastown-inject: what its commands share. */
#ifndef GT_INJECTOR_CLI_CLI_H
#define GT_INJECTOR_CLI_CLI_H

#include "injector/inject.h"
#include "injector/sample.h"
#include "lib/base/settings.h"

#define GT_CLI_NAMESPACE GT_SAMPLE_NAMESPACE /* of pods that don't say theirs */

enum { GT_EXIT_OK, GT_EXIT_FINDING, GT_EXIT_USAGE, GT_EXIT_ENVIRONMENT };

typedef enum gt_format { GT_FORMAT_TABLE, GT_FORMAT_JSON, GT_FORMAT_YAML, GT_FORMAT_PATCH } gt_format;

struct gt_cli_cluster; /* cluster.h */

typedef struct gt_cli {
    const char *templates, *file, *ns; /* NULL: not given */
    const char *kubeconfig, *context;
    const char *output;
    bool all; /* explain: fields that were right already, too */
    bool all_namespaces;
    bool help, version;
    gt_setting_list words;          /* behind the command */
    gt_format format;               /* what output says, or the command's own */
    struct gt_cli_cluster *cluster; /* NULL: the command has nothing to do with one */
} gt_cli;

/* When a command asks a cluster. */
typedef enum gt_cluster_use {
    GT_CLUSTER_NEVER,
    GT_CLUSTER_TEMPLATES, /* for templates without --templates, for pods that are named, and when a cluster is named */
    GT_CLUSTER_WORDS,     /* when a word or a flag names one */
    GT_CLUSTER_ALWAYS,
} gt_cluster_use;

typedef struct gt_command {
    const char *name, *summary;
    const char *usage;   /* what stands behind "gastown-inject NAME" */
    const char *example; /* lines for its --help */
    const char *more;    /* a sentence for its --help; or NULL */
    const char *flags;   /* letters of those that it takes */
    const char *formats; /* words for --output; the first is the default */
    size_t least, most;  /* words that it takes */
    bool pods;           /* the words name pods of a cluster */
    gt_cluster_use cluster;
    int (*run)(gt_arena *arena, const gt_cli *cli);
} gt_command;

int gt_cli_render(gt_arena *arena, const gt_cli *cli);
int gt_cli_explain(gt_arena *arena, const gt_cli *cli);
int gt_cli_check(gt_arena *arena, const gt_cli *cli);
int gt_cli_crds(gt_arena *arena, const gt_cli *cli);
int gt_cli_diff(gt_arena *arena, const gt_cli *cli);
int gt_cli_merge(gt_arena *arena, const gt_cli *cli);
int gt_cli_reference(gt_arena *arena, const gt_cli *cli);
int gt_cli_review(gt_arena *arena, const gt_cli *cli);
int gt_cli_status(gt_arena *arena, const gt_cli *cli);

/* The bytes of a file ("-": standard input), at most 16 MiB. GT_ERR_ENV, GT_ERR_LIMIT, GT_ERR_NOMEM. */
bool gt_cli_read(gt_arena *arena, const char *path, gt_str *text, gt_err *err);

typedef struct gt_cli_documents {
    const gt_value **at;
    size_t count, room;
} gt_cli_documents;

void gt_cli_documents_add(gt_arena *arena, gt_cli_documents *documents, const gt_value *document);

/* The templates: of the folder, or with NULL of cli->cluster, there of the pods' namespaces (`pods` NULL or empty: of the cluster's own).
 * Objects that aren't accepted are named on stderr. NULL after saying why (exit GT_EXIT_ENVIRONMENT). The snapshot is the
 * caller's: gt_snapshot_free. */
gt_snapshot *gt_cli_templates(gt_arena *arena, const gt_cli *cli, const char *folder, const gt_cli_documents *pods);
void gt_cli_templates_cleanup(gt_snapshot **snapshot); /* for gt_scoped */

/* Pods: those of the cluster that cli->words name (as gt_cli_bare has them), else the documents of cli->file (not given or "-": stdin), YAML or
 * JSON, several documents, v1 Lists or JSON objects one behind the other; at least one. Another status than GT_EXIT_OK after
 * saying why on stderr. */
int gt_cli_read_pods(gt_arena *arena, const gt_cli *cli, gt_cli_documents *documents);

/* One pod, injected. */
typedef struct gt_cli_pod {
    gt_value *pod; /* as read */
    bool ours;     /* it's an agent's; others are left alone */
    gt_record record;
    gt_injection injection;
    gt_str ns;
    gt_str trouble; /* why it couldn't be */
    bool denied;
    bool several; /* it was read with others: what is told about it names it */
} gt_cli_pod;

/* The namespace that a document is in: --namespace, else its own, else that of the cluster's context, else GT_CLI_NAMESPACE. */
gt_str gt_cli_namespace(const gt_cli *cli, const gt_value *document);

/* false: the engine couldn't (see trouble). A denied pod has causes in its record. */
bool gt_cli_inject(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *document,
                   gt_cli_pod *pod);

/* All of them through the templates; *denied: one of them is. Another status than GT_EXIT_OK after saying why on stderr. */
int gt_cli_pods(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_cli_documents *documents,
                gt_cli_pod **pods, size_t *count, bool *denied);

/* A pod's warnings and the causes of its denial, or that it's no agent's, on stderr behind what has been printed. */
void gt_cli_tell(const gt_cli *cli, const gt_cli_pod *pod);

/* Its name, or what its name begins with; may be empty. */
gt_str gt_cli_pod_name(const gt_cli_pod *pod);

/* Who it is, by its labels where the engine doesn't say because it is denied. Borrowed texts, which may be empty. */
gt_identity gt_cli_identity(const gt_cli_pod *pod);

/* What a creator would make again in place of a pod that the webhook has been at (it has a template hash): the bare pod of the same
 * agent, with its event annotations and owners. Other pods are returned as they are. */
const gt_value *gt_cli_bare(gt_arena *arena, const gt_value *pod);

/* "gastown-inject: ..." on stderr; returns status. */
int gt_cli_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

typedef enum gt_style { GT_STYLE_PLAIN, GT_STYLE_HEAD, GT_STYLE_ERROR, GT_STYLE_WARNING } gt_style;

/* A line on standard output, in the style's colour where that is a terminal, NO_COLOR is unset and TERM isn't dumb. */
void gt_cli_line(gt_style style, gt_str line);

/* The text of a table's cell: strings bare, all else as JSON; control characters as escapes; too long: cut in its middle. */
gt_str gt_cli_cell(gt_arena *arena, const gt_value *value);
/* The same for a field's name, without "spec.". */
gt_str gt_cli_field(gt_arena *arena, gt_str field);

/* Rows of cells, the first row is the head; columns as wide as their widest cell, the last as it comes. */
typedef struct gt_cli_table {
    gt_arena *arena;
    size_t columns, count, room; /* cells */
    gt_str *cells;
} gt_cli_table;

void gt_cli_table_add(gt_cli_table *table, gt_str cell);
void gt_cli_table_print(const gt_cli_table *table);

/* Prints values: one, or several as YAML documents or JSON lines of their own. */
void gt_cli_print(gt_arena *arena, const gt_value *value, gt_format format);

#endif
