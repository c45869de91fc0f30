#include "webhook/options.h"

#include <stddef.h>

#include "certs/authority.h"
#include "certs/entries.h"
#include "lib/kube/names.h"

#define AT(member) offsetof(gt_options, member)
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

static const gt_setting table[] = {
    {"templates", 't', "TEMPLATES_DIR", GT_SET_STRING, NULL, "DIR",
     "take templates from a directory (*.yaml, *.yml, *.json) instead of an API server", .offset = AT(templates)},
    {"kubeconfig", 0, "KUBECONFIG", GT_SET_STRING, NULL, "FILE",
     "how to reach the API server; without it: as a pod of the cluster does", .offset = AT(kubeconfig)},
    {"context", 0, NULL, GT_SET_STRING, NULL, "NAME", "context of the kubeconfig (default: its current one)",
     .offset = AT(context)},
    {"watch-namespaces", 0, "WATCH_NAMESPACES", GT_SET_STRING, NULL, "NAME,...",
     "namespaces of agents to follow (default: all)", .offset = AT(namespaces_text)},
    {"system-namespace", 0, "SYSTEM_NAMESPACE", GT_SET_STRING, NULL, "NAME",
     "where the replicas' Lease is (default: the pod's own, outside of one " GT_SYSTEM_NAMESPACE ")",
     .offset = AT(system_namespace)},
    {"listen", 'l', "LISTEN", GT_SET_STRING, ":8443", "ADDR:PORT",
     "where to serve admission reviews (TLS); port 0 takes a free one", .offset = AT(listen_text)},
    {"probe-listen", 0, "PROBE_LISTEN", GT_SET_STRING, ":8081", "ADDR:PORT",
     "where to serve /healthz, /readyz and /metrics (plain HTTP)", .offset = AT(probe_text)},
    {"tls-cert", 0, "TLS_CERT", GT_SET_STRING, NULL, "FILE",
     "certificate chain, PEM, leaf first; read again when it changes", .offset = AT(tls_cert)},
    {"tls-key", 0, "TLS_KEY", GT_SET_STRING, NULL, "FILE", "its private key, PEM", .offset = AT(tls_key)},
    {"certs-secret", 0, "CERTS_SECRET", GT_SET_STRING, NULL, "NAME",
     "instead of the two: make certificates ourselves and keep them in this Secret of the system namespace; others "
     "look "
     "for " GT_CERTS_SECRET,
     .offset = AT(certs_secret)},
    {"service", 0, "SERVICE", GT_SET_STRING, GT_SERVICE_NAME, "NAME",
     "the Service that the API server calls, in the system namespace: whom --certs-secret certificates are for",
     .offset = AT(service)},
    {"dns-name", 0, NULL, GT_SET_STRING, NULL, "NAME",
     "one more DNS name, or IP address, that --certs-secret certificates are for: the host of the registration's --url",
     .offset = AT(dns_names), .repeat = true},
    {"registration", 0, "REGISTRATION", GT_SET_STRING, GT_REGISTRATION_NAME, "NAME",
     "the two webhook configurations whose caBundle has to fit", .offset = AT(registration)},
    {"ca-lifetime", 0, "CA_LIFETIME", GT_SET_DURATION, "87600h", "TIME",
     "of an authority, with --certs-secret; three times --ca-settle and --ca-overlap together, or more",
     .offset = AT(ca_life_ms), .min = 10 * MINUTE, .max = 20 * 8766 * HOUR},
    {"cert-lifetime", 0, "CERT_LIFETIME", GT_SET_DURATION, "2160h", "TIME",
     "of a certificate, with --certs-secret; it is renewed after two thirds", .offset = AT(leaf_life_ms), .min = MINUTE,
     .max = 8766 * HOUR},
    {"ca-settle", 0, "CA_SETTLE", GT_SET_DURATION, "60s", "TIME",
     "how long a new authority is published before a certificate of it is used", .offset = AT(settle_ms), .min = 1000,
     .max = 24 * HOUR},
    {"ca-overlap", 0, "CA_OVERLAP", GT_SET_DURATION, "1h", "TIME", "how long the old authority is published after that",
     .offset = AT(overlap_ms), .min = 1000, .max = 720 * HOUR},
    {"client-ca", 0, "CLIENT_CA", GT_SET_STRING, NULL, "FILE",
     "only answer clients whose certificate an authority in this PEM file signed; read again when it changes",
     .offset = AT(client_ca)},
    {"client-names", 0, "CLIENT_NAMES", GT_SET_STRING, NULL, "NAME,...",
     "and which has one of these common or alternative names (default: any)", .offset = AT(client_names_text)},
    {"threads", 0, "THREADS", GT_SET_INT, "4", "N", "serving threads", .offset = AT(threads), .min = 2, .max = 64},
    {"connections", 0, "CONNECTIONS", GT_SET_INT, "256", "N", "connections at a time", .offset = AT(connections),
     .min = 8, .max = 4096},
    {"header-timeout", 0, "HEADER_TIMEOUT", GT_SET_DURATION, "10s", "TIME", "longest TLS handshake and headers",
     .offset = AT(header_ms), .min = 100, .max = HOUR},
    {"body-timeout", 0, "BODY_TIMEOUT", GT_SET_DURATION, "10s", "TIME", "longest request body", .offset = AT(body_ms),
     .min = 100, .max = HOUR},
    {"answer-timeout", 0, "ANSWER_TIMEOUT", GT_SET_DURATION, "10s", "TIME",
     "longest until a client has taken its answer", .offset = AT(answer_ms), .min = 100, .max = HOUR},
    {"idle-timeout", 0, "IDLE_TIMEOUT", GT_SET_DURATION, "2m", "TIME",
     "longest pause between the requests of a connection", .offset = AT(idle_ms), .min = 100, .max = HOUR},
    {"poll-interval", 0, "POLL_INTERVAL", GT_SET_DURATION, "10s", "TIME",
     "look at templates and certificate this often even if no change was reported", .offset = AT(poll_ms), .min = 100,
     .max = HOUR},
    {"stop-delay", 0, "STOP_DELAY", GT_SET_DURATION, "5s", "TIME",
     "on SIGTERM be unready for this long before no more connections are taken", .offset = AT(stop_delay_ms), .min = 0,
     .max = HOUR},
    {"stop-timeout", 0, "STOP_TIMEOUT", GT_SET_DURATION, "15s", "TIME", "then wait this long for requests to end",
     .offset = AT(stop_timeout_ms), .min = 0, .max = HOUR},
    {"port-file", 0, NULL, GT_SET_STRING, NULL, "FILE",
     "write the two chosen ports there, a line each: reviews, probes", .offset = AT(port_file)},
    {"log-level", 0, "LOG_LEVEL", GT_SET_CHOICE, "info", "LEVEL", "the most that is logged, on standard error",
     .offset = AT(log_level), .choices = "error warn info debug"},
    {"log-format", 0, "LOG_FORMAT", GT_SET_CHOICE, "text", "FORMAT", "how a log line looks", .offset = AT(log_format),
     .choices = "text json"},
    {"help", 'h', NULL, GT_SET_BOOL, "false", NULL, "this text", .offset = AT(help)},
    {"metrics-reference", 0, NULL, GT_SET_BOOL, "false", NULL, "print what /metrics has, as a table",
     .offset = AT(metrics)},
    {"version", 0, NULL, GT_SET_BOOL, "false", NULL, "the version", .offset = AT(version)},
};
enum { ROWS = sizeof table / sizeof *table };

