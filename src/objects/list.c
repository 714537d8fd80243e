// SPDX-License-Identifier: MIT
// list.c: growable sequences and their two iterators; sorting is in list_sort.c
#include "objects/list.h"
#include "objects/generic_alias.h"
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- storage ----

#define LIST_MAX ((size_t)PTRDIFF_MAX / sizeof(Value))

static bool list_set_capacity(VM *vm, List *list, size_t capacity)
{
  if (UNLIKELY(capacity > LIST_MAX)) return cd_raise_memory(vm);
  Value *items = cd_realloc(vm, list->items, list->capacity * sizeof(Value), capacity * sizeof(Value));
  if (UNLIKELY(!items)) return false;
  list->items = items;
  list->capacity = capacity;
  return true;
}

// Room for `count` more items, growing by a quarter so that appending stays linear.
static bool list_reserve(VM *vm, List *list, size_t count)
{
  if (LIKELY(list->capacity - list->size >= count)) return true;
  if (UNLIKELY(count > LIST_MAX - list->size)) return cd_raise_memory(vm);
  size_t wanted = list->size + count;
  return list_set_capacity(vm, list, wanted + (count == 1 ? wanted / 4 : wanted / 16) + 3);
}

// Gives memory back after the list became much shorter. Never fails: the old block is kept when the smaller one can't be had.
static void list_trim(VM *vm, List *list)
{
  if (list->size >= list->capacity / 2 || list->capacity < 16) return;
  if (list->size == 0) {
    cd_free(vm, list->items, list->capacity * sizeof(Value));
    list->items = NULL;
    list->capacity = 0;
    return;
  }
  Ref raised = cd_take_raised(vm);
  if (!list_set_capacity(vm, list, list->size + list->size / 4 + 3)) cd_clear_raised(vm);
  if (raised) cd_restore_raised(vm, raised);
}

static void list_drop_block(VM *vm, Value *items, size_t size, size_t capacity)
{
  for (size_t i = size; i-- > 0;) cd_drop(vm, cd_take(&items[i]));
  cd_free(vm, items, capacity * sizeof(Value));
}

void cd_list_clear(VM *vm, List *list)
{
  Value *items = list->items;
  size_t size = list->size, capacity = list->capacity;
  list->items = NULL;
  list->size = list->capacity = 0;
  if (items) list_drop_block(vm, items, size, capacity);
}

// ---- making ----

Ref cd_list_new(VM *vm)
{
  List *list = cd_object_new(vm, vm->types.list, sizeof(List));
  return list ? cd_from_object(list) : NO_REF;
}

Ref cd_list_with_capacity(VM *vm, size_t capacity)
{
  Ref list = cd_list_new(vm);
  if (list && capacity && !list_set_capacity(vm, cd_as_list(list), capacity)) {
    cd_drop(vm, list);
    return NO_REF;
  }
  return list;
}

Ref cd_list_of(VM *vm, size_t count, const Value *items)
{
  Ref list = cd_list_with_capacity(vm, count);
  if (!list) return NO_REF;
  List *l = cd_as_list(list);
  for (size_t i = 0; i < count; i++) l->items[i] = cd_dup(items[i]);
  l->size = count;
  return list;
}

Ref cd_list_from(VM *vm, Value iterable)
{
  Ref list = cd_list_new(vm);
  if (list && !cd_list_extend(vm, cd_as_list(list), iterable)) {
    cd_drop(vm, list);
    return NO_REF;
  }
  return list;
}

Ref cd_list_to_tuple(VM *vm, Value list) { return cd_tuple_of(vm, cd_list_size(list), cd_as_list(list)->items); }

Ref cd_fast_sequence(VM *vm, Value v, const char *message)
{
  if (cd_is_exact(v, vm->types.list) || cd_is_exact(v, vm->types.tuple)) return cd_dup(v);
  Ref iterator = cd_iter(vm, v);
  if (!iterator) {
    if (cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, "%s", message);
    return NO_REF;
  }
  Ref list = cd_list_from(vm, iterator);
  cd_drop(vm, iterator);
  return list;
}

