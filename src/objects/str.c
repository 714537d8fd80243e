// SPDX-License-Identifier: MIT
// str.c: immutable text: making, comparing, slicing, joining, interning; its iterator
#include "objects/str.h"

#include "base/search.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/bytes.h"
#include "objects/codec.h"
#include "objects/instance.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str_private.h"
#include "objects/tuple.h"

enum { STR_INDEX_SHIFT = 6, STR_INDEX_STEP = 1 << STR_INDEX_SHIFT };
enum { STR_GROWTH_MIN = 128 };                   // shorter results of += are plain new strings

// ---- making ----

// An unfinished str of the type, with room for `size` bytes inside.
static Str *str_alloc(VM *vm, Type *type, size_t size)
{
  if (UNLIKELY(size > (size_t)INT64_MAX / 2)) { cd_raise_memory(vm); return NULL; }
  Str *s = cd_object_new_part(vm, type, cd_var_size(type, offsetof(Str, inlined) + size + 1), offsetof(Str, inlined));
  if (!s) return NULL;
  s->hash = -1;
  s->size = size;
  s->data = s->inlined;
  s->data[size] = 0;
  return s;
}

static size_t str_block_capacity(const Str *s)
{
  size_t capacity;
  memcpy(&capacity, s->inlined, sizeof capacity);
  return capacity;
}

static void str_set_block(Str *s, char *data, size_t capacity)
{
  s->data = data;
  memcpy(s->inlined, &capacity, sizeof capacity);
}

static size_t str_alloc_size(Object *self)
{
  const Str *s = (const Str *)self;
  return offsetof(Str, inlined) + (s->data == s->inlined ? s->size + 1 : sizeof(size_t));
}

Ref cd_str_blank(VM *vm, size_t size, size_t length)
{
  Str *s = str_alloc(vm, vm->types.str, size);
  if (!s) return NO_REF;
  s->length = length;
  s->ascii = size == length;
  return cd_from_object(s);
}

static Ref str_empty(VM *vm)
{
  if (UNLIKELY(!vm->empty_str)) {
    Ref s = cd_str_blank(vm, 0, 0);
    if (!s) return NO_REF;
    vm->empty_str = s;
  }
  return cd_dup(vm->empty_str);
}

static Ref str_latin1(VM *vm, unsigned c)
{
  if (UNLIKELY(!vm->latin1_chars[c])) {
    char bytes[4];
    size_t size = (size_t)cd_utf8_put(bytes, c);
    Ref s = cd_str_blank(vm, size, 1);
    if (!s) return NO_REF;
    memcpy(cd_str_buffer(s), bytes, size);
    vm->latin1_chars[c] = s;
  }
  return cd_dup(vm->latin1_chars[c]);
}

Ref cd_str_known(VM *vm, const char *data, size_t size, size_t length)
{
  if (size == 0) return str_empty(vm);
  if (length == 1 && size <= 2) {
    unsigned char lead = (unsigned char)data[0];
    if (size == 1) return str_latin1(vm, lead);
    if (lead < 0xC4) return str_latin1(vm, (lead & 3u) << 6 | ((unsigned char)data[1] & 0x3Fu));
  }
  Ref s = cd_str_blank(vm, size, length);
  if (s) memcpy(cd_str_buffer(s), data, size);
  return s;
}

Ref cd_str_adopt(VM *vm, char *data, size_t size, size_t length, size_t capacity)
{
  Str *s = NULL;
  if (size > 4 && (s = cd_object_new(vm, vm->types.str, offsetof(Str, inlined) + sizeof(size_t)))) {
    s->hash = -1;
    s->size = size;
    s->length = length;
    s->ascii = size == length;
    str_set_block(s, data, capacity);
    return cd_from_object(s);
  }
  Ref copy = size > 4 ? NO_REF : cd_str_known(vm, data, size, length);
  cd_free(vm, data, capacity);
  return copy;
}

Ref cd_str_new(VM *vm, const char *data, size_t size) { return cd_str_known(vm, data, size, cd_utf8_count(data, size)); }
Ref cd_str_from(VM *vm, const char *text) { return cd_str_new(vm, text, strlen(text)); }
Ref cd_str_ascii(VM *vm, const char *data, size_t size) { return cd_str_known(vm, data, size, size); }
Ref cd_str_decode_utf8(VM *vm, const char *data, size_t size, const char *errors)
{
  return cd_utf8_decode(vm, data, size, errors, true, NULL);
}

Ref cd_str_from_char(VM *vm, uint32_t c)
{
  if (c < 256) return str_latin1(vm, c);
  char bytes[4];
  size_t size = (size_t)cd_utf8_put(bytes, c);
  return cd_str_known(vm, bytes, size, 1);
}

