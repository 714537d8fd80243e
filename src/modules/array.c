// SPDX-License-Identifier: MIT
// array.c: array.array: packed numbers
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <wchar.h>

// ---- kinds of items ----

// An integer kind refuses numbers outside [low, high]; before that, as argument parsing in C does, outside those of a wider C type.
typedef struct IntRange { int64_t low, high; const char *too_low, *too_high; } IntRange;

typedef struct ArrayKind {
  char code;
  uint8_t size;
  bool is_signed;
  enum { KIND_INT, KIND_FLOAT, KIND_TEXT } what;
  int machine;                                   // number of the format in pickles, little endian
  const char *format;                            // struct syntax
  const IntRange *outer, *inner;                 // NULL: 64 bits
} ArrayKind;

static const IntRange array_short = {INT16_MIN, INT16_MAX, "signed short integer is less than minimum",
                                     "signed short integer is greater than maximum"};
static const IntRange array_int = {INT32_MIN, INT32_MAX, "signed integer is less than minimum", "signed integer is greater than maximum"};
static const IntRange array_i8 = {INT8_MIN, INT8_MAX, "signed char is less than minimum", "signed char is greater than maximum"};
static const IntRange array_u8 = {0, UINT8_MAX, "unsigned byte integer is less than minimum",
                                  "unsigned byte integer is greater than maximum"};
static const IntRange array_u16 = {0, UINT16_MAX, "unsigned short is less than minimum", "unsigned short is greater than maximum"};
static const IntRange array_u32 = {0, UINT32_MAX, "", "unsigned int is greater than maximum"};

static const ArrayKind array_kinds[] = {
  {'b', 1, true, KIND_INT, 1, "b", &array_short, &array_i8},
  {'B', 1, false, KIND_INT, 0, "B", NULL, &array_u8},
  {'u', 4, false, KIND_TEXT, 20, "w", NULL, NULL},
  {'h', 2, true, KIND_INT, 4, "h", NULL, &array_short},
  {'H', 2, false, KIND_INT, 2, "H", &array_int, &array_u16},
  {'i', 4, true, KIND_INT, 8, "i", NULL, &array_int},
  {'I', 4, false, KIND_INT, 6, "I", NULL, &array_u32},
  {'l', 8, true, KIND_INT, 12, "l", NULL, NULL},
  {'L', 8, false, KIND_INT, 10, "L", NULL, NULL},
  {'q', 8, true, KIND_INT, 12, "q", NULL, NULL},
  {'Q', 8, false, KIND_INT, 10, "Q", NULL, NULL},
  {'f', 4, true, KIND_FLOAT, 14, "f", NULL, NULL},
  {'d', 8, true, KIND_FLOAT, 16, "d", NULL, NULL},
};
_Static_assert(sizeof(wchar_t) == 4, "items of kind 'u' are four bytes");

static const ArrayKind *array_kind_find(uint32_t code)
{
  for (size_t i = 0; i < ARRAY_LEN(array_kinds); i++)
    if ((uint32_t)array_kinds[i].code == code) return &array_kinds[i];
  return NULL;
}

typedef struct Array {
  Object head;
  char *data;
  size_t size, capacity;                         // items
  const ArrayKind *kind;
  int exports;                                   // live buffers: no resizing
  Weakref *weaklist;
} Array;

typedef struct ArrayState { Type *array, *iterator; Value reconstructor; } ArrayState;   // owned

static ArrayState *array_state(VM *vm) { return cd_state(vm, MODULE_array); }
static inline Array *array_of(Value v) { return (Array *)cd_object(v); }
static inline bool array_is(VM *vm, Value v) { return cd_is_object(v) && cd_type_is_subtype(cd_type_of(vm, v), array_state(vm)->array); }
static inline char *array_slot(const Array *a, size_t i) { return a->data + i * a->kind->size; }

// ---- items in and out ----

static Ref array_load(VM *vm, const ArrayKind *kind, const char *p)
{
  union { int8_t b; uint8_t B; int16_t h; uint16_t H; int32_t i; uint32_t I; int64_t q; uint64_t Q; float f; double d; } u;
  memcpy(&u, p, kind->size);
  switch (kind->code) {
  case 'b': return cd_from_small(u.b);
  case 'B': return cd_from_small(u.B);
  case 'h': return cd_from_small(u.h);
  case 'H': return cd_from_small(u.H);
  case 'i': return cd_from_small(u.i);
  case 'I': return cd_from_small(u.I);
  case 'l': case 'q': return cd_int_from_i64(vm, u.q);
  case 'L': case 'Q': return cd_int_from_u64(vm, u.Q);
  case 'f': return cd_float_new(vm, (double)u.f);
  case 'd': return cd_float_new(vm, u.d);
  default:
    if (u.I > 0x10FFFF) return cd_raise_value(vm, "character U+%x is not in range [U+0000; U+10ffff]", u.I);
    return cd_str_from_char(vm, u.I);
  }
}

static bool array_check_range(VM *vm, const IntRange *range, int64_t i)
{
  if (!range || (i >= range->low && i <= range->high)) return true;
  return cd_raise_overflow(vm, "%s", i < range->low ? range->too_low : range->too_high);
}

static bool array_convert_int(VM *vm, const ArrayKind *kind, Value v, uint64_t *out)
{
  int64_t i;
  Ref n = cd_index(vm, v);
  if (!n) return false;
  bool wide = kind->code == 'q' || kind->code == 'Q', ok = false;
  if (kind->is_signed || kind->size < 4) {
    if (!cd_int_fits_i64(n, &i)) cd_raise_overflow(vm, wide ? "int too big to convert" : "Python int too large to convert to C long");
    else ok = array_check_range(vm, kind->outer, i) && array_check_range(vm, kind->inner, i);
    *out = (uint64_t)i;
  } else {
    if (cd_int_sign(n) < 0)
      cd_raise_overflow(vm, wide ? "can't convert negative int to unsigned" : "can't convert negative value to unsigned int");
    else if (!cd_int_fits_u64(n, out))
      cd_raise_overflow(vm, wide ? "int too big to convert" : "Python int too large to convert to C unsigned long");
    else ok = kind->size == 8 || *out <= UINT32_MAX || cd_raise_overflow(vm, "%s", kind->inner->too_high);
  }
  cd_drop(vm, n);
  return ok;
}

