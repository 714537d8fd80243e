// SPDX-License-Identifier: MIT
// range.c: arithmetic progressions of ints of any size
#include "objects/iterator.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// Nearly every range is `small`: start, step, length and every bound of it are plain int64 numbers. The others work on int objects.
static inline Range *range_of(Value v) { return (Range *)cd_object(v); }

// Elements between start and stop, both of which fit a small int, as does step.
static int64_t range_small_count(int64_t start, int64_t stop, int64_t step)
{
  if (step == 1) return start < stop ? stop - start : 0;         // no division
  if (step > 0) return start < stop ? (stop - 1 - start) / step + 1 : 0;
  return start > stop ? (start - 1 - stop) / -step + 1 : 0;
}

// (hi - lo - 1) // |step| + 1, or 0.
static Ref range_long_count(VM *vm, Value start, Value stop, Value step)
{
  bool up = cd_int_sign(step) > 0;
  Value low = up ? start : stop, high = up ? stop : start;
  if (cd_int_compare(low, high) >= 0) return cd_from_small(0);
  Ref gap = cd_int_subtract(vm, high, low), stride = up ? cd_dup(step) : cd_int_subtract(vm, cd_from_small(0), step), count = NO_REF;
  if (gap && stride) {
    Ref less = cd_int_subtract(vm, gap, cd_from_small(1)), steps = less ? cd_int_floor_divide(vm, less, stride) : NO_REF;
    if (steps) count = cd_int_add(vm, steps, cd_from_small(1));
    cd_drop(vm, less);
    cd_drop(vm, steps);
  }
  cd_drop(vm, gap);
  cd_drop(vm, stride);
  return count;
}

Ref cd_range_new(VM *vm, Value start, Value stop, Value step)
{
  Range *r = cd_object_new(vm, vm->types.range, sizeof *r);
  if (!r) return NO_REF;
  r->start = cd_dup(start);
  r->stop = cd_dup(stop);
  r->step = cd_dup(step);
  if (cd_is_small(start) && cd_is_small(stop) && cd_is_small(step) && cd_small(step) != SMALL_INT_MIN) {
    r->small = true;
    r->i_start = cd_small(start);
    r->i_step = cd_small(step);
    r->i_length = range_small_count(r->i_start, cd_small(stop), r->i_step);
    r->length = cd_int_from_i64(vm, r->i_length);
  } else {
    r->length = range_long_count(vm, start, stop, step);
  }
  if (r->length) return cd_from_object(r);
  cd_drop(vm, cd_from_object(r));
  return NO_REF;
}

static Ref range_new_slot(VM *vm, Type *type UNUSED, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "range", kwnames) || !cd_check_positional(vm, "range", nargs, 1, 3)) return NO_REF;
  Ref start = nargs == 1 ? cd_from_small(0) : cd_index(vm, args[0]), stop = NO_REF, step = NO_REF, range = NO_REF;
  if (start) stop = cd_index(vm, args[nargs == 1 ? 0 : 1]);
  if (stop) step = nargs == 3 ? cd_index(vm, args[2]) : cd_from_small(1);
  if (step && cd_int_sign(step) == 0) cd_raise_value(vm, "range() arg 3 must not be zero");
  else if (step) range = cd_range_new(vm, start, stop, step);
  cd_drop(vm, start);
  cd_drop(vm, stop);
  cd_drop(vm, step);
  return range;
}

static void range_release(VM *vm, Object *self)
{
  Range *r = (Range *)self;
  cd_clear(vm, &r->start);
  cd_clear(vm, &r->stop);
  cd_clear(vm, &r->step);
  cd_clear(vm, &r->length);
}

// ---- items ----

// start + i * step, for a known index.
static Ref range_long_item(VM *vm, Value start, Value step, Value i)
{
  Ref distance = cd_int_multiply(vm, i, step);
  if (!distance) return NO_REF;
  Ref item = cd_int_add(vm, start, distance);
  cd_drop(vm, distance);
  return item;
}

static Ref range_item(VM *vm, const Range *r, Value i)
{
  if (r->small && cd_is_small(i)) return cd_int_from_i64(vm, r->i_start + cd_small(i) * r->i_step);
  return range_long_item(vm, r->start, r->step, i);
}

