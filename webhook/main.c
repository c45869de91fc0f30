/* gastown-webhook: where the rooms meet. Everything is made here, in the order in which it is needed, and taken down in the
 * reverse one; what happens in between is the control thread's (control.h), which is this thread. */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "catalogue/report.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "webhook/control.h"
#include "webhook/options.h"
#include "webhook/probe.h"
#include "webhook/verbs.h"

enum { EXIT_OK = 0, EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

/* Connections to the probe port: kubelet, Prometheus, a person. And what else is open: files, watches, the API server. */
enum { PROBE_CONNECTIONS = 32, OTHER_DESCRIPTORS = 64 };

typedef struct program {
    gt_options options;
    gt_metrics metrics;
    atomic_bool draining;
    gt_directory *directory; /* templates come from it, or */
    gt_link *link;           /* from an API server */
    gt_catalogue *catalogue;
    gt_keybox *keys;
    gt_clients *clients; /* NULL: whoever reaches us may ask */
    gt_admission *admission;
    gt_probe probe;
    gt_http *admission_server, *probe_server;
    gt_reload_templates templates_source;
    gt_reload_keys keys_source;
    gt_reload_clients clients_source;
    gt_reload templates_reload, keys_reload, clients_reload;
    char cert_directory[4096], key_directory[4096], clients_directory[4096];
    int signal_fd, listen_fd, probe_fd;
    uint16_t port, probe_port;
} program;

static int complain(const gt_err *err, int status)
{
    fprintf(stderr, "gastown-webhook: %s\n", err->text);
    return status;
}

static bool no_memory(gt_err *err)
{
    return gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

/* ---- making ---- */

static bool print_findings(void *context, gt_err *err)
{
    (void)err;
    const gt_directory_report *report = context;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    for (const gt_finding *f = report->findings; arena != NULL && f != NULL; f = f->next) {
        gt_buf line;
        gt_buf_init(&line, arena, 256);
        gt_finding_print(&line, f);
        fprintf(stderr, "%s\n", line.at);
        gt_arena_reset(arena);
    }
    return true;
}

/* The first load: nothing wrong is accepted. *status is EXIT_OK when there is something to serve. */
static bool load_templates(program *p, int *status, gt_err *err)
{
    gt_directory_report report;
    p->directory = gt_directory_new(p->options.templates);
    if (p->directory == NULL)
        return no_memory(err);
    if (!gt_directory_load(p->directory, &report, err))
        return gt_wrap(err, "templates");
    if (report.errors > 0) {
        print_findings(&report, err);
        fprintf(stderr, "gastown-webhook: %zu error%s in the templates of %s\n", report.errors,
                report.errors == 1 ? "" : "s", p->options.templates);
        gt_snapshot_free(report.snapshot);
        *status = EXIT_FINDING;
        return true;
    }
    gt_directory_log(&report);
    if (!gt_templates_try(report.snapshot, err)) {
        gt_snapshot_free(report.snapshot);
        return gt_wrap(err, "templates of %s", p->options.templates);
    }
    gt_catalogue_publish(p->catalogue, report.snapshot, report.rejected, gt_clock_mono_us() / 1000);
    return true;
}

static bool link_up(program *p, gt_err *err)
{
    const gt_link_config config = {
        .options = &p->options,
        .catalogue = p->catalogue,
        .slot = (size_t)p->options.threads,
        .metrics = &p->metrics,
        .keys = p->keys,
    };
    return gt_link_new(&config, &p->link, err);
}

/* None at first when we make it ourselves: the link finds it in its Secret, or makes it. */
static bool load_keys(program *p, gt_err *err)
{
    if (p->options.certs_secret != NULL)
        return true;
    p->keys_source = (gt_reload_keys){
        .cert_path = p->options.tls_cert, .key_path = p->options.tls_key, .box = p->keys, .metrics = &p->metrics};
    return gt_keys_load(&p->keys_source, err) || gt_wrap(err, "certificate");
}

static bool load_clients(program *p, gt_err *err)
{
    if (p->options.client_ca == NULL)
        return true;
    p->clients_source =
        (gt_reload_clients){.path = p->options.client_ca, .clients = p->clients, .metrics = &p->metrics};
    return gt_authorities_load(&p->clients_source, err) || gt_wrap(err, "--client-ca");
}

static bool make_parts(program *p, gt_err *err)
{
    p->catalogue = gt_catalogue_new((size_t)p->options.threads + 1); /* the last slot is the control thread's */
    p->keys = gt_keybox_new();
    bool asks = p->options.client_ca != NULL;
    if (asks)
        p->clients = gt_clients_new(p->options.client_names);
    if (p->catalogue == NULL || p->keys == NULL || (asks && p->clients == NULL))
        return no_memory(err);
    const gt_admission_config config = {
        .catalogue = p->catalogue,
        .metrics = &p->metrics,
        .clients = p->clients,
        .threads = (unsigned)p->options.threads,
        .draining = &p->draining,
    };
    p->admission = gt_admission_new(&config);
    return p->admission != NULL || no_memory(err);
}

static bool open_ports(program *p, char bound[GT_ADDRESS_TEXT], char probe_bound[GT_ADDRESS_TEXT], gt_err *err)
{
    return gt_address_listen(&p->options.listen, &p->listen_fd, &p->port, bound, err) &&
           gt_address_listen(&p->options.probe, &p->probe_fd, &p->probe_port, probe_bound, err);
}

static bool start_servers(program *p, gt_err *err)
{
    const gt_options *o = &p->options;
    p->probe = (gt_probe){
        .catalogue = p->catalogue,
        .keys = p->keys,
        .metrics = &p->metrics,
        .admission = p->admission,
        .link = p->link,
        .draining = &p->draining,
    };
    gt_http_config config = {
        .name = "probe",
        .listen_fd = p->probe_fd,
        .connections = PROBE_CONNECTIONS,
        .headers_ms = o->header_ms,
        .body_ms = o->body_ms,
        .answer_ms = o->answer_ms,
        .idle_ms = o->idle_ms,
        .service = gt_probe_service(&p->probe),
    };
    p->probe_fd = -1;
    p->probe_server = gt_http_start(&config, err);
    if (p->probe_server == NULL)
        return false;
    config.name = "admission";
    config.listen_fd = p->listen_fd;
    config.keys = p->keys;
    config.ask_clients = p->clients != NULL;
    config.threads = (unsigned)o->threads;
    config.connections = (unsigned)o->connections;
    config.service = gt_admission_service(p->admission);
    p->listen_fd = -1;
    p->admission_server = gt_http_start(&config, err);
    if (p->admission_server == NULL)
        return false;
    atomic_store(&p->probe.server, p->admission_server);
    return true;
}

/* Both lines at once: whoever waits for the file never sees half of it. */
static bool write_port_file(const program *p, gt_err *err)
{
    const char *path = p->options.port_file;
    if (path == NULL)
        return true;
    char name[4096];
    if (snprintf(name, sizeof name, "%s.%ld", path, (long)getpid()) >= (int)sizeof name)
        return gt_fail(err, GT_ERR_ENV, "%s: the name is too long", path);
    FILE *file = fopen(name, "we");
    bool ok = file != NULL && fprintf(file, "%u\n%u\n", (unsigned)p->port, (unsigned)p->probe_port) > 0;
    ok = (file == NULL || fclose(file) == 0) && ok && rename(name, path) == 0;
    return ok || gt_fail(err, GT_ERR_ENV, "%s: %s", path, strerror(errno));
}

static void directory_of(const char *path, char *directory, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(directory, size, ".");
    else
        snprintf(directory, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static void start_templates(program *p, int64_t poll_us, int64_t now_us)
{
    p->templates_source = (gt_reload_templates){p->directory, p->catalogue, &p->metrics};
    p->templates_reload = (gt_reload){.what = "templates",
                                      .context = &p->templates_source,
                                      .stirred = gt_templates_stirred,
                                      .load = gt_templates_load};
    gt_reload_start(&p->templates_reload, (const char *const[]){p->options.templates, NULL}, poll_us, now_us);
}

static void start_keys(program *p, int64_t poll_us, int64_t now_us)
{
    directory_of(p->options.tls_cert, p->cert_directory, sizeof p->cert_directory);
    directory_of(p->options.tls_key, p->key_directory, sizeof p->key_directory);
    bool one = strcmp(p->cert_directory, p->key_directory) == 0;
    p->keys_reload = (gt_reload){
        .what = "certificate", .context = &p->keys_source, .stirred = gt_keys_stirred, .load = gt_keys_load};
    gt_reload_start(&p->keys_reload, (const char *const[]){p->cert_directory, one ? NULL : p->key_directory, NULL},
                    poll_us, now_us);
}

static void start_clients(program *p, int64_t poll_us, int64_t now_us)
{
    directory_of(p->options.client_ca, p->clients_directory, sizeof p->clients_directory);
    p->clients_reload = (gt_reload){.what = "authorities of clients",
                                    .context = &p->clients_source,
                                    .stirred = gt_authorities_stirred,
                                    .load = gt_authorities_load};
    gt_reload_start(&p->clients_reload, (const char *const[]){p->clients_directory, NULL}, poll_us, now_us);
}

static void start_reloads(program *p)
{
    int64_t now_us = gt_clock_mono_us(), poll_us = p->options.poll_ms * 1000;
    if (p->directory != NULL)
        start_templates(p, poll_us, now_us);
    if (p->options.certs_secret == NULL)
        start_keys(p, poll_us, now_us);
    if (p->clients != NULL)
        start_clients(p, poll_us, now_us);
}

/* ---- running ---- */

/* A descriptor for each connection, and some for the rest. Without, strangers take all of them before the reaper thinks it crowded, and probes,
 * reloads and calls of the API server fail. */
static bool raise_descriptors(const gt_options *o, gt_err *err)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)o->connections + PROBE_CONNECTIONS + (rlim_t)o->threads + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return true;
    rlim_t most = limit.rlim_max;
    limit.rlim_cur = wanted;
    if (most >= wanted && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    return gt_fail(err, GT_ERR_ENV,
                   "--connections %lld takes %llu open files, and %llu are allowed: raise the limit (ulimit -n), or "
                   "admit fewer connections",
                   (long long)o->connections, (unsigned long long)wanted, (unsigned long long)most);
}

static bool serve(program *p, gt_err *err)
{
    const gt_control control = {
        .signal_fd = p->signal_fd,
        .catalogue = p->catalogue,
        .admission = p->admission_server,
        .probe = p->probe_server,
        .reloads = {p->directory == NULL ? NULL : &p->templates_reload,
                    p->options.certs_secret != NULL ? NULL : &p->keys_reload,
                    p->clients == NULL ? NULL : &p->clients_reload},
        .link = p->link,
        .draining = &p->draining,
        .stop_delay_us = p->options.stop_delay_ms * 1000,
        .stop_timeout_us = p->options.stop_timeout_ms * 1000,
    };
    return gt_control_run(&control, err);
}

static bool run(program *p, int *status, gt_err *err)
{
    char bound[GT_ADDRESS_TEXT], probe_bound[GT_ADDRESS_TEXT];
    bool from_directory = p->options.templates != NULL;
    if (!raise_descriptors(&p->options, err) || !gt_control_signals(&p->signal_fd, err) || !make_parts(p, err) ||
        !(from_directory ? load_templates(p, status, err) : link_up(p, err)))
        return false;
    if (*status != EXIT_OK)
        return true;
    if (!load_keys(p, err) || !load_clients(p, err) || !open_ports(p, bound, probe_bound, err) || !gt_log_start(err) ||
        !start_servers(p, err) || !write_port_file(p, err))
        return false;
    start_reloads(p);
    gt_log(GT_LOG_INFO, "serving", GT_F("reviews", bound), GT_F("probes", probe_bound), GT_F("version", GT_VERSION),
           GT_FI("threads", p->options.threads));
    return serve(p, err);
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void take_down(program *p)
{
    gt_http_stop(p->probe_server); /* first: /metrics looks at the other one */
    gt_http_stop(p->admission_server);
    gt_log_stop();
    gt_reload_free(&p->templates_reload);
    gt_reload_free(&p->keys_reload);
    gt_reload_free(&p->clients_reload);
    gt_admission_free(p->admission);
    gt_directory_free(p->directory);
    gt_link_free(p->link);
    gt_catalogue_free(p->catalogue);
    gt_keybox_free(p->keys);
    gt_clients_free(p->clients);
    close_if_open(p->listen_fd);
    close_if_open(p->probe_fd);
    close_if_open(p->signal_fd);
}

static int start(program *p, int argc, char **argv)
{
    gt_err err;
    int status = EXIT_OK;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return complain(&(gt_err){.text = "out of memory"}, EXIT_ENVIRONMENT);
    if (!gt_options_parse(arena, argc, argv, &p->options, &err)) {
        status = complain(&err, EXIT_USAGE);
        fputs("gastown-webhook --help says more\n", stderr);
        return status;
    }
    if (p->options.help) {
        gt_options_help(stdout);
        gt_verbs_help(stdout);
        return EXIT_OK;
    }
    if (p->options.metrics) {
        gt_buf text;
        gt_buf_init(&text, arena, 8192);
        gt_metrics_reference(&text);
        fputs(text.at, stdout);
        return EXIT_OK;
    }
    if (p->options.version) {
        puts("gastown-webhook " GT_VERSION);
        return EXIT_OK;
    }
    gt_log_setup((gt_log_level)p->options.log_level, (gt_log_format)p->options.log_format);
    if (!run(p, &status, &err))
        status = complain(&err, EXIT_ENVIRONMENT);
    take_down(p);
    return status;
}

/* `help`, or `help COMMAND`. */
static int help(int argc, char **words)
{
    const gt_verb *verb = argc > 0 ? gt_verb_find(words[0]) : NULL;
    if (verb != NULL)
        return gt_verb_main(verb, 2, (char *[]){words[0], "--help", NULL});
    if (argc > 0 && strcmp(words[0], "serve") != 0)
        return gt_verb_unknown(words[0]);
    gt_options_help(stdout);
    gt_verbs_help(stdout);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    if (argc > 1 && argv[1][0] != '-' && strcmp(argv[1], "serve") != 0) {
        if (strcmp(argv[1], "help") == 0)
            return help(argc - 2, argv + 2);
        const gt_verb *verb = gt_verb_find(argv[1]);
        return verb == NULL ? gt_verb_unknown(argv[1]) : gt_verb_main(verb, argc - 1, argv + 1);
    }
    if (argc > 1 && argv[1][0] != '-') { /* serve is what the rest is about */
        argc--;
        argv++;
    }
    /* A fixed limit from which on memory is mapped and unmapped: otherwise glibc moves it up with the first large block that is
     * freed, and one huge review would make the process as large for good. */
    mallopt(M_MMAP_THRESHOLD, 512 * 1024);
    static program p = {.signal_fd = -1, .listen_fd = -1, .probe_fd = -1};
    return start(&p, argc, argv);
}