static bool parse_addresses(gt_options *options, gt_err *err)
{
    if (!gt_address_parse(options->listen_text, &options->listen, err))
        return gt_wrap(err, "--listen");
    if (!gt_address_parse(options->probe_text, &options->probe, err))
        return gt_wrap(err, "--probe-listen");
    return true;
}

static bool parse_namespaces(gt_arena *arena, gt_options *options, gt_err *err)
{
    const char *text = options->namespaces_text == NULL ? "" : options->namespaces_text;
    const char **list = GT_NEW_N(arena, const char *, strlen(text) + 1);
    size_t n = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        gt_str name = {text, length};
        if (!gt_is_dns_label(name))
            return gt_fail(err, GT_ERR_INPUT, "--watch-namespaces: \"%.*s\" can't be a namespace", GT_STR_ARG(name));
        list[n++] = gt_arena_dup(arena, text, length);
        text += length + (text[length] == ',');
    }
    options->namespaces = list;
    return true;
}

/* Any text without a comma may be a name. A list that came out empty must not admit everybody. */
static bool parse_client_names(gt_arena *arena, gt_options *options, gt_err *err)
{
    const char *text = options->client_names_text;
    const char **list = GT_NEW_N(arena, const char *, text == NULL ? 1 : strlen(text) + 1);
    size_t n = 0;
    if (text != NULL && options->client_ca == NULL)
        return gt_fail(err, GT_ERR_INPUT, "--client-names needs --client-ca FILE: whose certificates would they be?");
    while (text != NULL) {
        size_t length = strcspn(text, ",");
        if (length == 0)
            return gt_fail(err, GT_ERR_INPUT, "--client-names: an empty name (to admit any, leave the setting out)");
        list[n++] = gt_arena_dup(arena, text, length);
        text = text[length] == ',' ? text + length + 1 : NULL;
    }
    options->client_names = list;
    return true;
}

