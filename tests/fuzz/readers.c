/* The readers and the printers undo each other: YAML printed and read again is equal, and so is JSON; the canonical form of the
 * canonical form is itself; JSON read as YAML is the same value, and so it is as cJSON reads it. */
#include "lib/yaml/yaml.h"
#include "tests/cjson.h"
#include "tests/fuzz/fuzz.h"

const bool fuzz_wants_yaml = true;

static gt_arena *arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    arena = gt_arena_new(0);
    FUZZ_CHECK(arena != NULL, "out of memory");
    return 0;
}

static gt_str canonical(const gt_value *value)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 4096);
    gt_value_canonical(&buf, value);
    return gt_buf_slice(&buf);
}

static void check_same(const gt_value *value, const gt_value *again, gt_str printed)
{
    FUZZ_CHECK(gt_value_equal(value, again), "was %s, is %s, by way of\n%.*s", canonical(value).at, canonical(again).at,
               GT_STR_ARG(printed));
}

/* What gt_yaml_load refuses of a value that JSON allows. */
static bool fits_yaml(const gt_value *value, int levels)
{
    if (levels < 0 || memchr(value->key.at == NULL ? "" : value->key.at, '\0', value->key.len) != NULL)
        return false;
    if (value->type == GT_VALUE_STRING && memchr(value->text.at, '\0', value->text.len) != NULL)
        return false;
    GT_VALUE_EACH (child, value)
        if (!fits_yaml(child, levels - 1))
            return false;
    return true;
}

/* U+0085, U+2028 and U+2029 are line breaks of YAML, and fold: kubectl makes a space of them, too. */
static bool has_break(gt_str text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (memcmp(text.at + i, "\xc2\x85", 2) == 0 || memcmp(text.at + i, "\xe2\x80", 2) == 0)
            return true;
    return false;
}

/* JSON may hold DEL and other characters bare that YAML wants escaped: libyaml then says so. */
static void read_as_yaml(const gt_value *value, gt_str printed, bool json)
{
    gt_yaml_docs docs;
    gt_err err;
    if (!gt_yaml_load(arena, printed, &docs, &err)) {
        bool longer = err.kind == GT_ERR_LIMIT;
        FUZZ_CHECK(longer || (json && strstr(err.text, "control characters are not allowed") != NULL), "%s: %.*s",
                   err.text, GT_STR_ARG(printed));
        return;
    }
    FUZZ_CHECK(docs.count == 1, "%zu documents of\n%.*s", docs.count, GT_STR_ARG(printed));
    check_same(value, docs.at[0], printed);
}

static void round_trip(const gt_value *value)
{
    gt_value *again;
    gt_err err;
    gt_str text = canonical(value);
    gt_view view = fuzz_json(arena, text, "the canonical form");
    if (gt_value_from_view(arena, view, &again, &err)) {
        check_same(value, again, text);
        FUZZ_CHECK(gt_str_eq(canonical(again), text), "canonical twice: %.*s", GT_STR_ARG(text));
    }
    fuzz_json(arena, fuzz_print(arena, value), "as printed");
    if (!fits_yaml(value, 63))
        return;
    if (!has_break(text))
        read_as_yaml(value, text, true);
    for (int indent = 0; indent <= 3; indent += 3) {
        gt_buf buf;
        gt_buf_init(&buf, arena, 4096);
        gt_yaml_print(&buf, value, indent);
        read_as_yaml(value, gt_buf_slice(&buf), false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gt_str text = {(const char *)data, size};
    gt_view view;
    gt_value *value;
    gt_yaml_docs docs;
    gt_err err;
    if (gt_view_parse(arena, text, 0, &view, &err)) {
        FUZZ_CHECK(cjson_agrees(text, view), "cJSON reads it otherwise");
        FUZZ_CHECK(gt_arena_used(arena) <= 25 * size + 100, "%zu bytes for %zu", gt_arena_used(arena), size);
        if (gt_value_from_view(arena, view, &value, &err))
            round_trip(value);
    }
    if (gt_yaml_load(arena, text, &docs, &err))
        for (size_t i = 0; i < docs.count; i++)
            round_trip(docs.at[i]);
    gt_arena_reset(arena);
    return 0;
}
