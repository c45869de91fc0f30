/* What the fuzz targets share.
 *
 * A target hands libFuzzer's bytes to one room and then asks what must hold whatever the bytes were: FUZZ_CHECK ends the process,
 * and libFuzzer keeps the input. All of it runs from the top folder of the repository. */
#ifndef GT_TESTS_FUZZ_FUZZ_H
#define GT_TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "injector/review.h"
#include "lib/base/hash.h"

#define FUZZ_TOWN "tests/fuzz/town.yaml"

#define FUZZ_CHECK(condition, ...)                                                                                     \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: " #condition ": ", __FILE__, __LINE__);                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A file of the repository, or the end. */
gt_str fuzz_file(gt_arena *arena, const char *path);

/* The snapshot of FUZZ_TOWN. */
gt_snapshot *fuzz_town(void);

/* A text that must be JSON. */
gt_view fuzz_json(gt_arena *arena, gt_str text, const char *what);

/* A compact text of a value. */
gt_str fuzz_print(gt_arena *arena, const gt_value *value);

/* One review of whatever kind, with everything that holds for any answer. */
void fuzz_review(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply);

/* The patch of an answer applies to the pod of its review, and the pod that comes out needs nothing more. */
void fuzz_second_pass(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, const gt_reply *reply);

/* Carries out a JSON Patch (RFC 6902: add, replace, remove); each operation must be possible. false: it holds a number that
 * a value doesn't. */
bool fuzz_patch(gt_arena *arena, gt_value *document, gt_view operations);

/* ---- mutate.c, called by libFuzzer ---- */

/* How a target likes its inputs printed: one JSON text, or YAML documents. */
extern const bool fuzz_wants_yaml;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

#endif
