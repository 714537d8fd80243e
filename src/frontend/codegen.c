// SPDX-License-Identifier: MIT
// codegen.c: units, instructions, names and constants; the compiler's entry
#include "frontend/codegen.h"

#include "frontend/fold.h"
#include "objects/raise.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- growing arrays ----

static bool codegen_grow(Compiler *c, void **items, uint32_t *capacity, size_t size, uint32_t first)
{
  if (*capacity > UINT32_MAX / 4) {
    cd_raise_memory(c->vm);
    return false;
  }
  uint32_t wanted = *capacity ? *capacity * 2 : first;
  void *grown = cd_realloc(c->vm, *items, *capacity * size, wanted * size);
  if (!grown) return false;
  *items = grown;
  *capacity = wanted;
  return true;
}

bool cd_codegen_enter(Compiler *c)
{
  if (cd_compile_enter(c->vm, &c->depth, c->depth_limit)) return true;
  c->failed = true;
  return false;
}

Value cd_own(Compiler *c, Ref v)
{
  Value kept = v ? cd_ast_own(c->ast, v) : NO_VALUE;
  if (!kept) c->failed = true;
  return kept;
}

void cd_compile_warn(Compiler *c, Type *category, Position at, const char *format, ...)
{
  if (c->failed) return;
  va_list args;
  va_start(args, format);
  Ref text = cd_str_vformat(c->vm, format, args);
  va_end(args);
  if (!text || !cd_syntax_warning(c->vm, category, c->filename, at.line, at.column, at.end_line, at.end_column, "%U", text))
    c->failed = true;
  cd_drop(c->vm, text);
}

// ---- tables of values ----

static inline uint32_t value_hash(Value v) { return (uint32_t)((cd_bits(v) ^ cd_bits(v) >> 7) * UINT64_C(0x9E3779B97F4A7C15) >> 32); }

enum { VALUE_LINEAR = 8 };

static int64_t value_find(const ValueTable *table, Value v)
{
  if (!table->index) {
    for (uint32_t i = 0; i < table->count; i++)
      if (cd_is(table->items[i], v)) return i;
    return -1;
  }
  for (uint32_t k = value_hash(v) & table->index_mask; table->index[k]; k = (k + 1) & table->index_mask)
    if (cd_is(table->items[table->index[k] - 1], v)) return table->index[k] - 1;
  return -1;
}

static bool value_grow(Compiler *c, ValueTable *table)
{
  uint32_t capacity = table->capacity ? table->capacity * 2 : VALUE_LINEAR;
  Value *items = cd_ast_array(c->ast, capacity, sizeof *items);
  if (!items) return false;
  if (table->count) memcpy(items, table->items, table->count * sizeof *items);
  table->items = items;
  table->capacity = capacity;
  if (capacity <= VALUE_LINEAR) return true;
  table->index_mask = capacity * 2 - 1;
  if (!(table->index = cd_ast_array(c->ast, table->index_mask + 1, sizeof *table->index))) return false;
  for (uint32_t i = 0; i < table->count; i++) {
    uint32_t k = value_hash(items[i]) & table->index_mask;
    while (table->index[k]) k = (k + 1) & table->index_mask;
    table->index[k] = i + 1;
  }
  return true;
}

static uint32_t value_add(Compiler *c, ValueTable *table, Value v)
{
  if (table->count == table->capacity && !value_grow(c, table)) {
    c->failed = true;
    return 0;
  }
  table->items[table->count++] = v;
  if (table->index) {
    uint32_t k = value_hash(v) & table->index_mask;
    while (table->index[k]) k = (k + 1) & table->index_mask;
    table->index[k] = table->count;
  }
  return table->count - 1;
}

static uint32_t value_number(Compiler *c, ValueTable *table, Value v)
{
  int64_t found = value_find(table, v);
  return found >= 0 ? (uint32_t)found : value_add(c, table, v);
}

// ---- constants ----

