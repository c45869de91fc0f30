/* Certificates out of PEM text, for the files of this room: what Go's AppendCertsFromPEM would take, and what is wrong with the rest.
 *
 * Nothing of this is an arena's, so it isn't held while one allocates (see lib/base/arena.h). */
#ifndef GT_CERTS_PEM_H
#define GT_CERTS_PEM_H

#include <openssl/x509.h>

#include "certs/bundle.h"

typedef struct gt_pem_cert {
    X509 *x509;
    unsigned char *der;
    size_t len;
    gt_cert_facts facts;
} gt_pem_cert;

typedef struct gt_pem {
    gt_pem_cert at[GT_BUNDLE_MAX];
    size_t count;
} gt_pem;

/* Adds the text's certificates to *pem (zero at first). A block that isn't a certificate is left out, and the first one of them is what comes
 * back: false, GT_ERR_INPUT "certificate 2: ...". GT_ERR_LIMIT: more than there's room for. Free it in any case. */
bool gt_pem_read(gt_pem *pem, gt_str text, gt_err *err);
void gt_pem_free(gt_pem *pem);

/* Bytes that gt_pem_write needs at most for `len` bytes of DER. */
static inline size_t gt_pem_room(size_t len)
{
    return len / 48 * 65 + 160;
}

/* Writes a CERTIFICATE block; -> what it wrote, no NUL. */
size_t gt_pem_write(char *to, const unsigned char *der, size_t len);

/* "2027-01-02T03:04:05Z" */
void gt_cert_time(int64_t s, char text[32]);

#endif
