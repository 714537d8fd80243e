// SPDX-License-Identifier: MIT
// fold.c: constant expressions are computed before compiling
#include "frontend/fold.h"

#include "bytecode/code.h"
#include "frontend/symtable.h"
#include "objects/bytes.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>

// What a folded constant may grow to; CPython's limits.
enum { FOLD_INT_BITS = 128, FOLD_COLLECTION = 256, FOLD_TEXT = 4096, FOLD_ITEMS = 1024 };

typedef struct Folder {
  VM *vm;
  Ast *ast;
  int depth, depth_limit;
  int optimize;
  bool future_annotations;
  bool failed;
} Folder;

static void fold_expr(Folder *f, Expr *e);

// ---- turning nodes into constants ----

static void fold_set(Folder *f, Expr *e, Ref value)
{
  if (!value) {                                  // left as it is: running it will say what is wrong
    if (f->vm->thread->raised && cd_raised_is(f->vm, f->vm->exc.KeyboardInterrupt)) f->failed = true;
    else cd_clear_raised(f->vm);
    return;
  }
  Value kept = cd_ast_own(f->ast, value);
  if (!kept) {
    f->failed = true;
    return;
  }
  e->kind = EXPR_Constant;
  e->as.Constant.value = kept;
  e->as.Constant.kind = NO_VALUE;
}

static bool fold_is_const(const Expr *e) { return e->kind == EXPR_Constant; }

// ---- operators ----

static bool fold_is_text(Value v) { return cd_is_str(v) || cd_is_bytes(v); }
static size_t fold_text_length(Value v) { return cd_is_str(v) ? cd_str_length(v) : cd_bytes_size(v); }

// Number of items in nested tuples and frozensets, subtracted from `left`; negative: too many.
static int64_t fold_complexity(VM *vm, Value v, int64_t left)
{
  if (cd_is_tuple(v)) {
    left -= (int64_t)cd_tuple_size(v);
    for (size_t i = 0; left >= 0 && i < cd_tuple_size(v); i++) left = fold_complexity(vm, cd_tuple_item_borrow(v, i), left);
  } else if (cd_is_exact(v, vm->types.frozenset)) {
    left -= (int64_t)cd_set_count(v);
    Value item;
    for (size_t i = 0; left >= 0 && cd_set_each(v, &i, &item);) left = fold_complexity(vm, item, left);
  }
  return left;
}

static bool fold_may_repeat(VM *vm, Value sequence, Value count)
{
  int64_t n;
  if (!cd_int_fits_i64(count, &n)) return false;
  if (cd_is_tuple(sequence)) {
    size_t size = cd_tuple_size(sequence);
    return !size || (n >= 0 && n <= (int64_t)(FOLD_COLLECTION / size) && (!n || fold_complexity(vm, sequence, FOLD_ITEMS / n) >= 0));
  }
  size_t size = fold_text_length(sequence);
  return !size || (n >= 0 && n <= (int64_t)(FOLD_TEXT / size));
}

static bool fold_may_multiply(VM *vm, Value a, Value b)
{
  if (cd_is_int(a) && cd_is_int(b))
    return !cd_int_sign(a) || !cd_int_sign(b) || cd_int_bit_length(a) + cd_int_bit_length(b) <= FOLD_INT_BITS;
  if (cd_is_int(a) && (cd_is_tuple(b) || fold_is_text(b))) return fold_may_repeat(vm, b, a);
  if (cd_is_int(b) && (cd_is_tuple(a) || fold_is_text(a))) return fold_may_repeat(vm, a, b);
  return true;
}

static bool fold_may_power(Value a, Value b)
{
  if (!cd_is_int(a) || !cd_is_int(b) || !cd_int_sign(a) || cd_int_sign(b) <= 0) return true;
  uint64_t n;
  return cd_int_fits_u64(b, &n) && cd_int_bit_length(a) <= FOLD_INT_BITS / n;
}

static bool fold_may_shift(Value a, Value b)
{
  if (!cd_is_int(a) || !cd_is_int(b) || !cd_int_sign(a) || !cd_int_sign(b)) return true;
  uint64_t n;
  return cd_int_fits_u64(b, &n) && n <= FOLD_INT_BITS && cd_int_bit_length(a) <= FOLD_INT_BITS - n;
}

