// SPDX-License-Identifier: MIT
// weakref.c: weak references and proxies
#include "objects/weakref.h"
#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/instance.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <stdio.h>

static Weakref *weakref_of(Value v) { return (Weakref *)cd_object(v); }

Weakref **cd_weaklist_of(Object *object)
{
  Type *type = object->type;
  if (!(type->flags & TYPE_HAS_WEAKREFS)) return NULL;
  return (Weakref **)((char *)object + cd_extra(object) + type->weaklist_offset);
}

Ref cd_weakref_get(Value weakref)
{
  Object *referent = weakref_of(weakref)->referent;
  return referent && referent->refcount ? cd_dup_object(referent) : NO_REF;
}

// ---- the list of an object: a plain reference and a plain proxy (no callback, exact type) come first and are shared ----

static bool weakref_is_plain(const Weakref *ref, const Type *type) { return ref->head.type == type && !ref->callback; }

static Weakref *weakref_find_plain(Weakref *list, const Type *type)
{
  for (int i = 0; i < 2 && list; i++, list = list->next)
    if (weakref_is_plain(list, type) && list->head.refcount) return list;
  return NULL;
}

static void weakref_link(VM *vm, Weakref **list, Weakref *ref)
{
  Weakref *after = NULL;
  bool plain_ref = weakref_is_plain(ref, vm->types.weakref);
  if (!plain_ref && *list && weakref_is_plain(*list, vm->types.weakref)) after = *list;
  if (!plain_ref && ref->callback) {
    Weakref *second = after ? after->next : *list;
    if (second && (weakref_is_plain(second, vm->types.weak_proxy) || weakref_is_plain(second, vm->types.weak_callable_proxy)))
      after = second;
  }
  ref->previous = after;
  ref->next = after ? after->next : *list;
  if (after) after->next = ref;
  else *list = ref;
  if (ref->next) ref->next->previous = ref;
}

static void weakref_unlink(Weakref *ref)
{
  if (!ref->referent) return;
  Weakref **list = cd_weaklist_of(ref->referent);
  if (ref->previous) ref->previous->next = ref->next;
  else *list = ref->next;
  if (ref->next) ref->next->previous = ref->previous;
  ref->referent = NULL;
  ref->previous = ref->next = NULL;
}

static Ref weakref_make(VM *vm, Type *type, Value referent, Value callback)
{
  if (callback && cd_is_none(callback)) callback = NO_VALUE;
  Weakref **list = cd_is_object(referent) ? cd_weaklist_of(cd_object(referent)) : NULL;
  if (!list) return cd_raise_type(vm, "cannot create weak reference to '%s' object", cd_type_name(cd_type_of(vm, referent)));
  bool shared = !callback && (type == vm->types.weakref || type == vm->types.weak_proxy || type == vm->types.weak_callable_proxy);
  Weakref *plain = shared ? weakref_find_plain(*list, type) : NULL;
  if (plain) return cd_dup_object(plain);
  Weakref *ref = cd_instance_new(vm, type);
  if (!ref) return NO_REF;
  ref->hash = -1;
  ref->callback = callback ? cd_dup(callback) : NO_REF;
  if (shared && (plain = weakref_find_plain(*list, type))) {         // the allocation may have run a collection, and that Python code
    cd_drop_object(vm, ref);
    return cd_dup_object(plain);
  }
  ref->referent = cd_object(referent);
  weakref_link(vm, list, ref);
  return cd_from_object(ref);
}

Ref cd_weakref_new(VM *vm, Value referent, Value callback) { return weakref_make(vm, vm->types.weakref, referent, callback); }

