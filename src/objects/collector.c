// SPDX-License-Identifier: MIT
// collector.c: finds unreachable cycles by trial deletion and takes them apart
#include "core/gc.h"
#include "objects/dict.h"
#include "objects/instance.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"

#include <stdio.h>
#include <time.h>

// A collection looks at the objects of some generations: a tail of gc.objects. `refs` beside it starts with their reference counts; every
// reference that one of them holds to another is subtracted. What keeps a positive count is held from outside; all that can be reached from
// there lives. The rest is garbage and is taken apart in CPython's order: weak references die, their callbacks run, finalizers run (PEP
// 442), what they brought back is let go again, and `clear` breaks the cycles of the others. No step recurses: marking has its own stack.
typedef struct Trial {
  Gc *gc;
  uint32_t begin, count;                         // objects[begin .. begin + count)
  uint32_t *refs;                                // REACHED once known to live
  uint32_t *stack;
  uint32_t stack_size;
} Trial;

typedef struct Garbage { Ref *objects; size_t count, capacity; } Garbage;

#define REACHED UINT32_MAX
#define GC_DOOMED 4u                             // header flag: in the garbage of the running collection
#define GC_ON_TOP GC_DOOMED                      // the same flag, later on: a stream that no other one, still open, writes to

enum { GC_DEBUG_STATS = 1, GC_DEBUG_COLLECTABLE = 2, GC_DEBUG_UNCOLLECTABLE = 4, GC_DEBUG_SAVEALL = 32 };

static inline bool trial_index(const Trial *trial, Value child, uint32_t *index)
{
  if (!cd_is_object(child) || !cd_bits(child)) return false;
  uint32_t gc = cd_object(child)->gc;
  if (!(gc & GC_TRACKED)) return false;
  *index = (gc >> GC_FLAG_BITS) - trial->begin;  // wraps to a huge number for older generations
  return *index < trial->count;
}

static void trial_subtract(void *context, Value child)
{
  Trial *trial = context;
  uint32_t index;
  if (!trial_index(trial, child, &index)) return;
  CD_ASSERT(trial->refs[index] > 0 && "an object is visited more often than it is referenced");
  if (LIKELY(trial->refs[index] > 0)) trial->refs[index]--;
}

static void trial_reach(void *context, Value child)
{
  Trial *trial = context;
  uint32_t index;
  if (!trial_index(trial, child, &index) || trial->refs[index] == REACHED) return;
  trial->refs[index] = REACHED;
  trial->stack[trial->stack_size++] = index;
}

// cd_object_traverse, without a call for objects that are no more than their native layout.
static inline void trial_traverse(Trial *trial, Object *object, VisitFn visit)
{
  const Type *type = object->type;
  if (type->flags & (TYPE_HAS_DICT | TYPE_HEAP)) cd_object_traverse(object, visit, trial);
  else if (type->slots.traverse) type->slots.traverse(object, visit, trial);
}

static void trial_run(Trial *trial)
{
  Object **objects = trial->gc->objects + trial->begin;
  for (uint32_t i = 0; i < trial->count; i++) trial->refs[i] = objects[i]->refcount;
  for (uint32_t i = 0; i < trial->count; i++) trial_traverse(trial, objects[i], trial_subtract);
  for (uint32_t i = 0; i < trial->count; i++) {
    if (trial->refs[i] == 0 || trial->refs[i] == REACHED) continue;
    trial->refs[i] = REACHED;
    trial->stack[trial->stack_size++] = i;
    while (trial->stack_size) trial_traverse(trial, objects[trial->stack[--trial->stack_size]], trial_reach);
  }
}

// ---- taking the garbage apart ----

static bool garbage_add(VM *vm, Garbage *garbage, Object *object)
{
  if (garbage->count == garbage->capacity) {
    size_t capacity = garbage->capacity ? garbage->capacity * 2 : 64;
    Ref *objects = cd_realloc(vm, garbage->objects, garbage->capacity * sizeof(Ref), capacity * sizeof(Ref));
    if (!objects) return false;
    garbage->objects = objects;
    garbage->capacity = capacity;
  }
  garbage->objects[garbage->count++] = cd_dup_object(object);
  return true;
}