static const int8_t fold_operators[] = {
  // ORDER: OPERATOR of ast.def
  BINARY_ADD,    BINARY_SUBTRACT, BINARY_MULTIPLY, -1,         BINARY_TRUE_DIVIDE, BINARY_REMAINDER,    BINARY_POWER,
  BINARY_LSHIFT, BINARY_RSHIFT,   BINARY_OR,       BINARY_XOR, BINARY_AND,         BINARY_FLOOR_DIVIDE,
};

// ---- "format" % (a, b) becomes an f-string ----

typedef struct FormatPiece { int conversion; const char *spec; size_t spec_size; bool minus; int width; int precision; } FormatPiece;

static Expr *fold_text_node(Folder *f, const Expr *at, Ref text)
{
  Value kept = text ? cd_ast_own(f->ast, text) : NO_VALUE;
  Expr *e = kept ? cd_expr_new(f->ast, EXPR_Constant) : NULL;
  if (!e) {
    f->failed = true;
    return NULL;
  }
  e->as.Constant.value = kept;
  cd_ast_at(e, at);
  return e;
}

// %s %r %a with '-' flag, width and precision. false: something else stands there.
static bool fold_format_piece(const char **at, const char *end, FormatPiece *piece)
{
  const char *p = *at;
  *piece = (FormatPiece){.width = -1, .precision = -1};
  while (p < end && *p == '-') piece->minus = true, p++;
  for (int digits = 0; p < end && *p >= '0' && *p <= '9'; p++) {
    if (digits++ >= 3 || (digits == 1 && *p == '0')) return false;
    piece->width = (piece->width < 0 ? 0 : piece->width) * 10 + (*p - '0');
  }
  if (p < end && *p == '.') {
    piece->precision = 0;
    int digits = 0;
    for (p++; p < end && *p >= '0' && *p <= '9'; p++) {
      if (digits++ >= 3) return false;
      piece->precision = piece->precision * 10 + (*p - '0');
    }
  }
  if (p >= end || (*p != 's' && *p != 'r' && *p != 'a')) return false;
  piece->conversion = *p;
  *at = p + 1;
  return true;
}

static Expr *fold_formatted(Folder *f, Expr *value, const FormatPiece *piece)
{
  Expr *e = cd_expr_new(f->ast, EXPR_FormattedValue);
  if (!e) {
    f->failed = true;
    return NULL;
  }
  cd_ast_at(e, value);
  e->as.FormattedValue.value = value;
  e->as.FormattedValue.conversion = piece->conversion;
  if (piece->width < 0 && piece->precision < 0) return e;
  char spec[32];
  int n = 0;
  if (piece->width >= 0) n += snprintf(spec + n, sizeof spec - (size_t)n, "%s%d", piece->minus ? "" : ">", piece->width);
  if (piece->precision >= 0) n += snprintf(spec + n, sizeof spec - (size_t)n, ".%d", piece->precision);
  Expr *text = fold_text_node(f, value, cd_str_ascii(f->vm, spec, (size_t)n));
  return text && (e->as.FormattedValue.format_spec = text) ? e : NULL;
}

static bool fold_push(ExprSeq *out, Expr *e)
{
  if (!e) return false;
  out->items[out->count++] = e;
  return true;
}

