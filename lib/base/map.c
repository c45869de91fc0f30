/* Open addressing with linear probing, at most half full. The hash is FNV-1a over a seed that is this process's own (the
 * address space's randomness), finished by a multiply-xor: a client that sends 100,000 chosen names can't line them up. */
#include "lib/base/map.h"

#include <assert.h>
#include <stdint.h>

struct gt_map_slot {
    gt_str key;
    void *value;
};

static uint64_t hash(gt_str key)
{
    uint64_t h = 0xcbf29ce484222325u ^ ((uint64_t)(uintptr_t)&hash * 0x9e3779b97f4a7c15u);
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.at[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

static gt_map_slot *find(gt_map_slot *slots, size_t room, gt_str key)
{
    size_t i = (size_t)hash(key) & (room - 1);
    while (slots[i].value != NULL && !gt_str_eq(slots[i].key, key))
        i = (i + 1) & (room - 1);
    return &slots[i];
}

void gt_map_init(gt_map *map, gt_arena *arena)
{
    *map = (gt_map){.arena = arena};
}

void *gt_map_get(const gt_map *map, gt_str key)
{
    return map->room == 0 ? NULL : find(map->slots, map->room, key)->value;
}

static void grow(gt_map *map)
{
    size_t room = map->room == 0 ? 16 : map->room * 2;
    gt_map_slot *slots = GT_NEW_N(map->arena, gt_map_slot, room);
    for (size_t i = 0; i < map->room; i++)
        if (map->slots[i].value != NULL)
            *find(slots, room, map->slots[i].key) = map->slots[i];
    map->slots = slots;
    map->room = room;
}

void *gt_map_put(gt_map *map, gt_str key, void *value)
{
    assert(value != NULL);
    if (map->count >= map->room / 2)
        grow(map);
    gt_map_slot *slot = find(map->slots, map->room, key);
    void *before = slot->value;
    if (before == NULL)
        map->count++;
    *slot = (gt_map_slot){.key = before == NULL ? key : slot->key, .value = value};
    return before;
}
