// SPDX-License-Identifier: MIT
// parser.h: source text to syntax tree, and how SyntaxErrors are raised
#ifndef CEDE_FRONTEND_PARSER_H
#define CEDE_FRONTEND_PARSER_H

#include "frontend/ast.h"
#include "frontend/frontend.h"

// Parses UTF-8 text (as cd_source_decode gives it: line breaks are "\n") into `ast`. NULL: exception set, SyntaxError or MemoryError.
// `source` must live until the Ast is no longer used for error messages. flags: PYCF_ and CO_FUTURE_ bits.
Mod *cd_parse(VM *vm, Ast *ast, const char *source, size_t size, Value filename, CompileMode mode, int flags);

// Source bytes of any PEP 263 encoding to UTF-8 text (a str or bytes object that holds it, at *text). Errors as CPython's: SyntaxError
// "encoding problem: ...". Sets the flags that say what was found. NO_REF: exception set.
Ref cd_source_decode(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int *flags, const char **text,
                     size_t *text_size);

// Raises `type` (a SyntaxError) with all that it shows; consumes message and text (a str or None), either of which may be NO_REF with an
// exception set.
Ref cd_raise_syntax(VM *vm, Type *type, Ref message, Value filename, int32_t line, int32_t offset, int32_t end_line, int32_t end_offset,
                    Ref text);
// SyntaxError found after parsing (symbol table, compiler). Columns are those of the nodes; offsets shown are column + 1, and the text
// is read from the file called `filename`, if it can be, else None. Pass -1 as end_line and end_column when there is no end.
Ref cd_syntax_error(VM *vm, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column, const char *format, ...);
// The same, but its only argument is the message: that of a scope or a future.
Ref cd_scope_error(VM *vm, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column, const char *format, ...);
// SyntaxWarning or DeprecationWarning at a line of the source: true to go on. When a filter turns it into an error, that is raised as a
// SyntaxError with the same text at this place.
bool cd_syntax_warning(VM *vm, Type *category, Value filename, int32_t line, int32_t column, int32_t end_line, int32_t end_column,
                       const char *format, ...);
// For an AST node's place: cd_syntax_error_at(vm, filename, node, format, ...).
#define cd_syntax_error_at(vm, filename, node, ...)                               \
  cd_syntax_error(vm, filename, (node)->line, (node)->column, (node)->end_line, (node)->end_column, __VA_ARGS__)

#endif
