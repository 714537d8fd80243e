// SPDX-License-Identifier: MIT
// _bz2.c: compressor and decompressor objects over libbz2
#include "modules/compress.h"
#include "modules/module_list.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/type.h"

#include <bzlib.h>
#include <limits.h>

typedef struct Bz2Compressor {
  Compressor base;
  bz_stream stream;
  bool open;
} Bz2Compressor;

typedef struct Bz2Decompressor {
  Object head;
  bz_stream stream;
  bool open, eof, needs_input, broken;           // broken: after an error in the data, for good
  Value unused;                                  // owned bytes
  CompressInput input;                           // left from the last call
} Bz2Decompressor;

static inline Bz2Decompressor *bz2_decompressor_of(Value v) { return (Bz2Decompressor *)cd_object(v); }

static void *bz2_alloc(void *vm, int count, int size)
{
  return count < 0 || size < 0 ? NULL : cd_compress_alloc(vm, (size_t)count, (size_t)size);
}
static void bz2_free(void *vm, void *p) { cd_compress_free(vm, p); }

static bool bz2_check(VM *vm, int code)
{
  switch (code) {
  case BZ_OK: case BZ_RUN_OK: case BZ_FLUSH_OK: case BZ_FINISH_OK: case BZ_STREAM_END: return true;
  case BZ_PARAM_ERROR: return cd_raise_value(vm, "Internal error - invalid parameters passed to libbzip2");
  case BZ_MEM_ERROR: return cd_raise_memory(vm);
  case BZ_DATA_ERROR: case BZ_DATA_ERROR_MAGIC: return cd_raise(vm, vm->exc.OSError, "Invalid data stream");
  case BZ_IO_ERROR: return cd_raise(vm, vm->exc.OSError, "Unknown I/O error");
  case BZ_UNEXPECTED_EOF: return cd_raise(vm, vm->exc.EOFError, "Compressed file ended before the logical end-of-stream was detected");
  case BZ_SEQUENCE_ERROR: return cd_raise_runtime(vm, "Internal error - Invalid sequence of commands sent to libbzip2");
  default: return cd_raise(vm, vm->exc.OSError, "Unrecognized error from libbzip2: %d", code);
  }
}

// bz_stream counts in unsigned int: longer input is fed in pieces.
static void bz2_feed(bz_stream *stream, const char **data, size_t *left)
{
  size_t piece = *left < UINT_MAX ? *left : UINT_MAX;
  stream->next_in = (char *)(uintptr_t)*data;
  stream->avail_in = (unsigned)piece;
  *data += piece;
  *left -= piece;
}

// ---- compressing ----

static Ref bz2_compress(VM *vm, Compressor *compressor, const char *data, size_t left, bool finish)
{
  Bz2Compressor *c = (Bz2Compressor *)compressor;
  CompressOutput out;
  int code = BZ_RUN_OK, action = finish ? BZ_FINISH : BZ_RUN;
  cd_compress_output_init(&out, vm, -1);
  bz2_feed(&c->stream, &data, &left);
  for (;;) {
    size_t room;
    if (!(c->stream.next_out = cd_compress_output_room(&out, &room))) goto fail;
    c->stream.avail_out = (unsigned)room;
    if (c->stream.avail_in == 0 && left) bz2_feed(&c->stream, &data, &left);
    if (action == BZ_RUN && c->stream.avail_in == 0) break;
    code = BZ2_bzCompress(&c->stream, left ? BZ_RUN : action);
    cd_compress_output_used(&out, c->stream.avail_out);
    if (!bz2_check(vm, code)) goto fail;
    if (action == BZ_FINISH && code == BZ_STREAM_END) break;
  }
  return cd_compress_output_finish(&out);
fail:
  cd_compress_output_clear(&out);
  return NO_REF;
}

static Ref bz2_compressor_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  int level = 9;
  if (!cd_no_keywords(vm, "BZ2Compressor", kwnames) || !cd_check_positional(vm, "BZ2Compressor", nargs, 0, 1)) return NO_REF;
  if (nargs && !cd_to_c_int(vm, args[0], &level)) return NO_REF;
  if (level < 1 || level > 9) return cd_raise_value(vm, "compresslevel must be between 1 and 9");
  Bz2Compressor *c = cd_instance_new(vm, type);
  if (!c) return NO_REF;
  c->base.run = bz2_compress;
  c->stream = (bz_stream){.bzalloc = bz2_alloc, .bzfree = bz2_free, .opaque = vm};
  c->open = bz2_check(vm, BZ2_bzCompressInit(&c->stream, level, 0, 0));
  if (c->open) return cd_from_object(c);
  cd_drop_object(vm, c);
  return NO_REF;
}

static void bz2_compressor_release(VM *vm UNUSED, Object *self)
{
  Bz2Compressor *c = (Bz2Compressor *)self;
  if (c->open) BZ2_bzCompressEnd(&c->stream);
  c->open = false;
}

static const TypeSpec bz2_compressor_spec = {
  .name = "_bz2.BZ2Compressor",
  .doc = "BZ2Compressor(compresslevel=9, /)\n--\n\nCompresses what it is given piece by piece.\n\n  compresslevel\n    size of the "
         "blocks, from 1 to 9.\n\ncompress() does it for data that is there as a whole.",
  .basicsize = sizeof(Bz2Compressor),
  .flags = TYPE_IMMUTABLE,
  .methods = cd_compressor_methods,
  .slots = {.release = bz2_compressor_release, .new_ = bz2_compressor_new},
};

// ---- decompressing ----

