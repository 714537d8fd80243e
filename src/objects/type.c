// SPDX-License-Identifier: MIT
// type.c: classes: making them, mro, attribute lookup and its cache, the type `type`
#include "objects/type.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/function.h"
#include "objects/generic_alias.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/misc.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type_slots.h"
#include "objects/weakref.h"

#include <stdlib.h>

#define BUILTIN_TYPE(field, spec, base) extern const TypeSpec spec;
#include "core/builtin_types.def"
#undef BUILTIN_TYPE

// ---- names ----

// Is this a native type itself, not a Python class over one?
static bool type_is_native(const Type *type) { return !type->base || type->spec != type->base->spec; }

const char *cd_type_name(const Type *type)
{
  if (type_is_native(type)) return type->spec->name;
  return cd_str_data(type->name);
}

static const char *type_short_name(const TypeSpec *spec)
{
  const char *dot = strrchr(spec->name, '.');
  return dot ? dot + 1 : spec->name;
}

Ref cd_type_module(VM *vm, Type *type)
{
  if (type->module) return cd_dup(type->module);
  if (type->flags & TYPE_HEAP && !type_is_native(type)) {
    Value module = cd_dict_get_name_borrow(vm, type->dict, N(__module__));
    if (module) return cd_dup(module);
    return cd_raise_attribute(vm, cd_type_value(type), N(__module__), "__module__");
  }
  return cd_dup(N(builtins));
}

Ref cd_type_qualified_name(VM *vm, Type *type)
{
  Ref module = cd_type_module(vm, type);
  if (!module) cd_clear_raised(vm);
  Ref text = !module || !cd_is_str(module) || cd_str_is(module, "builtins") ? cd_dup(type->qualname)
                                                                            : cd_str_format(vm, "%U.%U", module, type->qualname);
  cd_drop(vm, module);
  return text;
}

// ---- versions and the lookup cache ----

uint32_t cd_type_version(VM *vm, Type *type)
{
  if (LIKELY(type->version)) return type->version;
  if (!type->mro || !(type->flags & TYPE_READY)) return 0;
  // Invariant: a type with a version has bases with versions, so cd_type_modified can stop at version 0.
  const Tuple *mro = cd_as_tuple(type->mro);
  for (size_t i = mro->size; i-- > 0;) {
    Type *t = (Type *)cd_object(mro->items[i]);
    if (t->version) continue;
    if (vm->next_type_version == UINT32_MAX) return 0;
    t->version = ++vm->next_type_version;
  }
  return type->version;
}

void cd_type_modified(VM *vm, Type *type)
{
  if (!type->version) return;
  type->version = 0;
  for (uint32_t i = 0; i < type->subclass_count; i++)
    if (type->subclasses[i]) cd_type_modified(vm, type->subclasses[i]);
}

void cd_type_became_descriptor(VM *vm) { cd_type_modified(vm, vm->types.object); }

static Value type_find_in_mro(VM *vm, Type *type, Value name)
{
  if (!type->mro) return type->dict ? cd_dict_get_name_borrow(vm, cd_type_dict(vm, type), name) : NO_VALUE;
  Tuple *mro = cd_as_tuple(type->mro);
  Value found = NO_VALUE;
  mro->head.refcount++;                          // an odd key's __eq__ may set __bases__
  for (size_t i = 0; i < mro->size && !found; i++) {
    Value dict = cd_type_dict(vm, (Type *)cd_object(mro->items[i]));
    if (dict) found = cd_dict_get_name_borrow(vm, dict, name);
  }
  cd_drop_object(vm, mro);
  return found;
}

static NO_INLINE Value type_lookup_uncached(VM *vm, Type *type, Value name, TypeCacheEntry *entry, uint32_t version)
{
  Value found = type_find_in_mro(vm, type, name);
  if (!version || type->version != version) return found;
  entry->version = version;
  entry->value = found;
  if (!cd_is(entry->name, name)) cd_replace(vm, &entry->name, cd_dup(name));
  return found;
}

static COLD Value type_lookup_odd_name(VM *vm, Type *type, Value name)
{
  Ref exact = cd_str_exact(vm, name);
  Ref interned = exact ? cd_str_intern(vm, exact) : NO_REF;
  if (!interned) {
    cd_clear_raised(vm);
    return NO_VALUE;
  }
  Value found = cd_type_lookup_borrow(vm, type, interned);
  cd_drop(vm, interned);
  return found;
}

Value cd_type_lookup_borrow(VM *vm, Type *type, Value name)
{
  if (UNLIKELY(!cd_as_str(name)->interned)) return type_lookup_odd_name(vm, type, name);
  uint32_t version = cd_type_version(vm, type);
  uint64_t hash = (cd_bits(name) >> 4) ^ (cd_bits(name) >> 12) ^ (uint64_t)version * 0x9E3779B1u;
  TypeCacheEntry *entry = &vm->type_cache->entries[hash & (TYPE_CACHE_SIZE - 1)];
  if (LIKELY(entry->version == version && cd_is(entry->name, name) && version)) return entry->value;
  return type_lookup_uncached(vm, type, name, entry, version);
}

// ---- subclass lists ----

static bool type_add_subclass(VM *vm, Type *base, Type *type)
{
  if (base->subclass_count == base->subclass_capacity) {
    uint32_t live = 0;
    for (uint32_t i = 0; i < base->subclass_count; i++)
      if (base->subclasses[i]) base->subclasses[live++] = base->subclasses[i];
    base->subclass_count = live;
    if (live * 2 >= base->subclass_capacity) {
      uint32_t capacity = base->subclass_capacity ? base->subclass_capacity * 2 : 4;
      Type **grown = cd_realloc(vm, base->subclasses, base->subclass_capacity * sizeof(Type *), capacity * sizeof(Type *));
      if (!grown) return false;
      base->subclasses = grown;
      base->subclass_capacity = capacity;
    }
  }
  base->subclasses[base->subclass_count++] = type;
  return true;
}

static void type_remove_subclass(Type *base, const Type *type)
{
  for (uint32_t i = base->subclass_count; i-- > 0;)
    if (base->subclasses[i] == type) {
      base->subclasses[i] = NULL;
      while (base->subclass_count && !base->subclasses[base->subclass_count - 1]) base->subclass_count--;
      return;
    }
}

static bool type_join_bases(VM *vm, Type *type)
{
  for (size_t i = 0; i < cd_tuple_size(type->bases); i++) {
    Value base = cd_tuple_item_borrow(type->bases, i);
    if (!type_add_subclass(vm, cd_as_type(base), type)) return false;
  }
  return true;
}

static void type_leave(const Type *type, Value bases)
{
  for (size_t i = 0; bases && i < cd_tuple_size(bases); i++) type_remove_subclass((Type *)cd_object(cd_tuple_item_borrow(bases, i)), type);
}

// ---- mro ----

bool cd_type_is_subtype(const Type *type, const Type *base)
{
  if (type == base) return true;
  if (type->mro) {
    const Tuple *mro = (const Tuple *)cd_object(type->mro);
    for (size_t i = 0; i < mro->size; i++)
      if (cd_object(mro->items[i]) == &base->head) return true;
    return false;
  }
  for (const Type *t = type; t; t = t->base)
    if (t == base) return true;
  return false;
}

static Ref mro_conflict(VM *vm, Value *lists, const size_t *next, size_t count)
{
  Ref names = cd_list_new(vm);
  if (!names) return NO_REF;
  for (size_t i = 0; i < count; i++) {
    if (next[i] >= cd_tuple_size(lists[i])) continue;
    Value head = cd_tuple_item_borrow(lists[i], next[i]);
    Value name = cd_is_type(head) ? cd_as_type(head)->name : N(object);
    bool known = false;
    for (size_t j = 0; j < cd_list_size(names) && !known; j++) known = cd_is(cd_list_item_borrow(names, j), name);
    if (!known && !cd_list_append(vm, cd_as_list(names), name)) break;
  }
  Ref comma = cd_raised(vm) ? NO_REF : cd_str_from(vm, ", ");
  Ref joined = comma ? cd_str_join(vm, comma, names) : NO_REF;
  if (joined) cd_raise_type(vm, "Cannot create a consistent method resolution\norder (MRO) for bases %U", joined);
  cd_drop(vm, joined);
  cd_drop(vm, comma);
  cd_drop(vm, names);
  return NO_REF;
}

static bool mro_in_tail(Value list, size_t next, Value candidate)
{
  for (size_t i = next + 1; i < cd_tuple_size(list); i++)
    if (cd_is(cd_tuple_item_borrow(list, i), candidate)) return true;
  return false;
}

// C3: merges the tuples `lists` behind `type`.
static Ref mro_merge(VM *vm, Type *type, Value *lists, size_t count)
{
  size_t *next = cd_alloc_zeroed(vm, count * sizeof(size_t));
  if (!next) return NO_REF;
  Ref result = cd_list_new(vm);
  if (!result || !cd_list_append(vm, cd_as_list(result), cd_type_value(type))) goto fail;
  for (;;) {
    Value chosen = NO_VALUE;
    size_t finished = 0;
    for (size_t i = 0; i < count && !chosen; i++) {
      if (next[i] >= cd_tuple_size(lists[i])) {
        finished++;
        continue;
      }
      Value candidate = cd_tuple_item_borrow(lists[i], next[i]);
      bool blocked = false;
      for (size_t j = 0; j < count && !blocked; j++) blocked = mro_in_tail(lists[j], next[j], candidate);
      if (!blocked) chosen = candidate;
    }
    if (!chosen) {
      if (finished == count) break;
      mro_conflict(vm, lists, next, count);
      goto fail;
    }
    if (!cd_list_append(vm, cd_as_list(result), chosen)) goto fail;
    for (size_t i = 0; i < count; i++)
      if (next[i] < cd_tuple_size(lists[i]) && cd_is(cd_tuple_item_borrow(lists[i], next[i]), chosen)) next[i]++;
  }
  cd_free(vm, next, count * sizeof(size_t));
  Ref mro = cd_list_to_tuple(vm, result);
  cd_drop(vm, result);
  return mro;

fail:
  cd_free(vm, next, count * sizeof(size_t));
  cd_drop(vm, result);
  return NO_REF;
}