// The item's bytes for `v` into `out` (room for 8). Runs Python.
static bool array_convert(VM *vm, const ArrayKind *kind, Value v, char *out)
{
  if (kind->what == KIND_INT) {
    uint64_t bits = 0;
    if (!array_convert_int(vm, kind, v, &bits)) return false;
    memcpy(out, &bits, kind->size);              // little endian: the low bytes come first
    return true;
  }
  if (kind->what == KIND_TEXT) {
    if (!cd_is_str(v) || cd_str_length(v) != 1) return cd_raise_type(vm, "array item must be unicode character");
    uint32_t c = cd_str_at(vm, v, 0);
    memcpy(out, &c, sizeof c);
    return true;
  }
  double x;
  if (!cd_to_double(vm, v, &x)) return false;
  float f = (float)x;
  if (kind->size == sizeof f) memcpy(out, &f, sizeof f);
  else memcpy(out, &x, sizeof x);
  return true;
}

// ---- storage ----

static bool array_check_exports(VM *vm, const Array *a)
{
  return !a->exports || cd_raise(vm, vm->exc.BufferError, "cannot resize an array that is exporting buffers");
}

static bool array_resize(VM *vm, Array *a, size_t size)
{
  if (size != a->size && !array_check_exports(vm, a)) return false;
  if (size > a->capacity || size < a->capacity / 2) {
    size_t capacity = size + (size >> 4) + (size < 8 ? 3 : 7);
    if (size == 0) capacity = 0;
    if (capacity > PTRDIFF_MAX / a->kind->size) return cd_raise_memory(vm);
    if (capacity == 0) {
      cd_free(vm, a->data, a->capacity * a->kind->size);
      a->data = NULL;
    } else {
      char *data = cd_realloc(vm, a->data, a->capacity * a->kind->size, capacity * a->kind->size);
      if (!data) return false;
      a->data = data;
    }
    a->capacity = capacity;
  }
  a->size = size;
  return true;
}

static Array *array_make(VM *vm, Type *type, const ArrayKind *kind, size_t size)
{
  Array *a = cd_instance_new(vm, type);
  if (!a) return NULL;
  a->kind = kind;
  if (size == 0) return a;
  if (size > PTRDIFF_MAX / kind->size || !(a->data = cd_alloc(vm, size * kind->size))) {
    if (!cd_raised(vm)) cd_raise_memory(vm);
    cd_drop(vm, cd_from_object(a));
    return NULL;
  }
  a->size = a->capacity = size;
  return a;
}

static Ref array_of_bytes(VM *vm, const ArrayKind *kind, const char *data, size_t size)
{
  Array *a = array_make(vm, array_state(vm)->array, kind, size);
  if (!a) return NO_REF;
  if (size) memcpy(a->data, data, size * kind->size);
  return cd_from_object(a);
}

static void array_release(VM *vm, Object *self)
{
  Array *a = (Array *)self;
  cd_free(vm, a->data, a->capacity * (a->kind ? a->kind->size : 1));
  a->data = NULL;
  a->size = a->capacity = 0;
}

static bool array_put(VM *vm, Array *a, Value v)
{
  char item[8];
  if (!array_convert(vm, a->kind, v, item) || !array_resize(vm, a, a->size + 1)) return false;
  memcpy(array_slot(a, a->size - 1), item, a->kind->size);
  return true;
}

static bool array_append_bytes(VM *vm, Array *a, const char *data, size_t bytes)
{
  if (bytes % a->kind->size) return cd_raise_value(vm, "bytes length not a multiple of item size");
  size_t old = a->size, count = bytes / a->kind->size;
  if (count == 0) return true;
  if (!array_resize(vm, a, old + count)) return false;
  memcpy(array_slot(a, old), data, bytes);
  return true;
}

static bool array_append_buffer(VM *vm, Array *a, Value source)
{
  Buffer buffer;
  if (!cd_get_buffer(vm, source, &buffer, BUFFER_SIMPLE)) return false;
  bool ok = buffer.itemsize == 1 ? array_append_bytes(vm, a, buffer.data, (size_t)buffer.size)
                                 : cd_raise_type(vm, "a bytes-like object is required") != NO_REF;
  cd_release_buffer(vm, &buffer);
  return ok;
}

static bool array_append_text(VM *vm, Array *a, Value s)
{
  size_t old = a->size, count = cd_str_length(s);
  if (count == 0) return true;
  if (!array_resize(vm, a, old + count)) return false;
  for (size_t i = 0; i < count; i++) {
    uint32_t c = cd_str_at(vm, s, i);
    memcpy(array_slot(a, old + i), &c, sizeof c);
  }
  return true;
}

