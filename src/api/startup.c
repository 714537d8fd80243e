// SPDX-License-Identifier: MIT
// startup.c: making and ending a VM: the order in which the layers come up and go down
#include "api/api.h"

#include "bytecode/code.h"
#include "coro/generator.h"
#include "core/lock.h"
#include "frontend/frontend.h"
#include "loop/loop.h"
#include "modules/import.h"
#include "modules/module_list.h"
#include "modules/signals.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef CEDE_ASAN
#include <sanitizer/lsan_interface.h>
#endif

void cede_options_init(CedeOptions *options)
{
  memset(options, 0, sizeof *options);
  options->int_max_str_digits = 4300;
}

static bool folder_has(const char *folder, const char *file)
{
  char path[4096];
  return snprintf(path, sizeof path, "%s/%s", folder, file) < (int)sizeof path && access(path, R_OK) == 0;
}

// The folder of the library to use: the host's choice, or the first that is installed.
static const char *find_stdlib(const char *wanted)
{
  static const char *const places[] = {"/usr/lib/python3.11", "/usr/local/lib/python3.11", "/usr/lib64/python3.11",
                                       "/opt/homebrew/lib/python3.11"};
  if (wanted) return *wanted && folder_has(wanted, "os.py") ? wanted : NULL;
  for (size_t i = 0; i < ARRAY_LEN(places); i++)
    if (folder_has(places[i], "os.py")) return places[i];
  return NULL;
}

static bool asked_for(const CedeOptions *o, const char *x_option, const char *variable)
{
  const char *value = o->ignore_environment ? NULL : getenv(variable);
  for (int i = 0; i < o->x_option_count; i++)
    if (!strcmp(o->x_options[i], x_option)) return true;
  return value && *value;
}

static void config_fill(Config *c, const CedeOptions *o)
{
  *c = (Config){.memory_limit = o->memory_limit,
                .hash_seed = o->hash_seed,
                .hash_seed_fixed = o->hash_seed_fixed,
                .stdlib = find_stdlib(o->stdlib),
                .debug = o->debug,
                .inspect = o->inspect,
                .interactive = o->interactive,
                .optimize = o->optimize,
                .dont_write_bytecode = o->dont_write_bytecode,
                .no_user_site = o->no_user_site,
                .no_site = o->no_site,
                .ignore_environment = o->ignore_environment,
                .verbose = o->verbose,
                .bytes_warning = o->bytes_warning,
                .quiet = o->quiet,
                .isolated = o->isolated,
                .dev_mode = o->dev_mode,
                .utf8_mode = o->utf8_mode,
                .warn_default_encoding = o->warn_default_encoding,
                .safe_path = o->safe_path,
                .int_max_str_digits = o->int_max_str_digits,
                .ends_with_process = o->ends_with_process,
                .skip_first_line = o->skip_first_line,
                .install_signal_handlers = o->install_signal_handlers,
                .unbuffered = o->unbuffered,
                .executable = o->executable,
                .argc = o->argc,
                .orig_argc = o->orig_argc,
                .argv = o->argv,
                .orig_argv = o->orig_argv,
                .warn_option_count = o->warn_option_count,
                .x_option_count = o->x_option_count,
                .warn_options = o->warn_options,
                .x_options = o->x_options,
                .path_variable = o->path_variable,
                .stdio_encoding = o->stdio_encoding,
                .pycache_prefix = o->pycache_prefix,
                .asyncgen_mode = (int)o->asyncgen,
                .asyncgen_grace = o->asyncgen_grace > 0 ? o->asyncgen_grace : 5,
                .pep828 = o->pep828,
                .import_time = asked_for(o, "importtime", "PYTHONPROFILEIMPORTTIME"),
                .no_debug_ranges = asked_for(o, "no_debug_ranges", "PYTHONNODEBUGRANGES")};
}

// PYTHONHASHSEED=0 is no randomisation; other seeds are stretched to a key by the same linear congruences as the reference's, so that
// hashes of ASCII text agree.
static bool choose_hash_key(VM *vm)
{
  if (vm->config.hash_seed_fixed) {
    uint32_t x = (uint32_t)vm->config.hash_seed;
    uint64_t words[2] = {0, 0};
    for (int i = 0; vm->config.hash_seed && i < 16; i++) {
      x = x * 214013u + 2531011u;
      words[i / 8] |= (uint64_t)(x >> 16 & 0xFF) << (i % 8 * 8);
    }
    vm->hash_key = (HashKey){words[0], words[1]};
    return true;
  }
  return getrandom(&vm->hash_key, sizeof vm->hash_key, 0) == sizeof vm->hash_key;
}

// Where the process's first stack may end. Its top is where the environment is kept, and libc finds it by reading the kernel's list of
// mappings, which takes longer than all else here. NULL: another thread, or an environment that has moved.
static char *main_stack_base(void)
{
  struct rlimit limit;
  char *here = __builtin_frame_address(0), *top = here;
  if (gettid() != getpid() || getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return NULL;
  for (char **e = environ; e && *e; e++)
    if (*e > top && *e - here < 16 << 20) top = *e;
  return top == here || (size_t)(top - here) > limit.rlim_cur ? NULL : top - limit.rlim_cur;
}

// The lowest address that native code of this thread may reach, with room left for what runs below the check.
static char *stack_limit(void)
{
  pthread_attr_t attributes;
  void *base = main_stack_base();
  size_t size = 0;
  if (!base && pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &base, &size);
    pthread_attr_destroy(&attributes);
  }
  size_t margin = (size_t)256 << 10, most = (size_t)8 << 20;
  char *here = __builtin_frame_address(0);
  if (!base || (char *)base + 2 * margin > here) return here - ((size_t)512 << 10);
  char *limit = (char *)base + margin;
  return limit < here - most ? here - most : limit;   // an unlimited stack is not mapped to its end
}

