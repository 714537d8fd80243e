// SPDX-License-Identifier: MIT
// _struct.c: the struct module: values to and from bytes by a format
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <math.h>

typedef struct PackerState {
  Value error;                                   // owned: struct.error
  Value cache;                                   // owned dict: format -> Struct
  Type *packer_type, *iterator_type;             // owned
} PackerState;

static inline PackerState *packer_state(VM *vm) { return cd_state(vm, MODULE__struct); }

#define PACKER_ERROR(vm, ...) cd_raise(vm, cd_as_type(packer_state(vm)->error), __VA_ARGS__)

// ---- formats ----

// A run of items of one kind: `repeat` items of `size` bytes each, at `offset`. For 's' and 'p' one item of `size` bytes.
typedef struct PackerField { char code; int64_t size, offset, repeat; } PackerField;

typedef struct Packer {
  Object head;
  Value format;                                  // bytes, owned; NO_VALUE before __init__
  int64_t size, count;                           // bytes, and values; -1 before __init__
  bool big;                                      // most significant byte first
  bool native;                                   // '@': C's conversions for 'f'
  PackerField *fields;                           // owned
  size_t field_count;
  Weakref *weaklist;
} Packer;

static inline Packer *packer_of(Value v) { return (Packer *)cd_object(v); }

// Bytes of one item, in C's sizes or in the standard ones; 0: no such code.
static int packer_code_size(char code, bool native, int *alignment)
{
  int size = 0;
  switch (code) {
  case 'x': case 'b': case 'B': case 'c': case 's': case 'p': case '?': size = 1; break;
  case 'h': case 'H': case 'e': size = 2; break;
  case 'i': case 'I': case 'f': size = 4; break;
  case 'l': case 'L': size = native ? (int)sizeof(long) : 4; break;
  case 'q': case 'Q': case 'd': size = 8; break;
  case 'n': case 'N': case 'P': size = native ? (int)sizeof(void *) : 0; break;
  default: break;
  }
  *alignment = native ? size : 1;                // types of the usual machines are aligned to their size
  return size;
}

// The format's first character. Returns the rest.
static const char *packer_read_order(const char *p, bool *big, bool *native)
{
  bool machine_is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
  *native = *p != '<' && *p != '>' && *p != '!' && *p != '=';
  *big = *p == '>' || *p == '!' || ((*native || *p == '=') && machine_is_big);
  return *native && *p != '@' ? p : p + 1;
}

static bool packer_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Calls for each field; fields NULL only counts them. false: exception.
static bool packer_parse(VM *vm, const char *text, Packer *out, PackerField *fields, size_t *field_count)
{
  const char *p = packer_read_order(text, &out->big, &out->native);
  int64_t size = 0, values = 0;
  size_t n = 0;
  while (*p) {
    if (packer_is_space(*p)) { p++; continue; }
    int64_t repeat = 1, bytes;
    if (*p >= '0' && *p <= '9') {
      repeat = 0;
      for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(repeat, 10, &repeat) || __builtin_add_overflow(repeat, *p - '0', &repeat)) goto too_long;
      if (!*p) return PACKER_ERROR(vm, "repeat count given without format specifier");
    }
    int alignment, item = packer_code_size(*p, out->native, &alignment);
    if (!item) return PACKER_ERROR(vm, "bad char in struct format");
    int64_t rest = size % alignment;
    if (rest && __builtin_add_overflow(size, alignment - rest, &size)) goto too_long;
    bool text_code = *p == 's' || *p == 'p';
    if (*p != 'x' && (repeat || text_code)) {
      if (fields) fields[n] = (PackerField){*p, text_code ? repeat : item, size, text_code ? 1 : repeat};
      n++;
      values += text_code ? 1 : repeat;
    }
    if (__builtin_mul_overflow(repeat, item, &bytes) || __builtin_add_overflow(size, bytes, &size)) goto too_long;
    p++;
  }
  out->size = size;
  out->count = values;
  *field_count = n;
  return true;
too_long:
  return PACKER_ERROR(vm, "total struct size too long");
}

