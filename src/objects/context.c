// SPDX-License-Identifier: MIT
// context.c: contextvars: values that belong to a line of execution rather than to a thread
#include "objects/context.h"
#include "objects/context_map.h"
#include "objects/generic_alias.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"

typedef struct ContextVar {
  Object head;
  Value name, fallback;                          // owned; fallback NO_VALUE: none
  uint64_t cached_version;                       // of the thread's context when `cached` was looked up; 0: nothing cached
  Value cached;                                  // borrowed from the context under that version
} ContextVar;

typedef struct ContextToken {
  Object head;
  Value context, variable, old;                  // owned; old NO_VALUE: the variable was not set
  bool used;
} ContextToken;

static inline Context *context_of(Value v) { return (Context *)cd_object(v); }
static inline ContextVar *context_var_of(Value v) { return (ContextVar *)cd_object(v); }
static inline ContextToken *context_token_of(Value v) { return (ContextToken *)cd_object(v); }

// ---- contexts ----

Ref cd_context_new(VM *vm) { return cd_from_object(cd_object_new(vm, vm->types.context, sizeof(Context))); }

// Versions are unique in the VM, so that a variable's cache never needs to know the thread.
static void context_changed(VM *vm) { vm->thread->context_version = ++vm->next_context_version; }

static Context *context_current(VM *vm)                          // borrowed from the thread
{
  Thread *thread = vm->thread;
  if (!cd_bits(thread->context)) {
    if (!(thread->context = cd_context_new(vm))) return NULL;
    context_changed(vm);
  }
  return context_of(thread->context);
}

Ref cd_context_current(VM *vm)
{
  Context *context = context_current(vm);
  return context ? cd_dup_object(context) : NO_REF;
}

static Ref context_copy_of(VM *vm, const Context *source)
{
  Ref copy = cd_context_new(vm);
  if (copy) context_of(copy)->vars = cd_dup(source->vars);
  return copy;
}

Ref cd_context_copy_current(VM *vm)
{
  Context *context = context_current(vm);
  return context ? context_copy_of(vm, context) : NO_REF;
}

Ref cd_context_swap(VM *vm, Ref context)
{
  Ref old = cd_take(&vm->thread->context);
  vm->thread->context = context;
  context_changed(vm);
  return old;
}

bool cd_context_enter(VM *vm, Value context)
{
  Context *c = context_of(context);
  if (c->entered) return cd_raise_runtime(vm, "cannot enter context: %R is already entered", context);
  c->entered = true;
  cd_replace(vm, &c->previous, cd_context_swap(vm, cd_dup(context)));
  return true;
}

void cd_context_exit(VM *vm, Value context)
{
  Context *c = context_of(context);
  c->entered = false;
  Ref old = cd_context_swap(vm, cd_take(&c->previous));
  cd_drop(vm, old);
}

Ref cd_context_snapshot(VM *vm)
{
  Value context = vm->thread->context;
  return cd_bits(context) && cd_bits(context_of(context)->vars) ? cd_dup(context_of(context)->vars) : cd_none();
}

Ref cd_context_of_snapshot(VM *vm, Value snapshot)
{
  if (cd_is_exact(snapshot, vm->types.context) || cd_context_is_foreign(vm, snapshot)) return cd_dup(snapshot);
  Ref context = cd_context_new(vm);
  if (context && !cd_is_none(snapshot)) context_of(context)->vars = cd_dup(snapshot);
  return context;
}

Ref cd_context_run_foreign(VM *vm, Value context, Value callback, Value args)
{
  size_t count = cd_is_none(args) ? 0 : cd_tuple_size(args);
  Ref run = cd_getattr_text(vm, context, "run"), all = run ? cd_tuple_new(vm, 1 + count) : NO_REF, result = NO_REF;
  if (all) {
    cd_tuple_set(all, 0, cd_dup(callback));
    for (size_t i = 0; i < count; i++) cd_tuple_set(all, 1 + i, cd_dup(cd_tuple_item_borrow(args, i)));
    result = cd_call_ex(vm, run, all, NO_VALUE);
  }
  cd_drop(vm, all);
  cd_drop(vm, run);
  return result;
}

