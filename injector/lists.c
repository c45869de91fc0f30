/* Lists that have rules of their own: env, keyed lists, mounts, volumes, containers.
 *
 * Indices: replacing keeps them, appending keeps them, so those come in any order; removing goes from the last to the first; inserting
 * containers comes after everything else (gt_insert_containers). */
#include <stdlib.h>

#include "injector/inject.h"
#include "injector/same.h"
#include "injector/template.h"
#include "injector/variables.h"
#include "lib/base/map.h"
#include "lib/base/show.h"

static const gt_str NO_KEY = {"", 0};

static const gt_pointer *element_at(gt_walk *walk, const gt_pointer *list, size_t i, gt_str label)
{
    return gt_pointer_keep(walk->arena, gt_labelled(list, i, label));
}

static void append(gt_walk *walk, const gt_want *want, const gt_pointer *list)
{
    gt_ensure_whole(walk, want, gt_pointer_keep(walk->arena, gt_end(list)));
}

/* ---- keyed lists ---- */

/* Members that Kubernetes fills in count as their default; null and "" as not there, on both sides. */
static bool same_key(gt_view have, const gt_value *want, const char *key)
{
    bool unset = !gt_view_exists(have) || gt_view_is(have, "");
    if (gt_value_is(want, ""))
        want = NULL;
    static const struct {
        const char *key, *value;
    } defaults[] = {{"operator", "Equal"}, {"protocol", "TCP"}};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        if (strcmp(key, defaults[i].key) != 0)
            continue;
        if (unset)
            return want == NULL || gt_value_is(want, defaults[i].value);
        if (want == NULL)
            return gt_view_is(have, defaults[i].value);
    }
    return want == NULL ? unset : gt_same(have, want, gt_str_of(key));
}

static bool same_element(gt_view have, const gt_value *want, const char *const *keys)
{
    for (int i = 0; i < GT_WANT_KEYS && keys[i] != NULL; i++)
        if (!same_key(gt_view_get(have, keys[i]), gt_value_given(want, keys[i]), keys[i]))
            return false;
    return gt_view_type_of(have) == GT_VIEW_OBJECT;
}

/* Finds an element for a want that no other want has: `exact` wants it equal, else the same keys are enough. */
static bool find_element(const gt_want *want, gt_view have, const char *const *keys, bool *used, bool exact,
                         gt_view *found, size_t *at)
{
    size_t i = 0;
    GT_VIEW_EACH (element, have) {
        size_t n = i++;
        if (used[n] || !same_element(element, want->value, keys) || (exact && !gt_same(element, want->value, NO_KEY)))
            continue;
        *found = element;
        *at = n;
        used[n] = true;
        return true;
    }
    return false;
}

void gt_ensure_keyed(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place)
{
    bool *used = GT_NEW_N(walk->arena, bool, gt_view_count(have));
    for (const gt_want *want = list->first; want != NULL; want = want->next) {
        gt_view found;
        size_t at;
        bool exact = find_element(want, have, list->keys, used, true, &found, &at);
        if (exact || find_element(want, have, list->keys, used, false, &found, &at))
            gt_ensure_leaf(walk, want, found, element_at(walk, place, at, want->name), exact);
        else
            append(walk, want, place);
    }
}

/* ---- mounts ---- */

void gt_ensure_mounts(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place)
{
    for (const gt_want *want = list->first; want != NULL; want = want->next) {
        gt_view found = {NULL};
        size_t i = 0, at = 0;
        GT_VIEW_EACH (mount, have) {
            if (found.node == NULL && gt_same_path(walk->arena, gt_view_get(mount, "mountPath"), want->name)) {
                found = mount;
                at = i;
            }
            i++;
        }
        if (found.node == NULL) {
            append(walk, want, place);
            continue;
        }
        gt_ensure_leaf(walk, want, found, element_at(walk, place, at, want->name), gt_same_mount(found, want->value));
    }
}

/* ---- volumes ---- */

static gt_str source_of(const gt_value *volume)
{
    GT_VALUE_EACH (member, volume)
        if (!gt_str_is(member->key, "name"))
            return member->key;
    return GT_STR("emptyDir"); /* what a volume without a source is */
}

static gt_str source_of_view(gt_view volume)
{
    GT_VIEW_EACH (member, volume)
        if (!gt_str_is(gt_view_key(member), "name") && gt_view_exists(member))
            return gt_view_key(member);
    return GT_STR("emptyDir");
}

static bool has_source(gt_view volume)
{
    GT_VIEW_EACH (member, volume)
        if (!gt_str_is(gt_view_key(member), "name") && gt_view_exists(member))
            return true;
    return false;
}

