// SPDX-License-Identifier: MIT
// collections.h: what the files of _collections share
#ifndef CEDE_MODULES_COLLECTIONS_H
#define CEDE_MODULES_COLLECTIONS_H

#include "core/vm.h"

typedef struct CollectionsState {
  Type *deque, *deque_iterator, *deque_reverse_iterator;         // owned
  Type *default_dict;
  Type *ordered_dict, *ordered_keys, *ordered_values, *ordered_items, *ordered_iterator;
} CollectionsState;

extern const TypeSpec cd_deque_spec, cd_deque_iterator_spec, cd_deque_reverse_iterator_spec, cd_ordered_dict_spec, cd_ordered_keys_spec,
    cd_ordered_values_spec, cd_ordered_items_spec, cd_ordered_iterator_spec;

#endif
