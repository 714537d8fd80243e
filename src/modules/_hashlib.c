// SPDX-License-Identifier: MIT
// _hashlib.c: OpenSSL's digests, HMAC, PBKDF2 and scrypt for hashlib and hmac
#include "modules/crypto.h"
#include "modules/away.h"
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/misc.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <limits.h>

typedef struct HashlibState {
  Type *hash, *xof, *hmac;                       // owned
  Value unsupported;                             // owned: UnsupportedDigestmodError
  Value constructors;                            // owned dict: function -> name
} HashlibState;

static inline HashlibState *hashlib_state(VM *vm) { return cd_state(vm, MODULE__hashlib); }

typedef struct HashObject { Object head; EVP_MD_CTX *context; bool busy; } HashObject;
typedef struct HmacObject { Object head; EVP_MAC_CTX *context; EVP_MD *digest; bool busy; } HmacObject;

static inline HashObject *hashlib_hash_of(Value v) { return (HashObject *)cd_object(v); }
static inline HmacObject *hashlib_hmac_of(Value v) { return (HmacObject *)cd_object(v); }

// What OpenSSL's error queue holds, as an exception.
static Ref hashlib_raise(VM *vm)
{
  unsigned long code = ERR_peek_last_error();
  const char *library = code ? ERR_lib_error_string(code) : NULL, *reason = code ? ERR_reason_error_string(code) : NULL;
  ERR_clear_error();
  if (code && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) return cd_raise_memory(vm);
  if (!code) return cd_raise_value(vm, "no reason supplied");
  if (!reason) reason = "unknown reason";
  return library ? cd_raise_value(vm, "[%s] %s", library, reason) : cd_raise_value(vm, "%s", reason);
}

// ---- names ----

// Python's names of digests, and OpenSSL's.
static const struct { const char *name, *openssl; int nid;
} hashlib_names[] = {
  {"md5", "MD5", NID_md5},
  {"sha1", "SHA1", NID_sha1},
  {"sha224", "SHA224", NID_sha224},
  {"sha256", "SHA256", NID_sha256},
  {"sha384", "SHA384", NID_sha384},
  {"sha512", "SHA512", NID_sha512},
  {"sha512_224", "SHA512-224", NID_sha512_224},
  {"sha512_256", "SHA512-256", NID_sha512_256},
  {"sha3_224", "SHA3-224", NID_sha3_224},
  {"sha3_256", "SHA3-256", NID_sha3_256},
  {"sha3_384", "SHA3-384", NID_sha3_384},
  {"sha3_512", "SHA3-512", NID_sha3_512},
  {"shake_128", "SHAKE128", NID_shake128},
  {"shake_256", "SHAKE256", NID_shake256},
  {"blake2s", "BLAKE2s256", NID_blake2s256},
  {"blake2b", "BLAKE2b512", NID_blake2b512},
};

static const char *hashlib_name_of(const EVP_MD *digest)
{
  int nid = EVP_MD_get_type(digest);
  for (size_t i = 0; i < ARRAY_LEN(hashlib_names); i++)
    if (hashlib_names[i].nid == nid) return hashlib_names[i].name;
  const char *name = OBJ_nid2ln(nid);
  return name ? name : OBJ_nid2sn(nid);
}

// A new reference to OpenSSL's digest; NULL: ValueError.
static EVP_MD *hashlib_fetch(VM *vm, Value name, bool for_security)
{
  const char *text = cd_str_utf8(vm, name, NULL);
  if (!text) return NULL;
  for (size_t i = 0; i < ARRAY_LEN(hashlib_names); i++)
    if (!strcmp(hashlib_names[i].name, text)) { text = hashlib_names[i].openssl; break; }
  EVP_MD *digest = EVP_MD_fetch(NULL, text, for_security ? NULL : "-fips");
  if (!digest) hashlib_raise(vm);
  return digest;
}

// A digest by name, or by one of this module's constructors.
static EVP_MD *hashlib_fetch_by(VM *vm, Value digest)
{
  Ref name;
  if (cd_is_str(digest)) return hashlib_fetch(vm, digest, true);
  Find found = cd_dict_find(vm, hashlib_state(vm)->constructors, digest, &name);
  if (found != FIND_HIT) {
    if (found == FIND_ERROR) cd_clear_raised(vm);
    cd_raise(vm, cd_as_type(hashlib_state(vm)->unsupported), "Unsupported digestmod %R", digest);
    return NULL;
  }
  EVP_MD *result = hashlib_fetch(vm, name, true);
  cd_drop(vm, name);
  return result;
}

// ---- hash objects ----

