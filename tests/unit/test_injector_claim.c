#include "injector/claim.h"
#include "tests/unit/test_injector_support.h"

#define CREW(annotations)                                                                                              \
    "{'metadata':{'name':'x','namespace':'gastown','labels':{'gastown.io/rig':'gastown','gastown.io/role':'crew',"     \
    "'gastown.io/agent':'max'},'annotations':{" annotations                                                            \
    "}},'spec':{'containers':[{'name':'agent','image':'a:1'}]}}"
#define POLECAT                                                                                                        \
    "{'metadata':{'name':'x','namespace':'gastown','labels':{'gastown.io/rig':'gastown','gastown.io/role':'polecat',"  \
    "'gastown.io/agent':'nux'}},'spec':{'containers':[{'name':'agent','image':'a:1'}]}}"

static bool claim_of(gt_arena *arena, const gt_snapshot *snapshot, const char *pod, gt_claim *claim)
{
    gt_record record;
    gt_injection injection;
    gt_str message;
    gt_subject subject = {.pod = view_of(arena, pod), .ns = GT_STR("gastown")};
    gt_record_init(&record, arena);
    gt_inject(&record, snapshot, &subject, &injection, &message);
    return gt_claim_of(arena, &injection, subject.ns, claim);
}

Test(injector_claim, the_document)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN_OF("{name: t}"));
    gt_claim claim;
    cr_assert(claim_of(arena, snapshot, CREW(""), &claim));
    expect_text(0, claim.name, "gt-gastown-crew-max-workspace");
    expect_text(0, shown(arena, claim.document),
                "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'annotations':{"
                "'gastown.io/retain':'true'},'labels':{'app.kubernetes.io/managed-by':'gastown-webhook',"
                "'app.kubernetes.io/name':'gastown','gastown.io/agent':'max','gastown.io/rig':'gastown',"
                "'gastown.io/role':'crew'},'name':'gt-gastown-crew-max-workspace','namespace':'gastown'},"
                "'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'10Gi'}},"
                "'storageClassName':'gp3'}}");
}

static gt_str member(gt_arena *arena, const gt_claim *claim, const char *first, const char *second)
{
    const gt_value *value = gt_value_get(gt_value_get(claim->document, first), second);
    return value == NULL ? GT_STR("") : shown(arena, value);
}

