# Where mistakes in patterns are reported
for s in ["match x:\n case ([a, b] as a): 1","match x:\n case A(a, b=(c as a)): 1","match x:\n case {'k': a, **a}: 1","match x:\n case [a, *a]: 1","match x:\n case A(a, [b, c], a): 1", "match x:\n case {'a':1, 'b':[c, d], 'a':2}: 1","match x:\n case [*a, *b]: 1","match x:\n case A(x=1, y=[b,c], x=2): 1","match x:\n case [b, c, *b]: 1","match x:\n case {1: [b, c], **b}: 1"]:
    try: compile(s,"f","exec")
    except SyntaxError as e: print(s.split("case")[1], e.msg, e.lineno, e.offset, e.end_lineno, e.end_offset)
