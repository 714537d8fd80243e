// SPDX-License-Identifier: MIT
// symtable.h: what each name of each block means; private to this folder
#ifndef CEDE_FRONTEND_SYMTABLE_H
#define CEDE_FRONTEND_SYMTABLE_H

#include "frontend/ast.h"

// The table is made in two walks. The first visits the tree and notes for each block which names it binds, uses or declares. The second
// goes over the blocks from the outside in and resolves every name: a name that a function uses but does not bind is looked for in
// the functions around it; where it is found it becomes a cell, and in all blocks between a free variable.
//
// Names are interned, so a name is its word: tables compare and hash words only.

// What was seen of a name; CPython's values, which the `symtable` module shows.
enum {
  DEF_GLOBAL = 1, DEF_LOCAL = 2, DEF_PARAM = 4, DEF_NONLOCAL = 8, DEF_USE = 16, DEF_FREE = 32, DEF_FREE_CLASS = 64, DEF_IMPORT = 128,
  DEF_ANNOT = 256, DEF_COMP_ITER = 512, DEF_TYPE_PARAM = 1024, DEF_BOUND = DEF_LOCAL | DEF_PARAM | DEF_IMPORT,
  SCOPE_OFFSET = 11, SCOPE_MASK = 15,
};
// CPython's values, too
typedef enum { BINDING_NONE, BINDING_LOCAL, BINDING_GLOBAL_EXPLICIT, BINDING_GLOBAL_IMPLICIT, BINDING_FREE, BINDING_CELL } Binding;
typedef enum { SCOPE_FUNCTION, SCOPE_CLASS, SCOPE_MODULE, SCOPE_ANNOTATION, SCOPE_TYPE_PARAMS, SCOPE_LAZY } ScopeKind;
typedef enum { COMPREHENSION_NONE, COMPREHENSION_LIST, COMPREHENSION_DICT, COMPREHENSION_SET, COMPREHENSION_GENERATOR } ComprehensionKind;

typedef struct Symbol {
  Value name;                                    // mangled; owned by the Ast
  uint32_t flags;                                // DEF_
  uint8_t binding;
  int32_t number;                                // for the compiler: register of its kind, -1: none yet
} Symbol;

// A name in `global` or `nonlocal`.
typedef struct Directive { Value name; int32_t line, column, end_line, end_column; struct Directive *next; } Directive;

typedef struct Scope {
  ScopeKind kind;
  ComprehensionKind comprehension;
  Value name;
  Value private_name;                            // class whose name mangles ours; NO_VALUE: none
  const TypeParamSeq *private_only;              // if set, it mangles the names of these only
  const char *what;                              // for messages, of blocks that hold one expression: "a TypeVar bound"
  const void *node;                              // its AST node
  struct Scope *parent, *first_child, *last_child, *next;
  Symbol *symbols;                               // in order of appearance
  uint32_t count, capacity;
  uint32_t *index;                               // hash table of symbol numbers + 1, once there are many
  uint32_t index_mask;
  Directive *directives;
  int32_t line, column, end_line, end_column;
  int comp_iter_expr;                            // > 0: within the iterable of a comprehension
  bool nested, has_free, child_free, generator, coroutine, returns_value, varargs, varkeywords;
  bool needs_class_closure, comp_iter_target;
  bool walrus;                                   // binds names within expressions
  bool needs_classdict;                          // class whose type parameter scopes look names up in its namespace
  bool in_class;                                 // right in a class: names are looked up in its namespace first
} Scope;

typedef struct ScopeEntry { const void *node; Scope *scope; } ScopeEntry;

typedef struct SymbolTable {
  VM *vm;
  Ast *ast;
  Scope *top, *current;
  Scope *global;                                 // the module's
  ScopeEntry *by_node;                           // open addressing
  size_t node_count, node_capacity;
  Value private_name;
  const TypeParamSeq *private_only;
  bool future_annotations;
  int depth, depth_limit;
  bool failed;                                   // exception set
} SymbolTable;

// false: exception set.
MUST_USE bool cd_symtable_build(SymbolTable *table, VM *vm, Ast *ast, Mod *mod, int future_flags);
// Memory that is not the arena's.
Scope *cd_symtable_find(const SymbolTable *table, const void *node);      // the block of a node
Symbol *cd_scope_find(const Scope *scope, Value name);           // NULL: not there
// __name in class X is _X__name; with `only`, if it is the name of one of those parameters. The result belongs to the Ast. NO_VALUE:
// exception set.
Value cd_mangle(Ast *ast, Value private_name, const TypeParamSeq *only, Value name);
static inline bool cd_scope_is_function(const Scope *scope)
{
  return scope->kind == SCOPE_FUNCTION || scope->kind == SCOPE_TYPE_PARAMS || scope->kind == SCOPE_LAZY;
}

// How deep trees may be nested: RecursionError "maximum recursion depth exceeded during compilation".
typedef struct DepthGuard { int depth, limit; } DepthGuard;
int cd_compile_depth_limit(VM *vm);
MUST_USE bool cd_compile_enter(VM *vm, int *depth, int limit);

#endif
