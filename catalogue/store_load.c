/* From objects to a snapshot: versions become entries, settle.h does the rest, and what became of each goes back to its object. */
#include <stdlib.h>

#include "catalogue/kinds.h"
#include "catalogue/settle.h"
#include "catalogue/stored.h"

enum { MOST_GOOD = 4 }; /* versions to fall back to, for one object */

typedef struct candidate { /* a good version of an object */
    const char *content;
    int64_t generation;
    bool recalled;
} candidate;

typedef struct job {
    gt_store *store;
    gt_stored **order; /* the objects, oldest first: document i is order[i] */
    size_t count;
    gt_arena *scratch; /* for views; reset for each version */
    gt_settling settling;
    candidate (*good)[MOST_GOOD]; /* by document */
    char **recalled;              /* copies of those that took a place, by document; malloc's */
    gt_store_object *faces;       /* what they will look like, by document */
    gt_arena *kept;               /* of the report */
    gt_store_report *report;
} job;

/* ---- order ---- */

/* The older first, so that it holds the place that two claim. */
static int by_age(const void *a, const void *b)
{
    const gt_stored *const *x = a, *const *y = b;
    int order = strcmp((*x)->face.created, (*y)->face.created);
    return order != 0 ? order : strcmp((*x)->face.uid, (*y)->face.uid);
}

/* ---- versions ---- */

typedef struct reading {
    gt_arena *scratch, *store;
    const char *content;
    gt_value *value;
} reading;

static bool read_content(void *context, gt_err *err)
{
    reading *r = context;
    gt_view view;
    return gt_view_parse(r->scratch, gt_str_of(r->content), 0, &view, err) &&
           gt_value_from_view(r->store, view, &r->value, err);
}

static void put_text(gt_arena *arena, gt_value *object, const char *key, const char *text)
{
    if (text[0] != '\0')
        gt_value_append(object, gt_str_of(key), gt_value_text(arena, text));
}

static const char *api_version(gt_arena *arena, gt_kind kind)
{
    const gt_kube_kind *resource = &gt_kind_resources[kind];
    return resource->group[0] == '\0' ? resource->version
                                      : gt_arena_printf(arena, "%s/%s", resource->group, resource->version);
}

/* The document that the engine reads: who it is, and `content` (NULL: nothing that it could read). NULL: no memory. */
static gt_value *document_of(job *j, const gt_stored *object, const char *content, int64_t generation, gt_err *err)
{
    gt_arena *arena = j->settling.store;
    gt_value *document = gt_value_object(arena), *metadata = gt_value_object(arena);
    reading r = {.scratch = j->scratch, .store = arena, .content = content};
    *err = (gt_err){0};
    put_text(arena, document, "apiVersion", api_version(arena, object->face.kind));
    put_text(arena, document, "kind", gt_kind_names[object->face.kind]);
    put_text(arena, metadata, "name", object->face.name);
    put_text(arena, metadata, "namespace", object->face.ns);
    gt_value_append(metadata, GT_STR("generation"), gt_value_int(arena, generation));
    gt_value_append(document, GT_STR("metadata"), metadata);
    if (content != NULL && gt_arena_try(j->scratch, read_content, &r, err) && r.value->first != NULL)
        gt_value_append(document, r.value->first->key, gt_value_ref(arena, r.value->first));
    gt_arena_reset(j->scratch);
    return err->kind == GT_ERR_NOMEM ? NULL : document;
}

static void add_good(job *j, size_t i, candidate one)
{
    for (int k = 0; k < MOST_GOOD; k++) {
        candidate *at = &j->good[i][k];
        if (at->content == NULL) {
            *at = one;
            return;
        }
        if (one.recalled && at->recalled && one.generation > at->generation) { /* the newest first */
            candidate lower = *at;
            *at = one;
            one = lower;
        }
    }
}

/* What was accepted once, by us or by somebody before us. */
static void collect_good(job *j)
{
    gt_map by_uid;
    gt_map_init(&by_uid, j->settling.store);
    j->good = gt_arena_alloc_n(j->settling.store, j->count, sizeof *j->good);
    for (size_t i = 0; i < j->count; i++) {
        const gt_stored *object = j->order[i];
        if (object->good != NULL && object->good != object->content)
            add_good(j, i, (candidate){object->good, object->face.good_generation, false});
        else if (object->good == NULL)
            gt_map_put(&by_uid, gt_str_of(object->face.uid), &j->order[i]);
    }
    for (size_t i = 0; i < j->store->recall_count; i++) {
        const gt_recall *recall = &j->store->recalls[i];
        gt_stored **object = gt_map_get(&by_uid, gt_str_of(recall->uid));
        if (object != NULL && strcmp((*object)->face.ns, recall->ns) == 0) /* another tenant's word isn't taken */
            add_good(j, (size_t)(object - j->order), (candidate){recall->content, recall->generation, true});
    }
}

