// SPDX-License-Identifier: MIT
// _signal.c: signals: handlers in Python run at the next breaker check of the main thread (library reference, "signal")
#include "modules/module_list.h"
#include "objects/exception.h"
#include "modules/signals.h"

#include "core/lock.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// What the VM knows of signals. `pending` and `any` are written by the C handler, everything else by Python threads.
struct Signals {
  atomic_bool any, interrupted;                  // interrupted: by the host
  atomic_bool pending[NSIG];
  Value handlers[NSIG];                          // owned: what signal() was given; NO_VALUE: not asked yet
  atomic_int wakeup_fd;                          // -1: none
  bool warn_on_full;
  pthread_t main_thread;
  Type *siginfo;                                 // owned
  Value default_int_handler, itimer_error;       // owned
};

// The one process-wide variable: signals have no context argument, and a process has one set of dispositions. It names the VM that
// installed handlers first; only that VM's module may change them.
static _Atomic(VM *) signal_owner;

static void on_signal(int number)
{
  int error = errno;
  VM *vm = atomic_load(&signal_owner);
  if (vm && vm->signals) {
    struct Signals *s = vm->signals;
    atomic_store(&s->pending[number], true);
    atomic_store(&s->any, true);
    atomic_fetch_or(&vm->breaker, BREAK_SIGNAL);
    int fd = atomic_load(&s->wakeup_fd);
    unsigned char byte = (unsigned char)number;
    if (fd >= 0 && write(fd, &byte, 1) < 0) errno = error;
    struct Loop *loop = atomic_load(&vm->polling_loop);
    if (loop) atomic_load(&vm->wake_loop)(loop);
  }
  errno = error;
}

static bool is_main_thread(VM *vm) { return pthread_equal(pthread_self(), vm->signals->main_thread); }

// The hook of core/vm.h for BREAK_SIGNAL.
static bool run_signals(VM *vm)
{
  struct Signals *s = vm->signals;
  if (!is_main_thread(vm)) return true;          // the bit stays for the main thread
  atomic_fetch_and(&vm->breaker, ~(unsigned)BREAK_SIGNAL);
  if (!atomic_exchange(&s->any, false)) return true;
  if (atomic_exchange(&s->interrupted, false)) {
    if (!s->handlers[SIGINT] || !cd_is_callable(vm, s->handlers[SIGINT])) {
      atomic_store(&s->any, true);               // signals wait for the next time
      return cd_raise_no_args(vm, vm->exc.KeyboardInterrupt);
    }
    atomic_store(&s->pending[SIGINT], true);
  }
  for (int number = 1; number < NSIG; number++) {
    if (!atomic_exchange(&s->pending[number], false)) continue;
    Ref handler = s->handlers[number] ? cd_dup(s->handlers[number]) : NO_REF;
    if (!handler || cd_is_none(handler) || !cd_is_callable(vm, handler)) {
      cd_drop(vm, handler);
      continue;
    }
    FrameObject *frame = vm->thread->frame ? cd_frame_object(vm, vm->thread->frame) : NULL;
    Ref frame_ref = frame ? cd_dup_object(frame) : cd_none(), result = cd_call2(vm, handler, cd_from_small(number), frame_ref);
    cd_drop(vm, frame_ref);
    cd_drop(vm, handler);
    if (!result) {                               // the others are looked at next time
      atomic_store(&s->any, true);
      atomic_fetch_or(&vm->breaker, BREAK_SIGNAL);
      return false;
    }
    cd_drop(vm, result);
  }
  return true;
}

// ---- arguments ----

static bool signal_number(VM *vm, Value v, int *out)
{
  if (!cd_to_c_int(vm, v, out)) return false;
  return (*out >= 1 && *out < NSIG) || cd_raise_value(vm, "signal number out of range");
}
static Ref signal_error(VM *vm) { return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE); }

