// SPDX-License-Identifier: MIT
// context_map.c: the persistent map from context variables to their values
#include "objects/context_map.h"
#include "objects/type.h"

enum { TRIE_BITS = 5, TRIE_PLACES = 1 << TRIE_BITS };

static inline ContextMap *trie_of(Value v) { return (ContextMap *)cd_object(v); }

// Objects lie at multiples of 16, and multiplying by an odd number loses nothing: different keys have different paths.
static inline uint64_t trie_path(Value key) { return (cd_bits(key) >> 4) * UINT64_C(0x9E3779B97F4A7C15); }

// The bit of the place that a path takes at a level: the best mixed bits, the upper ones, first.
static inline uint32_t trie_place(uint64_t path, unsigned level)
{
  unsigned turn = (TRIE_BITS * (level + 1)) & 63;
  return UINT32_C(1) << ((path << turn | path >> (64 - turn)) & (TRIE_PLACES - 1));
}

static inline unsigned trie_rank(uint32_t bits, uint32_t place) { return (unsigned)__builtin_popcount(bits & (place - 1)); }
static inline unsigned trie_entry_count(const ContextMap *node) { return (unsigned)__builtin_popcount(node->entries); }
static inline unsigned trie_child_count(const ContextMap *node) { return (unsigned)__builtin_popcount(node->children); }
static inline Value *trie_entry(ContextMap *node, uint32_t place) { return &node->slots[2 * trie_rank(node->entries, place)]; }
static inline Value *trie_child(ContextMap *node, uint32_t place)
{
  return &node->slots[2 * trie_entry_count(node) + trie_rank(node->children, place)];
}

static size_t trie_size(uint32_t entries, uint32_t children)
{
  return sizeof(ContextMap) + sizeof(Value) * (2 * (size_t)__builtin_popcount(entries) + (size_t)__builtin_popcount(children));
}

static ContextMap *trie_new(VM *vm, uint32_t entries, uint32_t children, uint32_t count)
{
  ContextMap *node = cd_object_new(vm, vm->types.context_map, trie_size(entries, children));
  if (!node) return NULL;
  node->entries = entries;
  node->children = children;
  node->count = count;
  return node;
}

// A node with these places. Where `old` has the same at a place it is taken over; the caller fills the others.
static ContextMap *trie_like(VM *vm, ContextMap *old, uint32_t entries, uint32_t children, uint32_t count)
{
  ContextMap *node = trie_new(vm, entries, children, count);
  if (!node) return NULL;
  for (uint32_t left = old->entries & entries; left; left &= left - 1) {
    uint32_t place = left & -left;
    const Value *from = trie_entry(old, place);
    Value *to = trie_entry(node, place);
    to[0] = cd_dup(from[0]);
    to[1] = cd_dup(from[1]);
  }
  for (uint32_t left = old->children & children; left; left &= left - 1) {
    uint32_t place = left & -left;
    *trie_child(node, place) = cd_dup(*trie_child(old, place));
  }
  return node;
}

static void trie_put(ContextMap *node, uint32_t place, Value key, Value value)    // into an entry that trie_like left empty
{
  Value *entry = trie_entry(node, place);
  entry[0] = cd_dup(key);
  entry[1] = cd_dup(value);
}

Value cd_context_map_get_borrow(Value map, Value key)
{
  uint64_t path = trie_path(key);
  for (unsigned level = 0; cd_bits(map); level++) {
    ContextMap *node = trie_of(map);
    uint32_t place = trie_place(path, level);
    if (node->entries & place) {
      const Value *entry = trie_entry(node, place);
      return cd_is(entry[0], key) ? entry[1] : NO_VALUE;
    }
    map = node->children & place ? *trie_child(node, place) : NO_VALUE;
  }
  return NO_VALUE;
}

// ---- setting ----

// A node for two entries whose paths are the same above `level`.
static ContextMap *trie_pair(VM *vm, unsigned level, const Value *one, Value key, Value value)
{
  uint32_t a = trie_place(trie_path(one[0]), level), b = trie_place(trie_path(key), level);
  if (a != b) {
    ContextMap *node = trie_new(vm, a | b, 0, 2);
    if (!node) return NULL;
    trie_put(node, a, one[0], one[1]);
    trie_put(node, b, key, value);
    return node;
  }
  ContextMap *child = trie_pair(vm, level + 1, one, key, value), *node = child ? trie_new(vm, 0, a, 2) : NULL;
  if (node) node->slots[0] = cd_from_object(child);
  else cd_drop_object(vm, child);
  return node;
}

// The node with one of its children exchanged. `child` is taken over, on failure too.
static ContextMap *trie_with_child(VM *vm, ContextMap *node, uint32_t place, ContextMap *child)
{
  uint32_t count = node->count - trie_of(*trie_child(node, place))->count + child->count;
  ContextMap *copy = trie_like(vm, node, node->entries, node->children, count);
  if (copy) cd_replace(vm, trie_child(copy, place), cd_from_object(child));
  else cd_drop_object(vm, child);
  return copy;
}

// The entry at `place` gives way to a child that has it and the new one.
static ContextMap *trie_with_pair(VM *vm, ContextMap *node, unsigned level, uint32_t place, Value key, Value value)
{
  ContextMap *child = trie_pair(vm, level + 1, trie_entry(node, place), key, value);
  ContextMap *copy = child ? trie_like(vm, node, node->entries & ~place, node->children | place, node->count + 1) : NULL;
  if (copy) *trie_child(copy, place) = cd_from_object(child);
  else cd_drop_object(vm, child);
  return copy;
}

