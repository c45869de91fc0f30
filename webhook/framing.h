/* Is a request's framing beyond doubt?
 *
 * Two readers that disagree about where a body ends can be played against each other (request smuggling), and libmicrohttpd takes
 * the first of two equal headers, reads an unknown Transfer-Encoding until the connection closes, and looks only at exact names. So
 * anything but one plain Content-Length, or `Transfer-Encoding: chunked` alone, is refused and the connection closed
 * (RFC 9112, section 6). So is a head with a folded line, a control character, or a line that LF alone ends. The Host header is
 * looked at here, too: the library's own check (strict mode) answers with its headers twice, as it does for a Content-Length that it
 * can't read, which nothing can be done about. */
#ifndef GT_WEBHOOK_FRAMING_H
#define GT_WEBHOOK_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct gt_framing {
    const char *problem;                /* NULL: it is fine */
    int64_t length;                     /* Content-Length; -1: none, or chunked */
    bool expects;                       /* Expect: 100-continue: the body isn't on its way yet */
    unsigned lengths, encodings, hosts; /* how many such headers */
} gt_framing;

/* version: "HTTP/1.1". */
void gt_framing_check(struct MHD_Connection *connection, const char *version, gt_framing *framing);

/* The same in steps: length is -1 and the rest zero at first, then each header, then the end. */
void gt_framing_header(gt_framing *framing, const char *name, const char *value);
void gt_framing_end(gt_framing *framing, const char *version);

#endif
