# SPDX-License-Identifier: MIT
"""docutils makes HTML, LaTeX, a manual page and XML of a text in reStructuredText, and HTML of our README."""
from both import HERE, compare, need

need("docutils")
for writer in ("html5", "html4", "latex", "manpage", "xml", "pseudoxml"):
    compare([HERE / "work/docutils_pages.py", writer, HERE / "work/guide.rst"], errors_too=True)
compare([HERE / "work/docutils_pages.py", "html5", HERE.parent.parent / "README.md"], errors_too=True)
