// SPDX-License-Identifier: MIT
// protocol_call.c: calling anything; class checks
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- calls ----

Ref cd_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  Type *type = cd_type_of(vm, callable);
  if (UNLIKELY(!type->slots.call)) return cd_raise_type(vm, "'%.200s' object is not callable", cd_type_name(type));
  Ref result = type->slots.call(vm, callable, args, nargs, kwnames);
  CD_ASSERT((result == NO_REF) == cd_raised(vm));
  return result;
}

Ref cd_call0(VM *vm, Value callable) { return cd_call(vm, callable, NULL, 0, NO_VALUE); }
Ref cd_call1(VM *vm, Value callable, Value a) { return cd_call(vm, callable, &a, 1, NO_VALUE); }
Ref cd_call2(VM *vm, Value callable, Value a, Value b)
{
  Value args[2] = {a, b};
  return cd_call(vm, callable, args, 2, NO_VALUE);
}
Ref cd_call3(VM *vm, Value callable, Value a, Value b, Value c)
{
  Value args[3] = {a, b, c};
  return cd_call(vm, callable, args, 3, NO_VALUE);
}

#define CALL_SMALL 10

Ref cd_call_with_self(VM *vm, Value callable, Value self, const Value *args, size_t nargs, Value kwnames)
{
  size_t total = nargs + (kwnames ? cd_tuple_size(kwnames) : 0);
  Value small[CALL_SMALL + 1], *all = small;
  if (UNLIKELY(total > CALL_SMALL) && !(all = cd_alloc_array(vm, total + 1, sizeof(Value)))) return NO_REF;
  all[0] = self;
  for (size_t i = 0; i < total; i++) all[i + 1] = args[i];
  Ref result = cd_call(vm, callable, all, nargs + 1, kwnames);
  if (all != small) cd_free(vm, all, (total + 1) * sizeof(Value));
  return result;
}

Ref cd_call_ex(VM *vm, Value callable, Value args, Value kwargs)
{
  size_t nargs = cd_tuple_size(args), nkw = kwargs ? cd_dict_count(kwargs) : 0;
  if (!nkw) return cd_call(vm, callable, cd_as_tuple(args)->items, nargs, NO_VALUE);
  Ref kwnames = cd_tuple_new(vm, nkw), result = NO_REF;
  Value *all = kwnames ? cd_alloc_array(vm, nargs + nkw, sizeof(Value)) : NULL;
  if (!all) {
    cd_drop(vm, kwnames);
    return NO_REF;
  }
  for (size_t i = 0; i < nargs; i++) all[i] = cd_tuple_item_borrow(args, i);
  size_t at = 0, filled = 0;
  Value key, value;
  bool ok = true;
  while (filled < nkw && cd_dict_each(kwargs, &at, &key, &value)) {
    if (!cd_is_str(key)) ok = false;
    cd_tuple_set(kwnames, filled, cd_dup(key));
    all[nargs + filled++] = cd_dup(value);       // the dict may change under the call
  }
  if (!ok) cd_raise_type(vm, "keywords must be strings");
  else result = cd_call(vm, callable, all, nargs, kwnames);
  for (size_t i = 0; i < filled; i++) cd_drop(vm, cd_from_bits(cd_bits(all[nargs + i])));
  cd_free(vm, all, (nargs + nkw) * sizeof(Value));
  cd_drop(vm, kwnames);
  return result;
}

Ref cd_call_method(VM *vm, Value object, Value name, const Value *args, size_t nargs)
{
  Ref method;
  bool unbound;
  Find found = cd_lookup_method(vm, object, name, &method, &unbound);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING) {
    if (!(method = cd_getattr(vm, object, name))) return NO_REF;
    unbound = false;
  }
  Ref result = unbound ? cd_call_with_self(vm, method, object, args, nargs, NO_VALUE) : cd_call(vm, method, args, nargs, NO_VALUE);
  cd_drop(vm, method);
  return result;
}
Ref cd_call_method0(VM *vm, Value object, Value name) { return cd_call_method(vm, object, name, NULL, 0); }
Ref cd_call_method1(VM *vm, Value object, Value name, Value a) { return cd_call_method(vm, object, name, &a, 1); }

bool cd_is_callable(VM *vm, Value v) { return cd_type_of(vm, v)->slots.call != NULL; }

// ---- class checks ----

// The __bases__ of something that plays a class: a tuple, or NO_REF with *error telling why.
static Ref class_bases(VM *vm, Value cls, bool *error)
{
  Ref bases;
  *error = false;
  Find found = cd_getattr_find(vm, cls, N(__bases__), &bases);
  if (found == FIND_ERROR) *error = true;
  if (found != FIND_HIT) return NO_REF;
  if (cd_is_tuple(bases)) return bases;
  cd_drop(vm, bases);
  return NO_REF;
}

static bool class_check(VM *vm, Value cls, const char *message)
{
  bool error;
  if (cd_is_type(cls)) return true;
  Ref bases = class_bases(vm, cls, &error);
  if (!bases && !error) cd_raise_type(vm, "%s", message);
  cd_drop(vm, bases);
  return bases != NO_REF;
}

