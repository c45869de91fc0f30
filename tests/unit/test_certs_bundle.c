/* Bundles: what is read of them, and whether they trust a chain. */
#include "certs/bundle.h"

#include "tests/unit/support.h"
#include "tests/unit/test_certs_pem.h"

#define LEAVES "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n" /* base64, and no certificate */

Test(certs_bundle, facts)
{
    SCOPED_ARENA(arena);
    const gt_cert_facts *facts = NULL;
    size_t count;
    gt_err err;
    SCOPED_EXACT(text, GT_STR("# ours\n" PEM_ONE "text between\n" PEM_LEAF));
    cr_assert(gt_bundle_facts(arena, text, &facts, &count, &err), "%s", err.text);
    cr_assert(count == 2 && facts != NULL);
    cr_expect_str_eq(facts[0].subject, "CN=one");
    cr_expect_str_eq(facts[0].issuer, "CN=one");
    cr_expect(facts[0].authority);
    cr_expect_eq(facts[0].not_before, YEAR(2026));
    cr_expect_eq(facts[0].not_after, YEAR(2036));
    cr_expect_str_eq(facts[1].subject, "CN=" NAME);
    cr_expect_str_eq(facts[1].issuer, "CN=one");
    cr_expect_not(facts[1].authority);
    cr_expect_eq(strlen(facts[1].fingerprint), GT_CERT_FINGERPRINT);
    cr_expect_str_neq(facts[0].fingerprint, facts[1].fingerprint);
}

/* What Go's encoding/pem takes, too: Windows' line ends, blanks behind lines, no line end at the end, one long line. */
Test(certs_bundle, other_lines)
{
    SCOPED_ARENA(arena);
    const gt_cert_facts *facts;
    size_t count;
    gt_err err;
    gt_str text = GT_STR(PEM_ONE);
    for (int form = 0; form < 3; form++) {
        gt_buf buf;
        gt_buf_init(&buf, arena, 2048);
        for (size_t i = 0; i < text.len; i++) {
            bool inside =
                i > strlen("-----BEGIN CERTIFICATE-----") && i < text.len - strlen("\n-----END CERTIFICATE-----\n");
            if (text.at[i] != '\n' || (form == 2 && !inside))
                gt_buf_byte(&buf, text.at[i]);
            else
                gt_buf_text(&buf, form == 0 ? "\r\n" : form == 1 ? " \t\n" : "");
        }
        SCOPED_EXACT(exact, gt_buf_slice(&buf));
        cr_expect(gt_bundle_facts(arena, exact, &facts, &count, &err), "form %d: %s", form, err.text);
        cr_expect_eq(count, 1, "form %d", form);
    }
}

Test(certs_bundle, nothing_in_it)
{
    SCOPED_ARENA(arena);
    const gt_cert_facts *facts;
    size_t count = 7;
    gt_err err;
    const char *const texts[] = {"",
                                 "\n",
                                 "certificates",
                                 "-----BEGIN PRIVATE KEY-----\nZm9v\n-----END PRIVATE KEY-----\n",
                                 " -----BEGIN CERTIFICATE-----\n",
                                 "-----BEGIN CERTIFICATE----- x\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        SCOPED_EXACT(text, gt_str_of(texts[i]));
        cr_expect(gt_bundle_facts(arena, text, &facts, &count, &err), "row %zu: %s", i, err.text);
        cr_expect_eq(count, 0, "row %zu", i);
    }
}

static const struct {
    const char *text, *why;
} broken[] = {
    {LEAVES, "certificate 1: not an X.509 certificate"},
    {PEM_ONE LEAVES PEM_TWO, "certificate 2: not an X.509 certificate"},
    {"-----BEGIN CERTIFICATE-----\n", "certificate 1: its block has no line \"-----END CERTIFICATE-----\""},
    {"-----BEGIN CERTIFICATE-----\n" PEM_ONE, "certificate 1: its block has no line \"-----END CERTIFICATE-----\""},
    {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "certificate 1: not base64"},
    {"-----BEGIN CERTIFICATE-----\n=\n-----END CERTIFICATE-----", "certificate 1: not base64"},
    {"-----BEGIN CERTIFICATE-----\nZm9v-\n-----END CERTIFICATE-----", "certificate 1: not base64"},
    {"-----BEGIN CERTIFICATE-----\nZm=v\n-----END CERTIFICATE-----", "certificate 1: not base64"},
    {"-----BEGIN CERTIFICATE-----\nZm9\n-----END CERTIFICATE-----", "certificate 1: not base64"},
    {"-----BEGIN CERTIFICATE-----\nA: b\n\nZm9v\n-----END CERTIFICATE-----",
     "certificate 1: its block has headers: clients leave such a one out"},
};

