/* What templates name outside of themselves, and whether the cluster has it.
 *
 * Asked with the rights of whoever calls: where they don't reach, that is said once, and nothing is claimed. Of a Secret only the names of its
 * keys are looked at. */
#include <stdio.h>

#include "injector/check.h"
#include "injector/cli/cluster.h"
#include "injector/plan.h"
#include "lib/base/map.h"

typedef enum target {
    SECRET,
    CONFIG_MAP,
    ACCOUNT,
    CLAIM,
    PRIORITY_CLASS,
    RUNTIME_CLASS,
    STORAGE_CLASS,
} target;

static const struct target_row {
    const char *title;
    gt_kube_kind kind;
    bool namespaced;
} targets[] = {
    [SECRET] = {"Secret", {"", "v1", "secrets"}, true},
    [CONFIG_MAP] = {"ConfigMap", {"", "v1", "configmaps"}, true},
    [ACCOUNT] = {"ServiceAccount", {"", "v1", "serviceaccounts"}, true},
    [CLAIM] = {"PersistentVolumeClaim", {"", "v1", "persistentvolumeclaims"}, true},
    [PRIORITY_CLASS] = {"PriorityClass", {"scheduling.k8s.io", "v1", "priorityclasses"}, false},
    [RUNTIME_CLASS] = {"RuntimeClass", {"node.k8s.io", "v1", "runtimeclasses"}, false},
    [STORAGE_CLASS] = {"StorageClass", {"storage.k8s.io", "v1", "storageclasses"}, false},
};

/* Where names stand in a layer. path: members, [] for each element of a list. Behind it the member with the name (NULL: it's the
 * value itself), and what says which key of it is meant: members that are tried in turn, "=x" for x itself; NULL: no certain one. */
static const struct reference_row {
    const char *path, *name, *key;
    target target;
} references[] = {
    {"agent.apiKeySecret", "name", "key", SECRET},
    {"agent.credentialsSecret", NULL, NULL, SECRET},
    {"configMapName", NULL, NULL, CONFIG_MAP},
    {"daemon.tokenSecretRef", "name", "key =token", SECRET},
    {"env[].valueFrom.configMapKeyRef", "name", "key", CONFIG_MAP},
    {"env[].valueFrom.secretKeyRef", "name", "key", SECRET},
    {"envFrom[].configMapRef", "name", NULL, CONFIG_MAP},
    {"envFrom[].secretRef", "name", NULL, SECRET},
    {"git.credentialsSecret", NULL, NULL, SECRET},
    {"git.knownHostsConfigMap", NULL, "=known_hosts", CONFIG_MAP},
    {"imagePullSecrets[]", "name", NULL, SECRET},
    {"initContainers[].env[].valueFrom.configMapKeyRef", "name", "key", CONFIG_MAP},
    {"initContainers[].env[].valueFrom.secretKeyRef", "name", "key", SECRET},
    {"initContainers[].envFrom[].configMapRef", "name", NULL, CONFIG_MAP},
    {"initContainers[].envFrom[].secretRef", "name", NULL, SECRET},
    {"priorityClassName", NULL, NULL, PRIORITY_CLASS},
    {"runtimeClassName", NULL, NULL, RUNTIME_CLASS},
    {"secretEnv[]", "secretName", "key name", SECRET},
    {"serviceAccountName", NULL, NULL, ACCOUNT},
    {"sidecars[].env[].valueFrom.configMapKeyRef", "name", "key", CONFIG_MAP},
    {"sidecars[].env[].valueFrom.secretKeyRef", "name", "key", SECRET},
    {"sidecars[].envFrom[].configMapRef", "name", NULL, CONFIG_MAP},
    {"sidecars[].envFrom[].secretRef", "name", NULL, SECRET},
    {"storage.storageClassName", NULL, NULL, STORAGE_CLASS},
    {"volumes[].configMap", "name", NULL, CONFIG_MAP},
    {"volumes[].persistentVolumeClaim", "claimName", NULL, CLAIM},
    {"volumes[].projected.sources[].configMap", "name", NULL, CONFIG_MAP},
    {"volumes[].projected.sources[].secret", "name", NULL, SECRET},
    {"volumes[].secret", "secretName", NULL, SECRET},
};

