"""Reads models/<service>.ops: which operations are served, which input members are refused. See codegen/README.md."""

import re
import sys


class Ops:
    """operations: served names, in file order; lines: name -> (refused members, only members or None)."""

    def __init__(self, path):
        self.path = path
        self.settings = {}
        self.lines = {}
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        for number, raw in enumerate(lines, 1):
            words = raw.split("#", 1)[0].split()
            if not words:
                continue
            if words[0].startswith("!"):
                self.settings[words[0][1:]] = words[1:]
                continue
            name, marks = words[0], words[1:]
            bad = [w for w in [name] if not re.fullmatch(r"\w+", w)] + [w for w in marks if not re.fullmatch(r"[-+]\w+", w)]
            if bad:
                sys.exit(f"{path}:{number}: '{bad[0]}' is not a name or a -Member or +Member")
            refused, only = self.lines.setdefault(name, ([], []))
            refused += [w[1:] for w in marks if w[0] == "-"]
            only += [w[1:] for w in marks if w[0] == "+"]

    def setting(self, name, otherwise=""):
        return " ".join(self.settings.get(name, [])) or otherwise
