// SPDX-License-Identifier: MIT
// ssl_context.c: _SSLContext: certificates, trust, ciphers and versions that connections share
#include "modules/ssl.h"
#include "objects/dict.h"

#include <limits.h>
#include <sched.h>

// ---- life ----

bool cd_ssl_context_rest(VM *vm, SslContext *context)
{
  while (UNLIKELY(context->away)) {
    Thread *me = cd_unlock(vm);
    sched_yield();
    cd_relock(vm, me);
    if (!cd_poll(vm)) return false;
  }
  return true;
}

typedef struct SslProtocol { int number; const SSL_METHOD *(*method)(void); const char *deprecated; } SslProtocol;

static bool ssl_protocol_find(VM *vm, int number, SslProtocol *out)
{
  const SslProtocol all[] = {
    {PROTOCOL_TLS, TLS_method, "ssl.PROTOCOL_TLS is deprecated"},
    {PROTOCOL_TLSv1, TLSv1_method, "ssl.PROTOCOL_TLSv1 is deprecated"},
    {PROTOCOL_TLSv1_1, TLSv1_1_method, "ssl.PROTOCOL_TLSv1_1 is deprecated"},
    {PROTOCOL_TLSv1_2, TLSv1_2_method, "ssl.PROTOCOL_TLSv1_2 is deprecated"},
    {PROTOCOL_TLS_CLIENT, TLS_client_method, NULL},
    {PROTOCOL_TLS_SERVER, TLS_server_method, NULL},
  };
  for (size_t i = 0; i < ARRAY_LEN(all); i++) {
    if (all[i].number != number) continue;
    *out = all[i];
    return !out->deprecated || cd_warn(vm, vm->exc.DeprecationWarning, 2, out->deprecated);
  }
  return cd_raise_value(vm, "invalid or unsupported protocol version %d", number);
}

static void ssl_context_apply_verify(SslContext *context, int mode)
{
  if (context->post_handshake_auth && context->protocol == PROTOCOL_TLS_SERVER) mode |= SSL_VERIFY_POST_HANDSHAKE;
  SSL_CTX_set_verify(context->native, mode, NULL);
}

static bool ssl_context_configure(VM *vm, SslContext *context)
{
  SSL_CTX *native = context->native;
  bool client = context->protocol == PROTOCOL_TLS_CLIENT;
  context->check_hostname = client;
  context->host_flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  SSL_CTX_set_verify(native, client ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_options(native, (SSL_OP_ALL & ~SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS) | SSL_OP_NO_SSLv3 | SSL_OP_CIPHER_SERVER_PREFERENCE |
                              SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  if (!SSL_CTX_set_session_id_context(native, (const unsigned char *)"Cede", 4)) return ssl_raise_queue(vm);
  X509_VERIFY_PARAM *param = SSL_CTX_get0_param(native);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_TRUSTED_FIRST);
  X509_VERIFY_PARAM_set_hostflags(param, context->host_flags);
  return true;
}

static Ref ssl_context_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  int number;
  SslProtocol protocol;
  if (!cd_no_keywords(vm, "_SSLContext", kwnames)) return NO_REF;
  if (nargs != 1) return cd_raise_type(vm, "_SSLContext expected 1 argument, got %zu", nargs);
  if (!cd_to_c_int(vm, args[0], &number) || !ssl_protocol_find(vm, number, &protocol)) return NO_REF;
  ERR_clear_error();
  SSL_CTX *native = SSL_CTX_new(protocol.method());
  if (!native) return ssl_raise_queue(vm);
  SslContext *context = cd_instance_new(vm, type);
  if (!context) { SSL_CTX_free(native); return NO_REF; }
  context->native = native;
  context->protocol = number;
  if (ssl_context_configure(vm, context)) return cd_from_object(context);
  cd_drop_object(vm, context);
  return NO_REF;
}

static void ssl_context_clear(VM *vm, Object *self)
{
  SslContext *context = (SslContext *)self;
  if (context->native) cd_ssl_context_forget_callbacks(vm, context);
  cd_clear(vm, &context->sni_callback);
  cd_clear(vm, &context->message_callback);
}

