/* SPDX-License-Identifier: MIT */
/* cede.h: embed Python. C99 and C++.

   Ownership: a CedeRef that a function returns is yours, to be given back with cede_drop. Those that you hand to a function stay yours: it
   takes what it needs. Text that is handed in is copied, unless said otherwise; text that comes out is borrowed, as long as is said.

   Errors: a function that can fail returns a failed CedeRef, false, NULL or -1, and a Python exception is set in the VM then: look with
   cede_take_exception, print it with cede_print_exception, or hand it on by failing too, if Python called you. Do not call on while one is
   set, but for cede_drop, cede_raised and those two; handing a failed value on is allowed.

   Threads: all state lives in a CedeVM, nothing is shared between two of them, and a VM is used by one thread at a time; it may be another
   one each time. From any thread at any time: cede_post, and cede_interrupt (in a signal handler too). */
#ifndef CEDE_H
#define CEDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CEDE_API __attribute__((visibility("default")))
#else
#define CEDE_API
#endif

#define CEDE_VERSION "0.1.0"

typedef struct VM CedeVM;

/* One reference to a Python value. Yours to give back with cede_drop. `bits` 0: failed, an exception is set in the VM. */
typedef struct CedeRef { uint64_t bits; } CedeRef;

/* Who closes an async generator that is left early. SAFE: who leaves it awaits its end. COMPAT: as CPython, the hooks of the event loop,
   later. STRICT: as SAFE, and generators and coroutines that nobody ends are errors. */
typedef enum CedeAsyncgen { CEDE_ASYNCGEN_SAFE, CEDE_ASYNCGEN_COMPAT, CEDE_ASYNCGEN_STRICT } CedeAsyncgen;

/* Start-up choices; cede_options_init fills in the defaults. Texts are borrowed for the life of the VM. */
typedef struct CedeOptions {
  uint64_t memory_limit;                /* bytes the VM may use; 0: no limit */
  const char *stdlib;                   /* folder of an installed library; NULL: looked for in the usual places; "": none */
  bool hash_seed_fixed;                 /* use hash_seed instead of a random one */
  uint64_t hash_seed;
  bool skip_first_line;                 /* of a script */
  bool ends_with_process;               /* cede_vm_free() is the last call: memory need not be given back */
  bool install_signal_handlers;         /* SIGINT becomes KeyboardInterrupt */
  int debug, inspect, interactive, optimize, dont_write_bytecode, no_user_site, no_site, ignore_environment, verbose,
      bytes_warning, quiet, isolated, dev_mode, utf8_mode, warn_default_encoding, safe_path, unbuffered; /* sys.flags */
  int int_max_str_digits;               /* digits that int <-> str conversion takes; 0: no limit */
  const char *executable;               /* sys.executable, absolute; NULL: "" */
  int argc, orig_argc;
  char *const *argv, *const *orig_argv; /* sys.argv, sys.orig_argv */
  int warn_option_count, x_option_count;
  char *const *warn_options, *const *x_options;
  const char *path_variable;            /* what PYTHONPATH says, or NULL */
  const char *stdio_encoding;           /* "encoding:errors" of the standard streams, or NULL */
  const char *pycache_prefix;
  CedeAsyncgen asyncgen;                /* who closes async generators that are left early */
  double asyncgen_grace;                /* seconds that the end of a run gives to generators it closes; 0: 5 */
  bool pep828;                          /* `yield from` in async generators without the __future__ import */
} CedeOptions;
/* Fills in the defaults; needs no VM. To be called first: a newer version may have more fields. */
CEDE_API void cede_options_init(CedeOptions *options);

/* A new VM, or NULL when memory is out or start-up failed (then *error, if not NULL, is a constant text that says why). */
CEDE_API CedeVM *cede_vm_new(const CedeOptions *options, const char **error);
/* Waits for threads that are not daemons, runs atexit functions and finalizers, flushes the standard streams, frees everything; the VM's
   values with it, which need not be dropped before. NULL: nothing happens. Returns 0, or 120 when flushing failed. */
CEDE_API int cede_vm_free(CedeVM *vm);

