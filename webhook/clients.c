#include "webhook/clients.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_CHAIN = 10, REMEMBER_US = 60 * 1000 * 1000 };

typedef struct trust {
    gnutls_x509_trust_list_t list; /* only read once it is here */
    uint64_t version;              /* from 1 */
    unsigned users;                /* the holder, and each one that verifies; under the lock */
} trust;

struct gt_clients {
    const char *const *names;
    pthread_mutex_t lock; /* held for a few instructions */
    trust *current;
};

gt_clients *gt_clients_new(const char *const *names)
{
    static const char *const none[] = {NULL};
    gt_clients *clients = calloc(1, sizeof *clients);
    if (clients == NULL || pthread_mutex_init(&clients->lock, NULL) != 0) {
        free(clients);
        return NULL;
    }
    clients->names = names == NULL ? none : names;
    return clients;
}

static trust *take(gt_clients *clients)
{
    pthread_mutex_lock(&clients->lock);
    trust *t = clients->current;
    if (t != NULL)
        t->users++;
    pthread_mutex_unlock(&clients->lock);
    return t;
}

static void give_back(gt_clients *clients, trust *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&clients->lock);
    bool last = --t->users == 0;
    pthread_mutex_unlock(&clients->lock);
    if (!last)
        return;
    gnutls_x509_trust_list_deinit(t->list, 1);
    free(t);
}

void gt_clients_free(gt_clients *clients)
{
    if (clients == NULL)
        return;
    give_back(clients, clients->current);
    pthread_mutex_destroy(&clients->lock);
    free(clients);
}

/* ---- authorities ---- */

static void free_certificates(gnutls_x509_crt_t *certs, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(certs[i]);
    gnutls_free(certs);
}

static bool any_is_valid(const gnutls_x509_crt_t *certs, unsigned n, int64_t now_s)
{
    for (unsigned i = 0; i < n; i++)
        if (gnutls_x509_crt_get_activation_time(certs[i]) <= now_s &&
            now_s < gnutls_x509_crt_get_expiration_time(certs[i]))
            return true;
    return false;
}

/* The certificates are the list's from here on, whatever comes of it. */
static trust *new_trust(gnutls_x509_crt_t *certs, unsigned n)
{
    trust *t = calloc(1, sizeof *t);
    if (t == NULL || gnutls_x509_trust_list_init(&t->list, 0) != 0) {
        free(t);
        free_certificates(certs, n);
        return NULL;
    }
    int added = gnutls_x509_trust_list_add_cas(t->list, certs, n, 0);
    for (unsigned i = added < 0 ? 0 : (unsigned)added; i < n; i++)
        gnutls_x509_crt_deinit(certs[i]);
    gnutls_free(certs);
    t->users = 1;
    return t;
}

bool gt_clients_put(gt_clients *clients, gt_str pem, const char *name, int64_t now_s, gt_err *err)
{
    const gnutls_datum_t text = {(unsigned char *)(uintptr_t)pem.at, (unsigned)pem.len}; /* only read */
    gnutls_x509_crt_t *certs;
    unsigned n;
    int status = gnutls_x509_crt_list_import2(&certs, &n, &text, GNUTLS_X509_FMT_PEM, 0);
    if (status < 0)
        return gt_fail(err, GT_ERR_INPUT, "%s: no PEM certificate of an authority: %s", name, gnutls_strerror(status));
    if (!any_is_valid(certs, n, now_s)) {
        free_certificates(certs, n);
        return gt_fail(err, GT_ERR_INPUT, "%s: none of its certificates is valid now", name);
    }
    trust *fresh = new_trust(certs, n);
    if (fresh == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    pthread_mutex_lock(&clients->lock);
    trust *old = clients->current;
    fresh->version = old == NULL ? 1 : old->version + 1;
    clients->current = fresh;
    pthread_mutex_unlock(&clients->lock);
    give_back(clients, old);
    return true;
}

/* ---- clients ---- */

typedef struct chain {
    gnutls_x509_crt_t certs[MOST_CHAIN];
    unsigned length;
} chain;

static void free_chain(chain *c)
{
    for (unsigned i = 0; i < c->length; i++)
        gnutls_x509_crt_deinit(c->certs[i]);
}

static bool read_chain(chain *c, const gnutls_datum_t *raw, unsigned n)
{
    for (c->length = 0; c->length < n && c->length < MOST_CHAIN; c->length++) {
        if (gnutls_x509_crt_init(&c->certs[c->length]) != 0)
            return false;
        if (gnutls_x509_crt_import(c->certs[c->length], &raw[c->length], GNUTLS_X509_FMT_DER) != 0) {
            gnutls_x509_crt_deinit(c->certs[c->length]);
            return false;
        }
    }
    return c->length > 0;
}

static bool is_named(const gt_clients *clients, const char *text, size_t n)
{
    for (const char *const *name = clients->names; *name != NULL; name++)
        if (gt_str_is((gt_str){text, n}, *name))
            return true;
    return false;
}

static bool has_name(const gt_clients *clients, gnutls_x509_crt_t cert)
{
    char text[256];
    size_t n = sizeof text;
    if (clients->names[0] == NULL)
        return true;
    if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &n) == 0 &&
        is_named(clients, text, n))
        return true;
    for (unsigned i = 0; n = sizeof text, true; i++) {
        int type = gnutls_x509_crt_get_subject_alt_name(cert, i, text, &n, NULL);
        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue; /* longer than any name that is asked for */
        if (type < 0)
            return false;
        if ((type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_URI || type == GNUTLS_SAN_RFC822NAME) &&
            is_named(clients, text, n))
            return true;
    }
}

