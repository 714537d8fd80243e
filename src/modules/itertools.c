// SPDX-License-Identifier: MIT
// itertools.c: the module, and the iterators that pass items of other iterators on
#include "modules/itertools.h"
#include "modules/module_list.h"
#include "objects/float.h"
#include "objects/generic_alias.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/function.h"
#include "objects/type.h"

// A stage of a pipeline. Each type says at its top what the fields mean to it.
typedef struct Stage {
  Object head;
  Value a, b, c, d;                              // owned
  int64_t n, stop, step, count;
  bool flag;
} Stage;

static inline Stage *stage_of(Value v) { return (Stage *)cd_object(v); }

static Stage *stage_new(VM *vm, Type *type, Ref a, Ref b)        // steals; NO_REF among them: fails
{
  Stage *s = a && b ? cd_instance_new(vm, type) : NULL;
  if (!s) {
    cd_drop(vm, a);
    cd_drop(vm, b);
    return NULL;
  }
  s->a = a;
  s->b = b;
  return s;
}

static inline Ref stage_result(Stage *s) { return s ? cd_from_object(s) : NO_REF; }

static void stage_release(VM *vm, Object *self)
{
  Stage *s = (Stage *)self;
  cd_clear(vm, &s->a);
  cd_clear(vm, &s->b);
  cd_clear(vm, &s->c);
  cd_clear(vm, &s->d);
}

static void stage_traverse(Object *self, VisitFn visit, void *context)
{
  Stage *s = (Stage *)self;
  visit(context, s->a);
  visit(context, s->b);
  visit(context, s->c);
  visit(context, s->d);
}

#define STAGE_SPEC(symbol, text, doctext, methodtable, new_fn, next_fn)           \
  static const TypeSpec symbol = {                                                \
    .name = "itertools." text,                                                    \
    .doc = doctext,                                                               \
    .basicsize = sizeof(Stage),                                                   \
    .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,                                \
    .methods = methodtable,                                                       \
    .slots = {.release = stage_release, .traverse = stage_traverse, .new_ = new_fn, .iter = cd_self_iter, .next = next_fn}, \
  }

bool cd_itertools_positional(VM *vm, const Type *type, const char *name, size_t nargs, Value kwnames, size_t min, size_t max)
{
  if (type->slots.init == vm->types.object->slots.init && !cd_no_keywords(vm, name, kwnames)) return false;
  return cd_check_positional(vm, name, nargs, min, max);
}

// (type, (a, b)): how most of them are pickled.
static Ref stage_reduce_pair(VM *vm, Value self, Value first, Value second, Ref state)   // steals state, which may be absent
{
  Ref type = cd_dup_object(cd_type_of(vm, self)), arguments = cd_tuple2(vm, first, second);
  return state ? cd_tuple3_steal(vm, type, arguments, state) : cd_tuple2_steal(vm, type, arguments);
}

static bool stage_is_state_tuple(VM *vm, Value state) { return cd_is_tuple(state) || cd_raise_type(vm, "state is not a tuple"); }

// ---- accumulate: a iterator, b function or None, c total or absent, d initial or absent ----

static Ref accumulate_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[3];
  Ref owned[2];
  if (!cd_bind_text(vm, "accumulate(iterable, func=None, *, initial=None)", args, nargs, kwnames, in, owned)) return NO_REF;
  Stage *s = stage_new(vm, type, cd_iter(vm, in[0]), in[1] ? cd_dup(in[1]) : cd_none());
  if (s && in[2] && !cd_is_none(in[2])) s->d = cd_dup(in[2]);
  return stage_result(s);
}

static Next accumulate_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  if (s->d) {
    cd_replace(vm, &s->c, cd_take(&s->d));
    *out = cd_dup(s->c);
    return NEXT_ITEM;
  }
  Ref item;
  Next next = cd_itertools_step(vm, &s->a, &item);
  if (next != NEXT_ITEM) return next;
  if (!s->c) {
    s->c = item;
    *out = cd_dup(item);
    return NEXT_ITEM;
  }
  Ref total = cd_is_none(s->b) ? cd_binary(vm, s->c, item, BINARY_ADD) : cd_call2(vm, s->b, s->c, item);
  cd_drop(vm, item);
  if (!total) return NEXT_ERROR;
  *out = cd_dup(total);
  cd_replace(vm, &s->c, total);
  return NEXT_ITEM;
}

