// SPDX-License-Identifier: MIT
// loop.c: for hosts: functions and async iterators in C, and the event loop turned from outside
#include "api/api.h"

#include "loop/loop.h"
#include "objects/function.h"
#include "objects/misc.h"
#include "objects/type.h"

#include <math.h>

static CedeRef host_out(Ref value) { return (CedeRef){cd_bits(value)}; }
static Ref host_in(CedeRef value) { return cd_from_bits(value.bits); }

static bool host_usable(VM *vm, CedeRef value)
{
  cd_host_enter(vm);
  if (value.bits) return true;
  if (!cd_raised(vm)) cd_raise_system(vm, "a failed value was used");
  return false;
}

// ---- functions ----

// What the capsule behind a callable holds. `def` names it, as those of native modules do.
typedef struct HostFunction {
  MethodDef def;
  CedeFunction function;
  void *data;
  void (*release)(void *data);
  size_t size;                                   // of this block; the name is at its end
  char name[];
} HostFunction;

static const char host_function_kind[] = "cede.function";

static void host_function_release(VM *vm, Capsule *capsule)
{
  HostFunction *f = capsule->pointer;
  if (f->release) f->release(f->data);
  cd_free(vm, f, f->size);
}

static Ref host_function_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  HostFunction *f = cd_capsule_pointer(vm, self, host_function_kind);
  if (!f || !cd_no_keywords(vm, f->def.name, kwnames)) return NO_REF;
  Ref keep = cd_dup(self), result = host_in(f->function(vm, f->data, (const CedeRef *)args, nargs));
  if (!result && !cd_raised(vm)) cd_raise_system(vm, "%s() failed without setting an exception", f->def.name);
  cd_drop(vm, keep);
  return result;
}

CedeRef cede_function_new(CedeVM *vm, const char *name, CedeFunction function, void *data, void (*release)(void *data))
{
  cd_host_enter(vm);
  size_t length = strlen(name) + 1, size = sizeof(HostFunction) + length;
  HostFunction *f = cd_alloc_zeroed(vm, size);
  Ref capsule = f ? cd_capsule_new(vm, f, host_function_kind) : NO_REF;
  if (!capsule) {
    cd_free(vm, f, size);
    if (release) release(data);
    return (CedeRef){0};
  }
  memcpy(f->name, name, length);
  f->def = (MethodDef){.name = f->name, .signature = f->name, .raw = host_function_call, .flags = METHOD_RAW_ARGS | METHOD_NO_SIGNATURE};
  f->function = function;
  f->data = data;
  f->release = release;
  f->size = size;
  ((Capsule *)cd_object(capsule))->destructor = host_function_release;
  Ref callable = cd_native_new(vm, &f->def, capsule, NO_VALUE);
  cd_drop(vm, capsule);
  return host_out(callable);
}

// ---- async iterators ----

typedef struct HostIterator {
  Object head;
  CedeAsyncNext next;
  void *data;
  void (*release)(void *data);
} HostIterator;

static void host_iterator_release(VM *vm UNUSED, Object *self)
{
  HostIterator *it = (HostIterator *)self;
  if (it->release) it->release(it->data);
}
static Ref host_iterator_aiter(VM *vm UNUSED, Value self) { return cd_dup(self); }
static Ref host_iterator_anext(VM *vm, Value self)
{
  HostIterator *it = (HostIterator *)cd_object(self);
  Ref keep = cd_dup(self), awaitable = host_in(it->next(vm, it->data));
  if (!awaitable && !cd_raised(vm)) cd_raise_no_args(vm, vm->exc.StopAsyncIteration);
  cd_drop(vm, keep);
  return awaitable;
}

static const TypeSpec host_iterator_spec = {
  .name = "cede.async_iterator",
  .doc = "An asynchronous iterator of the host program.",
  .basicsize = sizeof(HostIterator),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .slots = {.release = host_iterator_release, .aiter = host_iterator_aiter, .anext = host_iterator_anext},
};

// vm->asyncio, made by importing the module that it belongs to.
static Asyncio *host_asyncio(VM *vm)
{
  if (vm->asyncio) return vm->asyncio;
  Ref module = cd_import(vm, "_asyncio");
  cd_drop(vm, module);
  return module ? vm->asyncio : NULL;
}

CedeRef cede_async_iterator_new(CedeVM *vm, CedeAsyncNext next, void *data, void (*release)(void *data))
{
  cd_host_enter(vm);
  Asyncio *s = host_asyncio(vm);
  if (s && !s->host_iterator) s->host_iterator = cd_type_from_spec(vm, &host_iterator_spec, NO_VALUE);
  HostIterator *it = s && s->host_iterator ? cd_object_new(vm, s->host_iterator, sizeof *it) : NULL;
  if (!it) {
    if (release) release(data);
    return (CedeRef){0};
  }
  it->next = next;
  it->data = data;
  it->release = release;
  return host_out(cd_from_object(it));
}

// ---- the loop ----

