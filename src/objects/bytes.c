// SPDX-License-Identifier: MIT
// bytes.c: immutable bytes, their iterator, ByteBuilder
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

// ---- making ----

static Bytes *bytes_alloc(VM *vm, Type *type, size_t size)
{
  if (UNLIKELY(size > (size_t)INT64_MAX / 2)) { cd_raise_memory(vm); return NULL; }
  Bytes *b = cd_object_new_part(vm, type, cd_var_size(type, offsetof(Bytes, data) + size + 1), offsetof(Bytes, data));
  if (!b) return NULL;
  b->hash = -1;
  b->size = size;
  b->data[size] = 0;
  return b;
}

static size_t bytes_alloc_size(Object *self) { return offsetof(Bytes, data) + ((Bytes *)self)->size + 1; }

static Ref bytes_empty(VM *vm)
{
  if (UNLIKELY(!vm->empty_bytes)) {
    Bytes *b = bytes_alloc(vm, vm->types.bytes, 0);
    if (!b) return NO_REF;
    vm->empty_bytes = cd_from_object(b);
  }
  return cd_dup(vm->empty_bytes);
}

static Ref bytes_single(VM *vm, unsigned char byte)
{
  if (UNLIKELY(!vm->byte_strings[byte])) {
    Bytes *b = bytes_alloc(vm, vm->types.bytes, 1);
    if (!b) return NO_REF;
    b->data[0] = (char)byte;
    vm->byte_strings[byte] = cd_from_object(b);
  }
  return cd_dup(vm->byte_strings[byte]);
}

Ref cd_bytes_new(VM *vm, const char *data, size_t size)
{
  if (size == 0) return bytes_empty(vm);
  if (size == 1 && data) return bytes_single(vm, (unsigned char)*data);
  Bytes *b = bytes_alloc(vm, vm->types.bytes, size);
  if (!b) return NO_REF;
  if (data) memcpy(b->data, data, size);
  return cd_from_object(b);
}

bool cd_bytes_resize(VM *vm, Ref *slot, size_t size)
{
  Bytes *old = cd_as_bytes(*slot);
  if (old->size == size) return true;
  if (old->size == 0 || size == 0) {
    Ref fresh = cd_bytes_new(vm, NULL, size);
    cd_forget(vm, slot);
    *slot = fresh;
    return cd_bits(fresh);
  }
  Bytes *b = NULL;
  if (size > (size_t)INT64_MAX / 2) cd_raise_memory(vm);
  else b = cd_realloc(vm, old, bytes_alloc_size(&old->head), offsetof(Bytes, data) + size + 1);
  if (!b) {
    cd_forget(vm, slot);
    return false;
  }
  b->size = size;
  b->hash = -1;
  b->data[size] = 0;
  *slot = cd_from_object(b);
  return true;
}

Ref cd_byte_like_new(VM *vm, Value like, const char *data, size_t size)
{
  return cd_is_bytearray(like) ? cd_bytearray_new(vm, data, size) : cd_bytes_new(vm, data, size);
}

// ---- ByteBuilder ----

void cd_byte_builder_init(ByteBuilder *builder, VM *vm) { *builder = (ByteBuilder){.vm = vm}; }

char *cd_byte_builder_reserve(ByteBuilder *builder, size_t size)
{
  size_t capacity = builder->bytes ? cd_bytes_size(builder->bytes) : 0, needed = builder->size + size;
  if (needed < size) { cd_raise_memory(builder->vm); return NULL; }
  if (needed > capacity || !builder->bytes) {
    size_t wanted = needed + needed / 2 + 32;
    if (builder->bytes ? !cd_bytes_resize(builder->vm, &builder->bytes, wanted)
                       : !(builder->bytes = cd_bytes_new(builder->vm, NULL, wanted))) {
      builder->size = 0;
      return NULL;
    }
  }
  return cd_bytes_data(builder->bytes) + builder->size;
}

bool cd_byte_builder_put(ByteBuilder *builder, const char *data, size_t size)
{
  char *out = cd_byte_builder_reserve(builder, size);
  if (!out) return false;
  memcpy(out, data, size);
  builder->size += size;
  return true;
}

bool cd_byte_builder_byte(ByteBuilder *builder, unsigned byte)
{
  char *out = cd_byte_builder_reserve(builder, 1);
  if (!out) return false;
  *out = (char)byte;
  builder->size++;
  return true;
}

