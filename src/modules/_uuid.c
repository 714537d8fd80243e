// SPDX-License-Identifier: MIT
// _uuid.c: UUIDs of version 1 by the system's libuuid, which is opened when this is imported
#include "core/lock.h"
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/raise.h"
#include "objects/tuple.h"

#include <dlfcn.h>

typedef struct UuidState { int (*generate)(unsigned char *out); } UuidState;

FUNCTION(_uuid, generate_time_safe, "generate_time_safe()",
         "The 16 bytes of a UUID of version 1, and 0 if no other process can get the same.")
{
  UuidState *state = cd_state(vm, MODULE__uuid);
  unsigned char out[16];
  Thread *me = cd_unlock(vm);
  int status = state->generate(out);
  cd_relock(vm, me);
  return cd_tuple2_steal(vm, cd_bytes_new(vm, (char *)out, sizeof out), cd_from_small(status));
}

static bool uuid_exec(VM *vm, Value module)
{
  UuidState *state = cd_state(vm, MODULE__uuid);
  void *library = dlopen("libuuid.so.1", RTLD_NOW | RTLD_LOCAL);                 // stays open: other VMs use it too
  if (library) state->generate = (int (*)(unsigned char *))dlsym(library, "uuid_generate_time_safe");
  if (!state->generate) return cd_raise(vm, vm->exc.ImportError, "libuuid.so.1 cannot be used here");
  return cd_module_add_int(vm, module, "has_uuid_generate_time_safe", 1);
}

static const MethodDef *const uuid_functions[] = {&_uuid_generate_time_safe_def, NULL};

const ModuleDef cd_module__uuid = {.name = "_uuid", .functions = uuid_functions, .state_size = sizeof(UuidState), .exec = uuid_exec};
