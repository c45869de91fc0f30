#include "webhook/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { MOST_PARTS = 32 }; /* of one write; GnuTLS asks again for what is left */

void gt_wire_attach(gt_wire *wire, gnutls_session_t session, int fd)
{
    wire->fd = fd;
    gnutls_transport_set_ptr2(session, gnutls_transport_get_ptr(session), wire); /* it reads as before */
    gnutls_transport_set_vec_push_function(session, gt_wire_push);
}

void gt_wire_more(gt_wire *wire)
{
    wire->more = true;
}

/* false: there is no room for it. */
static bool keep(gt_wire *wire, const giovec_t *parts, int count, size_t n)
{
    if (n > sizeof wire->record - wire->kept)
        return false;
    for (int i = 0; i < count; i++) {
        memcpy(wire->record + wire->kept, parts[i].iov_base, parts[i].iov_len);
        wire->kept += parts[i].iov_len;
    }
    return true;
}

ssize_t gt_wire_push(void *own, const giovec_t *parts, int count)
{
    gt_wire *wire = own;
    struct iovec all[1 + MOST_PARTS] = {{.iov_base = wire->record, .iov_len = wire->kept}};
    size_t n = 0, used = 1;
    for (int i = 0; i < count && used <= MOST_PARTS; i++, used++) {
        all[used] = parts[i];
        n += parts[i].iov_len;
    }
    bool waits = wire->more;
    wire->more = false;
    if (waits && count <= MOST_PARTS && keep(wire, parts, count, n))
        return (ssize_t)n;
    const struct msghdr message = {.msg_iov = all, .msg_iovlen = used};
    ssize_t sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
    if (sent < 0 || wire->kept == 0)
        return sent;
    size_t gone = (size_t)sent < wire->kept ? (size_t)sent : wire->kept;
    wire->kept -= gone;
    memmove(wire->record, wire->record + gone, wire->kept);
    if ((size_t)sent > gone)
        return sent - (ssize_t)gone;
    errno = EAGAIN; /* nothing yet of what was to be written now */
    return -1;
}
