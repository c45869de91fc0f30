/* Digests (OpenSSL). */
#ifndef GT_LIB_BASE_HASH_H
#define GT_LIB_BASE_HASH_H

#include "lib/base/str.h"

/* The first `digits` (even, at most 64) lower-case hex digits of the SHA-256 of data, and a NUL, into hex[digits +
 * 1]. */
void gt_sha256_hex(gt_str data, char *hex, size_t digits);

/* Standard base64 with padding, appended to buf. */
void gt_base64(gt_buf *buf, gt_str data);

/* The bytes of standard base64 text (padding required, nothing else in it), or false. */
bool gt_base64_decode(gt_arena *arena, gt_str text, gt_str *data);

#endif
