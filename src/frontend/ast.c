// SPDX-License-Identifier: MIT
// ast.c: the memory of one compilation: its nodes, values and identifiers
#include "frontend/ast.h"

#include "base/utf8.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"

// An identifier of this compilation. `text` is the spelling in the source, `value` its normal form.
typedef struct AstName { const char *text; uint32_t size, hash; Value value; } AstName;

static void *ast_take_memory(void *vm, size_t size) { return cd_alloc(vm, size); }
static void ast_free_memory(void *vm, void *p, size_t size) { cd_free(vm, p, size); }

bool cd_ast_init(Ast *ast, VM *vm, Value filename)
{
  memset(ast, 0, sizeof *ast);
  ast->vm = vm;
  cd_arena_init(&ast->arena, ast_take_memory, ast_free_memory, vm);
  ast->filename = cd_dup(filename);
  return true;
}

void cd_ast_clear(Ast *ast)
{
  VM *vm = ast->vm;
  for (size_t i = 0; i < ast->owned_count; i++) cd_clear(vm, &ast->owned[i]);
  cd_free(vm, ast->owned, ast->owned_capacity * sizeof *ast->owned);
  cd_free(vm, ast->names, ast->name_capacity * sizeof *ast->names);
  cd_clear(vm, &ast->filename);
  cd_arena_clear(&ast->arena);
  ast->owned = NULL;
  ast->names = NULL;
  ast->owned_count = ast->owned_capacity = ast->name_count = ast->name_capacity = 0;
}

void *cd_ast_alloc(Ast *ast, size_t size)
{
  void *p = cd_arena_alloc(&ast->arena, size);
  if (UNLIKELY(!p) && !cd_raised(ast->vm)) cd_raise_memory(ast->vm);
  return p;
}

void *cd_ast_array(Ast *ast, size_t count, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return cd_raise_memory(ast->vm), NULL;
  return cd_ast_alloc(ast, bytes);
}

static NO_INLINE bool ast_grow_owned(Ast *ast)
{
  size_t capacity = ast->owned_capacity ? ast->owned_capacity * 2 : 64;
  Value *owned = cd_realloc(ast->vm, ast->owned, ast->owned_capacity * sizeof *owned, capacity * sizeof *owned);
  if (!owned) return false;
  ast->owned = owned;
  ast->owned_capacity = capacity;
  return true;
}

Value cd_ast_own(Ast *ast, Ref v)
{
  if (!v || !cd_is_object(v)) return v;            // immediates need no owner
  if (UNLIKELY(ast->owned_count == ast->owned_capacity) && !ast_grow_owned(ast)) {
    cd_drop(ast->vm, v);
    return NO_VALUE;
  }
  ast->owned[ast->owned_count++] = v;
  return v;
}

// ---- identifiers ----

static inline uint32_t ast_hash(const char *text, size_t size)
{
  uint64_t h = size, word;
  for (; size >= 8; text += 8, size -= 8) {
    memcpy(&word, text, 8);
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 29;
  }
  word = 0;
  for (size_t i = 0; i < size; i++) word |= (uint64_t)(unsigned char)text[i] << (i * 8);
  h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
  return (uint32_t)(h >> 32);
}

static NO_INLINE bool ast_grow_names(Ast *ast)
{
  size_t capacity = ast->name_capacity ? ast->name_capacity * 2 : 128;
  AstName *names = cd_alloc_zeroed(ast->vm, capacity * sizeof *names);
  if (!names) return false;
  for (size_t i = 0; i < ast->name_capacity; i++) {
    if (!ast->names[i].value) continue;
    size_t k = ast->names[i].hash & (capacity - 1);
    while (names[k].value) k = (k + 1) & (capacity - 1);
    names[k] = ast->names[i];
  }
  cd_free(ast->vm, ast->names, ast->name_capacity * sizeof *names);
  ast->names = names;
  ast->name_capacity = capacity;
  return true;
}

// PEP 3131: identifiers are compared in normal form NFKC.
static Ref ast_normalized(VM *vm, const char *text, size_t size)
{
  if (cd_utf8_is_ascii(text, size)) return cd_intern_size(vm, text, size);
  Ref plain = cd_str_new(vm, text, size);
  Ref form = plain ? cd_str_from(vm, "NFKC") : NO_REF, normalize = form ? cd_import_attr(vm, "unicodedata", "normalize") : NO_REF;
  Ref normal = normalize ? cd_call2(vm, normalize, form, plain) : NO_REF;
  cd_drop(vm, plain);
  cd_drop(vm, form);
  cd_drop(vm, normalize);
  return normal ? cd_str_intern(vm, normal) : NO_REF;
}

Value cd_ast_name(Ast *ast, const char *text, size_t size)
{
  if (UNLIKELY(ast->name_count * 2 >= ast->name_capacity) && !ast_grow_names(ast)) return NO_VALUE;
  uint32_t hash = ast_hash(text, size);
  size_t k = hash & (ast->name_capacity - 1);
  AstName *entry;
  for (; (entry = &ast->names[k])->value; k = (k + 1) & (ast->name_capacity - 1))
    if (entry->hash == hash && entry->size == size && memcmp(entry->text, text, size) == 0) return entry->value;

  Value name = cd_ast_own(ast, ast_normalized(ast->vm, text, size));
  if (!name) return NO_VALUE;
  const char *kept = cd_arena_copy(&ast->arena, text, size);
  if (!kept) return cd_raised(ast->vm) ? NO_VALUE : cd_raise_memory(ast->vm);
  *entry = (AstName){kept, (uint32_t)size, hash, name};
  ast->name_count++;
  return name;
}

// ---- nodes ----

Expr *cd_expr_new(Ast *ast, ExprKind kind)
{
  Expr *e = cd_ast_alloc(ast, sizeof *e);
  if (e) e->kind = kind;
  return e;
}

Stmt *cd_stmt_new(Ast *ast, StmtKind kind)
{
  Stmt *s = cd_ast_alloc(ast, sizeof *s);
  if (s) s->kind = kind;
  return s;
}

Pattern *cd_pattern_new(Ast *ast, PatternKind kind)
{
  Pattern *p = cd_ast_alloc(ast, sizeof *p);
  if (p) p->kind = kind;
  return p;
}
