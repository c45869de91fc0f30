# Fuzzing (libFuzzer, so clang); included by tests/tests.mk. README.md says how to use it. Here for the recursive make alone:
# $(BUILD) is build/fuzz, $(SANITIZE) has fuzzer-no-link. Comparisons are not traced: that would take half of the time, and what it finds
# the dictionary and mutate.c know.

FUZZ := BUILD=build/fuzz CC=$(CLANG) OPTIMIZE="-O2 -g" \
	SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-sanitize-coverage=trace-cmp"
FUZZ_TARGETS := review templates readers
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FUZZ_SHARED_SRC := $(filter-out $(FUZZ_TARGETS:%=tests/fuzz/%.c),$(FUZZ_SRC))
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(BUILD)/%)

fuzz: test-deps ## 10 minutes for each fuzz target; FUZZ_SECONDS=60 for one minute
	@$(MAKE) $(FUZZ) fuzz-programs
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(PYTHON) tests/fuzz/run.py

fuzz-programs: $(FUZZ_PROGRAMS)

$(FUZZ_PROGRAMS): $(BUILD)/%: $(BUILD)/obj/tests/fuzz/%.o $(call objects,$(FUZZ_SHARED_SRC)) $(SHARED)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) $(PKG_LIBS_curl) -lcjson -lpthread

.PHONY: fuzz fuzz-programs
