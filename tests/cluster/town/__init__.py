"""The town that cluster tests play: its templates, its agents, and the programs under test.

    templates/, webhook.yaml   what an operator would write
    agents                     who, and the three ways their pods come into being
    pods                       are these the same pod?
    mutants                    and can that question be answered with no?
    programs                   gastown-webhook, gastown-watcher and gastown-inject as child processes
"""
