#include "watcher/map.h"

#include <errno.h>
#include <unistd.h>

#include "lib/json/value.h"
#include "watcher/event.h"
#include "watcher/lines.h"

/* A line of 1 MiB costs 60 MB as a tree at the worst that we could think of (tests/unit/test_watcher_map.c). */
enum { LINE_MEMORY = 128 * 1024 * 1024 };

typedef struct counts {
    uint64_t lines, mapped, broken;
} counts;

static void add_member(gt_buf *buf, const char *key, gt_str value)
{
    gt_buf_text(buf, buf->len == 0 ? "{" : ",");
    gt_json_string(buf, gt_str_of(key));
    gt_buf_byte(buf, ':');
    gt_json_string(buf, value);
}

static bool print_event(gt_arena *arena, const gt_event *event, FILE *out, gt_err *err)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 256);
    add_member(&buf, "lifecycle", gt_str_of(gt_lifecycle_name(event->lifecycle)));
    add_member(&buf, "rig", event->agent.rig);
    add_member(&buf, "role", event->agent.role);
    add_member(&buf, "agent", event->agent.name);
    add_member(&buf, "bead", event->bead);
    add_member(&buf, "type", event->type);
    gt_buf_text(&buf, "}\n");
    if (fwrite(buf.at, 1, buf.len, out) != buf.len)
        return gt_fail(err, GT_ERR_ENV, "can't write: %s", strerror(errno));
    return true;
}

typedef struct line_job {
    gt_arena *arena;
    gt_str line;
    FILE *out;
    gt_line_kind kind;
    bool unwritten;
} line_job;

static bool do_line(void *context, gt_err *err)
{
    line_job *job = context;
    gt_event event;
    job->kind = gt_event_read(job->arena, job->line, &event, err);
    if (job->kind == GT_LINE_MAPPED && !print_event(job->arena, &event, job->out, err)) {
        job->unwritten = true;
        return false;
    }
    return true;
}

static bool map_line(gt_arena *arena, gt_str line, FILE *out, counts *n, gt_err *err)
{
    line_job job = {.arena = arena, .line = line, .out = out};
    if (!gt_arena_try(arena, do_line, &job, err)) {
        if (job.unwritten)
            return false;
        job.kind = GT_LINE_BROKEN; /* no memory to print it: it counts as one that couldn't be read */
    }
    n->mapped += job.kind == GT_LINE_MAPPED;
    n->broken += job.kind == GT_LINE_BROKEN;
    gt_arena_reset(arena);
    return true;
}

static bool map_lines(gt_arena *arena, gt_lines *lines, bool ended, FILE *out, counts *n, gt_err *err)
{
    gt_str line;
    gt_lines_kind kind;
    while ((kind = gt_lines_next(lines, &line)) != GT_LINES_MORE ||
           (ended && (kind = gt_lines_last(lines, &line)) != GT_LINES_MORE)) {
        n->lines++;
        n->broken += kind == GT_LINES_TOO_LONG;
        if (kind == GT_LINES_LINE && !map_line(arena, line, out, n, err))
            return false;
    }
    return true;
}

static bool map_stream(gt_arena *arena, gt_lines *lines, int in, FILE *out, counts *n, gt_err *err)
{
    for (bool ended = false; !ended;) {
        size_t room;
        char *at = gt_lines_room(lines, &room);
        ssize_t got = read(in, at, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gt_fail(err, GT_ERR_ENV, "can't read: %s", strerror(errno));
        gt_lines_add(lines, (size_t)got);
        ended = got == 0;
        if (!map_lines(arena, lines, ended, out, n, err))
            return false;
        if (fflush(out) != 0)
            return gt_fail(err, GT_ERR_ENV, "can't write: %s", strerror(errno));
    }
    return true;
}

bool gt_map_feed(int in, FILE *out, FILE *notes, gt_err *err)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(LINE_MEMORY);
    gt_scoped(gt_lines_cleanup) gt_lines *lines = gt_lines_new();
    if (arena == NULL || lines == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    counts n = {0};
    if (!map_stream(arena, lines, in, out, &n, err))
        return false;
    if (n.broken > 0)
        fprintf(notes, "%llu lines, %llu mapped, %llu broken\n", (unsigned long long)n.lines,
                (unsigned long long)n.mapped, (unsigned long long)n.broken);
    return true;
}