// All references die before the first callback runs, so that none can bring the object back.
void cd_weakrefs_clear(VM *vm, Object *object)
{
  Weakref **list = cd_weaklist_of(object), *calls = NULL, **tail = &calls;
  if (!list) return;
  while (*list) {
    Weakref *ref = *list;
    weakref_unlink(ref);
    if (!ref->callback || !ref->head.refcount) continue;
    ref->head.refcount++;
    *tail = ref;                                 // `next` links the ones to call
    tail = &ref->next;
  }
  while (calls) {
    Weakref *ref = calls;
    calls = ref->next;
    ref->next = NULL;
    Ref callback = cd_take(&ref->callback);
    Ref result = callback ? cd_call1(vm, callback, cd_from_object(ref)) : cd_none();
    if (!result) cd_write_unraisable(vm, callback);
    cd_drop(vm, result);
    cd_drop(vm, callback);
    cd_drop_object(vm, ref);
  }
}

// ---- weakref.ref ----

static Ref weakref_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (type == vm->types.weakref && !cd_no_keywords(vm, "ref", kwnames)) return NO_REF;
  if (!cd_check_positional(vm, "__new__", nargs, 1, 2)) return NO_REF;
  return weakref_make(vm, type, args[0], nargs > 1 ? args[1] : NO_VALUE);
}

static bool weakref_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return cd_no_keywords(vm, "ref", kwnames) && cd_check_positional(vm, "__init__", nargs, 1, 2);
}

static Ref weakref_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs || (kwnames && cd_tuple_size(kwnames))) {
    if (nargs) return cd_raise_type(vm, "weakref() takes exactly 0 positional arguments (%zu given)", nargs);
    return cd_raise_type(vm, "weakref() takes no keyword arguments");
  }
  Ref referent = cd_weakref_get(self);
  return referent ? referent : cd_none();
}

static void weakref_addresses(Value self, char at[32], char of[32])
{
  snprintf(at, 32, "0x%llx", (unsigned long long)cd_bits(self));
  snprintf(of, 32, "0x%llx", (unsigned long long)(uintptr_t)weakref_of(self)->referent);
}

static Ref weakref_repr(VM *vm, Value self)
{
  char at[32], of[32];
  Ref referent = cd_weakref_get(self), name;
  weakref_addresses(self, at, of);
  if (!referent) return cd_str_format(vm, "<weakref at %s; dead>", at);
  const char *kind = cd_type_name(cd_type_of(vm, referent));
  Ref text = NO_REF;
  Find found = cd_getattr_find(vm, referent, N(__name__), &name);
  if (found == FIND_HIT && cd_is_str(name)) text = cd_str_format(vm, "<weakref at %s; to '%s' at %s (%U)>", at, kind, of, name);
  else if (found != FIND_ERROR) text = cd_str_format(vm, "<weakref at %s; to '%s' at %s>", at, kind, of);
  if (found == FIND_HIT) cd_drop(vm, name);
  cd_drop(vm, referent);
  return text;
}

static bool weakref_hash(VM *vm, Value self, int64_t *out)
{
  Weakref *ref = weakref_of(self);
  if (ref->hash == -1) {
    Ref referent = cd_weakref_get(self);
    if (!referent) return cd_raise_type(vm, "weak object has gone away");
    int64_t hash;
    bool ok = cd_hash(vm, referent, &hash);
    cd_drop(vm, referent);
    if (!ok) return false;
    ref->hash = hash;
  }
  *out = ref->hash;
  return true;
}

static Ref weakref_compare(VM *vm, Value self, Value other, CompareOp op)
{
  bool fits = (op == COMPARE_EQ || op == COMPARE_NE) && cd_is_instance_of(vm, self, vm->types.weakref) &&
              cd_is_instance_of(vm, other, vm->types.weakref);
  if (!fits) return cd_not_implemented();
  Ref a = cd_weakref_get(self), b = cd_weakref_get(other), result;
  if (a && b) result = cd_compare(vm, a, b, op);
  else result = cd_bool(cd_is(self, other) == (op == COMPARE_EQ));
  cd_drop(vm, a);
  cd_drop(vm, b);
  return result;
}

static Ref weakref_get_callback(VM *vm, Value self) { return weakref_of(self)->callback ? cd_dup(weakref_of(self)->callback) : cd_none(); }

