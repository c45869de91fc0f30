#include "watcher/event.h"

enum { MAX_DEPTH = 512 };

/* ---- fields ---- */

typedef enum section { TOP, PAYLOAD, ISSUE, SECTIONS } section;

/* Every text that the mapper knows: where it stands and its two spellings. One that isn't a string breaks its line, and so does
 * one that stands there in both spellings. */
#define FIELDS(X)                                                                                                      \
    X(TYPE, TOP, "type", "Type")                                                                                       \
    X(TIME, TOP, "timestamp", "Timestamp")                                                                             \
    X(TS, TOP, "ts", NULL)                                                                                             \
    X(ACTOR, TOP, "actor", "Actor")                                                                                    \
    X(ID, TOP, "issue_id", "IssueID")                                                                                  \
    X(TITLE, TOP, "title", "Title")                                                                                    \
    X(ASSIGNEE, TOP, "assignee", "Assignee")                                                                           \
    X(OLD_STATUS, TOP, "old_status", NULL)                                                                             \
    X(NEW_STATUS, TOP, "new_status", NULL)                                                                             \
    X(ISSUE_TYPE, TOP, "issue_type", NULL)                                                                             \
    X(BEAD, PAYLOAD, "bead", NULL)                                                                                     \
    X(TARGET, PAYLOAD, "target", NULL)                                                                                 \
    X(RIG, PAYLOAD, "rig", NULL)                                                                                       \
    X(POLECAT, PAYLOAD, "polecat", NULL)                                                                               \
    X(ROLE, PAYLOAD, "role", NULL)                                                                                     \
    X(AGENT, PAYLOAD, "agent", NULL)                                                                                   \
    X(SESSION, PAYLOAD, "session", NULL)                                                                               \
    X(INNER_ASSIGNEE, ISSUE, "assignee", "Assignee")                                                                   \
    X(INNER_TYPE, ISSUE, "issue_type", NULL)

typedef enum field_id {
#define X(id, in, name, other) id,
    FIELDS(X)
#undef X
        FIELD_COUNT
} field_id;

static const struct {
    section in;
    const char *name, *other;
} field_table[FIELD_COUNT] = {
#define X(id, in, name, other) {in, name, other},
    FIELDS(X)
#undef X
};

typedef struct fields {
    gt_view object[SECTIONS];
    gt_str text[FIELD_COUNT];
    gt_agent_labels labels;
} fields;

static bool wrong(gt_err *why, const char *name, gt_view value, const char *wanted)
{
    return gt_fail(why, GT_ERR_INPUT, "\"%s\" is %s, not %s", name, gt_view_type_name(gt_view_type_of(value)), wanted);
}

static bool read_text(fields *f, field_id id, gt_err *why)
{
    gt_view object = f->object[field_table[id].in];
    const char *name = field_table[id].name, *other = field_table[id].other;
    gt_view value = gt_view_get(object, name);
    gt_view again = {NULL};
    if (other != NULL)
        again = gt_view_get(object, other);
    if (value.node != NULL && again.node != NULL)
        return gt_fail(why, GT_ERR_INPUT, "\"%s\" in two spellings", name);
    if (value.node == NULL)
        value = again;
    if (gt_view_exists(value) && gt_view_type_of(value) != GT_VIEW_STRING)
        return wrong(why, name, value, "a string");
    f->text[id] = gt_view_str(value);
    return true;
}

static bool read_object(fields *f, section in, const char *name, gt_err *why)
{
    gt_view value = gt_view_get(f->object[TOP], name);
    if (gt_view_exists(value) && gt_view_type_of(value) != GT_VIEW_OBJECT)
        return wrong(why, name, value, "an object");
    f->object[in] = value;
    return true;
}

static bool read_labels(gt_view list, gt_agent_labels *labels, gt_err *why)
{
    if (gt_view_exists(list) && gt_view_type_of(list) != GT_VIEW_ARRAY)
        return wrong(why, "labels", list, "a list");
    GT_VIEW_EACH (label, list) {
        if (gt_view_exists(label) && gt_view_type_of(label) != GT_VIEW_STRING)
            return wrong(why, "labels[]", label, "a string");
        if (gt_view_exists(label))
            gt_agent_label(labels, gt_view_str(label));
    }
    return true;
}

