// SPDX-License-Identifier: MIT
// ssl_errors.c: OpenSSL's errors as exceptions, and the names of their numbers
#include "modules/ssl.h"
#include "objects/dict.h"

#include "ssl_error_names.h"                     // made from OpenSSL's headers by tools/make_ssl_errors.py

// ---- names ----

static const char *ssl_library_name(int library)
{
  for (size_t i = 0; i < ARRAY_LEN(ssl_library_names); i++)
    if (ssl_library_names[i].number == library) return ssl_library_names[i].name;
  return NULL;
}

static const char *ssl_reason_name(int library, int reason)
{
  size_t low = 0, high = ARRAY_LEN(ssl_reason_names);
  while (low < high) {
    size_t middle = (low + high) / 2;
    const SslReasonName *r = &ssl_reason_names[middle];
    if (r->library == library && r->reason == reason) return r->name;
    if (r->library < library || (r->library == library && r->reason < reason)) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

static bool ssl_errors_add_reason(VM *vm, Value codes, Value names, const SslReasonName *r)
{
  Ref key = cd_tuple2(vm, cd_from_small(r->library), cd_from_small(r->reason)), name = key ? cd_str_from(vm, r->name) : NO_REF;
  bool ok = name && cd_dict_set(vm, codes, key, name) && cd_dict_set(vm, names, name, key);
  cd_drop(vm, key);
  cd_drop(vm, name);
  return ok;
}

static bool ssl_errors_add_names(VM *vm, Value module)
{
  Ref codes = cd_dict_new(vm), names = codes ? cd_dict_new(vm) : NO_REF, libraries = names ? cd_dict_new(vm) : NO_REF;
  bool ok = libraries != NO_REF;
  for (size_t i = 0; ok && i < ARRAY_LEN(ssl_reason_names); i++) ok = ssl_errors_add_reason(vm, codes, names, &ssl_reason_names[i]);
  for (size_t i = 0; ok && i < ARRAY_LEN(ssl_library_names); i++) {
    Ref name = cd_str_from(vm, ssl_library_names[i].name);
    ok = name && cd_dict_set(vm, libraries, cd_from_small(ssl_library_names[i].number), name);
    cd_drop(vm, name);
  }
  ok = ok && cd_module_add(vm, module, "err_codes_to_names", cd_dup(codes)) &&
       cd_module_add(vm, module, "err_names_to_codes", cd_dup(names)) && cd_module_add(vm, module, "lib_codes_to_names", cd_dup(libraries));
  cd_drop(vm, codes);
  cd_drop(vm, names);
  cd_drop(vm, libraries);
  return ok;
}

// ---- the tree of classes ----

static Ref ssl_error_str(VM *vm, Value self)
{
  const OsException *e = (const OsException *)cd_object(self);
  if (cd_bits(e->strerror) && cd_is_str(e->strerror)) return cd_dup(e->strerror);
  return cd_str(vm, e->args);
}

static const TypeSpec ssl_error_spec = {
  .name = "ssl.SSLError",
  .doc = "An error of the SSL implementation.",
  .basicsize = sizeof(OsException),
  .flags = TYPE_BASE | TYPE_IMMUTABLE,
  .slots = {.str = ssl_error_str},
};

static Ref ssl_error_class(VM *vm, const char *name, const char *doc, Value base, Value second)
{
  Ref bases = cd_bits(second) ? cd_tuple2(vm, base, second) : cd_tuple1(vm, base);
  Ref type = bases ? cd_exception_type_new(vm, name, doc, bases) : NO_REF;
  cd_drop(vm, bases);
  return type;
}

static bool ssl_errors_make(VM *vm, SslState *state)
{
  Ref bases = cd_tuple1(vm, cd_type_value(vm->exc.OSError));
  Type *type = bases ? cd_type_from_spec(vm, &ssl_error_spec, bases) : NULL;
  cd_drop(vm, bases);
  if (!type) return false;
  state->error = cd_from_object(type);
  return (state->verification_error = ssl_error_class(vm, "ssl.SSLCertVerificationError", "A certificate that does not hold.", state->error,
                                                      cd_type_value(vm->exc.ValueError))) &&
         (state->zero_return = ssl_error_class(vm, "ssl.SSLZeroReturnError", "The peer closed the TLS session as it should.", state->error,
                                               NO_VALUE)) &&
         (state->want_read = ssl_error_class(vm, "ssl.SSLWantReadError",
                                             "A socket that does not wait has to read more before the operation can be completed.",
                                             state->error, NO_VALUE)) &&
         (state->want_write = ssl_error_class(vm, "ssl.SSLWantWriteError",
                                              "A socket that does not wait has to write more before the operation can be completed.",
                                              state->error, NO_VALUE)) &&
         (state->syscall_error = ssl_error_class(vm, "ssl.SSLSyscallError", "A system call failed during an SSL operation.", state->error,
                                                 NO_VALUE)) &&
         (state->eof = ssl_error_class(vm, "ssl.SSLEOFError", "The connection ended without a close of the TLS session.", state->error,
                                       NO_VALUE));
}

bool cd_ssl_errors_init(VM *vm, Value module)
{
  SslState *state = ssl_state(vm);
  if (!cd_bits(state->error) && !ssl_errors_make(vm, state)) return false;
  return cd_module_add(vm, module, "SSLError", cd_dup(state->error)) &&
         cd_module_add(vm, module, "SSLCertVerificationError", cd_dup(state->verification_error)) &&
         cd_module_add(vm, module, "SSLZeroReturnError", cd_dup(state->zero_return)) &&
         cd_module_add(vm, module, "SSLWantReadError", cd_dup(state->want_read)) &&
         cd_module_add(vm, module, "SSLWantWriteError", cd_dup(state->want_write)) &&
         cd_module_add(vm, module, "SSLSyscallError", cd_dup(state->syscall_error)) &&
         cd_module_add(vm, module, "SSLEOFError", cd_dup(state->eof)) && ssl_errors_add_names(vm, module);
}

// ---- raising ----

static bool ssl_error_set_text(VM *vm, Value e, const char *name, const char *text)
{
  Ref value = text ? cd_str_from(vm, text) : cd_none();
  bool ok = value && cd_setattr_text(vm, e, name, value);
  cd_drop(vm, value);
  return ok;
}

// Why a certificate was refused: its number, and a sentence. NO_REF: exception.
static Ref ssl_verify_message(VM *vm, SslSocket *s, long code)
{
  const char *host = cd_bits(s->server_hostname) ? cd_str_data(s->server_hostname) : NULL;
  if (code == X509_V_ERR_HOSTNAME_MISMATCH && host)
    return cd_str_format(vm, "Hostname mismatch, certificate is not valid for '%s'.", host);
  if (code == X509_V_ERR_IP_ADDRESS_MISMATCH && host)
    return cd_str_format(vm, "IP address mismatch, certificate is not valid for '%s'.", host);
  const char *text = X509_verify_cert_error_string(code);
  return text ? cd_str_from(vm, text) : cd_none();
}

typedef struct SslErrorText { const char *library, *reason, *text; Ref why; int line; } SslErrorText;

static Ref ssl_error_message(VM *vm, const SslErrorText *t)
{
  if (t->why && t->reason && t->library)
    return cd_str_format(vm, "[%s: %s] %s: %S (_ssl.c:%d)", t->library, t->reason, t->text, t->why, t->line);
  if (t->reason && t->library) return cd_str_format(vm, "[%s: %s] %s (_ssl.c:%d)", t->library, t->reason, t->text, t->line);
  if (t->library) return cd_str_format(vm, "[%s] %s (_ssl.c:%d)", t->library, t->text, t->line);
  return cd_str_format(vm, "%s (_ssl.c:%d)", t->text, t->line);
}

// type(number, message) with the attributes library and reason, and for certificates verify_code and verify_message.
static Ref ssl_error_raise(VM *vm, SslSocket *s, Value type, int64_t number, const char *text, unsigned long code, int line)
{
  SslErrorText t = {.line = line, .text = text};
  long verify = 0;
  bool refused = s && cd_is(type, ssl_state(vm)->verification_error);
  if (code) {
    t.library = ssl_library_name(ERR_GET_LIB(code));
    t.reason = ssl_reason_name(ERR_GET_LIB(code), ERR_GET_REASON(code));
    if (!text) t.text = ERR_reason_error_string(code);
  }
  if (!t.text) t.text = "unknown error";
  ERR_clear_error();
  if (refused && !(t.why = ssl_verify_message(vm, s, verify = SSL_get_verify_result(s->native)))) return NO_REF;
  Ref message = ssl_error_message(vm, &t),
      e = message ? cd_exception_new(vm, cd_as_type(type), (Value[]){cd_from_small(number), message}, 2) : NO_REF;
  bool ok = e && ssl_error_set_text(vm, e, "reason", t.reason) && ssl_error_set_text(vm, e, "library", t.library) &&
            (!refused || (cd_setattr_text(vm, e, "verify_code", cd_from_small(verify)) && cd_setattr_text(vm, e, "verify_message", t.why)));
  cd_drop(vm, message);
  cd_drop(vm, t.why);
  if (ok) return cd_raise_exception(vm, e);
  cd_drop(vm, e);
  return NO_REF;
}

Ref cd_ssl_raise_text(VM *vm, const char *text, int line) { return ssl_error_raise(vm, NULL, ssl_state(vm)->error, 0, text, 0, line); }

Ref cd_ssl_raise_queue(VM *vm, int line)
{
  unsigned long code = ERR_peek_last_error();
  if (code && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) { ERR_clear_error(); return cd_raise_memory(vm); }
  return ssl_error_raise(vm, NULL, ssl_state(vm)->error, ERR_GET_REASON(code), NULL, code, line);
}

// The system call below failed, or the peer went away without a word.
static Ref ssl_raise_syscall(VM *vm, SslSocket *s, int result, int line)
{
  SslState *state = ssl_state(vm);
  unsigned long code = ERR_peek_last_error();
  if (code) return ssl_error_raise(vm, s, state->syscall_error, SSL_ERROR_SYSCALL, NULL, code, line);
  if (result == 0 || (cd_bits(s->socket) && !s->error_number))
    return ssl_error_raise(vm, s, state->eof, SSL_FAILURE_EOF, "EOF occurred in violation of protocol", 0, line);
  if (!cd_bits(s->socket)) return ssl_error_raise(vm, s, state->syscall_error, SSL_ERROR_SYSCALL, "Some I/O error occurred", 0, line);
  ERR_clear_error();
  return cd_raise_os(vm, s->error_number, NO_VALUE, NO_VALUE);
}

static Ref ssl_raise_protocol(VM *vm, SslSocket *s, int line)
{
  SslState *state = ssl_state(vm);
  unsigned long code = ERR_peek_last_error();
  if (!code) return ssl_error_raise(vm, s, state->error, SSL_ERROR_SSL, "A failure in the SSL library occurred", 0, line);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
    return ssl_error_raise(vm, s, state->verification_error, SSL_ERROR_SSL, NULL, code, line);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return ssl_error_raise(vm, s, state->eof, SSL_FAILURE_EOF, "EOF occurred in violation of protocol", code, line);
  if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) { ERR_clear_error(); return cd_raise_memory(vm); }
  return ssl_error_raise(vm, s, state->error, SSL_ERROR_SSL, NULL, code, line);
}

Ref cd_ssl_raise_failure(VM *vm, SslSocket *s, int failure, int result, int line)
{
  SslState *state = ssl_state(vm);
  switch (failure) {
    case SSL_ERROR_ZERO_RETURN:
      return ssl_error_raise(vm, s, state->zero_return, failure, "TLS/SSL connection has been closed (EOF)", 0, line);
    case SSL_ERROR_WANT_READ:
      return ssl_error_raise(vm, s, state->want_read, failure, "The operation did not complete (read)", 0, line);
    case SSL_ERROR_WANT_WRITE:
      return ssl_error_raise(vm, s, state->want_write, failure, "The operation did not complete (write)", 0, line);
    case SSL_ERROR_WANT_X509_LOOKUP:
      return ssl_error_raise(vm, s, state->error, failure, "The operation did not complete (X509 lookup)", 0, line);
    case SSL_ERROR_WANT_CONNECT:
      return ssl_error_raise(vm, s, state->error, failure, "The operation did not complete (connect)", 0, line);
    case SSL_ERROR_SYSCALL: return ssl_raise_syscall(vm, s, result, line);
    case SSL_ERROR_SSL: return ssl_raise_protocol(vm, s, line);
    default: return ssl_error_raise(vm, s, state->error, SSL_FAILURE_INVALID_CODE, "Invalid error code", 0, line);
  }
}
