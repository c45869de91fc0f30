/* Coding agents: the runtimes and model providers that a template's `agent` block names, as tables. The commands are those that Gas
 * Town's own presets start (gastown, internal/config/agents.go). */
#ifndef GT_INJECTOR_AGENTS_H
#define GT_INJECTOR_AGENTS_H

#include "lib/base/str.h"

/* clang-format off: a table */
/*    name           command     argument                          variable and value that it needs */
#define GT_RUNTIMES(X)                                                                                                 \
    X("claude-code", "claude", "--dangerously-skip-permissions", NULL, NULL)                                           \
    X("opencode", "opencode", NULL, "OPENCODE_PERMISSION", "{\"*\":\"allow\"}")                                        \
    X("custom", NULL, NULL, NULL, NULL)

/*    name         its key               endpoint              model; the first is what no provider means */
#define GT_PROVIDERS(X)                                                                                                \
    X("anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL")                                       \
    X("litellm", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL")                                      \
    X("openai", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")                                                   \
    X("ollama", NULL, "OLLAMA_HOST", "OLLAMA_MODEL")
/* clang-format on */

typedef struct gt_runtime {
    const char *name;
    const char *command, *argument; /* NULL: the image's own */
    const char *variable, *value;   /* NULL: none */
} gt_runtime;

typedef struct gt_provider {
    const char *name;
    const char *key, *endpoint, *model; /* names of variables; key NULL: it needs none */
} gt_provider;

enum { GT_RUNTIME_COUNT = 3, GT_PROVIDER_COUNT = 4 };
extern const gt_runtime gt_runtimes[GT_RUNTIME_COUNT];
extern const gt_provider gt_providers[GT_PROVIDER_COUNT];

/* NULL: no such runtime (an empty name, too). */
const gt_runtime *gt_runtime_of(gt_str name);

/* The first for an empty or unknown name. */
const gt_provider *gt_provider_of(gt_str name);

#endif
