// SPDX-License-Identifier: MIT
// protocol.c: attributes, text, comparison, containers, iteration and buffers of any object
#include "objects/protocol.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/function.h"
#include "objects/generic_alias.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/module.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type_slots.h"

// ---- attributes ----

// The Dict of objects that keep a namespace of their own (modules, classes); NO_VALUE for others.
static Value namespace_of(VM *vm, Object *object)
{
  if (object->type->flags & TYPE_TYPE) return cd_type_dict(vm, (Type *)object);
  return cd_type_is_subtype(object->type, vm->types.module) ? ((Module *)object)->dict : NO_VALUE;
}

static Find own_attribute(VM *vm, Value v, Value name, Ref *out)
{
  if (!cd_is_object(v)) return FIND_MISSING;
  Object *object = cd_object(v);
  if (LIKELY(object->type->flags & TYPE_HAS_DICT)) return cd_instance_get(vm, object, name, out);
  Value dict = namespace_of(vm, object);
  if (!dict) return FIND_MISSING;
  Ref held = cd_dup(dict);
  Find found = cd_dict_find(vm, held, name, out);
  cd_drop(vm, held);
  return found;
}

Find cd_generic_getattr_find(VM *vm, Value object, Value name, Ref *out)
{
  Type *type = cd_type_of(vm, object);
  Value descriptor = cd_type_lookup_borrow(vm, type, name);
  if (!descriptor) return own_attribute(vm, object, name, out);
  Ref held = cd_dup(descriptor);
  Type *kind = cd_type_of(vm, held);
  Find found = FIND_MISSING;
  if (!kind->slots.descr_get || !kind->slots.descr_set) found = own_attribute(vm, object, name, out);
  if (found == FIND_MISSING) {
    if (!kind->slots.descr_get) {
      *out = held;
      return FIND_HIT;
    }
    *out = kind->slots.descr_get(vm, held, object, cd_type_value(type));
    found = *out ? FIND_HIT : FIND_ERROR;
  }
  cd_drop(vm, held);
  return found;
}

static COLD Ref no_attribute(VM *vm, Value object, Value name)
{
  return cd_raise_attribute(vm, object, name, "'%.100s' object has no attribute '%U'", cd_type_name(cd_type_of(vm, object)), name);
}

Ref cd_generic_getattr(VM *vm, Value object, Value name)
{
  Ref result;
  Find found = cd_generic_getattr_find(vm, object, name, &result);
  if (found == FIND_HIT) return result;
  if (found == FIND_MISSING) no_attribute(vm, object, name);
  return NO_REF;
}

static bool namespace_set(VM *vm, Value object, Value dict, Value name, Value value)
{
  if (value) return cd_dict_set(vm, dict, name, value);
  Find found = cd_dict_delete(vm, dict, name);
  if (found == FIND_MISSING) no_attribute(vm, object, name);
  return found == FIND_HIT;
}

bool cd_generic_setattr(VM *vm, Value object, Value name, Value value)
{
  Type *type = cd_type_of(vm, object);
  Value descriptor = cd_type_lookup_borrow(vm, type, name);
  if (descriptor && cd_type_of(vm, descriptor)->slots.descr_set) {
    Ref held = cd_dup(descriptor);
    bool ok = cd_type_of(vm, held)->slots.descr_set(vm, held, object, value);
    cd_drop(vm, held);
    return ok;
  }
  if (type->flags & TYPE_HAS_DICT) {
    if (value) return cd_instance_set(vm, cd_object(object), name, value);
    Find found = cd_instance_delete(vm, cd_object(object), name);
    if (found == FIND_MISSING) no_attribute(vm, object, name);
    return found == FIND_HIT;
  }
  Value dict = cd_is_object(object) ? namespace_of(vm, cd_object(object)) : NO_VALUE;
  if (dict && type->flags & TYPE_TYPE) return cd_type_set_attr(vm, cd_as_type(object), name, value);
  if (dict && !value && !cd_module_complete(vm, object)) return false;
  if (dict) return namespace_set(vm, object, dict, name, value);
  if (!descriptor) return no_attribute(vm, object, name);
  return cd_raise_attribute(vm, object, name, "'%.100s' object attribute '%U' is read-only", cd_type_name(type), name);
}

