// SPDX-License-Identifier: MIT
// pickle_save.c: Pickler, dump, dumps
#include "modules/pickle.h"
#include "base/number_text.h"
#include "base/utf8.h"
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <stdio.h>

enum { BATCH_SIZE = 1000, FAST_NESTING_LIMIT = 50, FRAME_SIZE_MIN = 4, FRAME_SIZE_TARGET = 64 * 1024, FRAME_HEADER_SIZE = 9 };

// ---- memo: identity of an object -> its number ----

typedef struct MemoEntry { Value key; size_t index; } MemoEntry;                 // key owned; NO_VALUE: free
typedef struct Memo { MemoEntry *entries; size_t count, mask; } Memo;            // mask 0: no table

typedef struct Pickler {
  Object head;
  Memo memo;
  PickleHook persistent_id;
  Value dispatch_table;                          // owned; NO_VALUE: copyreg's
  Value reducer_override;                        // owned while dumping; NO_VALUE: none
  Value write;                                   // owned; NO_VALUE: into memory
  Value buffer_callback;                         // owned; NO_VALUE: none
  Value fast_memo;                               // owned dict: ids being pickled deep inside, in fast mode
  char *output;
  size_t output_size, output_capacity;
  int64_t frame_start;                           // in output; -1: no frame is open
  int32_t protocol, bin, fast;
  int fast_nesting;
  bool framing, fix_imports;
} Pickler;

static inline Pickler *pickler_of(Value v) { return (Pickler *)cd_object(v); }
static bool pickle_save(VM *vm, Pickler *p, Value v, bool persistent);
static bool pickle_save_reduce(VM *vm, Pickler *p, Value reduced, Value object);

