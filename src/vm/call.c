// SPDX-License-Identifier: MIT
// call.c: calls of Python functions from native code, and the binding of arguments to parameters
#include "vm/eval.h"

#include "coro/generator.h"
#include "objects/dict.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>

// ---- messages ----

// "'a'", "'a' and 'b'", "'a', 'b', and 'c'" from a list of names (indices into varnames).
static Ref call_join_names(VM *vm, const Code *code, const uint32_t *which, uint32_t count)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  for (uint32_t i = 0; i < count; i++) {
    const char *before = i == 0 ? "" : count == 2 ? " and " : i + 1 == count ? ", and " : ", ";
    if (!cd_text_puts(&text, before) || !cd_text_repr(&text, cd_tuple_item_borrow(code->varnames, which[i]))) {
      cd_text_clear(&text);
      return NO_REF;
    }
  }
  return cd_text_finish(&text);
}

static void call_missing(VM *vm, Function *function, const Value *registers, bool keyword)
{
  Code *code = function->code;
  uint32_t from = keyword ? code->arg_count : 0;
  uint32_t defaults = keyword || !cd_bits(function->defaults) ? 0 : (uint32_t)cd_tuple_size(function->defaults);
  uint32_t to = keyword ? from + code->kwonly_count : code->arg_count - (defaults < code->arg_count ? defaults : code->arg_count);
  uint32_t *which = cd_alloc_array(vm, to - from + 1, sizeof *which);
  if (!which) return;
  uint32_t count = 0;
  for (uint32_t i = from; i < to; i++) {
    if (cd_bits(registers[i])) continue;
    which[count++] = i;
  }
  Ref names = call_join_names(vm, code, which, count);
  cd_free(vm, which, (to - from + 1) * sizeof *which);
  if (!cd_bits(names)) return;
  cd_raise_type(vm, "%U() missing %d required %s argument%s: %U", function->qualname, (int)count, keyword ? "keyword-only" : "positional",
                count == 1 ? "" : "s", names);
  cd_drop(vm, names);
}

static void call_too_many(VM *vm, Function *function, size_t given, const Value *registers)
{
  Code *code = function->code;
  size_t defaults = cd_bits(function->defaults) ? cd_tuple_size(function->defaults) : 0;
  size_t required = code->arg_count > defaults ? code->arg_count - defaults : 0;
  uint32_t keywords = 0;
  for (uint32_t i = code->arg_count; i < code->arg_count + code->kwonly_count; i++) keywords += cd_bits(registers[i]) != 0;
  bool plural = defaults ? true : code->arg_count != 1;
  char takes[64], and_keywords[96] = "";
  if (defaults) snprintf(takes, sizeof takes, "from %zu to %u", required, code->arg_count);
  else snprintf(takes, sizeof takes, "%u", code->arg_count);
  if (keywords)
    snprintf(and_keywords, sizeof and_keywords, " positional argument%s (and %u keyword-only argument%s)", given != 1 ? "s" : "", keywords,
             keywords != 1 ? "s" : "");
  cd_raise_type(vm, "%U() takes %s positional argument%s but %zu%s %s given", function->qualname, takes, plural ? "s" : "", given,
                and_keywords, given == 1 && !keywords ? "was" : "were");
}

// Are some of the keywords names of positional-only parameters? Then that is the error.
static bool call_posonly_as_keyword(VM *vm, Function *function, Value kwnames)
{
  Code *code = function->code;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool any = false;
  for (uint32_t i = 0; i < code->posonly_count; i++) {
    Value name = cd_tuple_item_borrow(code->varnames, i);
    for (size_t k = 0; k < cd_tuple_size(kwnames); k++) {
      if (!cd_str_equal(name, cd_tuple_item_borrow(kwnames, k))) continue;
      if ((any && !cd_text_puts(&text, ", ")) || !cd_text_str(&text, name)) { cd_text_clear(&text); return true; }
      any = true;
    }
  }
  if (!any) { cd_text_clear(&text); return false; }
  Ref names = cd_text_finish(&text);
  if (cd_bits(names))
    cd_raise_type(vm, "%U() got some positional-only arguments passed as keyword arguments: '%U'", function->qualname, names);
  cd_drop(vm, names);
  return true;
}

// ---- binding ----

// The parameter a keyword names, or -1.
static int call_find_parameter(const Code *code, Value name)
{
  uint32_t total = code->arg_count + code->kwonly_count;
  const Value *names = ((Tuple *)cd_object(code->varnames))->items;
  for (uint32_t i = code->posonly_count; i < total; i++)
    if (cd_is(names[i], name)) return (int)i;
  for (uint32_t i = code->posonly_count; i < total; i++)
    if (cd_str_equal(names[i], name)) return (int)i;
  return -1;
}

