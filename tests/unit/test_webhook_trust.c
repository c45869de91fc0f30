#include "webhook/trust.h"

#include "tests/unit/support.h"
#include "tests/unit/test_certs_pem.h"

/* All there and known, each with this bundle. */
static gt_observed_state all_with(const char *bundle)
{
    gt_observed_state state = {.problem = ""};
    for (size_t i = 0; i < GT_REGISTRATION_KINDS; i++)
        state.known[i] = state.present[i] = true;
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        state.entries[i] = (gt_observed_entry){.present = true, .bundle = gt_str_of(bundle)};
    return state;
}

static const char *unready(gt_arena *arena, const gt_trust *trust)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 64);
    gt_trust_unready(&buf, trust, "gastown");
    return buf.at;
}

#define LEAF gt_str_of(PEM_LEAF)
#define NOW YEAR(2027)

Test(webhook_trust, never_ready_before_it_is_known)
{
    SCOPED_ARENA(arena);
    gt_trust trust;
    gt_observed_state nothing = {.problem = ""}, half = all_with(PEM_ONE);
    static const char not_yet[] =
        "what the API server trusts isn't known yet: the webhook configurations aren't listed\n";
    gt_trust_init(&trust);
    gt_trust_judge(&trust, &nothing, LEAF, NOW);
    cr_expect_str_eq(unready(arena, &trust), not_yet);
    half.known[GT_REGISTRATION_VALIDATING] = false;
    gt_trust_judge(&trust, &half, LEAF, NOW);
    cr_expect_str_eq(unready(arena, &trust), not_yet);
    cr_expect(trust.entries[GT_ENTRY_PODS].trusted);
    cr_expect(trust.entries[GT_ENTRY_TEMPLATES].unknown);
    half.known[GT_REGISTRATION_VALIDATING] = true;
    gt_trust_judge(&trust, &half, GT_STR(""), NOW);
    cr_expect_str_eq(unready(arena, &trust), not_yet, "there's nothing to judge yet");
    gt_trust_judge(&trust, &half, LEAF, NOW);
    cr_expect_str_eq(unready(arena, &trust), "");
}

Test(webhook_trust, without_the_right_to_look_nothing_is_against_it)
{
    SCOPED_ARENA(arena);
    gt_trust trust;
    gt_observed_state denied = {.problem = "listing mutatingwebhookconfigurations: 403 Forbidden"};
    gt_trust_init(&trust);
    gt_trust_judge(&trust, &denied, LEAF, NOW);
    cr_expect_str_eq(unready(arena, &trust), "");
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        cr_expect(trust.entries[i].unknown);
}

Test(webhook_trust, what_is_not_known_leaves_the_last_answer)
{
    SCOPED_ARENA(arena);
    gt_trust trust;
    const gt_observed_state good = all_with(PEM_ONE), other = all_with(PEM_TWO);
    gt_observed_state unreadable = all_with("nonsense"),
                      broken = all_with("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                      lost = all_with(PEM_TWO);
    for (size_t i = 0; i < GT_REGISTRATION_KINDS; i++)
        lost.known[i] = false;
    const gt_observed_state *const rows[] = {&unreadable, &broken, &lost};
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_trust_init(&trust);
        gt_trust_judge(&trust, &good, LEAF, NOW);
        gt_trust_judge(&trust, rows[i], LEAF, NOW);
        cr_expect_str_eq(unready(arena, &trust), "", "%zu", i);
        cr_expect(trust.entries[GT_ENTRY_PODS].unknown, "%zu", i);
        gt_trust_judge(&trust, &other, LEAF, NOW);
        cr_expect_not(trust.entries[GT_ENTRY_PODS].trusted, "%zu", i);
        gt_trust_judge(&trust, rows[i], LEAF, NOW);
        cr_expect_str_neq(unready(arena, &trust), "", "%zu: no and unknown is still no", i);
        gt_trust_judge(&trust, &good, LEAF, NOW);
        cr_expect_str_eq(unready(arena, &trust), "", "%zu", i);
    }
}

/* An installer that makes the configuration anew when the Deployment is ready must not wait for what is gone. */
Test(webhook_trust, what_has_gone_is_no_objection)
{
    SCOPED_ARENA(arena);
    gt_trust trust;
    const gt_observed_state other = all_with(PEM_TWO);
    gt_observed_state vanished = all_with(PEM_TWO), entry_gone = all_with(PEM_TWO);
    for (size_t i = 0; i < GT_REGISTRATION_KINDS; i++)
        vanished.present[i] = false;
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        entry_gone.entries[i].present = false;
    const gt_observed_state *const rows[] = {&vanished, &entry_gone};
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_trust_init(&trust);
        gt_trust_judge(&trust, &other, LEAF, NOW);
        cr_expect_str_neq(unready(arena, &trust), "", "%zu", i);
        gt_trust_judge(&trust, rows[i], LEAF, NOW);
        cr_expect_str_eq(unready(arena, &trust), "", "%zu: nobody is called by it", i);
        cr_expect(trust.entries[GT_ENTRY_PODS].unknown, "%zu", i);
        gt_trust_judge(&trust, &other, LEAF, NOW);
        cr_expect_str_neq(unready(arena, &trust), "", "%zu: and here it is again", i);
    }
}

Test(webhook_trust, says_which_entry_and_what_to_do)
{
    SCOPED_ARENA(arena);
    gt_trust trust;
    gt_observed_state one_wrong = all_with(PEM_TWO PEM_ONE);
    one_wrong.entries[GT_ENTRY_POLICY].bundle = gt_str_of(PEM_TWO);
    gt_trust_init(&trust);
    gt_trust_judge(&trust, &one_wrong, LEAF, YEAR(2027));
    const char *text = unready(arena, &trust);
    cr_expect_eq(
        strncmp(text,
                "ValidatingWebhookConfiguration gastown, entry policy.gastown.io: its caBundle doesn't fit our "
                "certificate: ",
                100),
        0, "%s", text);
    cr_expect_not_null(strstr(text, "gastown-certs publish"), "%s", text);
    cr_expect_eq(strchr(text, '\n')[1], '\0', "one line: %s", text);
    const gt_observed_state filled = all_with(PEM_ONE);
    gt_observed_state empty = all_with("");
    gt_trust_judge(&trust, &empty, LEAF, NOW);
    cr_expect_str_eq(unready(arena, &trust), "", "an empty caBundle is no objection");
    gt_trust_judge(&trust, &filled, LEAF, YEAR(2037));
    cr_expect_str_neq(unready(arena, &trust), "", "the authority has expired");
    gt_trust_judge(&trust, &filled, LEAF, NOW);
    cr_expect_str_eq(unready(arena, &trust), "");
}
