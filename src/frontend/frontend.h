// SPDX-License-Identifier: MIT
// frontend.h: the door of this folder: source text to code objects
#ifndef CEDE_FRONTEND_FRONTEND_H
#define CEDE_FRONTEND_FRONTEND_H

#include "core/vm.h"

typedef enum { MODE_EXEC, MODE_EVAL, MODE_SINGLE, MODE_FUNC_TYPE } CompileMode;

// compile() flags beside the CO_FUTURE_ bits, CPython's values
enum {
  PYCF_DONT_IMPLY_DEDENT = 0x200,
  PYCF_ONLY_AST = 0x400,
  PYCF_IGNORE_COOKIE = 0x800,
  PYCF_TYPE_COMMENTS = 0x1000,
  PYCF_ALLOW_TOP_LEVEL_AWAIT = 0x2000,
  PYCF_ALLOW_INCOMPLETE_INPUT = 0x4000,
  PYCF_SOURCE_IS_UTF8 = 0x100,
  PYCF_FILE = 0x80,             // read from a file: not UTF-8, then no place is shown
  PYCF_INTERACTIVE = 0x40,      // lines typed at a prompt: an empty one ends a block
  PYCF_FEATURE_VERSION = 0xF,   // the minor version to keep to, plus 1; 0 without
  PYCF_BAD_UTF8 = 0x20000000,
  PYCF_KNOWN_ENCODING = 0x40000000
};   // the last two are set while decoding

// Source bytes (any PEP 263 encoding unless PYCF_SOURCE_IS_UTF8 says it is UTF-8 text of a str) to a code object, or with PYCF_ONLY_AST to
// an _ast tree. optimize: 0, 1, 2; -1: the VM's. SyntaxError with position on bad input; nesting is bounded. `filename` is a str.
MUST_USE Ref cd_compile(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int flags, int optimize);
// Does the statement whose lines were typed so far at a prompt go on? It does if its parser wants to see another line.
bool cd_statement_is_open(VM *vm, const char *source, size_t size);
// An _ast tree (instances of the _ast classes) to code.
MUST_USE Ref cd_compile_ast(VM *vm, Value tree, Value filename, CompileMode mode, int flags, int optimize);
// If `text` (UTF-8) is an expression `a OP b` or `a[b]`: the byte range of OP, or from behind a to behind the bracket. Never raises.
bool cd_expression_anchors(VM *vm, const char *text, size_t size, size_t *start, size_t *stop);

#endif
