// SPDX-License-Identifier: MIT
// pickle_load.c: Unpickler, load, loads
#include "modules/pickle.h"
#include "base/number_text.h"
#include "base/utf8.h"
#include "modules/import.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>
#include <stdlib.h>

enum { PREFETCH = 128 * 1024 };

// `stack` is the machine's; a mark remembers how deep it was, and nothing below the last mark (the fence) may be popped.
// Input is a window of bytes. With a file, the window is what was read last; with peek() it may reach beyond what was consumed:
// bytes from `prefetched` to `next` are still to be read from the file for good.
typedef struct Unpickler {
  Object head;
  Value *stack;                                  // owned values
  size_t depth, capacity;
  size_t *marks;
  size_t mark_count, mark_capacity, fence;
  Value *memo;                                   // owned values; NO_VALUE: free
  size_t memo_size, memo_count;
  PickleHook persistent_load;
  Value read, readline, peek;                    // owned; peek may be absent
  Value buffers;                                 // owned iterator, or absent
  Buffer window;                                 // of the input; owner NO_VALUE: none
  const char *input;
  size_t input_size, next, prefetched;
  char *line;                                    // the last line, NUL-terminated
  size_t line_capacity;
  Value encoding, errors;                        // owned str
  int protocol;
  bool fix_imports, loading;
} Unpickler;

static inline Unpickler *unpickler_of(Value v) { return (Unpickler *)cd_object(v); }

// ---- the stack ----

static bool stack_underflow(VM *vm, const Unpickler *u)
{
  return PICKLE_RAISE(vm, unpickling_error, u->mark_count ? "unexpected MARK found" : "unpickling stack underflow");
}

static bool stack_push(VM *vm, Unpickler *u, Ref v)      // steals; NO_REF: false
{
  if (!v) return false;
  if (u->depth == u->capacity) {
    size_t capacity = u->capacity ? u->capacity * 2 : 32;
    Value *stack = capacity > SIZE_MAX / 16 ? NULL : cd_realloc(vm, u->stack, u->capacity * sizeof(Value), capacity * sizeof(Value));
    if (!stack) {
      cd_drop(vm, v);
      return false;
    }
    u->stack = stack;
    u->capacity = capacity;
  }
  u->stack[u->depth++] = v;
  return true;
}

static Ref stack_pop(VM *vm, Unpickler *u)
{
  if (u->depth <= u->fence) {
    stack_underflow(vm, u);
    return NO_REF;
  }
  return cd_take(&u->stack[--u->depth]);
}

static void stack_drop_to(VM *vm, Unpickler *u, size_t depth)
{
  while (u->depth > depth) cd_drop(vm, cd_take(&u->stack[--u->depth]));
}

// Everything from `start` on, as a tuple or list.
static Ref stack_pop_tuple(VM *vm, Unpickler *u, size_t start)
{
  if (start < u->fence) {
    stack_underflow(vm, u);
    return NO_REF;
  }
  Ref tuple = cd_tuple_of(vm, u->depth - start, u->stack + start);
  if (tuple) stack_drop_to(vm, u, start);
  return tuple;
}

static Ref stack_pop_list(VM *vm, Unpickler *u, size_t start)
{
  Ref list = cd_list_of(vm, u->depth - start, u->stack + start);
  if (list) stack_drop_to(vm, u, start);
  return list;
}

static bool stack_mark(VM *vm, Unpickler *u)
{
  if (u->mark_count == u->mark_capacity) {
    size_t capacity = u->mark_capacity ? u->mark_capacity * 2 : 32;
    size_t *marks = cd_realloc(vm, u->marks, u->mark_capacity * sizeof(size_t), capacity * sizeof(size_t));
    if (!marks) return false;
    u->marks = marks;
    u->mark_capacity = capacity;
  }
  u->marks[u->mark_count++] = u->fence = u->depth;
  return true;
}

static void stack_unmark(Unpickler *u)
{
  u->mark_count--;
  u->fence = u->mark_count ? u->marks[u->mark_count - 1] : 0;
}

// Takes the last mark off; *out is where it was.
static bool stack_to_mark(VM *vm, Unpickler *u, size_t *out)
{
  if (!u->mark_count) return PICKLE_RAISE(vm, unpickling_error, "could not find MARK");
  *out = u->marks[u->mark_count - 1];
  stack_unmark(u);
  return true;
}

// ---- memo ----

static bool unpickler_memo_put(VM *vm, Unpickler *u, size_t index, Value v)
{
  if (index >= u->memo_size) {
    if (index > SIZE_MAX / 64) return cd_raise_memory(vm);
    size_t size = index * 2 + 32;
    Value *memo = cd_realloc(vm, u->memo, u->memo_size * sizeof(Value), size * sizeof(Value));
    if (!memo) return false;
    memset(memo + u->memo_size, 0, (size - u->memo_size) * sizeof(Value));
    u->memo = memo;
    u->memo_size = size;
  }
  if (!u->memo[index]) u->memo_count++;
  cd_replace(vm, &u->memo[index], cd_dup(v));
  return true;
}

static void unpickler_memo_clear(VM *vm, Unpickler *u)
{
  Value *memo = u->memo;
  size_t size = u->memo_size;
  u->memo = NULL;
  u->memo_size = u->memo_count = 0;
  for (size_t i = 0; i < size; i++) cd_drop(vm, cd_take(&memo[i]));
  cd_free(vm, memo, size * sizeof(Value));
}

// ---- input ----

static bool input_truncated(VM *vm) { return PICKLE_RAISE(vm, unpickling_error, "pickle data was truncated"); }

static void input_release(VM *vm, Unpickler *u)
{
  cd_release_buffer(vm, &u->window);
  u->input = NULL;
  u->input_size = u->next = u->prefetched = 0;
}

static bool input_set(VM *vm, Unpickler *u, Value data)
{
  input_release(vm, u);
  if (!cd_get_buffer(vm, data, &u->window, BUFFER_SIMPLE)) return false;
  u->input = u->window.data;
  u->input_size = u->prefetched = (size_t)u->window.size;
  return true;
}

// Moves the file over what was taken from a peeked window.
static bool input_skip_consumed(VM *vm, Unpickler *u)
{
  if (u->next <= u->prefetched) return true;
  Ref size = cd_int_from_i64(vm, (int64_t)(u->next - u->prefetched)), data = size ? cd_call1(vm, u->read, size) : NO_REF;
  cd_drop(vm, size);
  cd_drop(vm, data);
  if (!data) return false;
  u->prefetched = u->next;
  return true;
}

// The window becomes what peek() shows, if that is `wanted` bytes at least. *enough tells.
static bool input_peek(VM *vm, Unpickler *u, size_t wanted, bool *enough)
{
  *enough = false;
  Ref data = cd_call1(vm, u->peek, cd_from_small(PREFETCH));
  if (!data) {
    if (!cd_swallow(vm, vm->exc.NotImplementedError)) return false;
    cd_clear(vm, &u->peek);
    return true;
  }
  bool ok = input_set(vm, u, data);
  cd_drop(vm, data);
  u->prefetched = 0;
  *enough = ok && wanted <= u->input_size;
  return ok;
}

static bool input_fill(VM *vm, Unpickler *u, size_t wanted)
{
  bool enough = false;
  if (!input_skip_consumed(vm, u)) return false;
  if (u->peek && wanted < PREFETCH && !input_peek(vm, u, wanted, &enough)) return false;
  if (enough) return true;
  Ref size = cd_int_from_u64(vm, wanted), data = size ? cd_call1(vm, u->read, size) : NO_REF;
  cd_drop(vm, size);
  bool ok = data && input_set(vm, u, data);
  cd_drop(vm, data);
  return ok && (u->input_size >= wanted || input_truncated(vm));
}

