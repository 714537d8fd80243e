// SPDX-License-Identifier: MIT
// bool.c: True and False, ints of one bit
#include "core/vm.h"
#include "objects/int_private.h"
#include "objects/protocol.h"

static Ref bool_new_slot(VM *vm, Type *type UNUSED, const Value *args, size_t nargs, Value kwnames)
{
  bool truth = false;
  if (!cd_no_keywords(vm, "bool", kwnames) || !cd_check_positional(vm, "bool", nargs, 0, 1)) return NO_REF;
  return nargs == 0 || cd_truth(vm, args[0], &truth) ? cd_bool(truth) : NO_REF;
}

static Ref bool_repr_slot(VM *vm, Value self) { return cd_dup(cd_is_true(self) ? N(True_) : N(False_)); }

// Between bools the result is a bool; with other ints it is as for ints.
static Ref bool_bitwise(VM *vm, Value a, Value b, char op)
{
  if (cd_is_bool(a) && cd_is_bool(b)) {
    bool p = cd_is_true(a), q = cd_is_true(b);
    return cd_bool(op == '&' ? p & q : op == '|' ? p | q : p ^ q);
  }
  return cd_is_int(a) && cd_is_int(b) ? cd_int_bitwise(vm, a, b, op) : cd_not_implemented();
}
static Ref bool_and_slot(VM *vm, Value a, Value b) { return bool_bitwise(vm, a, b, '&'); }
static Ref bool_or_slot(VM *vm, Value a, Value b) { return bool_bitwise(vm, a, b, '|'); }
static Ref bool_xor_slot(VM *vm, Value a, Value b) { return bool_bitwise(vm, a, b, '^'); }

const TypeSpec cd_bool_spec = {
  .name = "bool",
  .doc = "bool(x) -> bool\n\nTrue when x is true, else False.\nThese two are the only instances of bool, a subclass of int that cannot be "
         "subclassed.",
  .basicsize = sizeof(Int),
  .flags = TYPE_INT | TYPE_IMMUTABLE | TYPE_VALUE_MATCH,
  .slots = {.repr = bool_repr_slot, .new_ = bool_new_slot, .and_ = bool_and_slot, .xor_ = bool_xor_slot, .or_ = bool_or_slot},
};