static bool hashlib_buffer(VM *vm, Value data, Buffer *out)
{
  if (cd_is_str(data)) return cd_raise_type(vm, "Strings must be encoded before hashing");
  if (!cd_has_buffer(vm, data)) return cd_raise_type(vm, "object supporting the buffer API required");
  return cd_get_buffer(vm, data, out, BUFFER_SIMPLE);
}

static bool hashlib_feed(VM *vm, HashObject *hash, Value data)
{
  Buffer buffer;
  if (!hashlib_buffer(vm, data, &buffer)) return false;
  bool ok = cd_await_idle(vm, &hash->busy);
  if (ok) {
    Thread *me = cd_go_away(vm, &hash->busy, buffer.size);
    ok = EVP_DigestUpdate(hash->context, buffer.data, (size_t)buffer.size);
    cd_come_back(vm, &hash->busy, me);
  }
  cd_release_buffer(vm, &buffer);
  return ok || (!cd_raised(vm) && hashlib_raise(vm));
}

static HashObject *hashlib_hash_new(VM *vm, Type *type)
{
  HashObject *hash = cd_object_new(vm, type, sizeof *hash);
  if (!hash || (hash->context = EVP_MD_CTX_new())) return hash;
  cd_drop_object(vm, hash);
  cd_raise_memory(vm);
  return NULL;
}

// Consumes `digest`.
static Ref hashlib_start(VM *vm, EVP_MD *digest, Value data)
{
  if (!digest) return NO_REF;
  bool xof = EVP_MD_get_flags(digest) & EVP_MD_FLAG_XOF;
  HashObject *hash = hashlib_hash_new(vm, xof ? hashlib_state(vm)->xof : hashlib_state(vm)->hash);
  bool ok = hash && (EVP_DigestInit_ex(hash->context, digest, NULL) || hashlib_raise(vm)) &&
            (!cd_bits(data) || hashlib_feed(vm, hash, data));
  EVP_MD_free(digest);
  if (ok) return cd_from_object(hash);
  cd_drop_object(vm, hash);
  return NO_REF;
}

static void hashlib_hash_release(VM *vm UNUSED, Object *self)
{
  EVP_MD_CTX_free(((HashObject *)self)->context);
  ((HashObject *)self)->context = NULL;
}

METHOD_DEF_(hashlib_hash_copy, "copy", "copy(self, /)", "A second hash that goes on from here by itself.", 0)
{
  HashObject *copy = hashlib_hash_new(vm, cd_type_of(vm, self));
  if (!copy) return NO_REF;
  if (!cd_await_idle(vm, &hashlib_hash_of(self)->busy)) { cd_drop_object(vm, copy); return NO_REF; }
  if (EVP_MD_CTX_copy(copy->context, hashlib_hash_of(self)->context)) return cd_from_object(copy);
  cd_drop_object(vm, copy);
  return hashlib_raise(vm);
}

METHOD_DEF_(hashlib_hash_update, "update", "update(self, obj, /)", "Hashes the bytes of the object after those it had before.", 0)
{
  return hashlib_feed(vm, hashlib_hash_of(self), args[0]) ? cd_none() : NO_REF;
}

// The digest so far, of a copy of the state. `size` is for extendable ones.
static bool hashlib_finish(VM *vm, const EVP_MD_CTX *context, unsigned char *out, size_t size, bool xof)
{
  EVP_MD_CTX *copy = EVP_MD_CTX_new();
  bool ok = copy && EVP_MD_CTX_copy(copy, context) && (xof ? EVP_DigestFinalXOF(copy, out, size) : EVP_DigestFinal(copy, out, NULL));
  EVP_MD_CTX_free(copy);
  return ok || hashlib_raise(vm);
}

