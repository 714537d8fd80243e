// SPDX-License-Identifier: MIT
// gc.c: the gc module
#include "core/gc.h"
#include "coro/generator.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

FUNCTION(gc, enable, "enable()", "Enable automatic collections.")
{
  vm->gc.enabled = true;
  return cd_none();
}

FUNCTION(gc, disable, "disable()", "Disable automatic collections.")
{
  vm->gc.enabled = false;
  return cd_none();
}

FUNCTION(gc, isenabled, "isenabled()", "Tell whether automatic collections are enabled.") { return cd_bool(vm->gc.enabled); }

FUNCTION(gc, collect, "collect(generation=2)",
         "Collect garbage, in all generations or up to the given one.\n\nReturns the number of unreachable objects that were found.")
{
  int generation = GC_GENERATIONS - 1;
  if (cd_bits(args[0]) && !cd_to_c_int(vm, args[0], &generation)) return NO_REF;
  if (generation < 0 || generation >= GC_GENERATIONS) return cd_raise_value(vm, "invalid generation");
  return cd_int_from_i64(vm, cd_gc_collect(vm, generation));
}

FUNCTION(gc, set_debug, "set_debug(flags, /)",
         "Set debugging flags; output goes to stderr.\n\n  DEBUG_STATS\n    statistics of each collection.\n  DEBUG_COLLECTABLE\n    "
         "unreachable objects that were found.\n"
         "  DEBUG_UNCOLLECTABLE\n    those that could not be freed.\n  DEBUG_SAVEALL\n    keep them in gc.garbage instead of freeing "
         "them.\n  DEBUG_LEAK\n    all but the statistics.")
{
  return cd_to_c_int(vm, args[0], &vm->gc.debug) ? cd_none() : NO_REF;
}

FUNCTION(gc, get_debug, "get_debug()", "Return the debugging flags.") { return cd_from_small(vm->gc.debug); }

FUNCTION_RAW(gc, set_threshold, "set_threshold(threshold0, threshold1=None, threshold2=None)",
             "set_threshold(threshold0, [threshold1, threshold2]) -> None\n\nSet how often the generations are collected; 0 for threshold0 "
             "turns it off.")
{
  int values[GC_GENERATIONS];
  if (!cd_no_keywords(vm, "set_threshold", kwnames) || !cd_check_positional(vm, "set_threshold", nargs, 1, 3)) return NO_REF;
  for (size_t i = 0; i < nargs; i++)
    if (!cd_to_c_int(vm, args[i], &values[i])) return NO_REF;
  for (size_t i = 0; i < nargs; i++) vm->gc.threshold[i] = values[i];
  return cd_none();
}

FUNCTION(gc, get_threshold, "get_threshold()", "Return the thresholds as a tuple.")
{
  return cd_tuple3_steal(vm, cd_int_from_i64(vm, vm->gc.threshold[0]), cd_int_from_i64(vm, vm->gc.threshold[1]),
                         cd_int_from_i64(vm, vm->gc.threshold[2]));
}

FUNCTION(gc, get_count, "get_count()", "Return the counters of the generations as a tuple.")
{
  return cd_tuple3_steal(vm, cd_int_from_i64(vm, vm->gc.allocated[0]), cd_int_from_i64(vm, vm->gc.allocated[1]),
                         cd_int_from_i64(vm, vm->gc.allocated[2]));
}

FUNCTION(gc, get_stats, "get_stats()", "Return a list with a dict of statistics for each generation.")
{
  Ref list = cd_list_new(vm);
  for (int i = 0; list && i < GC_GENERATIONS; i++) {
    Ref dict = cd_dict_new(vm);
    const GcStats *stats = &vm->gc.stats[i];
    bool ok = dict && cd_dict_set_text(vm, dict, "collections", cd_from_small(stats->collections)) &&
              cd_dict_set_text(vm, dict, "collected", cd_from_small(stats->collected)) &&
              cd_dict_set_text(vm, dict, "uncollectable", cd_from_small(stats->uncollectable));
    if (!ok) cd_drop(vm, dict);
    if (!ok || !cd_list_append_steal(vm, cd_as_list(list), dict)) { cd_drop(vm, list); return NO_REF; }
  }
  return list;
}

