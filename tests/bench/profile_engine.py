"""Where a review's instructions go in the engine: counted by callgrind, so that they're the same on a busy machine as on an idle one."""
import re
import subprocess
from pathlib import Path

WHOLE = "gt_envelope_run"
PARTS = (("reading the body", "gt_view_parse"), ("who it is", "gt_identity_read"), ("the hash of the template", "gt_resolve_hash"),
         ("what the pod must have", "gt_target_build"), ("of that the environment", "gt_env_build"), ("policy and profile", "gt_judge"),
         ("the patch as JSON", "gt_record_patch"), ("its base64", "gt_base64"))
WITHIN = ("gt_env_build",)  # counted in the row above it
REVIEWS = 20


def measure(inject, templates, review, folder):
    """-> [(part, instructions of one review)], the whole first. In a program that answers a few of them, by functions and all they call."""
    out = Path(folder) / "callgrind.out"
    subprocess.run(["valgrind", "-q", "--tool=callgrind", f"--toggle-collect={WHOLE}", f"--callgrind-out-file={out}", inject, "review", "-t", templates],
                   input=(review + "\n") * REVIEWS, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    listed = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", out], text=True, stdout=subprocess.PIPE, check=True).stdout
    counted = {}
    for instructions, name in re.findall(r"^\s*([\d,]+) \([^)]*\)\s+\S*?:(\w+)", listed, re.M):
        counted.setdefault(name, int(instructions.replace(",", "")) / REVIEWS)
    whole = counted[WHOLE]
    rows = [(part, counted[name]) for part, name in PARTS]
    rest = whole - sum(counted[name] for _, name in PARTS if name not in WITHIN)
    return [("a review", whole), *rows, ("walking the pod, and the rest", rest)]


def table(rows):
    whole = rows[0][1]
    lines = [f"| {part} | {count:,.0f} | {count / whole:.0%} |" for part, count in rows]
    return "\n".join(["| part | instructions | share |", "|---|---:|---:|", *lines])
