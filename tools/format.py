#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Wraps what is too long: each statement with a line of more than 140 columns is laid out anew by clang-format.

usage: tools/format.py [--check] [FILE ...]     all of src/ and include/ without names; --check only lists, and exits with 1

The rest is left as its author laid it out: tables keep their columns, comments their places.
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 140


def long_lines(path):
    return [number for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > LIMIT]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    files = args.files or sorted(p for folder in ("src", "include") for p in (ROOT / folder).rglob("*.[ch]"))
    found = 0
    for path in files:
        numbers = long_lines(path)
        if numbers and not args.check:
            subprocess.run(["clang-format", "-i", *(f"--lines={n}:{n}" for n in numbers), path], check=True)
            numbers = long_lines(path)
        found += len(numbers)
        for number in numbers:
            print(f"{path}:{number}: longer than {LIMIT} columns")
    return bool(found) and args.check


if __name__ == "__main__":
    sys.exit(main())
