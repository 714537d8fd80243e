// SPDX-License-Identifier: MIT
// signals.h: signals for start-up, shut-down and other modules
#ifndef CEDE_MODULES_SIGNALS_H
#define CEDE_MODULES_SIGNALS_H

#include "core/vm.h"

MUST_USE bool cd_signals_init(VM *vm);           // the calling thread is the main one; installs SIGINT, SIGPIPE where the host wants it
void cd_signals_finish(VM *vm);                  // gives the dispositions back
void cd_signals_trip(VM *vm, int number);        // as if the signal had come; from any thread
void cd_signals_interrupt(
  VM *vm);   // a signal handler or another thread of the host: the SIGINT handler of Python runs, or KeyboardInterrupt
bool cd_signals_adopt(VM *vm);                   // the calling thread of the host is the main one from now on; false: it was
bool cd_signals_ignored(VM *vm, int number);     // no Python handler: SIG_DFL or SIG_IGN

MUST_USE bool cd_signal_remember(VM *vm, int number);   // before other code takes the signal over: what signal() will say was there

#endif
