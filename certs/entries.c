#include "certs/entries.h"

const gt_entry_row gt_entries[GT_ENTRY_COUNT] = {
#define GT_MEMBER(label, kind, name) [label] = {kind, name},
    GT_ENTRIES(GT_MEMBER)
#undef GT_MEMBER
};
