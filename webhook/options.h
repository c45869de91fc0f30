/* gastown-webhook's settings: flags, environment, defaults. */
#ifndef GT_WEBHOOK_OPTIONS_H
#define GT_WEBHOOK_OPTIONS_H

#include <stdio.h>

#include "lib/base/settings.h"
#include "webhook/address.h"

enum { GT_OPTIONS_DNS_NAMES = 32 };

typedef struct gt_options {
    const char *templates; /* NULL: from an API server */
    const char *kubeconfig, *context, *system_namespace;
    const char *namespaces_text;
    const char *const *namespaces;  /* to watch, NULL-terminated; empty: all */
    const char *tls_cert, *tls_key; /* or */
    const char *certs_secret;       /* the Secret of self-managed certificates */
    const char *service, *registration;
    gt_setting_list dns_names; /* more of them, for self-managed certificates */
    int64_t ca_life_ms, leaf_life_ms, settle_ms, overlap_ms;
    const char *client_ca; /* or NULL: whoever reaches us may ask */
    const char *client_names_text;
    const char *const *client_names; /* NULL-terminated; empty: all */
    const char *listen_text, *probe_text;
    const char *port_file; /* or NULL */
    int64_t threads, connections;
    int64_t header_ms, body_ms, answer_ms, idle_ms, poll_ms, stop_delay_ms, stop_timeout_ms;
    int64_t log_level, log_format; /* gt_log_level, gt_log_format */
    bool help, version, metrics;
    gt_address listen, probe; /* parsed from the texts */
} gt_options;

/* Strings point into argv and the environment. GT_ERR_INPUT with a sentence for the user. With --help, --version or --metrics-reference
 * nothing else is required. */
bool gt_options_parse(gt_arena *arena, int argc, char **argv, gt_options *options, gt_err *err);

void gt_options_help(FILE *to);

#endif
