#include "lib/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

#undef gt_fail /* the analyzer's, see err.h */
#undef gt_wrap

/* What snprintf made of a text that wanted `wanted` bytes becomes one line of valid UTF-8: parts of it are somebody's
 * input. */
static void tidy(char *text, size_t size, int wanted)
{
    if (wanted < 0)
        snprintf(text, size, "(unprintable error)");
    bool cut = wanted >= 0 && (size_t)wanted >= size;
    size_t len = cut ? size - 4 : strlen(text);
    for (size_t i = 0; i < len;) {
        size_t n = gt_str_utf8_char((gt_str){text + i, len - i});
        if (n == 0 && cut && len - i < 4) {
            len = i; /* a character that the cut went through */
            break;
        }
        if (n == 0 || (unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
        i += n == 0 ? 1 : n;
    }
    if (cut)
        memcpy(text + len, "...", 4);
}

bool gt_fail(gt_err *err, gt_err_kind kind, const char *fmt, ...)
{
    assert(err != NULL && kind != GT_ERR_NONE);
    char text[sizeof err->text]; /* an argument may be what *err said before */
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    tidy(text, sizeof text, wanted);
    err->kind = kind;
    err->code = 0;
    memcpy(err->text, text, strlen(text) + 1);
    return false;
}

bool gt_wrap(gt_err *err, const char *fmt, ...)
{
    assert(err != NULL && err->kind != GT_ERR_NONE);
    char inner[sizeof err->text];
    memcpy(inner, err->text, strlen(err->text) + 1);
    char context[sizeof err->text / 2];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(context, sizeof context, fmt, args);
    va_end(args);
    tidy(context, sizeof context, wanted);
    wanted = snprintf(err->text, sizeof err->text, "%s: %s", context, inner);
    tidy(err->text, sizeof err->text, wanted);
    return false;
}
