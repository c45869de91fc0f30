/* One tree says it all; the table is written from it. */
#include "certs/cli/cli.h"
#include "certs/pem.h"
#include "lib/base/clock.h"
#include "lib/base/show.h"

enum { DAY_S = 86400 };

typedef struct showing {
    gt_arena *arena;
    const gt_certs_options *options;
    gt_secret secret;
    gt_observed_state observed;
    int64_t now_s;
    bool finding;
} showing;

static void put_text(const showing *s, gt_value *object, const char *key, const char *text)
{
    gt_value_put(s->arena, object, key, gt_value_text(s->arena, text));
}

static void put_bool(const showing *s, gt_value *object, const char *key, bool truth)
{
    gt_value_put(s->arena, object, key, gt_value_bool(s->arena, truth));
}

static void put_time(const showing *s, gt_value *object, const char *key, int64_t at_s)
{
    char text[32];
    gt_cert_time(at_s, text);
    put_text(s, object, key, text);
}

static gt_value *cert_value(const showing *s, const gt_cert_facts *facts)
{
    gt_value *cert = gt_value_object(s->arena);
    put_text(s, cert, "subject", facts->subject);
    put_text(s, cert, "issuer", facts->issuer);
    put_time(s, cert, "notBefore", facts->not_before);
    put_time(s, cert, "notAfter", facts->not_after);
    put_time(s, cert, "renewedFrom", gt_cert_due(facts));
    gt_value_put(s->arena, cert, "daysLeft", gt_value_int(s->arena, (facts->not_after - s->now_s) / DAY_S));
    put_bool(s, cert, "validNow", facts->not_before <= s->now_s && s->now_s <= facts->not_after);
    put_text(s, cert, "fingerprint", facts->fingerprint);
    return cert;
}

/* The first certificate of a chain, and whether the key is its own. */
static gt_value *pair_value(showing *s, const gt_pair *pair)
{
    const gt_cert_facts *facts;
    size_t count;
    gt_err err;
    if (pair->cert.len == 0 && pair->key.len == 0)
        return gt_value_null(s->arena);
    bool readable = gt_bundle_facts(s->arena, pair->cert, &facts, &count, &err) && count > 0;
    gt_value *cert = readable ? cert_value(s, &facts[0]) : gt_value_object(s->arena);
    if (!gt_pair_fits(pair->cert, pair->key, &err)) {
        put_text(s, cert, "problem", err.text);
        s->finding = true;
    }
    return cert;
}

static gt_value *bundle_value(const showing *s, gt_str pem)
{
    const gt_cert_facts *facts;
    size_t count;
    gt_err err;
    gt_value *list = gt_value_array(s->arena);
    if (gt_bundle_facts(s->arena, pem, &facts, &count, &err))
        for (size_t i = 0; i < count; i++)
            gt_value_push(list, cert_value(s, &facts[i]));
    return list;
}

