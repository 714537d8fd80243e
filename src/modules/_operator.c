// SPDX-License-Identifier: MIT
// _operator.c: operators as functions, and the callable objects itemgetter, attrgetter, methodcaller
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- operators ----

#define OPERATOR_UNARY(name, fn, doc) FUNCTION(operator, name, #name "(a, /)", doc) { return fn(vm, args[0]); }
#define OPERATOR_BINARY(name, op, doc) FUNCTION(operator, name, #name "(a, b, /)", doc) { return cd_binary(vm, args[0], args[1], op); }
#define OPERATOR_INPLACE(name, op, doc) FUNCTION(operator, name, #name "(a, b, /)", doc) { return cd_inplace(vm, args[0], args[1], op); }
#define OPERATOR_COMPARE(name, op, doc) FUNCTION(operator, name, #name "(a, b, /)", doc) { return cd_compare(vm, args[0], args[1], op); }

OPERATOR_UNARY(abs, cd_absolute, "Same as abs(a).")
OPERATOR_UNARY(index, cd_index, "Same as a.__index__()")
OPERATOR_UNARY(inv, cd_invert, "Same as ~a.")
OPERATOR_UNARY(invert, cd_invert, "Same as ~a.")
OPERATOR_UNARY(neg, cd_negative, "Same as -a.")
OPERATOR_UNARY(pos, cd_positive, "Same as +a.")

OPERATOR_BINARY(add, BINARY_ADD, "Same as a + b.")
OPERATOR_BINARY(and_, BINARY_AND, "Same as a & b.")
OPERATOR_BINARY(floordiv, BINARY_FLOOR_DIVIDE, "Same as a // b.")
OPERATOR_BINARY(lshift, BINARY_LSHIFT, "Same as a << b.")
OPERATOR_BINARY(matmul, BINARY_MATMUL, "Same as a @ b.")
OPERATOR_BINARY(mod, BINARY_REMAINDER, "Same as a % b.")
OPERATOR_BINARY(mul, BINARY_MULTIPLY, "Same as a * b.")
OPERATOR_BINARY(or_, BINARY_OR, "Same as a | b.")
OPERATOR_BINARY(rshift, BINARY_RSHIFT, "Same as a >> b.")
OPERATOR_BINARY(sub, BINARY_SUBTRACT, "Same as a - b.")
OPERATOR_BINARY(truediv, BINARY_TRUE_DIVIDE, "Same as a / b.")
OPERATOR_BINARY(xor, BINARY_XOR, "Same as a ^ b.")
FUNCTION(operator, pow, "pow(a, b, /)", "Same as a ** b.") { return cd_power(vm, args[0], args[1], cd_none()); }

OPERATOR_INPLACE(iadd, BINARY_ADD, "Same as a += b.")
OPERATOR_INPLACE(iand, BINARY_AND, "Same as a &= b.")
OPERATOR_INPLACE(ifloordiv, BINARY_FLOOR_DIVIDE, "Same as a //= b.")
OPERATOR_INPLACE(ilshift, BINARY_LSHIFT, "Same as a <<= b.")
OPERATOR_INPLACE(imatmul, BINARY_MATMUL, "Same as a @= b.")
OPERATOR_INPLACE(imod, BINARY_REMAINDER, "Same as a %= b.")
OPERATOR_INPLACE(imul, BINARY_MULTIPLY, "Same as a *= b.")
OPERATOR_INPLACE(ior, BINARY_OR, "Same as a |= b.")
OPERATOR_INPLACE(ipow, BINARY_POWER, "Same as a **= b.")
OPERATOR_INPLACE(irshift, BINARY_RSHIFT, "Same as a >>= b.")
OPERATOR_INPLACE(isub, BINARY_SUBTRACT, "Same as a -= b.")
OPERATOR_INPLACE(itruediv, BINARY_TRUE_DIVIDE, "Same as a /= b.")
OPERATOR_INPLACE(ixor, BINARY_XOR, "Same as a ^= b.")

OPERATOR_COMPARE(lt, COMPARE_LT, "Same as a < b.")
OPERATOR_COMPARE(le, COMPARE_LE, "Same as a <= b.")
OPERATOR_COMPARE(eq, COMPARE_EQ, "Same as a == b.")
OPERATOR_COMPARE(ne, COMPARE_NE, "Same as a != b.")
OPERATOR_COMPARE(gt, COMPARE_GT, "Same as a > b.")
OPERATOR_COMPARE(ge, COMPARE_GE, "Same as a >= b.")

