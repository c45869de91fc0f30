#include "webhook/verbs.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "certs/bundle.h"
#include "lib/kube/names.h"
#include "lib/yaml/yaml.h"
#include "webhook/check.h"

/* ---- settings ---- */

enum { REGISTRATION = 1, CHECK = 2, BOTH = REGISTRATION | CHECK };
#define AT(member) offsetof(gt_verb_options, member)
#define OF(member) offsetof(gt_verb_options, registration.member)

static const struct {
    int verbs; /* that take it */
    gt_setting setting;
} table[] = {
    {CHECK,
     {"kubeconfig", 0, "KUBECONFIG", GT_SET_STRING, NULL, "FILE",
      "which cluster (default: ~/.kube/config, else the one that we run in)", .offset = AT(kubeconfig)}},
    {CHECK,
     {"context", 0, NULL, GT_SET_STRING, NULL, "NAME", "context of the kubeconfig (default: its current one)",
      .offset = AT(context)}},
    {BOTH, {"name", 0, NULL, GT_SET_STRING, GT_REGISTRATION_NAME, "NAME", "of all four objects", .offset = OF(name)}},
    {BOTH,
     {"system-namespace", 0, "SYSTEM_NAMESPACE", GT_SET_STRING, GT_SYSTEM_NAMESPACE, "NAME",
      "where the webhook, its Service and the two service accounts are", .offset = OF(system_namespace)}},
    {BOTH,
     {"service", 0, NULL, GT_SET_STRING, GT_SERVICE_NAME, "NAME", "the webhook's Service", .offset = OF(service)}},
    {BOTH, {"port", 0, NULL, GT_SET_INT, "443", "N", "the Service's port", .offset = OF(port), .min = 1, .max = 65535}},
    {BOTH,
     {"url", 0, NULL, GT_SET_STRING, NULL, "URL",
      "https://HOST:PORT of a webhook that runs outside of the cluster, instead of a Service", .offset = OF(url)}},
    {BOTH,
     {"watch-namespaces", 0, "WATCH_NAMESPACES", GT_SET_STRING, NULL, "NAME,...",
      "namespaces of agents (default: all but kube-system)", .offset = AT(namespaces_text)}},
    {REGISTRATION,
     {"ca-bundle", 0, NULL, GT_SET_STRING, NULL, "FILE",
      "PEM certificates that the API server is to trust; for who publishes them by hand", .offset = AT(ca_file)}},
    {BOTH,
     {"inject-ca-from", 0, NULL, GT_SET_STRING, NULL, "NAMESPACE/NAME",
      "have cert-manager publish the authority of this Certificate", .offset = OF(inject_ca_from)}},
    {BOTH,
     {"webhook-account", 0, NULL, GT_SET_STRING, GT_WEBHOOK_ACCOUNT, "NAME", "the webhook's service account",
      .offset = OF(webhook_account)}},
    {BOTH,
     {"watcher-account", 0, NULL, GT_SET_STRING, GT_WATCHER_ACCOUNT, "NAME", "the watcher's service account",
      .offset = OF(watcher_account)}},
    {CHECK,
     {"certs-secret", 0, "CERTS_SECRET", GT_SET_STRING, GT_CERTS_SECRET, "NAME",
      "Secret of the webhook's certificate, in the system namespace", .offset = AT(secret)}},
    {BOTH, {"output", 'o', NULL, GT_SET_STRING, NULL, "FORMAT", NULL, .offset = AT(output)}},
    {BOTH, {"help", 'h', NULL, GT_SET_BOOL, "false", NULL, "this text", .offset = AT(help)}},
};
enum { ROWS = sizeof table / sizeof *table };

static int print_registration(gt_arena *arena, const gt_verb_options *options);

