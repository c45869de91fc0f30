#include "webhook/table.h"

#include <stdio.h>
#include <stdlib.h>

bool gt_table_key(gt_view object, char key[GT_TABLE_KEY])
{
    gt_view metadata = gt_view_get(object, "metadata"), ns = gt_view_get(metadata, "namespace"),
            name = gt_view_get(metadata, "name");
    gt_str a = gt_view_str(ns), b = gt_view_str(name);
    if (a.len == 0 || b.len == 0 || a.len + b.len > GT_TABLE_KEY - 2 || gt_view_has_nul(ns) || gt_view_has_nul(name))
        return false;
    snprintf(key, GT_TABLE_KEY, "%s/%s", a.at, b.at);
    return true;
}

/* Where the key is, or would be. */
static size_t place_of(const gt_table *table, const char *key, bool *there)
{
    size_t low = 0, high = table->count;
    if (high > 0 && strcmp(table->at[high - 1]->key, key) < 0)
        low = high; /* a listing comes in order */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(table->at[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *there = low < table->count && strcmp(table->at[low]->key, key) == 0;
    return low;
}

gt_row *gt_table_find(const gt_table *table, const char *key)
{
    bool there;
    size_t i = place_of(table, key, &there);
    return there ? table->at[i] : NULL;
}

static bool grow(gt_table *table)
{
    size_t room = table->room == 0 ? 64 : table->room * 2;
    gt_row **at = realloc(table->at, room * sizeof *at);
    if (at == NULL)
        return false;
    table->at = at;
    table->room = room;
    return true;
}

bool gt_table_put(gt_table *table, gt_row *row, gt_row **before)
{
    bool there;
    size_t i = place_of(table, row->key, &there);
    if (before != NULL)
        *before = there ? table->at[i] : NULL;
    if (!there) {
        if (table->count == table->room && !grow(table))
            return false;
        memmove(&table->at[i + 1], &table->at[i], (table->count - i) * sizeof *table->at);
        table->count++;
    }
    table->at[i] = row;
    row->seen = true;
    return true;
}

gt_row *gt_table_take(gt_table *table, const char *key)
{
    bool there;
    size_t i = place_of(table, key, &there);
    if (!there)
        return NULL;
    gt_row *row = table->at[i];
    table->count--;
    memmove(&table->at[i], &table->at[i + 1], (table->count - i) * sizeof *table->at);
    return row;
}

static bool is_in(const gt_row *row, const char *ns)
{
    size_t n = ns == NULL ? 0 : strlen(ns);
    return ns == NULL || (strncmp(row->key, ns, n) == 0 && row->key[n] == '/');
}

void gt_table_mark(gt_table *table, const char *ns)
{
    for (size_t i = 0; i < table->count; i++)
        if (is_in(table->at[i], ns))
            table->at[i]->seen = false;
}

void gt_table_sweep(gt_table *table, const char *ns, bool (*unseen)(void *context, gt_row *row), void *context)
{
    size_t kept = 0, n = table->count;
    for (size_t i = 0; i < n; i++) {
        gt_row *row = table->at[i];
        if (row->seen || !is_in(row, ns) || !unseen(context, row))
            table->at[kept++] = row;
    }
    table->count = kept;
}

void gt_table_clear(gt_table *table, void (*drop)(void *context, gt_row *row), void *context)
{
    for (size_t i = 0; i < table->count; i++)
        drop(context, table->at[i]);
    free(table->at);
    *table = (gt_table){0};
}
