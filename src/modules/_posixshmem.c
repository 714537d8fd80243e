// SPDX-License-Identifier: MIT
// _posixshmem.c: names of shared memory
#include "core/lock.h"
#include "modules/module_list.h"
#include "objects/protocol.h"
#include "objects/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

static const char *shared_path(VM *vm, Value v, const char *function)
{
  if (!cd_is_str(v)) { cd_raise_arg_type(vm, function, "path", "str", v); return NULL; }
  const char *text = cd_str_utf8(vm, v, NULL);
  if (text && strlen(text) != cd_str_size(v)) { cd_raise_value(vm, "embedded null character"); return NULL; }
  return text;
}

FUNCTION(_posixshmem, shm_open, "shm_open(path, flags, mode=511)", "Open an object of shared memory; returns a descriptor.")
{
  int flags, mode = 0777, fd, error;
  const char *path = shared_path(vm, args[0], "shm_open");
  if (!path || !cd_to_c_int(vm, args[1], &flags) || (cd_bits(args[2]) && !cd_to_c_int(vm, args[2], &mode))) return NO_REF;
  do {
    Thread *me = cd_unlock(vm);
    fd = shm_open(path, flags, (mode_t)mode);
    error = errno;
    cd_relock(vm, me);
  } while (fd < 0 && error == EINTR && cd_poll(vm));
  if (fd >= 0) return cd_from_small(fd);
  return cd_raised(vm) ? NO_REF : cd_raise_os(vm, error, args[0], NO_VALUE);
}

FUNCTION(_posixshmem, shm_unlink, "shm_unlink(path)",
         "Remove the name of an object of shared memory; the object is gone when no process has it mapped any more.")
{
  int status, error;
  const char *path = shared_path(vm, args[0], "shm_unlink");
  if (!path) return NO_REF;
  do {
    Thread *me = cd_unlock(vm);
    status = shm_unlink(path);
    error = errno;
    cd_relock(vm, me);
  } while (status < 0 && error == EINTR && cd_poll(vm));
  if (status == 0) return cd_none();
  return cd_raised(vm) ? NO_REF : cd_raise_os(vm, error, args[0], NO_VALUE);
}

static const MethodDef *const posixshmem_functions[] = {&_posixshmem_shm_open_def, &_posixshmem_shm_unlink_def, NULL};

const ModuleDef cd_module__posixshmem = {.name = "_posixshmem", .doc = "POSIX shared memory module", .functions = posixshmem_functions};
