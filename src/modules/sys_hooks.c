// SPDX-License-Identifier: MIT
// sys_hooks.c: sys hooks (display, exceptions, unraisable errors, breakpoints, auditing, async generators) and ending a program
#include "core/lock.h"
#include "coro/generator.h"
#include "modules/import.h"
#include "modules/io.h"
#include "modules/sys.h"
#include "modules/sys_parts.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "vm/vm_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// ---- standard error ----

static void hooks_write_fd(const char *data, size_t size)
{
  while (size) {
    ssize_t n = write(2, data, size);
    if (n <= 0) return;
    data += n;
    size -= (size_t)n;
  }
}

static void hooks_write_text(VM *vm, Value text)
{
  Ref file = cd_dup(cd_sys_get_borrow(vm, "stderr"));
  if (!file || cd_is_none(file)) {
    hooks_write_fd(cd_str_data(text), cd_str_size(text));
  } else {
    Ref result = cd_call_method1(vm, file, N(write), text);
    if (!result) {
      cd_clear_raised(vm);
      hooks_write_fd(cd_str_data(text), cd_str_size(text));
    }
    cd_drop(vm, result);
  }
  cd_drop(vm, file);
}

void cd_sys_write_stderr(VM *vm, const char *format, ...)
{
  Ref raised = cd_take_raised(vm);
  va_list args;
  va_start(args, format);
  Ref text = cd_str_vformat(vm, format, args);
  va_end(args);
  if (text) hooks_write_text(vm, text);
  cd_drop(vm, text);
  cd_restore_raised(vm, raised);
}

static bool hooks_flush(VM *vm, const char *name)
{
  Ref file = cd_dup(cd_sys_get_borrow(vm, name));
  bool ok = true;
  if (file && !cd_is_none(file) && !cd_io_is_flushed(vm, file)) {
    Ref closed = NO_REF;
    bool is_closed = false;
    Ref key = cd_intern(vm, "closed");
    if (key && cd_getattr_find(vm, file, key, &closed) == FIND_HIT && !cd_truth(vm, closed, &is_closed)) is_closed = false;
    cd_drop(vm, key);
    cd_drop(vm, closed);
    cd_clear_raised(vm);
    Ref result = is_closed ? cd_none() : cd_call_method0(vm, file, N(flush));
    ok = result != NO_REF;
    cd_drop(vm, result);
  }
  if (!ok && !strcmp(name, "stdout")) cd_write_unraisable(vm, file);
  cd_clear_raised(vm);
  cd_drop(vm, file);
  return ok;
}

bool cd_flush_streams(VM *vm)
{
  Ref raised = cd_take_raised(vm);
  bool out = hooks_flush(vm, "stdout"), err = hooks_flush(vm, "stderr");
  cd_restore_raised(vm, raised);
  return out && err;
}

// ---- display ----

FUNCTION(sys, displayhook, "displayhook(object, /)", "Print repr(object) and keep the object in builtins._, unless it is None.")
{
  Value value = args[0];
  if (cd_is_none(value)) return cd_none();
  if (!cd_dict_set_text(vm, vm->builtins_dict, "_", cd_none())) return NO_REF;
  Ref file = cd_dup(cd_sys_get_borrow(vm, "stdout"));
  if (!file || cd_is_none(file)) { cd_drop(vm, file); return cd_raise_runtime(vm, "lost sys.stdout"); }
  Ref text = cd_repr(vm, value), result = text ? cd_call_method1(vm, file, N(write), text) : NO_REF;
  if (!result && text && cd_swallow(vm, vm->exc.UnicodeEncodeError)) {
    // What the stream's encoding can't show is written with backslashes.
    Ref encoding = cd_getattr(vm, file, N(encoding)), bytes = NO_REF, shown = NO_REF;
    const char *name = encoding && cd_is_str(encoding) ? cd_str_data(encoding) : "ascii";
    if (encoding && (bytes = cd_encode(vm, text, name, "backslashreplace"))) {
      Buffer buffer;
      if (cd_get_buffer(vm, bytes, &buffer, BUFFER_SIMPLE)) {
        shown = cd_decode(vm, buffer.data, (size_t)buffer.size, name, "strict");
        cd_release_buffer(vm, &buffer);
      }
    }
    result = shown ? cd_call_method1(vm, file, N(write), shown) : NO_REF;
    cd_drop(vm, encoding);
    cd_drop(vm, bytes);
    cd_drop(vm, shown);
  }
  cd_drop(vm, text);
  if (result) {
    cd_drop(vm, result);
    Ref newline = cd_str_from_char(vm, '\n');
    result = newline ? cd_call_method1(vm, file, N(write), newline) : NO_REF;
    cd_drop(vm, newline);
  }
  cd_drop(vm, file);
  if (!result || !cd_dict_set_text(vm, vm->builtins_dict, "_", value)) { cd_drop(vm, result); return NO_REF; }
  cd_drop(vm, result);
  return cd_none();
}

