// SPDX-License-Identifier: MIT
// _lzma.c: compressor and decompressor objects over liblzma
#include "modules/compress.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

#include <lzma.h>
#include <stdlib.h>

enum { XZ_AUTO, XZ_XZ, XZ_ALONE, XZ_RAW };       // container formats
enum { XZ_CHECK_UNKNOWN = LZMA_CHECK_ID_MAX + 1 };

typedef struct XzState { Value error; } XzState; // owned: LZMAError

static inline XzState *xz_state(VM *vm) { return cd_state(vm, MODULE__lzma); }
#define XZ_ERROR(vm, ...) cd_raise(vm, cd_as_type(xz_state(vm)->error), __VA_ARGS__)

typedef struct XzCompressor {
  Compressor base;
  lzma_stream stream;
  lzma_allocator allocator;
} XzCompressor;

typedef struct XzDecompressor {
  Object head;
  lzma_stream stream;
  lzma_allocator allocator;
  bool eof, needs_input;
  int32_t check;
  Value unused;                                  // owned bytes
  CompressInput input;                           // left from the last call
} XzDecompressor;

static inline XzDecompressor *xz_decompressor_of(Value v) { return (XzDecompressor *)cd_object(v); }

static void *xz_alloc(void *vm, size_t count, size_t size) { return cd_compress_alloc(vm, count, size); }
static void xz_free(void *vm, void *p) { cd_compress_free(vm, p); }
static lzma_allocator xz_allocator(VM *vm) { return (lzma_allocator){xz_alloc, xz_free, vm}; }

static bool xz_check(VM *vm, lzma_ret code)
{
  switch (code) {
  case LZMA_OK: case LZMA_GET_CHECK: case LZMA_NO_CHECK: case LZMA_STREAM_END: return true;
  case LZMA_UNSUPPORTED_CHECK: return XZ_ERROR(vm, "Unsupported integrity check");
  case LZMA_MEM_ERROR: return cd_raise_memory(vm);
  case LZMA_MEMLIMIT_ERROR: return XZ_ERROR(vm, "Memory usage limit exceeded");
  case LZMA_FORMAT_ERROR: return XZ_ERROR(vm, "Input format not supported by decoder");
  case LZMA_OPTIONS_ERROR: return XZ_ERROR(vm, "Invalid or unsupported options");
  case LZMA_DATA_ERROR: return XZ_ERROR(vm, "Corrupt input data");
  case LZMA_BUF_ERROR: return XZ_ERROR(vm, "Insufficient buffer space");
  case LZMA_PROG_ERROR: return XZ_ERROR(vm, "Internal error");
  default: return XZ_ERROR(vm, "Unrecognized error from liblzma: %d", (int)code);
  }
}

// ---- filters ----

typedef struct XzFilters {
  lzma_filter chain[LZMA_FILTERS_MAX + 1];
  union { lzma_options_lzma lzma; lzma_options_delta delta; lzma_options_bcj bcj; } options[LZMA_FILTERS_MAX];
} XzFilters;

static bool xz_unsigned(VM *vm, Value v, uint64_t limit, const char *type, uint64_t *out)
{
  Ref number = cd_index(vm, v);
  if (!number) return false;
  bool fits = cd_int_fits_u64(number, out), negative = cd_int_sign(number) < 0;
  cd_drop(vm, number);
  if (negative) return cd_raise_overflow(vm, "can't convert negative int to unsigned");
  return (fits && *out <= limit) || cd_raise_overflow(vm, "Value too large for %s type", type);
}

// spec[name] as a number, if it is there.
static Find xz_option(VM *vm, Value spec, const char *name, uint64_t limit, const char *type, uint64_t *out)
{
  Ref key = cd_str_from(vm, name), value = NO_REF;
  if (!key) return FIND_ERROR;
  Find found = FIND_HIT;
  if (cd_is_dict(spec)) found = cd_dict_find(vm, spec, key, &value);
  else if (!(value = cd_getitem(vm, spec, key))) found = cd_swallow(vm, vm->exc.KeyError) ? FIND_MISSING : FIND_ERROR;
  cd_drop(vm, key);
  if (found != FIND_HIT) return found;
  bool ok = xz_unsigned(vm, value, limit, type, out);
  cd_drop(vm, value);
  return ok ? FIND_HIT : FIND_ERROR;
}