static void ssl_context_release(VM *vm, Object *self)
{
  SslContext *context = (SslContext *)self;
  ssl_context_clear(vm, self);
  if (context->native) SSL_CTX_set_alpn_select_cb(context->native, NULL, NULL);    // connections may outlive their first context
  SSL_CTX_free(context->native);
  context->native = NULL;
  cd_free(vm, context->alpn, context->alpn_size);
  context->alpn = NULL;
}

static void ssl_context_traverse(Object *self, VisitFn visit, void *arg)
{
  SslContext *context = (SslContext *)self;
  visit(arg, context->sni_callback);
  visit(arg, context->message_callback);
}

// ---- ciphers and curves ----

METHOD_DEF_(ssl_context_set_ciphers, "set_ciphers", "set_ciphers(self, cipherlist, /)",
            "Say which ciphers connections may use, in OpenSSL's notation.", 0)
{
  SslContext *context = ssl_context_of(self);
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "set_ciphers() argument must be str, not %T", args[0]);
  const char *text = cd_str_utf8(vm, args[0], NULL);
  if (!text) return NO_REF;
  if (strlen(text) != cd_str_size(args[0])) return cd_raise_value(vm, "embedded null character");
  if (!cd_ssl_context_rest(vm, context)) return NO_REF;
  if (SSL_CTX_set_cipher_list(context->native, text)) return cd_none();
  ERR_clear_error();
  return cd_raise(vm, cd_as_type(ssl_state(vm)->error), "No cipher can be selected.");
}

static bool ssl_put_text(VM *vm, Value dict, const char *name, const char *text)
{
  return cd_dict_set_text_steal(vm, dict, name, text ? cd_str_from(vm, text) : cd_none());
}

static bool ssl_put_int(VM *vm, Value dict, const char *name, int64_t n) { return cd_dict_set_text(vm, dict, name, cd_from_small(n)); }

static const char *ssl_nid_text(int nid) { return nid == NID_undef ? NULL : OBJ_nid2ln(nid); }

static bool ssl_put_description(VM *vm, Value dict, const SSL_CIPHER *cipher)
{
  char text[512];
  if (!SSL_CIPHER_description(cipher, text, sizeof text)) text[0] = 0;
  text[strcspn(text, "\n")] = 0;
  return ssl_put_text(vm, dict, "description", text);
}

static Ref ssl_cipher_dict(VM *vm, const SSL_CIPHER *cipher)
{
  int bits, strength = SSL_CIPHER_get_bits(cipher, &bits);
  Ref dict = cd_dict_new(vm);
  bool ok = dict && ssl_put_int(vm, dict, "id", SSL_CIPHER_get_id(cipher)) && ssl_put_text(vm, dict, "name", SSL_CIPHER_get_name(cipher)) &&
            ssl_put_text(vm, dict, "protocol", SSL_CIPHER_get_version(cipher)) && ssl_put_description(vm, dict, cipher) &&
            ssl_put_int(vm, dict, "strength_bits", strength) && ssl_put_int(vm, dict, "alg_bits", bits) &&
            cd_dict_set_text(vm, dict, "aead", cd_bool(SSL_CIPHER_is_aead(cipher))) &&
            ssl_put_text(vm, dict, "symmetric", ssl_nid_text(SSL_CIPHER_get_cipher_nid(cipher))) &&
            ssl_put_text(vm, dict, "digest", ssl_nid_text(SSL_CIPHER_get_digest_nid(cipher))) &&
            ssl_put_text(vm, dict, "kea", ssl_nid_text(SSL_CIPHER_get_kx_nid(cipher))) &&
            ssl_put_text(vm, dict, "auth", ssl_nid_text(SSL_CIPHER_get_auth_nid(cipher)));
  if (ok) return dict;
  cd_drop(vm, dict);
  return NO_REF;
}

