"""Contexts share their variables as long as they agree: copies at any time, thousands of variables, removal in any order."""
import contextvars
import gc
import random
import weakref

random.seed(3)
variables = [contextvars.ContextVar(f"v{i}") for i in range(3000)]
expected, tokens, copies = {}, [], []


def check(context, content):
    assert len(context) == len(content), (len(context), len(content))
    assert {v: context[v] for v in context} == content
    assert dict(context.items()) == content
    assert sorted(context.values()) == sorted(content.values())


def work():
    for step in range(20000):
        variable = random.choice(variables)
        if random.random() < 0.6 or not tokens:
            tokens.append((variable, variable.set(step), expected.get(variable)))
            expected[variable] = step
        else:
            variable, token, old = tokens.pop()
            variable.reset(token)
            if old is None:
                del expected[variable]
            else:
                expected[variable] = old
        if step % 1500 == 0:
            copies.append((contextvars.copy_context(), dict(expected)))
    check(contextvars.copy_context(), expected)
    while tokens:
        variable, token, old = tokens.pop()
        variable.reset(token)
    print("left", len(contextvars.copy_context()))


contextvars.Context().run(work)
for context, content in copies:
    check(context, content)
print("copies", len(copies), "kept what they had")

# Equality is by content.
a, b = contextvars.Context(), contextvars.Context()
for variable in variables[:100]:
    a.run(variable.set, variable.name)
for variable in reversed(variables[:100]):
    b.run(variable.set, "".join(list(variable.name)))
print(a == b, a != b, a == a.copy(), hash(a) == hash(b) and a is not b)
b.run(variables[5].set, None)
print(a == b, variables[5] in b, b.get(variables[5], 1), b.get(variables[200], 1))

# A copy is not touched by what the original does afterwards, nor by an iteration in progress.
shared = a.copy()
seen = iter(a.items())
first = next(seen)
a.run(variables[0].set, "other")
print(shared[variables[0]], a[variables[0]], len(list(seen)), first[0] in a)


# Cycles through contexts are collected; values go when the last context that has them does.
class Thing:
    pass


context, thing = contextvars.Context(), Thing()
thing.context = context
for variable in variables[:40]:
    context.run(variable.set, thing)
gone = weakref.ref(thing)
del context, thing
gc.collect()
print("gone", gone() is None)


class Watch:
    def __init__(self, variable):
        self.variable = variable

    def __del__(self):
        print("del sees", self.variable.get("nothing"))


def replace():
    variable = variables[7]
    token = variable.set("first")
    variable.set(Watch(variable))
    variable.reset(token)
    variable.set(Watch(variable))
    variable.set("last")


contextvars.Context().run(replace)
