// SPDX-License-Identifier: MIT
// vm.h: one struct that holds all state of an interpreter; nothing else is ever written to
#ifndef CEDE_CORE_VM_H
#define CEDE_CORE_VM_H

#include "base/hash.h"
#include "core/alloc.h"
#include "core/gc.h"
#include "core/ref.h"

#include <stdatomic.h>

// ---- tables ----

typedef struct VmTypes {
#define BUILTIN_TYPE(field, spec, base) Type *field;
#include "core/builtin_types.def"
#undef BUILTIN_TYPE
} VmTypes;

typedef struct VmExceptions {
#define EXCEPTION(name, base, layout, doc) Type *name;
#include "core/exceptions.def"
#undef EXCEPTION
} VmExceptions;

typedef struct VmNames {
#define NAME(field, text) Value field;
#include "core/names.def"
#undef NAME
} VmNames;

// ---- start-up choices ----

typedef struct Config {
  uint64_t memory_limit;                         // bytes, 0: none
  uint64_t hash_seed;                            // used when hash_seed_fixed
  bool hash_seed_fixed;
  const char *stdlib;                            // folder of the installed library, or NULL: found by api/startup
  // sys.flags, in its order of fields
  int debug, inspect, interactive, optimize, dont_write_bytecode, no_user_site, no_site, ignore_environment, verbose,
      bytes_warning, quiet, isolated, dev_mode, utf8_mode, warn_default_encoding, safe_path;
  int int_max_str_digits;                        // default 4300; 0: no limit
  bool ends_with_process, skip_first_line;
  bool import_time;                              // report how long each import takes
  int asyncgen_mode;                             // AsyncgenMode
  double asyncgen_grace;                         // seconds; 0: the default
  bool pep828;                                   // `yield from` in async generators without the __future__ import
  int install_signal_handlers;
  int no_debug_ranges;                           // -X no_debug_ranges: code keeps lines only, no columns
  int unbuffered;                                // -u: stdout and stderr write through
  // Texts below are borrowed from the host for the VM's life, in the file system's encoding; NULL or 0 where absent.
  const char *executable;                        // sys.executable, absolute
  int argc, orig_argc;
  char *const *argv, *const *orig_argv;          // sys.argv, sys.orig_argv
  int warn_option_count, x_option_count;
  char *const *warn_options, *const *x_options;  // sys.warnoptions (weakest first), sys._xoptions entries "name" or "name=value"
  const char *path_variable;                     // PYTHONPATH
  const char *stdio_encoding;                    // PYTHONIOENCODING, "encoding:errors"
  const char *pycache_prefix;
} Config;

// ---- threads ----

// Which exception an `except` block is handling; one on the thread, one in each generator, linked while it runs.
typedef struct Handling {
  Value exception;                               // owned; NO_VALUE: none
  struct Handling *previous;
} Handling;

// One Python thread. vm->thread is the running one; the others wait for the VM lock.
struct Thread {
  VM *vm;
  Thread *next;
  uint64_t ident;
  Value raised;                                  // owned; exception in flight, an instance with traceback; NO_VALUE: none
  Handling handling_base;
  Handling *handling;                            // innermost; never NULL
  Frame *frame;                                  // running frame, NULL outside Python
  struct FrameStack *stack;                      // memory of non-generator frames; vm/frame.c
  int recursion_depth;                           // Python frames and guarded C calls, against vm->recursion_limit
  int c_depth;
  char *c_stack_limit;                           // lowest address native code may use
  Value trace_fn, profile_fn;                    // owned; sys.settrace, sys.setprofile; NO_VALUE: none
  int tracing;                                   // >0 while a trace function runs
  bool trace_opcodes_seen;
  Value async_exc;                               // owned; asynchronous exception for this thread (KeyboardInterrupt, ...)
  Value context;                                 // owned; contextvars.Context
  uint64_t context_version;
  Value asyncgen_firstiter, asyncgen_finalizer;  // owned; sys.set_asyncgen_hooks
  int coroutine_origin_depth;
  int no_await;   // >0 while GeneratorExit is thrown in by close() or throw(): what it unwinds must not await
  Value loop;                                    // owned: running event loop, any object; NO_VALUE: none
  Value *repr_guard;                             // objects under repr(), borrowed; objects/protocol.c; freed when empty
  uint32_t repr_guard_count, repr_guard_capacity;
  int dealloc_depth;
  Object *dealloc_queue;                         // dead objects waiting for the outermost cd_object_dealloc
  void *os_thread;                               // modules/_thread.c
  Value sentinel;                                // owned weak reference to a lock that is released when the thread ends, or NO_VALUE
  void (*release_sentinel)(VM *vm, Value lock);
};

