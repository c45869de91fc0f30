/* The bare pod, and what an event may wish for it. */
#include "tests/unit/support.h"
#include "watcher/pod.h"

static gt_agent agent_of(const char *rig, const char *role, const char *name)
{
    return (gt_agent){gt_str_of(rig), gt_str_of(role), gt_str_of(name)};
}

static const char *build(gt_arena *arena, gt_agent agent, const gt_wish *wish, const char *image)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 512);
    gt_value_print(&buf, gt_pod_build(arena, &agent, wish, "ns", image));
    return buf.at;
}

#define POD(name, labels, annotations, image)                                                                          \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"labels\":{"    \
    "\"app.kubernetes.io/name\":\"gastown\"," labels ",\"gastown.io/created-by\":\"gastown-watcher\"}" annotations     \
    "},\"spec\":{\"containers\":[{\"name\":\"agent\"" image "}]}}"

Test(watcher_pod, bare)
{
    SCOPED_ARENA(arena);
    gt_wish none = {0}, bead = {.bead = GT_STR("gt-1")};
    cr_expect_str_eq(build(arena, agent_of("gastown", "crew", "k8s"), &none, NULL),
                     POD("gt-gastown-crew-k8s",
                         "\"gastown.io/rig\":\"gastown\",\"gastown.io/role\":\"crew\",\"gastown.io/agent\":\"k8s\"", "",
                         ""));
    cr_expect_str_eq(build(arena, agent_of("town", "mayor", "hq"), &bead, "img:1"),
                     POD("gt-town-mayor-hq", "\"gastown.io/role\":\"mayor\",\"gastown.io/agent\":\"hq\"",
                         ",\"annotations\":{\"gastown.io/bead-id\":\"gt-1\",\"event.gastown.io/bead\":\"gt-1\"}",
                         ",\"image\":\"img:1\""));
}

static gt_str member(const gt_value *pod, const char *map, const char *key)
{
    return gt_value_str(gt_value_get(gt_value_get(gt_value_get(pod, "metadata"), map), key));
}

Test(watcher_pod, raw_names_where_labels_cant_hold_them)
{
    SCOPED_ARENA(arena);
    gt_wish none = {0};
    gt_agent agent = agent_of("Rig One", "polecat", "n\u00fcx");
    const gt_value *pod = gt_pod_build(arena, &agent, &none, "ns", NULL);
    expect_text(0, member(pod, "annotations", "gastown.io/raw-rig"), "Rig One");
    expect_text(0, member(pod, "annotations", "gastown.io/raw-agent"), "n\u00fcx");
    cr_expect(gt_str_starts(member(pod, "labels", "gastown.io/rig"), "Rig-One-"));
    cr_expect(gt_str_starts(member(pod, "labels", "gastown.io/agent"), "n--x-"));
    agent = agent_of("Rig_1", "crew", "A.b");
    pod = gt_pod_build(arena, &agent, &none, "ns", NULL);
    expect_text(1, member(pod, "labels", "gastown.io/rig"), "Rig_1");
    cr_expect_null(gt_value_get(gt_value_get(pod, "metadata"), "annotations"));
}

Test(watcher_pod, town_roles_have_the_label_of_another_rig_only)
{
    SCOPED_ARENA(arena);
    gt_wish none = {0};
    gt_agent dog = agent_of("town", "dog", "rex"), stray = agent_of("gastown", "dog", "rex"),
             other = agent_of("town", "crew", "rex");
    expect_text(0, member(gt_pod_build(arena, &dog, &none, "ns", NULL), "labels", "gastown.io/rig"), "");
    expect_text(0, member(gt_pod_build(arena, &stray, &none, "ns", NULL), "labels", "gastown.io/rig"), "gastown");
    expect_text(0, member(gt_pod_build(arena, &other, &none, "ns", NULL), "labels", "gastown.io/rig"), "town");
}

static size_t read_wish(gt_arena *arena, const char *payload, gt_wish *wish, const char **refused)
{
    gt_event event = {.bead = GT_STR("b")};
    gt_err err;
    cr_assert(gt_view_parse(arena, gt_str_of(payload), 0, &event.payload, &err), "%s", err.text);
    return gt_wish_read(&event, wish, refused);
}

