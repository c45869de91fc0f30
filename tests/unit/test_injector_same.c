#include "injector/same.h"

#include "tests/unit/test_injector_support.h"

typedef struct same_row {
    const char *have, *want; /* JSON with ' for "; want may be any YAML */
    bool same;
} same_row;

static void check(const same_row *rows, size_t n, bool (*compare)(gt_view, const gt_value *))
{
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < n; i++) {
        gt_view have = gt_view_get(view_of(arena, gt_arena_printf(arena, "{'x': %s}", rows[i].have)), "x");
        const gt_value *want = value_of(arena, quoted(arena, rows[i].want));
        cr_expect_eq(compare(have, want), rows[i].same, "row %zu: %s and %s", i, rows[i].have, rows[i].want);
    }
}

static bool plain(gt_view have, const gt_value *want)
{
    return gt_same(have, want, GT_STR("x"));
}

Test(injector_same, values)
{
    static const same_row rows[] = {
        {"'a'", "'a'", true},
        {"'a'", "'b'", false},
        {"'a'", "'A'", false},
        {"'1'", "'1.0'", false},
        {"'1'", "1", false},
        {"1", "'1'", false},
        {"1", "1", true},
        {"1.0", "1", true},
        {"2", "1", false},
        {"0", "0", true},
        {"true", "true", true},
        {"true", "false", false},
        {"'true'", "true", false},
        {"1", "true", false},
        /* what an API server leaves out */
        {"null", "''", true},
        {"''", "''", true},
        {"null", "[]", true},
        {"[]", "[]", true},
        {"null", "'a'", false},
        {"null", "0", false},
        {"null", "false", false},
        {"null", "{}", false},
        {"{}", "{}", true},
        {"[]", "{}", false},
        /* members that only the pod has don't count, elements do */
        {"{'a': 1, 'b': 2}", "{'a': 1}", true},
        {"{'a': 1}", "{'a': 1, 'b': 2}", false},
        {"{'a': {'b': 1, 'c': 2}}", "{'a': {'b': 1}}", true},
        {"{'a': 1}", "{'a': 1, 'b': ''}", true},
        {"{'a': 1}", "{'a': 1, 'b': []}", true},
        {"{'a': 1}", "{'a': 1, 'b': 0}", false},
        {"['a']", "['a']", true},
        {"['a', 'b']", "['a']", false},
        {"['a']", "['a', 'b']", false},
        {"['b', 'a']", "['a', 'b']", false},
        {"[{'a': 1, 'z': 1}]", "[{'a': 1}]", true},
        {"'ab'", "['a', 'b']", false},
        {"{'0': 'a'}", "['a']", false},
        {"'\\u0000'", "''", false},
        {"'a\\u0000b'", "'a'", false},
        /* the few that API servers drop when they are false */
        {"{}", "{'readOnly': false}", true},
        {"{}", "{'tty': false}", true},
        {"{}", "{'optional': false}", false},
        {"{'readOnly': true}", "{'readOnly': false}", false},
    };
    check(rows, COUNT(rows), plain);
}

Test(injector_same, quantities_only_where_there_are_some)
{
    static const same_row rows[] = {
        {"'1'", "'1000m'", true}, {"'1'", "1", true},        {"1", "'1'", true},       {"'1Gi'", "'1024Mi'", true},
        {"'1G'", "'1Gi'", false}, {"'0.5'", "'500m'", true}, {"1.5", "'1500m'", true}, {"'x'", "'x'", false},
        {"null", "'1'", false},   {"{}", "'1'", false},
    };
    static const same_row elsewhere[] = {
        {"{'sizeLimit': '1Gi'}", "{'sizeLimit': '1024Mi'}", true},
        {"{'divisor': '1'}", "{'divisor': '1000m'}", true},
        {"{'resources': {'requests': {'storage': '1Gi'}}}", "{'resources': {'requests': {'storage': '1024Mi'}}}", true},
        {"{'acme.io/version': '1.1'}", "{'acme.io/version': '1.10'}", false},
        {"{'version': '1'}", "{'version': '1000m'}", false},
    };
    check(rows, COUNT(rows), gt_same_quantity);
    check(elsewhere, COUNT(elsewhere), plain);
}

Test(injector_same, env)
{
    static const same_row rows[] = {
        {"{'name': 'A', 'value': 'x'}", "{'name': 'A', 'value': 'x'}", true},
        {"{'name': 'A', 'value': 'x'}", "{'name': 'A', 'value': 'y'}", false},
        {"{'name': 'A'}", "{'name': 'A', 'value': ''}", true},
        {"{'name': 'A', 'value': ''}", "{'name': 'A'}", true},
        {"{'name': 'A', 'value': 'x'}", "{'name': 'A'}", false},
        {"{'name': 'A', 'value': 'x'}", "{'name': 'A', 'valueFrom': {'fieldRef': {'fieldPath': 'f'}}}", false},
        {"{'name': 'A', 'valueFrom': {'fieldRef': {'fieldPath': 'f'}}}", "{'name': 'A', 'value': ''}", false},
        {"{'name': 'A', 'valueFrom': {'fieldRef': {'apiVersion': 'v1', 'fieldPath': 'f'}}}",
         "{'name': 'A', 'valueFrom': {'fieldRef': {'fieldPath': 'f'}}}", true},
        {"{'name': 'A', 'valueFrom': {'fieldRef': {'fieldPath': 'g'}}}",
         "{'name': 'A', 'valueFrom': {'fieldRef': {'fieldPath': 'f'}}}", false},
        {"{'name': 'A', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'k'}}}",
         "{'name': 'A', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'l'}}}", false},
        {"{'name': 'A', 'value': 'x', 'valueFrom': {'fieldRef': {'fieldPath': 'f'}}}",
         "{'name': 'A', 'valueFrom': {'fieldRef': {'fieldPath': 'f'}}}", false},
    };
    check(rows, COUNT(rows), gt_same_env);
}