static bool call_bind_keywords(VM *vm, Function *function, Value *registers, const Value *values, Value kwnames, Value extra)
{
  Code *code = function->code;
  for (size_t k = 0; k < cd_tuple_size(kwnames); k++) {
    Value name = cd_tuple_item_borrow(kwnames, k);
    if (!cd_is_str(name)) { cd_raise_type(vm, "%U() keywords must be strings", function->qualname); return false; }
    int i = call_find_parameter(code, name);
    if (i < 0) {
      if (cd_bits(extra)) {
        if (!cd_dict_set(vm, extra, name, values[k])) return false;
        continue;
      }
      if (code->posonly_count && call_posonly_as_keyword(vm, function, kwnames)) return false;
      cd_raise_type(vm, "%U() got an unexpected keyword argument '%S'", function->qualname, name);
      return false;
    }
    if (cd_bits(registers[i])) {
      cd_raise_type(vm, "%U() got multiple values for argument '%S'", function->qualname, name);
      return false;
    }
    registers[i] = cd_dup(values[k]);
  }
  return true;
}

static bool call_fill_defaults(VM *vm, Function *function, Value *registers, size_t given)
{
  Code *code = function->code;
  if (given < code->arg_count) {
    size_t defaults = cd_bits(function->defaults) ? cd_tuple_size(function->defaults) : 0;
    size_t required = code->arg_count > defaults ? code->arg_count - defaults : 0;
    for (size_t i = given; i < required; i++)
      if (!cd_bits(registers[i])) { call_missing(vm, function, registers, false); return false; }
    size_t skip = defaults > code->arg_count ? defaults - code->arg_count : 0;
    for (size_t i = given > required ? given : required; i < code->arg_count; i++)
      if (!cd_bits(registers[i])) registers[i] = cd_dup(cd_tuple_item_borrow(function->defaults, skip + i - required));
  }
  bool missing = false;
  for (uint32_t i = code->arg_count; i < code->arg_count + code->kwonly_count; i++) {
    if (cd_bits(registers[i])) continue;
    if (cd_bits(function->kwdefaults)) {
      Ref value;
      Find found = cd_dict_find(vm, function->kwdefaults, cd_tuple_item_borrow(code->varnames, i), &value);
      if (found == FIND_ERROR) return false;
      if (found == FIND_HIT) { registers[i] = value; continue; }
    }
    missing = true;
  }
  if (missing) call_missing(vm, function, registers, true);
  return !missing;
}

bool cd_bind_arguments(VM *vm, Function *function, Value *registers, const Value *args, size_t nargs, Value kwnames)
{
  Code *code = function->code;
  uint32_t parameters = code->arg_count + code->kwonly_count;
  size_t taken = nargs < code->arg_count ? nargs : code->arg_count;
  Value extra = NO_VALUE;
  if (code->flags & CO_VARKEYWORDS) {
    uint32_t slot = parameters + (code->flags & CO_VARARGS ? 1 : 0);
    Ref dict = cd_dict_new(vm);
    if (!cd_bits(dict)) return false;
    registers[slot] = extra = dict;
  }
  for (size_t i = 0; i < taken; i++) registers[i] = cd_dup(args[i]);
  if (code->flags & CO_VARARGS) {
    Ref rest = cd_tuple_of(vm, nargs - taken, args + taken);
    if (!cd_bits(rest)) return false;
    registers[parameters] = rest;
  }
  if (cd_bits(kwnames) && !call_bind_keywords(vm, function, registers, args + nargs, kwnames, extra)) return false;
  if (nargs > code->arg_count && !(code->flags & CO_VARARGS)) {
    call_too_many(vm, function, nargs, registers);
    return false;
  }
  return call_fill_defaults(vm, function, registers, nargs);
}

// ---- frames for calls ----

bool cd_too_deep(VM *vm)
{
  cd_raise_recursion(vm, "");
  return false;
}

Frame *cd_frame_for_call(VM *vm, Function *function, const Value *args, size_t nargs, Value kwnames)
{
  Code *code = function->code;
  uint16_t flags;
  Frame *frame = cd_stack_push(vm, vm->thread->stack, cd_frame_size(code), &flags);
  if (!frame) return NULL;
  cd_dup_object(function);
  cd_frame_init(frame, function, code, flags);
  memset(frame->registers, 0, code->register_count * sizeof(Value));
  if (!(code->flags & CO_OPTIMIZED)) frame->locals = cd_dup(function->globals);   // a module's code made a function
  if (LIKELY(cd_bind_arguments(vm, function, frame->registers, args, nargs, kwnames))) return frame;
  cd_frame_discard(vm, frame);
  return NULL;
}

