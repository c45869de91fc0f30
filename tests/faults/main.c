/* Lets malloc fail at every allocation in turn, as SQLite tests it.
 *
 *     faults [--every N] [SCENARIO [ALLOCATION [later]]]
 *
 * Each scenario first runs with memory: its result is what counts, and its allocations are. Then it runs once for each of them, with this
 * one failing, and again with this one and all later ones failing. Each time the end must be clean: done with the same result, or
 * refused; nothing is left allocated; and the next run, with memory, has the same result again. A process for each scenario, so that a
 * crash is one scenario's; prints which allocation it was, and how to see that again. --every 7 takes each seventh allocation, where
 * AddressSanitizer makes all of them too slow. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faults/allocator.h"
#include "tests/faults/faults.h"

typedef struct result {
    size_t len;
    char text[1 << 20];
} result;

/* Where a scenario is, for the parent. */
typedef struct progress {
    size_t at, total, refused, done;
    bool later;
} progress;

static result wanted, got;
static progress *shared;
static size_t every = 1;

void faults_write(gt_str text)
{
    size_t room = sizeof got.text - got.len, n = text.len < room ? text.len : room;
    if (n > 0)
        memcpy(got.text + got.len, text.at, n);
    got.len += n;
}

faults_end_of faults_complain(const char *fmt, ...)
{
    va_list args;
    faults_pause();
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return FAULTS_WRONG;
}

static bool is_as_wanted(void)
{
    return got.len == wanted.len && memcmp(got.text, wanted.text, got.len) == 0;
}

/* Where the result differs from what it should be. */
static bool complain_of_result(const char *what)
{
    enum { AROUND = 60 };
    size_t at = 0, start;
    while (at < got.len && at < wanted.len && got.text[at] == wanted.text[at])
        at++;
    start = at < AROUND ? 0 : at - AROUND;
    faults_complain("%s: from byte %zu on it is `%.*s`, not `%.*s`", what, at,
                    (int)(got.len - start < 2 * AROUND ? got.len - start : 2 * AROUND), got.text + start,
                    (int)(wanted.len - start < 2 * AROUND ? wanted.len - start : 2 * AROUND), wanted.text + start);
    return false;
}

static faults_end_of run(const faults_scenario *s, size_t at, bool later, faults_tally *tally)
{
    got.len = 0;
    faults_begin(at, later);
    faults_end_of end = s->run();
    *tally = faults_end();
    return end;
}

/* One allocation fails. */
static bool try_one(const faults_scenario *s, size_t at, bool later)
{
    faults_tally tally;
    long live = faults_live();
    faults_end_of end = run(s, at, later, &tally);
    shared->refused += end == FAULTS_REFUSED;
    shared->done += end == FAULTS_DONE;
    bool good = end != FAULTS_WRONG;
    if (tally.refused == 0)
        good = faults_complain("only %zu allocations this time", tally.allocations) != FAULTS_WRONG;
    if (end == FAULTS_DONE && !is_as_wanted())
        good = complain_of_result("another result");
    if (faults_live() != live)
        good = faults_complain("%ld blocks are left", faults_live() - live) != FAULTS_WRONG;
    if (later && at % 16 != 0)
        return good; /* it took the same way out as when it failed alone */
    if (run(s, 0, false, &tally) != FAULTS_DONE || !is_as_wanted())
        good = complain_of_result("doesn't work any more");
    return good;
}

/* How many allocations a run takes, once all that is made once is made; 0 after a complaint. */
static size_t measure(const faults_scenario *s)
{
    faults_tally first, tally;
    if (run(s, 0, false, &first) != FAULTS_DONE)
        return 0;
    wanted = got;
    long live = faults_live();
    bool again = run(s, 0, false, &tally) == FAULTS_DONE && is_as_wanted();
    if (!again || wanted.len == 0 || wanted.len == sizeof wanted.text || faults_live() != live) {
        faults_complain("%s: no steady result (%zu bytes, %ld blocks left)", s->name, got.len, faults_live() - live);
        return 0;
    }
    return tally.allocations;
}

static bool try_all(const faults_scenario *s, size_t only, bool later)
{
    bool good = true;
    shared->total = measure(s);
    if (shared->total == 0)
        return false;
    for (int mode = 0; mode < 2; mode++)
        for (size_t at = 1; at <= shared->total && good; at += only != 0 ? 1 : every) {
            if (only != 0 && (at != only || later != (mode == 1)))
                continue;
            shared->at = at;
            shared->later = mode == 1;
            good = try_one(s, at, mode == 1);
        }
    return good;
}

static bool try_apart(const faults_scenario *s)
{
    *shared = (progress){0};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (s->prepare != NULL)
            s->prepare();
        bool good = try_all(s, 0, false);
        if (s->finish != NULL)
            s->finish();
        exit(good ? 0 : 1);
    }
    int status = 0;
    bool good = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    if (good)
        printf("ok %s: %zu allocations, failing alone and with all later ones: %zu times refused, %zu times done\n",
               s->name, shared->total, shared->refused, shared->done);
    else
        printf("FAIL %s: %s %d at allocation %zu of %zu; again: faults %s %zu%s\n", s->name,
               WIFSIGNALED(status) ? "signal" : "exit status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), shared->at, shared->total, s->name,
               shared->at, shared->later ? " later" : "");
    return good;
}

/* In this process, for a debugger. */
static int try_here(const faults_scenario *s, const char *at, bool later)
{
    if (s->prepare != NULL)
        s->prepare();
    bool good = try_all(s, strtoul(at, NULL, 10), later);
    if (s->finish != NULL)
        s->finish();
    puts(good ? "good" : "FAIL");
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    size_t passed = 0, failed = 0;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    if (argc > 2 && strcmp(argv[1], "--every") == 0) {
        every = strtoul(argv[2], NULL, 10);
        argv += 2;
        argc -= 2;
    }
    if (every == 0)
        return 1;
    for (const faults_scenario *s = faults_scenarios; s->name != NULL; s++) {
        if (argc > 1 && strcmp(argv[1], s->name) != 0)
            continue;
        if (argc > 2)
            return try_here(s, argv[2], argc > 3);
        if (try_apart(s))
            passed++;
        else
            failed++;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed > 0 || passed == 0 ? 1 : 0;
}
