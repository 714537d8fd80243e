"""Attributes that are made when they are first asked for look as if they had always been there."""
import sys
import _io
import subprocess

PROGRAMS = [
    "import sys; print('math' in sys.stdlib_module_names, type(sys.stdlib_module_names).__name__)",
    "import sys; print('stdlib_module_names' in dir(sys), 'stdlib_module_names' in vars(sys), hasattr(sys, 'nonsense'))",
    "import sys; del sys.stdlib_module_names; print(hasattr(sys, 'stdlib_module_names'))",
    "import sys; sys.stdlib_module_names = 1; print(hasattr(sys, 'none'), vars(sys)['stdlib_module_names'])",
    "from sys import *; print(len(stdlib_module_names) > 200)",
    "import _io; print(_io.UnsupportedOperation.__mro__, _io.UnsupportedOperation is _io.UnsupportedOperation)",
    "import _io\ntry: _io.IOBase().fileno()\nexcept AttributeError: print('no')\n"
    "try: _io.BytesIO().fileno()\nexcept ValueError as e: print(type(e), type(e) is _io.UnsupportedOperation, e)",
    "import _io; print(sorted(n for n in vars(_io) if n[0] != '_' and n != 'SEEK_SET')[:6])",
]
for program in PROGRAMS:
    for flags in ["-I", "-S"], ["-I"]:
        done = subprocess.run([sys.executable, *flags, "-c", program], capture_output=True, text=True)
        print(done.returncode, done.stdout.strip(), done.stderr.strip().splitlines()[-1:])

# struct sequences
for value in sys.version_info, sys.flags, sys.float_info, sys.hash_info, sys.thread_info:
    kind = type(value)
    print(kind.__name__, kind.n_fields, kind.n_sequence_fields, kind.n_unnamed_fields, kind.__match_args__[:3], kind.__base__, len(value))
    print(value == tuple(value), value[0] == getattr(value, kind.__match_args__[0]), "__struct_fields__" in vars(kind))
    try:
        print(type(kind(tuple(value))) is kind)
    except TypeError as error:
        print(error)
import time
import os
moment = time.gmtime(0)
print(moment, moment.__reduce__(), moment.tm_zone, time.struct_time.n_fields)
print(time.struct_time(range(9), {"tm_zone": "X"}).tm_zone, os.stat_result.n_unnamed_fields)
match moment:
    case time.struct_time(1970, month):
        print(month)
