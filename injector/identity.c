#include "injector/identity.h"

#include <ctype.h>

#include "injector/roles.h"
#include "lib/base/hash.h"
#include "lib/kube/names.h"

enum { HASH_DIGITS = 8, RAW_MOST = 1024 };

typedef bool (*alphabet)(unsigned char c);

static bool in_label(unsigned char c)
{
    return isalnum(c) || c == '-' || c == '_' || c == '.';
}

static bool in_dns(unsigned char c)
{
    return islower(c) || isdigit(c) || c == '-';
}

static gt_str trimmed(gt_str s)
{
    while (s.len > 0 && strchr("-_.", s.at[0]) != NULL)
        s = (gt_str){s.at + 1, s.len - 1};
    while (s.len > 0 && strchr("-_.", s.at[s.len - 1]) != NULL)
        s.len--;
    return s;
}

/* Illegal bytes as '-', trimmed. isalnum is the C locale's: main never calls setlocale. */
static gt_str replaced(gt_arena *arena, gt_str raw, alphabet legal)
{
    char *copy = gt_arena_dup(arena, raw.at, raw.len);
    for (size_t i = 0; i < raw.len; i++)
        if (!legal((unsigned char)copy[i]))
            copy[i] = '-';
    return trimmed((gt_str){copy, raw.len});
}

static gt_str with_hash(gt_arena *arena, gt_str name, size_t most, gt_str hashed)
{
    char digits[HASH_DIGITS + 1];
    gt_sha256_hex(hashed, digits, HASH_DIGITS);
    if (name.len > most - HASH_DIGITS - 1)
        name = trimmed((gt_str){name.at, most - HASH_DIGITS - 1});
    if (name.len == 0)
        return (gt_str){gt_arena_dup(arena, digits, HASH_DIGITS), HASH_DIGITS};
    return gt_str_of(gt_arena_printf(arena, "%.*s-%s", GT_STR_ARG(name), digits));
}

gt_str gt_label_of(gt_arena *arena, gt_str raw)
{
    if (raw.len > 0 && gt_is_label_value(raw))
        return (gt_str){gt_arena_dup(arena, raw.at, raw.len), raw.len};
    return with_hash(arena, replaced(arena, raw, in_label), GT_LABEL_VALUE_MAX, raw);
}

static gt_str lower(gt_arena *arena, gt_str s)
{
    char *copy = gt_arena_dup(arena, s.at, s.len);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return (gt_str){copy, s.len};
}

static bool has_dash(gt_str s)
{
    return memchr(s.at, '-', s.len) != NULL;
}

gt_str gt_pod_name_of(gt_arena *arena, gt_str rig, gt_str role, gt_str agent)
{
    gt_buf raw, hashed;
    gt_buf_init(&raw, arena, rig.len + role.len + agent.len + 8);
    gt_buf_text(&raw, "gt-");
    gt_buf_str(&raw, rig);
    gt_buf_byte(&raw, '-');
    gt_buf_str(&raw, role);
    gt_buf_byte(&raw, '-');
    gt_buf_str(&raw, agent);
    gt_str name = replaced(arena, lower(arena, gt_buf_slice(&raw)), in_dns);
    bool same = gt_str_eq(name, gt_buf_slice(&raw)) && name.len <= GT_DNS_LABEL_MAX;
    if (same && !has_dash(rig) && !has_dash(role))
        return name;
    gt_buf_init(&hashed, arena, rig.len + role.len + agent.len + 2);
    gt_buf_str(&hashed, rig);
    gt_buf_byte(&hashed, '\0');
    gt_buf_str(&hashed, role);
    gt_buf_byte(&hashed, '\0');
    gt_buf_str(&hashed, agent);
    return with_hash(arena, name, GT_DNS_LABEL_MAX, gt_buf_slice(&hashed));
}

bool gt_role_is_legal(gt_str role)
{
    return gt_is_dns_label(role) && islower((unsigned char)role.at[0]);
}

bool gt_role_is_of_town(gt_str role)
{
    return gt_role_of(role)->of_town;
}

/* ---- reading a pod ---- */

typedef struct reader {
    gt_record *record;
    gt_view labels, annotations;
    gt_pointer metadata;
} reader;

static void deny(const reader *r, int code, const char *map, const char *key, const char *message, gt_str detail)
{
    gt_pointer list = gt_member(&r->metadata, map), at = gt_member(&list, key);
    gt_record_deny(r->record, code, &at, "%s%.*s", message, GT_STR_ARG(detail));
}

static const gt_str NOTHING = {"", 0};

static gt_str copy(const reader *r, gt_view string)
{
    gt_str text = gt_view_str(string);
    return (gt_str){gt_arena_dup(r->record->arena, text.at, text.len), text.len};
}

/* Neither another type nor a NUL, which every program on the way would read differently. */
static bool check_map(const reader *r, gt_view map, const char *name)
{
    gt_pointer list = gt_member(&r->metadata, name);
    bool good = true;
    if (gt_view_exists(map) && gt_view_type_of(map) != GT_VIEW_OBJECT) {
        gt_record_deny(r->record, 422, &list, "must be an object, is %s", gt_view_type_name(gt_view_type_of(map)));
        return false;
    }
    GT_VIEW_EACH (member, map) {
        gt_str key = gt_view_key(member);
        if (!gt_view_has_nul(member) && !gt_view_key_has_nul(member))
            continue;
        if (memmem(key.at, key.len, "gastown.io/", strlen("gastown.io/")) == NULL)
            continue;
        gt_pointer at = gt_member_str(&list, key);
        gt_record_deny(r->record, 422, &at, "holds a NUL character");
        good = false;
    }
    return good;
}

