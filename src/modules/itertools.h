// SPDX-License-Identifier: MIT
// itertools.h: what the files of the itertools module share
#ifndef CEDE_MODULES_ITERTOOLS_H
#define CEDE_MODULES_ITERTOOLS_H

#include "objects/protocol.h"

// Types that code refers to; owned.
typedef struct ItertoolsState {
  Type *chain, *islice, *accumulate;
  Type *grouper, *tee, *tee_data;
} ItertoolsState;

extern const TypeSpec cd_itertools_product_spec, cd_itertools_combinations_spec, cd_itertools_combinations_with_replacement_spec,
    cd_itertools_permutations_spec, cd_itertools_groupby_spec, cd_itertools_grouper_spec, cd_itertools_tee_spec, cd_itertools_tee_data_spec,
    cd_itertools_zip_longest_spec;
extern const MethodDef *const cd_itertools_tee_function;

// Arguments of a constructor without keywords; subclasses with their own __init__ may take some.
bool cd_itertools_positional(VM *vm, const Type *type, const char *name, size_t nargs, Value kwnames, size_t min, size_t max);
// Steps the iterator in a slot, which stays alive meanwhile even if the slot is cleared.
static inline Next cd_itertools_step(VM *vm, const Value *slot, Ref *out)
{
  Ref iterator = cd_dup(*slot);
  Next next = cd_next(vm, iterator, out);
  cd_drop(vm, iterator);
  return next;
}

#endif
