#include "webhook/peers.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

/* In per cent of the slots: from CROWDED on connections that never completed a request may have STRANGERS of them, from FULL on one
 * must go whatever they have. */
enum { CROWDED = 80, FULL = 95, STRANGERS = 20 };

/* A stranger who says something has so long to come to a request before he goes like any other; of the oldest strangers so many are asked whether
 * they do, each time somebody must go. */
enum { GRACE_US = 1000 * 1000, ASKED = 8 };

struct gt_peer {
    int fd;           /* -1: the slot is free */
    bool shut, spoke; /* spoke: bytes have come from it, as far as anybody asked */
    atomic_bool completed;
    atomic_int_least64_t state; /* the phase and when it began, in one: see pack */
    gt_peer_note note;
    gt_peer *next_free;
};

struct gt_peers {
    gt_peers_config config;
    pthread_mutex_t lock; /* for the slots' fd, shut and spoke, and the free list */
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

/* Has he been seen to speak, and only just come? */
static bool is_spared(const gt_peer *peer, int64_t now_us)
{
    return peer->spoke && now_us - since_of(atomic_load(&peer->state)) < GRACE_US;
}

/* Who is longest in its phase, of those who have or haven't completed a request; who is spared only if all are. *count: how many there are that
 * could go. */
static gt_peer *oldest(const gt_peers *peers, bool completed, int64_t now_us, size_t *count)
{
    gt_peer *found = NULL;
    *count = 0;
    for (size_t i = 0; i < peers->config.slots; i++) {
        gt_peer *peer = &peers->slots[i];
        gt_phase phase = phase_of(atomic_load(&peer->state));
        bool busy = completed ? phase != GT_PHASE_IDLE : phase == GT_PHASE_ANSWER;
        if (peer->fd < 0 || peer->shut || busy || atomic_load(&peer->completed) != completed)
            continue;
        ++*count;
        int64_t since = since_of(atomic_load(&peer->state));
        bool spared = is_spared(peer, now_us), before = found != NULL && is_spared(found, now_us);
        if (found == NULL || (before && !spared) || (before == spared && since < since_of(atomic_load(&found->state))))
            found = peer;
    }
    return found;
}

/* Has it sent anything at all? The library may have taken it already, so the kernel is asked. */
static bool has_spoken(const gt_peer *peer)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    return getsockopt(peer->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_bytes_received > 0;
}

/* A crowd that says nothing goes before somebody who is in the middle of his handshake. */
static gt_peer *stranger_to_go(gt_peers *peers, int64_t now_us, size_t *count)
{
    gt_peer *peer = oldest(peers, false, now_us, count);
    for (int asked = 0; peer != NULL && !peer->spoke && asked < ASKED; asked++) {
        peer->spoke = has_spoken(peer);
        if (!is_spared(peer, now_us))
            return peer;
        peer = oldest(peers, false, now_us, count);
    }
    return peer;
}

/* Makes room. Strangers go first, but only while they are many: else a crowd of those who were answered once and stay would have the
 * newest one, which hasn't said its word yet, pushed out by the next. */
static void push_out(gt_peers *peers, bool full, int64_t now_us)
{
    size_t strangers, known;
    gt_peer *stranger = stranger_to_go(peers, now_us, &strangers), *idle = oldest(peers, true, now_us, &known);
    bool many = strangers * 100 > peers->config.slots * STRANGERS;
    gt_peer *goes = many ? stranger : full && idle != NULL ? idle : full ? stranger : NULL;
    if (goes != NULL)
        shut(peers, goes);
}

gt_peer *gt_peers_open(gt_peers *peers, int fd, int64_t now_us)
{
    pthread_mutex_lock(&peers->lock);
    size_t open = atomic_load(&peers->open), slots = peers->config.slots;
    if (open * 100 >= slots * CROWDED)
        push_out(peers, open * 100 >= slots * FULL, now_us);
    gt_peer *peer = peers->free;
    if (peer != NULL) {
        peers->free = peer->next_free;
        peer->fd = fd;
        peer->shut = peer->spoke = false;
        peer->note = (gt_peer_note){0};
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

gt_peer_note *gt_peer_notes(gt_peer *peer)
{
    return peer == NULL ? NULL : &peer->note;
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

/* A request has come that its thread hasn't got round to: the client would see it fail. */
static bool has_unread(const gt_peer *peer)
{
    int bytes = 0;
    return ioctl(peer->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

size_t gt_peers_shut_idle(gt_peers *peers)
{
    size_t n = 0;
    pthread_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->config.slots; i++) {
        gt_peer *peer = &peers->slots[i];
        if (peer->fd < 0 || peer->shut || phase_of(atomic_load(&peer->state)) != GT_PHASE_IDLE)
            continue;
        if (has_unread(peer))
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
