// SPDX-License-Identifier: MIT
// module.h: module objects, and how native modules are described
#ifndef CEDE_OBJECTS_MODULE_H
#define CEDE_OBJECTS_MODULE_H

#include "objects/instance.h"

struct Module {
  Object head;
  Value dict;                                    // owned Dict: the namespace, __dict__
  Value name;                                    // owned; for messages
  const struct ModuleDef *def;                   // NULL for modules written in Python
  Weakref *weaklist;
  bool (*complete)(VM *vm,
                   Value module);   // adds what hardly anybody asks for, when somebody does; NULL when it has, or nothing is missing
};

// A native module. `state_size` bytes, zeroed, are kept in vm->module_state[id] from the first import to the VM's end: types, caches.
typedef struct ModuleDef {
  const char *name;
  const char *doc;
  const MethodDef *const *functions;             // NULL-terminated, or NULL
  size_t state_size;
  bool (*exec)(VM *vm, Value module);            // adds constants and types; may be NULL
  void (*traverse)(void *state, VisitFn visit, void *context);
  void (*clear)(VM *vm, void *state);
} ModuleDef;

MUST_USE Ref cd_module_new(VM *vm, Value name);
MUST_USE bool cd_module_complete(VM *vm, Value module);         // before its dict is looked at as a whole
MUST_USE Find cd_module_getattr_find(VM *vm, Value module, Value name, Ref *out);      // the getattr slot of modules
Ref cd_module_getattr_slot(VM *vm, Value module, Value name);
static inline Value cd_module_dict(Value module) { return ((Module *)cd_object(module))->dict; }
MUST_USE bool cd_module_add(VM *vm, Value module, const char *name, Ref value);       // steals; NO_REF value: returns false
MUST_USE bool cd_module_add_int(VM *vm, Value module, const char *name, int64_t value);
MUST_USE bool cd_module_add_text(VM *vm, Value module, const char *name, const char *value);
// Makes the type, adds it under its short name, and returns it borrowed (the module keeps it, and so should the state).
MUST_USE Type *cd_module_add_type(VM *vm, Value module, const TypeSpec *spec, Value bases);
// sys.modules[name], importing it if needed.
MUST_USE Ref cd_import(VM *vm, const char *name);
MUST_USE Ref cd_import_attr(VM *vm, const char *module, const char *name);

#endif