static const char *what_is_wrong(unsigned status)
{
    static const struct {
        unsigned bit;
        const char *text;
    } rows[] = {
        {GNUTLS_CERT_EXPIRED, "it has expired"},
        {GNUTLS_CERT_NOT_ACTIVATED, "it isn't valid yet"},
        {GNUTLS_CERT_PURPOSE_MISMATCH, "it isn't made for clients"},
        {GNUTLS_CERT_INSECURE_ALGORITHM, "it is made with a weak algorithm"},
        {GNUTLS_CERT_SIGNER_NOT_FOUND, "no authority there signed it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((status & rows[i].bit) != 0)
            return rows[i].text;
    return "it can't be verified";
}

static bool verify(const gt_clients *clients, const trust *t, chain *c, gt_client_refusal *refusal,
                   char why[GT_CLIENT_WHY])
{
    unsigned char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = purpose};
    unsigned status = GNUTLS_CERT_INVALID, flags = GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM);
    int done = gnutls_x509_trust_list_verify_crt2(t->list, c->certs, c->length, &wanted, 1, flags, &status, NULL);
    *refusal = GT_CLIENT_UNTRUSTED;
    if (done != 0 || status != 0) {
        snprintf(why, GT_CLIENT_WHY, "the client certificate isn't one that --client-ca trusts: %s",
                 what_is_wrong(status));
        return false;
    }
    *refusal = GT_CLIENT_NAME;
    if (has_name(clients, c->certs[0]))
        return true;
    snprintf(why, GT_CLIENT_WHY, "the client certificate has none of the names that --client-names admits");
    return false;
}

bool gt_clients_admit(gt_clients *clients, gnutls_session_t session, gt_peer_note *note, int64_t now_us,
                      gt_client_refusal *refusal, char why[GT_CLIENT_WHY])
{
    trust *t = take(clients);
    uint64_t version = t == NULL ? 0 : t->version;
    unsigned n = 0;
    const gnutls_datum_t *raw = session == NULL ? NULL : gnutls_certificate_get_peers(session, &n);
    bool fine = note != NULL && note->version != 0 && note->version == version && now_us < note->until_us;
    if (!fine && (t == NULL || raw == NULL || n == 0)) {
        *refusal = GT_CLIENT_NONE;
        snprintf(why, GT_CLIENT_WHY,
                 "a client certificate is wanted (--client-ca): an API server shows the one that its "
                 "--admission-control-config-file names");
    } else if (!fine) {
        chain c = {0};
        *refusal = GT_CLIENT_UNTRUSTED;
        snprintf(why, GT_CLIENT_WHY, "the client certificate can't be read");
        fine = read_chain(&c, raw, n) && verify(clients, t, &c, refusal, why);
        free_chain(&c);
        if (fine && note != NULL) {
            note->version = version;
            note->until_us = now_us + REMEMBER_US;
        }
    }
    give_back(clients, t);
    return fine;
}
