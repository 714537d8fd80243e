// SPDX-License-Identifier: MIT
// memoryview.c: views of other objects' memory; copying buffers of any shape
#include "base/platform.h"
#include "objects/bytes.h"
#include "objects/bytes_private.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/weakref.h"

#include <limits.h>

// A view made from an exporter is a root: it keeps the exporter's buffer. Views made from views (slices, casts, copies) keep their root
// alive and count in its `views`; when the last of these, the root itself included, is released, so is the buffer.
typedef struct MemoryView {
  Object head;
  Weakref *weaklist;
  Value root;                                    // owned; NO_VALUE in a root
  Buffer source;                                 // of a root; owner NO_VALUE: given back
  int views;                                     // of a root: views not yet released
  int exports;                                   // buffers that others took from this view
  bool released, readonly;
  int ndim;
  int64_t hash;                                  // -1: not computed
  char *data;
  int64_t size, itemsize;                        // bytes; bytes
  const char *format;                            // lives as long as the exporter's buffer, or static
  int64_t *shape, *strides, *suboffsets;         // in `dims`; suboffsets NULL: none
  int64_t *dims;                                 // 3 * ndim entries
} MemoryView;

static inline MemoryView *memory_of(Value v) { return (MemoryView *)cd_object(v); }
static inline MemoryView *memory_root(MemoryView *m) { return m->root ? memory_of(m->root) : m; }

static bool memory_check(VM *vm, const MemoryView *m)
{
  return !m->released || cd_raise_value(vm, "operation forbidden on released memoryview object");
}

// ---- shapes ----

// Is memory of this shape contiguous in C or Fortran order?
static bool memory_is_packed(int ndim, const int64_t *shape, const int64_t *strides, int64_t itemsize, bool fortran)
{
  int64_t expected = itemsize;
  for (int i = 0; i < ndim; i++)
    if (shape[i] == 0) return true;
  for (int n = 0; n < ndim; n++) {
    int i = fortran ? n : ndim - 1 - n;
    if (shape[i] > 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

bool cd_buffer_is_contiguous(const Buffer *b, char order)
{
  if (b->suboffsets) return false;
  if (!b->strides || !b->shape) return order != 'F' || b->ndim <= 1;
  bool c = memory_is_packed(b->ndim, b->shape, b->strides, b->itemsize, false);
  bool f = memory_is_packed(b->ndim, b->shape, b->strides, b->itemsize, true);
  return order == 'C' ? c : order == 'F' ? f : c || f;
}

static inline char *memory_step(char *p, int64_t i, int dim, const int64_t *strides, const int64_t *suboffsets)
{
  p += i * strides[dim];
  if (suboffsets && suboffsets[dim] >= 0) p = *(char **)p + suboffsets[dim];
  return p;
}

// Copies the items of dimensions [dim, ndim) to `out`, whose strides are given.
static void memory_copy_out(char *out, const int64_t *out_strides, char *p, int dim, int ndim, const int64_t *shape, const int64_t *strides,
                            const int64_t *suboffsets, int64_t itemsize)
{
  if (dim == ndim) { memcpy(out, p, (size_t)itemsize); return; }
  if (dim == ndim - 1 && strides[dim] == itemsize && out_strides[dim] == itemsize && !(suboffsets && suboffsets[dim] >= 0)) {
    memcpy(out, p, (size_t)(shape[dim] * itemsize));
    return;
  }
  for (int64_t i = 0; i < shape[dim]; i++)
    memory_copy_out(out + i * out_strides[dim], out_strides, memory_step(p, i, dim, strides, suboffsets), dim + 1, ndim, shape, strides,
                    suboffsets, itemsize);
}

static void memory_packed_strides(int ndim, const int64_t *shape, int64_t itemsize, bool fortran, int64_t *strides)
{
  for (int n = 0; n < ndim; n++) {
    int i = fortran ? n : ndim - 1 - n;
    strides[i] = itemsize;
    itemsize *= shape[i];
  }
}

static Ref memory_pack(VM *vm, char *data, int64_t size, int ndim, const int64_t *shape, const int64_t *strides, const int64_t *suboffsets,
                       int64_t itemsize, char order)
{
  bool c = !suboffsets && memory_is_packed(ndim, shape, strides, itemsize, false);
  bool f = !suboffsets && memory_is_packed(ndim, shape, strides, itemsize, true);
  bool as_it_is = ndim == 0 || (order == 'C' ? c : order == 'F' ? f : c || f);
  if (as_it_is) return cd_bytes_new(vm, data, (size_t)size);
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)size);
  if (!bytes || size == 0) return bytes;
  int64_t packed[BUFFER_MAX_DIMS];
  memory_packed_strides(ndim, shape, itemsize, order == 'F', packed);
  memory_copy_out(cd_bytes_data(bytes), packed, data, 0, ndim, shape, strides, suboffsets, itemsize);
  return bytes;
}

Ref cd_buffer_to_bytes(VM *vm, const Buffer *b, char order)
{
  if (!b->shape || !b->strides) return cd_bytes_new(vm, b->data, (size_t)b->size);
  return memory_pack(vm, b->data, b->size, b->ndim, b->shape, b->strides, b->suboffsets, b->itemsize, order);
}

// ---- making ----

static bool memory_set_dims(VM *vm, MemoryView *m, int ndim)
{
  m->ndim = ndim;
  if (ndim && !(m->dims = cd_alloc_zeroed(vm, (size_t)ndim * 3 * sizeof *m->dims))) { m->ndim = 0; return false; }
  m->shape = m->dims;
  m->strides = m->dims + ndim;
  return true;
}

static MemoryView *memory_alloc(VM *vm)
{
  MemoryView *m = cd_object_new(vm, vm->types.memoryview, sizeof *m);
  if (!m) return NULL;
  m->hash = -1;
  m->released = true;                            // until it has its memory
  return m;
}

static Ref memory_from_exporter(VM *vm, Value exporter)
{
  MemoryView *m = memory_alloc(vm);
  if (!m) return NO_REF;
  Buffer *b = &m->source;
  if (!cd_get_buffer(vm, exporter, b, BUFFER_FULL_RO)) {
    b->owner = NO_VALUE;
    cd_drop_object(vm, m);
    return NO_REF;
  }
  m->released = false;
  m->views = 1;
  if (b->ndim > BUFFER_MAX_DIMS || !memory_set_dims(vm, m, b->ndim)) {
    if (b->ndim > BUFFER_MAX_DIMS) cd_raise_value(vm, "memoryview: number of dimensions must not exceed 64");
    cd_drop_object(vm, m);
    return NO_REF;
  }
  m->data = b->data;
  m->size = b->size;
  m->itemsize = b->itemsize;
  m->readonly = b->readonly;
  m->format = b->format ? b->format : "B";
  if (b->shape) memcpy(m->shape, b->shape, (size_t)b->ndim * sizeof *m->shape);
  else if (b->ndim == 1) m->shape[0] = b->itemsize ? b->size / b->itemsize : b->size;
  if (b->strides) memcpy(m->strides, b->strides, (size_t)b->ndim * sizeof *m->strides);
  else memory_packed_strides(m->ndim, m->shape, m->itemsize, false, m->strides);
  if (b->suboffsets) {
    m->suboffsets = m->dims + 2 * m->ndim;
    memcpy(m->suboffsets, b->suboffsets, (size_t)b->ndim * sizeof *m->suboffsets);
  }
  return cd_from_object(m);
}

// A view of the same memory as `from`, in another shape of `ndim` dimensions, not filled in.
static MemoryView *memory_derive(VM *vm, MemoryView *from, int ndim)
{
  MemoryView *m = memory_alloc(vm), *root = memory_root(from);
  if (!m) return NULL;
  if (!memory_set_dims(vm, m, ndim)) { cd_drop_object(vm, m); return NULL; }
  m->root = cd_dup_object(root);
  root->views++;
  m->released = false;
  m->readonly = from->readonly;
  m->data = from->data;
  m->size = from->size;
  m->itemsize = from->itemsize;
  m->format = from->format;
  return m;
}

static MemoryView *memory_duplicate(VM *vm, MemoryView *from)
{
  MemoryView *m = memory_derive(vm, from, from->ndim);
  if (!m) return NULL;
  if (m->ndim) memcpy(m->dims, from->dims, (size_t)m->ndim * 3 * sizeof *m->dims);
  if (from->suboffsets) m->suboffsets = m->dims + 2 * m->ndim;
  return m;
}

// Ends the view's use of its memory.
static void memory_end(VM *vm, MemoryView *m)
{
  if (m->released) return;
  m->released = true;
  MemoryView *root = memory_root(m);
  if (--root->views == 0) cd_release_buffer(vm, &root->source);
}

static void memory_drop(VM *vm, Object *self)
{
  MemoryView *m = (MemoryView *)self;
  memory_end(vm, m);
  cd_clear(vm, &m->root);
  cd_free(vm, m->dims, (size_t)m->ndim * 3 * sizeof *m->dims);
  m->dims = NULL;
  m->ndim = 0;
}

static void memory_clear(VM *vm, Object *self)
{
  MemoryView *m = (MemoryView *)self;
  if (m->exports == 0) memory_end(vm, m);
}

static void memory_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((MemoryView *)self)->root);
  visit(context, ((MemoryView *)self)->source.owner);
}