static bool pool_grow(Compiler *c)
{
  uint32_t capacity = c->pool_capacity ? c->pool_capacity * 2 : 64;
  Value *pool = cd_ast_array(c->ast, capacity, sizeof *pool);
  if (!pool) return false;
  for (uint32_t i = 0; i < c->pool_capacity; i++) {
    if (!c->pool[i]) continue;
    uint32_t k = (uint32_t)cd_const_hash(c->vm, c->pool[i]) & (capacity - 1);
    while (pool[k]) k = (k + 1) & (capacity - 1);
    pool[k] = c->pool[i];
  }
  c->pool = pool;
  c->pool_capacity = capacity;
  return true;
}

// Text that looks like a name is interned, as CPython does, in tuples too.
static bool const_is_name_like(Value v)
{
  const char *text = cd_str_data(v);
  size_t size = cd_str_size(v);
  for (size_t i = 0; i < size; i++) {
    unsigned char ch = (unsigned char)text[i];
    if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_')) return false;
  }
  return true;
}

static void const_intern_items(Compiler *c, Value tuple)
{
  for (size_t i = 0; i < cd_tuple_size(tuple); i++) {
    Value item = cd_tuple_item_borrow(tuple, i);
    if (cd_is_exact(item, c->vm->types.tuple)) {
      const_intern_items(c, item);
    } else if (cd_is_exact(item, c->vm->types.str) && !cd_as_str(item)->interned && const_is_name_like(item)) {
      Ref interned = cd_str_intern(c->vm, cd_dup(item));
      if (!interned) {
        c->failed = true;
        return;
      }
      cd_drop_object(c->vm, cd_object(item));
      cd_tuple_set(tuple, i, interned);
    }
  }
}

// CPython makes constant sets anew, item by item: so they are iterated in the same order here.
static Value const_frozenset(Compiler *c, Value v)
{
  if (!cd_as_set(v)->count) return v;
  Ref items = cd_tuple_from(c->vm, v), made = items ? cd_frozenset_new(c->vm, items) : NO_REF;
  cd_drop(c->vm, items);
  return cd_own(c, made);
}

// The one object that stands for all constants equal to v.
static Value const_pooled(Compiler *c, Value v)
{
  VM *vm = c->vm;
  if (!cd_is_object(v)) return v;
  if (cd_is_exact(v, vm->types.str)) {
    if (cd_as_str(v)->interned) return v;
    if (const_is_name_like(v)) return cd_own(c, cd_str_intern(vm, cd_dup(v)));
  } else if (cd_is_exact(v, vm->types.frozenset)) {
    return const_frozenset(c, v);
  } else if (cd_is_exact(v, vm->types.code)) {
    return v;
  }
  if (c->pool_count * 2 >= c->pool_capacity && !pool_grow(c)) {
    c->failed = true;
    return v;
  }
  uint32_t k = (uint32_t)cd_const_hash(vm, v) & (c->pool_capacity - 1);
  for (; c->pool[k]; k = (k + 1) & (c->pool_capacity - 1))
    if (cd_const_equal(vm, c->pool[k], v)) return c->pool[k];
  if (cd_is_exact(v, vm->types.tuple)) const_intern_items(c, v);
  c->pool[k] = v;
  c->pool_count++;
  return v;
}

uint32_t cd_const(Compiler *c, Value v)
{
  if (c->failed) return 0;
  Value pooled = const_pooled(c, v);
  return pooled ? value_number(c, &c->unit->consts, pooled) : 0;
}
uint32_t cd_new_const(Compiler *c, Value v) { return c->failed ? 0 : value_add(c, &c->unit->consts, v); }
uint32_t cd_name(Compiler *c, Value name) { return c->failed ? 0 : value_number(c, &c->unit->names, name); }

// ---- instructions ----

