/* SPDX-License-Identifier: MIT */
/* test_limits.c: a VM that may use only so much memory, and one that is interrupted */
#include "check.h"

#include <pthread.h>
#include <time.h>

static void memory(void)
{
  CedeOptions options;
  cede_options_init(&options);
  options.stdlib = "";
  options.memory_limit = 32 << 20;
  CedeVM *vm = cede_vm_new(&options, NULL);
  CHECK(vm);
  static const char *const greedy[] = {"'x' * (1 << 30)", "[0] * (1 << 26)", "list(range(1 << 26))", "bytearray(1 << 26)", "10 ** (1 << 28)",
                                       "{n: n for n in range(1 << 24)}", "(lambda f: f(f, []))(lambda f, a: [a.append('x' * 4096) for _ in iter(int, 1)])"};
  for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) {
    CHECK(cede_failed(cede_eval(vm, greedy[i])) && cede_raised(vm));
    CedeRef error = cede_take_exception(vm);
    CHECK(repr_is(vm, error, "MemoryError()"));
    CHECK(eval_is(vm, "sum(range(100)), 'x' * 3, [1] * 2", "(4950, 'xxx', [1, 1])"));
  }
  CHECK(cede_vm_free(vm) == 0);
  options.memory_limit = 1000;
  const char *why = NULL;
  CHECK(!cede_vm_new(&options, &why) && why && *why);
}

static void *interrupt_soon(void *vm)
{
  struct timespec wait = {0, 100 * 1000 * 1000};
  nanosleep(&wait, NULL);
  cede_interrupt(vm);
  return NULL;
}

static void interruption(const char *source)
{
  CedeVM *vm = bare_vm();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, interrupt_soon, vm) == 0);
  CHECK(!cede_exec(vm, source, "endless.py") && raised_is(vm, "KeyboardInterrupt()"));
  pthread_join(thread, NULL);
  CHECK(eval_is(vm, "1 + 1", "2"));
  CHECK(cede_vm_free(vm) == 0);
}

int main(void)
{
  memory();
  interruption("while True: pass\n");
  interruption("sum(iter(int, 1))\n");
  interruption("def g():\n  while True: yield\nfor _ in g(): pass\n");
  return 0;
}
