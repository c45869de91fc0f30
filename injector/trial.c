#include "injector/trial.h"

#include "injector/claim.h"
#include "injector/image.h"
#include "injector/inject.h"
#include "lib/base/show.h"

typedef struct trial {
    gt_arena *arena, *scratch; /* the report's; one pod's */
    const gt_snapshot *snapshot;
    const gt_trial_wanted *wanted;
    gt_trial_report *report;
    gt_map seen; /* notes by what they say */
    gt_sample
        fine; /* the last pod of a role that no object names, with nothing to say about it; role empty: none yet */
} trial;

/* One sample on its way. */
typedef struct attempt {
    trial *trial;
    const gt_sample *sample;
    gt_plan *plan;
    gt_record record;
    gt_injection injection;
    bool failed;
    gt_str field, message; /* when failed */
} attempt;

/* ---- one pod ---- */

/* An image from where the town allows, where the templates leave the image to the pod. */
static void give_image(gt_arena *arena, const gt_plan *plan, gt_value *pod)
{
    static const char digest[] = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    const gt_value *allowed = plan->town->policy.image_allowlist;
    gt_str from = allowed == NULL || allowed->count == 0 ? GT_STR("example.com") : gt_value_str(allowed->first);
    while (from.len > 0 && from.at[from.len - 1] == '/')
        from.len--;
    gt_value *spec = pod->last, *agent = spec->last->first;
    gt_value_put(arena, agent, "image",
                 gt_value_text(arena, gt_arena_printf(arena, "%.*s/agent@%s", GT_STR_ARG(from), digest)));
}

static void fail(attempt *a, gt_str field, const char *message)
{
    a->failed = true;
    a->field = field;
    a->message = gt_str_of(message);
}

/* Through the engine as an API server would send it. */
static gt_lookup inject(attempt *a, const gt_value *pod, gt_record *record, gt_injection *injection, gt_str *message)
{
    gt_buf json;
    gt_subject subject = {.ns = a->sample->ns};
    gt_err err;
    gt_buf_init(&json, a->trial->scratch, 1024);
    gt_value_print(&json, pod);
    gt_record_init(record, a->trial->scratch);
    if (!gt_view_parse(a->trial->scratch, gt_buf_slice(&json), 0, &subject.pod, &err)) {
        *message = gt_str_of(gt_arena_strdup(a->trial->scratch, err.text));
        return GT_LOOKUP_BROKEN;
    }
    return gt_inject(record, a->trial->snapshot, &subject, injection, message);
}

static void try_pod(attempt *a)
{
    gt_arena *arena = a->trial->scratch;
    gt_record again;
    gt_injection injection;
    gt_str message, nowhere = {"", 0};
    gt_value *pod = gt_sample_pod(arena, a->sample);
    if (gt_layer_value(a->plan->merged, GT_FIELD_IMAGE, "") == NULL)
        give_image(arena, a->plan, pod);
    if (inject(a, pod, &a->record, &a->injection, &message) == GT_LOOKUP_BROKEN) {
        fail(a, nowhere, message.at);
        return;
    }
    if (a->record.cause_count > 0)
        return;
    const gt_value *made = gt_record_apply(arena, pod, &a->record);
    if (inject(a, made, &again, &injection, &message) == GT_LOOKUP_BROKEN)
        fail(a, nowhere, message.at);
    else if (again.cause_count > 0)
        fail(a, again.causes->field, "the pod that comes out is denied when it comes again");
    else if (again.step_count > 0)
        fail(a, gt_place_text(arena, again.steps->path), "the pod that comes out is changed when it comes again");
}

/* ---- whose doing it is ---- */

/* The field without its last part; false when there's none left. */
static bool cut(gt_str *field)
{
    size_t n = field->len;
    bool bracket = n > 0 && field->at[n - 1] == ']';
    while (n > 0 && field->at[n - 1] != (bracket ? '[' : '.') && (bracket || field->at[n - 1] != '['))
        n--;
    field->len = n == 0 ? 0 : n - 1;
    return field->len > 0;
}

/* The decision for the field, or for the smallest thing that it's in, where a layer made it. */
static const gt_decision *decision_of(const attempt *a, gt_str field)
{
    gt_map by_place;
    gt_map_init(&by_place, a->trial->scratch);
    for (gt_decision *d = a->record.decisions; d != NULL; d = d->next)
        if (d->from.kind == GT_FROM_LAYER)
            gt_map_put(&by_place, gt_place_text(a->trial->scratch, d->place), d);
    const gt_decision *found = gt_map_get(&by_place, field);
    while (found == NULL && cut(&field))
        found = gt_map_get(&by_place, field);
    return found;
}

static const gt_object *object_of(const gt_plan *plan, uint8_t layer)
{
    switch (layer) {
    case GT_LAYER_TOWN: return plan->town;
    case GT_LAYER_RIG:
    case GT_LAYER_ROLE: return plan->rig;
    case GT_LAYER_POOL: return plan->pool;
    default: return NULL;
    }
}

