// SPDX-License-Identifier: MIT
// eval.c: the loop that runs bytecode; frames of Python calls, generators and coroutines are all run by one activation of it
//
// Conventions of the handlers. A, B, C are the instruction's operands; R the registers. A temporary that an instruction reads is
// consumed, but only once nothing can fail any more: on an error the unwinder drops every temporary from the handler's depth on, so
// handlers just `goto error`. `frame->pc` is brought up to date (SAVE) before anything that may raise, run Python or look at lines.
#include "vm/eval.h"
#include "vm/arithmetic.h"

#include "coro/generator.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- the loop ----

#define A (pc->a)
#define B (pc->b)
#define C (pc->c)
#define INSTR_EXTRA ((InstrExtra *)(pc + 1))
#define SAVE() (frame->pc = pc)
#define DISPATCH() goto *dispatch[pc->op]
#define NEXT(units) do { pc += (units); DISPATCH(); } while (0)
// The jump of an instruction of two units.
#define JUMP_ON() NEXT(2 + (ptrdiff_t)INSTR_EXTRA->jump)
#define CASE(name) op_##name:
#define CONST(i) (((Tuple *)cd_object(code->consts))->items[i])
#define NAME_AT(i) (((Tuple *)cd_object(code->names))->items[i])
// dst = value (stolen). The register's old value goes last.
#define SET(i, value) do { Value *slot_ = &R[i]; Ref old_ = cd_from_bits(cd_bits(*slot_)); *slot_ = (value); cd_drop(vm, old_); } while (0)
#define CONSUME(i) do { uint32_t i_ = (i); if (i_ >= code->first_temp) { Ref old_ = cd_take(&R[i_]); cd_drop(vm, old_); } } while (0)
#define TAKE(i) ((i) >= code->first_temp ? cd_take(&R[i]) : cd_dup(R[i]))
#define LOAD_FRAME() do {                                                     \
    R = frame->registers;                                                     \
    code = frame->code;                                                       \
    dispatch = stack->dispatch;                                               \
  } while (0)
#define TRACED() UNLIKELY(dispatch != plain)
// The first instruction of a new frame; ENTER is passed over where it has nothing to do.
#define START_FRAME() do {                                                    \
    pc = code->instrs;                                                        \
    if (LIKELY(pc->op == OP_ENTER && !atomic_load_explicit(&vm->breaker, memory_order_relaxed)) && !TRACED()) NEXT(1); \
    DISPATCH();                                                               \
  } while (0)
// The result of a call, in an instruction of two units. As a statement of its own the call is followed by DROP, needless for None and the
// like.
#define CALL_RESULT(reg_, value_) do {                                        \
    uint32_t to_ = (reg_);                                                    \
    if (pc[2].op == OP_DROP && pc[2].a == to_ && !cd_is_object(value_) && !TRACED()) NEXT(3); \
    SET(to_, value_);                                                         \
    NEXT(2);                                                                  \
  } while (0)
// A frame of the stack, without any flag but its kind, has returned, and nobody holds its object: goes on in its caller.
#define POP_FRAME() do {                                                      \
    Frame *popped_ = frame;                                                   \
    Value *local_ = R, *end_ = R + code->first_temp;                          \
    thread->frame = frame = popped_->back;                                    \
    thread->recursion_depth--;                                                \
    for (; local_ < end_; local_++) {                                         \
      Ref v_ = cd_from_bits(cd_bits(*local_));                                \
      cd_drop(vm, v_);                                                        \
    }                                                                         \
    Function *function_ = popped_->function;                                  \
    stack->top = (char *)popped_;                                             \
    cd_drop_object(vm, function_);                                            \
    LOAD_FRAME();                                                             \
    pc = frame->pc;                                                           \
  } while (0)
// Drops what this CALL was made of: function, self or nothing, arguments.
#define DROP_CALL() do {                                                      \
    Value *dead_ = &R[B], *end_ = dead_ + 2 + C;                              \
    do {                                                                      \
      if (cd_is_object(*dead_) && cd_bits(*dead_)) cd_clear(vm, dead_);       \
    } while (++dead_ < end_);                                                 \
  } while (0)
// Goes on in a new frame; what it returns goes the way of `kind`, to register `reg` of this one.
#define ENTER_FRAME(new_frame_, kind_, reg_) do {                             \
    Frame *entered_ = (new_frame_);                                           \
    SET_KIND(entered_, kind_);                                                \
    entered_->back = frame;                                                   \
    entered_->return_register = (reg_);                                       \
    thread->frame = frame = entered_;                                         \
    LOAD_FRAME();                                                             \
    pc = code->instrs;                                                        \
    DISPATCH();                                                               \
  } while (0)
// Goes on in the frame of `gen`, which has GENERATOR_STATUS(FRAME_SUSPENDED, kind) or (FRAME_CREATED, 0).
#define RESUME_FRAME(kind_) do {                                              \
    Frame *resumed_ = &gen->frame;                                            \
    CD_ASSERT(!gen->delegator || (kind_) == RETURN_ASYNC_NEXT);               \
    resumed_->back = frame;                                                   \
    resumed_->status = GENERATOR_STATUS(FRAME_RUNNING, kind_);                \
    gen->handling.previous = thread->handling;                                \
    thread->handling = &gen->handling;                                        \
    thread->frame = frame = resumed_;                                         \
    LOAD_FRAME();                                                             \
    pc = frame->pc;                                                           \
  } while (0)
// The frame of a generator, which has GENERATOR_STATUS(FRAME_RUNNING, kind), is suspended at this YIELD; goes on in its caller.
#define SUSPEND_FRAME(kind_) do {                                             \
    Frame *suspended_ = frame;                                                \
    suspended_->status = GENERATOR_STATUS(FRAME_SUSPENDED, kind_);            \
    thread->handling = cd_generator_of(suspended_)->handling.previous;        \
    if ((kind_) != RETURN_ASYNC_NEXT) thread->recursion_depth--;              \
    thread->frame = frame = suspended_->back;                                 \
    suspended_->back = NULL;                                                  \
    LOAD_FRAME();                                                             \
    pc = frame->pc;                                                           \
  } while (0)
// Makes `gen` a hidden coroutine for code `target_`.
#define NEW_HIDDEN(target_) do {                                              \
    gen = (target_)->spare;                                                   \
    if (LIKELY(gen != NULL)) (target_)->spare = NULL;                         \
    else if (UNLIKELY(!(gen = cd_coroutine_new_hidden(vm, (target_))))) goto error; \
  } while (0)
// Starts hidden coroutine `gen`, which has its arguments, for the DELEGATE `units` behind pc. `function` is stolen.
#define START_HIDDEN(function_, units) do {                                   \
    Function *awaited_ = (function_);                                         \
    Generator *upper_ = cd_generator_of(frame);                               \
    Frame *hidden_ = &gen->frame;                                             \
    gen->creator_unit = (uint32_t)(pc - code->instrs);                        \
    hidden_->chain_depth = upper_->frame.chain_depth + 1;                     \
    hidden_->function = awaited_;                                             \
    hidden_->globals = awaited_->globals;                                     \
    hidden_->builtins = awaited_->builtins;                                   \
    hidden_->pc = hidden_->code->instrs;                                      \
    hidden_->traced_line = 0;                                                 \
    pc += (units);                                                            \
    SAVE();                                                                   \
    R[B] = cd_from_object(gen);                                               \
    gen->delegator = gen->root = upper_;                                      \
    gen->root_epoch = vm->chain_epoch;                                        \
    if (KIND_OF(frame) == RETURN_DELEGATE || KIND_OF(frame) == RETURN_ASYNC_NEXT) { \
      if (upper_->root && upper_->root_epoch == vm->chain_epoch) gen->root = upper_->root; \
      frame->state = FRAME_DELEGATING;                                        \
    }                                                                         \
    hidden_->back = frame;                                                    \
    hidden_->status = GENERATOR_STATUS(FRAME_RUNNING, RETURN_DELEGATE);       \
    gen->handling.previous = thread->handling;                                \
    thread->handling = &gen->handling;                                        \
    thread->frame = frame = hidden_;                                          \
    LOAD_FRAME();                                                             \
    START_FRAME();                                                            \
  } while (0)
// A frame that is left: does it first have to close generators that only it holds?
#define BEGIN_CLOSING(...)                                                       \
  (UNLIKELY(vm->open_async_generators) && frame->flags & FRAME_IS_GENERATOR && (point = __VA_ARGS__, cd_closing_begin(vm, frame, &point)))
// Is a special method of this value perhaps written in Python?
#define IS_INSTANCE(v) (cd_is_object(v) && cd_object(v)->type->flags & TYPE_HEAP)
// Enters the frame that a cd_special_ function gives; goes on behind if there is none and no exception.
#define TRY_FRAME(special, kind_, reg_) do {                                  \
    Frame *special_ = (special);                                              \
    if (special_) ENTER_FRAME(special_, kind_, reg_);                         \
    if (UNLIKELY(cd_raised(vm))) goto error;                                  \
  } while (0)
#define KIND_OF(f) ((ReturnKind)((f)->flags >> FRAME_KIND_SHIFT & 15))
// The status of a generator's frame that a `for` or a CALL resumed, and that has no flag besides: nobody delegates to it.
#define GENERATOR_STATUS(state, kind) FRAME_STATUS(state, FRAME_IS_GENERATOR | (kind) << FRAME_KIND_SHIFT)
#define ENTERED_STATUS FRAME_STATUS(FRAME_RUNNING, FRAME_IS_GENERATOR | FRAME_ENTRY)      // by native code: cd_frame_next
#define SET_KIND(f, kind) ((f)->flags = (uint16_t)(((f)->flags & ~FRAME_KIND) | (kind) << FRAME_KIND_SHIFT))



// Ends an activation: unlinks it, then drops what it owns. Gives the frame below. A generator's frame stays, finished.
static NO_INLINE Frame *eval_leave(VM *vm, Thread *thread, Frame *frame)
{
  Frame *back = frame->back;
  ReturnKind kind = KIND_OF(frame);
  if (kind != RETURN_DELEGATE && kind != RETURN_ASYNC_NEXT) thread->recursion_depth--;
  if (frame->flags & FRAME_IS_GENERATOR) {
    Generator *generator = cd_generator_of(frame);
    thread->handling = generator->handling.previous;
    cd_generator_ended(vm, generator);
    generator->running_async = false;
    if (kind == RETURN_ASYNC_NEXT && (!cd_raised(vm) || cd_raised_is(vm, vm->exc.GeneratorExit))) generator->closed = true;
    thread->frame = back;
    Ref handled = cd_take(&generator->handling.exception);
    frame->flags &= (uint16_t)~(FRAME_ENTRY | FRAME_THROWN | FRAME_KIND);
    cd_frame_finish(vm, frame);
    frame->back = NULL;
    cd_drop(vm, handled);
  } else {
    thread->frame = back;
    cd_frame_clear(vm, frame);
    cd_stack_pop(vm, thread->stack, frame);
  }
  return back;
}

// Is the coroutine that the CALL at `pc` makes, in register `result`, awaited by the next instructions, and nobody else can see it?
static ALWAYS_INLINE bool eval_awaits_at_once(const Thread *thread, const Frame *frame, const Instr *pc, uint32_t result)
{
  const Instr *next = pc + 2;
  return next->op == OP_GET_AWAITABLE && next->b == result && result >= frame->code->first_temp && next[1].op == OP_LOAD_CONST &&
         next[2].op == OP_DELEGATE && next[2].b == next->a && frame->flags & FRAME_IS_GENERATOR && !thread->coroutine_origin_depth &&
         cd_generator_of((Frame *)(uintptr_t)frame)->frame.chain_depth < CHAIN_DEPTH_LIMIT;
}

// The hidden coroutine of `frame` is at `return await it`, and `it` does without it.
static bool eval_makes_way(const Frame *frame, Object *it, uint32_t result)
{
  const Instr *pc = frame->pc;
  const Generator *generator = cd_generator_of((Frame *)(uintptr_t)frame);
  return it->type->spec->stand_in && pc[1].op == OP_RETURN && pc[1].a == result && !frame->object && generator->head.refcount == 1 &&
         !generator->weaklist && frame->back->pc->op == OP_DELEGATE && !cd_code_handler(frame->code, cd_frame_unit(frame)) &&
         it->type->spec->stand_in(it);
}

// Suspended at a delegation, and surely nobody delegates to it: so it can be resumed.
static ALWAYS_INLINE bool eval_is_idle_root(const Generator *generator)
{
  return generator->frame.state == FRAME_DELEGATING && !generator->delegator;
}

// Suspended at a yield of its own, or not started: an exception can be raised right there.
static ALWAYS_INLINE bool eval_can_throw(const Generator *generator)
{
  return generator->frame.state == FRAME_SUSPENDED || generator->frame.state == FRAME_CREATED;
}

// CPython's loop sees the end of a sub-iterator as an exception, and tells tracers of it (without a traceback: bdb knows them by that).
// Where the frame was when the handler began whose exception RERAISE raises again.
static NO_INLINE const Instr *eval_handler_cause(const Code *code, const Instr *pc, const Value *registers)
{
  Value unit = pc->a + 1u < code->register_count ? registers[pc->a + 1] : NO_VALUE;
  return cd_is_small(unit) && cd_small(unit) >= 0 && cd_small(unit) < code->unit_count ? code->instrs + cd_small(unit) : pc;
}

static NO_INLINE void eval_trace_end(VM *vm, Frame *frame, Type *type, Value value)
{
  if (cd_bits(value)) cd_raise_with(vm, type, value);
  else cd_raise_no_args(vm, type);
  cd_trace_exception(vm, frame);
  if (cd_raised_is(vm, type)) cd_clear_raised(vm);
}

typedef enum { EVAL_START, EVAL_NEXT, EVAL_RESUME, EVAL_RAISE, EVAL_DELEGATE_ENDED } EvalMode;

