// SPDX-License-Identifier: MIT
// diagnose.c: says what is wrong with a source that did not parse
#include "frontend/parse.h"

#include "base/utf8.h"
#include "objects/raise.h"
#include "objects/str.h"

struct Diagnosis { VM *vm; Value filename; };

Ref cd_diagnosis_error(struct Diagnosis *diagnosis, const Token *place, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(diagnosis->vm, format, args);
  va_end(args);
  return cd_raise_syntax(diagnosis->vm, diagnosis->vm->exc.SyntaxError, message, diagnosis->filename, place ? place->line : 1, 1, 1, 1, cd_none());
}

void cd_diagnose(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int flags)
{
  Tokens tokens;
  if (cd_lex(vm, &tokens, source, source + size, (LexOptions){.mode = mode, .flags = flags, .line = 1})) {
    LexError *error = &tokens.error;
    if (error->message) cd_raise_syntax(vm, error->type, cd_dup(error->message), filename, error->line, error->offset, error->end_line, error->end_offset, cd_str_new(vm, error->text, (size_t)(error->text_end - error->text)));
    else cd_raise_syntax(vm, vm->exc.SyntaxError, cd_str_from(vm, "invalid syntax"), filename, 1, 1, 1, 1, cd_none());
  }
  cd_tokens_clear(&tokens);
}
