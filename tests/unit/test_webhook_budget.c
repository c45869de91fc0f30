#include "webhook/budget.h"

#include "tests/unit/support.h"

Test(webhook_budget, reads_what_go_writes)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {NULL, GT_BUDGET_DEFAULT_US},
        {"3s", 3000000},
        {"10s", 10000000},
        {"30s", 30000000},
        {"31s", GT_BUDGET_MAX_US},
        {"1m0s", GT_BUDGET_MAX_US},
        {"1h", GT_BUDGET_MAX_US},
        {"2.5s", 2500000},
        {"1.5ms", 1500},
        {".5s", 500000},
        {"1.s", 1000000},
        {"500ms", 500000},
        {"250us", 250},
        {"250\xc2\xb5s", 250}, /* micro sign */
        {"250\xce\xbcs", 250}, /* Greek mu */
        {"1ns", 1},
        {"999ns", 1},
        {"1s500ms", 1500000},
        {"0m2.000000001s", 2000000},
        {"0.1234567891234s", 123456},
        {"0.0001h", 360000},
        {"2562047h", GT_BUDGET_MAX_US},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t us = -1;
        cr_expect(gt_budget_parse(rows[i].text, &us), "%s", rows[i].text);
        cr_expect_eq(us, rows[i].us, "%s: %lld", rows[i].text, (long long)us);
    }
}

Test(webhook_budget, refuses)
{
    static const char *const rows[] = {"",
                                       "0",
                                       "0s",
                                       "3",
                                       "s",
                                       ".s",
                                       "-3s",
                                       "+3s",
                                       " 3s",
                                       "3s ",
                                       "3 s",
                                       "abc",
                                       "3d",
                                       "1e3s",
                                       "3s3",
                                       "3S",
                                       "3sec",
                                       "3mss",
                                       "1.2.3s",
                                       "0.0s",
                                       "0x3s",
                                       "3s,4s",
                                       "--",
                                       "9223372036854775807s",
                                       "99999999999999999999s",
                                       "2562048h",
                                       "9223372036s9223372036s"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t us;
        cr_expect(!gt_budget_parse(rows[i], &us), "%s", rows[i]);
    }
}