static void add_document(gt_trial_note *note, const gt_object *object)
{
    enum { ROOM = sizeof note->documents / sizeof *note->documents };
    for (size_t i = 0; object != NULL && i < note->document_count; i++)
        if (note->documents[i] == object->document)
            return;
    if (object != NULL && note->document_count < ROOM)
        note->documents[note->document_count++] = object->document;
}

/* An object says something for this very role. */
static bool is_named(const gt_plan *plan)
{
    return plan->pool != NULL || plan->role != NULL;
}

/* Fills in where it comes from. false: it is nothing that a template has said. */
static bool attribute(const attempt *a, gt_trial_note *note)
{
    const gt_plan *plan = a->plan;
    bool own_image = gt_str_is(note->field, "spec.containers[agent].image") &&
                     gt_layer_value(plan->merged, GT_FIELD_IMAGE, "") == NULL;
    const gt_decision *decision = own_image ? NULL : decision_of(a, note->field);
    const gt_object *setter = decision == NULL ? NULL : object_of(plan, decision->from.layer);
    if (decision != NULL)
        note->from = gt_from_title(a->trial->scratch, &a->injection, &decision->from);
    if (setter != NULL && decision->value != NULL) {
        note->line = decision->value->line;
        note->column = decision->value->column;
    }
    add_document(note, setter);
    if (setter == NULL) {
        add_document(note, plan->pool);
        add_document(note, plan->rig);
    }
    add_document(note, plan->town);
    return setter != NULL || (!own_image && (is_named(plan) || decision == NULL));
}

/* ---- notes ---- */

/* A note that is there already is counted. Past the limit all that come are, whether they differ or not. */
static void append(trial *t, const gt_trial_note *note)
{
    gt_trial_report *report = t->report;
    char *key =
        gt_arena_printf(t->scratch, "%d\n%.*s\n%.*s\n%.*s\n%.*s", (int)note->outcome, GT_STR_ARG(note->sample.ns),
                        GT_STR_ARG(note->field), GT_STR_ARG(note->message), GT_STR_ARG(note->from));
    gt_trial_note *same = gt_map_get(&t->seen, gt_str_of(key));
    if (same != NULL) {
        same->pods++;
        return;
    }
    if (++report->counts[note->outcome] > GT_TRIAL_MOST_NOTES)
        return;
    gt_trial_note *kept = GT_NEW(t->arena, gt_trial_note);
    *kept = *note;
    kept->pods = 1;
    gt_str *texts[] = {&kept->field, &kept->message, &kept->from};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = (gt_str){gt_arena_dup(t->arena, texts[i]->at, texts[i]->len), texts[i]->len};
    gt_map_put(&t->seen, gt_str_of(gt_arena_strdup(t->arena, key)), kept);
    if (report->last == NULL)
        report->notes = kept;
    else
        report->last->next = kept;
    report->last = kept;
}

static void note_all(trial *t, const attempt *a, const gt_note *first, gt_trial_outcome outcome)
{
    for (const gt_note *n = first; n != NULL; n = n->next) {
        gt_trial_note note = {
            .outcome = outcome, .sample = *a->sample, .code = n->code, .field = n->field, .message = n->message};
        if (attribute(a, &note))
            append(t, &note);
    }
}

/* Of the pod as a whole. */
static void note_pod(trial *t, const attempt *a, gt_trial_note note)
{
    note.sample = *a->sample;
    add_document(&note, a->plan->pool);
    add_document(&note, a->plan->rig);
    add_document(&note, a->plan->town);
    append(t, &note);
}

/* A class that a template names is looked for where it stands (between.c). The role's own nobody has written down: where it isn't there, claims
 * wait for ever. false: so it is. */
static bool has_class(trial *t, const attempt *a)
{
    gt_claim claim;
    bool claims = a->injection.resolved != NULL &&
                  gt_value_is(gt_layer_value(a->injection.resolved, GT_FIELD_STORAGE, "kind"), "PersistentVolumeClaim");
    if (!claims || !gt_snapshot_knows_classes(t->snapshot) ||
        !gt_claim_of(t->scratch, &a->injection, a->sample->ns, &claim) || claim.class_name.len == 0 ||
        !gt_str_is(claim.class_from, "role profile") || gt_snapshot_class(t->snapshot, claim.class_name) != NULL)
        return true;
    gt_trial_note note = {.outcome = GT_TRIAL_WARNED,
                          .sample = *a->sample,
                          .field = GT_STR("storage.storageClassName"),
                          .message =
                              gt_show_printf(t->scratch,
                                             "no StorageClass is called %.253s, which is the role's own: its claims "
                                             "stay Pending; name another one in defaults, or unset it",
                                             claim.class_name.at)};
    add_document(&note, a->plan->town);
    append(t, &note);
    return false;
}

/* ---- all of them ---- */

static bool takes_part(const bool *changed, const gt_object *object)
{
    return object != NULL && changed[object->document];
}

static bool is_wanted(const trial *t, const gt_sample *sample, const gt_plan *plan)
{
    const bool *changed = t->wanted->changed;
    if (t->wanted->rig.len > 0 && !gt_str_eq(t->wanted->rig, sample->rig))
        return false;
    return changed == NULL || takes_part(changed, plan->town) || takes_part(changed, plan->rig) ||
           takes_part(changed, plan->pool) || takes_part(changed, plan->account);
}