FUNCTION(operator, is_, "is_(a, b, /)", "Same as a is b.") { return cd_bool(cd_is(args[0], args[1])); }
FUNCTION(operator, is_not, "is_not(a, b, /)", "a is not b, as a function.") { return cd_bool(!cd_is(args[0], args[1])); }

FUNCTION(operator, not_, "not_(a, /)", "Same as not a.")
{
  bool truth;
  return cd_truth(vm, args[0], &truth) ? cd_bool(!truth) : NO_REF;
}

FUNCTION(operator, truth, "truth(a, /)", "bool(a), as a function.")
{
  bool truth;
  return cd_truth(vm, args[0], &truth) ? cd_bool(truth) : NO_REF;
}

// ---- containers ----

FUNCTION(operator, contains, "contains(a, b, /)", "What `b in a` says; mind the order.")
{
  bool in;
  return cd_contains(vm, args[0], args[1], &in) ? cd_bool(in) : NO_REF;
}

FUNCTION(operator, getitem, "getitem(a, b, /)", "Same as a[b].") { return cd_getitem(vm, args[0], args[1]); }
FUNCTION(operator, setitem, "setitem(a, b, c, /)", "Same as a[b] = c.")
{
  return cd_setitem(vm, args[0], args[1], args[2]) ? cd_none() : NO_REF;
}
FUNCTION(operator, delitem, "delitem(a, b, /)", "Same as del a[b].")
{
  return cd_setitem(vm, args[0], args[1], NO_VALUE) ? cd_none() : NO_REF;
}

// `a` and `b` concatenated as sequences: by the slot, or by + when both can be subscripted.
static Ref operator_concat_values(VM *vm, Value a, Value b, bool inplace)
{
  const TypeSlots *slots = &cd_type_of(vm, a)->slots;
  if (inplace && slots->iconcat) return slots->iconcat(vm, a, b);
  if (slots->concat) return slots->concat(vm, a, b);
  if (slots->getitem && !cd_is_dict(a) && cd_type_of(vm, b)->slots.getitem && !cd_is_dict(b)) {
    Ref sum = inplace ? cd_inplace(vm, a, b, BINARY_ADD) : cd_binary(vm, a, b, BINARY_ADD);
    if (sum || !cd_swallow(vm, vm->exc.TypeError)) return sum;
  }
  return cd_raise_type(vm, "'%T' object can't be concatenated", a);
}

FUNCTION(operator, concat, "concat(a, b, /)", "a + b, where both are sequences.")
{
  return operator_concat_values(vm, args[0], args[1], false);
}
FUNCTION(operator, iconcat, "iconcat(a, b, /)", "a += b, where both are sequences.")
{
  return operator_concat_values(vm, args[0], args[1], true);
}

// Counts equal items, or finds the first.
static Ref operator_search(VM *vm, Value iterable, Value wanted, bool first)
{
  Ref iterator = cd_iter(vm, iterable), item;
  if (!iterator) {
    if (cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, "argument of type '%T' is not iterable", iterable);
    return NO_REF;
  }
  int64_t count = 0, i = 0;
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool equal, ok = cd_equal(vm, item, wanted, &equal);
    cd_drop(vm, item);
    if (!ok) break;
    count += equal;
    if (equal && first) break;
    i++;
  }
  cd_drop(vm, iterator);
  if (cd_raised(vm)) return NO_REF;
  if (first && !count) return cd_raise_value(vm, "sequence.index(x): x not in sequence");
  return cd_int_from_i64(vm, first ? i : count);
}

FUNCTION(operator, countOf, "countOf(a, b, /)", "How many items of a are b or equal it.")
{
  return operator_search(vm, args[0], args[1], false);
}
FUNCTION(operator, indexOf, "indexOf(a, b, /)", "Where b first occurs in a.") { return operator_search(vm, args[0], args[1], true); }

FUNCTION(operator, length_hint, "length_hint(obj, default=0, /)",
         "How many items obj probably has.\n\nContainers that are filled from it reserve that many places.\n\nIt is exact where len() "
         "works;\nelsewhere it may be too low or too high.")
{
  int64_t fallback = 0, hint;
  if (args[1] && !cd_to_ssize(vm, args[1], &fallback)) return NO_REF;
  return cd_length_hint(vm, args[0], fallback, &hint) ? cd_int_from_i64(vm, hint) : NO_REF;
}

