// SPDX-License-Identifier: MIT
// cache.c: code as bytes, for the files in __pycache__
//
// A dump is a header (magic, form, size, checksum) and one value. Values are a tag byte and what belongs to it; numbers are little-endian
// groups of seven bits. Strings are numbered as they come, so that one met again is a reference. Loading checks everything: bad data is a
// ValueError.
#include "bytecode/code.h"

#include "base/utf8.h"
#include "objects/bytes.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/raise.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

enum { CACHE_MAGIC = 0x43444331, CACHE_HEADER = 24, CACHE_DEPTH = 200 };
enum {
  TAG_NONE = 'N',
  TAG_TRUE = 'T',
  TAG_FALSE = 'F',
  TAG_ELLIPSIS = '.',
  TAG_SMALL = 'i',
  TAG_INT = 'I',
  TAG_FLOAT = 'f',
  TAG_COMPLEX = 'c',
  TAG_STR = 's',
  TAG_INTERNED = 'n',
  TAG_REF = 'r',
  TAG_BYTES = 'b',
  TAG_TUPLE = '(',
  TAG_FROZENSET = '{',
  TAG_CODE = 'C'
};

enum { CACHE_LANES = 4 };

static inline uint64_t cache_mix(uint64_t h, uint64_t word)      // no two words give the same; later ones meet all bits of the earlier
{
  h = (h ^ word) * UINT64_C(0xFF51AFD7ED558CCD);
  return h << 29 | h >> 35;
}

// Four sums at once, as one waits for its multiplications.
static uint64_t cache_checksum(const uint8_t *p, size_t size)
{
  uint64_t lanes[CACHE_LANES] = {size, 1, 2, 3}, h = UINT64_C(0x9E3779B97F4A7C15), words[CACHE_LANES];
  for (; size >= sizeof words; p += sizeof words, size -= sizeof words) {
    memcpy(words, p, sizeof words);
    for (int i = 0; i < CACHE_LANES; i++) lanes[i] = cache_mix(lanes[i], words[i]);
  }
  memset(words, 0, sizeof words);
  if (size) memcpy(words, p, size);
  for (int i = 0; i < CACHE_LANES; i++) h = cache_mix(cache_mix(h, lanes[i]), words[i]);
  return h ^ h >> 29;
}

// ---- writing ----

typedef struct CacheWriter {
  VM *vm;
  uint8_t *data;
  size_t size, capacity;
  Value *strings;                                // open addressing by identity; borrowed
  uint32_t *numbers;
  uint32_t string_count, string_capacity;
} CacheWriter;

static bool cache_reserve(CacheWriter *w, size_t more)
{
  if (w->capacity - w->size >= more) return true;
  size_t capacity = w->capacity ? w->capacity : 4096;
  while (capacity - w->size < more) capacity *= 2;
  uint8_t *data = cd_realloc(w->vm, w->data, w->capacity, capacity);
  if (!data) return false;
  w->data = data;
  w->capacity = capacity;
  return true;
}

static bool cache_put(CacheWriter *w, const void *bytes, size_t size)
{
  if (!cache_reserve(w, size)) return false;
  if (size) memcpy(w->data + w->size, bytes, size);
  w->size += size;
  return true;
}
static bool cache_tag(CacheWriter *w, uint8_t tag) { return cache_put(w, &tag, 1); }
static bool cache_number(CacheWriter *w, uint64_t n)
{
  uint8_t bytes[10];
  size_t size = 0;
  for (; n >= 0x80; n >>= 7) bytes[size++] = (uint8_t)(n | 0x80);
  bytes[size++] = (uint8_t)n;
  return cache_put(w, bytes, size);
}
static bool cache_sized(CacheWriter *w, uint8_t tag, const void *bytes, size_t size)
{
  return cache_tag(w, tag) && cache_number(w, size) && cache_put(w, bytes, size);
}

