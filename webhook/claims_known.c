/* The table of claims: those that there are, by informers, and those that a pod wants. */
#include <stdlib.h>

#include "lib/base/log.h"
#include "webhook/claims_inside.h"

enum { ARENA = 64 * 1024 * 1024, FIRST_US = 1000 * 1000, MOST_US = 300 * 1000 * 1000 };

gt_pvcs *gt_pvcs_new(gt_kube_client *client, const char *instance, uint64_t seed)
{
    gt_pvcs *claims = calloc(1, sizeof *claims);
    if (claims == NULL)
        return NULL;
    claims->flight.client = client;
    claims->instance = instance;
    claims->seed = seed;
    claims->arena = gt_arena_new(ARENA);
    if (claims->arena != NULL)
        return claims;
    free(claims);
    return NULL;
}

/* ---- mismatches ---- */

static void gt_claim_clear(gt_pvcs *claims, gt_known_claim *c, gt_claim_part d)
{
    if (c->mismatch[d] == NULL)
        return;
    free(c->mismatch[d]);
    free(c->owner[d]);
    c->mismatch[d] = c->owner[d] = NULL;
    claims->counts.mismatched--;
    claims->version++;
}

void gt_claim_differs(gt_pvcs *claims, gt_known_claim *c, gt_claim_part d, const char *owner, const char *message)
{
    bool same = message == NULL
                    ? c->mismatch[d] == NULL
                    : c->mismatch[d] != NULL && strcmp(c->mismatch[d], message) == 0 && strcmp(c->owner[d], owner) == 0;
    if (same)
        return;
    gt_claim_clear(claims, c, d);
    if (message == NULL)
        return;
    c->mismatch[d] = strdup(message);
    c->owner[d] = strdup(owner);
    if (c->mismatch[d] == NULL || c->owner[d] == NULL) {
        free(c->mismatch[d]);
        free(c->owner[d]);
        c->mismatch[d] = c->owner[d] = NULL;
        return;
    }
    claims->counts.mismatched++;
    claims->version++;
    gt_log(GT_LOG_WARN, "a claim isn't as the templates say", GT_F("object", owner), GT_F("mismatch", message));
}

/* ---- claims that there are ---- */

/* It's there no longer; what pods wish of it stays. */
static void forget_object(gt_pvcs *claims, gt_known_claim *c)
{
    free(c->size);
    free(c->class_name);
    c->size = c->class_name = NULL;
    claims->stirred = claims->stirred || c->there;
    c->there = c->bound = c->leaving = false;
    c->not_before_us = 0;
    for (int d = 0; d < GT_CLAIM_PARTS; d++)
        gt_claim_clear(claims, c, (gt_claim_part)d);
}

static void free_claim(void *context, gt_row *row)
{
    gt_known_claim *c = (gt_known_claim *)row; /* its first member */
    forget_object(context, c);
    free((char *)(uintptr_t)c->row.key); /* malloc'd with it */
    free(c);
}

void gt_claim_drop(gt_pvcs *claims, gt_known_claim *claim)
{
    free_claim(claims, gt_table_take(&claims->table, claim->row.key));
}

void gt_pvcs_free(gt_pvcs *claims)
{
    if (claims == NULL)
        return;
    gt_flight_end(&claims->flight);
    gt_table_clear(&claims->table, free_claim, claims);
    gt_arena_free(claims->arena);
    free(claims);
}

gt_known_claim *gt_claim_entry(gt_pvcs *claims, const char *key)
{
    gt_known_claim *c = (gt_known_claim *)gt_table_find(&claims->table, key);
    if (c != NULL)
        return c;
    c = calloc(1, sizeof *c);
    char *copy = strdup(key);
    if (c != NULL && copy != NULL) {
        c->row.key = copy;
        c->backoff = (gt_kube_backoff){.first_us = FIRST_US, .most_us = MOST_US, .seed = claims->seed++};
        if (gt_table_put(&claims->table, &c->row, NULL))
            return c;
    }
    free(copy);
    free(c);
    return NULL;
}

static char *copy_of(gt_view text)
{
    gt_str s = gt_view_str(text);
    return s.len == 0 ? strdup("") : strndup(s.at, s.len);
}

void gt_pvcs_put(gt_pvcs *claims, gt_view object)
{
    char key[GT_TABLE_KEY];
    gt_view spec = gt_view_get(object, "spec");
    gt_view size = gt_view_get(gt_view_get(gt_view_get(spec, "resources"), "requests"), "storage");
    char *size_text = copy_of(size), *class_text = copy_of(gt_view_get(spec, "storageClassName"));
    bool good = gt_table_key(object, key) && size_text != NULL && class_text != NULL;
    gt_known_claim *c = good ? gt_claim_entry(claims, key) : NULL;
    if (c == NULL) {
        free(size_text);
        free(class_text);
        gt_log_msg(GT_LOG_ERROR, "a claim isn't followed: it has no name, or there's no memory");
        return;
    }
    bool bound = gt_view_is(gt_view_get(gt_view_get(object, "status"), "phase"), "Bound");
    bool leaving = gt_view_exists(gt_view_get(gt_view_get(object, "metadata"), "deletionTimestamp"));
    bool same = c->there && c->bound == bound && c->leaving == leaving && strcmp(c->size, size_text) == 0 &&
                strcmp(c->class_name, class_text) == 0;
    free(c->size);
    free(c->class_name);
    c->size = size_text;
    c->class_name = class_text;
    c->there = true;
    c->row.seen = true;
    c->bound = bound;
    c->leaving = leaving;
    claims->stirred = claims->stirred || !same;
}

void gt_pvcs_remove(gt_pvcs *claims, gt_view object)
{
    char key[GT_TABLE_KEY];
    gt_known_claim *c = gt_table_key(object, key) ? (gt_known_claim *)gt_table_find(&claims->table, key) : NULL;
    if (c != NULL)
        forget_object(claims, c); /* the next pass drops it, or makes it anew */
}

void gt_pvcs_mark(gt_pvcs *claims, const char *ns)
{
    gt_table_mark(&claims->table, ns);
}

static bool unseen(void *context, gt_row *row)
{
    gt_known_claim *c = (gt_known_claim *)row;
    if (c->there)
        forget_object(context, c);
    return false;
}

void gt_pvcs_sweep(gt_pvcs *claims, const char *ns)
{
    gt_table_sweep(&claims->table, ns, unseen, claims);
}

/* ---- looking ---- */

bool gt_pvcs_mismatch(const gt_pvcs *claims, size_t *place, gt_mismatch *mismatch)
{
    for (; *place < claims->table.count * GT_CLAIM_PARTS; ++*place) {
        const gt_known_claim *c = (const gt_known_claim *)claims->table.at[*place / GT_CLAIM_PARTS];
        size_t d = *place % GT_CLAIM_PARTS;
        if (c->mismatch[d] == NULL)
            continue;
        ++*place;
        *mismatch = (gt_mismatch){c->row.key, c->owner[d], c->mismatch[d]};
        return true;
    }
    return false;
}

uint64_t gt_pvcs_version(const gt_pvcs *claims)
{
    return claims->version;
}

gt_pvc_counts gt_pvcs_now(const gt_pvcs *claims)
{
    gt_pvc_counts counts = claims->counts;
    counts.under_way = claims->flight.count;
    return counts;
}
