// SPDX-License-Identifier: MIT
// generator.h: generators, coroutines and async generators over suspended frames
#ifndef CEDE_CORO_GENERATOR_H
#define CEDE_CORO_GENERATOR_H

#include "vm/frame.h"

// All owned or NO_VALUE.
typedef struct GeneratorRest {
  Value name, qualname;                          // where they differ from the code's
  Value finalizer;                               // of an async generator
  Value origin;                                  // cr_origin tuple
  Value context;                                 // Context in which an async generator last ran
} GeneratorRest;

// One struct serves generator, coroutine and async generator; the type tells them apart. The frame is the last member, so the
// object is allocated with room for its registers.
// There may be a million of them, so what few need is behind `rest`.
struct Generator {
  Object head;
  Weakref *weaklist;
  Handling handling;                             // exception being handled inside, linked into the thread's chain while it runs
  // delegation in O(1); see the essay in coro/generator.c. Not owned; `root` and `leaf` hold only while their epoch is vm->chain_epoch
  Generator *delegator;                          // up: who last resumed this one by delegation; compared, never followed
  Generator *root;                               // top of the chain this one runs in
  Generator *leaf;                               // of a root that is suspended: the innermost of its chain
  uint64_t root_epoch, leaf_epoch;
  Code *creator_code;                            // owned: code and unit of whoever called the generator function; NULL: native code
  uint32_t creator_unit;
  bool hidden : 1;                               // a coroutine that nobody but its delegator has seen; see cd_coroutine_new_hidden
  // async generators
  bool hooks_inited : 1, closed : 1, running_async : 1;
  bool counted : 1;                              // in vm->open_async_generators
  bool own_context : 1;                          // it was dropped: whoever closes it now does that in its `context`
  GeneratorRest *rest;                           // NULL: nothing of it
  struct Closing *closing;                       // it awaits the end of a generator that it left (coro/closing.c); NULL: it does not
  Generator *live_next, *live_previous;          // vm->live_generators
  Frame frame;                                   // must be last
};

// In the scratch register of an ASYNC_NEXT that is resumed: no Python value, so nothing dead that happens to lie there looks like it.
#define ASYNC_NEXT_DIRECT UINT64_C(0x2A)
#define CHAIN_DEPTH_LIMIT 1500000                // levels; a runaway `yield from` ends here, unless memory ends before

static inline Value cd_generator_name(const Generator *generator)
{
  return generator->rest && cd_bits(generator->rest->name) ? generator->rest->name : generator->frame.code->name;
}
static inline Value cd_generator_qualname(const Generator *generator)
{
  return generator->rest && cd_bits(generator->rest->qualname) ? generator->rest->qualname : cd_code_qualname(generator->frame.code);
}
GeneratorRest *cd_generator_rest(VM *vm, Generator *generator);  // NULL: MemoryError

static inline Generator *cd_generator_of(Frame *frame)
{
  return (Generator *)((char *)frame - offsetof(Generator, frame));
}   // FRAME_IS_GENERATOR

bool cd_coro_init(VM *vm);                                       // sets vm->wrap_suspended
// A new generator object for `function`; the first registers take over `nargs` arguments (on failure they stay), the others are empty.
MUST_USE Ref cd_generator_new(VM *vm, Function *function, Value *args, size_t nargs);
// next/send: steals sent. Used by the eval loop for everything that is not inlined there.
SendResult cd_generator_send(VM *vm, Value generator, Ref sent, Ref *out);
// throw(): the exception (stolen) is raised where the generator is suspended; goes through delegates.
SendResult cd_generator_throw(VM *vm, Value generator, Ref exception, Ref *out);
MUST_USE bool cd_generator_close(VM *vm, Value generator);
MUST_USE Ref cd_generators_list(VM *vm);                         // sys.live_generators()
// Open async generators that `loop` is to close at its end, consumers before producers: those that began under it (their hooks are its
// methods), and those that began under none. They will be closed in the contexts in which they last ran. loop may be NO_VALUE.
MUST_USE Ref cd_async_generators_open(VM *vm, Value loop);
void cd_async_orphans_close(VM *vm);                             // without awaiting: nobody else will do it
MUST_USE bool cd_async_check_yield(VM *vm, Frame *frame);        // strict mode: may this async generator yield here? false: RuntimeError
// A hidden coroutine is one that its delegator awaits at once: `await f(x)`. The delegator alone has it, no program has seen it, so it is
// known neither to the collector, for which it is a part of its delegator, nor to vm->live_generators, and has no name: it costs little
// more than a plain call. When it has returned its block becomes the spare one of its code. This makes such a block, ready but
// for what is particular to a call. NULL: MemoryError.
MUST_USE Generator *cd_coroutine_new_hidden(VM *vm, Code *code);
// Before a program may get hold of it, it becomes a coroutine like any other, and so do hidden delegators above it. False: MemoryError.
MUST_USE bool cd_coroutine_reveal(VM *vm, Generator *hidden);
MUST_USE bool cd_coroutines_reveal(VM *vm);      // all there are
Generator *cd_coroutine_hidden_below(const Generator *generator);              // that a suspended one delegates to, or NULL
// Frees a generator that has returned, and whose last reference was that of the loop or delegator it ran for. Runs Python.
void cd_generator_vanish(VM *vm, Generator *generator);
// The end of a hidden coroutine, whose frame holds nothing any more; `function` was the frame's.
static ALWAYS_INLINE void cd_coroutine_vanish(VM *vm, Generator *hidden, Function *function)
{
  Code *code = hidden->frame.code;
  if (LIKELY(!code->spare)) code->spare = hidden;
  else cd_free(vm, hidden, code->spare_size);
  cd_drop_object(vm, function);
}
void cd_coroutine_give_way(VM *vm, Generator *hidden);           // the same while it awaits something, which has been taken from it
// Frees a generator object that nobody has seen: no finalizer, no warning.
void cd_generator_abandon(VM *vm, Ref generator);

