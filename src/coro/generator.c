// SPDX-License-Identifier: MIT
// generator.c: generators; and what they have in common with coroutines and async generators
//
// Delegation (yield from, await) in O(1). A generator that delegates stays at its DELEGATE instruction, in state DELEGATING. While a chain
// of delegation runs, the frames are linked by `back` from the leaf up to the root and on to the root's caller, and so are the
// `handling` records; when the leaf yields, all these links but the root's own are left as they are. So a resume of the root
// needs only the leaf (cached in `leaf`), and a yield of the leaf only the root (cached in `root`); the levels between are not touched.
// Of a running chain only the root and the leaf are in state RUNNING, the levels between are DELEGATING.
//
// The caches are accelerators. Without them, resuming steps down level by level (each executes its DELEGATE again), and yielding walks
// up along `back`. They hold while vm->chain_epoch has the value noted beside them; everything that could make one wrong counts it
// up: someone resumes, closes or throws into a generator that another one delegates to; a delegating frame is cleared. Tracers
// want to hear of every level, so while one is installed the caches are not used.
//
// `delegator` is compared with, never followed: it may be stale. NULL proves that nobody delegates to the generator, so if it is
// DELEGATING itself it is not running. Otherwise the frames of all threads are searched: rare.
#include "coro/coro.h"

#include "objects/generic_alias.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>


const char *cd_generator_kind(VM *vm, const Generator *generator)
{
  if (generator->head.type == vm->types.coroutine) return "coroutine";
  return generator->head.type == vm->types.async_generator ? "async generator" : "generator";
}

// ---- birth and death ----

static void generator_link(VM *vm, Generator *generator)
{
  generator->live_previous = NULL;
  generator->live_next = vm->live_generators;
  if (vm->live_generators) vm->live_generators->live_previous = generator;
  vm->live_generators = generator;
}

static void generator_unlink(VM *vm, Generator *generator)
{
  if (generator->live_previous) generator->live_previous->live_next = generator->live_next;
  else if (vm->live_generators == generator) vm->live_generators = generator->live_next;
  if (generator->live_next) generator->live_next->live_previous = generator->live_previous;
  generator->live_next = generator->live_previous = NULL;
}

GeneratorRest *cd_generator_rest(VM *vm, Generator *generator)
{
  if (!generator->rest) generator->rest = cd_alloc_zeroed(vm, sizeof *generator->rest);
  return generator->rest;
}

static void generator_drop_rest(VM *vm, Generator *generator)
{
  GeneratorRest *rest = generator->rest;
  if (!rest) return;
  generator->rest = NULL;
  Ref all[] = {cd_take(&rest->name), cd_take(&rest->qualname), cd_take(&rest->finalizer), cd_take(&rest->origin), cd_take(&rest->context)};
  cd_free(vm, rest, sizeof *rest);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) cd_drop(vm, all[i]);
}

// Is the function called what its code is called?
static inline bool generator_has_name(const Generator *generator, const Function *function)
{
  const Code *code = generator->frame.code;
  return cd_is(function->name, code->name) && cd_is(function->qualname, cd_code_qualname(code));
}

static COLD bool generator_set_names(VM *vm, Generator *generator, const Function *function)
{
  GeneratorRest *rest = cd_generator_rest(vm, generator);
  if (!rest) return false;
  rest->name = cd_dup(function->name);
  rest->qualname = cd_dup(function->qualname);
  return true;
}

static inline bool generator_take_names(VM *vm, Generator *generator)
{
  const Function *function = generator->frame.function;
  return LIKELY(generator_has_name(generator, function)) || generator_set_names(vm, generator, function);
}

static void coroutine_unhide(VM *vm, Generator *generator)
{
  generator_link(vm, generator);
  generator->hidden = false;
}

// All but the frame. In two parts, for which gcc takes a few wide stores: for the whole it takes a `rep stos`, which needs longer to begin
// than they to end.
static ALWAYS_INLINE void generator_zero(Generator *generator)
{
  enum { HALF = offsetof(Generator, frame) / 2 & ~(size_t)15 };
  memset(generator, 0, HALF);
  memset((char *)generator + HALF, 0, offsetof(Generator, frame) - HALF);
}

// One allocation, every field written once: the collector learns of the object when it is complete.
Ref cd_generator_new(VM *vm, Function *function, Value *args, size_t nargs)
{
  Code *code = function->code;
  Type *type = code->flags & CO_COROUTINE         ? vm->types.coroutine
               : code->flags & CO_ASYNC_GENERATOR ? vm->types.async_generator
                                                  : vm->types.generator;
  size_t size = offsetof(Generator, frame) + cd_frame_size(code);
  Generator *generator = cd_alloc(vm, size);
  if (UNLIKELY(!generator)) return NO_REF;
  generator_zero(generator);
  generator->head.refcount = 1;
  generator->head.type = type;
  if (UNLIKELY(!cd_gc_track(vm, &generator->head))) {
    cd_free(vm, generator, size);
    return NO_REF;
  }
  cd_dup_object(function);
  cd_frame_init(&generator->frame, function, code, FRAME_IS_GENERATOR);
  generator->frame.state = FRAME_CREATED;
  if (UNLIKELY(!(code->flags & CO_OPTIMIZED))) generator->frame.locals = cd_dup(function->globals);   // a module with `await`
  Value *registers = generator->frame.registers;
  for (size_t i = 0; i < nargs; i++) registers[i] = cd_take(&args[i]);
  for (size_t i = nargs; i < code->register_count; i++) registers[i] = NO_VALUE;
  generator->frame.chain_depth = 0;
  Frame *creator = vm->thread->frame;
  if (creator) {
    cd_dup_object(creator->code);
    generator->creator_code = creator->code;
    generator->creator_unit = cd_frame_unit(creator);
  }
  generator_link(vm, generator);
  Ref result = cd_from_object(generator);
  if (UNLIKELY(!generator_take_names(vm, generator))) goto failed;
  if (UNLIKELY(vm->thread->coroutine_origin_depth > 0) && type == vm->types.coroutine) {
    GeneratorRest *rest = cd_generator_rest(vm, generator);
    if (!rest || !cd_bits(rest->origin = cd_coroutine_origin(vm))) goto failed;
  }
  return result;

failed:
  cd_generator_abandon(vm, result);
  return NO_REF;
}

