// SPDX-License-Identifier: MIT
// exception.c: BaseException, the small layouts over it, and the making of the whole tree
#include "objects/exception.h"
#include "objects/dict.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- BaseException ----

void cd_exception_traverse(Object *self, VisitFn visit, void *context)
{
  Exception *e = (Exception *)self;
  visit(context, e->args);
  visit(context, e->traceback);
  visit(context, e->context);
  visit(context, e->cause);
}

void cd_exception_clear(VM *vm, Object *self)
{
  Exception *e = (Exception *)self;
  cd_clear(vm, &e->traceback);
  cd_clear(vm, &e->context);
  cd_clear(vm, &e->cause);
  if (cd_bits(e->args)) cd_replace(vm, &e->args, cd_dup(vm->empty_tuple));
}

void cd_exception_release(VM *vm, Object *self)
{
  Exception *e = (Exception *)self;
  cd_clear(vm, &e->args);
  cd_clear(vm, &e->traceback);
  cd_clear(vm, &e->context);
  cd_clear(vm, &e->cause);
}

bool cd_exception_init_args(VM *vm, Value self, const Value *args, size_t nargs)
{
  Ref tuple = cd_tuple_of(vm, nargs, args);
  if (!tuple) return false;
  cd_replace(vm, &cd_as_exception(self)->args, tuple);
  return true;
}

Ref cd_base_exception_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames UNUSED)
{
  Exception *e = cd_instance_new(vm, type);
  if (!e) return NO_REF;
  e->args = cd_tuple_of(vm, nargs, args);
  if (cd_bits(e->args)) return cd_from_object(e);
  cd_drop_object(vm, e);
  return NO_REF;
}

bool cd_base_exception_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, cd_type_name(cd_type_of(vm, self)), kwnames)) return false;
  // `new_` has stored the same arguments, unless __init__ was called with others.
  Value now = cd_as_exception(self)->args;
  if (cd_bits(now) && cd_tuple_size(now) == nargs && (nargs == 0 || !memcmp(cd_as_tuple(now)->items, args, nargs * sizeof *args)))
    return true;
  return cd_exception_init_args(vm, self, args, nargs);
}

Ref cd_base_exception_str(VM *vm, Value self)
{
  Value args = cd_as_exception(self)->args;
  switch (cd_tuple_size(args)) {
  case 0: return cd_dup(vm->empty_str);
  case 1: {
    Ref only = cd_dup(cd_tuple_item_borrow(args, 0)), text = cd_str(vm, only);
    cd_drop(vm, only);
    return text;
  }
  default: return cd_str(vm, args);
  }
}

static Ref exception_repr(VM *vm, Value self)
{
  Value args = cd_as_exception(self)->args;
  const char *name = cd_type_name(cd_type_of(vm, self)), *dot = strrchr(name, '.');
  if (dot) name = dot + 1;                       // a native module's: its name has the module in front
  Ref held = cd_dup(args);
  Ref text = cd_tuple_size(args) == 1 ? cd_str_format(vm, "%s(%R)", name, cd_tuple_item_borrow(args, 0))
                                      : cd_str_format(vm, "%s%R", name, args);
  cd_drop(vm, held);
  return text;
}

static bool exception_has_attributes(VM *vm UNUSED, Value self)
{
  const AttributeHead *attributes = cd_attributes(cd_object(self));
  if (attributes->shape) return attributes->shape->count > 0;
  return cd_bits(attributes->dict) && cd_dict_count(attributes->dict) > 0;
}

// A dict of the instance's attributes, or None when it has none.
static Ref exception_state(VM *vm, Value self)
{
  return exception_has_attributes(vm, self) ? cd_instance_dict_copy(vm, cd_object(self)) : cd_none();
}

Ref cd_exception_reduce(VM *vm, Value self, Ref args)
{
  Ref state = args ? exception_state(vm, self) : NO_REF;
  Ref type = cd_dup(cd_type_value(cd_type_of(vm, self)));
  if (state && cd_is_none(state)) return cd_tuple2_steal(vm, type, args);
  return cd_tuple3_steal(vm, type, args, state);
}

METHOD(exception, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  return cd_exception_reduce(vm, self, cd_dup(cd_as_exception(self)->args));
}

