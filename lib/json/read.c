/* One pass over the text checks its grammar and builds the tree.
 *
 * It goes over a copy of the text in the arena, in place: a string is stripped of its escapes where it stands (what an
 * escape stands for is never longer than the escape) and its closing quote becomes the NUL behind it. So strings cost
 * no memory of their own, and nothing is written ahead of the place that is read.
 *
 * The copy has SENTINEL NULs behind it. No rule of the grammar lets a NUL pass: a loop over characters stops there
 * without looking for the end, and eight bytes may be loaded at any place up to the end. Only an error asks whether the
 * NUL was the client's.
 *
 * It doesn't recurse: the lists that are open stand in an array, the innermost last. */
#include "lib/json/read.h"

#include <assert.h>
#include <endian.h>

#include "lib/base/map.h"

enum { SENTINEL = sizeof(uint64_t) };

typedef struct reader {
    gt_arena *arena;
    char *text, *at, *end;
    gt_view_node **slot;  /* where the next node is linked */
    gt_view_node **lists; /* the open ones, from the root down */
    int depth, max_depth; /* how many are open; may be */
} reader;

static bool bad(const reader *r, const char *at, gt_err *err, const char *what)
{
    return gt_fail(err, GT_ERR_INPUT, "byte %zu: %s", (size_t)(at - r->text) + 1, what);
}

/* Between two tokens: something else stands there than what must. */
static bool missing(const reader *r, gt_err *err, const char *what)
{
    return bad(r, r->at, err, r->at == r->end ? "not JSON: it ends too early" : what);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Goes to the next token, and says what it begins with. */
static char next_token(reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')
        r->at++;
    return *r->at;
}

/* ---- strings ---- */

/* The first of eight bytes that isn't plain, 8 if all are: a quote, a backslash, a control or a part of a character
 * beyond ASCII. Each term sets the top bit of a byte for one of these: of c - 0x20 where c < 0x20, of (c ^ quote) - 1
 * where c is a quote, of c itself. A byte that borrows from the next one has its bit set, so the first bit is right. */
static size_t plain_bytes(const char *at)
{
    const uint64_t ones = UINT64_MAX / 0xff;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    uint64_t control = word - ones * 0x20, quote = (word ^ ones * '"') - ones, backslash = (word ^ ones * '\\') - ones;
    uint64_t special = (control | quote | backslash | word) & ones * 0x80;
    return special == 0 ? sizeof word : (size_t)__builtin_ctzll(special) / 8;
}

/* Behind the characters of a string that stand for themselves. */
static char *plain_end(const reader *r, char *at)
{
    size_t n;
    do {
        while ((n = plain_bytes(at)) == sizeof(uint64_t))
            at += n;
        at += n;
        n = (unsigned char)*at < 0x80 ? 0 : gt_str_utf8_char((gt_str){at, (size_t)(r->end - at)});
        at += n;
    } while (n > 0);
    return at;
}

static int hex4(const char *digits)
{
    int code = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = digits[i], lower = (char)(c | 0x20);
        if (!is_digit(c) && (lower < 'a' || lower > 'f'))
            return -1;
        code = code * 16 + (is_digit(c) ? c - '0' : lower - 'a' + 10);
    }
    return code;
}

static bool is_surrogate(int code, int first)
{
    return code >= first && code < first + 0x400;
}

/* NUL as C0 80: see view.h. */
static char *write_utf8(char *to, unsigned code)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int n = code >= 0x10000 ? 4 : code >= 0x800 ? 3 : code >= 0x80 || code == 0 ? 2 : 1;
    for (int i = n - 1; i > 0; i--, code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(leads[n] | code);
    return to + n;
}

/* At a backslash; leaves r->at behind the escape and *to behind what it stands for. */
static bool read_escape(reader *r, char **to, gt_err *err)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *start = r->at, *letter = r->at[1] == '\0' ? NULL : strchr(letters, r->at[1]);
    if (letter != NULL) {
        *(*to)++ = meanings[letter - letters];
        r->at += 2;
        return true;
    }
    int code = start[1] == 'u' ? hex4(start + 2) : -1;
    if (code < 0)
        return bad(r, start, err, "unknown escape in a string");
    if (is_surrogate(code, 0xdc00))
        return bad(r, start, err, "second half of a surrogate pair without the first");
    r->at += 6;
    if (is_surrogate(code, 0xd800)) {
        int second = r->at[0] == '\\' && r->at[1] == 'u' ? hex4(r->at + 2) : -1;
        if (!is_surrogate(second, 0xdc00))
            return bad(r, start, err, "first half of a surrogate pair without the second");
        r->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
    }
    *to = write_utf8(*to, (unsigned)code);
    return true;
}

