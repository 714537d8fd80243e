// SPDX-License-Identifier: MIT
// import_fast.c: importing by the default finders without running importlib's own code; see docs/internals/import.md
#include "modules/import_fast.h"
#include "bytecode/code.h"
#include "frontend/frontend.h"
#include "modules/frozen.h"
#include "modules/import.h"
#include "modules/import_state.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "modules/sys_parts.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/instance.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// importlib decides what an import means; this file does the usual case of it natively: the finders are the three that importlib installs
// (others may stand among them and are asked in their turn), the path entry is a directory, and the file a source with or without its
// compiled form. The objects that result are importlib's own: a ModuleSpec and a SourceFileLoader with the attributes that it would have
// set. Whatever is not usual is passed on before anything has been changed.

#define FAST_NAMES(X)                                                                                                                \
  X(_initializing)                                                                                                                   \
  X(_cached) X(_set_fileattr) X(_uninitialized_submodules) X(submodule_search_locations) X(loader) X(origin) X(loader_state) X(path) \
    X(find_spec) X(__cached__)
enum {
#define FAST_NAME(name) FAST_NAME_##name,
  FAST_NAMES(FAST_NAME)
#undef FAST_NAME
  FAST_NAME_COUNT
};
static const char *const fast_name_texts[] = {
#define FAST_NAME(name) #name,
  FAST_NAMES(FAST_NAME)
#undef FAST_NAME
};

typedef enum { FAST_SPEC, FAST_BUILTIN, FAST_FROZEN, FAST_PATH, FAST_FILE, FAST_SOURCE, FAST_CLASS_COUNT } FastClass;
static const struct { bool external; const char *name;
} fast_classes[FAST_CLASS_COUNT] = {{false, "ModuleSpec"}, {false, "BuiltinImporter"}, {false, "FrozenImporter"},
                                    {true, "PathFinder"},  {true, "FileFinder"},       {true, "SourceFileLoader"}};

// An import that is being done here. They are on the C stack, innermost first.
typedef struct FastRunning {
  struct FastRunning *outer;
  Value name;                                    // borrowed
  Ref lock;                                      // importlib's lock for the module, held; NO_REF: not needed so far
} FastRunning;

struct ImportFast {
  Value names[FAST_NAME_COUNT];                  // owned
  Type *classes[FAST_CLASS_COUNT];               // owned
  uint32_t versions[FAST_CLASS_COUNT];           // of the classes as importlib left them
  Value file_hook;                               // owned; the entry of sys.path_hooks that makes FileFinders
  FastRunning *running;
};

#define F(name) (fast->names[FAST_NAME_##name])

static struct ImportFast *fast_of(VM *vm) { return ((ImportState *)vm->import_state)->fast; }

// ---- is everything as it is by default? ----

static bool fast_class_intact(const struct ImportFast *fast, FastClass c)
{
  return fast->versions[c] && fast->classes[c]->version == fast->versions[c];
}

// Nothing watches imports, nobody else imports at the same time, and __import__ is the builtin.
static bool fast_possible(VM *vm)
{
  struct ImportFast *fast = fast_of(vm);
  if (!fast || vm->threads->next || vm->config.verbose || cd_bits(sys_state(vm)->audit_hooks)) return false;
  Value modules = cd_sys_get_borrow(vm, "modules"), import = cd_dict_get_name_borrow(vm, vm->builtins_dict, N(__import__));
  return cd_is_exact(vm->modules, vm->types.dict) && cd_bits(modules) && cd_is(modules, vm->modules) && cd_bits(import) &&
         cd_is(import, vm->import_func) && fast_class_intact(fast, FAST_SPEC);
}

// Plain text that can be part of a path as it is.
static bool fast_is_plain(VM *vm, Value v, size_t most)
{
  return cd_is_exact(v, vm->types.str) && cd_str_size(v) < most && !cd_str_has_surrogates(v) && !memchr(cd_str_data(v), 0, cd_str_size(v));
}

// May PathFinder's search be done here?
static bool fast_path_possible(VM *vm)
{
  struct ImportFast *fast = fast_of(vm);
  for (FastClass c = FAST_PATH; c <= FAST_SOURCE; c++)
    if (!fast_class_intact(fast, c)) return false;
  Value hooks = cd_sys_get_borrow(vm, "path_hooks"), prefix = cd_sys_get_borrow(vm, "pycache_prefix");
  if (!cd_bits(hooks) || !cd_is_list(hooks) || cd_list_size(hooks) != 2 || !cd_bits(prefix)) return false;
  if (!cd_is_none(prefix) && !(fast_is_plain(vm, prefix, PATH_MAX / 2) && cd_str_data(prefix)[0] == '/')) return false;
  Value zip = ((ImportState *)vm->import_state)->zip_hook;
  if (!cd_is(cd_list_item_borrow(hooks, 0), zip) || !cd_is(cd_list_item_borrow(hooks, 1), fast->file_hook)) return false;
  Value implementation = cd_sys_get_borrow(vm, "implementation");
  Ref tag = cd_bits(implementation) ? cd_getattr_text(vm, implementation, "cache_tag") : NO_REF;
  bool usual = tag && cd_str_is(tag, CACHE_TAG);
  if (!tag) cd_clear_raised(vm);
  cd_drop(vm, tag);
  return usual;
}

// ---- searching ----

typedef struct FastFile {
  char path[PATH_MAX];
  size_t folder_size;                            // path[0..folder_size) is the folder that holds the file
  struct stat info;
  bool package;
} FastFile;

typedef enum { SEARCH_FOUND, SEARCH_NONE, SEARCH_UNSURE } Search;

static bool fast_is_file(const char *path, struct stat *info) { return stat(path, info) == 0 && S_ISREG(info->st_mode); }