static Ref hashlib_hex(VM *vm, const unsigned char *bytes, size_t size)
{
  char *digits = cd_alloc(vm, 2 * size);
  if (!digits) return NO_REF;
  for (size_t i = 0; i < 2 * size; i++) digits[i] = "0123456789abcdef"[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
  Ref text = cd_str_ascii(vm, digits, 2 * size);
  cd_free(vm, digits, 2 * size);
  return text;
}

static Ref hashlib_digest_of(VM *vm, Value self, size_t size, bool xof, bool hex)
{
  Ref bytes = cd_bytes_new(vm, NULL, size), text;
  if (!bytes) return NO_REF;
  unsigned char *data = (unsigned char *)cd_bytes_data(bytes);
  if (!cd_await_idle(vm, &hashlib_hash_of(self)->busy)) { cd_drop(vm, bytes); return NO_REF; }
  if (size && !hashlib_finish(vm, hashlib_hash_of(self)->context, data, size, xof)) { cd_drop(vm, bytes); return NO_REF; }
  if (!hex) return bytes;
  text = hashlib_hex(vm, data, size);
  cd_drop(vm, bytes);
  return text;
}

static size_t hashlib_size(Value self) { return (size_t)EVP_MD_CTX_get_size(hashlib_hash_of(self)->context); }

METHOD_DEF_(hashlib_hash_digest, "digest", "digest(self, /)", "The digest so far, as bytes.", 0)
{
  return hashlib_digest_of(vm, self, hashlib_size(self), false, false);
}
METHOD_DEF_(hashlib_hash_hexdigest, "hexdigest", "hexdigest(self, /)", "The digest so far, in hexadecimal.", 0)
{
  return hashlib_digest_of(vm, self, hashlib_size(self), false, true);
}

METHOD_DEF_(hashlib_xof_digest, "digest", "digest(self, /, length)", "The digest so far, as bytes.", 0)
{
  int64_t size;
  if (!cd_to_i64(vm, args[0], &size, vm->exc.OverflowError)) return NO_REF;
  if (size < 0) return cd_raise_system(vm, "Negative size passed to PyBytes_FromStringAndSize");
  return hashlib_digest_of(vm, self, (size_t)size, true, false);
}
METHOD_DEF_(hashlib_xof_hexdigest, "hexdigest", "hexdigest(self, /, length)", "The digest so far, in hexadecimal.",
            0)
{
  int64_t size;
  if (!cd_to_i64(vm, args[0], &size, vm->exc.OverflowError)) return NO_REF;
  if (size < 0 || size > INT64_MAX / 4) return cd_raise_memory(vm);
  return hashlib_digest_of(vm, self, (size_t)size, true, true);
}

static const char *hashlib_hash_name(Value self) { return hashlib_name_of(EVP_MD_CTX_get0_md(hashlib_hash_of(self)->context)); }

static Ref hashlib_get_name(VM *vm, Value self) { return cd_str_from(vm, hashlib_hash_name(self)); }
static Ref hashlib_get_block_size(VM *vm UNUSED, Value self)
{
  return cd_from_small(EVP_MD_CTX_get_block_size(hashlib_hash_of(self)->context));
}
static Ref hashlib_get_size(VM *vm UNUSED, Value self) { return cd_from_small((int64_t)hashlib_size(self)); }
static Ref hashlib_get_zero(VM *vm UNUSED, Value self UNUSED) { return cd_from_small(0); }

static Ref hashlib_hash_repr(VM *vm, Value self)
{
  return cd_str_format(vm, "<%s %s object @ 0x%llx>", hashlib_hash_name(self), cd_type_name(cd_type_of(vm, self)),
                       (unsigned long long)cd_bits(self));
}

static const GetSetDef hashlib_hash_getset[] = {
  {"digest_size", NULL, hashlib_get_size, NULL},
  {"block_size", NULL, hashlib_get_block_size, NULL},
  {"name", "algorithm name.", hashlib_get_name, NULL},
  {0},
};
static const GetSetDef hashlib_xof_getset[] = {{"digest_size", NULL, hashlib_get_zero, NULL}, {0}};

static const MethodDef *const hashlib_hash_methods[] = {
  &hashlib_hash_update_def, &hashlib_hash_digest_def, &hashlib_hash_hexdigest_def, &hashlib_hash_copy_def, NULL,
};
static const MethodDef *const hashlib_xof_methods[] = {&hashlib_xof_digest_def, &hashlib_xof_hexdigest_def, NULL};

static const TypeSpec hashlib_hash_spec = {
  .name = "_hashlib.HASH",
  .doc = "A checksum in the making.\n\nMethods:\n\nupdate() -- more bytes to hash\ndigest() -- the checksum so far\nhexdigest() -- the "
         "same in hexadecimal\ncopy() -- a second hash that goes on from here\n\nAttributes:\n\nname -- of its algorithm\ndigest_size -- "
         "bytes of the checksum",
  .basicsize = sizeof(HashObject),
  .flags = TYPE_BASE | TYPE_IMMUTABLE | TYPE_NO_NEW,
  .methods = hashlib_hash_methods,
  .getset = hashlib_hash_getset,
  .slots = {.release = hashlib_hash_release, .repr = hashlib_hash_repr},
};
static const TypeSpec hashlib_xof_spec = {
  .name = "_hashlib.HASHXOF",
  .doc = "A checksum in the making.\n\nMethods:\n\nupdate() -- more bytes to hash\ndigest(length) -- that many bytes of output\n"
         "hexdigest(length) -- the same in hexadecimal\ncopy() -- a second hash that goes on from here\n\nAttributes:\n\nname -- of its "
         "algorithm\ndigest_size -- bytes of the checksum",
  .basicsize = sizeof(HashObject),
  .flags = TYPE_IMMUTABLE | TYPE_NO_NEW,
  .methods = hashlib_xof_methods,
  .getset = hashlib_xof_getset,
  .slots = {.release = hashlib_hash_release, .repr = hashlib_hash_repr},
};

// ---- constructors ----

static bool hashlib_for_security(VM *vm, Value v, bool *out)
{
  *out = true;
  return !cd_bits(v) || cd_truth(vm, v, out);
}

FUNCTION(_hashlib, new, "new(name, string=b'', *, usedforsecurity=True)",
         "A hash by the algorithm of that name.\n\nIt begins with `string`, if that is given.\n\nMD5 and SHA1 are never missing.")
{
  bool secure;
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "name must be a string");
  if (!hashlib_for_security(vm, args[2], &secure)) return NO_REF;
  return hashlib_start(vm, hashlib_fetch(vm, args[0], secure), args[1]);
}

