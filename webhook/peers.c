#include "webhook/peers.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

/* In per cent of the slots: from here on a new connection pushes out one that never completed a request, or an idle one. */
enum { CROWDED = 80, FULL = 95 };

struct gt_peer {
    int fd; /* -1: the slot is free */
    bool shut;
    atomic_bool completed;
    atomic_int_least64_t state; /* the phase and when it began, in one: see pack */
    gt_peer *next_free;
};

struct gt_peers {
    gt_peers_config config;
    pthread_mutex_t lock; /* for the slots' fd and shut, and the free list */
    gt_peer *slots, *free;
    atomic_size_t open;
    atomic_uint_least64_t reaped;
};

static int64_t pack(gt_phase phase, int64_t since_us)
{
    return since_us * GT_PHASE_COUNT + (int64_t)phase;
}

static gt_phase phase_of(int64_t state)
{
    return (gt_phase)(state % GT_PHASE_COUNT);
}

static int64_t since_of(int64_t state)
{
    return state / GT_PHASE_COUNT;
}

gt_peers *gt_peers_new(const gt_peers_config *config)
{
    assert(config->slots > 0);
    gt_peers *peers = calloc(1, sizeof *peers);
    if (peers == NULL)
        return NULL;
    peers->config = *config;
    peers->slots = calloc(config->slots, sizeof *peers->slots);
    if (peers->slots == NULL || pthread_mutex_init(&peers->lock, NULL) != 0) {
        free(peers->slots);
        free(peers);
        return NULL;
    }
    for (size_t i = config->slots; i-- > 0;) {
        peers->slots[i].fd = -1;
        peers->slots[i].next_free = peers->free;
        peers->free = &peers->slots[i];
    }
    return peers;
}

void gt_peers_free(gt_peers *peers)
{
    if (peers == NULL)
        return;
    assert(atomic_load(&peers->open) == 0);
    pthread_mutex_destroy(&peers->lock);
    free(peers->slots);
    free(peers);
}

static void shut(gt_peers *peers, gt_peer *peer)
{
    peer->shut = true;
    shutdown(peer->fd, SHUT_RDWR);
    atomic_fetch_add(&peers->reaped, 1);
}

static bool may_go(const gt_peer *peer, bool full)
{
    gt_phase phase = phase_of(atomic_load(&peer->state));
    bool never_completed = !atomic_load(&peer->completed) && phase != GT_PHASE_ANSWER;
    return peer->fd >= 0 && !peer->shut && (never_completed || (full && phase == GT_PHASE_IDLE));
}

/* Makes room: the one that is longest in its phase, and one that never completed a request before any other. */
static void push_out(gt_peers *peers, bool full)
{
    gt_peer *oldest = NULL;
    for (size_t i = 0; i < peers->config.slots; i++) {
        gt_peer *peer = &peers->slots[i];
        if (!may_go(peer, full))
            continue;
        bool completed = atomic_load(&peer->completed);
        if (oldest == NULL || completed < atomic_load(&oldest->completed) ||
            (completed == atomic_load(&oldest->completed) &&
             since_of(atomic_load(&peer->state)) < since_of(atomic_load(&oldest->state))))
            oldest = peer;
    }
    if (oldest != NULL)
        shut(peers, oldest);
}

gt_peer *gt_peers_open(gt_peers *peers, int fd, int64_t now_us)
{
    pthread_mutex_lock(&peers->lock);
    size_t open = atomic_load(&peers->open), slots = peers->config.slots;
    if (open * 100 >= slots * CROWDED)
        push_out(peers, open * 100 >= slots * FULL);
    gt_peer *peer = peers->free;
    if (peer != NULL) {
        peers->free = peer->next_free;
        peer->fd = fd;
        peer->shut = false;
        atomic_store(&peer->completed, false);
        atomic_store(&peer->state, pack(GT_PHASE_HEADERS, now_us));
        atomic_fetch_add(&peers->open, 1);
    }
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

void gt_peers_close(gt_peers *peers, gt_peer *peer)
{
    if (peer == NULL)
        return;
    pthread_mutex_lock(&peers->lock);
    assert(peer->fd >= 0);
    peer->fd = -1;
    peer->next_free = peers->free;
    peers->free = peer;
    atomic_fetch_sub(&peers->open, 1);
    pthread_mutex_unlock(&peers->lock);
}

void gt_peer_enter(gt_peer *peer, gt_phase phase, int64_t now_us)
{
    if (peer != NULL)
        atomic_store(&peer->state, pack(phase, now_us));
}

gt_phase gt_peer_phase(const gt_peer *peer)
{
    return peer == NULL ? GT_PHASE_HEADERS : phase_of(atomic_load(&peer->state));
}

bool gt_peer_done(gt_peer *peer, int64_t now_us)
{
    if (peer == NULL)
        return false;
    atomic_store(&peer->state, pack(GT_PHASE_IDLE, now_us));
    return !atomic_exchange(&peer->completed, true);
}

static bool is_late(const gt_peers *peers, const gt_peer *peer, int64_t now_us)
{
    int64_t state = atomic_load(&peer->state);
    return now_us - since_of(state) > peers->config.limits_us[phase_of(state)];
}

size_t gt_peers_reap(gt_peers *peers, int64_t now_us)
{
    size_t n = 0;
    pthread_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->config.slots; i++) {
        gt_peer *peer = &peers->slots[i];
        if (peer->fd < 0 || peer->shut || !is_late(peers, peer, now_us))
            continue;
        shut(peers, peer);
        n++;
    }
    pthread_mutex_unlock(&peers->lock);
    return n;
}

size_t gt_peers_shut_idle(gt_peers *peers)
{
    size_t n = 0;
    pthread_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->config.slots; i++) {
        gt_peer *peer = &peers->slots[i];
        if (peer->fd < 0 || peer->shut || phase_of(atomic_load(&peer->state)) != GT_PHASE_IDLE)
            continue;
        peer->shut = true;
        shutdown(peer->fd, SHUT_RDWR);
        n++;
    }
    pthread_mutex_unlock(&peers->lock);
    return n;
}

size_t gt_peers_count(const gt_peers *peers)
{
    return atomic_load(&peers->open);
}

uint64_t gt_peers_reaped(const gt_peers *peers)
{
    return atomic_load(&peers->reaped);
}