// What FileFinder would find in one directory. `size` is the length of the directory in file->path.
static Search fast_search_folder(FastFile *file, size_t size, const char *tail)
{
  char *end = file->path + size;
  size_t room = sizeof file->path - size, n = strlen(tail);
  if (room < n + sizeof "//__init__.pyc") return SEARCH_UNSURE;
  *end = '/';
  memcpy(end + 1, tail, n + 1);
  struct stat folder, other;
  int problem = stat(file->path, &folder) == 0 ? 0 : errno;
  bool is_folder = !problem && S_ISDIR(folder.st_mode);
  if (is_folder) {
    strcpy(end + 1 + n, "/__init__.py");
    if (fast_is_file(file->path, &file->info)) {
      file->package = true;
      file->folder_size = size + 1 + n;
      return SEARCH_FOUND;
    }
    strcat(end + 1 + n, "c");
    if (stat(file->path, &other) == 0) return SEARCH_UNSURE;
  } else if (problem && problem != ENOENT) {     // ENOTDIR: the entry is a file, perhaps an archive, or a part of its path is
    return SEARCH_UNSURE;
  }
  strcpy(end + 1 + n, ".py");
  if (fast_is_file(file->path, &file->info)) {
    file->package = false;
    file->folder_size = size;
    return SEARCH_FOUND;
  }
  strcpy(end + 1 + n, ".pyc");
  return is_folder || stat(file->path, &other) == 0 ? SEARCH_UNSURE : SEARCH_NONE;
}

// The entry as an absolute directory in file->path; 0: not to be decided here.
static size_t fast_entry(VM *vm, Value entry, FastFile *file)
{
  if (!fast_is_plain(vm, entry, sizeof file->path - 16)) return 0;
  size_t size = cd_str_size(entry);
  if (size) memcpy(file->path, cd_str_data(entry), size);
  else if (getcwd(file->path, sizeof file->path - 16)) size = strlen(file->path);
  if (!size || file->path[0] != '/') return 0;
  while (size && file->path[size - 1] == '/') size--;
  file->path[size] = 0;
  return size;
}

// An archive that is not there, as the library's own on most systems: importlib would note None for it, and nobody would look there again.
static bool fast_archive_missing(VM *vm, Value cache, Value entry, const FastFile *file, size_t size)
{
  struct stat info;
  if (size < 4 || memcmp(file->path + size - 4, ".zip", 4) != 0 || stat(file->path, &info) == 0 || errno != ENOENT) return false;
  if (cd_dict_set(vm, cache, entry, cd_none())) return true;
  cd_clear_raised(vm);
  return false;
}

static Search fast_search(VM *vm, Value path, const char *tail, FastFile *file)
{
  struct ImportFast *fast = fast_of(vm);
  Value cache = cd_sys_get_borrow(vm, "path_importer_cache");
  if (!cd_bits(cache) || !cd_is_exact(cache, vm->types.dict) || !cd_is_exact(path, vm->types.list)) return SEARCH_UNSURE;
  for (size_t i = 0; i < cd_list_size(path); i++) {
    Value entry = cd_list_item_borrow(path, i);
    size_t size = fast_entry(vm, entry, file);
    if (!size) return SEARCH_UNSURE;
    Value finder = cd_str_size(entry) ? cd_dict_get_name_borrow(vm, cache, entry) : NO_VALUE;
    if (cd_bits(finder) && cd_is_none(finder)) continue;
    if (cd_bits(finder) && !cd_is_exact(finder, fast->classes[FAST_FILE])) return SEARCH_UNSURE;
    if (!cd_bits(finder) && fast_archive_missing(vm, cache, entry, file, size)) continue;
    Search found = fast_search_folder(file, size, tail);
    if (found != SEARCH_NONE) return found;
  }
  return SEARCH_NONE;
}

// ---- code ----

typedef struct FastCache { char path[PATH_MAX + 64]; int64_t mtime; uint32_t size; } FastCache;

// Where the compiled form of a source is kept: in __pycache__ beside it, or in a folder tree of its own. false: too long.
static bool fast_cache_path(VM *vm, const FastFile *file, const char *tree, FastCache *cache)
{
  const char *name = file->path + file->folder_size + 1;
  int stem = (int)(strlen(name) - strlen(".py")), folder = (int)file->folder_size, n;
  char level[24] = "";
  if (vm->config.optimize) snprintf(level, sizeof level, ".opt-%d", vm->config.optimize);
  if (tree) n = snprintf(cache->path, sizeof cache->path, "%s%.*s/%.*s." CACHE_TAG "%s.pyc", tree, folder, file->path, stem, name, level);
  else n = snprintf(cache->path, sizeof cache->path, "%.*s/__pycache__/%.*s." CACHE_TAG "%s.pyc", folder, file->path, stem, name, level);
  cache->mtime = file->info.st_mtime;
  cache->size = (uint32_t)file->info.st_size;
  return n < PATH_MAX;
}

// sys.pycache_prefix without slashes at its end, in `tree`; NULL: None.
static const char *fast_cache_tree(VM *vm, char tree[PATH_MAX])
{
  Value prefix = cd_sys_get_borrow(vm, "pycache_prefix");
  if (!cd_bits(prefix) || !cd_is_str(prefix)) return NULL;
  size_t size = cd_str_size(prefix);
  while (size && cd_str_data(prefix)[size - 1] == '/') size--;
  memcpy(tree, cd_str_data(prefix), size);
  tree[size] = 0;
  return tree;
}

// The user's own tree, for libraries that the user may not write to. It must be the user's alone; isolated programs do without.
static const char *fast_user_tree(VM *vm, char tree[PATH_MAX])
{
  const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *below = "";
  struct stat info;
  if (vm->config.isolated || getuid() != geteuid() || getgid() != getegid()) return NULL;
  if (!base || base[0] != '/') base = home, below = "/.cache";
  if (!base || base[0] != '/' || snprintf(tree, PATH_MAX, "%s%s/cede", base, below) >= PATH_MAX / 2) return NULL;
  if (stat(tree, &info) != 0) {
    if (mkdir(tree, 0700) != 0 || stat(tree, &info) != 0) return NULL;
  }
  return S_ISDIR(info.st_mode) && info.st_uid == geteuid() && !(info.st_mode & 022) ? tree : NULL;
}

static void fast_put_u32(uint8_t *p, uint32_t n)
{
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(n >> (8 * i));
}
static uint32_t fast_get_u32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

// Layout of a compiled file: magic, flags, mtime, size (importlib's header), then marshal's 'c' and the length of cd_code_dump's bytes.
enum { FAST_HEADER = 16, FAST_PREFIX = FAST_HEADER + 5 };

