/* Reviews of what is changed in an agent's pod that is there already; answered beside those of templates (validate.h).
 *
 * What differs between request.oldObject and request.object is judged by the code that judges at admission (judge.c), against the town's
 * policy as it is now: images of containers, and an ephemeral container whole, as a client's extra one. What was there and stays isn't
 * held against the update, so that a pod made under another policy can lose its finalizer. Whose pod it is doesn't matter: policy is the town's.
 *
 *   nothing that is judged has changed   allowed without a word, whatever is known: no templates, no town, an image of old
 *   what has changed keeps the policy    allowed, perhaps with the warnings that an extra container gets
 *   breaks it                            denied (403), with each field, what was found and whose policy it is
 *   no town there, or two                denied (422), as a new pod is
 *   no templates yet, a broken town      HTTP 503: the failure policy decides, as for a new pod
 *   no agent's pod                       allowed without a word. It is one when it carries the label before or after: who takes the label off may
 *                                        not bring an image in with that
 *   the mirror of a static pod           allowed without a word, if it was one before: nobody can become one, and a node only reports them */
#ifndef GT_INJECTOR_UPDATE_H
#define GT_INJECTOR_UPDATE_H

#include "injector/envelope.h"

/* Whether a request is for this: UPDATE of pods, pods/ephemeralcontainers or pods/resize. */
bool gt_update_is_asked(gt_view request);

/* Such a request's answer. */
gt_envelope_answer gt_update_answer;

#endif