static bool check_attribute_name(VM *vm, Value name)
{
  return LIKELY(cd_is_str(name)) || cd_raise_type(vm, "attribute name must be string, not '%.200s'", cd_type_name(cd_type_of(vm, name)));
}

Ref cd_getattr(VM *vm, Value object, Value name)
{
  if (!check_attribute_name(vm, name)) return NO_REF;
  Type *type = cd_type_of(vm, object);
  return type->slots.getattr ? type->slots.getattr(vm, object, name) : no_attribute(vm, object, name);
}

Ref cd_getattr_text(VM *vm, Value object, const char *name)
{
  Ref key = cd_intern(vm, name);
  Ref result = key ? cd_getattr(vm, object, key) : NO_REF;
  cd_drop(vm, key);
  return result;
}

Find cd_getattr_find(VM *vm, Value object, Value name, Ref *out)
{
  if (!check_attribute_name(vm, name)) return FIND_ERROR;
  Type *type = cd_type_of(vm, object);
  Find found;
  if (LIKELY(type->flags & TYPE_DEFAULT_GETATTR)) found = cd_generic_getattr_find(vm, object, name, out);
  else if (type->slots.getattr == cd_type_getattr_slot) found = cd_type_getattr_find(vm, object, name, out);
  else if (type->slots.getattr == cd_module_getattr_slot) found = cd_module_getattr_find(vm, object, name, out);
  else found = (*out = type->slots.getattr(vm, object, name)) ? FIND_HIT : FIND_ERROR;
  if (found == FIND_ERROR && cd_swallow(vm, vm->exc.AttributeError)) return FIND_MISSING;
  return found;
}

bool cd_setattr(VM *vm, Value object, Value name, Value value)
{
  if (!check_attribute_name(vm, name)) return false;
  Type *type = cd_type_of(vm, object);
  if (LIKELY(type->slots.setattr != NULL)) return type->slots.setattr(vm, object, name, value);
  return cd_raise_type(vm, "'%.100s' object has no attributes (%s .%U)", cd_type_name(type), value ? "assign to" : "del", name);
}

bool cd_setattr_text(VM *vm, Value object, const char *name, Value value)
{
  Ref key = cd_intern(vm, name);
  bool ok = key && cd_setattr(vm, object, key, value);
  cd_drop(vm, key);
  return ok;
}

Find cd_lookup_special(VM *vm, Value object, Value name, Ref *out)
{
  Type *type = cd_type_of(vm, object);
  Value found = cd_type_lookup_borrow(vm, type, name);
  if (!found) return FIND_MISSING;
  Ref held = cd_dup(found);
  Type *kind = cd_type_of(vm, held);
  if (!kind->slots.descr_get) {
    *out = held;
    return FIND_HIT;
  }
  *out = kind->slots.descr_get(vm, held, object, cd_type_value(type));
  cd_drop(vm, held);
  return *out ? FIND_HIT : FIND_ERROR;
}

Find cd_lookup_method(VM *vm, Value object, Value name, Ref *out, bool *unbound)
{
  *unbound = false;
  Type *type = cd_type_of(vm, object);
  if (UNLIKELY(!(type->flags & TYPE_DEFAULT_GETATTR))) return cd_getattr_find(vm, object, name, out);
  Value found = cd_type_lookup_borrow(vm, type, name);
  if (!found || !(cd_type_of(vm, found)->flags & TYPE_METHOD_DESCRIPTOR)) return cd_generic_getattr_find(vm, object, name, out);
  Ref held = cd_dup(found);
  Find own = own_attribute(vm, object, name, out);
  if (own != FIND_MISSING) {
    cd_drop(vm, held);
    return own;
  }
  *out = held;
  *unbound = true;
  return FIND_HIT;
}