static void fast_header(uint8_t header[FAST_HEADER], const FastCache *cache)
{
  fast_put_u32(header, CODE_FORMAT | (uint32_t)'\r' << 16 | (uint32_t)'\n' << 24);
  fast_put_u32(header + 4, 0);
  fast_put_u32(header + 8, (uint32_t)cache->mtime);
  fast_put_u32(header + 12, cache->size);
}

// Whole file, cd_alloc'ed; NULL without exception: cannot be read. *trusted: only root and this user can have written it.
static uint8_t *fast_read(VM *vm, const char *path, size_t *size, bool *trusted)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  uint8_t *data = NULL;
  *size = 0;
  if (fd < 0) return NULL;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
    size_t want = (size_t)info.st_size, got = 0;
    *trusted = (info.st_uid == 0 || info.st_uid == geteuid()) && !(info.st_mode & 022);
    ssize_t n = 1;
    data = cd_alloc(vm, want);
    if (!data) cd_clear_raised(vm);
    while (data && got < want && n > 0)
      if ((n = read(fd, data + got, want - got)) > 0) got += (size_t)n;
    if (data && got < want) {
      cd_free(vm, data, want);
      data = NULL;
    }
    *size = want;
  }
  close(fd);
  return data;
}

// SEARCH_NONE: none that fits; stale, cut short and damaged files count as none. SEARCH_UNSURE: of a kind that importlib should look at.
static Search fast_load_cached(VM *vm, const FastCache *cache, Ref *code)
{
  size_t size;
  bool trusted = false;
  uint8_t *data = fast_read(vm, cache->path, &size, &trusted), wanted[FAST_HEADER];
  if (!data) return SEARCH_NONE;
  Search result = SEARCH_NONE;
  fast_header(wanted, cache);
  if (size >= FAST_PREFIX && !memcmp(data, wanted, 4) && fast_get_u32(data + 4) != 0) {
    result = SEARCH_UNSURE;                      // checked by hash
  } else if (size >= FAST_PREFIX && !memcmp(data, wanted, FAST_HEADER) && (data[FAST_HEADER] & 0x7F) == 'c' &&
             fast_get_u32(data + FAST_HEADER + 1) <= size - FAST_PREFIX) {
    *code = (trusted ? cd_code_load_trusted : cd_code_load)(vm, (const char *)data + FAST_PREFIX, fast_get_u32(data + FAST_HEADER + 1));
    if (*code) result = SEARCH_FOUND;
    else cd_clear_raised(vm);
  }
  cd_free(vm, data, size);
  return result;
}

static bool fast_write_all(int fd, const void *data, size_t size)
{
  for (const char *p = data; size;) {
    ssize_t n = write(fd, p, size);
    if (n <= 0) return false;
    p += n;
    size -= (size_t)n;
  }
  return true;
}

// Makes the folders that a file is to be in.
static void fast_make_folders(char *path)
{
  struct stat info;
  char *last = strrchr(path, '/');
  *last = 0;
  if (stat(path, &info) != 0 && mkdir(path, 0777) != 0 && errno == ENOENT) {
    for (char *p = path + 1; (p = strchr(p, '/')); p++) {
      *p = 0;
      if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        *p = '/';
        break;
      }
      *p = '/';
    }
    if (mkdir(path, 0777) != 0) errno = EACCES;
  }
  *last = '/';
}

// Under another name first, so that nobody ever sees a part of it. Best effort; the result is errno, or 0.
static int fast_store(VM *vm, const FastFile *file, const FastCache *cache, Value dump)
{
  char temporary[PATH_MAX + 96];
  uint8_t head[FAST_PREFIX];
  snprintf(temporary, sizeof temporary, "%s.%lld", cache->path, (long long)getpid() << 20 | (long long)((uintptr_t)vm >> 4 & 0xFFFFF));
  fast_make_folders(temporary);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (file->info.st_mode | 0200) & 0666);
  if (fd < 0) return errno;
  fast_header(head, cache);
  head[FAST_HEADER] = 'c' | 0x80;
  fast_put_u32(head + FAST_HEADER + 1, (uint32_t)cd_bytes_size(dump));
  bool ok = fast_write_all(fd, head, sizeof head) && fast_write_all(fd, cd_bytes_data(dump), cd_bytes_size(dump));
  if (close(fd) != 0 || !ok || rename(temporary, cache->path) != 0) unlink(temporary);
  return 0;
}

static void fast_store_somewhere(VM *vm, const FastFile *file, const FastCache *cache, bool beside, Value code)
{
  Value dont = cd_sys_get_borrow(vm, "dont_write_bytecode");
  bool skip = true;
  if (!cd_bits(dont) || !cd_truth(vm, dont, &skip)) cd_clear_raised(vm);
  Ref dump = skip ? NO_REF : cd_code_dump(vm, code);
  char tree[PATH_MAX];
  FastCache own;
  if (dump && cd_bytes_size(dump) <= INT32_MAX) {
    int error = fast_store(vm, file, cache, dump);
    if (beside && (error == EACCES || error == EPERM || error == EROFS || error == ENOENT) && fast_user_tree(vm, tree) &&
        fast_cache_path(vm, file, tree, &own))
      fast_store(vm, file, &own, dump);
  }
  cd_clear_raised(vm);
  cd_drop(vm, dump);
}

static Search fast_load_own(VM *vm, const FastFile *file, Ref *code)
{
  char tree[PATH_MAX];
  FastCache own;
  return access(file->path, W_OK) != 0 && fast_user_tree(vm, tree) && fast_cache_path(vm, file, tree, &own)
           ? fast_load_cached(vm, &own, code)
           : SEARCH_NONE;
}

