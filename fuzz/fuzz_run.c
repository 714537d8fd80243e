// SPDX-License-Identifier: MIT
// fuzz_run.c: libFuzzer on running short programs, with a limit on time, memory and depth
//
// A program gets a namespace of its own, no installed library, and builtins without the way to files. It may spoil the VM for programs that
// follow (that is Python), so there is a new VM now and then.
#include "bytecode/code.h"
#include "cede.h"
#include "core/alloc.h"
#include "frontend/frontend.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/list.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "vm/vm_api.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUTS_PER_VM = 100, MILLISECONDS = 50 };
static VM *vm;
static int inputs;

// Native modules a program may import.
static const char prelude[] =
  "import builtins, sys, _string, _io\n"
  "sys.setrecursionlimit(200)\n"
  "allowed = {'math', 'cmath', 'itertools', '_collections', '_functools', '_operator', '_struct', '_json', 'array', '_bisect', '_heapq',\n"
  "  '_random', 'binascii', '_sre', '_codecs', 'unicodedata', '_weakref', 'marshal', '_contextvars', 'gc', '_abc', '_typing', 'zlib', '_csv',\n"
  "  '_ast', '_statistics', '_string', 'errno', '_warnings', '_pickle', '_symtable', '_queue', '_md5', '_blake2'}\n"
  "def importer(name, *rest, real=builtins.__import__):\n"
  "  if name not in allowed: raise ImportError(name)\n"
  "  return real(name)\n"
  "builtins.__import__ = importer\n"
  "for name in ('open', 'input', 'breakpoint', 'print', 'exit', 'quit'): builtins.__dict__.pop(name, None)\n"
  "builtins.print = lambda *a, **k: [str(x) for x in a][:0]\n"
  "builtins.BytesIO, builtins.StringIO, builtins.TextIOWrapper = _io.BytesIO, _io.StringIO, _io.TextIOWrapper\n"
  "sys.unraisablehook = lambda *a: None\n"
  "for name in ('posix', '_posixsubprocess', '_signal', '_socket', '_imp', 'faulthandler', 'resource', 'fcntl', '_thread', '_io'): sys.modules.pop(name, None)\n";

static void on_alarm(int number)
{
  (void)number;
  atomic_fetch_or(&vm->breaker, BREAK_LIMIT);
}

// Stays in force until the program has ended: no loop that catches exceptions outlives it.
static bool time_is_up(VM *machine) { return cd_raise_runtime(machine, "time is up") != NO_REF; }

static void watch(bool on)
{
  struct itimerval timer = {.it_value = {.tv_usec = on ? MILLISECONDS * 1000 : 0}};
  setitimer(ITIMER_REAL, &timer, NULL);
  if (!on) atomic_fetch_and(&vm->breaker, ~(unsigned)BREAK_LIMIT);
}

static void open_vm(void)
{
  CedeOptions options;
  cede_options_init(&options);
  options.stdlib = "";
  options.no_site = options.hash_seed_fixed = true;
  options.memory_limit = (uint64_t)128 << 20;
  if (vm) cede_vm_free(vm);
  if (!(vm = cede_vm_new(&options, NULL))) abort();
  vm->check_limits = time_is_up;
  if (!cede_exec(vm, prelude, "<prelude>")) abort();
  signal(SIGALRM, on_alarm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (!vm || inputs++ % INPUTS_PER_VM == 0) open_vm();
  Ref globals = cd_dict_new(vm), name = cd_str_from(vm, "<fuzz>");
  if (!globals || !name || !cd_dict_set_text(vm, globals, "__name__", name) || !cd_dict_set_text(vm, globals, "__builtins__", vm->builtins)) abort();
  Ref code = cd_compile(vm, (const char *)data, size, name, MODE_EXEC, 0, -1), result = NO_REF;
  watch(true);
  if (code) result = cd_eval_code(vm, (Code *)cd_object(code), globals, globals, NO_VALUE);
  if (!result != cd_raised(vm)) abort();
  cd_clear_raised(vm);
  cd_drop(vm, result);
  cd_drop(vm, code);
  cd_drop(vm, name);
  cd_drop(vm, globals);
  cd_gc_collect(vm, GC_GENERATIONS - 1);
  watch(false);
  cd_clear_raised(vm);
  return 0;
}
