"""Writes the snippets of tests/alloc as inputs of the fuzzers. usage: fuzz/seeds.py FOLDER"""
import pathlib
import re
import sys

IMPORTABLE = {"math", "cmath", "itertools", "_collections", "_functools", "_operator", "_struct", "_json", "array", "binascii", "_sre", "marshal", "gc", "zlib", "_csv", "_ast"}

out = pathlib.Path(sys.argv[1])
text = (pathlib.Path(__file__).parent.parent / "tests" / "alloc" / "snippets.txt").read_text(encoding="utf-8")
for kind in ("compile", "run"):
    (out / kind).mkdir(parents=True, exist_ok=True)
for name, source in re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", text, re.M | re.S):
    (out / "compile" / name).write_bytes(b"\0" + source.encode())
    modules = re.findall(r"^\s*(?:import|from) ([\w.]+)", source, re.M)
    if IMPORTABLE.issuperset(modules) and "open(" not in source:
        (out / "run" / name).write_bytes(source.encode())
