// SPDX-License-Identifier: MIT
// ssl_trust.c: what a context trusts, and the certificate and key it shows
#include "modules/ssl.h"
#include "objects/dict.h"

#include <limits.h>

// ---- passwords of keys ----

typedef struct SslPassword {
  VM *vm;
  Value given;                                   // str, bytes, bytearray or a callable; borrowed; NO_VALUE: none
  char text[PEM_BUFSIZE];
  size_t size;
  bool failed;                                   // a Python exception is set
} SslPassword;

static bool ssl_password_store(SslPassword *p, const char *data, size_t size)
{
  if (size > PEM_BUFSIZE) return cd_raise_value(p->vm, "password cannot be longer than %d bytes", PEM_BUFSIZE);
  memcpy(p->text, data, size);
  p->size = size;
  return true;
}

static bool ssl_password_take(SslPassword *p, Value v, const char *message)
{
  size_t size;
  if (cd_is_str(v)) {
    const char *text = cd_str_utf8(p->vm, v, &size);
    return text && ssl_password_store(p, text, size);
  }
  if (cd_is_bytes(v)) return ssl_password_store(p, cd_bytes_data(v), cd_bytes_size(v));
  if (cd_is_bytearray(v)) return ssl_password_store(p, ((ByteArray *)cd_object(v))->data, ((ByteArray *)cd_object(v))->size);
  return cd_raise_type(p->vm, message);
}

static bool ssl_password_ask(SslPassword *p)
{
  if (!cd_is_callable(p->vm, p->given)) return true;               // taken before
  Ref answer = cd_call0(p->vm, p->given);
  bool ok = answer && ssl_password_take(p, answer, "password callback must return a string");
  cd_drop(p->vm, answer);
  return ok;
}

static int ssl_on_password(char *out, int room, int writing UNUSED, void *arg)
{
  SslPassword *p = arg;
  if (p->failed || !ssl_password_ask(p)) {
    p->failed = true;
    return -1;
  }
  if (p->size > (size_t)room) {
    cd_raise_value(p->vm, "password cannot be longer than %d bytes", room);
    p->failed = true;
    return -1;
  }
  memcpy(out, p->text, p->size);
  return (int)p->size;
}

// ---- the own certificate ----

// After a failed call that reads files: the exception of a password callback, the system's error, or OpenSSL's.
static Ref ssl_file_error(VM *vm, int error, int line)
{
  if (cd_raised(vm)) { ERR_clear_error(); return NO_REF; }
  if (error) { ERR_clear_error(); return cd_raise_os(vm, error, NO_VALUE, NO_VALUE); }
  return cd_ssl_raise_queue(vm, line);
}

static Ref ssl_load_chain(VM *vm, SSL_CTX *native, const char *certificate, const char *key)
{
  ERR_clear_error();
  errno = 0;
  if (SSL_CTX_use_certificate_chain_file(native, certificate) != 1) return ssl_file_error(vm, errno, __LINE__);
  errno = 0;
  if (SSL_CTX_use_PrivateKey_file(native, key, SSL_FILETYPE_PEM) != 1) return ssl_file_error(vm, errno, __LINE__);
  return SSL_CTX_check_private_key(native) == 1 ? cd_none() : ssl_raise_queue(vm);
}

// A path argument as bytes; a TypeError becomes one that says which argument.
static Ref ssl_path(VM *vm, Value v, const char *message)
{
  Ref path = cd_fs_encode(vm, v);
  if (!path && cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, message);
  return path;
}

static Ref ssl_load_with_password(VM *vm, SSL_CTX *native, const char *certificate, const char *key, Value password)
{
  SslPassword p = {.vm = vm, .given = password};
  if (!cd_bits(password) || cd_is_none(password)) return ssl_load_chain(vm, native, certificate, key);
  if (!cd_is_callable(vm, password) && !ssl_password_take(&p, password, "password should be a string or callable")) return NO_REF;
  pem_password_cb *old = SSL_CTX_get_default_passwd_cb(native);
  void *old_arg = SSL_CTX_get_default_passwd_cb_userdata(native);
  SSL_CTX_set_default_passwd_cb(native, ssl_on_password);
  SSL_CTX_set_default_passwd_cb_userdata(native, &p);
  Ref result = ssl_load_chain(vm, native, certificate, key);
  SSL_CTX_set_default_passwd_cb(native, old);
  SSL_CTX_set_default_passwd_cb_userdata(native, old_arg);
  OPENSSL_cleanse(p.text, sizeof p.text);
  return result;
}

