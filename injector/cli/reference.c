/* `reference`: the engine's tables as a page. */
#include "injector/reference.h"

#include <stdio.h>

#include "injector/cli/cli.h"

int gt_cli_reference(gt_arena *arena, const gt_cli *cli)
{
    (void)cli;
    gt_buf page;
    gt_buf_init(&page, arena, 16384);
    gt_reference(&page);
    fwrite(page.at, 1, page.len, stdout);
    return GT_EXIT_OK;
}
