// SPDX-License-Identifier: MIT
// module_list.c: finding and loading native modules
#include "modules/module_list.h"
#include "loop/loop.h"
#include "modules/import.h"
#include "modules/io.h"
#include "modules/sys.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/weakref.h"

#include <string.h>

typedef struct NativeModuleRow { const char *name; const ModuleDef *def; } NativeModuleRow;

static const NativeModuleRow native_modules[] = {
#define NATIVE_MODULE(id, name) {name, &cd_module_##id},
#include "modules/modules.def"
#undef NATIVE_MODULE
};

const ModuleDef *cd_native_module_find(const char *name, ModuleId *id)
{
  for (size_t i = 0; i < ARRAY_LEN(native_modules); i++)
    if (!strcmp(native_modules[i].name, name)) {
      if (id) *id = (ModuleId)i;
      return native_modules[i].def;
    }
  return NULL;
}

static bool native_module_fill(VM *vm, Value module, const ModuleDef *def)
{
  Value name = ((Module *)cd_object(module))->name;
  if (def->doc && !cd_module_add_text(vm, module, "__doc__", def->doc)) return false;
  for (size_t i = 0; def->functions && def->functions[i]; i++)
    if (!cd_module_add(vm, module, def->functions[i]->name, cd_native_new(vm, def->functions[i], module, name))) return false;
  return !def->exec || def->exec(vm, module);
}

Ref cd_native_module_load(VM *vm, ModuleId id)
{
  const ModuleDef *def = native_modules[id].def;
  if (def->state_size && !vm->module_state[id] && !(vm->module_state[id] = cd_alloc_zeroed(vm, def->state_size))) return NO_REF;
  Ref name = cd_intern(vm, def->name), module = name ? cd_module_new(vm, name) : NO_REF;
  cd_drop(vm, name);
  if (!module) return NO_REF;
  ((Module *)cd_object(module))->def = def;
  if (native_module_fill(vm, module, def)) return module;
  cd_drop(vm, module);
  return NO_REF;
}

// A module that must exist before anything can be imported, entered in sys.modules.
static Ref native_module_start(VM *vm, ModuleId id)
{
  Ref module = cd_native_module_load(vm, id);
  if (module && cd_dict_set_text(vm, vm->modules, native_modules[id].name, module)) return module;
  cd_drop(vm, module);
  return NO_REF;
}

bool cd_modules_init(VM *vm)
{
  if (!(vm->module_state = cd_alloc_zeroed(vm, MODULE_COUNT * sizeof(void *)))) return false;
  if (!cd_bits(vm->modules) && !(vm->modules = cd_dict_new(vm))) return false;
  if (!(vm->builtins = native_module_start(vm, MODULE_builtins))) return false;
  vm->builtins_dict = cd_dup(cd_module_dict(vm->builtins));
  if (!(vm->sys = native_module_start(vm, MODULE_sys))) return false;
  vm->sys_dict = cd_dup(cd_module_dict(vm->sys));
  Ref warnings = native_module_start(vm, MODULE__warnings);      // vm->warn from the start
  if (!warnings) return false;
  cd_drop(vm, warnings);
  return cd_import_init(vm);
}

// ---- the end ----

// The last modules of the list first: they build on the others. Memory goes when all are done, for what they held may still ask for it.
static void modules_clear_state(VM *vm)
{
  for (size_t i = MODULE_COUNT; i-- > 0;)
    if (vm->module_state[i] && native_modules[i].def->clear) native_modules[i].def->clear(vm, vm->module_state[i]);
  for (size_t i = 0; i < MODULE_COUNT; i++) cd_free(vm, vm->module_state[i], native_modules[i].def->state_size);
  cd_free(vm, vm->module_state, MODULE_COUNT * sizeof(void *));
  vm->module_state = NULL;
}

// Sets a module's names to None, private ones first, as finalizers that still run expect to find __builtins__.
static void modules_clear_dict(VM *vm, Value dict, bool private_names)
{
  Ref keys = cd_dict_keys_list(vm, dict);
  if (!keys) { cd_clear_raised(vm); return; }
  for (size_t i = 0; i < cd_list_size(keys); i++) {
    Value key = cd_list_item_borrow(keys, i);
    if (!cd_is_str(key) || cd_str_is(key, "__builtins__")) continue;
    bool is_private = cd_str_data(key)[0] == '_' && cd_str_data(key)[1] != '_';
    if (private_names == is_private && !cd_dict_set(vm, dict, key, cd_none())) cd_clear_raised(vm);
  }
  cd_drop(vm, keys);
}

static void modules_flush_output(VM *vm)
{
  static const char *const names[] = {"stdout", "stderr"};
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    Value found = cd_bits(vm->sys_dict) ? cd_dict_get_text_borrow(vm, vm->sys_dict, names[i]) : NO_VALUE;
    if (!found || cd_is_none(found)) continue;
    Ref stream = cd_dup(found), result = cd_call_method0(vm, stream, N(flush));
    if (!result) cd_clear_raised(vm);
    cd_drop(vm, result);
    cd_drop(vm, stream);
  }
}

// ---- the end of a program ----

// What has a finalizer when start-up is over is a part of the standard streams.
void cd_modules_mark_standard(VM *vm)
{
  for (uint32_t i = 0; i < vm->gc.count; i++)
    if (vm->gc.objects[i]->type->slots.finalize) vm->gc.objects[i]->gc |= GC_STANDARD;
}

