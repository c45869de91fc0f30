#include "injector/git.h"

#include "tests/unit/support.h"

Test(injector_git, branches)
{
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        {"main", true},      {"polecat/a.b-c_d", true},
        {"a@b", true},       {"ünï", true},
        {"", false},         {"-x", false},
        {"HEAD", false},     {"@", false},
        {"a b", false},      {"a~1", false},
        {"a..b", false},     {".a", false},
        {"a/.b", false},     {"a.lock", false},
        {"a.lock/b", false}, {"a//b", false},
        {"/a", false},       {"a/", false},
        {"a.", false},       {"a@{b", false},
        {"a\\b", false},     {"a:b", false},
        {"a?", false},       {"a*", false},
        {"a[", false},       {"a\nb", false},
        {"a\x7f", false},    {"$(x)", true},
        {"a;b", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_git_is_branch(gt_str_of(rows[i].name)), rows[i].good, "%s", rows[i].name);
}

Test(injector_git, repositories)
{
    static const struct {
        const char *text;
        bool good, password;
    } rows[] = {
        {"https://example.test/a.git", true, false},
        {"https://user@example.test/a.git", true, false},
        {"https://user:pass@example.test/a.git", true, true},
        {"https://user:pa/ss@example.test/a.git", true, false}, /* no: the host ends at the slash */
        {"https://ghp_0123@example.test/a.git", true, true},
        {"https://h.test?x@example.test/a.git", false, false},
        {"https://a@b@example.test/a.git", false, false},
        {"https://*.test/a.git", false, false},
        {"https://example.test:8443/a@b:c.git", true, false},
        {"http://x/y", true, false},
        {"ssh://git@example.test:22/a.git", true, false},
        {"git://example.test/a.git", true, false},
        {"file:///srv/a.git", true, false},
        {"/srv/a.git", true, false},
        {"git@example.test:acme/a.git", true, false},
        {"host:path", true, false},
        {"", false, false},
        {"a", false, false},
        {"./a", false, false},
        {"a/b:c", false, false},
        {"host:", false, false},
        {":path", false, false},
        {"https://", false, false},
        {"ftp://x/y", false, false},
        {"--upload-pack=x", false, false},
        {"ssh://-oProxyCommand=x/y", false, false},
        {"ext::sh -c x", false, false},
        {"ext::sh", false, false},
        {"fd::7", false, false},
        {"https://a b/c", false, false},
        {"https://a\nb/c", false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_expect_eq(gt_git_is_repository(gt_str_of(rows[i].text)), rows[i].good, "%s", rows[i].text);
        cr_expect_eq(gt_git_holds_password(gt_str_of(rows[i].text)), rows[i].password, "%s", rows[i].text);
    }
}
