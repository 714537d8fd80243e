// SPDX-License-Identifier: MIT
// cell.c: cells: variables that closures share
#include "objects/function.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

#include <stdio.h>

static Cell *cell_of(Value v) { return (Cell *)cd_object(v); }

Ref cd_cell_new(VM *vm, Value value)
{
  Cell *cell = cd_object_new(vm, vm->types.cell, sizeof *cell);
  if (!cell) return NO_REF;
  cell->value = value ? cd_dup(value) : NO_REF;
  return cd_from_object(cell);
}

static Ref cell_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "cell", kwnames) || !cd_check_positional(vm, "cell", nargs, 0, 1)) return NO_REF;
  return cd_cell_new(vm, nargs ? args[0] : NO_VALUE);
}

static Ref cell_repr(VM *vm, Value self)
{
  char at[32], of[32];
  Value value = cell_of(self)->value;
  snprintf(at, sizeof at, "0x%llx", (unsigned long long)cd_bits(self));
  if (!value) return cd_str_format(vm, "<cell at %s: empty>", at);
  snprintf(of, sizeof of, "0x%llx", (unsigned long long)cd_bits(value));
  return cd_str_format(vm, "<cell at %s: %.80s object at %s>", at, cd_type_name(cd_type_of(vm, value)), of);
}

static Ref cell_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_exact(other, vm->types.cell) || !cd_is_exact(self, vm->types.cell)) return cd_not_implemented();
  Value a = cell_of(self)->value, b = cell_of(other)->value;
  if (a && b) {
    Ref held_a = cd_dup(a), held_b = cd_dup(b);
    Ref result = cd_compare(vm, held_a, held_b, op);
    cd_drop(vm, held_a);
    cd_drop(vm, held_b);
    return result;
  }
  return cd_compare_ints((a != NO_VALUE) - (b != NO_VALUE), op);   // an empty cell is less than a full one
}

static Ref cell_get_contents(VM *vm, Value self)
{
  Value value = cell_of(self)->value;
  return value ? cd_dup(value) : cd_raise_value(vm, "Cell is empty");
}
static bool cell_set_contents(VM *vm, Value self, Value value)
{
  cd_replace(vm, &cell_of(self)->value, value ? cd_dup(value) : NO_REF);
  return true;
}
static void cell_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((Cell *)self)->value); }
static void cell_release(VM *vm, Object *self) { cd_clear(vm, &((Cell *)self)->value); }

static const GetSetDef cell_getset[] = {{"cell_contents", NULL, cell_get_contents, cell_set_contents}, {0}};
const TypeSpec cd_cell_spec = {
  .name = "cell",
  .doc = "cell([contents])\n--\n\nWhat a variable that closures share is kept in.\n\n  contents\n    what is in it. Without it the cell is "
         "empty, and reading cell_contents\n    is a ValueError.",
  .basicsize = sizeof(Cell),
  .flags = TYPE_GC,
  .getset = cell_getset,
  .slots = {.release = cell_release,
            .traverse = cell_traverse,
            .clear = cell_release,
            .repr = cell_repr,
            .compare = cell_compare,
            .new_ = cell_new_slot},
};
