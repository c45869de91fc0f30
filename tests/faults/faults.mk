# malloc failing at each allocation in turn; included by tests/tests.mk. A build of its own, in which each allocation of an arena is one of
# malloc (as in build/asan). gcc: allocator.c says how AddressSanitizer is reached.

FAULTS := BUILD=build/faults CC=gcc OPTIMIZE="-O1 -g" CFLAGS=-DGT_ARENA_EACH
FAULTS_SRC := $(wildcard tests/faults/*.c)

$(BUILD)/faults: $(call objects,$(FAULTS_SRC)) $(SHARED)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) $(PKG_LIBS_curl) -lpthread
