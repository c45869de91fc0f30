/* gastown-inject: the engine as a program. Commands are rows; flags are one table. */
#include <stdarg.h>
#include <stdio.h>

#include "injector/cli/cli.h"
#include "lib/yaml/yaml.h"

static const gt_setting flags[] = {
    {"templates", 't', NULL, GT_SET_STRING, NULL, "DIR", "folder with GasTown, Rig and AgentPool documents",
     offsetof(gt_cli, templates), 0, 0, NULL, false},
    {"filename", 'f', NULL, GT_SET_STRING, "-", "FILE", "pods as YAML or JSON; - is standard input",
     offsetof(gt_cli, file), 0, 0, NULL, false},
    {"namespace", 'n', NULL, GT_SET_STRING, NULL, "NAME",
     "namespace of the pods (default: the pod's own, else gastown)", offsetof(gt_cli, ns), 0, 0, NULL, false},
    {"output", 'o', NULL, GT_SET_CHOICE, NULL, "FORMAT", "table, json, yaml or patch; each command has its own default",
     offsetof(gt_cli, format), 0, 0, "table json yaml patch", false},
    {"all", 'a', NULL, GT_SET_BOOL, "false", NULL, "explain: also show what the pod had right already",
     offsetof(gt_cli, all), 0, 0, NULL, false},
    {"version", 0, NULL, GT_SET_BOOL, "false", NULL, "print the version", offsetof(gt_cli, version), 0, 0, NULL, false},
    {"help", 'h', NULL, GT_SET_BOOL, "false", NULL, "print this text", offsetof(gt_cli, help), 0, 0, NULL, false},
};
enum { FLAGS = sizeof flags / sizeof *flags };

static const gt_command commands[] = {
    {"render",
     "the pod that the API server would store",
     "gastown-inject render -t DIR -f pod.yaml [-o yaml|json|patch]",
     {GT_FORMAT_YAML, GT_FORMAT_JSON, GT_FORMAT_PATCH, GT_FORMAT_TABLE, GT_FORMAT_TABLE},
     true,
     gt_cli_render},
    {"explain",
     "which layer set which field, over which others",
     "gastown-inject explain -t DIR -f pod.yaml [-o table|json|yaml] [--all]",
     {GT_FORMAT_TABLE, GT_FORMAT_JSON, GT_FORMAT_YAML, GT_FORMAT_TABLE, GT_FORMAT_TABLE},
     true,
     gt_cli_explain},
    {"check",
     "what is wrong with templates: file:line:column: field: message",
     "gastown-inject check -t DIR [-o table|json|yaml]",
     {GT_FORMAT_TABLE, GT_FORMAT_JSON, GT_FORMAT_YAML, GT_FORMAT_TABLE, GT_FORMAT_TABLE},
     true,
     gt_cli_check},
    {"review",
     "AdmissionReviews on standard input, one a line, answered one a line",
     "gastown-inject review -t DIR < requests > answers",
     {GT_FORMAT_JSON, GT_FORMAT_TABLE, GT_FORMAT_TABLE, GT_FORMAT_TABLE, GT_FORMAT_TABLE},
     true,
     gt_cli_review},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

int gt_cli_complain(int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("gastown-inject: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

void gt_cli_print(gt_arena *arena, const gt_value *value, gt_format format)
{
    gt_buf out;
    gt_buf_init(&out, arena, 4096);
    if (format == GT_FORMAT_YAML)
        gt_yaml_print(&out, value, 0);
    else
        gt_value_pretty(&out, value, 0);
    if (out.len > 0 && out.at[out.len - 1] != '\n')
        gt_buf_byte(&out, '\n');
    fwrite(out.at, 1, out.len, stdout);
}

static void print_help(void)
{
    puts("gastown-inject: what gastown-webhook does to an agent's pod, without a cluster\n\nCommands:");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-8s  %s\n            %s\n", commands[i].name, commands[i].summary, commands[i].usage);
    puts("\nFlags:");
    gt_settings_help(stdout, flags, FLAGS);
    puts("\nExit status: 0 fine; 1 a finding (a pod denied, a template with an error); 2 wrong usage; 3 a file or "
         "folder can't be read.");
}

static const gt_command *find_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static const char *nearest_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (gt_str_distance(gt_str_of(name), gt_str_of(commands[i].name), 2) <= 2)
            return commands[i].name;
    return NULL;
}

static bool was_given(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "-o", 2) == 0 || strncmp(argv[i], "--output", 8) == 0)
            return true;
    return false;
}

static bool fits(const gt_command *command, int64_t format)
{
    for (int i = 0; i < 5; i++)
        if (command->formats[i] == (gt_format)format && (i == 0 || format != GT_FORMAT_TABLE))
            return true;
    return false;
}

static int run(gt_arena *arena, int argc, char **argv)
{
    gt_cli cli;
    gt_setting_list words;
    gt_err err;
    if (!gt_settings_parse(arena, flags, FLAGS, argc, argv, &cli, &words, &err))
        return gt_cli_complain(GT_EXIT_USAGE, "%s (gastown-inject --help lists the flags)", err.text);
    if (cli.version) {
        puts("gastown-inject " GT_VERSION);
        return GT_EXIT_OK;
    }
    if (cli.help) {
        print_help();
        return GT_EXIT_OK;
    }
    if (words.count != 1)
        return gt_cli_complain(GT_EXIT_USAGE, "say what to do: one of render, explain, check, review (or --help)");
    const gt_command *command = find_command(words.at[0]);
    if (command == NULL) {
        const char *nearest = nearest_command(words.at[0]);
        return gt_cli_complain(GT_EXIT_USAGE, "unknown command %s%s%s%s", words.at[0], nearest ? ", did you mean " : "",
                               nearest ? nearest : "", nearest ? "?" : " (--help lists them)");
    }
    if (!was_given(argc, argv))
        cli.format = command->formats[0];
    if (!fits(command, cli.format))
        return gt_cli_complain(GT_EXIT_USAGE, "%s has no such output format; %s", command->name, command->usage);
    if (command->needs_templates && cli.templates == NULL)
        return gt_cli_complain(GT_EXIT_USAGE, "--templates DIR is missing; %s", command->usage);
    return command->run(arena, &cli);
}

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
