"""Compiles every module of the installed library; prints the seconds that took. With "lines": lines a second instead."""
import os
import sys
import warnings

warnings.simplefilter("ignore")
sources = []
for folder, folders, names in os.walk("/usr/lib/python3.11"):
    folders.sort()
    for name in sorted(names):
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb") as file:
                sources.append((file.read(), os.path.join(folder, name)))
start = os.times().user
for source, path in sources:
    try:
        compile(source, path, "exec")
    except (SyntaxError, ValueError):              # some of the library's tests are broken on purpose
        pass
seconds = os.times().user - start
print(sum(source.count(b"\n") for source, _ in sources) / seconds if "lines" in sys.argv else seconds)
