// SPDX-License-Identifier: MIT
// io_newline.c: universal newlines: translation, line search, IncrementalNewlineDecoder
#include "modules/io.h"

Ref cd_io_translate_newlines(VM *vm, Value text, bool translate, bool final, bool *pending_cr, int *seen)
{
  const char *data = cd_str_data(text);
  size_t size = cd_str_size(text);
  bool carried = *pending_cr;
  if (carried && (size || final)) *pending_cr = false;
  else carried = false;
  bool held = size && data[size - 1] == '\r' && !final;
  if (held) {
    size--;
    *pending_cr = true;
  }
  if (!carried && !held && !memchr(data, '\r', size)) {
    if (memchr(data, '\n', size)) *seen |= SEEN_LF;
    return cd_dup(text);
  }
  TextBuilder out;
  cd_text_init(&out, vm);
  bool ok = true;
  size_t i = 0;
  if (carried) {
    bool crlf = size && data[0] == '\n';
    *seen |= crlf ? SEEN_CRLF : SEEN_CR;
    ok = cd_text_puts(&out, translate ? "\n" : crlf ? "\r\n" : "\r");
    i = crlf;
  }
  while (ok && i < size) {
    size_t start = i;
    while (i < size && data[i] != '\r' && data[i] != '\n') i++;
    ok = cd_text_put(&out, data + start, i - start);
    if (!ok || i == size) break;
    bool cr = data[i] == '\r', crlf = cr && i + 1 < size && data[i + 1] == '\n';
    *seen |= crlf ? SEEN_CRLF : cr ? SEEN_CR : SEEN_LF;
    ok = cd_text_puts(&out, translate || !cr ? "\n" : crlf ? "\r\n" : "\r");
    i += crlf ? 2 : 1;
  }
  if (ok) return cd_text_finish(&out);
  cd_text_clear(&out);
  return NO_REF;
}

Ref cd_io_newlines_value(VM *vm, int seen)
{
  static const char *const texts[3] = {"\r", "\n", "\r\n"};
  Value found[3];
  size_t count = 0;
  Ref result = NO_REF;
  if (!seen) return cd_none();
  for (int i = 0; i < 3; i++)
    if (seen & (1 << i)) {
      Ref text = cd_str_from(vm, texts[i]);
      if (!text) goto done;
      found[count++] = text;
    }
  result = count == 1 ? cd_dup(found[0]) : cd_tuple_of(vm, count, found);
done:
  while (count) cd_drop(vm, cd_take(&found[--count]));
  return result;
}

// Byte offset just behind the end of the line that starts at `start`, or -1 when text ends first. With `universal` any of \n, \r, \r\n
// ends a line; a '\r' at the very end counts, the caller decides whether more may follow.
int64_t cd_io_line_end(const char *text, size_t size, size_t start, bool translated, bool universal, const char *newline)
{
  if (translated || (!universal && newline[0] == '\n')) {
    const char *end = memchr(text + start, '\n', size - start);
    return end ? end - text + 1 : -1;
  }
  if (universal) {
    for (size_t i = start; i < size; i++) {
      if (text[i] == '\n') return (int64_t)i + 1;
      if (text[i] == '\r') return (int64_t)(i + 1 < size && text[i + 1] == '\n' ? i + 2 : i + 1);
    }
    return -1;
  }
  const char *end = memmem(text + start, size - start, newline, strlen(newline));
  return end ? end - text + (int64_t)strlen(newline) : -1;
}

// ---- IncrementalNewlineDecoder ----

typedef struct NewlineDecoder {
  Object head;
  Value decoder;                                 // owned; None: input is str already
  Value errors;                                  // owned
  bool translate, pending_cr;
  int seen;
} NewlineDecoder;

static NewlineDecoder *as_newline_decoder(Value self) { return (NewlineDecoder *)cd_object(self); }

static Ref newline_decoder_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return cd_from_object(cd_instance_new(vm, type));
}

static bool newline_decoder_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[3];
  Ref owned[2] = {NO_REF, NO_REF};
  NewlineDecoder *d = as_newline_decoder(self);
  if (!cd_bind_text(vm, "IncrementalNewlineDecoder(decoder, translate, errors='strict')", args, nargs, kwnames, bound, owned)) return false;
  if (!cd_truth(vm, bound[1], &d->translate)) return false;
  Ref errors = bound[2] ? cd_dup(bound[2]) : cd_str_from(vm, "strict");
  if (!errors) return false;
  cd_replace(vm, &d->errors, errors);
  cd_replace(vm, &d->decoder, cd_dup(bound[0]));
  d->seen = 0;
  d->pending_cr = false;
  return true;
}

static bool newline_decoder_usable(VM *vm, NewlineDecoder *d)
{
  return d->decoder || cd_raise_value(vm, "IncrementalNewlineDecoder.__init__() not called");
}

