/* gastown-inject: the engine as a program. Commands and flags are rows of tables, and so is what each command takes of the flags. */
#include <stdio.h>

#include "injector/cli/cli.h"

static const gt_setting flags[] = {
    {"templates", 't', NULL, GT_SET_STRING, NULL, "DIR", "folder with GasTown, Rig and AgentPool documents",
     offsetof(gt_cli, templates), 0, 0, NULL, false},
    {"filename", 'f', NULL, GT_SET_STRING, NULL, "FILE",
     "pods as YAML or JSON; - is standard input, the default but for diff: one for each rig and role",
     offsetof(gt_cli, file), 0, 0, NULL, false},
    {"namespace", 'n', NULL, GT_SET_STRING, NULL, "NAME",
     "namespace of the pods (default: the pod's own, else gastown)", offsetof(gt_cli, ns), 0, 0, NULL, false},
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
     .usage = "-t DIR [-f pod.yaml] [-o yaml|json|patch]",
     .example = "gastown-inject render -t tests/demo/templates -f tests/demo/pod.yaml",
     .more = "Several pods come out as YAML documents, as one v1 List (-o json), or as one patch a line; a denied pod "
             "is left out.",
     .flags = "tfno",
     .needs = "t",
     .formats = "yaml json patch"},
    {.name = "explain",
     .run = gt_cli_explain,
     .summary = "which layer set which field, over which others",
     .usage = "-t DIR [-f pod.yaml] [-o table|json|yaml] [--all]",
     .example = "gastown-inject explain -t tests/demo/templates -f tests/demo/pod.yaml",
     .more = "One pod comes out as the list of its fields, several (-o json, -o yaml) as a list of {pod, namespace, "
             "fields}; of a "
             "denied pod, what was decided before the denial.",
     .flags = "tfnoa",
     .needs = "t",
     .formats = "table json yaml"},
    {.name = "check",
     .run = gt_cli_check,
     .summary = "what is wrong with templates: file:line:column: field: message",
     .usage = "-t DIR [-o table|json|yaml]",
     .example = "gastown-inject check -t tests/demo/templates",
     .flags = "to",
     .needs = "t",
     .formats = "table json yaml"},
    {.name = "crds",
     .run = gt_cli_crds,
     .summary = "the CustomResourceDefinitions of GasTown, Rig and AgentPool",
     .usage = "[KIND...] [-o yaml|json]",
     .example = "gastown-inject crds | kubectl apply --server-side -f -",
     .more = "Made from the tables that templates are read by. They come out as YAML documents, or as one v1 List (-o "
             "json).",
     .flags = "o",
     .needs = "",
     .formats = "yaml json",
     .most = 3},
    {.name = "diff",
     .run = gt_cli_diff,
     .summary = "which agents' pods change between two folders of templates, and how",
     .usage = "OLD NEW [-f pods.yaml] [-o table|json|yaml]",
     .example = "git worktree add /tmp/main main && gastown-inject diff /tmp/main/templates templates",
     .flags = "fno",
     .needs = "",
     .formats = "table json yaml",
     .least = 2,
     .most = 2},
    {.name = "merge",
     .run = gt_cli_merge,
     .summary = "one PodTemplate that does what several do, the lowest first",
     .usage = "FILE... [-o yaml|json]",
     .example = "echo '{image: agent:v8, env: [{name: DEBUG, $patch: delete}]}' | gastown-inject merge pool.yaml -",
     .flags = "o",
     .needs = "",
     .formats = "yaml json",
     .most = ANY},
    {.name = "reference",
     .run = gt_cli_reference,
     .summary = "all that templates, events and policies may say, as Markdown",
     .usage = "> templates.md",
     .example = "gastown-inject reference | less",
     .flags = "",
     .needs = "",
     .formats = "table"},
    {.name = "review",
     .run = gt_cli_review,
     .summary = "AdmissionReviews on standard input, one a line, answered one a line",
     .usage = "-t DIR < requests > answers",
     .example = "gastown-inject review -t tests/demo/templates < tests/fixtures/admission-reviews.jsonl",
     .flags = "to",
     .needs = "t",
     .formats = "json"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- help ---- */

static const char STATUSES[] = "\nExit status: 0 fine; 1 a finding (a pod denied, a template with an error); 2 wrong "
                               "usage; 3 a file or folder can't be read.";

static void print_help(void)
{
    puts("gastown-inject COMMAND [flags]: what gastown-webhook does to an agent's pod, without a cluster\n\nCommands:");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-9s  %s\n             gastown-inject %s %s\n", commands[i].name, commands[i].summary,
               commands[i].name, commands[i].usage);
    puts("  help       this text, or with a command: more about it\n  version    the version\n\nFlags:");
    gt_settings_help(stdout, flags, FLAGS);
    puts(STATUSES);
}

static bool takes(const gt_command *command, const gt_setting *flag)
{
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
        bool given = was_given(cli, flag);
        bool needed = flag->letter != 0 && strchr(command->needs, flag->letter) != NULL;
        if (given && !takes(command, flag))
            gt_cli_complain(0, "%s takes no --%s: gastown-inject %s %s", command->name, flag->flag, command->name,
                            command->usage);
        else if (!given && needed)
            gt_cli_complain(0, "--%s %s is missing: gastown-inject %s %s", flag->flag, flag->arg, command->name,
                            command->usage);
        else
            continue;
        return false;
    }
    return true;
}

static bool words_fit(const gt_command *command, const gt_cli *cli)
{
    size_t n = cli->words.count;
    if (n > command->most)
        gt_cli_complain(0, "%s: what is it to do with %s? gastown-inject %s %s", command->name,
                        cli->words.at[command->most], command->name, command->usage);
    else if (n < command->least)
        gt_cli_complain(0, "%s needs %zu words, not %zu: gastown-inject %s %s", command->name, command->least, n,
                        command->name, command->usage);
    return n >= command->least && n <= command->most;
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

static int run(gt_arena *arena, int argc, char **argv)
{
    gt_cli cli;
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
    return command->run(arena, &cli);
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
