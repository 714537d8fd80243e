// SPDX-License-Identifier: MIT
// symtable_object.c: the symbol table as Python objects
#include "frontend/symtable_object.h"

#include "frontend/codegen.h"
#include "objects/dict.h"
#include "objects/instance.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/str.h"

static inline SymtableEntry *entry_of(Value v) { return (SymtableEntry *)cd_object(v); }

// ---- the type ----

static void entry_release(VM *vm, Object *self)
{
  SymtableEntry *entry = (SymtableEntry *)self;
  cd_clear(vm, &entry->id);
  cd_clear(vm, &entry->name);
  cd_clear(vm, &entry->symbols);
  cd_clear(vm, &entry->varnames);
  cd_clear(vm, &entry->children);
}

static void entry_traverse(Object *self, VisitFn visit, void *context)
{
  SymtableEntry *entry = (SymtableEntry *)self;
  visit(context, entry->symbols);
  visit(context, entry->varnames);
  visit(context, entry->children);
}

static void entry_clear(VM *vm, Object *self) { cd_clear(vm, &((SymtableEntry *)self)->children); }

static Ref entry_repr(VM *vm, Value self)
{
  const SymtableEntry *entry = entry_of(self);
  return cd_str_format(vm, "<symtable entry %U(%S), line %d>", entry->name, entry->id, entry->line);
}

static const MemberDef entry_members[] = {
  {"id", offsetof(SymtableEntry, id), MEMBER_VALUE, false, NULL},
  {"name", offsetof(SymtableEntry, name), MEMBER_VALUE, false, NULL},
  {"symbols", offsetof(SymtableEntry, symbols), MEMBER_VALUE, false, NULL},
  {"varnames", offsetof(SymtableEntry, varnames), MEMBER_VALUE, false, NULL},
  {"children", offsetof(SymtableEntry, children), MEMBER_VALUE, false, NULL},
  {"nested", offsetof(SymtableEntry, nested), MEMBER_I32, false, NULL},
  {"type", offsetof(SymtableEntry, type), MEMBER_I32, false, NULL},
  {"lineno", offsetof(SymtableEntry, line), MEMBER_I32, false, NULL},
  {0},
};

const TypeSpec cd_symtable_entry_spec = {
  .name = "symtable entry",
  .basicsize = sizeof(SymtableEntry),
  .flags = TYPE_GC | TYPE_IMMUTABLE | TYPE_NO_NEW,
  .members = entry_members,
  .slots = {.release = entry_release, .traverse = entry_traverse, .clear = entry_clear, .repr = entry_repr},
};

// ---- making entries ----

typedef struct EntryMaker { VM *vm; Type *type; int depth, limit; } EntryMaker;

static Ref entry_symbols(VM *vm, const Scope *scope)
{
  Ref symbols = cd_dict_new(vm);
  for (uint32_t i = 0; symbols && i < scope->count; i++) {
    const Symbol *symbol = &scope->symbols[i];
    int64_t flags = (symbol->flags & ~(uint32_t)DEF_FREE) | (uint32_t)symbol->binding << SCOPE_OFFSET;
    if (!cd_dict_set(vm, symbols, symbol->name, cd_from_small(flags))) cd_forget(vm, &symbols);
  }
  return symbols;
}

static Ref entry_varnames(VM *vm, const Scope *scope)
{
  Ref names = cd_list_new(vm);
  for (uint32_t i = 0; names && i < scope->count; i++)
    if ((scope->symbols[i].flags & DEF_PARAM) && !cd_list_append(vm, cd_as_list(names), scope->symbols[i].name)) cd_forget(vm, &names);
  return names;
}

static Ref entry_new(EntryMaker *maker, const Scope *scope);

static Ref entry_children(EntryMaker *maker, const Scope *scope)
{
  VM *vm = maker->vm;
  Ref children = cd_list_new(vm);
  for (const Scope *child = scope->first_child; children && child; child = child->next) {
    Ref entry = entry_new(maker, child);
    if (!entry || !cd_list_append_steal(vm, cd_as_list(children), entry)) cd_forget(vm, &children);
  }
  return children;
}

static Ref entry_new(EntryMaker *maker, const Scope *scope)
{
  VM *vm = maker->vm;
  if (!cd_compile_enter(vm, &maker->depth, maker->limit)) return NO_REF;
  SymtableEntry *entry = cd_instance_new(vm, maker->type);
  Ref result = entry ? cd_from_object(entry) : NO_REF;
  if (entry) {
    entry->type = scope->kind == SCOPE_CLASS ? ENTRY_CLASS : scope->kind == SCOPE_MODULE ? ENTRY_MODULE : ENTRY_FUNCTION;
    entry->line = scope->line;
    entry->nested = scope->nested;
    entry->name = cd_dup(scope->name);
    bool ok = (entry->id = cd_int_from_u64(vm, (uint64_t)(uintptr_t)entry)) && (entry->symbols = entry_symbols(vm, scope)) &&
              (entry->varnames = entry_varnames(vm, scope)) && (entry->children = entry_children(maker, scope));
    if (!ok) cd_forget(vm, &result);
  }
  maker->depth--;
  return result;
}

Ref cd_symtable(VM *vm, Type *type, const char *source, size_t size, Value filename, CompileMode mode, int flags)
{
  Parsed parsed;
  SymbolTable table;
  Ref result = NO_REF;
  int features = 0;
  int32_t line;
  if (!cd_parsed_init(vm, &parsed, source, size, filename, mode, flags)) return NO_REF;
  if (cd_future_parse(vm, &parsed.ast, parsed.mod, filename, &features, &line) &&
      cd_symtable_build(&table, vm, &parsed.ast, parsed.mod, parsed.flags | features)) {
    EntryMaker maker = {.vm = vm, .type = type, .limit = cd_compile_depth_limit(vm)};
    result = entry_new(&maker, table.top);
  }
  cd_parsed_clear(vm, &parsed);
  return result;
}
