// SPDX-License-Identifier: MIT
// iterator.h: shared iterators, slices, ranges
#ifndef CEDE_OBJECTS_ITERATOR_H
#define CEDE_OBJECTS_ITERATOR_H

#include "core/vm.h"

struct Slice { Object head; Value start, stop, step; };          // owned
// Elements as ints of any size; `small` ranges also have the numbers unboxed. Read by vm/eval.c.
struct Range { Object head; Value start, stop, step, length; bool small; int64_t i_start, i_step, i_length; };
typedef struct RangeIterator { Object head; int64_t next, step, left; } RangeIterator;     // read by vm/eval.c
typedef struct ListIterator { Object head; Value list; size_t index; } ListIterator;       // list NO_VALUE: exhausted; read by vm/eval.c
typedef struct TupleIterator { Object head; Value tuple; size_t index; } TupleIterator;    // likewise

MUST_USE Ref cd_slice_new(VM *vm, Value start, Value stop, Value step);          // NO_VALUE: None
// Resolves for a sequence of `length`: start, stop, step, count.
MUST_USE bool cd_slice_indices(VM *vm, Value slice, int64_t length, int64_t *start, int64_t *stop, int64_t *step, int64_t *count);
MUST_USE Ref cd_sequence_iterator_new(VM *vm, Value sequence);                   // iterates by __getitem__
// An index key for a sequence of `length`: negative wraps; IndexError(message) when out.
MUST_USE bool cd_sequence_index(VM *vm, Value key, int64_t length, const char *message, int64_t *out);

#endif
