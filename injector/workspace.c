/* The init container `workspace`: clones the agent's repository before the agent starts.
 *
 * The script is fixed and every value reaches it through the environment, so that no name of a branch or repository is ever read as
 * code. A clone appears under its name only when it is whole. In an existing one nothing of the agent's changes: its branch, its
 * index and its files are what a restart is to keep; only origin is fetched. The way to the credentials goes into the
 * clone's own configuration, so that the agent can push; the credentials themselves stay in their Secret. It holds neither $( nor
 * $$, which Kubernetes would read as its own.
 *
 * Git runs what an existing clone's configuration and hooks say, which the agent may write: as the same user, with the same Secret that
 * the agent has mounted, too. Keeping the Secret from the agent would make that an escalation. */
#include "injector/target.h"
#include "injector/variables.h"
#include "injector/volumes.h"

/* clang-format off: a script */
static const char SCRIPT[] =
    "set -eu\n"
    "say() { printf 'workspace: %s\\n' \"$*\"; }\n"
    "fail() { say \"$*\" >&2; exit 1; }\n"
    "secret=" GT_GIT_CREDENTIALS_PATH "\n"
    "hosts=" GT_KNOWN_HOSTS_PATH "/known_hosts\n"
    "export GIT_TERMINAL_PROMPT=0 GIT_HTTP_LOW_SPEED_LIMIT=1 GIT_HTTP_LOW_SPEED_TIME=60\n"
    "dir=$GIT_CLONE_DIR part=$GIT_CLONE_DIR.part\n"
    "run() { git -c safe.directory=\"$dir\" -c gc.auto=0 -c maintenance.auto=false \"$@\"; }\n"
    "\n"
    "# how git gets at the remote, now and when the agent pushes\n"
    "ssh='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30 -o ServerAliveInterval=15'\n"
    "if [ -e \"$hosts\" ]; then ssh=\"$ssh -o UserKnownHostsFile=$hosts\"; fi\n"
    "if [ -e \"$secret/ssh-privatekey\" ]; then ssh=\"$ssh -o IdentitiesOnly=yes -i $secret/ssh-privatekey\"; fi\n"
    "export GIT_SSH_COMMAND=\"$ssh\"\n"
    "helper='!f() { [ \"$1\" = get ] || exit 0; d=" GT_GIT_CREDENTIALS_PATH "; u=git p=;"
    " if [ -e \"$d/username\" ]; then read -r u <\"$d/username\" || :; fi;"
    " for n in token password; do if [ -e \"$d/$n\" ]; then read -r p <\"$d/$n\" || :; fi; done;"
    " if [ -n \"$p\" ]; then printf \"username=%s\\npassword=%s\\n\" \"$u\" \"$p\"; fi; }; f'\n"
    "set --\n"
    "case $GIT_REPOSITORY in\n"
    "https://*)\n"
    "    host=${GIT_REPOSITORY#https://} host=${host%%/*}\n"
    "    if [ -e \"$secret/token\" ] || [ -e \"$secret/password\" ]; then set -- -c "
    "\"credential.https://${host##*@}.helper=$helper\"; fi ;;\n"
    "http://*) if [ -e \"$secret/token\" ]; then say \"a token isn't sent over http: use https\"; fi ;;\n"
    "esac\n"
    "set -- \"$@\" -c \"core.sshCommand=$ssh\"\n"
    "\n"
    "# a network that fails for a moment is no reason to lose a polecat's pod\n"
    "retry() {\n"
    "    for wait in 1 2 4 8; do\n"
    "        if \"$@\"; then return 0; fi\n"
    "        say \"failed, again in $wait s\"\n"
    "        sleep \"$wait\"\n"
    "    done\n"
    "    \"$@\"\n"
    "}\n"
    "fetch() {\n"
    "    if command -v timeout >/dev/null; then timeout 300 git -c safe.directory=\"$dir\" -c gc.auto=0 -C \"$dir\" "
    "fetch --quiet -- origin\n"
    "    else run -C \"$dir\" fetch --quiet -- origin; fi\n"
    "}\n"
    "# a token is for the host of today\n"
    "forget() {\n"
    "    run -C \"$dir\" config --name-only --get-regexp '^credential[.]https://.*[.]helper' | while read -r name; do\n"
    "        run -C \"$dir\" config --fixed-value --unset-all \"$name\" \"$helper\" || :\n"
    "    done\n"
    "}\n"
    "configure() {\n"
    "    run -C \"$dir\" config --replace-all remote.origin.url \"$GIT_REPOSITORY\" || return 1\n"
    "    forget || :\n"
    "    while [ $# -gt 0 ]; do run -C \"$dir\" config --replace-all \"${2%%=*}\" \"${2#*=}\" || return 1; shift 2; "
    "done\n"
    "}\n"
    "clone() { rm -rf -- \"$part\" && run clone \"$@\" -- \"$GIT_REPOSITORY\" \"$part\"; }\n"
    "has() { git -C \"$part\" show-ref --verify --quiet \"$1\"; }\n"
    "\n"
    "# what an agent hasn't pushed is nowhere else: nothing here may stop it from working on\n"
    "if [ -e \"$dir/.git\" ]; then\n"
    "    rm -f -- \"$dir/.git/index.lock\" \"$dir/.git/config.lock\" 2>/dev/null || :\n"
    "    configure \"$@\" || say \"can't write the clone's configuration; git says why above\"\n"
    "    if retry fetch; then say \"fetched; branch and files stay as they are\"\n"
    "    else say \"can't fetch: the agent works with what is there\"; fi\n"
    "    exit 0\n"
    "fi\n"
    "if [ -L \"$dir\" ] && [ ! -e \"$dir\" ]; then rm -f -- \"$dir\"; fi\n"
    "if [ -e \"$dir\" ] && ! rmdir -- \"$dir\" 2>/dev/null; then fail \"$dir is there and is no clone: move it away\"; "
    "fi\n"
    "case $GIT_REPOSITORY in\n"
    "http://*|https://*|git://*|file://*|/*) ;;\n"
    "*) command -v ssh >/dev/null || fail \"this image has no ssh: set git.image to one that has\"\n"
    "    id -un >/dev/null 2>&1 || say \"this user has no name in /etc/passwd: ssh will refuse to run\" ;;\n"
    "esac\n"
    "mkdir -p -- \"${dir%/*}\"\n"
    "set -- --quiet --no-single-branch \"$@\"\n"
    "if [ \"${GIT_DEPTH:-0}\" != 0 ]; then set -- \"$@\" --depth \"$GIT_DEPTH\"; fi\n"
    "if [ -n \"${GIT_BRANCH:-}\" ]; then set -- \"$@\" --branch \"$GIT_BRANCH\"; fi\n"
    "retry clone \"$@\" || fail \"can't clone git.repository; git says why above\"\n"
    "work=${GIT_WORK_BRANCH:-}\n"
    "if [ -z \"$work\" ]; then :\n"
    "elif has \"refs/heads/$work\"; then git -C \"$part\" checkout --quiet \"$work\" --\n"
    "elif has \"refs/remotes/origin/$work\"; then git -C \"$part\" checkout --quiet -b \"$work\" --track "
    "\"origin/$work\" --\n"
    "else git -C \"$part\" checkout --quiet -b \"$work\" --no-track\n"
    "fi\n"
    "mv -- \"$part\" \"$dir\"\n"
    "say \"cloned to $dir\"\n";
