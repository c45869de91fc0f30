/* A tree by identity (glibc's tsearch, a red-black tree) finds an agent, a list keeps the order. Texts are malloc'ed one by one:
 * they come and go for as long as the process lives. */
#include "watcher/fleet.h"

#include <search.h>
#include <stdlib.h>

enum { MOST_DUE = 10 * 1000, LONGEST_NAME = 4096 };

typedef struct item {
    gt_due due; /* first: a gt_due * is an item * */
    struct item *before, *after;
    bool ended; /* done or killed since its last spawn */
    bool first; /* mayor or deacon */
} item;

struct gt_fleet {
    gt_fleet_rules rules;
    void *tree;
    item *first, *last;
    size_t count;
    uint64_t turned_away; /* the first line that found no room; UINT64_MAX: none */
};

static int by_identity(const void *a, const void *b)
{
    const gt_agent *x = &((const item *)a)->due.agent, *y = &((const item *)b)->due.agent;
    int order = gt_str_cmp(x->rig, y->rig);
    if (order == 0)
        order = gt_str_cmp(x->role, y->role);
    return order != 0 ? order : gt_str_cmp(x->name, y->name);
}

gt_fleet *gt_fleet_new(const gt_fleet_rules *rules)
{
    gt_fleet *fleet = calloc(1, sizeof *fleet);
    if (fleet == NULL)
        return NULL;
    fleet->rules = *rules;
    fleet->turned_away = UINT64_MAX;
    if (fleet->rules.most == 0)
        fleet->rules.most = MOST_DUE;
    return fleet;
}

static void free_text(gt_str *text)
{
    union {
        const char *in;
        void *out;
    } at = {.in = text->at};
    free(at.out);
    *text = (gt_str){NULL, 0};
}

/* A copy in place of what is there; nothing changes when there's no memory. */
static bool set_text(gt_str *text, gt_str value)
{
    char *copy = malloc(value.len + 1);
    if (copy == NULL)
        return false;
    if (value.len > 0)
        memcpy(copy, value.at, value.len);
    copy[value.len] = '\0';
    free_text(text);
    text->at = copy;
    text->len = value.len;
    return true;
}

static void free_item(item *it)
{
    gt_agent *agent = &it->due.agent;
    free_text(&agent->rig);
    free_text(&agent->role);
    free_text(&agent->name);
    free_text(&it->due.wish.bead);
    for (size_t i = 0; i < GT_WISH_KEYS; i++)
        free_text(&it->due.wish.value[i]);
    free(it->due.reason);
    free(it);
}

static void drop(gt_fleet *fleet, item *it)
{
    tdelete(it, &fleet->tree, by_identity);
    *(it->before == NULL ? &fleet->first : &it->before->after) = it->after;
    *(it->after == NULL ? &fleet->last : &it->after->before) = it->before;
    fleet->count--;
    free_item(it);
}

void gt_fleet_free(gt_fleet *fleet)
{
    while (fleet != NULL && fleet->first != NULL)
        drop(fleet, fleet->first);
    free(fleet);
}

void gt_fleet_cleanup(gt_fleet **fleet)
{
    gt_fleet_free(*fleet);
    *fleet = NULL;
}

/* ---- events ---- */

