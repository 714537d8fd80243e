// SPDX-License-Identifier: MIT
// protocol.h: what Python code can do to any object, through slots only. All of it runs Python.
#ifndef CEDE_OBJECTS_PROTOCOL_H
#define CEDE_OBJECTS_PROTOCOL_H

#include "core/vm.h"
#include "objects/raise.h"

// ---- attributes ----
MUST_USE Ref cd_getattr(VM *vm, Value object, Value name);
MUST_USE Ref cd_getattr_text(VM *vm, Value object, const char *name);
// No AttributeError is made on a plain miss: FIND_MISSING with nothing set.
MUST_USE Find cd_getattr_find(VM *vm, Value object, Value name, Ref *out);
MUST_USE bool cd_setattr(VM *vm, Value object, Value name, Value value);       // NO_VALUE deletes
MUST_USE bool cd_setattr_text(VM *vm, Value object, const char *name, Value value);
// The generic object.__getattribute__ / __setattr__ (slots' default).
MUST_USE Ref cd_generic_getattr(VM *vm, Value object, Value name);
MUST_USE Find cd_generic_getattr_find(VM *vm, Value object, Value name, Ref *out);
MUST_USE bool cd_generic_setattr(VM *vm, Value object, Value name, Value value);
MUST_USE Find cd_type_getattr_find(VM *vm, Value type, Value name, Ref *out);    // the getattr slot of classes
Ref cd_type_getattr_slot(VM *vm, Value type, Value name);
// Lookup along the mro of the type, no descriptor call, no metaclass. Borrowed until the type changes; NO_VALUE: absent, nothing set.
// Cached.
Value cd_type_lookup_borrow(VM *vm, Type *type, Value name);
// Special method lookup: on the type, bound to object. FIND_MISSING: absent.
MUST_USE Find cd_lookup_special(VM *vm, Value object, Value name, Ref *out);
// Method for a call: FIND_HIT with *bound false means: call it with `object` as extra first argument.
MUST_USE Find cd_lookup_method(VM *vm, Value object, Value name, Ref *out, bool *unbound);

// ---- calls ----
MUST_USE Ref cd_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames);
MUST_USE Ref cd_call0(VM *vm, Value callable);
MUST_USE Ref cd_call1(VM *vm, Value callable, Value a);
MUST_USE Ref cd_call2(VM *vm, Value callable, Value a, Value b);
MUST_USE Ref cd_call3(VM *vm, Value callable, Value a, Value b, Value c);
// callable(*args, **kwargs): args any tuple, kwargs a dict or NO_VALUE.
MUST_USE Ref cd_call_ex(VM *vm, Value callable, Value args, Value kwargs);
// object.name(args...)
MUST_USE Ref cd_call_method(VM *vm, Value object, Value name, const Value *args, size_t nargs);
MUST_USE Ref cd_call_method0(VM *vm, Value object, Value name);
MUST_USE Ref cd_call_method1(VM *vm, Value object, Value name, Value a);
// callable(self, args..., **kw): the unbound form of a method call.
MUST_USE Ref cd_call_with_self(VM *vm, Value callable, Value self, const Value *args, size_t nargs, Value kwnames);
bool cd_is_callable(VM *vm, Value v);                            // runs nothing

// ---- text, truth, hash, comparison ----
MUST_USE Ref cd_repr(VM *vm, Value v);                           // exact or subclass str
MUST_USE Ref cd_str(VM *vm, Value v);
MUST_USE Ref cd_ascii(VM *vm, Value v);
MUST_USE Ref cd_format(VM *vm, Value v, Value spec);             // format(v, spec); spec str or NO_VALUE
MUST_USE bool cd_truth(VM *vm, Value v, bool *out);
MUST_USE bool cd_hash(VM *vm, Value v, int64_t *out);
bool cd_hash_unhashable(VM *vm, Value v, int64_t *out);          // the slot of unhashable types
MUST_USE Ref cd_compare(VM *vm, Value a, Value b, CompareOp op); // full protocol with reflection
MUST_USE bool cd_compare_bool(VM *vm, Value a, Value b, CompareOp op, bool *out);    // identity implies ==, as containers do
static inline bool cd_equal(VM *vm, Value a, Value b, bool *out) { return cd_compare_bool(vm, a, b, COMPARE_EQ, out); }
Ref cd_compare_ints(int order, CompareOp op);                    // order <0 0 >0 -> bool

