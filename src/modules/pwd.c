// SPDX-License-Identifier: MIT
// pwd.c: the user database
#include "modules/posix.h"
#include "modules/sys.h"

#include <pwd.h>
#include <stdlib.h>

typedef struct PwdState { Type *entry; } PwdState;               // owned

static PwdState *pwd_state(VM *vm) { return cd_state(vm, MODULE_pwd); }

static const StructSpec pwd_spec = {
  "pwd.struct_passwd",
  "pwd.struct_passwd: an entry of the user database, as a named tuple.",
  (const StructField[]){{"pw_name", "user name"},
                        {"pw_passwd", "password"},
                        {"pw_uid", "user id"},
                        {"pw_gid", "group id"},
                        {"pw_gecos", "real name"},
                        {"pw_dir", "home directory"},
                        {"pw_shell", "shell program"},
                        {0}},
  7,
};

static Ref pwd_text(VM *vm, const char *text) { return text ? cd_fs_decode(vm, text, strlen(text)) : cd_none(); }

static Ref pwd_entry(VM *vm, const struct passwd *p)
{
  Ref items[7] = {pwd_text(vm, p->pw_name), pwd_text(vm, p->pw_passwd), cd_int_from_i64(vm, p->pw_uid), cd_int_from_i64(vm, p->pw_gid),
                  pwd_text(vm, p->pw_gecos), pwd_text(vm, p->pw_dir), pwd_text(vm, p->pw_shell)};
  bool ok = true;
  for (int i = 0; i < 7; i++) ok = ok && items[i];
  Ref entry = ok ? cd_struct_new(vm, pwd_state(vm)->entry, cd_lend(items)) : NO_REF;
  for (int i = 0; i < 7; i++) cd_drop(vm, items[i]);
  return entry;
}

// The database's functions fill a buffer of our size; ERANGE asks for a larger one. *error: 0 and no entry is "not found".
static Ref pwd_find(VM *vm, const char *name, uid_t uid, int *error)
{
  for (size_t room = 1024; room <= 1 << 24; room *= 2) {
    struct passwd entry, *found = NULL;
    char *buffer = cd_alloc(vm, room);
    if (!buffer) return NO_REF;
    Thread *me = cd_unlock(vm);
    *error = name ? getpwnam_r(name, &entry, buffer, room, &found) : getpwuid_r(uid, &entry, buffer, room, &found);
    cd_relock(vm, me);
    Ref result = found ? pwd_entry(vm, found) : NO_REF;
    cd_free(vm, buffer, room);
    if (*error != ERANGE) return result;
  }
  return cd_raise_memory(vm);
}

FUNCTION(pwd, getpwuid, "getpwuid(uidobj, /)",
         "Return the entry of the user with this id.\n\nSee help(pwd.struct_passwd) for what is in it.")
{
  uint32_t uid;
  int error = 0;
  if (!cd_posix_id(vm, args[0], "uid", &uid))
    return cd_swallow(vm, vm->exc.OverflowError) ? cd_raise(vm, vm->exc.KeyError, "getpwuid(): uid not found") : NO_REF;
  Ref entry = pwd_find(vm, NULL, uid, &error);
  if (entry || cd_raised(vm)) return entry;
  Ref text = cd_str_format(vm, "getpwuid(): uid not found: %S", args[0]);
  if (text) cd_raise_with(vm, vm->exc.KeyError, text);
  cd_drop(vm, text);
  return NO_REF;
}

FUNCTION(pwd, getpwnam, "getpwnam(name, /)",
         "Return the entry of the user with this name.\n\nSee help(pwd.struct_passwd) for what is in it.")
{
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "getpwnam", "", "str", args[0]);
  Ref name = cd_fs_encode(vm, args[0]);
  if (!name) return NO_REF;
  int error = 0;
  Ref entry = pwd_find(vm, cd_bytes_data(name), 0, &error);
  cd_drop(vm, name);
  if (entry || cd_raised(vm)) return entry;
  Ref text = cd_str_format(vm, "getpwnam(): name not found: %R", args[0]);
  if (text) cd_raise_with(vm, vm->exc.KeyError, text);
  cd_drop(vm, text);
  return NO_REF;
}

FUNCTION(pwd, getpwall, "getpwall()", "Return a list of all entries of the user database, in any order.")
{
  Ref list = cd_list_new(vm);
  setpwent();
  for (const struct passwd *p; list && (p = getpwent());) {
    Ref entry = pwd_entry(vm, p);
    if (!entry || !cd_list_append_steal(vm, cd_as_list(list), entry)) cd_drop(vm, list), list = NO_REF;
  }
  endpwent();
  return list;
}

static const MethodDef *const pwd_functions[] = {&pwd_getpwuid_def, &pwd_getpwnam_def, &pwd_getpwall_def, NULL};

static bool pwd_exec(VM *vm, Value module)
{
  PwdState *state = pwd_state(vm);
  if (!state->entry && !(state->entry = cd_struct_type_new(vm, &pwd_spec, false))) return false;
  return cd_module_add(vm, module, "struct_passwd", cd_dup(cd_type_value(state->entry)));
}

static void pwd_clear(VM *vm, void *state)
{
  cd_drop_object(vm, ((PwdState *)state)->entry);
  ((PwdState *)state)->entry = NULL;
}

const ModuleDef cd_module_pwd = {
  .name = "pwd",
  .doc = "The user database: entries by name and by number.",
  .functions = pwd_functions,
  .state_size = sizeof(PwdState),
  .exec = pwd_exec,
  .clear = pwd_clear,
};
