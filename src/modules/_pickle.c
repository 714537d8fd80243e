// SPDX-License-Identifier: MIT
// _pickle.c: the module under pickle; PickleBuffer; what saving and loading share
#include "modules/pickle.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/function.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

PickleState *cd_pickle_state(VM *vm) { return cd_state(vm, MODULE__pickle); }

// ---- hooks: persistent_id and persistent_load ----

bool cd_pickle_hook_init(VM *vm, PickleHook *hook, Value self, Value name)
{
  Ref method;
  Find found = cd_getattr_find(vm, self, name, &method);
  if (found == FIND_ERROR) return false;
  hook->bound = false;
  if (found == FIND_HIT && cd_is_exact(method, vm->types.method) && cd_is(((Method *)cd_object(method))->self, self)) {
    hook->bound = true;
    cd_replace(vm, &hook->function, cd_dup(((Method *)cd_object(method))->function));
    cd_drop(vm, method);
    return true;
  }
  cd_replace(vm, &hook->function, found == FIND_HIT ? method : NO_REF);
  return true;
}

Ref cd_pickle_hook_call(VM *vm, const PickleHook *hook, Value self, Value argument)
{
  Ref function = cd_dup(hook->function);
  Ref result = hook->bound ? cd_call2(vm, function, self, argument) : cd_call1(vm, function, argument);
  cd_drop(vm, function);
  return result;
}

Ref cd_pickle_hook_get(VM *vm, const PickleHook *hook, Value self)
{
  if (!hook->function) return NO_REF;
  return hook->bound ? cd_method_new(vm, hook->function, self) : cd_dup(hook->function);
}

// ---- dotted names ----

Ref cd_pickle_path(VM *vm, Value owner, Value name)
{
  Ref dot = cd_str_from_char(vm, '.'), split = dot ? cd_intern(vm, "split") : NO_REF,
      path = split ? cd_call_method1(vm, name, split, dot) : NO_REF;
  cd_drop(vm, dot);
  cd_drop(vm, split);
  if (!path) return NO_REF;
  for (size_t i = 0; i < cd_list_size(path); i++) {
    if (!cd_str_is(cd_list_item_borrow(path, i), "<locals>")) continue;
    cd_drop(vm, path);
    if (owner) return cd_raise(vm, vm->exc.AttributeError, "Can't get local attribute %R on %R", name, owner);
    return cd_raise(vm, vm->exc.AttributeError, "Can't pickle local object %R", name);
  }
  return path;
}

Ref cd_pickle_attribute(VM *vm, Value module, Value path, Ref *parent)
{
  Ref current = cd_dup(module), holder = NO_REF;
  for (size_t i = 0; i < cd_list_size(path); i++) {
    cd_drop(vm, holder);
    holder = current;
    Value name = cd_list_item_borrow(path, i);
    Find found = cd_getattr_find(vm, holder, name, &current);
    if (found == FIND_HIT) continue;
    if (found == FIND_MISSING) cd_raise(vm, vm->exc.AttributeError, "Can't get attribute %R on %R", name, holder);
    cd_drop(vm, holder);
    return NO_REF;
  }
  *parent = holder;
  return current;
}

// ---- PickleBuffer ----

typedef struct PickleBuffer { Object head; Buffer view; Weakref *weaklist; } PickleBuffer;   // view.owner NO_VALUE: released

static inline PickleBuffer *pickle_buffer_of(Value v) { return (PickleBuffer *)cd_object(v); }

Buffer *cd_pickle_buffer_view(VM *vm, Value v)
{
  if (pickle_buffer_of(v)->view.owner) return &pickle_buffer_of(v)->view;
  cd_raise_value(vm, "operation forbidden on released PickleBuffer object");
  return NULL;
}

static Ref pickle_buffer_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[1];
  Ref owned[2];
  if (!cd_bind_text(vm, "PickleBuffer(object, /)", args, nargs, kwnames, in, owned)) return NO_REF;
  PickleBuffer *b = cd_instance_new(vm, type);
  if (!b) return NO_REF;
  if (cd_get_buffer(vm, in[0], &b->view, BUFFER_FULL_RO)) return cd_from_object(b);
  b->view.owner = NO_VALUE;
  cd_drop(vm, cd_from_object(b));
  return NO_REF;
}

static void pickle_buffer_let_go(VM *vm, Object *self) { cd_release_buffer(vm, &((PickleBuffer *)self)->view); }
static void pickle_buffer_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((PickleBuffer *)self)->view.owner); }

// Exports what it wraps: the request goes on to the exporter.
static bool pickle_buffer_get(VM *vm, Value self, Buffer *out, int flags)
{
  const Buffer *view = cd_pickle_buffer_view(vm, self);
  return view && cd_get_buffer(vm, view->owner, out, flags);
}

METHOD(pickle_buffer, release, "release(self, /)", "Lets go of the object whose buffer it is.")
{
  pickle_buffer_let_go(vm, cd_object(self));
  return cd_none();
}

// What raw() shows: the same memory as plain bytes.
typedef struct RawBuffer { Object head; Buffer view; } RawBuffer;

