/* gastown-certs: what its verbs share. */
#ifndef GT_CERTS_CLI_CLI_H
#define GT_CERTS_CLI_CLI_H

#include <stdio.h>

#include "certs/keeper.h"
#include "certs/rotation.h"
#include "lib/base/settings.h"

enum { GT_EXIT_OK = 0, GT_EXIT_FINDING = 1, GT_EXIT_USAGE = 2, GT_EXIT_ENVIRONMENT = 3 };

typedef struct gt_certs_options {
    const char *kubeconfig, *context, *system_namespace, *secret, *service, *registration, *out;
    gt_setting_list more_names;
    int64_t ca_life_ms, leaf_life_ms, settle_ms, overlap_ms, timeout_ms;
    int64_t output; /* 0: for people, 1: JSON */
    bool ca, no_wait, help, version;
    const char *verb;             /* NULL with --help or --version */
    const char *const *dns_names; /* NULL-terminated */
} gt_certs_options;

/* GT_ERR_INPUT: a sentence for the user. Memory is the arena's. */
bool gt_certs_options_parse(gt_arena *arena, int argc, char **argv, gt_certs_options *options, gt_err *err);
void gt_certs_options_help(FILE *to);

/* The API server that the options name. */
typedef struct gt_certs_cluster {
    gt_kube_config config;
    gt_kube_client *client;
    gt_observed *observed;
    gt_keeper *keeper;
} gt_certs_cluster;
int gt_certs_open(gt_arena *arena, const gt_certs_options *options, gt_certs_cluster *cluster); /* an exit status */
void gt_certs_close(gt_certs_cluster *cluster);

/* Prints "gastown-certs: ..." and returns the status. */
int gt_certs_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The verbs; an exit status each. */
int gt_certs_init(gt_arena *arena, const gt_certs_options *options);
int gt_certs_renew(gt_arena *arena, const gt_certs_options *options);
int gt_certs_publish(gt_arena *arena, const gt_certs_options *options);
int gt_certs_show(gt_arena *arena, const gt_certs_options *options);

/* init --out: ca.crt, ca.key, tls.crt, tls.key, each whole or not at all, readable for their owner only. Files that are there aren't touched. */
int gt_certs_write_files(gt_arena *arena, const gt_certs_options *options);

/* Reads the Secret and, until both are known, the two configurations. */
int gt_certs_look(gt_arena *arena, const gt_certs_options *options, gt_certs_cluster *cluster, gt_secret *secret);

#endif
