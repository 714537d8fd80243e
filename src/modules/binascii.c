// SPDX-License-Identifier: MIT
// binascii.c: binary data as text: hexadecimal, base64, uuencode, quoted-printable; checksums
#include "modules/module_list.h"
#include "objects/exception.h"

#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <ctype.h>
#include <zlib.h>

typedef struct BinasciiState { Value error, incomplete; } BinasciiState;   // owned
static inline BinasciiState *binascii_state(VM *vm) { return cd_state(vm, MODULE_binascii); }
#define BINASCII_ERROR(...) cd_raise(vm, cd_as_type(binascii_state(vm)->error), __VA_ARGS__)

// ASCII text or bytes, as the decoding functions take it.
typedef struct AsciiArg { Buffer buffer; const unsigned char *data; size_t size; bool is_str; } AsciiArg;
static bool binascii_open(VM *vm, AsciiArg *a, Value v)
{
  a->is_str = cd_is_str(v);
  if (a->is_str) {
    if (!cd_as_str(v)->ascii) return cd_raise_value(vm, "string argument should contain only ASCII characters");
    a->data = (const unsigned char *)cd_str_data(v);
    a->size = cd_str_size(v);
    return true;
  }
  if (!cd_has_buffer(vm, v)) return cd_raise_type(vm, "argument should be bytes, buffer or ASCII string, not '%T'", v);
  if (!cd_get_buffer(vm, v, &a->buffer, BUFFER_SIMPLE)) return false;
  a->data = (const unsigned char *)a->buffer.data;
  a->size = (size_t)a->buffer.size;
  return true;
}
static void binascii_close(VM *vm, AsciiArg *a)
{
  if (!a->is_str) cd_release_buffer(vm, &a->buffer);
}

// ---- hexadecimal ----