Test(injector_same, mounts)
{
    static const same_row rows[] = {
        {"{'name': 'v', 'mountPath': '/a'}", "{'name': 'v', 'mountPath': '/a'}", true},
        {"{'name': 'v', 'mountPath': '/a/'}", "{'name': 'v', 'mountPath': '/a'}", true},
        {"{'name': 'w', 'mountPath': '/a'}", "{'name': 'v', 'mountPath': '/a'}", false},
        {"{'name': 'v', 'mountPath': '/a', 'readOnly': true}", "{'name': 'v', 'mountPath': '/a'}", false},
        {"{'name': 'v', 'mountPath': '/a', 'readOnly': false}", "{'name': 'v', 'mountPath': '/a'}", true},
        {"{'name': 'v', 'mountPath': '/a'}", "{'name': 'v', 'mountPath': '/a', 'readOnly': true}", false},
        {"{'name': 'v', 'mountPath': '/a', 'subPath': 's'}", "{'name': 'v', 'mountPath': '/a'}", false},
        {"{'name': 'v', 'mountPath': '/a', 'subPath': ''}", "{'name': 'v', 'mountPath': '/a'}", true},
        {"{'name': 'v', 'mountPath': '/a', 'subPathExpr': '$(X)'}", "{'name': 'v', 'mountPath': '/a'}", false},
        {"{'name': 'v', 'mountPath': '/a', 'subPath': 's'}", "{'name': 'v', 'mountPath': '/a', 'subPath': 't'}", false},
        {"{'name': 'v', 'mountPath': '/a', 'recursiveReadOnly': 'Disabled'}", "{'name': 'v', 'mountPath': '/a'}", true},
    };
    check(rows, COUNT(rows), gt_same_mount);
}

Test(injector_same, paths)
{
    static const struct {
        const char *path, *normal;
    } rows[] = {{"/a", "/a"},      {"/a/", "/a"},          {"//a", "/a"},        {"/a//b", "/a/b"}, {"/./a/.", "/a"},
                {"/a/../b", "/b"}, {"/../a", "/a"},        {"/a/..", "/"},       {"/", "/"},        {"", "/"},
                {"a", "/a"},       {"/a/b/../../..", "/"}, {"/a/...", "/a/..."}, {"/a b", "/a b"},  {"/a/.b", "/a/.b"},
                {"/..a", "/..a"},  {"/a/b/..//c", "/a/c"}};
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_EXACT(path, gt_str_of(rows[i].path));
        expect_text(i, gt_path_normal(arena, path), rows[i].normal);
        cr_expect(gt_same_path(arena, view_of(arena, gt_arena_printf(arena, "'%s'", rows[i].path)),
                               gt_str_of(rows[i].normal)));
    }
    cr_expect(!gt_same_path(arena, view_of(arena, "5"), GT_STR("/5")));
}

/* The wording is that of k8s.io/kubernetes/plugin/pkg/admission/limitranger. */
Test(injector_same, limit_ranges_note)
{
#define NOTE                                                                                                           \
    "'LimitRanger plugin set: cpu, memory request for container agent; memory limit for container agent; cpu limit "   \
    "for "                                                                                                             \
    "init container side; ephemeral-storage request for container agent-2'"
    static const struct {
        const char *container, *resource, *kind;
        bool set;
    } rows[] = {
        {"agent", "cpu", "request", true},
        {"agent", "memory", "request", true},
        {"agent", "memory", "limit", true},
        {"agent", "cpu", "limit", false},
        {"side", "cpu", "limit", true},
        {"side", "cpu", "request", false},
        {"agent", "ephemeral-storage", "request", false},
        {"agent-2", "ephemeral-storage", "request", true},
        {"agent", "storage", "request", false},
        {"gent", "cpu", "request", false},
        {"other", "cpu", "request", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_limit_range_set(view_of(arena, NOTE), gt_str_of(rows[i].container), gt_str_of(rows[i].resource),
                                        gt_str_of(rows[i].kind)),
                     rows[i].set, "%s of %s: %s", rows[i].resource, rows[i].container, rows[i].kind);
    cr_expect(!gt_limit_range_set(view_of(arena, "''"), GT_STR("agent"), GT_STR("cpu"), GT_STR("request")));
    cr_expect(!gt_limit_range_set(view_of(arena, "[]"), GT_STR("agent"), GT_STR("cpu"), GT_STR("request")));
    cr_expect(!gt_limit_range_set((gt_view){NULL}, GT_STR("agent"), GT_STR("cpu"), GT_STR("request")));
}

Test(injector_same, default_tolerations)
{
    static const struct {
        const char *toleration;
        bool is;
    } rows[] = {
        {"{'key': 'node.kubernetes.io/not-ready', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': "
         "300}",
         true},
        {"{'key': 'node.kubernetes.io/unreachable', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': "
         "300}",
         true},
        {"{'key': 'node.kubernetes.io/not-ready', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': "
         "60}",
         false},
        {"{'key': 'node.kubernetes.io/not-ready', 'operator': 'Exists', 'effect': 'NoSchedule', 'tolerationSeconds': "
         "300}",
         false},
        {"{'key': 'mine', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': 300}", false},
        {"'x'", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_is_default_toleration(view_of(arena, rows[i].toleration)), rows[i].is, "%s",
                     rows[i].toleration);
}
