// SPDX-License-Identifier: MIT
// lifetime.c: birth of instances, death of objects
#include "objects/instance.h"
#include "objects/raise.h"
#include "objects/weakref.h"

size_t cd_object_size(Object *object)
{
  Type *type = object->type;
  size_t size = type->slots.alloc_size ? cd_var_size(type, type->slots.alloc_size(object)) : type->basicsize;
  if (type->flags & TYPE_HAS_DICT) size += cd_attributes(object)->inline_capacity * sizeof(Value);
  return size;
}

void *cd_instance_new(VM *vm, Type *type)
{
  size_t inlined = type->flags & TYPE_HAS_DICT && !(type->flags & TYPE_EXTRA_AT_END) ? type->inline_capacity : 0;
  Object *object = cd_object_new(vm, type, type->basicsize + inlined * sizeof(Value));
  if (!object || !inlined) return object;
  AttributeHead *attributes = cd_attributes(object);
  attributes->values = (Value *)((char *)object + type->basicsize);
  attributes->capacity = attributes->inline_capacity = (uint32_t)inlined;
  return object;
}

// ---- visiting and dropping the storage that is the same for all types ----

// __slots__ of its classes make an object larger than its native layout.
static inline bool object_has_slots(const Object *object) { return object->type->basicsize != object->type->spec->basicsize; }

static void object_visit_slots(Object *object, VisitFn visit, void *context)
{
  if (!object_has_slots(object)) return;
  for (Type *type = object->type; type; type = type->base) {
    if (!type->slots_count) continue;
    const Value *slots = (const Value *)((char *)object + cd_extra(object) + type->slots_offset);
    for (uint32_t i = 0; i < type->slots_count; i++) visit(context, slots[i]);
  }
}

void cd_object_traverse(Object *object, VisitFn visit, void *context)
{
  Type *type = object->type;
  if (type->slots.traverse) type->slots.traverse(object, visit, context);
  if (type->flags & TYPE_HAS_DICT) cd_instance_traverse(object, visit, context);
  if (!(type->flags & TYPE_HEAP)) return;
  object_visit_slots(object, visit, context);
  visit(context, cd_type_value(type));
}

void cd_object_clear_slots(VM *vm, Object *object)
{
  if (!object_has_slots(object)) return;
  size_t extra = cd_extra(object);
  for (Type *type = object->type; type; type = type->base) {
    Value *slots = (Value *)((char *)object + extra + type->slots_offset);
    for (uint32_t i = 0; i < type->slots_count; i++) cd_clear(vm, &slots[i]);
  }
}

// ---- death ----

// An object whose count reached zero is taken apart at once, so that __del__ runs where CPython runs it. Taking apart drops children,
// which may die in turn, and so on: past DEALLOC_NESTING levels the dead wait in a list, and the outermost call frees them one after the
// other. The link is kept in the dead object's first word (count and collector index: both are over); its lowest bit remembers
// GC_FINALIZED.
enum { DEALLOC_NESTING = 40 };

static inline void dealloc_enqueue(VM *vm, Object *object)
{
  Thread *thread = vm->thread;
  cd_gc_untrack(vm, object);
  uint64_t link = (uint64_t)(uintptr_t)thread->dealloc_queue | (object->gc & GC_FINALIZED ? 1 : 0);
  memcpy(object, &link, sizeof link);
  thread->dealloc_queue = object;
}

static inline Object *dealloc_dequeue(Thread *thread)
{
  Object *object = thread->dealloc_queue;
  uint64_t link;
  memcpy(&link, object, sizeof link);
  thread->dealloc_queue = (Object *)(uintptr_t)(link & ~UINT64_C(1));
  object->refcount = 0;
  object->gc = link & 1 ? GC_FINALIZED : 0;
  return object;
}

// Runs the finalizer, once in an object's life (PEP 442). false: the object came back to life.
static NO_INLINE bool dealloc_finalize(VM *vm, Object *object)
{
  object->gc |= GC_FINALIZED;
  object->refcount = 1;
  Ref raised = cd_take_raised(vm);
  object->type->slots.finalize(vm, cd_from_object(object));
  CD_ASSERT(!cd_raised(vm));
  cd_restore_raised(vm, raised);
  if (--object->refcount == 0) return true;
  if (object->type->flags & TYPE_GC && !(object->gc & GC_TRACKED) && !cd_gc_track(vm, object)) cd_clear_raised(vm);
  return false;
}

static NO_INLINE void dealloc_weakrefs(VM *vm, Object *object)
{
  Weakref **list = cd_weaklist_of(object);
  if (!list || !*list) return;
  Ref raised = cd_take_raised(vm);
  cd_weakrefs_clear(vm, object);
  cd_restore_raised(vm, raised);
}

static void dealloc_object(VM *vm, Object *object)
{
  Type *type = object->type;
  if (type->slots.retire && type->slots.retire(vm, object)) return;
  if (LIKELY(!(type->flags & (TYPE_HEAP | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS)) &&
             !type->slots.finalize)) {   // no more than its native layout
    if (object->gc & GC_TRACKED) cd_gc_untrack(vm, object);
    size_t size = type->slots.alloc_size ? type->slots.alloc_size(object) : type->basicsize;
    if (type->slots.release) type->slots.release(vm, object);
    cd_free(vm, object, size);
    return;
  }
  if (type->slots.finalize && !(object->gc & GC_FINALIZED) && !dealloc_finalize(vm, object)) return;
  type = object->type;                           // __del__ may have assigned __class__
  if (object->gc & GC_TRACKED) cd_gc_untrack(vm, object);
  if (type->flags & TYPE_HAS_WEAKREFS) dealloc_weakrefs(vm, object);
  size_t size = cd_object_size(object);
  if (type->flags & TYPE_HEAP) cd_object_clear_slots(vm, object);
  if (type->flags & TYPE_HAS_DICT) cd_instance_release(vm, object);
  bool heap = type->flags & TYPE_HEAP;           // a dying type's own flags are gone after release
  if (type->slots.release) type->slots.release(vm, object);
  cd_free(vm, object, size);
  if (heap) cd_drop_object(vm, type);
}

void cd_object_dealloc(VM *vm, Object *object)
{
  Thread *thread = vm->thread;
  if (UNLIKELY(thread->dealloc_depth >= DEALLOC_NESTING)) { dealloc_enqueue(vm, object); return; }
  thread->dealloc_depth++;
  dealloc_object(vm, object);
  if (UNLIKELY(thread->dealloc_queue != NULL) && thread->dealloc_depth == 1)
    while (thread->dealloc_queue) dealloc_object(vm, dealloc_dequeue(thread));
  thread->dealloc_depth--;
}