size_t cd_generator_size(Object *self) { return offsetof(Generator, frame) + cd_frame_size(((Generator *)self)->frame.code); }

void cd_generator_ended(VM *vm, Generator *generator)
{
  if (generator->frame.state == FRAME_DELEGATING) vm->chain_epoch++;     // cleared in the middle of a chain
  if (UNLIKELY(generator->counted)) {
    generator->counted = false;
    vm->open_async_generators--;
  }
  generator->leaf = generator->root = generator->delegator = NULL;
}

static void generator_finish(VM *vm, Generator *generator)
{
  if (generator->frame.state == FRAME_DONE) return;
  struct Closing *closing = generator->closing;
  generator->closing = NULL;
  cd_generator_ended(vm, generator);
  cd_frame_finish(vm, &generator->frame);
  cd_closing_free(vm, closing);
}

// Can it end just by dropping what it holds? Not where an exception handler or a sub-iterator would have to hear of it.
static bool generator_ends_silently(VM *vm, const Generator *generator)
{
  const Frame *frame = &generator->frame;
  if (frame->object || (frame->flags & FRAME_OWN_LOCALS) || generator->weaklist) return false;
  if (frame->state == FRAME_DONE) return true;
  if (generator->head.type != vm->types.generator) return false;
  if (frame->state == FRAME_CREATED) return true;
  return frame->state == FRAME_SUSPENDED && !frame->code->handler_count && !cd_is_traced(vm->thread);
}

// What a field of a dying generator owned; the field itself is not read again.
static inline Ref generator_last(Value field) { return cd_from_bits(cd_bits(field)); }

void cd_generator_vanish(VM *vm, Generator *generator)
{
  Frame *frame = &generator->frame;
  Code *code = frame->code;
  Function *function = frame->function;
  bool own_code = frame->flags & FRAME_OWN_CODE, done = frame->state == FRAME_DONE && !function;
  size_t size = offsetof(Generator, frame) + cd_frame_size(code);
  frame->state = FRAME_DONE;
  cd_gc_untrack(vm, &generator->head);
  generator_unlink(vm, generator);
  if (!done)                                     // else cd_frame_finish was here
    for (Value *r = frame->registers, *end = r + code->register_count; r < end; r++) cd_clear(vm, r);
  cd_drop(vm, generator_last(generator->handling.exception));
  if (UNLIKELY(generator->rest != NULL)) generator_drop_rest(vm, generator);
  cd_drop(vm, generator_last(frame->locals));
  cd_drop_object(vm, generator->creator_code);
  if (UNLIKELY(own_code)) cd_drop_object(vm, code);
  cd_drop_object(vm, function);
  cd_free(vm, generator, size);
}

bool cd_generator_retire(VM *vm, Object *self)
{
  Generator *generator = (Generator *)self;
  if (!generator_ends_silently(vm, generator)) return false;
  cd_generator_vanish(vm, generator);
  return true;
}

void cd_generator_abandon(VM *vm, Ref self)
{
  Ref raised = cd_take_raised(vm);
  generator_finish(vm, cd_as_generator(self));
  cd_drop(vm, self);
  cd_restore_raised(vm, raised);
}

void cd_generator_release(VM *vm, Object *self)
{
  Generator *generator = (Generator *)self;
  generator_unlink(vm, generator);
  if (generator->frame.code) {
    generator_finish(vm, generator);
    Code *code = generator->frame.code;
    uint16_t flags = generator->frame.flags;
    generator->frame.code = NULL;
    if (flags & FRAME_OWN_LOCALS) {
      cd_clear(vm, &generator->frame.globals);
      cd_clear(vm, &generator->frame.builtins);
    }
    if (flags & (FRAME_OWN_CODE | FRAME_OWN_LOCALS)) cd_drop_object(vm, code);
  }
  cd_clear(vm, &generator->handling.exception);
  generator_drop_rest(vm, generator);
  Code *creator = generator->creator_code;
  generator->creator_code = NULL;
  cd_drop_object(vm, creator);
}

void cd_generator_traverse(Object *self, VisitFn visit, void *context)
{
  for (Generator *generator = (Generator *)self; generator; generator = cd_coroutine_hidden_below(generator)) {
    if (generator->frame.code) cd_frame_traverse(&generator->frame, visit, context);
    visit(context, generator->handling.exception);
    if (generator->rest) {
      visit(context, generator->rest->finalizer);
      visit(context, generator->rest->origin);
      visit(context, generator->rest->context);
    }
    cd_closing_traverse(generator, visit, context);
  }
}

void cd_generator_clear(VM *vm, Object *self)
{
  Generator *generator = (Generator *)self;
  if (generator->frame.state != FRAME_RUNNING && generator->frame.code) generator_finish(vm, generator);
  if (generator->rest) cd_clear(vm, &generator->rest->finalizer);
  cd_clear(vm, &generator->handling.exception);
}

// A hidden coroutine dies unfinished: who delegated to it may be gone already. Its cleanup will run as that of any other.
static void coroutine_lose(VM *vm, Generator *generator)
{
  Ref raised = cd_take_raised(vm);
  if (!generator_take_names(vm, generator)) cd_clear_raised(vm);
  if (!cd_gc_track(vm, &generator->head)) cd_clear_raised(vm);
  cd_restore_raised(vm, raised);
  coroutine_unhide(vm, generator);
  if (generator->delegator) cd_chain_break(vm, generator);
}