// Consumes from *data what it can; stops at the stream's end, at the end of the input, or when the limit is reached.
static Ref bz2_decompress(VM *vm, Bz2Decompressor *d, const char **data, size_t *left, int64_t limit)
{
  CompressOutput out;
  char nothing;
  cd_compress_output_init(&out, vm, limit);
  bz2_feed(&d->stream, data, left);
  for (;;) {
    size_t room;
    d->stream.next_out = cd_compress_output_room(&out, &room);
    if (!d->stream.next_out && room) goto fail;
    if (!d->stream.next_out && limit) break;
    if (!d->stream.next_out) d->stream.next_out = &nothing;      // max_length=0 still lets the library take its input
    d->stream.avail_out = (unsigned)room;
    if (d->stream.avail_in == 0) bz2_feed(&d->stream, data, left);
    int code = BZ2_bzDecompress(&d->stream);
    if (room) cd_compress_output_used(&out, d->stream.avail_out);
    if (!bz2_check(vm, code)) goto fail;
    d->eof = code == BZ_STREAM_END;
    if (d->eof || (d->stream.avail_in == 0 && *left == 0) || !room) break;
  }
  *data -= d->stream.avail_in;
  *left += d->stream.avail_in;
  return cd_compress_output_finish(&out);
fail:
  cd_compress_output_clear(&out);
  return NO_REF;
}

static Ref bz2_decompress_data(VM *vm, Bz2Decompressor *d, const char *data, size_t size, int64_t limit)
{
  if (d->input.size) {
    if (!cd_compress_input_append(vm, &d->input, data, size)) return NO_REF;
    data = d->input.block;
    size = d->input.size;
  }
  Ref result = bz2_decompress(vm, d, &data, &size, limit);
  if (!result) {
    d->input.size = 0;
    d->needs_input = false;
    d->broken = true;
    return NO_REF;
  }
  d->needs_input = !d->eof && size == 0;
  bool ok = true;
  if (d->eof && size) {
    Ref unused = cd_bytes_new(vm, data, size);
    if ((ok = unused)) cd_replace(vm, &d->unused, unused);
    size = 0;
  }
  if (ok) ok = cd_compress_input_keep(vm, &d->input, data, size);
  if (ok) return result;
  cd_drop(vm, result);
  return NO_REF;
}

METHOD_DEF_(bz2_decompressor_decompress, "decompress", "decompress(self, /, data, max_length=-1)",
            "Takes compressed data and gives what it stands for, as bytes.\n\nIf max_length is not negative, at most that many bytes are "
            "returned. When there\nis more to come, needs_input is False, and the next call may pass b''. When all\ninput is used up, or "
            "max_length is negative, needs_input is True.\n\nData behind the end of the stream is ignored and kept in the attribute\n"
            "unused_data.",
            0)
{
  Bz2Decompressor *d = bz2_decompressor_of(self);
  int64_t limit = -1;
  Buffer buffer;
  if (cd_bits(args[1]) && !cd_to_i64(vm, args[1], &limit, vm->exc.OverflowError)) return NO_REF;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = NO_REF;
  if (d->eof) cd_raise(vm, vm->exc.EOFError, "End of stream already reached");
  else if (d->broken) cd_raise_value(vm, "Decompressor is unusable after a previous error");
  else result = bz2_decompress_data(vm, d, buffer.data, (size_t)buffer.size, limit < 0 ? -1 : limit);
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref bz2_decompressor_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "BZ2Decompressor", kwnames) || !cd_check_positional(vm, "BZ2Decompressor", nargs, 0, 0)) return NO_REF;
  Bz2Decompressor *d = cd_instance_new(vm, type);
  if (!d) return NO_REF;
  d->stream = (bz_stream){.bzalloc = bz2_alloc, .bzfree = bz2_free, .opaque = vm};
  d->needs_input = true;
  if ((d->unused = cd_bytes_new(vm, "", 0))) d->open = bz2_check(vm, BZ2_bzDecompressInit(&d->stream, 0, 0));
  if (d->open) return cd_from_object(d);
  cd_drop_object(vm, d);
  return NO_REF;
}

static void bz2_decompressor_release(VM *vm, Object *self)
{
  Bz2Decompressor *d = (Bz2Decompressor *)self;
  if (d->open) BZ2_bzDecompressEnd(&d->stream);
  d->open = false;
  cd_compress_input_clear(vm, &d->input);
  cd_clear(vm, &d->unused);
}

static const MethodDef *const bz2_decompressor_methods[] = {&bz2_decompressor_decompress_def, NULL};

static const MemberDef bz2_decompressor_members[] = {
  {"eof", offsetof(Bz2Decompressor, eof), MEMBER_BOOL8, false, "True once the end of the compressed stream was seen."},
  {"unused_data", offsetof(Bz2Decompressor, unused), MEMBER_VALUE, false, "What was fed to it beyond the stream's end."},
  {"needs_input", offsetof(Bz2Decompressor, needs_input), MEMBER_BOOL8, false,
   "False while output is waiting that needs no further input."},
  {0},
};

static const TypeSpec bz2_decompressor_spec = {
  .name = "_bz2.BZ2Decompressor",
  .doc = "BZ2Decompressor()\n--\n\nDecompresses what it is given piece by piece.\n\ndecompress() does it for data that is there as a "
         "whole.",
  .basicsize = sizeof(Bz2Decompressor),
  .flags = TYPE_IMMUTABLE,
  .methods = bz2_decompressor_methods,
  .members = bz2_decompressor_members,
  .slots = {.release = bz2_decompressor_release, .new_ = bz2_decompressor_new},
};

static bool bz2_exec(VM *vm, Value module)
{
  return cd_module_add_type(vm, module, &bz2_compressor_spec, NO_VALUE) && cd_module_add_type(vm, module, &bz2_decompressor_spec, NO_VALUE);
}

const ModuleDef cd_module__bz2 = {.name = "_bz2", .exec = bz2_exec};
