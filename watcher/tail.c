/* What was read is remembered as one hash and one offset a line, for the file that is open now: that's what a line of the next file
 * is compared with, and where the cursor's place comes from. A file's lines are always read from the first one on, also after a
 * restart, when the lines before the cursor are dropped: so that memory is as good as if there had been no restart. */
#include "watcher/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watcher/cursor.h"
#include "watcher/lines.h"

enum { MOST_RECORDS = 256 * 1024, CHECKED_LINE = 64 * 1024 };

typedef struct record {
    uint64_t hash; /* 0: of a line that was too long */
    uint64_t end;  /* offset behind its newline */
} record;

struct gt_tail {
    char *path, *folder, *state;
    int inotify, fd;
    struct stat info; /* of fd, when it was opened */
    uint64_t read_to; /* bytes taken from fd */
    gt_lines *lines;
    record *records; /* the last lines of this file */
    size_t count, room;
    uint64_t first;    /* number of this file's first line */
    uint64_t next;     /* number of the line to come */
    uint64_t known_to; /* what is before this offset was settled by another run */
    uint64_t *old;     /* hashes of the file before, sorted */
    size_t old_count;
    gt_cursor saved; /* what the state file says */
    bool resume;     /* saved is of another run, and no file was opened yet */
    gt_tail_counts counts;
};

/* ---- life ---- */

