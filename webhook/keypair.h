/* The server's certificate: read, checked, and handed out to each handshake.
 *
 * A gt_keypair is immutable: a chain and the key of its first certificate. A gt_keybox holds the current one; the control thread
 * swaps it, handshakes take copies of it, and the old pair lives as long as somebody copies it. So a new certificate needs no
 * restart and no connection notices.
 *
 * gt_keypair: one thread at a time; gt_keybox: put by one thread, everything else by any. GnuTLS. */
#ifndef GT_WEBHOOK_KEYPAIR_H
#define GT_WEBHOOK_KEYPAIR_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/str.h"

enum { GT_FINGERPRINT = 64, GT_KEYPAIR_MAX_CHAIN = 10 };

typedef struct gt_keypair gt_keypair;

typedef struct gt_keypair_facts {
    int64_t not_before, not_after;        /* of the first certificate, seconds since 1970 */
    char fingerprint[GT_FINGERPRINT + 1]; /* SHA-256 of the first certificate, hex */
    char subject[128];
} gt_keypair_facts;

bool gt_keypair_is_valid(const gt_keypair_facts *facts, int64_t now_s);

/* Seconds since 1970 for people: "2027-02-03T04:05:06Z". */
void gt_keypair_time(int64_t s, char text[32]);

/* PEM: a chain, leaf first, and its private key (not encrypted). The names are for messages. GT_ERR_INPUT: it isn't PEM, the key isn't the
 * certificate's, no handshake could be made with it, or the certificate isn't valid at now_s. */
typedef struct gt_pem {
    gt_str text;
    const char *name; /* a path, or what else a person would look at */
} gt_pem;
bool gt_keypair_make(gt_pem cert, gt_pem key, int64_t now_s, gt_keypair **pair, gt_err *err);

/* The same from files. GT_ERR_ENV: one can't be read. */
bool gt_keypair_load(const char *cert_path, const char *key_path, int64_t now_s, gt_keypair **pair, gt_err *err);
void gt_keypair_free(gt_keypair *pair); /* NULL is fine */
const gt_keypair_facts *gt_keypair_about(const gt_keypair *pair);

/* What stat says about the two files: unequal means that it is worth to load again. */
typedef struct gt_keyfiles_state {
    struct stat cert, key;
} gt_keyfiles_state;
void gt_keyfiles_look(const char *cert_path, const char *key_path, gt_keyfiles_state *state);
bool gt_keyfiles_equal(const gt_keyfiles_state *a, const gt_keyfiles_state *b);

/* A regular file of at most 1 MiB. GT_ERR_ENV, GT_ERR_INPUT. */
bool gt_keyfile_read(const char *path, gnutls_datum_t *text, gt_err *err);
void gt_keyfile_free(gnutls_datum_t *text); /* wipes it; for gt_scoped, too */

typedef struct gt_keybox gt_keybox;
gt_keybox *gt_keybox_new(void); /* empty; NULL: no memory */
void gt_keybox_free(gt_keybox *box);

/* The pair is the box's from here on, and the current one. */
void gt_keybox_put(gt_keybox *box, gt_keypair *pair);

/* false: the box is empty. */
bool gt_keybox_facts(gt_keybox *box, gt_keypair_facts *facts);
/* Is it the same chain, whole, as the current one? The leaf alone doesn't tell: an intermediate may have been added or replaced. */
bool gt_keybox_holds(gt_keybox *box, const gt_keypair *pair);
bool gt_keybox_valid(gt_keybox *box, int64_t now_s);

/* The current chain, leaf first, as clean PEM; empty: there's none. */
gt_str gt_keybox_chain(gt_keybox *box, gt_arena *arena);

/* Copies for one handshake, as a gnutls_certificate_retrieve_function3 returns them with GNUTLS_CERT_RETR_DEINIT_ALL: the session
 * frees them. 0, or -1 (box empty, no memory) with nothing to free. */
int gt_keybox_hand_out(gt_keybox *box, gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key);

#endif