// `size` bytes of input, valid until the next read.
static inline const char *input_read(VM *vm, Unpickler *u, size_t size)
{
  if (UNLIKELY(u->input_size - u->next < size)) {
    if (size > PTRDIFF_MAX - u->next) {
      PICKLE_RAISE(vm, unpickling_error, "read would overflow (invalid bytecode)");
      return NULL;
    }
    if (!u->read) input_truncated(vm);
    if (!u->read || !input_fill(vm, u, size)) return NULL;
  }
  const char *p = u->input + u->next;
  u->next += size;
  return p;
}

// Long data, in pieces where the window ends: `out` gets `size` bytes.
static bool input_read_into(VM *vm, Unpickler *u, char *out, size_t size)
{
  size_t ready = u->input_size - u->next;
  if (ready > size) ready = size;
  if (ready) memcpy(out, u->input + u->next, ready);
  u->next += ready;
  if (ready == size) return true;
  if (!u->read) return input_truncated(vm);
  const char *rest = input_read(vm, u, size - ready);
  if (!rest) return false;
  memcpy(out + ready, rest, size - ready);
  return true;
}

static char *input_copy_line(VM *vm, Unpickler *u, const char *line, size_t size)
{
  if (size + 1 > u->line_capacity) {
    char *grown = cd_realloc(vm, u->line, u->line_capacity, size + 64);
    if (!grown) return NULL;
    u->line = grown;
    u->line_capacity = size + 64;
  }
  memcpy(u->line, line, size);
  u->line[size] = '\0';
  return u->line;
}

// A line with its newline, as a NUL-terminated copy.
static char *input_line(VM *vm, Unpickler *u, size_t *size)
{
  const char *start = u->input + u->next, *newline = u->input_size > u->next ? memchr(start, '\n', u->input_size - u->next) : NULL;
  if (newline) {
    *size = (size_t)(newline - start) + 1;
    u->next += *size;
    return input_copy_line(vm, u, start, *size);
  }
  if (!u->read) {
    input_truncated(vm);
    return NULL;
  }
  if (!input_skip_consumed(vm, u)) return NULL;
  Ref data = cd_call0(vm, u->readline);
  bool ok = data && input_set(vm, u, data);
  cd_drop(vm, data);
  if (!ok) return NULL;
  if (u->input_size == 0 || u->input[u->input_size - 1] != '\n') {
    input_truncated(vm);
    return NULL;
  }
  u->next = *size = u->input_size;
  return input_copy_line(vm, u, u->input, *size);
}

static uint64_t input_number(const char *p, size_t width)        // little endian, unsigned
{
  uint64_t n = 0;
  for (size_t i = width; i-- > 0;) n = n << 8 | (unsigned char)p[i];
  return n;
}

static bool input_size_field(VM *vm, Unpickler *u, size_t width, const char *what, size_t *out)
{
  const char *p = input_read(vm, u, width);
  if (!p) return false;
  uint64_t n = input_number(p, width);
  if (n > PTRDIFF_MAX) return cd_raise_overflow(vm, "%s exceeds system's maximum size of %zd bytes", what, (ptrdiff_t)PTRDIFF_MAX);
  *out = (size_t)n;
  return true;
}

// ---- numbers ----

static bool load_int_line(VM *vm, Unpickler *u)
{
  size_t size;
  char *line = input_line(vm, u, &size), *end;
  if (!line) return false;
  if (size < 2) return input_truncated(vm);
  errno = 0;
  long long n = strtoll(line, &end, 0);
  if (!errno && *end == '\n' && end[1] == '\0')
    return stack_push(vm, u, size == 3 && (n == 0 || n == 1) ? cd_bool(n) : cd_int_from_i64(vm, n));
  Ref value = cd_int_from_text(vm, line, size - 1, 0);
  if (!value && cd_swallow(vm, vm->exc.ValueError)) cd_raise_value(vm, "could not convert string to int");
  return stack_push(vm, u, value);
}

static bool load_long_line(VM *vm, Unpickler *u)
{
  size_t size;
  char *line = input_line(vm, u, &size);
  if (!line) return false;
  if (size < 2) return input_truncated(vm);
  size--;
  if (line[size - 1] == 'L') size--;
  return stack_push(vm, u, cd_int_from_text(vm, line, size, 0));
}

static bool load_small_int(VM *vm, Unpickler *u, size_t width)
{
  const char *p = input_read(vm, u, width);
  if (!p) return false;
  uint64_t n = input_number(p, width);
  return stack_push(vm, u, cd_from_small(width == 4 ? (int32_t)n : (int64_t)n));
}

static bool load_big_int(VM *vm, Unpickler *u, size_t width)
{
  const char *p = input_read(vm, u, width);
  if (!p) return false;
  uint64_t size = input_number(p, width);
  if (width == 4 && size > INT32_MAX) return PICKLE_RAISE(vm, unpickling_error, "LONG pickle has negative byte count");
  if (!(p = input_read(vm, u, size))) return false;
  return stack_push(vm, u, size ? cd_int_from_bytes(vm, (const unsigned char *)p, size, true, true) : cd_from_small(0));
}

static bool load_float_line(VM *vm, Unpickler *u)
{
  size_t size;
  char *line = input_line(vm, u, &size);
  if (!line) return false;
  if (size < 2) return input_truncated(vm);
  Ref text = cd_str_decode_utf8(vm, line, size, "replace"), value = text ? cd_float_from_text(vm, text) : NO_REF;
  if (!value && cd_swallow(vm, vm->exc.ValueError)) cd_raise_value(vm, "could not convert string to float: '%U'", text);
  cd_drop(vm, text);
  return stack_push(vm, u, value);
}

static bool load_float(VM *vm, Unpickler *u)
{
  const char *p = input_read(vm, u, 8);
  if (!p) return false;
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++) bits = bits << 8 | (unsigned char)p[i];
  double x;
  memcpy(&x, &bits, sizeof x);
  return stack_push(vm, u, cd_float_new(vm, x));
}

// ---- text and bytes ----

// Python 2's str: bytes or text, as the unpickler was told.
static Ref load_decode(VM *vm, const Unpickler *u, const char *data, size_t size)
{
  if (cd_str_is(u->encoding, "bytes")) return cd_bytes_new(vm, data, size);
  return cd_decode(vm, data, size, cd_str_data(u->encoding), cd_str_data(u->errors));
}

static bool load_string_line(VM *vm, Unpickler *u)
{
  size_t size;
  char *line = input_line(vm, u, &size);
  if (!line) return false;
  size--;
  if (size < 2 || line[0] != line[size - 1] || (line[0] != '\'' && line[0] != '"'))
    return PICKLE_RAISE(vm, unpickling_error, "the STRING opcode argument must be quoted");
  Ref decode = cd_import_attr(vm, "_codecs", "escape_decode"), raw = decode ? cd_bytes_new(vm, line + 1, size - 2) : NO_REF;
  Ref pair = raw ? cd_call1(vm, decode, raw) : NO_REF, value = NO_REF;
  if (pair) value = load_decode(vm, u, cd_bytes_data(cd_tuple_item_borrow(pair, 0)), cd_bytes_size(cd_tuple_item_borrow(pair, 0)));
  cd_drop(vm, decode);
  cd_drop(vm, raw);
  cd_drop(vm, pair);
  return stack_push(vm, u, value);
}

static bool load_string(VM *vm, Unpickler *u, size_t width)
{
  const char *p = input_read(vm, u, width);
  if (!p) return false;
  uint64_t size = input_number(p, width);
  if (width == 4 && size > INT32_MAX) return PICKLE_RAISE(vm, unpickling_error, "BINSTRING pickle has negative byte count");
  return (p = input_read(vm, u, size)) && stack_push(vm, u, load_decode(vm, u, p, size));
}

static bool load_unicode_line(VM *vm, Unpickler *u)
{
  size_t size;
  char *line = input_line(vm, u, &size);
  return line && stack_push(vm, u, cd_decode(vm, line, size - 1, "raw-unicode-escape", NULL));
}

