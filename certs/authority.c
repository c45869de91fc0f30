/* What is made lies in OpenSSL's hands until it's complete, and is then copied to room that the arena gave before: see pem.h. */
#include "certs/authority.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "certs/pem.h"
#include "lib/kube/names.h"

enum { KEY_ROOM = 1024, CERT_ROOM = 4096, NAME_ROOM = 600, SERIAL = 16, COMMON_NAME = 64 };

/* What has to be freed of one certificate in the making, or of a pair that was read. */
typedef struct draft {
    X509 *x509;
    EVP_PKEY *key;
} draft;

static void free_draft(draft *d)
{
    X509_free(d->x509);
    EVP_PKEY_free(d->key);
    ERR_clear_error();
}

void gt_certs_wipe(gt_str secret)
{
    union { /* the caller's promise: it may be written to */
        const char *given;
        char *at;
    } bytes = {.given = secret.at};
    if (secret.len > 0)
        OPENSSL_cleanse(bytes.at, secret.len);
}

int64_t gt_cert_issued(const gt_cert_facts *facts)
{
    int64_t issued = facts->not_before + GT_CERT_BACKDATED_S;
    return issued < facts->not_after ? issued : facts->not_before;
}

int64_t gt_cert_due(const gt_cert_facts *facts)
{
    int64_t issued = gt_cert_issued(facts);
    return issued + (facts->not_after - issued) / 3 * 2;
}

/* ---- names ---- */

static bool is_dns(const char *name)
{
    gt_str s = gt_str_of(name);
    if (gt_str_starts(s, "*."))
        s = (gt_str){s.at + 2, s.len - 2};
    return gt_is_dns_subdomain(s);
}

static ASN1_OCTET_STRING *address_of(const char *name)
{
    return name[strspn(name, "0123456789abcdefABCDEF.:")] == '\0' ? a2i_IPADDRESS(name) : NULL;
}

bool gt_cert_name_is_valid(const char *name)
{
    ASN1_OCTET_STRING *address = address_of(name);
    bool valid = address != NULL || is_dns(name);
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return valid;
}

static bool add_name(GENERAL_NAMES *names, const char *name)
{
    ASN1_OCTET_STRING *address = address_of(name);
    ASN1_IA5STRING *text = address == NULL ? ASN1_IA5STRING_new() : NULL;
    GENERAL_NAME *one = GENERAL_NAME_new();
    bool ok = one != NULL && (address != NULL || (text != NULL && ASN1_STRING_set(text, name, -1) == 1));
    if (ok)
        GENERAL_NAME_set0_value(one, address != NULL ? GEN_IPADD : GEN_DNS, address != NULL ? address : text);
    ok = ok && sk_GENERAL_NAME_push(names, one) > 0;
    if (ok)
        return true;
    if (one == NULL || one->d.ptr == NULL) {
        ASN1_OCTET_STRING_free(address);
        ASN1_IA5STRING_free(text);
    }
    GENERAL_NAME_free(one);
    return false;
}

static bool add_names(X509 *x509, const char *const *names, gt_err *err)
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool ok = all != NULL;
    for (size_t i = 0; ok && names[i] != NULL; i++)
        ok = add_name(all, names[i]);
    ok = ok && X509_add1_ext_i2d(x509, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return ok || gt_fail(err, GT_ERR_ENV, "OpenSSL can't write the names of a certificate");
}

static bool check_names(const char *const *names, gt_err *err)
{
    size_t n = 0;
    for (; names[n] != NULL; n++)
        if (!gt_cert_name_is_valid(names[n]))
            return gt_fail(err, GT_ERR_INPUT, "\"%.200s\" is neither a DNS name nor an IP address", names[n]);
    return (n > 0 && n <= GT_CERT_NAMES_MAX) ||
           gt_fail(err, GT_ERR_INPUT, "a certificate for %zu names: 1 to %d are possible", n, GT_CERT_NAMES_MAX);
}

/* ---- making ---- */

typedef struct extension {
    int nid;
    const char *value;
} extension;