// ---- appending and removing ----

bool cd_list_append_steal(VM *vm, List *list, Ref item)
{
  if (UNLIKELY(!item)) return false;
  if (UNLIKELY(list->size == list->capacity) && !list_reserve(vm, list, 1)) {
    cd_drop(vm, item);
    return false;
  }
  list->items[list->size++] = item;
  return true;
}

bool cd_list_append(VM *vm, List *list, Value item) { return cd_list_append_steal(vm, list, cd_dup(item)); }

bool cd_list_insert(VM *vm, List *list, int64_t index, Value item)
{
  if (!list_reserve(vm, list, 1)) return false;
  int64_t size = (int64_t)list->size;
  if (index < 0 && (index += size) < 0) index = 0;
  if (index > size) index = size;
  memmove(list->items + index + 1, list->items + index, (size_t)(size - index) * sizeof(Value));
  list->items[index] = cd_dup(item);
  list->size++;
  return true;
}

Ref cd_list_pop(VM *vm, List *list, size_t index)
{
  Ref item = cd_take(&list->items[index]);
  list->size--;
  if (index < list->size) memmove(list->items + index, list->items + index + 1, (list->size - index) * sizeof(Value));
  list_trim(vm, list);
  return item;
}

static bool list_extend_block(VM *vm, List *list, Value source)
{
  size_t count = cd_is_list(source) ? cd_list_size(source) : cd_tuple_size(source);
  if (count == 0) return true;
  if (list->size == 0 && list->capacity < count ? !list_set_capacity(vm, list, count) : !list_reserve(vm, list, count)) return false;
  const Value *from = cd_is_list(source) ? cd_as_list(source)->items
                                         : cd_as_tuple(source)->items;   // after growing: source may be list itself
  Value *to = list->items + list->size;
  for (size_t i = 0; i < count; i++) to[i] = cd_dup(from[i]);
  list->size += count;
  return true;
}

static bool list_extend_ascii(VM *vm, List *list, Value text)
{
  size_t count = cd_str_size(text);
  if (list->size == 0 && list->capacity < count ? !list_set_capacity(vm, list, count) : !list_reserve(vm, list, count)) return false;
  for (size_t i = 0; i < count; i++)
    if (!cd_list_append_steal(vm, list, cd_str_from_char(vm, (unsigned char)cd_str_data(text)[i]))) return false;
  return true;
}

static bool list_extend_iterator(VM *vm, List *list, Value iterator)
{
  for (;;) {
    Ref item;
    Next next = cd_next(vm, iterator, &item);
    if (next != NEXT_ITEM) return next == NEXT_DONE;
    if (!cd_list_append_steal(vm, list, item)) return false;
  }
}

bool cd_list_extend(VM *vm, List *list, Value iterable)
{
  if (cd_is_exact(iterable, vm->types.list) || cd_is_exact(iterable, vm->types.tuple) || cd_bits(iterable) == cd_bits(cd_from_object(list)))
    return list_extend_block(vm, list, iterable);

  if (cd_is_exact(iterable, vm->types.str) && cd_as_str(iterable)->ascii) return list_extend_ascii(vm, list, iterable);
  Ref iterator = cd_iter(vm, iterable);
  if (!iterator) return false;
  int64_t hint;
  bool ok = cd_length_hint(vm, iterable, 8, &hint);
  // A hint that is absurd is ignored; one that can't be had is a MemoryError at once rather than after a long run.
  if (ok && hint > 0 && (uint64_t)hint <= LIST_MAX - list->size && list->capacity - list->size < (size_t)hint)
    ok = list_set_capacity(vm, list, list->size + (size_t)hint);
  if (ok) ok = list_extend_iterator(vm, list, iterator);
  if (ok) list_trim(vm, list);
  cd_drop(vm, iterator);
  return ok;
}

