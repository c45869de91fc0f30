/* Structured logs, one line each on stderr, as text or JSON.
 *
 *     gt_log(GT_LOG_INFO, "serving", GT_F("address", address), GT_FI("port", port));
 *     text: 2026-11-21T10:58:26.123Z INFO  serving address=127.0.0.1 port=8443
 *     json: {"time":"2026-11-21T10:58:26.123Z","level":"info","msg":"serving","address":"127.0.0.1","port":8443}
 *
 * Never log the contents of a pod or of a secret. Thread-safe (a line is one write); allocates nothing; a line is cut
 * at 4 KiB. */
#ifndef GT_LIB_BASE_LOG_H
#define GT_LIB_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/str.h"

typedef enum gt_log_level { GT_LOG_ERROR, GT_LOG_WARN, GT_LOG_INFO, GT_LOG_DEBUG } gt_log_level;
typedef enum gt_log_format { GT_LOG_TEXT, GT_LOG_JSON } gt_log_format;

typedef struct gt_field {
    const char *key; /* NULL ends a list */
    gt_str text;     /* .at == NULL: number */
    int64_t number;
} gt_field;

#define GT_F(key, string) ((gt_field){(key), gt_log_text(string), 0})
#define GT_FS(key, slice) ((gt_field){(key), (slice), 0})
#define GT_FI(key, integer) ((gt_field){(key), {0}, (int64_t)(integer)})
static inline gt_str gt_log_text(const char *text)
{
    return gt_str_of(text == NULL ? "" : text);
}

/* Once, in main, before threads start. Until then: text, info. */
void gt_log_setup(gt_log_level most, gt_log_format format);
bool gt_log_enabled(gt_log_level level);

/* At least one field; without any: gt_log_msg. */
#define gt_log(level, message, ...) gt_log_fields((level), (message), (const gt_field[]){__VA_ARGS__, {0}})
#define gt_log_msg(level, message) gt_log_fields((level), (message), (const gt_field[]){{0}})
void gt_log_fields(gt_log_level level, const char *message, const gt_field *fields);

#endif
