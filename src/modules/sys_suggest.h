// SPDX-License-Identifier: MIT
// sys_suggest.h: "Did you mean: 'x'?"
#ifndef CEDE_MODULES_SYS_SUGGEST_H
#define CEDE_MODULES_SYS_SUGGEST_H

#include "core/vm.h"

// A name close to the one that an AttributeError or NameError did not find, as a new str; NO_REF: none (an exception may be set: ignore
// it).
MUST_USE Ref cd_exception_suggestion(VM *vm, Value exception);

#endif