static Ref type_compute_mro(VM *vm, Type *type)
{
  size_t count = cd_tuple_size(type->bases);
  for (size_t i = 0; i < count; i++) {
    Type *base = cd_as_type(cd_tuple_item_borrow(type->bases, i));
    if (!base->mro) return cd_raise_type(vm, "Cannot extend an incomplete type '%.100s'", cd_type_name(base));
  }
  if (count <= 1) {                              // by far the usual case: the base's order behind the type
    Value rest = count ? cd_as_type(cd_tuple_item_borrow(type->bases, 0))->mro : NO_VALUE;
    size_t n = rest ? cd_tuple_size(rest) : 0;
    Ref mro = cd_tuple_new(vm, n + 1);
    if (!mro) return NO_REF;
    cd_tuple_set(mro, 0, cd_dup_object(type));
    for (size_t i = 0; i < n; i++) cd_tuple_set(mro, i + 1, cd_dup(cd_tuple_item_borrow(rest, i)));
    return mro;
  }
  for (size_t i = 0; i < count; i++)
    if (mro_in_tail(type->bases, i, cd_tuple_item_borrow(type->bases, i)))
      return cd_raise_type(vm, "duplicate base class %N", cd_as_type(cd_tuple_item_borrow(type->bases, i)));
  Value *lists = cd_alloc_array(vm, count + 1, sizeof(Value));
  if (!lists) return NO_REF;
  for (size_t i = 0; i < count; i++) lists[i] = cd_as_type(cd_tuple_item_borrow(type->bases, i))->mro;
  lists[count] = type->bases;
  Ref mro = mro_merge(vm, type, lists, count + 1);
  cd_free(vm, lists, (count + 1) * sizeof(Value));
  return mro;
}

static Type *type_solid_base(Type *type)
{
  for (; type->base; type = type->base) {
    if (type->slots_count) break;
    if (type->spec != type->base->spec &&
        (type->spec->basicsize != type->base->spec->basicsize || type->spec->slots.alloc_size)) break;
  }
  return type;
}

// The result of a metaclass's own mro(): any sequence of types with compatible layouts.
static Ref type_check_mro(VM *vm, Type *type, Ref result)
{
  Ref mro = result ? cd_tuple_from(vm, result) : NO_REF;
  cd_drop(vm, result);
  if (!mro) return NO_REF;
  Type *solid = type_solid_base(type);
  for (size_t i = 0; i < cd_tuple_size(mro); i++) {
    Value item = cd_tuple_item_borrow(mro, i);
    if (!cd_is_type(item)) cd_raise_type(vm, "mro() returned a non-class ('%.500s')", cd_type_name(cd_type_of(vm, item)));
    else if (!cd_type_is_subtype(solid, type_solid_base(cd_as_type(item))))
      cd_raise_type(vm, "mro() returned base with unsuitable layout ('%.500s')", cd_type_name(cd_as_type(item)));
    else continue;
    cd_drop(vm, mro);
    return NO_REF;
  }
  return mro;
}

static Ref type_find_mro(VM *vm, Type *type)
{
  if (type->head.type == vm->types.type) return type_compute_mro(vm, type);
  Value method = cd_type_lookup_borrow(vm, type->head.type, N(mro));
  Value plain = cd_dict_get_name_borrow(vm, cd_type_dict(vm, vm->types.type), N(mro));
  if (!method || cd_is(method, plain)) return type_compute_mro(vm, type);
  Ref bound;
  Find found = cd_lookup_special(vm, cd_type_value(type), N(mro), &bound);
  if (found == FIND_ERROR) return NO_REF;
  Ref result = cd_call0(vm, bound);
  cd_drop(vm, bound);
  return type_check_mro(vm, type, result);
}

// ---- layouts ----

Ref cd_type_best_base(VM *vm, Value bases)
{
  Type *winner = NULL, *best = NULL;
  for (size_t i = 0; i < cd_tuple_size(bases); i++) {
    Value item = cd_tuple_item_borrow(bases, i);
    if (!cd_is_type(item)) return cd_raise_type(vm, "bases must be types");
    Type *base = cd_as_type(item);
    if (!(base->flags & TYPE_BASE)) return cd_raise_type(vm, "type '%.100s' is not an acceptable base type", cd_type_name(base));
    Type *candidate = type_solid_base(base);
    if (!winner || (winner != candidate && cd_type_is_subtype(candidate, winner))) {
      winner = candidate;
      best = base;
    } else if (!cd_type_is_subtype(winner, candidate)) {
      return cd_raise_type(vm, "multiple bases have instance lay-out conflict");
    }
  }
  return cd_dup_object(best);
}

Ref cd_metaclass_of(VM *vm, Value meta, Value bases)
{
  Type *winner = cd_as_type(meta);
  for (size_t i = 0; i < cd_tuple_size(bases); i++) {
    Type *candidate = cd_type_of(vm, cd_tuple_item_borrow(bases, i));
    if (cd_type_is_subtype(winner, candidate)) continue;
    if (cd_type_is_subtype(candidate, winner)) winner = candidate;
    else
      return cd_raise_type(vm, "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the "
                               "metaclasses of all its bases");
  }
  return cd_dup_object(winner);
}

// Types whose instances carry a namespace of their own; no AttributeHead is added to them.
static bool type_has_own_namespace(VM *vm, const Type *type)
{
  return type->flags & TYPE_TYPE || (vm->types.module && cd_type_is_subtype(type, vm->types.module));
}

// CPython's tp_itemsize != 0: no __weakref__ and no nonempty __slots__ in subclasses.
static bool type_is_variable(const Type *type)
{
  return type->flags & (TYPE_INT | TYPE_TUPLE | TYPE_BYTES | TYPE_TYPE);
}

#define TYPE_INHERITED (TYPE_SUBCLASS_MASK | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_GC | TYPE_VALUE_MATCH | TYPE_STREAM)

static void type_inherit_layout(Type *type, const Type *base)
{
  type->flags |= base->flags & (TYPE_INHERITED | TYPE_EXTRA_AT_END);
  type->dict_offset = base->dict_offset;
  type->weaklist_offset = base->weaklist_offset;
  type->inline_capacity = base->inline_capacity;
  if (type->basicsize < base->basicsize) type->basicsize = base->basicsize;
}

// PEP 634: a class is a sequence or a mapping for match as the first class of its mro that is either.
static void type_inherit_match(Type *type, const Type *base)
{
  if (!(type->flags & (TYPE_SEQUENCE | TYPE_MAPPING))) type->flags |= base->flags & (TYPE_SEQUENCE | TYPE_MAPPING);
}

static void type_set_access_flags(Type *type)
{
  type->flags &= ~(uint32_t)(TYPE_DEFAULT_GETATTR | TYPE_DEFAULT_SETATTR);
  if (type->slots.getattr == cd_generic_getattr) type->flags |= TYPE_DEFAULT_GETATTR;
  if (type->slots.setattr == cd_generic_setattr) type->flags |= TYPE_DEFAULT_SETATTR;
}

// ---- native types ----

static bool type_dict_set(VM *vm, Type *type, Value name, Ref value)
{
  bool ok = value && cd_dict_set(vm, type->dict, name, value);
  cd_drop(vm, value);
  return ok;
}

static bool type_dict_set_text(VM *vm, Type *type, const char *name, Ref value)
{
  Ref key = value ? cd_intern(vm, name) : NO_REF;
  if (!key) {
    cd_drop(vm, value);
    return false;
  }
  bool ok = type_dict_set(vm, type, key, value);
  cd_drop(vm, key);
  return ok;
}

static bool type_add_match_args(VM *vm, Type *type, const char *text)
{
  Ref words = cd_list_new(vm);
  if (!words) return false;
  while (*text) {
    size_t n = strcspn(text, " ");
    Ref word = cd_intern_size(vm, text, n);
    if (!word || !cd_list_append_steal(vm, cd_as_list(words), word)) {
      cd_drop(vm, words);
      return false;
    }
    text += n;
    while (*text == ' ') text++;
  }
  Ref tuple = cd_list_to_tuple(vm, words);
  cd_drop(vm, words);
  return type_dict_set(vm, type, N(__match_args__), tuple);
}

// Text after the "name(args)\n--\n\n" head, if there is one.
static const char *type_doc_body(const char *doc)
{
  const char *mark = strstr(doc, ")\n--\n\n");
  return mark ? mark + 6 : doc;
}

static Ref class_get_dict(VM *vm, Value self);
static bool native_set_dict(VM *vm, Value self, Value value)
{
  if (!value) return cd_raise_type(vm, "cannot delete __dict__");
  if (!cd_is_dict(value))
    return cd_raise_type(vm, "__dict__ must be set to a dictionary, not a '%.200s'", cd_type_name(cd_type_of(vm, value)));
  return cd_instance_set_dict(vm, cd_object(self), value);
}
static const GetSetDef native_dict_getset = {"__dict__", NULL, class_get_dict, native_set_dict};

