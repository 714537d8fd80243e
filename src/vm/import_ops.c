// SPDX-License-Identifier: MIT
// import_ops.c: the import instructions
#include "vm/eval.h"

#include "objects/dict.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

Ref cd_import_name(VM *vm, Frame *frame, Value name, Value level, Value fromlist)
{
  Ref import;
  Find found = cd_is_exact(frame->builtins, vm->types.dict) ? cd_dict_find(vm, frame->builtins, N(__import__), &import) : FIND_MISSING;
  if (!cd_is_exact(frame->builtins, vm->types.dict)) {
    import = cd_getitem(vm, frame->builtins, N(__import__));
    found = cd_bits(import) ? FIND_HIT : cd_swallow(vm, vm->exc.KeyError) ? FIND_MISSING : FIND_ERROR;
  }
  if (found == FIND_MISSING) return cd_raise(vm, vm->exc.ImportError, "__import__ not found");
  if (found == FIND_ERROR) return NO_REF;
  const Value args[5] = {name, frame->globals, cd_bits(frame->locals) ? frame->locals : cd_none(), fromlist, level};
  Ref module = cd_call(vm, import, args, 5, NO_VALUE);
  cd_drop(vm, import);
  return module;
}

static Ref import_from_failed(VM *vm, Value module, Value name, Value module_name)
{
  Ref file = NO_REF, spec = NO_REF, text = NO_REF;
  bool initializing = false;
  Find found = cd_getattr_find(vm, module, N(__file__), &file);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT && !cd_is_str(file)) { cd_drop(vm, file); file = NO_REF; }
  Ref shown = cd_bits(module_name) ? cd_dup(module_name) : cd_str_from(vm, "<unknown module name>");
  if (!cd_bits(shown)) { cd_drop(vm, file); return NO_REF; }
  if (!cd_bits(file)) {
    text = cd_str_format(vm, "cannot import name %R from %R (unknown location)", name, shown);
  } else {
    if (cd_getattr_find(vm, module, N(__spec__), &spec) == FIND_HIT) {
      Ref flag = cd_getattr_text(vm, spec, "_initializing");
      if (!cd_bits(flag)) cd_clear_raised(vm);
      else if (!cd_truth(vm, flag, &initializing)) cd_clear_raised(vm);
      cd_drop(vm, flag);
      cd_drop(vm, spec);
    } else {
      cd_clear_raised(vm);
    }
    text = initializing
             ? cd_str_format(vm, "cannot import name %R from partially initialized module %R (most likely due to a circular import) (%S)",
                             name, shown, file)
             : cd_str_format(vm, "cannot import name %R from %R (%S)", name, shown, file);
  }
  if (cd_bits(text)) {
    Ref exception = cd_exception_new(vm, vm->exc.ImportError, cd_lend(&text), 1);
    if (cd_bits(exception)) {
      ImportException *e = (ImportException *)cd_object(exception);
      if (cd_bits(module_name)) cd_replace(vm, &e->name, cd_dup(module_name));
      if (cd_bits(file)) cd_replace(vm, &e->path, cd_dup(file));
      cd_raise_exception(vm, exception);
    }
  }
  cd_drop(vm, text);
  cd_drop(vm, shown);
  cd_drop(vm, file);
  return NO_REF;
}

Ref cd_import_from(VM *vm, Value module, Value name)
{
  Ref v;
  Find found = cd_getattr_find(vm, module, name, &v);
  if (found == FIND_HIT) return v;
  if (found == FIND_ERROR) return NO_REF;
  // A submodule that is loaded but not yet an attribute of its package (circular imports).
  Ref module_name = NO_REF;
  if (cd_getattr_find(vm, module, N(__name__), &module_name) == FIND_ERROR) return NO_REF;
  if (cd_bits(module_name) && !cd_is_str(module_name)) { cd_drop(vm, module_name); module_name = NO_REF; }
  if (cd_bits(module_name)) {
    Ref full = cd_str_format(vm, "%U.%U", module_name, name);
    if (!cd_bits(full)) { cd_drop(vm, module_name); return NO_REF; }
    found = cd_dict_find(vm, vm->modules, full, &v);
    cd_drop(vm, full);
    if (found != FIND_MISSING) {
      cd_drop(vm, module_name);
      return found == FIND_HIT ? v : NO_REF;
    }
  }
  import_from_failed(vm, module, name, module_name);
  cd_drop(vm, module_name);
  return NO_REF;
}

// The names to import: __all__, or NO_REF with nothing set: every public name of __dict__.
static Find import_star_names(VM *vm, Value module, Ref *names, Ref *dict)
{
  Find found = cd_getattr_find(vm, module, N(__all__), names);
  if (found != FIND_MISSING) return found;
  found = cd_getattr_find(vm, module, N(__dict__), dict);
  if (found == FIND_ERROR) return found;
  if (found == FIND_MISSING) {
    cd_raise(vm, vm->exc.ImportError, "from-import-* object has no __dict__ and no __all__");
    return FIND_ERROR;
  }
  Ref keys = cd_call_method0(vm, *dict, N(keys));
  if (!cd_bits(keys)) { cd_forget(vm, dict); return FIND_ERROR; }
  *names = cd_tuple_from(vm, keys);
  cd_drop(vm, keys);
  if (cd_bits(*names)) return FIND_MISSING;
  cd_forget(vm, dict);
  return FIND_ERROR;
}

bool cd_import_star(VM *vm, Frame *frame, Value module)
{
  Ref names = NO_REF, dict = NO_REF;
  Find all = import_star_names(vm, module, &names, &dict);
  if (all == FIND_ERROR) return false;
  bool skip_private = all == FIND_MISSING, ok = false;
  Ref sequence = cd_tuple_from(vm, names);
  if (!cd_bits(sequence)) goto done;
  for (size_t i = 0; i < cd_tuple_size(sequence); i++) {
    Value name = cd_tuple_item_borrow(sequence, i);
    if (!cd_is_str(name)) {
      Ref module_name = cd_getattr(vm, module, N(__name__));
      if (cd_bits(module_name) && !cd_is_str(module_name)) cd_raise_type(vm, "module __name__ must be a string, not %T", module_name);
      else if (cd_bits(module_name))
        cd_raise_type(vm, "%s in %U.%s must be str, not %T", skip_private ? "Key" : "Item", module_name,
                      skip_private ? "__dict__" : "__all__", name);
      cd_drop(vm, module_name);
      goto done;
    }
    if (skip_private && cd_str_data(name)[0] == '_') continue;
    Ref value = cd_getattr(vm, module, name);
    if (!cd_bits(value)) goto done;
    bool stored = cd_store_name(vm, frame, name, value);
    cd_drop(vm, value);
    if (!stored) goto done;
  }
  ok = true;

done:
  cd_drop(vm, sequence);
  cd_drop(vm, names);
  cd_drop(vm, dict);
  return ok;
}