// ---- text ----

Ref cd_repr(VM *vm, Value v)
{
  Type *type = cd_type_of(vm, v);
  if (!type->slots.repr) return cd_object_repr_slot(vm, v);
  if (!cd_enter_recursion(vm, " while getting the repr of an object")) return NO_REF;
  Ref text = type->slots.repr(vm, v);
  cd_leave_recursion(vm);
  if (!text || cd_is_str(text)) return text;
  cd_raise_type(vm, "__repr__ returned non-string (type %.200s)", cd_type_name(cd_type_of(vm, text)));
  cd_drop(vm, text);
  return NO_REF;
}

Ref cd_str(VM *vm, Value v)
{
  if (cd_is_exact(v, vm->types.str)) return cd_dup(v);
  Type *type = cd_type_of(vm, v);
  if (!type->slots.str) return cd_repr(vm, v);
  if (!cd_enter_recursion(vm, " while getting the str of an object")) return NO_REF;
  Ref text = type->slots.str(vm, v);
  cd_leave_recursion(vm);
  if (!text || cd_is_str(text)) return text;
  cd_raise_type(vm, "__str__ returned non-string (type %.200s)", cd_type_name(cd_type_of(vm, text)));
  cd_drop(vm, text);
  return NO_REF;
}

static bool ascii_repr_put(TextBuilder *text, uint32_t c)
{
  if (c < 0x80) return cd_text_char(text, c);
  static const char digits[] = "0123456789abcdef";
  int width = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
  if (!cd_text_puts(text, width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U")) return false;
  for (int shift = (width - 1) * 4; shift >= 0; shift -= 4)
    if (!cd_text_char(text, (uint32_t)digits[c >> shift & 15])) return false;
  return true;
}

Ref cd_ascii(VM *vm, Value v)
{
  Ref repr = cd_repr(vm, v);
  if (!repr || cd_as_str(repr)->ascii) return repr;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  for (size_t i = 0; ok && i < cd_str_length(repr); i++) ok = ascii_repr_put(&text, cd_str_at(vm, repr, i));
  cd_drop(vm, repr);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

Ref cd_format(VM *vm, Value v, Value spec)
{
  if (spec && !cd_is_str(spec))
    return cd_raise_system(vm, "Format specifier must be a string, not %.200s", cd_type_name(cd_type_of(vm, spec)));
  bool empty = !spec || !cd_str_size(spec);
  if (empty && cd_is_exact(v, vm->types.str)) return cd_dup(v);
  if (empty && cd_is_small(v)) return cd_str(vm, v);
  Ref method;
  Find found = cd_lookup_special(vm, v, N(__format__), &method);
  if (found == FIND_MISSING) return cd_raise_type(vm, "Type %.100s doesn't define __format__", cd_type_name(cd_type_of(vm, v)));
  if (found == FIND_ERROR) return NO_REF;
  Ref text = cd_call1(vm, method, spec ? spec : N(empty_));
  cd_drop(vm, method);
  if (!text || cd_is_str(text)) return text;
  cd_raise_type(vm, "__format__ must return a str, not %.200s", cd_type_name(cd_type_of(vm, text)));
  cd_drop(vm, text);
  return NO_REF;
}

// ---- truth, hash, comparison ----

bool cd_truth(VM *vm, Value v, bool *out)
{
  switch (cd_bits(v)) {
  case BITS_TRUE: *out = true; return true;
  case BITS_FALSE: case BITS_NONE: *out = false; return true;
  }
  if (cd_is_small(v)) {
    *out = cd_small(v) != 0;
    return true;
  }
  const TypeSlots *slots = &cd_type_of(vm, v)->slots;
  if (slots->truth) return slots->truth(vm, v, out);
  *out = true;
  if (!slots->len) return true;
  int64_t n;
  if (!slots->len(vm, v, &n)) return false;
  *out = n != 0;
  return true;
}

bool cd_hash(VM *vm, Value v, int64_t *out)
{
  if (cd_is_small(v)) {                          // as in int.c: itself, below the modulus
    int64_t n = cd_small(v);
    if (LIKELY(n > -SMALL_INT_MAX && n < SMALL_INT_MAX)) {
      *out = n == -1 ? -2 : n;
      return true;
    }
  }
  LenFn hash = cd_type_of(vm, v)->slots.hash;
  return LIKELY(hash != NULL) ? hash(vm, v, out) : cd_hash_unhashable(vm, v, out);
}

bool cd_hash_unhashable(VM *vm, Value v, int64_t *out)
{
  return cd_raise_type(vm, "unhashable type: '%.200s'", cd_type_name(cd_type_of(vm, v)));
}

static const CompareOp compare_swapped[] = {COMPARE_GT, COMPARE_GE, COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE};   // ORDER: compare

// a op b when a's method knows no answer: b's, unless it was asked first (`reflected`); then identity, or TypeError.
static Ref compare_rest(VM *vm, Value a, Value b, CompareOp op, bool reflected)
{
  Type *left = cd_type_of(vm, a), *right = cd_type_of(vm, b);
  if (!reflected && right->slots.compare) {
    Ref result = right->slots.compare(vm, b, a, compare_swapped[op]);
    if (!result || !cd_is_not_implemented(result)) return result;
  }
  if (op == COMPARE_EQ) return cd_bool(cd_is(a, b));
  if (op == COMPARE_NE) return cd_bool(!cd_is(a, b));
  static const char *const symbols[] = {"<", "<=", "==", "!=", ">", ">="};       // ORDER: compare
  return cd_raise_type(vm, "'%s' not supported between instances of '%.100s' and '%.100s'", symbols[op], cd_type_name(left),
                       cd_type_name(right));
}

static Ref compare_try(VM *vm, Value a, Value b, CompareOp op)
{
  Type *left = cd_type_of(vm, a), *right = cd_type_of(vm, b);
  bool reflected = false;
  if (left != right && right->slots.compare && cd_type_is_subtype(right, left)) {
    reflected = true;
    Ref result = right->slots.compare(vm, b, a, compare_swapped[op]);
    if (!result || !cd_is_not_implemented(result)) return result;
  }
  if (left->slots.compare) {
    Ref result = left->slots.compare(vm, a, b, op);
    if (!result || !cd_is_not_implemented(result)) return result;
  }
  return compare_rest(vm, a, b, op, reflected);
}

Ref cd_compare_refused(VM *vm, Value a, Value b, CompareOp op)
{
  if (!cd_enter_recursion(vm, " in comparison")) return NO_REF;
  Ref result = compare_rest(vm, a, b, op, false);
  cd_leave_recursion(vm);
  return result;
}

Ref cd_compare_ints(int order, CompareOp op)
{
  switch (op) {
  case COMPARE_LT: return cd_bool(order < 0);
  case COMPARE_LE: return cd_bool(order <= 0);
  case COMPARE_EQ: return cd_bool(order == 0);
  case COMPARE_NE: return cd_bool(order != 0);
  case COMPARE_GT: return cd_bool(order > 0);
  case COMPARE_GE: return cd_bool(order >= 0);
  }
  UNREACHABLE();
}

Ref cd_compare(VM *vm, Value a, Value b, CompareOp op)
{
  if (cd_both_small(a, b)) return cd_compare_ints((cd_small(a) > cd_small(b)) - (cd_small(a) < cd_small(b)), op);
  if (!cd_enter_recursion(vm, " in comparison")) return NO_REF;
  Ref result = compare_try(vm, a, b, op);
  cd_leave_recursion(vm);
  return result;
}

bool cd_compare_bool(VM *vm, Value a, Value b, CompareOp op, bool *out)
{
  if (cd_is(a, b) && (op == COMPARE_EQ || op == COMPARE_NE)) {
    *out = op == COMPARE_EQ;
    return true;
  }
  Ref result = cd_compare(vm, a, b, op);
  if (!result) return false;
  if (cd_is_bool(result)) {
    *out = cd_is_true(result);
    return true;
  }
  bool ok = cd_truth(vm, result, out);
  cd_drop(vm, result);
  return ok;
}

// ---- containers ----

bool cd_len(VM *vm, Value v, int64_t *out)
{
  Type *type = cd_type_of(vm, v);
  return type->slots.len ? type->slots.len(vm, v, out)
                         : (bool)cd_raise_type(vm, "object of type '%.200s' has no len()", cd_type_name(type));
}

bool cd_length_hint(VM *vm, Value v, int64_t fallback, int64_t *out)
{
  if (cd_type_of(vm, v)->slots.len) {
    if (cd_len(vm, v, out)) return true;
    if (!cd_swallow(vm, vm->exc.TypeError)) return false;
  }
  Ref method;
  Find found = cd_lookup_special(vm, v, N(__length_hint__), &method);
  if (found == FIND_ERROR) return false;
  *out = fallback;
  if (found == FIND_MISSING) return true;
  Ref hint = cd_call0(vm, method);
  cd_drop(vm, method);
  if (!hint) return cd_swallow(vm, vm->exc.TypeError);
  bool ok = true;
  if (cd_is_not_implemented(hint)) ;
  else if (!cd_is_int(hint)) ok = cd_raise_type(vm, "__length_hint__ must be an integer, not %.100s", cd_type_name(cd_type_of(vm, hint)));
  else if (!cd_to_i64(vm, hint, out, vm->exc.OverflowError)) ok = false;
  else if (*out < 0) ok = cd_raise_value(vm, "__length_hint__() should return >= 0");
  cd_drop(vm, hint);
  return ok;
}

static Ref getitem_class(VM *vm, Value cls, Value key)
{
  if (cd_is(cls, cd_type_value(vm->types.type))) return cd_generic_alias_new(vm, cls, key);
  Ref method;
  Find found = cd_getattr_find(vm, cls, N(__class_getitem__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING || cd_is_none(method))
    return cd_raise_type(vm, "type '%.200s' is not subscriptable", cd_type_name(cd_as_type(cls)));
  Ref result = cd_call1(vm, method, key);
  cd_drop(vm, method);
  return result;
}

Ref cd_getitem(VM *vm, Value container, Value key)
{
  Type *type = cd_type_of(vm, container);
  if (LIKELY(type->slots.getitem != NULL)) return type->slots.getitem(vm, container, key);
  if (type->flags & TYPE_TYPE) return getitem_class(vm, container, key);
  return cd_raise_type(vm, "'%.200s' object is not subscriptable", cd_type_name(type));
}

bool cd_setitem(VM *vm, Value container, Value key, Value value)
{
  Type *type = cd_type_of(vm, container);
  if (LIKELY(type->slots.setitem != NULL)) return type->slots.setitem(vm, container, key, value);
  return cd_raise_type(vm, "'%.200s' object %s item %s", cd_type_name(type), value ? "does not support" : "doesn't support",
                       value ? "assignment" : "deletion");
}

bool cd_contains_by_iteration(VM *vm, Value container, Value item, bool *out)
{
  Ref iterator = cd_iter(vm, container), candidate;
  if (!iterator) {
    if (cd_swallow(vm, vm->exc.TypeError))
      cd_raise_type(vm, "argument of type '%.200s' is not iterable", cd_type_name(cd_type_of(vm, container)));
    return false;
  }
  Next next;
  *out = false;
  bool ok = true;
  while (ok && !*out && (next = cd_next(vm, iterator, &candidate)) == NEXT_ITEM) {
    ok = cd_equal(vm, candidate, item, out) && cd_poll(vm);
    cd_drop(vm, candidate);
  }
  cd_drop(vm, iterator);
  return ok && (*out || next == NEXT_DONE);
}

bool cd_contains(VM *vm, Value container, Value item, bool *out)
{
  Type *type = cd_type_of(vm, container);
  if (LIKELY(type->slots.contains != NULL)) return type->slots.contains(vm, container, item, out);
  return cd_contains_by_iteration(vm, container, item, out);
}

// ---- iteration ----

// Classes with __getitem__ alone iterate by index; native types say what they can by their slots.
static bool iterates_by_index(VM *vm, Type *type)
{
  if (!type->slots.getitem || type->flags & TYPE_DICT) return false;
  if (type->slots.repeat || type->slots.concat) return true;
  Value method = cd_type_lookup_borrow(vm, type, N(__getitem__));
  return method && !cd_is_exact(method, vm->types.slot_wrapper);
}

Ref cd_iter(VM *vm, Value iterable)
{
  Type *type = cd_type_of(vm, iterable);
  if (UNLIKELY(!type->slots.iter)) {
    if (iterates_by_index(vm, type)) return cd_sequence_iterator_new(vm, iterable);
    return cd_raise_type(vm, "'%.200s' object is not iterable", cd_type_name(type));
  }
  Ref iterator = type->slots.iter(vm, iterable);
  if (!iterator || LIKELY(cd_type_of(vm, iterator)->slots.next != NULL)) return iterator;
  cd_raise_type(vm, "iter() returned non-iterator of type '%.100s'", cd_type_name(cd_type_of(vm, iterator)));
  cd_drop(vm, iterator);
  return NO_REF;
}

// A native loop over an iterator that runs no Python must end when a signal or a limit says so. Only a long one looks, so that
// list(d.items()) and the like stay in one piece.
static COLD bool next_look_up(VM *vm) { return ++vm->native_steps % 4096 != 0 || vm->handle_breaker(vm); }

Next cd_next(VM *vm, Value iterator, Ref *out)
{
  Type *type = cd_type_of(vm, iterator);
  unsigned waiting = atomic_load_explicit(&vm->breaker, memory_order_relaxed) & (BREAK_SIGNAL | BREAK_ASYNC_EXC | BREAK_LIMIT);
  if (UNLIKELY(waiting) && !next_look_up(vm)) return NEXT_ERROR;
  if (UNLIKELY((char *)__builtin_frame_address(0) < vm->thread->c_stack_limit)) {   // itertools.chain over chain over chain ...
    cd_raise_recursion(vm, NULL);
    return NEXT_ERROR;
  }
  if (LIKELY(type->slots.next != NULL)) {
    Next next = type->slots.next(vm, iterator, out);
    CD_ASSERT((next == NEXT_ERROR) == cd_raised(vm));
    // A callback of a native iterator (map's function, say) may raise it: that ends the iteration too.
    if (UNLIKELY(next == NEXT_ERROR) && cd_swallow(vm, vm->exc.StopIteration)) return NEXT_DONE;
    return next;
  }
  cd_raise_type(vm, "'%.200s' object is not an iterator", cd_type_name(type));
  return NEXT_ERROR;
}

bool cd_is_iterator(Value v) { return cd_is_object(v) && cd_object(v)->type->slots.next; }

// After a call that ended in StopIteration: its value.
static SendResult send_finished(VM *vm, Ref *out)
{
  if (!cd_raised_is(vm, vm->exc.StopIteration)) return RAISED;
  Ref stop = cd_take_raised(vm);
  Value value = cd_stop_iteration_value_borrow(stop);
  *out = value ? cd_dup(value) : cd_none();
  cd_drop(vm, stop);
  return RETURNED;
}

SendResult cd_send(VM *vm, Value iterator, Value sent, Ref *out)
{
  const TypeSlots *slots = &cd_type_of(vm, iterator)->slots;
  if (slots->send) return slots->send(vm, iterator, sent, out);
  if (!cd_is_none(sent)) {
    *out = cd_call_method1(vm, iterator, N(send), sent);
    return *out ? YIELDED : send_finished(vm, out);
  }
  if (slots->next == cd_dunder_next) {           // its StopIteration may carry a value
    *out = cd_call_method0(vm, iterator, N(__next__));
    return *out ? YIELDED : send_finished(vm, out);
  }
  Next next = cd_next(vm, iterator, out);
  if (next == NEXT_ITEM) return YIELDED;
  if (next == NEXT_ERROR) return RAISED;
  *out = cd_none();
  return RETURNED;
}

// ---- buffers ----

bool cd_has_buffer(VM *vm, Value v) { return cd_type_of(vm, v)->slots.get_buffer != NULL; }

bool cd_get_buffer(VM *vm, Value v, Buffer *out, int flags)
{
  Type *type = cd_type_of(vm, v);
  memset(out, 0, sizeof *out);
  if (!type->slots.get_buffer) return cd_raise_type(vm, "a bytes-like object is required, not '%.100s'", cd_type_name(type));
  return type->slots.get_buffer(vm, v, out, flags);
}

void cd_release_buffer(VM *vm, Buffer *buffer)
{
  if (!buffer->owner) return;
  Type *type = cd_type_of(vm, buffer->owner);
  if (type->slots.release_buffer) type->slots.release_buffer(vm, buffer);
  cd_clear(vm, &buffer->owner);
}

bool cd_fill_buffer(VM *vm, Buffer *out, Value owner, void *data, int64_t size, bool readonly, int flags)
{
  if (flags & BUFFER_WRITABLE && readonly) return cd_raise(vm, vm->exc.BufferError, "Object is not writable.");
  memset(out, 0, sizeof *out);
  out->data = data;
  out->size = size;
  out->itemsize = 1;
  out->format = flags & BUFFER_FORMAT ? "B" : NULL;
  out->ndim = 1;
  out->readonly = readonly;
  out->small_shape[0] = size;
  out->small_strides[0] = 1;
  out->shape = flags & BUFFER_ND ? out->small_shape : NULL;
  out->strides = (flags & BUFFER_STRIDES) == BUFFER_STRIDES ? out->small_strides : NULL;
  out->owner = cd_dup(owner);
  return true;
}

// ---- repr of recursive containers ----

ReprState cd_repr_enter(VM *vm, Value v)
{
  Thread *thread = vm->thread;
  for (uint32_t i = thread->repr_guard_count; i-- > 0;)
    if (cd_is(thread->repr_guard[i], v)) return REPR_INSIDE;
  if (thread->repr_guard_count == thread->repr_guard_capacity) {
    uint32_t capacity = thread->repr_guard_capacity ? thread->repr_guard_capacity * 2 : 8;
    Value *grown = cd_realloc(vm, thread->repr_guard, thread->repr_guard_capacity * sizeof(Value), capacity * sizeof(Value));
    if (!grown) return REPR_ERROR;
    thread->repr_guard = grown;
    thread->repr_guard_capacity = capacity;
  }
  thread->repr_guard[thread->repr_guard_count++] = v;
  return REPR_FRESH;
}

void cd_repr_leave(VM *vm, Value v)
{
  Thread *thread = vm->thread;
  for (uint32_t i = thread->repr_guard_count; i-- > 0;)
    if (cd_is(thread->repr_guard[i], v)) {
      memmove(&thread->repr_guard[i], &thread->repr_guard[i + 1], (thread->repr_guard_count - i - 1) * sizeof(Value));
      thread->repr_guard_count--;
      break;
    }
  if (thread->repr_guard_count) return;
  cd_free(vm, thread->repr_guard, thread->repr_guard_capacity * sizeof(Value));
  thread->repr_guard = NULL;
  thread->repr_guard_capacity = 0;
}