static void fold_percent(Folder *f, Expr *e)
{
  Expr *left = e->as.BinOp.left, *right = e->as.BinOp.right;
  if (!cd_is_exact(left->as.Constant.value, f->vm->types.str) || right->kind != EXPR_Tuple) return;
  const ExprSeq *args = &right->as.Tuple.elts;
  for (size_t i = 0; i < args->count; i++)
    if (args->items[i]->kind == EXPR_Starred) return;
  const char *p = cd_str_data(left->as.Constant.value), *end = p + cd_str_size(left->as.Constant.value);
  ExprSeq out = {0, cd_ast_array(f->ast, args->count * 2 + 1, sizeof(Expr *))};
  if (!out.items) {
    f->failed = true;
    return;
  }
  TextBuilder text;
  size_t used = 0;
  while (p < end) {
    cd_text_init(&text, f->vm);
    bool ok = true;
    while (ok && p < end && !(*p == '%' && !(p + 1 < end && p[1] == '%'))) {
      const char *start = p;
      if (*p == '%') start = ++p;                // of two one stays
      do p++; while (p < end && *p != '%');
      ok = cd_text_put(&text, start, (size_t)(p - start));
    }
    bool empty = text.size == 0;
    Ref literal = ok ? cd_text_finish(&text) : NO_REF;
    if (!literal) {
      cd_text_clear(&text);
      f->failed = true;
      return;
    }
    if (empty) cd_drop(f->vm, literal);
    else if (!fold_push(&out, fold_text_node(f, e, literal))) return;
    if (p >= end) break;
    p++;
    FormatPiece piece;
    if (used >= args->count || !fold_format_piece(&p, end, &piece)) return;
    if (!fold_push(&out, fold_formatted(f, args->items[used++], &piece))) return;
  }
  if (used != args->count) return;
  e->kind = EXPR_JoinedStr;
  e->as.JoinedStr.values = out;
}

static void fold_binary(Folder *f, Expr *e)
{
  VM *vm = f->vm;
  Expr *left = e->as.BinOp.left, *right = e->as.BinOp.right;
  BinaryOperator op = e->as.BinOp.op;
  if (!fold_is_const(left)) return;
  if (op == OPERATOR_Mod && right->kind == EXPR_Tuple && cd_is_str(left->as.Constant.value)) {
    fold_percent(f, e);
    return;
  }
  if (!fold_is_const(right)) return;
  Value a = left->as.Constant.value, b = right->as.Constant.value;
  switch (op) {
  case OPERATOR_MatMult: return;
  case OPERATOR_Mult: if (!fold_may_multiply(vm, a, b)) return; break;
  case OPERATOR_Pow: if (!fold_may_power(a, b)) return; break;
  case OPERATOR_LShift: if (!fold_may_shift(a, b)) return; break;
  case OPERATOR_Mod: if (fold_is_text(a)) return; break;
  default: break;
  }
  fold_set(f, e, cd_binary(vm, a, b, (BinaryOp)fold_operators[op]));
}

static void fold_unary(Folder *f, Expr *e)
{
  VM *vm = f->vm;
  Expr *operand = e->as.UnaryOp.operand;
  if (!fold_is_const(operand)) {
    // not (a in b) is a not in b, likewise `is`
    if (e->as.UnaryOp.op != UNARYOP_Not || operand->kind != EXPR_Compare || operand->as.Compare.ops.count != 1) return;
    int32_t *op = operand->as.Compare.ops.items;
    switch (*op) {
    case CMPOP_Is: *op = CMPOP_IsNot; break;
    case CMPOP_IsNot: *op = CMPOP_Is; break;
    case CMPOP_In: *op = CMPOP_NotIn; break;
    case CMPOP_NotIn: *op = CMPOP_In; break;
    default: return;
    }
    Expr place = *e;
    *e = *operand;
    cd_ast_at(e, &place);
    return;
  }
  Value v = operand->as.Constant.value;
  bool truth;
  switch (e->as.UnaryOp.op) {
  case UNARYOP_Invert: fold_set(f, e, cd_invert(vm, v)); break;
  case UNARYOP_UAdd: fold_set(f, e, cd_positive(vm, v)); break;
  case UNARYOP_USub: fold_set(f, e, cd_negative(vm, v)); break;
  case UNARYOP_Not: fold_set(f, e, cd_truth(vm, v, &truth) ? cd_bool(!truth) : NO_REF); break;
  }
}

// ---- displays ----

static Ref fold_constants_tuple(Folder *f, const ExprSeq *elts)
{
  for (size_t i = 0; i < elts->count; i++)
    if (!fold_is_const(elts->items[i])) return NO_REF;
  Ref tuple = cd_tuple_new(f->vm, elts->count);
  if (!tuple) {
    f->failed = true;
    return NO_REF;
  }
  for (size_t i = 0; i < elts->count; i++) cd_tuple_set(tuple, i, cd_dup(elts->items[i]->as.Constant.value));
  return tuple;
}