void cd_generator_finalize(VM *vm, Value self)
{
  Generator *generator = cd_as_generator(self);
  if (generator->frame.state == FRAME_DONE) return;
  if (UNLIKELY(generator->hidden)) coroutine_lose(vm, generator);
  if (generator->head.type == vm->types.async_generator) {
    if (UNLIKELY(vm->asyncgen_mode == ASYNCGEN_STRICT)) cd_async_report_dropped(vm, generator);
    if (cd_async_generator_finalize(vm, generator)) return;
    if ((!generator->rest || !cd_bits(generator->rest->finalizer)) && cd_async_orphan(vm, generator)) return;
  }
  if (generator->frame.state == FRAME_CREATED) {
    if (generator->head.type == vm->types.coroutine) cd_coroutine_warn_unawaited(vm, generator);
    generator_finish(vm, generator);
    return;
  }
  Ref raised = cd_take_raised(vm);
  if (!cd_generator_close(vm, self)) cd_write_unraisable(vm, self);
  cd_restore_raised(vm, raised);
}

// ---- chains ----

void cd_chain_break(VM *vm, Generator *generator)
{
  if (!generator->hidden) generator->delegator = NULL;           // a hidden one's is followed
  vm->chain_epoch++;
}

static bool generator_hands_up(const Frame *frame)
{
  uint32_t kind = frame->flags >> FRAME_KIND_SHIFT & 15;
  return kind == RETURN_DELEGATE || kind == RETURN_ASYNC_NEXT;
}

Frame *cd_chain_root(VM *vm, Frame *frame)
{
  Frame *top = frame;
  while (generator_hands_up(top)) {
    Generator *generator = cd_generator_of(top);
    if (generator->root && generator->root != generator && generator->root_epoch == vm->chain_epoch) top = &generator->root->frame;
    else top = top->back;
  }
  Generator *leaf = cd_generator_of(frame);
  leaf->root = cd_generator_of(top);
  leaf->root_epoch = vm->chain_epoch;
  return top;
}

bool cd_generator_is_running(VM *vm, Generator *generator)
{
  switch ((FrameState)generator->frame.state) {
  case FRAME_RUNNING: return true;
  case FRAME_DELEGATING: return generator->delegator && cd_frame_is_running(vm, &generator->frame);
  default: return false;
  }
}

static void generator_raise_running(VM *vm, Generator *generator)
{
  cd_raise_value(vm, "%s already executing", cd_generator_kind(vm, generator));
}

// `upper` becomes the one that delegates to `generator`; the root is noted if it is known.
static void chain_link(VM *vm, Generator *upper, Generator *generator)
{
  generator->delegator = upper;
  bool known = generator_hands_up(&upper->frame) && upper->root && upper->root_epoch == vm->chain_epoch;
  generator->root = known ? upper->root : upper;
  generator->root_epoch = vm->chain_epoch;
}

Generator *cd_coroutine_new_hidden(VM *vm, Code *code)
{
  size_t size = offsetof(Generator, frame) + cd_frame_size(code);
  Generator *generator = cd_alloc_zeroed(vm, size);
  if (UNLIKELY(!generator)) return NULL;
  code->spare_size = (uint32_t)size;
  generator->head.refcount = 1;
  generator->head.type = code->flags & CO_COROUTINE ? vm->types.coroutine : vm->types.generator;
  generator->hidden = true;
  generator->frame.code = code;
  return generator;
}

bool cd_coroutine_reveal(VM *vm, Generator *generator)
{
  for (; generator->hidden; generator = generator->delegator) {
    if (!generator_take_names(vm, generator)) return false;
    if (!cd_gc_track(vm, &generator->head)) { generator_drop_rest(vm, generator); return false; }
    generator->creator_code = generator->delegator->frame.code;
    cd_dup_object(generator->creator_code);
    coroutine_unhide(vm, generator);
  }
  return true;
}

void cd_coroutine_give_way(VM *vm, Generator *generator)
{
  for (Value *r = generator->frame.registers, *end = r + generator->frame.code->register_count; r < end; r++) cd_clear(vm, r);
  cd_clear(vm, &generator->handling.exception);
  generator->leaf = NULL;
  cd_coroutine_vanish(vm, generator, generator->frame.function);
}

Generator *cd_coroutine_hidden_below(const Generator *generator)
{
  if (generator->frame.state != FRAME_DELEGATING) return NULL;
  Value sub = cd_generator_sub_borrow(&generator->frame);
  if (!cd_bits(sub) || !cd_is_object(sub) || cd_object(sub)->type->slots.traverse != cd_generator_traverse) return NULL;
  return cd_as_generator(sub)->hidden ? cd_as_generator(sub) : NULL;
}

// A hidden coroutine runs, in a frame of some thread, or is suspended below others.
bool cd_coroutines_reveal(VM *vm)
{
  for (Generator *generator = vm->live_generators; generator; generator = generator->live_next) {
    Generator *lowest = NULL;
    for (Generator *g = generator; (g = cd_coroutine_hidden_below(g));) lowest = g;
    if (lowest && !cd_coroutine_reveal(vm, lowest)) return false;
  }
  for (Thread *thread = vm->threads; thread; thread = thread->next)
    for (Frame *frame = thread->frame; frame; frame = frame->back)
      if (frame->flags & FRAME_IS_GENERATOR && !cd_coroutine_reveal(vm, cd_generator_of(frame))) return false;
  return true;
}

static void generator_raise_not_started(VM *vm, Generator *generator)
{
  cd_raise_type(vm, "can't send non-None value to a just-started %s", cd_generator_kind(vm, generator));
}

