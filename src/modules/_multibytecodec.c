// SPDX-License-Identifier: MIT
// _multibytecodec.c: incremental and stream forms of the East Asian codecs, and the _codecs_* modules that hand the codecs out
#include "modules/module_list.h"
#include "modules/multibyte.h"
#include "objects/codec_frames.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/tuple.h"
#include "objects/type.h"

enum { MULTI_PENDING_MAX = 8 };

typedef struct MultibyteModule { Type *codec; MultibyteCodec *codecs; } MultibyteModule;  // type owned; all codecs that live
static MultibyteModule *multi_module(VM *vm) { return cd_state(vm, MODULE__multibytecodec); }

// What the incremental and stream types have in common.
typedef struct MultibyteObject {
  Object head;
  Value codec;                                   // owned: MultibyteCodec
  Value errors;                                  // owned: str
  Value stream;                                  // owned; of readers and writers
  MultibyteState state;
  uint32_t held;                                 // encoders: a character that the next one may join; 0: none
  unsigned char pending[MULTI_PENDING_MAX];      // decoders: the beginning of a sequence
  size_t pending_size;
} MultibyteObject;

static inline MultibyteObject *multi_of(Value v) { return (MultibyteObject *)cd_object(v); }
static inline MultibyteCodec *multi_codec(Value v) { return (MultibyteCodec *)cd_object(v); }

// ---- encoding ----

typedef struct MultiEncoder {
  Encoder frame;                                 // first: `put` is given this
  const MultibyteCodec *codec;
  MultibyteState state;
  uint32_t held;
} MultiEncoder;

// May c be the first of two code points that are one character?
static bool multi_may_join(MultibytePairs pairs, uint32_t c)
{
  if (pairs == PAIRS_HKSCS) return c == 0xCA || c == 0xEA;
  static const uint16_t first[] = {0xE6,   0x254,  0x259,  0x25A,  0x28C,  0x2E5,  0x2E9,  0x304B, 0x304D, 0x304F, 0x3051,
                                   0x3053, 0x30AB, 0x30AD, 0x30AF, 0x30B1, 0x30B3, 0x30BB, 0x30C4, 0x30C8, 0x31F7};
  for (size_t i = 0; pairs && i < ARRAY_LEN(first); i++)
    if (first[i] == c) return true;
  return false;
}

static bool multi_joins(uint32_t c)
{
  return c == 0x300 || c == 0x301 || c == 0x304 || c == 0x30C || c == 0x2E5 || c == 0x2E9 || c == 0x309A;
}

static PutResult multi_put_bytes(MultiEncoder *m, uint32_t c, uint32_t next)
{
  unsigned char out[16];
  int n = m->codec->spec->encode(m->codec, &m->state, c, next, out);
  if (n < 0) return PUT_REFUSED;
  return cd_byte_builder_put(&m->frame.out, (char *)out, (size_t)n) ? PUT_DONE : PUT_ERROR;
}

static PutResult multi_put(Encoder *e, uint32_t c)
{
  MultiEncoder *m = (MultiEncoder *)e;
  if (m->held) {
    uint32_t held = m->held;
    m->held = 0;
    PutResult joined = multi_joins(c) ? multi_put_bytes(m, held, c) : PUT_REFUSED;
    if (joined != PUT_REFUSED) return joined;
    PutResult alone = multi_put_bytes(m, held, 0);
    if (alone != PUT_DONE) return alone;
  }
  if (multi_may_join(m->codec->spec->pairs, c)) {
    m->held = c;
    return PUT_DONE;
  }
  if (c < 0x80 && m->codec->spec->plain_ascii) return cd_byte_builder_byte(&e->out, c) ? PUT_DONE : PUT_ERROR;
  return c >= 0xD800 && c < 0xE000 ? PUT_REFUSED : multi_put_bytes(m, c, 0);
}

