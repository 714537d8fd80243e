// SPDX-License-Identifier: MIT
// itertools_group.c: groupby, tee, zip_longest: iterators that share their source
#include "modules/itertools.h"
#include "modules/module_list.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/str.h"
#include "objects/tuple.h"

static ItertoolsState *itertools_state(VM *vm) { return cd_state(vm, MODULE_itertools); }

// ---- groupby ----

typedef struct GroupBy {
  Object head;
  Value iterator, key_function;                  // owned; key_function None: the item itself
  Value target_key;                              // owned: key of the group handed out last
  Value current_key, current_value;              // owned: read ahead; value NO_VALUE once taken
  const Object *current_grouper;                 // not owned, for comparison only: groupers left behind are empty
} GroupBy;

typedef struct Grouper { Object head; Value parent, target_key; } Grouper;       // owned

static inline GroupBy *groupby_of(Value v) { return (GroupBy *)cd_object(v); }

static Ref groupby_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[2];
  Ref owned[2];
  if (!cd_bind_text(vm, "groupby(iterable, key=None)", args, nargs, kwnames, in, owned)) return NO_REF;
  Ref iterator = cd_iter(vm, in[0]);
  GroupBy *g = iterator ? cd_instance_new(vm, type) : NULL;
  if (!g) {
    cd_drop(vm, iterator);
    return NO_REF;
  }
  g->iterator = iterator;
  g->key_function = in[1] ? cd_dup(in[1]) : cd_none();
  return cd_from_object(g);
}

static void groupby_release(VM *vm, Object *self)
{
  GroupBy *g = (GroupBy *)self;
  cd_clear(vm, &g->iterator);
  cd_clear(vm, &g->key_function);
  cd_clear(vm, &g->target_key);
  cd_clear(vm, &g->current_key);
  cd_clear(vm, &g->current_value);
}

static void groupby_traverse(Object *self, VisitFn visit, void *context)
{
  GroupBy *g = (GroupBy *)self;
  visit(context, g->iterator);
  visit(context, g->key_function);
  visit(context, g->target_key);
  visit(context, g->current_key);
  visit(context, g->current_value);
}

// Reads one item ahead.
static Next groupby_step(VM *vm, GroupBy *g)
{
  Ref value, key;
  Next next = cd_itertools_step(vm, &g->iterator, &value);
  if (next != NEXT_ITEM) return next;
  key = cd_is_none(g->key_function) ? cd_dup(value) : cd_call1(vm, g->key_function, value);
  if (!key) {
    cd_drop(vm, value);
    return NEXT_ERROR;
  }
  cd_replace(vm, &g->current_value, value);
  cd_replace(vm, &g->current_key, key);
  return NEXT_ITEM;
}

static bool groupby_keys_equal(VM *vm, Value a, Value b, bool *out)
{
  Ref x = cd_dup(a), y = cd_dup(b);              // the comparison may advance this groupby
  bool ok = cd_equal(vm, x, y, out);
  cd_drop(vm, x);
  cd_drop(vm, y);
  return ok;
}

static Ref grouper_make(VM *vm, Type *type, Value parent, Value target_key)
{
  Grouper *grouper = cd_object_new(vm, type, sizeof *grouper);
  if (!grouper) return NO_REF;
  grouper->parent = cd_dup(parent);
  grouper->target_key = cd_dup(target_key);
  groupby_of(parent)->current_grouper = (Object *)grouper;
  return cd_from_object(grouper);
}