static void refuse_volume(gt_walk *walk, const gt_want *want, gt_view found, const gt_pointer *at)
{
    gt_str ours = source_of(want->value), theirs = source_of_view(found);
    gt_buf shown;
    gt_buf_init(&shown, walk->arena, 64);
    gt_show_text(&shown, theirs, 60);
    if (gt_str_eq(ours, theirs))
        gt_record_deny(walk->record, 422, at,
                       "the volume name %.*s is taken: ours and the pod's own are both %.*s, but not the same one",
                       GT_STR_ARG(want->name), GT_STR_ARG(ours));
    else
        gt_record_deny(walk->record, 422, at,
                       "the volume name %.*s is taken: ours is %.*s, the pod's own is %s; rename yours",
                       GT_STR_ARG(want->name), GT_STR_ARG(ours), shown.at);
}

void gt_ensure_volumes(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place)
{
    for (const gt_want *want = list->first; want != NULL; want = want->next) {
        size_t i = 0;
        bool found = false;
        GT_VIEW_EACH (volume, have) {
            const size_t at = i++;
            if (found || !gt_same_text(gt_view_get(volume, "name"), want->name))
                continue;
            found = true;
            const gt_pointer *element = element_at(walk, place, at, want->name);
            bool bare = !has_source(volume) && gt_str_is(source_of(want->value), "emptyDir");
            if (bare || gt_same(volume, want->value, NO_KEY))
                gt_record_decide(walk->record, element, GT_ACTION_KEEP, want->value, volume, want->from);
            else
                refuse_volume(walk, want, volume, element);
        }
        if (!found)
            append(walk, want, place);
    }
}

/* ---- env ---- */

/* A wanted name, and what the client's list has of it. */
typedef struct slot {
    const gt_want *want;
    size_t rank;   /* in the order that we want */
    size_t after;  /* how many of the client's entries must stand before it: it refers to the last of them */
    size_t before; /* how many do */
    bool kept;
    gt_view old; /* a client's entry that differs, for the warning */
} slot;

typedef struct env_walk {
    gt_walk *walk;
    gt_map slots; /* by name */
    gt_map
        strays; /* names that say who an agent is and that this role hasn't; on the agent's container alone identity is guarded */
    gt_map theirs; /* the client's own names, each with a pointer to its last place among them, counted from 1 */
    size_t their_entries;
    bool refers;   /* any of ours refers to something: else nobody asks for theirs */
    slot *ordered; /* by rank */
    size_t wanted, count;
    slot *checking;
    size_t place;   /* of a client's entry, counted from 1 */
    bool too_early; /* it refers to an entry of ours that could stand before it, and won't */
} env_walk;

static void refers(void *context, gt_str name)
{
    env_walk *e = context;
    const slot *other = gt_map_get(&e->slots, name);
    const size_t *place = other == NULL ? gt_map_get(&e->theirs, name) : &other->after;
    if (place != NULL && *place > e->checking->after)
        e->checking->after = *place;
}

static int compare_slots(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    if (x->after != y->after)
        return x->after < y->after ? -1 : 1;
    return x->rank < y->rank ? -1 : 1;
}

/* Ranks: ours in order, those that refer to the client's by where that stands. */
static void rank(env_walk *e, const gt_want *list)
{
    e->ordered = GT_NEW_N(e->walk->arena, slot, e->wanted);
    size_t n = 0;
    for (const gt_want *want = list->first; want != NULL; want = want->next, n++) {
        e->ordered[n] = (slot){.want = want, .rank = n};
        gt_map_put(&e->slots, want->name, &e->ordered[n]);
    }
    for (size_t i = 0; i < n && e->theirs.count > 0; i++) {
        e->checking = &e->ordered[i];
        gt_env_references(e->checking->want->value, refers, e);
    }
    if (n > 1)
        qsort(e->ordered, n, sizeof *e->ordered, compare_slots);
    for (size_t i = 0; i < n; i++) {
        e->ordered[i].rank = i;
        gt_map_put(&e->slots, e->ordered[i].want->name, &e->ordered[i]);
    }
}

static void note_strays(env_walk *e)
{
    for (int i = 0; i < GT_VARIABLE_COUNT; i++) {
        gt_str name = gt_str_of(gt_variables[i].name);
        if (gt_variables[i].reserved && gt_map_get(&e->slots, name) == NULL)
            gt_map_put(&e->strays, name, e);
    }
}

static bool is_stray(const env_walk *e, gt_str name)
{
    return gt_map_get(&e->strays, name) != NULL;
}

/* Kubernetes takes the last of two equal names, so every entry with a managed name goes but one that is right and in its place: behind
 * what it refers to; `tidy`: and nowhere else. gone[i] says which of the client's entries go. */
