// SPDX-License-Identifier: MIT
// type_slots.c: the one table of dunder names and slots: wrappers that show native slots as methods, and slot functions that call
// the methods of classes written in Python
#include "objects/type_slots.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- calling dunder methods ----

// Calls type(self).name(self, args...). FIND_MISSING: there is none (nothing set).
static Find dunder_try(VM *vm, Value self, Value name, const Value *args, size_t nargs, Ref *out)
{
  Type *type = cd_type_of(vm, self);
  Value method = cd_type_lookup_borrow(vm, type, name);
  if (!method) return FIND_MISSING;
  Ref held = cd_dup(method);
  Type *kind = cd_type_of(vm, held);
  if (LIKELY(kind->flags & TYPE_METHOD_DESCRIPTOR)) {
    Value all[4];
    CD_ASSERT(nargs < ARRAY_LEN(all));
    all[0] = self;
    for (size_t i = 0; i < nargs; i++) all[i + 1] = args[i];
    *out = cd_call(vm, held, all, nargs + 1, NO_VALUE);
  } else if (kind->slots.descr_get) {
    Ref bound = kind->slots.descr_get(vm, held, self, cd_type_value(type));
    *out = bound ? cd_call(vm, bound, args, nargs, NO_VALUE) : NO_REF;
    cd_drop(vm, bound);
  } else {
    *out = cd_call(vm, held, args, nargs, NO_VALUE);
  }
  cd_drop(vm, held);
  return *out ? FIND_HIT : FIND_ERROR;
}

static Ref dunder_call(VM *vm, Value self, Value name, const Value *args, size_t nargs)
{
  Ref result;
  Find found = dunder_try(vm, self, name, args, nargs, &result);
  if (found == FIND_HIT) return result;
  if (found == FIND_MISSING) cd_raise_attribute(vm, self, name, "%U", name);
  return NO_REF;
}

// ---- generic slot functions ----

#define GENERIC_UNARY(slot, name) \
  static Ref dunder_##slot(VM *vm, Value self) { return dunder_call(vm, self, N(name), NULL, 0); }
GENERIC_UNARY(negative, __neg__)
GENERIC_UNARY(positive, __pos__)
GENERIC_UNARY(absolute, __abs__)
GENERIC_UNARY(invert, __invert__)
GENERIC_UNARY(int_, __int__)
GENERIC_UNARY(float_, __float__)
GENERIC_UNARY(index, __index__)

static Ref dunder_async(VM *vm, Value self, Value name)
{
  Ref result;
  Find found = dunder_try(vm, self, name, NULL, 0, &result);
  if (found == FIND_MISSING)
    cd_raise_attribute(vm, self, name, "object %.50s does not have %U method", cd_type_name(cd_type_of(vm, self)), name);
  return found == FIND_HIT ? result : NO_REF;
}
static Ref dunder_await(VM *vm, Value self) { return dunder_async(vm, self, N(__await__)); }
static Ref dunder_aiter(VM *vm, Value self) { return dunder_async(vm, self, N(__aiter__)); }
static Ref dunder_anext(VM *vm, Value self) { return dunder_async(vm, self, N(__anext__)); }

static Ref dunder_repr(VM *vm, Value self)
{
  Ref result;
  Find found = dunder_try(vm, self, N(__repr__), NULL, 0, &result);
  if (found == FIND_HIT) return result;
  if (found == FIND_ERROR) return NO_REF;
  return cd_object_repr_slot(vm, self);
}
GENERIC_UNARY(str, __str__)

static bool dunder_hash(VM *vm, Value self, int64_t *out)
{
  Value method = cd_type_lookup_borrow(vm, cd_type_of(vm, self), N(__hash__));
  if (!method || cd_is_none(method)) return cd_hash_unhashable(vm, self, out);
  Ref result = dunder_call(vm, self, N(__hash__), NULL, 0);
  if (!result) return false;
  if (cd_is_small(result)) {
    *out = cd_small(result);
  } else if (!cd_is_int(result)) {
    cd_drop(vm, result);
    return cd_raise_type(vm, "__hash__ method should return an integer");
  } else if (!cd_int_fits_i64(result, out)) {
    *out = cd_int_hash(result);                  // any int will do: reduced as hash(int) does
  }
  cd_drop(vm, result);
  if (*out == -1) *out = -2;
  return true;
}

static Ref dunder_call_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Ref method;
  bool unbound;
  Type *type = cd_type_of(vm, self);
  Value found = cd_type_lookup_borrow(vm, type, N(__call__));
  if (!found) return cd_raise_type(vm, "'%s' object is not callable", cd_type_name(type));
  method = cd_dup(found);
  Type *kind = cd_type_of(vm, method);
  unbound = kind->flags & TYPE_METHOD_DESCRIPTOR;
  if (!unbound && kind->slots.descr_get) {
    Ref bound = kind->slots.descr_get(vm, method, self, cd_type_value(type));
    cd_drop(vm, method);
    if (!(method = bound)) return NO_REF;
  }
  Ref result = NO_REF;
  if (cd_enter_recursion(vm, " while calling a Python object")) {
    result = unbound ? cd_call_with_self(vm, method, self, args, nargs, kwnames) : cd_call(vm, method, args, nargs, kwnames);
    cd_leave_recursion(vm);
  }
  cd_drop(vm, method);
  return result;
}

