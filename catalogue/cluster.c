#include "catalogue/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "catalogue/kinds.h"
#include "catalogue/report.h"
#include "injector/trial.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/kube/informer.h"

enum {
    QUIET_US = 30 * 1000, /* between the first change and the load */
    PAUSE_FACTOR = 1,     /* loads leave so many times their own duration for everything else */
    RETRY_US = 5 * 1000 * 1000,
    TRY_ALL = 1000, /* documents, up to which each load tries all pods */
    MOST_TRIALS = 4,
};

enum { REVISIONS = GT_KIND_COUNT, FEEDS_EACH };

/* One informer and what it is for. */
typedef struct feed {
    gt_cluster *cluster;
    int what; /* gt_kind, or REVISIONS */
    const char *ns;
    gt_informer *informer;
    char problem[400]; /* as logged last */
} feed;

struct gt_cluster {
    gt_cluster_config config;
    gt_store *store;
    gt_revisions *revisions;
    feed *feeds;
    size_t feed_count;
    bool leading, forced;
    int64_t due_us, not_before_us; /* of the next load; 0: none is due */
    gt_cluster_state state;
};

/* ---- what informers tell ---- */

static void began(void *context)
{
    feed *f = context;
    if (f->what == REVISIONS)
        gt_revisions_mark(f->cluster->revisions, f->ns);
    else
        gt_store_mark(f->cluster->store, (gt_kind)f->what, f->ns);
}

static void seen(void *context, gt_view object)
{
    feed *f = context;
    gt_err err;
    bool revision = f->what == REVISIONS;
    bool ok = revision ? gt_revision_recall(f->cluster->store, object, &err)
                       : gt_store_put(f->cluster->store, (gt_kind)f->what, object, &err);
    if (revision)
        gt_revisions_put(f->cluster->revisions, object);
    if (!ok)
        gt_log(GT_LOG_WARN, "an object of the API server is left out", GT_F("error", err.text));
}

static void gone(void *context, gt_view object)
{
    feed *f = context;
    if (f->what == REVISIONS) {
        gt_revisions_remove(f->cluster->revisions, object);
        return;
    }
    gt_view metadata = gt_view_get(object, "metadata");
    gt_log(f->what <= GT_KIND_POOL ? GT_LOG_INFO : GT_LOG_DEBUG, "template removed",
           GT_F("kind", gt_kind_names[f->what]), GT_FS("namespace", gt_view_str(gt_view_get(metadata, "namespace"))),
           GT_FS("name", gt_view_str(gt_view_get(metadata, "name"))));
    gt_store_remove(f->cluster->store, (gt_kind)f->what, object);
}

static void synced(void *context)
{
    feed *f = context;
    if (f->what == REVISIONS)
        gt_revisions_sweep(f->cluster->revisions, f->ns);
    else
        gt_store_sweep(f->cluster->store, (gt_kind)f->what, f->ns);
}

/* ---- making ---- */

static bool start_feed(gt_cluster *cluster, feed *f, int what, const char *ns)
{
    bool revision = what == REVISIONS;
    *f = (feed){.cluster = cluster, .what = what, .ns = ns};
    const gt_informer_config config = {
        .client = cluster->config.client,
        .kind = revision ? &gt_kube_revisions : &gt_kind_resources[what],
        .ns = ns,
        .labels = revision ? GT_REVISION_LABEL : NULL,
        .fields = what == GT_KIND_ACCOUNT ? "metadata.name=default" : NULL,
        .seed = cluster->config.seed + cluster->feed_count,
        .context = f,
        .began = began,
        .object = seen,
        .gone = gone,
        .synced = synced,
    };
    f->informer = gt_informer_new(&config);
    cluster->feed_count++;
    return f->informer != NULL;
}

static bool start_feeds(gt_cluster *cluster)
{
    static const char *const everywhere[] = {NULL};
    const char *const *namespaces = cluster->config.namespaces;
    size_t n = 0;
    while (namespaces != NULL && namespaces[n] != NULL)
        n++;
    if (n == 0) {
        namespaces = everywhere;
        n = 1;
    }
    cluster->feeds = calloc(n * FEEDS_EACH, sizeof *cluster->feeds);
    bool ok = cluster->feeds != NULL;
    for (size_t i = 0; i < n; i++)
        for (int what = 0; ok && what < FEEDS_EACH; what++)
            if (what != GT_KIND_CLASS || i == 0) /* they have no namespace */
                ok = start_feed(cluster, &cluster->feeds[cluster->feed_count], what,
                                what == GT_KIND_CLASS ? NULL : namespaces[i]);
    return ok;
}

gt_cluster *gt_cluster_new(const gt_cluster_config *config)
{
    gt_cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL)
        return NULL;
    cluster->config = *config;
    cluster->state.problem = "";
    cluster->store = gt_store_new();
    cluster->revisions = gt_revisions_new(config->client, cluster->store, config->seed);
    if (cluster->store != NULL && cluster->revisions != NULL && start_feeds(cluster))
        return cluster;
    gt_cluster_free(cluster);
    return NULL;
}

