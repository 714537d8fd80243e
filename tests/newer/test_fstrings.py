# PEP 701: f-strings that hold any expression
names = ["a", "b"]
width, value = 10, 3.14159
print(f"{', '.join(names)}", f"{", ".join(names)}", f"{names[0]}{f"{names[1]}"}")
print(f"{f"{f"{f"{1 + 1}"}"}"}", f"{'\n'.join(names)}", f"{"\t".join(names)!r}")
print(f"{value:{width}.{2 + 1}f}|", f"{value:{f"{width}"}.{"2"}f}|", f"{value!r:>{width}}|", f"{value = }", f"{value=!s:>{width}}", f"{ value   =   :.2f}")
print(f"{
    names[0]  # a comment
    + "#"
}", f'''{
    names
    [1]}''')
print(f"{ {'k': 1}["k"] }", f"{(lambda x: x * 2)(4)}", f"{(x := 5)}", f"{x:=^{width}}", f"{{}}", f"{{{x}}}", f"{x!s}", rf"\{x}\n", f"\{x}" if False else "")
print(f"{[f"{n!r}" for n in names]}", f"{names if x else "no"}", f"{x if x > 1 else f"{x}"}", f"{'a' "b" 'c'}", f"{"""triple"""}")
print(f"{x:%H:%M}" if False else "", f"{*names, 1}", f"{x,}", f"{yes if (yes := True) else 0}", f"{1:{"{"}>5}", f"{b"x"!a}")
