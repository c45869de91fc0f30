/* Which object claims which place. */
#include "injector/inside.h"

static const gt_str NONE = {"", 0};

gt_str gt_places_key(gt_arena *arena, const char *what, gt_str a, gt_str b, gt_str c)
{
    gt_buf key;
    gt_buf_init(&key, arena, a.len + b.len + c.len + 16);
    gt_buf_text(&key, what);
    const gt_str parts[] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        gt_buf_byte(&key, '\0');
        gt_buf_str(&key, parts[i]);
    }
    return gt_buf_slice(&key);
}

static gt_str place_key(gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role)
{
    static const char *const what[GT_KIND_COUNT] = {"town", "rig", "pool", "account", NULL};
    bool of_rig = kind == GT_KIND_RIG || kind == GT_KIND_POOL;
    return gt_places_key(arena, what[kind], ns, of_rig ? rig : NONE, kind == GT_KIND_POOL ? role : NONE);
}

static bool is_nameless(const gt_object *o)
{
    return (o->kind == GT_KIND_RIG && o->spec_name.len == 0) ||
           (o->kind == GT_KIND_POOL && (o->spec_name.len == 0 || o->role.len == 0));
}

void gt_places_file(gt_build *b, gt_object *object)
{
    gt_snapshot *s = b->s;
    s->objects += !object->broken && object->kind <= GT_KIND_POOL;
    if (object->kind == GT_KIND_CLASS) {
        object->next = gt_map_put(&s->classes, object->name, object);
        return;
    }
    gt_str key = place_key(b->scratch, object->kind, object->ns, object->spec_name, object->role);
    object->next = gt_map_get(&s->places, key);
    if (object->next == NULL)
        key.at = gt_arena_dup(s->arena, key.at, key.len);
    gt_map_put(&s->places, key, object); /* the first one's key stays */
    gt_map_put(&s->namespaces, object->ns, s);
    if (object->kind == GT_KIND_RIG || object->kind == GT_KIND_POOL)
        object->next_of_rig = gt_map_put(&b->of_rigs, object->spec_name, object);
    b->any_nameless = b->any_nameless || is_nameless(object);
}

/* A broken rig or pool that doesn't say what it is for contends for no place: pods wait for each of them. */
const gt_object *gt_places_holder(const gt_snapshot *s, gt_arena *arena, const gt_object *object)
{
    if (object->kind == GT_KIND_CLASS)
        return gt_map_get(&s->classes, object->name);
    if (is_nameless(object))
        return NULL;
    return gt_map_get(&s->places, place_key(arena, object->kind, object->ns, object->spec_name, object->role));
}

size_t gt_places_claimants(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                           const gt_object *found[2])
{
    size_t n = 0;
    const gt_str spaces[] = {ns, NONE};
    for (int i = 0; i < (ns.len > 0 ? 2 : 1); i++) {
        const gt_object *o = gt_map_get(&s->places, place_key(arena, kind, spaces[i], rig, role));
        for (; o != NULL && n < 2; o = o->next)
            found[n++] = o;
    }
    return n;
}

gt_lookup gt_places_pick(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                         const gt_object **object, gt_str *message)
{
    const gt_object *found[2] = {NULL, NULL};
    size_t n = gt_places_claimants(s, arena, kind, ns, rig, role, found);
    *object = found[0];
    if (n == 0)
        return GT_LOOKUP_FOUND;
    if (n > 1) {
        static const char *const what[GT_KIND_COUNT] = {"are both the town of this namespace", "both claim this rig",
                                                        "are both the pool of this rig and role",
                                                        "are both the default account of this namespace", NULL};
        *message = gt_str_of(gt_arena_printf(arena, "%s (%.*s) and %s (%.*s) %s: keep one", found[1]->title.at,
                                             GT_STR_ARG(found[1]->file), found[0]->title.at, GT_STR_ARG(found[0]->file),
                                             what[kind]));
        return GT_LOOKUP_CONFLICT;
    }
    if (!found[0]->broken)
        return GT_LOOKUP_FOUND;
    *message =
        gt_str_of(gt_arena_printf(arena, "%s has errors and no earlier version of it is known", found[0]->title.at));
    return GT_LOOKUP_BROKEN;
}

gt_lookup gt_places_pick_town(const gt_snapshot *s, gt_arena *arena, gt_str ns, const gt_object **town, gt_str *message)
{
    if (s->unreadable.len > 0) {
        *message = gt_str_of(
            gt_arena_printf(arena, "%.*s can't be read: what it holds is unknown", GT_STR_ARG(s->unreadable)));
        return GT_LOOKUP_BROKEN;
    }
    gt_lookup status = gt_places_pick(s, arena, GT_KIND_TOWN, ns, NONE, NONE, town, message);
    if (status == GT_LOOKUP_FOUND && *town == NULL) {
        *message = GT_STR("there is no GasTown in this namespace");
        return GT_LOOKUP_NO_TOWN;
    }
    return status;
}