void cd_host_enter(VM *vm)
{
  if (cd_signals_adopt(vm)) vm->thread->c_stack_limit = stack_limit();
}

static bool core_init(VM *vm)
{
  vm->recursion_limit = 1000;
  vm->switch_interval_us = 5000;
  vm->next_shape_id = 1;
  if (!cd_alloc_init(vm) || !choose_hash_key(vm)) return false;
  cd_gc_init(vm);
  Thread *thread = cd_alloc_zeroed(vm, sizeof *thread);
  if (!thread) return false;
  vm->thread = vm->threads = thread;
  thread->ident = (uint64_t)pthread_self();
  thread->c_stack_limit = stack_limit();
  return cd_thread_init(vm, thread);
}

// Options -W are read when `warnings` is imported; with some given, that is now.
static void warnings_import(VM *vm)
{
  if (!vm->config.warn_option_count || !vm->config.stdlib) return;
  Ref warnings = cd_import(vm, "warnings");
  if (!warnings) cd_print_exception(vm);
  cd_drop(vm, warnings);
}

static bool site_import(VM *vm)
{
  if (vm->config.no_site || !vm->config.stdlib) return true;
  Ref site = cd_import(vm, "site");
  if (!site) return false;
  cd_drop(vm, site);
  Value main = cd_main_dict_borrow(vm);
  return main && cd_import_main_loader(vm, main, NO_VALUE, false);
}

static CedeVM *start_failed(VM *vm, const char **error, const char *why)
{
  if (vm && vm->started) cd_print_exception(vm);
  else if (vm && vm->thread && vm->thread->raised) {
    if (vm->types.str && cd_is_exception(vm->thread->raised) && cd_bits(vm->sys_dict)) cd_print_exception(vm);
  }
  if (error) *error = why;
  if (vm && vm->alloc) cd_alloc_finish(vm);
  free(vm);
  return NULL;
}

CedeVM *cede_vm_new(const CedeOptions *options, const char **error)
{
  CedeOptions defaults;
  if (!options) {
    cede_options_init(&defaults);
    options = &defaults;
  }
  VM *vm = calloc(1, sizeof *vm);
  if (!vm) return start_failed(NULL, error, "out of memory");
  config_fill(&vm->config, options);
  vm->asyncgen_mode = vm->config.asyncgen_mode;
  vm->asyncgen_grace = vm->config.asyncgen_grace;
  if (!core_init(vm)) return start_failed(vm, error, "no memory for the first structures");
  if (!cd_types_init(vm)) return start_failed(vm, error, "builtin types could not be made");
  if (!cd_vm_init(vm) || !cd_coro_init(vm)) return start_failed(vm, error, "the engine could not be set up");
  if (!cd_modules_init(vm)) return start_failed(vm, error, "builtin modules could not be made");
  if (!cd_signals_init(vm)) return start_failed(vm, error, "signals could not be set up");
  if (!cd_streams_init(vm) || !cd_main_module_init(vm)) return start_failed(vm, error, "standard streams could not be opened");
  vm->started = true;
  cd_modules_mark_standard(vm);
  if (!cd_faulthandler_start(vm)) cd_print_exception(vm);
  warnings_import(vm);
  if (!site_import(vm)) {
    cd_print_exception(vm);
    return start_failed(vm, error, "site could not be imported");
  }
  cd_gc_start(vm);
  return vm;
}

// Waits for the threads that are not daemons, as `threading` defines it.
static void join_threads(VM *vm)
{
  Value threading = cd_dict_get_text_borrow(vm, vm->modules, "threading");
  if (!threading) return;
  Ref shutdown = cd_getattr_text(vm, threading, "_shutdown"), result = shutdown ? cd_call0(vm, shutdown) : NO_REF;
  if (!result) cd_write_unraisable(vm, threading);
  cd_drop(vm, shutdown);
  cd_drop(vm, result);
}

int cede_vm_free(CedeVM *vm)
{
  if (!vm) return 0;
  cd_host_enter(vm);
  join_threads(vm);
  cd_modules_run_atexit(vm);
  bool flushed = cd_flush_streams(vm);
  vm->finalizing = true;
  cd_async_orphans_close(vm);
  cd_signals_finish(vm);
  cd_modules_finish(vm);
  bool stays = vm->threads->next != NULL;            // daemon threads may still wake up: the memory stays
#ifndef CEDE_DEBUG
  stays = stays || vm->config.ends_with_process;
#endif
#ifdef CEDE_ASAN
  if (stays) __lsan_ignore_object(vm);               // the last thread that knows of it may end before the process does
#endif
  if (stays) return flushed ? 0 : 120;
  cd_loops_finish(vm);
  cd_lock_destroy(vm);
  cd_alloc_finish(vm);
  free(vm);
  return flushed ? 0 : 120;
}