// A copy of `s` as an instance of `type`.
static Ref str_copy_as(VM *vm, Type *type, Value s)
{
  const Str *from = cd_as_str(s);
  Str *copy = str_alloc(vm, type, from->size);
  if (!copy) return NO_REF;
  memcpy(copy->data, from->data, from->size);
  copy->length = from->length;
  copy->ascii = from->ascii;
  copy->hash = from->hash;
  return cd_from_object(copy);
}

Ref cd_str_exact(VM *vm, Value s)
{
  if (cd_is_exact(s, vm->types.str)) return cd_dup(s);
  return cd_str_known(vm, cd_str_data(s), cd_str_size(s), cd_str_length(s));
}

// ---- interning ----

// Open addressing; a slot is free (NULL), deleted (INTERNED_DELETED) or holds a str, which is not owned: a dying str leaves the table.
struct Interned {
  Str **slots;
  size_t mask, live, filled;                     // slots - 1; live strings; live and deleted
};
#define INTERNED_DELETED ((Str *)(uintptr_t)8)

static void interned_insert(struct Interned *table, Str *s)
{
  size_t i = (size_t)s->hash & table->mask;
  while (table->slots[i]) i = (i + 1) & table->mask;
  table->slots[i] = s;
}

static bool interned_grow(VM *vm, struct Interned *table)
{
  size_t old_count = table->slots ? table->mask + 1 : 0, count = 2048;
  while (count < table->live * 3) count *= 2;
  Str **old = table->slots, **slots = cd_alloc_zeroed(vm, count * sizeof *slots);
  if (!slots) return false;
  table->slots = slots;
  table->mask = count - 1;
  for (size_t i = 0; i < old_count; i++)
    if (old[i] && old[i] != INTERNED_DELETED) interned_insert(table, old[i]);
  table->filled = table->live;
  cd_free(vm, old, old_count * sizeof *old);
  return true;
}

static struct Interned *interned_table(VM *vm)
{
  if (!vm->interned && !(vm->interned = cd_alloc_zeroed(vm, sizeof *vm->interned))) return NULL;
  struct Interned *table = vm->interned;
  if (!table->slots || (table->filled + 1) * 3 > table->mask * 2)
    if (!interned_grow(vm, table)) return NULL;
  return table;
}

static void interned_remove(VM *vm, Str *s)
{
  struct Interned *table = vm->interned;
  if (!table) return;
  for (size_t i = (size_t)s->hash & table->mask; table->slots[i]; i = (i + 1) & table->mask) {
    if (table->slots[i] != s) continue;
    table->slots[i] = INTERNED_DELETED;
    table->live--;
    return;
  }
}

void cd_interned_finish(VM *vm)
{
  struct Interned *table = vm->interned;
  if (!table) return;
  vm->interned = NULL;
  cd_free(vm, table->slots, (table->mask + 1) * sizeof *table->slots);
  cd_free(vm, table, sizeof *table);
}

// The interned str of this text, or NULL.
static Str *interned_find(struct Interned *table, int64_t hash, const char *data, size_t size)
{
  for (size_t i = (size_t)hash & table->mask; table->slots[i]; i = (i + 1) & table->mask) {
    Str *s = table->slots[i];
    if (s != INTERNED_DELETED && s->hash == hash && s->size == size && memcmp(s->data, data, size) == 0) return s;
  }
  return NULL;
}

Ref cd_str_intern(VM *vm, Ref s)
{
  if (!s || !cd_is_exact(s, vm->types.str) || cd_as_str(s)->interned) return s;
  struct Interned *table = interned_table(vm);
  if (!table) { cd_drop(vm, s); return NO_REF; }
  Str *str = cd_as_str(s), *present = interned_find(table, cd_str_hash(vm, s), str->data, str->size);
  if (present) {
    Ref result = cd_dup_object(present);
    cd_drop(vm, s);
    return result;
  }
  interned_insert(table, str);
  table->live++;
  table->filled++;                               // an upper bound: the insertion may have taken a free slot only
  str->interned = true;
  return s;
}

// `checked`: the text is known to be valid.
static Ref intern_text(VM *vm, const char *data, size_t size, bool checked, bool *bad)
{
  struct Interned *table = interned_table(vm);
  if (!table) return NO_REF;
  int64_t hash = cd_hash_bytes(vm->hash_key, data, size);
  Str *present = interned_find(table, hash, data, size);
  if (present) return cd_dup_object(present);
  size_t length;
  bool ascii;
  if (checked) {
    length = cd_utf8_count(data, size);
  } else if (cd_utf8_check(data, size, true, &length, &ascii, NULL) != size) {
    *bad = true;
    return NO_REF;
  }
  Ref s = cd_str_known(vm, data, size, length);
  Str *str = s ? cd_as_str(s) : NULL;
  if (!s || str->interned) return s;
  str->hash = hash;
  interned_insert(table, str);
  table->live++;
  table->filled++;
  str->interned = true;
  return s;
}