static Ref hashlib_openssl(VM *vm, const char *name, const Value *args)
{
  bool secure;
  if (!hashlib_for_security(vm, args[1], &secure)) return NO_REF;
  EVP_MD *digest = EVP_MD_fetch(NULL, name, secure ? NULL : "-fips");
  return digest ? hashlib_start(vm, digest, args[0]) : hashlib_raise(vm);
}

#define HASHLIB_CONSTRUCTOR(name, openssl)                                                     \
  FUNCTION(_hashlib, openssl_##name, "openssl_" #name "(string=b'', *, usedforsecurity=True)", \
           "Returns a " #name " hash object; optionally initialized with a string")            \
  {                                                                                            \
    return hashlib_openssl(vm, openssl, args);                                                 \
  }
HASHLIB_CONSTRUCTOR(md5, "MD5")
HASHLIB_CONSTRUCTOR(sha1, "SHA1")
HASHLIB_CONSTRUCTOR(sha224, "SHA224")
HASHLIB_CONSTRUCTOR(sha256, "SHA256")
HASHLIB_CONSTRUCTOR(sha384, "SHA384")
HASHLIB_CONSTRUCTOR(sha512, "SHA512")
HASHLIB_CONSTRUCTOR(sha3_224, "SHA3-224")
HASHLIB_CONSTRUCTOR(sha3_256, "SHA3-256")
HASHLIB_CONSTRUCTOR(sha3_384, "SHA3-384")
HASHLIB_CONSTRUCTOR(sha3_512, "SHA3-512")
HASHLIB_CONSTRUCTOR(shake_128, "SHAKE128")
HASHLIB_CONSTRUCTOR(shake_256, "SHAKE256")
#undef HASHLIB_CONSTRUCTOR

// ---- HMAC ----

// Sets up a context for the key; both results are the caller's.
static bool hashlib_hmac_start(VM *vm, Value key, Value digestmod, EVP_MAC_CTX **context, EVP_MD **digest)
{
  Buffer buffer;
  if (!cd_get_buffer(vm, key, &buffer, BUFFER_SIMPLE)) return false;
  bool ok = false;
  if ((*digest = hashlib_fetch_by(vm, digestmod))) {
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)EVP_MD_get0_name(*digest), 0),
                               OSSL_PARAM_construct_end()};
    *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    ok = *context && !(EVP_MD_get_flags(*digest) & EVP_MD_FLAG_XOF) &&
         EVP_MAC_init(*context, buffer.size ? (unsigned char *)buffer.data : (const unsigned char *)"", (size_t)buffer.size, parameters);
    if (!ok) {
      hashlib_raise(vm);
      EVP_MAC_CTX_free(*context);
      EVP_MD_free(*digest);
    }
  }
  cd_release_buffer(vm, &buffer);
  return ok;
}

static bool hashlib_hmac_feed(VM *vm, HmacObject *hmac, Value data)
{
  Buffer buffer;
  if (!hashlib_buffer(vm, data, &buffer)) return false;
  bool ok = cd_await_idle(vm, &hmac->busy);
  if (ok) {
    Thread *me = cd_go_away(vm, &hmac->busy, buffer.size);
    ok = EVP_MAC_update(hmac->context, (unsigned char *)buffer.data, (size_t)buffer.size);
    cd_come_back(vm, &hmac->busy, me);
  }
  cd_release_buffer(vm, &buffer);
  return ok || hashlib_raise(vm);
}

static bool hashlib_hmac_finish(VM *vm, HmacObject *hmac, unsigned char out[EVP_MAX_MD_SIZE], size_t *size)
{
  if (!cd_await_idle(vm, &hmac->busy)) return false;
  EVP_MAC_CTX *copy = EVP_MAC_CTX_dup(hmac->context);
  bool ok = copy && EVP_MAC_final(copy, out, size, EVP_MAX_MD_SIZE);
  EVP_MAC_CTX_free(copy);
  return ok || hashlib_raise(vm);
}

