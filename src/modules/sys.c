// SPDX-License-Identifier: MIT
// sys.c: the sys module: its attributes and plain functions; see also sys_info.c, sys_hooks.c, sys_traceback.c
#include "modules/sys.h"
#include "modules/import.h"
#include "modules/module_list.h"
#include "modules/sys_parts.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <dlfcn.h>
#include <unistd.h>

// ---- for other folders ----

Value cd_sys_get_borrow(VM *vm, const char *name)
{
  return cd_bits(vm->sys_dict) ? cd_dict_get_text_borrow(vm, vm->sys_dict, name) : NO_VALUE;
}

bool cd_sys_set(VM *vm, const char *name, Value value)
{
  if (cd_bits(value)) return cd_dict_set_text(vm, vm->sys_dict, name, value);
  Ref key = cd_intern(vm, name);
  Find found = key ? cd_dict_delete(vm, vm->sys_dict, key) : FIND_ERROR;
  cd_drop(vm, key);
  return found != FIND_ERROR;
}

// ---- exceptions ----

// The exception being handled; NO_VALUE: none.
static Value sys_handled(VM *vm)
{
  for (Handling *h = vm->thread->handling; h; h = h->previous)
    if (cd_bits(h->exception) && !cd_is_none(h->exception)) return h->exception;
  return NO_VALUE;
}

FUNCTION(sys, exc_info, "exc_info()", "Return (type, value, traceback) of the exception that is being handled, or three Nones.")
{
  Value e = sys_handled(vm);
  if (!cd_bits(e)) return cd_tuple3(vm, cd_none(), cd_none(), cd_none());
  Value traceback = cd_as_exception(e)->traceback;
  return cd_tuple3(vm, cd_type_value(cd_type_of(vm, e)), e, cd_bits(traceback) ? traceback : cd_none());
}

FUNCTION(sys, exception, "exception()", "Return the exception that is being handled, or None.")
{
  Value e = sys_handled(vm);
  return cd_bits(e) ? cd_dup(e) : cd_none();
}

FUNCTION(sys, exit, "exit(status=None, /)",
         "Leave the program by raising SystemExit(status).\n\nNone is success, an integer the exit status; anything else is printed and "
         "the status is 1.")
{
  if (!cd_bits(args[0])) return cd_raise_no_args(vm, vm->exc.SystemExit);
  if (!cd_is_tuple(args[0])) return cd_raise_with(vm, vm->exc.SystemExit, args[0]);
  return cd_raise_exception(vm, cd_exception_new(vm, vm->exc.SystemExit, cd_as_tuple(args[0])->items, cd_tuple_size(args[0])));
}

// ---- strings and encodings ----

FUNCTION(sys, intern, "intern(string, /)", "Return the one copy of a string that is kept for comparing names quickly.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "intern() argument must be str, not %T", args[0]);
  if (!cd_is_exact(args[0], vm->types.str)) return cd_raise_type(vm, "can't intern %T", args[0]);
  return cd_str_intern(vm, cd_dup(args[0]));
}

FUNCTION(sys, getdefaultencoding, "getdefaultencoding()", "Return the encoding that str and bytes convert by when none is named.")
{
  return cd_dup(N(utf_8));
}
FUNCTION(sys, getfilesystemencoding, "getfilesystemencoding()", "Return the encoding of file names.") { return cd_dup(N(utf_8)); }
FUNCTION(sys, getfilesystemencodeerrors, "getfilesystemencodeerrors()", "Return the error handler for file names.")
{
  return cd_dup(N(surrogateescape));
}

// ---- objects ----

