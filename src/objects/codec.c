// SPDX-License-Identifier: MIT
// codec.c: the registry of codecs and error handlers; encoding and decoding by name
#include "objects/codec.h"

#include "objects/bytes.h"
#include "objects/codec_frames.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

// Made at the first need. All owned.
struct Codecs {
  Value search;                                  // list of search functions
  Value cache;                                   // dict: normalised name -> CodecInfo
  Value handlers;                                // dict: name -> callable
  bool loaded;                                   // the package `encodings` was imported, or tried
};

static struct Codecs *codecs_state(VM *vm)
{
  if (vm->codecs) return vm->codecs;
  struct Codecs *codecs = cd_alloc_zeroed(vm, sizeof *codecs);
  if (!codecs) return NULL;
  Ref search = cd_list_new(vm), cache = cd_dict_new(vm), handlers = cd_dict_new(vm);
  if (!search || !cache || !handlers || !cd_codec_add_builtin_handlers(vm, handlers)) {
    cd_drop(vm, search);
    cd_drop(vm, cache);
    cd_drop(vm, handlers);
    cd_free(vm, codecs, sizeof *codecs);
    return NULL;
  }
  *codecs = (struct Codecs){.search = search, .cache = cache, .handlers = handlers};
  return vm->codecs = codecs;
}

void cd_codecs_finish(VM *vm)
{
  struct Codecs *codecs = vm->codecs;
  if (!codecs) return;
  vm->codecs = NULL;
  cd_clear(vm, &codecs->search);
  cd_clear(vm, &codecs->cache);
  cd_clear(vm, &codecs->handlers);
  cd_free(vm, codecs, sizeof *codecs);
}

// ---- error handlers ----

Ref cd_codec_error_handler(VM *vm, const char *name)
{
  struct Codecs *codecs = codecs_state(vm);
  if (!codecs) return NO_REF;
  Value handler = cd_dict_get_text_borrow(vm, codecs->handlers, name ? name : "strict");
  if (handler) return cd_dup(handler);
  return cd_raise(vm, vm->exc.LookupError, "unknown error handler name '%.400s'", name);
}

bool cd_codec_register_error(VM *vm, const char *name, Value handler)
{
  struct Codecs *codecs = codecs_state(vm);
  if (!codecs) return false;
  if (!cd_is_callable(vm, handler)) return cd_raise_type(vm, "handler must be callable");
  return cd_dict_set_text(vm, codecs->handlers, name, handler);
}

// ---- search ----

bool cd_codec_register(VM *vm, Value search)
{
  struct Codecs *codecs = codecs_state(vm);
  if (!codecs) return false;
  if (!cd_is_callable(vm, search)) return cd_raise_type(vm, "argument must be callable");
  return cd_list_append(vm, cd_as_list(codecs->search), search);
}

bool cd_codec_unregister(VM *vm, Value search)
{
  struct Codecs *codecs = codecs_state(vm);
  if (!codecs) return false;
  List *list = cd_as_list(codecs->search);
  for (size_t i = 0; i < list->size; i++) {
    if (!cd_is(list->items[i], search)) continue;
    cd_dict_clear(vm, codecs->cache);
    Ref gone = cd_list_pop(vm, list, i);
    cd_drop(vm, gone);
    return gone;
  }
  return true;
}

// Lower case, runs of anything but letters, digits and dots as one underscore.
static size_t codec_normalize(const char *name, char *out, size_t room)
{
  size_t n = 0;
  bool gap = false;
  for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
    bool word = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == '.';
    if (!word) { gap = true; continue; }
    if (gap && n && n < room) out[n++] = '_';
    gap = false;
    if (n < room) out[n++] = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : (char)*p;
  }
  out[n < room ? n : room] = 0;
  return n;
}

static bool codecs_load(VM *vm, struct Codecs *codecs)
{
  if (codecs->loaded) return true;
  codecs->loaded = true;
  Ref package = cd_import(vm, "encodings");
  if (package) { cd_drop(vm, package); return true; }
  return cd_swallow(vm, vm->exc.ModuleNotFoundError);    // no library: the built-in codecs remain
}

// Asks the search functions. FIND_MISSING: none knows it.
static Find codecs_search(VM *vm, struct Codecs *codecs, Value name, Ref *out)
{
  for (size_t i = 0; i < cd_list_size(codecs->search); i++) {
    Ref function = cd_dup(cd_list_item_borrow(codecs->search, i));
    Ref info = cd_call1(vm, function, name);
    cd_drop(vm, function);
    if (!info) return FIND_ERROR;
    if (cd_is_none(info)) continue;
    if (!cd_is_tuple(info) || cd_tuple_size(info) != 4) {
      cd_drop(vm, info);
      cd_raise_type(vm, "codec search functions must return 4-tuples");
      return FIND_ERROR;
    }
    *out = info;
    return FIND_HIT;
  }
  return FIND_MISSING;
}

