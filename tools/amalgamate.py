#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the whole library as one source file, for hosts that build it with their own.

usage: tools/amalgamate.py FOLDER [-I GENERATED]      makes FOLDER/cede.c and FOLDER/cede.h

The layers come in their order, each header where it is first needed, each table (.def and the generated ones) at every place that
includes it. A name that is `static` in two files would clash here: names of statics are unique in the tree.
"""
import argparse
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ["base", "core", "objects", "bytecode", "frontend", "vm", "coro", "loop", "modules", "api"]
LOCAL = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
GUARD = re.compile(r"^#ifndef (CEDE_\w+_H)$", re.M)


class Amalgam:
    """Expands includes of the tree's own files; headers with a guard once, tables each time."""

    def __init__(self, folders):
        self.folders, self.done, self.lines = folders, set(), []

    def find(self, name, beside):
        for folder in (beside, *self.folders):
            if (folder / name).is_file():
                return folder / name
        raise SystemExit(f"{name}: not found, included from {beside}")

    def add(self, path):
        text = path.read_text()
        if path.suffix == ".h" and GUARD.search(text):
            if path in self.done:
                return
            self.done.add(path)
        self.lines.append(f"/* ---- {path.name} ---- */")
        for line in text.splitlines():
            match = LOCAL.match(line)
            if not match:
                self.lines.append(line)
            elif match.group(1) == "cede.h":
                self.lines.append('#include "cede.h"')
            else:
                self.add(self.find(match.group(1), path.parent))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("-I", dest="generated", type=pathlib.Path, default=ROOT / "build" / "generated")
    args = parser.parse_args()
    amalgam = Amalgam([ROOT / "src", args.generated])
    for layer in LAYERS:
        for path in sorted((ROOT / "src" / layer).glob("*.c")):
            amalgam.add(path)
    amalgam.add(args.generated / "frozen_modules.c")
    args.folder.mkdir(parents=True, exist_ok=True)
    head = ["/* SPDX-License-Identifier: MIT */", "/* cede.c: all of Cede in one file, made by tools/amalgamate.py; read the tree instead. */",
            "#ifndef _GNU_SOURCE", "#define _GNU_SOURCE", "#endif"]
    (args.folder / "cede.c").write_text("\n".join(head + amalgam.lines) + "\n")
    (args.folder / "cede.h").write_text((ROOT / "include" / "cede.h").read_text())


if __name__ == "__main__":
    main()
