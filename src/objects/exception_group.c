// SPDX-License-Identifier: MIT
// exception_group.c: BaseExceptionGroup and ExceptionGroup (PEP 654), and what except* does with them
#include "objects/exception.h"
#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

static inline GroupException *group_of(Value v) { return (GroupException *)cd_object(v); }
static inline bool group_is(VM *vm, Value v) { return cd_is_instance_of(vm, v, vm->exc.BaseExceptionGroup); }

void cd_exception_group_traverse(Object *self, VisitFn visit, void *context)
{
  cd_exception_traverse(self, visit, context);
  visit(context, ((GroupException *)self)->message);
  visit(context, ((GroupException *)self)->exceptions);
}

void cd_exception_group_clear(VM *vm, Object *self)
{
  cd_exception_clear(vm, self);                  // message and exceptions stay: methods rely on them
}

void cd_exception_group_release(VM *vm, Object *self)
{
  cd_clear(vm, &((GroupException *)self)->message);
  cd_clear(vm, &((GroupException *)self)->exceptions);
  cd_exception_release(vm, self);
}

// ---- making ----

// The exceptions argument as a tuple, checked item by item. *nested_base: one of them is no Exception.
static Ref group_exceptions(VM *vm, Value sequence, bool *nested_base)
{
  Type *type = cd_type_of(vm, sequence);
  if (!type->slots.getitem || cd_is_dict(sequence) || !type->slots.len)
    return cd_raise_type(vm, "second argument (exceptions) must be a sequence");
  Ref tuple = cd_tuple_from(vm, sequence);
  if (!tuple) return NO_REF;
  size_t count = cd_tuple_size(tuple);
  if (!count) cd_raise_value(vm, "second argument (exceptions) must be a non-empty sequence");
  for (size_t i = 0; i < count; i++) {
    Value item = cd_tuple_item_borrow(tuple, i);
    if (!cd_is_exception(item)) {
      cd_raise_value(vm, "Item %zu of second argument (exceptions) is not an exception", i);
      count = 0;
      break;
    }
    if (!cd_is_instance_of(vm, item, vm->exc.Exception)) *nested_base = true;
  }
  if (count) return tuple;
  cd_drop(vm, tuple);
  return NO_REF;
}

Ref cd_exception_group_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, cd_type_name(type), kwnames)) return NO_REF;
  if (nargs != 2) return cd_raise_type(vm, "BaseExceptionGroup.__new__() takes exactly 2 arguments (%zu given)", nargs);
  if (!cd_is_str(args[0]))
    return cd_raise_type(vm,
                         cd_is_none(args[0]) ? "BaseExceptionGroup.__new__() argument 1 must be str, not None"
                                             : "BaseExceptionGroup.__new__() argument 1 must be str, not %T",
                         args[0]);
  bool nested_base = false;
  Ref exceptions = group_exceptions(vm, args[1], &nested_base);
  if (!exceptions) return NO_REF;
  Ref self = NO_REF;
  if (type == vm->exc.BaseExceptionGroup) {
    if (!nested_base) type = vm->exc.ExceptionGroup;
  } else if (nested_base && type == vm->exc.ExceptionGroup) {
    cd_raise_type(vm, "Cannot nest BaseExceptions in an ExceptionGroup");
    goto done;
  } else if (nested_base && cd_type_is_subtype(type, vm->exc.Exception)) {
    cd_raise_type(vm, "Cannot nest BaseExceptions in '%N'", type);
    goto done;
  }
  if (!(self = cd_base_exception_new(vm, type, args, nargs, kwnames))) goto done;
  group_of(self)->message = cd_dup(args[0]);
  group_of(self)->exceptions = cd_dup(exceptions);
done:
  cd_drop(vm, exceptions);
  return self;
}

bool cd_exception_group_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return cd_base_exception_init(vm, self, args, nargs, kwnames);
}

// Group("message", exceptions); `exceptions` stolen.
static Ref group_make(VM *vm, const char *message, Ref exceptions)
{
  Ref text = exceptions ? cd_str_from(vm, message) : NO_REF;
  Ref group = text ? cd_exception_new(vm, vm->exc.BaseExceptionGroup, (Value[]){text, exceptions}, 2) : NO_REF;
  cd_drop(vm, text);
  cd_drop(vm, exceptions);
  return group;
}

Ref cd_exception_group_str(VM *vm, Value self)
{
  size_t count = cd_tuple_size(group_of(self)->exceptions);
  return cd_str_format(vm, "%U (%zu sub-exception%s)", group_of(self)->message, count, count == 1 ? "" : "s");
}