FUNCTION(_hashlib, hmac_new, "hmac_new(key, msg=b'', digestmod=None)", "Return a new hmac object.")
{
  HashlibState *state = hashlib_state(vm);
  if (!cd_bits(args[2]) || cd_is_none(args[2])) return cd_raise_type(vm, "Missing required parameter 'digestmod'.");
  HmacObject *hmac = cd_object_new(vm, state->hmac, sizeof *hmac);
  if (!hmac) return NO_REF;
  EVP_MAC_CTX *context;
  EVP_MD *digest;
  bool ok = hashlib_hmac_start(vm, args[0], args[2], &context, &digest);
  if (ok) {
    hmac->context = context;
    hmac->digest = digest;
    if (cd_bits(args[1]) && !cd_is_none(args[1])) ok = hashlib_hmac_feed(vm, hmac, args[1]);
  }
  if (ok) return cd_from_object(hmac);
  cd_drop_object(vm, hmac);
  return NO_REF;
}

FUNCTION(_hashlib, hmac_digest, "hmac_digest(key, msg, digest)", "Single-shot HMAC.")
{
  EVP_MAC_CTX *context;
  EVP_MD *digest;
  Buffer buffer;
  unsigned char out[EVP_MAX_MD_SIZE];
  size_t size;
  if (!hashlib_hmac_start(vm, args[0], args[2], &context, &digest)) return NO_REF;
  bool ok = cd_get_buffer(vm, args[1], &buffer, BUFFER_SIMPLE);
  if (ok) {
    ok = EVP_MAC_update(context, (unsigned char *)buffer.data, (size_t)buffer.size) && EVP_MAC_final(context, out, &size, sizeof out);
    if (!ok) hashlib_raise(vm);
    cd_release_buffer(vm, &buffer);
  }
  EVP_MAC_CTX_free(context);
  EVP_MD_free(digest);
  return ok ? cd_bytes_new(vm, (char *)out, size) : NO_REF;
}

METHOD_DEF_(hashlib_hmac_update, "update", "update(self, /, msg)", "Update the HMAC object with msg.", 0)
{
  return hashlib_hmac_feed(vm, hashlib_hmac_of(self), args[0]) ? cd_none() : NO_REF;
}
METHOD_DEF_(hashlib_hmac_digest_method, "digest", "digest(self, /)", "The checksum of all that update() was given, as bytes.",
            0)
{
  unsigned char out[EVP_MAX_MD_SIZE];
  size_t size;
  return hashlib_hmac_finish(vm, hashlib_hmac_of(self), out, &size) ? cd_bytes_new(vm, (char *)out, size) : NO_REF;
}
METHOD_DEF_(hashlib_hmac_hexdigest, "hexdigest", "hexdigest(self, /)",
            "The checksum of all that update() was given, in hexadecimal,\n\nfor places that take text only.",
            0)
{
  unsigned char out[EVP_MAX_MD_SIZE];
  size_t size;
  return hashlib_hmac_finish(vm, hashlib_hmac_of(self), out, &size) ? hashlib_hex(vm, out, size) : NO_REF;
}
METHOD_DEF_(hashlib_hmac_copy, "copy", "copy(self, /)", "A second HMAC that goes on from here by itself.", 0)
{
  HmacObject *copy = cd_object_new(vm, cd_type_of(vm, self), sizeof *copy), *hmac = hashlib_hmac_of(self);
  if (!copy) return NO_REF;
  if (!cd_await_idle(vm, &hmac->busy)) { cd_drop_object(vm, copy); return NO_REF; }
  if ((copy->context = EVP_MAC_CTX_dup(hmac->context)) && EVP_MD_up_ref(hmac->digest)) {
    copy->digest = hmac->digest;
    return cd_from_object(copy);
  }
  cd_drop_object(vm, copy);
  return hashlib_raise(vm);
}

static Ref hashlib_hmac_get_size(VM *vm UNUSED, Value self) { return cd_from_small(EVP_MD_get_size(hashlib_hmac_of(self)->digest)); }
static Ref hashlib_hmac_get_block_size(VM *vm UNUSED, Value self)
{
  return cd_from_small(EVP_MD_get_block_size(hashlib_hmac_of(self)->digest));
}
static Ref hashlib_hmac_get_name(VM *vm, Value self)
{
  return cd_str_format(vm, "hmac-%s", hashlib_name_of(hashlib_hmac_of(self)->digest));
}
static Ref hashlib_hmac_repr(VM *vm, Value self)
{
  return cd_str_format(vm, "<%s HMAC object @ 0x%llx>", hashlib_name_of(hashlib_hmac_of(self)->digest), (unsigned long long)cd_bits(self));
}
static void hashlib_hmac_release(VM *vm UNUSED, Object *self)
{
  HmacObject *hmac = (HmacObject *)self;
  EVP_MAC_CTX_free(hmac->context);
  EVP_MD_free(hmac->digest);
  hmac->context = NULL;
  hmac->digest = NULL;
}

