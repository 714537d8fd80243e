// SPDX-License-Identifier: MIT
// test_header.cpp: the header in C++11
#include "cede.h"

#include <stdio.h>

int main()
{
  CedeOptions options;
  cede_options_init(&options);
  options.stdlib = "";
  CedeVM *vm = cede_vm_new(&options, nullptr);
  if (!vm) return 1;
  CedeRef answer = cede_eval(vm, "sum(x * x for x in range(10))");
  int64_t number = 0;
  bool ok = !cede_failed(answer) && cede_to_int(vm, answer, &number) && number == 285;
  cede_drop(vm, answer);
  return cede_vm_free(vm) == 0 && ok ? 0 : 1;
}
