/* gastown-inject: the engine as a program. Commands and flags are rows of tables, and so is what each command takes of the flags. */
#include <stdio.h>

#include "injector/cli/cluster.h"

#define KUBECONFIG "kubeconfig"
#define CONTEXT "context"

static const gt_setting flags[] = {
    {"templates", 't', NULL, GT_SET_STRING, NULL, "DIR",
     "folder with GasTown, Rig and AgentPool documents (default: those of the cluster)", offsetof(gt_cli, templates), 0,
     0, NULL, false},
    {"filename", 'f', NULL, GT_SET_STRING, NULL, "FILE",
     "pods as YAML or JSON; - is standard input, the default but for diff: one for each rig and role",
     offsetof(gt_cli, file), 0, 0, NULL, false},
    {"namespace", 'n', NULL, GT_SET_STRING, NULL, "NAME",
     "namespace of the pods (default: the pod's own, else the context's, else gastown)", offsetof(gt_cli, ns), 0, 0,
     NULL, false},
    {"all-namespaces", 'A', NULL, GT_SET_BOOL, "false", NULL, "the cluster's objects and pods of all namespaces",
     offsetof(gt_cli, all_namespaces), 0, 0, NULL, false},
    {KUBECONFIG, 0, NULL, GT_SET_STRING, NULL, "FILE",
     "ask the cluster of this kubeconfig (default: $KUBECONFIG, else ~/.kube/config, else where we run)",
     offsetof(gt_cli, kubeconfig), 0, 0, NULL, false},
    {CONTEXT, 0, NULL, GT_SET_STRING, NULL, "NAME", "the kubeconfig's context (default: its current one)",
     offsetof(gt_cli, context), 0, 0, NULL, false},
    {"output", 'o', NULL, GT_SET_STRING, NULL, "FORMAT", "table, json, yaml or patch, as far as the command has it",
     offsetof(gt_cli, output), 0, 0, NULL, false},
    {"all", 'a', NULL, GT_SET_BOOL, "false", NULL, "also show what the pod had right already", offsetof(gt_cli, all), 0,
     0, NULL, false},
    {"version", 0, NULL, GT_SET_BOOL, "false", NULL, "print the version", offsetof(gt_cli, version), 0, 0, NULL, false},
    {"help", 'h', NULL, GT_SET_BOOL, "false", NULL, "print this text; behind a command: more about it",
     offsetof(gt_cli, help), 0, 0, NULL, false},
};
enum { FLAGS = sizeof flags / sizeof *flags, ANY = 1000000 };