static Ref memory_from_object(VM *vm, Value object)
{
  if (cd_is_exact(object, vm->types.memoryview)) {
    MemoryView *from = memory_of(object), *m = memory_check(vm, from) ? memory_duplicate(vm, from) : NULL;
    return m ? cd_from_object(m) : NO_REF;
  }
  if (!cd_has_buffer(vm, object)) return cd_raise_type(vm, "memoryview: a bytes-like object is required, not '%.200T'", object);
  return memory_from_exporter(vm, object);
}

static Ref memory_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[1];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "memoryview(object)", args, nargs, kwnames, bound, owned)) return NO_REF;
  Ref view = memory_from_object(vm, bound[0]);
  cd_drop(vm, owned[0]);
  cd_drop(vm, owned[1]);
  return view;
}

// ---- items ----

// The letter of a native format of one item ("B", "@B"), or 0.
static char memory_native_letter(const char *format)
{
  if (*format == '@') format++;
  return *format && !format[1] && strchr("cbB?hHiIlLqQnNfdP", *format) ? *format : 0;
}

static int64_t memory_letter_size(char letter)
{
  switch (letter) {
  case 'c': case 'b': case 'B': case '?': return 1;
  case 'h': case 'H': return sizeof(short);
  case 'i': case 'I': return sizeof(int);
  case 'l': case 'L': return sizeof(long);
  case 'f': return sizeof(float);
  default: return 8;                             // q Q n N d P
  }
}

static Ref memory_unpack(VM *vm, const char *p, char letter)
{
#define MEMORY_LOAD(type) ({ type x_; memcpy(&x_, p, sizeof x_); x_; })
  switch (letter) {
  case 'c': return cd_bytes_new(vm, p, 1);
  case 'b': return cd_from_small(*(const signed char *)p);
  case 'B': return cd_from_small(*(const unsigned char *)p);
  case '?': return cd_bool(*p != 0);
  case 'h': return cd_from_small(MEMORY_LOAD(short));
  case 'H': return cd_from_small(MEMORY_LOAD(unsigned short));
  case 'i': return cd_from_small(MEMORY_LOAD(int));
  case 'I': return cd_from_small(MEMORY_LOAD(unsigned));
  case 'l': return cd_int_from_i64(vm, MEMORY_LOAD(long));
  case 'L': return cd_int_from_u64(vm, MEMORY_LOAD(unsigned long));
  case 'q': case 'n': return cd_int_from_i64(vm, MEMORY_LOAD(int64_t));
  case 'Q': case 'N': case 'P': return cd_int_from_u64(vm, MEMORY_LOAD(uint64_t));
  case 'f': return cd_float_new(vm, MEMORY_LOAD(float));
  default: return cd_float_new(vm, MEMORY_LOAD(double));
  }
#undef MEMORY_LOAD
}

