#include "lib/kube/names.h"

#include "tests/unit/support.h"

enum { LABEL = 1, SUBDOMAIN = 2, VALUE = 4, QUALIFIED = 8, ENV = 16, ALL = 31 };

/* Checked against apimachinery v0.35.4 when it was written. */
static const struct {
    const char *text;
    int good;
} cases[] = {
    {"", VALUE},
    {"a", ALL},
    {"0", ALL},
    {"a-b", ALL},
    {"a--b", ALL},
    {"-a", ENV},
    {"a-", ENV},
    {"-", ENV},
    {"A", VALUE | QUALIFIED | ENV},
    {"a.b", SUBDOMAIN | VALUE | QUALIFIED | ENV},
    {"a..b", VALUE | QUALIFIED | ENV},
    {".a", ENV},
    {"a.", ENV},
    {"a.-b", VALUE | QUALIFIED | ENV},
    {"a_b", VALUE | QUALIFIED | ENV},
    {"a/b", QUALIFIED | ENV},
    {"gastown.io/agent", QUALIFIED | ENV},
    {"gastown.io/Agent_1.x", QUALIFIED | ENV},
    {"Gastown.io/agent", ENV},
    {"a/b/c", ENV},
    {"/b", ENV},
    {"a/", ENV},
    {"a b", ENV},
    {"a=b", 0},
    {"=", 0},
    {"~", ENV},
    {"a\tb", 0},
    {"a\x7f", 0},
    {"caf\xc3\xa9", 0},
    {"a\n", 0},
    {"1.2.3", SUBDOMAIN | VALUE | QUALIFIED | ENV},
};

static int judge(gt_str s)
{
    return (gt_is_dns_label(s) ? LABEL : 0) | (gt_is_dns_subdomain(s) ? SUBDOMAIN : 0) |
           (gt_is_label_value(s) ? VALUE : 0) | (gt_is_qualified_name(s) ? QUALIFIED : 0) |
           (gt_is_env_name(s) ? ENV : 0);
}

Test(names, alphabets)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCOPED_EXACT(text, gt_str_of(cases[i].text));
        cr_expect_eq(judge(text), cases[i].good, "`%s`: %d", cases[i].text, judge(text));
    }
    cr_expect_eq(judge((gt_str){NULL, 0}), VALUE);
    cr_expect_eq(judge(GT_STR("a\0b")), 0);
}

Test(names, lengths)
{
    char text[400];
    memset(text, 'a', sizeof text);
    cr_expect_eq(judge((gt_str){text, 63}), ALL);
    cr_expect_eq(judge((gt_str){text, 64}), SUBDOMAIN | ENV, "a part of a subdomain may be longer than a label");
    cr_expect_eq(judge((gt_str){text, 253}), SUBDOMAIN | ENV);
    cr_expect_eq(judge((gt_str){text, 254}), ENV);
    text[253] = '/';
    cr_expect_eq(judge((gt_str){text, 254 + 63}), QUALIFIED | ENV);
    cr_expect_eq(judge((gt_str){text, 254 + 64}), ENV);
    text[0] = '-';
    cr_expect_eq(judge((gt_str){text, 254 + 63}), ENV);
}
