/* One line of a feed, and what it means: the only mapper, for all dialects.
 *
 *   gt's event file       {"ts","source","type","actor","payload",...}
 *   bd activity           {"timestamp","type","issue_id",...,"old_status"?,"new_status"?,"actor"?,"issue"?}
 *   a remote town's feed  {"Type","IssueID","Title","Assignee","Actor","Timestamp","old_status",...,"labels"}, bare or behind "data:"
 *   a message bus         the same in snake_case
 *
 * There is no dialect to be recognised: each field is known by its spellings (table in event.c), each type by what names its agent.
 * The rules are the contract's ("Mapping, exactly"). Pure; memory is the arena's. */
#ifndef GT_WATCHER_EVENT_H
#define GT_WATCHER_EVENT_H

#include "lib/json/view.h"
#include "watcher/agent.h"

typedef enum gt_lifecycle { GT_LIFE_SPAWN, GT_LIFE_DONE, GT_LIFE_KILL, GT_LIFE_STUCK } gt_lifecycle;
enum { GT_LIFECYCLES = GT_LIFE_STUCK + 1 };
const char *gt_lifecycle_name(gt_lifecycle lifecycle); /* "spawn", "done", "kill", "stuck" */

typedef struct gt_event {
    gt_lifecycle lifecycle;
    gt_agent agent;
    gt_str bead;      /* what the line names; may be empty */
    bool bead_is_own; /* bead is the agent's own bead, not work on its hook */
    gt_str type;      /* the line's own word: sling, status, ... */
    gt_view payload;  /* of gt's dialect; missing in others. Checked: an object */
} gt_event;

typedef enum gt_line_kind {
    GT_LINE_NOTHING, /* blank, a comment or another field of an event stream, or it names nobody */
    GT_LINE_MAPPED,  /* *event is filled; it points into the arena and the line */
    GT_LINE_BROKEN,  /* dropped and counted; *why says what's wrong */
} gt_line_kind;

/* line: without its newline. Never fails otherwise: an arena that runs out is a broken line, too. Linear in the line's length. */
gt_line_kind gt_event_read(gt_arena *arena, gt_str line, gt_event *event, gt_err *why);

#endif