static gt_value *entry_value(showing *s, size_t i)
{
    static const char *const kinds[] = {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"};
    const gt_observed_entry *entry = &s->observed.entries[i];
    gt_value *value = gt_value_object(s->arena);
    gt_err err = {0};
    put_text(s, value, "name", gt_entries[i].name);
    put_text(s, value, "in", kinds[gt_entries[i].kind]);
    put_bool(s, value, "present", entry->present);
    if (!entry->present)
        return value;
    bool trusts = gt_bundle_trusts(entry->bundle, s->secret.leaf.cert, s->options->dns_names[0], s->now_s, &err);
    put_bool(s, value, "trustsCertificate", trusts);
    put_bool(s, value, "hasBundle",
             gt_bundle_contains(entry->bundle, s->secret.bundle) &&
                 gt_bundle_contains(s->secret.bundle, entry->bundle));
    gt_value_put(s->arena, value, "authorities", bundle_value(s, entry->bundle));
    if (!trusts)
        put_text(s, value, "problem", err.text);
    s->finding = s->finding || !trusts;
    return value;
}

static gt_value *next_value(showing *s)
{
    const gt_certs_options *o = s->options;
    gt_rotation now = {.secret = &s->secret,
                       .observed = &s->observed,
                       .registration = o->registration,
                       .dns_names = o->dns_names,
                       .ca_life_s = o->ca_life_ms / 1000,
                       .leaf_life_s = o->leaf_life_ms / 1000,
                       .settle_ms = o->settle_ms,
                       .overlap_ms = o->overlap_ms,
                       .now_s = s->now_s,
                       .steady_ms = INT64_MAX};
    gt_rotation_step step = gt_rotation_next(s->arena, &now);
    gt_value *next = gt_value_object(s->arena);
    put_bool(s, next, "due", step.act != GT_ROTATION_NOTHING);
    put_text(s, next, "step", step.doing);
    put_text(s, next, "problem", step.problem);
    s->finding = s->finding || step.problem[0] != '\0';
    return next;
}

static gt_value *all_value(showing *s)
{
    gt_value *all = gt_value_object(s->arena), *secret = gt_value_object(s->arena), *entries = gt_value_array(s->arena);
    put_text(s, secret, "namespace", s->options->system_namespace);
    put_text(s, secret, "name", s->options->secret);
    put_bool(s, secret, "exists", s->secret.exists);
    gt_value_put(s->arena, all, "secret", secret);
    gt_value_put(s->arena, all, "certificate", pair_value(s, &s->secret.leaf));
    gt_value_put(s->arena, all, "authority", pair_value(s, &s->secret.authority));
    gt_value_put(s->arena, all, "nextAuthority", pair_value(s, &s->secret.next));
    gt_value_put(s->arena, all, "trustedBefore", bundle_value(s, s->secret.previous));
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        gt_value_push(entries, entry_value(s, i));
    gt_value_put(s->arena, all, "entries", entries);
    gt_value_put(s->arena, all, "next", next_value(s));
    return all;
}

/* ---- for people ---- */

static void print_line(const showing *s, const char *what, gt_str text)
{
    gt_buf line;
    gt_buf_init(&line, s->arena, 200);
    gt_show_line(&line, text);
    printf("%-14s %s\n", what, line.at);
}

static void print_cert(const showing *s, const char *what, const gt_value *cert)
{
    const gt_value *problem = gt_value_get(cert, "problem");
    gt_str subject = gt_value_str(gt_value_get(cert, "subject"));
    if (cert == NULL || cert->type != GT_VALUE_OBJECT)
        return;
    int64_t days = 0;
    gt_value_as_int(gt_value_get(cert, "daysLeft"), &days);
    if (subject.len > 0)
        print_line(s, what,
                   gt_str_of(gt_arena_printf(s->arena, "%.*s, until %.*s (%lld days)%s", GT_STR_ARG(subject),
                                             GT_STR_ARG(gt_value_str(gt_value_get(cert, "notAfter"))), (long long)days,
                                             gt_value_true(gt_value_get(cert, "validNow")) ? "" : ": not valid now")));
    if (problem != NULL)
        print_line(s, what, gt_value_str(problem));
}

static void print_entry(const showing *s, const gt_value *entry)
{
    gt_str name = gt_value_str(gt_value_get(entry, "name"));
    const gt_value *problem = gt_value_get(entry, "problem"), *authorities = gt_value_get(entry, "authorities");
    const char *text = "isn't there";
    if (problem != NULL)
        text = gt_arena_printf(s->arena, "doesn't trust the certificate: %.*s", GT_STR_ARG(gt_value_str(problem)));
    else if (authorities != NULL)
        text = gt_arena_printf(s->arena, "trusts the certificate, by %u authorit%s%s", authorities->count,
                               authorities->count == 1 ? "y" : "ies",
                               gt_value_true(gt_value_get(entry, "hasBundle")) ? ""
                                                                               : ", which aren't those of the Secret");
    print_line(s, "entry", gt_str_of(gt_arena_printf(s->arena, "%.*s %s", GT_STR_ARG(name), text)));
}

static void print_table(const showing *s, const gt_value *all)
{
    const gt_value *next = gt_value_get(all, "next");
    print_line(s, "Secret",
               gt_str_of(gt_arena_printf(s->arena, "%s/%s%s", s->options->system_namespace, s->options->secret,
                                         s->secret.exists ? "" : ": there's none")));
    print_cert(s, "certificate", gt_value_get(all, "certificate"));
    print_cert(s, "authority", gt_value_get(all, "authority"));
    print_cert(s, "next one", gt_value_get(all, "nextAuthority"));
    GT_VALUE_EACH (cert, gt_value_get(all, "trustedBefore"))
        print_cert(s, "trusted, too", cert);
    GT_VALUE_EACH (entry, gt_value_get(all, "entries"))
        print_entry(s, entry);
    if (gt_value_str(gt_value_get(next, "step")).len > 0)
        print_line(s, gt_value_true(gt_value_get(next, "due")) ? "due now" : "next",
                   gt_value_str(gt_value_get(next, "step")));
    if (gt_value_str(gt_value_get(next, "problem")).len > 0)
        print_line(s, "problem", gt_value_str(gt_value_get(next, "problem")));
}

int gt_certs_show(gt_arena *arena, const gt_certs_options *o)
{
    gt_certs_cluster cluster;
    showing s = {.arena = arena, .options = o, .now_s = gt_clock_wall_ms() / 1000};
    int status = gt_certs_open(arena, o, &cluster);
    if (status != GT_EXIT_OK)
        return status;
    status = gt_certs_look(arena, o, &cluster, &s.secret);
    if (status == GT_EXIT_OK) {
        s.observed = gt_observed_now(cluster.observed);
        const gt_value *all = all_value(&s);
        if (o->output == 0) {
            print_table(&s, all);
        } else {
            gt_buf text;
            gt_buf_init(&text, arena, 4096);
            gt_value_pretty(&text, all, 0);
            puts(text.at);
        }
        status = s.finding || !s.secret.exists ? GT_EXIT_FINDING : GT_EXIT_OK;
    }
    gt_certs_close(&cluster);
    return status;
}
