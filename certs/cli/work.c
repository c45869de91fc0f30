/* The verbs that change something: the webhook's own keeper, driven until it has done what was asked. */
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "certs/cli/cli.h"
#include "certs/publish.h"
#include "lib/base/clock.h"

enum { STUCK_MS = 200 };

int gt_certs_open(gt_arena *arena, const gt_certs_options *o, gt_certs_cluster *cluster)
{
    gt_err err;
    *cluster = (gt_certs_cluster){0};
    bool ok = gt_kube_config_find(arena, o->kubeconfig, o->context, &cluster->config, &err);
    ok = ok && gt_kube_client_new(&cluster->config, "gastown-certs/" GT_VERSION, &cluster->client, &err);
    if (!ok)
        return gt_certs_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uint64_t)getpid();
    cluster->observed = gt_observed_new(cluster->client, o->registration, seed);
    cluster->keeper = cluster->observed == NULL ? NULL
                                                : gt_keeper_new(&(gt_keeper_config){.client = cluster->client,
                                                                                    .observed = cluster->observed,
                                                                                    .ns = o->system_namespace,
                                                                                    .secret = o->secret,
                                                                                    .dns_names = o->dns_names,
                                                                                    .registration = o->registration,
                                                                                    .ca_life_ms = o->ca_life_ms,
                                                                                    .leaf_life_ms = o->leaf_life_ms,
                                                                                    .settle_ms = o->settle_ms,
                                                                                    .overlap_ms = o->overlap_ms,
                                                                                    .trust_clock = true,
                                                                                    .seed = seed});
    if (cluster->keeper != NULL)
        return GT_EXIT_OK;
    gt_certs_close(cluster);
    return gt_certs_complain(GT_EXIT_ENVIRONMENT, "out of memory");
}

void gt_certs_close(gt_certs_cluster *cluster)
{
    gt_keeper_free(cluster->keeper);
    gt_observed_free(cluster->observed);
    gt_kube_client_free(cluster->client);
}

/* ---- driving ---- */

typedef bool over_fn(const gt_keeper_state *state);

static void tell(const char *text, char *told, size_t size)
{
    size_t same = strcspn(text, "0123456789"); /* a countdown is told once */
    if (text[0] == '\0' || (strncmp(told, text, same) == 0 && same > 0))
        return;
    snprintf(told, size, "%s", text);
    fprintf(stderr, "%s\n", text);
}

/* Until `over`, or it's stuck for good, or the time is over. */
static int drive(gt_certs_cluster *cluster, over_fn *over, int64_t most_ms)
{
    const int64_t end = gt_clock_mono_us() + most_ms * 1000;
    char told[300] = "", told_problem[300] = "";
    int64_t stuck_us = 0;
    for (;;) {
        gt_kube_drive(cluster->client);
        const int64_t now = gt_clock_mono_us();
        int64_t due = gt_observed_run(cluster->observed, now);
        due = gt_clock_earlier(due, gt_keeper_run(cluster->keeper, now, gt_clock_wall_ms(), true));
        gt_keeper_state state = gt_keeper_now(cluster->keeper);
        tell(state.doing, told, sizeof told);
        tell(state.problem, told_problem,
             sizeof told_problem); /* tried again until the time is over: a person may know better */
        stuck_us = !state.stuck ? 0 : stuck_us == 0 ? now : stuck_us;
        if (over(&state) && !state.stuck)
            return GT_EXIT_OK;
        if (stuck_us != 0 && now - stuck_us >= STUCK_MS * 1000 && !state.prepared)
            return gt_certs_complain(GT_EXIT_FINDING, "%s", state.problem);
        if (now >= end)
            return gt_certs_complain(GT_EXIT_ENVIRONMENT, "not done after %lld s: %s", (long long)(most_ms / 1000),
                                     state.problem[0] != '\0' ? state.problem : state.doing);
        int64_t wait = gt_clock_earlier(gt_clock_earlier(due, end), now + STUCK_MS * 1000) - now;
        gt_kube_wait(cluster->client, -1, wait <= 0 ? 0 : wait / 1000 + 1);
    }
}

static bool is_there(const gt_keeper_state *s)
{
    return s->idle && s->chain.len > 0 && !s->prepared;
}

static bool has_leaf(const gt_keeper_state *s)
{
    return s->issued > 0 && is_there(s);
}

static bool has_begun(const gt_keeper_state *s)
{
    return (s->authorities > 0 || s->issued > 0) && !s->asked; /* a leaf may have been due by itself, before */
}

static bool has_rotated(const gt_keeper_state *s)
{
    return s->authorities > 0 && is_there(s) && !s->overlapping;
}

int gt_certs_init(gt_arena *arena, const gt_certs_options *o)
{
    gt_certs_cluster cluster;
    if (o->out != NULL)
        return gt_certs_write_files(arena, o);
    int status = gt_certs_open(arena, o, &cluster);
    if (status != GT_EXIT_OK)
        return status;
    status = drive(&cluster, is_there, o->timeout_ms + o->settle_ms);
    gt_keeper_state state = gt_keeper_now(cluster.keeper);
    if (status == GT_EXIT_OK)
        printf("Secret %s/%s %s%s\n", o->system_namespace, o->secret,
               state.authorities > 0 ? "was made"
               : state.issued > 0    ? "is there, and has a new certificate now"
                                     : "is there",
               state.published > 0 ? "; its bundle was put on our entries" : "");
    gt_certs_close(&cluster);
    return status;
}

