// SPDX-License-Identifier: MIT
// codec.h: codecs and their error handlers; what str, bytes, modules/_codecs.c and _io share
#ifndef CEDE_OBJECTS_CODEC_H
#define CEDE_OBJECTS_CODEC_H

#include "objects/str.h"

// `errors` everywhere: the handler's name, NULL for strict.

// UnicodeEncodeError, UnicodeDecodeError; positions are code points of `text`, bytes of `data`.
Ref cd_raise_encode(VM *vm, const char *encoding, Value text, size_t start, size_t end, const char *reason);
Ref cd_raise_decode(VM *vm, const char *encoding, const char *data, size_t size, size_t start, size_t end, const char *reason);

// Built-in codecs. Decoders that take `final`: when it is false, an incomplete sequence at the end is left and *taken tells how
// many bytes were used; otherwise *taken (may be NULL) is `size`.
MUST_USE Ref cd_utf8_encode(VM *vm, Value text, const char *errors);
MUST_USE Ref cd_utf8_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken);
// order: -1 little, 1 big, 0 native with a byte order mark. For decoding *order is also written, when a mark was found.
MUST_USE Ref cd_utf16_encode(VM *vm, Value text, const char *errors, int order);
MUST_USE Ref cd_utf16_decode(VM *vm, const char *data, size_t size, const char *errors, int *order, bool final, size_t *taken);
MUST_USE Ref cd_utf32_encode(VM *vm, Value text, const char *errors, int order);
MUST_USE Ref cd_utf32_decode(VM *vm, const char *data, size_t size, const char *errors, int *order, bool final, size_t *taken);
MUST_USE Ref cd_utf7_encode(VM *vm, Value text, const char *errors);
MUST_USE Ref cd_utf7_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken);
// limit 128: ascii; 256: latin-1
MUST_USE Ref cd_ascii_encode(VM *vm, Value text, const char *errors, unsigned limit);
MUST_USE Ref cd_ascii_decode(VM *vm, const char *data, size_t size, const char *errors, unsigned limit);
MUST_USE Ref cd_unicode_escape_encode(VM *vm, Value text);
// bad_escape (may be NULL) gets the first unknown escape's letter, or three octal digits beyond 0377; empty: none. The caller warns.
MUST_USE Ref cd_unicode_escape_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken,
                                      char bad_escape[4]);
MUST_USE Ref cd_raw_unicode_escape_encode(VM *vm, Value text);
MUST_USE Ref cd_raw_unicode_escape_decode(VM *vm, const char *data, size_t size, const char *errors, bool final, size_t *taken);
MUST_USE Ref cd_charmap_encode(VM *vm, Value text, const char *errors, Value mapping);       // mapping None: latin-1
MUST_USE Ref cd_charmap_decode(VM *vm, const char *data, size_t size, const char *errors, Value mapping);
MUST_USE Ref cd_charmap_build(VM *vm, Value text);                                            // EncodingMap of a decoding table
// b"\\x41".. of bytes literals: codecs.escape_decode.
MUST_USE Ref cd_bytes_escape_decode(VM *vm, const char *data, size_t size, const char *errors, char bad_escape[4]);

// str.encode, bytes.decode and codecs.encode, .decode; encoding and errors may be NULL. With `text_only` codecs that aren't text
// encodings are refused, and results are checked.
MUST_USE Ref cd_codec_encode(VM *vm, Value object, const char *encoding, const char *errors, bool text_only);
MUST_USE Ref cd_codec_decode(VM *vm, Value object, const char *encoding, const char *errors, bool text_only);
MUST_USE Ref cd_codec_lookup(VM *vm, const char *encoding);                                   // CodecInfo
MUST_USE bool cd_codec_register(VM *vm, Value search);
MUST_USE bool cd_codec_unregister(VM *vm, Value search);
MUST_USE Ref cd_codec_error_handler(VM *vm, const char *name);   // LookupError "unknown error handler name '...'"
MUST_USE bool cd_codec_register_error(VM *vm, const char *name, Value handler);
void cd_codecs_finish(VM *vm);                                                                // at the VM's end

#endif
