// SPDX-License-Identifier: MIT
// frozen.h: modules written in Python that are compiled into the library
#ifndef CEDE_MODULES_FROZEN_H
#define CEDE_MODULES_FROZEN_H

#include "core/vm.h"

// What is in lib/, made by tools/freeze.py while the library is built: sorted by name, an entry without a name last. `data` is
// cd_code_dump's form.
typedef struct FrozenModule { const char *name; const char *data; uint32_t size; bool package; } FrozenModule;
extern const FrozenModule cd_frozen_modules[];

const FrozenModule *cd_frozen_find(VM *vm, Value name);          // NULL: none, or hidden by an option
MUST_USE Ref cd_frozen_code(VM *vm, const FrozenModule *frozen);
// Imports a frozen module without importlib; nothing but __name__, __package__ and __path__ is set.
MUST_USE Ref cd_frozen_load_plain(VM *vm, Value name, const FrozenModule *frozen);

#endif
