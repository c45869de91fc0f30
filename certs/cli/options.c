#include <stddef.h>

#include "certs/cli/cli.h"
#include "lib/kube/names.h"

#define AT(member) offsetof(gt_certs_options, member)
#define HOUR INT64_C(3600000)
#define YEAR (8766 * HOUR)

static const gt_setting table[] = {
    {"kubeconfig", 0, "KUBECONFIG", GT_SET_STRING, NULL, "FILE",
     "which cluster (default: ~/.kube/config, else the one that we run in)", .offset = AT(kubeconfig)},
    {"context", 0, NULL, GT_SET_STRING, NULL, "NAME", "context of the kubeconfig (default: its current one)",
     .offset = AT(context)},
    {"system-namespace", 'n', "SYSTEM_NAMESPACE", GT_SET_STRING, GT_SYSTEM_NAMESPACE, "NAME",
     "namespace of the Secret and of the webhook's Service", .offset = AT(system_namespace)},
    {"certs-secret", 0, "CERTS_SECRET", GT_SET_STRING, GT_CERTS_SECRET, "NAME", "the Secret that holds it all",
     .offset = AT(secret)},
    {"service", 0, NULL, GT_SET_STRING, GT_SERVICE_NAME, "NAME",
     "the webhook's Service: the certificate is for NAME.NAMESPACE.svc, the same with .cluster.local, and "
     "NAME.NAMESPACE",
     .offset = AT(service)},
    {"dns-name", 0, NULL, GT_SET_STRING, NULL, "NAME",
     "one more DNS name, or IP address; the webhook that renews needs the same ones", .offset = AT(more_names),
     .repeat = true},
    {"registration", 0, "REGISTRATION", GT_SET_STRING, GT_REGISTRATION_NAME, "NAME",
     "name of the MutatingWebhookConfiguration and the ValidatingWebhookConfiguration", .offset = AT(registration)},
    {"cert-lifetime", 0, "CERT_LIFETIME", GT_SET_DURATION, "2160h", "TIME",
     "how long a certificate is valid; renewed after two thirds of it", .offset = AT(leaf_life_ms), .min = 60000,
     .max = 10 * YEAR},
    {"ca-lifetime", 0, "CA_LIFETIME", GT_SET_DURATION, "87600h", "TIME",
     "how long an authority is valid; replaced after two thirds of it", .offset = AT(ca_life_ms), .min = 60000,
     .max = 100 * YEAR},
    {"ca-settle", 0, "CA_SETTLE", GT_SET_DURATION, "60s", "TIME",
     "how long a new authority has to be seen on every entry before it signs", .offset = AT(settle_ms), .min = 100,
     .max = 24 * HOUR},
    {"ca-overlap", 0, "CA_OVERLAP", GT_SET_DURATION, "1h", "TIME",
     "how long the authority before stays trusted after that", .offset = AT(overlap_ms), .min = 100,
     .max = 24 * 30 * HOUR},
    {"ca", 0, NULL, GT_SET_BOOL, "false", NULL, "renew: the authority, not just the certificate", .offset = AT(ca)},
    {"no-wait", 0, NULL, GT_SET_BOOL, "false", NULL, "renew: ask for it and leave the rest to whoever leads",
     .offset = AT(no_wait)},
    {"out", 0, NULL, GT_SET_STRING, NULL, "DIR", "init: no cluster; write ca.crt, ca.key, tls.crt and tls.key there",
     .offset = AT(out)},
    {"output", 'o', NULL, GT_SET_CHOICE, "table", "FORMAT", "of show", .offset = AT(output), .choices = "table json"},
    {"timeout", 0, NULL, GT_SET_DURATION, "1m", "TIME",
     "longest wait for the API server (on top of --ca-settle, with renew --ca of --ca-overlap, too)",
     .offset = AT(timeout_ms), .min = 1000, .max = 24 * HOUR},
    {"help", 'h', NULL, GT_SET_BOOL, "false", NULL, "this text", .offset = AT(help)},
    {"version", 0, NULL, GT_SET_BOOL, "false", NULL, "the version", .offset = AT(version)},
};
enum { ROWS = sizeof table / sizeof *table };

static bool make_names(gt_arena *arena, gt_certs_options *o, gt_err *err)
{
    size_t n = 0, room = 3 + o->more_names.count;
    const char **names = GT_NEW_N(arena, const char *, room + 1);
    if (room > GT_CERT_NAMES_MAX)
        return gt_fail(err, GT_ERR_INPUT, "--dns-name: at most %d names", GT_CERT_NAMES_MAX - 3);
    names[n++] = gt_arena_printf(arena, "%s.%s.svc", o->service, o->system_namespace);
    names[n++] = gt_arena_printf(arena, "%s.%s.svc.cluster.local", o->service, o->system_namespace);
    names[n++] = gt_arena_printf(arena, "%s.%s", o->service, o->system_namespace);
    for (size_t i = 0; i < o->more_names.count; i++) {
        if (!gt_cert_name_is_valid(o->more_names.at[i]))
            return gt_fail(err, GT_ERR_INPUT, "--dns-name: \"%s\" is neither a DNS name nor an IP address",
                           o->more_names.at[i]);
        names[n++] = o->more_names.at[i];
    }
    o->dns_names = names;
    return true;
}