// ---- exceptions that end a program ----

FUNCTION(sys, excepthook, "excepthook(exctype, value, traceback, /)", "Print an exception with its traceback to sys.stderr.")
{
  if (!cd_is_exception(args[1])) {
    cd_sys_write_stderr(vm, "TypeError: print_exception(): Exception expected for value, %T found\n", args[1]);
    return cd_none();
  }
  Exception *e = cd_as_exception(args[1]);
  if (cd_is_exact(args[2], vm->types.traceback) && !cd_bits(e->traceback)) cd_replace(vm, &e->traceback, cd_dup(args[2]));
  Ref file = cd_dup(cd_sys_get_borrow(vm, "stderr"));
  if (file && cd_is_none(file)) return cd_none();
  bool ok = cd_print_exception_to(vm, file, args[1]);
  if (!ok) cd_clear_raised(vm);
  if (file && hooks_flush(vm, "stderr")) {}
  cd_drop(vm, file);
  return cd_none();
}

// Remembers the exception for a post-mortem debugger.
static void hooks_set_last(VM *vm, Value type, Value value, Value traceback)
{
  if (!cd_sys_set(vm, "last_type", type) || !cd_sys_set(vm, "last_value", value) || !cd_sys_set(vm, "last_traceback", traceback))
    cd_clear_raised(vm);
}

void cd_print_exception(VM *vm)
{
  Ref value = cd_take_raised(vm);
  if (!value) return;
  Value traceback = cd_as_exception(value)->traceback;
  Ref type = cd_dup(cd_type_value(cd_type_of(vm, value))), trace = cd_bits(traceback) ? cd_dup(traceback) : cd_none();
  hooks_set_last(vm, type, value, trace);
  Ref hook = cd_dup(cd_sys_get_borrow(vm, "excepthook"));
  Ref result = NO_REF;
  if (hook && cd_audit(vm, "sys.excepthook", 4, (Value[]){hook, type, value, trace})) result = cd_call3(vm, hook, type, value, trace);
  else if (!hook) {
    cd_sys_write_stderr(vm, "sys.excepthook is missing\n");
    if (!cd_print_exception_to(vm, cd_sys_get_borrow(vm, "stderr"), value)) cd_clear_raised(vm);
  }
  if (cd_raised(vm) && !cd_raised_is(vm, vm->exc.SystemExit)) {
    Ref second = cd_take_raised(vm), file = cd_dup(cd_sys_get_borrow(vm, "stderr"));
    cd_sys_write_stderr(vm, "Error in sys.excepthook:\n");
    if (!cd_print_exception_to(vm, file, second)) cd_clear_raised(vm);
    cd_sys_write_stderr(vm, "\nOriginal exception was:\n");
    if (!cd_print_exception_to(vm, file, value)) cd_clear_raised(vm);
    cd_drop(vm, file);
    cd_drop(vm, second);
  }
  cd_drop(vm, result);
  cd_drop(vm, hook);
  cd_drop(vm, type);
  cd_drop(vm, trace);
  cd_drop(vm, value);
}

