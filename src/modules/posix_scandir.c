// SPDX-License-Identifier: MIT
// posix_scandir.c: scandir() and DirEntry (PEP 471)
#include "modules/posix.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct ScandirIterator {
  Object head;
  DIR *dir;                                      // NULL: exhausted or closed
  Value path;                                    // owned: what scandir() was given, as str or bytes; None for a descriptor
  int fd;                                        // descriptor given, or -1
  bool bytes;
} ScandirIterator;

typedef struct DirEntry {
  Object head;
  Value name, path;                              // owned
  Value status, link_status;                     // owned caches of stat(), NO_VALUE: not asked yet
  uint64_t inode;
  unsigned char type;                            // DT_
  int dir_fd;                                    // AT_FDCWD unless scandir() got a descriptor
} DirEntry;

static ScandirIterator *as_scandir(Value self) { return (ScandirIterator *)cd_object(self); }
static DirEntry *as_entry(Value self) { return (DirEntry *)cd_object(self); }

static Ref posix_scandir(VM *vm, Value self, const Value *args)
{
  PathArg path;
  if (!cd_posix_path(vm, "scandir", "path", args[0] ? args[0] : (Value)cd_none(), PATH_ALLOW_FD | PATH_ALLOW_NONE, &path)) return NO_REF;
  ScandirIterator *it = cd_object_new(vm, posix_state(vm)->scandir_iterator, sizeof *it);
  if (!it) goto fail;
  it->fd = path.fd;
  it->bytes = path.wants_bytes;
  if (path.fd >= 0) it->path = cd_none();
  else if (!(it->path = cd_posix_result_text(vm, path.text, strlen(path.text), path.wants_bytes))) goto fail;
  Thread *me = cd_unlock(vm);
  int copy = path.fd >= 0 ? fcntl(path.fd, F_DUPFD_CLOEXEC, 0) : -1;
  it->dir = path.fd >= 0 ? (copy >= 0 ? fdopendir(copy) : NULL) : opendir(path.text);
  if (it->dir && path.fd >= 0) rewinddir(it->dir);
  cd_relock(vm, me);
  if (!it->dir) {
    int error = errno;
    if (copy >= 0) close(copy);
    errno = error;
    cd_posix_error(vm, &path);
    goto fail;
  }
  cd_posix_path_clear(vm, &path);
  return cd_from_object(it);
fail:
  if (it) cd_drop(vm, cd_from_object(it));
  cd_posix_path_clear(vm, &path);
  return NO_REF;
}
const MethodDef cd_posix_scandir_def = {
  "scandir", "scandir(path=None)", "An iterator of DirEntry objects for the names in a folder.", posix_scandir, NULL, 0};

static void scandir_stop(VM *vm, ScandirIterator *it)
{
  DIR *dir = it->dir;
  it->dir = NULL;
  if (!dir) return;
  Thread *me = cd_unlock(vm);
  closedir(dir);
  cd_relock(vm, me);
}

// folder + '/' + name
static Ref entry_path(VM *vm, ScandirIterator *it, const char *name)
{
  if (it->fd >= 0) return cd_posix_result_text(vm, name, strlen(name), it->bytes);
  const char *folder = it->bytes ? cd_bytes_data(it->path) : cd_str_data(it->path);
  size_t n = it->bytes ? cd_bytes_size(it->path) : cd_str_size(it->path), m = strlen(name);
  bool slash = n && folder[n - 1] != '/';
  if (it->bytes) {
    Ref path = cd_bytes_new(vm, NULL, n + slash + m);
    if (!path) return NO_REF;
    char *out = cd_bytes_data(path);
    memcpy(out, folder, n);
    if (slash) out[n] = '/';
    memcpy(out + n + slash, name, m);
    return path;
  }
  Ref tail = cd_fs_decode(vm, name, m), path = tail ? cd_str_format(vm, slash ? "%U/%U" : "%U%U", it->path, tail) : NO_REF;
  cd_drop(vm, tail);
  return path;
}

