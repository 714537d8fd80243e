// SPDX-License-Identifier: MIT
// import_plain.c: importing source files without importlib, for programs that bring no library
#include "bytecode/code.h"
#include "frontend/frontend.h"
#include "modules/frozen.h"
#include "modules/import.h"
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
#include "vm/vm_api.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

Ref cd_import_read_file(VM *vm, const char *path)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NO_REF;
  struct stat info;
  Ref bytes = NO_REF;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (bytes = cd_bytes_new(vm, NULL, (size_t)info.st_size))) {
    size_t size = 0;
    ssize_t n;
    while (size < (size_t)info.st_size && (n = read(fd, cd_bytes_data(bytes) + size, (size_t)info.st_size - size)) > 0) size += (size_t)n;
    if (size < (size_t)info.st_size && !cd_bytes_resize(vm, &bytes, size)) bytes = NO_REF;
  }
  close(fd);
  return bytes;
}

// ---- searching ----

typedef struct PlainFile { Ref path, source; bool package; } PlainFile;

// Looks for folder/name/__init__.py and folder/name.py. MISSING: neither.
static Find plain_look(VM *vm, Value folder, const char *name, PlainFile *file)
{
  static const char *const forms[] = {"%U%s%s/__init__.py", "%U%s%s.py"};
  const char *slash = cd_str_size(folder) ? "/" : "";
  for (int i = 0; i < 2; i++) {
    Ref path = cd_str_format(vm, forms[i], folder, slash, name), raw = path ? cd_fs_encode(vm, path) : NO_REF;
    if (!raw) { cd_drop(vm, path); return FIND_ERROR; }
    Ref source = cd_import_read_file(vm, cd_bytes_data(raw));
    cd_drop(vm, raw);
    if (source) {
      *file = (PlainFile){path, source, i == 0};
      return FIND_HIT;
    }
    cd_drop(vm, path);
    if (cd_raised(vm)) return FIND_ERROR;
  }
  return FIND_MISSING;
}

static Find plain_search(VM *vm, Value folders, const char *name, PlainFile *file)
{
  if (!cd_bits(folders) || !cd_is_list(folders)) return FIND_MISSING;
  for (size_t i = 0; i < cd_list_size(folders); i++) {
    Value folder = cd_list_item_borrow(folders, i);
    if (!cd_is_str(folder)) continue;
    Find find = plain_look(vm, folder, name, file);
    if (find != FIND_MISSING) return find;
  }
  return FIND_MISSING;
}

// ---- loading ----

static bool plain_set_path(VM *vm, Value dict, Value file)
{
  Ref folder = cd_str_new(vm, cd_str_data(file), cd_str_size(file) - strlen("/__init__.py"));
  Ref list = folder ? cd_list_of(vm, 1, &(Value){folder}) : NO_REF;
  bool ok = list && cd_dict_set(vm, dict, N(__path__), list);
  cd_drop(vm, folder);
  cd_drop(vm, list);
  return ok;
}

static bool plain_fill(VM *vm, Value dict, Value name, const PlainFile *file)
{
  const char *data = cd_str_data(name), *dot = strrchr(data, '.');
  Ref package = file->package ? cd_dup(name) : cd_str_new(vm, data, dot ? (size_t)(dot - data) : 0);
  bool ok = package && cd_dict_set(vm, dict, N(__package__), package) && cd_dict_set(vm, dict, N(__file__), file->path) &&
            cd_dict_set(vm, dict, N(__builtins__), vm->builtins_dict) && (!file->package || plain_set_path(vm, dict, file->path));
  cd_drop(vm, package);
  return ok;
}

