#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# make_ssl_errors.py: tables of OpenSSL's error names, from the macros in its headers
"""Usage: make_ssl_errors.py INCLUDE_FOLDER [INCLUDE_FOLDER ...] OUTPUT_FOLDER

Writes ssl_error_names.h. The folders hold openssl/*.h."""
import glob
import os
import re
import sys

LIBRARY = re.compile(r"^#\s*define\s+ERR_LIB_([A-Z0-9_]+)\s+(\d+|\(0x[0-9a-fA-F]+\)|0x[0-9a-fA-F]+)", re.M)
REASON = re.compile(r"^#\s*define\s+([A-Z0-9_]+?)_R_([A-Z0-9_]+)\s+(\d+)\s*(?:/\*.*)?$", re.M)


def main(folders, output):
    texts = []
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(folder, "openssl", "*.h"))):
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
    everything = "\n".join(texts)
    libraries = {name: int(number.strip("()"), 0) for name, number in LIBRARY.findall(everything) if name not in ("MASK", "OFFSET")}
    if "SSL" not in libraries:
        sys.exit("make_ssl_errors.py: no OpenSSL headers in " + " ".join(folders))
    reasons = {}
    for prefix, name, number in REASON.findall(everything):
        if prefix in libraries:
            reasons.setdefault((libraries[prefix], int(number)), name)
    lines = ["// made by tools/make_ssl_errors.py from OpenSSL's headers",
             "typedef struct SslReasonName { int library, reason; const char *name; } SslReasonName;",
             "static const struct { int number; const char *name; } ssl_library_names[] = {"]
    lines += ['  {%d, "%s"},' % (number, name) for name, number in sorted(libraries.items())]
    lines += ["};", "static const SslReasonName ssl_reason_names[] = {"]
    lines += ['  {%d, %d, "%s"},' % (*key, reasons[key]) for key in sorted(reasons)]
    lines += ["};", ""]
    with open(os.path.join(output, "ssl_error_names.h"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1:-1], sys.argv[-1])