/* Who says what, through the layers. */
Test(injector_claim, layers_and_what_they_say)
{
    static const struct {
        const char *templates, *annotations;
        const char *size, *size_from, *size_owner, *class_name, *class_from, *modes, *retain;
    } rows[] = {
        {TOWN_OF("{name: t}"), "", "10Gi", "role profile", "GasTown/main", "gp3", "role profile", "['ReadWriteOnce']",
         "true"},
        {TOWN_OF("{name: t, defaults: {storage: {size: 20Gi, retain: false}}}"), "", "20Gi", "GasTown/main.defaults",
         "GasTown/main", "gp3", "role profile", "['ReadWriteOnce']", "false"},
        {TOWN_OF("{name: t, defaults: {storage: {size: 20Gi}}}")
             RIG_OF("gastown", "{name: gastown, podOverrides: {storage: {storageClassName: fast}}, roleOverrides: "
                               "{crew: {storage: {size: 30Gi, retain: true, accessModes: [ReadWriteMany]}}}}"),
         "", "30Gi", "Rig/gastown.roleOverrides[crew]", "Rig/gastown", "fast", "Rig/gastown.podOverrides",
         "['ReadWriteMany']", "true"},
        {TOWN_OF("{name: t}") POOL_OF("p", "{rig: gastown, role: crew, template: {storage: {size: 1Gi, "
                                           "storageClassName: \"\"}}}"),
         "", "1Gi", "AgentPool/p.template", "AgentPool/p", "", "AgentPool/p.template", "['ReadWriteOnce']", "true"},
        {TOWN_OF("{name: t, defaults: {unset: [storage.storageClassName]}}"), "", "10Gi", "role profile",
         "GasTown/main", NULL, "", "['ReadWriteOnce']", "true"},
        {TOWN_OF("{name: t, policy: {eventOverrides: [template]}}"),
         "'event.gastown.io/template':'{\\'storage\\':{\\'size\\':\\'7Gi\\'}}'", "7Gi", "event template",
         "GasTown/main", "gp3", "role profile", "['ReadWriteOnce']", "true"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        SCOPED_SNAPSHOT(snapshot, rows[i].templates);
        gt_claim claim;
        const char *pod = gt_arena_printf(arena, CREW("%s"), rows[i].annotations);
        cr_assert(claim_of(arena, snapshot, pod, &claim), "row %zu", i);
        expect_text(i, claim.size, rows[i].size);
        expect_text(i, claim.size_from, rows[i].size_from);
        expect_text(i, claim.size_owner, rows[i].size_owner);
        cr_expect_eq(claim.class_name.at == NULL, rows[i].class_name == NULL, "row %zu", i);
        expect_text(i, claim.class_name, rows[i].class_name);
        expect_text(i, claim.class_from, rows[i].class_from);
        expect_text(i, member(arena, &claim, "spec", "accessModes"), rows[i].modes);
        cr_expect_eq(gt_value_get(gt_value_get(claim.document, "spec"), "storageClassName") == NULL,
                     rows[i].class_name == NULL, "row %zu", i);
        const gt_value *annotations = gt_value_get(gt_value_get(claim.document, "metadata"), "annotations");
        expect_text(i, gt_value_str(gt_value_get(annotations, GT_ANNOTATION_RETAIN)), rows[i].retain);
    }
}

Test(injector_claim, raw_names_stay_with_it)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN_OF("{name: t}"));
    gt_claim claim;
    const char *label = gt_label_of(arena, GT_STR("max/2")).at;
    const char *pod = gt_arena_printf(arena,
                                      "{'metadata':{'labels':{'gastown.io/rig':'gastown','gastown.io/role':'crew',"
                                      "'gastown.io/agent':'%s'},'annotations':{'gastown.io/raw-agent':'max/2'}}}",
                                      label);
    cr_assert(claim_of(arena, snapshot, pod, &claim));
    expect_text(0, member(arena, &claim, "metadata", "annotations"),
                "{'gastown.io/raw-agent':'max/2','gastown.io/retain':'true'}");
    const gt_value *labels = gt_value_get(gt_value_get(claim.document, "metadata"), "labels");
    expect_text(0, gt_value_str(gt_value_get(labels, GT_LABEL_AGENT)), label);
}

/* A pod without a town, or whose identity is no good, has no claim; a role without a size has one that can't be made. */
Test(injector_claim, where_nobody_says)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(empty, RIG_OF("gastown", "{name: gastown}"));
    SCOPED_SNAPSHOT(town, TOWN_OF("{name: t}"));
    gt_claim claim;
    cr_expect_not(claim_of(arena, empty, CREW(""), &claim));
    cr_expect_not(claim_of(arena, town, "{'metadata':{'labels':{'gastown.io/agent':'x'}}}", &claim));
    cr_assert(claim_of(arena, town, POLECAT, &claim));
    cr_expect(claim.size.at == NULL);
    cr_expect(claim.document == NULL);
    expect_text(0, claim.size_owner, "GasTown/main");
}

Test(injector_claim, the_claim_that_a_pod_names)
{
    static const char *const rows[][2] = {
        {"{}", ""},
        {"{'spec':{'volumes':[{'name':'tmp','emptyDir':{}},{'name':'workspace','persistentVolumeClaim':"
         "{'claimName':'c'}}]}}",
         "c"},
        {"{'spec':{'volumes':[{'name':'workspace','emptyDir':{}}]}}", ""},
        {"{'spec':{'volumes':[{'name':'other','persistentVolumeClaim':{'claimName':'c'}}]}}", ""},
        {"{'spec':{'volumes':{'name':'workspace'}}}", ""},
        {"{'spec':{'volumes':[{'name':'workspace','persistentVolumeClaim':{'claimName':7}}]}}", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        expect_text(i, gt_view_str(gt_claim_named(view_of(arena, rows[i][0]))), rows[i][1]);
    }
}