// chain((first,), iterator)
static Ref accumulate_chained(VM *vm, Value first, Value iterator)
{
  ItertoolsState *state = cd_state(vm, MODULE_itertools);
  Ref head = cd_tuple1(vm, first), chain = head ? cd_call2(vm, cd_type_value(state->chain), head, iterator) : NO_REF;
  cd_drop(vm, head);
  return chain;
}

METHOD(accumulate, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Stage *s = stage_of(self);
  ItertoolsState *state = cd_state(vm, MODULE_itertools);
  bool total_is_none = s->c && cd_is_none(s->c);
  if (!s->d && !total_is_none) return stage_reduce_pair(vm, self, s->a, s->b, s->c ? cd_dup(s->c) : cd_none());

  Ref chain = accumulate_chained(vm, s->d ? s->d : s->c, s->a);
  if (!chain) return NO_REF;
  Ref result = NO_REF;
  if (s->d) {
    result = stage_reduce_pair(vm, self, chain, s->b, cd_none());
  } else {
    // A total of None would look like "no total": start with it, and skip it.
    Ref again = cd_call2(vm, cd_type_value(state->accumulate), chain, s->b);
    if (again) {
      Ref arguments = cd_tuple3(vm, again, cd_from_small(1), cd_none());
      result = cd_tuple2_steal(vm, cd_dup_object(state->islice), arguments);
    }
    cd_drop(vm, again);
  }
  cd_drop(vm, chain);
  return result;
}

METHOD(accumulate, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  cd_replace(vm, &stage_of(self)->c, cd_dup(args[0]));
  return cd_none();
}

static const MethodDef *const accumulate_methods[] = {&accumulate___reduce___def, &accumulate___setstate___def, NULL};
STAGE_SPEC(accumulate_spec, "accumulate",
           "accumulate(iterable, func=None, *, initial=None)\n--\n\nRunning totals, or what another function of two arguments makes of "
           "them.",
           accumulate_methods, accumulate_new, accumulate_next);

// ---- chain: a source of iterables or absent, b active iterator or absent ----

static Ref chain_of_source(VM *vm, Type *type, Ref source)
{
  Stage *s = source ? cd_instance_new(vm, type) : NULL;
  if (!s) {
    cd_drop(vm, source);
    return NO_REF;
  }
  s->a = source;
  return cd_from_object(s);
}

static Ref chain_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_itertools_positional(vm, type, "chain", nargs, kwnames, 0, SIZE_MAX)) return NO_REF;
  Ref all = cd_tuple_of(vm, nargs, args), source = all ? cd_iter(vm, all) : NO_REF;
  cd_drop(vm, all);
  return chain_of_source(vm, type, source);
}

CLASS_METHOD(chain, from_iterable, "from_iterable(type, iterable, /)",
             "Like chain(), but the iterables are the items of one, taken as they are needed.")
{
  return chain_of_source(vm, cd_as_type(self), cd_iter(vm, args[0]));
}

// Makes the next iterable the active one.
static Next chain_advance(VM *vm, Stage *s)
{
  Ref iterable;
  Next next = cd_itertools_step(vm, &s->a, &iterable);
  if (next == NEXT_ITEM) {
    Ref active = cd_iter(vm, iterable);
    cd_drop(vm, iterable);
    cd_replace(vm, &s->b, active);
    if (!active) next = NEXT_ERROR;
  }
  if (next != NEXT_ITEM) cd_clear(vm, &s->a);
  return next;
}

static Next chain_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  while (s->a) {
    if (!s->b) {
      Next next = chain_advance(vm, s);
      if (next != NEXT_ITEM) return next;
    }
    Next next = cd_itertools_step(vm, &s->b, out);
    if (next != NEXT_DONE) return next;
    cd_clear(vm, &s->b);
    if (!cd_poll(vm)) return NEXT_ERROR;
  }
  return NEXT_DONE;
}

