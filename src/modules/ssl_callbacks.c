// SPDX-License-Identifier: MIT
// ssl_callbacks.c: what OpenSSL calls during a handshake: server names, messages, keys for a log
#include "modules/ssl.h"

// ---- from OpenSSL into Python ----

VM *cd_ssl_enter_python(SslSocket *s)
{
  if (s->unlocked) {
    cd_relock(s->vm, s->busy);
    s->context->away--;
  }
  return s->vm;
}

void cd_ssl_leave_python(SslSocket *s)
{
  if (!s->unlocked) return;
  s->context->away++;                            // the context may be another one than before
  cd_unlock(s->vm);
}

// Keeps the exception that is set for the end of the call; the first one counts.
static void ssl_keep_raised(VM *vm, SslSocket *s)
{
  Ref e = cd_take_raised(vm);
  if (s->raised) cd_drop(vm, e);
  else s->raised = e;
}

static SslSocket *ssl_socket_of_native(const SSL *native) { return SSL_get_ex_data(native, 0); }

static bool ssl_callback_argument(VM *vm, Value v)
{
  return cd_is_none(v) || cd_is_callable(vm, v) || cd_raise_type(vm, "not a callable object");
}

static Ref ssl_or_none(Value v) { return cd_bits(v) ? cd_dup(v) : cd_none(); }

// ---- server names ----

static Ref ssl_call_sni(VM *vm, SslSocket *s, SslContext *context, const char *name)
{
  Ref callback = cd_dup(context->sni_callback), self = cd_dup_object(context), result = NO_REF;
  Ref face = cd_ssl_socket_face(s), host = NO_REF;
  if (!face) {
    cd_drop(vm, callback);
    cd_drop(vm, self);
    return NO_REF;
  }
  host = name ? cd_decode(vm, name, strlen(name), "ascii", NULL) : cd_none();
  if (host) result = cd_call3(vm, callback, face, host, self);
  if (!result) cd_write_unraisable(vm, host ? callback : self);
  cd_drop(vm, host);
  cd_drop(vm, face);
  cd_drop(vm, self);
  cd_drop(vm, callback);
  return result;
}

