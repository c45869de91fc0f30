#include "webhook/pods.h"

#include <stdlib.h>

#include "injector/bare.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

/* For one pod: an event template is at most 256 KiB, and so is its tree many times that. */
enum { ARENA = 64 * 1024 * 1024 };

struct gt_pods {
    gt_table table;
    gt_arena *arena; /* reset for each pod */
    uint64_t version;
    /* judging: one pass after the other, until one saw no change */
    uint64_t generation; /* of the pass */
    size_t cursor;
    bool stirred; /* since the pass began */
    bool settled;
    bool fresh; /* there may be pods that no pass has ever come to */
};

gt_pods *gt_pods_new(void)
{
    gt_pods *pods = calloc(1, sizeof *pods);
    if (pods != NULL)
        pods->arena = gt_arena_new(ARENA);
    if (pods != NULL && pods->arena != NULL)
        return pods;
    free(pods);
    return NULL;
}

static void drop(void *context, gt_row *row)
{
    gt_pod *pod = (gt_pod *)row; /* its first member */
    (void)context;
    free(pod->wants);
    free(pod);
}

void gt_pods_free(gt_pods *pods)
{
    if (pods == NULL)
        return;
    gt_table_clear(&pods->table, drop, NULL);
    gt_arena_free(pods->arena);
    free(pods);
}

static void changed(gt_pods *pods)
{
    pods->version++;
    pods->stirred = true;
    pods->settled = false;
}

/* ---- blocks of texts ---- */

/* Texts that follow a struct in one block; each with a NUL. */
static const char *pack(char **at, gt_str text)
{
    char *start = *at;
    if (text.len > 0)
        memcpy(start, text.at, text.len);
    start[text.len] = '\0';
    *at = start + text.len + 1;
    return start;
}

/* ---- taking pods in ---- */

typedef struct reading {
    gt_pods *pods;
    gt_view view;
    /* out */
    char key[GT_TABLE_KEY];
    gt_str ns, name, uid, rig, role, bare, hash, claim;
} reading;

/* A slice that a C string can hold: what has a NUL in it is no name of the API server's. */
static gt_str text_of(gt_view view)
{
    return gt_view_has_nul(view) ? GT_STR("") : gt_view_str(view);
}

/* The engine's are 16 digits; whoever may change a pod can write anything there, and what is too long for a status would keep it from
 * being written at all. */
static gt_str hash_of(gt_view annotations)
{
    enum { LONGEST = 64 };
    gt_str hash = text_of(gt_view_get(annotations, GT_ANNOTATION_HASH));
    return hash.len <= LONGEST ? hash : GT_STR("");
}

static bool read_pod(void *context, gt_err *err)
{
    reading *r = context;
    gt_arena *arena = r->pods->arena;
    gt_view metadata = gt_view_get(r->view, "metadata"), annotations = gt_view_get(metadata, "annotations");
    gt_record record;
    gt_identity id;
    gt_value *bare;
    gt_buf json;
    r->ns = text_of(gt_view_get(metadata, "namespace"));
    r->name = text_of(gt_view_get(metadata, "name"));
    r->uid = text_of(gt_view_get(metadata, "uid"));
    if (!gt_table_key(r->view, r->key))
        return gt_fail(err, GT_ERR_INPUT, "a pod without a name or a namespace");
    if (!gt_bare_read(arena, r->view, &bare, err))
        return false;
    gt_buf_init(&json, arena, 512);
    gt_value_print(&json, bare);
    r->bare = gt_buf_slice(&json);
    r->hash = hash_of(annotations);
    r->claim = text_of(gt_claim_named(r->view));
    gt_record_init(&record, arena);
    gt_identity_read(&record, &(gt_policy){0}, r->view, &id); /* whether it's a good one is asked when it's judged */
    r->rig = id.rig;
    r->role = id.role;
    return true;
}

