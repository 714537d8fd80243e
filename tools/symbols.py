#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what the linker sees of a library of Cede: names begin with cede_ (public) or cd_ (internal), and no data is writable.

usage: tools/symbols.py [LIBRARY]
"""
import subprocess
import sys

# A signal handler gets no argument, so it finds its VM here; one atomic word each, see the comments at their definitions.
# libcrypto is opened once in a process, by whichever VM needs it first, and its functions' addresses are kept (modules/crypto.c).
WRITABLE = {"signal_owner", "fault_owner", "cd_crypto", "crypto_missing", "crypto_once"}
DATA_SECTIONS = (".data", ".bss", ".tdata", ".tbss")


def main():
    library = sys.argv[1] if len(sys.argv) > 1 else "build/libcede_core.a"
    table = subprocess.run(["objdump", "-t", library], capture_output=True, text=True, check=True).stdout
    wrong, public = [], 0
    for line in table.splitlines():
        place, _, rest = line.partition("\t")        # "address flags section", "size [.hidden] name"
        fields = place.split()
        if len(fields) < 3 or not rest:
            continue
        section, flags, name = fields[-1], place[17:24], rest.split()[-1]
        if section in DATA_SECTIONS and flags[6:7] == "O" and name.split(".")[0] not in WRITABLE:
            wrong.append(f"{name}: writable data ({section})")
        if flags[:1] in "gu!" and section != "*UND*":
            public += name.startswith("cede_")
            if not name.startswith(("cede_", "cd_")):
                wrong.append(f"{name}: neither cede_ nor cd_")
    print("\n".join(sorted(set(wrong))) or f"{public} public names, no other names without cd_, no writable data")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