METHOD_DEF_(ssl_context_get_ciphers, "get_ciphers", "get_ciphers(self, /)", "The ciphers that connections may use, each as a dict.", 0)
{
  SSL *sample = SSL_new(ssl_context_of(self)->native);
  if (!sample) return ssl_raise_queue(vm);
  STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(sample);
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  for (int i = 0; ok && i < sk_SSL_CIPHER_num(ciphers); i++)
    ok = cd_list_append_steal(vm, cd_as_list(list), ssl_cipher_dict(vm, sk_SSL_CIPHER_value(ciphers, i)));
  SSL_free(sample);
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

METHOD_DEF_(ssl_context_set_ecdh_curve, "set_ecdh_curve", "set_ecdh_curve(self, name, /)",
            "Say which curve keys are exchanged over.", 0)
{
  SslContext *context = ssl_context_of(self);
  Ref name = cd_fs_encode(vm, args[0]);
  if (!name) return NO_REF;
  int nid = OBJ_sn2nid(cd_bytes_data(name));
  cd_drop(vm, name);
  if (nid == NID_undef) return cd_raise_value(vm, "unknown elliptic curve name %R", args[0]);
  if (!cd_ssl_context_rest(vm, context)) return NO_REF;
  return SSL_CTX_set1_groups(context->native, &nid, 1) ? cd_none() : ssl_raise_queue(vm);
}

METHOD_DEF_(ssl_context_load_dh_params, "load_dh_params", "load_dh_params(self, path, /)",
            "Read the parameters of Diffie-Hellman key exchange from a PEM file.", 0)
{
  SslContext *context = ssl_context_of(self);
  Ref path = cd_fs_encode(vm, args[0]);
  if (!path) return NO_REF;
  errno = 0;
  BIO *file = BIO_new_file(cd_bytes_data(path), "r");
  int error = errno;
  cd_drop(vm, path);
  if (!file) {
    ERR_clear_error();
    return cd_raise_os(vm, error ? error : ENOENT, args[0], NO_VALUE);
  }
  DH *dh = PEM_read_bio_DHparams(file, NULL, NULL, NULL);
  BIO_free(file);
  if (!dh) return ssl_raise_queue(vm);
  bool ok = cd_ssl_context_rest(vm, context) && (SSL_CTX_set_tmp_dh(context->native, dh) || ssl_raise_queue(vm));
  DH_free(dh);
  return ok ? cd_none() : NO_REF;
}

// ---- application protocols ----

static int ssl_select_alpn(SSL *native UNUSED, const unsigned char **out, unsigned char *out_size, const unsigned char *client,
                           unsigned client_size, void *arg)
{
  SslContext *context = arg;
  unsigned char *chosen;
  if (!context->alpn_size) return SSL_TLSEXT_ERR_NOACK;
  int found = SSL_select_next_proto(&chosen, out_size, context->alpn, (unsigned)context->alpn_size, client, client_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

METHOD_DEF_(ssl_context_set_alpn, "_set_alpn_protocols", "_set_alpn_protocols(self, protos, /)", NULL, 0)
{
  SslContext *context = ssl_context_of(self);
  Buffer buffer;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  size_t size = (size_t)buffer.size;
  unsigned char *copy = NULL;
  bool ok = size <= UINT32_MAX || cd_raise_overflow(vm, "protocols longer than %u bytes", UINT_MAX);
  ok = ok && (!size || (copy = cd_alloc(vm, size))) && cd_ssl_context_rest(vm, context);
  if (ok && size) memcpy(copy, buffer.data, size);
  cd_release_buffer(vm, &buffer);
  if (ok && SSL_CTX_set_alpn_protos(context->native, copy, (unsigned)size)) ok = cd_raise_memory(vm);   // 0 is success
  if (!ok) {
    cd_free(vm, copy, size);
    ERR_clear_error();
    return NO_REF;
  }
  cd_free(vm, context->alpn, context->alpn_size);
  context->alpn = copy;
  context->alpn_size = size;
  SSL_CTX_set_alpn_select_cb(context->native, ssl_select_alpn, context);
  return cd_none();
}

// ---- connections ----

static const char *ssl_encoded_hostname(VM *vm, Value v, Ref *owned)
{
  *owned = NO_REF;
  if (!cd_is_str(v)) { cd_raise_type(vm, "argument must be str, not %T", v); return NULL; }
  if (!(*owned = cd_encode(vm, v, "ascii", NULL))) return NULL;
  if (strlen(cd_bytes_data(*owned)) == cd_bytes_size(*owned)) return cd_bytes_data(*owned);
  cd_forget(vm, owned);
  cd_raise_type(vm, "argument must be encoded string without null bytes, not str");
  return NULL;
}

static Ref ssl_context_connect(VM *vm, Value self, Value socket, Value incoming, Value outgoing, const Value *rest)
{
  bool server_side;
  Ref owned = NO_REF, hostname = NO_REF;
  if (!cd_truth(vm, rest[0], &server_side)) return NO_REF;
  if (cd_bits(rest[1]) && !cd_is_none(rest[1])) {
    const char *text = ssl_encoded_hostname(vm, rest[1], &owned);
    hostname = text ? cd_str_ascii(vm, text, strlen(text)) : NO_REF;
    cd_drop(vm, owned);
    if (!hostname) return NO_REF;
  }
  Ref s = cd_ssl_socket_new(vm, ssl_context_of(self), socket, incoming, outgoing, server_side, hostname, rest[2], rest[3]);
  cd_drop(vm, hostname);
  return s;
}

METHOD_DEF_(ssl_context_wrap_socket, "_wrap_socket",
            "_wrap_socket(self, /, sock, server_side, server_hostname=None, *, owner=None, session=None)", NULL, 0)
{
  if (!cd_is_instance_of(vm, args[0], socket_state(vm)->socket))
    return cd_raise_arg_type(vm, "_wrap_socket", "sock", "_socket.socket", args[0]);
  return ssl_context_connect(vm, self, args[0], NO_VALUE, NO_VALUE, args + 1);
}

METHOD_DEF_(ssl_context_wrap_bio, "_wrap_bio",
            "_wrap_bio(self, /, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None)", NULL, 0)
{
  Type *bio = ssl_state(vm)->bio;
  if (cd_type_of(vm, args[0]) != bio) return cd_raise_arg_type(vm, "_wrap_bio", "incoming", "_ssl.MemoryBIO", args[0]);
  if (cd_type_of(vm, args[1]) != bio) return cd_raise_arg_type(vm, "_wrap_bio", "outgoing", "_ssl.MemoryBIO", args[1]);
  return ssl_context_connect(vm, self, NO_VALUE, args[0], args[1], args + 2);
}

METHOD_DEF_(ssl_context_session_stats, "session_stats", "session_stats(self, /)", "Counts of sessions, as a dict.", 0)
{
  static const struct { const char *name; int command; } rows[] = {
    {"number", SSL_CTRL_SESS_NUMBER}, {"connect", SSL_CTRL_SESS_CONNECT}, {"connect_good", SSL_CTRL_SESS_CONNECT_GOOD},
    {"connect_renegotiate", SSL_CTRL_SESS_CONNECT_RENEGOTIATE}, {"accept", SSL_CTRL_SESS_ACCEPT},
    {"accept_good", SSL_CTRL_SESS_ACCEPT_GOOD}, {"accept_renegotiate", SSL_CTRL_SESS_ACCEPT_RENEGOTIATE}, {"hits", SSL_CTRL_SESS_HIT},
    {"misses", SSL_CTRL_SESS_MISSES}, {"timeouts", SSL_CTRL_SESS_TIMEOUTS}, {"cache_full", SSL_CTRL_SESS_CACHE_FULL}};
  Ref dict = cd_dict_new(vm);
  bool ok = dict != NO_REF;
  for (size_t i = 0; ok && i < ARRAY_LEN(rows); i++)
    ok = ssl_put_int(vm, dict, rows[i].name, SSL_CTX_ctrl(ssl_context_of(self)->native, rows[i].command, 0, NULL));
  if (ok) return dict;
  cd_drop(vm, dict);
  return NO_REF;
}

// ---- plain settings ----

static bool ssl_no_delete(VM *vm, Value self, Value value)
{
  return cd_bits(value) || cd_raise_attribute(vm, self, NO_VALUE, "cannot delete attribute");
}

static Ref ssl_get_check_hostname(VM *vm UNUSED, Value self) { return cd_bool(ssl_context_of(self)->check_hostname); }

static bool ssl_set_check_hostname(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  bool check;
  if (!ssl_no_delete(vm, self, value) || !cd_truth(vm, value, &check) || !cd_ssl_context_rest(vm, context)) return false;
  if (check && SSL_CTX_get_verify_mode(context->native) == SSL_VERIFY_NONE)
    ssl_context_apply_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  context->check_hostname = check;
  return true;
}

static Ref ssl_get_host_flags(VM *vm UNUSED, Value self) { return cd_from_small(ssl_context_of(self)->host_flags); }

static bool ssl_set_host_flags(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  int flags;
  if (!ssl_no_delete(vm, self, value) || !cd_to_c_int(vm, value, &flags) || !cd_ssl_context_rest(vm, context)) return false;
  context->host_flags = (unsigned)flags;
  X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(context->native), context->host_flags);
  return true;
}

static Ref ssl_get_options(VM *vm UNUSED, Value self)
{
  return cd_from_small((int64_t)SSL_CTX_get_options(ssl_context_of(self)->native));
}

static bool ssl_set_options(VM *vm, Value self, Value value)
{
  const int64_t versions = SSL_OP_NO_SSLv2 | SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
  SslContext *context = ssl_context_of(self);
  int64_t wanted;
  if (!ssl_no_delete(vm, self, value) || !cd_to_i64(vm, value, &wanted, vm->exc.OverflowError)) return false;
  int64_t present = (int64_t)SSL_CTX_get_options(context->native), set = ~present & wanted;
  if ((set & versions) && !cd_warn(vm, vm->exc.DeprecationWarning, 2, "ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated")) return false;
  if (!cd_ssl_context_rest(vm, context)) return false;
  SSL_CTX_clear_options(context->native, (uint64_t)(present & ~wanted));
  SSL_CTX_set_options(context->native, (uint64_t)set);
  return true;
}

static Ref ssl_get_verify_mode(VM *vm, Value self)
{
  const int mask = SSL_VERIFY_NONE | SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  switch (SSL_CTX_get_verify_mode(ssl_context_of(self)->native) & mask) {
    case SSL_VERIFY_NONE: return cd_from_small(SSL_CERT_NONE);
    case SSL_VERIFY_PEER: return cd_from_small(SSL_CERT_OPTIONAL);
    case SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT: return cd_from_small(SSL_CERT_REQUIRED);
    default: return ssl_raise_text(vm, "invalid return value from SSL_CTX_get_verify_mode");
  }
}

static bool ssl_set_verify_mode(VM *vm, Value self, Value value)
{
  static const int modes[] = {SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};
  SslContext *context = ssl_context_of(self);
  int mode;
  if (!ssl_no_delete(vm, self, value) || !cd_to_c_int(vm, value, &mode)) return false;
  if (mode == SSL_CERT_NONE && context->check_hostname)
    return cd_raise_value(vm, "Cannot set verify_mode to CERT_NONE when check_hostname is enabled.");
  if (mode < SSL_CERT_NONE || mode > SSL_CERT_REQUIRED) return cd_raise_value(vm, "invalid value for verify_mode");
  if (!cd_ssl_context_rest(vm, context)) return false;
  ssl_context_apply_verify(context, modes[mode]);
  return true;
}

static Ref ssl_get_verify_flags(VM *vm, Value self)
{
  return cd_int_from_u64(vm, X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(ssl_context_of(self)->native)));
}

static bool ssl_set_verify_flags(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  int64_t wanted;
  if (!ssl_no_delete(vm, self, value) || !cd_to_i64(vm, value, &wanted, vm->exc.OverflowError) || !cd_ssl_context_rest(vm, context))
    return false;
  X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context->native);
  unsigned long present = X509_VERIFY_PARAM_get_flags(param), clear = present & ~(unsigned long)wanted,
                set = ~present & (unsigned long)wanted;
  if (clear && !X509_VERIFY_PARAM_clear_flags(param, clear)) return ssl_raise_queue(vm);
  return !set || X509_VERIFY_PARAM_set_flags(param, set) || ssl_raise_queue(vm);
}

