#include "webhook/trust.h"

#include <stdio.h>

#include "certs/bundle.h"
#include "lib/base/show.h"

void gt_trust_init(gt_trust *trust)
{
    *trust = (gt_trust){0};
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        trust->entries[i].unknown = true;
}

static bool is_readable(gt_arena *arena, gt_str bundle)
{
    const gt_cert_facts *facts;
    size_t count;
    gt_err err;
    return gt_bundle_facts(arena, bundle, &facts, &count, &err) && count > 0;
}

/* there: NULL when the object, or its entry, is known to have gone. */
static void judge(gt_trust_entry *entry, gt_arena *arena, bool known, const gt_observed_entry *there, gt_str chain,
                  int64_t now_s)
{
    entry->unknown = !known || there == NULL || chain.len == 0;
    if (known && (there == NULL || there->bundle.len == 0))
        entry->answered = false;
    if (entry->unknown || there->bundle.len == 0)
        return;
    entry->unknown = !is_readable(arena, there->bundle);
    if (entry->unknown)
        return;
    gt_err err = {.text = ""};
    entry->answered = true;
    entry->trusted = gt_bundle_trusts(there->bundle, chain, NULL, now_s, &err);
    entry->why[0] = '\0';
    if (!entry->trusted)
        snprintf(entry->why, sizeof entry->why, "%.*s", (int)sizeof entry->why - 1, err.text);
}

typedef struct judging {
    gt_trust *trust;
    gt_arena *arena;
    const gt_observed_state *observed;
    gt_str chain;
    int64_t now_s;
} judging;

static bool judge_all(void *context, gt_err *err)
{
    judging *j = context;
    (void)err;
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++) {
        gt_registration_kind kind = gt_entries[i].kind;
        const gt_observed_entry *entry = &j->observed->entries[i];
        judge(&j->trust->entries[i], j->arena, j->observed->known[kind],
              j->observed->present[kind] && entry->present ? entry : NULL, j->chain, j->now_s);
    }
    return true;
}

void gt_trust_judge(gt_trust *trust, const gt_observed_state *observed, gt_str chain, int64_t now_s)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    judging j = {trust, arena, observed, chain, now_s};
    gt_err err;
    bool all_known = true;
    for (int kind = 0; kind < GT_REGISTRATION_KINDS; kind++)
        all_known = all_known && observed->known[kind];
    if (arena == NULL || !gt_arena_try(arena, judge_all, &j, &err))
        return; /* as if it weren't known: the last answers stay */
    trust->decided = trust->decided || (chain.len > 0 && (all_known || observed->problem[0] != '\0'));
}

void gt_trust_unready(gt_buf *buf, const gt_trust *trust, const char *registration)
{
    static const char *const kinds[] = {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"};
    if (!trust->decided)
        gt_buf_text(buf, "what the API server trusts isn't known yet: the webhook configurations aren't listed\n");
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++) {
        const gt_trust_entry *entry = &trust->entries[i];
        if (!entry->answered || entry->trusted)
            continue;
        gt_buf_printf(buf, "%s %s, entry %s: its caBundle doesn't fit our certificate: ", kinds[gt_entries[i].kind],
                      registration, gt_entries[i].name);
        gt_show_line(buf, gt_str_of(entry->why));
        gt_buf_text(buf, "; publish the authority that signed it (self-managed: `gastown-certs publish`; files: "
                         "`gastown-webhook registration --ca-bundle FILE`; cert-manager: --inject-ca-from)\n");
    }
}
