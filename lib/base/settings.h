/* Settings: one table makes the struct's values, the parser, --help and the docs.
 *
 * Flags beat environment beats defaults. A value that doesn't parse is an error that names where it came from
 * ("--listen", "environment LOG_LEVEL"); never a silent default. Flags: --name VALUE, --name=VALUE, -x VALUE; a
 * boolean: --name, --name=false, --no-name. "--" ends flags, a bare "-" is a word. The last of several wins; of a
 * setting that may be repeated all that were given count, in place of environment and default, which hold one each. A
 * value in the environment counts even when it is empty.
 *
 *     typedef struct options { const char *listen; int64_t threads; bool dry_run; } options;
 *     static const gt_setting table[] = {
 *         {"listen", 0, "LISTEN", GT_SET_STRING, ":8443", "ADDR:PORT", "where to serve admission reviews",
 *          .offset = offsetof(options, listen)},
 *         {"threads", 't', NULL, GT_SET_INT, "2", "N", "serving threads, 1 to 64",
 *          .offset = offsetof(options, threads), .min = 1, .max = 64},
 *     }; */
#ifndef GT_LIB_BASE_SETTINGS_H
#define GT_LIB_BASE_SETTINGS_H

#include <stdint.h>
#include <stdio.h>

#include "lib/base/str.h"

typedef enum gt_setting_type {
    GT_SET_STRING,   /* const char * in the struct; NULL when there's no value and no default */
    GT_SET_INT,      /* int64_t, min to max (both 0: any) */
    GT_SET_BOOL,     /* bool; environment: true/false/1/0 */
    GT_SET_DURATION, /* int64_t milliseconds, written 500ms, 10s, 5m, 2h */
    GT_SET_CHOICE,   /* int64_t index into choices */
} gt_setting_type;

typedef struct gt_setting {
    const char *flag;
    char letter;     /* short flag, or 0 */
    const char *env; /* or NULL */
    gt_setting_type type;
    const char *fallback; /* default as text, or NULL */
    const char *arg;      /* what --help calls the value */
    const char *help;     /* one sentence, lower case, no full stop */
    size_t offset;
    int64_t min, max;
    const char *choices; /* "text json": words separated by one blank */
    bool repeat;         /* STRING only: may be given many times; the struct's member is gt_setting_list */
} gt_setting;

typedef struct gt_setting_list {
    const char **at;
    size_t count;
} gt_setting_list;

/* Fills *options (all members that the table names). argv[0] is skipped. Words that aren't flags come to rest (arena
 * memory, order kept). Strings point into argv, the environment or the table. GT_ERR_INPUT with a sentence for the
 * user; an unknown flag names its nearest neighbour ("did you mean --listen?"). */
bool gt_settings_parse(gt_arena *arena, const gt_setting *table, size_t n, int argc, char **argv, void *options,
                       gt_setting_list *rest, gt_err *err);

/* The table's part of --help: flags with argument, help, environment name and default, aligned, at most 100 columns. */
void gt_settings_help(FILE *to, const gt_setting *table, size_t n);

#endif
