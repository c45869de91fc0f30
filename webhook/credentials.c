#include "webhook/credentials.h"

#include <stdio.h>
#include <stdlib.h>

#include "certs/keeper.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "webhook/expiry.h"
#include "webhook/reload.h"
#include "webhook/trust.h"

enum { LOOK_US = 10 * 1000 * 1000, NAMES = 3 };
enum { SLOT_LEAF, SLOT_AUTHORITY };

struct gt_credentials {
    gt_credentials_config config;
    gt_arena *arena;                                     /* of names */
    const char *names[NAMES + GT_OPTIONS_DNS_NAMES + 1]; /* NULL-terminated */
    const char *certificate_name, *key_name;             /* in the Secret, for messages */
    gt_observed *observed;
    gt_keeper *keeper; /* NULL: the certificate comes from files */
    gt_expiry *expiry;
    gt_trust trust;
    gt_credentials_state state;
    /* what has been judged and taken */
    uint64_t observed_changes, keeper_changes;
    char fingerprint[GT_FINGERPRINT + 1];
    int64_t next_look_us, next_take_us; /* next_take_us 0: nothing to try again */
    bool taken_once;
    char complaint[200], refusal[300]; /* as logged last */
};

/* ---- making ---- */

static bool write_names(void *context, gt_err *err)
{
    gt_credentials *c = context;
    const gt_options *o = c->config.options;
    const char *ns = c->config.ns;
    (void)err;
    c->names[0] = gt_arena_printf(c->arena, "%s.%s.svc", o->service, ns);
    c->names[1] = gt_arena_printf(c->arena, "%s.%s.svc.cluster.local", o->service, ns);
    c->names[2] = gt_arena_printf(c->arena, "%s.%s", o->service, ns);
    for (size_t i = 0; i < o->dns_names.count; i++)
        c->names[NAMES + i] = o->dns_names.at[i];
    c->certificate_name = gt_arena_printf(c->arena, "Secret %s/%s, tls.crt", ns, o->certs_secret);
    c->key_name = gt_arena_printf(c->arena, "Secret %s/%s, tls.key", ns, o->certs_secret);
    return true;
}

static gt_keeper *new_keeper(gt_credentials *c)
{
    const gt_options *o = c->config.options;
    const gt_keeper_config config = {
        .client = c->config.client,
        .observed = c->observed,
        .ns = c->config.ns,
        .secret = o->certs_secret,
        .dns_names = c->names,
        .registration = o->registration,
        .ca_life_ms = o->ca_life_ms,
        .leaf_life_ms = o->leaf_life_ms,
        .settle_ms = o->settle_ms,
        .overlap_ms = o->overlap_ms,
        .seed = c->config.seed + 1,
    };
    return gt_keeper_new(&config);
}

gt_credentials *gt_credentials_new(const gt_credentials_config *config)
{
    gt_credentials *c = calloc(1, sizeof *c);
    gt_err err;
    if (c == NULL)
        return NULL;
    c->config = *config;
    c->arena = gt_arena_new(0);
    gt_trust_init(&c->trust);
    c->observed = gt_observed_new(config->client, config->options->registration, config->seed);
    c->expiry = gt_expiry_new(&(gt_expiry_config){.client = config->client,
                                                  .metrics = config->metrics,
                                                  .ns = config->ns,
                                                  .lease = config->lease,
                                                  .instance = config->instance});
    bool ok =
        c->arena != NULL && c->observed != NULL && c->expiry != NULL && gt_arena_try(c->arena, write_names, c, &err);
    if (ok && config->options->certs_secret != NULL)
        ok = (c->keeper = new_keeper(c)) != NULL;
    if (ok)
        return c;
    gt_credentials_free(c);
    return NULL;
}

void gt_credentials_free(gt_credentials *credentials)
{
    if (credentials == NULL)
        return;
    gt_keeper_free(credentials->keeper);
    gt_expiry_free(credentials->expiry);
    gt_observed_free(credentials->observed);
    gt_arena_free(credentials->arena);
    free(credentials);
}

