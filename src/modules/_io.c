// SPDX-License-Identifier: MIT
// _io.c: the module under `io`: open() and the types of io_*.c
#include "modules/io.h"
#include "objects/exception.h"

static bool open_parse_mode(VM *vm, const char *mode, char raw_mode[5], bool *text, bool *binary, bool *updating)
{
  bool seen[128] = {false};
  int bases = 0;
  char *out = raw_mode;
  *text = *binary = *updating = false;
  for (const char *p = mode; *p; p++) {
    unsigned char c = (unsigned char)*p;
    if (c > 127 || !strchr("xrwabt+", *p) || seen[c]) return cd_raise_value(vm, "invalid mode: '%s'", mode);
    seen[c] = true;
    if (strchr("xrwa", *p)) {
      bases++;
      if (bases == 1) *out++ = *p;
    }
  }
  *text = seen['t'];
  *binary = seen['b'];
  *updating = seen['+'];
  if (*updating) *out++ = '+';
  *out = 0;
  if (*text && *binary) return cd_raise_value(vm, "can't have text and binary mode at once");
  if (bases > 1) return cd_raise_value(vm, "must have exactly one of create/read/write/append mode");
  if (bases == 0) return cd_raise_value(vm, "Must have exactly one of create/read/write/append mode and at most one plus");
  return true;
}

static Ref open_raw(VM *vm, Value file, const char *mode, bool close_fd, Value opener)
{
  Ref mode_text = cd_str_from(vm, mode);
  if (!mode_text) return NO_REF;
  Value arguments[4] = {file, mode_text, cd_bool(close_fd), opener ? opener : (Value)cd_none()};
  Ref raw = cd_call(vm, cd_type_value(io_state(vm)->file_io), arguments, 4, NO_VALUE);
  cd_drop(vm, mode_text);
  return raw;
}

static Ref open_buffered(VM *vm, Value raw, const char *mode, bool updating, int64_t size)
{
  IoState *state = io_state(vm);
  Type *type = updating ? state->buffered_random : *mode == 'r' ? state->buffered_reader : state->buffered_writer;
  return cd_call2(vm, cd_type_value(type), raw, cd_from_small(size));
}

static Ref open_text(VM *vm, Value buffer, Value encoding, Value errors, Value newline, bool line_buffering, const char *mode)
{
  Value none = cd_none(),
        arguments[5] = {buffer, encoding ? encoding : none, errors ? errors : none, newline ? newline : none, cd_bool(line_buffering)};
  Ref text = cd_call(vm, cd_type_value(io_state(vm)->text_wrapper), arguments, 5, NO_VALUE), name;
  if (!text) return NO_REF;
  if (!(name = cd_str_from(vm, mode)) || !cd_io_set_own(vm, text, io_state(vm)->text_wrapper, N(mode), name)) {
    cd_drop(vm, name);
    cd_drop(vm, text);
    return NO_REF;
  }
  cd_drop(vm, name);
  return text;
}

// Closes a stream after an error of a later step, keeping that error.
static void open_abandon(VM *vm, Value stream)
{
  Ref error = cd_take_raised(vm), closed = cd_call_method0(vm, stream, N(close));
  if (closed) {
    cd_drop(vm, closed);
    cd_restore_raised(vm, error);
  } else cd_chain_context(vm, error);
}

static bool given(Value v) { return v && !cd_is_none(v); }

Ref cd_io_open(VM *vm, Value file, const char *mode, int64_t buffering, Value encoding, Value errors, Value newline, bool close_fd,
               Value opener)
{
  char raw_mode[5];
  bool text, binary, updating, tty = false;
  if (!open_parse_mode(vm, mode, raw_mode, &text, &binary, &updating)) return NO_REF;
  if (binary && given(encoding)) return cd_raise_value(vm, "binary mode doesn't take an encoding argument");
  if (binary && given(errors)) return cd_raise_value(vm, "binary mode doesn't take an errors argument");
  if (binary && given(newline)) return cd_raise_value(vm, "binary mode doesn't take a newline argument");
  if (binary && buffering == 1 &&
      !cd_warn(vm, vm->exc.RuntimeWarning, 1,
               "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used"))
    return NO_REF;
  Ref raw = open_raw(vm, file, raw_mode, close_fd, opener), buffer, result;
  if (!raw) return NO_REF;
  if (buffering < 0 && !cd_io_known(vm, raw, IO_ISATTY, &tty)) {
    Ref answer = cd_io_forward(vm, raw, IO_ISATTY);
    if (!answer) goto fail_raw;
    tty = cd_is_true(answer);
    cd_drop(vm, answer);
  }
  bool line_buffering = !binary && (buffering == 1 || tty);
  if (buffering < 0 || buffering == 1)
    buffering = ((FileIo *)cd_object(raw))->block_size > 1 ? ((FileIo *)cd_object(raw))->block_size : IO_BUFFER_SIZE;
  if (buffering == 0) {
    if (binary) return raw;
    cd_raise_value(vm, "can't have unbuffered text I/O");
    goto fail_raw;
  }
  if (!(buffer = open_buffered(vm, raw, raw_mode, updating, buffering))) goto fail_raw;
  cd_drop(vm, raw);
  if (binary) return buffer;
  result = open_text(vm, buffer, encoding, errors, newline, line_buffering, mode);
  if (!result) open_abandon(vm, buffer);
  cd_drop(vm, buffer);
  return result;

fail_raw:
  open_abandon(vm, raw);
  cd_drop(vm, raw);
  return NO_REF;
}

