// SPDX-License-Identifier: MIT
// itertools_combine.c: product, permutations, combinations, combinations_with_replacement
#include "modules/itertools.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/str.h"
#include "objects/tuple.h"

// All four walk index vectors in lexicographic order. The tuple handed out last is used again when nobody kept it, and only the
// places that changed are refilled.
typedef struct Combo {
  Object head;
  Value pool;                                    // owned tuple of items; product: tuple of such tuples
  int64_t *indices, *cycles;                     // cycles: permutations only
  size_t index_count, cycle_count;
  Value result;                                  // owned; NO_VALUE before the first step
  size_t r;                                      // length of results
  bool stopped;
} Combo;

static inline Combo *combo_of(Value v) { return (Combo *)cd_object(v); }
static inline const Tuple *combo_pool(const Combo *c) { return cd_as_tuple(c->pool); }

static Combo *combo_new(VM *vm, Type *type, Ref pool, size_t index_count, size_t cycle_count, size_t r)   // steals pool
{
  Combo *c = cd_instance_new(vm, type);
  if (!c) {
    cd_drop(vm, pool);
    return NULL;
  }
  c->pool = pool;
  c->r = r;
  if ((index_count && !(c->indices = cd_alloc_array(vm, index_count, sizeof(int64_t)))) ||
      ((c->index_count = index_count), cycle_count && !(c->cycles = cd_alloc_array(vm, cycle_count, sizeof(int64_t))))) {
    cd_drop(vm, cd_from_object(c));
    return NULL;
  }
  c->cycle_count = cycle_count;
  for (size_t i = 0; i < index_count; i++) c->indices[i] = 0;
  for (size_t i = 0; i < cycle_count; i++) c->cycles[i] = 0;
  return c;
}

static void combo_release(VM *vm, Object *self)
{
  Combo *c = (Combo *)self;
  cd_clear(vm, &c->pool);
  cd_clear(vm, &c->result);
  cd_free(vm, c->indices, c->index_count * sizeof(int64_t));
  cd_free(vm, c->cycles, c->cycle_count * sizeof(int64_t));
  c->indices = c->cycles = NULL;
  c->index_count = c->cycle_count = 0;
}

static void combo_traverse(Object *self, VisitFn visit, void *context)
{
  Combo *c = (Combo *)self;
  visit(context, c->pool);
  visit(context, c->result);
}

// A tuple to fill: the last one if it is ours alone, else a copy of it.
static bool combo_own_result(VM *vm, Combo *c)
{
  if (!c->result) {
    Ref fresh = cd_tuple_new(vm, c->r);
    if (!fresh) return false;
    c->result = fresh;
    for (size_t i = 0; i < c->r; i++) cd_tuple_set(fresh, i, cd_none());
    return true;
  }
  if (cd_object(c->result)->refcount == 1 || c->r == 0) return true;
  Ref copy = cd_tuple_of(vm, c->r, cd_as_tuple(c->result)->items);
  if (!copy) return false;
  cd_replace(vm, &c->result, copy);
  return true;
}

static inline void combo_put(VM *vm, Combo *c, size_t place, Value item)
{
  cd_replace(vm, &cd_as_tuple(c->result)->items[place], cd_dup(item));
}

static Next combo_give(Combo *c, Ref *out)
{
  *out = cd_dup(c->result);
  return NEXT_ITEM;
}

static bool combo_r_argument(VM *vm, Value v, size_t *out)
{
  int64_t r;
  if (!cd_to_ssize(vm, v, &r)) return false;
  if (r < 0) return cd_raise_value(vm, "r must be non-negative");
  *out = (size_t)r;
  return true;
}

static Ref combo_indices_tuple(VM *vm, const int64_t *indices, size_t count)
{
  Ref tuple = cd_tuple_new(vm, count);
  for (size_t i = 0; tuple && i < count; i++) cd_tuple_set(tuple, i, cd_from_small(indices[i]));
  return tuple;
}

