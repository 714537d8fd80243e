// SPDX-License-Identifier: MIT
// async_registry.c: which async generators are open, whose they are, and in which order the end of a run closes them
//
// The VM knows every generator (vm->live_generators), so none is forgotten because the loop that began it is gone, or because there was
// none. One that is dropped before any loop has seen it, with cleanup that may have to await, becomes an orphan: the VM keeps it until a
// run ends that can close it; without any it is closed at the VM's end, as far as that goes without awaiting.
#include "coro/coro.h"

#include "objects/function.h"
#include "objects/list.h"

#include <stdlib.h>

// ---- orphans ----

// Could the cleanup of a generator that is suspended at a `yield` await something? Looks at all code behind the handler in force.
static bool registry_may_await(const Frame *frame)
{
  const Code *code = frame->code;
  const Handler *handler = cd_code_handler(code, (uint32_t)(frame->pc - code->instrs));
  if (!handler) return false;
  for (uint32_t i = handler->target; i < code->unit_count; i += cd_opcode_units[code->instrs[i].op]) {
    uint16_t op = code->instrs[i].op;
    if (op == OP_DELEGATE || op == OP_ASYNC_NEXT) return true;
  }
  return false;
}

bool cd_async_orphan(VM *vm, Generator *generator)
{
  if (vm->asyncgen_mode == ASYNCGEN_COMPAT || vm->finalizing || generator->closed) return false;
  if (generator->frame.state != FRAME_SUSPENDED || !registry_may_await(&generator->frame)) return false;
  Ref raised = cd_take_raised(vm);
  bool kept = (vm->orphans || (vm->orphans = cd_list_new(vm))) && cd_list_append(vm, cd_as_list(vm->orphans), cd_from_object(generator));
  if (kept) generator->own_context = true;
  cd_clear_raised(vm);
  cd_restore_raised(vm, raised);
  return kept;
}

void cd_async_orphans_close(VM *vm)
{
  Ref orphans = cd_take(&vm->orphans);
  for (size_t i = 0; orphans && i < cd_as_list(orphans)->size; i++) {
    Value generator = cd_as_list(orphans)->items[i];
    if (!cd_generator_close(vm, generator)) cd_write_unraisable(vm, generator);
  }
  cd_drop(vm, orphans);
}

// ---- what is open ----

// Was it first iterated under `loop`, or, with NO_VALUE, outside of any? Loops set their own methods as hooks.
static bool registry_belongs(VM *vm, const Generator *generator, Value loop)
{
  Value hook = generator->rest ? generator->rest->finalizer : NO_VALUE;
  if (!cd_bits(hook)) return generator->frame.state == FRAME_SUSPENDED && !generator->running_async;
  if (!cd_bits(loop)) return false;
  if (cd_is_exact(hook, vm->types.method)) return cd_is(((Method *)cd_object(hook))->self, loop);
  return cd_is_exact(hook, vm->types.native) && cd_is(((Native *)cd_object(hook))->self, loop);
}

static bool registry_is_open(const VM *vm, const Generator *generator)
{
  return generator->counted && generator->head.refcount && generator->head.type == vm->types.async_generator && !generator->closed &&
         generator->frame.state != FRAME_DONE;
}

typedef struct OpenGenerator {
  Generator *generator;
  uint32_t holders;                              // other ones whose frames hold it
  uint32_t place;                                // in the order found, youngest first
  bool listed;
} OpenGenerator;

typedef struct OpenTable {
  OpenGenerator *items;                          // by address
  size_t count;
  const Generator *holder;                       // whose references are being looked at
  int change;                                    // +1 or -1 to each `holders`
  int depth;
  VM *vm;
} OpenTable;

static int open_by_address(const void *a, const void *b)
{
  const Generator *x = ((const OpenGenerator *)a)->generator, *y = ((const OpenGenerator *)b)->generator;
  return (x > y) - (x < y);
}

// References lead through variables of closures, containers and coroutines.
static bool open_leads_on(const VM *vm, const Type *type)
{
  const VmTypes *t = &vm->types;
  return type == t->cell || type == t->tuple || type == t->list || type == t->dict || type == t->set || type == t->coroutine ||
         type == t->async_generator_asend || type == t->async_generator_athrow || type == t->method;
}

static void open_visit(void *context, Value child)
{
  OpenTable *table = context;
  if (!cd_bits(child) || !cd_is_object(child)) return;
  Object *object = cd_object(child);
  if (object->type == table->vm->types.async_generator) {
    const OpenGenerator wanted = {.generator = (Generator *)object};
    OpenGenerator *found = bsearch(&wanted, table->items, table->count, sizeof *found, open_by_address);
    if (found && found->generator != table->holder) found->holders += (uint32_t)table->change;
    return;
  }
  if (table->depth >= 3 || !open_leads_on(table->vm, object->type)) return;
  table->depth++;
  object->type->slots.traverse(object, open_visit, table);
  table->depth--;
}

static void open_count_holders(OpenTable *table, Generator *holder, int change)
{
  table->holder = holder;
  table->change = change;
  table->depth = 0;
  cd_generator_traverse(&holder->head, open_visit, table);
}

// Consumers before producers: always the youngest of those that no other one holds; of a circle, the youngest.
static bool open_append_sorted(VM *vm, OpenTable *table, Value list)
{
  for (size_t i = 0; i < table->count; i++) open_count_holders(table, table->items[i].generator, 1);
  for (size_t left = table->count; left; left--) {
    OpenGenerator *next = NULL;
    for (size_t i = 0; i < table->count; i++) {
      OpenGenerator *o = &table->items[i];
      if (o->listed) continue;
      if (!next || (!o->holders && next->holders) || (!o->holders == !next->holders && o->place < next->place)) next = o;
    }
    next->listed = true;
    if (!cd_list_append(vm, cd_as_list(list), cd_from_object(next->generator))) return false;
    open_count_holders(table, next->generator, -1);
  }
  return true;
}

Ref cd_async_generators_open(VM *vm, Value loop)
{
  Ref list = cd_list_new(vm), orphans = cd_take(&vm->orphans);
  size_t count = 0;
  for (Generator *g = vm->live_generators; g; g = g->live_next) count += registry_is_open(vm, g) && registry_belongs(vm, g, loop);
  OpenTable table = {.vm = vm, .items = count ? cd_alloc_array(vm, count, sizeof(OpenGenerator)) : NULL};
  bool fine = list && (!count || table.items);
  if (fine) {
    for (Generator *g = vm->live_generators; g; g = g->live_next)
      if (registry_is_open(vm, g) && registry_belongs(vm, g, loop)) {
        table.items[table.count] = (OpenGenerator){.generator = g, .place = (uint32_t)table.count};
        table.count++;
      }
    if (table.count) qsort(table.items, table.count, sizeof *table.items, open_by_address);
    fine = open_append_sorted(vm, &table, list);
  }
  if (table.items) cd_free(vm, table.items, count * sizeof(OpenGenerator));
  for (size_t i = 0; fine && i < cd_as_list(list)->size; i++)
    if (vm->asyncgen_mode != ASYNCGEN_COMPAT) cd_as_generator(cd_as_list(list)->items[i])->own_context = true;
  if (fine) {
    cd_drop(vm, orphans);                        // they are in the list
    return list;
  }
  vm->orphans = orphans;
  cd_drop(vm, list);
  return NO_REF;
}