static bool array_extend_with(VM *vm, Array *a, Value iterable)
{
  if (array_is(vm, iterable)) {
    const Array *other = array_of(iterable);
    if (other->kind != a->kind) return cd_raise_type(vm, "can only extend with array of same kind");
    size_t old = a->size, count = other->size;
    if (count == 0) return true;
    if (!array_resize(vm, a, old + count)) return false;
    memcpy(array_slot(a, old), other->data, count * a->kind->size);
    return true;
  }
  Ref iterator = cd_iter(vm, iterable), item;
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool ok = array_put(vm, a, item);
    cd_drop(vm, item);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

// ---- making ----

static bool array_fill_initial(VM *vm, Array *a, Value initial)
{
  char code = a->kind->code;
  if (cd_is_str(initial)) {
    if (code != 'u') return cd_raise_type(vm, "cannot use a str to initialize an array with typecode '%c'", code);
    return array_append_text(vm, a, initial);
  }
  if (array_is(vm, initial)) {
    const Array *other = array_of(initial);
    if (other->kind == a->kind) return array_extend_with(vm, a, initial);
    if (other->kind->code == 'u') return cd_raise_type(vm, "cannot use a unicode array to initialize an array with typecode '%c'", code);
    for (size_t i = 0; i < other->size; i++) {
      Ref item = array_load(vm, other->kind, array_slot(other, i));
      bool ok = item && array_put(vm, a, item);
      cd_drop(vm, item);
      if (!ok) return false;
    }
    return true;
  }
  if (cd_is_bytes(initial) || cd_is_bytearray(initial)) return array_append_buffer(vm, a, initial);
  return array_extend_with(vm, a, initial);
}

// For kind 'u': what came from bytes must be characters.
static bool array_check_characters(VM *vm, const Array *a)
{
  for (size_t i = 0; a->kind->code == 'u' && i < a->size; i++) {
    Ref c = array_load(vm, a->kind, array_slot(a, i));
    if (!c) return false;
    cd_drop(vm, c);
  }
  return true;
}

static Ref array_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  ArrayState *state = array_state(vm);
  if ((type == state->array || type->slots.init == state->array->slots.init) && !cd_no_keywords(vm, "array.array", kwnames)) return NO_REF;
  if (nargs < 1 || nargs > 2)
    return cd_raise_type(vm, "array() takes at %s %d argument%s (%zu given)", nargs ? "most" : "least", nargs ? 2 : 1, nargs ? "s" : "",
                         nargs);
  if (!cd_is_str(args[0]) || cd_str_length(args[0]) != 1)
    return cd_raise_type(vm, "array() argument 1 must be a unicode character, not %T", args[0]);
  const ArrayKind *kind = array_kind_find(cd_str_at(vm, args[0], 0));
  if (!kind) return cd_raise_value(vm, "bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f or d)");
  Array *a = array_make(vm, type, kind, 0);
  if (!a) return NO_REF;
  if (nargs == 1 || array_fill_initial(vm, a, args[1])) return cd_from_object(a);
  cd_drop(vm, cd_from_object(a));
  return NO_REF;
}

// ---- text and comparison ----

static Ref array_to_text(VM *vm, const Array *a)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  for (size_t i = 0; i < a->size; i++) {
    uint32_t c;
    memcpy(&c, array_slot(a, i), sizeof c);
    bool ok = c <= 0x10FFFF ? cd_text_char(&text, c) : cd_raise_value(vm, "character U+%x is not in range [U+0000; U+10ffff]", c) != NO_REF;
    if (!ok) {
      cd_text_clear(&text);
      return NO_REF;
    }
  }
  return cd_text_finish(&text);
}

static Ref array_to_list(VM *vm, const Array *a)
{
  Ref list = cd_list_with_capacity(vm, a->size);
  for (size_t i = 0; list && i < a->size; i++) {
    Ref item = array_load(vm, a->kind, array_slot(a, i));
    if (!item || !cd_list_append_steal(vm, cd_as_list(list), item)) {
      cd_drop(vm, list);
      return NO_REF;
    }
  }
  return list;
}

static Ref array_repr(VM *vm, Value self)
{
  const Array *a = array_of(self);
  Value name = cd_type_of(vm, self)->name;
  if (a->size == 0) return cd_str_format(vm, "%U('%c')", name, a->kind->code);
  Ref items = a->kind->code == 'u' ? array_to_text(vm, a) : array_to_list(vm, a);
  Ref text = items ? cd_str_format(vm, "%U('%c', %R)", name, a->kind->code, items) : NO_REF;
  cd_drop(vm, items);
  return text;
}

static Ref array_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!array_is(vm, self) || !array_is(vm, other)) return cd_not_implemented();
  const Array *a = array_of(self), *b = array_of(other);
  if (a->size != b->size && (op == COMPARE_EQ || op == COMPARE_NE)) return cd_bool(op == COMPARE_NE);
  if (a->kind == b->kind && a->kind->what == KIND_INT && (op == COMPARE_EQ || op == COMPARE_NE))
    return cd_bool((a->size == 0 || !memcmp(a->data, b->data, a->size * a->kind->size)) == (op == COMPARE_EQ));
  for (size_t i = 0; i < a->size && i < b->size; i++) {
    bool equal;
    Ref x = array_load(vm, a->kind, array_slot(a, i)), y = x ? array_load(vm, b->kind, array_slot(b, i)) : NO_REF, result = NO_REF;
    bool ok = y && cd_equal(vm, x, y, &equal);
    if (ok && !equal) result = op == COMPARE_EQ || op == COMPARE_NE ? cd_bool(op == COMPARE_NE) : cd_compare(vm, x, y, op);
    cd_drop(vm, x);
    cd_drop(vm, y);
    if (!ok || !equal) return result;
  }
  return cd_compare_ints((a->size > b->size) - (a->size < b->size), op);
}

// ---- subscripts ----

static bool array_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)array_of(self)->size;
  return true;
}

static Ref array_getitem_slice(VM *vm, const Array *a, Value slice)
{
  int64_t start, stop, step;
  if (!cd_slice_unpack(vm, slice, &start, &stop, &step)) return NO_REF;
  int64_t count = cd_slice_adjust((int64_t)a->size, &start, &stop, step);
  Array *result = array_make(vm, array_state(vm)->array, a->kind, (size_t)count);
  if (!result) return NO_REF;
  for (int64_t i = 0; i < count; i++) memcpy(array_slot(result, (size_t)i), array_slot(a, (size_t)(start + i * step)), a->kind->size);
  return cd_from_object(result);
}

static Ref array_getitem(VM *vm, Value self, Value key)
{
  const Array *a = array_of(self);
  int64_t i;
  if (cd_is_exact(key, vm->types.slice)) return array_getitem_slice(vm, a, key);
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, "array indices must be integers");
  if (!cd_sequence_index(vm, key, (int64_t)a->size, "array index out of range", &i)) return NO_REF;
  return array_load(vm, a->kind, array_slot(a, (size_t)i));
}

// Replaces items [start, start + removed) by `count` items at `data`.
static bool array_splice(VM *vm, Array *a, size_t start, size_t removed, const char *data, size_t count)
{
  size_t old = a->size, width = a->kind->size, tail = old - start - removed;
  if (removed != count && !array_check_exports(vm, a)) return false;
  if (count > removed && !array_resize(vm, a, old + count - removed)) return false;
  if (tail && count != removed) memmove(array_slot(a, start + count), array_slot(a, start + removed), tail * width);
  if (count < removed && !array_resize(vm, a, old + count - removed)) return false;
  if (count) memcpy(array_slot(a, start), data, count * width);
  return true;
}