bool cd_context_begin(VM *vm, Value context, Ref *entered)
{
  if (cd_context_is_foreign(vm, context)) return cd_raise_type(vm, "a Context was expected, got %R", context);
  Ref c = cd_context_of_snapshot(vm, context);
  if (c && cd_context_enter(vm, c)) {
    *entered = c;
    return true;
  }
  cd_drop(vm, c);
  return false;
}

void cd_context_end(VM *vm, Ref entered)
{
  cd_context_exit(vm, entered);
  cd_drop(vm, entered);
}

static void context_traverse(Object *self, VisitFn visit, void *arg)
{
  visit(arg, ((Context *)self)->vars);
  visit(arg, ((Context *)self)->previous);
}

static void context_clear(VM *vm, Object *self)
{
  cd_clear(vm, &((Context *)self)->vars);
  cd_clear(vm, &((Context *)self)->previous);
}

static Ref context_new_slot(VM *vm, Type *type UNUSED, const Value *args UNUSED, size_t nargs, Value kwnames)
{
  if (nargs || (cd_bits(kwnames) && cd_tuple_size(kwnames))) return cd_raise_type(vm, "Context() does not accept any arguments");
  return cd_context_new(vm);
}

static bool context_check_key(VM *vm, Value key)
{
  return cd_is_exact(key, vm->types.context_var) || cd_raise_type(vm, "a ContextVar key was expected, got %R", key);
}

static inline Value context_find_borrow(Value self, Value key) { return cd_context_map_get_borrow(context_of(self)->vars, key); }

static Ref context_getitem(VM *vm, Value self, Value key)
{
  if (!context_check_key(vm, key)) return NO_REF;
  Value value = context_find_borrow(self, key);
  return cd_bits(value) ? cd_dup(value) : cd_raise_key(vm, key);
}

static bool context_contains(VM *vm, Value self, Value key, bool *out)
{
  if (!context_check_key(vm, key)) return false;
  *out = cd_bits(context_find_borrow(self, key));
  return true;
}

static bool context_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)cd_context_map_count(context_of(self)->vars);
  return true;
}

typedef enum { CONTEXT_KEYS, CONTEXT_VALUES, CONTEXT_ITEMS } ContextView;

// An iterator over what the context holds now.
static Ref context_iterate(VM *vm, Value self, ContextView view)
{
  Ref map = cd_dup(context_of(self)->vars), list = cd_list_new(vm);
  ContextMapWalk walk;
  cd_context_map_walk(&walk, map);
  for (Value key, value; list && cd_context_map_next(&walk, &key, &value);) {
    Ref item = view == CONTEXT_KEYS ? cd_dup(key) : view == CONTEXT_VALUES ? cd_dup(value) : cd_tuple_of(vm, 2, (Value[]){key, value});
    if (!item || !cd_list_append_steal(vm, cd_as_list(list), item)) cd_forget(vm, &list);
  }
  Ref iter = list ? cd_iter(vm, list) : NO_REF;
  cd_drop(vm, list);
  cd_drop(vm, map);
  return iter;
}

static Ref context_iter(VM *vm, Value self) { return context_iterate(vm, self, CONTEXT_KEYS); }

// Do two maps have the same variables with equal values? Runs Python.
static bool context_same(VM *vm, Value a, Value b, bool *equal)
{
  if ((*equal = cd_is(a, b))) return true;
  if (cd_context_map_count(a) != cd_context_map_count(b)) return true;
  Ref one = cd_dup(a), other = cd_dup(b);
  ContextMapWalk walk;
  cd_context_map_walk(&walk, one);
  bool ok = *equal = true;
  for (Value key, value; ok && *equal && cd_context_map_next(&walk, &key, &value);) {
    Value twin = cd_context_map_get_borrow(other, key);
    if (cd_bits(twin)) ok = cd_equal(vm, value, twin, equal);
    else *equal = false;
  }
  cd_drop(vm, one);
  cd_drop(vm, other);
  return ok;
}

