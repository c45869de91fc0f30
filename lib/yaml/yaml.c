/* Around libyaml 0.2.5, by its events: a tree of our own is built, with a stack of open containers that is as deep as
 * we allow.
 *   - libyaml has no limits and is quadratic in open brackets -> the depth is counted with each event; it reads at
 *     most 1,024 characters ahead of the event that it hands out, so that the 65th level is seen before many more are
 *   - it is quadratic in %TAG lines -> they are counted first
 *   - it refuses the surrogate pairs of JSON's \u escapes -> in a text that is JSON they become \U escapes first
 *   - it mallocs, and our arena may run out in between -> the building runs inside gt_arena_try, the parser lives
 *     outside */
#include "lib/yaml/yaml.h"

#include <assert.h>
#include <yaml.h>

#include "lib/base/map.h"
#include "lib/yaml/slips.h"
#include "lib/yaml/typing.h"

enum { MOST_BYTES = 1024 * 1024, MOST_EVENTS = 1000 * 1000, MOST_LEVELS = 64, MOST_DIRECTIVES = 64, FEW_KEYS = 8 };

/* An open list or object. */
typedef struct level {
    gt_value *list;
    gt_map seen; /* its keys, from FEW_KEYS on */
    bool has_key;
    gt_str key; /* waits for its value */
} level;

typedef struct load {
    gt_arena *arena;
    gt_str text;
    gt_yaml_docs *docs;
    size_t docs_room, events;
    gt_yaml_surprise *last_surprise;
    level levels[MOST_LEVELS];
    size_t depth;
    yaml_parser_t parser;
    yaml_event_t event;
} load;

/* ---- errors ---- */

static bool refuse(const yaml_mark_t *mark, gt_err *err, gt_err_kind kind, const char *what)
{
    return gt_fail(err, kind, "line %zu, column %zu: %s", mark->line + 1, mark->column + 1, what);
}

static bool refuse_event(const load *l, gt_err *err, const char *what)
{
    return refuse(&l->event.start_mark, err, GT_ERR_INPUT, what);
}

static yaml_mark_t mark_at(gt_str text, size_t offset)
{
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.at[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else {
            mark.column += ((unsigned char)text.at[i] & 0xc0) != 0x80;
        }
    }
    return mark;
}

/* Where the character of a mark is, which counts characters without the byte order mark. */
static size_t offset_of(gt_str text, const yaml_mark_t *mark)
{
    size_t i = gt_str_starts(text, "\xef\xbb\xbf") ? 3 : 0, n = 0;
    for (; i < text.len; i++) {
        n += ((unsigned char)text.at[i] & 0xc0) != 0x80;
        if (n > mark->index)
            break;
    }
    return i;
}

/* What libyaml found: "line 2, column 3: did not find expected key (while parsing a block mapping): is the indentation right?". */
static bool refuse_syntax(const load *l, gt_err *err)
{
    const yaml_parser_t *p = &l->parser;
    yaml_mark_t mark = p->problem_mark;
    switch (p->error) {
    case YAML_MEMORY_ERROR: return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    case YAML_READER_ERROR: mark = mark_at(l->text, p->problem_offset); break;
    default: break;
    }
    const char *problem = p->problem == NULL ? "not YAML" : p->problem, *context = p->context == NULL ? "" : p->context;
    const gt_yaml_slip *slip = gt_yaml_slip_of(problem, context, l->text, offset_of(l->text, &mark));
    if (slip != NULL && slip->opened)
        mark = p->context_mark;
    if (slip != NULL && slip->instead != NULL)
        return refuse(&mark, err, GT_ERR_INPUT, slip->instead);
    return gt_fail(err, GT_ERR_INPUT, "line %zu, column %zu: %s%s%s%s%s%s", mark.line + 1, mark.column + 1, problem,
                   *context == '\0' ? "" : " (", context, *context == '\0' ? "" : ")", slip == NULL ? "" : ": ",
                   slip == NULL ? "" : slip->hint);
}

/* A key as messages show it. */
static const char *shown(gt_arena *arena, gt_str text)
{
    enum { SHORT = 60 };
    gt_buf buf;
    gt_buf_init(&buf, arena, SHORT + 8);
    if (text.len <= SHORT) {
        gt_json_string(&buf, text);
    } else {
        gt_json_string(&buf, (gt_str){text.at, gt_str_utf8_len((gt_str){text.at, SHORT})});
        gt_buf_text(&buf, "...");
    }
    return buf.at;
}

/* ---- the tree ---- */

static level *innermost(load *l)
{
    return l->depth == 0 ? NULL : &l->levels[l->depth - 1];
}

static bool wants_key(const load *l)
{
    const level *open = l->depth == 0 ? NULL : &l->levels[l->depth - 1];
    return open != NULL && open->list->type == GT_VALUE_OBJECT && !open->has_key;
}