static bool load_unicode(VM *vm, Unpickler *u, size_t width)
{
  size_t size, count;
  bool ascii;
  if (!input_size_field(vm, u, width, "BINUNICODE", &size)) return false;
  const char *p = input_read(vm, u, size);
  if (!p) return false;
  if (cd_utf8_check(p, size, true, &count, &ascii, NULL) == size)
    return stack_push(vm, u, ascii ? cd_str_ascii(vm, p, size) : cd_str_known(vm, p, size, count));
  return stack_push(vm, u, cd_str_decode_utf8(vm, p, size, "surrogatepass"));
}

static bool load_bytes(VM *vm, Unpickler *u, size_t width)
{
  size_t size;
  if (!input_size_field(vm, u, width, "BINBYTES", &size)) return false;
  if (!u->read && u->input_size - u->next < size) return input_truncated(vm);      // before room is made for a size that may be nonsense
  Ref bytes = cd_bytes_new(vm, NULL, size);
  if (bytes && !input_read_into(vm, u, cd_bytes_data(bytes), size)) {
    cd_drop(vm, bytes);
    return false;
  }
  return stack_push(vm, u, bytes);
}

static bool load_bytearray(VM *vm, Unpickler *u)
{
  size_t size;
  if (!input_size_field(vm, u, 8, "BYTEARRAY8", &size)) return false;
  if (!u->read && u->input_size - u->next < size) return input_truncated(vm);
  Ref array = cd_bytearray_new(vm, NULL, size);
  if (array && size && !input_read_into(vm, u, cd_as_bytearray(array)->data, size)) {
    cd_drop(vm, array);
    return false;
  }
  return stack_push(vm, u, array);
}

static bool load_next_buffer(VM *vm, Unpickler *u)
{
  if (!u->buffers)
    return PICKLE_RAISE(vm, unpickling_error, "pickle stream refers to out-of-band data but no *buffers* argument was given");
  Ref buffer;
  Next next = cd_next(vm, u->buffers, &buffer);
  if (next == NEXT_DONE) PICKLE_RAISE(vm, unpickling_error, "not enough out-of-band buffers");
  return next == NEXT_ITEM && stack_push(vm, u, buffer);
}

static bool load_readonly_buffer(VM *vm, Unpickler *u)
{
  if (u->depth <= u->fence) return stack_underflow(vm, u);
  Ref view = cd_call1(vm, cd_type_value(vm->types.memoryview), u->stack[u->depth - 1]), name = view ? cd_intern(vm, "toreadonly") : NO_REF;
  Ref readonly = name ? cd_call_method0(vm, view, name) : NO_REF;
  cd_drop(vm, view);
  cd_drop(vm, name);
  if (!readonly) return false;
  Buffer probe;
  bool writable = cd_get_buffer(vm, u->stack[u->depth - 1], &probe, BUFFER_SIMPLE) && !probe.readonly;
  if (cd_raised(vm)) cd_clear_raised(vm);
  else cd_release_buffer(vm, &probe);
  if (writable) cd_replace(vm, &u->stack[u->depth - 1], readonly);
  else cd_drop(vm, readonly);
  return true;
}

// ---- containers ----

static bool load_short_tuple(VM *vm, Unpickler *u, size_t size)
{
  if (u->depth < size || u->depth - size < u->fence) return stack_underflow(vm, u);
  return stack_push(vm, u, stack_pop_tuple(vm, u, u->depth - size));
}

static bool load_tuple(VM *vm, Unpickler *u)
{
  size_t start;
  return stack_to_mark(vm, u, &start) && stack_push(vm, u, stack_pop_tuple(vm, u, start));
}

static bool load_list(VM *vm, Unpickler *u)
{
  size_t start;
  return stack_to_mark(vm, u, &start) && stack_push(vm, u, stack_pop_list(vm, u, start));
}

static bool load_dict(VM *vm, Unpickler *u)
{
  size_t start;
  if (!stack_to_mark(vm, u, &start)) return false;
  if ((u->depth - start) % 2) return PICKLE_RAISE(vm, unpickling_error, "odd number of items for DICT");
  Ref dict = cd_dict_new(vm);
  for (size_t i = start; dict && i < u->depth; i += 2)
    if (!cd_dict_set(vm, dict, u->stack[i], u->stack[i + 1])) {
      cd_drop(vm, dict);
      return false;
    }
  stack_drop_to(vm, u, start);
  return stack_push(vm, u, dict);
}

static bool load_frozenset(VM *vm, Unpickler *u)
{
  size_t start;
  if (!stack_to_mark(vm, u, &start)) return false;
  Ref items = stack_pop_tuple(vm, u, start), set = items ? cd_frozenset_new(vm, items) : NO_REF;
  cd_drop(vm, items);
  return stack_push(vm, u, set);
}

// Calls target.<name>(item) for each item from `start` on, and drops them.
static bool load_call_each(VM *vm, Unpickler *u, Value target, const char *name, size_t start)
{
  Ref method = cd_getattr_text(vm, target, name);
  if (!method) return false;
  bool ok = true;
  for (size_t i = start; ok && i < u->depth; i++) {
    Ref item = cd_dup(u->stack[i]), result = cd_call1(vm, method, item);
    cd_drop(vm, item);
    cd_drop(vm, result);
    ok = result != NO_REF;
  }
  stack_drop_to(vm, u, start);
  cd_drop(vm, method);
  return ok;
}

static bool load_append_from(VM *vm, Unpickler *u, size_t start)
{
  if (start > u->depth || start <= u->fence) return stack_underflow(vm, u);
  if (start == u->depth) return true;
  Ref list = cd_dup(u->stack[start - 1]), extend;
  bool ok = true;
  if (cd_is_exact(list, vm->types.list)) {
    for (size_t i = start; ok && i < u->depth; i++) ok = cd_list_append(vm, cd_as_list(list), u->stack[i]);
    stack_drop_to(vm, u, start);
  } else {
    Ref name = cd_intern(vm, "extend");
    Find found = name ? cd_getattr_find(vm, list, name, &extend) : FIND_ERROR;
    cd_drop(vm, name);
    ok = found != FIND_ERROR;
    if (found == FIND_HIT) {
      Ref items = stack_pop_list(vm, u, start), result = items ? cd_call1(vm, extend, items) : NO_REF;
      ok = result != NO_REF;
      cd_drop(vm, items);
      cd_drop(vm, result);
      cd_drop(vm, extend);
    } else if (ok) {
      ok = load_call_each(vm, u, list, "append", start);
    }
  }
  cd_drop(vm, list);
  return ok;
}

static bool load_appends(VM *vm, Unpickler *u)
{
  size_t start;
  return stack_to_mark(vm, u, &start) && load_append_from(vm, u, start);
}

static bool load_setitems_from(VM *vm, Unpickler *u, size_t start)
{
  if (start > u->depth || start <= u->fence) return stack_underflow(vm, u);
  if (start == u->depth) return true;
  if ((u->depth - start) % 2) return PICKLE_RAISE(vm, unpickling_error, "odd number of items for SETITEMS");
  Ref dict = cd_dup(u->stack[start - 1]);
  bool exact = cd_is_exact(dict, vm->types.dict), ok = true;
  for (size_t i = start; ok && i + 1 < u->depth; i += 2) {
    Ref key = cd_dup(u->stack[i]), value = cd_dup(u->stack[i + 1]);
    ok = exact ? cd_dict_set(vm, dict, key, value) : cd_setitem(vm, dict, key, value);
    cd_drop(vm, key);
    cd_drop(vm, value);
  }
  stack_drop_to(vm, u, start);
  cd_drop(vm, dict);
  return ok;
}

static bool load_setitems(VM *vm, Unpickler *u)
{
  size_t start;
  return stack_to_mark(vm, u, &start) && load_setitems_from(vm, u, start);
}