/* ---- the certificate that we make ourselves ---- */

/* true: it's in use, or what is in the Secret is in use already. */
static bool use(gt_credentials *c, const gt_keeper_state *keeper, int64_t wall_ms, gt_err *err)
{
    gt_keypair *pair;
    if (!gt_keypair_make((gt_pem){keeper->chain, c->certificate_name}, (gt_pem){keeper->key, c->key_name},
                         wall_ms / 1000, &pair, err))
        return false;
    if (gt_keybox_holds(c->config.keys, pair))
        gt_keypair_free(pair);
    else
        gt_keybox_use(c->config.keys, pair);
    return true;
}

/* One that is refused may become valid without a change: it's tried again. */
static void take(gt_credentials *c, const gt_keeper_state *keeper, int64_t now_us, int64_t wall_ms)
{
    bool changed = !c->taken_once || keeper->changes != c->keeper_changes;
    gt_err err;
    if (keeper->chain.len == 0 || (!changed && (c->next_take_us == 0 || now_us < c->next_take_us)))
        return;
    c->taken_once = true;
    c->keeper_changes = keeper->changes;
    c->next_take_us = 0;
    if (use(c, keeper, wall_ms, &err)) {
        c->refusal[0] = '\0';
        return;
    }
    c->next_take_us = now_us + LOOK_US;
    if (strncmp(c->refusal, err.text, sizeof c->refusal - 1) == 0)
        return;
    snprintf(c->refusal, sizeof c->refusal, "%.*s", (int)sizeof c->refusal - 1, err.text);
    gt_counter_add(&c->config.metrics->certificates_refused, 1);
    gt_log(GT_LOG_ERROR, "refused; what was there before stays", GT_F("what", "certificate"), GT_F("error", err.text));
}

static void publish_keeper(gt_credentials *c, const gt_keeper_state *keeper)
{
    gt_metrics *m = c->config.metrics;
    const char *in_the_way = keeper->problem[0] != '\0' ? keeper->problem : c->refusal;
    atomic_store(&m->leaves_issued, keeper->issued);
    atomic_store(&m->bundles_published, keeper->published);
    atomic_store(&m->authorities_made, keeper->authorities);
    atomic_store(&m->keeping_failed, keeper->failures);
    c->state.authority_not_after = keeper->ca_not_after == 0 ? GT_METRIC_NONE : keeper->ca_not_after;
    snprintf(c->state.missing, sizeof c->state.missing, "%s",
             in_the_way[0] != '\0' ? in_the_way
             : !keeper->known      ? "its Secret isn't listed yet"
                                   : keeper->doing);
    if (strncmp(keeper->problem, c->complaint, sizeof c->complaint - 1) == 0)
        return;
    snprintf(c->complaint, sizeof c->complaint, "%s", keeper->problem);
    if (keeper->problem[0] != '\0')
        gt_log(GT_LOG_WARN, "certificates can't be kept as they should be", GT_F("error", keeper->problem));
}

static int64_t keep(gt_credentials *c, int64_t now_us, int64_t wall_ms, bool leading)
{
    int64_t due = gt_keeper_run(c->keeper, now_us, wall_ms, leading);
    const gt_keeper_state keeper = gt_keeper_now(c->keeper);
    take(c, &keeper, now_us, wall_ms);
    publish_keeper(c, &keeper);
    return c->next_take_us == 0 ? due : gt_clock_earlier(due, c->next_take_us);
}

/* ---- trust ---- */