static bool check(const gt_certs_options *o, gt_err *err)
{
    bool init = strcmp(o->verb, "init") == 0, renew = strcmp(o->verb, "renew") == 0,
         show = strcmp(o->verb, "show") == 0;
    const struct {
        const char *flag, *value;
        bool label; /* or a subdomain, as most names */
    } names[] = {{"system-namespace", o->system_namespace, true},
                 {"service", o->service, true},
                 {"certs-secret", o->secret, false},
                 {"registration", o->registration, false}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gt_str name = gt_str_of(names[i].value);
        if (!(names[i].label ? gt_is_dns_label(name) : gt_is_dns_subdomain(name)))
            return gt_fail(err, GT_ERR_INPUT, "--%s: \"%s\" can't be one's name", names[i].flag, names[i].value);
    }
    if (!init && !renew && !show && strcmp(o->verb, "publish") != 0)
        return gt_fail(err, GT_ERR_INPUT, "\"%s\" is no verb: init, renew, publish or show", o->verb);
    if ((o->ca || o->no_wait) && !renew)
        return gt_fail(err, GT_ERR_INPUT, "--%s goes with renew", o->ca ? "ca" : "no-wait");
    if (o->out != NULL && !init)
        return gt_fail(err, GT_ERR_INPUT, "--out goes with init");
    if (o->output != 0 && !show)
        return gt_fail(err, GT_ERR_INPUT, "--output goes with show");
    return o->ca_life_ms / 3 >= o->leaf_life_ms ||
           gt_fail(err, GT_ERR_INPUT,
                   "--ca-lifetime must be at least three times --cert-lifetime: a certificate ends with its authority");
}

bool gt_certs_options_parse(gt_arena *arena, int argc, char **argv, gt_certs_options *options, gt_err *err)
{
    *options = (gt_certs_options){0};
    gt_setting_list rest = {0};
    if (!gt_settings_parse(arena, table, ROWS, argc, argv, options, &rest, err))
        return false;
    if (options->help || options->version)
        return true;
    if (rest.count > 0 && strcmp(rest.at[0], "help") == 0)
        return options->help = true;
    if (rest.count == 0)
        return gt_fail(err, GT_ERR_INPUT, "what is to be done? init, renew, publish or show");
    if (rest.count > 1)
        return gt_fail(err, GT_ERR_INPUT, "\"%s\" is one word too many", rest.at[1]);
    options->verb = rest.at[0];
    return check(options, err) && make_names(arena, options, err);
}

static const char BEFORE[] =
    "gastown-certs - certificates of gastown-webhook, managed by itself\n"
    "\n"
    "Usage: gastown-certs VERB [flags]\n"
    "\n"
    "  init      makes an authority and a certificate in a Secret, if there are none, and puts the authority\n"
    "            on our entries of both webhook configurations; can be repeated\n"
    "            --out DIR: writes them to files instead, for a webhook that runs on files\n"
    "  renew     makes a new certificate now\n"
    "            --ca: a new authority, without anybody noticing: old and new are trusted, the new one is\n"
    "            seen on every entry, it signs, and after --ca-overlap the old one goes. Killed on the way, the\n"
    "            same command, or the webhook that leads, goes on from what is in the Secret\n"
    "  publish   puts the Secret's bundle on our entries, and does nothing else\n"
    "  show      the certificate, the authorities, what entries trust, and what comes next\n"
    "\n"
    "Self-managed, a webhook does all of this itself: the replica that leads renews. This program is for the\n"
    "first time, for looking, and for people in a hurry. Entries are found by name (pods.gastown.io,\n"
    "policy.gastown.io, templates.gastown.io); others in the same object, and an object that isn't there, are\n"
    "left alone. While cert-manager injects into one of the two nothing is published, and it's said.\n"
    "\n"
    "Flags (they beat the environment, which beats the default):\n";

static const char AFTER[] =
    "\n"
    "Exit status: 0 done, 1 there's something to look at (it's said what), 2 wrong usage, 3 environment (files,\n"
    "API server, rights)\n"
    "\n"
    "Examples:\n"
    "  gastown-certs init --context staging\n"
    "  gastown-certs show -o json | jq .certificate.daysLeft\n"
    "  gastown-certs renew --ca --ca-settle 2m --ca-overlap 30m\n"
    "  gastown-certs init --out tls/ --dns-name localhost --dns-name 127.0.0.1\n";

void gt_certs_options_help(FILE *to)
{
    fputs(BEFORE, to);
    gt_settings_help(to, table, ROWS);
    fputs(AFTER, to);
}
