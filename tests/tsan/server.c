/* The admission server under clients that never stop while certificate and authorities are swapped, metrics are read, the reaper looks, and it is
 * stopped at last; for ThreadSanitizer. A plain main, as catalogue.c. Prints what was done; exit status 0 or 1. */
#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "webhook/address.h"
#include "webhook/admission.h"

enum { CLIENTS = 4, SWAPS = 200, SERVER_THREADS = 3, WANTED = 60, PEM_SIZE = 4096 };

typedef struct pem {
    char cert[PEM_SIZE], key[PEM_SIZE];
} pem;

static pem pairs[2];
static uint16_t port;
static atomic_bool over, draining;
static atomic_size_t answered, refused, broken;

static void make(pem *result, const char *name)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    size_t n = sizeof result->cert - 1, m = sizeof result->key - 1;
    gnutls_x509_privkey_init(&key);
    gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_init(&cert);
    gnutls_x509_crt_set_version(cert, 3);
    gnutls_x509_crt_set_serial(cert, "\x01", 1);
    gnutls_x509_crt_set_basic_constraints(cert, 1, -1);
    gnutls_x509_crt_set_activation_time(cert, gt_clock_wall_ms() / 1000 - 3600);
    gnutls_x509_crt_set_expiration_time(cert, gt_clock_wall_ms() / 1000 + 3600);
    gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
    gnutls_x509_crt_set_key(cert, key);
    gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0);
    gnutls_x509_crt_export(cert, GNUTLS_X509_FMT_PEM, result->cert, &n);
    gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, result->key, &m);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
}

/* ---- clients ---- */

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Two requests on one connection; a trust that is swapped in between may refuse the second. */
static void talk(gnutls_session_t session)
{
    static const char request[] = "POST /mutate?timeout=5s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                  "Content-Length: 2\r\n\r\n{}";
    for (int i = 0; i < 2; i++) {
        char answer[2048];
        if (gnutls_record_send(session, request, sizeof request - 1) <= 0)
            return;
        size_t length = 0;
        for (answer[0] = '\0'; strstr(answer, "\"code\":") == NULL; answer[length] = '\0') {
            ssize_t n = gnutls_record_recv(session, answer + length, sizeof answer - 1 - length);
            if (n <= 0)
                return;
            length += (size_t)n;
        }
        long status = strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
        atomic_fetch_add(status == 400 ? &answered : status == 403 ? &refused : &broken, 1);
        if (status != 400)
            return;
    }
}

static void *client(void *own)
{
    gnutls_certificate_credentials_t credentials;
    const pem *mine = own;
    const gnutls_datum_t cert = {(unsigned char *)(uintptr_t)mine->cert, (unsigned)strlen(mine->cert)};
    const gnutls_datum_t key = {(unsigned char *)(uintptr_t)mine->key, (unsigned)strlen(mine->key)};
    gnutls_certificate_allocate_credentials(&credentials);
    gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
    while (!atomic_load(&over)) {
        gnutls_session_t session;
        int fd = dial();
        if (fd < 0)
            continue;
        gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
        gnutls_set_default_priority(session);
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
        gnutls_transport_set_int(session, fd);
        gnutls_handshake_set_timeout(session, 10000);
        if (gnutls_handshake(session) == 0)
            talk(session);
        gnutls_deinit(session);
        close(fd);
    }
    gnutls_certificate_free_credentials(credentials);
    return NULL;
}

/* ---- what happens meanwhile ---- */

static bool swap(gt_keybox *keys, gt_clients *clients, unsigned round)
{
    const pem *p = &pairs[round % 2];
    gt_keypair *pair;
    gt_err err;
    int64_t now_s = gt_clock_wall_ms() / 1000;
    if (!gt_keypair_make((gt_pem){gt_str_of(p->cert), "cert"}, (gt_pem){gt_str_of(p->key), "key"}, now_s, &pair,
                         &err) ||
        !gt_clients_put(clients, gt_str_of(pairs[round / 8 % 2].cert), "ca", now_s, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    gt_keybox_put(keys, pair);
    return true;
}

static void scrape(const gt_metrics *metrics, gt_http *http, gt_admission *admission)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    const gt_readings readings = {.reaped = (int64_t)gt_peers_reaped(gt_http_peers(http)),
                                  .handshakes_failed = (int64_t)gt_http_handshakes_failed(http),
                                  .body_bytes = (int64_t)gt_admission_body_bytes(admission)};
    gt_buf buf;
    gt_buf_init(&buf, arena, 4096);
    gt_metrics_print(&buf, metrics, &readings);
}

static gt_http *start(gt_keybox *keys, gt_admission *admission)
{
    gt_address address;
    char bound[GT_ADDRESS_TEXT];
    gt_err err;
    gt_http_config config = {.name = "admission",
                             .keys = keys,
                             .ask_clients = true,
                             .threads = SERVER_THREADS,
                             .connections = 64,
                             .headers_ms = 5000,
                             .body_ms = 5000,
                             .answer_ms = 5000,
                             .idle_ms = 5000,
                             .service = gt_admission_service(admission)};
    gt_http *http = NULL;
    if (gt_address_parse("127.0.0.1:0", &address, &err) &&
        gt_address_listen(&address, &config.listen_fd, &port, bound, &err))
        http = gt_http_start(&config, &err);
    if (http == NULL)
        fprintf(stderr, "%s\n", err.text);
    return http;
}

int main(void)
{
    static gt_metrics metrics;
    pthread_t threads[CLIENTS];
    gt_catalogue *catalogue = gt_catalogue_new(SERVER_THREADS + 1);
    gt_keybox *keys = gt_keybox_new();
    gt_clients *clients = gt_clients_new(NULL);
    gt_admission *admission = gt_admission_new(&(gt_admission_config){.catalogue = catalogue,
                                                                      .metrics = &metrics,
                                                                      .clients = clients,
                                                                      .threads = SERVER_THREADS,
                                                                      .draining = &draining});
    gt_err err;
    make(&pairs[0], "one");
    make(&pairs[1], "two");
    gt_http *http = swap(keys, clients, 0) ? start(keys, admission) : NULL;
    if (http == NULL || !gt_log_start(&err)) /* a line for each request */
        return 1;
    for (size_t i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, client, &pairs[i % 2]) != 0)
            return 1;
    int64_t end = gt_clock_mono_us() + 60 * INT64_C(1000000);
    bool ok = true;
    unsigned rounds = 1;
    for (; ok && (rounds <= SWAPS || atomic_load(&answered) < WANTED || atomic_load(&refused) < WANTED); rounds++) {
        ok = swap(keys, clients, rounds) && gt_clock_mono_us() < end;
        scrape(&metrics, http, admission);
        gt_peers_reap(gt_http_peers(http), gt_clock_mono_us());
        gt_catalogue_sweep(catalogue);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    atomic_store(&draining, true);
    gt_http_quiesce(http);
    for (int i = 0; i < 50; i++)
        gt_peers_shut_idle(gt_http_peers(http));
    atomic_store(&over, true);
    gt_log_stop(); /* its threads go on to log */
    gt_http_stop(http);
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    ok = ok && atomic_load(&broken) == 0;
    printf("%s server: %u swaps, %zu answered, %zu refused, %zu neither\n", ok ? "ok" : "FAIL", rounds,
           atomic_load(&answered), atomic_load(&refused), atomic_load(&broken));
    gt_admission_free(admission);
    gt_clients_free(clients);
    gt_keybox_free(keys);
    gt_catalogue_free(catalogue);
    return ok ? 0 : 1;
}