static const gt_command commands[] = {
    {.name = "render",
     .run = gt_cli_render,
     .summary = "the pod that the API server would store",
     .usage = "[-t DIR] [-f pod.yaml | pod/NAME...] [-o yaml|json|patch]",
     .example = "gastown-inject render -t tests/demo/templates -f tests/demo/pod.yaml",
     .more = "Several pods come out as YAML documents, as one v1 List (-o json), or as one patch a line; a denied pod "
             "is left out. pod/NAME is a pod of the cluster: what would be made of its agent now.",
     .flags = "tfno",
     .formats = "yaml json patch",
     .most = ANY,
     .pods = true,
     .cluster = GT_CLUSTER_TEMPLATES},
    {.name = "explain",
     .run = gt_cli_explain,
     .summary = "which layer set which field, over which others",
     .usage = "[-t DIR] [-f pod.yaml | pod/NAME...] [-o table|json|yaml] [--all]",
     .example = "gastown-inject explain -t tests/demo/templates -f tests/demo/pod.yaml",
     .more = "One pod comes out as the list of its fields, several (-o json, -o yaml) as a list of {pod, namespace, "
             "fields}; of a "
             "denied pod, what was decided before the denial. pod/NAME is a pod of the cluster.",
     .flags = "tfnoa",
     .formats = "table json yaml",
     .most = ANY,
     .pods = true,
     .cluster = GT_CLUSTER_TEMPLATES},
    {.name = "check",
     .run = gt_cli_check,
     .summary = "what is wrong with templates: file:line:column: field: message",
     .usage = "[-t DIR] [--kubeconfig FILE] [-n NAME | -A] [-o table|json|yaml]",
     .example = "gastown-inject check -t tests/demo/templates",
     .more = "The templates are tried on sample pods, too: what the town's own policy denies is a warning. Of a "
             "cluster also what the templates name and the cluster doesn't have: Secrets and their keys, "
             "ConfigMaps, ServiceAccounts, classes; with -t only where --kubeconfig or --context name one.",
     .flags = "tnAo",
     .formats = "table json yaml",
     .cluster = GT_CLUSTER_TEMPLATES},
    {.name = "crds",
     .run = gt_cli_crds,
     .summary = "the CustomResourceDefinitions of GasTown, Rig and AgentPool",
     .usage = "[KIND...] [-o yaml|json]",
     .example = "gastown-inject crds | kubectl apply --server-side -f -",
     .more = "Made from the tables that templates are read by. They come out as YAML documents, or as one v1 List (-o "
             "json).",
     .flags = "o",
     .formats = "yaml json",
     .most = 3},
    {.name = "diff",
     .run = gt_cli_diff,
     .summary = "which agents' pods change between two sets of templates, and how",
     .usage = "OLD NEW | cluster [-f pods.yaml] [-n NAME | -A] [-o table|json|yaml]",
     .example = "git worktree add /tmp/main main && gastown-inject diff /tmp/main/templates templates",
     .more = "OLD and NEW are folders, or the word cluster (./cluster is a folder): then the pods that run there are "
             "compared. The word alone: which of them aren't what the cluster's templates say now.",
     .flags = "fnAo",
     .formats = "table json yaml",
     .least = 1,
     .most = 2,
     .cluster = GT_CLUSTER_WORDS},
    {.name = "status",
     .run = gt_cli_status,
     .summary = "a cluster's templates: what is accepted, what isn't and why, which pods have drifted",
     .usage = "[-n NAME | -A] [-o table|json|yaml]",
     .example = "gastown-inject status -A",
     .more = "Accepted is what the webhook wrote; Pending: nothing yet about this generation, and in parentheses what "
             "this program thinks of it. Status 1 when something isn't accepted; drift alone is no finding.",
     .flags = "nAo",
     .formats = "table json yaml",
     .cluster = GT_CLUSTER_ALWAYS},
    {.name = "merge",
     .run = gt_cli_merge,
     .summary = "one PodTemplate that does what several do, the lowest first",
     .usage = "FILE... [-o yaml|json]",
     .example = "echo '{image: agent:v8, env: [{name: DEBUG, $patch: delete}]}' | gastown-inject merge pool.yaml -",
     .flags = "o",
     .formats = "yaml json",
     .most = ANY},
    {.name = "reference",
     .run = gt_cli_reference,
     .summary = "all that templates, events and policies may say, as Markdown",
     .usage = "> templates.md",
     .example = "gastown-inject reference | less",
     .flags = "",
     .formats = "table"},
    {.name = "review",
     .run = gt_cli_review,
     .summary = "AdmissionReviews on standard input, one a line, answered one a line",
     .more =
         "Reviews of pods as the webhook's /mutate answers them, of GasTowns, Rigs and AgentPools as /validate does.",
     .usage = "[-t DIR] < requests > answers",
     .example = "gastown-inject review -t tests/demo/templates < tests/fixtures/admission-reviews.jsonl",
     .flags = "tnAo",
     .formats = "json",
     .cluster = GT_CLUSTER_TEMPLATES},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- help ---- */

static const char STATUSES[] = "\nExit status: 0 fine; 1 a finding (a pod denied, a template with an error); 2 wrong "
                               "usage; 3 a file, a folder or a cluster can't be read.";

static void print_help(void)
{
    puts("gastown-inject COMMAND [flags]: what gastown-webhook does to an agent's pod, with or without a "
         "cluster\n\nCommands:");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-9s  %s\n             gastown-inject %s %s\n", commands[i].name, commands[i].summary,
               commands[i].name, commands[i].usage);
    puts("  help       this text, or with a command: more about it\n  version    the version\n\nFlags:");
    gt_settings_help(stdout, flags, FLAGS);
    puts(STATUSES);
}