Ref cd_intern_size(VM *vm, const char *data, size_t size) { return intern_text(vm, data, size, true, NULL); }
Ref cd_intern_unchecked(VM *vm, const char *data, size_t size, bool *bad) { return intern_text(vm, data, size, false, bad); }

Ref cd_intern(VM *vm, const char *text) { return cd_intern_size(vm, text, strlen(text)); }

static void str_free_index(VM *vm, Str *s)
{
  cd_free(vm, s->index, (s->length / STR_INDEX_STEP + 1) * sizeof *s->index);
  s->index = NULL;
}

static void str_release(VM *vm, Object *self)
{
  Str *s = (Str *)self;
  if (s->interned) interned_remove(vm, s);
  if (s->index) str_free_index(vm, s);
  if (s->data != s->inlined) cd_free(vm, s->data, str_block_capacity(s));
}

// ---- comparing ----

bool cd_str_equal(Value a, Value b)
{
  if (cd_is(a, b)) return true;
  const Str *s = cd_as_str(a), *t = cd_as_str(b);
  if (s->size != t->size || (s->hash != t->hash && s->hash != -1 && t->hash != -1)) return false;
  return memcmp(s->data, t->data, s->size) == 0;
}

bool cd_str_is(Value s, const char *text)
{
  if (!cd_is_object(s) || !s || !cd_is_str(s)) return false;
  size_t size = strlen(text);
  return cd_str_size(s) == size && memcmp(cd_str_data(s), text, size) == 0;
}

// The order of WTF-8 bytes is the order of code points.
int cd_str_compare(Value a, Value b)
{
  const Str *s = cd_as_str(a), *t = cd_as_str(b);
  int order = memcmp(s->data, t->data, s->size < t->size ? s->size : t->size);
  return order ? order : (s->size > t->size) - (s->size < t->size);
}

int64_t cd_str_hash(VM *vm, Value v)
{
  Str *s = cd_as_str(v);
  if (s->hash == -1) s->hash = cd_hash_bytes(vm->hash_key, s->data, s->size);
  return s->hash;
}

bool cd_str_starts_with(Value s, const char *prefix)
{
  size_t size = strlen(prefix);
  return cd_str_size(s) >= size && memcmp(cd_str_data(s), prefix, size) == 0;
}

// ---- positions ----

// Builds the index of non-ASCII text that is long enough for one; without memory the walk from the start does.
static void str_build_index(VM *vm, Str *s)
{
  size_t entries = s->length / STR_INDEX_STEP + 1;
  if (s->size > UINT32_MAX || s->length < STR_INDEX_STEP * 2) return;
  uint32_t *index = cd_alloc(vm, entries * sizeof *index);
  if (!index) { cd_clear_raised(vm); return; }
  const char *p = s->data, *end = p + s->size;
  for (size_t i = 0, n = 0; n < entries; i++) {
    if (i % STR_INDEX_STEP == 0) index[n++] = (uint32_t)(p - s->data);
    if (p < end) p += cd_utf8_len((unsigned char)*p);
  }
  s->index = index;
}

void cd_str_index(VM *vm, Value v)
{
  Str *s = cd_as_str(v);
  if (!s->ascii && !s->index) str_build_index(vm, s);
}

size_t cd_str_offset(VM *vm, Value v, size_t i)
{
  Str *s = cd_as_str(v);
  if (s->ascii || i == 0) return i;
  if (i >= s->length) return s->size;
  if (!s->index) str_build_index(vm, s);
  const char *p = s->data;
  if (s->index) {
    p += s->index[i >> STR_INDEX_SHIFT];
    i &= STR_INDEX_STEP - 1;
  } else if (s->length - i < i) {                // nearer to the end
    const char *q = s->data + s->size;
    for (size_t back = s->length - i; back; back--) cd_utf8_previous(&q);
    return (size_t)(q - s->data);
  }
  while (i--) p += cd_utf8_len((unsigned char)*p);
  return (size_t)(p - s->data);
}

size_t cd_str_position(Value v, size_t offset)
{
  const Str *s = cd_as_str(v);
  if (s->ascii) return offset;
  if (!s->index) return cd_utf8_count(s->data, offset);
  size_t low = 0, high = s->length / STR_INDEX_STEP + 1;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (s->index[middle] <= offset) low = middle;
    else high = middle;
  }
  return low * STR_INDEX_STEP + cd_utf8_count(s->data + s->index[low], offset - s->index[low]);
}

