// SPDX-License-Identifier: MIT
// exception_syntax.c: SyntaxError and its place in the source
#include "objects/exception.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <string.h>

enum { SYNTAX_FIELDS = 8 };
// The Value fields from msg to print_file_and_line, as an array.
static Value *syntax_error_fields(Object *self) { return &((SyntaxException *)self)->msg; }
_Static_assert(offsetof(SyntaxException, print_file_and_line) - offsetof(SyntaxException, msg) == (SYNTAX_FIELDS - 1) * sizeof(Value),
               "fields are adjacent");

void cd_syntax_error_traverse(Object *self, VisitFn visit, void *context)
{
  cd_exception_traverse(self, visit, context);
  for (size_t i = 0; i < SYNTAX_FIELDS; i++) visit(context, syntax_error_fields(self)[i]);
}

static void syntax_error_drop_fields(VM *vm, Object *self)
{
  for (size_t i = 0; i < SYNTAX_FIELDS; i++) cd_clear(vm, &syntax_error_fields(self)[i]);
}

void cd_syntax_error_clear(VM *vm, Object *self)
{
  syntax_error_drop_fields(vm, self);
  cd_exception_clear(vm, self);
}

void cd_syntax_error_release(VM *vm, Object *self)
{
  syntax_error_drop_fields(vm, self);
  cd_exception_release(vm, self);
}

// SyntaxError(msg[, (filename, lineno, offset, text[, end_lineno[, end_offset]])])
bool cd_syntax_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_base_exception_init(vm, self, args, nargs, kwnames)) return false;
  SyntaxException *e = (SyntaxException *)cd_object(self);
  if (nargs >= 1) cd_replace(vm, &e->msg, cd_dup(args[0]));
  if (nargs != 2) return true;
  Ref info = cd_tuple_from(vm, args[1]);
  if (!info) return false;
  size_t count = cd_tuple_size(info);
  Value *fields[6] = {&e->filename, &e->lineno, &e->offset, &e->text, &e->end_lineno, &e->end_offset};
  bool ok = true;
  if (count < 4) ok = cd_raise_type(vm, "function takes at least 4 arguments (%zu given)", count);
  else if (count > 6) ok = cd_raise_type(vm, "function takes at most 6 arguments (%zu given)", count);
  for (size_t i = 0; ok && i < 6; i++) cd_replace(vm, fields[i], i < count ? cd_dup(cd_tuple_item_borrow(info, i)) : NO_REF);
  if (ok && count == 5) ok = cd_raise_type(vm, "end_offset must be provided when end_lineno is provided");
  cd_drop(vm, info);
  return ok;
}

// The last part of a path.
static Ref syntax_error_basename(VM *vm, Value filename)
{
  const char *data = cd_str_data(filename), *slash = strrchr(data, '/');
  const char *base = slash ? slash + 1 : data;
  return cd_str_new(vm, base, cd_str_size(filename) - (size_t)(base - data));
}

Ref cd_syntax_error_str(VM *vm, Value self)
{
  SyntaxException *e = (SyntaxException *)cd_object(self);
  Value msg = cd_bits(e->msg) ? e->msg : cd_none();
  bool has_line = cd_bits(e->lineno) && cd_type_of(vm, e->lineno) == vm->types.int_;
  bool has_file = cd_bits(e->filename) && cd_is_str(e->filename);
  if (!has_line && !has_file) return cd_str(vm, msg);
  if (!has_file) return cd_str_format(vm, "%S (line %S)", msg, e->lineno);
  Ref base = syntax_error_basename(vm, e->filename);
  if (!base) return NO_REF;
  Ref text = has_line ? cd_str_format(vm, "%S (%U, line %S)", msg, base, e->lineno) : cd_str_format(vm, "%S (%U)", msg, base);
  cd_drop(vm, base);
  return text;
}

const MemberDef cd_syntax_error_members[] = {
  {"msg", offsetof(SyntaxException, msg), MEMBER_VALUE_OR_NONE, true, "message"},
  {"filename", offsetof(SyntaxException, filename), MEMBER_VALUE_OR_NONE, true, "file name"},
  {"lineno", offsetof(SyntaxException, lineno), MEMBER_VALUE_OR_NONE, true, "line, from 1"},
  {"offset", offsetof(SyntaxException, offset), MEMBER_VALUE_OR_NONE, true, "column, from 1"},
  {"text", offsetof(SyntaxException, text), MEMBER_VALUE_OR_NONE, true, "the source line"},
  {"end_lineno", offsetof(SyntaxException, end_lineno), MEMBER_VALUE_OR_NONE, true, "line of the end"},
  {"end_offset", offsetof(SyntaxException, end_offset), MEMBER_VALUE_OR_NONE, true, "column of the end"},
  {"print_file_and_line", offsetof(SyntaxException, print_file_and_line), MEMBER_VALUE_OR_NONE, true,
   "whether tracebacks show file and line"},
  {0},
};