ChainState cd_chain_push(VM *vm, Generator *upper, Generator *generator, Ref sent)
{
  switch ((FrameState)generator->frame.state) {
  case FRAME_DONE:
    cd_drop(vm, sent);
    if (generator->head.type != vm->types.coroutine) return CHAIN_FINISHED;
    cd_raise_runtime(vm, "cannot reuse already awaited coroutine");
    return CHAIN_ERROR;
  case FRAME_RUNNING:
    cd_drop(vm, sent);
    generator_raise_running(vm, generator);
    return CHAIN_ERROR;
  case FRAME_CREATED:
    if (!cd_is_none(sent)) {
      cd_drop(vm, sent);
      generator_raise_not_started(vm, generator);
      return CHAIN_ERROR;
    }
    if ((generator->frame.chain_depth = upper->frame.chain_depth + 1) > CHAIN_DEPTH_LIMIT) {
      generator_finish(vm, generator);           // as if it had been entered and had raised at once
      cd_raise_recursion(vm, "");
      return CHAIN_ERROR;
    }
    break;
  default:
    if (generator->delegator == upper) break;
    if (cd_generator_is_running(vm, generator)) {
      cd_drop(vm, sent);
      generator_raise_running(vm, generator);
      return CHAIN_ERROR;
    }
    if (generator->delegator) vm->chain_epoch++;
    break;
  }
  chain_link(vm, upper, generator);
  return CHAIN_READY;
}

ChainState cd_chain_async_push(VM *vm, Generator *upper, Generator *generator, bool fresh, Ref sent)
{
  if (fresh) {
    if (!cd_async_init_hooks(vm, generator)) { cd_drop(vm, sent); return CHAIN_ERROR; }
    if (generator->running_async) {
      cd_drop(vm, sent);
      cd_async_raise_running(vm, generator, "anext()");
      return CHAIN_ERROR;
    }
  }
  if (generator->frame.state == FRAME_DONE) {
    cd_drop(vm, sent);
    generator->running_async = false;
    return CHAIN_FINISHED;
  }
  if (generator->delegator != upper || generator->frame.state == FRAME_RUNNING) {
    if (cd_generator_is_running(vm, generator)) {
      cd_drop(vm, sent);
      generator_raise_running(vm, generator);
      return CHAIN_ERROR;
    }
    if (generator->delegator) vm->chain_epoch++;
  }
  generator->running_async = true;
  if (fresh) cd_async_note_context(vm, generator);
  chain_link(vm, upper, generator);
  return CHAIN_READY;
}

// ---- send ----

SendResult cd_generator_send(VM *vm, Value self, Ref sent, Ref *out)
{
  Generator *generator = cd_as_generator(self);
  switch ((FrameState)generator->frame.state) {
  case FRAME_DONE:
    cd_drop(vm, sent);
    if (generator->head.type == vm->types.coroutine) { cd_raise_runtime(vm, "cannot reuse already awaited coroutine"); return RAISED; }
    *out = cd_none();
    return RETURNED;
  case FRAME_CREATED:
    if (cd_is_none(sent)) break;
    cd_drop(vm, sent);
    generator_raise_not_started(vm, generator);
    return RAISED;
  default:
    if (!cd_generator_is_running(vm, generator)) break;
    cd_drop(vm, sent);
    generator_raise_running(vm, generator);
    return RAISED;
  }
  Ref keep = cd_dup(self);
  SendResult result = cd_frame_resume(vm, &generator->frame, sent, out);
  cd_drop(vm, keep);
  return result;
}

Ref cd_send_to_python(VM *vm, SendResult result, const Ref *out)
{
  if (result == RAISED) return NO_REF;
  Ref value = *out;
  if (result == YIELDED) return value;
  cd_raise_stop_iteration(vm, cd_is_none(value) ? NO_VALUE : value);
  cd_drop(vm, value);
  return NO_REF;
}

// ---- sub-iterators ----

// The sub-iterator that a delegating frame waits for
// (an async generator driven directly by `async for` is its own).
Value cd_generator_sub_borrow(const Frame *frame)
{
  const Instr *pc = frame->pc;
  if (UNLIKELY(cd_generator_of((Frame *)frame)->closing != NULL)) return cd_closing_awaited(cd_generator_of((Frame *)frame));
  CD_ASSERT(pc->op == OP_ASYNC_NEXT || pc->op == OP_DELEGATE);
  if (pc->op == OP_ASYNC_NEXT && cd_is_object(frame->registers[pc->c]) && cd_bits(frame->registers[pc->c])) return frame->registers[pc->c];
  return frame->registers[pc->b];
}

Generator *cd_generator_drives(VM *vm, Value awaitable)
{
  if (!cd_bits(awaitable) || !cd_is_object(awaitable)) return NULL;
  const Type *type = cd_type_of(vm, awaitable);
  if (type == vm->types.generator || type == vm->types.coroutine || type == vm->types.async_generator) return cd_as_generator(awaitable);
  if (type == vm->types.coroutine_wrapper) return cd_as_generator(cd_coroutine_of_wrapper(awaitable));
  if (type == vm->types.async_generator_asend || type == vm->types.async_generator_athrow) return cd_async_step_generator(awaitable);
  return NULL;
}

Ref cd_generator_awaits(VM *vm, Generator *generator)
{
  if (generator->frame.state != FRAME_DELEGATING || cd_generator_is_running(vm, generator)) return cd_none();
  Value sub = cd_generator_sub_borrow(&generator->frame);
  Generator *hidden = cd_coroutine_hidden_below(generator);
  if (hidden && !cd_coroutine_reveal(vm, hidden)) return NO_REF;
  if (cd_is_exact(sub, vm->types.async_generator)) return cd_async_send_in_progress(vm, cd_as_generator(sub));
  if (generator->frame.pc->op == OP_DELEGATE && cd_awaits_itself(sub)) return cd_object(sub)->type->slots.await(vm, sub);
  return cd_dup(sub);
}

