/* cJSON as an oracle for lib/json: it never runs in the programs. What it is known to do otherwise:
 *   - it ends a string at \u0000, which a view has as C0 80: compared up to there
 *   - it reads 63 bytes of a number, then stumbles (not where Debian has patched it): longer ones aren't compared
 *   - it takes what isn't JSON: only texts that gt_view_parse takes are compared
 * Numbers are compared as doubles. */
#ifndef GT_TESTS_CJSON_H
#define GT_TESTS_CJSON_H

#include <cjson/cJSON.h>

#include "lib/json/view.h"

static inline bool cjson_same_text(gt_str text, const char *other)
{
    const char *nul = text.len == 0 ? NULL : memmem(text.at, text.len, "\xc0\x80", 2);
    return gt_str_is((gt_str){text.at, nul == NULL ? text.len : (size_t)(nul - text.at)}, other);
}

static inline bool cjson_same_value(gt_view view, const cJSON *other)
{
    switch (gt_view_type_of(view)) {
    case GT_VIEW_MISSING: return false;
    case GT_VIEW_NULL: return cJSON_IsNull(other);
    case GT_VIEW_BOOL: return cJSON_IsBool(other) && gt_view_true(view) == cJSON_IsTrue(other);
    case GT_VIEW_NUMBER: return cJSON_IsNumber(other) && gt_view_number(view) == other->valuedouble;
    case GT_VIEW_STRING: return cJSON_IsString(other) && cjson_same_text(gt_view_str(view), other->valuestring);
    case GT_VIEW_ARRAY: return cJSON_IsArray(other) && gt_view_count(view) == (size_t)cJSON_GetArraySize(other);
    case GT_VIEW_OBJECT: return cJSON_IsObject(other) && gt_view_count(view) == (size_t)cJSON_GetArraySize(other);
    }
    return false;
}

/* Types, keys, values and their order. */
static inline bool cjson_same_tree(gt_view view, const cJSON *other)
{
    if (!cjson_same_value(view, other))
        return false;
    const cJSON *child = other->child;
    GT_VIEW_EACH (mine, view) {
        bool same_key =
            child->string == NULL ? gt_view_key(mine).at == NULL : cjson_same_text(gt_view_key(mine), child->string);
        if (!same_key || !cjson_same_tree(mine, child))
            return false;
        child = child->next;
    }
    return true;
}

static inline bool cjson_stumbles(gt_str text)
{
    size_t run = 0;
    for (size_t i = 0; i < text.len && run <= 60; i++)
        run = text.at[i] != '\0' && strchr("+-.eE0123456789", text.at[i]) != NULL ? run + 1 : 0;
    return run > 60;
}

/* view: of this text. */
static inline bool cjson_agrees(gt_str text, gt_view view)
{
    if (cjson_stumbles(text))
        return true;
    cJSON *other = cJSON_ParseWithLength(text.at, text.len);
    bool same = other != NULL && cjson_same_tree(view, other);
    cJSON_Delete(other);
    return same;
}

#endif
