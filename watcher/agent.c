/* The rules are the contract's (docs: "Mapping, exactly", 2 and 5 to 10). Where two readings of a text are possible the stricter
 * one counts: an agent that isn't recognised is found by the next listing, one that is made up costs a pod. */
#include "watcher/agent.h"

#include "injector/identity.h"

typedef enum naming { NAMED, BY_OWN_WORD, BY_HQ } naming;

typedef struct role {
    const char *word, *plural;
    naming naming;
    bool in_ids; /* may stand behind prefix and rig in a bead's id */
} role;

static const role roles[] = {
    {"polecat", "polecats", NAMED, true},
    {"crew", "crews", NAMED, true},
    {"dog", "dogs", NAMED, false},
    {"witness", "witnesses", BY_OWN_WORD, true},
    {"refinery", "refineries", BY_OWN_WORD, true},
    {"mayor", "mayors", BY_HQ, false},
    {"deacon", "deacons", BY_HQ, false},
};
enum { ROLES = sizeof roles / sizeof roles[0] };

static const role *role_of(gt_str word)
{
    for (size_t i = 0; i < ROLES; i++)
        if (gt_str_is(word, roles[i].word) || gt_str_is(word, roles[i].plural))
            return &roles[i];
    return NULL;
}

/* Unicode's Cc: C0, DEL, and C1, which is C2 80 to C2 9F. */
static bool has_control(gt_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < s.len && (unsigned char)s.at[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static bool is_part(gt_str s)
{
    return s.len > 0 && !gt_str_is(s, ".") && !gt_str_is(s, "..") && memchr(s.at, '/', s.len) == NULL &&
           !has_control(s);
}

static bool is_rig(gt_str s)
{
    return is_part(s) && !gt_str_is(s, "mayor") && !gt_str_is(s, "deacon");
}

bool gt_agent_make(gt_str rig, gt_str word, gt_str name, gt_agent *agent)
{
    const role *known = role_of(word);
    if (known == NULL && !gt_role_is_legal(word))
        return false;
    if (known != NULL && known->naming == BY_HQ) {
        *agent = (gt_agent){GT_STR(GT_TOWN_RIG), gt_str_of(known->word), GT_STR("hq")};
        return true;
    }
    gt_str singular = known == NULL ? word : gt_str_of(known->word);
    if (known != NULL && known->naming == BY_OWN_WORD)
        name = singular;
    if (gt_str_is(singular, "dog") && rig.len == 0)
        rig = GT_STR(GT_TOWN_RIG);
    if (!is_rig(rig) || !is_part(name))
        return false;
    *agent = (gt_agent){rig, singular, name};
    return true;
}

/* ---- addresses ---- */

/* Cuts s at its first `by`: what is before, and what is behind goes back to *s. False: there is none, *s stays. */
static bool cut(gt_str *s, char by, gt_str *before)
{
    const char *at = s->len == 0 ? NULL : memchr(s->at, by, s->len);
    if (at == NULL)
        return false;
    *before = (gt_str){s->at, (size_t)(at - s->at)};
    *s = (gt_str){at + 1, s->len - before->len - 1};
    return true;
}

bool gt_agent_of_pair(gt_str rig, gt_str name, gt_agent *agent)
{
    const role *word = role_of(name);
    if (word == NULL)
        return gt_agent_make(rig, GT_STR("polecat"), name, agent);
    return word->naming == BY_OWN_WORD && gt_agent_make(rig, name, name, agent);
}

static bool of_three(gt_str rig, gt_str word, gt_str name, gt_agent *agent)
{
    const role *known = role_of(word);
    if (known == NULL || known->naming != NAMED)
        return false;
    if (gt_str_is(rig, "deacon") && gt_str_is(gt_str_of(known->word), "dog"))
        rig = GT_STR(GT_TOWN_RIG);
    return gt_agent_make(rig, word, name, agent);
}

bool gt_agent_of_address(gt_str address, gt_agent *agent)
{
    gt_str rest = address, first, second;
    if (rest.len > 0 && rest.at[rest.len - 1] == '/')
        rest.len--;
    if (!cut(&rest, '/', &first))
        return (gt_str_is(rest, "mayor") || gt_str_is(rest, "deacon")) && gt_agent_make(rest, rest, rest, agent);
    if (!cut(&rest, '/', &second))
        return gt_agent_of_pair(first, rest, agent);
    return of_three(first, second, rest, agent); /* a fourth part leaves a slash in rest, which is no name */
}

bool gt_agent_of_session(gt_str session, gt_agent *agent)
{
    gt_str rest = session, start, rig;
    if (!cut(&rest, '-', &start))
        return false;
    if (gt_str_is(start, "hq"))
        return (gt_str_is(rest, "mayor") || gt_str_is(rest, "deacon")) && gt_agent_make(rest, rest, rest, agent);
    if (!gt_str_is(start, "gt") || !cut(&rest, '-', &rig))
        return false;
    if (gt_str_is(rest, "witness") || gt_str_is(rest, "refinery"))
        return gt_agent_make(rig, rest, rest, agent);
    gt_str name = rest, crew;
    if (cut(&name, '-', &crew) && gt_str_is(crew, "crew") && gt_agent_make(rig, crew, name, agent))
        return true;
    return gt_agent_make(rig, GT_STR("polecat"), rest, agent);
}

/* ---- beads ---- */

static gt_str behind(gt_str s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return (gt_str){s.at + n, s.len - n};
}

/* The role's word that stands at `at` in id (one whole word between dashes), if ids may have it. */
static const role *id_role_at(gt_str id, size_t at, size_t *end)
{
    const char *dash = memchr(id.at + at, '-', id.len - at);
    *end = dash == NULL ? id.len : (size_t)(dash - id.at);
    gt_str word = {id.at + at, *end - at};
    for (size_t i = 0; i < ROLES; i++)
        if (roles[i].in_ids && gt_str_is(word, roles[i].word))
            return &roles[i];
    return NULL;
}

/* rig and role are found; the name is what follows `end`. */
static bool id_agent(gt_str id, gt_str rig, const role *known, size_t end, gt_agent *agent)
{
    gt_str name = behind(id, end + 1);
    if (known->naming == BY_OWN_WORD && end < id.len)
        return false;
    return gt_agent_make(rig, gt_str_of(known->word), name, agent);
}

/* The first role word with a prefix and a rig before it decides, even if what it decides is nobody: *found. */
static bool of_full_id(gt_str id, bool *found, gt_agent *agent)
{
    size_t before = 0, end, words = 0; /* before: where the word before this one starts */
    for (size_t at = 0; at <= id.len; at = end + 1, words++) {
        const role *known = id_role_at(id, at, &end);
        if (words >= 2 && known != NULL) {
            *found = true;
            gt_str rig = {id.at + before, at - 1 - before};
            return before >= 2 &&
                   id_agent(id, rig, known, end, agent); /* a prefix of one byte and its dash, at least */
        }
        before = at;
    }
    return false;
}

static bool of_collapsed_id(gt_str id, gt_agent *agent)
{
    gt_str rest = id, rig;
    size_t end;
    if (!cut(&rest, '-', &rig))
        return false;
    const role *known = id_role_at(id, rig.len + 1, &end);
    return known != NULL && id_agent(id, rig, known, end, agent);
}

static bool of_town_id(gt_str id, gt_agent *agent)
{
    static const char *const ends[] = {"mayor", "deacon"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        gt_str word = gt_str_of(ends[i]);
        if (id.len > word.len + 1 && gt_str_ends(id, ends[i]) && id.at[id.len - word.len - 1] == '-')
            return gt_agent_make(word, word, word, agent);
    }
    return false;
}

bool gt_agent_of_id(gt_str id, bool collapsed, gt_agent *agent)
{
    bool decided = false;
    gt_agent guess;
    if (id.len == 0)
        return false;
    if (gt_str_starts(id, "hq-dog-"))
        return gt_agent_make(GT_STR(GT_TOWN_RIG), GT_STR("dog"), behind(id, strlen("hq-dog-")), agent);
    if (of_full_id(id, &decided, agent))
        return true;
    if (of_collapsed_id(id, &guess)) { /* gt-crew-mayor is nobody's unless it's known to be a crew member's */
        *agent = guess;
        return collapsed;
    }
    return !decided && of_town_id(id, agent);
}

static void take(gt_agent_labels *labels, gt_str *slot, gt_str value)
{
    if (slot->len > 0 && !gt_str_eq(*slot, value))
        labels->contradictory = true;
    *slot = value;
}

void gt_agent_label(gt_agent_labels *labels, gt_str label)
{
    labels->count++;
    if (gt_str_is(label, "gt:agent"))
        labels->marked = true;
    else if (gt_str_starts(label, "rig:"))
        take(labels, &labels->rig, behind(label, strlen("rig:")));
    else if (gt_str_starts(label, "role:"))
        take(labels, &labels->role, behind(label, strlen("role:")));
    else if (gt_str_starts(label, "agent:"))
        take(labels, &labels->name, behind(label, strlen("agent:")));
}

bool gt_agent_of_bead(gt_str id, const gt_agent_labels *labels, gt_agent *agent)
{
    gt_agent by_id = {0};
    gt_str rig = labels->rig, word = labels->role, name = labels->name;
    if (labels->contradictory)
        return false;
    bool labelled = labels->marked || rig.len + word.len + name.len > 0;
    if (!gt_agent_of_id(id, labelled, &by_id))
        by_id = (gt_agent){0};
    if (word.len == 0)
        word = by_id.role;
    const role *known = role_of(word);
    bool same_role = gt_str_eq(by_id.role, known == NULL ? word : gt_str_of(known->word));
    if (rig.len == 0 && same_role)
        rig = by_id.rig;
    if (name.len == 0 && same_role) /* a crew member isn't called after a polecat's id */
        name = by_id.name;
    return gt_agent_make(rig, word, name, agent);
}