METHOD(exception, __setstate__, "__setstate__(self, state, /)", "Set attributes from a dict, as pickle made it.")
{
  Value state = args[0];
  if (cd_is_none(state)) return cd_none();
  if (!cd_is_dict(state)) return cd_raise_type(vm, "state is not a dictionary");
  Ref items = cd_dict_items_list(vm, state);
  bool ok = items != NO_REF;
  for (size_t i = 0; ok && i < cd_list_size(items); i++) {
    Value pair = cd_list_item_borrow(items, i);
    ok = cd_setattr(vm, self, cd_tuple_item_borrow(pair, 0), cd_tuple_item_borrow(pair, 1));
  }
  cd_drop(vm, items);
  return ok ? cd_none() : NO_REF;
}

static bool exception_set_traceback(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise_type(vm, "__traceback__ may not be deleted");
  if (!cd_is_none(value) && !cd_is_exact(value, vm->types.traceback)) return cd_raise_type(vm, "__traceback__ must be a traceback or None");
  cd_replace(vm, &cd_as_exception(self)->traceback, cd_is_none(value) ? NO_REF : cd_dup(value));
  return true;
}

METHOD(exception, with_traceback, "with_traceback(self, tb, /)", "Set self.__traceback__ to tb and return self.")
{
  return exception_set_traceback(vm, self, args[0]) ? cd_dup(self) : NO_REF;
}

METHOD(exception, add_note, "add_note(self, note, /)", "Append a note to __notes__; tracebacks show it.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "note must be a str, not '%T'", args[0]);
  Ref notes = NO_REF;
  switch (cd_getattr_find(vm, self, N(__notes__), &notes)) {
  case FIND_ERROR: return NO_REF;
  case FIND_MISSING:
    if (!(notes = cd_list_new(vm)) || !cd_setattr(vm, self, N(__notes__), notes)) { cd_drop(vm, notes); return NO_REF; }
    break;
  case FIND_HIT: break;
  }
  bool ok = cd_is_list(notes) ? cd_list_append(vm, cd_as_list(notes), args[0])
                              : (bool)cd_raise_type(vm, "Cannot add note: __notes__ is not a list");
  cd_drop(vm, notes);
  return ok ? cd_none() : NO_REF;
}

static const MethodDef *const exception_methods[] = {
  &exception___reduce___def, &exception___setstate___def, &exception_with_traceback_def, &exception_add_note_def, NULL,
};

static Ref exception_or_none(Value v) { return cd_bits(v) ? cd_dup(v) : cd_none(); }
static Ref exception_get_args(VM *vm UNUSED, Value self) { return exception_or_none(cd_as_exception(self)->args); }
static Ref exception_get_traceback(VM *vm UNUSED, Value self) { return exception_or_none(cd_as_exception(self)->traceback); }
static Ref exception_get_context(VM *vm UNUSED, Value self) { return exception_or_none(cd_as_exception(self)->context); }
static Ref exception_get_cause(VM *vm UNUSED, Value self) { return exception_or_none(cd_as_exception(self)->cause); }

static bool exception_set_args(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise_type(vm, "args may not be deleted");
  Ref tuple = cd_tuple_from(vm, value);
  if (!tuple) return false;
  cd_replace(vm, &cd_as_exception(self)->args, tuple);
  return true;
}

static bool exception_set_context(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise_type(vm, "__context__ may not be deleted");
  if (!cd_is_none(value) && !cd_is_exception(value))
    return cd_raise_type(vm, "exception context must be None or derive from BaseException");
  cd_replace(vm, &cd_as_exception(self)->context, cd_is_none(value) ? NO_REF : cd_dup(value));
  return true;
}

static bool exception_set_cause(VM *vm, Value self, Value value)
{
  if (!cd_bits(value)) return cd_raise_type(vm, "__cause__ may not be deleted");
  if (!cd_is_none(value) && !cd_is_exception(value)) return cd_raise_type(vm, "exception cause must be None or derive from BaseException");
  cd_as_exception(self)->suppress_context = true;
  cd_replace(vm, &cd_as_exception(self)->cause, cd_is_none(value) ? NO_REF : cd_dup(value));
  return true;
}

static const GetSetDef exception_getset[] = {
  {"args", NULL, exception_get_args, exception_set_args},
  {"__traceback__", NULL, exception_get_traceback, exception_set_traceback},
  {"__context__", "exception context", exception_get_context, exception_set_context},
  {"__cause__", "exception cause", exception_get_cause, exception_set_cause},
  {0},
};

