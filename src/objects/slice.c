// SPDX-License-Identifier: MIT
// slice.c: slice objects and how slices and indices are resolved against a length
#include "objects/iterator.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

Ref cd_slice_new(VM *vm, Value start, Value stop, Value step)
{
  Slice *s = cd_object_new(vm, vm->types.slice, sizeof *s);
  if (!s) return NO_REF;
  s->start = start ? cd_dup(start) : cd_none();
  s->stop = stop ? cd_dup(stop) : cd_none();
  s->step = step ? cd_dup(step) : cd_none();
  return cd_from_object(s);
}

static inline Slice *slice_of(Value v) { return (Slice *)cd_object(v); }

// ---- resolving ----

bool cd_slice_bound(VM *vm, Value v, int64_t *out)
{
  if (!v) return true;
  if (cd_is_small(v)) {
    *out = cd_small(v);
    return true;
  }
  if (!cd_has_index(vm, v)) return cd_raise_type(vm, "slice indices must be integers or have an __index__ method");
  return cd_to_i64(vm, v, out, NULL);
}

static bool slice_part(VM *vm, Value v, int64_t *out)
{
  if (cd_is_none(v)) return true;
  if (!cd_has_index(vm, v)) return cd_raise_type(vm, "slice indices must be integers or None or have an __index__ method");
  return cd_to_i64(vm, v, out, NULL);
}

bool cd_slice_unpack(VM *vm, Value slice, int64_t *start, int64_t *stop, int64_t *step)
{
  const Slice *s = slice_of(slice);
  *step = 1;
  if (!slice_part(vm, s->step, step)) return false;
  if (*step == 0) return cd_raise_value(vm, "slice step cannot be zero");
  if (*step == INT64_MIN) *step = -INT64_MAX;    // so that it can be negated
  *start = *step < 0 ? INT64_MAX : 0;
  *stop = *step < 0 ? INT64_MIN : INT64_MAX;
  return slice_part(vm, s->start, start) && slice_part(vm, s->stop, stop);
}

static int64_t slice_clamp(int64_t i, int64_t length, int64_t step)
{
  if (i < 0 && (i += length) < 0) return step < 0 ? -1 : 0;
  if (i >= length) return step < 0 ? length - 1 : length;
  return i;
}

int64_t cd_slice_adjust(int64_t length, int64_t *start, int64_t *stop, int64_t step)
{
  *start = slice_clamp(*start, length, step);
  *stop = slice_clamp(*stop, length, step);
  if (step < 0) return *stop < *start ? (*start - *stop - 1) / -step + 1 : 0;
  return *start < *stop ? (*stop - *start - 1) / step + 1 : 0;
}

bool cd_slice_indices(VM *vm, Value slice, int64_t length, int64_t *start, int64_t *stop, int64_t *step, int64_t *count)
{
  if (!cd_slice_unpack(vm, slice, start, stop, step)) return false;
  *count = cd_slice_adjust(length, start, stop, *step);
  return true;
}

bool cd_sequence_index(VM *vm, Value key, int64_t length, const char *message, int64_t *out)
{
  int64_t i;
  if (cd_is_small(key)) i = cd_small(key);
  else if (!cd_to_i64(vm, key, &i, vm->exc.IndexError)) return false;
  if (i < 0) i += length;
  if (i < 0 || i >= length) return cd_raise_index(vm, "%s", message);
  *out = i;
  return true;
}

// ---- slice.indices: with ints of any size ----

// A part as an exact int.
static Ref slice_index_part(VM *vm, Value v)
{
  if (!cd_has_index(vm, v)) return cd_raise_type(vm, "slice indices must be integers or None or have an __index__ method");
  return cd_index(vm, v);
}

// `v`, or `fallback` for None, wrapped once if negative, then kept within [lower, upper].
static Ref slice_index_bound(VM *vm, Value v, Value length, Value lower, Value upper, Value fallback)
{
  if (cd_is_none(v)) return cd_dup(fallback);
  Ref i = slice_index_part(vm, v);
  if (!i) return NO_REF;
  if (cd_int_sign(i) < 0) {
    Ref wrapped = cd_int_add(vm, i, length);
    cd_drop(vm, i);
    if (!(i = wrapped)) return NO_REF;
    if (cd_int_compare(i, lower) >= 0) return i;
    cd_drop(vm, i);
    return cd_dup(lower);
  }
  if (cd_int_compare(i, upper) <= 0) return i;
  cd_drop(vm, i);
  return cd_dup(upper);
}

