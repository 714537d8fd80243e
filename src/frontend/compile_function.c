// SPDX-License-Identifier: MIT
// compile_function.c: functions, lambdas and classes
#include "frontend/codegen.h"

#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- bodies ----

static Value body_docstring(const StmtSeq *body)
{
  if (!body->count || body->items[0]->kind != STMT_Expr) return NO_VALUE;
  const Expr *e = body->items[0]->as.Expr.value;
  return e->kind == EXPR_Constant && cd_is_str(e->as.Constant.value) ? e->as.Constant.value : NO_VALUE;
}

static bool body_has_annotations(const StmtSeq *body)
{
  for (size_t i = 0; i < body->count; i++) {
    const Stmt *s = body->items[i];
    switch (s->kind) {
    case STMT_AnnAssign: return true;
    case STMT_For: case STMT_AsyncFor:
      if (body_has_annotations(&s->as.For.body) || body_has_annotations(&s->as.For.orelse)) return true;
      break;
    case STMT_While: case STMT_If:
      if (body_has_annotations(&s->as.If.body) || body_has_annotations(&s->as.If.orelse)) return true;
      break;
    case STMT_With: case STMT_AsyncWith:
      if (body_has_annotations(&s->as.With.body)) return true;
      break;
    case STMT_Match:
      for (size_t k = 0; k < s->as.Match.cases.count; k++)
        if (body_has_annotations(&s->as.Match.cases.items[k]->body)) return true;
      break;
    case STMT_Try: case STMT_TryStar:
      for (size_t k = 0; k < s->as.Try.handlers.count; k++)
        if (body_has_annotations(&s->as.Try.handlers.items[k]->body)) return true;
      if (body_has_annotations(&s->as.Try.body) || body_has_annotations(&s->as.Try.finalbody) || body_has_annotations(&s->as.Try.orelse))
        return true;
      break;
    default: break;
    }
  }
  return false;
}

// A module's or class's body. Only a `documented` one sets __doc__.
void cd_body(Compiler *c, const StmtSeq *body, bool documented)
{
  Unit *u = c->unit;
  if (u->scope->kind == SCOPE_MODULE && body->count) u->at = POSITION_OF(body->items[0]);
  if (body_has_annotations(body)) cd_emit(c, OP_SETUP_ANNOTATIONS, 0, 0, 0);
  size_t first = 0;
  Value docstring = documented && c->optimize < 2 ? body_docstring(body) : NO_VALUE;
  if (docstring) {
    uint32_t depth = u->depth;
    Reg doc = cd_expr_push(c, body->items[0]->as.Expr.value);
    u->at = POSITION_OF(body->items[0]->as.Expr.value);
    cd_store_name_from(c, c->vm->names.__doc__, doc);
    cd_pop_to(c, depth);
    first = 1;
  }
  for (size_t i = first; i < body->count && !c->failed; i++) cd_stmt(c, body->items[i]);
}

// ---- parts of functions ----

static bool value_index(const ValueTable *table, Value name, uint32_t *out)
{
  for (uint32_t i = 0; i < table->count; i++)
    if (cd_is(table->items[i], name)) {
      *out = i;
      return true;
    }
  return false;
}

// A new temporary gets the tuple of the cells that `code` takes from here; there are some.
static void closure_tuple(Compiler *c, Value code)
{
  Unit *u = c->unit;
  Value frees = ((Code *)cd_object(code))->freevars;
  uint32_t n = (uint32_t)cd_tuple_size(frees), number;
  Reg tuple = cd_temp(u->depth);
  for (uint32_t i = 0; i < n; i++) {
    Value name = cd_tuple_item_borrow(frees, i);
    Reg cell = cd_push(c);
    if (value_index(&u->cells, name, &number)) cd_emit(c, OP_COPY, cell, REG_MAKE(REG_CELL, number), 0);
    else if (value_index(&u->frees, name, &number)) cd_emit(c, OP_COPY, cell, REG_MAKE(REG_FREE, number), 0);
    else {
      cd_raise(c->vm, c->vm->exc.SystemError, "no cell for %U in %U", name, u->name);
      c->failed = true;
      return;
    }
  }
  cd_emit(c, OP_BUILD_TUPLE, tuple, tuple, n);
  cd_pop_to(c, REG_NUMBER(tuple) + 1);
}

