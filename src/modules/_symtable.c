// SPDX-License-Identifier: MIT
// _symtable.c: what the compiler knows about the names of a source
#include "frontend/symtable.h"
#include "frontend/symtable_object.h"
#include "modules/module_list.h"
#include "modules/source_text.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/type.h"

typedef struct SymtableState { Type *entry; } SymtableState;     // owned

static bool symtable_mode(VM *vm, Value v, CompileMode *out)
{
  static const char *const names[] = {"exec", "eval", "single"};   // ORDER: CompileMode
  for (int i = 0; i < 3; i++) {
    if (!cd_str_is(v, names[i])) continue;
    *out = (CompileMode)i;
    return true;
  }
  return cd_raise_value(vm, "symtable() arg 3 must be 'exec' or 'eval' or 'single'");
}

FUNCTION(_symtable, symtable, "symtable(source, filename, startstr, /)",
         "The symbol table entry of the outermost block of a source; its children are in it.")
{
  SourceText source;
  CompileMode mode;
  if (!cd_is_str(args[2])) return cd_raise_type(vm, "symtable() argument 3 must be str, not %T", args[2]);
  Ref filename = cd_source_filename(vm, args[1]), result = NO_REF;
  if (!filename) return NO_REF;
  if (cd_source_text_init(vm, &source, args[0], "symtable", "string or bytes")) {
    Type *entry = ((SymtableState *)cd_state(vm, MODULE__symtable))->entry;
    if (symtable_mode(vm, args[2], &mode)) result = cd_symtable(vm, entry, source.data, source.size, filename, mode, source.flags);
    cd_source_text_clear(vm, &source);
  }
  cd_drop(vm, filename);
  return result;
}

static bool symtable_exec(VM *vm, Value module)
{
  static const struct { const char *name; int value;
  } constants[] = {
    {"USE", DEF_USE},
    {"DEF_GLOBAL", DEF_GLOBAL},
    {"DEF_NONLOCAL", DEF_NONLOCAL},
    {"DEF_LOCAL", DEF_LOCAL},
    {"DEF_PARAM", DEF_PARAM},
    {"DEF_FREE", DEF_FREE},
    {"DEF_FREE_CLASS", DEF_FREE_CLASS},
    {"DEF_IMPORT", DEF_IMPORT},
    {"DEF_BOUND", DEF_BOUND},
    {"DEF_ANNOT", DEF_ANNOT},
    {"TYPE_FUNCTION", ENTRY_FUNCTION},
    {"TYPE_CLASS", ENTRY_CLASS},
    {"TYPE_MODULE", ENTRY_MODULE},
    {"LOCAL", BINDING_LOCAL},
    {"GLOBAL_EXPLICIT", BINDING_GLOBAL_EXPLICIT},
    {"GLOBAL_IMPLICIT", BINDING_GLOBAL_IMPLICIT},
    {"FREE", BINDING_FREE},
    {"CELL", BINDING_CELL},
    {"SCOPE_OFF", SCOPE_OFFSET},
    {"SCOPE_MASK", SCOPE_MASK},
  };
  SymtableState *state = cd_state(vm, MODULE__symtable);
  if (!state->entry && !(state->entry = cd_type_from_spec(vm, &cd_symtable_entry_spec, NO_VALUE))) return false;
  for (size_t i = 0; i < ARRAY_LEN(constants); i++)
    if (!cd_module_add_int(vm, module, constants[i].name, constants[i].value)) return false;
  return true;
}

static void symtable_state_traverse(void *p, VisitFn visit, void *context) { visit(context, cd_type_value(((SymtableState *)p)->entry)); }
static void symtable_state_clear(VM *vm, void *p)
{
  SymtableState *state = p;
  Type *entry = state->entry;
  state->entry = NULL;
  cd_drop_object(vm, entry);
}

static const MethodDef *const symtable_functions[] = {&_symtable_symtable_def, NULL};

const ModuleDef cd_module__symtable = {
  .name = "_symtable",
  .functions = symtable_functions,
  .state_size = sizeof(SymtableState),
  .exec = symtable_exec,
  .traverse = symtable_state_traverse,
  .clear = symtable_state_clear,
};
