/* SHA-256 by the three functions that OpenSSL 3 calls deprecated: SHA256() and EVP_Digest() allocate, and without memory they leave
 * the digest as it was. These can't fail. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "lib/base/hash.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

void gt_sha256_hex(gt_str data, char *hex, size_t digits)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    assert(digits % 2 == 0 && digits <= 2 * sizeof digest);
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, data.at, data.len);
    SHA256_Final(digest, &state);
    for (size_t i = 0; i < digits; i++)
        hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf];
    hex[digits] = '\0';
}

void gt_base64(gt_buf *buf, gt_str data)
{
    const size_t slice = 3u << 20; /* EVP_EncodeBlock counts in int */
    gt_buf_room(buf, (data.len + 2) / 3 * 4);
    while (data.len > 0) {
        size_t n = data.len < slice ? data.len : slice;
        buf->len +=
            (size_t)EVP_EncodeBlock((unsigned char *)buf->at + buf->len, (const unsigned char *)data.at, (int)n);
        data = (gt_str){data.at + n, data.len - n};
    }
}

static bool is_base64_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

bool gt_base64_decode(gt_arena *arena, gt_str text, gt_str *data)
{
    if (text.len % 4 != 0 || text.len > (1u << 30))
        return false;
    size_t pad = 0;
    while (pad < 2 && pad < text.len && text.at[text.len - 1 - pad] == '=')
        pad++;
    /* EVP_DecodeBlock skips blanks and "-" at the ends and takes "=" anywhere */
    for (size_t i = 0; i < text.len - pad; i++)
        if (!is_base64_digit(text.at[i]))
            return false;
    unsigned char *out = gt_arena_alloc(arena, text.len / 4 * 3 + 1);
    int n = text.len == 0 ? 0 : EVP_DecodeBlock(out, (const unsigned char *)text.at, (int)text.len);
    if (n < 0)
        return false;
    out[(size_t)n - pad] = '\0';
    *data = (gt_str){(const char *)out, (size_t)n - pad};
    return true;
}
