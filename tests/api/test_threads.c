/* SPDX-License-Identifier: MIT */
/* test_threads.c: VMs in threads of the host, all at once; a VM that moves from thread to thread; Python's threads inside one */
#include "check.h"

#include <pthread.h>

enum { THREADS = 6, ROUNDS = 4 };

static const char work[] =
  "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
  "def deep(n): return 0 if n == 0 else 1 + deep(n - 1)\n"
  "def runaway(): return runaway()\n"
  "words = {}\n"
  "for i in range(2000): words[f'{name}{i}'] = [i, float(i), str(i)]\n"
  "try: runaway()\n"
  "except RecursionError as e: caught = type(e).__name__\n"
  "nested = []\n"
  "for i in range(100000): nested = [nested]\n"
  "try: repr(nested)\n"
  "except RecursionError: caught += '!'\n"
  "del nested\n"
  "result = fib(18), deep(500), len(words), caught, sorted(words)[-1]\n";

static void *live(void *argument)
{
  char name[32], want[128];
  snprintf(name, sizeof name, "vm%d_", *(int *)argument);
  snprintf(want, sizeof want, "(2584, 500, 2000, 'RecursionError!', '%s999')", name);
  for (int i = 0; i < ROUNDS; i++) {
    CedeVM *vm = bare_vm();
    CedeRef text = cede_str(vm, name, strlen(name));
    CHECK(cede_set_global(vm, "name", text));
    cede_drop(vm, text);
    if (!cede_exec(vm, work, "work.py")) cede_print_exception(vm);
    CHECK(eval_is(vm, "result", want));
    CHECK(cede_vm_free(vm) == 0);
  }
  return NULL;
}

static void many_at_once(void)
{
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, live, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* ---- one VM, used by one thread after the other ---- */

static void *go_on(void *vm)
{
  CedeRef name = cede_str(vm, "moved", 5);
  CHECK(cede_set_global(vm, "name", name));
  cede_drop(vm, name);
  if (!cede_exec(vm, work, "work.py")) cede_print_exception(vm);
  CHECK(eval_is(vm, "result", "(2584, 500, 2000, 'RecursionError!', 'moved999')"));
  return NULL;
}

static void *finish(void *vm)
{
  CHECK(cede_vm_free(vm) == 0);
  return NULL;
}

static void in_thread(void *(*work_of)(void *), void *argument)
{
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, work_of, argument) == 0 && pthread_join(thread, NULL) == 0);
}

static void moving(void)
{
  CedeVM *vm = bare_vm();
  in_thread(go_on, vm);
  go_on(vm);
  in_thread(go_on, vm);
  in_thread(finish, vm);
}

/* ---- threads that Python starts ---- */

static void python_threads(void)
{
  CedeVM *vm = cede_vm_new(NULL, NULL);
  CHECK(vm && cede_exec(vm,
    "import threading, queue\n"
    "q, out = queue.Queue(), []\n"
    "def worker():\n"
    "  while (n := q.get()) is not None: out.append(n * n)\n"
    "threads = [threading.Thread(target=worker) for _ in range(4)]\n"
    "for t in threads: t.start()\n"
    "for n in range(100): q.put(n)\n"
    "for t in threads: q.put(None)\n"
    "for t in threads: t.join()\n"
    "late = threading.Thread(target=lambda: out.append('late'))\n"
    "late.start()\n", "threads.py"));
  CHECK(eval_is(vm, "sum(n for n in out if n != 'late')", "328350"));
  CHECK(cede_vm_free(vm) == 0);
}

int main(void)
{
  many_at_once();
  moving();
  python_threads();
  return 0;
}