// ---- splitting ----

// What decides whether an exception belongs to the part asked for.
typedef struct Matcher {
  enum { MATCH_TYPE, MATCH_PREDICATE, MATCH_IDENTITY } kind;
  Value value;                                   // class or tuple of classes; callable; dict from id() of leaves
} Matcher;

static bool matcher_init(VM *vm, Matcher *matcher, Value value)
{
  matcher->value = value;
  bool classes = cd_is_tuple(value) || (cd_is_type(value) && cd_type_is_subtype(cd_as_type(value), vm->exc.BaseException));
  for (size_t i = 0; classes && cd_is_tuple(value) && i < cd_tuple_size(value); i++) {
    Value item = cd_tuple_item_borrow(value, i);
    classes = cd_is_type(item) && cd_type_is_subtype(cd_as_type(item), vm->exc.BaseException);
  }
  if (classes) { matcher->kind = MATCH_TYPE; return true; }
  if (cd_is_callable(vm, value) && !cd_is_type(value)) { matcher->kind = MATCH_PREDICATE; return true; }
  return cd_raise_type(vm, "expected a function, exception type or tuple of exception types");
}

static bool matcher_test(VM *vm, const Matcher *matcher, Value exception, bool *out)
{
  switch (matcher->kind) {
  case MATCH_TYPE: return cd_exception_matches(vm, exception, matcher->value, out);
  case MATCH_PREDICATE: {
    Ref answer = cd_call1(vm, matcher->value, exception);
    bool ok = answer && cd_truth(vm, answer, out);
    cd_drop(vm, answer);
    return ok;
  }
  default: break;
  }
  *out = false;
  if (group_is(vm, exception)) return true;
  Ref found = NO_REF, id = cd_from_small((int64_t)(cd_bits(exception) >> 3));
  Find find = cd_dict_find(vm, matcher->value, id, &found);
  cd_drop(vm, found);
  *out = find == FIND_HIT;
  return find != FIND_ERROR;
}

static bool group_copy_notes(VM *vm, Value from, Value to)
{
  Ref notes = NO_REF;
  Find find = cd_getattr_find(vm, from, N(__notes__), &notes);
  if (find != FIND_HIT) return find == FIND_MISSING;
  bool ok = true;
  // A list is copied, so that the parts don't share it; anything odd is left out.
  if (cd_is_list(notes) || cd_is_tuple(notes)) {
    Ref copy = cd_list_from(vm, notes);
    ok = copy && cd_setattr(vm, to, N(__notes__), copy);
    cd_drop(vm, copy);
  }
  cd_drop(vm, notes);
  return ok;
}

// A group like `original` around `parts` (a list, stolen); None when it is empty.
static Ref group_subset(VM *vm, Value original, Ref parts)
{
  if (!parts) return NO_REF;
  if (!cd_list_size(parts)) { cd_drop(vm, parts); return cd_none(); }
  Ref name = cd_intern(vm, "derive");
  Ref group = name ? cd_call_method1(vm, original, name, parts) : NO_REF;
  cd_drop(vm, name);
  cd_drop(vm, parts);
  if (!group) return NO_REF;
  if (!group_is(vm, group)) {
    cd_raise_type(vm, "derive must return an instance of BaseExceptionGroup");
    cd_drop(vm, group);
    return NO_REF;
  }
  Exception *from = cd_as_exception(original), *to = cd_as_exception(group);
  cd_replace(vm, &to->traceback, cd_dup(from->traceback));
  cd_replace(vm, &to->context, cd_dup(from->context));
  if (cd_bits(from->cause)) to->suppress_context = true;
  cd_replace(vm, &to->cause, cd_dup(from->cause));
  if (group_copy_notes(vm, original, group)) return group;
  cd_drop(vm, group);
  return NO_REF;
}