static Next groupby_next(VM *vm, Value self, Ref *out)
{
  GroupBy *g = groupby_of(self);
  g->current_grouper = NULL;
  // Skip what is left of the previous group.
  for (;;) {
    bool same = true;
    if (g->current_key && !g->target_key) break;
    if (g->current_key && !groupby_keys_equal(vm, g->target_key, g->current_key, &same)) return NEXT_ERROR;
    if (!same) break;
    Next next = groupby_step(vm, g);
    if (next != NEXT_ITEM) return next;
    if (!cd_poll(vm)) return NEXT_ERROR;
  }
  cd_replace(vm, &g->target_key, cd_dup(g->current_key));
  *out = cd_tuple2_steal(vm, cd_dup(g->current_key), grouper_make(vm, itertools_state(vm)->grouper, self, g->target_key));
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

METHOD(groupby, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  GroupBy *g = groupby_of(self);
  Ref type = cd_dup_object(cd_type_of(vm, self)), arguments = cd_tuple2(vm, g->iterator, g->key_function);
  if (!g->target_key || !g->current_key || !g->current_value) return cd_tuple2_steal(vm, type, arguments);
  return cd_tuple3_steal(vm, type, arguments, cd_tuple3(vm, g->current_key, g->current_value, g->target_key));
}

METHOD(groupby, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  GroupBy *g = groupby_of(self);
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "state is not a tuple");
  if (!cd_check_positional(vm, "__setstate__", cd_tuple_size(args[0]), 3, 3)) return NO_REF;
  cd_replace(vm, &g->current_key, cd_dup(cd_tuple_item_borrow(args[0], 0)));
  cd_replace(vm, &g->current_value, cd_dup(cd_tuple_item_borrow(args[0], 1)));
  cd_replace(vm, &g->target_key, cd_dup(cd_tuple_item_borrow(args[0], 2)));
  return cd_none();
}

static const MethodDef *const groupby_methods[] = {&groupby___reduce___def, &groupby___setstate___def, NULL};

const TypeSpec cd_itertools_groupby_spec = {
  .name = "itertools.groupby",
  .doc = "groupby(iterable, key=None)\n--\n\nneighbours that have the same key, as pairs of key and iterator\n\n  iterable\n    what to "
         "walk through\n  key\n    the function that gives an item's key.\n    Without one, or with None, an item is its own key.",
  .basicsize = sizeof(GroupBy),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = groupby_methods,
  .slots = {.release = groupby_release, .traverse = groupby_traverse, .new_ = groupby_new, .iter = cd_self_iter, .next = groupby_next},
};

// ---- _grouper: one group ----

static inline Grouper *grouper_of(Value v) { return (Grouper *)cd_object(v); }

static Ref grouper_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "_grouper", kwnames) || !cd_check_positional(vm, "_grouper", nargs, 2, 2)) return NO_REF;
  if (cd_type_of(vm, args[0])->spec != &cd_itertools_groupby_spec)
    return cd_raise_type(vm, "_grouper() argument 1 must be itertools.groupby, not %T", args[0]);
  return grouper_make(vm, type, args[0], args[1]);
}

static void grouper_release(VM *vm, Object *self)
{
  Grouper *grouper = (Grouper *)self;
  cd_clear(vm, &grouper->parent);
  cd_clear(vm, &grouper->target_key);
}

static void grouper_traverse(Object *self, VisitFn visit, void *context)
{
  Grouper *grouper = (Grouper *)self;
  visit(context, grouper->parent);
  visit(context, grouper->target_key);
}

static Next grouper_next(VM *vm, Value self, Ref *out)
{
  Grouper *grouper = grouper_of(self);
  GroupBy *g = groupby_of(grouper->parent);
  if (g->current_grouper != cd_object(self)) return NEXT_DONE;
  if (!g->current_value) {
    Next next = groupby_step(vm, g);
    if (next != NEXT_ITEM) return next;
  }
  bool same;
  if (!groupby_keys_equal(vm, grouper->target_key, g->current_key, &same)) return NEXT_ERROR;
  if (!same || !g->current_value) return NEXT_DONE;
  *out = cd_take(&g->current_value);
  cd_clear(vm, &g->current_key);
  return NEXT_ITEM;
}

