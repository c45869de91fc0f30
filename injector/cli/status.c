/* `status`: a cluster's templates as the webhook judged them, and the pods that aren't what they say now.
 *
 * The verdict is the one in the object's status. Where that is of an older generation, or there's none, this program's own stands in
 * parentheses: the engine is the same, but a webhook may know last good versions that we don't. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "injector/cli/cluster.h"

typedef struct verdict {
    bool written;  /* by the webhook, about the newest generation */
    bool accepted; /* by it, else by us */
    gt_str reason, message;
    int64_t total, current, older; /* pods; -1: not counted */
} verdict;

/* ---- one object ---- */

static gt_view accepted_condition(gt_view status)
{
    gt_view none = {NULL};
    GT_VIEW_EACH (condition, gt_view_get(status, "conditions"))
        if (gt_view_is(gt_view_get(condition, "type"), "Accepted"))
            return condition;
    return none;
}

static int64_t count_of(gt_view pods, const char *name)
{
    int64_t count;
    return gt_view_int(gt_view_get(pods, name), &count) ? count : -1;
}

static gt_str own_message(gt_arena *arena, const gt_store_object *o)
{
    bool placed = o->field != NULL && o->field[0] != '\0';
    return gt_str_of(gt_arena_printf(arena, "%s%s%s", placed ? o->field : "", placed ? ": " : "",
                                     o->message == NULL ? "" : o->message));
}

static verdict verdict_of(gt_arena *arena, const gt_store_object *o)
{
    gt_view status = {NULL};
    gt_err ignored;
    int64_t observed = -1;
    if (o->status != NULL && o->status[0] != '\0' && gt_view_parse(arena, gt_str_of(o->status), 0, &status, &ignored))
        status = gt_view_get(status, "status");
    gt_view condition = accepted_condition(status), pods = gt_view_get(status, "pods");
    if (!gt_view_int(gt_view_get(condition, "observedGeneration"), &observed))
        gt_view_int(gt_view_get(status, "observedGeneration"), &observed);
    if (gt_view_exists(condition) && observed >= o->generation)
        return (verdict){.written = true,
                         .accepted = gt_view_is(gt_view_get(condition, "status"), "True"),
                         .reason = gt_view_str(gt_view_get(condition, "reason")),
                         .message = gt_view_str(gt_view_get(condition, "message")),
                         .total = count_of(pods, "total"),
                         .current = count_of(pods, "current"),
                         .older = count_of(pods, "older")};
    return (verdict){.accepted = o->verdict == GT_VERDICT_ACCEPTED,
                     .reason = gt_str_of(gt_verdict_reason(o->verdict)),
                     .message = own_message(arena, o),
                     .total = -1,
                     .current = -1,
                     .older = -1};
}

static const char *accepted_text(const verdict *v)
{
    return !v->written ? "Pending" : v->accepted ? "True" : "False";
}

/* ---- as values ---- */

static void put_count(gt_arena *arena, gt_value *row, const char *name, int64_t count)
{
    if (count >= 0)
        gt_value_put(arena, row, name, gt_value_int(arena, count));
}

static gt_value *object_value(gt_arena *arena, const gt_store_object *o, const verdict *v)
{
    gt_value *row = gt_value_object(arena), *pods = gt_value_object(arena);
    gt_value_put(arena, row, "namespace", gt_value_text(arena, o->ns));
    gt_value_put(arena, row, "kind", gt_value_text(arena, gt_kind_names[o->kind]));
    gt_value_put(arena, row, "name", gt_value_text(arena, o->name));
    gt_value_put(arena, row, "generation", gt_value_int(arena, o->generation));
    gt_value_put(arena, row, "pending", gt_value_bool(arena, !v->written));
    gt_value_put(arena, row, "accepted", gt_value_bool(arena, v->accepted));
    gt_value_put(arena, row, "reason", gt_value_string(arena, v->reason));
    gt_value_put(arena, row, "message", gt_value_string(arena, v->accepted ? (gt_str){"", 0} : v->message));
    put_count(arena, pods, "total", v->total);
    put_count(arena, pods, "current", v->current);
    put_count(arena, pods, "older", v->older);
    gt_value_put(arena, row, "pods", pods);
    return row;
}

