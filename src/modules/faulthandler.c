// SPDX-License-Identifier: MIT
// faulthandler.c: tracebacks when things go really wrong: on fatal signals, after a time-out, on request
#include "core/lock.h"
#include "modules/module_list.h"
#include "modules/signals.h"
#include "modules/sys.h"
#include "modules/waiting.h"
#include "objects/exception.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "vm/vm_api.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

// Dumps are written by signal handlers and by a watchdog thread while the VM may be in any state: they only read frames, take no memory
// and call write().

typedef struct FaultSignal {
  Value file;
  int fd;
  bool all_threads, chain, enabled;
  struct sigaction previous;
} FaultSignal;   // file owned

typedef struct FaultState {
  FaultSignal fatal;                             // enable(): one setting for all fatal signals
  struct sigaction previous[8];                  // ORDER: fault_fatal
  FaultSignal user[NSIG];                        // register()
  Value later_file;                              // owned
  pthread_t watchdog;
  pthread_mutex_t mutex;                         // guards stop
  pthread_cond_t condition;
  bool watching, stop, repeat, exit_after, mutex_made;
  int later_fd;
  int64_t interval;                              // nanoseconds
  char header[64];
  void *alternate_stack;
} FaultState;

static FaultState *fault_state(VM *vm) { return cd_state(vm, MODULE_faulthandler); }

// Signal handlers have no argument: this names the VM that enabled them.
static _Atomic(VM *) fault_owner;

static const struct { int number; const char *name;
} fault_fatal[] = {
  // ORDER: fault_fatal
  {SIGBUS, "Bus error"}, {SIGILL, "Illegal instruction"}, {SIGFPE, "Floating point exception"},
  {SIGABRT, "Aborted"},  {SIGSEGV, "Segmentation fault"},
};

// ---- writing ----