static bool xz_option_u32(VM *vm, Value spec, const char *name, uint32_t *out)
{
  uint64_t value = *out;
  if (xz_option(vm, spec, name, UINT32_MAX, "uint32_t", &value) == FIND_ERROR) return false;
  *out = (uint32_t)value;
  return true;
}

// Has the specifier only keys out of `names`, which stand between spaces?
static bool xz_only_keys(VM *vm, Value spec, const char *names, const char *filter)
{
  size_t i = 0;
  Value key, value;
  char padded[64];
  if (!cd_is_dict(spec)) return true;
  while (cd_dict_each(spec, &i, &key, &value)) {
    bool known = cd_is_str(key) && cd_str_size(key) < 60;
    if (known) {
      padded[0] = ' ';
      memcpy(padded + 1, cd_str_data(key), cd_str_size(key));
      memcpy(padded + 1 + cd_str_size(key), " ", 2);
      known = strstr(names, padded);
    }
    if (!known) return cd_raise_value(vm, "Invalid filter specifier for %s filter", filter);
  }
  return true;
}

static bool xz_parse_lzma(VM *vm, Value spec, lzma_options_lzma *out)
{
  uint32_t preset = LZMA_PRESET_DEFAULT, mode, mf;
  if (!xz_option_u32(vm, spec, "preset", &preset)) return false;
  if (!xz_only_keys(vm, spec, " id preset dict_size lc lp pb mode nice_len mf depth ", "LZMA")) return false;
  memset(out, 0, sizeof *out);
  if (lzma_lzma_preset(out, preset)) return XZ_ERROR(vm, "lzma_lzma_preset() failed for preset 0x%x", preset);
  mode = out->mode;
  mf = out->mf;
  if (!xz_option_u32(vm, spec, "dict_size", &out->dict_size) || !xz_option_u32(vm, spec, "lc", &out->lc) ||
      !xz_option_u32(vm, spec, "lp", &out->lp) || !xz_option_u32(vm, spec, "pb", &out->pb) || !xz_option_u32(vm, spec, "mode", &mode) ||
      !xz_option_u32(vm, spec, "nice_len", &out->nice_len) || !xz_option_u32(vm, spec, "mf", &mf) ||
      !xz_option_u32(vm, spec, "depth", &out->depth))
    return false;
  out->mode = (lzma_mode)mode;
  out->mf = (lzma_match_finder)mf;
  return true;
}

// One filter specifier into chain[i].
static bool xz_parse_filter(VM *vm, Value spec, XzFilters *out, size_t i)
{
  uint64_t id = 0;
  if (!cd_type_of(vm, spec)->slots.getitem || cd_is_tuple(spec) || cd_is_list(spec) || cd_is_str(spec) || cd_is_bytes(spec))
    return cd_raise_type(vm, "Filter specifier must be a dict or dict-like object");
  Find found = xz_option(vm, spec, "id", UINT64_MAX, "uint64_t", &id);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) return cd_raise_value(vm, "Filter specifier must have an \"id\" entry");
  out->chain[i] = (lzma_filter){id, &out->options[i]};
  switch (id) {
  case LZMA_FILTER_LZMA1: case LZMA_FILTER_LZMA2: return xz_parse_lzma(vm, spec, &out->options[i].lzma);
  case LZMA_FILTER_DELTA:
    out->options[i].delta = (lzma_options_delta){.type = LZMA_DELTA_TYPE_BYTE, .dist = 1};
    return xz_only_keys(vm, spec, " id dist ", "delta") && xz_option_u32(vm, spec, "dist", &out->options[i].delta.dist);
  case LZMA_FILTER_X86:
  case LZMA_FILTER_POWERPC:
  case LZMA_FILTER_IA64:
  case LZMA_FILTER_ARM:
  case LZMA_FILTER_ARMTHUMB:
  case LZMA_FILTER_SPARC:
    out->options[i].bcj = (lzma_options_bcj){0};
    return xz_only_keys(vm, spec, " id start_offset ", "BCJ") && xz_option_u32(vm, spec, "start_offset", &out->options[i].bcj.start_offset);
  default: return cd_raise_value(vm, "Invalid filter ID: %llu", (unsigned long long)id);
  }
}