static ContextMap *trie_with(VM *vm, ContextMap *node, unsigned level, Value key, Value value)
{
  uint32_t place = trie_place(trie_path(key), level);
  if (node->children & place) {
    ContextMap *child = trie_with(vm, trie_of(*trie_child(node, place)), level + 1, key, value);
    return child ? trie_with_child(vm, node, place, child) : NULL;
  }
  bool taken = node->entries & place;
  if (taken && !cd_is(*trie_entry(node, place), key)) return trie_with_pair(vm, node, level, place, key, value);
  ContextMap *copy = trie_like(vm, node, node->entries | place, node->children, node->count + !taken);
  if (copy && taken) cd_replace(vm, trie_entry(copy, place) + 1, cd_dup(value));
  else if (copy) trie_put(copy, place, key, value);
  return copy;
}

// A variable that is set again in a map which nobody shares needs no new nodes.
static bool trie_set_in_place(VM *vm, Value map, Value key, Value value)
{
  uint64_t path = trie_path(key);
  for (unsigned level = 0; cd_object(map)->refcount == 1; level++) {
    ContextMap *node = trie_of(map);
    uint32_t place = trie_place(path, level);
    if (node->children & place) { map = *trie_child(node, place); continue; }
    Value *entry = trie_entry(node, place);
    if (!(node->entries & place) || !cd_is(entry[0], key)) return false;
    cd_replace(vm, entry + 1, cd_dup(value));
    return true;
  }
  return false;
}

bool cd_context_map_set(VM *vm, Value *map, Value key, Value value)
{
  ContextMap *result;
  if (cd_bits(*map)) {
    if (trie_set_in_place(vm, *map, key, value)) return true;
    result = trie_with(vm, trie_of(*map), 0, key, value);
  } else {
    uint32_t place = trie_place(trie_path(key), 0);
    if ((result = trie_new(vm, place, 0, 1))) trie_put(result, place, key, value);
  }
  if (!result) return false;
  cd_replace(vm, map, cd_from_object(result));
  return true;
}

// ---- removing ----

// The node, which has more than this variable, without it. NULL: MemoryError.
static ContextMap *trie_without(VM *vm, ContextMap *node, unsigned level, Value key)
{
  uint32_t place = trie_place(trie_path(key), level);
  if (node->entries & place) return trie_like(vm, node, node->entries & ~place, node->children, node->count - 1);
  ContextMap *child = trie_without(vm, trie_of(*trie_child(node, place)), level + 1, key);
  if (!child || child->count > 1) return child ? trie_with_child(vm, node, place, child) : NULL;
  ContextMap *copy = trie_like(vm, node, node->entries | place, node->children & ~place, node->count - 1);
  if (copy) trie_put(copy, place, child->slots[0], child->slots[1]);
  cd_drop_object(vm, child);
  return copy;
}

bool cd_context_map_remove(VM *vm, Value *map, Value key)
{
  ContextMap *rest = NULL;
  if (cd_context_map_count(*map) > 1 && !(rest = trie_without(vm, trie_of(*map), 0, key))) return false;
  cd_replace(vm, map, rest ? cd_from_object(rest) : NO_REF);
  return true;
}

// ---- walking ----

void cd_context_map_walk(ContextMapWalk *walk, Value map)
{
  walk->depth = cd_bits(map) ? 1 : 0;
  walk->nodes[0] = cd_bits(map) ? trie_of(map) : NULL;
  walk->next[0] = 0;
}

bool cd_context_map_next(ContextMapWalk *walk, Value *key, Value *value)
{
  while (walk->depth) {
    int top = walk->depth - 1;
    const ContextMap *node = walk->nodes[top];
    unsigned i = walk->next[top]++, entries = trie_entry_count(node);
    if (i < entries) {
      *key = node->slots[2 * i];
      *value = node->slots[2 * i + 1];
      return true;
    }
    if (i < entries + trie_child_count(node)) {
      walk->nodes[walk->depth] = trie_of(node->slots[entries + i]);   // behind the 2 * entries values of entries
      walk->next[walk->depth++] = 0;
    } else {
      walk->depth--;
    }
  }
  return false;
}

// ---- the type, which programs see only through gc ----

static size_t trie_slot_count(const ContextMap *node) { return 2 * (size_t)trie_entry_count(node) + trie_child_count(node); }

static void trie_traverse(Object *self, VisitFn visit, void *arg)
{
  ContextMap *node = (ContextMap *)self;
  for (size_t i = 0; i < trie_slot_count(node); i++) visit(arg, node->slots[i]);
}

// Nodes never change, so the collector breaks cycles elsewhere: in a context or a value.
static void trie_release(VM *vm, Object *self)
{
  ContextMap *node = (ContextMap *)self;
  for (size_t i = 0; i < trie_slot_count(node); i++) cd_clear(vm, &node->slots[i]);
}

static size_t trie_alloc_size(Object *self) { return trie_size(((ContextMap *)self)->entries, ((ContextMap *)self)->children); }

const TypeSpec cd_context_map_spec = {
  .name = "_contextvars.ContextMap",
  .doc = "The variables of a context, shared between contexts as long as they agree.",
  .basicsize = sizeof(ContextMap),
  .flags = TYPE_GC | TYPE_IMMUTABLE | TYPE_NO_NEW,
  .slots = {.traverse = trie_traverse, .release = trie_release, .alloc_size = trie_alloc_size},
};