static bool list_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Type *type = cd_type_of(vm, self);
  if ((type == vm->types.list || type->slots.new_ == vm->types.list->slots.new_) && !cd_no_keywords(vm, "list", kwnames)) return false;
  if (!cd_check_positional(vm, "list", nargs, 0, 1)) return false;
  List *list = cd_as_list(self);
  if (list->items) cd_list_clear(vm, list);
  return nargs == 0 || cd_list_extend(vm, list, args[0]);
}

static Ref list_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  List *list = cd_instance_new(vm, type);
  return list ? cd_from_object(list) : NO_REF;
}

static void list_release(VM *vm, Object *self) { cd_list_clear(vm, (List *)self); }

static void list_traverse(Object *self, VisitFn visit, void *context)
{
  List *list = (List *)self;
  for (size_t i = 0; i < list->size; i++) visit(context, list->items[i]);
}

// ---- text and comparison ----

static Ref list_repr(VM *vm, Value self)
{
  List *list = cd_as_list(self);
  if (list->size == 0) return cd_str_from(vm, "[]");
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_from(vm, "[...]") : NO_REF;

  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_puts(&text, "[");
  for (size_t i = 0; ok && i < list->size; i++) {
    Ref item = cd_dup(list->items[i]);
    ok = (i == 0 || cd_text_puts(&text, ", ")) && cd_text_repr(&text, item);
    cd_drop(vm, item);
  }
  ok = ok && cd_text_puts(&text, "]");
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// Compares two items that may be replaced meanwhile.
static bool list_items_equal(VM *vm, Value a, Value b, bool *out)
{
  if (cd_is(a, b)) return *out = true;
  if (cd_both_small(a, b)) {
    *out = false;
    return true;
  }
  Ref x = cd_dup(a), y = cd_dup(b);
  bool ok = cd_equal(vm, x, y, out);
  cd_drop(vm, x);
  cd_drop(vm, y);
  return ok;
}

static Ref list_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_list(self) || !cd_is_list(other)) return cd_not_implemented();
  List *a = cd_as_list(self), *b = cd_as_list(other);
  if (a->size != b->size && (op == COMPARE_EQ || op == COMPARE_NE)) return cd_bool(op == COMPARE_NE);
  size_t i;
  for (i = 0; i < a->size && i < b->size; i++) {
    bool equal;
    if (!list_items_equal(vm, a->items[i], b->items[i], &equal)) return NO_REF;
    if (!equal) break;
  }
  if (i >= a->size || i >= b->size) return cd_compare_ints(a->size < b->size ? -1 : a->size > b->size, op);
  if (op == COMPARE_EQ || op == COMPARE_NE) return cd_bool(op == COMPARE_NE);
  Ref x = cd_dup(a->items[i]), y = cd_dup(b->items[i]);
  Ref result = cd_compare(vm, x, y, op);
  cd_drop(vm, x);
  cd_drop(vm, y);
  return result;
}

// ---- subscripts ----

static bool list_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)cd_list_size(self);
  return true;
}

static Ref list_getitem_slice(VM *vm, List *list, Value slice)
{
  int64_t start, stop, step;
  if (!cd_slice_unpack(vm, slice, &start, &stop, &step)) return NO_REF;
  int64_t count = cd_slice_adjust((int64_t)list->size, &start, &stop, step);
  if (step == 1) return cd_list_of(vm, (size_t)count, list->items + start);
  Ref result = cd_list_with_capacity(vm, (size_t)count);
  if (!result) return NO_REF;
  List *to = cd_as_list(result);
  for (int64_t i = 0; i < count; i++) to->items[i] = cd_dup(list->items[start + i * step]);
  to->size = (size_t)count;
  return result;
}

