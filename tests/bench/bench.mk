# Benchmarks; included by tests/tests.mk.

BENCH_SRC := $(wildcard tests/bench/*.c)

BENCH_PROGRAMS := $(BUILD)/bench-engine $(BUILD)/bench-load $(BUILD)/bench-ceiling

bench: test-deps all $(BENCH_PROGRAMS) ## what a review costs: the engine's part, and served, against a bare server and one in Go
	@$(PYTHON) tests/bench/run.py
	@$(PYTHON) tests/bench/run.py --catalogue
	@$(PYTHON) tests/bench/serving.py

performance: test-deps all $(BENCH_PROGRAMS) ## measure, and write docs/performance.md anew
	@$(PYTHON) tests/bench/serving.py --rounds 5 -o markdown >$(BUILD)/performance.md
	@mv $(BUILD)/performance.md docs/performance.md

$(BUILD)/bench-engine: $(call objects,tests/bench/engine.c) $(SHARED)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcjson -lpthread

$(BUILD)/bench-load: $(call objects,tests/bench/load.c)
$(BUILD)/bench-ceiling: $(call objects,tests/bench/ceiling.c)
$(BUILD)/bench-ceiling: LIBS = $(PKG_LIBS_webhook)
$(BUILD)/bench-load $(BUILD)/bench-ceiling:
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(PKG_LIBS)

.PHONY: bench performance