// Runs `frame` and what it calls until the frame marked FRAME_ENTRY is done or yields. START: a new frame, RESUME: a suspended one with
// `sent` (stolen), NEXT: one at a YIELD with None, and nobody traces, RAISE: the exception set is raised at the frame's pc. With `tables`
// it only hands out its dispatch tables.
static SendResult eval_run(VM *vm, Frame *frame, EvalMode mode, Ref sent, Ref *out, FrameStack *tables)
{
  static const void *const plain[OP_COUNT] = {
#define OP(name, operands, flags, meaning) [OP_##name] = &&op_##name,
#include "bytecode/opcodes.def"
#undef OP
  };
  static const void *const traced[OP_COUNT] = {[0 ... OP_COUNT - 1] = &&op_traced};
  if (UNLIKELY(tables != NULL)) {
    tables->plain_dispatch = plain;
    tables->traced_dispatch = traced;
    return RETURNED;
  }

  Thread *const thread = vm->thread;
  FrameStack *const stack = thread->stack;
  const void *const *dispatch;
  const Instr *pc;
  Value *R;
  Code *code;
  // parameters of the shared labels
  Ref result = NO_REF;
  Generator *gen = NULL;
  ReturnKind kind = RETURN_CALL;
  ClosingPoint point;
  const Instr *last_traced = NULL;
  const Frame *last_traced_frame = NULL;

  thread->frame = frame;
  LOAD_FRAME();
  pc = frame->pc;
  if (LIKELY(mode == EVAL_NEXT)) {
    if (LIKELY(pc[1].op == OP_DROP && pc[1].a == A)) NEXT(2);
    SET(A, cd_none());
    NEXT(1);
  }
  if (mode == EVAL_RAISE) {
    if (TRACED() && frame->flags & FRAME_IS_GENERATOR) (void)!cd_trace_call(vm, frame);
    if (UNLIKELY(frame->flags & FRAME_IS_GENERATOR && cd_generator_of(frame)->closing)) goto closing_ended;
    if (pc->op == OP_ASYNC_NEXT) goto async_next_raised;         // a future that ended so, say
    goto error;
  }
  if (mode == EVAL_DELEGATE_ENDED) {
    result = sent;
    if (UNLIKELY(cd_generator_of(frame)->closing != NULL)) {
      cd_clear(vm, (Value *)&result);
      goto closing_ended;
    }
    if (pc->op == OP_ASYNC_NEXT) goto async_next_item;
    goto delegate_done;
  }
  if (mode == EVAL_RESUME) { gen = cd_generator_of(frame); goto resume; }
  DISPATCH();

op_traced:
  SAVE();
  if (!cd_trace_instruction(vm, frame, last_traced_frame == frame ? last_traced : NULL)) goto error;
  last_traced = pc = frame->pc;
  last_traced_frame = frame;
  goto *plain[pc->op];

  CASE(NOP) NEXT(1);

  CASE(EXTEND) {
    SAVE();
    if (pc[1].op == OP_RETURN_CONST) {
      result = cd_dup(CONST((uint32_t)A << 16 | pc[1].a));
      goto do_return;
    }
    int units = cd_wide_instruction(vm, frame, pc);
    if (units < 0) goto error;
    NEXT((uint32_t)units);
  }

  CASE(ENTER) {
    if (UNLIKELY(atomic_load_explicit(&vm->breaker, memory_order_relaxed))) {
      SAVE();
      if (!cd_handle_breaker(vm)) goto error;
    }
    if (TRACED()) {
      SAVE();
      if (!cd_trace_call(vm, frame)) goto error;
      dispatch = stack->dispatch;
    }
    NEXT(1);
  }

  CASE(COPY_FREE_VARS) {
    if (frame->function && cd_bits(frame->function->closure)) {
      const Value *cells = ((Tuple *)cd_object(frame->function->closure))->items;
      Value *free = &R[code->first_free];
      for (uint32_t i = 0, n = A; i < n; i++) free[i] = cd_dup(cells[i]);
    }
    NEXT(1);
  }

  CASE(MAKE_CELL) {
    Ref cell = cd_cell_new(vm, R[A]);
    if (!cd_bits(cell)) goto error;
    SET(A, cell);
    NEXT(1);
  }

  CASE(MOVE) {
    Ref v = TAKE(B);
    SET(A, v);
    NEXT(1);
  }

  CASE(COPY) {
    Ref v = cd_dup(R[B]);
    SET(A, v);
    NEXT(1);
  }

  CASE(LOAD_CONST) {
    Ref v = cd_dup(CONST(B));
    SET(A, v);
    NEXT(1);
  }

  CASE(LOAD_NOTHING) {
    R[A] = NO_VALUE;
    NEXT(1);
  }

  CASE(CHECK_LOCAL) {
    if (UNLIKELY(!cd_bits(R[A]))) { SAVE(); cd_unbound_local(vm, code, A); goto error; }
    NEXT(1);
  }

  CASE(DELETE_LOCAL) {
    if (UNLIKELY(!cd_bits(R[A]))) { SAVE(); cd_unbound_local(vm, code, A); goto error; }
    SAVE();
    cd_clear(vm, &R[A]);
    NEXT(1);
  }

  CASE(CLEAR_LOCAL) CASE(DROP) {
    SAVE();
    cd_clear(vm, &R[A]);
    NEXT(1);
  }

  CASE(LOAD_CELL) {
    Value v = ((Cell *)cd_object(R[B]))->value;
    if (UNLIKELY(!cd_bits(v))) { SAVE(); cd_unbound_cell(vm, code, B); goto error; }
    Ref r = cd_dup(v);
    SET(A, r);
    NEXT(1);
  }

  CASE(STORE_CELL) {
    Ref v = TAKE(B);
    SAVE();
    cd_replace(vm, &((Cell *)cd_object(R[A]))->value, v);
    NEXT(1);
  }

  CASE(DELETE_CELL) {
    SAVE();
    Cell *cell = (Cell *)cd_object(R[A]);
    if (UNLIKELY(!cd_bits(cell->value))) { cd_unbound_cell(vm, code, A); goto error; }
    cd_clear(vm, &cell->value);
    NEXT(1);
  }

  CASE(LOAD_CLASS_CELL) {
    SAVE();
    Ref v = cd_load_class_cell(vm, frame, B);
    if (!cd_bits(v)) goto error;
    SET(A, v);
    NEXT(1);
  }

  CASE(LOAD_NAME) {
    SAVE();
    Ref v = cd_load_name(vm, frame, NAME_AT(B));
    if (!cd_bits(v)) goto error;
    SET(A, v);
    NEXT(1);
  }

  CASE(STORE_NAME) {
    SAVE();
    if (!cd_store_name(vm, frame, NAME_AT(A), R[B])) goto error;
    CONSUME(B);
    NEXT(1);
  }

  CASE(DELETE_NAME) {
    SAVE();
    if (!cd_delete_name(vm, frame, NAME_AT(A))) goto error;
    NEXT(1);
  }

  CASE(LOAD_GLOBAL) {
    InstrExtra *extra = INSTR_EXTRA;
    if (LIKELY(extra->cache)) {
      const InlineCache *cache = &code->caches[extra->cache - 1];
      const Dict *dict = (const Dict *)cd_object(frame->globals);
      if (LIKELY(dict->version == cache->type_version)) {
        if (cache->kind == CACHE_BUILTIN) {
          dict = (const Dict *)cd_object(frame->builtins);
          if (UNLIKELY(dict->version != cache->version2)) goto load_global_slow;
        }
        Ref v = cd_dup(dict->entries[cache->index].value);
        SET(A, v);
        NEXT(2);
      }
    }
  load_global_slow:
    SAVE();
    Ref v = cd_cache_load_global(vm, frame, NAME_AT(B), extra);
    if (!cd_bits(v)) goto error;
    SET(A, v);
    NEXT(2);
  }

  CASE(STORE_GLOBAL) {
    SAVE();
    if (!cd_dict_set(vm, frame->globals, NAME_AT(A), R[B])) goto error;
    CONSUME(B);
    NEXT(1);
  }

  CASE(DELETE_GLOBAL) {
    SAVE();
    if (!cd_delete_global(vm, frame, NAME_AT(A))) goto error;
    NEXT(1);
  }

  CASE(LOAD_ATTR) {
    Value object = R[B];
    InstrExtra *extra = INSTR_EXTRA;
    if (LIKELY(cd_is_object(object) && extra->cache)) {
      const InlineCache *cache = &code->caches[extra->cache - 1];
      Object *o = cd_object(object);
      Type *type = o->type;
    load_attr_way:
      if (LIKELY(type->version == cache->type_version)) {
        Value v = NO_VALUE;
        if (LIKELY(cache->kind == CACHE_INSTANCE)) {             // before the switch: no table jump for the commonest
          AttributeHead *head = (AttributeHead *)((char *)o + cache->version2);
          if (LIKELY(head->shape && head->shape->id == cache->shape_id)) v = head->values[cache->index];
        } else switch (cache->kind) {
        case CACHE_CLASS: {
          AttributeHead *head = (AttributeHead *)((char *)o + cache->version2);
          if ((head->shape ? head->shape->id : 0) == cache->shape_id && !cd_bits(head->dict)) v = cache->value;
          break;
        }
        case CACHE_CLASS_NO_DICT: v = cache->value; break;
        case CACHE_SLOT: v = *(Value *)((char *)o + cache->index); break;
        case CACHE_PROPERTY: {
          Function *getter = (Function *)cd_object(cache->value);
          if (!cd_code_is_simple(getter->code) || getter->code->arg_count != 1 || TRACED()) break;
          SAVE();
          if (!cd_deeper(vm, thread)) goto error;
          Frame *callee = cd_frame_push_simple(vm, stack, getter, &object, 1);
          if (!callee) { thread->recursion_depth--; goto error; }
          uint32_t target = A;
          CONSUME(B);
          ENTER_FRAME(callee, RETURN_CALL, target);
        }
        default: break;
        }
        if (LIKELY(cd_bits(v))) {
          Ref r = cd_dup(v);
          CONSUME(B);
          SET(A, r);
          NEXT(2);
        }
      } else if (type == vm->types.module && cache->kind == CACHE_MODULE) {
        const Dict *dict = (const Dict *)cd_object(((Module *)o)->dict);
        if (dict->version == cache->type_version) {
          Ref r = cd_dup(dict->entries[cache->index].value);
          CONSUME(B);
          SET(A, r);
          NEXT(2);
        }
      } else if (cache->kind == CACHE_TYPE && type == vm->types.type && ((Type *)o)->version == cache->type_version) {
        Ref r = cd_dup(cache->value);
        CONSUME(B);
        SET(A, r);
        NEXT(2);
      }
      if (cache->next) { cache = &code->caches[cache->next - 1]; goto load_attr_way; }
    }
    SAVE();
    Ref v = NO_REF;
    if (IS_INSTANCE(object)) TRY_FRAME(cd_special_get_attr(vm, object, NAME_AT(C), &v), RETURN_GETATTR, 0);
    if (!cd_bits(v) && !cd_bits(v = cd_cache_load_attr(vm, code, object, NAME_AT(C), extra))) goto error;
    CONSUME(B);
    SET(A, v);
    NEXT(2);
  }

  CASE(LOAD_METHOD) {
    Value object = R[B];
    InstrExtra *extra = INSTR_EXTRA;
    if (LIKELY(cd_is_object(object) && extra->cache)) {
      const InlineCache *cache = &code->caches[extra->cache - 1];
      Object *o = cd_object(object);
      Type *type = o->type;
    load_method_way:
      if (LIKELY(type->version == cache->type_version)) {
        Value v = NO_VALUE;
        bool method = true;
        if (LIKELY(cache->kind == CACHE_METHOD)) {               // before the switch: no table jump for the commonest
          AttributeHead *head = (AttributeHead *)((char *)o + cache->version2);
          if ((head->shape ? head->shape->id : 0) == cache->shape_id && !cd_bits(head->dict)) v = cache->value;
        } else switch (cache->kind) {
        case CACHE_METHOD_NO_DICT: v = cache->value; break;
        case CACHE_INSTANCE: {
          AttributeHead *head = (AttributeHead *)((char *)o + cache->version2);
          if (head->shape && head->shape->id == cache->shape_id) v = head->values[cache->index];
          method = false;
          break;
        }
        default: break;
        }
        if (LIKELY(cd_bits(v))) {
          Ref r = cd_dup(v);
          if (LIKELY(method)) {
            Ref self = TAKE(B);
            R[A] = r;
            R[A + 1] = self;
          } else {
            CONSUME(B);
            R[A] = r;
            R[A + 1] = NO_VALUE;
          }
          NEXT(2);
        }
      } else if (type == vm->types.module && cache->kind == CACHE_MODULE) {
        const Dict *dict = (const Dict *)cd_object(((Module *)o)->dict);
        if (dict->version == cache->type_version) {
          Ref r = cd_dup(dict->entries[cache->index].value);
          CONSUME(B);
          R[A] = r;
          R[A + 1] = NO_VALUE;
          NEXT(2);
        }
      } else if (cache->kind == CACHE_TYPE && type == vm->types.type && ((Type *)o)->version == cache->type_version) {
        Ref r = cd_dup(cache->value);
        CONSUME(B);
        R[A] = r;
        R[A + 1] = NO_VALUE;
        NEXT(2);
      }
      if (cache->next) { cache = &code->caches[cache->next - 1]; goto load_method_way; }
    }
    SAVE();
    Value pair[2] = {NO_VALUE, NO_VALUE};
    if (IS_INSTANCE(object)) {
      Ref v;
      TRY_FRAME(cd_special_get_attr(vm, object, NAME_AT(C), &v), RETURN_GETATTR, 0);
      pair[0] = v;
    }
    if (!cd_bits(pair[0]) && !cd_cache_load_method(vm, code, object, NAME_AT(C), extra, pair, false)) goto error;
    CONSUME(B);
    R[A] = pair[0];
    R[A + 1] = pair[1];
    NEXT(2);
  }

  CASE(LOAD_SUPER_ATTR) {
    SAVE();
    cd_raise_system(vm, "LOAD_SUPER_ATTR is not in use");
    goto error;
  }

  CASE(STORE_ATTR) {
    Value object = R[A];
    InstrExtra *extra = INSTR_EXTRA;
    if (LIKELY(cd_is_object(object) && extra->cache)) {
      const InlineCache *cache = &code->caches[extra->cache - 1];
      Object *o = cd_object(object);
    store_attr_way:
      if (LIKELY(o->type->version == cache->type_version)) {
        if (LIKELY(cache->kind == CACHE_INSTANCE)) {
          AttributeHead *head = (AttributeHead *)((char *)o + cache->version2);
          if (LIKELY(head->shape && head->shape->id == cache->shape_id)) {
            Ref v = TAKE(C);
            SAVE();
            cd_replace(vm, &head->values[cache->index], v);
            CONSUME(A);
            NEXT(2);
          }
        } else if (cache->kind == CACHE_ADD_ATTRIBUTE) {
          AttributeHead *head = (AttributeHead *)((char *)o + cache->version2);
          uint32_t index = cache->index;
          if ((head->shape ? head->shape->id : 0) == cache->shape_id && !cd_bits(head->dict) && index < head->capacity) {
            head->values[index] = TAKE(C);
            head->shape = (Shape *)(uintptr_t)cd_bits(cache->value);
            CONSUME(A);
            NEXT(2);
          }
        } else if (cache->kind == CACHE_SLOT) {
          Ref v = TAKE(C);
          SAVE();
          cd_replace(vm, (Value *)((char *)o + cache->index), v);
          CONSUME(A);
          NEXT(2);
        }
      }
      if (cache->next) { cache = &code->caches[cache->next - 1]; goto store_attr_way; }
    }
    SAVE();
    if (IS_INSTANCE(object)) TRY_FRAME(cd_special_set_attr(vm, object, NAME_AT(B), R[C]), RETURN_DISCARD, 0);
    if (!cd_cache_store_attr(vm, code, object, NAME_AT(B), R[C], extra)) goto error;
    CONSUME(C);
    CONSUME(A);
    NEXT(2);
  }

  CASE(DELETE_ATTR) {
    SAVE();
    if (IS_INSTANCE(R[A])) TRY_FRAME(cd_special_set_attr(vm, R[A], NAME_AT(B), NO_VALUE), RETURN_DISCARD, 0);
    if (!cd_setattr(vm, R[A], NAME_AT(B), NO_VALUE)) goto error;
    CONSUME(A);
    NEXT(1);
  }

  CASE(GET_ITEM) {
    Value container = R[B], key = R[C];
    if (LIKELY(cd_is_object(container))) {
      Type *type = cd_object(container)->type;
      if (type == vm->types.list && cd_is_small(key)) {
        List *list = (List *)cd_object(container);
        int64_t i = cd_small(key);
        if (i < 0) i += (int64_t)list->size;
        if (LIKELY((uint64_t)i < list->size)) {
          Ref v = cd_dup(list->items[i]);
          CONSUME(B);
          SET(A, v);
          NEXT(1);
        }
      } else if (type == vm->types.tuple && cd_is_small(key)) {
        Tuple *tuple = (Tuple *)cd_object(container);
        int64_t i = cd_small(key);
        if (i < 0) i += (int64_t)tuple->size;
        if (LIKELY((uint64_t)i < tuple->size)) {
          Ref v = cd_dup(tuple->items[i]);
          CONSUME(B);
          SET(A, v);
          NEXT(1);
        }
      } else if (type == vm->types.dict) {
        SAVE();
        Ref v;
        Find found = cd_dict_find(vm, container, key, &v);
        if (LIKELY(found == FIND_HIT)) {
          CONSUME(B);
          CONSUME(C);
          SET(A, v);
          NEXT(1);
        }
        if (found == FIND_MISSING) cd_raise_key(vm, key);
        goto error;
      }
    }
    SAVE();
    if (IS_INSTANCE(container)) TRY_FRAME(cd_special_get_item(vm, container, key), RETURN_OPERATOR, 0);
    Ref v = cd_getitem(vm, container, key);
    if (!cd_bits(v)) goto error;
    CONSUME(B);
    CONSUME(C);
    SET(A, v);
    NEXT(1);
  }

  CASE(GET_ITEM_K) {
    Value container = R[B], key = CONST(C);
    if (LIKELY(cd_is_object(container) && cd_is_small(key))) {
      Type *type = cd_object(container)->type;
      int64_t i = cd_small(key);
      const Value *items = NULL;
      if (type == vm->types.list) {
        List *list = (List *)cd_object(container);
        if (i < 0) i += (int64_t)list->size;
        if ((uint64_t)i < list->size) items = list->items;
      } else if (type == vm->types.tuple) {
        Tuple *tuple = (Tuple *)cd_object(container);
        if (i < 0) i += (int64_t)tuple->size;
        if ((uint64_t)i < tuple->size) items = tuple->items;
      }
      if (LIKELY(items != NULL)) {
        Ref v = cd_dup(items[i]);
        CONSUME(B);
        SET(A, v);
        NEXT(1);
      }
    }
    SAVE();
    if (IS_INSTANCE(container)) TRY_FRAME(cd_special_get_item(vm, container, key), RETURN_OPERATOR, 0);
    Ref v = cd_getitem(vm, container, key);
    if (!cd_bits(v)) goto error;
    CONSUME(B);
    SET(A, v);
    NEXT(1);
  }

  CASE(SET_ITEM) {
    Value container = R[A], key = R[B];
    SAVE();
    if (LIKELY(cd_is_object(container))) {
      Type *type = cd_object(container)->type;
      if (type == vm->types.list && cd_is_small(key)) {
        List *list = (List *)cd_object(container);
        int64_t i = cd_small(key);
        if (i < 0) i += (int64_t)list->size;
        if (LIKELY((uint64_t)i < list->size)) {
          Ref v = TAKE(C);
          cd_replace(vm, &list->items[i], v);
          CONSUME(A);
          NEXT(1);
        }
      } else if (type == vm->types.dict) {
        if (!cd_dict_set(vm, container, key, R[C])) goto error;
        CONSUME(C);
        CONSUME(A);
        CONSUME(B);
        NEXT(1);
      }
    }
    if (IS_INSTANCE(container)) TRY_FRAME(cd_special_set_item(vm, container, key, R[C]), RETURN_DISCARD, 0);
    if (!cd_setitem(vm, container, key, R[C])) goto error;
    CONSUME(C);
    CONSUME(A);
    CONSUME(B);
    NEXT(1);
  }

  CASE(DELETE_ITEM) {
    SAVE();
    if (IS_INSTANCE(R[A])) TRY_FRAME(cd_special_set_item(vm, R[A], R[B], NO_VALUE), RETURN_DISCARD, 0);
    if (!cd_setitem(vm, R[A], R[B], NO_VALUE)) goto error;
    CONSUME(A);
    CONSUME(B);
    NEXT(1);
  }

  // ---- arithmetic ----

#define ARITHMETIC(NAME, fast)                                                                             \
  CASE(NAME) { Ref r; if (LIKELY(fast(R[B], R[C], &r))) { SET(A, r); NEXT(1); } goto binary; }             \
  CASE(NAME##_K) { Ref r; if (LIKELY(fast(R[B], CONST(C), &r))) { SET(A, r); NEXT(1); } goto binary_k; }   \
  CASE(I##NAME) { Ref r; if (LIKELY(fast(R[B], R[C], &r))) { SET(A, r); NEXT(1); } goto binary; }          \
  CASE(I##NAME##_K) { Ref r; if (LIKELY(fast(R[B], CONST(C), &r))) { SET(A, r); NEXT(1); } goto binary_k; }

  CASE(ADD) { Ref r; if (LIKELY(arithmetic_add(R[B], R[C], &r))) { SET(A, r); NEXT(1); } goto add; }
  CASE(ADD_K) { Ref r; if (LIKELY(arithmetic_add(R[B], CONST(C), &r))) { SET(A, r); NEXT(1); } goto binary_k; }
  CASE(IADD) { Ref r; if (LIKELY(arithmetic_add(R[B], R[C], &r))) { SET(A, r); NEXT(1); } goto add; }
  CASE(IADD_K) { Ref r; if (LIKELY(arithmetic_add(R[B], CONST(C), &r))) { SET(A, r); NEXT(1); } goto binary_k; }
  ARITHMETIC(SUBTRACT, arithmetic_subtract)
  ARITHMETIC(MULTIPLY, arithmetic_multiply)
  ARITHMETIC(MATMUL, arithmetic_never)
  ARITHMETIC(TRUE_DIVIDE, arithmetic_true_divide)
  ARITHMETIC(FLOOR_DIVIDE, arithmetic_floor_divide)
  ARITHMETIC(REMAINDER, arithmetic_remainder)
  ARITHMETIC(LSHIFT, arithmetic_lshift)
  ARITHMETIC(RSHIFT, arithmetic_rshift)
  ARITHMETIC(AND, arithmetic_and)
  ARITHMETIC(XOR, arithmetic_xor)
  ARITHMETIC(OR, arithmetic_or)
  ARITHMETIC(POWER, arithmetic_power)

add:                                             // s = s + t, s += t: in place while s is the only reference
  if (A == B && cd_is_exact(R[B], vm->types.str) && cd_is_exact(R[C], vm->types.str)) {
    SAVE();
    if (!cd_str_append(vm, &R[B], R[C])) goto error;
    CONSUME(C);
    NEXT(1);
  }
binary: {
    SAVE();
    if (IS_INSTANCE(R[B])) TRY_FRAME(cd_special_binary(vm, R[B], R[C], pc->op), RETURN_OPERATOR, 0);
    Ref r = cd_arithmetic(vm, R[B], R[C], pc->op);
    if (!cd_bits(r)) goto error;
    CONSUME(B);
    CONSUME(C);
    SET(A, r);
    NEXT(1);
  }
binary_k: {
    SAVE();
    if (IS_INSTANCE(R[B])) TRY_FRAME(cd_special_binary(vm, R[B], CONST(C), pc->op), RETURN_OPERATOR, 0);
    Ref r = cd_arithmetic(vm, R[B], CONST(C), pc->op);
    if (!cd_bits(r)) goto error;
    CONSUME(B);
    SET(A, r);
    NEXT(1);
  }

  // ---- comparison ----

// Jumps `delta` units from `units` further on. Going back, the breaker is looked at.
#define JUMP_BY(units, delta)                                                                            \
  do {                                                                                                   \
    int32_t delta_ = (delta);                                                                            \
    if (delta_ < 0 && UNLIKELY(atomic_load_explicit(&vm->breaker, memory_order_relaxed))) {              \
      SAVE();                                                                                            \
      if (!cd_handle_breaker(vm)) goto error;                                                            \
    }                                                                                                    \
    NEXT((units) + (ptrdiff_t)delta_);                                                                              \
  } while (0)

// A conditional jump on the result that follows is done at once: the bool is never stored.
#define TRUTH_RESULT(truth)                                                                              \
  do {                                                                                                   \
    bool truth_ = (truth);                                                                               \
    uint32_t next_;                                                                                      \
    memcpy(&next_, pc + 1, sizeof next_);                                                                \
    uint32_t a_ = A;                                                                                     \
    if (LIKELY(a_ >= code->first_temp)) {                                                                      \
      if (next_ == (OP_JUMP_IF_FALSE | a_ << 16)) {                                                      \
        R[a_] = NO_VALUE;                                                                                \
        if (truth_) NEXT(3);                                                                             \
        JUMP_BY(3, ((InstrExtra *)(pc + 2))->jump);                                                      \
      }                                                                                                  \
      if (next_ == (OP_JUMP_IF_TRUE | a_ << 16)) {                                                       \
        R[a_] = NO_VALUE;                                                                                \
        if (!truth_) NEXT(3);                                                                            \
        JUMP_BY(3, ((InstrExtra *)(pc + 2))->jump);                                                      \
      }                                                                                                  \
    }                                                                                                    \
    SET(a_, cd_bool(truth_));                                                                            \
    NEXT(1);                                                                                             \
  } while (0)

#define COMPARISON(NAME, fast)                                                                           \
  CASE(NAME) { int t = fast(R[B], R[C]); if (LIKELY(t >= 0)) TRUTH_RESULT(t); goto compare; }            \
  CASE(NAME##_K) { int t = fast(R[B], CONST(C)); if (LIKELY(t >= 0)) TRUTH_RESULT(t); goto compare_k; }

  COMPARISON(LT, arithmetic_lt)
  COMPARISON(LE, arithmetic_le)
  COMPARISON(GT, arithmetic_gt)
  COMPARISON(GE, arithmetic_ge)
  CASE(EQ) { int t = arithmetic_equal(vm, R[B], R[C]); if (LIKELY(t >= 0)) { CONSUME(B); CONSUME(C); TRUTH_RESULT(t); } goto compare; }
  CASE(EQ_K) { int t = arithmetic_equal(vm, R[B], CONST(C)); if (LIKELY(t >= 0)) { CONSUME(B); TRUTH_RESULT(t); } goto compare_k; }
  CASE(NE) { int t = arithmetic_equal(vm, R[B], R[C]); if (LIKELY(t >= 0)) { CONSUME(B); CONSUME(C); TRUTH_RESULT(!t); } goto compare; }
  CASE(NE_K) { int t = arithmetic_equal(vm, R[B], CONST(C)); if (LIKELY(t >= 0)) { CONSUME(B); TRUTH_RESULT(!t); } goto compare_k; }

compare: {
    SAVE();
    if (IS_INSTANCE(R[B])) TRY_FRAME(cd_special_compare(vm, R[B], R[C], pc->op), RETURN_OPERATOR, 0);
    Ref r;
    int t = cd_compare_slow(vm, R[B], R[C], pc->op, &r);
    if (t < 0) goto error;
    CONSUME(B);
    CONSUME(C);
    if (LIKELY(t < 2)) TRUTH_RESULT(t);
    SET(A, r);
    NEXT(1);
  }
compare_k: {
    SAVE();
    if (IS_INSTANCE(R[B])) TRY_FRAME(cd_special_compare(vm, R[B], CONST(C), pc->op), RETURN_OPERATOR, 0);
    Ref r;
    int t = cd_compare_slow(vm, R[B], CONST(C), pc->op, &r);
    if (t < 0) goto error;
    CONSUME(B);
    if (LIKELY(t < 2)) TRUTH_RESULT(t);
    SET(A, r);
    NEXT(1);
  }

  CASE(IS) {
    bool t = cd_is(R[B], R[C]);
    CONSUME(B);
    CONSUME(C);
    TRUTH_RESULT(t);
  }
  CASE(IS_NOT) {
    bool t = !cd_is(R[B], R[C]);
    CONSUME(B);
    CONSUME(C);
    TRUTH_RESULT(t);
  }

  CASE(IN) {
    SAVE();
    if (IS_INSTANCE(R[C])) TRY_FRAME(cd_special_contains(vm, R[C], R[B]), RETURN_OPERATOR, 0);
    bool t;
    if (!cd_contains(vm, R[C], R[B], &t)) goto error;
    CONSUME(B);
    CONSUME(C);
    TRUTH_RESULT(t);
  }
  CASE(NOT_IN) {
    SAVE();
    if (IS_INSTANCE(R[C])) TRY_FRAME(cd_special_contains(vm, R[C], R[B]), RETURN_OPERATOR, 0);
    bool t;
    if (!cd_contains(vm, R[C], R[B], &t)) goto error;
    CONSUME(B);
    CONSUME(C);
    TRUTH_RESULT(!t);
  }

  CASE(NEGATIVE) {
    Value v = R[B];
    Ref r;
    if (LIKELY(cd_is_small(v) && cd_small(v) != SMALL_INT_MIN)) {
      r = cd_from_small(-cd_small(v));
    } else if (!(cd_is_flonum(v) && cd_to_flonum(-cd_flonum(v), &r))) {
      SAVE();
      if (!cd_bits(r = cd_negative(vm, v))) goto error;
      CONSUME(B);
    }
    SET(A, r);
    NEXT(1);
  }
  CASE(POSITIVE) {
    SAVE();
    Ref r = cd_positive(vm, R[B]);
    if (!cd_bits(r)) goto error;
    CONSUME(B);
    SET(A, r);
    NEXT(1);
  }
  CASE(INVERT) {
    SAVE();
    Ref r = cd_is_small(R[B]) ? cd_from_small(~cd_small(R[B])) : cd_invert(vm, R[B]);
    if (!cd_bits(r)) goto error;
    CONSUME(B);
    SET(A, r);
    NEXT(1);
  }
  CASE(NOT) {
    int t = arithmetic_quick_truth(R[B]);
    if (UNLIKELY(t < 0)) {
      SAVE();
      if ((t = cd_slow_truth(vm, R[B])) < 0) goto error;
      CONSUME(B);
    }
    TRUTH_RESULT(!t);
  }

  // ---- jumps ----

  CASE(JUMP) JUMP_ON();

  CASE(JUMP_BACK) {
    if (UNLIKELY(atomic_load_explicit(&vm->breaker, memory_order_relaxed))) {
      SAVE();
      if (!cd_handle_breaker(vm)) goto error;
    }
    JUMP_ON();
  }

  CASE(JUMP_IF_FALSE) {
    int t = arithmetic_quick_truth(R[A]);
    if (UNLIKELY(t < 0)) {
      SAVE();
      if ((t = cd_slow_truth(vm, R[A])) < 0) goto error;
      CONSUME(A);
    }
    if (t) NEXT(2);
    JUMP_BY(2, INSTR_EXTRA->jump);
  }
  CASE(JUMP_IF_TRUE) {
    int t = arithmetic_quick_truth(R[A]);
    if (UNLIKELY(t < 0)) {
      SAVE();
      if ((t = cd_slow_truth(vm, R[A])) < 0) goto error;
      CONSUME(A);
    }
    if (!t) NEXT(2);
    JUMP_BY(2, INSTR_EXTRA->jump);
  }
  CASE(JUMP_IF_NONE) {
    bool t = cd_is_none(R[A]);
    CONSUME(A);
    if (!t) NEXT(2);
    JUMP_BY(2, INSTR_EXTRA->jump);
  }
  CASE(JUMP_IF_NOT_NONE) {
    bool t = cd_is_none(R[A]);
    CONSUME(A);
    if (t) NEXT(2);
    JUMP_BY(2, INSTR_EXTRA->jump);
  }
  CASE(JUMP_IF_FALSE_OR_DROP) {
    int t = arithmetic_quick_truth(R[A]);
    if (t < 0) {
      SAVE();
      if ((t = cd_slow_truth(vm, R[A])) < 0) goto error;
    }
    if (!t) JUMP_ON();
    cd_clear(vm, &R[A]);
    NEXT(2);
  }
  CASE(JUMP_IF_TRUE_OR_DROP) {
    int t = arithmetic_quick_truth(R[A]);
    if (t < 0) {
      SAVE();
      if ((t = cd_slow_truth(vm, R[A])) < 0) goto error;
    }
    if (t) JUMP_ON();
    cd_clear(vm, &R[A]);
    NEXT(2);
  }

  // ---- displays ----

  CASE(BUILD_TUPLE) {
    SAVE();
    uint32_t n = C;
    Ref tuple = cd_tuple_new(vm, n);
    if (!cd_bits(tuple)) goto error;
    Value *items = ((Tuple *)cd_object(tuple))->items, *parts = &R[B];         // few as a rule: no memcpy
    for (uint32_t i = 0; i < n; i++) items[i] = cd_take(&parts[i]);
    SET(A, tuple);
    NEXT(1);
  }
  CASE(BUILD_LIST) {
    SAVE();
    uint32_t n = C;
    Ref list = cd_list_with_capacity(vm, n);
    if (!cd_bits(list)) goto error;
    List *l = (List *)cd_object(list);
    Value *items = l->items, *parts = &R[B];
    for (uint32_t i = 0; i < n; i++) items[i] = cd_take(&parts[i]);
    l->size = n;
    SET(A, list);
    NEXT(1);
  }
  CASE(BUILD_SET) {
    SAVE();
    uint32_t n = C;
    Ref set = cd_set_new(vm, NO_VALUE);
    if (!cd_bits(set)) goto error;
    for (uint32_t i = 0; i < n; i++)
      if (!cd_set_add(vm, set, R[B + i])) { cd_drop(vm, set); goto error; }
    for (uint32_t i = 0; i < n; i++) cd_clear(vm, &R[B + i]);
    SET(A, set);
    NEXT(1);
  }
  CASE(BUILD_MAP) {
    SAVE();
    uint32_t n = C;
    Ref dict = n ? cd_dict_with_capacity(vm, n) : cd_dict_new(vm);
    if (!cd_bits(dict)) goto error;
    for (uint32_t i = 0; i < n; i++)
      if (!cd_dict_set(vm, dict, R[B + 2 * i], R[B + 2 * i + 1])) { cd_drop(vm, dict); goto error; }
    for (uint32_t i = 0; i < 2 * n; i++) cd_clear(vm, &R[B + i]);
    SET(A, dict);
    NEXT(1);
  }
  CASE(BUILD_STRING) {
    SAVE();
    Ref s = cd_build_string(vm, &R[B], C);
    if (!cd_bits(s)) goto error;
    for (uint32_t i = 0, n = C; i < n; i++) cd_clear(vm, &R[B + i]);
    SET(A, s);
    NEXT(1);
  }
  CASE(BUILD_SLICE) {
    SAVE();
    uint32_t n = C;
    if (pc[1].op == OP_GET_ITEM && pc[1].c == A && A >= code->first_temp && !TRACED()) {
      Ref part = cd_get_slice(vm, R[pc[1].b], &R[B], n);
      if (cd_bits(part)) {
        for (uint32_t i = 0; i < n; i++) R[B + i] = NO_VALUE;    // all immediates
        pc++;
        CONSUME(B);
        SET(A, part);
        NEXT(1);
      }
      if (cd_raised(vm)) goto error;
    } else if (pc[1].op == OP_SET_ITEM && pc[1].b == A && A >= code->first_temp && !TRACED() &&
               cd_set_slice(vm, R[pc[1].a], &R[B], n, R[pc[1].c])) {
      for (uint32_t i = 0; i < n; i++) R[B + i] = NO_VALUE;
      pc++;
      CONSUME(C);
      CONSUME(A);
      NEXT(1);
    }
    Ref slice = cd_slice_new(vm, R[B], R[B + 1], n == 3 ? R[B + 2] : NO_VALUE);
    if (!cd_bits(slice)) goto error;
    for (uint32_t i = 0; i < n; i++) cd_clear(vm, &R[B + i]);
    SET(A, slice);
    NEXT(1);
  }
  CASE(FORMAT_VALUE) {
    SAVE();
    bool has_spec = C & 4;
    Ref s = cd_format_value(vm, R[B], C & 3, has_spec ? R[B + 1] : NO_VALUE);
    if (!cd_bits(s)) goto error;
    CONSUME(B);
    if (has_spec) cd_clear(vm, &R[B + 1]);
    SET(A, s);
    NEXT(1);
  }
  CASE(LIST_APPEND) {
    SAVE();
    List *list = (List *)cd_object(R[A]);
    Ref v = TAKE(B);
    if (LIKELY(list->size < list->capacity)) list->items[list->size++] = v;
    else if (!cd_list_append_steal(vm, list, v)) goto error;
    NEXT(1);
  }
  CASE(SET_ADD) {
    SAVE();
    if (!cd_set_add(vm, R[A], R[B])) goto error;
    CONSUME(B);
    NEXT(1);
  }
  CASE(MAP_ADD) {
    SAVE();
    if (!cd_dict_set(vm, R[A], R[B], R[C])) goto error;
    CONSUME(B);
    CONSUME(C);
    NEXT(1);
  }
  CASE(LIST_EXTEND) {
    SAVE();
    if (!cd_extend_display(vm, R[A], R[B])) goto error;
    CONSUME(B);
    NEXT(1);
  }
  CASE(SET_UPDATE) {
    SAVE();
    if (!cd_set_update(vm, R[A], R[B])) goto error;
    CONSUME(B);
    NEXT(1);
  }
  CASE(DICT_UPDATE) {
    SAVE();
    if (!cd_update_display(vm, R[A], R[B])) goto error;
    CONSUME(B);
    NEXT(1);
  }
  CASE(DICT_MERGE) {
    SAVE();
    if (!cd_merge_keywords(vm, R[A], R[B], R[C])) goto error;
    CONSUME(B);
    NEXT(1);
  }
  CASE(LIST_TO_TUPLE) {
    SAVE();
    Ref tuple = cd_list_to_tuple(vm, R[B]);
    if (!cd_bits(tuple)) goto error;
    CONSUME(B);
    SET(A, tuple);
    NEXT(1);
  }

  CASE(UNPACK_SEQUENCE) {
    Value v = R[B];
    uint32_t n = C;
    const Value *items = NULL;
    if (LIKELY(cd_is_object(v))) {
      Type *type = cd_object(v)->type;
      if (type == vm->types.tuple && ((Tuple *)cd_object(v))->size == n) items = ((Tuple *)cd_object(v))->items;
      else if (type == vm->types.list && ((List *)cd_object(v))->size == n) items = ((List *)cd_object(v))->items;
    }
    if (LIKELY(items != NULL)) {
      Ref sequence = TAKE(B);
      Value *to = &R[A];
      for (uint32_t i = 0; i < n; i++) to[i] = cd_dup(items[i]);
      cd_drop(vm, sequence);
      NEXT(1);
    }
    SAVE();
    Ref sequence = TAKE(B);
    bool ok = cd_unpack_sequence(vm, sequence, n, &R[A]);
    cd_drop(vm, sequence);
    if (!ok) goto error;
    NEXT(1);
  }
  CASE(UNPACK_EX) {
    SAVE();
    Ref sequence = TAKE(B);
    bool ok = cd_unpack_ex(vm, sequence, C & 0xFF, C >> 8, &R[A]);
    cd_drop(vm, sequence);
    if (!ok) goto error;
    NEXT(1);
  }

  // ---- calls ----

  CASE(CALL) {
    Value callee = R[B];
    uint32_t nargs = C, base = B;
    uint32_t first = base + 1 + !cd_bits(R[base + 1]);           // of the arguments, self included
    nargs += base + 2 - first;
    if (UNLIKELY(!cd_is_object(callee))) goto call_other;
    Type *type = cd_object(callee)->type;
    if (type == vm->types.method && !cd_bits(R[base + 1])) {     // bound method: unwrap it in place
      Method *method = (Method *)cd_object(callee);
      Ref function = cd_dup(method->function), self = cd_dup(method->self);
      R[base] = function;
      R[base + 1] = self;
      cd_drop(vm, cd_from_bits(cd_bits(callee)));
      callee = function;
      first = base + 1;
      nargs++;
      if (UNLIKELY(!cd_is_object(callee))) goto call_other;
      type = cd_object(callee)->type;
    }
    if (LIKELY(type == vm->types.function)) {
      Function *function = (Function *)cd_object(callee);
      Code *target = function->code;
      if (LIKELY(cd_code_is_simple(target) && INSTR_EXTRA->jump < 0 && nargs <= target->arg_count)) {
        uint32_t missing = target->arg_count - nargs;
        const Value *defaults = NULL;
        if (UNLIKELY(missing)) {
          if (!cd_bits(function->defaults)) goto call_bound;
          Tuple *tuple = (Tuple *)cd_object(function->defaults);
          if (missing > tuple->size) goto call_bound;
          defaults = tuple->items + (tuple->size - missing);
        }
        SAVE();
        if (UNLIKELY(!cd_deeper(vm, thread))) goto error;
        uint16_t flags;
        Frame *new_frame = cd_stack_push(vm, stack, cd_frame_size(target), &flags);
        if (UNLIKELY(!new_frame)) { thread->recursion_depth--; goto error; }
        cd_frame_init(new_frame, function, target, flags);
        new_frame->back = frame;
        new_frame->return_register = A;
        Value *to = new_frame->registers;
        Value *from = &R[first];
        R[base] = NO_VALUE;                      // the function moves into the frame
        for (uint32_t i = 0; i < nargs; i++) { to[i] = from[i]; from[i] = NO_VALUE; }
        for (uint32_t i = 0; i < missing; i++) to[nargs + i] = cd_dup(defaults[i]);
        uint32_t used = nargs + missing, all = target->register_count;
        for (uint32_t i = used; i < all; i++) to[i] = NO_VALUE;
        thread->frame = frame = new_frame;
        LOAD_FRAME();
        START_FRAME();
      }
      if (!(target->flags & (CO_VARARGS | CO_VARKEYWORDS)) && target->flags & CO_ANY_GENERATOR && nargs <= target->arg_count &&
          !target->kwonly_count && INSTR_EXTRA->jump < 0) {
        uint32_t missing = target->arg_count - nargs;
        const Tuple *defaults = missing && cd_bits(function->defaults) ? (Tuple *)cd_object(function->defaults) : NULL;
        if (UNLIKELY(missing && (!defaults || missing > defaults->size))) goto call_bound;
        SAVE();
        if (target->flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE) &&
            (target->flags & (CO_OPTIMIZED | CO_ASYNC_GENERATOR)) == CO_OPTIMIZED && eval_awaits_at_once(thread, frame, pc, A) &&
            !TRACED()) {
          NEW_HIDDEN(target);
          Value *to = gen->frame.registers, *from = &R[first];
          for (uint32_t i = 0; i < nargs; i++) { to[i] = from[i]; from[i] = NO_VALUE; }
          for (uint32_t i = 0; i < missing; i++) to[nargs + i] = cd_dup(defaults->items[defaults->size - missing + i]);
          R[base] = NO_VALUE;                    // the function moves into the frame
          START_HIDDEN(function, 4);
        }
        Ref made = cd_generator_new(vm, function, &R[first], nargs);
        if (UNLIKELY(!cd_bits(made))) goto error;
        gen = (Generator *)cd_object(made);
        for (uint32_t i = 0; i < missing; i++) gen->frame.registers[nargs + i] = cd_dup(defaults->items[defaults->size - missing + i]);
        cd_clear(vm, &R[base]);
        SET(A, made);
        NEXT(2);
      }
      goto call_bound;
    }
    if (type == vm->types.native) {
      Native *native = (Native *)cd_object(callee);
      const MethodDef *def = native->def;
      if (UNLIKELY(INSTR_EXTRA->jump >= 0 || TRACED())) goto call_other;
      if (LIKELY(!(def->flags & METHOD_RESUMES))) {
        SAVE();
        result = cd_native_call(vm, def, &native->signature, native->self, native->type, &R[first], nargs, NO_VALUE);
        goto native_called;
      }
      if (def->flags & METHOD_SEND && nargs == 1 && !cd_bits(R[base + 1])) {       // send = g.send; send(x)
        gen = (Generator *)cd_object(native->self);
        if (LIKELY(gen->frame.status == GENERATOR_STATUS(FRAME_SUSPENDED, RETURN_SEND))) goto send_again;
      }
      goto call_resuming;
    }
    if (type == vm->types.method_descriptor) {
      MethodDescriptor *method = (MethodDescriptor *)cd_object(callee);
      const MethodDef *def = method->def;
      Value self = R[base + 1];
      if (UNLIKELY(INSTR_EXTRA->jump >= 0 || TRACED() || !cd_bits(self) || cd_type_of(vm, self) != method->type)) goto call_other;
      if (LIKELY(!(def->flags & METHOD_RESUMES))) {
        SAVE();
        result = cd_native_call(vm, def, &method->signature, self, method->type, &R[first + 1], nargs - 1, NO_VALUE);
        goto native_called;
      }
      goto call_resuming;
    }
    if (type == vm->types.type || (type->flags & TYPE_TYPE)) {
      Type *cls = (Type *)cd_object(callee);
      if (cls == vm->types.range && pc[2].op == OP_GET_ITER && pc[2].b == A && A >= code->first_temp && !cd_bits(R[base + 1]) &&
          INSTR_EXTRA->jump < 0 && !TRACED()) {
        Ref made = cd_iterate_range(vm, &R[first], nargs);     // `for i in range(n)`: nobody sees the range itself
        if (cd_bits(made)) {
          SAVE();
          for (uint32_t i = 0; i < nargs; i++) R[first + i] = NO_VALUE;
          cd_clear(vm, &R[base]);
          pc += 2;
          SET(A, made);
          NEXT(1);
        }
        if (cd_raised(vm)) goto error;
      }
      InstrExtra *extra = INSTR_EXTRA;
      Value init = NO_VALUE;
      if (extra->cache && code->caches[extra->cache - 1].kind == CACHE_INIT &&
          cls->version == code->caches[extra->cache - 1].type_version) {
        init = code->caches[extra->cache - 1].value;
      } else {
        init = cd_python_init(vm, cls);
        if (cd_bits(init)) cd_cache_learn_class(vm, code, cls, extra);
      }
      if (!cd_bits(init) || cd_bits(R[base + 1])) goto call_other;
      SAVE();
      Object *instance = cd_instance_new(vm, cls);
      if (!instance) goto error;
      Function *function = (Function *)cd_object(init);
      Code *target = function->code;
      Ref self = cd_from_object(instance);
      if (UNLIKELY(!cd_deeper(vm, thread))) { cd_drop(vm, self); goto error; }
      R[base + 1] = self;                        // the first argument; dies with the arguments
      first = base + 1;
      nargs++;
      Frame *new_frame;
      if (LIKELY(cd_code_is_simple(target) && extra->jump < 0 && nargs == target->arg_count)) {
        uint16_t flags;
        new_frame = cd_stack_push(vm, stack, cd_frame_size(target), &flags);
        if (UNLIKELY(!new_frame)) { thread->recursion_depth--; goto error; }
        cd_dup_object(function);
        cd_frame_init(new_frame, function, target, flags);
        Value *to = new_frame->registers;
        Value *from = &R[first];
        to[0] = cd_dup(self);
        for (uint32_t i = 1; i < nargs; i++) { to[i] = from[i]; from[i] = NO_VALUE; }
        for (uint32_t i = nargs, all = target->register_count; i < all; i++) to[i] = NO_VALUE;
      } else {
        Value kwnames = extra->jump < 0 ? NO_VALUE : CONST(extra->jump);
        if (target->flags & CO_ANY_GENERATOR) { thread->recursion_depth--; goto call_init_slow; }
        new_frame = cd_frame_for_call(vm, function, &R[first], nargs - (cd_bits(kwnames) ? (uint32_t)cd_tuple_size(kwnames) : 0), kwnames);
        if (!new_frame) { thread->recursion_depth--; goto error; }
        for (uint32_t i = 1; i < nargs; i++) cd_clear(vm, &R[first + i]);
      }
      SET_KIND(new_frame, RETURN_INIT);
      new_frame->back = frame;
      new_frame->return_register = base + 1;
      thread->frame = frame = new_frame;
      LOAD_FRAME();
      START_FRAME();
    call_init_slow:                              // __init__ is a generator function: an error, found in the ordinary way
      R[base + 1] = NO_VALUE;
      cd_drop(vm, self);
      goto call_other;
    }
    if ((type->flags & TYPE_HEAP) && !cd_bits(R[base + 1])) {
      Value call = cd_callee_python_call(vm, callee);
      if (cd_bits(call)) {                       // as if it were the bound method __call__
        R[base + 1] = callee;
        R[base] = cd_dup(call);
        goto call_bound;
      }
    }
    goto call_other;
  }

  // `gen` gets the argument of this CALL, which is a `send` like the one before.
send_again: {
    SAVE();
    if (UNLIKELY(!cd_deeper(vm, thread))) goto error;
    sent = cd_take(&R[B + 2]);
    RESUME_FRAME(RETURN_SEND);
    SET(A, sent);
    NEXT(1);
  }

  // next(g), g.send(x), g.throw(e), g.close() of generators and coroutines: what `def` says, without a native call. `nargs` counts what is
  // behind the function, so self if that was loaded as such.
call_resuming: {
    uint32_t given = C, asks;
    Value target;
    if (cd_object(R[B])->type == vm->types.native) {
      const Native *native = (const Native *)cd_object(R[B]);
      asks = (uint32_t)native->def->flags & METHOD_RESUMES;
      target = asks != METHOD_NEXT ? native->self : given ? R[B + 2] : NO_VALUE;
      if (cd_bits(R[B + 1]) || !cd_bits(target)) goto call_other;
    } else {
      const MethodDescriptor *method = (const MethodDescriptor *)cd_object(R[B]);
      asks = (uint32_t)method->def->flags & METHOD_RESUMES;
      target = R[B + 1];
    }
    if (!cd_is_object(target) ||
        !(cd_object(target)->type == vm->types.generator || (asks != METHOD_NEXT && cd_object(target)->type == vm->types.coroutine)))
      goto call_other;
    gen = (Generator *)cd_object(target);
    SAVE();
    switch (asks) {
    case METHOD_NEXT:
      if (given > 2 || (gen->frame.state != FRAME_SUSPENDED && gen->frame.state != FRAME_CREATED && !eval_is_idle_root(gen)))
        goto call_other;
      sent = cd_none();
      kind = RETURN_SEND;
      goto enter_generator;
    case METHOD_SEND:
      if (given != 1) goto call_other;
      if (gen->frame.state != FRAME_SUSPENDED && !(gen->frame.state == FRAME_CREATED && cd_is_none(R[B + 2])) && !eval_is_idle_root(gen))
        goto call_other;
      sent = cd_take(&R[B + 2]);
      kind = RETURN_SEND;
      goto enter_generator;
    case METHOD_CLOSE:
      if (given) goto call_other;
      if (!cd_generator_close(vm, target)) goto error;
      dispatch = stack->dispatch;
      cd_clear(vm, &R[B]);
      cd_clear(vm, &R[B + 1]);
      SET(A, cd_none());
      NEXT(2);
    case METHOD_THROW:
      if (given != 1 || !eval_can_throw(gen)) goto call_other;
      if (!cd_is_exception(R[B + 2])) {          // making it runs Python
        Ref exception = cd_throw_exception(vm, &R[B + 2], 1);
        if (!cd_bits(exception)) goto error;
        cd_replace(vm, &R[B + 2], exception);
        if (!eval_can_throw(gen)) goto call_other;
      }
      if (UNLIKELY(cd_is_instance_of(vm, R[B + 2], vm->exc.GeneratorExit))) goto call_other;
      if (UNLIKELY(!cd_deeper(vm, thread))) goto error;
      if (UNLIKELY(gen->delegator != NULL)) cd_chain_break(vm, gen);
      cd_throw_raise(vm, gen, cd_take(&R[B + 2]));
      gen->frame.back = frame;
      SET_KIND(&gen->frame, RETURN_SEND);
      gen->frame.state = FRAME_RUNNING;
      gen->handling.previous = thread->handling;
      thread->handling = &gen->handling;
      thread->frame = frame = &gen->frame;
      LOAD_FRAME();
      pc = frame->pc;
      goto error;
    default: UNREACHABLE();
    }
  }

native_called:
  dispatch = stack->dispatch;
  if (UNLIKELY(!cd_bits(result))) goto error;
  DROP_CALL();
  CALL_RESULT(A, result);

call_bound: {                                    // a Python function whose arguments need binding
    Function *function = (Function *)cd_object(R[B]);
    uint32_t first = B + 1 + !cd_bits(R[B + 1]), nargs = C + B + 2 - first, end = B + 2 + C;
    Value kwnames = INSTR_EXTRA->jump < 0 ? NO_VALUE : CONST(INSTR_EXTRA->jump);
    if (cd_bits(kwnames)) nargs -= (uint32_t)cd_tuple_size(kwnames);
    SAVE();
    if (function->code->flags & CO_ANY_GENERATOR) {
      Ref r = cd_function_call(vm, R[B], &R[first], nargs, kwnames);
      if (!cd_bits(r)) goto error;
      for (uint32_t i = B; i < end; i++) cd_clear(vm, &R[i]);
      SET(A, r);
      NEXT(2);
    }
    if (UNLIKELY(!cd_deeper(vm, thread))) goto error;
    Frame *new_frame = cd_frame_for_call(vm, function, &R[first], nargs, kwnames);
    if (!new_frame) { thread->recursion_depth--; goto error; }
    for (uint32_t i = B; i < end; i++) cd_clear(vm, &R[i]);
    new_frame->back = frame;
    new_frame->return_register = A;
    thread->frame = frame = new_frame;
    LOAD_FRAME();
    pc = code->instrs;
    DISPATCH();
  }

call_other: {
    uint32_t first = B + 1 + !cd_bits(R[B + 1]), nargs = C + B + 2 - first, end = B + 2 + C;
    Value kwnames = INSTR_EXTRA->jump < 0 ? NO_VALUE : CONST(INSTR_EXTRA->jump);
    if (cd_bits(kwnames)) nargs -= (uint32_t)cd_tuple_size(kwnames);
    SAVE();
    Ref r = TRACED() ? cd_callee_call_traced(vm, frame, R[B], &R[first], nargs, kwnames)
                     : cd_callee_call(vm, R[B], &R[first], nargs, kwnames);
    dispatch = stack->dispatch;
    if (UNLIKELY(!cd_bits(r))) goto error;
    for (uint32_t i = B; i < end; i++) cd_clear(vm, &R[i]);
    CALL_RESULT(A, r);
  }

  CASE(CALL_EX) {
    SAVE();
    Value keywords = C & 1 ? R[B + 2] : NO_VALUE;
    Value callee = R[B];
    if (!cd_bits(keywords) || cd_is_exact(keywords, vm->types.dict)) {
      Frame *new_frame = cd_callee_frame_unpacked(vm, callee, R[B + 1], keywords);
      if (new_frame) {
        uint32_t target = A;
        for (uint32_t i = 0, n = 2 + (C & 1u), first = B; i < n; i++) cd_clear(vm, &R[first + i]);
        ENTER_FRAME(new_frame, RETURN_SHORT, target);
      }
      if (cd_raised(vm)) goto error;
    }
    bool told = TRACED() && cd_callee_is_profiled(vm, callee);
    if (told && !cd_is_exact(R[B + 1], vm->types.tuple) &&
        !cd_is_not_iterable(vm, R[B + 1])) {   // finding the arguments comes before the call
      Ref arguments = cd_tuple_from(vm, R[B + 1]);
      if (!cd_bits(arguments)) goto error;
      SET(B + 1, arguments);
    }
    if (told && !cd_trace_native(vm, frame, TRACE_C_CALL, callee)) goto error;
    Ref r = cd_call_unpacked(vm, callee, R[B + 1], keywords);
    if (told) r = cd_callee_profile_result(vm, frame, callee, r);
    dispatch = stack->dispatch;
    if (!cd_bits(r)) goto error;
    for (uint32_t i = 0; i < 2 + (C & 1u); i++) cd_clear(vm, &R[B + i]);
    SET(A, r);
    NEXT(1);
  }

  CASE(MAKE_FUNCTION) {
    SAVE();
    Ref function = cd_make_function(vm, frame, &R[B], C);
    if (!cd_bits(function)) goto error;
    SET(A, function);
    NEXT(1);
  }
  CASE(LOAD_BUILD_CLASS) {
    SAVE();
    Ref v = cd_load_build_class(vm, frame);
    if (!cd_bits(v)) goto error;
    SET(A, v);
    NEXT(1);
  }
  CASE(LOAD_ASSERTION_ERROR) {
    Ref v = cd_dup_object(vm->exc.AssertionError);
    SET(A, v);
    NEXT(1);
  }

  // ---- leaving the frame ----

  CASE(RETURN_CONST)
    result = cd_dup(CONST(A));
    goto do_return;

  CASE(RETURN)
    if (LIKELY(!frame->object)) {
      result = cd_take(&R[A]);                   // a local dies now anyway
    } else {
      result = TAKE(A);
    }

do_return:
  if (TRACED()) {
    SAVE();
    if (BEGIN_CLOSING((ClosingPoint){CLOSING_RETURN, .result = result})) goto closing;
    if (!cd_trace_return(vm, frame, result)) { cd_drop(vm, result); goto leave_raising; }
  }
  if (LIKELY(!frame->flags && !frame->object)) {
    uint32_t reg = frame->return_register;
    POP_FRAME();
    CALL_RESULT(reg, result);
  }
  if (frame->flags == RETURN_INIT << FRAME_KIND_SHIFT && !frame->object && cd_is_none(result)) {
    uint32_t reg = frame->return_register;
    POP_FRAME();
    Ref instance = cd_take(&R[reg]);
    cd_clear(vm, &R[B]);
    SET(A, instance);
    NEXT(2);
  }
  SAVE();                                        // f_lineno of a frame that outlives its activation
  if (!TRACED() && BEGIN_CLOSING((ClosingPoint){CLOSING_RETURN, .result = result})) goto closing;
  if (frame->status == GENERATOR_STATUS(FRAME_RUNNING, RETURN_DELEGATE) && cd_generator_of(frame)->hidden && !frame->object && !TRACED()) {
    Frame *done = frame;                         // its delegator alone has it, and is at a DELEGATE
    Value *local = R, *end = R + code->first_temp;
    gen = cd_generator_of(done);
    thread->handling = gen->handling.previous;
    thread->frame = frame = done->back;
    done->back = NULL;
    done->status = GENERATOR_STATUS(FRAME_DONE, RETURN_DELEGATE);
    LOAD_FRAME();
    pc = frame->pc;
    R[B] = NO_VALUE;
    frame->state = FRAME_RUNNING;
    for (; local < end; local++) {
      if (cd_is_object(*local) && cd_bits(*local)) { Ref v = cd_take(local); cd_drop(vm, v); }
      else *local = NO_VALUE;
    }
    if (UNLIKELY(cd_bits(gen->handling.exception))) cd_clear(vm, &gen->handling.exception);
    gen->leaf = NULL;
    cd_coroutine_vanish(vm, gen, done->function);
    dispatch = stack->dispatch;
    R[C] = NO_VALUE;
    SET(A, result);
    NEXT(1);
  }
  {
    uint32_t flags = frame->flags, reg = frame->return_register;
    kind = (ReturnKind)(flags >> FRAME_KIND_SHIFT & 15);
    if ((flags & ~FRAME_KIND) == FRAME_IS_GENERATOR &&
        (kind == RETURN_FOR_ITER || (kind == RETURN_DELEGATE && frame->back->pc->op == OP_DELEGATE)) &&
        cd_generator_of(frame)->head.refcount == 1 && !frame->object && !cd_generator_of(frame)->weaklist &&
        !TRACED()) {   // the loop or delegator alone has it: it ends and dies at once
      gen = cd_generator_of(frame);
      Frame *done = frame;
      thread->handling = gen->handling.previous;
      gen->leaf = gen->root = gen->delegator = NULL;
      thread->frame = frame = done->back;
      done->back = NULL;
      done->state = FRAME_DONE;
      LOAD_FRAME();
      pc = frame->pc;
      R[B] = NO_VALUE;
      cd_generator_vanish(vm, gen);
      if (kind == RETURN_FOR_ITER) {
        thread->recursion_depth--;
        cd_drop(vm, result);
        JUMP_ON();
      }
      frame->state = FRAME_RUNNING;
      R[C] = NO_VALUE;
      SET(A, result);
      NEXT(1);
    }
    frame = eval_leave(vm, thread, frame);
    if (flags & FRAME_ENTRY) { *out = result; return RETURNED; }
    LOAD_FRAME();
    pc = frame->pc;
    switch (kind) {
    case RETURN_CALL: SET(reg, result); NEXT(2);
    case RETURN_SHORT: SET(reg, result); NEXT(1);
    case RETURN_INIT: {
      if (UNLIKELY(!cd_is_none(result))) {
        cd_raise_type(vm, "__init__() should return None, not '%T'", result);
        cd_drop(vm, result);
        goto error;
      }
      Ref instance = cd_take(&R[reg]);
      cd_clear(vm, &R[B]);
      SET(A, instance);
      NEXT(2);
    }
    case RETURN_DISCARD:                         // SET_ITEM, DELETE_ITEM, STORE_ATTR, DELETE_ATTR
      cd_drop(vm, result);
      if (pc->op == OP_SET_ITEM || pc->op == OP_STORE_ATTR) CONSUME(C);
      CONSUME(A);
      if (pc->op == OP_SET_ITEM || pc->op == OP_DELETE_ITEM) CONSUME(B);
      NEXT(cd_opcode_units[pc->op]);
    case RETURN_OPERATOR: {
      uint32_t op = pc->op;
      bool constant = op == OP_GET_ITEM_K || (op >= OP_LT_K && op <= OP_GE_K) || (op >= OP_ADD && op < OP_LT && (op - OP_ADD) & 1),
           single = op == OP_GET_ITER;
      if (UNLIKELY(!cd_special_result(vm, R[B], single ? NO_VALUE : constant ? CONST(C) : R[C], op, &result))) goto error;
      CONSUME(B);
      if (!constant && !single) CONSUME(C);
      if (op >= OP_LT && op <= OP_NOT_IN && cd_is_bool(result)) TRUTH_RESULT(cd_is_true(result));
      SET(A, result);
      NEXT(1);
    }
    case RETURN_GETATTR:                         // LOAD_ATTR, LOAD_METHOD
      CONSUME(B);
      if (pc->op == OP_LOAD_METHOD) R[A + 1] = NO_VALUE;
      SET(A, result);
      NEXT(2);
    case RETURN_FOR_ITER:
      if (TRACED() && !cd_is_none(result)) {
        eval_trace_end(vm, frame, vm->exc.StopIteration, result);
        if (cd_raised(vm)) { cd_drop(vm, result); goto unwind; }
      }
      cd_drop(vm, result);
      cd_clear(vm, &R[B]);
      JUMP_ON();
    case RETURN_ASYNC_NEXT:
      frame->state = FRAME_RUNNING;
      cd_drop(vm, result);
      cd_clear(vm, &R[B]);
      JUMP_ON();
    case RETURN_FOR_NEXT: SET(A, result); NEXT(2);
    case RETURN_SEND:
      if (C == 2) {                              // next(g, default)
        cd_drop(vm, result);
        result = cd_take(&R[B + 3]);
        for (uint32_t i = B, end = B + 3; i < end; i++) cd_clear(vm, &R[i]);
        SET(A, result);
        NEXT(2);
      }
      cd_raise_stop_iteration(vm, cd_is_none(result) ? NO_VALUE : result);
      cd_drop(vm, result);
      goto error;
    case RETURN_DELEGATE:
      frame->state = FRAME_RUNNING;
      if (UNLIKELY(pc->op == OP_ASYNC_NEXT)) goto async_next_item;           // throw() ended the coroutine that __anext__() gave
      if (TRACED() && (!cd_is_none(result) || cd_is_exact(R[B], vm->types.coroutine))) {
        eval_trace_end(vm, frame, vm->exc.StopIteration, cd_is_none(result) ? NO_VALUE : result);
        if (cd_raised(vm)) { cd_drop(vm, result); goto unwind; }
      }
      cd_clear(vm, &R[B]);
      R[C] = NO_VALUE;
      SET(A, result);
      NEXT(1);
    }
    UNREACHABLE();
  }

  // ---- iteration ----

  CASE(GET_ITER) {
    SAVE();
    Ref it;
    if (cd_is_exact(R[B], vm->types.generator)) {
      it = TAKE(B);
    } else {
      if (IS_INSTANCE(R[B])) TRY_FRAME(cd_special_iter(vm, R[B]), RETURN_OPERATOR, 0);
      it = cd_iter(vm, R[B]);
      if (!cd_bits(it)) goto error;
      CONSUME(B);
    }
    SET(A, it);
    NEXT(1);
  }

  CASE(FOR_ITER) {
    Object *it = cd_object(R[B]);
    Type *type = it->type;
    if (type == vm->types.range_iterator) {
      RangeIterator *range = (RangeIterator *)it;
      if (LIKELY(range->left > 0)) {
        int64_t i = range->next;
        range->left--;
        range->next = (int64_t)((uint64_t)i + (uint64_t)range->step);
        Ref v = LIKELY(cd_fits_small(i)) ? cd_from_small(i) : cd_int_from_i64(vm, i);
        if (UNLIKELY(!cd_bits(v))) { SAVE(); goto error; }
        SET(A, v);
        NEXT(2);
      }
      goto for_done;
    }
    if (type == vm->types.list_iterator) {
      ListIterator *iterator = (ListIterator *)it;
      List *list = (List *)cd_object(iterator->list);
      if (list && LIKELY(iterator->index < list->size)) {
        Ref v = cd_dup(list->items[iterator->index++]);
        SET(A, v);
        NEXT(2);
      }
      SAVE();
      cd_clear(vm, &iterator->list);
      goto for_done;
    }
    if (type == vm->types.tuple_iterator) {
      TupleIterator *iterator = (TupleIterator *)it;
      Tuple *tuple = (Tuple *)cd_object(iterator->tuple);
      if (tuple && LIKELY(iterator->index < tuple->size)) {
        Ref v = cd_dup(tuple->items[iterator->index++]);
        SET(A, v);
        NEXT(2);
      }
      SAVE();
      cd_clear(vm, &iterator->tuple);
      goto for_done;
    }
    if (type == vm->types.generator) {
      gen = (Generator *)it;
      if (LIKELY(gen->frame.status == GENERATOR_STATUS(FRAME_SUSPENDED, RETURN_FOR_ITER) && !TRACED())) {
        SAVE();                                  // the shortest way through enter_generator
        if (UNLIKELY(!cd_deeper(vm, thread))) goto error;
        RESUME_FRAME(RETURN_FOR_ITER);
        if (LIKELY(pc[1].op == OP_DROP && pc[1].a == A)) NEXT(2);        // `yield x` as a statement: what it gives is not wanted
        SET(A, cd_none());
        NEXT(1);
      }
      if (LIKELY(gen->frame.status == GENERATOR_STATUS(FRAME_CREATED, 0) && !TRACED())) {
        SAVE();
        if (UNLIKELY(!cd_deeper(vm, thread))) goto error;
        RESUME_FRAME(RETURN_FOR_ITER);
        START_FRAME();
      }
      if (LIKELY(gen->frame.state == FRAME_SUSPENDED || gen->frame.state == FRAME_CREATED || eval_is_idle_root(gen))) {
        SAVE();
        sent = cd_none();
        kind = RETURN_FOR_ITER;
        goto enter_generator;
      }
    }
    if (type->flags & TYPE_HEAP && !TRACED()) {
      InstrExtra *extra = INSTR_EXTRA;
      if (!extra->cache || code->caches[extra->cache - 1].type_version != type->version) cd_cache_learn_next(vm, code, type, extra);
      const InlineCache *cache = extra->cache ? &code->caches[extra->cache - 1] : NULL;
      if (cache && cache->kind == CACHE_NEXT && cache->type_version == type->version) {
        Function *function = (Function *)cd_object(cache->value);
        if (LIKELY(cd_code_is_simple(function->code) && function->code->arg_count == 1)) {
          SAVE();
          if (UNLIKELY(!cd_deeper(vm, thread))) goto error;
          const Value self = R[B];
          Frame *new_frame = cd_frame_push_simple(vm, stack, function, &self, 1);
          if (UNLIKELY(!new_frame)) { thread->recursion_depth--; goto error; }
          ENTER_FRAME(new_frame, RETURN_FOR_NEXT, 0);
        }
      }
    }
    SAVE();
    Ref v;
    Next next = LIKELY(type->slots.next != NULL) ? type->slots.next(vm, R[B], &v) : cd_next(vm, R[B], &v);   // __next__ may be gone
    if (LIKELY(next == NEXT_ITEM)) {
      SET(A, v);
      NEXT(2);
    }
    if (next == NEXT_ERROR) {
      if (!cd_swallow(vm, vm->exc.StopIteration)) goto error;
    }
  for_done:
    SAVE();
    cd_clear(vm, &R[B]);
    JUMP_ON();
  }

  // ---- generators ----

  // Resumes `gen` (created, or suspended and not in a running chain) with `sent`; `kind` says what becomes of what it gives.
enter_generator: {
    Frame *g = &gen->frame;
    if (LIKELY(kind != RETURN_DELEGATE && kind != RETURN_ASYNC_NEXT)) {
      if (UNLIKELY(!cd_deeper(vm, thread))) { cd_drop(vm, sent); goto error; }
      if (UNLIKELY(gen->delegator != NULL)) cd_chain_break(vm, gen);
    }
    g->back = frame;
    SET_KIND(g, kind);
    gen->handling.previous = thread->handling;
    thread->handling = &gen->handling;
    thread->frame = frame = g;
    LOAD_FRAME();
  }

  // `frame` is gen's, linked to its caller; `sent` goes to it.
resume: {
    pc = frame->pc;
    FrameState state = (FrameState)frame->state;
    frame->state = FRAME_RUNNING;
    if (LIKELY(state == FRAME_SUSPENDED)) {
      if (UNLIKELY(frame->flags & FRAME_JUMPED)) {
        frame->flags &= (uint16_t)~FRAME_JUMPED;
        cd_drop(vm, sent);
        DISPATCH();
      }
      if (pc[1].op == OP_DROP && pc[1].a == A && !cd_is_object(sent) && !TRACED()) NEXT(2);
      SET(A, sent);
      if (TRACED() && !cd_trace_call(vm, frame)) goto error;
      NEXT(1);
    }
    if (state == FRAME_CREATED) {
      cd_drop(vm, sent);
      DISPATCH();
    }
    // Delegating: straight to the leaf if the chain below is known, else one step down.
    if (gen->leaf && gen->leaf_epoch == vm->chain_epoch && !TRACED()) {
      Generator *leaf = gen->leaf;
      gen->leaf = NULL;
      if (leaf != gen) {
        if (KIND_OF(frame) == RETURN_DELEGATE || KIND_OF(frame) == RETURN_ASYNC_NEXT) frame->state = FRAME_DELEGATING;
        thread->handling = &leaf->handling;
        thread->frame = frame = &leaf->frame;
        gen = leaf;
        LOAD_FRAME();
        goto resume;
      }
    }
    gen->leaf = NULL;
    if (TRACED() && !cd_trace_call(vm, frame)) {
      cd_drop(vm, sent);
      if (gen->closing) goto closing_ended;
      goto error;
    }
    if (UNLIKELY(gen->closing != NULL)) goto closing_send;
    if (UNLIKELY(pc->op == OP_ASYNC_NEXT)) {
      R[C + 1] = sent;
      if (!cd_is_object(R[C]) || !cd_bits(R[C])) R[C] = cd_from_bits(ASYNC_NEXT_DIRECT);
      if (!TRACED()) goto async_next_resumed;
      DISPATCH();
    }
    SET(C, sent);
    DISPATCH();
  }

  CASE(YIELD) {
    SAVE();
    uint32_t status = frame->status;
    result = TAKE(B);
    if (LIKELY(status == GENERATOR_STATUS(FRAME_RUNNING, RETURN_FOR_ITER) && !TRACED())) {       // the shortest ways through do_yield
      SUSPEND_FRAME(RETURN_FOR_ITER);
      SET(A, result);
      NEXT(2);
    }
    if (LIKELY(status == GENERATOR_STATUS(FRAME_RUNNING, RETURN_SEND) && !TRACED())) {
      SUSPEND_FRAME(RETURN_SEND);
      DROP_CALL();
      CALL_RESULT(A, result);
    }
    if (LIKELY(status == GENERATOR_STATUS(FRAME_RUNNING, RETURN_ASYNC_NEXT) && !TRACED() && vm->asyncgen_mode != ASYNCGEN_STRICT)) {
      cd_generator_of(frame)->running_async = false;
      SUSPEND_FRAME(RETURN_ASYNC_NEXT);
      frame->state = FRAME_RUNNING;
      SET(A, result);
      NEXT(2);
    }
    if (UNLIKELY(vm->asyncgen_mode == ASYNCGEN_STRICT) && !cd_async_check_yield(vm, frame)) { cd_drop(vm, result); goto error; }
    if (LIKELY(status == ENTERED_STATUS && !TRACED())) {         // sum(g): to native code
      frame->status = GENERATOR_STATUS(FRAME_SUSPENDED, RETURN_CALL);
      thread->handling = cd_generator_of(frame)->handling.previous;
      thread->recursion_depth--;
      thread->frame = frame->back;
      frame->back = NULL;
      *out = result;
      return YIELDED;
    }
    frame->state = FRAME_SUSPENDED;
  }

  // `frame` yields `result`: to the caller of the chain's root. Its state is SUSPENDED (a value of its own) or DELEGATING (handed up).
do_yield: {
    Frame *top = frame;
    ReturnKind up = KIND_OF(top);
    if (TRACED()) {
      if (!cd_trace_return(vm, frame, result)) { cd_drop(vm, result); frame->state = FRAME_RUNNING; goto leave_raising; }
    }
    for (Frame *f = frame; UNLIKELY(f->flags & FRAME_THROWN); f = f->back) f->flags &= (uint16_t)~FRAME_THROWN;
    bool item = frame->state == FRAME_SUSPENDED && up == RETURN_ASYNC_NEXT;
    if ((up == RETURN_DELEGATE || up == RETURN_ASYNC_NEXT) && !item) {
      if (TRACED()) {                            // every level tells the tracer
        Generator *below = cd_generator_of(frame);
        thread->handling = below->handling.previous;
        thread->frame = frame = frame->back;
        frame->state = FRAME_DELEGATING;
        LOAD_FRAME();
        pc = frame->pc;
        goto do_yield;
      }
      top = cd_chain_root(vm, frame);
      up = KIND_OF(top);
      gen = cd_generator_of(top);
      gen->leaf = cd_generator_of(frame);
      gen->leaf_epoch = vm->chain_epoch;
      top->state = FRAME_DELEGATING;
    } else {
      gen = cd_generator_of(top);
      if (frame->state == FRAME_DELEGATING) { gen->leaf = gen; gen->leaf_epoch = vm->chain_epoch; }
    }
    thread->handling = gen->handling.previous;
    uint32_t flags = top->flags;
    frame = top->back;
    top->back = NULL;
    thread->frame = frame;
    if (up != RETURN_ASYNC_NEXT) thread->recursion_depth--;
    if (UNLIKELY(flags & FRAME_ENTRY)) {
      top->flags &= (uint16_t)~FRAME_ENTRY;
      *out = result;
      return YIELDED;
    }
    LOAD_FRAME();
    pc = frame->pc;
    switch (up) {
    case RETURN_FOR_ITER:
      SET(A, result);
      NEXT(2);
    case RETURN_SEND:                            // CALL of send, next or throw: function, generator and arguments go
      for (uint32_t i = B, end = B + 2 + C; i < end; i++) cd_clear(vm, &R[i]);
      SET(A, result);
      NEXT(2);
    case RETURN_ASYNC_NEXT:
      gen->running_async = false;
      frame->state = FRAME_RUNNING;
      SET(A, result);
      NEXT(2);
    default: UNREACHABLE();
    }
  }

  CASE(GET_YIELD_FROM_ITER) {
    SAVE();
    Ref it = cd_get_yield_from_iter(vm, code, R[B]);
    if (!cd_bits(it)) goto error;
    CONSUME(B);
    SET(A, it);
    NEXT(1);
  }

  CASE(GET_AWAITABLE) {
    SAVE();
    Ref it = cd_get_awaitable(vm, R[B], C);
    if (!cd_bits(it)) goto error;
    CONSUME(B);
    SET(A, it);
    NEXT(1);
  }

  CASE(DELEGATE) {
    SAVE();
    if (UNLIKELY(cd_generator_of(frame)->hidden) && eval_makes_way(frame, cd_object(R[B]), A) && !TRACED()) {
      gen = cd_generator_of(frame);              // the awaitable takes the coroutine's place
      result = cd_take(&R[B]);
      sent = cd_take(&R[C]);
      thread->handling = gen->handling.previous;
      thread->frame = frame = frame->back;
      gen->frame.back = NULL;
      LOAD_FRAME();
      pc = frame->pc;
      R[B] = result;
      SET(C, sent);
      frame->state = FRAME_RUNNING;
      cd_coroutine_give_way(vm, gen);
      dispatch = stack->dispatch;
      DISPATCH();
    }
    Object *it = cd_object(R[B]);
    Type *type = it->type;
    sent = cd_take(&R[C]);
    if (type == vm->types.generator || type == vm->types.coroutine) {
      gen = (Generator *)it;
      switch (cd_chain_push(vm, cd_generator_of(frame), gen, sent)) {
      case CHAIN_READY:
        kind = RETURN_DELEGATE;
        if (KIND_OF(frame) == RETURN_DELEGATE || KIND_OF(frame) == RETURN_ASYNC_NEXT) frame->state = FRAME_DELEGATING;
        goto enter_generator;
      case CHAIN_FINISHED: result = cd_none(); goto delegate_done;
      case CHAIN_ERROR: goto error;
      }
    }
    SendResult r = cd_send(vm, R[B], sent, &result);
    cd_drop(vm, sent);
    if (r == YIELDED) { frame->state = FRAME_DELEGATING; goto do_yield; }
    if (r == RAISED) goto error;
  delegate_done:
    cd_clear(vm, &R[B]);
    SET(A, result);
    NEXT(1);
  }

  CASE(GET_ASYNC_ITER) {
    SAVE();
    Ref it = cd_get_async_iter(vm, R[B]);
    if (!cd_bits(it)) goto error;
    CONSUME(B);
    SET(A, it);
    NEXT(1);
  }

  // Scratch R[c] is the awaitable in progress, ASYNC_NEXT_DIRECT while a native async generator is driven directly, else any dead word;
  // R[c + 1] is the value sent when it is resumed.
  CASE(ASYNC_NEXT) {
    SAVE();
    if (LIKELY(cd_object(R[B])->type == vm->types.async_generator)) {          // the shortest way, as in FOR_ITER
      gen = (Generator *)cd_object(R[B]);
      if (LIKELY(gen->frame.status == GENERATOR_STATUS(FRAME_SUSPENDED, RETURN_ASYNC_NEXT) && !gen->running_async &&
                 (gen->rest ? cd_bits(gen->rest->context) : 0) == cd_bits(thread->context) && !TRACED())) {
        gen->running_async = true;
        gen->delegator = cd_generator_of(frame);
        gen->root = NULL;                        // found if it is needed
        if (KIND_OF(frame) == RETURN_DELEGATE || KIND_OF(frame) == RETURN_ASYNC_NEXT) frame->state = FRAME_DELEGATING;
        RESUME_FRAME(RETURN_ASYNC_NEXT);
        if (LIKELY(pc[1].op == OP_DROP && pc[1].a == A)) NEXT(2);
        SET(A, cd_none());
        NEXT(1);
      }
    }
  async_next_resumed:;
    bool direct = cd_bits(R[C]) == ASYNC_NEXT_DIRECT, fresh = !direct && (!cd_is_object(R[C]) || !cd_bits(R[C]));
    if (fresh || direct) R[C] = NO_VALUE;
    if (fresh) { R[C + 1] = NO_VALUE; sent = cd_none(); }
    else sent = cd_take(&R[C + 1]);
    if (cd_is_exact(R[B], vm->types.async_generator) && ((fresh && !TRACED()) || direct)) {
      gen = (Generator *)cd_object(R[B]);
      ChainState state = cd_chain_async_push(vm, cd_generator_of(frame), gen, fresh, sent);
      if (state == CHAIN_READY) {
        kind = RETURN_ASYNC_NEXT;
        if (KIND_OF(frame) == RETURN_DELEGATE || KIND_OF(frame) == RETURN_ASYNC_NEXT) frame->state = FRAME_DELEGATING;
        goto enter_generator;
      }
      if (state == CHAIN_ERROR) goto error;
      cd_clear(vm, &R[B]);
      JUMP_ON();
    }
    if (fresh) {
      Ref awaitable = cd_async_next_awaitable(vm, R[B]);
      if (!cd_bits(awaitable)) goto async_next_raised;
      R[C] = awaitable;
    }
    SendResult r = cd_send(vm, R[C], sent, &result);
    cd_drop(vm, sent);
    if (r == YIELDED) { frame->state = FRAME_DELEGATING; goto do_yield; }
    if (r == RAISED) {
    async_next_raised:                           // by __anext__() itself, too
      if (!cd_raised_is(vm, vm->exc.StopAsyncIteration)) goto error;
      if (TRACED()) {
        if (!cd_traceback_add(vm, frame)) CD_ASSERT(cd_raised(vm));
        cd_trace_exception(vm, frame);
      }
      if (!cd_swallow(vm, vm->exc.StopAsyncIteration)) goto unwind;
      cd_clear(vm, &R[C]);
      cd_clear(vm, &R[B]);
      JUMP_ON();
    }
  async_next_item:
    if (TRACED()) {
      eval_trace_end(vm, frame, vm->exc.StopIteration, result);
      if (cd_raised(vm)) { cd_drop(vm, result); goto unwind; }
    }
    cd_clear(vm, &R[C]);
    SET(A, result);
    NEXT(2);
  }

  CASE(ASYNC_CLOSE) {
    SAVE();
    if (BEGIN_CLOSING((ClosingPoint){CLOSING_NEXT, .first = A})) goto closing;
    cd_clear(vm, &R[A]);
    NEXT(1);
  }

  // The frame awaits the end of a generator that it leaves.
closing:
  sent = cd_none();
closing_send: {
    ClosingResult closed = cd_closing_send(vm, frame, sent, &result, &point);
    if (closed == CLOSING_AWAITS) { frame->state = FRAME_DELEGATING; goto do_yield; }
    goto closing_over;
  }
closing_ended:                                   // throw() went through it
  (void)cd_closing_ended(vm, frame, &point);
closing_over:
  dispatch = stack->dispatch;
  if (TRACED() && cd_raised(vm) && point.then != CLOSING_LEAVE && point.then != CLOSING_UNWIND) cd_trace_exception(vm, frame);
  switch (point.then) {
  case CLOSING_NEXT:
    if (cd_raised(vm)) goto unwind;
    goto op_ASYNC_CLOSE;
  case CLOSING_UNWIND:
    pc = code->instrs + point.unit;
    goto unwind_again;
  case CLOSING_LEAVE: goto leave_raising;
  case CLOSING_RETURN:
    result = point.result;
    if (cd_raised(vm)) goto leave_raising;
    goto do_return;
  }

  // ---- with ----

  CASE(WITH_ENTER) {
    SAVE();
    Ref exit;
    Frame *new_frame = cd_callee_frame_enter(vm, R[C], &exit);
    if (new_frame) {
      uint32_t target = B;
      CONSUME(C);
      SET(A, exit);
      ENTER_FRAME(new_frame, RETURN_SHORT, target);
    }
    if (cd_raised(vm)) goto error;
    goto with_enter;
  }
  CASE(ASYNC_WITH_ENTER)
    SAVE();
    if (eval_awaits_at_once(thread, frame, pc - 1, B) && !TRACED()) {
      Ref exit;
      Function *function = cd_callee_async_enter(vm, R[C], &exit);
      if (LIKELY(function != NULL)) {
        gen = function->code->spare;
        if (LIKELY(gen != NULL)) function->code->spare = NULL;
        else if (UNLIKELY(!(gen = cd_coroutine_new_hidden(vm, function->code)))) { cd_drop(vm, exit); goto error; }
        gen->frame.registers[0] = TAKE(C);
        SET(A, exit);
        cd_dup_object(function);
        START_HIDDEN(function, 3);
      }
      if (cd_raised(vm)) goto error;
    }
with_enter: {
    Ref exit, entered;
    if (!cd_with_enter(vm, R[C], pc->op == OP_ASYNC_WITH_ENTER, &exit, &entered)) goto error;
    CONSUME(C);
    SET(A, exit);
    SET(B, entered);
    NEXT(1);
  }
  CASE(WITH_EXIT) {
    SAVE();
    if (pc[1].op == OP_GET_AWAITABLE && eval_awaits_at_once(thread, frame, pc - 1, A) && !TRACED()) {
      Value self;
      Function *function = cd_callee_async_exit(vm, R[B], &self);
      if (LIKELY(function != NULL)) {
        const Value args[3] = {cd_none(), cd_none(), cd_none()};
        Ref rest = function->code->arg_count == 1 ? cd_tuple_of(vm, 3, args) : cd_none();
        if (UNLIKELY(!cd_bits(rest))) goto error;
        gen = function->code->spare;
        if (LIKELY(gen != NULL)) function->code->spare = NULL;
        else if (UNLIKELY(!(gen = cd_coroutine_new_hidden(vm, function->code)))) { cd_drop(vm, rest); goto error; }
        Value *to = gen->frame.registers;
        to[0] = cd_dup(self);
        to[1] = rest;
        if (function->code->arg_count == 4) to[2] = to[3] = cd_none();
        cd_dup_object(function);
        CONSUME(B);
        START_HIDDEN(function, 3);
      }
    }
    const Value nones[3] = {cd_none(), cd_none(), cd_none()};
    Frame *new_frame = cd_callee_frame(vm, R[B], nones, 3);
    if (new_frame) {
      uint32_t target = A;
      CONSUME(B);
      ENTER_FRAME(new_frame, RETURN_SHORT, target);
    }
    if (cd_raised(vm)) goto error;
    Ref r = cd_call(vm, R[B], nones, 3, NO_VALUE);
    dispatch = stack->dispatch;
    if (!cd_bits(r)) goto error;
    CONSUME(B);
    SET(A, r);
    NEXT(1);
  }
  CASE(WITH_EXCEPT) {
    SAVE();
    Value traceback = cd_as_exception(R[C])->traceback;
    const Value args[3] = {cd_type_value(cd_type_of(vm, R[C])), R[C], cd_bits(traceback) ? traceback : cd_none()};
    Frame *new_frame = cd_callee_frame(vm, R[B], args, 3);
    if (new_frame) ENTER_FRAME(new_frame, RETURN_SHORT, A);
    if (cd_raised(vm)) goto error;
    Ref r = cd_call(vm, R[B], args, 3, NO_VALUE);
    dispatch = stack->dispatch;
    if (!cd_bits(r)) goto error;
    SET(A, r);
    NEXT(1);
  }

  // ---- exceptions ----

  CASE(PUSH_EXC) {
    Value before = thread->handling->exception;
    R[A] = cd_bits(before) ? cd_take(&thread->handling->exception) : cd_none();
    thread->handling->exception = cd_dup(R[B]);
    NEXT(1);
  }
  CASE(POP_EXC) {
    SAVE();
    Ref before = cd_take(&R[A]);
    if (cd_is_none(before)) before = NO_REF;
    cd_replace(vm, &thread->handling->exception, before);
    NEXT(1);
  }
  CASE(EXC_MATCH) {
    SAVE();
    bool t = cd_is_object(R[C]) && cd_object(R[C]) == &cd_object(R[B])->type->head;      // just the class
    if (!t && !cd_exception_matches(vm, R[B], R[C], &t)) goto error;
    CONSUME(C);
    TRUTH_RESULT(t);
  }
  CASE(EXC_GROUP_MATCH) {
    SAVE();
    Ref matched, rest;
    if (!cd_exception_group_match(vm, R[B], R[C], &matched, &rest)) goto error;
    CONSUME(C);
    SET(B, rest);
    if (!cd_is_none(matched)) cd_replace(vm, &thread->handling->exception, cd_dup(matched));
    SET(A, matched);
    NEXT(1);
  }
  CASE(EXC_GROUP_RERAISE) {
    SAVE();
    Ref r = cd_exception_group_reraise(vm, R[B], R[C]);
    if (!cd_bits(r)) {
      if (cd_raised(vm)) goto error;
      r = cd_none();
    }
    CONSUME(B);
    CONSUME(C);
    SET(A, r);
    NEXT(1);
  }
  CASE(RAISE) {
    SAVE();
    bool again = false;
    cd_raise_statement(vm, A, A > 0 ? R[B] : NO_VALUE, A > 1 ? R[C] : NO_VALUE, &again);
    if (again) goto unwind;
    goto error;
  }
  CASE(RERAISE) {
    SAVE();
    cd_restore_raised(vm, cd_take(&R[A]));
    if (B) frame->pc = eval_handler_cause(code, pc, R);
    goto unwind_again;
  }

  // ---- the rest ----

  CASE(IMPORT_NAME) {
    SAVE();
    Ref module = cd_import_name(vm, frame, NAME_AT(C), R[B], R[B + 1]);
    if (!cd_bits(module)) goto error;
    cd_clear(vm, &R[B]);
    cd_clear(vm, &R[B + 1]);
    SET(A, module);
    NEXT(1);
  }
  CASE(IMPORT_FROM) {
    SAVE();
    Ref v = cd_import_from(vm, R[B], NAME_AT(C));
    if (!cd_bits(v)) goto error;
    SET(A, v);
    NEXT(1);
  }
  CASE(IMPORT_STAR) {
    SAVE();
    if (!cd_import_star(vm, frame, R[A])) goto error;
    CONSUME(A);
    NEXT(1);
  }
  CASE(SETUP_ANNOTATIONS) {
    SAVE();
    if (!cd_setup_annotations(vm, frame)) goto error;
    NEXT(1);
  }
  CASE(GET_LEN) {
    SAVE();
    int64_t n;
    if (!cd_len(vm, R[B], &n)) goto error;
    SET(A, cd_from_small(n));
    NEXT(1);
  }
  CASE(MATCH_MAPPING) {
    bool t = cd_has_flag(R[B], TYPE_MAPPING);
    SET(A, cd_bool(t));
    NEXT(1);
  }
  CASE(MATCH_SEQUENCE) {
    bool t = cd_has_flag(R[B], TYPE_SEQUENCE);
    SET(A, cd_bool(t));
    NEXT(1);
  }
  CASE(MATCH_KEYS) {
    SAVE();
    Ref values;
    if (!cd_match_keys(vm, R[B], R[C], &values)) goto error;
    SET(A, values);
    NEXT(1);
  }
  CASE(MATCH_CLASS) {
    SAVE();
    Ref attributes;
    if (!cd_match_class(vm, R[B], R[B + 1], R[B + 2], C, &attributes)) goto error;
    for (uint32_t i = 0; i < 3; i++) cd_clear(vm, &R[B + i]);
    SET(A, attributes);
    NEXT(1);
  }
  CASE(PRINT_EXPR) {
    SAVE();
    if (!cd_print_expr(vm, R[A])) goto error;
    CONSUME(A);
    NEXT(1);
  }
  CASE(INTRINSIC) {
    SAVE();
    Ref v = cd_intrinsic(vm, frame, &R[B], C);
    if (!cd_bits(v)) goto error;
    SET(A, v);
    NEXT(1);
  }

  // ---- failure ----

error:
  frame->pc = pc;
  if (UNLIKELY(!cd_raised(vm))) cd_raise_system(vm, "%s failed without setting an exception", cd_opcode_names[pc->op]);
  if (!cd_traceback_add(vm, frame)) CD_ASSERT(cd_raised(vm));
  if (TRACED()) cd_trace_exception(vm, frame);
unwind:
  frame->pc = pc;
unwind_again: {                                  // pc says which handler, frame->pc where the frame is
    CD_ASSERT(cd_raised(vm));
    const Handler *handler = cd_code_handler(code, (uint32_t)(pc - code->instrs));
    if (!handler) goto leave_raising;
    if (BEGIN_CLOSING((ClosingPoint){CLOSING_UNWIND, handler->depth, (uint32_t)(pc - code->instrs), NO_REF})) goto closing;
    Ref exception = cd_take_raised(vm);
    for (uint32_t i = handler->depth; i < code->register_count; i++) {
      Ref v = cd_take(&R[i]);
      cd_drop(vm, v);
    }
    R[handler->depth] = exception;
    if (handler->depth + 1 < code->register_count) R[handler->depth + 1] = cd_from_small(cd_frame_unit(frame));
    pc = code->instrs + handler->target;
    DISPATCH();
  }

  // The exception leaves this frame.
leave_raising: {
    if (BEGIN_CLOSING((ClosingPoint){.then = CLOSING_LEAVE})) goto closing;
    if (TRACED()) (void)!cd_trace_return(vm, frame, NO_VALUE);
    uint32_t flags = frame->flags;
    Code *left = code;
    kind = (ReturnKind)(flags >> FRAME_KIND_SHIFT & 15);
    if (flags & FRAME_IS_GENERATOR) cd_dup_object(left);
    frame = eval_leave(vm, thread, frame);
    if (flags & FRAME_IS_GENERATOR) {
      cd_stop_iteration_to_runtime_error(vm, left);
      cd_drop_object(vm, left);
    }
    if (flags & FRAME_ENTRY) return RAISED;
    LOAD_FRAME();
    pc = frame->pc;
    if (kind == RETURN_FOR_NEXT && cd_swallow(vm, vm->exc.StopIteration)) {
      cd_clear(vm, &R[B]);
      JUMP_ON();
    }
    if (kind == RETURN_GETATTR) cd_complete_attribute_error(vm, R[B], NAME_AT(C));
    if (kind == RETURN_DELEGATE || kind == RETURN_ASYNC_NEXT) frame->state = FRAME_RUNNING;
    if (UNLIKELY(flags & FRAME_THROWN) && cd_bits(thread->handling->exception)) cd_raise_exception(vm, cd_take_raised(vm));
    if (UNLIKELY(kind == RETURN_DELEGATE && pc->op == OP_ASYNC_NEXT)) goto async_next_raised;
    goto error;
  }
}
#undef A
#undef B
#undef C

void cd_eval_init_stack(FrameStack *stack)
{
  eval_run(NULL, NULL, EVAL_START, NO_REF, NULL, stack);
  stack->dispatch = stack->plain_dispatch;
}

// ---- ways in ----

static bool eval_c_stack_left(VM *vm)
{
  if (LIKELY((char *)__builtin_frame_address(0) > vm->thread->c_stack_limit)) return true;
  cd_raise_recursion(vm, "");
  return false;
}

SendResult cd_eval(VM *vm, Frame *frame, bool raise, Ref *out)
{
  Thread *thread = vm->thread;
  frame->flags |= FRAME_ENTRY;
  frame->back = thread->frame;
  if (!eval_c_stack_left(vm) || !cd_deeper(vm, thread)) {
    cd_frame_discard(vm, frame);
    return RAISED;
  }
  return eval_run(vm, frame, raise ? EVAL_RAISE : EVAL_START, NO_REF, out, NULL);
}

SendResult cd_frame_resume(VM *vm, Frame *frame, Ref sent, Ref *out)
{
  Thread *thread = vm->thread;
  Generator *generator = cd_generator_of(frame);
  if (!eval_c_stack_left(vm) || !cd_deeper(vm, thread)) {
    cd_drop(vm, sent);
    return RAISED;
  }
  if (generator->delegator) cd_chain_break(vm, generator);
  frame->back = thread->frame;
  SET_KIND(frame, RETURN_CALL);
  frame->flags |= FRAME_ENTRY;
  generator->handling.previous = thread->handling;
  thread->handling = &generator->handling;
  if (cd_bits(sent)) return eval_run(vm, frame, EVAL_RESUME, sent, out, NULL);
  frame->state = FRAME_RUNNING;
  return eval_run(vm, frame, EVAL_RAISE, NO_REF, out, NULL);
}

SendResult cd_frame_next(VM *vm, Frame *frame, Ref *out)
{
  Thread *thread = vm->thread;
  Generator *generator = cd_generator_of(frame);
  const FrameStack *stack = thread->stack;
  if (UNLIKELY(frame->status != GENERATOR_STATUS(FRAME_SUSPENDED, RETURN_CALL) || stack->dispatch != stack->plain_dispatch))
    return cd_frame_resume(vm, frame, cd_none(), out);
  if (!eval_c_stack_left(vm) || !cd_deeper(vm, thread)) return RAISED;
  CD_ASSERT(!generator->delegator);
  frame->back = thread->frame;
  frame->status = ENTERED_STATUS;
  generator->handling.previous = thread->handling;
  thread->handling = &generator->handling;
  return eval_run(vm, frame, EVAL_NEXT, NO_REF, out, NULL);
}

SendResult cd_frame_raise_in_chain(VM *vm, Frame *leaf, Ref *out)
{
  return eval_run(vm, leaf, EVAL_RAISE, NO_REF, out, NULL);
}

SendResult cd_frame_delegate_ended(VM *vm, Frame *leaf, Ref value, Ref *out)
{
  return eval_run(vm, leaf, EVAL_DELEGATE_ENDED, value, out, NULL);
}

bool cd_frame_can_enter(VM *vm) { return eval_c_stack_left(vm) && cd_deeper(vm, vm->thread); }
