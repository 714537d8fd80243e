// SPDX-License-Identifier: MIT
// special.c: operators, subscripts and attributes whose special methods are written in Python run as frames of the loop
//
// Each cd_special_ function gives a frame for the method, its arguments bound, linked to nothing yet. NULL means an exception, or that the
// ordinary way through the type's slots must be taken: the method is native, takes other arguments, or the reflected one comes first.
// The operands stay in the registers of the instruction until the method has returned: NotImplemented needs them again.
#include "vm/eval.h"

#include "objects/protocol.h"
#include "objects/type.h"

static Value special_name(VM *vm, size_t offset)
{
  Value name;
  memcpy(&name, (const char *)&vm->names + offset, sizeof name);
  return name;
}

// A frame for type(args[0]).name(*args) if that is a Python function that takes just these.
static Frame *special_push(VM *vm, Value method, const Value *args, uint32_t nargs)
{
  if (!cd_bits(method) || !cd_is_exact(method, vm->types.function)) return NULL;
  Function *function = (Function *)cd_object(method);
  Code *code = function->code;
  if (!cd_code_is_simple(code) || code->arg_count != nargs) return NULL;
  if (!cd_deeper(vm, vm->thread)) return NULL;
  Frame *frame = cd_frame_push_simple(vm, vm->thread->stack, function, args, nargs);
  if (UNLIKELY(!frame)) vm->thread->recursion_depth--;
  return frame;
}

static Frame *special_push_named(VM *vm, Value name, const Value *args, uint32_t nargs)
{
  return special_push(vm, cd_type_lookup_borrow(vm, cd_object(args[0])->type, name), args, nargs);
}

// ---- operators ----

#define SPECIAL_NAME(name) offsetof(VmNames, name)
static const uint16_t special_binary[][2] = {
  // ORDER: binary (bytecode/opcodes.def): plain, in place
  {SPECIAL_NAME(__add__), SPECIAL_NAME(__iadd__)},         {SPECIAL_NAME(__sub__), SPECIAL_NAME(__isub__)},
  {SPECIAL_NAME(__mul__), SPECIAL_NAME(__imul__)},         {SPECIAL_NAME(__matmul__), SPECIAL_NAME(__imatmul__)},
  {SPECIAL_NAME(__truediv__), SPECIAL_NAME(__itruediv__)}, {SPECIAL_NAME(__floordiv__), SPECIAL_NAME(__ifloordiv__)},
  {SPECIAL_NAME(__mod__), SPECIAL_NAME(__imod__)},         {SPECIAL_NAME(__lshift__), SPECIAL_NAME(__ilshift__)},
  {SPECIAL_NAME(__rshift__), SPECIAL_NAME(__irshift__)},   {SPECIAL_NAME(__and__), SPECIAL_NAME(__iand__)},
  {SPECIAL_NAME(__xor__), SPECIAL_NAME(__ixor__)},         {SPECIAL_NAME(__or__), SPECIAL_NAME(__ior__)},
};
static const uint16_t special_compare[] = {                      // ORDER: compare
  SPECIAL_NAME(__lt__), SPECIAL_NAME(__le__), SPECIAL_NAME(__eq__), SPECIAL_NAME(__ne__), SPECIAL_NAME(__gt__), SPECIAL_NAME(__ge__),
};

// Is the left operand's method asked first, and then at most the right's slot? So for one class on both sides, or a native type on the
// right.
static bool special_left_first(Value a, Value b)
{
  if (!cd_is_object(b)) return true;
  Type *right = cd_object(b)->type;
  return right == cd_object(a)->type || !(right->flags & TYPE_HEAP);
}

static bool special_has_inplace(VM *vm, Value a, uint32_t op)
{
  return (op - OP_ADD) & 2 &&
         cd_bits(cd_type_lookup_borrow(vm, cd_object(a)->type, special_name(vm, special_binary[(op - OP_ADD) >> 2][1])));
}

Frame *cd_special_binary(VM *vm, Value a, Value b, uint32_t op)
{
  if (op >= OP_POWER || !special_left_first(a, b)) return NULL;
  const Value args[2] = {a, b};
  return special_push_named(vm, special_name(vm, special_binary[(op - OP_ADD) >> 2][special_has_inplace(vm, a, op)]), args, 2);
}