static const gt_verb verbs[] = {
    {.name = "registration",
     .summary = "what an API server has to be told of the webhook, as YAML for kubectl apply",
     .usage = "[--url URL] [--ca-bundle FILE | --inject-ca-from NAMESPACE/NAME] [-o yaml|json] ...",
     .example = "gastown-webhook registration --watch-namespaces gastown | kubectl apply --server-side -f -",
     .more = "A MutatingWebhookConfiguration, a ValidatingWebhookConfiguration, a ValidatingAdmissionPolicy and its\n"
             "binding. Without --ca-bundle no caBundle is in it, so that applying it again leaves alone what\n"
             "gastown-certs or cert-manager has published. docs/registration.md explains each entry.",
     .formats = "yaml json",
     .run = print_registration},
    {.name = "check",
     .summary = "whether a cluster is as the webhook needs it: objects, certificates, a dry-run pod",
     .usage = "[--kubeconfig FILE] [--context NAME] [settings of `registration`] [-o table|json|yaml]",
     .example = "gastown-webhook check --context staging --watch-namespaces gastown",
     .more =
         "With the rights of whoever calls it, and only reading: its pods are dry runs. What it may not look at is\n"
         "UNKNOWN, never ok. Give it the settings that the registration was made with.",
     .formats = "table json yaml",
     .run = gt_survey_main},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

const gt_verb *gt_verb_find(const char *name)
{
    for (int i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* The verb's own rows; how many. */
static size_t settings_of(const gt_verb *verb, gt_setting own[ROWS], const char *formats)
{
    int bit = 1 << (verb - verbs);
    size_t n = 0;
    for (int i = 0; i < ROWS; i++) {
        if ((table[i].verbs & bit) == 0)
            continue;
        own[n] = table[i].setting;
        if (own[n].help == NULL)
            own[n].help = formats;
        n++;
    }
    return n;
}

/* ---- parsing ---- */

int gt_verb_complain(int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("gastown-webhook: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

static bool parse_namespaces(gt_arena *arena, gt_verb_options *options, gt_err *err)
{
    const char *text = options->namespaces_text == NULL ? "" : options->namespaces_text;
    const char **list = GT_NEW_N(arena, const char *, strlen(text) + 1);
    size_t n = 0;
    while (*text != '\0') {
        gt_str name = {text, strcspn(text, ",")};
        if (!gt_is_dns_label(name))
            return gt_fail(err, GT_ERR_INPUT, "--watch-namespaces: \"%.*s\" can't be a namespace", GT_STR_ARG(name));
        list[n++] = gt_arena_dup(arena, name.at, name.len);
        text += name.len + (text[name.len] == ',');
    }
    options->registration.namespaces = list;
    return true;
}

static bool read_file(gt_arena *arena, const char *path, gt_str *text, gt_err *err)
{
    char *bytes = gt_arena_alloc(arena, GT_BUNDLE_BYTES + 1);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return gt_fail(err, GT_ERR_ENV, "--ca-bundle: %s: %s", path, strerror(errno));
    size_t n = fread(bytes, 1, GT_BUNDLE_BYTES + 1, file);
    int problem = ferror(file) ? errno : 0;
    fclose(file);
    if (problem != 0)
        return gt_fail(err, GT_ERR_ENV, "--ca-bundle: %s: %s", path, strerror(problem));
    if (n > GT_BUNDLE_BYTES)
        return gt_fail(err, GT_ERR_LIMIT, "--ca-bundle: %s: more than %d bytes", path, GT_BUNDLE_BYTES);
    *text = (gt_str){bytes, n};
    return true;
}

static bool read_bundle(gt_arena *arena, gt_verb_options *options, gt_err *err)
{
    const gt_cert_facts *facts;
    size_t count;
    if (options->ca_file == NULL)
        return true;
    if (!read_file(arena, options->ca_file, &options->registration.ca_bundle, err))
        return false;
    if (!gt_bundle_facts(arena, options->registration.ca_bundle, &facts, &count, err))
        return gt_wrap(err, "--ca-bundle: %s", options->ca_file);
    return count > 0 || gt_fail(err, GT_ERR_INPUT, "--ca-bundle: %s: holds no certificate (PEM)", options->ca_file);
}

static bool has_word(const char *words, const char *word)
{
    for (size_t n; *words != '\0'; words += n + (words[n] == ' ')) {
        n = strcspn(words, " ");
        if (gt_str_is((gt_str){words, n}, word))
            return true;
    }
    return false;
}

static bool parse_output(gt_arena *arena, const gt_verb *verb, gt_verb_options *options, gt_err *err)
{
    if (options->output == NULL)
        options->output = gt_arena_dup(arena, verb->formats, strcspn(verb->formats, " "));
    return has_word(verb->formats, options->output) ||
           gt_fail(err, GT_ERR_INPUT, "--output: \"%.40s\" is none of: %s", options->output, verb->formats);
}

static const char *if_given(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

bool gt_verb_parse(gt_arena *arena, const gt_verb *verb, int argc, char **argv, gt_verb_options *options, gt_err *err)
{
    gt_setting own[ROWS];
    gt_setting_list rest = {0};
    gt_registration *r = &options->registration;
    *options = (gt_verb_options){.secret = GT_CERTS_SECRET};
    if (!gt_settings_parse(arena, own, settings_of(verb, own, ""), argc, argv, options, &rest, err))
        return false;
    if (options->help)
        return true;
    if (rest.count > 0)
        return gt_fail(err, GT_ERR_INPUT, "%s: \"%.200s\" is no flag; all settings are flags", verb->name, rest.at[0]);
    r->url = if_given(r->url);
    r->inject_ca_from = if_given(r->inject_ca_from);
    if (!gt_is_dns_subdomain(gt_str_of(options->secret)))
        return gt_fail(err, GT_ERR_INPUT, "--certs-secret: \"%.200s\" can't be the name of a Secret", options->secret);
    return parse_output(arena, verb, options, err) && parse_namespaces(arena, options, err) &&
           read_bundle(arena, options, err) && gt_registration_good(r, err);
}

/* ---- running ---- */

static void print_help(const gt_verb *verb)
{
    gt_setting own[ROWS];
    char formats[80];
    snprintf(formats, sizeof formats, "one of %s; the first is the default", verb->formats);
    printf("gastown-webhook %s: %s\n\nUsage: gastown-webhook %s %s\n\n%s\n\nFlags (they beat the environment, which "
           "beats the default):\n",
           verb->name, verb->summary, verb->name, verb->usage, verb->more);
    gt_settings_help(stdout, own, settings_of(verb, own, formats));
    fputs("\nExit status: 0 fine", stdout);
    if (verb->run == gt_survey_main)
        fputs(", warnings too; 1 something is wrong; 2 wrong usage; 3 the cluster can't be asked, or\nsomething in it "
              "is UNKNOWN for want of a right\n",
              stdout);
    else
        fputs("; 2 wrong usage; 3 a file can't be read\n", stdout);
    printf("\nExample:\n  %s\n", verb->example);
}

int gt_verb_main(const gt_verb *verb, int argc, char **argv)
{
    gt_verb_options options;
    gt_err err;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return gt_verb_complain(GT_EXIT_ENVIRONMENT, "out of memory");
    if (!gt_verb_parse(arena, verb, argc, argv, &options, &err)) {
        int status = err.kind == GT_ERR_ENV ? GT_EXIT_ENVIRONMENT : GT_EXIT_USAGE;
        return gt_verb_complain(status, "%s (gastown-webhook %s --help says more)", err.text, verb->name);
    }
    if (options.help) {
        print_help(verb);
        return GT_EXIT_OK;
    }
    int status = verb->run(arena, &options);
    if (fflush(stdout) != 0)
        return gt_verb_complain(GT_EXIT_ENVIRONMENT, "standard output: %s", strerror(errno));
    return status;
}

int gt_verb_unknown(const char *name)
{
    for (int i = 0; i < VERBS; i++)
        if (strlen(name) <= 64 && gt_str_distance(gt_str_of(name), gt_str_of(verbs[i].name), 3) <= 3)
            return gt_verb_complain(GT_EXIT_USAGE, "unknown command %s, did you mean %s?", name, verbs[i].name);
    return gt_verb_complain(GT_EXIT_USAGE, "unknown command %.64s, only serve, registration and check (--help)", name);
}

void gt_verbs_help(FILE *to)
{
    fprintf(to, "\nCommands:\n  %-12s  %s\n", "serve", "answer reviews; what happens without a command");
    for (int i = 0; i < VERBS; i++)
        fprintf(to, "  %-12s  %s\n", verbs[i].name, verbs[i].summary);
    fputs("COMMAND --help says more.\n", to);
}

static int print_registration(gt_arena *arena, const gt_verb_options *options)
{
    bool json = strcmp(options->output, "json") == 0;
    gt_value *list = gt_value_object(arena), *items = gt_value_array(arena);
    gt_buf out;
    gt_buf_init(&out, arena, 16384);
    gt_value_put(arena, list, "apiVersion", gt_value_text(arena, "v1"));
    gt_value_put(arena, list, "kind", gt_value_text(arena, "List"));
    gt_value_put(arena, list, "items", items);
    for (int i = 0; i < GT_REGISTERED_COUNT; i++) {
        gt_value *object = gt_registration_make(arena, &options->registration, (gt_registered)i);
        gt_value_push(items, object);
        if (json)
            continue;
        gt_buf_text(&out, "---\n");
        gt_yaml_print(&out, object, 0);
    }
    if (json) {
        gt_value_pretty(&out, list, 0);
        gt_buf_byte(&out, '\n');
    }
    fwrite(out.at, 1, out.len, stdout);
    return GT_EXIT_OK;
}
