#include "lib/kube/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes read, at most size; size itself may mean that there are more. -1: errno. */
static ssize_t slurp(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t sum = 0;
    ssize_t n = 1;
    while (n > 0 && sum < size) {
        n = read(fd, buffer + sum, size - sum);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            sum += (size_t)n;
    }
    int why = errno;
    close(fd);
    errno = why;
    return n < 0 ? -1 : (ssize_t)sum;
}

bool gt_kube_read_into(const char *path, char *buffer, size_t size, size_t *len, gt_err *err)
{
    ssize_t n = slurp(path, buffer, size);
    if (n < 0)
        return gt_fail(err, GT_ERR_ENV, "can't read %s: %s", path, strerror(errno));
    if ((size_t)n == size)
        return gt_fail(err, GT_ERR_LIMIT, "%s has more than %zu bytes", path, size - 1);
    buffer[n] = '\0';
    *len = (size_t)n;
    return true;
}

bool gt_kube_read_file(gt_arena *arena, const char *path, size_t most, gt_str *text, gt_err *err)
{
    struct stat info;
    size_t size = 64 * 1024; /* a pipe or a file of /proc tells no size, and a pipe can be read only once */
    if (stat(path, &info) == 0 && info.st_size > 0 && (size_t)info.st_size >= size)
        size = (size_t)info.st_size + 1;
    if (size > most + 1)
        size = most + 1;
    char *buffer = gt_arena_alloc(arena, size);
    size_t len;
    if (!gt_kube_read_into(path, buffer, size, &len, err))
        return false;
    *text = (gt_str){buffer, len};
    return true;
}
