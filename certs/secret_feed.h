/* The one Secret of our certificates, as the API server tells of it: its newest state that can be read, and why a newer one can't be.
 *
 * Keys are wiped when they aren't needed any more. One thread; doesn't move while it lives. */
#ifndef GT_CERTS_SECRET_FEED_H
#define GT_CERTS_SECRET_FEED_H

#include "certs/secret.h"
#include "lib/kube/informer.h"

typedef struct gt_secret_feed {
    gt_secret secret; /* zero: there's none. Its texts live until it changes the time after next */
    bool known;       /* a listing was complete */
    bool unreadable;  /* the newest state is, for this reason; `secret` is an older one */
    char reading[sizeof((gt_err *)0)->text + 600];
    uint64_t changes; /* grows when chain, key or bundle are others */
    bool stirred;     /* something was told; whoever looks clears it */
    gt_informer *informer;
    /* its own */
    const char *ns, *name;
    char selector[300];
    gt_arena *arenas[2]; /* the first is the secret's */
    gt_secret old;
    bool seen;
} gt_secret_feed;

/* Strings must outlive it. false: no memory; end is called in any case. */
bool gt_secret_feed_init(gt_secret_feed *feed, gt_kube_client *client, const char *ns, const char *name, uint64_t seed);
void gt_secret_feed_end(gt_secret_feed *feed);

#endif
