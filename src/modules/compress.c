// SPDX-License-Identifier: MIT
// compress.c: memory for compression libraries, and their input and output
#include "modules/compress.h"
#include "objects/protocol.h"
#include "objects/raise.h"

#include <limits.h>

enum { COMPRESS_HEADER = 16 };                   // the size, and alignment

void *cd_compress_alloc(VM *vm, size_t count, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - COMPRESS_HEADER) return NULL;
  size_t *block = cd_alloc(vm, bytes += COMPRESS_HEADER);
  if (!block) { cd_clear_raised(vm); return NULL; }
  *block = bytes;
  return (char *)block + COMPRESS_HEADER;
}

void cd_compress_free(VM *vm, void *p)
{
  if (!p) return;
  size_t *block = (size_t *)((char *)p - COMPRESS_HEADER);
  cd_free(vm, block, *block);
}

void cd_compress_output_init(CompressOutput *out, VM *vm, int64_t limit)
{
  cd_byte_builder_init(&out->bytes, vm);
  out->limit = limit;
  out->room = 0;
}

char *cd_compress_output_room(CompressOutput *out, size_t *room)
{
  size_t size = out->bytes.size, want = size < 32768 ? 32768 : size > (1u << 28) ? 1u << 28 : size;
  *room = 1;
  if (!cd_poll(out->bytes.vm)) return NULL;
  if (out->limit >= 0 && (size_t)out->limit - size < want) want = (size_t)out->limit - size;
  if (want == 0) { *room = 0; return NULL; }
  char *p = cd_byte_builder_reserve(&out->bytes, want);
  *room = out->room = want;
  return p;
}

Ref cd_compress_output_finish(CompressOutput *out) { return cd_byte_builder_finish(&out->bytes); }
void cd_compress_output_clear(CompressOutput *out) { cd_byte_builder_clear(&out->bytes); }

bool cd_compress_input_keep(VM *vm, CompressInput *input, const char *data, size_t size)
{
  if (size > input->capacity) {
    char *block = cd_alloc(vm, size);
    if (!block) return false;
    memcpy(block, data, size);
    cd_free(vm, input->block, input->capacity);
    *input = (CompressInput){block, size, size};
    return true;
  }
  if (size) memmove(input->block, data, size);
  input->size = size;
  return true;
}

bool cd_compress_input_append(VM *vm, CompressInput *input, const char *data, size_t size)
{
  size_t needed = input->size + size;
  if (needed > input->capacity) {
    char *block = cd_realloc(vm, input->block, input->capacity, needed);
    if (!block) return false;
    input->block = block;
    input->capacity = needed;
  }
  if (size) memcpy(input->block + input->size, data, size);
  input->size = needed;
  return true;
}

void cd_compress_input_clear(VM *vm, CompressInput *input)
{
  cd_free(vm, input->block, input->capacity);
  *input = (CompressInput){0};
}

METHOD_DEF_(compressor_compress, "compress", "compress(self, data, /)",
            "Takes another piece of data.\n\nGives what compressed data is ready, which may be b''. flush() ends it and gives the rest.", 0)
{
  Compressor *compressor = (Compressor *)cd_object(self);
  Buffer buffer;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = NO_REF;
  if (compressor->flushed) cd_raise_value(vm, "Compressor has been flushed");
  else result = compressor->run(vm, compressor, buffer.data, (size_t)buffer.size, false);
  cd_release_buffer(vm, &buffer);
  return result;
}

METHOD_DEF_(compressor_flush, "flush", "flush(self, /)",
            "Ends the stream.\n\nGives all that is still inside. Nothing can be compressed with it afterwards.", 0)
{
  Compressor *compressor = (Compressor *)cd_object(self);
  if (compressor->flushed) return cd_raise_value(vm, "Repeated call to flush()");
  compressor->flushed = true;
  return compressor->run(vm, compressor, "", 0, true);
}

const MethodDef *const cd_compressor_methods[] = {&compressor_compress_def, &compressor_flush_def, NULL};
