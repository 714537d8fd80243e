// SPDX-License-Identifier: MIT
// io_text.c: TextIOWrapper: characters over a buffered byte stream
#include "modules/io.h"
#include "base/utf8.h"

#include <langinfo.h>

// Encodings that need no codec objects. Everything else goes through codecs' incremental encoders and decoders.
typedef enum { CODEC_OBJECT, CODEC_UTF8, CODEC_ASCII, CODEC_LATIN1 } TextCodec;

// Reading: bytes come in chunks from `buffer`, are decoded, and the text waits in `decoded` from byte offset `used` on. For tell(), the
// decoder's state before the chunk (snapshot_flags, and pending bytes at the head of snapshot_input) and the chunk itself are kept.
// Writing: encoded bytes wait in `pending` until chunk_size is passed, a flush, or a newline when line buffered.
typedef struct TextIo {
  IoBase base;
  Value buffer;                                  // owned
  Value encoding, errors;                        // owned str
  Value encoder, decoder;                        // owned; only with CODEC_OBJECT; NO_VALUE when that way is not there
  Value decoded;                                 // owned str or NO_VALUE
  size_t used;                                   // bytes of decoded already handed out
  Value snapshot_input;                          // owned bytes or NO_VALUE: no snapshot
  int64_t snapshot_flags;
  char *pending;
  size_t pending_size, pending_capacity;
  size_t chunk_size;
  TextCodec codec;
  char undecoded[4];                             // native UTF-8: head of a sequence that continues in the next chunk
  uint8_t undecoded_size;
  bool initialised, detached, readable, writable, seekable, telling, has_read1, line_buffering, write_through, finalizing, next_called;
  bool universal, translate, pending_cr;
  bool encoding_start;                           // the next write is at the file's start: write a byte order mark
  int seen;
  char newline[3];                               // line end when not universal
  char write_newline[3];                         // what '\n' becomes when writing; "" as it is
  bool newline_none;
} TextIo;

static TextIo *as_text_io(Value self) { return (TextIo *)cd_object(self); }

static bool text_usable(VM *vm, TextIo *t)
{
  if (t->initialised) return true;
  return cd_raise_value(vm, t->detached ? "underlying buffer has been detached" : "I/O operation on uninitialized object");
}
static bool text_open(VM *vm, TextIo *t)
{
  if (!text_usable(vm, t)) return false;
  return cd_io_check_closed(vm, t->buffer);
}

// ---- choosing codecs ----

static TextCodec text_native_codec(const char *name)
{
  char plain[24];
  size_t n = 0;
  for (; *name && n < sizeof plain - 1; name++)
    if (*name != '-' && *name != '_' && *name != ' ') plain[n++] = (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
  plain[n] = 0;
  if (*name) return CODEC_OBJECT;
  if (!strcmp(plain, "utf8") || !strcmp(plain, "u8")) return CODEC_UTF8;
  if (!strcmp(plain, "ascii") || !strcmp(plain, "usascii") || !strcmp(plain, "646")) return CODEC_ASCII;
  if (!strcmp(plain, "latin1") || !strcmp(plain, "iso88591") || !strcmp(plain, "latin") || !strcmp(plain, "l1") || !strcmp(plain, "8859"))
    return CODEC_LATIN1;
  return CODEC_OBJECT;
}

// codecs.lookup(encoding), refused if it is not for text.
static Ref text_codec_info(VM *vm, Value encoding, const char *alternative)
{
  Ref lookup = cd_import_attr(vm, "_codecs", "lookup"), info = lookup ? cd_call1(vm, lookup, encoding) : NO_REF, flag = NO_REF;
  cd_drop(vm, lookup);
  if (!info) return NO_REF;
  Ref name = cd_intern(vm, "_is_text_encoding");
  Find found = name ? cd_getattr_find(vm, info, name, &flag) : FIND_ERROR;
  cd_drop(vm, name);
  bool is_text = true;
  if (found == FIND_ERROR || (found == FIND_HIT && !cd_truth(vm, flag, &is_text))) goto fail;
  cd_drop(vm, flag);
  flag = NO_REF;
  if (is_text) return info;
  cd_raise(vm, vm->exc.LookupError, "'%U' is not a text encoding; use %s to handle arbitrary codecs", encoding, alternative);
fail:
  cd_drop(vm, flag);
  cd_drop(vm, info);
  return NO_REF;
}

static Ref text_make_coder(VM *vm, Value info, const char *which, Value errors)
{
  Ref factory = cd_getattr_text(vm, info, which), coder = factory ? cd_call1(vm, factory, errors) : NO_REF;
  cd_drop(vm, factory);
  return coder;
}

static bool text_set_codec(VM *vm, TextIo *t, Value encoding, Value errors)
{
  const char *name = cd_str_utf8(vm, encoding, NULL);
  if (!name) return false;
  if (strlen(name) != cd_str_size(encoding)) return cd_raise_value(vm, "embedded null character");
  TextCodec codec = text_native_codec(name);
  Ref encoder = NO_REF, decoder = NO_REF;
  if (codec == CODEC_OBJECT) {
    Ref info = text_codec_info(vm, encoding, "codecs.open()");
    if (!info) return false;
    if ((t->writable && !(encoder = text_make_coder(vm, info, "incrementalencoder", errors))) ||
        (t->readable && !(decoder = text_make_coder(vm, info, "incrementaldecoder", errors)))) {
      cd_drop(vm, encoder);
      cd_drop(vm, info);
      return false;
    }
    cd_drop(vm, info);
  }
  t->codec = codec;
  cd_replace(vm, &t->encoder, encoder);
  cd_replace(vm, &t->decoder, decoder);
  cd_replace(vm, &t->encoding, cd_dup(encoding));
  cd_replace(vm, &t->errors, cd_dup(errors));
  return true;
}

static bool text_set_newline(VM *vm, TextIo *t, Value newline)
{
  if (newline && !cd_is_none(newline) && !cd_is_str(newline)) return cd_raise_type(vm, "newline must be str or None, not %T", newline);
  const char *text = newline && !cd_is_none(newline) ? cd_str_data(newline) : NULL;
  if (text && *text && strcmp(text, "\n") && strcmp(text, "\r") && strcmp(text, "\r\n"))
    return cd_raise_value(vm, "illegal newline value: %U", newline);
  t->newline_none = !text;
  t->universal = !text || !*text;
  t->translate = !text;
  strcpy(t->newline, text && *text ? text : "\n");
  strcpy(t->write_newline, text && *text == '\r' ? text : "");
  return true;
}

// With encoders such as utf-16, writing in the middle of a file must not start with a byte order mark again.
static bool text_fix_encoder(VM *vm, TextIo *t)
{
  t->encoding_start = true;
  if (!t->seekable || !t->encoder) return true;
  Ref at = cd_call_method0(vm, t->buffer, N(tell));
  if (!at) return false;
  bool start = cd_is(at, cd_from_small(0));
  cd_drop(vm, at);
  t->encoding_start = start;
  if (start) return true;
  Ref done = cd_call_method1(vm, t->encoder, io_name(vm, IO_SETSTATE), cd_from_small(0));
  cd_drop(vm, done);
  return done != NO_REF;
}

static bool text_ask(VM *vm, Value stream, int name, bool *out)
{
  if (cd_io_known(vm, stream, name, out)) return true;
  Ref answer = cd_io_forward(vm, stream, name);
  if (!answer) return false;
  bool ok = cd_truth(vm, answer, out);
  cd_drop(vm, answer);
  return ok;
}

static Ref text_default_encoding(VM *vm, bool asked_for)
{
  if (vm->config.warn_default_encoding && !asked_for && !cd_warn(vm, vm->exc.EncodingWarning, 1, "'encoding' argument not specified"))
    return NO_REF;
  const char *codeset = vm->config.utf8_mode ? "utf-8" : nl_langinfo(CODESET);
  if (!*codeset || !strcmp(codeset, "ANSI_X3.4-1968")) codeset = "utf-8";   // the C locale means UTF-8 (PEP 538, 540)
  return cd_str_from(vm, codeset);
}

static Ref text_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  TextIo *t = cd_instance_new(vm, type);
  if (t) t->chunk_size = IO_BUFFER_SIZE;
  return cd_from_object(t);
}