static const GetSetDef hashlib_hmac_getset[] = {
  {"digest_size", NULL, hashlib_hmac_get_size, NULL},
  {"block_size", NULL, hashlib_hmac_get_block_size, NULL},
  {"name", NULL, hashlib_hmac_get_name, NULL},
  {0},
};
static const MethodDef *const hashlib_hmac_methods[] = {
  &hashlib_hmac_update_def, &hashlib_hmac_digest_method_def, &hashlib_hmac_hexdigest_def, &hashlib_hmac_copy_def, NULL,
};
static const TypeSpec hashlib_hmac_spec = {
  .name = "_hashlib.HMAC",
  .doc = "A keyed checksum of a message in the making.\n\nMethods:\n\nupdate() -- more bytes to hash\ndigest() -- the checksum so far\n"
         "hexdigest() -- the same in hexadecimal\ncopy() -- a second hash that goes on from here\n\nAttributes:\n\nname -- hmac- and the "
         "name of its algorithm\ndigest_size -- bytes of the checksum\n",
  .basicsize = sizeof(HmacObject),
  .flags = TYPE_IMMUTABLE | TYPE_NO_NEW,
  .methods = hashlib_hmac_methods,
  .getset = hashlib_hmac_getset,
  .slots = {.release = hashlib_hmac_release, .repr = hashlib_hmac_repr},
};

// ---- keys from passwords ----

// Password and salt as buffers; close both with hashlib_secrets_close.
static bool hashlib_secrets_open(VM *vm, Value password, Value salt, Buffer *p, Buffer *s)
{
  if (!cd_get_buffer(vm, password, p, BUFFER_SIMPLE)) return false;
  if (!cd_get_buffer(vm, salt, s, BUFFER_SIMPLE)) { cd_release_buffer(vm, p); return false; }
  if (p->size <= INT_MAX && s->size <= INT_MAX) return true;
  cd_raise_overflow(vm, p->size > INT_MAX ? "password is too long." : "salt is too long.");
  cd_release_buffer(vm, p);
  cd_release_buffer(vm, s);
  return false;
}

static void hashlib_secrets_close(VM *vm, Buffer *p, Buffer *s)
{
  cd_release_buffer(vm, p);
  cd_release_buffer(vm, s);
}

// The C long that __index__ gives.
static bool hashlib_long(VM *vm, Value v, int64_t *out)
{
  Ref number = cd_index(vm, v);
  if (!number) return false;
  bool fits = cd_int_fits_i64(number, out);
  cd_drop(vm, number);
  return fits || cd_raise_overflow(vm, "Python int too large to convert to C long");
}

static Ref hashlib_pbkdf2(VM *vm, const EVP_MD *digest, const Buffer *password, const Buffer *salt, int64_t iterations, Value length_value)
{
  int64_t length = EVP_MD_get_size(digest);
  if (iterations < 1) return cd_raise_value(vm, "iteration value must be greater than 0.");
  if (iterations > INT_MAX) return cd_raise_overflow(vm, "iteration value is too great.");
  if (cd_bits(length_value) && !cd_is_none(length_value) && !hashlib_long(vm, length_value, &length)) return NO_REF;
  if (length < 1) return cd_raise_value(vm, "key length must be greater than 0.");
  if (length > INT_MAX) return cd_raise_overflow(vm, "key length is too great.");
  Ref key = cd_bytes_new(vm, NULL, (size_t)length);
  if (!key) return NO_REF;
  if (PKCS5_PBKDF2_HMAC(password->data, (int)password->size, (unsigned char *)salt->data, (int)salt->size, (int)iterations, digest,
                        (int)length, (unsigned char *)cd_bytes_data(key)))
    return key;
  cd_drop(vm, key);
  return hashlib_raise(vm);
}

FUNCTION(_hashlib, pbkdf2_hmac, "pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None)",
         "A key derived from a password by PBKDF2 of PKCS #5, with HMAC.")
{
  Buffer password, salt;
  int64_t iterations;
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "pbkdf2_hmac", "hash_name", "str", args[0]);
  if (!hashlib_secrets_open(vm, args[1], args[2], &password, &salt)) return NO_REF;
  EVP_MD *digest = NULL;
  Ref key = NO_REF;
  if (hashlib_long(vm, args[3], &iterations) && (digest = hashlib_fetch(vm, args[0], true)))
    key = hashlib_pbkdf2(vm, digest, &password, &salt, iterations, cd_bits(args[4]) ? args[4] : cd_none());
  EVP_MD_free(digest);
  hashlib_secrets_close(vm, &password, &salt);
  return key;
}

