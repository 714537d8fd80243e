// SPDX-License-Identifier: MIT
// cleanup.c: what hosts say and learn about generators that are open
#include "api/api.h"

#include "coro/generator.h"

void cede_set_asyncgen(CedeVM *vm, CedeAsyncgen mode) { vm->asyncgen_mode = (int)mode; }

CedeRef cede_live_generators(CedeVM *vm)
{
  cd_host_enter(vm);
  return (CedeRef){cd_bits(cd_generators_list(vm))};
}
