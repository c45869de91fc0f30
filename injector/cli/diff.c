/* `diff`: which agents' pods change between two sets of templates, and how; or which pods of a cluster aren't what its templates say now. */
#include <stdio.h>
#include <unistd.h>

#include "injector/cli/compare.h"

/* ---- as a table ---- */

static void add_row(gt_cli_table *table, gt_str agent, gt_str field, gt_str old, gt_str new, gt_str from)
{
    const gt_str cells[] = {agent, gt_cli_field(table->arena, field), old, new, from};
    for (size_t i = 0; i < table->columns; i++)
        gt_cli_table_add(table, cells[i]);
}

static void add_change(gt_cli_table *table, gt_str agent, const gt_value *change)
{
    const gt_value *old = gt_value_get(change, "old"), *new = gt_value_get(change, "new");
    gt_str from = gt_value_str(gt_value_get(change, "from"));
    if (new == NULL)
        from = gt_str_of(gt_arena_printf(table->arena, "was %.*s", GT_STR_ARG(from)));
    add_row(table, agent, gt_value_str(gt_value_get(change, "field")),
            old == NULL ? GT_STR("(none)") : gt_cli_cell(table->arena, old),
            new == NULL ? GT_STR("(none)") : gt_cli_cell(table->arena, new), from);
}

/* The message takes the last column, which has room. */
static void add_denials(gt_cli_table *table, gt_str agent, const gt_value *causes, bool old)
{
    GT_VALUE_EACH (cause, causes) {
        const char *code = gt_value_get(cause, "code")->text.at; /* 503: ours, and no denial */
        gt_str denied = gt_str_of(
            gt_arena_printf(table->arena, strcmp(code, "503") == 0 ? "(no answer: %s)" : "(denied: %s)", code));
        add_row(table, agent, gt_value_str(gt_value_get(cause, "field")), old ? denied : GT_STR("(made)"),
                old ? GT_STR("(made)") : denied, gt_value_str(gt_value_get(cause, "message")));
    }
}

/* did: what the pods in the table did, of `all`. */
static void print_table(gt_arena *arena, const gt_value *pods, const char *did, size_t all)
{
    static const char *const head[] = {"AGENT", "FIELD", "OLD", "NEW", "FROM"};
    gt_cli_table table = {.arena = arena, .columns = 5};
    for (size_t i = 0; i < table.columns; i++)
        gt_cli_table_add(&table, gt_str_of(head[i]));
    GT_VALUE_EACH (pod, pods) {
        gt_str agent = gt_value_str(gt_value_get(pod, "agent"));
        GT_VALUE_EACH (change, gt_value_get(pod, "changes"))
            add_change(&table, agent, change);
        add_denials(&table, agent, gt_value_get(pod, "oldDenied"), true);
        add_denials(&table, agent, gt_value_get(pod, "newDenied"), false);
    }
    gt_cli_table_print(&table);
    printf("%u of %zu agents' pods %s\n", pods->count, all, did);
}

/* ---- what can't be compared ---- */

/* Pods that nothing is made of, with the first reason. */
typedef struct unmade {
    size_t count;
    gt_str agent, field, message;
} unmade;

static void note_unmade(gt_arena *arena, unmade *u, const gt_cli_pod *pod)
{
    const gt_note *cause = pod->record.causes;
    if (u->count++ > 0)
        return;
    u->agent = gt_cli_agent_text(arena, pod);
    u->field = cause == NULL ? (gt_str){"", 0} : cause->field;
    u->message = cause == NULL ? pod->trouble : cause->message;
}

static void tell_unmade(const unmade *u, const char *what, size_t all)
{
    if (u->count > 0)
        gt_cli_complain(0, "%zu of %zu agents' pods %s: %.*s: %.*s%s%.*s", u->count, all, what, GT_STR_ARG(u->agent),
                        GT_STR_ARG(u->field), u->field.len > 0 ? ": " : "", GT_STR_ARG(u->message));
}

/* ---- two sets of templates ---- */

static int compare(gt_arena *arena, const gt_cli *cli, const gt_snapshot *old, const gt_snapshot *new,
                   const gt_cli_documents *documents)
{
    gt_value *pods = gt_value_array(arena);
    size_t all = 0;
    unmade denied = {0}, unknown = {0};
    for (size_t i = 0; i < documents->count; i++) {
        gt_cli_sides *both = GT_NEW(arena, gt_cli_sides);
        const gt_value *document = gt_cli_bare(arena, documents->at[i]);
        both->arena = arena;
        gt_cli_side_make(arena, cli, old, document, &both->old);
        gt_cli_side_make(arena, cli, new, document, &both->new);
        if (!both->new.pod.ours) {
            gt_cli_tell(cli, &both->new.pod);
            continue;
        }
        all++;
        if (both->old.made == NULL && both->new.made == NULL)
            note_unmade(arena, both->old.answered && both->new.answered ? &denied : &unknown, &both->new.pod);
        gt_value *pod = gt_cli_sides_value(both);
        if (pod != NULL)
            gt_value_push(pods, pod);
    }
    size_t compared = all - denied.count - unknown.count;
    if (cli->format != GT_FORMAT_TABLE)
        gt_cli_print(arena, pods, cli->format);
    else if (pods->count > 0)
        print_table(arena, pods, "change", all);
    else if (compared > 0 || all == 0)
        printf("no pod changes (%zu agents' pods compared)\n", compared);
    tell_unmade(&denied, "are denied by both", all);
    tell_unmade(&unknown, "can't be made by either of the two", all);
    return pods->count + denied.count + unknown.count > 0 ? GT_EXIT_FINDING : GT_EXIT_OK;
}