static void choose(env_walk *e, gt_view have, bool *gone, bool tidy)
{
    size_t i = 0, next_rank = 0, theirs_seen = 0;
    for (size_t n = 0; n < e->wanted; n++) {
        e->ordered[n].kept = false;
        e->ordered[n].old = (gt_view){NULL};
    }
    GT_VIEW_EACH (entry, have) {
        slot *s = gt_map_get(&e->slots, gt_view_name(entry));
        bool stray = is_stray(e, gt_view_name(entry));
        theirs_seen += s == NULL && !stray;
        bool in_place = s != NULL && !s->kept && s->rank >= next_rank && gt_same_env(entry, s->want->value);
        if (in_place)
            in_place = tidy ? theirs_seen == s->after : theirs_seen >= s->after;
        if (in_place) {
            s->kept = true;
            s->before = theirs_seen;
            next_rank = s->rank + 1;
        } else if (s != NULL && !gt_same_env(entry, s->want->value)) {
            s->old = entry;
        }
        gone[i++] = stray || (s != NULL && !in_place);
    }
}

/* What is missing goes right behind the one of ours that comes before it, and behind what it refers to. */
static void put_missing(env_walk *e)
{
    size_t before = 0;
    for (size_t i = 0; i < e->wanted; i++) {
        slot *s = &e->ordered[i];
        if (!s->kept)
            s->before = before > s->after ? before : s->after;
        before = s->before;
    }
}

static void refers_to_missing(void *context, gt_str name)
{
    env_walk *e = context;
    const slot *s = gt_map_get(&e->slots, name);
    if (s != NULL && !s->kept && s->before >= e->place && s->after < e->place)
        e->too_early = true;
}

/* Whether a client's entry would stand before one of ours that it refers to, and needn't. */
static bool someone_waits(env_walk *e, gt_view have)
{
    e->place = 0;
    e->too_early = false;
    GT_VIEW_EACH (entry, have) {
        if (gt_map_get(&e->slots, gt_view_name(entry)) != NULL || is_stray(e, gt_view_name(entry)))
            continue;
        e->place++;
        gt_text_references(gt_view_str(gt_view_get(entry, "value")), refers_to_missing, e);
    }
    return e->too_early;
}

/* A pod that came out of here, and then lost a little. */
static bool is_mostly_there(const env_walk *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->wanted; i++)
        kept += e->ordered[i].kept;
    return kept * 2 > e->wanted;
}

static bool settled(const env_walk *e, const bool *gone)
{
    for (size_t i = 0; i < e->count; i++)
        if (gone[i])
            return false;
    for (size_t i = 0; i < e->wanted; i++)
        if (!e->ordered[i].kept)
            return false;
    return true;
}

static void remove_gone(env_walk *e, gt_view have, const bool *gone, const gt_pointer *place)
{
    for (size_t i = e->count; i-- > 0;)
        if (gone[i])
            gt_record_step(e->walk->record, GT_OP_REMOVE, gt_pointer_keep(e->walk->arena, gt_element(place, i)), NULL);
    GT_VIEW_EACH (entry, have)
        if (is_stray(e, gt_view_name(entry))) {
            const gt_pointer *at = gt_pointer_keep(
                e->walk->arena, gt_view_label(e->walk->arena, gt_element(place, 0), gt_view_get(entry, "name")));
            gt_record_decide(e->walk->record, at, GT_ACTION_REMOVE, NULL, (gt_view){NULL}, gt_from_identity());
            gt_record_warn(e->walk->record, at, "taken out: it says who an agent is, and this role has no such name");
        }
}

static void insert_missing(env_walk *e, const gt_pointer *place)
{
    gt_walk *walk = e->walk;
    for (size_t i = 0; i < e->wanted; i++) {
        const slot *s = &e->ordered[i];
        const gt_pointer *at = element_at(walk, place, i + s->before, s->want->name);
        bool replaces = gt_view_exists(s->old);
        gt_action action = s->kept ? GT_ACTION_KEEP : replaces ? GT_ACTION_REPLACE : GT_ACTION_SET;
        gt_decision *d = gt_record_decide(walk->record, at, action, s->want->value, s->old, s->want->from);
        if (replaces)
            gt_record_warn_replaced(walk->record, d, gt_from_title(walk->arena, walk->injection, &s->want->from), true);
        if (!s->kept)
            gt_record_step(walk->record, GT_OP_ADD, at, s->want->value);
    }
}

static void decide_kept(env_walk *e, const gt_pointer *place)
{
    for (size_t i = 0; i < e->wanted && !e->walk->record->terse; i++) {
        const gt_want *want = e->ordered[i].want;
        gt_record_decide(e->walk->record, element_at(e->walk, place, i, want->name), GT_ACTION_KEEP, want->value,
                         (gt_view){NULL}, want->from);
    }
}

