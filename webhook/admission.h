/* POST /mutate and POST /validate: from a request to gt_review or gt_validate and back.
 *
 *   request line      begin: the clock starts
 *   headers           first call of handle: framing, path, method, media type, time budget. What is wrong is remembered
 *   body              collected within limits, or thrown away (bounded) when the answer is known already
 *   end of the body   last call of handle: review, or the error that was found; one log line; numbers
 *
 * A review runs in its thread's own arena, which is reset afterwards, on the snapshot that the thread has entered for as long as it
 * takes. So a request takes no lock and allocates only its own body and the copy of its answer.
 *
 * Errors are v1 Status objects. Threads: the callbacks by the server's threads; new and free by the control thread. */
#ifndef GT_WEBHOOK_ADMISSION_H
#define GT_WEBHOOK_ADMISSION_H

#include <stdatomic.h>

#include "catalogue/catalogue.h"
#include "webhook/body.h"
#include "webhook/clients.h"
#include "webhook/http.h"
#include "webhook/metrics.h"

enum {
    GT_BODIES_MAX = 64 * 1024 * 1024,      /* bytes of all bodies in flight, of requests and of answers */
    GT_BODY_ALWAYS = 128 * 1024,           /* bytes of each that fit in any case */
    GT_REVIEW_MEMORY = 128 * 1024 * 1024,  /* bytes that one review may use: the tree of an 8 MiB body and its patch */
    GT_REVIEWS_MEMORY = 128 * 1024 * 1024, /* bytes of all reviews in work, beyond what each thread has for itself */
    GT_REVIEW_OWN = 2 * 1024 * 1024,       /* that: many times what a pod takes */
};

typedef struct gt_admission gt_admission;

typedef struct gt_admission_config {
    gt_catalogue *catalogue; /* with a slot per thread: 0 to threads - 1 */
    gt_metrics *metrics;
    gt_clients *clients; /* NULL: whoever reaches us may ask */
    unsigned threads;
    const atomic_bool *draining; /* true: each answer closes its connection */
} gt_admission_config;

gt_admission *gt_admission_new(const gt_admission_config *config); /* NULL: no memory */
void gt_admission_free(gt_admission *admission);                   /* after the server has stopped; NULL is fine */

/* The callbacks, for gt_http_start. */
gt_http_service gt_admission_service(gt_admission *admission);

/* Bytes that bodies hold now; that reviews in work hold, beyond each thread's own. */
size_t gt_admission_body_bytes(gt_admission *admission);
size_t gt_admission_review_bytes(gt_admission *admission);

#endif