static bool memory_bad_type(VM *vm, char letter) { return cd_raise_type(vm, "memoryview: invalid type for format '%c'", letter); }
static bool memory_bad_value(VM *vm, char letter) { return cd_raise_value(vm, "memoryview: invalid value for format '%c'", letter); }

// Converts a value to the bytes of an item. Runs Python.
static bool memory_convert(VM *vm, Value v, char letter, char out[8])
{
  if (letter == 'c') {
    if (!cd_is_bytes(v)) return memory_bad_type(vm, letter);
    if (cd_bytes_size(v) != 1) return memory_bad_value(vm, letter);
    out[0] = cd_bytes_data(v)[0];
    return true;
  }
  if (letter == '?') {
    bool truth;
    if (!cd_truth(vm, v, &truth)) return false;
    out[0] = truth;
    return true;
  }
  if (letter == 'f' || letter == 'd') {
    double x;
    if (!cd_to_double(vm, v, &x)) return cd_swallow(vm, vm->exc.TypeError) && memory_bad_type(vm, letter);
    float narrow = (float)x;
    memcpy(out, letter == 'f' ? (void *)&narrow : (void *)&x, (size_t)memory_letter_size(letter));
    return true;
  }
  Ref number = cd_index(vm, v);
  if (!number) return cd_swallow(vm, vm->exc.TypeError) && memory_bad_type(vm, letter);
  bool is_signed = strchr("bhilqn", letter), fits;
  int bits = (int)memory_letter_size(letter) * 8;
  int64_t i = 0;
  uint64_t u = 0;
  if (is_signed) fits = cd_int_fits_i64(number, &i) && (bits == 64 || (i >= -(INT64_C(1) << (bits - 1)) && i < INT64_C(1) << (bits - 1)));
  else fits = cd_int_fits_u64(number, &u) && (bits == 64 || u < UINT64_C(1) << bits);
  cd_drop(vm, number);
  if (!fits) return memory_bad_value(vm, letter);
  if (is_signed) u = (uint64_t)i;
  memcpy(out, &u, (size_t)bits / 8);             // little-endian machines; see memory_store_order
  return true;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "memory_convert stores the low bytes first");

static bool memory_letter(VM *vm, const MemoryView *m, char *letter)
{
  *letter = memory_native_letter(m->format);
  return *letter || cd_raise(vm, vm->exc.NotImplementedError, "memoryview: format %s not supported", m->format);
}

// Address of an item, by one index for each of the first dimensions given; NULL: IndexError set.
static char *memory_address(VM *vm, const MemoryView *m, const int64_t *indices)
{
  char *p = m->data;
  for (int dim = 0; dim < m->ndim; dim++) {
    int64_t i = indices[dim] < 0 ? indices[dim] + m->shape[dim] : indices[dim];
    if (i < 0 || i >= m->shape[dim]) {
      cd_raise_index(vm, "index out of bounds on dimension %d", dim + 1);
      return NULL;
    }
    p = memory_step(p, i, dim, m->strides, m->suboffsets);
  }
  return p;
}

// ---- keys ----

typedef enum { KEY_ERROR, KEY_ITEM, KEY_SLICE, KEY_ALL } MemoryKey;

static bool memory_is_index(VM *vm, Value v) { return cd_is_int(v) || cd_type_of(vm, v)->slots.index; }

static bool memory_tuple_is(VM *vm, Value key, bool slices)
{
  if (!cd_is_tuple(key)) return false;
  for (size_t i = 0; i < cd_tuple_size(key); i++) {
    Value part = cd_tuple_item_borrow(key, i);
    if (slices ? !cd_is_exact(part, vm->types.slice) : !memory_is_index(vm, part)) return false;
  }
  return slices ? cd_tuple_size(key) > 0 : true;
}

// What `key` selects: for KEY_ITEM *address is the item's.
static MemoryKey memory_resolve(VM *vm, MemoryView *m, Value key, char **address)
{
  int64_t indices[BUFFER_MAX_DIMS];
  if (m->ndim == 0) {
    if (cd_is_tuple(key) && cd_tuple_size(key) == 0) { *address = m->data; return KEY_ITEM; }
    if (cd_is_ellipsis(key)) return KEY_ALL;
    cd_raise_type(vm, "invalid indexing of 0-dim memory");
    return KEY_ERROR;
  }
  if (memory_is_index(vm, key)) {
    if (!cd_to_i64(vm, key, &indices[0], vm->exc.IndexError)) return KEY_ERROR;
    if (m->ndim > 1) { cd_raise(vm, vm->exc.NotImplementedError, "multi-dimensional sub-views are not implemented"); return KEY_ERROR; }
    if (!memory_check(vm, m)) return KEY_ERROR;
    return (*address = memory_address(vm, m, indices)) ? KEY_ITEM : KEY_ERROR;
  }
  if (cd_is_exact(key, vm->types.slice)) return KEY_SLICE;
  if (memory_tuple_is(vm, key, false)) {
    size_t count = cd_tuple_size(key);
    if (count < (size_t)m->ndim) { cd_raise(vm, vm->exc.NotImplementedError, "sub-views are not implemented"); return KEY_ERROR; }
    if (count > (size_t)m->ndim) {
      cd_raise_type(vm, "cannot index %d-dimension view with %zd-element tuple", m->ndim, (ptrdiff_t)count);
      return KEY_ERROR;
    }
    for (size_t i = 0; i < count; i++)
      if (!cd_to_i64(vm, cd_tuple_item_borrow(key, i), &indices[i], vm->exc.IndexError)) return KEY_ERROR;
    if (!memory_check(vm, m)) return KEY_ERROR;
    return (*address = memory_address(vm, m, indices)) ? KEY_ITEM : KEY_ERROR;
  }
  if (memory_tuple_is(vm, key, true)) cd_raise(vm, vm->exc.NotImplementedError, "multi-dimensional slicing is not implemented");
  else cd_raise_type(vm, "memoryview: invalid slice key");
  return KEY_ERROR;
}