// The code of a found file. `path` is its name as a str; `beside`: the cache is the one in __pycache__. SEARCH_NONE: exception set.
static Search fast_code(VM *vm, const FastFile *file, Value path, const FastCache *cache, bool beside, Ref *code)
{
  Search cached = fast_load_cached(vm, cache, code);
  if (cached == SEARCH_NONE && beside) cached = fast_load_own(vm, file, code);
  if (cached == SEARCH_UNSURE) return cached;
  if (cached == SEARCH_FOUND) {
    if (cd_code_set_filename(vm, (Code *)cd_object(*code), path)) return cached;
    cd_drop(vm, *code);
    return SEARCH_NONE;
  }
  Ref source = cd_import_read_file(vm, file->path);
  if (!source) return cd_raised(vm) ? SEARCH_NONE : SEARCH_UNSURE;
  *code = cd_compile(vm, cd_bytes_data(source), cd_bytes_size(source), path, MODE_EXEC, 0, -1);
  cd_drop(vm, source);
  if (!*code) return SEARCH_NONE;
  fast_store_somewhere(vm, file, cache, beside, *code);
  return SEARCH_FOUND;
}

Ref cd_import_code(VM *vm, const char *path, size_t folder_size, const char *filename)
{
  FastFile file = {.folder_size = folder_size};
  FastCache cache;
  char prefix[PATH_MAX];
  const char *tree = fast_cache_tree(vm, prefix);
  if (snprintf(file.path, sizeof file.path, "%s", path) >= (int)sizeof file.path || !fast_is_file(path, &file.info)) return NO_REF;
  if (!fast_cache_path(vm, &file, tree, &cache)) return NO_REF;
  Ref name = cd_str_from(vm, path), shown = name ? cd_str_from(vm, filename) : NO_REF, code = NO_REF;
  if (shown && fast_code(vm, &file, name, &cache, !tree, &code) == SEARCH_FOUND &&
      !cd_code_set_filename(vm, (Code *)cd_object(code), shown)) {
    cd_drop(vm, code);
    code = NO_REF;
  }
  cd_drop(vm, name);
  cd_drop(vm, shown);
  return code;
}

// ---- importlib's objects ----

static bool fast_set(VM *vm, Value object, Value name, Ref value)
{
  bool ok = cd_bits(value) && cd_setattr(vm, object, name, value);
  cd_drop(vm, value);
  return ok;
}

// As ModuleSpec.__init__ and what the finders set after it. `cached` NO_VALUE: the module has no file.
static Ref fast_spec(VM *vm, Value name, Value loader, Value origin, Value locations, Value cached)
{
  struct ImportFast *fast = fast_of(vm);
  Ref spec = cd_from_object(cd_instance_new(vm, fast->classes[FAST_SPEC]));
  if (!spec) return NO_REF;
  bool file = cd_bits(cached) != 0;
  if (cd_setattr(vm, spec, N(name), name) && cd_setattr(vm, spec, F(loader), loader) && cd_setattr(vm, spec, F(origin), origin) &&
      cd_setattr(vm, spec, F(loader_state), cd_none()) && cd_setattr(vm, spec, F(submodule_search_locations), locations) &&
      fast_set(vm, spec, F(_uninitialized_submodules), cd_list_new(vm)) && cd_setattr(vm, spec, F(_set_fileattr), cd_bool(file)) &&
      cd_setattr(vm, spec, F(_cached), file ? cached : cd_none()) && cd_setattr(vm, spec, F(_initializing), cd_true()))
    return spec;
  cd_drop(vm, spec);
  return NO_REF;
}

static Ref fast_loader(VM *vm, Value name, Value path)
{
  struct ImportFast *fast = fast_of(vm);
  Ref loader = cd_from_object(cd_instance_new(vm, fast->classes[FAST_SOURCE]));
  if (loader && cd_setattr(vm, loader, N(name), name) && cd_setattr(vm, loader, F(path), path)) return loader;
  cd_drop(vm, loader);
  return NO_REF;
}

static Ref fast_compiled_loader(VM *vm, Value path)
{
  Ref class = cd_import_attr(vm, "_frozen_importlib_external", "SourcelessFileLoader"),
      loader = class ? cd_call2(vm, class, N(__main__), path) : NO_REF;
  cd_drop(vm, class);
  return loader;
}

bool cd_import_main_loader(VM *vm, Value dict, Value path, bool compiled)
{
  struct ImportFast *fast = fast_of(vm);
  if (!fast || !fast->classes[FAST_SOURCE]) return true;
  Ref loader = !cd_bits(path) ? cd_dup_object(fast->classes[FAST_BUILTIN])
               : compiled     ? fast_compiled_loader(vm, path)
                              : fast_loader(vm, N(__main__), path);
  bool ok = loader && cd_dict_set(vm, dict, N(__loader__), loader);
  cd_drop(vm, loader);
  return ok;
}

// Code of a compiled file that is run as a program.
Ref cd_import_compiled(VM *vm, const char *data, size_t size)
{
  uint8_t wanted[FAST_HEADER];
  fast_header(wanted, &(FastCache){.size = 0});
  if (size < FAST_HEADER || memcmp(data, wanted, 4)) return cd_raise_runtime(vm, "Bad magic number in .pyc file");
  if (size < FAST_PREFIX || (data[FAST_HEADER] & 0x7F) != 'c' || fast_get_u32((const uint8_t *)data + FAST_HEADER + 1) > size - FAST_PREFIX)
    return cd_raise_runtime(vm, "Bad code object in .pyc file");
  return cd_code_load(vm, data + FAST_PREFIX, fast_get_u32((const uint8_t *)data + FAST_HEADER + 1));
}

static Ref fast_parent_name(VM *vm, Value name)
{
  const char *data = cd_str_data(name), *dot = strrchr(data, '.');
  return cd_str_new(vm, data, dot ? (size_t)(dot - data) : 0);
}

