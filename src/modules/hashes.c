// SPDX-License-Identifier: MIT
// hashes.c: _md5, _sha1, _sha256, _sha512, _sha3 over OpenSSL's digests
#include "modules/crypto.h"
#include "modules/away.h"
#include "modules/module_list.h"

#include "objects/bytes.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"

typedef struct Digest { Object head; EVP_MD_CTX *context; const struct DigestInfo *info; bool busy; } Digest;

// Algorithms, in the order of digest_specs; a module's types stand together.
typedef struct DigestInfo { const char *name, *type_name, *openssl; int extendable; } DigestInfo;
enum {
  DIGEST_MD5,
  DIGEST_SHA1,
  DIGEST_SHA224,
  DIGEST_SHA256,
  DIGEST_SHA384,
  DIGEST_SHA512,
  DIGEST_SHA3_224,
  DIGEST_SHA3_256,
  DIGEST_SHA3_384,
  DIGEST_SHA3_512,
  DIGEST_SHAKE_128,
  DIGEST_SHAKE_256,
  DIGEST_COUNT
};
static const DigestInfo digest_infos[DIGEST_COUNT] = {{"md5", "_md5.md5", "MD5", 0},
                                                      {"sha1", "_sha1.sha1", "SHA1", 0},
                                                      {"sha224", "_sha256.sha224", "SHA224", 0},
                                                      {"sha256", "_sha256.sha256", "SHA256", 0},
                                                      {"sha384", "_sha512.sha384", "SHA384", 0},
                                                      {"sha512", "_sha512.sha512", "SHA512", 0},
                                                      {"sha3_224", "_sha3.sha3_224", "SHA3-224", 0},
                                                      {"sha3_256", "_sha3.sha3_256", "SHA3-256", 0},
                                                      {"sha3_384", "_sha3.sha3_384", "SHA3-384", 0},
                                                      {"sha3_512", "_sha3.sha3_512", "SHA3-512", 0},
                                                      {"shake_128", "_sha3.shake_128", "SHAKE128", 1},
                                                      {"shake_256", "_sha3.shake_256", "SHAKE256", 1}};

typedef struct DigestState { Type *types[DIGEST_COUNT]; } DigestState;   // only those of the module

static Digest *as_digest(Value v) { return (Digest *)cd_object(v); }

static Ref digest_broken(VM *vm) { return cd_raise(vm, vm->exc.ValueError, "hash algorithm is not available"); }

static Ref digest_make(VM *vm, Type *type, const DigestInfo *info, const EVP_MD_CTX *from)
{
  Digest *d = cd_object_new(vm, type, sizeof *d);
  if (!d) return NO_REF;
  Ref made = cd_from_object(d);
  const EVP_MD *algorithm = from ? NULL : EVP_get_digestbyname(info->openssl);
  d->info = info;
  d->context = EVP_MD_CTX_new();
  bool ok = d->context && (from ? EVP_MD_CTX_copy_ex(d->context, from) : algorithm && EVP_DigestInit_ex(d->context, algorithm, NULL));
  if (ok) return made;
  cd_drop(vm, made);
  return digest_broken(vm);
}
static void digest_release(VM *vm, Object *self)
{
  EVP_MD_CTX_free(((Digest *)self)->context);
  ((Digest *)self)->context = NULL;
}

static bool digest_feed(VM *vm, Digest *d, Value data)
{
  Buffer buffer;
  if (cd_is_str(data)) return cd_raise_type(vm, "Strings must be encoded before hashing");
  if (!cd_has_buffer(vm, data)) return cd_raise_type(vm, "object supporting the buffer API required");
  if (!cd_get_buffer(vm, data, &buffer, BUFFER_SIMPLE)) return false;
  bool ok = cd_await_idle(vm, &d->busy);
  if (ok) {
    Thread *me = cd_go_away(vm, &d->busy, buffer.size);
    ok = EVP_DigestUpdate(d->context, buffer.data, (size_t)buffer.size);
    cd_come_back(vm, &d->busy, me);
  }
  cd_release_buffer(vm, &buffer);
  return ok || (!cd_raised(vm) && digest_broken(vm));
}