static void publish_trust(gt_credentials *c, gt_arena *arena)
{
    gt_buf text;
    gt_buf_init(&text, arena, 256);
    gt_trust_unready(&text, &c->trust, c->config.options->registration);
    if (strncmp(text.at, c->state.untrusted, sizeof c->state.untrusted - 1) != 0) {
        snprintf(c->state.untrusted, sizeof c->state.untrusted, "%s", text.at);
        if (c->trust.decided)
            gt_log(text.len > 0 ? GT_LOG_ERROR : GT_LOG_INFO,
                   text.len > 0 ? "the API server doesn't trust our certificate: unready"
                                : "nothing known is against the API server trusting our certificate",
                   GT_F("reason", text.at));
    }
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++) {
        const gt_trust_entry *entry = &c->trust.entries[i];
        c->state.unknown[i] = entry->unknown;
        c->state.trusted[i] = entry->unknown || !entry->answered ? GT_METRIC_NONE : entry->trusted;
    }
}

typedef struct looking {
    gt_credentials *credentials;
    gt_arena *arena;
    const gt_observed_state *observed;
    int64_t now_s;
} looking;

static bool look(void *context, gt_err *err)
{
    looking *l = context;
    gt_credentials *c = l->credentials;
    (void)err;
    gt_str chain = gt_keybox_chain(c->config.keys, l->arena);
    gt_trust_judge(&c->trust, l->observed, chain, l->now_s);
    publish_trust(c, l->arena);
    return true;
}

/* When something is new, and now and then: authorities expire. */
static void judge(gt_credentials *c, const gt_keypair_facts *facts, int64_t now_us, int64_t wall_ms)
{
    const gt_observed_state observed = gt_observed_now(c->observed);
    bool news =
        !c->trust.decided || observed.changes != c->observed_changes || strcmp(facts->fingerprint, c->fingerprint) != 0;
    if (!news && now_us < c->next_look_us)
        return;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    looking l = {c, arena, &observed, wall_ms / 1000};
    gt_err err;
    if (arena == NULL || !gt_arena_try(arena, look, &l, &err))
        return;
    c->observed_changes = observed.changes;
    memcpy(c->fingerprint, facts->fingerprint, sizeof c->fingerprint);
}

/* ---- expiry ---- */

static void warn(gt_credentials *c, const gt_keypair_facts *facts, int64_t wall_ms)
{
    const gt_expiring leaf = {
        .what = "serving certificate",
        .identity = facts->fingerprint,
        .remedy = c->keeper == NULL ? "renew what --tls-cert and --tls-key name (cert-manager: look at its Certificate)"
                                    : "it should have been renewed: look at the webhook's log and /readyz",
        .not_before_s = facts->not_before,
        .not_after_s = facts->not_after,
    };
    gt_expiry_tell(c->expiry, SLOT_LEAF, &leaf, wall_ms);
    int64_t end_s = c->state.authority_not_after;
    if (c->keeper == NULL || end_s == GT_METRIC_NONE)
        return;
    char identity[32];
    snprintf(identity, sizeof identity, "ca%llx", (unsigned long long)end_s);
    const gt_expiring authority = {
        .what = "authority that signs serving certificates",
        .identity = identity,
        .remedy = "it should have been replaced: look at the webhook's log and /readyz",
        .not_before_s = gt_keeper_now(c->keeper).ca_not_before,
        .not_after_s = end_s,
    };
    gt_expiry_tell(c->expiry, SLOT_AUTHORITY, &authority, wall_ms);
}

/* ---- running ---- */

int64_t gt_credentials_run(gt_credentials *credentials, int64_t now_us, int64_t wall_ms, bool leading)
{
    gt_credentials *c = credentials;
    int64_t due = gt_observed_run(c->observed, now_us);
    c->state.authority_not_after = GT_METRIC_NONE;
    if (c->keeper != NULL)
        due = gt_clock_earlier(due, keep(c, now_us, wall_ms, leading));
    gt_keypair_facts facts = {0};
    bool there = gt_keybox_facts(c->config.keys, &facts);
    judge(c, &facts, now_us, wall_ms);
    if (now_us >= c->next_look_us) {
        c->next_look_us = now_us + LOOK_US;
        if (there && leading)
            warn(c, &facts, wall_ms);
    }
    return gt_clock_earlier(due, c->next_look_us);
}

void gt_credentials_now(const gt_credentials *credentials, gt_credentials_state *state)
{
    *state = credentials->state;
}
