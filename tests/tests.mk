# Tests, lint and the demo; included by the Makefile. What is run, in which order, is the table in tests/run.py.

ASAN := BUILD=build/asan SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" OPTIMIZE="-O1 -g"
TSAN := BUILD=build/tsan SANITIZE="-fsanitize=thread" OPTIMIZE="-O1 -g"
CLANG_BUILD := BUILD=build/clang CC=$(CLANG) OPTIMIZE="-O1"

include tests/fuzz/fuzz.mk tests/faults/faults.mk tests/bench/bench.mk tests/webhook/siege.mk
PROVING_SRC := $(FUZZ_SRC) $(FAULTS_SRC) $(BENCH_SRC)
LONELY_SRC := $(wildcard tests/tsan/*.c) tests/cluster/images/pause.c # which no rule of the same flags compiles

demo: all ## a captured town's events become complete pods: no cluster, seconds
	@$(PYTHON) tests/demo/demo.py

# not a file: asked each time, answered in a moment
test-deps:
	@.ci/deps

check: test-deps all $(BUILD)/unit ## the fast loop, under a minute: unit tests, conformance, goldens, arrows, docs, demo
	@$(PYTHON) tests/run.py --fast

test: test-deps all $(BUILD)/unit $(BENCH_PROGRAMS) ## everything: sanitizers, lint, properties, the server, a real Kubernetes
	@$(MAKE) $(ASAN) all build/asan/unit build/asan/faults
	@$(MAKE) $(FAULTS) build/faults/faults
	@$(MAKE) $(TSAN) build/tsan/catalogue build/tsan/server
	@$(MAKE) $(FUZZ) fuzz-programs
	@$(PYTHON) tests/run.py

PROPERTY_EXAMPLES ?= 20000
PROPERTY_SEED ?= random
property: test-deps all ## the engine's properties at length: PROPERTY_EXAMPLES=20000 each, PROPERTY_SEED=random (it is printed)
	@$(PYTHON) tests/property/run.py --inject $(BUILD)/gastown-inject --examples $(PROPERTY_EXAMPLES) --seed $(PROPERTY_SEED)

SOAK ?= --rolls 10 --controls 3 --rotations 20 --authorities 2 --mounted 2
soak: test-deps all ## replicas rolled and certificates renewed under load, at length
	@$(PYTHON) tests/cluster/soak.py $(SOAK)

lint: test-deps $(BUILD)/packages.mk ## clang, clang-tidy, cppcheck, clang-format, arrows
	@$(PYTHON) tests/run.py --only lint

# the sources of this folder alone, as clang sees them
clang-objects: $(call objects,$(ALL_SRC) $(PROVING_SRC))

$(BUILD)/catalogue: $(BUILD)/obj/tests/tsan/catalogue.o $(BUILD)/libcatalogue.a $(BUILD)/libinjector.a $(BUILD)/liblib.a
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lpthread

$(BUILD)/server: $(call objects,tests/tsan/server.c $(TESTED_SRC)) $(SHARED)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS_webhook) $(PKG_LIBS) $(PKG_LIBS_curl) -lpthread

docs: all ## write docs/templates.md, and the metrics in docs/serving.md, anew from the programs' tables
	@$(BUILD)/gastown-inject reference >docs/templates.md
	@$(BUILD)/gastown-webhook --metrics-reference >$(BUILD)/metrics.md
	@sed -i -e '/^<!-- metrics -->$$/,/^<!-- \/metrics -->$$/{//!d' -e '}' -e '/^<!-- metrics -->$$/r $(BUILD)/metrics.md' docs/serving.md

crds: all ## write manifests/crds anew from the engine's tables
	@mkdir -p manifests/crds
	@for kind in gastowns rigs agentpools; do \
	    $(BUILD)/gastown-inject crds $$kind >manifests/crds/$$kind.gastown.io.yaml || exit; done

registration: all ## write manifests/registration.yaml anew from the webhook's tables
	@{ echo "# What an API server is told of the webhook; docs/registration.md. Made by \`make registration\`."; \
	   $(BUILD)/gastown-webhook registration; } >manifests/registration.yaml

format: ## clang-format all sources
	@git ls-files '*.c' '*.h' | xargs clang-format -i

compile_commands.json: Makefile tests/tests.mk tests/compile_commands.py $(ALL_SRC) $(PROVING_SRC) $(LONELY_SRC)
	@$(PYTHON) tests/compile_commands.py "$(CLANG) $(filter-out -Werror,$(CFLAGS_ALL))" $(ALL_SRC) $(PROVING_SRC) $(LONELY_SRC) >$@

cluster-up: ## a Kubernetes to play in: API server, etcd, controllers (prints how to reach it)
	@$(PYTHON) tests/cluster/bed.py up
cluster-down: ## end it
	@$(PYTHON) tests/cluster/bed.py down

$(BUILD)/unit $(call objects,$(UNIT_SRC)): | test-deps

.PHONY: docs crds registration test-deps demo check test property soak lint clang-objects format cluster-up cluster-down