Ir *cd_emit(Compiler *c, Opcode op, uint32_t a, uint32_t b, uint32_t c_)
{
  Unit *u = c->unit;
  if (UNLIKELY(c->ir_count == c->ir_capacity)) {
    if (c->failed || !codegen_grow(c, (void **)&c->ir, &c->ir_capacity, sizeof *c->ir, 1024)) {
      c->failed = true;
      c->ir_count--;                             // overwrites the last: nothing of this will be used
    }
  }
  Ir *ir = &c->ir[c->ir_count++];
  *ir = (Ir){.op = (uint16_t)op, .handler = u->handler, .a = a, .b = b, .c = c_, .jump = -1, .at = u->at};
  return ir;
}

void cd_emit_jump(Compiler *c, Opcode op, Reg a, Label to)
{
  bool back = op == OP_JUMP && !c->failed && c->labels[c->unit->label_base + (uint32_t)to] >= 0;
  cd_emit(c, back ? OP_JUMP_BACK : op, a, 0, 0)->jump = to;
}

Label cd_label(Compiler *c)
{
  if (UNLIKELY(c->label_count == c->label_capacity) && !codegen_grow(c, (void **)&c->labels, &c->label_capacity, sizeof *c->labels, 256)) {
    c->failed = true;
    return 0;
  }
  c->labels[c->label_count] = -1;
  return (Label)(c->label_count++ - c->unit->label_base);
}

void cd_place(Compiler *c, Label label)
{
  Unit *u = c->unit;
  if (!c->failed) c->labels[u->label_base + (uint32_t)label] = (int32_t)(c->ir_count - u->ir_base);
}

Reg cd_push(Compiler *c)
{
  Unit *u = c->unit;
  if (++u->depth > u->max_depth) u->max_depth = u->depth;
  return cd_temp(u->depth - 1);
}

int32_t cd_handler_push(Compiler *c, Label label, uint32_t depth)
{
  Unit *u = c->unit;
  int32_t outer = u->handler;
  if (c->handler_count == c->handler_capacity && !codegen_grow(c, (void **)&c->handlers, &c->handler_capacity, sizeof *c->handlers, 64)) {
    c->failed = true;
    return outer;
  }
  c->handlers[c->handler_count] = (IrHandler){label, depth, outer};
  u->handler = (int32_t)(c->handler_count++ - u->handler_base);
  // the exception takes a temporary, and the place where it came up
  if (depth + 2 > u->max_depth) u->max_depth = depth + 2;
  return outer;
}

void cd_load_const(Compiler *c, Reg dst, Value v) { cd_emit(c, OP_LOAD_CONST, dst, cd_const(c, v), 0); }
void cd_return_const(Compiler *c, Value v) { cd_emit(c, OP_RETURN_CONST, cd_const(c, v), 0, 0); }

// ---- names ----

Value cd_mangled(Compiler *c, Value name)
{
  Value mangled = cd_mangle(c->ast, c->unit->private_name, c->unit->scope->private_only, name);
  if (!mangled) c->failed = true;
  return mangled ? mangled : name;
}

static Reg codegen_local(Compiler *c, Symbol *symbol)
{
  if (symbol->number < 0) symbol->number = (int32_t)value_add(c, &c->unit->varnames, symbol->name);
  return REG_MAKE(REG_LOCAL, symbol->number);
}

NameKind cd_resolve(Compiler *c, Value mangled, Reg *reg)
{
  Unit *u = c->unit;
  Symbol *symbol = cd_scope_find(u->scope, mangled);
  bool function = u->is_function;
  switch (symbol ? (Binding)symbol->binding : BINDING_NONE) {
  case BINDING_LOCAL:
    if (!function) return NAME_NAME;
    *reg = codegen_local(c, symbol);
    return NAME_FAST;
  case BINDING_CELL:
    *reg = REG_MAKE(REG_CELL, symbol->number);
    return NAME_DEREF;
  case BINDING_FREE:
    *reg = REG_MAKE(REG_FREE, symbol->number);
    if (u->scope->in_class && !cd_is(mangled, c->vm->names.__classdict__)) return NAME_IN_CLASS;
    return u->scope->kind == SCOPE_CLASS ? NAME_CLASS_DEREF : NAME_DEREF;
  case BINDING_GLOBAL_EXPLICIT: return NAME_GLOBAL;
  case BINDING_GLOBAL_IMPLICIT:
    *reg = REG_NONE;
    if (u->scope->in_class) return NAME_IN_CLASS;
    return function ? NAME_GLOBAL : NAME_NAME;
  case BINDING_NONE: break;
  }
  return function ? NAME_GLOBAL : NAME_NAME;
}

