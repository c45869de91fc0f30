/* OpenSSL's own reader of PEM is choosier than Go's about lines, and it is a Go program whose opinion counts: so blocks are found here, by
 * Go's rules (encoding/pem), and OpenSSL sees DER. */
#include "certs/pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/hash.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

enum { LINE_BYTES = 48 };

void gt_cert_time(int64_t s, char text[32])
{
    gt_clock_text(s * 1000, 0, text);
}

/* ---- facts ---- */

static bool seconds_of(const ASN1_TIME *time, int64_t *s)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *s = timegm(&tm);
    return true;
}

static void name_of(const X509_NAME *name, char *text, size_t size)
{
    text[0] = '\0';
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL)
        return;
    char *at;
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    size_t len = (size_t)BIO_get_mem_data(bio, &at);
    len = len < size ? len : size - 1;
    memcpy(text, at, len);
    text[len] = '\0';
    BIO_free(bio);
}

static bool learn(gt_pem_cert *cert, gt_err *err)
{
    gt_cert_facts *facts = &cert->facts;
    gt_sha256_hex((gt_str){(const char *)cert->der, cert->len}, facts->fingerprint, GT_CERT_FINGERPRINT);
    name_of(X509_get_subject_name(cert->x509), facts->subject, sizeof facts->subject);
    name_of(X509_get_issuer_name(cert->x509), facts->issuer, sizeof facts->issuer);
    uint32_t flags = X509_get_extension_flags(cert->x509);
    facts->authority = (flags & EXFLAG_CA) != 0;
    if ((flags & EXFLAG_INVALID) != 0)
        return gt_fail(err, GT_ERR_INPUT, "its extensions can't be read");
    if (!seconds_of(X509_get0_notBefore(cert->x509), &facts->not_before) ||
        !seconds_of(X509_get0_notAfter(cert->x509), &facts->not_after))
        return gt_fail(err, GT_ERR_INPUT, "its validity can't be read");
    return true;
}

/* ---- blocks ---- */

static void free_cert(gt_pem_cert *cert)
{
    X509_free(cert->x509);
    free(cert->der);
    *cert = (gt_pem_cert){0};
}

void gt_pem_free(gt_pem *pem)
{
    for (size_t i = 0; i < pem->count; i++)
        free_cert(&pem->at[i]);
    pem->count = 0;
}

static bool is_digit(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* base64 without its white space, of which len bytes stand in `text` -> bytes of DER, 0: it's something else */
static size_t decode(unsigned char *text, size_t len)
{
    size_t padding = 0, digits = 0;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    while (digits < len && is_digit(text[digits]))
        digits++;
    if (len == 0 || len % 4 != 0 || digits + padding != len)
        return 0;
    int n = EVP_DecodeBlock(text, text, (int)len); /* in place: it reads four before it writes three */
    return n < (int)padding ? 0 : (size_t)n - padding;
}

/* What stands between the two lines. */
static bool take_block(gt_pem *pem, gt_str body, gt_err *err)
{
    gt_pem_cert cert = {.der = malloc(body.len + 1)};
    if (cert.der == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    size_t len = 0;
    for (size_t i = 0; i < body.len; i++)
        if (body.at[i] != ' ' && body.at[i] != '\t' && body.at[i] != '\r' && body.at[i] != '\n')
            cert.der[len++] = (unsigned char)body.at[i];
    cert.len = decode(cert.der, len);
    const unsigned char *at = cert.der;
    bool ok = false;
    if (memchr(body.at, ':', body.len) != NULL)
        gt_fail(err, GT_ERR_INPUT, "its block has headers: clients leave such a one out");
    else if (cert.len == 0)
        gt_fail(err, GT_ERR_INPUT, "not base64");
    else if ((cert.x509 = d2i_X509(NULL, &at, (long)cert.len)) == NULL)
        gt_fail(err, GT_ERR_INPUT, "not an X.509 certificate");
    else if (at != cert.der + cert.len)
        gt_fail(err, GT_ERR_INPUT, "bytes behind its end");
    else
        ok = learn(&cert, err);
    ERR_clear_error();
    if (ok)
        pem->at[pem->count++] = cert;
    else
        free_cert(&cert);
    return ok;
}

static gt_str next_line(gt_str *rest)
{
    const char *end = memchr(rest->at, '\n', rest->len);
    gt_str line = {rest->at, end == NULL ? rest->len : (size_t)(end - rest->at)};
    size_t taken = line.len + (end != NULL);
    rest->at += taken;
    rest->len -= taken;
    while (line.len > 0 && strchr(" \t\r", line.at[line.len - 1]) != NULL)
        line.len--;
    return line;
}

/* From behind a BEGIN line to its END; *rest goes on behind that, or at the next BEGIN. */
static bool find_end(gt_str *rest, gt_str *body, gt_err *err)
{
    const char *start = rest->at;
    while (rest->len > 0) {
        gt_str before = *rest, line = next_line(rest);
        *body = (gt_str){start, (size_t)(before.at - start)};
        if (gt_str_is(line, END))
            return true;
        if (gt_str_starts(line, "-----")) {
            *rest = before;
            break;
        }
    }
    return gt_fail(err, GT_ERR_INPUT, "its block has no line \"" END "\"");
}

bool gt_pem_read(gt_pem *pem, gt_str text, gt_err *err)
{
    gt_str rest = text, body = {0};
    size_t number = 0;
    bool good = true;
    gt_err wrong;
    if (text.len > GT_BUNDLE_BYTES)
        return gt_fail(err, GT_ERR_LIMIT, "more than %d KiB of certificates", GT_BUNDLE_BYTES / 1024);
    while (rest.len > 0) {
        if (!gt_str_is(next_line(&rest), BEGIN))
            continue;
        number++;
        if (pem->count == GT_BUNDLE_MAX)
            return gt_fail(err, GT_ERR_LIMIT, "more than %d certificates", GT_BUNDLE_MAX);
        if (find_end(&rest, &body, &wrong) && take_block(pem, body, &wrong))
            continue;
        if (good) {
            *err = wrong;
            gt_wrap(err, "certificate %zu", number);
        }
        good = false;
    }
    return good;
}

size_t gt_pem_write(char *to, const unsigned char *der, size_t len)
{
    char *at = stpcpy(to, BEGIN "\n");
    for (size_t done = 0; done < len; done += LINE_BYTES) {
        size_t n = len - done < LINE_BYTES ? len - done : LINE_BYTES;
        at += EVP_EncodeBlock((unsigned char *)at, der + done, (int)n);
        *at++ = '\n';
    }
    return (size_t)(stpcpy(at, END "\n") - to);
}