static bool cache_grow_strings(CacheWriter *w)
{
  uint32_t capacity = w->string_capacity ? w->string_capacity * 2 : 256;
  Value *strings = cd_alloc_zeroed(w->vm, capacity * sizeof *strings);
  uint32_t *numbers = strings ? cd_alloc(w->vm, capacity * sizeof *numbers) : NULL;
  if (!numbers) {
    cd_free(w->vm, strings, capacity * sizeof *strings);
    return false;
  }
  for (uint32_t i = 0; i < w->string_capacity; i++) {
    if (!w->strings[i]) continue;
    uint32_t k = (uint32_t)(cd_bits(w->strings[i]) >> 4) & (capacity - 1);
    while (strings[k]) k = (k + 1) & (capacity - 1);
    strings[k] = w->strings[i];
    numbers[k] = w->numbers[i];
  }
  cd_free(w->vm, w->strings, w->string_capacity * sizeof *strings);
  cd_free(w->vm, w->numbers, w->string_capacity * sizeof *numbers);
  w->strings = strings;
  w->numbers = numbers;
  w->string_capacity = capacity;
  return true;
}

static bool cache_str(CacheWriter *w, Value s)
{
  if (w->string_count * 2 >= w->string_capacity && !cache_grow_strings(w)) return false;
  uint32_t k = (uint32_t)(cd_bits(s) >> 4) & (w->string_capacity - 1);
  for (; w->strings[k]; k = (k + 1) & (w->string_capacity - 1))
    if (cd_is(w->strings[k], s)) return cache_tag(w, TAG_REF) && cache_number(w, w->numbers[k]);
  w->strings[k] = s;
  w->numbers[k] = w->string_count++;
  return cache_sized(w, cd_as_str(s)->interned ? TAG_INTERNED : TAG_STR, cd_str_data(s), cd_str_size(s));
}

static bool cache_value(CacheWriter *w, Value v, int depth);

static bool cache_items(CacheWriter *w, Value tuple, int depth)
{
  size_t n = cd_tuple_size(tuple);
  if (!cache_tag(w, TAG_TUPLE) || !cache_number(w, n)) return false;
  for (size_t i = 0; i < n; i++)
    if (!cache_value(w, cd_tuple_item_borrow(tuple, i), depth)) return false;
  return true;
}

static bool cache_int(CacheWriter *w, Value v)
{
  if (cd_is_small(v)) return cache_tag(w, TAG_SMALL) && cache_number(w, (uint64_t)cd_small(v) << 1 ^ (uint64_t)(cd_small(v) >> 63));
  const Int *n = (Int *)cd_object(v);
  uint64_t limbs = (uint64_t)(n->size < 0 ? -n->size : n->size);
  return cache_tag(w, TAG_INT) && cache_number(w, limbs << 1 | (n->size < 0)) && cache_put(w, n->limbs, limbs * sizeof n->limbs[0]);
}

// InstrExtra.cache numbers an inline cache of the running VM.
static void cache_clear_inline(const Instr *instrs, void *copy, uint32_t count)   // a written copy is not aligned
{
  for (uint32_t i = 0; i < count; i += cd_opcode_units[instrs[i].op])
    if (cd_opcode_units[instrs[i].op] == 2 && i + 1 < count) memset((char *)copy + (i + 1) * sizeof(Instr) + 4, 0, 4);
}

static bool cache_code(CacheWriter *w, const Code *code, int depth)
{
  const uint64_t numbers[] = {code->arg_count,
                              code->posonly_count,
                              code->kwonly_count,
                              code->flags,
                              code->register_count - code->first_temp,
                              (uint64_t)code->first_line,
                              code->unit_count,
                              code->handler_count,
                              code->positions_size};
  const Value values[] = {code->consts,   code->names, code->varnames, code->cellvars, code->freevars,
                          code->filename, code->name,  code->qualname, code->docstring};
  if (!cache_tag(w, TAG_CODE)) return false;
  for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
    if (!cache_number(w, numbers[i])) return false;
  size_t start = w->size;
  if (!cache_put(w, code->instrs, code->unit_count * sizeof(Instr))) return false;
  cache_clear_inline(code->instrs, w->data + start, code->unit_count);
  if (!cache_put(w, code->handlers, code->handler_count * sizeof(Handler)) || !cache_put(w, code->positions, code->positions_size))
    return false;
  for (size_t i = 0; i < ARRAY_LEN(values); i++)
    if (!cache_value(w, values[i], depth)) return false;
  return true;
}