static Ref context_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_exact(self, vm->types.context) || !cd_is_exact(other, vm->types.context) || (op != COMPARE_EQ && op != COMPARE_NE))
    return cd_not_implemented();
  bool equal;
  if (!context_same(vm, context_of(self)->vars, context_of(other)->vars, &equal)) return NO_REF;
  return cd_bool(equal == (op == COMPARE_EQ));
}

METHOD_RAW(context, run, "run(self, callable, /, *args, **kwargs)", "Call callable(*args, **kwargs) in this context.")
{
  if (nargs < 1) return cd_raise_type(vm, "run() missing 1 required positional argument");
  if (!cd_context_enter(vm, self)) return NO_REF;
  Ref result = cd_call(vm, args[0], args + 1, nargs - 1, kwnames);
  cd_context_exit(vm, self);
  return result;
}

METHOD(context, copy, "copy(self, /)", "Return a copy of the context; they share nothing that can change.")
{
  return context_copy_of(vm, context_of(self));
}

METHOD(context, get, "get(self, key, default=None, /)", "Return the value of a variable in this context, or default.")
{
  if (!context_check_key(vm, args[0])) return NO_REF;
  Value value = context_find_borrow(self, args[0]);
  return cd_bits(value) ? cd_dup(value) : cd_bits(args[1]) ? cd_dup(args[1]) : cd_none();
}

METHOD(context, keys, "keys(self, /)", "Return the variables of the context.") { return context_iterate(vm, self, CONTEXT_KEYS); }
METHOD(context, values, "values(self, /)", "Return the values of the context's variables.")
{
  return context_iterate(vm, self, CONTEXT_VALUES);
}
METHOD(context, items, "items(self, /)", "Return pairs of each variable and its value.")
{
  return context_iterate(vm, self, CONTEXT_ITEMS);
}

static const MethodDef *const context_methods[] = {
  &context_run_def, &context_copy_def, &context_get_def, &context_keys_def, &context_values_def, &context_items_def, NULL};

const TypeSpec cd_context_spec = {
  .name = "_contextvars.Context",
  .basicsize = sizeof(Context),
  .flags = TYPE_GC | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .weaklist_offset = offsetof(Context, weaklist),
  .methods = context_methods,
  .slots = {.release = context_clear,
            .traverse = context_traverse,
            .clear = context_clear,
            .hash = cd_hash_unhashable,
            .compare = context_compare,
            .iter = context_iter,
            .len = context_len,
            .getitem = context_getitem,
            .contains = context_contains,
            .new_ = context_new_slot},
};

// ---- variables ----

static Ref context_var_make(VM *vm, Value name, Value fallback)
{
  ContextVar *var = cd_object_new(vm, vm->types.context_var, sizeof *var);
  if (!var) return NO_REF;
  var->name = cd_dup(name);
  var->fallback = cd_dup(fallback);
  return cd_from_object(var);
}

Ref cd_context_var_new(VM *vm, const char *name, Value fallback)
{
  Ref text = cd_str_from(vm, name), var = text ? context_var_make(vm, text, fallback) : NO_REF;
  cd_drop(vm, text);
  return var;
}

// The value in the current context, without the default; NO_VALUE: not set. Valid while the variable keeps it.
static Value context_var_find_borrow(VM *vm, Value variable)
{
  ContextVar *var = context_var_of(variable);
  Thread *thread = vm->thread;
  if (var->cached_version && var->cached_version == thread->context_version) return var->cached;
  Value value = cd_bits(thread->context) ? context_find_borrow(thread->context, variable) : NO_VALUE;
  if (cd_bits(value) && thread->context_version) {
    var->cached = value;
    var->cached_version = thread->context_version;
  }
  return value;
}

Find cd_context_var_get(VM *vm, Value variable, Ref *out)
{
  Value value = context_var_find_borrow(vm, variable);
  if (!cd_bits(value)) value = context_var_of(variable)->fallback;
  if (!cd_bits(value)) return FIND_MISSING;
  *out = cd_dup(value);
  return FIND_HIT;
}

