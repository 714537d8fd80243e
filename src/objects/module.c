// SPDX-License-Identifier: MIT
// module.c: modules
#include "objects/module.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

static Module *module_of(Value v) { return (Module *)cd_object(v); }

static bool module_fill(VM *vm, Module *module, Value name, Value doc)
{
  if (!module->dict && !(module->dict = cd_dict_new(vm))) return false;
  cd_replace(vm, &module->name, cd_dup(name));
  Value none = cd_none(), dict = module->dict;
  return cd_dict_set(vm, dict, N(__name__), name) && cd_dict_set(vm, dict, N(__doc__), doc) &&
         cd_dict_set(vm, dict, N(__package__), none) && cd_dict_set(vm, dict, N(__loader__), none) &&
         cd_dict_set(vm, dict, N(__spec__), none);
}

Ref cd_module_new(VM *vm, Value name)
{
  Module *module = cd_object_new(vm, vm->types.module, sizeof *module);
  if (!module) return NO_REF;
  if (module_fill(vm, module, name, cd_none())) return cd_from_object(module);
  cd_drop_object(vm, module);
  return NO_REF;
}

static Ref module_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Module *module = cd_object_new(vm, type, type->basicsize);
  if (!module) return NO_REF;
  if ((module->dict = cd_dict_new(vm))) return cd_from_object(module);
  cd_drop_object(vm, module);
  return NO_REF;
}

static bool module_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  if (!cd_bind_text(vm, "module(name, doc=None)", args, nargs, kwnames, in, owned)) return false;
  if (!cd_is_str(in[0])) return cd_raise_type(vm, "module() argument 'name' must be str, not %s", cd_type_name(cd_type_of(vm, in[0])));
  return module_fill(vm, module_of(self), in[0], in[1] ? in[1] : (Value)cd_none());
}

bool cd_module_add(VM *vm, Value module, const char *name, Ref value)
{
  return cd_dict_set_text_steal(vm, module_of(module)->dict, name, value);
}
bool cd_module_add_int(VM *vm, Value module, const char *name, int64_t value)
{
  return cd_module_add(vm, module, name, cd_int_from_i64(vm, value));
}
bool cd_module_add_text(VM *vm, Value module, const char *name, const char *value)
{
  return cd_module_add(vm, module, name, cd_str_from(vm, value));
}

Type *cd_module_add_type(VM *vm, Value module, const TypeSpec *spec, Value bases)
{
  Type *type = cd_type_from_spec(vm, spec, bases);
  if (!type) return NULL;
  const char *dot = strrchr(spec->name, '.');
  return cd_module_add(vm, module, dot ? dot + 1 : spec->name, cd_from_object(type)) ? type : NULL;
}

// ---- attributes ----

bool cd_module_complete(VM *vm, Value self)
{
  Module *module = module_of(self);
  bool (*complete)(VM *vm, Value module) = module->complete;
  module->complete = NULL;
  if (LIKELY(!complete) || complete(vm, self)) return true;
  module->complete = complete;
  return false;
}

static bool module_is_initializing(VM *vm, Value spec, bool *out)
{
  Ref flag;
  Ref name = cd_intern(vm, "_initializing");
  *out = false;
  if (!name) return false;
  Find found = cd_getattr_find(vm, spec, name, &flag);
  cd_drop(vm, name);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = cd_truth(vm, flag, out);
  cd_drop(vm, flag);
  return ok;
}

// Is `name` a submodule that is being imported? importlib keeps their names in __spec__._uninitialized_submodules.
static bool module_is_loading_submodule(VM *vm, Value spec, Value name)
{
  Ref key = cd_intern(vm, "_uninitialized_submodules"), names = NO_REF;
  bool found = false;
  if (key && !cd_is_none(spec) && cd_getattr_find(vm, spec, key, &names) == FIND_HIT && !cd_contains(vm, names, name, &found))
    found = false;
  cd_drop(vm, key);
  cd_drop(vm, names);
  return found && !cd_raised(vm);
}

