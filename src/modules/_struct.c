// SPDX-License-Identifier: MIT
// _struct.c: values to and from packed bytes (library reference, "struct")
#include "modules/module_list.h"

#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <ctype.h>
#include <math.h>

// One run of a format: `count` values of a code, `size` bytes each, from `offset` on. For 's' and 'p' count is 1 and size the length.
typedef struct StructItem {
  char code;
  uint8_t kind;
  int64_t offset, size, count;
} StructItem;

typedef struct Struct {
  Object head;
  Weakref *weaklist;
  Value format;                                  // owned str
  StructItem *items;
  size_t item_count;
  int64_t size, value_count;
  bool little, ready;
} Struct;

typedef struct StructUnpacker { Object head; Value layout; Buffer buffer; int64_t offset; } StructUnpacker;   // layout owned; NO_VALUE: exhausted

typedef struct StructState {
  Type *layout, *unpacker;
  Value error;                                   // owned
  Value cache;                                   // owned dict: format -> Struct
} StructState;

static inline StructState *struct_state(VM *vm) { return cd_state(vm, MODULE__struct); }
static Struct *as_struct(Value v) { return (Struct *)cd_object(v); }
#define STRUCT_ERROR(...) cd_raise(vm, cd_as_type(struct_state(vm)->error), __VA_ARGS__)

// ---- formats ----

enum { KIND_PAD, KIND_SIGNED, KIND_UNSIGNED, KIND_BOOL, KIND_CHAR, KIND_STRING, KIND_PASCAL, KIND_HALF, KIND_FLOAT, KIND_DOUBLE };
typedef struct CodeInfo { char code; uint8_t kind; int8_t native_size, standard_size; } CodeInfo;   // standard_size 0: native mode only
static const CodeInfo code_table[] = {
  {'x', KIND_PAD, 1, 1}, {'b', KIND_SIGNED, 1, 1}, {'B', KIND_UNSIGNED, 1, 1}, {'c', KIND_CHAR, 1, 1}, {'s', KIND_STRING, 1, 1}, {'p', KIND_PASCAL, 1, 1},
  {'h', KIND_SIGNED, 2, 2}, {'H', KIND_UNSIGNED, 2, 2}, {'i', KIND_SIGNED, 4, 4}, {'I', KIND_UNSIGNED, 4, 4}, {'l', KIND_SIGNED, 8, 4},
  {'L', KIND_UNSIGNED, 8, 4}, {'q', KIND_SIGNED, 8, 8}, {'Q', KIND_UNSIGNED, 8, 8}, {'n', KIND_SIGNED, 8, 0}, {'N', KIND_UNSIGNED, 8, 0},
  {'P', KIND_UNSIGNED, 8, 0}, {'?', KIND_BOOL, 1, 1}, {'e', KIND_HALF, 2, 2}, {'f', KIND_FLOAT, 4, 4}, {'d', KIND_DOUBLE, 8, 8}};

static const CodeInfo *code_find(char code, bool native)
{
  for (size_t i = 0; i < ARRAY_LEN(code_table); i++)
    if (code_table[i].code == code) return native || code_table[i].standard_size ? &code_table[i] : NULL;
  return NULL;
}