METHOD(newlinedecoder, decode, "decode(self, /, input, final=False)", "Decode, then translate or record line ends.")
{
  NewlineDecoder *d = as_newline_decoder(self);
  bool final = false;
  if (!newline_decoder_usable(vm, d) || (args[1] && !cd_truth(vm, args[1], &final))) return NO_REF;
  Ref text;
  if (cd_is_none(d->decoder)) text = cd_dup(args[0]);
  else {
    Value arguments[2] = {args[0], cd_bool(final)};
    text = cd_call_method(vm, d->decoder, N(decode), arguments, 2);
  }
  if (!text) return NO_REF;
  if (!cd_is_str(text)) {
    cd_raise_type(vm, "decoder should return a string result, not '%T'", text);
    cd_drop(vm, text);
    return NO_REF;
  }
  Ref result = cd_io_translate_newlines(vm, text, d->translate, final, &d->pending_cr, &d->seen);
  cd_drop(vm, text);
  return result;
}

METHOD(newlinedecoder, getstate, "getstate(self, /)", "(pending bytes, flags), as codecs define it.")
{
  NewlineDecoder *d = as_newline_decoder(self);
  if (!newline_decoder_usable(vm, d)) return NO_REF;
  if (cd_is_none(d->decoder)) return cd_tuple2_steal(vm, cd_bytes_new(vm, "", 0), cd_from_small(d->pending_cr));
  Ref state = cd_call_method0(vm, d->decoder, N(getstate));
  if (!state) return NO_REF;
  Ref result = NO_REF;
  if (!cd_is_tuple(state) || cd_tuple_size(state) != 2 || !cd_is_int(cd_tuple_item_borrow(state, 1)))
    cd_raise_type(vm, "illegal decoder state");
  else {
    Ref shifted = cd_int_lshift(vm, cd_tuple_item_borrow(state, 1), cd_from_small(1));
    Ref flags = shifted ? cd_int_add(vm, shifted, cd_from_small(d->pending_cr)) : NO_REF;
    cd_drop(vm, shifted);
    result = cd_tuple2_steal(vm, cd_dup(cd_tuple_item_borrow(state, 0)), flags);
  }
  cd_drop(vm, state);
  return result;
}

METHOD(newlinedecoder, setstate, "setstate(self, state, /)", "Restore what getstate() gave.")
{
  NewlineDecoder *d = as_newline_decoder(self);
  if (!newline_decoder_usable(vm, d)) return NO_REF;
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "state argument must be a tuple");
  if (cd_tuple_size(args[0]) != 2 || !cd_is_int(cd_tuple_item_borrow(args[0], 1)))
    return cd_raise_type(vm, "setstate(): illegal state argument");
  int64_t low;
  Value flags = cd_tuple_item_borrow(args[0], 1);
  if (!cd_int_fits_i64(flags, &low)) return cd_raise_overflow(vm, "decoder state flags do not fit");
  d->pending_cr = low & 1;
  if (cd_is_none(d->decoder)) return cd_none();
  Ref state = cd_tuple2_steal(vm, cd_dup(cd_tuple_item_borrow(args[0], 0)), cd_int_from_i64(vm, low >> 1));
  if (!state) return NO_REF;
  Ref result = cd_call_method1(vm, d->decoder, io_name(vm, IO_SETSTATE), state);
  cd_drop(vm, state);
  return result;
}

METHOD(newlinedecoder, reset, "reset(self, /)", "Back to the initial state.")
{
  NewlineDecoder *d = as_newline_decoder(self);
  if (!newline_decoder_usable(vm, d)) return NO_REF;
  d->seen = 0;
  d->pending_cr = false;
  return cd_is_none(d->decoder) ? cd_none() : cd_call_method0(vm, d->decoder, io_name(vm, IO_RESET));
}

static Ref newlinedecoder_get_newlines(VM *vm, Value self) { return cd_io_newlines_value(vm, as_newline_decoder(self)->seen); }
static void newline_decoder_release(VM *vm, Object *self)
{
  cd_clear(vm, &((NewlineDecoder *)self)->decoder);
  cd_clear(vm, &((NewlineDecoder *)self)->errors);
}
static void newline_decoder_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((NewlineDecoder *)self)->decoder);
  visit(context, ((NewlineDecoder *)self)->errors);
}

static const MethodDef *const newlinedecoder_methods[] = {&newlinedecoder_decode_def, &newlinedecoder_getstate_def,
                                                          &newlinedecoder_setstate_def, &newlinedecoder_reset_def, NULL};
static const GetSetDef newlinedecoder_getset[] = {{"newlines", "Line ends seen so far.", newlinedecoder_get_newlines, NULL},
                                                  {NULL, NULL, NULL, NULL}};
const TypeSpec cd_io_newline_decoder_spec = {
  .name = "_io.IncrementalNewlineDecoder",
  .doc = "IncrementalNewlineDecoder(decoder, translate, errors='strict')\n--\n\nAn incremental decoder around another that handles "
         "universal newlines.",
  .basicsize = sizeof(NewlineDecoder),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = newlinedecoder_methods,
  .getset = newlinedecoder_getset,
  .slots = {
    .new_ = newline_decoder_new, .init = newline_decoder_init, .release = newline_decoder_release, .traverse = newline_decoder_traverse}};
