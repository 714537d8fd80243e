// SPDX-License-Identifier: MIT
// marshal.c: values as bytes: CPython's format, version 4, with our own form of code objects inside
#include "bytecode/code.h"
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

enum { MARSHAL_VERSION = 4, MARSHAL_DEPTH = 2000, MARSHAL_REF = 0x80 };

// ---- writing ----

typedef struct MarshalWriter {
  VM *vm;
  Ref out;                                       // bytearray
  Ref refs;                                      // dict from identity to number of a value written before; NO_REF in old versions
  int depth, version;
} MarshalWriter;

static bool write_bytes(MarshalWriter *w, const void *data, size_t size)
{
  ByteArray *out = cd_as_bytearray(w->out);
  size_t old = out->size;
  if (!cd_bytearray_resize(w->vm, out, old + size)) return false;
  memcpy(out->data + old, data, size);
  return true;
}

static bool write_byte(MarshalWriter *w, int byte) { return write_bytes(w, &(unsigned char){(unsigned char)byte}, 1); }

static bool write_u32(MarshalWriter *w, uint32_t n)
{
  unsigned char bytes[4] = {(unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16), (unsigned char)(n >> 24)};
  return write_bytes(w, bytes, 4);
}

static bool write_size(MarshalWriter *w, size_t n)
{
  return n <= INT32_MAX ? write_u32(w, (uint32_t)n) : (bool)cd_raise_value(w->vm, "unmarshallable object");
}

// Digits of 15 bits, least significant first; the count carries the sign.
static bool write_big_int(MarshalWriter *w, Value v)
{
  VM *vm = w->vm;
  size_t bits = cd_int_bit_length(v), digits = (bits + 14) / 15, size = bits / 8 + 1;
  bool negative = cd_int_sign(v) < 0, ok = false;
  Ref magnitude = negative ? cd_negative(vm, v) : cd_dup(v), bytes = magnitude ? cd_bytes_new(vm, NULL, size) : NO_REF;
  if (bytes && cd_int_to_bytes(vm, magnitude, (unsigned char *)cd_bytes_data(bytes), size, true, false)) {
    const unsigned char *data = (const unsigned char *)cd_bytes_data(bytes);
    ok = write_byte(w, 'l') && write_u32(w, negative ? (uint32_t)-(int32_t)digits : (uint32_t)digits);
    for (size_t i = 0; ok && i < digits; i++) {
      size_t at = i * 15;
      uint32_t window = 0;
      for (size_t k = 0; k < 3 && at / 8 + k < size; k++) window |= (uint32_t)data[at / 8 + k] << (8 * k);
      uint32_t digit = window >> (at % 8) & 0x7FFF;
      ok = write_bytes(w, (unsigned char[]){(unsigned char)digit, (unsigned char)(digit >> 8)}, 2);
    }
  }
  cd_drop(vm, bytes);
  cd_drop(vm, magnitude);
  return ok;
}

static bool write_int(MarshalWriter *w, Value v)
{
  int64_t i;
  if (cd_int_fits_i64(v, &i) && i >= INT32_MIN && i <= INT32_MAX) return write_byte(w, 'i') && write_u32(w, (uint32_t)i);
  return write_big_int(w, v);
}

static bool write_double(MarshalWriter *w, double x) { return write_bytes(w, &x, sizeof x); }

static bool write_double_text(MarshalWriter *w, double x)
{
  Ref number = cd_float_new(w->vm, x), text = number ? cd_repr(w->vm, number) : NO_REF;
  bool ok = text && write_byte(w, (int)cd_str_size(text)) && write_bytes(w, cd_str_data(text), cd_str_size(text));
  cd_drop(w->vm, number);
  cd_drop(w->vm, text);
  return ok;
}