static bool add_entry(job *j, size_t i, gt_err *err)
{
    gt_arena *arena = j->settling.store;
    const gt_stored *object = j->order[i];
    const gt_value **good = GT_NEW_N(arena, const gt_value *, MOST_GOOD);
    size_t n = 0;
    for (; n < MOST_GOOD && j->good[i][n].content != NULL; n++) {
        good[n] = document_of(j, object, j->good[i][n].content, j->good[i][n].generation, err);
        if (good[n] == NULL)
            return false;
    }
    const char *content = object->problem != NULL ? NULL : object->content;
    const char *ns = object->face.ns;
    gt_str where = gt_str_of(ns[0] == '\0' ? "the cluster" : gt_arena_printf(arena, "namespace %s", ns));
    gt_value *document = document_of(j, object, content, object->face.generation, err);
    if (document == NULL)
        return false;
    gt_entry entry = gt_entry_of(arena, where, document);
    entry.good = good;
    entry.good_count = n;
    gt_entries_add(arena, &j->settling.entries, entry);
    return true;
}

/* ---- what became of them ---- */

static gt_verdict verdict_of(const gt_entry *e)
{
    return e->displaced              ? GT_VERDICT_DISPLACED
           : e->accepted && !e->kept ? GT_VERDICT_ACCEPTED
           : e->accepted             ? GT_VERDICT_KEPT
                                     : GT_VERDICT_REJECTED;
}

static const candidate *kept_of(const job *j, size_t i)
{
    const gt_entry *e = &j->settling.entries.at[i];
    return e->accepted && e->kept ? &j->good[i][e->next_good - 1] : NULL;
}

static bool copy_recalled(job *j, gt_err *err)
{
    for (size_t i = 0; i < j->count; i++) {
        const candidate *kept = kept_of(j, i);
        if (kept == NULL || !kept->recalled)
            continue;
        j->recalled[i] = strdup(kept->content);
        if (j->recalled[i] == NULL)
            return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    }
    return true;
}

/* What the snapshot has of it, to be adopted. A displaced object keeps what it had, for later. */
static void note_good(const job *j, size_t i)
{
    gt_stored *object = j->order[i];
    const candidate *kept = kept_of(j, i);
    gt_stored_drop(object, &object->next_good);
    if (!j->settling.entries.at[i].accepted)
        return;
    object->next_good = kept == NULL ? object->content : kept->recalled ? j->recalled[i] : object->good;
    object->next_generation = kept == NULL ? object->face.generation : kept->generation;
}

static void face_text(const char **text, gt_arena *arena, gt_str value)
{
    *text = gt_arena_dup(arena, value.at == NULL ? "" : value.at, value.len);
}

static void face_finding(gt_store_object *face, gt_arena *arena, const gt_finding *f)
{
    if (f->error && face->errors++ == 0) {
        face_text(&face->field, arena, f->field);
        face_text(&face->message, arena, f->message);
    } else if (!f->error && face->warnings++ == 0) {
        face->first_warning = gt_arena_printf(arena, "%.*s%s%.*s", GT_STR_ARG(f->field), f->field.len > 0 ? ": " : "",
                                              GT_STR_ARG(f->message));
    }
}

/* What nobody can hold, or a trial has shown to be wrong: said first, and instead of what its absence leads to. */
static void report_problems(job *j)
{
    for (size_t i = 0; i < j->count; i++) {
        const gt_stored *object = j->order[i];
        if (object->problem == NULL)
            continue;
        gt_settling_find(&j->settling, (gt_finding){.error = true,
                                                    .document = i,
                                                    .file = j->settling.entries.at[i].file,
                                                    .object = j->settling.entries.at[i].object,
                                                    .message = gt_str_of(object->problem)});
    }
}

static bool is_moot(const job *j, const gt_finding *f)
{
    const gt_stored *object = j->order[f->document];
    bool own = object->problem != NULL && gt_str_eq(f->message, gt_str_of(object->problem));
    bool replaced = f->conflict && !j->settling.entries.at[f->document].displaced; /* the other has made room */
    return replaced || (object->problem != NULL && !own);
}

static int by_place(const void *a, const void *b)
{
    const gt_finding *x = a, *y = b;
    int order = gt_str_cmp(x->file, y->file);
    order = order != 0 ? order : gt_str_cmp(x->object, y->object);
    order = order != 0 ? order : gt_str_cmp(x->field, y->field);
    return order != 0 ? order : gt_str_cmp(x->message, y->message);
}

static void report(job *j)
{
    gt_settling *s = &j->settling;
    gt_store_report *out = j->report;
    report_problems(j);
    size_t n = 0;
    for (size_t i = 0; i < s->finding_count; i++)
        if (!is_moot(j, &s->findings[i]))
            s->findings[n++] = s->findings[i];
    if (n > 0)
        qsort(s->findings, n, sizeof *s->findings, by_place);
    for (size_t i = 0; i < n; i++) {
        s->findings[i].next = i + 1 < n ? &s->findings[i + 1] : NULL;
        *(s->findings[i].error ? &out->errors : &out->warnings) += 1;
    }
    out->findings = n > 0 ? s->findings : NULL;
}

