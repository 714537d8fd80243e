# SPDX-License-Identifier: MIT
"""A command line program made with click: sub-commands, options of all kinds, help, and the errors it reports."""
from both import HERE, compare, need

need("click")
CALLS = """\
|--help|--version|list --help|add --help|add|add 3 4|add --times 2 3 4.5|add x|add --times x 1|add --times 11 1|remote --help|remote add origin url
remote add --force origin url|remote remove|remote nosuch|nosuch|lst|--verbose -v -vv list --sort size --limit 2|list --sort colour|list --tag a --tag b c d
list --no-header --since 2020-01-02|list --since yesterday|list --pair 1 x|list --pair 1|--config /nonexistent list|--config {own} list|greet
greet --name Ada --shout|greet --name "" |read -|read {own}|read /nonexistent|fail|abort|exit 3|style|progress|table|env|--unknown|list --limi 3
pass-through -- -x --y z|complete"""

calls = [call.split() for line in CALLS.splitlines() for call in line.split("|")]
program = HERE / "work/click_commands.py"


for call in calls:
    compare([program, *(word.replace("{own}", str(HERE / "work/click_input.txt")) for word in call)], errors_too=True, text=b"Grace\nsecret\ny\n",
            env={"TOOL_ENV_LEVEL": "7", "_TOOL_COMPLETE": "bash_complete" if call == ["complete"] else "", "COMP_WORDS": "tool re", "COMP_CWORD": "1"})
print(len(calls), "calls")