static COLD Ref module_missing(VM *vm, Value self, Value name)
{
  Value dict = module_of(self)->dict;
  Value own = cd_dict_get_name_borrow(vm, dict, N(__name__));
  if (!own || !cd_is_str(own)) return cd_raise_attribute(vm, self, name, "module has no attribute '%U'", name);
  Value found = cd_dict_get_name_borrow(vm, dict, N(__spec__));
  Ref spec = found ? cd_dup(found) : cd_none(), module_name = cd_dup(own);
  bool initializing = false;
  if (cd_is_none(spec) || module_is_initializing(vm, spec, &initializing)) {
    if (initializing)
      cd_raise_attribute(vm, self, name, "partially initialized module '%U' has no attribute '%U' (most likely due to a circular import)",
                         module_name, name);
    else if (module_is_loading_submodule(vm, spec, name))
      cd_raise_attribute(vm, self, name, "cannot access submodule '%U' of module '%U' (most likely due to a circular import)", name,
                         module_name);
    else if (!cd_raised(vm))
      cd_raise_attribute(vm, self, name, "module '%U' has no attribute '%U'", module_name, name);
  }
  cd_drop(vm, spec);
  cd_drop(vm, module_name);
  return NO_REF;
}

// PEP 562: a module's own __getattr__ is asked last.
Find cd_module_getattr_find(VM *vm, Value self, Value name, Ref *out)
{
  Find found = cd_generic_getattr_find(vm, self, name, out);
  if (found == FIND_ERROR && !cd_swallow(vm, vm->exc.AttributeError)) return FIND_ERROR;
  if (found == FIND_HIT) return FIND_HIT;
  if (module_of(self)->complete) return cd_module_complete(vm, self) ? cd_module_getattr_find(vm, self, name, out) : FIND_ERROR;
  Value dict = module_of(self)->dict;
  Value hook = dict ? cd_dict_get_name_borrow(vm, dict, N(__getattr__)) : NO_VALUE;
  if (!hook) return FIND_MISSING;
  Ref held = cd_dup(hook);
  *out = cd_call1(vm, held, name);
  cd_drop(vm, held);
  return *out ? FIND_HIT : FIND_ERROR;
}

Ref cd_module_getattr_slot(VM *vm, Value self, Value name)
{
  Ref result;
  Find found = cd_module_getattr_find(vm, self, name, &result);
  if (found == FIND_HIT) return result;
  return found == FIND_MISSING ? module_missing(vm, self, name) : NO_REF;
}

static Ref module_attribute_or_none(VM *vm, Value self, const char *name)
{
  Value found = cd_dict_get_text_borrow(vm, module_of(self)->dict, name);
  return found ? cd_dup(found) : cd_none();
}

// "<module 'x' from 'file'>", by the rules of importlib.
static Ref module_repr_from_spec(VM *vm, Value spec)
{
  Ref name = cd_getattr(vm, spec, N(name)), origin = NO_REF, loader = NO_REF, located = NO_REF, text = NO_REF;
  bool has_location = false;
  if (!name || !(origin = cd_getattr_text(vm, spec, "origin")) || !(loader = cd_getattr_text(vm, spec, "loader"))) goto done;
  if (!(located = cd_getattr_text(vm, spec, "has_location")) || !cd_truth(vm, located, &has_location)) goto done;
  if (cd_is_none(name)) name = cd_str_from(vm, "?");
  if (!name) goto done;
  if (cd_is_none(origin))
    text = cd_is_none(loader) ? cd_str_format(vm, "<module %R>", name) : cd_str_format(vm, "<module %R (%R)>", name, loader);
  else text = has_location ? cd_str_format(vm, "<module %R from %R>", name, origin) : cd_str_format(vm, "<module %R (%S)>", name, origin);

done:
  cd_drop(vm, name);
  cd_drop(vm, origin);
  cd_drop(vm, loader);
  cd_drop(vm, located);
  return text;
}

// Old loaders have a module_repr method; *done false: this one has not, or it failed.
static Ref module_repr_by_loader(VM *vm, Value loader, Value self, bool *done)
{
  Ref name = cd_intern(vm, "module_repr"), method, text = NO_REF;
  Find found = name ? cd_getattr_find(vm, loader, name, &method) : FIND_ERROR;
  cd_drop(vm, name);
  *done = found == FIND_ERROR;
  if (found != FIND_HIT) return NO_REF;
  text = cd_call1(vm, method, self);
  cd_drop(vm, method);
  *done = text || !cd_swallow(vm, vm->exc.Exception);
  return text;
}