FUNCTION_RAW(operator, call, "call(obj, /, *args, **kwargs)", "Same as obj(*args, **kwargs).")
{
  if (nargs < 1) return cd_raise_type(vm, "call expected at least 1 argument, got 0");
  return cd_call(vm, args[0], args + 1, nargs - 1, kwnames);
}

// ---- _compare_digest ----

// Time depends on the length of `b` alone.
static bool operator_same_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
  volatile unsigned char difference = a_size != b_size;
  const char *left = a_size == b_size ? a : b;
  for (size_t i = 0; i < b_size; i++) difference |= (unsigned char)left[i] ^ (unsigned char)b[i];
  return difference == 0;
}

FUNCTION(
  operator, _compare_digest, "_compare_digest(a, b, /)",
  "Return 'a == b'.\n\nThe time it takes does not depend on where they differ, so that it says nothing\nabout a secret.\n\nBoth are of "
  "one kind: ASCII text, or objects with a buffer of bytes.\n\nNote: The time may tell their lengths and types, never their content.")
{
  if (cd_is_str(args[0]) && cd_is_str(args[1])) {
    if (!cd_as_str(args[0])->ascii || !cd_as_str(args[1])->ascii)
      return cd_raise_type(vm, "comparing strings with non-ASCII characters is not supported");
    return cd_bool(operator_same_bytes(cd_str_data(args[0]), cd_str_size(args[0]), cd_str_data(args[1]), cd_str_size(args[1])));
  }
  if (!cd_has_buffer(vm, args[0]) && !cd_has_buffer(vm, args[1]))
    return cd_raise_type(vm, "unsupported operand types(s) or combination of types: '%T' and '%T'", args[0], args[1]);
  Buffer a, b;
  if (!cd_get_buffer(vm, args[0], &a, BUFFER_SIMPLE)) return NO_REF;
  if (!cd_get_buffer(vm, args[1], &b, BUFFER_SIMPLE)) {
    cd_release_buffer(vm, &a);
    return NO_REF;
  }
  bool same = operator_same_bytes(a.data, (size_t)a.size, b.data, (size_t)b.size);
  cd_release_buffer(vm, &a);
  cd_release_buffer(vm, &b);
  return cd_bool(same);
}

// ---- itemgetter and attrgetter ----

// `items`: the keys; for attrgetter the names as given, and `paths` tells for each the name or a tuple of names ("a.b").
typedef struct Getter { Object head; Value items, paths; } Getter;               // owned tuples

static inline Getter *getter_of(Value v) { return (Getter *)cd_object(v); }

static void getter_release(VM *vm, Object *self)
{
  Getter *g = (Getter *)self;
  cd_clear(vm, &g->items);
  cd_clear(vm, &g->paths);
}

static void getter_traverse(Object *self, VisitFn visit, void *context)
{
  Getter *g = (Getter *)self;
  visit(context, g->items);
  visit(context, g->paths);
}

static Ref getter_repr(VM *vm, Value self)
{
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_format(vm, "%T(...)", self) : NO_REF;
  Value items = getter_of(self)->items;
  Ref result = cd_tuple_size(items) == 1 ? cd_str_format(vm, "%T(%R)", self, cd_tuple_item_borrow(items, 0))
                                         : cd_str_format(vm, "%T%R", self, items);
  cd_repr_leave(vm, self);
  return result;
}

METHOD(getter, __reduce__, "__reduce__(self, /)", "Return state information for pickling")
{
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_dup(getter_of(self)->items));
}

static const MethodDef *const getter_methods[] = {&getter___reduce___def, NULL};

static Ref getter_make(VM *vm, Type *type, Ref items, Ref paths)       // steals; paths may be absent
{
  Getter *g = items ? cd_instance_new(vm, type) : NULL;
  if (!g) {
    cd_drop(vm, items);
    cd_drop(vm, paths);
    return NO_REF;
  }
  g->items = items;
  g->paths = paths;
  return cd_from_object(g);
}

static bool getter_check_call(VM *vm, const char *name, size_t nargs, Value kwnames)
{
  return cd_no_keywords(vm, name, kwnames) && cd_check_positional(vm, name, nargs, 1, 1);
}