// The digest so far, which stays usable. Room for 64 bytes, or for `length` of an extendable one.
static bool digest_value(VM *vm, Digest *d, unsigned char *out, size_t length)
{
  if (!cd_await_idle(vm, &d->busy)) return false;
  EVP_MD_CTX *copy = EVP_MD_CTX_new();
  bool ok = copy && EVP_MD_CTX_copy_ex(copy, d->context) &&
            (d->info->extendable ? EVP_DigestFinalXOF(copy, out, length) : EVP_DigestFinal_ex(copy, out, NULL));
  EVP_MD_CTX_free(copy);
  return ok || digest_broken(vm);
}
static size_t digest_length(const Digest *d) { return (size_t)EVP_MD_CTX_get_size(d->context); }

METHOD(digest, update, "update(self, obj, /)", "Take more data in.")
{
  return digest_feed(vm, as_digest(self), args[0]) ? cd_none() : NO_REF;
}
METHOD(digest, copy, "copy(self, /)", "A second object in the same state.")
{
  if (!cd_await_idle(vm, &as_digest(self)->busy)) return NO_REF;
  return digest_make(vm, cd_object(self)->type, as_digest(self)->info, as_digest(self)->context);
}
static Ref digest_bytes(VM *vm, Value self, size_t length)
{
  Ref bytes = cd_bytes_new(vm, NULL, length);
  if (!bytes) return NO_REF;
  if (length == 0 || digest_value(vm, as_digest(self), (unsigned char *)cd_bytes_data(bytes), length)) return bytes;
  cd_drop(vm, bytes);
  return NO_REF;
}
static Ref digest_hex(VM *vm, Value self, size_t length)
{
  Ref bytes = digest_bytes(vm, self, length), text = bytes ? cd_call_method0(vm, bytes, N(hex)) : NO_REF;
  cd_drop(vm, bytes);
  return text;
}
METHOD(digest, digest, "digest(self, /)", "The hash of the data so far.")
{
  return digest_bytes(vm, self, digest_length(as_digest(self)));
}
METHOD(digest, hexdigest, "hexdigest(self, /)", "The hash of the data so far, as hexadecimal digits.")
{
  return digest_hex(vm, self, digest_length(as_digest(self)));
}
static bool shake_length(VM *vm, Value v, size_t *out)
{
  int64_t length;
  if (!cd_to_i64(vm, v, &length, vm->exc.OverflowError)) return false;
  if (length < 0) return cd_raise_value(vm, "value must be positive");
  if (length >= INT64_C(1) << 29) return cd_raise_value(vm, "length is too large");
  *out = (size_t)length;
  return true;
}
METHOD_DEF_(shake_digest, "digest", "digest(self, length, /)", "length bytes of the hash of the data so far.", 0)
{
  size_t length;
  return shake_length(vm, args[0], &length) ? digest_bytes(vm, self, length) : NO_REF;
}
METHOD_DEF_(shake_hexdigest, "hexdigest", "hexdigest(self, length, /)",
            "length bytes of the hash of the data so far, as hexadecimal digits.", 0)
{
  size_t length;
  return shake_length(vm, args[0], &length) ? digest_hex(vm, self, length) : NO_REF;
}

static Ref digest_get_name(VM *vm, Value self) { return cd_str_from(vm, as_digest(self)->info->name); }
static Ref digest_get_block_size(VM *vm, Value self) { return cd_from_small(EVP_MD_CTX_get_block_size(as_digest(self)->context)); }
static Ref digest_get_digest_size(VM *vm, Value self)
{
  return cd_from_small(as_digest(self)->info->extendable ? 0 : (int64_t)digest_length(as_digest(self)));
}

static const GetSetDef digest_getset[] = {{"name", "Name of the algorithm.", digest_get_name, NULL},
                                          {"block_size", "Bytes taken in at once.", digest_get_block_size, NULL},
                                          {"digest_size", "Bytes of the hash.", digest_get_digest_size, NULL},
                                          {NULL, NULL, NULL, NULL}};
// The sponge: 1600 bits of state, `rate` of which take in data.
static Ref sha3_get_rate(VM *vm, Value self) { return cd_from_small(EVP_MD_CTX_get_block_size(as_digest(self)->context) * 8); }
static Ref sha3_get_capacity(VM *vm, Value self) { return cd_from_small(1600 - EVP_MD_CTX_get_block_size(as_digest(self)->context) * 8); }
static Ref sha3_get_suffix(VM *vm, Value self) { return cd_bytes_new(vm, as_digest(self)->info->extendable ? "\x1f" : "\x06", 1); }
static const GetSetDef sha3_getset[] = {{"name", "Name of the algorithm.", digest_get_name, NULL},
                                        {"block_size", "Bytes taken in at once.", digest_get_block_size, NULL},
                                        {"digest_size", "Bytes of the hash.", digest_get_digest_size, NULL},
                                        {"_rate_bits", NULL, sha3_get_rate, NULL},
                                        {"_capacity_bits", NULL, sha3_get_capacity, NULL},
                                        {"_suffix", NULL, sha3_get_suffix, NULL},
                                        {NULL, NULL, NULL, NULL}};