static bool type_add_native_attributes(VM *vm, Type *type, const TypeSpec *spec)
{
  for (const MethodDef *const *m = spec->methods; m && *m; m++)
    if (!type_dict_set_text(vm, type, (*m)->name, cd_method_descriptor_new(vm, type, *m))) return false;
  for (const GetSetDef *g = spec->getset; g && g->name; g++)
    if (!type_dict_set_text(vm, type, g->name, cd_getset_new(vm, type, g))) return false;
  for (const MemberDef *m = spec->members; m && m->name; m++)
    if (!type_dict_set_text(vm, type, m->name, cd_member_new(vm, type, m))) return false;
  bool new_dict = type->flags & TYPE_HAS_DICT && type->base && !(type->base->flags & TYPE_HAS_DICT);
  if (new_dict && !cd_dict_get_name_borrow(vm, type->dict, N(__dict__)) &&
      !type_dict_set(vm, type, N(__dict__), cd_getset_new(vm, type, &native_dict_getset))) return false;
  if (spec->match_args && !type_add_match_args(vm, type, spec->match_args)) return false;
  if (!cd_type_add_slot_wrappers(vm, type)) return false;
  if (!cd_dict_get_name_borrow(vm, type->dict, N(__doc__)) &&
      !type_dict_set(vm, type, N(__doc__), spec->doc && *spec->doc ? cd_str_from(vm, type_doc_body(spec->doc)) : cd_none()))
    return false;
  return !spec->fill || spec->fill(vm, type);
}

// A failed allocation leaves what is there, to be tried again: the caller, who only looks something up, does not find it.
Value cd_type_fill(VM *vm, Type *type)
{
  Ref raised = cd_take_raised(vm);
  type->flags &= ~(uint32_t)TYPE_UNFILLED;
  if (!type_add_native_attributes(vm, type, type->spec)) {
    cd_clear_raised(vm);
    cd_type_modified(vm, type);
    type->flags |= TYPE_UNFILLED;
  }
  if (raised) cd_restore_raised(vm, raised);
  return type->dict;
}

// Fills empty slots from `base`, which is ready, so all it inherited is there already. Hash and compare go together.
static void type_inherit_slots(TypeSlots *slots, const TypeSlots *base)
{
  bool own_equality = slots->hash || slots->compare;
  void **to = (void **)slots, *const *from = (void *const *)base;
  for (size_t i = 0; i < sizeof(TypeSlots) / sizeof(void *); i++)
    if (!to[i] && &to[i] != (void **)&slots->hash) to[i] = from[i];
  if (!slots->hash) slots->hash = own_equality ? cd_hash_unhashable : base->hash;
}

// Makes `type` (head, spec, flags set) a complete native type.
static bool type_init_native(VM *vm, Type *type, const TypeSpec *spec, Value bases)
{
  const char *name = type_short_name(spec);
  Type *base = bases && cd_tuple_size(bases) ? cd_as_type(cd_tuple_item_borrow(bases, 0)) : NULL;
  if (base && cd_tuple_size(bases) > 1) {
    Ref best = cd_type_best_base(vm, bases);
    if (!best) return false;
    base = cd_as_type(best);
    cd_drop(vm, best);                           // bases keeps it
  }
  type->spec = spec;
  type->flags |= spec->flags;
  type->slots = spec->slots;
  type->basicsize = spec->basicsize;
  if (base) {
    type_inherit_layout(type, base);
    type->base = (Type *)cd_object(cd_dup_object(base));
  }
  if (type->basicsize < sizeof(Object)) type->basicsize = sizeof(Object);
  if (spec->dict_offset) type->dict_offset = spec->dict_offset;
  if (spec->weaklist_offset) type->weaklist_offset = spec->weaklist_offset;
  if (!(type->name = cd_intern(vm, name))) return false;
  type->qualname = cd_dup(type->name);
  if (name != spec->name && !(type->module = cd_intern_size(vm, spec->name, (size_t)(name - 1 - spec->name)))) return false;
  if (!(type->dict = cd_dict_new(vm))) return false;
  if (!(type->flags & TYPE_HEAP)) cd_gc_untrack(vm, cd_object(type->dict));  // lives as long as the VM
  if (!(type->bases = bases ? cd_dup(bases) : cd_tuple_new(vm, 0))) return false;
  return cd_type_ready(vm, type);
}

bool cd_type_ready(VM *vm, Type *type)
{
  if (!type_join_bases(vm, type)) return false;
  if (!type->mro && !(type->mro = type_compute_mro(vm, type))) return false;
  bool own_new = type->slots.new_ != NULL;
  type->flags |= TYPE_UNFILLED;
  bool single = cd_tuple_size(type->bases) <= 1;
  for (size_t i = 1; i < cd_tuple_size(type->mro); i++) {
    Type *base = cd_as_type(cd_tuple_item_borrow(type->mro, i));
    if (single && i > 1) {                       // the one base has inherited all but a __new__ that it refuses
      if (!type->slots.new_) type->slots.new_ = base->slots.new_;
      continue;
    }
    type_inherit_slots(&type->slots, &base->slots);
    type_inherit_match(type, base);
  }
  // A native layout without its own __new__ must not be made by object.__new__, which would leave its fields empty.
  if (!own_new && (type->flags & TYPE_NO_NEW || type->base == vm->types.object)) {
    type->slots.new_ = NULL;
    type->flags |= TYPE_NO_NEW;
  }
  type_set_access_flags(type);
  type->flags |= TYPE_READY;
  return true;
}

Type *cd_type_static(VM *vm, const TypeSpec *spec, Type *base)
{
  Type *type = cd_alloc_zeroed(vm, sizeof *type);
  if (!type) return NULL;
  type->head.type = vm->types.type;
  type->head.refcount = 1;
  type->flags = TYPE_IMMUTABLE;
  Ref bases = cd_tuple1(vm, cd_type_value(base ? base : vm->types.object));
  bool ok = bases && type_init_native(vm, type, spec, bases);
  cd_drop(vm, bases);
  return ok ? type : NULL;                       // a half-made type means start-up has failed; the VM's memory goes as a whole
}

Type *cd_type_from_spec(VM *vm, const TypeSpec *spec, Value bases)
{
  Type *type = cd_object_new(vm, vm->types.type, sizeof *type);
  if (!type) return NULL;
  type->flags = TYPE_HEAP;
  type->spec = spec;
  Ref all = bases && cd_is_tuple(bases) ? cd_dup(bases) : cd_tuple1(vm, bases ? bases : cd_type_value(vm->types.object));
  bool ok = all && type_init_native(vm, type, spec, all);
  cd_drop(vm, all);
  if (ok) return type;
  cd_drop_object(vm, type);
  return NULL;
}

// ---- start-up ----

typedef struct BuiltinRow { size_t field; const TypeSpec *spec; size_t base; } BuiltinRow;
static const BuiltinRow builtin_rows[] = {
#define BUILTIN_TYPE(field, spec, base) {offsetof(VmTypes, field), &spec, offsetof(VmTypes, base)},
#include "core/builtin_types.def"
#undef BUILTIN_TYPE
};

static Type **builtin_field(VM *vm, size_t offset) { return (Type **)((char *)&vm->types + offset); }

typedef struct NameRow { size_t field; const char *text; } NameRow;
static const NameRow name_rows[] = {
#define NAME(field, text) {offsetof(VmNames, field), text},
#include "core/names.def"
#undef NAME
};

static bool types_fill_names(VM *vm)
{
  for (size_t i = 0; i < ARRAY_LEN(name_rows); i++) {
    Value *slot = (Value *)((char *)&vm->names + name_rows[i].field);
    if (!*slot && !(*slot = cd_intern(vm, name_rows[i].text))) return false;
  }
  return true;
}

// Strings, dicts and tuples need their types before those can be complete: first every type gets its raw form, then each is finished.
bool cd_types_init(VM *vm)
{
  if (!(vm->type_cache = cd_alloc_zeroed(vm, sizeof *vm->type_cache))) return false;
  for (size_t i = 0; i < ARRAY_LEN(builtin_rows); i++) {
    const BuiltinRow *row = &builtin_rows[i];
    Type *type = cd_alloc_zeroed(vm, sizeof *type);
    if (!type) return false;
    *builtin_field(vm, row->field) = type;
    type->head.refcount = 1;
    type->head.type = vm->types.type ? vm->types.type : type;
    type->flags = row->spec->flags | TYPE_IMMUTABLE;
    type->basicsize = row->spec->basicsize;
    type->dict_offset = row->spec->dict_offset;
    type->weaklist_offset = row->spec->weaklist_offset;
    type->spec = row->spec;
    type->slots = row->spec->slots;
  }
  vm->types.object->head.type = vm->types.type;
  if (!types_fill_names(vm) || !cd_slots_init(vm)) return false;
  for (size_t i = 0; i < ARRAY_LEN(builtin_rows); i++) {
    const BuiltinRow *row = &builtin_rows[i];
    Type *type = *builtin_field(vm, row->field), *base = *builtin_field(vm, row->base);
    Ref bases = type == base ? cd_tuple_new(vm, 0) : cd_tuple1(vm, cd_type_value(base));
    bool ok = bases && type_init_native(vm, type, row->spec, bases);
    cd_drop(vm, bases);
    if (!ok) return false;
  }
  return cd_exceptions_init(vm);
}

// ---- classes written in Python: __slots__ ----

typedef struct ClassDraft {
  Type *meta, *base;
  Value name, bases;                             // borrowed
  Ref dict;                                      // the class's namespace
  Ref slots;                                     // list of mangled names, or NO_REF when there is no __slots__
  bool add_dict, add_weak;
  bool may_dict, may_weak;
} ClassDraft;

// Private names: __x in class C is _C__x.
static Ref class_mangle(VM *vm, Value class_name, Value name)
{
  const char *text = cd_str_data(name), *cls = cd_str_data(class_name);
  size_t n = cd_str_size(name);
  if (n < 2 || text[0] != '_' || text[1] != '_') return cd_dup(name);
  if ((text[n - 1] == '_' && text[n - 2] == '_') || strchr(text, '.')) return cd_dup(name);
  while (*cls == '_') cls++;
  if (!*cls) return cd_dup(name);
  return cd_str_format(vm, "_%s%U", cls, name);
}