// What is still owed at the end: the character held back, and the way to the initial state.
static Ref multi_finish(MultiEncoder *m, Ref bytes)
{
  VM *vm = m->frame.vm;
  unsigned char tail[32];
  int n = m->held ? m->codec->spec->encode(m->codec, &m->state, m->held, 0, tail) : 0;
  if (n < 0) n = 0;
  m->held = 0;
  if (m->codec->spec->reset) n += m->codec->spec->reset(&m->state, tail + n);
  if (n == 0 || !bytes) return bytes;
  size_t size = cd_bytes_size(bytes);
  Ref all = cd_bytes_new(vm, NULL, size + (size_t)n);
  if (all) {
    memcpy(cd_bytes_data(all), cd_bytes_data(bytes), size);
    memcpy(cd_bytes_data(all) + size, tail, (size_t)n);
  }
  cd_drop(vm, bytes);
  return all;
}

// The encoded text; state and held are changed only on success.
static Ref multi_encode(VM *vm, Value codec, Value input, const char *errors, MultibyteState *state, uint32_t *held, bool final)
{
  Ref text = cd_is_str(input) ? cd_dup(input) : cd_str(vm, input);
  if (!text) return NO_REF;
  const MultibyteSpec *spec = multi_codec(codec)->spec;
  MultiEncoder m = {.frame = {.vm = vm,
                              .text = text,
                              .encoding = spec->name,
                              .errors = errors,
                              .reason = "illegal multibyte sequence",
                              .put = multi_put,
                              .unit = 1,
                              .range_error = vm->exc.IndexError,
                              .single = true},
                    .codec = multi_codec(codec),
                    .state = *state,
                    .held = *held};
  cd_byte_builder_init(&m.frame.out, vm);
  Ref bytes = cd_encoder_run(&m.frame);
  if (bytes && final) bytes = multi_finish(&m, bytes);
  cd_drop(vm, text);
  if (!bytes) return NO_REF;
  *state = m.state;
  *held = m.held;
  return bytes;
}

// ---- decoding ----

static bool multi_decode_one(Decoder *d, const MultibyteCodec *codec, MultibyteState *state, bool final, bool *more)
{
  const unsigned char *p = (const unsigned char *)d->data + d->pos;
  size_t left = d->size - d->pos;
  if (*p < 0x80 && codec->spec->plain_ascii) {
    size_t run = 1;
    while (run < left && p[run] < 0x80) run++;
    d->pos += run;
    return cd_text_put_ascii(&d->out, (const char *)p, run);
  }
  uint32_t out[2] = {0, 0};
  int count = 0, n = codec->spec->decode(codec, state, p, left, out, &count);
  if (n > 0) {
    d->pos += (size_t)n;
    for (int i = 0; i < count; i++)
      if (!cd_text_char(&d->out, out[i])) return false;
    return true;
  }
  if (n == 0 && !final) { *more = false; return true; }
  return n == 0 ? cd_decoder_error(d, d->pos, d->size, "incomplete multibyte sequence")
                : cd_decoder_error(d, d->pos, d->pos + (size_t)-n, "illegal multibyte sequence");
}

// *taken: bytes used, which is less than all when not final. The state is changed only on success.
static Ref multi_decode(VM *vm, Value codec, const char *data, size_t size, const char *errors, MultibyteState *state, bool final,
                        size_t *taken)
{
  const MultibyteCodec *c = multi_codec(codec);
  MultibyteState now = *state;
  Decoder d;
  cd_decoder_init(&d, vm, c->spec->name, data, size, errors);
  d.range_error = vm->exc.IndexError;
  bool ok = true, more = true;
  for (uint32_t i = 0; ok && more && d.pos < d.size; i++) ok = multi_decode_one(&d, c, &now, final, &more) && ((i & 0xFFF) || cd_poll(vm));
  Ref text = cd_decoder_finish(&d, ok, taken);
  if (text) *state = now;
  return text;
}

