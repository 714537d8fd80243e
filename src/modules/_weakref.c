// SPDX-License-Identifier: MIT
// _weakref.c: the native part of the weakref module
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/weakref.h"

static Weakref *first_weakref(Value object)
{
  Weakref **list = cd_is_object(object) ? cd_weaklist_of(cd_object(object)) : NULL;
  return list ? *list : NULL;
}

FUNCTION(_weakref, getweakrefcount, "getweakrefcount(object, /)", "How many weak references there are to the object.")
{
  int64_t count = 0;
  for (Weakref *ref = first_weakref(args[0]); ref; ref = ref->next) count++;
  return cd_from_small(count);
}

FUNCTION(_weakref, getweakrefs, "getweakrefs(object, /)", "All the weak references to the object, in a list.")
{
  Ref list = cd_list_new(vm);
  for (Weakref *ref = first_weakref(args[0]); list && ref; ref = ref->next)
    if (!cd_list_append(vm, cd_as_list(list), cd_from_object(ref))) {
      cd_drop(vm, list);
      return NO_REF;
    }
  return list;
}

FUNCTION(_weakref, proxy, "proxy(object, callback=None, /)",
         "A proxy that stands for the object and does not keep it alive.\n\nThe callback, if there is one, is called with the proxy when "
         "the object goes\naway.")
{
  return cd_weakref_proxy_new(vm, args[0], args[1]);
}

FUNCTION(_weakref, _remove_dead_weakref, "_remove_dead_weakref(dct, key, /)",
         "Deletes the key if what it holds is a weak reference whose object is gone.")
{
  if (!cd_is_dict(args[0])) return cd_raise_arg_type(vm, "_remove_dead_weakref", "dct", "dict", args[0]);
  Ref value;
  Find found = cd_dict_find(vm, args[0], args[1], &value);
  if (found != FIND_HIT) return found == FIND_MISSING ? cd_none() : NO_REF;
  bool ok = true;
  if (!cd_is_instance_of(vm, value, vm->types.weakref)) {
    ok = cd_raise_type(vm, "not a weakref");
  } else {
    Ref alive = cd_weakref_get(value);
    if (!alive) ok = cd_dict_delete(vm, args[0], args[1]) != FIND_ERROR;
    cd_drop(vm, alive);
  }
  cd_drop(vm, value);
  return ok ? cd_none() : NO_REF;
}

static bool weakref_module_exec(VM *vm, Value module)
{
  return cd_module_add(vm, module, "ref", cd_dup_object(vm->types.weakref)) &&
         cd_module_add(vm, module, "ReferenceType", cd_dup_object(vm->types.weakref)) &&
         cd_module_add(vm, module, "ProxyType", cd_dup_object(vm->types.weak_proxy)) &&
         cd_module_add(vm, module, "CallableProxyType", cd_dup_object(vm->types.weak_callable_proxy));
}

static const MethodDef *const weakref_functions[] = {&_weakref_getweakrefcount_def, &_weakref_getweakrefs_def, &_weakref_proxy_def,
                                                     &_weakref__remove_dead_weakref_def, NULL};
const ModuleDef cd_module__weakref = {
  .name = "_weakref", .doc = "Weak-reference support module.", .functions = weakref_functions, .exec = weakref_module_exec};
