#include "lib/json/patch.h"

#include <assert.h>

void gt_patch_init(gt_patch *patch, gt_arena *arena)
{
    *patch = (gt_patch){.count = 0};
    gt_buf_init(&patch->json, arena, 4096); /* a bare pod's fits */
    gt_buf_byte(&patch->json, '[');
}

/* A name as a JSON pointer's token inside a JSON string: ~ and / by RFC 6901, the rest as in any string. */
static void write_token(gt_buf *json, gt_str name)
{
    if (name.len == 0)
        return;
    if (memchr(name.at, '/', name.len) == NULL && memchr(name.at, '~', name.len) == NULL) {
        gt_json_text(json, name);
        return;
    }
    size_t plain = 0; /* start of the run that the pointer's syntax leaves alone */
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] != '~' && name.at[i] != '/')
            continue;
        gt_json_text(json, (gt_str){name.at + plain, i - plain});
        gt_buf_text(json, name.at[i] == '~' ? "~0" : "~1");
        plain = i + 1;
    }
    gt_json_text(json, (gt_str){name.at + plain, name.len - plain});
}

static void write_step(gt_buf *json, const gt_pointer *step)
{
    gt_buf_byte(json, '/');
    switch (step->step) {
    case GT_STEP_MEMBER: write_token(json, step->name); break;
    case GT_STEP_ELEMENT: gt_buf_number(json, step->index); break;
    case GT_STEP_END: gt_buf_byte(json, '-'); break;
    }
}

static void write_steps(gt_buf *json, const gt_pointer *path)
{
    if (path == NULL)
        return;
    write_steps(json, path->up);
    write_step(json, path);
}

/* Most operations are on what stands beside the last one's: what leads there is copied. */
static void write_path(gt_patch *patch, const gt_pointer *path)
{
    gt_buf *json = &patch->json;
    if (path == NULL)
        return;
    size_t start = json->len;
    if (path->up == patch->above) {
        gt_buf_room(json, patch->above_len);
        gt_buf_add(json, json->at + patch->above_at, patch->above_len);
    } else {
        write_steps(json, path->up);
        patch->above = path->up;
        patch->above_len = json->len - start;
    }
    patch->above_at = start;
    write_step(json, path);
}

/* opening: up to where the path begins. */
static void write_op(gt_patch *patch, gt_str opening, const gt_pointer *path, const gt_value *value)
{
    gt_buf *json = &patch->json;
    assert(json->at[0] == '[' && (json->len == 1 || json->at[json->len - 1] == '}'));
    if (patch->count++ > 0)
        gt_buf_byte(json, ',');
    gt_buf_str(json, opening);
    write_path(patch, path);
    gt_buf_byte(json, '"');
    if (value != NULL) {
        gt_buf_text(json, ",\"value\":");
        gt_value_print(json, value);
    }
    gt_buf_byte(json, '}');
}

void gt_patch_add(gt_patch *patch, const gt_pointer *path, const gt_value *value)
{
    assert(value != NULL);
    write_op(patch, GT_STR("{\"op\":\"add\",\"path\":\""), path, value);
}

void gt_patch_replace(gt_patch *patch, const gt_pointer *path, const gt_value *value)
{
    assert(value != NULL);
    write_op(patch, GT_STR("{\"op\":\"replace\",\"path\":\""), path, value);
}

void gt_patch_remove(gt_patch *patch, const gt_pointer *path)
{
    write_op(patch, GT_STR("{\"op\":\"remove\",\"path\":\""), path, NULL);
}

gt_str gt_patch_json(gt_patch *patch)
{
    assert(patch->json.len == 1 || patch->json.at[patch->json.len - 1] == '}'); /* not ended yet */
    gt_buf_byte(&patch->json, ']');
    return gt_buf_slice(&patch->json);
}
