# SPDX-License-Identifier: MIT
"""usage: docutils_pages.py WRITER FILE: prints what docutils makes of a file; its complaints go to the error output."""
import sys

from docutils.core import publish_string

writer, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    page = publish_string(file.read(), source_path="text.rst", writer_name=writer,
                          settings_overrides={"input_encoding": "unicode", "output_encoding": "utf-8", "datestamp": None, "halt_level": 5})
sys.stdout.buffer.write(page)