// ---- versions ----

static Ref ssl_get_version(VM *vm UNUSED, Value self, int command, int unset)
{
  long version = SSL_CTX_ctrl(ssl_context_of(self)->native, command, 0, NULL);
  return cd_from_small(version ? version : unset);
}

static const char *ssl_version_deprecated(int version)
{
  switch (version) {
    case SSL3_VERSION: return "ssl.TLSVersion.SSLv3 is deprecated";
    case TLS1_VERSION: return "ssl.TLSVersion.TLSv1 is deprecated";
    case TLS1_1_VERSION: return "ssl.TLSVersion.TLSv1_1 is deprecated";
    default: return NULL;
  }
}

static bool ssl_set_version(VM *vm, Value self, Value value, bool maximum)
{
  SslContext *context = ssl_context_of(self);
  int version;
  if (!ssl_no_delete(vm, self, value) || !cd_to_c_int(vm, value, &version)) return false;
  if (context->protocol != PROTOCOL_TLS && context->protocol != PROTOCOL_TLS_CLIENT && context->protocol != PROTOCOL_TLS_SERVER)
    return cd_raise_value(vm, "The context's protocol doesn't support modification of highest and lowest version.");
  const char *deprecated = ssl_version_deprecated(version);
  if (deprecated && !cd_warn(vm, vm->exc.DeprecationWarning, 2, deprecated)) return false;
  if (!cd_ssl_context_rest(vm, context)) return false;
  int wanted = version;                          // for OpenSSL 0 is the lowest or the highest there is
  if (version == PROTO_MINIMUM_SUPPORTED) wanted = maximum ? TLS1_VERSION : 0;
  else if (version == PROTO_MAXIMUM_SUPPORTED) wanted = maximum ? 0 : TLS1_3_VERSION;
  long ok = maximum ? SSL_CTX_set_max_proto_version(context->native, wanted) : SSL_CTX_set_min_proto_version(context->native, wanted);
  if (ok) return true;
  ERR_clear_error();
  return cd_raise_value(vm, "Unsupported TLS/SSL version 0x%x", version);
}