static void raw_buffer_release(VM *vm, Object *self) { cd_release_buffer(vm, &((RawBuffer *)self)->view); }
static void raw_buffer_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((RawBuffer *)self)->view.owner); }

static bool raw_buffer_get(VM *vm, Value self, Buffer *out, int flags)
{
  // An export of the original's own, so that the memoryview names it as its object.
  if (!cd_get_buffer(vm, ((RawBuffer *)cd_object(self))->view.owner, out, BUFFER_FULL_RO)) return false;
  if (flags & BUFFER_WRITABLE && out->readonly) {
    cd_release_buffer(vm, out);
    return cd_raise(vm, vm->exc.BufferError, "Object is not writable.");
  }
  out->itemsize = out->small_strides[0] = 1;
  out->ndim = 1;
  out->small_shape[0] = out->size;
  out->format = flags & BUFFER_FORMAT ? "B" : NULL;
  out->shape = flags & BUFFER_ND ? out->small_shape : NULL;
  out->strides = (flags & BUFFER_STRIDES) == BUFFER_STRIDES ? out->small_strides : NULL;
  return true;
}

static const TypeSpec raw_buffer_spec = {
  .name = "_pickle.RawBuffer",
  .basicsize = sizeof(RawBuffer),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .slots = {.release = raw_buffer_release, .traverse = raw_buffer_traverse, .get_buffer = raw_buffer_get},
};

static bool pickle_buffer_in_order(const Buffer *b, bool fortran)
{
  if (!b->shape || !b->strides) return true;
  int64_t step = b->itemsize;
  for (int n = 0; n < b->ndim; n++) {
    int i = fortran ? n : b->ndim - 1 - n;
    if (b->shape[i] > 1 && b->strides[i] != step) return false;
    step *= b->shape[i];
  }
  return true;
}

METHOD(pickle_buffer, raw, "raw(self, /)",
       "The bytes below, as a memoryview without shape.\n\nBufferError unless they lie in one piece.")
{
  const Buffer *view = cd_pickle_buffer_view(vm, self);
  if (!view) return NO_REF;
  bool c_order = pickle_buffer_in_order(view, false);
  if (view->suboffsets || !(c_order || pickle_buffer_in_order(view, true)))
    return cd_raise(vm, vm->exc.BufferError, "cannot extract raw buffer from non-contiguous buffer");
  RawBuffer *raw = cd_object_new(vm, cd_pickle_state(vm)->raw, sizeof *raw);
  if (!raw) return NO_REF;
  Ref exporter = cd_from_object(raw), result = NO_REF;
  if (cd_get_buffer(vm, view->owner, &raw->view, BUFFER_FULL_RO)) result = cd_call1(vm, cd_type_value(vm->types.memoryview), exporter);
  cd_drop(vm, exporter);
  return result;
}

static const MethodDef *const pickle_buffer_methods[] = {&pickle_buffer_raw_def, &pickle_buffer_release_def, NULL};

const TypeSpec cd_pickle_buffer_spec = {
  .name = "pickle.PickleBuffer",
  .doc = "Wrapper for potentially out-of-band buffers",
  .basicsize = sizeof(PickleBuffer),
  .flags = TYPE_GC | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .weaklist_offset = offsetof(PickleBuffer, weaklist),
  .methods = pickle_buffer_methods,
  .slots = {.release = pickle_buffer_let_go,
            .traverse = pickle_buffer_traverse,
            .clear = pickle_buffer_let_go,
            .new_ = pickle_buffer_new,
            .get_buffer = pickle_buffer_get},
};

// ---- the module ----

// module.attribute, which must be a dict.
static bool pickle_fetch_dict(VM *vm, const char *module, const char *attribute, Value *out)
{
  Ref dict = cd_import_attr(vm, module, attribute);
  if (!dict) return false;
  if (!cd_is_exact(dict, vm->types.dict)) {
    cd_raise_runtime(vm, "%s.%s should be a dict, not %.200T", module, attribute, dict);
    cd_drop(vm, dict);
    return false;
  }
  *out = dict;
  return true;
}

static bool pickle_fetch(VM *vm, const char *module, const char *attribute, Value *out)
{
  return (*out = cd_import_attr(vm, module, attribute)) != NO_VALUE;
}

static bool pickle_add_errors(VM *vm, Value module, PickleState *s)
{
  s->pickle_error = cd_exception_type_new(vm, "_pickle.PickleError", NULL, cd_type_value(vm->exc.Exception));
  if (s->pickle_error) s->pickling_error = cd_exception_type_new(vm, "_pickle.PicklingError", NULL, s->pickle_error);
  if (s->pickling_error) s->unpickling_error = cd_exception_type_new(vm, "_pickle.UnpicklingError", NULL, s->pickle_error);
  return s->unpickling_error && cd_module_add(vm, module, "PickleError", cd_dup(s->pickle_error)) &&
         cd_module_add(vm, module, "PicklingError", cd_dup(s->pickling_error)) &&
         cd_module_add(vm, module, "UnpicklingError", cd_dup(s->unpickling_error));
}

