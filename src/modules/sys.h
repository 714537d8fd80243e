// SPDX-License-Identifier: MIT
// sys.h: what other folders need of sys: reading and setting its attributes, auditing, printing exceptions
#ifndef CEDE_MODULES_SYS_H
#define CEDE_MODULES_SYS_H

#include "core/vm.h"

// sys.<name>, borrowed until sys changes; NO_VALUE: absent. Never raises.
Value cd_sys_get_borrow(VM *vm, const char *name);
MUST_USE bool cd_sys_set(VM *vm, const char *name, Value value);   // NO_VALUE deletes
// sys.audit(event, *args); costs a load when there are no hooks. false: a hook raised.
MUST_USE bool cd_audit(VM *vm, const char *event, size_t count, const Value *args);
// Shows line `line` of a file on stderr, indented, as a warning does; nothing when it can't be had.
MUST_USE bool cd_show_source_line(VM *vm, Value filename, int line);
// Takes the current exception and shows it through sys.excepthook, as at the end of a program. SystemExit is shown like any other.
void cd_print_exception(VM *vm);
// The exception with its causes and groups as a traceback on `file` (a text stream) or, for NO_VALUE, on descriptor 2.
// "Traceback ..." and "Type: text" of an error that is only reported, on sys.stderr; any of the three may be None.
MUST_USE bool cd_print_unraisable_body(VM *vm, Value type, Value value, Value traceback);
MUST_USE bool cd_print_exception_to(VM *vm, Value file, Value exception);
#define CD_STATUS_INTERRUPTED 0x102              // a KeyboardInterrupt that nobody caught; CEDE_INTERRUPTED of cede.h
// What a program that ends with the current exception (taken) returns to the system: SystemExit's code, or 1 after printing it. Messages go
// to sys.stderr.
int cd_exit_status(VM *vm);
// Writes text to sys.stderr, or to descriptor 2 when that is gone. Keeps the current exception; errors are dropped.
void cd_sys_write_stderr(VM *vm, const char *format, ...);
MUST_USE bool cd_flush_streams(VM *vm);          // sys.stdout and sys.stderr; false: failed (reported)

#endif
