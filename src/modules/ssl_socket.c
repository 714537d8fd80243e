// SPDX-License-Identifier: MIT
// ssl_socket.c: _SSLSocket: one TLS connection, over a socket or between two MemoryBIOs
#include "modules/ssl.h"
#include "objects/dict.h"
#include "objects/weakref.h"

#include <limits.h>
#include <poll.h>
#include <sched.h>

// ---- the BIO over a socket: tries once, never waits ----

static int ssl_transport_result(BIO *bio, SslSocket *s, ssize_t n, bool reading)
{
  if (n >= 0) return (int)n;
  s->error_number = errno;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == EINPROGRESS) {
    if (reading) BIO_set_retry_read(bio);
    else BIO_set_retry_write(bio);
  }
  return -1;
}

static int ssl_transport_read(BIO *bio, char *data, int size)
{
  SslSocket *s = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  errno = 0;
  ssize_t n = recv(s->fd, data, (size_t)size, MSG_DONTWAIT);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return ssl_transport_result(bio, s, n, true);
}

static int ssl_transport_write(BIO *bio, const char *data, int size)
{
  SslSocket *s = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  errno = 0;
  return ssl_transport_result(bio, s, send(s->fd, data, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL), false);
}

static long ssl_transport_ctrl(BIO *bio, int command, long number UNUSED, void *pointer UNUSED)
{
  switch (command) {
    case BIO_CTRL_FLUSH: case BIO_CTRL_DUP: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default: return 0;
  }
}

static int ssl_transport_create(BIO *bio)
{
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD *cd_ssl_transport_method(void)
{
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "Cede socket");
  if (method && BIO_meth_set_read(method, ssl_transport_read) && BIO_meth_set_write(method, ssl_transport_write) &&
      BIO_meth_set_ctrl(method, ssl_transport_ctrl) && BIO_meth_set_create(method, ssl_transport_create))
    return method;
  BIO_meth_free(method);
  return NULL;
}

// ---- life ----

static bool ssl_socket_set_host(VM *vm, SslSocket *s, Value name)
{
  const char *text = cd_str_data(name);
  if (!*text || *text == '.') return cd_raise_value(vm, "server_hostname cannot be an empty string or start with a leading dot.");
  s->server_hostname = cd_dup(name);
  ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);
  if (!ip) ERR_clear_error();
  bool ok = ip || SSL_set_tlsext_host_name(s->native, text);       // names only: RFC 6066 knows no addresses
  if (ok && s->context->check_hostname) {
    X509_VERIFY_PARAM *param = SSL_get0_param(s->native);
    ok = ip ? X509_VERIFY_PARAM_set1_ip(param, ASN1_STRING_get0_data(ip), (size_t)ASN1_STRING_length(ip))
            : X509_VERIFY_PARAM_set1_host(param, text, strlen(text));
  }
  ASN1_OCTET_STRING_free(ip);
  return ok || ssl_raise_queue(vm);
}

static bool ssl_socket_set_transport(VM *vm, SslSocket *s, Value incoming, Value outgoing)
{
  if (!cd_bits(s->socket)) {
    if (!BIO_up_ref(ssl_bio_of(incoming)->native)) return ssl_raise_queue(vm);
    if (!BIO_up_ref(ssl_bio_of(outgoing)->native)) { BIO_free(ssl_bio_of(incoming)->native); return ssl_raise_queue(vm); }
    SSL_set_bio(s->native, ssl_bio_of(incoming)->native, ssl_bio_of(outgoing)->native);
    return true;
  }
  BIO *bio = BIO_new(cd_ssl_library.transport);
  if (!bio) return cd_raise_memory(vm);
  BIO_set_data(bio, s);
  SSL_set_bio(s->native, bio, bio);
  return true;
}

static bool ssl_socket_weakref(VM *vm, Value *slot, Value referent)
{
  Ref reference = cd_is_none(referent) ? NO_REF : cd_weakref_new(vm, referent, NO_VALUE);
  if (!reference && !cd_is_none(referent)) return false;
  cd_replace(vm, slot, reference);
  return true;
}