static Ref call_new_generator(VM *vm, Function *function, const Value *args, size_t nargs, Value kwnames)
{
  Ref generator = cd_generator_new(vm, function, NULL, 0);
  if (!cd_bits(generator)) return NO_REF;
  Generator *g = (Generator *)cd_object(generator);
  if (cd_bind_arguments(vm, function, g->frame.registers, args, nargs, kwnames)) return generator;
  cd_generator_abandon(vm, generator);
  return NO_REF;
}

Ref cd_function_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  Function *function = (Function *)cd_object(callable);
  if (function->code->flags & CO_ANY_GENERATOR) return call_new_generator(vm, function, args, nargs, kwnames);
  Frame *frame = cd_frame_for_call(vm, function, args, nargs, kwnames);
  if (!frame) return NO_REF;
  Ref result = NO_REF;
  return cd_eval(vm, frame, false, &result) == RETURNED ? result : NO_REF;
}

// The dict behind globals["__builtins__"], the VM's own if there is none. New reference.
static Ref call_builtins_of(VM *vm, Value globals)
{
  Ref found;
  Find find = cd_dict_find(vm, globals, N(__builtins__), &found);
  if (find == FIND_ERROR) return NO_REF;
  if (find == FIND_MISSING) return cd_dup(vm->builtins_dict);
  if (!cd_is_exact(found, vm->types.module)) return found;
  Ref dict = cd_dup(cd_module_dict(found));
  cd_drop(vm, found);
  return dict;
}

Ref cd_eval_code(VM *vm, Code *code, Value globals, Value locals, Value closure)
{
  Ref builtins = call_builtins_of(vm, globals);
  if (!cd_bits(builtins)) return NO_REF;
  if (code->flags & CO_ANY_GENERATOR || code->arg_count + code->kwonly_count || code->flags & CO_OPTIMIZED) {   // exec(function.__code__)
    Ref function = cd_function_new(vm, code, globals, NO_VALUE);
    cd_drop(vm, builtins);
    if (!cd_bits(function)) return NO_REF;
    if (cd_bits(closure)) cd_replace(vm, &((Function *)cd_object(function))->closure, cd_dup(closure));
    Ref result = cd_function_call(vm, function, NULL, 0, NO_VALUE);
    cd_drop(vm, function);
    bool own_locals = cd_bits(result) && cd_bits(locals) && (code->flags & CO_ANY_GENERATOR) && !(code->flags & CO_OPTIMIZED);
    if (own_locals) cd_replace(vm, &((Generator *)cd_object(result))->frame.locals, cd_dup(locals));
    return result;
  }
  uint16_t flags;
  Frame *frame = cd_stack_push(vm, vm->thread->stack, cd_frame_size(code), &flags);
  if (!frame) { cd_drop(vm, builtins); return NO_REF; }
  cd_dup_object(code);
  frame->code = code;
  frame->pc = code->instrs;
  frame->back = NULL;
  frame->function = NULL;
  frame->globals = cd_dup(globals);
  frame->builtins = builtins;
  frame->locals = cd_dup(cd_bits(locals) ? locals : globals);
  frame->object = NULL;
  frame->state = FRAME_RUNNING;
  frame->flags = flags | FRAME_OWN_LOCALS;
  frame->return_register = 0;
  frame->traced_line = 0;
  memset(frame->registers, 0, code->register_count * sizeof(Value));
  if (cd_bits(closure))
    for (uint32_t i = 0; i < code->free_count; i++) frame->registers[code->first_free + i] = cd_dup(cd_tuple_item_borrow(closure, i));
  Ref result = NO_REF;
  return cd_eval(vm, frame, false, &result) == RETURNED ? result : NO_REF;
}

static Ref call_eval_hook(VM *vm, Code *code, Value globals, Value locals)
{
  return cd_eval_code(vm, code, globals, locals, NO_VALUE);
}

bool cd_vm_init(VM *vm)
{
  vm->types.function->slots.call = cd_function_call;
  vm->eval_frame_of = call_eval_hook;
  vm->handle_breaker = cd_handle_breaker;
  vm->running_globals = cd_running_globals;
  vm->super_arguments = cd_super_arguments;
  vm->chain_epoch = 1;
  return true;
}