/* ---- running programs, as a command line does. The result is an exit status; errors are printed to sys.stderr ---- */
/* The result after a KeyboardInterrupt that nobody caught: a command line then ends itself by SIGINT, and a shell stops its script too. */
enum { CEDE_INTERRUPTED = 0x102 };
CEDE_API int cede_run_text(CedeVM *vm, const char *source);              /* -c */
CEDE_API int cede_run_file(CedeVM *vm, const char *path);                /* FILE: source, folder or zip with __main__ */
CEDE_API int cede_run_module(CedeVM *vm, const char *name);              /* -m */
CEDE_API int cede_run_stdin(CedeVM *vm);                                 /* a script on standard input */

/* ---- the prompt ---- */
typedef enum CedeFeed { CEDE_FEED_DONE, CEDE_FEED_MORE, CEDE_FEED_EXIT } CedeFeed;
/* Compiles and runs `source` (all lines of the statement so far) in __main__. MORE: the statement is not complete. EXIT: SystemExit;
   *status is set. Other exceptions are printed. */
CEDE_API CedeFeed cede_feed(CedeVM *vm, const char *source, int *status);
/* sys.ps1 or sys.ps2 as text; valid until the next call. */
CEDE_API const char *cede_prompt(CedeVM *vm, bool more);
/* Calls `each` with every completion of the dotted name that ends `text`. */
CEDE_API void cede_complete(CedeVM *vm, const char *text, void (*each)(void *context, const char *completion), void *context);
/* May be called from a signal handler: the running program sees KeyboardInterrupt. */
CEDE_API void cede_interrupt(CedeVM *vm);

/* ---- values ----
   A failed value may be handed on: that call fails too and the exception stays, so a chain of calls needs one check at its end. */
/* One more reference to the same value. */
CEDE_API CedeRef cede_dup(CedeRef value);
/* Gives a reference back; the last one may run finalizers. A failed value: nothing happens. The exception that is set stays. */
CEDE_API void cede_drop(CedeVM *vm, CedeRef value);
static inline bool cede_failed(CedeRef value) { return value.bits == 0; }
/* None and the two bools can't fail; the others may run out of memory. */
CEDE_API CedeRef cede_none(CedeVM *vm);
CEDE_API CedeRef cede_bool(CedeVM *vm, bool value);
CEDE_API CedeRef cede_int(CedeVM *vm, int64_t value);
CEDE_API CedeRef cede_float(CedeVM *vm, double value);
CEDE_API CedeRef cede_str(CedeVM *vm, const char *utf8, size_t size);    /* UnicodeDecodeError if it is not UTF-8 */
/* As operator.index() and float() do it; *out is written only when that succeeds. OverflowError: more than 64 bits. */
CEDE_API bool cede_to_int(CedeVM *vm, CedeRef value, int64_t *out);
CEDE_API bool cede_to_float(CedeVM *vm, CedeRef value, double *out);
CEDE_API const char *cede_to_utf8(CedeVM *vm, CedeRef value, size_t *size); /* of a str, borrowed while it lives; NULL: exception set */
CEDE_API CedeRef cede_repr(CedeVM *vm, CedeRef value);                   /* repr(value), a str */

/* All of these run Python, which may call back into the host. Names and sources are UTF-8. */
CEDE_API CedeRef cede_eval(CedeVM *vm, const char *expression);          /* the value of an expression in __main__ */
CEDE_API bool cede_exec(CedeVM *vm, const char *source, const char *filename);      /* statements in __main__; filename is for tracebacks */
CEDE_API CedeRef cede_get_global(CedeVM *vm, const char *name);          /* of __main__; NameError if there is none */
CEDE_API bool cede_set_global(CedeVM *vm, const char *name, CedeRef value);
CEDE_API CedeRef cede_import(CedeVM *vm, const char *name);              /* the module of that name: for "a.b" it is b */
CEDE_API CedeRef cede_getattr(CedeVM *vm, CedeRef object, const char *name);
CEDE_API bool cede_setattr(CedeVM *vm, CedeRef object, const char *name, CedeRef value);
/* With `count` positional arguments; without any, args may be NULL. */
CEDE_API CedeRef cede_call(CedeVM *vm, CedeRef callable, const CedeRef *args, size_t count);
CEDE_API CedeRef cede_next(CedeVM *vm, CedeRef iterator, bool *done);    /* failed with *done: the end, no exception */
CEDE_API CedeRef cede_raise(CedeVM *vm, const char *exception, const char *message);  /* exception: a builtin's name; returns {0} */