CLASS_METHOD(weakref, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static void weakref_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((Weakref *)self)->callback); }
static void weakref_clear(VM *vm, Object *self)
{
  weakref_unlink((Weakref *)self);
  cd_clear(vm, &((Weakref *)self)->callback);
}

static const MethodDef *const weakref_methods[] = {&weakref___class_getitem___def, NULL};
static const GetSetDef weakref_getset[] = {{"__callback__", NULL, weakref_get_callback, NULL}, {0}};
const TypeSpec cd_weakref_spec = {
  .name = "weakref.ReferenceType",
  .basicsize = sizeof(Weakref),
  .flags = TYPE_BASE | TYPE_GC,
  .methods = weakref_methods,
  .getset = weakref_getset,
  .slots = {.release = weakref_clear, .traverse = weakref_traverse, .clear = weakref_clear, .repr = weakref_repr, .hash = weakref_hash,
            .call = weakref_call, .compare = weakref_compare, .new_ = weakref_new_slot, .init = weakref_init_slot},
};

// ---- proxies: everything goes to the referent ----

static bool proxy_is(VM *vm, Value v) { return cd_is_exact(v, vm->types.weak_proxy) || cd_is_exact(v, vm->types.weak_callable_proxy); }

// The referent of a proxy, or the value itself. NO_REF: ReferenceError.
static Ref proxy_target(VM *vm, Value v)
{
  if (!proxy_is(vm, v)) return cd_dup(v);
  Ref referent = cd_weakref_get(v);
  return referent ? referent : cd_raise(vm, vm->exc.ReferenceError, "weakly-referenced object no longer exists");
}

#define PROXY_UNARY(name, call)                        \
  static Ref proxy_##name(VM *vm, Value self)          \
  {                                                    \
    Ref target = proxy_target(vm, self);               \
    Ref result = target ? call(vm, target) : NO_REF;   \
    cd_drop(vm, target);                               \
    return result;                                     \
  }
PROXY_UNARY(str, cd_str)
PROXY_UNARY(negative, cd_negative)
PROXY_UNARY(positive, cd_positive)
PROXY_UNARY(absolute, cd_absolute)
PROXY_UNARY(invert, cd_invert)
PROXY_UNARY(int, cd_to_int)
PROXY_UNARY(index, cd_index)
PROXY_UNARY(iter, cd_iter)
static Ref proxy_to_float(VM *vm, Value v) { return cd_call1(vm, cd_type_value(vm->types.float_), v); }
PROXY_UNARY(float, proxy_to_float)

static Ref proxy_operate(VM *vm, Value left, Value right, BinaryOp op, Ref (*operate)(VM *, Value, Value, BinaryOp))
{
  Ref a = proxy_target(vm, left), b = a ? proxy_target(vm, right) : NO_REF;
  Ref result = b ? operate(vm, a, b, op) : NO_REF;
  cd_drop(vm, a);
  cd_drop(vm, b);
  return result;
}
#define PROXY_BINARY(name, op) \
  static Ref proxy_##name(VM *vm, Value left, Value right) { return proxy_operate(vm, left, right, BINARY_##op, cd_binary); }
#define PROXY_INPLACE(name, op) \
  static Ref proxy_##name(VM *vm, Value left, Value right) { return proxy_operate(vm, left, right, BINARY_##op, cd_inplace); }
