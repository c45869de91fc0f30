#include "injector/validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "injector/cli/cli.h"

/* Standard input, line by line. read() and not stdio: it returns what a pipe has, so that a request is answered before the next one comes. */
typedef struct lines {
    char *bytes;
    size_t start, searched, end, room; /* the current line begins at start; no newline before searched */
    bool ended;
    const char *trouble;
} lines;

/* Reads on. A line beyond the limit keeps as much as makes it too long, so that the engine can say 413. */
static void fill(lines *in)
{
    enum { CHUNK = 256 * 1024 };
    if (in->start > 0) {
        memmove(in->bytes, in->bytes + in->start, in->end - in->start);
        in->searched -= in->start;
        in->end -= in->start;
        in->start = 0;
    }
    if (in->end > GT_REVIEW_MAX_BYTES)
        in->end = in->searched = GT_REVIEW_MAX_BYTES + 1;
    if (in->room - in->end < CHUNK) {
        size_t room = in->room == 0 ? (size_t)2 * CHUNK : in->room * 2;
        char *more = realloc(in->bytes, room);
        if (more == NULL) {
            in->trouble = "out of memory";
            return;
        }
        in->bytes = more;
        in->room = room;
    }
    ssize_t n;
    do
        n = read(STDIN_FILENO, in->bytes + in->end, in->room - in->end);
    while (n < 0 && errno == EINTR);
    in->ended = n == 0;
    in->trouble = n < 0 ? "can't read standard input" : NULL;
    in->end += n > 0 ? (size_t)n : 0;
}

/* The next line without its newline, valid until the next call. false at the end, and in trouble. */
static bool next_line(lines *in, gt_str *line)
{
    while (in->trouble == NULL) {
        char *newline = in->searched == in->end ? NULL : memchr(in->bytes + in->searched, '\n', in->end - in->searched);
        size_t end = newline == NULL ? in->end : (size_t)(newline - in->bytes);
        if (newline != NULL || (in->ended && in->end > in->start)) {
            *line = (gt_str){in->bytes + in->start, end - in->start};
            in->start = in->searched = newline == NULL ? end : end + 1;
            return true;
        }
        in->searched = in->end;
        if (in->ended)
            return false;
        fill(in);
    }
    return false;
}

/* The first line of JSON that was printed for people is no JSON by itself. */
static void hint(const gt_reply *reply, gt_str line)
{
    static const char open[] = "{[, \t\r";
    size_t n = line.len;
    while (n > 0 && strchr(open, line.at[n - 1]) != NULL && line.at[n - 1] != '\0')
        n--;
    if (reply->status == 400 && n == 0 && line.len > 0)
        gt_cli_complain(0, "one review a line: `jq -c .` makes lines of JSON that is printed over several");
}

int gt_cli_review(gt_arena *all, const gt_cli *cli)
{
    gt_snapshot *snapshot = gt_cli_templates(all, cli, cli->templates, NULL);
    if (snapshot == NULL)
        return GT_EXIT_ENVIRONMENT;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    lines in = {.bytes = NULL};
    gt_str line;
    int status = arena == NULL ? GT_EXIT_ENVIRONMENT : GT_EXIT_OK;
    bool first = true;
    while (status == GT_EXIT_OK && next_line(&in, &line)) {
        gt_reply reply;
        gt_review_any(arena, snapshot, line, &reply);
        if (first)
            hint(&reply, line);
        first = false;
        fwrite(reply.body.at, 1, reply.body.len, stdout);
        putchar('\n');
        if (fflush(stdout) != 0)
            status = gt_cli_complain(GT_EXIT_ENVIRONMENT, "can't write an answer");
        gt_arena_reset(arena);
    }
    if (in.trouble != NULL)
        status = gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", in.trouble);
    free(in.bytes);
    gt_snapshot_free(snapshot);
    return status;
}
