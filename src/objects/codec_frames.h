// SPDX-License-Identifier: MIT
// codec_frames.h: encoders and decoders that call error handlers: what the codec_*.c files and modules/_multibytecodec.c share
#ifndef CEDE_OBJECTS_CODEC_FRAMES_H
#define CEDE_OBJECTS_CODEC_FRAMES_H

#include "base/utf8.h"
#include "objects/bytes.h"
#include "objects/codec.h"
#include "objects/protocol.h"

// An encoder hands code points to `put`, which writes bytes or refuses. Refused runs go to the error handler, whose replacement text goes
// through `put` again.
typedef enum { PUT_ERROR = -1, PUT_REFUSED = 0, PUT_DONE = 1 } PutResult;
typedef struct Encoder Encoder;
struct Encoder {
  VM *vm;
  ByteBuilder out;
  Value text;
  const char *encoding, *errors, *reason;
  PutResult (*put)(Encoder *encoder, uint32_t c);
  bool ascii_text;                               // handlers' texts must be ASCII
  bool single;                                   // report refused characters one by one, not in runs
  unsigned unit;                                 // bytes given by a handler must be a multiple of this
  unsigned limit;                                // of `put` for ascii and latin-1
  int order;                                     // of utf-16 and utf-32: -1 little, 1 big
  Value mapping;                                 // of charmap
  Ref handler;
  Type *range_error;                             // for positions of a handler that fit no C integer; NULL: OverflowError
};
MUST_USE Ref cd_encoder_run(Encoder *encoder);   // puts all of text; takes encoder->out

// A decoder reads bytes at `pos` and puts text. cd_decoder_error handles the bytes [start, end): afterwards `pos` is where to go on and
// data and size may have changed, since a handler may put another object into the exception.
typedef struct Decoder {
  VM *vm;
  TextBuilder out;
  const char *data;
  size_t size, pos;
  const char *encoding, *errors;
  Value handler, object;                         // object: bytes of the input, made for the first exception
  Type *range_error;                             // as in Encoder
} Decoder;
void cd_decoder_init(Decoder *decoder, VM *vm, const char *encoding, const char *data, size_t size, const char *errors);
MUST_USE bool cd_decoder_error(Decoder *decoder, size_t start, size_t end, const char *reason);
MUST_USE bool cd_codec_add_builtin_handlers(VM *vm, Value dict);
// The text, or nothing and all cleaned up when !ok. *taken (may be NULL) gets `pos`.
MUST_USE Ref cd_decoder_finish(Decoder *decoder, bool ok, size_t *taken);

#endif