// SystemExit's code as an exit status; other codes than None and integers are printed.
static int hooks_exit_code(VM *vm, Value code)
{
  int64_t status;
  if (!cd_bits(code) || cd_is_none(code)) return 0;
  if (cd_is_int(code)) return cd_int_fits_i64(code, &status) ? (int)(status & 0xFF) : 255;
  Ref text = cd_str(vm, code);
  if (text) cd_sys_write_stderr(vm, "%U\n", text);
  else cd_clear_raised(vm);
  cd_drop(vm, text);
  return 1;
}

int cd_exit_status(VM *vm)
{
  if (!cd_raised(vm)) return 0;
  if (!cd_raised_is(vm, vm->exc.SystemExit)) {
    bool interrupt = cd_raised_is(vm, vm->exc.KeyboardInterrupt);
    cd_print_exception(vm);
    // An excepthook may end the program itself, with its own status.
    if (cd_raised_is(vm, vm->exc.SystemExit)) return cd_exit_status(vm);
    cd_clear_raised(vm);
    return interrupt ? CD_STATUS_INTERRUPTED : 1;
  }
  Ref exception = cd_take_raised(vm), code = NO_REF, name = cd_intern(vm, "code");
  if (!cd_flush_streams(vm)) {}
  if (!name || cd_getattr_find(vm, exception, name, &code) == FIND_ERROR) cd_clear_raised(vm);
  int status = hooks_exit_code(vm, code);
  cd_drop(vm, name);
  cd_drop(vm, code);
  cd_drop(vm, exception);
  return status;
}

// ---- exceptions that nobody can catch ----

static const StructSpec unraisable_spec = {
  "UnraisableHookArgs",
  "UnraisableHookArgs\n\nWhat sys.unraisablehook is told.",
  (const StructField[]){{"exc_type", "Exception type"},
                        {"exc_value", "Exception value"},
                        {"exc_traceback", "Exception traceback"},
                        {"err_msg", "Error message"},
                        {"object", "Object causing the exception"},
                        {0}},
  5,
};

FUNCTION(sys, unraisablehook, "unraisablehook(unraisable, /)",
         "Report an exception that can't be raised where it happened, as in __del__().")
{
  if (!cd_is_exact(args[0], sys_state(vm)->unraisable_args_type))
    return cd_raise_type(vm, "sys.unraisablehook argument type must be UnraisableHookArgs");
  const Value *field = cd_as_tuple(args[0])->items;  // type, value, traceback, message, object
  Ref file = cd_dup(cd_sys_get_borrow(vm, "stderr"));
  if (file && cd_is_none(file)) return cd_none();
  cd_drop(vm, file);
  if (!cd_is_none(field[4])) {
    Ref text = cd_repr(vm, field[4]);
    if (!text) cd_clear_raised(vm);
    Ref message = cd_is_none(field[3]) ? NO_REF : cd_str(vm, field[3]);
    cd_clear_raised(vm);
    cd_sys_write_stderr(vm, "%s: %s\n", message ? cd_str_data(message) : "Exception ignored in",
                        text ? cd_str_data(text) : "<object repr() failed>");
    cd_drop(vm, text);
    cd_drop(vm, message);
  } else if (!cd_is_none(field[3])) {
    Ref message = cd_str(vm, field[3]);
    if (message) cd_sys_write_stderr(vm, "%U:\n", message);
    else cd_clear_raised(vm);
    cd_drop(vm, message);
  }
  if (!cd_print_unraisable_body(vm, field[0], field[1], field[2])) cd_clear_raised(vm);
  if (hooks_flush(vm, "stderr")) {}
  return cd_none();
}