static Ref ssl_get_minimum_version(VM *vm, Value self)
{
  return ssl_get_version(vm, self, SSL_CTRL_GET_MIN_PROTO_VERSION, PROTO_MINIMUM_SUPPORTED);
}
static Ref ssl_get_maximum_version(VM *vm, Value self)
{
  return ssl_get_version(vm, self, SSL_CTRL_GET_MAX_PROTO_VERSION, PROTO_MAXIMUM_SUPPORTED);
}
static bool ssl_set_minimum_version(VM *vm, Value self, Value value) { return ssl_set_version(vm, self, value, false); }
static bool ssl_set_maximum_version(VM *vm, Value self, Value value) { return ssl_set_version(vm, self, value, true); }

// ---- TLS 1.3 and the rest ----

static Ref ssl_get_num_tickets(VM *vm UNUSED, Value self)
{
  return cd_from_small((int64_t)SSL_CTX_get_num_tickets(ssl_context_of(self)->native));
}

static bool ssl_set_num_tickets(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  int64_t count;
  if (!ssl_no_delete(vm, self, value) || !cd_to_i64(vm, value, &count, vm->exc.OverflowError)) return false;
  if (count < 0) return cd_raise_value(vm, "value must be non-negative");
  if (context->protocol != PROTOCOL_TLS_SERVER) return cd_raise_value(vm, "SSLContext is not a server context.");
  if (!cd_ssl_context_rest(vm, context)) return false;
  return SSL_CTX_set_num_tickets(context->native, (size_t)count) || cd_raise_value(vm, "failed to set num tickets.");
}