// As cd_make_closure; `params`, if any, is the temporary with the type parameters.
static void function_make(Compiler *c, Reg dst, Reg base, Value code, uint32_t flags, Reg params)
{
  if (c->failed || !code) return;
  if (((Code *)cd_object(code))->free_count) {
    closure_tuple(c, code);
    flags |= 8;
  }
  if (params != REG_NONE) {
    cd_emit(c, OP_MOVE, cd_push(c), params, 0);
    flags |= 16;
  }
  cd_emit(c, OP_LOAD_CONST, base, cd_new_const(c, code), 0);
  cd_emit(c, OP_MAKE_FUNCTION, dst, base, flags);
}

void cd_make_closure(Compiler *c, Reg dst, Reg base, Value code, uint32_t flags) { function_make(c, dst, base, code, flags, REG_NONE); }

static bool function_all_constant(const ExprSeq *seq)
{
  for (size_t i = 0; i < seq->count; i++)
    if (seq->items[i]->kind != EXPR_Constant) return false;
  return true;
}

static uint32_t function_defaults(Compiler *c, const ExprSeq *defaults)
{
  if (!defaults->count) return 0;
  Reg reg = cd_push(c);
  if (!function_all_constant(defaults)) {
    cd_tuple_display(c, defaults, reg);
    return 1;
  }
  Ref tuple = cd_tuple_new(c->vm, defaults->count);
  if (tuple)
    for (size_t i = 0; i < defaults->count; i++) cd_tuple_set(tuple, i, cd_dup(defaults->items[i]->as.Constant.value));
  Value kept = cd_own(c, tuple);
  if (kept) cd_load_const(c, reg, kept);
  return 1;
}

static uint32_t function_kwdefaults(Compiler *c, const Arguments *args)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth, n = 0;
  for (size_t i = 0; i < args->kwonlyargs.count; i++) {
    Expr *value = args->kw_defaults.items[i];
    if (!value) continue;
    Reg key = cd_push(c);
    cd_load_const(c, key, cd_mangled(c, args->kwonlyargs.items[i]->arg));
    cd_expr_push(c, value);
    n++;
  }
  if (!n) return 0;
  cd_emit(c, OP_BUILD_MAP, cd_temp(depth), cd_temp(depth), n);
  cd_pop_to(c, depth + 1);
  return 2;
}

static uint32_t function_annotation(Compiler *c, Value name, Expr *annotation)
{
  if (!annotation || c->failed) return 0;
  Reg key = cd_push(c);
  cd_load_const(c, key, cd_mangled(c, name));
  if (c->flags & CO_FUTURE_ANNOTATIONS) {
    Value text = cd_own(c, cd_unparse(c->vm, annotation));
    Reg reg = cd_push(c);
    if (text) cd_load_const(c, reg, text);
  } else if (annotation->kind == EXPR_Starred) { // *args: *Ts
    Reg reg = cd_push(c);
    cd_expr(c, annotation->as.Starred.value, reg);
    cd_emit(c, OP_UNPACK_SEQUENCE, reg, reg, 1);
  } else {
    cd_expr_push(c, annotation);
  }
  return 1;
}

static uint32_t function_arg_annotations(Compiler *c, const ArgSeq *args)
{
  uint32_t n = 0;
  for (size_t i = 0; i < args->count; i++) n += function_annotation(c, args->items[i]->arg, args->items[i]->annotation);
  return n;
}

static uint32_t function_annotations(Compiler *c, const Arguments *args, Expr *returns)
{
  uint32_t depth = c->unit->depth, n = 0;
  n += function_arg_annotations(c, &args->args);
  n += function_arg_annotations(c, &args->posonlyargs);
  if (args->vararg) n += function_annotation(c, args->vararg->arg, args->vararg->annotation);
  n += function_arg_annotations(c, &args->kwonlyargs);
  if (args->kwarg) n += function_annotation(c, args->kwarg->arg, args->kwarg->annotation);
  n += function_annotation(c, c->vm->names.return_, returns);
  if (!n) return 0;
  cd_emit(c, OP_BUILD_TUPLE, cd_temp(depth), cd_temp(depth), n * 2);
  cd_pop_to(c, depth + 1);
  return 4;
}

static void function_check_names(Compiler *c, const Arguments *args)
{
  const ArgSeq *const lists[] = {&args->posonlyargs, &args->args, &args->kwonlyargs};
  for (size_t k = 0; k < ARRAY_LEN(lists); k++)
    for (size_t i = 0; i < lists[k]->count; i++) cd_forbidden_name(c, lists[k]->items[i]->arg, CTX_Store);
  if (args->vararg) cd_forbidden_name(c, args->vararg->arg, CTX_Store);
  if (args->kwarg) cd_forbidden_name(c, args->kwarg->arg, CTX_Store);
}