static void text_drop_read_state(VM *vm, TextIo *t)
{
  cd_clear(vm, &t->decoded);
  cd_clear(vm, &t->snapshot_input);
  t->used = 0;
}

static bool text_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  TextIo *t = as_text_io(self);
  Value bound[6];
  Ref owned[2] = {NO_REF, NO_REF}, encoding = NO_REF, errors = NO_REF, read1 = NO_REF;
  bool ok = false, line_buffering = false, write_through = false;
  t->initialised = false;
  if (!cd_bind_text(vm, "TextIOWrapper(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)", args,
                    nargs, kwnames, bound, owned))
    return false;
  if (bound[1] && !cd_is_none(bound[1]) && !cd_is_str(bound[1]))
    return cd_raise_type(vm, "TextIOWrapper() argument 'encoding' must be str or None, not %T", bound[1]);
  if (bound[2] && !cd_is_none(bound[2]) && !cd_is_str(bound[2]))
    return cd_raise_type(vm, "TextIOWrapper() argument 'errors' must be str or None, not %T", bound[2]);
  if ((bound[4] && !cd_truth(vm, bound[4], &line_buffering)) || (bound[5] && !cd_truth(vm, bound[5], &write_through))) return false;
  if (!text_set_newline(vm, t, bound[3])) return false;
  bool locale = !bound[1] || cd_is_none(bound[1]) || cd_str_is(bound[1], "locale");
  if (!(encoding = locale ? text_default_encoding(vm, bound[1] && !cd_is_none(bound[1])) : cd_dup(bound[1]))) return false;
  if (!(errors = bound[2] && !cd_is_none(bound[2]) ? cd_dup(bound[2]) : cd_str_from(vm, "strict"))) goto done;
  Value buffer = bound[0];
  text_drop_read_state(vm, t);
  t->pending_size = 0;
  t->undecoded_size = 0;
  t->pending_cr = false;
  t->seen = 0;
  if (!text_ask(vm, buffer, IO_SEEKABLE, &t->seekable) || !text_ask(vm, buffer, IO_READABLE, &t->readable) ||
      !text_ask(vm, buffer, IO_WRITABLE, &t->writable))
    goto done;
  t->telling = t->seekable;
  if (!text_set_codec(vm, t, encoding, errors)) goto done;
  if (!cd_io_known(vm, buffer, IO_READ1, &t->has_read1)) {
    Find has_read1 = cd_getattr_find(vm, buffer, io_name(vm, IO_READ1), &read1);
    if (has_read1 == FIND_ERROR) goto done;
    t->has_read1 = has_read1 == FIND_HIT;
  }
  cd_replace(vm, &t->buffer, cd_dup(buffer));
  t->line_buffering = line_buffering;
  t->write_through = write_through;
  ok = text_fix_encoder(vm, t);
  t->initialised = ok;
done:
  cd_drop(vm, read1);
  cd_drop(vm, encoding);
  cd_drop(vm, errors);
  return ok;
}

bool cd_io_is_flushed(VM *vm, Value stream)
{
  if (!io_state(vm)) return false;
  if (!cd_is_exact(stream, io_state(vm)->text_wrapper)) return cd_io_buffer_is_flushed(vm, stream);
  const TextIo *t = as_text_io(stream);
  return t->initialised && !t->pending_size && cd_io_has_only(stream, N(mode)) && cd_io_buffer_is_flushed(vm, t->buffer);
}

static void text_release(VM *vm, Object *self)
{
  TextIo *t = (TextIo *)self;
  cd_free(vm, t->pending, t->pending_capacity);
  t->pending = NULL;
  t->pending_capacity = t->pending_size = 0;
  Value *owned[] = {&t->buffer, &t->encoding, &t->errors, &t->encoder, &t->decoder, &t->decoded, &t->snapshot_input};
  for (size_t i = 0; i < ARRAY_LEN(owned); i++) cd_clear(vm, owned[i]);
}
static void text_clear(VM *vm, Object *self)
{
  ((TextIo *)self)->initialised = false;
  text_release(vm, self);
}
static void text_traverse(Object *self, VisitFn visit, void *context)
{
  TextIo *t = (TextIo *)self;
  Value owned[] = {t->buffer, t->encoding, t->errors, t->encoder, t->decoder, t->decoded, t->snapshot_input};
  for (size_t i = 0; i < ARRAY_LEN(owned); i++) visit(context, owned[i]);
}

// ---- writing ----

static bool text_flush_pending(VM *vm, TextIo *t)
{
  while (t->pending_size) {
    Ref bytes = cd_bytes_new(vm, t->pending, t->pending_size), result;
    if (!bytes) return false;
    t->pending_size = 0;
    do result = cd_call_method1(vm, t->buffer, N(write), bytes);
    while (!result && cd_io_trap_interrupt(vm));
    cd_drop(vm, bytes);
    if (!result) return false;
    cd_drop(vm, result);
  }
  return true;
}

