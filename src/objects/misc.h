// SPDX-License-Identifier: MIT
// misc.h: small builtin types: capsule, mappingproxy, SimpleNamespace
#ifndef CEDE_OBJECTS_MISC_H
#define CEDE_OBJECTS_MISC_H

#include "objects/instance.h"

typedef struct MappingProxy { Object head; Value mapping; } MappingProxy;        // owned
typedef struct SimpleNamespace { Object head; AttributeHead attributes; } SimpleNamespace;
typedef struct Capsule {
  Object head;
  void *pointer;
  const char *name;
  void *context;
  void (*destructor)(VM *vm, struct Capsule *self);
} Capsule;

MUST_USE Ref cd_mappingproxy_new(VM *vm, Value mapping);
MUST_USE Ref cd_simple_namespace_new(VM *vm, Value dict);        // dict NO_VALUE: empty
MUST_USE Ref cd_capsule_new(VM *vm, void *pointer, const char *name);
void *cd_capsule_pointer(VM *vm, Value capsule, const char *name);               // NULL: exception

#endif
