#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "injector/cli/cli.h"

bool gt_cli_read(gt_arena *arena, const char *path, gt_str *text, gt_err *err)
{
    enum { MOST = 16 * 1024 * 1024 };
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (file == NULL)
        return gt_fail(err, GT_ERR_ENV, "%s: %s", path, strerror(errno));
    size_t room = 64 * 1024, len = 0;
    char *bytes = malloc(room);
    while (bytes != NULL) {
        len += fread(bytes + len, 1, room - len, file);
        if (len < room || room >= MOST)
            break;
        char *more = realloc(bytes, room *= 2);
        if (more == NULL)
            free(bytes);
        bytes = more;
    }
    bool broken = ferror(file) != 0;
    if (!standard)
        fclose(file);
    if (bytes == NULL || broken || len >= MOST) {
        free(bytes);
        return bytes == NULL ? gt_fail(err, GT_ERR_NOMEM, "out of memory")
               : broken      ? gt_fail(err, GT_ERR_ENV, "%s: can't be read", path)
                             : gt_fail(err, GT_ERR_LIMIT, "%s: more than 16 MiB", path);
    }
    *text = (gt_str){gt_arena_dup(arena, bytes, len), len};
    free(bytes);
    return true;
}