// ---- arguments ----

static bool multi_errors_argument(VM *vm, Value v, const char *function, const char **out)
{
  *out = NULL;
  if (!v || cd_is_none(v)) return true;
  if (!cd_is_str(v)) return cd_raise_type(vm, "%s() argument 'errors' must be str or None, not %T", function, v);
  return (*out = cd_str_utf8(vm, v, NULL)) != NULL;
}

static bool multi_final_argument(VM *vm, Value v, bool *out)
{
  *out = false;
  return !v || cd_truth(vm, v, out);
}

// ---- the codec ----

METHOD(multicodec, encode, "encode(self, /, input, errors=None)", "Return the encoded text and how many characters were used.")
{
  MultibyteState state = multi_codec(self)->spec->initial;
  uint32_t held = 0;
  const char *errors;
  if (!multi_errors_argument(vm, args[1], "encode", &errors)) return NO_REF;
  Ref text = cd_is_str(args[0]) ? cd_dup(args[0]) : cd_str(vm, args[0]),
      bytes = text ? multi_encode(vm, self, text, errors, &state, &held, true) : NO_REF;
  Ref pair = bytes ? cd_tuple2_steal(vm, bytes, cd_from_small((int64_t)cd_str_length(text))) : NO_REF;
  cd_drop(vm, text);
  return pair;
}