// A module for a file, its attributes set as importlib does.
static Ref fast_module(VM *vm, Value name, const FastFile *file, Value path, Value cached)
{
  struct ImportFast *fast = fast_of(vm);
  Ref module = NO_REF, loader = NO_REF, locations = NO_REF, spec = NO_REF, package = NO_REF, folder = NO_REF;
  bool ok = false;
  if (file->package) {
    if (!(folder = cd_str_new(vm, file->path, file->folder_size)) || !(locations = cd_list_of(vm, 1, &(Value){folder}))) goto done;
  } else {
    locations = cd_none();
  }
  if (!(loader = fast_loader(vm, name, path)) || !(spec = fast_spec(vm, name, loader, path, locations, cached))) goto done;
  if (!(package = file->package ? cd_dup(name) : fast_parent_name(vm, name)) || !(module = cd_module_new(vm, name))) goto done;
  Value dict = cd_module_dict(module);
  ok = cd_dict_set(vm, dict, N(__package__), package) && cd_dict_set(vm, dict, N(__loader__), loader) &&
       cd_dict_set(vm, dict, N(__spec__), spec) && (!file->package || cd_dict_set(vm, dict, N(__path__), locations)) &&
       cd_dict_set(vm, dict, N(__file__), path) && cd_dict_set(vm, dict, F(__cached__), cached) &&
       cd_dict_set(vm, dict, N(__builtins__), vm->builtins_dict);
done:
  cd_drop(vm, folder);
  cd_drop(vm, loader);
  cd_drop(vm, locations);
  cd_drop(vm, spec);
  cd_drop(vm, package);
  if (ok) return module;
  cd_drop(vm, module);
  return NO_REF;
}

// ---- loading ----

static bool fast_lock_call(VM *vm, Value lock, const char *method)
{
  Ref bound = cd_getattr_text(vm, lock, method), result = bound ? cd_call0(vm, bound) : NO_REF;
  cd_drop(vm, bound);
  cd_drop(vm, result);
  return result != NO_REF;
}

bool cd_import_threads_begin(VM *vm)
{
  struct ImportFast *fast = fast_of(vm);
  for (FastRunning *r = fast ? fast->running : NULL; r; r = r->outer) {
    if (cd_bits(r->lock)) continue;
    Ref get = cd_getattr_text(vm, ((ImportState *)vm->import_state)->bootstrap, "_get_module_lock"),
        lock = get ? cd_call1(vm, get, r->name) : NO_REF;
    cd_drop(vm, get);
    if (!lock || !fast_lock_call(vm, lock, "acquire")) {
      cd_drop(vm, lock);
      return false;
    }
    r->lock = lock;
  }
  return true;
}

static void fast_enter(struct ImportFast *fast, FastRunning *running, Value name)
{
  *running = (FastRunning){.outer = fast->running, .name = name};
  fast->running = running;
}

static void fast_leave(VM *vm, FastRunning *running)
{
  fast_of(vm)->running = running->outer;
  if (!cd_bits(running->lock)) return;
  Ref raised = cd_take_raised(vm);
  if (!fast_lock_call(vm, running->lock, "release")) cd_clear_raised(vm);
  cd_drop(vm, running->lock);
  if (raised) cd_restore_raised(vm, raised);
}

// Consumes `spec`.
static void fast_end_initializing(VM *vm, Ref spec)
{
  struct ImportFast *fast = fast_of(vm);
  Ref raised = cd_take_raised(vm);
  if (!cd_setattr(vm, spec, F(_initializing), cd_false())) cd_clear_raised(vm);
  cd_drop(vm, spec);
  if (raised) cd_restore_raised(vm, raised);
}

// What stands in sys.modules now, moved to its end: a module may put something else in its own place.
static Ref fast_take_result(VM *vm, Value name)
{
  Ref result;
  Find find = cd_dict_pop(vm, vm->modules, name, &result);
  if (find == FIND_MISSING) cd_raise_key(vm, name);
  if (find != FIND_HIT) return NO_REF;
  if (cd_dict_set(vm, vm->modules, name, result)) return result;
  cd_drop(vm, result);
  return NO_REF;
}

// Runs a module's code; consumes `module`.
static Ref fast_run(VM *vm, Value name, Ref module, Value code)
{
  Ref result = NO_REF, value = NO_REF, dict = cd_dup(cd_module_dict(module)), spec = cd_dup(cd_dict_get_name_borrow(vm, dict, N(__spec__)));
  if (cd_dict_set(vm, vm->modules, name, module)) {
    value = cd_eval_code(vm, (Code *)cd_object(code), dict, dict, NO_VALUE);
    if (value) {
      result = fast_take_result(vm, name);
    } else {
      Ref raised = cd_take_raised(vm);
      if (cd_dict_delete(vm, vm->modules, name) == FIND_ERROR) cd_clear_raised(vm);
      cd_restore_raised(vm, raised);
    }
  }
  fast_end_initializing(vm, spec);
  cd_drop(vm, value);
  cd_drop(vm, dict);
  cd_drop(vm, module);
  return result;
}

static Find fast_load_file(VM *vm, Value name, const FastFile *file, Ref *out)
{
  FastCache cache;
  char prefix[PATH_MAX];
  const char *tree = fast_cache_tree(vm, prefix);
  if (!fast_cache_path(vm, file, tree, &cache)) return FIND_MISSING;
  Ref path = cd_str_from(vm, file->path), cached = path ? cd_str_from(vm, cache.path) : NO_REF, code = NO_REF, module = NO_REF;
  Search found = cached ? fast_code(vm, file, path, &cache, !tree, &code) : SEARCH_NONE;
  Find find = found == SEARCH_UNSURE ? FIND_MISSING : FIND_ERROR;
  if (found == SEARCH_FOUND && (module = fast_module(vm, name, file, path, cached)) && (*out = fast_run(vm, name, module, code)))
    find = FIND_HIT;
  cd_drop(vm, path);
  cd_drop(vm, cached);
  cd_drop(vm, code);
  return find;
}

static Ref fast_load_native(VM *vm, Value name, ModuleId id)
{
  struct ImportFast *fast = fast_of(vm);
  Value loader = cd_type_value(fast->classes[FAST_BUILTIN]);
  Ref origin = cd_str_from(vm, "built-in"), spec = origin ? fast_spec(vm, name, loader, origin, cd_none(), NO_VALUE) : NO_REF;
  Ref module = spec ? cd_native_module_load(vm, id) : NO_REF, result = NO_REF;
  if (module) {
    Value dict = cd_module_dict(module);
    if (cd_dict_set(vm, dict, N(__package__), vm->empty_str) && cd_dict_set(vm, dict, N(__loader__), loader) &&
        cd_dict_set(vm, dict, N(__spec__), spec) && cd_setattr(vm, spec, F(_initializing), cd_false()) &&
        cd_dict_set(vm, vm->modules, name, module))
      result = cd_dup(module);
  }
  cd_drop(vm, module);
  cd_drop(vm, spec);
  cd_drop(vm, origin);
  return result;
}

