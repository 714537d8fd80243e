// SPDX-License-Identifier: MIT
// atexit.c: functions that run when the VM ends
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/tuple.h"

typedef struct AtexitState {
  Value calls;
} AtexitState;   // list of (function, args, kwargs or None), owned; NO_VALUE: none. None: removed

static AtexitState *atexit_state(VM *vm) { return cd_state(vm, MODULE_atexit); }

static Ref atexit_keywords(VM *vm, const Value *values, Value kwnames)
{
  if (!cd_bits(kwnames) || !cd_tuple_size(kwnames)) return cd_none();
  Ref dict = cd_dict_new(vm);
  for (size_t i = 0; dict && i < cd_tuple_size(kwnames); i++)
    if (!cd_dict_set(vm, dict, cd_tuple_item_borrow(kwnames, i), values[i])) { cd_drop(vm, dict); return NO_REF; }
  return dict;
}

METHOD_DEF_RAW_(
  atexit_register, "register", "register(func, /, *args, **kwargs)",
  "register(func, *args, **kwargs) -> func\n\nHave a function called when the interpreter ends, with these arguments; the last one first.",
  METHOD_NO_SIGNATURE)
{
  if (nargs == 0) return cd_raise_type(vm, "register() takes at least 1 argument (0 given)");
  if (!cd_is_callable(vm, args[0])) return cd_raise_type(vm, "the first argument must be callable");
  AtexitState *state = atexit_state(vm);
  if (!cd_bits(state->calls) && !(state->calls = cd_list_new(vm))) return NO_REF;
  Ref call = cd_tuple3_steal(vm, cd_dup(args[0]), cd_tuple_of(vm, nargs - 1, args + 1), atexit_keywords(vm, args + nargs, kwnames));
  return call && cd_list_append_steal(vm, cd_as_list(state->calls), call) ? cd_dup(args[0]) : NO_REF;
}

static void atexit_run(VM *vm)
{
  AtexitState *state = vm->module_state ? atexit_state(vm) : NULL;
  // A function may register more: they run, too.
  while (state && cd_bits(state->calls) && cd_list_size(state->calls)) {
    Ref call = cd_list_pop(vm, cd_as_list(state->calls), cd_list_size(state->calls) - 1);
    if (!cd_is_tuple(call)) continue;
    Value function = cd_tuple_item_borrow(call, 0), kwargs = cd_tuple_item_borrow(call, 2);
    Ref result = cd_call_ex(vm, function, cd_tuple_item_borrow(call, 1), cd_is_none(kwargs) ? NO_VALUE : kwargs);
    if (!result) cd_write_unraisable_in(vm, "Exception ignored in atexit callback", function);
    cd_drop(vm, result);
    cd_drop(vm, call);
  }
}

void cd_modules_run_atexit(VM *vm)
{
  Ref raised = cd_take_raised(vm);
  atexit_run(vm);
  cd_restore_raised(vm, raised);
}

FUNCTION(atexit, _run_exitfuncs, "_run_exitfuncs()", "_run_exitfuncs() -> None\n\nRun the registered functions now, and forget them.")
{
  atexit_run(vm);
  return cd_none();
}

FUNCTION(atexit, _clear, "_clear()", "_clear() -> None\n\nForget the registered functions.")
{
  cd_clear(vm, &atexit_state(vm)->calls);
  return cd_none();
}

FUNCTION(atexit, unregister, "unregister(func, /)", "unregister(func) -> None\n\nForget every registration of a function.")
{
  AtexitState *state = atexit_state(vm);
  for (size_t i = 0; cd_bits(state->calls) && i < cd_list_size(state->calls); i++) {
    Ref call = cd_dup(cd_list_item_borrow(state->calls, i));
    bool equal = false, ok = !cd_is_tuple(call) || cd_equal(vm, cd_tuple_item_borrow(call, 0), args[0], &equal);
    if (ok && equal && cd_bits(state->calls) && i < cd_list_size(state->calls) && cd_is(cd_list_item_borrow(state->calls, i), call))
      cd_drop(vm, cd_list_pop(vm, cd_as_list(state->calls), i--));
    cd_drop(vm, call);
    if (!ok) return NO_REF;
  }
  return cd_none();
}

FUNCTION(atexit, _ncallbacks, "_ncallbacks()", "_ncallbacks() -> int\n\nReturn the number of registered functions.")
{
  Value calls = atexit_state(vm)->calls;
  return cd_from_small(cd_bits(calls) ? (int64_t)cd_list_size(calls) : 0);
}

static const MethodDef *const atexit_functions[] = {
  &atexit_register_def, &atexit__run_exitfuncs_def, &atexit__clear_def, &atexit_unregister_def, &atexit__ncallbacks_def, NULL,
};

static void atexit_clear(VM *vm, void *state) { cd_clear(vm, &((AtexitState *)state)->calls); }

const ModuleDef cd_module_atexit = {
  .name = "atexit",
  .doc = "Functions to be called when the interpreter ends.",
  .functions = atexit_functions,
  .state_size = sizeof(AtexitState),
  .clear = atexit_clear,
};
