# Benchmarks; included by tests/tests.mk.

BENCH_SRC := $(wildcard tests/bench/*.c)

bench: test-deps all $(BUILD)/bench-engine ## what a review costs, against one plain parse of the same body; what a folder takes
	@$(PYTHON) tests/bench/run.py
	@$(PYTHON) tests/bench/run.py --catalogue

$(BUILD)/bench-engine: $(call objects,$(BENCH_SRC)) $(SHARED)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcjson -lpthread

.PHONY: bench
