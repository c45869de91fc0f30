/* The definitions: what can be said without an API server; tests/crds and tests/cluster/crds.py say the rest. */
#include <criterion/criterion.h>

#include "injector/crd.h"
#include "injector/fields.h"
#include "injector/schema.h"

static gt_arena *arena;

static void begin(void)
{
    arena = gt_arena_new(0);
}

static void end(void)
{
    gt_arena_free(arena);
}

TestSuite(crd, .init = begin, .fini = end);

static const gt_value *spec_of(const gt_crd *crd)
{
    const gt_value *versions = gt_value_get(gt_value_get(gt_crd_make(arena, crd), "spec"), "versions");
    const gt_value *schema = gt_value_get(gt_value_get(versions->first, "schema"), "openAPIV3Schema");
    return gt_value_get(gt_value_get(schema, "properties"), "spec");
}

static const gt_value *member(const gt_value *node, const char *name)
{
    return gt_value_get(gt_value_get(node, "properties"), name);
}

Test(crd, found_by_any_of_its_names)
{
    cr_assert_eq(gt_crd_of(GT_STR("rigs")), &gt_crds[1]);
    cr_assert_eq(gt_crd_of(GT_STR("rig")), &gt_crds[1]);
    cr_assert_eq(gt_crd_of(GT_STR("Rig")), &gt_crds[1]);
    cr_assert_eq(gt_crd_of(GT_STR("grig")), &gt_crds[1]);
    cr_assert_null(gt_crd_of(GT_STR("RIGS")));
    cr_assert_null(gt_crd_of(GT_STR("ServiceAccount")));
    cr_assert_null(gt_crd_of(GT_STR("")));
}

Test(crd, has_every_field_of_a_template_but_internal_ones)
{
    const gt_value *template = member(spec_of(&gt_crds[2]), "template");
    for (int f = 0; f < GT_FIELD_COUNT; f++) {
        const gt_value *node = member(template, gt_field_rows[f].name);
        if (gt_field_rows[f].type == GT_TYPE_INTERNAL) {
            cr_assert_null(node, "%s", gt_field_rows[f].name);
            continue;
        }
        cr_assert_not_null(node, "%s", gt_field_rows[f].name);
        cr_assert(gt_value_true(gt_value_get(node, "nullable")), "%s", gt_field_rows[f].name);
    }
}

Test(crd, needs_what_the_checker_needs)
{
    const gt_value *needed = gt_value_get(spec_of(&gt_crds[2]), "required");
    cr_assert_eq(needed->count, 2);
    cr_assert(gt_value_is(needed->first, "rig"));
    cr_assert(gt_value_is(needed->last, "role"));
    cr_assert_null(gt_value_get(spec_of(&gt_crds[0]), "required"));
    const gt_value *token = member(member(spec_of(&gt_crds[0]), "daemon"), "tokenSecretRef");
    cr_assert(gt_value_is(gt_value_get(token, "required")->first, "name"));
    cr_assert(gt_value_is(gt_value_get(token, "description"), "the Secret behind BD_DAEMON_TOKEN"));
}

Test(schema, member_at_keeps_what_is_there, .init = begin, .fini = end)
{
    gt_value *root = gt_schema_object(arena);
    gt_schema_member(arena, root, "a", gt_schema_describe(arena, gt_schema_object(arena), "first"));
    gt_value *parent = gt_schema_member_at(arena, root, "a.b.c", gt_schema_bool(arena));
    gt_schema_require(arena, parent, "c");
    gt_buf text;
    gt_buf_init(&text, arena, 64);
    gt_value_canonical(&text, root);
    cr_assert_str_eq(text.at, "{\"properties\":{\"a\":{\"description\":\"first\",\"properties\":{\"b\":{\"properties\":"
                              "{\"c\":{\"type\":\"boolean\"}},\"required\":[\"c\"],\"type\":\"object\"}},\"type\":"
                              "\"object\"}},\"type\":\"object\"}");
}

Test(schema, a_choice_is_named_once, .init = begin, .fini = end)
{
    static const char *const words[] = {"Keep", "Deny", NULL};
    gt_value *silent = gt_schema_describe(arena, gt_schema_choice(arena, words), "what becomes of it");
    gt_value *telling = gt_schema_describe(arena, gt_schema_choice(arena, words), "Keep (the default) or Deny");
    cr_assert(gt_value_is(gt_value_get(silent, "description"), "what becomes of it: Keep, Deny"));
    cr_assert(gt_value_is(gt_value_get(telling, "description"), "Keep (the default) or Deny"));
}
