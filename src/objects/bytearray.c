// SPDX-License-Identifier: MIT
// bytearray.c: mutable bytes and their iterator
#include "objects/bytes.h"

#include "base/search.h"
#include "objects/bytes_private.h"
#include "objects/codec.h"
#include "objects/instance.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/str.h"
#include "objects/tuple.h"

static const char bytearray_nothing[1] = "";     // where `data` of an array without a block points; never written

// ---- storage ----

static ByteArray *bytearray_alloc(VM *vm, Type *type)
{
  ByteArray *array = cd_instance_new(vm, type);
  if (array) array->data = (char *)bytearray_nothing;
  return array;
}

static void bytearray_free_block(VM *vm, ByteArray *array)
{
  cd_free(vm, array->block, array->capacity);
  array->block = NULL;
  array->data = (char *)bytearray_nothing;
  array->size = array->capacity = 0;
}

static void bytearray_release(VM *vm, Object *self) { bytearray_free_block(vm, (ByteArray *)self); }

static bool bytearray_may_resize(VM *vm, const ByteArray *array)
{
  return array->exports == 0 || cd_raise(vm, vm->exc.BufferError, "Existing exports of data: object cannot be re-sized");
}

bool cd_bytearray_resize(VM *vm, ByteArray *array, size_t size)
{
  if (size == array->size) return true;
  if (!bytearray_may_resize(vm, array)) return false;
  size_t front = (size_t)(array->block ? array->data - array->block : 0);
  if (array->block && front + size + 1 <= array->capacity && size + 1 >= array->capacity / 2) {
    array->size = size;                          // fits where it lies, and does not waste too much
    array->data[size] = 0;
    return true;
  }
  if (size == 0) { bytearray_free_block(vm, array); return true; }
  if (size > (size_t)INT64_MAX / 2) return cd_raise_memory(vm);
  bool grow = size > array->size;
  size_t capacity = size + 1 + (grow && array->block ? (size >> 3) + (size < 9 ? 3 : 6) : 0), keep = grow ? array->size : size;
  if (front) {                                   // the room in front is not worth carrying along
    memmove(array->block, array->data, keep);
    array->data = array->block;
  }
  char *block = cd_realloc(vm, array->block, array->capacity, capacity);
  if (!block) {
    if (array->block) array->data[array->size < keep ? array->size : keep] = 0;
    return false;
  }
  array->block = array->data = block;
  array->capacity = capacity;
  array->size = size;
  array->data[size] = 0;
  return true;
}

Ref cd_bytearray_new(VM *vm, const char *data, size_t size)
{
  ByteArray *array = bytearray_alloc(vm, vm->types.bytearray);
  if (!array) return NO_REF;
  if (!cd_bytearray_resize(vm, array, size)) { cd_drop_object(vm, array); return NO_REF; }
  if (data && size) memcpy(array->data, data, size);
  return cd_from_object(array);
}

// Replaces [from, to) by `size` bytes, which don't lie in the array. Deleting at the front just moves `data` up.
static bool bytearray_splice(VM *vm, ByteArray *array, size_t from, size_t to, const char *bytes, size_t size)
{
  size_t gone = to - from, tail = array->size - to;
  if (size != gone && !bytearray_may_resize(vm, array)) return false;
  if (size < gone && from == 0 && tail > 0) {
    array->data += gone - size;
    array->size -= gone - size;
  } else if (size < gone) {
    memmove(array->data + from + size, array->data + to, tail);
    if (!cd_bytearray_resize(vm, array, array->size - (gone - size))) return false;
  } else if (size > gone) {
    if (!cd_bytearray_resize(vm, array, array->size + (size - gone))) return false;
    memmove(array->data + from + size, array->data + to, tail);
  }
  if (size) memcpy(array->data + from, bytes, size);
  return true;
}

static bool bytearray_append_bytes(VM *vm, ByteArray *array, const char *bytes, size_t size)
{
  return bytearray_splice(vm, array, array->size, array->size, bytes, size);
}

// ---- bytearray() ----

static Ref bytearray_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  ByteArray *array = bytearray_alloc(vm, type);
  return array ? cd_from_object(array) : NO_REF;
}

static bool bytearray_text_argument(VM *vm, Value v, const char *parameter, const char **out)
{
  *out = NULL;
  if (!v) return true;
  if (!cd_is_str(v)) return cd_raise_arg_type(vm, "bytearray", parameter, "str", v);
  return (*out = cd_str_utf8(vm, v, NULL)) != NULL;
}