static bool class_is_identifier(VM *vm, Value name)
{
  Ref method = NO_REF, yes = NO_REF;
  bool ok = false;
  if ((method = cd_getattr_text(vm, name, "isidentifier"))) yes = cd_call0(vm, method);
  if (yes) ok = cd_is_true(yes);
  if (yes && !ok) cd_raise_type(vm, "__slots__ must be identifiers");
  cd_drop(vm, method);
  cd_drop(vm, yes);
  return ok;
}

static bool class_add_slot(VM *vm, ClassDraft *draft, Value slot)
{
  if (!cd_is_str(slot)) return cd_raise_type(vm, "__slots__ items must be strings, not '%.200s'", cd_type_name(cd_type_of(vm, slot)));
  if (!class_is_identifier(vm, slot)) return false;
  if (cd_str_is(slot, "__dict__")) {
    if (!draft->may_dict || draft->add_dict) return cd_raise_type(vm, "__dict__ slot disallowed: we already got one");
    draft->add_dict = true;
    return true;
  }
  if (cd_str_is(slot, "__weakref__")) {
    if (!draft->may_weak || draft->add_weak)
      return cd_raise_type(vm, "__weakref__ slot disallowed: either we already got one, or __itemsize__ != 0");
    draft->add_weak = true;
    return true;
  }
  Ref name = class_mangle(vm, draft->name, slot);
  Ref exact = name ? cd_str_exact(vm, name) : NO_REF;
  cd_drop(vm, name);
  name = exact ? cd_str_intern(vm, exact) : NO_REF;
  if (!name) return false;
  if (cd_dict_get_name_borrow(vm, draft->dict, name) && !cd_is(name, N(__qualname__)) && !cd_is(name, N(__classcell__)) &&
      !cd_is(name, N(__classdictcell__))) {
    cd_raise_value(vm, "%R in __slots__ conflicts with class variable", name);
    cd_drop(vm, name);
    return false;
  }
  return cd_list_append_steal(vm, cd_as_list(draft->slots), name);
}

static bool class_read_slots(VM *vm, ClassDraft *draft, Value slots)
{
  Ref items = cd_is_str(slots) ? cd_tuple1(vm, slots) : cd_tuple_from(vm, slots);
  bool ok = items && (draft->slots = cd_list_new(vm));
  if (ok && cd_tuple_size(items) && type_is_variable(draft->base))
    ok = cd_raise_type(vm, "nonempty __slots__ not supported for subtype of '%s'", cd_type_name(draft->base));
  for (size_t i = 0; ok && i < cd_tuple_size(items); i++) ok = class_add_slot(vm, draft, cd_tuple_item_borrow(items, i));
  cd_drop(vm, items);
  if (!ok || !cd_list_sort(vm, cd_as_list(draft->slots), NO_VALUE, false)) return false;
  // A base other than the best one may bring a dict or weak references without a layout of its own.
  for (size_t i = 0; i < cd_tuple_size(draft->bases); i++) {
    const Type *other = cd_as_type(cd_tuple_item_borrow(draft->bases, i));
    if (draft->may_dict && other->flags & TYPE_HAS_DICT) draft->add_dict = true;
    if (draft->may_weak && other->flags & TYPE_HAS_WEAKREFS) draft->add_weak = true;
  }
  return true;
}

static bool class_plan_layout(VM *vm, ClassDraft *draft)
{
  Type *base = draft->base;
  draft->may_dict = !(base->flags & TYPE_HAS_DICT) && !type_has_own_namespace(vm, base);
  draft->may_weak = !(base->flags & TYPE_HAS_WEAKREFS) && !type_is_variable(base);
  Value slots = cd_dict_get_name_borrow(vm, draft->dict, N(__slots__));
  if (slots) {
    Ref held = cd_dup(slots);
    bool ok = class_read_slots(vm, draft, held);
    cd_drop(vm, held);
    return ok;
  }
  draft->add_dict = draft->may_dict;
  draft->add_weak = draft->may_weak;
  return true;
}

static Ref class_get_dict(VM *vm, Value self);
static bool class_set_dict(VM *vm, Value self, Value value);
static Ref class_get_weakref(VM *vm, Value self);
static const GetSetDef class_dict_getset = {"__dict__", "dictionary for instance variables", class_get_dict, class_set_dict};

static const GetSetDef class_weakref_getset = {"__weakref__", "list of weak references to the object", class_get_weakref, NULL};

static Ref type_get_dict(VM *vm, Value self);

static Ref class_get_dict(VM *vm, Value self)
{
  if (cd_is_object(self) && cd_object(self)->type->flags & TYPE_HAS_DICT) return cd_instance_dict(vm, cd_object(self));
  if (cd_is_type(self)) return type_get_dict(vm, self);
  if (cd_is_instance_of(vm, self, vm->types.module)) return cd_dup(cd_module_dict(self));
  return cd_raise_attribute(vm, self, N(__dict__), "This object has no __dict__");
}

static bool class_set_dict(VM *vm, Value self, Value value)
{
  if (!cd_is_object(self) || !(cd_object(self)->type->flags & TYPE_HAS_DICT))
    return cd_raise_attribute(vm, self, N(__dict__), "This object has no __dict__");
  if (!value && cd_object(self)->type->spec->dict_offset) return cd_raise_type(vm, "cannot delete __dict__");
  if (!value) {                                  // the next look makes an empty one
    cd_instance_release(vm, cd_object(self));
    return true;
  }
  if (!cd_is_dict(value))
    return cd_raise_type(vm, "__dict__ must be set to a dictionary, not a '%.200s'", cd_type_name(cd_type_of(vm, value)));
  return cd_instance_set_dict(vm, cd_object(self), value);
}

static Ref class_get_weakref(VM *vm, Value self)
{
  Weakref **list = cd_is_object(self) ? cd_weaklist_of(cd_object(self)) : NULL;
  if (!list) return cd_raise_attribute(vm, self, N(__weakref__), "This object has no __weakref__");
  return *list ? cd_dup_object(*list) : cd_none();
}

// Gives the class its instance layout behind its base's, and the descriptors that show it.
static bool class_lay_out(VM *vm, Type *type, ClassDraft *draft)
{
  size_t slot_count = draft->slots ? cd_list_size(draft->slots) : 0;
  size_t offset = cd_round8(type->basicsize);
  if ((draft->add_dict || draft->add_weak || slot_count) && type->slots.alloc_size) type->flags |= TYPE_EXTRA_AT_END;
  if (draft->add_dict) {
    type->flags |= TYPE_HAS_DICT;
    type->dict_offset = (uint32_t)offset;
    offset += sizeof(AttributeHead);
    if (!cd_dict_get_name_borrow(vm, type->dict, N(__dict__)) &&
        !type_dict_set(vm, type, N(__dict__), cd_getset_new(vm, type, &class_dict_getset)))
      return false;
  }
  if (draft->add_weak) {
    type->flags |= TYPE_HAS_WEAKREFS;
    type->weaklist_offset = (uint32_t)offset;
    offset += sizeof(Weakref *);
    if (!cd_dict_get_name_borrow(vm, type->dict, N(__weakref__)) &&
        !type_dict_set(vm, type, N(__weakref__), cd_getset_new(vm, type, &class_weakref_getset)))
      return false;
  }
  if (slot_count) {
    type->slots_offset = (uint32_t)offset;
    type->slots_count = (uint32_t)slot_count;
    for (size_t i = 0; i < slot_count; i++, offset += sizeof(Value)) {
      Value name = cd_list_item_borrow(draft->slots, i);
      if (!type_dict_set(vm, type, name, cd_slot_member_new(vm, type, name, (uint32_t)offset))) return false;
    }
    if (offset > UINT32_MAX / 2) return cd_raise_memory(vm);
  }
  if (offset > cd_round8(type->basicsize)) type->basicsize = (uint32_t)offset;
  type->flags |= TYPE_GC;                        // even without fields of its own: an instance may be part of a cycle through its class
  return true;
}

// ---- classes written in Python: namespace ----

static bool class_set_module(VM *vm, Type *type)
{
  if (cd_dict_get_name_borrow(vm, type->dict, N(__module__))) return true;
  Value globals = vm->running_globals(vm);
  if (!globals) return true;
  Value module = cd_dict_get_name_borrow(vm, globals, N(__name__));
  return !module || cd_dict_set(vm, type->dict, N(__module__), module);
}

static bool class_set_qualname(VM *vm, Type *type)
{
  Value qualname = cd_dict_get_name_borrow(vm, type->dict, N(__qualname__));
  if (!qualname) {
    type->qualname = cd_dup(type->name);
    return true;
  }
  if (!cd_is_str(qualname)) return cd_raise_type(vm, "type __qualname__ must be a str, not %s", cd_type_name(cd_type_of(vm, qualname)));
  type->qualname = cd_dup(qualname);
  return cd_dict_delete(vm, type->dict, N(__qualname__)) != FIND_ERROR;
}

// __new__ is a static method, __init_subclass__ and __class_getitem__ are class methods, without saying so.
static bool class_wrap_function(VM *vm, Type *type, Value name, Ref (*wrap)(VM *, Value))
{
  Value function = cd_dict_get_name_borrow(vm, type->dict, name);
  if (!function || !cd_is_exact(function, vm->types.function)) return true;
  return type_dict_set(vm, type, name, wrap(vm, function));
}

