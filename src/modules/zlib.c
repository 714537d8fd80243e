// SPDX-License-Identifier: MIT
// zlib.c: the zlib module, over the library of that name
#include "modules/away.h"
#include "modules/compress.h"
#include "modules/module_list.h"
#include "objects/exception.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

#include <limits.h>
#include <zlib.h>

enum { ZLIB_MEMORY_LEVEL = 8 };

typedef struct ZlibState {
  Value error;                                   // owned
  Type *compress_type, *decompress_type;         // owned
} ZlibState;

static inline ZlibState *zlib_state(VM *vm) { return cd_state(vm, MODULE_zlib); }

// Both kinds of objects. `unused`, `tail` and `eof` are a decompressor's.
typedef struct ZlibStream {
  Object head;
  z_stream stream;
  bool open;
  bool eof;
  Value dictionary;                              // owned bytes; NO_VALUE: none
  Value unused, tail;                            // owned bytes
} ZlibStream;

static inline ZlibStream *zlib_stream_of(Value v) { return (ZlibStream *)cd_object(v); }

static voidpf zlib_alloc(voidpf vm, uInt count, uInt size) { return cd_compress_alloc(vm, count, size); }
static void zlib_free(voidpf vm, voidpf p) { cd_compress_free(vm, p); }

static void zlib_stream_init(VM *vm, z_stream *stream)
{
  *stream = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = vm};
}

static Ref zlib_raise(VM *vm, const z_stream *stream, int code, const char *what)
{
  if (code == Z_MEM_ERROR) return cd_raise_memory(vm);
  const char *message = code == Z_VERSION_ERROR ? "library version mismatch" : stream->msg;
  Type *type = cd_as_type(zlib_state(vm)->error);
  if (!message) message = code == Z_BUF_ERROR ? "incomplete or truncated stream" : code == Z_STREAM_ERROR ? "inconsistent stream state"
                        : code == Z_DATA_ERROR ? "invalid input data" : NULL;
  return message ? cd_raise(vm, type, "Error %d %s: %.200s", code, what, message) : cd_raise(vm, type, "Error %d %s", code, what);
}

// ---- arguments ----

// z_stream counts in unsigned int: input longer than that is fed in pieces.
typedef struct ZlibInput { const char *data; size_t left; } ZlibInput;

static void zlib_feed(z_stream *stream, ZlibInput *input)
{
  size_t piece = input->left < UINT_MAX ? input->left : UINT_MAX;
  stream->next_in = (Bytef *)(uintptr_t)input->data;
  stream->avail_in = (uInt)piece;
  input->data += piece;
  input->left -= piece;
}

static bool zlib_int(VM *vm, Value v, int *out) { return !cd_bits(v) || cd_to_c_int(vm, v, out); }

static bool zlib_size(VM *vm, Value v, int64_t *out) { return !cd_bits(v) || cd_to_i64(vm, v, out, vm->exc.OverflowError); }

// Runs deflate or inflate over one piece of input until the output has room left. false: out of memory or interrupted. A reached limit ends
// with *limited.
static bool zlib_pump(z_stream *stream, CompressOutput *out, int (*step)(z_stream *, int), int mode, int *code, bool *limited)
{
  *limited = false;
  do {
    size_t room;
    stream->next_out = (Bytef *)cd_compress_output_room(out, &room);
    if (!stream->next_out) { *limited = room == 0; return *limited; }
    stream->avail_out = (uInt)room;
    *code = step(stream, mode);
    cd_compress_output_used(out, stream->avail_out);
  } while (stream->avail_out == 0 && *code == Z_OK);
  return true;
}

// All input, the last piece with `mode`. false: exception set.
static bool zlib_deflate_all(z_stream *stream, ZlibInput *input, int mode, CompressOutput *out, int *code)
{
  bool limited;
  do {
    zlib_feed(stream, input);
    if (!zlib_pump(stream, out, deflate, input->left ? Z_NO_FLUSH : mode, code, &limited)) return false;
  } while (input->left && *code != Z_STREAM_ERROR);
  return true;
}