static Ref module_repr(VM *vm, Value self)
{
  Ref spec = module_attribute_or_none(vm, self, "__spec__"), name = NO_REF, file = NO_REF, loader = NO_REF, text;
  if (!cd_is_none(spec)) {
    text = module_repr_from_spec(vm, spec);
    cd_drop(vm, spec);
    return text;
  }
  loader = module_attribute_or_none(vm, self, "__loader__");
  bool done;
  text = module_repr_by_loader(vm, loader, self, &done);
  if (done) {
    cd_drop(vm, loader);
    return text;
  }
  name = module_attribute_or_none(vm, self, "__name__");
  if (!cd_dict_get_name_borrow(vm, module_of(self)->dict, N(__name__))) name = cd_str_from(vm, "?");
  file = module_attribute_or_none(vm, self, "__file__");
  if (!name) text = NO_REF;
  else if (cd_dict_get_name_borrow(vm, module_of(self)->dict, N(__file__))) text = cd_str_format(vm, "<module %R from %R>", name, file);
  else text = cd_is_none(loader) ? cd_str_format(vm, "<module %R>", name) : cd_str_format(vm, "<module %R (%R)>", name, loader);
  cd_drop(vm, loader);
  cd_drop(vm, name);
  cd_drop(vm, file);
  return text;
}

static Ref module_get_annotations(VM *vm, Value self)
{
  Value dict = module_of(self)->dict;
  Value found = cd_dict_get_name_borrow(vm, dict, N(__annotations__));
  if (found) return cd_dup(found);
  Ref fresh = cd_dict_new(vm);
  if (fresh && cd_dict_set(vm, dict, N(__annotations__), fresh)) return fresh;
  cd_drop(vm, fresh);
  return NO_REF;
}

static bool module_set_annotations(VM *vm, Value self, Value value)
{
  Value dict = module_of(self)->dict;
  if (value) return cd_dict_set(vm, dict, N(__annotations__), value);
  Find found = cd_dict_delete(vm, dict, N(__annotations__));
  if (found == FIND_MISSING) cd_raise_attribute(vm, self, N(__annotations__), "__annotations__");
  return found == FIND_HIT;
}

METHOD(module, __dir__, "__dir__(self, /)", "__dir__() -> list\nspecialized dir() implementation")
{
  Ref dict = cd_getattr(vm, self, N(__dict__)), list = NO_REF;
  if (!dict) return NO_REF;
  if (!cd_is_dict(dict)) {
    cd_raise_type(vm, "%.200s.__dict__ is not a dictionary", cd_str_data(module_of(self)->name));
  } else {
    Value hook = cd_dict_get_name_borrow(vm, dict, N(__dir__));
    Ref held = hook ? cd_dup(hook) : NO_REF;
    list = held ? cd_call0(vm, held) : cd_dict_keys_list(vm, dict);
    cd_drop(vm, held);
  }
  cd_drop(vm, dict);
  return list;
}

static void module_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Module *)self)->dict);
  visit(context, ((Module *)self)->name);
}
// The dict may outlive the module as the globals of functions: then it must stay as it is.
static void module_clear(VM *vm, Object *self)
{
  Module *module = (Module *)self;
  if (!module->dict) return;
  Ref empty = cd_dict_new(vm);
  if (empty) cd_replace(vm, &module->dict, empty);
  else cd_clear_raised(vm);
}
static void module_release(VM *vm, Object *self)
{
  cd_clear(vm, &((Module *)self)->dict);
  cd_clear(vm, &((Module *)self)->name);
}

static const MethodDef *const module_methods[] = {&module___dir___def, NULL};
static const GetSetDef module_getset[] = {
  {"__annotations__", NULL, module_get_annotations, module_set_annotations}, {0}};
static const MemberDef module_members[] = {{"__dict__", offsetof(Module, dict), MEMBER_NAMESPACE, false, NULL}, {0}};
const TypeSpec cd_module_spec = {
  .name = "module",
  .doc = "module(name, doc=None)\n--\n\nCreate a module object.\n\nThe name must be a string; the optional doc argument can have any type.",
  .basicsize = sizeof(Module),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Module, weaklist),
  .methods = module_methods,
  .getset = module_getset,
  .members = module_members,
  .slots = {.release = module_release,
            .traverse = module_traverse,
            .clear = module_clear,
            .repr = module_repr,
            .getattr = cd_module_getattr_slot,
            .new_ = module_new_slot,
            .init = module_init_slot},
};