static bool xz_parse_chain(VM *vm, Value filters, XzFilters *out)
{
  int64_t count;
  if (cd_is_dict(filters) || !cd_type_of(vm, filters)->slots.getitem) return cd_raise_type(vm, "%T is not a sequence", filters);
  if (!cd_len(vm, filters, &count)) return false;
  if (count > LZMA_FILTERS_MAX) return cd_raise_value(vm, "Too many filters - liblzma supports a maximum of %d", LZMA_FILTERS_MAX);
  for (int64_t i = 0; i < count; i++) {
    Ref spec = cd_getitem(vm, filters, cd_from_small(i));
    bool ok = spec && xz_parse_filter(vm, spec, out, (size_t)i);
    cd_drop(vm, spec);
    if (!ok) return false;
  }
  out->chain[count] = (lzma_filter){LZMA_VLI_UNKNOWN, NULL};
  return true;
}

// ---- compressing ----

static bool xz_start_xz(VM *vm, XzCompressor *c, int check, uint32_t preset, Value filters)
{
  XzFilters chain;
  if (cd_is_none(filters)) return xz_check(vm, lzma_easy_encoder(&c->stream, preset, (lzma_check)check));
  return xz_parse_chain(vm, filters, &chain) && xz_check(vm, lzma_stream_encoder(&c->stream, chain.chain, (lzma_check)check));
}

static bool xz_start_alone(VM *vm, XzCompressor *c, uint32_t preset, Value filters)
{
  XzFilters chain;
  lzma_options_lzma options;
  if (cd_is_none(filters)) {
    if (lzma_lzma_preset(&options, preset)) return XZ_ERROR(vm, "Invalid compression preset: %u", preset);
    return xz_check(vm, lzma_alone_encoder(&c->stream, &options));
  }
  if (!xz_parse_chain(vm, filters, &chain)) return false;
  if (chain.chain[0].id != LZMA_FILTER_LZMA1 || chain.chain[1].id != LZMA_VLI_UNKNOWN)
    return cd_raise_value(vm, "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter");
  return xz_check(vm, lzma_alone_encoder(&c->stream, chain.chain[0].options));
}

static bool xz_start(VM *vm, XzCompressor *c, int format, int check, uint32_t preset, Value filters)
{
  XzFilters chain;
  switch (format) {
  case XZ_XZ: return xz_start_xz(vm, c, check == -1 ? LZMA_CHECK_CRC64 : check, preset, filters);
  case XZ_ALONE: return xz_start_alone(vm, c, preset, filters);
  case XZ_RAW:
    if (cd_is_none(filters)) return cd_raise_value(vm, "Must specify filters for FORMAT_RAW");
    return xz_parse_chain(vm, filters, &chain) && xz_check(vm, lzma_raw_encoder(&c->stream, chain.chain));
  default: return cd_raise_value(vm, "Invalid container format: %d", format);
  }
}

static Ref xz_compress(VM *vm, Compressor *compressor, const char *data, size_t size, bool finish)
{
  XzCompressor *c = (XzCompressor *)compressor;
  lzma_action action = finish ? LZMA_FINISH : LZMA_RUN;
  CompressOutput out;
  cd_compress_output_init(&out, vm, -1);
  c->stream.next_in = (const uint8_t *)data;
  c->stream.avail_in = size;
  for (;;) {
    size_t room;
    if (!(c->stream.next_out = (uint8_t *)cd_compress_output_room(&out, &room))) break;
    c->stream.avail_out = room;
    lzma_ret code = lzma_code(&c->stream, action);
    cd_compress_output_used(&out, c->stream.avail_out);
    if (code == LZMA_BUF_ERROR && size == 0 && c->stream.avail_out > 0) code = LZMA_OK;
    if (!xz_check(vm, code)) break;
    if (action == LZMA_RUN ? c->stream.avail_in == 0 : code == LZMA_STREAM_END) return cd_compress_output_finish(&out);
  }
  cd_compress_output_clear(&out);
  return NO_REF;
}

