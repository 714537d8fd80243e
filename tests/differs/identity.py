# SPDX-License-Identifier: MIT
# Cede says what it is. Compiled modules are cached under its own tag, so that neither interpreter reads the other's.
# A way round: ask `sys.implementation.name`; the version numbers are those of the language and of the library, the same for both.
import platform
import sys

print(sys.implementation.name, sys.implementation.cache_tag, sys.version_info[:2])
print("Cede" in sys.version, platform.python_version_tuple()[:2])
# cede: cede cede-311 (3, 11)
# cede: True ('3', '11')
# python3: cpython cpython-311 (3, 11)
# python3: False ('3', '11')
