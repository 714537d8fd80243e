// SPDX-License-Identifier: MIT
// resource.c: limits on what a process may use, and what it has used
#include "modules/posix.h"
#include "modules/sys.h"

#include <sys/resource.h>
#include <unistd.h>

typedef struct ResourceState { Type *usage; } ResourceState;     // owned

static ResourceState *resource_state(VM *vm) { return cd_state(vm, MODULE_resource); }

static const StructSpec resource_usage_spec = {
  "resource.struct_rusage",
  "struct_rusage: what getrusage() tells, as a named tuple.",
  (const StructField[]){{"ru_utime", "user time used"},
                        {"ru_stime", "system time used"},
                        {"ru_maxrss", "max. resident set size"},
                        {"ru_ixrss", "shared memory size"},
                        {"ru_idrss", "unshared data size"},
                        {"ru_isrss", "unshared stack size"},
                        {"ru_minflt", "page faults not requiring I/O"},
                        {"ru_majflt", "page faults requiring I/O"},
                        {"ru_nswap", "number of swap outs"},
                        {"ru_inblock", "block input operations"},
                        {"ru_oublock", "block output operations"},
                        {"ru_msgsnd", "IPC messages sent"},
                        {"ru_msgrcv", "IPC messages received"},
                        {"ru_nsignals", "signals received"},
                        {"ru_nvcsw", "voluntary context switches"},
                        {"ru_nivcsw", "involuntary context switches"},
                        {0}},
  16,
};

