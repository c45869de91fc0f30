#include "catalogue/files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/hash.h"

static const char *const endings[] = {".yaml", ".yml", ".json"};

static bool has_ending(const char *name, int (*compare)(const char *, const char *))
{
    size_t len = strlen(name);
    for (size_t i = 0; name[0] != '.' && i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i]);
        if (len > n && compare(name + len - n, endings[i]) == 0)
            return true;
    }
    return false;
}

bool gt_files_is_template(const char *name)
{
    return has_ending(name, strcmp);
}

bool gt_files_is_misnamed(const char *name)
{
    return !has_ending(name, strcmp) && has_ending(name, strcasecmp);
}

void gt_files_free(gt_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->at[i].name);
        free(files->at[i].text);
    }
    free(files->at);
    *files = (gt_files){0};
}

static void close_dir(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

static int by_name(const void *a, const void *b)
{
    const gt_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool no_memory(gt_err *err)
{
    return gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

static bool add_name(gt_files *files, const char *name, gt_err *err)
{
    if (files->count == GT_FILES_MAX)
        return gt_fail(err, GT_ERR_LIMIT, "more than %d template files", GT_FILES_MAX);
    if (files->at == NULL && (files->at = calloc(GT_FILES_MAX, sizeof *files->at)) == NULL)
        return no_memory(err);
    char *copy = strdup(name);
    if (copy == NULL)
        return no_memory(err);
    files->at[files->count++] = (gt_file){.name = copy, .misnamed = gt_files_is_misnamed(name)};
    return true;
}

/* What errno says about the directory. */
static bool no_directory(const char *directory, gt_err *err)
{
    return gt_fail(err, errno == ENOMEM ? GT_ERR_NOMEM : GT_ERR_ENV, "%s: %s", directory, strerror(errno));
}

/* Names only, sorted. *fd is the directory's, open as long as *dir is. */
static bool list(const char *directory, DIR **dir, gt_files *files, gt_err *err)
{
    *dir = opendir(directory);
    if (*dir == NULL)
        return no_directory(directory, err);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(*dir);
        if (entry == NULL)
            break;
        bool wanted = gt_files_is_template(entry->d_name) || gt_files_is_misnamed(entry->d_name);
        if (wanted && !add_name(files, entry->d_name, err))
            return gt_wrap(err, "%s", directory);
    }
    if (errno != 0)
        return no_directory(directory, err);
    if (files->count > 0)
        qsort(files->at, files->count, sizeof *files->at, by_name);
    return true;
}

/* Exactly size bytes, or fewer when the file has become shorter meanwhile. */
static bool read_all(int fd, gt_file *file, size_t size)
{
    while (file->len < size) {
        ssize_t n = read(fd, file->text + file->len, size - file->len);
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        file->len += (size_t)n;
    }
    return true;
}

static void give_up(gt_file *file, const char *problem)
{
    free(file->text);
    file->text = NULL;
    file->len = 0;
    file->problem = problem == NULL ? "can't be read" : problem;
}

static bool read_open(int fd, gt_file *file, bool *is_directory, gt_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        give_up(file, strerrordesc_np(errno));
        return true;
    }
    *is_directory = S_ISDIR(st.st_mode);
    if (file->misnamed || !S_ISREG(st.st_mode)) {
        give_up(file, file->misnamed ? "not read: only names that end in " GT_FILES_ENDINGS " are, in small letters"
                                     : "not a regular file");
        return true;
    }
    if (st.st_size > GT_FILES_MAX_EACH) {
        give_up(file, "larger than 1 MiB");
        return true;
    }
    file->text = malloc((size_t)st.st_size + 1);
    if (file->text == NULL)
        return no_memory(err);
    if (!read_all(fd, file, (size_t)st.st_size))
        give_up(file, strerrordesc_np(errno));
    else
        file->text[file->len] = '\0';
    return true;
}

static bool read_file(int dir_fd, gt_file *file, bool *is_directory, gt_err *err)
{
    *is_directory = false;
    int fd = openat(dir_fd, file->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        give_up(file, strerrordesc_np(errno));
        return true;
    }
    bool ok = read_open(fd, file, is_directory, err);
    close(fd);
    return ok;
}

static bool read_listed(int dir_fd, gt_files *files, gt_err *err)
{
    size_t kept = 0, total = 0;
    for (size_t i = 0; i < files->count; i++) {
        bool is_directory;
        if (!read_file(dir_fd, &files->at[i], &is_directory, err))
            return false;
        total += files->at[i].len;
        if (total > GT_FILES_MAX_TOTAL)
            return gt_fail(err, GT_ERR_LIMIT, "template files of more than 16 MiB in all");
        gt_file file = files->at[i];
        files->at[i] = (gt_file){0}; /* so that a name is freed once, whatever fails later */
        if (is_directory)
            free(file.name);
        else
            files->at[kept++] = file;
    }
    files->count = kept;
    return true;
}

bool gt_files_read(const char *directory, gt_files *files, gt_err *err)
{
    *files = (gt_files){0};
    gt_scoped(close_dir) DIR *dir = NULL;
    bool ok = list(directory, &dir, files, err);
    if (ok && !read_listed(dirfd(dir), files, err))
        ok = gt_wrap(err, "%s", directory);
    if (!ok)
        gt_files_free(files);
    return ok;
}

/* ---- signatures ---- */

typedef struct digest_job {
    gt_arena *arena;
    const gt_files *files;
    int dir_fd;
    char *signature;
} digest_job;

static void digest(gt_buf *buf, char *signature)
{
    gt_sha256_hex(gt_buf_slice(buf), signature, GT_FILES_SIGNATURE);
}

static bool digest_stats(void *context, gt_err *err)
{
    (void)err;
    digest_job *job = context;
    gt_buf buf;
    gt_buf_init(&buf, job->arena, 4096);
    for (size_t i = 0; i < job->files->count; i++) {
        const char *name = job->files->at[i].name;
        struct stat st;
        if (fstatat(job->dir_fd, name, &st, 0) != 0)
            gt_buf_printf(&buf, "%s/%d\n", name, errno);
        else
            gt_buf_printf(&buf, "%s/%ju %ju %o %jd %jd.%09ld %jd.%09ld\n", name, (uintmax_t)st.st_dev,
                          (uintmax_t)st.st_ino, (unsigned)st.st_mode, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
                          st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    }
    digest(&buf, job->signature);
    return true;
}

bool gt_files_stat_signature(const char *directory, char signature[GT_FILES_SIGNATURE + 1], gt_err *err)
{
    gt_files files = {0};
    gt_scoped(close_dir) DIR *dir = NULL;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return no_memory(err);
    bool ok = list(directory, &dir, &files, err);
    if (ok) {
        digest_job job = {arena, &files, dirfd(dir), signature};
        ok = gt_arena_try(arena, digest_stats, &job, err);
    }
    gt_files_free(&files);
    return ok;
}

static bool digest_contents(void *context, gt_err *err)
{
    (void)err;
    digest_job *job = context;
    gt_buf buf;
    gt_buf_init(&buf, job->arena, 4096);
    for (size_t i = 0; i < job->files->count; i++) {
        const gt_file *file = &job->files->at[i];
        char hex[65];
        gt_sha256_hex((gt_str){file->text, file->len}, hex, 64);
        gt_buf_printf(&buf, "%s/%s %s\n", file->name, hex, file->problem == NULL ? "" : file->problem);
    }
    digest(&buf, job->signature);
    return true;
}

bool gt_files_signature(const gt_files *files, char signature[GT_FILES_SIGNATURE + 1], gt_err *err)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return no_memory(err);
    digest_job job = {arena, files, -1, signature};
    return gt_arena_try(arena, digest_contents, &job, err);
}
