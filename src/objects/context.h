// SPDX-License-Identifier: MIT
// context.h: contextvars: Context, ContextVar, Token
#ifndef CEDE_OBJECTS_CONTEXT_H
#define CEDE_OBJECTS_CONTEXT_H

#include "core/vm.h"

// A context maps variables to values by a persistent map: a copy takes a reference, and setting a variable makes a new map. thread->context
// is the current one, made at first need; thread->context_version changes whenever a lookup in it could give something else.
typedef struct Context {
  Object head;
  Value vars;                                    // ContextMap, owned; NO_VALUE: empty
  Value previous;                                // Context to return to, owned; while entered
  bool entered;
  Weakref *weaklist;
} Context;

MUST_USE Ref cd_context_new(VM *vm);                             // empty
MUST_USE Ref cd_context_copy_current(VM *vm);                    // contextvars.copy_context()
MUST_USE Ref cd_context_current(VM *vm);                         // the Context object itself
// Around running code in a context. enter: RuntimeError when somebody is in it already. exit keeps the current exception.
MUST_USE bool cd_context_enter(VM *vm, Value context);
void cd_context_exit(VM *vm, Value context);
// Makes `context` (a Context, or NO_VALUE: none yet) current without those checks, for resuming what belongs to it; returns what was
// current.
MUST_USE Ref cd_context_swap(VM *vm, Ref context);
// A snapshot is the variables as they are now without a Context object: their map, or None. It costs a reference, and where callbacks keep
// a context, either kind may stand.
MUST_USE Ref cd_context_snapshot(VM *vm);
MUST_USE Ref cd_context_of_snapshot(VM *vm, Value snapshot);     // a Context: a new one, or `snapshot` itself if it is one, or is neither
// What callers of Python's call_soon() and the like gave as a context may be anything; it is asked to run(callback, *args) then.
static inline bool cd_context_is_foreign(VM *vm, Value context)
{
  return cd_bits(context) && !cd_is_none(context) && !cd_is_exact(context, vm->types.context_map) &&
         !cd_is_exact(context, vm->types.context);
}
MUST_USE Ref cd_context_run_foreign(VM *vm, Value context, Value callback, Value args);       // args: a tuple or None
// Around running code in a Context or snapshot: *entered is what to give to cd_context_end, which keeps the current exception.
MUST_USE bool cd_context_begin(VM *vm, Value context, Ref *entered);
void cd_context_end(VM *vm, Ref entered);
MUST_USE Ref cd_context_var_new(VM *vm, const char *name, Value fallback);
MUST_USE Find cd_context_var_get(VM *vm, Value variable, Ref *out);          // HIT: set, or has a default
MUST_USE Ref cd_context_var_set(VM *vm, Value variable, Value value);        // -> Token
MUST_USE bool cd_context_var_reset(VM *vm, Value variable, Value token);

#endif
