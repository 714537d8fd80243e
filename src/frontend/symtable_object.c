// SPDX-License-Identifier: MIT
// symtable_object.c: the symbol table as Python objects
#include "frontend/codegen.h"

#include "objects/raise.h"

Ref cd_symtable_mod(VM *vm, Ast *ast UNUSED, Mod *mod UNUSED, Value filename UNUSED, CompileMode mode UNUSED, int flags UNUSED)
{
  return cd_raise(vm, vm->exc.NotImplementedError, "symbol tables are not available");
}