// ---- numbers ----
typedef enum {                                                   // ORDER: binary
  BINARY_ADD, BINARY_SUBTRACT, BINARY_MULTIPLY, BINARY_MATMUL, BINARY_TRUE_DIVIDE, BINARY_FLOOR_DIVIDE, BINARY_REMAINDER,
  BINARY_DIVMOD, BINARY_LSHIFT, BINARY_RSHIFT, BINARY_AND, BINARY_XOR, BINARY_OR, BINARY_POWER, BINARY_COUNT
} BinaryOp;
// a op b after a's own method said NotImplemented; b is of a's type or a native one. `in_place_method`: it was a.__iop__.
MUST_USE Ref cd_binary_refused(VM *vm, Value a, Value b, BinaryOp op, bool in_place, bool in_place_method);
MUST_USE Ref cd_compare_refused(VM *vm, Value a, Value b, CompareOp op);        // the same for comparisons
bool cd_is_object_getattribute(VM *vm, Value method);                           // is it object.__getattribute__, or nothing?
MUST_USE Ref cd_binary(VM *vm, Value a, Value b, BinaryOp op);   // with reflection, concat and repeat
MUST_USE Ref cd_inplace(VM *vm, Value a, Value b, BinaryOp op);
MUST_USE Ref cd_power(VM *vm, Value base, Value exponent, Value modulus);      // modulus None when absent
MUST_USE Ref cd_negative(VM *vm, Value v);
MUST_USE Ref cd_positive(VM *vm, Value v);
MUST_USE Ref cd_invert(VM *vm, Value v);
MUST_USE Ref cd_absolute(VM *vm, Value v);
MUST_USE Ref cd_index(VM *vm, Value v);                          // operator.index: an int (exact), else TypeError
MUST_USE Ref cd_to_int(VM *vm, Value v);                         // int(v) for non-text
MUST_USE bool cd_to_double(VM *vm, Value v, double *out);        // float(v) for non-text: __float__, then __index__
// index() clamped or refused: `overflow` NULL clamps to the int64 range, else raises that type.
MUST_USE bool cd_to_i64(VM *vm, Value v, int64_t *out, Type *overflow);
MUST_USE bool
cd_to_ssize(VM *vm, Value v,
            int64_t *out);   // for size parameters of native functions: OverflowError "Python int too large to convert to C ssize_t"
// For C int parameters: __index__, then OverflowError "Python int too large to convert to C int" / "signed integer is less than minimum".
MUST_USE bool cd_to_c_int(VM *vm, Value v, int *out);
MUST_USE bool cd_to_size(VM *vm, Value v, size_t *out);          // >= 0, else ValueError/OverflowError

// ---- containers and iteration ----
MUST_USE bool cd_len(VM *vm, Value v, int64_t *out);
MUST_USE bool cd_length_hint(VM *vm, Value v, int64_t fallback, int64_t *out);
MUST_USE Ref cd_getitem(VM *vm, Value container, Value key);
MUST_USE bool cd_setitem(VM *vm, Value container, Value key, Value value);     // NO_VALUE deletes
MUST_USE bool cd_contains(VM *vm, Value container, Value item, bool *out);
MUST_USE bool cd_contains_by_iteration(VM *vm, Value container, Value item, bool *out);
MUST_USE Ref cd_iter(VM *vm, Value iterable);
// Steps an iterator. A StopIteration raised by a Python __next__ becomes NEXT_DONE.
MUST_USE Next cd_next(VM *vm, Value iterator, Ref *out);
// Like cd_next for slots that raise StopIteration themselves: after NEXT_DONE its value, or None. Used by yield from.
MUST_USE SendResult cd_send(VM *vm, Value iterator, Value sent, Ref *out);
MUST_USE bool cd_is_iterator(Value v);

