#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "certs/cli/cli.h"
#include "lib/base/log.h"

int gt_certs_complain(int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("gastown-certs: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

static const struct {
    const char *name;
    int (*run)(gt_arena *arena, const gt_certs_options *options);
} verbs[] = {
    {"init", gt_certs_init}, {"renew", gt_certs_renew}, {"publish", gt_certs_publish}, {"show", gt_certs_show}};

int main(int argc, char **argv)
{
    gt_err err = {0};
    gt_certs_options options;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return GT_EXIT_ENVIRONMENT;
    if (!gt_certs_options_parse(arena, argc, argv, &options, &err)) {
        gt_certs_complain(GT_EXIT_USAGE, "%s", err.text);
        fputs("gastown-certs --help says what there is\n", stderr);
        return GT_EXIT_USAGE;
    }
    if (options.help)
        gt_certs_options_help(stdout);
    else if (options.version)
        puts("gastown-certs " GT_VERSION);
    signal(SIGPIPE, SIG_IGN);
    gt_log_setup(GT_LOG_ERROR, GT_LOG_TEXT); /* what is done is told to people, not logged */
    for (size_t i = 0; options.verb != NULL && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, options.verb) == 0)
            return verbs[i].run(arena, &options);
    return GT_EXIT_OK;
}