static bool load_additems(VM *vm, Unpickler *u)
{
  size_t start;
  if (!stack_to_mark(vm, u, &start)) return false;
  if (start > u->depth || start <= u->fence) return stack_underflow(vm, u);
  if (start == u->depth) return true;
  Ref set = cd_dup(u->stack[start - 1]);
  bool ok = true;
  if (cd_has_flag(set, TYPE_SET)) {
    Ref items = stack_pop_tuple(vm, u, start);
    ok = items && cd_set_update(vm, set, items);
    cd_drop(vm, items);
  } else {
    ok = load_call_each(vm, u, set, "add", start);
  }
  cd_drop(vm, set);
  return ok;
}

// ---- globals and objects ----

// Python 2's names of things that Python 3 keeps elsewhere. Replaces both.
static bool unpickler_fix_imports(VM *vm, Ref *module_name, Ref *name)
{
  PickleState *st = cd_pickle_state(vm);
  Ref key = cd_tuple2(vm, *module_name, *name), item;
  if (!key) return false;
  Find found = cd_dict_find(vm, st->name_mapping_2to3, key, &item);
  cd_drop(vm, key);
  if (found == FIND_ERROR) return false;
  if (found == FIND_HIT) {
    bool ok = cd_is_tuple(item) && cd_tuple_size(item) == 2 && cd_is_str(cd_tuple_item_borrow(item, 0)) &&
              cd_is_str(cd_tuple_item_borrow(item, 1));
    if (!ok) cd_raise_runtime(vm, "_compat_pickle.NAME_MAPPING values should be 2-tuples of str, not %.200T", item);
    if (ok) {
      cd_drop(vm, *module_name);
      cd_drop(vm, *name);
      *module_name = cd_dup(cd_tuple_item_borrow(item, 0));
      *name = cd_dup(cd_tuple_item_borrow(item, 1));
    }
    cd_drop(vm, item);
    return ok;
  }
  found = cd_dict_find(vm, st->import_mapping_2to3, *module_name, &item);
  if (found != FIND_HIT) return found == FIND_MISSING;
  if (!cd_is_str(item)) {
    cd_raise_runtime(vm, "_compat_pickle.IMPORT_MAPPING values should be strings, not %.200T", item);
    cd_drop(vm, item);
    return false;
  }
  cd_drop(vm, *module_name);
  *module_name = item;
  return true;
}

static Ref unpickler_import(VM *vm, Value name)
{
  Ref import = cd_getattr(vm, vm->builtins, N(__import__)), module;
  Ref top = import ? cd_call1(vm, import, name) : NO_REF;
  cd_drop(vm, import);
  if (!top) return NO_REF;
  cd_drop(vm, top);
  Find found = cd_dict_find(vm, vm->modules, name, &module);
  return found == FIND_HIT ? module : found == FIND_ERROR ? NO_REF : cd_raise_key(vm, name);
}

static Ref load_find_global(VM *vm, Unpickler *u, Value module_value, Value name_value)
{
  Value audited[] = {module_value, name_value};
  if (!cd_audit(vm, "pickle.find_class", 2, audited)) return NO_REF;
  Ref module_name = cd_dup(module_value), name = cd_dup(name_value), module = NO_REF, path = NO_REF, parent = NO_REF, result = NO_REF;
  if (u->protocol >= 3 || !u->fix_imports || unpickler_fix_imports(vm, &module_name, &name)) module = unpickler_import(vm, module_name);
  if (module && u->protocol >= 4) {
    if ((path = cd_pickle_path(vm, module, name))) result = cd_pickle_attribute(vm, module, path, &parent);
  } else if (module) {
    Find found = cd_getattr_find(vm, module, name, &result);
    if (found != FIND_HIT) result = NO_REF;
    if (found == FIND_MISSING) cd_raise(vm, vm->exc.AttributeError, "Can't get attribute %R on %R", name, module);
  }
  cd_drop(vm, parent);
  cd_drop(vm, path);
  cd_drop(vm, module);
  cd_drop(vm, module_name);
  cd_drop(vm, name);
  return result;
}

static Ref load_find_class(VM *vm, Unpickler *u, Value module_name, Value name)
{
  Value self = cd_from_object(u);
  if (cd_type_of(vm, self) == cd_pickle_state(vm)->unpickler) return load_find_global(vm, u, module_name, name);
  Ref method_name = cd_intern(vm, "find_class");
  if (!method_name) return NO_REF;
  Value parts[] = {module_name, name};
  Ref result = cd_call_method(vm, self, method_name, parts, 2);
  cd_drop(vm, method_name);
  return result;
}

// The next line as text.
static Ref load_name_line(VM *vm, Unpickler *u, bool ascii)
{
  size_t size;
  char *line = input_line(vm, u, &size);
  if (!line) return NO_REF;
  if (size < 2) {
    input_truncated(vm);
    return NO_REF;
  }
  return cd_decode(vm, line, size - 1, ascii ? "ascii" : "utf-8", NULL);
}

static bool load_global(VM *vm, Unpickler *u)
{
  Ref module_name = load_name_line(vm, u, false), name = module_name ? load_name_line(vm, u, false) : NO_REF;
  Ref found = name ? load_find_class(vm, u, module_name, name) : NO_REF;
  cd_drop(vm, module_name);
  cd_drop(vm, name);
  return stack_push(vm, u, found);
}

static bool load_stack_global(VM *vm, Unpickler *u)
{
  Ref name = stack_pop(vm, u), module_name = name ? stack_pop(vm, u) : NO_REF, found = NO_REF;
  if (module_name && (!cd_is_exact(name, vm->types.str) || !cd_is_exact(module_name, vm->types.str)))
    PICKLE_RAISE(vm, unpickling_error, "STACK_GLOBAL requires str");
  else if (module_name) found = load_find_class(vm, u, module_name, name);
  cd_drop(vm, name);
  cd_drop(vm, module_name);
  return stack_push(vm, u, found);
}

static Ref load_registered(VM *vm, Unpickler *u, Value code)
{
  PickleState *st = cd_pickle_state(vm);
  Ref object, pair;
  Find found = cd_dict_find(vm, st->extension_cache, code, &object);
  if (found == FIND_HIT) return object;
  if (found == FIND_ERROR) return NO_REF;
  found = cd_dict_find(vm, st->inverted_registry, code, &pair);
  if (found == FIND_MISSING) return cd_raise_value(vm, "unregistered extension code %S", code);
  if (found == FIND_ERROR) return NO_REF;
  object = NO_REF;
  if (!cd_is_tuple(pair) || cd_tuple_size(pair) != 2 || !cd_is_str(cd_tuple_item_borrow(pair, 0)) ||
      !cd_is_str(cd_tuple_item_borrow(pair, 1)))
    cd_raise_value(vm, "_inverted_registry[%S] isn't a 2-tuple of strings", code);
  else if ((object = load_find_class(vm, u, cd_tuple_item_borrow(pair, 0), cd_tuple_item_borrow(pair, 1))) &&
           !cd_dict_set(vm, st->extension_cache, code, object)) {
    cd_drop(vm, object);
    object = NO_REF;
  }
  cd_drop(vm, pair);
  return object;
}

static bool load_extension(VM *vm, Unpickler *u, size_t width)
{
  const char *p = input_read(vm, u, width);
  if (!p) return false;
  int64_t code = width == 4 ? (int32_t)input_number(p, 4) : (int64_t)input_number(p, width);
  if (code <= 0) return PICKLE_RAISE(vm, unpickling_error, "EXT specifies code <= 0");
  return stack_push(vm, u, load_registered(vm, u, cd_from_small(code)));
}

