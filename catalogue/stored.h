/* How a store remembers objects; for store.c and store_load.c alone. All memory is malloc's. */
#ifndef GT_CATALOGUE_STORED_H
#define GT_CATALOGUE_STORED_H

#include "catalogue/store.h"

typedef struct gt_stored {
    gt_store_object face; /* its texts are the ones below, or the report's */
    char *identity;       /* ns NUL name NUL uid NUL created NUL */
    char *content;        /* NULL: nobody can hold it */
    char *good;           /* may be `content` itself; NULL: none is known */
    char *
        next_good; /* what the last load has of it, until that is adopted; may be `content` itself; NULL: nothing new */
    int64_t next_generation;
    char *status;
    char *problem; /* why the newest version is wrong although (or before) a checker says so; NULL */
    char *trouble; /* of its pods; NULL: none */
    bool seen;     /* since the listing began */
} gt_stored;

typedef struct gt_recall {
    char *ns; /* NUL uid NUL content NUL */
    const char *uid, *content;
    int64_t generation;
} gt_recall;

struct gt_store {
    gt_stored **at; /* sorted: see gt_stored_compare */
    size_t count, room;
    gt_recall *recalls;
    size_t recall_count, recall_room;
    gt_stored **documents; /* of the last load; NULL where the object has gone since */
    size_t document_count;
    gt_arena *report; /* findings of the last load, and texts of faces */
    bool stirred;
    bool rejected; /* the last load left an object without a good version */
    bool refused;  /* a trial has refused one, perhaps */
    bool pending;  /* the last load hasn't been adopted */
    bool adopted;  /* a load, once: until then nobody knows which recalls will be needed */
};

/* What a version says besides who it is: the members of a kind that count. */
extern const char *const gt_stored_payload[GT_KIND_COUNT];

/* Frees recalls that are there twice, or of which nobody lacks a good version. */
void gt_stored_drop_recalls(gt_store *store);

/* Frees a version that isn't needed any more, unless it is the newest one or the good one, too. */
void gt_stored_drop(gt_stored *object, char **version);

#endif