uint32_t cd_str_at(VM *vm, Value v, size_t i)
{
  const Str *s = cd_as_str(v);
  if (s->ascii) return (unsigned char)s->data[i];
  const char *p = s->data + cd_str_offset(vm, v, i);
  return cd_utf8_next(&p);
}

Ref cd_str_piece(VM *vm, Value v, size_t from, size_t to)
{
  const Str *s = cd_as_str(v);
  if (from == 0 && to == s->size && cd_is_exact(v, vm->types.str)) return cd_dup(v);
  size_t size = to - from;
  return cd_str_known(vm, s->data + from, size, s->ascii ? size : cd_utf8_count(s->data + from, size));
}

Ref cd_str_slice(VM *vm, Value v, size_t start, size_t stop)
{
  const Str *s = cd_as_str(v);
  if (stop > s->length) stop = s->length;
  if (start >= stop) return str_empty(vm);
  if (start == 0 && stop == s->length && cd_is_exact(v, vm->types.str)) return cd_dup(v);
  size_t from = cd_str_offset(vm, v, start), to = cd_str_offset(vm, v, stop);
  return cd_str_known(vm, s->data + from, to - from, stop - start);
}

int64_t cd_str_find(VM *vm, Value v, Value needle, int64_t start, int64_t stop)
{
  const Str *s = cd_as_str(v), *n = cd_as_str(needle);
  if (stop > (int64_t)s->length) stop = (int64_t)s->length;
  if (start < 0) start = 0;
  if (stop - start < (int64_t)n->length || (s->ascii && !n->ascii)) return -1;
  size_t from = cd_str_offset(vm, v, (size_t)start), to = cd_str_offset(vm, v, (size_t)stop);
  int64_t at = cd_search_first(s->data + from, to - from, n->data, n->size);
  return at < 0 ? -1 : (int64_t)cd_str_position(v, from + (size_t)at);
}

bool cd_slice_arguments(VM *vm, Value start, Value stop, size_t length, int64_t *out_start, int64_t *out_stop)
{
  int64_t n = (int64_t)length, from = 0, to = n;
  Value bounds[2] = {start, stop};
  int64_t *results[2] = {&from, &to};
  for (int i = 0; i < 2; i++) {
    Value v = bounds[i];
    if (!v || cd_is_none(v)) continue;
    if (!cd_is_int(v) && !cd_type_of(vm, v)->slots.index)
      return cd_raise_type(vm, "slice indices must be integers or None or have an __index__ method");
    if (!cd_to_i64(vm, v, results[i], NULL)) return false;
    if (*results[i] < 0) *results[i] = *results[i] < -n ? 0 : *results[i] + n;
  }
  *out_start = from;
  *out_stop = to > n ? n : to;
  return true;
}

// ---- joining ----

Ref cd_str_concat(VM *vm, Value a, Value b)
{
  const Str *s = cd_as_str(a), *t = cd_as_str(b);
  if (t->size == 0 && cd_is_exact(a, vm->types.str)) return cd_dup(a);
  if (s->size == 0) return cd_str_exact(vm, b);
  if (t->size == 0) return cd_str_exact(vm, a);
  Ref result = cd_str_blank(vm, s->size + t->size, s->length + t->length);
  if (!result) return NO_REF;
  cd_put_bytes(cd_put_bytes(cd_str_buffer(result), s->data, s->size), t->data, t->size);
  return result;
}

static size_t str_growth(size_t size) { return size + (size < 0x10000 ? size / 2 : size / 8) + 1; }

// The bytes of *slot moved into a block with room for `size` more.
static bool str_make_growable(VM *vm, Value *slot, size_t size)
{
  Str *old = cd_as_str(*slot);
  size_t capacity = str_growth(old->size + size);
  char *data = cd_alloc(vm, capacity);
  if (!data) return false;
  memcpy(data, old->data, old->size);
  Ref grown = cd_str_adopt(vm, data, old->size, old->length, capacity);
  if (!grown) return false;
  cd_replace(vm, slot, grown);
  return true;
}

bool cd_str_append(VM *vm, Value *slot, Value piece)
{
  Str *s = cd_as_str(*slot);
  const Str *p = cd_as_str(piece);
  if (p->size == 0) return true;
  size_t size = s->size + p->size;
  bool in_place = s->head.refcount == 1 && !s->interned && size >= STR_GROWTH_MIN && s != p && s->size > p->size / 4 &&
                  s->head.type == vm->types.str;
  if (!in_place) {
    Ref sum = cd_str_concat(vm, *slot, piece);
    if (!sum) return false;
    cd_replace(vm, slot, sum);
    return true;
  }
  if (s->data == s->inlined) {
    if (!str_make_growable(vm, slot, p->size)) return false;
    s = cd_as_str(*slot);
  }
  size_t capacity = str_block_capacity(s);
  if (capacity < size + 1) {
    size_t wanted = str_growth(size);
    char *data = cd_realloc(vm, s->data, capacity, wanted);
    if (!data) return false;
    str_set_block(s, data, wanted);
  }
  if (s->index) str_free_index(vm, s);
  memcpy(s->data + s->size, p->data, p->size);
  s->data[size] = 0;
  s->size = size;
  s->length += p->length;
  s->ascii &= p->ascii;
  s->hash = -1;
  return true;
}