static void function_counts(Unit *u, const Arguments *args)
{
  u->posonly_count = (uint32_t)args->posonlyargs.count;
  u->arg_count = (uint32_t)(args->posonlyargs.count + args->args.count);
  u->kwonly_count = (uint32_t)args->kwonlyargs.count;
}

// The code of a function's body.
static Value function_code(Compiler *c, Stmt *s, const void *node, int32_t first_line, bool async)
{
  Unit unit;
  const StmtSeq *body = &s->as.FunctionDef.body;
  cd_unit_enter(c, &unit, cd_symtable_find(&c->symbols, node), s->as.FunctionDef.name, first_line);
  unit.is_async = async;
  function_counts(&unit, s->as.FunctionDef.args);
  Value docstring = body_docstring(body);
  unit.docstring = docstring && c->optimize < 2 ? docstring : cd_none();
  cd_const(c, unit.docstring);
  for (size_t i = docstring ? 1 : 0; i < body->count && !c->failed; i++) cd_stmt(c, body->items[i]);
  unit.at = NO_POSITION;
  cd_return_const(c, cd_none());
  return cd_unit_leave(c);
}

// Decorators are called inside out: each is a callable with an empty self, and what follows is its argument.
static void decorators_push(Compiler *c, const ExprSeq *decorators)
{
  for (size_t i = 0; i < decorators->count && !c->failed; i++) {
    cd_expr_push(c, decorators->items[i]);
    Position at = c->unit->at;
    c->unit->at = POSITION_OF(decorators->items[i]);
    cd_emit(c, OP_LOAD_NOTHING, cd_push(c), 0, 0);
    c->unit->at = at;
  }
}

// The decorated thing is in the temporary on top; afterwards it is where the first decorator was.
static Reg decorators_call(Compiler *c, const ExprSeq *decorators, Reg reg)
{
  Unit *u = c->unit;
  Position at = u->at;
  for (size_t i = decorators->count; i-- > 0;) {
    Reg base = cd_temp(REG_NUMBER(reg) - 2);
    u->at = POSITION_OF(decorators->items[i]);
    cd_emit(c, OP_CALL, base, base, 1);
    reg = base;
  }
  u->at = at;
  return reg;
}

// ---- type parameters (PEP 695) ----

// A new temporary gets the function that evaluates an expression when asked, or None if there is none.
static void type_lazy(Compiler *c, Expr *const *key, Value name)
{
  Reg reg = cd_push(c);
  Expr *e = *key;
  if (!e) {
    cd_load_const(c, reg, cd_none());
    return;
  }
  Unit unit;
  cd_unit_enter(c, &unit, cd_symtable_find(&c->symbols, key), name, e->line);
  unit.docstring = cd_none();
  cd_const(c, cd_none());                        // the first constant is the docstring: none
  unit.at = POSITION_OF(e);
  Reg value = cd_operand(c, e->kind == EXPR_Starred ? e->as.Starred.value : e, NULL);
  if (e->kind == EXPR_Starred) {                 // *Ts = *tuple[int, ..]
    Reg item = cd_is_temp(value) ? value : cd_push(c);
    cd_emit(c, OP_UNPACK_SEQUENCE, item, value, 1);
    value = item;
  }
  cd_emit(c, OP_RETURN, value, 0, 0);
  Value code = cd_unit_leave(c);
  cd_make_closure(c, reg, reg, code, 0);
  cd_pop_to(c, REG_NUMBER(reg) + 1);
}