/* clang-format on */

/* Variables of the script and the members of `git` that they carry. */
static const struct {
    const char *variable, *member;
} variables[] = {
    {"GIT_REPOSITORY", "repository"},
    {"GIT_BRANCH", "branch"},
    {"GIT_WORK_BRANCH", "workBranch"},
    {"GIT_DEPTH", "depth"},
};

static const struct {
    const char *list, *resource, *amount;
} amounts[] = {
    {"requests", "cpu", "100m"},
    {"requests", "memory", "128Mi"},
    {"limits", "cpu", "500m"},
    {"limits", "memory", "512Mi"},
};

gt_str gt_target_clone_path(const gt_target *target)
{
    if (gt_target_cell(target, GT_FIELD_GIT, "repository") == NULL)
        return (gt_str){"", 0};
    gt_str rig = gt_label_of(target->arena, target->identity->rig); /* a label's value is a safe part of a path */
    return gt_str_of(gt_arena_printf(target->arena, GT_WORKSPACE_PATH "/%s/work", rig.at));
}

static void add_variable(gt_target *target, gt_want *env, const char *name, gt_str text, gt_from from)
{
    gt_value *entry = gt_env_literal(target->arena, name, text);
    gt_want_leaf(target->arena, env, gt_str_of(name), entry, from)->secret = true;
}

