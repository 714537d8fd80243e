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

Ref cd_raise_syntax(VM *vm, Type *type, Ref message, Value filename, int32_t line, int32_t offset, int32_t end_line, int32_t end_offset,
                    Ref text)
{
  Ref place = NO_REF, error = NO_REF, result = NO_REF;
  if (!message || !text) goto done;
  Ref line_value = cd_from_small(line), offset_value = cd_from_small(offset), end_line_value = cd_from_small(end_line),
      end_value = cd_from_small(end_offset);
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

Ref cd_scope_error(VM *vm, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(vm, format, args), only = message ? cd_tuple1(vm, message) : NO_REF;
  va_end(args);
  Ref text = only ? parser_line_of_file(vm, filename, line) : NO_REF;
  cd_raise_syntax(vm, vm->exc.SyntaxError, message, filename, line, column + 1, end_line, end_column < 0 ? end_column : end_column + 1,
                  text);
  if (!text || !cd_raised_is(vm, vm->exc.SyntaxError)) {
    cd_drop(vm, only);
    return NO_REF;
  }
  Ref error = cd_take_raised(vm);
  cd_replace(vm, &cd_as_exception(error)->args, only);
  return cd_raise_exception(vm, error);
}

Ref cd_syntax_error(VM *vm, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(vm, format, args);
  va_end(args);
  Ref text = message ? parser_line_of_file(vm, filename, line) : NO_REF;
  return cd_raise_syntax(vm, vm->exc.SyntaxError, message, filename, line, column + 1, end_line < 0 ? line : end_line,
                         end_column < 0 ? 0 : end_column + 1, text);
}

// warnings.warn_explicit(message, category, filename, line). *error: it became an exception, which is taken back.
static bool parser_warn_explicit(VM *vm, Type *category, Value message, Value filename, int32_t line, bool *error)
{
  Ref explicit = cd_import_attr(vm, "_warnings", "warn_explicit");
  if (!explicit) return false;
  Ref line_value = cd_from_small(line);
  Ref result = cd_call(vm, explicit, (Value[]){message, cd_type_value(category), filename, line_value}, 4, NO_VALUE);
  cd_drop(vm, explicit);
  cd_drop(vm, result);
  *error = !result && cd_swallow(vm, category);
  return result || *error;
}

bool cd_syntax_warning(VM *vm, Type *category, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column,
                       const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(vm, format, args);
  va_end(args);
  bool error = false, ok = message && parser_warn_explicit(vm, category, message, filename, line, &error);
  if (!error) {
    cd_drop(vm, message);
    return ok;
  }
  return cd_raise_syntax(vm, vm->exc.SyntaxError, message, filename, line, column + 1, end_line, end_column + 1,
                         parser_line_of_file(vm, filename, line));
}

// ---- parsing ----

// The line of the source that a token begins on.
static void parser_token_line(const Token *token, const char **start, const char **end)
{
  *start = token->text - token->column;
  *end = strchr(*start, '\n');
  if (!*end) *end = *start + strlen(*start);
}

bool cd_parser_warn(Parser *p, Type *category, const Token *token, Ref message)
{
  VM *vm = p->vm;
  bool error = false, ok = message && parser_warn_explicit(vm, category, message, p->ast->filename, token->line, &error);
  if (!error) {
    cd_drop(vm, message);
    return ok;
  }
  const char *line, *end;
  parser_token_line(token, &line, &end);
  int32_t offset = (int32_t)cd_utf8_count(line, (size_t)token->column) + 1, end_offset = token->end_column + 1;
  if (token->end_line == token->line) end_offset = (int32_t)cd_utf8_count(line, (size_t)token->end_column) + 1;
  if (*end) end++;
  return cd_raise_syntax(vm, vm->exc.SyntaxError, message, p->ast->filename, token->line, offset, token->end_line, end_offset,
                         cd_str_new(vm, line, (size_t)(end - line)));
}

static bool parser_warn_number(Parser *p, const Token *token, const char *kind)
{
  VM *vm = p->vm;
  Ref message = cd_str_format(vm, "invalid %s literal", kind);
  bool error = false, ok = message && parser_warn_explicit(vm, vm->exc.SyntaxWarning, message, p->ast->filename, token->line, &error);
  if (!error) {
    cd_drop(vm, message);
    return ok;
  }
  const char *line, *end;
  parser_token_line(token, &line, &end);
  int32_t offset = (int32_t)cd_utf8_count(line, (size_t)token->end_column);
  return cd_raise_syntax(vm, vm->exc.SyntaxError, message, p->ast->filename, token->line, offset, token->line, offset,
                         cd_str_new(vm, line, (size_t)(end - line)));
}

bool cd_parser_warn_numbers(Parser *p, const Tokens *tokens)
{
  for (size_t i = 0; i < tokens->warning_count; i++)
    if (!parser_warn_number(p, &tokens->items[tokens->warnings[i].token], tokens->warnings[i].kind)) return false;
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
    if (*s == '\\' && s + 1 < tokens->source_end && s[1] == '\n') continue;
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
  if (flags & (PYCF_BAD_UTF8 | PYCF_FEATURE_VERSION)) {     // without UTF-8, only comments may have such bytes
    cd_diagnose(vm, source, size, filename, mode, flags);
    if (cd_raised(vm)) return NULL;
  }
  if (!cd_lex(vm, &tokens, source, source + size, options)) goto done;
  p.token = tokens.items;
  mod = cd_parse_mod(&p);
  if (mod && mode == MODE_SINGLE && !parser_is_alone(&p, &tokens)) mod = NULL;
  if (mod && mode == MODE_EXEC && (flags & PYCF_TYPE_COMMENTS) && !cd_parser_type_ignores(&p, &tokens, mod)) mod = NULL;
  if (mod && tokens.warning_count && !cd_parser_warn_numbers(&p, &tokens)) mod = NULL;
done:
  cd_free(vm, p.stack.items, p.stack.capacity * sizeof(void *));
  cd_free(vm, p.keywords.items, p.keywords.capacity * sizeof(void *));
  cd_tokens_clear(&tokens);
  if (!mod && !cd_raised(vm)) cd_diagnose(vm, source, size, filename, mode, flags);
  if (!mod && !cd_raised(vm)) cd_raise_system(vm, "a source that does not parse has no mistake");
  return mod;
}
