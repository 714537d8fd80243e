// SPDX-License-Identifier: MIT
// source_text.h: source as compile(), eval(), exec() and symtable() take it
#ifndef CEDE_MODULES_SOURCE_TEXT_H
#define CEDE_MODULES_SOURCE_TEXT_H

#include "frontend/frontend.h"

// Bytes to compile, a NUL behind them. `flags` says whether they are UTF-8 text (of a str).
typedef struct SourceText { const char *data; size_t size; int flags; Ref owner; } SourceText;

// From str, bytes, bytearray or any buffer. `what` is for the message "eval() arg 1 must be a string, bytes or code object".
MUST_USE bool cd_source_text_init(VM *vm, SourceText *source, Value v, const char *function, const char *what);
void cd_source_text_clear(VM *vm, SourceText *source);
MUST_USE Ref cd_source_text_compile(VM *vm, const SourceText *source, Value filename, CompileMode mode, int flags, int optimize);
// os.fsdecode(filename): str, bytes or path. runs Python
MUST_USE Ref cd_source_filename(VM *vm, Value v);

#endif