static inline size_t memo_hash(Value v) { return (size_t)((cd_bits(v) >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 32); }

static MemoEntry *memo_slot(const Memo *memo, Value key)
{
  size_t i = memo_hash(key) & memo->mask;
  while (memo->entries[i].key && !cd_is(memo->entries[i].key, key)) i = (i + 1) & memo->mask;
  return &memo->entries[i];
}

static const MemoEntry *memo_find(const Memo *memo, Value key)
{
  if (!memo->entries) return NULL;
  const MemoEntry *e = memo_slot(memo, key);
  return e->key ? e : NULL;
}

static bool memo_grow(VM *vm, Memo *memo)
{
  size_t size = memo->entries ? (memo->mask + 1) * 2 : 32;
  MemoEntry *old = memo->entries, *entries = cd_alloc_array(vm, size, sizeof *entries);
  if (!entries) return false;
  size_t old_size = old ? memo->mask + 1 : 0;
  memset(entries, 0, size * sizeof *entries);
  memo->entries = entries;
  memo->mask = size - 1;
  for (size_t i = 0; i < old_size; i++)
    if (old[i].key) *memo_slot(memo, old[i].key) = old[i];
  cd_free(vm, old, old_size * sizeof *old);
  return true;
}

static bool memo_set(VM *vm, Memo *memo, Value key, size_t index)
{
  if ((memo->count + 1) * 3 >= (memo->entries ? memo->mask + 1 : 0) * 2 && !memo_grow(vm, memo)) return false;
  MemoEntry *e = memo_slot(memo, key);
  if (!e->key) {
    e->key = cd_dup(key);
    memo->count++;
  }
  e->index = index;
  return true;
}

static void memo_clear(VM *vm, Memo *memo)
{
  Memo old = *memo;
  *memo = (Memo){0};
  if (!old.entries) return;
  for (size_t i = 0; i <= old.mask; i++) cd_drop(vm, cd_take(&old.entries[i].key));
  cd_free(vm, old.entries, (old.mask + 1) * sizeof *old.entries);
}

// ---- output and frames ----

static bool pickle_reserve(VM *vm, Pickler *p, size_t size)
{
  if (p->output_capacity - p->output_size >= size) return true;
  if (size > PTRDIFF_MAX / 2 - p->output_size) return cd_raise_memory(vm);
  size_t capacity = (p->output_size + size) / 2 * 3 + 64;
  char *output = cd_realloc(vm, p->output, p->output_capacity, capacity);
  if (!output) return false;
  p->output = output;
  p->output_capacity = capacity;
  return true;
}

static void pickle_store64(char *out, uint64_t n)
{
  for (int i = 0; i < 8; i++) out[i] = (char)(n >> (8 * i));
}

static bool pickle_write(VM *vm, Pickler *p, const void *data, size_t size)
{
  bool opens = p->framing && p->frame_start == -1;
  if (!pickle_reserve(vm, p, size + (opens ? FRAME_HEADER_SIZE : 0))) return false;
  if (opens) {                                   // room for a header, filled in when the frame is closed
    p->frame_start = (int64_t)p->output_size;
    memset(p->output + p->output_size, 0xFE, FRAME_HEADER_SIZE);
    p->output_size += FRAME_HEADER_SIZE;
  }
  memcpy(p->output + p->output_size, data, size);
  p->output_size += size;
  return true;
}

static inline bool pickle_op(VM *vm, Pickler *p, int op)
{
  char byte = (char)op;
  return pickle_write(vm, p, &byte, 1);
}

static inline bool pickle_puts(VM *vm, Pickler *p, const char *text) { return pickle_write(vm, p, text, strlen(text)); }

// A frame too short to be worth its header loses it.
static void pickle_close_frame(Pickler *p)
{
  if (!p->framing || p->frame_start == -1) return;
  char *frame = p->output + p->frame_start;
  size_t length = p->output_size - (size_t)p->frame_start - FRAME_HEADER_SIZE;
  if (length >= FRAME_SIZE_MIN) {
    frame[0] = (char)PICKLE_OP_FRAME;
    pickle_store64(frame + 1, length);
  } else {
    memmove(frame, frame + FRAME_HEADER_SIZE, length);
    p->output_size -= FRAME_HEADER_SIZE;
  }
  p->frame_start = -1;
}

static void pickle_clear_output(Pickler *p)
{
  p->output_size = 0;
  p->frame_start = -1;
}

static bool pickle_flush(VM *vm, Pickler *p)
{
  Ref bytes = cd_bytes_new(vm, p->output, p->output_size), result = bytes ? cd_call1(vm, p->write, bytes) : NO_REF;
  cd_drop(vm, bytes);
  cd_drop(vm, result);
  return result != NO_REF;
}

// Between two objects: a full frame is closed, and goes to the file at once.
static bool pickle_boundary(VM *vm, Pickler *p)
{
  if (!p->framing || p->frame_start == -1 || p->output_size - (size_t)p->frame_start - FRAME_HEADER_SIZE < FRAME_SIZE_TARGET) return true;
  pickle_close_frame(p);
  if (!p->write) return true;
  if (!pickle_flush(vm, p)) return false;
  pickle_clear_output(p);
  return true;
}

// Opcode with size, then the data; big data stays outside of frames and goes to the file as it is (`payload`, if there is such an object).
static bool pickle_write_bytes(VM *vm, Pickler *p, const char *header, size_t header_size, const char *data, size_t size, Value payload)
{
  bool big = size >= FRAME_SIZE_TARGET, framing = p->framing, ok;
  if (big) {
    pickle_close_frame(p);
    p->framing = false;
  }
  ok = pickle_write(vm, p, header, header_size);
  if (ok && big && p->write) {
    Ref mine = payload ? cd_dup(payload) : NO_REF;
    ok = pickle_flush(vm, p) && (mine || (mine = cd_bytes_new(vm, data, size)));
    Ref result = ok ? cd_call1(vm, p->write, mine) : NO_REF;
    cd_drop(vm, mine);
    cd_drop(vm, result);
    ok = result != NO_REF;
    pickle_clear_output(p);
  } else if (ok) {
    ok = pickle_write(vm, p, data, size);
  }
  p->framing = framing;
  return ok;
}

static size_t pickle_size_header(char *header, int op, uint64_t size, size_t width)
{
  header[0] = (char)op;
  for (size_t i = 0; i < width; i++) header[1 + i] = (char)(size >> (8 * i));
  return width + 1;
}

// ---- memo opcodes ----

static bool pickle_memo_get(VM *vm, Pickler *p, Value v)
{
  const MemoEntry *e = memo_find(&p->memo, v);
  char text[32];
  if (!e) return cd_raise_key(vm, v);
  size_t size;
  if (!p->bin) size = (size_t)snprintf(text, sizeof text, "g%zu\n", e->index);
  else if (e->index < 256) size = pickle_size_header(text, PICKLE_OP_BINGET, e->index, 1);
  else if (e->index <= UINT32_MAX) size = pickle_size_header(text, PICKLE_OP_LONG_BINGET, e->index, 4);
  else return PICKLE_RAISE(vm, pickling_error, "memo id too large for LONG_BINGET");
  return pickle_write(vm, p, text, size);
}

static bool pickle_memo_put(VM *vm, Pickler *p, Value v)
{
  if (p->fast) return true;
  size_t index = p->memo.count, size;
  char text[32];
  if (!memo_set(vm, &p->memo, v, index)) return false;
  if (p->protocol >= 4) return pickle_op(vm, p, PICKLE_OP_MEMOIZE);
  if (!p->bin) size = (size_t)snprintf(text, sizeof text, "p%zu\n", index);
  else if (index < 256) size = pickle_size_header(text, PICKLE_OP_BINPUT, index, 1);
  else if (index <= UINT32_MAX) size = pickle_size_header(text, PICKLE_OP_LONG_BINPUT, index, 4);
  else return PICKLE_RAISE(vm, pickling_error, "memo id too large for LONG_BINPUT");
  return pickle_write(vm, p, text, size);
}

// In fast mode, objects deep inside are watched for cycles.
static bool pickle_fast_enter(VM *vm, Pickler *p, Value v)
{
  if (++p->fast_nesting < FAST_NESTING_LIMIT) return true;
  if (!p->fast_memo && !(p->fast_memo = cd_dict_new(vm))) {
    p->fast_nesting = -1;
    return false;
  }
  int64_t hash, entry;
  Ref id = cd_int_from_u64(vm, cd_bits(v));
  Find found = id && cd_dict_hash_key(vm, id, &hash) ? cd_dict_lookup(vm, cd_as_dict(p->fast_memo), id, hash, &entry) : FIND_ERROR;
  bool ok = found == FIND_MISSING && cd_dict_set_hash(vm, p->fast_memo, id, hash, cd_none());
  if (found == FIND_HIT)
    cd_raise_value(vm, "fast mode: can't pickle cyclic objects including object type %.200T at 0x%llx", v, (unsigned long long)cd_bits(v));
  cd_drop(vm, id);
  if (!ok) p->fast_nesting = -1;
  return ok;
}

static bool pickle_fast_leave(VM *vm, Pickler *p, Value v, bool ok)
{
  if (p->fast_nesting-- < FAST_NESTING_LIMIT || !p->fast_memo) return ok;
  Ref id = cd_int_from_u64(vm, cd_bits(v)), raised = cd_take_raised(vm);
  if (!id || cd_dict_delete(vm, p->fast_memo, id) == FIND_ERROR) ok = false;
  cd_drop(vm, id);
  if (raised) cd_restore_raised(vm, raised);
  return ok;
}

// ---- atoms ----

static bool pickle_save_bool(VM *vm, Pickler *p, bool b)
{
  if (p->protocol >= 2) return pickle_op(vm, p, b ? PICKLE_OP_NEWTRUE : PICKLE_OP_NEWFALSE);
  return pickle_puts(vm, p, b ? "I01\n" : "I00\n");
}

static bool pickle_save_big_int(VM *vm, Pickler *p, Value v)
{
  if (p->protocol < 2) {
    Ref text = cd_int_to_text(vm, v, 10);
    bool ok = text && pickle_op(vm, p, PICKLE_OP_LONG) && pickle_write(vm, p, cd_str_data(text), cd_str_size(text)) &&
              pickle_puts(vm, p, "L\n");
    cd_drop(vm, text);
    return ok;
  }
  size_t size = cd_int_bit_length(v) / 8 + 1;
  if (size > INT32_MAX) return cd_raise_overflow(vm, "int too large to pickle");
  unsigned char small[64], *bytes = size <= sizeof small ? small : cd_alloc(vm, size);
  if (!bytes) return false;
  bool ok = cd_int_to_bytes(vm, v, bytes, size, true, true);
  size_t used = size;
  // -128 and the like need no extra byte.
  if (ok && cd_int_sign(v) < 0 && used > 1 && bytes[used - 1] == 0xFF && bytes[used - 2] & 0x80) used--;
  char header[8];
  size_t header_size = used < 256 ? pickle_size_header(header, PICKLE_OP_LONG1, used, 1)
                                  : pickle_size_header(header, PICKLE_OP_LONG4, used, 4);
  ok = ok && pickle_write(vm, p, header, header_size) && pickle_write(vm, p, bytes, used);
  if (bytes != small) cd_free(vm, bytes, size);
  return ok;
}

static bool pickle_save_int(VM *vm, Pickler *p, Value v)
{
  int64_t n;
  char text[32];
  if (!cd_int_fits_i64(v, &n) || n < INT32_MIN || n > INT32_MAX) return pickle_save_big_int(vm, p, v);
  size_t size;
  if (!p->bin) size = (size_t)snprintf(text, sizeof text, "I%d\n", (int)n);
  else if (n >= 0 && n < 256) size = pickle_size_header(text, PICKLE_OP_BININT1, (uint64_t)n, 1);
  else if (n >= 0 && n < 65536) size = pickle_size_header(text, PICKLE_OP_BININT2, (uint64_t)n, 2);
  else size = pickle_size_header(text, PICKLE_OP_BININT, (uint64_t)n, 4);
  return pickle_write(vm, p, text, size);
}

static bool pickle_save_float(VM *vm, Pickler *p, double x)
{
  if (p->bin) {
    char bytes[9] = {(char)PICKLE_OP_BINFLOAT};
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    for (int i = 0; i < 8; i++) bytes[1 + i] = (char)(bits >> (56 - 8 * i));
    return pickle_write(vm, p, bytes, sizeof bytes);
  }
  char repr[DOUBLE_REPR_SIZE];
  cd_double_repr(x, repr);
  return pickle_op(vm, p, PICKLE_OP_FLOAT) && pickle_puts(vm, p, repr) && pickle_puts(vm, p, "\n");
}

// ---- bytes and text ----

static bool pickle_save_bytes_data(VM *vm, Pickler *p, Value v, const char *data, size_t size)
{
  char header[9];
  size_t header_size;
  if (size <= 0xFF) header_size = pickle_size_header(header, PICKLE_OP_SHORT_BINBYTES, size, 1);
  else if (size <= UINT32_MAX) header_size = pickle_size_header(header, PICKLE_OP_BINBYTES, size, 4);
  else if (p->protocol >= 4) header_size = pickle_size_header(header, PICKLE_OP_BINBYTES8, size, 8);
  else return cd_raise_overflow(vm, "serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher");
  return pickle_write_bytes(vm, p, header, header_size, data, size, v) && pickle_memo_put(vm, p, v);
}

// Before protocol 3 there is no opcode: the bytes travel as Latin-1 text.
static bool pickle_save_bytes_old(VM *vm, Pickler *p, Value v)
{
  Ref reduced = NO_REF;
  if (cd_bytes_size(v) == 0) {
    reduced = cd_tuple2(vm, cd_type_value(vm->types.bytes), vm->empty_tuple);
  } else {
    Ref text = cd_decode(vm, cd_bytes_data(v), cd_bytes_size(v), "latin-1", NULL), latin = text ? cd_intern(vm, "latin1") : NO_REF;
    Ref arguments = text && latin ? cd_tuple2(vm, text, latin) : NO_REF;
    if (arguments) reduced = cd_tuple2_steal(vm, cd_dup(cd_pickle_state(vm)->codecs_encode), arguments);
    cd_drop(vm, text);
    cd_drop(vm, latin);
  }
  bool ok = reduced && pickle_save_reduce(vm, p, reduced, v);
  cd_drop(vm, reduced);
  return ok;
}

static bool pickle_save_bytes(VM *vm, Pickler *p, Value v)
{
  return p->protocol < 3 ? pickle_save_bytes_old(vm, p, v) : pickle_save_bytes_data(vm, p, v, cd_bytes_data(v), cd_bytes_size(v));
}

static bool pickle_save_bytearray_data(VM *vm, Pickler *p, Value v, const char *data, size_t size)
{
  char header[9];
  size_t header_size = pickle_size_header(header, PICKLE_OP_BYTEARRAY8, size, 8);
  return pickle_write_bytes(vm, p, header, header_size, data, size, v) && pickle_memo_put(vm, p, v);
}

static bool pickle_save_bytearray(VM *vm, Pickler *p, Value v)
{
  const ByteArray *array = cd_as_bytearray(v);
  if (p->protocol >= 5) return pickle_save_bytearray_data(vm, p, v, array->data ? array->data : "", array->size);
  Ref arguments;
  if (array->size == 0) {
    arguments = cd_dup(vm->empty_tuple);
  } else {
    Ref bytes = cd_bytes_new(vm, array->data, array->size);
    arguments = bytes ? cd_tuple1(vm, bytes) : NO_REF;
    cd_drop(vm, bytes);
  }
  Ref reduced = arguments ? cd_tuple2_steal(vm, cd_dup(cd_type_value(vm->types.bytearray)), arguments) : NO_REF;
  bool ok = reduced && pickle_save_reduce(vm, p, reduced, v);
  cd_drop(vm, reduced);
  return ok;
}

static bool pickle_is_contiguous(const Buffer *b)
{
  if (!b->shape || !b->strides) return true;
  for (int order = 0; order < 2; order++) {      // in C order, then in Fortran order
    int64_t step = b->itemsize;
    bool fits = true;
    for (int n = 0; n < b->ndim && fits; n++) {
      int i = order ? n : b->ndim - 1 - n;
      if (b->shape[i] > 1 && b->strides[i] != step) fits = false;
      step *= b->shape[i];
    }
    if (fits || b->size == 0) return true;
  }
  return false;
}

static bool pickle_save_buffer(VM *vm, Pickler *p, Value v)
{
  if (p->protocol < 5) return PICKLE_RAISE(vm, pickling_error, "PickleBuffer can only pickled with protocol >= 5");
  const Buffer *view = cd_pickle_buffer_view(vm, v);
  if (!view) return false;
  if (view->suboffsets || !pickle_is_contiguous(view))
    return PICKLE_RAISE(vm, pickling_error, "PickleBuffer can not be pickled when pointing to a non-contiguous buffer");
  bool in_band = true;
  if (p->buffer_callback) {
    Ref verdict = cd_call1(vm, p->buffer_callback, v);
    bool ok = verdict && cd_truth(vm, verdict, &in_band);
    cd_drop(vm, verdict);
    if (!ok) return false;
  }
  if (!in_band) return pickle_op(vm, p, PICKLE_OP_NEXT_BUFFER) && (!view->readonly || pickle_op(vm, p, PICKLE_OP_READONLY_BUFFER));
  return view->readonly ? pickle_save_bytes_data(vm, p, v, view->data, (size_t)view->size)
                        : pickle_save_bytearray_data(vm, p, v, view->data, (size_t)view->size);
}

// Protocol 0: Latin-1, with \u and \U escapes for the rest and for what would break a line.
static bool pickle_save_text_line(VM *vm, Pickler *p, Value s)
{
  const char *at = cd_str_data(s), *end = at + cd_str_size(s);
  if (!pickle_op(vm, p, PICKLE_OP_UNICODE)) return false;
  while (at < end) {
    uint32_t c = cd_utf8_next(&at);
    char text[12];
    int size;
    if (c >= 0x10000) size = snprintf(text, sizeof text, "\\U%08x", c);
    else if (c >= 256 || c == '\\' || c == 0 || c == '\n' || c == '\r' || c == 0x1A) size = snprintf(text, sizeof text, "\\u%04x", c);
    else text[0] = (char)c, size = 1;
    if (!pickle_write(vm, p, text, (size_t)size)) return false;
  }
  return pickle_puts(vm, p, "\n");
}

static bool pickle_save_str(VM *vm, Pickler *p, Value s)
{
  if (!p->bin) return pickle_save_text_line(vm, p, s) && pickle_memo_put(vm, p, s);
  size_t size = cd_str_size(s), header_size;
  char header[9];
  if (size <= 0xFF && p->protocol >= 4) header_size = pickle_size_header(header, PICKLE_OP_SHORT_BINUNICODE, size, 1);
  else if (size <= UINT32_MAX) header_size = pickle_size_header(header, PICKLE_OP_BINUNICODE, size, 4);
  else if (p->protocol >= 4) header_size = pickle_size_header(header, PICKLE_OP_BINUNICODE8, size, 8);
  else return cd_raise_overflow(vm, "serializing a string larger than 4 GiB requires pickle protocol 4 or higher");
  return pickle_write_bytes(vm, p, header, header_size, cd_str_data(s), size, NO_VALUE) && pickle_memo_put(vm, p, s);
}

// ---- containers ----

static bool pickle_save_items(VM *vm, Pickler *p, Value tuple)
{
  for (size_t i = 0; i < cd_tuple_size(tuple); i++)
    if (!pickle_save(vm, p, cd_tuple_item_borrow(tuple, i), false)) return false;
  return true;
}

static bool pickle_save_tuple(VM *vm, Pickler *p, Value v)
{
  static const unsigned char short_ops[] = {PICKLE_OP_EMPTY_TUPLE, PICKLE_OP_TUPLE1, PICKLE_OP_TUPLE2, PICKLE_OP_TUPLE3};
  size_t size = cd_tuple_size(v);
  if (size == 0) return p->protocol ? pickle_op(vm, p, PICKLE_OP_EMPTY_TUPLE) : pickle_puts(vm, p, "(t");
  bool compact = size <= 3 && p->protocol >= 2;
  if ((!compact && !pickle_op(vm, p, PICKLE_OP_MARK)) || !pickle_save_items(vm, p, v)) return false;
  if (memo_find(&p->memo, v)) {
    // The tuple contains itself, and saving its items has put it in the memo: take them off again and fetch it from there.
    if (!compact && p->bin) {
      if (!pickle_op(vm, p, PICKLE_OP_POP_MARK)) return false;
    } else {
      for (size_t i = 0; i < size + !compact; i++)
        if (!pickle_op(vm, p, PICKLE_OP_POP)) return false;
    }
    return pickle_memo_get(vm, p, v);
  }
  return pickle_op(vm, p, compact ? short_ops[size] : PICKLE_OP_TUPLE) && pickle_memo_put(vm, p, v);
}

// How the items that an iterator gives are saved, and what adds one of them or all behind the mark to the container below.
typedef struct Batch {
  bool (*save)(VM *vm, Pickler *p, Value item);
  uint8_t one, many;
} Batch;

// Items from an iterator by batches; the next one is fetched before it is known whether a batch is worth a mark.
static bool pickle_batch(VM *vm, Pickler *p, Value iterator, const Batch *batch)
{
  Ref item, first;
  Next next;
  if (!p->protocol) {
    while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
      bool ok = batch->save(vm, p, item) && pickle_op(vm, p, batch->one);
      cd_drop(vm, item);
      if (!ok) return false;
    }
    return next == NEXT_DONE;
  }
  int count;
  do {
    if ((next = cd_next(vm, iterator, &first)) != NEXT_ITEM) return next == NEXT_DONE;
    next = cd_next(vm, iterator, &item);
    bool ok = next != NEXT_ERROR;
    if (next == NEXT_DONE) {
      ok = batch->save(vm, p, first) && pickle_op(vm, p, batch->one);
      cd_drop(vm, first);
      return ok;
    }
    ok = ok && pickle_op(vm, p, PICKLE_OP_MARK) && batch->save(vm, p, first);
    cd_drop(vm, first);
    for (count = 1; next == NEXT_ITEM; next = count < BATCH_SIZE ? cd_next(vm, iterator, &item) : NEXT_DONE) {
      ok = ok && batch->save(vm, p, item);
      cd_drop(vm, item);
      if (!ok) return false;
      count++;
    }
    if (!ok || next == NEXT_ERROR || !pickle_op(vm, p, batch->many)) return false;
  } while (count >= BATCH_SIZE);
  return true;
}