static int binascii_hex_digit(unsigned char c)
{
  return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static Ref binascii_to_hex(VM *vm, Value data, Value sep, Value bytes_per_sep)
{
  Value method_args[2] = {sep, bytes_per_sep};
  Buffer buffer;
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref own = cd_bytes_new(vm, buffer.data, (size_t)buffer.size), text = NO_REF, result = NO_REF;
  cd_release_buffer(vm, &buffer);
  if (own) text = cd_call_method(vm, own, N(hex), method_args, !cd_bits(sep) ? 0 : cd_bits(bytes_per_sep) ? 2 : 1);
  if (text) result = cd_bytes_new(vm, cd_str_data(text), cd_str_size(text));
  cd_drop(vm, text);
  cd_drop(vm, own);
  return result;
}
FUNCTION(binascii, hexlify, "hexlify(data, sep='', bytes_per_sep=1)", "Hexadecimal digits of the data, as bytes.")
{
  return binascii_to_hex(vm, args[0], args[1], args[2]);
}
FUNCTION(binascii, b2a_hex, "b2a_hex(data, sep='', bytes_per_sep=1)", "Hexadecimal digits of the data, as bytes.")
{
  return binascii_to_hex(vm, args[0], args[1], args[2]);
}
static Ref binascii_from_hex(VM *vm, Value text)
{
  AsciiArg a;
  if (!binascii_open(vm, &a, text)) return NO_REF;
  Ref result = NO_REF;
  if (a.size % 2) BINASCII_ERROR("Odd-length string");
  else result = cd_bytes_new(vm, NULL, a.size / 2);
  for (size_t i = 0; result && i < a.size; i += 2) {
    int high = binascii_hex_digit(a.data[i]), low = binascii_hex_digit(a.data[i + 1]);
    if (high < 0 || low < 0) {
      cd_forget(vm, &result);
      BINASCII_ERROR("Non-hexadecimal digit found");
    } else cd_bytes_data(result)[i / 2] = (char)(high << 4 | low);
  }
  binascii_close(vm, &a);
  return result;
}
FUNCTION(binascii, unhexlify, "unhexlify(hexstr, /)", "The bytes that hexadecimal digits stand for.")
{
  return binascii_from_hex(vm, args[0]);
}
FUNCTION(binascii, a2b_hex, "a2b_hex(hexstr, /)", "The bytes that hexadecimal digits stand for.")
{
  return binascii_from_hex(vm, args[0]);
}

// ---- base64 ----

static const char binascii_base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static int binascii_base64_value(unsigned char c)
{
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}
FUNCTION(binascii, b2a_base64, "b2a_base64(data, /, *, newline=True)", "One line of base64.")
{
  Buffer data;
  bool newline = true;
  if ((args[1] && !cd_truth(vm, args[1], &newline)) || !cd_get_buffer(vm, args[0], &data, BUFFER_SIMPLE)) return NO_REF;
  size_t n = (size_t)data.size;
  const unsigned char *in = (const unsigned char *)data.data;
  Ref result = cd_bytes_new(vm, NULL, (n + 2) / 3 * 4 + newline);
  char *out = result ? cd_bytes_data(result) : NULL;
  for (size_t i = 0; out && i < n; i += 3) {
    unsigned bits = (unsigned)in[i] << 16 | (i + 1 < n ? (unsigned)in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
    *out++ = binascii_base64_digits[bits >> 18];
    *out++ = binascii_base64_digits[bits >> 12 & 63];
    *out++ = i + 1 < n ? binascii_base64_digits[bits >> 6 & 63] : '=';
    *out++ = i + 2 < n ? binascii_base64_digits[bits & 63] : '=';
  }
  if (out && newline) *out = '\n';
  cd_release_buffer(vm, &data);
  return result;
}
FUNCTION(binascii, a2b_base64, "a2b_base64(data, /, *, strict_mode=False)",
         "The bytes that base64 text stands for; other characters are skipped unless strict_mode.")
{
  AsciiArg a;
  bool strict = false, padding_started = false;
  if ((args[1] && !cd_truth(vm, args[1], &strict)) || !binascii_open(vm, &a, args[0])) return NO_REF;
  Ref result = cd_bytes_new(vm, NULL, (a.size + 3) / 4 * 3);
  size_t n = 0;
  int quad = 0, pads = 0;
  unsigned left = 0;
  const char *trouble = NULL;
  if (result && strict && a.size && a.data[0] == '=') trouble = "Leading padding not allowed";
  for (size_t i = 0; result && !trouble && i < a.size; i++) {
    unsigned char c = a.data[i];
    if (c == '=') {
      padding_started = true;
      if (quad >= 2 && quad + ++pads >= 4) {
        if (strict && i + 1 < a.size) trouble = "Excess data after padding";
        goto finished;
      }
      continue;
    }
    int value = binascii_base64_value(c);
    if (value < 0) {
      if (strict) trouble = "Only base64 data is allowed";
      continue;
    }
    if (strict && padding_started) {
      trouble = "Discontinuous padding not allowed";
      continue;
    }
    pads = 0;
    char *out = cd_bytes_data(result);
    switch (quad) {
    case 0: left = (unsigned)value; break;
    case 1: out[n++] = (char)(left << 2 | (unsigned)value >> 4); left = value & 15; break;
    case 2: out[n++] = (char)(left << 4 | (unsigned)value >> 2); left = value & 3; break;
    case 3: out[n++] = (char)(left << 6 | (unsigned)value); left = 0; break;
    }
    quad = (quad + 1) & 3;
  }
  if (result && !trouble && quad) {
    if (quad == 1)
      BINASCII_ERROR("Invalid base64-encoded string: number of data characters (%lld) cannot be 1 more than a multiple of 4",
                     (long long)(n / 3 * 4 + 1));
    else BINASCII_ERROR("Incorrect padding");
    cd_forget(vm, &result);
  }
finished:
  binascii_close(vm, &a);
  if (trouble && result) {
    cd_drop(vm, result);
    return BINASCII_ERROR("%s", trouble);
  }
  return result && cd_bytes_resize(vm, &result, n) ? result : NO_REF;
}

// ---- uuencode ----

FUNCTION(binascii, a2b_uu, "a2b_uu(data, /)", "The bytes of one line of uuencoded text.")
{
  AsciiArg a;
  if (!binascii_open(vm, &a, args[0])) return NO_REF;
  size_t length = ((a.size ? a.data[0] : 0) - 32u) & 63, at = 1;           // an empty line counts as a NUL, as in the reference
  Ref result = cd_bytes_new(vm, NULL, length);
  unsigned bits = 0;
  int have = 0;
  for (size_t n = 0; result && n < length;) {
    unsigned char c = at < a.size ? a.data[at] : '\n';
    at++;
    unsigned value = 0;
    if (c != '\n' && c != '\r') {
      if (c < ' ' || c > ' ' + 64) {
        cd_forget(vm, &result);
        BINASCII_ERROR("Illegal char");
        break;
      }
      value = (c - ' ') & 63;
    }
    bits = bits << 6 | value;
    have += 6;
    if (have >= 8) {
      have -= 8;
      cd_bytes_data(result)[n++] = (char)(bits >> have);
      bits &= (1u << have) - 1;
    }
  }
  for (; result && at < a.size; at++)
    if (a.data[at] != ' ' && a.data[at] != ' ' + 64 && a.data[at] != '\n' && a.data[at] != '\r') {
      cd_forget(vm, &result);
      BINASCII_ERROR("Trailing garbage");
    }
  binascii_close(vm, &a);
  return result;
}
FUNCTION(binascii, b2a_uu, "b2a_uu(data, /, *, backtick=False)", "One line of uuencoded text for up to 45 bytes.")
{
  Buffer data;
  bool backtick = false;
  if ((args[1] && !cd_truth(vm, args[1], &backtick)) || !cd_get_buffer(vm, args[0], &data, BUFFER_SIMPLE)) return NO_REF;
  size_t n = (size_t)data.size;
  Ref result = NO_REF;
  if (n > 45) BINASCII_ERROR("At most 45 bytes at once");
  else result = cd_bytes_new(vm, NULL, 2 + (n + 2) / 3 * 4);
  if (result) {
    char *out = cd_bytes_data(result);
    const unsigned char *in = (const unsigned char *)data.data;
#define UU(v) ((v) || !backtick ? (char)((v) + ' ') : '`')
    *out++ = UU(n);
    for (size_t i = 0; i < n; i += 3) {
      unsigned bits = (unsigned)in[i] << 16 | (i + 1 < n ? (unsigned)in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
      for (int shift = 18; shift >= 0; shift -= 6) *out++ = UU(bits >> shift & 63);
    }
#undef UU
    *out = '\n';
  }
  cd_release_buffer(vm, &data);
  return result;
}

// ---- quoted-printable ----

FUNCTION(binascii, a2b_qp, "a2b_qp(data, header=False)", "The bytes of quoted-printable text.")
{
  AsciiArg a;
  bool header = false;
  if ((args[1] && !cd_truth(vm, args[1], &header)) || !binascii_open(vm, &a, args[0])) return NO_REF;
  Ref result = cd_bytes_new(vm, NULL, a.size);
  size_t n = 0;
  char *out = result ? cd_bytes_data(result) : NULL;
  for (size_t i = 0; out && i < a.size;) {
    unsigned char c = a.data[i];
    if (c == '=') {
      if (++i >= a.size) break;
      if (a.data[i] == '\n' || a.data[i] == '\r') {
        while (i < a.size && a.data[i] != '\n') i++;
        if (i < a.size) i++;
      } else if (a.data[i] == '=') {
        out[n++] = '=';
        i++;
      } else if (i + 1 < a.size && binascii_hex_digit(a.data[i]) >= 0 && binascii_hex_digit(a.data[i + 1]) >= 0) {
        out[n++] = (char)(binascii_hex_digit(a.data[i]) << 4 | binascii_hex_digit(a.data[i + 1]));
        i += 2;
      } else out[n++] = '=';
    } else {
      out[n++] = header && c == '_' ? ' ' : (char)c;
      i++;
    }
  }
  binascii_close(vm, &a);
  return result && cd_bytes_resize(vm, &result, n) ? result : NO_REF;
}

// Writes quoted-printable text and returns its size; when out is NULL, returns how much room is enough.
static size_t binascii_qp_encode(const unsigned char *in, size_t size, char *out, bool quote_tabs, bool is_text, bool header, bool crlf)
{
  static const char digits[] = "0123456789ABCDEF";
  size_t n = 0, line = 0;
#define QP_PUT(c) do { if (out) out[n] = (char)(c); n++; } while (0)
#define QP_BREAK() do { QP_PUT('='); if (crlf) QP_PUT('\r'); QP_PUT('\n'); line = 0; } while (0)
  for (size_t i = 0; i < size;) {
    unsigned char c = in[i];
    bool last = i + 1 == size;
    if (c > 126 || c == '=' || (header && c == '_') ||
        (c == '.' && line == 0 && (last || in[i + 1] == '\n' || in[i + 1] == '\r' || in[i + 1] == 0)) ||
        (!is_text && (c == '\r' || c == '\n')) || ((c == '\t' || c == ' ') && last) ||
        (c < 33 && c != '\r' && c != '\n' && (quote_tabs || (c != '\t' && c != ' ')))) {
      if (line + 3 >= 76) QP_BREAK();
      QP_PUT('=');
      QP_PUT(digits[c >> 4]);
      QP_PUT(digits[c & 15]);
      line += 3;
      i++;
    } else if (is_text && (c == '\n' || (c == '\r' && !last && in[i + 1] == '\n'))) {
      // White space at a line's end is quoted. When counting, quoted white space counts too: the count is an upper bound.
      if (!out && i && (in[i - 1] == ' ' || in[i - 1] == '\t')) {
        n += 2;
      } else if (out && n && (out[n - 1] == ' ' || out[n - 1] == '\t')) {
        unsigned char space = (unsigned char)out[--n];
        QP_PUT('=');
        QP_PUT(digits[space >> 4]);
        QP_PUT(digits[space & 15]);
      }
      if (crlf) QP_PUT('\r');
      QP_PUT('\n');
      line = 0;
      i += c == '\r' ? 2 : 1;
    } else {
      if (!last && in[i + 1] != '\n' && line + 1 >= 76) QP_BREAK();
      line++;
      QP_PUT(header && c == ' ' ? '_' : c);
      i++;
    }
  }
#undef QP_PUT
#undef QP_BREAK
  return n;
}
FUNCTION(binascii, b2a_qp, "b2a_qp(data, quotetabs=False, istext=True, header=False)", "Data as quoted-printable text.")
{
  Buffer data;
  bool tabs = false, text = true, header = false;
  if ((args[1] && !cd_truth(vm, args[1], &tabs)) || (args[2] && !cd_truth(vm, args[2], &text)) ||
      (args[3] && !cd_truth(vm, args[3], &header)) || !cd_get_buffer(vm, args[0], &data, BUFFER_SIMPLE))
    return NO_REF;
  const char *newline = memchr(data.data, '\n', (size_t)data.size);
  bool crlf = newline && newline > data.data && newline[-1] == '\r';
  size_t n = binascii_qp_encode((unsigned char *)data.data, (size_t)data.size, NULL, tabs, text, header, crlf);
  Ref result = cd_bytes_new(vm, NULL, n);
  if (result) n = binascii_qp_encode((unsigned char *)data.data, (size_t)data.size, cd_bytes_data(result), tabs, text, header, crlf);
  cd_release_buffer(vm, &data);
  return result && cd_bytes_resize(vm, &result, n) ? result : NO_REF;
}

// ---- checksums ----

static bool binascii_checksum_start(VM *vm, Value v, uint32_t *out)
{
  Ref index = v ? cd_index(vm, v) : cd_from_small(0);
  uint64_t word = 0;
  int64_t number;
  if (!index) return false;
  if (cd_int_fits_i64(index, &number)) word = (uint64_t)number;
  else if (!cd_int_fits_u64(index, &word)) word = 0;
  cd_drop(vm, index);
  *out = (uint32_t)word;
  return true;
}
FUNCTION(binascii, crc32, "crc32(data, crc=0, /)", "CRC-32 of data, going on from crc.")
{
  Buffer data;
  uint32_t crc;
  if (!binascii_checksum_start(vm, args[1], &crc) || !cd_get_buffer(vm, args[0], &data, BUFFER_SIMPLE)) return NO_REF;
  crc = (uint32_t)crc32_z(crc, (const unsigned char *)data.data, (size_t)data.size);
  cd_release_buffer(vm, &data);
  return cd_from_small(crc);
}
FUNCTION(binascii, crc_hqx, "crc_hqx(data, crc, /)", "CRC-CCITT of data, going on from crc.")
{
  Buffer data;
  uint32_t crc;
  if (!binascii_checksum_start(vm, args[1], &crc) || !cd_get_buffer(vm, args[0], &data, BUFFER_SIMPLE)) return NO_REF;
  crc &= 0xffff;
  for (int64_t i = 0; i < data.size; i++) {
    crc ^= (uint32_t)(unsigned char)data.data[i] << 8;
    for (int k = 0; k < 8; k++) crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
  }
  cd_release_buffer(vm, &data);
  return cd_from_small(crc);
}

// ---- the module ----

static bool binascii_exec(VM *vm, Value module)
{
  BinasciiState *s = binascii_state(vm);
  return (s->error = cd_exception_type_new(vm, "binascii.Error", NULL, cd_type_value(vm->exc.ValueError))) &&
         (s->incomplete = cd_exception_type_new(vm, "binascii.Incomplete", NULL, cd_type_value(vm->exc.Exception))) &&
         cd_module_add(vm, module, "Error", cd_dup(s->error)) && cd_module_add(vm, module, "Incomplete", cd_dup(s->incomplete));
}
static void binascii_traverse(void *data, VisitFn visit, void *context)
{
  visit(context, ((BinasciiState *)data)->error);
  visit(context, ((BinasciiState *)data)->incomplete);
}
static void binascii_clear(VM *vm, void *data)
{
  cd_clear(vm, &((BinasciiState *)data)->error);
  cd_clear(vm, &((BinasciiState *)data)->incomplete);
}
static const MethodDef *const binascii_functions[] = {&binascii_hexlify_def,
                                                      &binascii_b2a_hex_def,
                                                      &binascii_unhexlify_def,
                                                      &binascii_a2b_hex_def,
                                                      &binascii_b2a_base64_def,
                                                      &binascii_a2b_base64_def,
                                                      &binascii_a2b_uu_def,
                                                      &binascii_b2a_uu_def,
                                                      &binascii_a2b_qp_def,
                                                      &binascii_b2a_qp_def,
                                                      &binascii_crc32_def,
                                                      &binascii_crc_hqx_def,
                                                      NULL};
const ModuleDef cd_module_binascii = {"binascii",         "Binary data as text, and checksums.",
                                      binascii_functions, sizeof(BinasciiState),
                                      binascii_exec,      binascii_traverse,
                                      binascii_clear};
