/* Two pods that come of one: each goes through its set of templates, the results are compared (injector/diff.h), and the records of the two
 * decisions tell where a value comes from. Which layers took part, with their generations, and the hash of the template are notes
 * about a pod: another hash is a change only where nothing else is. */
#include "injector/cli/compare.h"

#include "injector/explain.h"

/* ---- one pod, twice ---- */

void gt_cli_side_make(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *document,
                      gt_cli_side *s)
{
    *s = (gt_cli_side){.own = "the pod's own"};
    gt_map_init(&s->decided, arena);
    gt_map_init(&s->parts, arena);
    s->answered = gt_cli_inject(arena, cli, snapshot, document, &s->pod);
    if (!s->answered || s->pod.record.cause_count > 0)
        return;
    s->made = gt_record_apply(arena, s->pod.pod, &s->pod.record);
    for (gt_decision *d = s->pod.record.decisions; d != NULL; d = d->next) {
        gt_map_put(&s->decided, gt_place_text(arena, d->place), d);
        for (const gt_pointer *up = d->place->up; up != NULL; up = up->up)
            if (gt_map_put(&s->parts, gt_place_text(arena, up), s) != NULL)
                break; /* so are those above it */
    }
}

/* As explain does: what was decided in parts is told in parts. */
static bool in_parts(const void *context, const gt_pointer *place)
{
    const gt_cli_sides *both = context;
    gt_str text = gt_place_text(both->arena, place);
    return gt_map_get(&both->old.parts, text) != NULL || gt_map_get(&both->new.parts, text) != NULL;
}

/* ---- as values ---- */

static gt_str from_of(gt_arena *arena, const gt_cli_side *s, const gt_pointer *place)
{
    for (; place != NULL; place = place->up) {
        const gt_decision *d = gt_map_get(&s->decided, gt_place_text(arena, place));
        if (d != NULL)
            return gt_from_title(arena, &s->pod.injection, &d->from);
    }
    return gt_str_of(s->own);
}

static void put_shown(gt_arena *arena, gt_value *row, const char *key, const gt_pointer *place, const gt_value *value)
{
    if (value != NULL)
        gt_value_put(arena, row, key, gt_value_ref(arena, gt_explain_shown(place, value)));
}

static gt_value *change_value(const gt_cli_sides *both, const gt_difference *d)
{
    gt_arena *arena = both->arena;
    gt_value *row = gt_value_object(arena);
    bool order = d->place->step == GT_STEP_MEMBER && in_parts(both, d->place);
    gt_str from = order ? GT_STR("order") : from_of(arena, d->new == NULL ? &both->old : &both->new, d->place);
    gt_value_put(arena, row, "field", gt_value_string(arena, gt_place_text(arena, d->place)));
    put_shown(arena, row, "old", d->place, d->old);
    put_shown(arena, row, "new", d->place, d->new);
    gt_value_put(arena, row, "from", gt_value_string(arena, from));
    return row;
}

static bool is_note(const gt_pointer *place)
{
    return place != NULL && place->up != NULL && gt_str_is(place->up->name, "annotations") &&
           (gt_str_is(place->name, GT_ANNOTATION_HASH) || gt_str_is(place->name, GT_ANNOTATION_LAYERS));
}

static const gt_difference *differences(const gt_cli_sides *both)
{
    if (both->old.made == NULL || both->new.made == NULL)
        return NULL;
    return gt_diff(both->arena, both->old.made, both->new.made, (gt_diff_options){in_parts, both});
}

void gt_cli_sides_changes(const gt_cli_sides *both, bool (*wanted)(gt_arena *arena, const gt_difference *),
                          gt_value *changes)
{
    for (const gt_difference *d = differences(both); d != NULL; d = d->next)
        if (!is_note(d->place) && (wanted == NULL || wanted(both->arena, d)))
            gt_value_push(changes, change_value(both, d));
}

static gt_value *changes_value(const gt_cli_sides *both)
{
    gt_value *changes = gt_value_array(both->arena);
    gt_cli_sides_changes(both, NULL, changes);
    if (changes->count > 0)
        return changes;
    for (const gt_difference *d = differences(both); d != NULL; d = d->next)
        if (gt_str_is(d->place->name, GT_ANNOTATION_HASH))
            gt_value_push(changes, change_value(both, d));
    return changes;
}

static gt_value *cause_value(gt_arena *arena, int code, gt_str field, gt_str message)
{
    gt_value *cause = gt_value_object(arena);
    gt_value_put(arena, cause, "code", gt_value_int(arena, code));
    gt_value_put(arena, cause, "field", gt_value_string(arena, field));
    gt_value_put(arena, cause, "message", gt_value_string(arena, message));
    return cause;
}

void gt_cli_side_outcome(gt_arena *arena, gt_value *row, const gt_cli_side *s, const char *hash, const char *denied)
{
    if (s->made != NULL) {
        gt_value_put(arena, row, hash, gt_value_text(arena, s->pod.injection.hash));
        return;
    }
    gt_value *causes = gt_value_array(arena);
    for (const gt_note *c = s->pod.record.causes; c != NULL; c = c->next)
        gt_value_push(causes, cause_value(arena, c->code, c->field, c->message));
    if (!s->answered)
        gt_value_push(causes, cause_value(arena, 503, (gt_str){"", 0}, s->pod.trouble));
    gt_value_put(arena, row, denied, causes);
}

gt_str gt_cli_agent_text(gt_arena *arena, const gt_cli_pod *pod)
{
    gt_identity id = gt_cli_identity(pod);
    return gt_str_of(
        gt_arena_printf(arena, "%.*s/%.*s/%.*s", GT_STR_ARG(id.rig), GT_STR_ARG(id.role), GT_STR_ARG(id.agent)));
}

gt_value *gt_cli_sides_value(const gt_cli_sides *both)
{
    gt_arena *arena = both->arena;
    gt_value *changes = changes_value(both);
    if (changes->count == 0 && (both->old.made == NULL) == (both->new.made == NULL))
        return NULL;
    gt_value *row = gt_value_object(arena);
    const gt_cli_pod *known = both->new.made == NULL ? &both->old.pod : &both->new.pod;
    gt_value_put(arena, row, "agent", gt_value_string(arena, gt_cli_agent_text(arena, known)));
    gt_value_put(arena, row, "namespace", gt_value_string(arena, known->ns));
    gt_cli_side_outcome(arena, row, &both->old, "oldHash", "oldDenied");
    gt_cli_side_outcome(arena, row, &both->new, "newHash", "newDenied");
    gt_value_put(arena, row, "changes", changes);
    return row;
}