static bool pickle_save_item(VM *vm, Pickler *p, Value item) { return pickle_save(vm, p, item, false); }

static bool pickle_batch_list(VM *vm, Pickler *p, Value iterator)
{
  return pickle_batch(vm, p, iterator, &(Batch){pickle_save_item, PICKLE_OP_APPEND, PICKLE_OP_APPENDS});
}

static bool pickle_save_list_items(VM *vm, Pickler *p, const List *list)
{
  if (!p->protocol) {
    for (size_t i = 0; i < list->size; i++) {
      Ref item = cd_dup(list->items[i]);
      bool ok = pickle_save(vm, p, item, false) && pickle_op(vm, p, PICKLE_OP_APPEND);
      cd_drop(vm, item);
      if (!ok) return false;
    }
    return true;
  }
  for (size_t i = 0; i < list->size;) {
    bool single = list->size - i == 1 && i == 0;
    if (!single && !pickle_op(vm, p, PICKLE_OP_MARK)) return false;
    for (int n = 0; n < BATCH_SIZE && i < list->size; n++) {
      Ref item = cd_dup(list->items[i++]);
      bool ok = pickle_save(vm, p, item, false);
      cd_drop(vm, item);
      if (!ok) return false;
    }
    if (!pickle_op(vm, p, single ? PICKLE_OP_APPEND : PICKLE_OP_APPENDS)) return false;
  }
  return true;
}

static bool pickle_save_list(VM *vm, Pickler *p, Value v)
{
  if (p->fast && !pickle_fast_enter(vm, p, v)) return false;
  bool ok = (p->bin ? pickle_op(vm, p, PICKLE_OP_EMPTY_LIST) : pickle_puts(vm, p, "(l")) && pickle_memo_put(vm, p, v);
  if (ok && cd_list_size(v)) ok = pickle_save_list_items(vm, p, cd_as_list(v));
  return p->fast ? pickle_fast_leave(vm, p, v, ok) : ok;
}