METHOD(grouper, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Grouper *grouper = grouper_of(self);
  if (groupby_of(grouper->parent)->current_grouper != cd_object(self)) return cd_iterator_reduce(vm, NO_VALUE, vm->empty_tuple, 0);
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple2(vm, grouper->parent, grouper->target_key));
}

static const MethodDef *const grouper_methods[] = {&grouper___reduce___def, NULL};

const TypeSpec cd_itertools_grouper_spec = {
  .name = "itertools._grouper",
  .basicsize = sizeof(Grouper),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = grouper_methods,
  .slots = {.release = grouper_release, .traverse = grouper_traverse, .new_ = grouper_new, .iter = cd_self_iter, .next = grouper_next},
};

// ---- tee: readers at different places of one chain of blocks; the first to need an item reads it ----

#define TEE_BLOCK 57
typedef struct TeeData {
  Object head;
  Value iterator;                                // owned
  Value next;                                    // owned TeeData or NO_VALUE
  uint32_t count;
  bool running;                                  // an item is being read
  Value items[TEE_BLOCK];                        // owned
} TeeData;

typedef struct Tee { Object head; Value data; uint32_t index; Weakref *weaklist; } Tee;   // data owned

static inline TeeData *tee_data_of(Value v) { return (TeeData *)cd_object(v); }
static inline Tee *tee_of(Value v) { return (Tee *)cd_object(v); }

static Ref tee_data_make(VM *vm, Value iterator)
{
  TeeData *data = cd_object_new(vm, itertools_state(vm)->tee_data, sizeof *data);
  if (!data) return NO_REF;
  data->iterator = cd_dup(iterator);
  return cd_from_object(data);
}

static void tee_data_release(VM *vm, Object *self)
{
  TeeData *data = (TeeData *)self;
  cd_clear(vm, &data->iterator);
  for (uint32_t i = 0; i < data->count; i++) cd_clear(vm, &data->items[i]);
  data->count = 0;
  cd_clear(vm, &data->next);
}

static void tee_data_traverse(Object *self, VisitFn visit, void *context)
{
  TeeData *data = (TeeData *)self;
  visit(context, data->iterator);
  visit(context, data->next);
  for (uint32_t i = 0; i < data->count; i++) visit(context, data->items[i]);
}

static Next tee_data_item(VM *vm, Value v, uint32_t i, Ref *out)
{
  TeeData *data = tee_data_of(v);
  if (i >= data->count) {
    if (data->running) {
      cd_raise_runtime(vm, "cannot re-enter the tee iterator");
      return NEXT_ERROR;
    }
    Ref item, keep = cd_dup(v);
    data->running = true;
    Next next = cd_itertools_step(vm, &data->iterator, &item);
    data->running = false;
    if (next == NEXT_ITEM) data->items[data->count++] = item;
    cd_drop(vm, keep);
    if (next != NEXT_ITEM) return next;
  }
  *out = cd_dup(data->items[i]);
  return NEXT_ITEM;
}

METHOD(tee_data, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  TeeData *data = tee_data_of(self);
  Ref items = cd_list_of(vm, data->count, data->items);
  if (!items) return NO_REF;
  Ref arguments = cd_tuple3(vm, data->iterator, items, data->next ? data->next : cd_none());
  cd_drop(vm, items);
  return cd_tuple2_steal(vm, cd_dup_object(cd_type_of(vm, self)), arguments);
}

