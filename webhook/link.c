#include "webhook/link.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "catalogue/kinds.h"
#include "certs/entries.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/kube/lease.h"
#include "webhook/reconciler.h"

#define LEASE GT_SERVICE_NAME

struct gt_link {
    gt_link_config config;
    gt_arena *arena; /* of the API server's address and our credentials */
    gt_kube_config kube;
    gt_kube_client *client;
    gt_cluster *cluster;
    gt_reconciler *reconciler;
    gt_lease *lease;
    gt_credentials *credentials;
    char identity[128];
    bool leading, releasing;
    char lease_problem[200]; /* as logged last */
    pthread_mutex_t lock;    /* of state alone */
    gt_link_state state;
};

/* ---- making ---- */

typedef struct configuring {
    gt_link *link;
    const gt_options *options;
} configuring;

static bool configure(void *context, gt_err *err)
{
    configuring *c = context;
    gt_link *link = c->link;
    if (c->options->kubeconfig != NULL)
        return gt_kube_config_load(link->arena, c->options->kubeconfig, c->options->context, &link->kube, err);
    return gt_kube_config_in_cluster(link->arena, getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT"),
                                     GT_KUBE_SERVICE_ACCOUNT, &link->kube, err) ||
           gt_wrap(err, "neither --templates nor --kubeconfig, and");
}

static bool connect_to(gt_link *link, gt_err *err)
{
    configuring c = {link, link->config.options};
    if (!gt_arena_try(link->arena, configure, &c, err) ||
        !gt_kube_client_new(&link->kube, GT_FIELD_MANAGER "/" GT_VERSION, &link->client, err))
        return false;
    gt_log(GT_LOG_INFO, "cluster", GT_F("server", link->kube.server), GT_F("by", link->kube.origin));
    return true;
}

/* Unique among replicas, and a person sees which pod it is. */
static void name_ourselves(gt_link *link, uint64_t *seed)
{
    char host[64] = "unknown";
    if (getrandom(seed, sizeof *seed, GRND_NONBLOCK) != (ssize_t)sizeof *seed)
        *seed = (uint64_t)getpid() << 32 ^ (uint64_t)gt_clock_mono_us();
    if (gethostname(host, sizeof host - 1) != 0)
        strcpy(host, "unknown");
    snprintf(link->identity, sizeof link->identity, "%s_%016" PRIx64, host, *seed);
}

static const char *system_namespace(const gt_link *link)
{
    const char *asked = link->config.options->system_namespace;
    bool in_pod = link->config.options->kubeconfig == NULL; /* else it would be whatever a person's context says */
    return asked != NULL ? asked : in_pod && link->kube.ns != NULL ? link->kube.ns : GT_SYSTEM_NAMESPACE;
}

static const char *denied(void *context, const gt_store_object *object)
{
    (void)context;
    return object->trouble[0] == '\0' ? NULL : object->trouble;
}