// ---- the finders of sys.meta_path ----

// importlib's own way for a spec that somebody made.
static Ref fast_load_spec(VM *vm, Value spec)
{
  Ref load = cd_getattr_text(vm, ((ImportState *)vm->import_state)->bootstrap, "_load_unlocked"),
      module = load ? cd_call1(vm, load, spec) : NO_REF;
  cd_drop(vm, load);
  return module;
}

// finder.find_spec(name, path, None), or what stands in for it in finders of old.
static Ref fast_ask(VM *vm, Value finder, Value name, Value path)
{
  struct ImportFast *fast = fast_of(vm);
  Ref method, spec;
  if (!cd_import_lock(vm)) return NO_REF;        // finders of old rely on it
  Find find = cd_getattr_find(vm, finder, F(find_spec), &method);
  if (find == FIND_HIT) {
    spec = cd_call3(vm, method, name, path, cd_none());
  } else {
    method = find == FIND_ERROR ? NO_REF : cd_getattr_text(vm, ((ImportState *)vm->import_state)->bootstrap, "_find_spec_legacy");
    spec = method ? cd_call3(vm, method, finder, name, path) : NO_REF;
  }
  cd_import_unlock(vm);
  cd_drop(vm, method);
  Ref module = NO_REF, own = NO_REF;
  if (!spec || cd_is_none(spec)) return spec;
  // Looking may have imported it already.
  find = cd_dict_find(vm, vm->modules, name, &module);
  if (find == FIND_HIT && cd_getattr_find(vm, module, N(__spec__), &own) == FIND_HIT && !cd_is_none(own)) {
    cd_drop(vm, spec);
    spec = cd_dup(own);
  }
  cd_drop(vm, own);
  if (find == FIND_HIT) cd_drop(vm, module);
  if (!cd_raised(vm)) return spec;
  cd_drop(vm, spec);
  return NO_REF;
}

static Find fast_by_native(VM *vm, Value name, Value path, Ref *out)
{
  ModuleId id;
  if (!cd_is_none(path) || !cd_native_module_find(cd_str_data(name), &id)) return FIND_MISSING;
  if (cd_str_is(name, "sys") || cd_str_is(name, "builtins")) return FIND_MISSING;
  return (*out = fast_load_native(vm, name, id)) ? FIND_HIT : FIND_ERROR;
}

// loader_state as FrozenImporter makes it: frozen modules have no file.
static bool fast_frozen_state(VM *vm, Value spec)
{
  struct ImportFast *fast = fast_of(vm);
  Ref state = cd_call0(vm, cd_type_value(vm->types.simple_namespace));
  bool ok = state && cd_setattr_text(vm, state, "filename", cd_none()) && cd_setattr_text(vm, state, "origname", cd_none()) &&
            cd_setattr(vm, spec, F(loader_state), state);
  cd_drop(vm, state);
  return ok;
}

static Ref fast_frozen_module(VM *vm, Value name, const FrozenModule *frozen)
{
  Value loader = cd_type_value(fast_of(vm)->classes[FAST_FROZEN]);
  Ref module = NO_REF, package = NO_REF, spec = NO_REF, locations = frozen->package ? cd_list_new(vm) : cd_none(),
      origin = locations ? cd_str_from(vm, "frozen") : NO_REF;
  bool ok = false;
  if (!origin || !(spec = fast_spec(vm, name, loader, origin, locations, NO_VALUE)) || !fast_frozen_state(vm, spec)) goto done;
  if (!(package = frozen->package ? cd_dup(name) : fast_parent_name(vm, name)) || !(module = cd_module_new(vm, name))) goto done;
  Value dict = cd_module_dict(module);
  ok = cd_dict_set(vm, dict, N(__package__), package) && cd_dict_set(vm, dict, N(__loader__), loader) &&
       cd_dict_set(vm, dict, N(__spec__), spec) && (!frozen->package || cd_dict_set(vm, dict, N(__path__), locations)) &&
       cd_dict_set(vm, dict, N(__builtins__), vm->builtins_dict);
done:
  cd_drop(vm, locations);
  cd_drop(vm, origin);
  cd_drop(vm, spec);
  cd_drop(vm, package);
  if (ok) return module;
  cd_drop(vm, module);
  return NO_REF;
}

static Find fast_by_frozen(VM *vm, Value name, Ref *out)
{
  const FrozenModule *frozen = cd_frozen_find(vm, name);
  if (!frozen) return FIND_MISSING;
  Ref code = cd_frozen_code(vm, frozen), module = code ? fast_frozen_module(vm, name, frozen) : NO_REF;
  *out = module ? fast_run(vm, name, module, code) : NO_REF;
  cd_drop(vm, code);
  return *out ? FIND_HIT : FIND_ERROR;
}

static Search fast_by_path(VM *vm, Value name, Value path, Ref *out)
{
  FastFile file;
  const char *dot = strrchr(cd_str_data(name), '.'), *tail = dot ? dot + 1 : cd_str_data(name);
  if (!*tail || strchr(tail, '/') || !fast_path_possible(vm)) return SEARCH_UNSURE;
  Value folders = cd_is_none(path) ? cd_sys_get_borrow(vm, "path") : path;
  Search found = cd_bits(folders) ? fast_search(vm, folders, tail, &file) : SEARCH_UNSURE;
  if (found != SEARCH_FOUND) return found;
  Find find = fast_load_file(vm, name, &file, out);
  if (find == FIND_ERROR) *out = NO_REF;
  return find == FIND_MISSING ? SEARCH_UNSURE : SEARCH_FOUND;
}

