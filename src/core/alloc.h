// SPDX-License-Identifier: MIT
// alloc.h: every byte a VM uses comes from here, is counted, and may be refused
#ifndef CEDE_CORE_ALLOC_H
#define CEDE_CORE_ALLOC_H

#include "core/object.h"

typedef struct Alloc Alloc;

// In debug builds and under AddressSanitizer every request goes to malloc behind a header that remembers the size, and cd_free checks it.
#if defined(CEDE_ASAN) || defined(CEDE_DEBUG)
#define CD_ALLOC_CHECKED 1
#else
#define CD_ALLOC_CHECKED 0
#endif

bool cd_alloc_init(VM *vm);                      // first thing of a new VM, after vm->config is set; false: out of memory
void cd_alloc_finish(VM *vm);                    // last thing: gives back all memory, whatever still lives in it
void cd_alloc_set_limit(VM *vm, uint64_t limit); // config.memory_limit of a running VM
uint64_t cd_alloc_blocks(VM *vm);                // live blocks, for sys.getallocatedblocks()

// For tests. From now on the `first`th request (1: the next one) and the `count - 1` after it are refused; first 0: none.
void cd_alloc_fail_at(VM *vm, uint64_t first, uint64_t count);
uint64_t cd_alloc_fail_requests(VM *vm);         // requests seen since cd_alloc_fail_at(vm, first > 0, ...)
#if CD_ALLOC_CHECKED
// Calls `each` with every live object, newest first; `each` must not allocate.
void cd_alloc_each_object(VM *vm, void (*each)(void *context, Object *object), void *context);
#endif

// Small sizes come from per-VM free lists, large ones from malloc. The size given to cd_free and as `old` to cd_realloc must be
// the size asked for. NULL means MemoryError is set; `size` 0 gives a valid pointer.
MUST_USE void *cd_alloc(VM *vm, size_t size);
MUST_USE void *cd_alloc_zeroed(VM *vm, size_t size);
MUST_USE void *cd_realloc(VM *vm, void *p, size_t old, size_t size);   // p NULL and old 0: like cd_alloc; failure leaves p as it was
// The same for a table that grows by doubling: a big one has pages of its own, which grow where they are and leave no holes behind.
MUST_USE void *cd_realloc_table(VM *vm, void *p, size_t old, size_t size);
void cd_free(VM *vm, void *p, size_t size);                            // p NULL: nothing
// count * size with overflow turned into MemoryError.
MUST_USE void *cd_alloc_array(VM *vm, size_t count, size_t size);

// A new zeroed object of `size` bytes (>= type->basicsize) with one reference, tracked by the collector if the type has
// TYPE_GC: so every field must be valid (zero) until set, and traverse must accept it. NULL: MemoryError set. May run a collection, never
// in the middle of the caller's half-built structures that are not objects.
MUST_USE void *cd_object_new(VM *vm, Type *type, size_t size);
// Same, but only the first `zeroed` bytes (a multiple of 8, at least the header) are cleared: for bytes and text that are written at once.
MUST_USE void *cd_object_new_part(VM *vm, Type *type, size_t size, size_t zeroed);
// Same, of type->basicsize bytes plus inline attribute room where the type has attributes: what `object.__new__` uses.
MUST_USE void *cd_instance_new(VM *vm, Type *type);
// Frees a not yet published object without running release (fields must own nothing).
void cd_object_free(VM *vm, Object *object);
// Bytes `object` was allocated with: native part, storage of subclasses, inline attribute room. Must not be asked after `release`.
size_t cd_object_size(Object *object);

#endif