static bool text_add_pending(VM *vm, TextIo *t, const char *data, size_t size)
{
  if (t->pending_size + size > t->pending_capacity) {
    size_t capacity = t->pending_size + size + (t->pending_size >> 1);
    if (capacity < 256) capacity = 256;
    char *grown = cd_realloc(vm, t->pending, t->pending_capacity, capacity);
    if (!grown) return false;
    t->pending = grown;
    t->pending_capacity = capacity;
  }
  if (size) memcpy(t->pending + t->pending_size, data, size);
  t->pending_size += size;
  return true;
}

// Encoded bytes of `text`. The native codecs take text without surrogates (UTF-8) or non-ASCII characters directly.
static Ref text_encode(VM *vm, TextIo *t, Value text)
{
  static const char *const names[] = {NULL, "utf-8", "ascii", "latin-1"};
  if (t->codec != CODEC_OBJECT) return cd_encode(vm, text, names[t->codec], cd_str_data(t->errors));
  Ref bytes = cd_call_method1(vm, t->encoder, N(encode), text);
  t->encoding_start = false;
  if (bytes && !cd_is_bytes(bytes)) {
    cd_raise_type(vm, "encoder should return a bytes object, not '%T'", bytes);
    cd_drop(vm, bytes);
    return NO_REF;
  }
  return bytes;
}

static bool text_queue(VM *vm, TextIo *t, Value text)
{
  if (cd_as_str(text)->ascii && t->codec != CODEC_OBJECT) return text_add_pending(vm, t, cd_str_data(text), cd_str_size(text));
  if (t->codec == CODEC_UTF8 && !cd_str_has_surrogates(text)) return text_add_pending(vm, t, cd_str_data(text), cd_str_size(text));
  Ref bytes = text_encode(vm, t, text);
  if (!bytes) return false;
  bool ok = text_add_pending(vm, t, cd_bytes_data(bytes), cd_bytes_size(bytes));
  cd_drop(vm, bytes);
  return ok;
}

METHOD(textio, write, "write(self, text, /)", "Write a str; the number of its characters.")
{
  TextIo *t = as_text_io(self);
  Value text = args[0];
  if (!text_usable(vm, t)) return NO_REF;
  if (!cd_is_str(text)) return cd_raise_type(vm, "write() argument must be str, not %T", text);
  if (!text_open(vm, t)) return NO_REF;
  if (!t->writable) return cd_io_unsupported(vm, "not writable");
  const char *data = cd_str_data(text);
  size_t size = cd_str_size(text);
  bool newline = (t->write_newline[0] || t->line_buffering) && memchr(data, '\n', size);
  bool flush = t->write_through || (t->line_buffering && (newline || memchr(data, '\r', size)));
  Ref replaced = NO_REF;
  if (newline && t->write_newline[0]) {
    Ref from = cd_str_from(vm, "\n"), to = cd_str_from(vm, t->write_newline);
    Value arguments[2] = {from, to};
    replaced = from && to ? cd_call_method(vm, text, N(replace), arguments, 2) : NO_REF;
    cd_drop(vm, from);
    cd_drop(vm, to);
    if (!replaced) return NO_REF;
  }
  bool ok = text_queue(vm, t, replaced ? (Value)replaced : text);
  cd_drop(vm, replaced);
  if (!ok) return NO_REF;
  if ((t->pending_size >= t->chunk_size || flush) && !text_flush_pending(vm, t)) return NO_REF;
  if (flush && t->line_buffering && !cd_io_call_void(vm, t->buffer, N(flush))) return NO_REF;
  if (t->decoded || t->snapshot_input) text_drop_read_state(vm, t);
  if (t->decoder) {
    Ref reset = cd_call_method0(vm, t->decoder, io_name(vm, IO_RESET));
    if (!reset) return NO_REF;
    cd_drop(vm, reset);
  }
  t->undecoded_size = 0;
  t->pending_cr = false;
  return cd_from_small((int64_t)cd_str_length(text));
}

METHOD(textio, flush, "flush(self, /)", "Write out what waits, and flush the buffer.")
{
  TextIo *t = as_text_io(self);
  if (!text_open(vm, t)) return NO_REF;
  t->telling = t->seekable;
  return text_flush_pending(vm, t) ? cd_call_method0(vm, t->buffer, N(flush)) : NO_REF;
}

// ---- decoding ----

// Length of an incomplete UTF-8 sequence at the end of data, which may continue in the next chunk.
static size_t text_incomplete_tail(const char *data, size_t size)
{
  for (size_t back = 1; back <= 3 && back <= size; back++) {
    unsigned char c = (unsigned char)data[size - back];
    if (cd_utf8_is_continuation(c)) continue;
    if (c < 0xC2 || c > 0xF4 || (size_t)cd_utf8_len(c) <= back) return 0;
    if (back >= 2) {                             // the second byte decides whether it can become valid at all
      unsigned char second = (unsigned char)data[size - back + 1];
      if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F))
        return 0;
    }
    return back;
  }
  return 0;
}

static Ref text_decode_utf8(VM *vm, TextIo *t, const char *data, size_t size, bool final)
{
  char *joined = NULL;
  size_t total = size + t->undecoded_size;
  if (t->undecoded_size) {
    if (!(joined = cd_alloc(vm, total))) return NO_REF;
    memcpy(joined, t->undecoded, t->undecoded_size);
    memcpy(joined + t->undecoded_size, data, size);
    data = joined;
  }
  size_t tail = final ? 0 : text_incomplete_tail(data, total);
  Ref text = cd_str_decode_utf8(vm, data, total - tail, cd_str_data(t->errors));
  if (text) {
    memcpy(t->undecoded, data + total - tail, tail);
    t->undecoded_size = (uint8_t)tail;
  }
  cd_free(vm, joined, total);
  return text;
}