static void hooks_unraisable(VM *vm, const char *message, Value where)
{
  if (!cd_raised(vm)) return;
  if (!cd_bits(cd_as_exception(vm->thread->raised)->traceback) && vm->thread->frame && !cd_traceback_add(vm, vm->thread->frame))
    CD_ASSERT(cd_raised(vm));
  Ref value = cd_take_raised(vm);
  Value traceback = cd_as_exception(value)->traceback;
  Ref text = message ? cd_str_from(vm, message) : cd_none();
  Value items[5] = {cd_type_value(cd_type_of(vm, value)), value, cd_bits(traceback) ? traceback : cd_none(), text,
                    cd_bits(where) ? where : cd_none()};
  Ref arguments = text && sys_state(vm)->unraisable_args_type ? cd_struct_new(vm, sys_state(vm)->unraisable_args_type, items) : NO_REF;
  Ref hook = cd_dup(cd_sys_get_borrow(vm, "unraisablehook")), result = NO_REF;
  if (arguments && hook && cd_audit(vm, "sys.unraisablehook", 2, (Value[]){hook, arguments})) result = cd_call1(vm, hook, arguments);
  if (!result) {
    // The hook failed: report that plainly, and then the first error.
    Ref second = cd_take_raised(vm);
    if (second) {
      cd_sys_write_stderr(vm, "Exception ignored in sys.unraisablehook: ");
      Ref shown = hook ? cd_repr(vm, hook) : NO_REF;
      if (shown) cd_sys_write_stderr(vm, "%U\n", shown);
      cd_clear_raised(vm);
      cd_drop(vm, shown);
      if (!cd_print_exception_to(vm, cd_sys_get_borrow(vm, "stderr"), second)) cd_clear_raised(vm);
    }
    cd_drop(vm, second);
  }
  cd_drop(vm, result);
  cd_drop(vm, hook);
  cd_drop(vm, arguments);
  cd_drop(vm, value);
  cd_clear_raised(vm);
}

// ---- breakpoints ----

// PYTHONBREAKPOINT names the function; empty is pdb.set_trace, "0" none.
FUNCTION_RAW(sys, breakpointhook, "breakpointhook(*args, **kws)",
             "breakpointhook(*args, **kws)\n\nWhat breakpoint() calls: the function that PYTHONBREAKPOINT names, or pdb.set_trace().")
{
  const char *name = vm->config.ignore_environment ? NULL : getenv("PYTHONBREAKPOINT");
  if (!name || !*name) name = "pdb.set_trace";
  if (!strcmp(name, "0")) return cd_none();
  const char *dot = strrchr(name, '.');
  Ref module_name = dot ? cd_str_decode_utf8(vm, name, (size_t)(dot - name), "surrogateescape") : cd_str_from(vm, "builtins");
  Ref module = module_name ? cd_import_module(vm, module_name) : NO_REF, hook = NO_REF;
  if (module) hook = cd_getattr_text(vm, module, dot ? dot + 1 : name);
  cd_drop(vm, module_name);
  cd_drop(vm, module);
  if (!hook) {
    if (!cd_swallow(vm, vm->exc.ImportError) && !cd_swallow(vm, vm->exc.AttributeError) && !cd_swallow(vm, vm->exc.ValueError))
      return NO_REF;
    return cd_warn(vm, vm->exc.RuntimeWarning, 1, "Ignoring unimportable $PYTHONBREAKPOINT: \"%s\"", name) ? cd_none() : NO_REF;
  }
  Ref result = cd_call(vm, hook, args, nargs, kwnames);
  cd_drop(vm, hook);
  return result;
}

// ---- auditing ----

bool cd_audit(VM *vm, const char *event, size_t count, const Value *args)
{
  SysState *state = vm->module_state ? sys_state(vm) : NULL;
  if (LIKELY(!state || !cd_bits(state->audit_hooks))) return true;
  Ref name = cd_str_from(vm, event), tuple = name ? cd_tuple_of(vm, count, args) : NO_REF;
  Ref hooks = cd_dup(state->audit_hooks);
  bool ok = tuple != NO_REF;
  // A hook is not traced, so that it can't be stepped around.
  vm->thread->tracing++;
  for (size_t i = 0; ok && i < cd_list_size(hooks); i++) {
    Ref hook = cd_dup(cd_list_item_borrow(hooks, i)), result = cd_call2(vm, hook, name, tuple);
    ok = result != NO_REF;
    cd_drop(vm, result);
    cd_drop(vm, hook);
  }
  vm->thread->tracing--;
  cd_drop(vm, hooks);
  cd_drop(vm, tuple);
  cd_drop(vm, name);
  return ok;
}

