// SPDX-License-Identifier: MIT
// running.c: what objects/ asks about the function that runs, through hooks of core/vm.h
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

Value cd_running_globals(VM *vm)
{
  const Frame *frame = vm->thread->frame;
  return frame && frame->globals && cd_is_dict(frame->globals) ? frame->globals : NO_VALUE;
}

// ---- super() without arguments ----

static bool super_is_cell_register(const Code *code, uint32_t number)
{
  for (uint32_t i = 0; i < code->cell_count; i++)
    if (code->cell_registers[i] == number) return true;
  return false;
}

// The type from the __class__ cell and the first argument of the running function; both borrowed from its frame.
bool cd_super_arguments(VM *vm, Type **type, Value *object)
{
  Frame *frame = vm->thread->frame;
  if (!frame) return cd_raise_runtime(vm, "super(): no current frame");
  const Code *code = frame->code;
  if (!code->arg_count) return cd_raise_runtime(vm, "super(): no arguments");
  *object = frame->registers[0];
  if (*object && cd_is_exact(*object, vm->types.cell) && super_is_cell_register(code, 0)) *object = ((Cell *)cd_object(*object))->value;
  if (!*object) return cd_raise_runtime(vm, "super(): arg[0] deleted");
  for (size_t i = 0; i < cd_tuple_size(code->freevars); i++) {
    Value name = cd_tuple_item_borrow(code->freevars, i);
    if (!cd_is(name, N(__class__)) && !cd_str_equal(name, N(__class__))) continue;
    Value cell = frame->registers[code->first_free + i];
    if (!cell || !cd_is_exact(cell, vm->types.cell)) return cd_raise_runtime(vm, "super(): bad __class__ cell");
    Value cls = ((Cell *)cd_object(cell))->value;
    if (!cls) return cd_raise_runtime(vm, "super(): empty __class__ cell");
    if (!cd_is_type(cls)) return cd_raise_runtime(vm, "super(): __class__ is not a type (%s)", cd_type_name(cd_type_of(vm, cls)));
    *type = cd_as_type(cls);
    return true;
  }
  return cd_raise_runtime(vm, "super(): __class__ cell not found");
}
