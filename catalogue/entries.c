#include "catalogue/entries.h"

#include <string.h>

#include "injector/snapshot.h"

void *gt_entries_grown(gt_arena *arena, void *old, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return old;
    *room = *room == 0 ? 16 : *room * 2;
    void *new = gt_arena_alloc_n(arena, *room, size);
    if (count > 0)
        memcpy(new, old, count * size);
    return new;
}

gt_entry *gt_entries_add(gt_arena *arena, gt_entries *entries, gt_entry entry)
{
    entries->at = gt_entries_grown(arena, entries->at, entries->count, &entries->room, sizeof entry);
    entries->at[entries->count] = entry;
    return &entries->at[entries->count++];
}

void gt_entries_index(gt_arena *arena, gt_entries *entries)
{
    gt_map_init(&entries->index, arena);
    for (size_t i = 0; i < entries->count; i++) {
        gt_entry *e = &entries->at[i];
        const gt_entry *known = gt_entries_find(entries, e->key);
        if (e->key.len > 0 && (known == NULL || (e->accepted && !known->accepted)))
            gt_map_put(&entries->index, e->key, e);
    }
}

const gt_entry *gt_entries_find(const gt_entries *entries, gt_str key)
{
    return key.len == 0 ? NULL : gt_map_get(&entries->index, key);
}

void gt_entries_compact(gt_entries *entries)
{
    size_t left = 0;
    for (size_t i = 0; i < entries->count; i++)
        if (!entries->at[i].dropped)
            entries->at[left++] = entries->at[i];
    entries->count = left;
}

static gt_str key_of(gt_arena *arena, gt_str kind, gt_str ns, gt_str name)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, kind.len + ns.len + name.len + 3);
    gt_buf_str(&buf, kind);
    gt_buf_byte(&buf, '\0');
    gt_buf_str(&buf, ns);
    gt_buf_byte(&buf, '\0');
    gt_buf_str(&buf, name);
    return gt_buf_slice(&buf);
}

gt_entry gt_entry_of(gt_arena *arena, gt_str file, const gt_value *value)
{
    gt_entry e = {.file = file, .value = value};
    gt_str kind, ns, name;
    gt_document_identity(value, &kind, &ns, &name);
    if (kind.len == 0 || name.len == 0)
        return e;
    e.key = key_of(arena, kind, ns, name);
    e.object = gt_str_of(gt_arena_printf(arena, "%.*s/%.*s%s%.*s", GT_STR_ARG(kind), GT_STR_ARG(ns),
                                         ns.len > 0 ? "/" : "", GT_STR_ARG(name)));
    return e;
}

gt_entry gt_entry_copy(gt_arena *arena, const gt_entry *entry, gt_str file)
{
    return (gt_entry){
        .file = file,
        .key = gt_entry_copy_str(arena, entry->key),
        .object = gt_entry_copy_str(arena, entry->object),
        .value = entry->value == NULL ? NULL : gt_value_copy(arena, entry->value),
    };
}

gt_str gt_entry_copy_str(gt_arena *arena, gt_str s)
{
    return (gt_str){gt_arena_dup(arena, s.at, s.len), s.len};
}