static void type_param(Compiler *c, TypeParam *p)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth, number = 0;
  Position at = u->at;
  Value name = p->as.TypeVar.name;               // ORDER: the name comes first in all three
  u->at = POSITION_OF(p);
  Reg base = cd_push(c);
  cd_load_const(c, base, name);
  switch (p->kind) {
  case TYPE_PARAM_TypeVar: {
    const Expr *bound = p->as.TypeVar.bound;
    bool tuple = bound && (bound->kind == EXPR_Tuple || (bound->kind == EXPR_Constant && cd_is_tuple(bound->as.Constant.value)));
    type_lazy(c, &p->as.TypeVar.bound, name);
    type_lazy(c, &p->as.TypeVar.default_value, name);
    number = tuple ? 6 : 1;
    break;
  }
  case TYPE_PARAM_ParamSpec:
    type_lazy(c, &p->as.ParamSpec.default_value, name);
    number = 2;
    break;
  case TYPE_PARAM_TypeVarTuple:
    type_lazy(c, &p->as.TypeVarTuple.default_value, name);
    number = 3;
    break;
  }
  u->at = POSITION_OF(p);
  cd_emit(c, OP_INTRINSIC, base, base, number);
  cd_pop_to(c, depth + 1);
  Reg twin = cd_push(c);
  cd_emit(c, OP_COPY, twin, base, 0);
  cd_store_name_from(c, name, twin);
  u->at = at;
  cd_pop_to(c, depth + 1);                       // the parameter itself stays for the tuple
}

// All parameters as a tuple in a new temporary.
static Reg type_params(Compiler *c, const TypeParamSeq *params)
{
  uint32_t depth = c->unit->depth;
  for (size_t i = 0; i < params->count && !c->failed; i++) type_param(c, params->items[i]);
  Reg tuple = cd_temp(depth);
  cd_emit(c, OP_BUILD_TUPLE, tuple, tuple, (uint32_t)params->count);
  cd_pop_to(c, depth + 1);
  return tuple;
}

static void type_params_enter(Compiler *c, Unit *unit, const TypeParamSeq *params, int32_t first_line, uint32_t arguments)
{
  Scope *scope = cd_symtable_find(&c->symbols, params->items);
  cd_unit_enter(c, unit, scope, scope->name, first_line);
  unit->arg_count = arguments;
  unit->docstring = cd_none();
}

// Calls the function of a type parameter block, which has `arguments` arguments behind base + 1.
static void type_params_run(Compiler *c, Reg base, Value code, uint32_t arguments)
{
  Reg part = cd_push(c);
  uint32_t depth = REG_NUMBER(part);
  cd_make_closure(c, base, part, code, 0);
  cd_pop_to(c, depth);
  cd_emit(c, OP_LOAD_NOTHING, cd_temp(REG_NUMBER(base) + 1), 0, 0);
  cd_emit(c, OP_CALL, base, base, arguments);
}

// ---- definitions ----

static bool function_has_kwdefaults(const Arguments *args)
{
  for (size_t i = 0; i < args->kwonlyargs.count; i++)
    if (args->kw_defaults.items[i]) return true;
  return false;
}

// def f[T](..): a function for the block of type parameters, which gets the defaults, is made and called; it gives f.
static void function_generic(Compiler *c, Stmt *s, bool async, int32_t first_line, Reg dst)
{
  Unit unit;
  Arguments *args = s->as.FunctionDef.args;
  cd_push(c);
  if (!function_defaults(c, &args->defaults)) cd_load_const(c, cd_push(c), cd_none());
  if (!function_kwdefaults(c, args)) cd_load_const(c, cd_push(c), cd_none());
  type_params_enter(c, &unit, &s->as.FunctionDef.type_params, first_line, 2);
  unit.at = POSITION_OF(s);
  Reg params = type_params(c, &s->as.FunctionDef.type_params), made = cd_push(c);
  uint32_t flags = 0;
  if (args->defaults.count) {
    cd_load_name_into(c, c->vm->names.dot_defaults, cd_push(c));
    flags |= 1;
  }
  if (function_has_kwdefaults(args)) {
    cd_load_name_into(c, c->vm->names.dot_kwdefaults, cd_push(c));
    flags |= 2;
  }
  flags |= function_annotations(c, args, s->as.FunctionDef.returns);
  function_make(c, made, made, function_code(c, s, s, first_line, async), flags, params);
  cd_emit(c, OP_RETURN, made, 0, 0);
  Value code = cd_unit_leave(c);
  type_params_run(c, dst, code, 2);
}

void cd_function_def(Compiler *c, Stmt *s, bool async)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  const ExprSeq *decorators = &s->as.FunctionDef.decorator_list;
  Arguments *args = s->as.FunctionDef.args;
  int32_t first_line = decorators->count ? decorators->items[0]->line : s->line;
  function_check_names(c, args);
  decorators_push(c, decorators);
  Reg base = cd_push(c);
  if (s->as.FunctionDef.type_params.count) {
    function_generic(c, s, async, first_line, base);
  } else {
    uint32_t flags = function_defaults(c, &args->defaults);
    flags |= function_kwdefaults(c, args);
    flags |= function_annotations(c, args, s->as.FunctionDef.returns);
    cd_make_closure(c, base, base, function_code(c, s, s, first_line, async), flags);
  }
  cd_pop_to(c, REG_NUMBER(base) + 1);
  Reg reg = decorators_call(c, decorators, base);
  cd_store_name_from(c, s->as.FunctionDef.name, reg);
  cd_pop_to(c, depth);
}