static void fold_tuple(Folder *f, Expr *e)
{
  if (e->as.Tuple.ctx != CTX_Load) return;
  Ref tuple = fold_constants_tuple(f, &e->as.Tuple.elts);
  if (tuple) fold_set(f, e, tuple);
}

// A list or set that is only iterated over or searched need not be built anew.
static void fold_iterable(Folder *f, Expr *e)
{
  if (e->kind == EXPR_List) {
    Ref tuple = fold_constants_tuple(f, &e->as.List.elts);
    if (tuple) {
      fold_set(f, e, tuple);
      return;
    }
    for (size_t i = 0; i < e->as.List.elts.count; i++)
      if (e->as.List.elts.items[i]->kind == EXPR_Starred) return;
    ExprSeq elts = e->as.List.elts;
    ExprContext ctx = e->as.List.ctx;
    e->kind = EXPR_Tuple;
    e->as.Tuple.elts = elts;
    e->as.Tuple.ctx = ctx;
  } else if (e->kind == EXPR_Set) {
    Ref tuple = fold_constants_tuple(f, &e->as.Set.elts);
    if (!tuple) return;
    Ref set = cd_frozenset_new(f->vm, tuple);
    cd_drop(f->vm, tuple);
    fold_set(f, e, set);
  }
}

static void fold_subscript(Folder *f, Expr *e)
{
  if (e->as.Subscript.ctx != CTX_Load || !fold_is_const(e->as.Subscript.value) || !fold_is_const(e->as.Subscript.slice)) return;
  Value container = e->as.Subscript.value->as.Constant.value;
  if (!cd_is_tuple(container) && !fold_is_text(container)) return;
  fold_set(f, e, cd_getitem(f->vm, container, e->as.Subscript.slice->as.Constant.value));
}

static void fold_compare(Folder *f, Expr *e)
{
  size_t last = e->as.Compare.ops.count - 1;
  int32_t op = e->as.Compare.ops.items[last];
  if (op == CMPOP_In || op == CMPOP_NotIn) fold_iterable(f, e->as.Compare.comparators.items[last]);
}

// ---- walking; children first ----

static bool fold_enter(Folder *f)
{
  if (cd_compile_enter(f->vm, &f->depth, f->depth_limit)) return true;
  f->failed = true;
  return false;
}

static bool fold_is_docstring(const StmtSeq *body)
{
  if (!body->count || body->items[0]->kind != STMT_Expr) return false;
  const Expr *e = body->items[0]->as.Expr.value;
  return e->kind == EXPR_Constant && cd_is_str(e->as.Constant.value);
}

static void fold_stmt(Folder *f, Stmt *s);
static void fold_pattern(Folder *f, Pattern *p);

static void fold_stmts(Folder *f, StmtSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) fold_stmt(f, seq->items[i]);
}

// Function, class and module bodies: an expression that folds to a string must not become a docstring.
static void fold_body(Folder *f, StmtSeq *seq)
{
  bool documented = fold_is_docstring(seq);
  fold_stmts(f, seq);
  if (f->failed || documented || !fold_is_docstring(seq)) return;
  Expr *constant = seq->items[0]->as.Expr.value, *joined = cd_expr_new(f->ast, EXPR_JoinedStr);
  Expr **items = joined ? cd_ast_array(f->ast, 1, sizeof *items) : NULL;
  if (!items) {
    f->failed = true;
    return;
  }
  items[0] = constant;
  joined->as.JoinedStr.values = (ExprSeq){1, items};
  cd_ast_at(joined, constant);
  seq->items[0]->as.Expr.value = joined;
}