static Ref str_join_items(VM *vm, Value separator, const Value *items, size_t count)
{
  if (count == 0) return str_empty(vm);
  if (count == 1 && cd_is_exact(items[0], vm->types.str)) return cd_dup(items[0]);
  const Str *sep = cd_as_str(separator);
  size_t size, length, seps = count - 1;
  if (__builtin_mul_overflow(sep->size, seps, &size)) return cd_raise_overflow(vm, "join() result is too long for a Python string");
  length = sep->length * seps;
  for (size_t i = 0; i < count; i++) {
    if (!cd_is_str(items[i])) return cd_raise_type(vm, "sequence item %zd: expected str instance, %.80T found", (ptrdiff_t)i, items[i]);
    size += cd_as_str(items[i])->size;
    length += cd_as_str(items[i])->length;
    if (size > INT64_MAX) return cd_raise_overflow(vm, "join() result is too long for a Python string");
  }
  if (size < 4) {
    char bytes[4], *p = bytes;
    for (size_t i = 0; i < count; i++) {
      if (i) p = cd_put_bytes(p, sep->data, sep->size);
      p = cd_put_bytes(p, cd_str_data(items[i]), cd_str_size(items[i]));
    }
    return cd_str_known(vm, bytes, size, length);
  }
  Ref result = cd_str_blank(vm, size, length);
  if (!result) return NO_REF;
  char *p = cd_str_buffer(result);
  for (size_t i = 0; i < count; i++) {
    if (i) p = cd_put_bytes(p, sep->data, sep->size);
    p = cd_put_bytes(p, cd_str_data(items[i]), cd_str_size(items[i]));
  }
  return result;
}

Ref cd_str_join(VM *vm, Value separator, Value iterable)
{
  if (cd_is_list(iterable)) return str_join_items(vm, separator, cd_as_list(iterable)->items, cd_list_size(iterable));
  if (cd_is_tuple(iterable)) return str_join_items(vm, separator, cd_as_tuple(iterable)->items, cd_tuple_size(iterable));
  Type *type = cd_type_of(vm, iterable);
  if (!type->slots.iter && !type->slots.getitem) return cd_raise_type(vm, "can only join an iterable");
  Ref list = cd_list_from(vm, iterable);
  if (!list) return NO_REF;
  Ref result = str_join_items(vm, separator, cd_as_list(list)->items, cd_list_size(list));
  cd_drop(vm, list);
  return result;
}

// ---- the outside world ----

bool cd_str_has_surrogates(Value v)
{
  const Str *s = cd_as_str(v);
  if (s->ascii) return false;
  const char *p = s->data, *end = p + s->size;
  while ((p = memchr(p, 0xED, (size_t)(end - p)))) {
    if ((unsigned char)p[1] >= 0xA0) return true;
    p += 3;
  }
  return false;
}

static void str_surrogate_span(Value v, size_t *start, size_t *end)
{
  StrReader reader = cd_str_reader(v);
  size_t i = 0;
  bool inside = false;
  for (; reader.p < reader.end; i++) {
    uint32_t c = cd_utf8_next(&reader.p);
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    if (surrogate && !inside) *start = i;
    if (!surrogate && inside) break;
    inside = surrogate;
  }
  *end = i;
}

const char *cd_str_utf8(VM *vm, Value s, size_t *size)
{
  if (UNLIKELY(cd_str_has_surrogates(s))) {
    size_t start = 0, end = 0;
    str_surrogate_span(s, &start, &end);
    cd_raise_encode(vm, "utf-8", s, start, end, "surrogates not allowed");
    return NULL;
  }
  if (size) *size = cd_str_size(s);
  return cd_str_data(s);
}