Ref cd_context_var_set(VM *vm, Value variable, Value value)
{
  Context *context = context_current(vm);
  ContextToken *token = context ? cd_object_new(vm, vm->types.context_token, sizeof *token) : NULL;
  if (!token) return NO_REF;
  token->context = cd_dup_object(context);
  token->variable = cd_dup(variable);
  token->old = cd_dup(context_find_borrow(cd_from_object(context), variable));
  if (cd_context_map_set(vm, &context->vars, variable, value)) {
    context_changed(vm);
    return cd_from_object(token);
  }
  cd_drop_object(vm, token);
  return NO_REF;
}

bool cd_context_var_reset(VM *vm, Value variable, Value token)
{
  ContextToken *t = context_token_of(token);
  Context *context = context_current(vm);
  if (!context) return false;
  if (t->used) return cd_raise_runtime(vm, "%R has already been used once", token);
  if (!cd_is(t->variable, variable)) return cd_raise_value(vm, "%R was created by a different ContextVar", token);
  if (!cd_is(t->context, cd_from_object(context))) return cd_raise_value(vm, "%R was created in a different Context", token);
  t->used = true;
  context_changed(vm);
  if (cd_bits(t->old)) return cd_context_map_set(vm, &context->vars, variable, t->old);
  if (cd_bits(context_find_borrow(cd_from_object(context), variable))) return cd_context_map_remove(vm, &context->vars, variable);
  return cd_raise_with(vm, vm->exc.LookupError, variable);
}

static void context_var_traverse(Object *self, VisitFn visit, void *arg)
{
  visit(arg, ((ContextVar *)self)->name);
  visit(arg, ((ContextVar *)self)->fallback);
}

static void context_var_clear(VM *vm, Object *self)
{
  ((ContextVar *)self)->cached_version = 0;
  cd_clear(vm, &((ContextVar *)self)->fallback);
}

static void context_var_release(VM *vm, Object *self)
{
  cd_clear(vm, &((ContextVar *)self)->name);
  cd_clear(vm, &((ContextVar *)self)->fallback);
}

static Ref context_var_new_slot(VM *vm, Type *type UNUSED, const Value *args, size_t nargs, Value kwnames)
{
  Value fallback = NO_VALUE, name = nargs ? args[0] : NO_VALUE;
  for (size_t i = 0; cd_bits(kwnames) && i < cd_tuple_size(kwnames); i++) {
    Value keyword = cd_tuple_item_borrow(kwnames, i);
    if (cd_str_is(keyword, "default")) fallback = args[nargs + i];
    else return cd_raise_type(vm, "'%U' is an invalid keyword argument for ContextVar()", keyword);
  }
  if (nargs != 1) return cd_raise_type(vm, "ContextVar() takes exactly 1 positional argument (%zu given)", nargs);
  if (!cd_is_str(name)) return cd_raise_type(vm, "context variable name must be a str");
  return context_var_make(vm, name, fallback);
}

static Ref context_var_repr(VM *vm, Value self)
{
  ContextVar *var = context_var_of(self);
  if (!cd_bits(var->fallback)) return cd_str_format(vm, "<ContextVar name=%R at 0x%llx>", var->name, (unsigned long long)cd_bits(self));
  switch (cd_repr_enter(vm, self)) {
  case REPR_ERROR: return NO_REF;
  case REPR_INSIDE: return cd_str_from(vm, "...");
  default: break;
  }
  Ref text = cd_str_format(vm, "<ContextVar name=%R default=%R at 0x%llx>", var->name, var->fallback, (unsigned long long)cd_bits(self));
  cd_repr_leave(vm, self);
  return text;
}

METHOD(context_var, get, "get(self, default=<unrepresentable>, /)",
       "Return the value of the variable in the current context.\n\nWithout a value there, that is default, if given, else the variable's "
       "own default, else a\nLookupError.")
{
  Value value = context_var_find_borrow(vm, self);
  if (!cd_bits(value)) value = cd_bits(args[0]) ? args[0] : context_var_of(self)->fallback;
  return cd_bits(value) ? cd_dup(value) : cd_raise_with(vm, vm->exc.LookupError, self);
}

