/* PEM bundles: what an API server trusts, and whether it would trust a chain. Bytes in, bytes out; wall clock through parameters (seconds
 * since 1970). OpenSSL, thread-safe.
 *
 * Bytes in are somebody else's: whatever they are, the answer is an error or a value. Text around certificates is let pass, as Go's
 * AppendCertsFromPEM lets it; what stands in a CERTIFICATE block and isn't one is an error. */
#ifndef GT_CERTS_BUNDLE_H
#define GT_CERTS_BUNDLE_H

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
    GT_BUNDLE_MAX = 32,           /* certificates in one */
    GT_BUNDLE_BYTES = 256 * 1024, /* of text */
    GT_CERT_FINGERPRINT = 64,     /* SHA-256, hex */
};

typedef struct gt_cert_facts {
    int64_t not_before, not_after; /* seconds since 1970 */
    char fingerprint[GT_CERT_FINGERPRINT + 1];
    char subject[128], issuer[128];
    bool authority; /* basicConstraints CA */
} gt_cert_facts;

/* The certificates of a bundle, in order; *count at most GT_BUNDLE_MAX. GT_ERR_INPUT names what is wrong with which of them. */
bool gt_bundle_facts(gt_arena *arena, gt_str pem, const gt_cert_facts **facts, size_t *count, gt_err *err);

/* Would a TLS client that trusts just `bundle` accept `chain` (leaf first) for `dns_name` at now_s? Roots are trusted because they are in
 * the bundle, self-signed or not; their own expiry counts. GT_ERR_INPUT says why not, in words for a person. dns_name NULL: any. */
bool gt_bundle_trusts(gt_str bundle, gt_str chain, const char *dns_name, int64_t now_s, gt_err *err);

/* All certificates of both, each once (by fingerprint), in order, without those that have expired at now_s; clean PEM. */
bool gt_bundle_union(gt_arena *arena, gt_str a, gt_str b, int64_t now_s, gt_str *both, gt_err *err);

/* Is each certificate of `part` in `whole`? Broken ones aren't. */
bool gt_bundle_contains(gt_str whole, gt_str part);

#endif