static bool cache_value(CacheWriter *w, Value v, int depth)
{
  VM *vm = w->vm;
  if (depth > CACHE_DEPTH) return cd_raise_value(vm, "code is nested too deeply to be kept");
  if (cd_is_none(v)) return cache_tag(w, TAG_NONE);
  if (cd_is_bool(v)) return cache_tag(w, cd_is_true(v) ? TAG_TRUE : TAG_FALSE);
  if (cd_is_ellipsis(v)) return cache_tag(w, TAG_ELLIPSIS);
  if (cd_is_small(v) || cd_is_exact(v, vm->types.int_)) return cache_int(w, v);
  if (cd_is_flonum(v) || cd_is_exact(v, vm->types.float_)) {
    double x = cd_float_value(v);
    return cache_tag(w, TAG_FLOAT) && cache_put(w, &x, sizeof x);
  }
  if (cd_is_exact(v, vm->types.complex)) {
    const Complex *z = (Complex *)cd_object(v);
    return cache_tag(w, TAG_COMPLEX) && cache_put(w, &z->real, sizeof z->real) && cache_put(w, &z->imag, sizeof z->imag);
  }
  if (cd_is_exact(v, vm->types.str)) return cache_str(w, v);
  if (cd_is_exact(v, vm->types.bytes)) return cache_sized(w, TAG_BYTES, cd_bytes_data(v), cd_bytes_size(v));
  if (cd_is_exact(v, vm->types.tuple)) return cache_items(w, v, depth + 1);
  if (cd_is_exact(v, vm->types.frozenset)) {
    Ref items = cd_tuple_from(vm, v);
    bool ok = items && cache_tag(w, TAG_FROZENSET) && cache_items(w, items, depth + 1);
    cd_drop(vm, items);
    return ok;
  }
  if (cd_is_exact(v, vm->types.code)) return cache_code(w, (Code *)cd_object(v), depth + 1);
  return cd_raise_value(vm, "a constant of type %T can't be kept", v);
}

Ref cd_code_dump(VM *vm, Value code)
{
  CacheWriter w = {.vm = vm};
  static const uint8_t header[CACHE_HEADER];
  Ref result = NO_REF;
  if (cache_put(&w, header, sizeof header) && cache_value(&w, code, 0)) {
    uint32_t magic = CACHE_MAGIC, form = CODE_FORMAT;
    uint64_t size = w.size - CACHE_HEADER, sum = cache_checksum(w.data + CACHE_HEADER, w.size - CACHE_HEADER);
    memcpy(w.data, &magic, 4);
    memcpy(w.data + 4, &form, 4);
    memcpy(w.data + 8, &size, 8);
    memcpy(w.data + 16, &sum, 8);
    result = cd_bytes_new(vm, (const char *)w.data, w.size);
  }
  cd_free(vm, w.data, w.capacity);
  cd_free(vm, w.strings, w.string_capacity * sizeof *w.strings);
  cd_free(vm, w.numbers, w.string_capacity * sizeof *w.numbers);
  return result;
}

// ---- reading ----

typedef struct CacheReader {
  VM *vm;
  const uint8_t *p, *end;
  Value *strings;                                // owned
  size_t string_count, string_capacity;
  bool verify;                                   // look into the instructions too
} CacheReader;

static Ref cache_bad(CacheReader *r) { return cd_raised(r->vm) ? NO_REF : cd_raise_value(r->vm, "bad code cache data"); }
static size_t cache_left(const CacheReader *r) { return (size_t)(r->end - r->p); }

static bool cache_read_number(CacheReader *r, uint64_t *out)
{
  uint64_t n = 0;
  if (LIKELY(r->p < r->end && *r->p < 0x80)) {
    *out = *r->p++;
    return true;
  }
  for (int shift = 0; shift < 64; shift += 7) {
    if (r->p >= r->end) return false;
    uint8_t byte = *r->p++;
    n |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *out = n;
      return true;
    }
  }
  return false;
}

static bool cache_read_bytes(CacheReader *r, void *out, size_t size)
{
  if (cache_left(r) < size) return false;
  if (size) memcpy(out, r->p, size);
  r->p += size;
  return true;
}

static bool cache_keep(CacheReader *r, Value s)
{
  if (r->string_count == r->string_capacity) {
    size_t capacity = r->string_capacity ? r->string_capacity * 2 : 128;
    Value *strings = cd_realloc(r->vm, r->strings, r->string_capacity * sizeof *strings, capacity * sizeof *strings);
    if (!strings) return false;
    r->strings = strings;
    r->string_capacity = capacity;
  }
  r->strings[r->string_count++] = cd_dup(s);
  return true;
}

