// SPDX-License-Identifier: MIT
// context_map.h: the persistent map from context variables to their values
#ifndef CEDE_OBJECTS_CONTEXT_MAP_H
#define CEDE_OBJECTS_CONTEXT_MAP_H

#include "core/vm.h"

// A hash trie whose nodes never change once they are shared: a map with one variable more or less shares all nodes but those on one path
// with the map it was made from, so that copying a context is taking a reference. Keys are compared by identity, and the bits of their
// address, mixed without loss, are the path: two keys part at the latest where all bits are used up, so there are no collisions.
//
// A node has 32 places. A place holds nothing, an entry (a bit in `entries`) or a node of the next level (a bit in `children`). What is
// there lies packed in `slots`: first the key and value of each entry, then the children, in the order of their places. A child holds at
// least two variables; one alone moves up into its parent. The map without variables is NO_VALUE.
typedef struct ContextMap {
  Object head;
  uint32_t entries, children;
  uint32_t count;                                // variables in it and below
  Value slots[];                                 // owned
} ContextMap;

static inline size_t cd_context_map_count(Value map) { return cd_bits(map) ? ((ContextMap *)cd_object(map))->count : 0; }
Value cd_context_map_get_borrow(Value map, Value key);           // NO_VALUE: not there. Valid while the map is
// The map in an owned slot gets or loses a variable; other holders of the map do not see it. False: MemoryError, and nothing has changed.
MUST_USE bool cd_context_map_set(VM *vm, Value *map, Value key, Value value);
MUST_USE bool cd_context_map_remove(VM *vm, Value *map, Value key);          // key is in it

enum { CONTEXT_MAP_LEVELS = 13 };                // of 5 bits each
typedef struct ContextMapWalk {
  const ContextMap *nodes[CONTEXT_MAP_LEVELS];
  unsigned next[CONTEXT_MAP_LEVELS];             // entries, then children, already passed in each
  int depth;                                     // nodes on the path; 0: done
} ContextMapWalk;
// Walks all variables of a map that stays alive meanwhile, in no order that means anything.
void cd_context_map_walk(ContextMapWalk *walk, Value map);
bool cd_context_map_next(ContextMapWalk *walk, Value *key, Value *value);   // false: no more. Borrowed from the map

#endif