/* What the API server said of one object. */
typedef struct known {
    bool there, told; /* told: neither here nor there, because we may not know */
    gt_map *keys;     /* of a Secret or ConfigMap */
} known;

typedef struct search {
    gt_arena *arena;
    const gt_cli *cli;
    gt_map answers;  /* "secrets/ns/name": known */
    gt_map refusals; /* "secrets/ns" */
    bool classes;    /* the templates have been checked against the storage classes already */
    const gt_object *object;
    gt_str ns;
    gt_check check; /* collects the warnings */
    bool broken;    /* the cluster doesn't answer: said already */
} search;

/* ---- asking ---- */

static gt_map *keys_of(gt_arena *arena, gt_view object)
{
    static const char *const members[] = {"data", "binaryData"};
    gt_map *keys = GT_NEW(arena, gt_map);
    gt_map_init(keys, arena);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        gt_view entries = gt_view_get(object, members[i]);
        GT_VIEW_EACH (entry, entries) {
            gt_str key = gt_view_key(entry);
            gt_map_put(keys, (gt_str){gt_arena_dup(arena, key.at, key.len), key.len}, keys);
        }
    }
    return keys;
}

static void tell_refusal(search *s, const struct target_row *row, const char *ns)
{
    gt_str key = gt_str_of(gt_arena_printf(s->arena, "%s/%s", row->kind.plural, ns == NULL ? "" : ns));
    if (gt_map_put(&s->refusals, key, s) == NULL)
        gt_cli_complain(0, "may not read %s%s%s: not checked", row->kind.plural, ns == NULL ? "" : " in ",
                        ns == NULL ? "" : ns);
}

static known *ask(search *s, target what, gt_str name)
{
    const struct target_row *row = &targets[what];
    gt_kube_client *client = s->cli->cluster->client;
    const char *ns = row->namespaced ? gt_arena_dup(s->arena, s->ns.at, s->ns.len) : NULL;
    char *key = gt_kube_path(s->arena, &row->kind, ns, gt_arena_dup(s->arena, name.at, name.len));
    known *k = gt_map_get(&s->answers, gt_str_of(key));
    if (k != NULL)
        return k;
    gt_scoped(gt_arena_cleanup) gt_arena *scratch = gt_arena_new(0);
    gt_kube_request request = {.method = "GET", .path = key};
    gt_kube_answer answer;
    gt_err err;
    k = GT_NEW(s->arena, known);
    gt_map_put(&s->answers, gt_str_of(key), k);
    if (scratch == NULL) {
        s->broken = true;
        gt_cli_complain(0, "out of memory");
    } else if (gt_kube_do(client, scratch, &request, &answer, &err)) {
        k->there = true;
        k->keys = what == SECRET || what == CONFIG_MAP ? keys_of(s->arena, answer.object) : NULL;
    } else if (err.code == 403) {
        k->told = true;
        tell_refusal(s, row, ns);
    } else if (err.kind != GT_ERR_NOT_FOUND) {
        s->broken = true;
        gt_cli_complain_of(s->cli->cluster, "read", &row->kind, ns, &err);
    }
    return k;
}

/* ---- judging ---- */

/* The key that is meant, and the value that names it (NULL: none does). */
static gt_str key_of(const struct reference_row *row, const gt_value *at, const gt_value **said)
{
    *said = NULL;
    for (const char *word = row->key; word != NULL && *word != '\0'; word += strspn(word, " ")) {
        gt_str name = {word, strcspn(word, " ")};
        word += name.len;
        if (name.at[0] == '=')
            return (gt_str){name.at + 1, name.len - 1};
        *said = gt_value_get_str(at, name);
        if (gt_value_str(*said).len > 0)
            return gt_value_str(*said);
    }
    return (gt_str){"", 0};
}