int gt_certs_renew(gt_arena *arena, const gt_certs_options *o)
{
    gt_certs_cluster cluster;
    int status = gt_certs_open(arena, o, &cluster);
    if (status != GT_EXIT_OK)
        return status;
    int64_t most = o->timeout_ms + (o->ca && !o->no_wait ? 2 * (o->settle_ms + o->overlap_ms) : o->settle_ms);
    gt_keeper_ask(cluster.keeper, o->ca ? "ca" : "leaf");
    status = drive(&cluster, o->no_wait ? has_begun : o->ca ? has_rotated : has_leaf, most);
    if (status == GT_EXIT_OK)
        puts(!o->ca       ? "the certificate is a new one"
             : o->no_wait ? "another authority is prepared"
                          : "the authority is another one");
    gt_certs_close(&cluster);
    return status;
}

/* ---- publish ---- */

int gt_certs_look(gt_arena *arena, const gt_certs_options *o, gt_certs_cluster *cluster, gt_secret *secret)
{
    const int64_t end = gt_clock_mono_us() + o->timeout_ms * 1000;
    gt_kube_answer answer;
    gt_err err;
    *secret = (gt_secret){0};
    if (gt_kube_get(cluster->client, arena, &gt_kube_secrets, o->system_namespace, o->secret, &answer, &err)) {
        if (!gt_secret_read(arena, answer.object, secret, &err))
            return gt_certs_complain(GT_EXIT_FINDING, "Secret %s/%s: %s", o->system_namespace, o->secret, err.text);
    } else if (err.kind != GT_ERR_NOT_FOUND) {
        return gt_certs_complain(GT_EXIT_ENVIRONMENT, "Secret %s/%s: %s", o->system_namespace, o->secret, err.text);
    }
    for (;;) {
        const int64_t now = gt_clock_mono_us();
        gt_observed_run(cluster->observed, now);
        gt_observed_state state = gt_observed_now(cluster->observed);
        if (state.known[GT_REGISTRATION_MUTATING] && state.known[GT_REGISTRATION_VALIDATING])
            return GT_EXIT_OK;
        if (state.problem[0] != '\0' || now >= end)
            return gt_certs_complain(GT_EXIT_ENVIRONMENT, "%s",
                                     state.problem[0] != '\0' ? state.problem : "no answer of the API server");
        gt_kube_wait(cluster->client, -1, 100);
        gt_kube_drive(cluster->client);
    }
}

static int publish(gt_arena *arena, const gt_certs_options *o, gt_certs_cluster *cluster)
{
    gt_secret secret;
    gt_err err;
    size_t count = 0;
    int status = gt_certs_look(arena, o, cluster, &secret);
    if (status != GT_EXIT_OK)
        return status;
    if (secret.bundle.len == 0)
        return gt_certs_complain(GT_EXIT_FINDING, "Secret %s/%s has no ca.crt to publish: gastown-certs init makes it",
                                 o->system_namespace, o->secret);
    gt_observed_state observed = gt_observed_now(cluster->observed);
    const char *foreign = gt_rotation_foreign(arena, &observed, o->registration);
    if (foreign[0] != '\0')
        return gt_certs_complain(GT_EXIT_FINDING, "%s", foreign);
    const gt_cert_facts *facts;
    size_t n;
    if (!gt_bundle_facts(arena, secret.bundle, &facts, &n, &err) || n == 0)
        return gt_certs_complain(GT_EXIT_FINDING, "ca.crt of the Secret isn't published: %s",
                                 n == 0 ? "no certificate" : err.text);
    for (int kind = 0; kind < GT_REGISTRATION_KINDS; kind++) {
        gt_kube_request request;
        gt_kube_answer answer;
        if (!gt_publish_request(arena, &observed, (gt_registration_kind)kind, o->registration, secret.bundle, &request))
            continue;
        count++;
        if (!gt_kube_do(cluster->client, arena, &request, &answer, &err))
            return gt_certs_complain(GT_EXIT_ENVIRONMENT, "the bundle can't be put on %s: %s", o->registration,
                                     err.text);
    }
    if (count == 0)
        return gt_certs_complain(
            GT_EXIT_FINDING, "there's nothing to publish to: no configuration %s has entries of ours", o->registration);
    printf("%zu authorities are on our entries of %s\n", n, o->registration);
    return GT_EXIT_OK;
}

int gt_certs_publish(gt_arena *arena, const gt_certs_options *o)
{
    gt_certs_cluster cluster;
    int status = gt_certs_open(arena, o, &cluster);
    if (status != GT_EXIT_OK)
        return status;
    status = publish(arena, o, &cluster);
    gt_certs_close(&cluster);
    return status;
}