static Ref itemgetter_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "itemgetter", kwnames)) return NO_REF;
  if (nargs < 1) return cd_raise_type(vm, "itemgetter expected 1 argument, got 0");
  return getter_make(vm, type, cd_tuple_of(vm, nargs, args), NO_REF);
}

static inline Ref itemgetter_get(VM *vm, Value object, Value key)
{
  if (cd_is_small(key) && cd_is_exact(object, vm->types.tuple) && (uint64_t)cd_small(key) < cd_tuple_size(object))
    return cd_dup(cd_tuple_item_borrow(object, (size_t)cd_small(key)));
  return cd_getitem(vm, object, key);
}

static Ref itemgetter_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!getter_check_call(vm, "itemgetter", nargs, kwnames)) return NO_REF;
  Value items = getter_of(self)->items;
  size_t count = cd_tuple_size(items);
  if (count == 1) return itemgetter_get(vm, args[0], cd_tuple_item_borrow(items, 0));
  Ref result = cd_tuple_new(vm, count);
  for (size_t i = 0; result && i < count; i++) {
    Ref item = itemgetter_get(vm, args[0], cd_tuple_item_borrow(items, i));
    if (!item) {
      cd_drop(vm, result);
      return NO_REF;
    }
    cd_tuple_set(result, i, item);
  }
  return result;
}

// "a.b.c" as a tuple of interned names; a name without dots as itself.
static Ref attrgetter_path(VM *vm, Value name)
{
  const char *text = cd_str_data(name), *end = text + cd_str_size(name);
  if (!memchr(text, '.', (size_t)(end - text))) return cd_str_intern(vm, cd_str_exact(vm, name));
  Ref list = cd_list_new(vm);
  for (const char *start = text; list;) {
    const char *dot = memchr(start, '.', (size_t)(end - start)), *stop = dot ? dot : end;
    Ref part = cd_intern_size(vm, start, (size_t)(stop - start));
    if (!part || !cd_list_append_steal(vm, cd_as_list(list), part)) {
      cd_drop(vm, list);
      return NO_REF;
    }
    if (!dot) break;
    start = dot + 1;
  }
  if (!list) return NO_REF;
  Ref tuple = cd_list_to_tuple(vm, list);
  cd_drop(vm, list);
  return tuple;
}

static Ref attrgetter_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "attrgetter", kwnames)) return NO_REF;
  if (nargs < 1) return cd_raise_type(vm, "attrgetter expected 1 argument, got 0");
  Ref paths = cd_tuple_new(vm, nargs);
  for (size_t i = 0; paths && i < nargs; i++) {
    Ref path = cd_is_str(args[i]) ? attrgetter_path(vm, args[i]) : cd_raise_type(vm, "attribute name must be a string");
    if (!path) {
      cd_drop(vm, paths);
      return NO_REF;
    }
    cd_tuple_set(paths, i, path);
  }
  return paths ? getter_make(vm, type, cd_tuple_of(vm, nargs, args), paths) : NO_REF;
}

static Ref attrgetter_get(VM *vm, Value object, Value path)
{
  if (!cd_is_tuple(path)) return cd_getattr(vm, object, path);
  Ref current = cd_dup(object);
  for (size_t i = 0; current && i < cd_tuple_size(path); i++) {
    Ref next = cd_getattr(vm, current, cd_tuple_item_borrow(path, i));
    cd_drop(vm, current);
    current = next;
  }
  return current;
}

static Ref attrgetter_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!getter_check_call(vm, "attrgetter", nargs, kwnames)) return NO_REF;
  Value paths = getter_of(self)->paths;
  size_t count = cd_tuple_size(paths);
  if (count == 1) return attrgetter_get(vm, args[0], cd_tuple_item_borrow(paths, 0));
  Ref result = cd_tuple_new(vm, count);
  for (size_t i = 0; result && i < count; i++) {
    Ref item = attrgetter_get(vm, args[0], cd_tuple_item_borrow(paths, i));
    if (!item) {
      cd_drop(vm, result);
      return NO_REF;
    }
    cd_tuple_set(result, i, item);
  }
  return result;
}