// Reads index i of a state tuple, kept within [0, limit].
static bool combo_state_index(VM *vm, Value state, size_t i, int64_t low, int64_t limit, int64_t *out)
{
  if (!cd_to_ssize(vm, cd_tuple_item_borrow(state, i), out)) return false;
  if (*out > limit) *out = limit;
  if (*out < low) *out = low;
  return true;
}

static bool combo_state_shape(VM *vm, Value state, size_t size)
{
  return (cd_is_tuple(state) && cd_tuple_size(state) == size) || cd_raise_value(vm, "invalid arguments");
}

METHOD(combo, __sizeof__, "__sizeof__(self, /)", "Bytes that it takes.")
{
  const Combo *c = combo_of(self);
  return cd_from_small((int64_t)(cd_type_of(vm, self)->basicsize + (c->index_count + c->cycle_count) * sizeof(int64_t)));
}

#define COMBO_SPEC(symbol, text, doctext, methodtable, new_fn, next_fn)           \
  const TypeSpec symbol = {                                                       \
    .name = "itertools." text,                                                    \
    .doc = doctext,                                                               \
    .basicsize = sizeof(Combo),                                                   \
    .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,                                \
    .methods = methodtable,                                                       \
    .slots = {.release = combo_release, .traverse = combo_traverse, .new_ = new_fn, .iter = cd_self_iter, .next = next_fn}, \
  }

// ---- product ----

static bool product_keywords(VM *vm, const Value *values, Value kwnames, int64_t *repeat)
{
  *repeat = 1;
  size_t count = kwnames ? cd_tuple_size(kwnames) : 0;
  if (count == 0) return true;
  if (count > 1) return cd_raise_type(vm, "product() takes at most 1 keyword argument (%zu given)", count);
  Value name = cd_tuple_item_borrow(kwnames, 0);
  if (!cd_str_is(name, "repeat")) return cd_raise_type(vm, "'%U' is an invalid keyword argument for product()", name);
  if (!cd_to_ssize(vm, values[0], repeat)) return false;
  return *repeat >= 0 || cd_raise_value(vm, "repeat argument cannot be negative");
}

static Ref product_pools(VM *vm, const Value *args, size_t nargs, size_t repeat)
{
  size_t count;
  if (__builtin_mul_overflow(nargs, repeat, &count) || count > SIZE_MAX / 64) return cd_raise_overflow(vm, "repeat argument too large");
  Ref pools = cd_tuple_new(vm, count);
  for (size_t i = 0; pools && i < count; i++) {
    Ref pool = i < nargs ? cd_tuple_from(vm, args[i]) : cd_dup(cd_tuple_item_borrow(pools, i - nargs));
    if (!pool) {
      cd_drop(vm, pools);
      return NO_REF;
    }
    cd_tuple_set(pools, i, pool);
  }
  return pools;
}

static Ref product_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  int64_t repeat;
  if (!product_keywords(vm, args + nargs, kwnames, &repeat)) return NO_REF;
  Ref pools = product_pools(vm, args, repeat ? nargs : 0, (size_t)repeat);
  if (!pools) return NO_REF;
  size_t count = cd_tuple_size(pools);
  Combo *c = combo_new(vm, type, pools, count, 0, count);
  return c ? cd_from_object(c) : NO_REF;
}

static bool product_has_empty(const Combo *c)
{
  for (size_t i = 0; i < c->r; i++)
    if (cd_tuple_size(combo_pool(c)->items[i]) == 0) return true;
  return false;
}

static Next product_next(VM *vm, Value self, Ref *out)
{
  Combo *c = combo_of(self);
  if (c->stopped) return NEXT_DONE;
  bool first = !c->result;
  if (first && product_has_empty(c)) goto end;
  if (!combo_own_result(vm, c)) goto fail;
  if (first) {
    for (size_t i = 0; i < c->r; i++) combo_put(vm, c, i, cd_tuple_item_borrow(combo_pool(c)->items[i], (size_t)c->indices[i]));
    return combo_give(c, out);
  }
  for (size_t i = c->r; i-- > 0;) {
    Value pool = combo_pool(c)->items[i];
    bool wraps = ++c->indices[i] == (int64_t)cd_tuple_size(pool);
    if (wraps) c->indices[i] = 0;
    combo_put(vm, c, i, cd_tuple_item_borrow(pool, (size_t)c->indices[i]));
    if (!wraps) return combo_give(c, out);
  }
end:
  c->stopped = true;
  return NEXT_DONE;
fail:
  c->stopped = true;
  return NEXT_ERROR;
}