static Ref str_fspath(VM *vm, Value path)
{
  if (cd_is_str(path) || cd_is_bytes(path)) return cd_dup(path);
  Ref method;
  Find found = cd_lookup_special(vm, path, N(__fspath__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING) return cd_raise_type(vm, "expected str, bytes or os.PathLike object, not %.200T", path);
  Ref result = cd_call0(vm, method);
  cd_drop(vm, method);
  if (!result || cd_is_str(result) || cd_is_bytes(result)) return result;
  cd_raise_type(vm, "expected %.200T.__fspath__() to return str or bytes, not %.200T", path, result);
  cd_drop(vm, result);
  return NO_REF;
}

Ref cd_fs_encode(VM *vm, Value path)
{
  Ref real = str_fspath(vm, path);
  if (!real) return NO_REF;
  if (cd_is_str(real)) {
    Ref bytes = cd_utf8_encode(vm, real, "surrogateescape");
    cd_drop(vm, real);
    if (!(real = bytes)) return NO_REF;
  }
  if (!memchr(cd_bytes_data(real), 0, cd_bytes_size(real))) return real;
  cd_drop(vm, real);
  return cd_raise_value(vm, "embedded null byte");
}

Ref cd_fs_decode(VM *vm, const char *bytes, size_t size) { return cd_str_decode_utf8(vm, bytes, size, "surrogateescape"); }

// ---- slots ----

static const char str_hex_digits[] = "0123456789abcdef";

static char *str_put_hex(char *out, char kind, uint32_t c, int digits)
{
  *out++ = '\\';
  *out++ = kind;
  while (digits-- > 0) *out++ = str_hex_digits[c >> digits * 4 & 15];
  return out;
}

// One code point as repr() shows it, at most 10 bytes.
static char *str_put_repr(char *out, uint32_t c, char quote)
{
  if (c == (unsigned char)quote || c == '\\') { *out++ = '\\'; *out++ = (char)c; return out; }
  if (c >= 0x20 && c < 0x7F) { *out++ = (char)c; return out; }
  if (c == '\n' || c == '\r' || c == '\t') { *out++ = '\\'; *out++ = c == '\n' ? 'n' : c == '\r' ? 'r' : 't'; return out; }
  if (c >= 0x80 && cd_char_is_printable(c)) return out + cd_utf8_put(out, c);
  return c < 0x100 ? str_put_hex(out, 'x', c, 2) : c < 0x10000 ? str_put_hex(out, 'u', c, 4) : str_put_hex(out, 'U', c, 8);
}

static Ref str_repr(VM *vm, Value self)
{
  const Str *s = cd_as_str(self);
  char quote = memchr(s->data, '\'', s->size) && !memchr(s->data, '"', s->size) ? '"' : '\'';
  TextBuilder text;
  cd_text_init(&text, vm);
  if (!cd_text_char(&text, (unsigned char)quote)) goto fail;
  for (StrReader reader = cd_str_reader(self); reader.p < reader.end;) {
    const char *plain = reader.p;                // a run that needs nothing is copied as it is
    while (plain < reader.end) {
      const char *next = plain;
      uint32_t c = cd_utf8_next(&next);
      if (c < 0x80 ? c < 0x20 || c == 0x7F || c == (unsigned char)quote || c == '\\' : !cd_char_is_printable(c)) break;
      plain = next;
    }
    if (plain > reader.p) {
      if (!cd_text_put(&text, reader.p, (size_t)(plain - reader.p))) goto fail;
      reader.p = plain;
      continue;
    }
    char bytes[12];
    char *end = str_put_repr(bytes, cd_utf8_next(&reader.p), quote);
    if (!cd_text_put(&text, bytes, (size_t)(end - bytes))) goto fail;
  }
  if (!cd_text_char(&text, (unsigned char)quote)) goto fail;
  return cd_text_finish(&text);
fail:
  cd_text_clear(&text);
  return NO_REF;
}

static Ref str_str(VM *vm, Value self) { return cd_str_exact(vm, self); }
static bool str_hash(VM *vm, Value self, int64_t *out) { *out = cd_str_hash(vm, self); return true; }
static bool str_len(VM *vm, Value self, int64_t *out) { *out = (int64_t)cd_str_length(self); return true; }

static Ref str_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_str(self) || !cd_is_str(other)) return cd_not_implemented();
  if (op == COMPARE_EQ) return cd_bool(cd_str_equal(self, other));
  if (op == COMPARE_NE) return cd_bool(!cd_str_equal(self, other));
  return cd_compare_ints(cd_str_compare(self, other), op);
}

Ref cd_str_steps(VM *vm, Value self, int64_t start, int64_t step, int64_t count)
{
  if (count <= 0) return str_empty(vm);
  if (step == 1) return cd_str_slice(vm, self, (size_t)start, (size_t)(start + count));
  const Str *s = cd_as_str(self);
  if (s->ascii && count > 1) {
    Ref result = cd_str_blank(vm, (size_t)count, (size_t)count);
    if (!result) return NO_REF;
    char *out = cd_str_buffer(result);
    for (int64_t i = 0; i < count; i++) out[i] = s->data[start + i * step];
    return result;
  }
  TextBuilder text;
  cd_text_init(&text, vm);
  if (step == -1) {
    const char *p = s->data + cd_str_offset(vm, self, (size_t)start + 1);
    while (count--)
      if (!cd_text_char(&text, cd_utf8_previous(&p))) goto fail;
    return cd_text_finish(&text);
  }
  for (int64_t i = 0; i < count; i++)
    if (!cd_text_char(&text, cd_str_at(vm, self, (size_t)(start + i * step)))) goto fail;
  return cd_text_finish(&text);
fail:
  cd_text_clear(&text);
  return NO_REF;
}

