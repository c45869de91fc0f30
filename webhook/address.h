/* ADDR:PORT, and listening there. */
#ifndef GT_WEBHOOK_ADDRESS_H
#define GT_WEBHOOK_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/str.h"

enum { GT_ADDRESS_TEXT = 80 };

typedef struct gt_address {
    char host[64]; /* "127.0.0.1", "::1", "fe80::1%eth0"; empty: all addresses, IPv6 and IPv4 */
    uint16_t port; /* 0: any free one */
} gt_address;

/* "127.0.0.1:8443", "[::1]:8443", ":8443". Addresses only, no names. GT_ERR_INPUT with a sentence for the user. */
bool gt_address_parse(const char *text, gt_address *address, gt_err *err);

/* "10.0.0.1:34567", "[fd00::1]:34567"; "unknown" for what isn't IP. */
const char *gt_address_show(const struct sockaddr *address, socklen_t size, char text[GT_ADDRESS_TEXT]);

/* A listening, non-blocking socket, the caller's. *port: the one it got; bound: ADDR:PORT as text. GT_ERR_ENV. */
bool gt_address_listen(const gt_address *address, int *fd, uint16_t *port, char bound[GT_ADDRESS_TEXT], gt_err *err);

#endif
