#include "injector/record.h"

#include "lib/base/show.h"

void gt_record_init(gt_record *record, gt_arena *arena)
{
    *record = (gt_record){.arena = arena};
}

const gt_pointer *gt_pointer_keep(gt_arena *arena, gt_pointer pointer)
{
    gt_pointer *kept = GT_NEW(arena, gt_pointer);
    *kept = pointer;
    return kept;
}

gt_decision *gt_record_decide(gt_record *record, const gt_pointer *place, gt_action action, const gt_value *value,
                              gt_view old, gt_from from)
{
    gt_decision *d = record->terse ? &record->passing : gt_arena_alloc_raw(record->arena, sizeof *d);
    *d = (gt_decision){.place = place, .action = action, .value = value, .old = old, .from = from};
    if (record->terse)
        return d;
    if (record->last_decision == NULL)
        record->decisions = d;
    else
        record->last_decision->next = d;
    record->last_decision = d;
    record->decision_count++;
    return d;
}

/* An API server copies the list for each element that an operation takes out: 60,000 equal names kept one busy for 13 s. */
static bool too_many_removals(gt_record *record, const gt_pointer *path)
{
    enum { MOST_REMOVALS = 1000 };
    if (++record->removals == MOST_REMOVALS + 1)
        gt_record_deny(record, 422, path->up, "more than %d elements would have to be taken out: send a shorter list",
                       MOST_REMOVALS);
    return record->removals > MOST_REMOVALS;
}

void gt_record_step(gt_record *record, gt_op op, const gt_pointer *path, const gt_value *value)
{
    if (op == GT_OP_REMOVE && too_many_removals(record, path))
        return;
    gt_step *s = GT_NEW(record->arena, gt_step);
    s->op = op;
    s->path = path;
    s->value = value;
    if (record->last_step == NULL)
        record->steps = s;
    else
        record->last_step->next = s;
    record->last_step = s;
    record->step_count++;
}

void gt_record_patch(const gt_record *record, gt_patch *patch)
{
    gt_patch_init(patch, record->arena);
    for (const gt_step *step = record->steps; step != NULL; step = step->next)
        switch (step->op) {
        case GT_OP_ADD: gt_patch_add(patch, step->path, step->value); break;
        case GT_OP_REPLACE: gt_patch_replace(patch, step->path, step->value); break;
        case GT_OP_REMOVE: gt_patch_remove(patch, step->path); break;
        }
}

static void append(gt_note **first, gt_note **last, gt_note *note)
{
    if (*last == NULL)
        *first = note;
    else
        (*last)->next = note;
    *last = note;
}

/* Past these, notes are only counted: a hostile pod can't make an answer grow with what it repeats. */
enum { MOST_CAUSES = 100, MOST_WARNINGS = 100 };

static gt_note *note(gt_record *record, int code, const gt_pointer *place, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));
static gt_note *note(gt_record *record, int code, const gt_pointer *place, const char *fmt, va_list args)
{
    gt_note *n = GT_NEW(record->arena, gt_note);
    n->code = code;
    n->field = gt_place_text(record->arena, place);
    n->message = gt_show_vprintf(record->arena, fmt, args);
    return n;
}

void gt_record_deny(gt_record *record, int code, const gt_pointer *place, const char *fmt, ...)
{
    if (record->cause_count++ >= MOST_CAUSES)
        return;
    va_list args;
    va_start(args, fmt);
    append(&record->causes, &record->last_cause, note(record, code, place, fmt, args));
    va_end(args);
}

static gt_note *warn(gt_record *record, const gt_pointer *place, size_t *count, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));
static gt_note *warn(gt_record *record, const gt_pointer *place, size_t *count, const char *fmt, va_list args)
{
    record->warning_count++;
    if (++*count > MOST_WARNINGS)
        return NULL;
    gt_note *n = note(record, 0, place, fmt, args);
    append(&record->warnings, &record->last_warning, n);
    return n;
}

void gt_record_warn(gt_record *record, const gt_pointer *place, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    warn(record, place, &record->plain_warnings, fmt, args);
    va_end(args);
}

void gt_record_note(gt_record *record, int code, gt_str field, gt_str message)
{
    gt_note *n = GT_NEW(record->arena, gt_note);
    *n = (gt_note){.code = code, .field = field, .message = message};
    record->warning_count += code == 0;
    if (code != 0 && record->cause_count++ < MOST_CAUSES)
        append(&record->causes, &record->last_cause, n);
    else if (code == 0 && ++record->plain_warnings <= MOST_WARNINGS)
        append(&record->warnings, &record->last_warning, n);
}

static void warn_replaced(gt_record *record, const gt_pointer *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void warn_replaced(gt_record *record, const gt_pointer *place, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gt_note *n = warn(record, place, &record->replaced_warnings, fmt, args);
    va_end(args);
    if (n != NULL)
        n->replaced = true;
}

/* A value for a message: strings bare, the rest as JSON; one line. */
static void show_value(gt_buf *buf, const gt_value *value, size_t most)
{
    gt_buf json;
    gt_buf_init(&json, buf->arena, 64);
    if (value->type != GT_VALUE_STRING)
        gt_value_print(&json, value);
    gt_show_text(buf, value->type == GT_VALUE_STRING ? value->text : gt_buf_slice(&json), most);
}

void gt_record_warn_replaced(gt_record *record, const gt_decision *decision, gt_str from, bool secret)
{
    enum { ROOM = 120 };
    gt_str field = gt_place_text(record->arena, decision->place);
    const size_t fixed = field.len + from.len + sizeof ":  replaced by  from ";
    size_t each = fixed + 16 < ROOM ? (ROOM - fixed) / 2 : 8;
    gt_buf message;
    gt_buf_init(&message, record->arena, ROOM);
    if (!secret) {
        gt_view_show(&message, decision->old, each);
        gt_buf_text(&message, " ");
    }
    gt_buf_text(&message, "replaced by ");
    if (secret)
        gt_buf_text(&message, "the value");
    else
        show_value(&message, decision->value, each);
    gt_buf_printf(&message, " from %.*s", GT_STR_ARG(from));
    warn_replaced(record, decision->place, "%s", message.at);
}
