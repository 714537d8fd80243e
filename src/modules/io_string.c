// SPDX-License-Identifier: MIT
// io_string.c: StringIO: a text stream in memory
#include "modules/io.h"
#include "base/utf8.h"

// Text is kept in one of two forms. While it is only written at its end: a TextBuilder (`growing`). As soon as it is read or the position
// moves: an array of code points. Positions are code points.
typedef struct StringIo {
  IoBase base;
  TextBuilder text;                              // when growing
  uint32_t *chars;                               // else: `capacity` of them
  size_t size, capacity, position;
  bool growing, closed, initialised;
  bool universal, translate;                     // reading: any line end counts; is made '\n'
  char newline[3];                               // line end when not universal
  const char *write_newline;                     // what '\n' becomes, or NULL
  bool newline_none;                             // newline=None was given
  int seen;
} StringIo;

static StringIo *as_string_io(Value self) { return (StringIo *)cd_object(self); }

static bool string_io_usable(VM *vm, StringIo *io)
{
  if (!io->initialised) return cd_raise_value(vm, "I/O operation on uninitialized object");
  return !io->closed || cd_raise_value(vm, "I/O operation on closed file");
}

static bool string_io_reserve(VM *vm, StringIo *io, size_t size)
{
  if (size <= io->capacity) return true;
  if (size > SIZE_MAX / 8) return cd_raise_overflow(vm, "new buffer size too large");
  size_t capacity = size + (size >> 3) + 32;
  uint32_t *chars = cd_realloc(vm, io->chars, io->capacity * sizeof *chars, capacity * sizeof *chars);
  if (!chars) return false;
  io->chars = chars;
  io->capacity = capacity;
  return true;
}

// From builder to array.
static bool string_io_realize(VM *vm, StringIo *io)
{
  if (!io->growing) return true;
  if (!string_io_reserve(vm, io, io->text.length)) return false;
  const char *p = io->text.data;
  for (size_t i = 0; i < io->text.length; i++) io->chars[i] = cd_utf8_next(&p);
  io->size = io->text.length;
  io->growing = false;
  cd_text_clear(&io->text);
  return true;
}

static bool string_io_put_chars(VM *vm, StringIo *io, Value text)
{
  size_t count = cd_str_length(text), end;
  if (__builtin_add_overflow(io->position, count, &end)) return cd_raise_overflow(vm, "new position too large");
  if (!string_io_reserve(vm, io, end)) return false;
  while (io->size < io->position) io->chars[io->size++] = 0;
  const char *p = cd_str_data(text);
  for (size_t i = 0; i < count; i++) io->chars[io->position + i] = cd_utf8_next(&p);
  io->position = end;
  if (end > io->size) io->size = end;
  return true;
}

static bool string_io_put(VM *vm, StringIo *io, Value text)
{
  Ref translated = NO_REF;
  bool pending = false;
  if (io->universal && !(translated = cd_io_translate_newlines(vm, text, io->translate, true, &pending, &io->seen))) return false;
  if (io->write_newline) {
    Ref newline = cd_str_from(vm, io->write_newline), lf = cd_str_from(vm, "\n");
    Value arguments[2] = {lf, newline};
    Ref replaced = newline && lf ? cd_call_method(vm, translated ? translated : (Ref)text, N(replace), arguments, 2) : NO_REF;
    cd_drop(vm, newline);
    cd_drop(vm, lf);
    cd_drop(vm, translated);
    if (!replaced) return false;
    translated = replaced;
  }
  Value final = translated ? (Value)translated : text;
  bool ok;
  if (io->growing && io->position == io->text.length) {
    ok = cd_text_str(&io->text, final);
    if (ok) io->position = io->text.length;
  } else ok = string_io_realize(vm, io) && string_io_put_chars(vm, io, final);
  cd_drop(vm, translated);
  return ok;
}

static Ref string_io_from_chars(VM *vm, const uint32_t *chars, size_t count)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  for (size_t i = 0; i < count; i++)
    if (!cd_text_char(&text, chars[i])) {
      cd_text_clear(&text);
      return NO_REF;
    }
  return cd_text_finish(&text);
}

static Ref string_io_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  StringIo *io = cd_instance_new(vm, type);
  if (!io) return NO_REF;
  cd_text_init(&io->text, vm);
  io->growing = true;
  return cd_from_object(io);
}