static bool signal_set_from(VM *vm, Value iterable, sigset_t *set)
{
  sigemptyset(set);
  Ref iter = cd_iter(vm, iterable), item;
  if (!iter) return false;
  Next next;
  while ((next = cd_next(vm, iter, &item)) == NEXT_ITEM) {
    Ref index = cd_index(vm, item);
    int64_t number = 0;
    bool fits = index && cd_int_fits_i64(index, &number), ok = index;
    cd_drop(vm, item);
    if (ok && (!fits || number < 1 || number >= NSIG)) ok = cd_raise_value(vm, "signal number %S out of range [1; %d]", index, NSIG - 1);
    cd_drop(vm, index);
    if (!ok) {
      next = NEXT_ERROR;
      break;
    }
    sigaddset(set, (int)number);
  }
  cd_drop(vm, iter);
  return next != NEXT_ERROR;
}
static Ref signal_set_value(VM *vm, const sigset_t *set)
{
  Ref result = cd_set_new(vm, NO_VALUE);
  for (int number = 1; result && number < NSIG; number++)
    if (sigismember(set, number) == 1 && !cd_set_add(vm, result, cd_from_small(number))) cd_forget(vm, &result);
  return result;
}

// What getsignal() says of a disposition that Python has not set.
static Ref signal_current(VM *vm, int number)
{
  struct sigaction action;
  if (sigaction(number, NULL, &action) < 0) return cd_none();
  return action.sa_handler == SIG_DFL ? cd_from_small(0) : action.sa_handler == SIG_IGN ? cd_from_small(1) : cd_none();
}
static Ref signal_get(VM *vm, int number)
{
  Value *slot = &vm->signals->handlers[number];
  if (!*slot && !(*slot = signal_current(vm, number))) return NO_REF;
  return cd_dup(*slot);
}

bool cd_signal_remember(VM *vm, int number)
{
  Ref handler = vm->signals ? signal_get(vm, number) : cd_none();
  cd_drop(vm, handler);
  return handler != NO_REF;
}

static bool signal_install(int number, void (*handler)(int))
{
  struct sigaction action = {.sa_handler = handler};
  return sigaction(number, &action, NULL) == 0;
}

// ---- functions ----

FUNCTION(_signal, default_int_handler, "default_int_handler(signalnum, frame, /)",
         "What SIGINT does at the start: raise KeyboardInterrupt.")
{
  return cd_raise_no_args(vm, vm->exc.KeyboardInterrupt);
}

