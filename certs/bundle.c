#include "certs/bundle.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "certs/pem.h"

bool gt_bundle_facts(gt_arena *arena, gt_str pem, const gt_cert_facts **facts, size_t *count, gt_err *err)
{
    gt_cert_facts *all = GT_NEW_N(arena, gt_cert_facts, GT_BUNDLE_MAX);
    gt_pem certs = {0};
    bool ok = gt_pem_read(&certs, pem, err);
    for (size_t i = 0; i < certs.count; i++)
        all[i] = certs.at[i].facts;
    *facts = all;
    *count = ok ? certs.count : 0;
    gt_pem_free(&certs);
    return ok;
}

/* ---- trust ---- */

typedef struct verdict {
    X509_STORE *store;
    X509_STORE_CTX *context;
    STACK_OF(X509) * others; /* of the chain; the certificates stay the pile's */
} verdict;

static void free_verdict(verdict *v)
{
    X509_STORE_CTX_free(v->context);
    X509_STORE_free(v->store);
    sk_X509_free(v->others);
}

/* As crypto/x509 does it for a server: whatever is in the bundle is trusted, names are subjectAltNames alone, SHA-1 isn't enough. */
static bool set_up(verdict *v, const gt_pem *bundle, const gt_pem *chain, const char *dns_name, int64_t now_s)
{
    v->store = X509_STORE_new();
    v->context = X509_STORE_CTX_new();
    v->others = sk_X509_new_null();
    if (v->store == NULL || v->context == NULL || v->others == NULL)
        return false;
    for (size_t i = 0; i < bundle->count; i++)
        if (X509_STORE_add_cert(v->store, bundle->at[i].x509) != 1)
            return false;
    for (size_t i = 1; i < chain->count; i++)
        if (sk_X509_push(v->others, chain->at[i].x509) == 0)
            return false;
    if (X509_STORE_CTX_init(v->context, v->store, chain->at[0].x509, v->others) != 1)
        return false;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(v->context);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
    X509_VERIFY_PARAM_set_auth_level(param, 1);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) == 1 &&
           (dns_name == NULL || X509_VERIFY_PARAM_set1_host(param, dns_name, 0) == 1);
}

/* The certificate that the verdict is about: its place decides what a person calls it. */
static const char *whose(const verdict *v)
{
    return X509_STORE_CTX_get_error_depth(v->context) == 0 ? "the certificate" : "its authority";
}

static bool say_why(const verdict *v, const gt_pem *bundle, const gt_pem *chain, const char *dns_name, gt_err *err)
{
    int why = X509_STORE_CTX_get_error(v->context);
    X509 *at = X509_STORE_CTX_get_current_cert(v->context);
    const gt_cert_facts *facts = &chain->at[0].facts;
    for (size_t i = 0; i < bundle->count && at != chain->at[0].x509; i++)
        if (at != NULL && X509_cmp(at, bundle->at[i].x509) == 0)
            facts = &bundle->at[i].facts;
    char when[32];
    switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        gt_cert_time(facts->not_after, when);
        return gt_fail(err, GT_ERR_INPUT, "%s (%s) expired at %s", whose(v), facts->subject, when);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        gt_cert_time(facts->not_before, when);
        return gt_fail(err, GT_ERR_INPUT, "%s (%s) isn't valid before %s", whose(v), facts->subject, when);
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return gt_fail(err, GT_ERR_INPUT, "the certificate (%s) isn't for %s", facts->subject, dns_name);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return gt_fail(err, GT_ERR_INPUT, "no authority of the bundle has signed it (issuer: %s)",
                       chain->at[0].facts.issuer);
    case X509_V_ERR_INVALID_PURPOSE:
        return gt_fail(err, GT_ERR_INPUT, "%s (%s) isn't one that a server may have", whose(v), facts->subject);
    default: return gt_fail(err, GT_ERR_INPUT, "%s: %s", whose(v), X509_verify_cert_error_string(why));
    }
}

static bool verify(const gt_pem *bundle, const gt_pem *chain, const char *dns_name, int64_t now_s, gt_err *err)
{
    gt_scoped(free_verdict) verdict v = {0};
    if (!set_up(&v, bundle, chain, dns_name, now_s))
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    return X509_verify_cert(v.context) == 1 || say_why(&v, bundle, chain, dns_name, err);
}

bool gt_bundle_trusts(gt_str bundle, gt_str chain, const char *dns_name, int64_t now_s, gt_err *err)
{
    gt_scoped(gt_pem_free) gt_pem trusted = {0}, shown = {0};
    gt_err broken = {0};
    bool ok = gt_pem_read(&shown, chain, err);
    if (!ok)
        return gt_wrap(err, "the chain");
    if (shown.count == 0)
        return gt_fail(err, GT_ERR_INPUT, "the chain has no certificate");
    if (!gt_pem_read(&trusted, bundle, &broken) && broken.kind != GT_ERR_INPUT) {
        *err = broken;
        return gt_wrap(err, "the bundle");
    }
    if (trusted.count == 0)
        return gt_fail(err, GT_ERR_INPUT, "the bundle has no certificate%s%s", broken.kind == GT_ERR_NONE ? "" : ": ",
                       broken.text);
    ok = verify(&trusted, &shown, dns_name, now_s, err);
    ERR_clear_error();
    return ok;
}

/* ---- sets ---- */

static bool has(const gt_pem *certs, size_t count, const gt_cert_facts *one)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(certs->at[i].facts.fingerprint, one->fingerprint) == 0)
            return true;
    return false;
}

static bool read_both(gt_pem *all, gt_str a, gt_str b, gt_err *err)
{
    return gt_pem_read(all, a, err) && gt_pem_read(all, b, err);
}

bool gt_bundle_union(gt_arena *arena, gt_str a, gt_str b, int64_t now_s, gt_str *both, gt_err *err)
{
    char *text = gt_arena_alloc(arena, gt_pem_room(a.len + b.len) + gt_pem_room(0) * GT_BUNDLE_MAX);
    size_t len = 0;
    gt_pem all = {0};
    bool ok = read_both(&all, a, b, err);
    for (size_t i = 0; ok && i < all.count; i++)
        if (all.at[i].facts.not_after >= now_s && !has(&all, i, &all.at[i].facts))
            len += gt_pem_write(text + len, all.at[i].der, all.at[i].len);
    gt_pem_free(&all);
    *both = (gt_str){text, ok ? len : 0};
    return ok;
}

bool gt_bundle_contains(gt_str whole, gt_str part)
{
    gt_scoped(gt_pem_free) gt_pem all = {0}, some = {0};
    gt_err err;
    bool found = gt_pem_read(&some, part, &err);
    gt_pem_read(&all, whole, &err); /* what is broken in it isn't contained */
    for (size_t i = 0; found && i < some.count; i++)
        found = has(&all, all.count, &some.at[i].facts);
    return found;
}