static gt_pod *make(const reading *r)
{
    const gt_str texts[] = {gt_str_of(r->key), r->ns, r->name, r->uid, r->rig, r->role, r->bare, r->hash, r->claim};
    size_t size = sizeof(gt_pod);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        size += texts[i].len + 1;
    gt_pod *pod = malloc(size);
    if (pod == NULL)
        return NULL;
    char *at = (char *)(pod + 1);
    *pod = (gt_pod){.judged = 0};
    pod->row.key = pack(&at, gt_str_of(r->key));
    pod->ns = pack(&at, r->ns);
    pod->name = pack(&at, r->name);
    pod->uid = pack(&at, r->uid);
    pod->rig = pack(&at, r->rig);
    pod->role = pack(&at, r->role);
    pod->bare = pack(&at, r->bare);
    pod->hash = pack(&at, r->hash);
    pod->claim = pack(&at, r->claim);
    gt_view phase = gt_view_get(gt_view_get(r->view, "status"), "phase");
    pod->over = gt_view_is(phase, "Succeeded") || gt_view_is(phase, "Failed");
    pod->leaving = gt_view_exists(gt_view_get(gt_view_get(r->view, "metadata"), "deletionTimestamp"));
    return pod;
}

/* Most changes of a pod are its status, and say nothing to the engine. */
static bool is_same(const gt_pod *pod, const reading *r)
{
    return gt_str_is(r->uid, pod->uid) && gt_str_is(r->bare, pod->bare) && gt_str_is(r->hash, pod->hash) &&
           gt_str_is(r->claim, pod->claim);
}

static void keep(gt_pods *pods, const reading *r, gt_err *err)
{
    gt_pod *old = (gt_pod *)gt_table_find(&pods->table, r->key), *pod = make(r);
    gt_row *before;
    if (pod == NULL) {
        gt_fail(err, GT_ERR_NOMEM, "out of memory");
        return;
    }
    if (old != NULL && is_same(old, r)) {
        bool same = old->over == pod->over && old->leaving == pod->leaving;
        old->over = pod->over;
        old->leaving = pod->leaving;
        old->row.seen = true;
        drop(NULL, &pod->row);
        pods->version += !same;
        return;
    }
    if (!gt_table_put(&pods->table, &pod->row, &before)) {
        drop(NULL, &pod->row);
        gt_fail(err, GT_ERR_NOMEM, "out of memory");
        return;
    }
    if (before != NULL)
        drop(NULL, before);
    pods->fresh = true;
    changed(pods);
}

void gt_pods_put(gt_pods *pods, gt_view pod)
{
    reading r = {.pods = pods, .view = pod};
    gt_err err = {.kind = GT_ERR_NONE};
    gt_arena_reset(pods->arena);
    if (gt_arena_try(pods->arena, read_pod, &r, &err))
        keep(pods, &r, &err);
    if (err.kind != GT_ERR_NONE)
        gt_log(GT_LOG_ERROR, "a pod isn't followed", GT_F("pod", r.key), GT_F("reason", err.text));
}

void gt_pods_remove(gt_pods *pods, gt_view pod)
{
    char key[GT_TABLE_KEY];
    gt_row *row = gt_table_key(pod, key) ? gt_table_take(&pods->table, key) : NULL;
    if (row == NULL)
        return;
    drop(NULL, row);
    changed(pods);
}

void gt_pods_mark(gt_pods *pods, const char *ns)
{
    gt_table_mark(&pods->table, ns);
}

static bool unseen(void *context, gt_row *row)
{
    drop(context, row);
    return true;
}

void gt_pods_sweep(gt_pods *pods, const char *ns)
{
    size_t before = pods->table.count;
    gt_table_sweep(&pods->table, ns, unseen, NULL);
    if (pods->table.count != before)
        changed(pods);
}

/* ---- judging ---- */

typedef struct asking {
    gt_arena *arena;
    const gt_pod *pod;
    const gt_snapshot *snapshot;
    /* out */
    gt_injection injection;
    gt_claim claim;
    bool claims;
} asking;

static bool ask(void *context, gt_err *err)
{
    asking *a = context;
    gt_record record;
    gt_str message;
    gt_subject subject = {.ns = gt_str_of(a->pod->ns)};
    gt_record_init(&record, a->arena);
    if (!gt_view_parse(a->arena, gt_str_of(a->pod->bare), 0, &subject.pod, err))
        return false;
    gt_inject(&record, a->snapshot, &subject, &a->injection, &message);
    bool ours = a->pod->hash[0] != '\0' && a->pod->claim[0] != '\0';
    a->claims = ours && gt_str_is(a->injection.identity.claim, a->pod->claim) &&
                gt_claim_of(a->arena, &a->injection, subject.ns, &a->claim);
    return true;
}