FUNCTION(_signal, signal, "signal(signalnum, handler, /)",
         "Set what a signal does: SIG_DFL, SIG_IGN or a function(signalnum, frame). Returns what it did.")
{
  int number;
  void (*native)(int) = on_signal;
  if (!cd_to_c_int(vm, args[0], &number)) return NO_REF;
  if (!is_main_thread(vm) || atomic_load(&signal_owner) != vm) {
    VM *none = NULL;
    if (!is_main_thread(vm) || !atomic_compare_exchange_strong(&signal_owner, &none, vm))
      return cd_raise_value(vm, "signal only works in main thread of the main interpreter");
  }
  if (number < 1 || number >= NSIG) return cd_raise_value(vm, "signal number out of range");
  bool equal;
  if (!cd_is_callable(vm, args[1])) {
    if (!cd_equal(vm, args[1], cd_from_small(0), &equal)) return NO_REF;
    if (equal) native = SIG_DFL;
    else {
      if (!cd_equal(vm, args[1], cd_from_small(1), &equal)) return NO_REF;
      if (!equal) return cd_raise_type(vm, "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object");
      native = SIG_IGN;
    }
  }
  if (!cd_poll(vm)) return NO_REF;
  Ref old = signal_get(vm, number);
  if (!old) return NO_REF;
  if (!signal_install(number, native)) {
    cd_drop(vm, old);
    return signal_error(vm);
  }
  cd_replace(vm, &vm->signals->handlers[number],
             native == SIG_DFL   ? cd_from_small(0)
             : native == SIG_IGN ? cd_from_small(1)
                                 : cd_dup(args[1]));
  return old;
}
FUNCTION(_signal, getsignal, "getsignal(signalnum, /)",
         "What a signal does: SIG_DFL, SIG_IGN, a function, or None when it was not set from Python.")
{
  int number;
  return signal_number(vm, args[0], &number) ? signal_get(vm, number) : NO_REF;
}
FUNCTION(_signal, strsignal, "strsignal(signalnum, /)", "Description of a signal, or None.")
{
  int number;
  if (!signal_number(vm, args[0], &number)) return NO_REF;
  const char *text = strsignal(number);
  return text && strncmp(text, "Unknown signal", 14) ? cd_str_from(vm, text) : cd_none();
}
FUNCTION(_signal, raise_signal, "raise_signal(signalnum, /)", "Send a signal to this process.")
{
  int number;
  if (!cd_to_c_int(vm, args[0], &number)) return NO_REF;
  Thread *me = cd_unlock(vm);
  int status = raise(number);
  cd_relock(vm, me);
  if (status) return signal_error(vm);
  return cd_poll(vm) ? cd_none() : NO_REF;
}
FUNCTION(_signal, alarm, "alarm(seconds, /)", "SIGALRM after so many seconds; what was left of the one before.")
{
  int seconds;
  return cd_to_c_int(vm, args[0], &seconds) ? cd_from_small(alarm((unsigned)seconds)) : NO_REF;
}
FUNCTION(_signal, pause, "pause()", "Wait for a signal.")
{
  Thread *me = cd_unlock(vm);
  pause();
  cd_relock(vm, me);
  return cd_poll(vm) ? cd_none() : NO_REF;
}
FUNCTION(_signal, siginterrupt, "siginterrupt(signalnum, flag, /)", "Do system calls end when the signal comes (true), or start again?")
{
  int number, flag;
  struct sigaction action;
  if (!signal_number(vm, args[0], &number) || !cd_to_c_int(vm, args[1], &flag)) return NO_REF;
  sigaction(number, NULL, &action);
  if (flag) action.sa_flags &= ~SA_RESTART;
  else action.sa_flags |= SA_RESTART;
  return sigaction(number, &action, NULL) < 0 ? signal_error(vm) : cd_none();
}
FUNCTION_RAW(_signal, set_wakeup_fd, "set_wakeup_fd(fd, *, warn_on_full_buffer=True)",
             "A descriptor that gets a byte for each signal; -1 for none. Returns the one before.")
{
  Value bound[2];
  Ref owned[2] = {NO_REF, NO_REF};
  int fd;
  bool warn = true;
  if (!cd_bind_text(vm, "set_wakeup_fd(fd, /, *, warn_on_full_buffer=True)", args, nargs, kwnames, bound, owned)) return NO_REF;
  if (!cd_to_c_int(vm, bound[0], &fd) || (bound[1] && !cd_truth(vm, bound[1], &warn))) return NO_REF;
  if (!is_main_thread(vm)) return cd_raise_value(vm, "set_wakeup_fd only works in main thread of the main interpreter");
  if (fd != -1) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return signal_error(vm);
    if (!(flags & O_NONBLOCK)) return cd_raise_value(vm, "the fd %i must be in non-blocking mode", fd);
  }
  vm->signals->warn_on_full = warn;
  return cd_from_small(atomic_exchange(&vm->signals->wakeup_fd, fd));
}