static Next scandir_next(VM *vm, Value self, Ref *out)
{
  ScandirIterator *it = as_scandir(self);
  struct dirent *raw;
  if (!it->dir) return NEXT_DONE;
  do {
    errno = 0;
    Thread *me = cd_unlock(vm);
    raw = readdir(it->dir);
    cd_relock(vm, me);
  } while (raw && (!strcmp(raw->d_name, ".") || !strcmp(raw->d_name, "..")));
  if (!raw) {
    int error = errno;
    scandir_stop(vm, it);
    if (!error) return NEXT_DONE;
    cd_raise_os(vm, error, it->path, NO_VALUE);
    return NEXT_ERROR;
  }
  DirEntry *entry = cd_object_new(vm, posix_state(vm)->dir_entry, sizeof *entry);
  if (!entry) return NEXT_ERROR;
  entry->dir_fd = it->fd >= 0 ? it->fd : AT_FDCWD;
  entry->inode = raw->d_ino;
  entry->type = raw->d_type;
  entry->name = cd_posix_result_text(vm, raw->d_name, strlen(raw->d_name), it->bytes);
  entry->path = entry->name ? entry_path(vm, it, raw->d_name) : NO_REF;
  *out = cd_from_object(entry);
  if (entry->path) return NEXT_ITEM;
  cd_drop(vm, *out);
  return NEXT_ERROR;
}

METHOD(scandir, close, "close(self, /)", "Close the folder.")
{
  scandir_stop(vm, as_scandir(self));
  return cd_none();
}
METHOD(scandir, __enter__, "__enter__(self, /)", "The iterator itself.")
{
  return cd_dup(self);
}
METHOD_RAW(scandir, __exit__, "__exit__(self, /, *exc)", "Close the folder.")
{
  scandir_stop(vm, as_scandir(self));
  return cd_none();
}
static Ref scandir_iter(VM *vm, Value self) { return cd_dup(self); }
static void scandir_finalize(VM *vm, Value self)
{
  if (!as_scandir(self)->dir) return;
  Ref pending = cd_take_raised(vm);
  if (!cd_warn(vm, vm->exc.ResourceWarning, 1, "unclosed scandir iterator %R", self)) cd_write_unraisable(vm, self);
  cd_restore_raised(vm, pending);
}
static void scandir_release(VM *vm, Object *self)
{
  scandir_stop(vm, (ScandirIterator *)self);
  cd_clear(vm, &((ScandirIterator *)self)->path);
}
static const MethodDef *const scandir_methods[] = {&scandir_close_def, &scandir___enter___def, &scandir___exit___def, NULL};
static const TypeSpec scandir_spec = {
  .name = "posix.ScandirIterator", .basicsize = sizeof(ScandirIterator), .flags = TYPE_NO_NEW, .methods = scandir_methods,
  .slots = {.iter = scandir_iter, .next = scandir_next, .release = scandir_release, .finalize = scandir_finalize}};

// ---- DirEntry ----

static Ref entry_fetch(VM *vm, DirEntry *entry, bool follow)
{
  PathArg path;
  struct stat info;
  if (!cd_posix_path(vm, "stat", "path", entry->dir_fd == AT_FDCWD ? entry->path : entry->name, 0, &path)) return NO_REF;
  path.object = entry->path;
  Thread *me = cd_unlock(vm);
  int status = fstatat(entry->dir_fd, path.text, &info, follow ? 0 : AT_SYMLINK_NOFOLLOW);
  cd_relock(vm, me);
  Ref result = status < 0 ? cd_posix_error(vm, &path) : cd_posix_stat_result(vm, &info);
  cd_posix_path_clear(vm, &path);
  return result;
}

static bool entry_is_link(VM *vm, DirEntry *entry, bool *out);

static Ref entry_stat(VM *vm, DirEntry *entry, bool follow)
{
  if (!follow) {
    if (!entry->link_status && !(entry->link_status = entry_fetch(vm, entry, false))) return NO_REF;
    return cd_dup(entry->link_status);
  }
  if (!entry->status) {
    bool link;
    if (!entry_is_link(vm, entry, &link)) return NO_REF;
    Ref result = link ? entry_fetch(vm, entry, true) : entry_stat(vm, entry, false);
    if (!result) return NO_REF;
    entry->status = result;
  }
  return cd_dup(entry->status);
}

