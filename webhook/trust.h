/* Does the API server trust our certificate? Readiness goes by it: a replica whose certificate doesn't chain to the caBundle of an entry would
 * fail each call that is made for that entry.
 *
 * Per entry (certs/entries.h): what was observed, judged against the chain in use. What isn't known (no right to read, not listed, a caBundle that
 * isn't PEM) leaves the last answer as it was: a right that is taken away, or one bad answer, must not make all replicas unready. An empty
 * caBundle is no objection: it is about to be filled, or the system's own authorities are meant. Nor is an object or an entry that has gone: nobody
 * is called by it, and who waits for readiness before making it anew (an installer) would wait for ever.
 * No I/O, no clock. One thread. */
#ifndef GT_WEBHOOK_TRUST_H
#define GT_WEBHOOK_TRUST_H

#include "certs/observed.h"

typedef struct gt_trust_entry {
    bool unknown;  /* now; the rest is the last answer */
    bool answered; /* there was one, to a caBundle that isn't empty */
    bool trusted;  /* it */
    char why[200]; /* not trusted: in words for a person */
} gt_trust_entry;

typedef struct gt_trust {
    bool decided; /* everything has been observed once, or it's known why that can't be */
    gt_trust_entry entries[GT_ENTRY_COUNT];
} gt_trust; /* zero, with `unknown` of all entries, is the initial value: gt_trust_init */

void gt_trust_init(gt_trust *trust);

/* chain: ours, PEM, leaf first; empty: there's none, and nothing is judged. */
void gt_trust_judge(gt_trust *trust, const gt_observed_state *observed, gt_str chain, int64_t now_s);

/* Why we aren't ready, one reason a line, naming the entry, the object (of this name) and what to do; nothing: for all that is known, we are
 * trusted. */
void gt_trust_unready(gt_buf *buf, const gt_trust *trust, const char *registration);

#endif