static Ref tee_data_new(VM *vm, Type *type UNUSED, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "_tee_dataobject", kwnames) || !cd_check_positional(vm, "_tee_dataobject", nargs, 3, 3)) return NO_REF;
  if (!cd_is_list(args[1])) return cd_raise_type(vm, "_tee_dataobject() argument 2 must be list, not %T", args[1]);
  size_t count = cd_list_size(args[1]);
  if (count > TEE_BLOCK) return cd_raise_value(vm, "Invalid arguments");
  bool linked = !cd_is_none(args[2]);
  if (linked && count != TEE_BLOCK) return cd_raise_value(vm, "_tee_dataobject shouldn't have a next if not full");
  if (linked && !cd_is_exact(args[2], itertools_state(vm)->tee_data))
    return cd_raise_type(vm, "_tee_dataobject next must be a _tee_dataobject");
  Ref result = tee_data_make(vm, args[0]);
  if (!result) return NO_REF;
  TeeData *data = tee_data_of(result);
  for (size_t i = 0; i < count; i++) data->items[i] = cd_dup(cd_list_item_borrow(args[1], i));
  data->count = (uint32_t)count;
  if (linked) data->next = cd_dup(args[2]);
  return result;
}

static const MethodDef *const tee_data_methods[] = {&tee_data___reduce___def, NULL};

const TypeSpec cd_itertools_tee_data_spec = {
  .name = "itertools._tee_dataobject",
  .doc = "teedataobject(iterable, values, next, /)\n--\n\nData container common to multiple tee objects.",
  .basicsize = sizeof(TeeData),
  .flags = TYPE_GC | TYPE_IMMUTABLE,
  .methods = tee_data_methods,
  .slots = {.release = tee_data_release, .traverse = tee_data_traverse, .clear = tee_data_release, .new_ = tee_data_new},
};

static Ref tee_at(VM *vm, Ref data, uint32_t index)              // steals data
{
  Tee *tee = data ? cd_object_new(vm, itertools_state(vm)->tee, sizeof *tee) : NULL;
  if (!tee) {
    cd_drop(vm, data);
    return NO_REF;
  }
  tee->data = data;
  tee->index = index;
  return cd_from_object(tee);
}

static Ref tee_from_iterable(VM *vm, Value iterable)
{
  Ref iterator = cd_iter(vm, iterable), result;
  if (!iterator) return NO_REF;
  if (cd_is_exact(iterator, itertools_state(vm)->tee)) result = tee_at(vm, cd_dup(tee_of(iterator)->data), tee_of(iterator)->index);
  else result = tee_at(vm, tee_data_make(vm, iterator), 0);
  cd_drop(vm, iterator);
  return result;
}

static Ref tee_new(VM *vm, Type *type UNUSED, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "_tee", kwnames) || !cd_check_positional(vm, "_tee", nargs, 1, 1)) return NO_REF;
  return tee_from_iterable(vm, args[0]);
}

static void tee_release(VM *vm, Object *self) { cd_clear(vm, &((Tee *)self)->data); }
static void tee_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((Tee *)self)->data); }

static Next tee_next(VM *vm, Value self, Ref *out)
{
  Tee *tee = tee_of(self);
  if (tee->index >= TEE_BLOCK) {
    TeeData *data = tee_data_of(tee->data);
    if (!data->next && !(data->next = tee_data_make(vm, data->iterator))) return NEXT_ERROR;
    cd_replace(vm, &tee->data, cd_dup(data->next));
    tee->index = 0;
  }
  Next next = tee_data_item(vm, tee->data, tee->index, out);
  if (next == NEXT_ITEM) tee->index++;
  return next;
}

METHOD(tee, __copy__, "__copy__(self, /)", "Returns an independent iterator.")
{
  return tee_at(vm, cd_dup(tee_of(self)->data), tee_of(self)->index);
}

METHOD(tee, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Tee *tee = tee_of(self);
  return cd_tuple3_steal(vm, cd_dup_object(cd_type_of(vm, self)), cd_tuple1(vm, vm->empty_tuple),
                         cd_tuple2(vm, tee->data, cd_from_small(tee->index)));
}