static bool hashlib_unsigned(VM *vm, Value v, const char *name, uint64_t *out)
{
  if (!cd_bits(v) || !cd_is_int(v)) return cd_raise_type(vm, "%s is required and must be an unsigned int", name);
  if (cd_int_fits_u64(v, out)) return true;
  return cd_raise_overflow(vm, cd_int_sign(v) < 0 ? "can't convert negative value to unsigned int"
                                                  : "Python int too large to convert to C unsigned long");
}

static Ref hashlib_scrypt_key(VM *vm, const Buffer *password, const Buffer *salt, const Value *args)
{
  uint64_t n, r, p;
  int64_t memory = 0, length = 64;
  if (!hashlib_unsigned(vm, args[2], "n", &n)) return NO_REF;
  if (n < 2 || n & (n - 1)) return cd_raise_value(vm, "n must be a power of 2.");
  if (!hashlib_unsigned(vm, args[3], "r", &r) || !hashlib_unsigned(vm, args[4], "p", &p)) return NO_REF;
  if ((cd_bits(args[5]) && !hashlib_long(vm, args[5], &memory)) || (cd_bits(args[6]) && !hashlib_long(vm, args[6], &length))) return NO_REF;
  if (memory < 0 || memory > INT_MAX) return cd_raise_value(vm, "maxmem must be positive and smaller than %d", INT_MAX);
  if (length < 1 || length > INT_MAX) return cd_raise_value(vm, "dklen must be greater than 0 and smaller than %d", INT_MAX);
  if (!EVP_PBE_scrypt(NULL, 0, NULL, 0, n, r, p, (uint64_t)memory, NULL, 0)) return hashlib_raise(vm);   // checks the numbers
  Ref key = cd_bytes_new(vm, NULL, (size_t)length);
  if (!key) return NO_REF;
  if (EVP_PBE_scrypt(password->data, (size_t)password->size, (unsigned char *)salt->data, (size_t)salt->size, n, r, p, (uint64_t)memory,
                     (unsigned char *)cd_bytes_data(key), (size_t)length))
    return key;
  cd_drop(vm, key);
  return hashlib_raise(vm);
}

FUNCTION(_hashlib, scrypt, "scrypt(password, *, salt=None, n=None, r=None, p=None, maxmem=0, dklen=64)",
         "scrypt password-based key derivation function.")
{
  Buffer password, salt;
  if (!cd_bits(args[1]) || cd_is_none(args[1])) return cd_raise_type(vm, "salt is required");
  if (!hashlib_secrets_open(vm, args[0], args[1], &password, &salt)) return NO_REF;
  Ref key = hashlib_scrypt_key(vm, &password, &salt, args);
  hashlib_secrets_close(vm, &password, &salt);
  return key;
}

FUNCTION(_hashlib, get_fips_mode, "get_fips_mode()", "Whether OpenSSL runs in a mode of restricted algorithms: 0 or 1.")
{
  return cd_from_small(EVP_default_properties_is_fips_enabled(NULL));
}

// ---- the module ----

static const struct { const MethodDef *def; const char *name;
} hashlib_constructors[] = {
  {&_hashlib_openssl_md5_def, "md5"},
  {&_hashlib_openssl_sha1_def, "sha1"},
  {&_hashlib_openssl_sha224_def, "sha224"},
  {&_hashlib_openssl_sha256_def, "sha256"},
  {&_hashlib_openssl_sha384_def, "sha384"},
  {&_hashlib_openssl_sha512_def, "sha512"},
  {&_hashlib_openssl_sha3_224_def, "sha3_224"},
  {&_hashlib_openssl_sha3_256_def, "sha3_256"},
  {&_hashlib_openssl_sha3_384_def, "sha3_384"},
  {&_hashlib_openssl_sha3_512_def, "sha3_512"},
  {&_hashlib_openssl_shake_128_def, "shake_128"},
  {&_hashlib_openssl_shake_256_def, "shake_256"},
};

// The functions openssl_X, which the module has already, by name.
static bool hashlib_add_constructors(VM *vm, Value module, HashlibState *state)
{
  if (!cd_bits(state->constructors) && !(state->constructors = cd_dict_new(vm))) return false;
  for (size_t i = 0; i < ARRAY_LEN(hashlib_constructors); i++) {
    Value function = cd_dict_get_text_borrow(vm, cd_module_dict(module), hashlib_constructors[i].def->name);
    Ref name = cd_intern(vm, hashlib_constructors[i].name);
    bool ok = name && cd_bits(function) && cd_dict_set(vm, state->constructors, function, name);
    cd_drop(vm, name);
    if (!ok) return false;
  }
  return cd_module_add(vm, module, "_constructors", cd_mappingproxy_new(vm, state->constructors));
}

