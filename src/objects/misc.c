// SPDX-License-Identifier: MIT
// misc.c: capsule, mappingproxy, SimpleNamespace
#include "objects/misc.h"
#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <stdio.h>

// ---- mappingproxy: a read-only view of a mapping ----

static Value proxied(Value self) { return ((MappingProxy *)cd_object(self))->mapping; }

Ref cd_mappingproxy_new(VM *vm, Value mapping)
{
  MappingProxy *proxy = cd_object_new(vm, vm->types.mappingproxy, sizeof *proxy);
  if (!proxy) return NO_REF;
  proxy->mapping = cd_dup(mapping);
  return cd_from_object(proxy);
}

static Ref mappingproxy_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[1];
  Ref owned[2];
  if (!cd_bind_text(vm, "mappingproxy(mapping)", args, nargs, kwnames, in, owned)) return NO_REF;
  if (!cd_type_of(vm, in[0])->slots.getitem || cd_is_list(in[0]) || cd_is_tuple(in[0]))
    return cd_raise_type(vm, "mappingproxy() argument must be a mapping, not %s", cd_type_name(cd_type_of(vm, in[0])));
  return cd_mappingproxy_new(vm, in[0]);
}

static bool mappingproxy_len(VM *vm, Value self, int64_t *out) { return cd_len(vm, proxied(self), out); }
static Ref mappingproxy_getitem(VM *vm, Value self, Value key) { return cd_getitem(vm, proxied(self), key); }
static bool mappingproxy_contains(VM *vm, Value self, Value item, bool *out) { return cd_contains(vm, proxied(self), item, out); }
static Ref mappingproxy_iter(VM *vm, Value self) { return cd_iter(vm, proxied(self)); }
static Ref mappingproxy_str(VM *vm, Value self) { return cd_str(vm, proxied(self)); }
static Ref mappingproxy_repr(VM *vm, Value self) { return cd_str_format(vm, "mappingproxy(%R)", proxied(self)); }
static bool mappingproxy_hash(VM *vm, Value self, int64_t *out) { return cd_hash(vm, proxied(self), out); }
static Ref mappingproxy_compare(VM *vm, Value self, Value other, CompareOp op) { return cd_compare(vm, proxied(self), other, op); }
static Ref mappingproxy_or(VM *vm, Value left, Value right)
{
  if (cd_is_exact(left, vm->types.mappingproxy)) left = proxied(left);
  if (cd_is_exact(right, vm->types.mappingproxy)) right = proxied(right);
  return cd_binary(vm, left, right, BINARY_OR);
}
static Ref mappingproxy_ior(VM *vm, Value left, Value right)
{
  return cd_raise_type(vm, "'|=' is not supported by %s; use '|' instead", cd_type_name(cd_type_of(vm, left)));
}

METHOD(mappingproxy, get, "get(self, key, default=None, /)", "Return the value for key if key is in the mapping, else default.")
{
  Value pair[2] = {args[0], args[1] ? args[1] : (Value)cd_none()};
  return cd_call_method(vm, proxied(self), N(get), pair, 2);
}
METHOD(mappingproxy, keys, "keys(self, /)", "a set-like object providing a view on the underlying mapping's keys")
{
  return cd_call_method0(vm, proxied(self), N(keys));
}
METHOD(mappingproxy, values, "values(self, /)", "an object providing a view on the underlying mapping's values")
{
  return cd_call_method0(vm, proxied(self), N(values));
}
METHOD(mappingproxy, items, "items(self, /)", "a set-like object providing a view on the underlying mapping's items")
{
  return cd_call_method0(vm, proxied(self), N(items));
}
METHOD(mappingproxy, copy, "copy(self, /)", "a shallow copy of the underlying mapping")
{
  return cd_call_method0(vm, proxied(self), N(copy));
}
METHOD(mappingproxy, __reversed__, "__reversed__(self, /)", "reverse iterator over the keys of the underlying mapping")
{
  return cd_call_method0(vm, proxied(self), N(__reversed__));
}
CLASS_METHOD(mappingproxy, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static void mappingproxy_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((MappingProxy *)self)->mapping); }
static void mappingproxy_release(VM *vm, Object *self) { cd_clear(vm, &((MappingProxy *)self)->mapping); }

static const MethodDef *const mappingproxy_methods[] = {
  &mappingproxy_get_def, &mappingproxy_keys_def, &mappingproxy_values_def, &mappingproxy_items_def, &mappingproxy_copy_def,
  &mappingproxy___class_getitem___def, &mappingproxy___reversed___def, NULL};
const TypeSpec cd_mappingproxy_spec = {
  .name = "mappingproxy",
  .basicsize = sizeof(MappingProxy),
  .flags = TYPE_GC | TYPE_MAPPING,
  .methods = mappingproxy_methods,
  .slots = {.release = mappingproxy_release, .traverse = mappingproxy_traverse, .repr = mappingproxy_repr, .str = mappingproxy_str,
            .hash = mappingproxy_hash, .compare = mappingproxy_compare, .iter = mappingproxy_iter, .new_ = mappingproxy_new_slot,
            .or_ = mappingproxy_or, .ior = mappingproxy_ior, .len = mappingproxy_len, .getitem = mappingproxy_getitem,
            .contains = mappingproxy_contains},
};

// ---- types.SimpleNamespace ----

Ref cd_simple_namespace_new(VM *vm, Value dict)
{
  Ref self = cd_from_object(cd_instance_new(vm, vm->types.simple_namespace));
  if (!self || !dict) return self;
  Ref copy = cd_dict_copy(vm, dict);
  if (copy && cd_instance_set_dict(vm, cd_object(self), copy)) {
    cd_drop(vm, copy);
    return self;
  }
  cd_drop(vm, self);
  return NO_REF;
}