METHOD(chain, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Stage *s = stage_of(self);
  Ref type = cd_dup_object(cd_type_of(vm, self)), none = cd_dup(vm->empty_tuple);
  if (!s->a) return cd_tuple2_steal(vm, type, none);
  return cd_tuple3_steal(vm, type, none, s->b ? cd_tuple2(vm, s->a, s->b) : cd_tuple1(vm, s->a));
}

METHOD(chain, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  Stage *s = stage_of(self);
  if (!stage_is_state_tuple(vm, args[0])) return NO_REF;
  size_t size = cd_tuple_size(args[0]);
  if (!cd_check_positional(vm, "__setstate__", size, 1, 2)) return NO_REF;
  Value source = cd_tuple_item_borrow(args[0], 0), active = size == 2 ? cd_tuple_item_borrow(args[0], 1) : NO_VALUE;
  if (!cd_type_of(vm, source)->slots.next || (active && !cd_type_of(vm, active)->slots.next))
    return cd_raise_type(vm, "Arguments must be iterators.");
  cd_replace(vm, &s->a, cd_dup(source));
  cd_replace(vm, &s->b, active ? cd_dup(active) : NO_REF);
  return cd_none();
}

CLASS_METHOD(chain, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const chain_methods[] = {
  &chain_from_iterable_def, &chain___reduce___def, &chain___setstate___def, &chain___class_getitem___def, NULL};
STAGE_SPEC(chain_spec, "chain",
           "chain(*iterables) --> chain object\n\nThe items of the first iterable, then those of the second, and so on to the\nlast.",
           chain_methods, chain_new, chain_next);

// ---- compress: a data, b selectors ----

static Ref compress_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  if (!cd_bind_text(vm, "compress(data, selectors)", args, nargs, kwnames, in, owned)) return NO_REF;
  Ref data = cd_iter(vm, in[0]);
  return stage_result(stage_new(vm, type, data, data ? cd_iter(vm, in[1]) : NO_REF));
}

static Next compress_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  for (;;) {
    Ref item, selector;
    bool selected;
    Next next = cd_itertools_step(vm, &s->a, &item);
    if (next != NEXT_ITEM) return next;
    next = cd_itertools_step(vm, &s->b, &selector);
    if (next == NEXT_ITEM) {
      if (!cd_truth(vm, selector, &selected) || (!selected && !cd_poll(vm))) next = NEXT_ERROR;
      cd_drop(vm, selector);
    }
    if (next == NEXT_ITEM && selected) {
      *out = item;
      return NEXT_ITEM;
    }
    cd_drop(vm, item);
    if (next != NEXT_ITEM) return next;
  }
}

METHOD(compress, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  return stage_reduce_pair(vm, self, stage_of(self)->a, stage_of(self)->b, NO_REF);
}

static const MethodDef *const compress_methods[] = {&compress___reduce___def, NULL};
STAGE_SPEC(compress_spec, "compress",
           "compress(data, selectors)\n--\n\nThe data whose selector is true.\n\nWalks both together and ends with the shorter one.",
           compress_methods, compress_new, compress_next);

// ---- count: a next number, b step ----

static bool count_is_number(VM *vm, Value v)
{
  const TypeSlots *slots = &cd_type_of(vm, v)->slots;
  return slots->index || slots->int_ || slots->float_ || cd_is_complex(v) || cd_raise_type(vm, "a number is required");
}

static Ref count_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  if (!cd_bind_text(vm, "count(start=0, step=1)", args, nargs, kwnames, in, owned)) return NO_REF;
  for (int i = 0; i < 2; i++)
    if (in[i] && !count_is_number(vm, in[i])) return NO_REF;
  return stage_result(stage_new(vm, type, in[0] ? cd_dup(in[0]) : cd_from_small(0), in[1] ? cd_dup(in[1]) : cd_from_small(1)));
}

