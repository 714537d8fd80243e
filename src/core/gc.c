// SPDX-License-Identifier: MIT
// gc.c: the table of tracked objects; objects/collector.c walks it
#include "core/gc.h"
#include "core/vm.h"

// ORDER: generations. gc.objects holds [ generation 2 | generation 1 | generation 0 ], so a new object is appended, and an object leaves by
// moving the last one of its generation into the gap, then the last of the next younger generation into that gap, and so on.

void cd_gc_init(VM *vm)
{
  static const int64_t thresholds[GC_GENERATIONS] = {700, 10, 10};
  memcpy(vm->gc.threshold, thresholds, sizeof thresholds);
}

void cd_gc_start(VM *vm)
{
  Gc *gc = &vm->gc;
  gc->start[0] = gc->start[1] = gc->long_lived_total = gc->count;
  memset(gc->allocated, 0, sizeof gc->allocated);
  gc->enabled = true;
}

static inline void gc_place(Gc *gc, Object *object, uint32_t index)
{
  gc->objects[index] = object;
  object->gc = index << GC_FLAG_BITS | (object->gc & ((1u << GC_FLAG_BITS) - 1));
}

static NO_INLINE bool gc_grow(VM *vm)
{
  Gc *gc = &vm->gc;
  uint32_t capacity = gc->capacity ? gc->capacity * 2 : 1024;
  if (capacity > UINT32_MAX >> GC_FLAG_BITS) capacity = UINT32_MAX >> GC_FLAG_BITS;
  if (capacity <= gc->capacity) { if (vm->raise_memory) vm->raise_memory(vm); return false; }
  Object **objects = cd_realloc_table(vm, gc->objects, gc->capacity * sizeof *objects, capacity * sizeof *objects);
  if (!objects) return false;
  gc->objects = objects;
  gc->capacity = capacity;
  return true;
}

bool cd_gc_track(VM *vm, Object *object)
{
  Gc *gc = &vm->gc;
  CD_ASSERT(!(object->gc & GC_TRACKED));
  if (UNLIKELY(gc->count == gc->capacity) && !gc_grow(vm)) return false;
  uint32_t index = gc->count++;
  gc->objects[index] = object;
  object->gc = index << GC_FLAG_BITS | (object->gc & ((1u << GC_FLAG_BITS) - 1)) | GC_TRACKED;
  if (UNLIKELY(++gc->allocated[0] > gc->threshold[0]) && !gc->due && gc->enabled && gc->threshold[0] && !gc->collecting) {
    gc->due = true;
    atomic_fetch_or_explicit(&vm->breaker, BREAK_GC, memory_order_relaxed);
  }
  return true;
}

void cd_gc_untrack(VM *vm, Object *object)
{
  Gc *gc = &vm->gc;
  if (!(object->gc & GC_TRACKED)) return;
  uint32_t gap = object->gc >> GC_FLAG_BITS;
  CD_ASSERT(gap < gc->count && gc->objects[gap] == object);
  if (gap < gc->start[1]) {
    uint32_t last = --gc->start[1];
    if (gap < gc->frozen) {
      uint32_t last_frozen = --gc->frozen;
      if (gap != last_frozen) gc_place(gc, gc->objects[last_frozen], gap);
      gap = last_frozen;
    }
    if (gap != last) gc_place(gc, gc->objects[last], gap);
    gap = last;
  }
  if (gap < gc->start[0]) {
    uint32_t last = --gc->start[0];
    if (gap != last) gc_place(gc, gc->objects[last], gap);
    gap = last;
  }
  uint32_t last = --gc->count;
  if (gap != last) gc_place(gc, gc->objects[last], gap);
  object->gc &= (1u << GC_FLAG_BITS) - 1 - GC_TRACKED;
  if (gc->allocated[0] > 0) gc->allocated[0]--;
}

void cd_gc_finish(VM *vm)
{
  Gc *gc = &vm->gc;
  cd_free(vm, gc->objects, gc->capacity * sizeof *gc->objects);
  gc->objects = NULL;
  gc->count = gc->capacity = gc->start[0] = gc->start[1] = gc->frozen = 0;
}
