/* SPDX-License-Identifier: MIT */
/* test_calls.c: a host that runs code, calls what it finds there, walks iterators, and takes exceptions */
#include "check.h"

static const char program[] =
  "def add(a, b=10): return a + b\n"
  "def count(n):\n"
  "  try:\n"
  "    for i in range(n): yield i\n"
  "    return 'over'\n"
  "  finally: closed.append(n)\n"
  "def fail(what): raise what\n"
  "closed = []\n"
  "class Point:\n"
  "  kind = 'point'\n"
  "  def __init__(self, x): self.x = x\n"
  "  def moved(self, by): return Point(self.x + by)\n"
  "  def __repr__(self): return f'<{self.x}>'\n";

static void calls(CedeVM *vm)
{
  CedeRef add = cede_get_global(vm, "add");
  CedeRef args[] = {cede_int(vm, 1), cede_int(vm, 2), cede_str(vm, "x", 1)};
  CHECK(repr_is(vm, cede_call(vm, add, args, 2), "3") && repr_is(vm, cede_call(vm, add, args, 1), "11"));
  CHECK(cede_failed(cede_call(vm, add, NULL, 0)) && raised_is(vm, "TypeError(\"add() missing 1 required positional argument: 'a'\")"));
  CHECK(cede_failed(cede_call(vm, add, args, 3)) && raised_is(vm, "TypeError('add() takes from 1 to 2 positional arguments but 3 were given')"));
  CHECK(cede_failed(cede_call(vm, args[0], NULL, 0)) && raised_is(vm, "TypeError(\"'int' object is not callable\")"));
  CedeRef type = cede_get_global(vm, "Point"), point = cede_call(vm, type, args, 1), moved = cede_getattr(vm, point, "moved");
  CHECK(repr_is(vm, cede_call(vm, moved, args, 2 - 1), "<2>"));
  CHECK(cede_setattr(vm, point, "x", args[2]) && repr_is(vm, cede_dup(point), "<x>"));
  CHECK(text_is(vm, cede_getattr(vm, point, "kind"), "point"));
  CHECK(cede_failed(cede_getattr(vm, point, "y")) && raised_is(vm, "AttributeError(\"'Point' object has no attribute 'y'\")"));
  CHECK(!cede_setattr(vm, args[0], "y", args[1]) && raised_is(vm, "AttributeError(\"'int' object has no attribute 'y'\")"));
  CHECK(cede_failed(cede_get_global(vm, "nothing")) && raised_is(vm, "NameError(\"name 'nothing' is not defined\")"));
  CedeRef all[] = {add, type, point, moved, args[0], args[1], args[2]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) cede_drop(vm, all[i]);
}

static void iterators(CedeVM *vm)
{
  bool done;
  CedeRef generator = cede_eval(vm, "count(3)"), item;
  int64_t sum = 0, number;
  while (!cede_failed(item = cede_next(vm, generator, &done))) {
    CHECK(!done && cede_to_int(vm, item, &number));
    sum += number;
    cede_drop(vm, item);
  }
  CHECK(done && !cede_raised(vm) && sum == 3);
  CHECK(cede_failed(cede_next(vm, generator, &done)) && done);
  cede_drop(vm, generator);
  generator = cede_eval(vm, "count(100)");
  cede_drop(vm, cede_next(vm, generator, &done));
  cede_drop(vm, generator);                      /* closes it here */
  CHECK(eval_is(vm, "closed", "[3, 100]"));
  generator = cede_eval(vm, "(1 // n for n in (1, 0))");
  CHECK(repr_is(vm, cede_next(vm, generator, &done), "1"));
  CHECK(cede_failed(cede_next(vm, generator, &done)) && !done && raised_is(vm, "ZeroDivisionError('integer division or modulo by zero')"));
  cede_drop(vm, generator);
  CedeRef five = cede_int(vm, 5);
  CHECK(cede_failed(cede_next(vm, five, &done)) && !done && raised_is(vm, "TypeError(\"'int' object is not an iterator\")"));
}

