#include "lib/json/patch.h"

#include <signal.h>

#include "tests/unit/support.h"

Test(patch, empty)
{
    SCOPED_ARENA(arena);
    gt_patch patch;
    gt_patch_init(&patch, arena);
    expect_text(0, gt_patch_json(&patch), "[]");
    cr_expect_eq(patch.count, 0);
}

Test(patch, operations)
{
    SCOPED_ARENA(arena);
    gt_patch patch;
    gt_patch_init(&patch, arena);
    gt_pointer spec = gt_member(NULL, "spec"), list = gt_member(&spec, "containers"), agent = gt_element(&list, 10);
    gt_pointer image = gt_member(&agent, "image"), end = gt_end(&list);
    gt_patch_replace(&patch, &image, gt_value_text(arena, "a\"b"));
    gt_patch_add(&patch, &end, gt_value_object(arena));
    gt_patch_remove(&patch, &agent);
    gt_patch_add(&patch, NULL, gt_value_null(arena));
    cr_expect_eq(patch.count, 4);
    expect_text(0, gt_patch_json(&patch),
                "[{\"op\":\"replace\",\"path\":\"/spec/containers/10/image\",\"value\":\"a\\\"b\"},"
                "{\"op\":\"add\",\"path\":\"/spec/containers/-\",\"value\":{}},"
                "{\"op\":\"remove\",\"path\":\"/spec/containers/10\"},"
                "{\"op\":\"add\",\"path\":\"\",\"value\":null}]");
}

Test(patch, names_are_escaped)
{
    static const struct {
        gt_str name;
        const char *path;
    } cases[] = {
        {GT_STR_INIT("gastown.io/agent"), "/gastown.io~1agent"},
        {GT_STR_INIT("~1"), "/~01"}, /* and not /~1, which is a slash */
        {GT_STR_INIT("a~b/c~/"), "/a~0b~1c~0~1"},
        {GT_STR_INIT(""), "/"},
        {{NULL, 0}, "/"},
        {GT_STR_INIT("q\"\\\n"), "/q\\\"\\\\\\n"},
        {GT_STR_INIT("-"), "/-"},
        {GT_STR_INIT("caf\xc3\xa9"), "/caf\xc3\xa9"},
        {GT_STR_INIT("a\0b"), "/a\\u0000b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCOPED_ARENA(arena);
        gt_patch patch;
        gt_patch_init(&patch, arena);
        gt_pointer up = gt_member(NULL, "x"), name = gt_member_str(&up, cases[i].name);
        gt_patch_remove(&patch, &name);
        expect_text(i, gt_patch_json(&patch),
                    gt_arena_printf(arena, "[{\"op\":\"remove\",\"path\":\"/x%s\"}]", cases[i].path));
    }
}

Test(patch, ends_once, .signal = SIGABRT)
{
    SCOPED_ARENA(arena);
    gt_patch patch;
    gt_patch_init(&patch, arena);
    gt_patch_json(&patch);
    hush();
    gt_patch_remove(&patch, NULL);
}
