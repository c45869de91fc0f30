#include "webhook/budget.h"

#include <stddef.h>
#include <string.h>

static const struct unit {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000},
    {"\xce\xbcs", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60 * INT64_C(1000000000)},
    {"h", 3600 * INT64_C(1000000000)},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number without its unit: whole, and the part below one as thousand millionths. */
static bool read_number(const char **at, int64_t *whole, int64_t *billionths)
{
    bool any = false;
    *whole = *billionths = 0;
    for (; is_digit(**at); (*at)++, any = true)
        if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, **at - '0', whole))
            return false;
    if (**at != '.')
        return any;
    (*at)++;
    for (int64_t weight = 100000000; is_digit(**at); (*at)++, any = true, weight /= 10)
        *billionths += weight * (**at - '0');
    return any;
}

static const struct unit *read_unit(const char **at)
{
    size_t len = strcspn(*at, ".0123456789");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (len == strlen(units[i].name) && memcmp(*at, units[i].name, len) == 0) {
            *at += len;
            return &units[i];
        }
    }
    return NULL;
}

bool gt_budget_parse(const char *text, int64_t *us)
{
    if (text == NULL) {
        *us = GT_BUDGET_DEFAULT_US;
        return true;
    }
    int64_t ns = 0;
    while (*text != '\0') {
        int64_t whole, billionths, part;
        const struct unit *unit;
        if (!read_number(&text, &whole, &billionths) || (unit = read_unit(&text)) == NULL)
            return false;
        if (__builtin_mul_overflow(whole, unit->ns, &part) || __builtin_add_overflow(ns, part, &ns))
            return false;
        /* billionths * unit / 10^9 without overflow: an hour has 3.6e12 ns */
        part = unit->ns >= 1000000000 ? billionths * (unit->ns / 1000000000) : billionths * unit->ns / 1000000000;
        if (__builtin_add_overflow(ns, part, &ns))
            return false;
    }
    if (ns <= 0)
        return false;
    *us = ns / 1000 >= GT_BUDGET_MAX_US ? GT_BUDGET_MAX_US : ns < 1000 ? 1 : ns / 1000;
    return true;
}
