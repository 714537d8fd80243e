// SPDX-License-Identifier: MIT
// ssl.h: what the files of the _ssl module share
#ifndef CEDE_MODULES_SSL_H
#define CEDE_MODULES_SSL_H

#include "modules/socket.h"
#include "modules/ssl_library.h"

typedef struct SslState {
  Type *context, *socket, *bio, *session, *certificate;                           // owned
  Value error, verification_error, zero_return, want_read, want_write, syscall_error, eof;   // classes, owned
} SslState;

static inline SslState *ssl_state(VM *vm) { return cd_state(vm, MODULE__ssl); }

enum {
  PROTOCOL_TLS = 2,
  PROTOCOL_TLSv1 = 3,
  PROTOCOL_TLSv1_1 = 4,
  PROTOCOL_TLSv1_2 = 5,
  PROTOCOL_TLS_CLIENT = 16,
  PROTOCOL_TLS_SERVER = 17
};
enum { PROTO_MINIMUM_SUPPORTED = -2, PROTO_MAXIMUM_SUPPORTED = -1 };
enum { SSL_CERT_NONE, SSL_CERT_OPTIONAL, SSL_CERT_REQUIRED };

// Settings that connections share.
typedef struct SslContext {
  Object head;
  SSL_CTX *native;
  int protocol;                                  // PROTOCOL_...
  unsigned away;                                 // connections of it that are at work without the VM's lock
  unsigned host_flags;                           // X509_CHECK_FLAG_...
  bool check_hostname, post_handshake_auth;
  unsigned char *alpn;                           // protocols that a server speaks, in wire format; owned
  size_t alpn_size;
  Value sni_callback, message_callback, keylog_filename;                          // owned; NO_VALUE: none
  BIO *keylog;
} SslContext;

// The bytes that peers exchange, in memory.
typedef struct SslBio { Object head; BIO *native; bool eof; } SslBio;

// One connection. OpenSSL never waits: over a socket it meets a BIO of ours that tries once, and all waiting is done here, without the VM's
// lock and outside OpenSSL, so that one thread can write while another waits for data.
typedef struct SslSocket {
  Object head;
  VM *vm;
  SSL *native;
  SslContext *context;                           // owned
  Value socket;                                  // owned: weak reference to the socket; NO_VALUE: works on MemoryBIOs
  Value owner;                                   // owned: weak reference; NO_VALUE: none
  Value server_hostname;                         // owned str; NO_VALUE: none
  bool server_side, shutdown_seen;
  bool unlocked;                                 // at work without the VM's lock
  Thread *busy;                                  // the thread that is inside OpenSSL with this connection
  int fd;                                        // for the BIO, while busy
  int error_number;                              // what the last system call of the BIO failed with
  Ref raised;                                    // owned: exception of a callback, for the end of the call
} SslSocket;

typedef struct SslSession { Object head; SSL_SESSION *native; SslContext *context; } SslSession;      // context owned
typedef struct SslCertificate { Object head; X509 *native; } SslCertificate;

static inline SslContext *ssl_context_of(Value v) { return (SslContext *)cd_object(v); }
static inline SslSocket *ssl_socket_of(Value v) { return (SslSocket *)cd_object(v); }
static inline SslBio *ssl_bio_of(Value v) { return (SslBio *)cd_object(v); }
static inline SslSession *ssl_session_of(Value v) { return (SslSession *)cd_object(v); }
static inline SslCertificate *ssl_certificate_of(Value v) { return (SslCertificate *)cd_object(v); }

extern const TypeSpec cd_ssl_context_spec, cd_ssl_socket_spec, cd_ssl_bio_spec, cd_ssl_session_spec, cd_ssl_certificate_spec;

enum { SSL_ENCODING_PEM = 1, SSL_ENCODING_DER = 2 };

// What SSLError.args[0] says, besides OpenSSL's SSL_ERROR_ numbers.
enum { SSL_FAILURE_EOF = 8, SSL_FAILURE_INVALID_CODE = 10 };

// ---- ssl_errors.c ----
MUST_USE bool cd_ssl_errors_init(VM *vm, Value module);
// SSLError(0, text), or `type` for another class of the tree. Like all of these it empties OpenSSL's queue and returns NO_REF.
Ref cd_ssl_raise_text(VM *vm, const char *text, int line);
// What OpenSSL's queue holds, as an SSLError.
Ref cd_ssl_raise_queue(VM *vm, int line);
// What SSL_get_error() said of a call on a connection.
Ref cd_ssl_raise_failure(VM *vm, SslSocket *s, int failure, int result, int line);
#define ssl_raise_text(vm, text) cd_ssl_raise_text(vm, text, __LINE__)
#define ssl_raise_queue(vm) cd_ssl_raise_queue(vm, __LINE__)

// ---- ssl_context.c ----
// Before the context is changed: waits until no thread uses it without the lock.
MUST_USE bool cd_ssl_context_rest(VM *vm, SslContext *context);

// ---- ssl_trust.c ----
extern const MethodDef cd_ssl_load_cert_chain_def, cd_ssl_load_verify_locations_def, cd_ssl_set_default_verify_paths_def;
extern const MethodDef cd_ssl_cert_store_stats_def, cd_ssl_get_ca_certs_def;

// ---- ssl_callbacks.c ----
// While OpenSSL calls back: the VM's lock is held between these two, and Python may run.
VM *cd_ssl_enter_python(SslSocket *s);
void cd_ssl_leave_python(SslSocket *s);
// Attributes of a context.
MUST_USE Ref cd_ssl_get_sni_callback(VM *vm, Value self);
MUST_USE Ref cd_ssl_get_message_callback(VM *vm, Value self);
MUST_USE Ref cd_ssl_get_keylog(VM *vm, Value self);
MUST_USE bool cd_ssl_set_sni_callback(VM *vm, Value self, Value value);
MUST_USE bool cd_ssl_set_message_callback(VM *vm, Value self, Value value);
MUST_USE bool cd_ssl_set_keylog(VM *vm, Value self, Value value);
// What connections of the context call for each message; NULL: nothing.
typedef void (*SslMessageHook)(int writing, int version, int content, const void *data, size_t size, SSL *native, void *arg);
SslMessageHook cd_ssl_message_hook(const SslContext *context);
void cd_ssl_context_forget_callbacks(VM *vm, SslContext *context);

// ---- ssl_socket.c ----
MUST_USE Ref cd_ssl_socket_new(VM *vm, SslContext *context, Value socket, Value incoming, Value outgoing, bool server_side, Value hostname,
                               Value owner, Value session);
// The socket's Python side as callbacks see it: the owner, else the socket, else the connection itself; NO_REF: it is gone.
MUST_USE Ref cd_ssl_socket_face(SslSocket *s);
MUST_USE bool cd_ssl_socket_rest(VM *vm, SslSocket *s);          // waits until no other thread is inside OpenSSL with it

// ---- ssl_session.c ----
MUST_USE Ref cd_ssl_session_get(VM *vm, SslSocket *s);
MUST_USE bool cd_ssl_session_set(VM *vm, SslSocket *s, Value session);

// ---- ssl_certificate.c ----
MUST_USE Ref cd_ssl_certificate_dict(VM *vm, X509 *certificate);
MUST_USE Ref cd_ssl_certificate_der(VM *vm, X509 *certificate);
MUST_USE Ref cd_ssl_certificate_list(VM *vm, STACK_OF(X509) *stack, X509 *first);   // of Certificate; `first` may be NULL

#endif