static Ref list_getitem(VM *vm, Value self, Value key)
{
  List *list = cd_as_list(self);
  int64_t i;
  if (cd_is_small(key)) {
    i = cd_small(key);
    if (i < 0) i += (int64_t)list->size;
    if (LIKELY((uint64_t)i < list->size)) return cd_dup(list->items[i]);
    return cd_raise_index(vm, "list index out of range");
  }
  if (cd_is_exact(key, vm->types.slice)) return list_getitem_slice(vm, list, key);
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, "list indices must be integers or slices, not %T", key);
  if (!cd_to_i64(vm, key, &i, vm->exc.IndexError)) return NO_REF;
  if (i < 0) i += (int64_t)list->size;           // the size after __index__ ran
  if ((uint64_t)i >= list->size) return cd_raise_index(vm, "list index out of range");
  return cd_dup(list->items[i]);
}

// list[start:stop] = source's items (an exact list or tuple that is not this list; NO_VALUE: none).
static bool list_splice(VM *vm, List *list, size_t start, size_t stop, Value source)
{
  size_t added = 0;
  const Value *from = NULL;
  if (source) from = cd_sequence_items(source, &added);
  size_t removed = stop - start, old_size = list->size;
  Ref small[16], *old = small;
  if (removed > ARRAY_LEN(small) && !(old = cd_alloc_array(vm, removed, sizeof(Ref)))) return false;
  if (added > removed && !list_reserve(vm, list, added - removed)) {
    if (old != small) cd_free(vm, old, removed * sizeof(Ref));
    return false;
  }
  for (size_t i = 0; i < removed; i++) old[i] = cd_take(&list->items[start + i]);
  if (added != removed) memmove(list->items + start + added, list->items + stop, (old_size - stop) * sizeof(Value));
  for (size_t i = 0; i < added; i++) list->items[start + i] = cd_dup(from[i]);
  list->size = old_size - removed + added;
  if (added < removed) list_trim(vm, list);
  for (size_t i = removed; i-- > 0;) cd_drop(vm, old[i]);
  if (old != small) cd_free(vm, old, removed * sizeof(Ref));
  return true;
}

static bool list_delete_extended(VM *vm, List *list, int64_t start, int64_t step, int64_t count)
{
  if (count == 0) return true;
  if (step < 0) {
    start += (count - 1) * step;
    step = -step;
  }
  Ref *old = cd_alloc_array(vm, (size_t)count, sizeof(Ref));
  if (!old) return false;
  size_t write = (size_t)start, size = list->size;
  for (int64_t i = 0; i < count; i++) {
    size_t from = (size_t)(start + i * step), end = i + 1 < count ? from + (size_t)step : size;
    old[i] = cd_take(&list->items[from]);
    memmove(list->items + write, list->items + from + 1, (end - from - 1) * sizeof(Value));
    write += end - from - 1;
  }
  list->size = write;
  list_trim(vm, list);
  for (int64_t i = 0; i < count; i++) cd_drop(vm, old[i]);
  cd_free(vm, old, (size_t)count * sizeof(Ref));
  return true;
}

static bool list_assign_extended(VM *vm, List *list, int64_t start, int64_t step, int64_t count, Value source)
{
  size_t size;
  const Value *from = cd_sequence_items(source, &size);
  if ((int64_t)size != count)
    return cd_raise_value(vm, "attempt to assign sequence of size %zd to extended slice of size %zd", (ptrdiff_t)size, (ptrdiff_t)count);
  if (count == 0) return true;
  Ref *old = cd_alloc_array(vm, size, sizeof(Ref));
  if (!old) return false;
  for (int64_t i = 0; i < count; i++) {
    Value *slot = &list->items[start + i * step];
    old[i] = cd_take(slot);
    *slot = cd_dup(from[i]);
  }
  for (int64_t i = 0; i < count; i++) cd_drop(vm, old[i]);
  cd_free(vm, old, size * sizeof(Ref));
  return true;
}

