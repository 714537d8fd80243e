// TEMPORARY: stands in until the real files land; whoever lands those deletes this file.
// SPDX-License-Identifier: MIT
#pragma GCC diagnostic ignored "-Wmisleading-indentation"
// bridge_compile.c: a straight one-pass compiler
#include "frontend/compile.h"

#include "bytecode/code.h"
#include "objects/dict.h"
#include "objects/list.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include <stdio.h>

// ---- scopes ----
typedef enum { SC_MODULE, SC_CLASS, SC_FUNCTION, SC_COMP } ScopeKind;
enum { S_BOUND = 1, S_PARAM = 2, S_GLOBAL = 4, S_NONLOCAL = 8, S_USED = 16, S_CELL = 32, S_FREE = 64, S_DELETED = 128, S_LOCAL = 256, S_IMPLICIT = 512 };
typedef struct Sym { Value name; int flags; int reg; } Sym;
typedef struct Scope Scope;
struct Scope {
  ScopeKind kind; Scope *parent; const void *node; Value class_name;
  Sym *syms; size_t count, cap; Scope **kids; size_t nkids, capkids;
  bool generator, coroutine, walrus, needs_class; 
};
typedef struct Bc {
  VM *vm; Ast *ast; Value filename; int optimize, flags; bool failed; CompileMode mode; struct Unit *u; Scope *top, *cur; Value private_name;
} Bc;

static void *bz(Bc *c, size_t n) { void *p = cd_ast_alloc(c->ast, n ? n : 1); if (!p) c->failed = true; return p; }
static Value bmangle(Bc *c, Value name)
{
  if (!c->private_name) return name;
  const char *s = cd_str_data(name); size_t n = cd_str_size(name);
  if (n < 3 || s[0] != '_' || s[1] != '_' || (s[n - 1] == '_' && s[n - 2] == '_')) return name;
  const char *k = cd_str_data(c->private_name);
  while (*k == '_') k++;
  if (!*k) return name;
  char buf[1024]; int m = snprintf(buf, sizeof buf, "_%s%s", k, s);
  return cd_ast_name(c->ast, buf, (size_t)m);
}
static Scope *scope_new(Bc *c, ScopeKind kind, const void *node)
{
  Scope *s = bz(c, sizeof *s), *p = c->cur;
  if (!s) return NULL;
  s->kind = kind; s->parent = p; s->node = node;
  if (p) {
    if (p->nkids == p->capkids) { size_t cap = p->capkids ? p->capkids * 2 : 4; Scope **k = bz(c, cap * sizeof *k); if (!k) return NULL; if (p->nkids) memcpy(k, p->kids, p->nkids * sizeof *k); p->kids = k; p->capkids = cap; }
    p->kids[p->nkids++] = s;
  }
  return s;
}
static Sym *sym_find(Scope *s, Value name) { for (size_t i = 0; i < s->count; i++) if (cd_is(s->syms[i].name, name)) return &s->syms[i]; return NULL; }
static Sym *sym_add(Bc *c, Scope *s, Value name, int flags)
{
  Sym *y = sym_find(s, name);
  if (!y) {
    if (s->count == s->cap) { size_t cap = s->cap ? s->cap * 2 : 8; Sym *k = bz(c, cap * sizeof *k); if (!k) return NULL; if (s->count) memcpy(k, s->syms, s->count * sizeof *k); s->syms = k; s->cap = cap; }
    y = &s->syms[s->count++]; *y = (Sym){name, 0, -1};
  }
  y->flags |= flags;
  return y;
}
static void sx(Bc *c, Expr *e); static void ss(Bc *c, Stmt *s);
static void sxs(Bc *c, ExprSeq q) { for (size_t i = 0; i < q.count; i++) if (q.items[i]) sx(c, q.items[i]); }
static void sss(Bc *c, StmtSeq q) { for (size_t i = 0; i < q.count; i++) ss(c, q.items[i]); }
static void sname(Bc *c, Value n, int f) { sym_add(c, c->cur, bmangle(c, n), f); }
static void sargs(Bc *c, Arguments *a)
{
  for (size_t i = 0; i < a->posonlyargs.count; i++) sname(c, a->posonlyargs.items[i]->arg, S_PARAM | S_BOUND);
  for (size_t i = 0; i < a->args.count; i++) sname(c, a->args.items[i]->arg, S_PARAM | S_BOUND);
  for (size_t i = 0; i < a->kwonlyargs.count; i++) sname(c, a->kwonlyargs.items[i]->arg, S_PARAM | S_BOUND);
  if (a->vararg) sname(c, a->vararg->arg, S_PARAM | S_BOUND);
  if (a->kwarg) sname(c, a->kwarg->arg, S_PARAM | S_BOUND);
}
static void sargs_outer(Bc *c, Arguments *a, Expr *returns)
{
  sxs(c, a->defaults); sxs(c, a->kw_defaults);
  ArgSeq *q[] = {&a->posonlyargs, &a->args, &a->kwonlyargs};
  for (int k = 0; k < 3; k++) for (size_t i = 0; i < q[k]->count; i++) if (q[k]->items[i]->annotation) sx(c, q[k]->items[i]->annotation);
  if (a->vararg && a->vararg->annotation) sx(c, a->vararg->annotation);
  if (a->kwarg && a->kwarg->annotation) sx(c, a->kwarg->annotation);
  if (returns) sx(c, returns);
}
static void sfunc(Bc *c, const void *node, Arguments *a, StmtSeq body, Expr *lambda, bool coro)
{
  Scope *s = scope_new(c, SC_FUNCTION, node), *save = c->cur; if (!s) return;
  s->coroutine = coro; c->cur = s; sargs(c, a); if (lambda) sx(c, lambda); else sss(c, body); c->cur = save;
}
static void scomp(Bc *c, Expr *e, ComprehensionSeq g, Expr *elt, Expr *val)
{
  sx(c, g.items[0]->iter);
  Scope *s = scope_new(c, SC_COMP, e), *save = c->cur; if (!s) return;
  c->cur = s; sym_add(c, s, c->vm->names.dot_0, S_PARAM | S_BOUND);
  if (e->kind == EXPR_GeneratorExp) s->generator = true;
  for (size_t i = 0; i < g.count; i++) { if (i) sx(c, g.items[i]->iter); sx(c, g.items[i]->target); sxs(c, g.items[i]->ifs); if (g.items[i]->is_async) s->coroutine = true; }
  sx(c, elt); if (val) sx(c, val);
  c->cur = save;
  if (s->coroutine && e->kind != EXPR_GeneratorExp && save->kind == SC_COMP) save->coroutine = true;
}
static void sx(Bc *c, Expr *e)
{
  if (!e || c->failed) return;
  switch (e->kind) {
  case EXPR_BoolOp: sxs(c, e->as.BoolOp.values); break;
  case EXPR_NamedExpr: {
    Scope *s = c->cur; sx(c, e->as.NamedExpr.value);
    while (s->kind == SC_COMP) { s->walrus = true; s = s->parent; }
    s->walrus = true; Value n = bmangle(c, e->as.NamedExpr.target->as.Name.id);
    if (s != c->cur) { sym_add(c, s, n, S_BOUND); for (Scope *k = c->cur; k != s; k = k->parent) sym_add(c, k, n, s->kind == SC_FUNCTION && !(sym_find(s, n)->flags & S_GLOBAL) ? S_NONLOCAL : S_GLOBAL); }
    else sym_add(c, s, n, S_BOUND);
    break; }
  case EXPR_BinOp: sx(c, e->as.BinOp.left); sx(c, e->as.BinOp.right); break;
  case EXPR_UnaryOp: sx(c, e->as.UnaryOp.operand); break;
  case EXPR_Lambda: sargs_outer(c, e->as.Lambda.args, NULL); sfunc(c, e, e->as.Lambda.args, (StmtSeq){0}, e->as.Lambda.body, false); break;
  case EXPR_IfExp: sx(c, e->as.IfExp.test); sx(c, e->as.IfExp.body); sx(c, e->as.IfExp.orelse); break;
  case EXPR_Dict: sxs(c, e->as.Dict.keys); sxs(c, e->as.Dict.values); break;
  case EXPR_Set: sxs(c, e->as.Set.elts); break;
  case EXPR_ListComp: scomp(c, e, e->as.ListComp.generators, e->as.ListComp.elt, NULL); break;
  case EXPR_SetComp: scomp(c, e, e->as.SetComp.generators, e->as.SetComp.elt, NULL); break;
  case EXPR_GeneratorExp: scomp(c, e, e->as.GeneratorExp.generators, e->as.GeneratorExp.elt, NULL); break;
  case EXPR_DictComp: scomp(c, e, e->as.DictComp.generators, e->as.DictComp.key, e->as.DictComp.value); break;
  case EXPR_Await: sx(c, e->as.Await.value); if (c->cur->kind == SC_COMP) c->cur->coroutine = true; break;
  case EXPR_Yield: c->cur->generator = true; if (e->as.Yield.value) sx(c, e->as.Yield.value); break;
  case EXPR_YieldFrom: c->cur->generator = true; sx(c, e->as.YieldFrom.value); break;
  case EXPR_Compare: sx(c, e->as.Compare.left); sxs(c, e->as.Compare.comparators); break;
  case EXPR_Call: sx(c, e->as.Call.func); sxs(c, e->as.Call.args); for (size_t i = 0; i < e->as.Call.keywords.count; i++) sx(c, e->as.Call.keywords.items[i]->value); break;
  case EXPR_FormattedValue: sx(c, e->as.FormattedValue.value); sx(c, e->as.FormattedValue.format_spec); break;
  case EXPR_JoinedStr: sxs(c, e->as.JoinedStr.values); break;
  case EXPR_Constant: break;
  case EXPR_Attribute: sx(c, e->as.Attribute.value); break;
  case EXPR_Subscript: sx(c, e->as.Subscript.value); sx(c, e->as.Subscript.slice); break;
  case EXPR_Starred: sx(c, e->as.Starred.value); break;
  case EXPR_Name:
    sname(c, e->as.Name.id, e->as.Name.ctx == CTX_Load ? S_USED : e->as.Name.ctx == CTX_Store ? S_BOUND : S_BOUND | S_DELETED);
    if (e->as.Name.ctx == CTX_Load && cd_str_is(e->as.Name.id, "super") && c->cur->kind != SC_MODULE && c->cur->kind != SC_CLASS) sym_add(c, c->cur, c->vm->names.__class__, S_USED);
    break;
  case EXPR_List: sxs(c, e->as.List.elts); break;
  case EXPR_Tuple: sxs(c, e->as.Tuple.elts); break;
  case EXPR_Slice: sx(c, e->as.Slice.lower); sx(c, e->as.Slice.upper); sx(c, e->as.Slice.step); break;
  }
}
static void spat(Bc *c, Pattern *p)
{
  if (!p) return;
  switch (p->kind) {
  case PATTERN_MatchValue: sx(c, p->as.MatchValue.value); break;
  case PATTERN_MatchSingleton: break;
  case PATTERN_MatchSequence: for (size_t i = 0; i < p->as.MatchSequence.patterns.count; i++) spat(c, p->as.MatchSequence.patterns.items[i]); break;
  case PATTERN_MatchMapping: sxs(c, p->as.MatchMapping.keys); for (size_t i = 0; i < p->as.MatchMapping.patterns.count; i++) spat(c, p->as.MatchMapping.patterns.items[i]); if (p->as.MatchMapping.rest) sname(c, p->as.MatchMapping.rest, S_BOUND); break;
  case PATTERN_MatchClass: sx(c, p->as.MatchClass.cls); for (size_t i = 0; i < p->as.MatchClass.patterns.count; i++) spat(c, p->as.MatchClass.patterns.items[i]); for (size_t i = 0; i < p->as.MatchClass.kwd_patterns.count; i++) spat(c, p->as.MatchClass.kwd_patterns.items[i]); break;
  case PATTERN_MatchStar: if (p->as.MatchStar.name) sname(c, p->as.MatchStar.name, S_BOUND); break;
  case PATTERN_MatchAs: spat(c, p->as.MatchAs.pattern); if (p->as.MatchAs.name) sname(c, p->as.MatchAs.name, S_BOUND); break;
  case PATTERN_MatchOr: for (size_t i = 0; i < p->as.MatchOr.patterns.count; i++) spat(c, p->as.MatchOr.patterns.items[i]); break;
  }
}
static void stry(Bc *c, StmtSeq b, ExceptHandlerSeq h, StmtSeq o, StmtSeq f)
{
  sss(c, b);
  for (size_t i = 0; i < h.count; i++) { if (h.items[i]->type) sx(c, h.items[i]->type); if (h.items[i]->name) sname(c, h.items[i]->name, S_BOUND | S_DELETED); sss(c, h.items[i]->body); }
  sss(c, o); sss(c, f);
}
static void ss(Bc *c, Stmt *s)
{
  if (c->failed) return;
  switch (s->kind) {
  case STMT_FunctionDef: case STMT_AsyncFunctionDef:
    sname(c, s->as.FunctionDef.name, S_BOUND); sxs(c, s->as.FunctionDef.decorator_list); sargs_outer(c, s->as.FunctionDef.args, s->as.FunctionDef.returns);
    sfunc(c, s, s->as.FunctionDef.args, s->as.FunctionDef.body, NULL, s->kind == STMT_AsyncFunctionDef); break;
  case STMT_ClassDef: {
    sname(c, s->as.ClassDef.name, S_BOUND); sxs(c, s->as.ClassDef.decorator_list); sxs(c, s->as.ClassDef.bases);
    for (size_t i = 0; i < s->as.ClassDef.keywords.count; i++) sx(c, s->as.ClassDef.keywords.items[i]->value);
    Scope *k = scope_new(c, SC_CLASS, s), *save = c->cur; Value pn = c->private_name; if (!k) return;
    c->cur = k; c->private_name = s->as.ClassDef.name; sss(c, s->as.ClassDef.body); c->private_name = pn; c->cur = save; break; }
  case STMT_Return: if (s->as.Return.value) sx(c, s->as.Return.value); break;
  case STMT_Delete: sxs(c, s->as.Delete.targets); break;
  case STMT_Assign: sx(c, s->as.Assign.value); sxs(c, s->as.Assign.targets); break;
  case STMT_AugAssign: sx(c, s->as.AugAssign.target); sx(c, s->as.AugAssign.value); break;
  case STMT_AnnAssign: sx(c, s->as.AnnAssign.target); sx(c, s->as.AnnAssign.annotation); if (s->as.AnnAssign.value) sx(c, s->as.AnnAssign.value); break;
  case STMT_For: case STMT_AsyncFor: sx(c, s->as.For.iter); sx(c, s->as.For.target); sss(c, s->as.For.body); sss(c, s->as.For.orelse); break;
  case STMT_While: sx(c, s->as.While.test); sss(c, s->as.While.body); sss(c, s->as.While.orelse); break;
  case STMT_If: sx(c, s->as.If.test); sss(c, s->as.If.body); sss(c, s->as.If.orelse); break;
  case STMT_With: case STMT_AsyncWith: for (size_t i = 0; i < s->as.With.items.count; i++) { sx(c, s->as.With.items.items[i]->context_expr); if (s->as.With.items.items[i]->optional_vars) sx(c, s->as.With.items.items[i]->optional_vars); } sss(c, s->as.With.body); break;
  case STMT_Match: sx(c, s->as.Match.subject); for (size_t i = 0; i < s->as.Match.cases.count; i++) { spat(c, s->as.Match.cases.items[i]->pattern); if (s->as.Match.cases.items[i]->guard) sx(c, s->as.Match.cases.items[i]->guard); sss(c, s->as.Match.cases.items[i]->body); } break;
  case STMT_Raise: sx(c, s->as.Raise.exc); sx(c, s->as.Raise.cause); break;
  case STMT_Try: stry(c, s->as.Try.body, s->as.Try.handlers, s->as.Try.orelse, s->as.Try.finalbody); break;
  case STMT_TryStar: stry(c, s->as.TryStar.body, s->as.TryStar.handlers, s->as.TryStar.orelse, s->as.TryStar.finalbody); break;
  case STMT_Assert: sx(c, s->as.Assert.test); sx(c, s->as.Assert.msg); break;
  case STMT_Import: for (size_t i = 0; i < s->as.Import.names.count; i++) { Alias *a = s->as.Import.names.items[i]; if (a->asname) sname(c, a->asname, S_BOUND); else { const char *t = cd_str_data(a->name), *dot = strchr(t, '.'); sname(c, cd_ast_name(c->ast, t, dot ? (size_t)(dot - t) : strlen(t)), S_BOUND); } } break;
  case STMT_ImportFrom: for (size_t i = 0; i < s->as.ImportFrom.names.count; i++) { Alias *a = s->as.ImportFrom.names.items[i]; if (!cd_str_is(a->name, "*")) sname(c, a->asname ? a->asname : a->name, S_BOUND); } break;
  case STMT_Global: for (size_t i = 0; i < s->as.Global.names.count; i++) sname(c, s->as.Global.names.items[i], S_GLOBAL); break;
  case STMT_Nonlocal: for (size_t i = 0; i < s->as.Nonlocal.names.count; i++) sname(c, s->as.Nonlocal.names.items[i], S_NONLOCAL); break;
  case STMT_Expr: sx(c, s->as.Expr.value); break;
  default: break;
  }
}
// Is `name` provided by an enclosing function of s? Marks cells and free variables on the way.
static bool s_capture(Bc *c, Scope *s, Value name)
{
  for (Scope *p = s->parent; p; p = p->parent) {
    if (p->kind == SC_MODULE) return false;
    Sym *y = sym_find(p, name);
    if (p->kind == SC_CLASS) {
      if (cd_is(name, c->vm->names.__class__)) { p->needs_class = true; goto found; }
      continue;
    }
    if (y && (y->flags & S_GLOBAL)) return false;
    if (y && (y->flags & S_BOUND) && !(y->flags & S_NONLOCAL)) { y->flags |= S_CELL; goto found; }
    continue;
  found:
    for (Scope *k = s; k != p; k = k->parent) sym_add(c, k, name, S_FREE);
    return true;
  }
  return false;
}
static void s_resolve(Bc *c, Scope *s)
{
  for (size_t i = 0; i < s->count; i++) {
    int f = s->syms[i].flags; Value n = s->syms[i].name;
    if (f & S_GLOBAL || s->kind == SC_MODULE) continue;
    if (f & S_NONLOCAL) { if (!s_capture(c, s, n)) { cd_raise(c->vm, c->vm->exc.SyntaxError, "no binding for nonlocal '%U' found", n); c->failed = true; } continue; }
    if (f & S_BOUND) continue;
    if (f & S_USED) s_capture(c, s, n);
  }
  for (size_t i = 0; i < s->nkids; i++) s_resolve(c, s->kids[i]);
}

