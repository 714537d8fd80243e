// SPDX-License-Identifier: MIT
// import_state.h: what the files of the import system share
#ifndef CEDE_MODULES_IMPORT_STATE_H
#define CEDE_MODULES_IMPORT_STATE_H

#include "core/vm.h"

#define CACHE_TAG "cede-311"                     // sys.implementation.cache_tag

typedef struct ImportState {
  bool bootstrapped;                             // importlib was started, or it was found that there is none
  Value bootstrap;                               // the module _frozen_importlib; NO_VALUE: there is none; owned
  Value find_and_load_name, handle_fromlist_name, lock_unlock_name, initializing_name;   // interned, owned
  bool time_seen;                                // -X importtime: the heading has been printed;
  int time_depth;                                // imports under way,
  int64_t time_nested;                           // and what those inside the present one took, in nanoseconds
  Value zip_hook;                                // owned; what is in sys.path_hooks for archives: zipimport.zipimporter or its stand-in
  bool zip_loading;                              // the stand-in is at work: zipimport itself is not looked for in archives
  struct ImportFast *fast;                       // import_fast.c; NULL before importlib was started
} ImportState;

MUST_USE bool cd_import_bootstrap(VM *vm);                       // import_bootstrap.c: starts importlib, if there is one
// Code of importlib._bootstrap and _bootstrap_external: NO_REF with nothing set: `name` is neither.
MUST_USE Ref cd_import_frozen_code(VM *vm, const char *name);
MUST_USE Ref cd_import_plain(VM *vm, Value name);                // import_plain.c
MUST_USE bool cd_import_plain_fromlist(VM *vm, Value module, Value fromlist);
// Whole file as bytes; NO_REF with nothing set: cannot be opened.
MUST_USE Ref cd_import_read_file(VM *vm, const char *path);

MUST_USE bool cd_import_lock(VM *vm);                            // _imp.c: the import lock
void cd_import_unlock(VM *vm);
MUST_USE bool cd_import_zip_loaded(VM *vm, Value zipimport);      // zipimport was imported: its class goes where its stand-in is
MUST_USE bool cd_code_set_filename(VM *vm, Code *code, Value path);    // _imp.c: of a code object and of those in it with the same name

#endif