/* Whether a flag says which cluster. */
static bool names_cluster(const gt_setting *flag)
{
    return strcmp(flag->flag, KUBECONFIG) == 0 || strcmp(flag->flag, CONTEXT) == 0;
}

static bool takes(const gt_command *command, const gt_setting *flag)
{
    if (names_cluster(flag))
        return command->cluster != GT_CLUSTER_NEVER;
    return flag->letter == 'h' || (flag->letter != 0 && strchr(command->flags, flag->letter) != NULL);
}

static void print_command_help(const gt_command *command)
{
    gt_setting own[FLAGS];
    char formats[80];
    size_t n = 0;
    snprintf(formats, sizeof formats, "one of %s; the first is the default", command->formats);
    for (int i = 0; i < FLAGS; i++)
        if (takes(command, &flags[i])) {
            own[n] = flags[i];
            if (flags[i].letter == 'o')
                own[n].help = formats;
            n++;
        }
    printf("gastown-inject %s: %s\n\n  gastown-inject %s %s\n\nFor example:\n  %s\n\nFlags:\n", command->name,
           command->summary, command->name, command->usage, command->example);
    gt_settings_help(stdout, own, n);
    if (command->more != NULL)
        printf("\n%s\n", command->more);
    puts(STATUSES);
}

/* ---- what was asked for ---- */

static const gt_command *find_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int complain_of_command(gt_arena *arena, const char *name)
{
    gt_buf all;
    gt_buf_init(&all, arena, 64);
    for (int i = 0; i < COMMANDS; i++) {
        if (name != NULL && gt_str_distance(gt_str_of(name), gt_str_of(commands[i].name), 2) <= 2)
            return gt_cli_complain(GT_EXIT_USAGE, "unknown command %s, did you mean %s?", name, commands[i].name);
        gt_buf_printf(&all, "%s%s", i == 0 ? "" : ", ", commands[i].name);
    }
    if (name != NULL)
        return gt_cli_complain(GT_EXIT_USAGE, "unknown command %s (--help lists them)", name);
    return gt_cli_complain(GT_EXIT_USAGE, "say what to do: one of %s (or --help)", all.at);
}

static bool was_given(const gt_cli *cli, const gt_setting *flag)
{
    const void *member = (const char *)cli + flag->offset;
    return flag->type == GT_SET_BOOL ? *(const bool *)member : *(const char *const *)member != NULL;
}

static bool flags_fit(const gt_command *command, const gt_cli *cli)
{
    for (int i = 0; i < FLAGS; i++) {
        const gt_setting *flag = &flags[i];
        if (!was_given(cli, flag) || takes(command, flag))
            continue;
        gt_cli_complain(0, "%s takes no --%s: gastown-inject %s %s", command->name, flag->flag, command->name,
                        command->usage);
        return false;
    }
    return true;
}

static bool words_fit(const gt_command *command, const gt_cli *cli)
{
    size_t n = cli->words.count, good = n < command->most ? n : command->most;
    for (size_t i = 0; command->pods && i < good; i++)
        good = gt_cli_is_pod(cli->words.at[i]) ? good : i;
    if (good < n)
        gt_cli_complain(0, "%s: what is it to do with %s? %sgastown-inject %s %s", command->name, cli->words.at[good],
                        command->pods ? "A pod of the cluster is pod/NAME: " : "", command->name, command->usage);
    else if (n < command->least)
        gt_cli_complain(0, "%s needs %zu word%s, not %zu: gastown-inject %s %s", command->name, command->least,
                        command->least == 1 ? "" : "s", n, command->name, command->usage);
    return n >= command->least && good == n;
}