static Ref xz_compressor_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[4];
  Ref owned[2] = {NO_REF, NO_REF};
  int format = XZ_XZ, check = -1;
  uint64_t preset = LZMA_PRESET_DEFAULT;
  if (!cd_bind_text(vm, "LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)", args, nargs, kwnames, bound, owned))
    return NO_REF;
  bool has_preset = cd_bits(bound[2]) && !cd_is_none(bound[2]);
  Value filters = cd_bits(bound[3]) ? bound[3] : cd_none();
  if ((cd_bits(bound[0]) && !cd_to_c_int(vm, bound[0], &format)) || (cd_bits(bound[1]) && !cd_to_c_int(vm, bound[1], &check)))
    return NO_REF;
  if (has_preset && !cd_is_none(filters)) return cd_raise_value(vm, "Cannot specify both preset and filter chain");
  if (has_preset && !xz_unsigned(vm, bound[2], UINT32_MAX, "uint32_t", &preset)) return NO_REF;
  if (format != XZ_XZ && check != -1 && check != LZMA_CHECK_NONE)
    return cd_raise_value(vm, "Integrity checks are only supported by FORMAT_XZ");
  XzCompressor *c = cd_instance_new(vm, type);
  if (!c) return NO_REF;
  c->allocator = xz_allocator(vm);
  c->base.run = xz_compress;
  c->stream = (lzma_stream)LZMA_STREAM_INIT;
  c->stream.allocator = &c->allocator;
  if (xz_start(vm, c, format, check, (uint32_t)preset, filters)) return cd_from_object(c);
  cd_drop_object(vm, c);
  return NO_REF;
}

static void xz_compressor_release(VM *vm UNUSED, Object *self) { lzma_end(&((XzCompressor *)self)->stream); }

static const TypeSpec xz_compressor_spec = {
  .name = "_lzma.LZMACompressor",
  .doc = "LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)\n\nCompresses what it is given piece by piece.\n\nformat "
         "is FORMAT_XZ (default), FORMAT_ALONE, or FORMAT_RAW.\n\ncheck is the kind of integrity check. Only FORMAT_XZ has them, "
         "CHECK_CRC64 if\nnothing is said.\n\nHow to compress is told by preset, an integer in the range 0-9, possibly with\n"
         "PRESET_EXTREME or-ed to it, or in detail by filters, a sequence of dicts with\nan \"id\" and options each. FORMAT_RAW needs "
         "filters.\n\ncompress() does it for data that is there as a whole.\n",
  .basicsize = sizeof(XzCompressor),
  .flags = TYPE_IMMUTABLE,
  .methods = cd_compressor_methods,
  .slots = {.release = xz_compressor_release, .new_ = xz_compressor_new},
};

// ---- decompressing ----

static bool xz_open(VM *vm, XzDecompressor *d, int format, uint64_t memory_limit, Value filters)
{
  static const uint32_t flags = LZMA_TELL_ANY_CHECK | LZMA_TELL_NO_CHECK;
  XzFilters chain;
  switch (format) {
  case XZ_AUTO: return xz_check(vm, lzma_auto_decoder(&d->stream, memory_limit, flags));
  case XZ_XZ: return xz_check(vm, lzma_stream_decoder(&d->stream, memory_limit, flags));
  case XZ_ALONE: d->check = LZMA_CHECK_NONE; return xz_check(vm, lzma_alone_decoder(&d->stream, memory_limit));
  case XZ_RAW:
    d->check = LZMA_CHECK_NONE;
    return xz_parse_chain(vm, filters, &chain) && xz_check(vm, lzma_raw_decoder(&d->stream, chain.chain));
  default: return cd_raise_value(vm, "Invalid container format: %d", format);
  }
}

static Ref xz_decompressor_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[3];
  Ref owned[2] = {NO_REF, NO_REF};
  int format = XZ_AUTO;
  uint64_t memory_limit = UINT64_MAX;
  if (!cd_bind_text(vm, "LZMADecompressor(format=FORMAT_AUTO, memlimit=None, filters=None)", args, nargs, kwnames, bound, owned))
    return NO_REF;
  Value filters = cd_bits(bound[2]) ? bound[2] : cd_none();
  if (cd_bits(bound[0]) && !cd_to_c_int(vm, bound[0], &format)) return NO_REF;
  if (cd_bits(bound[1]) && !cd_is_none(bound[1])) {
    if (format == XZ_RAW) return cd_raise_value(vm, "Cannot specify memory limit with FORMAT_RAW");
    if (!xz_unsigned(vm, bound[1], UINT64_MAX, "uint64_t", &memory_limit)) return NO_REF;
  }
  if (format == XZ_RAW && cd_is_none(filters)) return cd_raise_value(vm, "Must specify filters for FORMAT_RAW");
  if (format != XZ_RAW && !cd_is_none(filters)) return cd_raise_value(vm, "Cannot specify filters except with FORMAT_RAW");
  XzDecompressor *d = cd_instance_new(vm, type);
  if (!d) return NO_REF;
  d->allocator = xz_allocator(vm);
  d->stream = (lzma_stream)LZMA_STREAM_INIT;
  d->stream.allocator = &d->allocator;
  d->needs_input = true;
  d->check = XZ_CHECK_UNKNOWN;
  if ((d->unused = cd_bytes_new(vm, "", 0)) && xz_open(vm, d, format, memory_limit, filters)) return cd_from_object(d);
  cd_drop_object(vm, d);
  return NO_REF;
}