Ref cd_codec_lookup(VM *vm, const char *encoding)
{
  struct Codecs *codecs = codecs_state(vm);
  size_t room = strlen(encoding) + 1;
  char *text = codecs ? cd_alloc(vm, room) : NULL;
  if (!text) return NO_REF;
  codec_normalize(encoding, text, room - 1);
  Ref name = cd_str_intern(vm, cd_str_from(vm, text)), info = NO_REF;
  cd_free(vm, text, room);
  if (!name) return NO_REF;
  Find found = cd_dict_find(vm, codecs->cache, name, &info);
  if (found == FIND_MISSING && codecs_load(vm, codecs)) {
    found = codecs_search(vm, codecs, name, &info);
    if (found == FIND_HIT && !cd_dict_set(vm, codecs->cache, name, info)) cd_forget(vm, &info);
    if (found == FIND_MISSING) cd_raise(vm, vm->exc.LookupError, "unknown encoding: %s", encoding);
  }
  cd_drop(vm, name);
  return found == FIND_HIT ? info : NO_REF;
}

// ---- by name ----

typedef enum { BUILTIN_NONE, BUILTIN_UTF8, BUILTIN_ASCII, BUILTIN_LATIN1, BUILTIN_UTF16, BUILTIN_UTF32 } BuiltinCodec;

static BuiltinCodec codec_builtin(const char *encoding)
{
  static const struct { const char *name; BuiltinCodec codec;
  } names[] = {
    {"utf_8", BUILTIN_UTF8},     {"utf8", BUILTIN_UTF8},     {"ascii", BUILTIN_ASCII},      {"us_ascii", BUILTIN_ASCII},
    {"latin_1", BUILTIN_LATIN1}, {"latin1", BUILTIN_LATIN1}, {"iso8859_1", BUILTIN_LATIN1}, {"iso_8859_1", BUILTIN_LATIN1},
    {"utf_16", BUILTIN_UTF16},   {"utf16", BUILTIN_UTF16},   {"utf_32", BUILTIN_UTF32},     {"utf32", BUILTIN_UTF32},
  };
  if (!encoding) return BUILTIN_UTF8;
  char name[16];
  if (codec_normalize(encoding, name, sizeof name - 1) >= sizeof name) return BUILTIN_NONE;
  for (size_t i = 0; i < ARRAY_LEN(names); i++)
    if (strcmp(name, names[i].name) == 0) return names[i].codec;
  return BUILTIN_NONE;
}

// In development mode an unknown handler is an error even when it isn't needed.
static bool codec_check_errors(VM *vm, const char *errors)
{
  if (!vm->config.dev_mode || !errors || !vm->started) return true;
  Ref handler = cd_codec_error_handler(vm, errors);
  cd_drop(vm, handler);
  return handler;
}

static Ref codec_builtin_encode(VM *vm, BuiltinCodec codec, Value s, const char *errors)
{
  switch (codec) {
  case BUILTIN_UTF8: return cd_utf8_encode(vm, s, errors);
  case BUILTIN_ASCII: return cd_ascii_encode(vm, s, errors, 128);
  case BUILTIN_LATIN1: return cd_ascii_encode(vm, s, errors, 256);
  case BUILTIN_UTF16: return cd_utf16_encode(vm, s, errors, 0);
  default: return cd_utf32_encode(vm, s, errors, 0);
  }
}

static Ref codec_builtin_decode(VM *vm, BuiltinCodec codec, const char *data, size_t size, const char *errors)
{
  int order = 0;
  switch (codec) {
  case BUILTIN_UTF8: return cd_utf8_decode(vm, data, size, errors, true, NULL);
  case BUILTIN_ASCII: return cd_ascii_decode(vm, data, size, errors, 128);
  case BUILTIN_LATIN1: return cd_ascii_decode(vm, data, size, errors, 256);
  case BUILTIN_UTF16: return cd_utf16_decode(vm, data, size, errors, &order, true, NULL);
  default: return cd_utf32_decode(vm, data, size, errors, &order, true, NULL);
  }
}

// The current exception again, with "encoding with 'x' codec failed (..)" as its text and itself as the cause; only of plain exceptions,
// whose text is all they have.
static void codec_wrap_error(VM *vm, const char *what, const char *encoding)
{
  Ref raised = cd_take_raised(vm);
  if (!raised) return;
  Exception *e = cd_as_exception(raised);
  Type *type = e->head.type;
  size_t count = e->args ? cd_tuple_size(e->args) : 0;
  bool plain = type->basicsize <= vm->exc.Exception->basicsize + sizeof(Weakref *) && type->spec->basicsize == sizeof(Exception) &&
               type->slots.init == vm->exc.Exception->slots.init && type->slots.new_ == vm->exc.Exception->slots.new_ &&
               (count == 0 || (count == 1 && cd_is_str(cd_tuple_item_borrow(e->args, 0)))) && !e->attributes.shape && !e->attributes.dict;
  Ref text = plain ? cd_str_format(vm, "%s with '%s' codec failed (%T: %S)", what, encoding, raised, raised) : NO_REF;
  Ref wrapped = text ? cd_call1(vm, cd_type_value(type), text) : NO_REF;
  cd_drop(vm, text);
  if (!wrapped || !cd_is_exception(wrapped)) {
    cd_drop(vm, wrapped);
    cd_clear_raised(vm);
    cd_restore_raised(vm, raised);
    return;
  }
  cd_raise_exception(vm, wrapped);
  cd_chain_cause(vm, raised);
}