static bool no_memory(gt_err *err)
{
    return gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

static item *find(const gt_fleet *fleet, const gt_agent *agent)
{
    item key = {.due.agent = *agent};
    void *node = tfind(&key, &fleet->tree, by_identity);
    return node == NULL ? NULL : *(item **)node;
}

static item *add(gt_fleet *fleet, const gt_agent *agent, uint64_t line, gt_err *err)
{
    item *it = calloc(1, sizeof *it);
    gt_agent *mine = it == NULL ? NULL : &it->due.agent;
    if (mine == NULL || !set_text(&mine->rig, agent->rig) || !set_text(&mine->role, agent->role) ||
        !set_text(&mine->name, agent->name) || tsearch(it, &fleet->tree, by_identity) == NULL) {
        if (it != NULL)
            free_item(it);
        no_memory(err);
        return NULL;
    }
    it->due.line = line;
    it->due.backoff = (gt_backoff){fleet->rules.first_ms, fleet->rules.most_ms, 0};
    it->first = gt_str_is(agent->role, "mayor") || gt_str_is(agent->role, "deacon");
    it->before = fleet->last;
    *(fleet->last == NULL ? &fleet->first : &fleet->last->after) = it;
    fleet->last = it;
    fleet->count++;
    return it;
}

/* A new run wishes anew; within one the latest word counts, and silence isn't one. */
static bool take_wish(item *it, const gt_wish *wish)
{
    gt_wish *mine = &it->due.wish;
    if (it->ended) {
        free_text(&mine->bead);
        for (size_t i = 0; i < GT_WISH_KEYS; i++)
            free_text(&mine->value[i]);
    }
    it->ended = false;
    if (wish->bead.len > 0 && !set_text(&mine->bead, wish->bead))
        return false;
    for (size_t i = 0; i < GT_WISH_KEYS; i++)
        if (wish->value[i].len > 0 && !set_text(&mine->value[i], wish->value[i]))
            return false;
    return true;
}

static bool spawned(gt_fleet *fleet, const gt_event *event, const gt_wish *wish, uint64_t line, int64_t now,
                    gt_told *told, gt_err *err)
{
    const gt_agent *agent = &event->agent;
    *told = GT_TOLD_DUE;
    if (agent->rig.len > LONGEST_NAME || agent->name.len > LONGEST_NAME)
        return gt_fail(err, GT_ERR_LIMIT, "a name of more than %d bytes", LONGEST_NAME);
    item *it = find(fleet, agent);
    bool is_new = it == NULL;
    if (is_new && fleet->count == fleet->rules.most) {
        *told = GT_TOLD_FULL;
        if (fleet->turned_away == UINT64_MAX)
            fleet->turned_away = line;
        return true;
    }
    if (is_new && (it = add(fleet, agent, line, err)) == NULL)
        return false;
    bool is_news = wish->bead.len > 0 && !gt_str_eq(it->due.wish.bead, wish->bead);
    if (!take_wish(it, wish))
        return no_memory(err);
    if (is_news) { /* what it waited for, or other work: the same event again must not beat the back-off */
        it->due.not_before = now;
        gt_backoff_reset(&it->due.backoff);
    } else if (is_new) {
        it->due.not_before = now + fleet->rules.bead_wait_ms;
    }
    return true;
}

bool gt_fleet_tell(gt_fleet *fleet, const gt_event *event, const gt_wish *wish, uint64_t line, int64_t now,
                   gt_told *told, gt_err *err)
{
    *told = GT_TOLD_NOTHING;
    item *it = NULL;
    switch (event->lifecycle) {
    case GT_LIFE_SPAWN: return spawned(fleet, event, wish, line, now, told, err);
    case GT_LIFE_DONE:
    case GT_LIFE_KILL:
        it = find(fleet, &event->agent);
        if (it == NULL)
            return true;
        it->ended = true;
        if (fleet->rules.replay)
            return true;
        *told = GT_TOLD_DROPPED;
        drop(fleet, it);
        return true;
    case GT_LIFE_STUCK: return true;
    }
    return true;
}

/* ---- acting ---- */

static bool goes_before(const item *a, const item *b)
{
    return a->first != b->first ? a->first : a->due.not_before < b->due.not_before;
}

gt_due *gt_fleet_next(gt_fleet *fleet, int64_t now, int64_t *wait)
{
    item *best = NULL;
    int64_t soonest = -1;
    for (item *it = fleet->first; it != NULL; it = it->after) {
        int64_t left = it->due.not_before - now;
        if (left > 0 && (soonest < 0 || left < soonest))
            soonest = left;
        if (left <= 0 && (best == NULL || goes_before(it, best)))
            best = it;
    }
    if (wait != NULL)
        *wait = best != NULL ? 0 : soonest;
    return best == NULL ? NULL : &best->due;
}

void gt_fleet_settle(gt_fleet *fleet, gt_due *due)
{
    drop(fleet, (item *)due);
}

void gt_fleet_retry(gt_due *due, int64_t when, const char *reason)
{
    due->not_before = when;
    free(due->reason);
    due->reason = strdup(reason);
}

int64_t gt_fleet_failed(gt_due *due, int64_t now, uint32_t dice, const char *reason)
{
    int64_t wait = gt_backoff_after_failure(&due->backoff, dice);
    gt_fleet_retry(due, now + wait, reason);
    return wait;
}

size_t gt_fleet_count(const gt_fleet *fleet)
{
    return fleet->count;
}

uint64_t gt_fleet_settled(const gt_fleet *fleet, uint64_t next)
{
    if (fleet->first != NULL && fleet->first->due.line < next)
        next = fleet->first->due.line;
    return fleet->turned_away < next ? fleet->turned_away : next;
}

const gt_due *gt_fleet_each(const gt_fleet *fleet, const gt_due *after)
{
    const item *it = after == NULL ? fleet->first : ((const item *)(const void *)after)->after;
    return it == NULL ? NULL : &it->due;
}