// Decodes one chunk with the stream's decoder and handles newlines. New str.
static Ref text_decode(VM *vm, TextIo *t, Value bytes, const char *data, size_t size, bool final)
{
  Ref text;
  if (t->codec == CODEC_OBJECT) {
    Ref own = bytes ? cd_dup(bytes) : cd_bytes_new(vm, data, size);
    if (!own) return NO_REF;
    Value arguments[2] = {own, cd_bool(final)};
    text = cd_call_method(vm, t->decoder, N(decode), arguments, 2);
    cd_drop(vm, own);
    if (text && !cd_is_str(text)) {
      cd_raise_type(vm, "decoder should return a string result, not '%T'", text);
      cd_drop(vm, text);
      return NO_REF;
    }
  } else if (t->codec == CODEC_UTF8) text = text_decode_utf8(vm, t, data, size, final);
  else text = cd_decode(vm, data, size, t->codec == CODEC_ASCII ? "ascii" : "latin-1", cd_str_data(t->errors));
  if (!text || !t->universal) return text;
  Ref result = cd_io_translate_newlines(vm, text, t->translate, final, &t->pending_cr, &t->seen);
  cd_drop(vm, text);
  return result;
}

// Decoder state: pending bytes, and flags with the carried '\r' in bit 0.
static bool text_get_state(VM *vm, TextIo *t, Ref *pending, int64_t *flags)
{
  if (t->codec != CODEC_OBJECT) {
    *flags = t->pending_cr;
    return (*pending = cd_bytes_new(vm, t->undecoded, t->undecoded_size)) != NO_REF;
  }
  Ref state = cd_call_method0(vm, t->decoder, N(getstate));
  if (!state) return false;
  bool ok = cd_is_tuple(state) && cd_tuple_size(state) == 2 && cd_is_bytes(cd_tuple_item_borrow(state, 0)) &&
            cd_is_int(cd_tuple_item_borrow(state, 1)) && cd_int_fits_i64(cd_tuple_item_borrow(state, 1), flags);
  if (ok) {
    *flags = *flags << 1 | t->pending_cr;
    *pending = cd_dup(cd_tuple_item_borrow(state, 0));
  } else cd_raise_type(vm, "illegal decoder state");
  cd_drop(vm, state);
  return ok;
}

static bool text_set_state(VM *vm, TextIo *t, const char *pending, size_t size, int64_t flags)
{
  t->pending_cr = flags & 1;
  if (t->codec != CODEC_OBJECT) {
    t->undecoded_size = (uint8_t)(size < sizeof t->undecoded ? size : 0);
    memcpy(t->undecoded, pending, t->undecoded_size);
    return true;
  }
  Ref result;
  if (!size && flags >> 1 == 0) result = cd_call_method0(vm, t->decoder, io_name(vm, IO_RESET));
  else {
    Ref state = cd_tuple2_steal(vm, cd_bytes_new(vm, pending, size), cd_int_from_i64(vm, flags >> 1));
    result = state ? cd_call_method1(vm, t->decoder, io_name(vm, IO_SETSTATE), state) : NO_REF;
    cd_drop(vm, state);
  }
  cd_drop(vm, result);
  return result != NO_REF;
}

// ---- reading ----

static bool text_start_reading(VM *vm, TextIo *t)
{
  if (!text_open(vm, t)) return false;
  if (!t->readable) return cd_io_unsupported(vm, "not readable");
  return text_flush_pending(vm, t);
}

static bool text_set_decoded(VM *vm, TextIo *t, Ref text)        // steals
{
  cd_replace(vm, &t->decoded, text);
  t->used = 0;
  return true;
}

// Reads and decodes the next chunk. 1: there is more; 0: the end; -1: exception; -2 would block
static int text_read_chunk(VM *vm, TextIo *t, int64_t size_hint)
{
  Ref pending = NO_REF, input = NO_REF;
  int64_t flags = 0;
  int result = -1;
  if (t->telling && !text_get_state(vm, t, &pending, &flags)) return -1;
  int64_t want = size_hint > (int64_t)t->chunk_size ? size_hint : (int64_t)t->chunk_size;
  input = cd_call_method1(vm, t->buffer, t->has_read1 ? io_name(vm, IO_READ1) : N(read), cd_from_small(want));
  if (!input) goto done;
  Buffer bytes;
  if (!cd_get_buffer(vm, input, &bytes, BUFFER_SIMPLE)) {
    cd_clear_raised(vm);
    cd_raise_type(vm, "underlying %s() should have returned a bytes-like object, not '%T'", t->has_read1 ? "read1" : "read", input);
    goto done;
  }
  bool end = bytes.size == 0;
  Ref text = text_decode(vm, t, cd_is_bytes(input) ? input : NO_VALUE, bytes.data, (size_t)bytes.size, end);
  if (!text) {
    cd_release_buffer(vm, &bytes);
    goto done;
  }
  if (cd_str_size(text)) end = false;
  text_set_decoded(vm, t, text);
  result = !end;
  if (t->telling) {
    size_t head = cd_bytes_size(pending);
    Ref snapshot = cd_bytes_new(vm, NULL, head + (size_t)bytes.size);
    if (!snapshot) result = -1;
    else {
      memcpy(cd_bytes_data(snapshot), cd_bytes_data(pending), head);
      memcpy(cd_bytes_data(snapshot) + head, bytes.data, (size_t)bytes.size);
      cd_replace(vm, &t->snapshot_input, snapshot);
      t->snapshot_flags = flags;
    }
  }
  cd_release_buffer(vm, &bytes);
done:
  cd_drop(vm, pending);
  cd_drop(vm, input);
  return result;
}

static size_t text_left(const TextIo *t) { return t->decoded ? cd_str_size(t->decoded) - t->used : 0; }

// Takes `size` bytes of decoded text.
static Ref text_take_chars(VM *vm, TextIo *t, size_t size)
{
  if (t->used == 0 && t->decoded && size == cd_str_size(t->decoded)) {
    t->used = size;
    return cd_dup(t->decoded);
  }
  const char *start = t->decoded ? cd_str_data(t->decoded) + t->used : "";
  Ref text = t->decoded && cd_as_str(t->decoded)->ascii ? cd_str_ascii(vm, start, size) : cd_str_new(vm, start, size);
  if (text) t->used += size;
  return text;
}

// Bytes that the next `count` characters of decoded text take, at most what is left; *count gets how many there are.
static size_t text_bytes_of_chars(TextIo *t, int64_t *count)
{
  size_t left = text_left(t);
  if (t->decoded && cd_as_str(t->decoded)->ascii) {
    if ((size_t)*count < left) return (size_t)*count;
    *count = (int64_t)left;
    return left;
  }
  const char *start = t->decoded ? cd_str_data(t->decoded) + t->used : "", *p = start, *end = start + left;
  int64_t n = 0;
  for (; p < end && n < *count; n++) p += cd_utf8_len((unsigned char)*p);
  *count = n;
  return (size_t)(p - start);
}

