/* Around cJSON 1.7.15. What it does that we can't have, and what is done about it here:
 *   - it stops a string at \u0000 -> the escape is rewritten to C0 80 before it parses
 *   - it reads 63 bytes of a number, then stumbles (not where Debian has patched it) -> longer ones are rewritten; a
 *     view has but a double of them anyway
 *   - it accepts invalid UTF-8, control characters, 01 and any depth -> the whole grammar is checked first (check.h)
 *   - it returns the first of two equal keys -> a walk over the tree refuses them
 *   - it allocates with malloc -> hooks that serve the arena of the call, by a thread-local
 *   - it writes a static error position -> never read; what it is given has no error */
#include "lib/json/view.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/show.h"
#include "lib/json/check.h"

static _Thread_local gt_arena *parsing; /* where cJSON's allocations of this thread go */

static void *hook_alloc(size_t size)
{
    assert(parsing != NULL);
    return gt_arena_alloc(parsing, size);
}

static void hook_free(void *unused)
{
    (void)unused;
}

static void install_hooks(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = hook_alloc, .free_fn = hook_free});
}

/* ---- the text ---- */

static size_t number_length(gt_str s)
{
    size_t n = 0;
    while (n < s.len && s.at[n] != '\0' && strchr("+-.eE0123456789", s.at[n]) != NULL)
        n++;
    return n;
}

static void write_short_number(gt_buf *buf, gt_str text)
{
    double number = strtod(gt_arena_dup(buf->arena, text.at, text.len), NULL);
    if (isinf(number))
        gt_buf_text(buf, number < 0 ? "-1e999" : "1e999");
    else
        gt_buf_printf(buf, "%.17g", number);
}

/* A copy of a checked text that has no quirks. */
static gt_str without_quirks(gt_arena *arena, gt_str text)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, text.len);
    bool in_string = false;
    for (size_t i = 0, n; i < text.len; i += n) {
        gt_str rest = {text.at + i, text.len - i};
        n = in_string ? 1 : number_length(rest);
        if (n > GT_JSON_LONGEST_NUMBER) {
            write_short_number(&buf, (gt_str){rest.at, n});
        } else if (in_string && gt_str_starts(rest, "\\u0000")) {
            gt_buf_text(&buf, "\xc0\x80");
            n = strlen("\\u0000");
        } else {
            if (n == 0)
                n = 1;
            else if (rest.at[0] == '\\')
                n = 2; /* so that the second backslash of \\u0000 isn't taken for an escape's start */
            in_string = in_string != (rest.at[0] == '"');
            gt_buf_add(&buf, rest.at, n);
        }
    }
    return gt_buf_slice(&buf);
}

/* ---- the tree ---- */

/* Where a node is, from the root down. */
typedef struct trail {
    const struct trail *up;
    const cJSON *node;
    size_t index;
} trail;

static void write_trail(gt_buf *buf, const trail *t)
{
    if (t->up == NULL)
        return;
    write_trail(buf, t->up);
    if (cJSON_IsObject(t->up->node))
        gt_buf_printf(buf, "%s%s", buf->len == 0 ? "" : ".", t->node->string);
    else
        gt_buf_printf(buf, "[%zu]", t->index);
}

static bool refuse_duplicate(gt_arena *arena, const trail *t, const char *key, gt_err *err)
{
    gt_buf where;
    gt_buf_init(&where, arena, 100);
    write_trail(&where, t);
    return gt_fail(err, GT_ERR_INPUT, "duplicate key \"%.60s\"%s%.200s", key, where.len == 0 ? "" : " in ", where.at);
}

static bool has_unique_keys(gt_arena *arena, const trail *t, size_t n, gt_err *err)
{
    enum { FEW = 12 };
    gt_map seen;
    gt_map_init(&seen, arena);
    for (cJSON *child = t->node->child; child != NULL; child = child->next) {
        bool twice = false;
        if (n > FEW)
            twice = gt_map_put(&seen, gt_str_of(child->string), child) != NULL;
        else
            for (const cJSON *other = t->node->child; other != child && !twice; other = other->next)
                twice = strcmp(other->string, child->string) == 0;
        if (twice)
            return refuse_duplicate(arena, t, child->string, err);
    }
    return true;
}

static bool have_unique_keys(gt_arena *arena, const trail *t, gt_err *err)
{
    size_t n = 0;
    for (const cJSON *child = t->node->child; child != NULL; child = child->next, n++) {
        const trail below = {t, child, n};
        if (child->child != NULL && !have_unique_keys(arena, &below, err))
            return false;
    }
    return !cJSON_IsObject(t->node) || n < 2 || has_unique_keys(arena, t, n, err);
}

