#include "certs/rotation.h"

#include <stdio.h>

#include "certs/pem.h"

enum { STEADY_MS = 60 * 1000, DAY_MS = 24 * 60 * 60 * 1000 };

/* What is known of the Secret, read once. */
typedef struct reading {
    const gt_rotation *now;
    gt_arena *arena;
    gt_cert_facts leaf, authority, next;
    bool has_leaf;      /* it can be read, and the key is its own */
    bool by_authority;  /* and the authority has signed it */
    bool named;         /* and it has all of the names */
    bool has_authority; /* as above */
    bool has_next;
    bool authority_is_broken; /* there's something, and it can't be used */
    bool published, has_foreign;
    gt_str bundle; /* as it should be */
    gt_err why;    /* of what is broken */
    const char *problem;
} reading;

static const char *say(const reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *say(const reading *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = gt_arena_vprintf(r->arena, fmt, args);
    va_end(args);
    return text;
}

static const char *day(const reading *r, int64_t s)
{
    char *text = gt_arena_alloc(r->arena, 32);
    gt_cert_time(s, text);
    return text;
}

/* ---- reading ---- */

/* Its first certificate's facts; false: there's none, or it isn't the key's. */
static bool read_pair(const reading *r, const gt_pair *pair, gt_cert_facts *facts, gt_err *err)
{
    const gt_cert_facts *all;
    size_t count;
    if (!gt_bundle_facts(r->arena, pair->cert, &all, &count, err))
        return false;
    if (count == 0)
        return gt_fail(err, GT_ERR_INPUT, "no certificate");
    *facts = all[0];
    return gt_pair_fits(pair->cert, pair->key, err);
}

/* In the middle of its life: whether a chain is right is one thing, whether it's time another. */
static bool signed_by(gt_str authority, gt_str chain, const gt_cert_facts *leaf)
{
    gt_err err;
    return gt_bundle_trusts(authority, chain, NULL, gt_cert_issued(leaf), &err);
}

/* All that can be read of both. What is broken in somebody else's bundle is no reason to drop the rest of it. */
static gt_str merged(gt_arena *arena, gt_str a, gt_str b)
{
    gt_str both;
    gt_err err;
    if (gt_bundle_union(arena, a, b, INT64_MIN, &both, &err))
        return both;
    if (gt_bundle_union(arena, a, GT_STR(""), INT64_MIN, &both, &err))
        return both;
    return gt_bundle_union(arena, b, GT_STR(""), INT64_MIN, &both, &err) ? both : GT_STR("");
}

static gt_str wanted_bundle(gt_arena *arena, const gt_secret *secret)
{
    return merged(arena, merged(arena, secret->authority.cert, secret->next.cert), secret->previous);
}

/* Who is trusted now, as far as the Secret and the entries say. */
static gt_str trusted_now(gt_arena *arena, const gt_rotation *now)
{
    gt_str all = merged(arena, now->secret->bundle, now->secret->previous);
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        all = merged(arena, all, now->observed->entries[i].bundle);
    return all;
}

static void read_secret(reading *r)
{
    const gt_secret *s = r->now->secret;
    gt_err err;
    r->has_authority = read_pair(r, &s->authority, &r->authority, &r->why) &&
                       (r->authority.authority || gt_fail(&r->why, GT_ERR_INPUT, "it may not sign"));
    r->authority_is_broken = !r->has_authority && (s->authority.cert.len > 0 || s->authority.key.len > 0);
    r->has_next = read_pair(r, &s->next, &r->next, &err) && r->next.authority;
    r->has_leaf = read_pair(r, &s->leaf, &r->leaf, &err);
    r->by_authority = r->has_leaf && r->has_authority && signed_by(s->authority.cert, s->leaf.cert, &r->leaf);
    r->named = r->has_leaf && gt_chain_names(s->leaf.cert, r->now->dns_names, &err);
    r->bundle = wanted_bundle(r->arena, s);
    r->published = gt_rotation_published(s, r->now->observed);
}

/* ---- entries ---- */

static bool all_known(const gt_observed_state *o)
{
    return o->known[GT_REGISTRATION_MUTATING] && o->known[GT_REGISTRATION_VALIDATING];
}

static bool any_entry(const gt_observed_state *o)
{
    bool any = false;
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        any = any || o->entries[i].present;
    return any;
}

static bool has_exactly(gt_str bundle, gt_str wanted)
{
    return gt_bundle_contains(bundle, wanted) && gt_bundle_contains(wanted, bundle);
}

bool gt_rotation_published(const gt_secret *secret, const gt_observed_state *observed)
{
    bool all = all_known(observed);
    for (size_t i = 0; all && i < GT_ENTRY_COUNT; i++)
        all = !observed->entries[i].present || has_exactly(observed->entries[i].bundle, secret->bundle);
    return all;
}

const char *gt_rotation_foreign(gt_arena *arena, const gt_observed_state *observed, const char *registration)
{
    static const char *const kinds[GT_REGISTRATION_KINDS] = {
        [GT_REGISTRATION_MUTATING] = "MutatingWebhookConfiguration",
        [GT_REGISTRATION_VALIDATING] = "ValidatingWebhookConfiguration",
    };
    for (size_t i = 0; i < GT_REGISTRATION_KINDS; i++)
        if (observed->injected_from[i].len > 0)
            return gt_arena_printf(
                arena,
                "cert-manager's injector writes the caBundle of %s %s (from %.*s), so nothing is published: remove its "
                "annotation cert-manager.io/inject-..., or let cert-manager issue the certificate, too",
                kinds[i], registration, GT_STR_ARG(observed->injected_from[i]));
    return "";
}

/* Is the leaf of use at all by this clock? */
static bool leaf_works(const reading *r)
{
    return r->has_leaf && r->now->now_s < r->leaf.not_after;
}

/* May `authority` sign from now on? It must have been seen on all entries that there are. */
static bool may_sign(const reading *r, bool settled)
{
    const gt_observed_state *o = r->now->observed;
    if (all_known(o) && !r->has_foreign)
        return r->published && (!settled || r->now->published_ms >= r->now->settle_ms);
    return !leaf_works(r) &&
           (r->has_foreign || o->problem[0] != '\0'); /* it can't be seen, and there's nothing to lose */
}

/* ---- steps ---- */

static gt_rotation_step step(const reading *r, gt_rotation_act act, int64_t wait_ms, const char *doing)
{
    int64_t wait = wait_ms < 0 ? 0 : wait_ms > DAY_MS ? DAY_MS : wait_ms;
    return (gt_rotation_step){.act = act, .wait_ms = wait, .doing = doing, .problem = r->problem};
}

/* What an eye, or a person, has to be waited for. */
static gt_rotation_step hold(const reading *r, const char *doing)
{
    return step(r, GT_ROTATION_NOTHING, DAY_MS, doing);
}

static gt_rotation_step stuck(reading *r, const char *problem)
{
    r->problem = problem;
    return hold(r, "");
}

static const char *where(const reading *r, const char *then)
{
    return say(r, "waiting until the bundle is seen on every entry of %s, then %s", r->now->registration, then);
}

/* The wait for may_sign: for eyes, or for time. */
static gt_rotation_step wait_for_entries(reading *r, const char *then)
{
    const gt_rotation *now = r->now;
    if (r->published)
        return step(r, GT_ROTATION_NOTHING, now->settle_ms - now->published_ms,
                    say(r, "the bundle is on every entry; in %lld s %s",
                        (long long)((now->settle_ms - now->published_ms + 999) / 1000), then));
    return hold(r, where(r, then));
}

/* Nobody signs. */
static gt_rotation_step without_authority(reading *r)
{
    const gt_rotation *now = r->now;
    const gt_secret *s = now->secret;
    gt_str trusted = trusted_now(r->arena, now);
    bool asked = gt_str_is(s->renew, "ca");
    gt_err err;
    bool bundle_fits = r->has_leaf && gt_bundle_trusts(s->bundle, s->leaf.cert, NULL, gt_cert_issued(&r->leaf), &err);
    if (r->authority_is_broken && !bundle_fits && !asked)
        return stuck(r, say(r,
                            "authority.crt and authority.key of the Secret can't be used (%.200s), and ca.crt doesn't "
                            "fit tls.crt: restore it; "
                            "`gastown-certs renew --ca` makes a new authority, deleting the Secret starts anew",
                            r->why.text));
    if (!all_known(now->observed) && now->observed->problem[0] == '\0')
        return hold(r, "looking at what entries trust");
    if (trusted.len == 0 && r->has_leaf && !asked)
        return stuck(
            r,
            "the Secret holds a certificate that isn't ours, and nobody's authority: delete it, or name another one; "
            "`gastown-certs renew --ca` replaces it");
    if (trusted.len == 0)
        return step(r, GT_ROTATION_CREATE, 0, "making an authority and a certificate");
    if (r->authority_is_broken)
        r->problem = say(
            r,
            "authority.crt and authority.key of the Secret can't be used (%.200s): another authority takes their place",
            r->why.text);
    return step(r, GT_ROTATION_PREPARE, 0, "making an authority; what is trusted now stays so for a while");
}

/* Has the clock been good for long enough to act on what it says? */
static bool is_steady(const reading *r)
{
    return r->now->steady_ms >= STEADY_MS;
}

/* A moment of the wall clock; with a clock that isn't steady: not yet. */
static bool is_due(const reading *r, int64_t at_s)
{
    return r->now->now_s >= at_s && is_steady(r);
}

static const char *leaf_fault(const reading *r)
{
    if (!r->has_leaf)
        return "there's no certificate that can be used";
    if (!r->by_authority)
        return "the certificate isn't the authority's";
    if (!r->named)
        return "the certificate lacks a name";
    return is_due(r, gt_cert_due(&r->leaf)) || gt_str_is(r->now->secret->renew, "leaf") ? "the certificate is renewed"
                                                                                        : NULL;
}

static gt_rotation_step wait_for_switch(reading *r)
{
    const char *then = "the new authority signs";
    if (r->now->now_s < r->next.not_before && gt_str_is(r->now->secret->renew, "ca"))
        return step(r, GT_ROTATION_PREPARE, 0, "making the next authority anew");
    if (r->now->now_s < r->next.not_before)
        return stuck(r, say(r, "the wall clock is before the beginning of the next authority (%s): is it right?",
                            day(r, r->next.not_before)));
    if (may_sign(r, true))
        return step(r, GT_ROTATION_SWITCH, 0, "the new authority signs the certificate");
    if (!all_known(r->now->observed) && r->problem[0] == '\0')
        r->problem =
            say(r, "the entries can't be seen, so the new authority isn't used yet: %.300s", r->now->observed->problem);
    return wait_for_entries(r, then);
}

/* The time for which what was trusted before still is. Counted by the wall clock from when the leaf was made, so that restarts don't matter, or by
 * ours. */
static gt_rotation_step wait_for_drop(reading *r)
{
    const gt_rotation *now = r->now;
    int64_t since_ms = (now->now_s - gt_cert_issued(&r->leaf)) * 1000;
    bool over = now->held_ms >= now->overlap_ms || (since_ms >= now->overlap_ms && now->held_ms >= now->settle_ms);
    if (over)
        return step(r, GT_ROTATION_DROP, 0, "the old authority isn't trusted any more");
    int64_t by_wall = now->overlap_ms - since_ms, by_eye = now->settle_ms - now->held_ms,
            by_hold = now->overlap_ms - now->held_ms;
    int64_t wait = by_wall > by_eye ? by_wall : by_eye;
    wait = wait < by_hold ? wait : by_hold;
    return step(r, GT_ROTATION_NOTHING, wait,
                say(r, "the old authority stays trusted for %lld s more", (long long)((wait + 999) / 1000)));
}

static gt_rotation_step wait_for_time(reading *r)
{
    const gt_rotation *now = r->now;
    int64_t ca = gt_cert_due(&r->authority), leaf = gt_cert_due(&r->leaf);
    int64_t at = ca < leaf ? ca : leaf;
    int64_t left_ms = at > now->now_s ? at - now->now_s > DAY_MS / 1000 ? DAY_MS : (at - now->now_s) * 1000 : 0;
    if (left_ms == 0)
        left_ms = STEADY_MS - now->steady_ms; /* due, by a clock that has to prove itself */
    return step(r, GT_ROTATION_NOTHING, left_ms < 1000 ? 1000 : left_ms,
                say(r, "%s on %s", ca < leaf ? "the authority is replaced" : "the certificate is renewed", day(r, at)));
}

/* Is the clock before what was made by it, or by another? People may go by it all the same, with another authority. */
static bool is_too_early(reading *r, gt_rotation_step *found)
{
    const gt_rotation *now = r->now;
    bool authority = now->now_s < r->authority.not_before, leaf = r->by_authority && now->now_s < r->leaf.not_before;
    if ((!authority && !leaf) || r->has_next || gt_str_is(now->secret->renew, "ca"))
        return false;
    int64_t begin = authority ? r->authority.not_before : r->leaf.not_before;
    *found = stuck(r, say(r,
                          "the wall clock says %s, and the %s begins only on %s: nothing is made until one of them is "
                          "right; `gastown-certs "
                          "renew --ca` makes anew what was made by a wrong clock",
                          day(r, now->now_s), authority ? "authority" : "certificate", day(r, begin)));
    return true;
}

static bool can_issue(const reading *r)
{
    return r->now->now_s >= r->authority.not_before && r->now->now_s < r->authority.not_after;
}

static gt_rotation_step with_authority(reading *r)
{
    const gt_secret *s = r->now->secret;
    const char *fault = leaf_fault(r);
    gt_rotation_step found;
    if (is_too_early(r, &found))
        return found;
    if (fault != NULL &&
        can_issue(r)) /* who signed the last one may sign the next: whoever trusts it trusts that, too */
        return r->by_authority || may_sign(r, r->has_leaf) ? step(r, GT_ROTATION_LEAF, 0, fault)
                                                           : wait_for_entries(r, "a certificate is made");
    if (r->has_next)
        return wait_for_switch(r);
    if (s->previous.len > 0 && r->by_authority)
        return wait_for_drop(r);
    if (gt_str_is(s->renew, "ca") || is_due(r, gt_cert_due(&r->authority)))
        return step(r, GT_ROTATION_PREPARE, 0, "making the next authority");
    return wait_for_time(r);
}

/* Before anything is signed: that what is trusted goes with what is there. */
static bool put_in_order(reading *r, gt_rotation_step *found)
{
    const gt_rotation *now = r->now;
    const gt_secret *s = now->secret;
    gt_err err;
    bool lost = r->has_authority && leaf_works(r) && !r->by_authority &&
                !gt_bundle_trusts(r->bundle, s->leaf.cert, NULL, gt_cert_issued(&r->leaf), &err) &&
                gt_bundle_trusts(trusted_now(r->arena, now), s->leaf.cert, NULL, gt_cert_issued(&r->leaf), &err);
    if (lost)
        *found = step(r, GT_ROTATION_ADOPT, 0, "who signed the certificate stays trusted for a while");
    else if (!has_exactly(s->bundle, r->bundle))
        *found = step(r, GT_ROTATION_BUNDLE, 0, "ca.crt is made again from its parts");
    else if (!r->has_foreign && !now->cant_publish && any_entry(now->observed) && all_known(now->observed) &&
             !r->published)
        *found = step(r, GT_ROTATION_PUBLISH, 0, say(r, "the bundle is put on the entries of %s", now->registration));
    else
        return false;
    return true;
}

gt_rotation_step gt_rotation_next(gt_arena *arena, const gt_rotation *now)
{
    reading *r = GT_NEW(arena, reading);
    *r = (reading){.now = now, .arena = arena, .problem = ""};
    const gt_secret *s = now->secret;
    if (s->owner.len > 0)
        return stuck(r, say(r,
                            "cert-manager looks after this Secret (certificate %.*s): mount it (--tls-cert, "
                            "--tls-key), or name another one",
                            GT_STR_ARG(s->owner)));
    if (s->exists && !gt_str_is(s->type, "kubernetes.io/tls"))
        return stuck(r, say(r,
                            "the Secret's type is %.*s, not kubernetes.io/tls: it's somebody else's; delete it, or "
                            "name another one",
                            GT_STR_ARG(s->type)));
    r->problem = gt_rotation_foreign(arena, now->observed, now->registration);
    r->has_foreign = r->problem[0] != '\0';
    read_secret(r);
    if (r->authority_is_broken && r->problem[0] == '\0')
        r->problem = say(
            r,
            "authority.crt and authority.key of the Secret can't be used (%.200s): another authority takes their place",
            r->why.text);
    bool knows = s->renew.len == 0 || gt_str_is(s->renew, "leaf") || gt_str_is(s->renew, "ca");
    if (!knows && r->problem[0] == '\0')
        r->problem = say(r, "the Secret's annotation %s is \"%.40s\", which asks for nothing: it can be leaf or ca",
                         GT_SECRET_RENEW, gt_arena_dup(r->arena, s->renew.at, s->renew.len));
    if (!r->has_authority && !r->has_next)
        return without_authority(r);
    gt_rotation_step found;
    if (put_in_order(r, &found))
        return found;
    return r->has_authority ? with_authority(r) : wait_for_switch(r);
}

/* ---- making ---- */

static bool make_authority(gt_arena *arena, const gt_rotation *now, gt_pair *pair, gt_err *err)
{
    return gt_authority_make(arena, "Gas Town webhook authority", now->now_s, now->ca_life_s, pair, err);
}

static bool make_leaf(gt_arena *arena, const gt_rotation *now, gt_secret *after, gt_err *err)
{
    return gt_authority_issue(arena, &after->authority, now->dns_names, now->now_s, now->leaf_life_s, &after->leaf,
                              err);
}

static gt_str without(gt_arena *arena, gt_str all, gt_str one)
{
    const gt_cert_facts *facts;
    size_t count;
    gt_err err;
    return gt_bundle_facts(arena, all, &facts, &count, &err) && count == 1 && gt_bundle_contains(one, all) ? GT_STR("")
                                                                                                           : all;
}

/* A new authority that is to sign later. Where there's none to sign until then, all that is trusted stays so. */
static bool prepare(gt_arena *arena, const gt_rotation *now, gt_secret *after, gt_err *err)
{
    gt_cert_facts facts;
    reading r = {.now = now, .arena = arena};
    if (!read_pair(&r, &after->authority, &facts, err))
        after->previous = trusted_now(arena, now);
    after->renew = gt_str_is(after->renew, "ca") ? GT_STR("") : after->renew;
    return make_authority(arena, now, &after->next, err);
}

static bool change_over(gt_arena *arena, const gt_rotation *now, gt_secret *after, gt_err *err)
{
    after->previous = without(arena, merged(arena, after->previous, after->authority.cert), after->next.cert);
    after->authority = after->next;
    after->next = (gt_pair){{NULL, 0}, {NULL, 0}};
    return make_leaf(arena, now, after, err);
}

bool gt_rotation_apply(gt_arena *arena, const gt_rotation *now, gt_rotation_act act, gt_secret *after, gt_err *err)
{
    bool ok = true;
    *after = *now->secret;
    switch (act) {
    case GT_ROTATION_NOTHING:
    case GT_ROTATION_PUBLISH: return true;
    case GT_ROTATION_CREATE:
        ok = make_authority(arena, now, &after->authority, err) && make_leaf(arena, now, after, err);
        break;
    case GT_ROTATION_PREPARE: ok = prepare(arena, now, after, err); break;
    case GT_ROTATION_ADOPT: after->previous = trusted_now(arena, now); break;
    case GT_ROTATION_BUNDLE: break;
    case GT_ROTATION_LEAF:
        ok = make_leaf(arena, now, after, err);
        after->renew = gt_str_is(after->renew, "leaf") ? GT_STR("") : after->renew;
        break;
    case GT_ROTATION_SWITCH: ok = change_over(arena, now, after, err); break;
    case GT_ROTATION_DROP: after->previous = GT_STR(""); break;
    }
    after->bundle = wanted_bundle(arena, after);
    return ok;
}
