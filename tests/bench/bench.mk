# Benchmarks; included by tests/tests.mk.

BENCH_SRC := $(wildcard tests/bench/*.c)

bench: test-deps all $(BUILD)/bench-engine ## what a review costs, against one plain parse of the same body
	@$(PYTHON) tests/bench/run.py

$(BUILD)/bench-engine: $(call objects,$(BENCH_SRC)) $(SHARED)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcjson -lpthread

.PHONY: bench