/* ---- functions in C for Python ---- */
/* Called with borrowed arguments; returns a value of its own, or a failed one with an exception set (cede_raise). */
typedef CedeRef (*CedeFunction)(CedeVM *vm, void *data, const CedeRef *args, size_t count);
/* A callable that takes positional arguments. `release`, if not NULL, gets `data` when the callable dies. A function that returns an
   awaitable, such as a future, can be awaited like one that was written with `async def`. */
CEDE_API CedeRef cede_function_new(CedeVM *vm, const char *name, CedeFunction function, void *data, void (*release)(void *data));
/* An object for `async for`. `next` returns an awaitable for the next item; a failed value without an exception ends the loop. */
typedef CedeRef (*CedeAsyncNext)(CedeVM *vm, void *data);
CEDE_API CedeRef cede_async_iterator_new(CedeVM *vm, CedeAsyncNext next, void *data, void (*release)(void *data));

/* ---- generators ---- */
/* The mode of CedeOptions.asyncgen, from now on. */
CEDE_API void cede_set_asyncgen(CedeVM *vm, CedeAsyncgen mode);
/* A list of the generators, coroutines and async generators that are not finished: tuples (object, "created", "running" or "suspended",
   file and line of the code that made it, or None). */
CEDE_API CedeRef cede_live_generators(CedeVM *vm);

/* ---- the event loop, turned by the host ----
   A VM has one loop that the host turns; it is made by the first of these calls and is what asyncio.get_event_loop() gives. The host waits
   in its own way, and calls cede_loop_step() when cede_loop_fd() can be read, when cede_loop_next_deadline() is over, when the wake-up
   callback was called, and after it has called into the VM by other ways (cede_call and so on). */
CEDE_API CedeRef cede_loop(CedeVM *vm);                                  /* the loop object, for calls of its methods */
/* One turn: waits at most max_ms (0: not at all; negative: until something happens), and runs what is ready. *more, if not NULL: there is
   more to do at once. false: exception set (KeyboardInterrupt, SystemExit, or of a posted function); others go to the loop's exception
   handler. */
CEDE_API bool cede_loop_step(CedeVM *vm, int64_t max_ms, bool *more);
/* Milliseconds until the next step is due, rounded up; 0: now; -1: there is no timer. */
CEDE_API int64_t cede_loop_next_deadline(CedeVM *vm);
/* A descriptor (for poll, epoll, uv_poll ...) that can be read when sockets of the loop are ready or it was woken. -1: failed. */
CEDE_API int cede_loop_fd(CedeVM *vm);
/* `wake` is called from any thread when there is something to do that the host, if it waits by other means than cede_loop_fd(), would not
   see. */
CEDE_API bool cede_loop_on_wake(CedeVM *vm, void (*wake)(void *data), void *data);
/* From any thread, without any other care: `function` is called in the next step. false from it (with an exception set) fails that step.
   The result is false when memory is out or the loop is closed. cede_loop() must have been called before. */
CEDE_API bool cede_post(CedeVM *vm, bool (*function)(CedeVM *vm, void *data), void *data);
/* A task that runs a coroutine on the loop. */
CEDE_API CedeRef cede_spawn(CedeVM *vm, CedeRef coroutine);
/* Turns the loop until an awaitable is done: its result. For hosts that have nothing else to do. */
CEDE_API CedeRef cede_run_until_complete(CedeVM *vm, CedeRef awaitable);
/* Futures: what Python code awaits and the host completes. Those of other kinds (tasks) can be asked too. */
CEDE_API CedeRef cede_future_new(CedeVM *vm);                            /* of the VM's loop */
/* Who awaits it goes on in the next step. InvalidStateError: it is done or cancelled already. Other threads cede_post a function for it. */
CEDE_API bool cede_future_set_result(CedeVM *vm, CedeRef future, CedeRef result);
CEDE_API bool cede_future_set_exception(CedeVM *vm, CedeRef future, CedeRef exception);
CEDE_API bool cede_future_done(CedeVM *vm, CedeRef future);              /* false with an exception set: not a future */
CEDE_API CedeRef cede_future_result(CedeVM *vm, CedeRef future);         /* failed: its exception, or InvalidStateError when not done */

/* ---- the exception that is set ---- */
CEDE_API bool cede_raised(CedeVM *vm);                                   /* is one set? */
CEDE_API CedeRef cede_take_exception(CedeVM *vm);                        /* the exception object, no longer set; failed if there is none */
CEDE_API void cede_print_exception(CedeVM *vm);                          /* sys.excepthook; clears it. None is set: nothing happens */

#ifdef __cplusplus
}
#endif
#endif