static void garbage_release(VM *vm, Garbage *garbage)
{
  for (size_t i = 0; i < garbage->count; i++) cd_drop(vm, garbage->objects[i]);
  cd_free(vm, garbage->objects, garbage->capacity * sizeof(Ref));
  *garbage = (Garbage){0};
}

// Weak references to garbage read as dead before any Python code runs. Those that live and have a callback are collected in `calls`.
static bool garbage_clear_weakrefs(VM *vm, Garbage *garbage, Garbage *calls)
{
  bool ok = true;
  for (size_t i = 0; i < garbage->count; i++) {
    Weakref **list = cd_weaklist_of(cd_object(garbage->objects[i]));
    while (list && *list) {
      Weakref *weak = *list;
      *list = weak->next;
      if (weak->next) weak->next->previous = NULL;
      weak->next = weak->previous = NULL;
      weak->referent = NULL;
      if (cd_bits(weak->callback) && !(weak->head.gc & GC_DOOMED)) ok = garbage_add(vm, calls, &weak->head) && ok;
    }
  }
  return ok;
}

static void garbage_run_callbacks(VM *vm, Garbage *calls)
{
  for (size_t i = 0; i < calls->count; i++) {
    Weakref *weak = (Weakref *)cd_object(calls->objects[i]);
    Ref callback = cd_take(&weak->callback);
    if (!callback) continue;
    Ref result = cd_call1(vm, callback, calls->objects[i]);
    if (!result) cd_write_unraisable(vm, callback);
    cd_drop(vm, result);
    cd_drop(vm, callback);
  }
}

static inline bool garbage_awaits_finalizer(const Object *object, bool stream)
{
  return object->type->slots.finalize && !(object->gc & GC_FINALIZED) && !(object->type->flags & TYPE_STREAM) == !stream;
}

static void garbage_finalize_one(VM *vm, Object *object)
{
  object->gc |= GC_FINALIZED;
  object->type->slots.finalize(vm, cd_from_object(object));
}

static void garbage_not_on_top(void *context UNUSED, Value child)
{
  if (cd_is_object(child) && cd_bits(child) && cd_object(child)->gc & GC_ON_TOP) cd_object(child)->gc &= ~GC_ON_TOP;
}

// A text layer hands its text to the buffer, the buffer its bytes to the file: each stream is finalized before those that it holds.
static void garbage_finalize_streams(VM *vm, Garbage *garbage)
{
  for (bool left = true, any = true; left;) {
    bool by_force = !any;                        // they hold each other in a ring
    left = any = false;
    for (size_t i = 0; i < garbage->count; i++) {
      Object *object = cd_object(garbage->objects[i]);
      if (garbage_awaits_finalizer(object, true)) left = true, object->gc |= GC_ON_TOP;
    }
    for (size_t i = 0; i < garbage->count; i++) {
      Object *object = cd_object(garbage->objects[i]);
      if (garbage_awaits_finalizer(object, true) && !by_force) cd_object_traverse(object, garbage_not_on_top, NULL);
    }
    for (size_t i = 0; i < garbage->count; i++) {
      Object *object = cd_object(garbage->objects[i]);
      if (!(object->gc & GC_ON_TOP)) continue;
      object->gc &= ~GC_ON_TOP;
      if (!garbage_awaits_finalizer(object, true)) continue;
      any = true;
      garbage_finalize_one(vm, object);
    }
  }
}

static bool garbage_finalize(VM *vm, Garbage *garbage)
{
  bool any = false, streams = false;
  for (size_t i = 0; i < garbage->count; i++) {
    Object *object = cd_object(garbage->objects[i]);
    if (garbage_awaits_finalizer(object, true)) streams = true;
    else if (garbage_awaits_finalizer(object, false)) any = true, garbage_finalize_one(vm, object);
  }
  if (streams) garbage_finalize_streams(vm, garbage);
  return any || streams;
}

