#include "webhook/keypair.h"

#include <gnutls/x509.h>
#include <time.h>

#include "tests/unit/test_catalogue_folder.h"
#include "webhook/reload.h"

enum { NOW = 1700000000, DAY = 86400 };

typedef struct pem {
    char cert[4096], key[4096];
} pem;

typedef struct kind {
    gnutls_pk_algorithm_t key;
    unsigned bits;
    gnutls_digest_algorithm_t digest;
} kind;

/* A self-signed certificate that is valid from `from` to `until`. */
static pem make_of(kind k, const char *name, int64_t from, int64_t until)
{
    pem result = {0};
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    gnutls_x509_privkey_init(&key);
    cr_assert_eq(gnutls_x509_privkey_generate(key, k.key, k.bits, 0), 0);
    gnutls_x509_crt_init(&cert);
    gnutls_x509_crt_set_version(cert, 3);
    gnutls_x509_crt_set_serial(cert, "\x01", 1);
    gnutls_x509_crt_set_activation_time(cert, from);
    gnutls_x509_crt_set_expiration_time(cert, until);
    gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
    gnutls_x509_crt_set_key(cert, key);
    cr_assert_eq(gnutls_x509_crt_sign2(cert, cert, key, k.digest, 0), 0);
    size_t n = sizeof result.cert - 1, m = sizeof result.key - 1;
    cr_assert_eq(gnutls_x509_crt_export(cert, GNUTLS_X509_FMT_PEM, result.cert, &n), 0);
    cr_assert_eq(gnutls_x509_privkey_export_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, result.key, &m),
                 0);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
    return result;
}

/* P-256 */
static pem make(const char *name, int64_t from, int64_t until)
{
    return make_of((kind){GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), GNUTLS_DIG_SHA256}, name,
                   from, until);
}

static bool load(const folder *f, const char *cert, const char *key, gt_keypair **pair, gt_err *err)
{
    char cert_path[256], key_path[256];
    folder_put(f, "tls.crt", cert);
    folder_put(f, "tls.key", key);
    return gt_keypair_load(folder_path(f, "tls.crt", cert_path), folder_path(f, "tls.key", key_path), NOW, pair, err);
}

Test(webhook_keypair, loads_and_knows_about_it)
{
    SCOPED_FOLDER(here);
    pem good = make("webhook", NOW - DAY, NOW + DAY);
    gt_keypair *pair;
    gt_err err;
    cr_assert(load(&here, good.cert, good.key, &pair, &err), "%s", err.text);
    const gt_keypair_facts *facts = gt_keypair_about(pair);
    cr_expect_eq(facts->not_before, NOW - DAY);
    cr_expect_eq(facts->not_after, NOW + DAY);
    cr_expect_str_eq(facts->subject, "CN=webhook");
    cr_expect_eq(strlen(facts->fingerprint), GT_FINGERPRINT);
    gt_keypair_free(pair);
    gt_keypair_free(NULL);
}

Test(webhook_keypair, a_chain_is_taken_whole)
{
    SCOPED_FOLDER(here);
    pem leaf = make("leaf", NOW - DAY, NOW + DAY), ca = make("ca", NOW - DAY, NOW + DAY);
    char chain[sizeof leaf.cert * 12];
    int used = snprintf(chain, sizeof chain, "%s%s", leaf.cert, ca.cert);
    gt_keypair *pair;
    gt_err err;
    cr_assert(load(&here, chain, leaf.key, &pair, &err), "%s", err.text);
    gt_keybox *box = gt_keybox_new();
    gt_keybox_put(box, pair);
    gnutls_pcert_st *certs;
    unsigned n;
    gnutls_privkey_t key;
    cr_assert_eq(gt_keybox_hand_out(box, &certs, &n, &key), 0);
    cr_expect_eq(n, 2);
    gt_keybox_free(box); /* the copies outlive it */
    for (unsigned i = 0; i < n; i++)
        gnutls_pcert_deinit(&certs[i]);
    gnutls_free(certs);
    gnutls_privkey_deinit(key);
    for (int i = 0; i < GT_KEYPAIR_MAX_CHAIN; i++)
        used += snprintf(chain + used, sizeof chain - (size_t)used, "%s", ca.cert);
    cr_expect(!load(&here, chain, leaf.key, &pair, &err));
    cr_expect_not_null(strstr(err.text, "more than 10"), "%s", err.text);
}