static Ref cache_read_str(CacheReader *r, bool interned)
{
  uint64_t size;
  if (!cache_read_number(r, &size) || size > cache_left(r)) return cache_bad(r);
  size_t count;
  bool ascii, bad = false;
  Ref s;
  if (interned) s = cd_intern_unchecked(r->vm, (const char *)r->p, size, &bad);
  else if (cd_utf8_check((const char *)r->p, size, true, &count, &ascii, NULL) == size)
    s = cd_str_known(r->vm, (const char *)r->p, size, count);
  else bad = true, s = NO_REF;
  if (bad) return cache_bad(r);
  r->p += size;
  if (s && !cache_keep(r, s)) {
    cd_drop(r->vm, s);
    return NO_REF;
  }
  return s;
}

static Ref cache_read(CacheReader *r, int depth);

static Ref cache_read_tuple(CacheReader *r, int depth)
{
  uint64_t n;
  if (!cache_read_number(r, &n) || n > cache_left(r)) return cache_bad(r);
  Ref tuple = cd_tuple_new(r->vm, n);
  for (uint64_t i = 0; tuple && i < n; i++) {
    Ref item = cache_read(r, depth);
    if (!item) {
      cd_drop(r->vm, tuple);
      return NO_REF;
    }
    cd_tuple_set(tuple, i, item);
  }
  return tuple;
}

static Ref cache_read_int(CacheReader *r)
{
  uint64_t head;
  if (!cache_read_number(r, &head) || (head >> 1) > cache_left(r) / 8) return cache_bad(r);
  size_t size = (size_t)(head >> 1) * 8;
  Ref n = cd_int_from_bytes(r->vm, r->p, size, true, false);
  r->p += size;
  if (!n || !(head & 1)) return n;
  Ref negative = cd_int_subtract(r->vm, cd_from_small(0), n);
  cd_drop(r->vm, n);
  return negative;
}

static bool cache_read_array(CacheReader *r, void **out, size_t count, size_t item)
{
  if (count > cache_left(r) / item) return cache_bad(r);
  if (!count) return true;
  *out = cd_alloc(r->vm, count * item);
  return *out && cache_read_bytes(r, *out, count * item);
}

static bool cache_is_names(VM *vm, Value v)
{
  if (!cd_is_exact(v, vm->types.tuple)) return false;
  for (size_t i = 0; i < cd_tuple_size(v); i++)
    if (!cd_is_exact(cd_tuple_item_borrow(v, i), vm->types.str)) return false;
  return true;
}

static Ref cache_read_code(CacheReader *r, int depth)
{
  VM *vm = r->vm;
  uint64_t n[9];
  for (size_t i = 0; i < ARRAY_LEN(n); i++)
    if (!cache_read_number(r, &n[i])) return cache_bad(r);
  for (size_t i = 0; i < ARRAY_LEN(n); i++)
    if (n[i] > UINT32_MAX / 4 && i != 5) return cache_bad(r);
  Code *code = cd_code_new(vm);
  if (!code) return NO_REF;
  Ref result = cd_from_object(code);
  code->arg_count = (uint32_t)n[0], code->posonly_count = (uint32_t)n[1], code->kwonly_count = (uint32_t)n[2], code->flags = (uint32_t)n[3];
  code->first_line = (int32_t)(uint32_t)n[5];
  void *instrs = NULL, *handlers = NULL, *positions = NULL;
  bool ok = cache_read_array(r, &instrs, n[6], sizeof(Instr)) && cache_read_array(r, &handlers, n[7], sizeof(Handler)) &&
            cache_read_array(r, &positions, n[8], 1);
  code->instrs = instrs, code->handlers = handlers, code->positions = positions;
  if (instrs) code->unit_count = (uint32_t)n[6];
  if (handlers) code->handler_count = (uint32_t)n[7];
  if (positions) code->positions_size = (uint32_t)n[8];
  Value *const values[] = {&code->consts,   &code->names, &code->varnames, &code->cellvars, &code->freevars,
                           &code->filename, &code->name,  &code->qualname, &code->docstring};
  for (size_t i = 0; ok && i < ARRAY_LEN(values); i++) ok = (*values[i] = cache_read(r, depth)) != NO_VALUE;
  ok = ok && cd_is_exact(code->consts, vm->types.tuple) && cache_is_names(vm, code->names) && cache_is_names(vm, code->varnames) &&
       cache_is_names(vm, code->cellvars) && cache_is_names(vm, code->freevars) && cd_is_exact(code->filename, vm->types.str) &&
       cd_is_exact(code->name, vm->types.str) && cd_is_exact(code->qualname, vm->types.str) && cd_code_layout(vm, code) &&
       cd_code_mark_positions(vm, code);
  if (!ok) {
    cd_drop(vm, result);
    return cache_bad(r);
  }
  code->register_count = code->first_temp + (uint32_t)n[4];
  char buffer[200];
  if (r->verify && cd_code_verify(vm, code, buffer, sizeof buffer)) {
    cd_drop(vm, result);
    return cache_bad(r);
  }
  if (r->verify) cache_clear_inline(code->instrs, code->instrs, code->unit_count);
  return result;
}