// What the callback's result means for the handshake.
static int ssl_sni_verdict(VM *vm, Value result, int *alert)
{
  int number;
  if (!cd_bits(result)) {
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (cd_is_none(result)) return SSL_TLSEXT_ERR_OK;
  if (cd_to_c_int(vm, result, &number)) {
    *alert = number;
  } else {
    cd_write_unraisable(vm, result);
    *alert = SSL_AD_INTERNAL_ERROR;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int ssl_on_server_name(SSL *native, int *alert, void *arg)
{
  SslSocket *s = ssl_socket_of_native(native);
  SslContext *context = arg;
  VM *vm = cd_ssl_enter_python(s);
  int verdict = SSL_TLSEXT_ERR_OK;
  if (cd_bits(context->sni_callback)) {
    Ref result = ssl_call_sni(vm, s, context, SSL_get_servername(native, TLSEXT_NAMETYPE_host_name));
    verdict = ssl_sni_verdict(vm, result, alert);
    cd_drop(vm, result);
  }
  cd_ssl_leave_python(s);
  return verdict;
}

Ref cd_ssl_get_sni_callback(VM *vm UNUSED, Value self) { return ssl_or_none(ssl_context_of(self)->sni_callback); }

bool cd_ssl_set_sni_callback(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  if (!cd_bits(value)) return cd_raise_attribute(vm, self, NO_VALUE, "cannot delete attribute");
  if (context->protocol == PROTOCOL_TLS_CLIENT) return cd_raise_value(vm, "sni_callback cannot be set on TLS_CLIENT context");
  if (!ssl_callback_argument(vm, value) || !cd_ssl_context_rest(vm, context)) return false;
  int (*hook)(SSL *, int *, void *) = cd_is_none(value) ? NULL : ssl_on_server_name;
  SSL_CTX_set_tlsext_servername_callback(context->native, hook);
  SSL_CTX_set_tlsext_servername_arg(context->native, context);
  cd_replace(vm, &context->sni_callback, hook ? cd_dup(value) : NO_REF);
  return true;
}

// ---- messages, for debugging ----

typedef struct SslMessage { int version, content, kind; } SslMessage;

// The kind of a message is in its first bytes.
static SslMessage ssl_message_of(int version, int content, const unsigned char *data, size_t size)
{
  SslMessage m = {version, content, -1};
  switch (content) {
    case SSL3_RT_CHANGE_CIPHER_SPEC: m.kind = SSL3_MT_CHANGE_CIPHER_SPEC; break;
    case SSL3_RT_ALERT: if (size >= 2) m.kind = data[1]; break;
    case SSL3_RT_HEADER:
      if (size >= 3) {
        m.version = data[1] << 8 | data[2];
        m.kind = data[0];
      }
      break;
    case SSL3_RT_INNER_CONTENT_TYPE: case SSL3_RT_HANDSHAKE: if (size >= 1) m.kind = data[0]; break;
    default: break;
  }
  return m;
}

static void ssl_call_message(VM *vm, SslSocket *s, Value face, int writing, SslMessage m, const void *data, size_t size)
{
  Ref direction = cd_str_from(vm, writing ? "write" : "read"), bytes = direction ? cd_bytes_new(vm, data, size) : NO_REF, result = NO_REF;
  if (bytes) {
    Value args[] = {face, direction, cd_from_small(m.version), cd_from_small(m.content), cd_from_small(m.kind), bytes};
    Ref callback = cd_dup(s->context->message_callback);
    result = cd_call(vm, callback, args, ARRAY_LEN(args), NO_VALUE);
    cd_drop(vm, callback);
  }
  if (!result) ssl_keep_raised(vm, s);
  cd_drop(vm, result);
  cd_drop(vm, bytes);
  cd_drop(vm, direction);
}

static void ssl_on_message(int writing, int version, int content, const void *data, size_t size, SSL *native, void *arg UNUSED)
{
  SslSocket *s = ssl_socket_of_native(native);
  VM *vm = cd_ssl_enter_python(s);
  Ref face = cd_bits(s->context->message_callback) && !s->raised ? cd_ssl_socket_face(s) : NO_REF;
  if (face) ssl_call_message(vm, s, face, writing, ssl_message_of(version, content, data, size), data, size);
  cd_drop(vm, face);
  cd_ssl_leave_python(s);
}

SslMessageHook cd_ssl_message_hook(const SslContext *context) { return cd_bits(context->message_callback) ? ssl_on_message : NULL; }

Ref cd_ssl_get_message_callback(VM *vm UNUSED, Value self) { return ssl_or_none(ssl_context_of(self)->message_callback); }

bool cd_ssl_set_message_callback(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  if (!cd_bits(value)) return cd_raise_attribute(vm, self, NO_VALUE, "cannot delete attribute");
  if (!ssl_callback_argument(vm, value) || !cd_ssl_context_rest(vm, context)) return false;
  bool some = !cd_is_none(value);
  SSL_CTX_set_msg_callback(context->native, some ? ssl_on_message : NULL);
  cd_replace(vm, &context->message_callback, some ? cd_dup(value) : NO_REF);
  return true;
}

// ---- a log of keys ----

static void ssl_on_key(const SSL *native, const char *line)
{
  SslSocket *s = ssl_socket_of_native(native);
  VM *vm = cd_ssl_enter_python(s);
  BIO *log = s->context->keylog;
  if (log && (BIO_puts(log, line) <= 0 || BIO_puts(log, "\n") <= 0 || BIO_flush(log) <= 0)) {
    cd_raise_os(vm, errno, s->context->keylog_filename, NO_VALUE);
    ssl_keep_raised(vm, s);
  }
  cd_ssl_leave_python(s);
}

Ref cd_ssl_get_keylog(VM *vm UNUSED, Value self) { return ssl_or_none(ssl_context_of(self)->keylog_filename); }

static void ssl_close_keylog(VM *vm, SslContext *context)
{
  SSL_CTX_set_keylog_callback(context->native, NULL);
  BIO_free_all(context->keylog);
  context->keylog = NULL;
  cd_clear(vm, &context->keylog_filename);
}

static bool ssl_open_keylog(VM *vm, SslContext *context, Value name)
{
  Ref path = cd_fs_encode(vm, name);
  if (!path) return false;
  FILE *file = fopen(cd_bytes_data(path), "ae");
  cd_drop(vm, path);
  if (!file) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  if (!(context->keylog = BIO_new_fp(file, BIO_CLOSE | BIO_FP_TEXT))) {
    fclose(file);
    return ssl_raise_queue(vm);
  }
  context->keylog_filename = cd_dup(name);
  if (BIO_tell(context->keylog) == 0) {          // the first line, as tools that read such logs know it
    BIO_puts(context->keylog, "# TLS secrets log file, generated by OpenSSL / Python\n");
    (void)BIO_flush(context->keylog);
  }
  SSL_CTX_set_keylog_callback(context->native, ssl_on_key);
  return true;
}

bool cd_ssl_set_keylog(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  if (!cd_bits(value)) return cd_raise_attribute(vm, self, NO_VALUE, "cannot delete attribute");
  if (!cd_ssl_context_rest(vm, context)) return false;
  ssl_close_keylog(vm, context);
  return cd_is_none(value) || ssl_open_keylog(vm, context, value);
}

void cd_ssl_context_forget_callbacks(VM *vm, SslContext *context)
{
  SSL_CTX_set_tlsext_servername_callback(context->native, NULL);
  SSL_CTX_set_tlsext_servername_arg(context->native, NULL);
  SSL_CTX_set_msg_callback(context->native, NULL);
  ssl_close_keylog(vm, context);
}
