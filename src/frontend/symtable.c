// SPDX-License-Identifier: MIT
// symtable.c: walks the tree and decides what each name means
#include "frontend/symtable.h"

#include "frontend/compile.h"
#include "objects/raise.h"
#include "objects/str.h"

static void symtable_expr(SymbolTable *t, Expr *e);
static void symtable_stmts(SymbolTable *t, const StmtSeq *seq);

// ---- limits ----

int cd_compile_depth_limit(VM *vm)
{
  int limit = vm->recursion_limit;
  return limit > 1000000 ? 3000000 : limit * 3;
}

bool cd_compile_enter(VM *vm, int *depth, int limit)
{
  if (LIKELY(++*depth < limit && (char *)__builtin_frame_address(0) > vm->thread->c_stack_limit)) return true;
  --*depth;
  if (!cd_raised(vm)) cd_raise_recursion(vm, " during compilation");
  return false;
}

static bool symtable_enter_node(SymbolTable *t)
{
  if (cd_compile_enter(t->vm, &t->depth, t->depth_limit)) return true;
  t->failed = true;
  return false;
}

#define SYMTABLE_ERROR(t, node, ...)                                                                                                \
  do {                                                                                                                              \
    if (!(t)->failed)                                                                                                               \
      cd_scope_error((t)->vm, (t)->ast->filename, (node)->line, (node)->column, (node)->end_line, (node)->end_column, __VA_ARGS__); \
    (t)->failed = true;                                                                                                             \
  } while (0)

// ---- scopes and symbols ----

