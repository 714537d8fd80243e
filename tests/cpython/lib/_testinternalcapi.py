"""Stand-in for CPython's C test helper: answers the one question that whole test files hang on."""


def get_config():
    """Settings that tests look at; Cede's code objects carry exact positions."""
    return {"code_debug_ranges": 1}