// cls(*args); without arguments as protocol 1 wants it: just made, not initialised.
static Ref load_instantiate(VM *vm, Value cls, Value args)
{
  if (cd_tuple_size(args) == 0 && cd_is_type(cls)) {
    Ref method;
    Find found = cd_getattr_find(vm, cls, N(__getinitargs__), &method);
    if (found == FIND_ERROR) return NO_REF;
    if (found == FIND_MISSING) return cd_call_method1(vm, cls, N(__new__), cls);
    cd_drop(vm, method);
  }
  return cd_call_ex(vm, cls, args, NO_VALUE);
}

static bool load_obj(VM *vm, Unpickler *u)
{
  size_t start;
  if (!stack_to_mark(vm, u, &start)) return false;
  if (u->depth <= start) return stack_underflow(vm, u);
  Ref args = stack_pop_tuple(vm, u, start + 1), cls = args ? stack_pop(vm, u) : NO_REF,
      object = cls ? load_instantiate(vm, cls, args) : NO_REF;
  cd_drop(vm, args);
  cd_drop(vm, cls);
  return stack_push(vm, u, object);
}

static bool load_inst(VM *vm, Unpickler *u)
{
  size_t start;
  if (!stack_to_mark(vm, u, &start)) return false;
  Ref module_name = load_name_line(vm, u, true), name = module_name ? load_name_line(vm, u, true) : NO_REF;
  Ref cls = name ? load_find_class(vm, u, module_name, name) : NO_REF, args = cls ? stack_pop_tuple(vm, u, start) : NO_REF;
  Ref object = args ? load_instantiate(vm, cls, args) : NO_REF;
  cd_drop(vm, module_name);
  cd_drop(vm, name);
  cd_drop(vm, cls);
  cd_drop(vm, args);
  return stack_push(vm, u, object);
}

static Ref load_make_object(VM *vm, const char *opcode, Value cls, Value args, Value keywords)
{
  if (!cd_is_type(cls)) return PICKLE_RAISE(vm, unpickling_error, "%s class argument must be a type, not %.200T", opcode, cls);
  Type *type = cd_as_type(cls);
  if (!type->slots.new_ || type->flags & TYPE_NO_NEW)
    return PICKLE_RAISE(vm, unpickling_error, "%s class argument '%.200N' doesn't have __new__", opcode, type);
  if (!cd_is_tuple(args)) return PICKLE_RAISE(vm, unpickling_error, "%s args argument must be a tuple, not %.200T", opcode, args);
  if (keywords && !cd_is_dict(keywords))
    return PICKLE_RAISE(vm, unpickling_error, "%s kwargs argument must be a dict, not %.200T", opcode, keywords);
  size_t count = cd_tuple_size(args), named = keywords ? cd_dict_count(keywords) : 0;
  if (!named) return type->slots.new_(vm, type, cd_as_tuple(args)->items, count, NO_VALUE);
  Value *values = cd_alloc_array(vm, count + named, sizeof(Value)), key, value;
  Ref names = values ? cd_tuple_new(vm, named) : NO_REF, object = NO_REF;
  if (names) {
    size_t n = 0;
    if (count) memcpy(values, cd_as_tuple(args)->items, count * sizeof(Value));
    for (size_t i = 0; cd_dict_each(keywords, &i, &key, &value); n++) {
      cd_tuple_set(names, n, cd_dup(key));
      values[count + n] = value;
    }
    object = type->slots.new_(vm, type, values, count, names);
  }
  cd_drop(vm, names);
  cd_free(vm, values, (count + named) * sizeof(Value));
  return object;
}

static bool load_newobj(VM *vm, Unpickler *u, bool ex)
{
  Ref keywords = ex ? stack_pop(vm, u) : NO_REF, args = NO_REF, cls = NO_REF, object = NO_REF;
  if (!ex || keywords) args = stack_pop(vm, u);
  if (args) cls = stack_pop(vm, u);
  if (cls) object = load_make_object(vm, ex ? "NEWOBJ_EX" : "NEWOBJ", cls, args, keywords);
  cd_drop(vm, keywords);
  cd_drop(vm, args);
  cd_drop(vm, cls);
  return stack_push(vm, u, object);
}

static bool load_reduce(VM *vm, Unpickler *u)
{
  Ref args = stack_pop(vm, u), callable = args ? stack_pop(vm, u) : NO_REF, result = NO_REF;
  if (callable && !cd_is_tuple(args)) cd_raise_type(vm, "argument list must be a tuple");
  else if (callable) result = cd_call_ex(vm, callable, args, NO_VALUE);
  cd_drop(vm, args);
  cd_drop(vm, callable);
  return stack_push(vm, u, result);
}

// ---- state ----

static bool load_instance_state(VM *vm, Value object, Value state)
{
  if (cd_is_none(state)) return true;
  if (!cd_is_dict(state)) return PICKLE_RAISE(vm, unpickling_error, "state is not a dictionary");
  Ref dict = cd_getattr(vm, object, N(__dict__));
  if (!dict) return false;
  Value k, v;
  bool ok = true;
  for (size_t i = 0; ok && cd_dict_each(state, &i, &k, &v);) {
    Ref key = cd_is_exact(k, vm->types.str) ? cd_str_intern(vm, cd_dup(k)) : cd_dup(k), value = cd_dup(v);
    ok = key && cd_setitem(vm, dict, key, value);
    cd_drop(vm, key);
    cd_drop(vm, value);
  }
  cd_drop(vm, dict);
  return ok;
}

static bool load_slots_state(VM *vm, Value object, Value state)
{
  if (!cd_is_dict(state)) return PICKLE_RAISE(vm, unpickling_error, "slot state is not a dictionary");
  Value k, v;
  for (size_t i = 0; cd_dict_each(state, &i, &k, &v);) {
    Ref key = cd_dup(k), value = cd_dup(v);
    bool ok = cd_setattr(vm, object, key, value);
    cd_drop(vm, key);
    cd_drop(vm, value);
    if (!ok) return false;
  }
  return true;
}

static bool load_build_state(VM *vm, Value object, Value state)
{
  Ref method;
  Find found = cd_getattr_find(vm, object, N(__setstate__), &method);
  if (found == FIND_ERROR) return false;
  if (found == FIND_HIT) {
    Ref result = cd_call1(vm, method, state);
    cd_drop(vm, method);
    cd_drop(vm, result);
    return result != NO_REF;
  }
  if (!cd_is_tuple(state) || cd_tuple_size(state) != 2) return load_instance_state(vm, object, state);
  Value slots = cd_tuple_item_borrow(state, 1);
  return load_instance_state(vm, object, cd_tuple_item_borrow(state, 0)) && (cd_is_none(slots) || load_slots_state(vm, object, slots));
}

static bool load_build(VM *vm, Unpickler *u)
{
  if (u->depth < 2 || u->depth - 2 < u->fence) return stack_underflow(vm, u);
  Ref state = stack_pop(vm, u), object = cd_dup(u->stack[u->depth - 1]);
  bool ok = load_build_state(vm, object, state);
  cd_drop(vm, state);
  cd_drop(vm, object);
  return ok;
}

// ---- memo and persistent ids ----

static bool load_get(VM *vm, Unpickler *u, size_t index)
{
  if (index < u->memo_size && u->memo[index]) return stack_push(vm, u, cd_dup(u->memo[index]));
  return PICKLE_RAISE(vm, unpickling_error, "Memo value not found at index %zu", index);
}

static bool load_put(VM *vm, Unpickler *u, size_t index)
{
  if (u->depth <= u->fence) return stack_underflow(vm, u);
  return unpickler_memo_put(vm, u, index, u->stack[u->depth - 1]);
}

