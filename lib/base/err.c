#include "lib/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(char *text, size_t size, int wanted)
{
    if (wanted < 0)
        snprintf(text, size, "(unprintable error)");
    else if ((size_t)wanted >= size)
        memcpy(text + size - 4, "...", 4);
}

bool gt_fail(gt_err *err, gt_err_kind kind, const char *fmt, ...)
{
    assert(err != NULL && kind != GT_ERR_NONE);
    err->kind = kind;
    err->code = 0;
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    mark_cut(err->text, sizeof err->text, wanted);
    return false;
}

bool gt_wrap(gt_err *err, const char *fmt, ...)
{
    assert(err != NULL);
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    char context[sizeof err->text / 2];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(context, sizeof context, fmt, args);
    va_end(args);
    mark_cut(context, sizeof context, wanted);
    wanted = snprintf(err->text, sizeof err->text, "%s: %s", context, inner);
    mark_cut(err->text, sizeof err->text, wanted);
    return false;
}