/* Where `word` stands among words parted by blanks; -1: nowhere. */
static int place_of(const char *words, gt_str word)
{
    for (int i = 0; *words != '\0'; i++) {
        size_t n = strcspn(words, " ");
        if (gt_str_eq((gt_str){words, n}, word))
            return i;
        words += n + (words[n] == ' ');
    }
    return -1;
}

static bool format_fits(const gt_command *command, gt_cli *cli)
{
    static const char all[] = "table json yaml patch"; /* as gt_format */
    gt_str word =
        cli->output == NULL ? (gt_str){command->formats, strcspn(command->formats, " ")} : gt_str_of(cli->output);
    cli->format = (gt_format)place_of(all, word);
    if (place_of(command->formats, word) >= 0)
        return true;
    gt_cli_complain(0, "%s has no output format %.40s, only: %s", command->name, word.at, command->formats);
    return false;
}

/* ---- the cluster ---- */

static bool asks_cluster(const gt_command *command, const gt_cli *cli)
{
    bool named = cli->kubeconfig != NULL || cli->context != NULL || cli->all_namespaces;
    for (size_t i = 0; i < cli->words.count; i++)
        named = named || (command->pods ? gt_cli_is_pod(cli->words.at[i]) : gt_cli_is_cluster(cli->words.at[i]));
    switch (command->cluster) {
    case GT_CLUSTER_NEVER: return false;
    case GT_CLUSTER_TEMPLATES: return named || cli->templates == NULL;
    case GT_CLUSTER_WORDS: return named;
    case GT_CLUSTER_ALWAYS: break;
    }
    return true;
}

static int run_command(gt_arena *arena, const gt_command *command, gt_cli *cli)
{
    if (asks_cluster(command, cli)) {
        const char *instead =
            strchr(command->flags, 't') == NULL || cli->templates != NULL ? "" : "; -t DIR names a folder of templates";
        int status = gt_cli_cluster_open(arena, cli, instead, &cli->cluster);
        if (status != GT_EXIT_OK)
            return status;
    }
    int status = command->run(arena, cli);
    gt_cli_cluster_close(cli->cluster);
    return status;
}

static int run(gt_arena *arena, int argc, char **argv)
{
    gt_cli cli = {.cluster = NULL};
    gt_setting_list words;
    gt_err err;
    if (!gt_settings_parse(arena, flags, FLAGS, argc, argv, &cli, &words, &err))
        return gt_cli_complain(GT_EXIT_USAGE, "%s (gastown-inject --help lists the flags)", err.text);
    if (words.count > 0 && strcmp(words.at[0], "help") == 0) {
        cli.help = true;
        words = (gt_setting_list){words.at + 1, words.count - 1};
    }
    if (cli.version || (words.count == 1 && strcmp(words.at[0], "version") == 0)) {
        puts("gastown-inject " GT_VERSION);
        return GT_EXIT_OK;
    }
    if (words.count == 0 && cli.help) {
        print_help();
        return GT_EXIT_OK;
    }
    const gt_command *command = words.count == 0 ? NULL : find_command(words.at[0]);
    if (command == NULL)
        return complain_of_command(arena, words.count == 0 ? NULL : words.at[0]);
    if (cli.help) {
        print_command_help(command);
        return GT_EXIT_OK;
    }
    cli.words = (gt_setting_list){words.at + 1, words.count - 1};
    if (!flags_fit(command, &cli) || !words_fit(command, &cli) || !format_fits(command, &cli))
        return GT_EXIT_USAGE;
    return run_command(arena, command, &cli);
}

/* ---- the program ---- */

typedef struct program {
    gt_arena *arena;
    int argc;
    char **argv;
    int status;
} program;

static bool run_program(void *context, gt_err *err)
{
    program *p = context;
    (void)err;
    p->status = run(p->arena, p->argc, p->argv);
    return true;
}

int main(int argc, char **argv)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    program p = {.arena = arena, .argc = argc, .argv = argv, .status = GT_EXIT_ENVIRONMENT};
    gt_err err;
    if (arena == NULL || !gt_arena_try(arena, run_program, &p, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "out of memory");
    if (fflush(stdout) != 0)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "can't write the output");
    return p.status;
}
