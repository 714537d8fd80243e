// SPDX-License-Identifier: MIT
// compress.h: what zlib.c, _bz2.c and _lzma.c share: allocators for the libraries, input kept between calls, output of unknown size
#ifndef CEDE_MODULES_COMPRESS_H
#define CEDE_MODULES_COMPRESS_H

#include "objects/bytes.h"

// Blocks from the VM's allocator that know their size, since the libraries free without telling it. A refusal raises nothing: the library
// reports it in its own way.
void *cd_compress_alloc(VM *vm, size_t count, size_t size);
void cd_compress_free(VM *vm, void *p);

// Output in the making: pieces of growing size, up to `limit` bytes in all (-1: none).
typedef struct CompressOutput {
  ByteBuilder bytes;
  int64_t limit;
  size_t room;                                   // of the last piece
} CompressOutput;

void cd_compress_output_init(CompressOutput *out, VM *vm, int64_t limit);
// Where to write next, *room bytes (at most UINT_MAX). NULL with *room 0: the limit is reached; NULL with room: MemoryError, or the poll's
// exception.
char *cd_compress_output_room(CompressOutput *out, size_t *room);
static inline void cd_compress_output_used(CompressOutput *out, size_t unused) { out->bytes.size += out->room - unused; }
Ref cd_compress_output_finish(CompressOutput *out);
void cd_compress_output_clear(CompressOutput *out);

// What compressor objects begin with; `run` compresses a piece, or with `finish` ends the stream. Such a type lists cd_compressor_methods.
typedef struct Compressor {
  Object head;
  bool flushed;
  Ref (*run)(VM *vm, struct Compressor *compressor, const char *data, size_t size, bool finish);
} Compressor;
extern const MethodDef *const cd_compressor_methods[];           // compress(data), flush()

// Input that a decompressor has not used up, when its output was limited.
typedef struct CompressInput {
  char *block;
  size_t size, capacity;
} CompressInput;

// What is left of `data`, kept for the next call. `data` may lie inside the block.
MUST_USE bool cd_compress_input_keep(VM *vm, CompressInput *input, const char *data, size_t size);
MUST_USE bool cd_compress_input_append(VM *vm, CompressInput *input, const char *data, size_t size);
void cd_compress_input_clear(VM *vm, CompressInput *input);

#endif