typedef struct HashlibCollect { VM *vm; Value set; bool ok; } HashlibCollect;

static void hashlib_collect_name(EVP_MD *digest, void *context)
{
  HashlibCollect *collect = context;
  const char *name = collect->ok && EVP_MD_get_type(digest) != NID_undef ? hashlib_name_of(digest) : NULL;
  if (!name) return;
  Ref text = cd_intern(collect->vm, name);
  collect->ok = text && cd_set_add(collect->vm, collect->set, text);
  cd_drop(collect->vm, text);
}

static bool hashlib_add_names(VM *vm, Value module)
{
  Ref set = cd_frozenset_new(vm, NO_VALUE);
  if (!set) return false;
  HashlibCollect collect = {vm, set, true};
  EVP_MD_do_all_provided(NULL, hashlib_collect_name, &collect);
  if (collect.ok) return cd_module_add(vm, module, "openssl_md_meth_names", set);
  cd_drop(vm, set);
  return false;
}

static bool hashlib_exec(VM *vm, Value module)
{
  HashlibState *state = hashlib_state(vm);
  if (!cd_crypto_open(vm)) return false;
  if (!state->hash) {
    if (!(state->hash = cd_type_from_spec(vm, &hashlib_hash_spec, NO_VALUE))) return false;
    Ref bases = cd_tuple1(vm, cd_type_value(state->hash));
    if (bases) state->xof = cd_type_from_spec(vm, &hashlib_xof_spec, bases);
    cd_drop(vm, bases);
    if (!state->xof || !(state->hmac = cd_type_from_spec(vm, &hashlib_hmac_spec, NO_VALUE))) return false;
  }
  if (!cd_bits(state->unsupported) &&
      !(state->unsupported = cd_exception_type_new(vm, "_hashlib.UnsupportedDigestmodError", NULL, cd_type_value(vm->exc.ValueError))))
    return false;
  return cd_module_add(vm, module, "HASH", cd_dup_object(state->hash)) && cd_module_add(vm, module, "HASHXOF", cd_dup_object(state->xof)) &&
         cd_module_add(vm, module, "HMAC", cd_dup_object(state->hmac)) &&
         cd_module_add(vm, module, "UnsupportedDigestmodError", cd_dup(state->unsupported)) &&
         cd_module_add(vm, module, "compare_digest", cd_import_attr(vm, "_operator", "_compare_digest")) &&
         hashlib_add_constructors(vm, module, state) && hashlib_add_names(vm, module);
}

static void hashlib_traverse(void *p, VisitFn visit, void *context)
{
  HashlibState *state = p;
  visit(context, cd_type_value(state->hash));
  visit(context, cd_type_value(state->xof));
  visit(context, cd_type_value(state->hmac));
  visit(context, state->unsupported);
  visit(context, state->constructors);
}

static void hashlib_clear(VM *vm, void *p)
{
  HashlibState old = *(HashlibState *)p;
  memset(p, 0, sizeof old);
  cd_clear(vm, &old.constructors);
  cd_clear(vm, &old.unsupported);
  cd_drop_object(vm, old.hmac);
  cd_drop_object(vm, old.xof);
  cd_drop_object(vm, old.hash);
}

static const MethodDef *const hashlib_functions[] = {
  &_hashlib_new_def,
  &_hashlib_pbkdf2_hmac_def,
  &_hashlib_scrypt_def,
  &_hashlib_get_fips_mode_def,
  &_hashlib_hmac_digest_def,
  &_hashlib_hmac_new_def,
  &_hashlib_openssl_md5_def,
  &_hashlib_openssl_sha1_def,
  &_hashlib_openssl_sha224_def,
  &_hashlib_openssl_sha256_def,
  &_hashlib_openssl_sha384_def,
  &_hashlib_openssl_sha512_def,
  &_hashlib_openssl_sha3_224_def,
  &_hashlib_openssl_sha3_256_def,
  &_hashlib_openssl_sha3_384_def,
  &_hashlib_openssl_sha3_512_def,
  &_hashlib_openssl_shake_128_def,
  &_hashlib_openssl_shake_256_def,
  NULL,
};

const ModuleDef cd_module__hashlib = {
  .name = "_hashlib",
  .doc = "OpenSSL interface for hashlib module",
  .functions = hashlib_functions,
  .state_size = sizeof(HashlibState),
  .exec = hashlib_exec,
  .traverse = hashlib_traverse,
  .clear = hashlib_clear,
};
