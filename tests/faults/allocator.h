/* malloc that fails on demand, for the whole process: libyaml, OpenSSL and the C library call it, too.
 *
 * Between faults_begin and faults_end allocations are counted, and the chosen ones return NULL. The rest of the time it is plain malloc;
 * the balance of live blocks is kept always. One thread. */
#ifndef GT_TESTS_FAULTS_ALLOCATOR_H
#define GT_TESTS_FAULTS_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

/* at: the allocation that fails, from 1; 0: none. later: all behind it, too. */
void faults_begin(size_t at, bool later);

typedef struct faults_tally {
    size_t allocations; /* that were asked for */
    size_t refused;
} faults_tally;
faults_tally faults_end(void);

/* Memory is there again, until faults_resume. */
void faults_pause(void);
void faults_resume(void);

/* Blocks that were handed out and not freed. */
long faults_live(void);

#endif
