#include "lib/json/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/show.h"
#include "lib/json/read.h"

bool gt_view_parse(gt_arena *arena, gt_str text, int max_depth, gt_view *view, gt_err *err)
{
    view->node = NULL;
    return gt_json_read(arena, text, max_depth == 0 ? GT_VIEW_MAX_DEPTH : max_depth, &view->node, err);
}

/* ---- getters ---- */

gt_view_type gt_view_type_of(gt_view view)
{
    return view.node == NULL ? GT_VIEW_MISSING : view.node->type;
}

const char *gt_view_type_name(gt_view_type type)
{
    static const char *const names[] = {"nothing", "null", "a boolean", "a number", "a string", "a list", "an object"};
    return names[type];
}

gt_view gt_view_get_str(gt_view object, gt_str key)
{
    if (gt_view_type_of(object) != GT_VIEW_OBJECT)
        return (gt_view){NULL};
    const gt_view_node *member = object.node->list.first;
    while (member != NULL && !gt_str_eq(member->key, key))
        member = member->next;
    return (gt_view){member};
}

static bool is_list(gt_view view)
{
    return gt_view_type_of(view) == GT_VIEW_ARRAY || gt_view_type_of(view) == GT_VIEW_OBJECT;
}

gt_view gt_view_first(gt_view list)
{
    return (gt_view){is_list(list) ? list.node->list.first : NULL};
}

gt_view gt_view_next(gt_view child)
{
    return (gt_view){child.node == NULL ? NULL : child.node->next};
}

gt_str gt_view_key(gt_view member)
{
    return member.node == NULL ? (gt_str){NULL, 0} : member.node->key;
}

size_t gt_view_count(gt_view list)
{
    return is_list(list) ? list.node->list.count : 0;
}

gt_str gt_view_str(gt_view string)
{
    return gt_view_type_of(string) == GT_VIEW_STRING ? string.node->text : (gt_str){"", 0};
}

bool gt_view_is(gt_view string, const char *text)
{
    return gt_view_type_of(string) == GT_VIEW_STRING && gt_str_is(string.node->text, text);
}

static bool has_nul(gt_str text)
{
    return text.len > 0 && memmem(text.at, text.len, "\xc0\x80", 2) != NULL;
}

bool gt_view_has_nul(gt_view string)
{
    return has_nul(gt_view_str(string));
}

bool gt_view_key_has_nul(gt_view member)
{
    return has_nul(gt_view_key(member));
}

bool gt_view_true(gt_view boolean)
{
    return gt_view_type_of(boolean) == GT_VIEW_BOOL && boolean.node->truth;
}

bool gt_view_int(gt_view number, int64_t *value)
{
    const double exact = 9007199254740992.0; /* 2^53: from there on neighbours look alike */
    double d = gt_view_number(number);
    if (gt_view_type_of(number) != GT_VIEW_NUMBER || d <= -exact || d >= exact || d != (double)(int64_t)d)
        return false;
    *value = (int64_t)d;
    return true;
}

double gt_view_number(gt_view number)
{
    /* strtod ends by itself: what follows a number in a JSON text is no part of one */
    return gt_view_type_of(number) == GT_VIEW_NUMBER ? strtod(number.node->text.at, NULL) : 0;
}

/* ---- comparing ---- */

static bool same_children(gt_view a, gt_view b)
{
    const gt_view_node *y = b.node->list.first;
    for (const gt_view_node *x = a.node->list.first; x != NULL; x = x->next, y = y->next)
        if (y == NULL || !gt_str_eq(x->key, y->key) || !gt_view_equal((gt_view){x}, (gt_view){y}))
            return false;
    return y == NULL;
}

bool gt_view_equal(gt_view a, gt_view b)
{
    if (a.node == NULL || b.node == NULL || a.node->type != b.node->type)
        return false;
    switch (a.node->type) {
    case GT_VIEW_BOOL: return a.node->truth == b.node->truth;
    case GT_VIEW_NUMBER:
    case GT_VIEW_STRING: return gt_str_eq(a.node->text, b.node->text);
    case GT_VIEW_ARRAY:
    case GT_VIEW_OBJECT: return same_children(a, b);
    default: return true;
    }
}

/* ---- showing ---- */

static void show_number(gt_buf *buf, double number)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    gt_buf_text(buf, text);
}

void gt_view_show(gt_buf *buf, gt_view view, size_t most)
{
    size_t start = buf->len;
    switch (gt_view_type_of(view)) {
    case GT_VIEW_MISSING: gt_buf_text(buf, "(nothing)"); break;
    case GT_VIEW_NULL: gt_buf_text(buf, "null"); break;
    case GT_VIEW_BOOL: gt_buf_text(buf, gt_view_true(view) ? "true" : "false"); break;
    case GT_VIEW_NUMBER: show_number(buf, gt_view_number(view)); break;
    case GT_VIEW_STRING: gt_show_text(buf, gt_view_str(view), most); break;
    case GT_VIEW_ARRAY: gt_buf_text(buf, gt_view_count(view) == 0 ? "[]" : "[...]"); break;
    case GT_VIEW_OBJECT: gt_buf_text(buf, gt_view_count(view) == 0 ? "{}" : "{...}"); break;
    }
    gt_show_cut(buf, start, 0, most);
}
