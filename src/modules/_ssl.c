// SPDX-License-Identifier: MIT
// _ssl.c: the _ssl module: constants, object identifiers, random bytes; its types are in ssl_*.c
#include "modules/ssl.h"

#include <limits.h>

// ---- random bytes ----

FUNCTION(_ssl, RAND_add, "RAND_add(string, entropy, /)",
         "Mix bytes into the state of OpenSSL's random numbers; entropy (a float) says how many of them nobody can guess.")
{
  Buffer buffer;
  double entropy;
  bool text = cd_is_str(args[0]);
  if (text) {
    buffer.data = (char *)cd_str_utf8(vm, args[0], NULL);
    if (!buffer.data) return NO_REF;
    buffer.size = (int64_t)cd_str_size(args[0]);
  } else if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) {
    return NO_REF;
  }
  bool ok = cd_to_double(vm, args[1], &entropy);
  for (int64_t at = 0; ok && at < buffer.size; at += INT_MAX) {
    int64_t left = buffer.size - at;
    RAND_add(buffer.data + at, left < INT_MAX ? (int)left : INT_MAX, entropy);
  }
  if (!text) cd_release_buffer(vm, &buffer);
  return ok ? cd_none() : NO_REF;
}

static Ref ssl_random_bytes(VM *vm, Value count)
{
  int n;
  if (!cd_to_c_int(vm, count, &n)) return NO_REF;
  if (n < 0) return cd_raise_value(vm, "num must be positive");
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)n);
  if (!bytes || !n || RAND_bytes((unsigned char *)cd_bytes_data(bytes), n) == 1) return bytes;
  cd_drop(vm, bytes);
  return ssl_raise_queue(vm);
}

FUNCTION(_ssl, RAND_bytes, "RAND_bytes(n, /)", "n random bytes that nobody can guess.") { return ssl_random_bytes(vm, args[0]); }

FUNCTION(_ssl, RAND_pseudo_bytes, "RAND_pseudo_bytes(n, /)", "A pair: n random bytes, and whether nobody can guess them.")
{
  if (!cd_warn(vm, vm->exc.DeprecationWarning, 1, "ssl.RAND_pseudo_bytes() is deprecated")) return NO_REF;
  return cd_tuple2_steal(vm, ssl_random_bytes(vm, args[0]), cd_true());
}

FUNCTION(_ssl, RAND_status, "RAND_status()", "Whether OpenSSL has had enough to make random numbers of.")
{
  return cd_bool(RAND_status() == 1);
}

// ---- object identifiers ----

// (nid, short name, long name, numbers)
static Ref ssl_object_tuple(VM *vm, ASN1_OBJECT *object)
{
  int nid = OBJ_obj2nid(object);
  if (nid == NID_undef) return cd_raise_value(vm, "Unknown object");
  char numbers[256];
  const char *small = OBJ_nid2sn(nid), *large = OBJ_nid2ln(nid);
  int size = OBJ_obj2txt(numbers, sizeof numbers, object, 1);
  if (size < 0 || size >= (int)sizeof numbers) return cd_raise_value(vm, "Unknown object");
  Ref first = cd_tuple2_steal(vm, small ? cd_str_from(vm, small) : cd_none(), large ? cd_str_from(vm, large) : cd_none());
  if (!first) return NO_REF;
  Ref text = size ? cd_str_ascii(vm, numbers, (size_t)size) : cd_none(), tuple = NO_REF;
  if (text)
    tuple = cd_tuple_of(vm, 4, (Value[]){cd_from_small(nid), cd_tuple_item_borrow(first, 0), cd_tuple_item_borrow(first, 1), text});
  cd_drop(vm, text);
  cd_drop(vm, first);
  return tuple;
}

FUNCTION(
  _ssl, txt2obj, "txt2obj(txt, name=False)",
  "An object identifier as a tuple: number, short name, long name, dotted numbers.\n\nIt is looked up by dotted numbers; with name=True "
  "by its names too.")
{
  bool names = false;
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "txt2obj", "txt", "str", args[0]);
  if (cd_bits(args[1]) && !cd_truth(vm, args[1], &names)) return NO_REF;
  const char *text = cd_str_utf8(vm, args[0], NULL);
  if (!text) return NO_REF;
  if (strlen(text) != cd_str_size(args[0])) return cd_raise_value(vm, "embedded null character");
  ASN1_OBJECT *object = OBJ_txt2obj(text, !names);
  if (!object) {
    ERR_clear_error();
    return cd_raise_value(vm, "unknown object '%.100s'", text);
  }
  Ref tuple = ssl_object_tuple(vm, object);
  ASN1_OBJECT_free(object);
  return tuple;
}

