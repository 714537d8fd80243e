// SPDX-License-Identifier: MIT
// import.c: __import__: what is loaded already, native modules, and handing over to the library's importlib
#include "modules/import.h"
#include "bytecode/code.h"
#include "frontend/frontend.h"
#include "modules/import_fast.h"
#include "modules/import_state.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <stdio.h>
#include <time.h>

// Three ways lead to a module:
//
//   1. It is in sys.modules.
//   2. importlib has not been needed yet, and it is a native module: it is made here.
//   3. importlib finds and loads it. The first import that needs it starts it: the library's importlib/_bootstrap.py and
//      _bootstrap_external.py run as `_frozen_importlib` and `_frozen_importlib_external` and install themselves in sys.meta_path and
//      sys.path_hooks (import_bootstrap.c). From then on everything goes through them, native modules too.
//
// Without an installed library a small searcher for source files stands in (import_plain.c).

static Ref import_native(VM *vm, Value name)
{
  ModuleId id;
  if (!cd_native_module_find(cd_str_data(name), &id)) return NO_REF;
  Ref module = cd_native_module_load(vm, id);
  if (module && cd_dict_set(vm, vm->modules, name, module)) return module;
  cd_drop(vm, module);
  return NO_REF;
}

// ---- names ----

// The package that relative imports of a module start from: __package__, else from __spec__, else from __name__ and __path__.
static Ref import_package_of(VM *vm, Value globals)
{
  Value package = cd_dict_get_name_borrow(vm, globals, N(__package__)), spec = cd_dict_get_name_borrow(vm, globals, N(__spec__));
  bool has_spec = cd_bits(spec) && !cd_is_none(spec);
  if (cd_bits(package) && !cd_is_none(package)) {
    if (!cd_is_str(package)) return cd_raise_type(vm, "package must be a string");
    Ref held = cd_dup(package);
    if (has_spec) {
      Ref parent = cd_getattr_text(vm, spec, "parent");
      bool equal = true, ok = parent && cd_equal(vm, held, parent, &equal);
      cd_drop(vm, parent);
      if (ok && !equal) ok = cd_warn(vm, vm->exc.ImportWarning, 1, "__package__ != __spec__.parent");
      if (!ok) { cd_drop(vm, held); return NO_REF; }
    }
    return held;
  }
  if (has_spec) {
    Ref parent = cd_getattr_text(vm, spec, "parent");
    if (parent && !cd_is_str(parent)) { cd_drop(vm, parent); return cd_raise_type(vm, "__spec__.parent must be a string"); }
    return parent;
  }
  if (!cd_warn(vm, vm->exc.ImportWarning, 1, "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__"))
    return NO_REF;
  Value name = cd_dict_get_name_borrow(vm, globals, N(__name__));
  if (!cd_bits(name)) return cd_raise(vm, vm->exc.KeyError, "'__name__' not in globals");
  if (!cd_is_str(name)) return cd_raise_type(vm, "__name__ must be a string");
  if (cd_bits(cd_dict_get_name_borrow(vm, globals, N(__path__)))) return cd_dup(name);
  const char *dot = strrchr(cd_str_data(name), '.');
  if (!dot) return cd_raise(vm, vm->exc.ImportError, "attempted relative import with no known parent package");
  return cd_str_new(vm, cd_str_data(name), (size_t)(dot - cd_str_data(name)));
}

static Ref import_absolute_name(VM *vm, Value name, Value globals, int64_t level)
{
  if (level == 0) return cd_dup(name);
  if (!cd_bits(globals)) return cd_raise(vm, vm->exc.KeyError, "'__name__' not in globals");
  if (!cd_is_dict(globals)) return cd_raise_type(vm, "globals must be a dict");
  Ref package = import_package_of(vm, globals);
  if (!package) return NO_REF;
  size_t size = cd_str_size(package);
  if (!size) {
    cd_drop(vm, package);
    return cd_raise(vm, vm->exc.ImportError, "attempted relative import with no known parent package");
  }
  const char *data = cd_str_data(package);
  for (int64_t up = 1; up < level; up++) {
    while (size && data[size - 1] != '.') size--;
    if (!size) {
      cd_drop(vm, package);
      return cd_raise(vm, vm->exc.ImportError, "attempted relative import beyond top-level package");
    }
    size--;
  }
  Ref base = cd_str_new(vm, data, size);
  cd_drop(vm, package);
  if (!base || !cd_str_size(name)) return base;
  Ref absolute = cd_str_format(vm, "%U.%U", base, name);
  cd_drop(vm, base);
  return absolute;
}

