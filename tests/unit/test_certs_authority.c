#include "certs/authority.h"

#include <stdio.h>

#include "tests/unit/support.h"
#include "tests/unit/test_certs_pem.h"

enum { DAY = 86400 };
#define NOW YEAR(2027)

static const char *const names[] = {NAME, "*.example.com", "127.0.0.1", "2001:db8::1", NULL};

static const gt_cert_facts *facts_of(gt_arena *arena, gt_str pem)
{
    const gt_cert_facts *facts;
    size_t count;
    gt_err err = {0};
    cr_assert(gt_bundle_facts(arena, pem, &facts, &count, &err) && count == 1, "%s", err.text);
    return facts;
}

Test(certs_authority, makes_and_issues)
{
    SCOPED_ARENA(arena);
    gt_pair authority, other, leaf;
    gt_err err = {0};
    cr_assert(gt_authority_make(arena, "Testing", NOW, 100 * DAY, &authority, &err), "%s", err.text);
    cr_assert(gt_authority_make(arena, "Testing", NOW, 100 * DAY, &other, &err), "%s", err.text);
    cr_assert(gt_authority_issue(arena, &authority, names, NOW, 30 * DAY, &leaf, &err), "%s", err.text);
    const gt_cert_facts *a = facts_of(arena, authority.cert), *b = facts_of(arena, other.cert),
                        *l = facts_of(arena, leaf.cert);
    cr_expect(a->authority && !l->authority);
    cr_expect_str_neq(a->subject, b->subject);
    cr_expect_str_eq(l->issuer, a->subject);
    cr_expect(a->not_before == NOW - GT_CERT_BACKDATED_S && a->not_after == NOW + 100 * DAY);
    cr_expect(l->not_before == NOW - GT_CERT_BACKDATED_S && l->not_after == NOW + 30 * DAY);
    cr_expect_eq(gt_cert_issued(l), NOW);
    cr_expect_eq(gt_cert_due(l), NOW + 20 * DAY);
    cr_expect(gt_pair_fits(leaf.cert, leaf.key, &err) && gt_pair_fits(authority.cert, authority.key, &err));
    cr_expect(!gt_pair_fits(leaf.cert, authority.key, &err));
    cr_expect_str_eq(err.text, "the key isn't the certificate's");
    cr_expect(gt_bundle_trusts(authority.cert, leaf.cert, NAME, NOW, &err), "%s", err.text);
    cr_expect(gt_bundle_trusts(authority.cert, leaf.cert, "any.example.com", NOW, &err), "%s", err.text);
    cr_expect(!gt_bundle_trusts(other.cert, leaf.cert, NAME, NOW, &err));
    cr_expect(gt_chain_names(leaf.cert, names, &err), "%s", err.text);
    cr_expect(!gt_chain_names(leaf.cert, (const char *const[]){NAME, "10.0.0.1", NULL}, &err));
    cr_expect_str_eq(err.text, "the certificate isn't for 10.0.0.1");
}

Test(certs_authority, a_leaf_ends_with_its_authority)
{
    SCOPED_ARENA(arena);
    gt_pair authority, leaf;
    gt_err err = {0};
    cr_assert(gt_authority_make(arena, "Testing", NOW, 10 * DAY, &authority, &err));
    cr_assert(gt_authority_issue(arena, &authority, names, NOW + 8 * DAY, 30 * DAY, &leaf, &err));
    cr_expect_eq(facts_of(arena, leaf.cert)->not_after, NOW + 10 * DAY);
    cr_expect(!gt_authority_issue(arena, &authority, names, NOW + 10 * DAY, DAY, &leaf, &err));
    cr_expect(strstr(err.text, "has expired") != NULL, "%s", err.text);
    cr_expect(!gt_authority_issue(arena, &leaf, names, NOW + 8 * DAY, DAY, &(gt_pair){{NULL, 0}, {NULL, 0}}, &err));
    cr_expect(strstr(err.text, "may not sign certificates") != NULL, "%s", err.text);
    cr_expect(!gt_authority_issue(arena, &(gt_pair){GT_STR("x"), GT_STR("y")}, names, NOW, DAY, &leaf, &err));
    cr_expect_str_eq(err.text, "the authority: no certificate");
}

Test(certs_authority, names_that_there_are)
{
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {{"a", true},        {"a.b-c.example", true}, {"*.a.b", true},
                {"10.1.2.3", true}, {"::1", true},           {"", false},
                {"*", false},       {"a..b", false},         {"a.*.b", false},
                {"A_b", false},     {"a,DNS:b", false},      {"https://a.b", false},
                {"1::2::3", false}, {"a b", false},          {"a\n", false}};
    SCOPED_ARENA(arena);
    gt_pair authority, leaf;
    gt_err err = {0};
    cr_assert(gt_authority_make(arena, "Testing", NOW, 10 * DAY, &authority, &err));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *const one[] = {rows[i].name, NULL};
        cr_expect_eq(gt_cert_name_is_valid(rows[i].name), rows[i].valid, "%s", rows[i].name);
        cr_expect_eq(gt_authority_issue(arena, &authority, one, NOW, DAY, &leaf, &err), rows[i].valid, "%s",
                     rows[i].name);
    }
    const char *none[] = {NULL}, *many[GT_CERT_NAMES_MAX + 2] = {NULL};
    for (size_t i = 0; i <= GT_CERT_NAMES_MAX; i++)
        many[i] = "a.example";
    cr_expect(!gt_authority_issue(arena, &authority, none, NOW, DAY, &leaf, &err));
    cr_expect(!gt_authority_issue(arena, &authority, many, NOW, DAY, &leaf, &err));
    cr_expect_str_eq(err.text, "a certificate for 65 names: 1 to 64 are possible");
}

Test(certs_authority, a_key_is_wiped)
{
    char text[] = "secret";
    gt_certs_wipe((gt_str){text, 6});
    cr_expect(memcmp(text, (char[6]){0}, 6) == 0);
    gt_certs_wipe((gt_str){NULL, 0});
}
