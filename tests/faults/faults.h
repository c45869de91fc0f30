/* What a scenario is: something that the programs do, with all memory that it takes.
 *
 * A run leaves nothing behind. It either is done and has written its result, the same bytes each time; or says cleanly that there was no
 * memory. Anything else is a complaint. */
#ifndef GT_TESTS_FAULTS_FAULTS_H
#define GT_TESTS_FAULTS_FAULTS_H

#include "lib/base/str.h"

typedef enum faults_end_of {
    FAULTS_DONE,    /* the result is written */
    FAULTS_REFUSED, /* no memory, and said so */
    FAULTS_WRONG,   /* complained */
} faults_end_of;

typedef struct faults_scenario {
    const char *name;
    void (*prepare)(void); /* with memory; NULL: nothing to do */
    faults_end_of (*run)(void);
    void (*finish)(void);
} faults_scenario;

extern const faults_scenario faults_scenarios[]; /* ends with a NULL name */

/* Adds to the result; allocates nothing. */
void faults_write(gt_str text);

/* "complaint" on stderr; FAULTS_WRONG. */
faults_end_of faults_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
