#include "watcher/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/json/view.h"
#include "lib/kube/file.h"

enum { HEX = 16, MOST_BYTES = 4096, MEMORY = 1024 * 1024 };

uint64_t gt_line_hash(gt_str line)
{
    char hex[HEX + 1];
    gt_sha256_hex(line, hex, HEX);
    uint64_t hash = strtoull(hex, NULL, 16);
    return hash == 0 ? 1 : hash;
}

/* As text: an inode may have 64 bits, and a JSON number of most readers has 53. */
static bool number_at(gt_view object, const char *key, uint64_t *number)
{
    gt_str text = gt_view_str(gt_view_get(object, key));
    if (text.len == 0 || strspn(text.at, "0123456789") != text.len)
        return false;
    errno = 0;
    *number = strtoull(text.at, NULL, 10);
    return errno == 0;
}

static bool read_cursor(gt_view object, gt_cursor *cursor)
{
    int64_t version;
    gt_view lines = gt_view_get(object, "lines");
    if (!gt_view_int(gt_view_get(object, "version"), &version) || version != 1 ||
        !number_at(object, "device", &cursor->device) || !number_at(object, "inode", &cursor->inode) ||
        !number_at(object, "offset", &cursor->offset) || gt_view_type_of(lines) != GT_VIEW_ARRAY ||
        gt_view_count(lines) > GT_CURSOR_LINES)
        return false;
    GT_VIEW_EACH (line, lines) {
        gt_str hex = gt_view_str(line);
        if (hex.len != HEX || strspn(hex.at, "0123456789abcdef") != HEX)
            return false;
        cursor->lines[cursor->count++] = strtoull(hex.at, NULL, 16);
    }
    return true;
}

bool gt_cursor_load(const char *path, gt_cursor *cursor, bool *found, gt_err *err)
{
    char text[MOST_BYTES];
    size_t len;
    gt_view object;
    gt_err broken;
    *cursor = (gt_cursor){0};
    *found = false;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    if (!gt_kube_read_into(path, text, sizeof text, &len, err))
        return gt_wrap(err, "state file");
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(MEMORY);
    if (arena == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    *found = gt_view_parse(arena, (gt_str){text, len}, 0, &object, &broken) && read_cursor(object, cursor);
    return *found ||
           gt_fail(err, GT_ERR_INPUT, "%s isn't a state file of ours; remove it to start from the beginning", path);
}

static size_t print_cursor(const gt_cursor *cursor, char *text, size_t size)
{
    int n = snprintf(text, size,
                     "{\"version\":1,\"device\":\"%" PRIu64 "\",\"inode\":\"%" PRIu64 "\",\"offset\":\"%" PRIu64
                     "\",\"lines\":[",
                     cursor->device, cursor->inode, cursor->offset);
    for (size_t i = 0; i < cursor->count; i++)
        n += snprintf(text + n, size - (size_t)n, "%s\"%016" PRIx64 "\"", i == 0 ? "" : ",", cursor->lines[i]);
    n += snprintf(text + n, size - (size_t)n, "]}\n");
    return (size_t)n;
}

static bool write_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, text, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        text += done;
        n -= (size_t)done;
    }
    return true;
}

bool gt_cursor_save(const char *path, const gt_cursor *cursor, gt_err *err)
{
    char text[MOST_BYTES], fresh[4096];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return gt_fail(err, GT_ERR_LIMIT, "state file %s: the path is too long", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return gt_fail(err, GT_ERR_ENV, "state file %s: %s", fresh, strerror(errno));
    bool ok = write_all(fd, text, print_cursor(cursor, text, sizeof text)) && fsync(fd) == 0;
    int why = errno;
    close(fd);
    if (!ok)
        return gt_fail(err, GT_ERR_ENV, "state file %s: %s", fresh, strerror(why));
    if (rename(fresh, path) != 0)
        return gt_fail(err, GT_ERR_ENV, "state file %s: %s", path, strerror(errno));
    return true;
}
