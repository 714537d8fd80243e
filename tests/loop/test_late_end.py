# SPDX-License-Identifier: MIT
# A loop that something holds until modules are emptied: its end says what -W asks for, and nothing else.
import subprocess
import sys

PROGRAM = """
import asyncio, sys, warnings
sys.held = asyncio.events
asyncio.set_event_loop(asyncio.new_event_loop())
asyncio.get_event_loop_policy().get_event_loop().run_until_complete(asyncio.sleep(0))
print("over", flush=True)
"""
for options in [], ["-Werror::DeprecationWarning"], ["-Wignore"]:
    done = subprocess.run([sys.executable, *options, "-c", PROGRAM], capture_output=True, text=True)
    print(options, done.returncode, done.stdout, done.stderr)