// After finalizers: a second trial among the garbage alone. `slot_of` maps an index in gc.objects to a place in the garbage, + 1.
typedef struct Retrial { Garbage *garbage; uint32_t *slot_of; uint32_t limit; uint32_t *refs, *stack; size_t stack_size; } Retrial;

static inline uint32_t *retrial_refs(Retrial *retrial, Value child, uint32_t *slot)
{
  if (!cd_is_object(child) || !cd_bits(child)) return NULL;
  uint32_t gc = cd_object(child)->gc;
  if (!(gc & GC_TRACKED) || gc >> GC_FLAG_BITS >= retrial->limit || !(*slot = retrial->slot_of[gc >> GC_FLAG_BITS])) return NULL;
  return &retrial->refs[--*slot];
}

static void retrial_subtract(void *context, Value child)
{
  uint32_t slot, *refs = retrial_refs(context, child, &slot);
  if (refs && *refs) --*refs;
}

static void retrial_reach(void *context, Value child)
{
  Retrial *retrial = context;
  uint32_t slot, *refs = retrial_refs(retrial, child, &slot);
  if (!refs || *refs == REACHED) return;
  *refs = REACHED;
  retrial->stack[retrial->stack_size++] = slot;
}

// Drops from `garbage` what finalizers made reachable again.
static bool garbage_let_go_of_resurrected(VM *vm, Garbage *garbage)
{
  uint32_t limit = vm->gc.count;
  Retrial retrial = {.garbage = garbage, .limit = limit};
  size_t map_bytes = limit * sizeof(uint32_t), ref_bytes = garbage->count * sizeof(uint32_t);
  retrial.slot_of = cd_alloc_zeroed(vm, map_bytes);
  retrial.refs = retrial.slot_of ? cd_alloc(vm, ref_bytes) : NULL;
  retrial.stack = retrial.refs ? cd_alloc(vm, ref_bytes) : NULL;
  bool ok = retrial.stack != NULL;
  Garbage resurrected = {0};
  if (ok) {
    for (size_t i = 0; i < garbage->count; i++) {
      Object *object = cd_object(garbage->objects[i]);
      retrial.refs[i] = object->refcount - 1;    // one is ours
      if (object->gc & GC_TRACKED) retrial.slot_of[object->gc >> GC_FLAG_BITS] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < garbage->count; i++) cd_object_traverse(cd_object(garbage->objects[i]), retrial_subtract, &retrial);
    for (size_t i = 0; i < garbage->count; i++) {
      if (retrial.refs[i] == 0 || retrial.refs[i] == REACHED) continue;
      retrial.refs[i] = REACHED;
      retrial.stack[retrial.stack_size++] = (uint32_t)i;
      while (retrial.stack_size)
        cd_object_traverse(cd_object(garbage->objects[retrial.stack[--retrial.stack_size]]), retrial_reach, &retrial);
    }
    size_t kept = 0, count = garbage->count;
    for (size_t i = 0; i < count; i++) {
      Ref object = garbage->objects[i];
      if (retrial.refs[i] != REACHED) garbage->objects[kept++] = object;
      else if (ok) {
        ok = garbage_add(vm, &resurrected, cd_object(object));
        cd_object(object)->refcount--;           // the list holds it now; never the last one
      }
    }
    garbage->count = kept;
  }
  cd_free(vm, retrial.stack, ref_bytes);
  cd_free(vm, retrial.refs, ref_bytes);
  cd_free(vm, retrial.slot_of, map_bytes);
  garbage_release(vm, &resurrected);
  return ok;
}