static bool generator_is_native(VM *vm, Value v) { return cd_is_exact(v, vm->types.generator) || cd_is_exact(v, vm->types.coroutine); }

bool cd_swallow_exit(VM *vm) { return cd_swallow(vm, vm->exc.GeneratorExit) || cd_swallow(vm, vm->exc.StopIteration); }

// Closes an iterator that is no native generator: calls its close() if it has one.
static bool generator_close_foreign(VM *vm, Value iterator)
{
  if (cd_is_exact(iterator, vm->types.async_generator)) return cd_async_send_close(vm, cd_as_generator(iterator));
  if (cd_awaits_itself(iterator)) return true;
  Ref close, result;
  Find found = cd_getattr_find(vm, iterator, N(close), &close);
  if (found == FIND_ERROR) { cd_write_unraisable(vm, iterator); return true; }
  if (found == FIND_MISSING) return true;
  result = cd_call0(vm, close);
  cd_drop(vm, close);
  cd_drop(vm, result);
  return cd_bits(result) != 0;
}

// ---- close ----

// Ends one suspended generator whose sub-iterator is closed. With an exception set (from closing that) it is raised in the generator
// instead of GeneratorExit.
static bool generator_close_one(VM *vm, Generator *generator)
{
  Frame *frame = &generator->frame;
  if (!cd_raised(vm)) {
    const Handler *handler = cd_code_handler(frame->code, cd_frame_unit(frame));
    if (!handler && !generator->closing && !cd_is_traced(vm->thread)) {          // nothing there that could catch it
      if (generator->delegator) cd_chain_break(vm, generator);
      generator_finish(vm, generator);
      return true;
    }
    Ref exit = cd_call0(vm, cd_type_value(vm->exc.GeneratorExit));
    if (!exit) return false;
    cd_throw_raise(vm, generator, exit);
  }
  Ref value = NO_REF;
  SendResult result = cd_frame_resume(vm, frame, NO_REF, &value);
  if (result == RAISED) return cd_swallow_exit(vm);
  cd_drop(vm, value);
  if (result == RETURNED) return true;
  vm->chain_epoch++;
  cd_raise_runtime(vm, "%s ignored GeneratorExit", cd_generator_kind(vm, generator));
  return false;
}

// The generator that `generator` is to close first; NULL: none. The ones on the way are marked RUNNING and linked up by `back`.
static Generator *generator_close_below(VM *vm, Generator *generator, bool *failed)
{
  Frame *frame = &generator->frame;
  if (frame->state != FRAME_DELEGATING) return NULL;
  Value sub = cd_generator_sub_borrow(frame);
  frame->state = FRAME_RUNNING;
  if (!generator_is_native(vm, sub)) {
    *failed = !generator_close_foreign(vm, sub);
    frame->state = FRAME_DELEGATING;
    return NULL;
  }
  Generator *below = cd_as_generator(sub);
  if (cd_generator_is_running(vm, below)) {
    generator_raise_running(vm, below);
    *failed = true;
    frame->state = FRAME_DELEGATING;
    return NULL;
  }
  below->frame.back = frame;
  return below;
}

static bool generator_close_chain(VM *vm, Value self)
{
  Generator *generator = cd_as_generator(self), *top = generator;
  if (cd_generator_is_running(vm, generator)) { generator_raise_running(vm, generator); return false; }
  if (generator->delegator) cd_chain_break(vm, generator);
  Ref keep = cd_dup(self);
  bool failed = false;
  for (Generator *below; (below = generator_close_below(vm, generator, &failed));) generator = below;
  for (;;) {
    Frame *up = generator == top ? NULL : generator->frame.back;
    if (generator != top) generator->frame.back = NULL;
    switch ((FrameState)generator->frame.state) {
    case FRAME_DONE: failed = cd_raised(vm); break;
    case FRAME_CREATED: generator_finish(vm, generator); failed = false; break;
    default: failed = !generator_close_one(vm, generator); break;
    }
    if (!up) break;
    generator = cd_generator_of(up);
    up->state = FRAME_DELEGATING;
  }
  cd_drop(vm, keep);
  return !failed;
}

// What is closed this way has nobody to await for: nothing on the way closes async generators inline.
bool cd_generator_close(VM *vm, Value self)
{
  Thread *thread = vm->thread;
  thread->no_await++;
  bool closed = generator_close_chain(vm, self);
  thread->no_await--;
  return closed;
}

// ---- throw ----

bool cd_throw_args_check(VM *vm, const char *function, size_t nargs, Value kwnames)
{
  return cd_no_keywords(vm, function, kwnames) && cd_check_positional(vm, function, nargs, 1, 3);
}

static Ref throw_instance(VM *vm, Value type, Value value)
{
  if (cd_is_type(type) && (cd_as_type(type)->flags & TYPE_EXCEPTION)) {
    bool matches = false;
    if (cd_is_exception(value)) {
      if (!cd_issubclass(vm, cd_type_value(cd_type_of(vm, value)), type, &matches)) return NO_REF;
      if (matches) return cd_dup(value);
    }
    Ref made = cd_is_none(value)    ? cd_call0(vm, type)
               : cd_is_tuple(value) ? cd_call_ex(vm, type, value, NO_VALUE)
                                    : cd_call1(vm, type, value);
    if (!cd_bits(made)) {                        // what the constructor raises is thrown instead
      made = cd_take_raised(vm);
    } else if (!cd_is_exception(made)) {
      cd_raise_type(vm, "calling %R should have returned an instance of BaseException, not %T", type, made);
      cd_drop(vm, made);
      made = cd_take_raised(vm);
    }
    return made;
  }
  if (cd_is_exception(type)) {
    if (!cd_is_none(value)) return cd_raise_type(vm, "instance exception may not have a separate value");
    return cd_dup(type);
  }
  return cd_raise_type(vm, "exceptions must be classes or instances deriving from BaseException, not %T", type);
}

