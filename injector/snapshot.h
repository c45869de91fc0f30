/* A snapshot: all GasTown, Rig and AgentPool objects at one moment, checked and compiled, immutable.
 *
 * It is built from documents (parsed YAML or objects of the API server), owns the arena that it lives in, and may be read by
 * any number of threads. A document with an error in it isn't part of the snapshot: what it was meant to be is remembered, so
 * that pods that need it fail (503) instead of coming out without a layer. The feed (catalogue/) puts last good versions in the
 * place of such documents before it publishes. */
#ifndef GT_INJECTOR_SNAPSHOT_H
#define GT_INJECTOR_SNAPSHOT_H

#include "lib/json/value.h"

typedef struct gt_snapshot gt_snapshot;

typedef struct gt_document {
    gt_str file;           /* for messages: "rigs/gastown.yaml" */
    const gt_value *value; /* one object; NULL: the file couldn't be read as YAML */
} gt_document;

typedef struct gt_finding {
    bool error;      /* the document isn't accepted (but for a conflict of equal claims); else a warning */
    bool conflict;   /* an error between documents that claim one place (gt_claims) */
    bool policy;     /* an error because it's forbidden (it would weaken the profile), not because it's malformed */
    size_t document; /* index into the documents */
    gt_str file;
    uint32_t line, column; /* 0: unknown */
    gt_str object;         /* "Rig/gastown", or empty when the document doesn't say */
    gt_str field;          /* "spec.defaults.resources.limits.cpu"; may be empty */
    gt_str message;
    const struct gt_finding *next;
} gt_finding;

/* What becomes of two documents that claim one place: two towns of a namespace, two rigs of a name, two pools of a rig and role. */
typedef enum gt_claims {
    GT_CLAIMS_EQUAL, /* both are accepted, and pods that need the place are denied: nobody can tell which is meant */
    GT_CLAIMS_FIRST_HOLDS, /* documents come oldest first, each with its namespace: the first holds the place, good or broken; a later
                              one isn't accepted and no pod sees it */
} gt_claims;

/* Checks and compiles. Findings never make it fail; false only for GT_ERR_NOMEM and GT_ERR_LIMIT. On success the snapshot owns the
 * arena (which must not be used any more); on failure the caller still does. Documents are copied as far as they matter: they may be
 * anywhere, and go afterwards. */
bool gt_snapshot_build(gt_arena *arena, const gt_document *documents, size_t n, gt_claims claims,
                       gt_snapshot **snapshot, gt_err *err);
void gt_snapshot_free(gt_snapshot *snapshot); /* NULL is fine */

/* In order of document, then position. */
const gt_finding *gt_snapshot_findings(const gt_snapshot *snapshot);

/* False: document i has an error. */
bool gt_snapshot_accepted(const gt_snapshot *snapshot, size_t document);

/* "Rig/gastown" in namespace ns (either may be empty): what identifies a document among versions of itself. */
void gt_document_identity(const gt_value *document, gt_str *kind, gt_str *ns, gt_str *name);

size_t gt_snapshot_objects(const gt_snapshot *snapshot); /* GasTowns, Rigs and AgentPools that are accepted */
size_t gt_snapshot_bytes(const gt_snapshot *snapshot);   /* that it takes in memory, blocks' rests apart */

#endif
