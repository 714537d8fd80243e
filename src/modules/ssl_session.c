// SPDX-License-Identifier: MIT
// ssl_session.c: SSLSession: what a client keeps to resume a session
#include "modules/ssl.h"

Ref cd_ssl_session_get(VM *vm, SslSocket *s)
{
  SSL_SESSION *current = SSL_get0_session(s->native);
  if (!current) return cd_none();
  if (!SSL_SESSION_get0_cipher(current)) return cd_raise_value(vm, "i2d() failed.");     // nothing has been agreed on yet
  SSL_SESSION *copy = SSL_SESSION_dup(current);  // OpenSSL goes on changing its own
  if (!copy) return ssl_raise_queue(vm);
  SslSession *session = cd_object_new(vm, ssl_state(vm)->session, sizeof *session);
  if (!session) { SSL_SESSION_free(copy); return NO_REF; }
  session->native = copy;
  session->context = s->context;
  s->context->head.refcount++;
  return cd_from_object(session);
}

bool cd_ssl_session_set(VM *vm, SslSocket *s, Value v)
{
  if (!cd_bits(v) || cd_type_of(vm, v) != ssl_state(vm)->session) return cd_raise_type(vm, "Value is not a SSLSession.");
  SslSession *session = ssl_session_of(v);
  if (session->context->native != s->context->native) return cd_raise_value(vm, "Session refers to a different SSLContext.");
  if (s->server_side) return cd_raise_value(vm, "Cannot set session for server-side SSLSocket.");
  if (SSL_is_init_finished(s->native)) return cd_raise_value(vm, "Cannot set session after handshake.");
  SSL_SESSION *copy = SSL_SESSION_dup(session->native);
  bool ok = copy && SSL_set_session(s->native, copy);
  SSL_SESSION_free(copy);
  return ok || ssl_raise_queue(vm);
}

static void ssl_session_release(VM *vm, Object *self)
{
  SslSession *session = (SslSession *)self;
  SSL_SESSION_free(session->native);
  session->native = NULL;
  cd_drop_object(vm, session->context);
  session->context = NULL;
}

static void ssl_session_traverse(Object *self, VisitFn visit, void *context)
{
  SslSession *session = (SslSession *)self;
  if (session->context) visit(context, cd_from_object(session->context));
}

static bool ssl_session_same(const SslSession *a, const SslSession *b)
{
  unsigned size_a, size_b;
  const unsigned char *id_a = SSL_SESSION_get_id(a->native, &size_a), *id_b = SSL_SESSION_get_id(b->native, &size_b);
  return a == b || (size_a == size_b && !memcmp(id_a, id_b, size_a));
}

static Ref ssl_session_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || cd_type_of(vm, other) != ssl_state(vm)->session) return cd_not_implemented();
  return cd_bool(ssl_session_same(ssl_session_of(self), ssl_session_of(other)) == (op == COMPARE_EQ));
}

static Ref ssl_session_get_id(VM *vm, Value self)
{
  unsigned size;
  const unsigned char *id = SSL_SESSION_get_id(ssl_session_of(self)->native, &size);
  return cd_bytes_new(vm, (const char *)id, size);
}
static Ref ssl_session_get_time(VM *vm UNUSED, Value self) { return cd_from_small(SSL_SESSION_get_time(ssl_session_of(self)->native)); }
static Ref ssl_session_get_timeout(VM *vm UNUSED, Value self)
{
  return cd_from_small(SSL_SESSION_get_timeout(ssl_session_of(self)->native));
}
static Ref ssl_session_get_hint(VM *vm, Value self)
{
  return cd_int_from_u64(vm, SSL_SESSION_get_ticket_lifetime_hint(ssl_session_of(self)->native));
}
static Ref ssl_session_get_has_ticket(VM *vm UNUSED, Value self) { return cd_bool(SSL_SESSION_has_ticket(ssl_session_of(self)->native)); }

static const GetSetDef ssl_session_getset[] = {
  {"has_ticket", "Whether the server gave a ticket.", ssl_session_get_has_ticket, NULL},
  {"id", "The session's id.", ssl_session_get_id, NULL},
  {"ticket_lifetime_hint", "How long the ticket is good for, in seconds.", ssl_session_get_hint, NULL},
  {"time", "When the session began, in seconds since the epoch.", ssl_session_get_time, NULL},
  {"timeout", "How long the session is good for, in seconds.", ssl_session_get_timeout, NULL},
  {0},
};

const TypeSpec cd_ssl_session_spec = {
  .name = "_ssl.SSLSession",
  .basicsize = sizeof(SslSession),
  .flags = TYPE_IMMUTABLE | TYPE_NO_NEW | TYPE_GC,
  .getset = ssl_session_getset,
  .slots = {.release = ssl_session_release, .traverse = ssl_session_traverse, .compare = ssl_session_compare, .hash = cd_hash_unhashable},
};