// Is the entry of a file type (S_IFDIR ...)? Missing files are not.
static bool entry_test(VM *vm, DirEntry *entry, bool follow, mode_t wanted, bool *out)
{
  bool link = entry->type == DT_LNK, known = entry->type != DT_UNKNOWN;
  if (known && !(follow && link)) {
    *out = (wanted == S_IFDIR && entry->type == DT_DIR) || (wanted == S_IFREG && entry->type == DT_REG) || (wanted == S_IFLNK && link);
    return true;
  }
  Ref status = entry_stat(vm, entry, follow);
  *out = false;
  if (!status) return cd_swallow(vm, vm->exc.FileNotFoundError);
  *out = (cd_small(cd_tuple_item_borrow(status, 0)) & S_IFMT) == wanted;
  cd_drop(vm, status);
  return true;
}
static bool entry_is_link(VM *vm, DirEntry *entry, bool *out) { return entry_test(vm, entry, false, S_IFLNK, out); }

static Ref entry_answer(VM *vm, Value self, Value follow_value, mode_t wanted)
{
  bool follow, yes;
  if (!cd_posix_flag(vm, follow_value, true, &follow)) return NO_REF;
  return entry_test(vm, as_entry(self), follow, wanted, &yes) ? cd_bool(yes) : NO_REF;
}
METHOD(direntry, is_dir, "is_dir(self, /, *, follow_symlinks=True)", "Is it a folder?")
{
  return entry_answer(vm, self, args[0], S_IFDIR);
}
METHOD(direntry, is_file, "is_file(self, /, *, follow_symlinks=True)", "Is it a regular file?")
{
  return entry_answer(vm, self, args[0], S_IFREG);
}
METHOD(direntry, is_symlink, "is_symlink(self, /)", "Is it a symbolic link?")
{
  bool link;
  return entry_is_link(vm, as_entry(self), &link) ? cd_bool(link) : NO_REF;
}
METHOD(direntry, stat, "stat(self, /, *, follow_symlinks=True)", "stat_result of the file, kept after the first call.")
{
  bool follow;
  return cd_posix_flag(vm, args[0], true, &follow) ? entry_stat(vm, as_entry(self), follow) : NO_REF;
}
METHOD(direntry, inode, "inode(self, /)", "Inode number.")
{
  return cd_int_from_u64(vm, as_entry(self)->inode);
}
METHOD(direntry, __fspath__, "__fspath__(self, /)", "The path.")
{
  return cd_dup(as_entry(self)->path);
}
static Ref direntry_repr(VM *vm, Value self) { return cd_str_format(vm, "<DirEntry %R>", as_entry(self)->name); }
static void direntry_release(VM *vm, Object *self)
{
  DirEntry *entry = (DirEntry *)self;
  cd_clear(vm, &entry->name);
  cd_clear(vm, &entry->path);
  cd_clear(vm, &entry->status);
  cd_clear(vm, &entry->link_status);
}
METHOD(direntry, __reduce__, "__reduce__(self, /)", "Entries cannot be pickled.")
{
  return cd_raise_type(vm, "cannot pickle 'DirEntry' object");
}
CLASS_METHOD(direntry, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585.")
{
  return cd_call2(vm, cd_type_value(vm->types.generic_alias), self, args[0]);
}

static const MethodDef *const direntry_methods[] = {&direntry_is_dir_def,
                                                    &direntry_is_file_def,
                                                    &direntry_is_symlink_def,
                                                    &direntry_stat_def,
                                                    &direntry_inode_def,
                                                    &direntry___fspath___def,
                                                    &direntry___reduce___def,
                                                    &direntry___class_getitem___def,
                                                    NULL};
static const MemberDef direntry_members[] = {{"name", offsetof(DirEntry, name), MEMBER_VALUE, false, "The name without its folder."},
                                             {"path", offsetof(DirEntry, path), MEMBER_VALUE, false,
                                              "The folder given to scandir(), joined with the name."},
                                             {NULL, 0, 0, false, NULL}};
static const TypeSpec direntry_spec = {.name = "posix.DirEntry",
                                       .doc = "One name in a folder, with what the system said of it.",
                                       .basicsize = sizeof(DirEntry),
                                       .flags = TYPE_NO_NEW,
                                       .methods = direntry_methods,
                                       .members = direntry_members,
                                       .slots = {.repr = direntry_repr, .release = direntry_release}};

bool cd_posix_scandir_types(VM *vm, Value module)
{
  PosixState *state = posix_state(vm);
  return (state->scandir_iterator = cd_type_from_spec(vm, &scandir_spec, NO_VALUE)) &&
         (state->dir_entry = cd_module_add_type(vm, module, &direntry_spec, NO_VALUE)) && cd_dup_object(state->dir_entry);
}