static void add_document(load *l, gt_value *value)
{
    gt_yaml_docs *docs = l->docs;
    if (docs->count == l->docs_room) {
        l->docs_room = docs->count == 0 ? 4 : docs->count * 2;
        gt_value **at = GT_NEW_N(l->arena, gt_value *, l->docs_room);
        if (docs->count > 0)
            memcpy(at, docs->at, docs->count * sizeof *at);
        docs->at = at;
    }
    docs->at[docs->count++] = value;
}

static void place(load *l, gt_value *value)
{
    level *open = innermost(l);
    value->line = (uint32_t)l->event.start_mark.line + 1;
    value->column = (uint32_t)l->event.start_mark.column + 1;
    if (open == NULL) {
        add_document(l, value);
    } else if (open->list->type == GT_VALUE_ARRAY) {
        gt_value_push(open->list, value);
    } else {
        gt_value_append(open->list, open->key, value);
        open->has_key = false;
    }
}

static void note_surprise(load *l, gt_str text, const char *read_as)
{
    gt_yaml_surprise *s = GT_NEW(l->arena, gt_yaml_surprise);
    s->line = (uint32_t)l->event.start_mark.line + 1;
    s->column = (uint32_t)l->event.start_mark.column + 1;
    s->text = text;
    s->read_as = read_as;
    if (l->last_surprise == NULL)
        l->docs->surprises = s;
    else
        l->last_surprise->next = s;
    l->last_surprise = s;
}

static bool is_duplicate(level *open, gt_str key)
{
    if (open->list->count < FEW_KEYS)
        return gt_value_get_str(open->list, key) != NULL;
    if (open->seen.count == 0)
        GT_VALUE_EACH (member, open->list)
            gt_map_put(&open->seen, member->key, open->list);
    return gt_map_put(&open->seen, key, open->list) != NULL;
}

/* Kubernetes types a plain key and makes a text of it again. We keep the text, and say where that differs. */
static bool check_plain_key(load *l, gt_str key, gt_err *err)
{
    if (gt_str_is(key, "<<"))
        return refuse_event(l, err, "merge keys (<<) are not supported");
    gt_yaml_plain plain = gt_yaml_resolve(l->arena, key);
    if (plain.type == GT_VALUE_NULL)
        return refuse_event(l, err, "a key can't be null: quote it");
    if (plain.type != GT_VALUE_STRING && !plain.not_finite && !gt_str_eq(plain.text, key))
        note_surprise(l, key,
                      gt_arena_printf(l->arena, "the key as it is written; kubectl makes \"%.*s\" of it",
                                      GT_STR_ARG(plain.text)));
    return true;
}

static bool take_key(load *l, gt_str text, bool plain, gt_err *err)
{
    level *open = innermost(l);
    assert(open != NULL);
    open->key = (gt_str){gt_arena_dup(l->arena, text.at, text.len), text.len};
    open->has_key = true;
    if (plain && !check_plain_key(l, open->key, err))
        return false;
    if (is_duplicate(open, open->key))
        return refuse_event(l, err, gt_arena_printf(l->arena, "duplicate key %s", shown(l->arena, text)));
    return true;
}

static bool take_plain(load *l, gt_str text, gt_err *err)
{
    gt_yaml_plain plain = gt_yaml_resolve(l->arena, text);
    if (plain.not_finite)
        return refuse_event(l, err, gt_arena_printf(l->arena, "%.*s is no number of JSON", GT_STR_ARG(text)));
    if (plain.read_as != NULL)
        note_surprise(l, (gt_str){gt_arena_dup(l->arena, text.at, text.len), text.len}, plain.read_as);
    switch (plain.type) {
    case GT_VALUE_NULL: place(l, gt_value_null(l->arena)); break;
    case GT_VALUE_BOOL: place(l, gt_value_bool(l->arena, plain.truth)); break;
    case GT_VALUE_NUMBER: place(l, gt_value_number(l->arena, plain.text)); break;
    default: place(l, gt_value_string(l->arena, plain.text)); break;
    }
    return true;
}

/* ---- events ---- */

static bool take_scalar(load *l, gt_err *err)
{
    gt_str text = {(const char *)l->event.data.scalar.value, l->event.data.scalar.length};
    bool plain = l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (l->event.data.scalar.anchor != NULL)
        return refuse_event(l, err, "anchors (&) are not supported");
    if (l->event.data.scalar.tag != NULL)
        return refuse_event(l, err, "tags (!) are not supported");
    if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
        return refuse_event(l, err, "a NUL character");
    if (wants_key(l))
        return take_key(l, text, plain, err);
    if (plain && text.len == 0 && l->depth == 0)
        return true; /* an empty document */
    if (plain)
        return take_plain(l, text, err);
    place(l, gt_value_string(l->arena, text));
    return true;
}