static bool class_derives(VM *vm, Value derived, Value cls, bool *out)
{
  *out = cd_is(derived, cls);
  if (*out) return true;
  bool error, ok = true;
  Ref bases = class_bases(vm, derived, &error);
  if (!bases) return !error;
  if ((ok = cd_enter_recursion(vm, " in __issubclass__"))) {
    for (size_t i = 0; ok && !*out && i < cd_tuple_size(bases); i++) ok = class_derives(vm, cd_tuple_item_borrow(bases, i), cls, out);
    cd_leave_recursion(vm);
  }
  cd_drop(vm, bases);
  return ok;
}

bool cd_plain_isinstance(VM *vm, Value v, Value cls, bool *out)
{
  Type *type = cd_type_of(vm, v);
  *out = false;
  if (cd_is_type(cls)) {
    if ((*out = cd_type_is_subtype(type, cd_as_type(cls)))) return true;
    if (type->flags & TYPE_DEFAULT_GETATTR) {
      // __class__ is hardly ever redefined: then there is nothing to ask
      Value descriptor = cd_type_lookup_borrow(vm, type, N(__class__));
      if (descriptor && cd_is_exact(descriptor, vm->types.getset_descriptor) &&
          ((GetSetDescriptor *)cd_object(descriptor))->type == vm->types.object) return true;
    }
    Ref own;
    Find found = cd_getattr_find(vm, v, N(__class__), &own);
    if (found != FIND_HIT) return found == FIND_MISSING;
    if (cd_is_type(own) && cd_as_type(own) != type) *out = cd_type_is_subtype(cd_as_type(own), cd_as_type(cls));
    cd_drop(vm, own);
    return true;
  }
  if (!class_check(vm, cls, "isinstance() arg 2 must be a type, a tuple of types, or a union")) return false;
  Ref own;
  Find found = cd_getattr_find(vm, v, N(__class__), &own);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = class_derives(vm, own, cls, out);
  cd_drop(vm, own);
  return ok;
}

bool cd_plain_issubclass(VM *vm, Value sub, Value cls, bool *out)
{
  if (cd_is_type(sub) && cd_is_type(cls)) {
    *out = cd_type_is_subtype(cd_as_type(sub), cd_as_type(cls));
    return true;
  }
  if (!class_check(vm, sub, "issubclass() arg 1 must be a class")) return false;
  if (!class_check(vm, cls, "issubclass() arg 2 must be a class, a tuple of classes, or a union")) return false;
  return class_derives(vm, sub, cls, out);
}

typedef bool (*ClassTest)(VM *vm, Value v, Value cls, bool *out);

// Only tuples in tuples can nest deeply, so only they are guarded.
static bool class_test_tuple(VM *vm, Value v, Value classes, bool *out, ClassTest test, const char *where)
{
  *out = false;
  bool ok = true;
  for (size_t i = 0; ok && !*out && i < cd_tuple_size(classes); i++) {
    Value cls = cd_tuple_item_borrow(classes, i);
    if (LIKELY(!cd_is_tuple(cls))) {
      ok = test(vm, v, cls, out);
    } else if ((ok = cd_enter_recursion(vm, where))) {
      ok = test(vm, v, cls, out);
      cd_leave_recursion(vm);
    }
  }
  return ok;
}

// Asks cls.<name>(v). FIND_MISSING: cls has no such method.
static Find class_ask(VM *vm, Value v, Value cls, Value name, const char *where, bool *out)
{
  Ref checker;
  Find found = cd_lookup_special(vm, cls, name, &checker);
  if (found != FIND_HIT) return found;
  Ref answer = NO_REF;
  if (cd_enter_recursion(vm, where)) {
    answer = cd_call1(vm, checker, v);
    cd_leave_recursion(vm);
  }
  cd_drop(vm, checker);
  bool ok = answer && cd_truth(vm, answer, out);
  cd_drop(vm, answer);
  return ok ? FIND_HIT : FIND_ERROR;
}

bool cd_isinstance(VM *vm, Value v, Value cls, bool *out)
{
  if (cd_is_object(cls) && cd_type_of(vm, v) == (Type *)cd_object(cls)) return *out = true;
  if (cd_is_exact(cls, vm->types.type)) return cd_plain_isinstance(vm, v, cls, out);
  if (cd_is_tuple(cls)) return class_test_tuple(vm, v, cls, out, cd_isinstance, " in __instancecheck__");
  Find found = class_ask(vm, v, cls, N(__instancecheck__), " in __instancecheck__", out);
  return found == FIND_MISSING ? cd_plain_isinstance(vm, v, cls, out) : found == FIND_HIT;
}

bool cd_issubclass(VM *vm, Value sub, Value cls, bool *out)
{
  if (cd_is_exact(cls, vm->types.type)) {
    if (cd_is(sub, cls)) return *out = true;
    return cd_plain_issubclass(vm, sub, cls, out);
  }
  if (cd_is_tuple(cls)) return class_test_tuple(vm, sub, cls, out, cd_issubclass, " in __subclasscheck__");
  Find found = class_ask(vm, sub, cls, N(__subclasscheck__), " in __subclasscheck__", out);
  return found == FIND_MISSING ? cd_plain_issubclass(vm, sub, cls, out) : found == FIND_HIT;
}