// One pass over the format: counts, or fills s->items when they are allocated.
static bool format_scan(VM *vm, Struct *s, const char *text, size_t length, bool native, bool align)
{
  const char *p = text, *end = text + length;
  int64_t size = 0, values = 0;
  size_t items = 0;
  while (p < end) {
    if (isspace((unsigned char)*p)) { p++; continue; }
    int64_t count = 1;
    bool counted = isdigit((unsigned char)*p);
    if (counted) {
      for (count = 0; p < end && isdigit((unsigned char)*p); p++)
        if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, *p - '0', &count)) return STRUCT_ERROR("total struct size too long");
      if (p == end) return STRUCT_ERROR("repeat count given without format specifier");
    }
    const CodeInfo *info = code_find(*p++, native);
    if (!info) return STRUCT_ERROR("bad char in struct format");
    int64_t unit = native ? info->native_size : info->standard_size;
    if (align && unit > 1) {
      int64_t more = (unit - size % unit) % unit;
      if (__builtin_add_overflow(size, more, &size)) return STRUCT_ERROR("total struct size too long");
    }
    bool text_item = info->kind == KIND_STRING || info->kind == KIND_PASCAL;
    int64_t bytes;
    if (__builtin_mul_overflow(count, unit, &bytes) || bytes > INT64_MAX / 2 - size) return STRUCT_ERROR("total struct size too long");
    if (info->kind != KIND_PAD && (text_item || count)) {
      if (s->items) s->items[items] = (StructItem){info->code, info->kind, size, text_item ? bytes : unit, text_item ? 1 : count};
      items++;
      values += text_item ? 1 : count;
    }
    size += bytes;
  }
  s->item_count = items;
  s->size = size;
  s->value_count = values;
  return true;
}

static bool struct_parse(VM *vm, Struct *s, const char *text, size_t length)
{
  bool native = true, align = true;
  s->little = true;
  if (length && strchr("@=<>!", text[0])) {
    align = native = text[0] == '@';
    s->little = text[0] != '>' && text[0] != '!';
    text++;
    length--;
  }
  if (memchr(text, 0, length)) return STRUCT_ERROR("embedded null character");
  s->items = NULL;
  if (!format_scan(vm, s, text, length, native, align)) return false;
  if (!(s->items = cd_alloc_array(vm, s->item_count, sizeof *s->items))) return false;
  return format_scan(vm, s, text, length, native, align);
}

// ---- one value ----

static void store_bytes(char *out, uint64_t bits, int64_t size, bool little)
{
  for (int64_t i = 0; i < size; i++) out[little ? i : size - 1 - i] = (char)(bits >> (8 * i));
}
static uint64_t load_bytes(const char *in, int64_t size, bool little)
{
  uint64_t bits = 0;
  for (int64_t i = 0; i < size; i++) bits |= (uint64_t)(unsigned char)in[little ? i : size - 1 - i] << (8 * i);
  return bits;
}

static bool range_error(VM *vm, const StructItem *item)
{
  if (item->size == 8) return STRUCT_ERROR("int too large to convert");
  int64_t high = item->kind == KIND_UNSIGNED ? (INT64_C(1) << (8 * item->size)) - 1 : (INT64_C(1) << (8 * item->size - 1)) - 1;
  int64_t low = item->kind == KIND_UNSIGNED ? 0 : -high - 1;
  if (item->size == 1 && item->kind == KIND_SIGNED) return STRUCT_ERROR("byte format requires -128 <= number <= 127");
  if (item->size == 1) return STRUCT_ERROR("ubyte format requires 0 <= number <= 255");
  if (item->size == 2 && item->kind == KIND_SIGNED) return STRUCT_ERROR("short format requires (-0x7fff - 1) <= number <= 0x7fff");
  if (item->size == 2) return STRUCT_ERROR("ushort format requires 0 <= number <= 0xffff");
  return STRUCT_ERROR("'%c' format requires %lld <= number <= %lld", item->code, (long long)low, (long long)high);
}

static bool pack_integer(VM *vm, const StructItem *item, Value v, char *out, bool little)
{
  if (!cd_is_int(v) && !cd_type_of(vm, v)->slots.index) return STRUCT_ERROR("required argument is not an integer");
  Ref index = cd_index(vm, v);
  if (!index) return false;
  int64_t i = 0;
  uint64_t u = 0;
  bool fits;
  if (item->kind == KIND_UNSIGNED) {
    fits = cd_int_sign(index) >= 0 && cd_int_fits_u64(index, &u) && (item->size == 8 || u >> (8 * item->size) == 0);
  } else {
    fits = cd_int_fits_i64(index, &i);
    int64_t high = item->size == 8 ? INT64_MAX : (INT64_C(1) << (8 * item->size - 1)) - 1;
    fits = fits && i <= high && i >= -high - 1;
    u = (uint64_t)i;
  }
  cd_drop(vm, index);
  if (!fits) return range_error(vm, item);
  store_bytes(out, u, item->size, little);
  return true;
}

