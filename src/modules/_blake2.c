// SPDX-License-Identifier: MIT
// _blake2.c: BLAKE2b and BLAKE2s (RFC 7693), with keys, salts, personalisation and tree hashing
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

enum { BLAKE_B, BLAKE_S };

// What differs between the two.
typedef struct BlakeKind {
  const char *name;
  int word, block, digest, key, salt, person;    // bytes
  int offset;                                    // bytes of node_offset in the parameter block
} BlakeKind;

static const BlakeKind blake_kinds[2] = {
  {"blake2b", 8, 128, 64, 64, 16, 16, 8},
  {"blake2s", 4, 64, 32, 32, 8, 8, 6},
};

// BLAKE2s uses the lower halves of the words.
typedef struct Blake {
  Object head;
  uint64_t h[8], count[2];                       // chain value; bytes so far, low word first
  unsigned char buffer[128];
  int used;                                      // of buffer; a full one is kept until more comes, since the last block is marked
  uint8_t kind, size;                            // size: of the digest
  bool last_node;
} Blake;

static inline Blake *blake_of(Value v) { return (Blake *)cd_object(v); }

// ---- the function ----

static const uint64_t blake_iv_b[8] = {
  UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
  UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f), UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

static const uint8_t blake_sigma[10][16] = {
  {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
  {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
  {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
  {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
  {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

// The four words that a step mixes: columns, then diagonals.
static const uint8_t blake_lanes[8][4] = {
  {0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}, {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14},
};

static inline uint64_t blake_rotate64(uint64_t x, int n) { return x >> n | x << (64 - n); }
static inline uint32_t blake_rotate32(uint32_t x, int n) { return x >> n | x << (32 - n); }

static uint64_t blake_load(const unsigned char *p, int size)     // little-endian
{
  uint64_t word = 0;
  for (int i = size; i-- > 0;) word = word << 8 | p[i];
  return word;
}

static void blake_compress_b(Blake *s, const unsigned char *block, bool last)
{
  uint64_t v[16], m[16];
  for (int i = 0; i < 16; i++) m[i] = blake_load(block + 8 * i, 8);
  for (int i = 0; i < 8; i++) {
    v[i] = s->h[i];
    v[i + 8] = blake_iv_b[i];
  }
  v[12] ^= s->count[0];
  v[13] ^= s->count[1];
  if (last) v[14] = ~v[14];
  if (last && s->last_node) v[15] = ~v[15];
  for (int round = 0; round < 12; round++) {
    const uint8_t *sigma = blake_sigma[round % 10];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      uint64_t *a = &v[blake_lanes[i][0]], *b = &v[blake_lanes[i][1]], *c = &v[blake_lanes[i][2]], *d = &v[blake_lanes[i][3]];
      *a += *b + m[sigma[2 * i]];
      *d = blake_rotate64(*d ^ *a, 32);
      *c += *d;
      *b = blake_rotate64(*b ^ *c, 24);
      *a += *b + m[sigma[2 * i + 1]];
      *d = blake_rotate64(*d ^ *a, 16);
      *c += *d;
      *b = blake_rotate64(*b ^ *c, 63);
    }
  }
  for (int i = 0; i < 8; i++) s->h[i] ^= v[i] ^ v[i + 8];
}

static void blake_compress_s(Blake *s, const unsigned char *block, bool last)
{
  uint32_t v[16], m[16];
  for (int i = 0; i < 16; i++) m[i] = (uint32_t)blake_load(block + 4 * i, 4);
  for (int i = 0; i < 8; i++) {
    v[i] = (uint32_t)s->h[i];
    v[i + 8] = (uint32_t)(blake_iv_b[i] >> 32);  // BLAKE2s starts from the upper halves
  }
  v[12] ^= (uint32_t)s->count[0];
  v[13] ^= (uint32_t)s->count[1];
  if (last) v[14] = ~v[14];
  if (last && s->last_node) v[15] = ~v[15];
  for (int round = 0; round < 10; round++) {
    const uint8_t *sigma = blake_sigma[round];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      uint32_t *a = &v[blake_lanes[i][0]], *b = &v[blake_lanes[i][1]], *c = &v[blake_lanes[i][2]], *d = &v[blake_lanes[i][3]];
      *a += *b + m[sigma[2 * i]];
      *d = blake_rotate32(*d ^ *a, 16);
      *c += *d;
      *b = blake_rotate32(*b ^ *c, 12);
      *a += *b + m[sigma[2 * i + 1]];
      *d = blake_rotate32(*d ^ *a, 8);
      *c += *d;
      *b = blake_rotate32(*b ^ *c, 7);
    }
  }
  for (int i = 0; i < 8; i++) s->h[i] ^= v[i] ^ v[i + 8];
}

static void blake_block(Blake *s, const unsigned char *block, uint64_t bytes, bool last)
{
  if (s->kind == BLAKE_B) {
    s->count[0] += bytes;
    s->count[1] += s->count[0] < bytes;
    blake_compress_b(s, block, last);
  } else {
    uint64_t total = (s->count[1] << 32 | s->count[0]) + bytes;
    s->count[0] = total & UINT32_MAX;
    s->count[1] = total >> 32;
    blake_compress_s(s, block, last);
  }
}

static void blake_absorb(Blake *s, const unsigned char *data, size_t size)
{
  size_t block = (size_t)blake_kinds[s->kind].block;
  if (size == 0) return;
  size_t room = block - (size_t)s->used;
  if (size > room) {
    memcpy(s->buffer + s->used, data, room);
    blake_block(s, s->buffer, block, false);
    s->used = 0;
    data += room;
    size -= room;
    for (; size > block; data += block, size -= block) blake_block(s, data, block, false);
  }
  memcpy(s->buffer + s->used, data, size);
  s->used += (int)size;
}

static void blake_finish(const Blake *state, unsigned char out[64])
{
  Blake s = *state;
  int word = blake_kinds[s.kind].word;
  memset(s.buffer + s.used, 0, sizeof s.buffer - (size_t)s.used);
  blake_block(&s, s.buffer, (uint64_t)s.used, true);
  for (int i = 0; i < 8 * word; i++) out[i] = (unsigned char)(s.h[i / word] >> (8 * (i % word)));
}

// ---- parameters ----

// ORDER: blake. The entries of the constructor's signature.
enum {
  BLAKE_DATA,
  BLAKE_DIGEST_SIZE,
  BLAKE_KEY,
  BLAKE_SALT,
  BLAKE_PERSON,
  BLAKE_FANOUT,
  BLAKE_DEPTH,
  BLAKE_LEAF_SIZE,
  BLAKE_NODE_OFFSET,
  BLAKE_NODE_DEPTH,
  BLAKE_INNER_SIZE,
  BLAKE_LAST_NODE,
  BLAKE_USED_FOR_SECURITY,
  BLAKE_PARAMETER_COUNT
};

static bool blake_small(VM *vm, Value v, int fallback, int low, int high, const char *message, unsigned char *out)
{
  int value = fallback;
  if (cd_bits(v) && !cd_to_c_int(vm, v, &value)) return false;
  if (value < low || value > high) return cd_raise_value(vm, message, high);
  *out = (unsigned char)value;
  return true;
}

// An unsigned number of `bytes` bytes, little-endian into `out`.
static bool blake_wide(VM *vm, Value v, int bytes, const char *name, const char *too_big, unsigned char *out)
{
  uint64_t value = 0;
  if (cd_bits(v)) {
    Ref number = cd_index(vm, v);
    if (!number) return false;
    bool fits = cd_int_fits_u64(number, &value), negative = cd_int_sign(number) < 0;
    cd_drop(vm, number);
    if (negative) return cd_raise_value(vm, "value must be positive");
    if (!fits) return cd_raise_overflow(vm, "%s", too_big);
    if (bytes < 8 && value >> (8 * bytes)) return cd_raise_overflow(vm, "%s is too large", name);
  }
  for (int i = 0; i < bytes; i++) out[i] = (unsigned char)(value >> (8 * i));
  return true;
}

// Bytes of at most `most` into zeroed `out`; *size gets how many.
static bool blake_text(VM *vm, Value v, int most, const char *name, unsigned char *out, unsigned char *size)
{
  Buffer buffer;
  *size = 0;
  if (!cd_bits(v)) return true;
  if (!cd_get_buffer(vm, v, &buffer, BUFFER_SIMPLE)) return false;
  bool fits = buffer.size <= most;
  if (fits) memcpy(out, buffer.data, (size_t)buffer.size);
  if (fits) *size = (unsigned char)buffer.size;
  cd_release_buffer(vm, &buffer);
  return fits || cd_raise_value(vm, "maximum %s length is %d bytes", name, most);
}

static bool blake_feed(VM *vm, Blake *s, Value data)
{
  Buffer buffer;
  if (cd_is_str(data)) return cd_raise_type(vm, "Strings must be encoded before hashing");
  if (!cd_has_buffer(vm, data)) return cd_raise_type(vm, "object supporting the buffer API required");
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return false;
  blake_absorb(s, (const unsigned char *)buffer.data, (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  return true;
}

// The parameter block (RFC 7693, 2.5; BLAKE2 paper, tables 1 and 2) is xored to the initial chain value.
static bool blake_start(VM *vm, Blake *s, const Value *bound)
{
  const BlakeKind *kind = &blake_kinds[s->kind];
  unsigned char block[64] = {0}, key[128] = {0}, unused, *tail = block + 8 + kind->offset;
  unsigned char *salt = block + 4 * kind->word, *person = salt + kind->salt;
  if (!blake_small(vm, bound[BLAKE_DIGEST_SIZE], kind->digest, 1, kind->digest, "digest_size must be between 1 and %d bytes", &block[0]))
    return false;
  if (!blake_text(vm, bound[BLAKE_SALT], kind->salt, "salt", salt, &unused) ||
      !blake_text(vm, bound[BLAKE_PERSON], kind->person, "person", person, &unused))
    return false;
  if (!blake_small(vm, bound[BLAKE_FANOUT], 1, 0, 255, "fanout must be between 0 and %d", &block[2]) ||
      !blake_small(vm, bound[BLAKE_DEPTH], 1, 1, 255, "depth must be between 1 and %d", &block[3]) ||
      !blake_wide(vm, bound[BLAKE_LEAF_SIZE], 4, "leaf_size", "Python int too large to convert to C unsigned long", block + 4) ||
      !blake_wide(vm, bound[BLAKE_NODE_OFFSET], kind->offset, "node_offset", "int too big to convert", block + 8) ||
      !blake_small(vm, bound[BLAKE_NODE_DEPTH], 0, 0, 255, "node_depth must be between 0 and %d", &tail[0]) ||
      !blake_small(vm, bound[BLAKE_INNER_SIZE], 0, 0, kind->digest, "inner_size must be between 0 and is %d", &tail[1]) ||
      !blake_text(vm, bound[BLAKE_KEY], kind->key, "key", key, &block[1]))
    return false;
  if (cd_bits(bound[BLAKE_LAST_NODE]) && !cd_truth(vm, bound[BLAKE_LAST_NODE], &s->last_node)) return false;
  s->size = block[0];
  for (int i = 0; i < 8; i++)
    s->h[i] = (kind->word == 8 ? blake_iv_b[i] : blake_iv_b[i] >> 32) ^ blake_load(block + i * kind->word, kind->word);
  if (block[1]) blake_absorb(s, key, (size_t)kind->block);
  return !cd_bits(bound[BLAKE_DATA]) || blake_feed(vm, s, bound[BLAKE_DATA]);
}

static Ref blake_new(VM *vm, Type *type, int kind, const char *signature, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[BLAKE_PARAMETER_COUNT];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, signature, args, nargs, kwnames, bound, owned)) return NO_REF;
  Blake *s = cd_instance_new(vm, type);
  if (!s) return NO_REF;
  s->kind = (uint8_t)kind;
  if (blake_start(vm, s, bound)) return cd_from_object(s);
  cd_drop_object(vm, s);
  return NO_REF;
}

#define BLAKE_SIGNATURE(name)                                                                             \
  name "(data=b'', /, *, digest_size=_blake2." name                                                       \
       ".MAX_DIGEST_SIZE, key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0, node_offset=0, " \
       "node_depth=0, inner_size=0, last_node=False, usedforsecurity=True)"

static Ref blake_new_b(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return blake_new(vm, type, BLAKE_B, BLAKE_SIGNATURE("blake2b"), args, nargs, kwnames);
}
static Ref blake_new_s(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return blake_new(vm, type, BLAKE_S, BLAKE_SIGNATURE("blake2s"), args, nargs, kwnames);
}

// ---- methods ----

METHOD(blake, copy, "copy(self, /)", "A second hash that goes on from here by itself.")
{
  Blake *copy = cd_instance_new(vm, cd_type_of(vm, self));
  if (!copy) return NO_REF;
  memcpy((char *)copy + sizeof(Object), (char *)blake_of(self) + sizeof(Object), sizeof *copy - sizeof(Object));
  return cd_from_object(copy);
}

METHOD(blake, update, "update(self, data, /)", "Hashes the bytes of the object after those it had before.")
{
  return blake_feed(vm, blake_of(self), args[0]) ? cd_none() : NO_REF;
}

METHOD(blake, digest, "digest(self, /)", "The digest so far, as bytes.")
{
  unsigned char out[64];
  blake_finish(blake_of(self), out);
  return cd_bytes_new(vm, (char *)out, blake_of(self)->size);
}

METHOD(blake, hexdigest, "hexdigest(self, /)", "The digest so far, in hexadecimal.")
{
  unsigned char out[64];
  char digits[128];
  size_t size = blake_of(self)->size;
  blake_finish(blake_of(self), out);
  for (size_t i = 0; i < 2 * size; i++) digits[i] = "0123456789abcdef"[i % 2 ? out[i / 2] & 15 : out[i / 2] >> 4];
  return cd_str_ascii(vm, digits, 2 * size);
}

static Ref blake_get_name(VM *vm, Value self) { return cd_str_from(vm, blake_kinds[blake_of(self)->kind].name); }
static Ref blake_get_block_size(VM *vm UNUSED, Value self) { return cd_from_small(blake_kinds[blake_of(self)->kind].block); }
static Ref blake_get_digest_size(VM *vm UNUSED, Value self) { return cd_from_small(blake_of(self)->size); }

static const GetSetDef blake_getset[] = {
  {"name", NULL, blake_get_name, NULL},
  {"block_size", NULL, blake_get_block_size, NULL},
  {"digest_size", NULL, blake_get_digest_size, NULL},
  {0},
};

static const MethodDef *const blake_methods[] = {&blake_copy_def, &blake_digest_def, &blake_hexdigest_def, &blake_update_def, NULL};

static const TypeSpec blake_specs[2] = {
  {
    .name = "_blake2.blake2b",
    .doc = BLAKE_SIGNATURE("blake2b") "\n--\n\nA BLAKE2b hash in the making.",
    .basicsize = sizeof(Blake), .flags = TYPE_IMMUTABLE, .methods = blake_methods, .getset = blake_getset, .slots = {.new_ = blake_new_b},
  },
  {
    .name = "_blake2.blake2s",
    .doc = BLAKE_SIGNATURE("blake2s") "\n--\n\nA BLAKE2s hash in the making.",
    .basicsize = sizeof(Blake), .flags = TYPE_IMMUTABLE, .methods = blake_methods, .getset = blake_getset, .slots = {.new_ = blake_new_s},
  },
};

// ---- the module ----

// A size as an attribute of the type, and of the module under a longer name.
static bool blake_add_size(VM *vm, Value module, Type *type, const char *prefix, const char *name, int size)
{
  char full[40];
  size_t length = strlen(prefix);
  memcpy(full, prefix, length);
  memcpy(full + length, name, strlen(name) + 1);
  Ref key = cd_intern(vm, name);
  bool ok = key && cd_type_set_attr(vm, type, key, cd_from_small(size)) && cd_module_add_int(vm, module, full, size);
  cd_drop(vm, key);
  return ok;
}

static bool blake_exec(VM *vm, Value module)
{
  for (int i = 0; i < 2; i++) {
    const BlakeKind *kind = &blake_kinds[i];
    const char *prefix = i == BLAKE_B ? "BLAKE2B_" : "BLAKE2S_";
    Type *type = cd_module_add_type(vm, module, &blake_specs[i], NO_VALUE);
    if (!type || !blake_add_size(vm, module, type, prefix, "SALT_SIZE", kind->salt) ||
        !blake_add_size(vm, module, type, prefix, "PERSON_SIZE", kind->person) ||
        !blake_add_size(vm, module, type, prefix, "MAX_KEY_SIZE", kind->key) ||
        !blake_add_size(vm, module, type, prefix, "MAX_DIGEST_SIZE", kind->digest))
      return false;
  }
  return true;
}

const ModuleDef cd_module__blake2 = {.name = "_blake2", .doc = "BLAKE2b and BLAKE2s for hashlib.\n", .exec = blake_exec};