bool cd_is_object_getattribute(VM *vm, Value method)
{
  return !method || (cd_is_exact(method, vm->types.slot_wrapper) && ((SlotWrapper *)cd_object(method))->fn == (void *)cd_generic_getattr);
}

// __getattribute__, then __getattr__ when that ends in AttributeError.
static Ref dunder_getattr_call(VM *vm, Value self, Value name)
{
  Type *type = cd_type_of(vm, self);
  Value getattribute = cd_type_lookup_borrow(vm, type, N(__getattribute__));
  Value hook = cd_type_lookup_borrow(vm, type, N(__getattr__));
  Ref result = NO_REF;
  bool generic = cd_is_object_getattribute(vm, getattribute);
  if (!hook) return generic ? cd_generic_getattr(vm, self, name) : dunder_call(vm, self, N(__getattribute__), &name, 1);
  Ref held = cd_dup(hook);                       // __getattribute__ may change the class
  Find found;
  if (generic) found = cd_generic_getattr_find(vm, self, name, &result);
  else found = (result = dunder_call(vm, self, N(__getattribute__), &name, 1)) ? FIND_HIT : FIND_ERROR;
  if (found == FIND_HIT || (found == FIND_ERROR && !cd_swallow(vm, vm->exc.AttributeError))) {
    cd_drop(vm, held);
    return found == FIND_HIT ? result : NO_REF;
  }
  Type *kind = cd_type_of(vm, held);
  if (kind->flags & TYPE_METHOD_DESCRIPTOR) {
    Value all[2] = {self, name};
    result = cd_call(vm, held, all, 2, NO_VALUE);
  } else {
    Ref bound = kind->slots.descr_get ? kind->slots.descr_get(vm, held, self, cd_type_value(cd_type_of(vm, self))) : cd_dup(held);
    result = bound ? cd_call(vm, bound, &name, 1, NO_VALUE) : NO_REF;
    cd_drop(vm, bound);
  }
  cd_drop(vm, held);
  return result;
}

// An AttributeError that Python code raised gets .name and .obj, unless it has its own: what "Did you mean" needs.
static Ref dunder_getattr(VM *vm, Value self, Value name)
{
  Ref result = dunder_getattr_call(vm, self, name);
  if (UNLIKELY(!result)) cd_complete_attribute_error(vm, self, name);
  return result;
}

static bool dunder_ignore(VM *vm, Ref result)
{
  cd_drop(vm, result);
  return result != NO_REF;
}

static bool dunder_setattr(VM *vm, Value self, Value name, Value value)
{
  Value args[2] = {name, value};
  return dunder_ignore(vm, value ? dunder_call(vm, self, N(__setattr__), args, 2) : dunder_call(vm, self, N(__delattr__), args, 1));
}

static Ref dunder_compare(VM *vm, Value self, Value other, CompareOp op)
{
  Value names[] = {N(__lt__), N(__le__), N(__eq__), N(__ne__), N(__gt__), N(__ge__)};    // ORDER: compare
  Value method = cd_type_lookup_borrow(vm, cd_type_of(vm, self), names[op]);
  if (!method) return cd_not_implemented();
  if (LIKELY(cd_type_of(vm, method)->flags & TYPE_METHOD_DESCRIPTOR)) return dunder_call(vm, self, names[op], &other, 1);
  Ref bound;                                     // a method that can't be had counts as none
  if (cd_lookup_special(vm, self, names[op], &bound) != FIND_HIT) {
    cd_clear_raised(vm);
    return cd_not_implemented();
  }
  Ref result = cd_call1(vm, bound, other);
  cd_drop(vm, bound);
  return result;
}

static Ref dunder_iter(VM *vm, Value self)
{
  Type *type = cd_type_of(vm, self);
  Value method = cd_type_lookup_borrow(vm, type, N(__iter__));
  if (method && cd_is_none(method)) return cd_raise_type(vm, "'%.200s' object is not iterable", cd_type_name(type));
  Ref result;
  Find found = dunder_try(vm, self, N(__iter__), NULL, 0, &result);
  if (found == FIND_HIT) return result;
  if (found == FIND_ERROR) return NO_REF;
  if (!cd_type_lookup_borrow(vm, type, N(__getitem__))) return cd_raise_type(vm, "'%.200s' object is not iterable", cd_type_name(type));
  return cd_sequence_iterator_new(vm, self);
}

Next cd_dunder_next(VM *vm, Value self, Ref *out)
{
  *out = dunder_call(vm, self, N(__next__), NULL, 0);
  if (*out) return NEXT_ITEM;
  return cd_swallow(vm, vm->exc.StopIteration) ? NEXT_DONE : NEXT_ERROR;
}

static Ref dunder_descr_get(VM *vm, Value self, Value instance, Value owner)
{
  Value get = cd_type_lookup_borrow(vm, cd_type_of(vm, self), N(__get__));
  if (!get) return cd_dup(self);
  Value args[3] = {self, instance ? instance : cd_none(), owner ? owner : cd_none()};
  Ref held = cd_dup(get);
  Ref result = cd_call(vm, held, args, 3, NO_VALUE);
  cd_drop(vm, held);
  return result;
}

static bool dunder_descr_set(VM *vm, Value self, Value instance, Value value)
{
  Value args[2] = {instance, value};
  return dunder_ignore(vm, value ? dunder_call(vm, self, N(__set__), args, 2) : dunder_call(vm, self, N(__delete__), args, 1));
}