// *match and *rest get the parts, None where empty; `rest` NULL: not wanted.
static bool group_split(VM *vm, Value exception, const Matcher *matcher, Ref *match, Ref *rest)
{
  bool hit;
  if (!matcher_test(vm, matcher, exception, &hit)) return false;
  if (hit || !group_is(vm, exception)) {
    *match = hit ? cd_dup(exception) : cd_none();
    if (rest) *rest = hit ? cd_none() : cd_dup(exception);
    return true;
  }
  if (!cd_enter_recursion(vm, " in exceptiongroup_split_recursive")) return false;
  Ref matches = cd_list_new(vm), others = matches && rest ? cd_list_new(vm) : NO_REF;
  bool ok = matches && (!rest || others);
  Ref items = cd_dup(group_of(exception)->exceptions);
  for (size_t i = 0; ok && i < cd_tuple_size(items); i++) {
    Ref part = NO_REF, remainder = NO_REF;
    ok = group_split(vm, cd_tuple_item_borrow(items, i), matcher, &part, rest ? &remainder : NULL);
    if (ok && !cd_is_none(part)) ok = cd_list_append(vm, cd_as_list(matches), part);
    if (ok && rest && !cd_is_none(remainder)) ok = cd_list_append(vm, cd_as_list(others), remainder);
    cd_drop(vm, part);
    cd_drop(vm, remainder);
  }
  cd_drop(vm, items);
  cd_leave_recursion(vm);
  if (!ok) { cd_drop(vm, matches); cd_drop(vm, others); return false; }
  Ref matched = group_subset(vm, exception, matches);
  if (!matched) { cd_drop(vm, others); return false; }
  if (rest && !(*rest = group_subset(vm, exception, others))) { cd_drop(vm, matched); return false; }
  *match = matched;
  return true;
}

METHOD(exception_group, derive, "derive(self, excs, /)", "Make a group with the same message around other exceptions.")
{
  return cd_exception_new(vm, vm->exc.BaseExceptionGroup, (Value[]){group_of(self)->message, args[0]}, 2);
}

METHOD(exception_group, split, "split(self, matcher_value, /)", "Split into (part that matches, rest); either may be None.")
{
  Matcher matcher;
  Ref match = NO_REF, rest = NO_REF;
  if (!matcher_init(vm, &matcher, args[0]) || !group_split(vm, self, &matcher, &match, &rest)) return NO_REF;
  return cd_tuple2_steal(vm, match, rest);
}

METHOD(exception_group, subgroup, "subgroup(self, matcher_value, /)", "The part that matches, or None.")
{
  Matcher matcher;
  Ref match = NO_REF;
  if (!matcher_init(vm, &matcher, args[0]) || !group_split(vm, self, &matcher, &match, NULL)) return NO_REF;
  return match;
}