FUNCTION(_io, open, "open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
         "Open a file and give a stream: text by default, bytes with 'b' in mode.")
{
  int64_t buffering = -1;
  bool close_fd = true;
  static const char *const names[] = {"file", "mode", "buffering", "encoding", "errors", "newline"};
  if (args[1] && !cd_is_str(args[1])) return cd_raise_type(vm, "open() argument 'mode' must be str, not %T", args[1]);
  for (int i = 3; i <= 5; i++)
    if (given(args[i]) && !cd_is_str(args[i]))
      return cd_raise_type(vm, "open() argument '%s' must be str or None, not %T", names[i], args[i]);
  if (args[2] && !cd_to_i64(vm, args[2], &buffering, vm->exc.OverflowError)) return NO_REF;
  if (args[6] && !cd_truth(vm, args[6], &close_fd)) return NO_REF;
  if (buffering < -1) return cd_raise_value(vm, "invalid buffering size");
  Ref path = cd_is_int(args[0]) ? cd_dup(args[0]) : NO_REF;
  if (!path) {                                   // os.fspath, so that the stream's name is what the caller can print
    if (cd_is_str(args[0]) || cd_is_bytes(args[0])) path = cd_dup(args[0]);
    else {
      Ref method = NO_REF;
      Find found = cd_lookup_special(vm, args[0], N(__fspath__), &method);
      if (found == FIND_ERROR) return NO_REF;
      if (found == FIND_MISSING) {
        Ref index = cd_index(vm, args[0]);
        if (!index) {
          cd_clear_raised(vm);
          return cd_raise_type(vm, "expected str, bytes or os.PathLike object, not %T", args[0]);
        }
        path = index;
      } else {
        path = cd_call0(vm, method);
        cd_drop(vm, method);
        if (path && !cd_is_str(path) && !cd_is_bytes(path)) {
          cd_raise_type(vm, "expected %T.__fspath__() to return str or bytes, not %T", args[0], path);
          cd_drop(vm, path);
          return NO_REF;
        }
      }
      if (!path) return NO_REF;
    }
  }
  Ref stream = cd_io_open(vm, path, args[1] ? cd_str_data(args[1]) : "r", buffering, args[3], args[4], args[5], close_fd, args[7]);
  cd_drop(vm, path);
  return stream;
}

FUNCTION(_io, open_code, "open_code(path)", "Open a file that holds code, for reading bytes.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "open_code() argument 'path' must be str, not %T", args[0]);
  return cd_io_open(vm, args[0], "rb", -1, NO_VALUE, NO_VALUE, NO_VALUE, true, NO_VALUE);
}

FUNCTION(_io, text_encoding, "text_encoding(encoding, stacklevel=2, /)",
         "encoding itself, or the default's name when it is None (PEP 597).")
{
  int stacklevel = 2;
  if (args[1] && !cd_to_c_int(vm, args[1], &stacklevel)) return NO_REF;
  if (given(args[0])) return cd_dup(args[0]);
  if (vm->config.warn_default_encoding && !cd_warn(vm, vm->exc.EncodingWarning, stacklevel, "'encoding' argument not specified"))
    return NO_REF;
  return cd_str_from(vm, vm->config.utf8_mode ? "utf-8" : "locale");
}

// ---- the module ----

// ORDER: io_names
static const char *const io_name_texts[IO_NAME_COUNT] = {
  "readinto", "readall", "readable", "writable", "seekable", "closed", "fileno", "isatty", "read1", "truncate", "peek",
  "newlines", "setstate", "getstate", "reset", "raw", "buffer", "_dealloc_warn", "readinto1", "writelines", "detach", "_finalizing"};

