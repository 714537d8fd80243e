// SPDX-License-Identifier: MIT
// tuple.h: immutable sequences
#ifndef CEDE_OBJECTS_TUPLE_H
#define CEDE_OBJECTS_TUPLE_H

#include "core/vm.h"

struct Tuple { Object head; size_t size; Value items[]; };       // items owned; may be NO_VALUE only before it is shared

static inline size_t cd_tuple_size(Value t) { return cd_as_tuple(t)->size; }
static inline Value cd_tuple_item_borrow(Value t, size_t i) { return cd_as_tuple(t)->items[i]; }   // valid while t is alive
MUST_USE Ref cd_tuple_new(VM *vm, size_t size);   // items NO_VALUE: fill them all with cd_tuple_set; size 0 is the shared one
static inline void cd_tuple_set(Value t, size_t i, Ref item) { cd_as_tuple(t)->items[i] = item; }  // steals; only while building
MUST_USE Ref cd_tuple_of(VM *vm, size_t count, const Value *items);   // copies references
MUST_USE Ref cd_tuple1(VM *vm, Value a);
MUST_USE Ref cd_tuple2(VM *vm, Value a, Value b);
MUST_USE Ref cd_tuple3(VM *vm, Value a, Value b, Value c);
MUST_USE Ref cd_tuple2_steal(VM *vm, Ref a, Ref b);              // NO_REF among them: drops the rest, returns NO_REF
MUST_USE Ref cd_tuple3_steal(VM *vm, Ref a, Ref b, Ref c);
MUST_USE Ref cd_tuple_from(VM *vm, Value iterable);              // tuple(iterable)
MUST_USE Ref cd_tuple_slice(VM *vm, Value t, size_t start, size_t stop);

#endif