METHOD(multicodec, decode, "decode(self, /, input, errors=None)", "Return the decoded text and how many bytes were used.")
{
  MultibyteState state = multi_codec(self)->spec->decode_initial;
  const char *errors;
  size_t taken;
  Buffer buffer;
  if (!multi_errors_argument(vm, args[1], "decode", &errors) || !cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref text = multi_decode(vm, self, buffer.data, (size_t)buffer.size, errors, &state, true, &taken);
  cd_release_buffer(vm, &buffer);
  return text ? cd_tuple2_steal(vm, text, cd_from_small((int64_t)taken)) : NO_REF;
}

static void multicodec_release(VM *vm UNUSED, Object *self)
{
  MultibyteCodec *codec = (MultibyteCodec *)self;
  if (codec->link && (*codec->link = codec->next)) codec->next->link = codec->link;
  for (size_t i = 0; i < ARRAY_LEN(codec->sets); i++) cd_charset_close(&codec->sets[i]);
}

static const MethodDef *const multicodec_methods[] = {&multicodec_encode_def, &multicodec_decode_def, NULL};
static const TypeSpec multicodec_spec = {
  .name = "_multibytecodec.MultibyteCodec",
  .basicsize = sizeof(MultibyteCodec),
  .flags = TYPE_IMMUTABLE | TYPE_NO_NEW,
  .methods = multicodec_methods,
  .slots = {.release = multicodec_release},
};

static Ref multicodec_new(VM *vm, const MultibyteSpec *spec)
{
  Type *type = cd_multibyte_codec_type(vm);
  MultibyteCodec *codec = type ? cd_object_new(vm, type, sizeof *codec) : NULL;
  if (!codec) return NO_REF;
  codec->spec = spec;
  MultibyteModule *module = multi_module(vm);
  if ((codec->next = module->codecs)) codec->next->link = &codec->next;
  codec->link = &module->codecs;
  module->codecs = codec;
  for (size_t i = 0; i < ARRAY_LEN(codec->sets); i++) {
    if (!spec->sets[i] || cd_charset_open(&codec->sets[i], spec->sets[i])) continue;
    codec->sets[i].spec = NULL;
    cd_drop_object(vm, codec);
    return cd_raise(vm, vm->exc.LookupError, "the C library has no converter for %s, which %s needs", spec->sets[i]->iconv_name,
                    spec->name);
  }
  return cd_from_object(codec);
}

// ---- what the four types share ----

// A new instance for (errors='strict') or (stream, errors='strict'); the class has the codec as an attribute.
static Ref multi_new(VM *vm, Type *type, Value stream, Value errors, bool decodes)
{
  if (errors && !cd_is_str(errors)) return cd_raise_type(vm, "argument 'errors' must be str, not %T", errors);
  MultibyteObject *m = cd_instance_new(vm, type);
  if (!m) return NO_REF;
  m->errors = errors ? cd_dup(errors) : cd_str_from(vm, "strict");
  if (stream) m->stream = cd_dup(stream);
  m->codec = m->errors ? cd_getattr_text(vm, cd_type_value(type), "codec") : NO_REF;
  if (m->codec && !cd_is_exact(m->codec, multi_module(vm)->codec)) cd_raise_type(vm, "codec is unexpected type");
  else if (m->codec) {
    const MultibyteSpec *spec = multi_codec(m->codec)->spec;
    m->state = decodes ? spec->decode_initial : spec->initial;
    return cd_from_object(m);
  }
  cd_drop_object(vm, m);
  return NO_REF;
}

static Ref multi_new_incremental(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames, bool decodes)
{
  Value bound[1];
  Ref owned[2];
  if (!cd_bind_text(vm, "MultibyteIncrementalCodec(errors='strict')", args, nargs, kwnames, bound, owned)) return NO_REF;
  return multi_new(vm, type, NO_VALUE, bound[0], decodes);
}

static Ref multi_new_stream(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames, bool decodes)
{
  Value bound[2];
  Ref owned[2];
  if (!cd_bind_text(vm, "MultibyteStream(stream, errors='strict')", args, nargs, kwnames, bound, owned)) return NO_REF;
  return multi_new(vm, type, bound[0], bound[1], decodes);
}

static Ref multienc_new(VM *vm, Type *type, const Value *args, size_t n, Value kwnames)
{
  return multi_new_incremental(vm, type, args, n, kwnames, false);
}
static Ref multidec_new(VM *vm, Type *type, const Value *args, size_t n, Value kwnames)
{
  return multi_new_incremental(vm, type, args, n, kwnames, true);
}
static Ref multireader_new(VM *vm, Type *type, const Value *args, size_t n, Value kwnames)
{
  return multi_new_stream(vm, type, args, n, kwnames, true);
}
static Ref multiwriter_new(VM *vm, Type *type, const Value *args, size_t n, Value kwnames)
{
  return multi_new_stream(vm, type, args, n, kwnames, false);
}

// object.__init__ would refuse the arguments.
static bool multi_init(VM *vm UNUSED, Value self UNUSED, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  return true;
}

static void multi_release(VM *vm, Object *self)
{
  MultibyteObject *m = (MultibyteObject *)self;
  cd_clear(vm, &m->codec);
  cd_clear(vm, &m->errors);
  cd_clear(vm, &m->stream);
}

static void multi_traverse(Object *self, VisitFn visit, void *context)
{
  MultibyteObject *m = (MultibyteObject *)self;
  visit(context, m->codec);
  visit(context, m->stream);
}

static Ref multi_get_errors(VM *vm UNUSED, Value self) { return cd_dup(multi_of(self)->errors); }
static bool multi_set_errors(VM *vm, Value self, Value value)
{
  if (!value) return cd_raise_attribute(vm, self, NO_VALUE, "cannot delete attribute");
  if (!cd_is_str(value)) return cd_raise_type(vm, "errors must be a string");
  cd_replace(vm, &multi_of(self)->errors, cd_dup(value));
  return true;
}

static const GetSetDef multi_getset[] = {{"errors", "how to treat errors", multi_get_errors, multi_set_errors}, {NULL, NULL, NULL, NULL}};
static const MemberDef multi_members[] = {{"stream", offsetof(MultibyteObject, stream), MEMBER_VALUE, false, NULL}, {0}};

static Ref multi_encode_on(VM *vm, MultibyteObject *m, Value input, bool final)
{
  Ref errors = cd_dup(m->errors);
  const char *name = cd_str_utf8(vm, errors, NULL);
  Ref bytes = name ? multi_encode(vm, m->codec, input, name, &m->state, &m->held, final) : NO_REF;
  cd_drop(vm, errors);
  return bytes;
}

// Decodes what is pending and then the data; keeps what is incomplete. On failure nothing has changed.
static Ref multi_decode_on(VM *vm, MultibyteObject *m, const char *data, size_t size, bool final)
{
  char *joined = NULL;
  size_t before = m->pending_size, total = before + size, taken;
  if (before) {
    if (!(joined = cd_alloc(vm, total))) return NO_REF;
    memcpy(joined, m->pending, before);
    memcpy(joined + before, data, size);
    data = joined;
  }
  Ref errors = cd_dup(m->errors);
  const char *name = cd_str_utf8(vm, errors, NULL);
  Ref text = name ? multi_decode(vm, m->codec, data, total, name, &m->state, final, &taken) : NO_REF;
  if (text && taken < total && total - taken > MULTI_PENDING_MAX) {
    cd_raise(vm, vm->exc.UnicodeError, "pending buffer overflow");
    cd_forget(vm, &text);
  } else if (text) {
    m->pending_size = taken < total ? total - taken : 0;
    memcpy(m->pending, data + taken, m->pending_size);
  }
  cd_drop(vm, errors);
  if (joined) cd_free(vm, joined, total);
  return text;
}

// ---- MultibyteIncrementalEncoder ----

METHOD(multienc, encode, "encode(self, /, input, final=False)", "Encode text; the last call has final true.")
{
  bool final;
  return multi_final_argument(vm, args[1], &final) ? multi_encode_on(vm, multi_of(self), args[0], final) : NO_REF;
}

METHOD(multienc, reset, "reset(self, /)", "Go back to the initial state.")
{
  MultibyteObject *m = multi_of(self);
  m->held = 0;
  unsigned char ignored[8];
  const MultibyteSpec *spec = multi_codec(m->codec)->spec;
  if (spec->reset) spec->reset(&m->state, ignored);
  return cd_none();
}

// The state as an integer: a count, so many bytes of UTF-8 that are held back, and the eight bytes of the state; lowest byte first.
METHOD(multienc, getstate, "getstate(self, /)", "Return the state as an integer.")
{
  MultibyteObject *m = multi_of(self);
  unsigned char bytes[1 + 4 + sizeof m->state] = {0};
  int n = m->held ? cd_utf8_put((char *)bytes + 1, m->held) : 0;
  bytes[0] = (unsigned char)n;
  memcpy(bytes + 1 + n, &m->state, sizeof m->state);
  return cd_int_from_bytes(vm, bytes, 1 + (size_t)n + sizeof m->state, true, false);
}

METHOD(multienc, setstate, "setstate(self, state, /)", "Set a state that getstate() returned.")
{
  MultibyteObject *m = multi_of(self);
  unsigned char bytes[1 + MULTI_PENDING_MAX + sizeof m->state];
  if (!cd_is_int(args[0])) return cd_raise_type(vm, "setstate() argument must be int, not %T", args[0]);
  if (!cd_int_to_bytes(vm, args[0], bytes, sizeof bytes, true, false)) return NO_REF;
  size_t n = bytes[0];
  if (n > MULTI_PENDING_MAX) return cd_raise(vm, vm->exc.UnicodeError, "pending buffer too large");
  Ref held = cd_str_decode_utf8(vm, (char *)bytes + 1, n, NULL);
  if (!held) return NO_REF;
  size_t count = cd_str_length(held);
  cd_drop(vm, held);
  if (count > 1) return cd_raise(vm, vm->exc.UnicodeError, "pending buffer too large");
  const char *p = (char *)bytes + 1;
  m->held = n ? cd_utf8_next(&p) : 0;
  memcpy(&m->state, bytes + 1 + n, sizeof m->state);
  return cd_none();
}

static const MethodDef *const multienc_methods[] = {&multienc_encode_def, &multienc_reset_def, &multienc_getstate_def,
                                                    &multienc_setstate_def, NULL};

// ---- MultibyteIncrementalDecoder ----

METHOD(multidec, decode, "decode(self, /, input, final=False)", "Decode bytes; the last call has final true.")
{
  bool final;
  Buffer buffer;
  if (!multi_final_argument(vm, args[1], &final) || !cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref text = multi_decode_on(vm, multi_of(self), buffer.data, (size_t)buffer.size, final);
  cd_release_buffer(vm, &buffer);
  return text;
}

METHOD(multidec, reset, "reset(self, /)", "Go back to the initial state.")
{
  MultibyteObject *m = multi_of(self);
  m->state = multi_codec(m->codec)->spec->decode_initial;
  m->pending_size = 0;
  return cd_none();
}

METHOD(multidec, getstate, "getstate(self, /)", "Return the bytes that wait for more, and the state as an integer.")
{
  MultibyteObject *m = multi_of(self);
  Ref pending = cd_bytes_new(vm, (char *)m->pending, m->pending_size);
  return cd_tuple2_steal(vm, pending, pending ? cd_int_from_bytes(vm, m->state.c, sizeof m->state, true, false) : NO_REF);
}

METHOD(multidec, setstate, "setstate(self, state, /)", "Set a state that getstate() returned.")
{
  MultibyteObject *m = multi_of(self);
  MultibyteState state;
  if (!cd_is_tuple(args[0]) || cd_tuple_size(args[0]) != 2)
    return cd_raise_type(vm, "setstate() argument must be a tuple of bytes and int");
  Value pending = cd_tuple_item_borrow(args[0], 0), number = cd_tuple_item_borrow(args[0], 1);
  if (!cd_is_bytes(pending) || !cd_is_int(number)) return cd_raise_type(vm, "setstate() argument must be a tuple of bytes and int");
  if (!cd_int_to_bytes(vm, number, state.c, sizeof state, true, false)) return NO_REF;
  if (cd_bytes_size(pending) > MULTI_PENDING_MAX) {
    cd_raise_decode(vm, multi_codec(m->codec)->spec->name, cd_bytes_data(pending), cd_bytes_size(pending), 0, cd_bytes_size(pending),
                    "pending buffer too large");
    return NO_REF;
  }
  m->state = state;
  m->pending_size = cd_bytes_size(pending);
  memcpy(m->pending, cd_bytes_data(pending), m->pending_size);
  return cd_none();
}

static const MethodDef *const multidec_methods[] = {&multidec_decode_def, &multidec_reset_def, &multidec_getstate_def,
                                                    &multidec_setstate_def, NULL};

// ---- MultibyteStreamReader ----

// Text of what stream.<method>(size) gives; reads on while that is not enough for a character. size < 0: everything.
static Ref multi_read(VM *vm, MultibyteObject *m, const char *method, int64_t size)
{
  for (;;) {
    Ref function = cd_getattr_text(vm, m->stream, method);
    Value wanted = cd_from_small(size);
    Ref data = function ? cd_call(vm, function, &wanted, size >= 0, NO_VALUE) : NO_REF;
    cd_drop(vm, function);
    if (!data) return NO_REF;
    if (!cd_is_bytes(data)) {
      cd_raise_type(vm, "stream function returned a non-bytes object (%.100T)", data);
      cd_drop(vm, data);
      return NO_REF;
    }
    bool end = cd_bytes_size(data) == 0 || size < 0;
    Ref text = multi_decode_on(vm, m, cd_bytes_data(data), cd_bytes_size(data), end);
    cd_drop(vm, data);
    if (!text || end || cd_str_length(text)) return text;
    cd_drop(vm, text);
    size = 1;                                    // one more byte may complete it
  }
}

static bool multi_size_argument(VM *vm, Value v, int64_t *out)
{
  *out = -1;
  if (!v || cd_is_none(v)) return true;
  if (!cd_is_int(v)) return cd_raise_type(vm, "arg 1 must be an integer");
  return cd_to_i64(vm, v, out, vm->exc.OverflowError);
}

METHOD(multireader, read, "read(self, sizeobj=None, /)", "Read and decode up to so many bytes.")
{
  int64_t size;
  return multi_size_argument(vm, args[0], &size) ? multi_read(vm, multi_of(self), "read", size) : NO_REF;
}

METHOD(multireader, readline, "readline(self, sizeobj=None, /)", "Read and decode a line.")
{
  int64_t size;
  return multi_size_argument(vm, args[0], &size) ? multi_read(vm, multi_of(self), "readline", size) : NO_REF;
}

METHOD(multireader, readlines, "readlines(self, sizehintobj=None, /)", "Read and decode lines into a list.")
{
  int64_t size;
  if (!multi_size_argument(vm, args[0], &size)) return NO_REF;
  Ref text = multi_read(vm, multi_of(self), "read", size), name = text ? cd_str_from(vm, "splitlines") : NO_REF;
  Ref lines = name ? cd_call_method1(vm, text, name, cd_true()) : NO_REF;
  cd_drop(vm, name);
  cd_drop(vm, text);
  return lines;
}

METHOD(multireader, reset, "reset(self, /)", "Go back to the initial state.") { return multidec_reset(vm, self, args); }

static const MethodDef *const multireader_methods[] = {&multireader_read_def, &multireader_readline_def, &multireader_readlines_def,
                                                       &multireader_reset_def, NULL};

// ---- MultibyteStreamWriter ----

static bool multi_write(VM *vm, MultibyteObject *m, Value text)
{
  Ref bytes = multi_encode_on(vm, m, text, false), name = bytes ? cd_str_from(vm, "write") : NO_REF;
  Ref done = name ? cd_call_method1(vm, m->stream, name, bytes) : NO_REF;
  cd_drop(vm, name);
  cd_drop(vm, bytes);
  cd_drop(vm, done);
  return done;
}

METHOD(multiwriter, write, "write(self, strobj, /)", "Encode text and write it to the stream.")
{
  return multi_write(vm, multi_of(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(multiwriter, writelines, "writelines(self, lines, /)", "Encode texts and write them to the stream.")
{
  int64_t count;
  if (!cd_len(vm, args[0], &count)) return NO_REF;
  for (int64_t i = 0; i < count; i++) {
    Ref line = cd_getitem(vm, args[0], cd_from_small(i));
    bool ok = line && multi_write(vm, multi_of(self), line);
    cd_drop(vm, line);
    if (!ok || !cd_len(vm, args[0], &count)) return NO_REF;
  }
  return cd_none();
}

METHOD(multiwriter, reset, "reset(self, /)", "Write what is held back, if anything is.")
{
  MultibyteObject *m = multi_of(self);
  if (!m->held) return cd_none();
  Ref empty = cd_str_ascii(vm, "", 0), bytes = empty ? multi_encode_on(vm, m, empty, true) : NO_REF,
      name = bytes ? cd_str_from(vm, "write") : NO_REF;
  Ref done = !name ? NO_REF : cd_bytes_size(bytes) ? cd_call_method1(vm, m->stream, name, bytes) : cd_none();
  cd_drop(vm, name);
  cd_drop(vm, bytes);
  cd_drop(vm, empty);
  cd_drop(vm, done);
  return done ? cd_none() : NO_REF;
}

static const MethodDef *const multiwriter_methods[] = {&multiwriter_write_def, &multiwriter_writelines_def, &multiwriter_reset_def, NULL};

// ---- the module ----

#define MULTI_SPEC(symbol, pyname, new_fn, table, member_table)                  \
  static const TypeSpec symbol = {.name = "_multibytecodec." pyname,             \
                                  .basicsize = sizeof(MultibyteObject),          \
                                  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE, \
                                  .methods = table,                              \
                                  .getset = multi_getset,                        \
                                  .members = member_table,                       \
                                  .slots = {.release = multi_release, .traverse = multi_traverse, .new_ = new_fn, .init = multi_init}};
MULTI_SPEC(multienc_spec, "MultibyteIncrementalEncoder", multienc_new, multienc_methods, NULL)
MULTI_SPEC(multidec_spec, "MultibyteIncrementalDecoder", multidec_new, multidec_methods, NULL)
MULTI_SPEC(multireader_spec, "MultibyteStreamReader", multireader_new, multireader_methods, multi_members)
MULTI_SPEC(multiwriter_spec, "MultibyteStreamWriter", multiwriter_new, multiwriter_methods, multi_members)

static bool multi_exec(VM *vm, Value module)
{
  MultibyteModule *s = multi_module(vm);
  s->codec = cd_module_add_type(vm, module, &multicodec_spec, NO_VALUE);
  if (!s->codec) return false;
  cd_dup_object(s->codec);
  return cd_module_add_type(vm, module, &multienc_spec, NO_VALUE) && cd_module_add_type(vm, module, &multidec_spec, NO_VALUE) &&
         cd_module_add_type(vm, module, &multireader_spec, NO_VALUE) && cd_module_add_type(vm, module, &multiwriter_spec, NO_VALUE);
}

static void multi_module_traverse(void *p, VisitFn visit, void *context)
{
  MultibyteModule *s = p;
  if (s->codec) visit(context, cd_type_value(s->codec));
}

static void multi_module_clear(VM *vm, void *p)
{
  MultibyteModule *s = p;
  for (MultibyteCodec *codec = s->codecs, *next; codec; codec = next) {   // still held by something that ends with the VM
    next = codec->next;
    codec->link = NULL;
    codec->next = NULL;
    for (size_t i = 0; i < ARRAY_LEN(codec->sets); i++) cd_charset_close(&codec->sets[i]);
  }
  s->codecs = NULL;
  Type *type = s->codec;
  s->codec = NULL;
  cd_drop_object(vm, type);
}

const ModuleDef cd_module__multibytecodec = {.name = "_multibytecodec", .state_size = sizeof(MultibyteModule), .exec = multi_exec,
                                             .traverse = multi_module_traverse, .clear = multi_module_clear};

Type *cd_multibyte_codec_type(VM *vm)
{
  Ref module = cd_import(vm, "_multibytecodec");
  if (!module) return NULL;
  cd_drop(vm, module);                           // sys.modules keeps it
  return multi_module(vm)->codec;
}

// ---- the modules with the codecs ----

static Ref multi_getcodec(VM *vm, Value name, const MultibyteSpec *specs)
{
  if (!cd_is_str(name)) return cd_raise_type(vm, "encoding name must be a string.");
  for (; specs->name; specs++)
    if (cd_str_is(name, specs->name)) return multicodec_new(vm, specs);
  return cd_raise(vm, vm->exc.LookupError, "no such codec is supported.");
}

#define CODECS_MODULE(id)                                                                                          \
  FUNCTION(codecs_##id, getcodec, "getcodec(name, /)", NULL) { return multi_getcodec(vm, args[0], cd_multibyte_##id); }   \
  static const MethodDef *const codecs_##id##_functions[] = {&codecs_##id##_getcodec_def, NULL};                   \
  const ModuleDef cd_module__codecs_##id = {.name = "_codecs_" #id, .functions = codecs_##id##_functions};
CODECS_MODULE(cn)
CODECS_MODULE(hk)
CODECS_MODULE(jp)
CODECS_MODULE(kr)
CODECS_MODULE(tw)
CODECS_MODULE(iso2022)