static bool array_delete_extended(VM *vm, Array *a, int64_t start, int64_t step, int64_t count)
{
  if (count == 0) return true;
  if (step < 0) {
    start += (count - 1) * step;
    step = -step;
  }
  size_t write = (size_t)start;
  for (int64_t n = 0; n < count; n++) {
    size_t from = (size_t)(start + n * step) + 1, end = n + 1 < count ? from + (size_t)step - 1 : a->size;
    memmove(array_slot(a, write), array_slot(a, from), (end - from) * a->kind->size);
    write += end - from;
  }
  return array_resize(vm, a, write);
}

static bool array_setitem_slice(VM *vm, Value self, Value slice, Value value)
{
  Array *a = array_of(self);
  int64_t start, stop, step;
  if (value && !array_is(vm, value)) return cd_raise_type(vm, "can only assign array (not \"%T\") to array slice", value);
  if (!cd_slice_unpack(vm, slice, &start, &stop, &step)) return false;
  int64_t count = cd_slice_adjust((int64_t)a->size, &start, &stop, step);
  if (value && array_of(value)->kind != a->kind) return cd_raise_type(vm, "bad argument type for built-in operation");
  if (!value) {
    if (!array_check_exports(vm, a)) return false;
    return step == 1 ? array_splice(vm, a, (size_t)start, (size_t)count, NULL, 0) : array_delete_extended(vm, a, start, step, count);
  }
  Ref copy = NO_REF;                             // a[..] = a
  if (cd_is(value, self)) {
    if (!(copy = array_of_bytes(vm, a->kind, a->data, a->size))) return false;
    value = copy;
  }
  const Array *from = array_of(value);
  bool ok;
  if (step == 1) {
    ok = array_splice(vm, a, (size_t)start, (size_t)count, from->data, from->size);
  } else if ((ok = (int64_t)from->size == count ||
                   cd_raise_value(vm, "attempt to assign array of size %zu to extended slice of size %zd", from->size, (ptrdiff_t)count))) {
    for (int64_t i = 0; i < count; i++) memcpy(array_slot(a, (size_t)(start + i * step)), array_slot(from, (size_t)i), a->kind->size);
  }
  cd_drop(vm, copy);
  return ok;
}

static bool array_setitem(VM *vm, Value self, Value key, Value value)
{
  Array *a = array_of(self);
  int64_t i;
  char item[8];
  if (cd_is_exact(key, vm->types.slice)) return array_setitem_slice(vm, self, key, value);
  if (!cd_has_index(vm, key)) return cd_raise_type(vm, "array indices must be integers");
  if (!cd_sequence_index(vm, key, (int64_t)a->size, "array assignment index out of range", &i)) return false;
  if (!value) return array_check_exports(vm, a) && array_splice(vm, a, (size_t)i, 1, NULL, 0);
  if (!array_convert(vm, a->kind, value, item)) return false;
  if ((size_t)i >= a->size) return cd_raise_index(vm, "array assignment index out of range");       // __index__ may have shortened it
  memcpy(array_slot(a, (size_t)i), item, a->kind->size);
  return true;
}

// Position of the first equal item in [start, stop), -1: none, -2: exception.
static int64_t array_position(VM *vm, const Array *a, Value wanted, int64_t start, int64_t stop)
{
  for (int64_t i = start; i < stop && i < (int64_t)a->size; i++) {
    bool equal;
    Ref item = array_load(vm, a->kind, array_slot(a, (size_t)i));
    bool ok = item && cd_equal(vm, item, wanted, &equal);
    cd_drop(vm, item);
    if (!ok) return -2;
    if (equal) return i;
  }
  return -1;
}

static bool array_contains(VM *vm, Value self, Value item, bool *out)
{
  int64_t i = array_position(vm, array_of(self), item, 0, INT64_MAX);
  *out = i >= 0;
  return i != -2;
}

static Ref array_concat(VM *vm, Value left, Value right)
{
  if (!array_is(vm, right)) return cd_raise_type(vm, "can only append array (not \"%T\") to array", right);
  const Array *a = array_of(left), *b = array_of(right);
  if (a->kind != b->kind) return cd_raise_type(vm, "bad argument type for built-in operation");
  Array *result = array_make(vm, array_state(vm)->array, a->kind, a->size + b->size);
  if (!result) return NO_REF;
  if (a->size) memcpy(result->data, a->data, a->size * a->kind->size);
  if (b->size) memcpy(array_slot(result, a->size), b->data, b->size * a->kind->size);
  return cd_from_object(result);
}

static Ref array_inplace_concat(VM *vm, Value left, Value right)
{
  if (!array_is(vm, right)) return cd_raise_type(vm, "can only extend array with array (not \"%T\")", right);
  return array_extend_with(vm, array_of(left), right) ? cd_dup(left) : NO_REF;
}

static void array_repeat_bytes(char *data, size_t piece, size_t total)
{
  for (size_t done = piece; done < total;) {
    size_t more = done < total - done ? done : total - done;
    memcpy(data + done, data, more);
    done += more;
  }
}

static Ref array_repeat(VM *vm, Value self, int64_t count)
{
  const Array *a = array_of(self);
  size_t size;
  if (count < 0) count = 0;
  if (__builtin_mul_overflow(a->size, (size_t)count, &size)) return cd_raise_memory(vm);
  Array *result = array_make(vm, array_state(vm)->array, a->kind, size);
  if (!result) return NO_REF;
  if (size) {
    memcpy(result->data, a->data, a->size * a->kind->size);
    array_repeat_bytes(result->data, a->size * a->kind->size, size * a->kind->size);
  }
  return cd_from_object(result);
}

static Ref array_inplace_repeat(VM *vm, Value self, int64_t count)
{
  Array *a = array_of(self);
  size_t old = a->size, size;
  if (count < 0) count = 0;
  if (old == 0 || count == 1) return cd_dup(self);
  if (__builtin_mul_overflow(old, (size_t)count, &size)) return cd_raise_memory(vm);
  if (!array_resize(vm, a, size)) return NO_REF;
  if (size) array_repeat_bytes(a->data, old * a->kind->size, size * a->kind->size);
  return cd_dup(self);
}