/* The value of one of the identity's labels, or false after a denial. */
static bool read_label(const reader *r, const char *key, gt_str *value)
{
    gt_view label = gt_view_get(r->labels, key);
    if (!gt_view_exists(label)) {
        deny(r, 422, "labels", key, "the label is missing", NOTHING);
        return false;
    }
    if (gt_view_type_of(label) != GT_VIEW_STRING || gt_view_str(label).len == 0) {
        deny(r, 422, "labels", key, "must be a string that isn't empty", NOTHING);
        return false;
    }
    *value = copy(r, label);
    return true;
}

/* The raw name behind a label: the annotation's, if it sanitises to the label's value, else the label's own. */
static bool read_raw(const reader *r, const char *label, const char *annotation, gt_str *name)
{
    gt_view raw = gt_view_get(r->annotations, annotation);
    gt_str right = gt_label_of(r->record->arena, *name);
    if (!gt_view_exists(raw)) {
        if (gt_str_eq(right, *name))
            return true;
        deny(r, 422, "labels", label,
             "is no label value; write the raw name to " GT_ANNOTATION_RAW_AGENT " (or raw-rig) and label it ", right);
        return false;
    }
    if (gt_view_type_of(raw) != GT_VIEW_STRING || gt_view_str(raw).len == 0) {
        deny(r, 422, "annotations", annotation, "must be a string that isn't empty", NOTHING);
        return false;
    }
    if (gt_view_str(raw).len > RAW_MOST) { /* it goes into the environment, several times */
        deny(r, 422, "annotations", annotation, "must have at most 1024 bytes", NOTHING);
        return false;
    }
    right = gt_label_of(r->record->arena, gt_view_str(raw));
    if (!gt_str_eq(right, *name)) {
        deny(r, 403, "annotations", annotation, "is forged: this raw name's label is ", right);
        return false;
    }
    *name = copy(r, raw);
    return true;
}

static bool read_rig(const reader *r, const gt_policy *policy, gt_identity *id)
{
    id->has_rig = gt_view_exists(gt_view_get(r->labels, GT_LABEL_RIG));
    if (id->has_rig) {
        if (!read_label(r, GT_LABEL_RIG, &id->rig) || !read_raw(r, GT_LABEL_RIG, GT_ANNOTATION_RAW_RIG, &id->rig))
            return false;
        if (!gt_str_is(id->rig, GT_TOWN_RIG) || gt_policy_is_rigless(policy, id->role))
            return true;
        deny(r, 422, "labels", GT_LABEL_RIG, "the rig " GT_TOWN_RIG " is reserved for mayor, deacon and dogs", NOTHING);
        return false;
    }
    id->rig = GT_STR(GT_TOWN_RIG);
    if (gt_view_exists(gt_view_get(r->annotations, GT_ANNOTATION_RAW_RIG)))
        deny(r, 403, "annotations", GT_ANNOTATION_RAW_RIG, "is forged: there is no label " GT_LABEL_RIG, NOTHING);
    else if (!gt_policy_is_rigless(policy, id->role))
        deny(r, 422, "labels", GT_LABEL_RIG, "the label is missing; this role needs a rig: ", id->role);
    else
        return true;
    return false;
}

bool gt_identity_is_ours(gt_view pod)
{
    return gt_view_exists(gt_view_get(gt_view_get(gt_view_get(pod, "metadata"), "labels"), GT_LABEL_AGENT));
}

bool gt_identity_is_mirror(gt_view pod)
{
    gt_view annotations = gt_view_get(gt_view_get(pod, "metadata"), "annotations");
    return gt_view_exists(gt_view_get(annotations, GT_ANNOTATION_MIRROR));
}

bool gt_identity_read(gt_record *record, const gt_policy *policy, gt_view pod, gt_identity *id)
{
    gt_view metadata = gt_view_get(pod, "metadata");
    reader r = {.record = record,
                .labels = gt_view_get(metadata, "labels"),
                .annotations = gt_view_get(metadata, "annotations"),
                .metadata = gt_member(NULL, "metadata")};
    *id = (gt_identity){.has_rig = false};
    bool good = check_map(&r, r.labels, "labels");
    good = check_map(&r, r.annotations, "annotations") && good;
    if (!good)
        return false;
    good =
        read_label(&r, GT_LABEL_AGENT, &id->agent) && read_raw(&r, GT_LABEL_AGENT, GT_ANNOTATION_RAW_AGENT, &id->agent);
    bool role = read_label(&r, GT_LABEL_ROLE, &id->role);
    if (role && !gt_role_is_legal(id->role)) {
        deny(&r, 422, "labels", GT_LABEL_ROLE, "must be a lower-case word ([a-z]([a-z0-9-]*[a-z0-9])?, at most 63)",
             NOTHING);
        role = false;
    }
    if (!role && !gt_view_exists(gt_view_get(r.labels, GT_LABEL_RIG)))
        return false; /* whether a rig is needed depends on the role */
    good = read_rig(&r, policy, id) && role && good;
    if (!good)
        return false;
    gt_str pod_name = gt_pod_name_of(record->arena, id->rig, id->role, id->agent);
    id->claim = gt_str_of(gt_arena_printf(record->arena, "%s-workspace", pod_name.at));
    return true;
}