static bool timer_value(VM *vm, Value v, struct timeval *out)
{
  double seconds;
  if (!cd_to_double(vm, v, &seconds)) return false;
  if (isnan(seconds)) return cd_raise_value(vm, "Invalid value NaN (not a number)");
  if (fabs(seconds) > 1e15) return cd_raise_overflow(vm, "timestamp out of range for platform time_t");
  double whole = floor(seconds);
  out->tv_sec = (time_t)whole;
  out->tv_usec = (suseconds_t)ceil((seconds - whole) * 1e6);
  if (out->tv_usec >= 1000000) {
    out->tv_usec -= 1000000;
    out->tv_sec++;
  }
  return true;
}
static Ref timer_pair(VM *vm, const struct itimerval *t)
{
  return cd_tuple2_steal(vm, cd_float_new(vm, (double)t->it_value.tv_sec + 1e-6 * (double)t->it_value.tv_usec),
                         cd_float_new(vm, (double)t->it_interval.tv_sec + 1e-6 * (double)t->it_interval.tv_usec));
}
static Ref timer_error(VM *vm)
{
  Ref text = cd_str_from(vm, strerror(errno)), pair = text ? cd_tuple2(vm, cd_from_small(errno), text) : NO_REF;
  cd_drop(vm, text);
  Ref error = pair ? cd_call_ex(vm, vm->signals->itimer_error, pair, NO_VALUE) : NO_REF;
  cd_drop(vm, pair);
  return error ? cd_raise_exception(vm, error) : NO_REF;
}
FUNCTION(_signal, setitimer, "setitimer(which, seconds, interval=0.0, /)", "Start an interval timer; (delay, interval) of the one before.")
{
  int which;
  struct itimerval timer = {0}, old;
  if (!cd_to_c_int(vm, args[0], &which) || !timer_value(vm, args[1], &timer.it_value) ||
      (args[2] && !timer_value(vm, args[2], &timer.it_interval)))
    return NO_REF;
  return setitimer((__itimer_which_t)which, &timer, &old) < 0 ? timer_error(vm) : timer_pair(vm, &old);
}
FUNCTION(_signal, getitimer, "getitimer(which, /)", "(delay, interval) of an interval timer.")
{
  int which;
  struct itimerval timer;
  if (!cd_to_c_int(vm, args[0], &which)) return NO_REF;
  return getitimer((__itimer_which_t)which, &timer) < 0 ? timer_error(vm) : timer_pair(vm, &timer);
}