static Ref ssl_load_cert_chain(VM *vm, Value self, const Value *args)
{
  bool one = !cd_bits(args[1]) || cd_is_none(args[1]);
  Ref certificate = ssl_path(vm, args[0], "certfile should be a valid filesystem path"), key = NO_REF, result = NO_REF;
  if (certificate) key = one ? cd_dup(certificate) : ssl_path(vm, args[1], "keyfile should be a valid filesystem path");
  if (key && cd_ssl_context_rest(vm, ssl_context_of(self)))
    result = ssl_load_with_password(vm, ssl_context_of(self)->native, cd_bytes_data(certificate), cd_bytes_data(key), args[2]);
  cd_drop(vm, key);
  cd_drop(vm, certificate);
  return result;
}

const MethodDef cd_ssl_load_cert_chain_def = {
  "load_cert_chain", "load_cert_chain(self, /, certfile, keyfile=None, password=None)",
  "Read the certificate to show, with its chain, and its private key, from PEM files.", ssl_load_cert_chain, NULL, 0};

// ---- certificates of authorities ----

static bool ssl_add_certificate(VM *vm, X509_STORE *store, X509 *certificate)
{
  if (X509_STORE_add_cert(store, certificate)) return true;
  unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_X509 || ERR_GET_REASON(code) != X509_R_CERT_ALREADY_IN_HASH_TABLE) return ssl_raise_queue(vm);
  ERR_clear_error();
  return true;
}

// Is that the error that marks the end of the data?
static bool ssl_is_end(unsigned long code, bool pem)
{
  if (pem) return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  return ERR_GET_LIB(code) == ERR_LIB_ASN1 && ERR_GET_REASON(code) == ASN1_R_HEADER_TOO_LONG;
}

static bool ssl_add_all(VM *vm, SSL_CTX *native, BIO *bio, bool pem)
{
  X509_STORE *store = SSL_CTX_get_cert_store(native);
  int count = 0;
  X509 *x;
  ERR_clear_error();
  while ((x = pem ? PEM_read_bio_X509(bio, NULL, SSL_CTX_get_default_passwd_cb(native), SSL_CTX_get_default_passwd_cb_userdata(native))
                  : d2i_X509_bio(bio, NULL))) {
    bool ok = ssl_add_certificate(vm, store, x);
    X509_free(x);
    if (!ok) return false;
    count++;
    if (!cd_poll(vm)) return false;
  }
  if (!count)
    return ssl_raise_text(vm, pem ? "no start line: cadata does not contain a certificate"
                                  : "not enough data: cadata does not contain a certificate");
  unsigned long code = ERR_peek_last_error();
  if (code && !ssl_is_end(code, pem)) return ssl_raise_queue(vm);
  ERR_clear_error();
  return true;
}

static bool ssl_add_data(VM *vm, SslContext *context, const char *data, size_t size, bool pem)
{
  if (size == 0) return cd_raise_value(vm, "Empty certificate data");
  if (size > INT_MAX) return cd_raise_overflow(vm, "Certificate data is too long.");
  BIO *bio = BIO_new_mem_buf(data, (int)size);
  if (!bio) return ssl_raise_queue(vm);
  bool ok = ssl_add_all(vm, context->native, bio, pem);
  BIO_free(bio);
  return ok;
}

static bool ssl_load_cadata(VM *vm, SslContext *context, Value v)
{
  Buffer buffer;
  if (cd_is_str(v)) {
    if (!cd_as_str(v)->ascii) return cd_raise_type(vm, "cadata should be an ASCII string or a bytes-like object");
    return ssl_add_data(vm, context, cd_str_data(v), cd_str_size(v), true);
  }
  if (!cd_has_buffer(vm, v)) return cd_raise_type(vm, "cadata should be an ASCII string or a bytes-like object");
  if (!cd_get_buffer(vm, v, &buffer, BUFFER_SIMPLE)) return false;
  bool ok = ssl_add_data(vm, context, buffer.data, (size_t)buffer.size, false);
  cd_release_buffer(vm, &buffer);
  return ok;
}

static bool ssl_load_places(VM *vm, SslContext *context, Value file, Value folder)
{
  Ref file_path = NO_REF, folder_path = NO_REF;
  bool ok = (!cd_bits(file) || (file_path = ssl_path(vm, file, "cafile should be a valid filesystem path"))) &&
            (!cd_bits(folder) || (folder_path = ssl_path(vm, folder, "capath should be a valid filesystem path")));
  if (ok && (file_path || folder_path)) {
    ERR_clear_error();
    errno = 0;
    ok = SSL_CTX_load_verify_locations(context->native, file_path ? cd_bytes_data(file_path) : NULL,
                                       folder_path ? cd_bytes_data(folder_path) : NULL) == 1;
    if (!ok) ssl_file_error(vm, errno, __LINE__);
  }
  cd_drop(vm, file_path);
  cd_drop(vm, folder_path);
  return ok;
}