static bool pickle_save_pair(VM *vm, Pickler *p, Value pair)
{
  if (!cd_is_tuple(pair) || cd_tuple_size(pair) != 2) return cd_raise_type(vm, "dict items iterator must return 2-tuples");
  return pickle_save_items(vm, p, pair);
}

static bool pickle_batch_dict(VM *vm, Pickler *p, Value iterator)
{
  return pickle_batch(vm, p, iterator, &(Batch){pickle_save_pair, PICKLE_OP_SETITEM, PICKLE_OP_SETITEMS});
}

static bool pickle_save_entry(VM *vm, Pickler *p, DictEntry e)
{
  Ref key = cd_dup(e.key), value = cd_dup(e.value);
  bool ok = pickle_save(vm, p, key, false) && pickle_save(vm, p, value, false);
  cd_drop(vm, key);
  cd_drop(vm, value);
  return ok;
}

static bool pickle_save_dict_entries(VM *vm, Pickler *p, const Dict *d)
{
  size_t count = d->count;
  bool single = count == 1;
  for (size_t i = d->first; i < d->used;) {
    if (!single && !pickle_op(vm, p, PICKLE_OP_MARK)) return false;
    for (int n = 0; n < BATCH_SIZE && i < d->used; i++) {
      if (!d->entries[i].key) continue;
      if (!pickle_save_entry(vm, p, d->entries[i])) return false;
      if (d->count != count) return cd_raise_runtime(vm, "dictionary changed size during iteration");
      n++;
    }
    if (!pickle_op(vm, p, single ? PICKLE_OP_SETITEM : PICKLE_OP_SETITEMS)) return false;
    while (i < d->used && !d->entries[i].key) i++;
  }
  return true;
}

static bool pickle_save_dict(VM *vm, Pickler *p, Value v)
{
  if (p->fast && !pickle_fast_enter(vm, p, v)) return false;
  bool ok = (p->bin ? pickle_op(vm, p, PICKLE_OP_EMPTY_DICT) : pickle_puts(vm, p, "(d")) && pickle_memo_put(vm, p, v);
  if (ok && cd_dict_count(v)) {
    if (p->protocol > 0) {
      ok = pickle_save_dict_entries(vm, p, cd_as_dict(v));
    } else {
      Ref items = cd_call_method0(vm, v, N(items)), iterator = items ? cd_iter(vm, items) : NO_REF;
      ok = iterator && pickle_batch_dict(vm, p, iterator);
      cd_drop(vm, items);
      cd_drop(vm, iterator);
    }
  }
  return p->fast ? pickle_fast_leave(vm, p, v, ok) : ok;
}

// Before protocol 4: type([items]).
static bool pickle_save_set_old(VM *vm, Pickler *p, Value v, Type *type)
{
  Ref list = cd_list_from(vm, v), arguments = list ? cd_tuple1(vm, list) : NO_REF;
  cd_drop(vm, list);
  Ref reduced = arguments ? cd_tuple2_steal(vm, cd_dup_object(type), arguments) : NO_REF;
  bool ok = reduced && pickle_save_reduce(vm, p, reduced, v);
  cd_drop(vm, reduced);
  return ok;
}

static bool pickle_save_set(VM *vm, Pickler *p, Value v)
{
  if (p->protocol < 4) return pickle_save_set_old(vm, p, v, vm->types.set);
  if (!pickle_op(vm, p, PICKLE_OP_EMPTY_SET) || !pickle_memo_put(vm, p, v)) return false;
  const Set *s = cd_as_set(v);
  size_t count = s->count;
  if (count == 0) return true;
  size_t left = count;
  for (size_t i = 0; left;) {
    if (!pickle_op(vm, p, PICKLE_OP_MARK)) return false;
    for (int n = 0; n < BATCH_SIZE && left && i <= s->mask; i++) {
      if (!s->table[i].key) continue;
      Ref item = cd_dup(s->table[i].key);
      bool ok = pickle_save(vm, p, item, false);
      cd_drop(vm, item);
      if (!ok) return false;
      if (s->count != count) return cd_raise_runtime(vm, "set changed size during iteration");
      n++;
      left--;
    }
    if (!pickle_op(vm, p, PICKLE_OP_ADDITEMS)) return false;
  }
  return true;
}

static bool pickle_save_frozenset(VM *vm, Pickler *p, Value v)
{
  if (p->fast && !pickle_fast_enter(vm, p, v)) return false;
  if (p->protocol < 4) {
    bool saved = pickle_save_set_old(vm, p, v, vm->types.frozenset);
    return p->fast ? pickle_fast_leave(vm, p, v, saved) : saved;
  }
  bool ok = pickle_op(vm, p, PICKLE_OP_MARK);
  Value item;
  for (size_t i = 0; ok && cd_set_each(v, &i, &item);) ok = pickle_save(vm, p, item, false);
  // A frozenset that contains itself is in the memo by now.
  if (ok && memo_find(&p->memo, v)) ok = pickle_op(vm, p, PICKLE_OP_POP_MARK) && pickle_memo_get(vm, p, v);
  else if (ok) ok = pickle_op(vm, p, PICKLE_OP_FROZENSET) && pickle_memo_put(vm, p, v);
  return p->fast ? pickle_fast_leave(vm, p, v, ok) : ok;
}

// ---- globals ----

// Is `v` what module.path leads to? Misses are no errors.
static bool pickle_module_has(VM *vm, Value module, Value path, Value v, bool *out)
{
  *out = false;
  Ref parent = NO_REF, found = cd_pickle_attribute(vm, module, path, &parent);
  if (!found) {
    cd_clear_raised(vm);
    return true;
  }
  *out = cd_is(found, v);
  cd_drop(vm, parent);
  cd_drop(vm, found);
  return true;
}

// Name of the module that defines `v`.
static Ref pickle_which_module(VM *vm, Value v, Value path)
{
  Ref name;
  Find found = cd_getattr_find(vm, v, N(__module__), &name);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT) {
    if (!cd_is_none(name)) return name;
    cd_drop(vm, name);
  }
  Ref modules = cd_dict_items_list(vm, vm->modules), result = NO_REF;
  if (!modules) return NO_REF;
  for (size_t i = 0; !result && i < cd_list_size(modules); i++) {
    Value pair = cd_list_item_borrow(modules, i), key = cd_tuple_item_borrow(pair, 0), module = cd_tuple_item_borrow(pair, 1);
    bool has;
    if (cd_is_none(module) || (cd_is_str(key) && (cd_str_is(key, "__main__") || cd_str_is(key, "__mp_main__")))) continue;
    if (pickle_module_has(vm, module, path, v, &has) && has) result = cd_dup(key);
  }
  cd_drop(vm, modules);
  return result ? result : cd_dup(N(__main__));
}

// The module of a dotted name, imported if need be.
static Ref pickle_import(VM *vm, Value name)
{
  Ref import = cd_getattr(vm, vm->builtins, N(__import__)), module;
  if (!import) return NO_REF;
  Ref top = cd_call1(vm, import, name);
  cd_drop(vm, import);
  if (!top) return NO_REF;
  cd_drop(vm, top);
  Find found = cd_dict_find(vm, vm->modules, name, &module);
  if (found == FIND_HIT) return module;
  return found == FIND_ERROR ? NO_REF : cd_raise_key(vm, name);
}

// Registered with copyreg.add_extension? *done then.
static bool pickle_save_extension(VM *vm, Pickler *p, Value v, Value module_name, Value name, bool *done)
{
  PickleState *st = cd_pickle_state(vm);
  *done = false;
  Ref key = cd_tuple2(vm, module_name, name), code;
  if (!key) return false;
  Find found = cd_dict_find(vm, st->extension_registry, key, &code);
  cd_drop(vm, key);
  if (found != FIND_HIT) return found == FIND_MISSING;
  int64_t n;
  char text[8];
  bool ok = true;
  if (!cd_is_int(code)) ok = PICKLE_RAISE(vm, pickling_error, "Can't pickle %R: extension code %R isn't an integer", v, code);
  else if (!cd_int_fits_i64(code, &n) || n <= 0 || n > INT32_MAX)
    ok = cd_raise_runtime(vm, "Can't pickle %R: extension code %S is out of range", v, code);
  cd_drop(vm, code);
  if (!ok) return false;
  *done = true;
  return pickle_write(vm, p, text,
                      n <= 0xFF     ? pickle_size_header(text, PICKLE_OP_EXT1, (uint64_t)n, 1)
                      : n <= 0xFFFF ? pickle_size_header(text, PICKLE_OP_EXT2, (uint64_t)n, 2)
                                    : pickle_size_header(text, PICKLE_OP_EXT4, (uint64_t)n, 4));
}

