// SPDX-License-Identifier: MIT
// grp.c: the group database
#include "modules/posix.h"

#include <grp.h>

typedef struct GrpState { Type *entry; } GrpState;               // owned

static GrpState *grp_state(VM *vm) { return cd_state(vm, MODULE_grp); }

static const StructSpec grp_spec = {
  "grp.struct_group", "grp.struct_group: an entry of the group database, as a named tuple.",
  (const StructField[]){{"gr_name", "group name"}, {"gr_passwd", "password"}, {"gr_gid", "group id"}, {"gr_mem", "group members"}, {0}},
  4,
};

static Ref grp_text(VM *vm, const char *text) { return text ? cd_fs_decode(vm, text, strlen(text)) : cd_none(); }

static Ref grp_members(VM *vm, char *const *members)
{
  Ref list = cd_list_new(vm);
  for (; list && members && *members; members++)
    if (!cd_list_append_steal(vm, cd_as_list(list), grp_text(vm, *members))) { cd_drop(vm, list); return NO_REF; }
  return list;
}

static Ref grp_entry(VM *vm, const struct group *g)
{
  Ref items[4] = {grp_text(vm, g->gr_name), grp_text(vm, g->gr_passwd), cd_int_from_i64(vm, g->gr_gid), grp_members(vm, g->gr_mem)};
  bool ok = items[0] && items[1] && items[2] && items[3];
  Ref entry = ok ? cd_struct_new(vm, grp_state(vm)->entry, cd_lend(items)) : NO_REF;
  for (int i = 0; i < 4; i++) cd_drop(vm, items[i]);
  return entry;
}

// As for users: ERANGE asks for a larger buffer.
static Ref grp_find(VM *vm, const char *name, gid_t gid)
{
  for (size_t room = 1024; room <= 1 << 24; room *= 2) {
    struct group entry, *found = NULL;
    char *buffer = cd_alloc(vm, room);
    if (!buffer) return NO_REF;
    Thread *me = cd_unlock(vm);
    int error = name ? getgrnam_r(name, &entry, buffer, room, &found) : getgrgid_r(gid, &entry, buffer, room, &found);
    cd_relock(vm, me);
    Ref result = found ? grp_entry(vm, found) : NO_REF;
    cd_free(vm, buffer, room);
    if (error != ERANGE) return result;
  }
  return cd_raise_memory(vm);
}

static Ref grp_missing(VM *vm, const char *format, Value what)
{
  Ref text = cd_str_format(vm, format, what);
  if (text) cd_raise_with(vm, vm->exc.KeyError, text);
  cd_drop(vm, text);
  return NO_REF;
}

FUNCTION(grp, getgrgid, "getgrgid(id)", "Return the entry of the group with this id.\n\nKeyError if there is none.")
{
  uint32_t gid;
  if (!cd_posix_id(vm, args[0], "gid", &gid))
    return cd_swallow(vm, vm->exc.OverflowError) ? grp_missing(vm, "getgrgid(): gid not found: %S", args[0]) : NO_REF;
  Ref entry = grp_find(vm, NULL, gid);
  return entry || cd_raised(vm) ? entry : grp_missing(vm, "getgrgid(): gid not found: %S", args[0]);
}

FUNCTION(grp, getgrnam, "getgrnam(name)", "Return the entry of the group with this name.\n\nKeyError if there is none.")
{
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "getgrnam", "name", "str", args[0]);
  Ref name = cd_fs_encode(vm, args[0]);
  if (!name) return NO_REF;
  Ref entry = grp_find(vm, cd_bytes_data(name), 0);
  cd_drop(vm, name);
  return entry || cd_raised(vm) ? entry : grp_missing(vm, "getgrnam(): name not found: %R", args[0]);
}

FUNCTION(grp, getgrall, "getgrall()", "Return a list of all entries of the group database, in any order.")
{
  Ref list = cd_list_new(vm);
  setgrent();
  for (const struct group *g; list && (g = getgrent());) {
    Ref entry = grp_entry(vm, g);
    if (!entry || !cd_list_append_steal(vm, cd_as_list(list), entry)) cd_drop(vm, list), list = NO_REF;
  }
  endgrent();
  return list;
}

static const MethodDef *const grp_functions[] = {&grp_getgrgid_def, &grp_getgrnam_def, &grp_getgrall_def, NULL};

static bool grp_exec(VM *vm, Value module)
{
  GrpState *state = grp_state(vm);
  if (!state->entry && !(state->entry = cd_struct_type_new(vm, &grp_spec, false))) return false;
  return cd_module_add(vm, module, "struct_group", cd_dup(cd_type_value(state->entry)));
}

static void grp_clear(VM *vm, void *state)
{
  cd_drop_object(vm, ((GrpState *)state)->entry);
  ((GrpState *)state)->entry = NULL;
}

const ModuleDef cd_module_grp = {
  .name = "grp",
  .doc = "The group database: entries by name and by number.",
  .functions = grp_functions,
  .state_size = sizeof(GrpState),
  .exec = grp_exec,
  .clear = grp_clear,
};