static Ref memory_slice(VM *vm, MemoryView *m, Value key)
{
  int64_t start, stop, step, count;
  MemoryView *part = memory_duplicate(vm, m);    // first, for the indices may run Python, which may release m
  if (!part) return NO_REF;
  if (!cd_slice_indices(vm, key, part->shape[0], &start, &stop, &step, &count)) { cd_drop_object(vm, part); return NO_REF; }
  part->data += start * part->strides[0];
  part->shape[0] = count;
  part->strides[0] *= step;
  part->size = part->itemsize;
  for (int i = 0; i < part->ndim; i++) part->size *= part->shape[i];
  return cd_from_object(part);
}

static Ref memory_getitem(VM *vm, Value self, Value key)
{
  MemoryView *m = memory_of(self);
  char *p = NULL, letter;
  if (!memory_check(vm, m)) return NO_REF;
  switch (memory_resolve(vm, m, key, &p)) {
  case KEY_ALL: return cd_dup(self);
  case KEY_SLICE: return memory_slice(vm, m, key);
  case KEY_ITEM: return memory_letter(vm, m, &letter) ? memory_unpack(vm, p, letter) : NO_REF;
  default: return NO_REF;
  }
}

static bool memory_formats_equal(const char *a, const char *b)
{
  if (*a == '@') a++;
  if (*b == '@') b++;
  return strcmp(a, b) == 0;
}

static bool memory_set_slice(VM *vm, MemoryView *m, Value key, Value value)
{
  if (m->ndim > 1) return cd_raise(vm, vm->exc.NotImplementedError, "memoryview slice assignments are currently restricted to ndim = 1");
  Buffer source;
  if (!cd_get_buffer(vm, value, &source, BUFFER_FULL_RO)) return false;
  bool ok = false;
  int64_t start, stop, step, count;
  if (!cd_slice_indices(vm, key, m->shape[0], &start, &stop, &step, &count) || !memory_check(vm, m)) goto done;
  int64_t source_count = source.shape ? source.shape[0] : source.size / (source.itemsize ? source.itemsize : 1);
  bool alike = source.ndim == 1 && memory_formats_equal(m->format, source.format ? source.format : "B") && source.itemsize == m->itemsize &&
               source_count == count;
  if (!alike) {
    cd_raise_value(vm, "memoryview assignment: lvalue and rvalue have different structures");
    goto done;
  }
  Ref copy = cd_buffer_to_bytes(vm, &source, 'C');   // source and target may overlap
  if (!copy) goto done;
  const char *from = cd_bytes_data(copy);
  for (int64_t i = 0; i < count; i++) {
    char *p = memory_step(m->data, start + i * step, 0, m->strides, m->suboffsets);
    memcpy(p, from + i * m->itemsize, (size_t)m->itemsize);
  }
  cd_drop(vm, copy);
  ok = true;
done:
  cd_release_buffer(vm, &source);
  return ok;
}

static bool memory_setitem(VM *vm, Value self, Value key, Value value)
{
  MemoryView *m = memory_of(self);
  char *p = NULL, letter, bytes[8];
  if (!memory_check(vm, m)) return false;
  if (m->readonly) return cd_raise_type(vm, "cannot modify read-only memory");
  if (!value) return cd_raise_type(vm, "cannot delete memory");
  if (m->ndim > 1 && memory_is_index(vm, key)) return cd_raise(vm, vm->exc.NotImplementedError, "sub-views are not implemented");
  MemoryKey kind = memory_resolve(vm, m, key, &p);
  if (kind == KEY_SLICE) return memory_set_slice(vm, m, key, value);
  if (kind == KEY_ERROR) return false;
  if (kind == KEY_ALL) p = m->data;
  if (!memory_letter(vm, m, &letter) || !memory_convert(vm, value, letter, bytes) || !memory_check(vm, m)) return false;
  memcpy(p, bytes, (size_t)m->itemsize);
  return true;
}

static bool memory_len(VM *vm, Value self, int64_t *out)
{
  const MemoryView *m = memory_of(self);
  *out = m->ndim ? m->shape[0] : 1;
  return memory_check(vm, m);
}

// ---- comparing, hashing ----

// Reads items of one side of a comparison: native ones directly, others through struct.unpack_from.
typedef struct MemoryReader {
  char letter;
  Ref unpack;                                    // bound method of a struct.Struct, for other formats
  int64_t itemsize;
} MemoryReader;

static bool memory_reader_open(VM *vm, MemoryReader *r, const char *format, int64_t itemsize, bool *unknown)
{
  *r = (MemoryReader){.letter = memory_native_letter(format), .itemsize = itemsize};
  *unknown = false;
  if (r->letter) return true;
  Ref type = cd_import_attr(vm, "struct", "Struct"), text = type ? cd_str_from(vm, format) : NO_REF;
  Ref structure = text ? cd_call1(vm, type, text) : NO_REF, size = structure ? cd_getattr_text(vm, structure, "size") : NO_REF;
  if (size && cd_is_small(size) && cd_small(size) == itemsize) r->unpack = cd_getattr_text(vm, structure, "unpack_from");
  else if (!structure || size) *unknown = true;  // a format that struct doesn't know
  cd_drop(vm, type);
  cd_drop(vm, text);
  cd_drop(vm, structure);
  cd_drop(vm, size);
  if (*unknown && cd_raised(vm)) {
    if (cd_raised_is(vm, vm->exc.MemoryError)) return false;
    cd_clear_raised(vm);
  }
  return *unknown || r->unpack;
}

