// SPDX-License-Identifier: MIT
// cache.c: inline caches: what an instruction learns at a miss; eval.c has the hits
#include "vm/eval.h"

#include "objects/dict.h"
#include "objects/module.h"
#include "objects/type.h"

// Byte offset in the instance of a __slots__ member that holds a plain value.
static bool cache_slot_offset(Value descriptor, uint32_t *offset)
{
  const MemberDescriptor *member = (const MemberDescriptor *)cd_object(descriptor);
  if (!member->added || member->kind != MEMBER_VALUE) return false;
  *offset = member->offset;
  return true;
}

#define CACHE_RETRY 15                           // misses between two attempts to fill a cache; a power of two - 1
#define CACHE_WAYS 4                             // caches an instruction may have

// Index + 1 of a new empty cache; 0: no memory.
static uint32_t cache_new(VM *vm, Code *code)
{
  if (code->cache_count == code->cache_capacity) {
    uint32_t capacity = code->cache_capacity ? code->cache_capacity * 2 : 8;
    InlineCache *caches = cd_realloc(vm, code->caches, code->cache_capacity * sizeof(InlineCache), capacity * sizeof(InlineCache));
    if (!caches) { cd_clear_raised(vm); return 0; }
    code->caches = caches;
    code->cache_capacity = capacity;
  }
  memset(&code->caches[code->cache_count], 0, sizeof(InlineCache));
  return ++code->cache_count;
}

// A cache of the instruction to fill: an empty one, a new one, or now and then one that is in use. NULL: don't bother.
static InlineCache *cache_to_fill(VM *vm, Code *code, InstrExtra *extra)
{
  if (!extra->cache && !(extra->cache = cache_new(vm, code))) return NULL;
  uint32_t first = extra->cache - 1, last = first, ways = 1;
  while (code->caches[last].kind != CACHE_EMPTY && code->caches[last].next) {
    last = code->caches[last].next - 1;
    ways++;
  }
  if (code->caches[last].kind == CACHE_EMPTY) return code->caches[last].counter++ & CACHE_RETRY ? NULL : &code->caches[last];
  if (ways < CACHE_WAYS) {
    uint32_t made = cache_new(vm, code);
    if (!made) return NULL;
    code->caches[last].next = made;
    return &code->caches[made - 1];
  }
  uint32_t misses = code->caches[first].counter++;
  if (misses & CACHE_RETRY) return NULL;
  uint32_t victim = first;
  for (uint32_t way = misses / (CACHE_RETRY + 1) % CACHE_WAYS; way; way--) victim = code->caches[victim].next - 1;
  return &code->caches[victim];
}

Ref cd_cache_load_global(VM *vm, Frame *frame, Value name, InstrExtra *extra)
{
  Type *dict_type = vm->types.dict;
  if (cd_is_exact(frame->globals, dict_type) && cd_is_exact(frame->builtins, dict_type) && cd_as_dict(frame->globals)->str_keys) {
    int64_t entry = cd_dict_entry_of(vm, frame->globals, name);
    bool in_builtins = entry < 0;
    if (in_builtins) entry = cd_dict_entry_of(vm, frame->builtins, name);
    if (entry >= 0 && entry < UINT32_MAX) {
      InlineCache *cache = cache_to_fill(vm, frame->code, extra);
      if (cache) {
        cache->kind = in_builtins ? CACHE_BUILTIN : CACHE_GLOBAL;
        cache->type_version = cd_as_dict(frame->globals)->version;
        cache->version2 = cd_as_dict(frame->builtins)->version;
        cache->index = (uint32_t)entry;
      }
      return cd_dup(cd_as_dict(in_builtins ? frame->builtins : frame->globals)->entries[entry].value);
    }
  }
  return cd_load_global(vm, frame, name);
}

static bool cache_is_data_descriptor(Value v) { return cd_is_object(v) && cd_object(v)->type->slots.descr_set; }
static bool cache_is_descriptor(Value v)
{
  return cd_is_object(v) && (cd_object(v)->type->slots.descr_get || cd_object(v)->type->slots.descr_set);
}

