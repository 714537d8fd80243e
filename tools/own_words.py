#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""own_words.py [CEDE]: the texts of this project are its own.

Compares the docstrings of the native modules, types and methods with those of the installed reference, and the docstrings and comments of
lib/ with those of the installed library, and the code of lib/ too. A sentence of seven words or more that stands in both is a fault, and so is a
passage of four lines. Signatures do not count, nor the
abstract grammar that the docstrings of the node classes in _ast spell out.
"""

import ast
import difflib
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tokenize

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REFERENCE = "/usr/bin/python3"
WORDS = 7
PASSAGE = 4                                      # lines

# What the library's own tests compare word by word.
DEMANDED = {"the real part of a complex number", "the imaginary part of a complex number"}

# Runs under both interpreters: {path: docstring} of what is native.
COLLECT = r"""
import importlib, json, sys, types
found, seen = {}, set()

def native(thing):
    if isinstance(thing, types.ModuleType):
        return getattr(thing, "__file__", None) is None
    return not isinstance(thing, (types.FunctionType, property)) and "/" not in getattr(sys.modules.get(
        getattr(thing if isinstance(thing, type) else type(thing), "__module__", "")), "__file__", "")

def collect(path, thing, depth):
    if id(thing) in seen or not native(thing):
        return
    seen.add(id(thing))
    text = getattr(thing, "__doc__", None)
    if isinstance(text, str):
        found[path] = text
    if depth and isinstance(thing, (type, types.ModuleType)):
        for name, member in list(vars(thing).items()):
            if name not in ("__doc__", "__spec__", "__loader__"):
                collect(f"{path}.{name}", member, depth - 1)

async def sample():
    yield
coroutine = sample().asend(None)
coroutine.close()
collect("types", types, 0)
for kind in (type(len), type(sample), type(sample.__code__), types.GeneratorType, types.CoroutineType, type(sample()), type(coroutine),
             types.MappingProxyType, type(int.__add__), type("".join), types.FrameType, types.TracebackType, types.CellType):
    collect(f"types.{kind.__name__}", kind, 1)
for name in sys.argv[1].split():
    try:
        module = importlib.import_module(name)
    except ImportError:
        continue
    collect(name, module, 3)
json.dump(found, sys.stdout)
"""


def sentences(text):
    for sentence in re.split(r"(?<=[.:;])\s+", " ".join(text.split())):
        if len(sentence.split()) >= WORDS and sentence not in DEMANDED:
            yield sentence


def native_names():
    with open(os.path.join(ROOT, "src/modules/modules.def")) as lines:
        return re.findall(r'^NATIVE_MODULE\(\w+, "([^"]+)"', lines.read(), re.M)


def docstrings(program):
    out = subprocess.run([program, "-S", "-c", COLLECT, " ".join(native_names())], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


def texts(path):
    """Docstrings and comments of a Python file, neighbouring comment lines joined. (Messages are the reference's on purpose.)"""
    with open(path, "rb") as file:
        source = file.read()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""
    comment = []
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            comment.append(token.string.lstrip("#"))
        elif token.type not in (tokenize.NL, tokenize.NEWLINE) and comment:
            yield " ".join(comment)
            comment = []


def python_files(folder):
    for place, _, names in os.walk(folder):
        yield from (os.path.join(place, name) for name in sorted(names) if name.endswith(".py"))


def code_lines(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return [line for line in lines if line and not line.startswith("#")]


def same_code(ours, theirs):
    """Runs of lines that stand in both files. Attributes that programs look at have to bear the same names; whole passages need not be alike."""
    if not os.path.exists(theirs):
        return
    a, b = code_lines(ours), code_lines(theirs)
    for block in difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
        lines = a[block.a:block.a + block.size]
        declared = all(line.startswith(("def ", "async def ", "class ", "@", "pass", "raise NotImplementedError")) for line in lines)
        if block.size >= PASSAGE and sum(map(len, lines)) >= 100 and not declared:
            yield " / ".join(lines)


def main():
    cede = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/cede")
    known = {s for text in docstrings(REFERENCE).values() for s in sentences(text)}
    faults = [(path, s) for path, text in sorted(docstrings(cede).items()) if not path.startswith("_ast.")
              for s in sentences(text) if s in known]
    lib = os.path.join(ROOT, "lib")
    if os.path.isdir(lib):
        stdlib = sysconfig.get_path("stdlib", vars={"installed_base": "/usr"})
        for package in sorted(os.listdir(lib)):
            theirs = os.path.join(stdlib, package)
            known = {s for path in python_files(theirs) for text in texts(path) for s in sentences(text)}
            faults += [(os.path.relpath(path, ROOT), s) for path in python_files(os.path.join(lib, package)) for text in texts(path)
                       for s in sentences(text) if s in known]
            for path in python_files(os.path.join(lib, package)):
                twin = os.path.join(theirs, os.path.relpath(path, os.path.join(lib, package)))
                faults += [(os.path.relpath(path, ROOT), f"the same code: {passage}") for passage in same_code(path, twin)]
    for path, sentence in faults:
        print(f"{path}: {sentence}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