static bool write_str(MarshalWriter *w, Value v, int flag)
{
  const Str *s = cd_as_str(v);
  if (w->version >= 4 && s->ascii) {
    if (s->size < 256)
      return write_byte(w, (s->interned ? 'Z' : 'z') | flag) && write_byte(w, (int)s->size) && write_bytes(w, s->data, s->size);
    return write_byte(w, (s->interned ? 'A' : 'a') | flag) && write_size(w, s->size) && write_bytes(w, s->data, s->size);
  }
  return write_byte(w, (w->version >= 3 && s->interned ? 't' : 'u') | flag) && write_size(w, s->size) && write_bytes(w, s->data, s->size);
}

// Writes a back reference if the value was written before; else notes it and sets *flag. Values with one reference can't come twice.
static Find write_reference(MarshalWriter *w, Value v, int *flag)
{
  VM *vm = w->vm;
  *flag = 0;
  if (!w->refs || !cd_is_object(v) || cd_object(v)->refcount == 1) return FIND_MISSING;
  Ref found = NO_REF, key = cd_int_from_u64(vm, cd_bits(v));
  Find find = key ? cd_dict_find(vm, w->refs, key, &found) : FIND_ERROR;
  if (find == FIND_HIT) {
    if (!write_byte(w, 'r') || !write_u32(w, (uint32_t)cd_small(found))) find = FIND_ERROR;
  } else if (find == FIND_MISSING) {
    *flag = MARSHAL_REF;
    if (!cd_dict_set(vm, w->refs, key, cd_from_small((int64_t)cd_dict_count(w->refs)))) find = FIND_ERROR;
  }
  cd_drop(vm, key);
  return find;
}

static bool write_value(MarshalWriter *w, Value v);

static bool write_items(MarshalWriter *w, const Value *items, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (!write_value(w, items[i])) return false;
  return true;
}

static bool write_dict(MarshalWriter *w, Value v, int flag)
{
  if (!write_byte(w, '{' | flag)) return false;
  Value key, value;
  for (size_t i = 0; cd_dict_each(v, &i, &key, &value);)
    if (!write_value(w, key) || !write_value(w, value)) return false;
  return write_byte(w, '0');
}

static int write_compare_bytes(const Value *a, const Value *b)
{
  size_t m = cd_bytes_size(*a), n = cd_bytes_size(*b);
  int order = memcmp(cd_bytes_data(*a), cd_bytes_data(*b), m < n ? m : n);
  return order ? order : m < n ? -1 : m > n;
}

static Ref marshal_to_bytes(VM *vm, Value v, int version);

// Items go in the order of their own bytes, so that equal sets give equal bytes whatever the hash seed.
static bool write_set(MarshalWriter *w, Value v, int flag)
{
  VM *vm = w->vm;
  size_t count = cd_set_count(v);
  if (!write_byte(w, (cd_is_exact(v, vm->types.frozenset) ? '>' : '<') | flag) || !write_size(w, count)) return false;
  Ref pairs = cd_list_new(vm);
  Value item;
  bool ok = pairs != NO_REF;
  for (size_t i = 0; ok && cd_set_each(v, &i, &item);) {
    Ref dump = marshal_to_bytes(vm, item, w->version);
    ok = dump && cd_list_append_steal(vm, cd_as_list(pairs), cd_tuple2_steal(vm, dump, cd_dup(item)));
  }
  for (size_t i = 1; ok && i < count; i++) {
    Value *items = cd_as_list(pairs)->items;
    Value moved = items[i];
    size_t k = i;
    for (; k > 0 && write_compare_bytes(&cd_as_tuple(items[k - 1])->items[0], &cd_as_tuple(moved)->items[0]) > 0; k--)
      items[k] = items[k - 1];
    items[k] = moved;
  }
  for (size_t i = 0; ok && i < cd_list_size(pairs); i++) ok = write_value(w, cd_tuple_item_borrow(cd_list_item_borrow(pairs, i), 1));
  cd_drop(vm, pairs);
  return ok;
}

