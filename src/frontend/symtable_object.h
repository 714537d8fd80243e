// SPDX-License-Identifier: MIT
// symtable_object.h: a block's symbols as a Python object; the type is read by modules/_symtable.c
#ifndef CEDE_FRONTEND_SYMTABLE_OBJECT_H
#define CEDE_FRONTEND_SYMTABLE_OBJECT_H

#include "frontend/frontend.h"

// All owned, and never NO_VALUE once made: nothing refers back to the symbol table, whose memory is gone by then.
typedef struct SymtableEntry {
  Object head;
  Value id;                                      // int, of our own address
  Value name;                                    // str
  Value symbols;                                 // dict: name to its DEF_ flags, with the Binding from SCOPE_OFFSET on
  Value varnames;                                // list: parameters
  Value children;                                // list of entries
  int32_t type;                                  // ENTRY_
  int32_t line;
  int32_t nested;
} SymtableEntry;

enum { ENTRY_FUNCTION, ENTRY_CLASS, ENTRY_MODULE };              // as the ScopeKinds of the same names

extern const TypeSpec cd_symtable_entry_spec;

// The entry of the outermost block of a source. `type` is made of cd_symtable_entry_spec. Errors are those of cd_compile.
MUST_USE Ref cd_symtable(VM *vm, Type *type, const char *source, size_t size, Value filename, CompileMode mode, int flags);

#endif