static bool ssl_socket_setup(VM *vm, SslSocket *s, Value incoming, Value outgoing, Value hostname, Value owner, Value session)
{
  SSL_set_ex_data(s->native, 0, s);
  if (!ssl_socket_set_transport(vm, s, incoming, outgoing)) return false;
  SSL_set_mode(s->native, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  if (cd_bits(hostname) && !ssl_socket_set_host(vm, s, hostname)) return false;
  if (s->context->post_handshake_auth) {
    if (!s->server_side) SSL_set_post_handshake_auth(s->native, 1);
    else if (SSL_get_verify_mode(s->native) & SSL_VERIFY_PEER) {
      SSL_set_verify(s->native, SSL_get_verify_mode(s->native) | SSL_VERIFY_POST_HANDSHAKE, SSL_get_verify_callback(s->native));
      SSL_set_post_handshake_auth(s->native, 1);
    }
  }
  if (s->server_side) SSL_set_accept_state(s->native);
  else SSL_set_connect_state(s->native);
  if (cd_bits(owner) && !cd_is_none(owner) && !ssl_socket_weakref(vm, &s->owner, owner)) return false;
  return !cd_bits(session) || cd_is_none(session) || cd_ssl_session_set(vm, s, session);
}

Ref cd_ssl_socket_new(VM *vm, SslContext *context, Value socket, Value incoming, Value outgoing, bool server_side, Value hostname,
                      Value owner, Value session)
{
  if (server_side && context->protocol == PROTOCOL_TLS_CLIENT)
    return ssl_raise_text(vm, "Cannot create a server socket with a PROTOCOL_TLS_CLIENT context");
  if (!server_side && context->protocol == PROTOCOL_TLS_SERVER)
    return ssl_raise_text(vm, "Cannot create a client socket with a PROTOCOL_TLS_SERVER context");
  ERR_clear_error();
  SslSocket *s = cd_object_new(vm, ssl_state(vm)->socket, sizeof *s);
  if (!s) return NO_REF;
  s->vm = vm;
  s->fd = -1;
  s->server_side = server_side;
  s->context = context;
  context->head.refcount++;
  if (!(s->native = SSL_new(context->native))) ssl_raise_queue(vm);
  if (s->native && (!cd_bits(socket) || ssl_socket_weakref(vm, &s->socket, socket)) &&
      ssl_socket_setup(vm, s, incoming, outgoing, hostname, owner, session))
    return cd_from_object(s);
  cd_drop_object(vm, s);
  return NO_REF;
}


static void ssl_socket_release(VM *vm, Object *self)
{
  SslSocket *s = (SslSocket *)self;
  SSL_free(s->native);
  s->native = NULL;
  cd_drop_object(vm, s->context);
  s->context = NULL;
  cd_clear(vm, &s->socket);
  cd_clear(vm, &s->owner);
  cd_clear(vm, &s->server_hostname);
  cd_drop(vm, s->raised);
  s->raised = NO_REF;
}

static void ssl_socket_traverse(Object *self, VisitFn visit, void *context)
{
  SslSocket *s = (SslSocket *)self;
  if (s->context) visit(context, cd_from_object(s->context));
  visit(context, s->socket);
  visit(context, s->owner);
  visit(context, s->raised);
}

Ref cd_ssl_socket_face(SslSocket *s)
{
  if (cd_bits(s->owner)) return cd_weakref_get(s->owner);
  if (cd_bits(s->socket)) return cd_weakref_get(s->socket);
  return cd_dup_object(s);
}

// ---- one step of OpenSSL ----

bool cd_ssl_socket_rest(VM *vm, SslSocket *s)
{
  while (UNLIKELY(s->busy && s->busy != vm->thread)) {
    Thread *me = cd_unlock(vm);
    sched_yield();
    cd_relock(vm, me);
    if (!cd_poll(vm)) return false;
  }
  return true;
}

typedef struct SslCall {
  int (*run)(SSL *native, struct SslCall *call);
  char *data;
  size_t size, done;
  bool unlock;                                   // worth giving up the VM's lock
  int result, failure;                           // of the last step: what it returned, and SSL_get_error()
} SslCall;

static int ssl_run_handshake(SSL *native, SslCall *call UNUSED) { return SSL_do_handshake(native); }
static int ssl_run_read(SSL *native, SslCall *call) { return SSL_read_ex(native, call->data, call->size, &call->done); }
static int ssl_run_write(SSL *native, SslCall *call) { return SSL_write_ex(native, call->data, call->size, &call->done); }
static int ssl_run_shutdown(SSL *native, SslCall *call UNUSED) { return SSL_shutdown(native); }

// false: a Python exception, of a callback or a signal handler. Else call->result and ->failure tell what came out.
static bool ssl_step(VM *vm, SslSocket *s, SslCall *call, int fd)
{
  if (!cd_ssl_socket_rest(vm, s)) return false;
  if (s->busy) return cd_raise_runtime(vm, "reentrant call inside a callback of the connection");
  s->busy = vm->thread;
  s->fd = fd;
  s->error_number = 0;
  s->unlocked = call->unlock && vm->lock && cd_bits(s->socket);
  if (s->unlocked) {
    s->context->away++;
    cd_unlock(vm);
  }
  ERR_clear_error();
  call->result = call->run(s->native, call);
  call->failure = SSL_get_error(s->native, call->result);
  if (s->unlocked) {
    cd_relock(vm, s->busy);
    s->context->away--;
  }
  s->unlocked = false;
  s->busy = NULL;
  s->fd = -1;
  if (s->raised) {
    ERR_clear_error();
    cd_restore_raised(vm, cd_move(&s->raised));
    return false;
  }
  return true;
}

// ---- waiting between steps ----

// The socket below, with a reference; *out NULL for MemoryBIOs. false: SSLError.
static bool ssl_socket_open(VM *vm, SslSocket *s, Socket **out, Ref *owned, int line)
{
  *out = NULL;
  *owned = NO_REF;
  if (!cd_bits(s->socket)) return true;
  *owned = cd_weakref_get(s->socket);
  if (!*owned) return cd_ssl_raise_text(vm, "Underlying socket connection gone", line);
  *out = (Socket *)cd_object(*owned);
  return true;
}

typedef enum { SSL_WAIT_FAILED = -1, SSL_WAIT_READY, SSL_WAIT_TIMEOUT, SSL_WAIT_CLOSED, SSL_WAIT_NEVER } SslWait;

// Until the socket can be read or written. `end` is when its time-out is over. NEVER: it is one that does not wait.
static SslWait ssl_wait(VM *vm, const Socket *socket, bool writing, int64_t end)
{
  if (!socket || socket->timeout == 0) return SSL_WAIT_NEVER;
  for (;;) {
    if (socket->fd < 0) return SSL_WAIT_CLOSED;
    struct pollfd fd = {socket->fd, writing ? POLLOUT : POLLIN, 0};
    int64_t left = socket->timeout > 0 ? end - cd_monotonic_ns() : -1;
    if (socket->timeout > 0 && left < 0) return SSL_WAIT_TIMEOUT;
    int64_t milliseconds = left < 0 ? -1 : (left + 999999) / 1000000;
    Thread *me = cd_unlock(vm);
    int n = poll(&fd, 1, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
    cd_relock(vm, me);
    if (n > 0) return SSL_WAIT_READY;
    if (n < 0 && errno != EINTR) { cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); return SSL_WAIT_FAILED; }
    if (!cd_poll(vm)) return SSL_WAIT_FAILED;
  }
}

static int64_t ssl_deadline(const Socket *socket) { return socket && socket->timeout > 0 ? cd_monotonic_ns() + socket->timeout : 0; }

static bool ssl_wants(const SslCall *call) { return call->failure == SSL_ERROR_WANT_READ || call->failure == SSL_ERROR_WANT_WRITE; }

typedef struct SslTexts { const char *read_timeout, *write_timeout; } SslTexts;

// Raises what a wait ended with; READY and NEVER raise nothing.
static bool ssl_check_wait(VM *vm, SslWait wait, const char *timed_out)
{
  switch (wait) {
    case SSL_WAIT_TIMEOUT: return cd_raise(vm, vm->exc.TimeoutError, "%s", timed_out);
    case SSL_WAIT_CLOSED: return ssl_raise_text(vm, "Underlying socket has been closed.");
    case SSL_WAIT_FAILED: return false;
    default: return true;
  }
}

// Steps until OpenSSL has what it wants, fails, or must not wait. false: exception.
static bool ssl_drive(VM *vm, SslSocket *s, SslCall *call, const Socket *socket, int64_t end, SslTexts texts)
{
  for (;;) {
    if (!ssl_step(vm, s, call, socket ? socket->fd : -1) || !cd_poll(vm)) return false;
    if (!ssl_wants(call)) return true;
    bool writing = call->failure == SSL_ERROR_WANT_WRITE;
    SslWait wait = ssl_wait(vm, socket, writing, end);
    if (!ssl_check_wait(vm, wait, writing ? texts.write_timeout : texts.read_timeout)) return false;
    if (wait == SSL_WAIT_NEVER) return true;
  }
}

// ---- what programs do with a connection ----

#define SSL_HANDSHAKE_TIMEOUT "_ssl.c:" SSL_LINE_TEXT(__LINE__) ": The handshake operation timed out"
#define SSL_LINE_TEXT(line) SSL_LINE_TEXT_(line)
#define SSL_LINE_TEXT_(line) #line

METHOD_DEF_(ssl_socket_do_handshake, "do_handshake", "do_handshake(self, /)", "Agree with the peer on keys.", 0)
{
  SslSocket *s = ssl_socket_of(self);
  SslCall call = {.run = ssl_run_handshake, .unlock = true};
  Socket *socket;
  Ref owned;
  if (!ssl_socket_open(vm, s, &socket, &owned, __LINE__)) return NO_REF;
  bool ok = ssl_drive(vm, s, &call, socket, ssl_deadline(socket), (SslTexts){SSL_HANDSHAKE_TIMEOUT, SSL_HANDSHAKE_TIMEOUT});
  if (ok && call.result < 1) ok = cd_ssl_raise_failure(vm, s, call.failure, call.result, __LINE__);
  cd_drop(vm, owned);
  return ok ? cd_none() : NO_REF;
}

static const SslTexts ssl_write_texts = {"The write operation timed out", "The write operation timed out"};
static const SslTexts ssl_read_texts = {"The read operation timed out", "The read operation timed out"};
static const SslTexts ssl_shutdown_texts = {"The read operation timed out", "The write operation timed out"};

enum { SSL_UNLOCK_SIZE = 2048 };                 // bytes whose encryption is worth giving up the lock

static Ref ssl_write_buffer(VM *vm, SslSocket *s, const Socket *socket, const Buffer *buffer)
{
  SslCall call = {.run = ssl_run_write, .data = buffer->data, .size = (size_t)buffer->size, .unlock = buffer->size >= SSL_UNLOCK_SIZE};
  if (socket && socket->fd < 0 && socket->timeout > 0) return ssl_raise_text(vm, "Underlying socket has been closed.");
  if (!ssl_drive(vm, s, &call, socket, ssl_deadline(socket), ssl_write_texts)) return NO_REF;
  return call.result > 0 ? cd_from_small((int64_t)call.done) : cd_ssl_raise_failure(vm, s, call.failure, call.result, __LINE__);
}

METHOD_DEF_(ssl_socket_write, "write", "write(self, b, /)", "Send bytes; returns how many were sent.", 0)
{
  SslSocket *s = ssl_socket_of(self);
  Socket *socket;
  Ref owned, result = NO_REF;
  Buffer buffer;
  if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
  if (ssl_socket_open(vm, s, &socket, &owned, __LINE__)) result = ssl_write_buffer(vm, s, socket, &buffer);
  cd_drop(vm, owned);
  cd_release_buffer(vm, &buffer);
  return result;
}

// How many bytes came into `data`; -1: exception.
static int64_t ssl_read_into(VM *vm, SslSocket *s, const Socket *socket, char *data, size_t size)
{
  SslCall call = {.run = ssl_run_read, .data = data, .size = size, .unlock = size >= SSL_UNLOCK_SIZE};
  if (!ssl_drive(vm, s, &call, socket, ssl_deadline(socket), ssl_read_texts)) return -1;
  if (call.result > 0) return (int64_t)call.done;
  if (call.failure == SSL_ERROR_ZERO_RETURN && SSL_get_shutdown(s->native) == SSL_RECEIVED_SHUTDOWN) return 0;
  cd_ssl_raise_failure(vm, s, call.failure, call.result, __LINE__);
  return -1;
}

static Ref ssl_read_bytes(VM *vm, SslSocket *s, const Socket *socket, size_t size)
{
  Ref bytes = cd_bytes_new(vm, NULL, size);
  if (!bytes || !size) return bytes;
  int64_t n = ssl_read_into(vm, s, socket, cd_bytes_data(bytes), size);
  if (n < 0) { cd_drop(vm, bytes); return NO_REF; }
  if ((size_t)n < size && !cd_bytes_resize(vm, &bytes, (size_t)n)) return NO_REF;
  return bytes;
}

// With a buffer, a size of 0 or less, or beyond it, means all of it.
static Ref ssl_read_buffer(VM *vm, SslSocket *s, const Socket *socket, int size, Buffer *buffer)
{
  if (size <= 0 || size > buffer->size) {
    if (buffer->size > INT_MAX) return cd_raise_overflow(vm, "maximum length can't fit in a C 'int'");
    size = (int)buffer->size;
    if (!size) return cd_from_small(0);
  }
  int64_t n = ssl_read_into(vm, s, socket, buffer->data, (size_t)size);
  return n < 0 ? NO_REF : cd_from_small(n);
}

METHOD_DEF_RAW_(ssl_socket_read, "read", "read(size, [buffer])",
                "read(size, [buffer])\nReceive up to size bytes, as bytes or into a buffer.", METHOD_NO_SIGNATURE)
{
  SslSocket *s = ssl_socket_of(self);
  Socket *socket = NULL;
  Ref owned = NO_REF, result = NO_REF;
  Buffer buffer;
  int size;
  if (!cd_no_keywords(vm, "read", kwnames)) return NO_REF;
  if (nargs < 1 || nargs > 2) return cd_raise_type(vm, "_ssl._SSLSocket.read requires 1 to 2 arguments");
  if (!cd_to_c_int(vm, args[0], &size)) return NO_REF;
  if (nargs == 1) {
    if (!ssl_socket_open(vm, s, &socket, &owned, __LINE__)) return NO_REF;
    result = size < 0 ? cd_raise_value(vm, "size should not be negative") : ssl_read_bytes(vm, s, socket, (size_t)size);
  } else {
    if (!cd_has_buffer(vm, args[1]) || !cd_get_buffer(vm, args[1], &buffer, BUFFER_WRITABLE)) {
      cd_clear_raised(vm);
      return cd_raise_arg_type(vm, "read", "2", "read-write bytes-like object", args[1]);
    }
    if (ssl_socket_open(vm, s, &socket, &owned, __LINE__)) result = ssl_read_buffer(vm, s, socket, size, &buffer);
    cd_release_buffer(vm, &buffer);
  }
  cd_drop(vm, owned);
  return result;
}

METHOD_DEF_(ssl_socket_pending, "pending", "pending(self, /)", "How many bytes are decrypted already and can be read at once.", 0)
{
  return cd_ssl_socket_rest(vm, ssl_socket_of(self)) ? cd_from_small(SSL_pending(ssl_socket_of(self)->native)) : NO_REF;
}

// Says goodbye, and waits for the peer's; at most two rounds without it.
static bool ssl_say_goodbye(VM *vm, SslSocket *s, SslCall *call, const Socket *socket)
{
  int64_t end = ssl_deadline(socket);
  for (int silent = 0;;) {
    if (s->shutdown_seen) SSL_set_read_ahead(s->native, 0);        // what follows is not ours to read
    if (!ssl_drive(vm, s, call, socket, end, ssl_shutdown_texts)) return false;
    if (call->result != 0) return true;
    if (++silent > 1) return true;
    s->shutdown_seen = true;
  }
}

METHOD_DEF_(ssl_socket_shutdown, "shutdown", "shutdown(self, /)", "Close the TLS session, together with the peer.", 0)
{
  SslSocket *s = ssl_socket_of(self);
  SslCall call = {.run = ssl_run_shutdown, .unlock = true};
  Socket *socket;
  Ref owned;
  if (cd_bits(s->socket)) {
    owned = cd_weakref_get(s->socket);
    if (!owned || ((Socket *)cd_object(owned))->fd < 0) {
      cd_drop(vm, owned);
      return ssl_raise_text(vm, "Underlying socket connection gone");
    }
    cd_drop(vm, owned);
  }
  if (!ssl_socket_open(vm, s, &socket, &owned, __LINE__)) return NO_REF;
  bool ok = ssl_say_goodbye(vm, s, &call, socket);
  if (ok && call.result < 0) ok = cd_ssl_raise_failure(vm, s, call.failure, call.result, __LINE__);
  if (ok) return owned ? owned : cd_none();
  cd_drop(vm, owned);
  return NO_REF;
}

METHOD_DEF_(ssl_socket_verify_client, "verify_client_post_handshake", "verify_client_post_handshake(self, /)",
            "Ask a TLS 1.3 client for its certificate, after the handshake.", 0)
{
  if (!cd_ssl_socket_rest(vm, ssl_socket_of(self))) return NO_REF;
  ERR_clear_error();
  return SSL_verify_client_post_handshake(ssl_socket_of(self)->native) ? cd_none() : ssl_raise_queue(vm);
}

// ---- what is known of the connection ----

METHOD_DEF_(
  ssl_socket_getpeercert, "getpeercert", "getpeercert(self, der=False, /)",
  "The peer's certificate: None if it has shown none; an empty dict if it was not checked; else a dict that tells about it.\n\nWith "
  "der, the certificate as bytes, checked or not.",
  0)
{
  SslSocket *s = ssl_socket_of(self);
  bool der = false;
  if ((cd_bits(args[0]) && !cd_truth(vm, args[0], &der)) || !cd_ssl_socket_rest(vm, s)) return NO_REF;
  if (!SSL_is_init_finished(s->native)) return cd_raise_value(vm, "handshake not done yet");
  X509 *certificate = SSL_get1_peer_certificate(s->native);
  if (!certificate) return cd_none();
  Ref result;
  if (der) result = cd_ssl_certificate_der(vm, certificate);
  else if (SSL_CTX_get_verify_mode(SSL_get_SSL_CTX(s->native)) & SSL_VERIFY_PEER) result = cd_ssl_certificate_dict(vm, certificate);
  else result = cd_dict_new(vm);
  X509_free(certificate);
  return result;
}

METHOD_DEF_(ssl_socket_get_unverified_chain, "get_unverified_chain", "get_unverified_chain(self, /)",
            "The certificates that the peer sent.", 0)
{
  SslSocket *s = ssl_socket_of(self);
  if (!cd_ssl_socket_rest(vm, s)) return NO_REF;
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(s->native);
  if (!chain) return cd_none();
  X509 *first = s->server_side ? SSL_get1_peer_certificate(s->native) : NULL;    // a server's chain is without the client's own
  Ref list = cd_ssl_certificate_list(vm, chain, first);
  X509_free(first);
  return list;
}

METHOD_DEF_(ssl_socket_get_verified_chain, "get_verified_chain", "get_verified_chain(self, /)",
            "The certificates from the peer's to a trusted one.", 0)
{
  if (!cd_ssl_socket_rest(vm, ssl_socket_of(self))) return NO_REF;
  STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl_socket_of(self)->native);
  return chain ? cd_ssl_certificate_list(vm, chain, NULL) : cd_none();
}