/* ---- as tables ---- */

static gt_cli_table table_with(gt_arena *arena, size_t columns, const char *const *head)
{
    gt_cli_table table = {.arena = arena, .columns = columns};
    for (size_t i = 0; i < columns; i++)
        gt_cli_table_add(&table, gt_str_of(head[i]));
    return table;
}

static gt_str count_text(gt_arena *arena, int64_t count)
{
    return count < 0 ? GT_STR("-") : gt_str_of(gt_arena_printf(arena, "%" PRId64, count));
}

static void add_object(gt_cli_table *table, const gt_store_object *o, const verdict *v)
{
    gt_arena *arena = table->arena;
    const char *reason = gt_arena_printf(arena, v->written ? "%.*s" : "(%.*s)", GT_STR_ARG(v->reason));
    const gt_str cells[] = {gt_str_of(o->ns),
                            gt_str_of(gt_kind_names[o->kind]),
                            gt_str_of(o->name),
                            gt_str_of(gt_arena_printf(arena, "%" PRId64, o->generation)),
                            gt_str_of(accepted_text(v)),
                            gt_str_of(reason),
                            count_text(arena, v->total),
                            count_text(arena, v->current),
                            count_text(arena, v->older)};
    for (size_t i = 0; i < table->columns; i++)
        gt_cli_table_add(table, cells[i]);
}

/* The first few of the fields that differ. */
static gt_str fields_text(gt_arena *arena, const gt_value *pod)
{
    enum { FEW = 3 };
    const gt_value *changes = gt_value_get(pod, "changes"), *denied = gt_value_get(pod, "newDenied");
    gt_buf text;
    uint32_t n = 0;
    gt_buf_init(&text, arena, 128);
    if (denied != NULL && denied->first != NULL)
        return gt_cli_cell(arena, gt_value_get(denied->first, "message"));
    GT_VALUE_EACH (change, changes) {
        if (n++ == FEW) {
            gt_buf_printf(&text, " and %u more", changes->count - FEW);
            break;
        }
        gt_buf_text(&text, n == 1 ? "" : ", ");
        gt_buf_str(&text, gt_cli_field(arena, gt_value_str(gt_value_get(change, "field"))));
    }
    return gt_buf_slice(&text);
}

static void add_drifted(gt_cli_table *table, const gt_value *pod)
{
    gt_str old = gt_value_str(gt_value_get(pod, "oldHash")), new = gt_value_str(gt_value_get(pod, "newHash"));
    gt_cli_table_add(table, gt_value_str(gt_value_get(pod, "namespace")));
    gt_cli_table_add(table, gt_value_str(gt_value_get(pod, "pod")));
    gt_cli_table_add(table, old.len > 0 ? old : GT_STR("(none)"));
    gt_cli_table_add(table, new.len > 0 ? new : GT_STR("(none)"));
    gt_cli_table_add(table, fields_text(table->arena, pod));
}

static void print_drifted(gt_arena *arena, const gt_value *drifted, size_t all)
{
    static const char *const head[] = {"NAMESPACE", "POD", "HASH", "WOULD GET", "FIELDS"};
    if (drifted->count == 0) {
        printf("no pod has drifted (%zu agents' pods)\n", all);
        return;
    }
    gt_cli_table table = table_with(arena, sizeof head / sizeof *head, head);
    GT_VALUE_EACH (pod, drifted)
        add_drifted(&table, pod);
    putchar('\n');
    gt_cli_table_print(&table);
    printf("%u of %zu agents' pods have drifted\n", drifted->count, all);
}

/* ---- the command ---- */

typedef struct status {
    gt_arena *arena;
    const gt_cli *cli;
    gt_value *objects, *drifted, *lines; /* lines: what is to be told of those that aren't accepted, as texts */
    gt_value *townless;                  /* names of namespaces */
    gt_cli_table table;
    size_t refused;
} status;

static void take(status *s, const gt_store_object *o)
{
    verdict v = verdict_of(s->arena, o);
    gt_value_push(s->objects, object_value(s->arena, o, &v));
    add_object(&s->table, o, &v);
    if (v.accepted)
        return;
    s->refused++;
    gt_value_push(s->lines, gt_value_text(s->arena, gt_arena_printf(s->arena, "%s/%s/%s: %.*s", gt_kind_names[o->kind],
                                                                    o->ns, o->name, GT_STR_ARG(v.message))));
}