Ref cd_throw_exception(VM *vm, const Value *args, size_t nargs)
{
  Value value = nargs > 1 ? args[1] : cd_none(), traceback = nargs > 2 ? args[2] : cd_none();
  if (!cd_is_none(traceback) && !cd_is_exact(traceback, vm->types.traceback))
    return cd_raise_type(vm, "throw() third argument must be a traceback object");
  Ref exception = throw_instance(vm, args[0], value);
  if (!cd_bits(exception)) return NO_REF;
  if (!cd_is_none(traceback)) cd_replace(vm, &cd_as_exception(exception)->traceback, cd_dup(traceback));
  return exception;
}

void cd_throw_raise(VM *vm, Generator *generator, Ref exception)
{
  Thread *thread = vm->thread;
  Handling own = {generator->handling.exception, NULL}, *outer = thread->handling;
  thread->handling = &own;
  cd_raise_exception(vm, exception);
  thread->handling = outer;
}

// Links `generator` as a running frame of a chain below `upper` (NULL: it is the root, driven by native code).
static void throw_enter(VM *vm, Generator *generator, Generator *upper)
{
  Thread *thread = vm->thread;
  Frame *frame = &generator->frame;
  uint32_t kind = generator->head.type == vm->types.async_generator ? RETURN_ASYNC_NEXT : RETURN_DELEGATE;
  frame->back = upper ? &upper->frame : thread->frame;
  frame->flags = (uint16_t)((frame->flags & ~FRAME_KIND) | (upper ? FRAME_THROWN | kind << FRAME_KIND_SHIFT : FRAME_ENTRY));
  generator->handling.previous = thread->handling;
  thread->handling = &generator->handling;
  thread->frame = frame;
}

// Undoes throw_enter of a whole chain down to `leaf`, whose levels stay suspended.
static void throw_leave(VM *vm, Generator *leaf, Generator *root)
{
  Thread *thread = vm->thread;
  (void)leaf;
  thread->handling = root->handling.previous;
  thread->frame = root->frame.back;
  root->frame.back = NULL;
  root->frame.flags &= (uint16_t)~FRAME_ENTRY;
  thread->recursion_depth--;
}

// Is the next level one that exceptions are thrown into by us, not by calling a method? CHAIN_ERROR: exception set.
static ChainState throw_below(VM *vm, Generator *generator, Generator **below)
{
  Value sub = cd_generator_sub_borrow(&generator->frame);
  if (!generator_is_native(vm, sub) && !cd_is_exact(sub, vm->types.async_generator)) return CHAIN_FINISHED;
  *below = cd_as_generator(sub);
  FrameState state = (FrameState)(*below)->frame.state;
  if (state == FRAME_RUNNING || (state == FRAME_DELEGATING && (*below)->delegator != generator && cd_generator_is_running(vm, *below))) {
    generator_raise_running(vm, *below);
    return CHAIN_ERROR;
  }
  return CHAIN_READY;
}

// throw() on an iterator that is not ours. FIND_MISSING: it has none.
static Find throw_foreign(VM *vm, Value iterator, const Value *args, size_t nargs, Ref *out)
{
  if (cd_awaits_itself(iterator)) return FIND_MISSING;
  Ref method;
  Find found = cd_getattr_find(vm, iterator, N(throw), &method);
  if (found != FIND_HIT) return found;
  *out = cd_call(vm, method, args, nargs, NO_VALUE);
  cd_drop(vm, method);
  return cd_bits(*out) ? FIND_HIT : FIND_ERROR;
}

// `leaf` is entered and delegates to something that is no native generator: throw into that, and go on with what comes of it.
static SendResult throw_into_leaf(VM *vm, Generator *leaf, Generator *root, Ref exception, const Value *args, size_t nargs, Ref *out)
{
  Frame *frame = &leaf->frame;
  Value sub = cd_generator_sub_borrow(frame);
  frame->state = FRAME_RUNNING;
  Ref value = NO_REF;
  Find found = throw_foreign(vm, sub, args, nargs, &value);
  if (found == FIND_MISSING) {
    cd_throw_raise(vm, leaf, exception);
    return cd_frame_raise_in_chain(vm, frame, out);
  }
  cd_drop(vm, exception);
  if (found == FIND_HIT) {                       // it yielded once more
    frame->state = FRAME_DELEGATING;
    root->frame.state = FRAME_DELEGATING;
    throw_leave(vm, leaf, root);
    *out = value;
    return YIELDED;
  }
  if (!cd_raised_is(vm, vm->exc.StopIteration)) return cd_frame_raise_in_chain(vm, frame, out);
  return cd_frame_delegate_ended(vm, frame, cd_stop_value(vm), out);
}

