// SPDX-License-Identifier: MIT
// generator.h: generators, coroutines and async generators over suspended frames
#ifndef CEDE_CORO_GENERATOR_H
#define CEDE_CORO_GENERATOR_H

#include "vm/frame.h"

// One struct serves generator, coroutine and async generator; the type tells them apart. The frame is the last member, so the
// object is allocated with room for its registers.
struct Generator {
  Object head;
  Value name, qualname;                          // owned
  Weakref *weaklist;
  Handling handling;                             // exception being handled inside, linked into the thread's chain while it runs
  // delegation in O(1), DESIGN: see docs/internals/coro.md
  Generator *delegate;                           // down: generator this one delegates to natively (not owned: the register owns it)
  Generator *delegator;                          // up: the only one that delegates to this
  Generator *leaf;                               // cached by the root of a chain; NULL: walk
  Code *creator_code;                            // owned: code and line of whoever called the generator function
  int32_t creator_line;
  // async generators
  bool hooks_inited, closed, running_async;
  Value finalizer;                               // owned
  Value origin;                                  // cr_origin tuple or NO_VALUE, owned
  Value context;                                 // Context it last ran in; owned or NO_VALUE
  Generator *live_next, *live_previous;          // vm->live_generators
  Frame frame;                                   // must be last
};

static inline Generator *cd_generator_of(Frame *frame) { return (Generator *)((char *)frame - offsetof(Generator, frame)); }   // FRAME_IS_GENERATOR

bool cd_coro_init(VM *vm);                                       // sets vm->wrap_suspended
// A new generator object for `function`, registers unset but for NO_VALUE; the caller binds arguments into frame.registers.
MUST_USE Ref cd_generator_new(VM *vm, Function *function);
// next/send: steals sent. Used by the eval loop for everything that is not inlined there.
SendResult cd_generator_send(VM *vm, Value generator, Ref sent, Ref *out);
// throw(): the exception (stolen) is raised where the generator is suspended; goes through delegates.
SendResult cd_generator_throw(VM *vm, Value generator, Ref exception, Ref *out);
MUST_USE bool cd_generator_close(VM *vm, Value generator);
// Iterator that `await v` drives. NO_REF: TypeError set. `where` 0 await, 1 __aenter__, 2 __aexit__ of async with.
MUST_USE Ref cd_get_awaitable(VM *vm, Value v, int where);
// anext(it, fallback): awaits `awaitable`, and gives `fallback` where that ends in StopAsyncIteration. Both borrowed.
MUST_USE Ref cd_anext_awaitable_new(VM *vm, Value awaitable, Value fallback);

#endif
