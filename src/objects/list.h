// SPDX-License-Identifier: MIT
// list.h: growable sequences
#ifndef CEDE_OBJECTS_LIST_H
#define CEDE_OBJECTS_LIST_H

#include "objects/tuple.h"

// size <= capacity; items beyond size are garbage. Anything that runs Python may change all three.
struct List { Object head; Value *items; size_t size, capacity; };

MUST_USE Ref cd_list_new(VM *vm);
MUST_USE Ref cd_list_with_capacity(VM *vm, size_t capacity);
MUST_USE Ref cd_list_of(VM *vm, size_t count, const Value *items);
MUST_USE Ref cd_list_from(VM *vm, Value iterable);               // list(iterable)
static inline size_t cd_list_size(Value v) { return cd_as_list(v)->size; }
static inline Value cd_list_item_borrow(Value v, size_t i) { return cd_as_list(v)->items[i]; }   // valid until the list changes
MUST_USE bool cd_list_append(VM *vm, List *list, Value item);
MUST_USE bool cd_list_append_steal(VM *vm, List *list, Ref item);   // NO_REF item: returns false
MUST_USE bool cd_list_insert(VM *vm, List *list, int64_t index, Value item);
MUST_USE bool cd_list_extend(VM *vm, List *list, Value iterable);
MUST_USE Ref cd_list_pop(VM *vm, List *list, size_t index);      // index < size
MUST_USE bool cd_list_sort(VM *vm, List *list, Value key, bool reverse);       // key NO_VALUE or None: none
MUST_USE Ref cd_list_to_tuple(VM *vm, Value list);
void cd_list_clear(VM *vm, List *list);
// An exact list or tuple with v's items: v itself if it is one. `message` is the TypeError when v can't be iterated.
MUST_USE Ref cd_fast_sequence(VM *vm, Value v, const char *message);
// The items of any list or tuple; valid until the list changes.
static inline const Value *cd_sequence_items(Value v, size_t *size)
{
  if (cd_is_list(v)) {
    *size = cd_as_list(v)->size;
    return cd_as_list(v)->items;
  }
  *size = cd_as_tuple(v)->size;
  return cd_as_tuple(v)->items;
}

#endif
