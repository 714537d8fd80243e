// SPDX-License-Identifier: MIT
// import.h: the import system's start and its one entry
#ifndef CEDE_MODULES_IMPORT_H
#define CEDE_MODULES_IMPORT_H

#include "core/vm.h"

MUST_USE bool cd_import_init(VM *vm);
MUST_USE bool cd_import_start(VM *vm);           // starts importlib, if that has not happened
void cd_import_finish(VM *vm);
// Gives __main__ the __loader__ that importlib would: for the script `path`, or NO_VALUE for a program from elsewhere. Where importlib has
// not started, None stays.
MUST_USE Ref cd_import_compiled(VM *vm, const char *data, size_t size);   // code in a .pyc file
MUST_USE bool cd_import_main_loader(VM *vm, Value dict, Value path, bool compiled);
// __import__(name, globals, locals, fromlist, level). globals and fromlist may be NO_VALUE.
MUST_USE Ref cd_import_dunder(VM *vm, Value name, Value globals, Value fromlist, int64_t level);
// importlib.import_module(name) for an absolute name: the module itself, not its top package.
MUST_USE Ref cd_import_module(VM *vm, Value name);

#endif