Test(watcher_pod, wishes)
{
    SCOPED_ARENA(arena);
    gt_wish wish;
    const char *refused[GT_WISH_REFUSALS];
    size_t n = read_wish(
        arena,
        "{\"image\":\"i:1\",\"branch\":\"main\",\"service_account\":\"sa\",\"configmap\":\"cm\",\"cpu\":\"2\","
        "\"memory\":\"1Gi\",\"zone\":\"x\",\"bead\":\"other\"}",
        &wish, refused);
    cr_expect_eq(n, 0);
    gt_agent agent = agent_of("r", "crew", "n");
    const gt_value *pod = gt_pod_build(arena, &agent, &wish, "ns", NULL);
    static const char *const wanted[][2] = {{"image", "i:1"},     {"branch", "main"}, {"service-account", "sa"},
                                            {"config-map", "cm"}, {"cpu", "2"},       {"memory", "1Gi"},
                                            {"bead", "b"}};
    for (size_t i = 0; i < COUNT(wanted); i++)
        expect_text(i, member(pod, "annotations", gt_arena_printf(arena, "event.gastown.io/%s", wanted[i][0])),
                    wanted[i][1]);
    cr_expect_eq(gt_value_get(gt_value_get(pod, "metadata"), "annotations")->count, COUNT(wanted) + 1);
    cr_expect_null(gt_value_get(gt_value_get(gt_value_get(pod, "spec"), "containers")->first, "image"),
                   "an image is the template's affair");
}

Test(watcher_pod, wishes_that_are_refused)
{
    SCOPED_ARENA(arena);
    gt_wish wish;
    const char *refused[GT_WISH_REFUSALS];
    cr_expect_eq(read_wish(arena, "{\"namespace\":\"kube-system\",\"cpu\":2,\"image\":\"i\"}", &wish, refused), 2);
    cr_expect_str_eq(refused[0], "cpu");
    cr_expect_str_eq(refused[1], "namespace");
    expect_text(0, wish.value[GT_WISH_IMAGE], "i");
    expect_text(0, wish.value[GT_WISH_CPU], "");
    cr_expect_eq(read_wish(arena, "{\"namespace\":null,\"cpu\":null,\"image\":\"\"}", &wish, refused), 0);
    char *longer = gt_arena_alloc(arena, GT_WISH_MAX + 2);
    memset(longer, 'x', GT_WISH_MAX + 1);
    const char *payload = gt_arena_printf(arena, "{\"branch\":\"%s\",\"memory\":\"%s\"}", longer, longer + 1);
    cr_expect_eq(read_wish(arena, payload, &wish, refused), 1);
    cr_expect_str_eq(refused[0], "branch");
    cr_expect_eq(wish.value[GT_WISH_MEMORY].len, GT_WISH_MAX);
}

Test(watcher_pod, own_bead_is_no_work)
{
    gt_event event = {.bead = GT_STR("gt-r-crew-n"), .bead_is_own = true};
    gt_wish wish;
    const char *refused[GT_WISH_REFUSALS];
    cr_expect_eq(gt_wish_read(&event, &wish, refused), 0);
    cr_expect_eq(wish.bead.len, 0);
}

Test(watcher_pod, whose_it_is)
{
    static const struct {
        const char *labels;
        bool crew, mayor;
    } rows[] = {
        {"\"gastown.io/rig\":\"r\",\"gastown.io/role\":\"crew\",\"gastown.io/agent\":\"n\"", true, false},
        {"\"gastown.io/role\":\"crew\",\"gastown.io/agent\":\"n\"", false, false},
        {"\"gastown.io/rig\":\"q\",\"gastown.io/role\":\"crew\",\"gastown.io/agent\":\"n\"", false, false},
        {"\"gastown.io/rig\":\"r\",\"gastown.io/role\":\"polecat\",\"gastown.io/agent\":\"n\"", false, false},
        {"\"gastown.io/rig\":\"r\",\"gastown.io/role\":\"crew\"", false, false},
        {"\"gastown.io/role\":\"mayor\",\"gastown.io/agent\":\"hq\"", false, true},
        {"\"gastown.io/rig\":\"town\",\"gastown.io/role\":\"mayor\",\"gastown.io/agent\":\"hq\"", false, true},
        {"\"gastown.io/rig\":\"r\",\"gastown.io/role\":\"mayor\",\"gastown.io/agent\":\"hq\"", false, false},
        {"\"x\":1", false, false},
    };
    SCOPED_ARENA(arena);
    gt_agent crew = agent_of("r", "crew", "n"), mayor = agent_of("town", "mayor", "hq");
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_view pod;
        gt_err err;
        const char *text =
            gt_arena_printf(arena, "{\"metadata\":{\"name\":\"gt-r-crew-n\",\"labels\":{%s}}}", rows[i].labels);
        cr_assert(gt_view_parse(arena, gt_str_of(text), 0, &pod, &err));
        cr_expect_eq(gt_pod_is_of(arena, pod, &crew), rows[i].crew, "row %zu", i);
        cr_expect_eq(gt_pod_is_of(arena, pod, &mayor), rows[i].mayor, "row %zu", i);
    }
    cr_expect_not(gt_pod_is_of(arena, (gt_view){NULL}, &crew));
}