static Ref cache_read(CacheReader *r, int depth)
{
  VM *vm = r->vm;
  uint8_t tag;
  uint64_t n;
  double x, y;
  if (depth > CACHE_DEPTH + 2 || !cache_read_bytes(r, &tag, 1)) return cache_bad(r);
  switch (tag) {
  case TAG_NONE: return cd_none();
  case TAG_TRUE: return cd_true();
  case TAG_FALSE: return cd_false();
  case TAG_ELLIPSIS: return cd_ellipsis();
  case TAG_SMALL: return cache_read_number(r, &n) ? cd_int_from_i64(vm, (int64_t)(n >> 1 ^ -(n & 1))) : cache_bad(r);
  case TAG_INT: return cache_read_int(r);
  case TAG_FLOAT: return cache_read_bytes(r, &x, sizeof x) ? cd_float_new(vm, x) : cache_bad(r);
  case TAG_COMPLEX: return cache_read_bytes(r, &x, sizeof x) && cache_read_bytes(r, &y, sizeof y) ? cd_complex_new(vm, x, y) : cache_bad(r);
  case TAG_STR: return cache_read_str(r, false);
  case TAG_INTERNED: return cache_read_str(r, true);
  case TAG_REF: return cache_read_number(r, &n) && n < r->string_count ? cd_dup(r->strings[n]) : cache_bad(r);
  case TAG_BYTES: {
    if (!cache_read_number(r, &n) || n > cache_left(r)) return cache_bad(r);
    Ref bytes = cd_bytes_new(vm, (const char *)r->p, n);
    r->p += n;
    return bytes;
  }
  case TAG_TUPLE: return cache_read_tuple(r, depth + 1);
  case TAG_FROZENSET: {
    Ref items = cache_read(r, depth + 1);
    if (!items) return NO_REF;
    Ref set = cd_is_exact(items, vm->types.tuple) ? cd_frozenset_new(vm, items) : cache_bad(r);
    cd_drop(vm, items);
    return set;
  }
  case TAG_CODE: return cache_read_code(r, depth + 1);
  default: return cache_bad(r);
  }
}

static Ref cache_load(VM *vm, const char *data, size_t size, bool verify)
{
  CacheReader r = {.vm = vm, .verify = verify, .p = (const uint8_t *)data, .end = (const uint8_t *)data + size};
  uint32_t magic, form;
  uint64_t length, sum;
  if (size < CACHE_HEADER) return cache_bad(&r);
  memcpy(&magic, data, 4);
  memcpy(&form, data + 4, 4);
  memcpy(&length, data + 8, 8);
  memcpy(&sum, data + 16, 8);
  r.p += CACHE_HEADER;
  if (magic != CACHE_MAGIC || form != CODE_FORMAT || length != size - CACHE_HEADER || sum != cache_checksum(r.p, length))
    return cache_bad(&r);
  Ref result = cache_read(&r, 0);
  for (size_t i = 0; i < r.string_count; i++) cd_clear(vm, &r.strings[i]);
  cd_free(vm, r.strings, r.string_capacity * sizeof *r.strings);
  if (result && (r.p != r.end || !cd_is_exact(result, vm->types.code))) {
    cd_drop(vm, result);
    return cache_bad(&r);
  }
  return result;
}

Ref cd_code_load(VM *vm, const char *data, size_t size) { return cache_load(vm, data, size, true); }

Ref cd_code_load_trusted(VM *vm, const char *data, size_t size)
{
#ifdef CEDE_DEBUG
  return cache_load(vm, data, size, true);
#else
  return cache_load(vm, data, size, false);
#endif
}