// IEEE 754 half precision, rounding half to even.
static bool half_from_double(double x, uint16_t *out)
{
  uint16_t sign = signbit(x) ? 0x8000 : 0;
  if (isnan(x)) *out = sign | 0x7E00;
  else if (isinf(x)) *out = sign | 0x7C00;
  else if (x == 0) *out = sign;
  else {
    int e;
    double f = frexp(fabs(x), &e) * 2;
    e--;
    if (e >= 16) return false;
    double scaled;
    int bits, exponent;
    if (e < -25) {
      *out = sign;
      return true;
    }
    if (e < -14) {
      scaled = ldexp(f, 24 + e);
      exponent = 0;
    } else {
      scaled = (f - 1) * 1024;
      exponent = e + 15;
    }
    bits = (int)scaled;
    double rest = scaled - bits;
    if (rest > 0.5 || (rest == 0.5 && bits % 2)) {
      if (++bits == 1024) {
        bits = 0;
        if (++exponent == 31) return false;
      }
    }
    *out = (uint16_t)(sign | exponent << 10 | bits);
  }
  return true;
}
static double half_to_double(uint16_t h)
{
  int exponent = h >> 10 & 31, bits = h & 1023;
  double x = exponent == 31 ? (bits ? NAN : INFINITY) : exponent ? ldexp(1024 + bits, exponent - 25) : ldexp(bits, -24);
  return h & 0x8000 ? -x : x;
}

static bool pack_float(VM *vm, const StructItem *item, Value v, char *out, bool little)
{
  double x;
  if (!cd_to_double(vm, v, &x)) {
    if (cd_raised_is(vm, vm->exc.TypeError)) {
      cd_clear_raised(vm);
      return STRUCT_ERROR("required argument is not a float");
    }
    return false;
  }
  if (item->kind == KIND_HALF) {
    uint16_t half;
    if (!half_from_double(x, &half)) return cd_raise_overflow(vm, "float too large to pack with e format");
    store_bytes(out, half, 2, little);
  } else if (item->kind == KIND_FLOAT) {
    float f = (float)x;
    uint32_t bits;
    if (isinf(f) && !isinf(x)) return cd_raise_overflow(vm, "float too large to pack with f format");
    memcpy(&bits, &f, 4);
    store_bytes(out, bits, 4, little);
  } else {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    store_bytes(out, bits, 8, little);
  }
  return true;
}

static bool pack_text(VM *vm, const StructItem *item, Value v, char *out)
{
  const char *data;
  int64_t n;
  if (cd_is_bytes(v)) {
    data = cd_bytes_data(v);
    n = (int64_t)cd_bytes_size(v);
  } else if (cd_is_bytearray(v)) {
    data = cd_as_bytearray(v)->data;
    n = (int64_t)cd_as_bytearray(v)->size;
  } else return STRUCT_ERROR("argument for '%c' must be a bytes object", item->code);
  if (item->kind == KIND_PASCAL) {
    if (!item->size) return true;
    if (n > item->size - 1) n = item->size - 1;
    *out = (char)(n > 255 ? 255 : n);
    memcpy(out + 1, data, (size_t)n);
  } else memcpy(out, data, (size_t)(n < item->size ? n : item->size));
  return true;
}