/* An empty text, as an unused value of a chart leaves in the environment, is as good as none. But not those about clients: who writes one of
 * them wants certificates to be asked for. */
static void forget_empty(gt_options *o)
{
    const char **const texts[] = {&o->templates,       &o->kubeconfig,       &o->context,
                                  &o->namespaces_text, &o->system_namespace, &o->tls_cert,
                                  &o->tls_key,         &o->certs_secret,     &o->port_file};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i] != NULL && (*texts[i])[0] == '\0')
            *texts[i] = NULL;
}

/* Exactly one of the two ways to a certificate. */
static bool check_certificate(const gt_options *o, gt_err *err)
{
    bool files = o->tls_cert != NULL || o->tls_key != NULL;
    if (o->certs_secret != NULL && files)
        return gt_fail(err, GT_ERR_INPUT,
                       "the certificate comes from --tls-cert and --tls-key, or from --certs-secret, not from both");
    if (o->certs_secret != NULL && o->templates != NULL)
        return gt_fail(err, GT_ERR_INPUT, "--certs-secret goes with an API server, not with --templates");
    if (o->certs_secret != NULL && !gt_is_dns_subdomain(gt_str_of(o->certs_secret)))
        return gt_fail(err, GT_ERR_INPUT, "--certs-secret: \"%s\" can't be a Secret", o->certs_secret);
    if (o->certs_secret != NULL || (o->tls_cert != NULL && o->tls_key != NULL))
        return true;
    return gt_fail(err, GT_ERR_INPUT,
                   o->tls_cert != NULL ? "--tls-key FILE is required"
                   : files             ? "--tls-cert FILE is required"
                                       : "--tls-cert FILE is required, and --tls-key FILE; or --certs-secret NAME");
}

static bool check_dns_names(const gt_options *o, gt_err *err)
{
    if (o->dns_names.count > 0 && o->certs_secret == NULL)
        return gt_fail(err, GT_ERR_INPUT, "--dns-name goes with --certs-secret: files have the names that they have");
    if (o->dns_names.count > GT_OPTIONS_DNS_NAMES)
        return gt_fail(err, GT_ERR_INPUT, "--dns-name: at most %d names", GT_OPTIONS_DNS_NAMES);
    for (size_t i = 0; i < o->dns_names.count; i++)
        if (!gt_cert_name_is_valid(o->dns_names.at[i]))
            return gt_fail(err, GT_ERR_INPUT, "--dns-name: \"%s\" is neither a DNS name nor an IP address",
                           o->dns_names.at[i]);
    return true;
}

/* An authority is replaced after two thirds of its life. Its successor has to be in use before it ends, and alone before it has to go itself. */
static bool check_lives(const gt_options *o, gt_err *err)
{
    if (o->certs_secret == NULL || (o->settle_ms + o->overlap_ms) * 3 <= o->ca_life_ms)
        return true;
    return gt_fail(err, GT_ERR_INPUT,
                   "--ca-settle and --ca-overlap together must be at most a third of --ca-lifetime, else an authority "
                   "would end before the next one has taken its place");
}

static bool check_names(const gt_options *o, gt_err *err)
{
    if (!gt_is_dns_label(gt_str_of(o->service)))
        return gt_fail(err, GT_ERR_INPUT, "--service: \"%s\" can't be a Service", o->service);
    if (!gt_is_dns_subdomain(gt_str_of(o->registration)))
        return gt_fail(err, GT_ERR_INPUT, "--registration: \"%s\" can't be a webhook configuration", o->registration);
    if (o->client_ca != NULL && o->client_ca[0] == '\0')
        return gt_fail(err, GT_ERR_INPUT, "--client-ca: the name of a file is missing");
    return true;
}

