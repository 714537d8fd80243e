# Which of several wrong arguments a method speaks of, and what it says of empty ones.


def say(call, *args, **keywords):
    try:
        print(repr(call(*args, **keywords)))
    except Exception as exc:
        print(type(exc).__name__, exc)


for method in "find", "rfind", "index", "rindex", "count":
    say(getattr("abc", method), [1], [2], 1)
    say(getattr("abc", method), "a", [2])
    say(getattr("abc", method), [1], 2)
say(str.maketrans, 1, 2)
say(str.maketrans, 1, "b")
say(str.maketrans, "a", "b", 3)
say(b"".decode, "no such codec")
say(bytearray().decode, "no such codec", "no such handler")
say(b"a".decode, "no such codec")
say(property().__set_name__, int, name="x")
say(property().__set_name__, int)
print(ExceptionGroup("g", [ValueError()]).__module__)