// ---- finding ----

// FIND_HIT: what sys.modules has, whatever it is.
static Find import_loaded(VM *vm, Value name, Ref *out)
{
  if (cd_is_dict(vm->modules)) return cd_dict_find(vm, vm->modules, name, out);
  *out = cd_getitem(vm, vm->modules, name);
  return *out ? FIND_HIT : cd_swallow(vm, vm->exc.KeyError) ? FIND_MISSING : FIND_ERROR;
}

// Another thread may be at work on the module: wait until it is complete.
static bool import_ensure_initialized(VM *vm, Value module, Value name)
{
  ImportState *state = vm->import_state;
  if (!state->bootstrapped) return true;
  Ref spec = NO_REF;
  Find find = cd_getattr_find(vm, module, N(__spec__), &spec);
  if (find == FIND_ERROR) return false;
  if (find == FIND_MISSING || cd_is_none(spec)) { cd_drop(vm, spec); return true; }
  Ref flag = NO_REF;
  bool initializing = false;
  find = cd_getattr_find(vm, spec, state->initializing_name, &flag);
  bool ok = find != FIND_ERROR && (find == FIND_MISSING || cd_truth(vm, flag, &initializing));
  cd_drop(vm, flag);
  cd_drop(vm, spec);
  if (!ok || !initializing || !vm->threads->next) return ok;
  Ref result = cd_call_method1(vm, state->bootstrap, state->lock_unlock_name, name);
  cd_drop(vm, result);
  return result != NO_REF;
}

// Frames of importlib itself say nothing about an error in a module, or about one that is missing: cut them out of the traceback.
static void import_remove_frames(VM *vm)
{
  Value raised = vm->thread->raised;
  if (!cd_bits(raised) || vm->config.verbose) return;
  bool always = cd_is_instance_of(vm, raised, vm->exc.ImportError);
  Value *link = &cd_as_exception(raised)->traceback, *chunk = NULL;
  bool in_importlib = false;
  while (cd_bits(*link) && cd_is_exact(*link, vm->types.traceback)) {
    Traceback *entry = (Traceback *)cd_object(*link);
    Frame *frame = entry->frame->frame;
    bool now = false, marker = false;
    if (frame && frame->code) {
      now = cd_str_is(frame->code->filename, "<frozen importlib._bootstrap>") ||
            cd_str_is(frame->code->filename, "<frozen importlib._bootstrap_external>");
      marker = now && cd_str_is(frame->code->name, "_call_with_frames_removed");
    }
    if (now && !in_importlib) chunk = link;
    in_importlib = now;
    if (now && (always || marker)) {
      Ref rest = entry->next ? cd_dup_object(entry->next) : NO_REF;
      cd_replace(vm, chunk, rest);
      link = chunk;
      in_importlib = false;
      continue;
    }
    link = (Value *)&entry->next;
  }
}

static Ref import_search(VM *vm, Value name)
{
  ImportState *state = vm->import_state;
  if (!state->bootstrapped) {
    Ref module = import_native(vm, name);
    if (module || cd_raised(vm)) return module;
    if (!cd_import_bootstrap(vm)) return NO_REF;
  }
  Value path = cd_sys_get_borrow(vm, "path"), meta_path = cd_sys_get_borrow(vm, "meta_path"), hooks = cd_sys_get_borrow(vm, "path_hooks");
  Value event[5] = {name, cd_none(), cd_bits(path) ? path : cd_none(), cd_bits(meta_path) ? meta_path : cd_none(),
                    cd_bits(hooks) ? hooks : cd_none()};
  if (!cd_audit(vm, "import", 5, event)) return NO_REF;
  if (!cd_bits(state->bootstrap)) return cd_import_plain(vm, name);
  Ref loaded = NO_REF;
  Find fast = cd_import_fast(vm, name, &loaded);
  if (fast == FIND_ERROR) import_remove_frames(vm);
  if (fast != FIND_MISSING) return fast == FIND_HIT ? loaded : NO_REF;
  Value builtin_import = cd_dict_get_name_borrow(vm, vm->builtins_dict, N(__import__));
  Ref method = cd_getattr(vm, state->bootstrap, state->find_and_load_name);
  Ref module = method ? cd_call2(vm, method, name, cd_bits(builtin_import) ? builtin_import : vm->import_func) : NO_REF;
  cd_drop(vm, method);
  if (!module) import_remove_frames(vm);
  return module;
}

