"""Views of dicts: set operations, comparisons, representation."""


def show(source, scope=globals()):
    """Prints what an expression gives, or what it raises."""
    try:
        text = repr(eval(source, scope))
    except BaseException as error:
        text = type(error).__name__ + ": " + str(error)
    print(source, "->", text.split(" at 0x")[0])


d = {1: "a", 2: "b", 3: "c"}
e = {2: "b", 3: "x", 4: "d"}
scope = {"d": d, "e": e, **{k: v for k, v in __builtins__.__dict__.items()}}
for source in """d.keys() & e.keys() ; d.keys() | e.keys() ; d.keys() - e.keys() ; d.keys() ^ e.keys() ; d.items() & e.items() ; sorted(d.items() | e.items()) ; sorted(d.items() - e.items()) ; sorted(d.items() ^ e.items()) ;
d.keys() & [1, 5] ; [1, 5] & d.keys() ; {1, 5} & d.keys() ; [1, 5] | d.keys() ; {1, 9} - d.keys() ; (1, 9) - d.keys() ; d.keys() - (1,) ; d.keys() ^ (1, 9) ; d.keys() & 5 ; d.keys() | 5 ; d.values() | {1} ; d.keys() == {1, 2, 3} ; d.keys() == [1, 2, 3] ;
d.keys() != e.keys() ; d.keys() < {1, 2, 3, 4} ; d.keys() <= {1, 2, 3} ; d.keys() > {1} ; d.keys() >= e.keys() ; d.items() == set(d.items()) ; d.keys() < [1] ; d.values() == d.values() ; (1, "a") in d.items() ; (1, "b") in d.items() ; 1 in d.items() ; (1,) in d.items() ; ([], 1) in d.items() ;
1 in d.keys() ; "a" in d.values() ; len(d.values()) ; d.keys().isdisjoint([7]) ; d.keys().isdisjoint(e) ; d.items().isdisjoint([(1, "a")]) ; d.keys().isdisjoint(5) ; hash(d.keys()) ; hash(d.items()) ; hash(d.values()) != 0 ; d.keys() ; d.values() ; d.items() ; d.keys().mapping ; type(d.keys().mapping) ;
list(reversed(d.keys())) ; list(reversed(d.values())) ; d.keys().foo ; type(d.keys())() ; d.keys() + d.keys() ; d.keys()[0] ; iter(d.keys()) ; d.items() <= e.items()""".split(" ;"):
    show(source.strip(), scope)
keys = d.keys()
d[9] = 1
print(keys, 9 in keys, len(keys))
