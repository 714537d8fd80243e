# SPDX-License-Identifier: MIT
# warnings and unraisable errors as they are printed
import _warnings, sys
_warnings.warn("hello there")
_warnings.warn("dep", DeprecationWarning)
def ww(): _warnings.warn("level 2", stacklevel=2)
ww(); ww()
_warnings.warn("far", stacklevel=50)
_warnings.warn_explicit("explicit", UserWarning, "nofile.py", 7)
_warnings.warn_explicit("explicit", UserWarning, "nofile.py", 7, "mod", {})
class U:
    def __del__(self): raise ValueError("in del")
U()
def t(*a, **k):
    try: _warnings.warn(*a, **k)
    except BaseException as e: print(type(e).__name__, e)
t("x", 3); t("x", int); t("x", None, "a"); t(UserWarning("w"), 3); t()
_warnings.filters.insert(0, ("error", None, Warning, None, 0)); _warnings._filters_mutated()
t("raised"); t(ResourceWarning("r"))
_warnings.filters[0] = ("bogus", None, Warning, None, 0); _warnings._filters_mutated()
t("q")