static bool pack_value(VM *vm, const StructItem *item, Value v, char *out, bool little)
{
  bool yes;
  switch (item->kind) {
  case KIND_SIGNED:
  case KIND_UNSIGNED: return pack_integer(vm, item, v, out, little);
  case KIND_BOOL:
    if (!cd_truth(vm, v, &yes)) return false;
    *out = yes;
    return true;
  case KIND_CHAR:
    if (!cd_is_bytes(v) || cd_bytes_size(v) != 1) return STRUCT_ERROR("char format requires a bytes object of length 1");
    *out = cd_bytes_data(v)[0];
    return true;
  case KIND_STRING:
  case KIND_PASCAL: return pack_text(vm, item, v, out);
  default: return pack_float(vm, item, v, out, little);
  }
}

static Ref unpack_value(VM *vm, const StructItem *item, const char *in, bool little)
{
  uint64_t bits;
  switch (item->kind) {
  case KIND_SIGNED: {
    bits = load_bytes(in, item->size, little);
    int shift = (int)(64 - 8 * item->size);
    return cd_int_from_i64(vm, (int64_t)(bits << shift) >> shift);
  }
  case KIND_UNSIGNED: return cd_int_from_u64(vm, load_bytes(in, item->size, little));
  case KIND_BOOL: return cd_bool(*in);
  case KIND_CHAR: return cd_bytes_new(vm, in, 1);
  case KIND_STRING: return cd_bytes_new(vm, in, (size_t)item->size);
  case KIND_PASCAL: {
    if (!item->size) return cd_bytes_new(vm, "", 0);
    int64_t n = (unsigned char)*in;
    return cd_bytes_new(vm, in + 1, (size_t)(n > item->size - 1 ? item->size - 1 : n));
  }
  case KIND_HALF: return cd_float_new(vm, half_to_double((uint16_t)load_bytes(in, 2, little)));
  case KIND_FLOAT: {
    uint32_t word = (uint32_t)load_bytes(in, 4, little);
    float f;
    memcpy(&f, &word, 4);
    return cd_float_new(vm, f);
  }
  default: {
    double x;
    bits = load_bytes(in, 8, little);
    memcpy(&x, &bits, 8);
    return cd_float_new(vm, x);
  }
  }
}

// ---- whole structures ----

static bool struct_ready(VM *vm, Struct *s) { return s->ready ? true : cd_raise_runtime(vm, "Struct object is not initialized"); }

static bool struct_pack_into(VM *vm, Struct *s, const Value *values, char *out)
{
  memset(out, 0, (size_t)s->size);
  for (size_t i = 0; i < s->item_count; i++) {
    const StructItem *item = &s->items[i];
    char *at = out + item->offset;
    for (int64_t k = 0; k < item->count; k++, at += item->size)
      if (!pack_value(vm, item, *values++, at, s->little)) return false;
  }
  return true;
}
static bool struct_check_count(VM *vm, Struct *s, const char *function, size_t given)
{
  if ((int64_t)given == s->value_count) return true;
  return STRUCT_ERROR("%s expected %lld items for packing (got %lld)", function, (long long)s->value_count, (long long)given);
}

static Ref struct_unpack(VM *vm, Struct *s, const char *in)
{
  Ref tuple = cd_tuple_new(vm, (size_t)s->value_count);
  size_t n = 0;
  for (size_t i = 0; tuple && i < s->item_count; i++) {
    const StructItem *item = &s->items[i];
    const char *at = in + item->offset;
    for (int64_t k = 0; tuple && k < item->count; k++, at += item->size) {
      Ref value = unpack_value(vm, item, at, s->little);
      if (!value) cd_drop(vm, cd_take(&tuple));
      else cd_tuple_set(tuple, n++, value);
    }
  }
  return tuple;
}

static Ref layout_pack(VM *vm, Struct *s, const Value *values, size_t count)
{
  if (!struct_ready(vm, s) || !struct_check_count(vm, s, "pack", count)) return NO_REF;
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)s->size);
  if (!bytes) return NO_REF;
  if (struct_pack_into(vm, s, values, cd_bytes_data(bytes))) return bytes;
  cd_drop(vm, bytes);
  return NO_REF;
}

