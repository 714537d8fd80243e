// SPDX-License-Identifier: MIT
// _codecs.c: the registry of codecs and the built-in codecs as functions
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/codec.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

// ---- arguments ----

static bool codecs_name(VM *vm, Value v, const char *function, const char *which, const char **out)
{
  if (!cd_is_str(v)) return cd_raise_type(vm, "%s() argument%s must be str, not %T", function, which, v);
  size_t size;
  if (!(*out = cd_str_utf8(vm, v, &size))) return false;
  return strlen(*out) == size || cd_raise_value(vm, "embedded null character");
}

// The `errors` argument, number 2: a name, or None.
static bool codecs_errors(VM *vm, Value v, const char *function, const char **out)
{
  *out = NULL;
  if (!v || cd_is_none(v)) return true;
  if (!cd_is_str(v)) return cd_raise_type(vm, "%s() argument 2 must be str or None, not %T", function, v);
  size_t size;
  if (!(*out = cd_str_utf8(vm, v, &size))) return false;
  return strlen(*out) == size || cd_raise_value(vm, "embedded null character");
}

static bool codecs_text(VM *vm, Value v, const char *function)
{
  return cd_is_str(v) || cd_raise_type(vm, "%s() argument 1 must be str, not %T", function, v);
}

// Bytes to decode. Some functions accept str, too, and take its UTF-8.
typedef struct CodecInput { const char *data; size_t size; Buffer buffer; } CodecInput;

static bool codecs_input(VM *vm, Value v, bool or_text, CodecInput *in)
{
  in->buffer.owner = NO_VALUE;
  if (or_text && cd_is_str(v)) return (in->data = cd_str_utf8(vm, v, &in->size)) != NULL;
  if (!cd_get_buffer(vm, v, &in->buffer, BUFFER_SIMPLE)) return false;
  in->data = in->buffer.data;
  in->size = (size_t)in->buffer.size;
  return true;
}

static Ref codecs_pair(VM *vm, CodecInput *in, Ref result, size_t taken)
{
  if (in->buffer.owner) cd_release_buffer(vm, &in->buffer);
  return result ? cd_tuple2_steal(vm, result, cd_from_small((int64_t)taken)) : NO_REF;
}

static Ref codecs_encoded(VM *vm, Value text, Ref bytes)
{
  return bytes ? cd_tuple2_steal(vm, bytes, cd_from_small((int64_t)cd_str_length(text))) : NO_REF;
}

// ---- registry ----

FUNCTION(
  _codecs, register, "register(search_function, /)",
  "Register a search function: it is given an encoding's name in lower case and returns\na CodecInfo (a tuple of four functions), or None.")
{
  return cd_codec_register(vm, args[0]) ? cd_none() : NO_REF;
}
FUNCTION(_codecs, unregister, "unregister(search_function, /)", "Forget a search function and all codecs found so far.")
{
  return cd_codec_unregister(vm, args[0]) ? cd_none() : NO_REF;
}
FUNCTION(_codecs, lookup, "lookup(encoding, /)", "Find a codec; returns a CodecInfo.")
{
  const char *name;
  return codecs_name(vm, args[0], "lookup", "", &name) ? cd_codec_lookup(vm, name) : NO_REF;
}
FUNCTION(_codecs, register_error, "register_error(errors, handler, /)",
         "Register an error handler under a name: it is given a UnicodeError, and raises it or\nreturns a replacement and the position to "
         "go on at.")
{
  const char *name;
  return codecs_name(vm, args[0], "register_error", " 1", &name) && cd_codec_register_error(vm, name, args[1]) ? cd_none() : NO_REF;
}
FUNCTION(_codecs, lookup_error, "lookup_error(name, /)", "Return the error handler of that name; LookupError if there is none.")
{
  const char *name;
  return codecs_name(vm, args[0], "lookup_error", "", &name) ? cd_codec_error_handler(vm, name) : NO_REF;
}