// ---- code ----
typedef struct Lab { int pos; } Lab;
typedef struct Fix { int at, label; } Fix;
typedef enum { FB_LOOP, FB_FOR, FB_ASYNC_FOR, FB_FINALLY, FB_FINALLY_END, FB_WITH, FB_ASYNC_WITH, FB_HANDLER, FB_NAME, FB_TRY } FbKind;
typedef struct Fb { FbKind kind; int brk, cont, depth, handler, start; StmtSeq body; Value name; Stmt *node; } Fb;
typedef struct Unit {
  struct Unit *parent; Scope *scope; Value name, qualname; int first_line; unsigned flags; int args, posonly, kwonly;
  Instr *in; Position *pos; uint8_t *isx; int n, cap; int *labels; int nlabels, caplabels; Fix *fixes; int nfix, capfix;
  Handler *h; int nh, caph; Ref consts, const_map, names, name_map; int nlocals, ncells, nfree, first_temp, depth, max; Fb fb[64]; int nfb; Position at; Value *cells, *frees;
} Unit;
#define GROW(c, arr, n, cap, T) do { if ((n) == (cap)) { int nc_ = (cap) ? (cap) * 2 : 16; T *na_ = bz(c, (size_t)nc_ * sizeof(T)); if (!na_) return 0; if (n) memcpy(na_, arr, (size_t)(n) * sizeof(T)); arr = na_; cap = nc_; } } while (0)
static int ins_grow(Bc *c)
{
  Unit *u = c->u;
  if (u->n == u->cap) {
    int nc = u->cap ? u->cap * 2 : 64; Instr *a = bz(c, (size_t)nc * sizeof *a); Position *p = bz(c, (size_t)nc * sizeof *p); uint8_t *x = bz(c, (size_t)nc); if (!a || !p || !x) return 0;
    if (u->n) { memcpy(a, u->in, (size_t)u->n * sizeof *a); memcpy(p, u->pos, (size_t)u->n * sizeof *p); memcpy(x, u->isx, (size_t)u->n); }
    u->in = a; u->pos = p; u->isx = x; u->cap = nc;
  }
  return 1;
}
static int em(Bc *c, int op, int a, int b, int d)
{
  Unit *u = c->u; if (c->failed || !ins_grow(c)) return 0;
  int at = u->n;
  u->in[u->n] = (Instr){(uint16_t)op, (uint16_t)a, (uint16_t)b, (uint16_t)d}; u->pos[u->n] = u->at; u->isx[u->n] = 0; u->n++;
  if (a > 65535 || b > 65535 || d > 65535) { cd_raise(c->vm, c->vm->exc.SyntaxError, "too large"); c->failed = true; }
  if (cd_opcode_units[op] == 2) { if (!ins_grow(c)) return 0; InstrExtra x = {0, 0}; if (op == OP_CALL) x.jump = -1; memcpy(&u->in[u->n], &x, 8); u->pos[u->n] = u->at; u->isx[u->n] = 1; u->n++; }
  return at;
}
static int lab(Bc *c) { Unit *u = c->u; GROW(c, u->labels, u->nlabels, u->caplabels, int); u->labels[u->nlabels] = -1; return u->nlabels++; }
static void here(Bc *c, int l) { if (!c->failed) c->u->labels[l] = c->u->n; }
static int emj(Bc *c, int op, int a, int b, int d, int l) { int at = em(c, op, a, b, d); if (c->failed) return 0; Unit *u = c->u; GROW(c, u->fixes, u->nfix, u->capfix, Fix); u->fixes[u->nfix++] = (Fix){at, l}; return at; }
static int tmp(Bc *c) { Unit *u = c->u; int t = u->first_temp + u->depth++; if (u->depth > u->max) u->max = u->depth; return t; }
static int top(Bc *c) { return c->u->first_temp + c->u->depth; }
static void pop(Bc *c, int n) { c->u->depth -= n; }
#define AT(c, node) ((c)->u->at = (Position){(node)->line, (node)->end_line, (node)->column, (node)->end_column})
static int kst(Bc *c, Value v)
{
  VM *vm = c->vm; Unit *u = c->u; Ref hit = NO_REF; if (c->failed) return 0;
  bool keyed = cd_is_exact(v, vm->types.str) || cd_is_small(v);
  if (keyed && cd_dict_find(vm, u->const_map, v, &hit) == FIND_HIT) { int i = (int)cd_small(hit); return i; }
  if (!keyed && !cd_is_object(v)) for (size_t i = 0; i < cd_list_size(u->consts) && i < 16; i++) if (cd_is(cd_list_item_borrow(u->consts, i), v)) return (int)i;
  int i = (int)cd_list_size(u->consts);
  if (!cd_list_append(vm, cd_as_list(u->consts), v) || (keyed && !cd_dict_set(vm, u->const_map, v, cd_from_small(i)))) c->failed = true;
  return i;
}
static int nam(Bc *c, Value v)
{
  VM *vm = c->vm; Unit *u = c->u; Ref hit; if (c->failed) return 0;
  if (cd_dict_find(vm, u->name_map, v, &hit) == FIND_HIT) return (int)cd_small(hit);
  int i = (int)cd_list_size(u->names);
  if (!cd_list_append(vm, cd_as_list(u->names), v) || !cd_dict_set(vm, u->name_map, v, cd_from_small(i))) c->failed = true;
  return i;
}
static int kown(Bc *c, Ref v) { Value b = cd_ast_own(c->ast, v); if (!b) { c->failed = true; return 0; } return kst(c, b); }
static Scope *kid(Bc *c, const void *node) { Scope *s = c->u->scope; for (size_t i = 0; i < s->nkids; i++) if (s->kids[i]->node == node) return s->kids[i]; return NULL; }

static void to(Bc *c, Expr *e, int dst);
static int any(Bc *c, Expr *e);           // a readable register: a checked local, or a new temporary on top
static void st(Bc *c, Stmt *s);
static void sts(Bc *c, StmtSeq q) { for (size_t i = 0; i < q.count && !c->failed; i++) st(c, q.items[i]); }
static int push(Bc *c, Expr *e) { int t = top(c); int d = c->u->depth; to(c, e, t); c->u->depth = d; return tmp(c); }
static bool istmp(Bc *c, int r) { return r >= c->u->first_temp; }
static void done(Bc *c, int r) { if (istmp(c, r)) pop(c, 1); }