PROXY_BINARY(add, ADD)
PROXY_BINARY(subtract, SUBTRACT)
PROXY_BINARY(multiply, MULTIPLY)
PROXY_BINARY(matmul, MATMUL)
PROXY_BINARY(true_divide, TRUE_DIVIDE)
PROXY_BINARY(floor_divide, FLOOR_DIVIDE)
PROXY_BINARY(remainder, REMAINDER)
PROXY_BINARY(divmod, DIVMOD)
PROXY_BINARY(lshift, LSHIFT)
PROXY_BINARY(rshift, RSHIFT)
PROXY_BINARY(and, AND)
PROXY_BINARY(xor, XOR)
PROXY_BINARY(or, OR)
PROXY_INPLACE(iadd, ADD)
PROXY_INPLACE(isubtract, SUBTRACT)
PROXY_INPLACE(imultiply, MULTIPLY)
PROXY_INPLACE(imatmul, MATMUL)
PROXY_INPLACE(itrue_divide, TRUE_DIVIDE)
PROXY_INPLACE(ifloor_divide, FLOOR_DIVIDE)
PROXY_INPLACE(iremainder, REMAINDER)
PROXY_INPLACE(ilshift, LSHIFT)
PROXY_INPLACE(irshift, RSHIFT)
PROXY_INPLACE(iand, AND)
PROXY_INPLACE(ixor, XOR)
PROXY_INPLACE(ior, OR)

static Ref proxy_power(VM *vm, Value base, Value exponent, Value modulus)
{
  Ref a = proxy_target(vm, base), b = a ? proxy_target(vm, exponent) : NO_REF, c = b ? proxy_target(vm, modulus) : NO_REF;
  Ref result = c ? cd_power(vm, a, b, c) : NO_REF;
  cd_drop(vm, a);
  cd_drop(vm, b);
  cd_drop(vm, c);
  return result;
}
static Ref proxy_ipower(VM *vm, Value base, Value exponent, Value modulus)
{
  return proxy_operate(vm, base, exponent, BINARY_POWER, cd_inplace);
}

static Ref proxy_repr(VM *vm, Value self)
{
  char at[32], of[32];
  weakref_addresses(self, at, of);
  Ref referent = cd_weakref_get(self);
  const char *kind = cd_type_name(referent ? cd_type_of(vm, referent) : vm->types.none);
  Ref text = cd_str_format(vm, "<weakproxy at %s to %s at %s>", at, kind, of);
  cd_drop(vm, referent);
  return text;
}

static Ref proxy_getattr(VM *vm, Value self, Value name)
{
  Ref target = proxy_target(vm, self);
  Ref result = target ? cd_getattr(vm, target, name) : NO_REF;
  cd_drop(vm, target);
  return result;
}
static bool proxy_setattr(VM *vm, Value self, Value name, Value value)
{
  Ref target = proxy_target(vm, self);
  bool ok = target && cd_setattr(vm, target, name, value);
  cd_drop(vm, target);
  return ok;
}
static Ref proxy_compare(VM *vm, Value left, Value right, CompareOp op)
{
  Ref a = proxy_target(vm, left), b = a ? proxy_target(vm, right) : NO_REF;
  Ref result = b ? cd_compare(vm, a, b, op) : NO_REF;
  cd_drop(vm, a);
  cd_drop(vm, b);
  return result;
}
static Next proxy_next(VM *vm, Value self, Ref *out)
{
  Ref target = proxy_target(vm, self);
  if (!target) return NEXT_ERROR;
  Next next = NEXT_ERROR;
  if (cd_is_iterator(target)) next = cd_next(vm, target, out);
  else cd_raise_type(vm, "Weakref proxy referenced a non-iterator '%.200s' object", cd_type_name(cd_type_of(vm, target)));
  cd_drop(vm, target);
  return next;
}
static bool proxy_truth(VM *vm, Value self, bool *out)
{
  Ref target = proxy_target(vm, self);
  bool ok = target && cd_truth(vm, target, out);
  cd_drop(vm, target);
  return ok;
}
static bool proxy_len(VM *vm, Value self, int64_t *out)
{
  Ref target = proxy_target(vm, self);
  bool ok = target && cd_len(vm, target, out);
  cd_drop(vm, target);
  return ok;
}
static Ref proxy_getitem(VM *vm, Value self, Value key)
{
  Ref target = proxy_target(vm, self);
  Ref result = target ? cd_getitem(vm, target, key) : NO_REF;
  cd_drop(vm, target);
  return result;
}
static bool proxy_setitem(VM *vm, Value self, Value key, Value value)
{
  Ref target = proxy_target(vm, self);
  bool ok = target && cd_setitem(vm, target, key, value);
  cd_drop(vm, target);
  return ok;
}
static bool proxy_contains(VM *vm, Value self, Value item, bool *out)
{
  Ref target = proxy_target(vm, self);
  bool ok = target && cd_contains(vm, target, item, out);
  cd_drop(vm, target);
  return ok;
}
static Ref proxy_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Ref target = proxy_target(vm, self);
  Ref result = target ? cd_call(vm, target, args, nargs, kwnames) : NO_REF;
  cd_drop(vm, target);
  return result;
}