/* At the opening quote; leaves r->at behind the closing one. */
static bool read_string(reader *r, gt_str *text, gt_err *err)
{
    char *start = r->at + 1, *to = start;
    r->at = start;
    for (;;) {
        char *run = r->at;
        r->at = plain_end(r, run);
        size_t n = (size_t)(r->at - run);
        if (to != run) /* behind an escape */
            memmove(to, run, n);
        to += n;
        if (*r->at == '"')
            break;
        if (*r->at != '\\') {
            if (r->at == r->end)
                return bad(r, start - 1, err, "string without an end");
            return bad(r, r->at, err, (unsigned char)*r->at < 0x20 ? "control character in a string" : "invalid UTF-8");
        }
        if (!read_escape(r, &to, err))
            return false;
    }
    r->at++;
    *to = '\0'; /* at most where the closing quote was */
    *text = (gt_str){start, (size_t)(to - start)};
    return true;
}

/* ---- numbers and words ---- */

static bool skip_digits(reader *r)
{
    const char *start = r->at;
    while (is_digit(*r->at))
        r->at++;
    return r->at > start;
}

static bool skip(reader *r, char c)
{
    bool found = *r->at == c;
    r->at += found;
    return found;
}

/* Its text is kept: most numbers are never asked for. */
static bool read_number(reader *r, gt_str *text, gt_err *err)
{
    const char *start = r->at;
    skip(r, '-');
    bool zero = *r->at == '0', leading = zero && is_digit(r->at[1]);
    bool good = skip_digits(r) && !leading;
    if (good && skip(r, '.'))
        good = skip_digits(r);
    if (good && (skip(r, 'e') || skip(r, 'E'))) {
        if (!skip(r, '+'))
            skip(r, '-');
        good = skip_digits(r);
    }
    *text = (gt_str){start, (size_t)(r->at - start)};
    return good || bad(r, start, err, "not a number of JSON");
}

static bool read_word(reader *r, gt_view_node *node, gt_err *err)
{
    static const struct {
        gt_str text;
        gt_view_type type;
        bool truth;
    } words[] = {
        {GT_STR_INIT("true"), GT_VIEW_BOOL, true},
        {GT_STR_INIT("false"), GT_VIEW_BOOL, false},
        {GT_STR_INIT("null"), GT_VIEW_NULL, false},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (memcmp(r->at, words[i].text.at, words[i].text.len) == 0) {
            r->at += words[i].text.len;
            node->type = words[i].type;
            node->truth = words[i].truth;
            return true;
        }
    }
    return missing(r, err, "not JSON: a value is missing");
}

/* ---- unique keys ---- */

static void write_path(gt_buf *buf, const reader *r)
{
    for (int i = 0; i < r->depth; i++) {
        const gt_view_node *list = r->lists[i], *child = r->lists[i + 1];
        if (list->type == GT_VIEW_OBJECT)
            gt_buf_printf(buf, "%s%s", buf->len == 0 ? "" : ".", child->key.at);
        else
            gt_buf_printf(buf, "[%zu]", list->list.count - 1); /* what is open is its list's last child */
    }
}

static bool is_first_of_its_key(const gt_view_node *object, const gt_view_node *child)
{
    const gt_view_node *other = object->list.first;
    /* the first byte, a NUL in an empty key, spares most calls of memcmp */
    while (other != child && (other->key.len != child->key.len || other->key.at[0] != child->key.at[0] ||
                              memcmp(other->key.at, child->key.at, child->key.len) != 0))
        other = other->next;
    return other == child;
}

/* An object that was closed just now: r->lists[r->depth] still is it. */
static bool check_keys(reader *r, gt_err *err)
{
    enum { FEW = 16 };
    const gt_view_node *object = r->lists[r->depth];
    gt_map seen;
    bool many = object->list.count > FEW;
    if (many) {
        gt_map_init(&seen, r->arena);
        gt_map_reserve(&seen, object->list.count);
    }
    for (gt_view_node *child = object->list.first; child != NULL; child = child->next) {
        if (many ? gt_map_put(&seen, child->key, child) == NULL : is_first_of_its_key(object, child))
            continue;
        gt_buf path;
        gt_buf_init(&path, r->arena, 100);
        write_path(&path, r);
        return gt_fail(err, GT_ERR_INPUT, "duplicate key \"%.60s\"%s%.200s", child->key.at, path.len == 0 ? "" : " in ",
                       path.at);
    }
    return true;
}

