#include "injector/validate.h"

#include "injector/envelope.h"
#include "injector/plan.h"
#include "injector/trial.h"
#include "injector/update.h"
#include "lib/base/show.h"

enum {
    MOST_DOCUMENTS = 256, /* an object and those that it is checked with */
    MOST_PODS = 500,      /* that are tried */
    NEARLY_CALLED = 2,    /* edits: a rig that may be meant */
};

typedef struct validation {
    gt_envelope *envelope;
    gt_arena *arena, *own; /* the request's; the one of the snapshot that the object is checked in */
    gt_kind kind;
    gt_object object, old;                   /* as they stand in the request; old: only its place */
    const gt_value *document, *old_document; /* NULL: there's none that anybody can read */
    bool unreadable;                         /* nobody can hold what it says, and what it said before */
    const gt_object *holder;                 /* of the object's place; NULL: nobody else */
    gt_record record;
} validation;

/* ---- what it is about ---- */

static bool kind_of(gt_view request, gt_kind *kind)
{
    gt_view asked = gt_view_get(request, "kind");
    if (!gt_view_is(gt_view_get(asked, "group"), "gastown.io") ||
        !gt_view_is(gt_view_get(asked, "version"), "v1alpha1"))
        return false;
    for (int k = GT_KIND_TOWN; k <= GT_KIND_POOL; k++)
        if (gt_view_is(gt_view_get(asked, "kind"), gt_kind_names[k])) {
            *kind = (gt_kind)k;
            return true;
        }
    return false;
}

static bool is_of_object(gt_view request)
{
    gt_view sub = gt_view_get(request, "subResource");
    return !gt_view_exists(sub) || gt_view_is(sub, "");
}

static bool is_change(gt_view request)
{
    gt_view operation = gt_view_get(request, "operation");
    return (gt_view_is(operation, "CREATE") || gt_view_is(operation, "UPDATE")) && is_of_object(request);
}

static bool take(gt_arena *arena, gt_value *into, gt_view from, const char *name, gt_err *err)
{
    gt_value *value;
    gt_view view = gt_view_get(from, name);
    if (gt_view_type_of(view) == GT_VIEW_MISSING)
        return true;
    if (!gt_value_from_view(arena, view, &value, err))
        return false;
    gt_value_put(arena, into, name, value);
    return true;
}

/* What the checker looks at: of the metadata only what says which object it is. One that gets its name later has some name until then. */
static bool read_document(const validation *v, gt_view object, gt_value **document, gt_err *err)
{
    static const char *const told[] = {"name", "namespace", "generation"};
    gt_arena *arena = v->arena;
    gt_view metadata = gt_view_get(object, "metadata");
    gt_value *own = gt_value_object(arena);
    *document = gt_value_object(arena);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!take(arena, own, metadata, told[i], err))
            return gt_wrap(err, "metadata");
    if (gt_value_given(own, "name") == NULL && gt_view_exists(gt_view_get(metadata, "generateName")))
        gt_value_put(arena, own, "name", gt_value_text(arena, "new"));
    if (gt_value_given(own, "namespace") == NULL)
        gt_value_put(arena, own, "namespace", gt_value_string(arena, v->envelope->ns));
    gt_value_put(arena, *document, "apiVersion", gt_value_text(arena, "gastown.io/v1alpha1"));
    gt_value_put(arena, *document, "kind", gt_value_text(arena, gt_kind_names[v->kind]));
    gt_value_put(arena, *document, "metadata", own);
    return take(arena, *document, object, "spec", err);
}

/* ---- what it is checked with ---- */

static bool is_here(const validation *v, const gt_object *other)
{
    return other->ns.len == 0 || gt_str_eq(other->ns, v->object.ns);
}

static bool is_itself(const validation *v, const gt_object *other)
{
    return other->kind == v->kind && gt_str_eq(other->name, v->object.name);
}

