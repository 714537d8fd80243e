# SPDX-License-Identifier: MIT
"""usage: pygments_html.py PART PARTS: highlights each PARTSth .py file of the standard library and prints the digests of the pages."""
import hashlib
import os
import pathlib
import sys

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

part, parts = map(int, sys.argv[1:])
library = pathlib.Path(os.__file__).parent
for path in sorted(library.glob("**/*.py"))[part::parts]:
    page = highlight(path.read_bytes(), PythonLexer(encoding="guess"), HtmlFormatter(encoding="utf-8", full=True, linenos="table"))
    print(path.relative_to(library), len(page), hashlib.sha256(page).hexdigest())
