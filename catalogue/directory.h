/* Templates from a directory of YAML, with a memory of what was good.
 *
 * Each load reads all files (see files.h), parses them, and builds a complete snapshot. What is wrong stays with the one who wrote
 * it: an object with an error in it is replaced by its own last good version, wherever that stood, and a file that is no YAML
 * or can't be read keeps the objects that it held, while all others move on. An object that never had a good version is
 * handed to the snapshot as it is, so that pods that need it fail instead of coming out without a layer. A file that is gone takes
 * its objects along. An object's identity is kind, namespace and name.
 *
 * So a load has three possible ends:
 *   true, report.snapshot set   there is something to publish, perhaps with findings;
 *   true, no snapshot           nothing has changed since the last load;
 *   false                       GT_ERR_ENV: no directory; GT_ERR_LIMIT, GT_ERR_NOMEM: too much. What was good stays good.
 *
 * One thread. Knows no clock and logs nothing: see report.h. */
#ifndef GT_CATALOGUE_DIRECTORY_H
#define GT_CATALOGUE_DIRECTORY_H

#include "injector/snapshot.h"

typedef struct gt_directory gt_directory;

typedef enum gt_change_kind {
    GT_CHANGE_ADDED,    /* accepted; wasn't there, or never had a good version */
    GT_CHANGE_UPDATED,  /* accepted, with another value than before */
    GT_CHANGE_REMOVED,  /* no file holds it any more */
    GT_CHANGE_KEPT,     /* its new version is wrong: the last good one stays */
    GT_CHANGE_REJECTED, /* wrong, and there is no good version: pods that need it fail */
    GT_CHANGE_RESTORED, /* was kept, and what the file says now is what had been kept */
} gt_change_kind;
const char *gt_change_name(gt_change_kind kind); /* "added", "updated", ... */

typedef struct gt_change {
    gt_change_kind kind;
    gt_str object; /* "Rig/gastown", "Rig/ns/gastown" */
    gt_str file;
} gt_change;

typedef struct gt_directory_report {
    const char *path;
    gt_snapshot *snapshot;      /* the caller's from here on; NULL: nothing has changed */
    size_t files, documents;    /* files that were read; see gt_finding_empty for none */
    size_t rejected;            /* objects and files whose newest version isn't in the snapshot */
    const gt_finding *findings; /* of what the files say now, by file and position; `document` means nothing here */
    size_t errors, warnings;    /* findings, counted */
    const gt_change *changes;   /* against the last load, by file */
    size_t change_count;
} gt_directory_report; /* what it points to lives until the next load that reports something, or free */

/* A directory that hasn't been read yet; path must live as long. NULL: no memory. */
gt_directory *gt_directory_new(const char *path);
void gt_directory_free(gt_directory *directory); /* NULL is fine */

/* Is it worth to load again? By what stat says, so cheap enough to ask every few seconds; also true when the directory can't be
 * read (load then says why). */
bool gt_directory_stirred(gt_directory *directory);

bool gt_directory_load(gt_directory *directory, gt_directory_report *report, gt_err *err);

#endif
