/* SPDX-License-Identifier: MIT */
/* test_values.c: values in and out of a VM, and what happens to those that do not fit */
#include "check.h"

#include <math.h>

static void numbers(CedeVM *vm)
{
  static const int64_t ints[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 61, -(INT64_C(1) << 61) - 1, INT64_C(1) << 60};
  static const double floats[] = {0.0, -0.0, 1.5, 1e308, 5e-324, INFINITY, -INFINITY, 0.1};
  int64_t i;
  double d;
  for (size_t n = 0; n < sizeof ints / sizeof *ints; n++) {
    CedeRef v = cede_int(vm, ints[n]);
    CHECK(cede_to_int(vm, v, &i) && i == ints[n]);
    CHECK(cede_to_float(vm, v, &d) && d == (double)ints[n]);
    cede_drop(vm, v);
  }
  for (size_t n = 0; n < sizeof floats / sizeof *floats; n++) {
    CedeRef v = cede_float(vm, floats[n]);
    CHECK(cede_to_float(vm, v, &d) && d == floats[n] && signbit(d) == signbit(floats[n]));
    CHECK(!cede_to_int(vm, v, &i) && raised_is(vm, "TypeError(\"'float' object cannot be interpreted as an integer\")"));
    cede_drop(vm, v);
  }
  CedeRef nan = cede_float(vm, NAN);
  CHECK(cede_to_float(vm, nan, &d) && isnan(d));
  cede_drop(vm, nan);
  CedeRef big = cede_eval(vm, "2 ** 63");
  CHECK(!cede_to_int(vm, big, &i) && cede_raised(vm));
  CHECK(repr_is(vm, cede_take_exception(vm), "OverflowError(\"cannot fit 'int' into an index-sized integer\")"));
  CHECK(cede_to_float(vm, big, &d) && d == 9223372036854775808.0);
  cede_drop(vm, big);
  CHECK(cede_to_int(vm, cede_bool(vm, true), &i) && i == 1);
  CHECK(repr_is(vm, cede_none(vm), "None") && repr_is(vm, cede_bool(vm, false), "False"));
}

static void texts(CedeVM *vm)
{
  size_t size;
  const char with_nul[] = "a\0b\xC3\xA9";
  CedeRef text = cede_str(vm, with_nul, sizeof with_nul - 1);
  CHECK(cede_set_global(vm, "text", text));
  const char *inside = cede_to_utf8(vm, text, &size);
  CHECK(size == 5 && !memcmp(inside, with_nul, 6));
  cede_drop(vm, text);
  CHECK(eval_is(vm, "len(text), text", "(4, 'a\\x00b\xC3\xA9')"));
  static const char *const bad[] = {"\xFF", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\x80", "a\x80"};
  for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
    CHECK(cede_failed(cede_str(vm, bad[n], strlen(bad[n]))) && cede_raised(vm));
    CedeRef error = cede_take_exception(vm);
    CHECK(text_is(vm, cede_getattr(vm, error, "encoding"), "utf-8"));
    cede_drop(vm, error);
  }
  CedeRef surrogate = cede_eval(vm, "'\\ud800'");
  CHECK(!cede_to_utf8(vm, surrogate, &size));
  CHECK(raised_is(vm, "UnicodeEncodeError('utf-8', '\\ud800', 0, 1, 'surrogates not allowed')"));
  cede_drop(vm, surrogate);
  CedeRef number = cede_int(vm, 1);
  CHECK(!cede_to_utf8(vm, number, &size) && raised_is(vm, "TypeError(\"a str is required, not 'int'\")"));
  cede_drop(vm, number);
  CHECK(repr_is(vm, cede_str(vm, "", 0), "''"));
}

/* References count: an object lives while one is held, and dies with the last. */
static void references(CedeVM *vm)
{
  CHECK(cede_exec(vm, "log = []\nclass Thing:\n  def __del__(self): log.append('gone')\n", "things.py"));
  CedeRef thing = cede_eval(vm, "Thing()"), again = cede_dup(thing);
  cede_drop(vm, thing);
  CHECK(eval_is(vm, "log", "[]"));
  cede_drop(vm, again);
  CHECK(eval_is(vm, "log", "['gone']"));
  cede_drop(vm, (CedeRef){0});
}

int main(void)
{
  CedeVM *vm = bare_vm();
  numbers(vm);
  texts(vm);
  references(vm);
  CHECK(cede_vm_free(vm) == 0);
  return 0;
}