static bool no_memory(gt_err *err)
{
    return gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

bool gt_tail_new(const char *path, const char *state, gt_tail **made, gt_err *err)
{
    gt_tail *tail = *made = calloc(1, sizeof *tail);
    if (tail == NULL)
        return no_memory(err);
    tail->fd = -1;
    tail->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    tail->path = strdup(path);
    tail->folder = folder_of(path);
    tail->state = state == NULL ? NULL : strdup(state);
    tail->lines = gt_lines_new();
    bool ok =
        tail->path != NULL && tail->folder != NULL && tail->lines != NULL && (state == NULL || tail->state != NULL);
    if (!ok)
        no_memory(err);
    else if (state != NULL) /* saved at once, to learn at start whether it can be */
        ok = gt_cursor_load(state, &tail->saved, &tail->resume, err) && gt_cursor_save(state, &tail->saved, err);
    if (!ok)
        gt_tail_cleanup(made);
    return ok;
}

void gt_tail_free(gt_tail *tail)
{
    if (tail == NULL)
        return;
    if (tail->inotify >= 0)
        close(tail->inotify);
    if (tail->fd >= 0)
        close(tail->fd);
    gt_lines_free(tail->lines);
    free(tail->path);
    free(tail->folder);
    free(tail->state);
    free(tail->records);
    free(tail->old);
    free(tail);
}

void gt_tail_cleanup(gt_tail **tail)
{
    gt_tail_free(*tail);
    *tail = NULL;
}

int gt_tail_fd(const gt_tail *tail)
{
    return tail->inotify;
}

uint64_t gt_tail_next(const gt_tail *tail)
{
    return tail->next;
}

gt_tail_counts gt_tail_count(const gt_tail *tail)
{
    return tail->counts;
}

/* ---- memory of lines ---- */

static bool remember(gt_tail *tail, uint64_t hash, uint64_t end)
{
    if (tail->count == MOST_RECORDS) {
        tail->count /= 2;
        memmove(tail->records, tail->records + MOST_RECORDS - tail->count, tail->count * sizeof *tail->records);
    }
    if (tail->count == tail->room) {
        size_t room = tail->room == 0 ? 1024 : tail->room * 2;
        record *records = reallocarray(tail->records, room, sizeof *records);
        if (records == NULL)
            return false;
        tail->records = records;
        tail->room = room;
    }
    tail->records[tail->count++] = (record){hash, end};
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_old(const gt_tail *tail, uint64_t hash)
{
    return hash != 0 && tail->old_count > 0 &&
           bsearch(&hash, tail->old, tail->old_count, sizeof hash, by_value) != NULL;
}

/* What was read of the file before becomes what is dropped from the one to come. An empty file takes nothing away. */
static bool start_over(gt_tail *tail, gt_err *err)
{
    if (tail->count > 0) {
        uint64_t *old = reallocarray(tail->old, tail->count, sizeof *old);
        if (old == NULL)
            return no_memory(err);
        for (size_t i = 0; i < tail->count; i++)
            old[i] = tail->records[i].hash;
        qsort(old, tail->count, sizeof *old, by_value);
        tail->old = old;
        tail->old_count = tail->count;
    }
    tail->count = 0;
    tail->first = tail->next;
    tail->read_to = tail->known_to = 0;
    tail->counts.starts++;
    gt_lines_start(tail->lines, 0);
    return true;
}

/* ---- reading ---- */

/* Takes up to `limit` - *at bytes more; false: error in errno. *more: something came. */
static bool fill(gt_tail *tail, uint64_t *at, uint64_t limit, bool *more)
{
    size_t room;
    char *to = gt_lines_room(tail->lines, &room);
    *more = false;
    if (*at >= limit)
        return true;
    if (room > limit - *at)
        room = (size_t)(limit - *at);
    ssize_t n = pread(tail->fd, to, room, (off_t)*at);
    if (n < 0)
        return errno == EINTR;
    gt_lines_add(tail->lines, (size_t)n);
    *at += (uint64_t)n;
    *more = n > 0;
    return true;
}

static bool cant_read(const gt_tail *tail, gt_err *err)
{
    return gt_fail(err, GT_ERR_ENV, "can't read %s: %s", tail->path, strerror(errno));
}

static uint64_t hash_of(gt_lines_kind kind, gt_str line)
{
    return kind == GT_LINES_TOO_LONG ? 0 : gt_line_hash(line);
}

/* How far another run had settled this file: to its cursor, if this is the same file; else to the last line it knew. */
static bool find_place(gt_tail *tail, uint64_t size, gt_err *err)
{
    const gt_cursor *c = &tail->saved;
    bool same = c->device == tail->info.st_dev && c->inode == tail->info.st_ino, more = true;
    uint64_t at = 0;
    gt_lines_start(tail->lines, 0);
    while (more) {
        gt_str line;
        gt_lines_kind kind;
        if (!fill(tail, &at, size, &more))
            return cant_read(tail, err);
        while ((kind = gt_lines_next(tail->lines, &line)) != GT_LINES_MORE) {
            uint64_t end = gt_lines_offset(tail->lines), hash = hash_of(kind, line);
            bool is_cursor = same && c->count > 0 && end == c->offset && hash == c->lines[0];
            for (size_t i = 0; hash != 0 && i < c->count && tail->known_to < end; i++)
                if (hash == c->lines[i])
                    tail->known_to = end;
            if (is_cursor) {
                tail->known_to = end;
                more = false;
                break;
            }
        }
    }
    gt_lines_start(tail->lines, 0);
    return true;
}

static bool open_file(gt_tail *tail, gt_err *err)
{
    struct stat info;
    int fd = open(tail->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || cant_read(tail, err);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return gt_fail(err, GT_ERR_ENV, "can't follow %s: it isn't a file", tail->path);
    }
    if (tail->fd >= 0) {
        close(tail->fd);
        tail->fd = -1;
    }
    tail->fd = fd;
    tail->info = info;
    if (tail->resume && !find_place(tail, (uint64_t)info.st_size, err)) {
        close(fd);
        tail->fd = -1;
        return false;
    }
    tail->resume = false;
    return true;
}

static bool give_out(gt_tail *tail, gt_tail_each each, void *context, gt_err *err)
{
    gt_str line;
    gt_lines_kind kind;
    while ((kind = gt_lines_next(tail->lines, &line)) != GT_LINES_MORE) {
        uint64_t end = gt_lines_offset(tail->lines), hash = hash_of(kind, line);
        bool known = end <= tail->known_to || is_old(tail, hash);
        if (!remember(tail, hash, end))
            return no_memory(err);
        uint64_t number = tail->next++;
        *(known ? &tail->counts.dropped : &tail->counts.lines) += 1;
        if (!known)
            each(context, line, number);
    }
    return true;
}

/* To the end of the open file as it is now; whoever writes faster than we read waits for the next time. */
static bool read_file(gt_tail *tail, gt_tail_each each, void *context, gt_err *err)
{
    struct stat now;
    bool more = true;
    if (fstat(tail->fd, &now) != 0)
        return cant_read(tail, err);
    while (more) {
        if (!fill(tail, &tail->read_to, (uint64_t)now.st_size, &more))
            return cant_read(tail, err);
        if (!give_out(tail, each, context, err))
            return false;
    }
    return true;
}

/* ---- changes ---- */

/* The last line read stands where it stood: nobody wrote the file anew in place. */
static bool is_untouched(const gt_tail *tail)
{
    struct stat now;
    char bytes[CHECKED_LINE];
    if (fstat(tail->fd, &now) != 0 || (uint64_t)now.st_size < tail->read_to)
        return false;
    size_t n = tail->count;
    bool is_first = n == 1 && tail->next == tail->first + 1;
    if (n == 0 || tail->records[n - 1].hash == 0 || (n == 1 && !is_first))
        return true;
    uint64_t start = is_first ? 0 : tail->records[n - 2].end, len = tail->records[n - 1].end - start;
    if (len > sizeof bytes)
        return true;
    if (pread(tail->fd, bytes, len, (off_t)start) != (ssize_t)len || bytes[len - 1] != '\n')
        return false;
    gt_str line = {bytes, len - 1};
    if (start == 0 && gt_str_starts(line, "\xef\xbb\xbf"))
        line = (gt_str){line.at + 3, line.len - 3};
    return gt_line_hash(line) == tail->records[n - 1].hash;
}

static void listen_again(gt_tail *tail)
{
    char events[4096];
    if (tail->inotify < 0)
        return;
    while (read(tail->inotify, events, sizeof events) > 0)
        ; /* what happened doesn't matter: whoever is woken looks */
    /* the folder may have come just now, or be another one; adding a watch that is there changes nothing */
    inotify_add_watch(tail->inotify, tail->folder,
                      IN_ONLYDIR | IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                          IN_ATTRIB);
}

bool gt_tail_read(gt_tail *tail, gt_tail_each each, void *context, gt_err *err)
{
    struct stat at_path;
    listen_again(tail);
    if (tail->fd < 0 && !open_file(tail, err))
        return false;
    if (tail->fd < 0)
        return true;
    if (!is_untouched(tail) && !start_over(tail, err))
        return false;
    if (!read_file(tail, each, context, err))
        return false;
    if (stat(tail->path, &at_path) != 0 || (at_path.st_ino == tail->info.st_ino && at_path.st_dev == tail->info.st_dev))
        return true;
    int before = tail->fd; /* another file: this one was read to its end a moment ago, and once more now */
    if (!read_file(tail, each, context, err) || !open_file(tail, err))
        return false;
    return tail->fd == before || (start_over(tail, err) && read_file(tail, each, context, err));
}

/* ---- the cursor ---- */

bool gt_tail_settle(gt_tail *tail, uint64_t number, gt_err *err)
{
    if (tail->state == NULL || tail->fd < 0)
        return true;
    gt_cursor c = {.device = tail->info.st_dev, .inode = tail->info.st_ino};
    if (number > tail->first) {
        uint64_t oldest = tail->next - tail->count;
        if (number <= oldest)
            return true; /* so far back that its place is forgotten: the state file stays as it is, which is further back */
        size_t n = (size_t)(number - oldest);
        c.offset = tail->records[n - 1].end;
        while (c.count < GT_CURSOR_LINES && c.count < n) {
            c.lines[c.count] = tail->records[n - 1 - c.count].hash;
            c.count++;
        }
    }
    if (memcmp(&c, &tail->saved, sizeof c) == 0)
        return true;
    if (!gt_cursor_save(tail->state, &c, err))
        return false;
    tail->saved = c;
    return true;
}