static bool open_level(load *l, gt_value *list, const yaml_char_t *anchor, const yaml_char_t *tag, gt_err *err)
{
    if (anchor != NULL)
        return refuse_event(l, err, "anchors (&) are not supported");
    if (tag != NULL)
        return refuse_event(l, err, "tags (!) are not supported");
    if (wants_key(l))
        return refuse_event(l, err,
                            gt_yaml_is_placeholder(l->text, offset_of(l->text, &l->event.start_mark))
                                ? "a key must be a text: {{ looks like a Helm template that wasn't rendered"
                                : "a key must be a text");
    if (l->depth == MOST_LEVELS)
        return gt_fail(err, GT_ERR_LIMIT, "line %zu, column %zu: more than %d levels deep",
                       l->event.start_mark.line + 1, l->event.start_mark.column + 1, MOST_LEVELS);
    place(l, list);
    level *opened = &l->levels[l->depth++];
    *opened = (level){.list = list};
    gt_map_init(&opened->seen, l->arena);
    return true;
}

static bool start_document(const load *l, gt_err *err)
{
    if (l->event.data.document_start.tag_directives.start != l->event.data.document_start.tag_directives.end)
        return refuse_event(l, err, "tags (%TAG) are not supported");
    return true;
}

static bool take_event(load *l, gt_err *err)
{
    const yaml_event_t *e = &l->event;
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT: return start_document(l, err);
    case YAML_ALIAS_EVENT: return refuse_event(l, err, "aliases (*) are not supported");
    case YAML_SCALAR_EVENT: return take_scalar(l, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(l, gt_value_array(l->arena), e->data.sequence_start.anchor, e->data.sequence_start.tag, err);
    case YAML_MAPPING_START_EVENT:
        return open_level(l, gt_value_object(l->arena), e->data.mapping_start.anchor, e->data.mapping_start.tag, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: l->depth--; return true;
    default: return true;
    }
}

static bool build(void *context, gt_err *err)
{
    load *l = context;
    for (yaml_event_type_t type = YAML_NO_EVENT; type != YAML_STREAM_END_EVENT;) {
        if (!yaml_parser_parse(&l->parser, &l->event))
            return refuse_syntax(l, err);
        type = l->event.type;
        if (++l->events > MOST_EVENTS)
            return refuse(&l->event.start_mark, err, GT_ERR_LIMIT, "more than 1,000,000 YAML events");
        if (!take_event(l, err))
            return false;
        yaml_event_delete(&l->event);
    }
    return true;
}

/* ---- the text ---- */

static bool check_text(gt_str text, gt_err *err)
{
    if (text.len > MOST_BYTES)
        return gt_fail(err, GT_ERR_LIMIT, "%zu bytes of YAML: more than %d", text.len, MOST_BYTES);
    size_t valid = gt_str_utf8_len(text);
    yaml_mark_t mark = mark_at(text, valid);
    if (valid < text.len)
        return refuse(&mark, err, GT_ERR_INPUT, "invalid UTF-8");
    size_t directives = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool line_start = i == 0 || text.at[i - 1] == '\n' || text.at[i - 1] == '\r';
        directives += line_start && text.at[i] == '%';
    }
    return directives <= MOST_DIRECTIVES || gt_fail(err, GT_ERR_LIMIT, "more than %d directives (%%)", MOST_DIRECTIVES);
}

static unsigned hex4(const char *digits)
{
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        code = code * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
}

/* JSON writes a character beyond U+FFFF as \ud83d\ude00, YAML as \U0001f600. Where the text is JSON (so that each
 * backslash is in a string and each pair is whole) the one becomes the other. */
static gt_str without_surrogates(gt_arena *arena, gt_str text)
{
    gt_view json;
    gt_err ignored;
    bool small = text.len > 0 && memmem(text.at, text.len, "\\ud", 3) != NULL;
    bool large = text.len > 0 && memmem(text.at, text.len, "\\uD", 3) != NULL;
    if ((!small && !large) || !gt_view_parse(arena, text, 0, &json, &ignored))
        return text;
    gt_buf buf;
    gt_buf_init(&buf, arena, text.len);
    for (size_t i = 0; i < text.len; i++) {
        bool escape = text.at[i] == '\\', surrogate = false;
        if (escape && text.at[i + 1] == 'u')
            surrogate = hex4(text.at + i + 2) >> 11 == 0xd800 >> 11;
        if (surrogate) {
            unsigned high = hex4(text.at + i + 2) - 0xd800, low = hex4(text.at + i + 8) - 0xdc00;
            gt_buf_printf(&buf, "\\U%08x", 0x10000 + (high << 10) + low);
            i += 11;
            continue;
        }
        gt_buf_byte(&buf, text.at[i]);
        if (escape) /* what is escaped isn't looked at: \\ud83d is a backslash and five letters */
            gt_buf_byte(&buf, text.at[++i]);
    }
    return gt_buf_slice(&buf);
}

bool gt_yaml_load(gt_arena *arena, gt_str text, gt_yaml_docs *docs, gt_err *err)
{
    *docs = (gt_yaml_docs){0};
    if (!check_text(text, err))
        return false;
    load l = {.arena = arena, .text = without_surrogates(arena, text), .docs = docs};
    if (!yaml_parser_initialize(&l.parser))
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)l.text.at, l.text.len);
    bool ok = gt_arena_try(arena, build, &l, err);
    yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
    if (!ok)
        *docs = (gt_yaml_docs){0};
    return ok;
}