/* ---- structure ---- */

static bool open_list(reader *r, gt_view_node *node, gt_err *err)
{
    node->type = *r->at++ == '{' ? GT_VIEW_OBJECT : GT_VIEW_ARRAY;
    if (r->depth == r->max_depth)
        return gt_fail(err, GT_ERR_LIMIT, "byte %zu: more than %d levels deep", (size_t)(r->at - r->text),
                       r->max_depth);
    r->lists[r->depth++] = node;
    r->slot = &node->list.first;
    return true;
}

static bool read_key(reader *r, gt_str *key, gt_err *err)
{
    if (next_token(r) != '"')
        return missing(r, err, "not JSON: a key in quotes is missing");
    if (!read_string(r, key, err))
        return false;
    next_token(r);
    return skip(r, ':') || missing(r, err, "not JSON: a colon is missing");
}

/* A list is only opened. */
static bool read_value(reader *r, gt_view_node *node, gt_err *err)
{
    char first = next_token(r);
    if (first == '"') {
        node->type = GT_VIEW_STRING;
        return read_string(r, &node->text, err);
    }
    if (first == '{' || first == '[')
        return open_list(r, node, err);
    if (first == '-' || is_digit(first)) {
        node->type = GT_VIEW_NUMBER;
        return read_number(r, &node->text, err);
    }
    return read_word(r, node, err);
}

/* The root, or the next child of the innermost list. */
static bool read_node(reader *r, gt_err *err)
{
    gt_view_node *list = r->depth == 0 ? NULL : r->lists[r->depth - 1], *node = GT_NEW(r->arena, gt_view_node);
    *r->slot = node;
    r->slot = &node->next;
    if (list != NULL)
        list->list.count++;
    if (list != NULL && list->type == GT_VIEW_OBJECT && !read_key(r, &node->key, err))
        return false;
    return read_value(r, node, err);
}

/* Behind a value, or a list's beginning: closes the lists that end here. What then comes is the next child of the
 * innermost one that is open. */
static bool read_ends(reader *r, gt_err *err)
{
    while (r->depth > 0) {
        gt_view_node *list = r->lists[r->depth - 1];
        if (next_token(r) != (list->type == GT_VIEW_OBJECT ? '}' : ']'))
            return list->list.count == 0 || skip(r, ',') ||
                   missing(r, err, "not JSON: a comma or the list's end is missing");
        r->at++;
        r->depth--;
        r->slot = &list->next;
        if (list->type == GT_VIEW_OBJECT && !check_keys(r, err))
            return false;
    }
    return true;
}

static bool read_text(reader *r, gt_err *err)
{
    if (memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
        return bad(r, r->at, err, "byte order mark");
    next_token(r);
    if (r->at == r->end)
        return gt_fail(err, GT_ERR_INPUT, "empty: no JSON in it");
    do
        if (!read_node(r, err) || !read_ends(r, err))
            return false;
    while (r->depth > 0);
    next_token(r);
    return r->at == r->end || bad(r, r->at, err, "something follows the end of the JSON");
}

bool gt_json_read(gt_arena *arena, gt_str text, int max_depth, const gt_view_node **root, gt_err *err)
{
    assert(max_depth > 0 && max_depth <= GT_JSON_DEEPEST);
    gt_view_node *tree, *lists[GT_JSON_DEEPEST];
    char *copy = gt_arena_alloc_raw(arena, text.len + SENTINEL);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    memset(copy + text.len, 0, SENTINEL);
    reader r = {.arena = arena,
                .text = copy,
                .at = copy,
                .end = copy + text.len,
                .slot = &tree,
                .lists = lists,
                .max_depth = max_depth};
    if (!read_text(&r, err)) {
        /* whatever is wrong, invalid UTF-8 is said first: the rest may follow from it */
        size_t valid = gt_str_starts(text, "\xef\xbb\xbf") ? text.len : gt_str_utf8_len(text);
        return valid < text.len ? bad(&r, copy + valid, err, "invalid UTF-8") : false;
    }
    *root = tree;
    return true;
}