static inline uint32_t scope_hash(Value name) { return (uint32_t)((cd_bits(name) >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 32); }

enum { SCOPE_LINEAR = 8 };                       // up to so many symbols are searched one by one

Symbol *cd_scope_find(const Scope *scope, Value name)
{
  if (!scope->index) {
    for (uint32_t i = 0; i < scope->count; i++)
      if (cd_is(scope->symbols[i].name, name)) return &scope->symbols[i];
    return NULL;
  }
  for (uint32_t k = scope_hash(name) & scope->index_mask; scope->index[k]; k = (k + 1) & scope->index_mask)
    if (cd_is(scope->symbols[scope->index[k] - 1].name, name)) return &scope->symbols[scope->index[k] - 1];
  return NULL;
}

static bool scope_grow(SymbolTable *t, Scope *scope)
{
  uint32_t capacity = scope->capacity ? scope->capacity * 2 : SCOPE_LINEAR;
  Symbol *symbols = cd_ast_array(t->ast, capacity, sizeof *symbols);
  if (!symbols) return false;
  if (scope->count) memcpy(symbols, scope->symbols, scope->count * sizeof *symbols);
  scope->symbols = symbols;
  scope->capacity = capacity;
  if (capacity <= SCOPE_LINEAR) return true;
  scope->index_mask = capacity * 2 - 1;
  if (!(scope->index = cd_ast_array(t->ast, scope->index_mask + 1, sizeof *scope->index))) return false;
  for (uint32_t i = 0; i < scope->count; i++) {
    uint32_t k = scope_hash(symbols[i].name) & scope->index_mask;
    while (scope->index[k]) k = (k + 1) & scope->index_mask;
    scope->index[k] = i + 1;
  }
  return true;
}

// The entry of a name, made if need be. NULL: no memory.
static Symbol *scope_symbol(SymbolTable *t, Scope *scope, Value name)
{
  Symbol *symbol = cd_scope_find(scope, name);
  if (symbol) return symbol;
  if (scope->count == scope->capacity && !scope_grow(t, scope)) {
    t->failed = true;
    return NULL;
  }
  symbol = &scope->symbols[scope->count++];
  *symbol = (Symbol){.name = name, .number = -1};
  if (scope->index) {
    uint32_t k = scope_hash(name) & scope->index_mask;
    while (scope->index[k]) k = (k + 1) & scope->index_mask;
    scope->index[k] = scope->count;
  }
  return symbol;
}

static inline size_t symtable_node_hash(const void *node) { return (size_t)(((uintptr_t)node >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> 20); }

Scope *cd_symtable_find(const SymbolTable *table, const void *node)
{
  size_t mask = table->node_capacity - 1;
  if (!table->node_capacity) return NULL;
  for (size_t k = symtable_node_hash(node) & mask; table->by_node[k].node; k = (k + 1) & mask)
    if (table->by_node[k].node == node) return table->by_node[k].scope;
  return NULL;
}

static bool symtable_remember(SymbolTable *t, const void *node, Scope *scope)
{
  if (t->node_count * 2 >= t->node_capacity) {
    size_t capacity = t->node_capacity ? t->node_capacity * 2 : 32;
    ScopeEntry *entries = cd_ast_array(t->ast, capacity, sizeof *entries);
    if (!entries) return false;
    for (size_t i = 0; i < t->node_capacity; i++) {
      if (!t->by_node[i].node) continue;
      size_t k = symtable_node_hash(t->by_node[i].node) & (capacity - 1);
      while (entries[k].node) k = (k + 1) & (capacity - 1);
      entries[k] = t->by_node[i];
    }
    t->by_node = entries;
    t->node_capacity = capacity;
  }
  size_t k = symtable_node_hash(node) & (t->node_capacity - 1);
  while (t->by_node[k].node) k = (k + 1) & (t->node_capacity - 1);
  t->by_node[k] = (ScopeEntry){node, scope};
  t->node_count++;
  return true;
}

// Makes a block the current one. NULL: no memory.
static Scope *symtable_push(SymbolTable *t, ScopeKind kind, Value name, const void *node)
{
  Scope *scope = cd_ast_alloc(t->ast, sizeof *scope), *parent = t->current;
  if (!scope || !symtable_remember(t, node, scope)) {
    t->failed = true;
    return NULL;
  }
  scope->kind = kind;
  scope->name = name;
  scope->node = node;
  scope->parent = parent;
  scope->private_name = t->private_name;
  scope->private_only = t->private_only;
  if (parent) {
    scope->nested = parent->nested || cd_scope_is_function(parent);
    scope->comp_iter_expr = parent->comp_iter_expr;
    if (kind != SCOPE_ANNOTATION) {
      if (parent->last_child) parent->last_child->next = scope;
      else parent->first_child = scope;
      parent->last_child = scope;
    }
  }
  t->current = scope;
  return scope;
}
static void symtable_pop(SymbolTable *t) { t->current = t->current->parent; }

#define SYMTABLE_PLACE(scope, from)                                                                      \
  ((scope)->line = (from)->line, (scope)->column = (from)->column, (scope)->end_line = (from)->end_line, \
   (scope)->end_column = (from)->end_column)

// ---- names ----

static bool mangle_is_param(const TypeParamSeq *params, Value name)
{
  for (size_t i = 0; i < params->count; i++)
    if (cd_is(params->items[i]->as.TypeVar.name, name)) return true;               // ORDER: the name comes first in all three
  return false;
}

Value cd_mangle(Ast *ast, Value private_name, const TypeParamSeq *only, Value name)
{
  if (LIKELY(!private_name) || (only && !mangle_is_param(only, name))) return name;
  const char *text = cd_str_data(name);
  size_t size = cd_str_size(name);
  if (size < 3 || text[0] != '_' || text[1] != '_' || (text[size - 1] == '_' && text[size - 2] == '_') || memchr(text, '.', size))
    return name;
  const char *class_name = cd_str_data(private_name), *end = class_name + cd_str_size(private_name);
  while (class_name < end && *class_name == '_') class_name++;
  if (class_name == end) return name;            // a class of underscores only mangles nothing
  VM *vm = ast->vm;
  Ref mangled = cd_str_format(vm, "_%s%U", class_name, name);
  return mangled ? cd_ast_own(ast, cd_str_intern(vm, mangled)) : NO_VALUE;
}

typedef struct Place { int32_t line, column, end_line, end_column; } Place;
#define PLACE_OF(node) ((Place){(node)->line, (node)->column, (node)->end_line, (node)->end_column})

static Value symtable_mangled(SymbolTable *t, Value name) { return cd_mangle(t->ast, t->private_name, t->private_only, name); }

static uint32_t symtable_seen(SymbolTable *t, Scope *scope, Value name)
{
  Value mangled = symtable_mangled(t, name);
  if (!mangled) {
    t->failed = true;
    return 0;
  }
  const Symbol *symbol = cd_scope_find(scope, mangled);
  return symbol ? symbol->flags : 0;
}

static void symtable_define_in(SymbolTable *t, Scope *scope, Value name, uint32_t flag, Place place)
{
  if (t->failed) return;
  Value mangled = symtable_mangled(t, name);
  Symbol *symbol = mangled ? scope_symbol(t, scope, mangled) : NULL;
  if (!symbol) {
    t->failed = true;
    return;
  }
  if ((flag & DEF_PARAM) && (symbol->flags & DEF_PARAM)) {
    SYMTABLE_ERROR(t, &place, "duplicate argument '%U' in function definition", name);
    return;
  }
  uint32_t flags = symbol->flags | flag;
  // The targets of a comprehension are marked, so that := cannot rebind them.
  if (scope->comp_iter_target) {
    if (flags & (DEF_GLOBAL | DEF_NONLOCAL)) {
      SYMTABLE_ERROR(t, &place, "comprehension inner loop cannot rebind assignment expression target '%U'", name);
      return;
    }
    flags |= DEF_COMP_ITER;
  }
  symbol->flags = flags;
  if ((flag & DEF_GLOBAL) && scope != t->global) {
    if (!(symbol = scope_symbol(t, t->global, mangled))) return;
    symbol->flags |= DEF_GLOBAL;
  }
}
static void symtable_define(SymbolTable *t, Value name, uint32_t flag, Place place)
{
  symtable_define_in(t, t->current, name, flag, place);
}

static void symtable_directive(SymbolTable *t, Value name, Place place)
{
  Directive *d = cd_ast_alloc(t->ast, sizeof *d);
  Value mangled = symtable_mangled(t, name);
  if (!d || !mangled) {
    t->failed = true;
    return;
  }
  *d = (Directive){mangled, place.line, place.column, place.end_line, place.end_column, t->current->directives};
  t->current->directives = d;
}

// ---- expressions ----

static void symtable_exprs(SymbolTable *t, const ExprSeq *seq)
{
  for (size_t i = 0; i < seq->count && !t->failed; i++)
    if (seq->items[i]) symtable_expr(t, seq->items[i]);
}
static void symtable_optional(SymbolTable *t, Expr *e)
{
  if (e) symtable_expr(t, e);
}

// What of a `yield` or the like is refused in.
static bool symtable_not_in_annotation(SymbolTable *t, const char *what, const Expr *e)
{
  switch (t->current->kind) {
  case SCOPE_ANNOTATION: SYMTABLE_ERROR(t, e, "%s can not be used within an annotation", what); return false;
  case SCOPE_TYPE_PARAMS: SYMTABLE_ERROR(t, e, "%s cannot be used within the definition of a generic", what); return false;
  case SCOPE_LAZY: SYMTABLE_ERROR(t, e, "%s cannot be used within %s", what, t->current->what); return false;
  default: return true;
  }
}

// `name := ..` in a comprehension binds in the function or module around all comprehensions.
static void symtable_extend_walrus(SymbolTable *t, const Expr *target)
{
  Value name = target->as.Name.id;
  Place place = PLACE_OF(target);
  for (Scope *scope = t->current; scope; scope = scope->parent) {
    if (scope->comprehension) {
      uint32_t flags = symtable_seen(t, scope, name);
      if ((flags & DEF_COMP_ITER) && (flags & DEF_LOCAL)) {
        SYMTABLE_ERROR(t, target, "assignment expression cannot rebind comprehension iteration variable '%U'", name);
        return;
      }
      continue;
    }
    switch (scope->kind) {
    case SCOPE_FUNCTION:
      symtable_define(t, name, symtable_seen(t, scope, name) & DEF_GLOBAL ? DEF_GLOBAL : DEF_NONLOCAL, place);
      symtable_directive(t, name, place);
      symtable_define_in(t, scope, name, DEF_LOCAL, place);
      scope->walrus = true;
      return;
    case SCOPE_MODULE:
      symtable_define(t, name, DEF_GLOBAL, place);
      symtable_directive(t, name, place);
      symtable_define_in(t, scope, name, DEF_GLOBAL, place);
      return;
    case SCOPE_CLASS: SYMTABLE_ERROR(t, target, "assignment expression within a comprehension cannot be used in a class body"); return;
    case SCOPE_TYPE_PARAMS:
      SYMTABLE_ERROR(t, target, "assignment expression within a comprehension cannot be used within the definition of a generic");
      return;
    case SCOPE_LAZY: SYMTABLE_ERROR(t, target, "assignment expression within a comprehension cannot be used in %s", scope->what); return;
    case SCOPE_ANNOTATION: return;
    }
  }
}

static void symtable_walrus(SymbolTable *t, Expr *e)
{
  if (!symtable_not_in_annotation(t, "named expression", e)) return;
  Expr *target = e->as.NamedExpr.target;
  if (t->current->comp_iter_expr > 0) {
    SYMTABLE_ERROR(t, e, "assignment expression cannot be used in a comprehension iterable expression");
    return;
  }
  if (t->current->comprehension) symtable_extend_walrus(t, target);
  t->current->walrus = true;
  symtable_expr(t, e->as.NamedExpr.value);
  if (!t->failed) symtable_expr(t, target);
}

static void symtable_comprehension_clause(SymbolTable *t, Comprehension *clause)
{
  t->current->comp_iter_target = true;
  symtable_expr(t, clause->target);
  t->current->comp_iter_target = false;
  t->current->comp_iter_expr++;
  symtable_expr(t, clause->iter);
  t->current->comp_iter_expr--;
  symtable_exprs(t, &clause->ifs);
  if (clause->is_async) t->current->coroutine = true;
}

static void symtable_comprehension(SymbolTable *t, Expr *e, ComprehensionKind kind, Value name, const ComprehensionSeq *clauses, Expr *elt,
                                   Expr *value)
{
  bool is_generator = kind == COMPREHENSION_GENERATOR;
  Comprehension *first = clauses->items[0];
  t->current->comp_iter_expr++;                  // the outermost iterable is evaluated outside
  symtable_expr(t, first->iter);
  t->current->comp_iter_expr--;
  Scope *scope = t->failed ? NULL : symtable_push(t, SCOPE_FUNCTION, name, e);
  if (!scope) return;
  SYMTABLE_PLACE(scope, e);
  if (first->is_async) scope->coroutine = true;
  scope->comprehension = kind;
  symtable_define(t, t->vm->names.dot_0, DEF_PARAM, PLACE_OF(e));
  scope->comp_iter_target = true;
  symtable_expr(t, first->target);
  scope->comp_iter_target = false;
  symtable_exprs(t, &first->ifs);
  for (size_t i = 1; i < clauses->count && !t->failed; i++) symtable_comprehension_clause(t, clauses->items[i]);
  if (!t->failed) symtable_optional(t, value);
  if (!t->failed) symtable_expr(t, elt);
  scope->generator = is_generator;
  bool is_async = scope->coroutine && !is_generator;
  symtable_pop(t);
  if (is_async) t->current->coroutine = true;
}

static void symtable_yield(SymbolTable *t, Expr *e, Expr *value, bool await)
{
  static const char *const kinds[] = {NULL, "'yield' inside list comprehension", "'yield' inside dict comprehension",
                                      "'yield' inside set comprehension", "'yield' inside generator expression"};
  if (!symtable_not_in_annotation(t, await ? "await expression" : "yield expression", e)) return;
  symtable_optional(t, value);
  if (await) {
    t->current->coroutine = true;
    return;
  }
  t->current->generator = true;
  if (t->current->comprehension) SYMTABLE_ERROR(t, e, "%s", kinds[t->current->comprehension]);
}

static void symtable_parameter(SymbolTable *t, const Arg *arg) { symtable_define(t, arg->arg, DEF_PARAM, PLACE_OF(arg)); }

static void symtable_parameters(SymbolTable *t, const Arguments *args)
{
  for (size_t i = 0; i < args->posonlyargs.count; i++) symtable_parameter(t, args->posonlyargs.items[i]);
  for (size_t i = 0; i < args->args.count; i++) symtable_parameter(t, args->args.items[i]);
  for (size_t i = 0; i < args->kwonlyargs.count; i++) symtable_parameter(t, args->kwonlyargs.items[i]);
  if (args->vararg) {
    symtable_parameter(t, args->vararg);
    t->current->varargs = true;
  }
  if (args->kwarg) {
    symtable_parameter(t, args->kwarg);
    t->current->varkeywords = true;
  }
}

static void symtable_lambda(SymbolTable *t, Expr *e)
{
  Arguments *args = e->as.Lambda.args;
  symtable_exprs(t, &args->defaults);
  symtable_exprs(t, &args->kw_defaults);
  Scope *scope = t->failed ? NULL : symtable_push(t, SCOPE_FUNCTION, t->vm->names.lambda, e);
  if (!scope) return;
  SYMTABLE_PLACE(scope, e);
  symtable_parameters(t, args);
  if (!t->failed) symtable_expr(t, e->as.Lambda.body);
  symtable_pop(t);
}

static void symtable_name(SymbolTable *t, const Expr *e)
{
  symtable_define(t, e->as.Name.id, e->as.Name.ctx == CTX_Load ? DEF_USE : DEF_LOCAL, PLACE_OF(e));
  // super() without arguments needs the cell of the class around.
  if (e->as.Name.ctx == CTX_Load && t->current->kind == SCOPE_FUNCTION && cd_is(e->as.Name.id, t->vm->names.super))
    symtable_define(t, t->vm->names.__class__, DEF_USE, PLACE_OF(e));
}

static void symtable_call(SymbolTable *t, Expr *e)
{
  symtable_expr(t, e->as.Call.func);
  symtable_exprs(t, &e->as.Call.args);
  for (size_t i = 0; i < e->as.Call.keywords.count && !t->failed; i++) symtable_expr(t, e->as.Call.keywords.items[i]->value);
}

static void symtable_expr_kind(SymbolTable *t, Expr *e)
{
  const VmNames *names = &t->vm->names;
  switch (e->kind) {
  case EXPR_Name: symtable_name(t, e); break;
  case EXPR_Constant: break;
  case EXPR_Attribute: symtable_expr(t, e->as.Attribute.value); break;
  case EXPR_Call: symtable_call(t, e); break;
  case EXPR_BinOp:
    symtable_expr(t, e->as.BinOp.left);
    if (!t->failed) symtable_expr(t, e->as.BinOp.right);
    break;
  case EXPR_BoolOp: symtable_exprs(t, &e->as.BoolOp.values); break;
  case EXPR_NamedExpr: symtable_walrus(t, e); break;
  case EXPR_UnaryOp: symtable_expr(t, e->as.UnaryOp.operand); break;
  case EXPR_Lambda: symtable_lambda(t, e); break;
  case EXPR_IfExp:
    symtable_expr(t, e->as.IfExp.test);
    if (!t->failed) symtable_expr(t, e->as.IfExp.body);
    if (!t->failed) symtable_expr(t, e->as.IfExp.orelse);
    break;
  case EXPR_Dict:
    symtable_exprs(t, &e->as.Dict.keys);
    symtable_exprs(t, &e->as.Dict.values);
    break;
  case EXPR_Set: symtable_exprs(t, &e->as.Set.elts); break;
  case EXPR_ListComp:
    symtable_comprehension(t, e, COMPREHENSION_LIST, names->listcomp, &e->as.ListComp.generators, e->as.ListComp.elt, NULL);
    break;
  case EXPR_SetComp:
    symtable_comprehension(t, e, COMPREHENSION_SET, names->setcomp, &e->as.SetComp.generators, e->as.SetComp.elt, NULL);
    break;
  case EXPR_DictComp:
    symtable_comprehension(t, e, COMPREHENSION_DICT, names->dictcomp, &e->as.DictComp.generators, e->as.DictComp.key, e->as.DictComp.value);
    break;
  case EXPR_GeneratorExp:
    symtable_comprehension(t, e, COMPREHENSION_GENERATOR, names->genexpr, &e->as.GeneratorExp.generators, e->as.GeneratorExp.elt, NULL);
    break;
  case EXPR_Await: symtable_yield(t, e, e->as.Await.value, true); break;
  case EXPR_Yield: symtable_yield(t, e, e->as.Yield.value, false); break;
  case EXPR_YieldFrom: symtable_yield(t, e, e->as.YieldFrom.value, false); break;
  case EXPR_Compare:
    symtable_expr(t, e->as.Compare.left);
    symtable_exprs(t, &e->as.Compare.comparators);
    break;
  case EXPR_FormattedValue:
    symtable_expr(t, e->as.FormattedValue.value);
    if (!t->failed) symtable_optional(t, e->as.FormattedValue.format_spec);
    break;
  case EXPR_JoinedStr: symtable_exprs(t, &e->as.JoinedStr.values); break;
  case EXPR_Subscript:
    symtable_expr(t, e->as.Subscript.value);
    if (!t->failed) symtable_expr(t, e->as.Subscript.slice);
    break;
  case EXPR_Starred: symtable_expr(t, e->as.Starred.value); break;
  case EXPR_List: symtable_exprs(t, &e->as.List.elts); break;
  case EXPR_Tuple: symtable_exprs(t, &e->as.Tuple.elts); break;
  case EXPR_Slice:
    symtable_optional(t, e->as.Slice.lower);
    if (!t->failed) symtable_optional(t, e->as.Slice.upper);
    if (!t->failed) symtable_optional(t, e->as.Slice.step);
    break;
  }
}

static void symtable_expr(SymbolTable *t, Expr *e)
{
  if (t->failed || !symtable_enter_node(t)) return;
  symtable_expr_kind(t, e);
  t->depth--;
}

// ---- patterns ----

static void symtable_pattern(SymbolTable *t, Pattern *p);

static void symtable_patterns(SymbolTable *t, const PatternSeq *seq)
{
  for (size_t i = 0; i < seq->count && !t->failed; i++) symtable_pattern(t, seq->items[i]);
}

static void symtable_pattern(SymbolTable *t, Pattern *p)
{
  if (t->failed || !symtable_enter_node(t)) return;
  Place place = PLACE_OF(p);
  switch (p->kind) {
  case PATTERN_MatchValue: symtable_expr(t, p->as.MatchValue.value); break;
  case PATTERN_MatchSingleton: break;
  case PATTERN_MatchSequence: symtable_patterns(t, &p->as.MatchSequence.patterns); break;
  case PATTERN_MatchStar:
    if (p->as.MatchStar.name) symtable_define(t, p->as.MatchStar.name, DEF_LOCAL, place);
    break;
  case PATTERN_MatchMapping:
    symtable_exprs(t, &p->as.MatchMapping.keys);
    symtable_patterns(t, &p->as.MatchMapping.patterns);
    if (p->as.MatchMapping.rest) symtable_define(t, p->as.MatchMapping.rest, DEF_LOCAL, place);
    break;
  case PATTERN_MatchClass:
    symtable_expr(t, p->as.MatchClass.cls);
    symtable_patterns(t, &p->as.MatchClass.patterns);
    symtable_patterns(t, &p->as.MatchClass.kwd_patterns);
    break;
  case PATTERN_MatchAs:
    if (p->as.MatchAs.pattern) symtable_pattern(t, p->as.MatchAs.pattern);
    if (p->as.MatchAs.name) symtable_define(t, p->as.MatchAs.name, DEF_LOCAL, place);
    break;
  case PATTERN_MatchOr: symtable_patterns(t, &p->as.MatchOr.patterns); break;
  }
  t->depth--;
}

// ---- functions and classes ----

static void symtable_annotation(SymbolTable *t, Expr *annotation)
{
  if (!annotation || t->failed) return;
  if (!t->future_annotations) {
    symtable_expr(t, annotation);
    return;
  }
  // Annotations that stay text have no influence, but what they may hold is checked.
  Scope *scope = symtable_push(t, SCOPE_ANNOTATION, t->vm->names.empty_, annotation);
  if (!scope) return;
  symtable_expr(t, annotation);
  symtable_pop(t);
}

static void symtable_arg_annotations(SymbolTable *t, const ArgSeq *args)
{
  for (size_t i = 0; i < args->count; i++) symtable_annotation(t, args->items[i]->annotation);
}

static void symtable_annotations(SymbolTable *t, const Arguments *args, Expr *returns)
{
  symtable_arg_annotations(t, &args->posonlyargs);
  symtable_arg_annotations(t, &args->args);
  if (args->vararg) symtable_annotation(t, args->vararg->annotation);
  if (args->kwarg) symtable_annotation(t, args->kwarg->annotation);
  symtable_arg_annotations(t, &args->kwonlyargs);
  symtable_annotation(t, returns);
}

// ---- type parameters (PEP 695, 696) ----

// A block in a class sees the names of its namespace, as it is when the block runs.
static void symtable_see_class(SymbolTable *t, Scope *scope, const Scope *parent, Place place)
{
  scope->in_class = parent->kind == SCOPE_CLASS || parent->in_class;
  if (scope->in_class) symtable_define(t, t->vm->names.__classdict__, DEF_USE, place);
}

// An expression that is evaluated when somebody asks for it; `key` is where the tree holds it.
static void symtable_lazy(SymbolTable *t, Expr *const *key, Value name, const char *what)
{
  const Scope *parent = t->current;
  Scope *scope = *key && !t->failed ? symtable_push(t, SCOPE_LAZY, name, key) : NULL;
  if (!scope) return;
  SYMTABLE_PLACE(scope, *key);
  scope->what = what;
  symtable_see_class(t, scope, parent, PLACE_OF(*key));
  symtable_expr(t, *key);
  symtable_pop(t);
}

static void symtable_type_param(SymbolTable *t, TypeParam *p)
{
  Value name = p->as.TypeVar.name;               // ORDER: the name comes first in all three
  if (symtable_seen(t, t->current, name) & DEF_TYPE_PARAM) {
    SYMTABLE_ERROR(t, p, "duplicate type parameter '%U'", name);
    return;
  }
  symtable_define(t, name, DEF_TYPE_PARAM | DEF_LOCAL, PLACE_OF(p));
  switch (p->kind) {
  case TYPE_PARAM_TypeVar: {
    Expr *bound = p->as.TypeVar.bound;
    symtable_lazy(t, &p->as.TypeVar.bound, name, bound && bound->kind == EXPR_Tuple ? "a TypeVar constraint" : "a TypeVar bound");
    symtable_lazy(t, &p->as.TypeVar.default_value, name, "a TypeVar default");
    break;
  }
  case TYPE_PARAM_ParamSpec: symtable_lazy(t, &p->as.ParamSpec.default_value, name, "a ParamSpec default"); break;
  case TYPE_PARAM_TypeVarTuple: symtable_lazy(t, &p->as.TypeVarTuple.default_value, name, "a TypeVarTuple default"); break;
  }
}

// The parameters live in a block of their own around the definition; its key is their sequence, which nothing else is keyed by.
static bool symtable_push_type_params(SymbolTable *t, Value name, const TypeParamSeq *params, Place place)
{
  if (!params->count) return true;
  const Scope *parent = t->current;
  Ref made = cd_str_format(t->vm, "<generic parameters of %U>", name);
  Value title = made ? cd_ast_own(t->ast, made) : NO_VALUE;
  Scope *scope = title ? symtable_push(t, SCOPE_TYPE_PARAMS, title, params->items) : NULL;
  if (!scope) {
    t->failed = true;
    return false;
  }
  scope->line = place.line;
  symtable_see_class(t, scope, parent, place);
  bool defaults = false;
  for (size_t i = 0; i < params->count && !t->failed; i++) {
    TypeParam *p = params->items[i];
    symtable_type_param(t, p);
    bool has = p->kind == TYPE_PARAM_TypeVar ? p->as.TypeVar.default_value != NULL
                                             : p->as.ParamSpec.default_value != NULL;   // ORDER: ParamSpec, TypeVarTuple
    if (!has && defaults) SYMTABLE_ERROR(t, p, "non-default type parameter '%U' follows default type parameter", p->as.TypeVar.name);
    defaults |= has;
  }
  return !t->failed;
}

// ---- definitions ----

static void symtable_function(SymbolTable *t, Stmt *s, bool async)
{
  // ORDER: FunctionDef and AsyncFunctionDef have the same fields
  symtable_define(t, s->as.FunctionDef.name, DEF_LOCAL, PLACE_OF(s));
  Arguments *args = s->as.FunctionDef.args;
  symtable_exprs(t, &args->defaults);
  symtable_exprs(t, &args->kw_defaults);
  const TypeParamSeq *params = &s->as.FunctionDef.type_params;
  symtable_exprs(t, &s->as.FunctionDef.decorator_list);
  if (t->failed || !symtable_push_type_params(t, s->as.FunctionDef.name, params, PLACE_OF(s))) return;
  if (params->count) {                           // what is evaluated outside comes in as arguments
    symtable_define(t, t->vm->names.dot_defaults, DEF_PARAM, PLACE_OF(s));
    symtable_define(t, t->vm->names.dot_kwdefaults, DEF_PARAM, PLACE_OF(s));
  }
  symtable_annotations(t, args, s->as.FunctionDef.returns);
  Scope *scope = t->failed ? NULL : symtable_push(t, SCOPE_FUNCTION, s->as.FunctionDef.name, s);
  if (!scope) return;
  SYMTABLE_PLACE(scope, s);
  scope->coroutine = async;
  symtable_parameters(t, args);
  symtable_stmts(t, &s->as.FunctionDef.body);
  symtable_pop(t);
  if (params->count) symtable_pop(t);
}

static void symtable_bases(SymbolTable *t, Stmt *s)
{
  symtable_exprs(t, &s->as.ClassDef.bases);
  for (size_t i = 0; i < s->as.ClassDef.keywords.count && !t->failed; i++) symtable_expr(t, s->as.ClassDef.keywords.items[i]->value);
}

static void symtable_class(SymbolTable *t, Stmt *s)
{
  Value name = s->as.ClassDef.name, outer = t->private_name;
  const TypeParamSeq *params = &s->as.ClassDef.type_params, *outer_only = t->private_only;
  symtable_define(t, name, DEF_LOCAL, PLACE_OF(s));
  if (!params->count) symtable_bases(t, s);
  symtable_exprs(t, &s->as.ClassDef.decorator_list);
  if (t->failed) return;
  if (params->count) {                           // outside of the body the class's name mangles its parameters only
    t->private_name = name;
    t->private_only = params;
    if (!symtable_push_type_params(t, name, params, PLACE_OF(s))) return;
    symtable_define(t, t->vm->names.dot_type_params, DEF_LOCAL, PLACE_OF(s));
    symtable_define(t, t->vm->names.dot_generic_base, DEF_LOCAL, PLACE_OF(s));
    symtable_bases(t, s);
  }
  Scope *scope = t->failed ? NULL : symtable_push(t, SCOPE_CLASS, name, s);
  if (!scope) return;
  SYMTABLE_PLACE(scope, s);
  t->private_name = scope->private_name = name;
  t->private_only = scope->private_only = NULL;
  if (params->count) symtable_define(t, t->vm->names.dot_type_params, DEF_USE, PLACE_OF(s));
  symtable_stmts(t, &s->as.ClassDef.body);
  symtable_pop(t);
  if (params->count) symtable_pop(t);
  t->private_name = outer;
  t->private_only = outer_only;
}

static void symtable_type_alias(SymbolTable *t, Stmt *s)
{
  Expr *target = s->as.TypeAlias.name;
  symtable_expr(t, target);
  if (t->failed || !symtable_push_type_params(t, target->as.Name.id, &s->as.TypeAlias.type_params, PLACE_OF(s))) return;
  symtable_lazy(t, &s->as.TypeAlias.value, target->as.Name.id, "a type alias");
  if (s->as.TypeAlias.type_params.count) symtable_pop(t);
}

// ---- statements ----

static void symtable_declare(SymbolTable *t, Stmt *s, const NameSeq *names, bool global)
{
  const char *word = global ? "global" : "nonlocal";
  for (size_t i = 0; i < names->count && !t->failed; i++) {
    Value name = names->items[i];
    uint32_t seen = symtable_seen(t, t->current, name);
    if (seen & DEF_PARAM) SYMTABLE_ERROR(t, s, "name '%U' is parameter and %s", name, word);
    else if (seen & DEF_USE) SYMTABLE_ERROR(t, s, "name '%U' is used prior to %s declaration", name, word);
    else if (seen & DEF_ANNOT) SYMTABLE_ERROR(t, s, "annotated name '%U' can't be %s", name, word);
    else if (seen & DEF_LOCAL) SYMTABLE_ERROR(t, s, "name '%U' is assigned to before %s declaration", name, word);
    symtable_define(t, name, global ? DEF_GLOBAL : DEF_NONLOCAL, PLACE_OF(s));
    if (!t->failed) symtable_directive(t, name, PLACE_OF(s));
  }
}

static void symtable_annotated(SymbolTable *t, Stmt *s)
{
  Expr *target = s->as.AnnAssign.target;
  if (target->kind == EXPR_Name) {
    Value name = target->as.Name.id;
    uint32_t seen = symtable_seen(t, t->current, name);
    if ((seen & (DEF_GLOBAL | DEF_NONLOCAL)) && t->current != t->global && s->as.AnnAssign.simple) {
      SYMTABLE_ERROR(t, s, "annotated name '%U' can't be %s", name, seen & DEF_GLOBAL ? "global" : "nonlocal");
      return;
    }
    if (s->as.AnnAssign.simple) symtable_define(t, name, DEF_ANNOT | DEF_LOCAL, PLACE_OF(target));
    else if (s->as.AnnAssign.value) symtable_define(t, name, DEF_LOCAL, PLACE_OF(target));
  } else {
    symtable_expr(t, target);
  }
  symtable_annotation(t, s->as.AnnAssign.annotation);
  if (!t->failed) symtable_optional(t, s->as.AnnAssign.value);
}

static void symtable_aliases(SymbolTable *t, const AliasSeq *names)
{
  for (size_t i = 0; i < names->count && !t->failed; i++) {
    const Alias *a = names->items[i];
    Value name = a->asname ? a->asname : a->name;
    if (cd_str_is(name, "*")) {
      if (t->current->kind != SCOPE_MODULE) SYMTABLE_ERROR(t, a, "import * only allowed at module level");
      continue;
    }
    const char *text = cd_str_data(name), *dot = a->asname ? NULL : memchr(text, '.', cd_str_size(name));
    if (dot) name = cd_ast_name(t->ast, text, (size_t)(dot - text));
    if (!name) {
      t->failed = true;
      return;
    }
    symtable_define(t, name, DEF_IMPORT, PLACE_OF(a));
  }
}

static void symtable_with(SymbolTable *t, const WithItemSeq *items, const StmtSeq *body)
{
  for (size_t i = 0; i < items->count && !t->failed; i++) {
    symtable_expr(t, items->items[i]->context_expr);
    symtable_optional(t, items->items[i]->optional_vars);
  }
  symtable_stmts(t, body);
}

static void symtable_try(SymbolTable *t, Stmt *s)        // ORDER: Try and TryStar have the same fields
{
  symtable_stmts(t, &s->as.Try.body);
  symtable_stmts(t, &s->as.Try.orelse);          // before the handlers: the `symtable` module shows CPython's order of blocks
  for (size_t i = 0; i < s->as.Try.handlers.count && !t->failed; i++) {
    ExceptHandler *h = s->as.Try.handlers.items[i];
    symtable_optional(t, h->type);
    if (h->name) symtable_define(t, h->name, DEF_LOCAL, PLACE_OF(h));
    symtable_stmts(t, &h->body);
  }
  symtable_stmts(t, &s->as.Try.finalbody);
}

static void symtable_match(SymbolTable *t, Stmt *s)
{
  symtable_expr(t, s->as.Match.subject);
  for (size_t i = 0; i < s->as.Match.cases.count && !t->failed; i++) {
    MatchCase *c = s->as.Match.cases.items[i];
    symtable_pattern(t, c->pattern);
    symtable_optional(t, c->guard);
    symtable_stmts(t, &c->body);
  }
}

static void symtable_stmt_kind(SymbolTable *t, Stmt *s)
{
  switch (s->kind) {
  case STMT_FunctionDef: symtable_function(t, s, false); break;
  case STMT_AsyncFunctionDef: symtable_function(t, s, true); break;
  case STMT_ClassDef: symtable_class(t, s); break;
  case STMT_TypeAlias: symtable_type_alias(t, s); break;
  case STMT_Return:
    if (s->as.Return.value) {
      symtable_expr(t, s->as.Return.value);
      t->current->returns_value = true;
    }
    break;
  case STMT_Delete: symtable_exprs(t, &s->as.Delete.targets); break;
  case STMT_Assign:
    symtable_exprs(t, &s->as.Assign.targets);
    if (!t->failed) symtable_expr(t, s->as.Assign.value);
    break;
  case STMT_AnnAssign: symtable_annotated(t, s); break;
  case STMT_AugAssign:
    symtable_expr(t, s->as.AugAssign.target);
    if (!t->failed) symtable_expr(t, s->as.AugAssign.value);
    break;
  case STMT_For: case STMT_AsyncFor:             // ORDER: the same fields
    symtable_expr(t, s->as.For.target);
    if (!t->failed) symtable_expr(t, s->as.For.iter);
    symtable_stmts(t, &s->as.For.body);
    symtable_stmts(t, &s->as.For.orelse);
    if (s->kind == STMT_AsyncFor) t->current->coroutine = true;
    break;
  case STMT_While: case STMT_If:                 // ORDER: the same fields
    symtable_expr(t, s->as.If.test);
    symtable_stmts(t, &s->as.If.body);
    symtable_stmts(t, &s->as.If.orelse);
    break;
  case STMT_Match: symtable_match(t, s); break;
  case STMT_Raise:
    symtable_optional(t, s->as.Raise.exc);
    if (!t->failed) symtable_optional(t, s->as.Raise.cause);
    break;
  case STMT_Try: case STMT_TryStar: symtable_try(t, s); break;
  case STMT_Assert:
    symtable_expr(t, s->as.Assert.test);
    if (!t->failed) symtable_optional(t, s->as.Assert.msg);
    break;
  case STMT_Import: symtable_aliases(t, &s->as.Import.names); break;
  case STMT_ImportFrom: symtable_aliases(t, &s->as.ImportFrom.names); break;
  case STMT_Global: symtable_declare(t, s, &s->as.Global.names, true); break;
  case STMT_Nonlocal: symtable_declare(t, s, &s->as.Nonlocal.names, false); break;
  case STMT_Expr: symtable_expr(t, s->as.Expr.value); break;
  case STMT_With: symtable_with(t, &s->as.With.items, &s->as.With.body); break;
  case STMT_AsyncWith:
    symtable_with(t, &s->as.AsyncWith.items, &s->as.AsyncWith.body);
    t->current->coroutine = true;
    break;
  case STMT_Pass: case STMT_Break: case STMT_Continue: break;
  }
}

static void symtable_stmts(SymbolTable *t, const StmtSeq *seq)
{
  for (size_t i = 0; i < seq->count && !t->failed; i++) {
    if (!symtable_enter_node(t)) return;
    symtable_stmt_kind(t, seq->items[i]);
    t->depth--;
  }
}

// ---- resolving ----

static void symtable_nonlocal_error(SymbolTable *t, const Scope *scope, const Symbol *symbol, const char *format)
{
  const Directive *first = NULL;                 // of those that name it; the list begins with the last
  for (const Directive *d = scope->directives; d; d = d->next)
    if (cd_is(d->name, symbol->name)) first = d;
  if (first) SYMTABLE_ERROR(t, first, format, symbol->name);
  else SYMTABLE_ERROR(t, scope, format, symbol->name);
}

// `scope`, between the use of a name and the function that binds it, passes its cell on.
static void symtable_pass_on(SymbolTable *t, Scope *scope, Value name)
{
  Symbol *symbol = scope_symbol(t, scope, name);
  if (!symbol) return;
  scope->has_free = true;
  if (scope->kind == SCOPE_CLASS && (symbol->flags & (DEF_BOUND | DEF_GLOBAL))) {
    symbol->flags |= DEF_FREE_CLASS;
    return;
  }
  if (!symbol->flags) symbol->flags = DEF_FREE;
  symbol->binding = BINDING_FREE;
}

// The function around `scope` that binds `name`, its symbol made a cell; NULL: none. *global: it was declared global there.
static Scope *symtable_binder(SymbolTable *t, Scope *scope, Value name, bool *global)
{
  *global = false;
  for (Scope *outer = scope->parent; outer; outer = outer->parent) {
    if (outer->kind == SCOPE_MODULE) return NULL;
    if (outer->kind == SCOPE_CLASS) {
      if (cd_is(name, t->vm->names.__class__)) {
        outer->needs_class_closure = true;
        return outer;
      }
      if (cd_is(name, t->vm->names.__classdict__)) {
        outer->needs_classdict = true;
        return outer;
      }
      continue;
    }
    if (outer->kind == SCOPE_ANNOTATION) return NULL;
    Symbol *symbol = cd_scope_find(outer, name);
    if (!symbol) continue;
    if (symbol->flags & DEF_GLOBAL) {
      *global = true;
      return NULL;
    }
    if (symbol->flags & DEF_NONLOCAL) continue;
    if (symbol->flags & DEF_BOUND) {
      symbol->binding = BINDING_CELL;
      return outer;
    }
  }
  return NULL;
}

static bool symtable_capture(SymbolTable *t, Scope *scope, Value name)
{
  bool global;
  Scope *binder = symtable_binder(t, scope, name, &global);
  if (!binder) return false;
  for (Scope *between = scope->parent; between != binder; between = between->parent) symtable_pass_on(t, between, name);
  scope->has_free = true;
  return true;
}

// Names that a class binds are looked up in its namespace, then outside of all functions. true: this is one.
static bool symtable_resolve_in_class(const Scope *scope, Symbol *symbol)
{
  const Scope *around = scope->parent;
  while (around && around->kind != SCOPE_CLASS) around = around->parent;
  const Symbol *bound = around ? cd_scope_find(around, symbol->name) : NULL;
  if (!bound) return false;
  if (bound->flags & DEF_GLOBAL) symbol->binding = BINDING_GLOBAL_EXPLICIT;
  else if ((bound->flags & DEF_BOUND) && !(bound->flags & DEF_NONLOCAL)) symbol->binding = BINDING_GLOBAL_IMPLICIT;
  else return false;
  return true;
}

static bool symtable_is_type_param(const Scope *scope, Value name)
{
  for (; scope; scope = scope->parent) {
    const Symbol *symbol = scope->kind == SCOPE_CLASS ? NULL : cd_scope_find(scope, name);
    if (symbol && (symbol->flags & DEF_BOUND) && !(symbol->flags & DEF_NONLOCAL)) return symbol->flags & DEF_TYPE_PARAM;
  }
  return false;
}

static void symtable_resolve_symbol(SymbolTable *t, Scope *scope, uint32_t i)
{
  Symbol *symbol = &scope->symbols[i];
  Value name = symbol->name;
  uint32_t flags = symbol->flags;
  if (flags & DEF_GLOBAL) {
    if (flags & DEF_NONLOCAL) {
      symtable_nonlocal_error(t, scope, symbol, "name '%U' is nonlocal and global");
      return;
    }
    symbol->binding = BINDING_GLOBAL_EXPLICIT;
    return;
  }
  if (flags & DEF_NONLOCAL) {
    if (scope->kind == SCOPE_MODULE) {
      symtable_nonlocal_error(t, scope, symbol, "nonlocal declaration not allowed at module level");
      return;
    }
    if (symtable_is_type_param(scope->parent, name)) {
      symtable_nonlocal_error(t, scope, symbol, "nonlocal binding not allowed for type parameter '%U'");
      return;
    }
    if (!symtable_capture(t, scope, name)) {
      symtable_nonlocal_error(t, scope, symbol, "no binding for nonlocal '%U' found");
      return;
    }
    scope->symbols[i].binding = BINDING_FREE;
    return;
  }
  if (flags & DEF_BOUND) {
    if (symbol->binding != BINDING_CELL) symbol->binding = BINDING_LOCAL;
    return;
  }
  if (symbol->binding == BINDING_FREE) return;   // passed on
  if (scope->in_class && symtable_resolve_in_class(scope, symbol)) return;
  bool found = scope->kind != SCOPE_MODULE && symtable_capture(t, scope, name);
  scope->symbols[i].binding = found ? BINDING_FREE : BINDING_GLOBAL_IMPLICIT;
}

static void symtable_resolve(SymbolTable *t, Scope *scope)
{
  if (!symtable_enter_node(t)) return;
  for (uint32_t i = 0; i < scope->count && !t->failed; i++) symtable_resolve_symbol(t, scope, i);
  for (Scope *child = scope->first_child; child && !t->failed; child = child->next) {
    symtable_resolve(t, child);
    if (child->has_free || child->child_free) scope->child_free = true;
  }
  t->depth--;
}

bool cd_symtable_build(SymbolTable *table, VM *vm, Ast *ast, Mod *mod, int future_flags)
{
  SymbolTable *t = table;
  *t = (SymbolTable){.vm = vm, .ast = ast, .depth_limit = cd_compile_depth_limit(vm), .future_annotations = future_flags & 0x1000000};
  t->depth = vm->thread->recursion_depth * 3 < t->depth_limit / 2 ? vm->thread->recursion_depth * 3 : t->depth_limit / 2;
  Scope *top = symtable_push(t, SCOPE_MODULE, vm->names.top, mod);
  if (!top) return false;
  t->top = t->global = top;
  switch (mod->kind) {
  case MOD_Module: symtable_stmts(t, &mod->as.Module.body); break;
  case MOD_Interactive: symtable_stmts(t, &mod->as.Interactive.body); break;
  case MOD_Expression: symtable_expr(t, mod->as.Expression.body); break;
  case MOD_FunctionType: cd_raise_runtime(vm, "this compiler does not handle FunctionTypes"); t->failed = true; break;
  }
  t->current = NULL;
  if (!t->failed) symtable_resolve(t, top);
  return !t->failed;
}
