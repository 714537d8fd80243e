// SPDX-License-Identifier: MIT
// exception_os.c: OSError: choice of the subclass by errno, and its two or five arguments
#include "objects/exception.h"
#include "objects/dict.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>

void cd_os_error_traverse(Object *self, VisitFn visit, void *context)
{
  OsException *e = (OsException *)self;
  cd_exception_traverse(self, visit, context);
  visit(context, e->error_number);
  visit(context, e->strerror);
  visit(context, e->filename);
  visit(context, e->filename2);
}

static void os_error_drop_fields(VM *vm, OsException *e)
{
  cd_clear(vm, &e->error_number);
  cd_clear(vm, &e->strerror);
  cd_clear(vm, &e->filename);
  cd_clear(vm, &e->filename2);
}

void cd_os_error_clear(VM *vm, Object *self)
{
  os_error_drop_fields(vm, (OsException *)self);
  cd_exception_clear(vm, self);
}

void cd_os_error_release(VM *vm, Object *self)
{
  os_error_drop_fields(vm, (OsException *)self);
  cd_exception_release(vm, self);
}

// The subclass that stands for an error number, or NULL.
static Type *os_error_subclass(VM *vm, int64_t error)
{
  switch (error) {
#if EAGAIN != EWOULDBLOCK
  case EWOULDBLOCK:
#endif
  case EAGAIN: case EALREADY: case EINPROGRESS: return vm->exc.BlockingIOError;
  case EPIPE: case ESHUTDOWN: return vm->exc.BrokenPipeError;
  case ECHILD: return vm->exc.ChildProcessError;
  case ECONNABORTED: return vm->exc.ConnectionAbortedError;
  case ECONNREFUSED: return vm->exc.ConnectionRefusedError;
  case ECONNRESET: return vm->exc.ConnectionResetError;
  case EEXIST: return vm->exc.FileExistsError;
  case ENOENT: return vm->exc.FileNotFoundError;
  case EISDIR: return vm->exc.IsADirectoryError;
  case ENOTDIR: return vm->exc.NotADirectoryError;
  case EINTR: return vm->exc.InterruptedError;
  case EACCES: case EPERM: return vm->exc.PermissionError;
  case ESRCH: return vm->exc.ProcessLookupError;
  case ETIMEDOUT: return vm->exc.TimeoutError;
  default: return NULL;
  }
}

// A subclass with its own __init__ but without its own __new__ may call OSError.__init__ with other arguments: then everything happens in
// init.
static bool os_error_uses_init(const Type *type) { return type->slots.init != cd_os_error_init && type->slots.new_ == cd_os_error_new; }

// OSError(errno, strerror[, filename[, winerror[, filename2]]]); any other number of arguments is kept as it is.
static bool os_error_fill(VM *vm, Value self, const Value *args, size_t nargs)
{
  OsException *e = (OsException *)cd_object(self);
  size_t kept = nargs;
  if (nargs >= 2 && nargs <= 5) {
    cd_replace(vm, &e->error_number, cd_dup(args[0]));
    cd_replace(vm, &e->strerror, cd_dup(args[1]));
    Value filename = nargs > 2 ? args[2] : NO_VALUE, filename2 = nargs > 4 ? args[4] : NO_VALUE;
    bool blocking = cd_type_of(vm, self) == vm->exc.BlockingIOError;
    if (cd_bits(filename) && !cd_is_none(filename)) {
      if (blocking && (cd_is_int(filename) || cd_type_of(vm, filename)->slots.index)) {
        if (!cd_to_i64(vm, filename, &e->written, vm->exc.ValueError)) return false;
      } else {
        cd_replace(vm, &e->filename, cd_dup(filename));
        if (cd_bits(filename2) && !cd_is_none(filename2)) cd_replace(vm, &e->filename2, cd_dup(filename2));
        kept = 2;                                // the file names are attributes, not arguments
      }
    }
  }
  return cd_exception_init_args(vm, self, args, kept);
}

