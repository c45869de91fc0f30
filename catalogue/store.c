#include "catalogue/store.h"

#include <assert.h>
#include <stdlib.h>

#include "catalogue/stored.h"

const char *const gt_stored_payload[GT_KIND_COUNT] = {"spec", "spec", "spec", "imagePullSecrets",
                                                      "allowVolumeExpansion"};

const char *gt_verdict_reason(gt_verdict verdict)
{
    static const char *const reasons[] = {"Pending", "Accepted", "Quarantined", "Rejected", "Conflict"};
    assert((size_t)verdict < sizeof reasons / sizeof *reasons);
    return reasons[verdict];
}

static bool no_memory(gt_err *err)
{
    return gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

/* ---- objects ---- */

void gt_stored_drop(gt_stored *object, char **version)
{
    char *text = *version;
    *version = NULL;
    if (text != object->content && text != object->good && text != object->next_good)
        free(text);
}

static void free_object(gt_stored *object)
{
    gt_stored_drop(object, &object->next_good);
    gt_stored_drop(object, &object->good);
    free(object->identity);
    free(object->content);
    free(object->status);
    free(object->problem);
    free(object->trouble);
    free(object);
}

gt_store *gt_store_new(void)
{
    gt_store *store = calloc(1, sizeof *store);
    if (store != NULL)
        store->stirred = true;
    return store;
}

void gt_store_free(gt_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        free_object(store->at[i]);
    for (size_t i = 0; i < store->recall_count; i++)
        free(store->recalls[i].ns);
    free(store->at);
    free(store->recalls);
    free(store->documents);
    gt_arena_free(store->report);
    free(store);
}

static int compare(const gt_stored *object, gt_kind kind, gt_str ns, gt_str name)
{
    if (object->face.kind != kind)
        return object->face.kind < kind ? -1 : 1;
    int order = gt_str_cmp(gt_str_of(object->face.ns), ns);
    return order != 0 ? order : gt_str_cmp(gt_str_of(object->face.name), name);
}

/* Where the object is (*found), or belongs. */
static size_t place_of(const gt_store *store, gt_kind kind, gt_str ns, gt_str name, bool *found)
{
    size_t low = 0, high = store->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(store->at[middle], kind, ns, name);
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

static bool insert(gt_store *store, size_t place, gt_stored *object)
{
    if (store->count == store->room) {
        size_t room = store->room == 0 ? 64 : store->room * 2;
        gt_stored **at = realloc(store->at, room * sizeof(gt_stored *));
        if (at == NULL)
            return false;
        store->at = at;
        store->room = room;
    }
    memmove(store->at + place + 1, store->at + place, (store->count - place) * sizeof *store->at);
    store->at[place] = object;
    store->count++;
    return true;
}

static void take_out(gt_store *store, size_t place)
{
    gt_stored *object = store->at[place];
    for (size_t i = 0; i < store->document_count; i++)
        if (store->documents[i] == object)
            store->documents[i] = NULL;
    memmove(store->at + place, store->at + place + 1, (store->count - place - 1) * sizeof *store->at);
    store->count--;
    store->stirred = true;
    free_object(object);
}

/* ---- putting ---- */

/* An object of the API server, taken apart in an arena. */
typedef struct parts {
    gt_arena *arena;
    gt_kind kind;
    gt_view object;
    gt_str ns, name, uid, created;
    int64_t generation;
    const char *content; /* NULL: see problem */
    const char *status;
    const char *problem;
} parts;

/* Compact JSON of the members of `object` that are called `name`, as an object; NULL with *problem set. */
static const char *member_text(gt_arena *arena, gt_view object, const char *name, const char **problem)
{
    gt_value *out = gt_value_object(arena), *value;
    gt_view member = gt_view_get(object, name);
    gt_err err;
    if (gt_view_exists(member)) {
        if (!gt_value_from_view(arena, member, &value, &err)) {
            *problem = gt_arena_strdup(arena, err.text);
            return NULL;
        }
        gt_value_put(arena, out, name, value);
    }
    gt_buf text;
    gt_buf_init(&text, arena, 512);
    gt_value_print(&text, out);
    return text.at;
}

static bool take_apart(void *context, gt_err *err)
{
    (void)err;
    parts *p = context;
    gt_view metadata = gt_view_get(p->object, "metadata");
    const char *ignored = NULL;
    p->ns = gt_view_str(gt_view_get(metadata, "namespace"));
    p->name = gt_view_str(gt_view_get(metadata, "name"));
    p->uid = gt_view_str(gt_view_get(metadata, "uid"));
    p->created = gt_view_str(gt_view_get(metadata, "creationTimestamp"));
    if (!gt_view_int(gt_view_get(metadata, "generation"), &p->generation))
        p->generation = 0; /* built-in kinds have none */
    p->content = member_text(p->arena, p->object, gt_stored_payload[p->kind], &p->problem);
    p->status = member_text(p->arena, p->object, "status", &ignored);
    return true;
}

static char *copy_of(const char *text)
{
    return strdup(text == NULL ? "" : text);
}

static bool fill_identity(gt_stored *object, const parts *p)
{
    const gt_str texts[] = {p->ns, p->name, p->uid, p->created};
    const char **faces[] = {&object->face.ns, &object->face.name, &object->face.uid, &object->face.created};
    size_t size = 0;
    for (int i = 0; i < 4; i++)
        size += texts[i].len + 1;
    char *at = malloc(size);
    if (at == NULL)
        return false;
    free(object->identity);
    object->identity = at;
    for (int i = 0; i < 4; i++) {
        memcpy(at, texts[i].len == 0 ? "" : texts[i].at, texts[i].len);
        at[texts[i].len] = '\0';
        *faces[i] = at;
        at += texts[i].len + 1;
    }
    return true;
}

/* The object that stands for the same name, or a new one; NULL: no memory. Another object of the same name isn't a version of the one
 * before: what that knew is gone with it. */
static gt_stored *object_for(gt_store *store, const parts *p)
{
    bool found;
    size_t place = place_of(store, p->kind, p->ns, p->name, &found);
    if (found && gt_str_is(p->uid, store->at[place]->face.uid))
        return store->at[place];
    gt_stored *object = calloc(1, sizeof *object);
    bool ok = object != NULL && fill_identity(object, p);
    if (ok) {
        object->face.kind = p->kind;
        object->face.field = object->face.message = object->face.first_warning = object->face.status =
            object->face.trouble = "";
        if (found)
            take_out(store, place);
        ok = insert(store, place, object);
    }
    if (ok)
        return object;
    if (object != NULL)
        free_object(object);
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Those that a trial has refused get another chance. */
static void pardon(gt_store *store, const gt_stored *change)
{
    if (!store->refused || change->face.kind > GT_KIND_POOL)
        return;
    for (size_t i = 0; i < store->count; i++) {
        gt_stored *object = store->at[i];
        if (object->content == NULL || strcmp(object->face.ns, change->face.ns) != 0)
            continue; /* what nobody can hold stays so */
        free(object->problem);
        object->problem = NULL;
    }
}

static bool put_version(gt_store *store, gt_stored *object, const parts *p)
{
    bool first = object->face.verdict == GT_VERDICT_NEW && object->content == NULL && object->problem == NULL;
    if (!first && object->face.generation == p->generation && same_text(object->content, p->content))
        return true;
    char *content = p->content == NULL ? NULL : strdup(p->content);
    char *problem = p->problem == NULL ? NULL : strdup(p->problem);
    if ((p->content != NULL && content == NULL) || (p->problem != NULL && problem == NULL)) {
        free(content);
        free(problem);
        return false;
    }
    gt_stored_drop(object, &object->content);
    free(object->problem);
    object->content = content;
    object->problem = problem;
    object->face.content = content;
    object->face.good = object->good;
    object->face.generation = p->generation;
    object->face.pending = true;
    store->stirred = true;
    pardon(store, object);
    return true;
}

static bool put(gt_store *store, const parts *p)
{
    gt_stored *object = object_for(store, p);
    if (object == NULL)
        return false;
    object->seen = true;
    if (!same_text(object->status, p->status)) {
        char *status = copy_of(p->status);
        if (status == NULL)
            return false;
        free(object->status);
        object->face.status = object->status = status;
    }
    return put_version(store, object, p);
}

static bool has_nul(gt_str s)
{
    return memchr(s.at == NULL ? "" : s.at, '\0', s.len) != NULL;
}

bool gt_store_put(gt_store *store, gt_kind kind, gt_view object, gt_err *err)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    parts p = {.arena = arena, .kind = kind, .object = object};
    if (arena == NULL || !gt_arena_try(arena, take_apart, &p, err))
        return no_memory(err);
    if (p.name.len == 0 || p.uid.len == 0 || has_nul(p.ns) || has_nul(p.name) || has_nul(p.uid))
        return gt_fail(err, GT_ERR_INPUT, "a %s without metadata.name or metadata.uid", gt_kind_names[kind]);
    return put(store, &p) || no_memory(err);
}

void gt_store_remove(gt_store *store, gt_kind kind, gt_view object)
{
    gt_view metadata = gt_view_get(object, "metadata");
    bool found;
    size_t place = place_of(store, kind, gt_view_str(gt_view_get(metadata, "namespace")),
                            gt_view_str(gt_view_get(metadata, "name")), &found);
    gt_str uid = gt_view_str(gt_view_get(metadata, "uid"));
    if (found && (uid.len == 0 || gt_str_is(uid, store->at[place]->face.uid)))
        take_out(store, place);
}

/* ---- listings ---- */

static bool is_of(const gt_stored *object, gt_kind kind, const char *ns)
{
    return object->face.kind == kind && (ns == NULL || strcmp(object->face.ns, ns) == 0);
}

void gt_store_mark(gt_store *store, gt_kind kind, const char *ns)
{
    for (size_t i = 0; i < store->count; i++)
        if (is_of(store->at[i], kind, ns))
            store->at[i]->seen = false;
}

void gt_store_sweep(gt_store *store, gt_kind kind, const char *ns)
{
    for (size_t i = store->count; i-- > 0;)
        if (is_of(store->at[i], kind, ns) && !store->at[i]->seen)
            take_out(store, i);
}

/* ---- what was good ---- */

static int by_version(const void *a, const void *b)
{
    const gt_recall *x = a, *y = b;
    int order = strcmp(x->uid, y->uid);
    order = order != 0 ? order : strcmp(x->ns, y->ns);
    order = order != 0 ? order : (x->generation > y->generation) - (x->generation < y->generation);
    return order != 0 ? order : strcmp(x->content, y->content);
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

void gt_stored_drop_recalls(gt_store *store)
{
    const char **lacking = malloc((store->count + 1) * sizeof *lacking);
    size_t n = 0, left = 0;
    if (lacking == NULL || store->recall_count == 0) {
        free(lacking);
        return; /* the next time, then */
    }
    for (size_t i = 0; i < store->count; i++)
        if (store->at[i]->good == NULL)
            lacking[n++] = store->at[i]->face.uid;
    qsort(lacking, n, sizeof *lacking, by_text);
    qsort(store->recalls, store->recall_count, sizeof *store->recalls, by_version);
    for (size_t i = 0; i < store->recall_count; i++) {
        gt_recall *recall = &store->recalls[i];
        bool twice = left > 0 && by_version(&store->recalls[left - 1], recall) == 0;
        if (!twice && bsearch(&recall->uid, lacking, n, sizeof *lacking, by_text) != NULL)
            store->recalls[left++] = *recall;
        else
            free(recall->ns);
    }
    store->recall_count = left;
    free(lacking);
}

/* Each listing brings all of them again: before there's more room, what nobody needs goes. */
static bool make_recall_room(gt_store *store)
{
    if (store->recall_count < store->recall_room)
        return true;
    if (store->adopted)
        gt_stored_drop_recalls(store);
    if (store->recall_count < store->recall_room / 2)
        return true;
    size_t room = store->recall_room == 0 ? 64 : store->recall_room * 2;
    gt_recall *recalls = realloc(store->recalls, room * sizeof *recalls);
    if (recalls == NULL)
        return store->recall_count < store->recall_room;
    store->recalls = recalls;
    store->recall_room = room;
    return true;
}

static char *append(char *at, gt_str text)
{
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    at[text.len] = '\0';
    return at + text.len + 1;
}

bool gt_store_recall(gt_store *store, gt_str ns, gt_str uid, int64_t generation, gt_str content, gt_err *err)
{
    if (!make_recall_room(store))
        return no_memory(err);
    gt_recall *recall = &store->recalls[store->recall_count];
    recall->ns = malloc(ns.len + uid.len + content.len + 3);
    if (recall->ns == NULL)
        return no_memory(err);
    char *second = append(recall->ns, ns), *third = append(second, uid);
    append(third, content);
    recall->uid = second;
    recall->content = third;
    recall->generation = generation;
    store->recall_count++;
    store->stirred = store->stirred || store->rejected; /* it may be what one of them lacks */
    return true;
}

bool gt_store_refuse(gt_store *store, size_t document, const char *message, gt_err *err)
{
    gt_stored *object = document < store->document_count ? store->documents[document] : NULL;
    if (object == NULL)
        return true;
    char *problem = copy_of(message);
    if (problem == NULL)
        return no_memory(err);
    free(object->problem);
    object->problem = problem;
    store->stirred = store->refused = true;
    return true;
}

bool gt_store_note(gt_store *store, size_t document, const char *trouble, gt_err *err)
{
    gt_stored *object = document < store->document_count ? store->documents[document] : NULL;
    if (object == NULL || same_text(object->trouble, trouble))
        return true;
    char *copy = trouble == NULL ? NULL : strdup(trouble);
    if (trouble != NULL && copy == NULL)
        return no_memory(err);
    free(object->trouble);
    object->trouble = copy;
    object->face.trouble = copy == NULL ? "" : copy;
    return true;
}

/* ---- looking ---- */

bool gt_store_stirred(const gt_store *store)
{
    return store->stirred;
}

const gt_store_object *gt_store_at(const gt_store *store, size_t i)
{
    return i < store->count ? &store->at[i]->face : NULL;
}

size_t gt_store_count(const gt_store *store)
{
    return store->count;
}

const gt_store_object *gt_store_find(const gt_store *store, gt_kind kind, gt_str ns, gt_str name)
{
    bool found;
    size_t place = place_of(store, kind, ns, name, &found);
    return found ? &store->at[place]->face : NULL;
}

const gt_store_object *gt_store_of_document(const gt_store *store, size_t document)
{
    bool there = document < store->document_count && store->documents[document] != NULL;
    return there ? &store->documents[document]->face : NULL;
}