// namespace[name], put there by the class's body, is a cell for the finished class or its namespace. `value` may be NO_REF after a failure.
static bool class_fill_cell(VM *vm, Type *type, Value name, Ref value)
{
  Value cell = cd_dict_get_name_borrow(vm, type->dict, name);
  if (!value || !cd_is_exact(cell, vm->types.cell)) {
    cd_drop(vm, value);
    return value && cd_raise_type(vm, "%U must be a nonlocal cell, not <class '%.200s'>", name, cd_type_name(cd_type_of(vm, cell)));
  }
  cd_replace(vm, &((Cell *)cd_object(cell))->value, value);
  return cd_dict_delete(vm, type->dict, name) != FIND_ERROR;
}

static bool class_fill_cells(VM *vm, Type *type)
{
  if (cd_dict_get_name_borrow(vm, type->dict, N(__classcell__)) && !class_fill_cell(vm, type, N(__classcell__), cd_dup_object(type)))
    return false;
  return !cd_dict_get_name_borrow(vm, type->dict, N(__classdictcell__)) ||
         class_fill_cell(vm, type, N(__classdictcell__), cd_mappingproxy_new(vm, type->dict));
}

static bool class_finish_namespace(VM *vm, Type *type)
{
  size_t size;
  Value doc = cd_dict_get_name_borrow(vm, type->dict, N(__doc__));
  if (doc && cd_is_str(doc) && !cd_str_utf8(vm, doc, &size)) return false;       // lone surrogates are refused here already
  if (!class_set_module(vm, type) || !class_set_qualname(vm, type)) return false;
  if (!class_wrap_function(vm, type, N(__new__), cd_staticmethod_new)) return false;
  if (!class_wrap_function(vm, type, N(__init_subclass__), cd_classmethod_new)) return false;
  if (!class_wrap_function(vm, type, N(__class_getitem__), cd_classmethod_new)) return false;
  return class_fill_cells(vm, type);
}

static void class_update_slots_from(VM *vm, Type *type, Value dict)
{
  size_t i = 0;
  Value key, value;
  while (cd_dict_each(dict, &i, &key, &value))
    if (cd_is_str(key) && cd_str_size(key) > 4 && cd_str_data(key)[0] == '_' && cd_str_data(key)[1] == '_')
      cd_type_update_slot_here(vm, type, key);
}

static bool class_has_usual_mro(VM *vm, const Type *type)
{
  if (type->head.type == vm->types.type) return true;
  Value method = cd_type_lookup_borrow(vm, type->head.type, N(mro));
  return !method || cd_is(method, cd_dict_get_name_borrow(vm, cd_type_dict(vm, vm->types.type), N(mro)));
}

// Slots of a class are its base's, but for the dunder names that the class itself, or a class that the base does not know of, defines. An
// mro that a metaclass made up may have any order: then every slot is looked up.
static bool class_fill_slots(VM *vm, Type *type)
{
  if (!cd_dict_get_name_borrow(vm, type->dict, N(__doc__)) && !cd_dict_set(vm, type->dict, N(__doc__), cd_none())) return false;
  type->slots = type->base->slots;
  if (cd_dict_get_name_borrow(vm, type->dict, N(__eq__)) && !cd_dict_get_name_borrow(vm, type->dict, N(__hash__)) &&
      !cd_dict_set(vm, type->dict, N(__hash__), cd_none())) return false;
  const Tuple *mro = cd_as_tuple(type->mro);
  for (size_t i = 1; i < mro->size; i++) type_inherit_match(type, cd_as_type(mro->items[i]));
  if (!class_has_usual_mro(vm, type)) {
    cd_type_update_all_slots(vm, type);
  } else {
    for (size_t i = 0; i < mro->size; i++) {
      Type *part = cd_as_type(mro->items[i]);
      if (!cd_type_is_subtype(type->base, part)) class_update_slots_from(vm, type, cd_type_dict(vm, part));
    }
    // A native base that has no __new__ of its own leaves the choice to its subclasses' metaclass.
    if (type->head.type != vm->types.type || cd_tuple_size(type->bases) > 1) cd_type_update_slot_here(vm, type, N(__new__));
  }
  type_set_access_flags(type);
  return true;
}

static bool class_call_set_names(VM *vm, Type *type)
{
  Ref items = cd_dict_items_list(vm, type->dict);
  if (!items) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < cd_list_size(items); i++) {
    Value pair = cd_list_item_borrow(items, i), key = cd_tuple_item_borrow(pair, 0), value = cd_tuple_item_borrow(pair, 1);
    if (!cd_type_lookup_borrow(vm, cd_type_of(vm, value), N(__set_name__))) continue;
    Ref method;
    Find found = cd_lookup_special(vm, value, N(__set_name__), &method);
    if (found == FIND_MISSING) continue;
    Ref result = found == FIND_HIT ? cd_call2(vm, method, cd_type_value(type), key) : NO_REF;
    if (found == FIND_HIT) cd_drop(vm, method);
    if (result) {
      cd_drop(vm, result);
      continue;
    }
    Ref cause = cd_take_raised(vm);
    cd_raise_runtime(vm, "Error calling __set_name__ on '%.100s' instance %R in '%.100s'", cd_type_name(cd_type_of(vm, value)), key,
                     cd_str_data(type->name));
    cd_chain_cause(vm, cause);
    ok = false;
  }
  cd_drop(vm, items);
  return ok;
}

static bool class_call_init_subclass(VM *vm, Type *type, const Value *kwargs, Value kwnames)
{
  Ref method = cd_super_getattr(vm, type, cd_type_value(type), N(__init_subclass__));
  Ref result = method ? cd_call(vm, method, kwargs, 0, kwnames) : NO_REF;
  cd_drop(vm, method);
  cd_drop(vm, result);
  return result != NO_REF;
}

// Keys that are plain str get interned, so that lookups by name compare pointers.
static Ref class_copy_namespace(VM *vm, Value namespace_)
{
  Ref dict = cd_dict_with_capacity(vm, cd_dict_count(namespace_) + 4);
  if (!dict) return NO_REF;
  size_t i = 0;
  Value key, value;
  while (cd_dict_each(namespace_, &i, &key, &value)) {
    Ref name = cd_dup(key);
    if (cd_is_exact(key, vm->types.str) && !(name = cd_str_intern(vm, name))) goto fail;
    bool ok = cd_dict_set(vm, dict, name, value);
    cd_drop(vm, name);
    if (!ok) goto fail;
  }
  return dict;

fail:
  cd_drop(vm, dict);
  return NO_REF;
}

static bool type_renew_mro(VM *vm, Type *type, bool *done);

// Everything up to a ready type, before __set_name__ and __init_subclass__ run.
static Type *class_from_draft(VM *vm, ClassDraft *draft)
{
  Type *type = cd_object_new(vm, draft->meta, draft->meta->basicsize);
  if (!type) return NULL;
  type->flags = TYPE_HEAP | TYPE_BASE;
  type->name = cd_dup(draft->name);
  type->spec = draft->base->spec;
  type->base = (Type *)cd_object(cd_dup_object(draft->base));
  type->bases = cd_dup(draft->bases);
  type->dict = cd_move(&draft->dict);
  type->slots = draft->base->slots;
  type_inherit_layout(type, draft->base);
  if (draft->base->flags & TYPE_NO_NEW) type->flags |= TYPE_NO_NEW;
  if (!class_finish_namespace(vm, type) || !class_lay_out(vm, type, draft) || !type_join_bases(vm, type)) goto fail;
  bool done;
  if (!type_renew_mro(vm, type, &done)) goto fail;
  if (!class_fill_slots(vm, type)) goto fail;
  type->flags |= TYPE_READY;
  return type;

fail:
  cd_drop_object(vm, type);
  return NULL;
}

static bool class_check_bases(VM *vm, Value bases)
{
  for (size_t i = 0; i < cd_tuple_size(bases); i++) {
    Value base = cd_tuple_item_borrow(bases, i);
    if (cd_is_type(base)) continue;
    Ref entries;
    Find found = cd_getattr_find(vm, base, N(__mro_entries__), &entries);
    if (found == FIND_ERROR) return false;
    if (found == FIND_MISSING) continue;
    cd_drop(vm, entries);
    return cd_raise_type(vm, "type() doesn't support MRO entry resolution; use types.new_class()");
  }
  return true;
}

static Ref type_new_slot(VM *vm, Type *meta, const Value *args, size_t nargs, Value kwnames);

static bool class_check_name(VM *vm, Value name)
{
  size_t size;
  const char *text = cd_str_utf8(vm, name, &size);
  if (!text) return false;
  return strlen(text) == size || cd_raise_value(vm, "type name must not contain null characters");
}

Ref cd_type_new(VM *vm, Type *meta, Value name, Value bases, Value namespace_, const Value *kwargs, Value kwnames)
{
  ClassDraft draft = {.name = name};
  Type *type = NULL;
  Ref winner = NO_REF, best = NO_REF, all_bases = NO_REF;
  if (!class_check_bases(vm, bases)) return NO_REF;
  if (!(winner = cd_metaclass_of(vm, cd_type_value(meta), bases))) return NO_REF;
  draft.meta = cd_as_type(winner);
  all_bases = cd_tuple_size(bases) ? cd_dup(bases) : cd_tuple1(vm, cd_type_value(vm->types.object));
  if (!all_bases || !(best = cd_type_best_base(vm, all_bases))) goto done;
  draft.bases = all_bases;
  draft.base = cd_as_type(best);
  if (!class_check_name(vm, name)) goto done;
  if (!(draft.dict = class_copy_namespace(vm, namespace_)) || !class_plan_layout(vm, &draft)) goto done;
  if (!(type = class_from_draft(vm, &draft))) goto done;
  if (!class_call_set_names(vm, type) || !class_call_init_subclass(vm, type, kwargs, kwnames)) {
    cd_drop_object(vm, type);
    type = NULL;
  }

done:
  cd_drop(vm, draft.dict);
  cd_drop(vm, draft.slots);
  cd_drop(vm, winner);
  cd_drop(vm, best);
  cd_drop(vm, all_bases);
  return cd_from_object(type);
}