static Ref memory_reader_item(VM *vm, const MemoryReader *r, const char *p)
{
  if (r->letter) return memory_unpack(vm, p, r->letter);
  Ref bytes = cd_bytes_new(vm, p, (size_t)r->itemsize);
  Ref items = bytes ? cd_call1(vm, r->unpack, bytes) : NO_REF;
  cd_drop(vm, bytes);
  return items;
}

typedef struct MemoryPair {
  MemoryReader a, b;
  const MemoryView *x, *y;
} MemoryPair;

static bool memory_equal_items(VM *vm, const MemoryPair *pair, char *p, char *q, int dim, bool *equal)
{
  const MemoryView *x = pair->x, *y = pair->y;
  if (dim == x->ndim) {
    bool bitwise = pair->a.letter && pair->a.letter == pair->b.letter && !strchr("fd?", pair->a.letter);
    if (bitwise) { *equal = memcmp(p, q, (size_t)x->itemsize) == 0; return true; }
    Ref a = memory_reader_item(vm, &pair->a, p), b = a ? memory_reader_item(vm, &pair->b, q) : NO_REF, result = NO_REF;
    if (b) result = cd_compare(vm, a, b, COMPARE_EQ);
    bool ok = result && cd_truth(vm, result, equal);
    cd_drop(vm, result);
    cd_drop(vm, a);
    cd_drop(vm, b);
    return ok;
  }
  for (int64_t i = 0; i < x->shape[dim]; i++) {
    char *pi = memory_step(p, i, dim, x->strides, x->suboffsets), *qi = memory_step(q, i, dim, y->strides, y->suboffsets);
    if (!memory_equal_items(vm, pair, pi, qi, dim + 1, equal)) return false;
    if (!*equal) return true;
  }
  return true;
}

static bool memory_is_plain(const MemoryView *m)
{
  return !m->suboffsets && memory_is_packed(m->ndim, m->shape, m->strides, m->itemsize, false);
}

static bool memory_equal(VM *vm, MemoryView *x, MemoryView *y, bool *equal)
{
  *equal = false;
  if (x->ndim != y->ndim) return true;
  for (int i = 0; i < x->ndim; i++) {
    if (x->shape[i] != y->shape[i]) return true;
    if (x->shape[i] == 0) break;
  }
  bool unknown_x, unknown_y = false, ok;
  MemoryPair pair = {.x = x, .y = y};
  ok = memory_reader_open(vm, &pair.a, x->format, x->itemsize, &unknown_x) &&
       (unknown_x || memory_reader_open(vm, &pair.b, y->format, y->itemsize, &unknown_y));
  x->exports++;                                  // stay unreleased while Python runs
  y->exports++;
  bool bitwise = pair.a.letter && pair.a.letter == pair.b.letter && !strchr("fd?", pair.a.letter);
  if (ok && !unknown_x && !unknown_y && bitwise && memory_is_plain(x) && memory_is_plain(y)) {
    *equal = memcmp(x->data, y->data, (size_t)x->size) == 0;
  } else if (ok && !unknown_x && !unknown_y) {
    *equal = true;
    ok = memory_equal_items(vm, &pair, x->data, y->data, 0, equal);
  }
  y->exports--;
  x->exports--;
  cd_drop(vm, pair.a.unpack);
  cd_drop(vm, pair.b.unpack);
  return ok;
}

static Ref memory_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (op != COMPARE_EQ && op != COMPARE_NE) return cd_not_implemented();
  MemoryView *m = memory_of(self);
  if (m->released) return cd_bool(cd_is(self, other) == (op == COMPARE_EQ));
  Ref view = NO_REF;
  if (cd_is_exact(other, vm->types.memoryview)) {
    if (memory_of(other)->released) return cd_bool(cd_is(self, other) == (op == COMPARE_EQ));
    view = cd_dup(other);
  } else {
    if (!cd_has_buffer(vm, other)) return cd_not_implemented();
    if (!(view = memory_from_exporter(vm, other))) {
      if (cd_raised_is(vm, vm->exc.MemoryError)) return NO_REF;
      cd_clear_raised(vm);
      return cd_not_implemented();
    }
  }
  bool equal, ok = memory_equal(vm, m, memory_of(view), &equal);
  cd_drop(vm, view);
  return ok ? cd_bool(equal == (op == COMPARE_EQ)) : NO_REF;
}

static bool memory_hash(VM *vm, Value self, int64_t *out)
{
  MemoryView *m = memory_of(self);
  if (m->hash == -1) {
    if (!memory_check(vm, m)) return false;
    if (!m->readonly) return cd_raise_value(vm, "cannot hash writable memoryview object");
    char letter = memory_native_letter(m->format);
    if (letter != 'B' && letter != 'b' && letter != 'c')
      return cd_raise_value(vm, "memoryview: hashing is restricted to formats 'B', 'b' or 'c'");
    Value owner = memory_root(m)->source.owner;
    int64_t ignored;
    m->exports++;
    bool hashable = !owner || cd_hash(vm, owner, &ignored);
    m->exports--;
    if (!hashable) return false;
    Ref bytes = memory_pack(vm, m->data, m->size, m->ndim, m->shape, m->strides, m->suboffsets, m->itemsize, 'C');
    if (!bytes) return false;
    m->hash = cd_hash_bytes(vm->hash_key, cd_bytes_data(bytes), cd_bytes_size(bytes));
    cd_drop(vm, bytes);
  }
  *out = m->hash;
  return true;
}

static Ref memory_repr(VM *vm, Value self)
{
  return cd_str_format(vm, memory_of(self)->released ? "<released memory at %p>" : "<memory at %p>", (void *)cd_object(self));
}