Test(certs_bundle, what_is_wrong_is_named)
{
    SCOPED_ARENA(arena);
    const gt_cert_facts *facts;
    size_t count;
    for (size_t i = 0; i < COUNT(broken); i++) {
        gt_err err = {0};
        SCOPED_EXACT(text, gt_str_of(broken[i].text));
        cr_expect_not(gt_bundle_facts(arena, text, &facts, &count, &err), "row %zu", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT);
        cr_expect_eq(count, 0);
        expect_text(i, gt_str_of(err.text), broken[i].why);
    }
}

/* A certificate with each one of its bytes changed, or cut anywhere, is an error or a certificate; nothing worse. */
Test(certs_bundle, any_bytes)
{
    SCOPED_ARENA(arena);
    const gt_str whole = GT_STR(PEM_LEAF);
    for (size_t i = 0; i < whole.len; i++) {
        gt_arena_reset(arena);
        const gt_cert_facts *facts;
        size_t count;
        gt_err err;
        char *text = gt_arena_dup(arena, whole.at, whole.len);
        text[i] = (char)(text[i] == 'A' ? 'B' : 'A');
        gt_bundle_facts(arena, (gt_str){text, whole.len}, &facts, &count, &err);
        gt_bundle_trusts(GT_STR(PEM_ONE), (gt_str){text, whole.len}, NAME, YEAR(2027), &err);
        SCOPED_EXACT(cut, ((gt_str){whole.at, i}));
        gt_bundle_facts(arena, cut, &facts, &count, &err);
        cr_expect_not(gt_bundle_trusts(GT_STR(PEM_ONE), cut, NAME, YEAR(2027), &err) && i + 1 < whole.len, "cut at %zu",
                      i);
    }
}

Test(certs_bundle, limits)
{
    SCOPED_ARENA(arena);
    gt_buf many;
    const gt_cert_facts *facts;
    size_t count;
    gt_err err;
    gt_buf_init(&many, arena, 1024);
    for (int i = 0; i < GT_BUNDLE_MAX; i++)
        gt_buf_text(&many, PEM_ONE);
    cr_expect(gt_bundle_facts(arena, gt_buf_slice(&many), &facts, &count, &err), "%s", err.text);
    cr_expect_eq(count, GT_BUNDLE_MAX);
    gt_buf_text(&many, PEM_ONE);
    cr_expect_not(gt_bundle_facts(arena, gt_buf_slice(&many), &facts, &count, &err));
    cr_expect_eq(err.kind, GT_ERR_LIMIT);
    cr_expect_not(gt_bundle_trusts(gt_buf_slice(&many), GT_STR(PEM_LEAF), NAME, YEAR(2027), &err));
    cr_expect_str_eq(err.text, "the bundle: more than 32 certificates");
    char *large = gt_arena_alloc(arena, GT_BUNDLE_BYTES + 1);
    cr_expect_not(gt_bundle_facts(arena, (gt_str){large, GT_BUNDLE_BYTES + 1}, &facts, &count, &err));
    cr_expect_str_eq(err.text, "more than 256 KiB of certificates");
}

