# SPDX-License-Identifier: MIT
# Syntax of 3.12 to 3.14 that needs no new library is accepted: PEP 701 (f-strings), PEP 695 (type parameters), PEP 758 (except without
# parentheses). A way round: none is needed, unless a program counts on the SyntaxError.
def attempt(source):
    space = {}
    try:
        exec(source, space)
        print(space.get("result"))
    except SyntaxError:
        print("SyntaxError")


attempt("""result = f'{'a' + f'{'b'}'}'""")
attempt('''result = f"{
    1 + 1  # a comment
}"''')
attempt(r"""result = f'{"\n".join(["x"])}'""")
attempt("def f[T: int](x: T) -> T: return x\nresult = f(1)")
attempt("class C[T]: pass\nresult = C.__name__")
attempt("try: int('x')\nexcept KeyError, ValueError: result = 'caught'")
# cede: ab
# cede: 2
# cede: x
# cede: 1
# cede: C
# cede: caught
# python3: SyntaxError
# python3: SyntaxError
# python3: SyntaxError
# python3: SyntaxError
# python3: SyntaxError
# python3: SyntaxError