static Ref text_read_all(VM *vm, TextIo *t)
{
  Ref bytes = cd_call_method0(vm, t->buffer, N(read)), rest = NO_REF, head = NO_REF, result = NO_REF;
  if (!bytes) return NO_REF;
  if (cd_is_none(bytes)) rest = cd_str_new(vm, "", 0);
  else if (!cd_is_bytes(bytes)) {
    Buffer view;
    if (!cd_get_buffer(vm, bytes, &view, BUFFER_SIMPLE)) goto done;
    rest = text_decode(vm, t, NO_VALUE, view.data, (size_t)view.size, true);
    cd_release_buffer(vm, &view);
  } else rest = text_decode(vm, t, bytes, cd_bytes_data(bytes), cd_bytes_size(bytes), true);
  if (!rest || !(head = text_take_chars(vm, t, text_left(t)))) goto done;
  result = cd_str_size(head) ? cd_str_concat(vm, head, rest) : cd_dup(rest);
  if (result) text_drop_read_state(vm, t);
done:
  cd_drop(vm, bytes);
  cd_drop(vm, head);
  cd_drop(vm, rest);
  return result;
}

METHOD(textio, read, "read(self, size=-1, /)", "Up to size characters; all until the end when size is negative or None.")
{
  TextIo *t = as_text_io(self);
  int64_t size;
  if (!cd_io_size(vm, args[0], &size) || !text_start_reading(vm, t)) return NO_REF;
  if (size < 0) return text_read_all(vm, t);
  TextBuilder out;
  cd_text_init(&out, vm);
  while (size > 0) {
    if (!text_left(t)) {
      int more = text_read_chunk(vm, t, size);
      if (more < 0) {
        if (more == -1 && cd_io_trap_interrupt(vm)) continue;
        goto fail;
      }
      if (!more) break;
      continue;
    }
    int64_t count = size;
    size_t bytes = text_bytes_of_chars(t, &count);
    if (!out.size && count == size) {
      cd_text_clear(&out);
      return text_take_chars(vm, t, bytes);
    }
    if (!cd_text_put(&out, cd_str_data(t->decoded) + t->used, bytes)) goto fail;
    t->used += bytes;
    size -= count;
  }
  return cd_text_finish(&out);
fail:
  cd_text_clear(&out);
  return NO_REF;
}

// The next line as a new str, "" at the end. limit in characters, -1 for none.
static Ref text_read_line(VM *vm, TextIo *t, int64_t limit)
{
  TextBuilder out;
  cd_text_init(&out, vm);
  for (;;) {
    if (!text_left(t)) {
      int more = text_read_chunk(vm, t, 0);
      if (more < 0) {
        if (cd_io_trap_interrupt(vm)) continue;
        goto fail;
      }
      if (!more) break;
      continue;
    }
    const char *data = cd_str_data(t->decoded);
    size_t size = cd_str_size(t->decoded), search = t->used;
    // A '\r' that ended the last chunk may belong to this chunk's '\n' (newline='\r\n', where no decoder holds it back).
    bool split = out.size && !t->universal && t->newline[1] && out.data[out.size - 1] == '\r' && data[t->used] == '\n';
    int64_t end = split ? (int64_t)t->used + 1 : cd_io_line_end(data, size, search, t->translate, t->universal, t->newline);
    size_t stop = end < 0 ? size : (size_t)end;
    if (limit >= 0) {
      int64_t count = limit - (int64_t)out.length;
      size_t most = text_bytes_of_chars(t, &count);
      if (t->used + most < stop || (t->used + most == stop && end < 0 && (int64_t)out.length + count == limit)) {
        stop = t->used + most;
        end = (int64_t)stop;
      }
    }
    if (end >= 0 && !out.size) {
      cd_text_clear(&out);
      return text_take_chars(vm, t, stop - t->used);
    }
    if (!cd_text_put(&out, data + t->used, stop - t->used)) goto fail;
    t->used = stop;
    if (end >= 0) break;
  }
  return cd_text_finish(&out);
fail:
  cd_text_clear(&out);
  return NO_REF;
}

METHOD(textio, readline, "readline(self, size=-1, /)",
       "One line, at most size characters when size is not negative; the empty string at the end.")
{
  TextIo *t = as_text_io(self);
  int64_t limit;
  if (!cd_io_size(vm, args[0], &limit) || !text_start_reading(vm, t)) return NO_REF;
  return limit == 0 ? cd_str_new(vm, "", 0) : text_read_line(vm, t, limit);
}

static Next text_next(VM *vm, Value self, Ref *out)
{
  TextIo *t = as_text_io(self);
  if (!text_usable(vm, t)) return NEXT_ERROR;
  t->telling = false;
  Ref line;
  if (cd_object(self)->type == io_state(vm)->text_wrapper) line = text_start_reading(vm, t) ? text_read_line(vm, t, -1) : NO_REF;
  else {
    line = cd_call_method0(vm, self, N(readline));
    if (line && !cd_is_str(line)) {
      cd_raise(vm, vm->exc.OSError, "readline() should have returned an str object, not '%T'", line);
      cd_drop(vm, line);
      line = NO_REF;
    }
  }
  if (!line) return NEXT_ERROR;
  if (cd_str_size(line)) {
    *out = line;
    return NEXT_ITEM;
  }
  cd_drop(vm, line);
  cd_clear(vm, &t->snapshot_input);
  t->telling = t->seekable;
  return NEXT_DONE;
}

// ---- position ----

// A position is a number that packs what a decoder needs to get there again: byte position, decoder flags, bytes to feed, whether
// to feed the end, characters to skip; 64 bits each but for the flag.
typedef struct TextCookie { int64_t start, flags, feed, skip; bool eof; } TextCookie;

static Ref text_cookie_pack(VM *vm, const TextCookie *c)
{
  if (!c->flags && !c->feed && !c->skip && !c->eof) return cd_int_from_i64(vm, c->start);
  unsigned char bytes[33] = {0};
  memcpy(bytes, &c->start, 8);
  memcpy(bytes + 8, &c->flags, 8);
  memcpy(bytes + 16, &c->feed, 8);
  memcpy(bytes + 24, &c->skip, 8);
  bytes[32] = c->eof;
  return cd_int_from_bytes(vm, bytes, sizeof bytes, true, false);
}

