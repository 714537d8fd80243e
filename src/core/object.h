// SPDX-License-Identifier: MIT
// object.h: the header of every heap object, types and their slots, and how native code describes types
#ifndef CEDE_CORE_OBJECT_H
#define CEDE_CORE_OBJECT_H

#include "core/value.h"

// ---- the header ----

// `gc` is 0 for objects the collector does not know; else index << 4 | GC_ flags, where `vm->gc.objects[index]`
// is this object. A queued dead object reuses the first eight bytes as a link (see cd_object_dealloc).
struct Object {
  uint32_t refcount;
  uint32_t gc;
  Type *type;                                    // owned when the type is a heap type
};

#define GC_TRACKED 1u
#define GC_FINALIZED 2u                          // __del__ or its native twin has run
#define GC_STANDARD 8u                           // a part of a standard stream: there since start-up (4 is the collector's own)
#define GC_FLAG_BITS 4

// ---- results with three outcomes ----

typedef enum { FIND_ERROR = -1, FIND_MISSING = 0, FIND_HIT = 1 } Find;
typedef enum { NEXT_ERROR = -1, NEXT_DONE = 0, NEXT_ITEM = 1 } Next;
// A resumed generator. RAISED: exception set. The value of RETURNED and YIELDED goes to an out parameter.
typedef enum { RAISED = -1, RETURNED = 0, YIELDED = 1 } SendResult;
typedef enum { COMPARE_LT, COMPARE_LE, COMPARE_EQ, COMPARE_NE, COMPARE_GT, COMPARE_GE } CompareOp;   // ORDER: compare

// ---- slots ----

typedef Ref (*UnaryFn)(VM *vm, Value self);
typedef Ref (*BinaryFn)(VM *vm, Value left, Value right);       // either may be the slot's own type; NotImplemented allowed
typedef Ref (*TernaryFn)(VM *vm, Value base, Value exponent, Value modulus);   // modulus None when absent
typedef Ref (*CallFn)(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames);
typedef bool (*TruthFn)(VM *vm, Value self, bool *out);
typedef bool (*LenFn)(VM *vm, Value self, int64_t *out);        // also hash
typedef void (*VisitFn)(void *context, Value child);            // child may be any word, NO_VALUE included
typedef Ref (*NewFn)(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames);
typedef bool (*InitFn)(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);

// Call convention for args/nargs/kwnames everywhere: `nargs` positional values, then one value for each
// name in the tuple `kwnames` (NO_VALUE when there are none). All borrowed.

// What a type can do. Empty slots are inherited along the mro when a type is made ready; for classes written
// in Python, `objects/type_slots.c` fills them with functions that call the dunder methods. Every slot that
// returns Ref/bool/int may run Python and sets an exception on failure, unless it says otherwise.
typedef struct TypeSlots {
  // lifetime. `release` drops what this native layout owns (fields only, in this type's own struct part); the generic
  // cd_object_dealloc runs finalizers, weak references, instance attributes, then `release`, then frees memory.
  void (*release)(VM *vm, Object *self);
  void (*traverse)(Object *self, VisitFn visit, void *context);  // visits every owned Value of the native layout; no vm: runs nothing
  void (*clear)(VM *vm, Object *self);           // breaks cycles: drops what can be part of one, leaves a valid object
  size_t (*alloc_size)(Object *self);            // bytes this object was allocated with; NULL means type->basicsize
  void (*finalize)(VM *vm, Value self);   // __del__, or closing a generator; keeps the current exception, reports its own as unraisable

  bool (*retire)(
    VM *vm,
    Object *self);   // the whole death of an object that needs no finalizer and has no weak references, memory included; false: it does

  UnaryFn repr, str;
  LenFn hash;                                    // never -1 as a value; a type with no hash has cd_hash_unhashable
  CallFn call;
  BinaryFn getattr;                              // (self, name); name is an exact or subclass str
  bool (*setattr)(VM *vm, Value self, Value name, Value value);  // NO_VALUE deletes
  Ref (*compare)(VM *vm, Value self, Value other, CompareOp op);
  UnaryFn iter;
  Next (*next)(VM *vm, Value self, Ref *out);    // NEXT_DONE makes no StopIteration
  Ref (*descr_get)(VM *vm, Value self, Value instance, Value owner);   // instance or owner may be NO_VALUE
  bool (*descr_set)(VM *vm, Value self, Value instance, Value value);  // NO_VALUE deletes
  NewFn new_;
  InitFn init;

  // numbers (ORDER: binary)
  BinaryFn add, subtract, multiply, matmul, true_divide, floor_divide, remainder, divmod, lshift, rshift, and_, xor_, or_;
  TernaryFn power;
  // in place; NotImplemented falls back to the plain form (ORDER: binary)
  BinaryFn iadd, isubtract, imultiply, imatmul, itrue_divide, ifloor_divide, iremainder, ilshift, irshift, iand, ixor, ior;
  TernaryFn ipower;
  UnaryFn negative, positive, absolute, invert, int_, float_, index;
  TruthFn truth;

  // containers
  LenFn len;
  BinaryFn getitem;                              // obj[key]
  bool (*setitem)(VM *vm, Value self, Value key, Value value);   // NO_VALUE deletes
  bool (*contains)(VM *vm, Value self, Value item, bool *out);
  BinaryFn concat, iconcat;                      // sequence +, tried after add of both sides
  Ref (*repeat)(VM *vm, Value self, int64_t count);              // sequence *, tried after multiply of both sides
  Ref (*irepeat)(VM *vm, Value self, int64_t count);

  // coroutines
  UnaryFn await, aiter, anext;
  SendResult (*send)(VM *vm, Value self, Value sent, Ref *out);  // next() when sent is None; for yield from and await

  // buffers (library reference, "memoryview"; PEP 3118). Runs no Python for native types.
  bool (*get_buffer)(VM *vm, Value self, Buffer *out, int flags);
  void (*release_buffer)(VM *vm, Buffer *buffer);
} TypeSlots;