static bool write_code(MarshalWriter *w, Value v, int flag)
{
  Ref dump = cd_code_dump(w->vm, v);
  bool ok = dump && write_byte(w, 'c' | flag) && write_size(w, cd_bytes_size(dump)) &&
            write_bytes(w, cd_bytes_data(dump), cd_bytes_size(dump));
  cd_drop(w->vm, dump);
  return ok;
}

static bool write_buffer(MarshalWriter *w, Value v, int flag)
{
  Buffer buffer;
  if (!cd_get_buffer(w->vm, v, &buffer, BUFFER_SIMPLE)) {
    cd_clear_raised(w->vm);
    return cd_raise_value(w->vm, "unmarshallable object");
  }
  bool ok = write_byte(w, 's' | flag) && write_size(w, (size_t)buffer.size) && write_bytes(w, buffer.data, (size_t)buffer.size);
  cd_release_buffer(w->vm, &buffer);
  return ok;
}

static bool write_object(MarshalWriter *w, Value v, int flag)
{
  VM *vm = w->vm;
  Type *type = cd_type_of(vm, v);
  if (type == vm->types.str) return write_str(w, v, flag);
  if (type == vm->types.bytes)
    return write_byte(w, 's' | flag) && write_size(w, cd_bytes_size(v)) && write_bytes(w, cd_bytes_data(v), cd_bytes_size(v));
  if (type == vm->types.tuple) {
    size_t n = cd_tuple_size(v);
    bool ok = w->version >= 4 && n < 256 ? write_byte(w, ')' | flag) && write_byte(w, (int)n)
                                         : write_byte(w, '(' | flag) && write_size(w, n);
    return ok && write_items(w, cd_as_tuple(v)->items, n);
  }
  if (type == vm->types.list) {
    size_t n = cd_list_size(v);
    return write_byte(w, '[' | flag) && write_size(w, n) && write_items(w, cd_as_list(v)->items, n);
  }
  if (type == vm->types.dict) return write_dict(w, v, flag);
  if (type == vm->types.set || type == vm->types.frozenset) return write_set(w, v, flag);
  if (type == vm->types.code) return write_code(w, v, flag);
  if (type == vm->types.complex) {
    const Complex *c = (const Complex *)cd_object(v);
    if (w->version > 1) return write_byte(w, 'y' | flag) && write_double(w, c->real) && write_double(w, c->imag);
    return write_byte(w, 'x' | flag) && write_double_text(w, c->real) && write_double_text(w, c->imag);
  }
  if (type->slots.get_buffer) return write_buffer(w, v, flag);
  return cd_raise_value(vm, "unmarshallable object");
}

static bool write_value(MarshalWriter *w, Value v)
{
  VM *vm = w->vm;
  if (w->depth >= MARSHAL_DEPTH) return cd_raise_value(vm, "object too deeply nested to marshal");
  if (cd_is_none(v)) return write_byte(w, 'N');
  if (cd_is_true(v)) return write_byte(w, 'T');
  if (cd_is_false(v)) return write_byte(w, 'F');
  if (cd_is_ellipsis(v)) return write_byte(w, '.');
  if (cd_is(v, cd_type_value(vm->exc.StopIteration))) return write_byte(w, 'S');
  if (cd_is_small(v)) return write_int(w, v);
  if (cd_is_flonum(v) || cd_is_exact(v, vm->types.float_)) {
    double x = cd_float_value(v);
    return w->version > 1 ? write_byte(w, 'g') && write_double(w, x) : write_byte(w, 'f') && write_double_text(w, x);
  }
  if (!cd_is_object(v)) return cd_raise_value(vm, "unmarshallable object");
  if (cd_object(v)->type == vm->types.int_) return write_int(w, v);
  int flag;
  Find find = write_reference(w, v, &flag);
  if (find != FIND_MISSING) return find == FIND_HIT;
  w->depth++;
  bool ok = write_object(w, v, flag);
  w->depth--;
  return ok;
}