// `exception` is stolen; `args` are what methods written in Python get.
static SendResult throw_into(VM *vm, Generator *root, Ref exception, const Value *args, size_t nargs, bool close_on_exit, Ref *out)
{
  switch ((FrameState)root->frame.state) {
  case FRAME_DONE:
    if (root->head.type == vm->types.coroutine) {
      cd_drop(vm, exception);
      cd_raise_runtime(vm, "cannot reuse already awaited coroutine");
      return RAISED;
    }
    cd_throw_raise(vm, root, exception);
    return RAISED;
  case FRAME_RUNNING:
  case FRAME_DELEGATING:
    if (!cd_generator_is_running(vm, root)) break;
    cd_drop(vm, exception);
    generator_raise_running(vm, root);
    return RAISED;
  default: break;
  }
  Ref keep = cd_dup_object(root);
  SendResult result;
  if (root->frame.state != FRAME_DELEGATING) {
    cd_throw_raise(vm, root, exception);
    result = cd_frame_resume(vm, &root->frame, NO_REF, out);
    cd_drop(vm, keep);
    return result;
  }
  if (root->delegator) cd_chain_break(vm, root);
  bool exit = close_on_exit && cd_is_instance_of(vm, exception, vm->exc.GeneratorExit);
  if (exit) {                                    // PEP 342: the sub-iterator is closed, then the exception is raised here
    Value sub = cd_generator_sub_borrow(&root->frame);
    Ref hold = cd_dup(sub);
    root->frame.state = FRAME_RUNNING;
    bool closed = generator_is_native(vm, sub) ? cd_generator_close(vm, sub) : generator_close_foreign(vm, sub);
    cd_drop(vm, hold);
    root->frame.state = FRAME_DELEGATING;
    if (closed) cd_throw_raise(vm, root, exception);
    else cd_drop(vm, exception);
    result = cd_frame_resume(vm, &root->frame, NO_REF, out);
    cd_drop(vm, keep);
    return result;
  }
  // Down to the leaf, linking the levels; then the exception is raised there.
  if (!cd_frame_can_enter(vm)) {
    cd_drop(vm, exception);
    cd_drop(vm, keep);
    return RAISED;
  }
  vm->chain_epoch++;
  root->leaf = NULL;
  Generator *leaf = root;
  throw_enter(vm, root, NULL);
  ChainState state = CHAIN_READY;
  while (leaf->frame.state == FRAME_DELEGATING) {
    Generator *below;
    state = throw_below(vm, leaf, &below);
    if (state != CHAIN_READY) break;
    if (below->frame.state == FRAME_DONE) {      // finished by somebody else: it would just hand the exception back
      break;
    }
    below->delegator = leaf;
    below->leaf = NULL;
    below->root = root;
    below->root_epoch = vm->chain_epoch;
    throw_enter(vm, below, leaf);
    leaf = below;
  }
  root->frame.state = FRAME_RUNNING;
  if (state == CHAIN_FINISHED) {
    result = throw_into_leaf(vm, leaf, root, exception, args, nargs, out);
  } else {
    leaf->frame.state = FRAME_RUNNING;
    if (state == CHAIN_ERROR) cd_drop(vm, exception);
    else cd_throw_raise(vm, leaf, exception);
    result = cd_frame_raise_in_chain(vm, &leaf->frame, out);
  }
  cd_drop(vm, keep);
  return result;
}

// GeneratorExit means that who throws it does not want to await; but an async generator that is at a `yield` may, that is aclose().
SendResult cd_generator_throw_args(VM *vm, Generator *root, const Value *args, size_t nargs, bool close_on_exit, Ref *out)
{
  Ref exception = cd_throw_exception(vm, args, nargs);
  if (!cd_bits(exception)) return RAISED;
  bool at_yield = root->head.type == vm->types.async_generator && root->frame.state == FRAME_SUSPENDED;
  int no_await = !at_yield && cd_is_instance_of(vm, exception, vm->exc.GeneratorExit);
  Thread *thread = vm->thread;
  thread->no_await += no_await;
  SendResult result = throw_into(vm, root, exception, args, nargs, close_on_exit, out);
  thread->no_await -= no_await;
  return result;
}

SendResult cd_generator_throw(VM *vm, Value self, Ref exception, Ref *out)
{
  const Value args[1] = {exception};
  SendResult result = cd_generator_throw_args(vm, cd_as_generator(self), args, 1, true, out);
  cd_drop(vm, exception);
  return result;
}

// ---- attributes ----

Ref cd_generator_get_name(VM *vm, Value self) { return cd_dup(cd_generator_name(cd_as_generator(self))); }
Ref cd_generator_get_qualname(VM *vm, Value self) { return cd_dup(cd_generator_qualname(cd_as_generator(self))); }

bool cd_generator_set_name(VM *vm, Value self, Value value)
{
  if (!cd_bits(value) || !cd_is_str(value)) { cd_raise_type(vm, "__name__ must be set to a string object"); return false; }
  GeneratorRest *rest = cd_generator_rest(vm, cd_as_generator(self));
  if (!rest) return false;
  cd_replace(vm, &rest->name, cd_dup(value));
  return true;
}

bool cd_generator_set_qualname(VM *vm, Value self, Value value)
{
  if (!cd_bits(value) || !cd_is_str(value)) { cd_raise_type(vm, "__qualname__ must be set to a string object"); return false; }
  GeneratorRest *rest = cd_generator_rest(vm, cd_as_generator(self));
  if (!rest) return false;
  cd_replace(vm, &rest->qualname, cd_dup(value));
  return true;
}

Ref cd_generator_get_frame(VM *vm, Value self)
{
  Generator *generator = cd_as_generator(self);
  if (generator->frame.state == FRAME_DONE) return cd_none();
  FrameObject *frame = cd_frame_object(vm, &generator->frame);
  return frame ? cd_dup_object(frame) : NO_REF;
}

Ref cd_generator_get_running(VM *vm, Value self) { return cd_bool(cd_generator_is_running(vm, cd_as_generator(self))); }

Ref cd_generator_get_suspended(VM *vm, Value self)
{
  Generator *generator = cd_as_generator(self);
  FrameState state = (FrameState)generator->frame.state;
  return cd_bool(state == FRAME_SUSPENDED || (state == FRAME_DELEGATING && !cd_generator_is_running(vm, generator)));
}

Ref cd_generator_get_awaited(VM *vm, Value self)
{
  return cd_generator_awaits(vm, cd_as_generator(self));
}

Ref cd_generator_get_code(VM *vm, Value self) { return cd_dup_object(cd_as_generator(self)->frame.code); }

Ref cd_generator_repr_as(VM *vm, Value self, const char *kind)
{
  char address[24];
  snprintf(address, sizeof address, "%p", (void *)cd_object(self));
  return cd_str_format(vm, "<%s object %U at %s>", kind, cd_generator_qualname(cd_as_generator(self)), address);
}

