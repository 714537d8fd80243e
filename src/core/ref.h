// SPDX-License-Identifier: MIT
// ref.h: taking and dropping references
#ifndef CEDE_CORE_REF_H
#define CEDE_CORE_REF_H

#include "core/object.h"

// Called when a count reaches zero. Runs finalizers (runs Python), never recurses deeply: past a small depth dead objects
// wait in a list of the VM and are freed by the outermost call.
void cd_object_dealloc(VM *vm, Object *object);

static inline Ref cd_dup(Value v)
{
  if (cd_is_object(v) && cd_bits(v)) cd_object(v)->refcount++;
  return cd_from_bits(cd_bits(v));
}
// For a pointer that is known to be an object.
static inline Ref cd_dup_object(const void *object)
{
  ((Object *)object)->refcount++;
  return cd_from_object(object);
}
// Drops one reference. NO_REF and immediates are fine. May run Python (__del__, weakref callbacks).
static inline void cd_drop(VM *vm, Ref v)
{
  if (cd_is_object(v) && cd_bits(v)) {
    Object *object = cd_object(v);
    if (--object->refcount == 0) cd_object_dealloc(vm, object);
  }
}
static inline void cd_drop_object(VM *vm, void *object)
{
  if (object && --((Object *)object)->refcount == 0) cd_object_dealloc(vm, object);
}

// Slots in structures are declared `Value` and say "owned" in a comment; these three keep the discipline.
static inline void cd_replace(VM *vm, Value *slot, Ref value)     // steals value; drops the old one last
{
  Ref old = cd_from_bits(cd_bits(*slot));
  *slot = value;
  cd_drop(vm, old);
}
static inline void cd_clear(VM *vm, Value *slot) { cd_replace(vm, slot, NO_REF); }
static inline Ref cd_take(Value *slot)                            // moves the reference out
{
  Ref v = cd_from_bits(cd_bits(*slot));
  *slot = NO_VALUE;
  return v;
}

// The same for local variables, which are `Ref`.
static inline Ref cd_move(Ref *variable)                          // moves the reference out
{
  Ref v = *variable;
  *variable = NO_REF;
  return v;
}
static inline void cd_forget(VM *vm, Ref *variable) { cd_drop(vm, cd_move(variable)); }
// An array of owned references, shown to a function that borrows them.
static inline const Value *cd_lend(const Ref *refs) { return (const Value *)refs; }

#endif