FUNCTION(resource, getrusage, "getrusage(who, /)", "Return what this process, this thread or the finished children have used.")
{
  int who;
  struct rusage r;
  if (!cd_to_c_int(vm, args[0], &who)) return NO_REF;
  if (getrusage(who, &r) < 0) return errno == EINVAL ? cd_raise_value(vm, "invalid who parameter") : cd_posix_error_plain(vm);
  const long counts[] = {r.ru_maxrss, r.ru_ixrss, r.ru_idrss, r.ru_isrss, r.ru_minflt, r.ru_majflt, r.ru_nswap, r.ru_inblock,
                         r.ru_oublock, r.ru_msgsnd, r.ru_msgrcv, r.ru_nsignals, r.ru_nvcsw, r.ru_nivcsw};
  Ref items[16] = {cd_float_new(vm, (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec * 1e-6),
                   cd_float_new(vm, (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec * 1e-6)};
  for (size_t i = 0; i < ARRAY_LEN(counts); i++) items[2 + i] = cd_from_small(counts[i]);
  Ref usage = items[0] && items[1] ? cd_struct_new(vm, resource_state(vm)->usage, cd_lend(items)) : NO_REF;
  cd_drop(vm, items[0]);
  cd_drop(vm, items[1]);
  return usage;
}

static Ref resource_limits(VM *vm, struct rlimit limits)
{
  return cd_tuple2_steal(vm, cd_int_from_i64(vm, (int64_t)limits.rlim_cur), cd_int_from_i64(vm, (int64_t)limits.rlim_max));
}

static bool resource_number(VM *vm, Value v, int *out)
{
  if (!cd_to_c_int(vm, v, out)) return false;
  return (*out >= 0 && *out < (int)RLIM_NLIMITS) || cd_raise_value(vm, "invalid resource specified");
}

static bool resource_parse_limits(VM *vm, Value v, struct rlimit *out)
{
  Ref tuple = cd_tuple_from(vm, v);
  if (!tuple) return false;
  int64_t soft = 0, hard = 0;
  bool ok = cd_tuple_size(tuple) == 2 || cd_raise_value(vm, "expected a tuple of 2 integers");
  ok = ok && cd_to_i64(vm, cd_tuple_item_borrow(tuple, 0), &soft, vm->exc.OverflowError) &&
       cd_to_i64(vm, cd_tuple_item_borrow(tuple, 1), &hard, vm->exc.OverflowError);
  cd_drop(vm, tuple);
  *out = (struct rlimit){(rlim_t)soft, (rlim_t)hard};
  return ok;
}

FUNCTION(resource, getrlimit, "getrlimit(resource, /)", "Return the soft and the hard limit of a resource.")
{
  int number;
  struct rlimit limits;
  if (!resource_number(vm, args[0], &number)) return NO_REF;
  return getrlimit((__rlimit_resource_t)number, &limits) < 0 ? cd_posix_error_plain(vm) : resource_limits(vm, limits);
}

static Ref resource_error(VM *vm)
{
  if (errno == EINVAL) return cd_raise_value(vm, "current limit exceeds maximum limit");
  if (errno == EPERM) return cd_raise_value(vm, "not allowed to raise maximum limit");
  return cd_posix_error_plain(vm);
}

FUNCTION(resource, setrlimit, "setrlimit(resource, limits, /)", "Set the soft and the hard limit of a resource, a tuple of two integers.")
{
  int number;
  struct rlimit limits;
  if (!resource_number(vm, args[0], &number) || !cd_audit(vm, "resource.setrlimit", 2, args) ||
      !resource_parse_limits(vm, args[1], &limits))
    return NO_REF;
  return setrlimit((__rlimit_resource_t)number, &limits) < 0 ? resource_error(vm) : cd_none();
}

METHOD_DEF_RAW_(resource_prlimit, "prlimit", "prlimit(pid, resource, limits=None, /)",
                "prlimit(pid, resource, [limits])\n\nReturn the limits of a process, and set them if limits are given.",
                METHOD_NO_SIGNATURE)
{
  int pid, number;
  struct rlimit limits, old;
  if (!cd_no_keywords(vm, "prlimit", kwnames) || !cd_check_positional(vm, "prlimit", nargs, 2, 3)) return NO_REF;
  if (!cd_to_c_int(vm, args[0], &pid) || !resource_number(vm, args[1], &number)) return NO_REF;
  bool set = nargs == 3 && !cd_is_none(args[2]);
  if (set && !resource_parse_limits(vm, args[2], &limits)) return NO_REF;
  if (!cd_audit(vm, "resource.prlimit", 3, (Value[]){args[0], args[1], set ? args[2] : cd_none()})) return NO_REF;
  if (prlimit(pid, (__rlimit_resource_t)number, set ? &limits : NULL, &old) < 0)
    return errno == EINVAL ? cd_raise_value(vm, "current limit exceeds maximum limit") : cd_posix_error_plain(vm);
  return resource_limits(vm, old);
}

FUNCTION(resource, getpagesize, "getpagesize()", "Return the size of a page of memory.") { return cd_from_small(sysconf(_SC_PAGESIZE)); }

static const MethodDef *const resource_functions[] = {
  &resource_getrusage_def, &resource_getrlimit_def, &resource_setrlimit_def, &resource_prlimit_def, &resource_getpagesize_def, NULL,
};

static bool resource_exec(VM *vm, Value module)
{
  static const struct { const char *name; int64_t value;
  } constants[] = {
    {"RLIMIT_CPU", RLIMIT_CPU},         {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_STACK", RLIMIT_STACK},
    {"RLIMIT_CORE", RLIMIT_CORE},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_OFILE", RLIMIT_OFILE},     {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_RSS", RLIMIT_RSS},         {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},       {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},   {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RUSAGE_SELF", RUSAGE_SELF},       {"RUSAGE_CHILDREN", RUSAGE_CHILDREN},
    {"RUSAGE_THREAD", RUSAGE_THREAD},   {"RLIM_INFINITY", -1},
  };
  ResourceState *state = resource_state(vm);
  for (size_t i = 0; i < ARRAY_LEN(constants); i++)
    if (!cd_module_add_int(vm, module, constants[i].name, constants[i].value)) return false;
  if (!state->usage && !(state->usage = cd_struct_type_new(vm, &resource_usage_spec, false))) return false;
  return cd_module_add(vm, module, "error", cd_dup(cd_type_value(vm->exc.OSError))) &&
         cd_module_add(vm, module, "struct_rusage", cd_dup(cd_type_value(state->usage)));
}

static void resource_clear(VM *vm, void *state)
{
  cd_drop_object(vm, ((ResourceState *)state)->usage);
  ((ResourceState *)state)->usage = NULL;
}

const ModuleDef cd_module_resource = {
  .name = "resource",
  .doc = "Limits on what a process may use, and what it has used.",
  .functions = resource_functions,
  .state_size = sizeof(ResourceState),
  .exec = resource_exec,
  .clear = resource_clear,
};
