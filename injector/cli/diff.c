/* `diff`: which agents' pods change between two folders of templates, and how.
 *
 * Each pod goes through both sets; the two pods that come out are compared (injector/diff.h), and the records of the two decisions
 * tell where a value comes from. Which layers took part, with their generations, and the hash of the template are notes about a
 * pod: another hash is a change only where nothing else is. */
#include "injector/diff.h"

#include <stdio.h>

#include "injector/cli/cli.h"
#include "injector/explain.h"
#include "lib/base/map.h"

/* One pod as one of the two sets makes it. */
typedef struct side {
    gt_cli_pod pod;
    bool answered;  /* the engine could decide */
    gt_value *made; /* the pod that comes out; NULL: none does */
    gt_map decided; /* by place: gt_decision */
    gt_map parts;   /* places that have decided ones below */
} side;

typedef struct sides {
    gt_arena *arena;
    side old, new;
} sides;

/* ---- one pod, twice ---- */

static void make(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *document, side *s)
{
    *s = (side){.made = NULL};
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
    const sides *both = context;
    gt_str text = gt_place_text(both->arena, place);
    return gt_map_get(&both->old.parts, text) != NULL || gt_map_get(&both->new.parts, text) != NULL;
}

/* ---- as values ---- */

static gt_str from_of(gt_arena *arena, const side *s, const gt_pointer *place)
{
    for (; place != NULL; place = place->up) {
        const gt_decision *d = gt_map_get(&s->decided, gt_place_text(arena, place));
        if (d != NULL)
            return gt_from_title(arena, &s->pod.injection, &d->from);
    }
    return GT_STR("the pod's own");
}

static void put_shown(gt_arena *arena, gt_value *row, const char *key, const gt_pointer *place, const gt_value *value)
{
    if (value != NULL)
        gt_value_put(arena, row, key, gt_value_ref(arena, gt_explain_shown(place, value)));
}

static gt_value *change_value(const sides *both, const gt_difference *d)
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

