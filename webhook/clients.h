/* Who may ask for reviews: the clients whose certificates chain to an authority of --client-ca, and carry one of --client-names.
 *
 * The certificate is asked for in the handshake (http.h) and looked at here, when a request has come: so whoever has none gets an answer that
 * says so. What is trusted is immutable and swapped as a whole, as in keypair.h; a verdict is remembered with the connection, for a minute and
 * until there are other authorities, so that an expired certificate doesn't live as long as its connection.
 *
 * gt_clients_put by one thread, the rest by any. GnuTLS. */
#ifndef GT_WEBHOOK_CLIENTS_H
#define GT_WEBHOOK_CLIENTS_H

#include <gnutls/gnutls.h>

#include "lib/base/str.h"
#include "webhook/metrics.h"
#include "webhook/peers.h"

enum { GT_CLIENT_WHY = 240 };

typedef struct gt_clients gt_clients;

/* names: NULL-terminated, common names or alternative names; NULL or empty: whoever chains. They must outlive it. Nobody is admitted before
 * the first gt_clients_put. NULL: no memory. */
gt_clients *gt_clients_new(const char *const *names);
void gt_clients_free(gt_clients *clients); /* NULL is fine */

/* Authorities to trust from here on. GT_ERR_INPUT: none of it is a certificate, or none is valid at now_s; what was there before stays. */
bool gt_clients_put(gt_clients *clients, gt_str pem, const char *name, int64_t now_s, gt_err *err);

/* May the client of this session ask? false: *refusal and *why (one line, what to do) tell. note may be NULL. */
bool gt_clients_admit(gt_clients *clients, gnutls_session_t session, gt_peer_note *note, int64_t now_us,
                      gt_client_refusal *refusal, char why[GT_CLIENT_WHY]);

#endif