METHOD(context_var, set, "set(self, value, /)",
       "Set the variable in the current context.\n\nThe Token that is returned can give it its old value back, by reset().")
{
  return cd_context_var_set(vm, self, args[0]);
}

METHOD(context_var, reset, "reset(self, token, /)", "Give the variable back the value it had before the set() that returned the token.")
{
  if (!cd_is_exact(args[0], vm->types.context_token)) return cd_raise_type(vm, "expected an instance of Token, got %R", args[0]);
  return cd_context_var_reset(vm, self, args[0]) ? cd_none() : NO_REF;
}

CLASS_METHOD(context_var, __class_getitem__, "__class_getitem__(type, object, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const context_var_methods[] = {&context_var_get_def, &context_var_set_def, &context_var_reset_def,
                                                       &context_var___class_getitem___def, NULL};
static const MemberDef context_var_members[] = {{"name", offsetof(ContextVar, name), MEMBER_VALUE, false, NULL}, {0}};

const TypeSpec cd_context_var_spec = {
  .name = "_contextvars.ContextVar",
  .basicsize = sizeof(ContextVar),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = context_var_methods,
  .members = context_var_members,
  .slots = {.release = context_var_release,
            .traverse = context_var_traverse,
            .clear = context_var_clear,
            .repr = context_var_repr,
            .new_ = context_var_new_slot},
};

// ---- tokens ----

static void context_token_traverse(Object *self, VisitFn visit, void *arg)
{
  ContextToken *t = (ContextToken *)self;
  visit(arg, t->context);
  visit(arg, t->variable);
  visit(arg, t->old);
}

static void context_token_release(VM *vm, Object *self)
{
  ContextToken *t = (ContextToken *)self;
  cd_clear(vm, &t->context);
  cd_clear(vm, &t->variable);
  cd_clear(vm, &t->old);
}

static void context_token_clear(VM *vm, Object *self) { cd_clear(vm, &((ContextToken *)self)->old); }

static Ref context_token_new_slot(VM *vm, Type *type UNUSED, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  return cd_raise_runtime(vm, "Tokens can only be created by ContextVars");
}

static Ref context_token_repr(VM *vm, Value self)
{
  ContextToken *t = context_token_of(self);
  switch (cd_repr_enter(vm, self)) {
  case REPR_ERROR: return NO_REF;
  case REPR_INSIDE: return cd_str_from(vm, "...");
  default: break;
  }
  Ref text = cd_str_format(vm, "<Token %svar=%R at 0x%llx>", t->used ? "used " : "", t->variable, (unsigned long long)cd_bits(self));
  cd_repr_leave(vm, self);
  return text;
}

static Ref context_token_get_var(VM *vm UNUSED, Value self) { return cd_dup(context_token_of(self)->variable); }

static Ref context_token_get_old(VM *vm, Value self)
{
  Value old = context_token_of(self)->old;
  return cd_bits(old) ? cd_dup(old) : cd_dup(cd_type_lookup_borrow(vm, vm->types.context_token, N(MISSING)));
}

CLASS_METHOD(context_token, __class_getitem__, "__class_getitem__(type, object, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const context_token_methods[] = {&context_token___class_getitem___def, NULL};
static const GetSetDef context_token_getset[] = {
  {"var", NULL, context_token_get_var, NULL}, {"old_value", NULL, context_token_get_old, NULL}, {0}};

const TypeSpec cd_context_token_spec = {
  .name = "_contextvars.Token",
  .basicsize = sizeof(ContextToken),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = context_token_methods,
  .getset = context_token_getset,
  .slots = {.release = context_token_release, .traverse = context_token_traverse, .clear = context_token_clear, .hash = cd_hash_unhashable,
            .repr = context_token_repr, .new_ = context_token_new_slot},
};

// ---- Token.MISSING ----

static Ref context_missing_repr(VM *vm, Value self UNUSED) { return cd_str_from(vm, "<Token.MISSING>"); }

const TypeSpec cd_context_missing_spec = {
  .name = "Token.MISSING",
  .basicsize = sizeof(Object),
  .flags = TYPE_NO_NEW | TYPE_IMMUTABLE,
  .slots = {.repr = context_missing_repr},
};