void cd_lambda(Compiler *c, Expr *e, Reg dst)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  Arguments *args = e->as.Lambda.args;
  function_check_names(c, args);
  Reg base = cd_push(c);
  uint32_t flags = function_defaults(c, &args->defaults);
  flags |= function_kwdefaults(c, args);
  Unit unit;
  cd_unit_enter(c, &unit, cd_symtable_find(&c->symbols, e), c->vm->names.angle_lambda, e->line);
  function_counts(&unit, args);
  unit.docstring = cd_none();
  cd_const(c, cd_none());                        // the first constant is the docstring: none
  unit.at = POSITION_OF(e->as.Lambda.body);
  Reg value = cd_operand(c, e->as.Lambda.body, NULL);
  cd_emit(c, OP_RETURN, value, 0, 0);
  cd_make_closure(c, dst, base, cd_unit_leave(c), flags);
  cd_pop_to(c, depth);
}

// ---- classes ----

// A register that holds the cell of a name of the class itself.
static Reg class_cell(const Unit *u, Value name)
{
  uint32_t number = 0;
  value_index(&u->cells, name, &number);
  return REG_MAKE(REG_CELL, number);
}

// What type parameters of methods and the like look names up in.
static void class_keep_namespace(Compiler *c, Reg reg)
{
  if (!c->unit->scope->needs_classdict) return;
  cd_emit(c, OP_INTRINSIC, reg, reg, 8);
  cd_emit(c, OP_STORE_CELL, class_cell(c->unit, c->vm->names.__classdict__), reg, 0);
}

// namespace[name] = a cell of the class, for type.__new__ to fill
static void class_store_cell(Compiler *c, Value cell, Value name)
{
  Reg reg = cd_push(c);
  cd_emit(c, OP_COPY, reg, class_cell(c->unit, cell), 0);
  cd_emit(c, OP_STORE_NAME, cd_name(c, name), reg, 0);
  cd_pop_to(c, REG_NUMBER(reg));
}

static Value class_code(Compiler *c, Stmt *s, int32_t first_line)
{
  Unit unit;
  VM *vm = c->vm;
  bool generic = s->as.ClassDef.type_params.count > 0;
  cd_unit_enter(c, &unit, cd_symtable_find(&c->symbols, s), s->as.ClassDef.name, first_line);
  unit.private_name = s->as.ClassDef.name;
  Reg reg = cd_push(c);
  class_keep_namespace(c, reg);
  cd_load_name_into(c, N(__name__), reg);
  cd_store_name_from(c, N(__module__), reg);
  cd_load_const(c, reg, unit.qualname);
  cd_store_name_from(c, N(__qualname__), reg);
  if (generic) {
    cd_load_name_into(c, N(dot_type_params), reg);
    cd_store_name_from(c, N(__type_params__), reg);
  }
  cd_pop_to(c, 0);
  cd_body(c, &s->as.ClassDef.body, true);
  unit.at = NO_POSITION;
  if (unit.scope->needs_classdict) class_store_cell(c, N(__classdict__), N(__classdictcell__));
  if (unit.scope->needs_class_closure) {
    class_store_cell(c, N(__class__), N(__classcell__));
    Reg cell = cd_push(c);
    cd_emit(c, OP_COPY, cell, class_cell(&unit, N(__class__)), 0);
    cd_emit(c, OP_RETURN, cell, 0, 0);
    cd_pop_to(c, 0);
  } else {
    cd_return_const(c, cd_none());
  }
  return cd_unit_leave(c);
}

// dst = __build_class__(body, name, *bases, **keywords); dst is the temporary on top.
static void class_build(Compiler *c, Stmt *s, Value code, Reg dst, const ExprSeq *bases)
{
  bool plain = cd_call_is_plain(bases, &s->as.ClassDef.keywords);
  cd_emit(c, OP_LOAD_BUILD_CLASS, dst, 0, 0);
  Reg self = cd_push(c);
  if (plain) cd_emit(c, OP_LOAD_NOTHING, self, 0, 0);
  Reg function = cd_push(c);
  cd_make_closure(c, function, function, code, 0);
  cd_pop_to(c, REG_NUMBER(function) + 1);
  cd_load_const(c, cd_push(c), s->as.ClassDef.name);
  cd_call_arguments(c, dst, dst, 2, bases, &s->as.ClassDef.keywords, !plain);
  cd_pop_to(c, REG_NUMBER(dst) + 1);
}