static Ref proxy_forward(VM *vm, Value self, const char *name)
{
  Ref target = proxy_target(vm, self);
  Ref method = target ? cd_getattr_text(vm, target, name) : NO_REF;
  Ref result = method ? cd_call0(vm, method) : NO_REF;
  cd_drop(vm, method);
  cd_drop(vm, target);
  return result;
}
METHOD(proxy, __bytes__, "__bytes__(self)", NULL) { return proxy_forward(vm, self, "__bytes__"); }
METHOD(proxy, __reversed__, "__reversed__(self)", NULL) { return proxy_forward(vm, self, "__reversed__"); }
static const MethodDef *const proxy_methods[] = {&proxy___bytes___def, &proxy___reversed___def, NULL};

#define PROXY_SLOTS                                                                                                              \
  .release = weakref_clear, .traverse = weakref_traverse, .clear = weakref_clear, .repr = proxy_repr, .str = proxy_str,          \
  .hash = cd_hash_unhashable, .getattr = proxy_getattr, .setattr = proxy_setattr, .compare = proxy_compare, .iter = proxy_iter,  \
  .add = proxy_add, .subtract = proxy_subtract, .multiply = proxy_multiply, .matmul = proxy_matmul,                              \
  .true_divide = proxy_true_divide, .floor_divide = proxy_floor_divide, .remainder = proxy_remainder, .divmod = proxy_divmod,    \
  .lshift = proxy_lshift, .rshift = proxy_rshift, .and_ = proxy_and, .xor_ = proxy_xor, .or_ = proxy_or, .power = proxy_power,   \
  .iadd = proxy_iadd, .isubtract = proxy_isubtract, .imultiply = proxy_imultiply, .imatmul = proxy_imatmul,                      \
  .itrue_divide = proxy_itrue_divide, .ifloor_divide = proxy_ifloor_divide, .iremainder = proxy_iremainder,                      \
  .ilshift = proxy_ilshift, .irshift = proxy_irshift, .iand = proxy_iand, .ixor = proxy_ixor, .ior = proxy_ior,                  \
  .ipower = proxy_ipower, .negative = proxy_negative, .positive = proxy_positive, .absolute = proxy_absolute,                    \
  .invert = proxy_invert, .int_ = proxy_int, .float_ = proxy_float, .index = proxy_index, .truth = proxy_truth,                  \
  .len = proxy_len, .getitem = proxy_getitem, .setitem = proxy_setitem, .contains = proxy_contains, .next = proxy_next

const TypeSpec cd_weak_proxy_spec = {.name = "weakref.ProxyType",
                                     .basicsize = sizeof(Weakref),
                                     .flags = TYPE_GC | TYPE_NO_NEW,
                                     .methods = proxy_methods,
                                     .slots = {PROXY_SLOTS}};
const TypeSpec cd_weak_callable_proxy_spec = {
  .name = "weakref.CallableProxyType", .basicsize = sizeof(Weakref), .flags = TYPE_GC | TYPE_NO_NEW, .methods = proxy_methods,
  .slots = {PROXY_SLOTS, .call = proxy_call}};

Ref cd_weakref_proxy_new(VM *vm, Value referent, Value callback)
{
  return weakref_make(vm, cd_is_callable(vm, referent) ? vm->types.weak_callable_proxy : vm->types.weak_proxy, referent, callback);
}