static void note_theirs(env_walk *e, gt_view have)
{
    GT_VIEW_EACH (entry, have) {
        e->count++;
        if (gt_map_get(&e->slots, gt_view_name(entry)) != NULL || is_stray(e, gt_view_name(entry)))
            continue;
        e->their_entries++;
        if (!e->refers)
            continue;
        size_t *place = GT_NEW(e->walk->arena, size_t);
        *place = e->their_entries;
        gt_map_put(&e->theirs, gt_view_name(entry), place);
    }
}

/* Everything right as it stands, whoever put other entries between? Then hands off. Where most is, what is missing goes in among it. Else
 * all of ours stands before the client's, or right behind what it refers to there; what doesn't is taken out and put there. */
static void note_reference(void *context, gt_str name)
{
    env_walk *e = context;
    (void)name;
    e->refers = true;
}

void gt_ensure_env(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place)
{
    env_walk e = {.walk = walk};
    gt_map_init(&e.slots, walk->arena);
    gt_map_init(&e.theirs, walk->arena);
    gt_map_init(&e.strays, walk->arena);
    for (const gt_want *want = list->first; want != NULL; want = want->next, e.wanted++) {
        gt_map_put(&e.slots, want->name, walk);
        gt_env_references(want->value, note_reference, &e);
    }
    if (gt_map_get(&e.slots, GT_STR("GT_ROLE")) != NULL) /* the agent's */
        note_strays(&e);
    note_theirs(&e, have);
    rank(&e, list);
    bool *gone = GT_NEW_N(walk->arena, bool, e.count);
    choose(&e, have, gone, false);
    if (settled(&e, gone)) {
        decide_kept(&e, place);
        return;
    }
    put_missing(&e);
    if (!is_mostly_there(&e) || someone_waits(&e, have)) {
        choose(&e, have, gone, true);
        put_missing(&e);
    }
    remove_gone(&e, have, gone, place);
    insert_missing(&e, place);
}

/* ---- containers ---- */

static gt_view find_container(gt_view list, gt_str name, size_t *index)
{
    size_t i = 0;
    GT_VIEW_EACH (container, list) {
        if (gt_same_text(gt_view_get(container, "name"), name)) {
            *index = i;
            return container;
        }
        i++;
    }
    return (gt_view){NULL};
}

static void edit_container(gt_walk *walk, const gt_want *want, gt_view container, const gt_pointer *place)
{
    const gt_pointer *restart = gt_pointer_keep(walk->arena, gt_member(place, "restartPolicy"));
    if (gt_want_find(want, "restartPolicy") == NULL && gt_view_exists(gt_view_get(container, "restartPolicy")))
        gt_record_deny(walk->record, 422, restart,
                       "the templates say whether a container of ours is started again: take it out");
    for (const gt_want *child = want->first; child != NULL; child = child->next) {
        const gt_pointer *at = gt_pointer_keep(walk->arena, gt_member_str(place, child->name));
        walk->ranged_container = gt_str_is(child->name, "resources") ? want->name : NO_KEY;
        gt_ensure(walk, child, gt_view_get_str(container, child->name), at);
        walk->ranged_container = NO_KEY;
    }
}

void gt_edit_containers(gt_walk *walk, const gt_want *list, const gt_want *other_list, gt_view have,
                        const gt_pointer *place)
{
    size_t i = 0;
    for (const gt_want *want = list->first; want != NULL; want = want->next) {
        gt_view container = find_container(have, want->name, &i);
        if (container.node != NULL)
            edit_container(walk, want, container, element_at(walk, place, i, want->name));
    }
    for (const gt_want *want = other_list->first; want != NULL; want = want->next)
        if (find_container(have, want->name, &i).node != NULL)
            gt_record_deny(walk->record, 422, element_at(walk, place, i, want->name),
                           "the container name %.*s is ours, in %.*s", GT_STR_ARG(want->name),
                           GT_STR_ARG(other_list->name));
}

void gt_insert_containers(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place)
{
    if (list->first == NULL)
        return;
    if (!gt_view_exists(have)) {
        gt_ensure_whole(walk, list, place);
        return;
    }
    size_t next = 0, inserted = 0, i = 0;
    for (const gt_want *want = list->first; want != NULL; want = want->next) {
        if (find_container(have, want->name, &i).node != NULL) {
            next = i + inserted + 1; /* the next of ours goes behind it */
        } else if (want->last_in_list) {
            append(walk, want, place);
        } else {
            gt_ensure_whole(walk, want, element_at(walk, place, next++, want->name));
            inserted++;
        }
    }
}