// ---- exporting ----

static bool memory_get_buffer(VM *vm, Value self, Buffer *out, int flags)
{
  MemoryView *m = memory_of(self);
  Type *error = vm->exc.BufferError;
  out->owner = NO_VALUE;
  if (!memory_check(vm, m)) return false;
  if (flags & BUFFER_WRITABLE && m->readonly) return cd_raise(vm, error, "memoryview: underlying buffer is not writable");
  bool c = !m->suboffsets && memory_is_packed(m->ndim, m->shape, m->strides, m->itemsize, false);
  if ((flags & BUFFER_C_CONTIGUOUS) == BUFFER_C_CONTIGUOUS && !c)
    return cd_raise(vm, error, "memoryview: underlying buffer is not C-contiguous");
  if (!(flags & 0x100) && m->suboffsets) return cd_raise(vm, error, "memoryview: underlying buffer requires suboffsets");
  bool strides = (flags & BUFFER_STRIDES) == BUFFER_STRIDES;
  if (!strides && !c) return cd_raise(vm, error, "memoryview: underlying buffer is not C-contiguous");
  if (!(flags & BUFFER_ND) && flags & BUFFER_FORMAT)
    return cd_raise(vm, error, "memoryview: cannot cast to unsigned bytes if the format flag is present");
  *out = (Buffer){.data = m->data,
                  .size = m->size,
                  .itemsize = m->itemsize,
                  .format = flags & BUFFER_FORMAT ? m->format : NULL,
                  .ndim = m->ndim,
                  .shape = m->shape,
                  .strides = strides ? m->strides : NULL,
                  .suboffsets = m->suboffsets,
                  .readonly = m->readonly};
  if (!(flags & BUFFER_ND)) {
    out->ndim = 1;
    out->shape = NULL;
  }
  out->owner = cd_dup(self);
  m->exports++;
  return true;
}

static void memory_release_buffer(VM *vm, Buffer *buffer) { memory_of(buffer->owner)->exports--; }

// ---- attributes ----

static Ref memory_dims_tuple(VM *vm, const int64_t *values, int count)
{
  Ref tuple = cd_tuple_new(vm, (size_t)count);
  for (int i = 0; tuple && i < count; i++) {
    Ref n = cd_int_from_i64(vm, values[i]);
    if (!n) { cd_drop(vm, tuple); return NO_REF; }
    cd_tuple_set(tuple, (size_t)i, n);
  }
  return tuple;
}

#define MEMORY_GETTER(name, expression)                                \
  static Ref memory_get_##name(VM *vm, Value self)                     \
  {                                                                    \
    MemoryView *m = memory_of(self);                                   \
    return memory_check(vm, m) ? (expression) : NO_REF;                \
  }
MEMORY_GETTER(obj, memory_root(m)->source.owner ? cd_dup(memory_root(m)->source.owner) : cd_none())
MEMORY_GETTER(nbytes, cd_int_from_i64(vm, m->size))
MEMORY_GETTER(readonly, cd_bool(m->readonly))
MEMORY_GETTER(itemsize, cd_int_from_i64(vm, m->itemsize))
MEMORY_GETTER(format, cd_str_decode_utf8(vm, m->format, strlen(m->format), NULL))
MEMORY_GETTER(ndim, cd_from_small(m->ndim))
MEMORY_GETTER(shape, memory_dims_tuple(vm, m->shape, m->ndim))
MEMORY_GETTER(strides, memory_dims_tuple(vm, m->strides, m->ndim))
MEMORY_GETTER(suboffsets, memory_dims_tuple(vm, m->suboffsets, m->suboffsets ? m->ndim : 0))
MEMORY_GETTER(c_contiguous, cd_bool(!m->suboffsets && memory_is_packed(m->ndim, m->shape, m->strides, m->itemsize, false)))
MEMORY_GETTER(f_contiguous, cd_bool(!m->suboffsets && memory_is_packed(m->ndim, m->shape, m->strides, m->itemsize, true)))
MEMORY_GETTER(contiguous, cd_bool(!m->suboffsets && (memory_is_packed(m->ndim, m->shape, m->strides, m->itemsize, false) ||
                                                     memory_is_packed(m->ndim, m->shape, m->strides, m->itemsize, true))))

static const GetSetDef memory_getset[] = {
  {"obj", "The object whose memory this is.", memory_get_obj, NULL},
  {"nbytes", "Bytes that tobytes() would give.", memory_get_nbytes, NULL},
  {"readonly", "Whether the memory can't be written.", memory_get_readonly, NULL},
  {"itemsize", "Bytes of an item.", memory_get_itemsize, NULL},
  {"format", "Format of an item, as the struct module writes it.", memory_get_format, NULL},
  {"ndim", "Number of dimensions.", memory_get_ndim, NULL},
  {"shape", "Length of each dimension.", memory_get_shape, NULL},
  {"strides", "Bytes from one item to the next, for each dimension.", memory_get_strides, NULL},
  {"suboffsets", "Offsets behind pointers, for arrays in the style of PIL.", memory_get_suboffsets, NULL},
  {"c_contiguous", "Whether the memory is contiguous in C order.", memory_get_c_contiguous, NULL},
  {"f_contiguous", "Whether the memory is contiguous in Fortran order.", memory_get_f_contiguous, NULL},
  {"contiguous", "Whether the memory is contiguous.", memory_get_contiguous, NULL},
  {NULL, NULL, NULL, NULL},
};

// ---- methods ----

static bool memory_try_release(VM *vm, MemoryView *m)
{
  if (m->released) return true;
  if (m->exports) return cd_raise(vm, vm->exc.BufferError, "memoryview has %d exported buffer%s", m->exports, m->exports == 1 ? "" : "s");
  memory_end(vm, m);
  return true;
}