// Python 2's names for protocols that Python 2 reads. Replaces both.
static bool pickle_fix_imports(VM *vm, Ref *module_name, Ref *name)
{
  PickleState *st = cd_pickle_state(vm);
  Ref key = cd_tuple2(vm, *module_name, *name), item;
  if (!key) return false;
  Find found = cd_dict_find(vm, st->name_mapping_3to2, key, &item);
  cd_drop(vm, key);
  if (found == FIND_ERROR) return false;
  if (found == FIND_HIT) {
    bool ok = cd_is_tuple(item) && cd_tuple_size(item) == 2 && cd_is_str(cd_tuple_item_borrow(item, 0)) &&
              cd_is_str(cd_tuple_item_borrow(item, 1));
    if (ok) {
      Ref new_module = cd_dup(cd_tuple_item_borrow(item, 0)), new_name = cd_dup(cd_tuple_item_borrow(item, 1));
      cd_drop(vm, *module_name);
      cd_drop(vm, *name);
      *module_name = new_module;
      *name = new_name;
    } else {
      cd_raise_runtime(vm, "_compat_pickle.REVERSE_NAME_MAPPING values should be pairs of str, not %.200T", item);
    }
    cd_drop(vm, item);
    return ok;
  }
  found = cd_dict_find(vm, st->import_mapping_3to2, *module_name, &item);
  if (found != FIND_HIT) return found == FIND_MISSING;
  if (!cd_is_str(item)) {
    cd_raise_runtime(vm, "_compat_pickle.REVERSE_IMPORT_MAPPING values should be strings, not %.200T", item);
    cd_drop(vm, item);
    return false;
  }
  cd_drop(vm, *module_name);
  *module_name = item;
  return true;
}

static bool pickle_write_name(VM *vm, Pickler *p, Value name, const char *what)
{
  bool writable = p->protocol >= 3 ? !cd_str_has_surrogates(name) : cd_as_str(name)->ascii;
  if (!writable)
    return PICKLE_RAISE(vm, pickling_error, "can't pickle %s identifier '%S' using pickle protocol %d", what, name, p->protocol);
  return pickle_write(vm, p, cd_str_data(name), cd_str_size(name)) && pickle_puts(vm, p, "\n");
}

static bool pickle_write_global(VM *vm, Pickler *p, Value module_name, Value name)
{
  Ref module2 = cd_dup(module_name), name2 = cd_dup(name);
  bool ok = !(p->fix_imports && p->protocol < 3) || pickle_fix_imports(vm, &module2, &name2);
  ok = ok && pickle_op(vm, p, PICKLE_OP_GLOBAL) && pickle_write_name(vm, p, module2, "module") && pickle_write_name(vm, p, name2, "global");
  cd_drop(vm, module2);
  cd_drop(vm, name2);
  return ok;
}

// getattr(parent, name), for nested names in protocols without STACK_GLOBAL.
static bool pickle_save_nested(VM *vm, Pickler *p, Value parent, Value path)
{
  Ref arguments = cd_tuple2(vm, parent, cd_list_item_borrow(path, cd_list_size(path) - 1));
  Ref reduced = arguments ? cd_tuple2_steal(vm, cd_dup(cd_pickle_state(vm)->getattr), arguments) : NO_REF;
  bool ok = reduced && pickle_save_reduce(vm, p, reduced, NO_VALUE);
  cd_drop(vm, reduced);
  return ok;
}

static bool pickle_save_resolved(VM *vm, Pickler *p, Value v, Value name, Value module_name, Value path)
{
  Ref module = pickle_import(vm, module_name), parent = NO_REF;
  if (!module) {
    cd_clear_raised(vm);
    return PICKLE_RAISE(vm, pickling_error, "Can't pickle %R: import of module %R failed", v, module_name);
  }
  Ref found = cd_pickle_attribute(vm, module, path, &parent);
  bool ok = false, done = false;
  if (!found) {
    cd_clear_raised(vm);
    PICKLE_RAISE(vm, pickling_error, "Can't pickle %R: attribute lookup %S on %S failed", v, name, module_name);
  } else if (!cd_is(found, v)) {
    PICKLE_RAISE(vm, pickling_error, "Can't pickle %R: it's not the same object as %S.%S", v, module_name, name);
  } else {
    ok = p->protocol < 2 || pickle_save_extension(vm, p, v, module_name, name, &done);
  }
  bool nested = parent && !cd_is(parent, module);
  if (ok && !done) {
    if (!nested) name = cd_list_item_borrow(path, cd_list_size(path) - 1);     // a path that leads round to the module itself
    if (p->protocol >= 4)
      ok = pickle_save(vm, p, module_name, false) && pickle_save(vm, p, name, false) && pickle_op(vm, p, PICKLE_OP_STACK_GLOBAL);
    else ok = nested ? pickle_save_nested(vm, p, parent, path) : pickle_write_global(vm, p, module_name, name);
    ok = ok && pickle_memo_put(vm, p, v);
  }
  cd_drop(vm, found);
  cd_drop(vm, parent);
  cd_drop(vm, module);
  return ok;
}

static bool pickle_save_global(VM *vm, Pickler *p, Value v, Value given)
{
  Ref name = given ? cd_dup(given) : NO_REF;
  if (!given) {
    Find found = cd_getattr_find(vm, v, N(__qualname__), &name);
    if (found == FIND_ERROR) return false;
    if (found == FIND_MISSING && !(name = cd_getattr(vm, v, N(__name__)))) return false;
  }
  Ref path = cd_pickle_path(vm, NO_VALUE, name), module_name = path ? pickle_which_module(vm, v, path) : NO_REF;
  bool ok = module_name && pickle_save_resolved(vm, p, v, name, module_name, path);
  cd_drop(vm, name);
  cd_drop(vm, path);
  cd_drop(vm, module_name);
  return ok;
}

// The types of None, Ellipsis and NotImplemented have no name to be found by: type(singleton).
static bool pickle_save_type(VM *vm, Pickler *p, Value v)
{
  Value singleton = cd_is(v, cd_type_value(vm->types.none)) ? cd_none()
                  : cd_is(v, cd_type_value(vm->types.ellipsis)) ? cd_ellipsis()
                  : cd_is(v, cd_type_value(vm->types.not_implemented)) ? cd_not_implemented() : NO_VALUE;
  if (!singleton) return pickle_save_global(vm, p, v, NO_VALUE);
  Ref arguments = cd_tuple1(vm, singleton), reduced = arguments ? cd_tuple2_steal(vm, cd_dup_object(vm->types.type), arguments) : NO_REF;
  bool ok = reduced && pickle_save_reduce(vm, p, reduced, v);
  cd_drop(vm, reduced);
  return ok;
}

// ---- objects by __reduce__ ----

// Parts of what __reduce__ returned; absent ones are NO_VALUE. Borrowed from the tuple.
typedef struct Reduced { Value callable, arguments, state, list_items, dict_items, state_setter; } Reduced;

static bool pickle_unpack_reduced(VM *vm, Value reduced, Reduced *out)
{
  size_t size = cd_tuple_size(reduced);
  if (size < 2 || size > 6) return PICKLE_RAISE(vm, pickling_error, "tuple returned by __reduce__ must contain 2 through 6 elements");
  Value parts[6] = {NO_VALUE};
  for (size_t i = 0; i < size; i++)
    parts[i] = i >= 2 && cd_is_none(cd_tuple_item_borrow(reduced, i)) ? NO_VALUE : cd_tuple_item_borrow(reduced, i);
  *out = (Reduced){parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]};
  if (!cd_is_callable(vm, out->callable))
    return PICKLE_RAISE(vm, pickling_error, "first item of the tuple returned by __reduce__ must be callable");
  if (!cd_is_tuple(out->arguments))
    return PICKLE_RAISE(vm, pickling_error, "second item of the tuple returned by __reduce__ must be a tuple");
  if (out->list_items && !cd_is_iterator(out->list_items))
    return PICKLE_RAISE(vm, pickling_error, "fourth element of the tuple returned by __reduce__ must be an iterator, not %T",
                        out->list_items);
  if (out->dict_items && !cd_is_iterator(out->dict_items))
    return PICKLE_RAISE(vm, pickling_error, "fifth element of the tuple returned by __reduce__ must be an iterator, not %T",
                        out->dict_items);
  if (out->state_setter && !cd_is_callable(vm, out->state_setter))
    return PICKLE_RAISE(vm, pickling_error, "sixth element of the tuple returned by __reduce__ must be a function, not %T",
                        out->state_setter);
  return true;
}

static bool pickle_check_class(VM *vm, Value cls, const char *message)
{
  Ref new_method;
  Find found = cd_getattr_find(vm, cls, N(__new__), &new_method);
  if (found == FIND_HIT) cd_drop(vm, new_method);
  if (found == FIND_MISSING) PICKLE_RAISE(vm, pickling_error, message, cls);
  return found == FIND_HIT;
}