// ---- in one go ----

static Ref zlib_compress_buffer(VM *vm, const Buffer *buffer, int level, int wbits)
{
  z_stream stream;
  zlib_stream_init(vm, &stream);
  int code = deflateInit2(&stream, level, Z_DEFLATED, wbits, ZLIB_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
  switch (code) {
  case Z_OK: break;
  case Z_MEM_ERROR: return cd_raise(vm, vm->exc.MemoryError, "Out of memory while compressing data");
  case Z_STREAM_ERROR: return cd_raise(vm, cd_as_type(zlib_state(vm)->error), "Bad compression level");
  default: deflateEnd(&stream); return zlib_raise(vm, &stream, code, "while compressing data");
  }
  CompressOutput out;
  cd_compress_output_init(&out, vm, -1);
  ZlibInput input = {buffer->data, (size_t)buffer->size};
  Ref result = NO_REF;
  if (zlib_deflate_all(&stream, &input, Z_FINISH, &out, &code)) {
    if (code != Z_STREAM_END) zlib_raise(vm, &stream, code, "while compressing data");
    else result = cd_compress_output_finish(&out);
  }
  deflateEnd(&stream);
  cd_compress_output_clear(&out);
  return result;
}

FUNCTION(
  zlib, compress, "compress(data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)",
  "The compressed data, as bytes.\n\n  data\n    the bytes to compress.\n  level\n    how hard to try: 0 to 9, or -1 for the usual.\n"
  "  wbits\n    size of the window, and which header and trailer to write.")
{
  int level = Z_DEFAULT_COMPRESSION, wbits = MAX_WBITS;
  Buffer buffer;
  if (!zlib_int(vm, args[1], &level) || !zlib_int(vm, args[2], &wbits) || !cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE))
    return NO_REF;
  Ref result = zlib_compress_buffer(vm, &buffer, level, wbits);
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref zlib_decompress_buffer(VM *vm, const Buffer *buffer, int wbits)
{
  z_stream stream;
  zlib_stream_init(vm, &stream);
  int code = inflateInit2(&stream, wbits);
  if (code == Z_MEM_ERROR) return cd_raise(vm, vm->exc.MemoryError, "Out of memory while decompressing data");
  if (code != Z_OK) { inflateEnd(&stream); return zlib_raise(vm, &stream, code, "while preparing to decompress data"); }
  CompressOutput out;
  cd_compress_output_init(&out, vm, -1);
  ZlibInput input = {buffer->data, (size_t)buffer->size};
  Ref result = NO_REF;
  bool ok, limited;
  do {
    zlib_feed(&stream, &input);
    ok = zlib_pump(&stream, &out, inflate, input.left ? Z_NO_FLUSH : Z_FINISH, &code, &limited);
    while (ok && code == Z_BUF_ERROR && stream.avail_out == 0)
      ok = zlib_pump(&stream, &out, inflate, input.left ? Z_NO_FLUSH : Z_FINISH, &code, &limited);
  } while (ok && (code == Z_OK || code == Z_BUF_ERROR) && input.left);
  if (ok && code == Z_STREAM_END) result = cd_compress_output_finish(&out);
  else if (ok && code == Z_MEM_ERROR) cd_raise(vm, vm->exc.MemoryError, "Out of memory while decompressing data");
  else if (ok) zlib_raise(vm, &stream, code == Z_OK ? Z_BUF_ERROR : code, "while decompressing data");
  inflateEnd(&stream);
  cd_compress_output_clear(&out);
  return result;
}

FUNCTION(zlib, decompress, "decompress(data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)",
         "The data as it was before, as bytes.\n\n  data\n    Compressed data.\n  wbits\n    size of the window, and which header and "
         "trailer to write.\n  bufsize\n    bytes of output to make room for at first.")
{
  int wbits = MAX_WBITS;
  int64_t size = 1;
  Buffer buffer;
  if (!zlib_int(vm, args[1], &wbits) || !zlib_size(vm, args[2], &size)) return NO_REF;
  if (size < 0) return cd_raise_value(vm, "bufsize must be non-negative");
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = zlib_decompress_buffer(vm, &buffer, wbits);
  cd_release_buffer(vm, &buffer);
  return result;
}

static Ref zlib_checksum(VM *vm, const Value *args, uLong value, uLong (*f)(uLong, const Bytef *, z_size_t))
{
  Buffer buffer;
  if (cd_bits(args[1])) {
    Ref number = cd_index(vm, args[1]), low = number ? cd_binary(vm, number, cd_from_small(0xFFFFFFFF), BINARY_AND) : NO_REF;
    cd_drop(vm, number);
    if (!low) return NO_REF;
    value = (uLong)cd_small(low);
  }
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  bool busy;
  Thread *me = cd_go_away(vm, &busy, buffer.size);
  value = f(value, (const Bytef *)buffer.data, (z_size_t)buffer.size);
  cd_come_back(vm, &busy, me);
  cd_release_buffer(vm, &buffer);
  return cd_from_small((int64_t)(value & 0xFFFFFFFF));
}

FUNCTION(zlib, adler32, "adler32(data, value=1, /)",
         "The Adler-32 checksum of data.\n\n  value\n    the checksum of what came before.\n\nIt is an integer.")
{
  return zlib_checksum(vm, args, 1, adler32_z);
}
FUNCTION(zlib, crc32, "crc32(data, value=0, /)",
         "The CRC-32 checksum of data.\n\n  value\n    the checksum of what came before.\n\nIt is an integer.")
{
  return zlib_checksum(vm, args, 0, crc32_z);
}

// ---- objects ----

static ZlibStream *zlib_stream_new(VM *vm, Type *type)
{
  ZlibStream *s = cd_object_new(vm, type, sizeof *s);
  if (!s) return NULL;
  zlib_stream_init(vm, &s->stream);
  s->unused = cd_bytes_new(vm, "", 0);
  s->tail = s->unused ? cd_dup(s->unused) : NO_REF;
  if (s->tail) return s;
  cd_drop_object(vm, s);
  return NULL;
}

static void zlib_stream_drop_parts(VM *vm, ZlibStream *s)
{
  cd_clear(vm, &s->dictionary);
  cd_clear(vm, &s->unused);
  cd_clear(vm, &s->tail);
}

static void zlib_compress_release(VM *vm, Object *self)
{
  ZlibStream *s = (ZlibStream *)self;
  if (s->open) deflateEnd(&s->stream);
  s->open = false;
  zlib_stream_drop_parts(vm, s);
}

static void zlib_decompress_release(VM *vm, Object *self)
{
  ZlibStream *s = (ZlibStream *)self;
  if (s->open) inflateEnd(&s->stream);
  s->open = false;
  zlib_stream_drop_parts(vm, s);
}

// The dictionary as bytes of our own; it is used again by copies.
static bool zlib_take_dictionary(VM *vm, ZlibStream *s, Value dictionary)
{
  Buffer buffer;
  if (!cd_bits(dictionary)) return true;
  if (!cd_has_buffer(vm, dictionary)) return cd_raise_type(vm, "zdict argument must support the buffer protocol");
  if (!cd_get_buffer(vm, dictionary, &buffer, BUFFER_SIMPLE)) return false;
  bool fits = buffer.size <= UINT_MAX;
  if (fits) s->dictionary = cd_bytes_new(vm, buffer.data, (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  if (!fits) return cd_raise_overflow(vm, "zdict length does not fit in an unsigned int");
  return cd_bits(s->dictionary) != 0;
}

static bool zlib_set_deflate_dictionary(VM *vm, ZlibStream *s)
{
  if (!cd_bits(s->dictionary)) return true;
  int code = deflateSetDictionary(&s->stream, (Bytef *)cd_bytes_data(s->dictionary), (uInt)cd_bytes_size(s->dictionary));
  if (code == Z_OK) return true;
  return cd_raise_value(vm, code == Z_STREAM_ERROR ? "Invalid dictionary" : "deflateSetDictionary()");
}

static bool zlib_set_inflate_dictionary(VM *vm, ZlibStream *s)
{
  int code = inflateSetDictionary(&s->stream, (Bytef *)cd_bytes_data(s->dictionary), (uInt)cd_bytes_size(s->dictionary));
  return code == Z_OK || zlib_raise(vm, &s->stream, code, "while setting zdict");
}

static bool zlib_opened(VM *vm, ZlibStream *s, int code, const char *what)
{
  if (code == Z_OK) { s->open = true; return true; }
  if (code == Z_STREAM_ERROR) return cd_raise_value(vm, "Invalid initialization option");
  if (code == Z_MEM_ERROR) return cd_raise(vm, vm->exc.MemoryError, "Can't allocate memory for %s object", what);
  return zlib_raise(vm, &s->stream, code, *what == 'c' ? "while creating compression object" : "while creating decompression object");
}

FUNCTION(zlib, compressobj,
         "compressobj(level=Z_DEFAULT_COMPRESSION, method=DEFLATED, wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL, strategy=Z_DEFAULT_STRATEGY, "
         "zdict=None)",
         "Return a compressor object.\n\n  level\n    how hard to try (0 to 9, or -1 for the usual; the usual is 6).  more takes\n    "
         "longer and makes less of the data).\n  method\n    The compression algorithm.  DEFLATED, there is no other.\n  wbits\n    The "
         "window size and container format.\n  memLevel\n    1 to 9: how much memory is used for the inner state. More is faster and\n    "
         "compresses\n    better.\n  strategy\n    Z_DEFAULT_STRATEGY, Z_FILTERED or Z_HUFFMAN_ONLY.\n  zdict\n    Bytes that are likely "
         "to occur often in the data, as a dictionary.")
{
  int level = Z_DEFAULT_COMPRESSION, method = Z_DEFLATED, wbits = MAX_WBITS, memory = ZLIB_MEMORY_LEVEL, strategy = Z_DEFAULT_STRATEGY;
  if (!zlib_int(vm, args[0], &level) || !zlib_int(vm, args[1], &method) || !zlib_int(vm, args[2], &wbits) ||
      !zlib_int(vm, args[3], &memory) || !zlib_int(vm, args[4], &strategy))
    return NO_REF;
  ZlibStream *s = zlib_stream_new(vm, zlib_state(vm)->compress_type);
  if (!s) return NO_REF;
  Value dictionary = cd_bits(args[5]) && !cd_is_none(args[5]) ? args[5] : NO_VALUE;
  if (zlib_take_dictionary(vm, s, dictionary) &&
      zlib_opened(vm, s, deflateInit2(&s->stream, level, method, wbits, memory, strategy), "compression") &&
      zlib_set_deflate_dictionary(vm, s))
    return cd_from_object(s);
  cd_drop_object(vm, s);
  return NO_REF;
}

FUNCTION(zlib, decompressobj, "decompressobj(wbits=MAX_WBITS, zdict=b'')",
         "Return a decompressor object.\n\n  wbits\n    size of the window, and which header and trailer to write.\n  zdict\n    The "
         "predefined compression dictionary, the one that the compressor used.")
{
  int wbits = MAX_WBITS;
  if (!zlib_int(vm, args[0], &wbits)) return NO_REF;
  ZlibStream *s = zlib_stream_new(vm, zlib_state(vm)->decompress_type);
  if (!s) return NO_REF;
  if (zlib_take_dictionary(vm, s, args[1]) && zlib_opened(vm, s, inflateInit2(&s->stream, wbits), "decompression") &&
      (wbits >= 0 || !cd_bits(s->dictionary) || zlib_set_inflate_dictionary(vm, s)))
    return cd_from_object(s);
  cd_drop_object(vm, s);
  return NO_REF;
}

// ---- Compress ----

METHOD_DEF_(zlib_compress_compress, "compress", "compress(self, data, /)",
            "The compressed data, as bytes.\n\n  data\n    the bytes to compress.\n\nSome of the data may stay inside until later: what "
            "earlier calls kept is in the\nresult. Call the flush() method to get the rest.",
            0)
{
  ZlibStream *s = zlib_stream_of(self);
  Buffer buffer;
  CompressOutput out;
  int code = Z_OK;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  cd_compress_output_init(&out, vm, -1);
  ZlibInput input = {buffer.data, (size_t)buffer.size};
  bool ok = zlib_deflate_all(&s->stream, &input, Z_NO_FLUSH, &out, &code);
  cd_release_buffer(vm, &buffer);
  if (ok && code != Z_STREAM_ERROR) return cd_compress_output_finish(&out);
  if (ok) zlib_raise(vm, &s->stream, code, "while compressing data");
  cd_compress_output_clear(&out);
  return NO_REF;
}

METHOD_DEF_(zlib_compress_flush, "flush", "flush(self, mode=zlib.Z_FINISH, /)",
            "Return a bytes object containing any remaining compressed data.\n\n  mode\n    One of the constants Z_SYNC_FLUSH, "
            "Z_FULL_FLUSH, Z_FINISH.\n    If it is Z_FINISH, the "
            "compressor object can no longer be used\n    after calling the flush() method.  Otherwise, more data can still be compressed.",
            0)
{
  ZlibStream *s = zlib_stream_of(self);
  CompressOutput out;
  int mode = Z_FINISH, code = Z_OK;
  if (!zlib_int(vm, args[0], &mode)) return NO_REF;
  if (mode == Z_NO_FLUSH) return cd_bytes_new(vm, "", 0);
  cd_compress_output_init(&out, vm, -1);
  ZlibInput input = {"", 0};
  bool ok = zlib_deflate_all(&s->stream, &input, mode, &out, &code);
  if (ok && code == Z_STREAM_END && mode == Z_FINISH) {
    s->open = false;
    code = deflateEnd(&s->stream);
    if (code != Z_OK) ok = zlib_raise(vm, &s->stream, code, "while finishing compression");
  } else if (ok && code != Z_OK && code != Z_BUF_ERROR) {
    ok = zlib_raise(vm, &s->stream, code, "while flushing");
  }
  if (ok) return cd_compress_output_finish(&out);
  cd_compress_output_clear(&out);
  return NO_REF;
}

static Ref zlib_stream_copy(VM *vm, Value self, int (*copy)(z_stream *, z_stream *), const char *what)
{
  ZlibStream *s = zlib_stream_of(self), *t = zlib_stream_new(vm, cd_type_of(vm, self));
  if (!t) return NO_REF;
  int code = copy(&t->stream, &s->stream);
  if (code == Z_OK) {
    t->open = true;
    t->eof = s->eof;
    cd_replace(vm, &t->unused, cd_dup(s->unused));
    cd_replace(vm, &t->tail, cd_dup(s->tail));
    t->dictionary = cd_dup(s->dictionary);
    return cd_from_object(t);
  }
  if (code == Z_STREAM_ERROR) cd_raise_value(vm, "Inconsistent stream state");
  else if (code == Z_MEM_ERROR) cd_raise(vm, vm->exc.MemoryError, "Can't allocate memory for %s object", what);
  else zlib_raise(vm, &s->stream, code, *what == 'c' ? "while copying compression object" : "while copying decompression object");
  cd_drop_object(vm, t);
  return NO_REF;
}

METHOD_DEF_(zlib_compress_copy, "copy", "copy(self, /)", "Return a copy of the compression object.", 0)
{
  return zlib_stream_copy(vm, self, deflateCopy, "compression");
}
METHOD_DEF_(zlib_compress___copy__, "__copy__", "__copy__(self, /)", NULL, 0)
{
  return zlib_stream_copy(vm, self, deflateCopy, "compression");
}
METHOD_DEF_(zlib_compress___deepcopy__, "__deepcopy__", "__deepcopy__(self, memo, /)", NULL, 0)
{
  return zlib_stream_copy(vm, self, deflateCopy, "compression");
}

static const MethodDef *const zlib_compress_methods[] = {
  &zlib_compress_compress_def, &zlib_compress_flush_def,        &zlib_compress_copy_def,
  &zlib_compress___copy___def, &zlib_compress___deepcopy___def, NULL,
};

static const TypeSpec zlib_compress_spec = {
  .name = "zlib.Compress",
  .basicsize = sizeof(ZlibStream),
  .flags = TYPE_NO_NEW,
  .methods = zlib_compress_methods,
  .slots = {.release = zlib_compress_release},
};

// ---- Decompress ----

// After a step: what was not used goes to unused_data behind the end of the stream, else to unconsumed_tail.
static bool zlib_keep_input(VM *vm, ZlibStream *s, const ZlibInput *input, int code)
{
  const char *left = input->data - s->stream.avail_in;
  size_t size = input->left + s->stream.avail_in;
  if (code == Z_STREAM_END && size > 0) {
    size_t old = cd_bytes_size(s->unused);
    Ref joined = cd_bytes_new(vm, NULL, old + size);
    if (!joined) return false;
    memcpy(cd_bytes_data(joined), cd_bytes_data(s->unused), old);
    memcpy(cd_bytes_data(joined) + old, left, size);
    cd_replace(vm, &s->unused, joined);
    size = 0;
  }
  s->stream.avail_in = 0;
  if (size == 0 && cd_bytes_size(s->tail) == 0) return true;
  Ref tail = cd_bytes_new(vm, left, size);
  if (!tail) return false;
  cd_replace(vm, &s->tail, tail);
  return true;
}

// Inflates as long as there is input and room. *code is the last result.
static bool zlib_inflate_all(VM *vm, ZlibStream *s, ZlibInput *input, bool finish, CompressOutput *out, int *code)
{
  bool limited = false, again;
  do {
    zlib_feed(&s->stream, input);
    do {
      if (!zlib_pump(&s->stream, out, inflate, finish ? (input->left ? Z_NO_FLUSH : Z_FINISH) : Z_SYNC_FLUSH, code, &limited)) return false;
      if (limited) return true;
      again = *code == Z_NEED_DICT && cd_bits(s->dictionary);
      if (again && !zlib_set_inflate_dictionary(vm, s)) return false;
      again |= *code == Z_BUF_ERROR && s->stream.avail_out == 0;
    } while (again);
    if (*code != Z_OK && *code != Z_BUF_ERROR) return true;
  } while (input->left);
  return true;
}

METHOD_DEF_(zlib_decompress_decompress, "decompress", "decompress(self, data, /, max_length=0)",
            "Return a bytes object containing the decompressed version of the data.\n\n  data\n    The binary data to decompress.\n  "
            "max_length\n    The maximum allowable length of the "
            "decompressed data.\n    Unconsumed input data will be stored in\n    the unconsumed_tail attribute.\n\nSome of the data may "
            "stay inside until later calls. Call the flush() "
            "method to get the rest.",
            0)
{
  ZlibStream *s = zlib_stream_of(self);
  int64_t limit = 0;
  Buffer buffer;
  CompressOutput out;
  int code = Z_OK;
  if (!zlib_size(vm, args[1], &limit)) return NO_REF;
  if (limit < 0) return cd_raise_value(vm, "max_length must be non-negative");
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  cd_compress_output_init(&out, vm, limit ? limit : -1);
  ZlibInput input = {buffer.data, (size_t)buffer.size};
  bool ok = zlib_inflate_all(vm, s, &input, false, &out, &code);
  if (ok) ok = zlib_keep_input(vm, s, &input, code);
  cd_release_buffer(vm, &buffer);
  if (ok && code == Z_STREAM_END) s->eof = true;
  else if (ok && code != Z_OK && code != Z_BUF_ERROR) ok = zlib_raise(vm, &s->stream, code, "while decompressing data");
  if (ok) return cd_compress_output_finish(&out);
  cd_compress_output_clear(&out);
  return NO_REF;
}

METHOD_DEF_(zlib_decompress_flush, "flush", "flush(self, length=zlib.DEF_BUF_SIZE, /)",
            "Return a bytes object containing any remaining decompressed data.\n\n  length\n    the initial size of the output buffer.", 0)
{
  ZlibStream *s = zlib_stream_of(self);
  int64_t length = 1;
  CompressOutput out;
  int code = Z_OK;
  if (!zlib_size(vm, args[0], &length)) return NO_REF;
  if (length <= 0) return cd_raise_value(vm, "length must be greater than zero");
  cd_compress_output_init(&out, vm, -1);
  Ref tail = cd_dup(s->tail);
  ZlibInput input = {cd_bytes_data(tail), cd_bytes_size(tail)};
  bool ok = zlib_inflate_all(vm, s, &input, true, &out, &code) && zlib_keep_input(vm, s, &input, code);
  cd_drop(vm, tail);
  if (ok && code == Z_STREAM_END) {
    s->eof = true;
    s->open = false;
    code = inflateEnd(&s->stream);
    if (code != Z_OK) ok = zlib_raise(vm, &s->stream, code, "while finishing decompression");
  }
  if (ok) return cd_compress_output_finish(&out);
  cd_compress_output_clear(&out);
  return NO_REF;
}

METHOD_DEF_(zlib_decompress_copy, "copy", "copy(self, /)", "Return a copy of the decompression object.", 0)
{
  return zlib_stream_copy(vm, self, inflateCopy, "decompression");
}
METHOD_DEF_(zlib_decompress___copy__, "__copy__", "__copy__(self, /)", NULL, 0)
{
  return zlib_stream_copy(vm, self, inflateCopy, "decompression");
}
METHOD_DEF_(zlib_decompress___deepcopy__, "__deepcopy__", "__deepcopy__(self, memo, /)", NULL, 0)
{
  return zlib_stream_copy(vm, self, inflateCopy, "decompression");
}

static const MethodDef *const zlib_decompress_methods[] = {
  &zlib_decompress_decompress_def, &zlib_decompress_flush_def, &zlib_decompress_copy_def, &zlib_decompress___copy___def,
  &zlib_decompress___deepcopy___def, NULL,
};

static const MemberDef zlib_decompress_members[] = {
  {"unused_data", offsetof(ZlibStream, unused), MEMBER_VALUE, false, NULL},
  {"unconsumed_tail", offsetof(ZlibStream, tail), MEMBER_VALUE, false, NULL},
  {"eof", offsetof(ZlibStream, eof), MEMBER_BOOL8, false, NULL},
  {0},
};

static const TypeSpec zlib_decompress_spec = {
  .name = "zlib.Decompress",
  .basicsize = sizeof(ZlibStream),
  .flags = TYPE_NO_NEW,
  .methods = zlib_decompress_methods,
  .members = zlib_decompress_members,
  .slots = {.release = zlib_decompress_release},
};

// ---- the module ----

static const struct { const char *name; int value;
} zlib_constants[] = {
  {"MAX_WBITS", MAX_WBITS},
  {"DEFLATED", Z_DEFLATED},
  {"DEF_MEM_LEVEL", ZLIB_MEMORY_LEVEL},
  {"DEF_BUF_SIZE", 16384},
  {"Z_NO_COMPRESSION", Z_NO_COMPRESSION},
  {"Z_BEST_SPEED", Z_BEST_SPEED},
  {"Z_BEST_COMPRESSION", Z_BEST_COMPRESSION},
  {"Z_DEFAULT_COMPRESSION", Z_DEFAULT_COMPRESSION},
  {"Z_FILTERED", Z_FILTERED},
  {"Z_HUFFMAN_ONLY", Z_HUFFMAN_ONLY},
  {"Z_RLE", Z_RLE},
  {"Z_FIXED", Z_FIXED},
  {"Z_DEFAULT_STRATEGY", Z_DEFAULT_STRATEGY},
  {"Z_NO_FLUSH", Z_NO_FLUSH},
  {"Z_PARTIAL_FLUSH", Z_PARTIAL_FLUSH},
  {"Z_SYNC_FLUSH", Z_SYNC_FLUSH},
  {"Z_FULL_FLUSH", Z_FULL_FLUSH},
  {"Z_FINISH", Z_FINISH},
  {"Z_BLOCK", Z_BLOCK},
  {"Z_TREES", Z_TREES},
};

static bool zlib_exec(VM *vm, Value module)
{
  ZlibState *state = zlib_state(vm);
  if (!cd_bits(state->error) && !(state->error = cd_exception_type_new(vm, "zlib.error", NULL, cd_type_value(vm->exc.Exception))))
    return false;
  if (!state->compress_type && !(state->compress_type = cd_type_from_spec(vm, &zlib_compress_spec, NO_VALUE))) return false;
  if (!state->decompress_type && !(state->decompress_type = cd_type_from_spec(vm, &zlib_decompress_spec, NO_VALUE))) return false;
  for (size_t i = 0; i < ARRAY_LEN(zlib_constants); i++)
    if (!cd_module_add_int(vm, module, zlib_constants[i].name, zlib_constants[i].value)) return false;
  return cd_module_add(vm, module, "error", cd_dup(state->error)) && cd_module_add_text(vm, module, "ZLIB_VERSION", ZLIB_VERSION) &&
         cd_module_add_text(vm, module, "ZLIB_RUNTIME_VERSION", zlibVersion()) && cd_module_add_text(vm, module, "__version__", "1.0");
}

static void zlib_traverse(void *p, VisitFn visit, void *context)
{
  ZlibState *state = p;
  visit(context, state->error);
  visit(context, cd_type_value(state->compress_type));
  visit(context, cd_type_value(state->decompress_type));
}

static void zlib_clear(VM *vm, void *p)
{
  ZlibState *state = p;
  Type *compress_type = state->compress_type, *decompress_type = state->decompress_type;
  state->compress_type = state->decompress_type = NULL;
  cd_clear(vm, &state->error);
  cd_drop_object(vm, compress_type);
  cd_drop_object(vm, decompress_type);
}

static const MethodDef *const zlib_functions[] = {
  &zlib_adler32_def, &zlib_compress_def, &zlib_compressobj_def, &zlib_crc32_def, &zlib_decompress_def, &zlib_decompressobj_def, NULL,
};

const ModuleDef cd_module_zlib = {
  .name = "zlib",
  .doc = "Compression and decompression with the zlib library, in the format of GNU zip.\n\nadler32(data[, value]) -- Compute an Adler-32 "
         "checksum.\ncompress(data[, level]) -- All of data compressed; the level is 0 to 9, or -1.\ncompressobj([level[, ...]]) -- An "
         "object that compresses piece by piece.\ncrc32(data[, value]) -- Compute a CRC-32 checksum.\ndecompress(data[, wbits[, "
         "bufsize]]) -- Decompress data.\ndecompressobj([wbits[, zdict]]) -- An object that decompresses piece by piece.\n\n'wbits' is "
         "the window buffer size and container format. Objects have flush()\nbesides compress() and decompress().",
  .functions = zlib_functions,
  .state_size = sizeof(ZlibState),
  .exec = zlib_exec,
  .traverse = zlib_traverse,
  .clear = zlib_clear,
};