METHOD(memory, release, "release(self, /)", "Give the memory back; the view can't be used afterwards.")
{
  return memory_try_release(vm, memory_of(self)) ? cd_none() : NO_REF;
}
METHOD_DEF_(memory___enter__, "__enter__", "__enter__(self, /)", NULL, METHOD_NO_SIGNATURE)
{
  return memory_check(vm, memory_of(self)) ? cd_dup(self) : NO_REF;
}
METHOD_DEF_(memory___exit__, "__exit__", "__exit__(self, /, *args)", NULL, METHOD_NO_SIGNATURE)
{
  return memory_try_release(vm, memory_of(self)) ? cd_none() : NO_REF;
}

METHOD(memory, tobytes, "tobytes(self, /, order='C')",
       "Return the items' bytes.\n\n  order\n    'C' or None: row by row; 'F': column by column; 'A': as they lie, when contiguous.")
{
  MemoryView *m = memory_of(self);
  char order = 'C';
  if (!memory_check(vm, m)) return NO_REF;
  if (args[0] && !cd_is_none(args[0])) {
    if (!cd_is_str(args[0])) return cd_raise_type(vm, "tobytes() argument 'order' must be str or None, not %T", args[0]);
    order = cd_str_size(args[0]) == 1 ? cd_str_data(args[0])[0] : 0;
    if (order != 'C' && order != 'F' && order != 'A') return cd_raise_value(vm, "order must be 'C', 'F' or 'A'");
  }
  return memory_pack(vm, m->data, m->size, m->ndim, m->shape, m->strides, m->suboffsets, m->itemsize, order);
}

METHOD(memory, hex, "hex(self, /, sep=b' ', bytes_per_sep=1)", "Return the items' bytes as hexadecimal digits, like bytes.hex().")
{
  MemoryView *m = memory_of(self);
  int group = 1;
  if (!memory_check(vm, m) || (args[1] && !cd_to_c_int(vm, args[1], &group))) return NO_REF;
  Ref bytes = memory_pack(vm, m->data, m->size, m->ndim, m->shape, m->strides, m->suboffsets, m->itemsize, 'C');
  if (!bytes) return NO_REF;
  Ref text = cd_bytes_hex(vm, cd_bytes_data(bytes), cd_bytes_size(bytes), args[0], group);
  cd_drop(vm, bytes);
  return text;
}

static Ref memory_to_list(VM *vm, const MemoryView *m, char *p, int dim, char letter)
{
  if (dim == m->ndim) return memory_unpack(vm, p, letter);
  Ref list = cd_list_with_capacity(vm, (size_t)m->shape[dim]);
  for (int64_t i = 0; list && i < m->shape[dim]; i++) {
    Ref item = memory_to_list(vm, m, memory_step(p, i, dim, m->strides, m->suboffsets), dim + 1, letter);
    if (!item || !cd_list_append_steal(vm, cd_as_list(list), item)) { cd_drop(vm, list); return NO_REF; }
  }
  return list;
}

METHOD(memory, tolist, "tolist(self, /)", "Return the items as a list of lists.")
{
  MemoryView *m = memory_of(self);
  char letter;
  return memory_check(vm, m) && memory_letter(vm, m, &letter) ? memory_to_list(vm, m, m->data, 0, letter) : NO_REF;
}

METHOD(memory, toreadonly, "toreadonly(self, /)", "Return a read-only view of the same memory.")
{
  MemoryView *m = memory_of(self), *view = memory_check(vm, m) ? memory_duplicate(vm, m) : NULL;
  if (!view) return NO_REF;
  view->readonly = true;
  return cd_from_object(view);
}

// "B" as text that lives forever, for formats given to cast().
static const char *memory_static_format(char letter, bool at)
{
  static const char formats[] = "@c\0@b\0@B\0@?\0@h\0@H\0@i\0@I\0@l\0@L\0@q\0@Q\0@n\0@N\0@f\0@d\0@P";
  for (const char *p = formats; p < formats + sizeof formats; p += 3)
    if (p[1] == letter) return at ? p : p + 1;
  return NULL;
}

static bool memory_is_byte_letter(char letter) { return letter == 'b' || letter == 'B' || letter == 'c'; }

// Makes `view`, one-dimensional and contiguous, one of items of another format.
static bool memory_cast_format(VM *vm, MemoryView *view, Value format)
{
  const char *text = cd_str_data(format);
  char from = memory_native_letter(view->format), to = cd_str_size(format) == strlen(text) ? memory_native_letter(text) : 0;
  if (!from) return cd_raise_value(vm, "memoryview: source format must be a native single character format prefixed with an optional '@'");
  if (!to)
    return cd_raise_value(vm, "memoryview: destination format must be a native single character format prefixed with an optional '@'");
  if (!memory_is_byte_letter(from) && !memory_is_byte_letter(to))
    return cd_raise_type(vm, "memoryview: cannot cast between two non-byte formats");
  int64_t itemsize = memory_letter_size(to);
  if (view->size % itemsize) return cd_raise_type(vm, "memoryview: length is not a multiple of itemsize");
  view->format = memory_static_format(to, text[0] == '@');
  view->itemsize = itemsize;
  return true;
}

static bool memory_read_shape(VM *vm, Value shape, size_t ndim, int64_t itemsize, int64_t size, int64_t out[BUFFER_MAX_DIMS])
{
  int64_t product = 1;
  for (size_t i = 0; i < ndim; i++) {
    Value v = cd_is_list(shape) ? cd_list_item_borrow(shape, i) : cd_tuple_item_borrow(shape, i);
    if (!cd_is_int(v)) return cd_raise_type(vm, "memoryview.cast(): elements of shape must be integers");
    int64_t n;
    if (!cd_int_fits_i64(v, &n)) return cd_raise_overflow(vm, "Python int too large to convert to C ssize_t");
    if (n <= 0) return cd_raise_value(vm, "memoryview.cast(): elements of shape must be integers > 0");
    if (n > INT64_MAX / product) return cd_raise_value(vm, "memoryview.cast(): product(shape) > SSIZE_MAX");
    product *= n;
    out[i] = n;
  }
  int64_t bytes;
  if (__builtin_mul_overflow(product, itemsize, &bytes) || bytes != size)
    return cd_raise_type(vm, "memoryview: product(shape) * itemsize != buffer size");
  return true;
}