Reg cd_local_of(Compiler *c, Value name)
{
  if (!c->unit->is_function || c->failed) return REG_NONE;
  Symbol *symbol = cd_scope_find(c->unit->scope, cd_mangled(c, name));
  return symbol && symbol->binding == BINDING_LOCAL ? codegen_local(c, symbol) : REG_NONE;
}

static void codegen_load_in_class(Compiler *c, Value name, Reg cell, Reg dst)
{
  uint32_t depth = c->unit->depth;
  Reg base = cd_push(c);
  cd_load_name_into(c, c->vm->names.__classdict__, base);
  cd_load_const(c, cd_push(c), name);
  Reg other = cd_push(c);
  if (cell == REG_NONE) cd_load_const(c, other, cd_none());
  else cd_emit(c, OP_COPY, other, cell, 0);
  cd_emit(c, OP_INTRINSIC, dst, base, 7);
  cd_pop_to(c, depth);
}

// May a parameter be unbound? Where that is possible flowgraph.c keeps the check.
void cd_load_name_into(Compiler *c, Value name, Reg dst)
{
  if (c->failed) return;
  Value mangled = cd_mangled(c, name);
  Reg reg = 0;
  switch (cd_resolve(c, mangled, &reg)) {
  case NAME_FAST:
    cd_emit(c, OP_CHECK_LOCAL, reg, 0, 0);
    if (reg != dst) cd_emit(c, OP_COPY, dst, reg, 0);
    break;
  case NAME_DEREF: cd_emit(c, OP_LOAD_CELL, dst, reg, 0); break;
  case NAME_CLASS_DEREF: cd_emit(c, OP_LOAD_CLASS_CELL, dst, reg, 0); break;
  case NAME_GLOBAL: cd_emit(c, OP_LOAD_GLOBAL, dst, cd_name(c, mangled), 0); break;
  case NAME_NAME: cd_emit(c, OP_LOAD_NAME, dst, cd_name(c, mangled), 0); break;
  case NAME_IN_CLASS: codegen_load_in_class(c, mangled, reg, dst); break;
  }
}

void cd_store_name_from(Compiler *c, Value name, Reg src)
{
  if (c->failed || cd_forbidden_name(c, name, CTX_Store)) return;
  Value mangled = cd_mangled(c, name);
  Reg reg = 0;
  switch (cd_resolve(c, mangled, &reg)) {
  case NAME_FAST:
    if (reg != src) cd_emit(c, OP_MOVE, reg, src, 0);
    break;
  case NAME_DEREF: case NAME_CLASS_DEREF: case NAME_IN_CLASS: cd_emit(c, OP_STORE_CELL, reg, src, 0); break;
  case NAME_GLOBAL: cd_emit(c, OP_STORE_GLOBAL, cd_name(c, mangled), src, 0); break;
  case NAME_NAME: cd_emit(c, OP_STORE_NAME, cd_name(c, mangled), src, 0); break;
  }
}

