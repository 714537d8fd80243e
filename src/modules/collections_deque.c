// SPDX-License-Identifier: MIT
// collections_deque.c: deque: a ring buffer that grows at both ends
#include "modules/collections.h"
#include "modules/module_list.h"
#include "objects/generic_alias.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// Item i is at ring[(first + i) & (capacity - 1)]; capacity is a power of two, or 0 before the first item. `state` changes with every
// insertion and removal, so that iterators notice.
typedef struct Deque {
  Object head;
  Value *ring;                                   // owned items
  size_t first, size, capacity;
  int64_t maxlen;                                // -1: none
  uint64_t state;
  Weakref *weaklist;
} Deque;

static inline Deque *deque_of(Value v) { return (Deque *)cd_object(v); }
static CollectionsState *deque_module(VM *vm) { return cd_state(vm, MODULE__collections); }
static inline bool deque_is(VM *vm, Value v) { return cd_is_object(v) && cd_type_is_subtype(cd_type_of(vm, v), deque_module(vm)->deque); }
static inline Value *deque_slot(const Deque *d, size_t i) { return &d->ring[(d->first + i) & (d->capacity - 1)]; }

// ---- storage ----

static bool deque_set_capacity(VM *vm, Deque *d, size_t capacity)
{
  Value *ring = cd_alloc_array(vm, capacity, sizeof(Value));
  if (!ring) return false;
  for (size_t i = 0; i < d->size; i++) ring[i] = *deque_slot(d, i);
  cd_free(vm, d->ring, d->capacity * sizeof(Value));
  d->ring = ring;
  d->capacity = capacity;
  d->first = 0;
  return true;
}

static bool deque_reserve(VM *vm, Deque *d, size_t count)
{
  if (LIKELY(d->capacity - d->size >= count)) return true;
  if (count > SIZE_MAX / 16 - d->size) return cd_raise_memory(vm);
  size_t capacity = d->capacity ? d->capacity : 8;
  while (capacity - d->size < count) capacity *= 2;
  return deque_set_capacity(vm, d, capacity);
}

static Ref deque_take_first(Deque *d)
{
  Ref item = cd_take(deque_slot(d, 0));
  d->first = (d->first + 1) & (d->capacity - 1);
  d->size--;
  d->state++;
  return item;
}

static Ref deque_take_last(Deque *d)
{
  Ref item = cd_take(deque_slot(d, --d->size));
  d->state++;
  return item;
}

// Both steal the item and push one out at the other end when there is a maximum.
static bool deque_put_last(VM *vm, Deque *d, Ref item)
{
  if (UNLIKELY(!deque_reserve(vm, d, 1))) {
    cd_drop(vm, item);
    return false;
  }
  *deque_slot(d, d->size++) = item;
  d->state++;
  if (d->maxlen >= 0 && d->size > (size_t)d->maxlen) cd_drop(vm, deque_take_first(d));
  return true;
}

static bool deque_put_first(VM *vm, Deque *d, Ref item)
{
  if (UNLIKELY(!deque_reserve(vm, d, 1))) {
    cd_drop(vm, item);
    return false;
  }
  d->first = (d->first - 1) & (d->capacity - 1);
  *deque_slot(d, 0) = item;
  d->size++;
  d->state++;
  if (d->maxlen >= 0 && d->size > (size_t)d->maxlen) cd_drop(vm, deque_take_last(d));
  return true;
}

static void deque_clear_all(VM *vm, Deque *d)
{
  Deque old = *d;
  d->ring = NULL;
  d->first = d->size = d->capacity = 0;
  d->state++;
  if (!old.ring) return;
  for (size_t i = 0; i < old.size; i++) cd_drop(vm, cd_take(deque_slot(&old, i)));
  cd_free(vm, old.ring, old.capacity * sizeof(Value));
}

