/* Around cJSON 1.7.15. What it does that we can't have, and what is done about it here:
 *   - it stops a string at \u0000            -> the escape is rewritten to C0 80 before it parses
 *   - it accepts invalid UTF-8, control characters and any depth -> one scan of the bytes first
 *   - it returns the first of two equal keys -> a walk over the tree refuses them
 *   - it allocates with malloc               -> hooks that serve the arena of the call, by a thread-local
 *   - it writes a static error position      -> ignored; return_parse_end is ours */
#include "lib/json/view.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>

#include "lib/base/map.h"

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

/* ---- the scan ---- */

typedef struct scan {
    gt_str text;
    size_t at;
    int depth, max_depth;
    size_t nul_escapes;
} scan;

static bool bad(size_t at, gt_err *err, const char *what)
{
    return gt_fail(err, GT_ERR_INPUT, "byte %zu: %s", at + 1, what);
}

static int hex4(const char *p, size_t left)
{
    int code = 0;
    if (left < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)p[i]))
            return -1;
        code = code * 16 + (isdigit((unsigned char)p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    }
    return code;
}

static bool is_surrogate(int code, int first)
{
    return code >= first && code < first + 0x400;
}

/* At the byte behind a backslash; leaves s->at behind the escape. */
static bool scan_escape(scan *s, gt_err *err)
{
    const char *p = s->text.at + s->at;
    size_t left = s->text.len - s->at;
    if (left > 0 && p[0] != '\0' && strchr("\"\\/bfnrt", p[0]) != NULL) {
        s->at++;
        return true;
    }
    int code = left > 0 && p[0] == 'u' ? hex4(p + 1, left - 1) : -1;
    if (code < 0)
        return bad(s->at, err, "unknown escape in a string");
    s->at += 5;
    if (code == 0)
        s->nul_escapes++;
    if (is_surrogate(code, 0xdc00))
        return bad(s->at - 6, err, "second half of a surrogate pair without the first");
    if (!is_surrogate(code, 0xd800))
        return true;
    int low = left >= 11 && p[5] == '\\' && p[6] == 'u' ? hex4(p + 7, left - 7) : -1;
    if (!is_surrogate(low, 0xdc00))
        return bad(s->at - 6, err, "first half of a surrogate pair without the second");
    s->at += 6;
    return true;
}

/* Behind the opening quote; leaves s->at behind the closing one. */
static bool scan_string(scan *s, gt_err *err)
{
    size_t start = s->at - 1;
    while (s->at < s->text.len) {
        unsigned char c = (unsigned char)s->text.at[s->at++];
        if (c == '"')
            return true;
        if (c < 0x20)
            return bad(s->at - 1, err, "control character in a string");
        if (c == '\\' && !scan_escape(s, err))
            return false;
    }
    return bad(start, err, "string without an end");
}

static size_t digits(const scan *s, size_t from)
{
    size_t i = from;
    while (i < s->text.len && isdigit((unsigned char)s->text.at[i]))
        i++;
    return i - from;
}

static bool next_is(const scan *s, const char *any)
{
    return s->at < s->text.len && s->text.at[s->at] != '\0' && strchr(any, s->text.at[s->at]) != NULL;
}

/* At a number's first byte: cJSON takes 01, 1. and the like, JSON (RFC 8259, section 6) doesn't. */
static bool scan_number(scan *s, gt_err *err)
{
    size_t start = s->at;
    s->at += next_is(s, "-");
    size_t whole = digits(s, s->at);
    bool good = whole > 0 && (whole == 1 || s->text.at[s->at] != '0');
    s->at += whole;
    if (good && next_is(s, ".")) {
        size_t n = digits(s, ++s->at);
        good = n > 0;
        s->at += n;
    }
    if (good && next_is(s, "eE")) {
        s->at++;
        s->at += next_is(s, "+-");
        size_t n = digits(s, s->at);
        good = n > 0;
        s->at += n;
    }
    return good || bad(start, err, "not a number of JSON");
}

static bool scan_bytes(scan *s, gt_err *err)
{
    if (gt_str_starts(s->text, "\xef\xbb\xbf"))
        return bad(0, err, "byte order mark");
    size_t valid = gt_str_utf8_len(s->text);
    if (valid < s->text.len)
        return bad(valid, err, "invalid UTF-8");
    while (s->at < s->text.len) {
        char c = s->text.at[s->at++];
        if (c == '"') {
            if (!scan_string(s, err))
                return false;
        } else if (c == '-' || isdigit((unsigned char)c)) {
            s->at--;
            if (!scan_number(s, err))
                return false;
        } else if (c == '{' || c == '[') {
            if (++s->depth > s->max_depth)
                return gt_fail(err, GT_ERR_LIMIT, "byte %zu: more than %d levels deep", s->at, s->max_depth);
        } else if (c == '}' || c == ']') {
            s->depth--;
        } else if ((unsigned char)c < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            return bad(s->at - 1, err, "control character");
        }
    }
    return true;
}

