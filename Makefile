# make help lists what there is. V=1 shows the commands.
SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

BUILD ?= build
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-print-directory

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

# ---- compiler ----

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wformat=2 \
	-Wvla -Wnull-dereference -Werror
# objects don't depend on the folder that they were made in
HARDEN := -ffile-prefix-map=$(CURDIR)=. -fPIE -fstack-protector-strong -fno-plt -D_FORTIFY_SOURCE=2
OPTIMIZE ?= -O2 -g
# what was compiled before with the same flags from the same text is taken from ccache, where there is one (CCACHE= for none)
CCACHE ?= $(shell command -v ccache)
SANITIZE ?=
PACKAGES := libmicrohttpd gnutls openssl yaml-0.1 libcurl
ifeq ($(filter help clean deps deps-list,$(MAKECMDGOALS)),)
-include $(BUILD)/packages.mk
endif
CPPFLAGS += -D_GNU_SOURCE -I. $(DEFINE_VERSION) $(if $(SANITIZE),-DGT_ARENA_EACH,)
CFLAGS_ALL = -std=c17 $(OPTIMIZE) $(WARNINGS) $(if $(SANITIZE),$(filter-out -D_FORTIFY_SOURCE=2,$(HARDEN)),$(HARDEN)) $(SANITIZE) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZE) $(LDFLAGS)

# ---- rooms ----

LIB_SRC := $(wildcard lib/*/*.c)
INJECTOR_SRC := $(wildcard injector/*.c)
CATALOGUE_SRC := $(wildcard catalogue/*.c)
CERTS_SRC := $(wildcard certs/*.c)
CERTS_MAIN := $(wildcard certs/cli/*.c)
INJECT_SRC := $(wildcard injector/cli/*.c)
WEBHOOK_SRC := $(wildcard webhook/*.c)
WATCHER_SRC := $(wildcard watcher/*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
ALL_SRC := $(LIB_SRC) $(INJECTOR_SRC) $(CATALOGUE_SRC) $(CERTS_SRC) $(CERTS_MAIN) $(INJECT_SRC) $(WEBHOOK_SRC) $(WATCHER_SRC) $(UNIT_SRC)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
SHARED := $(BUILD)/libcatalogue.a $(BUILD)/libinjector.a $(BUILD)/libcerts.a $(BUILD)/liblib.a
PROGRAMS := $(if $(INJECT_SRC),$(BUILD)/gastown-inject) $(if $(WEBHOOK_SRC),$(BUILD)/gastown-webhook) $(if $(WATCHER_SRC),$(BUILD)/gastown-watcher) \
	$(if $(CERTS_MAIN),$(BUILD)/gastown-certs)

all: $(PROGRAMS) ## build the programs into build/

$(BUILD)/liblib.a: $(call objects,$(LIB_SRC))
$(BUILD)/libinjector.a: $(call objects,$(INJECTOR_SRC))
$(BUILD)/libcatalogue.a: $(call objects,$(CATALOGUE_SRC))
$(BUILD)/libcerts.a: $(call objects,$(CERTS_SRC))
%.a:
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/gastown-inject: $(call objects,$(INJECT_SRC)) $(SHARED)
$(BUILD)/gastown-webhook: $(call objects,$(WEBHOOK_SRC)) $(SHARED)
$(BUILD)/gastown-webhook: LIBS = $(PKG_LIBS_webhook)
$(BUILD)/gastown-watcher: $(call objects,$(WATCHER_SRC)) $(SHARED)
$(BUILD)/gastown-certs: $(call objects,$(CERTS_MAIN)) $(BUILD)/libcerts.a $(BUILD)/liblib.a
$(BUILD)/gastown-inject $(BUILD)/gastown-webhook $(BUILD)/gastown-watcher $(BUILD)/gastown-certs:
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(PKG_LIBS) $(PKG_LIBS_curl) -lpthread

$(BUILD)/obj/%.o: %.c Makefile $(BUILD)/packages.mk
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(CCACHE) $(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# what prints the version is compiled again when that changes; nothing else is told of it
VERSIONED := $(call objects,$(shell grep -l GT_VERSION $(ALL_SRC) /dev/null))
$(VERSIONED): DEFINE_VERSION = -DGT_VERSION='"$(VERSION)"'
$(VERSIONED): $(BUILD)/version
$(BUILD)/version: always
	@mkdir -p $(@D); echo "$(VERSION)" | cmp -s - $@ || echo "$(VERSION)" >$@

-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d)

# ---- what must be installed ----

# Included above: make writes it first and starts over. Installs what is missing when it may (root, or sudo without a password), else
# prints the list and stops.
$(BUILD)/packages.mk: .ci/deps
	@mkdir -p $(@D) && .ci/deps build
	@{ echo "PKG_CFLAGS := $$(pkg-config --cflags $(PACKAGES))"; \
	   echo "PKG_LIBS := $$(pkg-config --libs openssl yaml-0.1)"; \
	   echo "PKG_LIBS_webhook := $$(pkg-config --libs libmicrohttpd gnutls)"; \
	   echo "PKG_LIBS_curl := $$(pkg-config --libs libcurl)"; } >$@

deps: ## install the Debian packages that are missing (deps-list: just print them)
	@.ci/deps
deps-list: ## the Debian packages that this needs, one a line
	@.ci/deps --list

# ---- unit tests ----

# main files join rooms and are no part of a test
TESTED_SRC := $(filter-out %/main.c,$(WEBHOOK_SRC) $(WATCHER_SRC)) certs/cli/options.c
$(BUILD)/unit: $(call objects,$(UNIT_SRC) $(TESTED_SRC)) $(SHARED)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS_webhook) $(PKG_LIBS) $(PKG_LIBS_curl) -lcjson -lcriterion -lpthread

include tests/tests.mk

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean: ## remove build/
	rm -rf build

always:

.PHONY: always all deps deps-list help clean