// Takes out item i by moving the shorter side.
static Ref deque_remove_at(Deque *d, size_t i)
{
  Ref item = cd_take(deque_slot(d, i));
  if (i < d->size / 2) {
    for (; i > 0; i--) *deque_slot(d, i) = *deque_slot(d, i - 1);
    *deque_slot(d, 0) = NO_VALUE;
    d->first = (d->first + 1) & (d->capacity - 1);
  } else {
    for (; i + 1 < d->size; i++) *deque_slot(d, i) = *deque_slot(d, i + 1);
    *deque_slot(d, i) = NO_VALUE;
  }
  d->size--;
  d->state++;
  return item;
}

static void deque_rotate_by(Deque *d, int64_t n)
{
  int64_t size = (int64_t)d->size;
  if (size <= 1) return;
  n %= size;
  if (n < 0) n += size;
  if (n == 0) return;
  d->state++;
  if (d->size == d->capacity) {                  // full ring: turning it is moving its start
    d->first = (d->first - (size_t)n) & (d->capacity - 1);
    return;
  }
  if (n <= size / 2) {
    for (; n > 0; n--) {
      Ref item = cd_take(deque_slot(d, d->size - 1));
      d->first = (d->first - 1) & (d->capacity - 1);
      *deque_slot(d, 0) = item;
    }
    return;
  }
  for (n = size - n; n > 0; n--) {
    Ref item = cd_take(deque_slot(d, 0));
    d->first = (d->first + 1) & (d->capacity - 1);
    *deque_slot(d, d->size - 1) = item;
  }
}

// ---- making ----

static Deque *deque_allocate(VM *vm, Type *type, int64_t maxlen)
{
  Deque *d = cd_instance_new(vm, type);
  if (d) d->maxlen = maxlen;
  return d;
}

static Ref deque_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Deque *d = deque_allocate(vm, type, -1);
  return d ? cd_from_object(d) : NO_REF;
}

static bool deque_extend_with(VM *vm, Deque *d, Value iterable, bool left)
{
  Ref source = cd_bits(iterable) == cd_bits(cd_from_object(d)) ? cd_list_from(vm, iterable) : cd_dup(iterable);
  Ref iterator = source ? cd_iter(vm, source) : NO_REF, item;
  cd_drop(vm, source);
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM)
    if (!(left ? deque_put_first(vm, d, item) : deque_put_last(vm, d, item))) break;
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

static bool deque_maxlen_argument(VM *vm, Value v, int64_t *out)
{
  *out = -1;
  if (!v || cd_is_none(v)) return true;
  if (!cd_is_int(v)) return cd_raise_type(vm, "an integer is required");
  if (!cd_to_ssize(vm, v, out)) return false;
  return *out >= 0 || cd_raise_value(vm, "maxlen must be non-negative");
}

static bool deque_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  int64_t maxlen;
  if (!cd_bind_text(vm, "deque(iterable=(), maxlen=None)", args, nargs, kwnames, in, owned)) return false;
  if (!deque_maxlen_argument(vm, in[1], &maxlen)) return false;
  Deque *d = deque_of(self);
  d->maxlen = maxlen;
  if (d->size) deque_clear_all(vm, d);
  return !in[0] || deque_extend_with(vm, d, in[0], false);
}

static void deque_release(VM *vm, Object *self) { deque_clear_all(vm, (Deque *)self); }

static void deque_traverse(Object *self, VisitFn visit, void *context)
{
  Deque *d = (Deque *)self;
  for (size_t i = 0; i < d->size; i++) visit(context, *deque_slot(d, i));
}

// A deque of the same class with the same items. Subclasses are called: type(self)(self[, maxlen]).
static Ref deque_copy_of(VM *vm, Value self)
{
  Deque *d = deque_of(self);
  Type *type = cd_type_of(vm, self);
  if (type != deque_module(vm)->deque) {
    if (d->maxlen < 0) return cd_call1(vm, cd_type_value(type), self);
    return cd_call2(vm, cd_type_value(type), self, cd_from_small(d->maxlen));
  }
  Deque *copy = deque_allocate(vm, type, d->maxlen);
  if (!copy) return NO_REF;
  if (!deque_reserve(vm, copy, d->size)) {
    cd_drop(vm, cd_from_object(copy));
    return NO_REF;
  }
  for (size_t i = 0; i < d->size; i++) copy->ring[i] = cd_dup(*deque_slot(d, i));
  copy->size = d->size;
  return cd_from_object(copy);
}

