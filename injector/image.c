#include "injector/image.h"

#include <ctype.h>
#include <stdio.h>

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* [a-z0-9]+ joined by '.', '_', '__' or any number of '-'. */
static bool is_component(gt_str s)
{
    size_t i = 0;
    while (i < s.len) {
        size_t start = i;
        while (i < s.len && is_lower_alnum(s.at[i]))
            i++;
        if (i == start)
            return false;
        if (i == s.len)
            return true;
        char separator = s.at[i];
        size_t run = 0;
        while (i < s.len && s.at[i] == separator && (separator == '.' || separator == '_' || separator == '-')) {
            i++;
            run++;
        }
        if (run == 0 || (separator == '.' && run > 1) || (separator == '_' && run > 2))
            return false;
    }
    return false; /* empty, or ends in a separator */
}

static bool is_path(gt_str s)
{
    size_t start = 0;
    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.at[i] != '/')
            continue;
        if (!is_component((gt_str){s.at + start, i - start}))
            return false;
        start = i + 1;
    }
    return true;
}

static bool is_registry(gt_str s)
{
    const char *colon = s.at[0] == '[' ? memchr(s.at, ']', s.len) : s.at;
    if (colon == NULL)
        return false;
    colon = memchr(colon, ':', s.len - (size_t)(colon - s.at));
    int64_t port;
    gt_str host = colon == NULL ? s : (gt_str){s.at, (size_t)(colon - s.at)};
    if (colon != NULL && !gt_str_number((gt_str){colon + 1, s.len - host.len - 1}, 1, 65535, &port))
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.at[i]) && strchr(".-[]:", host.at[i]) == NULL)
            return false;
    return host.len > 0 && host.at[0] != '-' && host.at[0] != '.';
}

static bool is_tag(gt_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && s.at[i] != '_' && (i == 0 || (s.at[i] != '.' && s.at[i] != '-')))
            return false;
    return s.len > 0 && s.len <= 128;
}

static bool is_digest(gt_str s)
{
    const char *colon = memchr(s.at, ':', s.len);
    if (colon == NULL || colon == s.at || !isalpha((unsigned char)s.at[0]))
        return false;
    size_t hex = s.len - (size_t)(colon - s.at) - 1;
    for (const char *p = s.at; p < colon; p++)
        if (!isalnum((unsigned char)*p) && strchr("+._-", *p) == NULL)
            return false;
    for (const char *p = colon + 1; p < s.at + s.len; p++)
        if (!isxdigit((unsigned char)*p))
            return false;
    return hex >= 32;
}

static gt_str cut_at(gt_str s, const char *at)
{
    return (gt_str){s.at, (size_t)(at - s.at)};
}

static gt_str behind(gt_str s, const char *at)
{
    return (gt_str){at + 1, s.len - (size_t)(at - s.at) - 1};
}

/* The first component names a registry when no path could look like that. */
static void split_registry(gt_str name, gt_image *image)
{
    const char *slash = memchr(name.at, '/', name.len);
    gt_str first = slash == NULL ? (gt_str){"", 0} : cut_at(name, slash);
    bool registry = gt_str_is(first, "localhost");
    for (size_t i = 0; i < first.len; i++)
        registry = registry || first.at[i] == '.' || first.at[i] == ':' || isupper((unsigned char)first.at[i]);
    image->registry = registry ? first : GT_STR("docker.io");
    image->path = registry ? behind(name, slash) : name;
    if (gt_str_is(image->registry, "index.docker.io"))
        image->registry = GT_STR("docker.io");
    bool official = gt_str_is(image->registry, "docker.io") && memchr(image->path.at, '/', image->path.len) == NULL;
    image->prefix = official ? GT_STR("library/") : (gt_str){"", 0};
}

bool gt_image_parse(gt_str text, gt_image *image)
{
    *image = (gt_image){.tag = {"", 0}, .digest = {"", 0}};
    if (text.len == 0 || text.len > 512)
        return false;
    const char *at = memchr(text.at, '@', text.len);
    if (at != NULL) {
        image->digest = behind(text, at);
        text = cut_at(text, at);
        if (!is_digest(image->digest))
            return false;
    }
    const char *slash = memrchr(text.at, '/', text.len), *colon = memrchr(text.at, ':', text.len);
    if (colon != NULL && (slash == NULL || colon > slash)) {
        image->tag = behind(text, colon);
        text = cut_at(text, colon);
        if (!is_tag(image->tag))
            return false;
    }
    if (text.len == 0)
        return false;
    split_registry(text, image);
    return is_registry(image->registry) && is_path(image->path);
}

bool gt_image_read(gt_view text, gt_image *image)
{
    return gt_image_parse(gt_view_str(text), image);
}

bool gt_image_floats(const gt_image *image)
{
    return image->digest.len == 0 && (image->tag.len == 0 || gt_str_is(image->tag, "latest"));
}

bool gt_image_is_pattern(gt_str text)
{
    gt_image image;
    while (text.len > 0 && text.at[text.len - 1] == '/')
        text.len--;
    if (text.len == 0)
        return false;
    return is_registry(text) || (gt_image_parse(text, &image) && image.tag.len == 0 && image.digest.len == 0);
}

bool gt_image_admitted(const gt_image *image, gt_str pattern)
{
    while (pattern.len > 0 && pattern.at[pattern.len - 1] == '/')
        pattern.len--;
    char full[1100];
    int n = snprintf(full, sizeof full, "%.*s/%.*s%.*s", GT_STR_ARG(image->registry), GT_STR_ARG(image->prefix),
                     GT_STR_ARG(image->path));
    if (n < 0 || (size_t)n >= sizeof full || pattern.len == 0)
        return false;
    static const gt_str old_name = {"index.docker.io", 15}, hub = {"docker.io", 9};
    if (gt_str_starts(pattern, old_name.at) && (pattern.len == old_name.len || pattern.at[old_name.len] == '/'))
        pattern = (gt_str){pattern.at + (old_name.len - hub.len), pattern.len - (old_name.len - hub.len)};
    gt_str name = {full, (size_t)n};
    bool starts = name.len >= pattern.len && memcmp(name.at, pattern.at, pattern.len) == 0;
    return starts && (name.len == pattern.len || name.at[pattern.len] == '/');
}