static bool settle(void *context, gt_err *err)
{
    job *j = context;
    gt_store *store = j->store;
    j->count = store->count;
    j->order = GT_NEW_N(j->settling.store, gt_stored *, j->count);
    j->recalled = GT_NEW_N(j->settling.store, char *, j->count);
    j->faces = GT_NEW_N(j->settling.store, gt_store_object, j->count);
    for (size_t i = 0; i < j->count; i++)
        j->order[i] = store->at[i];
    if (j->count > 0)
        qsort(j->order, j->count, sizeof *j->order, by_age);
    collect_good(j);
    for (size_t i = 0; i < j->count; i++)
        if (!add_entry(j, i, err))
            return false;
    if (!gt_settle(&j->settling, err))
        return false;
    report(j);
    return true;
}

/* What is said of each object, in an arena that stays: the settling's is as large as all templates together. */
static bool keep_report(void *context, gt_err *err)
{
    (void)err;
    job *j = context;
    gt_finding *last = NULL;
    const gt_finding *findings = j->report->findings;
    j->report->findings = NULL;
    for (size_t i = 0; i < j->count; i++) {
        gt_store_object *face = &j->faces[i];
        *face = j->order[i]->face;
        face->field = face->message = face->first_warning = "";
        face->errors = face->warnings = 0;
        face->verdict = verdict_of(&j->settling.entries.at[i]);
        face->news = false;
        face->pending = false;
    }
    for (const gt_finding *f = findings; f != NULL; f = f->next) {
        gt_finding *copy = GT_NEW(j->kept, gt_finding);
        *copy = *f;
        copy->next = NULL;
        copy->file = gt_entry_copy_str(j->kept, f->file);
        copy->object = gt_entry_copy_str(j->kept, f->object);
        copy->field = gt_entry_copy_str(j->kept, f->field);
        copy->message = gt_entry_copy_str(j->kept, f->message);
        if (last == NULL)
            j->report->findings = copy;
        else
            last->next = copy;
        last = copy;
        face_finding(&j->faces[f->document], j->kept, f);
    }
    return true;
}

/* ---- loading ---- */

static bool is_news(const gt_store_object *now, const gt_store_object *before)
{
    return now->verdict != before->verdict || now->live_generation != before->live_generation ||
           strcmp(now->message, before->message) != 0 || strcmp(now->field, before->field) != 0;
}

/* Nothing in here fails: what was known is replaced whole. */
static void commit(job *j)
{
    gt_store *store = j->store;
    for (size_t i = 0; i < j->count; i++) {
        note_good(j, i);
        j->faces[i].live_generation = j->settling.entries.at[i].accepted ? j->order[i]->next_generation : 0;
        j->faces[i].news = is_news(&j->faces[i], &j->order[i]->face) || (store->pending && j->order[i]->face.news);
    }
    gt_arena_free(store->report);
    store->report = j->kept;
    j->kept = NULL;
    store->rejected = false;
    for (size_t i = 0; i < j->count; i++) {
        gt_stored *object = j->order[i];
        object->face = j->faces[i];
        store->rejected = store->rejected || object->face.verdict == GT_VERDICT_REJECTED;
        store->documents[i] = object;
    }
    store->document_count = j->count;
    store->pending = true;
}

void gt_store_adopt(gt_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        gt_stored *object = store->at[i];
        if (object->next_good == NULL)
            continue;
        gt_stored_drop(object, &object->good);
        object->face.good = object->good = object->next_good;
        object->face.good_generation = object->next_generation;
        object->next_good = NULL;
    }
    store->pending = store->stirred = false;
    store->adopted = true;
    gt_stored_drop_recalls(store);
}

static bool prepare(job *j, gt_err *err)
{
    size_t n = j->store->count;
    gt_stored **documents = realloc(j->store->documents, (n + 1) * sizeof(gt_stored *));
    if (documents != NULL)
        j->store->documents = documents;
    if (j->store->document_count > n)
        j->store->document_count = n;
    j->settling.store = gt_arena_new(0);
    j->scratch = gt_arena_new(0);
    j->kept = gt_arena_new(0);
    j->settling.claims = GT_CLAIMS_FIRST_HOLDS;
    if (documents == NULL || j->settling.store == NULL || j->scratch == NULL || j->kept == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    return true;
}

bool gt_store_load(gt_store *store, gt_store_report *report, gt_err *err)
{
    job j = {.store = store, .report = report};
    *report = (gt_store_report){0};
    bool ok = prepare(&j, err) && gt_arena_try(j.settling.store, settle, &j, err) &&
              gt_arena_try(j.kept, keep_report, &j, err) && copy_recalled(&j, err);
    if (ok) {
        commit(&j);
        report->snapshot = j.settling.snapshot;
        report->objects = gt_snapshot_objects(report->snapshot);
        report->rejected = j.settling.rejected;
        j.settling.snapshot = NULL;
    } else {
        *report = (gt_store_report){0};
        for (size_t i = 0; j.recalled != NULL && i < j.count; i++)
            free(j.recalled[i]);
    }
    gt_settling_drop(&j.settling);
    gt_arena_free(j.settling.store);
    gt_arena_free(j.scratch);
    gt_arena_free(j.kept);
    return ok;
}