/* A copy in which each \u0000 is C0 80. */
static gt_str without_nul_escapes(gt_arena *arena, gt_str text)
{
    char *copy = gt_arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\' && text.len - i >= 6 && memcmp(text.at + i, "\\u0000", 6) == 0) {
            copy[n++] = (char)0xc0;
            copy[n++] = (char)0x80;
            i += 5;
            continue;
        }
        copy[n++] = text.at[i];
        if (text.at[i] == '\\') /* so that the backslash of \\u0000 isn't taken for an escape's start */
            copy[n++] = text.at[++i];
    }
    return (gt_str){copy, n};
}

/* ---- the tree ---- */

static bool refuse_duplicate_keys(gt_arena *arena, const cJSON *node, gt_err *err)
{
    enum { FEW = 12 };
    size_t n = 0;
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (child->child != NULL && !refuse_duplicate_keys(arena, child, err))
            return false;
        n++;
    }
    if (!cJSON_IsObject(node) || n < 2)
        return true;
    gt_map seen;
    gt_map_init(&seen, arena);
    for (cJSON *child = node->child; child != NULL; child = child->next) {
        bool twice = false;
        if (n > FEW)
            twice = gt_map_put(&seen, gt_str_of(child->string), child) != NULL;
        else
            for (const cJSON *other = node->child; other != child && !twice; other = other->next)
                twice = strcmp(other->string, child->string) == 0;
        if (twice)
            return gt_fail(err, GT_ERR_INPUT, "duplicate key \"%.60s\"", child->string);
    }
    return true;
}

bool gt_view_parse(gt_arena *arena, gt_str text, int max_depth, gt_view *view, gt_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_hooks);
    scan s = {.text = text, .max_depth = max_depth == 0 ? GT_VIEW_MAX_DEPTH : max_depth};
    view->node = NULL;
    if (!scan_bytes(&s, err))
        return false;
    if (s.nul_escapes > 0)
        text = without_nul_escapes(arena, text);
    size_t blank = 0;
    while (blank < text.len && strchr(" \t\r\n", text.at[blank]) != NULL)
        blank++;
    if (blank == text.len)
        return gt_fail(err, GT_ERR_INPUT, "empty: no JSON in it");
    const char *end = NULL;
    parsing = arena;
    const cJSON *root = cJSON_ParseWithLengthOpts(text.at, text.len, &end, false);
    parsing = NULL;
    size_t stop = end == NULL || end < text.at ? 0 : (size_t)(end - text.at);
    if (root == NULL)
        return bad(stop, err, "not JSON");
    while (stop < text.len && strchr(" \t\r\n", text.at[stop]) != NULL)
        stop++;
    if (stop < text.len)
        return bad(stop, err, "something follows the end of the JSON");
    if (!refuse_duplicate_keys(arena, root, err))
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
        if (strncmp(member->string, key.at, key.len) == 0 && member->string[key.len] == '\0')
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
    GT_VIEW_EACH(child, list)
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

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t code_points(gt_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += !is_continuation(s.at[i]);
    return n;
}

/* Byte offset of the n-th code point. */
static size_t offset_of(gt_str s, size_t n)
{
    size_t i = 0;
    for (; i < s.len; i++)
        if (!is_continuation(s.at[i]) && n-- == 0)
            break;
    return i;
}

static void show_escaped(gt_buf *buf, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (p[0] == 0xc0 && p[1] == 0x80) {
            gt_buf_text(buf, "\\0");
            p++;
        } else if (*p == '\n' || *p == '\t' || *p == '\r') {
            gt_buf_text(buf, *p == '\n' ? "\\n" : *p == '\t' ? "\\t" : "\\r");
        } else if (*p < 0x20 || *p == 0x7f) {
            gt_buf_printf(buf, "\\x%02x", *p);
        } else {
            gt_buf_byte(buf, (char)*p);
        }
    }
}

void gt_view_show(gt_buf *buf, gt_view view, size_t most)
{
    size_t start = buf->len;
    switch (gt_view_type_of(view)) {
    case GT_VIEW_MISSING: gt_buf_text(buf, "(nothing)"); break;
    case GT_VIEW_NULL: gt_buf_text(buf, "null"); break;
    case GT_VIEW_BOOL: gt_buf_text(buf, gt_view_true(view) ? "true" : "false"); break;
    case GT_VIEW_NUMBER: gt_buf_printf(buf, "%.17g", gt_view_number(view)); break;
    case GT_VIEW_STRING: show_escaped(buf, view.node->valuestring); break;
    case GT_VIEW_ARRAY: gt_buf_text(buf, view.node->child == NULL ? "[]" : "[...]"); break;
    case GT_VIEW_OBJECT: gt_buf_text(buf, view.node->child == NULL ? "{}" : "{...}"); break;
    }
    gt_str shown = {buf->at + start, buf->len - start};
    size_t n = code_points(shown);
    if (n <= most || most < 5)
        return;
    size_t keep = most - 3, head = (keep + 1) / 2;
    size_t cut = offset_of(shown, head), resume = offset_of(shown, n - (keep - head));
    memcpy(buf->at + start + cut, "...", 3);
    memmove(buf->at + start + cut + 3, shown.at + resume, shown.len - resume);
    buf->len = start + cut + 3 + shown.len - resume;
    buf->at[buf->len] = '\0';
}