static Ref str_get_slice(VM *vm, Value self, Value slice)
{
  int64_t start, stop, step, count;
  if (!cd_slice_indices(vm, slice, (int64_t)cd_str_length(self), &start, &stop, &step, &count)) return NO_REF;
  return cd_str_steps(vm, self, start, step, count);
}

static Ref str_getitem(VM *vm, Value self, Value key)
{
  int64_t i, length = (int64_t)cd_str_length(self);
  if (LIKELY(cd_is_small(key))) i = cd_small(key);
  else if (cd_is_exact(key, vm->types.slice)) return str_get_slice(vm, self, key);
  else if (!cd_is_int(key) && !cd_type_of(vm, key)->slots.index)
    return cd_raise_type(vm, "string indices must be integers, not '%.200T'", key);
  else if (!cd_to_i64(vm, key, &i, vm->exc.IndexError)) return NO_REF;
  if (i < 0) i += length;
  if (i < 0 || i >= length) return cd_raise_index(vm, "string index out of range");
  return cd_str_from_char(vm, cd_str_at(vm, self, (size_t)i));
}

static bool str_contains(VM *vm, Value self, Value item, bool *out)
{
  if (!cd_is_str(item)) return cd_raise_type(vm, "'in <string>' requires string as left operand, not %.100T", item);
  *out = cd_search_first(cd_str_data(self), cd_str_size(self), cd_str_data(item), cd_str_size(item)) >= 0;
  return true;
}

static Ref str_concat(VM *vm, Value self, Value other)
{
  if (!cd_is_str(other)) return cd_raise_type(vm, "can only concatenate str (not \"%.200T\") to str", other);
  return cd_str_concat(vm, self, other);
}

static Ref str_repeat(VM *vm, Value self, int64_t count)
{
  const Str *s = cd_as_str(self);
  if (count <= 0 || s->size == 0) return str_empty(vm);
  if (count == 1) return cd_str_exact(vm, self);
  size_t size;
  if (__builtin_mul_overflow(s->size, (size_t)count, &size) || size > INT64_MAX)
    return cd_raise_overflow(vm, "repeated string is too long");
  Ref result = cd_str_blank(vm, size, s->length * (size_t)count);
  if (!result) return NO_REF;
  char *out = cd_str_buffer(result);
  if (s->size == 1) { memset(out, s->data[0], size); return result; }
  memcpy(out, s->data, s->size);
  for (size_t done = s->size; done < size;) {    // doubling
    size_t piece = done < size - done ? done : size - done;
    memcpy(out + done, out, piece);
    done += piece;
  }
  return result;
}

static Ref str_remainder(VM *vm, Value left, Value right)
{
  return cd_is_str(left) ? cd_str_percent(vm, left, right) : cd_not_implemented();
}

static Ref str_iter(VM *vm, Value self);

static Ref str_from_object(VM *vm, Value object, Value encoding, Value errors)
{
  if (!object) return str_empty(vm);
  if (!encoding && !errors) return cd_str(vm, object);
  const char *encoding_text = NULL, *errors_text = NULL;
  if (encoding) {
    if (!cd_is_str(encoding)) return cd_raise_arg_type(vm, "str", "encoding", "str", encoding);
    if (!(encoding_text = cd_str_utf8(vm, encoding, NULL))) return NO_REF;
  }
  if (errors) {
    if (!cd_is_str(errors)) return cd_raise_arg_type(vm, "str", "errors", "str", errors);
    if (!(errors_text = cd_str_utf8(vm, errors, NULL))) return NO_REF;
  }
  if (cd_is_str(object)) return cd_raise_type(vm, "decoding str is not supported");
  if (!cd_has_buffer(vm, object)) return cd_raise_type(vm, "decoding to str: need a bytes-like object, %.80T found", object);
  Buffer buffer;
  if (!cd_get_buffer(vm, object, &buffer, BUFFER_SIMPLE)) return NO_REF;
  bool decode = buffer.size || vm->config.dev_mode;   // which checks the names of the codec and the handler in any case
  Ref result = decode ? cd_decode(vm, buffer.data, (size_t)buffer.size, encoding_text, errors_text) : str_empty(vm);
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref str_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Ref text;
  if (nargs == 1 && !kwnames) {
    text = cd_str(vm, args[0]);
  } else {
    Value bound[3];
    Ref owned[2] = {NO_REF, NO_REF};
    if (!cd_bind_text(vm, "str(object='', encoding='utf-8', errors='strict')", args, nargs, kwnames, bound, owned)) return NO_REF;
    text = str_from_object(vm, bound[0], bound[1], bound[2]);
    cd_drop(vm, owned[0]);
    cd_drop(vm, owned[1]);
  }
  if (!text || type == vm->types.str) return text;
  Ref result = str_copy_as(vm, type, text);
  cd_drop(vm, text);
  return result;
}

