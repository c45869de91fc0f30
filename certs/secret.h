/* The Secret that holds it all: type kubernetes.io/tls, so that it can be mounted, too.
 *
 *   tls.crt tls.key              the leaf, and its key
 *   ca.crt                       the bundle that API servers have to trust now: the three below
 *   authority.crt authority.key  who signs
 *   next.crt next.key            who will sign, once it has been seen on every entry; else empty
 *   previous.crt                 who else has to be trusted for a while: whoever signed what replicas may still have in memory; else empty
 *
 * The annotation gastown.io/renew-certificate asks for a new leaf ("leaf") or a new authority ("ca"), and goes when that is begun. */
#ifndef GT_CERTS_SECRET_H
#define GT_CERTS_SECRET_H

#include "certs/authority.h"
#include "lib/json/value.h"

#define GT_SECRET_RENEW "gastown.io/renew-certificate"

#define GT_SECRET_PARTS(X)                                                                                             \
    X(leaf.cert, "tls.crt")                                                                                            \
    X(leaf.key, "tls.key")                                                                                             \
    X(bundle, "ca.crt")                                                                                                \
    X(authority.cert, "authority.crt")                                                                                 \
    X(authority.key, "authority.key")                                                                                  \
    X(next.cert, "next.crt")                                                                                           \
    X(next.key, "next.key")                                                                                            \
    X(previous, "previous.crt")
enum { GT_SECRET_PART_MAX = 256 * 1024 };

typedef struct gt_secret {
    bool exists;
    gt_pair leaf, authority, next;
    gt_str bundle, previous;
    gt_str renew;   /* the annotation */
    gt_str type;    /* "kubernetes.io/tls" */
    gt_str owner;   /* who else looks after it (cert-manager.io/certificate-name), or empty */
    gt_str version; /* resourceVersion */
} gt_secret;

/* An object of the API server; memory is the arena's. GT_ERR_INPUT: a part isn't base64, or too large. */
bool gt_secret_read(gt_arena *arena, gt_view object, gt_secret *secret, gt_err *err);

/* What makes the one of the other: an object to create where there was none, else a merge patch that names the version. */
gt_value *gt_secret_change(gt_arena *arena, const char *name, const gt_secret *before, const gt_secret *after);

/* Wipes the keys. */
void gt_secret_wipe(gt_secret *secret);

#endif