static Next count_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  Ref next;
  if (cd_both_small(s->a, s->b)) {
    int64_t sum = cd_small(s->a) + cd_small(s->b);
    next = cd_fits_small(sum) ? cd_from_small(sum) : cd_int_from_i64(vm, sum);
  } else {
    next = cd_binary(vm, s->a, s->b, BINARY_ADD);
  }
  if (!next) return NEXT_ERROR;
  *out = cd_take(&s->a);
  s->a = next;
  return NEXT_ITEM;
}

static bool count_is_plain(const Stage *s) { return cd_is_small(s->b) && cd_small(s->b) == 1; }

static Ref count_repr(VM *vm, Value self)
{
  Stage *s = stage_of(self);
  Ref name = cd_dup(cd_type_of(vm, self)->name);
  Ref text = count_is_plain(s) ? cd_str_format(vm, "%U(%R)", name, s->a) : cd_str_format(vm, "%U(%R, %R)", name, s->a, s->b);
  cd_drop(vm, name);
  return text;
}

METHOD(count, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Stage *s = stage_of(self);
  if (cd_is_small(s->a) && count_is_plain(s)) return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple1(vm, s->a));
  return stage_reduce_pair(vm, self, s->a, s->b, NO_REF);
}

static const MethodDef *const count_methods[] = {&count___reduce___def, NULL};
static const TypeSpec count_spec = {
  .name = "itertools.count",
  .doc =
    "count(start=0, step=1)\n--\n\nCounts without end from start, step by step.\n\nEquivalent to:\n    def count(firstval=0, step=1):\n"
    "        x = firstval\n        while 1:\n            yield x\n            x += step",
  .basicsize = sizeof(Stage),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = count_methods,
  .slots =
    {.release = stage_release, .traverse = stage_traverse, .new_ = count_new, .repr = count_repr, .iter = cd_self_iter, .next = count_next},
};

// ---- cycle: a iterator or absent, b saved list, n position in it, flag: items are saved already ----

static Ref cycle_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_itertools_positional(vm, type, "cycle", nargs, kwnames, 1, 1)) return NO_REF;
  Ref iterator = cd_iter(vm, args[0]);
  return stage_result(stage_new(vm, type, iterator, iterator ? cd_list_new(vm) : NO_REF));
}

static Next cycle_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  if (s->a) {
    Next next = cd_itertools_step(vm, &s->a, out);
    if (next == NEXT_ITEM && !s->flag && !cd_list_append(vm, cd_as_list(s->b), *out)) {
      cd_drop(vm, *out);
      return NEXT_ERROR;
    }
    if (next != NEXT_DONE) return next;
    cd_clear(vm, &s->a);
  }
  List *saved = cd_as_list(s->b);
  if (saved->size == 0) return NEXT_DONE;
  if ((size_t)s->n >= saved->size) s->n = 0;
  *out = cd_dup(saved->items[s->n++]);
  if ((size_t)s->n >= saved->size) s->n = 0;
  return NEXT_ITEM;
}

METHOD(cycle, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Stage *s = stage_of(self);
  Ref iterator = s->a ? cd_dup(s->a) : cd_iter(vm, s->b);
  if (iterator && !s->a && s->n) ((ListIterator *)cd_object(iterator))->index = (size_t)s->n;
  if (!iterator) return NO_REF;
  Ref arguments = cd_tuple1(vm, iterator), state = cd_tuple2(vm, s->b, cd_bool(s->a ? s->flag : true));
  cd_drop(vm, iterator);
  return cd_tuple3_steal(vm, cd_dup_object(cd_type_of(vm, self)), arguments, state);
}

METHOD(cycle, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  Stage *s = stage_of(self);
  if (!stage_is_state_tuple(vm, args[0])) return NO_REF;
  if (!cd_check_positional(vm, "__setstate__", cd_tuple_size(args[0]), 2, 2)) return NO_REF;
  Value saved = cd_tuple_item_borrow(args[0], 0);
  int64_t first_pass;
  if (!cd_is_list(saved)) return cd_raise_type(vm, "argument 1 must be list, not %T", saved);
  if (!cd_to_ssize(vm, cd_tuple_item_borrow(args[0], 1), &first_pass)) return NO_REF;
  cd_replace(vm, &s->b, cd_dup(saved));
  s->flag = first_pass != 0;
  s->n = 0;
  return cd_none();
}