// Appends the integers of an iterable one by one: whoever makes them may look at the array meanwhile.
static bool bytearray_take_items(VM *vm, Value self, Value source, const char *refusal)
{
  Type *type = cd_type_of(vm, source);
  if (type == vm->types.list || type == vm->types.tuple) {
    size_t count, before = cd_as_bytearray(self)->size;
    cd_sequence_items(source, &count);
    if (!cd_bytearray_resize(vm, cd_as_bytearray(self), before + count)) return false;
    if (cd_bytes_from_smalls(source, cd_as_bytearray(self)->data + before)) return true;
    if (!cd_bytearray_resize(vm, cd_as_bytearray(self), before)) return false;
  }
  bool iterable = type->slots.iter || type->slots.getitem;
  Ref iterator = iterable ? cd_iter(vm, source) : NO_REF, item;
  if (!iterator) {
    if (!iterable || cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, refusal, source);
    return false;
  }
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    unsigned char byte;
    bool ok = cd_byte_from_value(vm, item, "byte must be in range(0, 256)", &byte);
    cd_drop(vm, item);
    if (ok && bytearray_append_bytes(vm, cd_as_bytearray(self), (char *)&byte, 1)) continue;
    next = NEXT_ERROR;
    break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

static bool bytearray_fill_from(VM *vm, Value self, Value source, Value encoding, Value errors)
{
  ByteArray *array = cd_as_bytearray(self);
  const char *encoding_text, *errors_text;
  if (!bytearray_text_argument(vm, encoding, "encoding", &encoding_text) || !bytearray_text_argument(vm, errors, "errors", &errors_text))
    return false;
  if (array->size && !cd_bytearray_resize(vm, array, 0)) return false;
  if (!source || (!cd_is_str(source) && (encoding || errors)))
    return !(encoding || errors) || cd_raise_type(vm, encoding ? "encoding without a string argument" : "errors without a string argument");
  Ref bytes;
  if (cd_is_str(source)) {
    if (!encoding) return cd_raise_type(vm, "string argument without an encoding");
    bytes = cd_encode(vm, source, encoding_text, errors_text);
  } else if (cd_is_int(source) || cd_type_of(vm, source)->slots.index) {
    int64_t count;
    if (cd_to_i64(vm, source, &count, vm->exc.OverflowError)) {
      if (count < 0) return cd_raise_value(vm, "negative count");
      if (!cd_bytearray_resize(vm, array, (size_t)count)) return false;
      if (count) memset(array->data, 0, (size_t)count);
      return true;
    }
    if (!cd_swallow(vm, vm->exc.TypeError)) return false;
    bytes = cd_bytes_from_iterable(vm, source, "bytearray", "byte must be in range(0, 256)");
  } else if (!cd_has_buffer(vm, source)) {
    return bytearray_take_items(vm, self, source, "cannot convert '%.200T' object to bytearray");
  } else {
    bytes = cd_bytes_from_iterable(vm, source, "bytearray", "byte must be in range(0, 256)");
  }
  if (!bytes) return false;
  bool ok = cd_bytearray_resize(vm, array, cd_bytes_size(bytes));
  if (ok && array->size) memcpy(array->data, cd_bytes_data(bytes), array->size);
  cd_drop(vm, bytes);
  return ok;
}

static bool bytearray_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[3];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "bytearray(source=b'', encoding='utf-8', errors='strict')", args, nargs, kwnames, bound, owned)) return false;
  bool ok = bytearray_fill_from(vm, self, bound[0], bound[1], bound[2]);
  cd_drop(vm, owned[0]);
  cd_drop(vm, owned[1]);
  return ok;
}

// ---- slots ----

static Ref bytearray_repr(VM *vm, Value self)
{
  const ByteArray *array = cd_as_bytearray(self);
  Ref prefix = cd_str_format(vm, "%T(b", self);
  if (!prefix) return NO_REF;
  Ref text = cd_byte_repr(vm, array->data, array->size, cd_str_data(prefix), ")", true);
  cd_drop(vm, prefix);
  return text;
}

static Ref bytearray_str(VM *vm, Value self)
{
  if (vm->config.bytes_warning && !cd_warn(vm, vm->exc.BytesWarning, 1, "str() on a bytearray instance")) return NO_REF;
  return bytearray_repr(vm, self);
}