FUNCTION_RAW(sys, audit, "audit(event, *args)", "audit(event, *args)\n\nPasses the event to the hooks that are attached.")
{
  if (!cd_no_keywords(vm, "sys.audit", kwnames)) return NO_REF;
  if (nargs == 0) return cd_raise_type(vm, "audit expected at least 1 argument, got 0");
  if (!cd_bits(sys_state(vm)->audit_hooks)) return cd_none();
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "expected str for argument 'event', not %T", args[0]);
  const char *event = cd_str_utf8(vm, args[0], NULL);
  return event && cd_audit(vm, event, nargs - 1, args + 1) ? cd_none() : NO_REF;
}

FUNCTION(sys, addaudithook, "addaudithook(hook)", "Add a function that is called with every audit event; it can't be removed.")
{
  SysState *state = sys_state(vm);
  if (!cd_audit(vm, "sys.addaudithook", 0, NULL)) return cd_swallow(vm, vm->exc.RuntimeError) ? cd_none() : NO_REF;
  if (!cd_bits(state->audit_hooks) && !(state->audit_hooks = cd_list_new(vm))) return NO_REF;
  return cd_list_append(vm, cd_as_list(state->audit_hooks), args[0]) ? cd_none() : NO_REF;
}

// ---- asynchronous generators ----

static const StructSpec asyncgen_hooks_spec = {
  "asyncgen_hooks", "Functions that are told about the first iteration and the end of asynchronous generators.",
  (const StructField[]){{"firstiter", NULL}, {"finalizer", NULL}, {0}},
  2,
};

static bool hooks_check_callable(VM *vm, const char *name, Value v)
{
  return !cd_bits(v) || cd_is_none(v) || cd_is_callable(vm, v) || cd_raise_type(vm, "callable %s expected, got %T", name, v);
}

static void hooks_set_callable(VM *vm, Value *slot, Value v)
{
  if (cd_bits(v)) cd_replace(vm, slot, cd_is_none(v) ? NO_REF : cd_dup(v));
}

FUNCTION(sys, set_asyncgen_hooks, "set_asyncgen_hooks(firstiter=None, finalizer=None)",
         "set_asyncgen_hooks(* [, firstiter] [, finalizer])\n\nSet what is called at the first iteration and at the end of asynchronous "
         "generators.")
{
  if (!hooks_check_callable(vm, "finalizer", args[1]) || !hooks_check_callable(vm, "firstiter", args[0])) return NO_REF;
  if (cd_bits(args[1]) && !cd_audit(vm, "sys.set_asyncgen_hook_finalizer", 0, NULL)) return NO_REF;
  hooks_set_callable(vm, &vm->thread->asyncgen_finalizer, args[1]);
  if (cd_bits(args[0]) && !cd_audit(vm, "sys.set_asyncgen_hook_firstiter", 0, NULL)) return NO_REF;
  hooks_set_callable(vm, &vm->thread->asyncgen_firstiter, args[0]);
  return cd_none();
}

FUNCTION(sys, get_asyncgen_hooks, "get_asyncgen_hooks()", "Return the functions set by set_asyncgen_hooks(), as (firstiter, finalizer).")
{
  Value first = vm->thread->asyncgen_firstiter, last = vm->thread->asyncgen_finalizer;
  return cd_struct_new(vm, sys_state(vm)->asyncgen_hooks_type,
                       (Value[]){cd_bits(first) ? first : cd_none(), cd_bits(last) ? last : cd_none()});
}

FUNCTION(sys, get_coroutine_origin_tracking_depth, "get_coroutine_origin_tracking_depth()",
         "Return how many frames cr_origin of new coroutines shows.")
{
  return cd_from_small(vm->thread->coroutine_origin_depth);
}

FUNCTION(sys, set_coroutine_origin_tracking_depth, "set_coroutine_origin_tracking_depth(depth)",
         "Set how many frames cr_origin of new coroutines shows; 0 is none.")
{
  int depth;
  if (!cd_to_c_int(vm, args[0], &depth)) return NO_REF;
  if (depth < 0) return cd_raise_value(vm, "depth must be >= 0");
  vm->thread->coroutine_origin_depth = depth;
  return cd_none();
}

// ORDER: AsyncgenMode
static const char *const asyncgen_modes[] = {"safe", "compat", "strict"};