static bool read_fields(gt_view line, fields *f, gt_err *why)
{
    *f = (fields){.object = {[TOP] = line}};
    if (gt_view_type_of(line) != GT_VIEW_OBJECT)
        return gt_fail(why, GT_ERR_INPUT, "the line is %s, not an object", gt_view_type_name(gt_view_type_of(line)));
    if (!read_object(f, PAYLOAD, "payload", why) || !read_object(f, ISSUE, "issue", why))
        return false;
    for (field_id id = 0; id < FIELD_COUNT; id++)
        if (!read_text(f, id, why))
            return false;
    gt_agent_labels inner = {0};
    if (!read_labels(gt_view_get(line, "labels"), &f->labels, why) ||
        !read_labels(gt_view_get(f->object[ISSUE], "labels"), &inner, why))
        return false;
    if (f->labels.count == 0)
        f->labels = inner;
    if (f->text[ISSUE_TYPE].len == 0)
        f->text[ISSUE_TYPE] = f->text[INNER_TYPE];
    return true;
}

/* ---- who ---- */

static bool by_target_address(const fields *f, gt_agent *agent)
{
    return gt_agent_of_address(f->text[TARGET], agent);
}

static bool by_actor(const fields *f, gt_agent *agent)
{
    return gt_agent_of_address(f->text[ACTOR], agent);
}

static bool by_words(const fields *f, gt_agent *agent)
{
    const gt_str *t = f->text;
    if (t[RIG].len == 0)
        return false;
    if (t[POLECAT].len > 0 && gt_agent_make(t[RIG], GT_STR("polecat"), t[POLECAT], agent))
        return true;
    return t[ROLE].len > 0 && t[AGENT].len > 0 && gt_agent_make(t[RIG], t[ROLE], t[AGENT], agent);
}

static bool by_session(const fields *f, gt_agent *agent)
{
    return gt_agent_of_address(f->text[AGENT], agent) || gt_agent_of_session(f->text[SESSION], agent) ||
           gt_agent_of_address(f->text[ACTOR], agent) || gt_agent_of_session(f->text[ACTOR], agent);
}

/* A bare name needs a rig, and what stands there may be a bead's id: that always holds a dash, and gt refuses one in a rig. */
static bool by_target(const fields *f, gt_agent *agent)
{
    gt_str target = f->text[TARGET], rig = f->text[RIG];
    if (target.len == 0)
        return false;
    if (memchr(target.at, '/', target.len) != NULL || gt_str_is(target, "mayor") || gt_str_is(target, "deacon"))
        return gt_agent_of_address(target, agent);
    return rig.len > 0 && memchr(rig.at, '-', rig.len) == NULL && gt_agent_of_pair(rig, target, agent);
}

static const struct {
    const char *type;
    gt_lifecycle lifecycle;
    bool (*who)(const fields *f, gt_agent *agent);
} types[] = {
    {"sling", GT_LIFE_SPAWN, by_target_address},  {"hook", GT_LIFE_SPAWN, by_actor},
    {"spawn", GT_LIFE_SPAWN, by_words},           {"done", GT_LIFE_DONE, by_actor},
    {"unhook", GT_LIFE_DONE, by_actor},           {"kill", GT_LIFE_KILL, by_target},
    {"session_death", GT_LIFE_KILL, by_session},  {"escalation_sent", GT_LIFE_STUCK, by_target},
    {"polecat_nudged", GT_LIFE_STUCK, by_target},
};

static const struct {
    const char *status;
    gt_lifecycle lifecycle;
} statuses[] = {
    {"in_progress", GT_LIFE_SPAWN},
    {"hooked", GT_LIFE_SPAWN},
    {"closed", GT_LIFE_DONE},
};

