/* SHA-256 by the three functions that OpenSSL 3 calls deprecated: SHA256() and EVP_Digest() allocate, and without memory they leave
 * the digest as it was. These can't fail. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "lib/base/hash.h"

#include <assert.h>
#include <endian.h>
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

enum { GROUP_IN = 48, GROUP_OUT = 64 };

/* 6 bytes as 8 numbers of 6 bits, the first one lowest in memory. Reads two bytes more. */
static void spread(const unsigned char *from, unsigned char *to)
{
    uint64_t bits;
    memcpy(&bits, from, sizeof bits);
    bits = be64toh(bits) >> 16;
    bits = (bits & 0xffffff000000) << 8 | (bits & 0xffffff);
    bits = (bits & 0xfff00000fff000) << 4 | (bits & 0xfff00000fff);
    bits = (bits & 0xfc00fc00fc00fc0) << 2 | (bits & 0x3f003f003f003f);
    bits = htobe64(bits);
    memcpy(to, &bits, sizeof bits);
}

typedef signed char lanes __attribute__((vector_size(16)));

/* From numbers to letters, 16 at a time: each comparison is all ones where it holds. EVP_EncodeBlock takes one by one, three times as long. */
static void encode_group(const unsigned char *from, char *to)
{
    unsigned char digits[GROUP_OUT];
    for (size_t i = 0; i < GROUP_IN / 6; i++)
        spread(from + 6 * i, digits + 8 * i);
    for (size_t i = 0; i < GROUP_OUT; i += sizeof(lanes)) {
        lanes d;
        memcpy(&d, digits + i, sizeof d);
        d += 'A' + ((d > 25) & ('a' - 'Z' - 1)) - ((d > 51) & ('z' - '0' + 1)) - ((d > 61) & ('9' - '+' + 1)) +
             ((d > 62) & 3);
        memcpy(to + i, &d, sizeof d);
    }
}

void gt_base64(gt_buf *buf, gt_str data)
{
    gt_buf_room(buf, (data.len + 2) / 3 * 4);
    while (data.len >= GROUP_IN + 2) {
        encode_group((const unsigned char *)data.at, buf->at + buf->len);
        buf->len += GROUP_OUT;
        data = (gt_str){data.at + GROUP_IN, data.len - GROUP_IN};
    }
    if (data.len > 0) /* ends with a NUL, too */
        buf->len +=
            (size_t)EVP_EncodeBlock((unsigned char *)buf->at + buf->len, (const unsigned char *)data.at, (int)data.len);
    buf->at[buf->len] = '\0';
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