// GET or PUT with its number on a line.
static bool load_memo_line(VM *vm, Unpickler *u, bool put)
{
  size_t size;
  int64_t index;
  char *line = input_line(vm, u, &size);
  if (!line) return false;
  if (size < 2) return input_truncated(vm);
  Ref key = cd_int_from_text(vm, line, size - 1, 10);
  if (!key) return false;
  bool fits = cd_int_fits_i64(key, &index);
  cd_drop(vm, key);
  if (put && u->depth <= u->fence) return stack_underflow(vm, u);
  if (!fits) return cd_raise_overflow(vm, "Python int too large to convert to C ssize_t");
  if (index < 0 && put) return cd_raise_value(vm, "negative PUT argument");
  if (index < 0) return PICKLE_RAISE(vm, unpickling_error, "Memo value not found at index %lld", (long long)index);
  return put ? load_put(vm, u, (size_t)index) : load_get(vm, u, (size_t)index);
}

static bool load_memo_number(VM *vm, Unpickler *u, size_t width, bool put)
{
  const char *p = input_read(vm, u, width);
  if (!p) return false;
  size_t index = input_number(p, width);
  return put ? load_put(vm, u, index) : load_get(vm, u, index);
}

static bool load_persistent(VM *vm, Unpickler *u, Ref id)        // steals
{
  Ref object = NO_REF;
  if (id && u->persistent_load.function) object = cd_pickle_hook_call(vm, &u->persistent_load, cd_from_object(u), id);
  else if (id)
    PICKLE_RAISE(vm, unpickling_error, "A load persistent id instruction was encountered,\nbut no persistent_load function was specified.");
  cd_drop(vm, id);
  return stack_push(vm, u, object);
}

static bool load_persistent_line(VM *vm, Unpickler *u)
{
  size_t size;
  char *line = input_line(vm, u, &size);
  if (!line) return false;
  if (!u->persistent_load.function) return load_persistent(vm, u, cd_none());
  Ref id = cd_decode(vm, line, size - 1, "ascii", NULL);
  if (!id && cd_swallow(vm, vm->exc.UnicodeDecodeError))
    PICKLE_RAISE(vm, unpickling_error, "persistent IDs in protocol 0 must be ASCII strings");
  return load_persistent(vm, u, id);
}

// ---- the rest of the machine ----

static bool load_pop(VM *vm, Unpickler *u)
{
  if (u->mark_count && u->marks[u->mark_count - 1] == u->depth) stack_unmark(u);
  else if (u->depth <= u->fence) return stack_underflow(vm, u);
  else stack_drop_to(vm, u, u->depth - 1);
  return true;
}

static bool load_pop_mark(VM *vm, Unpickler *u)
{
  size_t start;
  if (!stack_to_mark(vm, u, &start)) return false;
  stack_drop_to(vm, u, start);
  return true;
}

static bool load_dup(VM *vm, Unpickler *u)
{
  if (u->depth <= u->fence) return stack_underflow(vm, u);
  return stack_push(vm, u, cd_dup(u->stack[u->depth - 1]));
}

static bool load_protocol(VM *vm, Unpickler *u)
{
  const char *p = input_read(vm, u, 1);
  if (!p) return false;
  if ((unsigned char)*p > PICKLE_HIGHEST_PROTOCOL) return cd_raise_value(vm, "unsupported pickle protocol: %d", (unsigned char)*p);
  u->protocol = (unsigned char)*p;
  return true;
}

// The whole frame is brought into the window; it is then read piece by piece.
static bool load_frame(VM *vm, Unpickler *u)
{
  const char *p = input_read(vm, u, 8);
  if (!p) return false;
  uint64_t size = input_number(p, 8);
  if (size > PTRDIFF_MAX) return cd_raise_overflow(vm, "FRAME length exceeds system's maximum of %zd bytes", (ptrdiff_t)PTRDIFF_MAX);
  if (!input_read(vm, u, size)) return false;
  u->next -= size;
  return true;
}

static COLD bool load_invalid(VM *vm, unsigned char op)
{
  if (op >= 0x20 && op <= 0x7E && op != '\'' && op != '\\') return PICKLE_RAISE(vm, unpickling_error, "invalid load key, '%c'.", op);
  static const char hex[] = "0123456789abcdef";
  return PICKLE_RAISE(vm, unpickling_error, "invalid load key, '\\x%c%c'.", hex[op >> 4], hex[op & 15]);
}

static bool load_op(VM *vm, Unpickler *u, unsigned char op)
{
  switch (op) {
  case PICKLE_OP_NONE: return stack_push(vm, u, cd_none());
  case PICKLE_OP_NEWTRUE: return stack_push(vm, u, cd_true());
  case PICKLE_OP_NEWFALSE: return stack_push(vm, u, cd_false());
  case PICKLE_OP_BININT: return load_small_int(vm, u, 4);
  case PICKLE_OP_BININT1: return load_small_int(vm, u, 1);
  case PICKLE_OP_BININT2: return load_small_int(vm, u, 2);
  case PICKLE_OP_INT: return load_int_line(vm, u);
  case PICKLE_OP_LONG: return load_long_line(vm, u);
  case PICKLE_OP_LONG1: return load_big_int(vm, u, 1);
  case PICKLE_OP_LONG4: return load_big_int(vm, u, 4);
  case PICKLE_OP_FLOAT: return load_float_line(vm, u);
  case PICKLE_OP_BINFLOAT: return load_float(vm, u);
  case PICKLE_OP_SHORT_BINBYTES: return load_bytes(vm, u, 1);
  case PICKLE_OP_BINBYTES: return load_bytes(vm, u, 4);
  case PICKLE_OP_BINBYTES8: return load_bytes(vm, u, 8);
  case PICKLE_OP_BYTEARRAY8: return load_bytearray(vm, u);
  case PICKLE_OP_NEXT_BUFFER: return load_next_buffer(vm, u);
  case PICKLE_OP_READONLY_BUFFER: return load_readonly_buffer(vm, u);
  case PICKLE_OP_SHORT_BINSTRING: return load_string(vm, u, 1);
  case PICKLE_OP_BINSTRING: return load_string(vm, u, 4);
  case PICKLE_OP_STRING: return load_string_line(vm, u);
  case PICKLE_OP_UNICODE: return load_unicode_line(vm, u);
  case PICKLE_OP_SHORT_BINUNICODE: return load_unicode(vm, u, 1);
  case PICKLE_OP_BINUNICODE: return load_unicode(vm, u, 4);
  case PICKLE_OP_BINUNICODE8: return load_unicode(vm, u, 8);
  case PICKLE_OP_EMPTY_TUPLE: return stack_push(vm, u, cd_dup(vm->empty_tuple));
  case PICKLE_OP_TUPLE1: return load_short_tuple(vm, u, 1);
  case PICKLE_OP_TUPLE2: return load_short_tuple(vm, u, 2);
  case PICKLE_OP_TUPLE3: return load_short_tuple(vm, u, 3);
  case PICKLE_OP_TUPLE: return load_tuple(vm, u);
  case PICKLE_OP_EMPTY_LIST: return stack_push(vm, u, cd_list_new(vm));
  case PICKLE_OP_LIST: return load_list(vm, u);
  case PICKLE_OP_EMPTY_DICT: return stack_push(vm, u, cd_dict_new(vm));
  case PICKLE_OP_DICT: return load_dict(vm, u);
  case PICKLE_OP_EMPTY_SET: return stack_push(vm, u, cd_set_new(vm, NO_VALUE));
  case PICKLE_OP_ADDITEMS: return load_additems(vm, u);
  case PICKLE_OP_FROZENSET: return load_frozenset(vm, u);
  case PICKLE_OP_OBJ: return load_obj(vm, u);
  case PICKLE_OP_INST: return load_inst(vm, u);
  case PICKLE_OP_NEWOBJ: return load_newobj(vm, u, false);
  case PICKLE_OP_NEWOBJ_EX: return load_newobj(vm, u, true);
  case PICKLE_OP_GLOBAL: return load_global(vm, u);
  case PICKLE_OP_STACK_GLOBAL: return load_stack_global(vm, u);
  case PICKLE_OP_APPEND: return load_append_from(vm, u, u->depth - 1);
  case PICKLE_OP_APPENDS: return load_appends(vm, u);
  case PICKLE_OP_BUILD: return load_build(vm, u);
  case PICKLE_OP_DUP: return load_dup(vm, u);
  case PICKLE_OP_BINGET: return load_memo_number(vm, u, 1, false);
  case PICKLE_OP_LONG_BINGET: return load_memo_number(vm, u, 4, false);
  case PICKLE_OP_GET: return load_memo_line(vm, u, false);
  case PICKLE_OP_MARK: return stack_mark(vm, u);
  case PICKLE_OP_BINPUT: return load_memo_number(vm, u, 1, true);
  case PICKLE_OP_LONG_BINPUT: return load_memo_number(vm, u, 4, true);
  case PICKLE_OP_PUT: return load_memo_line(vm, u, true);
  case PICKLE_OP_MEMOIZE: return load_put(vm, u, u->memo_count);
  case PICKLE_OP_POP: return load_pop(vm, u);
  case PICKLE_OP_POP_MARK: return load_pop_mark(vm, u);
  case PICKLE_OP_SETITEM: return load_setitems_from(vm, u, u->depth - 2);
  case PICKLE_OP_SETITEMS: return load_setitems(vm, u);
  case PICKLE_OP_PERSID: return load_persistent_line(vm, u);
  case PICKLE_OP_BINPERSID: return load_persistent(vm, u, stack_pop(vm, u));
  case PICKLE_OP_REDUCE: return load_reduce(vm, u);
  case PICKLE_OP_PROTO: return load_protocol(vm, u);
  case PICKLE_OP_FRAME: return load_frame(vm, u);
  case PICKLE_OP_EXT1: return load_extension(vm, u, 1);
  case PICKLE_OP_EXT2: return load_extension(vm, u, 2);
  case PICKLE_OP_EXT4: return load_extension(vm, u, 4);
  default: return load_invalid(vm, op);
  }
}