static Ref layout_pack_into(VM *vm, Struct *s, const Value *args, size_t nargs)
{
  Buffer buffer;
  int64_t offset;
  Ref result = NO_REF;
  if (!struct_ready(vm, s)) return NO_REF;
  if (nargs < 1) return STRUCT_ERROR("pack_into expected buffer argument");
  if (nargs < 2) return STRUCT_ERROR("pack_into expected offset argument");
  if (!struct_check_count(vm, s, "pack_into", nargs - 2)) return NO_REF;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_WRITABLE)) return NO_REF;
  if (!cd_to_i64(vm, args[1], &offset, vm->exc.IndexError)) goto done;
  if (offset < 0) {
    if (offset + s->size > 0) {
      STRUCT_ERROR("no space to pack %lld bytes at offset %lld", (long long)s->size, (long long)offset);
      goto done;
    }
    if (offset + buffer.size < 0) {
      STRUCT_ERROR("offset %lld out of range for %lld-byte buffer", (long long)offset, (long long)buffer.size);
      goto done;
    }
    offset += buffer.size;
  }
  if (buffer.size - offset < s->size)
    STRUCT_ERROR("pack_into requires a buffer of at least %lld bytes for packing %lld bytes at offset %lld (actual buffer size is %lld)",
                 (long long)(s->size + offset), (long long)s->size, (long long)offset, (long long)buffer.size);
  else if (struct_pack_into(vm, s, args + 2, buffer.data + offset)) result = cd_none();