static uint32_t gc_generation_begin(const Gc *gc, int generation)
{
  return generation == 0 ? gc->start[0] : generation == 1 ? gc->start[1] : gc->frozen;
}
static uint32_t gc_generation_end(const Gc *gc, int generation)
{
  return generation == 0 ? gc->count : generation == 1 ? gc->start[0] : gc->start[1];
}

FUNCTION(gc, get_objects, "get_objects(generation=None)",
         "Return a list of the objects that the collector tracks, in all generations or one.\n\nThe list itself is left out.")
{
  int from = 0, to = GC_GENERATIONS - 1;
  if (cd_bits(args[0]) && !cd_is_none(args[0])) {
    int generation;
    if (!cd_to_c_int(vm, args[0], &generation)) return NO_REF;
    if (generation >= GC_GENERATIONS)
      return cd_raise_value(vm, "generation parameter must be less than the number of available generations (%d)", GC_GENERATIONS);
    if (generation < 0) return cd_raise_value(vm, "generation parameter cannot be negative");
    from = to = generation;
  }
  if (!cd_audit(vm, "gc.get_objects", 1, (Value[]){cd_bits(args[0]) ? args[0] : cd_none()})) return NO_REF;
  Ref list = cd_coroutines_reveal(vm) ? cd_list_new(vm) : NO_REF;
  for (int g = to; list && g >= from; g--)
    for (uint32_t i = gc_generation_begin(&vm->gc, g); i < gc_generation_end(&vm->gc, g); i++) {
      Value object = cd_from_object(vm->gc.objects[i]);
      if (!cd_is(object, list) && !cd_list_append(vm, cd_as_list(list), object)) { cd_drop(vm, list); return NO_REF; }
    }
  return list;
}

// ---- who refers to whom ----

typedef struct GcSearch { const Value *wanted; size_t count; bool found; } GcSearch;

static void gc_search_visit(void *context, Value child)
{
  GcSearch *search = context;
  for (size_t i = 0; cd_is_object(child) && cd_bits(child) && !search->found && i < search->count; i++)
    search->found = cd_is(search->wanted[i], child);
}

FUNCTION(gc, get_referrers, "get_referrers(*objs)",
         "get_referrers(*objs) -> list\n\nReturn the tracked objects that refer directly to any of these.")
{
  Value wanted = args[0];
  if (!cd_audit(vm, "gc.get_referrers", 1, &wanted)) return NO_REF;
  Ref list = cd_coroutines_reveal(vm) ? cd_list_new(vm) : NO_REF;
  for (uint32_t i = 0; list && i < vm->gc.count; i++) {
    Object *object = vm->gc.objects[i];
    if (cd_is(cd_from_object(object), list) || cd_is(cd_from_object(object), wanted)) continue;
    GcSearch search = {cd_as_tuple(wanted)->items, cd_tuple_size(wanted), false};
    cd_object_traverse(object, gc_search_visit, &search);
    if (search.found && !cd_list_append(vm, cd_as_list(list), cd_from_object(object))) { cd_drop(vm, list); return NO_REF; }
  }
  return list;
}

typedef struct GcCollect { VM *vm; List *list; bool failed; } GcCollect;

static void gc_collect_visit(void *context, Value child)
{
  GcCollect *collect = context;
  if (cd_bits(child) && cd_bits(child) != ASYNC_NEXT_DIRECT && !collect->failed)
    collect->failed = !cd_list_append(collect->vm, collect->list, child);
}