static const MethodDef *const digest_methods[] = {&digest_update_def, &digest_copy_def, &digest_digest_def, &digest_hexdigest_def, NULL};
static const MethodDef *const shake_methods[] = {&digest_update_def, &digest_copy_def, &shake_digest_def, &shake_hexdigest_def, NULL};

// Only _sha3's types can be called; the others are made by the module's functions.
static Ref sha3_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames);
#define DIGEST_SPEC(text, table, extra_flags, maker, properties)                                                        \
  {                                                                                                                     \
    .name = text, .basicsize = sizeof(Digest), .flags = extra_flags, .methods = table, .getset = properties, .slots = { \
      .release = digest_release,                                                                                        \
      .new_ = maker                                                                                                     \
    }                                                                                                                   \
  }
static const TypeSpec digest_specs[DIGEST_COUNT] = {
  DIGEST_SPEC("_md5.md5", digest_methods, TYPE_IMMUTABLE | TYPE_NO_NEW, NULL, digest_getset),
  DIGEST_SPEC("_sha1.sha1", digest_methods, TYPE_IMMUTABLE | TYPE_NO_NEW, NULL, digest_getset),
  DIGEST_SPEC("_sha256.sha224", digest_methods, TYPE_IMMUTABLE | TYPE_NO_NEW, NULL, digest_getset),
  DIGEST_SPEC("_sha256.sha256", digest_methods, TYPE_IMMUTABLE | TYPE_NO_NEW, NULL, digest_getset),
  DIGEST_SPEC("_sha512.sha384", digest_methods, TYPE_IMMUTABLE | TYPE_NO_NEW, NULL, digest_getset),
  DIGEST_SPEC("_sha512.sha512", digest_methods, TYPE_IMMUTABLE | TYPE_NO_NEW, NULL, digest_getset),
  DIGEST_SPEC("_sha3.sha3_224", digest_methods, TYPE_IMMUTABLE, sha3_new, sha3_getset),
  DIGEST_SPEC("_sha3.sha3_256", digest_methods, TYPE_IMMUTABLE, sha3_new, sha3_getset),
  DIGEST_SPEC("_sha3.sha3_384", digest_methods, TYPE_IMMUTABLE, sha3_new, sha3_getset),
  DIGEST_SPEC("_sha3.sha3_512", digest_methods, TYPE_IMMUTABLE, sha3_new, sha3_getset),
  DIGEST_SPEC("_sha3.shake_128", shake_methods, TYPE_IMMUTABLE, sha3_new, sha3_getset),
  DIGEST_SPEC("_sha3.shake_256", shake_methods, TYPE_IMMUTABLE, sha3_new, sha3_getset)};

static Ref digest_start(VM *vm, Type *type, const DigestInfo *info, Value data)
{
  Ref made = digest_make(vm, type, info, NULL);
  if (made && data && !digest_feed(vm, as_digest(made), data)) cd_forget(vm, &made);
  return made;
}
static Ref sha3_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[2];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "sha3(data=b'', /, *, usedforsecurity=True)", args, nargs, kwnames, bound, owned)) return NO_REF;
  return digest_start(vm, type, &digest_infos[type->spec - digest_specs], bound[0]);
}