// Checks a newline argument of StringIO and TextIOWrapper.
static bool string_io_check_newline(VM *vm, Value newline)
{
  if (cd_is_none(newline)) return true;
  if (!cd_is_str(newline)) return cd_raise_type(vm, "newline must be str or None, not %T", newline);
  const char *text = cd_str_data(newline);
  if (!*text || !strcmp(text, "\n") || !strcmp(text, "\r") || !strcmp(text, "\r\n")) return true;
  return cd_raise_value(vm, "illegal newline value: %R", newline);
}

static bool string_io_setup(VM *vm, StringIo *io, Value initial, Value newline)
{
  if (newline && !string_io_check_newline(vm, newline)) return false;
  if (initial && !cd_is_none(initial) && !cd_is_str(initial))
    return cd_raise_type(vm, "initial_value must be str or None, not %T", initial);
  const char *text = !newline ? "\n" : cd_is_none(newline) ? NULL : cd_str_data(newline);
  cd_text_clear(&io->text);
  cd_text_init(&io->text, vm);
  io->growing = true;
  io->size = io->position = 0;
  io->seen = 0;
  io->closed = false;
  io->newline_none = !text;
  io->universal = !text || !*text;
  io->translate = !text;
  strcpy(io->newline, text && *text ? text : "\n");
  io->write_newline = text && *text == '\r' ? io->newline : NULL;
  io->initialised = true;
  if (initial && !cd_is_none(initial) && !string_io_put(vm, io, initial)) return false;
  io->position = 0;
  return true;
}

static bool string_io_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[2];
  Ref owned[2] = {NO_REF, NO_REF};
  as_string_io(self)->initialised = false;
  if (!cd_bind_text(vm, "StringIO(initial_value='', newline='\\n')", args, nargs, kwnames, bound, owned)) return false;
  return string_io_setup(vm, as_string_io(self), bound[0], bound[1]);
}

static void string_io_release(VM *vm, Object *self)
{
  StringIo *io = (StringIo *)self;
  cd_text_clear(&io->text);
  cd_free(vm, io->chars, io->capacity * sizeof *io->chars);
  io->chars = NULL;
  io->capacity = io->size = 0;
}

METHOD(stringio, getvalue, "getvalue(self, /)", "All text, wherever the position is.")
{
  StringIo *io = as_string_io(self);
  if (!string_io_usable(vm, io)) return NO_REF;
  return io->growing ? cd_str_known(vm, io->text.size ? io->text.data : "", io->text.size, io->text.length)
                     : string_io_from_chars(vm, io->chars, io->size);
}

static Ref string_io_take(VM *vm, StringIo *io, size_t count)
{
  Ref result = string_io_from_chars(vm, io->chars + io->position, count);
  if (result) io->position += count;
  return result;
}

METHOD(stringio, read, "read(self, size=-1, /)", "Up to size characters; all that is left when size is negative or None.")
{
  StringIo *io = as_string_io(self);
  int64_t size;
  if (!string_io_usable(vm, io) || !cd_io_size(vm, args[0], &size)) return NO_REF;
  if (io->growing && size < 0 && io->position == 0) {
    Ref all = stringio_getvalue(vm, self, NULL);
    if (all) io->position = io->text.length;
    return all;
  }
  if (!string_io_realize(vm, io)) return NO_REF;
  size_t left = io->position < io->size ? io->size - io->position : 0;
  return left ? string_io_take(vm, io, size < 0 || (size_t)size > left ? left : (size_t)size) : cd_str_new(vm, "", 0);
}

static size_t string_io_line(const StringIo *io, int64_t limit)
{
  size_t left = io->position < io->size ? io->size - io->position : 0;
  if (limit >= 0 && (size_t)limit < left) left = (size_t)limit;
  const uint32_t *p = io->chars + io->position;
  size_t newline_size = strlen(io->newline);
  for (size_t i = 0; i < left; i++) {
    if (io->universal && !io->translate) {
      if (p[i] == '\n') return i + 1;
      if (p[i] == '\r') return i + 1 < left && p[i + 1] == '\n' ? i + 2 : i + 1;
    } else if (io->translate || newline_size == 1) {
      if (p[i] == (uint32_t)(io->translate ? '\n' : io->newline[0])) return i + 1;
    } else if (p[i] == '\r' && i + 1 < left && p[i + 1] == '\n') return i + 2;
  }
  return left;
}

METHOD(stringio, readline, "readline(self, size=-1, /)", "One line; the empty string at the end.")
{
  StringIo *io = as_string_io(self);
  int64_t limit;
  if (!string_io_usable(vm, io) || !cd_io_size(vm, args[0], &limit) || !string_io_realize(vm, io)) return NO_REF;
  size_t count = string_io_line(io, limit);
  return count ? string_io_take(vm, io, count) : cd_str_new(vm, "", 0);
}