static Ref ssl_text_or_none(VM *vm, const char *text) { return text ? cd_str_from(vm, text) : cd_none(); }

// (name, version, bits)
static Ref ssl_cipher_tuple(VM *vm, const SSL_CIPHER *cipher)
{
  return cd_tuple3_steal(vm, ssl_text_or_none(vm, SSL_CIPHER_get_name(cipher)), ssl_text_or_none(vm, SSL_CIPHER_get_version(cipher)),
                         cd_from_small(SSL_CIPHER_get_bits(cipher, NULL)));
}

METHOD_DEF_(ssl_socket_cipher, "cipher", "cipher(self, /)", "The cipher in use: its name, the version that brought it, its secret bits.", 0)
{
  if (!cd_ssl_socket_rest(vm, ssl_socket_of(self))) return NO_REF;
  const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl_socket_of(self)->native);
  return cipher ? ssl_cipher_tuple(vm, cipher) : cd_none();
}

METHOD_DEF_(ssl_socket_shared_ciphers, "shared_ciphers", "shared_ciphers(self, /)", "The ciphers that both sides know.", 0)
{
  if (!cd_ssl_socket_rest(vm, ssl_socket_of(self))) return NO_REF;
  SSL *native = ssl_socket_of(self)->native;
  STACK_OF(SSL_CIPHER) *server = SSL_get_ciphers(native), *client = SSL_get_client_ciphers(native);
  if (!server) return cd_none();
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  for (int i = 0; ok && i < sk_SSL_CIPHER_num(server); i++) {
    const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(server, i);
    if (client && sk_SSL_CIPHER_find(client, (SSL_CIPHER *)cipher) < 0) continue;
    ok = cd_list_append_steal(vm, cd_as_list(list), ssl_cipher_tuple(vm, cipher));
  }
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

METHOD_DEF_(ssl_socket_version, "version", "version(self, /)", "The version of TLS in use; None before the handshake.", 0)
{
  if (!cd_ssl_socket_rest(vm, ssl_socket_of(self))) return NO_REF;
  SSL *native = ssl_socket_of(self)->native;
  const char *version = SSL_is_init_finished(native) ? SSL_get_version(native) : "unknown";
  return strcmp(version, "unknown") ? cd_str_from(vm, version) : cd_none();
}

METHOD_DEF_(ssl_socket_selected_alpn_protocol, "selected_alpn_protocol", "selected_alpn_protocol(self, /)",
            "The application protocol that both sides agreed on; None if there was no such agreement.", 0)
{
  const unsigned char *name;
  unsigned size;
  if (!cd_ssl_socket_rest(vm, ssl_socket_of(self))) return NO_REF;
  SSL_get0_alpn_selected(ssl_socket_of(self)->native, &name, &size);
  return name ? cd_str_decode_utf8(vm, (const char *)name, size, "strict") : cd_none();
}

METHOD_DEF_(ssl_socket_compression, "compression", "compression(self, /)", "The name of the compression in use, or None.", 0)
{
  if (!cd_ssl_socket_rest(vm, ssl_socket_of(self))) return NO_REF;
  const COMP_METHOD *method = SSL_get_current_compression(ssl_socket_of(self)->native);
  int kind = method ? COMP_get_type(method) : NID_undef;
  return kind == NID_undef ? cd_none() : ssl_text_or_none(vm, OBJ_nid2sn(kind));
}

METHOD_DEF_(
  ssl_socket_get_channel_binding, "get_channel_binding", "get_channel_binding(self, /, cb_type='tls-unique')",
  "Bytes that both sides of this connection have and no other, for protocols above.\n\nThe only type is 'tls-unique' of RFC 5929. None "
  "before the handshake.",
  0)
{
  SslSocket *s = ssl_socket_of(self);
  char data[256];
  if (cd_bits(args[0])) {
    if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "get_channel_binding", "cb_type", "str", args[0]);
    if (!cd_str_is(args[0], "tls-unique")) return cd_raise_value(vm, "'%U' channel binding type not implemented", args[0]);
  }
  if (!cd_ssl_socket_rest(vm, s)) return NO_REF;
  // the first Finished message of the handshake: the client's, or in a resumed session the server's
  size_t size = (SSL_session_reused(s->native) != 0) != !s->server_side ? SSL_get_finished(s->native, data, sizeof data)
                                                                       : SSL_get_peer_finished(s->native, data, sizeof data);
  return size ? cd_bytes_new(vm, data, size < sizeof data ? size : sizeof data) : cd_none();
}

