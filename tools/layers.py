#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that every file in src/ includes only its own layer and earlier ones, and prints how the layers lean on each other.

usage: tools/layers.py [-q]        exit 1 names each include that points upward
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ["base", "core", "objects", "bytecode", "frontend", "vm", "coro", "loop", "modules", "api", "cli"]
RANK = {layer: i for i, layer in enumerate(LAYERS)}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')

# Headers of libraries that one layer alone may name: the rest of the tree meets the library through that layer's functions.
OWNED_HEADERS = {"uv.h": {"loop"}, "cede.h": {"api", "cli"}}

# The one place where two layers meet both ways: the evaluation loop resumes generators without leaving itself, so it knows their struct and the
# functions that keep chains of delegation.
MEETING = {("vm", "coro/generator.h")}


def includes(path):
    """(line number, header) of each include of a file."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(2)


def main():
    edges, wrong = collections.Counter(), []
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".c", ".h", ".def"):
            continue
        layer = path.relative_to(ROOT / "src").parts[0]
        for number, header in includes(path):
            where = f"{path.relative_to(ROOT)}:{number}"
            owners = OWNED_HEADERS.get(header)
            if owners and layer not in owners:
                wrong.append(f"{where}: <{header}> belongs to {' and '.join(sorted(owners))}")
            target = header.split("/")[0]
            if "/" not in header or target not in RANK:
                continue
            edges[layer, target] += 1
            if RANK[target] > RANK[layer] and (layer, header) not in MEETING:
                wrong.append(f"{where}: {layer} includes {header}, which lies above it")
            elif layer == "cli":
                wrong.append(f"{where}: cli uses include/cede.h only")
    if "-q" not in sys.argv[1:]:
        for layer in LAYERS:
            below = ", ".join(f"{to} {count}" for to in LAYERS if (count := edges[layer, to]) and to != layer)
            print(f"{layer:9} <- {below or 'nothing'}")
    print("\n".join(wrong) or "every include points down")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