static bool packer_compile(VM *vm, Packer *s, Value format_bytes)
{
  const char *text = cd_bytes_data(format_bytes);
  Packer parsed = {0};
  size_t count;
  if (strlen(text) != cd_bytes_size(format_bytes)) return PACKER_ERROR(vm, "embedded null character");
  if (!packer_parse(vm, text, &parsed, NULL, &count)) return false;
  PackerField *fields = cd_alloc_array(vm, count, sizeof *fields);
  if (!fields) return false;
  if (!packer_parse(vm, text, &parsed, fields, &count)) {
    cd_free(vm, fields, count * sizeof *fields);
    return false;
  }
  cd_free(vm, s->fields, s->field_count * sizeof *fields);
  s->fields = fields;
  s->field_count = count;
  s->size = parsed.size;
  s->count = parsed.count;
  s->big = parsed.big;
  s->native = parsed.native;
  cd_replace(vm, &s->format, cd_dup(format_bytes));
  return true;
}

// ---- packing ----

static inline void packer_put_word(unsigned char *out, uint64_t word, int64_t size, bool big)
{
  for (int64_t i = 0; i < size; i++, word >>= 8) out[big ? size - 1 - i : i] = (unsigned char)word;
}

static inline uint64_t packer_get_word(const unsigned char *p, int64_t size, bool big)
{
  uint64_t word = 0;
  for (int64_t i = 0; i < size; i++) word = word << 8 | p[big ? i : size - 1 - i];
  return word;
}

// An exact int, from an int or __index__.
static Ref packer_integer(VM *vm, Value v)
{
  if (cd_is_small(v)) return cd_dup(v);
  if (!cd_has_index(vm, v)) return PACKER_ERROR(vm, "required argument is not an integer");
  return cd_index(vm, v);
}

static bool packer_range(VM *vm, char code, int64_t size)
{
  switch (code) {
  case 'b': return PACKER_ERROR(vm, "byte format requires -128 <= number <= 127");
  case 'B': return PACKER_ERROR(vm, "ubyte format requires 0 <= number <= 255");
  case 'h': return PACKER_ERROR(vm, "short format requires -32768 <= number <= 32767");
  case 'H': return PACKER_ERROR(vm, "ushort format requires 0 <= number <= 65535");
  case 'I':
  case 'L': return PACKER_ERROR(vm, "'%c' format requires 0 <= number <= %llu", code, (unsigned long long)UINT64_MAX >> (64 - 8 * size));
  default: {
    long long limit = (long long)(INT64_MAX >> (64 - 8 * size));
    return PACKER_ERROR(vm, "'%c' format requires %lld <= number <= %lld", code, -limit - 1, limit);
  }
  }
}

static bool packer_pack_signed(VM *vm, Value v, char code, int64_t size, int64_t low, int64_t high, uint64_t *out)
{
  int64_t i;
  Ref number = packer_integer(vm, v);
  if (!number) return false;
  bool fits = cd_int_fits_i64(number, &i);
  cd_drop(vm, number);
  if (!fits) return PACKER_ERROR(vm, "argument out of range");
  if (i < low || i > high) return packer_range(vm, code, size);
  *out = (uint64_t)i;
  return true;
}

static bool packer_pack_unsigned(VM *vm, Value v, char code, int64_t size, uint64_t *out)
{
  Ref number = packer_integer(vm, v);
  if (!number) return false;
  bool fits = cd_int_fits_u64(number, out);
  cd_drop(vm, number);
  if (!fits) return PACKER_ERROR(vm, "argument out of range");
  return size == 8 || *out >> (8 * size) == 0 || packer_range(vm, code, size);
}

static bool packer_pack_pointer(VM *vm, Value v, uint64_t *out)
{
  int64_t i;
  Ref number = packer_integer(vm, v);
  if (!number) return false;
  bool fits = cd_int_fits_i64(number, &i);
  if (fits) *out = (uint64_t)i;
  else fits = cd_int_fits_u64(number, out);
  cd_drop(vm, number);
  return fits || PACKER_ERROR(vm, "int too large to convert");
}

// Half precision, rounded half to even. false: too large.
static bool packer_half_bits(double x, uint64_t *out)
{
  uint64_t sign = signbit(x) ? 0x8000 : 0;
  x = fabs(x);
  if (isnan(x)) { *out = sign | 0x7E00; return true; }
  if (isinf(x)) { *out = sign | 0x7C00; return true; }
  int exponent;
  frexp(x, &exponent);
  if (x == 0) exponent = -13;
  if (exponent < -13) exponent = -13;            // subnormal: multiples of 2**-24
  double scaled = rint(ldexp(x, 11 - exponent)); // below 2**11, the hidden bit is worth 2**10; exact but for the rounding
  uint64_t bits = (uint64_t)scaled + ((uint64_t)(exponent + 13) << 10);    // a carry moves on to the exponent
  if (bits >= 0x7C00) return false;
  *out = sign | bits;
  return true;
}