static Ref dunder_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Ref function = cd_getattr(vm, cd_type_value(type), N(__new__));
  if (!function) return NO_REF;
  Ref result = cd_call_with_self(vm, function, cd_type_value(type), args, nargs, kwnames);
  cd_drop(vm, function);
  return result;
}

static bool dunder_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Type *type = cd_type_of(vm, self);
  Value found = cd_type_lookup_borrow(vm, type, N(__init__));
  if (!found) return cd_raise_attribute(vm, self, N(__init__), "__init__");
  Ref method = cd_dup(found), result;
  Type *kind = cd_type_of(vm, method);
  if (LIKELY(kind->flags & TYPE_METHOD_DESCRIPTOR)) {
    result = cd_call_with_self(vm, method, self, args, nargs, kwnames);
  } else {
    Ref bound = kind->slots.descr_get ? kind->slots.descr_get(vm, method, self, cd_type_value(type)) : cd_dup(method);
    result = bound ? cd_call(vm, bound, args, nargs, kwnames) : NO_REF;
    cd_drop(vm, bound);
  }
  cd_drop(vm, method);
  if (!result) return false;
  if (!cd_is_none(result)) {
    cd_raise_type(vm, "__init__() should return None, not '%.200s'", cd_type_name(cd_type_of(vm, result)));
    cd_drop(vm, result);
    return false;
  }
  return true;
}

static void dunder_finalize(VM *vm, Value self)
{
  Value found = cd_type_lookup_borrow(vm, cd_type_of(vm, self), N(__del__));
  if (!found) return;
  Ref raised = cd_take_raised(vm);
  Ref method = cd_dup(found), result;
  Type *kind = cd_type_of(vm, method);
  if (kind->flags & TYPE_METHOD_DESCRIPTOR) {
    result = cd_call1(vm, method, self);
  } else {
    Ref bound = kind->slots.descr_get ? kind->slots.descr_get(vm, method, self, cd_type_value(cd_type_of(vm, self))) : cd_dup(method);
    result = bound ? cd_call0(vm, bound) : NO_REF;
    cd_drop(vm, bound);
  }
  if (!result) cd_write_unraisable(vm, method);
  cd_drop(vm, result);
  cd_drop(vm, method);
  cd_restore_raised(vm, raised);
}

static bool dunder_truth(VM *vm, Value self, bool *out)
{
  Ref result;
  Find found = dunder_try(vm, self, N(__bool__), NULL, 0, &result);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) {
    *out = true;
    return true;
  }
  if (!cd_is_bool(result)) {
    cd_raise_type(vm, "__bool__ should return bool, returned %s", cd_type_name(cd_type_of(vm, result)));
    cd_drop(vm, result);
    return false;
  }
  *out = cd_is_true(result);
  return true;
}

static bool dunder_len(VM *vm, Value self, int64_t *out)
{
  Ref result = dunder_call(vm, self, N(__len__), NULL, 0);
  Ref index = result ? cd_index(vm, result) : NO_REF;
  cd_drop(vm, result);
  if (!index) return false;
  bool ok = cd_int_sign(index) < 0 ? (bool)cd_raise_value(vm, "__len__() should return >= 0")
                                   : cd_to_i64(vm, index, out, vm->exc.OverflowError);
  cd_drop(vm, index);
  return ok;
}

static Ref dunder_getitem(VM *vm, Value self, Value key) { return dunder_call(vm, self, N(__getitem__), &key, 1); }

static bool dunder_setitem(VM *vm, Value self, Value key, Value value)
{
  Value args[2] = {key, value};
  return dunder_ignore(vm, value ? dunder_call(vm, self, N(__setitem__), args, 2) : dunder_call(vm, self, N(__delitem__), args, 1));
}

static bool dunder_contains(VM *vm, Value self, Value item, bool *out)
{
  Type *type = cd_type_of(vm, self);
  Value method = cd_type_lookup_borrow(vm, type, N(__contains__));
  if (method && cd_is_none(method)) return cd_raise_type(vm, "'%.200s' object is not a container", cd_type_name(type));
  if (!method) return cd_contains_by_iteration(vm, self, item, out);
  Ref result = dunder_call(vm, self, N(__contains__), &item, 1);
  if (!result) return false;
  bool ok = cd_truth(vm, result, out);
  cd_drop(vm, result);
  return ok;
}

// ---- binary operators: the right operand goes first when its class is a subclass that overrides the reflected method ----

typedef struct DunderBinary { uint16_t slot; uint16_t name, reflected; void *generic; } DunderBinary;

static void *dunder_slot_of(const Type *type, size_t slot)
{
  void *fn;
  memcpy(&fn, (const char *)&type->slots + slot, sizeof fn);
  return fn;
}

static Ref dunder_try_or_not(VM *vm, Value self, Value name, Value other)
{
  Ref result;
  Find found = dunder_try(vm, self, name, &other, 1, &result);
  return found == FIND_HIT ? result : found == FIND_ERROR ? NO_REF : cd_not_implemented();
}

static Ref dunder_binary(VM *vm, Value left, Value right, size_t slot, void *generic, Value name, Value reflected)
{
  Type *left_type = cd_type_of(vm, left), *right_type = cd_type_of(vm, right);
  bool try_right = left_type != right_type && dunder_slot_of(right_type, slot) == generic;
  if (dunder_slot_of(left_type, slot) == generic) {
    if (try_right && cd_type_is_subtype(right_type, left_type) &&
        !cd_is(cd_type_lookup_borrow(vm, left_type, reflected), cd_type_lookup_borrow(vm, right_type, reflected))) {
      Ref result = dunder_try_or_not(vm, right, reflected, left);
      if (!result || !cd_is_not_implemented(result)) return result;
      try_right = false;
    }
    Ref result = dunder_try_or_not(vm, left, name, right);
    if (!result || !cd_is_not_implemented(result) || left_type == right_type) return result;
  }
  return try_right ? dunder_try_or_not(vm, right, reflected, left) : cd_not_implemented();
}

