/* How long the engine takes for a review, and to read its body, against one plain cJSON parse of the same body.
 *
 *     bench-engine TEMPLATES FILE...      each FILE holds one AdmissionReview; a JSON line of results for each
 *     bench-engine --catalogue TEMPLATES  instead: what loading them takes, and what two snapshots take while the new replaces the old
 *
 * Time is the process's own, the best of some rounds. Memory is what goes through malloc while a review is answered:
 * malloc itself is counted, in this program only. The parse is cJSON's with its own malloc, and freed. */
#include <assert.h>
#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "catalogue/directory.h"
#include "injector/review.h"

enum { ROUNDS = 7, ROUND_MS = 60 };

/* ---- counting ---- */

static atomic_size_t calls;

void *__libc_malloc(size_t size);            /* NOLINT(bugprone-reserved-identifier): glibc's own */
void *__libc_calloc(size_t n, size_t size);  /* NOLINT(bugprone-reserved-identifier) */
void *__libc_realloc(void *at, size_t size); /* NOLINT(bugprone-reserved-identifier) */

void *malloc(size_t size)
{
    calls++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    calls++;
    return __libc_calloc(n, size);
}

void *realloc(void *at, size_t size)
{
    calls++;
    return __libc_realloc(at, size);
}

/* ---- measuring ---- */

typedef struct subject {
    gt_arena *arena;
    const gt_snapshot *snapshot;
    gt_str body;
    gt_reply reply; /* of the last review */
} subject;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void parse(subject *s)
{
    cJSON *tree = cJSON_ParseWithLength(s->body.at, s->body.len);
    assert(tree != NULL);
    cJSON_Delete(tree);
}

static void read_body(subject *s)
{
    gt_view view;
    gt_err err;
    gt_arena_reset(s->arena);
    bool good = gt_view_parse(s->arena, s->body, 0, &view, &err);
    assert(good);
    (void)good;
}

static void review(subject *s)
{
    gt_arena_reset(s->arena);
    gt_review(s->arena, s->snapshot, s->body, &s->reply);
}

/* Nanoseconds of one call, the best of some rounds. */
static double best(void (*call)(subject *), subject *s)
{
    double least = 0;
    size_t n = 1;
    for (int round = 0; round < ROUNDS;) {
        double start = now_ns();
        for (size_t i = 0; i < n; i++)
            call(s);
        double spent = now_ns() - start;
        if (spent < ROUND_MS * 1e6 && round == 0) {
            n *= 2;
            continue;
        }
        least = round++ == 0 || spent / (double)n < least ? spent / (double)n : least;
    }
    return least;
}

static size_t allocations(void (*call)(subject *), subject *s)
{
    call(s); /* the arena grows to its size once */
    size_t before = calls;
    call(s);
    return calls - before;
}

/* ---- the program ---- */

static char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(GT_REVIEW_MAX_BYTES);
    if (file == NULL || text == NULL) {
        fprintf(stderr, "bench-engine: can't read %s\n", path);
        exit(3);
    }
    *n = fread(text, 1, GT_REVIEW_MAX_BYTES, file);
    fclose(file);
    return text;
}

/* The directory stays, too: a feed remembers what was good. */
static const gt_snapshot *load(const char *path)
{
    gt_directory *directory = gt_directory_new(path);
    gt_directory_report report = {.snapshot = NULL};
    gt_err err;
    if (directory == NULL || !gt_directory_load(directory, &report, &err)) {
        fprintf(stderr, "bench-engine: %s\n", directory == NULL ? "out of memory" : err.text);
        exit(3);
    }
    return report.snapshot;
}

/* The old one is still read while the new one is built: this is the most that a webhook takes. */
static int catalogue(const char *path)
{
    struct rusage usage;
    double start = now_ns();
    const gt_snapshot *old = load(path);
    double spent = now_ns() - start;
    load(path);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"objects\":%zu,\"snapshot_bytes\":%zu,\"load_ns\":%.0f,\"reload_bytes\":%ld}\n", gt_snapshot_objects(old),
           gt_snapshot_bytes(old), spent, usage.ru_maxrss * 1024);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: bench-engine TEMPLATES FILE... | --catalogue TEMPLATES\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "--catalogue") == 0)
        return catalogue(argv[2]);
    const gt_snapshot *snapshot = load(argv[1]);
    for (int i = 2; i < argc; i++) {
        subject s = {.arena = gt_arena_new(0), .snapshot = snapshot};
        char *body = read_file(argv[i], &s.body.len);
        s.body.at = body;
        double parse_ns = best(parse, &s), read_ns = best(read_body, &s), review_ns = best(review, &s);
        size_t parse_calls = allocations(parse, &s), calls_made = allocations(review, &s);
        printf("{\"file\":\"%s\",\"outcome\":\"%s\",\"body_bytes\":%zu,\"answer_bytes\":%zu,\"patch_bytes\":%zu,"
               "\"operations\":%zu,\"review_ns\":%.0f,\"review_mallocs\":%zu,\"arena_bytes\":%zu,\"read_ns\":%.0f,"
               "\"parse_ns\":%.0f,\"parse_mallocs\":%zu}\n",
               argv[i], gt_outcome_name(s.reply.outcome), s.body.len, s.reply.body.len, s.reply.patch_bytes,
               s.reply.operations, review_ns, calls_made, gt_arena_used(s.arena), read_ns, parse_ns, parse_calls);
        gt_arena_free(s.arena);
        free(body);
    }
    return 0;
}