FUNCTION(sys, set_asyncgen_mode, "set_asyncgen_mode(mode, /)",
         "Choose who closes asynchronous generators that are left early.\n\n'compat': the event loop's hooks, whenever they run; 'safe': "
         "the loop that leaves\none awaits its aclose(); 'strict': like safe, and generators that stay open are\nerrors.")
{
  for (int i = 0; i < 3; i++) {
    if (!cd_str_is(args[0], asyncgen_modes[i])) continue;
    vm->asyncgen_mode = i;
    return cd_none();
  }
  return cd_raise_value(vm, "mode must be 'compat', 'safe' or 'strict', not %R", args[0]);
}

FUNCTION(sys, get_asyncgen_mode, "get_asyncgen_mode()", "Return the mode set by set_asyncgen_mode() or -X asyncgen.")
{
  return cd_str_from(vm, asyncgen_modes[vm->asyncgen_mode]);
}

FUNCTION(sys, set_asyncgen_grace, "set_asyncgen_grace(seconds, /)",
         "Set how long the end of a run waits for asynchronous generators that it closes.")
{
  double seconds;
  if (!cd_to_double(vm, args[0], &seconds)) return NO_REF;
  if (!(seconds >= 0)) return cd_raise_value(vm, "seconds must be >= 0");
  vm->asyncgen_grace = seconds;
  return cd_none();
}

FUNCTION(sys, get_asyncgen_grace, "get_asyncgen_grace()", "Return the seconds set by set_asyncgen_grace(); 5 by default.")
{
  return cd_float_new(vm, vm->asyncgen_grace);
}

FUNCTION(sys, _open_async_generators, "_open_async_generators(loop=None, /)",
         "For event loops: the open asynchronous generators to close at the end of loop's run, in order.")
{
  return cd_async_generators_open(vm, cd_bits(args[0]) && !cd_is_none(args[0]) ? args[0] : NO_VALUE);
}

FUNCTION(sys, live_generators, "live_generators()",
         "List the generators, coroutines and asynchronous generators that are not finished.\n\nEach is a tuple: the object, its state "
         "('created', 'running', 'suspended'), and\nthe file and line of the code that made it, or None.")
{
  return cd_generators_list(vm);
}

// ---- the table ----

static const MethodDef *const hook_functions[] = {
  &sys_displayhook_def,
  &sys_excepthook_def,
  &sys_unraisablehook_def,
  &sys_breakpointhook_def,
  &sys_audit_def,
  &sys_addaudithook_def,
  &sys_set_asyncgen_hooks_def,
  &sys_get_asyncgen_hooks_def,
  &sys_get_coroutine_origin_tracking_depth_def,
  &sys_set_coroutine_origin_tracking_depth_def,
  &sys_set_asyncgen_mode_def,
  &sys_get_asyncgen_mode_def,
  &sys_live_generators_def,
  &sys_set_asyncgen_grace_def,
  &sys_get_asyncgen_grace_def,
  &sys__open_async_generators_def,
  NULL,
};

static bool hooks_alias(VM *vm, Value module, const char *alias, const char *name)
{
  return cd_module_add(vm, module, alias, cd_dup(cd_dict_get_text_borrow(vm, cd_module_dict(module), name)));
}

bool cd_sys_add_hooks(VM *vm, Value module)
{
  SysState *state = sys_state(vm);
  vm->unraisable = hooks_unraisable;
  if (!(state->unraisable_args_type = cd_struct_type_new(vm, &unraisable_spec, false)) ||
      !(state->asyncgen_hooks_type = cd_struct_type_new(vm, &asyncgen_hooks_spec, false)))
    return false;
  for (size_t i = 0; hook_functions[i]; i++)
    if (!cd_module_add(vm, module, hook_functions[i]->name,
                       cd_native_new(vm, hook_functions[i], module, ((Module *)cd_object(module))->name)))
      return false;
  return hooks_alias(vm, module, "__displayhook__", "displayhook") && hooks_alias(vm, module, "__excepthook__", "excepthook") &&
         hooks_alias(vm, module, "__unraisablehook__", "unraisablehook") && hooks_alias(vm, module, "__breakpointhook__", "breakpointhook");
}