// ---- attributes ----

static Ref ssl_get_context(VM *vm UNUSED, Value self) { return cd_dup_object(ssl_socket_of(self)->context); }

static bool ssl_set_context(VM *vm, Value self, Value value)
{
  SslSocket *s = ssl_socket_of(self);
  if (!cd_bits(value) || !cd_is_instance_of(vm, value, ssl_state(vm)->context))
    return cd_raise_type(vm, "The value must be a SSLContext");
  if (!cd_ssl_socket_rest(vm, s)) return false;
  if (!SSL_set_SSL_CTX(s->native, ssl_context_of(value)->native)) return ssl_raise_queue(vm);
  SSL_set_msg_callback(s->native, cd_ssl_message_hook(ssl_context_of(value)));
  SslContext *old = s->context;
  s->context = ssl_context_of(value);
  s->context->head.refcount++;
  cd_drop_object(vm, old);
  return true;
}

static Ref ssl_get_owner(VM *vm UNUSED, Value self)
{
  Ref owner = cd_bits(ssl_socket_of(self)->owner) ? cd_weakref_get(ssl_socket_of(self)->owner) : NO_REF;
  return owner ? owner : cd_none();
}

static bool ssl_set_owner(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise_type(vm, "cannot delete attribute");
  Ref reference = cd_weakref_new(vm, value, NO_VALUE);
  if (!reference) return false;
  cd_replace(vm, &ssl_socket_of(self)->owner, reference);
  return true;
}

