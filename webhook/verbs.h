/* gastown-webhook's other verbs, behind which nothing is served: what to register (registration), and whether a cluster has it so (check).
 * Both take the settings that say what the registration is; rows of one table. */
#ifndef GT_WEBHOOK_VERBS_H
#define GT_WEBHOOK_VERBS_H

#include <stdio.h>

#include "lib/base/settings.h"
#include "webhook/registration.h"

enum { GT_EXIT_OK = 0, GT_EXIT_FINDING = 1, GT_EXIT_USAGE = 2, GT_EXIT_ENVIRONMENT = 3 };

typedef struct gt_verb_options gt_verb_options;
struct gt_verb_options {
    gt_registration registration;
    const char *namespaces_text, *ca_file;
    const char *kubeconfig, *context, *secret;
    const char *output;
    bool help;
};

typedef struct gt_verb {
    const char *name, *summary, *usage, *example, *more;
    const char *formats; /* for --output, the first is the default */
    int (*run)(gt_arena *arena, const gt_verb_options *options);
} gt_verb;

/* The verb called so; NULL: none. */
const gt_verb *gt_verb_find(const char *name);

/* Fills the options from argv (argv[0] is the verb) and environment. GT_ERR_INPUT with a sentence; GT_ERR_ENV: --ca-bundle can't be read. With
 * --help nothing is checked. Strings point into argv and the environment. */
bool gt_verb_parse(gt_arena *arena, const gt_verb *verb, int argc, char **argv, gt_verb_options *options, gt_err *err);

/* All of it: parse, --help, run; the exit status. argv[0] is the verb. */
int gt_verb_main(const gt_verb *verb, int argc, char **argv);

/* What isn't a verb, with the nearest one; GT_EXIT_USAGE. */
int gt_verb_unknown(const char *name);

/* Their lines of gastown-webhook --help. */
void gt_verbs_help(FILE *to);

/* "gastown-webhook: ..." on stderr; returns status. */
int gt_verb_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