static const TypeSpec itemgetter_spec = {
  .name = "operator.itemgetter",
  .doc = "itemgetter(item, ...) --> itemgetter object\n\nA callable that subscripts what it is called with. itemgetter(2)(row) is\n"
         "row[2]. With several subscripts the result is a tuple: itemgetter(0, 4)(row) is\n(row[0], row[4])",
  .basicsize = sizeof(Getter),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = getter_methods,
  .slots = {.release = getter_release, .traverse = getter_traverse, .new_ = itemgetter_new, .repr = getter_repr, .call = itemgetter_call},
};

static const TypeSpec attrgetter_spec = {
  .name = "operator.attrgetter",
  .doc = "attrgetter(attr, ...) --> attrgetter object\n\nA callable that reads attributes of what it is called with.\n"
         "attrgetter('size')(x) is x.size. With several names the result is a tuple:\nattrgetter('x', 'y')(p) is (p.x, p.y). Names may "
         "have dots:\nattrgetter('file.name')(x) is x.file.name.",
  .basicsize = sizeof(Getter),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = getter_methods,
  .slots = {.release = getter_release, .traverse = getter_traverse, .new_ = attrgetter_new, .repr = getter_repr, .call = attrgetter_call},
};

// ---- methodcaller ----

typedef struct MethodCaller { Object head; Value name, args, keywords; } MethodCaller;   // owned: str, tuple, dict or NO_VALUE

static inline MethodCaller *methodcaller_of(Value v) { return (MethodCaller *)cd_object(v); }

static Ref methodcaller_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs < 1) return cd_raise_type(vm, "methodcaller needs at least one argument, the method name");
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "method name must be a string");
  MethodCaller *m = cd_instance_new(vm, type);
  if (!m) return NO_REF;
  size_t named = kwnames ? cd_tuple_size(kwnames) : 0;
  bool ok = (m->name = cd_str_intern(vm, cd_str_exact(vm, args[0]))) && (m->args = cd_tuple_of(vm, nargs - 1, args + 1)) &&
            (!named || (m->keywords = cd_dict_new(vm)));
  for (size_t i = 0; ok && i < named; i++) ok = cd_dict_set(vm, m->keywords, cd_tuple_item_borrow(kwnames, i), args[nargs + i]);
  if (ok) return cd_from_object(m);
  cd_drop(vm, cd_from_object(m));
  return NO_REF;
}

static void methodcaller_release(VM *vm, Object *self)
{
  MethodCaller *m = (MethodCaller *)self;
  cd_clear(vm, &m->name);
  cd_clear(vm, &m->args);
  cd_clear(vm, &m->keywords);
}

static void methodcaller_traverse(Object *self, VisitFn visit, void *context)
{
  MethodCaller *m = (MethodCaller *)self;
  visit(context, m->name);
  visit(context, m->args);
  visit(context, m->keywords);
}

static Ref methodcaller_call(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!getter_check_call(vm, "methodcaller", nargs, kwnames)) return NO_REF;
  const MethodCaller *m = methodcaller_of(self);
  if (!m->keywords) return cd_call_method(vm, args[0], m->name, cd_as_tuple(m->args)->items, cd_tuple_size(m->args));
  Ref method = cd_getattr(vm, args[0], m->name);
  if (!method) return NO_REF;
  Ref result = cd_call_ex(vm, method, m->args, m->keywords);
  cd_drop(vm, method);
  return result;
}

static bool methodcaller_repr_parts(VM *vm, Value self, TextBuilder *text)
{
  const MethodCaller *m = methodcaller_of(self);
  bool ok = cd_text_format(text, "%T(%R", self, m->name);
  for (size_t i = 0; ok && i < cd_tuple_size(m->args); i++)
    ok = cd_text_puts(text, ", ") && cd_text_repr(text, cd_tuple_item_borrow(m->args, i));
  Value key, value;
  for (size_t i = 0; ok && m->keywords && cd_dict_each(m->keywords, &i, &key, &value);) ok = cd_text_format(text, ", %U=%R", key, value);
  return ok && cd_text_puts(text, ")");
}