static gt_value *changes_value(const sides *both)
{
    gt_value *changes = gt_value_array(both->arena);
    if (both->old.made == NULL || both->new.made == NULL)
        return changes;
    const gt_difference *first =
        gt_diff(both->arena, both->old.made, both->new.made, (gt_diff_options){in_parts, both});
    for (const gt_difference *d = first; d != NULL; d = d->next)
        if (!is_note(d->place))
            gt_value_push(changes, change_value(both, d));
    for (const gt_difference *d = first; d != NULL && changes->count == 0; d = d->next)
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

/* The hash of a pod that comes out, or why none does. */
static void put_outcome(gt_arena *arena, gt_value *row, const side *s, const char *hash, const char *denied)
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

static gt_str agent_text(gt_arena *arena, const gt_cli_pod *pod)
{
    gt_identity id = gt_cli_identity(pod);
    return gt_str_of(
        gt_arena_printf(arena, "%.*s/%.*s/%.*s", GT_STR_ARG(id.rig), GT_STR_ARG(id.role), GT_STR_ARG(id.agent)));
}

/* NULL: the pod doesn't change. */
static gt_value *pod_value(const sides *both)
{
    gt_arena *arena = both->arena;
    gt_value *changes = changes_value(both);
    if (changes->count == 0 && (both->old.made == NULL) == (both->new.made == NULL))
        return NULL;
    gt_value *row = gt_value_object(arena);
    const gt_cli_pod *known = both->new.made == NULL ? &both->old.pod : &both->new.pod;
    gt_value_put(arena, row, "agent", gt_value_string(arena, agent_text(arena, known)));
    gt_value_put(arena, row, "namespace", gt_value_string(arena, known->ns));
    put_outcome(arena, row, &both->old, "oldHash", "oldDenied");
    put_outcome(arena, row, &both->new, "newHash", "newDenied");
    gt_value_put(arena, row, "changes", changes);
    return row;
}

/* ---- as a table ---- */

static void add_row(gt_cli_table *table, gt_str agent, gt_str field, gt_str old, gt_str new, gt_str from)
{
    const gt_str cells[] = {agent, gt_cli_field(table->arena, field), old, new, from};
    for (size_t i = 0; i < table->columns; i++)
        gt_cli_table_add(table, cells[i]);
}

static void add_change(gt_cli_table *table, gt_str agent, const gt_value *change)
{
    const gt_value *old = gt_value_get(change, "old"), *new = gt_value_get(change, "new");
    gt_str from = gt_value_str(gt_value_get(change, "from"));
    if (new == NULL)
        from = gt_str_of(gt_arena_printf(table->arena, "was %.*s", GT_STR_ARG(from)));
    add_row(table, agent, gt_value_str(gt_value_get(change, "field")),
            old == NULL ? GT_STR("(none)") : gt_cli_cell(table->arena, old),
            new == NULL ? GT_STR("(none)") : gt_cli_cell(table->arena, new), from);
}

/* The message takes the last column, which has room. */
static void add_denials(gt_cli_table *table, gt_str agent, const gt_value *causes, bool old)
{
    GT_VALUE_EACH (cause, causes) {
        const char *code = gt_value_get(cause, "code")->text.at; /* 503: ours, and no denial */
        gt_str denied = gt_str_of(
            gt_arena_printf(table->arena, strcmp(code, "503") == 0 ? "(no answer: %s)" : "(denied: %s)", code));
        add_row(table, agent, gt_value_str(gt_value_get(cause, "field")), old ? denied : GT_STR("(made)"),
                old ? GT_STR("(made)") : denied, gt_value_str(gt_value_get(cause, "message")));
    }
}

static void print_table(gt_arena *arena, const gt_value *pods, size_t all, size_t compared)
{
    static const char *const head[] = {"AGENT", "FIELD", "OLD", "NEW", "FROM"};
    gt_cli_table table = {.arena = arena, .columns = 5};
    for (size_t i = 0; i < table.columns; i++)
        gt_cli_table_add(&table, gt_str_of(head[i]));
    GT_VALUE_EACH (pod, pods) {
        gt_str agent = gt_value_str(gt_value_get(pod, "agent"));
        GT_VALUE_EACH (change, gt_value_get(pod, "changes"))
            add_change(&table, agent, change);
        add_denials(&table, agent, gt_value_get(pod, "oldDenied"), true);
        add_denials(&table, agent, gt_value_get(pod, "newDenied"), false);
    }
    if (pods->count == 0) {
        if (compared > 0 || all == 0)
            printf("no pod changes (%zu agents' pods compared)\n", compared);
        return;
    }
    gt_cli_table_print(&table);
    printf("%u of %zu agents' pods change\n", pods->count, all);
}

/* ---- what can't be compared ---- */

/* Pods that neither set makes, with the first reason. */
typedef struct unmade {
    size_t count;
    gt_str agent, field, message;
} unmade;

static void note_unmade(unmade *u, const sides *both)
{
    const gt_note *cause = both->new.pod.record.causes;
    if (u->count++ > 0)
        return;
    u->agent = agent_text(both->arena, &both->new.pod);
    u->field = cause == NULL ? (gt_str){"", 0} : cause->field;
    u->message = cause == NULL ? both->new.pod.trouble : cause->message;
}

static void tell_unmade(const unmade *u, const char *what, size_t all)
{
    if (u->count > 0)
        gt_cli_complain(0, "%zu of %zu agents' pods %s: %.*s: %.*s%s%.*s", u->count, all, what, GT_STR_ARG(u->agent),
                        GT_STR_ARG(u->field), u->field.len > 0 ? ": " : "", GT_STR_ARG(u->message));
}

/* ---- the command ---- */

static int compare(gt_arena *arena, const gt_cli *cli, const gt_snapshot *old, const gt_snapshot *new,
                   const gt_cli_documents *documents)
{
    gt_value *pods = gt_value_array(arena);
    size_t all = 0;
    unmade denied = {0}, unknown = {0};
    for (size_t i = 0; i < documents->count; i++) {
        sides *both = GT_NEW(arena, sides);
        const gt_value *document = gt_cli_bare(arena, documents->at[i]);
        both->arena = arena;
        make(arena, cli, old, document, &both->old);
        make(arena, cli, new, document, &both->new);
        if (!both->new.pod.ours) {
            gt_cli_tell(cli, &both->new.pod);
            continue;
        }
        all++;
        if (both->old.made == NULL && both->new.made == NULL)
            note_unmade(both->old.answered && both->new.answered ? &denied : &unknown, both);
        gt_value *pod = pod_value(both);
        if (pod != NULL)
            gt_value_push(pods, pod);
    }
    if (cli->format == GT_FORMAT_TABLE)
        print_table(arena, pods, all, all - denied.count - unknown.count);
    else
        gt_cli_print(arena, pods, cli->format);
    tell_unmade(&denied, "are denied by both", all);
    tell_unmade(&unknown, "can't be made by either of the two", all);
    return pods->count + denied.count + unknown.count > 0 ? GT_EXIT_FINDING : GT_EXIT_OK;
}

/* Bare pods of all agents that either of the two tells apart. */
static void sample(gt_arena *arena, const gt_cli *cli, const gt_snapshot *old, const gt_snapshot *new,
                   gt_cli_documents *documents)
{
    const gt_samples_wanted wanted = {.sets = {old, new}, .ns = gt_str_of(cli->ns)};
    gt_samples samples;
    gt_samples_of(arena, &wanted, &samples);
    *documents = (gt_cli_documents){.at = GT_NEW_N(arena, const gt_value *, samples.count), .count = samples.count};
    for (size_t i = 0; i < samples.count; i++)
        documents->at[i] = gt_sample_pod(arena, &samples.at[i]);
}

int gt_cli_diff(gt_arena *arena, const gt_cli *cli)
{
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *old = gt_cli_templates(cli->words.at[0]);
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *new = old == NULL ? NULL : gt_cli_templates(cli->words.at[1]);
    gt_cli_documents documents;
    if (new == NULL)
        return GT_EXIT_ENVIRONMENT;
    int status = GT_EXIT_OK;
    if (cli->file == NULL)
        sample(arena, cli, old, new, &documents);
    else
        status = gt_cli_read_pods(arena, cli, &documents);
    return status == GT_EXIT_OK ? compare(arena, cli, old, new, &documents) : status;
}