static void add_variables(gt_target *target, gt_want *container, gt_from engine)
{
    gt_want *env = gt_want_new(target->arena, container, GT_STR("env"), GT_RULE_ENV);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const gt_cell *cell = gt_target_cell(target, GT_FIELD_GIT, variables[i].member);
        if (cell != NULL)
            add_variable(target, env, variables[i].variable, cell->value->text, gt_from_cell(GT_FIELD_GIT, cell));
    }
    add_variable(target, env, "GIT_CLONE_DIR", gt_target_clone_path(target), engine);
    add_variable(target, env, "HOME", GT_STR("/home/agent"), engine);
}

static void add_command(gt_target *target, gt_want *container, gt_from engine)
{
    static const char *const words[] = {"/bin/sh", "-c", SCRIPT};
    gt_value *command = gt_value_array(target->arena);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        gt_value_push(command, gt_value_text(target->arena, words[i]));
    gt_want_leaf(target->arena, container, GT_STR("command"), command, engine);
}

static void add_resources(gt_target *target, gt_want *container, gt_from engine)
{
    gt_want *resources = gt_want_new(target->arena, container, GT_STR("resources"), GT_RULE_OBJECT);
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
        gt_want_text(target->arena, gt_want_member(target->arena, resources, amounts[i].list, GT_RULE_OBJECT),
                     amounts[i].resource, amounts[i].amount, engine);
}

/* The user that the agent runs as owns the clone: said here, too, so that a client's container of this name can't be another. */
static void add_security(gt_target *target, gt_want *container, gt_from engine)
{
    static const char *const ids[] = {"runAsUser", "runAsGroup"};
    gt_want *security = gt_want_new(target->arena, container, GT_STR("securityContext"), GT_RULE_OBJECT);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        gt_field_id field = GT_FIELD_SECURITY;
        if (gt_target_cell(target, field, ids[i]) == NULL)
            field = GT_FIELD_POD_SECURITY;
        const gt_cell *id = gt_target_cell(target, field, ids[i]);
        if (id != NULL)
            gt_want_leaf(target->arena, security, gt_str_of(ids[i]), id->value, gt_from_cell(field, id));
    }
    gt_want_leaf(target->arena, security, GT_STR("readOnlyRootFilesystem"), gt_value_bool(target->arena, true), engine);
    gt_target_harden(target, container);
}

void gt_target_workspace(gt_target *target)
{
    static const char *const mounted[] = {GT_WORKSPACE_PATH, "/tmp", GT_GIT_CREDENTIALS_PATH, GT_KNOWN_HOSTS_PATH};
    if (gt_target_cell(target, GT_FIELD_GIT, "repository") == NULL)
        return;
    gt_arena *arena = target->arena;
    gt_from engine = gt_from_engine("git workspace");
    const gt_cell *own = gt_target_cell(target, GT_FIELD_GIT, "image"),
                  *agents = gt_target_cell(target, GT_FIELD_IMAGE, ""), *image = own != NULL ? own : agents;
    gt_want *container = gt_want_new(arena, target->inits, GT_STR("workspace"), GT_RULE_OBJECT);
    gt_want_text(arena, container, "name", "workspace", engine);
    if (image != NULL)
        gt_want_leaf(arena, container, GT_STR("image"), image->value,
                     gt_from_cell(own != NULL ? GT_FIELD_GIT : GT_FIELD_IMAGE, image));
    gt_target_pull_policy(target, container, image,
                          own != NULL ? NULL : gt_target_cell(target, GT_FIELD_IMAGE_PULL_POLICY, ""));
    add_command(target, container, engine);
    add_variables(target, container, engine);
    add_resources(target, container, engine);
    gt_want_text(arena, container, "terminationMessagePolicy", "FallbackToLogsOnError", engine);
    gt_want *mounts = gt_want_new(arena, container, GT_STR("volumeMounts"), GT_RULE_MOUNTS);
    for (size_t i = 0; i < sizeof mounted / sizeof *mounted; i++)
        gt_target_mount(target, mounts, mounted[i]);
    add_security(target, container, engine);
}
