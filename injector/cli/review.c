#include "injector/review.h"

#include <stdio.h>
#include <stdlib.h>

#include "injector/cli/cli.h"

/* One line without its newline; what goes beyond the limit is skipped but counts, so that the engine can say 413. false at the end. */
static bool read_line(FILE *in, char **bytes, size_t *room, size_t *len)
{
    int c = getc_unlocked(in);
    if (c == EOF)
        return false;
    for (*len = 0; c != EOF && c != '\n'; c = getc_unlocked(in)) {
        if (*len > GT_REVIEW_MAX_BYTES)
            continue;
        if (*len == *room) {
            size_t more = *room == 0 ? 64 * 1024 : *room * 2;
            char *bigger = realloc(*bytes, more);
            if (bigger == NULL)
                return false;
            *bytes = bigger;
            *room = more;
        }
        (*bytes)[(*len)++] = (char)c;
    }
    return true;
}

int gt_cli_review(gt_arena *unused, const gt_cli *cli)
{
    (void)unused;
    gt_snapshot *snapshot = gt_cli_templates(cli);
    if (snapshot == NULL)
        return GT_EXIT_ENVIRONMENT;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    char *bytes = NULL;
    size_t room = 0, len = 0;
    int status = arena == NULL ? GT_EXIT_ENVIRONMENT : GT_EXIT_OK;
    while (status == GT_EXIT_OK && read_line(stdin, &bytes, &room, &len)) {
        gt_reply reply;
        gt_review(arena, snapshot, (gt_str){bytes, len}, &reply);
        fwrite(reply.body.at, 1, reply.body.len, stdout);
        putchar('\n');
        if (fflush(stdout) != 0)
            status = gt_cli_complain(GT_EXIT_ENVIRONMENT, "can't write an answer");
        gt_arena_reset(arena);
    }
    if (ferror(stdin))
        status = gt_cli_complain(GT_EXIT_ENVIRONMENT, "can't read standard input");
    free(bytes);
    gt_snapshot_free(snapshot);
    return status;
}