// ---- text and comparison ----

static Ref deque_repr(VM *vm, Value self)
{
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_from(vm, "[...]") : NO_REF;
  Ref list = cd_list_from(vm, self), result = NO_REF;
  Value name = cd_type_of(vm, self)->name;
  int64_t maxlen = deque_of(self)->maxlen;
  if (list && maxlen >= 0) result = cd_str_format(vm, "%U(%R, maxlen=%lld)", name, list, (long long)maxlen);
  else if (list) result = cd_str_format(vm, "%U(%R)", name, list);
  cd_drop(vm, list);
  cd_repr_leave(vm, self);
  return result;
}

// Compares item by item through iterators, so that a change meanwhile is noticed.
static Ref deque_compare_items(VM *vm, Value a, Value b, CompareOp op)
{
  Ref left = cd_iter(vm, a), right = left ? cd_iter(vm, b) : NO_REF, x = NO_REF, y = NO_REF, result = NO_REF;
  Next next_x = NEXT_ERROR, next_y = NEXT_ERROR;
  while (right) {
    x = y = NO_REF;
    if ((next_x = cd_next(vm, left, &x)) == NEXT_ERROR || (next_y = cd_next(vm, right, &y)) == NEXT_ERROR) break;
    if (next_x == NEXT_DONE || next_y == NEXT_DONE) {
      result = cd_compare_ints((next_x == NEXT_ITEM) - (next_y == NEXT_ITEM), op);
      break;
    }
    bool equal;
    if (!cd_equal(vm, x, y, &equal)) break;
    if (!equal) {
      result = op == COMPARE_EQ || op == COMPARE_NE ? cd_bool(op == COMPARE_NE) : cd_compare(vm, x, y, op);
      break;
    }
    cd_drop(vm, x);
    cd_drop(vm, y);
  }
  if (next_x == NEXT_ITEM) cd_drop(vm, x);
  if (next_y == NEXT_ITEM) cd_drop(vm, y);
  cd_drop(vm, left);
  cd_drop(vm, right);
  return result;
}

static Ref deque_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!deque_is(vm, self) || !deque_is(vm, other)) return cd_not_implemented();
  if (cd_is(self, other) && (op == COMPARE_EQ || op == COMPARE_NE)) return cd_bool(op == COMPARE_EQ);
  if (deque_of(self)->size != deque_of(other)->size && (op == COMPARE_EQ || op == COMPARE_NE)) return cd_bool(op == COMPARE_NE);
  return deque_compare_items(vm, self, other, op);
}

// ---- sequence ----

static bool deque_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)deque_of(self)->size;
  return true;
}

static Ref deque_getitem(VM *vm, Value self, Value key)
{
  Deque *d = deque_of(self);
  int64_t i;
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, "sequence index must be integer, not '%T'", key);
  if (!cd_sequence_index(vm, key, (int64_t)d->size, "deque index out of range", &i)) return NO_REF;
  return cd_dup(*deque_slot(d, (size_t)i));
}

static bool deque_setitem(VM *vm, Value self, Value key, Value value)
{
  Deque *d = deque_of(self);
  int64_t i;
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, "sequence index must be integer, not '%T'", key);
  if (!cd_sequence_index(vm, key, (int64_t)d->size, "deque index out of range", &i)) return false;
  if (value) cd_replace(vm, deque_slot(d, (size_t)i), cd_dup(value));
  else cd_drop(vm, deque_remove_at(d, (size_t)i));
  return true;
}