static void fold_exprs(Folder *f, ExprSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++)
    if (seq->items[i]) fold_expr(f, seq->items[i]);
}
static void fold_annotation(Folder *f, Expr *e)
{
  if (e && !f->future_annotations) fold_expr(f, e);
}
static void fold_args(Folder *f, ArgSeq *args)
{
  for (size_t i = 0; i < args->count && !f->failed; i++) fold_annotation(f, args->items[i]->annotation);
}
static void fold_arguments(Folder *f, Arguments *args)
{
  fold_args(f, &args->posonlyargs);
  fold_args(f, &args->args);
  if (args->vararg) fold_annotation(f, args->vararg->annotation);
  fold_args(f, &args->kwonlyargs);
  fold_exprs(f, &args->kw_defaults);
  if (args->kwarg) fold_annotation(f, args->kwarg->annotation);
  fold_exprs(f, &args->defaults);
}
static void fold_keywords(Folder *f, KeywordSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) fold_expr(f, seq->items[i]->value);
}
static void fold_clauses(Folder *f, ComprehensionSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) {
    Comprehension *c = seq->items[i];
    fold_expr(f, c->target);
    fold_expr(f, c->iter);
    fold_exprs(f, &c->ifs);
    if (!c->is_async) fold_iterable(f, c->iter);
  }
}
static void fold_handlers(Folder *f, ExceptHandlerSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) {
    if (seq->items[i]->type) fold_expr(f, seq->items[i]->type);
    fold_stmts(f, &seq->items[i]->body);
  }
}
static void fold_items(Folder *f, WithItemSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) {
    fold_expr(f, seq->items[i]->context_expr);
    if (seq->items[i]->optional_vars) fold_expr(f, seq->items[i]->optional_vars);
  }
}
static void fold_cases(Folder *f, MatchCaseSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) {
    fold_pattern(f, seq->items[i]->pattern);
    if (seq->items[i]->guard) fold_expr(f, seq->items[i]->guard);
    fold_stmts(f, &seq->items[i]->body);
  }
}
static void fold_patterns(Folder *f, PatternSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) fold_pattern(f, seq->items[i]);
}
static void fold_type_params(Folder *f, TypeParamSeq *seq)
{
  for (size_t i = 0; i < seq->count && !f->failed; i++) {
    TypeParam *p = seq->items[i];
    bool variable = p->kind == TYPE_PARAM_TypeVar;
    if (variable && p->as.TypeVar.bound) fold_expr(f, p->as.TypeVar.bound);
    Expr *value = variable ? p->as.TypeVar.default_value
                           : p->as.ParamSpec.default_value;   // ORDER: ParamSpec and TypeVarTuple have the same fields
    if (value) fold_expr(f, value);
  }
}

// One case for each node, from the table: visits every field.
#define FOLD_ONE_expr(x) do { if (x) fold_expr(f, x); } while (0)
#define FOLD_ONE_pattern(x) do { if (x) fold_pattern(f, x); } while (0)
#define FOLD_ONE_arguments(x) fold_arguments(f, x)
#define FOLD_ONE_identifier(x)
#define FOLD_ONE_string(x)
#define FOLD_ONE_constant(x)
#define FOLD_ONE_int(x)
#define FOLD_ONE_expr_context(x)
#define FOLD_ONE_boolop(x)
#define FOLD_ONE_operator(x)
#define FOLD_ONE_unaryop(x)
#define FOLD_SEQ_stmt(x) fold_stmts(f, &(x))
#define FOLD_SEQ_expr(x) fold_exprs(f, &(x))
#define FOLD_SEQ_pattern(x) fold_patterns(f, &(x))
#define FOLD_SEQ_keyword(x) fold_keywords(f, &(x))
#define FOLD_SEQ_comprehension(x) fold_clauses(f, &(x))
#define FOLD_SEQ_excepthandler(x) fold_handlers(f, &(x))
#define FOLD_SEQ_withitem(x) fold_items(f, &(x))
#define FOLD_SEQ_match_case(x) fold_cases(f, &(x))
#define FOLD_SEQ_type_param(x) fold_type_params(f, &(x))
#define FOLD_SEQ_identifier(x)
#define FOLD_SEQ_alias(x)
#define FOLD_SEQ_cmpop(x)
#define ONE(kind, name) FOLD_ONE_##kind(n->name);
#define OPT(kind, name) FOLD_ONE_##kind(n->name);
#define SEQ(kind, name) FOLD_SEQ_##kind(n->name);
#define SEQ_OPT(kind, name) FOLD_SEQ_##kind(n->name);
#define EXTRA(kind, name) FOLD_SEQ_##kind(n->name);

static void fold_expr_children(Folder *f, Expr *e)
{
  switch (e->kind) {
#include "frontend/ast_clear.h"
#undef EXPR
#define EXPR(variant, fields) case EXPR_##variant: { __typeof__(e->as.variant) *n UNUSED = &e->as.variant; fields break; }
#include "frontend/ast.def"
  }
}

