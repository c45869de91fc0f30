/* A short list, then open addressing with linear probing, at most half full. The hash is SipHash-1-3 (Aumasson, Bernstein: "SipHash: a
 * fast short-input PRF") with a key that the kernel gave this process: who sends 100,000 chosen names can't line them
 * up. A simpler hash with a secret start won't do: FNV's collisions, once found, collide for each start whose low byte
 * is the same. */
#include "lib/base/map.h"

#include <assert.h>
#include <sys/auxv.h>

struct gt_map_slot {
    gt_str key;
    void *value;
};

static uint64_t rotated(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotated(v[1], 13) ^ v[0];
    v[0] = rotated(v[0], 32);
    v[2] += v[3];
    v[3] = rotated(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotated(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotated(v[1], 17) ^ v[2];
    v[2] = rotated(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

static uint64_t hash(const gt_map *map, gt_str key)
{
    uint64_t v[4] = {map->seed[0] ^ 0x736f6d6570736575u, map->seed[1] ^ 0x646f72616e646f6du,
                     map->seed[0] ^ 0x6c7967656e657261u, map->seed[1] ^ 0x7465646279746573u};
    uint64_t word;
    size_t i = 0;
    for (; i + sizeof word <= key.len; i += sizeof word) {
        memcpy(&word, key.at + i, sizeof word);
        sip_word(v, word);
    }
    word = (uint64_t)key.len << 56;
    for (size_t shift = 0; i < key.len; i++, shift += 8)
        word |= (uint64_t)(unsigned char)key.at[i] << shift;
    sip_word(v, word);
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Up to so many stand in the order in which they came, and are compared one by one: cheaper than any hash. */
enum { FEW = 8 };

static gt_map_slot *find_in_few(const gt_map *map, gt_str key)
{
    size_t i = 0;
    while (i < map->count && !gt_str_eq(map->slots[i].key, key))
        i++;
    return &map->slots[i];
}

static gt_map_slot *find(const gt_map *map, gt_map_slot *slots, size_t room, gt_str key)
{
    if (room == FEW)
        return find_in_few(map, key);
    size_t i = (size_t)hash(map, key) & (room - 1);
    while (slots[i].value != NULL && !gt_str_eq(slots[i].key, key))
        i = (i + 1) & (room - 1);
    return &slots[i];
}

void gt_map_init(gt_map *map, gt_arena *arena)
{
    *map = (gt_map){.arena = arena};
}

/* Asked for where something is hashed: few maps ever hold that much. */
static void take_seed(gt_map *map)
{
    /* 16 bytes, in each process that Linux starts */
    const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    if (random != NULL)
        memcpy(map->seed, random, sizeof map->seed);
}

void *gt_map_get(const gt_map *map, gt_str key)
{
    return map->room == 0 ? NULL : find(map, map->slots, map->room, key)->value;
}

/* One slot more than FEW: where a search for what isn't there ends. */
static void grow_to(gt_map *map, size_t room)
{
    gt_map_slot *slots = GT_NEW_N(map->arena, gt_map_slot, room + 1);
    if (map->room <= FEW && room > FEW)
        take_seed(map);
    for (size_t i = 0; i < map->room; i++)
        if (map->slots[i].value != NULL)
            *find(map, slots, room, map->slots[i].key) = map->slots[i];
    map->slots = slots;
    map->room = room;
}

void gt_map_reserve(gt_map *map, size_t n)
{
    assert(map->count == 0 && n <= SIZE_MAX / 8);
    size_t room = n <= FEW ? FEW : 4 * FEW;
    while (room > FEW && room / 2 < n)
        room *= 2;
    grow_to(map, room);
}

void *gt_map_put(gt_map *map, gt_str key, void *value)
{
    assert(value != NULL);
    if (map->count >= (map->room == FEW ? FEW : map->room / 2))
        grow_to(map, map->room == 0 ? FEW : map->room == FEW ? 4 * FEW : map->room * 2);
    gt_map_slot *slot = find(map, map->slots, map->room, key);
    void *before = slot->value;
    if (before == NULL)
        map->count++;
    *slot = (gt_map_slot){.key = before == NULL ? key : slot->key, .value = value};
    return before;
}