static const extension of_authority[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};
static const extension of_leaf[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

static bool extend(X509 *x509, X509 *issuer, const extension *rows, size_t n)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].value);
        bool ok = one != NULL && X509_add_ext(x509, one, -1) == 1;
        X509_EXTENSION_free(one);
        if (!ok)
            return false;
    }
    return true;
}

/* A new key, a positive serial number of 127 random bits, its validity and its subject. */
static bool begin(draft *d, const char *common_name, int64_t now_s, int64_t not_after)
{
    unsigned char serial[SERIAL];
    d->x509 = X509_new();
    d->key = EVP_EC_gen("P-256");
    if (d->x509 == NULL || d->key == NULL || RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(d->x509)) != NULL;
    BN_free(number);
    return ok && X509_set_version(d->x509, X509_VERSION_3) == 1 && X509_set_pubkey(d->x509, d->key) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(d->x509), (time_t)(now_s - GT_CERT_BACKDATED_S)) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(d->x509), (time_t)not_after) != NULL &&
           X509_NAME_add_entry_by_NID(X509_get_subject_name(d->x509), NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1;
}

/* Copies what a BIO holds into room that the arena gave; wipes the BIO's. */
static bool take(BIO *bio, gt_str *text, char *room, size_t size)
{
    char *at = NULL;
    long len = bio == NULL ? 0 : BIO_get_mem_data(bio, &at);
    bool ok = len > 0 && (size_t)len < size;
    if (ok) {
        memcpy(room, at, (size_t)len);
        room[len] = '\0';
        *text = (gt_str){room, (size_t)len};
    }
    if (at != NULL)
        OPENSSL_cleanse(at, (size_t)len);
    BIO_free(bio);
    return ok;
}

typedef struct paper {
    char *cert, *key;
    size_t cert_room;
} paper;

static paper paper_for(gt_arena *arena, const char *const *names)
{
    size_t n = 0;
    while (names != NULL && names[n] != NULL)
        n++;
    paper p = {.cert_room = CERT_ROOM + n * NAME_ROOM, .key = gt_arena_alloc(arena, KEY_ROOM)};
    p.cert = gt_arena_alloc(arena, p.cert_room);
    return p;
}

static bool print(const draft *d, const paper *p, gt_pair *pair)
{
    BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
    bool ok = cert != NULL && key != NULL && PEM_write_bio_X509(cert, d->x509) == 1 &&
              PEM_write_bio_PKCS8PrivateKey(key, d->key, NULL, NULL, 0, NULL, NULL) == 1;
    bool took_cert = take(cert, &pair->cert, p->cert, p->cert_room);
    bool took_key = take(key, &pair->key, p->key, KEY_ROOM);
    return ok && took_cert && took_key;
}

bool gt_authority_make(gt_arena *arena, const char *name, int64_t now_s, int64_t life_s, gt_pair *authority,
                       gt_err *err)
{
    paper p = paper_for(arena, NULL);
    gt_scoped(free_draft) draft d = {0};
    unsigned char mark[4];
    char common_name[COMMON_NAME];
    bool ok = RAND_bytes(mark, sizeof mark) == 1;
    snprintf(common_name, sizeof common_name, "%.40s %02x%02x%02x%02x", name, mark[0], mark[1], mark[2], mark[3]);
    ok = ok && begin(&d, common_name, now_s, now_s + life_s) &&
         X509_set_issuer_name(d.x509, X509_get_subject_name(d.x509)) == 1 &&
         extend(d.x509, d.x509, of_authority, sizeof of_authority / sizeof *of_authority) &&
         X509_sign(d.x509, d.key, EVP_sha256()) > 0 && print(&d, &p, authority);
    return ok || gt_fail(err, GT_ERR_ENV, "OpenSSL can't make an authority");
}

/* ---- reading ---- */

static int no_password(char *buf, int size, int rwflag, void *context)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)context;
    return 0; /* and OpenSSL asks nobody at a terminal */
}

