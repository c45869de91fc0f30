#include "webhook/peers.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support.h"

enum { SLOTS = 10, SECOND = 1000000 };

static const gt_peers_config config = {
    .slots = SLOTS,
    .limits_us = {[GT_PHASE_HEADERS] = 10, [GT_PHASE_BODY] = 20, [GT_PHASE_ANSWER] = 30, [GT_PHASE_IDLE] = 40},
};

typedef struct pair {
    int ours, theirs;
} pair;

static pair connect_pair(void)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return (pair){fds[0], fds[1]};
}

/* Over TCP, where the kernel knows whether bytes have come. */
static pair connect_tcp(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int listening = socket(AF_INET, SOCK_STREAM, 0), theirs = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(listening, (struct sockaddr *)&at, size), 0);
    cr_assert_eq(listen(listening, 1), 0);
    cr_assert_eq(getsockname(listening, (struct sockaddr *)&at, &size), 0);
    cr_assert_eq(connect(theirs, (struct sockaddr *)&at, size), 0);
    pair p = {accept(listening, NULL, NULL), theirs};
    cr_assert_geq(p.ours, 0);
    close(listening);
    return p;
}

static void say(const pair *p)
{
    struct pollfd wait = {.fd = p->ours, .events = POLLIN};
    cr_assert_eq(write(p->theirs, "hello", 5), 5);
    cr_assert_eq(poll(&wait, 1, 1000), 1);
}

static bool is_shut(const pair *p)
{
    char byte;
    return recv(p->theirs, &byte, 1, MSG_PEEK) == 0;
}

static void close_pair(pair *p)
{
    close(p->ours);
    close(p->theirs);
}

Test(webhook_peers, each_phase_has_its_limit)
{
    static const struct {
        gt_phase phase;
        int64_t limit;
    } rows[] = {{GT_PHASE_HEADERS, 10}, {GT_PHASE_BODY, 20}, {GT_PHASE_ANSWER, 30}, {GT_PHASE_IDLE, 40}};
    gt_peers *peers = gt_peers_new(&config);
    for (size_t i = 0; i < COUNT(rows); i++) {
        pair p = connect_pair();
        gt_peer *peer = gt_peers_open(peers, p.ours, SECOND);
        gt_peer_enter(peer, rows[i].phase, SECOND + 5);
        cr_expect_eq(gt_peer_phase(peer), rows[i].phase);
        cr_expect_eq(gt_peers_reap(peers, SECOND + 5 + rows[i].limit), 0);
        cr_expect(!is_shut(&p));
        cr_expect_eq(gt_peers_reap(peers, SECOND + 5 + rows[i].limit + 1), 1);
        cr_expect(is_shut(&p), "row %zu", i);
        cr_expect_eq(gt_peers_reap(peers, 2 * SECOND), 0, "once is enough");
        gt_peers_close(peers, peer);
        close_pair(&p);
    }
    cr_expect_eq(gt_peers_count(peers), 0);
    cr_expect_eq(gt_peers_reaped(peers), COUNT(rows));
    gt_peers_free(peers);
    gt_peers_free(NULL);
}

Test(webhook_peers, done_is_idle_and_tells_the_first)
{
    gt_peers *peers = gt_peers_new(&config);
    pair p = connect_pair();
    gt_peer *peer = gt_peers_open(peers, p.ours, 1);
    cr_expect_eq(gt_peers_shut_idle(peers), 0);
    cr_expect(gt_peer_done(peer, 2));
    cr_expect(!gt_peer_done(peer, 3));
    cr_expect_eq(gt_peer_phase(peer), GT_PHASE_IDLE);
    cr_expect_eq(gt_peers_shut_idle(peers), 1);
    cr_expect_eq(gt_peers_shut_idle(peers), 0);
    cr_expect(is_shut(&p));
    cr_expect_eq(gt_peers_reaped(peers), 0, "that was no reaping");
    gt_peers_close(peers, peer);
    close_pair(&p);
    gt_peers_free(peers);
    gt_peer_enter(NULL, GT_PHASE_BODY, 1);
    cr_expect(!gt_peer_done(NULL, 1));
    cr_expect_eq(gt_peer_phase(NULL), GT_PHASE_HEADERS);
}

/* Else a request that came at the last moment would fail. */
Test(webhook_peers, who_has_sent_something_is_not_idle)
{
    gt_peers *peers = gt_peers_new(&config);
    pair p = connect_pair();
    gt_peer *peer = gt_peers_open(peers, p.ours, 1);
    char byte;
    gt_peer_done(peer, 2);
    cr_assert_eq(send(p.theirs, "P", 1, 0), 1);
    cr_expect_eq(gt_peers_shut_idle(peers), 0);
    cr_assert_eq(recv(p.ours, &byte, 1, 0), 1);
    cr_expect_eq(gt_peers_shut_idle(peers), 1);
    cr_expect(is_shut(&p));
    gt_peers_close(peers, peer);
    close_pair(&p);
    gt_peers_free(peers);
}

