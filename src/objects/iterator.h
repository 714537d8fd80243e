// SPDX-License-Identifier: MIT
// iterator.h: shared iterators, slices, ranges
#ifndef CEDE_OBJECTS_ITERATOR_H
#define CEDE_OBJECTS_ITERATOR_H

#include "core/vm.h"

struct Slice { Object head; Value start, stop, step; };          // owned
// Elements as ints of any size; `small` ranges also have the numbers unboxed. Read by vm/eval.c.
struct Range { Object head; Value start, stop, step, length; bool small; int64_t i_start, i_step, i_length; };
typedef struct RangeIterator { Object head; int64_t next, step, left, length; } RangeIterator;     // read by vm/eval.c
typedef struct ListIterator { Object head; Value list; size_t index; } ListIterator;       // list NO_VALUE: exhausted; read by vm/eval.c
typedef struct TupleIterator { Object head; Value tuple; size_t index; } TupleIterator;    // likewise

MUST_USE Ref cd_list_reversed(VM *vm, Value list);                                // reversed(list) of an exact list
// iter(range(start, stop, step)) of small ints. NO_REF without an exception: a step that range() refuses or that needs big ints.
MUST_USE Ref cd_range_iterator_new(VM *vm, int64_t start, int64_t stop, int64_t step);
MUST_USE Ref cd_slice_new(VM *vm, Value start, Value stop, Value step);          // NO_VALUE: None
// Resolves for a sequence of `length`: start, stop, step, count.
MUST_USE bool cd_slice_indices(VM *vm, Value slice, int64_t length, int64_t *start, int64_t *stop, int64_t *step, int64_t *count);
// The same in two steps, for sequences that __index__ may change: unpack runs Python, adjust (returns the count) does not.
MUST_USE bool cd_slice_unpack(VM *vm, Value slice, int64_t *start, int64_t *stop, int64_t *step);
int64_t cd_slice_adjust(int64_t length, int64_t *start, int64_t *stop, int64_t step);
// slice.indices(length) for a length of any size: tuple (start, stop, step).
MUST_USE Ref cd_slice_long_indices(VM *vm, Value slice, Value length);
MUST_USE Ref cd_callable_iterator_new(VM *vm, Value callable, Value sentinel);   // iter(callable, sentinel)
MUST_USE Ref cd_range_new(VM *vm, Value start, Value stop, Value step);          // exact ints
MUST_USE Ref cd_sequence_iterator_new(VM *vm, Value sequence);                   // iterates by __getitem__
// An index key for a sequence of `length`: negative wraps; IndexError(message) when out.
MUST_USE bool cd_sequence_index(VM *vm, Value key, int64_t length, const char *message, int64_t *out);

// ---- helpers for sequences and iterators ----
static inline bool cd_has_index(VM *vm, Value v) { return cd_is_int(v) || cd_type_of(vm, v)->slots.index != NULL; }
// An argument such as list.index's start: clamped; NO_VALUE leaves *out. TypeError "slice indices must be integers or have an __index__
// method".
MUST_USE bool cd_slice_bound(VM *vm, Value v, int64_t *out);
// `iter` slot of iterators: returns itself.
Ref cd_self_iter(VM *vm, Value self);
// __reduce__ of simple iterators: (iter, (sequence,), index), or (iter, (exhausted,)) when `sequence` is NO_VALUE.
MUST_USE Ref cd_iterator_reduce(VM *vm, Value sequence, Value exhausted, int64_t index);
// A tuple of iter(x) for each.
MUST_USE Ref cd_iterators_of(VM *vm, const Value *iterables, size_t count);
// (callable, (args...)[, state]): steals state (NO_REF: none). The callable is builtins.<name>.
MUST_USE Ref cd_builtin_reduce(VM *vm, const char *name, size_t count, const Value *args, Ref state);

#endif