Ref cd_os_error_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  bool fill = !os_error_uses_init(type);
  if (fill) {
    if (!cd_no_keywords(vm, cd_type_name(type), kwnames)) return NO_REF;
    int64_t error;
    if (type == vm->exc.OSError && nargs >= 2 && nargs <= 5 && cd_is_small(args[0]) && (error = cd_small(args[0]))) {
      Type *subclass = os_error_subclass(vm, error);
      if (subclass) type = subclass;
    }
  }
  OsException *e = cd_instance_new(vm, type);
  if (!e) return NO_REF;
  e->written = -1;
  if (!fill) {
    e->args = cd_dup(vm->empty_tuple);
  } else if (!os_error_fill(vm, cd_from_object(e), args, nargs)) {
    cd_drop_object(vm, e);
    return NO_REF;
  }
  return cd_from_object(e);
}

bool cd_os_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Type *type = cd_type_of(vm, self);
  if (!os_error_uses_init(type)) return true;
  return cd_no_keywords(vm, cd_type_name(type), kwnames) && os_error_fill(vm, self, args, nargs);
}

Ref cd_os_error_str(VM *vm, Value self)
{
  OsException *e = (OsException *)cd_object(self);
  Value number = cd_bits(e->error_number) ? e->error_number : cd_none(), text = cd_bits(e->strerror) ? e->strerror : cd_none();
  if (cd_bits(e->filename2) && cd_bits(e->filename))
    return cd_str_format(vm, "[Errno %S] %S: %R -> %R", number, text, e->filename, e->filename2);
  if (cd_bits(e->filename)) return cd_str_format(vm, "[Errno %S] %S: %R", number, text, e->filename);
  if (cd_bits(e->error_number) && cd_bits(e->strerror)) return cd_str_format(vm, "[Errno %S] %S", number, text);
  return cd_base_exception_str(vm, self);
}

METHOD(os_error, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  OsException *e = (OsException *)cd_object(self);
  if (cd_tuple_size(e->args) != 2 || !cd_bits(e->filename)) return cd_exception_reduce(vm, self, cd_dup(e->args));
  // The file names were taken out of args: put them back, with a None for winerror.
  Value all[5] = {cd_tuple_item_borrow(e->args, 0), cd_tuple_item_borrow(e->args, 1), e->filename, cd_none(), e->filename2};
  return cd_exception_reduce(vm, self, cd_tuple_of(vm, cd_bits(e->filename2) ? 5 : 3, all));
}

const MethodDef *const cd_os_error_methods[] = {&os_error___reduce___def, NULL};

static Ref os_error_get_written(VM *vm, Value self)
{
  OsException *e = (OsException *)cd_object(self);
  if (e->written == -1) return cd_raise(vm, vm->exc.AttributeError, "characters_written");
  return cd_from_small(e->written);
}

static bool os_error_set_written(VM *vm, Value self, Value value)
{
  OsException *e = (OsException *)cd_object(self);
  if (!cd_bits(value)) {
    if (e->written == -1) return cd_raise(vm, vm->exc.AttributeError, "characters_written");
    e->written = -1;
    return true;
  }
  int64_t written;
  if (!cd_to_i64(vm, value, &written, vm->exc.ValueError)) return false;
  e->written = written;
  return true;
}

const GetSetDef cd_os_error_getset[] = {
  {"characters_written", NULL, os_error_get_written, os_error_set_written},
  {0},
};

const MemberDef cd_os_error_members[] = {
  {"errno", offsetof(OsException, error_number), MEMBER_VALUE_OR_NONE, true, "POSIX error number"},
  {"strerror", offsetof(OsException, strerror), MEMBER_VALUE_OR_NONE, true, "the system's message"},
  {"filename", offsetof(OsException, filename), MEMBER_VALUE_OR_NONE, true, "file name"},
  {"filename2", offsetof(OsException, filename2), MEMBER_VALUE_OR_NONE, true, "second file name"},
  {0},
};