bool gt_pod_claim_of(gt_arena *arena, const gt_pod *pod, const gt_snapshot *snapshot, gt_claim *claim)
{
    asking a = {.arena = arena, .pod = pod, .snapshot = snapshot};
    gt_err err;
    bool good = gt_arena_try(arena, ask, &a, &err) && a.claims;
    *claim = good ? a.claim : (gt_claim){.name = {"", 0}};
    return good;
}

static gt_pod_claim *pack_claim(const gt_claim *claim)
{
    const gt_str texts[] = {claim->size,       claim->class_name, claim->size_from,
                            claim->size_owner, claim->class_from, claim->class_owner};
    size_t size = sizeof(gt_pod_claim);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        size += texts[i].len + 1;
    gt_pod_claim *packed = malloc(size);
    if (packed == NULL)
        return NULL;
    char *at = (char *)(packed + 1);
    *packed = (gt_pod_claim){.size = claim->size.at == NULL ? NULL : pack(&at, claim->size)};
    packed->class_name = claim->class_name.at == NULL ? NULL : pack(&at, claim->class_name);
    packed->size_from = pack(&at, claim->size_from);
    packed->size_owner = pack(&at, claim->size_owner);
    packed->class_from = pack(&at, claim->class_from);
    packed->class_owner = pack(&at, claim->class_owner);
    return packed;
}

static void judge(gt_pods *pods, gt_pod *pod, const gt_snapshot *snapshot, uint64_t generation)
{
    asking a = {.arena = pods->arena, .pod = pod, .snapshot = snapshot};
    gt_err err;
    gt_arena_reset(pods->arena);
    bool asked = gt_arena_try(pods->arena, ask, &a, &err);
    if (!asked)
        gt_log(GT_LOG_ERROR, "a pod can't be judged", GT_F("pod", pod->row.key), GT_F("reason", err.text));
    free(pod->wants);
    pod->wants = asked && a.claims ? pack_claim(&a.claim) : NULL;
    pod->current = asked && a.injection.hash[0] != '\0' && strcmp(a.injection.hash, pod->hash) == 0;
    pod->judged = generation;
    pods->version++;
}

/* New pods wait for their claims, and a pass over all the others may take longer than templates stay as they are. */
static bool judge_fresh(gt_pods *pods, const gt_snapshot *snapshot, uint64_t generation, int64_t until_us)
{
    for (size_t i = 0; pods->fresh && i < pods->table.count; i++) {
        gt_pod *pod = (gt_pod *)pods->table.at[i];
        if (pod->judged != 0 || pod->over)
            continue;
        judge(pods, pod, snapshot, generation);
        if (gt_clock_mono_us() >= until_us)
            return false;
    }
    pods->fresh = false;
    return true;
}

bool gt_pods_judge(gt_pods *pods, const gt_snapshot *snapshot, uint64_t generation, int64_t until_us)
{
    if (pods->generation != generation) {
        pods->generation = generation;
        pods->settled = false;
        pods->cursor = 0;
    }
    if (!judge_fresh(pods, snapshot, generation, until_us))
        return false;
    while (!pods->settled) {
        if (pods->cursor == 0)
            pods->stirred = false;
        for (; pods->cursor < pods->table.count; pods->cursor++) {
            gt_pod *pod = (gt_pod *)pods->table.at[pods->cursor];
            if (pod->judged == generation || pod->over)
                continue;
            judge(pods, pod, snapshot, generation);
            if (gt_clock_mono_us() >= until_us)
                return false;
        }
        pods->cursor = 0;
        pods->settled = !pods->stirred;
    }
    return true;
}

/* ---- looking ---- */

size_t gt_pods_count(const gt_pods *pods)
{
    return pods->table.count;
}

const gt_pod *gt_pods_at(const gt_pods *pods, size_t i)
{
    return (const gt_pod *)pods->table.at[i];
}

uint64_t gt_pods_version(const gt_pods *pods)
{
    return pods->version;
}

gt_pod_totals gt_pods_totals(const gt_pods *pods)
{
    gt_pod_totals totals = {0};
    for (size_t i = 0; i < pods->table.count; i++) {
        const gt_pod *pod = gt_pods_at(pods, i);
        totals.pods += !pod->over;
        totals.drifted += !pod->over && pod->judged != 0 && !pod->current;
    }
    return totals;
}
