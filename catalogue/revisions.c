#include "catalogue/revisions.h"

#include <ctype.h>
#include <stdlib.h>

#include "catalogue/kinds.h"
#include "injector/want.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/kube/backoff.h"
#include "lib/kube/flight.h"

enum { KEPT = 2, DIGEST = 10, NAME_MOST = 200 };

typedef struct version {
    char *ns; /* NUL name NUL owner's uid NUL */
    const char *name, *uid;
    int64_t generation;
    bool seen;
    struct version *next_of_object;
} version;

/* What a call is for. */
typedef struct errand {
    gt_revisions *owner;
    int64_t generation;
    bool deletes;
    const char *name, *uid;
    char ns[]; /* NUL name NUL uid NUL, as in version */
} errand;

struct gt_revisions {
    const gt_store *store;
    version **at; /* sorted by namespace and name: there are thousands */
    size_t count, room;
    gt_flight flight;
    gt_kube_backoff backoff;
    int64_t not_before_us, now_us;
    bool dirty;    /* there's something to look at */
    size_t cursor; /* where the last pass had no flight left; 0: it was at the end */
    gt_revisions_state state;
};

/* ---- reading ---- */

static gt_view owner_of(gt_view revision)
{
    gt_view first = gt_view_first(gt_view_get(gt_view_get(revision, "metadata"), "ownerReferences"));
    return gt_view_is(gt_view_get(first, "apiVersion"), GT_API_VERSION) ? first : (gt_view){0};
}

typedef struct recalling {
    gt_arena *arena;
    gt_view data;
    gt_buf content;
} recalling;

static bool print_content(void *context, gt_err *err)
{
    recalling *r = context;
    gt_value *data;
    if (!gt_value_from_view(r->arena, r->data, &data, err))
        return false;
    gt_buf_init(&r->content, r->arena, 512);
    gt_value_print(&r->content, data);
    return true;
}

bool gt_revision_recall(gt_store *store, gt_view revision, gt_err *err)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    recalling r = {.arena = arena, .data = gt_view_get(revision, "data")};
    gt_str uid = gt_view_str(gt_view_get(owner_of(revision), "uid"));
    gt_str ns = gt_view_str(gt_view_get(gt_view_get(revision, "metadata"), "namespace"));
    int64_t generation;
    if (uid.len == 0 || gt_view_type_of(r.data) != GT_VIEW_OBJECT ||
        !gt_view_int(gt_view_get(revision, "revision"), &generation))
        return gt_fail(err, GT_ERR_INPUT, "not a version of an object of ours");
    if (arena == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    return gt_arena_try(arena, print_content, &r, err) &&
           gt_store_recall(store, ns, uid, generation, gt_buf_slice(&r.content), err);
}

/* ---- what is there ---- */

gt_revisions *gt_revisions_new(gt_kube_client *client, const gt_store *store, uint64_t seed)
{
    gt_revisions *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (gt_revisions){.flight = {.client = client},
                        .store = store,
                        .dirty = true,
                        .backoff = {.first_us = 500 * 1000, .most_us = 60 * 1000 * 1000, .seed = seed}};
    return r;
}

static void free_revision(version *one)
{
    free(one->ns);
    free(one);
}

void gt_revisions_free(gt_revisions *r)
{
    if (r == NULL)
        return;
    gt_flight_end(&r->flight);
    for (size_t i = 0; i < r->count; i++)
        free_revision(r->at[i]);
    free(r->at);
    free(r);
}

/* Three texts behind each other, each with its NUL; there's room for them. */
static void join(char *at, gt_str ns, gt_str name, gt_str uid, const char **name_at, const char **uid_at)
{
    const gt_str texts[] = {ns, name, uid};
    const char *starts[3];
    for (int i = 0; i < 3; i++) {
        starts[i] = at;
        if (texts[i].len > 0)
            memcpy(at, texts[i].at, texts[i].len);
        at += texts[i].len;
        *at++ = '\0';
    }
    *name_at = starts[1];
    *uid_at = starts[2];
}

static size_t joined_size(gt_str ns, gt_str name, gt_str uid)
{
    return ns.len + name.len + uid.len + 3;
}

