# SPDX-License-Identifier: MIT
"""python3-websockets: 100,000 messages between a server and clients on loopback."""
import shutil
import sys

from both import HERE, compare, need

need("websockets")
if not shutil.which("openssl"):
    print("skip: there is no openssl program")
    sys.exit(77)
compare([HERE / "work/websockets_exchange.py"], errors_too=True, timeout=400)
