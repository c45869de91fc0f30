"""The town that cluster tests play: its templates, its agents, and the programs under test.

    templates/                 what an operator would write
    agents                     who, and the three ways their pods come into being
    pods                       are these the same pod?
    mutants                    and can that question be answered with no?
    programs                   gastown-webhook, gastown-watcher and gastown-inject as child processes
    live                       a town whose templates live in the cluster; replica: one of its webhooks; objects: its
                               templates, and what is said about them
    faults                     a way to the API server that can be made bad
"""