static Ref ssl_load_verify_locations(VM *vm, Value self, const Value *args)
{
  SslContext *context = ssl_context_of(self);
  Value given[3];
  for (int i = 0; i < 3; i++) given[i] = cd_bits(args[i]) && !cd_is_none(args[i]) ? args[i] : NO_VALUE;
  if (!cd_bits(given[0]) && !cd_bits(given[1]) && !cd_bits(given[2]))
    return cd_raise_type(vm, "cafile, capath and cadata cannot be all omitted");
  if (!cd_ssl_context_rest(vm, context)) return NO_REF;
  if (cd_bits(given[2]) && !ssl_load_cadata(vm, context, given[2])) return NO_REF;
  return ssl_load_places(vm, context, given[0], given[1]) ? cd_none() : NO_REF;
}

const MethodDef cd_ssl_load_verify_locations_def = {
  "load_verify_locations", "load_verify_locations(self, /, cafile=None, capath=None, cadata=None)",
  "Trust the certificates of a PEM file, of a folder with hashed names, of PEM text or DER bytes.", ssl_load_verify_locations, NULL, 0};

static Ref ssl_set_default_verify_paths(VM *vm, Value self, const Value *args UNUSED)
{
  if (!cd_ssl_context_rest(vm, ssl_context_of(self))) return NO_REF;
  return SSL_CTX_set_default_verify_paths(ssl_context_of(self)->native) ? cd_none() : ssl_raise_queue(vm);
}

const MethodDef cd_ssl_set_default_verify_paths_def = {"set_default_verify_paths", "set_default_verify_paths(self, /)",
                                                       "Trust what the system trusts.", ssl_set_default_verify_paths, NULL, 0};

// ---- what is trusted ----

static Ref ssl_cert_store_stats(VM *vm, Value self, const Value *args UNUSED)
{
  if (!cd_ssl_context_rest(vm, ssl_context_of(self))) return NO_REF;
  STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ssl_context_of(self)->native));
  int x509 = 0, crl = 0, authority = 0;
  for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
    X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
    switch (X509_OBJECT_get_type(object)) {
      case X509_LU_X509:
        x509++;
        authority += X509_check_ca(X509_OBJECT_get0_X509(object)) != 0;
        break;
      case X509_LU_CRL: crl++; break;
      default: break;
    }
  }
  Ref dict = cd_dict_new(vm);
  if (dict && cd_dict_set_text(vm, dict, "x509", cd_from_small(x509)) && cd_dict_set_text(vm, dict, "crl", cd_from_small(crl)) &&
      cd_dict_set_text(vm, dict, "x509_ca", cd_from_small(authority)))
    return dict;
  cd_drop(vm, dict);
  return NO_REF;
}

const MethodDef cd_ssl_cert_store_stats_def = {
  "cert_store_stats", "cert_store_stats(self, /)",
  "Counts of what has been loaded: certificates, those of them that are authorities', and lists of revoked ones.\n\nCertificates of a "
  "folder count from their first use on.",
  ssl_cert_store_stats, NULL, 0};

static Ref ssl_get_ca_certs(VM *vm, Value self, const Value *args)
{
  bool binary = false;
  if ((cd_bits(args[0]) && !cd_truth(vm, args[0], &binary)) || !cd_ssl_context_rest(vm, ssl_context_of(self))) return NO_REF;
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ssl_context_of(self)->native));
  for (int i = 0; ok && i < sk_X509_OBJECT_num(objects); i++) {
    X509 *x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (!x || !X509_check_ca(x)) continue;
    ok = cd_list_append_steal(vm, cd_as_list(list), binary ? cd_ssl_certificate_der(vm, x) : cd_ssl_certificate_dict(vm, x));
  }
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

const MethodDef cd_ssl_get_ca_certs_def = {"get_ca_certs",
                                           "get_ca_certs(self, /, binary_form=False)",
                                           "The certificates of authorities that have been loaded, each as a dict, or as DER "
                                           "bytes.\n\nCertificates of a folder are there from their "
                                           "first use on.",
                                           ssl_get_ca_certs,
                                           NULL,
                                           0};