static bool text_cookie_unpack(VM *vm, Value cookie, TextCookie *c)
{
  unsigned char bytes[33];
  Ref index = cd_index(vm, cookie);
  if (!index) return false;
  if (cd_int_sign(index) < 0) {
    cd_drop(vm, index);
    return cd_raise_value(vm, "negative seek position %R", cookie);
  }
  bool ok = cd_int_to_bytes(vm, index, bytes, sizeof bytes, true, false);
  cd_drop(vm, index);
  if (!ok) return false;
  memcpy(&c->start, bytes, 8);
  memcpy(&c->flags, bytes + 8, 8);
  memcpy(&c->feed, bytes + 16, 8);
  memcpy(&c->skip, bytes + 24, 8);
  c->eof = bytes[32] & 1;
  return true;
}

// Finds the last safe point (empty decoder) at or before `chars` characters into the snapshot's input.
static bool text_find_cookie(VM *vm, TextIo *t, int64_t chars, TextCookie *c)
{
  Ref saved = NO_REF, input = cd_dup(t->snapshot_input);
  int64_t saved_flags, decoded = 0, safe_bytes = 0, safe_chars = 0, safe_flags = t->snapshot_flags;
  int seen = t->seen;
  bool ok = false;
  if (!text_get_state(vm, t, &saved, &saved_flags)) goto done;
  const char *data = cd_bytes_data(input);
  size_t size = cd_bytes_size(input), i = 0;
  if (!text_set_state(vm, t, "", 0, t->snapshot_flags)) goto restore;
  for (; i < size && decoded < chars; i++) {
    Ref pending = NO_REF, text = text_decode(vm, t, NO_VALUE, data + i, 1, false);
    int64_t flags;
    if (!text) goto restore;
    decoded += (int64_t)cd_str_length(text);
    cd_drop(vm, text);
    if (!text_get_state(vm, t, &pending, &flags)) goto restore;
    bool empty = cd_bytes_size(pending) == 0;
    cd_drop(vm, pending);
    if (empty && decoded <= chars && !(flags & 1)) {
      safe_bytes = (int64_t)i + 1;
      safe_chars = decoded;
      safe_flags = flags;
    }
  }
  c->eof = false;
  if (decoded < chars) {                         // the rest came out only because the input ended
    Ref text = text_decode(vm, t, NO_VALUE, "", 0, true);
    if (!text) goto restore;
    decoded += (int64_t)cd_str_length(text);
    cd_drop(vm, text);
    c->eof = true;
    if (decoded < chars) {
      cd_raise(vm, vm->exc.OSError, "can't reconstruct logical file position");
      goto restore;
    }
  }
  c->start += safe_bytes;
  c->flags = safe_flags;
  c->skip = chars - safe_chars;
  c->feed = c->skip ? (int64_t)i - safe_bytes : 0;
  ok = true;
restore: {
  Ref error = cd_take_raised(vm);
  if (!text_set_state(vm, t, cd_bytes_data(saved), cd_bytes_size(saved), saved_flags)) {
    ok = false;
    cd_drop(vm, error);
  } else cd_restore_raised(vm, error);
  t->seen = seen;
}
done:
  cd_drop(vm, saved);
  cd_drop(vm, input);
  return ok;
}

METHOD(textio, tell, "tell(self, /)", "The position, as a number that seek() takes.")
{
  TextIo *t = as_text_io(self);
  if (!text_open(vm, t)) return NO_REF;
  if (!t->seekable) return cd_io_unsupported(vm, "underlying stream is not seekable");
  if (!t->telling) return cd_raise(vm, vm->exc.OSError, "telling position disabled by next() call");
  if (!text_flush_pending(vm, t) || !cd_io_call_void(vm, self, N(flush))) return NO_REF;
  Ref at = cd_call_method0(vm, t->buffer, N(tell));
  if (!at || !t->snapshot_input) return at;
  TextCookie cookie = {0};
  bool ok = cd_to_i64(vm, at, &cookie.start, vm->exc.OverflowError);
  cd_drop(vm, at);
  if (!ok) return NO_REF;
  cookie.start -= (int64_t)cd_bytes_size(t->snapshot_input);
  cookie.flags = t->snapshot_flags;
  int64_t chars = t->decoded ? (int64_t)cd_utf8_count(cd_str_data(t->decoded), t->used) : 0;
  if (chars && !text_find_cookie(vm, t, chars, &cookie)) return NO_REF;
  return text_cookie_pack(vm, &cookie);
}

static bool text_reset_encoder(VM *vm, TextIo *t, bool start)
{
  t->encoding_start = start;
  if (!t->encoder) return true;
  Ref result = start ? cd_call_method0(vm, t->encoder, io_name(vm, IO_RESET))
                     : cd_call_method1(vm, t->encoder, io_name(vm, IO_SETSTATE), cd_from_small(0));
  cd_drop(vm, result);
  return result != NO_REF;
}

static Ref text_seek_to_end(VM *vm, Value self, TextIo *t)
{
  if (!cd_io_call_void(vm, self, N(flush))) return NO_REF;
  text_drop_read_state(vm, t);
  if (t->readable && !text_set_state(vm, t, "", 0, 0)) return NO_REF;
  Value arguments[2] = {cd_from_small(0), cd_from_small(2)};
  Ref at = cd_call_method(vm, t->buffer, N(seek), arguments, 2);
  if (at && !text_reset_encoder(vm, t, cd_is(at, cd_from_small(0)))) {
    cd_drop(vm, at);
    return NO_REF;
  }
  return at;
}

static Ref text_seek_cookie(VM *vm, Value self, TextIo *t, Value target)
{
  TextCookie c;
  if (!text_cookie_unpack(vm, target, &c) || !cd_io_call_void(vm, self, N(flush))) return NO_REF;
  Ref start = cd_int_from_i64(vm, c.start), at = start ? cd_call_method1(vm, t->buffer, N(seek), start) : NO_REF, input = NO_REF;
  cd_drop(vm, start);
  if (!at) return NO_REF;
  cd_drop(vm, at);
  text_drop_read_state(vm, t);
  if (t->readable && !text_set_state(vm, t, "", 0, c.flags)) return NO_REF;
  if (t->readable) {
    t->snapshot_flags = c.flags;
    if (!(input = cd_bytes_new(vm, "", 0))) return NO_REF;
    cd_replace(vm, &t->snapshot_input, input);
  }
  if (c.skip) {
    input = cd_call_method1(vm, t->buffer, N(read), cd_from_small(c.feed));
    if (!input) return NO_REF;
    if (!cd_is_bytes(input)) {
      cd_raise_type(vm, "underlying read() should have returned a bytes object, not '%T'", input);
      cd_drop(vm, input);
      return NO_REF;
    }
    Ref text = text_decode(vm, t, input, cd_bytes_data(input), cd_bytes_size(input), c.eof);
    cd_replace(vm, &t->snapshot_input, input);
    if (!text) return NO_REF;
    if ((int64_t)cd_str_length(text) < c.skip) {
      cd_drop(vm, text);
      return cd_raise(vm, vm->exc.OSError, "can't restore logical file position");
    }
    text_set_decoded(vm, t, text);
    t->used = cd_str_offset(vm, text, (size_t)c.skip);
  }
  return text_reset_encoder(vm, t, c.start == 0 && c.flags == 0) ? cd_dup(target) : NO_REF;
}