/* ---- what runs, and what is said now ---- */

static int drift(gt_arena *arena, const gt_cli *cli, const gt_snapshot *now, const gt_cli_documents *live)
{
    gt_value *pods;
    int status = gt_cli_drift(arena, cli, now, live, &pods);
    if (status != GT_EXIT_OK)
        return status;
    if (cli->format != GT_FORMAT_TABLE)
        gt_cli_print(arena, pods, cli->format);
    else if (pods->count > 0)
        print_table(arena, pods, "have drifted", live->count);
    else
        printf("no pod has drifted (%zu agents' pods compared)\n", live->count);
    return pods->count > 0 ? GT_EXIT_FINDING : GT_EXIT_OK;
}

/* ---- the command ---- */

bool gt_cli_is_cluster(const char *word)
{
    return strcmp(word, GT_CLI_CLUSTER) == 0;
}

/* Bare pods of all agents that either of the two tells apart; those of a cluster are in the namespace that is asked about. */
static void sample(gt_arena *arena, const gt_cli *cli, const gt_snapshot *old, const gt_snapshot *new,
                   gt_cli_documents *documents)
{
    const char *ns = cli->ns != NULL || cli->cluster == NULL ? cli->ns : cli->cluster->ns;
    const gt_samples_wanted wanted = {.sets = {old, new}, .ns = gt_str_of(ns)};
    gt_samples samples;
    gt_samples_of(arena, &wanted, &samples);
    for (size_t i = 0; i < samples.count; i++)
        gt_cli_documents_add(arena, documents, gt_sample_pod(arena, &samples.at[i]));
}

/* The pods to compare: those that are given, else what runs in the cluster; else none. */
static int choose_pods(gt_arena *arena, const gt_cli *cli, gt_cli_documents *pods)
{
    *pods = (gt_cli_documents){.count = 0};
    if (cli->file != NULL)
        return gt_cli_read_pods(arena, cli, pods);
    return cli->cluster == NULL ? GT_EXIT_OK : gt_cli_live_pods(arena, cli->cluster, pods);
}

static int compare_sets(gt_arena *arena, const gt_cli *cli)
{
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *old = NULL;
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *new = NULL;
    gt_snapshot **sets[] = {&old, &new};
    gt_cli_documents pods;
    int status = choose_pods(arena, cli, &pods);
    const gt_cli_documents *given = cli->file != NULL ? &pods : NULL;
    for (size_t i = 0; status == GT_EXIT_OK && i < 2; i++) {
        const char *word = cli->words.at[i];
        *sets[i] = gt_cli_templates(arena, cli, gt_cli_is_cluster(word) ? NULL : word, given);
        status = *sets[i] == NULL ? GT_EXIT_ENVIRONMENT : status;
    }
    if (status != GT_EXIT_OK)
        return status;
    if (pods.count == 0)
        sample(arena, cli, old, new, &pods);
    return compare(arena, cli, old, new, &pods);
}

static int compare_live(gt_arena *arena, const gt_cli *cli)
{
    gt_cli_documents live;
    if (cli->file != NULL)
        return gt_cli_complain(GT_EXIT_USAGE, "diff cluster compares the pods that run there: it takes no --filename");
    int status = gt_cli_live_pods(arena, cli->cluster, &live);
    if (status != GT_EXIT_OK)
        return status;
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *now = gt_cli_templates(arena, cli, NULL, NULL);
    return now == NULL ? GT_EXIT_ENVIRONMENT : drift(arena, cli, now, &live);
}

/* A folder of that name was what the word meant before there were clusters. */
static void tell_of_folder(const gt_cli *cli)
{
    for (size_t i = 0; i < cli->words.count; i++)
        if (gt_cli_is_cluster(cli->words.at[i]) && access(GT_CLI_CLUSTER, F_OK) == 0) {
            gt_cli_complain(0, GT_CLI_CLUSTER " is the cluster; ./" GT_CLI_CLUSTER " is the folder");
            break;
        }
}

int gt_cli_diff(gt_arena *arena, const gt_cli *cli)
{
    tell_of_folder(cli);
    if (cli->words.count == 2)
        return compare_sets(arena, cli);
    if (gt_cli_is_cluster(cli->words.at[0]))
        return compare_live(arena, cli);
    return gt_cli_complain(GT_EXIT_USAGE, "diff needs OLD and NEW, each a folder or the word " GT_CLI_CLUSTER
                                          " (which is enough by itself, too)");
}
