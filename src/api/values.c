// SPDX-License-Identifier: MIT
// values.c: values for hosts; thin clothes over objects/protocol.h
#include "api/api.h"

#include "frontend/frontend.h"
#include "objects/float.h"
#include "objects/int.h"
#include "vm/vm_api.h"

static CedeRef to_host(Ref value) { return (CedeRef){cd_bits(value)}; }
static Ref from_host(CedeRef value) { return cd_from_bits(value.bits); }

// Begins a call with a value. A failed one handed on: the call fails too, and the exception that is set stays.
static bool usable(VM *vm, CedeRef value)
{
  cd_host_enter(vm);
  if (value.bits) return true;
  if (!cd_raised(vm)) cd_raise_system(vm, "a failed value was used");
  return false;
}

CedeRef cede_dup(CedeRef value) { return to_host(cd_dup(from_host(value))); }
void cede_drop(CedeVM *vm, CedeRef value)
{
  cd_host_enter(vm);
  cd_drop(vm, from_host(value));
}
CedeRef cede_none(CedeVM *vm) { return to_host(cd_none()); }
CedeRef cede_bool(CedeVM *vm, bool value) { return to_host(cd_bool(value)); }
CedeRef cede_int(CedeVM *vm, int64_t value) { return to_host(cd_int_from_i64(vm, value)); }
CedeRef cede_float(CedeVM *vm, double value) { return to_host(cd_float_new(vm, value)); }
CedeRef cede_str(CedeVM *vm, const char *utf8, size_t size) { return to_host(cd_str_decode_utf8(vm, utf8, size, NULL)); }
bool cede_to_int(CedeVM *vm, CedeRef value, int64_t *out)
{
  return usable(vm, value) && cd_to_i64(vm, from_host(value), out, vm->exc.OverflowError);
}
bool cede_to_float(CedeVM *vm, CedeRef value, double *out) { return usable(vm, value) && cd_to_double(vm, from_host(value), out); }

const char *cede_to_utf8(CedeVM *vm, CedeRef value, size_t *size)
{
  if (!usable(vm, value)) return NULL;
  if (cd_is_str(from_host(value))) return cd_str_utf8(vm, from_host(value), size);
  cd_raise_type(vm, "a str is required, not '%T'", from_host(value));
  return NULL;
}
CedeRef cede_repr(CedeVM *vm, CedeRef value) { return to_host(usable(vm, value) ? cd_repr(vm, from_host(value)) : NO_REF); }

static Ref run_text(VM *vm, const char *source, const char *filename, CompileMode mode)
{
  cd_host_enter(vm);
  Value dict = cd_main_dict_borrow(vm);
  Ref name = dict ? cd_str_from(vm, filename) : NO_REF;
  Ref code = name ? cd_compile(vm, source, strlen(source), name, mode, PYCF_SOURCE_IS_UTF8, -1) : NO_REF;
  cd_drop(vm, name);
  if (!code) return NO_REF;
  Ref globals = cd_dup(dict), result = cd_eval_code(vm, (Code *)cd_object(code), globals, globals, NO_VALUE);
  cd_drop(vm, globals);
  cd_drop(vm, code);
  return result;
}
CedeRef cede_eval(CedeVM *vm, const char *expression) { return to_host(run_text(vm, expression, "<host>", MODE_EVAL)); }
bool cede_exec(CedeVM *vm, const char *source, const char *filename)
{
  Ref result = run_text(vm, source, filename, MODE_EXEC);
  cd_drop(vm, result);
  return result != NO_REF;
}

CedeRef cede_get_global(CedeVM *vm, const char *name)
{
  Value dict = cd_main_dict_borrow(vm), value = dict ? cd_dict_get_text_borrow(vm, dict, name) : NO_VALUE;
  if (dict && !value) cd_raise(vm, vm->exc.NameError, "name '%s' is not defined", name);
  return to_host(value ? cd_dup(value) : NO_REF);
}
bool cede_set_global(CedeVM *vm, const char *name, CedeRef value)
{
  Value dict = usable(vm, value) ? cd_main_dict_borrow(vm) : NO_VALUE;
  return dict && cd_dict_set_text(vm, dict, name, from_host(value));
}
CedeRef cede_import(CedeVM *vm, const char *name)
{
  cd_host_enter(vm);
  return to_host(cd_import(vm, name));
}
CedeRef cede_getattr(CedeVM *vm, CedeRef object, const char *name)
{
  return to_host(usable(vm, object) ? cd_getattr_text(vm, from_host(object), name) : NO_REF);
}
bool cede_setattr(CedeVM *vm, CedeRef object, const char *name, CedeRef value)
{
  return usable(vm, object) && usable(vm, value) && cd_setattr_text(vm, from_host(object), name, from_host(value));
}

_Static_assert(sizeof(CedeRef) == sizeof(Value), "an array of one can be read as an array of the other");
CedeRef cede_call(CedeVM *vm, CedeRef callable, const CedeRef *args, size_t count)
{
  bool ok = usable(vm, callable);
  for (size_t i = 0; ok && i < count; i++) ok = usable(vm, args[i]);
  return to_host(!ok ? NO_REF : cd_call(vm, from_host(callable), (const Value *)args, count, NO_VALUE));
}
CedeRef cede_next(CedeVM *vm, CedeRef iterator, bool *done)
{
  Ref item = NO_REF;
  *done = false;
  if (!usable(vm, iterator)) return (CedeRef){0};
  Next next = cd_next(vm, from_host(iterator), &item);
  *done = next == NEXT_DONE;
  return to_host(next == NEXT_ITEM ? item : NO_REF);
}

CedeRef cede_raise(CedeVM *vm, const char *exception, const char *message)
{
  Value type = cd_dict_get_text_borrow(vm, vm->builtins_dict, exception);
  if (type && cd_is_type(type) && cd_type_is_subtype(cd_as_type(type), vm->exc.BaseException))
    cd_raise(vm, cd_as_type(type), "%s", message);
  else cd_raise_system(vm, "no exception is called %s", exception);
  return (CedeRef){0};
}
bool cede_raised(CedeVM *vm) { return cd_raised(vm); }
CedeRef cede_take_exception(CedeVM *vm) { return to_host(cd_take_raised(vm)); }
void cede_print_exception(CedeVM *vm)
{
  cd_host_enter(vm);
  cd_print_exception(vm);
}