static double packer_half_value(uint64_t bits)
{
  int exponent = (int)(bits >> 10 & 0x1F);
  double fraction = (double)(bits & 0x3FF), x;
  if (exponent == 0x1F) x = fraction ? NAN : HUGE_VAL;
  else if (exponent == 0) x = ldexp(fraction, -24);
  else x = ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -x : x;
}

static bool packer_pack_float(VM *vm, const Packer *s, Value v, char code, uint64_t *out)
{
  double x;
  if (cd_is_flonum(v)) {
    x = cd_flonum(v);
  } else if (!cd_to_double(vm, v, &x)) {
    cd_clear_raised(vm);
    return PACKER_ERROR(vm, "required argument is not a float");
  }
  bool fits = true;
  if (code == 'd') {
    memcpy(out, &x, 8);
  } else if (code == 'f') {
    float y = (float)x;
    uint32_t bits;
    memcpy(&bits, &y, 4);
    *out = bits;
    fits = s->native || !isinf(y) || isinf(x);
  } else {
    fits = packer_half_bits(x, out);
  }
  if (fits) return true;
  if (cd_is_int(v)) return PACKER_ERROR(vm, "int too large to convert");
  return cd_raise_overflow(vm, "float too large to pack with %c format", code);
}

static bool packer_pack_text(VM *vm, Value v, const PackerField *field, unsigned char *out)
{
  if (!cd_is_bytes(v) && !cd_is_bytearray(v)) return PACKER_ERROR(vm, "argument for '%c' must be a bytes object", field->code);
  const char *data = cd_is_bytes(v) ? cd_bytes_data(v) : cd_as_bytearray(v)->data;
  int64_t size = (int64_t)(cd_is_bytes(v) ? cd_bytes_size(v) : cd_as_bytearray(v)->size), room = field->size;
  if (field->code == 'p') {                      // a count byte first
    if (room == 0) return true;
    room--;
    if (size > room) size = room;
    *out++ = (unsigned char)(size > 255 ? 255 : size);
  }
  if (size > room) size = room;
  if (size > 0) memcpy(out, data, (size_t)size);
  return true;
}

static bool packer_pack_item(VM *vm, const Packer *s, const PackerField *field, Value v, unsigned char *out)
{
  uint64_t word = 0;
  int64_t size = field->size;
  bool truth, ok;
  switch (field->code) {
  case 'b': ok = packer_pack_signed(vm, v, 'b', size, INT8_MIN, INT8_MAX, &word); break;
  case 'B': ok = packer_pack_signed(vm, v, 'B', size, 0, UINT8_MAX, &word); break;
  case 'h': ok = packer_pack_signed(vm, v, 'h', size, INT16_MIN, INT16_MAX, &word); break;
  case 'H': ok = packer_pack_signed(vm, v, 'H', size, 0, UINT16_MAX, &word); break;
  case 'i': case 'l': case 'q': case 'n':
    ok = packer_pack_signed(vm, v, field->code, size, size == 4 ? INT32_MIN : INT64_MIN, size == 4 ? INT32_MAX : INT64_MAX, &word);
    break;
  case 'I': case 'L': case 'Q': case 'N': ok = packer_pack_unsigned(vm, v, field->code, size, &word); break;
  case 'P': ok = packer_pack_pointer(vm, v, &word); break;
  case 'e': case 'f': case 'd': ok = packer_pack_float(vm, s, v, field->code, &word); break;
  case '?':
    ok = cd_truth(vm, v, &truth);
    word = ok && truth;
    break;
  case 'c':
    if (!cd_is_bytes(v) || cd_bytes_size(v) != 1) return PACKER_ERROR(vm, "char format requires a bytes object of length 1");
    *out = (unsigned char)*cd_bytes_data(v);
    return true;
  default: return packer_pack_text(vm, v, field, out);
  }
  if (ok) packer_put_word(out, word, size, s->big);
  return ok;
}

// All values into a zeroed buffer; nargs == s->count. Conversions run Python, which must not reinitialise the struct under us, so the
// fields are copied when there are few, and the count is checked otherwise.
static bool packer_pack_all(VM *vm, Packer *s, const Value *args, unsigned char *out)
{
  const PackerField *fields = s->fields;
  for (size_t i = 0, n = s->field_count; i < n; i++)
    for (int64_t k = 0; k < fields[i].repeat; k++) {
      if (!packer_pack_item(vm, s, &fields[i], *args++, out + fields[i].offset + k * fields[i].size)) return false;
      if (UNLIKELY(s->fields != fields)) return cd_raise_runtime(vm, "Struct was initialized again while packing");
    }
  return true;
}