FUNCTION_RAW(sys, getsizeof, "getsizeof(object, default=None)",
             "getsizeof(object [, default]) -> int\n\nReturn the size of an object in bytes, without what it refers to.")
{
  Value bound[2];
  Ref owned[2] = {NO_REF, NO_REF};
  if (!cd_bind_text(vm, "getsizeof(object, default=None)", args, nargs, kwnames, bound, owned)) return NO_REF;
  Ref method = NO_REF, size = NO_REF;
  Find find = cd_lookup_special(vm, bound[0], N(__sizeof__), &method);
  if (find == FIND_MISSING) cd_raise_type(vm, "Type %T doesn't define __sizeof__", bound[0]);
  if (find == FIND_HIT) {
    Ref raw = cd_call0(vm, method);
    cd_drop(vm, method);
    size = raw ? cd_index(vm, raw) : NO_REF;
    cd_drop(vm, raw);
  }
  if (!size && cd_bits(bound[1]) && cd_swallow(vm, vm->exc.TypeError)) return cd_dup(bound[1]);
  if (size && cd_int_sign(size) < 0) {
    cd_drop(vm, size);
    return cd_raise_value(vm, "__sizeof__() should return >= 0");
  }
  if (size && cd_is_object(bound[0]) && cd_object(bound[0])->gc & GC_TRACKED && cd_is_small(size))
    return cd_from_small(cd_small(size) + (int64_t)sizeof(void *));
  return size;
}

FUNCTION(sys, getrefcount, "getrefcount(object, /)",
         "Return the reference count of an object; the argument itself counts, too.\n\nNumbers and singletons that need no memory have a "
         "large constant count.")
{
  return cd_is_object(args[0]) ? cd_from_small(cd_object(args[0])->refcount) : cd_from_small(1000000000);
}

FUNCTION(sys, getallocatedblocks, "getallocatedblocks()", "Return the number of memory blocks in use.")
{
  return cd_from_small((int64_t)cd_alloc_blocks(vm));
}
FUNCTION(sys, _clear_type_cache, "_clear_type_cache()", "Clear the cache of attribute lookups in classes.")
{
  cd_type_modified(vm, vm->types.object);
  return cd_none();
}
FUNCTION(sys, _debugmallocstats, "_debugmallocstats()", "Print statistics of the memory allocator to stderr.")
{
  cd_sys_write_stderr(vm, "%lld bytes in %lld blocks\n", (long long)vm->bytes_used, (long long)cd_alloc_blocks(vm));
  return cd_none();
}

// ---- limits ----

FUNCTION(sys, getrecursionlimit, "getrecursionlimit()", "Return how deeply calls may be nested.")
{
  return cd_from_small(vm->recursion_limit);
}

FUNCTION(sys, setrecursionlimit, "setrecursionlimit(limit, /)", "Set how deeply calls may be nested, to stop runaway recursion.")
{
  int limit;
  if (!cd_to_c_int(vm, args[0], &limit)) return NO_REF;
  if (limit < 1) return cd_raise_value(vm, "recursion limit must be greater or equal than 1");
  if (vm->thread->recursion_depth >= limit)
    return cd_raise(vm, vm->exc.RecursionError, "cannot set the recursion limit to %d at the recursion depth %d: the limit is too low",
                    limit, vm->thread->recursion_depth);
  vm->recursion_limit = limit;
  return cd_none();
}

FUNCTION(sys, getswitchinterval, "getswitchinterval()", "Return the time in seconds after which another thread gets its turn.")
{
  return cd_float_new(vm, (double)vm->switch_interval_us / 1e6);
}

FUNCTION(sys, setswitchinterval, "setswitchinterval(interval, /)", "Set the time in seconds after which another thread gets its turn.")
{
  double interval;
  if (!cd_to_double(vm, args[0], &interval)) return NO_REF;
  if (!(interval > 0)) return cd_raise_value(vm, "switch interval must be strictly positive");
  vm->switch_interval_us = interval > 1e6 ? INT64_C(1000000000000) : (int64_t)(interval * 1e6);
  if (!vm->switch_interval_us) vm->switch_interval_us = 1;
  return cd_none();
}

FUNCTION(sys, get_int_max_str_digits, "get_int_max_str_digits()", "Return the limit on digits in conversions between int and str.")
{
  return cd_from_small(vm->config.int_max_str_digits);
}

FUNCTION(sys, set_int_max_str_digits, "set_int_max_str_digits(maxdigits)",
         "Set the limit on digits in conversions between int and str; 0 is no limit.")
{
  int digits;
  if (!cd_to_c_int(vm, args[0], &digits)) return NO_REF;
  if (digits != 0 && digits < 640) return cd_raise_value(vm, "maxdigits must be 0 or larger than 640");
  vm->config.int_max_str_digits = digits;
  return cd_none();
}

