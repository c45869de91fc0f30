/* `crds`: the definitions of our kinds, for an API server. */
#include <stdio.h>

#include "injector/cli/cli.h"
#include "injector/crd.h"

static bool is_wanted(const gt_cli *cli, const gt_crd *crd)
{
    bool wanted = cli->words.count == 0;
    for (size_t i = 0; i < cli->words.count; i++)
        wanted = wanted || gt_crd_of(gt_str_of(cli->words.at[i])) == crd;
    return wanted;
}

int gt_cli_crds(gt_arena *arena, const gt_cli *cli)
{
    gt_value *list = gt_value_object(arena), *items = gt_value_array(arena);
    gt_value_put(arena, list, "apiVersion", gt_value_text(arena, "v1"));
    gt_value_put(arena, list, "kind", gt_value_text(arena, "List"));
    gt_value_put(arena, list, "items", items);
    for (size_t i = 0; i < cli->words.count; i++)
        if (gt_crd_of(gt_str_of(cli->words.at[i])) == NULL)
            return gt_cli_complain(GT_EXIT_USAGE, "crds: no kind %.60s, only GasTown, Rig and AgentPool",
                                   cli->words.at[i]);
    for (int i = 0; i < GT_CRD_COUNT; i++)
        if (is_wanted(cli, &gt_crds[i]))
            gt_value_push(items, gt_crd_make(arena, &gt_crds[i]));
    if (cli->format == GT_FORMAT_JSON) {
        gt_cli_print(arena, items->count == 1 ? items->first : list, cli->format);
        return GT_EXIT_OK;
    }
    GT_VALUE_EACH (definition, items) {
        fputs("---\n", stdout);
        gt_cli_print(arena, definition, cli->format);
    }
    return GT_EXIT_OK;
}
