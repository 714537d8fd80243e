// SPDX-License-Identifier: MIT
// exception.h: exception instances. All Values owned, NO_VALUE where Python shows None unless said otherwise
#ifndef CEDE_OBJECTS_EXCEPTION_H
#define CEDE_OBJECTS_EXCEPTION_H

#include "objects/instance.h"

#define EXCEPTION_HEAD                                                            \
  Object head;                                                                    \
  AttributeHead attributes;                                                       \
  Value args;                                    /* tuple */                      \
  Value notes;                                   /* unused: __notes__ is an attribute */ \
  Value traceback, context, cause;                                                \
  bool suppress_context;
struct Exception { EXCEPTION_HEAD };
typedef struct StopIterationException { EXCEPTION_HEAD Value value; } StopIterationException;
typedef struct SystemExitException { EXCEPTION_HEAD Value code; } SystemExitException;
typedef struct ImportException { EXCEPTION_HEAD Value msg, name, path; } ImportException;
typedef struct OsException {
  EXCEPTION_HEAD Value error_number, strerror, filename, filename2;
  int64_t written;
} OsException;   // written -1: unset
typedef struct UnicodeException { EXCEPTION_HEAD Value encoding, object, reason; int64_t start, end; } UnicodeException;
typedef struct SyntaxException {
  EXCEPTION_HEAD Value msg, filename, lineno, offset, text, end_lineno, end_offset, print_file_and_line;
} SyntaxException;
typedef struct NameException { EXCEPTION_HEAD Value name; } NameException;
typedef struct AttributeException { EXCEPTION_HEAD Value object, name; } AttributeException;
typedef struct GroupException { EXCEPTION_HEAD Value message, exceptions; } GroupException;     // exceptions: tuple

// One level of a traceback. Made by vm/unwind.c, innermost first.
// next, frame owned; lineno -1: compute from the unit. `given`: made by Python code, `unit` is the tb_lasti it said.
struct Traceback { Object head; Traceback *next; FrameObject *frame; int32_t unit; int32_t lineno; bool given; };

MUST_USE Ref cd_exception_new(VM *vm, Type *type, const Value *args, size_t nargs);   // type(*args)
MUST_USE Ref cd_exception_new_text(VM *vm, Type *type, const char *text);
// `raise x`: an instance from a class or instance, or TypeError "exceptions must derive from BaseException".
MUST_USE Ref cd_exception_from(VM *vm, Value class_or_instance);
// Does the exception match an `except` expression (class or tuple)? TypeError for others: "catching classes that do not inherit from
// BaseException is not allowed".
MUST_USE bool cd_exception_matches(VM *vm, Value exception, Value match, bool *out);
// except*: splits `exception` by `match` into *matched and *rest (None where empty).
MUST_USE bool cd_exception_group_match(VM *vm, Value exception, Value match, Ref *matched, Ref *rest);
// What is raised after the except* clauses, from what they raised (list) and the original; NO_REF with nothing set when nothing is left.
MUST_USE Ref cd_exception_group_reraise(VM *vm, Value original, Value raised_list);
// A new class "module.Name" of a native module, as `class Name(bases)` makes it. bases: a class or a tuple; doc may be NULL.
MUST_USE Ref cd_exception_type_new(VM *vm, const char *qualified_name, const char *doc, Value bases);
MUST_USE bool cd_exceptions_init(VM *vm);                        // makes the tree from exceptions.def
static inline Value cd_stop_iteration_value_borrow(Value e) { return ((StopIterationException *)cd_object(e))->value; }   // NO_VALUE: none

// ---- private to exception*.c ----

// The part of a TypeSpec that a layout fills in.
extern const MethodDef *const cd_os_error_methods[], *const cd_import_error_methods[], *const cd_exception_group_methods[];
extern const GetSetDef cd_os_error_getset[];
extern const MemberDef cd_os_error_members[], cd_unicode_error_members[], cd_syntax_error_members[], cd_exception_group_members[];

void cd_exception_release(VM *vm, Object *self);
void cd_exception_traverse(Object *self, VisitFn visit, void *context);
void cd_exception_clear(VM *vm, Object *self);
MUST_USE Ref cd_base_exception_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames);
bool cd_base_exception_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);    // refuses keywords
bool cd_exception_init_args(VM *vm, Value self, const Value *args, size_t nargs);                  // self.args = args
MUST_USE Ref cd_base_exception_str(VM *vm, Value self);
// (type, args[, state]) for __reduce__; `args` stolen; state is a copy of the attributes, NO_VALUE when there are none.
MUST_USE Ref cd_exception_reduce(VM *vm, Value self, Ref args);

void cd_os_error_release(VM *vm, Object *self);
void cd_os_error_traverse(Object *self, VisitFn visit, void *context);
void cd_os_error_clear(VM *vm, Object *self);
MUST_USE Ref cd_os_error_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames);
bool cd_os_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);
MUST_USE Ref cd_os_error_str(VM *vm, Value self);

void cd_unicode_error_release(VM *vm, Object *self);
void cd_unicode_error_traverse(Object *self, VisitFn visit, void *context);
void cd_unicode_error_clear(VM *vm, Object *self);
bool cd_unicode_encode_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);
bool cd_unicode_decode_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);
bool cd_unicode_translate_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);
MUST_USE Ref cd_unicode_encode_error_str(VM *vm, Value self);
MUST_USE Ref cd_unicode_decode_error_str(VM *vm, Value self);
MUST_USE Ref cd_unicode_translate_error_str(VM *vm, Value self);

void cd_syntax_error_release(VM *vm, Object *self);
void cd_syntax_error_traverse(Object *self, VisitFn visit, void *context);
void cd_syntax_error_clear(VM *vm, Object *self);
bool cd_syntax_error_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);
MUST_USE Ref cd_syntax_error_str(VM *vm, Value self);

void cd_exception_group_release(VM *vm, Object *self);
void cd_exception_group_traverse(Object *self, VisitFn visit, void *context);
void cd_exception_group_clear(VM *vm, Object *self);
MUST_USE Ref cd_exception_group_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames);
bool cd_exception_group_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames);
MUST_USE Ref cd_exception_group_str(VM *vm, Value self);

#endif