static Ref plain_load(VM *vm, Value name, const PlainFile *file)
{
  Ref module = cd_module_new(vm, name), result = NO_REF, code = NO_REF;
  if (!module || !plain_fill(vm, cd_module_dict(module), name, file) || !cd_dict_set(vm, vm->modules, name, module)) goto done;
  code = cd_compile(vm, cd_bytes_data(file->source), cd_bytes_size(file->source), file->path, MODE_EXEC, 0, -1);
  Ref value = code ? cd_eval_code(vm, (Code *)cd_object(code), cd_module_dict(module), cd_module_dict(module), NO_VALUE) : NO_REF;
  cd_drop(vm, code);
  if (value) {
    // A module may put something else in its place.
    if (cd_dict_find(vm, vm->modules, name, &result) == FIND_MISSING) result = cd_dup(module);
    cd_drop(vm, value);
  } else {
    Ref raised = cd_take_raised(vm);
    if (cd_dict_delete(vm, vm->modules, name) == FIND_ERROR) cd_clear_raised(vm);
    cd_restore_raised(vm, raised);
  }
done:
  cd_drop(vm, module);
  return result;
}

static Ref plain_missing(VM *vm, Value name)
{
  cd_raise(vm, vm->exc.ModuleNotFoundError, "No module named %R", name);
  Value raised = vm->thread->raised;
  if (cd_bits(raised) && cd_is_instance_of(vm, raised, vm->exc.ImportError))
    cd_replace(vm, &((ImportException *)cd_object(raised))->name, cd_dup(name));
  return NO_REF;
}

static Ref plain_load_native(VM *vm, Value name)
{
  ModuleId id;
  if (!cd_native_module_find(cd_str_data(name), &id)) return NO_REF;
  Ref module = cd_native_module_load(vm, id);
  if (module && cd_dict_set(vm, vm->modules, name, module)) return module;
  cd_drop(vm, module);
  return NO_REF;
}

Ref cd_import_plain(VM *vm, Value name)
{
  const char *data = cd_str_data(name), *dot = strrchr(data, '.');
  Ref module = plain_load_native(vm, name);
  if (module || cd_raised(vm)) return module;
  Ref parent = NO_REF, folders = NO_REF;
  if (dot) {
    Ref parent_name = cd_str_new(vm, data, (size_t)(dot - data));
    parent = parent_name ? cd_import_module(vm, parent_name) : NO_REF;
    cd_drop(vm, parent_name);
    if (!parent || cd_getattr_find(vm, parent, N(__path__), &folders) == FIND_ERROR) { cd_drop(vm, parent); return NO_REF; }
  } else {
    folders = cd_dup(cd_sys_get_borrow(vm, "path"));
  }
  PlainFile file = {0};
  const FrozenModule *frozen = cd_frozen_find(vm, name);
  Find find = frozen ? FIND_HIT : plain_search(vm, folders, dot ? dot + 1 : data, &file);
  cd_drop(vm, folders);
  if (find == FIND_MISSING) plain_missing(vm, name);
  if (find == FIND_HIT) {
    module = frozen ? cd_frozen_load_plain(vm, name, frozen) : plain_load(vm, name, &file);
    cd_drop(vm, file.path);
    cd_drop(vm, file.source);
    if (module && parent && !cd_setattr_text(vm, parent, dot + 1, module)) cd_drop(vm, module), module = NO_REF;
  }
  cd_drop(vm, parent);
  return module;
}

// from package import name: a name that is no attribute may be a submodule.
bool cd_import_plain_fromlist(VM *vm, Value module, Value fromlist)
{
  if (!cd_is_tuple(fromlist) && !cd_is_list(fromlist)) return true;
  Ref names = cd_list_from(vm, fromlist);
  bool ok = names != NO_REF;
  for (size_t i = 0; ok && i < cd_list_size(names); i++) {
    Value name = cd_list_item_borrow(names, i);
    Ref value = NO_REF, full = NO_REF;
    if (!cd_is_str(name)) { ok = cd_raise_type(vm, "Item in ``from list'' must be str, not %T", name); break; }
    if (cd_str_is(name, "*")) continue;
    Find find = cd_getattr_find(vm, module, name, &value);
    if (find == FIND_MISSING) {
      full = cd_str_format(vm, "%S.%U", ((Module *)cd_object(module))->name, name);
      value = full ? cd_import_module(vm, full) : NO_REF;
      // No such submodule: the import statement reports the missing name.
      ok = value || cd_swallow(vm, vm->exc.ModuleNotFoundError);
    } else {
      ok = find == FIND_HIT;
    }
    cd_drop(vm, full);
    cd_drop(vm, value);
  }
  cd_drop(vm, names);
  return ok;
}