METHOD(product, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Combo *c = combo_of(self);
  Ref type = cd_dup_object(cd_type_of(vm, self));
  if (c->stopped) return cd_tuple2_steal(vm, type, cd_tuple1(vm, vm->empty_tuple));
  if (!c->result) return cd_tuple2_steal(vm, type, cd_dup(c->pool));
  return cd_tuple3_steal(vm, type, cd_dup(c->pool), combo_indices_tuple(vm, c->indices, c->index_count));
}

METHOD(product, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  Combo *c = combo_of(self);
  if (!combo_state_shape(vm, args[0], c->r)) return NO_REF;
  for (size_t i = 0; i < c->r; i++) {
    int64_t size = (int64_t)cd_tuple_size(combo_pool(c)->items[i]);
    if (size == 0) {
      c->stopped = true;
      return cd_none();
    }
    if (!combo_state_index(vm, args[0], i, 0, size - 1, &c->indices[i])) return NO_REF;
  }
  cd_clear(vm, &c->result);
  if (!combo_own_result(vm, c)) return NO_REF;
  for (size_t i = 0; i < c->r; i++) combo_put(vm, c, i, cd_tuple_item_borrow(combo_pool(c)->items[i], (size_t)c->indices[i]));
  return cd_none();
}

static const MethodDef *const product_methods[] = {&product___reduce___def, &product___setstate___def, &combo___sizeof___def, NULL};
COMBO_SPEC(cd_itertools_product_spec, "product",
           "product(*iterables, repeat=1) --> product object\n\nEvery way to take one item from each iterable: product(A, B) gives what "
           "two\nnested loops would. The last place changes fastest, as the digits of a counter\ndo. repeat=n stands for writing all the "
           "arguments n times.",
           product_methods, product_new, product_next);

// ---- combinations, with and without replacement ----

static Ref combinations_make(VM *vm, Type *type, const char *signature, const Value *args, size_t nargs, Value kwnames, bool replacement)
{
  Value in[2];
  Ref owned[2];
  size_t r;
  if (!cd_bind_text(vm, signature, args, nargs, kwnames, in, owned)) return NO_REF;
  Ref pool = cd_tuple_from(vm, in[0]);
  if (!pool) return NO_REF;
  if (!combo_r_argument(vm, in[1], &r)) {
    cd_drop(vm, pool);
    return NO_REF;
  }
  size_t n = cd_tuple_size(pool);
  Combo *c = combo_new(vm, type, pool, r, 0, r);
  if (!c) return NO_REF;
  if (!replacement)
    for (size_t i = 0; i < r; i++) c->indices[i] = (int64_t)i;
  c->stopped = replacement ? n == 0 && r > 0 : r > n;
  return cd_from_object(c);
}

static Ref combinations_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return combinations_make(vm, type, "combinations(iterable, r)", args, nargs, kwnames, false);
}

static Ref combinations_with_replacement_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  return combinations_make(vm, type, "combinations_with_replacement(iterable, r)", args, nargs, kwnames, true);
}

static Next combinations_step(VM *vm, Value self, Ref *out, bool replacement)
{
  Combo *c = combo_of(self);
  if (c->stopped) return NEXT_DONE;
  int64_t n = (int64_t)combo_pool(c)->size, r = (int64_t)c->r, i = 0;
  bool first = !c->result;
  if (!combo_own_result(vm, c)) {
    c->stopped = true;
    return NEXT_ERROR;
  }
  if (!first) {
    // The rightmost index that can still grow.
    for (i = r - 1; i >= 0 && c->indices[i] == (replacement ? n - 1 : i + n - r); i--) {}
    if (i < 0) {
      c->stopped = true;
      return NEXT_DONE;
    }
    int64_t index = ++c->indices[i];
    for (int64_t j = i + 1; j < r; j++) c->indices[j] = replacement ? index : c->indices[j - 1] + 1;
  }
  for (; i < r; i++) combo_put(vm, c, (size_t)i, combo_pool(c)->items[c->indices[i]]);
  return combo_give(c, out);
}