void cd_delete_named(Compiler *c, Value name)
{
  if (c->failed || cd_forbidden_name(c, name, CTX_Del)) return;
  Value mangled = cd_mangled(c, name);
  Reg reg = 0;
  switch (cd_resolve(c, mangled, &reg)) {
  case NAME_FAST: cd_emit(c, OP_DELETE_LOCAL, reg, 0, 0); break;
  case NAME_DEREF: case NAME_CLASS_DEREF: case NAME_IN_CLASS: cd_emit(c, OP_DELETE_CELL, reg, 0, 0); break;
  case NAME_GLOBAL: cd_emit(c, OP_DELETE_GLOBAL, cd_name(c, mangled), 0, 0); break;
  case NAME_NAME: cd_emit(c, OP_DELETE_NAME, cd_name(c, mangled), 0, 0); break;
  }
}

// ---- units ----

// Symbols of one kind, sorted by name, get their numbers.
static void unit_number_sorted(Compiler *c, Unit *u, ValueTable *table, Binding binding, uint32_t flag)
{
  Scope *scope = u->scope;
  for (uint32_t i = 0; i < scope->count; i++) {
    Symbol *symbol = &scope->symbols[i];
    if (symbol->binding == binding || (flag && (symbol->flags & flag))) value_add(c, table, symbol->name);
  }
  if (c->failed) return;
  for (uint32_t i = 1; i < table->count; i++) {
    Value v = table->items[i];
    uint32_t k = i;
    for (; k > 0 && cd_str_compare(table->items[k - 1], v) > 0; k--) table->items[k] = table->items[k - 1];
    table->items[k] = v;
  }
  if (table->index) {
    memset(table->index, 0, (table->index_mask + 1) * sizeof *table->index);
    for (uint32_t i = 0; i < table->count; i++) {
      uint32_t k = value_hash(table->items[i]) & table->index_mask;
      while (table->index[k]) k = (k + 1) & table->index_mask;
      table->index[k] = i + 1;
    }
  }
  for (uint32_t i = 0; i < table->count; i++) cd_scope_find(scope, table->items[i])->number = (int32_t)i;
}

static Value unit_qualname(Compiler *c, const Unit *u)
{
  const Unit *outer = u->outer;
  while (outer && outer->scope->kind == SCOPE_TYPE_PARAMS) outer = outer->outer;
  if (!outer || outer->scope->kind == SCOPE_MODULE) return u->name;
  if (!u->scope->comprehension && (u->scope->kind == SCOPE_FUNCTION || u->scope->kind == SCOPE_CLASS)) {
    Value mangled = cd_mangle(c->ast, outer->private_name, outer->scope->private_only, u->name);
    const Symbol *symbol = mangled ? cd_scope_find(outer->scope, mangled) : NULL;
    if (symbol && symbol->binding == BINDING_GLOBAL_EXPLICIT) return u->name;
  }
  return cd_own(c, cd_str_format(c->vm, "%U.%s%U", outer->qualname, outer->is_function ? "<locals>." : "", u->name));
}

void cd_unit_enter(Compiler *c, Unit *u, Scope *scope, Value name, int32_t first_line)
{
  *u = (Unit){.outer = c->unit, .scope = scope, .name = name, .first_line = first_line, .handler = -1,
              .ir_base = c->ir_count, .label_base = c->label_count, .handler_base = c->handler_count};
  u->is_function = cd_scope_is_function(scope);
  u->private_name = scope->private_name;
  u->at = (Position){first_line, first_line, 0, 0};
  if (scope->kind == SCOPE_MODULE) u->at.line = 0;
  u->qualname = name;
  c->unit = u;
  if (c->failed) return;
  for (uint32_t i = 0; i < scope->count; i++) scope->symbols[i].number = -1;   // a block may be compiled twice
  u->qualname = unit_qualname(c, u);
  if (u->is_function)
    for (uint32_t i = 0; i < scope->count; i++)
      if (scope->symbols[i].flags & DEF_PARAM) scope->symbols[i].number = (int32_t)value_add(c, &u->varnames, scope->symbols[i].name);
  unit_number_sorted(c, u, &u->cells, BINDING_CELL, 0);
  if (scope->kind == SCOPE_CLASS && scope->needs_class_closure) value_add(c, &u->cells, c->vm->names.__class__);
  if (scope->kind == SCOPE_CLASS && scope->needs_classdict) value_add(c, &u->cells, c->vm->names.__classdict__);
  unit_number_sorted(c, u, &u->frees, BINDING_FREE, DEF_FREE_CLASS);
  if (u->frees.count) cd_emit(c, OP_COPY_FREE_VARS, u->frees.count, 0, 0);
  for (uint32_t i = 0; i < u->cells.count; i++) cd_emit(c, OP_MAKE_CELL, REG_MAKE(REG_CELL, i), 0, 0);
  cd_emit(c, OP_ENTER, 0, 0, 0);
}

