"""Reads models/<service>.ops: which operations are served, which input members are refused. See codegen/README.md."""

import re
import sys


class Ops:
    """lines: served names, in file order -> (refused members, only members or None); query, errors: what the query
    protocol calls things, of services whose published model is of another protocol."""

    def __init__(self, path):
        self.path = path
        self.settings = {}
        self.lines = {}
        self.query = {}  # "Shape.Member" -> [name]; "MapShape" -> [key's name, value's name]
        self.unchecked = set()  # shapes whose constraints the service checks itself, with better words
        self.errors = {}  # exception's name -> code
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        for number, raw in enumerate(lines, 1):
            words = raw.split("#", 1)[0].split()
            if not words:
                continue
            if words[0] == "=unchecked":
                self.unchecked |= set(words[1:])
                continue
            if words[0] in ("=", "=error"):
                (self.query if words[0] == "=" else self.errors)[words[1]] = words[2:]
                continue
            if words[0].startswith("!"):
                self.settings.setdefault(words[0][1:], []).extend(words[1:])
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
