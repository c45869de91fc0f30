#!/usr/bin/env python3
"""compile_commands.json for editors and clang-tidy: compile_commands.py "COMPILER FLAGS" FILE... """
import json
import os
import shlex
import sys

flags = [f for f in shlex.split(sys.argv[1]) if not f.startswith("-DGT_VERSION")] + ['-DGT_VERSION="x"']
json.dump([{"directory": os.getcwd(), "file": f, "arguments": [*flags, "-c", f]} for f in sys.argv[2:]], sys.stdout, indent=1)