static Ref packer_pack_values(VM *vm, Value self, const Value *args, size_t nargs)
{
  Packer *s = packer_of(self);
  if ((int64_t)nargs != s->count)
    return PACKER_ERROR(vm, "pack expected %lld items for packing (got %zd)", (long long)s->count, (int64_t)nargs);
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)s->size);
  if (!bytes) return NO_REF;
  memset(cd_bytes_data(bytes), 0, (size_t)s->size);
  if (packer_pack_all(vm, s, args, (unsigned char *)cd_bytes_data(bytes))) return bytes;
  cd_drop(vm, bytes);
  return NO_REF;
}

static bool packer_pack_into_buffer(VM *vm, Packer *s, const Buffer *buffer, int64_t offset, const Value *args)
{
  if (offset < 0) {
    if (offset + s->size > 0) return PACKER_ERROR(vm, "no space to pack %lld bytes at offset %lld", (long long)s->size, (long long)offset);
    if (offset + buffer->size < 0)
      return PACKER_ERROR(vm, "offset %lld out of range for %lld-byte buffer", (long long)offset, (long long)buffer->size);
    offset += buffer->size;
  }
  if (buffer->size - offset < s->size)
    return PACKER_ERROR(
      vm, "pack_into requires a buffer of at least %llu bytes for packing %lld bytes at offset %lld (actual buffer size is %lld)",
      (unsigned long long)s->size + (unsigned long long)offset, (long long)s->size, (long long)offset, (long long)buffer->size);
  memset(buffer->data + offset, 0, (size_t)s->size);
  return packer_pack_all(vm, s, args, (unsigned char *)buffer->data + offset);
}

static Ref packer_pack_into_values(VM *vm, Value self, const Value *args, size_t nargs)
{
  Packer *s = packer_of(self);
  int64_t offset;
  Buffer buffer;
  if (nargs == 0) return PACKER_ERROR(vm, "pack_into expected buffer argument");
  if (nargs == 1) return PACKER_ERROR(vm, "pack_into expected offset argument");
  if ((int64_t)nargs - 2 != s->count)
    return PACKER_ERROR(vm, "pack_into expected %lld items for packing (got %zd)", (long long)s->count, (int64_t)nargs - 2);
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_WRITABLE)) {
    cd_clear_raised(vm);
    return cd_raise_type(vm, "argument must be read-write bytes-like object, not %T", args[0]);
  }
  bool ok = cd_to_i64(vm, args[1], &offset, vm->exc.IndexError) && packer_pack_into_buffer(vm, s, &buffer, offset, args + 2);
  cd_release_buffer(vm, &buffer);
  return ok ? cd_none() : NO_REF;
}

// ---- unpacking ----

static Ref packer_unpack_text(VM *vm, const PackerField *field, const unsigned char *p)
{
  int64_t size = field->size;
  if (field->code == 'p') {
    if (size == 0) return cd_bytes_new(vm, "", 0);
    int64_t count = *p++;
    size = count < size ? count : size - 1;
  }
  return cd_bytes_new(vm, (const char *)p, (size_t)size);
}

static Ref packer_unpack_item(VM *vm, const Packer *s, const PackerField *field, const unsigned char *p)
{
  int64_t size = field->size;
  switch (field->code) {
  case 'c': return cd_bytes_new(vm, (const char *)p, 1);
  case 's': case 'p': return packer_unpack_text(vm, field, p);
  default: break;
  }
  uint64_t word = packer_get_word(p, size, s->big);
  switch (field->code) {
  case '?': return cd_bool(word != 0);
  case 'b': case 'h': case 'i': case 'l': case 'q': case 'n': {
    int shift = (int)(64 - 8 * size);
    return cd_int_from_i64(vm, (int64_t)(word << shift) >> shift);
  }
  case 'e': return cd_float_new(vm, packer_half_value(word));
  case 'f': {
    uint32_t bits = (uint32_t)word;
    float x;
    memcpy(&x, &bits, 4);
    return cd_float_new(vm, x);
  }
  case 'd': {
    double x;
    memcpy(&x, &word, 8);
    return cd_float_new(vm, x);
  }
  default: return cd_int_from_u64(vm, word);
  }
}