static const MemberDef exception_members[] = {
  {"__suppress_context__", offsetof(Exception, suppress_context), MEMBER_BOOL8, true, NULL},
  {0},
};

// ---- StopIteration ----

static void stop_iteration_traverse(Object *self, VisitFn visit, void *context)
{
  cd_exception_traverse(self, visit, context);
  visit(context, ((StopIterationException *)self)->value);
}

static void stop_iteration_clear(VM *vm, Object *self)
{
  cd_clear(vm, &((StopIterationException *)self)->value);
  cd_exception_clear(vm, self);
}

static void stop_iteration_release(VM *vm, Object *self)
{
  cd_clear(vm, &((StopIterationException *)self)->value);
  cd_exception_release(vm, self);
}

static bool stop_iteration_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_base_exception_init(vm, self, args, nargs, kwnames)) return false;
  cd_replace(vm, &((StopIterationException *)cd_object(self))->value, nargs ? cd_dup(args[0]) : cd_none());
  return true;
}

static const MemberDef stop_iteration_members[] = {
  {"value", offsetof(StopIterationException, value), MEMBER_VALUE_OR_NONE, true, "what the generator returned"},
  {0},
};

// ---- SystemExit ----

static void system_exit_traverse(Object *self, VisitFn visit, void *context)
{
  cd_exception_traverse(self, visit, context);
  visit(context, ((SystemExitException *)self)->code);
}

static void system_exit_clear(VM *vm, Object *self)
{
  cd_clear(vm, &((SystemExitException *)self)->code);
  cd_exception_clear(vm, self);
}

static void system_exit_release(VM *vm, Object *self)
{
  cd_clear(vm, &((SystemExitException *)self)->code);
  cd_exception_release(vm, self);
}

static bool system_exit_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_base_exception_init(vm, self, args, nargs, kwnames)) return false;
  Value *code = &((SystemExitException *)cd_object(self))->code;
  if (nargs) cd_replace(vm, code, cd_dup(nargs == 1 ? args[0] : cd_as_exception(self)->args));
  return true;
}

static const MemberDef system_exit_members[] = {
  {"code", offsetof(SystemExitException, code), MEMBER_VALUE_OR_NONE, true, "exit status, or a message"},
  {0},
};

// ---- NameError and AttributeError ----

// Keyword arguments `names[i]` go to `slots[i]`; others are refused in the words of CPython's argument parser.
static bool exception_init_keywords(VM *vm, const char *type, const Value *values, Value kwnames, const char *const *names,
                                    Value *const *slots, size_t count)
{
  for (size_t k = 0; cd_bits(kwnames) && k < cd_tuple_size(kwnames); k++) {
    Value name = cd_tuple_item_borrow(kwnames, k);
    size_t i = 0;
    while (i < count && !cd_str_is(name, names[i])) i++;
    if (i == count) return cd_raise_type(vm, "'%U' is an invalid keyword argument for %s()", name, type);
    cd_replace(vm, slots[i], cd_dup(values[k]));
  }
  return true;
}

static void name_error_traverse(Object *self, VisitFn visit, void *context)
{
  cd_exception_traverse(self, visit, context);
  visit(context, ((NameException *)self)->name);
}

static void name_error_clear(VM *vm, Object *self)
{
  cd_clear(vm, &((NameException *)self)->name);
  cd_exception_clear(vm, self);
}

static void name_error_release(VM *vm, Object *self)
{
  cd_clear(vm, &((NameException *)self)->name);
  cd_exception_release(vm, self);
}

static bool name_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_base_exception_init(vm, self, args, nargs, NO_VALUE)) return false;
  NameException *e = (NameException *)cd_object(self);
  cd_clear(vm, &e->name);
  return exception_init_keywords(vm, "NameError", args + nargs, kwnames, (const char *const[]){"name"}, (Value *const[]){&e->name}, 1);
}

static const MemberDef name_error_members[] = {
  {"name", offsetof(NameException, name), MEMBER_VALUE_OR_NONE, true, "the name that was looked up"},
  {0},
};

static void attribute_error_traverse(Object *self, VisitFn visit, void *context)
{
  cd_exception_traverse(self, visit, context);
  visit(context, ((AttributeException *)self)->object);
  visit(context, ((AttributeException *)self)->name);
}