FUNCTION(sys, is_finalizing, "is_finalizing()", "Tell whether the interpreter is shutting down.") { return cd_bool(vm->finalizing); }
FUNCTION(sys, getdlopenflags, "getdlopenflags()", "Return the flags for loading extension modules.")
{
  return cd_from_small(sys_state(vm)->dlopen_flags);
}
FUNCTION(sys, setdlopenflags, "setdlopenflags(flags, /)", "Set the flags for loading extension modules, such as os.RTLD_NOW.")
{
  int flags;
  if (!cd_to_c_int(vm, args[0], &flags)) return NO_REF;
  sys_state(vm)->dlopen_flags = flags;
  return cd_none();
}

// ---- frames ----

FUNCTION(sys, _getframe, "_getframe(depth=0, /)", "Return a frame object from the call stack: the caller's, or one that many calls below.")
{
  int depth = 0;
  if (cd_bits(args[0]) && !cd_to_c_int(vm, args[0], &depth)) return NO_REF;
  Frame *frame = vm->thread->frame;
  for (; frame && depth > 0; depth--) frame = frame->back;
  if (!frame) return cd_raise_value(vm, "call stack is not deep enough");
  FrameObject *object = cd_frame_object(vm, frame);
  if (!object) return NO_REF;
  Ref result = cd_dup_object(object);
  if (cd_audit(vm, "sys._getframe", 1, &(Value){result})) return result;
  cd_drop(vm, result);
  return NO_REF;
}

FUNCTION(sys, _current_frames, "_current_frames()", "Return a dict from each thread's identifier to its running frame.")
{
  Ref dict = cd_dict_new(vm);
  if (!dict || !cd_audit(vm, "sys._current_frames", 0, NULL)) goto fail;
  for (Thread *thread = vm->threads; thread; thread = thread->next) {
    if (!thread->frame) continue;
    FrameObject *object = cd_frame_object(vm, thread->frame);
    Ref id = object ? cd_int_from_u64(vm, thread->ident) : NO_REF;
    bool ok = id && cd_dict_set(vm, dict, id, cd_from_object(object));
    cd_drop(vm, id);
    if (!ok) goto fail;
  }
  return dict;
fail:
  cd_drop(vm, dict);
  return NO_REF;
}

FUNCTION(sys, _current_exceptions, "_current_exceptions()", "Return a dict from each thread's identifier to its exc_info().")
{
  Ref dict = cd_dict_new(vm);
  if (!dict || !cd_audit(vm, "sys._current_exceptions", 0, NULL)) goto fail;
  for (Thread *thread = vm->threads; thread; thread = thread->next) {
    Value handled = NO_VALUE;
    for (Handling *h = thread->handling; h && !cd_bits(handled); h = h->previous)
      if (!cd_is_none(h->exception)) handled = h->exception;
    Ref id = cd_int_from_u64(vm, thread->ident), info = NO_REF;
    if (id) {
      Value traceback = cd_bits(handled) ? cd_as_exception(handled)->traceback : NO_VALUE;
      info = cd_bits(handled) ? cd_tuple3(vm, cd_type_value(cd_type_of(vm, handled)), handled, cd_bits(traceback) ? traceback : cd_none())
                              : cd_tuple3(vm, cd_none(), cd_none(), cd_none());
    }
    bool ok = info && cd_dict_set(vm, dict, id, info);
    cd_drop(vm, id);
    cd_drop(vm, info);
    if (!ok) goto fail;
  }
  return dict;
fail:
  cd_drop(vm, dict);
  return NO_REF;
}

FUNCTION(sys, call_tracing, "call_tracing(func, args, /)", "Call func(*args) with tracing on, as a debugger does from a trace function.")
{
  if (!cd_is_tuple(args[1])) return cd_raise_type(vm, "call_tracing() argument 2 must be tuple, not %T", args[1]);
  int saved = vm->thread->tracing;
  vm->thread->tracing = 0;
  Ref result = cd_call_ex(vm, args[0], args[1], NO_VALUE);
  vm->thread->tracing = saved;
  return result;
}

FUNCTION(sys, settrace, "settrace(function, /)",
         "settrace(function)\n\nSet the function that is called for each event of each frame; None stops tracing.")
{
  if (!cd_set_trace(vm, cd_is_none(args[0]) ? NO_VALUE : args[0], false)) return NO_REF;
  return cd_none();
}