// -X importtime: a line for each import, after those that it caused.
static Ref import_search_timed(VM *vm, Value name)
{
  ImportState *state = vm->import_state;
  struct timespec start, end;
  int64_t outer = state->time_nested;
  if (!state->time_seen) fputs("import time: self [us] | cumulative | imported package\n", stderr);
  state->time_seen = true;
  state->time_nested = 0;
  state->time_depth++;
  clock_gettime(CLOCK_MONOTONIC, &start);
  Ref module = import_search(vm, name);
  clock_gettime(CLOCK_MONOTONIC, &end);
  int64_t all = (end.tv_sec - start.tv_sec) * INT64_C(1000000000) + (end.tv_nsec - start.tv_nsec), own = all - state->time_nested;
  state->time_depth--;
  state->time_nested = outer + all;
  fprintf(stderr, "import time: %9lld | %10lld | %*s%s\n", (long long)(own + 500) / 1000, (long long)(all + 500) / 1000,
          state->time_depth * 2, "", cd_str_data(name));
  return module;
}

static Ref import_find_and_load(VM *vm, Value name)
{
  Ref module = UNLIKELY(vm->config.import_time) ? import_search_timed(vm, name) : import_search(vm, name);
  if (!module || !cd_str_is(name, "zipimport") || cd_import_zip_loaded(vm, module)) return module;
  cd_drop(vm, module);
  return NO_REF;
}

// The module of an absolute name, loaded if need be.
static Ref import_get(VM *vm, Value name)
{
  Ref module = NO_REF;
  switch (import_loaded(vm, name, &module)) {
  case FIND_ERROR: return NO_REF;
  case FIND_MISSING: return import_find_and_load(vm, name);
  case FIND_HIT: break;
  }
  if (cd_is_none(module) && !((ImportState *)vm->import_state)->bootstrapped) {
    cd_raise(vm, vm->exc.ModuleNotFoundError, "import of %R halted; None in sys.modules", name);
    Value raised = vm->thread->raised;
    if (cd_bits(raised) && cd_is_instance_of(vm, raised, vm->exc.ImportError))
      cd_replace(vm, &((ImportException *)cd_object(raised))->name, cd_dup(name));
    return NO_REF;
  }
  if (cd_is_none(module)) return import_find_and_load(vm, name);
  if (import_ensure_initialized(vm, module, name)) return module;
  cd_drop(vm, module);
  import_remove_frames(vm);
  return NO_REF;
}

// ---- results ----

// `import a.b.c` binds a; a relative `import .x` can't be written, but __import__("x", level=1) gives the first part of what x resolved to.
static Ref import_first_part(VM *vm, Value name, Value absolute, Value module, int64_t level)
{
  const char *data = cd_str_data(name), *dot = strchr(data, '.');
  if (!dot) return level == 0 || !cd_str_size(name) ? cd_dup(module) : cd_dup(module);
  if (level == 0) {
    Ref front = cd_str_new(vm, data, (size_t)(dot - data)), top = front ? import_get(vm, front) : NO_REF;
    cd_drop(vm, front);
    return top;
  }
  size_t cut = cd_str_size(name) - (size_t)(dot - data);
  Ref front = cd_str_new(vm, cd_str_data(absolute), cd_str_size(absolute) - cut), top = NO_REF;
  if (!front) return NO_REF;
  Find find = import_loaded(vm, front, &top);
  if (find == FIND_MISSING) cd_raise(vm, vm->exc.KeyError, "%R not in sys.modules as expected", front);
  cd_drop(vm, front);
  return find == FIND_HIT ? top : NO_REF;
}