// ---- the VM ----

// -X asyncgen=..., sys.set_asyncgen_mode(): CPython's ways; closing where the generator is left; errors for what stays open.
typedef enum { ASYNCGEN_SAFE, ASYNCGEN_COMPAT, ASYNCGEN_STRICT } AsyncgenMode;   // ORDER: CedeAsyncgen

// Bits of `vm->breaker`: why the eval loop must leave its fast path at the next backward jump or call.
enum { BREAK_SIGNAL = 1, BREAK_SWITCH = 2, BREAK_ASYNC_EXC = 4, BREAK_GC = 8, BREAK_PENDING = 16, BREAK_LIMIT = 32, BREAK_TRACE = 64 };

struct VM {
  // hot
  Thread *thread;
  atomic_uint breaker;
  unsigned native_steps;                         // items that native loops took while something in the breaker waited; objects/protocol.c
  int recursion_limit;                           // sys.setrecursionlimit
  VmTypes types;
  VmNames names;
  VmExceptions exc;

  // memory (core/alloc.c)
  Alloc *alloc;
  uint64_t bytes_used;
  Gc gc;

  // start-up
  Config config;
  HashKey hash_key;
  bool started, finalizing;

  // interned and shared values, owned
  struct Interned *interned;                     // objects/str.c
  struct Codecs *codecs;                         // objects/codec.c; NULL until the first lookup
  Value empty_str, empty_bytes, empty_tuple;
  Value latin1_chars[256];                       // one-character strings
  Value byte_strings[256];                       // one-byte bytes
  Value memory_error;                            // pre-made, for when there are no spare ones and no memory for another
  Value spare_memory_errors[4];                  // owned; pre-made ones, which come back here when they die; objects/exception.c
  uint32_t spare_memory_error_count;
  Value recursion_error_hint;

  // modules
  Value modules;                                 // dict: sys.modules, owned
  Value sys_dict, builtins_dict;                 // owned
  Value builtins, sys;                           // modules, owned
  void **module_state;                           // by ModuleId; modules/modules.def
  struct ImportState *import_state;               // modules/import.c
  Value import_func;                             // builtins.__import__ as installed at start, to know when it was replaced; owned

  // types
  uint32_t next_type_version, next_shape_id, dict_version, next_function_version;
  struct StackView *stack_views;                 // of code objects that tools looked at (bytecode/stack_view.h)
  struct TypeCache *type_cache;                  // objects/type.c: (version, name) -> attribute
  struct BindCache *bind_cache;                  // objects/native.c: signatures parsed so far

  Thread *threads;                               // all of them
  struct VmLock *lock;                           // core/lock.h; NULL while there is one thread
  struct Signals *signals;                       // modules/signal.c
  uint64_t next_thread_ident;
  uint64_t next_context_version;                 // objects/context.c
  int64_t switch_interval_us;
  int asyncgen_mode;                             // AsyncgenMode: who closes async generators that are left early
  double asyncgen_grace;                         // seconds that the end of a run gives to what it closes
  Value orphans;                                 // owned list: async generators that no loop has seen and nobody holds; NO_VALUE: none
  uint64_t open_async_generators;                // begun and not finished; while it is 0, no frame looks for some to close
  uint64_t chain_epoch;                          // caches of generators' delegation chains made under an older number are void; coro/
  struct Generator *live_generators;             // all suspended or running ones; sys.live_generators()
  struct Asyncio *asyncio;                       // loop/; NULL until _asyncio is imported
  _Atomic(struct Loop *) polling_loop;           // of the main thread, while it may be waiting: signals and hosts wake it by wake_loop
  void (*_Atomic wake_loop)(struct Loop *loop);