static const struct {
    const char *bundle, *chain, *name;
    int64_t at;
    const char *why; /* NULL: trusted */
} trust[] = {
    {PEM_ONE, PEM_LEAF, NAME, YEAR(2027), NULL},
    {PEM_ONE, PEM_LEAF, NULL, YEAR(2027), NULL},
    {PEM_TWO PEM_ONE, PEM_LEAF, NAME, YEAR(2027), NULL},
    {PEM_ONE, PEM_LEAF PEM_ONE, NAME, YEAR(2027), NULL},
    {PEM_LEAF, PEM_LEAF, NAME, YEAR(2027), NULL},       /* what is in the bundle is trusted, self-signed or not */
    {LEAVES PEM_ONE, PEM_LEAF, NAME, YEAR(2027), NULL}, /* as Go, which leaves out what it can't read */
    {PEM_TWO, PEM_LEAF, NAME, YEAR(2031), "no authority of the bundle has signed it (issuer: CN=one)"},
    {PEM_TWO, PEM_LEAF PEM_ONE, NAME, YEAR(2027), "no authority of the bundle has signed it (issuer: CN=one)"},
    {PEM_ONE, PEM_LEAF, NAME, YEAR(2025), "isn't valid before 2026-01-01T00:00:00Z"},
    {PEM_ONE, PEM_LEAF, NAME, YEAR(2029), "the certificate (CN=" NAME ") expired at 2028-01-01T00:00:00Z"},
    {PEM_ONE, PEM_LATE, NAME, YEAR(2037), "its authority (CN=one) expired at 2036-01-01T00:00:00Z"},
    {PEM_ONE, PEM_LEAF, "other.gastown-system.svc", YEAR(2027),
     "the certificate (CN=" NAME ") isn't for other.gastown-system.svc"},
    {PEM_ONE, PEM_NAMELESS, NAME, YEAR(2027), "isn't for " NAME},
    {PEM_ONE, PEM_CLIENT, NAME, YEAR(2027), "isn't one that a server may have"},
    {"", PEM_LEAF, NAME, YEAR(2027), "the bundle has no certificate"},
    {LEAVES, PEM_LEAF, NAME, YEAR(2027), "the bundle has no certificate: certificate 1: not an X.509 certificate"},
    {PEM_ONE, "", NAME, YEAR(2027), "the chain has no certificate"},
    {PEM_ONE, LEAVES, NAME, YEAR(2027), "the chain: certificate 1: not an X.509 certificate"},
};

Test(certs_bundle, trusts)
{
    for (size_t i = 0; i < COUNT(trust); i++) {
        gt_err err = {0};
        SCOPED_EXACT(bundle, gt_str_of(trust[i].bundle));
        SCOPED_EXACT(chain, gt_str_of(trust[i].chain));
        bool trusted = gt_bundle_trusts(bundle, chain, trust[i].name, trust[i].at, &err);
        cr_expect_eq(trusted, trust[i].why == NULL, "row %zu: %s", i, err.text);
        if (!trusted && trust[i].why != NULL)
            cr_expect(strstr(err.text, trust[i].why) != NULL, "row %zu: %s", i, err.text);
    }
}

Test(certs_bundle, union_has_each_once_and_none_that_expired)
{
    static const struct {
        const char *a, *b;
        int64_t at;
        const char *both; /* NULL: an error */
    } rows[] = {
        {"old\n" PEM_ONE, PEM_TWO PEM_ONE PEM_TWO, YEAR(2031), PEM_ONE PEM_TWO},
        {PEM_ONE, PEM_TWO, YEAR(2038), PEM_TWO},
        {"", "", YEAR(2031), ""},
        {PEM_ONE, LEAVES, YEAR(2031), NULL},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_str both;
        gt_err err = {0};
        SCOPED_EXACT(a, gt_str_of(rows[i].a));
        SCOPED_EXACT(b, gt_str_of(rows[i].b));
        bool ok = gt_bundle_union(arena, a, b, rows[i].at, &both, &err);
        cr_expect_eq(ok, rows[i].both != NULL, "row %zu: %s", i, err.text);
        expect_text(i, both, rows[i].both == NULL ? "" : rows[i].both);
    }
}

Test(certs_bundle, contains)
{
    static const struct {
        const char *whole, *part;
        bool is;
    } rows[] = {
        {PEM_ONE PEM_TWO, PEM_TWO, true},
        {PEM_TWO PEM_ONE, PEM_ONE PEM_TWO, true},
        {PEM_ONE, PEM_ONE PEM_TWO, false},
        {PEM_ONE, "", true},
        {"", PEM_ONE, false},
        {LEAVES PEM_ONE, PEM_ONE, true},
        {PEM_ONE LEAVES, LEAVES, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_bundle_contains(gt_str_of(rows[i].whole), gt_str_of(rows[i].part)), rows[i].is, "row %zu", i);
}