static Next combinations_next(VM *vm, Value self, Ref *out) { return combinations_step(vm, self, out, false); }
static Next combinations_with_replacement_next(VM *vm, Value self, Ref *out) { return combinations_step(vm, self, out, true); }

METHOD(combinations, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Combo *c = combo_of(self);
  Ref type = cd_dup_object(cd_type_of(vm, self)), r = cd_from_small((int64_t)c->r);
  if (!c->result) return cd_tuple2_steal(vm, type, cd_tuple2(vm, c->pool, r));
  if (c->stopped) return cd_tuple2_steal(vm, type, cd_tuple2(vm, vm->empty_tuple, r));
  return cd_tuple3_steal(vm, type, cd_tuple2(vm, c->pool, r), combo_indices_tuple(vm, c->indices, c->index_count));
}

static Ref combinations_restore(VM *vm, Value self, Value state, bool replacement)
{
  Combo *c = combo_of(self);
  if (!combo_state_shape(vm, state, c->r)) return NO_REF;
  int64_t n = (int64_t)combo_pool(c)->size;
  if (n == 0 && c->r > 0) return cd_none();
  for (size_t i = 0; i < c->r; i++) {
    int64_t limit = replacement ? n - 1 : (int64_t)i + n - (int64_t)c->r;
    if (!combo_state_index(vm, state, i, 0, limit, &c->indices[i])) return NO_REF;
    if (c->indices[i] < 0) c->indices[i] = 0;
  }
  if (!combo_own_result(vm, c)) return NO_REF;
  for (size_t i = 0; i < c->r; i++) combo_put(vm, c, i, combo_pool(c)->items[c->indices[i] < n ? c->indices[i] : n - 1]);
  return cd_none();
}

METHOD(combinations, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  return combinations_restore(vm, self, args[0], false);
}
METHOD(combinations_with_replacement, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  return combinations_restore(vm, self, args[0], true);
}

static const MethodDef *const combinations_methods[] = {&combinations___reduce___def, &combinations___setstate___def, &combo___sizeof___def,
                                                        NULL};
static const MethodDef *const combinations_with_replacement_methods[] = {
  &combinations___reduce___def, &combinations_with_replacement___setstate___def, &combo___sizeof___def, NULL};

COMBO_SPEC(cd_itertools_combinations_spec, "combinations",
           "combinations(iterable, r)\n--\n\nAll ways to choose r elements, each once, in the order in which they come.\n\n"
           "combinations('abc', 2) --> ab, ac, bc as tuples",
           combinations_methods, combinations_new, combinations_next);
COMBO_SPEC(cd_itertools_combinations_with_replacement_spec, "combinations_with_replacement",
           "combinations_with_replacement(iterable, r)\n--\n\nAll ways to choose r elements in the order in which they come; an element "
           "may\nbe chosen again.\n\ncombinations_with_replacement('ab', 2) --> aa, ab, bb as tuples",
           combinations_with_replacement_methods, combinations_with_replacement_new, combinations_with_replacement_next);

// ---- permutations: indices is a permutation of the whole pool; cycles[i] counts how often place i may still rotate ----

static Ref permutations_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  if (!cd_bind_text(vm, "permutations(iterable, r=None)", args, nargs, kwnames, in, owned)) return NO_REF;
  Ref pool = cd_tuple_from(vm, in[0]);
  if (!pool) return NO_REF;
  size_t n = cd_tuple_size(pool), r = n;
  if (in[1] && !cd_is_none(in[1])) {
    bool ok = cd_is_int(in[1]);
    if (!ok) cd_raise_type(vm, "Expected int as r");
    if (!ok || !combo_r_argument(vm, in[1], &r)) {
      cd_drop(vm, pool);
      return NO_REF;
    }
  }
  Combo *c = combo_new(vm, type, pool, n, r > n ? 0 : r, r);
  if (!c) return NO_REF;
  for (size_t i = 0; i < n; i++) c->indices[i] = (int64_t)i;
  for (size_t i = 0; i < c->cycle_count; i++) c->cycles[i] = (int64_t)(n - i);
  c->stopped = r > n;
  return cd_from_object(c);
}