// Position of an equal item in [start, stop), -1: none, -2: exception. A change meanwhile raises `changed` with `message`.
static int64_t deque_position(VM *vm, Deque *d, Value value, size_t start, size_t stop, Type *changed, const char *message)
{
  uint64_t state = d->state;
  for (size_t i = start; i < stop && i < d->size; i++) {
    bool equal;
    Ref item = cd_dup(*deque_slot(d, i));
    bool ok = cd_equal(vm, item, value, &equal);
    cd_drop(vm, item);
    if (!ok) return -2;
    if (state != d->state) {
      cd_raise(vm, changed, "%s", message);
      return -2;
    }
    if (equal) return (int64_t)i;
  }
  return -1;
}

static bool deque_contains(VM *vm, Value self, Value item, bool *out)
{
  int64_t i = deque_position(vm, deque_of(self), item, 0, SIZE_MAX, vm->exc.RuntimeError, "deque mutated during iteration");
  *out = i >= 0;
  return i != -2;
}

static Ref deque_concat(VM *vm, Value left, Value right)
{
  if (!deque_is(vm, right)) return cd_raise_type(vm, "can only concatenate deque (not \"%T\") to deque", right);
  Ref result = deque_copy_of(vm, left);
  if (result && !deque_extend_with(vm, deque_of(result), right, false)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

static Ref deque_inplace_concat(VM *vm, Value left, Value right)
{
  return deque_extend_with(vm, deque_of(left), right, false) ? cd_dup(left) : NO_REF;
}

static Ref deque_inplace_repeat(VM *vm, Value self, int64_t count)
{
  Deque *d = deque_of(self);
  size_t size = d->size;
  if (count <= 0) deque_clear_all(vm, d);
  if (count <= 1 || size == 0) return cd_dup(self);
  if ((uint64_t)count > SIZE_MAX / 16 / size) return cd_raise_memory(vm);
  // With a maximum, only the last items survive: start the repeats so late that just those are made.
  size_t total = size * (size_t)count, wanted = d->maxlen >= 0 && (size_t)d->maxlen < total ? (size_t)d->maxlen : total;
  if (wanted <= size) return cd_dup(self);       // full already: turning round whole times changes nothing
  if (!deque_reserve(vm, d, wanted - size)) return NO_REF;
  size_t skip = (total - wanted) % size;
  for (size_t i = size; i < wanted; i++) *deque_slot(d, i) = cd_dup(*deque_slot(d, i - size));
  d->size = wanted;
  d->state++;
  if (skip) {
    // The kept part begins in the middle of a repeat.
    Ref *turned = cd_alloc_array(vm, wanted, sizeof(Ref));
    if (!turned) return NO_REF;
    for (size_t i = 0; i < wanted; i++) turned[i] = cd_dup(*deque_slot(d, (i + skip) % size));
    for (size_t i = 0; i < wanted; i++) cd_replace(vm, deque_slot(d, i), turned[i]);
    cd_free(vm, turned, wanted * sizeof(Ref));
  }
  return cd_dup(self);
}

static Ref deque_repeat(VM *vm, Value self, int64_t count)
{
  Ref copy = deque_copy_of(vm, self);
  if (!copy) return NO_REF;
  Ref result = deque_inplace_repeat(vm, copy, count);
  cd_drop(vm, copy);
  return result;
}

// ---- methods ----

METHOD(deque, append, "append(self, item, /)", "Puts an item at the right end.")
{
  return deque_put_last(vm, deque_of(self), cd_dup(args[0])) ? cd_none() : NO_REF;
}
METHOD(deque, appendleft, "appendleft(self, item, /)", "Puts an item at the left end.")
{
  return deque_put_first(vm, deque_of(self), cd_dup(args[0])) ? cd_none() : NO_REF;
}
METHOD(deque, extend, "extend(self, iterable, /)", "Puts the items of the iterable at the right end, one after the other")
{
  return deque_extend_with(vm, deque_of(self), args[0], false) ? cd_none() : NO_REF;
}
METHOD(deque, extendleft, "extendleft(self, iterable, /)", "Puts the items of the iterable at the left end, one after the other")
{
  return deque_extend_with(vm, deque_of(self), args[0], true) ? cd_none() : NO_REF;
}

METHOD(deque, pop, "pop(self, /)", "Remove and return the rightmost element.")
{
  Deque *d = deque_of(self);
  return d->size ? deque_take_last(d) : cd_raise_index(vm, "pop from an empty deque");
}

METHOD(deque, popleft, "popleft(self, /)", "Remove and return the leftmost element.")
{
  Deque *d = deque_of(self);
  return d->size ? deque_take_first(d) : cd_raise_index(vm, "pop from an empty deque");
}

METHOD(deque, clear, "clear(self, /)", "Remove all elements from the deque.")
{
  deque_clear_all(vm, deque_of(self));
  return cd_none();
}

METHOD(deque, copy, "copy(self, /)", "A new deque with the same items.") { return deque_copy_of(vm, self); }
METHOD(deque, __copy__, "__copy__(self, /)", "A new deque with the same items.") { return deque_copy_of(vm, self); }

METHOD(deque, count, "count(self, value, /)", "D.count(value) -- return number of occurrences of value")
{
  Deque *d = deque_of(self);
  int64_t count = 0, i = -1;
  while ((i = deque_position(vm, d, args[0], (size_t)(i + 1), SIZE_MAX, vm->exc.RuntimeError, "deque mutated during iteration")) >= 0)
    count++;
  return i == -2 ? NO_REF : cd_from_small(count);
}

METHOD(deque, index, "index(self, value, start=0, stop=sys.maxsize, /)",
       "D.index(value, [start, [stop]]) -- return first index of value.\nValueError where there is none.")
{
  Deque *d = deque_of(self);
  int64_t start = 0, stop = INT64_MAX;
  if (!cd_slice_bound(vm, args[1], &start) || !cd_slice_bound(vm, args[2], &stop)) return NO_REF;
  int64_t size = (int64_t)d->size;
  if (start < 0 && (start += size) < 0) start = 0;
  if (stop < 0 && (stop += size) < 0) stop = 0;
  int64_t i = deque_position(vm, d, args[0], (size_t)start, (size_t)stop, vm->exc.RuntimeError, "deque mutated during iteration");
  if (i >= 0) return cd_from_small(i);
  return i == -2 ? NO_REF : cd_raise_value(vm, "%R is not in deque", args[0]);
}

METHOD(deque, insert, "insert(self, index, value, /)", "D.insert(index, object) -- puts object where index says")
{
  Deque *d = deque_of(self);
  int64_t i;
  if (!cd_to_ssize(vm, args[0], &i)) return NO_REF;
  int64_t size = (int64_t)d->size;
  if (d->maxlen == size) return cd_raise_index(vm, "deque already at its maximum size");
  if (i >= size) return deque_put_last(vm, d, cd_dup(args[1])) ? cd_none() : NO_REF;
  if (i <= -size || i == 0) return deque_put_first(vm, d, cd_dup(args[1])) ? cd_none() : NO_REF;
  if (i < 0) i += size;
  if (!deque_put_last(vm, d, cd_dup(args[1]))) return NO_REF;
  Ref item = cd_take(deque_slot(d, d->size - 1));
  for (size_t n = d->size - 1; n > (size_t)i; n--) *deque_slot(d, n) = *deque_slot(d, n - 1);
  *deque_slot(d, (size_t)i) = item;
  return cd_none();
}

METHOD(deque, remove, "remove(self, value, /)", "D.remove(value) -- takes out the leftmost item that equals value.")
{
  Deque *d = deque_of(self);
  int64_t i = deque_position(vm, d, args[0], 0, SIZE_MAX, vm->exc.IndexError, "deque mutated during iteration");
  if (i == -2) return NO_REF;
  if (i < 0) return cd_raise_value(vm, "%R is not in deque", args[0]);
  cd_drop(vm, deque_remove_at(d, (size_t)i));
  return cd_none();
}

METHOD(deque, reverse, "reverse(self, /)", "D.reverse() -- reverse *IN PLACE*")
{
  Deque *d = deque_of(self);
  for (size_t i = 0, j = d->size; i + 1 < j; i++) {
    Value item = *deque_slot(d, --j);
    *deque_slot(d, j) = *deque_slot(d, i);
    *deque_slot(d, i) = item;
  }
  return cd_none();
}

METHOD(deque, rotate, "rotate(self, n=1, /)", "Moves n items (1 if not given) from the right end round to the left.  If n is\nnegative, "
                                              "rotates left.")
{
  int64_t n = 1;
  if (args[0] && !cd_to_ssize(vm, args[0], &n)) return NO_REF;
  deque_rotate_by(deque_of(self), n);
  return cd_none();
}

METHOD(deque, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Deque *d = deque_of(self);
  Ref state = cd_call_method0(vm, self, N(__getstate__)), iterator = state ? cd_iter(vm, self) : NO_REF, arguments = NO_REF,
      result = NO_REF;
  if (iterator) arguments = d->maxlen < 0 ? cd_dup(vm->empty_tuple) : cd_tuple2(vm, vm->empty_tuple, cd_from_small(d->maxlen));
  if (arguments) {
    Value parts[] = {cd_type_value(cd_type_of(vm, self)), arguments, state, iterator};
    result = cd_tuple_of(vm, 4, parts);
  }
  cd_drop(vm, state);
  cd_drop(vm, iterator);
  cd_drop(vm, arguments);
  return result;
}

METHOD(deque, __sizeof__, "__sizeof__(self, /)", "D.__sizeof__() -- bytes that D takes")
{
  return cd_from_small((int64_t)(cd_type_of(vm, self)->basicsize + deque_of(self)->capacity * sizeof(Value)));
}

CLASS_METHOD(deque, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static Ref deque_get_maxlen(VM *vm, Value self)
{
  int64_t maxlen = deque_of(self)->maxlen;
  return maxlen < 0 ? cd_none() : cd_int_from_i64(vm, maxlen);
}

// ---- iterators ----

typedef struct DequeIterator {
  Object head;
  Value deque;
  size_t position;
  uint64_t state;
} DequeIterator;   // deque owned; position counts items passed

static inline DequeIterator *deque_iterator_of(Value v) { return (DequeIterator *)cd_object(v); }

static Ref deque_iterator_make(VM *vm, Type *type, Value deque, size_t position)
{
  DequeIterator *it = cd_object_new(vm, type, sizeof *it);
  if (!it) return NO_REF;
  it->deque = cd_dup(deque);
  it->position = position;
  it->state = deque_of(deque)->state;
  return cd_from_object(it);
}

static Ref deque_iter(VM *vm, Value self) { return deque_iterator_make(vm, deque_module(vm)->deque_iterator, self, 0); }
METHOD(deque, __reversed__, "__reversed__(self, /)", "D.__reversed__() -- walks from the right end to the left")
{
  return deque_iterator_make(vm, deque_module(vm)->deque_reverse_iterator, self, 0);
}

static Ref deque_iterator_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, cd_str_data(type->name), kwnames)) return NO_REF;
  if (nargs < 1 || nargs > 2)
    return cd_raise_type(vm, "function takes at %s argument%s (%zu given)", nargs ? "most 2" : "least 1", nargs ? "s" : "", nargs);
  if (!deque_is(vm, args[0])) return cd_raise_type(vm, "argument 1 must be collections.deque, not %T", args[0]);
  int64_t skip = 0, size = (int64_t)deque_of(args[0])->size;
  if (nargs == 2 && !cd_to_ssize(vm, args[1], &skip)) return NO_REF;
  return deque_iterator_make(vm, type, args[0], (size_t)(skip < 0 ? 0 : skip > size ? size : skip));
}