static Ref marshal_to_bytes(VM *vm, Value v, int version)
{
  MarshalWriter w = {.vm = vm, .version = version};
  bool ok = (w.out = cd_bytearray_new(vm, "", 0)) && (version < 3 || (w.refs = cd_dict_new(vm)));
  ok = ok && write_value(&w, v);
  Ref bytes = ok ? cd_bytes_new(vm, cd_as_bytearray(w.out)->data, cd_as_bytearray(w.out)->size) : NO_REF;
  cd_drop(vm, w.out);
  cd_drop(vm, w.refs);
  return bytes;
}

// ---- reading ----

typedef struct MarshalReader {
  VM *vm;
  const unsigned char *data, *end;               // of a buffer
  Value file;                                    // or a file, read piece by piece
  Ref piece;                                     // bytearray that holds the last piece
  Ref refs;                                      // list of values that back references may name
  int depth;
} MarshalReader;

static const unsigned char *read_from_file(MarshalReader *r, size_t size)
{
  VM *vm = r->vm;
  cd_drop(vm, r->piece);
  if (!(r->piece = cd_bytearray_new(vm, NULL, size))) return NULL;
  Ref count = cd_call_method1(vm, r->file, N(readinto), r->piece);
  int64_t n = 0;
  bool ok = count && cd_to_i64(vm, count, &n, vm->exc.OverflowError);
  cd_drop(vm, count);
  if (!ok) return NULL;
  if (n > (int64_t)size) {
    cd_raise_value(vm, "read() returned too much data: %zu bytes requested, %lld returned", size, (long long)n);
    return NULL;
  }
  if (n < (int64_t)size) { cd_raise(vm, vm->exc.EOFError, "EOF read where not expected"); return NULL; }
  return (const unsigned char *)cd_as_bytearray(r->piece)->data;
}

// The next `size` bytes, valid until the next read. NULL: EOFError.
static const unsigned char *read_bytes(MarshalReader *r, size_t size)
{
  if (cd_bits(r->file)) return read_from_file(r, size);
  if ((size_t)(r->end - r->data) < size) { cd_raise(r->vm, r->vm->exc.EOFError, "marshal data too short"); return NULL; }
  const unsigned char *data = r->data;
  r->data += size;
  return data;
}

static int read_byte(MarshalReader *r)
{
  const unsigned char *p = read_bytes(r, 1);
  return p ? *p : -1;
}

