/* Any bytes as an AdmissionReview, of a new pod, of a changed one or of a template: there's an answer, it is well-formed, its patch applies, and a second pass has nothing to do.
 * What a review takes of memory is bounded by its length. */
#include "tests/fuzz/fuzz.h"

const bool fuzz_wants_yaml = false;

static gt_snapshot *town;
static gt_arena *arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    town = fuzz_town();
    arena = gt_arena_new(0);
    FUZZ_CHECK(arena != NULL, "out of memory");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gt_str body = {(const char *)data, size};
    gt_reply reply;
    fuzz_review(arena, town, body, &reply);
    fuzz_second_pass(arena, town, body, &reply);
    gt_arena_reset(arena);
    FUZZ_CHECK(gt_arena_used(arena) == 0, "the arena isn't empty");
    if (size % 16 == 0) { /* some, before there's a catalogue */
        fuzz_review(arena, NULL, body, &reply);
        FUZZ_CHECK(reply.outcome != GT_OUTCOME_INJECTED, "injected without a template");
        gt_arena_reset(arena);
    }
    return 0;
}