// class C[T](bases): built in the block of its type parameters, with Generic[T] as last base.
static void class_generic(Compiler *c, Stmt *s, int32_t first_line, Reg dst)
{
  Unit unit;
  VM *vm = c->vm;
  const ExprSeq *bases = &s->as.ClassDef.bases;
  cd_push(c);
  type_params_enter(c, &unit, &s->as.ClassDef.type_params, first_line, 0);
  unit.at = POSITION_OF(s);
  Reg params = type_params(c, &s->as.ClassDef.type_params), twin = cd_push(c);
  cd_emit(c, OP_COPY, twin, params, 0);
  cd_store_name_from(c, N(dot_type_params), twin);
  cd_emit(c, OP_INTRINSIC, params, params, 5);
  Value title = N(dot_generic_base);
  ExprSeq all = {bases->count + 1, cd_ast_array(c->ast, bases->count + 1, sizeof(Expr *))};
  Expr *generic = cd_expr_new(c->ast, EXPR_Name);
  if (!all.items || !generic) c->failed = true;
  else {
    for (size_t i = 0; i < bases->count; i++) all.items[i] = bases->items[i];
    cd_ast_at(generic, s);
    generic->as.Name.id = title;
    all.items[bases->count] = generic;
    cd_store_name_from(c, title, params);
    cd_pop_to(c, 0);
    Value code = class_code(c, s, first_line);
    Reg built = cd_push(c);
    class_build(c, s, code, built, &all);
    cd_emit(c, OP_RETURN, built, 0, 0);
  }
  Value code = cd_unit_leave(c);
  type_params_run(c, dst, code, 0);
}

void cd_class_def(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  const ExprSeq *decorators = &s->as.ClassDef.decorator_list;
  int32_t first_line = decorators->count ? decorators->items[0]->line : s->line;
  decorators_push(c, decorators);
  Reg base = cd_push(c);
  if (s->as.ClassDef.type_params.count) {
    class_generic(c, s, first_line, base);
  } else {
    Value code = class_code(c, s, first_line);
    class_build(c, s, code, base, &s->as.ClassDef.bases);
  }
  cd_pop_to(c, REG_NUMBER(base) + 1);
  Reg reg = decorators_call(c, decorators, base);
  cd_store_name_from(c, s->as.ClassDef.name, reg);
  cd_pop_to(c, depth);
}

// ---- type aliases ----

// dst = TypeAliasType(name, params, evaluator); `params` is a temporary or REG_NONE.
static void alias_build(Compiler *c, Stmt *s, Reg dst, Reg params)
{
  uint32_t depth = c->unit->depth;
  Value name = s->as.TypeAlias.name->as.Name.id;
  Reg base = cd_push(c);
  cd_load_const(c, base, name);
  Reg tuple = cd_push(c);
  if (params == REG_NONE) cd_load_const(c, tuple, cd_none());
  else cd_emit(c, OP_MOVE, tuple, params, 0);
  type_lazy(c, &s->as.TypeAlias.value, name);
  cd_emit(c, OP_INTRINSIC, dst, base, 4);
  cd_pop_to(c, depth);
}

void cd_type_alias(Compiler *c, Stmt *s)
{
  Unit *u = c->unit;
  uint32_t depth = u->depth;
  Reg dst = cd_push(c);
  if (s->as.TypeAlias.type_params.count) {
    Unit unit;
    cd_push(c);
    type_params_enter(c, &unit, &s->as.TypeAlias.type_params, s->line, 0);
    unit.at = POSITION_OF(s);
    Reg params = type_params(c, &s->as.TypeAlias.type_params), made = cd_push(c);
    alias_build(c, s, made, params);
    cd_emit(c, OP_RETURN, made, 0, 0);
    Value code = cd_unit_leave(c);
    type_params_run(c, dst, code, 0);
  } else {
    alias_build(c, s, dst, REG_NONE);
  }
  cd_store(c, s->as.TypeAlias.name, dst);
  cd_pop_to(c, depth);
}
