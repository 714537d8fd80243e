// SPDX-License-Identifier: MIT
// raise.h: setting, testing and moving the current exception (vm->thread->raised)
#ifndef CEDE_OBJECTS_RAISE_H
#define CEDE_OBJECTS_RAISE_H

#include "core/vm.h"

// All of these set an exception and return NO_REF, which also reads as false, so that `return cd_raise_type(...)` fits every
// fallible function that returns Ref or bool. Message directives: %s C string, %d int, %lld long long, %zd/%zu, %c char, %x, %%,
// and with a Value argument: %T its type's name, %N a Type's own name (argument: Type *), %S str(), %R repr(), %A ascii(), %U a str's text;
// `%.200s`-like precisions are accepted for all text. Runs Python for %S %R %A.
Ref cd_raise(VM *vm, Type *type, const char *format, ...);
Ref cd_raise_type(VM *vm, const char *format, ...);              // TypeError
Ref cd_raise_value(VM *vm, const char *format, ...);             // ValueError
Ref cd_raise_index(VM *vm, const char *format, ...);             // IndexError
Ref cd_raise_overflow(VM *vm, const char *format, ...);          // OverflowError
Ref cd_raise_runtime(VM *vm, const char *format, ...);           // RuntimeError
Ref cd_raise_system(VM *vm, const char *format, ...);            // SystemError: our bug, or C misuse
Ref cd_raise_attribute(VM *vm, Value object, Value name, const char *format, ...);   // sets .obj and .name too
void cd_complete_attribute_error(VM *vm, Value object,
                                 Value name);                    // gives a current plain AttributeError .obj and .name if it has neither
Ref cd_raise_name(VM *vm, Value name, const char *format, ...);  // NameError with .name
Ref cd_raise_key(VM *vm, Value key);                             // KeyError(key)
Ref cd_raise_memory(VM *vm);                                     // pre-made; never allocates
Ref cd_raise_recursion(VM *vm, const char *where);               // "maximum recursion depth exceeded%s"
Ref cd_raise_os(VM *vm, int error_number, Value filename, Value filename2);          // OSError subclass by errno; filenames may be NO_VALUE
Ref cd_raise_stop_iteration(VM *vm, Value value);                // value NO_VALUE: no arguments
Ref cd_raise_no_args(VM *vm, Type *type);
// Raises `exception`, an instance (stolen). Sets __context__ from the exception being handled, as `raise` does.
Ref cd_raise_exception(VM *vm, Ref exception);
// type(value): one argument, any value (borrowed).
Ref cd_raise_with(VM *vm, Type *type, Value argument);
// Bad arguments of a native function, in CPython's words.
Ref cd_raise_arg_type(VM *vm, const char *function, const char *parameter, const char *expected,
                      Value got);                                              // "f() argument 'x' must be str, not int"
Ref cd_bad_operands(VM *vm, Value left, Value right, const char *symbol);      // "unsupported operand type(s) for +: ..."

static inline bool cd_raised(VM *vm) { return cd_bits(vm->thread->raised) != 0; }
// Is an exception set, and is it an instance of `type`?
bool cd_raised_is(VM *vm, Type *type);
void cd_clear_raised(VM *vm);
// If the current exception is a `type`, drop it and return true.
bool cd_swallow(VM *vm, Type *type);
// Take the exception out (NO_REF: none) and put it back; nothing is chained. Around code that must not disturb it.
Ref cd_take_raised(VM *vm);
void cd_restore_raised(VM *vm, Ref exception);                   // steals; drops a present one
// After cd_raised: makes the current exception's __cause__ and __context__ `cause` (stolen).
void cd_chain_cause(VM *vm, Ref cause);
void cd_chain_context(VM *vm, Ref context);

// Reports the current exception to sys.unraisablehook and clears it. `where` may be NO_VALUE.
void cd_write_unraisable(VM *vm, Value where);
void cd_write_unraisable_in(VM *vm, const char *message, Value where);           // message: "Exception ignored in ..." in other words
// warnings.warn(); false: it became an exception. stacklevel 1 is the caller's Python frame.
MUST_USE bool cd_warn(VM *vm, Type *category, int stacklevel, const char *format, ...);

// Guards for native recursion: repr, compare, call. false: RecursionError set. `where` is " while calling a Python object" or the like.
MUST_USE bool cd_enter_recursion(VM *vm, const char *where);
void cd_leave_recursion(VM *vm);

#endif
