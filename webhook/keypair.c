#include "webhook/keypair.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_FILE = 1024 * 1024 };

struct gt_keypair {
    gnutls_x509_crt_t chain[GT_KEYPAIR_MAX_CHAIN];
    unsigned length;
    gnutls_x509_privkey_t key;
    gt_keypair_facts facts;
    unsigned users; /* the box, and each one that copies; under the box's lock */
};

struct gt_keybox {
    pthread_mutex_t lock; /* held for a few instructions */
    gt_keypair *current;
};

/* ---- loading ---- */

void gt_keyfile_free(gnutls_datum_t *datum)
{
    if (datum->data != NULL)
        gnutls_memset(datum->data, 0, datum->size);
    gnutls_free(datum->data);
    datum->data = NULL;
}

bool gt_keyfile_read(const char *path, gnutls_datum_t *datum, gt_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return gt_fail(err, GT_ERR_ENV, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE)
        return gt_fail(err, GT_ERR_INPUT, "%s: not a regular file of at most 1 MiB", path);
    if (gnutls_load_file(path, datum) != 0)
        return gt_fail(err, GT_ERR_ENV, "%s: can't be read", path);
    return true;
}

/* The library only reads it. */
static gnutls_datum_t datum_of(gt_str text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text.at, (unsigned)text.len};
}