Frame *cd_special_compare(VM *vm, Value a, Value b, uint32_t op)
{
  if (!special_left_first(a, b)) return NULL;
  const Value args[2] = {a, b};
  return special_push_named(vm, special_name(vm, special_compare[op >= OP_LT_K ? op - OP_LT_K : op - OP_LT]), args, 2);
}

Frame *cd_special_contains(VM *vm, Value container, Value item)
{
  const Value args[2] = {container, item};
  return special_push_named(vm, N(__contains__), args, 2);
}

bool cd_special_result(VM *vm, Value a, Value b, uint32_t op, Ref *result)
{
  if (op == OP_IN || op == OP_NOT_IN) {
    bool truth;
    bool ok = cd_truth(vm, *result, &truth);
    cd_drop(vm, *result);
    *result = cd_bool(truth == (op == OP_IN));
    return ok;
  }
  if (op == OP_GET_ITER) {
    if (LIKELY(cd_type_of(vm, *result)->slots.next != NULL)) return true;
    cd_raise_type(vm, "iter() returned non-iterator of type '%.100s'", cd_type_name(cd_type_of(vm, *result)));
    cd_drop(vm, *result);
    return false;
  }
  if (LIKELY(!cd_is_not_implemented(*result)) || op == OP_GET_ITEM || op == OP_GET_ITEM_K) return true;
  if (op >= OP_LT) *result = cd_compare_refused(vm, a, b, (CompareOp)(op >= OP_LT_K ? op - OP_LT_K : op - OP_LT));
  else *result = cd_binary_refused(vm, a, b, cd_binary_op_of(op), (op - OP_ADD) & 2, special_has_inplace(vm, a, op));
  return cd_bits(*result) != 0;
}

// ---- subscripts ----

Frame *cd_special_get_item(VM *vm, Value container, Value key)
{
  const Value args[2] = {container, key};
  return special_push_named(vm, N(__getitem__), args, 2);
}

Frame *cd_special_set_item(VM *vm, Value container, Value key, Value value)
{
  const Value args[3] = {container, key, value};
  return cd_bits(value) ? special_push_named(vm, N(__setitem__), args, 3) : special_push_named(vm, N(__delitem__), args, 2);
}

Frame *cd_special_iter(VM *vm, Value iterable) { return special_push_named(vm, N(__iter__), &iterable, 1); }

// ---- attributes ----

Frame *cd_special_set_attr(VM *vm, Value object, Value name, Value value)
{
  Type *type = cd_object(object)->type;
  if (type->flags & TYPE_TYPE) return NULL;
  const Value args[3] = {object, name, value};
  if (!(type->flags & TYPE_DEFAULT_SETATTR))
    return cd_bits(value) ? special_push_named(vm, N(__setattr__), args, 3) : special_push_named(vm, N(__delattr__), args, 2);
  Value on_type = cd_type_lookup_borrow(vm, type, name);
  if (!cd_bits(on_type) || !cd_is_exact(on_type, vm->types.property)) return NULL;
  const Property *property = (const Property *)cd_object(on_type);
  const Value with_value[2] = {object, value};
  return cd_bits(value) ? special_push(vm, property->setter, with_value, 2) : special_push(vm, property->deleter, &object, 1);
}

// Only what an ordinary look-up misses goes to __getattr__. A class with a __getattribute__ of its own and __getattr__ is left to the slot.
Frame *cd_special_get_attr(VM *vm, Value object, Value name, Ref *out)
{
  Type *type = cd_object(object)->type;
  *out = NO_REF;
  if (type->flags & (TYPE_TYPE | TYPE_DEFAULT_GETATTR)) return NULL;
  Value hook = cd_type_lookup_borrow(vm, type, N(__getattr__)), all = cd_type_lookup_borrow(vm, type, N(__getattribute__));
  const Value args[2] = {object, name};
  if (!cd_bits(hook)) return special_push(vm, all, args, 2);
  if (!cd_is_exact(hook, vm->types.function) || !cd_is_object_getattribute(vm, all)) return NULL;
  Ref held = cd_dup(hook);                       // a descriptor may change the class
  Frame *frame = NULL;
  Find found = cd_generic_getattr_find(vm, object, name, out);
  if (found == FIND_MISSING || (found == FIND_ERROR && cd_swallow(vm, vm->exc.AttributeError))) {
    if (!(frame = special_push(vm, held, args, 2)) && !cd_raised(vm)) *out = cd_call(vm, held, args, 2, NO_VALUE);
  }
  cd_drop(vm, held);
  return frame;
}