static bool same_place(const gt_object *a, const gt_object *b)
{
    bool town = a->kind == GT_KIND_TOWN;
    bool named = town || (a->spec_name.len > 0 && (a->kind != GT_KIND_POOL || a->role.len > 0));
    return a->kind == b->kind && named && (town || gt_str_eq(a->spec_name, b->spec_name)) &&
           gt_str_eq(a->role, b->role);
}

static bool is_nearly_called(const gt_object *rig, gt_str name)
{
    return rig->spec_name.len <= 64 && name.len <= 64 &&
           gt_str_distance(rig->spec_name, name, NEARLY_CALLED) <= NEARLY_CALLED;
}

/* NEEDED has a part in the object's pods. USEFUL may be what a slip was meant to be, or is one of very many rigs of a town. */
typedef enum part { NONE, USEFUL, NEEDED } part;

static part part_of(const validation *v, const gt_object *other)
{
    bool of_rig = other->kind == GT_KIND_RIG || other->kind == GT_KIND_POOL;
    if (!of_rig || gt_str_eq(other->spec_name, v->object.spec_name))
        return NEEDED;
    bool slip = other->kind == GT_KIND_RIG && v->kind == GT_KIND_POOL && is_nearly_called(other, v->object.spec_name);
    return v->kind == GT_KIND_TOWN || slip ? USEFUL : NONE;
}

/* A snapshot keeps documents as text. */
static const gt_value *again(gt_arena *arena, gt_str source)
{
    gt_view view;
    gt_value *value;
    gt_err err;
    bool ok = gt_view_parse(arena, source, 0, &view, &err) && gt_value_from_view(arena, view, &value, &err);
    return ok ? value : NULL; /* it was read from a value: no memory ends elsewhere */
}

/* Of the one part those for which there's room. Another that claims the object's place is no part: either it's the holder, or it has
 * lost the place to this one. */
static size_t gather(validation *v, gt_document *documents, size_t n, part wanted)
{
    const gt_snapshot *s = v->envelope->snapshot;
    for (size_t i = 0; s != NULL && i < gt_snapshot_documents(s); i++) {
        const gt_object *other = gt_snapshot_object(s, i);
        if (other == NULL || !is_here(v, other) || is_itself(v, other))
            continue;
        bool rival = same_place(&v->object, other);
        if (rival && (v->holder == NULL || !other->displaced))
            v->holder = other;
        if (!rival && !other->displaced && n < MOST_DOCUMENTS && part_of(v, other) == wanted)
            documents[n++] = (gt_document){other->file, again(v->arena, other->source)};
    }
    return n;
}

/* ---- what is said ---- */