// Some instructions stand for several of CPython's, one of which loads None: tools find it among the constants.
static void unit_keep_none(Compiler *c)
{
  for (uint32_t i = c->unit->ir_base; i < c->ir_count; i++) {
    const Ir *ir = &c->ir[i];
    if (ir->op != OP_WITH_EXIT && ir->op != OP_ASYNC_NEXT && (ir->op != OP_CLEAR_LOCAL || cd_is_temp(ir->a))) continue;
    cd_const(c, cd_none());
    return;
  }
}

Value cd_unit_leave(Compiler *c)
{
  Unit *u = c->unit;
  Value code = NO_VALUE;
  if (!c->failed) {
    CD_ASSERT(u->block == NULL);
    unit_keep_none(c);
    if (cd_flow_optimize(c, u)) code = cd_own(c, cd_assemble(c, u));
    else c->failed = true;
  }
  c->ir_count = u->ir_base;
  c->label_count = u->label_base;
  c->handler_count = u->handler_base;
  c->unit = u->outer;
  return code;
}

// ---- the entry ----

static void compile_module(Compiler *c, Mod *mod)
{
  switch (mod->kind) {
  case MOD_Module:
    cd_body(c, &mod->as.Module.body, true);
    break;
  case MOD_Interactive:
    c->interactive = true;
    cd_body(c, &mod->as.Interactive.body, false);
    break;
  case MOD_Expression: {
    c->unit->at = POSITION_OF(mod->as.Expression.body);
    Reg value = cd_operand(c, mod->as.Expression.body, NULL);
    cd_emit(c, OP_RETURN, value, 0, 0);
    return;
  }
  case MOD_FunctionType: return;
  }
  c->unit->at = NO_POSITION;
  cd_return_const(c, cd_none());
}

Ref cd_compile_mod(VM *vm, Ast *ast, Mod *mod, Value filename, CompileMode mode, int flags, int optimize)
{
  Compiler compiler = {.vm = vm, .ast = ast, .filename = filename, .mode = mode, .flags = flags, .optimize = optimize}, *c = &compiler;
  Ref result = NO_REF;
  int features = 0;
  if (!cd_future_parse(vm, ast, mod, filename, &features, &c->future_line)) return NO_REF;
  c->flags |= features;
  if (vm->config.pep828) c->flags |= CO_CEDE_YIELD_FROM_ASYNC;
  c->depth_limit = cd_compile_depth_limit(vm);
  if (!cd_fold(vm, ast, mod, c->flags, optimize) || !cd_symtable_build(&c->symbols, vm, ast, mod, c->flags)) return NO_REF;
  if (!codegen_grow(c, (void **)&c->ir, &c->ir_capacity, sizeof *c->ir, 1024)) return NO_REF;      // cd_emit counts on it
  Unit unit;
  cd_unit_enter(c, &unit, c->symbols.top, vm->names.angle_module, 1);
  compile_module(c, mod);
  Value code = cd_unit_leave(c);
  if (code && !c->failed) result = cd_dup(code);
  cd_free(vm, c->ir, c->ir_capacity * sizeof *c->ir);
  cd_free(vm, c->labels, c->label_capacity * sizeof *c->labels);
  cd_free(vm, c->handlers, c->handler_capacity * sizeof *c->handlers);
  CD_ASSERT(result || cd_raised(vm));
  return result;
}