// asyncio.new_event_loop(), made the current one.
static Ref host_make_loop(VM *vm)
{
  Ref loop = cd_asyncio_call(vm, "asyncio", "new_event_loop", NULL, 0);
  if (loop && !cd_is_loop(vm, loop)) {
    cd_raise_type(vm, "a host turns native event loops only, not '%T'", loop);
    cd_forget(vm, &loop);
  }
  Value argument = loop;
  Ref set = loop ? cd_asyncio_call(vm, "asyncio", "set_event_loop", &argument, 1) : NO_REF;
  if (!set) cd_forget(vm, &loop);
  cd_drop(vm, set);
  return loop;
}

// The loop that the host turns, open; NULL: exception set. A closed one is replaced.
static Loop *host_loop(VM *vm)
{
  cd_host_enter(vm);
  Asyncio *s = host_asyncio(vm);
  if (!s) return NULL;
  if (!cd_bits(s->host_loop) || cd_as_loop(s->host_loop)->closed) {
    Ref loop = host_make_loop(vm);
    if (!loop) return NULL;
    cd_replace(vm, &s->host_loop, loop);
  }
  Loop *loop = cd_as_loop(s->host_loop);
  return cd_loop_open(vm, loop) ? loop : NULL;
}

CedeRef cede_loop(CedeVM *vm)
{
  Loop *loop = host_loop(vm);
  return host_out(loop ? cd_dup_object(loop) : NO_REF);
}

bool cede_loop_step(CedeVM *vm, int64_t max_ms, bool *more)
{
  bool again = false;
  Loop *loop = host_loop(vm);
  if (more) *more = false;
  if (!loop || !cd_loop_step(vm, loop, max_ms > INT64_MAX / 1000000 ? -1 : max_ms < 0 ? -1 : max_ms * 1000000, &again)) return false;
  if (loop->opened) loop->backend->descriptor(loop);             // what is watched since this turn can be heard by the descriptor
  if (more) *more = again || loop->posts;
  return true;
}

int64_t cede_loop_next_deadline(CedeVM *vm)
{
  double when;
  Loop *loop = host_loop(vm);
  if (!loop) return 0;                           // the step will tell why
  if (loop->count || loop->posts) return 0;
  if (!cd_loop_next_deadline(loop, &when)) return -1;
  double left = ceil((when - cd_loop_now()) * 1000);
  return left <= 0 ? 0 : left > 1e15 ? (int64_t)1e15 : (int64_t)left;
}

int cede_loop_fd(CedeVM *vm)
{
  Loop *loop = host_loop(vm);
  return loop ? loop->backend->descriptor(loop) : -1;
}

bool cede_loop_on_wake(CedeVM *vm, void (*wake)(void *data), void *data)
{
  Loop *loop = host_loop(vm);
  if (!loop) return false;
  pthread_mutex_lock(&loop->post_lock);          // other threads call it under this lock
  loop->host_wake = wake;
  loop->host_wake_data = data;
  pthread_mutex_unlock(&loop->post_lock);
  return true;
}

bool cede_post(CedeVM *vm, bool (*function)(CedeVM *vm, void *data), void *data)
{
  return vm->asyncio && cd_bits(vm->asyncio->host_loop) && cd_loop_post_host(cd_as_loop(vm->asyncio->host_loop), function, data);
}

CedeRef cede_spawn(CedeVM *vm, CedeRef coroutine)
{
  Loop *loop = host_usable(vm, coroutine) ? host_loop(vm) : NULL;
  return host_out(loop ? cd_call_method1(vm, cd_from_object(loop), N(create_task), host_in(coroutine)) : NO_REF);
}

CedeRef cede_run_until_complete(CedeVM *vm, CedeRef awaitable)
{
  Loop *loop = host_usable(vm, awaitable) ? host_loop(vm) : NULL;
  Ref method = loop ? cd_getattr_text(vm, cd_from_object(loop), "run_until_complete") : NO_REF;
  Ref result = method ? cd_call1(vm, method, host_in(awaitable)) : NO_REF;
  cd_drop(vm, method);
  return host_out(result);
}

// ---- futures ----

static bool host_check_future(VM *vm, CedeRef future)
{
  if (!host_usable(vm, future)) return false;
  return (vm->asyncio && cd_is_future(vm, host_in(future))) || cd_raise_type(vm, "a future is required, not '%T'", host_in(future));
}

CedeRef cede_future_new(CedeVM *vm)
{
  Loop *loop = host_loop(vm);
  return host_out(loop ? cd_future_new(vm, cd_from_object(loop)) : NO_REF);
}
bool cede_future_set_result(CedeVM *vm, CedeRef future, CedeRef result)
{
  return host_usable(vm, result) && host_check_future(vm, future) && cd_future_set_result(vm, host_in(future), host_in(result));
}
bool cede_future_set_exception(CedeVM *vm, CedeRef future, CedeRef exception)
{
  return host_usable(vm, exception) && host_check_future(vm, future) && cd_future_set_exception(vm, host_in(future), host_in(exception));
}
bool cede_future_done(CedeVM *vm, CedeRef future) { return host_check_future(vm, future) && cd_future_done(host_in(future)); }
CedeRef cede_future_result(CedeVM *vm, CedeRef future)
{
  Ref result = NO_REF, method = host_check_future(vm, future) ? cd_getattr(vm, host_in(future), N(result)) : NO_REF;
  if (method) result = cd_call0(vm, method);
  cd_drop(vm, method);
  return host_out(result);
}
