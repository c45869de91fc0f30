/* Who a feed's text speaks of: one identity, read from addresses, session names, bead ids and labels.
 *
 * One gate decides what an agent is, whichever text names it (see gt_agent_make); it answers with the canonical form: roles in
 * the singular, `hq` as the name of mayor and deacon, the role's own word as the name of witness and refinery, rig `town` for
 * mayor and deacon. The names themselves are passed on raw: making labels and pod names of them is injector/identity.h's job.
 * All functions are pure, allocate nothing and answer with slices of what they were given (or of constants). */
#ifndef GT_WATCHER_AGENT_H
#define GT_WATCHER_AGENT_H

#include "lib/base/str.h"

typedef struct gt_agent {
    gt_str rig, role, name;
} gt_agent;

/* The agent of these words, or false when they name nobody. role may be plural, and any lower-case word; a name is needed for
 * the roles that have one; mayor and deacon need nothing but the role. rig and name: not empty, not "." or "..", no slash, no
 * control character; mayor and deacon are never rigs. A dog without a rig is the town's. */
bool gt_agent_make(gt_str rig, gt_str role, gt_str name, gt_agent *agent);

/* rig/polecats/name, rig/crew/name, rig/name, rig/witness, rig/refinery, mayor, deacon, deacon/dogs/name; one slash at the end is
 * ignored. Only the roles in the table of agent.c. */
bool gt_agent_of_address(gt_str address, gt_agent *agent);

/* What the address rig/name means. */
bool gt_agent_of_pair(gt_str rig, gt_str name, gt_agent *agent);

/* tmux sessions: hq-mayor, hq-deacon, gt-<rig>-witness, gt-<rig>-refinery, gt-<rig>-crew-<name>, else gt-<rig>-<name>. */
bool gt_agent_of_session(gt_str session, gt_agent *agent);

/* <prefix>-<rig>-<role>[-<name>], <prefix>-mayor, <prefix>-deacon, hq-dog-<name>. collapsed: also <prefix>-<role>[-<name>], where
 * the prefix is the rig (a guess, so only for what is known to be an agent's bead). */
bool gt_agent_of_id(gt_str id, bool collapsed, gt_agent *agent);

/* What labels say; empty: no such label. */
typedef struct gt_agent_labels {
    gt_str rig, role, name; /* rig:, role:, agent: */
    bool marked;            /* gt:agent */
    bool contradictory;     /* one of them twice, with two values */
    size_t count;           /* labels in all */
} gt_agent_labels;

void gt_agent_label(gt_agent_labels *labels, gt_str label); /* takes one more label in; *labels starts as {0} */

/* The agent of a bead that is known to be an agent's: labels win, the id fills in what they leave out. */
bool gt_agent_of_bead(gt_str id, const gt_agent_labels *labels, gt_agent *agent);

#endif