static Ref range_getitem_slice(VM *vm, const Range *r, Value slice)
{
  Ref bounds = cd_slice_long_indices(vm, slice, r->length);
  if (!bounds) return NO_REF;
  Ref step = cd_int_multiply(vm, r->step, cd_tuple_item_borrow(bounds, 2));
  Ref start = step ? range_item(vm, r, cd_tuple_item_borrow(bounds, 0)) : NO_REF;
  Ref stop = start ? range_item(vm, r, cd_tuple_item_borrow(bounds, 1)) : NO_REF;
  Ref result = stop ? cd_range_new(vm, start, stop, step) : NO_REF;
  cd_drop(vm, bounds);
  cd_drop(vm, step);
  cd_drop(vm, start);
  cd_drop(vm, stop);
  return result;
}

static Ref range_getitem(VM *vm, Value self, Value key)
{
  const Range *r = range_of(self);
  if (cd_is_exact(key, vm->types.slice)) return range_getitem_slice(vm, r, key);
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, "range indices must be integers or slices, not %T", key);
  Ref i = cd_index(vm, key), item = NO_REF;
  if (!i) return NO_REF;
  if (cd_int_sign(i) < 0) {
    Ref wrapped = cd_int_add(vm, i, r->length);
    cd_drop(vm, i);
    if (!(i = wrapped)) return NO_REF;
  }
  if (cd_int_sign(i) < 0 || cd_int_compare(i, r->length) >= 0) cd_raise_index(vm, "range object index out of range");
  else item = range_item(vm, r, i);
  cd_drop(vm, i);
  return item;
}

static bool range_len(VM *vm, Value self, int64_t *out)
{
  if (cd_int_fits_i64(range_of(self)->length, out)) return true;
  return cd_raise_overflow(vm, "Python int too large to convert to C ssize_t");
}

static bool range_truth(VM *vm UNUSED, Value self, bool *out)
{
  *out = cd_int_sign(range_of(self)->length) != 0;
  return true;
}

// Position of an int, or FIND_MISSING.
static Find range_long_position(VM *vm, const Range *r, Value v, Ref *out)
{
  bool up = cd_int_sign(r->step) > 0;
  if (up ? cd_int_compare(v, r->start) < 0 || cd_int_compare(v, r->stop) >= 0
         : cd_int_compare(v, r->start) > 0 || cd_int_compare(v, r->stop) <= 0)
    return FIND_MISSING;
  Ref distance = cd_int_subtract(vm, v, r->start), remainder = distance ? cd_int_remainder(vm, distance, r->step) : NO_REF;
  Find found = !remainder ? FIND_ERROR : cd_int_sign(remainder) ? FIND_MISSING : FIND_HIT;
  if (found == FIND_HIT && !(*out = cd_int_floor_divide(vm, distance, r->step))) found = FIND_ERROR;
  cd_drop(vm, distance);
  cd_drop(vm, remainder);
  return found;
}

static Find range_position(VM *vm, const Range *r, Value v, Ref *out)
{
  if (!r->small || !cd_is_small(v)) return range_long_position(vm, r, v, out);
  int64_t distance = cd_small(v) - r->i_start;
  if (distance % r->i_step) return FIND_MISSING;
  int64_t i = distance / r->i_step;
  if (i < 0 || i >= r->i_length) return FIND_MISSING;
  *out = cd_int_from_i64(vm, i);
  return *out ? FIND_HIT : FIND_ERROR;
}

static inline bool range_is_plain_int(VM *vm, Value v) { return cd_is_small(v) || cd_is_bool(v) || cd_is_exact(v, vm->types.int_); }

// Walks a range for a value that is not an int. Counts equal items; with `first`, stops at the first.
static bool range_scan(VM *vm, Value self, Value v, bool first, int64_t *position, int64_t *count)
{
  Ref iterator = cd_iter(vm, self), item;
  if (!iterator) return false;
  Next next;
  int64_t i = 0;
  *count = 0;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool equal, ok = cd_equal(vm, item, v, &equal) && cd_poll(vm);
    cd_drop(vm, item);
    if (!ok) {
      next = NEXT_ERROR;
      break;
    }
    if (equal) {
      *position = i;
      if ((*count)++ == 0 && first) break;
    }
    i++;
  }
  cd_drop(vm, iterator);
  return next != NEXT_ERROR;
}