// ---- classes ----
MUST_USE bool cd_isinstance(VM *vm, Value v, Value cls, bool *out);            // full protocol, tuples and unions
MUST_USE bool cd_issubclass(VM *vm, Value sub, Value cls, bool *out);
// Without the class's own __instancecheck__ / __subclasscheck__.
MUST_USE bool cd_plain_isinstance(VM *vm, Value v, Value cls, bool *out);
MUST_USE bool cd_plain_issubclass(VM *vm, Value sub, Value cls, bool *out);
bool cd_type_is_subtype(const Type *type, const Type *base);     // by mro, runs nothing
static inline bool cd_is_instance_of(VM *vm, Value v, const Type *type) { return cd_type_is_subtype(cd_type_of(vm, v), type); }

// ---- native argument binding (objects/native.c) ----
// Binds a call to `def`'s signature into `out` (as many entries as it has parameters), raising CPython's messages; entries are borrowed
// from args, but for *args/**kwargs containers, owned by `owned` (two entries, drop both after the call; they start NO_REF).
typedef struct Signature Signature;
MUST_USE bool cd_bind(VM *vm, const Signature *signature, const Value *args, size_t nargs, Value kwnames, Value *out, Ref owned[2]);
// For new_/init slots and raw functions: parse-once helper. `spec` is "list(iterable=(), /)" ; out as above. The parsed form is cached in
// the VM by pointer.
MUST_USE bool cd_bind_text(VM *vm, const char *spec, const Value *args, size_t nargs, Value kwnames, Value *out, Ref owned[2]);
// "name() takes no keyword arguments" when kwnames is not empty.
MUST_USE bool cd_no_keywords(VM *vm, const char *name, Value kwnames);
// "name expected at least 1 argument, got 0" and the like.
MUST_USE bool cd_check_positional(VM *vm, const char *name, size_t nargs, size_t min, size_t max);

// ---- buffers ----
enum {
  BUFFER_SIMPLE = 0,
  BUFFER_WRITABLE = 1,
  BUFFER_FORMAT = 4,
  BUFFER_ND = 8,
  BUFFER_STRIDES = 16 | 8,
  BUFFER_FULL_RO = 0x100 | 16 | 8 | 4,
  BUFFER_C_CONTIGUOUS = 32 | 16 | 8
};
#define BUFFER_MAX_DIMS 64
struct Buffer {
  char *data;
  int64_t size;                                  // bytes
  int64_t itemsize;
  const char *format;                            // struct syntax; NULL means "B"; lives as long as the export
  int ndim;
  int64_t *shape, *strides, *suboffsets;         // NULL when not asked for (then one dimension of size/itemsize)
  int64_t small_shape[1], small_strides[1];      // room for the usual case
  bool readonly;
  Value owner;                                   // owned: the exporter; NO_VALUE when released
  void *internal;                                // exporter's own
};
MUST_USE bool cd_get_buffer(VM *vm, Value v, Buffer *out, int flags);          // TypeError "a bytes-like object is required, not 'X'"
bool cd_has_buffer(VM *vm, Value v);
void cd_release_buffer(VM *vm, Buffer *buffer);
// Fills a one-dimensional byte buffer; for exporters.
bool cd_fill_buffer(VM *vm, Buffer *out, Value owner, void *data, int64_t size, bool readonly, int flags);
// The contents as bytes, item by item in order 'C', 'F', or 'A' (as they lie, when contiguous); objects/memoryview.c.
MUST_USE Ref cd_buffer_to_bytes(VM *vm, const Buffer *buffer, char order);
bool cd_buffer_is_contiguous(const Buffer *buffer, char order);

// ---- repr of recursive containers: true means "already inside, write ..."; pair with leave ----
typedef enum { REPR_ERROR = -1, REPR_FRESH = 0, REPR_INSIDE = 1 } ReprState;
ReprState cd_repr_enter(VM *vm, Value v);
void cd_repr_leave(VM *vm, Value v);

#endif