static bool list_setitem_slice(VM *vm, Value self, Value slice, Value value)
{
  List *list = cd_as_list(self);
  int64_t start, stop, step, count = 0;
  Ref source = NO_REF;
  // The value comes first: iterating it may change this list.
  if (value) {
    const Slice *s = (Slice *)cd_object(slice);
    bool plain = cd_is_none(s->step) || (cd_is_small(s->step) && cd_small(s->step) == 1);
    source = cd_is(value, self)
               ? cd_list_of(vm, list->size, list->items)
               : cd_fast_sequence(vm, value, plain ? "can only assign an iterable" : "must assign iterable to extended slice");
    if (!source) return false;
  }
  bool ok = cd_slice_unpack(vm, slice, &start, &stop, &step);
  if (ok) count = cd_slice_adjust((int64_t)list->size, &start, &stop, step);
  if (ok && step == 1) ok = list_splice(vm, list, (size_t)start, (size_t)(start + count), source);
  else if (ok && !value) ok = list_delete_extended(vm, list, start, step, count);
  else if (ok) ok = list_assign_extended(vm, list, start, step, count, source);
  cd_drop(vm, source);
  return ok;
}

static bool list_setitem(VM *vm, Value self, Value key, Value value)
{
  List *list = cd_as_list(self);
  int64_t i;
  if (cd_is_small(key)) i = cd_small(key);
  else if (cd_is_exact(key, vm->types.slice)) return list_setitem_slice(vm, self, key, value);
  else if (!cd_has_index(vm, key)) return cd_raise_type(vm, "list indices must be integers or slices, not %T", key);
  else if (!cd_to_i64(vm, key, &i, vm->exc.IndexError)) return false;
  if (i < 0) i += (int64_t)list->size;
  if (UNLIKELY((uint64_t)i >= list->size)) return cd_raise_index(vm, "list assignment index out of range");
  if (value) cd_replace(vm, &list->items[i], cd_dup(value));
  else cd_drop(vm, cd_list_pop(vm, list, (size_t)i));
  return true;
}

static bool list_contains(VM *vm, Value self, Value item, bool *out)
{
  List *list = cd_as_list(self);
  *out = false;
  for (size_t i = 0; i < list->size && !*out; i++)
    if (!list_items_equal(vm, list->items[i], item, out)) return false;
  return true;
}

// ---- + and * ----

static Ref list_concat(VM *vm, Value left, Value right)
{
  if (!cd_is_list(right)) return cd_raise_type(vm, "can only concatenate list (not \"%T\") to list", right);
  Ref result = cd_list_with_capacity(vm, cd_list_size(left) + cd_list_size(right));
  if (!result) return NO_REF;
  if (list_extend_block(vm, cd_as_list(result), left) && list_extend_block(vm, cd_as_list(result), right)) return result;
  cd_drop(vm, result);
  return NO_REF;
}

static Ref list_inplace_concat(VM *vm, Value left, Value right)
{
  return cd_list_extend(vm, cd_as_list(left), right) ? cd_dup(left) : NO_REF;
}

// Fills `to`, room for size * count items, with repeats of its first `size` ones.
static void list_fill_repeats(Value *to, size_t size, int64_t count)
{
  for (int64_t n = 1; n < count; n++)
    for (size_t i = 0; i < size; i++) to[(size_t)n * size + i] = cd_dup(to[i]);
}

static Ref list_repeat(VM *vm, Value self, int64_t count)
{
  List *list = cd_as_list(self);
  size_t size = list->size;
  if (count <= 0 || size == 0) return cd_list_new(vm);
  if ((uint64_t)count > LIST_MAX / size) return cd_raise_memory(vm);
  Ref result = cd_list_with_capacity(vm, size * (size_t)count);
  if (!result) return NO_REF;
  List *to = cd_as_list(result);
  for (size_t i = 0; i < size; i++) to->items[i] = cd_dup(list->items[i]);
  list_fill_repeats(to->items, size, count);
  to->size = size * (size_t)count;
  return result;
}

