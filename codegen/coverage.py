#!/usr/bin/env python3
"""Writes docs/coverage.md from models/: per service, the operations served, those that AWS has beside them, and the
input members that are refused. `--check` writes nothing and fails if the page is not what it would write."""

import json
import os
import sys

from ops import Ops

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "coverage.md")


def services():
    return sorted(f[:-4] for f in os.listdir(os.path.join(ROOT, "models")) if f.endswith(".ops"))


def describe(service):
    ops = Ops(os.path.join(ROOT, "models", service + ".ops"))
    with open(os.path.join(ROOT, "models", service + ".json"), encoding="utf-8") as f:
        facts = json.load(f)
    every = set(facts["operations"]) | set(facts["unserved"])
    served = sorted(n for n in ops.lines if n in every)
    head = f"| {facts['service'].get('serviceId', service)} | {len(served)} | {len(every)} |"
    lines = [f"## {facts['service'].get('serviceId', service)}", ""]
    for name in served:
        refused, only = ops.lines[name]
        note = ""
        if refused:
            note = " (refused: " + ", ".join(f"`{m}`" for m in sorted(refused)) + ")"
        if only:
            note = " (only: " + ", ".join(f"`{m}`" for m in sorted(only)) + ")"
        lines.append(f"- {name}{note}")
    shapes = [(n, r) for n, (r, _) in ops.lines.items() if n not in every and r]
    if shapes:
        lines += ["", "Refused wherever they come in:", ""]
        lines += [f"- {name}: " + ", ".join(f"`{m}`" for m in sorted(r)) for name, r in sorted(shapes)]
    missing = sorted(every - set(served))
    lines += ["", f"<details><summary>{len(missing)} operations that are not served</summary>", "", ", ".join(missing), "", "</details>", ""]
    return head, lines


def page():
    heads, bodies = zip(*(describe(s) for s in services()))
    return "\n".join([
        "# What is served", "",
        "Made by `codegen/coverage.py` from `models/`. An operation that is not served answers so in the client's protocol; a",
        "refused member is answered with an error that names it, unless its value asks for nothing. The pages in",
        "`docs/services/` say where the served ones differ from AWS.", "",
        "| service | operations served | operations that AWS has |", "|---|---|---|", *heads, "",
        *[line for body in bodies for line in body]])


def main():
    if "--check" not in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(page())
        return
    with open(PAGE, encoding="utf-8") as f:
        fresh = f.read() == page()
    if not fresh:
        sys.exit("docs/coverage.md is stale: run codegen/coverage.py")


if __name__ == "__main__":
    main()