// ---- types ----

enum {
  TYPE_HEAP = 1 << 0,       // made by a class statement or cd_type_from_spec of a module; refcounted by instances
  TYPE_BASE = 1 << 1,       // may be subclassed
  TYPE_GC = 1 << 2,         // instances are tracked
  TYPE_HAS_DICT = 1 << 3,   // instances have attributes; see Instance in objects/instance.h
  TYPE_HAS_WEAKREFS = 1 << 4,
  TYPE_ABSTRACT = 1 << 5,   // __abstractmethods__ is not empty
  TYPE_READY = 1 << 6,
  TYPE_IMMUTABLE = 1 << 7,            // attributes can't be set from Python
  TYPE_NO_NEW = 1 << 8,               // cannot create 'X' instances
  TYPE_SEQUENCE = 1 << 9,             // match [..] accepts it (collections.abc.Sequence, PEP 634)
  TYPE_MAPPING = 1 << 10,             // match {..} accepts it
  TYPE_VALUE_MATCH = 1 << 11,         // case cls(x) binds the subject itself (int, str, ...; PEP 634)
  TYPE_METHOD_DESCRIPTOR = 1 << 12,   // obj.f() needs no bound method: functions and native methods
  TYPE_DEFAULT_GETATTR = 1 << 13,     // set by type_ready: getattr slot is the generic one
  TYPE_DEFAULT_SETATTR = 1 << 14,
  TYPE_LIBRARY_ITERATOR = 1 << 15,
  // inherited: "is a subclass of", one test each
  TYPE_INT = 1 << 16,
  TYPE_FLOAT = 1 << 17,
  TYPE_STR = 1 << 18,
  TYPE_BYTES = 1 << 19,
  TYPE_LIST = 1 << 20,
  TYPE_TUPLE = 1 << 21,
  TYPE_DICT = 1 << 22,
  TYPE_TYPE = 1 << 23,
  TYPE_EXCEPTION = 1 << 24,
  TYPE_SET = 1 << 25,
  TYPE_FROZENSET = 1 << 26,
  TYPE_BYTEARRAY = 1 << 27,
  TYPE_COMPLEX = 1 << 28,
  TYPE_UNFILLED = 1 << 30,   // a native type whose dict has not been needed yet; see cd_type_dict
  TYPE_STREAM = 1 << 29,     // closes at its end, and flushes into what was made before it; see objects/collector.c
  TYPE_SUBCLASS_MASK = 0x1FFF << 16,
};
#define TYPE_EXTRA_AT_END (1u << 31)              // subclass of a variable-size type: its own storage lies behind the items; see cd_extra()

// A class. Made from a TypeSpec at start-up, or by `type(name, bases, namespace)`. Per VM, never shared.
struct Type {
  Object head;
  uint32_t flags;
  uint32_t version;                              // unique while this type and its bases stay unchanged; 0: not assigned. For inline caches
  uint32_t basicsize;                            // bytes of an instance, without inline attribute values
  uint32_t slots_offset;                         // where __slots__ members of this class begin; 0 when none
  uint32_t slots_count;                          // __slots__ members of this class alone
  uint32_t dict_offset;                          // of the AttributeHead (objects/instance.h); 0 when instances have no __dict__
  uint32_t weaklist_offset;                      // of a Weakref* list; 0 when none
  const TypeSpec *spec;                          // nearest native layout: its own, or inherited
  TypeSlots slots;
  Value name;                                    // str, owned: __name__
  Value qualname;                                // str, owned
  Type *base;                                    // __base__, owned; NULL for object alone
  Value bases;                                   // tuple, owned
  Value mro;                                     // tuple, owned
  Value dict;                                    // Dict, owned: the namespace. Write only through cd_type_set_attr
  Type **subclasses;                             // not owned: a class leaves the lists of its bases when it dies; in order of creation
  uint32_t subclass_count, subclass_capacity;
  Value module;                                  // for native types: module name str, or NO_VALUE; Python classes keep it in dict
  Weakref *weaklist;                             // of the type itself
  Shape *shape;   // root shape for instances (TYPE_HAS_DICT), owned with its whole tree; NULL until the first
  uint8_t inline_capacity;                       // attribute values to allocate behind a new instance; learned
};