FUNCTION(_ssl, nid2obj, "nid2obj(nid, /)",
         "The object identifier of that number as a tuple: number, short name, long name, dotted numbers.")
{
  int nid;
  if (!cd_to_c_int(vm, args[0], &nid)) return NO_REF;
  if (nid < NID_undef) return cd_raise_value(vm, "NID must be positive.");
  ASN1_OBJECT *object = OBJ_nid2obj(nid);
  if (!object) {
    ERR_clear_error();
    return cd_raise_value(vm, "unknown NID %d", nid);
  }
  Ref tuple = ssl_object_tuple(vm, object);
  ASN1_OBJECT_free(object);
  return tuple;
}

// ---- certificates ----

FUNCTION(_ssl, get_default_verify_paths, "get_default_verify_paths()",
         "Where SSLContext.set_default_verify_paths() looks: environment variable and file, environment variable and folder.")
{
  Ref file = cd_tuple2_steal(vm, cd_str_from(vm, X509_get_default_cert_file_env()), cd_str_from(vm, X509_get_default_cert_file()));
  Ref folder = file ? cd_tuple2_steal(vm, cd_str_from(vm, X509_get_default_cert_dir_env()), cd_str_from(vm, X509_get_default_cert_dir()))
                    : NO_REF;
  Ref all = folder ? cd_tuple_of(vm, 4, (Value[]){cd_tuple_item_borrow(file, 0), cd_tuple_item_borrow(file, 1),
                                                  cd_tuple_item_borrow(folder, 0), cd_tuple_item_borrow(folder, 1)})
                   : NO_REF;
  cd_drop(vm, file);
  cd_drop(vm, folder);
  return all;
}

FUNCTION(_ssl, _test_decode_cert, "_test_decode_cert(path, /)", "The certificate of a PEM file as a dict.")
{
  Ref path = cd_fs_encode(vm, args[0]);
  if (!path) return NO_REF;
  BIO *file = BIO_new_file(cd_bytes_data(path), "r");
  cd_drop(vm, path);
  Type *error = cd_as_type(ssl_state(vm)->error);
  X509 *certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
  Ref dict = NO_REF;
  ERR_clear_error();
  if (certificate) dict = cd_ssl_certificate_dict(vm, certificate);
  else cd_raise(vm, error, file ? "Error decoding PEM-encoded file" : "Can't open file");
  X509_free(certificate);
  BIO_free(file);
  return dict;
}

// ---- the module ----

typedef struct SslConstant { const char *name; int64_t value; } SslConstant;

