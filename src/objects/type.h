// SPDX-License-Identifier: MIT
// type.h: classes
#ifndef CEDE_OBJECTS_TYPE_H
#define CEDE_OBJECTS_TYPE_H

#include "core/vm.h"

// Makes a type of a native module. `bases` is a tuple or NO_VALUE (object). Heap type, immutable unless spec has no TYPE_IMMUTABLE.
MUST_USE Type *cd_type_from_spec(VM *vm, const TypeSpec *spec, Value bases);
// A builtin type that lives as long as the VM (not TYPE_HEAP); `base` NULL: object. Used for the exception tree.
MUST_USE Type *cd_type_static(VM *vm, const TypeSpec *spec, Type *base);
// Start-up: fills vm->names, then all of builtin_types.def and exceptions.def.
MUST_USE bool cd_types_init(VM *vm);
// type(name, bases, namespace, **kwargs) by the metaclass `meta`; namespace is copied.
MUST_USE Ref cd_type_new(VM *vm, Type *meta, Value name, Value bases, Value namespace_, const Value *kwargs, Value kwnames);
MUST_USE bool cd_type_ready(VM *vm, Type *type);                 // mro, inherited slots
// The namespace of a class, borrowed. A native type's methods are put there when they are first asked for: most types of a program never
// are.
Value cd_type_fill(VM *vm, Type *type);
static inline Value cd_type_dict(VM *vm, Type *type) { return UNLIKELY(type->flags & TYPE_UNFILLED) ? cd_type_fill(vm, type) : type->dict; }
MUST_USE bool cd_type_set_attr(VM *vm, Type *type, Value name, Value value);   // NO_VALUE deletes; keeps slots and caches right
void cd_type_modified(VM *vm, Type *type);                       // new version for it and its subclasses
// Objects that lie in classes have begun or ceased to be descriptors, since their own class changed: caches of attributes are void.
void cd_type_became_descriptor(VM *vm);
uint32_t cd_type_version(VM *vm, Type *type);                    // assigns one if needed; 0: numbers ran out, don't cache
MUST_USE Ref cd_type_best_base(VM *vm, Value bases);
MUST_USE bool cd_type_set_bases(VM *vm, Type *type, Value bases);
bool cd_type_abstract_error(VM *vm, Type *type);         // raises "Can't instantiate abstract class ..."
MUST_USE Ref cd_metaclass_of(VM *vm, Value meta, Value bases);   // most derived metaclass, or TypeError
const char *cd_type_name(const Type *type);                      // UTF-8 of __name__, for messages
MUST_USE Ref cd_type_qualified_name(VM *vm, Type *type);         // "module.Qualname", "Qualname" for builtins
MUST_USE Ref cd_type_module(VM *vm, Type *type);                 // __module__
// Slots that call dunder methods of classes written in Python (objects/type_slots.c).
void cd_type_update_slot(VM *vm, Type *type, Value name);        // after `name` was set or deleted on type
void cd_type_update_all_slots(VM *vm, Type *type);
MUST_USE bool cd_type_add_slot_wrappers(VM *vm, Type *type);     // __add__ and so on for a native type's own filled slots

// objects/object.c
MUST_USE Ref cd_object_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames);   // object.__new__
Ref cd_object_repr_slot(VM *vm, Value self);
bool cd_object_hash_slot(VM *vm, Value self, int64_t *out);
Ref cd_object_compare_slot(VM *vm, Value self, Value other, CompareOp op);
bool cd_object_init_slot(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);          // object.__init__
MUST_USE Ref cd_object_reduce(VM *vm, Value self, int protocol);
MUST_USE Ref cd_object_dir(VM *vm, Value v);                     // dir(v), unsorted list

// struct sequences (os.stat_result, time.struct_time, sys.flags): tuple subclasses with named fields; objects/struct_sequence.c
typedef struct StructField { const char *name; const char *doc; } StructField;   // name NULL ends; "" is unnamed
typedef struct StructSpec { const char *name, *doc; const StructField *fields; int visible; } StructSpec;
MUST_USE Type *cd_struct_type_new(VM *vm, const StructSpec *spec, bool no_new);   // no_new: Python can't make instances
MUST_USE Ref cd_struct_new(VM *vm, Type *type, const Value *items);   // one for each field, visible and hidden; steals none

#endif