static Ref ssl_get_post_handshake_auth(VM *vm UNUSED, Value self) { return cd_bool(ssl_context_of(self)->post_handshake_auth); }

static bool ssl_set_post_handshake_auth(VM *vm, Value self, Value value)
{
  SslContext *context = ssl_context_of(self);
  bool on;
  if (!ssl_no_delete(vm, self, value) || !cd_truth(vm, value, &on) || !cd_ssl_context_rest(vm, context)) return false;
  context->post_handshake_auth = on;
  ssl_context_apply_verify(context, SSL_CTX_get_verify_mode(context->native) & ~SSL_VERIFY_POST_HANDSHAKE);
  return true;
}

static Ref ssl_get_protocol(VM *vm UNUSED, Value self) { return cd_from_small(ssl_context_of(self)->protocol); }
static Ref ssl_get_security_level(VM *vm UNUSED, Value self)
{
  return cd_from_small(SSL_CTX_get_security_level(ssl_context_of(self)->native));
}

static const MethodDef *const ssl_context_methods[] = {
  &ssl_context_wrap_socket_def, &ssl_context_wrap_bio_def, &ssl_context_set_ciphers_def, &ssl_context_set_alpn_def,
  &cd_ssl_load_cert_chain_def, &ssl_context_load_dh_params_def, &cd_ssl_load_verify_locations_def, &ssl_context_session_stats_def,
  &cd_ssl_set_default_verify_paths_def, &ssl_context_set_ecdh_curve_def, &cd_ssl_cert_store_stats_def, &cd_ssl_get_ca_certs_def,
  &ssl_context_get_ciphers_def, NULL,
};

