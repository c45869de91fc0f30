/* The regular expressions of apimachinery's pkg/api/validate/content, as loops: Go's ^ and $ mean the whole text
 * there. */
#include "lib/kube/names.h"

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? of any length */
static bool is_label_text(gt_str s)
{
    if (s.len == 0 || !is_lower_alnum(s.at[0]) || !is_lower_alnum(s.at[s.len - 1]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_lower_alnum(s.at[i]) && s.at[i] != '-')
            return false;
    return true;
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9], at most 63 */
static bool is_name_part(gt_str s)
{
    if (s.len == 0 || s.len > GT_LABEL_VALUE_MAX || !is_alnum(s.at[0]) || !is_alnum(s.at[s.len - 1]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.at[i]) && s.at[i] != '-' && s.at[i] != '_' && s.at[i] != '.')
            return false;
    return true;
}

bool gt_is_dns_label(gt_str s)
{
    return s.len <= GT_DNS_LABEL_MAX && is_label_text(s);
}

bool gt_is_dns_subdomain(gt_str s)
{
    if (s.len > GT_DNS_SUBDOMAIN_MAX)
        return false;
    size_t start = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] != '.')
            continue;
        if (!is_label_text((gt_str){s.at + start, i - start}))
            return false;
        start = i + 1;
    }
    return s.len > start && is_label_text((gt_str){s.at + start, s.len - start});
}

bool gt_is_label_value(gt_str s)
{
    return s.len == 0 || is_name_part(s);
}

bool gt_is_qualified_name(gt_str s)
{
    const char *slash = s.len == 0 ? NULL : memchr(s.at, '/', s.len);
    if (slash == NULL)
        return is_name_part(s);
    size_t prefix = (size_t)(slash - s.at);
    return gt_is_dns_subdomain((gt_str){s.at, prefix}) && is_name_part((gt_str){slash + 1, s.len - prefix - 1});
}

bool gt_is_env_name(gt_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < ' ' || s.at[i] > '~' || s.at[i] == '=')
            return false;
    return s.len > 0;
}