// ---- attributes of classes ----

static bool type_delete_from_dict(VM *vm, Type *type, Value name)
{
  Find found = cd_dict_delete(vm, type->dict, name);
  if (found == FIND_MISSING)
    cd_raise_attribute(vm, cd_type_value(type), name, "type object '%.50s' has no attribute '%U'", cd_type_name(type), name);
  return found == FIND_HIT;
}

bool cd_type_set_attr(VM *vm, Type *type, Value name, Value value)
{
  Ref exact = cd_str_exact(vm, name);
  Ref key = exact ? cd_str_intern(vm, exact) : NO_REF;
  if (!key) return false;
  Value before = value ? NO_VALUE : cd_dict_get_name_borrow(vm, cd_type_dict(vm, type), key);
  Ref old = before ? cd_dup(before) : NO_REF;    // a cache entry may still lend it until the type counts as modified
  cd_type_modified(vm, type);
  bool ok = value ? cd_dict_set(vm, cd_type_dict(vm, type), key, value) : type_delete_from_dict(vm, type, key);
  cd_type_modified(vm, type);
  if (ok) {
    cd_type_update_slot(vm, type, key);
    if (cd_is(key, N(__get__)) || cd_is(key, N(__set__)) || cd_is(key, N(__delete__))) cd_type_became_descriptor(vm);
    if (cd_is(key, N(__abstractmethods__)) && !value) type->flags &= ~(uint32_t)TYPE_ABSTRACT;
  }
  cd_drop(vm, key);
  cd_drop(vm, old);
  return ok;
}

static Find type_descriptor_result(VM *vm, Ref descriptor, Value instance, Value owner, Ref *out)     // steals descriptor
{
  Type *kind = cd_type_of(vm, descriptor);
  if (!kind->slots.descr_get) {
    *out = descriptor;
    return FIND_HIT;
  }
  *out = kind->slots.descr_get(vm, descriptor, instance, owner);
  cd_drop(vm, descriptor);
  return *out ? FIND_HIT : FIND_ERROR;
}

Find cd_type_getattr_find(VM *vm, Value self, Value name, Ref *out)
{
  Type *type = cd_as_type(self), *meta = type->head.type;
  Value meta_value = cd_type_lookup_borrow(vm, meta, name);
  if (meta_value) {
    Type *kind = cd_type_of(vm, meta_value);
    if (kind->slots.descr_set && kind->slots.descr_get)
      return type_descriptor_result(vm, cd_dup(meta_value), self, cd_type_value(meta), out);
  }
  Value own = cd_type_lookup_borrow(vm, type, name);
  if (own) return type_descriptor_result(vm, cd_dup(own), NO_VALUE, self, out);
  return meta_value ? type_descriptor_result(vm, cd_dup(meta_value), self, cd_type_value(meta), out) : FIND_MISSING;
}

Ref cd_type_getattr_slot(VM *vm, Value self, Value name)
{
  Ref result;
  Find found = cd_type_getattr_find(vm, self, name, &result);
  if (found == FIND_HIT) return result;
  if (found == FIND_MISSING)
    cd_raise_attribute(vm, self, name, "type object '%.50s' has no attribute '%U'", cd_type_name(cd_as_type(self)), name);
  return NO_REF;
}

static bool type_setattr_slot(VM *vm, Value self, Value name, Value value)
{
  Type *type = cd_as_type(self);
  if (type->flags & TYPE_IMMUTABLE)
    return cd_raise_type(vm, "cannot set '%U' attribute of immutable type '%s'", name, cd_type_name(type));
  Value descriptor = cd_type_lookup_borrow(vm, type->head.type, name);
  if (descriptor && cd_type_of(vm, descriptor)->slots.descr_set) {
    Ref held = cd_dup(descriptor);
    bool ok = cd_type_of(vm, held)->slots.descr_set(vm, held, self, value);
    cd_drop(vm, held);
    return ok;
  }
  return cd_type_set_attr(vm, type, name, value);
}

static bool type_check_settable(VM *vm, Type *type, Value value, const char *name)
{
  if (type->flags & TYPE_IMMUTABLE) return cd_raise_type(vm, "cannot set '%s' attribute of immutable type '%s'", name, cd_type_name(type));
  return value || cd_raise_type(vm, "cannot delete '%s' attribute of immutable type '%s'", name, cd_type_name(type));
}

static Ref type_get_name(VM *vm, Value self) { return cd_dup(cd_as_type(self)->name); }
static bool type_set_name(VM *vm, Value self, Value value)
{
  Type *type = cd_as_type(self);
  if (!type_check_settable(vm, type, value, "__name__")) return false;
  if (!cd_is_str(value))
    return cd_raise_type(vm, "can only assign string to %s.__name__, not '%s'", cd_type_name(type), cd_type_name(cd_type_of(vm, value)));
  if (!class_check_name(vm, value)) return false;
  cd_replace(vm, &type->name, cd_dup(value));
  return true;
}

static Ref type_get_qualname(VM *vm, Value self) { return cd_dup(cd_as_type(self)->qualname); }
static bool type_set_qualname(VM *vm, Value self, Value value)
{
  Type *type = cd_as_type(self);
  if (!type_check_settable(vm, type, value, "__qualname__")) return false;
  if (!cd_is_str(value))
    return cd_raise_type(vm, "can only assign string to %s.__qualname__, not '%s'", cd_type_name(type),
                         cd_type_name(cd_type_of(vm, value)));
  cd_replace(vm, &type->qualname, cd_dup(value));
  return true;
}

static Ref type_get_module(VM *vm, Value self) { return cd_type_module(vm, cd_as_type(self)); }
static bool type_set_module(VM *vm, Value self, Value value)
{
  Type *type = cd_as_type(self);
  if (!type_check_settable(vm, type, value, "__module__")) return false;
  cd_type_modified(vm, type);
  cd_clear(vm, &type->module);
  return cd_dict_set(vm, type->dict, N(__module__), value);
}

static Ref type_get_abstract(VM *vm, Value self)
{
  Type *type = cd_as_type(self);
  Value value = type == vm->types.type ? NO_VALUE : cd_dict_get_name_borrow(vm, type->dict, N(__abstractmethods__));
  return value ? cd_dup(value) : cd_raise_attribute(vm, self, N(__abstractmethods__), "__abstractmethods__");
}

static bool type_set_abstract(VM *vm, Value self, Value value)
{
  Type *type = cd_as_type(self);
  bool abstract = false;
  if (value) {
    if (!cd_truth(vm, value, &abstract) || !cd_dict_set(vm, type->dict, N(__abstractmethods__), value)) return false;
  } else {
    Find found = cd_dict_delete(vm, type->dict, N(__abstractmethods__));
    if (found == FIND_MISSING) cd_raise_attribute(vm, self, N(__abstractmethods__), "__abstractmethods__");
    if (found != FIND_HIT) return false;
  }
  cd_type_modified(vm, type);
  type->flags = abstract ? type->flags | TYPE_ABSTRACT : type->flags & ~(uint32_t)TYPE_ABSTRACT;
  return true;
}

static Ref type_get_dict(VM *vm, Value self)
{
  Value dict = cd_type_dict(vm, cd_as_type(self));
  return dict ? cd_mappingproxy_new(vm, dict) : cd_none();
}

static Ref type_get_doc(VM *vm, Value self)
{
  Type *type = cd_as_type(self);
  Value doc = cd_dict_get_name_borrow(vm, cd_type_dict(vm, type), N(__doc__));
  if (!doc) return cd_none();
  Ref held = cd_dup(doc);
  Type *kind = cd_type_of(vm, held);
  if (!kind->slots.descr_get) return held;
  Ref result = kind->slots.descr_get(vm, held, NO_VALUE, self);
  cd_drop(vm, held);
  return result;
}

static bool type_set_doc(VM *vm, Value self, Value value)
{
  Type *type = cd_as_type(self);
  return type_check_settable(vm, type, value, "__doc__") && cd_type_set_attr(vm, type, N(__doc__), value);
}

static Ref type_get_text_signature(VM *vm, Value self)
{
  Type *type = cd_as_type(self);
  Value own = type_is_native(type) ? NO_VALUE : cd_dict_get_name_borrow(vm, type->dict, N(__doc__));
  const char *doc = type_is_native(type) ? type->spec->doc : own && cd_is_str(own) ? cd_str_data(own) : NULL;
  size_t size = cd_str_size(type->name);
  if (own && doc && (strncmp(doc, cd_str_data(type->name), size) != 0 || doc[size] != '(')) doc = NULL;
  const char *mark = doc ? strstr(doc, ")\n--\n\n") : NULL;
  const char *open = mark ? strchr(doc, '(') : NULL;
  if (!open || open > mark) return cd_none();
  return cd_str_new(vm, open, (size_t)(mark + 1 - open));
}

static Ref type_get_annotations(VM *vm, Value self)
{
  Type *type = cd_as_type(self);
  if (!(type->flags & TYPE_HEAP) || type->flags & TYPE_IMMUTABLE)
    return cd_raise_attribute(vm, self, N(__annotations__), "type object '%s' has no attribute '__annotations__'", cd_type_name(type));
  Value annotations = cd_dict_get_name_borrow(vm, type->dict, N(__annotations__));
  if (annotations) {
    Ref held = cd_dup(annotations);
    Type *kind = cd_type_of(vm, held);
    if (!kind->slots.descr_get) return held;
    Ref result = kind->slots.descr_get(vm, held, NO_VALUE, self);
    cd_drop(vm, held);
    return result;
  }
  Ref fresh = cd_dict_new(vm);
  if (fresh && cd_dict_set(vm, type->dict, N(__annotations__), fresh)) {
    cd_type_modified(vm, type);
    return fresh;
  }
  cd_drop(vm, fresh);
  return NO_REF;
}

