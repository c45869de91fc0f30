/* What a plain YAML scalar means; used by yaml.c only. Source: go.yaml.in/yaml/v2 (v2.4) resolve.go, then
 * encoding/json, which is what sigs.k8s.io/yaml puts a file through. */
#ifndef GT_LIB_YAML_TYPING_H
#define GT_LIB_YAML_TYPING_H

#include "lib/json/value.h"

typedef struct gt_yaml_plain {
    gt_value_type type;  /* NULL, BOOL, NUMBER or STRING */
    bool truth;          /* BOOL */
    bool not_finite;     /* .inf or .nan: no JSON has it; type is NUMBER, text is empty */
    gt_str text;         /* NUMBER: as JSON prints it; STRING: as written; BOOL: true or false */
    const char *read_as; /* set when the author may mean something else: "the boolean true", "the number 8" */
} gt_yaml_plain;

/* Memory, where the text isn't the one given, is the arena's. Thread-safe. */
gt_yaml_plain gt_yaml_resolve(gt_arena *arena, gt_str text);

/* Whether a reader of YAML 1.1 or 1.2 could take the plain text for something other than a string. */
bool gt_yaml_is_word(gt_str text);

#endif