Test(webhook_keypair, refuses)
{
    SCOPED_FOLDER(here);
    pem good = make("a", NOW - DAY, NOW + DAY), other = make("b", NOW - DAY, NOW + DAY);
    pem old = make("old", NOW - 2 * DAY, NOW), early = make("early", NOW + 1, NOW + DAY);
    const struct {
        const char *cert, *key, *says;
    } rows[] = {
        {good.cert, other.key, "is not the key of the certificate"},
        {old.cert, old.key, "the certificate expired at 2023-11-14T22:13:20Z"},
        {early.cert, early.key, "the certificate isn't valid before 2023-11-14T22:13:21Z"},
        {"", good.key, "no PEM certificate"},
        {good.key, good.key, "no PEM certificate"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", good.key, "no PEM certificate"},
        {good.cert, "", "no usable PEM private key"},
        {good.cert, good.cert, "no usable PEM private key"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_keypair *pair;
        gt_err err;
        cr_expect(!load(&here, rows[i].cert, rows[i].key, &pair, &err), "%zu", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT);
        cr_expect_not_null(strstr(err.text, rows[i].says), "%s: %s", rows[i].says, err.text);
        cr_expect_null(pair);
    }
    gt_keypair *pair;
    gt_err err;
    cr_expect(!gt_keypair_load("/nowhere/c", "/nowhere/k", NOW, &pair, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    cr_expect(!gt_keypair_load("/dev/zero", "/dev/zero", NOW, &pair, &err), "an endless file");
}

/* A certificate that nobody can shake hands with must not be served, and called ready. */
Test(webhook_keypair, refuses_keys_that_no_api_server_can_use)
{
    SCOPED_FOLDER(here);
    const struct {
        kind kind;
        bool good;
    } rows[] = {
        {{GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), GNUTLS_DIG_SHA384}, true},
        {{GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1), GNUTLS_DIG_SHA512}, true},
        {{GNUTLS_PK_EDDSA_ED25519, 0, GNUTLS_DIG_SHA512}, true},
        {{GNUTLS_PK_RSA, 2048, GNUTLS_DIG_SHA256}, true},
        {{GNUTLS_PK_EDDSA_ED448, 0, GNUTLS_DIG_SHAKE_256}, false},
        {{GNUTLS_PK_RSA_PSS, 2048, GNUTLS_DIG_SHA256}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        pem p = make_of(rows[i].kind, "x", NOW - DAY, NOW + DAY);
        gt_keypair *pair;
        gt_err err = {.text = ""};
        cr_expect_eq(load(&here, p.cert, p.key, &pair, &err), rows[i].good, "%zu: %s", i, err.text);
        if (!rows[i].good)
            cr_expect_not_null(strstr(err.text, "no API server can use a key of this kind"), "%s", err.text);
        gt_keypair_free(pair);
    }
}

static unsigned served_length(gt_keybox *box)
{
    gnutls_pcert_st *certs;
    gnutls_privkey_t key;
    unsigned n;
    cr_assert_eq(gt_keybox_hand_out(box, &certs, &n, &key), 0);
    for (unsigned i = 0; i < n; i++)
        gnutls_pcert_deinit(&certs[i]);
    gnutls_free(certs);
    gnutls_privkey_deinit(key);
    return n;
}

/* As when an intermediate was forgotten, or is replaced: the leaf is the same. */
Test(webhook_keypair, the_same_leaf_with_another_chain_is_taken)
{
    SCOPED_FOLDER(here);
    static gt_metrics metrics;
    int64_t now = time(NULL);
    pem leaf = make("leaf", now - DAY, now + DAY), ca = make("ca", now - DAY, now + DAY);
    char cert_path[256], key_path[256], chain[2 * sizeof leaf.cert];
    gt_keybox *box = gt_keybox_new();
    gt_reload_keys keys = {.cert_path = folder_path(&here, "tls.crt", cert_path),
                           .key_path = folder_path(&here, "tls.key", key_path),
                           .box = box,
                           .metrics = &metrics};
    gt_err err;
    folder_put(&here, "tls.crt", leaf.cert);
    folder_put(&here, "tls.key", leaf.key);
    cr_assert(gt_keys_load(&keys, &err), "%s", err.text);
    cr_expect_eq(served_length(box), 1);
    snprintf(chain, sizeof chain, "%s%s", leaf.cert, ca.cert);
    folder_put(&here, "tls.crt", chain);
    cr_assert(gt_keys_load(&keys, &err), "%s", err.text);
    cr_expect_eq(served_length(box), 2);
    gt_keybox_free(box);
}

Test(webhook_keypair, the_box_swaps)
{
    SCOPED_FOLDER(here);
    pem first = make("first", NOW - DAY, NOW + DAY), second = make("second", NOW - DAY, NOW + 2 * DAY);
    gt_keybox *box = gt_keybox_new();
    gt_keypair_facts facts;
    gnutls_pcert_st *certs;
    unsigned n;
    gnutls_privkey_t key;
    gt_keypair *pair;
    gt_err err;
    cr_expect(!gt_keybox_facts(box, &facts));
    cr_expect(!gt_keybox_valid(box, NOW));
    cr_expect_eq(gt_keybox_hand_out(box, &certs, &n, &key), -1);
    cr_expect_null(certs);
    cr_assert(load(&here, first.cert, first.key, &pair, &err));
    gt_keybox_put(box, pair);
    cr_expect(gt_keybox_valid(box, NOW));
    cr_expect(!gt_keybox_valid(box, NOW + DAY));
    cr_expect(!gt_keybox_valid(box, NOW - DAY - 1));
    cr_assert(load(&here, second.cert, second.key, &pair, &err));
    gt_keybox_put(box, pair);
    cr_expect(gt_keybox_facts(box, &facts));
    cr_expect_str_eq(facts.subject, "CN=second");
    cr_expect(gt_keybox_valid(box, NOW + DAY));
    gt_keybox_free(box);
    gt_keybox_free(NULL);
}

Test(webhook_keypair, files_tell_when_to_look_again)
{
    SCOPED_FOLDER(here);
    char cert[256], key[256];
    gt_keyfiles_state before, after;
    folder_path(&here, "tls.crt", cert);
    folder_path(&here, "tls.key", key);
    gt_keyfiles_look(cert, key, &before);
    folder_put(&here, "tls.crt", "x");
    gt_keyfiles_look(cert, key, &after);
    cr_expect(!gt_keyfiles_equal(&before, &after));
    gt_keyfiles_look(cert, key, &before);
    cr_expect(gt_keyfiles_equal(&before, &after));
    folder_put(&here, "tls.key", "y");
    gt_keyfiles_look(cert, key, &after);
    cr_expect(!gt_keyfiles_equal(&before, &after));
}