static bool type_set_annotations(VM *vm, Value self, Value value)
{
  Type *type = cd_as_type(self);
  if (type->flags & TYPE_IMMUTABLE)
    return cd_raise_type(vm, "cannot set '__annotations__' attribute of immutable type '%s'", cd_type_name(type));
  if (value) {
    if (!cd_dict_set(vm, type->dict, N(__annotations__), value)) return false;
  } else {
    Find found = cd_dict_delete(vm, type->dict, N(__annotations__));
    if (found == FIND_MISSING) cd_raise_attribute(vm, self, N(__annotations__), "__annotations__");
    if (found != FIND_HIT) return false;
  }
  cd_type_modified(vm, type);
  return true;
}

static Ref type_get_bases(VM *vm, Value self) { return cd_dup(cd_as_type(self)->bases); }
// Gives `type` the mro that its bases and metaclass want. A metaclass's mro() may assign __bases__ and so get here again: then the
// inner one stands, and *done stays false.
static bool type_renew_mro(VM *vm, Type *type, bool *done)
{
  Ref before = type->mro ? cd_dup(type->mro) : NO_REF;
  Ref mro = type_find_mro(vm, type);
  *done = mro && cd_is(type->mro, before);
  cd_drop(vm, before);
  if (!mro) return false;
  if (!*done) {
    cd_drop(vm, mro);
    return true;
  }
  cd_type_modified(vm, type);
  cd_replace(vm, &type->mro, mro);
  return true;
}

// The same for the type and all its subclasses; `log` collects (type, new mro, old mro) for taking it back.
static bool type_renew_mros(VM *vm, Type *type, Value log)
{
  bool done;
  Ref old = type->mro ? cd_dup(type->mro) : cd_none();
  if (!type_renew_mro(vm, type, &done) || !done) {
    cd_drop(vm, old);
    return !cd_raised(vm);
  }
  Ref entry = cd_tuple3_steal(vm, cd_dup_object(type), cd_dup(type->mro), old);
  if (!entry || !cd_list_append_steal(vm, cd_as_list(log), entry)) return false;
  for (uint32_t i = 0; i < type->subclass_count; i++) {
    Type *sub = type->subclasses[i];
    if (!sub || !sub->mro) continue;
    Ref held = cd_dup_object(sub);
    bool ok = type_renew_mros(vm, sub, log);
    cd_drop(vm, held);
    if (!ok) return false;
  }
  return true;
}

static void type_restore_mros(VM *vm, Value log)
{
  for (size_t i = cd_list_size(log); i-- > 0;) {
    Value entry = cd_list_item_borrow(log, i);
    Type *type = cd_as_type(cd_tuple_item_borrow(entry, 0));
    Value old = cd_tuple_item_borrow(entry, 2);
    if (!cd_is(type->mro, cd_tuple_item_borrow(entry, 1))) continue;
    cd_type_modified(vm, type);
    cd_replace(vm, &type->mro, cd_is_none(old) ? NO_REF : cd_dup(old));
  }
}

static void type_refresh_slots(VM *vm, Type *type)
{
  cd_type_update_all_slots(vm, type);
  type_set_access_flags(type);
  for (uint32_t i = 0; i < type->subclass_count; i++)
    if (type->subclasses[i]) type_refresh_slots(vm, type->subclasses[i]);
}

static bool type_same_layout(Type *a, Type *b)
{
  return type_solid_base(a) == type_solid_base(b) && a->basicsize == b->basicsize && a->dict_offset == b->dict_offset &&
         a->weaklist_offset == b->weaklist_offset;
}

// The storage the type itself adds sits at offsets behind the old base, so the new base has to be laid out like it.
static bool type_base_fits(Type *type, Type *old_base, Type *new_base)
{
  if (type_solid_base(old_base) != type_solid_base(new_base) || old_base->spec != new_base->spec) return false;
  if (old_base->basicsize == new_base->basicsize) return true;
  return new_base->basicsize < old_base->basicsize ? type_same_layout(type, old_base) : type_same_layout(type, new_base);
}

// While an mro() runs, the mro may lag behind the bases.
static bool type_in_base_chain(const Type *type, const Type *wanted)
{
  for (; type; type = type->base)
    if (type == wanted) return true;
  return false;
}

static bool type_exchange_bases(VM *vm, Type *type, Value bases, Ref best)   // steals best
{
  Ref log = cd_list_new(vm), old_bases = cd_from_bits(cd_bits(type->bases));
  Type *old_base = type->base;
  if (!log) {
    cd_drop(vm, best);
    return false;
  }
  type->bases = cd_dup(bases);                   // old_bases and old_base own what was there
  type->base = cd_as_type(best);
  bool ok = type_renew_mros(vm, type, log);
  bool current = cd_is(type->bases, bases);      // an mro() may have assigned other bases meanwhile; then those stand
  if (ok && current) {
    type_leave(type, old_bases);
    ok = type_join_bases(vm, type);
    if (ok) type_refresh_slots(vm, type);
    if (ok) cd_type_became_descriptor(vm);       // its instances may have
  }
  if (!ok) {
    Ref raised = cd_take_raised(vm);
    type_restore_mros(vm, log);
    if (current) {
      cd_replace(vm, &type->bases, cd_dup(old_bases));
      type->base = old_base;
      old_base = cd_as_type(best);
    }
    cd_restore_raised(vm, raised);
  }
  cd_drop(vm, log);
  cd_drop(vm, old_bases);
  cd_drop_object(vm, old_base);
  cd_type_modified(vm, type);
  return ok;
}

bool cd_type_set_bases(VM *vm, Type *type, Value bases)
{
  if (!type_check_settable(vm, type, bases, "__bases__")) return false;
  if (!cd_is_tuple(bases))
    return cd_raise_type(vm, "can only assign tuple to %s.__bases__, not %s", cd_type_name(type), cd_type_name(cd_type_of(vm, bases)));
  if (!cd_tuple_size(bases)) return cd_raise_type(vm, "can only assign non-empty tuple to %s.__bases__, not ()", cd_type_name(type));
  for (size_t i = 0; i < cd_tuple_size(bases); i++) {
    Value base = cd_tuple_item_borrow(bases, i);
    if (!cd_is_type(base))
      return cd_raise_type(vm, "%s.__bases__ must be tuple of classes, not '%s'", cd_type_name(type), cd_type_name(cd_type_of(vm, base)));
    if (cd_type_is_subtype(cd_as_type(base), type) || type_in_base_chain(cd_as_type(base), type))
      return cd_raise_type(vm, "a __bases__ item causes an inheritance cycle");
  }
  Ref best = cd_type_best_base(vm, bases);
  if (!best) return false;
  if (!type_base_fits(type, type->base, cd_as_type(best))) {
    cd_raise_type(vm, "__bases__ assignment: '%s' object layout differs from '%s'", cd_type_name(cd_as_type(best)),
                  cd_type_name(type->base));
    cd_drop(vm, best);
    return false;
  }
  return type_exchange_bases(vm, type, bases, best);
}

static bool type_set_bases_slot(VM *vm, Value self, Value value) { return cd_type_set_bases(vm, cd_as_type(self), value); }

// CPython's tp_flags, for code such as copyreg and inspect that tests bits.
static Ref type_get_flags(VM *vm, Value self)
{
  static const struct { uint32_t ours; uint64_t theirs; } bits[] = {
    {TYPE_SEQUENCE, 1u << 5}, {TYPE_MAPPING, 1u << 6}, {TYPE_NO_NEW, 1u << 7}, {TYPE_IMMUTABLE, 1u << 8}, {TYPE_HEAP, 1u << 9},
    {TYPE_BASE, 1u << 10}, {TYPE_READY, 1u << 12}, {TYPE_GC, 1u << 14}, {TYPE_METHOD_DESCRIPTOR, 1u << 17}, {TYPE_ABSTRACT, 1u << 20},
    {TYPE_VALUE_MATCH, 1u << 22}, {TYPE_INT, 1u << 24}, {TYPE_LIST, 1u << 25}, {TYPE_TUPLE, 1u << 26}, {TYPE_BYTES, 1u << 27},
    {TYPE_STR, 1u << 28}, {TYPE_DICT, 1u << 29}, {TYPE_EXCEPTION, 1u << 30}, {TYPE_TYPE, 1u << 31},
  };
  uint64_t flags = 0;
  for (size_t i = 0; i < ARRAY_LEN(bits); i++)
    if (cd_as_type(self)->flags & bits[i].ours) flags |= bits[i].theirs;
  return cd_from_small((int64_t)flags);
}

static Ref type_get_itemsize(VM *vm, Value self)
{
  uint32_t flags = cd_as_type(self)->flags;
  return cd_from_small(flags & TYPE_BYTES ? 1 : flags & TYPE_INT ? 8 : flags & (TYPE_TUPLE | TYPE_TYPE) ? 8 : 0);
}
static Ref type_get_dictoffset(VM *vm, Value self)
{
  Type *type = cd_as_type(self);
  return cd_from_small(type->flags & TYPE_TYPE ? (int64_t)offsetof(Type, dict) : type->dict_offset);
}

METHOD(type, mro, "mro(self, /)", "The classes in which names are looked up, in order.")
{
  Ref mro = type_compute_mro(vm, cd_as_type(self));
  Ref list = mro ? cd_list_from(vm, mro) : NO_REF;
  cd_drop(vm, mro);
  return list;
}