static bool read_i32(MarshalReader *r, int32_t *out)
{
  const unsigned char *p = read_bytes(r, 4);
  if (!p) return false;
  *out = (int32_t)(p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
  return true;
}

static bool read_size(MarshalReader *r, const char *what, size_t *out)
{
  int32_t n;
  if (!read_i32(r, &n)) return false;
  if (n < 0) return cd_raise_value(r->vm, "bad marshal data (%s size out of range)", what);
  *out = (size_t)n;
  return true;
}

// A place among the references is taken before the parts are read, so that the numbers agree with the writer's.
static bool read_reserve(MarshalReader *r, bool flag, size_t *index)
{
  *index = cd_list_size(r->refs);
  return !flag || cd_list_append(r->vm, cd_as_list(r->refs), cd_none());
}

static Ref read_remember(MarshalReader *r, bool flag, size_t index, Ref v)
{
  if (v && flag) cd_replace(r->vm, &cd_as_list(r->refs)->items[index], cd_dup(v));
  return v;
}

static Ref read_big_int(MarshalReader *r)
{
  VM *vm = r->vm;
  int32_t count;
  if (!read_i32(r, &count)) return NO_REF;
  if (count == INT32_MIN) return cd_raise_value(vm, "bad marshal data (long size out of range)");
  size_t digits = (size_t)(count < 0 ? -count : count), size = digits * 15 / 8 + 2;
  const unsigned char *p = read_bytes(r, digits * 2);
  Ref bytes = p ? cd_bytes_new(vm, NULL, size) : NO_REF, result = NO_REF;
  if (!bytes) return NO_REF;
  unsigned char *out = (unsigned char *)cd_bytes_data(bytes);
  memset(out, 0, size);
  bool ok = true;
  for (size_t i = 0; ok && i < digits; i++) {
    uint32_t digit = p[2 * i] | (uint32_t)p[2 * i + 1] << 8;
    if (digit > 0x7FFF) ok = cd_raise_value(vm, "bad marshal data (digit out of range in long)");
    else if (digit == 0 && i + 1 == digits) ok = cd_raise_value(vm, "bad marshal data (unnormalized long data)");
    size_t at = i * 15;
    uint32_t window = digit << (at % 8);
    for (size_t k = 0; k < 3 && at / 8 + k < size; k++) out[at / 8 + k] |= (unsigned char)(window >> (8 * k));
  }
  if (ok) result = cd_int_from_bytes(vm, out, size, true, false);
  cd_drop(vm, bytes);
  if (!result || count >= 0) return result;
  Ref negative = cd_negative(vm, result);
  cd_drop(vm, result);
  return negative;
}

static bool read_double(MarshalReader *r, double *out)
{
  const unsigned char *p = read_bytes(r, 8);
  if (p) memcpy(out, p, 8);
  return p != NULL;
}

static bool read_double_text(MarshalReader *r, double *out)
{
  int n = read_byte(r);
  const unsigned char *p = n < 0 ? NULL : read_bytes(r, (size_t)n);
  if (!p) return false;
  Ref text = cd_str_decode_utf8(r->vm, (const char *)p, (size_t)n, NULL), number = text ? cd_float_from_text(r->vm, text) : NO_REF;
  if (number) *out = cd_float_value(number);
  cd_drop(r->vm, text);
  cd_drop(r->vm, number);
  return number != NO_REF;
}

static Ref read_str(MarshalReader *r, size_t size, bool interned)
{
  const unsigned char *p = read_bytes(r, size);
  if (!p) return NO_REF;
  Ref text = cd_str_decode_utf8(r->vm, (const char *)p, size, "surrogatepass");
  return text && interned ? cd_str_intern(r->vm, text) : text;
}

static Ref read_value(MarshalReader *r, bool *null);

static Ref read_item(MarshalReader *r)
{
  bool null = false;
  Ref v = read_value(r, &null);
  if (null) return cd_raise_type(r->vm, "NULL object in marshal data for object");
  return v;
}

static Ref read_tuple(MarshalReader *r, size_t count, bool flag)
{
  size_t index;
  if (!read_reserve(r, flag, &index)) return NO_REF;
  if (!cd_bits(r->file) && count > (size_t)(r->end - r->data)) return cd_raise(r->vm, r->vm->exc.EOFError, "marshal data too short");
  Ref tuple = cd_tuple_new(r->vm, count);
  for (size_t i = 0; tuple && i < count; i++) {
    Ref item = read_item(r);
    if (!item) { cd_drop(r->vm, tuple); return NO_REF; }
    cd_tuple_set(tuple, i, item);
  }
  return read_remember(r, flag, index, tuple);
}

static Ref read_list(MarshalReader *r, size_t count, bool flag)
{
  size_t index;
  Ref list = read_reserve(r, flag, &index) ? cd_list_new(r->vm) : NO_REF;
  read_remember(r, flag, index, list);
  for (size_t i = 0; list && i < count; i++) {
    Ref item = read_item(r);
    if (!item || !cd_list_append_steal(r->vm, cd_as_list(list), item)) { cd_drop(r->vm, list); return NO_REF; }
  }
  return list;
}

static Ref read_dict(MarshalReader *r, bool flag)
{
  size_t index;
  Ref dict = read_reserve(r, flag, &index) ? cd_dict_new(r->vm) : NO_REF;
  read_remember(r, flag, index, dict);
  while (dict) {
    bool null = false;
    Ref key = read_value(r, &null), value = NO_REF;
    if (null) break;
    bool ok = key && (value = read_item(r)) && cd_dict_set(r->vm, dict, key, value);
    cd_drop(r->vm, key);
    cd_drop(r->vm, value);
    if (!ok) { cd_drop(r->vm, dict); return NO_REF; }
  }
  return dict;
}

static Ref read_set(MarshalReader *r, size_t count, bool frozen, bool flag)
{
  VM *vm = r->vm;
  size_t index;
  if (!read_reserve(r, flag, &index)) return NO_REF;
  Ref set = frozen ? cd_frozenset_new(vm, NO_VALUE) : cd_set_new(vm, NO_VALUE);
  for (size_t i = 0; set && i < count; i++) {
    Ref item = read_item(r);
    bool ok = item && cd_set_add(vm, set, item);
    cd_drop(vm, item);
    if (!ok) { cd_drop(vm, set); return NO_REF; }
  }
  return read_remember(r, flag, index, set);
}

static Ref read_code(MarshalReader *r, bool flag)
{
  size_t index, size;
  if (!read_reserve(r, flag, &index) || !read_size(r, "code", &size)) return NO_REF;
  const unsigned char *p = read_bytes(r, size);
  return p ? read_remember(r, flag, index, cd_code_load(r->vm, (const char *)p, size)) : NO_REF;
}

static Ref read_reference(MarshalReader *r)
{
  int32_t n;
  if (!read_i32(r, &n)) return NO_REF;
  if (n < 0 || (size_t)n >= cd_list_size(r->refs)) return cd_raise_value(r->vm, "bad marshal data (invalid reference)");
  Value v = cd_list_item_borrow(r->refs, (size_t)n);
  return cd_is_none(v) ? cd_raise_value(r->vm, "bad marshal data (invalid reference)") : cd_dup(v);
}

static Ref read_atom(MarshalReader *r, int type)
{
  VM *vm = r->vm;
  int32_t i;
  size_t size;
  double x, y;
  int n;
  const unsigned char *p;
  switch (type) {
  case 'S': return cd_dup(cd_type_value(vm->exc.StopIteration));
  case 'i': return read_i32(r, &i) ? cd_from_small(i) : NO_REF;
  case 'I': return (p = read_bytes(r, 8)) ? cd_int_from_bytes(vm, p, 8, true, true) : NO_REF;
  case 'l': return read_big_int(r);
  case 'g': return read_double(r, &x) ? cd_float_new(vm, x) : NO_REF;
  case 'f': return read_double_text(r, &x) ? cd_float_new(vm, x) : NO_REF;
  case 'y': return read_double(r, &x) && read_double(r, &y) ? cd_complex_new(vm, x, y) : NO_REF;
  case 'x': return read_double_text(r, &x) && read_double_text(r, &y) ? cd_complex_new(vm, x, y) : NO_REF;
  case 's': return read_size(r, "bytes object", &size) && (p = read_bytes(r, size)) ? cd_bytes_new(vm, (const char *)p, size) : NO_REF;
  case 'u': case 't': case 'a': case 'A': return read_size(r, "string", &size) ? read_str(r, size, type == 't' || type == 'A') : NO_REF;
  case 'z': case 'Z': return (n = read_byte(r)) >= 0 ? read_str(r, (size_t)n, type == 'Z') : NO_REF;
  default: return cd_raise_value(vm, "bad marshal data (unknown type code)");
  }
}

static Ref read_typed(MarshalReader *r, int type, bool flag)
{
  size_t size, index;
  int n;
  switch (type) {
  case '(': return read_size(r, "tuple", &size) ? read_tuple(r, size, flag) : NO_REF;
  case ')': return (n = read_byte(r)) >= 0 ? read_tuple(r, (size_t)n, flag) : NO_REF;
  case '[': return read_size(r, "list", &size) ? read_list(r, size, flag) : NO_REF;
  case '{': return read_dict(r, flag);
  case '<': case '>': return read_size(r, "set", &size) ? read_set(r, size, type == '>', flag) : NO_REF;
  case 'c': return read_code(r, flag);
  case 'r': return read_reference(r);
  default: return read_reserve(r, flag, &index) ? read_remember(r, flag, index, read_atom(r, type)) : NO_REF;
  }
}

// *null: the mark that ends a dict; then the result is NO_REF with nothing set.
static Ref read_value(MarshalReader *r, bool *null)
{
  int code = read_byte(r);
  if (code < 0) {
    if (!cd_bits(r->file)) cd_clear_raised(r->vm), cd_raise(r->vm, r->vm->exc.EOFError, "EOF read where object expected");
    return NO_REF;
  }
  switch (code) {
  case '0': *null = true; return NO_REF;
  case 'N': return cd_none();
  case 'T': return cd_true();
  case 'F': return cd_false();
  case '.': return cd_ellipsis();
  default: break;
  }
  if (r->depth >= MARSHAL_DEPTH) return cd_raise_value(r->vm, "recursion limit exceeded");
  r->depth++;
  Ref v = read_typed(r, code & 0x7F, code & MARSHAL_REF);
  r->depth--;
  return v;
}

static Ref marshal_read(MarshalReader *r)
{
  Ref v = (r->refs = cd_list_new(r->vm)) ? read_item(r) : NO_REF;
  cd_drop(r->vm, r->refs);
  cd_drop(r->vm, r->piece);
  return v;
}

// ---- functions ----

static bool marshal_version(VM *vm, Value v, int *out)
{
  *out = MARSHAL_VERSION;
  return !cd_bits(v) || cd_to_c_int(vm, v, out);
}

FUNCTION(
  marshal, dumps, "dumps(value, version=4, /)",
  "Return the bytes that dump() would write to a file.\n\nThe value must be of a supported type; code objects are in Cede's own form.")
{
  int version;
  return marshal_version(vm, args[1], &version) ? marshal_to_bytes(vm, args[0], version) : NO_REF;
}

FUNCTION(marshal, dump, "dump(value, file, version=4, /)",
         "Write a value to a binary file.\n\nThe value must be of a supported type; code objects are in Cede's own form.")
{
  int version;
  Ref bytes = marshal_version(vm, args[2], &version) ? marshal_to_bytes(vm, args[0], version) : NO_REF;
  Ref result = bytes ? cd_call_method1(vm, args[1], N(write), bytes) : NO_REF;
  cd_drop(vm, bytes);
  return result;
}

FUNCTION(marshal, loads, "loads(bytes, /)", "Return the value that bytes from dumps() stand for; bytes behind it are ignored.")
{
  Buffer buffer;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  MarshalReader r = {.vm = vm, .data = (const unsigned char *)buffer.data, .end = (const unsigned char *)buffer.data + buffer.size};
  Ref v = marshal_read(&r);
  cd_release_buffer(vm, &buffer);
  return v;
}

FUNCTION(marshal, load, "load(file, /)", "Read one value from a binary file and return it.")
{
  Ref read = cd_getattr(vm, args[0], N(read)), data = read ? cd_call1(vm, read, cd_from_small(0)) : NO_REF;
  cd_drop(vm, read);
  if (!data) return NO_REF;
  if (!cd_is_bytes(data)) {
    cd_raise_type(vm, "file.read() returned not bytes but %T", data);
    cd_drop(vm, data);
    return NO_REF;
  }
  cd_drop(vm, data);
  MarshalReader r = {.vm = vm, .file = args[0]};
  return marshal_read(&r);
}

static const MethodDef *const marshal_functions[] = {&marshal_dumps_def, &marshal_dump_def, &marshal_loads_def, &marshal_load_def, NULL};

static bool marshal_exec(VM *vm, Value module) { return cd_module_add_int(vm, module, "version", MARSHAL_VERSION); }

const ModuleDef cd_module_marshal = {
  .name = "marshal",
  .doc = "Values as bytes, and back: the form that compiled modules are kept in.",
  .functions = marshal_functions,
  .exec = marshal_exec,
};