METHOD(stringio, write, "write(self, s, /)", "Write a str at the position; the number of its characters.")
{
  StringIo *io = as_string_io(self);
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "string argument expected, got '%T'", args[0]);
  if (!string_io_usable(vm, io)) return NO_REF;
  size_t count = cd_str_length(args[0]);
  return !count || string_io_put(vm, io, args[0]) ? cd_from_small((int64_t)count) : NO_REF;
}

METHOD(stringio, tell, "tell(self, /)", "The position.")
{
  return string_io_usable(vm, as_string_io(self)) ? cd_int_from_i64(vm, (int64_t)as_string_io(self)->position) : NO_REF;
}

METHOD(stringio, seek, "seek(self, pos, whence=0, /)", "Move the position: from the start, or with pos 0 to here (1) or the end (2).")
{
  StringIo *io = as_string_io(self);
  int64_t offset;
  int whence = 0;
  if (!string_io_usable(vm, io)) return NO_REF;
  if (!cd_to_i64(vm, args[0], &offset, vm->exc.OverflowError) || (args[1] && !cd_to_c_int(vm, args[1], &whence))) return NO_REF;
  if (whence < 0 || whence > 2) return cd_raise_value(vm, "Invalid whence (%i, should be 0, 1 or 2)", whence);
  if (offset < 0 && whence == 0) return cd_raise_value(vm, "Negative seek position %lld", (long long)offset);
  if (whence && offset) return cd_raise(vm, vm->exc.OSError, "Can't do nonzero cur-relative seeks");
  if (whence == 1) offset = (int64_t)io->position;
  if (whence == 2) offset = (int64_t)(io->growing ? io->text.length : io->size);
  io->position = (size_t)offset;
  return cd_int_from_i64(vm, offset);
}

METHOD(stringio, truncate, "truncate(self, pos=None, /)", "Cut to pos characters, by default at the position, which stays.")
{
  StringIo *io = as_string_io(self);
  if (!string_io_usable(vm, io)) return NO_REF;
  int64_t size = (int64_t)io->position;
  if (args[0] && !cd_is_none(args[0])) {
    if (!cd_io_size(vm, args[0], &size)) return NO_REF;
    if (size < 0) return cd_raise_value(vm, "Negative size value %lld", (long long)size);
  }
  if (!string_io_realize(vm, io)) return NO_REF;
  if ((uint64_t)size < io->size) io->size = (size_t)size;
  return cd_int_from_i64(vm, size);
}

METHOD(stringio, close, "close(self, /)", "Free the text; nothing can be done afterwards.")
{
  StringIo *io = as_string_io(self);
  string_io_release(vm, &io->base.head);
  io->closed = io->base.base_closed = true;
  io->growing = false;
  return cd_none();
}

static Ref string_io_yes(VM *vm, Value self) { return string_io_usable(vm, as_string_io(self)) ? cd_true() : NO_REF; }
METHOD(stringio, readable, "readable(self, /)", "True.")
{
  return string_io_yes(vm, self);
}
METHOD(stringio, writable, "writable(self, /)", "True.")
{
  return string_io_yes(vm, self);
}
METHOD(stringio, seekable, "seekable(self, /)", "True.")
{
  return string_io_yes(vm, self);
}

METHOD(stringio, __getstate__, "__getstate__(self, /)", "State for pickle: text, newline, position, attributes.")
{
  StringIo *io = as_string_io(self);
  if (!string_io_usable(vm, io)) return NO_REF;
  AttributeHead *attributes = cd_attributes(&io->base.head);
  Ref items[4] = {stringio_getvalue(vm, self, NULL),
                  io->newline_none ? cd_none() : io->universal ? cd_str_new(vm, "", 0) : cd_str_from(vm, io->newline),
                  cd_int_from_i64(vm, (int64_t)io->position),
                  attributes->shape || attributes->dict ? cd_instance_dict_copy(vm, &io->base.head) : cd_none()};
  Ref state = items[0] && items[1] && items[2] && items[3] ? cd_tuple_of(vm, 4, (const Value *)items) : NO_REF;
  for (int i = 0; i < 4; i++) cd_drop(vm, items[i]);
  return state;
}