static Ref unpickler_run(VM *vm, Unpickler *u)
{
  u->mark_count = u->fence = 0;
  u->protocol = 0;
  stack_drop_to(vm, u, 0);
  for (;;) {
    const char *p = input_read(vm, u, 1);
    if (!p) {
      if (cd_swallow(vm, cd_as_type(cd_pickle_state(vm)->unpickling_error))) cd_raise(vm, vm->exc.EOFError, "Ran out of input");
      break;
    }
    unsigned char op = (unsigned char)*p;
    if (op == PICKLE_OP_STOP) {
      if (u->read && !input_skip_consumed(vm, u)) break;
      return stack_pop(vm, u);
    }
    if (!load_op(vm, u, op) || !cd_poll(vm)) break;
  }
  return NO_REF;
}

// ---- Unpickler ----

static Ref unpickler_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Unpickler *u = cd_instance_new(vm, type);
  return u ? cd_from_object(u) : NO_REF;
}

static bool unpickler_set_method(VM *vm, Value file, const char *name, Value *out)
{
  Ref interned = cd_intern(vm, name), method = NO_REF;
  if (!interned) return false;
  Find found = cd_getattr_find(vm, file, interned, &method);
  cd_drop(vm, interned);
  if (found == FIND_ERROR) return false;
  cd_replace(vm, out, found == FIND_HIT ? method : NO_REF);
  return true;
}

static bool unpickler_set_file(VM *vm, Unpickler *u, Value file)
{
  if (!unpickler_set_method(vm, file, "peek", &u->peek) || !unpickler_set_method(vm, file, "read", &u->read) ||
      !unpickler_set_method(vm, file, "readline", &u->readline))
    return false;
  if (u->read && u->readline) return true;
  cd_clear(vm, &u->read);
  cd_clear(vm, &u->readline);
  cd_clear(vm, &u->peek);
  return cd_raise_type(vm, "file must have 'read' and 'readline' attributes");
}

static bool unpickler_set_text(VM *vm, const char *function, const char *parameter, Value v, const char *fallback, Value *out)
{
  if (v && !cd_is_str(v)) return cd_raise_arg_type(vm, function, parameter, "str", v);
  Ref text = v ? cd_dup(v) : cd_str_from(vm, fallback);
  cd_replace(vm, out, text);
  return text != NO_REF;
}

static bool unpickler_set_options(VM *vm, Unpickler *u, const char *function, Value fix_imports, Value encoding, Value errors,
                                  Value buffers)
{
  u->fix_imports = true;
  if (fix_imports && !cd_truth(vm, fix_imports, &u->fix_imports)) return false;
  if (!unpickler_set_text(vm, function, "encoding", encoding, "ASCII", &u->encoding) ||
      !unpickler_set_text(vm, function, "errors", errors, "strict", &u->errors))
    return false;
  cd_clear(vm, &u->buffers);
  return !buffers || cd_is_none(buffers) || (u->buffers = cd_iter(vm, buffers));
}

static bool unpickler_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[5];
  Ref owned[2];
  if (!cd_bind_text(vm, "Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())", args, nargs, kwnames, in,
                    owned))
    return false;
  Unpickler *u = unpickler_of(self);
  if (u->loading) return cd_raise_runtime(vm, "Unpickler cannot be initialised while it loads");
  input_release(vm, u);
  if (!unpickler_set_file(vm, u, in[0]) || !unpickler_set_options(vm, u, "Unpickler", in[1], in[2], in[3], in[4])) return false;
  Ref name = cd_intern(vm, "persistent_load");
  bool ok = name && cd_pickle_hook_init(vm, &u->persistent_load, self, name);
  cd_drop(vm, name);
  stack_drop_to(vm, u, 0);
  unpickler_memo_clear(vm, u);
  return ok;
}

static void unpickler_clear(VM *vm, Object *self)
{
  Unpickler *u = (Unpickler *)self;
  stack_drop_to(vm, u, 0);
  unpickler_memo_clear(vm, u);
  input_release(vm, u);
  Value *fields[] = {&u->persistent_load.function, &u->read, &u->readline, &u->peek, &u->buffers};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) cd_clear(vm, fields[i]);
}

static void unpickler_release(VM *vm, Object *self)
{
  Unpickler *u = (Unpickler *)self;
  unpickler_clear(vm, self);
  cd_clear(vm, &u->encoding);
  cd_clear(vm, &u->errors);
  cd_free(vm, u->stack, u->capacity * sizeof(Value));
  cd_free(vm, u->marks, u->mark_capacity * sizeof(size_t));
  cd_free(vm, u->line, u->line_capacity);
  u->stack = NULL;
  u->marks = NULL;
  u->line = NULL;
}

static void unpickler_traverse(Object *self, VisitFn visit, void *context)
{
  Unpickler *u = (Unpickler *)self;
  for (size_t i = 0; i < u->depth; i++) visit(context, u->stack[i]);
  for (size_t i = 0; i < u->memo_size; i++) visit(context, u->memo[i]);
  Value fields[] = {u->persistent_load.function, u->read, u->readline, u->peek, u->buffers, u->window.owner};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) visit(context, fields[i]);
}

METHOD(unpickler, load, "load(self, /)",
       "Load a pickle.\n\nReads one pickle from the file and builds the objects that it describes.")
{
  Unpickler *u = unpickler_of(self);
  if (!u->read) return PICKLE_RAISE(vm, unpickling_error, "Unpickler.__init__() was not called by %T.__init__()", self);
  if (u->loading) return cd_raise_runtime(vm, "Unpickler is loading already");
  u->loading = true;
  Ref keep = cd_dup(self), result = unpickler_run(vm, u);
  u->loading = false;
  cd_drop(vm, keep);
  return result;
}

METHOD(unpickler, find_class, "find_class(self, module_name, global_name, /)",
       "Looks up a class or function in a module,\n\nwhich is imported if need be. A subclass may do it another way (e.g. to decide\nwhat "
       "a pickle may name).\n\nEach class and function in a pickle goes through it.  Both arguments are texts.")
{
  return load_find_global(vm, unpickler_of(self), args[0], args[1]);
}