static bool bytearray_len(VM *vm, Value self, int64_t *out) { *out = (int64_t)cd_as_bytearray(self)->size; return true; }

static Ref bytearray_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_has_buffer(vm, other)) {
    bool warn = vm->config.bytes_warning && cd_is_str(other) && (op == COMPARE_EQ || op == COMPARE_NE);
    if (warn && !cd_warn(vm, vm->exc.BytesWarning, 1, "Comparison between bytearray and string")) return NO_REF;
    return cd_not_implemented();
  }
  Buffer buffer;
  if (!cd_get_buffer(vm, other, &buffer, BUFFER_SIMPLE)) {
    cd_clear_raised(vm);
    return cd_not_implemented();
  }
  const ByteArray *array = cd_as_bytearray(self);
  size_t size = (size_t)buffer.size, common = array->size < size ? array->size : size;
  int order = memcmp(array->data, buffer.data, common);
  if (order == 0) order = (array->size > size) - (array->size < size);
  cd_release_buffer(vm, &buffer);
  return cd_compare_ints(order, op);
}

static bool bytearray_key_index(VM *vm, Value self, Value key, int64_t *out)
{
  if (!cd_is_int(key) && !cd_type_of(vm, key)->slots.index)
    return cd_raise_type(vm, "bytearray indices must be integers or slices, not %.200T", key);
  if (!cd_to_i64(vm, key, out, vm->exc.IndexError)) return false;
  int64_t size = (int64_t)cd_as_bytearray(self)->size;
  if (*out < 0) *out += size;
  return (*out >= 0 && *out < size) || cd_raise_index(vm, "bytearray index out of range");
}

static Ref bytearray_getitem(VM *vm, Value self, Value key)
{
  int64_t start, stop, step, count;
  if (!cd_is_exact(key, vm->types.slice)) {
    if (!bytearray_key_index(vm, self, key, &start)) return NO_REF;
    return cd_from_small((unsigned char)cd_as_bytearray(self)->data[start]);
  }
  ByteArray *array = cd_as_bytearray(self);
  if (!cd_slice_indices(vm, key, (int64_t)array->size, &start, &stop, &step, &count)) return NO_REF;
  if (count <= 0) return cd_bytearray_new(vm, NULL, 0);
  if (step == 1) return cd_bytearray_new(vm, array->data + start, (size_t)count);
  Ref result = cd_bytearray_new(vm, NULL, (size_t)count);
  if (!result) return NO_REF;
  for (int64_t i = 0; i < count; i++) cd_as_bytearray(result)->data[i] = array->data[start + i * step];
  return result;
}

// Deletes `count` bytes, every step-th from start on.
static bool bytearray_delete_stepped(VM *vm, ByteArray *array, int64_t start, int64_t step, int64_t count)
{
  if (count == 0) return true;
  if (!bytearray_may_resize(vm, array)) return false;
  if (step < 0) {
    start += (count - 1) * step;
    step = -step;
  }
  char *out = array->data + start;
  for (int64_t i = 0; i < count; i++) {
    int64_t from = start + i * step + 1, to = i + 1 < count ? from + step - 1 : (int64_t)array->size;
    memmove(out, array->data + from, (size_t)(to - from));
    out += to - from;
  }
  return cd_bytearray_resize(vm, array, array->size - (size_t)count);
}

static bool bytearray_assign_slice(VM *vm, Value self, Value key, const char *bytes, size_t size)
{
  ByteArray *array = cd_as_bytearray(self);
  int64_t start, stop, step, count;
  if (!cd_slice_indices(vm, key, (int64_t)array->size, &start, &stop, &step, &count)) return false;
  if (step == 1) {
    if (stop < start) stop = start;
    return bytearray_splice(vm, array, (size_t)start, (size_t)stop, bytes, size);
  }
  if (size == 0) return bytearray_delete_stepped(vm, array, start, step, count);
  if ((int64_t)size != count)
    return cd_raise_value(vm, "attempt to assign bytes of size %zd to extended slice of size %zd", (ptrdiff_t)size, (ptrdiff_t)count);
  for (int64_t i = 0; i < count; i++) array->data[start + i * step] = bytes[i];
  return true;
}