/* A status line is about an agent's bead or about hooked work; its actor and its message name nobody. */
static bool read_status(const fields *f, gt_event *event)
{
    const gt_str *t = f->text;
    size_t n = 0, last = sizeof statuses / sizeof statuses[0];
    while (n < last && !gt_str_is(t[NEW_STATUS], statuses[n].status))
        n++;
    if (n == last)
        return false;
    event->lifecycle = statuses[n].lifecycle;
    event->bead = t[ID];
    bool is_agents = f->labels.marked || gt_str_is(t[ISSUE_TYPE], "agent");
    gt_agent ignored;
    if (!is_agents && f->labels.count == 0)
        is_agents = gt_agent_of_id(t[ID], false, &ignored);
    event->bead_is_own = is_agents;
    if (is_agents)
        return gt_agent_of_bead(t[ID], &f->labels, &event->agent);
    if (!gt_str_is(t[OLD_STATUS], "hooked") && !gt_str_is(t[NEW_STATUS], "hooked"))
        return false;
    if (!gt_agent_of_address(t[ASSIGNEE], &event->agent) && !gt_agent_of_address(t[INNER_ASSIGNEE], &event->agent))
        return false;
    return event->lifecycle != GT_LIFE_DONE || gt_str_is(event->agent.role, "polecat");
}

static bool read_event(const fields *f, gt_event *event)
{
    const gt_str *t = f->text;
    *event = (gt_event){.type = t[TYPE], .payload = f->object[PAYLOAD]};
    if (gt_str_is(t[TYPE], "status"))
        return read_status(f, event);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (gt_str_is(t[TYPE], types[i].type)) {
            event->lifecycle = types[i].lifecycle;
            event->bead = t[BEAD].len > 0 ? t[BEAD] : t[ID];
            return types[i].who(f, &event->agent);
        }
    return false;
}

const char *gt_lifecycle_name(gt_lifecycle lifecycle)
{
    static const char *const names[GT_LIFECYCLES] = {"spawn", "done", "kill", "stuck"};
    return names[lifecycle];
}

/* ---- lines ---- */

static bool is_blank(gt_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] != ' ' && s.at[i] != '\t' && s.at[i] != '\r')
            return false;
    return true;
}

/* Event stream framing (HTML standard, "Parsing an event stream"): a field is "name" or "name:value", ":" starts a comment.
 * Takes "data:" off the line; false: nothing is left to read. */
static bool unframe(gt_str *line)
{
    static const char *const others[] = {"id", "event", "retry", "data"};
    if (gt_str_starts(*line, "data:")) {
        *line = (gt_str){line->at + strlen("data:"), line->len - strlen("data:")};
        return !is_blank(*line);
    }
    const char *colon = line->len == 0 ? NULL : memchr(line->at, ':', line->len);
    gt_str name = {line->at, colon == NULL ? line->len : (size_t)(colon - line->at)};
    if (colon == NULL && name.len > 0 && name.at[name.len - 1] == '\r')
        name.len--;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (gt_str_is(name, others[i]))
            return false;
    return colon != line->at && !is_blank(*line);
}

/* A \u0000 anywhere in well-formed JSON: there a backslash stands in strings only, and always in front of what it escapes. */
static bool has_nul_escape(gt_str json)
{
    for (size_t i = 0; i + 1 < json.len; i++) {
        if (json.at[i] != '\\')
            continue;
        if (json.len - i >= 6 && memcmp(json.at + i, "\\u0000", 6) == 0)
            return true;
        i++;
    }
    return false;
}

typedef struct reading {
    gt_arena *arena;
    gt_str line;
    gt_event *event;
    bool mapped;
} reading;

static bool read_line(void *context, gt_err *why)
{
    reading *r = context;
    gt_view json;
    fields f;
    size_t valid = gt_str_utf8_len(r->line);
    if (valid < r->line.len)
        return gt_fail(why, GT_ERR_INPUT, "byte %zu: invalid UTF-8", valid + 1);
    if (r->line.len > 0 && memchr(r->line.at, '\0', r->line.len) != NULL)
        return gt_fail(why, GT_ERR_INPUT, "NUL character");
    if (!unframe(&r->line))
        return true;
    if (!gt_view_parse(r->arena, r->line, MAX_DEPTH, &json, why))
        return false;
    if (has_nul_escape(r->line))
        return gt_fail(why, GT_ERR_INPUT, "NUL character in a string");
    if (!read_fields(json, &f, why))
        return false;
    r->mapped = read_event(&f, r->event);
    return true;
}

gt_line_kind gt_event_read(gt_arena *arena, gt_str line, gt_event *event, gt_err *why)
{
    reading r = {.arena = arena, .line = line, .event = event};
    if (!gt_arena_try(arena, read_line, &r, why))
        return GT_LINE_BROKEN;
    return r.mapped ? GT_LINE_MAPPED : GT_LINE_NOTHING;
}