static Ref simple_namespace_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return cd_from_object(cd_instance_new(vm, type));
}

static bool simple_namespace_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs) return cd_raise_type(vm, "no positional arguments expected");
  for (size_t i = 0; kwnames && i < cd_tuple_size(kwnames); i++)
    if (!cd_instance_set(vm, cd_object(self), cd_tuple_item_borrow(kwnames, i), args[i])) return false;
  return true;
}

static bool simple_namespace_put(VM *vm, TextBuilder *text, Value dict)
{
  size_t i = 0;
  bool first = true;
  Ref keys = cd_dict_keys_list(vm, dict);
  bool ok = keys != NO_REF;
  for (; ok && i < cd_list_size(keys); i++) {
    Value key = cd_list_item_borrow(keys, i);
    if (!cd_is_str(key) || !cd_str_size(key)) continue;
    Ref value;
    Find found = cd_dict_find(vm, dict, key, &value);
    if (found == FIND_MISSING) continue;
    ok = found == FIND_HIT && (first || cd_text_puts(text, ", ")) && cd_text_str(text, key) && cd_text_puts(text, "=") &&
         cd_text_repr(text, value);
    if (found == FIND_HIT) cd_drop(vm, value);
    first = false;
  }
  cd_drop(vm, keys);
  return ok;
}

static Ref simple_namespace_repr(VM *vm, Value self)
{
  Type *type = cd_type_of(vm, self);
  const char *name = type == vm->types.simple_namespace ? "namespace" : cd_type_name(type);
  ReprState state = cd_repr_enter(vm, self);
  if (state == REPR_ERROR) return NO_REF;
  if (state == REPR_INSIDE) return cd_str_format(vm, "%s(...)", name);
  TextBuilder text;
  cd_text_init(&text, vm);
  Ref dict = cd_instance_dict_copy(vm, cd_object(self));
  bool ok = dict && cd_text_format(&text, "%s(", name) && simple_namespace_put(vm, &text, dict) && cd_text_puts(&text, ")");
  cd_drop(vm, dict);
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

static Ref simple_namespace_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_instance_of(vm, self, vm->types.simple_namespace) || !cd_is_instance_of(vm, other, vm->types.simple_namespace))
    return cd_not_implemented();
  Ref a = cd_instance_dict(vm, cd_object(self)), b = a ? cd_instance_dict(vm, cd_object(other)) : NO_REF;
  Ref result = b ? cd_compare(vm, a, b, op) : NO_REF;
  cd_drop(vm, a);
  cd_drop(vm, b);
  return result;
}

static Ref simple_namespace_get_dict(VM *vm, Value self) { return cd_instance_dict(vm, cd_object(self)); }

METHOD(simple_namespace, __reduce__, "__reduce__(self, /)", "Return state information for pickling")
{
  Ref none = cd_tuple_new(vm, 0);
  return cd_tuple3_steal(vm, cd_dup_object(cd_type_of(vm, self)), none, cd_instance_dict(vm, cd_object(self)));
}

static const MethodDef *const simple_namespace_methods[] = {&simple_namespace___reduce___def, NULL};
static const GetSetDef simple_namespace_getset[] = {{"__dict__", NULL, simple_namespace_get_dict, NULL}, {0}};
const TypeSpec cd_simple_namespace_spec = {
  .name = "types.SimpleNamespace",
  .doc = "A simple attribute-based namespace.\n\nSimpleNamespace(**kwargs)",
  .basicsize = sizeof(SimpleNamespace),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT,
  .dict_offset = offsetof(SimpleNamespace, attributes),
  .methods = simple_namespace_methods,
  .getset = simple_namespace_getset,
  .slots = {.repr = simple_namespace_repr,
            .compare = simple_namespace_compare,
            .new_ = simple_namespace_new_slot,
            .init = simple_namespace_init},
};

// ---- capsule: a C pointer in a box ----

Ref cd_capsule_new(VM *vm, void *pointer, const char *name)
{
  if (!pointer) return cd_raise_value(vm, "PyCapsule_New called with null pointer");
  Capsule *capsule = cd_object_new(vm, vm->types.capsule, sizeof *capsule);
  if (!capsule) return NO_REF;
  capsule->pointer = pointer;
  capsule->name = name;
  return cd_from_object(capsule);
}

void *cd_capsule_pointer(VM *vm, Value capsule, const char *name)
{
  Capsule *c = cd_is_exact(capsule, vm->types.capsule) ? (Capsule *)cd_object(capsule) : NULL;
  if (c && (c->name == name || (c->name && name && !strcmp(c->name, name)))) return c->pointer;
  cd_raise_value(vm, c ? "PyCapsule_GetPointer called with incorrect name" : "PyCapsule_GetPointer called with invalid PyCapsule object");
  return NULL;
}

static Ref capsule_repr(VM *vm, Value self)
{
  Capsule *capsule = (Capsule *)cd_object(self);
  char at[32];
  snprintf(at, sizeof at, "0x%llx", (unsigned long long)cd_bits(self));
  const char *quote = capsule->name ? "\"" : "";
  return cd_str_format(vm, "<capsule object %s%s%s at %s>", quote, capsule->name ? capsule->name : "NULL", quote, at);
}
static void capsule_release(VM *vm, Object *self)
{
  Capsule *capsule = (Capsule *)self;
  if (capsule->destructor) capsule->destructor(vm, capsule);
}
const TypeSpec cd_capsule_spec = {
  .name = "PyCapsule", .basicsize = sizeof(Capsule), .flags = TYPE_NO_NEW, .slots = {.release = capsule_release, .repr = capsule_repr}};
