/* SPDX-License-Identifier: MIT */
/* test_programs.c: whole programs and their exit status, and statements typed one by one */
#include "check.h"

#include <unistd.h>

static int run_text(const char *source)
{
  CedeVM *vm = bare_vm();
  int status = cede_run_text(vm, source);
  CHECK(!cede_raised(vm));
  int flushed = cede_vm_free(vm);
  return status ? status : flushed;
}

static void statuses(void)
{
  CHECK(run_text("x = 1") == 0 && run_text("import sys; sys.exit(7)") == 7 && run_text("raise SystemExit") == 0 && run_text("raise SystemExit(None)") == 0);
  CHECK(run_text("raise SystemExit(300)") == 300 % 256);
  CHECK(run_text("1 / 0") == 1 && run_text("raise SystemExit('text')") == 1 && run_text("x =") == 1);
  CedeVM *vm = bare_vm();
  CHECK(cede_run_file(vm, "/nonexistent/file.py") == 2 && cede_run_file(vm, "/") != 0);
  char path[] = "/tmp/cede-api-XXXXXX";
  int fd = mkstemp(path);
  static const char program[] = "import sys\nassert __name__ == '__main__' and __file__.startswith('/tmp/cede-api')\nsys.exit(5)\n";
  CHECK(fd >= 0 && write(fd, program, sizeof program - 1) == (ssize_t)(sizeof program - 1) && close(fd) == 0);
  CHECK(cede_run_file(vm, path) == 5);
  unlink(path);
  CHECK(cede_vm_free(vm) == 0);
  vm = cede_vm_new(NULL, NULL);
  CHECK(vm && cede_run_module(vm, "nosuchmodule") == 1 && cede_run_module(vm, "this") == 0 && cede_vm_free(vm) == 0);
}

static void collect(void *context, const char *completion)
{
  strncat(context, completion, 400 - strlen(context));
  strncat(context, " ", 2);
}

static void prompt(void)
{
  CedeVM *vm = cede_vm_new(NULL, NULL);
  int status = -1;
  char names[512] = "";
  CHECK(vm && cede_feed(vm, "x = 5\n", &status) == CEDE_FEED_DONE);
  CHECK(cede_feed(vm, "def f(a):\n", &status) == CEDE_FEED_MORE && cede_feed(vm, "def f(a):\n  return a * x\n", &status) == CEDE_FEED_MORE);
  CHECK(cede_feed(vm, "def f(a):\n  return a * x\n\n", &status) == CEDE_FEED_DONE);
  CHECK(cede_feed(vm, "y = (1 +\n", &status) == CEDE_FEED_MORE && cede_feed(vm, "y = (1 +\n f(2))\n", &status) == CEDE_FEED_DONE);
  CHECK(cede_feed(vm, "z = '''a\n", &status) == CEDE_FEED_MORE && cede_feed(vm, "", &status) == CEDE_FEED_DONE);
  CHECK(cede_feed(vm, "y = = 1\n", &status) == CEDE_FEED_DONE && cede_feed(vm, "1 / 0\n", &status) == CEDE_FEED_DONE);
  CHECK(cede_feed(vm, "y\n", &status) == CEDE_FEED_DONE && eval_is(vm, "y, _", "(11, 11)"));
  CHECK(!strcmp(cede_prompt(vm, false), ">>> ") && !strcmp(cede_prompt(vm, true), "... "));
  CHECK(cede_exec(vm, "import sys\nsys.ps1 = type('P', (), {'__str__': lambda self: 'ready> '})()\n", "ps.py"));
  CHECK(!strcmp(cede_prompt(vm, false), "ready> "));
  CHECK(cede_exec(vm, "import math\n", "m.py"));
  cede_complete(vm, "math.isq", collect, names);
  CHECK(!strcmp(names, "math.isqrt( ") || !strcmp(names, "math.isqrt() "));
  CHECK(cede_feed(vm, "import sys; sys.exit(9)\n", &status) == CEDE_FEED_EXIT && status == 9);
  CHECK(cede_vm_free(vm) == 0);
}

int main(void)
{
  CHECK(freopen("/dev/null", "w", stdout) && setvbuf(stdout, NULL, _IONBF, 0) == 0);
  statuses();
  prompt();
  return 0;
}
