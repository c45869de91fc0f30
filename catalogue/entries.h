/* What a feed remembers of a load: each document that was handed to gt_snapshot_build, and what became of it.
 *
 * Since a bad version is replaced by the last good one before the list is kept, the last good version of an object is
 * simply its accepted entry in the list of the load before. All memory is one arena's. */
#ifndef GT_CATALOGUE_ENTRIES_H
#define GT_CATALOGUE_ENTRIES_H

#include "lib/base/map.h"
#include "lib/json/value.h"

typedef struct gt_entry {
    gt_str file;
    gt_str key;    /* kind NUL namespace NUL name; empty: the document doesn't say, so it has no other versions */
    gt_str object; /* "Rig/ns/gastown", for people */
    const gt_value *value; /* NULL: a file that can't be read, and nothing is known of what it held */
    const gt_value *const
        *good; /* versions that were accepted once, the one to try first first; elsewhere, copied when needed */
    size_t good_count, next_good;
    bool accepted;
    bool kept;      /* the value is a last good version, not what the file says */
    bool displaced; /* an older entry holds its place */
    bool blamed;    /* its errors are among the findings */
    bool dropped;   /* another entry holds a good version of the object */
} gt_entry;

typedef struct gt_entries {
    gt_entry *at;
    size_t count, room;
    gt_map index; /* by key; see gt_entries_index */
} gt_entries;     /* zero is an empty list */

/* The entry is in the list until the next one is added: the pointer doesn't outlive that. */
gt_entry *gt_entries_add(gt_arena *arena, gt_entries *entries, gt_entry entry);

/* For gt_entries_find, when `accepted` is known and nothing will be added any more. */
void gt_entries_index(gt_arena *arena, gt_entries *entries);

/* The entry with that key, an accepted one if there is one; NULL: none, or the key is empty. */
const gt_entry *gt_entries_find(const gt_entries *entries, gt_str key);

/* Takes out what is marked as dropped. */
void gt_entries_compact(gt_entries *entries);

/* A document of a file, with its key. */
gt_entry gt_entry_of(gt_arena *arena, gt_str file, const gt_value *value);

/* The same document as if it stood in `file`, in another arena; nothing is known about it yet. */
gt_entry gt_entry_copy(gt_arena *arena, const gt_entry *entry, gt_str file);

gt_str gt_entry_copy_str(gt_arena *arena, gt_str s);

/* Room for one more: old, or a larger copy of it. */
void *gt_entries_grown(gt_arena *arena, void *old, size_t count, size_t *room, size_t size);

#endif