// ---- buffer ----

static bool array_get_buffer(VM *vm, Value self, Buffer *out, int flags)
{
  Array *a = array_of(self);
  static const char nothing[1];
  memset(out, 0, sizeof *out);
  out->data = a->data ? a->data : (char *)nothing;
  out->itemsize = a->kind->size;
  out->size = (int64_t)(a->size * a->kind->size);
  out->ndim = 1;
  if (flags & BUFFER_FORMAT) out->format = a->kind->format;
  if (flags & BUFFER_ND) {
    out->small_shape[0] = (int64_t)a->size;
    out->shape = out->small_shape;
  }
  if ((flags & BUFFER_STRIDES) == BUFFER_STRIDES) {
    out->small_strides[0] = a->kind->size;
    out->strides = out->small_strides;
  }
  if (!(flags & BUFFER_FORMAT) && !(flags & BUFFER_ND)) out->itemsize = 1;
  out->owner = cd_dup(self);
  a->exports++;
  (void)vm;
  return true;
}

static void array_release_buffer(VM *vm UNUSED, Buffer *buffer) { array_of(buffer->owner)->exports--; }

// ---- methods ----

METHOD(array, append, "append(self, v, /)", "Puts v behind the last item.")
{
  return array_put(vm, array_of(self), args[0]) ? cd_none() : NO_REF;
}
METHOD(array, extend, "extend(self, bb, /)", "Puts more items behind the last one.")
{
  return array_extend_with(vm, array_of(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(array, insert, "insert(self, i, v, /)", "Puts v before the item at i.")
{
  Array *a = array_of(self);
  int64_t i;
  char item[8];
  if (!cd_to_ssize(vm, args[0], &i) || !array_convert(vm, a->kind, args[1], item)) return NO_REF;
  int64_t size = (int64_t)a->size;
  if (i < 0 && (i += size) < 0) i = 0;
  if (i > size) i = size;
  return array_splice(vm, a, (size_t)i, 0, item, 1) ? cd_none() : NO_REF;
}

METHOD(array, pop, "pop(self, i=-1, /)", "Takes the i-th item out, the last by default, and returns it.\n\ni defaults to -1.")
{
  Array *a = array_of(self);
  int64_t i = -1;
  if (args[0] && !cd_to_ssize(vm, args[0], &i)) return NO_REF;
  if (a->size == 0) return cd_raise_index(vm, "pop from empty array");
  if (i < 0) i += (int64_t)a->size;
  if (i < 0 || i >= (int64_t)a->size) return cd_raise_index(vm, "pop index out of range");
  Ref item = array_load(vm, a->kind, array_slot(a, (size_t)i));
  if (item && array_splice(vm, a, (size_t)i, 1, NULL, 0)) return item;
  cd_drop(vm, item);
  return NO_REF;
}

METHOD(array, remove, "remove(self, v, /)", "Takes out the first item that equals v.")
{
  Array *a = array_of(self);
  int64_t i = array_position(vm, a, args[0], 0, INT64_MAX);
  if (i == -1) return cd_raise_value(vm, "array.remove(x): x not in array");
  return i >= 0 && ((size_t)i >= a->size || array_splice(vm, a, (size_t)i, 1, NULL, 0)) ? cd_none() : NO_REF;
}

METHOD(array, index, "index(self, v, start=0, stop=sys.maxsize, /)",
       "Where v first occurs.\n\nValueError if it does not occur.")
{
  const Array *a = array_of(self);
  int64_t start = 0, stop = INT64_MAX, size = (int64_t)a->size;
  if (!cd_slice_bound(vm, args[1], &start) || !cd_slice_bound(vm, args[2], &stop)) return NO_REF;
  if (start < 0 && (start += size) < 0) start = 0;
  if (stop < 0 && (stop += size) < 0) stop = 0;
  int64_t i = array_position(vm, a, args[0], start, stop);
  if (i >= 0) return cd_from_small(i);
  return i == -2 ? NO_REF : cd_raise_value(vm, "array.index(x): x not in array");
}

METHOD(array, count, "count(self, v, /)", "How often v occurs.")
{
  int64_t count = 0, i = -1;
  while ((i = array_position(vm, array_of(self), args[0], i + 1, INT64_MAX)) >= 0) count++;
  return i == -2 ? NO_REF : cd_from_small(count);
}

METHOD(array, reverse, "reverse(self, /)", "Turns the order of the items round.")
{
  Array *a = array_of(self);
  char item[8];
  size_t width = a->kind->size;
  for (size_t i = 0, j = a->size; i + 1 < j; i++) {
    j--;
    memcpy(item, array_slot(a, i), width);
    memcpy(array_slot(a, i), array_slot(a, j), width);
    memcpy(array_slot(a, j), item, width);
  }
  return cd_none();
}

static void array_swap_bytes(char *data, size_t count, size_t width)
{
  for (size_t n = 0; n < count; n++, data += width)
    for (size_t i = 0; i < width / 2; i++) {
      char c = data[i];
      data[i] = data[width - 1 - i];
      data[width - 1 - i] = c;
    }
}

METHOD(array, byteswap, "byteswap(self, /)",
       "Turns round the bytes of each item.\n\nRuntimeError for items of other sizes than 1, 2, 4 and 8 bytes.")
{
  Array *a = array_of(self);
  array_swap_bytes(a->data, a->size, a->kind->size);
  return cd_none();
}

METHOD(array, buffer_info, "buffer_info(self, /)",
       "(address, length): where the items lie in memory, and how many there are.\n\nlength times itemsize is the size in bytes.")
{
  const Array *a = array_of(self);
  return cd_tuple2_steal(vm, cd_int_from_u64(vm, (uint64_t)(uintptr_t)a->data), cd_from_small((int64_t)a->size));
}

METHOD(array, tobytes, "tobytes(self, /)", "The items in machine form, as bytes.")
{
  const Array *a = array_of(self);
  return cd_bytes_new(vm, a->data ? a->data : "", a->size * a->kind->size);
}

METHOD(array, frombytes, "frombytes(self, buffer, /)",
       "Appends the items whose machine form the bytes are, as fromfile() reads them.")
{
  return array_append_buffer(vm, array_of(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(array, tolist, "tolist(self, /)", "A list of the items.")
{
  return array_to_list(vm, array_of(self));
}

METHOD(array, fromlist, "fromlist(self, list, /)", "Appends the items of a list.")
{
  Array *a = array_of(self);
  if (!cd_is_list(args[0])) return cd_raise_type(vm, "arg must be list");
  size_t old = a->size, size = cd_list_size(args[0]);
  for (size_t i = 0; i < size; i++) {
    Ref item = cd_dup(cd_list_item_borrow(args[0], i));
    bool ok = array_put(vm, a, item);
    cd_drop(vm, item);
    if (ok && cd_list_size(args[0]) != size) ok = cd_raise_runtime(vm, "list changed size during iteration");
    if (ok) continue;
    Ref raised = cd_take_raised(vm);
    if (!array_resize(vm, a, old)) cd_clear_raised(vm);
    cd_restore_raised(vm, raised);
    return NO_REF;
  }
  return cd_none();
}

METHOD(array, tounicode, "tounicode(self, /)",
       "Appends the characters of a text.\n\nThe characters as one string. Only arrays of type 'u' have it;\notherwise a ValueError is "
       "raised.")
{
  const Array *a = array_of(self);
  return a->kind->code == 'u' ? array_to_text(vm, a) : cd_raise_value(vm, "tounicode() may only be called on unicode type arrays");
}

METHOD(
  array, fromunicode, "fromunicode(self, ustr, /)",
  "Appends the characters of a text.\n\nOnly arrays of type 'u' have it; otherwise a ValueError is raised.")
{
  Array *a = array_of(self);
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "fromunicode() argument must be str, not %T", args[0]);
  if (a->kind->code != 'u') return cd_raise_value(vm, "fromunicode() may only be called on unicode type arrays");
  return array_append_text(vm, a, args[0]) ? cd_none() : NO_REF;
}

METHOD(array, tofile, "tofile(self, f, /)", "Writes all items in machine form to the file f.")
{
  const size_t block = 64 * 1024;
  Array *a = array_of(self);
  for (size_t offset = 0; offset < a->size * a->kind->size; offset += block) {
    size_t left = a->size * a->kind->size - offset;
    Ref bytes = cd_bytes_new(vm, a->data + offset, left < block ? left : block), result = NO_REF;
    if (bytes) result = cd_call_method1(vm, args[0], N(write), bytes);
    cd_drop(vm, bytes);
    if (!result) return NO_REF;
    cd_drop(vm, result);
  }
  return cd_none();
}

METHOD(array, fromfile, "fromfile(self, f, n, /)", "Reads n items in machine form from a file and appends them.")
{
  Array *a = array_of(self);
  int64_t n, bytes;
  if (!cd_to_ssize(vm, args[1], &n)) return NO_REF;
  if (n < 0) return cd_raise_value(vm, "negative count");
  if (__builtin_mul_overflow(n, (int64_t)a->kind->size, &bytes)) return cd_raise_memory(vm);
  Ref size = cd_int_from_i64(vm, bytes), data = size ? cd_call_method1(vm, args[0], N(read), size) : NO_REF;
  cd_drop(vm, size);
  if (!data) return NO_REF;
  bool ok = cd_is_bytes(data) || cd_raise_type(vm, "read() didn't return bytes");
  if (ok) {
    bool enough = (int64_t)cd_bytes_size(data) == bytes;
    ok = array_append_bytes(vm, a, cd_bytes_data(data), cd_bytes_size(data)) &&
         (enough || cd_raise(vm, vm->exc.EOFError, "read() didn't return enough bytes"));
  }
  cd_drop(vm, data);
  return ok ? cd_none() : NO_REF;
}

METHOD(array, __copy__, "__copy__(self, /)", "A new array with the same items.")
{
  return array_of_bytes(vm, array_of(self)->kind, array_of(self)->data, array_of(self)->size);
}
METHOD(array, __deepcopy__, "__deepcopy__(self, unused, /)", "A new array with the same items.")
{
  return array_of_bytes(vm, array_of(self)->kind, array_of(self)->data, array_of(self)->size);
}

static Ref array_instance_dict(VM *vm, Value self)
{
  Ref dict;
  Find found = cd_getattr_find(vm, self, N(__dict__), &dict);
  return found == FIND_HIT ? dict : found == FIND_MISSING ? cd_none() : NO_REF;
}

METHOD(array, __reduce_ex__, "__reduce_ex__(self, value, /)", "Return state information for pickling.")
{
  const Array *a = array_of(self);
  int64_t protocol;
  if (!cd_is_int(args[0])) return cd_raise_type(vm, "__reduce_ex__ argument should be an integer");
  if (!cd_to_i64(vm, args[0], &protocol, NULL)) return NO_REF;
  Value type = cd_type_value(cd_type_of(vm, self));
  Ref dict = array_instance_dict(vm, self), code = dict ? cd_str_from_char(vm, (uint32_t)a->kind->code) : NO_REF, items = NO_REF,
      arguments = NO_REF;
  if (code) items = protocol < 3 ? array_to_list(vm, a) : cd_bytes_new(vm, a->data ? a->data : "", a->size * a->kind->size);
  if (items && protocol < 3) {
    arguments = cd_tuple2(vm, code, items);
  } else if (items) {
    Value parts[] = {type, code, cd_from_small(a->kind->machine), items};
    arguments = cd_tuple_of(vm, 4, parts);
  }
  cd_drop(vm, code);
  cd_drop(vm, items);
  if (!arguments) {
    cd_drop(vm, dict);
    return NO_REF;
  }
  return cd_tuple3_steal(vm, cd_dup(protocol < 3 ? type : array_state(vm)->reconstructor), arguments, dict);
}

METHOD(array, __sizeof__, "__sizeof__(self, /)", "Bytes that the array takes.")
{
  const Array *a = array_of(self);
  return cd_from_small((int64_t)(cd_type_of(vm, self)->basicsize + a->capacity * a->kind->size));
}

static Ref array_get_typecode(VM *vm, Value self) { return cd_str_from_char(vm, (uint32_t)array_of(self)->kind->code); }
static Ref array_get_itemsize(VM *vm UNUSED, Value self) { return cd_from_small(array_of(self)->kind->size); }

// ---- iterator ----

typedef struct ArrayIterator { Object head; Value array; size_t index; } ArrayIterator;      // array owned; NO_VALUE: exhausted

static Ref array_iter(VM *vm, Value self)
{
  ArrayIterator *it = cd_object_new(vm, array_state(vm)->iterator, sizeof *it);
  if (!it) return NO_REF;
  it->array = cd_dup(self);
  return cd_from_object(it);
}

static void array_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((ArrayIterator *)self)->array); }
static void array_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((ArrayIterator *)self)->array); }

static Next array_iterator_next(VM *vm, Value self, Ref *out)
{
  ArrayIterator *it = (ArrayIterator *)cd_object(self);
  if (!it->array) return NEXT_DONE;
  const Array *a = array_of(it->array);
  if (it->index < a->size) return (*out = array_load(vm, a->kind, array_slot(a, it->index++))) ? NEXT_ITEM : NEXT_ERROR;
  cd_clear(vm, &it->array);
  return NEXT_DONE;
}

METHOD(array_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  const ArrayIterator *it = (ArrayIterator *)cd_object(self);
  return cd_iterator_reduce(vm, it->array, vm->empty_tuple, (int64_t)it->index);
}

METHOD(array_iterator, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  ArrayIterator *it = (ArrayIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_ssize(vm, args[0], &index)) return NO_REF;
  if (it->array) {
    int64_t size = (int64_t)array_of(it->array)->size;
    it->index = (size_t)(index < 0 ? 0 : index > size ? size : index);
  }
  return cd_none();
}

static const MethodDef *const array_iterator_methods[] = {&array_iterator___reduce___def, &array_iterator___setstate___def, NULL};

static const TypeSpec array_iterator_spec = {
  .name = "array.arrayiterator",
  .basicsize = sizeof(ArrayIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = array_iterator_methods,
  .slots = {.release = array_iterator_release, .traverse = array_iterator_traverse, .iter = cd_self_iter, .next = array_iterator_next},
};

// ---- pickles from machines with other formats ----

typedef struct MachineFormat { uint8_t size; bool is_signed, big; char family; } MachineFormat;     // family: i, f, or t (UTF)

static const MachineFormat array_machine_formats[] = {
  {1, false, false, 'i'}, {1, true, false, 'i'}, {2, false, false, 'i'}, {2, false, true, 'i'}, {2, true, false, 'i'}, {2, true, true, 'i'},
  {4, false, false, 'i'}, {4, false, true, 'i'}, {4, true, false, 'i'}, {4, true, true, 'i'}, {8, false, false, 'i'}, {8, false, true, 'i'},
  {8, true, false, 'i'}, {8, true, true, 'i'}, {4, true, false, 'f'}, {4, true, true, 'f'}, {8, true, false, 'f'}, {8, true, true, 'f'},
  {2, false, false, 't'}, {2, false, true, 't'}, {4, false, false, 't'}, {4, false, true, 't'},
};

// type(code, items)
static Ref array_construct(VM *vm, Value type, const ArrayKind *kind, Ref items)      // steals items
{
  Ref code = items ? cd_str_from_char(vm, (uint32_t)kind->code) : NO_REF, result = code ? cd_call2(vm, type, code, items) : NO_REF;
  cd_drop(vm, code);
  cd_drop(vm, items);
  return result;
}

// The kind on this machine that holds items of a format; for ints the last that fits, for floats by size.
static const ArrayKind *array_kind_for(const MachineFormat *format, const ArrayKind *wanted)
{
  const ArrayKind *best = wanted;
  for (size_t i = 0; i < ARRAY_LEN(array_kinds); i++) {
    const ArrayKind *k = &array_kinds[i];
    if (format->family == 'i' && k->what == KIND_INT && k->size == format->size && k->is_signed == format->is_signed) best = k;
  }
  return best;
}

static Ref array_reconstruct(VM *vm, Value type, const ArrayKind *kind, const MachineFormat *format, Value bytes)
{
  size_t size = cd_bytes_size(bytes);
  if (format->family == 't') {
    const char *codec = format->size == 2 ? (format->big ? "utf-16-be" : "utf-16-le") : format->big ? "utf-32-be" : "utf-32-le";
    return array_construct(vm, type, kind, cd_decode(vm, cd_bytes_data(bytes), size, codec, NULL));
  }
  if (size % format->size)
    return format->family == 'i' ? cd_raise_value(vm, "bytes length not a multiple of item size")
                                 : cd_raise_value(vm, "string length not a multiple of item size");
  const ArrayKind *source = format->family == 'f' ? array_kind_find(format->size == 4 ? 'f' : 'd') : array_kind_for(format, kind);
  Ref raw = array_of_bytes(vm, source, cd_bytes_data(bytes), size / format->size);
  if (!raw) return NO_REF;
  if (format->big) array_swap_bytes(array_of(raw)->data, array_of(raw)->size, format->size);
  Ref items = array_to_list(vm, array_of(raw));
  cd_drop(vm, raw);
  return array_construct(vm, type, format->family == 'i' ? source : kind, items);
}

METHOD_DEF_(array_module_reconstructor, "_array_reconstructor", "_array_reconstructor(arraytype, typecode, mformat_code, items, /)",
            "Internal. Used for pickling support.", 0)
{
  int code;
  if (!cd_is_type(args[0])) return cd_raise_type(vm, "first argument must be a type object, not %.200T", args[0]);
  if (!cd_is_str(args[1]) || cd_str_length(args[1]) != 1)
    return cd_raise_type(vm, "_array_reconstructor() argument 2 must be a unicode character, not %T", args[1]);
  if (!cd_to_c_int(vm, args[2], &code)) return NO_REF;
  if (!cd_type_is_subtype(cd_as_type(args[0]), array_state(vm)->array))
    return cd_raise_type(vm, "%.200N is not a subtype of %.200N", cd_as_type(args[0]), array_state(vm)->array);
  const ArrayKind *kind = array_kind_find(cd_str_at(vm, args[1], 0));
  if (!kind) return cd_raise_value(vm, "second argument must be a valid type code");
  if (code < 0 || (size_t)code >= ARRAY_LEN(array_machine_formats))
    return cd_raise_value(vm, "third argument must be a valid machine format code.");
  if (!cd_is_bytes(args[3])) return cd_raise_type(vm, "fourth argument should be bytes, not %.200T", args[3]);
  if (code != kind->machine) return array_reconstruct(vm, args[0], kind, &array_machine_formats[code], args[3]);
  Ref empty = cd_tuple_new(vm, 0), result = empty ? array_construct(vm, args[0], kind, empty) : NO_REF;
  if (result && !(array_append_bytes(vm, array_of(result), cd_bytes_data(args[3]), cd_bytes_size(args[3])) &&
                  array_check_characters(vm, array_of(result)))) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

// ---- the type and the module ----

static const GetSetDef array_getset[] = {
  {"typecode", "the letter of its type", array_get_typecode, NULL},
  {"itemsize", "bytes that one item takes", array_get_itemsize, NULL},
  {0},
};

static const MethodDef *const array_methods[] = {&array_append_def,
                                                 &array_buffer_info_def,
                                                 &array_byteswap_def,
                                                 &array___copy___def,
                                                 &array_count_def,
                                                 &array___deepcopy___def,
                                                 &array_extend_def,
                                                 &array_fromfile_def,
                                                 &array_fromlist_def,
                                                 &array_frombytes_def,
                                                 &array_fromunicode_def,
                                                 &array_index_def,
                                                 &array_insert_def,
                                                 &array_pop_def,
                                                 &array___reduce_ex___def,
                                                 &array_remove_def,
                                                 &array_reverse_def,
                                                 &array_tofile_def,
                                                 &array_tolist_def,
                                                 &array_tobytes_def,
                                                 &array_tounicode_def,
                                                 &array___sizeof___def,
                                                 NULL};

static const TypeSpec array_spec = {
  .name = "array.array",
  .doc = "array(typecode [, initializer]) -> array\n\nA new array of the type that typecode names, filled from a list, a string,\nbytes "
         "or any iterable.\n\nAn array is used as a list is; what it takes is what its type can hold. The\ntype is specified at object "
         "creation time by using a type code, which is a\nsingle character: b, B (1 byte), h, H (2), i, I (4), l, L, q, Q (8) for\n"
         "integers (upper case: unsigned), u for characters, f and d for floats.\n\nAttributes:\n\ntypecode -- the letter of its type\n"
         "itemsize -- bytes of one item\n",
  .basicsize = sizeof(Array),
  .flags = TYPE_BASE | TYPE_SEQUENCE | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .weaklist_offset = offsetof(Array, weaklist),
  .methods = array_methods,
  .getset = array_getset,
  .slots =
    {
      .release = array_release,
      .new_ = array_new,
      .repr = array_repr,
      .hash = cd_hash_unhashable,
      .compare = array_compare,
      .iter = array_iter,
      .len = array_len,
      .getitem = array_getitem,
      .setitem = array_setitem,
      .contains = array_contains,
      .concat = array_concat,
      .iconcat = array_inplace_concat,
      .repeat = array_repeat,
      .irepeat = array_inplace_repeat,
      .get_buffer = array_get_buffer,
      .release_buffer = array_release_buffer,
    },
};

// Arrays are mutable sequences. Without a library there is no abstract class to tell it.
static bool array_register(VM *vm, Type *type)
{
  Ref abstract = cd_import_attr(vm, "collections.abc", "MutableSequence"), name = NO_REF, result = NO_REF;
  if (!abstract) return cd_swallow(vm, vm->exc.ImportError);
  if ((name = cd_intern(vm, "register"))) result = cd_call_method1(vm, abstract, name, cd_type_value(type));
  cd_drop(vm, abstract);
  cd_drop(vm, name);
  cd_drop(vm, result);
  return result != NO_REF;
}

static bool array_exec(VM *vm, Value module)
{
  ArrayState *s = array_state(vm);
  if (!(s->array = cd_module_add_type(vm, module, &array_spec, NO_VALUE))) return false;
  (void)cd_dup_object(s->array);
  if (!(s->iterator = cd_type_from_spec(vm, &array_iterator_spec, NO_VALUE))) return false;
  if (!(s->reconstructor = cd_native_new(vm, &array_module_reconstructor_def, module, ((Module *)cd_object(module))->name))) return false;
  if (!array_register(vm, s->array)) return false;
  char codes[ARRAY_LEN(array_kinds) + 1] = {0};
  for (size_t i = 0; i < ARRAY_LEN(array_kinds); i++) codes[i] = array_kinds[i].code;
  return cd_module_add(vm, module, "ArrayType", cd_dup_object(s->array)) && cd_module_add_text(vm, module, "typecodes", codes) &&
         cd_module_add(vm, module, "_array_reconstructor", cd_dup(s->reconstructor));
}

static void array_module_traverse(void *p, VisitFn visit, void *context)
{
  ArrayState *s = p;
  visit(context, cd_type_value(s->array));
  visit(context, cd_type_value(s->iterator));
  visit(context, s->reconstructor);
}

static void array_module_clear(VM *vm, void *p)
{
  ArrayState old = *(ArrayState *)p;
  memset(p, 0, sizeof old);
  cd_drop_object(vm, old.array);
  cd_drop_object(vm, old.iterator);
  cd_drop(vm, cd_from_bits(cd_bits(old.reconstructor)));
}

const ModuleDef cd_module_array = {
  .name = "array",
  .doc = "Sequences of numbers or characters of one machine type, packed in memory:\ncharacters, integers, floating-point numbers.  They "
         "have the methods of lists,\nand hold items of their type only.",
  .state_size = sizeof(ArrayState),
  .exec = array_exec,
  .traverse = array_module_traverse,
  .clear = array_module_clear,
};
