/* Templates from an API server: its objects as last seen, with a memory of what was good.
 *
 * Whoever talks to the API server (cluster.h, gastown-inject) puts objects in and takes them out; gt_store_load makes a snapshot of what is
 * there, with the rules of directory.h: a bad object is replaced by its own last good version while the others move on. Where two objects
 * claim one place, the oldest (creationTimestamp, then UID) holds it and the others are displaced.
 *
 * An object is kept as compact JSON of what matters (no managedFields), a few hundred bytes. Last good versions come from the store's own earlier
 * loads, and from ControllerRevisions (revisions.h) for what was accepted before this process began.
 * One thread. Knows no clock, sends nothing, logs nothing. */
#ifndef GT_CATALOGUE_STORE_H
#define GT_CATALOGUE_STORE_H

#include "injector/plan.h"

typedef struct gt_store gt_store;

typedef enum gt_verdict {
    GT_VERDICT_NEW,       /* not loaded yet */
    GT_VERDICT_ACCEPTED,  /* its newest version is in the snapshot */
    GT_VERDICT_KEPT,      /* its newest version is wrong: the last good one stays */
    GT_VERDICT_REJECTED,  /* wrong, and there is no good version: pods that need it fail */
    GT_VERDICT_DISPLACED, /* an older object holds its place */
} gt_verdict;
const char *
gt_verdict_reason(gt_verdict verdict); /* CamelCase, of the condition Accepted: "Accepted", "Quarantined", ... */

/* What the store knows of one object. Texts live until it is put again or removed, or the next load. */
typedef struct gt_store_object {
    gt_kind kind;
    const char *ns, *name, *uid, *created; /* created: creationTimestamp, RFC 3339 */
    int64_t generation;                    /* of the newest version */
    int64_t live_generation;               /* of the version that the snapshot holds; 0: none */
    gt_verdict verdict;
    bool pending; /* the newest version hasn't been through a load: all that is said here is about the one before */
    const char *field, *message; /* of the first error of the newest version; "" when it has none */
    bool news;                   /* the last load said something else of it than the last one that was adopted */
    size_t errors, warnings;     /* of the newest version */
    const char *first_warning;   /* "field: message", or "" */
    const char *trouble;         /* see gt_store_note; "" */
    const char *content;         /* of the newest version, as compact JSON: {"spec":{...}}; NULL: nobody can hold it */
    const char *good;            /* of the version that was in use last; NULL: none */
    int64_t good_generation;     /* its generation */
    const char *status;          /* as the API server has it, as compact JSON: {"status":{...}}; "{}" or "": none */
} gt_store_object;

gt_store *gt_store_new(void);        /* NULL: no memory */
void gt_store_free(gt_store *store); /* NULL is fine */

/* An object of that kind as the API server has it (those in a list don't say their kind). GT_ERR_INPUT when it can't be one (no name or uid); one
 * whose content nobody can hold (a number of 2^53, a NUL) is a wrong version like any other. GT_ERR_NOMEM. */
bool gt_store_put(gt_store *store, gt_kind kind, gt_view object, gt_err *err);
void gt_store_remove(gt_store *store, gt_kind kind, gt_view object); /* not another one of that name, by its uid */

/* Around a listing of a kind in a namespace (NULL: all): what isn't put between the two is removed by sweep. */
void gt_store_mark(gt_store *store, gt_kind kind, const char *ns);
void gt_store_sweep(gt_store *store, gt_kind kind, const char *ns);

/* A version of the object with that uid in ns that somebody accepted once: a fall-back for when no good version is known, higher generations first.
 * content: as gt_store_object.content. What nobody lacks is forgotten again. GT_ERR_NOMEM. */
bool gt_store_recall(gt_store *store, gt_str ns, gt_str uid, int64_t generation, gt_str content, gt_err *err);

/* Takes the newest version of what was document i of the last load for wrong, for a reason that no checker knows, until it has another version or
 * another template of its namespace has: what a trial says is of all that take part. */
bool gt_store_refuse(gt_store *store, size_t document, const char *message, gt_err *err);

/* Something was put, removed or recalled since the last load that was adopted, and may change the next one (a status or a label doesn't). */
bool gt_store_stirred(const gt_store *store);

typedef struct gt_store_report {
    gt_snapshot *snapshot;    /* the caller's from here on */
    size_t objects, rejected; /* rejected: whose newest version isn't in the snapshot */
    size_t errors, warnings;  /* findings of the newest versions, counted */
    const gt_finding
        *findings; /* file: "namespace NS"; by namespace, object and field. Lives until the next load or free */
} gt_store_report;

/* Builds the next snapshot from what is there, whether stirred or not. GT_ERR_NOMEM, GT_ERR_LIMIT: nothing has changed. */
bool gt_store_load(gt_store *store, gt_store_report *report, gt_err *err);

/* What is wrong with the pods that this object is for although it is accepted (its own town denies them); NULL: nothing. */
bool gt_store_note(gt_store *store, size_t document, const char *trouble, gt_err *err);

/* The snapshot of the last load is in use: what it holds is good from now on, whatever comes. Until then a load has changed nothing of that, so
 * that a snapshot may be thrown away. */
void gt_store_adopt(gt_store *store);

/* All objects, by kind, namespace and name; NULL past the end. A put or remove may move them. */
const gt_store_object *gt_store_at(const gt_store *store, size_t i);
size_t gt_store_count(const gt_store *store);
const gt_store_object *gt_store_find(const gt_store *store, gt_kind kind, gt_str ns, gt_str name);

/* The object that was document i of the last load; NULL when it's gone. */
const gt_store_object *gt_store_of_document(const gt_store *store, size_t document);

#endif