// ---- describing native types and functions ----

// Bound arguments: one entry for each parameter in the signature, in order; omitted ones are NO_VALUE whatever the
// signature's default says (the default is documentation, the code decides). `*args` is one entry: a tuple.
// `**kwargs` is one entry: a dict, or NO_VALUE when there are none. All borrowed.
typedef Ref (*NativeFn)(VM *vm, Value self, const Value *args);
typedef Ref (*RawFn)(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);

enum { METHOD_RAW_ARGS = 1, METHOD_CLASS = 2, METHOD_STATIC = 4, METHOD_NO_SIGNATURE = 8 };
// What the loop does itself where a generator is asked: next(g), g.send(x), g.throw(e), g.close().
enum { METHOD_NEXT = 16, METHOD_SEND = 32, METHOD_THROW = 64, METHOD_CLOSE = 128, METHOD_RESUMES = 240 };

// One native function or method. `signature` is what inspect.signature shows, as "name(self, item, /, *, key=None)": for
// methods the first parameter is `self` (`type` for class methods, none for static ones); for module functions there
// is no such parameter. It is parsed once, at the first call, and binding follows it.
struct MethodDef {
  const char *name;
  const char *signature;                         // METHOD_NO_SIGNATURE: text is for messages only, __text_signature__ is None
  const char *doc;
  NativeFn fn;                                   // without METHOD_RAW_ARGS
  RawFn raw;                                     // with it: gets arguments as called, does its own checking
  int flags;
};

typedef struct GetSetDef {
  const char *name;
  const char *doc;
  Ref (*get)(VM *vm, Value self);                // NULL: unreadable
  bool (*set)(VM *vm, Value self, Value value);  // NULL: read-only; value NO_VALUE deletes
} GetSetDef;

typedef enum {
  MEMBER_VALUE,
  MEMBER_VALUE_OR_NONE,
  MEMBER_NAMESPACE,
  MEMBER_I32,
  MEMBER_I64,
  MEMBER_U32,
  MEMBER_BOOL8,
  MEMBER_DOUBLE
} MemberKind;
typedef struct MemberDef {
  const char *name;
  uint32_t offset;
  uint8_t kind;                                  // MEMBER_VALUE raises AttributeError when NO_VALUE
  bool writable;
  const char *doc;
} MemberDef;

// A native type. `methods`, `getset`, `members` end with a NULL name.
struct TypeSpec {
  const char *name;                              // "list", "collections.deque": the part before the last dot is __module__
  const char *doc;                               // may begin with "name(args)\n--\n\n" for __text_signature__ of the constructor
  uint32_t basicsize;
  uint32_t flags;                                // TYPE_BASE, TYPE_GC, TYPE_HAS_DICT, TYPE_HAS_WEAKREFS, TYPE_LIST ...
  uint32_t dict_offset, weaklist_offset;         // where basicsize has room for them; with the TYPE_HAS_ flags
  const char *match_args;                        // "a b c" becomes __match_args__, or NULL
  const MethodDef *const *methods;
  const GetSetDef *getset;
  const MemberDef *members;
  bool (*fill)(VM *vm, Type *type);              // adds to the dict what the tables can't tell, when it is first needed; may be NULL
  bool (*stand_in)(Object *self);                // may a coroutine that only returns what this awaitable gives make way for it? NULL: no
  TypeSlots slots;
};

#define METHOD_DEF_(symbol, pyname, sig, doctext, fl)                                       \
  static Ref symbol(VM *vm, Value self, const Value *args);                                 \
  static const MethodDef symbol##_def = {pyname, sig, doctext, symbol, NULL, fl};           \
  static Ref symbol(VM *vm UNUSED, Value self UNUSED, const Value *args UNUSED)
#define METHOD_DEF_RAW_(symbol, pyname, sig, doctext, fl)                                   \
  static Ref symbol(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);    \
  static const MethodDef symbol##_def = {pyname, sig, doctext, NULL, symbol, (fl) | METHOD_RAW_ARGS}; \
  static Ref symbol(VM *vm UNUSED, Value self UNUSED, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)

// METHOD(list, append, "append(self, item, /)", "Append ...") { body sees vm, self, args }   and in the table: &list_append_def
#define METHOD(type, name, sig, doc) METHOD_DEF_(type##_##name, #name, sig, doc, 0)
#define CLASS_METHOD(type, name, sig, doc) METHOD_DEF_(type##_##name, #name, sig, doc, METHOD_CLASS)
#define STATIC_METHOD(type, name, sig, doc) METHOD_DEF_(type##_##name, #name, sig, doc, METHOD_STATIC)
#define METHOD_RAW(type, name, sig, doc) METHOD_DEF_RAW_(type##_##name, #name, sig, doc, 0)
// Module functions: `self` is the module. FUNCTION(math, sqrt, "sqrt(x, /)", "...") { ... }
#define FUNCTION(module, name, sig, doc) METHOD_DEF_(module##_##name, #name, sig, doc, 0)
#define FUNCTION_RAW(module, name, sig, doc) METHOD_DEF_RAW_(module##_##name, #name, sig, doc, 0)

#endif