done:
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref layout_unpack(VM *vm, Struct *s, Value data)
{
  Buffer buffer;
  Ref result;
  if (!struct_ready(vm, s) || !cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return NO_REF;
  if (buffer.size == s->size) result = struct_unpack(vm, s, buffer.data);
  else result = STRUCT_ERROR("unpack requires a buffer of %lld bytes", (long long)s->size);
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref layout_unpack_from(VM *vm, Struct *s, Value data, Value offset_value)
{
  Buffer buffer;
  int64_t offset = 0;
  Ref result = NO_REF;
  if (!struct_ready(vm, s) || (offset_value && !cd_to_i64(vm, offset_value, &offset, vm->exc.IndexError)) || !cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return NO_REF;
  if (offset < 0) {
    if (offset + s->size > 0) {
      STRUCT_ERROR("not enough data to unpack %lld bytes at offset %lld", (long long)s->size, (long long)offset);
      goto done;
    }
    if (offset + buffer.size < 0) {
      STRUCT_ERROR("offset %lld out of range for %lld-byte buffer", (long long)offset, (long long)buffer.size);
      goto done;
    }
    offset += buffer.size;
  }
  if (buffer.size - offset < s->size)
    STRUCT_ERROR("unpack_from requires a buffer of at least %lld bytes for unpacking %lld bytes at offset %lld (actual buffer size is %lld)",
                 (long long)(s->size + offset), (long long)s->size, (long long)offset, (long long)buffer.size);
  else result = struct_unpack(vm, s, buffer.data + offset);
done:
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref layout_iter_unpack(VM *vm, Value layout, Value data)
{
  Struct *s = as_struct(layout);
  if (!struct_ready(vm, s)) return NO_REF;
  if (s->size == 0) return STRUCT_ERROR("cannot iteratively unpack with a struct of length 0");
  StructUnpacker *u = cd_object_new(vm, struct_state(vm)->unpacker, sizeof *u);
  if (!u) return NO_REF;
  if (!cd_get_buffer(vm, data, &u->buffer, BUFFER_SIMPLE)) goto fail;
  u->layout = cd_dup(layout);
  if (u->buffer.size % s->size == 0) return cd_from_object(u);
  STRUCT_ERROR("iterative unpacking requires a buffer of a multiple of %lld bytes", (long long)s->size);
fail:
  cd_drop(vm, cd_from_object(u));
  return NO_REF;
}

// ---- Struct ----

static Ref struct_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames) { return cd_from_object(cd_instance_new(vm, type)); }

static bool struct_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Struct *s = as_struct(self);
  Value bound[1];
  Ref owned[2] = {NO_REF, NO_REF}, format;
  if (!cd_bind_text(vm, "Struct(format)", args, nargs, kwnames, bound, owned)) return false;
  if (cd_is_str(bound[0])) {
    if (!cd_as_str(bound[0])->ascii) {
      Ref encoded = cd_encode(vm, bound[0], "ascii", "strict");   // for its error
      cd_drop(vm, encoded);
      return false;
    }
    format = cd_dup(bound[0]);
  } else if (cd_is_bytes(bound[0])) format = cd_decode(vm, cd_bytes_data(bound[0]), cd_bytes_size(bound[0]), "latin-1", NULL);
  else return cd_raise_type(vm, "Struct() argument 1 must be a str or bytes object, not %T", bound[0]);
  if (!format) return false;
  cd_free(vm, s->items, s->item_count * sizeof *s->items);
  s->items = NULL;
  s->item_count = 0;
  s->ready = false;
  Struct draft = {.item_count = 0};
  if (!struct_parse(vm, &draft, cd_str_data(format), cd_str_size(format))) {
    cd_free(vm, draft.items, draft.items ? draft.item_count * sizeof *draft.items : 0);
    cd_drop(vm, format);
    return false;
  }
  s->items = draft.items;
  s->item_count = draft.item_count;
  s->size = draft.size;
  s->value_count = draft.value_count;
  s->little = draft.little;
  cd_replace(vm, &s->format, format);
  s->ready = true;
  return true;
}
static void struct_release(VM *vm, Object *self)
{
  Struct *s = (Struct *)self;
  cd_free(vm, s->items, s->item_count * sizeof *s->items);
  s->items = NULL;
  cd_clear(vm, &s->format);
}

METHOD_RAW(structure, pack, "pack(self, /, *values)", "The values as bytes.")
{
  return cd_no_keywords(vm, "pack", kwnames) ? layout_pack(vm, as_struct(self), args, nargs) : NO_REF;
}
METHOD_RAW(structure, pack_into, "pack_into(self, buffer, offset, /, *values)", "Write the values into a buffer at an offset.")
{
  return cd_no_keywords(vm, "pack_into", kwnames) ? layout_pack_into(vm, as_struct(self), args, nargs) : NO_REF;
}
METHOD(structure, unpack, "unpack(self, buffer, /)", "A tuple of the values in a buffer of exactly this size.")
{
  return layout_unpack(vm, as_struct(self), args[0]);
}
METHOD(structure, unpack_from, "unpack_from(self, /, buffer, offset=0)", "A tuple of the values in a buffer at an offset.")
{
  return layout_unpack_from(vm, as_struct(self), args[0], args[1]);
}
METHOD(structure, iter_unpack, "iter_unpack(self, buffer, /)", "An iterator of tuples over a buffer that holds many.")
{
  return layout_iter_unpack(vm, self, args[0]);
}
METHOD(structure, __sizeof__, "__sizeof__(self, /)", "Bytes in memory.")
{
  return cd_from_small((int64_t)(sizeof(Struct) + as_struct(self)->item_count * sizeof(StructItem)));
}
static Ref structure_get_format(VM *vm, Value self) { return struct_ready(vm, as_struct(self)) ? cd_dup(as_struct(self)->format) : NO_REF; }
static Ref structure_get_size(VM *vm, Value self) { return struct_ready(vm, as_struct(self)) ? cd_int_from_i64(vm, as_struct(self)->size) : NO_REF; }
static Ref structure_repr(VM *vm, Value self)
{
  return struct_ready(vm, as_struct(self)) ? cd_str_format(vm, "%s(%R)", cd_type_name(cd_object(self)->type), as_struct(self)->format) : NO_REF;
}
static const MethodDef *const structure_methods[] = {&structure_pack_def, &structure_pack_into_def, &structure_unpack_def, &structure_unpack_from_def,
                                                     &structure_iter_unpack_def, &structure___sizeof___def, NULL};
static const GetSetDef structure_getset[] = {{"format", "The format.", structure_get_format, NULL}, {"size", "Bytes of the packed form.", structure_get_size, NULL},
                                             {NULL, NULL, NULL, NULL}};
static const TypeSpec structure_spec = {.name = "_struct.Struct", .doc = "Struct(format)\n--\n\nA format that is parsed once.", .basicsize = sizeof(Struct),
                                        .flags = TYPE_BASE | TYPE_HAS_WEAKREFS, .weaklist_offset = offsetof(Struct, weaklist), .methods = structure_methods,
                                        .getset = structure_getset,
                                        .slots = {.new_ = struct_new, .init = struct_init, .release = struct_release, .repr = structure_repr}};

// ---- iter_unpack's iterator ----

static Ref unpacker_iter(VM *vm, Value self) { return cd_dup(self); }
static Next unpacker_next(VM *vm, Value self, Ref *out)
{
  StructUnpacker *u = (StructUnpacker *)cd_object(self);
  if (!u->layout) return NEXT_DONE;
  Struct *s = as_struct(u->layout);
  if (u->offset >= u->buffer.size) {
    cd_clear(vm, &u->layout);
    cd_release_buffer(vm, &u->buffer);
    return NEXT_DONE;
  }
  *out = struct_unpack(vm, s, u->buffer.data + u->offset);
  u->offset += s->size;
  return *out ? NEXT_ITEM : NEXT_ERROR;
}
METHOD(unpacker, __length_hint__, "__length_hint__(self, /)", "Tuples still to come.")
{
  StructUnpacker *u = (StructUnpacker *)cd_object(self);
  return u->layout ? cd_from_small((u->buffer.size - u->offset) / as_struct(u->layout)->size) : cd_from_small(0);
}
static void unpacker_release(VM *vm, Object *self)
{
  StructUnpacker *u = (StructUnpacker *)self;
  if (u->buffer.owner) cd_release_buffer(vm, &u->buffer);
  cd_clear(vm, &u->layout);
}
static const MethodDef *const unpacker_methods[] = {&unpacker___length_hint___def, NULL};
static const TypeSpec unpacker_spec = {.name = "_struct.unpack_iterator", .basicsize = sizeof(StructUnpacker), .flags = TYPE_NO_NEW, .methods = unpacker_methods,
                                       .slots = {.iter = unpacker_iter, .next = unpacker_next, .release = unpacker_release}};

// ---- module functions, with a cache of formats ----

static Ref struct_cached(VM *vm, Value format)
{
  StructState *state = struct_state(vm);
  Ref layout = NO_REF;
  Find found = cd_dict_find(vm, state->cache, format, &layout);
  if (found == FIND_HIT) return layout;
  if (found == FIND_ERROR && !cd_swallow(vm, vm->exc.TypeError)) return NO_REF;
  if (!(layout = cd_call1(vm, cd_type_value(state->layout), format))) return NO_REF;
  if (cd_dict_count(state->cache) >= 100) cd_dict_clear(vm, state->cache);
  if (cd_dict_set(vm, state->cache, format, layout)) return layout;
  cd_drop(vm, layout);
  return NO_REF;
}

FUNCTION(_struct, calcsize, "calcsize(format, /)", "Bytes that the format takes.")
{
  Ref layout = struct_cached(vm, args[0]), size = layout ? cd_int_from_i64(vm, as_struct(layout)->size) : NO_REF;
  cd_drop(vm, layout);
  return size;
}
FUNCTION_RAW(_struct, pack, "pack(format, /, *values)", "The values as bytes.")
{
  if (!cd_no_keywords(vm, "pack", kwnames)) return NO_REF;
  if (nargs == 0) return cd_raise_type(vm, "missing format argument");
  Ref layout = struct_cached(vm, args[0]), result = layout ? layout_pack(vm, as_struct(layout), args + 1, nargs - 1) : NO_REF;
  cd_drop(vm, layout);
  return result;
}
FUNCTION_RAW(_struct, pack_into, "pack_into(format, buffer, offset, /, *values)", "Write the values into a buffer at an offset.")
{
  if (!cd_no_keywords(vm, "pack_into", kwnames)) return NO_REF;
  if (nargs == 0) return cd_raise_type(vm, "missing format argument");
  Ref layout = struct_cached(vm, args[0]), result = layout ? layout_pack_into(vm, as_struct(layout), args + 1, nargs - 1) : NO_REF;
  cd_drop(vm, layout);
  return result;
}
FUNCTION(_struct, unpack, "unpack(format, buffer, /)", "A tuple of the values in a buffer of exactly the format's size.")
{
  Ref layout = struct_cached(vm, args[0]), result = layout ? layout_unpack(vm, as_struct(layout), args[1]) : NO_REF;
  cd_drop(vm, layout);
  return result;
}
FUNCTION(_struct, unpack_from, "unpack_from(format, /, buffer, offset=0)", "A tuple of the values in a buffer at an offset.")
{
  Ref layout = struct_cached(vm, args[0]), result = layout ? layout_unpack_from(vm, as_struct(layout), args[1], args[2]) : NO_REF;
  cd_drop(vm, layout);
  return result;
}
FUNCTION(_struct, iter_unpack, "iter_unpack(format, buffer, /)", "An iterator of tuples over a buffer that holds many.")
{
  Ref layout = struct_cached(vm, args[0]), result = layout ? layout_iter_unpack(vm, layout, args[1]) : NO_REF;
  cd_drop(vm, layout);
  return result;
}
FUNCTION(_struct, _clearcache, "_clearcache()", "Forget the formats seen.")
{
  cd_dict_clear(vm, struct_state(vm)->cache);
  return cd_none();
}

static bool struct_exec(VM *vm, Value module)
{
  StructState *state = struct_state(vm);
  if (!(state->layout = cd_module_add_type(vm, module, &structure_spec, NO_VALUE)) || !(state->unpacker = cd_type_from_spec(vm, &unpacker_spec, NO_VALUE))) return false;
  cd_dup_object(state->layout);
  Ref name = cd_str_from(vm, "error"), bases = cd_tuple1(vm, cd_type_value(vm->exc.Exception)), dict = cd_dict_new(vm), home = cd_str_from(vm, "struct");
  if (name && bases && dict && home && cd_dict_set(vm, dict, N(__module__), home)) state->error = cd_type_new(vm, vm->types.type, name, bases, dict, NULL, NO_VALUE);
  cd_drop(vm, name);
  cd_drop(vm, bases);
  cd_drop(vm, dict);
  cd_drop(vm, home);
  return state->error && (state->cache = cd_dict_new(vm)) && cd_module_add(vm, module, "error", cd_dup(state->error));
}
static void struct_traverse(void *data, VisitFn visit, void *context)
{
  visit(context, ((StructState *)data)->error);
  visit(context, ((StructState *)data)->cache);
}
static void struct_clear(VM *vm, void *data)
{
  StructState *s = data;
  cd_clear(vm, &s->cache);
  cd_clear(vm, &s->error);
  Type *layout = s->layout, *unpacker = s->unpacker;
  s->layout = s->unpacker = NULL;
  cd_drop_object(vm, layout);
  cd_drop_object(vm, unpacker);
}
static const MethodDef *const struct_functions[] = {&_struct_calcsize_def, &_struct_pack_def, &_struct_pack_into_def, &_struct_unpack_def,
                                                    &_struct_unpack_from_def, &_struct_iter_unpack_def, &_struct__clearcache_def, NULL};
const ModuleDef cd_module__struct = {"_struct", "Values to and from packed bytes: the engine of the struct module.", struct_functions, sizeof(StructState), struct_exec,
                                     struct_traverse, struct_clear};
