// SPDX-License-Identifier: MIT
// parser.c: runs the parser over a source, and raises SyntaxErrors and warnings for all of the frontend
#include "frontend/parse.h"

#include "base/utf8.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>
#include <stdlib.h>

// ---- raising ----

Ref cd_raise_syntax(VM *vm, Type *type, Ref message, Value filename, int32_t line, int32_t offset, int32_t end_line, int32_t end_offset, Ref text)
{
  Ref place = NO_REF, error = NO_REF, result = NO_REF;
  if (!message || !text) goto done;
  Ref line_value = cd_from_small(line), offset_value = cd_from_small(offset), end_line_value = cd_from_small(end_line), end_value = cd_from_small(end_offset);
  if (!(place = cd_tuple_of(vm, 6, (Value[]){filename, line_value, offset_value, text, end_line_value, end_value}))) goto done;
  if (!(error = cd_exception_new(vm, type, (Value[]){message, place}, 2))) goto done;
  result = cd_raise_exception(vm, error);
done:
  cd_drop(vm, place);
  cd_drop(vm, message);
  cd_drop(vm, text);
  return result;
}

// Line `line` of the file called `filename`, or None.
static Ref parser_line_of_file(VM *vm, Value filename, int32_t line)
{
  size_t size;
  const char *name = cd_str_utf8(vm, filename, &size);
  FILE *file = name && line > 0 ? fopen(name, "rb") : NULL;
  if (!file) {
    cd_clear_raised(vm);
    return cd_none();
  }
  char *text = NULL;
  size_t room = 0;
  ssize_t got = -1;
  for (int32_t i = 0; i < line; i++)
    if ((got = getline(&text, &room, file)) < 0) break;
  fclose(file);
  Ref result = got < 0 ? cd_none() : cd_str_decode_utf8(vm, text, (size_t)got, "replace");
  free(text);
  return result;
}

Ref cd_syntax_error(VM *vm, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(vm, format, args);
  va_end(args);
  Ref text = message ? parser_line_of_file(vm, filename, line) : NO_REF;
  return cd_raise_syntax(vm, vm->exc.SyntaxError, message, filename, line, column + 1, end_line < 0 ? line : end_line, end_column < 0 ? 0 : end_column + 1, text);
}

bool cd_syntax_warning(VM *vm, Type *category, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(vm, format, args);
  va_end(args);
  Ref explicit = message ? cd_import_attr(vm, "_warnings", "warn_explicit") : NO_REF;
  if (!explicit) {
    cd_drop(vm, message);
    return false;
  }
  Ref line_value = cd_from_small(line);
  Ref result = cd_call(vm, explicit, (Value[]){message, cd_type_value(category), filename, line_value}, 4, NO_VALUE);
  cd_drop(vm, explicit);
  bool ok = result;
  cd_drop(vm, result);
  if (!ok && cd_raised_is(vm, category)) {
    cd_clear_raised(vm);
    Ref text = parser_line_of_file(vm, filename, line);
    return cd_raise_syntax(vm, vm->exc.SyntaxError, message, filename, line, column + 1, end_line, end_column + 1, text);
  }
  cd_drop(vm, message);
  return ok;
}

// ---- parsing ----

// The deprecated numbers that parsing got to.
static bool parser_warn_numbers(Parser *p, const Tokens *tokens)
{
  for (size_t i = 0; i < tokens->warning_count; i++) {
    const LexWarning *warning = &tokens->warnings[i];
    const Token *token = &tokens->items[warning->token];
    if (!cd_syntax_warning(p->vm, p->vm->exc.DeprecationWarning, p->ast->filename, warning->line, token->end_column - 1, warning->line, -1, "invalid %s literal", warning->kind))
      return false;
  }
  return true;
}

// In interactive mode only blanks and comments may follow the statement.
static bool parser_is_alone(const Parser *p, const Tokens *tokens)
{
  const Token *last = p->token - 1;
  while (last > tokens->items && last->column < 0) last--;
  for (const char *s = last->text + last->size; s < tokens->source_end; s++) {
    if (*s == '#') {
      while (s < tokens->source_end && *s != '\n') s++;
      continue;
    }
    if (*s != ' ' && *s != '\t' && *s != '\n' && *s != '\f') return false;
  }
  return true;
}

Mod *cd_parse(VM *vm, Ast *ast, const char *source, size_t size, Value filename, CompileMode mode, int flags)
{
  Tokens tokens;
  Parser p = {.vm = vm, .ast = ast, .source = source, .flags = flags, .mode = mode};
  LexOptions options = {.mode = mode, .flags = flags, .line = 1};
  Mod *mod = NULL;
  if (!cd_lex(vm, &tokens, source, source + size, options)) goto done;
  p.token = tokens.items;
  mod = cd_parse_mod(&p);
  if (mod && mode == MODE_SINGLE && !parser_is_alone(&p, &tokens)) mod = NULL;
  if (mod && mode == MODE_EXEC && (flags & PYCF_TYPE_COMMENTS) && !cd_parser_type_ignores(&p, &tokens, mod)) mod = NULL;
  if (mod && tokens.warning_count && !parser_warn_numbers(&p, &tokens)) mod = NULL;
done:
  cd_free(vm, p.stack.items, p.stack.capacity * sizeof(void *));
  cd_free(vm, p.keywords.items, p.keywords.capacity * sizeof(void *));
  cd_tokens_clear(&tokens);
  if (!mod && !cd_raised(vm)) cd_diagnose(vm, source, size, filename, mode, flags);
  return mod;
}