FUNCTION(sys, setprofile, "setprofile(function, /)",
         "setprofile(function)\n\nSet the function that is called for each call and return; None stops profiling.")
{
  if (!cd_set_trace(vm, cd_is_none(args[0]) ? NO_VALUE : args[0], true)) return NO_REF;
  return cd_none();
}

FUNCTION(sys, gettrace, "gettrace()", "Return the trace function, or None.")
{
  return cd_bits(vm->thread->trace_fn) ? cd_dup(vm->thread->trace_fn) : cd_none();
}
FUNCTION(sys, getprofile, "getprofile()", "Return the profile function, or None.")
{
  return cd_bits(vm->thread->profile_fn) ? cd_dup(vm->thread->profile_fn) : cd_none();
}

// sys.meta_path and its companions come with importlib, which starts when it is needed: asking for them is a need. It removes this
// function.
FUNCTION(sys, __getattr__, "__getattr__(name, /)", "Start the import system for those attributes that come with it.")
{
  static const char *const lazy[] = {"meta_path", "path_hooks", "path_importer_cache"};
  for (size_t i = 0; i < ARRAY_LEN(lazy); i++) {
    if (!cd_str_is(args[0], lazy[i])) continue;
    if (!cd_import_start(vm)) return NO_REF;
    Value value = cd_sys_get_borrow(vm, lazy[i]);
    if (cd_bits(value)) return cd_dup(value);
  }
  return cd_raise_attribute(vm, self, args[0], "module 'sys' has no attribute '%U'", args[0]);
}

static const MethodDef *const sys_functions[] = {
  &sys_exc_info_def,
  &sys_exception_def,
  &sys_exit_def,
  &sys_intern_def,
  &sys_getdefaultencoding_def,
  &sys_getfilesystemencoding_def,
  &sys_getfilesystemencodeerrors_def,
  &sys_getsizeof_def,
  &sys_getrefcount_def,
  &sys_getallocatedblocks_def,
  &sys__clear_type_cache_def,
  &sys__debugmallocstats_def,
  &sys_getrecursionlimit_def,
  &sys_setrecursionlimit_def,
  &sys_getswitchinterval_def,
  &sys_setswitchinterval_def,
  &sys_get_int_max_str_digits_def,
  &sys_set_int_max_str_digits_def,
  &sys_is_finalizing_def,
  &sys_getdlopenflags_def,
  &sys_setdlopenflags_def,
  &sys__getframe_def,
  &sys__current_frames_def,
  &sys__current_exceptions_def,
  &sys_call_tracing_def,
  &sys_settrace_def,
  &sys_setprofile_def,
  &sys_gettrace_def,
  &sys_getprofile_def,
  &sys___getattr___def,
  NULL,
};

// ---- the module ----

static bool sys_exec(VM *vm, Value module)
{
  SysState *state = sys_state(vm);
  state->dlopen_flags = RTLD_NOW;
  if (!vm->recursion_limit) vm->recursion_limit = 1000;
  if (!vm->switch_interval_us) vm->switch_interval_us = 5000;
  if (!cd_bits(vm->sys_dict)) vm->sys_dict = cd_dup(cd_module_dict(module));
  ((Module *)cd_object(module))->complete = cd_sys_complete;
  return cd_sys_add_info(vm, module) && cd_sys_add_hooks(vm, module);
}

static void sys_traverse(void *state_, VisitFn visit, void *context)
{
  SysState *state = state_;
  visit(context, state->audit_hooks);
}

static void sys_clear(VM *vm, void *state_)
{
  SysState *state = state_;
  cd_clear(vm, &state->audit_hooks);
  cd_drop_object(vm, state->unraisable_args_type);
  cd_drop_object(vm, state->asyncgen_hooks_type);
  state->unraisable_args_type = state->asyncgen_hooks_type = NULL;
}

const ModuleDef cd_module_sys = {
  .name = "sys",
  .doc = "Parameters and functions of the interpreter itself.",
  .functions = sys_functions,
  .state_size = sizeof(SysState),
  .exec = sys_exec,
  .traverse = sys_traverse,
  .clear = sys_clear,
};