static void fault_put(int fd, const char *text)
{
  size_t size = strlen(text);
  while (size) {
    ssize_t n = write(fd, text, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text += n;
    size -= (size_t)n;
  }
}

// A str without anything that is not printable ASCII, up to 500 characters.
static void fault_put_str(int fd, Value s)
{
  char out[512 * 6];
  size_t used = 0, count = 0;
  if (!cd_bits(s) || !cd_is_str(s)) { fault_put(fd, "???"); return; }
  const char *p = cd_str_data(s), *end = p + cd_str_size(s);
  for (; p < end && count < 500; count++) {
    unsigned char c = (unsigned char)*p;
    if (c >= ' ' && c < 127) { out[used++] = (char)c; p++; continue; }
    uint32_t code = c & (c < 0x80 ? 0x7F : c < 0xE0 ? 0x1F : c < 0xF0 ? 0x0F : 0x07);
    int more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    for (p++; more > 0 && p < end; more--, p++) code = code << 6 | ((unsigned char)*p & 0x3F);
    used += (size_t)snprintf(out + used, 12, code <= 0xFF ? "\\x%02x" : code <= 0xFFFF ? "\\u%04x" : "\\U%08x", (unsigned)code);
  }
  out[used] = 0;
  fault_put(fd, out);
  if (p < end) fault_put(fd, "...");
}

static void fault_dump_frames(int fd, const Thread *thread)
{
  enum { MAX_FRAMES = 100 };
  char line[32];
  const Frame *frame = thread->frame;
  if (!frame) { fault_put(fd, "  <no Python frame>\n"); return; }
  for (int i = 0; frame; frame = frame->back, i++) {
    if (i == MAX_FRAMES) { fault_put(fd, "  ...\n"); return; }
    if (!frame->code) continue;
    fault_put(fd, "  File \"");
    fault_put_str(fd, frame->code->filename);
    snprintf(line, sizeof line, "\", line %d in ", cd_frame_line(frame));
    fault_put(fd, line);
    fault_put_str(fd, frame->code->name);
    fault_put(fd, "\n");
  }
}

static void fault_dump(VM *vm, int fd, bool all_threads, const Thread *current)
{
  char line[80];
  if (!all_threads) {
    fault_put(fd, "Stack (most recent call first):\n");
    if (current) fault_dump_frames(fd, current);
    return;
  }
  enum { MAX_THREADS = 100 };
  int count = 0, shown = 0;
  for (const Thread *thread = vm->threads; thread; thread = thread->next) count++;
  for (int i = count; i-- > 0;) {                // the newest first
    const Thread *thread = vm->threads;
    for (int k = 0; k < i && thread->next; k++) thread = thread->next;
    if (shown) fault_put(fd, "\n");
    if (++shown > MAX_THREADS) { fault_put(fd, "...\n"); return; }
    snprintf(line, sizeof line, "%s 0x%016llx (most recent call first):\n", thread == current ? "Current thread" : "Thread",
             (unsigned long long)thread->ident);
    fault_put(fd, line);
    if (thread == current && vm->gc.collecting) fault_put(fd, "  Garbage-collecting\n");
    fault_dump_frames(fd, thread);
  }
}

// ---- the file argument ----

// A descriptor from an int, a file object, or sys.stderr. *file gets the object to keep alive, an owned reference.
static bool fault_file(VM *vm, Value v, Ref *file, int *fd)
{
  *file = NO_REF;
  if (!cd_bits(v) || cd_is_none(v)) {
    v = cd_sys_get_borrow(vm, "stderr");
    if (!cd_bits(v)) return cd_raise_runtime(vm, "unable to get sys.stderr");
    if (cd_is_none(v)) return cd_raise_runtime(vm, "sys.stderr is None");
  } else if (cd_is_int(v)) {
    if (!cd_to_c_int(vm, v, fd)) return false;
    return *fd >= 0 || cd_raise_value(vm, "file is not a valid file descripter");
  }
  Ref held = cd_dup(v), number = cd_call_method0(vm, held, N(fileno));
  if (!number) { cd_drop(vm, held); return false; }
  bool ok = cd_is_int(number) && cd_to_c_int(vm, number, fd) && *fd >= 0;
  cd_drop(vm, number);
  if (!ok) {
    cd_drop(vm, held);
    cd_clear_raised(vm);
    return cd_raise_runtime(vm, "file.fileno() is not a valid file descriptor");
  }
  Ref flushed = cd_call_method0(vm, held, N(flush));
  if (!flushed) cd_clear_raised(vm);
  cd_drop(vm, flushed);
  *file = held;
  return true;
}

static bool fault_flag(VM *vm, Value v, bool fallback, bool *out)
{
  *out = fallback;
  return !cd_bits(v) || cd_truth(vm, v, out);
}

FUNCTION(faulthandler, dump_traceback, "dump_traceback(file=sys.stderr, all_threads=True)",
         "dump_traceback(file=sys.stderr, all_threads=True): write the traceback of this thread, or of all, to a file")
{
  Ref file;
  int fd;
  bool all;
  if (!fault_file(vm, args[0], &file, &fd)) return NO_REF;
  if (fault_flag(vm, args[1], true, &all)) fault_dump(vm, fd, all, vm->thread);
  cd_drop(vm, file);
  return cd_raised(vm) ? NO_REF : cd_none();
}

// ---- fatal signals ----

static void fault_on_fatal(int number)
{
  VM *vm = atomic_load(&fault_owner);
  int error = errno;
  size_t i = 0;
  while (i < ARRAY_LEN(fault_fatal) && fault_fatal[i].number != number) i++;
  FaultState *state = vm && vm->module_state ? fault_state(vm) : NULL;
  if (!state || i == ARRAY_LEN(fault_fatal)) { signal(number, SIG_DFL); raise(number); return; }
  sigaction(number, &state->previous[i], NULL);  // the next one has its usual effect
  fault_put(state->fatal.fd, "Fatal Python error: ");
  fault_put(state->fatal.fd, fault_fatal[i].name);
  fault_put(state->fatal.fd, "\n\n");
  fault_dump(vm, state->fatal.fd, state->fatal.all_threads, vm->thread);
  errno = error;
  raise(number);
}

static bool fault_make_stack(VM *vm, FaultState *state)
{
  if (state->alternate_stack) return true;
  size_t size = (size_t)SIGSTKSZ * 4;
  if (!(state->alternate_stack = malloc(size))) return cd_raise_memory(vm);
  stack_t stack = {.ss_sp = state->alternate_stack, .ss_size = size};
  return sigaltstack(&stack, NULL) == 0 || cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

FUNCTION(faulthandler, enable, "enable(file=sys.stderr, all_threads=True)",
         "enable(file=sys.stderr, all_threads=True): enable the fault handler")
{
  FaultState *state = fault_state(vm);
  Ref file;
  int fd;
  bool all;
  if (!fault_file(vm, args[0], &file, &fd)) return NO_REF;
  if (!fault_flag(vm, args[1], true, &all) || !fault_make_stack(vm, state)) { cd_drop(vm, file); return NO_REF; }
  cd_replace(vm, &state->fatal.file, file);
  state->fatal.fd = fd;
  state->fatal.all_threads = all;
  if (state->fatal.enabled) return cd_none();
  atomic_store(&fault_owner, vm);
  state->fatal.enabled = true;
  for (size_t i = 0; i < ARRAY_LEN(fault_fatal); i++) {
    struct sigaction action = {.sa_handler = fault_on_fatal, .sa_flags = SA_NODEFER | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (sigaction(fault_fatal[i].number, &action, &state->previous[i]) < 0) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  }
  return cd_none();
}

static void fault_disable(VM *vm, FaultState *state)
{
  if (state->fatal.enabled) {
    state->fatal.enabled = false;
    for (size_t i = 0; i < ARRAY_LEN(fault_fatal); i++) sigaction(fault_fatal[i].number, &state->previous[i], NULL);
  }
  cd_clear(vm, &state->fatal.file);
}

FUNCTION(faulthandler, disable, "disable()", "disable(): disable the fault handler")
{
  bool was = fault_state(vm)->fatal.enabled;
  fault_disable(vm, fault_state(vm));
  return cd_bool(was);
}

FUNCTION(faulthandler, is_enabled, "is_enabled()", "is_enabled()->bool: True while faults are reported")
{
  return cd_bool(fault_state(vm)->fatal.enabled);
}

// ---- after a time ----

static void *fault_watch(void *argument)
{
  VM *vm = argument;
  FaultState *state = fault_state(vm);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);        // signals are for the program's own threads
  int64_t deadline = cd_monotonic_ns() + state->interval;
  pthread_mutex_lock(&state->mutex);
  while (!state->stop) {
    struct timespec until = {deadline / 1000000000, deadline % 1000000000};
    if (pthread_cond_timedwait(&state->condition, &state->mutex, &until) != ETIMEDOUT || state->stop) continue;
    fault_put(state->later_fd, state->header);
    fault_dump(vm, state->later_fd, true, NULL);
    if (state->exit_after) _exit(1);
    if (!state->repeat) break;
    deadline += state->interval;
  }
  pthread_mutex_unlock(&state->mutex);
  return NULL;
}

static void fault_cancel(VM *vm, FaultState *state)
{
  if (state->watching) {
    pthread_mutex_lock(&state->mutex);
    state->stop = true;
    pthread_cond_signal(&state->condition);
    pthread_mutex_unlock(&state->mutex);
    Thread *me = cd_unlock(vm);
    pthread_join(state->watchdog, NULL);
    cd_relock(vm, me);
    state->watching = false;
  }
  cd_clear(vm, &state->later_file);
}

static void fault_make_condition(FaultState *state)
{
  if (state->mutex_made) return;
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&state->condition, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&state->mutex, NULL);
  state->mutex_made = true;
}

static void fault_format_header(FaultState *state)
{
  long long microseconds = state->interval / 1000, seconds = microseconds / 1000000;
  microseconds %= 1000000;
  if (microseconds)
    snprintf(state->header, sizeof state->header, "Timeout (%lld:%02lld:%02lld.%06lld)!\n", seconds / 3600, seconds / 60 % 60, seconds % 60,
             microseconds);
  else snprintf(state->header, sizeof state->header, "Timeout (%lld:%02lld:%02lld)!\n", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

FUNCTION(faulthandler, dump_traceback_later, "dump_traceback_later(timeout, repeat=False, file=sys.stderr, exit=False)",
         "dump_traceback_later(timeout, repeat=False, file=sys.stderr, exit=False):\nwrite the tracebacks of all threads after timeout "
         "seconds, or every timeout seconds; with exit\nthe process ends then")
{
  FaultState *state = fault_state(vm);
  int64_t interval;
  bool repeat, exit_after;
  Ref file;
  int fd;
  Ref index = cd_is_float(args[0]) ? NO_REF : cd_index(vm, args[0]);
  if (!cd_is_float(args[0]) && !index) return NO_REF;
  cd_drop(vm, index);
  if (!cd_timeout(vm, args[0], "", &interval)) return NO_REF;
  if (interval <= 0) return cd_raise_value(vm, "timeout must be greater than 0");
  if (!fault_flag(vm, args[1], false, &repeat) || !fault_flag(vm, args[3], false, &exit_after) || !fault_file(vm, args[2], &file, &fd))
    return NO_REF;
  fault_cancel(vm, state);
  fault_make_condition(state);
  cd_replace(vm, &state->later_file, file);
  state->later_fd = fd;
  state->interval = interval;
  state->repeat = repeat;
  state->exit_after = exit_after;
  state->stop = false;
  fault_format_header(state);
  if (pthread_create(&state->watchdog, NULL, fault_watch, vm) != 0) {
    cd_clear(vm, &state->later_file);
    return cd_raise_runtime(vm, "unable to start watchdog thread");
  }
  state->watching = true;
  return cd_none();
}

FUNCTION(faulthandler, cancel_dump_traceback_later, "cancel_dump_traceback_later()",
         "cancel_dump_traceback_later():\ntakes back what dump_traceback_later() was asked for.")
{
  fault_cancel(vm, fault_state(vm));
  return cd_none();
}

// ---- on a signal ----

static void fault_on_user(int number)
{
  VM *vm = atomic_load(&fault_owner);
  FaultState *state = vm && vm->module_state ? fault_state(vm) : NULL;
  if (!state || !state->user[number].enabled) return;
  FaultSignal *user = &state->user[number];
  int error = errno;
  fault_dump(vm, user->fd, user->all_threads, vm->thread);
  if (user->chain) {
    struct sigaction action = {.sa_handler = fault_on_user, .sa_flags = SA_NODEFER | SA_ONSTACK};
    sigaction(number, &user->previous, NULL);
    errno = error;
    raise(number);
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
  }
  errno = error;
}

static bool fault_signal_number(VM *vm, Value v, int *out)
{
  if (!cd_to_c_int(vm, v, out)) return false;
  for (size_t i = 0; i < ARRAY_LEN(fault_fatal); i++)
    if (fault_fatal[i].number == *out) return cd_raise_runtime(vm, "signal %d cannot be registered, use enable() instead", *out);
  return (*out >= 1 && *out < NSIG) || cd_raise_value(vm, "signal number out of range");
}

METHOD_DEF_(
  faulthandler_register, "register", "register(signum, file=sys.stderr, all_threads=True, chain=False)",
  "register(signum, file=sys.stderr, all_threads=True, chain=False): write the traceback of this thread, or of all, when the signal comes",
  0)
{
  FaultState *state = fault_state(vm);
  int number, fd;
  bool all, chain;
  Ref file;
  if (!fault_signal_number(vm, args[0], &number) || !fault_file(vm, args[1], &file, &fd)) return NO_REF;
  FaultSignal *user = &state->user[number];
  if (!fault_flag(vm, args[2], true, &all) || !fault_flag(vm, args[3], false, &chain) || !fault_make_stack(vm, state) ||
      !cd_signal_remember(vm, number)) {
    cd_drop(vm, file);
    return NO_REF;
  }
  if (!user->enabled) {
    struct sigaction action = {.sa_handler = fault_on_user, .sa_flags = (chain ? SA_NODEFER : SA_RESTART) | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    atomic_store(&fault_owner, vm);
    if (sigaction(number, &action, &user->previous) < 0) { cd_drop(vm, file); return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); }
  }
  cd_replace(vm, &user->file, file);
  user->fd = fd;
  user->all_threads = all;
  user->chain = chain;
  user->enabled = true;
  return cd_none();
}

static bool fault_unregister(VM *vm, FaultSignal *user, int number)
{
  if (!user->enabled) return false;
  user->enabled = false;
  sigaction(number, &user->previous, NULL);
  cd_clear(vm, &user->file);
  return true;
}

FUNCTION(faulthandler, unregister, "unregister(signum)", "unregister(signum): undo register()")
{
  int number;
  return fault_signal_number(vm, args[0], &number) ? cd_bool(fault_unregister(vm, &fault_state(vm)->user[number], number)) : NO_REF;
}

// ---- for tests ----

static void fault_no_core(void)
{
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

FUNCTION(faulthandler, _sigsegv, "_sigsegv(release_gil=False, /)", "_sigsegv(release_gil=False): raise a SIGSEGV signal")
{
  fault_no_core();
  raise(SIGSEGV);
  return cd_none();
}
FUNCTION(faulthandler, _sigabrt, "_sigabrt()", "_sigabrt(): raise a SIGABRT signal") { fault_no_core(); raise(SIGABRT); return cd_none(); }
FUNCTION(faulthandler, _sigfpe, "_sigfpe()", "_sigfpe(): raise a SIGFPE signal") { fault_no_core(); raise(SIGFPE); return cd_none(); }
FUNCTION(faulthandler, _read_null, "_read_null()", "_read_null(): read from NULL, raise a SIGSEGV signal")
{
  fault_no_core();
  volatile int *nothing = NULL;
  return cd_from_small(*nothing);
}

static const MethodDef *const faulthandler_functions[] = {
  &faulthandler_enable_def, &faulthandler_disable_def, &faulthandler_is_enabled_def, &faulthandler_dump_traceback_def,
  &faulthandler_dump_traceback_later_def, &faulthandler_cancel_dump_traceback_later_def, &faulthandler_register_def,
  &faulthandler_unregister_def, &faulthandler__sigsegv_def, &faulthandler__sigabrt_def, &faulthandler__sigfpe_def,
  &faulthandler__read_null_def, NULL,
};

static void faulthandler_clear(VM *vm, void *state_)
{
  FaultState *state = state_;
  fault_cancel(vm, state);
  fault_disable(vm, state);
  for (int i = 1; i < NSIG; i++) fault_unregister(vm, &state->user[i], i);
  VM *expected = vm;
  atomic_compare_exchange_strong(&fault_owner, &expected, NULL);
  if (state->mutex_made) {
    pthread_mutex_destroy(&state->mutex);
    pthread_cond_destroy(&state->condition);
  }
  if (state->alternate_stack) {
    stack_t stack = {.ss_flags = SS_DISABLE};
    sigaltstack(&stack, NULL);
    free(state->alternate_stack);
  }
}

const ModuleDef cd_module_faulthandler = {
  .name = "faulthandler",
  .doc = "faulthandler module.\n\nTracebacks when things go really wrong.",
  .functions = faulthandler_functions,
  .state_size = sizeof(FaultState),
  .clear = faulthandler_clear,
};

// ---- start-up ----

static bool fault_wanted(VM *vm)
{
  const char *variable = vm->config.ignore_environment ? NULL : getenv("PYTHONFAULTHANDLER");
  if (vm->config.dev_mode || (variable && *variable)) return true;
  for (int i = 0; i < vm->config.x_option_count; i++)
    if (!strcmp(vm->config.x_options[i], "faulthandler")) return true;
  return false;
}

bool cd_faulthandler_start(VM *vm)
{
  if (!fault_wanted(vm)) return true;
  Ref enable = cd_import_attr(vm, "faulthandler", "enable"), result = enable ? cd_call0(vm, enable) : NO_REF;
  cd_drop(vm, enable);
  cd_drop(vm, result);
  return result != NO_REF;
}