// Learns how to read `name` of objects like `object`. Says nothing about failure: then the cache stays as it is.
static void cache_learn_attribute(VM *vm, Object *object, Value name, InlineCache *cache, bool method)
{
  Type *type = object->type;
  if (cd_has_flag(cd_from_object(object), TYPE_TYPE)) {
    Type *cls = (Type *)object;
    if (type != vm->types.type || method) return;
    Value on_meta = cd_type_lookup_borrow(vm, type, name);
    if (cd_bits(on_meta)) return;
    Value value = cd_type_lookup_borrow(vm, cls, name);
    uint32_t version = cd_type_version(vm, cls);
    if (!cd_bits(value) || !version || (cache_is_descriptor(value) && !cd_is_exact(value, vm->types.function))) return;
    cache->kind = CACHE_TYPE;
    cache->type_version = version;
    cache->value = value;
    return;
  }
  if (type == vm->types.module) {
    Value dict = cd_module_dict(cd_from_object(object));
    Value on_type = cd_type_lookup_borrow(vm, type, name);
    if (cd_bits(on_type) && cache_is_data_descriptor(on_type)) return;
    int64_t entry = cd_dict_entry_of(vm, dict, name);
    if (entry < 0 || entry >= UINT32_MAX) return;
    cache->kind = CACHE_MODULE;
    cache->type_version = cd_as_dict(dict)->version;
    cache->index = (uint32_t)entry;
    return;
  }
  if (!(type->flags & TYPE_DEFAULT_GETATTR)) return;
  uint32_t version = cd_type_version(vm, type);
  if (!version) return;
  Value on_type = cd_type_lookup_borrow(vm, type, name);
  if (cd_bits(on_type) && cd_is_exact(on_type, vm->types.property)) {
    Property *property = (Property *)cd_object(on_type);
    if (method || !cd_is_exact(property->getter, vm->types.function)) return;
    Function *getter = (Function *)cd_object(property->getter);
    if (!cd_code_is_simple(getter->code) || getter->code->arg_count != 1) return;
    cache->kind = CACHE_PROPERTY;
    cache->type_version = version;
    cache->value = property->getter;
    return;
  }
  if (cd_bits(on_type) && cd_is_exact(on_type, vm->types.member_descriptor) && !method) {
    uint32_t offset;
    if (!cache_slot_offset(on_type, &offset) || (type->flags & TYPE_EXTRA_AT_END)) return;
    cache->kind = CACHE_SLOT;
    cache->type_version = version;
    cache->index = offset;
    return;
  }
  if (cd_bits(on_type) && cache_is_data_descriptor(on_type)) return;
  if (!(type->flags & TYPE_HAS_DICT)) {
    if (!cd_bits(on_type)) return;
    if (method) {
      if (!(cd_is_object(on_type) && (cd_object(on_type)->type->flags & TYPE_METHOD_DESCRIPTOR))) return;
      cache->kind = CACHE_METHOD_NO_DICT;
    } else {
      if (cache_is_descriptor(on_type)) return;
      cache->kind = CACHE_CLASS_NO_DICT;
    }
    cache->type_version = version;
    cache->value = on_type;
    return;
  }
  if (type->flags & TYPE_EXTRA_AT_END) return;
  AttributeHead *head = cd_attributes(object);
  if (cd_bits(head->dict)) return;
  uint32_t index = head->shape ? cd_shape_find(vm, head->shape, name) : SHAPE_MISSING;
  if (index != SHAPE_MISSING && cd_bits(head->values[index])) {
    if (method && false) return;
    cache->kind = CACHE_INSTANCE;
    cache->type_version = version;
    cache->shape_id = head->shape->id;
    cache->version2 = type->dict_offset;
    cache->index = index;
    return;
  }
  if (!cd_bits(on_type)) return;
  if (method) {
    if (!(cd_is_object(on_type) && (cd_object(on_type)->type->flags & TYPE_METHOD_DESCRIPTOR))) return;
  } else if (cache_is_descriptor(on_type)) {
    return;
  }
  cache->kind = method ? CACHE_METHOD : CACHE_CLASS;
  cache->type_version = version;
  cache->shape_id = head->shape ? head->shape->id : 0;
  cache->version2 = type->dict_offset;
  cache->value = on_type;
}

Ref cd_cache_load_attr(VM *vm, Code *code, Value object, Value name, InstrExtra *extra)
{
  Ref result = cd_getattr(vm, object, name);
  if (cd_bits(result) && cd_is_object(object)) {
    InlineCache *cache = cache_to_fill(vm, code, extra);
    if (cache) cache_learn_attribute(vm, cd_object(object), name, cache, false);
  }
  return result;
}