static Next permutations_next(VM *vm, Value self, Ref *out)
{
  Combo *c = combo_of(self);
  if (c->stopped) return NEXT_DONE;
  int64_t n = (int64_t)c->index_count, r = (int64_t)c->r, i;
  bool first = !c->result;
  if (!combo_own_result(vm, c)) {
    c->stopped = true;
    return NEXT_ERROR;
  }
  if (first) {
    for (i = 0; i < r; i++) combo_put(vm, c, (size_t)i, combo_pool(c)->items[c->indices[i]]);
    return combo_give(c, out);
  }
  for (i = r - 1; i >= 0; i--) {
    if (--c->cycles[i] == 0) {
      // Rotate indices[i:] left by one.
      int64_t index = c->indices[i];
      memmove(&c->indices[i], &c->indices[i + 1], (size_t)(n - 1 - i) * sizeof(int64_t));
      c->indices[n - 1] = index;
      c->cycles[i] = n - i;
      continue;
    }
    int64_t j = n - c->cycles[i], index = c->indices[i];
    c->indices[i] = c->indices[j];
    c->indices[j] = index;
    for (int64_t k = i; k < r; k++) combo_put(vm, c, (size_t)k, combo_pool(c)->items[c->indices[k]]);
    return combo_give(c, out);
  }
  c->stopped = true;
  return NEXT_DONE;
}

METHOD(permutations, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Combo *c = combo_of(self);
  Ref type = cd_dup_object(cd_type_of(vm, self)), r = cd_from_small((int64_t)c->r);
  if (!c->result) return cd_tuple2_steal(vm, type, cd_tuple2(vm, c->pool, r));
  if (c->stopped) return cd_tuple2_steal(vm, type, cd_tuple2(vm, vm->empty_tuple, r));
  Ref state = cd_tuple2_steal(vm, combo_indices_tuple(vm, c->indices, c->index_count), combo_indices_tuple(vm, c->cycles, c->cycle_count));
  return cd_tuple3_steal(vm, type, cd_tuple2(vm, c->pool, r), state);
}

METHOD(permutations, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  Combo *c = combo_of(self);
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "state is not a tuple");
  if (!cd_check_positional(vm, "__setstate__", cd_tuple_size(args[0]), 2, 2)) return NO_REF;
  Value indices = cd_tuple_item_borrow(args[0], 0), cycles = cd_tuple_item_borrow(args[0], 1);
  if (!combo_state_shape(vm, indices, c->index_count) || !combo_state_shape(vm, cycles, c->r)) return NO_REF;
  if (c->cycle_count != c->r) return cd_none();  // more places than items: nothing ever comes
  int64_t n = (int64_t)c->index_count;
  for (size_t i = 0; i < c->index_count; i++)
    if (!combo_state_index(vm, indices, i, 0, n - 1, &c->indices[i])) return NO_REF;
  for (size_t i = 0; i < c->r; i++)
    if (!combo_state_index(vm, cycles, i, 1, n - (int64_t)i, &c->cycles[i])) return NO_REF;
  if (!combo_own_result(vm, c)) return NO_REF;
  for (size_t i = 0; i < c->r; i++) combo_put(vm, c, i, combo_pool(c)->items[c->indices[i]]);
  return cd_none();
}

static const MethodDef *const permutations_methods[] = {&permutations___reduce___def, &permutations___setstate___def, &combo___sizeof___def,
                                                        NULL};
COMBO_SPEC(cd_itertools_permutations_spec, "permutations",
           "permutations(iterable, r=None)\n--\n\nAll ordered choices of r different elements.\n\npermutations('abc', 2) --> ab, ac, ba, "
           "bc, ca, cb as tuples",
           permutations_methods, permutations_new, permutations_next);