static bool range_contains(VM *vm, Value self, Value item, bool *out)
{
  int64_t position, count;
  if (range_is_plain_int(vm, item)) {
    Ref i = NO_REF;
    Find found = range_position(vm, range_of(self), item, &i);
    cd_drop(vm, i);
    *out = found == FIND_HIT;
    return found != FIND_ERROR;
  }
  if (!range_scan(vm, self, item, true, &position, &count)) return false;
  *out = count > 0;
  return true;
}

METHOD(range, index, "index(self, value, /)",
       "rangeobject.index(value) -> integer -- where value stands.\nValueError if it does not occur.")
{
  Ref i;
  int64_t position, count;
  if (range_is_plain_int(vm, args[0])) {
    Find found = range_position(vm, range_of(self), args[0], &i);
    if (found == FIND_HIT) return i;
    return found == FIND_ERROR ? NO_REF : cd_raise_value(vm, "%R is not in range", args[0]);
  }
  if (!range_scan(vm, self, args[0], true, &position, &count)) return NO_REF;
  return count ? cd_int_from_i64(vm, position) : cd_raise_value(vm, "sequence.index(x): x not in sequence");
}

METHOD(range, count, "count(self, value, /)", "rangeobject.count(value) -> integer -- how often value occurs")
{
  int64_t position, count;
  if (range_is_plain_int(vm, args[0])) {
    bool found;
    return range_contains(vm, self, args[0], &found) ? cd_from_small(found) : NO_REF;
  }
  return range_scan(vm, self, args[0], false, &position, &count) ? cd_int_from_i64(vm, count) : NO_REF;
}

// ---- text, hash, comparison, pickling ----

static Ref range_repr(VM *vm, Value self)
{
  const Range *r = range_of(self);
  if (cd_is_small(r->step) && cd_small(r->step) == 1) return cd_str_format(vm, "range(%R, %R)", r->start, r->stop);
  return cd_str_format(vm, "range(%R, %R, %R)", r->start, r->stop, r->step);
}

// What makes two ranges equal: the length; the start unless empty; the step unless there is but one item.
static Ref range_identity(VM *vm, const Range *r)
{
  bool empty = cd_int_sign(r->length) == 0, single = cd_is_small(r->length) && cd_small(r->length) == 1;
  return cd_tuple3(vm, r->length, empty ? cd_none() : r->start, empty || single ? cd_none() : r->step);
}

static bool range_hash(VM *vm, Value self, int64_t *out)
{
  Ref identity = range_identity(vm, range_of(self));
  bool ok = identity && cd_hash(vm, identity, out);
  cd_drop(vm, identity);
  return ok;
}

static Ref range_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_exact(other, vm->types.range) || !cd_is_exact(self, vm->types.range) || (op != COMPARE_EQ && op != COMPARE_NE))
    return cd_not_implemented();
  if (cd_is(self, other)) return cd_bool(op == COMPARE_EQ);
  Ref a = range_identity(vm, range_of(self)), b = range_identity(vm, range_of(other));
  Ref result = a && b ? cd_compare(vm, a, b, op) : NO_REF;
  cd_drop(vm, a);
  cd_drop(vm, b);
  return result;
}

METHOD(range, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const Range *r = range_of(self);
  return cd_tuple2_steal(vm, cd_dup_object(vm->types.range), cd_tuple3(vm, r->start, r->stop, r->step));
}

// ---- iterators ----

// For numbers outside int64. `left` counts down.
typedef struct LongRangeIterator { Object head; Value next, step, left, length; } LongRangeIterator;   // owned ints

