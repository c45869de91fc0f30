/* Half of the mutations, and all where the input doesn't parse, are libFuzzer's own: they break the grammar. The others read the
 * input as YAML (which JSON is, too), change the tree here and there, and print it: they get past the readers and try the engine.
 * Keys and texts come from the dictionary and from the input itself. */
#include "lib/yaml/yaml.h"
#include "tests/fuzz/fuzz.h"

#define DICTIONARY "tests/fuzz/gastown.dict"

enum { MOST_NODES = 4096, MOST_WORDS = 512, MOST_CHANGES = 4, LONGEST_TEXT = 256 };

typedef struct node {
    gt_value *value, *parent, *before; /* parent NULL: a document */
} node;

typedef struct tree {
    gt_arena *arena;
    uint64_t random;
    node nodes[MOST_NODES];
    size_t count;
} tree;

static gt_str words[MOST_WORDS];
static size_t word_count;

static uint64_t dice(tree *t, uint64_t sides)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random % sides;
}

/* The words without an escape. */
static void read_dictionary(void)
{
    static gt_arena *arena;
    arena = gt_arena_new(0);
    FUZZ_CHECK(arena != NULL, "out of memory");
    gt_str text = fuzz_file(arena, DICTIONARY);
    for (size_t i = 0, n; i < text.len && word_count < MOST_WORDS; i += n + 1) {
        gt_str line = {text.at + i, strcspn(text.at + i, "\n")};
        n = line.len;
        if (n > 2 && line.at[0] == '"' && memchr(line.at, '\\', n) == NULL)
            words[word_count++] = (gt_str){line.at + 1, n - 2};
    }
}

static void collect(tree *t, gt_value *value, gt_value *parent, gt_value *before)
{
    if (t->count == MOST_NODES)
        return;
    t->nodes[t->count++] = (node){value, parent, before};
    gt_value *last = NULL;
    for (gt_value *child = value->first; child != NULL; last = child, child = child->next)
        collect(t, child, value, last);
}

static const node *any(tree *t)
{
    return &t->nodes[dice(t, t->count)];
}

/* ---- what a node can become ---- */

static gt_value *scrambled(tree *t, gt_str text)
{
    uint8_t bytes[LONGEST_TEXT];
    size_t n = text.len < sizeof bytes ? text.len : sizeof bytes;
    if (n > 0)
        memcpy(bytes, text.at, n);
    gt_str result = {(const char *)bytes, LLVMFuzzerMutate(bytes, n, sizeof bytes)};
    result.len = gt_str_utf8_len(result);
    return gt_value_string(t->arena, result);
}

static gt_value *random_scalar(tree *t)
{
    static const char *const numbers[] = {"0",         "1",   "-1",    "420",  "2147483648", "9007199254740992",
                                          "999999999", "0.5", "1e308", "1e-7", "65535",      "65536"};
    switch (dice(t, 8)) {
    case 0: return gt_value_null(t->arena);
    case 1: return gt_value_bool(t->arena, dice(t, 2) == 0);
    case 2: return gt_value_number(t->arena, gt_str_of(numbers[dice(t, sizeof numbers / sizeof *numbers)]));
    case 3: return gt_value_text(t->arena, "");
    case 4: return dice(t, 2) == 0 ? gt_value_array(t->arena) : gt_value_object(t->arena);
    default: return gt_value_string(t->arena, words[dice(t, word_count)]);
    }
}

static gt_value *replacement(tree *t, const gt_value *old)
{
    uint64_t kind = dice(t, 4);
    if (kind == 0)
        return gt_value_copy(t->arena, any(t)->value);
    return kind == 1 && old->type == GT_VALUE_STRING ? scrambled(t, old->text) : random_scalar(t);
}

static gt_str random_key(tree *t)
{
    gt_str own = any(t)->value->key;
    return own.len > 0 && dice(t, 3) == 0 ? own : words[dice(t, word_count)];
}

static bool has(const gt_value *object, gt_str key)
{
    return gt_value_get_str(object, key) != NULL;
}

/* A child more, in front. */
static void add_child(tree *t, gt_value *list)
{
    gt_value *child = dice(t, 2) == 0 ? gt_value_copy(t->arena, any(t)->value) : random_scalar(t);
    gt_str key = list->type == GT_VALUE_OBJECT ? random_key(t) : (gt_str){NULL, 0};
    if (list->type == GT_VALUE_OBJECT && has(list, key))
        return;
    child->key = key;
    child->next = list->first;
    list->first = child;
    if (list->last == NULL)
        list->last = child;
    list->count++;
}

static void take_out(const node *n)
{
    *(n->before == NULL ? &n->parent->first : &n->before->next) = n->value->next;
    if (n->parent->last == n->value)
        n->parent->last = n->before;
    n->parent->count--;
}

/* The node keeps its place and its key. */
static void become(gt_value *value, const gt_value *other)
{
    gt_value changed = *other;
    changed.key = value->key;
    changed.next = value->next;
    *value = changed;
}

static void change(tree *t)
{
    const node *n = any(t);
    gt_value *value = n->value;
    bool list = value->type == GT_VALUE_ARRAY || value->type == GT_VALUE_OBJECT;
    gt_str key = random_key(t);
    switch (dice(t, 6)) {
    case 0:
        if (n->parent != NULL)
            take_out(n);
        break;
    case 1:
        if (n->parent != NULL && n->parent->type == GT_VALUE_OBJECT && !has(n->parent, key))
            value->key = key;
        break;
    case 2:
    case 3:
        if (list) {
            add_child(t, value);
            break;
        }
        become(value, replacement(t, value));
        break;
    default:
        if (!list || dice(t, 8) == 0)
            become(value, replacement(t, value));
        break;
    }
}

/* ---- the whole ---- */

static size_t print(tree *t, const gt_yaml_docs *docs, uint8_t *data, size_t most)
{
    gt_buf buf;
    gt_buf_init(&buf, t->arena, 4096);
    for (size_t i = 0; i < docs->count; i++) {
        if (!fuzz_wants_yaml) {
            gt_value_print(&buf, docs->at[i]);
            break;
        }
        gt_buf_text(&buf, i == 0 ? "" : "---\n");
        gt_yaml_print(&buf, docs->at[i], 0);
    }
    if (buf.len > most)
        return 0;
    memcpy(data, buf.at, buf.len);
    return buf.len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static tree t;
    gt_yaml_docs docs;
    gt_err err;
    if (word_count == 0)
        read_dictionary();
    t.random = seed * 0x9e3779b97f4a7c15u + 1;
    if (dice(&t, 2) == 0)
        return LLVMFuzzerMutate(data, size, most);
    t.arena = gt_arena_new(0);
    FUZZ_CHECK(t.arena != NULL, "out of memory");
    size_t result = 0;
    if (gt_yaml_load(t.arena, (gt_str){(const char *)data, size}, &docs, &err) && docs.count > 0) {
        for (uint64_t n = 1 + dice(&t, MOST_CHANGES); n > 0; n--) {
            t.count = 0; /* again each time: a change moves nodes */
            for (size_t i = 0; i < docs.count; i++)
                collect(&t, docs.at[i], NULL, NULL);
            change(&t);
        }
        result = print(&t, &docs, data, most);
    }
    gt_arena_free(t.arena);
    return result > 0 ? result : LLVMFuzzerMutate(data, size, most);
}