static Ref methodcaller_repr(VM *vm, Value self)
{
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_format(vm, "%T(...)", self) : NO_REF;
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = methodcaller_repr_parts(vm, self, &text);
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

METHOD(methodcaller, __reduce__, "__reduce__(self, /)", "Return state information for pickling")
{
  const MethodCaller *m = methodcaller_of(self);
  Value type = cd_type_value(cd_type_of(vm, self));
  if (!m->keywords) {
    size_t count = cd_tuple_size(m->args);
    Ref all = cd_tuple_new(vm, count + 1);
    if (!all) return NO_REF;
    cd_tuple_set(all, 0, cd_dup(m->name));
    for (size_t i = 0; i < count; i++) cd_tuple_set(all, i + 1, cd_dup(cd_tuple_item_borrow(m->args, i)));
    return cd_tuple2_steal(vm, cd_dup(type), all);
  }
  Ref partial = cd_import_attr(vm, "functools", "partial"), head = partial ? cd_tuple2(vm, type, m->name) : NO_REF;
  Ref constructor = head ? cd_call_ex(vm, partial, head, m->keywords) : NO_REF;
  cd_drop(vm, partial);
  cd_drop(vm, head);
  return constructor ? cd_tuple2_steal(vm, constructor, cd_dup(m->args)) : NO_REF;
}

static const MethodDef *const methodcaller_methods[] = {&methodcaller___reduce___def, NULL};

static const TypeSpec methodcaller_spec = {
  .name = "operator.methodcaller",
  .doc = "methodcaller(name, ...) --> methodcaller object\n\nA callable that calls a method of what it is called with.\n"
         "methodcaller('strip')(text) is text.strip(). Further arguments go to the\nmethod: methodcaller('split', ',')(text) is "
         "text.split(',').",
  .basicsize = sizeof(MethodCaller),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = methodcaller_methods,
  .slots = {.release = methodcaller_release,
            .traverse = methodcaller_traverse,
            .new_ = methodcaller_new,
            .repr = methodcaller_repr,
            .call = methodcaller_call},
};

// ---- the module ----

static bool operator_exec(VM *vm, Value module)
{
  return cd_module_add_type(vm, module, &itemgetter_spec, NO_VALUE) && cd_module_add_type(vm, module, &attrgetter_spec, NO_VALUE) &&
         cd_module_add_type(vm, module, &methodcaller_spec, NO_VALUE);
}

static const MethodDef *const operator_functions[] = {&operator_truth_def,
                                                      &operator_contains_def,
                                                      &operator_indexOf_def,
                                                      &operator_countOf_def,
                                                      &operator_is__def,
                                                      &operator_is_not_def,
                                                      &operator_add_def,
                                                      &operator_sub_def,
                                                      &operator_mul_def,
                                                      &operator_matmul_def,
                                                      &operator_floordiv_def,
                                                      &operator_truediv_def,
                                                      &operator_mod_def,
                                                      &operator_neg_def,
                                                      &operator_pos_def,
                                                      &operator_abs_def,
                                                      &operator_inv_def,
                                                      &operator_invert_def,
                                                      &operator_lshift_def,
                                                      &operator_rshift_def,
                                                      &operator_not__def,
                                                      &operator_and__def,
                                                      &operator_xor_def,
                                                      &operator_or__def,
                                                      &operator_iadd_def,
                                                      &operator_isub_def,
                                                      &operator_imul_def,
                                                      &operator_imatmul_def,
                                                      &operator_ifloordiv_def,
                                                      &operator_itruediv_def,
                                                      &operator_imod_def,
                                                      &operator_ilshift_def,
                                                      &operator_irshift_def,
                                                      &operator_iand_def,
                                                      &operator_ixor_def,
                                                      &operator_ior_def,
                                                      &operator_concat_def,
                                                      &operator_iconcat_def,
                                                      &operator_getitem_def,
                                                      &operator_setitem_def,
                                                      &operator_delitem_def,
                                                      &operator_pow_def,
                                                      &operator_ipow_def,
                                                      &operator_lt_def,
                                                      &operator_le_def,
                                                      &operator_eq_def,
                                                      &operator_ne_def,
                                                      &operator_gt_def,
                                                      &operator_ge_def,
                                                      &operator_length_hint_def,
                                                      &operator_call_def,
                                                      &operator_index_def,
                                                      &operator__compare_digest_def,
                                                      NULL};

const ModuleDef cd_module__operator = {
  .name = "_operator",
  .doc = "Operator interface.\n\nThe operators of the language as functions.  operator.add(x, y) does what x+y\ndoes.",
  .functions = operator_functions,
  .exec = operator_exec,
};
