# SPDX-License-Identifier: MIT
"""Compiles the modules of a folder into a C table (src/modules/frozen.h). Run by a program that has no frozen modules yet, and no library:

    cede -I -S tools/freeze.py OUTPUT.c FOLDER FILE...

Each FILE is a source below FOLDER. An output that would not change is left alone, so that nothing is built again because of it.
"""
import marshal
import sys

MARSHAL_HEAD = 5                                     # 'c' and four bytes of length, before what cd_code_dump made


def module_name(folder, path):
    parts = path[len(folder):].strip("/").removesuffix(".py").split("/")
    package = parts[-1] == "__init__"
    return ".".join(parts[:-1] if package else parts), package


def literal(data):
    """C text of bytes, in lines of 64."""
    lines = []
    for start in range(0, len(data), 64):
        lines.append('"' + "".join(f"\\{byte:03o}" for byte in data[start:start + 64]) + '"')
    return "\n  ".join(lines)


def compiled(folder, path):
    name, package = module_name(folder, path)
    with open(path, encoding="utf-8") as file:
        source = file.read()
    code = compile(source, f"<frozen {name}>", "exec", dont_inherit=True, optimize=0)
    return name, package, marshal.dumps(code)[MARSHAL_HEAD:]


def main(output, folder, *paths):
    modules = sorted(compiled(folder, path) for path in paths)
    text = ["// Made by tools/freeze.py.", '#include "modules/frozen.h"', ""]
    for number, (name, _, data) in enumerate(modules):
        text.append(f"static const char frozen_{number}[{len(data) + 1}] =  // {name}\n  {literal(data)};")
    text += ["", "const FrozenModule cd_frozen_modules[] = {"]
    for number, (name, package, data) in enumerate(modules):
        text.append(f'  {{"{name}", frozen_{number}, {len(data)}, {"true" if package else "false"}}},')
    text += ["  {0},", "};", ""]
    text = "\n".join(text)
    try:
        with open(output, encoding="utf-8") as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)


main(*sys.argv[1:])
