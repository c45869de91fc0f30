/* Whether the API server could call us: what it trusts, what we show, and where we are. */
#include "certs/bundle.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "webhook/check.h"

enum { DAY_S = 24 * 60 * 60, SOON_DAYS = 30, DATE = 10 };

static const gt_kube_kind services = {"", "v1", "services"};
static const gt_kube_kind slices = {"discovery.k8s.io", "v1", "endpointslices"};

#define PUBLISH                                                                                                        \
    "gastown-certs publish, or name the Certificate by `gastown-webhook registration --inject-ca-from "                \
    "NAMESPACE/NAME`"

/* ---- validity ---- */

static const char *date(gt_arena *arena, int64_t seconds)
{
    char text[GT_CLOCK_TEXT];
    gt_clock_text(seconds * 1000, 0, text);
    return gt_arena_printf(arena, "%.*s", DATE, text);
}

/* A row for a certificate that says until when it is good. */
static void tell_validity(gt_survey *check, gt_str what, const char *todo, const gt_cert_facts *facts)
{
    const char *until = date(check->arena, facts->not_after);
    int64_t days = (facts->not_after - check->now_s) / DAY_S;
    if (check->now_s < facts->not_before)
        gt_survey_add(check, GT_VERDICT_FAIL, what, "set the clock that is wrong, or wait",
                      "%s is only valid from %s on", facts->subject, date(check->arena, facts->not_before));
    else if (check->now_s >= facts->not_after)
        gt_survey_add(check, GT_VERDICT_FAIL, what, todo, "%s expired on %s", facts->subject, until);
    else
        gt_survey_add(check, days < SOON_DAYS ? GT_VERDICT_WARN : GT_VERDICT_OK, what, days < SOON_DAYS ? todo : NULL,
                      "%s is valid until %s, %lld day%s", facts->subject, until, (long long)days, days == 1 ? "" : "s");
}

/* Of several authorities the one that is good for longest: an overlap leaves an old one beside the new one. */
static const gt_cert_facts *best(const gt_cert_facts *facts, size_t count)
{
    const gt_cert_facts *found = facts;
    for (size_t i = 1; i < count; i++)
        found = facts[i].not_after > found->not_after ? &facts[i] : found;
    return found;
}

static void check_bundle(gt_survey *check, gt_entry which)
{
    gt_str what = gt_str_of(gt_arena_printf(check->arena, "caBundle of %s", gt_entries[which].name));
    gt_str bundle = check->bundles[which];
    const gt_cert_facts *facts;
    size_t count = 0;
    gt_err err;
    if (!check->bundle_known[which]) /* its object has a row that says why */
        return;
    if (bundle.len == 0 && check->registration->url != NULL)
        gt_survey_add(check, GT_VERDICT_WARN, what, PUBLISH, "none: the API server goes by its system's authorities");
    else if (bundle.len == 0)
        gt_survey_add(check, GT_VERDICT_FAIL, what, PUBLISH, "none: the API server trusts nobody as the webhook");
    else if (!gt_bundle_facts(check->arena, bundle, &facts, &count, &err))
        gt_survey_add(check, GT_VERDICT_FAIL, what, PUBLISH, "%s", err.text);
    else if (count == 0)
        gt_survey_add(check, GT_VERDICT_FAIL, what, PUBLISH, "holds no certificate (PEM)");
    else
        tell_validity(check, what, PUBLISH, best(facts, count));
}

void gt_survey_bundles(gt_survey *check)
{
    for (int i = 0; i < GT_ENTRY_COUNT; i++)
        check_bundle(check, (gt_entry)i);
}

/* ---- the leaf ---- */

/* Who the API server expects: the Service's name, or the URL's host (NULL where it's an address). */
static const char *dns_name(gt_survey *check)
{
    const gt_registration *r = check->registration;
    if (r->url == NULL)
        return gt_arena_printf(check->arena, "%s.%s.svc", r->service, r->system_namespace);
    const char *host = r->url + strlen("https://");
    char *name = gt_arena_dup(check->arena, host, strcspn(host, ":/"));
    return name[strspn(name, "0123456789.[")] == '\0' ? NULL : name;
}

static void check_chain(gt_survey *check, gt_str what, gt_str chain)
{
    const char *name = dns_name(check);
    gt_err err;
    for (int i = 0; i < GT_ENTRY_COUNT; i++)
        if (check->bundles[i].len > 0 && !gt_bundle_trusts(check->bundles[i], chain, name, check->now_s, &err))
            gt_survey_add(check, GT_VERDICT_FAIL, what, PUBLISH, "the caBundle of %s doesn't accept it: %s",
                          gt_entries[i].name, err.text);
}