METHOD(tee, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  Tee *tee = tee_of(self);
  int64_t index;
  if (!cd_is_tuple(args[0])) return cd_raise_type(vm, "state is not a tuple");
  if (!cd_check_positional(vm, "__setstate__", cd_tuple_size(args[0]), 2, 2)) return NO_REF;
  Value data = cd_tuple_item_borrow(args[0], 0);
  if (!cd_is_exact(data, itertools_state(vm)->tee_data))
    return cd_raise_type(vm, "argument 1 must be itertools._tee_dataobject, not %T", data);
  if (!cd_to_ssize(vm, cd_tuple_item_borrow(args[0], 1), &index)) return NO_REF;
  if (index < 0 || index > TEE_BLOCK) return cd_raise_value(vm, "Index out of range");
  cd_replace(vm, &tee->data, cd_dup(data));
  tee->index = (uint32_t)index;
  return cd_none();
}

static const MethodDef *const tee_methods[] = {&tee___copy___def, &tee___reduce___def, &tee___setstate___def, NULL};

const TypeSpec cd_itertools_tee_spec = {
  .name = "itertools._tee",
  .doc = "_tee(iterable, /)\n--\n\nAn iterator of which tee() made several.",
  .basicsize = sizeof(Tee),
  .flags = TYPE_GC | TYPE_IMMUTABLE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Tee, weaklist),
  .methods = tee_methods,
  .slots = {.release = tee_release, .traverse = tee_traverse, .new_ = tee_new, .iter = cd_self_iter, .next = tee_next},
};

// The iterator itself when it can be copied, else wrapped.
static Ref itertools_copyable(VM *vm, Value iterable, Ref *copy)
{
  Ref iterator = cd_iter(vm, iterable);
  if (!iterator) return NO_REF;
  Find found = cd_getattr_find(vm, iterator, N(__copy__), copy);
  if (found == FIND_MISSING) {
    Ref wrapped = tee_from_iterable(vm, iterator);
    cd_drop(vm, iterator);
    iterator = wrapped;
    if (!iterator) return NO_REF;
    found = (*copy = cd_getattr(vm, iterator, N(__copy__))) ? FIND_HIT : FIND_ERROR;
  }
  if (found == FIND_HIT) return iterator;
  cd_drop(vm, iterator);
  return NO_REF;
}

METHOD_DEF_(itertools_tee, "tee", "tee(iterable, n=2, /)", "n iterators over the same items, which may advance at different times.", 0)
{
  int64_t n = 2;
  if (args[1] && !cd_to_ssize(vm, args[1], &n)) return NO_REF;
  if (n < 0) return cd_raise_value(vm, "n must be >= 0");
  if (n == 0) return cd_dup(vm->empty_tuple);
  Ref result = cd_tuple_new(vm, (size_t)n), copy = NO_REF;
  if (!result) return NO_REF;
  Ref first = itertools_copyable(vm, args[0], &copy);
  bool ok = first != NO_REF;
  if (ok) cd_tuple_set(result, 0, first);
  for (int64_t i = 1; ok && i < n; i++) {
    Ref next = cd_call0(vm, copy);
    ok = next != NO_REF;
    if (ok) cd_tuple_set(result, (size_t)i, next);
  }
  cd_drop(vm, copy);
  if (ok) return result;
  cd_drop(vm, result);
  return NO_REF;
}

const MethodDef *const cd_itertools_tee_function = &itertools_tee_def;

// ---- zip_longest ----

typedef struct ZipLongest {
  Object head;
  Value iterators;                               // owned tuple; NO_VALUE where exhausted
  Value fill;                                    // owned
  size_t active;                                 // iterators that are not exhausted
} ZipLongest;

static inline ZipLongest *zip_longest_of(Value v) { return (ZipLongest *)cd_object(v); }

