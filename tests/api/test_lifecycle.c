/* SPDX-License-Identifier: MIT */
/* test_lifecycle.c: VMs come and go, and nothing stays: not their memory, not their state */
#include "check.h"

#include <unistd.h>

static long resident_pages(void)
{
  long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%ld %ld", &size, &resident) == 2);
  fclose(file);
  return resident;
}

static void one_life(int number)
{
  CedeVM *vm = bare_vm();
  CedeRef n = cede_int(vm, number);
  CHECK(cede_set_global(vm, "n", n));
  CHECK(cede_exec(vm, "import sys\nassert not hasattr(sys, 'mark')\nsys.mark = n\n"
                      "class Node:\n  def __init__(self): self.me = self\n"
                      "kept = [Node() for _ in range(100)]\n"
                      "def g():\n  try: yield kept\n  finally: kept.clear()\n"
                      "it = g(); next(it)\nround = {}; round['round'] = round\n"
                      "big = 10 ** 500; text = 'x' * 10000\n", "life.py"));
  CHECK(cede_vm_free(vm) == 0);
}

static void flat_memory(void)
{
  for (int i = 0; i < 50; i++) one_life(i);
  long before = resident_pages();
  for (int i = 0; i < 1000; i++) one_life(i);
  long grown = (resident_pages() - before) * sysconf(_SC_PAGESIZE);
  if (grown > 2 << 20) fprintf(stderr, "1000 VMs left %ld bytes\n", grown);
  CHECK(grown <= 2 << 20);
}

/* Two VMs in one thread, in turn: what is set in one is not in the other; an exception neither. */
static void side_by_side(void)
{
  CedeVM *a = bare_vm(), *b = bare_vm();
  CHECK(cede_exec(a, "x = 'a'\nimport sys\nsys.setrecursionlimit(2000)\nint.__doc__\n", "a.py"));
  CHECK(cede_exec(b, "x = 'b'\nimport sys\n", "b.py"));
  CHECK(eval_is(a, "x, sys.getrecursionlimit()", "('a', 2000)") && eval_is(b, "x, sys.getrecursionlimit()", "('b', 1000)"));
  CHECK(cede_failed(cede_eval(a, "1 / 0")) && cede_raised(a) && !cede_raised(b));
  CHECK(eval_is(b, "x", "'b'"));
  CHECK(cede_vm_free(b) == 0);
  CHECK(raised_is(a, "ZeroDivisionError('division by zero')") && cede_vm_free(a) == 0);
}

static void options(void)
{
  CedeOptions options;
  char *argv[] = {(char *)"prog", (char *)"one", NULL};
  cede_options_init(&options);
  options.stdlib = "";
  options.hash_seed_fixed = true;
  options.hash_seed = 7;
  options.argc = 2;
  options.argv = argv;
  options.optimize = 1;
  options.executable = "/usr/bin/host";
  options.int_max_str_digits = 1000;
  CedeVM *vm = cede_vm_new(&options, NULL), *other = cede_vm_new(&options, NULL);
  CHECK(vm && other && cede_exec(vm, "import sys\nassert False\n", "x.py"));
  CHECK(eval_is(vm, "sys.argv, sys.flags.optimize, __debug__, sys.executable", "(['prog', 'one'], 1, False, '/usr/bin/host')"));
  CHECK(cede_failed(cede_eval(vm, "str(10 ** 1001)")) && cede_raised(vm));
  cede_drop(vm, cede_take_exception(vm));
  int64_t first, second;
  CedeRef a = cede_eval(vm, "hash('text')"), b = cede_eval(other, "hash('text')");
  CHECK(cede_to_int(vm, a, &first) && cede_to_int(other, b, &second) && first == second);
  cede_drop(vm, a);
  cede_drop(other, b);
  CHECK(cede_vm_free(vm) == 0 && cede_vm_free(other) == 0 && cede_vm_free(NULL) == 0);
}

static void with_library(void)
{
  for (int i = 0; i < 3; i++) {
    CedeVM *vm = cede_vm_new(NULL, NULL);
    CHECK(vm && cede_exec(vm, "import json, re, collections, atexit\natexit.register(lambda: None)\n", "lib.py"));
    CHECK(eval_is(vm, "json.dumps({'a': [1, 2.5, None]}), re.findall('b+', 'abbab'), collections.Counter('aab').most_common(1)",
                  "('{\"a\": [1, 2.5, null]}', ['bb', 'b'], [('a', 2)])"));
    CHECK(cede_vm_free(vm) == 0);
  }
}

int main(void)
{
  side_by_side();
  options();
  with_library();
  flat_memory();
  return 0;
}