FUNCTION(gc, get_referents, "get_referents(*objs)", "get_referents(*objs) -> list\n\nReturn the objects that these refer to directly.")
{
  Value objects = args[0];
  if (!cd_audit(vm, "gc.get_referents", 1, &objects)) return NO_REF;
  Ref list = cd_coroutines_reveal(vm) ? cd_list_new(vm) : NO_REF;
  if (!list) return NO_REF;
  GcCollect collect = {vm, cd_as_list(list), false};
  for (size_t i = 0; i < cd_tuple_size(objects); i++) {
    Value object = cd_tuple_item_borrow(objects, i);
    if (cd_is_object(object) && cd_object(object)->type->flags & TYPE_GC) cd_object_traverse(cd_object(object), gc_collect_visit, &collect);
  }
  if (!collect.failed) return list;
  cd_drop(vm, list);
  return NO_REF;
}

FUNCTION(gc, is_tracked, "is_tracked(obj, /)", "Tell whether the collector tracks the object. Atoms such as numbers are not tracked.")
{
  return cd_bool(cd_is_object(args[0]) && cd_gc_is_tracked(cd_object(args[0])));
}

FUNCTION(gc, is_finalized, "is_finalized(obj, /)", "Tell whether the object's finalizer has run.")
{
  return cd_bool(cd_is_object(args[0]) && cd_object(args[0])->gc & GC_FINALIZED);
}

// ---- the permanent generation ----

FUNCTION(gc, freeze, "freeze()", "Move all tracked objects to a permanent generation, which collections leave alone.")
{
  Gc *gc = &vm->gc;
  gc->frozen = gc->start[0] = gc->start[1] = gc->count;
  return cd_none();
}

FUNCTION(gc, unfreeze, "unfreeze()", "Move the objects of the permanent generation back to the oldest.")
{
  vm->gc.frozen = 0;
  return cd_none();
}

FUNCTION(gc, get_freeze_count, "get_freeze_count()", "How many objects gc.freeze() has put aside.")
{
  return cd_from_small(vm->gc.frozen);
}

static const MethodDef *const gc_functions[] = {
  &gc_enable_def, &gc_disable_def, &gc_isenabled_def, &gc_collect_def, &gc_set_debug_def, &gc_get_debug_def, &gc_set_threshold_def,
  &gc_get_threshold_def, &gc_get_count_def, &gc_get_stats_def, &gc_get_objects_def, &gc_get_referrers_def, &gc_get_referents_def,
  &gc_is_tracked_def, &gc_is_finalized_def, &gc_freeze_def, &gc_unfreeze_def, &gc_get_freeze_count_def, NULL,
};

static bool gc_exec(VM *vm, Value module)
{
  Gc *gc = &vm->gc;
  if ((!cd_bits(gc->garbage) && !(gc->garbage = cd_list_new(vm))) || (!cd_bits(gc->callbacks) && !(gc->callbacks = cd_list_new(vm))))
    return false;
  return cd_module_add(vm, module, "garbage", cd_dup(gc->garbage)) && cd_module_add(vm, module, "callbacks", cd_dup(gc->callbacks)) &&
         cd_module_add_int(vm, module, "DEBUG_STATS", 1) && cd_module_add_int(vm, module, "DEBUG_COLLECTABLE", 2) &&
         cd_module_add_int(vm, module, "DEBUG_UNCOLLECTABLE", 4) && cd_module_add_int(vm, module, "DEBUG_SAVEALL", 32) &&
         cd_module_add_int(vm, module, "DEBUG_LEAK", 38);
}

static void gc_state_clear(VM *vm, void *state UNUSED)
{
  cd_clear(vm, &vm->gc.garbage);
  cd_clear(vm, &vm->gc.callbacks);
}

const ModuleDef cd_module_gc = {
  .name = "gc",
  .doc = "Access to the collector of unreachable cycles.",
  .functions = gc_functions,
  .state_size = 8,
  .exec = gc_exec,
  .clear = gc_state_clear,
};
