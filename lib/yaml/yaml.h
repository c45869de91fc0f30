/* YAML to values, as Kubernetes reads it (sigs.k8s.io/yaml: YAML 1.1 typing), by libyaml's event API.
 *
 * Plain scalars: null ~ and nothing are null; true/false/yes/no/on/off/y/n (the usual spellings) are booleans; 010 and 0o10 are 8,
 * 0x1f is 31, 1_000 is 1000; integers and floats become numbers (as JSON prints them; an integer keeps all its digits); .inf and
 * .nan are refused; all else and everything quoted is a string. Keys are strings; a plain key that would be another type is taken
 * as its text. Timestamps are strings.
 *
 * Refused, with line and column: anchors, aliases, merge keys, tags, duplicate keys, keys that aren't scalars, NUL characters,
 * more than 64 levels, texts over 1 MiB, more than 1,000,000 events; invalid UTF-8 (byte offset only).
 * Values know their line and column. JSON is YAML: .json files go the same way.
 * Source of the typing: sigs.k8s.io/yaml -> go-yaml v2 resolve.go. Thread-safe. All memory is the arena's. */
#ifndef GT_LIB_YAML_YAML_H
#define GT_LIB_YAML_YAML_H

#include "lib/json/value.h"

/* A plain scalar that is legal but not what its author may think (yes, off, 010, 0x10, 1_000). */
typedef struct gt_yaml_surprise {
    uint32_t line, column;
    gt_str text;         /* as written: `yes` */
    const char *read_as; /* "the boolean true", "the number 8" */
    struct gt_yaml_surprise *next;
} gt_yaml_surprise;

typedef struct gt_yaml_docs {
    gt_value **at; /* one per document; empty documents are left out */
    size_t count;
    const gt_yaml_surprise *surprises; /* in order of appearance */
} gt_yaml_docs;

/* GT_ERR_INPUT "line 3, column 5: duplicate key \"image\"", GT_ERR_LIMIT for the limits. On failure *docs is empty. */
bool gt_yaml_load(gt_arena *arena, gt_str text, gt_yaml_docs *docs, gt_err *err);

/* Block YAML of a value, two spaces a level, strings quoted where a reader could take them for something else. */
void gt_yaml_print(gt_buf *buf, const gt_value *value, int indent);

#endif
