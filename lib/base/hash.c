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

enum { GROUP_IN = 12, GROUP_OUT = 16 };

typedef uint32_t words __attribute__((vector_size(GROUP_OUT)));
typedef signed char lanes __attribute__((vector_size(GROUP_OUT)));

/* 3 bytes, the first one lowest, as 4 numbers of 6 bits, the first one lowest. In 4 words at once. */
static words spread(words w)
{
    return (w >> 2 & 0x3f) | (w << 12 & 0x3000) | (w >> 4 & 0xf00) | (w << 10 & 0x3c0000) | (w >> 6 & 0x30000) |
           (w << 8 & 0x3f000000);
}

/* Each comparison is all ones where it holds. EVP_EncodeBlock takes them one by one, several times as long. Reads one byte more. */
static void encode_group(const unsigned char *from, char *to)
{
    uint32_t in[GROUP_IN / 3];
    for (size_t i = 0; i < GROUP_IN / 3; i++) {
        memcpy(&in[i], from + 3 * i, sizeof in[i]);
        in[i] = le32toh(in[i]);
    }
    words w = spread((words){in[0], in[1], in[2], in[3]});
    w = (words){htole32(w[0]), htole32(w[1]), htole32(w[2]), htole32(w[3])};
    lanes d = (lanes)w;
    d += 'A' + ((d > 25) & ('a' - 'Z' - 1)) - ((d > 51) & ('z' - '0' + 1)) - ((d > 61) & ('9' - '+' + 1)) +
         ((d > 62) & 3);
    memcpy(to, &d, sizeof d);
}

void gt_base64(gt_buf *buf, gt_str data)
{
    gt_buf_room(buf, (data.len + 2) / 3 * 4);
    while (data.len > GROUP_IN) {
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