static void attribute_error_clear(VM *vm, Object *self)
{
  cd_clear(vm, &((AttributeException *)self)->object);
  cd_clear(vm, &((AttributeException *)self)->name);
  cd_exception_clear(vm, self);
}

static void attribute_error_release(VM *vm, Object *self)
{
  cd_clear(vm, &((AttributeException *)self)->object);
  cd_clear(vm, &((AttributeException *)self)->name);
  cd_exception_release(vm, self);
}

static bool attribute_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_base_exception_init(vm, self, args, nargs, NO_VALUE)) return false;
  AttributeException *e = (AttributeException *)cd_object(self);
  cd_clear(vm, &e->object);
  cd_clear(vm, &e->name);
  return exception_init_keywords(vm, "AttributeError", args + nargs, kwnames, (const char *const[]){"name", "obj"},
                                 (Value *const[]){&e->name, &e->object}, 2);
}

static const MemberDef attribute_error_members[] = {
  {"name", offsetof(AttributeException, name), MEMBER_VALUE_OR_NONE, true, "the attribute's name"},
  {"obj", offsetof(AttributeException, object), MEMBER_VALUE_OR_NONE, true, "the object that lacks it"},
  {0},
};

// ---- ImportError ----

static void import_error_traverse(Object *self, VisitFn visit, void *context)
{
  ImportException *e = (ImportException *)self;
  cd_exception_traverse(self, visit, context);
  visit(context, e->msg);
  visit(context, e->name);
  visit(context, e->path);
}

static void import_error_drop_fields(VM *vm, Object *self)
{
  ImportException *e = (ImportException *)self;
  cd_clear(vm, &e->msg);
  cd_clear(vm, &e->name);
  cd_clear(vm, &e->path);
}

static void import_error_clear(VM *vm, Object *self)
{
  import_error_drop_fields(vm, self);
  cd_exception_clear(vm, self);
}

static void import_error_release(VM *vm, Object *self)
{
  import_error_drop_fields(vm, self);
  cd_exception_release(vm, self);
}

static bool import_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_base_exception_init(vm, self, args, nargs, NO_VALUE)) return false;
  ImportException *e = (ImportException *)cd_object(self);
  import_error_drop_fields(vm, &e->head);
  if (!exception_init_keywords(vm, "ImportError", args + nargs, kwnames, (const char *const[]){"name", "path"},
                               (Value *const[]){&e->name, &e->path}, 2))
    return false;
  if (nargs == 1) cd_replace(vm, &e->msg, cd_dup(args[0]));
  return true;
}

static Ref import_error_str(VM *vm, Value self)
{
  Value msg = ((ImportException *)cd_object(self))->msg;
  return cd_is_exact(msg, vm->types.str) && cd_bits(msg) ? cd_dup(msg) : cd_base_exception_str(vm, self);
}

METHOD(import_error, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  ImportException *e = (ImportException *)cd_object(self);
  Ref state = NO_REF;
  if (cd_bits(e->name) || cd_bits(e->path)) {
    state = exception_has_attributes(vm, self) ? cd_instance_dict_copy(vm, &e->head) : cd_dict_new(vm);
    if (!state || (cd_bits(e->name) && !cd_dict_set(vm, state, N(name), e->name)) ||
        (cd_bits(e->path) && !cd_dict_set(vm, state, N(path), e->path))) {
      cd_drop(vm, state);
      return NO_REF;
    }
  } else if (exception_has_attributes(vm, self) && !(state = cd_instance_dict_copy(vm, &e->head))) {
    return NO_REF;
  }
  Ref type = cd_dup(cd_type_value(cd_type_of(vm, self))), arguments = cd_dup(e->args);
  return state ? cd_tuple3_steal(vm, type, arguments, state) : cd_tuple2_steal(vm, type, arguments);
}

const MethodDef *const cd_import_error_methods[] = {&import_error___reduce___def, NULL};

static const MemberDef import_error_members[] = {
  {"msg", offsetof(ImportException, msg), MEMBER_VALUE_OR_NONE, true, "message"},
  {"name", offsetof(ImportException, name), MEMBER_VALUE_OR_NONE, true, "module name"},
  {"path", offsetof(ImportException, path), MEMBER_VALUE_OR_NONE, true, "module path"},
  {0},
};

