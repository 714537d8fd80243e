// SPDX-License-Identifier: MIT
// type_slots.h: the table of dunder names and slots; private to type.c, type_slots.c and descriptor.c
#ifndef CEDE_OBJECTS_TYPE_SLOTS_H
#define CEDE_OBJECTS_TYPE_SLOTS_H

#include "objects/function.h"
#include "objects/type.h"

// Calls a native slot function `fn` for a method-like call obj.__name__(args).
typedef Ref (*WrapFn)(VM *vm, const struct SlotDef *def, void *fn, Value self, const Value *args, size_t nargs, Value kwnames);

// One row: attribute `name` stands for slot `slot`. Several names may share a slot (__add__ and __radd__), several slots a name
// (__add__: add and concat).
typedef struct SlotDef {
  uint16_t name;                                 // offset into VmNames
  uint16_t slot;                                 // offset into TypeSlots
  void *generic;                                 // slot function for classes written in Python; NULL: none, another row has it
  WrapFn wrap;                                   // NULL: no wrapper
  const char *signature, *doc;
} SlotDef;

#define TYPE_CACHE_SIZE 4096
#define SLOT_INDEX_SIZE 512

typedef struct TypeCacheEntry { uint32_t version; Value name, value; } TypeCacheEntry;    // name owned; value borrowed
typedef struct TypeCache {
  TypeCacheEntry entries[TYPE_CACHE_SIZE];
  Value slot_names[SLOT_INDEX_SIZE];             // open addressing: interned dunder name ->
  uint8_t slot_first[SLOT_INDEX_SIZE];           // first row with it
} TypeCache;

MUST_USE bool cd_slots_init(VM *vm);             // fills slot_names
const SlotDef *cd_slot_find(VM *vm, Value name); // first row for an interned name; NULL
void cd_type_update_slot_here(VM *vm, Type *type, Value name);   // like cd_type_update_slot, subclasses left alone
static inline Value cd_slot_name(VM *vm, const SlotDef *def) { return *(Value *)((char *)&vm->names + def->name); }
Next cd_dunder_next(VM *vm, Value self, Ref *out);   // next slot of Python classes
extern const MethodDef cd_type_dunder_new_def;   // __new__ of native types; bound to the type

#endif
