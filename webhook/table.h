/* Things that the API server has, by their names: a sorted array of rows that the caller allocates and knows the rest of.
 *
 * Names are chosen by whoever may create the objects, so a lookup costs the same whatever they are (no hash to aim at); a listing comes in
 * order and so appends. One thread. */
#ifndef GT_WEBHOOK_TABLE_H
#define GT_WEBHOOK_TABLE_H

#include "lib/json/view.h"

/* The first member of what is kept. key: owned with the row; doesn't change while it's in. */
typedef struct gt_row {
    const char *key; /* "ns/name" */
    bool seen;       /* since the last gt_table_mark */
} gt_row;

typedef struct gt_table {
    gt_row **at; /* in the order of their keys */
    size_t count, room;
} gt_table;

/* "ns/name" of an object of the API server; false: it has none, or names that no object has. */
enum { GT_TABLE_KEY = 512 };
bool gt_table_key(gt_view object, char key[GT_TABLE_KEY]);

gt_row *gt_table_find(const gt_table *table, const char *key); /* or NULL */

/* Puts row in, seen; *before (may be NULL) is what had the key, the caller's again. false: no memory, nothing has changed. */
bool gt_table_put(gt_table *table, gt_row *row, gt_row **before);

/* Takes the row of this key out; NULL: there's none. */
gt_row *gt_table_take(gt_table *table, const char *key);

/* Around a listing of a namespace (NULL: all): what wasn't put or marked as seen between the two is given to `unseen`; where that says true
 * it's taken out. */
void gt_table_mark(gt_table *table, const char *ns);
void gt_table_sweep(gt_table *table, const char *ns, bool (*unseen)(void *context, gt_row *row), void *context);

/* Gives all rows to `drop`, and frees the array. */
void gt_table_clear(gt_table *table, void (*drop)(void *context, gt_row *row), void *context);

#endif