METHOD(textio, seek, "seek(self, cookie, whence=0, /)", "Go to a position that tell() gave, or with cookie 0 to here (1) or the end (2).")
{
  TextIo *t = as_text_io(self);
  int whence = 0;
  if (args[1] && !cd_to_c_int(vm, args[1], &whence)) return NO_REF;
  if (!text_open(vm, t)) return NO_REF;
  if (!t->seekable) return cd_io_unsupported(vm, "underlying stream is not seekable");
  bool zero;
  if (!cd_equal(vm, args[0], cd_from_small(0), &zero)) return NO_REF;
  if (whence == 1) {
    if (!zero) return cd_io_unsupported(vm, "can't do nonzero cur-relative seeks");
    Ref here = cd_call_method0(vm, self, N(tell)), at = here ? text_seek_cookie(vm, self, t, here) : NO_REF;
    cd_drop(vm, here);
    return at;
  }
  if (whence == 2) return zero ? text_seek_to_end(vm, self, t) : cd_io_unsupported(vm, "can't do nonzero end-relative seeks");
  if (whence != 0) return cd_raise_value(vm, "invalid whence (%d, should be 0, 1 or 2)", whence);
  return text_seek_cookie(vm, self, t, args[0]);
}

METHOD(textio, truncate, "truncate(self, pos=None, /)", "Flush, then resize the file.")
{
  TextIo *t = as_text_io(self);
  if (!text_usable(vm, t) || !cd_io_call_void(vm, self, N(flush))) return NO_REF;
  return cd_call_method1(vm, t->buffer, io_name(vm, IO_TRUNCATE), args[0] ? args[0] : (Value)cd_none());
}

// ---- the rest ----

METHOD(textio, reconfigure, "reconfigure(self, /, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None)",
       "Change settings; flushes first. Encoding and newline can't change after reading has started.")
{
  TextIo *t = as_text_io(self);
  Value encoding = args[0] && !cd_is_none(args[0]) ? args[0] : NO_VALUE, errors = args[1] && !cd_is_none(args[1]) ? args[1] : NO_VALUE;
  bool line_buffering = t->line_buffering, write_through = t->write_through;
  if (!text_usable(vm, t)) return NO_REF;
  if (encoding && !cd_is_str(encoding)) return cd_raise_type(vm, "reconfigure() argument 'encoding' must be str or None, not %T", encoding);
  if (errors && !cd_is_str(errors)) return cd_raise_type(vm, "reconfigure() argument 'errors' must be str or None, not %T", errors);
  if ((t->decoded || t->snapshot_input) && (encoding || errors || args[2]))
    return cd_io_unsupported(vm, "It is not possible to set the encoding or newline of stream after the first read");
  if ((args[3] && !cd_is_none(args[3]) && !cd_truth(vm, args[3], &line_buffering)) ||
      (args[4] && !cd_is_none(args[4]) && !cd_truth(vm, args[4], &write_through)))
    return NO_REF;
  if (!cd_io_call_void(vm, self, N(flush))) return NO_REF;
  if (args[2] && !text_set_newline(vm, t, args[2])) return NO_REF;
  if (encoding || errors) {
    Ref kind = errors ? cd_dup(errors) : encoding ? cd_str_from(vm, "strict") : cd_dup(t->errors);
    Ref name = !encoding ? cd_dup(t->encoding) : cd_str_is(encoding, "locale") ? text_default_encoding(vm, true) : cd_dup(encoding);
    bool ok = kind && name && text_set_codec(vm, t, name, kind) && text_fix_encoder(vm, t);
    cd_drop(vm, kind);
    cd_drop(vm, name);
    if (!ok) return NO_REF;
  }
  t->line_buffering = line_buffering;
  t->write_through = write_through;
  return cd_none();
}

METHOD(textio, detach, "detach(self, /)", "Flush, separate the byte buffer and return it.")
{
  TextIo *t = as_text_io(self);
  if (!text_usable(vm, t) || !cd_io_call_void(vm, self, N(flush))) return NO_REF;
  t->initialised = false;
  t->detached = true;
  return cd_take(&t->buffer);
}

METHOD(textio, close, "close(self, /)", "Flush, then close the buffer, even when flushing fails.")
{
  TextIo *t = as_text_io(self);
  bool closed;
  if (!text_usable(vm, t) || !cd_io_is_closed(vm, t->buffer, &closed)) return NO_REF;
  if (closed) return cd_none();
  if (t->finalizing) {
    Ref warned = cd_call_method1(vm, t->buffer, io_name(vm, IO_DEALLOC_WARN), self);
    if (!warned) cd_clear_raised(vm);
    cd_drop(vm, warned);
  }
  Ref error = cd_io_call_void(vm, self, N(flush)) ? NO_REF : cd_take_raised(vm);
  Ref result = cd_call_method0(vm, t->buffer, N(close));
  if (!error) return result;
  if (result) {
    cd_drop(vm, result);
    cd_restore_raised(vm, error);
  } else cd_chain_context(vm, error);
  return NO_REF;
}

static Ref text_forward(VM *vm, Value self, int name)
{
  return text_usable(vm, as_text_io(self)) ? cd_io_forward(vm, as_text_io(self)->buffer, name) : NO_REF;
}
METHOD(textio, readable, "readable(self, /)", "Can the buffer be read?")
{
  return text_forward(vm, self, IO_READABLE);
}
METHOD(textio, writable, "writable(self, /)", "Can the buffer be written?")
{
  return text_forward(vm, self, IO_WRITABLE);
}
METHOD(textio, seekable, "seekable(self, /)", "Can the buffer seek?")
{
  return text_forward(vm, self, IO_SEEKABLE);
}
METHOD(textio, fileno, "fileno(self, /)", "The buffer's file descriptor.")
{
  return text_forward(vm, self, IO_FILENO);
}
METHOD(textio, isatty, "isatty(self, /)", "Is the buffer a terminal?")
{
  return text_forward(vm, self, IO_ISATTY);
}
METHOD(textio, __getstate__, "__getstate__(self, /)", "Text files cannot be pickled.")
{
  return cd_raise_type(vm, "cannot pickle '%T' object", self);
}