  // hooks: upward calls; see docs/internals/layers.md
  Ref (*raise_memory)(VM *vm);                   // objects/raise.c: sets the pre-made MemoryError; NULL before there is one
  Ref (*wrap_suspended)(VM *vm, Frame *frame, Function *function);            // coro/
  Ref (*eval_frame_of)(VM *vm, Code *code, Value globals, Value locals);       // vm/: run a code object as a module body
  Ref (*compile_source)(VM *vm, Value source, Value filename, const char *mode, int flags, int optimize);   // frontend/
  Value (*running_globals)(
    VM *vm);   // vm/: globals of the running frame, a Dict, borrowed; NO_VALUE: none. A class's __module__ is in them
  bool (*super_arguments)(VM *vm, Type **type,
                          Value *object);        // vm/: what super() without arguments means; borrowed; false: exception set
  bool (*handle_breaker)(VM *vm);                // vm/: signals, thread switch; false: exception set. For native loops
  bool (*close_dropped)(VM *vm, Value generator, Value hook);    // loop/: an async generator is dropped; true: the running task sees to it
  bool (*run_signals)(VM *vm);   // modules/signal.c: Python signal handlers, for BREAK_SIGNAL; clears the bit; false: exception set
  bool (*run_pending)(VM *vm);                   // api/: calls posted by the host, for BREAK_PENDING; likewise
  bool (*check_limits)(VM *vm);                  // api/: fuel and time, for BREAK_LIMIT; likewise
  void (*unraisable)(VM *vm, const char *message,
                     Value where);   // modules/sys.c: report and clear the current exception; message may be NULL
  bool (*warn)(VM *vm, Type *category, Value message, int stacklevel, Value source);   // modules/_warnings.c; false: became an exception
};

#define N(name) (vm->names.name)

// Native loops of unbounded length call this now and then: true to go on, false with an exception set (KeyboardInterrupt, limits).
MUST_USE static inline bool cd_poll(VM *vm)
{
  return LIKELY(!atomic_load_explicit(&vm->breaker, memory_order_relaxed)) || vm->handle_breaker(vm);
}

static inline Type *cd_type_of(VM *vm, Value v)                  // borrowed; v is not NO_VALUE
{
  if (cd_is_object(v)) return cd_object(v)->type;
  if (cd_is_small(v)) return vm->types.int_;
  if (cd_is_flonum(v)) return vm->types.float_;
  switch (cd_bits(v)) {
  case BITS_NONE: return vm->types.none;
  case BITS_NOT_IMPLEMENTED: return vm->types.not_implemented;
  case BITS_ELLIPSIS: return vm->types.ellipsis;
  default: return vm->types.bool_;
  }
}
static inline Value cd_type_value(const Type *type) { return cd_from_object(type); }   // borrowed
static inline bool cd_has_flag(Value v, uint32_t type_flag)      // heap objects only; immediates are false
{
  return cd_is_object(v) && (cd_object(v)->type->flags & type_flag);
}

// Is v an instance of a builtin type or of a subclass of it?
static inline bool cd_is_int(Value v) { return cd_is_small(v) || cd_is_bool(v) || cd_has_flag(v, TYPE_INT); }
static inline bool cd_is_float(Value v) { return cd_is_flonum(v) || cd_has_flag(v, TYPE_FLOAT); }
static inline bool cd_is_complex(Value v) { return cd_has_flag(v, TYPE_COMPLEX); }
static inline bool cd_is_str(Value v) { return cd_has_flag(v, TYPE_STR); }
static inline bool cd_is_bytes(Value v) { return cd_has_flag(v, TYPE_BYTES); }
static inline bool cd_is_bytearray(Value v) { return cd_has_flag(v, TYPE_BYTEARRAY); }
static inline bool cd_is_list(Value v) { return cd_has_flag(v, TYPE_LIST); }
static inline bool cd_is_tuple(Value v) { return cd_has_flag(v, TYPE_TUPLE); }
static inline bool cd_is_dict(Value v) { return cd_has_flag(v, TYPE_DICT); }
static inline bool cd_is_any_set(Value v) { return cd_has_flag(v, TYPE_SET | TYPE_FROZENSET); }
static inline bool cd_is_type(Value v) { return cd_has_flag(v, TYPE_TYPE); }
static inline bool cd_is_exception(Value v) { return cd_has_flag(v, TYPE_EXCEPTION); }
// Exactly this type, no subclass?
static inline bool cd_is_exact(Value v, const Type *type) { return cd_is_object(v) && cd_object(v)->type == type; }

#define CD_VIEW(StructName, fn, test)                                             \
  static inline StructName *fn(Value v) { CD_ASSERT(test); return (StructName *)cd_object(v); }
CD_VIEW(Str, cd_as_str, cd_is_str(v))
CD_VIEW(Bytes, cd_as_bytes, cd_is_bytes(v))
CD_VIEW(ByteArray, cd_as_bytearray, cd_is_bytearray(v))
CD_VIEW(List, cd_as_list, cd_is_list(v))
CD_VIEW(Tuple, cd_as_tuple, cd_is_tuple(v))
CD_VIEW(Dict, cd_as_dict, cd_is_dict(v))
CD_VIEW(Set, cd_as_set, cd_is_any_set(v))
CD_VIEW(Type, cd_as_type, cd_is_type(v))
CD_VIEW(Exception, cd_as_exception, cd_is_exception(v))

#endif