static Ref zip_longest_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value fill = cd_none();
  if (kwnames && cd_tuple_size(kwnames)) {
    if (cd_tuple_size(kwnames) > 1 || !cd_str_is(cd_tuple_item_borrow(kwnames, 0), "fillvalue"))
      return cd_raise_type(vm, "zip_longest() got an unexpected keyword argument");
    fill = args[nargs];
  }
  Ref iterators = cd_iterators_of(vm, args, nargs);
  ZipLongest *z = iterators ? cd_instance_new(vm, type) : NULL;
  if (!z) {
    cd_drop(vm, iterators);
    return NO_REF;
  }
  z->iterators = iterators;
  z->fill = cd_dup(fill);
  z->active = nargs;
  return cd_from_object(z);
}

static void zip_longest_release(VM *vm, Object *self)
{
  ZipLongest *z = (ZipLongest *)self;
  cd_clear(vm, &z->iterators);
  cd_clear(vm, &z->fill);
}

static void zip_longest_traverse(Object *self, VisitFn visit, void *context)
{
  ZipLongest *z = (ZipLongest *)self;
  visit(context, z->iterators);
  visit(context, z->fill);
}

// Item number i of the next row, or the fill value. NEXT_DONE: that was the last iterator.
static Next zip_longest_item(VM *vm, ZipLongest *z, size_t i, Ref *out)
{
  Value *slot = &cd_as_tuple(z->iterators)->items[i];
  Next next = *slot ? cd_itertools_step(vm, slot, out) : NEXT_DONE;
  if (next == NEXT_ITEM) return next;
  if (next == NEXT_ERROR) {
    z->active = 0;
    return next;
  }
  if (*slot) {
    if (z->active == 0 || --z->active == 0) return NEXT_DONE;
    cd_clear(vm, slot);
  }
  *out = cd_dup(z->fill);
  return NEXT_ITEM;
}

static Next zip_longest_next(VM *vm, Value self, Ref *out)
{
  ZipLongest *z = zip_longest_of(self);
  if (!z->iterators || z->active == 0) return NEXT_DONE;
  size_t count = cd_tuple_size(z->iterators);
  Ref row = cd_tuple_new(vm, count);
  if (!row) return NEXT_ERROR;
  for (size_t i = 0; i < count; i++) {
    Ref item;
    Next next = zip_longest_item(vm, z, i, &item);
    if (next != NEXT_ITEM) {
      cd_drop(vm, row);
      return next;
    }
    cd_tuple_set(row, i, item);
  }
  *out = row;
  return NEXT_ITEM;
}

METHOD(zip_longest, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  ZipLongest *z = zip_longest_of(self);
  size_t count = cd_tuple_size(z->iterators);
  Ref arguments = cd_tuple_new(vm, count);
  for (size_t i = 0; arguments && i < count; i++) {
    Value iterator = cd_tuple_item_borrow(z->iterators, i);
    cd_tuple_set(arguments, i, cd_dup(iterator ? iterator : vm->empty_tuple));
  }
  return cd_tuple3_steal(vm, cd_dup_object(cd_type_of(vm, self)), arguments, cd_dup(z->fill));
}

METHOD(zip_longest, __setstate__, "__setstate__(self, state, /)", "Set state information for unpickling.")
{
  cd_replace(vm, &zip_longest_of(self)->fill, cd_dup(args[0]));
  return cd_none();
}

static const MethodDef *const zip_longest_methods[] = {&zip_longest___reduce___def, &zip_longest___setstate___def, NULL};

const TypeSpec cd_itertools_zip_longest_spec = {
  .name = "itertools.zip_longest",
  .doc = "zip_longest(iter1 [,iter2 [...]], [fillvalue=None]) --> zip_longest object\n\nTuples with one item of each iterable. The "
         "longest of them ends it; where a\nshorter one has no more items, fillvalue stands in their place.",
  .basicsize = sizeof(ZipLongest),
  .flags = TYPE_BASE | TYPE_GC | TYPE_IMMUTABLE,
  .methods = zip_longest_methods,
  .slots = {.release = zip_longest_release,
            .traverse = zip_longest_traverse,
            .new_ = zip_longest_new,
            .iter = cd_self_iter,
            .next = zip_longest_next},
};