// ---- KeyError ----

// str() of a missing key shows its repr, so that KeyError('') is not an empty message.
static Ref key_error_str(VM *vm, Value self)
{
  Value args = cd_as_exception(self)->args;
  if (cd_tuple_size(args) != 1) return cd_base_exception_str(vm, self);
  Ref key = cd_dup(cd_tuple_item_borrow(args, 0)), text = cd_repr(vm, key);
  cd_drop(vm, key);
  return text;
}

// ---- the tree ----

#define EXCEPTION_FLAGS (TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_EXCEPTION | TYPE_IMMUTABLE)
#define SPEC_COMMON(StructName) .basicsize = sizeof(StructName), .flags = EXCEPTION_FLAGS, .dict_offset = offsetof(Exception, attributes)
#define SPEC_PARTS(prefix) .release = prefix##_release, .traverse = prefix##_traverse, .clear = prefix##_clear

// The basic size of types that only inherit is their base's.
#define LAYOUT_BASE                                                                                                          \
  SPEC_COMMON(Exception), .methods = exception_methods, .getset = exception_getset, .members = exception_members,            \
                          .slots = {SPEC_PARTS(cd_exception), .new_ = cd_base_exception_new, .init = cd_base_exception_init, \
                                    .str = cd_base_exception_str, .repr = exception_repr}
#define LAYOUT_PLAIN SPEC_COMMON(Exception), .slots = {.new_ = cd_base_exception_new, .init = cd_base_exception_init}
#define LAYOUT_STOP_ITERATION                                             \
  SPEC_COMMON(StopIterationException), .members = stop_iteration_members, \
                                       .slots = {SPEC_PARTS(stop_iteration), .new_ = cd_base_exception_new, .init = stop_iteration_init}
#define LAYOUT_SYSTEM_EXIT                                          \
  SPEC_COMMON(SystemExitException), .members = system_exit_members, \
                                    .slots = {SPEC_PARTS(system_exit), .new_ = cd_base_exception_new, .init = system_exit_init}
#define LAYOUT_NAME                                          \
  SPEC_COMMON(NameException), .members = name_error_members, \
                              .slots = {SPEC_PARTS(name_error), .new_ = cd_base_exception_new, .init = name_error_init}
#define LAYOUT_NAME_KIND SPEC_COMMON(NameException), .slots = {.new_ = cd_base_exception_new, .init = name_error_init}
#define LAYOUT_ATTRIBUTE                                               \
  SPEC_COMMON(AttributeException), .members = attribute_error_members, \
                                   .slots = {SPEC_PARTS(attribute_error), .new_ = cd_base_exception_new, .init = attribute_error_init}
#define LAYOUT_IMPORT                                                                                                \
  SPEC_COMMON(ImportException), .methods = cd_import_error_methods, .members = import_error_members,                 \
  .slots = {SPEC_PARTS(import_error), .new_ = cd_base_exception_new, .init = import_error_init, .str = import_error_str}
#define LAYOUT_IMPORT_KIND SPEC_COMMON(ImportException), .slots = {.new_ = cd_base_exception_new, .init = import_error_init}
#define LAYOUT_KEY SPEC_COMMON(Exception), .slots = {.new_ = cd_base_exception_new, .init = cd_base_exception_init, .str = key_error_str}
#define LAYOUT_OS                                                                                                    \
  SPEC_COMMON(OsException), .methods = cd_os_error_methods, .getset = cd_os_error_getset, .members = cd_os_error_members, \
  .slots = {SPEC_PARTS(cd_os_error), .new_ = cd_os_error_new, .init = cd_os_error_init, .str = cd_os_error_str}