static bool io_add_types(VM *vm, Value module, IoState *state)
{
  const struct { Type **slot; const TypeSpec *spec; Type **base; bool hidden; } types[] = {
    {&state->io_base, &cd_io_base_spec, NULL, false},
    {&state->raw_base, &cd_io_raw_base_spec, &state->io_base, false},
    {&state->buffered_base, &cd_io_buffered_base_spec, &state->io_base, false},
    {&state->text_base, &cd_io_text_base_spec, &state->io_base, false},
    {&state->file_io, &cd_io_file_spec, &state->raw_base, false},
    {&state->bytes_io, &cd_io_bytes_spec, &state->buffered_base, false},
    {&state->bytes_io_buffer, &cd_io_bytes_buffer_spec, NULL, true},
    {&state->string_io, &cd_io_string_spec, &state->text_base, false},
    {&state->buffered_reader, &cd_io_reader_spec, &state->buffered_base, false},
    {&state->buffered_writer, &cd_io_writer_spec, &state->buffered_base, false},
    {&state->buffered_random, &cd_io_random_spec, &state->buffered_base, false},
    {&state->buffered_pair, &cd_io_pair_spec, &state->buffered_base, false},
    {&state->text_wrapper, &cd_io_text_spec, &state->text_base, false},
    {&state->newline_decoder, &cd_io_newline_decoder_spec, NULL, false},
  };
  for (size_t i = 0; i < ARRAY_LEN(types); i++) {
    Ref bases = types[i].base ? cd_tuple1(vm, cd_type_value(*types[i].base)) : NO_REF;
    if (types[i].base && !bases) return false;
    *types[i].slot = types[i].hidden ? cd_type_from_spec(vm, types[i].spec, bases) : cd_module_add_type(vm, module, types[i].spec, bases);
    cd_drop(vm, bases);
    if (!*types[i].slot) return false;
    if (!types[i].hidden) cd_dup_object(*types[i].slot);
  }
  return true;
}

// Text before bytes, new before old, as streams are stacked.
static void io_flush_type(VM *vm, Type *type)
{
  for (uint32_t i = vm->gc.count; i-- > 0;) {
    if (i >= vm->gc.count || !cd_type_is_subtype(vm->gc.objects[i]->type, type)) continue;
    Ref stream = cd_dup_object(vm->gc.objects[i]), result = cd_call_method0(vm, stream, N(flush));
    cd_drop(vm, result);
    cd_clear_raised(vm);                         // closed, or its file is full: the program did not wait to hear of it
    cd_drop(vm, stream);
  }
}

void cd_io_flush_all(VM *vm)
{
  IoState *state = io_state(vm);
  if (!state || !state->text_wrapper) return;
  Ref raised = cd_take_raised(vm);
  io_flush_type(vm, state->text_wrapper);
  io_flush_type(vm, state->buffered_writer);
  io_flush_type(vm, state->buffered_random);
  if (raised) cd_restore_raised(vm, raised);
}

// class UnsupportedOperation(OSError, ValueError), made when it is first needed: it looks through the dicts of many types.
Value cd_io_unsupported_type(VM *vm)
{
  IoState *state = io_state(vm);
  if (!state->unsupported) {
    Ref bases = cd_tuple2(vm, cd_type_value(vm->exc.OSError), cd_type_value(vm->exc.ValueError));
    state->unsupported = bases ? cd_exception_type_new(vm, "io.UnsupportedOperation", NULL, bases) : NO_REF;
    cd_drop(vm, bases);
  }
  return state->unsupported;
}

static bool io_complete(VM *vm, Value module)
{
  static const char name[] = "UnsupportedOperation";
  if (cd_dict_get_text_borrow(vm, cd_module_dict(module), name)) return true;
  Value type = cd_io_unsupported_type(vm);
  return type && cd_module_add(vm, module, name, cd_dup(type));
}

static bool io_exec(VM *vm, Value module)
{
  IoState *state = io_state(vm);
  for (int i = 0; i < IO_NAME_COUNT; i++)
    if (!state->names[i] && !(state->names[i] = cd_intern(vm, io_name_texts[i]))) return false;
  ((Module *)cd_object(module))->complete = io_complete;
  return io_add_types(vm, module, state) &&
         cd_module_add(vm, module, "BlockingIOError", cd_dup_object(vm->exc.BlockingIOError)) &&
         cd_module_add_int(vm, module, "DEFAULT_BUFFER_SIZE", IO_BUFFER_SIZE);
}

static void io_traverse(void *data, VisitFn visit, void *context)
{
  IoState *state = data;
  visit(context, state->unsupported);
}
static void io_clear(VM *vm, void *data)
{
  IoState *state = data;
  Type **types[] = {&state->text_wrapper,    &state->newline_decoder, &state->buffered_pair, &state->buffered_random,
                    &state->buffered_writer, &state->buffered_reader, &state->string_io,     &state->bytes_io_buffer,
                    &state->bytes_io,        &state->file_io,         &state->text_base,     &state->buffered_base,
                    &state->raw_base,        &state->io_base};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) {
    Type *type = *types[i];
    *types[i] = NULL;
    cd_drop_object(vm, type);
  }
  cd_clear(vm, &state->unsupported);
  for (int i = 0; i < IO_NAME_COUNT; i++) cd_clear(vm, &state->names[i]);
}

static const MethodDef *const io_functions[] = {&_io_open_def, &_io_open_code_def, &_io_text_encoding_def, NULL};
const ModuleDef cd_module__io = {"_io",   "Streams in C: the engine of the io module.", io_functions, sizeof(IoState), io_exec, io_traverse,
                                 io_clear};
