/* libyaml's words for the commonest slips, made those of somebody who has to mend the file. */
#ifndef GT_LIB_YAML_SLIPS_H
#define GT_LIB_YAML_SLIPS_H

#include "lib/base/str.h"

typedef struct gt_yaml_slip {
    const char *problem; /* libyaml's */
    const char *context; /* libyaml's; NULL: whichever */
    const char *at;      /* one of these characters stands there; NULL: whichever */
    enum { GT_SLIP_ANYWHERE, GT_SLIP_LINE_START } where;
    bool opened;         /* told where it began (libyaml's context mark), not where it was noticed */
    const char *instead; /* of problem and context; NULL: they stay, with the hint behind them */
    const char *hint;
} gt_yaml_slip;

/* NULL: none that is known. offset: of the character in text at which libyaml has a problem. Pure; thread-safe. */
const gt_yaml_slip *gt_yaml_slip_of(const char *problem, const char *context, gt_str text, size_t offset);

/* Whether a `{` at offset is the second one of `{{ .Values.image }}`. */
bool gt_yaml_is_placeholder(gt_str text, size_t offset);

#endif