static void judge(search *s, const struct reference_row *row, const gt_pointer *place, const gt_value *at)
{
    const gt_value *named = row->name == NULL ? at : gt_value_get(at, row->name), *said;
    gt_str name = gt_value_str(named), key = key_of(row, at, &said);
    gt_pointer member = gt_member(place, row->name), key_place = gt_member_str(place, said == NULL ? key : said->key);
    const gt_pointer *name_place = row->name == NULL ? place : &member;
    if (name.len == 0 || gt_value_true(gt_value_get(at, "optional")) || s->broken)
        return;
    const known *k = ask(s, row->target, name);
    const struct target_row *title = &targets[row->target];
    const char *in = title->namespaced ? " in namespace " : "";
    gt_str ns = title->namespaced ? s->ns : (gt_str){"", 0};
    if (k->told || s->broken)
        return;
    if (!k->there)
        gt_check_warn(&s->check, named, name_place, "the cluster has no %s %.*s%s%.*s", title->title, GT_STR_ARG(name),
                      in, GT_STR_ARG(ns));
    else if (key.len > 0 && k->keys != NULL && gt_map_get(k->keys, key) == NULL)
        gt_check_warn(&s->check, said == NULL ? named : said, said == NULL ? name_place : &key_place,
                      "%s %.*s%s%.*s has no key %.*s", title->title, GT_STR_ARG(name), in, GT_STR_ARG(ns),
                      GT_STR_ARG(key));
}

/* ---- finding ---- */

/* Follows the rest of a row's path from `at` on. */
static void follow(search *s, const struct reference_row *row, const char *path, const gt_pointer *place,
                   const gt_value *at)
{
    if (at == NULL || at->type == GT_VALUE_NULL)
        return;
    if (*path == '\0') {
        judge(s, row, place, at);
    } else if (*path == '[') {
        size_t i = 0;
        GT_VALUE_EACH (element, at) {
            gt_pointer here = gt_labelled(place, i++, gt_value_str(gt_value_get(element, "name")));
            follow(s, row, path + strlen("[]"), &here, element);
        }
    } else {
        path += *path == '.';
        gt_str member = {path, strcspn(path, ".[")};
        gt_pointer here = gt_member_str(place, member);
        follow(s, row, path + member.len, &here, gt_value_get_str(at, member));
    }
}

static void search_layer(search *s, const gt_pointer *place, const gt_kept_layer *kept)
{
    gt_pointer spec = gt_member(NULL, "spec");
    gt_layer layer;
    if (kept == NULL)
        return;
    gt_kept_open(kept, &layer);
    const gt_value *template = gt_layer_resolved_value(s->arena, &layer);
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        if (references[i].target == STORAGE_CLASS && s->classes)
            continue;
        bool of_spec = strncmp(references[i].path, "daemon.", strlen("daemon.")) == 0; /* a cell that no template has */
        follow(s, &references[i], references[i].path, of_spec ? &spec : place, template);
    }
}

static void search_object(search *s, const gt_object *object, size_t document)
{
    static const char *const layers[] = {
        [GT_KIND_TOWN] = "defaults", [GT_KIND_RIG] = "podOverrides", [GT_KIND_POOL] = "template"};
    gt_pointer spec = gt_member(NULL, "spec"), own = gt_member(&spec, layers[object->kind]),
               roles = gt_member(&spec, "roleOverrides");
    s->ns = object->ns.len > 0 ? object->ns : gt_str_of(s->cli->cluster->home);
    s->check.document = document;
    s->check.file = object->file;
    s->check.object = object->title;
    search_layer(s, &own, object->layer);
    for (size_t i = 0; i < object->role_count; i++) {
        gt_pointer role = gt_member_str(&roles, object->roles[i].role);
        search_layer(s, &role, object->roles[i].layer);
    }
}

int gt_cli_references(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_finding **findings)
{
    search s = {.arena = arena, .cli = cli, .check = {.arena = arena}, .classes = gt_snapshot_knows_classes(snapshot)};
    gt_map_init(&s.answers, arena);
    gt_map_init(&s.refusals, arena);
    for (size_t i = 0; i < gt_snapshot_documents(snapshot); i++) {
        const gt_object *object = gt_snapshot_object(snapshot, i);
        if (object != NULL && !object->broken && object->kind <= GT_KIND_POOL)
            search_object(&s, object, i);
    }
    *findings = s.check.first;
    return s.broken ? GT_EXIT_ENVIRONMENT : GT_EXIT_OK;
}