static Ref range_iterator_new(VM *vm, int64_t start, int64_t step, int64_t length)
{
  RangeIterator *it = cd_object_new(vm, vm->types.range_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->next = start;
  it->step = step;
  it->left = it->length = length;
  return cd_from_object(it);
}

Ref cd_range_iterator_new(VM *vm, int64_t start, int64_t stop, int64_t step)
{
  if (step == 0 || step == SMALL_INT_MIN) return NO_REF;
  return range_iterator_new(vm, start, step, range_small_count(start, stop, step));
}

static Ref long_range_iterator_new(VM *vm, Ref start, Ref step, Ref length)   // steals
{
  LongRangeIterator *it = start && step && length ? cd_object_new(vm, vm->types.long_range_iterator, sizeof *it) : NULL;
  if (!it) {
    cd_drop(vm, start);
    cd_drop(vm, step);
    cd_drop(vm, length);
    return NO_REF;
  }
  it->next = start;
  it->step = step;
  it->left = length;
  it->length = cd_dup(length);
  return cd_from_object(it);
}

static Ref range_iter(VM *vm, Value self)
{
  const Range *r = range_of(self);
  if (r->small) return range_iterator_new(vm, r->i_start, r->i_step, r->i_length);
  return long_range_iterator_new(vm, cd_dup(r->start), cd_dup(r->step), cd_dup(r->length));
}

METHOD(range, __reversed__, "__reversed__(self, /)", "Return a reverse iterator.")
{
  const Range *r = range_of(self);
  if (r->small) return range_iterator_new(vm, r->i_start + (r->i_length - 1) * r->i_step, -r->i_step, r->i_length);
  Ref last = cd_int_subtract(vm, r->length, cd_from_small(1)), start = last ? range_item(vm, r, last) : NO_REF;
  cd_drop(vm, last);
  return long_range_iterator_new(vm, start, cd_int_subtract(vm, cd_from_small(0), r->step), cd_dup(r->length));
}

static Next range_iterator_next(VM *vm, Value self, Ref *out)
{
  RangeIterator *it = (RangeIterator *)cd_object(self);
  if (it->left <= 0) return NEXT_DONE;
  it->left--;
  int64_t i = it->next;
  it->next = i + it->step;
  if (LIKELY(cd_fits_small(i))) *out = cd_from_small(i);
  else if (!(*out = cd_int_from_i64(vm, i))) return NEXT_ERROR;
  return NEXT_ITEM;
}

METHOD(range_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  return cd_int_from_i64(vm, ((RangeIterator *)cd_object(self))->left);
}

static Ref range_iterator_reduce(VM *vm, Ref start, Ref stop, Ref step, Ref index)   // steals
{
  Ref range = start && stop && step ? cd_range_new(vm, start, stop, step) : NO_REF;
  cd_drop(vm, start);
  cd_drop(vm, stop);
  cd_drop(vm, step);
  if (!range) {
    cd_drop(vm, index);
    return NO_REF;
  }
  Ref result = index ? cd_builtin_reduce(vm, "iter", 1, (const Value *)&range, index) : NO_REF;
  cd_drop(vm, range);
  return result;
}

METHOD(range_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const RangeIterator *it = (RangeIterator *)cd_object(self);
  int64_t index = it->length - it->left, start = it->next - index * it->step;
  return range_iterator_reduce(vm, cd_int_from_i64(vm, start), cd_int_from_i64(vm, start + it->length * it->step),
                               cd_int_from_i64(vm, it->step), cd_int_from_i64(vm, index));
}

METHOD(range_iterator, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  RangeIterator *it = (RangeIterator *)cd_object(self);
  int64_t skip;
  if (!cd_to_ssize(vm, args[0], &skip)) return NO_REF;
  skip = skip < 0 ? 0 : skip > it->length ? it->length : skip;
  it->next += (skip - (it->length - it->left)) * it->step;
  it->left = it->length - skip;
  return cd_none();
}

static const MethodDef *const range_iterator_methods[] = {
  &range_iterator___length_hint___def, &range_iterator___reduce___def, &range_iterator___setstate___def, NULL};

static bool range_iterator_retire(VM *vm, Object *self)
{
  cd_free(vm, self, sizeof(RangeIterator));
  return true;
}

const TypeSpec cd_range_iterator_spec = {
  .name = "range_iterator",
  .basicsize = sizeof(RangeIterator),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = range_iterator_methods,
  .slots = {.retire = range_iterator_retire, .iter = cd_self_iter, .next = range_iterator_next},
};

static void long_range_iterator_release(VM *vm, Object *self)
{
  LongRangeIterator *it = (LongRangeIterator *)self;
  cd_clear(vm, &it->next);
  cd_clear(vm, &it->step);
  cd_clear(vm, &it->left);
  cd_clear(vm, &it->length);
}

static Next long_range_iterator_next(VM *vm, Value self, Ref *out)
{
  LongRangeIterator *it = (LongRangeIterator *)cd_object(self);
  if (cd_int_sign(it->left) <= 0) return NEXT_DONE;
  Ref left = cd_int_subtract(vm, it->left, cd_from_small(1)), next = left ? cd_int_add(vm, it->next, it->step) : NO_REF;
  if (!next) {
    cd_drop(vm, left);
    return NEXT_ERROR;
  }
  *out = cd_take(&it->next);
  it->next = next;
  cd_replace(vm, &it->left, left);
  return NEXT_ITEM;
}

METHOD(long_range_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  return cd_dup(((LongRangeIterator *)cd_object(self))->left);
}

// Where the iterator started, and how many items it has given.
static bool long_range_iterator_origin(VM *vm, const LongRangeIterator *it, Ref *start, Ref *index)
{
  *start = NO_REF;
  *index = cd_int_subtract(vm, it->length, it->left);
  Ref back = *index ? cd_int_subtract(vm, cd_from_small(0), *index) : NO_REF;
  if (back) *start = range_long_item(vm, it->next, it->step, back);
  cd_drop(vm, back);
  if (*start) return true;
  cd_drop(vm, *index);
  return false;
}

METHOD(long_range_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const LongRangeIterator *it = (LongRangeIterator *)cd_object(self);
  Ref start, index;
  if (!long_range_iterator_origin(vm, it, &start, &index)) return NO_REF;
  return range_iterator_reduce(vm, start, range_long_item(vm, start, it->step, it->length), cd_dup(it->step), index);
}

METHOD(long_range_iterator, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  LongRangeIterator *it = (LongRangeIterator *)cd_object(self);
  Ref start, index;
  if (!cd_is_int(args[0])) return cd_raise_type(vm, "state must be an int, not %T", args[0]);
  if (!long_range_iterator_origin(vm, it, &start, &index)) return NO_REF;
  cd_drop(vm, index);
  Value skip = cd_int_sign(args[0]) < 0 ? cd_from_small(0) : cd_int_compare(args[0], it->length) > 0 ? it->length : args[0];
  Ref next = range_long_item(vm, start, it->step, skip), left = next ? cd_int_subtract(vm, it->length, skip) : NO_REF;
  cd_drop(vm, start);
  if (!left) {
    cd_drop(vm, next);
    return NO_REF;
  }
  cd_replace(vm, &it->next, next);
  cd_replace(vm, &it->left, left);
  return cd_none();
}

static const MethodDef *const long_range_iterator_methods[] = {
  &long_range_iterator___length_hint___def, &long_range_iterator___reduce___def, &long_range_iterator___setstate___def, NULL};

const TypeSpec cd_long_range_iterator_spec = {
  .name = "longrange_iterator",
  .basicsize = sizeof(LongRangeIterator),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = long_range_iterator_methods,
  .slots = {.release = long_range_iterator_release, .iter = cd_self_iter, .next = long_range_iterator_next},
};

// ---- the type ----

static const MemberDef range_members[] = {
  {"start", offsetof(Range, start), MEMBER_VALUE, false, NULL},
  {"stop", offsetof(Range, stop), MEMBER_VALUE, false, NULL},
  {"step", offsetof(Range, step), MEMBER_VALUE, false, NULL},
  {0},
};

static const MethodDef *const range_methods[] = {&range___reversed___def, &range___reduce___def, &range_count_def, &range_index_def, NULL};

const TypeSpec cd_range_spec = {
  .name = "range",
  .doc = "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nThe integers from start (0 if not given) on, each "
         "`step` (1 if not given)\nfurther than the one before, as long as they have not reached stop: range(4)\nis 0, 1, 2, 3. A "
         "negative step counts down.",
  .basicsize = sizeof(Range),
  .flags = TYPE_SEQUENCE | TYPE_IMMUTABLE,
  .methods = range_methods,
  .members = range_members,
  .slots = {
    .release = range_release,
    .new_ = range_new_slot,
    .repr = range_repr,
    .hash = range_hash,
    .compare = range_compare,
    .iter = range_iter,
    .truth = range_truth,
    .len = range_len,
    .getitem = range_getitem,
    .contains = range_contains,
  },
};
