/* How the records of a TLS connection reach its socket.
 *
 * libmicrohttpd gives GnuTLS an answer's head and its body one after the other: two records, and by themselves two writes, two packets, and a
 * client that is woken for a head without a body. Here the head's record waits for the one behind it, and both are one write.
 *
 * Nothing waits unless it was said that more comes at once; then the record is kept until then, and whatever is written next takes it along.
 * Threads: the one that serves the connection. */
#ifndef GT_WEBHOOK_WIRE_H
#define GT_WEBHOOK_WIRE_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

enum { GT_WIRE_ROOM = 512 }; /* a head's record; what is larger doesn't wait */

typedef struct gt_wire {
    int fd;
    bool more; /* the next record waits for the one behind it */
    size_t kept;
    char record[GT_WIRE_ROOM];
} gt_wire; /* before gt_wire_attach: zero */

/* What the session writes from here on goes through *wire, which stays until the session is freed; fd is the session's socket. */
void gt_wire_attach(gt_wire *wire, gnutls_session_t session, int fd);

/* Two records come, one right behind the other. */
void gt_wire_more(gt_wire *wire);

/* What GnuTLS calls: as writev does. */
ssize_t gt_wire_push(void *wire, const giovec_t *parts, int count);

#endif