/* Ten slots: from the ninth on somebody has to go. */
Test(webhook_peers, crowds_push_out_who_never_completed_a_request)
{
    gt_peers *peers = gt_peers_new(&config);
    pair pairs[SLOTS + 1];
    gt_peer *open[SLOTS + 1];
    for (int i = 0; i < 8; i++) {
        pairs[i] = connect_pair();
        open[i] = gt_peers_open(peers, pairs[i].ours, i);
    }
    gt_peer_done(open[0], 8);                   /* the oldest, but known */
    gt_peer_enter(open[1], GT_PHASE_ANSWER, 8); /* the next one is being answered */
    pairs[8] = connect_pair();
    open[8] = gt_peers_open(peers, pairs[8].ours, 8);
    for (int i = 0; i < 9; i++)
        cr_expect_eq(is_shut(&pairs[i]), i == 2, "%d", i);
    cr_expect_eq(gt_peers_reaped(peers), 1);
    for (int i = 3; i < 9; i++)
        gt_peer_done(open[i], 100 - i);
    gt_peer_done(open[1], 99);
    pairs[9] = connect_pair();
    open[9] = gt_peers_open(peers, pairs[9].ours, 200); /* 9 of 10 taken: idle ones may stay */
    gt_peer_done(open[9], 200);
    cr_expect_eq(gt_peers_reaped(peers), 1);
    pairs[10] = connect_pair();
    open[10] = gt_peers_open(peers, pairs[10].ours, 201);
    cr_expect_null(open[10], "there's no slot left");
    cr_expect(is_shut(&pairs[0]), "full: the one that idles longest");
    cr_expect_eq(gt_peers_reaped(peers), 2);
    cr_expect_eq(gt_peers_count(peers), SLOTS);
    for (int i = 0; i <= SLOTS; i++) {
        gt_peers_close(peers, open[i]);
        close_pair(&pairs[i]);
    }
    gt_peers_free(peers);
}

/* Who is served and stays takes the slots; who comes has time to say its word. */
Test(webhook_peers, a_newcomer_isnt_pushed_out_by_the_next_one)
{
    gt_peers *peers = gt_peers_new(&config);
    pair pairs[SLOTS];
    gt_peer *open[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        pairs[i] = connect_pair();
        open[i] = gt_peers_open(peers, pairs[i].ours, 10 + i);
        if (i < SLOTS - 2)
            gt_peer_done(open[i], 100 - i);
    }
    cr_expect_eq(gt_peers_reaped(peers), 0, "two newcomers of ten are not many");
    pair late = connect_pair();
    cr_expect_null(gt_peers_open(peers, late.ours, 200));
    for (int i = 0; i < SLOTS; i++)
        cr_expect_eq(is_shut(&pairs[i]), i == SLOTS - 3, "%d: the one that idles longest goes", i);
    close_pair(&late);
    for (int i = 0; i < SLOTS; i++) {
        gt_peers_close(peers, open[i]);
        close_pair(&pairs[i]);
    }
    gt_peers_free(peers);
}

/* Ten strangers, of whom the two oldest speak; the last two come at `late` us: who is pushed out for them? */
static void expect_pushed_out(int64_t late, int first)
{
    gt_peers *peers = gt_peers_new(&config);
    pair pairs[SLOTS];
    gt_peer *open[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        pairs[i] = connect_tcp();
        if (i < 2)
            say(&pairs[i]);
        open[i] = gt_peers_open(peers, pairs[i].ours, i < 8 ? i : late + i);
    }
    for (int i = 0; i < SLOTS; i++) {
        struct pollfd end = {.fd = pairs[i].theirs, .events = POLLIN};
        bool goes = i == first || i == first + 1;
        cr_expect_eq(poll(&end, 1, goes ? 1000 : 0), goes, "%d", i);
    }
    cr_expect_eq(gt_peers_reaped(peers), 2);
    for (int i = 0; i < SLOTS; i++) {
        gt_peers_close(peers, open[i]);
        close_pair(&pairs[i]);
    }
    gt_peers_free(peers);
}

/* Who is in the middle of his handshake stays while there is somebody who has said nothing; for a while. */
Test(webhook_peers, a_silent_crowd_goes_first)
{
    expect_pushed_out(10, 2);
    expect_pushed_out(2 * SECOND, 0);
}