static bool modules_is_calling_weakref(VM *vm, Object *object)
{
  const TypeSpec *spec = object->type->spec;
  return (spec == vm->types.weakref->spec || spec == vm->types.weak_proxy->spec || spec == vm->types.weak_callable_proxy->spec) &&
         ((Weakref *)object)->callback;
}

static bool modules_is_closed_stream(VM *vm, Object *object)
{
  const Type *type = object->type;
  if (!(type->flags & TYPE_STREAM) || type->spec == type->base->spec) return false;   // a class written in Python may do anything
  Ref closed = cd_getattr_text(vm, cd_from_object(object), "closed");
  bool yes = closed && cd_is_true(closed);
  if (!closed) cd_clear_raised(vm);
  cd_drop(vm, closed);
  return yes;
}

// Is there an object that does something when it dies, or a weak reference that would call somebody? If not, a process that ends need not
// take its modules apart.
static bool modules_end_matters(VM *vm)
{
#ifdef CEDE_DEBUG
  return true;                                   // a leak check is to see what is left when all has been dropped
#endif
  if (!vm->config.ends_with_process || vm->gc.debug || vm->threads->next) return true;
  for (uint32_t i = 0; i < vm->gc.count; i++) {
    Object *object = vm->gc.objects[i];
    if (object->type->slots.finalize && !(object->gc & (GC_FINALIZED | GC_STANDARD)) && !modules_is_closed_stream(vm, object)) return true;
    if (modules_is_calling_weakref(vm, object)) return true;
  }
  return false;
}

// Standard streams that somebody took apart or put aside may still hold output.
static void modules_flush_standard(VM *vm)
{
  Ref streams = cd_list_new(vm);
  for (uint32_t i = 0; streams && i < vm->gc.count; i++) {
    Object *object = vm->gc.objects[i];
    if (!(object->gc & GC_STANDARD) || object->type->flags & TYPE_EXCEPTION) continue;   // spare MemoryErrors have a finalizer too
    if (!cd_list_append(vm, cd_as_list(streams), cd_from_object(object))) break;
  }
  for (size_t i = 0; streams && i < cd_list_size(streams); i++) {
    if (cd_io_is_flushed(vm, cd_list_item_borrow(streams, i))) continue;
    Ref result = cd_call_method0(vm, cd_list_item_borrow(streams, i), N(flush));
    if (!result) cd_clear_raised(vm);
    cd_drop(vm, result);
  }
  cd_clear_raised(vm);
  cd_drop(vm, streams);
}

// The exception that ended the program holds its frames and all that they hold.
static void modules_forget_last_exception(VM *vm)
{
  static const char *const names[] = {"last_type", "last_value", "last_traceback"};
  for (size_t i = 0; i < ARRAY_LEN(names) && cd_bits(vm->sys_dict); i++)
    if (cd_dict_get_text_borrow(vm, vm->sys_dict, names[i]) && !cd_dict_set_text(vm, vm->sys_dict, names[i], cd_none()))
      cd_clear_raised(vm);
}

void cd_modules_finish(VM *vm)
{
  if (!vm->module_state) return;
  vm->finalizing = true;
  if (!modules_end_matters(vm)) {
    modules_flush_standard(vm);
    return;
  }
  cd_gc_collect(vm, GC_GENERATIONS - 1);         // finalizers of what is garbage already may import
  cd_asyncio_prepare_end(vm);
  cd_io_flush_all(vm);                           // a cycle's raw file may be finalized before the buffer above it
  modules_forget_last_exception(vm);
  // Most modules die with their entry in sys.modules or in the collection that follows, their globals intact for the finalizers that
  // run then. What something else still holds is emptied, in the reverse order of import.
  Ref living = cd_list_new(vm), keys = cd_bits(vm->modules) ? cd_dict_keys_list(vm, vm->modules) : NO_REF;
  for (size_t i = 0; living && keys && i < cd_list_size(keys); i++) {
    Value key = cd_list_item_borrow(keys, i);
    Ref module;
    if (cd_str_is(key, "sys") || cd_str_is(key, "builtins") || cd_dict_find(vm, vm->modules, key, &module) != FIND_HIT) continue;
    if (cd_is_exact(module, vm->types.module)) {
      Ref ref = cd_weakref_new(vm, module, NO_VALUE);
      if (!ref || !cd_list_append_steal(vm, cd_as_list(living), ref)) cd_clear_raised(vm);
    }
    if (!cd_dict_set(vm, vm->modules, key, cd_none())) cd_clear_raised(vm);
    cd_drop(vm, module);
  }
  cd_drop(vm, keys);
  cd_clear_raised(vm);
  cd_gc_collect(vm, GC_GENERATIONS - 1);
  for (size_t i = living ? cd_list_size(living) : 0; i-- > 0;) {
    Ref module = cd_weakref_get(cd_list_item_borrow(living, i));
    if (!module) continue;
    Ref dict = cd_dup(cd_module_dict(module));
    if (cd_bits(dict)) modules_clear_dict(vm, dict, true), modules_clear_dict(vm, dict, false);
    cd_drop(vm, dict);
    cd_drop(vm, module);
  }
  cd_drop(vm, living);
  cd_gc_collect(vm, GC_GENERATIONS - 1);
  modules_flush_output(vm);                      // what finalizers have printed
  cd_io_flush_all(vm);                           // what was left to objects that still live
  cd_import_finish(vm);
  modules_clear_state(vm);
  cd_clear_raised(vm);
}