static bool pickle_save_newobj_ex(VM *vm, Pickler *p, Value arguments)
{
  if (cd_tuple_size(arguments) != 3)
    return PICKLE_RAISE(vm, pickling_error, "length of the NEWOBJ_EX argument tuple must be exactly 3, not %zu", cd_tuple_size(arguments));
  Value cls = cd_tuple_item_borrow(arguments, 0), positional = cd_tuple_item_borrow(arguments, 1),
        keywords = cd_tuple_item_borrow(arguments, 2);
  if (!cd_is_type(cls))
    return PICKLE_RAISE(vm, pickling_error, "first item from NEWOBJ_EX argument tuple must be a class, not %.200T", cls);
  if (!cd_is_tuple(positional))
    return PICKLE_RAISE(vm, pickling_error, "second item from NEWOBJ_EX argument tuple must be a tuple, not %.200T", positional);
  if (!cd_is_dict(keywords))
    return PICKLE_RAISE(vm, pickling_error, "third item from NEWOBJ_EX argument tuple must be a dict, not %.200T", keywords);
  if (p->protocol >= 4)
    return pickle_save(vm, p, cls, false) && pickle_save(vm, p, positional, false) && pickle_save(vm, p, keywords, false) &&
           pickle_op(vm, p, PICKLE_OP_NEWOBJ_EX);

  // partial(cls.__new__, cls, *positional, **keywords)()
  size_t count = cd_tuple_size(positional);
  Ref new_method = cd_getattr(vm, cls, N(__new__)), head = new_method ? cd_tuple_new(vm, count + 2) : NO_REF, callable = NO_REF;
  if (head) {
    cd_tuple_set(head, 0, cd_dup(new_method));
    cd_tuple_set(head, 1, cd_dup(cls));
    for (size_t i = 0; i < count; i++) cd_tuple_set(head, i + 2, cd_dup(cd_tuple_item_borrow(positional, i)));
    callable = cd_call_ex(vm, cd_pickle_state(vm)->partial, head, keywords);
  }
  bool ok = callable && pickle_save(vm, p, callable, false) && pickle_save(vm, p, vm->empty_tuple, false) &&
            pickle_op(vm, p, PICKLE_OP_REDUCE);
  cd_drop(vm, new_method);
  cd_drop(vm, head);
  cd_drop(vm, callable);
  return ok;
}

static bool pickle_save_newobj(VM *vm, Pickler *p, Value arguments, Value object)
{
  size_t size = cd_tuple_size(arguments);
  if (size < 1) return PICKLE_RAISE(vm, pickling_error, "__newobj__ arglist is empty");
  Value cls = cd_tuple_item_borrow(arguments, 0);
  if (!pickle_check_class(vm, cls, "args[0] from __newobj__ args has no __new__")) return false;
  if (object) {
    Ref class_of = cd_getattr(vm, object, N(__class__));
    bool same = class_of && cd_is(class_of, cls);
    if (class_of && !same) PICKLE_RAISE(vm, pickling_error, "args[0] from __newobj__ args has the wrong class");
    cd_drop(vm, class_of);
    if (!same) return false;
  }
  Ref rest = cd_tuple_slice(vm, arguments, 1, size);
  bool ok = rest && pickle_save(vm, p, cls, false) && pickle_save(vm, p, rest, false) && pickle_op(vm, p, PICKLE_OP_NEWOBJ);
  cd_drop(vm, rest);
  return ok;
}

// How the new object is made: by the opcodes of protocol 2 where copyreg's helpers ask for them, else by a call.
static bool pickle_save_construction(VM *vm, Pickler *p, const Reduced *r, Value object)
{
  if (p->protocol >= 2) {
    Ref name;
    Find found = cd_getattr_find(vm, r->callable, N(__name__), &name);
    if (found == FIND_ERROR) return false;
    bool ex = found == FIND_HIT && cd_str_is(name, "__newobj_ex__"), plain = found == FIND_HIT && cd_str_is(name, "__newobj__");
    if (found == FIND_HIT) cd_drop(vm, name);
    if (ex) return pickle_save_newobj_ex(vm, p, r->arguments);
    if (plain) return pickle_save_newobj(vm, p, r->arguments, object);
  }
  return pickle_save(vm, p, r->callable, false) && pickle_save(vm, p, r->arguments, false) && pickle_op(vm, p, PICKLE_OP_REDUCE);
}

static bool pickle_save_state(VM *vm, Pickler *p, const Reduced *r, Value object)
{
  if (!r->state) return true;
  if (!r->state_setter) return pickle_save(vm, p, r->state, false) && pickle_op(vm, p, PICKLE_OP_BUILD);
  // setter(object, state), whose result is thrown away
  return pickle_save(vm, p, r->state_setter, false) && pickle_save(vm, p, object, false) && pickle_save(vm, p, r->state, false) &&
         pickle_op(vm, p, PICKLE_OP_TUPLE2) && pickle_op(vm, p, PICKLE_OP_REDUCE) && pickle_op(vm, p, PICKLE_OP_POP);
}

static bool pickle_save_reduce(VM *vm, Pickler *p, Value reduced, Value object)
{
  Reduced r;
  if (!pickle_unpack_reduced(vm, reduced, &r) || !pickle_save_construction(vm, p, &r, object)) return false;
  if (object) {
    // Saving the arguments may have saved the object itself: use that one.
    if (memo_find(&p->memo, object)) return pickle_op(vm, p, PICKLE_OP_POP) && pickle_memo_get(vm, p, object);
    if (!pickle_memo_put(vm, p, object)) return false;
  }
  if (r.list_items && !pickle_batch_list(vm, p, r.list_items)) return false;
  if (r.dict_items && !pickle_batch_dict(vm, p, r.dict_items)) return false;
  return pickle_save_state(vm, p, &r, object);
}

