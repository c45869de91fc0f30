/* init --out. A name is only taken when the whole file is on the disk, and only where there's none: link(2) doesn't replace. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/cli/cli.h"
#include "lib/base/clock.h"

static bool write_all(int fd, gt_str text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text = (gt_str){text.at + n, text.len - (size_t)n};
    }
    return fsync(fd) == 0;
}

static bool write_file(gt_arena *arena, const char *folder, const char *name, gt_str text, gt_err *err)
{
    char *path = gt_arena_printf(arena, "%s/%s", folder, name),
         *draft = gt_arena_printf(arena, "%s/.%s.XXXXXX", folder, name);
    int fd = mkostemp(draft, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return gt_fail(err, GT_ERR_ENV, "can't write to %s: %s", folder, strerror(errno));
    bool ok = write_all(fd, text) && link(draft, path) == 0;
    int problem = errno;
    close(fd);
    unlink(draft);
    return ok || gt_fail(err, GT_ERR_ENV, "can't write %s: %s", path, strerror(problem));
}

int gt_certs_write_files(gt_arena *arena, const gt_certs_options *o)
{
    int64_t now_s = gt_clock_wall_ms() / 1000;
    gt_pair authority, leaf;
    gt_err err;
    if (!gt_authority_make(arena, "Gas Town webhook authority", now_s, o->ca_life_ms / 1000, &authority, &err) ||
        !gt_authority_issue(arena, &authority, o->dns_names, now_s, o->leaf_life_ms / 1000, &leaf, &err))
        return gt_certs_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    const struct {
        const char *name;
        gt_str text;
    } files[] = {{"ca.crt", authority.cert}, {"ca.key", authority.key}, {"tls.crt", leaf.cert}, {"tls.key", leaf.key}};
    if (mkdir(o->out, 0700) != 0 && errno != EEXIST)
        return gt_certs_complain(GT_EXIT_ENVIRONMENT, "can't make %s: %s", o->out, strerror(errno));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (access(gt_arena_printf(arena, "%s/%s", o->out, files[i].name), F_OK) == 0)
            return gt_certs_complain(
                GT_EXIT_FINDING, "%s/%s is there already: nothing is overwritten; move it away, or name another folder",
                o->out, files[i].name);
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof files / sizeof *files; i++)
        ok = write_file(arena, o->out, files[i].name, files[i].text, &err);
    gt_certs_wipe(authority.key);
    gt_certs_wipe(leaf.key);
    if (!ok)
        return gt_certs_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    printf("%s/ has ca.crt, ca.key, tls.crt and tls.key\n", o->out);
    return GT_EXIT_OK;
}