METHOD(memory, cast, "cast(self, /, format, shape=<unrepresentable>)", "Return a view of the same memory with another format or shape.")
{
  MemoryView *m = memory_of(self);
  if (!memory_check(vm, m)) return NO_REF;
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "cast", "format", "str", args[0]);
  if (m->suboffsets || !memory_is_packed(m->ndim, m->shape, m->strides, m->itemsize, false))
    return cd_raise_type(vm, "memoryview: casts are restricted to C-contiguous views");
  Value shape = args[1];
  if (shape || m->ndim != 1)
    for (int i = 0; i < m->ndim; i++)
      if (m->shape[i] == 0) return cd_raise_type(vm, "memoryview: cannot cast view with zeros in shape or strides");
  size_t ndim = 1;
  if (shape) {
    if (!cd_is_list(shape) && !cd_is_tuple(shape)) return cd_raise_type(vm, "shape must be a list or a tuple");
    ndim = cd_is_list(shape) ? cd_list_size(shape) : cd_tuple_size(shape);
    if (ndim > BUFFER_MAX_DIMS) return cd_raise_value(vm, "memoryview: number of dimensions must not exceed 64");
    if (m->ndim != 1 && ndim != 1) return cd_raise_type(vm, "memoryview: cast must be 1D -> ND or ND -> 1D");
  }
  MemoryView *view = memory_derive(vm, m, (int)ndim);
  if (!view) return NO_REF;
  int64_t dims[BUFFER_MAX_DIMS];
  bool ok = memory_cast_format(vm, view, args[0]);
  dims[0] = ok ? view->size / view->itemsize : 0;
  if (ok && shape) ok = memory_read_shape(vm, shape, ndim, view->itemsize, view->size, dims);
  if (!ok) { cd_drop_object(vm, view); return NO_REF; }
  if (ndim) memcpy(view->shape, dims, ndim * sizeof *dims);
  memory_packed_strides(view->ndim, view->shape, view->itemsize, false, view->strides);
  return cd_from_object(view);
}

METHOD(memory, __sizeof__, "__sizeof__(self, /)", "Return the size in memory, in bytes.")
{
  return cd_from_small((int64_t)(sizeof(MemoryView) + (size_t)memory_of(self)->ndim * 3 * sizeof(int64_t)));
}

static const MethodDef *const memory_methods[] = {
  &memory_release_def, &memory_tobytes_def, &memory_hex_def, &memory_tolist_def, &memory_cast_def, &memory_toreadonly_def,
  &memory___enter___def, &memory___exit___def, &memory___sizeof___def, NULL,
};

// ---- iterator ----

typedef struct MemoryIterator {
  Object head;
  Value view;                                    // owned; NO_VALUE: exhausted
  int64_t index, length;
  char letter;
} MemoryIterator;

static Ref memory_iter(VM *vm, Value self)
{
  MemoryView *m = memory_of(self);
  char letter;
  if (!memory_check(vm, m)) return NO_REF;
  if (m->ndim == 0) return cd_raise_type(vm, "invalid indexing of 0-dim memory");
  if (m->ndim != 1) return cd_raise(vm, vm->exc.NotImplementedError, "multi-dimensional sub-views are not implemented");
  if (!memory_letter(vm, m, &letter)) return NO_REF;
  MemoryIterator *it = cd_object_new(vm, vm->types.memory_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->letter = letter;
  it->length = m->shape[0];
  it->view = cd_dup(self);
  return cd_from_object(it);
}

static void memory_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((MemoryIterator *)self)->view); }
static void memory_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((MemoryIterator *)self)->view); }
static Ref memory_iterator_iter(VM *vm, Value self) { return cd_dup(self); }

static Next memory_iterator_next(VM *vm, Value self, Ref *out)
{
  MemoryIterator *it = (MemoryIterator *)cd_object(self);
  if (!it->view) return NEXT_DONE;
  MemoryView *m = memory_of(it->view);
  if (it->index >= it->length) {
    cd_clear(vm, &it->view);
    return NEXT_DONE;
  }
  if (!memory_check(vm, m)) return NEXT_ERROR;
  *out = memory_unpack(vm, memory_step(m->data, it->index++, 0, m->strides, m->suboffsets), it->letter);
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

const TypeSpec cd_memory_iterator_spec = {
  .name = "memory_iterator",
  .basicsize = sizeof(MemoryIterator),
  .flags = TYPE_GC | TYPE_LIBRARY_ITERATOR | TYPE_NO_NEW,
  .slots = {
    .release = memory_iterator_release, .traverse = memory_iterator_traverse, .iter = memory_iterator_iter, .next = memory_iterator_next,
  },
};

const TypeSpec cd_memoryview_spec = {
  .name = "memoryview",
  .doc = "memoryview(object)\n--\n\nA view of the memory of an object with a buffer.",
  .basicsize = sizeof(MemoryView),
  .flags = TYPE_GC | TYPE_SEQUENCE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(MemoryView, weaklist),
  .methods = memory_methods,
  .getset = memory_getset,
  .slots = {
    .release = memory_drop, .traverse = memory_traverse, .clear = memory_clear, .repr = memory_repr, .hash = memory_hash,
    .compare = memory_compare, .iter = memory_iter, .new_ = memory_new, .len = memory_len, .getitem = memory_getitem,
    .setitem = memory_setitem, .get_buffer = memory_get_buffer, .release_buffer = memory_release_buffer,
  },
};
