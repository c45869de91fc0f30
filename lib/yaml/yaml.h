/* YAML to values, as Kubernetes reads it (sigs.k8s.io/yaml: YAML 1.1 typing), by libyaml's event API.
 *
 * Plain scalars: null ~ and nothing are null; true/false/yes/no/on/off/y/n (the usual spellings) are booleans; 010 and
 * 0o10 are 8, 0x1f is 31, 1_000 is 1000, 09 is 9; integers and floats become numbers as Go's encoding/json prints them
 * (1.0 is 1, 1e3 is 1000; unlike there an integer beyond 64 bits keeps all its digits); .inf and .nan are refused; all
 * else, 1e999 and timestamps too, and everything quoted is a string. Keys are strings; a plain key that would be
 * another type is taken as its text (Kubernetes makes "true" of yes and "8" of 010: such a key is a surprise), except
 * null, which is refused.
 *
 * Refused, with line and column: anchors, aliases, merge keys, tags, duplicate keys, keys that aren't scalars, NUL
 * characters, invalid UTF-8, more than 64 levels; more than 1,000,000 events, 1 MiB or 64 lines that begin with %.
 * Values know their line and column, in characters from 1. JSON is YAML: .json files go the same way, surrogate pairs
 * included; a bare U+0085, U+2028 or U+2029 is a line break of YAML and becomes a space, as with kubectl. Source of the
 * typing: sigs.k8s.io/yaml -> go-yaml v2 resolve.go. Linear in the text, whatever it is.
 * Thread-safe. All memory is the arena's. */
#ifndef GT_LIB_YAML_YAML_H
#define GT_LIB_YAML_YAML_H

#include "lib/json/value.h"

/* A plain scalar or key that is legal but not what its author may think (yes, off, 010, 0x10, 1_000). */
typedef struct gt_yaml_surprise {
    uint32_t line, column;
    gt_str text;         /* as written: `yes` */
    const char *read_as; /* "the boolean true", "the number 8", "the key as it is written; kubectl makes "8" of it" */
    struct gt_yaml_surprise *next;
} gt_yaml_surprise;

typedef struct gt_yaml_docs {
    gt_value **at;                     /* one per document; empty documents are left out */
    size_t count;                      /* 0, and at NULL, for an empty text */
    const gt_yaml_surprise *surprises; /* in order of appearance */
} gt_yaml_docs;

/* GT_ERR_INPUT "line 3, column 5: duplicate key \"image\"", GT_ERR_LIMIT for the limits, GT_ERR_NOMEM when the
 * arena runs out (no gt_arena_try is needed around it for that). On failure *docs is empty. text need not outlive
 * the call. */
bool gt_yaml_load(gt_arena *arena, gt_str text, gt_yaml_docs *docs, gt_err *err);

/* Block YAML of a value, two spaces a level, each line behind `indent` spaces and with its newline; strings quoted
 * where a reader of YAML 1.1 or 1.2 could take them for something else, in literal blocks where they have lines.
 * gt_yaml_load and PyYAML give the value back (a NUL comes out as \0, which gt_yaml_load refuses; what isn't UTF-8 as
 * U+FFFD). */
void gt_yaml_print(gt_buf *buf, const gt_value *value, int indent);

#endif
