// SPDX-License-Identifier: MIT
// generic_alias.h: list[int] and int | str
#ifndef CEDE_OBJECTS_GENERIC_ALIAS_H
#define CEDE_OBJECTS_GENERIC_ALIAS_H

#include "objects/str.h"

MUST_USE Ref cd_generic_alias_new(VM *vm, Value origin, Value args);             // origin[args]; args tuple or one item
MUST_USE Ref cd_union_new(VM *vm, Value left, Value right);                      // left | right for types; NotImplemented otherwise
Value cd_union_args_borrow(Value union_);                                        // tuple; lives as long as the union
// Body of native types' __class_getitem__ methods: CLASS_METHOD(list, __class_getitem__, "__class_getitem__(type, item, /)", ..) { return
// cd_generic_alias_new(vm, self, args[0]); } Shared by generic aliases and unions: distinct type parameters of a tuple of arguments, and
// substitution.
MUST_USE Ref cd_type_parameters_of(VM *vm, Value args);
MUST_USE Ref cd_type_parameters_substitute(VM *vm, Value self, Value args, Value parameters, Value item);
MUST_USE bool cd_type_argument_repr(VM *vm, TextBuilder *text, Value argument);

#endif