void gt_survey_certificate(gt_survey *check)
{
    gt_value *secret;
    const char *ns = check->registration->system_namespace;
    gt_str what = gt_str_of(gt_arena_printf(check->arena, "certificate in %s/%s", ns, check->secret));
    gt_survey_found there = gt_survey_get(check, &gt_kube_secrets, ns, check->secret, what, &secret);
    const gt_cert_facts *facts;
    size_t count = 0;
    gt_str chain = {"", 0};
    gt_err err;
    bool outside =
        check->registration->url != NULL; /* files, as likely as a Secret; that it's trusted the dry-run pod shows */
    if (there == GT_FOUND_NOT)
        gt_survey_add(check, outside ? GT_VERDICT_WARN : GT_VERDICT_UNKNOWN, what,
                      outside ? "--certs-secret NAME says which one it is; of files "
                                "gastown_certificate_expiry_timestamp_seconds tells"
                              : "--certs-secret NAME says which one it is",
                      "no such Secret: %s isn't known",
                      outside ? "until when the webhook's certificate is valid"
                              : "where the webhook has its certificate from");
    if (there != GT_FOUND)
        return;
    gt_str text = gt_value_str(gt_value_get(gt_value_get(secret, "data"), "tls.crt"));
    if (!gt_base64_decode(check->arena, text, &chain) || chain.len == 0)
        gt_survey_add(check, GT_VERDICT_FAIL, what, "gastown-certs init", "has no tls.crt");
    else if (!gt_bundle_facts(check->arena, chain, &facts, &count, &err))
        gt_survey_add(check, GT_VERDICT_FAIL, what, "gastown-certs renew", "tls.crt: %s", err.text);
    else if (count == 0)
        gt_survey_add(check, GT_VERDICT_FAIL, what, "gastown-certs renew", "tls.crt: holds no certificate (PEM)");
    else {
        tell_validity(check, what, "gastown-certs renew", &facts[0]);
        check_chain(check, what, chain);
    }
}

/* ---- where we are ---- */

static size_t ready_addresses(gt_view list)
{
    size_t n = 0;
    GT_VIEW_EACH (slice, gt_view_get(list, "items"))
        GT_VIEW_EACH (endpoint, gt_view_get(slice, "endpoints")) {
            gt_view ready = gt_view_get(gt_view_get(endpoint, "conditions"), "ready");
            if (!gt_view_exists(ready) || gt_view_true(ready)) /* nothing said means ready */
                GT_VIEW_EACH (address, gt_view_get(endpoint, "addresses"))
                    n += gt_view_type_of(address) == GT_VIEW_STRING;
        }
    return n;
}

static void check_endpoints(gt_survey *check)
{
    const gt_registration *r = check->registration;
    gt_str what = gt_str_of(gt_arena_printf(check->arena, "endpoints of %s/%s", r->system_namespace, r->service));
    gt_kube_answer answer;
    gt_buf path;
    gt_err err;
    gt_buf_init(&path, check->arena, 256);
    gt_buf_text(&path, gt_kube_path(check->arena, &slices, r->system_namespace, NULL));
    gt_kube_add_query(&path, "labelSelector",
                      gt_arena_printf(check->arena, "kubernetes.io/service-name=%s", r->service));
    const gt_kube_request request = {.method = "GET", .path = path.at};
    if (!gt_kube_do(check->client, check->arena, &request, &answer, &err)) {
        gt_survey_unknown(check, what, "list", &slices, r->system_namespace, &err);
        return;
    }
    size_t n = ready_addresses(answer.object);
    if (n == 0)
        gt_survey_add(check, GT_VERDICT_FAIL, what,
                      "kubectl get pods: no replica is ready, or the selector misses them",
                      "none is ready: each agent's pod is refused");
    else if (n == 1)
        gt_survey_add(check, GT_VERDICT_WARN, what, "run two replicas",
                      "1 is ready: while it restarts, agents' pods are refused");
    else
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "%zu are ready", n);
}

static bool has_port(const gt_value *service, int64_t wanted)
{
    int64_t number;
    GT_VALUE_EACH (port, gt_value_get(gt_value_get(service, "spec"), "ports"))
        if (gt_value_as_int(gt_value_get(port, "port"), &number) && number == wanted)
            return true;
    return false;
}

void gt_survey_service(gt_survey *check)
{
    const gt_registration *r = check->registration;
    gt_value *service;
    if (r->url != NULL)
        return;
    gt_str what = gt_str_of(gt_arena_printf(check->arena, "service/%s in %s", r->service, r->system_namespace));
    gt_survey_found there = gt_survey_get(check, &services, r->system_namespace, r->service, what, &service);
    if (there == GT_FOUND_NOT)
        gt_survey_add(check, GT_VERDICT_FAIL, what, "create it, or name another one by --service",
                      "isn't there: the API server can't call");
    else if (there == GT_FOUND && !has_port(service, r->port))
        gt_survey_add(check, GT_VERDICT_FAIL, what, "add the port, or name another one by --port", "has no port %lld",
                      (long long)r->port);
    else if (there == GT_FOUND)
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "port %lld", (long long)r->port);
    check_endpoints(check);
}