static Ref ssl_get_server_side(VM *vm UNUSED, Value self) { return cd_bool(ssl_socket_of(self)->server_side); }
static Ref ssl_get_server_hostname(VM *vm UNUSED, Value self)
{
  return cd_bits(ssl_socket_of(self)->server_hostname) ? cd_dup(ssl_socket_of(self)->server_hostname) : cd_none();
}

static Ref ssl_get_session(VM *vm, Value self)
{
  return cd_ssl_socket_rest(vm, ssl_socket_of(self)) ? cd_ssl_session_get(vm, ssl_socket_of(self)) : NO_REF;
}
static bool ssl_set_session(VM *vm, Value self, Value value)
{
  return cd_ssl_socket_rest(vm, ssl_socket_of(self)) && cd_ssl_session_set(vm, ssl_socket_of(self), value);
}

static Ref ssl_get_session_reused(VM *vm, Value self)
{
  return cd_ssl_socket_rest(vm, ssl_socket_of(self)) ? cd_bool(SSL_session_reused(ssl_socket_of(self)->native)) : NO_REF;
}

static const MethodDef *const ssl_socket_methods[] = {
  &ssl_socket_do_handshake_def, &ssl_socket_write_def, &ssl_socket_read_def, &ssl_socket_pending_def, &ssl_socket_getpeercert_def,
  &ssl_socket_get_channel_binding_def, &ssl_socket_cipher_def, &ssl_socket_shared_ciphers_def, &ssl_socket_version_def,
  &ssl_socket_selected_alpn_protocol_def, &ssl_socket_compression_def, &ssl_socket_shutdown_def, &ssl_socket_verify_client_def,
  &ssl_socket_get_unverified_chain_def, &ssl_socket_get_verified_chain_def, NULL,
};

static const GetSetDef ssl_socket_getset[] = {
  {"context",
   "The context of the connection.\n\nA callback for server names may set another one, so that another certificate is shown before "
   "anything "
   "has been agreed on.",
   ssl_get_context, ssl_set_context},
  {"server_side", "Whether this is the server's side.", ssl_get_server_side, NULL},
  {"server_hostname", "The name of the server that was asked for.", ssl_get_server_hostname, NULL},
  {"owner", "The Python object around this one, held weakly; callbacks get it.", ssl_get_owner, ssl_set_owner},
  {"session", "What to resume the session with, an SSLSession.", ssl_get_session, ssl_set_session},
  {"session_reused", "Whether the handshake resumed a session.", ssl_get_session_reused, NULL},
  {0},
};

const TypeSpec cd_ssl_socket_spec = {
  .name = "_ssl._SSLSocket",
  .basicsize = sizeof(SslSocket),
  .flags = TYPE_IMMUTABLE | TYPE_GC | TYPE_NO_NEW,
  .methods = ssl_socket_methods,
  .getset = ssl_socket_getset,
  .slots = {.release = ssl_socket_release, .traverse = ssl_socket_traverse},
};
