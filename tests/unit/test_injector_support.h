/* What the tests of the engine share: JSON and YAML from C strings, records and findings as text.
 * Texts are written with ' for ", so that JSON can be read in C. */
#ifndef GT_TESTS_UNIT_TEST_INJECTOR_SUPPORT_H
#define GT_TESTS_UNIT_TEST_INJECTOR_SUPPORT_H

#include "injector/inject.h"
#include "injector/template.h"
#include "lib/yaml/yaml.h"
#include "tests/unit/support.h"

static inline const char *quoted(gt_arena *arena, const char *text)
{
    char *copy = gt_arena_strdup(arena, text);
    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

static inline gt_view view_of(gt_arena *arena, const char *json)
{
    gt_view view;
    gt_err err;
    bool good = gt_view_parse(arena, gt_str_of(quoted(arena, json)), 0, &view, &err);
    cr_assert(good, "%s: %s", json, err.text);
    return view;
}

/* The documents of a text; quotes as they stand. */
static inline gt_yaml_docs yaml_of(gt_arena *arena, const char *text)
{
    gt_yaml_docs docs;
    gt_err err;
    bool good = gt_yaml_load(arena, gt_str_of(text), &docs, &err);
    cr_assert(good, "%s: %s", text, err.text);
    return docs;
}

static inline gt_value *value_of(gt_arena *arena, const char *yaml)
{
    gt_yaml_docs docs = yaml_of(arena, yaml);
    cr_assert_eq(docs.count, 1, "%s: one document", yaml);
    return docs.at[0];
}

/* Compact JSON with ' for ", keys sorted. */
static inline gt_str shown(gt_arena *arena, const gt_value *value)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 256);
    gt_value_canonical(&buf, value);
    for (size_t i = 0; i < buf.len; i++)
        if (buf.at[i] == '"')
            buf.at[i] = '\'';
    return gt_buf_slice(&buf);
}

/* "403 field: message; 422 field: message", or the warnings as "field: message; ...". */
static inline gt_str notes_of(gt_arena *arena, const gt_note *first)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 128);
    for (const gt_note *note = first; note != NULL; note = note->next) {
        gt_buf_text(&buf, note == first ? "" : "; ");
        if (note->code > 0)
            gt_buf_printf(&buf, "%d ", note->code);
        gt_buf_printf(&buf, "%.*s: %.*s", GT_STR_ARG(note->field), GT_STR_ARG(note->message));
    }
    return gt_buf_slice(&buf);
}

/* "error field: message", "forbidden field: message", "warning field: message"; a line each. */
static inline gt_str findings_of(gt_arena *arena, const gt_finding *first)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 128);
    for (const gt_finding *f = first; f != NULL; f = f->next)
        gt_buf_printf(&buf, "%s%s %.*s: %.*s", f == first ? "" : "\n",
                      !f->error   ? "warning"
                      : f->policy ? "forbidden"
                                  : "error",
                      GT_STR_ARG(f->field), GT_STR_ARG(f->message));
    return gt_buf_slice(&buf);
}

static inline bool holds(gt_str text, const char *part)
{
    return part[0] == '\0' || (text.len > 0 && memmem(text.at, text.len, part, strlen(part)) != NULL);
}

/* A template as a layer; it must be a good one. */
static inline gt_layer *layer_of(gt_arena *arena, const char *yaml, gt_layer_id origin)
{
    gt_check check = {.arena = arena};
    gt_layer *layer = gt_layer_new(arena);
    bool good = gt_template_parse(&check, NULL, value_of(arena, yaml), origin, layer);
    cr_assert(good, "%s: %s", yaml, findings_of(arena, check.first).at);
    return layer;
}

/* A snapshot of the documents of a text, called town.yaml. Owns an arena of its own; the documents are gone. */
static inline gt_snapshot *snapshot_where(gt_claims claims, const char *yaml)
{
    gt_arena *arena = gt_arena_new(0);
    SCOPED_ARENA(read);
    gt_yaml_docs docs = yaml_of(read, yaml);
    gt_document *documents = GT_NEW_N(read, gt_document, docs.count);
    for (size_t i = 0; i < docs.count; i++)
        documents[i] = (gt_document){gt_str_of(gt_arena_strdup(read, "town.yaml")), docs.at[i]};
    gt_snapshot *snapshot = NULL;
    gt_err err;
    bool good = gt_snapshot_build(arena, documents, docs.count, claims, &snapshot, &err);
    cr_assert(good, "%s", err.text);
    return snapshot;
}

static inline gt_snapshot *snapshot_of(const char *yaml)
{
    return snapshot_where(GT_CLAIMS_EQUAL, yaml);
}

static inline void snapshot_cleanup(gt_snapshot **snapshot)
{
    gt_snapshot_free(*snapshot);
}

/* NOLINTNEXTLINE(bugprone-macro-parentheses): name is declared here */
#define SCOPED_SNAPSHOT(name, yaml) gt_scoped(snapshot_cleanup) gt_snapshot *name = snapshot_of(yaml)

#define TOWN_OF(spec)                                                                                                  \
    "{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: main, namespace: gastown, generation: 12}, "    \
    "spec: " spec "}\n"
#define RIG_OF(name, spec)                                                                                             \
    "---\n{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: " name                                         \
    ", namespace: gastown, generation: 7}, spec: " spec "}\n"
#define POOL_OF(name, spec)                                                                                            \
    "---\n{apiVersion: gastown.io/v1alpha1, kind: AgentPool, metadata: {name: " name                                   \
    ", namespace: gastown, generation: 3}, spec: " spec "}\n"

#endif