METHOD(type, __subclasses__, "__subclasses__(self, /)", "The classes that name this one as base.")
{
  Type *type = cd_as_type(self);
  Ref list = cd_list_new(vm);
  for (uint32_t i = 0; list && i < type->subclass_count; i++) {
    Type *sub = type->subclasses[i];
    if (!sub || !sub->head.refcount || !(sub->flags & TYPE_READY)) continue;
    if (!cd_list_append(vm, cd_as_list(list), cd_type_value(sub))) {
      cd_drop(vm, list);
      return NO_REF;
    }
  }
  return list;
}

METHOD_DEF_RAW_(type_dunder_prepare, "__prepare__", "__prepare__(name, bases, /, **kwds)", "Create the namespace for the class statement.",
                METHOD_CLASS)
{
  return cd_dict_new(vm);
}

METHOD(type, __instancecheck__, "__instancecheck__(self, instance, /)", "Is this an instance of the class?")
{
  bool yes;
  return cd_plain_isinstance(vm, args[0], self, &yes) ? cd_bool(yes) : NO_REF;
}

METHOD(type, __subclasscheck__, "__subclasscheck__(self, subclass, /)", "Is this a class derived from it?")
{
  bool yes;
  return cd_plain_issubclass(vm, args[0], self, &yes) ? cd_bool(yes) : NO_REF;
}

static bool type_merge_class_dict(VM *vm, Value dict, Type *type)
{
  for (size_t i = cd_tuple_size(type->mro); i-- > 0;)
    if (!cd_dict_update(vm, dict, cd_type_dict(vm, cd_as_type(cd_tuple_item_borrow(type->mro, i))))) return false;
  return true;
}

METHOD(type, __dir__, "__dir__(self, /)", "Specialized __dir__ implementation for types.")
{
  Ref dict = cd_dict_new(vm), list = NO_REF;
  if (dict && type_merge_class_dict(vm, dict, cd_as_type(self))) list = cd_dict_keys_list(vm, dict);
  cd_drop(vm, dict);
  return list;
}

METHOD(type, __sizeof__, "__sizeof__(self, /)", "Bytes that the type object takes.")
{
  Type *type = cd_as_type(self);
  return cd_from_small((int64_t)(sizeof(Type) + type->subclass_capacity * sizeof(Type *)));
}

// ---- calls ----

static Ref type_new_slot(VM *vm, Type *meta, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs != 3) return cd_raise_type(vm, "type.__new__() takes exactly 3 arguments (%zu given)", nargs);
  static const char *const wanted[3] = {"str", "tuple", "dict"};
  bool fits[3] = {cd_is_str(args[0]), cd_is_tuple(args[1]), cd_is_dict(args[2])};
  for (int i = 0; i < 3; i++)
    if (!fits[i])
      return cd_raise_type(vm, "type.__new__() argument %d must be %s, not %s", i + 1, wanted[i], cd_type_name(cd_type_of(vm, args[i])));
  // A more derived metaclass among the bases takes over, with its own __new__.
  if (!class_check_bases(vm, args[1])) return NO_REF;
  Ref winner = cd_metaclass_of(vm, cd_type_value(meta), args[1]);
  if (!winner) return NO_REF;
  Type *best = cd_as_type(winner);
  Ref type = best != meta && best->slots.new_ != type_new_slot ? best->slots.new_(vm, best, args, nargs, kwnames)
                                                               : cd_type_new(vm, best, args[0], args[1], args[2], args + 3, kwnames);
  cd_drop(vm, winner);
  return type;
}

static bool type_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (kwnames && cd_tuple_size(kwnames) && nargs == 1) return cd_raise_type(vm, "type.__init__() takes no keyword arguments");
  if (nargs != 1 && nargs != 3) return cd_raise_type(vm, "type.__init__() takes 1 or 3 arguments");
  return true;
}

static Ref type_call_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Type *type = cd_as_type(self);
  if (type == vm->types.type) {
    if (nargs == 1 && (!kwnames || !cd_tuple_size(kwnames))) return cd_dup_object(cd_type_of(vm, args[0]));
    if (nargs != 3) return cd_raise_type(vm, "type() takes 1 or 3 arguments");
  }
  if (UNLIKELY(!type->slots.new_)) return cd_raise_type(vm, "cannot create '%s' instances", cd_type_name(type));
  Ref object = type->slots.new_(vm, type, args, nargs, kwnames);
  if (!object) return NO_REF;
  Type *kind = cd_type_of(vm, object);
  if (kind != type && !cd_type_is_subtype(kind, type)) return object;
  if (!kind->slots.init || kind->slots.init(vm, object, args, nargs, kwnames)) return object;
  cd_drop(vm, object);
  return NO_REF;
}

static Ref type_repr_slot(VM *vm, Value self)
{
  Type *type = cd_as_type(self);
  Ref name = cd_type_qualified_name(vm, type);
  Ref text = name ? cd_str_format(vm, "<class '%U'>", name) : NO_REF;
  cd_drop(vm, name);
  return text;
}

static Ref type_or_slot(VM *vm, Value left, Value right) { return cd_union_new(vm, left, right); }

// ---- lifetime ----

static void type_traverse(Object *self, VisitFn visit, void *context)
{
  Type *type = (Type *)self;
  if (!(type->flags & TYPE_HEAP)) return;
  visit(context, type->dict);
  visit(context, type->mro);
  visit(context, type->bases);
  visit(context, type->name);
  visit(context, type->qualname);
  if (type->base) visit(context, cd_type_value(type->base));
}

static void type_clear(VM *vm, Object *self)
{
  Type *type = (Type *)self;
  if (!(type->flags & TYPE_HEAP)) return;
  cd_type_modified(vm, type);
  type->flags &= ~(uint32_t)TYPE_UNFILLED;
  if (type->dict) cd_dict_clear(vm, type->dict);
  cd_clear(vm, &type->mro);
}

static void type_release(VM *vm, Object *self)
{
  Type *type = (Type *)self;
  type_leave(type, type->bases);
  cd_type_modified(vm, type);
  cd_clear(vm, &type->dict);
  cd_clear(vm, &type->mro);
  cd_clear(vm, &type->bases);
  cd_clear(vm, &type->name);
  cd_clear(vm, &type->qualname);
  cd_clear(vm, &type->module);
  if (type->shape) cd_shape_free_tree(vm, type->shape);
  type->shape = NULL;
  cd_free(vm, type->subclasses, type->subclass_capacity * sizeof(Type *));
  type->subclasses = NULL;
  type->subclass_capacity = type->subclass_count = 0;
  Type *base = type->base;
  type->base = NULL;
  cd_drop_object(vm, base);
}

static const MethodDef *const type_methods[] = {&type_mro_def,
                                                &type___subclasses___def,
                                                &type_dunder_prepare_def,
                                                &type___instancecheck___def,
                                                &type___subclasscheck___def,
                                                &type___dir___def,
                                                &type___sizeof___def,
                                                NULL};
static Ref type_get_type_params(VM *vm, Value self)
{
  Value params = cd_as_type(self) == vm->types.type ? NO_VALUE : cd_dict_get_name_borrow(vm, cd_as_type(self)->dict, N(__type_params__));
  return params ? cd_dup(params) : cd_tuple_new(vm, 0);
}

static bool type_set_type_params(VM *vm, Value self, Value value)
{
  if (!value) return cd_raise_type(vm, "cannot delete '__type_params__' attribute of type '%s'", cd_type_name(cd_as_type(self)));
  Type *type = cd_as_type(self);
  if (type->flags & TYPE_IMMUTABLE)
    return cd_raise_type(vm, "cannot set '__type_params__' attribute of immutable type '%s'", cd_type_name(type));
  if (!cd_dict_set(vm, type->dict, N(__type_params__), value)) return false;
  cd_type_modified(vm, type);
  return true;
}

static const GetSetDef type_getset[] = {
  {"__name__", NULL, type_get_name, type_set_name},
  {"__qualname__", NULL, type_get_qualname, type_set_qualname},
  {"__bases__", NULL, type_get_bases, type_set_bases_slot},
  {"__module__", NULL, type_get_module, type_set_module},
  {"__abstractmethods__", NULL, type_get_abstract, type_set_abstract},
  {"__dict__", NULL, type_get_dict, NULL},
  {"__doc__", NULL, type_get_doc, type_set_doc},
  {"__text_signature__", NULL, type_get_text_signature, NULL},
  {"__annotations__", NULL, type_get_annotations, type_set_annotations},
  {"__type_params__", NULL, type_get_type_params, type_set_type_params},
  {"__flags__", NULL, type_get_flags, NULL},
  {"__itemsize__", NULL, type_get_itemsize, NULL},
  {"__dictoffset__", NULL, type_get_dictoffset, NULL},
  {0},
};

static const MemberDef type_members[] = {
  {"__base__", offsetof(Type, base), MEMBER_VALUE_OR_NONE, false, NULL},         // a pointer to an object is its Value
  {"__mro__", offsetof(Type, mro), MEMBER_VALUE_OR_NONE, false, NULL},
  {"__basicsize__", offsetof(Type, basicsize), MEMBER_U32, false, NULL},
  {"__weakrefoffset__", offsetof(Type, weaklist_offset), MEMBER_U32, false, NULL},
  {0},
};

const TypeSpec cd_type_spec = {
  .name = "type",
  .doc = "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
  .basicsize = sizeof(Type),
  .flags = TYPE_BASE | TYPE_GC | TYPE_TYPE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Type, weaklist),
  .methods = type_methods,
  .getset = type_getset,
  .members = type_members,
  .slots = {.release = type_release,
            .traverse = type_traverse,
            .clear = type_clear,
            .repr = type_repr_slot,
            .call = type_call_slot,
            .getattr = cd_type_getattr_slot,
            .setattr = type_setattr_slot,
            .new_ = type_new_slot,
            .init = type_init_slot,
            .or_ = type_or_slot},
};
