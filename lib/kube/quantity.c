/* apimachinery's ParseQuantity (v0.35, pkg/api/resource), with its corners, because the API server is who reads what
 * we compare:
 *   - the number may lack digits ("Ki", ".", "-" are 0), except where its slow path, which wants one, is taken
 *   - the exponent is cut to 32 bits ("1e4294967296" is 1)
 *   - only a binary suffix is capped at 2^63-1; a decimal one isn't
 *   - what is finer than 10^-9 is rounded away from zero
 * Its big integers are replaced by saturation: above 1.7e29 all quantities are equal, which no node will ever have. */
#include "lib/kube/quantity.h"

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

enum { NANO_DIGITS = 9, PRECISE = 60 };

static const u128 MOST = (u128)-1 >> 1;

/* The text taken apart: digits "num" "den" around the point, suffix behind. */
typedef struct parts {
    bool negative, binary;
    gt_str num, den;
    int32_t exponent; /* of 2 if binary, else of 10 */
} parts;

static size_t count_digits(gt_str s)
{
    size_t n = 0;
    while (n < s.len && s.at[n] >= '0' && s.at[n] <= '9')
        n++;
    return n;
}

static gt_str skip(gt_str s, size_t n)
{
    return (gt_str){s.at + n, s.len - n};
}

/* strconv.ParseInt(text, 10, 64), of which apimachinery keeps 32 bits. */
static bool parse_exponent(gt_str text, int32_t *exponent)
{
    bool negative = gt_str_starts(text, "-");
    if (negative || gt_str_starts(text, "+"))
        text = skip(text, 1);
    int64_t whole;
    if (negative && gt_str_is(text, "9223372036854775808"))
        whole = 0; /* -2^63: its low 32 bits */
    else if (!gt_str_number(text, 0, INT64_MAX, &whole))
        return false;
    uint32_t low = (uint32_t)whole;
    *exponent = (int32_t)(negative ? 0u - low : low);
    return true;
}

static bool parse_suffix(gt_str suffix, parts *p)
{
    static const struct {
        const char *text;
        bool binary;
        int32_t exponent;
    } table[] = {
        {"", false, 0},   {"n", false, -9}, {"u", false, -6}, {"m", false, -3}, {"k", false, 3},  {"M", false, 6},
        {"G", false, 9},  {"T", false, 12}, {"P", false, 15}, {"E", false, 18}, {"Ki", true, 10}, {"Mi", true, 20},
        {"Gi", true, 30}, {"Ti", true, 40}, {"Pi", true, 50}, {"Ei", true, 60},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (gt_str_is(suffix, table[i].text)) {
            p->binary = table[i].binary;
            p->exponent = table[i].exponent;
            return true;
        }
    }
    return (suffix.at[0] == 'e' || suffix.at[0] == 'E') && parse_exponent(skip(suffix, 1), &p->exponent);
}

static bool take_apart(gt_str text, parts *p)
{
    *p = (parts){.negative = gt_str_starts(text, "-")};
    gt_str rest = skip(text, p->negative || gt_str_starts(text, "+"));
    p->num = (gt_str){rest.at, count_digits(rest)};
    rest = skip(rest, p->num.len);
    if (gt_str_starts(rest, ".")) {
        rest = skip(rest, 1);
        p->den = (gt_str){rest.at, count_digits(rest)};
        rest = skip(rest, p->den.len);
    }
    if (!parse_suffix(rest, p))
        return false;
    bool slow = p->binary ? p->exponent >= 50 : p->exponent < -NANO_DIGITS;
    return p->num.len + p->den.len > 0 || !slow;
}

static int digit_at(const parts *p, size_t i)
{
    return (i < p->num.len ? p->num.at[i] : p->den.at[i - p->num.len]) - '0';
}

static u128 times(u128 a, u128 b)
{
    u128 product;
    return __builtin_mul_overflow(a, b, &product) || product > MOST ? MOST : product;
}

static u128 plus(u128 a, u128 b)
{
    return a > MOST - b ? MOST : a + b;
}

/* The digits from `first` on, taken as 0.ddd, times 2^doublings, rounded up. 60 digits and whether anything follows
 * decide it: 10^60 is a multiple of 2^60, so that a whole number never lies inside what the 60 digits leave open. */
static u128 fraction_up(const parts *p, size_t first, size_t all, int32_t doublings)
{
    unsigned char digit[PRECISE] = {0};
    bool more = false;
    if (first == all)
        return 0;
    for (size_t i = first; i < all; i++) {
        if (i - first < PRECISE)
            digit[i - first] = (unsigned char)digit_at(p, i);
        else
            more = more || digit_at(p, i) != 0;
    }
    uint64_t whole = 0;
    for (int32_t n = 0; n < doublings; n++) {
        unsigned carry = 0;
        for (int i = PRECISE - 1; i >= 0; i--) {
            unsigned twice = digit[i] * 2u + carry;
            digit[i] = (unsigned char)(twice % 10);
            carry = twice / 10;
        }
        whole = whole * 2 + carry;
    }
    for (int i = 0; i < PRECISE; i++)
        more = more || digit[i] != 0;
    return (u128)whole + more;
}

static u128 magnitude(const parts *p)
{
    size_t all = p->num.len + p->den.len;
    int64_t shift =
        NANO_DIGITS - (int64_t)p->den.len + (p->binary ? 0 : p->exponent); /* nanos are the digits times 10^shift */
    int32_t doublings = p->binary ? p->exponent : 0;
    size_t kept = shift >= 0 ? all : (uint64_t)-shift >= all ? 0 : all - (size_t)-shift;
    u128 sum = 0;
    for (size_t i = 0; i < kept; i++)
        sum = plus(times(sum, 10), (u128)digit_at(p, i));
    sum = times(sum, (u128)1 << doublings);
    for (int64_t i = 0; i < shift && sum != 0 && sum != MOST; i++)
        sum = times(sum, 10);
    sum = plus(sum, fraction_up(p, kept, all, doublings));
    const u128 cap = times((u128)INT64_MAX, 1000000000);
    return p->binary && sum > cap ? cap : sum;
}

bool gt_quantity_parse(gt_str text, gt_quantity *quantity)
{
    parts p;
    if (text.len == 0 || !take_apart(text, &p))
        return false;
    i128 nanos = (i128)magnitude(&p);
    quantity->nanos = p.negative ? -nanos : nanos;
    return true;
}

int gt_quantity_cmp(gt_quantity a, gt_quantity b)
{
    return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}
