// SPDX-License-Identifier: MIT
// weakref.h: weak references
#ifndef CEDE_OBJECTS_WEAKREF_H
#define CEDE_OBJECTS_WEAKREF_H

#include "core/vm.h"

struct Weakref {
  Object head;
  Object *referent;                              // not owned; NULL once it is dead
  Value callback;                                // owned or NO_VALUE
  int64_t hash;                                  // -1: not computed
  Weakref *previous, *next;                      // other references to the same object
};

MUST_USE Ref cd_weakref_new(VM *vm, Value referent, Value callback);             // TypeError for types without support
MUST_USE Ref cd_weakref_get(Value weakref);                                      // new reference, or NO_REF when dead
MUST_USE Ref cd_weakref_proxy_new(VM *vm, Value referent, Value callback);
void cd_weakrefs_clear(VM *vm, Object *object);                                  // at death: clears all, then runs callbacks
Weakref **cd_weaklist_of(Object *object);                                        // NULL: type has none

#endif