static const MethodDef *const cycle_methods[] = {&cycle___reduce___def, &cycle___setstate___def, NULL};
STAGE_SPEC(cycle_spec, "cycle",
           "The items of the iterable, then the same again, without end.",
           cycle_methods, cycle_new, cycle_next);

// ---- dropwhile, takewhile, filterfalse: a function, b iterator, flag: the predicate has failed ----

static Ref predicate_new(VM *vm, Type *type, const char *name, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_itertools_positional(vm, type, name, nargs, kwnames, 2, 2)) return NO_REF;
  return stage_result(stage_new(vm, type, cd_dup(args[0]), cd_iter(vm, args[1])));
}

static bool predicate_test(VM *vm, const Stage *s, Value item, bool *out)
{
  Ref verdict = cd_call1(vm, s->a, item);
  if (!verdict) return false;
  bool ok = cd_truth(vm, verdict, out);
  cd_drop(vm, verdict);
  return ok;
}

static Ref dropwhile_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return predicate_new(vm, type, "dropwhile", args, nargs, kwnames);
}
static Ref takewhile_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return predicate_new(vm, type, "takewhile", args, nargs, kwnames);
}
static Ref filterfalse_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return predicate_new(vm, type, "filterfalse", args, nargs, kwnames);
}

static Next dropwhile_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  for (;;) {
    Ref item;
    bool good;
    Next next = cd_itertools_step(vm, &s->b, &item);
    if (next == NEXT_ITEM && !s->flag) {
      if (!predicate_test(vm, s, item, &good) || !cd_poll(vm)) {
        cd_drop(vm, item);
        return NEXT_ERROR;
      }
      if (good) {
        cd_drop(vm, item);
        continue;
      }
      s->flag = true;
    }
    if (next == NEXT_ITEM) *out = item;
    return next;
  }
}

static Next takewhile_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  if (s->flag) return NEXT_DONE;
  Ref item;
  bool good;
  Next next = cd_itertools_step(vm, &s->b, &item);
  if (next != NEXT_ITEM) return next;
  if (!predicate_test(vm, s, item, &good)) {
    cd_drop(vm, item);
    return NEXT_ERROR;
  }
  if (good) {
    *out = item;
    return NEXT_ITEM;
  }
  cd_drop(vm, item);
  s->flag = true;
  return NEXT_DONE;
}

static Next filterfalse_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  bool plain = cd_is_none(s->a) || cd_is(s->a, cd_type_value(vm->types.bool_));
  for (;;) {
    Ref item;
    bool good;
    Next next = cd_itertools_step(vm, &s->b, &item);
    if (next != NEXT_ITEM) return next;
    if (!(plain ? cd_truth(vm, item, &good) : predicate_test(vm, s, item, &good)) || !cd_poll(vm)) {
      cd_drop(vm, item);
      return NEXT_ERROR;
    }
    if (!good) {
      *out = item;
      return NEXT_ITEM;
    }
    cd_drop(vm, item);
  }
}

METHOD(filterfalse, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  return stage_reduce_pair(vm, self, stage_of(self)->a, stage_of(self)->b, NO_REF);
}

METHOD(predicate, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Stage *s = stage_of(self);
  return stage_reduce_pair(vm, self, s->a, s->b, cd_from_small(s->flag));
}

METHOD(predicate, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  bool flag;
  if (!cd_truth(vm, args[0], &flag)) return NO_REF;
  stage_of(self)->flag = flag;
  return cd_none();
}

static const MethodDef *const predicate_methods[] = {&predicate___reduce___def, &predicate___setstate___def, NULL};
static const MethodDef *const filterfalse_methods[] = {&filterfalse___reduce___def, NULL};
STAGE_SPEC(dropwhile_spec, "dropwhile",
           "dropwhile(predicate, iterable, /)\n--\n\nLeaves out the first items, as long as predicate(item) is true.\n\nAll that follow "
           "come, whatever the predicate would say.",
           predicate_methods, dropwhile_new, dropwhile_next);
