#include "injector/event.h"

#include <ctype.h>

#include "injector/git.h"
#include "injector/identity.h"
#include "injector/image.h"
#include "injector/template.h"
#include "lib/base/show.h"
#include "lib/kube/names.h"
#include "lib/kube/quantity.h"

typedef enum event_kind { TEMPLATE, IMAGE, BEAD, BRANCH, NAME, HOST, PORT, SECRETKEY, CPU, MEMORY } event_kind;

typedef struct event_row {
    const char *key;
    event_kind kind;
    const char *path; /* field or field.member */
} event_row;

static const event_row rows[] = {
#define X(key, kind, path, what) {key, kind, path},
    GT_EVENTS(X)
#undef X
};
enum { ROWS = sizeof rows / sizeof *rows };

static const event_row *row_of(gt_str key)
{
    for (size_t i = 0; i < ROWS; i++)
        if (gt_str_is(key, rows[i].key))
            return &rows[i];
    return NULL;
}

bool gt_event_is_known(gt_str key)
{
    return row_of(key) != NULL;
}

const char *gt_event_key_of(uint8_t detail_row)
{
    return detail_row == 0 ? "template" : rows[detail_row - 1].key;
}

/* ---- values ---- */

static bool is_bead(gt_str s)
{
    if (s.len == 0 || s.len > 253 || !isalnum((unsigned char)s.at[0]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && strchr("._:/-", s.at[i]) == NULL)
            return false;
    return true;
}

static bool is_secret_key(gt_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && strchr("._-", s.at[i]) == NULL)
            return false;
    return s.len > 0 && s.len <= 253 && !gt_str_is(s, ".") && !gt_str_starts(s, ".."); /* apimachinery IsConfigMapKey */
}

static bool is_amount(gt_str s)
{
    gt_quantity quantity;
    return gt_quantity_parse(s, &quantity) && quantity.nanos > 0;
}

static bool parses(event_kind kind, gt_str text)
{
    gt_image image;
    int64_t port;
    switch (kind) {
    case IMAGE: return gt_image_parse(text, &image);
    case BEAD: return is_bead(text);
    case BRANCH: return gt_git_is_branch(text);
    case NAME: return gt_is_dns_subdomain(text);
    case HOST: return gt_is_dns_subdomain(text);
    case PORT: return gt_str_number(text, 1, 65535, &port);
    case SECRETKEY: return is_secret_key(text);
    case CPU:
    case MEMORY: return is_amount(text);
    case TEMPLATE: return false; /* parsed on its own */
    }
    return false;
}

static const char *wanted(event_kind kind)
{
    static const char *const what[] = {
        [TEMPLATE] = "a JSON PodTemplate", [IMAGE] = "an image reference",    [BEAD] = "a bead's id",
        [BRANCH] = "a branch name",        [NAME] = "an object's name",       [HOST] = "a host name",
        [PORT] = "a port, 1 to 65535",     [SECRETKEY] = "a key of a Secret", [CPU] = "a quantity above 0",
        [MEMORY] = "a quantity above 0"};
    return what[kind];
}

/* ---- into the layer ---- */

static void set_cell(gt_arena *arena, gt_layer *layer, const event_row *row, gt_field_id field, gt_str key,
                     gt_value *value)
{
    gt_layer_set(arena, layer, field, key, value, GT_LAYER_EVENT);
    gt_cells *cells = &layer->cells[field];
    for (uint32_t i = 0; i < cells->count; i++)
        if (gt_str_eq(cells->at[i].key, key))
            cells->at[i].detail_row = (uint8_t)(row - rows + 1);
}

static void set(gt_arena *arena, gt_layer *layer, const event_row *row, gt_value *value)
{
    const char *dot = strchr(row->path, '.');
    gt_str name = dot == NULL ? gt_str_of(row->path) : (gt_str){row->path, (size_t)(dot - row->path)};
    for (int f = 0; f < GT_FIELD_COUNT; f++) /* internal fields, too: daemon, bead */
        if (gt_str_is(name, gt_field_rows[f].name))
            set_cell(arena, layer, row, (gt_field_id)f, gt_str_of(dot == NULL ? "" : dot + 1), value);
}

static void set_amount(gt_arena *arena, gt_layer *layer, const event_row *row, gt_str text)
{
    const char *const lists[] = {"requests", "limits"};
    for (int i = 0; i < 2; i++)
        set_cell(arena, layer, row, GT_FIELD_RESOURCES, gt_str_of(gt_arena_printf(arena, "%s.%s", lists[i], row->key)),
                 gt_value_string(arena, text));
}

static void apply(gt_arena *arena, const event_row *row, gt_str text, gt_layer *layer)
{
    int64_t port = 0;
    if (row->kind == CPU || row->kind == MEMORY)
        set_amount(arena, layer, row, text);
    else if (row->kind == PORT && gt_str_number(text, 1, 65535, &port))
        set(arena, layer, row, gt_value_int(arena, port));
    else
        set(arena, layer, row, gt_value_string(arena, text));
}

