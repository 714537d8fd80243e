// SPDX-License-Identifier: MIT
// coro.h: what the files of this folder share
#ifndef CEDE_CORO_CORO_H
#define CEDE_CORO_CORO_H

#include "coro/generator.h"
#include "objects/exception.h"
#include "vm/eval.h"

static inline Generator *cd_as_generator(Value v) { return (Generator *)cd_object(v); }
// Is it awaited directly, through its `send` slot, although it is no iterator? So are futures (loop/future.c). throw() and close() end
// such an await without telling the future.
static inline bool cd_awaits_itself(Value v)
{
  const Type *type = cd_object(v)->type;
  return type->slots.send && type->spec->slots.await && type->slots.await == type->spec->slots.await &&
         type->slots.send == type->spec->slots.send && !type->spec->slots.next && type->spec->slots.init;   // a coroutine has no init
}
const char *cd_generator_kind(VM *vm, const Generator *generator);       // "generator", "coroutine", "async generator"

Value cd_generator_sub_borrow(const Frame *frame);               // what a frame in state DELEGATING waits for; valid while it does
Generator *cd_generator_drives(VM *vm, Value awaitable);         // the generator or coroutine that runs when `awaitable` is driven, or NULL
// What a generator that delegates waits for; None: it does not delegate, or is running.
MUST_USE Ref cd_generator_awaits(VM *vm, Generator *generator);
bool cd_generator_is_running(VM *vm, Generator *generator);

// Arguments of throw(): type, value, traceback as Python gave them. False: exception set (they are no exception).
typedef struct ThrowArgs { const Value *args; size_t count; } ThrowArgs;
MUST_USE bool cd_throw_args_check(VM *vm, const char *function, size_t nargs, Value kwnames);
// throw() in full: `args` for sub-iterators written in Python, close_on_exit: GeneratorExit closes the sub-iterator first.
SendResult cd_generator_throw_args(VM *vm, Generator *generator, const Value *args, size_t nargs, bool close_on_exit, Ref *out);
// StopIteration for a coroutine-like method: the result of send() or throw() as Python sees it.
MUST_USE Ref cd_send_to_python(VM *vm, SendResult result, const Ref *value);
// send(), throw() and close() as Python calls them, on any generator-like that is driven by its own methods.
MUST_USE Ref cd_generator_call_send(VM *vm, Value generator, Value sent);
MUST_USE Ref cd_generator_call_throw(VM *vm, Value generator, const Value *args, size_t nargs, Value kwnames);
MUST_USE Ref cd_generator_call_close(VM *vm, Value generator);
// Takes the current exception away if it says that close() worked.
bool cd_swallow_exit(VM *vm);

// Attributes that the three types share, under their own prefixes.
Ref cd_generator_get_name(VM *vm, Value self);
bool cd_generator_set_name(VM *vm, Value self, Value value);
Ref cd_generator_get_qualname(VM *vm, Value self);
bool cd_generator_set_qualname(VM *vm, Value self, Value value);
Ref cd_generator_get_frame(VM *vm, Value self);
Ref cd_generator_get_running(VM *vm, Value self);
Ref cd_generator_get_suspended(VM *vm, Value self);
Ref cd_generator_get_awaited(VM *vm, Value self);
Ref cd_generator_get_code(VM *vm, Value self);
Ref cd_generator_repr_as(VM *vm, Value self, const char *kind);

void cd_generator_finalize(VM *vm, Value self);
bool cd_generator_retire(VM *vm, Object *self);
void cd_generator_release(VM *vm, Object *self);
void cd_generator_traverse(Object *self, VisitFn visit, void *context);
void cd_generator_clear(VM *vm, Object *self);
size_t cd_generator_size(Object *self);

// The rows and slots that are the same in all three.
#define CD_GENERATOR_ATTRIBUTES(prefix, noun)                                                           \
  {"__name__", "name of the " noun, cd_generator_get_name, cd_generator_set_name},                      \
  {"__qualname__", "qualified name of the " noun, cd_generator_get_qualname, cd_generator_set_qualname}, \
  {prefix "_frame", "its frame, None once it is finished", cd_generator_get_frame, NULL},               \
  {prefix "_suspended", "does it wait at a yield or an await?", cd_generator_get_suspended, NULL},      \
  {prefix "_code", "its code", cd_generator_get_code, NULL}
#define CD_GENERATOR_SLOTS                                                                              \
  .release = cd_generator_release, .traverse = cd_generator_traverse, .clear = cd_generator_clear,      \
  .alloc_size = cd_generator_size, .finalize = cd_generator_finalize

// coroutine.c
MUST_USE Ref cd_coroutine_origin(VM *vm);                        // cr_origin of a coroutine made now
void cd_coroutine_warn_unawaited(VM *vm, Generator *coroutine);
Value cd_coroutine_of_wrapper(Value wrapper);    // borrowed from it
// async_generator.c
void cd_async_set_context(VM *vm, Generator *generator);
// Whoever drives it does so in the current context: that is where it will be closed.
static inline void cd_async_note_context(VM *vm, Generator *generator)
{
  const GeneratorRest *rest = generator->rest;
  if (UNLIKELY((rest ? cd_bits(rest->context) : 0) != cd_bits(vm->thread->context))) cd_async_set_context(vm, generator);
}
Generator *cd_async_step_generator(Value step);  // of an asend or athrow object; borrowed from it
MUST_USE bool cd_async_init_hooks(VM *vm, Generator *generator); // first use: sys.set_asyncgen_hooks
MUST_USE Ref cd_async_send_in_progress(VM *vm, Generator *generator);      // an asend object that shows what `async for` does directly
MUST_USE bool cd_async_send_close(VM *vm, Generator *generator); // asend.close() for such a one
MUST_USE bool cd_async_generator_finalize(VM *vm, Generator *generator);   // true: the event loop's hook took it over
bool cd_async_is_open(VM *vm, Value v);          // an async generator that is suspended at a `yield` and can be closed
MUST_USE Ref cd_async_close_new(VM *vm, Generator *generator);   // generator.aclose()
// async_registry.c
bool cd_async_orphan(VM *vm, Generator *generator);   // it is dropped and has no hook: true if the VM keeps it for a run to close
// async_strict.c
void cd_async_report_dropped(VM *vm, Generator *generator);      // it reaches its finalizer, begun or not, unclosed
void cd_async_report_unawaited(VM *vm, Generator *coroutine);
// async_report.c
Ref cd_async_raise_running(VM *vm, Generator *generator, const char *operation);
MUST_USE Ref cd_async_creation(VM *vm, const Generator *generator);
// closing.c
void cd_closing_traverse(const Generator *generator, VisitFn visit, void *context);
void cd_closing_free(VM *vm, struct Closing *closing);           // NULL: nothing
Value cd_closing_awaited(const Generator *generator);            // borrowed; what the frame waits for

#endif