bool cd_byte_builder_fill(ByteBuilder *builder, char byte, size_t count)
{
  char *out = cd_byte_builder_reserve(builder, count);
  if (!out) return false;
  memset(out, byte, count);
  builder->size += count;
  return true;
}

Ref cd_byte_builder_finish(ByteBuilder *builder)
{
  VM *vm = builder->vm;
  Ref bytes = builder->bytes;
  size_t size = builder->size;
  cd_byte_builder_init(builder, vm);
  if (size <= 1) {                               // the shared ones
    Ref shared = cd_bytes_new(vm, bytes ? cd_bytes_data(bytes) : NULL, size);
    cd_drop(vm, bytes);
    return shared;
  }
  return cd_bytes_resize(vm, &bytes, size) ? bytes : NO_REF;
}

void cd_byte_builder_clear(ByteBuilder *builder)
{
  VM *vm = builder->vm;
  cd_drop(vm, builder->bytes);
  cd_byte_builder_init(builder, vm);
}

// ---- from values ----

bool cd_byte_from_value(VM *vm, Value v, const char *range_message, unsigned char *out)
{
  int64_t i;
  if (cd_is_small(v)) {
    i = cd_small(v);
  } else {
    if (!cd_to_i64(vm, v, &i, NULL)) return false;
  }
  if (i < 0 || i > 255) return cd_raise_value(vm, "%s", range_message);
  *out = (unsigned char)i;
  return true;
}

bool cd_bytes_from_smalls(Value v, char *out)
{
  size_t count;
  const Value *items = cd_sequence_items(v, &count);
  for (size_t i = 0; i < count; i++) {
    if (!cd_is_small(items[i]) || (uint64_t)cd_small(items[i]) > 255) return false;
    out[i] = (char)cd_small(items[i]);
  }
  return true;
}

Ref cd_bytes_from_iterable(VM *vm, Value v, const char *type_name, const char *range_message)
{
  if (cd_is_exact(v, vm->types.bytes)) return cd_dup(v);
  if (cd_has_buffer(vm, v)) {
    Buffer buffer;
    if (!cd_get_buffer(vm, v, &buffer, BUFFER_FULL_RO)) return NO_REF;
    Ref copy = cd_buffer_to_bytes(vm, &buffer, 'C');
    cd_release_buffer(vm, &buffer);
    return copy;
  }
  Type *type = cd_type_of(vm, v);
  if (type == vm->types.list || type == vm->types.tuple) {
    size_t count;
    cd_sequence_items(v, &count);
    if (count > 1) {
      Ref bytes = cd_bytes_new(vm, NULL, count);
      if (!bytes || cd_bytes_from_smalls(v, cd_bytes_data(bytes))) return bytes;
      cd_drop(vm, bytes);                        // something else is among them, which may run Python
    }
  }
  if (cd_is_str(v) || (!type->slots.iter && !type->slots.getitem))
    return cd_raise_type(vm, "cannot convert '%.200T' object to %s", v, type_name);
  Ref iterator = cd_iter(vm, v);
  if (!iterator) {
    if (cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, "cannot convert '%.200T' object to %s", v, type_name);
    return NO_REF;
  }
  int64_t hint;
  ByteBuilder builder;
  cd_byte_builder_init(&builder, vm);
  Ref item;
  Next next = NEXT_ERROR;
  if (!cd_length_hint(vm, v, 64, &hint) || !cd_byte_builder_reserve(&builder, (size_t)hint)) goto done;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    unsigned char byte;
    bool ok = cd_byte_from_value(vm, item, range_message, &byte);
    cd_drop(vm, item);
    if (ok && cd_byte_builder_byte(&builder, byte)) continue;
    next = NEXT_ERROR;
    break;
  }
done:
  cd_drop(vm, iterator);
  if (next == NEXT_DONE) return cd_byte_builder_finish(&builder);
  cd_byte_builder_clear(&builder);
  return NO_REF;
}

Ref cd_bytes_from_value(VM *vm, Value v) { return cd_bytes_from_iterable(vm, v, "bytes", "bytes must be in range(0, 256)"); }

// ---- repr ----

static const char bytes_hex_digits[] = "0123456789abcdef";