bool gt_options_parse(gt_arena *arena, int argc, char **argv, gt_options *options, gt_err *err)
{
    *options = (gt_options){0};
    gt_setting_list rest = {0};
    if (!gt_settings_parse(arena, table, ROWS, argc, argv, options, &rest, err))
        return false;
    if (options->help || options->version || options->metrics)
        return true;
    if (rest.count > 0)
        return gt_fail(err, GT_ERR_INPUT, "\"%s\" is no flag; all settings are flags", rest.at[0]);
    forget_empty(options);
    if (!check_certificate(options, err) || !check_lives(options, err) || !check_names(options, err) ||
        !check_dns_names(options, err))
        return false;
    if (options->templates != NULL && options->namespaces_text != NULL)
        return gt_fail(err, GT_ERR_INPUT, "--watch-namespaces goes with an API server, not with --templates");
    if (options->system_namespace != NULL && !gt_is_dns_label(gt_str_of(options->system_namespace)))
        return gt_fail(err, GT_ERR_INPUT, "--system-namespace: \"%s\" can't be a namespace", options->system_namespace);
    return parse_namespaces(arena, options, err) && parse_client_names(arena, options, err) &&
           parse_addresses(options, err);
}

static const char BEFORE[] =
    "gastown-webhook - admission webhook that makes agent pods from templates\n"
    "\n"
    "Usage: gastown-webhook [serve] --tls-cert FILE --tls-key FILE [flags]\n"
    "       gastown-webhook [serve] --certs-secret NAME [flags]\n"
    "       gastown-webhook registration|check [flags]\n"
    "\n"
    "Serves POST /mutate for a MutatingWebhookConfiguration: a pod that carries the label gastown.io/agent\n"
    "comes back as a JSON Patch made from the GasTown, Rig and AgentPool that apply to it; and POST /validate\n"
    "for a ValidatingWebhookConfiguration: those three kinds are checked. What it does to a pod,\n"
    "`gastown-inject render` shows without a cluster; what it thinks of templates, `gastown-inject check`.\n"
    "\n"
    "Templates come from the API server: it follows them, keeps the last good version of a wrong one while\n"
    "the others move on (in ControllerRevisions, so that restarts and replicas agree), writes into their\n"
    "status what it thinks of them and how many pods they have, and makes the claims that agents' pods\n"
    "name. Of several replicas one does the writing, by a Lease.\n"
    "\n"
    "Or they come from a directory (--templates), which is read again when it changes. At the start all of\n"
    "it must be right; later a wrong object, or a file that is no YAML, keeps its last good version. Nothing\n"
    "is written then, and no claims are made.\n"
    "\n"
    "A certificate is read again when its files change; one that isn't valid, or not the key's, is refused\n"
    "while the old one stays. All of that is said in the log and in /metrics. With --certs-secret the replica\n"
    "that leads makes authority and certificate, renews them, and tells the API server whom to trust.\n"
    "\n"
    "Flags (they beat the environment, which beats the default):\n";

static const char AFTER[] =
    "\n"
    "Memory: at most 128 MiB for all reviews in work, beyond 2 MiB of each thread, 64 MiB for bodies on their\n"
    "way (128 KiB of each always fit), and 32 KiB per connection. Templates: at most 1,024 files, 1 MiB each, 16 MiB "
    "in all.\n"
    "\n"
    "Signals:\n"
    "  TERM, INT   stop: unready at once, each answer closes its connection; no new connections after\n"
    "              --stop-delay; the end when the last request is answered, or after --stop-timeout.\n"
    "              Once more: the end at once.\n"
    "  HUP         look at templates, certificate and authorities of clients now\n"
    "\n"
    "Exit status: 0 stopped as asked, 1 a template is wrong, 2 wrong usage, 3 environment (files, ports,\n"
    "memory)\n"
    "\n"
    "Example:\n"
    "  gastown-webhook --tls-cert tls.crt --tls-key tls.key --watch-namespaces gastown\n"
    "  gastown-webhook -t templates/ --tls-cert tls.crt --tls-key tls.key --listen '[::1]:8443'\n";

void gt_options_help(FILE *to)
{
    fputs(BEFORE, to);
    gt_settings_help(to, table, ROWS);
    fputs(AFTER, to);
}