const TypeSpec cd_str_spec = {
  .name = "str",
  .doc = "str(object='') -> str\n"
         "str(bytes_or_buffer[, encoding[, errors]]) -> str\n"
         "\n"
         "Make text from an object: what its __str__() says, or, with an encoding\n"
         "or an error handler given, the decoded contents of a bytes-like object.\n"
         "The defaults are utf-8 and 'strict'.",
  .basicsize = offsetof(Str, inlined),
  .flags = TYPE_BASE | TYPE_STR | TYPE_VALUE_MATCH,
  .methods = cd_str_methods,
  .slots = {
    .release = str_release, .alloc_size = str_alloc_size, .repr = str_repr, .str = str_str, .hash = str_hash, .compare = str_compare,
    .iter = str_iter, .new_ = str_new, .remainder = str_remainder, .len = str_len, .getitem = str_getitem, .contains = str_contains,
    .concat = str_concat, .repeat = str_repeat,
  },
};

// ---- iterator ----

typedef struct StrIterator {
  Object head;
  Value str;                                     // owned; NO_VALUE: exhausted
  size_t index, offset;                          // the next code point and its byte
} StrIterator;

static Ref str_iter(VM *vm, Value self)
{
  StrIterator *it = cd_object_new(vm, vm->types.str_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->str = cd_dup(self);
  return cd_from_object(it);
}

static void str_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((StrIterator *)self)->str); }
static void str_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((StrIterator *)self)->str); }

static Next str_iterator_next(VM *vm, Value self, Ref *out)
{
  StrIterator *it = (StrIterator *)cd_object(self);
  if (!it->str) return NEXT_DONE;
  const Str *s = cd_as_str(it->str);
  if (it->offset >= s->size) {
    cd_clear(vm, &it->str);
    return NEXT_DONE;
  }
  const char *p = s->data + it->offset;
  Ref c = cd_str_from_char(vm, cd_utf8_next(&p));
  if (!c) return NEXT_ERROR;
  it->index++;
  it->offset = (size_t)(p - s->data);
  *out = c;
  return NEXT_ITEM;
}

static Ref str_iterator_iter(VM *vm, Value self) { return cd_dup(self); }

METHOD(str_iterator, __length_hint__, "__length_hint__(self, /)", "Say how many characters are left.")
{
  const StrIterator *it = (StrIterator *)cd_object(self);
  return cd_from_small(it->str ? (int64_t)(cd_str_length(it->str) - it->index) : 0);
}

METHOD(str_iterator, __reduce__, "__reduce__(self, /)", "Describe the iterator for pickling.")
{
  const StrIterator *it = (StrIterator *)cd_object(self);
  Ref iter = cd_import_attr(vm, "builtins", "iter"), text = it->str ? cd_dup(it->str) : str_empty(vm);
  Ref arguments = text ? cd_tuple1(vm, text) : NO_REF;
  cd_drop(vm, text);
  return it->str ? cd_tuple3_steal(vm, iter, arguments, cd_from_small((int64_t)it->index)) : cd_tuple2_steal(vm, iter, arguments);
}

METHOD(str_iterator, __setstate__, "__setstate__(self, state, /)", "Go to a position.")
{
  StrIterator *it = (StrIterator *)cd_object(self);
  int64_t index;
  if (!cd_to_i64(vm, args[0], &index, vm->exc.OverflowError)) return NO_REF;
  if (!it->str) return cd_none();
  size_t length = cd_str_length(it->str);
  it->index = index < 0 ? 0 : (size_t)index > length ? length : (size_t)index;
  it->offset = cd_str_offset(vm, it->str, it->index);
  return cd_none();
}

static const MethodDef *const str_iterator_methods[] = {
  &str_iterator___length_hint___def, &str_iterator___reduce___def, &str_iterator___setstate___def, NULL,
};

const TypeSpec cd_str_iterator_spec = {
  .name = "str_iterator",
  .basicsize = sizeof(StrIterator),
  .flags = TYPE_GC | TYPE_LIBRARY_ITERATOR | TYPE_NO_NEW,
  .methods = str_iterator_methods,
  .slots = {
    .release = str_iterator_release, .traverse = str_iterator_traverse, .iter = str_iterator_iter, .next = str_iterator_next,
  },
};