typedef enum { N_FAST, N_CELL, N_CLASSCELL, N_GLOBAL, N_NAME } NKind;
static NKind nkind(Bc *c, Value *name, int *reg)
{
  *name = bmangle(c, *name); Scope *s = c->u->scope; Sym *y = sym_find(s, *name); int f = y ? y->flags : 0;
  if (s->kind == SC_MODULE) return f & S_GLOBAL ? N_GLOBAL : N_NAME;
  if (s->kind == SC_CLASS) {
    if (f & S_GLOBAL) return N_GLOBAL;
    if (f & S_NONLOCAL) { *reg = y->reg; return N_CELL; }
    if ((f & S_FREE) && !(f & S_BOUND)) { *reg = y->reg; return N_CLASSCELL; }
    if (s->needs_class && cd_is(*name, c->vm->names.__class__) && !(f & S_BOUND) ) return N_NAME;
    return N_NAME;
  }
  if (f & S_GLOBAL) return N_GLOBAL;
  if (f & (S_CELL | S_FREE)) { *reg = y->reg; return N_CELL; }
  if (f & S_BOUND) { *reg = y->reg; return N_FAST; }
  return N_GLOBAL;
}
static void load(Bc *c, Value name, int dst)
{
  int r = 0;
  switch (nkind(c, &name, &r)) {
  case N_FAST: { Sym *y = sym_find(c->u->scope, name); if (!(y->flags & S_PARAM) || (y->flags & S_DELETED)) em(c, OP_CHECK_LOCAL, r, 0, 0); if (r != dst) em(c, OP_COPY, dst, r, 0); break; }
  case N_CELL: em(c, OP_LOAD_CELL, dst, r, 0); break;
  case N_CLASSCELL: em(c, OP_LOAD_CLASS_CELL, dst, r, 0); break;
  case N_GLOBAL: em(c, OP_LOAD_GLOBAL, dst, nam(c, name), 0); break;
  case N_NAME: em(c, OP_LOAD_NAME, dst, nam(c, name), 0); break;
  }
}
static void store(Bc *c, Value name, int src)
{
  int r = 0;
  switch (nkind(c, &name, &r)) {
  case N_FAST: if (src != r) em(c, OP_MOVE, r, src, 0); break;
  case N_CELL: em(c, OP_STORE_CELL, r, src, 0); break;
  case N_GLOBAL: em(c, OP_STORE_GLOBAL, nam(c, name), src, 0); break;
  default: em(c, OP_STORE_NAME, nam(c, name), src, 0); break;
  }
}
static void del(Bc *c, Value name)
{
  int r = 0;
  switch (nkind(c, &name, &r)) {
  case N_FAST: em(c, OP_DELETE_LOCAL, r, 0, 0); break;
  case N_CELL: em(c, OP_DELETE_CELL, r, 0, 0); break;
  case N_GLOBAL: em(c, OP_DELETE_GLOBAL, nam(c, name), 0, 0); break;
  default: em(c, OP_DELETE_NAME, nam(c, name), 0, 0); break;
  }
}
// ---- fblocks ----
static void hadd(Bc *c, int start, int end, int label, int depth)
{
  Unit *u = c->u; if (c->failed || start >= end) return;
  if (u->nh == u->caph) { int nc = u->caph ? u->caph * 2 : 8; Handler *k = bz(c, (size_t)nc * sizeof *k); if (!k) return; if (u->nh) memcpy(k, u->h, (size_t)u->nh * sizeof *k); u->h = k; u->caph = nc; }
  u->h[u->nh++] = (Handler){(uint32_t)start, (uint32_t)end, (uint32_t)label, (uint32_t)(u->first_temp + depth)};
}
static Fb *fpush(Bc *c, FbKind k, int handler, int depth) { Unit *u = c->u; if (u->nfb == 64) { cd_raise(c->vm, c->vm->exc.SyntaxError, "too many statically nested blocks"); c->failed = true; u->nfb--; } Fb *f = &u->fb[u->nfb++]; *f = (Fb){.kind = k, .brk = -1, .cont = -1, .handler = handler, .depth = depth, .start = u->n}; return f; }
static void fclose_(Bc *c) { Unit *u = c->u; Fb *f = &u->fb[u->nfb - 1]; if (f->handler >= 0) hadd(c, f->start, u->n, f->handler, f->depth); u->nfb--; }
static void exit_with(Bc *c, Fb f, bool async);
static void ftemps(Bc *c, int *keep) { (void)c; (void)keep; }
// Emits what leaving block f means. *value: a temporary on top that must survive (or -1): it is moved below.
static void funwind1(Bc *c, Fb f, int *value)
{
  Unit *u = c->u; int base = u->first_temp;
  switch (f.kind) {
  case FB_LOOP: case FB_TRY: break;
  case FB_FOR: em(c, OP_DROP, base + f.depth, 0, 0); break;
  case FB_ASYNC_FOR: em(c, OP_DROP, base + f.depth, 0, 0); break;
  case FB_FINALLY: sts(c, f.body); break;
  case FB_FINALLY_END: em(c, OP_POP_EXC, base + f.depth - 1, 0, 0); em(c, OP_DROP, base + f.depth - 2, 0, 0); break;
  case FB_HANDLER: em(c, OP_POP_EXC, base + f.depth - 1, 0, 0); em(c, OP_DROP, base + f.depth - 2, 0, 0); break;
  case FB_NAME: { int t = tmp(c); em(c, OP_LOAD_CONST, t, kst(c, cd_none()), 0); store(c, f.name, t); pop(c, 1); del(c, f.name); break; }
  case FB_WITH: exit_with(c, f, false); break;
  case FB_ASYNC_WITH: exit_with(c, f, true); break;
  }
  (void)value;
}
static void funwind(Bc *c, int down)
{
  Unit *u = c->u; int n = u->nfb; Fb save[64]; memcpy(save, u->fb, sizeof save);
  for (int i = n - 1; i >= down && !c->failed; i--) {
    if (save[i].handler >= 0) hadd(c, save[i].start, u->n, save[i].handler, save[i].depth);
    u->nfb = i; funwind1(c, save[i], NULL);
  }
  u->nfb = n; memcpy(u->fb, save, sizeof save);
  // outer blocks may have been suspended by a nested unwinding; restart the ranges of those that were left
  for (int i = 0; i < n; i++) u->fb[i].start = i >= down ? u->n : u->fb[i].start;
}
static void await_(Bc *c, int t, int where) { em(c, OP_GET_AWAITABLE, t, t, where); int s = tmp(c); em(c, OP_LOAD_CONST, s, kst(c, cd_none()), 0); em(c, OP_DELEGATE, t, t, s); pop(c, 1); }
static void exit_with(Bc *c, Fb f, bool async)
{
  int e = c->u->first_temp + f.depth - 1, t = tmp(c);
  em(c, OP_WITH_EXIT, t, e, 0); if (async) await_(c, t, 2); em(c, OP_DROP, t, 0, 0); pop(c, 1);
}
// ---- expressions ----
static const int binop_of[] = {OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_MATMUL, OP_TRUE_DIVIDE, OP_REMAINDER, OP_POWER, OP_LSHIFT, OP_RSHIFT, OP_OR, OP_XOR, OP_AND, OP_FLOOR_DIVIDE};
static const int cmp_of[] = {OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IS, OP_IS_NOT, OP_IN, OP_NOT_IN};
static int any(Bc *c, Expr *e)
{
  if (e->kind == EXPR_Name && !c->u->scope->walrus) {
    Value n = e->as.Name.id; int r;
    if (nkind(c, &n, &r) == N_FAST) { AT(c, e); Sym *y = sym_find(c->u->scope, n); if (!(y->flags & S_PARAM) || (y->flags & S_DELETED)) em(c, OP_CHECK_LOCAL, r, 0, 0); return r; }
  }
  return push(c, e);
}
static void cond(Bc *c, Expr *e, int l, bool when)
{
  if (e->kind == EXPR_UnaryOp && e->as.UnaryOp.op == UNARYOP_Not) { cond(c, e->as.UnaryOp.operand, l, !when); return; }
  if (e->kind == EXPR_BoolOp) {
    bool or_ = e->as.BoolOp.op == BOOLOP_Or; ExprSeq v = e->as.BoolOp.values;
    if (or_ == when) { for (size_t i = 0; i < v.count; i++) cond(c, v.items[i], l, when); }
    else { int skip = lab(c); for (size_t i = 0; i + 1 < v.count; i++) cond(c, v.items[i], skip, !when); cond(c, v.items[v.count - 1], l, when); here(c, skip); }
    return;
  }
  int r = any(c, e); AT(c, e); emj(c, when ? OP_JUMP_IF_TRUE : OP_JUMP_IF_FALSE, r, 0, 0, l); done(c, r);
}
static bool starred_in(ExprSeq q) { for (size_t i = 0; i < q.count; i++) if (q.items[i]->kind == EXPR_Starred) return true; return false; }
static void seq_build(Bc *c, ExprSeq q, int op, int dst)
{
  if (!starred_in(q) && q.count < 4000) {
    int b = top(c); for (size_t i = 0; i < q.count; i++) push(c, q.items[i]);
    em(c, op, dst, b, (int)q.count); pop(c, (int)q.count); return;
  }
  int t = tmp(c); em(c, op == OP_BUILD_SET ? OP_BUILD_SET : OP_BUILD_LIST, t, t, 0);
  for (size_t i = 0; i < q.count; i++) {
    if (q.items[i]->kind == EXPR_Starred) { int r = push(c, q.items[i]->as.Starred.value); em(c, op == OP_BUILD_SET ? OP_SET_UPDATE : OP_LIST_EXTEND, t, r, 0); }
    else { int r = push(c, q.items[i]); em(c, op == OP_BUILD_SET ? OP_SET_ADD : OP_LIST_APPEND, t, r, 0); }
    pop(c, 1);
  }
  if (op == OP_BUILD_TUPLE) em(c, OP_LIST_TO_TUPLE, dst, t, 0); else if (t != dst) em(c, OP_MOVE, dst, t, 0);
  pop(c, 1);
}
static void dict_build(Bc *c, Expr *e, int dst)
{
  ExprSeq k = e->as.Dict.keys, v = e->as.Dict.values; int t = tmp(c); em(c, OP_BUILD_MAP, t, t, 0);
  for (size_t i = 0; i < v.count; i++) {
    if (!k.items[i]) { int r = push(c, v.items[i]); em(c, OP_DICT_UPDATE, t, r, 0); pop(c, 1); }
    else { int a = push(c, k.items[i]), b = push(c, v.items[i]); em(c, OP_MAP_ADD, t, a, b); pop(c, 2); }
  }
  if (t != dst) em(c, OP_MOVE, dst, t, 0);
  pop(c, 1);
}
static void call(Bc *c, Expr *e, int dst)
{
  ExprSeq a = e->as.Call.args; KeywordSeq k = e->as.Call.keywords; bool ex = starred_in(a);
  for (size_t i = 0; i < k.count; i++) if (!k.items[i]->arg) ex = true;
  int d0 = c->u->depth, f = tmp(c);
  if (ex) {
    c->u->depth = d0; push(c, e->as.Call.func); int p = top(c);
    seq_build(c, a, OP_BUILD_TUPLE, p); tmp(c);
    if (k.count) {
      int m = tmp(c); em(c, OP_BUILD_MAP, m, m, 0);
      for (size_t i = 0; i < k.count; i++) {
        if (k.items[i]->arg) { int n = tmp(c); em(c, OP_LOAD_CONST, n, kst(c, k.items[i]->arg), 0); int v = push(c, k.items[i]->value); int mm = tmp(c); em(c, OP_BUILD_MAP, mm, n, 1); em(c, OP_DICT_MERGE, m, mm, f); (void)v; pop(c, 3); }
        else { int v = push(c, k.items[i]->value); em(c, OP_DICT_MERGE, m, v, f); pop(c, 1); }
      }
    }
    AT(c, e); em(c, OP_CALL_EX, dst, f, k.count ? 1 : 0); c->u->depth = d0; return;
  }
  int s = tmp(c); Expr *fn = e->as.Call.func;
  if (fn->kind == EXPR_Attribute) { c->u->depth = d0; int r = any(c, fn->as.Attribute.value); c->u->depth = d0 + 2; if (c->u->depth > c->u->max) c->u->max = c->u->depth; AT(c, fn); em(c, OP_LOAD_METHOD, f, r, nam(c, bmangle(c, fn->as.Attribute.attr))); }
  else { c->u->depth = d0; push(c, fn); tmp(c); em(c, OP_LOAD_NOTHING, s, 0, 0); }
  for (size_t i = 0; i < a.count; i++) push(c, a.items[i]);
  for (size_t i = 0; i < k.count; i++) push(c, k.items[i]->value);
  int kn = -1;
  if (k.count) { Ref t = cd_tuple_new(c->vm, k.count); if (!t) { c->failed = true; return; } for (size_t i = 0; i < k.count; i++) cd_tuple_set(t, i, cd_dup(k.items[i]->arg)); kn = kown(c, t); }
  AT(c, e); int at = em(c, OP_CALL, dst, f, (int)(a.count + k.count)); if (!c->failed) { InstrExtra *x = cd_instr_extra(&c->u->in[at]); x->jump = kn; }
  c->u->depth = d0;
}
static Ref finish(Bc *c, Unit *u);
static bool unit_open(Bc *c, Unit *u, Scope *s, Value name, int line);
static void closure(Bc *c, Scope *s, Value *frees, int n, int *flags)
{
  (void)s; if (!n) return; *flags |= 8; int b = top(c);
  for (int i = 0; i < n; i++) { int t = tmp(c); Sym *y = sym_find(c->u->scope, frees[i]); int r = y ? y->reg : -1; if (c->u->scope->kind == SC_CLASS && cd_is(frees[i], c->vm->names.__class__) && c->u->ncells) r = c->u->nlocals; em(c, OP_COPY, t, r, 0); }
  em(c, OP_BUILD_TUPLE, b, b, n); pop(c, n); tmp(c);
}
static void strip_doc(Bc *c, StmtSeq *body)
{
  Value doc = cd_none();
  if (body->count && body->items[0]->kind == STMT_Expr && body->items[0]->as.Expr.value->kind == EXPR_Constant && cd_is_str(body->items[0]->as.Expr.value->as.Constant.value)) {
    if (c->optimize < 2) doc = body->items[0]->as.Expr.value->as.Constant.value;
    body->items++; body->count--;
  }
  kst(c, doc);
}
static void ret(Bc *c, int r) { em(c, OP_RETURN, r, 0, 0); }
static void emit_annotations(Bc *c, Arguments *a, Expr *returns, int *flags)
{
  int b = top(c), n = 0; ArgSeq *q[] = {&a->posonlyargs, &a->args, NULL, &a->kwonlyargs, NULL};
#define ANN(nm, ex) do { int t_ = tmp(c); em(c, OP_LOAD_CONST, t_, kst(c, bmangle(c, nm)), 0); push(c, ex); n += 2; } while (0)
  for (int k = 0; k < 5; k++) {
    if (k == 2) { if (a->vararg && a->vararg->annotation) ANN(a->vararg->arg, a->vararg->annotation); continue; }
    if (k == 4) { if (a->kwarg && a->kwarg->annotation) ANN(a->kwarg->arg, a->kwarg->annotation); continue; }
    for (size_t i = 0; i < q[k]->count; i++) if (q[k]->items[i]->annotation) ANN(q[k]->items[i]->arg, q[k]->items[i]->annotation);
  }
  if (returns) { Value rn = cd_ast_name(c->ast, "return", 6); ANN(rn, returns); }
  if (!n) return;
  *flags |= 4; em(c, OP_BUILD_TUPLE, b, b, n); pop(c, n); tmp(c);
}
static void function(Bc *c, const void *node, Value name, Arguments *a, StmtSeq body, Expr *lambda, Expr *returns, bool coro, int line, int dst)
{
  Scope *s = kid(c, node); if (!s) { c->failed = true; return; }
  int d0 = c->u->depth, base = tmp(c), flags = 0;
  if (a->defaults.count) { seq_build(c, a->defaults, OP_BUILD_TUPLE, top(c)); tmp(c); flags |= 1; }
  int nk = 0, kb = top(c);
  for (size_t i = 0; i < a->kw_defaults.count; i++) if (a->kw_defaults.items[i]) { int t = tmp(c); em(c, OP_LOAD_CONST, t, kst(c, bmangle(c, a->kwonlyargs.items[i]->arg)), 0); push(c, a->kw_defaults.items[i]); nk++; }
  if (nk) { em(c, OP_BUILD_MAP, kb, kb, nk); pop(c, 2 * nk); tmp(c); flags |= 2; }
  emit_annotations(c, a, returns, &flags);
  Unit u; Position at = c->u->at; if (!unit_open(c, &u, s, name, line)) return;
  u.args = (int)(a->posonlyargs.count + a->args.count); u.posonly = (int)a->posonlyargs.count; u.kwonly = (int)a->kwonlyargs.count;
  u.flags |= (a->vararg ? CO_VARARGS : 0) | (a->kwarg ? CO_VARKEYWORDS : 0);
  if (coro) u.flags |= s->generator ? CO_ASYNC_GENERATOR : CO_COROUTINE; else if (s->generator) u.flags |= CO_GENERATOR;
  u.at = (Position){line, line, 0, 0};
  em(c, OP_ENTER, 0, 0, 0);
  if (lambda) { kst(c, cd_none()); int r = any(c, lambda); AT(c, lambda); ret(c, r); }
  else { strip_doc(c, &body); sts(c, body); em(c, OP_RETURN_CONST, kst(c, cd_none()), 0, 0); }
  Ref code = finish(c, &u); if (!code) { c->failed = true; return; }
  c->u->at = at; Value *fr = u.frees; int nf = u.nfree;
  closure(c, s, fr, nf, &flags);
  em(c, OP_LOAD_CONST, base, kown(c, code), 0); em(c, OP_MAKE_FUNCTION, dst, base, flags); c->u->depth = d0;
}
static void assign(Bc *c, Expr *t, int src);
static void comp_loop(Bc *c, Expr *e, ComprehensionSeq g, size_t i, int acc, Expr *elt, Expr *val)
{
  Comprehension *k = g.items[i]; int it = tmp(c), scratch = 0, scratch2 = 0;
  if (i == 0) { Sym *y = sym_find(c->u->scope, c->vm->names.dot_0); em(c, OP_COPY, it, y->reg, 0); }
  else { pop(c, 1); push(c, k->iter); em(c, k->is_async ? OP_GET_ASYNC_ITER : OP_GET_ITER, it, it, 0); }
  if (k->is_async) { scratch = tmp(c); scratch2 = tmp(c); em(c, OP_LOAD_NOTHING, scratch, 0, 0); em(c, OP_LOAD_NOTHING, scratch2, 0, 0); }
  int start = lab(c), end = lab(c); here(c, start); int v = tmp(c);
  AT(c, k->target);
  if (k->is_async) emj(c, OP_ASYNC_NEXT, v, it, scratch, end); else emj(c, OP_FOR_ITER, v, it, 0, end);
  assign(c, k->target, v); pop(c, 1);
  for (size_t j = 0; j < k->ifs.count; j++) cond(c, k->ifs.items[j], start, false);
  if (i + 1 < g.count) comp_loop(c, e, g, i + 1, acc, elt, val);
  else if (e->kind == EXPR_GeneratorExp) { int r = push(c, elt); AT(c, elt); em(c, OP_YIELD, r, r, 0); em(c, OP_DROP, r, 0, 0); pop(c, 1); }
  else if (val) { int a = push(c, elt), b = push(c, val); em(c, OP_MAP_ADD, acc, a, b); pop(c, 2); }
  else { int r = push(c, elt); em(c, e->kind == EXPR_SetComp ? OP_SET_ADD : OP_LIST_APPEND, acc, r, 0); pop(c, 1); }
  emj(c, OP_JUMP_BACK, 0, 0, 0, start); here(c, end); if (k->is_async) pop(c, 2); pop(c, 1);
}
static void comprehension(Bc *c, Expr *e, ComprehensionSeq g, Expr *elt, Expr *val, int dst)
{
  Scope *s = kid(c, e); VM *vm = c->vm; if (!s) { c->failed = true; return; }
  Value name = e->kind == EXPR_ListComp ? vm->names.angle_listcomp : e->kind == EXPR_SetComp ? vm->names.angle_setcomp : e->kind == EXPR_DictComp ? vm->names.angle_dictcomp : vm->names.angle_genexpr;
  int d0 = c->u->depth, base = tmp(c), flags = 0; Unit u; Position at = c->u->at;
  if (!unit_open(c, &u, s, name, e->line)) return;
  u.args = 1; AT(c, e);
  bool async = s->coroutine;
  if (e->kind == EXPR_GeneratorExp) u.flags |= async ? CO_ASYNC_GENERATOR : CO_GENERATOR; else if (async) u.flags |= CO_COROUTINE;
  em(c, OP_ENTER, 0, 0, 0);
  int acc = -1;
  if (e->kind != EXPR_GeneratorExp) { acc = tmp(c); em(c, e->kind == EXPR_ListComp ? OP_BUILD_LIST : e->kind == EXPR_SetComp ? OP_BUILD_SET : OP_BUILD_MAP, acc, acc, 0); }
  comp_loop(c, e, g, 0, acc, elt, val); AT(c, e);
  if (acc >= 0) ret(c, acc); else em(c, OP_RETURN_CONST, kst(c, cd_none()), 0, 0);
  Ref code = finish(c, &u); if (!code) { c->failed = true; return; }
  c->u->at = at; closure(c, s, u.frees, u.nfree, &flags);
  em(c, OP_LOAD_CONST, base, kown(c, code), 0); em(c, OP_MAKE_FUNCTION, base, base, flags); c->u->depth = d0 + 1;
  int no = tmp(c); em(c, OP_LOAD_NOTHING, no, 0, 0); int it = push(c, g.items[0]->iter); em(c, g.items[0]->is_async ? OP_GET_ASYNC_ITER : OP_GET_ITER, it, it, 0);
  em(c, OP_CALL, dst, base, 1); c->u->depth = d0;
  if (async && e->kind != EXPR_GeneratorExp) { int t = tmp(c); if (t != dst) em(c, OP_MOVE, t, dst, 0); await_(c, t, 0); if (t != dst) em(c, OP_MOVE, dst, t, 0); pop(c, 1); }
}
static void to(Bc *c, Expr *e, int dst)
{
  if (c->failed) return;
  AT(c, e); int d0 = c->u->depth;
  switch (e->kind) {
  case EXPR_Constant: em(c, OP_LOAD_CONST, dst, kst(c, e->as.Constant.value), 0); break;
  case EXPR_Name: load(c, e->as.Name.id, dst); break;
  case EXPR_BinOp: {
    int a = any(c, e->as.BinOp.left), op = binop_of[e->as.BinOp.op];
    if (e->as.BinOp.right->kind == EXPR_Constant) { int k = kst(c, e->as.BinOp.right->as.Constant.value); AT(c, e); em(c, op + 1, dst, a, k); }
    else { int b = any(c, e->as.BinOp.right); AT(c, e); em(c, op, dst, a, b); }
    break; }
  case EXPR_UnaryOp: { int a = any(c, e->as.UnaryOp.operand); AT(c, e); static const int ops[] = {OP_INVERT, OP_NOT, OP_POSITIVE, OP_NEGATIVE}; em(c, ops[e->as.UnaryOp.op], dst, a, 0); break; }
  case EXPR_BoolOp: {
    int t = tmp(c), end = lab(c); ExprSeq v = e->as.BoolOp.values;
    for (size_t i = 0; i < v.count; i++) { c->u->depth = d0; to(c, v.items[i], t); c->u->depth = d0 + 1; if (i + 1 < v.count) emj(c, e->as.BoolOp.op == BOOLOP_And ? OP_JUMP_IF_FALSE_OR_DROP : OP_JUMP_IF_TRUE_OR_DROP, t, 0, 0, end); }
    here(c, end); if (t != dst) em(c, OP_MOVE, dst, t, 0); break; }
  case EXPR_IfExp: { int t = tmp(c), no = lab(c), end = lab(c); cond(c, e->as.IfExp.test, no, false); c->u->depth = d0; to(c, e->as.IfExp.body, t); emj(c, OP_JUMP, 0, 0, 0, end); here(c, no); c->u->depth = d0; to(c, e->as.IfExp.orelse, t); here(c, end); if (t != dst) em(c, OP_MOVE, dst, t, 0); break; }
  case EXPR_NamedExpr: { int t = push(c, e->as.NamedExpr.value), t2 = tmp(c); em(c, OP_COPY, t2, t, 0); store(c, e->as.NamedExpr.target->as.Name.id, t2); if (t != dst) em(c, OP_MOVE, dst, t, 0); break; }
  case EXPR_Compare: {
    size_t n = e->as.Compare.ops.count;
    if (n == 1) { int a = any(c, e->as.Compare.left), b = any(c, e->as.Compare.comparators.items[0]); AT(c, e); em(c, cmp_of[e->as.Compare.ops.items[0]], dst, a, b); break; }
    int r = tmp(c), end = lab(c), a = push(c, e->as.Compare.left);
    for (size_t i = 0; i < n; i++) {
      int b = push(c, e->as.Compare.comparators.items[i]); AT(c, e);
      if (i + 1 < n) { int b2 = tmp(c); em(c, OP_COPY, b2, b, 0); em(c, cmp_of[e->as.Compare.ops.items[i]], r, a, b); pop(c, 1); int go = lab(c); emj(c, OP_JUMP_IF_TRUE_OR_DROP, r, 0, 0, go); 
        /* false: value was dropped; drop the middle and give False-like result: recompute */
        pop(c, 1); (void)go; c->failed = false; em(c, OP_DROP, b2, 0, 0); em(c, OP_LOAD_CONST, r, kst(c, cd_false()), 0); emj(c, OP_JUMP, 0, 0, 0, end); here(c, go); em(c, OP_DROP, r, 0, 0); em(c, OP_MOVE, a, b2, 0); }
      else { em(c, cmp_of[e->as.Compare.ops.items[i]], r, a, b); pop(c, 1); }
    }
    here(c, end); if (r != dst) em(c, OP_MOVE, dst, r, 0); break; }
  case EXPR_Call: call(c, e, dst); break;
  case EXPR_Attribute: { int a = any(c, e->as.Attribute.value); AT(c, e); em(c, OP_LOAD_ATTR, dst, a, nam(c, bmangle(c, e->as.Attribute.attr))); break; }
  case EXPR_Subscript: { int a = any(c, e->as.Subscript.value), b = any(c, e->as.Subscript.slice); AT(c, e); em(c, OP_GET_ITEM, dst, a, b); break; }
  case EXPR_Slice: {
    int b = top(c); Expr *q[3] = {e->as.Slice.lower, e->as.Slice.upper, e->as.Slice.step}; int n = q[2] ? 3 : 2;
    for (int i = 0; i < n; i++) { if (q[i]) push(c, q[i]); else { int t = tmp(c); em(c, OP_LOAD_CONST, t, kst(c, cd_none()), 0); } }
    em(c, OP_BUILD_SLICE, dst, b, n); break; }
  case EXPR_List: seq_build(c, e->as.List.elts, OP_BUILD_LIST, dst); break;
  case EXPR_Tuple: seq_build(c, e->as.Tuple.elts, OP_BUILD_TUPLE, dst); break;
  case EXPR_Set: seq_build(c, e->as.Set.elts, OP_BUILD_SET, dst); break;
  case EXPR_Dict: dict_build(c, e, dst); break;
  case EXPR_Lambda: function(c, e, c->vm->names.angle_lambda, e->as.Lambda.args, (StmtSeq){0}, e->as.Lambda.body, NULL, false, e->line, dst); break;
  case EXPR_ListComp: comprehension(c, e, e->as.ListComp.generators, e->as.ListComp.elt, NULL, dst); break;
  case EXPR_SetComp: comprehension(c, e, e->as.SetComp.generators, e->as.SetComp.elt, NULL, dst); break;
  case EXPR_GeneratorExp: comprehension(c, e, e->as.GeneratorExp.generators, e->as.GeneratorExp.elt, NULL, dst); break;
  case EXPR_DictComp: comprehension(c, e, e->as.DictComp.generators, e->as.DictComp.key, e->as.DictComp.value, dst); break;
  case EXPR_Await: { int t = push(c, e->as.Await.value); AT(c, e); await_(c, t, 0); if (t != dst) em(c, OP_MOVE, dst, t, 0); break; }
  case EXPR_Yield: { int t; if (e->as.Yield.value) t = push(c, e->as.Yield.value); else { t = tmp(c); em(c, OP_LOAD_CONST, t, kst(c, cd_none()), 0); } AT(c, e); em(c, OP_YIELD, dst, t, 0); break; }
  case EXPR_YieldFrom: { int t = push(c, e->as.YieldFrom.value); AT(c, e); em(c, OP_GET_YIELD_FROM_ITER, t, t, 0); int s = tmp(c); em(c, OP_LOAD_CONST, s, kst(c, cd_none()), 0); em(c, OP_DELEGATE, t, t, s); if (t != dst) em(c, OP_MOVE, dst, t, 0); break; }
  case EXPR_FormattedValue: {
    int b = push(c, e->as.FormattedValue.value), f = e->as.FormattedValue.conversion; f = f == 's' ? 1 : f == 'r' ? 2 : f == 'a' ? 3 : 0;
    if (e->as.FormattedValue.format_spec) { push(c, e->as.FormattedValue.format_spec); f |= 4; }
    AT(c, e); em(c, OP_FORMAT_VALUE, dst, b, f); break; }
  case EXPR_JoinedStr: { int b = top(c); for (size_t i = 0; i < e->as.JoinedStr.values.count; i++) push(c, e->as.JoinedStr.values.items[i]); em(c, OP_BUILD_STRING, dst, b, (int)e->as.JoinedStr.values.count); break; }
  case EXPR_Starred: cd_raise(c->vm, c->vm->exc.SyntaxError, "can't use starred expression here"); c->failed = true; break;
  }
  c->u->depth = d0;
}
// ---- targets ----
static void unpack(Bc *c, ExprSeq q, int src)
{
  size_t star = q.count; for (size_t i = 0; i < q.count; i++) if (q.items[i]->kind == EXPR_Starred) star = i;
  int d0 = c->u->depth, b = top(c);
  if (star == q.count) em(c, OP_UNPACK_SEQUENCE, b, src, (int)q.count); else em(c, OP_UNPACK_EX, b, src, (int)(star | (q.count - star - 1) << 8));
  for (size_t i = 0; i < q.count; i++) tmp(c);
  for (size_t i = 0; i < q.count; i++) { Expr *t = q.items[i]; assign(c, t->kind == EXPR_Starred ? t->as.Starred.value : t, b + (int)i); }
  c->u->depth = d0;
}
static void assign(Bc *c, Expr *t, int src)
{
  if (c->failed) return;
  switch (t->kind) {
  case EXPR_Name: AT(c, t); store(c, t->as.Name.id, src); break;
  case EXPR_Attribute: { int a = any(c, t->as.Attribute.value); AT(c, t); em(c, OP_STORE_ATTR, a, nam(c, bmangle(c, t->as.Attribute.attr)), src); done(c, a); break; }
  case EXPR_Subscript: { int d = c->u->depth, a = any(c, t->as.Subscript.value), b = any(c, t->as.Subscript.slice); AT(c, t); em(c, OP_SET_ITEM, a, b, src); c->u->depth = d; break; }
  case EXPR_List: AT(c, t); unpack(c, t->as.List.elts, src); break;
  case EXPR_Tuple: AT(c, t); unpack(c, t->as.Tuple.elts, src); break;
  case EXPR_Starred: assign(c, t->as.Starred.value, src); break;
  default: cd_raise(c->vm, c->vm->exc.SyntaxError, "bad target"); c->failed = true;
  }
}
static void delete_(Bc *c, Expr *t)
{
  int d = c->u->depth; AT(c, t);
  switch (t->kind) {
  case EXPR_Name: del(c, t->as.Name.id); break;
  case EXPR_Attribute: { int a = any(c, t->as.Attribute.value); em(c, OP_DELETE_ATTR, a, nam(c, bmangle(c, t->as.Attribute.attr)), 0); break; }
  case EXPR_Subscript: { int a = any(c, t->as.Subscript.value), b = any(c, t->as.Subscript.slice); em(c, OP_DELETE_ITEM, a, b, 0); break; }
  case EXPR_List: for (size_t i = 0; i < t->as.List.elts.count; i++) delete_(c, t->as.List.elts.items[i]); break;
  case EXPR_Tuple: for (size_t i = 0; i < t->as.Tuple.elts.count; i++) delete_(c, t->as.Tuple.elts.items[i]); break;
  default: break;
  }
  c->u->depth = d;
}
// ---- statements ----
static void cleanup_reraise(Bc *c, int l, int exc, int saved) { here(c, l); c->u->depth = saved - c->u->first_temp + 1; int e = tmp(c); em(c, OP_POP_EXC, saved, 0, 0); em(c, OP_DROP, exc, 0, 0); em(c, OP_RERAISE, e, 0, 0); }
static void try_except(Bc *c, StmtSeq body, ExceptHandlerSeq hs, StmtSeq orelse)
{
  int d = c->u->depth, H = lab(c), C = lab(c), end = lab(c);
  fpush(c, FB_TRY, H, d); em(c, OP_NOP, 0, 0, 0); sts(c, body); fclose_(c); sts(c, orelse); emj(c, OP_JUMP, 0, 0, 0, end);
  here(c, H); c->u->depth = d; int exc = tmp(c), saved = tmp(c); em(c, OP_PUSH_EXC, saved, exc, 0);
  fpush(c, FB_HANDLER, C, d + 2);
  for (size_t i = 0; i < hs.count; i++) {
    ExceptHandler *h = hs.items[i]; int next = lab(c); AT(c, h);
    if (h->type) { int t = push(c, h->type); AT(c, h->type); em(c, OP_EXC_MATCH, t, exc, t); emj(c, OP_JUMP_IF_FALSE, t, 0, 0, next); pop(c, 1); }
    if (h->name) {
      int t = tmp(c), NC = lab(c); em(c, OP_COPY, t, exc, 0); store(c, h->name, t); pop(c, 1);
      Fb *f = fpush(c, FB_NAME, NC, c->u->depth); f->name = h->name; em(c, OP_NOP, 0, 0, 0); sts(c, h->body); Fb copy = c->u->fb[c->u->nfb - 1]; fclose_(c);
      funwind1(c, copy, NULL); em(c, OP_POP_EXC, saved, 0, 0); em(c, OP_DROP, exc, 0, 0); 
      // leave the handler: its cleanup must not cover what follows; harmless, nothing raises between
      emj(c, OP_JUMP, 0, 0, 0, end);
      here(c, NC); int e2 = tmp(c); funwind1(c, copy, NULL); em(c, OP_RERAISE, e2, 0, 0); pop(c, 1);
    } else { sts(c, h->body); em(c, OP_POP_EXC, saved, 0, 0); em(c, OP_DROP, exc, 0, 0); emj(c, OP_JUMP, 0, 0, 0, end); }
    here(c, next);
  }
  em(c, OP_RERAISE, exc, 0, 0); fclose_(c);
  cleanup_reraise(c, C, exc, saved); c->u->depth = d; here(c, end);
}
static void try_star(Bc *c, StmtSeq body, ExceptHandlerSeq hs, StmtSeq orelse)
{
  // exc: the group; saved; list of raised; rest
  int d = c->u->depth, H = lab(c), C = lab(c), end = lab(c), reraise = lab(c), none = lab(c);
  fpush(c, FB_TRY, H, d); em(c, OP_NOP, 0, 0, 0); sts(c, body); fclose_(c); sts(c, orelse); emj(c, OP_JUMP, 0, 0, 0, end);
  here(c, H); c->u->depth = d; int exc = tmp(c), saved = tmp(c); em(c, OP_PUSH_EXC, saved, exc, 0);
  Fb *hb = fpush(c, FB_HANDLER, C, d + 2); (void)hb;
  int list = tmp(c); em(c, OP_BUILD_LIST, list, list, 0); int rest = tmp(c); em(c, OP_COPY, rest, exc, 0);
  for (size_t i = 0; i < hs.count; i++) {
    ExceptHandler *h = hs.items[i]; int next = lab(c), EH = lab(c), after = lab(c); AT(c, h);
    int m = push(c, h->type); em(c, OP_EXC_GROUP_MATCH, m, rest, m); int m2 = tmp(c); em(c, OP_COPY, m2, m, 0); emj(c, OP_JUMP_IF_NONE, m2, 0, 0, next); pop(c, 1);
    int sv = tmp(c); em(c, OP_PUSH_EXC, sv, m, 0);
    fpush(c, FB_TRY, EH, c->u->depth);
    if (h->name) { int t = tmp(c); em(c, OP_COPY, t, m, 0); store(c, h->name, t); pop(c, 1); }
    sts(c, h->body);
    if (h->name) { Fb f = {.kind = FB_NAME, .name = h->name}; funwind1(c, f, NULL); }
    fclose_(c); em(c, OP_POP_EXC, sv, 0, 0); em(c, OP_DROP, m, 0, 0); emj(c, OP_JUMP, 0, 0, 0, after);
    here(c, EH); int e2 = tmp(c);
    if (h->name) { Fb f = {.kind = FB_NAME, .name = h->name}; funwind1(c, f, NULL); }
    em(c, OP_POP_EXC, sv, 0, 0); em(c, OP_DROP, m, 0, 0); em(c, OP_LIST_APPEND, list, e2, 0); emj(c, OP_JUMP, 0, 0, 0, after); pop(c, 1);
    here(c, next); em(c, OP_DROP, m, 0, 0); here(c, after); pop(c, 2);
  }
  { int r2 = tmp(c); em(c, OP_COPY, r2, rest, 0); int skip = lab(c); emj(c, OP_JUMP_IF_NONE, r2, 0, 0, skip); em(c, OP_COPY, r2, rest, 0); em(c, OP_LIST_APPEND, list, r2, 0); here(c, skip); pop(c, 1); }
  em(c, OP_DROP, rest, 0, 0); pop(c, 1);
  { int o = tmp(c); em(c, OP_COPY, o, exc, 0); em(c, OP_EXC_GROUP_RERAISE, list, o, list); pop(c, 1); }
  { int t = tmp(c); em(c, OP_COPY, t, list, 0); emj(c, OP_JUMP_IF_NONE, t, 0, 0, none); pop(c, 1); }
  here(c, reraise); em(c, OP_RERAISE, list, 0, 0);
  here(c, none); em(c, OP_DROP, list, 0, 0); em(c, OP_POP_EXC, saved, 0, 0); em(c, OP_DROP, exc, 0, 0); emj(c, OP_JUMP, 0, 0, 0, end);
  fclose_(c); cleanup_reraise(c, C, exc, saved); c->u->depth = d; here(c, end);
}
static void try_stmt(Bc *c, Stmt *s)
{
  bool star = s->kind == STMT_TryStar; StmtSeq fin = s->as.Try.finalbody;
  if (!fin.count) { if (star) try_star(c, s->as.Try.body, s->as.Try.handlers, s->as.Try.orelse); else try_except(c, s->as.Try.body, s->as.Try.handlers, s->as.Try.orelse); return; }
  int d = c->u->depth, H = lab(c), C = lab(c), end = lab(c);
  Fb *f = fpush(c, FB_FINALLY, H, d); f->body = fin; em(c, OP_NOP, 0, 0, 0);
  if (s->as.Try.handlers.count) { if (star) try_star(c, s->as.Try.body, s->as.Try.handlers, s->as.Try.orelse); else try_except(c, s->as.Try.body, s->as.Try.handlers, s->as.Try.orelse); } else sts(c, s->as.Try.body);
  fclose_(c); sts(c, fin); emj(c, OP_JUMP, 0, 0, 0, end);
  here(c, H); c->u->depth = d; int exc = tmp(c), saved = tmp(c); em(c, OP_PUSH_EXC, saved, exc, 0);
  fpush(c, FB_FINALLY_END, C, d + 2); sts(c, fin); em(c, OP_RERAISE, exc, 0, 0); fclose_(c);
  cleanup_reraise(c, C, exc, saved); c->u->depth = d; here(c, end);
}
static void with_stmt(Bc *c, Stmt *s, size_t i, bool async)
{
  WithItem *w = s->as.With.items.items[i]; int d = c->u->depth, H = lab(c), C = lab(c), end = lab(c), sup = lab(c);
  int x = push(c, w->context_expr), v = tmp(c); AT(c, w->context_expr);
  em(c, async ? OP_ASYNC_WITH_ENTER : OP_WITH_ENTER, x, v, x); if (async) await_(c, v, 1);
  pop(c, 1); fpush(c, async ? FB_ASYNC_WITH : FB_WITH, H, d + 1); tmp(c);
  if (w->optional_vars) assign(c, w->optional_vars, v); else em(c, OP_DROP, v, 0, 0);
  pop(c, 1);
  if (i + 1 < s->as.With.items.count) with_stmt(c, s, i + 1, async); else sts(c, s->as.With.body);
  fclose_(c); AT(c, w->context_expr); em(c, OP_WITH_EXIT, x, x, 0); if (async) await_(c, x, 2); em(c, OP_DROP, x, 0, 0); emj(c, OP_JUMP, 0, 0, 0, end);
  here(c, H); c->u->depth = d + 1; int exc = tmp(c), saved = tmp(c); em(c, OP_PUSH_EXC, saved, exc, 0);
  fpush(c, FB_HANDLER, C, d + 3); int r = tmp(c); em(c, OP_WITH_EXCEPT, r, x, exc); if (async) await_(c, r, 2); emj(c, OP_JUMP_IF_TRUE, r, 0, 0, sup); em(c, OP_RERAISE, exc, 0, 0); fclose_(c); pop(c, 1);
  here(c, sup); em(c, OP_POP_EXC, saved, 0, 0); em(c, OP_DROP, exc, 0, 0); em(c, OP_DROP, x, 0, 0); emj(c, OP_JUMP, 0, 0, 0, end);
  here(c, C); c->u->depth = d + 3; int e2 = tmp(c); em(c, OP_POP_EXC, saved, 0, 0); em(c, OP_DROP, exc, 0, 0); em(c, OP_DROP, x, 0, 0); em(c, OP_RERAISE, e2, 0, 0);
  c->u->depth = d; here(c, end);
}
static void class_stmt(Bc *c, Stmt *s, int dst)
{
  VM *vm = c->vm; Scope *k = kid(c, s); if (!k) { c->failed = true; return; }
  int d0 = c->u->depth, f = tmp(c), no = tmp(c); em(c, OP_LOAD_BUILD_CLASS, f, 0, 0); em(c, OP_LOAD_NOTHING, no, 0, 0);
  int base = tmp(c), flags = 0; Unit u; Position at = c->u->at; Value pn = c->private_name; StmtSeq body = s->as.ClassDef.body;
  if (!unit_open(c, &u, k, s->as.ClassDef.name, s->line)) return;
  c->private_name = s->as.ClassDef.name; u.at = (Position){s->line, s->line, 0, 0};
  if (k->needs_class) em(c, OP_MAKE_CELL, u.nlocals, 0, 0);
  em(c, OP_ENTER, 0, 0, 0);
  int t = tmp(c); em(c, OP_LOAD_NAME, t, nam(c, vm->names.__name__), 0); em(c, OP_STORE_NAME, nam(c, vm->names.__module__), t, 0); em(c, OP_LOAD_CONST, t, kst(c, u.qualname), 0); em(c, OP_STORE_NAME, nam(c, vm->names.__qualname__), t, 0); pop(c, 1);
  bool ann = false; for (size_t i = 0; i < body.count; i++) if (body.items[i]->kind == STMT_AnnAssign) ann = true;
  if (ann) em(c, OP_SETUP_ANNOTATIONS, 0, 0, 0);
  if (body.count && body.items[0]->kind == STMT_Expr && body.items[0]->as.Expr.value->kind == EXPR_Constant && cd_is_str(body.items[0]->as.Expr.value->as.Constant.value)) {
    if (c->optimize < 2) { int q = tmp(c); em(c, OP_LOAD_CONST, q, kst(c, body.items[0]->as.Expr.value->as.Constant.value), 0); em(c, OP_STORE_NAME, nam(c, vm->names.__doc__), q, 0); pop(c, 1); }
    body.items++; body.count--;
  }
  sts(c, body);
  if (k->needs_class) { int q = tmp(c), q2 = tmp(c); em(c, OP_COPY, q, u.nlocals, 0); em(c, OP_COPY, q2, q, 0); em(c, OP_STORE_NAME, nam(c, vm->names.__classcell__), q2, 0); em(c, OP_RETURN, q, 0, 0); } else em(c, OP_RETURN_CONST, kst(c, cd_none()), 0, 0);
  c->private_name = pn; Ref code = finish(c, &u); if (!code) { c->failed = true; return; }
  c->u->at = at; closure(c, k, u.frees, u.nfree, &flags); em(c, OP_LOAD_CONST, base, kown(c, code), 0); em(c, OP_MAKE_FUNCTION, base, base, flags); c->u->depth = base - c->u->first_temp + 1;
  KeywordSeq kw = s->as.ClassDef.keywords; bool ex = starred_in(s->as.ClassDef.bases); for (size_t i = 0; i < kw.count; i++) if (!kw.items[i]->arg) ex = true;
  int nm = tmp(c); em(c, OP_LOAD_CONST, nm, kst(c, s->as.ClassDef.name), 0);
  if (!ex) {
    for (size_t i = 0; i < s->as.ClassDef.bases.count; i++) push(c, s->as.ClassDef.bases.items[i]);
    for (size_t i = 0; i < kw.count; i++) push(c, kw.items[i]->value);
    int kn = -1; if (kw.count) { Ref tt = cd_tuple_new(vm, kw.count); if (!tt) { c->failed = true; return; } for (size_t i = 0; i < kw.count; i++) cd_tuple_set(tt, i, cd_dup(kw.items[i]->arg)); kn = kown(c, tt); }
    c->u->at = at; int a = em(c, OP_CALL, dst, f, (int)(2 + s->as.ClassDef.bases.count + kw.count)); if (!c->failed) cd_instr_extra(&c->u->in[a])->jump = kn;
  } else {
    int L = tmp(c); em(c, OP_BUILD_LIST, L, base, 2); /* consumes base, nm */ ExprSeq b = s->as.ClassDef.bases;
    for (size_t i = 0; i < b.count; i++) { if (b.items[i]->kind == EXPR_Starred) { int r = push(c, b.items[i]->as.Starred.value); em(c, OP_LIST_EXTEND, L, r, 0); } else { int r = push(c, b.items[i]); em(c, OP_LIST_APPEND, L, r, 0); } pop(c, 1); }
    em(c, OP_LIST_TO_TUPLE, no, L, 0); c->u->depth = no - c->u->first_temp + 1;
    int m = tmp(c); em(c, OP_BUILD_MAP, m, m, 0);
    for (size_t i = 0; i < kw.count; i++) { if (kw.items[i]->arg) { int n = tmp(c); em(c, OP_LOAD_CONST, n, kst(c, kw.items[i]->arg), 0); push(c, kw.items[i]->value); em(c, OP_MAP_ADD, m, n, n + 1); pop(c, 2); } else { int v = push(c, kw.items[i]->value); em(c, OP_DICT_MERGE, m, v, f); pop(c, 1); } }
    em(c, OP_CALL_EX, dst, f, 1);
  }
  c->u->depth = d0;
}
static void decorated(Bc *c, Stmt *s, ExprSeq dec, Value name)
{
  int d0 = c->u->depth;
  for (size_t i = 0; i < dec.count; i++) { push(c, dec.items[i]); int n = tmp(c); em(c, OP_LOAD_NOTHING, n, 0, 0); }
  int t = tmp(c); pop(c, 1); AT(c, s);
  if (s->kind == STMT_ClassDef) class_stmt(c, s, t); else function(c, s, s->as.FunctionDef.name, s->as.FunctionDef.args, s->as.FunctionDef.body, NULL, s->as.FunctionDef.returns, s->kind == STMT_AsyncFunctionDef, dec.count ? dec.items[0]->line : s->line, t);
  tmp(c);
  for (size_t i = dec.count; i-- > 0;) { int b = t - 2; AT(c, dec.items[i]); em(c, OP_CALL, b, b, 1); t = b; pop(c, 2); }
  AT(c, s); store(c, name, t); c->u->depth = d0;
}
static void pattern(Bc *c, Pattern *p, int subj, int fail);
static void pat_store(Bc *c, Value name, int r) { store(c, name, r); }
// subj is a temporary that stays; on success nothing is left above the depth at entry
static void pattern(Bc *c, Pattern *p, int subj, int fail)
{
  VM *vm = c->vm; int d0 = c->u->depth; if (c->failed) return; AT(c, p);
  switch (p->kind) {
  case PATTERN_MatchValue: { int t = tmp(c); em(c, OP_COPY, t, subj, 0); int v = push(c, p->as.MatchValue.value); em(c, OP_EQ, t, t, v); emj(c, OP_JUMP_IF_FALSE, t, 0, 0, fail); break; }
  case PATTERN_MatchSingleton: { int t = tmp(c), v = tmp(c); em(c, OP_COPY, t, subj, 0); em(c, OP_LOAD_CONST, v, kst(c, p->as.MatchSingleton.value), 0); em(c, OP_IS, t, t, v); emj(c, OP_JUMP_IF_FALSE, t, 0, 0, fail); break; }
  case PATTERN_MatchAs: if (p->as.MatchAs.pattern) pattern(c, p->as.MatchAs.pattern, subj, fail); if (p->as.MatchAs.name) { int t = tmp(c); em(c, OP_COPY, t, subj, 0); pat_store(c, p->as.MatchAs.name, t); } break;
  case PATTERN_MatchStar: if (p->as.MatchStar.name) { int t = tmp(c); em(c, OP_COPY, t, subj, 0); pat_store(c, p->as.MatchStar.name, t); } break;
  case PATTERN_MatchOr: { int ok = lab(c); for (size_t i = 0; i < p->as.MatchOr.patterns.count; i++) { int next = i + 1 < p->as.MatchOr.patterns.count ? lab(c) : fail; pattern(c, p->as.MatchOr.patterns.items[i], subj, next); emj(c, OP_JUMP, 0, 0, 0, ok); if (next != fail) here(c, next); } here(c, ok); break; }
  case PATTERN_MatchSequence: {
    PatternSeq q = p->as.MatchSequence.patterns; size_t star = q.count; for (size_t i = 0; i < q.count; i++) if (q.items[i]->kind == PATTERN_MatchStar) star = i;
    int t = tmp(c); em(c, OP_MATCH_SEQUENCE, t, subj, 0); emj(c, OP_JUMP_IF_FALSE, t, 0, 0, fail);
    em(c, OP_GET_LEN, t, subj, 0); int k = tmp(c); em(c, OP_LOAD_CONST, k, kst(c, cd_from_small((int64_t)(star < q.count ? q.count - 1 : q.count))), 0); em(c, star < q.count ? OP_GE : OP_EQ, t, t, k); emj(c, OP_JUMP_IF_FALSE, t, 0, 0, fail); c->u->depth = d0;
    for (size_t i = 0; i < q.count; i++) {
      Pattern *e = q.items[i]; if (e->kind == PATTERN_MatchAs && !e->as.MatchAs.name && !e->as.MatchAs.pattern) continue; if (i == star && !e->as.MatchStar.name) continue;
      // items are fetched into temporaries that must be dropped on failure: use a private failure label
      int lf = lab(c), go = lab(c), it = tmp(c); em(c, OP_COPY, it, subj, 0); int ix = tmp(c);
      if (i == star) { int a = ix, b = tmp(c); em(c, OP_LOAD_CONST, a, kst(c, cd_from_small((int64_t)star)), 0); if (q.count - star - 1) em(c, OP_LOAD_CONST, b, kst(c, cd_from_small(-(int64_t)(q.count - star - 1))), 0); else em(c, OP_LOAD_CONST, b, kst(c, cd_none()), 0); em(c, OP_BUILD_SLICE, a, a, 2); em(c, OP_GET_ITEM, it, it, a); pop(c, 2); em(c, OP_BUILD_LIST, top(c), top(c), 0); int L = tmp(c); em(c, OP_LIST_EXTEND, L, it, 0); em(c, OP_MOVE, it, L, 0); pop(c, 1); }
      else { em(c, OP_LOAD_CONST, ix, kst(c, cd_from_small(i < star ? (int64_t)i : -(int64_t)(q.count - i))), 0); em(c, OP_GET_ITEM, it, it, ix); pop(c, 1); }
      pattern(c, e, it, lf); em(c, OP_DROP, it, 0, 0); emj(c, OP_JUMP, 0, 0, 0, go); here(c, lf); em(c, OP_DROP, it, 0, 0); emj(c, OP_JUMP, 0, 0, 0, fail); here(c, go); pop(c, 1);
    }
    break; }
  case PATTERN_MatchMapping: {
    ExprSeq ks = p->as.MatchMapping.keys; int t = tmp(c), lf = lab(c), lf2 = lab(c), go = lab(c); em(c, OP_MATCH_MAPPING, t, subj, 0); emj(c, OP_JUMP_IF_FALSE, t, 0, 0, fail); pop(c, 1);
    int kt = top(c); seq_build(c, ks, OP_BUILD_TUPLE, kt); tmp(c); int vs = tmp(c); em(c, OP_MATCH_KEYS, vs, subj, kt); int q = tmp(c); em(c, OP_COPY, q, vs, 0); emj(c, OP_JUMP_IF_NONE, q, 0, 0, lf); pop(c, 1);
    for (size_t i = 0; i < ks.count; i++) { int it = tmp(c), l3 = lab(c), g3 = lab(c), ix = tmp(c); em(c, OP_COPY, it, vs, 0); em(c, OP_LOAD_CONST, ix, kst(c, cd_from_small((int64_t)i)), 0); em(c, OP_GET_ITEM, it, it, ix); pop(c, 1); pattern(c, p->as.MatchMapping.patterns.items[i], it, l3); em(c, OP_DROP, it, 0, 0); emj(c, OP_JUMP, 0, 0, 0, g3); here(c, l3); em(c, OP_DROP, it, 0, 0); emj(c, OP_JUMP, 0, 0, 0, lf2); here(c, g3); pop(c, 1); }
    if (p->as.MatchMapping.rest) { int m = tmp(c); em(c, OP_BUILD_MAP, m, m, 0); int sc = tmp(c); em(c, OP_COPY, sc, subj, 0); em(c, OP_DICT_UPDATE, m, sc, 0); pop(c, 1); for (size_t i = 0; i < ks.count; i++) { int mm = tmp(c), ki = tmp(c), ii = tmp(c); em(c, OP_COPY, mm, m, 0); em(c, OP_COPY, ki, kt, 0); em(c, OP_LOAD_CONST, ii, kst(c, cd_from_small((int64_t)i)), 0); em(c, OP_GET_ITEM, ki, ki, ii); em(c, OP_DELETE_ITEM, mm, ki, 0); pop(c, 3); } pat_store(c, p->as.MatchMapping.rest, m); pop(c, 1); }
    em(c, OP_DROP, vs, 0, 0); em(c, OP_DROP, kt, 0, 0); emj(c, OP_JUMP, 0, 0, 0, go); here(c, lf2); here(c, lf); em(c, OP_DROP, vs, 0, 0); em(c, OP_DROP, kt, 0, 0); emj(c, OP_JUMP, 0, 0, 0, fail); here(c, go); break; }
  case PATTERN_MatchClass: {
    size_t np = p->as.MatchClass.patterns.count, nk = p->as.MatchClass.kwd_patterns.count; int b = tmp(c), lf = lab(c), go = lab(c); em(c, OP_COPY, b, subj, 0); push(c, p->as.MatchClass.cls); int kn = tmp(c);
    Ref names = cd_tuple_new(vm, nk); if (!names) { c->failed = true; return; } for (size_t i = 0; i < nk; i++) cd_tuple_set(names, i, cd_dup(p->as.MatchClass.kwd_attrs.items[i]));
    em(c, OP_LOAD_CONST, kn, kown(c, names), 0); AT(c, p); em(c, OP_MATCH_CLASS, b, b, (int)np); pop(c, 2); int q = tmp(c); em(c, OP_COPY, q, b, 0); emj(c, OP_JUMP_IF_NONE, q, 0, 0, lf); pop(c, 1);
    for (size_t i = 0; i < np + nk; i++) { Pattern *e = i < np ? p->as.MatchClass.patterns.items[i] : p->as.MatchClass.kwd_patterns.items[i - np]; int it = tmp(c), l3 = lab(c), g3 = lab(c), ix = tmp(c); em(c, OP_COPY, it, b, 0); em(c, OP_LOAD_CONST, ix, kst(c, cd_from_small((int64_t)i)), 0); em(c, OP_GET_ITEM, it, it, ix); pop(c, 1); pattern(c, e, it, l3); em(c, OP_DROP, it, 0, 0); emj(c, OP_JUMP, 0, 0, 0, g3); here(c, l3); em(c, OP_DROP, it, 0, 0); emj(c, OP_JUMP, 0, 0, 0, lf); here(c, g3); pop(c, 1); }
    em(c, OP_DROP, b, 0, 0); emj(c, OP_JUMP, 0, 0, 0, go); here(c, lf); em(c, OP_DROP, b, 0, 0); emj(c, OP_JUMP, 0, 0, 0, fail); here(c, go); break; }
  }
  c->u->depth = d0;
}
static int find_loop(Bc *c) { for (int i = c->u->nfb - 1; i >= 0; i--) { FbKind k = c->u->fb[i].kind; if (k == FB_LOOP || k == FB_FOR || k == FB_ASYNC_FOR) return i; } return -1; }
static void st(Bc *c, Stmt *s)
{
  Unit *u = c->u; VM *vm = c->vm; int d0 = u->depth; AT(c, s);
  switch (s->kind) {
  case STMT_FunctionDef: case STMT_AsyncFunctionDef: decorated(c, s, s->as.FunctionDef.decorator_list, s->as.FunctionDef.name); break;
  case STMT_ClassDef: decorated(c, s, s->as.ClassDef.decorator_list, s->as.ClassDef.name); break;
  case STMT_Return: {
    int r = -1; if (s->as.Return.value) r = push(c, s->as.Return.value);
    funwind(c, 0); AT(c, s); if (r >= 0) ret(c, r); else em(c, OP_RETURN_CONST, kst(c, cd_none()), 0, 0);
    for (int i = 0; i < u->nfb; i++) u->fb[i].start = u->n; break; }
  case STMT_Delete: for (size_t i = 0; i < s->as.Delete.targets.count; i++) delete_(c, s->as.Delete.targets.items[i]); break;
  case STMT_Assign: {
    ExprSeq t = s->as.Assign.targets;
    if (t.count == 1 && t.items[0]->kind == EXPR_Name) { Value n = t.items[0]->as.Name.id; int r; if (nkind(c, &n, &r) == N_FAST && !u->scope->walrus && s->as.Assign.value->kind != EXPR_Name) { ExprKind k = s->as.Assign.value->kind; if (k == EXPR_Constant || k == EXPR_BinOp || k == EXPR_Attribute || k == EXPR_Call || k == EXPR_Subscript || k == EXPR_UnaryOp) { to(c, s->as.Assign.value, r); break; } } }
    int v = push(c, s->as.Assign.value);
    for (size_t i = 0; i < t.count; i++) { if (i + 1 < t.count) { int k = tmp(c); em(c, OP_COPY, k, v, 0); assign(c, t.items[i], k); pop(c, 1); } else assign(c, t.items[i], v); }
    break; }
  case STMT_AugAssign: {
    Expr *t = s->as.AugAssign.target; int op = binop_of[s->as.AugAssign.op] + 2, a = 0, b = 0, v;
    if (t->kind == EXPR_Name) {
      Value n = t->as.Name.id; int r; if (nkind(c, &n, &r) == N_FAST) { Sym *y = sym_find(u->scope, n); if (!(y->flags & S_PARAM) || (y->flags & S_DELETED)) em(c, OP_CHECK_LOCAL, r, 0, 0); if (u->scope->walrus) { v = tmp(c); em(c, OP_COPY, v, r, 0); int x = any(c, s->as.AugAssign.value); AT(c, s); em(c, op, r, v, x); } else { int x = any(c, s->as.AugAssign.value); AT(c, s); em(c, op, r, r, x); } break; }
      v = tmp(c); load(c, t->as.Name.id, v);
    } else if (t->kind == EXPR_Attribute) { a = push(c, t->as.Attribute.value); v = tmp(c); int k = tmp(c); em(c, OP_COPY, k, a, 0); AT(c, t); em(c, OP_LOAD_ATTR, v, k, nam(c, bmangle(c, t->as.Attribute.attr))); pop(c, 1); }
    else { a = push(c, t->as.Subscript.value); b = push(c, t->as.Subscript.slice); v = tmp(c); int k = tmp(c), k2 = tmp(c); em(c, OP_COPY, k, a, 0); em(c, OP_COPY, k2, b, 0); AT(c, t); em(c, OP_GET_ITEM, v, k, k2); pop(c, 2); }
    int x = any(c, s->as.AugAssign.value); AT(c, s); em(c, op, v, v, x); AT(c, t);
    if (t->kind == EXPR_Name) store(c, t->as.Name.id, v); else if (t->kind == EXPR_Attribute) em(c, OP_STORE_ATTR, a, nam(c, bmangle(c, t->as.Attribute.attr)), v); else em(c, OP_SET_ITEM, a, b, v);
    break; }
  case STMT_AnnAssign: {
    Expr *t = s->as.AnnAssign.target; if (s->as.AnnAssign.value) { int v = push(c, s->as.AnnAssign.value); assign(c, t, v); u->depth = d0; }
    if (s->as.AnnAssign.simple && t->kind == EXPR_Name && (u->scope->kind == SC_MODULE || u->scope->kind == SC_CLASS)) { int v = push(c, s->as.AnnAssign.annotation), a = tmp(c), k = tmp(c); em(c, OP_LOAD_NAME, a, nam(c, vm->names.__annotations__), 0); em(c, OP_LOAD_CONST, k, kst(c, bmangle(c, t->as.Name.id)), 0); em(c, OP_SET_ITEM, a, k, v); }
    break; }
  case STMT_While: {
    int start = lab(c), out = lab(c), els = lab(c); Expr *test = s->as.While.test; here(c, start);
    bool forever = test->kind == EXPR_Constant && (cd_is_true(test->as.Constant.value) || (cd_is_small(test->as.Constant.value) && cd_small(test->as.Constant.value)));
    if (!forever) cond(c, test, els, false);
    Fb *f = fpush(c, FB_LOOP, -1, d0); f->brk = out; f->cont = start; sts(c, s->as.While.body); u->nfb--; emj(c, OP_JUMP_BACK, 0, 0, 0, start); here(c, els); sts(c, s->as.While.orelse); here(c, out); break; }
  case STMT_For: case STMT_AsyncFor: {
    bool async = s->kind == STMT_AsyncFor; int it = push(c, s->as.For.iter), start = lab(c), out = lab(c), els = lab(c), sc = 0; AT(c, s->as.For.iter); em(c, async ? OP_GET_ASYNC_ITER : OP_GET_ITER, it, it, 0);
    if (async) { sc = tmp(c); int s2 = tmp(c); em(c, OP_LOAD_NOTHING, sc, 0, 0); em(c, OP_LOAD_NOTHING, s2, 0, 0); }
    here(c, start); int v = tmp(c); AT(c, s->as.For.iter); if (async) emj(c, OP_ASYNC_NEXT, v, it, sc, els); else emj(c, OP_FOR_ITER, v, it, 0, els);
    assign(c, s->as.For.target, v); pop(c, 1);
    Fb *f = fpush(c, async ? FB_ASYNC_FOR : FB_FOR, -1, d0); f->brk = out; f->cont = start; sts(c, s->as.For.body); u->nfb--; emj(c, OP_JUMP_BACK, 0, 0, 0, start);
    here(c, els); u->depth = d0; sts(c, s->as.For.orelse); here(c, out); break; }
  case STMT_If: { int no = lab(c), end = lab(c); cond(c, s->as.If.test, no, false); sts(c, s->as.If.body); if (s->as.If.orelse.count) emj(c, OP_JUMP, 0, 0, 0, end); here(c, no); sts(c, s->as.If.orelse); here(c, end); break; }
  case STMT_With: with_stmt(c, s, 0, false); break;
  case STMT_AsyncWith: with_stmt(c, s, 0, true); break;
  case STMT_Match: {
    int subj = push(c, s->as.Match.subject), end = lab(c);
    for (size_t i = 0; i < s->as.Match.cases.count; i++) { MatchCase *m = s->as.Match.cases.items[i]; int next = lab(c); pattern(c, m->pattern, subj, next); if (m->guard) cond(c, m->guard, next, false); Fb *f = fpush(c, FB_FOR, -1, d0); f->brk = -2; f->kind = FB_TRY; u->nfb--; em(c, OP_DROP, subj, 0, 0); u->depth = d0; sts(c, m->body); emj(c, OP_JUMP, 0, 0, 0, end); here(c, next); u->depth = d0 + 1; }
    em(c, OP_DROP, subj, 0, 0); here(c, end); break; }
  case STMT_Raise: { int n = 0, a = 0, b = 0; if (s->as.Raise.exc) { a = push(c, s->as.Raise.exc); n = 1; } if (s->as.Raise.cause) { b = push(c, s->as.Raise.cause); n = 2; } AT(c, s); em(c, OP_RAISE, n, a, b); break; }
  case STMT_Try: case STMT_TryStar: try_stmt(c, s); break;
  case STMT_Assert: {
    if (c->optimize) break; int ok = lab(c); cond(c, s->as.Assert.test, ok, true); int e = tmp(c); em(c, OP_LOAD_ASSERTION_ERROR, e, 0, 0);
    if (s->as.Assert.msg) { int n = tmp(c); em(c, OP_LOAD_NOTHING, n, 0, 0); push(c, s->as.Assert.msg); em(c, OP_CALL, e, e, 1); }
    AT(c, s->as.Assert.test); em(c, OP_RAISE, 1, e, 0); here(c, ok); break; }
  case STMT_Import:
    for (size_t i = 0; i < s->as.Import.names.count; i++) {
      Alias *a = s->as.Import.names.items[i]; int b = tmp(c), b2 = tmp(c); em(c, OP_LOAD_CONST, b, kst(c, cd_from_small(0)), 0); em(c, OP_LOAD_CONST, b2, kst(c, cd_none()), 0); em(c, OP_IMPORT_NAME, b, b, nam(c, a->name)); pop(c, 1);
      const char *t = cd_str_data(a->name), *dot = strchr(t, '.');
      if (!a->asname) store(c, cd_ast_name(c->ast, t, dot ? (size_t)(dot - t) : strlen(t)), b);
      else { while (dot) { const char *nx = strchr(dot + 1, '.'); size_t n = nx ? (size_t)(nx - dot - 1) : strlen(dot + 1); int g = tmp(c); em(c, OP_IMPORT_FROM, g, b, nam(c, cd_ast_name(c->ast, dot + 1, n))); em(c, OP_DROP, b, 0, 0); em(c, OP_MOVE, b, g, 0); pop(c, 1); dot = nx; } store(c, a->asname, b); }
      u->depth = d0;
    }
    break;
  case STMT_ImportFrom: {
    size_t n = s->as.ImportFrom.names.count; Ref t = cd_tuple_new(vm, n); if (!t) { c->failed = true; return; } for (size_t i = 0; i < n; i++) cd_tuple_set(t, i, cd_dup(s->as.ImportFrom.names.items[i]->name));
    int b = tmp(c), b2 = tmp(c); em(c, OP_LOAD_CONST, b, kst(c, cd_from_small(s->as.ImportFrom.level)), 0); em(c, OP_LOAD_CONST, b2, kown(c, t), 0); em(c, OP_IMPORT_NAME, b, b, nam(c, s->as.ImportFrom.module ? s->as.ImportFrom.module : cd_ast_name(c->ast, "", 0))); pop(c, 1);
    if (n == 1 && cd_str_is(s->as.ImportFrom.names.items[0]->name, "*")) { em(c, OP_IMPORT_STAR, b, 0, 0); break; }
    for (size_t i = 0; i < n; i++) { Alias *a = s->as.ImportFrom.names.items[i]; int g = tmp(c); em(c, OP_IMPORT_FROM, g, b, nam(c, a->name)); store(c, a->asname ? a->asname : a->name, g); pop(c, 1); }
    em(c, OP_DROP, b, 0, 0); break; }
  case STMT_Expr: {
    Expr *e = s->as.Expr.value;
    if (c->mode == MODE_SINGLE && !u->parent) { int r = push(c, e); em(c, OP_PRINT_EXPR, r, 0, 0); break; }
    if (e->kind == EXPR_Constant) { em(c, OP_NOP, 0, 0, 0); break; }
    int r = push(c, e); em(c, OP_DROP, r, 0, 0); break; }
  case STMT_Pass: em(c, OP_NOP, 0, 0, 0); break;
  case STMT_Break: case STMT_Continue: {
    int i = find_loop(c); bool brk = s->kind == STMT_Break;
    if (i < 0) { cd_raise(vm, vm->exc.SyntaxError, brk ? "'break' outside loop" : "'continue' not properly in loop"); c->failed = true; return; }
    Fb f = u->fb[i]; funwind(c, i + 1);
    if (brk) { if (f.kind != FB_LOOP) em(c, OP_DROP, u->first_temp + f.depth, 0, 0); emj(c, OP_JUMP, 0, 0, 0, f.brk); } else emj(c, OP_JUMP_BACK, 0, 0, 0, f.cont);
    for (int k = i + 1; k < u->nfb; k++) u->fb[k].start = u->n;
    break; }
  case STMT_TypeAlias: cd_raise(vm, vm->exc.SyntaxError, "type statement is not supported"); c->failed = true; break;
  default: break;
  }
  u->depth = d0;
}
// ---- units ----
static bool unit_open(Bc *c, Unit *u, Scope *s, Value name, int line)
{
  VM *vm = c->vm; Unit *p = c->u; *u = (Unit){.parent = p, .scope = s, .name = name, .first_line = line};
  u->qualname = name;
  if (p && p->parent) {
    Sym *y = sym_find(p->scope, bmangle(c, name));
    if (!(y && (y->flags & S_GLOBAL) && s->kind != SC_COMP)) { Ref q = p->scope->kind == SC_CLASS ? cd_str_format(vm, "%U.%U", p->qualname, name) : cd_str_format(vm, "%U.<locals>.%U", p->qualname, name); u->qualname = cd_ast_own(c->ast, q); if (!u->qualname) return !(c->failed = true); }
  }
  if (!(u->consts = cd_list_new(vm)) || !(u->const_map = cd_dict_new(vm)) || !(u->names = cd_list_new(vm)) || !(u->name_map = cd_dict_new(vm))) return !(c->failed = true);
  bool fn = s->kind == SC_FUNCTION || s->kind == SC_COMP; int next = 0;
  if (fn) {
    for (size_t i = 0; i < s->count; i++) if (s->syms[i].flags & S_PARAM) s->syms[i].reg = next++;
    for (size_t i = 0; i < s->count; i++) { int f = s->syms[i].flags; if ((f & S_BOUND) && !(f & (S_PARAM | S_GLOBAL | S_NONLOCAL | S_CELL | S_FREE))) s->syms[i].reg = next++; }
  }
  u->nlocals = next; u->cells = bz(c, (s->count + 1) * sizeof(Value)); u->frees = bz(c, (s->count + 1) * sizeof(Value));
  if (!u->cells || !u->frees) return false;
  if (fn) for (size_t i = 0; i < s->count; i++) if (s->syms[i].flags & S_CELL) { if (!(s->syms[i].flags & S_PARAM)) s->syms[i].reg = next++; u->cells[u->ncells++] = s->syms[i].name; }
  if (s->kind == SC_CLASS && s->needs_class) { u->cells[u->ncells++] = vm->names.__class__; next++; }
  for (size_t i = 0; i < s->count; i++) if ((s->syms[i].flags & S_FREE) && !(s->syms[i].flags & S_CELL) && !(s->kind == SC_CLASS && s->needs_class && cd_is(s->syms[i].name, vm->names.__class__))) { s->syms[i].reg = next++; u->frees[u->nfree++] = s->syms[i].name; }
  u->first_temp = next; c->u = u;
  u->flags = fn ? CO_OPTIMIZED | CO_NEWLOCALS : 0; if (fn && p && (p->scope->kind == SC_FUNCTION || p->scope->kind == SC_COMP)) u->flags |= CO_NESTED;
  u->flags |= (unsigned)c->flags & 0x3fe0000u; u->at = (Position){line, line, 0, 0};
  if (u->nfree) em(c, OP_COPY_FREE_VARS, u->nfree, 0, 0);
  if (fn) for (size_t i = 0; i < s->count; i++) if (s->syms[i].flags & S_CELL) em(c, OP_MAKE_CELL, s->syms[i].reg, 0, 0);
  return true;
}
static Ref names_tuple(VM *vm, Value *v, size_t n) { Ref t = cd_tuple_new(vm, n); for (size_t i = 0; t && i < n; i++) cd_tuple_set(t, i, cd_dup(v[i])); return t; }
static Ref finish(Bc *c, Unit *u)
{
  VM *vm = c->vm; c->u = u->parent; Code *k = NULL;
  if (c->failed || !(k = cd_code_new(vm))) goto out;
  for (int i = 0; i < u->nfix; i++) { int at = u->fixes[i].at, target = u->labels[u->fixes[i].label]; InstrExtra *x = cd_instr_extra(&u->in[at]); x->jump = target - (at + 2); }
  k->arg_count = (uint32_t)u->args; k->posonly_count = (uint32_t)u->posonly; k->kwonly_count = (uint32_t)u->kwonly; k->flags = u->flags; k->local_count = (uint32_t)u->nlocals; k->cell_count = (uint32_t)u->ncells; k->free_count = (uint32_t)u->nfree;
  k->first_temp = (uint32_t)u->first_temp; k->register_count = (uint32_t)(u->first_temp + u->max + 4); k->first_free = (uint32_t)(u->first_temp - u->nfree); k->unit_count = (uint32_t)u->n; k->first_line = u->first_line;
  if (!(k->instrs = cd_alloc(vm, (size_t)u->n * sizeof(Instr)))) goto out;
  memcpy(k->instrs, u->in, (size_t)u->n * sizeof(Instr));
  if (u->nh) {
    int *owner = bz(c, (size_t)(u->n + 1) * sizeof *owner), runs = 0;
    if (!owner) goto out;
    for (int i = 0; i <= u->n; i++) owner[i] = -1;
    for (int h = u->nh - 1; h >= 0; h--) for (uint32_t i = u->h[h].start; i < u->h[h].end; i++) owner[i] = h;
    for (int i = 0; i < u->n; i++) if (owner[i] >= 0 && (i == 0 || owner[i] != owner[i - 1])) runs++;
    if (runs) {
      if (!(k->handlers = cd_alloc(vm, (size_t)runs * sizeof(Handler)))) goto out;
      k->handler_count = (uint32_t)runs; runs = 0;
      for (int i = 0; i < u->n; i++) if (owner[i] >= 0) {
        if (i == 0 || owner[i] != owner[i - 1]) k->handlers[runs++] = (Handler){(uint32_t)i, 0, (uint32_t)u->labels[u->h[owner[i]].target], u->h[owner[i]].depth};
        k->handlers[runs - 1].end = (uint32_t)i + 1;
      }
    }
  }
  PositionWriter w = {.vm = vm};
  for (int i = 0; i < u->n; i++) { if (u->isx[i]) continue; if (!cd_position_write(&w, i + 1 < u->n && u->isx[i + 1] ? 2 : 1, u->pos[i])) goto out; }
  if (w.capacity != w.size) { void *nd = cd_realloc(vm, w.data, w.capacity, w.size); if (!nd) goto out; w.data = nd; } k->positions = w.data; k->positions_size = w.size;
  Scope *s = u->scope; Value *vn = bz(c, (size_t)(u->nlocals + 1) * sizeof(Value)); if (!vn) goto out;
  for (size_t i = 0; i < s->count; i++) if (s->syms[i].reg >= 0 && s->syms[i].reg < u->nlocals) vn[s->syms[i].reg] = s->syms[i].name;
  if (u->ncells) { if (!(k->cell_registers = cd_alloc(vm, (size_t)u->ncells * sizeof(uint16_t)))) goto out; for (int i = 0; i < u->ncells; i++) { Sym *y = sym_find(s, u->cells[i]); k->cell_registers[i] = (uint16_t)(s->kind == SC_CLASS ? u->nlocals : y->reg); } }
  k->consts = cd_list_to_tuple(vm, u->consts); k->names = cd_list_to_tuple(vm, u->names); k->varnames = names_tuple(vm, vn, (size_t)u->nlocals); k->cellvars = names_tuple(vm, u->cells, (size_t)u->ncells); k->freevars = names_tuple(vm, u->frees, (size_t)u->nfree);
  k->filename = cd_dup(c->filename); k->name = cd_dup(u->name); k->qualname = cd_dup(u->qualname);
  k->docstring = (s->kind == SC_FUNCTION && cd_list_size(u->consts)) ? cd_dup(cd_list_item_borrow(u->consts, 0)) : cd_none();
  cd_drop(vm, u->consts); cd_drop(vm, u->const_map); cd_drop(vm, u->names); cd_drop(vm, u->name_map);
  return cd_from_object(k);
out:
  c->failed = true; cd_drop(vm, u->consts); cd_drop(vm, u->const_map); cd_drop(vm, u->names); cd_drop(vm, u->name_map); if (k) cd_drop(vm, cd_from_object(k));
  return NO_REF;
}
Ref cd_compile_mod(VM *vm, Ast *ast, Mod *mod, Value filename, CompileMode mode, int flags, int optimize)
{
  Bc c = {.vm = vm, .ast = ast, .filename = filename, .optimize = optimize, .flags = flags, .mode = mode}; (void)ftemps;
  c.top = c.cur = scope_new(&c, SC_MODULE, mod); if (c.failed) return NO_REF;
  StmtSeq body = mod->kind == MOD_Module ? mod->as.Module.body : mod->kind == MOD_Interactive ? mod->as.Interactive.body : (StmtSeq){0};
  for (size_t i = 0; i < body.count; i++) if (body.items[i]->kind == STMT_ImportFrom && body.items[i]->as.ImportFrom.module && cd_str_is(body.items[i]->as.ImportFrom.module, "__future__")) for (size_t j = 0; j < body.items[i]->as.ImportFrom.names.count; j++) if (cd_str_is(body.items[i]->as.ImportFrom.names.items[j]->name, "annotations")) c.flags |= CO_FUTURE_ANNOTATIONS;
  if (mod->kind == MOD_Expression) sx(&c, mod->as.Expression.body); else sss(&c, body);
  if (!c.failed) s_resolve(&c, c.top);
  if (c.failed) { if (!cd_raised(vm)) cd_raise_memory(vm); return NO_REF; }
  Unit u; if (!unit_open(&c, &u, c.top, vm->names.angle_module, 1)) return NO_REF;
  em(&c, OP_ENTER, 0, 0, 0);
  if (mod->kind == MOD_Expression) { int r = push(&c, mod->as.Expression.body); ret(&c, r); }
  else {
    bool ann = false; for (size_t i = 0; i < body.count; i++) if (body.items[i]->kind == STMT_AnnAssign) ann = true;
    if (ann) em(&c, OP_SETUP_ANNOTATIONS, 0, 0, 0);
    if (mod->kind == MOD_Module && body.count && body.items[0]->kind == STMT_Expr && body.items[0]->as.Expr.value->kind == EXPR_Constant && cd_is_str(body.items[0]->as.Expr.value->as.Constant.value)) { int t = tmp(&c); em(&c, OP_LOAD_CONST, t, kst(&c, body.items[0]->as.Expr.value->as.Constant.value), 0); em(&c, OP_STORE_NAME, nam(&c, vm->names.__doc__), t, 0); pop(&c, 1); body.items++; body.count--; }
    sts(&c, body); em(&c, OP_RETURN_CONST, kst(&c, cd_none()), 0, 0);
  }
  Ref code = finish(&c, &u);
  if (!code && !cd_raised(vm)) cd_raise_system(vm, "compiler failed");
  return code;
}
Ref cd_symtable_mod(VM *vm, Ast *ast, Mod *mod, Value filename, CompileMode mode, int flags) { return cd_raise(vm, vm->exc.NotImplementedError, "symtable"); }