STAGE_SPEC(takewhile_spec, "takewhile",
           "takewhile(predicate, iterable, /)\n--\n\nThe first items, as long as the predicate holds for them.",
           predicate_methods, takewhile_new, takewhile_next);
STAGE_SPEC(filterfalse_spec, "filterfalse",
           "filterfalse(function, iterable, /)\n--\n\nThe items for which function(item) is false.\n\nWith None in place of a function, "
           "the items that are false themselves.",
           filterfalse_methods, filterfalse_new, filterfalse_next);

// ---- islice: a iterator or absent, n next position, stop (-1: none), step, count positions consumed ----

#define ISLICE_STOP "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize."
#define ISLICE_INDEX "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize."

// `none` for None; -1 is returned for what is not an index, with nothing set.
static int64_t islice_number(VM *vm, Value v, int64_t none)
{
  int64_t i;
  if (cd_is_none(v)) return none;
  if (cd_to_ssize(vm, v, &i)) return i;
  cd_clear_raised(vm);
  return -1;
}

static Ref islice_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_itertools_positional(vm, type, "islice", nargs, kwnames, 2, 4)) return NO_REF;
  int64_t start = 0, stop = -1, step = 1;
  Value stop_arg = args[nargs == 2 ? 1 : 2];
  if (nargs > 2) start = islice_number(vm, args[1], 0);
  if (!cd_is_none(stop_arg) && (stop = islice_number(vm, stop_arg, -1)) == -1) return cd_raise_value(vm, ISLICE_STOP);
  if (start < 0 || stop < -1) return cd_raise_value(vm, ISLICE_INDEX);
  if (nargs == 4 && (step = islice_number(vm, args[3], 1)) < 1)
    return cd_raise_value(vm, "Step for islice() must be a positive integer or None.");
  Stage *s = stage_new(vm, type, cd_iter(vm, args[0]), cd_none());
  if (!s) return NO_REF;
  s->n = start;
  s->stop = stop;
  s->step = step;
  return cd_from_object(s);
}

static Next islice_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  if (!s->a) return NEXT_DONE;
  Next next = NEXT_ITEM;
  Ref item;
  while (s->count < s->n) {
    if ((next = cd_itertools_step(vm, &s->a, &item)) == NEXT_ITEM) cd_drop(vm, item);
    if (next == NEXT_ITEM && !cd_poll(vm)) next = NEXT_ERROR;
    if (next != NEXT_ITEM || !s->a) goto end;
    s->count++;
  }
  if (s->stop != -1 && s->count >= s->stop) {
    next = NEXT_DONE;
    goto end;
  }
  if ((next = cd_itertools_step(vm, &s->a, out)) != NEXT_ITEM) goto end;
  s->count++;
  if (__builtin_add_overflow(s->n, s->step, &s->n) || (s->stop != -1 && s->n > s->stop)) s->n = s->stop == -1 ? INT64_MAX : s->stop;
  return NEXT_ITEM;
end:
  cd_clear(vm, &s->a);
  return next == NEXT_ITEM ? NEXT_DONE : next;
}

METHOD(islice, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Stage *s = stage_of(self);
  if (!s->a) {
    Ref list = cd_list_new(vm), iterator = list ? cd_iter(vm, list) : NO_REF;
    cd_drop(vm, list);
    if (!iterator) return NO_REF;
    Ref result = stage_reduce_pair(vm, self, iterator, cd_from_small(0), cd_from_small(0));
    cd_drop(vm, iterator);
    return result;
  }
  Ref start = cd_int_from_i64(vm, s->n), stop = s->stop == -1 ? cd_none() : cd_int_from_i64(vm, s->stop),
      step = cd_int_from_i64(vm, s->step);
  Ref arguments = NO_REF;
  if (start && stop && step) {
    Value parts[] = {s->a, start, stop, step};
    arguments = cd_tuple_of(vm, 4, parts);
  }
  cd_drop(vm, start);
  cd_drop(vm, stop);
  cd_drop(vm, step);
  return cd_tuple3_steal(vm, cd_dup_object(cd_type_of(vm, self)), arguments, cd_int_from_i64(vm, s->count));
}