/* Towns come first in a store, and there's one in a namespace. */
static bool has_town(const gt_store *store, const char *ns)
{
    for (size_t i = 0; i < gt_store_count(store) && gt_store_at(store, i)->kind == GT_KIND_TOWN; i++)
        if (strcmp(gt_store_at(store, i)->ns, ns) == 0)
            return true;
    return false;
}

static bool is_told(const gt_value *names, const char *name)
{
    GT_VALUE_EACH (known, names)
        if (gt_str_is(known->text, name))
            return true;
    return false;
}

/* What each object by itself can't say: without a town no pod is made, however good its rig. */
static void find_townless(status *s, const gt_store *store)
{
    for (size_t i = 0; i < gt_store_count(store); i++) {
        const gt_store_object *o = gt_store_at(store, i);
        if ((o->kind != GT_KIND_RIG && o->kind != GT_KIND_POOL) || has_town(store, o->ns) ||
            is_told(s->townless, o->ns))
            continue;
        gt_value_push(s->townless, gt_value_text(s->arena, o->ns));
        gt_value_push(
            s->lines,
            gt_value_text(
                s->arena,
                gt_arena_printf(s->arena,
                                "namespace %s: there is no GasTown: its agents' pods are denied until one is applied",
                                o->ns)));
        s->refused++;
    }
}

static int print(const status *s, bool counted, size_t live)
{
    gt_arena *arena = s->arena;
    if (s->cli->format != GT_FORMAT_TABLE) {
        gt_value *all = gt_value_object(arena);
        gt_value_put(arena, all, "objects", s->objects);
        if (counted)
            gt_value_put(arena, all, "drifted", s->drifted);
        gt_value_put(arena, all, "townless", s->townless);
        gt_cli_print(arena, all, s->cli->format);
        return s->refused > 0 ? GT_EXIT_FINDING : GT_EXIT_OK;
    }
    if (s->objects->count > 0)
        gt_cli_table_print(&s->table);
    GT_VALUE_EACH (line, s->lines)
        gt_cli_line(GT_STYLE_ERROR, gt_value_str(line));
    if (counted)
        print_drifted(arena, s->drifted, live);
    return s->refused > 0 ? GT_EXIT_FINDING : GT_EXIT_OK;
}

int gt_cli_status(gt_arena *arena, const gt_cli *cli)
{
    static const char *const head[] = {"NAMESPACE", "KIND", "NAME",    "GENERATION", "ACCEPTED",
                                       "REASON",    "PODS", "CURRENT", "OLDER"};
    gt_cli_cluster *cluster = cli->cluster;
    gt_scoped(gt_cli_store_cleanup) gt_store *store = NULL;
    gt_store_report report = {.snapshot = NULL};
    if (gt_cli_cluster_load(cluster, &(gt_cli_names){.count = 0}, &store, &report) != GT_EXIT_OK)
        return GT_EXIT_ENVIRONMENT;
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *snapshot = report.snapshot;
    status s = {.arena = arena,
                .cli = cli,
                .objects = gt_value_array(arena),
                .lines = gt_value_array(arena),
                .townless = gt_value_array(arena),
                .table = table_with(arena, sizeof head / sizeof *head, head)};
    for (size_t i = 0; i < gt_store_count(store); i++)
        if (gt_store_at(store, i)->kind <= GT_KIND_POOL)
            take(&s, gt_store_at(store, i));
    find_townless(&s, store);
    if (s.objects->count == 0)
        gt_cli_complain(0, "no GasTown, Rig or AgentPool %s%s", gt_cli_where(arena, cluster->ns),
                        cluster->ns == NULL ? "" : " (-n names another one, -A means all)");
    gt_cli_documents live;
    bool counted = gt_cli_live_pods(arena, cluster, &live) == GT_EXIT_OK &&
                   gt_cli_drift(arena, cli, snapshot, &live, &s.drifted) == GT_EXIT_OK;
    int found = print(&s, counted, live.count);
    return counted ? found : GT_EXIT_ENVIRONMENT;
}
