# The running server under siege; included by tests/tests.mk.

ENDURANCE_REVIEWS ?= 1000000
endurance: test-deps all ## a million reviews over 64 connections, then handshakes: memory and descriptors stay as they are
	@$(PYTHON) tests/webhook/endurance.py --webhook $(BUILD)/gastown-webhook --reviews $(ENDURANCE_REVIEWS)

siege: test-deps all ## hostile traffic, 10 seconds of each kind, and what it does to a client that behaves
	@$(PYTHON) tests/webhook/siege.py --webhook $(BUILD)/gastown-webhook --seconds 10

FUZZ_HTTP_SECONDS ?= 600
fuzz-http: test-deps ## mutated HTTP for 10 minutes against a running server with sanitizers; FUZZ_HTTP_SECONDS=60 for one minute
	@$(MAKE) $(ASAN) build/asan/gastown-webhook
	@$(PYTHON) tests/webhook/fuzz_http.py --webhook build/asan/gastown-webhook --seconds $(FUZZ_HTTP_SECONDS)

.PHONY: endurance fuzz-http siege