/* Where it is (*found), or belongs. */
static size_t place_of(const gt_revisions *r, gt_str ns, gt_str name, bool *found)
{
    size_t low = 0, high = r->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = gt_str_cmp(gt_str_of(r->at[middle]->ns), ns);
        order = order != 0 ? order : gt_str_cmp(gt_str_of(r->at[middle]->name), name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* There is one, with that generation. */
static void learn(gt_revisions *r, gt_str ns, gt_str name, gt_str uid, int64_t generation)
{
    bool found;
    size_t place = place_of(r, ns, name, &found);
    if (found) {
        r->dirty = r->dirty || r->at[place]->generation != generation;
        r->at[place]->generation = generation;
        r->at[place]->seen = true;
        return;
    }
    if (r->count == r->room) {
        size_t room = r->room == 0 ? 64 : r->room * 2;
        version **at = realloc(r->at, room * sizeof(version *));
        if (at == NULL)
            return; /* it is looked at again when the informer lists */
        r->at = at;
        r->room = room;
    }
    version *one = calloc(1, sizeof *one);
    char *texts = malloc(joined_size(ns, name, uid));
    if (one == NULL || texts == NULL) {
        free(one);
        free(texts);
        return;
    }
    one->ns = texts;
    join(texts, ns, name, uid, &one->name, &one->uid);
    one->generation = generation;
    one->seen = true;
    memmove(r->at + place + 1, r->at + place, (r->count - place) * sizeof *r->at);
    r->at[place] = one;
    r->count++;
    r->dirty = true;
}

void gt_revisions_put(gt_revisions *r, gt_view view)
{
    gt_view metadata = gt_view_get(view, "metadata");
    gt_str ns = gt_view_str(gt_view_get(metadata, "namespace")), name = gt_view_str(gt_view_get(metadata, "name")),
           uid = gt_view_str(gt_view_get(owner_of(view), "uid"));
    int64_t generation;
    if (name.len == 0 || uid.len == 0 || !gt_view_int(gt_view_get(view, "revision"), &generation))
        return;
    learn(r, ns, name, uid, generation);
}

static void take_out(gt_revisions *r, size_t i)
{
    free_revision(r->at[i]);
    memmove(r->at + i, r->at + i + 1, (--r->count - i) * sizeof *r->at);
    r->dirty = true;
}

static void forget(gt_revisions *r, gt_str ns, gt_str name)
{
    bool found;
    size_t place = place_of(r, ns, name, &found);
    if (found)
        take_out(r, place);
}

void gt_revisions_remove(gt_revisions *r, gt_view view)
{
    gt_view metadata = gt_view_get(view, "metadata");
    forget(r, gt_view_str(gt_view_get(metadata, "namespace")), gt_view_str(gt_view_get(metadata, "name")));
}

static bool is_in(const version *one, const char *ns)
{
    return ns == NULL || strcmp(one->ns, ns) == 0;
}

void gt_revisions_mark(gt_revisions *r, const char *ns)
{
    for (size_t i = 0; i < r->count; i++)
        if (is_in(r->at[i], ns))
            r->at[i]->seen = false;
}

void gt_revisions_sweep(gt_revisions *r, const char *ns)
{
    for (size_t i = r->count; i-- > 0;)
        if (is_in(r->at[i], ns) && !r->at[i]->seen)
            take_out(r, i);
}

void gt_revisions_stir(gt_revisions *r)
{
    r->dirty = true;
}

gt_revisions_state gt_revisions_now(const gt_revisions *r)
{
    gt_revisions_state state = r->state;
    state.known = r->count;
    return state;
}

/* ---- calls ---- */

static bool is_flying(const gt_revisions *r, const char *name)
{
    for (int i = 0; i < GT_FLIGHT_MOST; i++) {
        const errand *e = r->flight.slots[i].errand;
        if (e != NULL && strcmp(e->name, name) == 0)
            return true;
    }
    return false;
}

static void on_done(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    (void)arena;
    const errand *e = context;
    gt_revisions *r = e->owner;
    gt_str ns = gt_str_of(e->ns), name = gt_str_of(e->name);
    bool fine = failure == NULL || failure->kind == (e->deletes ? GT_ERR_NOT_FOUND : GT_ERR_CONFLICT);
    r->dirty = true;
    if (fine && e->deletes) {
        forget(r, ns, name);
        r->state.deleted++;
    } else if (fine) {
        learn(r, ns, name, gt_str_of(e->uid), e->generation);
        r->state.written++;
    } else {
        r->state.failed++;
        if (r->backoff.failures == 0)
            gt_log(GT_LOG_WARN, "a last good version can't be kept in the cluster", GT_F("namespace", e->ns),
                   GT_F("revision", e->name), GT_F("error", failure->text));
        r->not_before_us = r->now_us + gt_kube_backoff_fail(&r->backoff, answer->retry_after_ms);
    }
    if (fine)
        gt_kube_backoff_reset(&r->backoff);
}

static void start(gt_revisions *r, const gt_kube_request *request, const version *what, bool deletes)
{
    gt_err err;
    gt_str ns = gt_str_of(what->ns), name = gt_str_of(what->name), uid = gt_str_of(what->uid);
    errand *e = malloc(sizeof *e + joined_size(ns, name, uid));
    if (e != NULL) {
        *e = (errand){.owner = r, .generation = what->generation, .deletes = deletes};
        join(e->ns, ns, name, uid, &e->name, &e->uid);
    }
    if (e == NULL || !gt_flight_start(&r->flight, request, e, on_done, &err))
        r->not_before_us = r->now_us + gt_kube_backoff_fail(&r->backoff, -1);
}

/* ---- what there should be ---- */

static const char *small(gt_arena *arena, const char *text)
{
    char *copy = gt_arena_strdup(arena, text);
    for (char *p = copy; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

/* Content, then generation: an object that is rolled back has a version that is newer than the one between, or that would be recalled first. */
static const char *name_of(gt_arena *arena, const gt_store_object *o)
{
    char digest[DIGEST + 1];
    int n = (int)strnlen(o->name, NAME_MOST);
    while (n > 0 && !isalnum((unsigned char)o->name[n - 1])) /* where it was cut */
        n--;
    gt_sha256_hex(gt_str_of(gt_arena_printf(arena, "%s %s", o->uid, o->good)), digest, DIGEST);
    return gt_arena_printf(arena, "%s-%.*s-%s-%lld", small(arena, gt_kind_names[o->kind]), n, o->name, digest,
                           (long long)o->good_generation);
}

static void put(gt_arena *arena, gt_value *object, const char *key, const char *text)
{
    gt_value_put(arena, object, key, gt_value_text(arena, text));
}

static bool document_of(gt_arena *arena, const gt_store_object *o, const char *name, gt_value **document, gt_err *err)
{
    gt_value *metadata = gt_value_object(arena), *labels = gt_value_object(arena),
             *annotations = gt_value_object(arena), *owner = gt_value_object(arena), *owners = gt_value_array(arena),
             *data;
    gt_view content;
    if (!gt_view_parse(arena, gt_str_of(o->good), 0, &content, err) || !gt_value_from_view(arena, content, &data, err))
        return false;
    put(arena, labels, "app.kubernetes.io/managed-by", GT_FIELD_MANAGER);
    put(arena, labels, GT_REVISION_LABEL, small(arena, gt_kind_names[o->kind]));
    put(arena, annotations, GT_ANNOTATION_ENGINE, GT_ENGINE_REVISION);
    put(arena, owner, "apiVersion", GT_API_VERSION);
    put(arena, owner, "kind", gt_kind_names[o->kind]);
    put(arena, owner, "name", o->name);
    put(arena, owner, "uid", o->uid);
    gt_value_push(owners, owner);
    put(arena, metadata, "name", name);
    put(arena, metadata, "namespace", o->ns);
    gt_value_put(arena, metadata, "labels", labels);
    gt_value_put(arena, metadata, "annotations", annotations);
    gt_value_put(arena, metadata, "ownerReferences", owners);
    *document = gt_value_object(arena);
    put(arena, *document, "apiVersion", "apps/v1");
    put(arena, *document, "kind", "ControllerRevision");
    gt_value_put(arena, *document, "metadata", metadata);
    gt_value_put(arena, *document, "revision", gt_value_int(arena, o->good_generation));
    gt_value_put(arena, *document, "data", data);
    return true;
}

/* A name without its generation; whoever gave it. */
static gt_str stem_of(const version *one)
{
    const char *end = strrchr(one->name, '-');
    return (gt_str){one->name, end == NULL ? strlen(one->name) : (size_t)(end - one->name)};
}

/* One that `kept` has made needless, else the oldest of more than there should be; NULL: none. */
static version *surplus(version *of_object, const version *kept)
{
    size_t n = 0;
    version *oldest = NULL;
    for (version *one = of_object; one != NULL; one = one->next_of_object) {
        if (strcmp(one->ns, kept->ns) != 0)
            continue; /* somebody says so in another namespace */
        n++;
        if (one->generation < kept->generation && gt_str_eq(stem_of(one), stem_of(kept)))
            return one;
        if (one != kept && (oldest == NULL || one->generation < oldest->generation))
            oldest = one;
    }
    return n > KEPT ? oldest : NULL;
}

typedef struct pass {
    gt_revisions *r;
    gt_arena *arena;
    gt_map of_objects; /* by uid: revisions, linked */
    bool full;         /* no flight was left */
} pass;

/* One step for one object. */
static bool tend(pass *p, const gt_store_object *o, gt_err *err)
{
    gt_revisions *r = p->r;
    const char *name = name_of(p->arena, o);
    version *of_object = gt_map_get(&p->of_objects, gt_str_of(o->uid)), *there = of_object;
    while (there != NULL && (strcmp(there->name, name) != 0 || strcmp(there->ns, o->ns) != 0))
        there = there->next_of_object;
    version *old = there == NULL ? NULL : surplus(of_object, there);
    const char *target = there == NULL ? name : old == NULL ? NULL : old->name;
    if (target == NULL || is_flying(r, target))
        return true;
    r->dirty = true; /* one step more, or a flight has to come back first */
    if (gt_flight_is_full(&r->flight)) {
        p->full = true;
        return true;
    }
    if (old != NULL) {
        gt_kube_request request = gt_kube_delete_request(p->arena, &gt_kube_revisions, old->ns, old->name, NULL);
        start(r, &request, old, true);
        return true;
    }
    gt_value *document;
    if (!document_of(p->arena, o, name, &document, err))
        return false;
    gt_kube_request request = gt_kube_create_request(p->arena, &gt_kube_revisions, o->ns, document);
    version what = {.name = name, .uid = o->uid, .generation = o->good_generation};
    what.ns = gt_arena_strdup(p->arena, o->ns);
    start(r, &request, &what, false);
    return true;
}

static bool tend_all(void *context, gt_err *err)
{
    pass *p = context;
    gt_revisions *r = p->r;
    gt_map_init(&p->of_objects, p->arena);
    for (size_t i = 0; i < r->count; i++)
        r->at[i]->next_of_object = gt_map_put(&p->of_objects, gt_str_of(r->at[i]->uid), r->at[i]);
    const gt_store_object *o;
    size_t i = r->cursor;
    r->dirty = i > 0; /* what comes before is looked at in the next pass */
    for (; !p->full && (o = gt_store_at(r->store, i)) != NULL; i++)
        if (o->kind <= GT_KIND_POOL && o->good != NULL && o->live_generation != 0 && !tend(p, o, err))
            return false;
    r->cursor = p->full ? i - 1 : 0;
    return true;
}

int64_t gt_revisions_run(gt_revisions *r, int64_t now_us)
{
    gt_err err;
    r->now_us = now_us;
    if (!r->dirty || r->flight.count > GT_FLIGHT_MOST / 2)
        return INT64_MAX; /* flights that come back are reason enough */
    if (now_us < r->not_before_us)
        return r->not_before_us;
    pass p = {.r = r, .arena = gt_arena_new(0)};
    bool ok = p.arena != NULL && gt_arena_try(p.arena, tend_all, &p, &err);
    gt_arena_free(p.arena);
    if (!ok) {
        r->dirty = true;
        r->not_before_us = now_us + gt_kube_backoff_fail(&r->backoff, -1);
    }
    return r->not_before_us > now_us ? r->not_before_us : INT64_MAX;
}
