/* Certificates of our own: an authority, and what it signs. ECDSA P-256 with SHA-256; keys are PKCS#8. OpenSSL, its random numbers included;
 * the wall clock comes in (seconds since 1970). Thread-safe.
 *
 * All of them begin GT_CERT_BACKDATED_S before now_s: whoever looks at them may have a clock that is behind. Private keys are wiped where
 * OpenSSL had them; what is handed out is the arena's, and gt_certs_wipe is for it. */
#ifndef GT_CERTS_AUTHORITY_H
#define GT_CERTS_AUTHORITY_H

#include "certs/bundle.h"

enum { GT_CERT_BACKDATED_S = 300, GT_CERT_NAMES_MAX = 64 };

typedef struct gt_pair {
    gt_str cert, key; /* PEM, one certificate */
} gt_pair;

/* Self-signed, may sign leaves and nothing below them. name: begins its subject's common name, at most 40 bytes; eight random digits follow, so that no
 * two authorities are called the same. GT_ERR_ENV: OpenSSL can't. */
bool gt_authority_make(gt_arena *arena, const char *name, int64_t now_s, int64_t life_s, gt_pair *authority,
                       gt_err *err);

/* A server's certificate for these names (NULL-terminated, at least one, at most GT_CERT_NAMES_MAX): DNS names, "*." at their beginning allowed,
 * and IP addresses. It ends with its authority at the latest. GT_ERR_INPUT: a name is neither, or the authority unusable. */
bool gt_authority_issue(gt_arena *arena, const gt_pair *authority, const char *const *names, int64_t now_s,
                        int64_t life_s, gt_pair *leaf, gt_err *err);

/* Is it one of the two? */
bool gt_cert_name_is_valid(const char *name);

/* Is `key` the private key of the first certificate of `chain`? GT_ERR_INPUT says which of the two can't be read, or that they don't belong together. */
bool gt_pair_fits(gt_str chain, gt_str key, gt_err *err);

/* Has the first certificate of `chain` all of these names? GT_ERR_INPUT names the first that it hasn't. */
bool gt_chain_names(gt_str chain, const char *const *names, gt_err *err);

/* When `facts` came to be, and when two thirds of the time from there to its end are over. */
int64_t gt_cert_issued(const gt_cert_facts *facts);
int64_t gt_cert_due(const gt_cert_facts *facts);

/* Overwrites it. Only for memory that is ours to write to, as an arena's is. */
void gt_certs_wipe(gt_str secret);

#endif
