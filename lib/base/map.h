/* A hash map from text to pointer, in an arena; insertion order is kept by the caller's own lists, not here.
 * Nothing is removed. Linear in what is put in, whatever the keys: the hash is keyed per process (see map.c).
 * One thread at a time may put; get is thread-safe once nobody puts. */
#ifndef GT_LIB_BASE_MAP_H
#define GT_LIB_BASE_MAP_H

#include "lib/base/str.h"

typedef struct gt_map_slot gt_map_slot;

typedef struct gt_map {
    gt_arena *arena;
    gt_map_slot *slots;
    size_t count, room; /* room: a power of two, or 0 */
    uint64_t seed[2];
} gt_map;

void gt_map_init(gt_map *map, gt_arena *arena);

/* Room for n keys at once, in an empty map: it grows by doubling else, and in an arena each smaller table stays. Takes up
 * to 96 bytes for a key. */
void gt_map_reserve(gt_map *map, size_t n);

/* The value at key, or NULL. */
void *gt_map_get(const gt_map *map, gt_str key);

/* Puts value (not NULL) at key; returns what was there before, or NULL. The key's bytes must live as long as the
 * map. */
void *gt_map_put(gt_map *map, gt_str key, void *value);

#endif
