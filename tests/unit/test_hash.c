#include "lib/base/hash.h"

#include "tests/unit/support.h"

Test(hash, sha256)
{
    static const struct {
        gt_str data;
        size_t digits;
        const char *hex;
    } cases[] = {
        {{NULL, 0}, 64, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}, /* FIPS 180-2 */
        {GT_STR_INIT("abc"), 64, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {GT_STR_INIT("abc"), 16, "ba7816bf8f01cfea"},
        {GT_STR_INIT("abc"), 0, ""},
        {GT_STR_INIT("a\0b"), 8, "59b271ae"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char hex[65];
        memset(hex, '#', sizeof hex);
        hex[0] = '\0';
        gt_sha256_hex(cases[i].data, hex, cases[i].digits);
        expect_text(i, gt_str_of(hex), cases[i].hex);
    }
}

Test(hash, base64)
{
    static const struct {
        gt_str data;
        const char *text;
    } cases[] = {
        {GT_STR_INIT(""), ""},
        {GT_STR_INIT("f"), "Zg=="},
        {GT_STR_INIT("fo"), "Zm8="},
        {GT_STR_INIT("foo"), "Zm9v"},
        {GT_STR_INIT("foob"), "Zm9vYg=="},
        {GT_STR_INIT("foobar"), "Zm9vYmFy"},
        {GT_STR_INIT("\0\xff\xfe"), "AP/+"}, /* RFC 4648 and the odd digits */
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_buf buf;
        gt_str back;
        gt_buf_init(&buf, arena, 0);
        gt_base64(&buf, cases[i].data);
        expect_text(i, gt_buf_slice(&buf), cases[i].text);
        cr_expect(gt_base64_decode(arena, gt_str_of(cases[i].text), &back), "row %zu", i);
        cr_expect(gt_str_eq(back, cases[i].data), "row %zu", i);
    }
}

Test(hash, base64_of_much)
{
    enum { MUCH = (3 << 20) + 5 };
    SCOPED_ARENA(arena);
    char *data = gt_arena_alloc(arena, MUCH);
    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i * 31);
    gt_buf buf;
    gt_str back;
    gt_buf_init(&buf, arena, 0);
    gt_base64(&buf, (gt_str){data, MUCH});
    cr_expect_eq(buf.len, (MUCH + 2) / 3 * 4);
    cr_assert(gt_base64_decode(arena, gt_buf_slice(&buf), &back));
    cr_expect(gt_str_eq(back, (gt_str){data, MUCH}));
}

Test(hash, base64_refused)
{
    static const char *const cases[] = {
        "Zg=",   "Zg",     "Z===",       "====", "=",        "Zg==Zg==",     "Zm9v====",
        " Zm9v", "Zm9v\n", "Zm9v    ",   "Zm 9", "Zm9v----", "Zm9-",         "----",
        "Zm9_",  "Zm9.",   "Zm\xc3\xa9", "Z=9v", "=Zm9",     "Zm9v\n\n\n\n", "    Zm9v",
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_str data;
        SCOPED_EXACT(text, gt_str_of(cases[i]));
        cr_expect(!gt_base64_decode(arena, text, &data), "`%s` was taken", cases[i]);
    }
}
