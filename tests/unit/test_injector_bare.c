#include "injector/bare.h"
#include "tests/unit/test_injector_support.h"

static const char pod[] =
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'gt-gastown-crew-max','namespace':'gastown','uid':'u-1',"
    "'resourceVersion':'9','managedFields':[{'manager':'x'}],"
    "'labels':{'app.kubernetes.io/name':'gastown','gastown.io/rig':'gastown','gastown.io/role':'crew',"
    "'gastown.io/agent':'max','team':'blue'},"
    "'annotations':{'gastown.io/template-hash':'0123','gastown.io/layers':'x','gastown.io/raw-agent':'max',"
    "'event.gastown.io/image':'agent:7','example.com/note':'n'},"
    "'ownerReferences':[{'apiVersion':'batch/v1','kind':'Job','name':'j','uid':'u-2','controller':true}]},"
    "'spec':{'restartPolicy':'OnFailure','containers':[{'name':'agent','image':'a:1'}],'nodeName':'n'},"
    "'status':{'phase':'Running'}}";

static const char bare[] =
    "{'apiVersion':'v1','kind':'Pod','metadata':{'annotations':{'event.gastown.io/image':'agent:7',"
    "'gastown.io/raw-agent':'max'},"
    "'labels':{'app.kubernetes.io/name':'gastown','gastown.io/agent':'max','gastown.io/rig':'gastown',"
    "'gastown.io/role':'crew'},"
    "'name':'gt-gastown-crew-max','namespace':'gastown',"
    "'ownerReferences':[{'controller':true,'kind':'Job','name':'j'}]},"
    "'spec':{'containers':[{'name':'agent'}],'restartPolicy':'OnFailure'}}";

Test(injector_bare, keeps_what_the_creator_said)
{
    SCOPED_ARENA(arena);
    gt_value *read, *whole;
    gt_err err;
    gt_view view = view_of(arena, pod);
    cr_assert(gt_bare_read(arena, view, &read, &err), "%s", err.text);
    expect_text(0, shown(arena, read), bare);
    cr_assert(gt_value_from_view(arena, view, &whole, &err), "%s", err.text);
    expect_text(1, shown(arena, gt_bare(arena, whole)), bare);
    expect_text(2, shown(arena, gt_bare(arena, gt_bare(arena, whole))), bare);
}

/* A restart policy that nobody owns the pod for is the API server's default, or the engine's. */
Test(injector_bare, of_next_to_nothing)
{
    static const char *const rows[][2] = {
        {"{}", "{'apiVersion':'v1','kind':'Pod','metadata':{'annotations':{},'labels':{}},"
               "'spec':{'containers':[{'name':'agent'}]}}"},
        {"{'metadata':{'generateName':'x-','labels':7,'annotations':null},'spec':{'restartPolicy':'Never'}}",
         "{'apiVersion':'v1','kind':'Pod','metadata':{'annotations':{},'generateName':'x-','labels':{}},"
         "'spec':{'containers':[{'name':'agent'}]}}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_value *read;
        gt_err err;
        cr_assert(gt_bare_read(arena, view_of(arena, rows[i][0]), &read, &err), "%s", err.text);
        expect_text(i, shown(arena, read), rows[i][1]);
    }
}

Test(injector_bare, what_no_value_can_hold_is_named)
{
    static const char *const rows[][2] = {
        {"{'metadata':{'annotations':{'event.gastown.io/image':'a\\u0000b'}}}", "annotations[event.gastown.io/image]"},
        {"{'metadata':{'name':'a\\u0000b'}}", "name"},
        {"{'metadata':{'ownerReferences':[{'kind':9007199254740993}]}}", "ownerReferences"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_value *read;
        gt_err err;
        cr_expect_not(gt_bare_read(arena, view_of(arena, rows[i][0]), &read, &err), "row %zu", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT);
        cr_expect(gt_str_starts(gt_str_of(err.text), rows[i][1]), "row %zu: %s", i, err.text);
    }
}

/* What isn't kept may hold whatever it likes. */
Test(injector_bare, others_annotations_do_not_matter)
{
    SCOPED_ARENA(arena);
    gt_value *read;
    gt_err err;
    gt_view view = view_of(arena, "{'metadata':{'annotations':{'x':'a\\u0000b','y':9007199254740993}}}");
    cr_expect(gt_bare_read(arena, view, &read, &err), "%s", err.text);
}
