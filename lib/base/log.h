/* Structured logs, one line each on stderr, as text or JSON.
 *
 *     gt_log(GT_LOG_INFO, "serving", GT_F("address", address), GT_FI("port", port));
 *     text: 2026-11-21T10:58:26.123Z INFO  serving address=127.0.0.1 port=8443
 *     json: {"time":"2026-11-21T10:58:26.123Z","level":"info","msg":"serving","address":"127.0.0.1","port":8443}
 *
 * Never log the contents of a pod or of a secret. Thread-safe; allocates nothing; a line is cut at 4 KiB.
 *
 * A line is one write, by whoever logs it, who waits while nobody reads what is written. A server's threads mustn't: between gt_log_start and
 * gt_log_stop lines wait in a buffer of 256 KiB for a thread that writes many at a time, those of level error and warn at once, others after
 * 5 ms at the most, in order. When the buffer is full, lines are dropped and counted, and a line says how many; its last 32 KiB are for
 * errors and warnings. A process that is killed or crashes loses what waits. */
#ifndef GT_LIB_BASE_LOG_H
#define GT_LIB_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
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

/* Lines wait from here on. In main; signals that the process handles are blocked, so that they don't go to the new thread. GT_ERR_ENV. */
bool gt_log_start(gt_err *err);

/* Writes what waits, for 2 s at the most: when nobody reads, it's lost. From here on each line is written at once again. By whoever started it;
 * others may log meanwhile. Not started: nothing. */
void gt_log_stop(void);

/* Lines that were dropped so far. Any thread. */
uint64_t gt_log_dropped(void);

#endif