static Ref packer_unpack_all(VM *vm, const Packer *s, const char *data)
{
  Ref tuple = cd_tuple_new(vm, (size_t)s->count);
  if (!tuple) return NO_REF;
  size_t n = 0;
  for (size_t i = 0; i < s->field_count; i++) {
    const PackerField *field = &s->fields[i];
    for (int64_t k = 0; k < field->repeat; k++) {
      Ref item = packer_unpack_item(vm, s, field, (const unsigned char *)data + field->offset + k * field->size);
      if (!item) { cd_drop(vm, tuple); return NO_REF; }
      cd_tuple_set(tuple, n++, item);
    }
  }
  return tuple;
}

static Ref packer_unpack_value(VM *vm, Value self, Value data)
{
  const Packer *s = packer_of(self);
  Buffer buffer;
  if (s->size < 0) return PACKER_ERROR(vm, "unpack requires a buffer of %lld bytes", (long long)s->size);
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = NO_REF;
  if (buffer.size != s->size) PACKER_ERROR(vm, "unpack requires a buffer of %lld bytes", (long long)s->size);
  else result = packer_unpack_all(vm, s, buffer.data);
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref packer_unpack_at(VM *vm, const Packer *s, const Buffer *buffer, int64_t offset)
{
  if (offset < 0) {
    if (offset + s->size > 0)
      return PACKER_ERROR(vm, "not enough data to unpack %lld bytes at offset %lld", (long long)s->size, (long long)offset);
    if (offset + buffer->size < 0)
      return PACKER_ERROR(vm, "offset %lld out of range for %lld-byte buffer", (long long)offset, (long long)buffer->size);
    offset += buffer->size;
  }
  if (buffer->size - offset < s->size)
    return PACKER_ERROR(
      vm, "unpack_from requires a buffer of at least %llu bytes for unpacking %lld bytes at offset %lld (actual buffer size is %lld)",
      (unsigned long long)s->size + (unsigned long long)offset, (long long)s->size, (long long)offset, (long long)buffer->size);
  return packer_unpack_all(vm, s, buffer->data + offset);
}

static Ref packer_unpack_from_value(VM *vm, Value self, Value data, Value offset_value)
{
  const Packer *s = packer_of(self);
  int64_t offset = 0;
  Buffer buffer;
  if (cd_bits(offset_value) && !cd_to_i64(vm, offset_value, &offset, vm->exc.OverflowError)) return NO_REF;
  if (s->size < 0) return PACKER_ERROR(vm, "Struct is not initialized");
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = packer_unpack_at(vm, s, &buffer, offset);
  cd_release_buffer(vm, &buffer);
  return result;
}

// ---- iter_unpack ----

typedef struct PackerIterator {
  Object head;
  Value owner;                                   // owned Struct; NO_VALUE: exhausted
  Buffer buffer;
  int64_t offset;
} PackerIterator;

static inline PackerIterator *packer_iterator_of(Value v) { return (PackerIterator *)cd_object(v); }

static Ref packer_iterate(VM *vm, Value self, Value data)
{
  const Packer *s = packer_of(self);
  if (s->size <= 0) return PACKER_ERROR(vm, "cannot iteratively unpack with a struct of length %lld", (long long)s->size);
  PackerIterator *it = cd_object_new(vm, packer_state(vm)->iterator_type, sizeof *it);
  if (!it) return NO_REF;
  Ref result = cd_from_object(it);
  if (!cd_get_buffer(vm, data, &it->buffer, BUFFER_SIMPLE)) { it->buffer.owner = NO_VALUE; cd_drop(vm, result); return NO_REF; }
  it->owner = cd_dup(self);
  if (it->buffer.size % s->size == 0) return result;
  PACKER_ERROR(vm, "iterative unpacking requires a buffer of a multiple of %lld bytes", (long long)s->size);
  cd_drop(vm, result);
  return NO_REF;
}

static void packer_iterator_finish(VM *vm, PackerIterator *it)
{
  if (cd_bits(it->buffer.owner)) cd_release_buffer(vm, &it->buffer);
  it->buffer.owner = NO_VALUE;
  cd_clear(vm, &it->owner);
}

static void packer_iterator_release(VM *vm, Object *self) { packer_iterator_finish(vm, (PackerIterator *)self); }

static void packer_iterator_traverse(Object *self, VisitFn visit, void *context)
{
  PackerIterator *it = (PackerIterator *)self;
  visit(context, it->owner);
  visit(context, it->buffer.owner);
}

static Next packer_iterator_next(VM *vm, Value self, Ref *out)
{
  PackerIterator *it = packer_iterator_of(self);
  if (!cd_bits(it->owner)) return NEXT_DONE;
  const Packer *s = packer_of(it->owner);
  if (it->offset >= it->buffer.size || s->size > it->buffer.size - it->offset) {
    packer_iterator_finish(vm, it);
    return NEXT_DONE;
  }
  *out = packer_unpack_all(vm, s, it->buffer.data + it->offset);
  it->offset += s->size;
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

METHOD_DEF_(packer_iterator___length_hint__, "__length_hint__", "__length_hint__(self)", NULL, METHOD_NO_SIGNATURE)
{
  const PackerIterator *it = packer_iterator_of(self);
  return cd_from_small(cd_bits(it->owner) ? (it->buffer.size - it->offset) / packer_of(it->owner)->size : 0);
}

static const MethodDef *const packer_iterator_methods[] = {&packer_iterator___length_hint___def, NULL};

static const TypeSpec packer_iterator_spec = {
  .name = "_struct.unpack_iterator",
  .basicsize = sizeof(PackerIterator),
  .flags = TYPE_GC | TYPE_IMMUTABLE | TYPE_NO_NEW,
  .methods = packer_iterator_methods,
  .slots = {.release = packer_iterator_release, .traverse = packer_iterator_traverse, .iter = cd_self_iter, .next = packer_iterator_next},
};

// ---- Struct ----

static Ref packer_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Packer *s = cd_instance_new(vm, type);
  if (!s) return NO_REF;
  s->size = s->count = -1;
  return cd_from_object(s);
}

static bool packer_initialise(VM *vm, Value self, Value format)
{
  Ref text = cd_is_str(format) ? cd_encode(vm, format, "ascii", NULL) : cd_is_bytes(format) ? cd_dup(format) : NO_REF;
  if (!text)
    return cd_raised(vm)
             ? false
             : cd_raise_type(vm, "Struct() argument 1 must be a str or bytes object, not %.200s", cd_type_name(cd_type_of(vm, format)));
  bool ok = packer_compile(vm, packer_of(self), text);
  cd_drop(vm, text);
  return ok;
}

static bool packer_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[1];
  Ref owned[2] = {NO_REF, NO_REF};
  return cd_bind_text(vm, "Struct(format)", args, nargs, kwnames, bound, owned) && packer_initialise(vm, self, bound[0]);
}