static Ref list_inplace_repeat(VM *vm, Value self, int64_t count)
{
  List *list = cd_as_list(self);
  size_t size = list->size;
  if (size == 0 || count == 1) return cd_dup(self);
  if (count <= 0) {
    cd_list_clear(vm, list);
    return cd_dup(self);
  }
  if ((uint64_t)count > LIST_MAX / size) return cd_raise_memory(vm);
  if (list->capacity < size * (size_t)count && !list_set_capacity(vm, list, size * (size_t)count)) return NO_REF;
  list_fill_repeats(list->items, size, count);
  list->size = size * (size_t)count;
  return cd_dup(self);
}

// ---- methods ----

METHOD(list, append, "append(self, object, /)", "Puts object behind the last item.")
{
  return cd_list_append(vm, cd_as_list(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(list, extend, "extend(self, iterable, /)", "Puts the items of the iterable behind the last one.")
{
  return cd_list_extend(vm, cd_as_list(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(list, insert, "insert(self, index, object, /)", "Insert object before index.")
{
  int64_t index;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  return cd_list_insert(vm, cd_as_list(self), index, args[1]) ? cd_none() : NO_REF;
}

METHOD(list, pop, "pop(self, index=-1, /)",
       "Takes the item at index out, the last by default, and returns it.\n\nIndexError if the list is empty or has no such index.")
{
  List *list = cd_as_list(self);
  int64_t index = -1;
  if (args[0] && !cd_to_ssize(vm, args[0], &index)) return NO_REF;
  if (list->size == 0) return cd_raise_index(vm, "pop from empty list");
  if (index < 0) index += (int64_t)list->size;
  if ((uint64_t)index >= list->size) return cd_raise_index(vm, "pop index out of range");
  return cd_list_pop(vm, list, (size_t)index);
}

// Position of the first item equal to `value` in [start, stop), -1: none, -2: exception.
static int64_t list_position(VM *vm, List *list, Value value, int64_t start, int64_t stop)
{
  for (int64_t i = start; i < stop && i < (int64_t)list->size; i++) {
    bool equal;
    if (!list_items_equal(vm, list->items[i], value, &equal)) return -2;
    if (equal) return i;
  }
  return -1;
}

METHOD(list, remove, "remove(self, value, /)", "Remove first occurrence of value.\n\nValueError where there is none.")
{
  List *list = cd_as_list(self);
  int64_t i = list_position(vm, list, args[0], 0, INT64_MAX);
  if (i == -2) return NO_REF;
  if (i < 0) return cd_raise_value(vm, "list.remove(x): x not in list");
  if ((size_t)i < list->size) cd_drop(vm, cd_list_pop(vm, list, (size_t)i));   // __eq__ may have shortened it
  return cd_none();
}

METHOD(list, index, "index(self, value, start=0, stop=sys.maxsize, /)",
       "Return first index of value.\n\nValueError where there is none.")
{
  List *list = cd_as_list(self);
  int64_t start = 0, stop = INT64_MAX;
  if (!cd_slice_bound(vm, args[1], &start) || !cd_slice_bound(vm, args[2], &stop)) return NO_REF;
  int64_t size = (int64_t)list->size;
  if (start < 0 && (start += size) < 0) start = 0;
  if (stop < 0 && (stop += size) < 0) stop = 0;
  int64_t i = list_position(vm, list, args[0], start, stop);
  if (i >= 0) return cd_from_small(i);
  return i == -2 ? NO_REF : cd_raise_value(vm, "%R is not in list", args[0]);
}

METHOD(list, count, "count(self, value, /)", "How often value occurs.")
{
  List *list = cd_as_list(self);
  int64_t count = 0;
  for (size_t i = 0; i < list->size; i++) {
    bool equal;
    if (!list_items_equal(vm, list->items[i], args[0], &equal)) return NO_REF;
    count += equal;
  }
  return cd_from_small(count);
}

METHOD(list, clear, "clear(self, /)", "Remove all items from list.")
{
  cd_list_clear(vm, cd_as_list(self));
  return cd_none();
}

METHOD(list, copy, "copy(self, /)", "A new list with the same items.")
{
  List *list = cd_as_list(self);
  return cd_list_of(vm, list->size, list->items);
}

METHOD(list, reverse, "reverse(self, /)", "Reverse *IN PLACE*.")
{
  List *list = cd_as_list(self);
  for (size_t i = 0, j = list->size; i + 1 < j; i++) {
    Value item = list->items[--j];
    list->items[j] = list->items[i];
    list->items[i] = item;
  }
  return cd_none();
}

METHOD(list, sort, "sort(self, /, *, key=None, reverse=False)",
       "Sorts the list in place, smallest first, and returns None.\n\nItems that compare equal stay in their order. With key, items are "
       "ordered by\nkey(item), which is computed once for each. reverse=True puts the largest\nfirst.")
{
  int reverse = 0;
  if (args[1] && !cd_to_c_int(vm, args[1], &reverse)) return NO_REF;
  return cd_list_sort(vm, cd_as_list(self), args[0], reverse != 0) ? cd_none() : NO_REF;
}

METHOD(list, __sizeof__, "__sizeof__(self, /)", "Bytes that the list takes.")
{
  const List *list = cd_as_list(self);
  return cd_from_small((int64_t)(cd_type_of(vm, self)->basicsize + list->capacity * sizeof(Value)));
}

METHOD(list, __getitem__, "__getitem__(self, index, /)", "x.__getitem__(y) <==> x[y]") { return list_getitem(vm, self, args[0]); }

Ref cd_list_reversed(VM *vm, Value list)
{
  ListIterator *it = cd_object_new(vm, vm->types.list_reverse_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->list = cd_dup(list);
  it->index = cd_list_size(list);                // one past the next item
  return cd_from_object(it);
}

METHOD(list, __reversed__, "__reversed__(self, /)", "Walks the list from its end to its start.") { return cd_list_reversed(vm, self); }

CLASS_METHOD(list, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585") { return cd_generic_alias_new(vm, self, args[0]); }

// ---- iterators ----

static Ref list_iter(VM *vm, Value self)
{
  ListIterator *it = cd_object_new(vm, vm->types.list_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->list = cd_dup(self);
  return cd_from_object(it);
}

static void list_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((ListIterator *)self)->list); }

static void list_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((ListIterator *)self)->list); }

static Next list_iterator_next(VM *vm, Value self, Ref *out)
{
  ListIterator *it = (ListIterator *)cd_object(self);
  if (!it->list) return NEXT_DONE;
  const List *list = cd_as_list(it->list);
  if (it->index < list->size) {
    *out = cd_dup(list->items[it->index++]);
    return NEXT_ITEM;
  }
  cd_clear(vm, &it->list);
  return NEXT_DONE;
}

static Ref list_iterator_reduce(VM *vm, ListIterator *it, Ref (*reduce_live)(VM *, ListIterator *))
{
  if (it->list) return reduce_live(vm, it);
  Ref empty = cd_list_new(vm);
  if (!empty) return NO_REF;
  Ref result = cd_iterator_reduce(vm, NO_VALUE, empty, 0);
  cd_drop(vm, empty);
  return result;
}

static Ref list_iterator_reduce_forward(VM *vm, ListIterator *it) { return cd_iterator_reduce(vm, it->list, NO_VALUE, (int64_t)it->index); }

static Ref list_iterator_reduce_backward(VM *vm, ListIterator *it)
{
  return cd_builtin_reduce(vm, "reversed", 1, &it->list, cd_from_small((int64_t)it->index - 1));
}

METHOD(list_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const ListIterator *it = (ListIterator *)cd_object(self);
  int64_t left = it->list ? (int64_t)cd_list_size(it->list) - (int64_t)it->index : 0;
  return cd_from_small(left < 0 ? 0 : left);
}

METHOD(list_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  return list_iterator_reduce(vm, (ListIterator *)cd_object(self), list_iterator_reduce_forward);
}

METHOD(list_iterator, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  ListIterator *it = (ListIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  if (it->list) it->index = index < 0 ? 0 : (size_t)index;
  return cd_none();
}

static const MethodDef *const list_iterator_methods[] = {
  &list_iterator___length_hint___def, &list_iterator___reduce___def, &list_iterator___setstate___def, NULL};

const TypeSpec cd_list_iterator_spec = {
  .name = "list_iterator",
  .basicsize = sizeof(ListIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = list_iterator_methods,
  .slots = {
    .release = list_iterator_release,
    .traverse = list_iterator_traverse,
    .iter = cd_self_iter,
    .next = list_iterator_next,
  },
};

static Next list_reverse_iterator_next(VM *vm, Value self, Ref *out)
{
  ListIterator *it = (ListIterator *)cd_object(self);
  if (!it->list) return NEXT_DONE;
  const List *list = cd_as_list(it->list);
  if (it->index > 0 && it->index <= list->size) {
    *out = cd_dup(list->items[--it->index]);
    return NEXT_ITEM;
  }
  it->index = 0;
  cd_clear(vm, &it->list);
  return NEXT_DONE;
}

METHOD(list_reverse_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const ListIterator *it = (ListIterator *)cd_object(self);
  return cd_from_small(it->list && it->index <= cd_list_size(it->list) ? (int64_t)it->index : 0);
}

METHOD(list_reverse_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  return list_iterator_reduce(vm, (ListIterator *)cd_object(self), list_iterator_reduce_backward);
}

METHOD(list_reverse_iterator, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  ListIterator *it = (ListIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  if (it->list) {
    int64_t last = (int64_t)cd_list_size(it->list) - 1;
    it->index = (size_t)((index < -1 ? -1 : index > last ? last : index) + 1);
  }
  return cd_none();
}

static const MethodDef *const list_reverse_iterator_methods[] = {
  &list_reverse_iterator___length_hint___def, &list_reverse_iterator___reduce___def, &list_reverse_iterator___setstate___def, NULL};

const TypeSpec cd_list_reverse_iterator_spec = {
  .name = "list_reverseiterator",
  .basicsize = sizeof(ListIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = list_reverse_iterator_methods,
  .slots = {
    .release = list_iterator_release,
    .traverse = list_iterator_traverse,
    .iter = cd_self_iter,
    .next = list_reverse_iterator_next,
  },
};

// ---- the type ----

static const MethodDef *const list_methods[] = {
  &list_append_def, &list_extend_def, &list_insert_def, &list_pop_def, &list_remove_def, &list_index_def, &list_count_def,
  &list_clear_def, &list_copy_def, &list_reverse_def, &list_sort_def, &list___getitem___def, &list___sizeof___def,
  &list___reversed___def, &list___class_getitem___def, NULL};

const TypeSpec cd_list_spec = {
  .name = "list",
  .doc = "list(iterable=(), /)\n--\n\nBuilt-in mutable sequence.\n\nWithout an argument the list is empty.\nWith one, its items are those "
         "of the iterable.",
  .basicsize = sizeof(List),
  .flags = TYPE_BASE | TYPE_GC | TYPE_LIST | TYPE_SEQUENCE | TYPE_VALUE_MATCH | TYPE_IMMUTABLE,
  .methods = list_methods,
  .slots = {
    .release = list_release,
    .traverse = list_traverse,
    .clear = list_release,
    .new_ = list_new_slot,
    .init = list_init,
    .repr = list_repr,
    .hash = cd_hash_unhashable,
    .compare = list_compare,
    .iter = list_iter,
    .len = list_len,
    .getitem = list_getitem,
    .setitem = list_setitem,
    .contains = list_contains,
    .concat = list_concat,
    .iconcat = list_inplace_concat,
    .repeat = list_repeat,
    .irepeat = list_inplace_repeat,
  },
};
