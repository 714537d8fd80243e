// SPDX-License-Identifier: MIT
// many_vms.c: VMs are made, used and thrown away; the process must not grow. usage: many_vms [COUNT]; COUNT is 1000 if not given
#include "cede.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Resident memory in KB.
static long resident(void)
{
  long pages = 0, shared = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &shared, &pages) != 2) exit(2);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int one_life(void)
{
  static const char program[] = "class C:\n  def __init__(self): self.me = self\nx = [C() for i in range(10)]\ndef g():\n  yield from (i for i in range(5))\n"
                                "it = g(); next(it)\ntry: 1 / 0\nexcept ZeroDivisionError as e: kept = e\nd = {str(i): i for i in range(100)}\nimport math, _io\n"
                                "text = 'é' * 100 + str(2 ** 100)\n";
  CedeOptions options;
  cede_options_init(&options);
  options.stdlib = "";
  options.no_site = true;
  const char *error = NULL;
  CedeVM *vm = cede_vm_new(&options, &error);
  if (!vm) { printf("no VM: %s\n", error); return 1; }
  if (!cede_exec(vm, program, "<life>")) { cede_print_exception(vm); return 1; }
  CedeRef value = cede_get_global(vm, "text");
  size_t size;
  const char *text = cede_to_utf8(vm, value, &size);
  if (!text || strlen(text) != size) return 1;
  cede_drop(vm, value);
  return cede_vm_free(vm);
}

int main(int argc, char **argv)
{
  long count = argc > 1 ? atol(argv[1]) : 1000, early = 0;
  for (long i = 0; i < count; i++) {
    if (i == count / 10) early = resident();
    if (one_life()) { printf("VM %ld failed\n", i); return 1; }
  }
  long late = resident();
  printf("%ld VMs: %ld KB after a tenth of them, %ld KB at the end\n", count, early, late);
  return late > early + early / 10 + 1024;
}