// FIND_MISSING: no finder knows the module.
static Find fast_by_finders(VM *vm, Value name, Value path, Ref *out)
{
  struct ImportFast *fast = fast_of(vm);
  Value now = cd_sys_get_borrow(vm, "meta_path");
  if (!cd_bits(now) || !cd_is_list(now)) {
    cd_raise(vm, vm->exc.ImportError, "sys.meta_path is no list, Python is likely shutting down");
    return FIND_ERROR;
  }
  Ref meta_path = cd_dup(now);
  Find find = FIND_MISSING;
  for (size_t i = 0; find == FIND_MISSING && i < cd_list_size(meta_path); i++) {
    Ref finder = cd_dup(cd_list_item_borrow(meta_path, i));
    Search found = SEARCH_UNSURE;
    if (cd_is(finder, cd_type_value(fast->classes[FAST_BUILTIN])) && fast_class_intact(fast, FAST_BUILTIN)) {
      find = fast_by_native(vm, name, path, out);
      if (find == FIND_MISSING && !cd_str_is(name, "sys") && !cd_str_is(name, "builtins")) found = SEARCH_NONE;
    } else if (cd_is(finder, cd_type_value(fast->classes[FAST_FROZEN])) && fast_class_intact(fast, FAST_FROZEN)) {
      if ((find = fast_by_frozen(vm, name, out)) == FIND_MISSING && !cd_str_starts_with(name, "_frozen_importlib")) found = SEARCH_NONE;
    } else if (cd_is(finder, cd_type_value(fast->classes[FAST_PATH]))) {
      *out = NO_REF;
      if ((found = fast_by_path(vm, name, path, out)) == SEARCH_FOUND) find = *out ? FIND_HIT : FIND_ERROR;
    }
    if (find == FIND_MISSING && found == SEARCH_UNSURE) {
      Ref spec = fast_ask(vm, finder, name, path);
      if (!spec) find = FIND_ERROR;
      else if (!cd_is_none(spec)) find = (*out = fast_load_spec(vm, spec)) ? FIND_HIT : FIND_ERROR;
      cd_drop(vm, spec);
    }
    cd_drop(vm, finder);
  }
  cd_drop(vm, meta_path);
  return find;
}

// ---- one import ----

static Ref fast_missing(VM *vm, Value name, Value parent)
{
  if (parent) cd_raise(vm, vm->exc.ModuleNotFoundError, "No module named %R; %R is not a package", name, parent);
  else cd_raise(vm, vm->exc.ModuleNotFoundError, "No module named %R", name);
  Value raised = vm->thread->raised;
  if (cd_bits(raised) && cd_is_instance_of(vm, raised, vm->exc.ImportError))
    cd_replace(vm, &((ImportException *)cd_object(raised))->name, cd_dup(name));
  return NO_REF;
}

typedef struct FastParent { Ref name, module, path, pending; } FastParent;   // pending: the spec's list of submodules under way, or NO_REF

static void fast_parent_drop(VM *vm, FastParent *parent)
{
  cd_drop(vm, parent->name);
  cd_drop(vm, parent->module);
  cd_drop(vm, parent->path);
  cd_drop(vm, parent->pending);
}

// Imports the package that `name` is in. FIND_MISSING: it has imported `name` itself, into *out, or (NO_REF) it has changed the ways of
// importing.
static Find fast_parent(VM *vm, Value name, FastParent *parent, Ref *out)
{
  struct ImportFast *fast = fast_of(vm);
  *out = NO_REF;
  if (!(parent->name = fast_parent_name(vm, name))) return FIND_ERROR;
  Find find = cd_dict_find(vm, vm->modules, parent->name, &parent->module);
  if (find == FIND_ERROR) return find;
  if (find == FIND_MISSING) {
    Ref loaded = cd_import_module(vm, parent->name);
    if (!loaded) return FIND_ERROR;
    cd_drop(vm, loaded);
    if (!cd_is_exact(vm->modules, vm->types.dict) || cd_dict_find(vm, vm->modules, name, out) == FIND_HIT) return FIND_MISSING;
    if (cd_raised(vm)) return FIND_ERROR;
    *out = NO_REF;
    if (!fast_possible(vm)) return FIND_MISSING;
    find = cd_dict_find(vm, vm->modules, parent->name, &parent->module);
    if (find == FIND_MISSING) cd_raise_key(vm, parent->name);
    if (find != FIND_HIT) return FIND_ERROR;
  }
  find = cd_getattr_find(vm, parent->module, N(__path__), &parent->path);
  if (find == FIND_MISSING) fast_missing(vm, name, parent->name);
  if (find != FIND_HIT) return FIND_ERROR;
  Ref spec = cd_getattr(vm, parent->module, N(__spec__));
  if (!spec) return FIND_ERROR;
  if (cd_is_exact(spec, fast->classes[FAST_SPEC])) parent->pending = cd_getattr(vm, spec, F(_uninitialized_submodules));
  cd_drop(vm, spec);
  return cd_raised(vm) ? FIND_ERROR : FIND_HIT;
}

static bool fast_set_in_parent(VM *vm, const FastParent *parent, const char *child, Value module)
{
  Ref now;
  Find find = cd_dict_find(vm, vm->modules, parent->name, &now);
  if (find == FIND_MISSING) cd_raise_key(vm, parent->name);
  if (find != FIND_HIT) return false;
  bool ok = cd_setattr_text(vm, now, child, module);
  cd_drop(vm, now);
  if (ok || !cd_swallow(vm, vm->exc.AttributeError)) return ok;
  return cd_warn(vm, vm->exc.ImportWarning, 1, "Cannot set an attribute on %R for child module '%s'", parent->name, child);
}

static Find fast_submodule(VM *vm, Value name, const char *child, Ref *out)
{
  FastParent parent = {0};
  Find find = fast_parent(vm, name, &parent, out);
  if (find == FIND_MISSING && *out) find = FIND_HIT;
  else if (find == FIND_HIT) {
    Ref tail = cd_bits(parent.pending) && cd_is_list(parent.pending) ? cd_str_from(vm, child) : NO_REF;
    bool noted = tail && cd_list_append(vm, cd_as_list(parent.pending), tail);
    cd_drop(vm, tail);
    find = cd_raised(vm) ? FIND_ERROR : fast_by_finders(vm, name, parent.path, out);
    if (noted && cd_list_size(parent.pending)) cd_drop(vm, cd_list_pop(vm, cd_as_list(parent.pending), cd_list_size(parent.pending) - 1));
    if (find == FIND_MISSING) find = fast_missing(vm, name, NO_VALUE) ? FIND_HIT : FIND_ERROR;
    if (find == FIND_HIT && !fast_set_in_parent(vm, &parent, child, *out)) {
      cd_drop(vm, *out);
      find = FIND_ERROR;
    }
  }
  fast_parent_drop(vm, &parent);
  return find;
}