static Ref import_handle_fromlist(VM *vm, Ref module, Value fromlist)
{
  ImportState *state = vm->import_state;
  Ref path = NO_REF;
  Find find = cd_getattr_find(vm, module, N(__path__), &path);
  cd_drop(vm, path);
  if (find == FIND_MISSING) return module;
  Ref result = NO_REF;
  if (find == FIND_HIT && !cd_bits(state->bootstrap)) {
    if (cd_import_plain_fromlist(vm, module, fromlist)) return module;
  } else if (find == FIND_HIT) {
    Value builtin_import = cd_dict_get_name_borrow(vm, vm->builtins_dict, N(__import__));
    if (!cd_bits(builtin_import) || cd_is(builtin_import, vm->import_func)) {
      if (cd_import_fast_fromlist(vm, module, fromlist, false)) return module;
      import_remove_frames(vm);
      cd_drop(vm, module);
      return NO_REF;
    }
    Ref method = cd_getattr(vm, state->bootstrap, state->handle_fromlist_name);
    result = method ? cd_call3(vm, method, module, fromlist, cd_bits(builtin_import) ? builtin_import : vm->import_func) : NO_REF;
    cd_drop(vm, method);
    if (!result) import_remove_frames(vm);
  }
  cd_drop(vm, module);
  return result;
}

Ref cd_import_dunder(VM *vm, Value name, Value globals, Value fromlist, int64_t level)
{
  if (!cd_is_str(name)) return cd_raise_type(vm, "module name must be a string");
  if (level < 0) return cd_raise_value(vm, "level must be >= 0");
  Ref absolute = import_absolute_name(vm, name, globals, level);
  if (!absolute) return NO_REF;
  if (!cd_str_size(absolute) && level == 0) { cd_drop(vm, absolute); return cd_raise_value(vm, "Empty module name"); }
  Ref module = import_get(vm, absolute), result = NO_REF;
  bool has_list = false;
  if (module && cd_bits(fromlist) && !cd_truth(vm, fromlist, &has_list)) cd_drop(vm, module), module = NO_REF;
  if (module && has_list) {
    result = import_handle_fromlist(vm, module, fromlist);
  } else if (module) {
    result = import_first_part(vm, name, absolute, module, level);
    cd_drop(vm, module);
  }
  cd_drop(vm, absolute);
  return result;
}

Ref cd_import_module(VM *vm, Value name) { return import_get(vm, name); }

Ref cd_import(VM *vm, const char *name)
{
  Ref text = cd_intern(vm, name), module = text ? import_get(vm, text) : NO_REF;
  cd_drop(vm, text);
  return module;
}

Ref cd_import_attr(VM *vm, const char *module, const char *name)
{
  Ref m = cd_import(vm, module), value = m ? cd_getattr_text(vm, m, name) : NO_REF;
  cd_drop(vm, m);
  return value;
}

// ---- start and end ----

bool cd_import_init(VM *vm)
{
  ImportState *state = vm->import_state = cd_alloc_zeroed(vm, sizeof *state);
  if (!state) return false;
  vm->import_func = cd_dup(cd_dict_get_name_borrow(vm, vm->builtins_dict, N(__import__)));
  return (state->find_and_load_name = cd_intern(vm, "_find_and_load")) &&
         (state->handle_fromlist_name = cd_intern(vm, "_handle_fromlist")) &&
         (state->lock_unlock_name = cd_intern(vm, "_lock_unlock_module")) && (state->initializing_name = cd_intern(vm, "_initializing"));
}

void cd_import_finish(VM *vm)
{
  ImportState *state = vm->import_state;
  if (!state) return;
  cd_import_fast_finish(vm);
  cd_clear(vm, &state->zip_hook);
  cd_clear(vm, &state->bootstrap);
  cd_clear(vm, &state->find_and_load_name);
  cd_clear(vm, &state->handle_fromlist_name);
  cd_clear(vm, &state->lock_unlock_name);
  cd_clear(vm, &state->initializing_name);
  cd_clear(vm, &vm->import_func);
  cd_free(vm, state, sizeof *state);
  vm->import_state = NULL;
}