#define LAYOUT_OS_KIND SPEC_COMMON(OsException)
#define LAYOUT_UNICODE_KIND LAYOUT_PLAIN
#define LAYOUT_UNICODE(kind)                                                                            \
  SPEC_COMMON(UnicodeException), .members = cd_unicode_error_members,                                   \
                                 .slots = {SPEC_PARTS(cd_unicode_error), .new_ = cd_base_exception_new, \
                                           .init = cd_unicode_##kind##_error_init, .str = cd_unicode_##kind##_error_str}
#define LAYOUT_UNICODE_ENCODE LAYOUT_UNICODE(encode)
#define LAYOUT_UNICODE_DECODE LAYOUT_UNICODE(decode)
#define LAYOUT_UNICODE_TRANSLATE LAYOUT_UNICODE(translate)
#define LAYOUT_SYNTAX                                                                                                \
  SPEC_COMMON(SyntaxException), .members = cd_syntax_error_members,                                                  \
  .slots = {SPEC_PARTS(cd_syntax_error), .new_ = cd_base_exception_new, .init = cd_syntax_error_init, .str = cd_syntax_error_str}
#define LAYOUT_SYNTAX_KIND SPEC_COMMON(SyntaxException), .slots = {.new_ = cd_base_exception_new, .init = cd_syntax_error_init}
#define LAYOUT_GROUP                                                                                                 \
  SPEC_COMMON(GroupException), .methods = cd_exception_group_methods, .members = cd_exception_group_members,         \
  .slots = {SPEC_PARTS(cd_exception_group), .new_ = cd_exception_group_new, .init = cd_exception_group_init, .str = cd_exception_group_str}
#define LAYOUT_EXCEPTION_GROUP SPEC_COMMON(GroupException)

#define EXCEPTION(type_name, base, layout, doctext) \
  static const TypeSpec exception_spec_##type_name = {.name = #type_name, .doc = doctext, LAYOUT_##layout};
#include "core/exceptions.def"
#undef EXCEPTION

static Type *exception_make(VM *vm, const TypeSpec *spec, Type *base)
{
  bool group = spec == &exception_spec_ExceptionGroup;
  Ref bases = group ? cd_tuple2(vm, cd_type_value(base), cd_type_value(vm->exc.Exception)) : cd_tuple1(vm, cd_type_value(base));
  if (!bases) return NULL;
  Type *type = cd_type_from_spec(vm, spec, bases);
  cd_drop(vm, bases);
  // It counts as made by a class statement: its instances know the module.
  if (type && group && !cd_dict_set_text_steal(vm, type->dict, "__module__", cd_str_from(vm, "builtins"))) return NULL;
  return type;
}

// Where an exception's base lies in VmExceptions; the root's base is `object`, which is none.
enum {
#define EXCEPTION(name, base, layout, doc) EXCEPTION_AT_##name = offsetof(VmExceptions, name),
#include "core/exceptions.def"
#undef EXCEPTION
  EXCEPTION_AT_object = UINT16_MAX,
};
typedef struct ExceptionRow { const TypeSpec *spec; uint16_t at, base_at; } ExceptionRow;

static const ExceptionRow exception_rows[] = {
#define EXCEPTION(name, base, layout, doc) {&exception_spec_##name, EXCEPTION_AT_##name, EXCEPTION_AT_##base},
#include "core/exceptions.def"
#undef EXCEPTION
};

static inline Type **exception_at(VM *vm, uint16_t at) { return (Type **)((char *)&vm->exc + at); }

// A MemoryError that dies becomes a spare one, so that the next can be raised without memory, and holds nothing meanwhile.
static void memory_error_finalize(VM *vm, Value self)
{
  Exception *e = cd_as_exception(self);
  if (e->head.type != vm->exc.MemoryError || vm->finalizing || vm->spare_memory_error_count == ARRAY_LEN(vm->spare_memory_errors)) return;
  if (e->attributes.shape || e->attributes.dict || cd_tuple_size(e->args)) return;
  cd_object(self)->gc &= ~GC_FINALIZED;
  e->suppress_context = false;
  vm->spare_memory_errors[vm->spare_memory_error_count++] = cd_dup(self);
  cd_clear(vm, &e->traceback);                   // last: all of this may run Python, which may need the spare one
  cd_clear(vm, &e->context);
  cd_clear(vm, &e->cause);
}

static bool memory_errors_init(VM *vm)
{
  vm->exc.MemoryError->slots.finalize = memory_error_finalize;
  for (size_t i = 0; i <= ARRAY_LEN(vm->spare_memory_errors); i++) {
    Ref e = cd_exception_new(vm, vm->exc.MemoryError, NULL, 0);
    if (!e) return false;
    if (i < ARRAY_LEN(vm->spare_memory_errors)) vm->spare_memory_errors[vm->spare_memory_error_count++] = e;
    else vm->memory_error = e;
  }
  vm->raise_memory = cd_raise_memory;
  return true;
}

bool cd_exceptions_init(VM *vm)
{
  for (size_t i = 0; i < ARRAY_LEN(exception_rows); i++) {
    const ExceptionRow *row = &exception_rows[i];
    Type *base = row->base_at == EXCEPTION_AT_object ? vm->types.object : *exception_at(vm, row->base_at);
    if (!(*exception_at(vm, row->at) = exception_make(vm, row->spec, base))) return false;
  }
  return memory_errors_init(vm);
}

// ---- making and matching ----

// type(*args) the short way: a class that was not replaced by a metaclass trick is called without going through its call slot.
static Ref exception_call(VM *vm, Type *type, const Value *args, size_t nargs)
{
  if (type->head.type != vm->types.type) return cd_call(vm, cd_type_value(type), args, nargs, NO_VALUE);
  Ref self = type->slots.new_(vm, type, args, nargs, NO_VALUE);
  if (!self || !cd_is_instance_of(vm, self, type)) return self;
  Type *made = cd_object(self)->type;
  if (made->slots.init && !made->slots.init(vm, self, args, nargs, NO_VALUE)) { cd_drop(vm, self); return NO_REF; }
  return self;
}

Ref cd_exception_new(VM *vm, Type *type, const Value *args, size_t nargs)
{
  Ref exception = exception_call(vm, type, args, nargs);
  if (!exception || cd_is_exception(exception)) return exception;
  cd_raise_type(vm, "calling %R should have returned an instance of BaseException, not %T", cd_type_value(type), exception);
  cd_drop(vm, exception);
  return NO_REF;
}

Ref cd_exception_new_text(VM *vm, Type *type, const char *text)
{
  Ref s = cd_str_from(vm, text);
  if (!s) return NO_REF;
  Ref exception = cd_exception_new(vm, type, &(Value){s}, 1);
  cd_drop(vm, s);
  return exception;
}

Ref cd_exception_from(VM *vm, Value class_or_instance)
{
  if (cd_is_exception(class_or_instance)) return cd_dup(class_or_instance);
  if (cd_is_type(class_or_instance) && cd_type_is_subtype(cd_as_type(class_or_instance), vm->exc.BaseException))
    return cd_exception_new(vm, cd_as_type(class_or_instance), NULL, 0);
  return cd_raise_type(vm, "exceptions must derive from BaseException");
}

static bool exception_is_class(VM *vm, Value v) { return cd_is_type(v) && cd_type_is_subtype(cd_as_type(v), vm->exc.BaseException); }

bool cd_exception_matches(VM *vm, Value exception, Value match, bool *out)
{
  static const char message[] = "catching classes that do not inherit from BaseException is not allowed";
  Type *type = cd_type_of(vm, exception);
  if (!cd_is_tuple(match)) {
    if (!exception_is_class(vm, match)) return cd_raise_type(vm, message);
    *out = cd_type_is_subtype(type, cd_as_type(match));
    return true;
  }
  bool found = false;
  for (size_t i = 0; i < cd_tuple_size(match); i++) {
    Value item = cd_tuple_item_borrow(match, i);
    if (!exception_is_class(vm, item)) return cd_raise_type(vm, message);
    if (cd_type_is_subtype(type, cd_as_type(item))) found = true;
  }
  *out = found;
  return true;
}

// ---- classes of native modules ----

Ref cd_exception_type_new(VM *vm, const char *qualified_name, const char *doc, Value bases)
{
  const char *dot = strrchr(qualified_name, '.');
  Ref name = cd_intern(vm, dot + 1), dict = name ? cd_dict_new(vm) : NO_REF, tuple = NO_REF, type = NO_REF;
  if (dict && cd_dict_set_text_steal(vm, dict, "__module__", cd_str_new(vm, qualified_name, (size_t)(dot - qualified_name))) &&
      (!doc || cd_dict_set_text_steal(vm, dict, "__doc__", cd_str_from(vm, doc))))
    tuple = cd_is_tuple(bases) ? cd_dup(bases) : cd_tuple1(vm, bases);
  if (tuple) type = cd_type_new(vm, vm->types.type, name, tuple, dict, NULL, NO_VALUE);
  cd_drop(vm, tuple);
  cd_drop(vm, dict);
  cd_drop(vm, name);
  return type;
}