static bool bytearray_set_slice(VM *vm, Value self, Value key, Value value)
{
  if (!value) return bytearray_assign_slice(vm, self, key, NULL, 0);
  if (cd_is_str(value) || cd_is_int(value))
    return cd_raise_type(vm, "can assign only bytes, buffers, or iterables of ints in range(0, 256)");
  Ref bytes;                                     // a copy, since assigning an array to its own slice must work
  if (cd_is_bytes(value)) {
    bytes = cd_dup(value);
  } else {
    Type *type = cd_type_of(vm, value);
    if (!cd_has_buffer(vm, value) && !type->slots.iter && !type->slots.getitem)
      return cd_raise_type(vm, "can assign only bytes, buffers, or iterables of ints in range(0, 256)");
    bytes = cd_bytes_from_iterable(vm, value, "bytearray", "byte must be in range(0, 256)");
  }
  if (!bytes) return false;
  bool ok = bytearray_assign_slice(vm, self, key, cd_bytes_data(bytes), cd_bytes_size(bytes));
  cd_drop(vm, bytes);
  return ok;
}

static bool bytearray_setitem(VM *vm, Value self, Value key, Value value)
{
  if (cd_is_exact(key, vm->types.slice)) return bytearray_set_slice(vm, self, key, value);
  int64_t i;
  unsigned char byte = 0;
  if (!bytearray_key_index(vm, self, key, &i)) return false;
  if (!value) return bytearray_splice(vm, cd_as_bytearray(self), (size_t)i, (size_t)i + 1, NULL, 0);
  if (!cd_byte_from_value(vm, value, "byte must be in range(0, 256)", &byte)) return false;
  if (i >= (int64_t)cd_as_bytearray(self)->size) return cd_raise_index(vm, "bytearray index out of range");   // __index__ shrank it
  cd_as_bytearray(self)->data[i] = (char)byte;
  return true;
}

static bool bytearray_contains(VM *vm, Value self, Value item, bool *out)
{
  ByteNeedle needle;
  if (!cd_byte_needle(vm, item, true, &needle)) return false;
  const ByteArray *array = cd_as_bytearray(self);
  *out = cd_search_first(array->data, array->size, needle.data, needle.size) >= 0;
  cd_byte_needle_release(vm, &needle);
  return true;
}