// Fills pair[0], pair[1] (dead temporaries) with a method and its self, or a value and NO_VALUE.
bool cd_cache_load_method(VM *vm, Code *code, Value object, Value name, InstrExtra *extra, Value *pair, bool owns)
{
  Ref method;
  bool unbound = false;
  bool through_super = cd_is_exact(object, vm->types.super);
  Find found = through_super ? cd_super_lookup_method(vm, object, name, &method, &unbound)
                             : cd_lookup_method(vm, object, name, &method, &unbound);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) {                   // let the ordinary way find the words
    method = cd_getattr(vm, object, name);
    if (!cd_bits(method)) return false;
  }
  if (cd_is_object(object) && !through_super) {
    InlineCache *cache = cache_to_fill(vm, code, extra);
    if (cache) cache_learn_attribute(vm, cd_object(object), name, cache, unbound);
  }
  Ref self = cd_dup(through_super && unbound ? ((Super *)cd_object(object))->object : object);
  if (owns) cd_drop(vm, cd_from_bits(cd_bits(object)));          // the consumed temporary; `self` keeps it alive
  if (!unbound) {
    pair[0] = method;
    pair[1] = NO_VALUE;
    cd_drop(vm, self);
    return true;
  }
  pair[0] = method;
  pair[1] = self;
  return true;
}

bool cd_cache_store_attr(VM *vm, Code *code, Value object, Value name, Value value, InstrExtra *extra)
{
  Shape *before = NULL;
  AttributeHead *head = NULL;
  Type *type = NULL;
  if (cd_is_object(object)) {
    type = cd_object(object)->type;
    if ((type->flags & (TYPE_HAS_DICT | TYPE_DEFAULT_SETATTR | TYPE_EXTRA_AT_END)) == (TYPE_HAS_DICT | TYPE_DEFAULT_SETATTR)) {
      head = cd_attributes(cd_object(object));
      before = head->shape;
    }
  }
  if (!cd_setattr(vm, object, name, value)) return false;
  if (!type || type != cd_object(object)->type || cd_is_type(object)) return true;
  InlineCache *cache = cache_to_fill(vm, code, extra);
  uint32_t version = cache ? cd_type_version(vm, type) : 0;
  if (!version) return true;
  Value on_type = cd_type_lookup_borrow(vm, type, name);
  if (cd_bits(on_type) && cache_is_data_descriptor(on_type)) {
    uint32_t offset;
    if (!(type->flags & TYPE_DEFAULT_SETATTR) || !cd_is_exact(on_type, vm->types.member_descriptor)) return true;
    if (!cache_slot_offset(on_type, &offset) || (type->flags & TYPE_EXTRA_AT_END)) return true;
    cache->kind = CACHE_SLOT;
    cache->type_version = version;
    cache->index = offset;
    return true;
  }
  if (!head || !head->shape) return true;
  if (head->shape == before) {
    uint32_t index = cd_shape_find(vm, before, name);
    if (index == SHAPE_MISSING) return true;
    cache->kind = CACHE_INSTANCE;
    cache->type_version = version;
    cache->shape_id = before->id;
    cache->version2 = type->dict_offset;
    cache->index = index;
  } else if (!before ? head->shape->parent && !head->shape->parent->parent : head->shape->parent == before) {
    cache->kind = CACHE_ADD_ATTRIBUTE;
    cache->type_version = version;
    cache->shape_id = before ? before->id : 0;
    cache->version2 = type->dict_offset;
    cache->index = head->shape->count - 1;
    cache->value = cd_from_bits((uint64_t)(uintptr_t)head->shape);
  }
  return true;
}

// ---- calls and loops ----

// The class's __init__ if calling the class means object.__new__ and then this Python function; NO_VALUE otherwise. Borrowed.
Value cd_python_init(VM *vm, Type *cls)
{
  if (cls->head.type != vm->types.type || cls->slots.new_ != cd_object_new_slot || (cls->flags & (TYPE_ABSTRACT | TYPE_EXTRA_AT_END)))
    return NO_VALUE;
  Value init = cd_type_lookup_borrow(vm, cls, N(__init__));
  return cd_bits(init) && cd_is_exact(init, vm->types.function) ? init : NO_VALUE;
}

void cd_cache_learn_class(VM *vm, Code *code, Type *cls, InstrExtra *extra)
{
  InlineCache *cache = cache_to_fill(vm, code, extra);
  if (!cache) return;
  Value init = cd_python_init(vm, cls);
  uint32_t version = cd_bits(init) ? cd_type_version(vm, cls) : 0;
  if (!version) return;
  cache->kind = CACHE_INIT;
  cache->type_version = version;
  cache->value = init;
}

// Iterators written in Python: their __next__ runs as a frame of the loop.
void cd_cache_learn_next(VM *vm, Code *code, Type *type, InstrExtra *extra)
{
  InlineCache *cache = cache_to_fill(vm, code, extra);
  if (!cache) return;
  Value next = cd_type_lookup_borrow(vm, type, N(__next__));
  uint32_t version = cd_type_version(vm, type);
  if (!cd_bits(next) || !cd_is_exact(next, vm->types.function) || !version) return;
  cache->kind = CACHE_NEXT;
  cache->type_version = version;
  cache->value = next;
}
