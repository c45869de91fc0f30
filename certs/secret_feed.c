#include "certs/secret_feed.h"

#include <stdio.h>

enum { MOST = 16 << 20 }; /* bytes of what is kept of it */

typedef struct taking {
    gt_arena *arena;
    gt_view object;
    gt_secret secret;
} taking;

static bool take_secret(void *context, gt_err *err)
{
    taking *t = context;
    return gt_secret_read(t->arena, t->object, &t->secret, err);
}

static void show(gt_secret_feed *feed, const gt_secret *now)
{
    const gt_secret *was = &feed->secret;
    feed->changes += !gt_str_eq(was->leaf.cert, now->leaf.cert) || !gt_str_eq(was->leaf.key, now->leaf.key) ||
                     !gt_str_eq(was->bundle, now->bundle);
    gt_arena *arena = feed->arenas[0];
    feed->old = feed->secret;
    feed->secret = *now;
    feed->arenas[0] = feed->arenas[1];
    feed->arenas[1] = arena;
    feed->stirred = true;
}

static void began(void *context)
{
    gt_secret_feed *feed = context;
    feed->seen = false;
}

static bool is_ours(const gt_secret_feed *feed, gt_view object)
{
    return gt_view_is(gt_view_get(gt_view_get(object, "metadata"), "name"), feed->name);
}

static void object(void *context, gt_view object)
{
    gt_secret_feed *feed = context;
    if (!is_ours(feed, object))
        return;
    taking t = {.arena = feed->arenas[1], .object = object};
    gt_err err;
    feed->seen = feed->stirred = true;
    gt_secret_wipe(&feed->old);
    gt_arena_reset(t.arena);
    feed->unreadable = !gt_arena_try(t.arena, take_secret, &t, &err);
    if (feed->unreadable)
        snprintf(feed->reading, sizeof feed->reading, "Secret %s/%s: %s", feed->ns, feed->name, err.text);
    else
        show(feed, &t.secret);
}

static void gone(void *context, gt_view object)
{
    gt_secret_feed *feed = context;
    if (!is_ours(feed, object))
        return;
    gt_secret_wipe(&feed->old);
    feed->unreadable = false;
    show(feed, &(gt_secret){0});
}

static void synced(void *context)
{
    gt_secret_feed *feed = context;
    if (!feed->seen && feed->secret.exists) {
        gt_secret_wipe(&feed->old);
        feed->unreadable = false;
        show(feed, &(gt_secret){0});
    }
    feed->known = feed->stirred = true;
}

bool gt_secret_feed_init(gt_secret_feed *feed, gt_kube_client *client, const char *ns, const char *name, uint64_t seed)
{
    *feed = (gt_secret_feed){.ns = ns, .name = name};
    snprintf(feed->selector, sizeof feed->selector, "metadata.name=%s", name);
    feed->arenas[0] = gt_arena_new(MOST);
    feed->arenas[1] = gt_arena_new(MOST);
    feed->informer = gt_informer_new(&(gt_informer_config){.client = client,
                                                           .kind = &gt_kube_secrets,
                                                           .ns = ns,
                                                           .fields = feed->selector,
                                                           .seed = seed,
                                                           .context = feed,
                                                           .began = began,
                                                           .object = object,
                                                           .gone = gone,
                                                           .synced = synced});
    return feed->arenas[0] != NULL && feed->arenas[1] != NULL && feed->informer != NULL;
}

void gt_secret_feed_end(gt_secret_feed *feed)
{
    gt_informer_free(feed->informer);
    gt_secret_wipe(&feed->secret);
    gt_secret_wipe(&feed->old);
    gt_arena_free(feed->arenas[0]);
    gt_arena_free(feed->arenas[1]);
}
