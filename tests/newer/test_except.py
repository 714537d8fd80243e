# PEP 758: exception types without parentheses
def handle(error):
    try:
        raise error
    except ValueError, TypeError:
        return "first"
    except KeyError, (IndexError), OSError:
        return "second"
    except ZeroDivisionError:
        return "third"


for error in ValueError, TypeError, KeyError, IndexError, FileNotFoundError, ZeroDivisionError:
    print(error.__name__, handle(error()))

try:
    raise ExceptionGroup("g", [ValueError(1), TypeError(2), KeyError(3)])
except* ValueError, TypeError:
    print("values and types")
except* KeyError as group:
    print(group.exceptions)

for source in ["try: 1\nexcept A, B as c: 2", "try: 1\nexcept* A, B as c: 2", "try: 1\nexcept (A, B) as c: 2", "try: 1\nexcept A,: 2", "try: 1\nexcept A, B,: 2"]:
    try:
        compile(source, "file.py", "exec")
        print(repr(source), "compiles")
    except SyntaxError:
        print(repr(source), "is refused")