static bool read_key(gt_str text, EVP_PKEY **key, gt_err *err)
{
    BIO *bio = text.len > GT_BUNDLE_BYTES ? NULL : BIO_new_mem_buf(text.at == NULL ? "" : text.at, (int)text.len);
    *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return *key != NULL || gt_fail(err, GT_ERR_INPUT, "no private key that can be read (PEM, without a password)");
}

/* The chain's first certificate, and its key. */
static bool read_pair(gt_str chain, gt_str key, draft *d, gt_cert_facts *facts, gt_err *err)
{
    gt_scoped(gt_pem_free) gt_pem certs = {0};
    if (!gt_pem_read(&certs, chain, err))
        return false;
    if (certs.count == 0)
        return gt_fail(err, GT_ERR_INPUT, "no certificate");
    if (!read_key(key, &d->key, err))
        return false;
    *facts = certs.at[0].facts;
    d->x509 = certs.at[0].x509;
    X509_up_ref(d->x509);
    return X509_check_private_key(d->x509, d->key) == 1 ||
           gt_fail(err, GT_ERR_INPUT, "the key isn't the certificate's");
}

bool gt_pair_fits(gt_str chain, gt_str key, gt_err *err)
{
    gt_scoped(free_draft) draft d = {0};
    gt_cert_facts facts;
    return read_pair(chain, key, &d, &facts, err);
}

static bool has_name(X509 *x509, const char *name)
{
    ASN1_OCTET_STRING *address = address_of(name);
    bool has = address != NULL ? X509_check_ip_asc(x509, name, 0) == 1
                               : X509_check_host(x509, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
    ASN1_OCTET_STRING_free(address);
    return has;
}

bool gt_chain_names(gt_str chain, const char *const *names, gt_err *err)
{
    gt_scoped(gt_pem_free) gt_pem certs = {0};
    if (!gt_pem_read(&certs, chain, err))
        return false;
    for (size_t i = 0; names[i] != NULL; i++)
        if (certs.count == 0 || !has_name(certs.at[0].x509, names[i]))
            return gt_fail(err, GT_ERR_INPUT, "the certificate isn't for %.253s", names[i]);
    return true;
}

/* ---- issuing ---- */

static void first_label(const char *const *names, char text[COMMON_NAME])
{
    snprintf(text, COMMON_NAME, "%s", names[0]);
    if (is_dns(names[0]) && names[0][0] != '*')
        text[strcspn(text, ".")] = '\0';
}

bool gt_authority_issue(gt_arena *arena, const gt_pair *authority, const char *const *names, int64_t now_s,
                        int64_t life_s, gt_pair *leaf, gt_err *err)
{
    if (!check_names(names, err))
        return false;
    paper p = paper_for(arena, names);
    gt_scoped(free_draft) draft d = {0}, issuer = {0};
    gt_cert_facts facts;
    char common_name[COMMON_NAME];
    if (!read_pair(authority->cert, authority->key, &issuer, &facts, err))
        return gt_wrap(err, "the authority");
    if (!facts.authority)
        return gt_fail(err, GT_ERR_INPUT, "the authority: %s may not sign certificates", facts.subject);
    if (now_s >= facts.not_after)
        return gt_fail(err, GT_ERR_INPUT, "the authority: %s has expired", facts.subject);
    first_label(names, common_name);
    int64_t not_after = now_s + life_s < facts.not_after ? now_s + life_s : facts.not_after;
    bool ok = begin(&d, common_name, now_s, not_after) &&
              X509_set_issuer_name(d.x509, X509_get_subject_name(issuer.x509)) == 1 &&
              extend(d.x509, issuer.x509, of_leaf, sizeof of_leaf / sizeof *of_leaf);
    if (ok && !add_names(d.x509, names, err))
        return false;
    ok = ok && X509_sign(d.x509, issuer.key, EVP_sha256()) > 0 && print(&d, &p, leaf);
    return ok || gt_fail(err, GT_ERR_ENV, "OpenSSL can't make a certificate");
}