static Ref xz_decompress(VM *vm, XzDecompressor *d, int64_t limit)
{
  CompressOutput out;
  uint8_t nothing;
  cd_compress_output_init(&out, vm, limit);
  for (;;) {
    size_t room;
    d->stream.next_out = (uint8_t *)cd_compress_output_room(&out, &room);
    if (!d->stream.next_out && room) goto fail;
    if (!d->stream.next_out && limit) break;
    if (!d->stream.next_out) d->stream.next_out = &nothing;      // max_length=0 still lets the library take its input
    d->stream.avail_out = room;
    lzma_ret code = lzma_code(&d->stream, LZMA_RUN);
    if (room) cd_compress_output_used(&out, d->stream.avail_out);
    if (code == LZMA_BUF_ERROR && d->stream.avail_in == 0 && (d->stream.avail_out > 0 || !room)) code = LZMA_OK;   // just nothing to do
    if (!xz_check(vm, code)) goto fail;
    if (code == LZMA_GET_CHECK || code == LZMA_NO_CHECK) d->check = (int32_t)lzma_get_check(&d->stream);
    if ((d->eof = code == LZMA_STREAM_END) || !room) break;
    if (d->stream.avail_out > 0 && d->stream.avail_in == 0) break;
  }
  return cd_compress_output_finish(&out);
fail:
  cd_compress_output_clear(&out);
  return NO_REF;
}