static Ref generator_describe(VM *vm, Generator *generator)
{
  const char *state = cd_generator_is_running(vm, generator)    ? "running"
                      : generator->frame.state == FRAME_CREATED ? "created"
                                                                : "suspended";
  Ref items[4] = {cd_dup_object(generator), cd_str_from(vm, state), cd_none(), cd_none()};
  Code *creator = generator->creator_code;
  if (creator) {
    int line = cd_code_line(creator, generator->creator_unit);
    items[2] = cd_dup(creator->filename);
    if (line > 0) items[3] = cd_from_small(line);
  }
  Ref tuple = cd_bits(items[1]) ? cd_tuple_of(vm, 4, cd_lend(items)) : NO_REF;
  for (int i = 0; i < 4; i++) cd_drop(vm, items[i]);
  return tuple;
}

// Waits to be freed: see the essay on death in objects/lifetime.c.
static bool generator_is_dead(VM *vm, const Generator *generator)
{
  for (const Object *object = vm->thread->dealloc_queue; object;) {
    if (object == &generator->head) return true;
    uint64_t link;
    memcpy(&link, object, sizeof link);
    object = (const Object *)(uintptr_t)(link & ~UINT64_C(1));
  }
  return generator->head.refcount == 0;
}

Ref cd_generators_list(VM *vm)
{
  if (!cd_coroutines_reveal(vm)) return NO_REF;
  Ref list = cd_list_new(vm);
  for (Generator *g = vm->live_generators; cd_bits(list) && g; g = g->live_next) {
    if (g->frame.state == FRAME_DONE || generator_is_dead(vm, g)) continue;
    Ref row = generator_describe(vm, g);
    if (!cd_bits(row) || !cd_list_append_steal(vm, cd_as_list(list), row)) { cd_drop(vm, list); return NO_REF; }
  }
  return list;
}

// ---- the generator type ----

static Ref generator_iter(VM *vm, Value self) { return cd_dup(self); }

// The value of `return` is in the StopIteration; without one there is none.
static Next generator_next(VM *vm, Value self, Ref *out)
{
  Generator *generator = cd_as_generator(self);
  SendResult result;
  if (LIKELY(generator->frame.state == FRAME_SUSPENDED)) {       // the commonest case of cd_generator_send
    generator->head.refcount++;
    result = cd_frame_next(vm, &generator->frame, out);
    cd_drop_object(vm, generator);
  } else {
    result = cd_generator_send(vm, self, cd_none(), out);
  }
  if (LIKELY(result == YIELDED)) return NEXT_ITEM;
  if (result == RAISED) return NEXT_ERROR;
  if (cd_is_none(*out)) return NEXT_DONE;
  Ref value = *out;
  cd_raise_stop_iteration(vm, value);
  cd_drop(vm, value);
  return NEXT_ERROR;
}

static SendResult generator_send_slot(VM *vm, Value self, Value sent, Ref *out) { return cd_generator_send(vm, self, cd_dup(sent), out); }
static Ref generator_repr(VM *vm, Value self) { return cd_generator_repr_as(vm, self, "generator"); }

Ref cd_generator_call_send(VM *vm, Value generator, Value sent)
{
  Ref value = NO_REF;
  return cd_send_to_python(vm, cd_generator_send(vm, generator, cd_dup(sent), &value), &value);
}

Ref cd_generator_call_throw(VM *vm, Value generator, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_throw_args_check(vm, "throw", nargs, kwnames)) return NO_REF;
  Ref value = NO_REF;
  SendResult result = cd_generator_throw_args(vm, cd_as_generator(generator), args, nargs, true, &value);
  return cd_send_to_python(vm, result, &value);
}

Ref cd_generator_call_close(VM *vm, Value generator) { return cd_generator_close(vm, generator) ? cd_none() : NO_REF; }

METHOD_DEF_(generator_send, "send", "send(self, arg, /)",
            "Send a value into generator, as the result of the yield where it waits. Gives the next item or raises StopIteration.",
            METHOD_SEND)
{
  return cd_generator_call_send(vm, self, args[0]);
}

METHOD_DEF_RAW_(generator_throw, "throw", "throw(typ[,val[,tb]])",
                "Raise an exception in generator, where it waits. Gives the next item or raises.", METHOD_THROW)
{
  return cd_generator_call_throw(vm, self, args, nargs, kwnames);
}

METHOD_DEF_(generator_close, "close", "close(self, /)", "Raise GeneratorExit inside generator, where it waits.", METHOD_CLOSE)
{
  return cd_generator_call_close(vm, self);
}

METHOD(generator, __sizeof__, "__sizeof__(self, /)", "Size of the generator and its frame in memory, in bytes.")
{
  return cd_from_small((int64_t)cd_generator_size(cd_object(self)));
}

METHOD_DEF_(generator_class_getitem, "__class_getitem__", "__class_getitem__(type, key, /)", "See PEP 585", METHOD_CLASS)
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const generator_methods[] = {
  &generator_send_def, &generator_throw_def, &generator_close_def, &generator___sizeof___def, &generator_class_getitem_def, NULL,
};

static const GetSetDef generator_getset[] = {
  CD_GENERATOR_ATTRIBUTES("gi", "generator"),
  {"gi_yieldfrom", "what `yield from` waits for, or None", cd_generator_get_awaited, NULL},
  {"gi_running", "is it running now?", cd_generator_get_running, NULL},
  {NULL, NULL, NULL, NULL},
};

const TypeSpec cd_generator_spec = {
  .name = "generator",
  .basicsize = sizeof(Generator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Generator, weaklist),
  .methods = generator_methods,
  .getset = generator_getset,
  .slots = {
    CD_GENERATOR_SLOTS,
    .retire = cd_generator_retire,
    .repr = generator_repr,
    .iter = generator_iter,
    .next = generator_next,
    .send = generator_send_slot,
  },
};

bool cd_coro_init(VM *vm) { return true; }