#define GENERIC_BINARY(field, dunder, rdunder)                                                                            \
  static Ref dunder_##field(VM *vm, Value left, Value right)                                                              \
  {                                                                                                                       \
    return dunder_binary(vm, left, right, offsetof(TypeSlots, field), (void *)dunder_##field, N(dunder), N(rdunder));      \
  }
GENERIC_BINARY(add, __add__, __radd__)
GENERIC_BINARY(subtract, __sub__, __rsub__)
GENERIC_BINARY(multiply, __mul__, __rmul__)
GENERIC_BINARY(matmul, __matmul__, __rmatmul__)
GENERIC_BINARY(true_divide, __truediv__, __rtruediv__)
GENERIC_BINARY(floor_divide, __floordiv__, __rfloordiv__)
GENERIC_BINARY(remainder, __mod__, __rmod__)
GENERIC_BINARY(divmod, __divmod__, __rdivmod__)
GENERIC_BINARY(lshift, __lshift__, __rlshift__)
GENERIC_BINARY(rshift, __rshift__, __rrshift__)
GENERIC_BINARY(and_, __and__, __rand__)
GENERIC_BINARY(xor_, __xor__, __rxor__)
GENERIC_BINARY(or_, __or__, __ror__)

static Ref dunder_power(VM *vm, Value base, Value exponent, Value modulus);
static Ref dunder_power2(VM *vm, Value left, Value right)
{
  return dunder_binary(vm, left, right, offsetof(TypeSlots, power), (void *)dunder_power, N(__pow__), N(__rpow__));
}
static Ref dunder_power(VM *vm, Value base, Value exponent, Value modulus)
{
  if (cd_is_none(modulus)) return dunder_power2(vm, base, exponent);
  // With a modulus there is no reflection: only the base is asked.
  if (dunder_slot_of(cd_type_of(vm, base), offsetof(TypeSlots, power)) != (void *)dunder_power) return cd_not_implemented();
  Value args[2] = {exponent, modulus};
  return dunder_call(vm, base, N(__pow__), args, 2);
}

#define GENERIC_INPLACE(field, dunder) \
  static Ref dunder_##field(VM *vm, Value self, Value other) { return dunder_call(vm, self, N(dunder), &other, 1); }
GENERIC_INPLACE(iadd, __iadd__)
GENERIC_INPLACE(isubtract, __isub__)
GENERIC_INPLACE(imultiply, __imul__)
GENERIC_INPLACE(imatmul, __imatmul__)
GENERIC_INPLACE(itrue_divide, __itruediv__)
GENERIC_INPLACE(ifloor_divide, __ifloordiv__)
GENERIC_INPLACE(iremainder, __imod__)
GENERIC_INPLACE(ilshift, __ilshift__)
GENERIC_INPLACE(irshift, __irshift__)
GENERIC_INPLACE(iand, __iand__)
GENERIC_INPLACE(ixor, __ixor__)
GENERIC_INPLACE(ior, __ior__)
static Ref dunder_ipower(VM *vm, Value self, Value exponent, Value modulus) { return dunder_call(vm, self, N(__ipow__), &exponent, 1); }

// ---- wrappers: native slots as methods ----

static bool wrap_count(VM *vm, size_t nargs, size_t wanted)
{
  return nargs == wanted || cd_raise_type(vm, "expected %zu argument%s, got %zu", wanted, wanted == 1 ? "" : "s", nargs);
}

#define WRAP(kind) static Ref wrap_##kind(VM *vm, const SlotDef *def, void *fn, Value self, const Value *args, size_t nargs, Value kwnames)

WRAP(unary) { return wrap_count(vm, nargs, 0) ? ((UnaryFn)fn)(vm, self) : NO_REF; }
WRAP(left) { return wrap_count(vm, nargs, 1) ? ((BinaryFn)fn)(vm, self, args[0]) : NO_REF; }
WRAP(right) { return wrap_count(vm, nargs, 1) ? ((BinaryFn)fn)(vm, args[0], self) : NO_REF; }
// CPython gives no name here, so its messages begin with a space.
static bool wrap_one_or_two(VM *vm, size_t nargs) { return cd_check_positional(vm, "", nargs, 1, 2); }
WRAP(power)
{
  return wrap_one_or_two(vm, nargs) ? ((TernaryFn)fn)(vm, self, args[0], nargs > 1 ? args[1] : (Value)cd_none()) : NO_REF;
}
WRAP(power_right)
{
  return wrap_one_or_two(vm, nargs) ? ((TernaryFn)fn)(vm, args[0], self, nargs > 1 ? args[1] : (Value)cd_none()) : NO_REF;
}
WRAP(ipower) { return wrap_count(vm, nargs, 1) ? ((TernaryFn)fn)(vm, self, args[0], cd_none()) : NO_REF; }
WRAP(truth)
{
  bool yes;
  if (!wrap_count(vm, nargs, 0) || !((TruthFn)fn)(vm, self, &yes)) return NO_REF;
  return cd_bool(yes);
}
WRAP(len)
{
  int64_t n;
  if (!wrap_count(vm, nargs, 0) || !((LenFn)fn)(vm, self, &n)) return NO_REF;
  return cd_int_from_i64(vm, n);
}
WRAP(call) { return ((CallFn)fn)(vm, self, args, nargs, kwnames); }
WRAP(repeat)
{
  int64_t count;
  if (!wrap_count(vm, nargs, 1) || !cd_to_i64(vm, args[0], &count, vm->exc.OverflowError)) return NO_REF;
  return ((Ref(*)(VM *, Value, int64_t))fn)(vm, self, count);
}
static Ref wrap_compare(VM *vm, void *fn, Value self, const Value *args, size_t nargs, CompareOp op)
{
  if (!wrap_count(vm, nargs, 1)) return NO_REF;
  return ((Ref(*)(VM *, Value, Value, CompareOp))fn)(vm, self, args[0], op);
}
WRAP(lt) { return wrap_compare(vm, fn, self, args, nargs, COMPARE_LT); }
WRAP(le) { return wrap_compare(vm, fn, self, args, nargs, COMPARE_LE); }
WRAP(eq) { return wrap_compare(vm, fn, self, args, nargs, COMPARE_EQ); }
WRAP(ne) { return wrap_compare(vm, fn, self, args, nargs, COMPARE_NE); }
WRAP(gt) { return wrap_compare(vm, fn, self, args, nargs, COMPARE_GT); }
WRAP(ge) { return wrap_compare(vm, fn, self, args, nargs, COMPARE_GE); }
WRAP(next)
{
  if (!wrap_count(vm, nargs, 0)) return NO_REF;
  Ref item = NO_REF;
  Next next = ((Next(*)(VM *, Value, Ref *))fn)(vm, self, &item);
  if (next == NEXT_DONE) return cd_raise_stop_iteration(vm, NO_VALUE);
  return next == NEXT_ITEM ? item : NO_REF;
}
WRAP(descr_get)
{
  if (!wrap_one_or_two(vm, nargs)) return NO_REF;
  Value instance = cd_is_none(args[0]) ? NO_VALUE : args[0], owner = nargs < 2 || cd_is_none(args[1]) ? NO_VALUE : args[1];
  if (!instance && !owner) return cd_raise_type(vm, "__get__(None, None) is invalid");
  return ((Ref(*)(VM *, Value, Value, Value))fn)(vm, self, instance, owner);
}
typedef bool (*SetFn)(VM *vm, Value self, Value key, Value value);
WRAP(set) { return wrap_count(vm, nargs, 2) && ((SetFn)fn)(vm, self, args[0], args[1]) ? cd_none() : NO_REF; }
WRAP(delete) { return wrap_count(vm, nargs, 1) && ((SetFn)fn)(vm, self, args[0], NO_VALUE) ? cd_none() : NO_REF; }
WRAP(getattr)
{
  if (!wrap_count(vm, nargs, 1)) return NO_REF;
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "attribute name must be string, not '%.200s'", cd_type_name(cd_type_of(vm, args[0])));
  return ((BinaryFn)fn)(vm, self, args[0]);
}
// object.__setattr__(list_subclass_instance, ...) must not get around a native type's own setattr in between (Carlo Verre's hack).
static bool wrap_setattr_allowed(VM *vm, void *fn, Value self, const char *what)
{
  Type *type = cd_type_of(vm, self);
  while (type && type->slots.setattr == dunder_setattr) type = type->base;
  if (!type || (void *)type->slots.setattr == fn) return true;
  return cd_raise_type(vm, "can't apply this %s to %s object", what, cd_type_name(type));
}
static bool wrap_attr_name(VM *vm, Value name)
{
  return cd_is_str(name) || cd_raise_type(vm, "attribute name must be string, not '%.200s'", cd_type_name(cd_type_of(vm, name)));
}
WRAP(setattr)
{
  if (!wrap_count(vm, nargs, 2) || !wrap_setattr_allowed(vm, fn, self, "__setattr__") || !wrap_attr_name(vm, args[0])) return NO_REF;
  return ((SetFn)fn)(vm, self, args[0], args[1]) ? cd_none() : NO_REF;
}
WRAP(delattr)
{
  if (!wrap_count(vm, nargs, 1) || !wrap_setattr_allowed(vm, fn, self, "__delattr__") || !wrap_attr_name(vm, args[0])) return NO_REF;
  return ((SetFn)fn)(vm, self, args[0], NO_VALUE) ? cd_none() : NO_REF;
}
WRAP(init) { return ((InitFn)fn)(vm, self, args, nargs, kwnames) ? cd_none() : NO_REF; }
WRAP(contains)
{
  bool yes;
  if (!wrap_count(vm, nargs, 1) || !((bool (*)(VM *, Value, Value, bool *))fn)(vm, self, args[0], &yes)) return NO_REF;
  return cd_bool(yes);
}
WRAP(finalize)
{
  if (!wrap_count(vm, nargs, 0)) return NO_REF;
  ((void (*)(VM *, Value))fn)(vm, self);
  return cd_none();
}