METHOD(islice, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  int64_t count;
  if (!cd_to_ssize(vm, args[0], &count)) return NO_REF;
  stage_of(self)->count = count;
  return cd_none();
}

static const MethodDef *const islice_methods[] = {&islice___reduce___def, &islice___setstate___def, NULL};
STAGE_SPEC(
  islice_spec, "islice",
  "islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nSome of the items, chosen as a "
  "slice would choose them. Those before start (0\nif not given) are passed over; step (1 if not given) says how far it is from\none to "
  "the next. Nothing is copied, and negative numbers are refused.",
  islice_methods, islice_new, islice_next);

// ---- pairwise: a iterator or absent, b previous item or absent ----

static Ref pairwise_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_itertools_positional(vm, type, "pairwise", nargs, kwnames, 1, 1)) return NO_REF;
  return chain_of_source(vm, type, cd_iter(vm, args[0]));
}

static Next pairwise_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  Ref item;
  Next next = NEXT_DONE;
  if (s->a && !s->b) {
    if ((next = cd_itertools_step(vm, &s->a, &item)) == NEXT_ITEM) cd_replace(vm, &s->b, item);
    if (next != NEXT_ITEM) goto end;
  }
  if (!s->a) goto end;
  Ref previous = cd_dup(s->b);
  next = cd_itertools_step(vm, &s->a, &item);
  if (next != NEXT_ITEM) {
    cd_drop(vm, previous);
    goto end;
  }
  cd_replace(vm, &s->b, cd_dup(item));
  *out = cd_tuple2_steal(vm, previous, item);
  return *out ? NEXT_ITEM : NEXT_ERROR;
end:
  cd_clear(vm, &s->a);
  cd_clear(vm, &s->b);
  return next == NEXT_ITEM ? NEXT_DONE : next;
}

static const MethodDef *const pairwise_methods[] = {NULL};
STAGE_SPEC(pairwise_spec, "pairwise",
           "pairwise(iterable, /)\n--\n\nEach item together with the one that follows it.\n\n    abcd -> (a,b), (b,c), (c,d)",
           pairwise_methods, pairwise_new, pairwise_next);

// ---- repeat: a element, n times left (-1: endless) ----

static Ref repeat_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  int64_t times = -1;
  if (!cd_bind_text(vm, "repeat(object, times=0)", args, nargs, kwnames, in, owned)) return NO_REF;
  if (in[1]) {
    if (!cd_to_ssize(vm, in[1], &times)) return NO_REF;
    if (times < 0) times = 0;
  }
  Stage *s = stage_new(vm, type, cd_dup(in[0]), cd_none());
  if (s) s->n = times;
  return stage_result(s);
}

static Next repeat_next(VM *vm UNUSED, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  if (s->n == 0) return NEXT_DONE;
  if (s->n > 0) s->n--;
  *out = cd_dup(s->a);
  return NEXT_ITEM;
}

static Ref repeat_repr(VM *vm, Value self)
{
  Stage *s = stage_of(self);
  Value name = cd_type_of(vm, self)->name;
  if (s->n == -1) return cd_str_format(vm, "%U(%R)", name, s->a);
  return cd_str_format(vm, "%U(%R, %lld)", name, s->a, (long long)s->n);
}

METHOD(repeat, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Stage *s = stage_of(self);
  if (s->n == -1) return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple1(vm, s->a));
  return stage_reduce_pair(vm, self, s->a, cd_from_small(s->n), NO_REF);
}

METHOD(repeat, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  Stage *s = stage_of(self);
  return s->n == -1 ? cd_raise_type(vm, "len() of unsized object") : cd_int_from_i64(vm, s->n);
}

static const MethodDef *const repeat_methods[] = {&repeat___reduce___def, &repeat___length_hint___def, NULL};
static const TypeSpec repeat_spec = {
  .name = "itertools.repeat",
  .doc = "repeat(object [,times]) -> the object, that many times.  Without a number it\nhas no end.",
  .basicsize = sizeof(Stage),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = repeat_methods,
  .slots = {.release = stage_release,
            .traverse = stage_traverse,
            .new_ = repeat_new,
            .repr = repeat_repr,
            .iter = cd_self_iter,
            .next = repeat_next},
};