Find cd_import_fast(VM *vm, Value name, Ref *module)
{
  if (!fast_possible(vm) || !fast_is_plain(vm, name, NAME_MAX)) return FIND_MISSING;
  Value meta_path = cd_sys_get_borrow(vm, "meta_path");
  if (!cd_bits(meta_path) || !cd_is_list(meta_path) || !cd_list_size(meta_path)) return FIND_MISSING;
  if (cd_bits(cd_dict_get_name_borrow(vm, vm->modules, name))) return FIND_MISSING;   // None: importing it is forbidden
  if (!cd_enter_recursion(vm, " while importing a module")) return FIND_ERROR;
  FastRunning running;
  fast_enter(fast_of(vm), &running, name);
  const char *dot = strrchr(cd_str_data(name), '.');
  Find find;
  if (dot && dot > cd_str_data(name)) find = fast_submodule(vm, name, dot + 1, module);
  else if ((find = fast_by_finders(vm, name, cd_none(), module)) == FIND_MISSING)
    find = fast_missing(vm, name, NO_VALUE) ? FIND_HIT : FIND_ERROR;
  fast_leave(vm, &running);
  cd_leave_recursion(vm);
  return find;
}

// ---- from package import ... ----

// A submodule of that name, if there is one; its absence is no error here, the import statement will report it.
static bool fast_from_name(VM *vm, Value module, Value name)
{
  Ref own = cd_getattr(vm, module, N(__name__)), full = own ? cd_str_format(vm, "%S.%U", own, name) : NO_REF,
      value = full ? cd_import_module(vm, full) : NO_REF;
  bool ok = value != NO_REF;
  Value raised = vm->thread->raised;
  if (!ok && full && cd_raised_is(vm, vm->exc.ModuleNotFoundError)) {
    Value missing = ((ImportException *)cd_object(raised))->name;
    Value present = cd_is_exact(vm->modules, vm->types.dict) ? cd_dict_get_name_borrow(vm, vm->modules, full) : NO_VALUE;
    ok = cd_bits(missing) && cd_is_str(missing) && cd_str_equal(missing, full) && !(cd_bits(present) && cd_is_none(present));
    if (ok) cd_clear_raised(vm);
  }
  cd_drop(vm, own);
  cd_drop(vm, full);
  cd_drop(vm, value);
  return ok;
}

static bool fast_bad_item(VM *vm, Value module, Value item, bool from_all)
{
  if (!from_all) return cd_raise_type(vm, "Item in ``from list'' must be str, not %T", item);
  Ref own = cd_getattr(vm, module, N(__name__));
  if (own) cd_raise_type(vm, "Item in %S.__all__ must be str, not %T", own, item);
  cd_drop(vm, own);
  return false;
}

bool cd_import_fast_fromlist(VM *vm, Value module, Value fromlist, bool from_all)
{
  Ref iterator = cd_iter(vm, fromlist), item, value;
  if (!iterator) return false;
  Next next = NEXT_DONE;
  bool ok = true;
  while (ok && (next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    value = NO_REF;
    if (!cd_is_str(item)) {
      ok = fast_bad_item(vm, module, item, from_all);
    } else if (cd_str_is(item, "*")) {
      Find all = from_all ? FIND_MISSING : cd_getattr_find(vm, module, N(__all__), &value);
      ok = all == FIND_MISSING || (all == FIND_HIT && cd_import_fast_fromlist(vm, module, value, true));
    } else {
      Find find = cd_getattr_find(vm, module, item, &value);
      ok = find == FIND_HIT || (find == FIND_MISSING && fast_from_name(vm, module, item));
    }
    cd_drop(vm, value);
    cd_drop(vm, item);
  }
  cd_drop(vm, iterator);
  return ok && next != NEXT_ERROR;
}

// ---- start and end ----

static bool fast_take_classes(VM *vm, struct ImportFast *fast)
{
  Value external = cd_dict_get_text_borrow(vm, vm->modules, "_frozen_importlib_external"),
        own = ((ImportState *)vm->import_state)->bootstrap;
  if (!cd_bits(external)) return true;
  for (size_t i = 0; i < FAST_CLASS_COUNT; i++) {
    Ref class = cd_getattr_text(vm, fast_classes[i].external ? external : own, fast_classes[i].name);
    if (!class) return false;
    if (!cd_is_type(class)) {
      cd_drop(vm, class);
      return true;
    }
    fast->classes[i] = cd_as_type(class);
    fast->versions[i] = cd_type_version(vm, fast->classes[i]);
  }
  return true;
}

bool cd_import_fast_start(VM *vm)
{
  ImportState *state = vm->import_state;
  struct ImportFast *fast = cd_alloc_zeroed(vm, sizeof *fast);
  if (!fast) return false;
  state->fast = fast;
  for (size_t i = 0; i < FAST_NAME_COUNT; i++)
    if (!(fast->names[i] = cd_intern(vm, fast_name_texts[i]))) return false;
  Value hooks = cd_sys_get_borrow(vm, "path_hooks");
  if (!cd_bits(hooks) || !cd_is_list(hooks) || cd_list_size(hooks) != 2) return true;
  fast->file_hook = cd_dup(cd_list_item_borrow(hooks, 1));
  return fast_take_classes(vm, fast);
}

void cd_import_fast_finish(VM *vm)
{
  ImportState *state = vm->import_state;
  struct ImportFast *fast = state->fast;
  state->fast = NULL;
  if (!fast) return;
  for (size_t i = 0; i < FAST_NAME_COUNT; i++) cd_clear(vm, &fast->names[i]);
  for (size_t i = 0; i < FAST_CLASS_COUNT; i++) cd_drop_object(vm, fast->classes[i]);
  cd_clear(vm, &fast->file_hook);
  cd_free(vm, fast, sizeof *fast);
}
