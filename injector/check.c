#include "injector/check.h"

#include <ctype.h>

#include "lib/base/show.h"

typedef enum severity { WARNING, WRONG, FORBIDDEN } severity;

static void add(gt_check *check, severity severe, const gt_value *at, const gt_pointer *place, const char *fmt,
                va_list args) __attribute__((format(printf, 5, 0)));

static void add(gt_check *check, severity severe, const gt_value *at, const gt_pointer *place, const char *fmt,
                va_list args)
{
    gt_finding *finding = GT_NEW(check->arena, gt_finding);
    *finding = (gt_finding){
        .error = severe != WARNING,
        .policy = severe == FORBIDDEN,
        .document = check->document,
        .file = check->file,
        .line = at == NULL ? 0 : at->line,
        .column = at == NULL ? 0 : at->column,
        .object = check->object,
        .field = gt_place_text(check->arena, place),
        .message = gt_show_vprintf(check->arena, fmt, args),
    };
    if (check->last == NULL)
        check->first = finding;
    else
        check->last->next = finding;
    check->last = finding;
    check->errors += severe != WARNING;
}

void gt_check_error(gt_check *check, const gt_value *at, const gt_pointer *place, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(check, WRONG, at, place, fmt, args);
    va_end(args);
}

void gt_check_forbid(gt_check *check, const gt_value *at, const gt_pointer *place, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(check, FORBIDDEN, at, place, fmt, args);
    va_end(args);
}

void gt_check_warn(gt_check *check, const gt_value *at, const gt_pointer *place, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(check, WARNING, at, place, fmt, args);
    va_end(args);
}

static bool is_word(gt_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && s.at[i] != '_' && s.at[i] != '$')
            return false;
    return s.len > 0;
}

/* A name may be a client's, of any length and content. */
static void write_name(gt_buf *buf, gt_str name)
{
    enum { LONGEST = 253 };
    gt_buf_byte(buf, '[');
    gt_show_text(buf, name, LONGEST);
    gt_buf_byte(buf, ']');
}

static void write_place(gt_buf *buf, const gt_pointer *place)
{
    if (place == NULL)
        return;
    write_place(buf, place->up);
    if (place->step == GT_STEP_MEMBER && is_word(place->name)) {
        gt_buf_text(buf, buf->len > 0 ? "." : "");
        gt_buf_str(buf, place->name);
    } else if (place->step == GT_STEP_MEMBER) {
        write_name(buf, place->name);
    } else if (place->label.len > 0) {
        write_name(buf, place->label);
    } else {
        gt_buf_byte(buf, '[');
        gt_buf_number(buf, place->index);
        gt_buf_byte(buf, ']');
    }
}

gt_str gt_place_text(gt_arena *arena, const gt_pointer *place)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 64);
    write_place(&buf, place);
    return gt_buf_slice(&buf);
}