static void say(validation *v, int code, const char *field, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void say(validation *v, int code, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gt_str message = gt_show_vprintf(v->arena, fmt, args);
    va_end(args);
    gt_record_note(&v->record, code, gt_str_of(field), message);
}

static void judge_findings(validation *v, const gt_snapshot *s)
{
    for (const gt_finding *f = gt_snapshot_findings(s); f != NULL; f = f->next)
        if (f->document == 0)
            gt_record_note(&v->record, f->error ? 422 : 0, f->field, f->message);
}

/* "...: denied on pods of crew and 3 more": where there's only room for 120 characters, something of the middle goes. */
static void say_note(validation *v, const gt_trial_note *note)
{
    static const char *const verdicts[GT_TRIAL_OUTCOMES] = {"on", "denied on", "can't be made:"};
    gt_buf text;
    gt_buf_init(&text, v->arena, 128);
    gt_buf_printf(&text, "%.*s: %s pods of %.*s", GT_STR_ARG(note->message), verdicts[note->outcome],
                  GT_STR_ARG(note->sample.role));
    if (v->kind == GT_KIND_TOWN) {
        gt_buf_text(&text, " in rig ");
        gt_show_text(&text, note->sample.rig, 40);
    }
    if (note->pods > 1)
        gt_buf_printf(&text, " and %zu more", note->pods - 1);
    gt_record_note(&v->record, note->outcome == GT_TRIAL_FAILED ? 422 : 0,
                   note->field.len > 0 ? note->field : GT_STR("spec"), gt_buf_slice(&text));
}

static bool concerns_it(const gt_trial_note *note)
{
    for (size_t i = 0; i < note->document_count; i++)
        if (note->documents[i] == 0)
            return true;
    return false;
}

static bool try_pods(validation *v, const gt_snapshot *s, gt_err *err)
{
    bool *changed = GT_NEW_N(v->arena, bool, gt_snapshot_documents(s));
    const gt_trial_wanted wanted = {.changed = changed, .most = MOST_PODS};
    gt_trial_report report;
    changed[0] = true;
    if (!gt_trial(v->arena, s, &wanted, &report, err))
        return false;
    for (const gt_trial_note *note = report.notes; note != NULL; note = note->next)
        if (!note->conflict && concerns_it(note))
            say_note(v, note);
    return true;
}

static void judge_place(validation *v)
{
    static const char *const fields[] = {"metadata.namespace", "spec.name", "spec.role"};
    static const char *const places[] = {"is the town of this namespace", "is for this rig",
                                         "is for this rig and role"};
    if (v->holder == NULL)
        return;
    bool stays = v->old_document != NULL && same_place(&v->object, &v->old);
    say(v, stays ? 0 : 422, fields[v->kind], "%s %s already: change that one, or delete it first", v->holder->title.at,
        places[v->kind]);
}

static bool is_unchanged(const validation *v)
{
    if (v->document == NULL || v->old_document == NULL)
        return v->unreadable; /* for one reason before and now */
    const gt_value *new = gt_value_get(v->document, "spec"), *old = gt_value_get(v->old_document, "spec");
    return new == NULL || old == NULL ? new == old : gt_value_equal(new, old);
}

static bool answer(validation *v)
{
    gt_buf out;
    if (v->record.cause_count > 0 && is_unchanged(v)) {
        const gt_note *first = v->record.causes;
        gt_record was;
        gt_record_init(&was, v->arena);
        gt_record_note(&was, 0, first->field,
                       gt_show_printf(v->arena, "is as wrong as before: %.*s", GT_STR_ARG(first->message)));
        v->record = was;
    }
    if (v->record.cause_count > 0)
        return gt_envelope_deny(v->envelope, &v->record, gt_kind_names[v->kind]);
    gt_envelope_open(v->envelope, &out);
    gt_envelope_warn(v->envelope, &out, &v->record);
    return gt_envelope_close(v->envelope, &out, GT_OUTCOME_ACCEPTED);
}

/* ---- the whole ---- */

/* false: nobody can hold what it says. */
static bool read_object(validation *v, const char *member, gt_object *object, const gt_value **document, gt_err *err)
{
    gt_value *own;
    gt_check check = {.arena = v->arena}; /* what it finds is found again, with all others around */
    gt_keeper keeper;
    gt_keeper_init(&keeper, v->arena, v->arena, v->arena);
    if (!read_document(v, gt_view_get(v->envelope->request, member), &own, err) ||
        !gt_object_parse(&check, &keeper, own, object))
        return false;
    *document = own;
    return true;
}

static bool judge(void *context, gt_err *err)
{
    validation *v = context;
    gt_snapshot *s;
    gt_err old_err = {.kind = GT_ERR_NONE};
    bool update = gt_view_is(gt_view_get(v->envelope->request, "operation"), "UPDATE");
    if (update && !read_object(v, "oldObject", &v->old, &v->old_document, &old_err))
        v->old_document = NULL;
    gt_record_init(&v->record, v->arena);
    if (!read_object(v, "object", &v->object, &v->document, err)) {
        v->unreadable = strcmp(err->text, old_err.text) == 0;
        say(v, 422, "spec", "%s", err->text);
        return answer(v);
    }
    gt_document *documents = GT_NEW_N(v->arena, gt_document, MOST_DOCUMENTS);
    documents[0] = (gt_document){GT_STR(""), v->document};
    size_t n = gather(v, documents, gather(v, documents, 1, NEEDED), USEFUL);
    if (!gt_snapshot_build(v->own, documents, n, GT_CLAIMS_EQUAL, &s, err))
        return false;
    judge_findings(v, s);
    judge_place(v);
    if (v->record.cause_count == 0 && !try_pods(v, s, err))
        return false;
    if (v->envelope->snapshot == NULL)
        say(v, 0, "", "only checked by itself: the other templates aren't known yet");
    return answer(v);
}

/* Anybody may delete a town; what they mightn't think of is said. */
static bool answer_deletion(validation *v)
{
    const gt_snapshot *s = v->envelope->snapshot;
    size_t rigs = 0, towns = 0;
    for (size_t i = 0; s != NULL && i < gt_snapshot_documents(s); i++) {
        const gt_object *o = gt_snapshot_object(s, i);
        bool here = o != NULL && (o->ns.len == 0 || gt_str_eq(o->ns, v->envelope->ns));
        rigs += here && o->kind == GT_KIND_RIG;
        towns += here && o->kind == GT_KIND_TOWN;
    }
    if (v->kind != GT_KIND_TOWN || rigs == 0 || towns != 1)
        return gt_envelope_ignore(v->envelope);
    gt_record_init(&v->record, v->arena);
    say(v, 0, "", "this namespace has %zu rig%s and no other GasTown: without one all its agents' new pods are denied",
        rigs, rigs == 1 ? "" : "s");
    gt_buf out;
    gt_envelope_open(v->envelope, &out);
    gt_envelope_warn(v->envelope, &out, &v->record);
    return gt_envelope_close(v->envelope, &out, GT_OUTCOME_ACCEPTED);
}

bool gt_validate_answer(gt_envelope *envelope)
{
    validation v = {.envelope = envelope, .arena = envelope->arena};
    gt_view object = gt_view_get(envelope->request, "object");
    gt_err err;
    if (gt_update_is_asked(envelope->request))
        return gt_update_answer(envelope);
    bool known = kind_of(envelope->request, &v.kind);
    if (known && is_of_object(envelope->request) && gt_view_is(gt_view_get(envelope->request, "operation"), "DELETE"))
        return answer_deletion(&v);
    if (!known || !is_change(envelope->request))
        return gt_envelope_ignore(envelope);
    if (gt_view_type_of(gt_view_get(envelope->request, "namespace")) != GT_VIEW_STRING)
        return gt_envelope_bad_request(envelope, "request.namespace: must be a string");
    if (gt_view_type_of(object) != GT_VIEW_OBJECT || !gt_view_is(gt_view_get(object, "kind"), gt_kind_names[v.kind]) ||
        !gt_view_is(gt_view_get(object, "apiVersion"), "gastown.io/v1alpha1"))
        return gt_envelope_bad_request(envelope,
                                       "request.object: must be an object of the kind that the request is for");
    v.own = gt_arena_new(GT_TRIAL_MEMORY);
    bool ok = v.own != NULL && gt_arena_try(v.arena, judge, &v, &err);
    gt_arena_free(v.own); /* and with it the snapshot */
    return ok || gt_envelope_fail(envelope, 500, GT_OUTCOME_FAILED, "out of memory");
}

static bool answer_either(gt_envelope *envelope)
{
    gt_kind kind;
    bool update = gt_update_is_asked(envelope->request) && gt_view_exists(gt_view_get(envelope->request, "oldObject"));
    return update || kind_of(envelope->request, &kind) ? gt_validate_answer(envelope) : gt_review_answer(envelope);
}

void gt_validate(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply)
{
    gt_envelope_run(arena, snapshot, body, gt_validate_answer, reply);
}

void gt_review_any(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply)
{
    gt_envelope_run(arena, snapshot, body, answer_either, reply);
}