Ref cd_byte_repr(VM *vm, const char *data, size_t size, const char *prefix, const char *suffix, bool escape_single)
{
  char quote = memchr(data, '\'', size) && !memchr(data, '"', size) ? '"' : '\'';
  TextBuilder text;
  cd_text_init(&text, vm);
  if (!cd_text_puts(&text, prefix) || !cd_text_char(&text, (unsigned char)quote)) goto fail;
  for (size_t i = 0; i < size; i++) {
    size_t run = i;                              // what needs nothing is copied as it is
    while (run < size && data[run] >= ' ' && data[run] < 0x7F && data[run] != quote && data[run] != '\\' &&
           (data[run] != '\'' || !escape_single))
      run++;
    if (run > i && !cd_text_put_ascii(&text, data + i, run - i)) goto fail;
    if ((i = run) == size) break;
    unsigned char c = (unsigned char)data[i];
    char out[4] = {'\\', 'x', bytes_hex_digits[c >> 4], bytes_hex_digits[c & 15]};
    size_t length = 2;
    if (c == (unsigned char)quote || c == '\\' || (escape_single && c == '\'')) out[1] = (char)c;
    else if (c == '\t') out[1] = 't';
    else if (c == '\n') out[1] = 'n';
    else if (c == '\r') out[1] = 'r';
    else if (c < ' ' || c >= 0x7F) length = 4;
    else { out[0] = (char)c; length = 1; }
    if (!cd_text_put_ascii(&text, out, length)) goto fail;
  }
  if (!cd_text_char(&text, (unsigned char)quote) || !cd_text_puts(&text, suffix)) goto fail;
  return cd_text_finish(&text);
fail:
  cd_text_clear(&text);
  return NO_REF;
}

// ---- slots ----

static Ref bytes_repr(VM *vm, Value self) { return cd_byte_repr(vm, cd_bytes_data(self), cd_bytes_size(self), "b", "", false); }

static Ref bytes_str(VM *vm, Value self)
{
  if (vm->config.bytes_warning && !cd_warn(vm, vm->exc.BytesWarning, 1, "str() on a bytes instance")) return NO_REF;
  return bytes_repr(vm, self);
}

static bool bytes_hash(VM *vm, Value self, int64_t *out)
{
  Bytes *b = cd_as_bytes(self);
  if (b->hash == -1) b->hash = cd_hash_bytes(vm->hash_key, b->data, b->size);
  *out = b->hash;
  return true;
}

static bool bytes_len(VM *vm, Value self, int64_t *out) { *out = (int64_t)cd_bytes_size(self); return true; }

static Ref bytes_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_bytes(other)) {
    if (!vm->config.bytes_warning || (op != COMPARE_EQ && op != COMPARE_NE)) return cd_not_implemented();
    const char *what = cd_is_str(other) ? "string" : cd_is_int(other) ? "int" : NULL;
    if (what && !cd_warn(vm, vm->exc.BytesWarning, 1, "Comparison between bytes and %s", what)) return NO_REF;
    return cd_not_implemented();
  }
  const Bytes *a = cd_as_bytes(self), *b = cd_as_bytes(other);
  if ((op == COMPARE_EQ || op == COMPARE_NE) && a->size != b->size) return cd_bool(op == COMPARE_NE);
  int order = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);
  if (order == 0) order = (a->size > b->size) - (a->size < b->size);
  return cd_compare_ints(order, op);
}

Ref cd_bytes_steps(VM *vm, Value self, int64_t start, int64_t step, int64_t count)
{
  const Bytes *b = cd_as_bytes(self);
  if (count <= 0) return bytes_empty(vm);
  if (step == 1 && count == (int64_t)b->size && cd_is_exact(self, vm->types.bytes)) return cd_dup(self);
  if (step == 1) return cd_bytes_new(vm, b->data + start, (size_t)count);
  Ref result = cd_bytes_new(vm, NULL, (size_t)count);
  if (!result) return NO_REF;
  char *out = cd_bytes_data(result);
  for (int64_t i = 0; i < count; i++) out[i] = b->data[start + i * step];
  return result;
}

static Ref bytes_get_slice(VM *vm, Value self, Value slice)
{
  int64_t start, stop, step, count;
  if (!cd_slice_indices(vm, slice, (int64_t)cd_bytes_size(self), &start, &stop, &step, &count)) return NO_REF;
  return cd_bytes_steps(vm, self, start, step, count);
}