static void fold_stmt_children(Folder *f, Stmt *s)
{
  switch (s->kind) {
#include "frontend/ast_clear.h"
#undef STMT
#define STMT(variant, fields) case STMT_##variant: { __typeof__(s->as.variant) *n UNUSED = &s->as.variant; fields break; }
#include "frontend/ast.def"
  }
}

static void fold_pattern_children(Folder *f, Pattern *p)
{
  switch (p->kind) {
#include "frontend/ast_clear.h"
#undef PATTERN
#define PATTERN(variant, fields) case PATTERN_##variant: { __typeof__(p->as.variant) *n UNUSED = &p->as.variant; fields break; }
#include "frontend/ast.def"
  }
}
#undef ONE
#undef OPT
#undef SEQ
#undef SEQ_OPT
#undef EXTRA

static void fold_expr(Folder *f, Expr *e)
{
  if (e->kind == EXPR_Constant) return;
  if (e->kind == EXPR_Name) {
    if (e->as.Name.ctx == CTX_Load && cd_is(e->as.Name.id, f->vm->names.__debug__)) fold_set(f, e, cd_bool(!f->optimize));
    return;
  }
  if (f->failed || !fold_enter(f)) return;
  fold_expr_children(f, e);
  if (!f->failed) {
    switch (e->kind) {
    case EXPR_BinOp: fold_binary(f, e); break;
    case EXPR_UnaryOp: fold_unary(f, e); break;
    case EXPR_Tuple: fold_tuple(f, e); break;
    case EXPR_Subscript: fold_subscript(f, e); break;
    case EXPR_Compare: fold_compare(f, e); break;
    default: break;
    }
  }
  f->depth--;
}

static void fold_pattern(Folder *f, Pattern *p)
{
  if (f->failed || !fold_enter(f)) return;
  fold_pattern_children(f, p);
  f->depth--;
}

static void fold_function(Folder *f, Stmt *s)    // ORDER: FunctionDef and AsyncFunctionDef have the same fields
{
  fold_arguments(f, s->as.FunctionDef.args);
  fold_body(f, &s->as.FunctionDef.body);
  fold_exprs(f, &s->as.FunctionDef.decorator_list);
  fold_annotation(f, s->as.FunctionDef.returns);
  fold_type_params(f, &s->as.FunctionDef.type_params);
}

static void fold_stmt(Folder *f, Stmt *s)
{
  if (f->failed || !fold_enter(f)) return;
  switch (s->kind) {
  case STMT_FunctionDef: case STMT_AsyncFunctionDef: fold_function(f, s); break;
  case STMT_ClassDef:
    fold_type_params(f, &s->as.ClassDef.type_params);
    fold_exprs(f, &s->as.ClassDef.bases);
    fold_keywords(f, &s->as.ClassDef.keywords);
    fold_body(f, &s->as.ClassDef.body);
    fold_exprs(f, &s->as.ClassDef.decorator_list);
    break;
  case STMT_AnnAssign:
    fold_expr(f, s->as.AnnAssign.target);
    fold_annotation(f, s->as.AnnAssign.annotation);
    if (s->as.AnnAssign.value) fold_expr(f, s->as.AnnAssign.value);
    break;
  case STMT_For:
    fold_stmt_children(f, s);
    if (!f->failed) fold_iterable(f, s->as.For.iter);
    break;
  default: fold_stmt_children(f, s); break;
  }
  f->depth--;
}

bool cd_fold(VM *vm, Ast *ast, Mod *mod, int flags, int optimize)
{
  Folder f = {.vm = vm,
              .ast = ast,
              .depth_limit = cd_compile_depth_limit(vm),
              .optimize = optimize,
              .future_annotations = flags & CO_FUTURE_ANNOTATIONS};
  switch (mod->kind) {
  case MOD_Module: fold_body(&f, &mod->as.Module.body); break;
  case MOD_Interactive: fold_stmts(&f, &mod->as.Interactive.body); break;
  case MOD_Expression: fold_expr(&f, mod->as.Expression.body); break;
  case MOD_FunctionType: break;
  }
  return !f.failed;
}