void gt_cluster_free(gt_cluster *cluster)
{
    if (cluster == NULL)
        return;
    for (size_t i = 0; i < cluster->feed_count; i++)
        gt_informer_free(cluster->feeds[i].informer);
    gt_revisions_free(cluster->revisions);
    gt_store_free(cluster->store);
    free(cluster->feeds);
    free(cluster);
}

/* ---- watching the watches ---- */

/* Storage classes are nice to know: where we may not list them, pods needn't wait for that. */
static bool is_optional(const feed *f)
{
    return f->what == GT_KIND_CLASS;
}

static const char *what_of(const feed *f)
{
    return f->what == REVISIONS ? gt_kube_revisions.plural : gt_kind_resources[f->what].plural;
}

/* An API server without our kinds says 404 to them. */
static const char *way_out(const feed *f, const char *problem)
{
    if (f->what <= GT_KIND_POOL && strstr(problem, "404 ") != NULL)
        return " (apply the CRDs: manifests/crds)";
    return strstr(problem, "403 ") != NULL ? " (what is needed: manifests/rbac.yaml)" : "";
}

static void tell_problem(feed *f, const gt_informer_state *now)
{
    char problem[sizeof f->problem];
    snprintf(problem, sizeof problem, "%s%s", now->problem, way_out(f, now->problem));
    if (strcmp(f->problem, problem) == 0)
        return;
    const char *ns = f->ns == NULL ? "" : f->ns;
    if (now->problem[0] != '\0')
        gt_log(is_optional(f) ? GT_LOG_INFO : GT_LOG_WARN, "can't follow a kind; what is known stays",
               GT_F("kind", what_of(f)), GT_F("namespace", ns), GT_F("error", problem));
    else if (now->synced)
        gt_log(GT_LOG_INFO, "a kind is followed again", GT_F("kind", what_of(f)), GT_F("namespace", ns));
    memcpy(f->problem, problem, sizeof problem);
}

/* Runs the informers; *complete: each has listed everything once. When they want to be run again. */
static int64_t run_feeds(gt_cluster *cluster, int64_t now_us, bool *complete)
{
    int64_t next = INT64_MAX, heard = INT64_MAX;
    *complete = true;
    cluster->state.problem = "";
    for (size_t i = 0; i < cluster->feed_count; i++) {
        feed *f = &cluster->feeds[i];
        int64_t due = gt_informer_run(f->informer, now_us);
        gt_informer_state now = gt_informer_now(f->informer);
        next = gt_clock_earlier(next, due);
        tell_problem(f, &now);
        *complete = *complete && (now.synced || (is_optional(f) && now.failures > 0));
        if (is_optional(f))
            continue;
        heard = now.heard_us < heard ? now.heard_us : heard;
        if (f->problem[0] != '\0' && cluster->state.problem[0] == '\0')
            cluster->state.problem = f->problem;
    }
    cluster->state.heard_us = heard == INT64_MAX ? 0 : heard;
    return next;
}

/* ---- loading ---- */

/* Which documents the pods are tried of: all while that's cheap, then those of which there's news. */
static const bool *choose(gt_arena *arena, const gt_cluster *cluster, const gt_snapshot *snapshot)
{
    size_t n = gt_snapshot_documents(snapshot);
    if (!cluster->state.synced || n <= TRY_ALL)
        return NULL;
    bool *changed = GT_NEW_N(arena, bool, n);
    for (size_t i = 0; i < n; i++) {
        const gt_store_object *o = gt_store_of_document(cluster->store, i);
        changed[i] = o != NULL && o->news;
    }
    return changed;
}

typedef struct trying {
    gt_arena *arena;
    gt_cluster *cluster;
    const gt_snapshot *snapshot;
    const bool *changed; /* as gt_trial_wanted */
    gt_trial_report report;
    bool fit; /* to be published */
} trying;

/* What was denied is said of the object that set it. */
static bool note_denied(const trying *t, gt_err *err)
{
    gt_store *store = t->cluster->store;
    for (size_t i = 0; i < gt_snapshot_documents(t->snapshot); i++)
        if ((t->changed == NULL || t->changed[i]) && !gt_store_note(store, i, NULL, err))
            return false;
    for (const gt_trial_note *n = t->report.notes; n != NULL; n = n->next) {
        const gt_store_object *o = n->document_count == 0 ? NULL : gt_store_of_document(store, n->documents[0]);
        bool first = n->outcome == GT_TRIAL_DENIED && o != NULL && o->trouble[0] == '\0';
        if (first && !gt_store_note(store, n->documents[0], gt_trial_text(t->arena, n).at, err))
            return false;
    }
    return true;
}

/* Of an object that was in use as it is it can't be, unless nothing else is to blame. */
static bool is_suspect(const trying *t, const gt_trial_note *note, size_t document)
{
    bool any = false;
    for (size_t i = 0; i < note->document_count; i++) {
        const gt_store_object *o = gt_store_of_document(t->cluster->store, note->documents[i]);
        if (o != NULL && o->news && note->documents[i] == document)
            return true;
        any = any || (o != NULL && o->news);
    }
    return !any;
}