static void exceptions(CedeVM *vm)
{
  CHECK(!cede_raised(vm) && cede_failed(cede_take_exception(vm)));
  CHECK(cede_failed(cede_raise(vm, "ValueError", "from the host")) && raised_is(vm, "ValueError('from the host')"));
  CHECK(cede_failed(cede_raise(vm, "nosuch", "x")) && raised_is(vm, "SystemError('no exception is called nosuch')"));
  CHECK(cede_failed(cede_raise(vm, "len", "x")) && raised_is(vm, "SystemError('no exception is called len')"));
  CHECK(cede_failed(cede_eval(vm, "1 +")) && cede_raised(vm));
  cede_drop(vm, cede_take_exception(vm));
  CHECK(!cede_exec(vm, "x = 1\nfail(KeyError('k'))\n", "script.py"));
  CedeRef error = cede_take_exception(vm), trace = cede_getattr(vm, error, "__traceback__");
  CHECK(repr_is(vm, cede_getattr(vm, trace, "tb_lineno"), "2"));
  cede_drop(vm, trace);
  CHECK(cede_set_global(vm, "error", error));
  CHECK(eval_is(vm, "error.__traceback__.tb_frame.f_code.co_filename, error.args", "('script.py', ('k',))"));
  cede_drop(vm, error);
  CHECK(cede_failed(cede_eval(vm, "fail(SystemExit(3))")) && raised_is(vm, "SystemExit(3)"));
  CHECK(cede_exec(vm, "def deep(n): return deep(n + 1)\n", "deep.py") && cede_failed(cede_eval(vm, "deep(0)")) && cede_raised(vm));
  cede_drop(vm, cede_take_exception(vm));
  CHECK(eval_is(vm, "add(1)", "11"));
}

/* A failed value handed on fails again and keeps the first exception, so that a chain of calls is checked once. */
static void chains(CedeVM *vm)
{
  int64_t number;
  double real;
  size_t size;
  bool done;
  CedeRef bad = cede_eval(vm, "fail(KeyError('first'))"), one = cede_int(vm, 1);
  CHECK(cede_failed(bad));
  CHECK(cede_failed(cede_getattr(vm, bad, "x")) && cede_failed(cede_call(vm, bad, &one, 1)) && cede_failed(cede_repr(vm, bad)));
  CHECK(!cede_to_int(vm, bad, &number) && !cede_to_float(vm, bad, &real) && !cede_to_utf8(vm, bad, &size));
  CHECK(!cede_set_global(vm, "x", bad) && !cede_setattr(vm, bad, "x", one) && cede_failed(cede_next(vm, bad, &done)) && !done);
  CedeRef args[] = {one, bad};
  CHECK(raised_is(vm, "KeyError('first')"));
  CedeRef add = cede_get_global(vm, "add");
  CHECK(cede_failed(cede_call(vm, add, args, 2)) && raised_is(vm, "SystemError('a failed value was used')"));
  CHECK(!cede_setattr(vm, add, "x", bad) && raised_is(vm, "SystemError('a failed value was used')"));
  CHECK(cede_failed(cede_dup(bad)));
  cede_drop(vm, add);
}

static void modules(CedeVM *vm)
{
  CedeRef math = cede_import(vm, "math"), root = cede_getattr(vm, math, "isqrt"), number = cede_int(vm, 99);
  CHECK(repr_is(vm, cede_call(vm, root, &number, 1), "9"));
  CHECK(cede_failed(cede_import(vm, "nosuchmodule")) && raised_is(vm, "ModuleNotFoundError(\"No module named 'nosuchmodule'\")"));
  cede_drop(vm, root);
  cede_drop(vm, math);
}

int main(void)
{
  CedeVM *vm = bare_vm();
  CHECK(cede_exec(vm, program, "program.py"));
  calls(vm);
  iterators(vm);
  exceptions(vm);
  chains(vm);
  modules(vm);
  CHECK(cede_vm_free(vm) == 0);
  return 0;
}
