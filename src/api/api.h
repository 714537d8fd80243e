// SPDX-License-Identifier: MIT
// api.h: what the files of this folder share
#ifndef CEDE_API_API_H
#define CEDE_API_API_H

#include "cede.h"
#include "modules/sys.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

MUST_USE bool cd_streams_init(VM *vm);           // sys.stdin, stdout, stderr and their __twins__
MUST_USE bool cd_main_module_init(VM *vm);       // sys.modules['__main__']
Value cd_main_dict_borrow(VM *vm);               // its namespace; NO_VALUE with an exception when it is gone
MUST_USE bool cd_path_prepend(VM *vm, Value entry);   // sys.path.insert(0, entry)

// Calls that may run Python begin with this: the host may be in another thread, on another stack, than at its last call.
void cd_host_enter(VM *vm);

#endif