/* Pods that can't be made: what has changed and takes part in them is to blame. */
static bool refuse_failed(const trying *t, gt_err *err)
{
    for (const gt_trial_note *n = t->report.notes; n != NULL; n = n->next) {
        if (n->outcome != GT_TRIAL_FAILED)
            continue;
        const char *text = gt_trial_text(t->arena, n).at;
        gt_log(GT_LOG_ERROR, "a trial of new templates failed", GT_F("problem", text));
        for (size_t i = 0; i < n->document_count; i++)
            if (is_suspect(t, n, n->documents[i]) && !gt_store_refuse(t->cluster->store, n->documents[i], text, err))
                return false;
    }
    return true;
}

static bool try_pods(void *context, gt_err *err)
{
    trying *t = context;
    t->changed = choose(t->arena, t->cluster, t->snapshot);
    const gt_trial_wanted wanted = {.changed = t->changed};
    if (!gt_trial(t->arena, t->snapshot, &wanted, &t->report, err))
        return false;
    t->fit = t->report.counts[GT_TRIAL_FAILED] == 0;
    t->cluster->state.trials_failed += !t->fit;
    return t->fit ? note_denied(t, err) : refuse_failed(t, err);
}

/* *fit: the snapshot may be published. false: nothing is known of it. */
static bool try_snapshot(gt_cluster *cluster, const gt_snapshot *snapshot, bool *fit, gt_err *err)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    trying t = {.arena = arena, .cluster = cluster, .snapshot = snapshot};
    if (arena == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    if (!gt_arena_try(arena, try_pods, &t, err))
        return gt_wrap(err, "trial");
    *fit = t.fit;
    return true;
}

/* Loads until what comes out passes its trial: each round at least one object more has lost its newest version. */
static bool load_fit(gt_cluster *cluster, gt_store_report *report, gt_err *err)
{
    for (int round = 0; round < MOST_TRIALS; round++) {
        bool fit = false;
        if (!gt_store_load(cluster->store, report, err))
            return false;
        bool known = try_snapshot(cluster, report->snapshot, &fit, err);
        if (known && fit)
            return true;
        gt_snapshot_free(report->snapshot);
        report->snapshot = NULL;
        if (!known)
            return false;
    }
    return gt_fail(err, GT_ERR_INPUT, "no version of them passes its trial");
}

static bool load(gt_cluster *cluster, int64_t now_us)
{
    gt_store_report report;
    gt_err err;
    if (!load_fit(cluster, &report, &err)) {
        cluster->state.loads_failed++;
        gt_log(GT_LOG_ERROR, "templates can't be loaded; what was published stays", GT_F("error", err.text));
        return false;
    }
    gt_store_log(cluster->store, &report, !cluster->state.synced);
    gt_catalogue_publish(cluster->config.catalogue, report.snapshot, report.rejected, now_us / 1000);
    gt_store_adopt(cluster->store);
    gt_revisions_stir(cluster->revisions);
    cluster->state.synced = true;
    cluster->state.loads++;
    return true;
}

/* When the next load is due; INT64_MAX: nothing has changed. */
static int64_t schedule(gt_cluster *cluster, int64_t now_us)
{
    bool wanted = cluster->forced || !cluster->state.synced || gt_store_stirred(cluster->store);
    if (!wanted)
        cluster->due_us = 0;
    else if (cluster->due_us == 0)
        cluster->due_us = cluster->state.synced && !cluster->forced ? now_us + QUIET_US : now_us;
    if (cluster->due_us == 0)
        return INT64_MAX;
    return cluster->due_us > cluster->not_before_us ? cluster->due_us : cluster->not_before_us;
}

int64_t gt_cluster_run(gt_cluster *cluster, int64_t now_us)
{
    bool complete;
    int64_t next = run_feeds(cluster, now_us, &complete);
    int64_t due = complete ? schedule(cluster, now_us) : INT64_MAX;
    if (due <= now_us) {
        int64_t begun = gt_clock_mono_us();
        bool ok = load(cluster, now_us);
        cluster->due_us = 0;
        cluster->forced = false;
        cluster->not_before_us = gt_clock_mono_us() + (ok ? PAUSE_FACTOR * (gt_clock_mono_us() - begun) : RETRY_US);
        due = schedule(cluster, now_us);
    }
    next = gt_clock_earlier(next, due);
    if (cluster->leading && cluster->state.synced) {
        due = gt_revisions_run(cluster->revisions, now_us);
        next = gt_clock_earlier(next, due);
    }
    return next;
}

gt_cluster_state gt_cluster_now(const gt_cluster *cluster)
{
    return cluster->state;
}

gt_revisions_state gt_cluster_revisions(const gt_cluster *cluster)
{
    return gt_revisions_now(cluster->revisions);
}

gt_store *gt_cluster_store(gt_cluster *cluster)
{
    return cluster->store;
}

void gt_cluster_force(gt_cluster *cluster)
{
    cluster->forced = true;
}

void gt_cluster_lead(gt_cluster *cluster, bool leading)
{
    cluster->leading = leading;
}
