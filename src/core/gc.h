// SPDX-License-Identifier: MIT
// gc.h: the cycle collector over reference counts
#ifndef CEDE_CORE_GC_H
#define CEDE_CORE_GC_H

#include "core/object.h"

#define GC_GENERATIONS 3

typedef struct GcStats {
  int64_t collections, collected, uncollectable;
} GcStats;

// `objects` holds every tracked object, old generations first: [0, start[1]) is generation 2, [start[1], start[0]) is generation 1,
// the rest generation 0. An object's index is in its header, so untracking is O(1) swaps.
typedef struct Gc {
  Object **objects;
  uint32_t count, capacity;
  uint32_t start[2];                             // where generations 0 and 1 begin
  int64_t threshold[GC_GENERATIONS];
  int64_t allocated[GC_GENERATIONS];             // gc.get_count(): net allocations, then collections of the younger generation
  bool enabled, collecting;
  int debug;                                     // gc.set_debug bits
  uint32_t frozen;                               // objects[0, frozen) are never looked at: gc.freeze()
  uint32_t long_lived_total, long_lived_pending; // survivors of the last full collection; newcomers to the oldest generation since
  bool due;                                      // a threshold was passed: the eval breaker (BREAK_GC) calls cd_gc_poll
  Value garbage, callbacks;                      // lists, owned
  GcStats stats[GC_GENERATIONS];
} Gc;

MUST_USE bool cd_gc_track(VM *vm, Object *object);         // false: MemoryError
void cd_gc_untrack(VM *vm, Object *object);
static inline bool cd_gc_is_tracked(Object *object) { return object->gc & GC_TRACKED; }
void cd_gc_init(VM *vm);                                   // thresholds; lists are made by modules/gc.c at need
// What BREAK_GC asks for: collects the oldest generation whose threshold is passed. Runs Python, keeps the current exception.
void cd_gc_poll(VM *vm);
void cd_gc_start(VM *vm);                                  // start-up is over: what there is now is old, and collecting begins
void cd_gc_finish(VM *vm);                                 // at the VM's end: frees the table
// Collects generations 0..generation. Returns unreachable objects found. Runs Python (finalizers, callbacks).
int64_t cd_gc_collect(VM *vm, int generation);
// Visits everything `object` owns: native fields, instance attributes, slots, type.
void cd_object_traverse(Object *object, VisitFn visit, void *context);
void cd_object_clear_slots(VM *vm, Object *object);        // drops the __slots__ values of classes written in Python

#endif