static Ref bytes_getitem(VM *vm, Value self, Value key)
{
  int64_t i, size = (int64_t)cd_bytes_size(self);
  if (LIKELY(cd_is_small(key))) i = cd_small(key);
  else if (cd_is_exact(key, vm->types.slice)) return bytes_get_slice(vm, self, key);
  else if (!cd_is_int(key) && !cd_type_of(vm, key)->slots.index)
    return cd_raise_type(vm, "byte indices must be integers or slices, not %.200T", key);
  else if (!cd_to_i64(vm, key, &i, vm->exc.IndexError)) return NO_REF;
  if (i < 0) i += size;
  if (i < 0 || i >= size) return cd_raise_index(vm, "index out of range");
  return cd_from_small((unsigned char)cd_bytes_data(self)[i]);
}

bool cd_byte_needle(VM *vm, Value v, bool as_in, ByteNeedle *out)
{
  out->buffer.owner = NO_VALUE;
  if (cd_is_int(v) || (!cd_has_buffer(vm, v) && cd_type_of(vm, v)->slots.index)) {
    int64_t i;
    if (!cd_to_i64(vm, v, &i, NULL)) return false;
    if (i < 0 || i > 255) return cd_raise_value(vm, "byte must be in range(0, 256)");
    out->byte = (char)i;
    out->data = &out->byte;
    out->size = 1;
    return true;
  }
  if (!cd_has_buffer(vm, v))
    return as_in ? cd_raise_type(vm, "a bytes-like object is required, not '%.100T'", v)
                 : cd_raise_type(vm, "argument should be integer or bytes-like object, not '%.200T'", v);
  if (!cd_get_buffer(vm, v, &out->buffer, BUFFER_SIMPLE)) return false;
  out->data = out->buffer.data;
  out->size = (size_t)out->buffer.size;
  return true;
}

void cd_byte_needle_release(VM *vm, ByteNeedle *needle)
{
  if (needle->buffer.owner) cd_release_buffer(vm, &needle->buffer);
}

static bool bytes_contains(VM *vm, Value self, Value item, bool *out)
{
  ByteNeedle needle;
  if (!cd_byte_needle(vm, item, true, &needle)) return false;
  *out = cd_search_first(cd_bytes_data(self), cd_bytes_size(self), needle.data, needle.size) >= 0;
  cd_byte_needle_release(vm, &needle);
  return true;
}