static void packer_release(VM *vm, Object *self)
{
  Packer *s = (Packer *)self;
  cd_free(vm, s->fields, s->field_count * sizeof *s->fields);
  cd_clear(vm, &s->format);
}

METHOD_DEF_RAW_(packer_pack_method, "pack", "pack(self, *args)",
                "S.pack(v1, v2, ...) -> bytes\n\nReturn a bytes object with the values, packed by the format of S. See help(struct).",
                METHOD_NO_SIGNATURE)
{
  return cd_no_keywords(vm, "Struct.pack", kwnames) ? packer_pack_values(vm, self, args, nargs) : NO_REF;
}
METHOD_DEF_RAW_(packer_pack_into_method, "pack_into", "pack_into(self, *args)",
                "S.pack_into(buffer, offset, v1, v2, ...)\n\nPack the values by the format of S into the writable buffer, starting at "
                "offset. See help(struct).",
                METHOD_NO_SIGNATURE)
{
  return cd_no_keywords(vm, "Struct.pack_into", kwnames) ? packer_pack_into_values(vm, self, args, nargs) : NO_REF;
}
METHOD_DEF_(packer_unpack_method, "unpack", "unpack(self, buffer, /)",
            "The values, in a tuple.\n\nThe buffer is exactly Struct.size bytes long. See help(struct).", 0)
{
  return packer_unpack_value(vm, self, args[0]);
}
METHOD_DEF_(packer_unpack_from_method, "unpack_from", "unpack_from(self, /, buffer, offset=0)",
            "Return a tuple containing unpacked values, from offset on.\n\nThe buffer must hold at least Struct.size bytes from there. See "
            "help(struct).",
            0)
{
  return packer_unpack_from_value(vm, self, args[0], args[1]);
}
METHOD_DEF_(
  packer_iter_unpack_method, "iter_unpack", "iter_unpack(self, buffer, /)",
  "Return an iterator over tuples of unpacked values.\n\nThe buffer's size in bytes must be a multiple of Struct.size. See help(struct).",
  0)
{
  return packer_iterate(vm, self, args[0]);
}
METHOD_DEF_(packer___sizeof__, "__sizeof__", "__sizeof__(self)", "S.__sizeof__() -> bytes that S takes", METHOD_NO_SIGNATURE)
{
  return cd_from_small((int64_t)(cd_object_size(cd_object(self)) + packer_of(self)->field_count * sizeof(PackerField)));
}