static void garbage_break_cycles(VM *vm, Garbage *garbage)
{
  for (size_t i = 0; i < garbage->count; i++) {
    Object *object = cd_object(garbage->objects[i]);
    if (object->refcount == 1) continue;         // only we hold it: the drop below does all
    Type *type = object->type;
    if (type->slots.clear) type->slots.clear(vm, object);
    if (type->flags & TYPE_HEAP) cd_object_clear_slots(vm, object);
    if (type->flags & TYPE_HAS_DICT) cd_instance_release(vm, object);
  }
}

// ---- one collection ----

static bool collect_untrackable(Object *object, const Type *tuple)
{
  if (object->type != tuple) return false;
  const Tuple *t = (const Tuple *)object;
  for (size_t i = 0; i < t->size; i++) {
    Value item = t->items[i];
    if (!cd_bits(item)) return false;
    if (cd_is_object(item) &&
        (cd_object(item)->gc & GC_TRACKED || (cd_object(item)->type->flags & TYPE_GC && cd_object(item)->type != tuple)))
      return false;
  }
  return true;
}

// Tuples of atoms can't be part of a cycle: the collector need not look at them again.
static void collect_untrack_tuples(VM *vm, uint32_t begin)
{
  for (uint32_t i = vm->gc.count; i-- > begin;)
    if (collect_untrackable(vm->gc.objects[i], vm->types.tuple)) cd_gc_untrack(vm, vm->gc.objects[i]);
}

static uint32_t collect_begin(const Gc *gc, int generation)
{
  return generation == 0 ? gc->start[0] : generation == 1 ? gc->start[1] : gc->frozen;
}

static bool collect_find(VM *vm, int generation, Garbage *garbage)
{
  Gc *gc = &vm->gc;
  Trial trial = {.gc = gc, .begin = collect_begin(gc, generation)};
  trial.count = gc->count - trial.begin;
  size_t bytes = (size_t)trial.count * sizeof(uint32_t);
  trial.refs = cd_alloc(vm, bytes);
  trial.stack = trial.refs ? cd_alloc(vm, bytes) : NULL;
  bool ok = trial.stack != NULL;
  if (ok) {
    trial_run(&trial);
    for (uint32_t i = 0; i < trial.count && ok; i++)
      if (trial.refs[i] == 0) {
        ok = garbage_add(vm, garbage, gc->objects[trial.begin + i]);
        gc->objects[trial.begin + i]->gc |= GC_DOOMED;
      }
    gc->start[0] = gc->count;
    if (generation >= 1) gc->start[1] = gc->count;
  }
  cd_free(vm, trial.stack, bytes);
  cd_free(vm, trial.refs, bytes);
  if (ok) collect_untrack_tuples(vm, trial.begin);
  return ok;
}

static void collect_print(VM *vm UNUSED, const char *what, const Garbage *garbage)
{
  for (size_t i = 0; i < garbage->count; i++) {
    Object *object = cd_object(garbage->objects[i]);
    fprintf(stderr, "gc: %s <%s %p>\n", what, cd_type_name(object->type), (void *)object);
  }
}

static int64_t collect_dispose(VM *vm, Garbage *garbage)
{
  Gc *gc = &vm->gc;
  if (gc->debug & GC_DEBUG_COLLECTABLE) collect_print(vm, "collectable", garbage);
  Garbage calls = {0};
  bool ok = garbage_clear_weakrefs(vm, garbage, &calls);
  for (size_t i = 0; i < garbage->count; i++) cd_object(garbage->objects[i])->gc &= ~GC_DOOMED;
  if (!ok) cd_clear_raised(vm);
  garbage_run_callbacks(vm, &calls);
  garbage_release(vm, &calls);
  if (garbage_finalize(vm, garbage) && !garbage_let_go_of_resurrected(vm, garbage)) {
    cd_clear_raised(vm);
    garbage_release(vm, garbage);
    return 0;
  }
  int64_t found = (int64_t)garbage->count;
  if (gc->debug & GC_DEBUG_SAVEALL) {
    if (!cd_bits(gc->garbage)) gc->garbage = cd_list_new(vm);
    for (size_t i = 0; cd_bits(gc->garbage) && i < garbage->count; i++)
      if (!cd_list_append(vm, cd_as_list(gc->garbage), garbage->objects[i])) break;
    cd_clear_raised(vm);
  } else {
    garbage_break_cycles(vm, garbage);
  }
  garbage_release(vm, garbage);
  return found;
}