static Ref bytes_concat(VM *vm, Value self, Value other)
{
  if (!cd_has_buffer(vm, self) || !cd_has_buffer(vm, other)) return cd_raise_type(vm, "can't concat %.100T to %.100T", other, self);
  size_t size = cd_bytes_size(self);
  if (size == 0 && cd_is_exact(other, vm->types.bytes)) return cd_dup(other);
  Buffer buffer;
  if (!cd_get_buffer(vm, other, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = NO_REF;
  if (buffer.size == 0 && cd_is_exact(self, vm->types.bytes)) result = cd_dup(self);
  else if ((result = cd_bytes_new(vm, NULL, size + (size_t)buffer.size))) {
    memcpy(cd_bytes_data(result), cd_bytes_data(self), size);
    memcpy(cd_bytes_data(result) + size, buffer.data, (size_t)buffer.size);
  }
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref bytes_repeat(VM *vm, Value self, int64_t count)
{
  size_t piece = cd_bytes_size(self), size;
  if (count <= 0 || piece == 0) return bytes_empty(vm);
  if (count == 1 && cd_is_exact(self, vm->types.bytes)) return cd_dup(self);
  if (__builtin_mul_overflow(piece, (size_t)count, &size) || size > INT64_MAX) return cd_raise_overflow(vm, "repeated bytes are too long");
  Ref result = cd_bytes_new(vm, NULL, size);
  if (!result) return NO_REF;
  char *out = cd_bytes_data(result);
  if (piece == 1) { memset(out, cd_bytes_data(self)[0], size); return result; }
  memcpy(out, cd_bytes_data(self), piece);
  for (size_t done = piece; done < size;) {
    size_t n = done < size - done ? done : size - done;
    memcpy(out + done, out, n);
    done += n;
  }
  return result;
}

static Ref bytes_remainder(VM *vm, Value left, Value right)
{
  return cd_is_bytes(left) ? cd_bytes_percent(vm, left, right) : cd_not_implemented();
}

static bool bytes_get_buffer(VM *vm, Value self, Buffer *out, int flags)
{
  return cd_fill_buffer(vm, out, self, cd_bytes_data(self), (int64_t)cd_bytes_size(self), true, flags);
}

// ---- bytes() ----

static bool bytes_text_argument(VM *vm, Value v, const char *parameter, const char **out)
{
  *out = NULL;
  if (!v) return true;
  if (!cd_is_str(v)) return cd_raise_arg_type(vm, "bytes", parameter, "str", v);
  return (*out = cd_str_utf8(vm, v, NULL)) != NULL;
}

static Ref bytes_zeros(VM *vm, int64_t count)
{
  if (count < 0) return cd_raise_value(vm, "negative count");
  Ref result = cd_bytes_new(vm, NULL, (size_t)count);
  if (result && count) memset(cd_bytes_data(result), 0, (size_t)count);
  return result;
}

static Ref bytes_from_source(VM *vm, Value source, Value encoding, Value errors)
{
  const char *encoding_text, *errors_text;
  if (!bytes_text_argument(vm, encoding, "encoding", &encoding_text) || !bytes_text_argument(vm, errors, "errors", &errors_text))
    return NO_REF;
  if (encoding || errors) {
    if (source && cd_is_str(source) && encoding) return cd_encode(vm, source, encoding_text, errors_text);
    if (source && cd_is_str(source)) return cd_raise_type(vm, "string argument without an encoding");
    return cd_raise_type(vm, encoding ? "encoding without a string argument" : "errors without a string argument");
  }
  if (!source) return bytes_empty(vm);
  if (cd_is_exact(source, vm->types.bytes)) return cd_dup(source);
  Ref method;
  Find found = cd_lookup_special(vm, source, N(__bytes__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT) {
    Ref result = cd_call0(vm, method);
    cd_drop(vm, method);
    if (!result || cd_is_bytes(result)) return result;
    cd_raise_type(vm, "__bytes__ returned non-bytes (type %.200T)", result);
    cd_drop(vm, result);
    return NO_REF;
  }
  if (cd_is_str(source)) return cd_raise_type(vm, "string argument without an encoding");
  if (cd_is_int(source) || cd_type_of(vm, source)->slots.index) {
    int64_t count;
    if (cd_to_i64(vm, source, &count, vm->exc.OverflowError)) return bytes_zeros(vm, count);
    if (!cd_swallow(vm, vm->exc.TypeError)) return NO_REF;
  }
  return cd_bytes_from_value(vm, source);
}

static Ref bytes_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[3];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "bytes(source=b'', encoding='utf-8', errors='strict')", args, nargs, kwnames, bound, owned)) return NO_REF;
  Ref bytes = bytes_from_source(vm, bound[0], bound[1], bound[2]);
  cd_drop(vm, owned[0]);
  cd_drop(vm, owned[1]);
  if (!bytes || type == vm->types.bytes) return bytes;
  Bytes *copy = bytes_alloc(vm, type, cd_bytes_size(bytes));
  if (copy) memcpy(copy->data, cd_bytes_data(bytes), copy->size);
  cd_drop(vm, bytes);
  return copy ? cd_from_object(copy) : NO_REF;
}

static Ref bytes_iter(VM *vm, Value self);

METHOD(bytes, __bytes__, "__bytes__(self, /)", "bytes of the exact type with the same content.")
{
  return cd_is_exact(self, vm->types.bytes) ? cd_dup(self) : cd_bytes_new(vm, cd_bytes_data(self), cd_bytes_size(self));
}

METHOD_DEF_(bytes___getnewargs__, "__getnewargs__", "__getnewargs__(self, /)", "Return the arguments that pickle gives to __new__.",
            METHOD_NO_SIGNATURE)
{
  Ref copy = cd_bytes_new(vm, cd_bytes_data(self), cd_bytes_size(self));
  Ref result = copy ? cd_tuple1(vm, copy) : NO_REF;
  cd_drop(vm, copy);
  return result;
}

static const MethodDef *const bytes_methods[] = {
  BYTE_LIKE_METHODS(BYTE_LIKE_ENTRY) &bytes___bytes___def, &bytes___getnewargs___def, NULL,
};

const TypeSpec cd_bytes_spec = {
  .name = "bytes",
  .doc = "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\nbytes(bytes_or_buffer) -> bytes\n"
         "bytes(int) -> that many zero bytes\nbytes() -> no bytes\n\nAn immutable sequence of integers in range(256).",
  .basicsize = offsetof(Bytes, data),
  .flags = TYPE_BASE | TYPE_BYTES | TYPE_VALUE_MATCH,
  .methods = bytes_methods,
  .slots = {
    .alloc_size = bytes_alloc_size, .repr = bytes_repr, .str = bytes_str, .hash = bytes_hash, .compare = bytes_compare, .iter = bytes_iter,
    .new_ = bytes_new, .remainder = bytes_remainder, .len = bytes_len, .getitem = bytes_getitem, .contains = bytes_contains,
    .concat = bytes_concat, .repeat = bytes_repeat, .get_buffer = bytes_get_buffer,
  },
};

// ---- iterator ----

typedef struct BytesIterator {
  Object head;
  Value bytes;                                   // owned; NO_VALUE: exhausted
  size_t index;
} BytesIterator;

static Ref bytes_iter(VM *vm, Value self)
{
  BytesIterator *it = cd_object_new(vm, vm->types.bytes_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->bytes = cd_dup(self);
  return cd_from_object(it);
}

static void bytes_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((BytesIterator *)self)->bytes); }
static void bytes_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((BytesIterator *)self)->bytes); }
static Ref bytes_iterator_iter(VM *vm, Value self) { return cd_dup(self); }