static Ref packer_get_format(VM *vm, Value self)
{
  Value format = packer_of(self)->format;
  return cd_bits(format) ? cd_str_ascii(vm, cd_bytes_data(format), cd_bytes_size(format)) : cd_none();
}
static Ref packer_get_size(VM *vm, Value self) { return cd_int_from_i64(vm, packer_of(self)->size); }

static const GetSetDef packer_getset[] = {
  {"format", "struct format string", packer_get_format, NULL},
  {"size", "struct size in bytes", packer_get_size, NULL},
  {0},
};

static const MethodDef *const packer_methods[] = {
  &packer_iter_unpack_method_def,
  &packer_pack_method_def,
  &packer_pack_into_method_def,
  &packer_unpack_method_def,
  &packer_unpack_from_method_def,
  &packer___sizeof___def,
  NULL,
};

static const TypeSpec packer_spec = {
  .name = "_struct.Struct",
  .doc = "Struct(fmt) --> compiled struct object\n",
  .basicsize = sizeof(Packer),
  .flags = TYPE_BASE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Packer, weaklist),
  .methods = packer_methods,
  .getset = packer_getset,
  .slots = {.release = packer_release, .new_ = packer_new_slot, .init = packer_init_slot},
};

// ---- the module's functions ----

enum { PACKER_CACHE_SIZE = 100 };

// The Struct for a format, from the cache if possible.
static Ref packer_for_format(VM *vm, Value format)
{
  PackerState *state = packer_state(vm);
  Ref found;
  switch (cd_dict_find(vm, state->cache, format, &found)) {
  case FIND_HIT: return found;
  case FIND_ERROR: return NO_REF;
  default: break;
  }
  Ref made = packer_new_slot(vm, state->packer_type, NULL, 0, NO_VALUE);
  if (!made) return NO_REF;
  if (!packer_initialise(vm, made, format)) goto fail;
  if (cd_dict_count(state->cache) >= PACKER_CACHE_SIZE) cd_dict_clear(vm, state->cache);
  if (!cd_dict_set(vm, state->cache, format, made)) goto fail;
  return made;
fail:
  cd_drop(vm, made);
  return NO_REF;
}

FUNCTION(_struct, _clearcache, "_clearcache()", "Clear the internal cache.")
{
  cd_dict_clear(vm, packer_state(vm)->cache);
  return cd_none();
}

FUNCTION(_struct, calcsize, "calcsize(format, /)", "How many bytes the format describes.")
{
  Ref s = packer_for_format(vm, args[0]), size = s ? cd_int_from_i64(vm, packer_of(s)->size) : NO_REF;
  cd_drop(vm, s);
  return size;
}

METHOD_DEF_RAW_(packer_pack_function, "pack", "pack(format, *args)",
                "pack(format, v1, v2, ...) -> bytes\n\nReturn a bytes object with the values, packed by the format. See help(struct).",
                METHOD_NO_SIGNATURE)
{
  if (!cd_no_keywords(vm, "_struct.pack", kwnames)) return NO_REF;
  if (nargs == 0) return cd_raise_type(vm, "missing format argument");
  Ref s = packer_for_format(vm, args[0]), result = s ? packer_pack_values(vm, s, args + 1, nargs - 1) : NO_REF;
  cd_drop(vm, s);
  return result;
}

METHOD_DEF_RAW_(packer_pack_into_function, "pack_into", "pack_into(format, *args)",
                "pack_into(format, buffer, offset, v1, v2, ...)\n\nPack the values by the format into the writable buffer, starting at "
                "offset. See help(struct).",
                METHOD_NO_SIGNATURE)
{
  if (!cd_no_keywords(vm, "_struct.pack_into", kwnames)) return NO_REF;
  if (nargs == 0) return cd_raise_type(vm, "missing format argument");
  Ref s = packer_for_format(vm, args[0]), result = s ? packer_pack_into_values(vm, s, args + 1, nargs - 1) : NO_REF;
  cd_drop(vm, s);
  return result;
}