static Ref bytearray_concat(VM *vm, Value self, Value other)
{
  Buffer buffer;
  if (!cd_has_buffer(vm, other)) return cd_raise_type(vm, "can't concat %.100T to %.100T", other, self);
  if (!cd_get_buffer(vm, other, &buffer, BUFFER_SIMPLE)) return NO_REF;
  const ByteArray *array = cd_as_bytearray(self);
  Ref result = cd_bytearray_new(vm, NULL, array->size + (size_t)buffer.size);
  if (result) {
    char *out = cd_as_bytearray(result)->data;
    if (array->size) memcpy(out, array->data, array->size);
    if (buffer.size) memcpy(out + array->size, buffer.data, (size_t)buffer.size);
  }
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref bytearray_iconcat(VM *vm, Value self, Value other)
{
  Buffer buffer;
  if (!cd_has_buffer(vm, other)) return cd_raise_type(vm, "can't concat %.100T to %.100T", other, self);
  bool ok;
  if (cd_is(self, other)) {                      // its own export would forbid growing
    ByteArray *array = cd_as_bytearray(self);
    size_t size = array->size;
    ok = cd_bytearray_resize(vm, array, size * 2);
    if (ok && size) memcpy(array->data + size, array->data, size);
  } else {
    if (!cd_get_buffer(vm, other, &buffer, BUFFER_SIMPLE)) return NO_REF;
    ok = bytearray_append_bytes(vm, cd_as_bytearray(self), buffer.data, (size_t)buffer.size);
    cd_release_buffer(vm, &buffer);
  }
  return ok ? cd_dup(self) : NO_REF;
}

// Fills data[piece, size) with repetitions of data[0, piece).
static void bytearray_repeat_into(char *data, size_t piece, size_t size)
{
  for (size_t done = piece; piece && done < size;) {
    size_t n = done < size - done ? done : size - done;
    memcpy(data + done, data, n);
    done += n;
  }
}

static Ref bytearray_repeat(VM *vm, Value self, int64_t count)
{
  const ByteArray *array = cd_as_bytearray(self);
  size_t size;
  if (count < 0) count = 0;
  if (__builtin_mul_overflow(array->size, (size_t)count, &size) || size > INT64_MAX) return cd_raise_memory(vm);
  Ref result = cd_bytearray_new(vm, NULL, size);
  if (!result || size == 0) return result;
  char *out = cd_as_bytearray(result)->data;
  memcpy(out, array->data, array->size);
  bytearray_repeat_into(out, array->size, size);
  return result;
}

static Ref bytearray_irepeat(VM *vm, Value self, int64_t count)
{
  ByteArray *array = cd_as_bytearray(self);
  size_t size, piece = array->size;
  if (count < 0) count = 0;
  if (__builtin_mul_overflow(piece, (size_t)count, &size) || size > INT64_MAX) return cd_raise_memory(vm);
  if (!cd_bytearray_resize(vm, array, size)) return NO_REF;
  bytearray_repeat_into(array->data, piece, size);
  return cd_dup(self);
}

static Ref bytearray_remainder(VM *vm, Value left, Value right)
{
  return cd_is_bytearray(left) ? cd_bytes_percent(vm, left, right) : cd_not_implemented();
}

static bool bytearray_get_buffer(VM *vm, Value self, Buffer *out, int flags)
{
  ByteArray *array = cd_as_bytearray(self);
  if (!cd_fill_buffer(vm, out, self, array->data, (int64_t)array->size, false, flags)) return false;
  array->exports++;
  return true;
}

static void bytearray_release_buffer(VM *vm, Buffer *buffer) { cd_as_bytearray(buffer->owner)->exports--; }

// ---- methods ----

METHOD(bytearray, append, "append(self, item, /)", "Append a byte to the end.\n\n  item\n    An integer in range(256).")
{
  unsigned char byte;
  if (!cd_byte_from_value(vm, args[0], "byte must be in range(0, 256)", &byte)) return NO_REF;
  ByteArray *array = cd_as_bytearray(self);
  return bytearray_append_bytes(vm, array, (char *)&byte, 1) ? cd_none() : NO_REF;
}

METHOD(bytearray, clear, "clear(self, /)", "Remove all bytes.")
{
  return cd_bytearray_resize(vm, cd_as_bytearray(self), 0) ? cd_none() : NO_REF;
}

METHOD(bytearray, copy, "copy(self, /)", "Return a copy.")
{
  return cd_bytearray_new(vm, cd_as_bytearray(self)->data, cd_as_bytearray(self)->size);
}

METHOD(bytearray, extend, "extend(self, iterable_of_ints, /)", "Append the bytes of an iterable or buffer to the end.")
{
  if (cd_has_buffer(vm, args[0])) {
    Ref same = bytearray_iconcat(vm, self, args[0]);
    cd_drop(vm, same);
    return same ? cd_none() : NO_REF;
  }
  Type *type = cd_type_of(vm, args[0]);
  if (!type->slots.iter && !type->slots.getitem) return cd_raise_type(vm, "can't extend bytearray with %.100T", args[0]);
  if (cd_is_str(args[0]) && cd_str_size(args[0])) return cd_raise_type(vm, "'str' object cannot be interpreted as an integer");
  Ref bytes = cd_is_str(args[0]) ? cd_bytes_new(vm, NULL, 0)
                                 : cd_bytes_from_iterable(vm, args[0], "bytearray", "byte must be in range(0, 256)");
  if (!bytes) return NO_REF;
  bool ok = bytearray_append_bytes(vm, cd_as_bytearray(self), cd_bytes_data(bytes), cd_bytes_size(bytes));
  cd_drop(vm, bytes);
  return ok ? cd_none() : NO_REF;
}

METHOD(bytearray, insert, "insert(self, index, item, /)", "Insert a byte before the index.")
{
  int64_t i;
  unsigned char byte;
  if (!cd_to_i64(vm, args[0], &i, vm->exc.OverflowError) || !cd_byte_from_value(vm, args[1], "byte must be in range(0, 256)", &byte))
    return NO_REF;
  ByteArray *array = cd_as_bytearray(self);
  int64_t size = (int64_t)array->size;
  if (i < 0) i = i < -size ? 0 : i + size;
  if (i > size) i = size;
  return bytearray_splice(vm, array, (size_t)i, (size_t)i, (char *)&byte, 1) ? cd_none() : NO_REF;
}

METHOD(bytearray, pop, "pop(self, index=-1, /)", "Remove the byte at the index and return it.")
{
  int64_t i = -1;
  if (args[0] && !cd_to_i64(vm, args[0], &i, vm->exc.IndexError)) return NO_REF;
  ByteArray *array = cd_as_bytearray(self);
  int64_t size = (int64_t)array->size;
  if (size == 0) return cd_raise_index(vm, "pop from empty bytearray");
  if (i < 0) i += size;
  if (i < 0 || i >= size) return cd_raise_index(vm, "pop index out of range");
  unsigned char byte = (unsigned char)array->data[i];
  return bytearray_splice(vm, array, (size_t)i, (size_t)i + 1, NULL, 0) ? cd_from_small(byte) : NO_REF;
}

METHOD(bytearray, remove, "remove(self, value, /)", "Remove the first occurrence of a byte.")
{
  unsigned char byte;
  if (!cd_byte_from_value(vm, args[0], "byte must be in range(0, 256)", &byte)) return NO_REF;
  ByteArray *array = cd_as_bytearray(self);
  const char *hit = memchr(array->data, byte, array->size);
  if (!hit) return cd_raise_value(vm, "value not found in bytearray");
  size_t i = (size_t)(hit - array->data);
  return bytearray_splice(vm, array, i, i + 1, NULL, 0) ? cd_none() : NO_REF;
}

METHOD(bytearray, reverse, "reverse(self, /)", "Reverse the order of the bytes in place.")
{
  ByteArray *array = cd_as_bytearray(self);
  for (size_t i = 0, j = array->size; i + 1 < j; i++) {
    char c = array->data[--j];
    array->data[j] = array->data[i];
    array->data[i] = c;
  }
  return cd_none();
}

METHOD_DEF_(bytearray___alloc__, "__alloc__", "__alloc__(self, /)", "B.__alloc__() -> int\n\nReturn how many bytes are allocated.",
            METHOD_NO_SIGNATURE)
{
  return cd_from_small((int64_t)cd_as_bytearray(self)->capacity);
}

METHOD(bytearray, __sizeof__, "__sizeof__(self, /)", "Return the size in memory, in bytes.")
{
  return cd_from_small((int64_t)(cd_object_size(cd_object(self)) + cd_as_bytearray(self)->capacity));
}

// (type, (text, 'latin-1'), attributes), or from protocol 3 on (type, (bytes,), attributes).
static Ref bytearray_reduce(VM *vm, Value self, int64_t protocol)
{
  const ByteArray *array = cd_as_bytearray(self);
  Ref arguments, state = NO_REF;
  if (array->size == 0) {
    arguments = cd_tuple_new(vm, 0);
  } else if (protocol < 3) {
    arguments = cd_tuple2_steal(vm, cd_ascii_decode(vm, array->data, array->size, NULL, 256), cd_str_from(vm, "latin-1"));
  } else {
    Ref bytes = cd_bytes_new(vm, array->data, array->size);
    arguments = bytes ? cd_tuple1(vm, bytes) : NO_REF;
    cd_drop(vm, bytes);
  }
  if (arguments && !(state = cd_call_method0(vm, self, N(__getstate__)))) cd_forget(vm, &arguments);
  if (!arguments) return NO_REF;
  return cd_tuple3_steal(vm, cd_dup(cd_type_value(cd_type_of(vm, self))), arguments, state);
}

METHOD(bytearray, __reduce__, "__reduce__(self, /)", "Describe the array for pickling.") { return bytearray_reduce(vm, self, 2); }
METHOD(bytearray, __reduce_ex__, "__reduce_ex__(self, proto=0, /)", "Describe the array for pickling by a protocol.")
{
  int64_t protocol = 0;
  if (args[0] && !cd_to_i64(vm, args[0], &protocol, vm->exc.OverflowError)) return NO_REF;
  return bytearray_reduce(vm, self, protocol);
}

static Ref bytearray_iter(VM *vm, Value self);

static const MethodDef *const bytearray_methods[] = {
  BYTE_LIKE_METHODS(BYTE_LIKE_ENTRY)
  &bytearray_append_def, &bytearray_clear_def, &bytearray_copy_def, &bytearray_extend_def, &bytearray_insert_def, &bytearray_pop_def,
  &bytearray_remove_def, &bytearray_reverse_def, &bytearray___alloc___def, &bytearray___sizeof___def, &bytearray___reduce___def,
  &bytearray___reduce_ex___def, NULL,
};

const TypeSpec cd_bytearray_spec = {
  .name = "bytearray",
  .doc = "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\nbytearray(bytes_or_buffer) -> "
         "bytearray\n"
         "bytearray(int) -> that many zero bytes\nbytearray() -> no bytes\n\nA mutable sequence of integers in range(256).",
  .basicsize = sizeof(ByteArray),
  .flags = TYPE_BASE | TYPE_BYTEARRAY | TYPE_VALUE_MATCH,
  .methods = bytearray_methods,
  .slots =
    {
      .release = bytearray_release,
      .repr = bytearray_repr,
      .str = bytearray_str,
      .hash = cd_hash_unhashable,
      .compare = bytearray_compare,
      .iter = bytearray_iter,
      .new_ = bytearray_new,
      .init = bytearray_init,
      .remainder = bytearray_remainder,
      .len = bytearray_len,
      .getitem = bytearray_getitem,
      .setitem = bytearray_setitem,
      .contains = bytearray_contains,
      .concat = bytearray_concat,
      .iconcat = bytearray_iconcat,
      .repeat = bytearray_repeat,
      .irepeat = bytearray_irepeat,
      .get_buffer = bytearray_get_buffer,
      .release_buffer = bytearray_release_buffer,
    },
};

// ---- iterator ----

typedef struct ByteArrayIterator {
  Object head;
  Value array;                                   // owned; NO_VALUE: exhausted
  size_t index;
} ByteArrayIterator;

static Ref bytearray_iter(VM *vm, Value self)
{
  ByteArrayIterator *it = cd_object_new(vm, vm->types.bytearray_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->array = cd_dup(self);
  return cd_from_object(it);
}

static void bytearray_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((ByteArrayIterator *)self)->array); }
static void bytearray_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((ByteArrayIterator *)self)->array); }
static Ref bytearray_iterator_iter(VM *vm, Value self) { return cd_dup(self); }