/* Names in it are the client's, of any length. */
static void deny_finding(gt_record *record, const gt_pointer *place, const gt_finding *finding)
{
    enum { LONGEST = 253 };
    gt_buf text;
    gt_buf_init(&text, record->arena, 128);
    gt_show_text(&text, finding->field, LONGEST);
    gt_buf_text(&text, finding->field.len > 0 ? ": " : "");
    gt_show_text(&text, finding->message, LONGEST);
    gt_record_deny(record, finding->policy ? 403 : 422, place, "%s", text.at);
}

static void parse_template(gt_record *record, const gt_pointer *place, gt_str text, gt_layer *layer)
{
    enum { MOST = 256 * 1024 }; /* of all annotations: an API server refuses more, but after us */
    gt_view view;
    gt_value *value;
    gt_err err;
    if (text.len > MOST) {
        gt_record_deny(record, 422, place, "is longer than annotations may be");
        return;
    }
    if (!gt_view_parse(record->arena, text, 0, &view, &err) || !gt_value_from_view(record->arena, view, &value, &err)) {
        gt_record_deny(record, 422, place, "%s", err.text);
        return;
    }
    if (value->type != GT_VALUE_OBJECT) {
        gt_record_deny(record, 422, place, "must be a JSON object, is %s", gt_value_type_name(value));
        return;
    }
    gt_check check = {.arena = record->arena};
    if (gt_template_parse(&check, NULL, value, GT_LAYER_EVENT, layer))
        return;
    for (const gt_finding *f = check.first; f != NULL; f = f->next)
        if (f->error)
            deny_finding(record, place, f);
}

/* ---- annotations ---- */

static void warn_unknown(gt_record *record, const gt_pointer *place, gt_str key)
{
    enum { FAR = 4 };
    size_t best = FAR;
    const char *nearest = NULL;
    for (size_t i = 0; i < ROWS; i++) {
        size_t distance = gt_str_distance(key, gt_str_of(rows[i].key), best - 1);
        if (distance < best) {
            best = distance;
            nearest = rows[i].key;
        }
    }
    if (nearest != NULL)
        gt_record_warn(record, place, "unknown, did you mean " GT_EVENT_PREFIX "%s?", nearest);
    else
        gt_record_warn(record, place, "unknown, has no effect");
}

static void parse_one(gt_record *record, const gt_policy *policy, const gt_pointer *place, const event_row *row,
                      gt_view value, gt_layer *layer)
{
    if (!gt_policy_allows_event(policy, row->key))
        gt_record_deny(record, 403, place,
                       "the town's policy doesn't allow the event annotation %s (spec.policy.eventOverrides)",
                       row->key);
    else if (gt_view_type_of(value) != GT_VIEW_STRING || gt_view_has_nul(value))
        gt_record_deny(record, 422, place, "must be a string without NUL");
    else if (row->kind == TEMPLATE)
        parse_template(record, place, gt_view_str(value), layer);
    else if (!parses(row->kind, gt_view_str(value))) {
        gt_buf shown;
        gt_buf_init(&shown, record->arena, 64);
        gt_view_show(&shown, value, 60);
        gt_record_deny(record, 422, place, "\"%s\" is not %s", shown.at, wanted(row->kind));
    } else
        apply(record->arena, row, gt_view_str(value), layer);
}

/* Our own annotations; a key that is nearly one of them is a slip. */
static void warn_near_miss(gt_record *record, const gt_pointer *place, gt_str key)
{
    static const char *const known[] = {
#define X(key, what) key,
        GT_ANNOTATIONS(X)
#undef X
    };
    enum { NEAR = 2 };
    gt_str name = {key.at + strlen("gastown.io/"), key.len - strlen("gastown.io/")};
    const char *nearest = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gt_str_is(name, known[i]))
            return;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gt_str_distance(name, gt_str_of(known[i]), NEAR) <= NEAR)
            nearest = known[i];
    if (nearest != NULL)
        gt_record_warn(record, place, "unknown, did you mean gastown.io/%s?", nearest);
}

/* One pass over the annotations: the template, or everything else. */
static void parse_pass(gt_record *record, const gt_policy *policy, gt_view annotations, gt_layer *layer, bool templates)
{
    const size_t prefix = sizeof GT_EVENT_PREFIX - 1;
    gt_pointer metadata = gt_member(NULL, "metadata"), list = gt_member(&metadata, "annotations");
    GT_VIEW_EACH (member, annotations) {
        gt_str key = gt_view_key(member);
        gt_pointer place = gt_member_str(&list, key);
        if (gt_str_starts(key, "gastown.io/") && !templates)
            warn_near_miss(record, &place, key);
        if (!gt_str_starts(key, GT_EVENT_PREFIX))
            continue;
        gt_str name = {key.at + prefix, key.len - prefix};
        const event_row *row = row_of(name);
        if (row == NULL && !templates)
            warn_unknown(record, &place, name);
        else if (row != NULL && (row->kind == TEMPLATE) == templates && gt_view_exists(member))
            parse_one(record, policy, &place, row, member, layer);
    }
}

void gt_event_parse(gt_record *record, const gt_policy *policy, gt_view annotations, gt_layer *layer)
{
    parse_pass(record, policy, annotations, layer, true); /* first: single keys beat the template */
    parse_pass(record, policy, annotations, layer, false);
}