METHOD(unpickler, __sizeof__, "__sizeof__(self, /)", "Bytes that it takes.")
{
  const Unpickler *u = unpickler_of(self);
  size_t size = cd_type_of(vm, self)->basicsize + u->capacity * sizeof(Value) + u->memo_size * sizeof(Value) +
                u->mark_capacity * sizeof(size_t) + u->line_capacity;
  return cd_from_small((int64_t)size);
}

// ---- Unpickler.memo ----

typedef struct UnpicklerMemo { Object head; Value unpickler; } UnpicklerMemo;    // owned

static inline Unpickler *unpickler_memo_of(Value v) { return unpickler_of(((UnpicklerMemo *)cd_object(v))->unpickler); }
static void unpickler_memo_release(VM *vm, Object *self) { cd_clear(vm, &((UnpicklerMemo *)self)->unpickler); }
static void unpickler_memo_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((UnpicklerMemo *)self)->unpickler); }

static Ref unpickler_memo_dict(VM *vm, const Unpickler *u)
{
  Ref dict = cd_dict_new(vm);
  for (size_t i = 0; dict && i < u->memo_size; i++)
    if (u->memo[i] && !cd_dict_set(vm, dict, cd_from_small((int64_t)i), u->memo[i])) {
      cd_drop(vm, dict);
      return NO_REF;
    }
  return dict;
}

METHOD_DEF_(unpickler_memo_proxy_clear, "clear", "clear(self, /)", "Remove all items from memo.", 0)
{
  unpickler_memo_clear(vm, unpickler_memo_of(self));
  return cd_none();
}

METHOD_DEF_(unpickler_memo_proxy_copy, "copy", "copy(self, /)", "Copy the memo to a new object.", 0)
{
  return unpickler_memo_dict(vm, unpickler_memo_of(self));
}

METHOD_DEF_(unpickler_memo_proxy_reduce, "__reduce__", "__reduce__(self, /)", "Implement pickling support.", 0)
{
  Ref dict = unpickler_memo_dict(vm, unpickler_memo_of(self)), arguments = dict ? cd_tuple1(vm, dict) : NO_REF;
  cd_drop(vm, dict);
  return arguments ? cd_tuple2_steal(vm, cd_dup_object(vm->types.dict), arguments) : NO_REF;
}

static const MethodDef *const unpickler_memo_methods[] = {&unpickler_memo_proxy_clear_def, &unpickler_memo_proxy_copy_def,
                                                          &unpickler_memo_proxy_reduce_def, NULL};

const TypeSpec cd_unpickler_memo_spec = {
  .name = "_pickle.UnpicklerMemoProxy",
  .basicsize = sizeof(UnpicklerMemo),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = unpickler_memo_methods,
  .slots = {.release = unpickler_memo_release, .traverse = unpickler_memo_traverse, .hash = cd_hash_unhashable},
};

static Ref unpickler_get_memo(VM *vm, Value self)
{
  UnpicklerMemo *proxy = cd_object_new(vm, cd_pickle_state(vm)->unpickler_memo, sizeof *proxy);
  if (!proxy) return NO_REF;
  proxy->unpickler = cd_dup(self);
  return cd_from_object(proxy);
}

static bool unpickler_set_memo(VM *vm, Value self, Value value)
{
  Unpickler *u = unpickler_of(self);
  if (!value) return cd_raise_type(vm, "attribute deletion is not supported");
  Ref dict;
  if (cd_is_exact(value, cd_pickle_state(vm)->unpickler_memo)) dict = unpickler_memo_dict(vm, unpickler_memo_of(value));
  else if (cd_is_dict(value)) dict = cd_dup(value);
  else return cd_raise_type(vm, "'memo' attribute must be an UnpicklerMemoProxy object or dict, not %.200T", value);
  if (!dict) return false;
  Value k, v;
  bool ok = true;
  for (size_t i = 0; ok && cd_dict_each(dict, &i, &k, &v);) {
    int64_t index;
    if (!cd_is_int(k)) ok = cd_raise_type(vm, "memo key must be integers");
    else ok = cd_to_ssize(vm, k, &index) && (index >= 0 || cd_raise_value(vm, "memo key must be positive integers."));
  }
  if (ok) unpickler_memo_clear(vm, u);
  for (size_t i = 0; ok && cd_dict_each(dict, &i, &k, &v);) {
    int64_t index;
    ok = cd_to_ssize(vm, k, &index) && unpickler_memo_put(vm, u, (size_t)index, v);
  }
  cd_drop(vm, dict);
  return ok;
}

static Ref unpickler_get_persistent_load(VM *vm, Value self)
{
  Ref hook = cd_pickle_hook_get(vm, &unpickler_of(self)->persistent_load, self);
  return hook || cd_raised(vm) ? hook : cd_raise(vm, vm->exc.AttributeError, "persistent_load");
}

static bool unpickler_set_persistent_load(VM *vm, Value self, Value value)
{
  if (!value) return cd_raise_type(vm, "attribute deletion is not supported");
  if (!cd_is_callable(vm, value)) return cd_raise_type(vm, "persistent_load must be a callable taking one argument");
  PickleHook *hook = &unpickler_of(self)->persistent_load;
  hook->bound = false;
  cd_replace(vm, &hook->function, cd_dup(value));
  return true;
}

static const GetSetDef unpickler_getset[] = {{"memo", NULL, unpickler_get_memo, unpickler_set_memo},
                                             {"persistent_load", NULL, unpickler_get_persistent_load, unpickler_set_persistent_load},
                                             {0}};
static const MethodDef *const unpickler_methods[] = {&unpickler_load_def, &unpickler_find_class_def, &unpickler___sizeof___def, NULL};

const TypeSpec cd_unpickler_spec = {
  .name = "_pickle.Unpickler",
  .doc = "Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())\n--\n\n"
         "Reads pickles from a binary file: any object with read() and readline(). The protocol is recognised.\n\n"
         "encoding and errors say how strings of Python 2 are decoded ('bytes': not at all); fix_imports, whether Python 2's names are\n"
         "translated. buffers is an iterable of the buffers that the pickler left out of the stream.",
  .basicsize = sizeof(Unpickler),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = unpickler_methods,
  .getset = unpickler_getset,
  .slots =
    {.release = unpickler_release, .traverse = unpickler_traverse, .clear = unpickler_clear, .new_ = unpickler_new, .init = unpickler_init},
};

// ---- load and loads ----

METHOD_DEF_(pickle_module_load, "load", "load(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
            "Reads one pickle from a file and returns what it describes.\n\nIt does what Unpickler(file).load() does, without the detour.",
            0)
{
  Ref unpickler = unpickler_new(vm, cd_pickle_state(vm)->unpickler, NULL, 0, NO_VALUE), result = NO_REF;
  if (!unpickler) return NO_REF;
  Unpickler *u = unpickler_of(unpickler);
  if (unpickler_set_file(vm, u, args[0]) && unpickler_set_options(vm, u, "load", args[1], args[2], args[3], args[4]))
    result = unpickler_run(vm, u);
  cd_drop(vm, unpickler);
  return result;
}

METHOD_DEF_(pickle_module_loads, "loads", "loads(data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
            "Returns what the pickle in the data describes.", 0)
{
  Ref unpickler = unpickler_new(vm, cd_pickle_state(vm)->unpickler, NULL, 0, NO_VALUE), result = NO_REF;
  if (!unpickler) return NO_REF;
  Unpickler *u = unpickler_of(unpickler);
  if (input_set(vm, u, args[0]) && unpickler_set_options(vm, u, "loads", args[1], args[2], args[3], args[4])) result = unpickler_run(vm, u);
  cd_drop(vm, unpickler);
  return result;
}

const MethodDef *const cd_pickle_load_functions[2] = {&pickle_module_load_def, &pickle_module_loads_def};
