// SPDX-License-Identifier: MIT
// set.h: set and frozenset
#ifndef CEDE_OBJECTS_SET_H
#define CEDE_OBJECTS_SET_H

#include "core/vm.h"

typedef struct SetEntry { int64_t hash; Value key; } SetEntry;   // key NO_VALUE with hash 0: free, with hash -1: deleted
struct Set {
  Object head;
  size_t count, filled;                          // live; live + deleted
  size_t mask;                                   // table size - 1
  SetEntry *table;                               // `small` or allocated
  int64_t hash;                                  // frozenset: cached, -1 unknown
  size_t finger;                                 // where pop() looks next
  Weakref *weaklist;
  SetEntry small[8];
};

MUST_USE Ref cd_set_new(VM *vm, Value iterable);                 // NO_VALUE: empty
MUST_USE Ref cd_frozenset_new(VM *vm, Value iterable);
MUST_USE bool cd_set_add(VM *vm, Value set, Value item);         // also fills a frozenset that nobody has seen yet
MUST_USE Find cd_set_contains(VM *vm, Value set, Value item);
MUST_USE Find cd_set_discard(VM *vm, Value set, Value item);
MUST_USE bool cd_set_update(VM *vm, Value set, Value iterable);
static inline size_t cd_set_count(Value s) { return cd_as_set(s)->count; }
static inline bool cd_set_each(Value set, size_t *i, Value *item)     // borrowed; the set must not change
{
  const Set *s = cd_as_set(set);
  while (*i <= s->mask) {
    const SetEntry *e = &s->table[(*i)++];
    if (cd_bits(e->key)) { *item = e->key; return true; }
  }
  return false;
}

#endif
