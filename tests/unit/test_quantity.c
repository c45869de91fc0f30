#include "lib/kube/quantity.h"

#include "tests/unit/support.h"

/* Pairs, so that no expected value has to be worked out: each was checked against apimachinery v0.35.4. */
static const struct {
    const char *a, *b;
    int order;
} pairs[] = {
    {"1", "1000m", 0},
    {"0.5", "500m", 0},
    {"500m", "0.5", 0},
    {"1k", "1000", 0},
    {"1Ki", "1024", 0},
    {"1Gi", "1024Mi", 0},
    {"1.5Gi", "1536Mi", 0},
    {"1G", "1Gi", -1},
    {"2e3", "2k", 0},
    {"2E3", "2000", 0},
    {"2E", "2000P", 0},
    {"1e-3", "1m", 0},
    {"1u", "1000n", 0},
    {"+1", "1", 0},
    {"-1", "1", -1},
    {"-1", "-2", 1},
    {"-1Gi", "-1024Mi", 0},
    {"00.50", ".5", 0},
    {"5.", "5", 0},
    {"1.G", "1G", 0},
    {"0", "0Gi", 0},
    {"0", "-0", 0},
    {"1n", "0", 1},
    {"0.1n", "1n", 0}, /* what is finer than a nano is rounded away from zero */
    {"-0.1n", "-1n", 0},
    {"1.0000000001", "1.000000001", 0},
    {"1.0000000010", "1.000000001", 0},
    {"0.00000000000000000000000000000000000000000000000000000000000000000000000000000000001", "1n", 0},
    {"0.1Ki", "102.4", 0},
    {"0.0000000001Ki", "103n", 0},
    {"0.30000000000000000000000000000000000000000000000000000000000000000001Ki", "307.200000001", 0},
    {"0.0009765625Ki", "1", 0},
    {"0.00097656250000000000000000000000000000000000000000000000000000000000000000000001Ki", "1.000000001", 0},
    {"0.000000000000000000867361737988403547205962240695953369140625Ei", "1", 0}, /* 2^-60, and a bit more */
    {"0.0000000000000000008673617379884035472059622406959533691406251Ei", "1.000000001", 0},
    {"8Ei", "9223372036854775807", 0}, /* a binary suffix is capped */
    {"9Ei", "8Ei", 0},
    {"-9Ei", "-9223372036854775807", 0},
    {"7Ei", "8Ei", -1},
    {"9223372036854775808", "8Ei", 1}, /* a decimal one isn't */
    {"100E", "99E", 1},
    {"123456789012345678901234567", "123456789012345678901234568", -1},
    {"1e29", "1e28", 1},
    {"1e40", "1e50", 0}, /* beyond what we hold */
    {"-1e40", "-1e50", 0},
    {"1e999999999", "1e30", 0},
    {"0e999999999", "0", 0},
    {"1e-999999999", "1n", 0},
    {"1e4294967296", "1", 0}, /* 32 bits of the exponent count */
    {"1e-4294967297", "100m", 0},
    {"1e9223372036854775807", "100m", 0},
    {"Ki", "0", 0}, /* digits are optional, nearly */
    {".", "0", 0},
    {"-", "0", 0},
    {"+", "0", 0},
    {"n", "0", 0},
    {"e5", "0", 0},
    {"Ti", "0", 0},
};

Test(quantity, compares)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        gt_quantity a, b;
        SCOPED_EXACT(text, gt_str_of(pairs[i].a));
        cr_assert(gt_quantity_parse(text, &a), "%s", pairs[i].a);
        cr_assert(gt_quantity_parse(gt_str_of(pairs[i].b), &b), "%s", pairs[i].b);
        cr_expect_eq(gt_quantity_cmp(a, b), pairs[i].order, "%s and %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(gt_quantity_cmp(b, a), -pairs[i].order, "%s and %s", pairs[i].b, pairs[i].a);
    }
}

Test(quantity, is_nanos)
{
    gt_quantity q;
    cr_expect(gt_quantity_parse(GT_STR("1.5"), &q) && q.nanos == 1500000000);
    cr_expect(gt_quantity_parse(GT_STR("-3m"), &q) && q.nanos == -3000000);
    cr_expect(gt_quantity_parse(GT_STR("4n"), &q) && q.nanos == 4);
}

Test(quantity, refuses)
{
    static const char *const cases[] = {
        "",    " ",    "1 ",   " 1",    "abc",  "1K",   "1ki",
        "1kI", "1Mib", "1mi",  "1.2.3", "1..2", "--1",  "+-1",
        "1e",  "1e+",  "1E-",  "1e1.5", "1Ee5", "1e5k", "1k5",
        "1+5", "1-",   "0x10", "1_000", "1,5",  "1e5 ", "\xc2\xb5",
        "1h",  "Pi",   "Ei",   ".Ei",   "-Pi",  "e-10", "1e9223372036854775808",
        "1i",  "1 Gi", "Gi1",  "inf",   "1\n",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_quantity q = {.nanos = 77};
        SCOPED_EXACT(text, gt_str_of(cases[i]));
        cr_expect(!gt_quantity_parse(text, &q), "`%s` was taken", cases[i]);
        cr_expect(q.nanos == 77, "`%s`", cases[i]);
    }
    gt_quantity q;
    cr_expect(!gt_quantity_parse((gt_str){NULL, 0}, &q));
    cr_expect(!gt_quantity_parse(GT_STR("1\0"), &q));
}
