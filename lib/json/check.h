/* The grammar of JSON (RFC 8259), checked before cJSON sees a byte; used by view.c only. */
#ifndef GT_LIB_JSON_CHECK_H
#define GT_LIB_JSON_CHECK_H

#include "lib/base/str.h"

enum { GT_JSON_DEEPEST = 1000 /* what cJSON allows */, GT_JSON_LONGEST_NUMBER = 60 /* it reads 63 bytes of one */ };

/* What cJSON would get wrong in a text that is good. */
typedef struct gt_json_quirks {
    size_t nul_escapes;  /* \u0000 */
    size_t long_numbers; /* longer than GT_JSON_LONGEST_NUMBER */
} gt_json_quirks;

/* GT_ERR_INPUT "byte 17: ..." unless text is one JSON text in valid UTF-8, without a byte order mark, and each \u
 * escape of it a character; GT_ERR_LIMIT for more than max_depth (1 to GT_JSON_DEEPEST) levels. Linear, allocates
 * nothing, doesn't recurse. */
bool gt_json_check(gt_str text, int max_depth, gt_json_quirks *quirks, gt_err *err);

#endif