Ref cd_slice_long_indices(VM *vm, Value slice, Value length)
{
  const Slice *s = slice_of(slice);
  Ref step = cd_is_none(s->step) ? cd_from_small(1) : slice_index_part(vm, s->step);
  if (!step) return NO_REF;
  Ref result = NO_REF, lower = NO_REF, upper = NO_REF, start = NO_REF, stop = NO_REF;
  bool negative = cd_int_sign(step) < 0;
  if (cd_int_sign(step) == 0) {
    cd_raise_value(vm, "slice step cannot be zero");
    goto done;
  }
  lower = cd_from_small(negative ? -1 : 0);
  upper = negative ? cd_int_subtract(vm, length, cd_from_small(1)) : cd_dup(length);
  if (!upper) goto done;
  start = slice_index_bound(vm, s->start, length, lower, upper, negative ? upper : lower);
  if (!start) goto done;
  stop = slice_index_bound(vm, s->stop, length, lower, upper, negative ? lower : upper);
  if (!stop) goto done;
  result = cd_tuple3(vm, start, stop, step);
done:
  cd_drop(vm, step);
  cd_drop(vm, lower);
  cd_drop(vm, upper);
  cd_drop(vm, start);
  cd_drop(vm, stop);
  return result;
}

METHOD(slice, indices, "indices(self, len, /)",
       "S.indices(len) -> (start, stop, stride)\n\nThe numbers to count with when S is applied to a sequence of `len` items. What\nlies "
       "outside is cut off at the ends, as slicing does it.")
{
  Ref length = cd_index(vm, args[0]);
  if (!length) return NO_REF;
  Ref result = NO_REF;
  if (cd_int_sign(length) < 0) cd_raise_value(vm, "length should not be negative");
  else result = cd_slice_long_indices(vm, self, length);
  cd_drop(vm, length);
  return result;
}

// ---- the type ----

METHOD(slice, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const Slice *s = slice_of(self);
  return cd_tuple2_steal(vm, cd_dup_object(vm->types.slice), cd_tuple3(vm, s->start, s->stop, s->step));
}

static Ref slice_new_slot(VM *vm, Type *type UNUSED, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "slice", kwnames) || !cd_check_positional(vm, "slice", nargs, 1, 3)) return NO_REF;
  if (nargs == 1) return cd_slice_new(vm, NO_VALUE, args[0], NO_VALUE);
  return cd_slice_new(vm, args[0], args[1], nargs == 3 ? args[2] : NO_VALUE);
}

static void slice_release(VM *vm, Object *self)
{
  Slice *s = (Slice *)self;
  cd_clear(vm, &s->start);
  cd_clear(vm, &s->stop);
  cd_clear(vm, &s->step);
}

static void slice_traverse(Object *self, VisitFn visit, void *context)
{
  Slice *s = (Slice *)self;
  visit(context, s->start);
  visit(context, s->stop);
  visit(context, s->step);
}

static Ref slice_repr(VM *vm, Value self)
{
  const Slice *s = slice_of(self);
  return cd_str_format(vm, "slice(%R, %R, %R)", s->start, s->stop, s->step);
}

static Ref slice_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_exact(self, vm->types.slice) || !cd_is_exact(other, vm->types.slice)) return cd_not_implemented();
  if (cd_is(self, other)) return cd_bool(op == COMPARE_EQ || op == COMPARE_LE || op == COMPARE_GE);
  const Slice *a = slice_of(self), *b = slice_of(other);
  Ref left = cd_tuple3(vm, a->start, a->stop, a->step), right = cd_tuple3(vm, b->start, b->stop, b->step);
  Ref result = left && right ? cd_compare(vm, left, right, op) : NO_REF;
  cd_drop(vm, left);
  cd_drop(vm, right);
  return result;
}

static const MemberDef slice_members[] = {
  {"start", offsetof(Slice, start), MEMBER_VALUE, false, NULL},
  {"stop", offsetof(Slice, stop), MEMBER_VALUE, false, NULL},
  {"step", offsetof(Slice, step), MEMBER_VALUE, false, NULL},
  {0},
};

static const MethodDef *const slice_methods[] = {&slice_indices_def, &slice___reduce___def, NULL};

const TypeSpec cd_slice_spec = {
  .name = "slice",
  .doc = "slice(stop)\nslice(start, stop[, step])\n\nThree numbers that say which part of a sequence is meant, as subscripts with\ncolons "
         "do: a[0:10:2] is a[slice(0, 10, 2)].",
  .basicsize = sizeof(Slice),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = slice_methods,
  .members = slice_members,
  .slots = {
    .release = slice_release,
    .traverse = slice_traverse,
    .new_ = slice_new_slot,
    .repr = slice_repr,
    .hash = cd_hash_unhashable,
    .compare = slice_compare,
  },
};