// ---- the table ----

#define ROW(name, slot, generic, wrap, signature, doc) \
  {offsetof(VmNames, name), offsetof(TypeSlots, slot), (void *)(generic), wrap, signature, doc}
#define UNARY_ROW(name, slot, doc) ROW(name, slot, dunder_##slot, wrap_unary, "($self, /)", doc)
#define BINARY_ROWS(slot, name, rname, symbol)                                                                \
  ROW(name, slot, dunder_##slot, wrap_left, "($self, value, /)", "Return self" symbol "value."),              \
    ROW(rname, slot, dunder_##slot, wrap_right, "($self, value, /)", "Return value" symbol "self.")
#define INPLACE_ROW(slot, name, symbol) ROW(name, slot, dunder_##slot, wrap_left, "($self, value, /)", "Return self" symbol "value.")

// Rows with one name stand together.
static const SlotDef slot_rows[] = {
  ROW(__repr__, repr, dunder_repr, wrap_unary, "($self, /)", "Return repr(self)."),
  ROW(__str__, str, dunder_str, wrap_unary, "($self, /)", "Return str(self)."),
  ROW(__hash__, hash, dunder_hash, wrap_len, "($self, /)", "Return hash(self)."),
  ROW(__call__, call, dunder_call_slot, wrap_call, "($self, /, *args, **kwargs)", "Call self as a function."),
  ROW(__getattribute__, getattr, dunder_getattr, wrap_getattr, "($self, name, /)", "Return getattr(self, name)."),
  ROW(__getattr__, getattr, dunder_getattr, NULL, NULL, NULL),
  ROW(__setattr__, setattr, dunder_setattr, wrap_setattr, "($self, name, value, /)", "Implement setattr(self, name, value)."),
  ROW(__delattr__, setattr, dunder_setattr, wrap_delattr, "($self, name, /)", "Implement delattr(self, name)."),
  ROW(__lt__, compare, dunder_compare, wrap_lt, "($self, value, /)", "Return self<value."),
  ROW(__le__, compare, dunder_compare, wrap_le, "($self, value, /)", "Return self<=value."),
  ROW(__eq__, compare, dunder_compare, wrap_eq, "($self, value, /)", "Return self==value."),
  ROW(__ne__, compare, dunder_compare, wrap_ne, "($self, value, /)", "Return self!=value."),
  ROW(__gt__, compare, dunder_compare, wrap_gt, "($self, value, /)", "Return self>value."),
  ROW(__ge__, compare, dunder_compare, wrap_ge, "($self, value, /)", "Return self>=value."),
  ROW(__iter__, iter, dunder_iter, wrap_unary, "($self, /)", "Implement iter(self)."),
  ROW(__next__, next, cd_dunder_next, wrap_next, "($self, /)", "Implement next(self)."),
  ROW(__get__, descr_get, dunder_descr_get, wrap_descr_get, "($self, instance, owner=None, /)",
      "What looking the wrapped function up through an object or its class gives."),
  ROW(__set__, descr_set, dunder_descr_set, wrap_set, "($self, instance, value, /)", "Assigns to the attribute of an object through this "
                                                                                     "descriptor."),
  ROW(__delete__, descr_set, dunder_descr_set, wrap_delete, "($self, instance, /)", "Delete an attribute of instance."),
  ROW(__init__, init, dunder_init, wrap_init, "($self, /, *args, **kwargs)",
      "Initialize self.  See help(type(self)) for accurate signature."),
  ROW(__new__, new_, dunder_new, NULL, NULL, NULL),
  ROW(__del__, finalize, dunder_finalize, wrap_finalize, NULL, NULL),
  ROW(__await__, await, dunder_await, wrap_unary, "($self, /)", "The iterator that `await` drives."),
  ROW(__aiter__, aiter, dunder_aiter, wrap_unary, "($self, /)", "The next item, to be awaited."),
  ROW(__anext__, anext, dunder_anext, wrap_unary, "($self, /)", "The next item, to be awaited."),
  BINARY_ROWS(add, __add__, __radd__, "+"),
  ROW(__add__, concat, NULL, wrap_left, "($self, value, /)", "Return self+value."),
  BINARY_ROWS(subtract, __sub__, __rsub__, "-"),
  BINARY_ROWS(multiply, __mul__, __rmul__, "*"),
  ROW(__mul__, repeat, NULL, wrap_repeat, "($self, value, /)", "Return self*value."),
  ROW(__rmul__, repeat, NULL, wrap_repeat, "($self, value, /)", "Return value*self."),
  BINARY_ROWS(matmul, __matmul__, __rmatmul__, "@"),
  BINARY_ROWS(true_divide, __truediv__, __rtruediv__, "/"),
  BINARY_ROWS(floor_divide, __floordiv__, __rfloordiv__, "//"),
  BINARY_ROWS(remainder, __mod__, __rmod__, "%"),
  ROW(__divmod__, divmod, dunder_divmod, wrap_left, "($self, value, /)", "Return divmod(self, value)."),
  ROW(__rdivmod__, divmod, dunder_divmod, wrap_right, "($self, value, /)", "Return divmod(value, self)."),
  ROW(__pow__, power, dunder_power, wrap_power, "($self, value, mod=None, /)", "Return pow(self, value, mod)."),
  ROW(__rpow__, power, dunder_power, wrap_power_right, "($self, value, mod=None, /)", "Return pow(value, self, mod)."),
  BINARY_ROWS(lshift, __lshift__, __rlshift__, "<<"),
  BINARY_ROWS(rshift, __rshift__, __rrshift__, ">>"),
  BINARY_ROWS(and_, __and__, __rand__, "&"),
  BINARY_ROWS(xor_, __xor__, __rxor__, "^"),
  BINARY_ROWS(or_, __or__, __ror__, "|"),
  INPLACE_ROW(iadd, __iadd__, "+="),
  ROW(__iadd__, iconcat, NULL, wrap_left, "($self, value, /)", "Implement self+=value."),
  INPLACE_ROW(isubtract, __isub__, "-="),
  INPLACE_ROW(imultiply, __imul__, "*="),
  ROW(__imul__, irepeat, NULL, wrap_repeat, "($self, value, /)", "Implement self*=value."),
  INPLACE_ROW(imatmul, __imatmul__, "@="),
  INPLACE_ROW(itrue_divide, __itruediv__, "/="),
  INPLACE_ROW(ifloor_divide, __ifloordiv__, "//="),
  INPLACE_ROW(iremainder, __imod__, "%="),
  ROW(__ipow__, ipower, dunder_ipower, wrap_ipower, "($self, value, /)", "Return self**=value."),
  INPLACE_ROW(ilshift, __ilshift__, "<<="),
  INPLACE_ROW(irshift, __irshift__, ">>="),
  INPLACE_ROW(iand, __iand__, "&="),
  INPLACE_ROW(ixor, __ixor__, "^="),
  INPLACE_ROW(ior, __ior__, "|="),
  UNARY_ROW(__neg__, negative, "-self"),
  UNARY_ROW(__pos__, positive, "+self"),
  UNARY_ROW(__abs__, absolute, "abs(self)"),
  UNARY_ROW(__invert__, invert, "~self"),
  UNARY_ROW(__int__, int_, "int(self)"),
  UNARY_ROW(__float__, float_, "float(self)"),
  UNARY_ROW(__index__, index, "The same number as an int, as indexing and slicing want it."),
  ROW(__bool__, truth, dunder_truth, wrap_truth, "($self, /)", "True if self else False"),
  ROW(__len__, len, dunder_len, wrap_len, "($self, /)", "Return len(self)."),
  ROW(__getitem__, getitem, dunder_getitem, wrap_left, "($self, key, /)", "Return self[key]."),
  ROW(__setitem__, setitem, dunder_setitem, wrap_set, "($self, key, value, /)", "Set self[key] to value."),
  ROW(__delitem__, setitem, dunder_setitem, wrap_delete, "($self, key, /)", "Delete self[key]."),
  ROW(__contains__, contains, dunder_contains, wrap_contains, "($self, key, /)", "Return key in self."),
};

// ---- finding rows ----

static uint32_t slot_name_hash(Value name)
{
  uint64_t bits = cd_bits(name) >> 4;
  return (uint32_t)(bits ^ bits >> 9) & (SLOT_INDEX_SIZE - 1);
}

bool cd_slots_init(VM *vm)
{
  _Static_assert(ARRAY_LEN(slot_rows) < 255, "row numbers fit a byte");
  TypeCache *cache = vm->type_cache;
  Value previous = NO_VALUE;
  for (size_t row = 0; row < ARRAY_LEN(slot_rows); row++) {
    Value name = cd_slot_name(vm, &slot_rows[row]);
    if (previous && cd_is(name, previous)) continue;
    previous = name;
    uint32_t i = slot_name_hash(name);
    while (cache->slot_names[i] && !cd_is(cache->slot_names[i], name)) i = (i + 1) & (SLOT_INDEX_SIZE - 1);
    if (!cache->slot_names[i]) {
      cache->slot_names[i] = name;
      cache->slot_first[i] = (uint8_t)row;
    }
  }
  return true;
}

const SlotDef *cd_slot_find(VM *vm, Value name)
{
  const TypeCache *cache = vm->type_cache;
  for (uint32_t i = slot_name_hash(name); cache->slot_names[i]; i = (i + 1) & (SLOT_INDEX_SIZE - 1))
    if (cd_is(cache->slot_names[i], name)) return &slot_rows[cache->slot_first[i]];
  return NULL;
}

// ---- slots of classes written in Python ----

// What a row contributes: a native function to use directly, or the generic one.
typedef struct SlotChoice { void *specific; bool generic; void *generic_fn; } SlotChoice;

static void slot_consider(VM *vm, Type *type, const SlotDef *row, SlotChoice *choice)
{
  Value found = cd_type_lookup_borrow(vm, type, cd_slot_name(vm, row));
  if (!found) return;
  if (cd_is_exact(found, vm->types.slot_wrapper)) {
    const SlotWrapper *wrapper = (const SlotWrapper *)cd_object(found);
    if (wrapper->def->name == row->name && cd_type_is_subtype(type, wrapper->type)) {
      if (wrapper->def->slot != row->slot) return;   // the same name's other slot
      if (!choice->specific || choice->specific == wrapper->fn) {
        choice->specific = wrapper->fn;
        return;
      }
    }
  } else if (row->slot == offsetof(TypeSlots, new_) && cd_is_exact(found, vm->types.native)) {
    const Native *native = (const Native *)cd_object(found);
    if (native->def == &cd_type_dunder_new_def && cd_is_type(native->self)) {
      choice->specific = (void *)cd_as_type(native->self)->slots.new_;
      return;
    }
  } else if (cd_is_none(found) && row->slot == offsetof(TypeSlots, hash)) {
    choice->specific = (void *)cd_hash_unhashable;
    return;
  }
  choice->generic = true;
}

static void slot_refresh(VM *vm, Type *type, uint16_t slot)
{
  SlotChoice choice = {0};
  for (size_t i = 0; i < ARRAY_LEN(slot_rows); i++) {
    if (slot_rows[i].slot != slot) continue;
    if (slot_rows[i].generic) choice.generic_fn = slot_rows[i].generic;
    slot_consider(vm, type, &slot_rows[i], &choice);
  }
  void *fn = choice.generic ? choice.generic_fn : choice.specific;
  memcpy((char *)&type->slots + slot, &fn, sizeof fn);
}

static void slot_set_access_flags(Type *type)
{
  type->flags &= ~(uint32_t)(TYPE_DEFAULT_GETATTR | TYPE_DEFAULT_SETATTR);
  if (type->slots.getattr == cd_generic_getattr) type->flags |= TYPE_DEFAULT_GETATTR;
  if (type->slots.setattr == cd_generic_setattr) type->flags |= TYPE_DEFAULT_SETATTR;
}

void cd_type_update_slot_here(VM *vm, Type *type, Value name)
{
  const SlotDef *row = cd_slot_find(vm, name);
  if (!row) return;
  uint16_t dunder = row->name;
  for (; row < slot_rows + ARRAY_LEN(slot_rows) && row->name == dunder; row++) slot_refresh(vm, type, row->slot);
  // A name's rows may be apart where its slots differ (__mul__: multiply, repeat), so look at the rest as well.
  for (; row < slot_rows + ARRAY_LEN(slot_rows); row++)
    if (row->name == dunder) slot_refresh(vm, type, row->slot);
  slot_set_access_flags(type);
}

void cd_type_update_slot(VM *vm, Type *type, Value name)
{
  if (!cd_slot_find(vm, name)) return;
  cd_type_update_slot_here(vm, type, name);
  for (uint32_t i = 0; i < type->subclass_count; i++) {
    Type *sub = type->subclasses[i];
    if (sub && sub->dict && sub->mro && !cd_dict_get_name_borrow(vm, cd_type_dict(vm, sub), name)) cd_type_update_slot(vm, sub, name);
  }
}

void cd_type_update_all_slots(VM *vm, Type *type)
{
  uint64_t done[(sizeof(TypeSlots) / sizeof(void *) + 63) / 64] = {0};
  for (size_t i = 0; i < ARRAY_LEN(slot_rows); i++) {
    size_t number = slot_rows[i].slot / sizeof(void *);
    if (done[number / 64] >> (number % 64) & 1) continue;
    done[number / 64] |= UINT64_C(1) << (number % 64);
    slot_refresh(vm, type, slot_rows[i].slot);
  }
  slot_set_access_flags(type);
}

// ---- wrappers of native types ----

static bool slots_add(VM *vm, Type *type, Value name, Ref value)
{
  bool ok = value && cd_dict_set(vm, type->dict, name, value);
  cd_drop(vm, value);
  return ok;
}

bool cd_type_add_slot_wrappers(VM *vm, Type *type)
{
  const TypeSlots *own = &type->spec->slots;     // type->slots has the inherited ones too
  if (own->new_ && !slots_add(vm, type, N(__new__), cd_native_new(vm, &cd_type_dunder_new_def, cd_type_value(type), NO_VALUE)))
    return false;
  bool no_hash = own->hash == cd_hash_unhashable || (!own->hash && own->compare);
  if (no_hash && !cd_dict_get_name_borrow(vm, type->dict, N(__hash__)) && !cd_dict_set(vm, type->dict, N(__hash__), cd_none()))
    return false;
  for (size_t i = 0; i < ARRAY_LEN(slot_rows); i++) {
    const SlotDef *row = &slot_rows[i];
    void *fn;
    memcpy(&fn, (const char *)own + row->slot, sizeof fn);
    if (!fn || !row->wrap) continue;
    Value name = cd_slot_name(vm, row);
    if (cd_dict_get_name_borrow(vm, type->dict, name)) continue;
    if (!slots_add(vm, type, name, cd_slot_wrapper_new(vm, type, name, row, fn))) return false;
  }
  return true;
}

// ---- __new__ of native types: T.__new__(S, ...) ----

static Ref type_dunder_new(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Type *type = cd_as_type(self);
  if (!nargs) return cd_raise_type(vm, "%s.__new__(): not enough arguments", cd_type_name(type));
  if (!cd_is_type(args[0]))
    return cd_raise_type(vm, "%s.__new__(X): X is not a type object (%s)", cd_type_name(type), cd_type_name(cd_type_of(vm, args[0])));
  Type *sub = cd_as_type(args[0]);
  if (!cd_type_is_subtype(sub, type))
    return cd_raise_type(vm, "%s.__new__(%s): %s is not a subtype of %s", cd_type_name(type), cd_type_name(sub), cd_type_name(sub),
                         cd_type_name(type));
  // The nearest native base must be made by this very function: object.__new__(dict) would leave the dict's fields unset.
  Type *native = sub;
  while (native && native->slots.new_ == dunder_new) native = native->base;
  if (native && native->slots.new_ != type->slots.new_)
    return cd_raise_type(vm, "%s.__new__(%s) is not safe, use %s.__new__()", cd_type_name(type), cd_type_name(sub), cd_type_name(native));
  return type->slots.new_(vm, sub, args + 1, nargs - 1, kwnames);
}

const MethodDef cd_type_dunder_new_def = {"__new__",
                                          "__new__(type, /, *args, **kwargs)",
                                          "A new object of the class.  See help(type) for accurate signature.",
                                          NULL,
                                          type_dunder_new,
                                          METHOD_RAW_ARGS};