#define SSL_ALERT(name) {"ALERT_DESCRIPTION_" #name, SSL_AD_##name},
#define SSL_HOST_FLAG(name) {"HOSTFLAG_" #name, X509_CHECK_FLAG_##name},
#define SSL_OPTION(name) {"OP_" #name, (int64_t)SSL_OP_##name},
static const SslConstant ssl_constants[] = {
  SSL_ALERT(CLOSE_NOTIFY) SSL_ALERT(UNEXPECTED_MESSAGE) SSL_ALERT(BAD_RECORD_MAC) SSL_ALERT(RECORD_OVERFLOW)
  SSL_ALERT(DECOMPRESSION_FAILURE) SSL_ALERT(HANDSHAKE_FAILURE) SSL_ALERT(BAD_CERTIFICATE) SSL_ALERT(UNSUPPORTED_CERTIFICATE)
  SSL_ALERT(CERTIFICATE_REVOKED) SSL_ALERT(CERTIFICATE_EXPIRED) SSL_ALERT(CERTIFICATE_UNKNOWN) SSL_ALERT(ILLEGAL_PARAMETER)
  SSL_ALERT(UNKNOWN_CA) SSL_ALERT(ACCESS_DENIED) SSL_ALERT(DECODE_ERROR) SSL_ALERT(DECRYPT_ERROR) SSL_ALERT(PROTOCOL_VERSION)
  SSL_ALERT(INSUFFICIENT_SECURITY) SSL_ALERT(INTERNAL_ERROR) SSL_ALERT(USER_CANCELLED) SSL_ALERT(NO_RENEGOTIATION)
  SSL_ALERT(UNSUPPORTED_EXTENSION) SSL_ALERT(CERTIFICATE_UNOBTAINABLE) SSL_ALERT(UNRECOGNIZED_NAME)
  SSL_ALERT(BAD_CERTIFICATE_STATUS_RESPONSE) SSL_ALERT(BAD_CERTIFICATE_HASH_VALUE) SSL_ALERT(UNKNOWN_PSK_IDENTITY)
  SSL_HOST_FLAG(ALWAYS_CHECK_SUBJECT) SSL_HOST_FLAG(NEVER_CHECK_SUBJECT) SSL_HOST_FLAG(NO_WILDCARDS)
  SSL_HOST_FLAG(NO_PARTIAL_WILDCARDS) SSL_HOST_FLAG(MULTI_LABEL_WILDCARDS) SSL_HOST_FLAG(SINGLE_LABEL_SUBDOMAINS)
  SSL_OPTION(NO_SSLv2) SSL_OPTION(NO_SSLv3) SSL_OPTION(NO_TLSv1) SSL_OPTION(NO_TLSv1_1) SSL_OPTION(NO_TLSv1_2)
  SSL_OPTION(NO_TLSv1_3) SSL_OPTION(CIPHER_SERVER_PREFERENCE) SSL_OPTION(SINGLE_DH_USE) SSL_OPTION(NO_TICKET)
  SSL_OPTION(SINGLE_ECDH_USE) SSL_OPTION(NO_COMPRESSION) SSL_OPTION(ENABLE_MIDDLEBOX_COMPAT) SSL_OPTION(NO_RENEGOTIATION)
  SSL_OPTION(IGNORE_UNEXPECTED_EOF)
  {"OP_ALL", SSL_OP_ALL & ~SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
  {"CERT_NONE", SSL_CERT_NONE}, {"CERT_OPTIONAL", SSL_CERT_OPTIONAL}, {"CERT_REQUIRED", SSL_CERT_REQUIRED},
  {"ENCODING_PEM", SSL_ENCODING_PEM}, {"ENCODING_DER", SSL_ENCODING_DER},
  {"PROTOCOL_SSLv23", PROTOCOL_TLS}, {"PROTOCOL_TLS", PROTOCOL_TLS}, {"PROTOCOL_TLS_CLIENT", PROTOCOL_TLS_CLIENT},
  {"PROTOCOL_TLS_SERVER", PROTOCOL_TLS_SERVER}, {"PROTOCOL_TLSv1", PROTOCOL_TLSv1}, {"PROTOCOL_TLSv1_1", PROTOCOL_TLSv1_1},
  {"PROTOCOL_TLSv1_2", PROTOCOL_TLSv1_2},
  {"PROTO_MINIMUM_SUPPORTED", PROTO_MINIMUM_SUPPORTED}, {"PROTO_MAXIMUM_SUPPORTED", PROTO_MAXIMUM_SUPPORTED},
  {"PROTO_SSLv3", SSL3_VERSION}, {"PROTO_TLSv1", TLS1_VERSION}, {"PROTO_TLSv1_1", TLS1_1_VERSION}, {"PROTO_TLSv1_2", TLS1_2_VERSION},
  {"PROTO_TLSv1_3", TLS1_3_VERSION},
  {"SSL_ERROR_ZERO_RETURN", SSL_ERROR_ZERO_RETURN}, {"SSL_ERROR_WANT_READ", SSL_ERROR_WANT_READ},
  {"SSL_ERROR_WANT_WRITE", SSL_ERROR_WANT_WRITE}, {"SSL_ERROR_WANT_X509_LOOKUP", SSL_ERROR_WANT_X509_LOOKUP},
  {"SSL_ERROR_SYSCALL", SSL_ERROR_SYSCALL}, {"SSL_ERROR_SSL", SSL_ERROR_SSL}, {"SSL_ERROR_WANT_CONNECT", SSL_ERROR_WANT_CONNECT},
  {"SSL_ERROR_EOF", SSL_FAILURE_EOF}, {"SSL_ERROR_INVALID_ERROR_CODE", SSL_FAILURE_INVALID_CODE},
  {"VERIFY_DEFAULT", 0}, {"VERIFY_CRL_CHECK_LEAF", X509_V_FLAG_CRL_CHECK},
  {"VERIFY_CRL_CHECK_CHAIN", X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL}, {"VERIFY_X509_STRICT", X509_V_FLAG_X509_STRICT},
  {"VERIFY_X509_TRUSTED_FIRST", X509_V_FLAG_TRUSTED_FIRST}, {"VERIFY_ALLOW_PROXY_CERTS", X509_V_FLAG_ALLOW_PROXY_CERTS},
  {"VERIFY_X509_PARTIAL_CHAIN", X509_V_FLAG_PARTIAL_CHAIN},
};

static const SslConstant ssl_features[] = {
  {"HAS_SNI", 1}, {"HAS_TLS_UNIQUE", 1}, {"HAS_ECDH", 1}, {"HAS_NPN", 0}, {"HAS_ALPN", 1}, {"HAS_SSLv2", 0}, {"HAS_SSLv3", 0},
  {"HAS_TLSv1", 1}, {"HAS_TLSv1_1", 1}, {"HAS_TLSv1_2", 1}, {"HAS_TLSv1_3", 1},
};

// OpenSSL 3.0.22 is (3, 0, 0, 22, 0): major, minor, fix, patch, status.
static Ref ssl_version_tuple(VM *vm, unsigned long n)
{
  Value parts[5];
  const int shifts[5] = {28, 20, 12, 4, 0};
  for (int i = 0; i < 5; i++) parts[i] = cd_from_small((int64_t)(n >> shifts[i] & (i == 0 || i == 4 ? 15 : 255)));
  return cd_tuple_of(vm, 5, parts);
}

static bool ssl_add_constants(VM *vm, Value module)
{
  for (size_t i = 0; i < ARRAY_LEN(ssl_constants); i++)
    if (!cd_module_add_int(vm, module, ssl_constants[i].name, ssl_constants[i].value)) return false;
  for (size_t i = 0; i < ARRAY_LEN(ssl_features); i++)
    if (!cd_module_add(vm, module, ssl_features[i].name, cd_bool(ssl_features[i].value))) return false;
  unsigned long number = OpenSSL_version_num();
  return cd_module_add_text(vm, module, "OPENSSL_VERSION", OpenSSL_version(OPENSSL_VERSION)) &&
         cd_module_add_int(vm, module, "OPENSSL_VERSION_NUMBER", (int64_t)number) &&
         cd_module_add(vm, module, "OPENSSL_VERSION_INFO", ssl_version_tuple(vm, number)) &&
         cd_module_add(vm, module, "_OPENSSL_API_VERSION", ssl_version_tuple(vm, OPENSSL_VERSION_NUMBER)) &&
         cd_module_add_text(vm, module, "_DEFAULT_CIPHERS", OSSL_default_cipher_list());
}

static bool ssl_add_type(VM *vm, Value module, const TypeSpec *spec, Type **slot, const char *name)
{
  if (!*slot && !(*slot = cd_type_from_spec(vm, spec, NO_VALUE))) return false;
  return cd_module_add(vm, module, name, cd_dup_object(*slot));
}

static bool ssl_exec(VM *vm, Value module)
{
  SslState *state = ssl_state(vm);
  if (!cd_ssl_library_open(vm)) return false;
  Ref socket = cd_import(vm, "_socket");
  cd_drop(vm, socket);
  return socket && ssl_add_type(vm, module, &cd_ssl_context_spec, &state->context, "_SSLContext") &&
         ssl_add_type(vm, module, &cd_ssl_socket_spec, &state->socket, "_SSLSocket") &&
         ssl_add_type(vm, module, &cd_ssl_bio_spec, &state->bio, "MemoryBIO") &&
         ssl_add_type(vm, module, &cd_ssl_session_spec, &state->session, "SSLSession") &&
         ssl_add_type(vm, module, &cd_ssl_certificate_spec, &state->certificate, "Certificate") && cd_ssl_errors_init(vm, module) &&
         ssl_add_constants(vm, module);
}

static void ssl_traverse(void *p, VisitFn visit, void *context)
{
  SslState *s = p;
  Type *types[] = {s->context, s->socket, s->bio, s->session, s->certificate};
  Value classes[] = {s->error, s->verification_error, s->zero_return, s->want_read, s->want_write, s->syscall_error, s->eof};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) visit(context, cd_type_value(types[i]));
  for (size_t i = 0; i < ARRAY_LEN(classes); i++) visit(context, classes[i]);
}

static void ssl_clear(VM *vm, void *p)
{
  SslState old = *(SslState *)p;
  memset(p, 0, sizeof old);
  Type *types[] = {old.context, old.socket, old.bio, old.session, old.certificate};
  Value classes[] = {old.error, old.verification_error, old.zero_return, old.want_read, old.want_write, old.syscall_error, old.eof};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) cd_drop_object(vm, types[i]);
  for (size_t i = 0; i < ARRAY_LEN(classes); i++) cd_clear(vm, &classes[i]);
}

static const MethodDef *const ssl_functions[] = {
  &_ssl__test_decode_cert_def, &_ssl_RAND_add_def, &_ssl_RAND_bytes_def, &_ssl_RAND_pseudo_bytes_def, &_ssl_RAND_status_def,
  &_ssl_get_default_verify_paths_def, &_ssl_txt2obj_def, &_ssl_nid2obj_def, NULL,
};

const ModuleDef cd_module__ssl = {
  .name = "_ssl",
  .doc = "TLS and SSL by OpenSSL, below the module ssl.",
  .functions = ssl_functions,
  .state_size = sizeof(SslState),
  .exec = ssl_exec,
  .traverse = ssl_traverse,
  .clear = ssl_clear,
};