FUNCTION(_signal, pthread_sigmask, "pthread_sigmask(how, mask, /)", "Change which signals this thread blocks; the old set.")
{
  int how;
  sigset_t set, old;
  if (!cd_to_c_int(vm, args[0], &how) || !signal_set_from(vm, args[1], &set)) return NO_REF;
  errno = pthread_sigmask(how, &set, &old);
  if (errno) return signal_error(vm);
  return cd_poll(vm) ? signal_set_value(vm, &old) : NO_REF;
}
FUNCTION(_signal, pthread_kill, "pthread_kill(thread_id, signalnum, /)", "Sends one thread a signal.")
{
  int64_t id;
  int number;
  if (!cd_to_i64(vm, args[0], &id, vm->exc.OverflowError) || !cd_to_c_int(vm, args[1], &number)) return NO_REF;
  errno = pthread_kill((pthread_t)id, number);
  if (errno) return signal_error(vm);
  return cd_poll(vm) ? cd_none() : NO_REF;
}
FUNCTION(_signal, pidfd_send_signal, "pidfd_send_signal(pidfd, signalnum, siginfo=None, flags=0, /)",
         "Send a signal to the process of a descriptor.")
{
  int fd, number, flags = 0;
  if (!cd_to_c_int(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &number) || (args[3] && !cd_to_c_int(vm, args[3], &flags))) return NO_REF;
  if (args[2] && !cd_is_none(args[2])) return cd_raise_type(vm, "siginfo must be None");
  if (syscall(SYS_pidfd_send_signal, fd, number, NULL, flags) < 0) return signal_error(vm);
  return cd_poll(vm) ? cd_none() : NO_REF;
}
FUNCTION(_signal, sigpending, "sigpending()", "Signals that wait because they are blocked.")
{
  sigset_t set;
  return sigpending(&set) < 0 ? signal_error(vm) : signal_set_value(vm, &set);
}
FUNCTION(_signal, valid_signals, "valid_signals()", "All signal numbers of this system.")
{
  sigset_t set;
  sigfillset(&set);
  return signal_set_value(vm, &set);
}
FUNCTION(_signal, sigwait, "sigwait(sigset, /)", "Wait for one of the signals; its number.")
{
  sigset_t set;
  int number, error;
  if (!signal_set_from(vm, args[0], &set)) return NO_REF;
  do {
    Thread *me = cd_unlock(vm);
    error = sigwait(&set, &number);
    cd_relock(vm, me);
  } while (error == EINTR && cd_poll(vm));
  errno = error;
  return cd_raised(vm) ? NO_REF : error ? signal_error(vm) : cd_from_small(number);
}
static Ref siginfo_value(VM *vm, const siginfo_t *info)
{
  Value items[7] = {cd_from_small(info->si_signo), cd_from_small(info->si_code), cd_from_small(info->si_errno), cd_from_small(info->si_pid),
                    cd_from_small(info->si_uid), cd_from_small(info->si_status), cd_from_small((int64_t)info->si_band)};
  return cd_struct_new(vm, vm->signals->siginfo, items);
}
FUNCTION(_signal, sigwaitinfo, "sigwaitinfo(sigset, /)", "Wait for one of the signals; what is known of it.")
{
  sigset_t set;
  siginfo_t info;
  int status;
  if (!signal_set_from(vm, args[0], &set)) return NO_REF;
  do {
    Thread *me = cd_unlock(vm);
    status = sigwaitinfo(&set, &info);
    cd_relock(vm, me);
  } while (status < 0 && errno == EINTR && cd_poll(vm));
  return cd_raised(vm) ? NO_REF : status < 0 ? signal_error(vm) : siginfo_value(vm, &info);
}
FUNCTION(_signal, sigtimedwait, "sigtimedwait(sigset, timeout, /)", "Like sigwaitinfo(), at most timeout seconds; then None.")
{
  sigset_t set;
  siginfo_t info;
  double timeout;
  int status;
  if (!signal_set_from(vm, args[0], &set) || !cd_to_double(vm, args[1], &timeout)) return NO_REF;
  if (timeout < 0) return cd_raise_value(vm, "timeout must be non-negative");
  struct timespec now, left;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double end = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec + timeout;
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
    double rest = end - ((double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
    if (rest < 0) rest = 0;
    left = (struct timespec){(time_t)rest, (long)((rest - floor(rest)) * 1e9)};
    Thread *me = cd_unlock(vm);
    status = sigtimedwait(&set, &info, &left);
    cd_relock(vm, me);
  } while (status < 0 && errno == EINTR && cd_poll(vm));
  if (cd_raised(vm)) return NO_REF;
  if (status < 0) return errno == EAGAIN ? cd_none() : signal_error(vm);
  return siginfo_value(vm, &info);
}

// ---- the module ----

#define SIGNAL_CONSTANT(name) {#name, name}
static const struct { const char *name; int value;
} signal_constants[] = {{"NSIG", NSIG},
                        {"SIG_DFL", 0},
                        {"SIG_IGN", 1},
                        SIGNAL_CONSTANT(SIGABRT),
                        SIGNAL_CONSTANT(SIGALRM),
                        SIGNAL_CONSTANT(SIGBUS),
                        SIGNAL_CONSTANT(SIGCHLD),
                        SIGNAL_CONSTANT(SIGCLD),
                        SIGNAL_CONSTANT(SIGCONT),
                        SIGNAL_CONSTANT(SIGFPE),
                        SIGNAL_CONSTANT(SIGHUP),
                        SIGNAL_CONSTANT(SIGILL),
                        SIGNAL_CONSTANT(SIGINT),
                        SIGNAL_CONSTANT(SIGIO),
                        SIGNAL_CONSTANT(SIGIOT),
                        SIGNAL_CONSTANT(SIGKILL),
                        SIGNAL_CONSTANT(SIGPIPE),
                        SIGNAL_CONSTANT(SIGPOLL),
                        SIGNAL_CONSTANT(SIGPROF),
                        SIGNAL_CONSTANT(SIGPWR),
                        SIGNAL_CONSTANT(SIGQUIT),
                        SIGNAL_CONSTANT(SIGSEGV),
                        SIGNAL_CONSTANT(SIGSTKFLT),
                        SIGNAL_CONSTANT(SIGSTOP),
                        SIGNAL_CONSTANT(SIGSYS),
                        SIGNAL_CONSTANT(SIGTERM),
                        SIGNAL_CONSTANT(SIGTRAP),
                        SIGNAL_CONSTANT(SIGTSTP),
                        SIGNAL_CONSTANT(SIGTTIN),
                        SIGNAL_CONSTANT(SIGTTOU),
                        SIGNAL_CONSTANT(SIGURG),
                        SIGNAL_CONSTANT(SIGUSR1),
                        SIGNAL_CONSTANT(SIGUSR2),
                        SIGNAL_CONSTANT(SIGVTALRM),
                        SIGNAL_CONSTANT(SIGWINCH),
                        SIGNAL_CONSTANT(SIGXCPU),
                        SIGNAL_CONSTANT(SIGXFSZ),
                        SIGNAL_CONSTANT(SIG_BLOCK),
                        SIGNAL_CONSTANT(SIG_UNBLOCK),
                        SIGNAL_CONSTANT(SIG_SETMASK),
                        SIGNAL_CONSTANT(ITIMER_REAL),
                        SIGNAL_CONSTANT(ITIMER_VIRTUAL),
                        SIGNAL_CONSTANT(ITIMER_PROF)};

static const StructField siginfo_fields[] = {{"si_signo", "signal number"},         {"si_code", "signal code"},
                                             {"si_errno", "error number"},          {"si_pid", "sending process"},
                                             {"si_uid", "its real user"},           {"si_status", "exit status or signal"},
                                             {"si_band", "band event for SIGPOLL"}, {NULL, NULL}};
static const StructSpec siginfo_struct = {"signal.struct_siginfo", "What is known of a signal that was waited for.", siginfo_fields, 7};

bool cd_signals_init(VM *vm)
{
  struct Signals *s = cd_alloc_zeroed(vm, sizeof *s);
  if (!s) return false;
  atomic_init(&s->wakeup_fd, -1);
  s->main_thread = pthread_self();
  s->warn_on_full = true;
  vm->signals = s;
  vm->run_signals = run_signals;
  if (!vm->config.install_signal_handlers) return true;
  VM *none = NULL;
  if (!atomic_compare_exchange_strong(&signal_owner, &none, vm)) return true;
  signal_install(SIGPIPE, SIG_IGN);
  signal_install(SIGXFSZ, SIG_IGN);
  struct sigaction action;
  if (sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
    s->default_int_handler = cd_native_new(vm, &_signal_default_int_handler_def, NO_VALUE, NO_VALUE);
    if (!s->default_int_handler) return false;
    s->handlers[SIGINT] = cd_dup(s->default_int_handler);
    signal_install(SIGINT, on_signal);
  }
  return true;
}

void cd_signals_finish(VM *vm)
{
  struct Signals *s = vm->signals;
  if (!s) return;
  VM *self = vm;
  if (atomic_compare_exchange_strong(&signal_owner, &self, NULL)) {
    for (int number = 1; number < NSIG; number++)
      if (s->handlers[number] && cd_is_callable(vm, s->handlers[number])) signal_install(number, SIG_DFL);
  }
  vm->run_signals = NULL;
  vm->signals = NULL;
  for (int number = 1; number < NSIG; number++) cd_clear(vm, &s->handlers[number]);
  cd_clear(vm, &s->default_int_handler);
  cd_clear(vm, &s->itimer_error);
  cd_drop_object(vm, s->siginfo);
  cd_free(vm, s, sizeof *s);
}

void cd_signals_trip(VM *vm, int number)
{
  struct Signals *s = vm->signals;
  if (!s || number < 1 || number >= NSIG) return;
  atomic_store(&s->pending[number], true);
  atomic_store(&s->any, true);
  atomic_fetch_or(&vm->breaker, BREAK_SIGNAL);
}
void cd_signals_interrupt(VM *vm)
{
  struct Signals *s = vm->signals;
  if (!s) return;
  atomic_store(&s->interrupted, true);
  atomic_store(&s->any, true);
  atomic_fetch_or(&vm->breaker, BREAK_SIGNAL);
}

bool cd_signals_adopt(VM *vm)
{
  struct Signals *s = vm->signals;
  pthread_t self = pthread_self();
  if (LIKELY(!s || pthread_equal(self, s->main_thread))) return false;
  s->main_thread = self;
  return true;
}

bool cd_signals_ignored(VM *vm, int number)
{
  Ref handler = signal_get(vm, number);
  bool ignored = cd_is(handler, cd_from_small(1)) || cd_is(handler, cd_from_small(0));
  cd_drop(vm, handler);
  return ignored;
}

static bool signal_exec(VM *vm, Value module)
{
  struct Signals *s = vm->signals;
  for (size_t i = 0; i < ARRAY_LEN(signal_constants); i++)
    if (!cd_module_add_int(vm, module, signal_constants[i].name, signal_constants[i].value)) return false;
  if (!cd_module_add_int(vm, module, "SIGRTMIN", SIGRTMIN) || !cd_module_add_int(vm, module, "SIGRTMAX", SIGRTMAX)) return false;
  // signal(SIGINT) must give the very function that the module shows.
  Value shown = cd_dict_get_text_borrow(vm, cd_module_dict(module), "default_int_handler");
  if (shown && s->default_int_handler) {
    if (s->handlers[SIGINT] && cd_is(s->handlers[SIGINT], s->default_int_handler)) cd_replace(vm, &s->handlers[SIGINT], cd_dup(shown));
    cd_replace(vm, &s->default_int_handler, cd_dup(shown));
  }
  if (!s->siginfo && !(s->siginfo = cd_struct_type_new(vm, &siginfo_struct, false))) return false;
  if (!cd_module_add(vm, module, "struct_siginfo", cd_dup_object(s->siginfo))) return false;
  if (!s->itimer_error && !(s->itimer_error = cd_exception_type_new(vm, "signal.itimer_error", NULL, cd_type_value(vm->exc.OSError))))
    return false;
  return cd_module_add(vm, module, "ItimerError", cd_dup(s->itimer_error));
}

static const MethodDef *const signal_functions[] = {&_signal_default_int_handler_def,
                                                    &_signal_signal_def,
                                                    &_signal_getsignal_def,
                                                    &_signal_strsignal_def,
                                                    &_signal_raise_signal_def,
                                                    &_signal_alarm_def,
                                                    &_signal_pause_def,
                                                    &_signal_siginterrupt_def,
                                                    &_signal_set_wakeup_fd_def,
                                                    &_signal_setitimer_def,
                                                    &_signal_getitimer_def,
                                                    &_signal_pthread_sigmask_def,
                                                    &_signal_pthread_kill_def,
                                                    &_signal_pidfd_send_signal_def,
                                                    &_signal_sigpending_def,
                                                    &_signal_valid_signals_def,
                                                    &_signal_sigwait_def,
                                                    &_signal_sigwaitinfo_def,
                                                    &_signal_sigtimedwait_def,
                                                    NULL};
const ModuleDef cd_module__signal = {"_signal", "Signals: the engine of the signal module.", signal_functions, 0, signal_exec, NULL, NULL};