// ---- starmap: a function, b iterator ----

static Ref starmap_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return predicate_new(vm, type, "starmap", args, nargs, kwnames);
}

static Next starmap_next(VM *vm, Value self, Ref *out)
{
  Stage *s = stage_of(self);
  Ref item;
  Next next = cd_itertools_step(vm, &s->b, &item);
  if (next != NEXT_ITEM) return next;
  Ref arguments = cd_tuple_from(vm, item);
  cd_drop(vm, item);
  if (!arguments) return NEXT_ERROR;
  *out = cd_call(vm, s->a, cd_as_tuple(arguments)->items, cd_tuple_size(arguments), NO_VALUE);
  cd_drop(vm, arguments);
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

STAGE_SPEC(starmap_spec, "starmap",
           "starmap(function, iterable, /)\n--\n\nCalls function(*item) for each item and gives the results.",
           filterfalse_methods, starmap_new, starmap_next);

// ---- the module ----

static bool itertools_exec(VM *vm, Value module)
{
  ItertoolsState *state = cd_state(vm, MODULE_itertools);
  const struct { const TypeSpec *spec; Type **keep;
  } types[] = {
    {&accumulate_spec, &state->accumulate},
    {&cd_itertools_combinations_spec, NULL},
    {&cd_itertools_combinations_with_replacement_spec, NULL},
    {&cycle_spec, NULL},
    {&dropwhile_spec, NULL},
    {&takewhile_spec, NULL},
    {&islice_spec, &state->islice},
    {&starmap_spec, NULL},
    {&chain_spec, &state->chain},
    {&compress_spec, NULL},
    {&filterfalse_spec, NULL},
    {&count_spec, NULL},
    {&cd_itertools_zip_longest_spec, NULL},
    {&pairwise_spec, NULL},
    {&cd_itertools_permutations_spec, NULL},
    {&cd_itertools_product_spec, NULL},
    {&repeat_spec, NULL},
    {&cd_itertools_groupby_spec, NULL},
    {&cd_itertools_grouper_spec, &state->grouper},
    {&cd_itertools_tee_spec, &state->tee},
    {&cd_itertools_tee_data_spec, &state->tee_data},
  };
  for (size_t i = 0; i < ARRAY_LEN(types); i++) {
    Type *type = cd_module_add_type(vm, module, types[i].spec, NO_VALUE);
    if (!type) return false;
    if (types[i].keep) {
      (void)cd_dup_object(type);
      *types[i].keep = type;
    }
  }
  return cd_module_add(vm, module, "tee", cd_native_new(vm, cd_itertools_tee_function, module, ((Module *)cd_object(module))->name));
}

static void itertools_traverse(void *p, VisitFn visit, void *context)
{
  ItertoolsState *state = p;
  Type *types[] = {state->chain, state->islice, state->accumulate, state->grouper, state->tee, state->tee_data};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) visit(context, cd_type_value(types[i]));
}

static void itertools_clear(VM *vm, void *p)
{
  ItertoolsState old = *(ItertoolsState *)p;
  memset(p, 0, sizeof old);
  Type *types[] = {old.chain, old.islice, old.accumulate, old.grouper, old.tee, old.tee_data};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) cd_drop_object(vm, types[i]);
}

const ModuleDef cd_module_itertools = {
  .name = "itertools",
  .doc = "Building blocks that make iterators from other iterators.\n\nEndless: count, cycle, repeat. Ending with the shortest input: "
         "accumulate,\nchain, compress, dropwhile, groupby, filterfalse, islice, pairwise, starmap,\ntee, takewhile, zip_longest. "
         "Combinatoric: product, permutations, combinations,\ncombinations_with_replacement.",
  .state_size = sizeof(ItertoolsState),
  .exec = itertools_exec,
  .traverse = itertools_traverse,
  .clear = itertools_clear,
};