static Next bytes_iterator_next(VM *vm, Value self, Ref *out)
{
  BytesIterator *it = (BytesIterator *)cd_object(self);
  if (!it->bytes) return NEXT_DONE;
  if (it->index >= cd_bytes_size(it->bytes)) {
    cd_clear(vm, &it->bytes);
    return NEXT_DONE;
  }
  *out = cd_from_small((unsigned char)cd_bytes_data(it->bytes)[it->index++]);
  return NEXT_ITEM;
}

METHOD(bytes_iterator, __length_hint__, "__length_hint__(self, /)", "Say how many bytes are left.")
{
  const BytesIterator *it = (BytesIterator *)cd_object(self);
  return cd_from_small(it->bytes ? (int64_t)(cd_bytes_size(it->bytes) - it->index) : 0);
}

METHOD(bytes_iterator, __reduce__, "__reduce__(self, /)", "Describe the iterator for pickling.")
{
  const BytesIterator *it = (BytesIterator *)cd_object(self);
  Ref iter = cd_import_attr(vm, "builtins", "iter"), nothing = it->bytes ? NO_REF : cd_tuple_new(vm, 0);
  Ref arguments = it->bytes || nothing ? cd_tuple1(vm, it->bytes ? it->bytes : nothing) : NO_REF;
  cd_drop(vm, nothing);
  return it->bytes ? cd_tuple3_steal(vm, iter, arguments, cd_from_small((int64_t)it->index)) : cd_tuple2_steal(vm, iter, arguments);
}

METHOD(bytes_iterator, __setstate__, "__setstate__(self, state, /)", "Go to a position.")
{
  BytesIterator *it = (BytesIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_i64(vm, args[0], &index, vm->exc.OverflowError)) return NO_REF;
  if (!it->bytes) return cd_none();
  size_t size = cd_bytes_size(it->bytes);
  it->index = index < 0 ? 0 : (size_t)index > size ? size : (size_t)index;
  return cd_none();
}

static const MethodDef *const bytes_iterator_methods[] = {
  &bytes_iterator___length_hint___def, &bytes_iterator___reduce___def, &bytes_iterator___setstate___def, NULL,
};

const TypeSpec cd_bytes_iterator_spec = {
  .name = "bytes_iterator",
  .basicsize = sizeof(BytesIterator),
  .flags = TYPE_GC | TYPE_LIBRARY_ITERATOR | TYPE_NO_NEW,
  .methods = bytes_iterator_methods,
  .slots = {
    .release = bytes_iterator_release, .traverse = bytes_iterator_traverse, .iter = bytes_iterator_iter, .next = bytes_iterator_next,
  },
};