static Ref pickle_reduce_by_method(VM *vm, Pickler *p, Value v)
{
  Ref method;
  Find found = cd_getattr_find(vm, v, N(__reduce_ex__), &method);
  if (found == FIND_ERROR) return NO_REF;
  Ref result;
  if (found == FIND_HIT) {
    result = cd_call1(vm, method, cd_from_small(p->protocol));
    cd_drop(vm, method);
    return result;
  }
  found = cd_getattr_find(vm, v, N(__reduce__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING) return PICKLE_RAISE(vm, pickling_error, "can't pickle '%.200T' object: %R", v, v);
  result = cd_call0(vm, method);
  cd_drop(vm, method);
  return result;
}

// The dispatch table's function for a type: MISSING when there is none.
static Find pickle_dispatch(VM *vm, Pickler *p, Value type, Ref *out)
{
  if (!p->dispatch_table) return cd_dict_find(vm, cd_pickle_state(vm)->dispatch_table, type, out);
  if (cd_is_exact(p->dispatch_table, vm->types.dict)) return cd_dict_find(vm, p->dispatch_table, type, out);
  if ((*out = cd_getitem(vm, p->dispatch_table, type))) return FIND_HIT;
  return cd_swallow(vm, vm->exc.KeyError) ? FIND_MISSING : FIND_ERROR;
}

static bool pickle_save_object(VM *vm, Pickler *p, Value v)
{
  Type *type = cd_type_of(vm, v);
  Ref reduced = NO_REF, function;
  if (p->reducer_override) {
    if (!(reduced = cd_call1(vm, p->reducer_override, v))) return false;
    if (cd_is_not_implemented(reduced)) reduced = NO_REF;
  }
  if (!reduced) {
    if (type == vm->types.type) return pickle_save_type(vm, p, v);
    if (type == vm->types.function) return pickle_save_global(vm, p, v, NO_VALUE);
    Find found = pickle_dispatch(vm, p, cd_type_value(type), &function);
    if (found == FIND_ERROR) return false;
    if (found == FIND_MISSING && cd_is_type(v)) return pickle_save_global(vm, p, v, NO_VALUE);
    if (found == FIND_MISSING) {
      reduced = pickle_reduce_by_method(vm, p, v);
    } else {
      reduced = cd_call1(vm, function, v);
      cd_drop(vm, function);
    }
    if (!reduced) return false;
  }
  bool ok;
  if (cd_is_str(reduced)) ok = pickle_save_global(vm, p, v, reduced);
  else if (!cd_is_tuple(reduced)) ok = PICKLE_RAISE(vm, pickling_error, "__reduce__ must return a string or tuple");
  else ok = pickle_save_reduce(vm, p, reduced, v);
  cd_drop(vm, reduced);
  return ok;
}

// ---- one value ----

static bool pickle_save_persistent(VM *vm, Pickler *p, Value v, bool *done)
{
  *done = false;
  Ref id = cd_pickle_hook_call(vm, &p->persistent_id, cd_from_object(p), v);
  if (!id) return false;
  if (cd_is_none(id)) return true;
  *done = true;
  bool ok;
  if (p->bin) {
    ok = pickle_save(vm, p, id, true) && pickle_op(vm, p, PICKLE_OP_BINPERSID);
  } else {
    Ref text = cd_str(vm, id);
    ok = text != NO_REF;
    if (ok && !cd_as_str(text)->ascii) ok = PICKLE_RAISE(vm, pickling_error, "persistent IDs in protocol 0 must be ASCII strings");
    ok = ok && pickle_op(vm, p, PICKLE_OP_PERSID) && pickle_write(vm, p, cd_str_data(text), cd_str_size(text)) && pickle_puts(vm, p, "\n");
    cd_drop(vm, text);
  }
  cd_drop(vm, id);
  return ok;
}

static bool pickle_save_compound(VM *vm, Pickler *p, Value v, Type *type)
{
  const VmTypes *t = &vm->types;
  if (type == t->dict) return pickle_save_dict(vm, p, v);
  if (type == t->set) return pickle_save_set(vm, p, v);
  if (type == t->frozenset) return pickle_save_frozenset(vm, p, v);
  if (type == t->list) return pickle_save_list(vm, p, v);
  if (type == t->tuple) return pickle_save_tuple(vm, p, v);
  if (type == t->bytearray) return pickle_save_bytearray(vm, p, v);
  if (type == cd_pickle_state(vm)->buffer) return pickle_save_buffer(vm, p, v);
  return pickle_save_object(vm, p, v);
}

static bool pickle_save_any(VM *vm, Pickler *p, Value v, bool persistent)
{
  if (p->persistent_id.function && !persistent) {
    bool done;
    if (!pickle_save_persistent(vm, p, v, &done) || done) return !cd_raised(vm);
  }
  Type *type = cd_type_of(vm, v);
  if (cd_is_none(v)) return pickle_op(vm, p, PICKLE_OP_NONE);
  if (cd_is_bool(v)) return pickle_save_bool(vm, p, cd_is_true(v));
  if (type == vm->types.int_) return pickle_save_int(vm, p, v);
  if (type == vm->types.float_) return pickle_save_float(vm, p, cd_float_value(v));
  if (memo_find(&p->memo, v)) return pickle_memo_get(vm, p, v);
  if (type == vm->types.str) return pickle_save_str(vm, p, v);
  if (type == vm->types.bytes) return pickle_save_bytes(vm, p, v);
  if (!cd_enter_recursion(vm, " while pickling an object")) return false;
  bool ok = pickle_save_compound(vm, p, v, type);
  cd_leave_recursion(vm);
  return ok;
}

static bool pickle_save(VM *vm, Pickler *p, Value v, bool persistent)
{
  return pickle_save_any(vm, p, v, persistent) && pickle_boundary(vm, p);
}

static bool pickle_dump_value(VM *vm, Pickler *p, Value v)
{
  char header[2] = {(char)PICKLE_OP_PROTO, (char)p->protocol};
  bool ok = p->protocol < 2 || pickle_write(vm, p, header, 2);
  if (ok && p->protocol >= 4) p->framing = true;
  ok = ok && pickle_save(vm, p, v, false) && pickle_op(vm, p, PICKLE_OP_STOP);
  if (ok) pickle_close_frame(p);
  p->framing = false;
  return ok;
}

// With reducer_override looked up for the time of the dump, so that no cycle stays.
static bool pickle_dump(VM *vm, Pickler *p, Value v)
{
  Ref override = NO_REF;
  Ref name = cd_intern(vm, "reducer_override");
  if (!name) return false;
  Find found = cd_getattr_find(vm, cd_from_object(p), name, &override);
  cd_drop(vm, name);
  if (found == FIND_ERROR) return false;
  cd_replace(vm, &p->reducer_override, found == FIND_HIT ? override : NO_REF);
  pickle_clear_output(p);
  bool ok = pickle_dump_value(vm, p, v);
  cd_clear(vm, &p->reducer_override);
  return ok;
}

// ---- Pickler ----

static bool pickler_set_protocol(VM *vm, Pickler *p, Value protocol, bool fix_imports)
{
  int64_t n = PICKLE_DEFAULT_PROTOCOL;
  if (protocol && !cd_is_none(protocol)) {
    if (!cd_to_ssize(vm, protocol, &n)) return false;
    if (n < 0) n = PICKLE_HIGHEST_PROTOCOL;
    else if (n > PICKLE_HIGHEST_PROTOCOL) return cd_raise_value(vm, "pickle protocol must be <= %d", PICKLE_HIGHEST_PROTOCOL);
  }
  p->protocol = (int32_t)n;
  p->bin = n > 0;
  p->fix_imports = fix_imports && n < 3;
  return true;
}

static bool pickler_set_callback(VM *vm, Pickler *p, Value callback)
{
  if (callback && cd_is_none(callback)) callback = NO_VALUE;
  if (callback && p->protocol < 5) return cd_raise_value(vm, "buffer_callback needs protocol >= 5");
  cd_replace(vm, &p->buffer_callback, callback ? cd_dup(callback) : NO_REF);
  return true;
}

static bool pickler_set_file(VM *vm, Pickler *p, Value file)
{
  Ref write;
  Find found = cd_getattr_find(vm, file, N(write), &write);
  if (found == FIND_MISSING) return cd_raise_type(vm, "file must have a 'write' attribute");
  if (found == FIND_HIT) cd_replace(vm, &p->write, write);
  return found == FIND_HIT;
}

static bool pickler_init_hooks(VM *vm, Pickler *p)
{
  Value self = cd_from_object(p);
  Ref name = cd_intern(vm, "persistent_id"), table;
  bool ok = name && cd_pickle_hook_init(vm, &p->persistent_id, self, name);
  cd_drop(vm, name);
  if (!ok || !(name = cd_intern(vm, "dispatch_table"))) return false;
  Find found = cd_getattr_find(vm, self, name, &table);
  cd_drop(vm, name);
  if (found == FIND_HIT) cd_replace(vm, &p->dispatch_table, table);
  return found != FIND_ERROR;
}

static bool pickler_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[4];
  Ref owned[2];
  bool fix_imports = true;
  if (!cd_bind_text(vm, "Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)", args, nargs, kwnames, in, owned))
    return false;
  if (in[2] && !cd_truth(vm, in[2], &fix_imports)) return false;
  Pickler *p = pickler_of(self);
  memo_clear(vm, &p->memo);
  cd_clear(vm, &p->write);
  cd_clear(vm, &p->dispatch_table);
  if (!pickler_set_protocol(vm, p, in[1], fix_imports) || !pickler_set_file(vm, p, in[0]) || !pickler_set_callback(vm, p, in[3]))
    return false;
  p->fast = 0;
  p->fast_nesting = 0;
  cd_clear(vm, &p->fast_memo);
  pickle_clear_output(p);
  return pickler_init_hooks(vm, p);
}

static Ref pickler_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Pickler *p = cd_instance_new(vm, type);
  if (!p) return NO_REF;
  p->frame_start = -1;
  return cd_from_object(p);
}

static void pickler_clear(VM *vm, Object *self)
{
  Pickler *p = (Pickler *)self;
  Value *fields[] = {&p->persistent_id.function, &p->dispatch_table, &p->reducer_override, &p->write, &p->buffer_callback, &p->fast_memo};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) cd_clear(vm, fields[i]);
  memo_clear(vm, &p->memo);
}

static void pickler_release(VM *vm, Object *self)
{
  Pickler *p = (Pickler *)self;
  pickler_clear(vm, self);
  cd_free(vm, p->output, p->output_capacity);
  p->output = NULL;
  p->output_capacity = 0;
}

static void pickler_traverse(Object *self, VisitFn visit, void *context)
{
  Pickler *p = (Pickler *)self;
  Value fields[] = {p->persistent_id.function, p->dispatch_table, p->reducer_override, p->write, p->buffer_callback, p->fast_memo};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) visit(context, fields[i]);
  for (size_t i = 0; p->memo.entries && i <= p->memo.mask; i++) visit(context, p->memo.entries[i].key);
}

METHOD(pickler, dump, "dump(self, obj, /)", "Writes the pickle of the object to the file.")
{
  Pickler *p = pickler_of(self);
  if (!p->write) return PICKLE_RAISE(vm, pickling_error, "Pickler.__init__() was not called by %T.__init__()", self);
  Ref keep = cd_dup(self);
  bool ok = pickle_dump(vm, p, args[0]) && pickle_flush(vm, p);
  cd_drop(vm, keep);
  return ok ? cd_none() : NO_REF;
}

METHOD(pickler, clear_memo, "clear_memo(self, /)",
       "Clears the pickler's \"memo\".\n\nThe memo knows what was pickled already, so that it is written once and\nreferred to "
       "afterwards.  Clearing it makes the pickler as new.")
{
  memo_clear(vm, &pickler_of(self)->memo);
  return cd_none();
}

METHOD(pickler, __sizeof__, "__sizeof__(self, /)", "Bytes that it takes.")
{
  const Pickler *p = pickler_of(self);
  size_t size = cd_type_of(vm, self)->basicsize + p->output_capacity + (p->memo.entries ? (p->memo.mask + 1) * sizeof(MemoEntry) : 0);
  return cd_from_small((int64_t)size);
}

