/* The functions of malloc, defined in the program: they come before those of the C library or of AddressSanitizer for all that is
 * loaded, and hand on to them. (ld's --wrap would only see our own objects.) */
#include "tests/faults/allocator.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define REAL(function) __interceptor_##function
#else
#define REAL(function) __libc_##function
#endif

/* NOLINTBEGIN(bugprone-reserved-identifier): that is what they are called */
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *block, size_t size);
void *REAL(memalign)(size_t align, size_t size);
void REAL(free)(void *block);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct {
    bool armed, later;
    size_t at, count, refused;
    long live;
} state;

void faults_begin(size_t at, bool later)
{
    state.at = at;
    state.later = later;
    state.count = state.refused = 0;
    state.armed = true;
}

faults_tally faults_end(void)
{
    state.armed = false;
    return (faults_tally){state.count, state.refused};
}

void faults_pause(void)
{
    state.armed = false;
}

void faults_resume(void)
{
    state.armed = true;
}

long faults_live(void)
{
    return state.live;
}

static bool refuses(void)
{
    if (!state.armed)
        return false;
    size_t n = ++state.count;
    if (state.at == 0 || n < state.at || (n > state.at && !state.later))
        return false;
    state.refused++;
    errno = ENOMEM;
    return true;
}

static void *counted(void *block)
{
    state.live += block != NULL;
    return block;
}

void *malloc(size_t size)
{
    return refuses() ? NULL : counted(REAL(malloc)(size));
}

void *calloc(size_t n, size_t size)
{
    return refuses() ? NULL : counted(REAL(calloc)(n, size));
}

void *realloc(void *block, size_t size)
{
    if (block == NULL)
        return malloc(size);
    if (size == 0) {
        free(block);
        return NULL;
    }
    return refuses() ? NULL : REAL(realloc)(block, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return refuses() ? NULL : counted(REAL(memalign)(align, size));
}

void *memalign(size_t align, size_t size)
{
    return aligned_alloc(align, size);
}

int posix_memalign(void **block, size_t align, size_t size)
{
    *block = aligned_alloc(align, size);
    return *block == NULL ? ENOMEM : 0;
}

void free(void *block)
{
    state.live -= block != NULL;
    REAL(free)(block);
}

/* AddressSanitizer's own would allocate past us. */
char *strndup(const char *text, size_t most)
{
    size_t n = strnlen(text, most);
    char *copy = malloc(n + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}