static bool read_chain(gt_keypair *pair, gt_pem cert, gt_err *err)
{
    const gnutls_datum_t text = datum_of(cert.text);
    const char *path = cert.name;
    unsigned n = GT_KEYPAIR_MAX_CHAIN;
    int status = gnutls_x509_crt_list_import(pair->chain, &n, &text, GNUTLS_X509_FMT_PEM,
                                             GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (status == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return gt_fail(err, GT_ERR_INPUT, "%s: a chain of more than %d certificates", path, GT_KEYPAIR_MAX_CHAIN);
    if (status <= 0)
        return gt_fail(err, GT_ERR_INPUT, "%s: no PEM certificate: %s", path, gnutls_strerror(status));
    pair->length = (unsigned)status;
    return true;
}

static bool read_key(gt_keypair *pair, gt_pem key, gt_err *err)
{
    const gnutls_datum_t text = datum_of(key.text);
    int status = gnutls_x509_privkey_init(&pair->key);
    if (status == 0)
        status = gnutls_x509_privkey_import2(pair->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (status != 0)
        return gt_fail(err, GT_ERR_INPUT, "%s: no usable PEM private key: %s", key.name, gnutls_strerror(status));
    return true;
}

static bool key_matches(const gt_keypair *pair)
{
    unsigned char of_cert[64], of_key[64];
    size_t n = sizeof of_cert, m = sizeof of_key;
    return gnutls_x509_crt_get_key_id(pair->chain[0], GNUTLS_KEYID_USE_SHA256, of_cert, &n) == 0 &&
           gnutls_x509_privkey_get_key_id(pair->key, GNUTLS_KEYID_USE_SHA256, of_key, &m) == 0 && n == m &&
           memcmp(of_cert, of_key, n) == 0;
}

static void learn(gt_keypair *pair)
{
    gt_keypair_facts *facts = &pair->facts;
    facts->not_before = gnutls_x509_crt_get_activation_time(pair->chain[0]);
    facts->not_after = gnutls_x509_crt_get_expiration_time(pair->chain[0]);
    unsigned char digest[GT_FINGERPRINT / 2];
    size_t n = sizeof digest;
    if (gnutls_x509_crt_get_fingerprint(pair->chain[0], GNUTLS_DIG_SHA256, digest, &n) == 0)
        for (size_t i = 0; i < n; i++)
            snprintf(facts->fingerprint + 2 * i, 3, "%02x", digest[i]);
    n = sizeof facts->subject;
    if (gnutls_x509_crt_get_dn(pair->chain[0], facts->subject, &n) != 0)
        facts->subject[0] = '\0';
}

static bool is_servable_curve(gnutls_x509_crt_t cert)
{
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x = {0}, y = {0};
    if (gnutls_x509_crt_get_pk_ecc_raw(cert, &curve, &x, &y) != 0)
        return false;
    gnutls_free(x.data);
    gnutls_free(y.data);
    return curve == GNUTLS_ECC_CURVE_SECP256R1 || curve == GNUTLS_ECC_CURVE_SECP384R1 ||
           curve == GNUTLS_ECC_CURVE_SECP521R1;
}

/* What an API server (Go) and the server's priorities (http.c) have in common. With another one (Ed448, RSA-PSS) each handshake would fail,
 * in spite of a certificate that is as it should be. */
static bool is_servable(gnutls_x509_crt_t cert)
{
    unsigned bits = 0;
    switch (gnutls_x509_crt_get_pk_algorithm(cert, &bits)) {
    case GNUTLS_PK_RSA: return bits >= 1024;
    case GNUTLS_PK_ECDSA: return is_servable_curve(cert);
    case GNUTLS_PK_EDDSA_ED25519: return true;
    default: return false;
    }
}

void gt_keypair_time(int64_t s, char text[32])
{
    time_t t = (time_t)s;
    struct tm utc;
    if (gmtime_r(&t, &utc) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        snprintf(text, 32, "%lld", (long long)s);
}

bool gt_keypair_is_valid(const gt_keypair_facts *facts, int64_t now_s)
{
    return facts->not_before <= now_s && now_s < facts->not_after;
}

static bool check(const gt_keypair *pair, const char *cert_path, const char *key_path, int64_t now_s, gt_err *err)
{
    if (!key_matches(pair))
        return gt_fail(err, GT_ERR_INPUT, "%s is not the key of the certificate in %s", key_path, cert_path);
    if (!is_servable(pair->chain[0]))
        return gt_fail(
            err, GT_ERR_INPUT,
            "%s: no API server can use a key of this kind (%s); make it ECDSA (P-256, P-384, P-521), "
            "Ed25519, or RSA of 1024 bits and more",
            cert_path,
            gnutls_pk_get_name((gnutls_pk_algorithm_t)gnutls_x509_crt_get_pk_algorithm(pair->chain[0], NULL)));
    char when[32];
    const gt_keypair_facts *facts = &pair->facts;
    bool too_early = now_s < facts->not_before;
    gt_keypair_time(too_early ? facts->not_before : facts->not_after, when);
    if (!gt_keypair_is_valid(facts, now_s))
        return gt_fail(err, GT_ERR_INPUT,
                       too_early ? "%s: the certificate isn't valid before %s" : "%s: the certificate expired at %s",
                       cert_path, when);
    return true;
}

bool gt_keypair_make(gt_pem cert, gt_pem key, int64_t now_s, gt_keypair **result, gt_err *err)
{
    *result = NULL;
    gt_keypair *pair = calloc(1, sizeof *pair);
    if (pair == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    bool ok = read_chain(pair, cert, err) && read_key(pair, key, err);
    if (ok) {
        learn(pair);
        ok = check(pair, cert.name, key.name, now_s, err);
    }
    if (!ok) {
        gt_keypair_free(pair);
        return false;
    }
    pair->users = 1;
    *result = pair;
    return true;
}

bool gt_keypair_load(const char *cert_path, const char *key_path, int64_t now_s, gt_keypair **result, gt_err *err)
{
    gt_scoped(gt_keyfile_free) gnutls_datum_t cert = {0};
    gt_scoped(gt_keyfile_free) gnutls_datum_t key = {0};
    *result = NULL;
    if (!gt_keyfile_read(cert_path, &cert, err) || !gt_keyfile_read(key_path, &key, err))
        return false;
    return gt_keypair_make((gt_pem){{(const char *)cert.data, cert.size}, cert_path},
                           (gt_pem){{(const char *)key.data, key.size}, key_path}, now_s, result, err);
}

void gt_keypair_free(gt_keypair *pair)
{
    if (pair == NULL)
        return;
    for (unsigned i = 0; i < pair->length; i++)
        gnutls_x509_crt_deinit(pair->chain[i]);
    gnutls_x509_privkey_deinit(pair->key);
    free(pair);
}

const gt_keypair_facts *gt_keypair_about(const gt_keypair *pair)
{
    return &pair->facts;
}

void gt_keyfiles_look(const char *cert_path, const char *key_path, gt_keyfiles_state *state)
{
    memset(state, 0, sizeof *state);
    if (stat(cert_path, &state->cert) != 0)
        memset(&state->cert, 0, sizeof state->cert);
    if (stat(key_path, &state->key) != 0)
        memset(&state->key, 0, sizeof state->key);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool gt_keyfiles_equal(const gt_keyfiles_state *a, const gt_keyfiles_state *b)
{
    return same_file(&a->cert, &b->cert) && same_file(&a->key, &b->key);
}

/* ---- the box ---- */

gt_keybox *gt_keybox_new(void)
{
    gt_keybox *box = calloc(1, sizeof *box);
    if (box != NULL && pthread_mutex_init(&box->lock, NULL) != 0) {
        free(box);
        return NULL;
    }
    return box;
}

static gt_keypair *take(gt_keybox *box)
{
    pthread_mutex_lock(&box->lock);
    gt_keypair *pair = box->current;
    if (pair != NULL)
        pair->users++;
    pthread_mutex_unlock(&box->lock);
    return pair;
}

static void give_back(gt_keybox *box, gt_keypair *pair)
{
    if (pair == NULL)
        return;
    pthread_mutex_lock(&box->lock);
    bool last = --pair->users == 0;
    pthread_mutex_unlock(&box->lock);
    if (last)
        gt_keypair_free(pair);
}

void gt_keybox_free(gt_keybox *box)
{
    if (box == NULL)
        return;
    give_back(box, box->current);
    pthread_mutex_destroy(&box->lock);
    free(box);
}

void gt_keybox_put(gt_keybox *box, gt_keypair *pair)
{
    pthread_mutex_lock(&box->lock);
    gt_keypair *old = box->current;
    box->current = pair;
    pthread_mutex_unlock(&box->lock);
    give_back(box, old);
}

bool gt_keybox_facts(gt_keybox *box, gt_keypair_facts *facts)
{
    gt_keypair *pair = take(box);
    if (pair == NULL)
        return false;
    *facts = pair->facts;
    give_back(box, pair);
    return true;
}

static bool same_chain(const gt_keypair *a, const gt_keypair *b)
{
    bool same = a->length == b->length;
    for (unsigned i = 0; same && i < a->length; i++)
        same = gnutls_x509_crt_equals(a->chain[i], b->chain[i]) != 0;
    return same;
}

bool gt_keybox_holds(gt_keybox *box, const gt_keypair *pair)
{
    gt_keypair *current = take(box);
    bool same = current != NULL && same_chain(current, pair);
    give_back(box, current);
    return same;
}

bool gt_keybox_valid(gt_keybox *box, int64_t now_s)
{
    gt_keypair_facts facts;
    return gt_keybox_facts(box, &facts) && gt_keypair_is_valid(&facts, now_s);
}

typedef struct exporting {
    gt_keypair *pair;
    gt_buf text;
} exporting;

static bool export_chain(void *context, gt_err *err)
{
    exporting *e = context;
    for (unsigned i = 0; i < e->pair->length; i++) {
        size_t n = 0;
        gnutls_x509_crt_export(e->pair->chain[i], GNUTLS_X509_FMT_PEM, NULL, &n);
        char *pem = gt_arena_alloc(e->text.arena, n);
        if (gnutls_x509_crt_export(e->pair->chain[i], GNUTLS_X509_FMT_PEM, pem, &n) != 0)
            return gt_fail(err, GT_ERR_ENV, "a certificate can't be written");
        gt_buf_add(&e->text, pem, n);
    }
    return true;
}

gt_str gt_keybox_chain(gt_keybox *box, gt_arena *arena)
{
    exporting e = {0};
    gt_err err;
    gt_buf_init(&e.text, arena, 0);
    e.pair = take(box);
    bool ok = e.pair != NULL && gt_arena_try(arena, export_chain, &e, &err);
    give_back(box, e.pair);
    return ok ? gt_buf_slice(&e.text) : (gt_str){"", 0};
}

static bool copy_chain(const gt_keypair *pair, gnutls_pcert_st *copies, unsigned *n)
{
    for (*n = 0; *n < pair->length; (*n)++)
        if (gnutls_pcert_import_x509(&copies[*n], pair->chain[*n], 0) != 0)
            return false;
    return true;
}

static bool copy_key(const gt_keypair *pair, gnutls_privkey_t *key)
{
    if (gnutls_privkey_init(key) != 0) {
        *key = NULL;
        return false;
    }
    return gnutls_privkey_import_x509(*key, pair->key, GNUTLS_PRIVKEY_IMPORT_COPY) == 0;
}

int gt_keybox_hand_out(gt_keybox *box, gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key)
{
    *chain = NULL;
    *chain_length = 0;
    *key = NULL;
    gt_keypair *pair = take(box);
    if (pair == NULL)
        return -1;
    *chain = gnutls_calloc(pair->length, sizeof **chain); /* the session frees it with gnutls_free */
    bool ok = *chain != NULL && copy_chain(pair, *chain, chain_length) && copy_key(pair, key);
    give_back(box, pair);
    if (ok)
        return 0;
    for (unsigned i = 0; i < *chain_length; i++)
        gnutls_pcert_deinit(&(*chain)[i]);
    gnutls_free(*chain);
    if (*key != NULL)
        gnutls_privkey_deinit(*key);
    *chain_length = 0;
    *key = NULL;
    return -1;
}