static void deque_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((DequeIterator *)self)->deque); }
static void deque_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((DequeIterator *)self)->deque); }

static Next deque_iterator_step(VM *vm, Value self, bool backward, Ref *out)
{
  DequeIterator *it = deque_iterator_of(self);
  const Deque *d = deque_of(it->deque);
  if (it->state != d->state) {
    it->position = SIZE_MAX;
    cd_raise_runtime(vm, "deque mutated during iteration");
    return NEXT_ERROR;
  }
  if (it->position >= d->size) return NEXT_DONE;
  size_t i = it->position++;
  *out = cd_dup(*deque_slot(d, backward ? d->size - 1 - i : i));
  return NEXT_ITEM;
}

static Next deque_iterator_next(VM *vm, Value self, Ref *out) { return deque_iterator_step(vm, self, false, out); }
static Next deque_reverse_iterator_next(VM *vm, Value self, Ref *out) { return deque_iterator_step(vm, self, true, out); }

METHOD(deque_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const DequeIterator *it = deque_iterator_of(self);
  size_t size = deque_of(it->deque)->size;
  return cd_from_small(it->position < size ? (int64_t)(size - it->position) : 0);
}

METHOD(deque_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const DequeIterator *it = deque_iterator_of(self);
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple2(vm, it->deque, cd_from_small((int64_t)it->position)));
}