FUNCTION(_struct, unpack, "unpack(format, buffer, /)",
         "The values in the buffer, as the format describes them, in a tuple.\n\nThe buffer is exactly calcsize(format) bytes long. See "
         "help(struct).")
{
  Ref s = packer_for_format(vm, args[0]), result = s ? packer_unpack_value(vm, s, args[1]) : NO_REF;
  cd_drop(vm, s);
  return result;
}

FUNCTION(_struct, unpack_from, "unpack_from(format, /, buffer, offset=0)",
         "Return a tuple containing values unpacked according to the format string, from offset on.\n\nThe buffer must hold at least "
         "calcsize(format) bytes from there. "
         "See help(struct).")
{
  Ref s = packer_for_format(vm, args[0]), result = s ? packer_unpack_from_value(vm, s, args[1], args[2]) : NO_REF;
  cd_drop(vm, s);
  return result;
}

FUNCTION(_struct, iter_unpack, "iter_unpack(format, buffer, /)",
         "Return an iterator over tuples of values unpacked according to the format string.\n\nThe buffer's size in bytes must be a "
         "multiple of calcsize(format). See "
         "help(struct).")
{
  Ref s = packer_for_format(vm, args[0]), result = s ? packer_iterate(vm, s, args[1]) : NO_REF;
  cd_drop(vm, s);
  return result;
}

static bool packer_exec(VM *vm, Value module)
{
  PackerState *state = packer_state(vm);
  if (!cd_bits(state->cache) && !(state->cache = cd_dict_new(vm))) return false;
  if (!cd_bits(state->error) && !(state->error = cd_exception_type_new(vm, "struct.error", NULL, cd_type_value(vm->exc.Exception))))
    return false;
  if (!state->packer_type && !(state->packer_type = cd_type_from_spec(vm, &packer_spec, NO_VALUE))) return false;
  if (!state->iterator_type && !(state->iterator_type = cd_type_from_spec(vm, &packer_iterator_spec, NO_VALUE))) return false;
  return cd_module_add(vm, module, "Struct", cd_dup_object(state->packer_type)) && cd_module_add(vm, module, "error", cd_dup(state->error));
}

static void packer_state_traverse(void *p, VisitFn visit, void *context)
{
  PackerState *state = p;
  visit(context, state->error);
  visit(context, state->cache);
  visit(context, cd_type_value(state->packer_type));
  visit(context, cd_type_value(state->iterator_type));
}

static void packer_state_clear(VM *vm, void *p)
{
  PackerState old = *(PackerState *)p;
  memset(p, 0, sizeof old);
  cd_drop(vm, cd_from_bits(cd_bits(old.error)));
  cd_drop(vm, cd_from_bits(cd_bits(old.cache)));
  cd_drop_object(vm, old.packer_type);
  cd_drop_object(vm, old.iterator_type);
}

static const MethodDef *const packer_functions[] = {
  &_struct__clearcache_def, &_struct_calcsize_def, &_struct_iter_unpack_def, &packer_pack_function_def, &packer_pack_into_function_def,
  &_struct_unpack_def, &_struct_unpack_from_def, NULL,
};

const ModuleDef cd_module__struct = {
  .name = "_struct",
  .doc = "Packs Python values into the bytes of C structures, and unpacks them. The bytes\nof a C struct are a bytes object here; a "
         "format string describes their layout.\n\nThe first character may choose byte order, sizes and alignment:\n  @: native order, "
         "sizes and alignment (if nothing is said)\n  =: native order, std. size & alignment\n  <: little-endian, std. size & alignment\n"
         "  >: big-endian, std. size & alignment\n  !: same as >\n\nThe others name types, each possibly after a repeat count:\n  x: pad "
         "byte (no data); c:char; b:signed byte; B:unsigned byte;\n  ?: _Bool; h:short; H:unsigned short; i:int; I:unsigned int;\n  "
         "l:long; L:unsigned long; q:long long; Q:unsigned long long;\n  e:half-float; f:float; d:double.\nHere the count is a length in "
         "bytes:\n  s:string (array of char); p: pascal string (with count byte).\nNative format only:\n  n:ssize_t; N:size_t; P:an "
         "integer as wide as a pointer.\nSpaces between them are ignored.\n\nWhat goes wrong raises struct.error.\n",
  .functions = packer_functions,
  .state_size = sizeof(PackerState),
  .exec = packer_exec,
  .traverse = packer_state_traverse,
  .clear = packer_state_clear,
};