bool gt_view_parse(gt_arena *arena, gt_str text, int max_depth, gt_view *view, gt_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_hooks);
    gt_json_quirks quirks;
    view->node = NULL;
    if (!gt_json_check(text, max_depth == 0 ? GT_VIEW_MAX_DEPTH : max_depth, &quirks, err))
        return false;
    if (quirks.nul_escapes + quirks.long_numbers > 0)
        text = without_quirks(arena, text);
    parsing = arena;
    const cJSON *root = cJSON_ParseWithLengthOpts(text.at, text.len, NULL, false);
    parsing = NULL;
    if (root == NULL)
        return gt_fail(err, GT_ERR_INPUT, "not JSON"); /* the check and cJSON disagree: none is known */
    if (!have_unique_keys(arena, &(trail){.node = root}, err))
        return false;
    view->node = root;
    return true;
}

/* ---- getters ---- */

gt_view_type gt_view_type_of(gt_view view)
{
    if (view.node == NULL)
        return GT_VIEW_MISSING;
    switch (view.node->type & 0xff) {
    case cJSON_NULL: return GT_VIEW_NULL;
    case cJSON_False:
    case cJSON_True: return GT_VIEW_BOOL;
    case cJSON_Number: return GT_VIEW_NUMBER;
    case cJSON_String: return GT_VIEW_STRING;
    case cJSON_Array: return GT_VIEW_ARRAY;
    case cJSON_Object: return GT_VIEW_OBJECT;
    default: return GT_VIEW_MISSING;
    }
}

const char *gt_view_type_name(gt_view_type type)
{
    static const char *const names[] = {"nothing", "null", "a boolean", "a number", "a string", "a list", "an object"};
    return names[type];
}

gt_view gt_view_get_str(gt_view object, gt_str key)
{
    if (gt_view_type_of(object) != GT_VIEW_OBJECT)
        return (gt_view){NULL};
    for (const cJSON *member = object.node->child; member != NULL; member = member->next)
        if (gt_str_eq(gt_str_of(member->string), key))
            return (gt_view){member};
    return (gt_view){NULL};
}

gt_view gt_view_get(gt_view object, const char *key)
{
    return gt_view_get_str(object, gt_str_of(key));
}

gt_view gt_view_first(gt_view list)
{
    gt_view_type type = gt_view_type_of(list);
    return (gt_view){type == GT_VIEW_ARRAY || type == GT_VIEW_OBJECT ? list.node->child : NULL};
}

gt_view gt_view_next(gt_view child)
{
    return (gt_view){child.node == NULL ? NULL : child.node->next};
}

gt_str gt_view_key(gt_view member)
{
    return gt_str_of(member.node == NULL ? NULL : member.node->string);
}

size_t gt_view_count(gt_view list)
{
    size_t n = 0;
    GT_VIEW_EACH (child, list)
        n++;
    return n;
}

gt_str gt_view_str(gt_view string)
{
    return gt_view_type_of(string) == GT_VIEW_STRING ? gt_str_of(string.node->valuestring) : (gt_str){"", 0};
}

bool gt_view_is(gt_view string, const char *text)
{
    return gt_view_type_of(string) == GT_VIEW_STRING && strcmp(string.node->valuestring, text) == 0;
}

bool gt_view_has_nul(gt_view string)
{
    return gt_view_type_of(string) == GT_VIEW_STRING && strstr(string.node->valuestring, "\xc0\x80") != NULL;
}

bool gt_view_key_has_nul(gt_view member)
{
    return memmem(gt_view_key(member).at, gt_view_key(member).len, "\xc0\x80", 2) != NULL;
}

bool gt_view_true(gt_view boolean)
{
    return gt_view_type_of(boolean) == GT_VIEW_BOOL && cJSON_IsTrue(boolean.node);
}

bool gt_view_int(gt_view number, int64_t *value)
{
    const double exact = 9007199254740992.0; /* 2^53: beyond it neighbours look alike */
    double d = gt_view_number(number);
    if (gt_view_type_of(number) != GT_VIEW_NUMBER || d < -exact || d > exact || d != (double)(int64_t)d)
        return false;
    *value = (int64_t)d;
    return true;
}

double gt_view_number(gt_view number)
{
    return gt_view_type_of(number) == GT_VIEW_NUMBER ? number.node->valuedouble : 0;
}

/* ---- showing ---- */

static void show_number(gt_buf *buf, double number)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    gt_buf_text(buf, text);
}

void gt_view_show(gt_buf *buf, gt_view view, size_t most)
{
    size_t start = buf->len;
    switch (gt_view_type_of(view)) {
    case GT_VIEW_MISSING: gt_buf_text(buf, "(nothing)"); break;
    case GT_VIEW_NULL: gt_buf_text(buf, "null"); break;
    case GT_VIEW_BOOL: gt_buf_text(buf, gt_view_true(view) ? "true" : "false"); break;
    case GT_VIEW_NUMBER: show_number(buf, gt_view_number(view)); break;
    case GT_VIEW_STRING: gt_show_text(buf, gt_view_str(view), most); break;
    case GT_VIEW_ARRAY: gt_buf_text(buf, view.node->child == NULL ? "[]" : "[...]"); break;
    case GT_VIEW_OBJECT: gt_buf_text(buf, view.node->child == NULL ? "{}" : "{...}"); break;
    }
    gt_show_cut(buf, start, 0, most);
}