static const MethodDef *const deque_iterator_methods[] = {&deque_iterator___length_hint___def, &deque_iterator___reduce___def, NULL};

const TypeSpec cd_deque_iterator_spec = {
  .name = "_collections._deque_iterator",
  .basicsize = sizeof(DequeIterator),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = deque_iterator_methods,
  .slots = {.release = deque_iterator_release,
            .traverse = deque_iterator_traverse,
            .new_ = deque_iterator_new,
            .iter = cd_self_iter,
            .next = deque_iterator_next},
};

const TypeSpec cd_deque_reverse_iterator_spec = {
  .name = "_collections._deque_reverse_iterator",
  .basicsize = sizeof(DequeIterator),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = deque_iterator_methods,
  .slots = {.release = deque_iterator_release,
            .traverse = deque_iterator_traverse,
            .new_ = deque_iterator_new,
            .iter = cd_self_iter,
            .next = deque_reverse_iterator_next},
};

// ---- the type ----

static const GetSetDef deque_getset[] = {{"maxlen", "most items that it keeps, None: no limit", deque_get_maxlen, NULL}, {0}};

static const MethodDef *const deque_methods[] = {
  &deque_append_def, &deque_appendleft_def, &deque_clear_def, &deque___copy___def, &deque_copy_def, &deque_count_def, &deque_extend_def,
  &deque_extendleft_def, &deque_index_def, &deque_insert_def, &deque_pop_def, &deque_popleft_def, &deque___reduce___def, &deque_remove_def,
  &deque___reversed___def, &deque_reverse_def, &deque_rotate_def, &deque___sizeof___def, &deque___class_getitem___def, NULL};

const TypeSpec cd_deque_spec = {
  .name = "collections.deque",
  .doc = "deque([iterable[, maxlen]]) --> deque object\n\nA sequence to which items are added, and from which they are taken, at both\n"
         "ends.",
  .basicsize = sizeof(Deque),
  .flags = TYPE_BASE | TYPE_GC | TYPE_SEQUENCE | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .weaklist_offset = offsetof(Deque, weaklist),
  .methods = deque_methods,
  .getset = deque_getset,
  .slots = {
    .release = deque_release,
    .traverse = deque_traverse,
    .clear = deque_release,
    .new_ = deque_new,
    .init = deque_init,
    .repr = deque_repr,
    .hash = cd_hash_unhashable,
    .compare = deque_compare,
    .iter = deque_iter,
    .len = deque_len,
    .getitem = deque_getitem,
    .setitem = deque_setitem,
    .contains = deque_contains,
    .concat = deque_concat,
    .iconcat = deque_inplace_concat,
    .repeat = deque_repeat,
    .irepeat = deque_inplace_repeat,
  },
};