static const GetSetDef ssl_context_getset[] = {
  {"check_hostname", NULL, ssl_get_check_hostname, ssl_set_check_hostname},
  {"_host_flags", NULL, ssl_get_host_flags, ssl_set_host_flags},
  {"minimum_version", NULL, ssl_get_minimum_version, ssl_set_minimum_version},
  {"maximum_version", NULL, ssl_get_maximum_version, ssl_set_maximum_version},
  {"keylog_filename", NULL, cd_ssl_get_keylog, cd_ssl_set_keylog},
  {"_msg_callback", NULL, cd_ssl_get_message_callback, cd_ssl_set_message_callback},
  {"sni_callback",
   "Called by a server when a client names the host it wants: with the connection, the name and the context.\n\nWith None nothing is "
   "called. "
   "The callback may give the connection another context. It returns None, or the\nnumber of an alert that ends the handshake.",
   cd_ssl_get_sni_callback, cd_ssl_set_sni_callback},
  {"num_tickets", "How many session tickets a TLS 1.3 server sends.", ssl_get_num_tickets, ssl_set_num_tickets},
  {"options", NULL, ssl_get_options, ssl_set_options},
  {"post_handshake_auth", NULL, ssl_get_post_handshake_auth, ssl_set_post_handshake_auth},
  {"protocol", NULL, ssl_get_protocol, NULL},
  {"verify_flags", NULL, ssl_get_verify_flags, ssl_set_verify_flags},
  {"verify_mode", NULL, ssl_get_verify_mode, ssl_set_verify_mode},
  {"security_level", "The security level, a number from 0 to 5.", ssl_get_security_level, NULL},
  {0},
};

const TypeSpec cd_ssl_context_spec = {
  .name = "_ssl._SSLContext",
  .basicsize = sizeof(SslContext),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = ssl_context_methods,
  .getset = ssl_context_getset,
  .slots = {.new_ = ssl_context_new, .release = ssl_context_release, .traverse = ssl_context_traverse, .clear = ssl_context_clear},
};