METHOD(stringio, __setstate__, "__setstate__(self, state, /)", "Restore what __getstate__ gave.")
{
  StringIo *io = as_string_io(self);
  Value state = args[0];
  int64_t position;
  if (!cd_is_tuple(state) || cd_tuple_size(state) < 4)
    return cd_raise_type(vm, "%T.__setstate__ argument should be 4-tuple, got %T", self, state);
  // The text was translated when it was written; it must not be translated again.
  if (!string_io_setup(vm, io, NO_VALUE, cd_tuple_item_borrow(state, 1))) return NO_REF;
  Value text = cd_tuple_item_borrow(state, 0);
  if (!cd_is_str(text)) return cd_raise_type(vm, "first item of state must be str, not %T", text);
  if (!cd_text_str(&io->text, text)) return NO_REF;
  Value at = cd_tuple_item_borrow(state, 2), dict = cd_tuple_item_borrow(state, 3), name, value;
  if (!cd_is_int(at)) return cd_raise_type(vm, "third item of state must be an integer, got %T", at);
  if (!cd_to_i64(vm, at, &position, vm->exc.OverflowError)) return NO_REF;
  if (position < 0) return cd_raise_value(vm, "position value cannot be negative");
  io->position = (size_t)position;
  if (cd_is_none(dict)) return cd_none();
  if (!cd_is_dict(dict)) return cd_raise_type(vm, "fourth item of state should be a dict, got a %T", dict);
  for (size_t i = 0; cd_dict_each(dict, &i, &name, &value);)
    if (!cd_instance_set(vm, cd_object(self), name, value)) return NO_REF;
  return cd_none();
}

static Ref stringio_get_closed(VM *vm, Value self)
{
  return as_string_io(self)->initialised ? cd_bool(as_string_io(self)->closed)
                                         : cd_raise_value(vm, "I/O operation on uninitialized object");
}
static Ref stringio_get_line_buffering(VM *vm, Value self) { return string_io_usable(vm, as_string_io(self)) ? cd_false() : NO_REF; }
static Ref stringio_get_newlines(VM *vm, Value self)
{
  return string_io_usable(vm, as_string_io(self)) ? cd_io_newlines_value(vm, as_string_io(self)->seen) : NO_REF;
}

static Next string_io_next(VM *vm, Value self, Ref *out)
{
  StringIo *io = as_string_io(self);
  if (!string_io_usable(vm, io)) return NEXT_ERROR;
  if (cd_object(self)->type != io_state(vm)->string_io) {
    Ref line = cd_call_method0(vm, self, N(readline));
    if (!line) return NEXT_ERROR;
    if (!cd_is_str(line)) {
      cd_raise(vm, vm->exc.OSError, "readline() should have returned an str object, not '%T'", line);
      cd_drop(vm, line);
      return NEXT_ERROR;
    }
    if (cd_str_size(line)) { *out = line; return NEXT_ITEM; }
    cd_drop(vm, line);
    return NEXT_DONE;
  }
  if (!string_io_realize(vm, io)) return NEXT_ERROR;
  size_t count = string_io_line(io, -1);
  if (!count) return NEXT_DONE;
  return (*out = string_io_take(vm, io, count)) ? NEXT_ITEM : NEXT_ERROR;
}
static Ref string_io_iter(VM *vm, Value self) { return string_io_usable(vm, as_string_io(self)) ? cd_dup(self) : NO_REF; }

static const MethodDef *const stringio_methods[] = {&stringio_getvalue_def,     &stringio_read_def,
                                                    &stringio_readline_def,     &stringio_write_def,
                                                    &stringio_tell_def,         &stringio_seek_def,
                                                    &stringio_truncate_def,     &stringio_close_def,
                                                    &stringio_readable_def,     &stringio_writable_def,
                                                    &stringio_seekable_def,     &stringio___getstate___def,
                                                    &stringio___setstate___def, NULL};
static const GetSetDef stringio_getset[] = {{"closed", "Is the stream closed?", stringio_get_closed, NULL},
                                            {"newlines", "Line ends seen so far.", stringio_get_newlines, NULL},
                                            {"line_buffering", "False.", stringio_get_line_buffering, NULL},
                                            {NULL, NULL, NULL, NULL}};
const TypeSpec cd_io_string_spec = {
  .name = "_io.StringIO", .doc = "StringIO(initial_value='', newline='\\n')\n--\n\nA text stream in memory.", .basicsize = sizeof(StringIo),
  .flags = IO_BASE_TYPE_FLAGS, IO_BASE_OFFSETS, .methods = stringio_methods, .getset = stringio_getset,
  .slots = {.new_ = string_io_new, .init = string_io_init, .release = string_io_release, .iter = string_io_iter, .next = string_io_next}};
