#include "webhook/framing.h"

#include <string.h>
#include <strings.h>

#include "lib/base/str.h"

/* RFC 9110, section 5.6.2; c isn't NUL. Nearly all are letters, and each request has a hundred of them. */
static bool is_token_char(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || (c >= '0' && c <= '9') ||
           strchr("!#$%&'*+.^_`|~", c) != NULL;
}

static bool is_token(const char *s)
{
    const char *at = s;
    while (*at != '\0' && is_token_char(*at))
        at++;
    return at > s && *at == '\0';
}

static bool has_control(const char *s)
{
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == '\x7f')
            return true;
    return false;
}

void gt_framing_header(gt_framing *framing, const char *name, const char *value)
{
    if (value == NULL)
        value = "";
    if (!is_token(name)) {
        framing->problem = "a header's name isn't a token";
    } else if (has_control(value)) {
        framing->problem = "a control character in a header";
    } else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        if (framing->lengths++ > 0)
            framing->problem = "more than one Content-Length";
        else if (!gt_str_number(gt_str_of(value), 0, INT64_MAX, &framing->length))
            framing->problem = "Content-Length isn't a number";
    } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        if (framing->encodings++ > 0 || strcasecmp(value, "chunked") != 0)
            framing->problem = "a Transfer-Encoding other than chunked";
    } else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
        framing->hosts++;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_EXPECT) == 0) {
        framing->expects = strcasecmp(value, "100-continue") == 0;
    }
}

void gt_framing_end(gt_framing *framing, const char *version)
{
    if (framing->problem != NULL)
        return;
    bool old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    if (framing->lengths > 0 && framing->encodings > 0)
        framing->problem = "Content-Length together with Transfer-Encoding";
    else if (framing->hosts > 1 || (framing->hosts == 0 && !old))
        framing->problem = "not exactly one Host";
    else if (old && framing->encodings > 0)
        framing->problem = "a Transfer-Encoding in HTTP/1.0";
}

/* The library hands out texts that lie where they came, in one buffer, with CR and LF turned into NULs. So the lines of a head that is
 * beyond doubt follow each other: a value's end, two NULs, the next name. A line that was folded (the library hangs its rest onto the
 * name, and "Content-:" becomes a Content-Length), ended by LF alone or cut short by a NUL leaves a gap, or none. */
typedef struct walk {
    gt_framing *framing;
    const char *next; /* where the next line must begin */
} walk;

static enum MHD_Result each(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    walk *w = context;
    gt_framing_header(w->framing, name, value);
    if (name != w->next)
        w->framing->problem = "a header that is folded, or not ended by CR LF";
    if (value != NULL)
        w->next = value + strlen(value) + 2;
    return MHD_YES;
}

void gt_framing_check(struct MHD_Connection *connection, const char *version, gt_framing *framing)
{
    *framing = (gt_framing){.length = -1};
    walk w = {framing, version + strlen(version) + 2};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, each, &w);
    if (w.next[-1] != '\0' || w.next[0] != '\0') /* the last line's, and the empty one behind it */
        framing->problem = "a head that doesn't end with CR LF CR LF";
    gt_framing_end(framing, version);
}
