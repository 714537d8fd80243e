// SPDX-License-Identifier: MIT
// intrinsic.c: what the syntax of type parameters (PEP 695, 696) does at run time, and `yield from` in async generators (PEP 828)
#include "vm/eval.h"

#include "coro/generator.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

// Parameters and aliases are made by the native module _typing, whose types lie in a later layer.
static Ref intrinsic_make(VM *vm, const char *maker, const Value *args, size_t nargs)
{
  Ref function = cd_import_attr(vm, "_typing", maker);
  Ref result = function ? cd_call(vm, function, args, nargs, NO_VALUE) : NO_REF;
  cd_drop(vm, function);
  return result;
}

// Generic[T, *Ts]
static Ref intrinsic_generic(VM *vm, Value parameters)
{
  Ref tuple_type = cd_import_attr(vm, "typing", "TypeVarTuple"), generic = NO_REF, items = NO_REF, key = NO_REF, result = NO_REF;
  if (!tuple_type || !(items = cd_list_new(vm))) goto done;
  for (size_t i = 0; i < cd_tuple_size(parameters); i++) {
    Value parameter = cd_tuple_item_borrow(parameters, i);
    bool many;
    if (!cd_isinstance(vm, parameter, tuple_type, &many)) goto done;
    if (!(many ? cd_list_extend(vm, cd_as_list(items), parameter) : cd_list_append(vm, cd_as_list(items), parameter))) goto done;
  }
  if (!(key = cd_tuple_from(vm, items)) || !(generic = cd_import_attr(vm, "typing", "Generic"))) goto done;
  result = cd_getitem(vm, generic, key);
done:
  cd_drop(vm, tuple_type);
  cd_drop(vm, generic);
  cd_drop(vm, items);
  cd_drop(vm, key);
  return result;
}

static Ref intrinsic_namespace(VM *vm, const Frame *frame)
{
  return cd_bits(frame->locals) ? cd_dup(frame->locals) : cd_raise_system(vm, "no locals for a class body");
}

Ref cd_intrinsic(VM *vm, Frame *frame, Value *base, uint32_t number)
{
  static const uint8_t operands[] = {0, 3, 2, 2, 3, 1, 3, 3, 0, 1, 2, 2, 1};
  Ref result;
  switch (number) {
  case 1: result = intrinsic_make(vm, "_type_var", base, 3); break;
  case 2: result = intrinsic_make(vm, "_param_spec", base, 2); break;
  case 3: result = intrinsic_make(vm, "_type_var_tuple", base, 2); break;
  case 4: result = intrinsic_make(vm, "_type_alias", base, 3); break;
  case 5: result = intrinsic_generic(vm, base[0]); break;
  case 6: result = intrinsic_make(vm, "_constrained_type_var", base, 3); break;
  case 7: result = cd_load_in_class(vm, frame, base); break;
  case 8: result = intrinsic_namespace(vm, frame); break;
  case 9: result = cd_async_delegate_new(vm, base[0]); break;
  case 10: result = cd_async_delegate_send(vm, base[0], base[1]) ? cd_dup(base[0]) : NO_REF; break;
  case 11: result = cd_async_delegate_throw(vm, base[0], base[1]) ? cd_dup(base[0]) : NO_REF; break;
  case 12: result = cd_bool(cd_async_delegate_is_done(base[0])); break;
  default: return cd_raise_system(vm, "unknown intrinsic %d", (int)number);
  }
  for (uint32_t i = 0; result && i < operands[number]; i++) cd_clear(vm, &base[i]);
  return result;
}