static bool codecs_names(VM *vm, const Value *args, const char *function, const char **encoding, const char **errors)
{
  *encoding = "utf-8";
  *errors = NULL;
  return (!args[1] || codecs_name(vm, args[1], function, " 'encoding'", encoding)) &&
         (!args[2] || codecs_name(vm, args[2], function, " 'errors'", errors));
}
FUNCTION(_codecs, encode, "encode(obj, encoding='utf-8', errors='strict')", "Encode an object by the codec registered for the encoding.")
{
  const char *encoding, *errors;
  return codecs_names(vm, args, "encode", &encoding, &errors) ? cd_codec_encode(vm, args[0], encoding, errors, false) : NO_REF;
}
FUNCTION(_codecs, decode, "decode(obj, encoding='utf-8', errors='strict')", "Decode an object by the codec registered for the encoding.")
{
  const char *encoding, *errors;
  return codecs_names(vm, args, "decode", &encoding, &errors) ? cd_codec_decode(vm, args[0], encoding, errors, false) : NO_REF;
}

// ---- encoders ----

#define CODECS_ENCODER(name, call)                                                                                     \
  FUNCTION(_codecs, name, #name "(str, errors=None, /)", "Encode text; returns the bytes and the count of characters.") \
  {                                                                                                                    \
    const char *errors;                                                                                                \
    if (!codecs_text(vm, args[0], #name) || !codecs_errors(vm, args[1], #name, &errors)) return NO_REF;                \
    return codecs_encoded(vm, args[0], call);                                                                          \
  }
CODECS_ENCODER(utf_8_encode, cd_utf8_encode(vm, args[0], errors))
CODECS_ENCODER(utf_7_encode, cd_utf7_encode(vm, args[0], errors))
CODECS_ENCODER(utf_16_le_encode, cd_utf16_encode(vm, args[0], errors, -1))
CODECS_ENCODER(utf_16_be_encode, cd_utf16_encode(vm, args[0], errors, 1))
CODECS_ENCODER(utf_32_le_encode, cd_utf32_encode(vm, args[0], errors, -1))
CODECS_ENCODER(utf_32_be_encode, cd_utf32_encode(vm, args[0], errors, 1))
CODECS_ENCODER(ascii_encode, cd_ascii_encode(vm, args[0], errors, 128))
CODECS_ENCODER(latin_1_encode, cd_ascii_encode(vm, args[0], errors, 256))
CODECS_ENCODER(unicode_escape_encode, cd_unicode_escape_encode(vm, args[0]))
CODECS_ENCODER(raw_unicode_escape_encode, cd_raw_unicode_escape_encode(vm, args[0]))

#define CODECS_ORDERED_ENCODER(name, encode)                                                                           \
  FUNCTION(_codecs, name, #name "(str, errors=None, byteorder=0, /)",                                                  \
           "Encode text; byteorder 0 writes a byte order mark, -1 and 1 are little and big-endian without one.")       \
  {                                                                                                                    \
    const char *errors;                                                                                                \
    int order = 0;                                                                                                     \
    if (!codecs_text(vm, args[0], #name) || !codecs_errors(vm, args[1], #name, &errors)) return NO_REF;                \
    if (args[2] && !cd_to_c_int(vm, args[2], &order)) return NO_REF;                                                   \
    return codecs_encoded(vm, args[0], encode(vm, args[0], errors, (order > 0) - (order < 0)));                        \
  }
CODECS_ORDERED_ENCODER(utf_16_encode, cd_utf16_encode)
CODECS_ORDERED_ENCODER(utf_32_encode, cd_utf32_encode)

FUNCTION(_codecs, charmap_encode, "charmap_encode(str, errors=None, mapping=None, /)",
         "Encode text by a mapping from code points to bytes.")
{
  const char *errors;
  if (!codecs_text(vm, args[0], "charmap_encode") || !codecs_errors(vm, args[1], "charmap_encode", &errors)) return NO_REF;
  return codecs_encoded(vm, args[0], cd_charmap_encode(vm, args[0], errors, args[2] ? args[2] : cd_none()));
}
FUNCTION(_codecs, charmap_build, "charmap_build(map, /)", "Turn a decoding table into a mapping for charmap_encode().")
{
  return cd_is_str(args[0]) ? cd_charmap_build(vm, args[0]) : cd_raise_type(vm, "charmap_build() argument must be str, not %T", args[0]);
}
FUNCTION(_codecs, readbuffer_encode, "readbuffer_encode(data, errors=None, /)", "Return the contents of a buffer, or of text as UTF-8.")
{
  const char *errors;
  CodecInput in;
  if (!codecs_input(vm, args[0], true, &in)) return NO_REF;
  Ref bytes = codecs_errors(vm, args[1], "readbuffer_encode", &errors) ? cd_bytes_new(vm, in.data, in.size) : NO_REF;
  return codecs_pair(vm, &in, bytes, in.size);
}

FUNCTION(_codecs, escape_encode, "escape_encode(data, errors=None, /)", "Write bytes with escapes, as repr() does.")
{
  static const char digits[] = "0123456789abcdef";
  const char *errors;
  if (!cd_is_bytes(args[0])) return cd_raise_type(vm, "escape_encode() argument 1 must be bytes, not %T", args[0]);
  if (!codecs_errors(vm, args[1], "escape_encode", &errors)) return NO_REF;
  ByteBuilder out;
  cd_byte_builder_init(&out, vm);
  size_t size = cd_bytes_size(args[0]);
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)cd_bytes_data(args[0])[i];
    char piece[4] = {'\\', (char)c, digits[c >> 4], digits[c & 15]};
    size_t n = 2;
    if (c == '\t') piece[1] = 't';
    else if (c == '\n') piece[1] = 'n';
    else if (c == '\r') piece[1] = 'r';
    else if (c < ' ' || c >= 0x7F) { piece[1] = 'x'; n = 4; }
    else if (c != '\'' && c != '\\') { piece[0] = (char)c; n = 1; }
    if (cd_byte_builder_put(&out, piece, n)) continue;
    cd_byte_builder_clear(&out);
    return NO_REF;
  }
  Ref bytes = cd_byte_builder_finish(&out);
  return bytes ? cd_tuple2_steal(vm, bytes, cd_from_small((int64_t)size)) : NO_REF;
}

// ---- decoders ----

// The `final` argument as a truth.
static bool codecs_final(VM *vm, Value v, bool fallback, bool *out)
{
  *out = fallback;
  return !v || cd_truth(vm, v, out);
}

#define CODECS_DECODER(name, call)                                                                                        \
  FUNCTION(_codecs, name, #name "(data, errors=None, final=False, /)", "Decode bytes; returns the text and the count of bytes used.") \
  {                                                                                                                       \
    const char *errors;                                                                                                   \
    bool final = false;                                                                                                   \
    CodecInput in;                                                                                                        \
    size_t taken = 0;                                                                                                     \
    int order UNUSED = 0;                                                                                                 \
    if (!codecs_input(vm, args[0], false, &in)) return NO_REF;                                                            \
    Ref text = codecs_errors(vm, args[1], #name, &errors) && codecs_final(vm, args[2], false, &final) ? (call) : NO_REF;   \
    return codecs_pair(vm, &in, text, text && final ? in.size : taken);                                                  \
  }
CODECS_DECODER(utf_8_decode, cd_utf8_decode(vm, in.data, in.size, errors, final, &taken))
CODECS_DECODER(utf_7_decode, cd_utf7_decode(vm, in.data, in.size, errors, final, &taken))
CODECS_DECODER(utf_16_decode, cd_utf16_decode(vm, in.data, in.size, errors, &order, final, &taken))
CODECS_DECODER(utf_16_le_decode, (order = -1, cd_utf16_decode(vm, in.data, in.size, errors, &order, final, &taken)))
CODECS_DECODER(utf_16_be_decode, (order = 1, cd_utf16_decode(vm, in.data, in.size, errors, &order, final, &taken)))
CODECS_DECODER(utf_32_decode, cd_utf32_decode(vm, in.data, in.size, errors, &order, final, &taken))
CODECS_DECODER(utf_32_le_decode, (order = -1, cd_utf32_decode(vm, in.data, in.size, errors, &order, final, &taken)))
CODECS_DECODER(utf_32_be_decode, (order = 1, cd_utf32_decode(vm, in.data, in.size, errors, &order, final, &taken)))

#define CODECS_ORDERED_DECODER(name, decode)                                                                              \
  FUNCTION(_codecs, name, #name "(data, errors=None, byteorder=0, final=False, /)",                                       \
           "Decode bytes; returns the text, the count of bytes used, and the order found or given.")                      \
  {                                                                                                                       \
    const char *errors;                                                                                                   \
    bool final = false;                                                                                                   \
    CodecInput in;                                                                                                        \
    size_t taken = 0;                                                                                                     \
    int order = 0;                                                                                                        \
    if (!codecs_input(vm, args[0], false, &in)) return NO_REF;                                                            \
    bool ok = codecs_errors(vm, args[1], #name, &errors) && (!args[2] || cd_to_c_int(vm, args[2], &order)) &&             \
              codecs_final(vm, args[3], false, &final);                                                                   \
    Ref text = ok ? decode(vm, in.data, in.size, errors, &order, final, &taken) : NO_REF;                                 \
    if (in.buffer.owner) cd_release_buffer(vm, &in.buffer);                                                               \
    return text ? cd_tuple3_steal(vm, text, cd_from_small((int64_t)(final ? in.size : taken)), cd_from_small(order)) : NO_REF; \
  }
CODECS_ORDERED_DECODER(utf_16_ex_decode, cd_utf16_decode)
CODECS_ORDERED_DECODER(utf_32_ex_decode, cd_utf32_decode)

#define CODECS_SINGLE_BYTE_DECODER(name, limit)                                                                           \
  FUNCTION(_codecs, name, #name "(data, errors=None, /)", "Decode bytes; returns the text and the count of bytes used.")  \
  {                                                                                                                       \
    const char *errors;                                                                                                   \
    CodecInput in;                                                                                                        \
    if (!codecs_input(vm, args[0], false, &in)) return NO_REF;                                                            \
    Ref text = codecs_errors(vm, args[1], #name, &errors) ? cd_ascii_decode(vm, in.data, in.size, errors, limit) : NO_REF; \
    return codecs_pair(vm, &in, text, in.size);                                                                           \
  }
CODECS_SINGLE_BYTE_DECODER(ascii_decode, 128)
CODECS_SINGLE_BYTE_DECODER(latin_1_decode, 256)

FUNCTION(_codecs, charmap_decode, "charmap_decode(data, errors=None, mapping=None, /)",
         "Decode bytes by a mapping or a table from bytes to code points.")
{
  const char *errors;
  CodecInput in;
  if (!codecs_input(vm, args[0], false, &in)) return NO_REF;
  bool ok = codecs_errors(vm, args[1], "charmap_decode", &errors);
  Ref text = ok ? cd_charmap_decode(vm, in.data, in.size, errors, args[2] ? args[2] : cd_none()) : NO_REF;
  return codecs_pair(vm, &in, text, in.size);
}

// Warns of an unknown escape; drops the result if that became an error.
static Ref codecs_warn_escape(VM *vm, const char bad[4], Ref result)
{
  if (!result || !*bad) return result;
  bool ok = bad[1] ? cd_warn(vm, vm->exc.DeprecationWarning, 1, "invalid octal escape sequence '\\%s'", bad)
                   : cd_warn(vm, vm->exc.DeprecationWarning, 1, "invalid escape sequence '\\%c'", (int)(unsigned char)*bad);
  if (ok) return result;
  cd_drop(vm, result);
  return NO_REF;
}

FUNCTION(_codecs, unicode_escape_decode, "unicode_escape_decode(data, errors=None, final=True, /)", "Decode the inside of a str literal.")
{
  const char *errors;
  bool final = false;
  CodecInput in;
  size_t taken = 0;
  char bad[4] = "";
  if (!codecs_input(vm, args[0], true, &in)) return NO_REF;
  bool ok = codecs_errors(vm, args[1], "unicode_escape_decode", &errors) && codecs_final(vm, args[2], true, &final);
  Ref text = ok ? cd_unicode_escape_decode(vm, in.data, in.size, errors, final, &taken, bad) : NO_REF;
  if (ok) text = codecs_warn_escape(vm, bad, text);
  return codecs_pair(vm, &in, text, text && final ? in.size : taken);
}

FUNCTION(_codecs, raw_unicode_escape_decode, "raw_unicode_escape_decode(data, errors=None, final=True, /)",
         "Decode Latin-1 with \\u and \\U escapes.")
{
  const char *errors;
  bool final = false;
  CodecInput in;
  size_t taken = 0;
  if (!codecs_input(vm, args[0], true, &in)) return NO_REF;
  bool ok = codecs_errors(vm, args[1], "raw_unicode_escape_decode", &errors) && codecs_final(vm, args[2], true, &final);
  Ref text = ok ? cd_raw_unicode_escape_decode(vm, in.data, in.size, errors, final, &taken) : NO_REF;
  return codecs_pair(vm, &in, text, text && final ? in.size : taken);
}

FUNCTION(_codecs, escape_decode, "escape_decode(data, errors=None, /)", "Decode the inside of a bytes literal.")
{
  const char *errors;
  CodecInput in;
  char bad[4] = "";
  if (!codecs_input(vm, args[0], true, &in)) return NO_REF;
  bool ok = codecs_errors(vm, args[1], "escape_decode", &errors);
  Ref bytes = ok ? cd_bytes_escape_decode(vm, in.data, in.size, errors, bad) : NO_REF;
  if (ok) bytes = codecs_warn_escape(vm, bad, bytes);
  return codecs_pair(vm, &in, bytes, in.size);
}

static const MethodDef *const codecs_functions[] = {
  &_codecs_register_def,
  &_codecs_unregister_def,
  &_codecs_lookup_def,
  &_codecs_encode_def,
  &_codecs_decode_def,
  &_codecs_escape_encode_def,
  &_codecs_escape_decode_def,
  &_codecs_utf_8_encode_def,
  &_codecs_utf_8_decode_def,
  &_codecs_utf_7_encode_def,
  &_codecs_utf_7_decode_def,
  &_codecs_utf_16_encode_def,
  &_codecs_utf_16_le_encode_def,
  &_codecs_utf_16_be_encode_def,
  &_codecs_utf_16_decode_def,
  &_codecs_utf_16_le_decode_def,
  &_codecs_utf_16_be_decode_def,
  &_codecs_utf_16_ex_decode_def,
  &_codecs_utf_32_encode_def,
  &_codecs_utf_32_le_encode_def,
  &_codecs_utf_32_be_encode_def,
  &_codecs_utf_32_decode_def,
  &_codecs_utf_32_le_decode_def,
  &_codecs_utf_32_be_decode_def,
  &_codecs_utf_32_ex_decode_def,
  &_codecs_unicode_escape_encode_def,
  &_codecs_unicode_escape_decode_def,
  &_codecs_raw_unicode_escape_encode_def,
  &_codecs_raw_unicode_escape_decode_def,
  &_codecs_latin_1_encode_def,
  &_codecs_latin_1_decode_def,
  &_codecs_ascii_encode_def,
  &_codecs_ascii_decode_def,
  &_codecs_charmap_encode_def,
  &_codecs_charmap_decode_def,
  &_codecs_charmap_build_def,
  &_codecs_readbuffer_encode_def,
  &_codecs_register_error_def,
  &_codecs_lookup_error_def,
  NULL,
};

const ModuleDef cd_module__codecs = {.name = "_codecs", .functions = codecs_functions};
