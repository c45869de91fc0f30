#include "injector/git.h"

enum { LONGEST_BRANCH = 244, LONGEST_REPOSITORY = 2048 };

/* git check-ref-format, the rules for one branch name: no component begins with '.', ends in ".lock" or is empty; no "..", "@{", no
 * control characters, blanks or ~^:?*[\; it doesn't end in '.' or '/'. */
bool gt_git_is_branch(gt_str s)
{
    if (s.len == 0 || s.len > LONGEST_BRANCH || s.at[0] == '-' || gt_str_is(s, "@") || gt_str_is(s, "HEAD") ||
        gt_str_ends(s, ".") || gt_str_ends(s, "/"))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        char before = i == 0 ? '/' : s.at[i - 1];
        if (c <= ' ' || c == 0x7f || strchr("~^:?*[\\", c) != NULL)
            return false;
        if ((c == '/' && before == '/') || (c == '.' && (before == '/' || before == '.')) ||
            (c == '{' && before == '@'))
            return false;
        gt_str so_far = {s.at, i};
        if (c == '/' && gt_str_ends(so_far, ".lock"))
            return false;
    }
    return !gt_str_ends(s, ".lock");
}

/* What stands behind scheme://, or nothing. */
static gt_str behind_scheme(gt_str text)
{
    static const char *const schemes[] = {"https://", "http://", "ssh://", "git://", "file://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (gt_str_starts(text, schemes[i]))
            return (gt_str){text.at + strlen(schemes[i]), text.len - strlen(schemes[i])};
    return (gt_str){"", 0};
}

/* What stands up to the first slash: something, no option, at most one user. */
static bool is_authority(gt_str rest)
{
    const char *slash = rest.len == 0 ? NULL : memchr(rest.at, '/', rest.len);
    size_t n = slash == NULL ? rest.len : (size_t)(slash - rest.at);
    const char *at = n == 0 ? NULL : memchr(rest.at, '@', n);
    return rest.len > 0 && rest.at[0] != '-' && (at == NULL || at == memrchr(rest.at, '@', n));
}

/* user@host:path, the user may be missing; "::" would name a helper. */
static bool is_scp_like(gt_str text)
{
    const char *colon = memchr(text.at, ':', text.len), *slash = memchr(text.at, '/', text.len);
    size_t head = colon == NULL ? 0 : (size_t)(colon - text.at);
    return head > 0 && (slash == NULL || slash > colon) && text.len > head + 1 && colon[1] != ':';
}

bool gt_git_is_repository(gt_str text)
{
    if (text.len == 0 || text.len > LONGEST_REPOSITORY || text.at[0] == '-')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || strchr("\x7f?#*\"\\", text.at[i]) != NULL)
            return false; /* a blank, or what would make another host or a pattern of the name of a credential's helper */
    bool url = false;
    for (size_t i = 0; i + 2 < text.len; i++)
        url = url || memcmp(text.at + i, "://", 3) == 0;
    if (url)
        return is_authority(behind_scheme(text));
    return text.at[0] == '/' || is_scp_like(text);
}

bool gt_git_holds_password(gt_str repository)
{
    gt_str rest = behind_scheme(repository);
    const char *slash = rest.len == 0 ? NULL : memchr(rest.at, '/', rest.len);
    size_t host = slash == NULL ? rest.len : (size_t)(slash - rest.at);
    const char *at = host == 0 ? NULL : memrchr(rest.at, '@', host);
    if (at == NULL)
        return false;
    static const char *const tokens[] = {"ghp_", "gho_", "ghs_", "github_pat_", "glpat-"};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        if (gt_str_starts(rest, tokens[i]))
            return true; /* a token in the place of the user */
    return memchr(rest.at, ':', (size_t)(at - rest.at)) != NULL;
}