// ---- Pickler.memo ----

typedef struct PicklerMemo { Object head; Value pickler; } PicklerMemo;          // owned

static inline Memo *pickler_memo_of(Value v) { return &pickler_of(((PicklerMemo *)cd_object(v))->pickler)->memo; }
static void pickler_memo_release(VM *vm, Object *self) { cd_clear(vm, &((PicklerMemo *)self)->pickler); }
static void pickler_memo_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((PicklerMemo *)self)->pickler); }

METHOD(pickler_memo, clear, "clear(self, /)", "Remove all items from memo.")
{
  memo_clear(vm, pickler_memo_of(self));
  return cd_none();
}

// {id: (number, object)}
static Ref pickler_memo_dict(VM *vm, const Memo *memo)
{
  Ref dict = cd_dict_new(vm);
  for (size_t i = 0; dict && memo->entries && i <= memo->mask; i++) {
    const MemoEntry *e = &memo->entries[i];
    if (!e->key) continue;
    Ref id = cd_int_from_u64(vm, cd_bits(e->key)),
        pair = id ? cd_tuple2_steal(vm, cd_from_small((int64_t)e->index), cd_dup(e->key)) : NO_REF;
    bool ok = pair && cd_dict_set(vm, dict, id, pair);
    cd_drop(vm, id);
    cd_drop(vm, pair);
    if (ok) continue;
    cd_drop(vm, dict);
    return NO_REF;
  }
  return dict;
}

METHOD(pickler_memo, copy, "copy(self, /)", "Copy the memo to a new object.") { return pickler_memo_dict(vm, pickler_memo_of(self)); }

METHOD(pickler_memo, __reduce__, "__reduce__(self, /)", "Implement pickle support.")
{
  Ref dict = pickler_memo_dict(vm, pickler_memo_of(self)), arguments = dict ? cd_tuple1(vm, dict) : NO_REF;
  cd_drop(vm, dict);
  return arguments ? cd_tuple2_steal(vm, cd_dup_object(vm->types.dict), arguments) : NO_REF;
}

static const MethodDef *const pickler_memo_methods[] = {&pickler_memo_clear_def, &pickler_memo_copy_def, &pickler_memo___reduce___def,
                                                        NULL};

const TypeSpec cd_pickler_memo_spec = {
  .name = "_pickle.PicklerMemoProxy",
  .basicsize = sizeof(PicklerMemo),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = pickler_memo_methods,
  .slots = {.release = pickler_memo_release, .traverse = pickler_memo_traverse, .hash = cd_hash_unhashable},
};

static Ref pickler_get_memo(VM *vm, Value self)
{
  PicklerMemo *proxy = cd_object_new(vm, cd_pickle_state(vm)->pickler_memo, sizeof *proxy);
  if (!proxy) return NO_REF;
  proxy->pickler = cd_dup(self);
  return cd_from_object(proxy);
}

static bool pickler_memo_from_dict(VM *vm, Memo *memo, Value dict)
{
  Value key, value;
  for (size_t i = 0; cd_dict_each(dict, &i, &key, &value);) {
    int64_t index;
    if (!cd_is_tuple(value) || cd_tuple_size(value) != 2) return cd_raise_type(vm, "'memo' values must be 2-item tuples");
    if (!cd_to_ssize(vm, cd_tuple_item_borrow(value, 0), &index) || !memo_set(vm, memo, cd_tuple_item_borrow(value, 1), (size_t)index))
      return false;
  }
  return true;
}

static bool pickler_set_memo(VM *vm, Value self, Value value)
{
  Memo memo = {0};
  bool ok = true;
  if (!value) return cd_raise_type(vm, "attribute deletion is not supported");
  if (cd_is_exact(value, cd_pickle_state(vm)->pickler_memo)) {
    const Memo *from = pickler_memo_of(value);
    for (size_t i = 0; ok && from->entries && i <= from->mask; i++)
      if (from->entries[i].key) ok = memo_set(vm, &memo, from->entries[i].key, from->entries[i].index);
  } else if (cd_is_dict(value)) {
    ok = pickler_memo_from_dict(vm, &memo, value);
  } else {
    ok = cd_raise_type(vm, "'memo' attribute must be a PicklerMemoProxy object or dict, not %.200T", value);
  }
  if (!ok) {
    memo_clear(vm, &memo);
    return false;
  }
  memo_clear(vm, &pickler_of(self)->memo);
  pickler_of(self)->memo = memo;
  return true;
}

static Ref pickler_get_persistent_id(VM *vm, Value self)
{
  Ref hook = cd_pickle_hook_get(vm, &pickler_of(self)->persistent_id, self);
  return hook || cd_raised(vm) ? hook : cd_raise(vm, vm->exc.AttributeError, "persistent_id");
}

static bool pickler_set_persistent_id(VM *vm, Value self, Value value)
{
  if (!value) return cd_raise_type(vm, "attribute deletion is not supported");
  if (!cd_is_callable(vm, value)) return cd_raise_type(vm, "persistent_id must be a callable taking one argument");
  PickleHook *hook = &pickler_of(self)->persistent_id;
  hook->bound = false;
  cd_replace(vm, &hook->function, cd_dup(value));
  return true;
}

static const GetSetDef pickler_getset[] = {
  {"memo", NULL, pickler_get_memo, pickler_set_memo}, {"persistent_id", NULL, pickler_get_persistent_id, pickler_set_persistent_id}, {0}};
static const MemberDef pickler_members[] = {
  {"bin", offsetof(Pickler, bin), MEMBER_I32, true, NULL}, {"fast", offsetof(Pickler, fast), MEMBER_I32, true, NULL},
  {"dispatch_table", offsetof(Pickler, dispatch_table), MEMBER_VALUE, true, NULL}, {0}};
static const MethodDef *const pickler_methods[] = {&pickler_dump_def, &pickler_clear_memo_def, &pickler___sizeof___def, NULL};

const TypeSpec cd_pickler_spec = {
  .name = "_pickle.Pickler",
  .doc = "Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)\n--\n\n"
         "Writes pickles to a file: any object with a write() method that takes bytes.\n\n"
         "protocol is 0 to 5 (default 4), negative for the highest. With fix_imports, names of the standard library that Python 2 knew\n"
         "by others are translated for protocols below 3. buffer_callback (protocol 5) is called with each PickleBuffer: when it\n"
         "returns a false value, the buffer is left out of the stream.",
  .basicsize = sizeof(Pickler),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = pickler_methods,
  .getset = pickler_getset,
  .members = pickler_members,
  .slots = {.release = pickler_release, .traverse = pickler_traverse, .clear = pickler_clear, .new_ = pickler_new, .init = pickler_init},
};

// ---- dump and dumps ----

// A pickler for one call; `file` NO_VALUE: into memory.
static Ref pickler_make(VM *vm, Value file, Value protocol, Value fix_imports_value, Value callback)
{
  bool fix_imports = true;
  if (fix_imports_value && !cd_truth(vm, fix_imports_value, &fix_imports)) return NO_REF;
  Ref pickler = pickler_new(vm, cd_pickle_state(vm)->pickler, NULL, 0, NO_VALUE);
  if (!pickler) return NO_REF;
  Pickler *p = pickler_of(pickler);
  if (pickler_set_protocol(vm, p, protocol, fix_imports) && (!file || pickler_set_file(vm, p, file)) &&
      pickler_set_callback(vm, p, callback))
    return pickler;
  cd_drop(vm, pickler);
  return NO_REF;
}

METHOD_DEF_(pickle_module_dump, "dump", "dump(obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)",
            "Writes the pickle of obj to the file.\n\nIt does what Pickler(file, protocol).dump(obj) does, without the detour.",
            0)
{
  Ref pickler = pickler_make(vm, args[1], args[2], args[3], args[4]);
  if (!pickler) return NO_REF;
  bool ok = pickle_dump(vm, pickler_of(pickler), args[0]) && pickle_flush(vm, pickler_of(pickler));
  cd_drop(vm, pickler);
  return ok ? cd_none() : NO_REF;
}

METHOD_DEF_(pickle_module_dumps, "dumps", "dumps(obj, protocol=None, *, fix_imports=True, buffer_callback=None)",
            "The pickle of obj, as bytes.", 0)
{
  Ref pickler = pickler_make(vm, NO_VALUE, args[1], args[2], args[3]), result = NO_REF;
  if (!pickler) return NO_REF;
  Pickler *p = pickler_of(pickler);
  if (pickle_dump(vm, p, args[0])) result = cd_bytes_new(vm, p->output, p->output_size);
  cd_drop(vm, pickler);
  return result;
}

const MethodDef *const cd_pickle_dump_functions[2] = {&pickle_module_dump_def, &pickle_module_dumps_def};