static Next bytearray_iterator_next(VM *vm, Value self, Ref *out)
{
  ByteArrayIterator *it = (ByteArrayIterator *)cd_object(self);
  if (!it->array) return NEXT_DONE;
  if (it->index >= cd_as_bytearray(it->array)->size) {
    cd_clear(vm, &it->array);
    return NEXT_DONE;
  }
  *out = cd_from_small((unsigned char)cd_as_bytearray(it->array)->data[it->index++]);
  return NEXT_ITEM;
}

METHOD(bytearray_iterator, __length_hint__, "__length_hint__(self, /)", "Say how many bytes are left.")
{
  const ByteArrayIterator *it = (ByteArrayIterator *)cd_object(self);
  size_t size = it->array ? cd_as_bytearray(it->array)->size : 0;
  return cd_from_small(size > it->index ? (int64_t)(size - it->index) : 0);
}

METHOD(bytearray_iterator, __reduce__, "__reduce__(self, /)", "Describe the iterator for pickling.")
{
  const ByteArrayIterator *it = (ByteArrayIterator *)cd_object(self);
  Ref iter = cd_import_attr(vm, "builtins", "iter"), nothing = it->array ? NO_REF : cd_tuple_new(vm, 0);
  Ref arguments = it->array || nothing ? cd_tuple1(vm, it->array ? it->array : nothing) : NO_REF;
  cd_drop(vm, nothing);
  return it->array ? cd_tuple3_steal(vm, iter, arguments, cd_from_small((int64_t)it->index)) : cd_tuple2_steal(vm, iter, arguments);
}

METHOD(bytearray_iterator, __setstate__, "__setstate__(self, state, /)", "Go to a position.")
{
  ByteArrayIterator *it = (ByteArrayIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_i64(vm, args[0], &index, vm->exc.OverflowError)) return NO_REF;
  if (!it->array) return cd_none();
  size_t size = cd_as_bytearray(it->array)->size;
  it->index = index < 0 ? 0 : (size_t)index > size ? size : (size_t)index;
  return cd_none();
}

static const MethodDef *const bytearray_iterator_methods[] = {
  &bytearray_iterator___length_hint___def, &bytearray_iterator___reduce___def, &bytearray_iterator___setstate___def, NULL,
};

const TypeSpec cd_bytearray_iterator_spec = {
  .name = "bytearray_iterator",
  .basicsize = sizeof(ByteArrayIterator),
  .flags = TYPE_GC | TYPE_LIBRARY_ITERATOR | TYPE_NO_NEW,
  .methods = bytearray_iterator_methods,
  .slots = {
    .release = bytearray_iterator_release, .traverse = bytearray_iterator_traverse, .iter = bytearray_iterator_iter,
    .next = bytearray_iterator_next,
  },
};
