"""Errors in fields of f-strings within fields, which are lexed apart from the line that they stand in."""
SOURCES = (
    b"result = f'{name!r:>6}|{v:me:^7}|{f\"{\x01}\"}'",
    b"f'{f\"{\x01}\"}'",
    b"x = 1\nf'''a\n{f\"{\x01}\"}'''",
    b"very_long_name_before_the_string = f'{f\"{1 $ 2}\"}'",
    b"very_long_name_before_the_string = f'{f\"{0777}\"}' + 1",
    b"f'{a['b']}{1and c}'\nx = 'y",               # a doubtful number where the lexer only tries whether quotes may be nested
    b"x = (\nf'{a['b']}{1and c}'",
)
for source in SOURCES:
    try:
        compile(source, "file.py", "exec")
    except SyntaxError as error:
        print(error, error.lineno, error.offset, repr(error.text))
