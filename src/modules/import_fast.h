// SPDX-License-Identifier: MIT
// import_fast.h: importing by the default finders without running importlib's own code
#ifndef CEDE_MODULES_IMPORT_FAST_H
#define CEDE_MODULES_IMPORT_FAST_H

#include "core/vm.h"

// FIND_MISSING: something is not as it is by default, and importlib has to do it. An exception that says "no such module" is FIND_ERROR.
MUST_USE Find cd_import_fast(VM *vm, Value name, Ref *module);
// from package import a, b: imports what is no attribute. Consumes nothing.
MUST_USE bool cd_import_fast_fromlist(VM *vm, Value module, Value fromlist, bool from_all);
MUST_USE bool cd_import_fast_start(VM *vm);      // after importlib was started: remembers what is default
// Code of a source file, from the cache if it is there. `filename` is what the code says of itself. NO_REF with nothing set: there is no
// such file.
MUST_USE Ref cd_import_code(VM *vm, const char *path, size_t folder_size, const char *filename);
void cd_import_fast_finish(VM *vm);
// A second thread is about to start: imports under way take the locks that importlib's users wait for.
MUST_USE bool cd_import_threads_begin(VM *vm);

#endif