static Ref xz_decompress_data(VM *vm, XzDecompressor *d, const char *data, size_t size, int64_t limit)
{
  if (d->input.size) {
    if (!cd_compress_input_append(vm, &d->input, data, size)) return NO_REF;
    data = d->input.block;
    size = d->input.size;
  }
  d->stream.next_in = (const uint8_t *)data;
  d->stream.avail_in = size;
  Ref result = xz_decompress(vm, d, limit);
  data = (const char *)d->stream.next_in;
  size = d->stream.avail_in;
  d->stream.avail_in = 0;
  if (!result) { d->input.size = 0; return NO_REF; }
  // A full output may mean that there is more inside the library even when all input is taken.
  d->needs_input = !d->eof && size == 0 && d->stream.avail_out > 0;
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

METHOD_DEF_(xz_decompressor_decompress, "decompress", "decompress(self, /, data, max_length=-1)",
            "Takes compressed data and gives what it stands for, as bytes.\n\nIf max_length is not negative, at most that many bytes are "
            "returned. When there\nis more to come, needs_input is False, and the next call may pass b''. When all\ninput is used up, or "
            "max_length is negative, needs_input is True.\n\nData behind the end of the stream is ignored and kept in the attribute\n"
            "unused_data.",
            0)
{
  XzDecompressor *d = xz_decompressor_of(self);
  int64_t limit = -1;
  Buffer buffer;
  if (cd_bits(args[1]) && !cd_to_i64(vm, args[1], &limit, vm->exc.OverflowError)) return NO_REF;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref result = NO_REF;
  if (d->eof) cd_raise(vm, vm->exc.EOFError, "Already at end of stream");
  else result = xz_decompress_data(vm, d, buffer.data, (size_t)buffer.size, limit < 0 ? -1 : limit);
  cd_release_buffer(vm, &buffer);
  return result;
}

static void xz_decompressor_release(VM *vm, Object *self)
{
  XzDecompressor *d = (XzDecompressor *)self;
  lzma_end(&d->stream);
  cd_compress_input_clear(vm, &d->input);
  cd_clear(vm, &d->unused);
}

static const MethodDef *const xz_decompressor_methods[] = {&xz_decompressor_decompress_def, NULL};

static const MemberDef xz_decompressor_members[] = {
  {"check", offsetof(XzDecompressor, check), MEMBER_I32, false, "Which integrity check the stream has."},
  {"eof", offsetof(XzDecompressor, eof), MEMBER_BOOL8, false, "True once the end of the compressed stream was seen."},
  {"needs_input", offsetof(XzDecompressor, needs_input), MEMBER_BOOL8, false,
   "False while output is waiting that needs no further input."},
  {"unused_data", offsetof(XzDecompressor, unused), MEMBER_VALUE, false, "What was fed to it beyond the stream's end."},
  {0},
};

static const TypeSpec xz_decompressor_spec = {
  .name = "_lzma.LZMADecompressor",
  .doc = "LZMADecompressor(format=FORMAT_AUTO, memlimit=None, filters=None)\n--\n\nDecompresses what it is given piece by piece.\n\n  "
         "format\n    The container format of the input stream.  FORMAT_AUTO (the default)\n    detects FORMAT_XZ\n    and FORMAT_ALONE. "
         "FORMAT_RAW cannot be detected.\n  memlimit\n    How much memory may be used. Data that needs more cannot be decompressed.\n  "
         "filters\n    The filter chain of FORMAT_RAW, and of that only: a sequence of dicts with\n    an \"id\" and\n    options each.\n\n"
         "decompress() does it for data that is there as a whole.",
  .basicsize = sizeof(XzDecompressor),
  .flags = TYPE_IMMUTABLE,
  .methods = xz_decompressor_methods,
  .members = xz_decompressor_members,
  .slots = {.release = xz_decompressor_release, .new_ = xz_decompressor_new},
};

// ---- functions ----

FUNCTION(_lzma, is_check_supported, "is_check_supported(check_id, /)",
         "Was the library built with this integrity check?\n\nCHECK_NONE and CHECK_CRC32 are always there.")
{
  int check;
  return cd_to_c_int(vm, args[0], &check) ? cd_bool(lzma_check_is_supported((lzma_check)check)) : NO_REF;
}

FUNCTION(_lzma, _encode_filter_properties, "_encode_filter_properties(filter, /)",
         "The options of a filter, given as a dict, in the bytes that a header holds.\n\nThe filter's ID is not among them.")
{
  XzFilters filters;
  uint32_t size;
  if (!xz_parse_filter(vm, args[0], &filters, 0) || !xz_check(vm, lzma_properties_size(&size, filters.chain))) return NO_REF;
  Ref bytes = cd_bytes_new(vm, NULL, size);
  if (!bytes || xz_check(vm, lzma_properties_encode(filters.chain, (uint8_t *)cd_bytes_data(bytes)))) return bytes;
  cd_drop(vm, bytes);
  return NO_REF;
}

static bool xz_set(VM *vm, Value dict, const char *name, uint64_t value)
{
  return cd_dict_set_text_steal(vm, dict, name, cd_int_from_u64(vm, value));
}

static bool xz_describe(VM *vm, Value dict, const lzma_filter *filter)
{
  const lzma_options_lzma *lzma = filter->options;
  if (!xz_set(vm, dict, "id", filter->id)) return false;
  switch (filter->id) {
  case LZMA_FILTER_LZMA1:
    return xz_set(vm, dict, "dict_size", lzma->dict_size) && xz_set(vm, dict, "lc", lzma->lc) && xz_set(vm, dict, "lp", lzma->lp) &&
           xz_set(vm, dict, "pb", lzma->pb);
  case LZMA_FILTER_LZMA2: return xz_set(vm, dict, "dict_size", lzma->dict_size);
  case LZMA_FILTER_DELTA: return xz_set(vm, dict, "dist", ((const lzma_options_delta *)filter->options)->dist);
  case LZMA_FILTER_X86:
  case LZMA_FILTER_POWERPC:
  case LZMA_FILTER_IA64:
  case LZMA_FILTER_ARM:
  case LZMA_FILTER_ARMTHUMB:
  case LZMA_FILTER_SPARC:
    return !filter->options || xz_set(vm, dict, "start_offset", ((const lzma_options_bcj *)filter->options)->start_offset);
  default: return cd_raise_value(vm, "Invalid filter ID: %llu", (unsigned long long)filter->id);
  }
}

FUNCTION(_lzma, _decode_filter_properties, "_decode_filter_properties(filter_id, encoded_props, /)",
         "The options of a filter, given as a dict, in the bytes that a header holds.\n\nThe filter's ID is not among them.")
{
  lzma_filter filter = {0};
  lzma_allocator allocator = xz_allocator(vm);
  Buffer buffer;
  uint64_t id;
  if (!xz_unsigned(vm, args[0], UINT64_MAX, "uint64_t", &id) || !cd_get_buffer(vm, args[1], &buffer, BUFFER_SIMPLE)) return NO_REF;
  filter.id = id;
  bool ok = xz_check(vm, lzma_properties_decode(&filter, &allocator, (const uint8_t *)buffer.data, (size_t)buffer.size));
  cd_release_buffer(vm, &buffer);
  if (!ok) return NO_REF;
  Ref dict = cd_dict_new(vm);
  if (dict && !xz_describe(vm, dict, &filter)) cd_forget(vm, &dict);
  cd_compress_free(vm, filter.options);
  return dict;
}

// ---- the module ----

static const struct { const char *name; int64_t value;
} xz_constants[] = {
  {"FORMAT_AUTO", XZ_AUTO},
  {"FORMAT_XZ", XZ_XZ},
  {"FORMAT_ALONE", XZ_ALONE},
  {"FORMAT_RAW", XZ_RAW},
  {"CHECK_NONE", LZMA_CHECK_NONE},
  {"CHECK_CRC32", LZMA_CHECK_CRC32},
  {"CHECK_CRC64", LZMA_CHECK_CRC64},
  {"CHECK_SHA256", LZMA_CHECK_SHA256},
  {"CHECK_ID_MAX", LZMA_CHECK_ID_MAX},
  {"CHECK_UNKNOWN", XZ_CHECK_UNKNOWN},
  {"FILTER_LZMA1", (int64_t)LZMA_FILTER_LZMA1},
  {"FILTER_LZMA2", LZMA_FILTER_LZMA2},
  {"FILTER_DELTA", LZMA_FILTER_DELTA},
  {"FILTER_X86", LZMA_FILTER_X86},
  {"FILTER_POWERPC", LZMA_FILTER_POWERPC},
  {"FILTER_IA64", LZMA_FILTER_IA64},
  {"FILTER_ARM", LZMA_FILTER_ARM},
  {"FILTER_ARMTHUMB", LZMA_FILTER_ARMTHUMB},
  {"FILTER_SPARC", LZMA_FILTER_SPARC},
  {"MF_HC3", LZMA_MF_HC3},
  {"MF_HC4", LZMA_MF_HC4},
  {"MF_BT2", LZMA_MF_BT2},
  {"MF_BT3", LZMA_MF_BT3},
  {"MF_BT4", LZMA_MF_BT4},
  {"MODE_FAST", LZMA_MODE_FAST},
  {"MODE_NORMAL", LZMA_MODE_NORMAL},
  {"PRESET_DEFAULT", LZMA_PRESET_DEFAULT},
  {"PRESET_EXTREME", LZMA_PRESET_EXTREME},
};

static bool xz_exec(VM *vm, Value module)
{
  XzState *state = xz_state(vm);
  if (!cd_bits(state->error) &&
      !(state->error = cd_exception_type_new(vm, "_lzma.LZMAError", "Call to liblzma failed.", cd_type_value(vm->exc.Exception))))
    return false;
  for (size_t i = 0; i < ARRAY_LEN(xz_constants); i++)
    if (!cd_module_add_int(vm, module, xz_constants[i].name, xz_constants[i].value)) return false;
  return cd_module_add(vm, module, "LZMAError", cd_dup(state->error)) && cd_module_add_type(vm, module, &xz_compressor_spec, NO_VALUE) &&
         cd_module_add_type(vm, module, &xz_decompressor_spec, NO_VALUE);
}

static void xz_traverse(void *p, VisitFn visit, void *context) { visit(context, ((XzState *)p)->error); }
static void xz_clear(VM *vm, void *p) { cd_clear(vm, &((XzState *)p)->error); }

static const MethodDef *const xz_functions[] = {
  &_lzma_is_check_supported_def, &_lzma__encode_filter_properties_def, &_lzma__decode_filter_properties_def, NULL,
};

const ModuleDef cd_module__lzma = {
  .name = "_lzma",
  .functions = xz_functions,
  .state_size = sizeof(XzState),
  .exec = xz_exec,
  .traverse = xz_traverse,
  .clear = xz_clear,
};