static bool pickle_add_types(VM *vm, Value module, PickleState *s)
{
  return (s->pickler = cd_type_from_spec(vm, &cd_pickler_spec, NO_VALUE)) &&
         (s->unpickler = cd_type_from_spec(vm, &cd_unpickler_spec, NO_VALUE)) &&
         (s->buffer = cd_type_from_spec(vm, &cd_pickle_buffer_spec, NO_VALUE)) &&
         (s->pickler_memo = cd_type_from_spec(vm, &cd_pickler_memo_spec, NO_VALUE)) &&
         (s->unpickler_memo = cd_type_from_spec(vm, &cd_unpickler_memo_spec, NO_VALUE)) &&
         (s->raw = cd_type_from_spec(vm, &raw_buffer_spec, NO_VALUE)) && cd_module_add(vm, module, "Pickler", cd_dup_object(s->pickler)) &&
         cd_module_add(vm, module, "Unpickler", cd_dup_object(s->unpickler)) &&
         cd_module_add(vm, module, "PickleBuffer", cd_dup_object(s->buffer));
}

static bool pickle_exec(VM *vm, Value module)
{
  PickleState *s = cd_pickle_state(vm);
  if (!pickle_fetch_dict(vm, "copyreg", "dispatch_table", &s->dispatch_table) ||
      !pickle_fetch_dict(vm, "copyreg", "_extension_registry", &s->extension_registry) ||
      !pickle_fetch_dict(vm, "copyreg", "_inverted_registry", &s->inverted_registry) ||
      !pickle_fetch_dict(vm, "copyreg", "_extension_cache", &s->extension_cache) ||
      !pickle_fetch_dict(vm, "_compat_pickle", "NAME_MAPPING", &s->name_mapping_2to3) ||
      !pickle_fetch_dict(vm, "_compat_pickle", "IMPORT_MAPPING", &s->import_mapping_2to3) ||
      !pickle_fetch_dict(vm, "_compat_pickle", "REVERSE_NAME_MAPPING", &s->name_mapping_3to2) ||
      !pickle_fetch_dict(vm, "_compat_pickle", "REVERSE_IMPORT_MAPPING", &s->import_mapping_3to2) ||
      !pickle_fetch(vm, "codecs", "encode", &s->codecs_encode) || !pickle_fetch(vm, "builtins", "getattr", &s->getattr) ||
      !pickle_fetch(vm, "functools", "partial", &s->partial) || !pickle_add_errors(vm, module, s) || !pickle_add_types(vm, module, s))
    return false;
  Value module_name = ((Module *)cd_object(module))->name;
  for (int i = 0; i < 2; i++) {
    const MethodDef *dump = cd_pickle_dump_functions[i], *load = cd_pickle_load_functions[i];
    if (!cd_module_add(vm, module, dump->name, cd_native_new(vm, dump, module, module_name)) ||
        !cd_module_add(vm, module, load->name, cd_native_new(vm, load, module, module_name)))
      return false;
  }
  return true;
}

#define PICKLE_STATE_VALUES(s)                                                                                                     \
  {                                                                                                                                \
    &(s)->pickle_error, &(s)->pickling_error, &(s)->unpickling_error, &(s)->dispatch_table, &(s)->extension_registry,              \
      &(s)->inverted_registry, &(s)->extension_cache, &(s)->name_mapping_2to3, &(s)->import_mapping_2to3, &(s)->name_mapping_3to2, \
      &(s)->import_mapping_3to2, &(s)->codecs_encode, &(s)->getattr, &(s)->partial                                                 \
  }
#define PICKLE_STATE_TYPES(s) {(s)->pickler, (s)->unpickler, (s)->pickler_memo, (s)->unpickler_memo, (s)->buffer, (s)->raw}

static void pickle_traverse(void *p, VisitFn visit, void *context)
{
  PickleState *s = p;
  Value *values[] = PICKLE_STATE_VALUES(s);
  Type *types[] = PICKLE_STATE_TYPES(s);
  for (size_t i = 0; i < ARRAY_LEN(values); i++) visit(context, *values[i]);
  for (size_t i = 0; i < ARRAY_LEN(types); i++) visit(context, cd_type_value(types[i]));
}

static void pickle_clear(VM *vm, void *p)
{
  PickleState old = *(PickleState *)p, *s = &old;
  memset(p, 0, sizeof old);
  Value *values[] = PICKLE_STATE_VALUES(s);
  Type *types[] = PICKLE_STATE_TYPES(s);
  for (size_t i = 0; i < ARRAY_LEN(values); i++) cd_clear(vm, values[i]);
  for (size_t i = 0; i < ARRAY_LEN(types); i++) cd_drop_object(vm, types[i]);
}

const ModuleDef cd_module__pickle = {
  .name = "_pickle",
  .doc = "The native part of the pickle module.",
  .state_size = sizeof(PickleState),
  .exec = pickle_exec,
  .traverse = pickle_traverse,
  .clear = pickle_clear,
};