/* Roles of one profile that a rig's objects don't name have one template: their pods differ in names only. */
static bool is_known_to_be_fine(const trial *t, const attempt *a)
{
    return t->fine.role.len > 0 && !is_named(a->plan) && gt_str_eq(t->fine.ns, a->sample->ns) &&
           gt_str_eq(t->fine.rig, a->sample->rig) &&
           gt_role_profile(gt_role_of(t->fine.role)) == gt_role_profile(gt_role_of(a->sample->role));
}

/* Below gt_arena_try of the scratch arena. */
static bool try_sample(void *context, gt_err *err)
{
    (void)err;
    attempt *a = context;
    trial *t = a->trial;
    gt_str message;
    gt_lookup status =
        gt_snapshot_plan(t->scratch, t->snapshot, a->sample->ns, a->sample->rig, a->sample->role, a->plan, &message);
    if (!is_wanted(t, a->sample, a->plan))
        return true;
    t->report->tried += status == GT_LOOKUP_FOUND;
    t->report->skipped += status == GT_LOOKUP_BROKEN;
    if (status == GT_LOOKUP_CONFLICT)
        note_pod(t, a,
                 (gt_trial_note){.outcome = GT_TRIAL_DENIED,
                                 .code = 422,
                                 .conflict = true,
                                 .field = GT_STR("metadata.namespace"),
                                 .message = message});
    if (status != GT_LOOKUP_FOUND || is_known_to_be_fine(t, a))
        return true;
    try_pod(a);
    if (a->failed)
        note_pod(t, a, (gt_trial_note){.outcome = GT_TRIAL_FAILED, .field = a->field, .message = a->message});
    note_all(t, a, a->record.causes, GT_TRIAL_DENIED);
    note_all(t, a, a->record.warnings, GT_TRIAL_WARNED);
    if (has_class(t, a) && !is_named(a->plan) && !a->failed && a->record.cause_count + a->record.warning_count == 0)
        t->fine = *a->sample;
    return true;
}

static bool run(void *context, gt_err *err)
{
    trial *t = context;
    size_t most = t->wanted->most > 0 ? t->wanted->most : GT_TRIAL_MOST_PODS;
    const gt_samples_wanted wanted = {.sets = {t->snapshot}, .most = most};
    gt_samples samples;
    gt_map_init(&t->seen, t->arena);
    gt_samples_of(t->arena, &wanted, &samples);
    t->report->skipped = samples.left_out;
    for (size_t i = 0; i < samples.count; i++) {
        gt_plan plan = {.town = NULL};
        attempt a = {.trial = t, .sample = &samples.at[i], .plan = &plan};
        if (!gt_arena_try(t->scratch, try_sample, &a, err))
            return gt_wrap(err, "trying the pods of %.*s in rig %.*s", GT_STR_ARG(a.sample->role),
                           GT_STR_ARG(a.sample->rig));
        gt_arena_reset(t->scratch);
    }
    return true;
}

bool gt_trial(gt_arena *arena, const gt_snapshot *snapshot, const gt_trial_wanted *wanted, gt_trial_report *report,
              gt_err *err)
{
    static const gt_trial_wanted everything = {.changed = NULL};
    trial t = {.arena = arena,
               .scratch = gt_arena_new(wanted == NULL || wanted->memory == 0 ? GT_TRIAL_MEMORY : wanted->memory),
               .snapshot = snapshot,
               .wanted = wanted == NULL ? &everything : wanted,
               .report = report};
    *report = (gt_trial_report){.notes = NULL};
    if (t.scratch == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    bool ok = gt_arena_try(arena, run, &t, err);
    gt_arena_free(t.scratch);
    return ok;
}

/* ---- telling ---- */

gt_str gt_trial_text(gt_arena *arena, const gt_trial_note *note)
{
    static const char *const verdicts[GT_TRIAL_OUTCOMES] = {"", " are denied", " can't be made"};
    gt_buf text;
    gt_buf_init(&text, arena, 256);
    bool of_town = gt_str_is(note->sample.rig, GT_TOWN_RIG);
    gt_buf_printf(&text, "pods of %.*s in ", GT_STR_ARG(note->sample.role));
    gt_buf_text(&text, of_town ? "the town" : "rig ");
    if (!of_town)
        gt_show_text(&text, note->sample.rig, 80);
    if (note->pods > 1)
        gt_buf_printf(&text, " and of %zu more role%s", note->pods - 1, note->pods == 2 ? "" : "s");
    gt_buf_printf(&text, "%s: %.*s%s%.*s", verdicts[note->outcome], GT_STR_ARG(note->field),
                  note->field.len > 0 ? ": " : "", GT_STR_ARG(note->message));
    if (note->from.len > 0 && note->outcome == GT_TRIAL_DENIED) /* a warning names it itself */
        gt_buf_printf(&text, " (from %.*s)", GT_STR_ARG(note->from));
    return gt_buf_slice(&text);
}