static void collect_notify(VM *vm, const char *phase, int generation, int64_t collected)
{
  Value callbacks = vm->gc.callbacks;
  if (!cd_bits(callbacks) || !cd_is_list(callbacks) || !cd_list_size(callbacks)) return;
  Ref name = cd_str_from(vm, phase), info = cd_dict_new(vm);
  if (!name || !info || !cd_dict_set_text(vm, info, "generation", cd_from_small(generation)) ||
      !cd_dict_set_text(vm, info, "collected", cd_from_small(collected)) || !cd_dict_set_text(vm, info, "uncollectable", cd_from_small(0)))
    cd_write_unraisable(vm, NO_VALUE);
  else
    for (size_t i = 0; i < cd_list_size(callbacks); i++) {
      Ref callback = cd_dup(cd_list_item_borrow(callbacks, i));
      Ref result = cd_call2(vm, callback, name, info);
      if (!result) cd_write_unraisable(vm, callback);
      cd_drop(vm, result);
      cd_drop(vm, callback);
    }
  cd_drop(vm, name);
  cd_drop(vm, info);
}

static void collect_print_counts(const Gc *gc, int generation)
{
  fprintf(stderr, "gc: collecting generation %d...\ngc: objects in each generation: %u %u %u\ngc: objects in permanent generation: %u\n",
          generation, gc->count - gc->start[0], gc->start[0] - gc->start[1], gc->start[1] - gc->frozen, gc->frozen);
}

int64_t cd_gc_collect(VM *vm, int generation)
{
  Gc *gc = &vm->gc;
  if (gc->collecting) return 0;
  gc->collecting = true;
  Ref raised = cd_take_raised(vm);
  collect_notify(vm, "start", generation, 0);
  if (gc->debug & GC_DEBUG_STATS) collect_print_counts(gc, generation);

  if (generation + 1 < GC_GENERATIONS) gc->allocated[generation + 1]++;
  for (int i = 0; i <= generation; i++) gc->allocated[i] = 0;
  Garbage garbage = {0};
  int64_t found = 0;
  if (collect_find(vm, generation, &garbage)) {
    found = collect_dispose(vm, &garbage);
  } else {
    for (size_t i = 0; i < garbage.count; i++) cd_object(garbage.objects[i])->gc &= ~GC_DOOMED;
    garbage_release(vm, &garbage);
    cd_clear_raised(vm);
  }
  gc->stats[generation].collections++;
  gc->stats[generation].collected += found;
  if (generation == GC_GENERATIONS - 1) gc->long_lived_pending = 0, gc->long_lived_total = gc->count;
  else if (generation == GC_GENERATIONS - 2)
    gc->long_lived_pending = gc->count > gc->long_lived_total ? gc->count - gc->long_lived_total : 0;

  if (gc->debug & GC_DEBUG_STATS) fprintf(stderr, "gc: done, %lld unreachable, 0 uncollectable\n", (long long)found);
  collect_notify(vm, "stop", generation, found);
  cd_restore_raised(vm, raised);
  gc->collecting = false;
  return found;
}

void cd_gc_poll(VM *vm)
{
  Gc *gc = &vm->gc;
  gc->due = false;
  if (!gc->enabled || gc->collecting) return;
  for (int generation = GC_GENERATIONS - 1; generation >= 0; generation--) {
    if (!gc->threshold[generation] || gc->allocated[generation] <= gc->threshold[generation]) continue;
    // A full collection costs time in proportion to everything that lives: it waits until a quarter of it is new.
    if (generation == GC_GENERATIONS - 1 && gc->long_lived_pending < gc->long_lived_total / 4) continue;
    cd_gc_collect(vm, generation);
    return;
  }
}