static Ref textio_get_encoding(VM *vm, Value self)
{
  return text_usable(vm, as_text_io(self)) ? cd_dup(as_text_io(self)->encoding) : NO_REF;
}
static Ref textio_get_errors(VM *vm, Value self) { return text_usable(vm, as_text_io(self)) ? cd_dup(as_text_io(self)->errors) : NO_REF; }
static Ref textio_get_buffer(VM *vm, Value self) { return text_usable(vm, as_text_io(self)) ? cd_dup(as_text_io(self)->buffer) : NO_REF; }
static Ref textio_get_name(VM *vm, Value self)
{
  return text_usable(vm, as_text_io(self)) ? cd_getattr(vm, as_text_io(self)->buffer, N(name)) : NO_REF;
}
static Ref textio_get_closed(VM *vm, Value self)
{
  return text_usable(vm, as_text_io(self)) ? cd_getattr(vm, as_text_io(self)->buffer, io_name(vm, IO_CLOSED)) : NO_REF;
}
static Ref textio_get_line_buffering(VM *vm, Value self)
{
  return text_usable(vm, as_text_io(self)) ? cd_bool(as_text_io(self)->line_buffering) : NO_REF;
}
static Ref textio_get_write_through(VM *vm, Value self)
{
  return text_usable(vm, as_text_io(self)) ? cd_bool(as_text_io(self)->write_through) : NO_REF;
}
static Ref textio_get_newlines(VM *vm, Value self)
{
  TextIo *t = as_text_io(self);
  return !text_usable(vm, t) ? NO_REF : t->universal ? cd_io_newlines_value(vm, t->seen) : cd_none();
}
static Ref textio_get_chunk_size(VM *vm, Value self)
{
  return text_usable(vm, as_text_io(self)) ? cd_from_small((int64_t)as_text_io(self)->chunk_size) : NO_REF;
}
static bool textio_set_chunk_size(VM *vm, Value self, Value value)
{
  int64_t size;
  if (!text_usable(vm, as_text_io(self))) return false;
  if (!value) return cd_raise(vm, vm->exc.AttributeError, "cannot delete attribute");
  if (!cd_to_i64(vm, value, &size, vm->exc.ValueError)) return false;
  if (size <= 0) return cd_raise_value(vm, "a strictly positive integer is required");
  as_text_io(self)->chunk_size = (size_t)size;
  return true;
}
static Ref textio_get_finalizing(VM *vm, Value self) { return cd_bool(as_text_io(self)->finalizing); }
static bool textio_set_finalizing(VM *vm, Value self, Value value) { return value && cd_truth(vm, value, &as_text_io(self)->finalizing); }

// name and mode are shown when the stream has them.
static bool text_repr_part(VM *vm, Value self, Value name, const char *label, TextBuilder *out)
{
  Ref value = NO_REF;
  if (cd_getattr_find(vm, self, name, &value) == FIND_ERROR) return cd_swallow(vm, vm->exc.ValueError);
  if (!value) return true;
  bool ok = cd_text_format(out, " %s=%R", label, value);
  cd_drop(vm, value);
  return ok;
}

static Ref textio_repr(VM *vm, Value self)
{
  if (!text_usable(vm, as_text_io(self))) return NO_REF;
  ReprState state = cd_repr_enter(vm, self);
  if (state == REPR_INSIDE) return cd_raise_runtime(vm, "reentrant call inside %T.__repr__", self);
  if (state == REPR_ERROR) return NO_REF;
  TextBuilder out;
  cd_text_init(&out, vm);
  bool ok = cd_text_puts(&out, "<_io.TextIOWrapper") && text_repr_part(vm, self, N(name), "name", &out) &&
            text_repr_part(vm, self, N(mode), "mode", &out) && cd_text_format(&out, " encoding=%R>", as_text_io(self)->encoding);
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&out);
  cd_text_clear(&out);
  return NO_REF;
}

static void text_finalize(VM *vm, Value self)
{
  if (as_text_io(self)->initialised) cd_io_base_finalize(vm, self);
}

static const MethodDef *const textio_methods[] = {&textio_detach_def,
                                                  &textio_reconfigure_def,
                                                  &textio_write_def,
                                                  &textio_read_def,
                                                  &textio_readline_def,
                                                  &textio_flush_def,
                                                  &textio_close_def,
                                                  &textio_fileno_def,
                                                  &textio_seekable_def,
                                                  &textio_readable_def,
                                                  &textio_writable_def,
                                                  &textio_isatty_def,
                                                  &textio_seek_def,
                                                  &textio_tell_def,
                                                  &textio_truncate_def,
                                                  &textio___getstate___def,
                                                  NULL};
static const GetSetDef textio_getset[] = {{"encoding", "Name of the encoding.", textio_get_encoding, NULL},
                                          {"errors", "Error handling of the codec.", textio_get_errors, NULL},
                                          {"buffer", "The byte stream.", textio_get_buffer, NULL},
                                          {"name", "The byte stream's name.", textio_get_name, NULL},
                                          {"closed", "Is the byte stream closed?", textio_get_closed, NULL},
                                          {"line_buffering", "Does a newline flush?", textio_get_line_buffering, NULL},
                                          {"write_through", "Is text handed on at once?", textio_get_write_through, NULL},
                                          {"newlines", "Line ends seen so far.", textio_get_newlines, NULL},
                                          {"_CHUNK_SIZE", "Bytes read at once.", textio_get_chunk_size, textio_set_chunk_size},
                                          {"_finalizing", "Set while a dropped stream closes itself.", textio_get_finalizing,
                                           textio_set_finalizing},
                                          {NULL, NULL, NULL, NULL}};
const TypeSpec cd_io_text_spec = {
  .name = "_io.TextIOWrapper",
  .doc = "TextIOWrapper(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)\n--\n\n"
         "A text stream over a buffered byte stream. newline: None for universal newlines, else '', '\\n', '\\r' or '\\r\\n'.",
  .basicsize = sizeof(TextIo),
  .flags = IO_BASE_TYPE_FLAGS,
  IO_BASE_OFFSETS,
  .methods = textio_methods,
  .getset = textio_getset,
  .slots = {.new_ = text_new,
            .init = text_init,
            .release = text_release,
            .clear = text_clear,
            .traverse = text_traverse,
            .repr = textio_repr,
            .next = text_next,
            .finalize = text_finalize}};