static bool make_parts(gt_link *link, gt_err *err)
{
    uint64_t seed;
    name_ourselves(link, &seed);
    const gt_cluster_config cluster = {
        .client = link->client,
        .catalogue = link->config.catalogue,
        .namespaces = link->config.options->namespaces,
        .seed = seed,
    };
    const gt_lease_config lease = {
        .client = link->client,
        .ns = system_namespace(link),
        .name = LEASE,
        .identity = link->identity,
        .seed = seed,
    };
    link->cluster = gt_cluster_new(&cluster);
    link->lease = gt_lease_new(&lease);
    if (link->cluster == NULL || link->lease == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    const gt_reconciler_config reconciler = {
        .client = link->client,
        .catalogue = link->config.catalogue,
        .slot = link->config.slot,
        .store = gt_cluster_store(link->cluster),
        .namespaces = cluster.namespaces,
        .instance = link->identity,
        .version = GT_VERSION,
        .seed = seed,
        .denied = denied,
    };
    link->reconciler = gt_reconciler_new(&reconciler);
    const gt_credentials_config credentials = {
        .client = link->client,
        .options = link->config.options,
        .keys = link->config.keys,
        .metrics = link->config.metrics,
        .ns = lease.ns,
        .lease = LEASE,
        .instance = link->identity,
        .seed = seed,
    };
    link->credentials = gt_credentials_new(&credentials);
    return (link->reconciler != NULL && link->credentials != NULL) || gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

bool gt_link_new(const gt_link_config *config, gt_link **out, gt_err *err)
{
    gt_link *link = calloc(1, sizeof *link);
    *out = link;
    if (link == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    pthread_mutex_init(&link->lock, NULL);
    link->config = *config;
    link->arena = gt_arena_new(0);
    bool ok = link->arena == NULL ? gt_fail(err, GT_ERR_NOMEM, "out of memory")
                                  : connect_to(link, err) && make_parts(link, err);
    if (ok)
        return true;
    gt_link_free(link);
    *out = NULL;
    return false;
}

void gt_link_free(gt_link *link)
{
    if (link == NULL)
        return;
    gt_lease_free(link->lease);
    gt_credentials_free(link->credentials);
    gt_reconciler_free(link->reconciler);
    gt_cluster_free(link->cluster);
    gt_kube_client_free(link->client);
    gt_arena_free(link->arena);
    pthread_mutex_destroy(&link->lock);
    free(link);
}

/* ---- running ---- */

static void tell_lease(gt_link *link, int64_t now_us)
{
    bool held = gt_lease_held(link->lease, now_us);
    const char *problem = gt_lease_problem(link->lease);
    if (held != link->leading)
        gt_log(GT_LOG_INFO, held ? "leading: this replica writes" : "not leading any more",
               GT_F("identity", link->identity), GT_F("holder", gt_lease_holder(link->lease)));
    if (strncmp(problem, link->lease_problem, sizeof link->lease_problem - 1) != 0) {
        snprintf(link->lease_problem, sizeof link->lease_problem, "%s", problem);
        if (problem[0] != '\0')
            gt_log(GT_LOG_WARN, "no lease: this replica doesn't write", GT_F("namespace", system_namespace(link)),
                   GT_F("error", problem));
    }
    link->leading = held;
    gt_cluster_lead(link->cluster, held);
}

static void publish_state(gt_link *link)
{
    gt_metrics *m = link->config.metrics;
    const gt_cluster_state cluster = gt_cluster_now(link->cluster);
    const gt_reconciler_state work = gt_reconciler_now(link->reconciler);
    const gt_revisions_state kept = gt_cluster_revisions(link->cluster);
    const struct {
        gt_counter *counter;
        uint64_t value;
    } counters[] = {
        {&m->loads_failed, cluster.loads_failed},      {&m->trials_failed, cluster.trials_failed},
        {&m->versions_written, kept.written},          {&m->versions_failed, kept.failed},
        {&m->statuses_written, work.statuses_written}, {&m->statuses_failed, work.statuses_failed},
        {&m->claims_created, work.claims_created},     {&m->claims_expanded, work.claims_expanded},
        {&m->claims_failed, work.claims_failed},
    };
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        atomic_store(counters[i].counter, counters[i].value);
    pthread_mutex_lock(&link->lock);
    link->state.synced = cluster.synced;
    link->state.leading = link->leading;
    link->state.heard_us = cluster.heard_us;
    link->state.pods = (int64_t)work.pods;
    link->state.drifted = (int64_t)work.drifted;
    link->state.mismatched = (int64_t)work.claims_mismatched;
    gt_credentials_now(link->credentials, &link->state.credentials);
    snprintf(link->state.problem, sizeof link->state.problem, "%s",
             cluster.problem[0] != '\0' ? cluster.problem : work.problem);
    pthread_mutex_unlock(&link->lock);
}

int64_t gt_link_run(gt_link *link, int64_t now_us, int64_t wall_ms)
{
    gt_kube_drive(link->client);
    int64_t next = gt_cluster_run(link->cluster, now_us);
    if (!link->releasing)
        next = gt_clock_earlier(next, gt_lease_run(link->lease, now_us, wall_ms));
    tell_lease(link, now_us);
    next = gt_clock_earlier(next, gt_credentials_run(link->credentials, now_us, wall_ms, link->leading));
    next = gt_clock_earlier(next, gt_reconciler_run(link->reconciler, now_us, wall_ms, link->leading));
    publish_state(link);
    return next;
}

void gt_link_wait(gt_link *link, int fd, int64_t most_ms)
{
    gt_kube_wait(link->client, fd, most_ms);
}

void gt_link_force(gt_link *link)
{
    gt_cluster_force(link->cluster);
}

void gt_link_release(gt_link *link, int64_t wall_ms)
{
    link->releasing = true;
    gt_lease_release(link->lease, wall_ms);
}

bool gt_link_released(const gt_link *link)
{
    return gt_lease_released(link->lease);
}

void gt_link_now(gt_link *link, gt_link_state *state)
{
    pthread_mutex_lock(&link->lock);
    *state = link->state;
    pthread_mutex_unlock(&link->lock);
}
