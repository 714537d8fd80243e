// SPDX-License-Identifier: MIT
// function.h: functions, bound methods, cells, native functions, descriptors
#ifndef CEDE_OBJECTS_FUNCTION_H
#define CEDE_OBJECTS_FUNCTION_H

#include "objects/instance.h"

struct Cell { Object head; Value value; };                       // owned; NO_VALUE: empty

// A Python function. Read by vm/eval.c and vm/call.c. All Values owned; NO_VALUE where Python shows None unless said otherwise.
struct Function {
  Object head;
  Code *code;                                    // owned
  Value globals;                                 // Dict
  Value builtins;                                // Dict
  Value name, qualname;                          // str
  Value defaults;                                // tuple or NO_VALUE
  Value kwdefaults;                              // dict or NO_VALUE
  Value closure;                                 // tuple of cells or NO_VALUE
  Value annotations;                             // dict, or tuple name value name value.. not yet made a dict, or NO_VALUE
  Value module;                                  // any value
  Value doc;                                     // any value
  Value type_params;                             // tuple or NO_VALUE
  uint32_t version;                              // for call caches; new when code, defaults or kwdefaults change
  Weakref *weaklist;
  AttributeHead attributes;                      // function attributes
};

struct Method { Object head; Value function, self; Weakref *weaklist; };     // bound method

// A builtin function or a native method bound to its self.
struct Native {
  Object head;
  const MethodDef *def;
  const struct Signature *signature;             // parsed at the first call; owned by the VM
  Value self;                                    // module, instance or type; NO_VALUE for static methods
  Value module;                                  // __module__: str or NO_VALUE
  Type *type;                                    // method's class, borrowed through self; NULL for functions
  Weakref *weaklist;
};
// Unbound native method in a type's dict: method_descriptor, classmethod_descriptor.
typedef struct MethodDescriptor {
  Object head;
  Type *type;                                    // owned: __objclass__
  Value name;                                    // owned str
  const MethodDef *def;
  const struct Signature *signature;
} MethodDescriptor;

// Slot of a native type seen as a method: int.__add__. `def` is a row of type_slots.c, `fn` the slot's function.
typedef struct SlotWrapper {
  Object head;
  Type *type;
  Value name;
  const struct SlotDef *def;
  void *fn;
} SlotWrapper;   // type, name owned
typedef struct MethodWrapper { Object head; SlotWrapper *wrapper; Value self; } MethodWrapper;                            // both owned
typedef struct GetSetDescriptor { Object head; Type *type; Value name; const GetSetDef *def; } GetSetDescriptor;         // type, name owned
// A field of a native struct or a __slots__ value. With `added`, the offset counts from cd_extra() (storage added by a subclass). Read by
// vm/eval.c.
typedef struct MemberDescriptor {
  Object head;
  Type *type;                                    // owned
  Value name;                                    // owned
  const char *doc;
  uint32_t offset;
  uint8_t kind;                                  // MemberKind
  bool writable, added;
} MemberDescriptor;
typedef struct ClassMethod {
  Object head;
  AttributeHead attributes;
  Value function;
} ClassMethod;   // also staticmethod; function owned
typedef struct Super {
  Object head;
  Type *type;
  Value object;
  Type *object_type;
} Super;   // all owned; object NO_VALUE: unbound

MUST_USE Ref cd_method_descriptor_new(VM *vm, Type *type, const MethodDef *def);     // by def's flags also class and static methods
MUST_USE Ref cd_getset_new(VM *vm, Type *type, const GetSetDef *def);
MUST_USE Ref cd_member_new(VM *vm, Type *type, const MemberDef *def);
MUST_USE Ref cd_slot_member_new(VM *vm, Type *type, Value name, uint32_t offset);
MUST_USE Ref cd_slot_wrapper_new(VM *vm, Type *type, Value name, const struct SlotDef *def, void *fn);
Ref cd_member_get(VM *vm, const MemberDescriptor *member, Value instance);           // AttributeError when empty
// "(self, /)" from "name(self)"; `receiver` "$self", "$module" or NULL. None when there is no signature. New reference.
MUST_USE Ref cd_text_signature(VM *vm, const char *signature, const char *receiver);
uint32_t cd_function_next_version(VM *vm);

MUST_USE Ref cd_function_new(VM *vm, Code *code, Value globals, Value qualname);   // qualname NO_VALUE: the code's
MUST_USE Ref cd_method_new(VM *vm, Value function, Value self);
MUST_USE Ref cd_cell_new(VM *vm, Value value);
MUST_USE Ref cd_native_new(VM *vm, const MethodDef *def, Value self, Value module);
// Calls through a MethodDef with self given; `signature` is the cache to fill. Used by Native, MethodDescriptor and the eval loop.
MUST_USE Ref cd_native_bind_call(VM *vm, const MethodDef *def, const struct Signature **signature, Value self, Type *type,
                                 const Value *args, size_t nargs, Value kwnames);
typedef struct SignatureHead { uint32_t exact; } SignatureHead;  // so many positional arguments need no binding; UINT32_MAX: all do
static ALWAYS_INLINE MUST_USE Ref cd_native_call(VM *vm, const MethodDef *def, const struct Signature **signature, Value self, Type *type,
                                                 const Value *args, size_t nargs, Value kwnames)
{
  const SignatureHead *head = (const SignatureHead *)*signature;
  if (LIKELY(head && head->exact == nargs && !cd_bits(kwnames))) return def->fn(vm, self, args);
  return cd_native_bind_call(vm, def, signature, self, type, args, nargs, kwnames);
}
MUST_USE Ref cd_property_new(VM *vm, Value getter, Value setter, Value deleter, Value doc);
MUST_USE Ref cd_classmethod_new(VM *vm, Value function);
MUST_USE Ref cd_staticmethod_new(VM *vm, Value function);
// super(type, object): for LOAD_SUPER. Both borrowed.
// Method for a call through a super object: with *unbound, the self to pass is the super's `object`. FIND_MISSING: use getattr.
MUST_USE Find cd_super_lookup_method(VM *vm, Value super, Value name, Ref *out, bool *unbound);
MUST_USE Ref cd_super_getattr(VM *vm, Type *type, Value self, Value name);
typedef struct Property { Object head; Value getter, setter, deleter, doc, name; bool getter_doc; } Property;   // read by vm/eval.c

#endif
