/* A folder for one test: made in /tmp, filled, and removed with all that is in it. */
#ifndef GT_TESTS_UNIT_TEST_CATALOGUE_FOLDER_H
#define GT_TESTS_UNIT_TEST_CATALOGUE_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support.h"

typedef struct folder {
    char path[64];
} folder;

static inline folder folder_make(void)
{
    folder f = {"/tmp/gastown-unit-XXXXXX"};
    cr_assert_not_null(mkdtemp(f.path));
    return f;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void folder_remove(folder *f)
{
    nftw(f->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define SCOPED_FOLDER(name) gt_scoped(folder_remove) folder name = folder_make()

static inline const char *folder_path(const folder *f, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", f->path, name);
    return path;
}

static inline void folder_put_bytes(const folder *f, const char *name, const char *bytes, size_t n)
{
    char path[256];
    FILE *file = fopen(folder_path(f, name, path), "we");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, n, file), n);
    cr_assert_eq(fclose(file), 0);
}

static inline void folder_put(const folder *f, const char *name, const char *text)
{
    folder_put_bytes(f, name, text, strlen(text));
}

static inline void folder_drop(const folder *f, const char *name)
{
    char path[256];
    cr_assert_eq(unlink(folder_path(f, name, path)), 0, "%s", path);
}

static inline void folder_make_sub(const folder *f, const char *name)
{
    char path[256];
    cr_assert_eq(mkdir(folder_path(f, name, path), 0755), 0, "%s", path);
}

static inline void folder_link(const folder *f, const char *target, const char *name)
{
    char path[256], temporary[256];
    cr_assert_eq(symlink(target, folder_path(f, ".link", temporary)), 0);
    cr_assert_eq(rename(temporary, folder_path(f, name, path)), 0);
}

#endif
