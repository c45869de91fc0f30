/* The template files of a directory, as bytes.
 *
 * *.yaml, *.yml and *.json in the directory itself, in bytewise order of their names. Names that begin with a dot are left out:
 * editors' swap and lock files, and the `..data` links through which Kubernetes swaps a mounted volume (the files that it shows are
 * symbolic links into it and are followed). Backups (`town.yaml~`, `#town.yaml#`, `town.yaml.bak`) don't end like a template.
 * Sub-directories are left out. A file that only the case of its ending (`town.YAML`) keeps from being a template is listed as
 * misnamed, because its author believes that it is read.
 *
 * Memory is malloc's, not an arena's, because descriptors are open meanwhile. Not tied to a thread. */
#ifndef GT_CATALOGUE_FILES_H
#define GT_CATALOGUE_FILES_H

#include "lib/base/str.h"

enum {
    GT_FILES_MAX = 1024,                   /* files in a directory */
    GT_FILES_MAX_EACH = 1024 * 1024,       /* bytes of one; as lib/yaml */
    GT_FILES_MAX_TOTAL = 16 * 1024 * 1024, /* bytes of all */
    GT_FILES_SIGNATURE = 32,               /* hex digits */
};

typedef struct gt_file {
    char *name;
    char *text; /* NULL when the file couldn't be read; then problem says why */
    size_t len;
    const char *problem; /* "larger than 1 MiB", "Permission denied"; static or NULL */
    bool misnamed;       /* and so it wasn't read */
} gt_file;

typedef struct gt_files {
    gt_file *at;
    size_t count;
} gt_files;

#define GT_FILES_ENDINGS ".yaml, .yml or .json" /* as messages name them */

/* Is that a name of a template file? */
bool gt_files_is_template(const char *name);
/* ... and would it be one, were its ending in small letters? */
bool gt_files_is_misnamed(const char *name);

/* GT_ERR_ENV: the directory isn't there or can't be read; GT_ERR_LIMIT: too many files, or too much in them. A file that can't be
 * read isn't an error of the directory: see gt_file. On failure *files is empty. */
bool gt_files_read(const char *directory, gt_files *files, gt_err *err);
void gt_files_free(gt_files *files); /* leaves it empty */

/* A digest of what stat says about the directory's template files (name, device, inode, size, times): another value means that
 * something may have changed. Cheap: reads no file. GT_ERR_ENV as above. */
bool gt_files_stat_signature(const char *directory, char signature[GT_FILES_SIGNATURE + 1], gt_err *err);

/* A digest of names and contents. false: no memory. */
bool gt_files_signature(const gt_files *files, char signature[GT_FILES_SIGNATURE + 1], gt_err *err);

#endif