// Calls item `which` of the codec's info, (object, errors) -> (result, length).
static Ref codec_run(VM *vm, Value object, const char *encoding, const char *errors, bool text_only, bool encode)
{
  Ref info = cd_codec_lookup(vm, encoding), result = NO_REF, handler = NO_REF;
  if (!info) return NO_REF;
  if (text_only && !cd_is_exact(info, vm->types.tuple)) {
    Ref flag = cd_getattr_text(vm, info, "_is_text_encoding");
    bool is_text = true;
    if (flag ? !cd_truth(vm, flag, &is_text) : !cd_swallow(vm, vm->exc.AttributeError)) { cd_drop(vm, flag); goto done; }
    cd_drop(vm, flag);
    if (!is_text) {
      cd_raise(vm, vm->exc.LookupError, "'%.400s' is not a text encoding; use %s to handle arbitrary codecs", encoding,
               encode ? "codecs.encode()" : "codecs.decode()");
      goto done;
    }
  }
  if (errors && !(handler = cd_str_from(vm, errors))) goto done;
  Value arguments[2] = {object, handler};
  Ref pair = cd_call(vm, cd_tuple_item_borrow(info, encode ? 0 : 1), arguments, handler ? 2 : 1, NO_VALUE);
  if (!pair) {
    codec_wrap_error(vm, encode ? "encoding" : "decoding", encoding);
    goto done;
  }
  if (cd_is_tuple(pair) && cd_tuple_size(pair) == 2) result = cd_dup(cd_tuple_item_borrow(pair, 0));
  else cd_raise_type(vm, encode ? "encoder must return a tuple (object, integer)" : "decoder must return a tuple (object,integer)");
  cd_drop(vm, pair);
done:
  cd_drop(vm, handler);
  cd_drop(vm, info);
  return result;
}

Ref cd_codec_encode(VM *vm, Value object, const char *encoding, const char *errors, bool text_only)
{
  if (!codec_check_errors(vm, errors)) return NO_REF;
  BuiltinCodec builtin = text_only && cd_is_str(object) ? codec_builtin(encoding) : BUILTIN_NONE;
  if (builtin) return codec_builtin_encode(vm, builtin, object, errors);
  if (!encoding) encoding = "utf-8";
  Ref result = codec_run(vm, object, encoding, errors, text_only, true);
  if (!result || !text_only || cd_is_bytes(result)) return result;
  Ref bytes = NO_REF;
  if (!cd_is_bytearray(result))
    cd_raise_type(vm, "'%.400s' encoder returned '%.400T' instead of 'bytes'; use codecs.encode() to encode to arbitrary types", encoding,
                  result);
  else if (cd_warn(vm, vm->exc.RuntimeWarning, 1,
                   "encoder %s returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types", encoding))
    bytes = cd_bytes_new(vm, cd_as_bytearray(result)->data, cd_as_bytearray(result)->size);
  cd_drop(vm, result);
  return bytes;
}

Ref cd_codec_decode(VM *vm, Value object, const char *encoding, const char *errors, bool text_only)
{
  if (!codec_check_errors(vm, errors)) return NO_REF;
  BuiltinCodec builtin = text_only ? codec_builtin(encoding) : BUILTIN_NONE;
  if (builtin) {
    Buffer buffer;
    if (!cd_get_buffer(vm, object, &buffer, BUFFER_SIMPLE)) return NO_REF;
    Ref text = codec_builtin_decode(vm, builtin, buffer.data, (size_t)buffer.size, errors);
    cd_release_buffer(vm, &buffer);
    return text;
  }
  if (!encoding) encoding = "utf-8";
  Ref result = codec_run(vm, object, encoding, errors, text_only, false);
  if (!result || !text_only || cd_is_str(result)) return result;
  cd_raise_type(vm, "'%.400s' decoder returned '%.400T' instead of 'str'; use codecs.decode() to decode to arbitrary types", encoding,
                result);
  cd_drop(vm, result);
  return NO_REF;
}

Ref cd_encode(VM *vm, Value s, const char *encoding, const char *errors) { return cd_codec_encode(vm, s, encoding, errors, true); }

Ref cd_decode(VM *vm, const char *data, size_t size, const char *encoding, const char *errors)
{
  if (!codec_check_errors(vm, errors)) return NO_REF;
  BuiltinCodec builtin = codec_builtin(encoding);
  if (builtin) return codec_builtin_decode(vm, builtin, data, size, errors);
  Ref bytes = cd_bytes_new(vm, data, size);
  Ref text = bytes ? cd_codec_decode(vm, bytes, encoding, errors, true) : NO_REF;
  cd_drop(vm, bytes);
  return text;
}