#define DIGEST_FUNCTION(module, fn, which)                                                                          \
  FUNCTION(module, fn, #fn "(string=b'', *, usedforsecurity=True)", "A " #fn " hash object, with the string taken in.")   \
  {                                                                                                                 \
    DigestState *state = cd_state(vm, MODULE_##module);                                                             \
    return digest_start(vm, state->types[which], &digest_infos[which], args[0]);                                    \
  }
DIGEST_FUNCTION(_md5, md5, DIGEST_MD5)
DIGEST_FUNCTION(_sha1, sha1, DIGEST_SHA1)
DIGEST_FUNCTION(_sha256, sha224, DIGEST_SHA224)
DIGEST_FUNCTION(_sha256, sha256, DIGEST_SHA256)
DIGEST_FUNCTION(_sha512, sha384, DIGEST_SHA384)
DIGEST_FUNCTION(_sha512, sha512, DIGEST_SHA512)

static bool digest_types(VM *vm, DigestState *state, int first, int last)
{
  if (!cd_crypto_open(vm)) return false;
  for (int i = first; i <= last; i++)
    if (!state->types[i] && !(state->types[i] = cd_type_from_spec(vm, &digest_specs[i], NO_VALUE))) return false;
  return true;
}
static void digest_clear(VM *vm, void *data)
{
  for (int i = 0; i < DIGEST_COUNT; i++) {
    Type *type = ((DigestState *)data)->types[i];
    ((DigestState *)data)->types[i] = NULL;
    cd_drop_object(vm, type);
  }
}
static bool md5_exec(VM *vm, Value module)
{
  DigestState *s = cd_state(vm, MODULE__md5);
  return digest_types(vm, s, DIGEST_MD5, DIGEST_MD5) && cd_module_add(vm, module, "MD5Type", cd_dup_object(s->types[DIGEST_MD5]));
}
static bool sha1_exec(VM *vm, Value module)
{
  DigestState *s = cd_state(vm, MODULE__sha1);
  return digest_types(vm, s, DIGEST_SHA1, DIGEST_SHA1) && cd_module_add(vm, module, "SHA1Type", cd_dup_object(s->types[DIGEST_SHA1]));
}
static bool sha256_exec(VM *vm, Value module)
{
  DigestState *s = cd_state(vm, MODULE__sha256);
  return digest_types(vm, s, DIGEST_SHA224, DIGEST_SHA256) &&
         cd_module_add(vm, module, "SHA224Type", cd_dup_object(s->types[DIGEST_SHA224])) &&
         cd_module_add(vm, module, "SHA256Type", cd_dup_object(s->types[DIGEST_SHA256]));
}
static bool sha512_exec(VM *vm, Value module)
{
  DigestState *s = cd_state(vm, MODULE__sha512);
  return digest_types(vm, s, DIGEST_SHA384, DIGEST_SHA512) &&
         cd_module_add(vm, module, "SHA384Type", cd_dup_object(s->types[DIGEST_SHA384])) &&
         cd_module_add(vm, module, "SHA512Type", cd_dup_object(s->types[DIGEST_SHA512]));
}
static bool sha3_exec(VM *vm, Value module)
{
  DigestState *s = cd_state(vm, MODULE__sha3);
  if (!digest_types(vm, s, DIGEST_SHA3_224, DIGEST_SHAKE_256)) return false;
  for (int i = DIGEST_SHA3_224; i <= DIGEST_SHAKE_256; i++)
    if (!cd_module_add(vm, module, digest_infos[i].name, cd_dup_object(s->types[i]))) return false;
  return cd_module_add_int(vm, module, "keccakopt", 0) && cd_module_add_text(vm, module, "implementation", "OpenSSL");
}
static const MethodDef *const md5_functions[] = {&_md5_md5_def, NULL}, *const sha1_functions[] = {&_sha1_sha1_def, NULL},
                       *const sha256_functions[] = {&_sha256_sha224_def, &_sha256_sha256_def, NULL},
                       *const sha512_functions[] = {&_sha512_sha384_def, &_sha512_sha512_def, NULL};
const ModuleDef cd_module__md5 = {"_md5", "MD5.", md5_functions, sizeof(DigestState), md5_exec, NULL, digest_clear};
const ModuleDef cd_module__sha1 = {"_sha1", "SHA-1.", sha1_functions, sizeof(DigestState), sha1_exec, NULL, digest_clear};
const ModuleDef cd_module__sha256 = {"_sha256",   "SHA-224 and SHA-256.", sha256_functions, sizeof(DigestState), sha256_exec, NULL,
                                     digest_clear};
const ModuleDef cd_module__sha512 = {"_sha512",   "SHA-384 and SHA-512.", sha512_functions, sizeof(DigestState), sha512_exec, NULL,
                                     digest_clear};
const ModuleDef cd_module__sha3 = {"_sha3", "SHA-3 and SHAKE.", NULL, sizeof(DigestState), sha3_exec, NULL, digest_clear};