CLASS_METHOD(exception_group, __class_getitem__, "__class_getitem__(type, object, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

const MethodDef *const cd_exception_group_methods[] = {
  &exception_group_derive_def, &exception_group_split_def, &exception_group_subgroup_def, &exception_group___class_getitem___def, NULL,
};

const MemberDef cd_exception_group_members[] = {
  {"message", offsetof(GroupException, message), MEMBER_VALUE, false, "the group's message"},
  {"exceptions", offsetof(GroupException, exceptions), MEMBER_VALUE, false, "the exceptions in it"},
  {0},
};

// ---- except* ----

static bool group_check_star_type(VM *vm, Value match)
{
  size_t count = cd_is_tuple(match) ? cd_tuple_size(match) : 1;
  for (size_t i = 0; i < count; i++) {
    Value item = cd_is_tuple(match) ? cd_tuple_item_borrow(match, i) : match;
    if (!cd_is_type(item) || !cd_type_is_subtype(cd_as_type(item), vm->exc.BaseException))
      return cd_raise_type(vm, "catching classes that do not inherit from BaseException is not allowed");
  }
  for (size_t i = 0; i < count; i++) {
    Value item = cd_is_tuple(match) ? cd_tuple_item_borrow(match, i) : match;
    if (cd_type_is_subtype(cd_as_type(item), vm->exc.BaseExceptionGroup))
      return cd_raise_type(vm, "catching ExceptionGroup with except* is not allowed. Use except instead.");
  }
  return true;
}

bool cd_exception_group_match(VM *vm, Value exception, Value match, Ref *matched, Ref *rest)
{
  if (!group_check_star_type(vm, match)) return false;
  if (cd_is_none(exception)) {
    *matched = cd_none();
    *rest = cd_none();
    return true;
  }
  bool hit;
  if (!cd_exception_matches(vm, exception, match, &hit)) return false;
  if (hit) {
    Ref result = group_is(vm, exception) ? cd_dup(exception) : group_make(vm, "", cd_tuple1(vm, exception));
    if (!result) return false;
    *matched = result;
    *rest = cd_none();
    return true;
  }
  if (!group_is(vm, exception)) {
    *matched = cd_none();
    *rest = cd_dup(exception);
    return true;
  }
  Ref name = cd_intern(vm, "split"), pair = name ? cd_call_method1(vm, exception, name, match) : NO_REF;
  cd_drop(vm, name);
  if (!pair) return false;
  bool ok = true;
  if (!cd_is_tuple(pair)) ok = cd_raise_type(vm, "%T.split must return a tuple, not %T", exception, pair);
  else if (cd_tuple_size(pair) < 2)
    ok = cd_raise_type(vm, "%T.split must return a 2-tuple, got tuple of size %zu", exception, cd_tuple_size(pair));
  if (ok) {
    *matched = cd_dup(cd_tuple_item_borrow(pair, 0));
    *rest = cd_dup(cd_tuple_item_borrow(pair, 1));
  }
  cd_drop(vm, pair);
  return ok;
}

// Both came out of the same raise: a part that an except* clause re-raised.
static bool group_same_origin(VM *vm, Value a, Value b)
{
  if (!group_is(vm, a) || !group_is(vm, b)) return false;
  Exception *x = cd_as_exception(a), *y = cd_as_exception(b);
  if (!cd_is(x->traceback, y->traceback) || !cd_is(x->cause, y->cause) || !cd_is(x->context, y->context)) return false;
  Ref notes_a = NO_REF, notes_b = NO_REF;
  Find find_a = cd_getattr_find(vm, a, N(__notes__), &notes_a), find_b = cd_getattr_find(vm, b, N(__notes__), &notes_b);
  bool same = find_a == find_b && find_a != FIND_ERROR;
  if (same && find_a == FIND_HIT) {
    // The parts have copies of the list: compare what is in it.
    if (!cd_equal(vm, notes_a, notes_b, &same)) same = false;
  }
  cd_drop(vm, notes_a);
  cd_drop(vm, notes_b);
  cd_clear_raised(vm);
  return same;
}

static bool group_collect_leaves(VM *vm, Value exception, Value leaves)
{
  if (!group_is(vm, exception)) return cd_dict_set(vm, leaves, cd_from_small((int64_t)(cd_bits(exception) >> 3)), cd_none());
  if (!cd_enter_recursion(vm, " in collect_exception_group_leaves")) return false;
  bool ok = true;
  Value items = group_of(exception)->exceptions;
  for (size_t i = 0; ok && i < cd_tuple_size(items); i++) ok = group_collect_leaves(vm, cd_tuple_item_borrow(items, i), leaves);
  cd_leave_recursion(vm);
  return ok;
}

// The part of `original` whose leaves occur in the groups of the list `keep`.
static Ref group_projection(VM *vm, Value original, Value keep)
{
  Ref leaves = cd_dict_new(vm), match = NO_REF;
  bool ok = leaves != NO_REF;
  for (size_t i = 0; ok && i < cd_list_size(keep); i++) ok = group_collect_leaves(vm, cd_list_item_borrow(keep, i), leaves);
  Matcher matcher = {MATCH_IDENTITY, leaves};
  if (ok && !group_split(vm, original, &matcher, &match, NULL)) match = NO_REF;
  cd_drop(vm, leaves);
  return match;
}

Ref cd_exception_group_reraise(VM *vm, Value original, Value raised_list)
{
  size_t count = cd_list_size(raised_list);
  if (!group_is(vm, original)) {
    // One naked exception: at most one clause took it, and what that raised goes on as it is.
    Value only = count ? cd_list_item_borrow(raised_list, 0) : cd_none();
    return cd_is_none(only) ? NO_REF : cd_dup(only);
  }
  Ref raised = cd_list_new(vm), reraised = raised ? cd_list_new(vm) : NO_REF, result = NO_REF;
  if (!reraised) goto done;
  for (size_t i = 0; i < count; i++) {
    Value e = cd_list_item_borrow(raised_list, i);
    if (cd_is_none(e)) continue;
    if (!cd_list_append(vm, cd_as_list(group_same_origin(vm, e, original) ? reraised : raised), e)) goto done;
  }
  if (cd_list_size(reraised)) {
    Ref part = group_projection(vm, original, reraised);
    if (!part) goto done;
    if (!cd_list_size(raised)) {
      if (!cd_is_none(part)) result = part;
      goto done;
    }
    if (cd_is_none(part)) cd_drop(vm, part);
    else if (!cd_list_append_steal(vm, cd_as_list(raised), part)) goto done;
  }
  if (cd_list_size(raised)) result = group_make(vm, "", cd_dup(raised));
done:
  cd_drop(vm, raised);
  cd_drop(vm, reraised);
  return result;
}