// ---- for vm/eval.c ----

// What the frame at the end of a chain yields goes to the caller of this frame, the chain's root.
Frame *cd_chain_root(VM *vm, Frame *frame);
// Something drives a generator that another one delegates to: forget all caches of chains.
void cd_chain_break(VM *vm, Generator *generator);
// The exception that the arguments of throw() mean. NO_REF: TypeError set. Runs Python.
MUST_USE Ref cd_throw_exception(VM *vm, const Value *args, size_t nargs);
// The exception (stolen) becomes the current one. As context it gets only what `generator` itself is handling.
void cd_throw_raise(VM *vm, Generator *generator, Ref exception);
typedef enum { CHAIN_ERROR = -1, CHAIN_FINISHED, CHAIN_READY } ChainState;
// `upper` delegates to `generator`: may it be resumed with `sent`? Drops sent unless READY.
ChainState cd_chain_push(VM *vm, Generator *upper, Generator *generator, Ref sent);
// `upper` is at an `async for` over a native async generator; `fresh`: asks for the next item, else goes on awaiting it. FINISHED: no more
// items.
ChainState cd_chain_async_push(VM *vm, Generator *upper, Generator *generator, bool fresh, Ref sent);
void cd_generator_ended(VM *vm, Generator *generator);           // its frame is about to be finished
MUST_USE Ref cd_async_next_awaitable(VM *vm, Value iterator);    // awaitable of iterator.__anext__()

// Inline close (coro/closing.c, docs/internals/cleanup.md). What the frame does once the generator it left is closed.
typedef enum ClosingThen { CLOSING_NEXT, CLOSING_UNWIND, CLOSING_RETURN, CLOSING_LEAVE } ClosingThen;
typedef struct ClosingPoint {
  ClosingThen then;
  uint32_t first;                                // NEXT: the register left; UNWIND: the handler's depth
  uint32_t unit;                                 // UNWIND: which handler
  Ref result;                                    // RETURN: moved in, and out again
} ClosingPoint;
// Is there a generator that this frame, a coroutine's or async generator's, must close at this point? Then it is in state "closing". For
// UNWIND and LEAVE the current exception is taken meanwhile.
bool cd_closing_begin(VM *vm, Frame *frame, ClosingPoint *point);
typedef enum ClosingResult { CLOSING_AWAITS, CLOSING_OVER, CLOSING_RAISED } ClosingResult;
// Goes on with it. AWAITS: *out is for the event loop. OVER: *point says where to go on, the exception taken is back; RAISED: likewise, but
// an exception came out of the generator.
ClosingResult cd_closing_send(VM *vm, Frame *frame, Ref sent, Ref *out, ClosingPoint *point);
// An exception thrown into the frame has gone through the closing generator, and is set; or else that has ended.
ClosingResult cd_closing_ended(VM *vm, Frame *frame, ClosingPoint *point);

// Iterator that `await v` drives. NO_REF: TypeError set. `where` 0 await, 1 __aenter__, 2 __aexit__ of async with; AWAIT_BY_ANEXT: it may
// be a coroutine that is under way.
enum { AWAIT_BY_ANEXT = 3 };
MUST_USE Ref cd_get_awaitable(VM *vm, Value v, int where);
// `yield from` in an async generator: an object to await for each item, and at last for the value; what came back from the `yield` goes to
// send or throw first. false: exception set.
MUST_USE Ref cd_async_delegate_new(VM *vm, Value iterable);
MUST_USE bool cd_async_delegate_send(VM *vm, Value delegate, Value sent);
MUST_USE bool cd_async_delegate_throw(VM *vm, Value delegate, Value exception);
bool cd_async_delegate_is_done(Value delegate);
// anext(it, fallback): awaits `awaitable`, and gives `fallback` where that ends in StopAsyncIteration. Both borrowed.
MUST_USE Ref cd_anext_awaitable_new(VM *vm, Value awaitable, Value fallback);

#endif
