// SPDX-License-Identifier: MIT
// set.c: set and frozenset: open addressing, short linear runs, then jumps by the hash's upper bits
#include "objects/set.h"
#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// A probe looks at up to SET_RUN neighbours (as far as the table goes), then jumps. Table size is a power of two and grows when three
// fifths are filled, fourfold while small: iteration order of small ints is therefore the one people know from the reference
// implementation.
#define SET_RUN 9
#define SET_MIN 8
enum { SET_FREE = 0, SET_DELETED = -1 };         // SetEntry.hash where key is NO_VALUE

#define SET_PROBE_NEXT(s) (perturb >>= 5, i = (i * 5 + 1 + perturb) & (s)->mask)
static inline size_t set_run(const Set *s, size_t i) { return i + SET_RUN <= s->mask ? SET_RUN : 0; }
static inline bool set_entry_free(const SetEntry *e) { return !e->key && e->hash == SET_FREE; }

// ---- table ----

static void set_insert_clean(SetEntry *table, size_t mask, Ref key, int64_t hash)
{
  size_t i = (size_t)hash & mask, perturb = (size_t)hash;
  for (;;) {
    size_t end = i + SET_RUN <= mask ? i + SET_RUN : i;
    for (size_t n = i; n <= end; n++)
      if (!table[n].key) {
        table[n] = (SetEntry){hash, key};
        return;
      }
    perturb >>= 5;
    i = (i * 5 + 1 + perturb) & mask;
  }
}

static inline void set_free_table(VM *vm, Set *s, SetEntry *table, size_t mask)
{
  if (table != s->small) cd_free(vm, table, (mask + 1) * sizeof(SetEntry));
}

static bool set_resize(VM *vm, Set *s, size_t wanted)
{
  size_t size = SET_MIN;
  while (size <= wanted) {
    if (size > SIZE_MAX / 4 / sizeof(SetEntry)) return cd_raise_memory(vm);
    size *= 2;
  }
  SetEntry copy[SET_MIN], *old = s->table, *table = s->small;
  size_t old_mask = s->mask;
  if (size == SET_MIN) {
    if (old == s->small) {
      if (s->filled == s->count) return true;
      memcpy(copy, old, sizeof copy);
      old = copy;
    }
    memset(s->small, 0, sizeof s->small);
  } else if (!(table = cd_alloc_zeroed(vm, size * sizeof(SetEntry)))) {
    return false;
  }
  s->table = table;
  s->mask = size - 1;
  s->filled = s->count;
  for (size_t i = 0; i <= old_mask; i++)
    if (old[i].key) set_insert_clean(table, s->mask, cd_take(&old[i].key), old[i].hash);
  if (old != copy) set_free_table(vm, s, old, old_mask);
  return true;
}

// The entry that holds `key`; when it is absent, where it would go: the last deleted entry on the way, or the free one at the end. Starts
// again when __eq__ changed the table.
static Find set_lookup(VM *vm, Set *s, Value key, int64_t hash, SetEntry **out)
{
restart:;
  size_t i = (size_t)hash & s->mask, perturb = (size_t)hash;
  SetEntry *deleted = NULL;
  for (;; SET_PROBE_NEXT(s)) {
    SetEntry *e = &s->table[i], *end = e + set_run(s, i);
    for (; e <= end; e++) {
      if (set_entry_free(e)) { *out = deleted ? deleted : e; return FIND_MISSING; }
      if (!e->key) deleted = e;
      if (!e->key || e->hash != hash) continue;
      bool equal = cd_is(e->key, key);
      if (!equal && cd_both_small(e->key, key)) continue;          // -1 and -2
      if (!equal && cd_is_exact(e->key, vm->types.str) && cd_is_exact(key, vm->types.str)) {
        equal = cd_str_equal(e->key, key);
      } else if (!equal) {
        SetEntry *table = s->table;
        Ref start = cd_dup(e->key);
        bool ok = cd_equal(vm, start, key, &equal), same = table == s->table && cd_is(e->key, start);
        cd_drop(vm, start);
        if (!ok) return FIND_ERROR;
        if (!same) goto restart;
      }
      if (equal) {
        *out = e;
        return FIND_HIT;
      }
    }
  }
}

static bool set_add_hash(VM *vm, Set *s, Value item, int64_t hash)
{
  SetEntry *e;
  Ref key = cd_dup(item);
  Find found = set_lookup(vm, s, key, hash, &e);
  if (found != FIND_MISSING) {
    cd_drop(vm, key);
    return found == FIND_HIT;
  }
  bool reused = e->hash == SET_DELETED;
  *e = (SetEntry){hash, key};
  s->count++;
  if (reused) return true;
  if (++s->filled * 5 < s->mask * 3) return true;
  return set_resize(vm, s, s->count > 50000 ? s->count * 2 : s->count * 4);
}

static void set_remove_entry(VM *vm, Set *s, SetEntry *e)
{
  Ref key = cd_take(&e->key);
  e->hash = SET_DELETED;
  s->count--;
  cd_drop(vm, key);
}

static Find set_discard_hash(VM *vm, Set *s, Value item, int64_t hash)
{
  SetEntry *e;
  Find found = set_lookup(vm, s, item, hash, &e);
  if (found == FIND_HIT) set_remove_entry(vm, s, e);
  return found;
}

static void set_clear_all(VM *vm, Set *s)
{
  SetEntry copy[SET_MIN], *old = s->table;
  size_t mask = s->mask;
  if (!old || s->filled == 0) return;
  if (old == s->small) {
    memcpy(copy, old, sizeof copy);
    old = copy;
  }
  memset(s->small, 0, sizeof s->small);
  s->table = s->small;
  s->mask = SET_MIN - 1;
  s->count = s->filled = s->finger = 0;
  s->hash = -1;
  for (size_t i = 0; i <= mask; i++) cd_drop(vm, cd_take(&old[i].key));
  if (old != copy) set_free_table(vm, s, old, mask);
}

// ---- making and filling ----

static Set *set_allocate(VM *vm, Type *type)
{
  Set *s = cd_instance_new(vm, type);
  if (!s) return NULL;
  s->table = s->small;
  s->mask = SET_MIN - 1;
  s->hash = -1;
  return s;
}

// Fits the copy of `from` in one go when both tables allow it.
static bool set_merge_set(VM *vm, Set *s, Set *from)
{
  if (s == from || from->count == 0) return true;
  if ((s->filled + from->count) * 5 >= s->mask * 3 && !set_resize(vm, s, (s->count + from->count) * 2)) return false;
  if (s->filled == 0) {
    bool mirror = s->mask == from->mask && from->filled == from->count;
    for (size_t i = 0; i <= from->mask; i++) {
      SetEntry e = from->table[i];
      if (!e.key) continue;
      if (mirror) s->table[i] = (SetEntry){e.hash, cd_dup(e.key)};
      else set_insert_clean(s->table, s->mask, cd_dup(e.key), e.hash);
    }
    s->count = s->filled = from->count;
    return true;
  }
  for (size_t i = 0; i <= from->mask; i++) {
    SetEntry e = from->table[i];
    if (!e.key) continue;
    Ref key = cd_dup(e.key);
    bool ok = set_add_hash(vm, s, key, e.hash);
    cd_drop(vm, key);
    if (!ok) return false;
  }
  return true;
}

static bool set_merge_dict(VM *vm, Set *s, Dict *from)
{
  if ((s->filled + from->count) * 5 >= s->mask * 3 && !set_resize(vm, s, (s->count + from->count) * 2)) return false;
  for (size_t i = 0; i < from->used; i++) {
    DictEntry e = from->entries[i];
    if (!e.key) continue;
    Ref key = cd_dup(e.key);
    bool ok = set_add_hash(vm, s, key, e.hash);
    cd_drop(vm, key);
    if (!ok) return false;
  }
  return true;
}

bool cd_set_add(VM *vm, Value set, Value item)
{
  int64_t hash;
  return cd_dict_hash_key(vm, item, &hash) && set_add_hash(vm, cd_as_set(set), item, hash);
}

bool cd_set_update(VM *vm, Value set, Value iterable)
{
  if (cd_is_any_set(iterable)) return set_merge_set(vm, cd_as_set(set), cd_as_set(iterable));
  if (cd_is_exact(iterable, vm->types.dict)) return set_merge_dict(vm, cd_as_set(set), cd_as_dict(iterable));
  Ref iterator = cd_iter(vm, iterable), item;
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool ok = cd_set_add(vm, set, item);
    cd_drop(vm, item);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

static Ref set_make(VM *vm, Type *type, Value iterable)
{
  Set *s = set_allocate(vm, type);
  if (!s) return NO_REF;
  Ref set = cd_from_object(s);
  if (!iterable || cd_set_update(vm, set, iterable)) return set;
  cd_drop(vm, set);
  return NO_REF;
}

Ref cd_set_new(VM *vm, Value iterable) { return set_make(vm, vm->types.set, iterable); }

Ref cd_frozenset_new(VM *vm, Value iterable)
{
  if (iterable && cd_is_exact(iterable, vm->types.frozenset)) return cd_dup(iterable);
  return set_make(vm, vm->types.frozenset, iterable);
}

// set, or frozenset when `like` is one: the type of results.
static Type *set_base_type(VM *vm, Value like) { return cd_has_flag(like, TYPE_FROZENSET) ? vm->types.frozenset : vm->types.set; }
static Ref set_copy_of(VM *vm, Value self) { return set_make(vm, set_base_type(vm, self), self); }

static Ref set_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Set *s = set_allocate(vm, type);
  return s ? cd_from_object(s) : NO_REF;
}

static bool set_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_no_keywords(vm, "set", kwnames) || !cd_check_positional(vm, "set", nargs, 0, 1)) return false;
  set_clear_all(vm, cd_as_set(self));
  return nargs == 0 || cd_set_update(vm, self, args[0]);
}

static Ref frozenset_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if ((type == vm->types.frozenset || type->slots.init == vm->types.frozenset->slots.init) && !cd_no_keywords(vm, "frozenset", kwnames))
    return NO_REF;
  if (!cd_check_positional(vm, "frozenset", nargs, 0, 1)) return NO_REF;
  if (type == vm->types.frozenset) return cd_frozenset_new(vm, nargs ? args[0] : NO_VALUE);
  return set_make(vm, type, nargs ? args[0] : NO_VALUE);
}

static void set_release(VM *vm, Object *self) { set_clear_all(vm, (Set *)self); }

// The last step of an object's life also gives the table back.
static void set_release_final(VM *vm, Object *self)
{
  Set *s = (Set *)self;
  set_clear_all(vm, s);
  if (s->table && s->table != s->small) {
    set_free_table(vm, s, s->table, s->mask);
    s->table = s->small;
    s->mask = SET_MIN - 1;
  }
}

static void set_traverse(Object *self, VisitFn visit, void *context)
{
  Set *s = (Set *)self;
  if (!s->table) return;
  for (size_t i = 0; i <= s->mask; i++) visit(context, s->table[i].key);
}

// ---- lookups by value: a set as key means the frozenset of its items ----

static Find set_key_hash(VM *vm, Value item, int64_t *hash, Ref *replacement)
{
  *replacement = NO_REF;
  if (cd_dict_hash_key(vm, item, hash)) return FIND_HIT;
  if (!cd_has_flag(item, TYPE_SET) || !cd_swallow(vm, vm->exc.TypeError)) return FIND_ERROR;
  *replacement = set_make(vm, vm->types.frozenset, item);
  return *replacement && cd_hash(vm, *replacement, hash) ? FIND_HIT : FIND_ERROR;
}

static Find set_find_by_value(VM *vm, Value set, Value item, bool discard)
{
  int64_t hash;
  Ref replacement;
  SetEntry *e;
  Find found = set_key_hash(vm, item, &hash, &replacement);
  if (found == FIND_HIT) found = set_lookup(vm, cd_as_set(set), replacement ? replacement : item, hash, &e);
  if (found == FIND_HIT && discard) set_remove_entry(vm, cd_as_set(set), e);
  cd_drop(vm, replacement);
  return found;
}

Find cd_set_contains(VM *vm, Value set, Value item) { return set_find_by_value(vm, set, item, false); }
Find cd_set_discard(VM *vm, Value set, Value item) { return set_find_by_value(vm, set, item, true); }

static bool set_contains(VM *vm, Value self, Value item, bool *out)
{
  Find found = cd_set_contains(vm, self, item);
  *out = found == FIND_HIT;
  return found != FIND_ERROR;
}

// ---- text, hash, comparison ----

static Ref set_repr(VM *vm, Value self)
{
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_format(vm, "%T(...)", self) : NO_REF;
  Ref result = NO_REF;
  if (cd_set_count(self) == 0) {
    result = cd_str_format(vm, "%T()", self);
    cd_repr_leave(vm, self);
    return result;
  }
  Ref list = cd_list_from(vm, self);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool plain = cd_is_exact(self, vm->types.set), ok = list != NO_REF;
  if (ok && !plain) ok = cd_text_format(&text, "%T(", self);
  ok = ok && cd_text_puts(&text, "{");
  for (size_t i = 0; ok && i < cd_list_size(list); i++)
    ok = (i == 0 || cd_text_puts(&text, ", ")) && cd_text_repr(&text, cd_list_item_borrow(list, i));
  ok = ok && cd_text_puts(&text, plain ? "}" : "})");
  cd_drop(vm, list);
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

static inline uint64_t set_shuffle_bits(uint64_t h) { return ((h ^ UINT64_C(89869747)) ^ (h << 16)) * UINT64_C(3644798167); }

// Independent of order: the items' scattered hashes are xored. Nearby hashes cancel nothing out, for scattering is not linear.
static bool frozenset_hash(VM *vm UNUSED, Value self, int64_t *out)
{
  Set *s = cd_as_set(self);
  if (s->hash == -1) {
    uint64_t hash = 0;
    for (size_t i = 0; i <= s->mask; i++)
      if (s->table[i].key) hash ^= set_shuffle_bits((uint64_t)s->table[i].hash);
    hash ^= ((uint64_t)s->count + 1) * UINT64_C(1927868237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash * 69069 + UINT64_C(907133923);
    s->hash = hash == UINT64_MAX ? 590923713 : (int64_t)hash;
  }
  *out = s->hash;
  return true;
}

// Every item of `a` in `b`?
static bool set_is_subset(VM *vm, Set *a, Set *b, bool *out)
{
  *out = false;
  if (a->count > b->count) return true;
  for (size_t i = 0; i <= a->mask; i++) {
    SetEntry e = a->table[i], *hit;
    if (!e.key) continue;
    Ref key = cd_dup(e.key);
    Find found = set_lookup(vm, b, key, e.hash, &hit);
    cd_drop(vm, key);
    if (found != FIND_HIT) return found == FIND_MISSING;
  }
  *out = true;
  return true;
}

static Ref set_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_any_set(self) || !cd_is_any_set(other)) return cd_not_implemented();
  Set *a = cd_as_set(self), *b = cd_as_set(other);
  bool holds = false, ok = true;
  switch (op) {
  case COMPARE_EQ:
  case COMPARE_NE:
    if (a->count == b->count && (a->hash == -1 || b->hash == -1 || a->hash == b->hash)) ok = set_is_subset(vm, a, b, &holds);
    if (op == COMPARE_NE) holds = !holds;
    break;
  case COMPARE_LE: ok = set_is_subset(vm, a, b, &holds); break;
  case COMPARE_GE: ok = set_is_subset(vm, b, a, &holds); break;
  case COMPARE_LT: ok = a->count >= b->count || set_is_subset(vm, a, b, &holds); break;
  case COMPARE_GT: ok = a->count <= b->count || set_is_subset(vm, b, a, &holds); break;
  }
  return ok ? cd_bool(holds) : NO_REF;
}

static bool set_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)cd_set_count(self);
  return true;
}

// ---- algebra ----

// Calls `visit` for each item of an iterable with its hash, which sets and dicts know already. The item is held. false stops: exception.
typedef bool (*SetVisit)(VM *vm, void *context, Value item, int64_t hash);

static bool set_each_hash(VM *vm, Value iterable, SetVisit visit, void *context)
{
  if (cd_is_any_set(iterable)) {
    Set *s = cd_as_set(iterable);
    for (size_t i = 0; i <= s->mask; i++) {
      SetEntry e = s->table[i];
      if (!e.key) continue;
      Ref key = cd_dup(e.key);
      bool ok = visit(vm, context, key, e.hash);
      cd_drop(vm, key);
      if (!ok) return false;
    }
    return true;
  }
  if (cd_is_exact(iterable, vm->types.dict)) {
    Dict *d = cd_as_dict(iterable);
    for (size_t i = 0; i < d->used; i++) {
      DictEntry e = d->entries[i];
      if (!e.key) continue;
      Ref key = cd_dup(e.key);
      bool ok = visit(vm, context, key, e.hash);
      cd_drop(vm, key);
      if (!ok) return false;
    }
    return true;
  }
  Ref iterator = cd_iter(vm, iterable), item;
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    int64_t hash;
    bool ok = cd_dict_hash_key(vm, item, &hash) && visit(vm, context, item, hash);
    cd_drop(vm, item);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

typedef struct SetPair { Set *result, *other; } SetPair;

static bool set_visit_keep_common(VM *vm, void *context, Value item, int64_t hash)
{
  SetPair *pair = context;
  SetEntry *e;
  Find found = set_lookup(vm, pair->other, item, hash, &e);
  return found == FIND_HIT ? set_add_hash(vm, pair->result, item, hash) : found == FIND_MISSING;
}

static bool set_visit_keep_rest(VM *vm, void *context, Value item, int64_t hash)
{
  SetPair *pair = context;
  SetEntry *e;
  Find found = set_lookup(vm, pair->other, item, hash, &e);
  return found == FIND_MISSING ? set_add_hash(vm, pair->result, item, hash) : found == FIND_HIT;
}

static bool set_visit_discard(VM *vm, void *context, Value item, int64_t hash)
{
  return set_discard_hash(vm, context, item, hash) != FIND_ERROR;
}

static bool set_visit_toggle(VM *vm, void *context, Value item, int64_t hash)
{
  Find found = set_discard_hash(vm, context, item, hash);
  return found == FIND_MISSING ? set_add_hash(vm, context, item, hash) : found == FIND_HIT;
}

static Ref set_intersection_with(VM *vm, Value self, Value other)
{
  if (cd_is(self, other)) return set_copy_of(vm, self);
  Ref result = set_make(vm, set_base_type(vm, self), NO_VALUE);
  if (!result) return NO_REF;
  Value walk = other, container = self;
  if (cd_is_any_set(other) && cd_set_count(other) > cd_set_count(self)) {
    walk = self;
    container = other;
  }
  SetPair pair = {cd_as_set(result), cd_as_set(container)};
  if (set_each_hash(vm, walk, set_visit_keep_common, &pair)) return result;
  cd_drop(vm, result);
  return NO_REF;
}

static bool set_difference_update_with(VM *vm, Value self, Value other)
{
  Set *s = cd_as_set(self);
  if (cd_is(self, other)) {
    set_clear_all(vm, s);
    return true;
  }
  Ref walk = cd_dup(other);
  // Against a much bigger set, only what both have is worth discarding.
  if (cd_is_any_set(other) && cd_set_count(other) / 8 > s->count) {
    cd_drop(vm, walk);
    if (!(walk = set_intersection_with(vm, self, other))) return false;
  }
  bool ok = set_each_hash(vm, walk, set_visit_discard, s);
  cd_drop(vm, walk);
  if (!ok) return false;
  if (s->filled - s->count <= s->mask / 4) return true;
  return set_resize(vm, s, s->count > 50000 ? s->count * 2 : s->count * 4);
}

static Ref set_difference_with(VM *vm, Value self, Value other)
{
  bool hashed = cd_is_any_set(other) || cd_is_exact(other, vm->types.dict);
  size_t theirs = !hashed ? 0 : cd_is_any_set(other) ? cd_set_count(other) : cd_dict_count(other);
  if (!hashed || cd_set_count(self) / 4 > theirs || !cd_is_any_set(other)) {
    Ref result = set_copy_of(vm, self);
    if (result && !set_difference_update_with(vm, result, other)) {
      cd_drop(vm, result);
      return NO_REF;
    }
    return result;
  }
  Ref result = set_make(vm, set_base_type(vm, self), NO_VALUE);
  if (!result) return NO_REF;
  SetPair pair = {cd_as_set(result), cd_as_set(other)};
  if (set_each_hash(vm, self, set_visit_keep_rest, &pair)) return result;
  cd_drop(vm, result);
  return NO_REF;
}

static bool set_symmetric_update_with(VM *vm, Value self, Value other)
{
  if (cd_is(self, other)) {
    set_clear_all(vm, cd_as_set(self));
    return true;
  }
  // Repeats in other must not toggle twice.
  Ref unique = cd_is_any_set(other) || cd_is_exact(other, vm->types.dict) ? cd_dup(other) : cd_set_new(vm, other);
  if (!unique) return false;
  bool ok = set_each_hash(vm, unique, set_visit_toggle, cd_as_set(self));
  cd_drop(vm, unique);
  return ok;
}

static Ref set_symmetric_with(VM *vm, Value self, Value other)
{
  Ref result = set_make(vm, set_base_type(vm, self), other);
  if (result && !set_symmetric_update_with(vm, result, self)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

// Exchanges what two sets contain.
static void set_swap(Set *a, Set *b)
{
  Set old_a = *a, old_b = *b;
  Set *targets[] = {a, b}, *sources[] = {&old_b, &old_a};
  Set *origins[] = {b, a};
  for (int n = 0; n < 2; n++) {
    Set *to = targets[n];
    const Set *from = sources[n];
    to->count = from->count;
    to->filled = from->filled;
    to->mask = from->mask;
    to->finger = 0;
    to->hash = -1;
    memcpy(to->small, from->small, sizeof to->small);
    to->table = from->table == origins[n]->small ? to->small : from->table;
  }
}

// self becomes what `result` (stolen, a set of ours) holds.
static bool set_become(VM *vm, Value self, Ref result)
{
  if (!result) return false;
  set_swap(cd_as_set(self), cd_as_set(result));
  cd_drop(vm, result);
  return true;
}

// ---- operators: both sides must be sets ----

#define SET_BINARY_CHECK(a, b) if (!cd_is_any_set(a) || !cd_is_any_set(b)) return cd_not_implemented()

static Ref set_or(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  Ref result = set_copy_of(vm, left);
  if (result && !cd_is(left, right) && !cd_set_update(vm, result, right)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

static Ref set_and(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  return set_intersection_with(vm, left, right);
}

static Ref set_sub(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  return set_difference_with(vm, left, right);
}

static Ref set_xor(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  return set_symmetric_with(vm, left, right);
}

static Ref set_ior(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  return cd_set_update(vm, left, right) ? cd_dup(left) : NO_REF;
}

static Ref set_iand(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  return set_become(vm, left, set_intersection_with(vm, left, right)) ? cd_dup(left) : NO_REF;
}

static Ref set_isub(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  return set_difference_update_with(vm, left, right) ? cd_dup(left) : NO_REF;
}

static Ref set_ixor(VM *vm, Value left, Value right)
{
  SET_BINARY_CHECK(left, right);
  return set_symmetric_update_with(vm, left, right) ? cd_dup(left) : NO_REF;
}

// ---- methods ----

METHOD(set, add, "add(self, item, /)", "Puts an element into the set.\n\nIf it is there already, nothing changes.")
{
  return cd_set_add(vm, self, args[0]) ? cd_none() : NO_REF;
}

METHOD(set, clear, "clear(self, /)", "Takes all elements out.")
{
  set_clear_all(vm, cd_as_set(self));
  return cd_none();
}

METHOD(set, copy, "copy(self, /)", "A new set of the same elements.") { return set_copy_of(vm, self); }

METHOD_DEF_(frozenset_copy, "copy", "copy(self, /)", "A new set of the same elements.", 0)
{
  return cd_is_exact(self, vm->types.frozenset) ? cd_dup(self) : set_copy_of(vm, self);
}

METHOD(set, discard, "discard(self, item, /)",
       "Takes an element out if it is there.\n\nAn element that is missing is no error, as it is for remove().")
{
  return cd_set_discard(vm, self, args[0]) != FIND_ERROR ? cd_none() : NO_REF;
}

METHOD(set, remove, "remove(self, item, /)",
       "Takes an element out, which must be there. it must be a member.\n\nKeyError if it is not there.")
{
  Find found = cd_set_discard(vm, self, args[0]);
  if (found == FIND_HIT) return cd_none();
  return found == FIND_ERROR ? NO_REF : cd_raise_key(vm, args[0]);
}

METHOD(set, pop, "pop(self, /)", "Takes some element out and returns it.\nKeyError if there is none.")
{
  Set *s = cd_as_set(self);
  if (s->count == 0) {
    Ref text = cd_str_from(vm, "pop from an empty set");
    if (text) cd_raise_key(vm, text);
    cd_drop(vm, text);
    return NO_REF;
  }
  size_t i = s->finger & s->mask;
  while (!s->table[i].key) i = i == s->mask ? 0 : i + 1;
  Ref key = cd_take(&s->table[i].key);
  s->table[i].hash = SET_DELETED;
  s->count--;
  s->finger = i + 1;
  return key;
}

METHOD(set, update, "update(self, /, *others)", "Puts the elements of all the others into this set.")
{
  for (size_t i = 0; i < cd_tuple_size(args[0]); i++)
    if (!cd_set_update(vm, self, cd_tuple_item_borrow(args[0], i))) return NO_REF;
  return cd_none();
}

METHOD(set, union, "union(self, /, *others)", "A new set of the elements of this set and all the others.")
{
  Ref result = set_copy_of(vm, self);
  for (size_t i = 0; result && i < cd_tuple_size(args[0]); i++)
    if (!cd_set_update(vm, result, cd_tuple_item_borrow(args[0], i))) {
      cd_drop(vm, result);
      return NO_REF;
    }
  return result;
}

static Ref set_intersection_all(VM *vm, Value self, Value others)
{
  size_t count = cd_tuple_size(others);
  if (count == 0) return set_copy_of(vm, self);
  Ref result = cd_dup(self);
  for (size_t i = 0; result && i < count; i++) {
    Ref next = set_intersection_with(vm, result, cd_tuple_item_borrow(others, i));
    cd_drop(vm, result);
    result = next;
  }
  return result;
}

METHOD(set, intersection, "intersection(self, /, *others)",
       "A new set of what this set and all the others share.")
{
  return set_intersection_all(vm, self, args[0]);
}

METHOD(set, intersection_update, "intersection_update(self, /, *others)", "Keeps in this set only what all the others have too.")
{
  return set_become(vm, self, set_intersection_all(vm, self, args[0])) ? cd_none() : NO_REF;
}

METHOD(set, difference, "difference(self, /, *others)",
       "A new set of what is in this set and in none of the others.")
{
  size_t count = cd_tuple_size(args[0]);
  if (count == 0) return set_copy_of(vm, self);
  Ref result = set_difference_with(vm, self, cd_tuple_item_borrow(args[0], 0));
  for (size_t i = 1; result && i < count; i++)
    if (!set_difference_update_with(vm, result, cd_tuple_item_borrow(args[0], i))) {
      cd_drop(vm, result);
      return NO_REF;
    }
  return result;
}

METHOD(set, difference_update, "difference_update(self, /, *others)", "Takes out of this set what any of the others has.")
{
  for (size_t i = 0; i < cd_tuple_size(args[0]); i++)
    if (!set_difference_update_with(vm, self, cd_tuple_item_borrow(args[0], i))) return NO_REF;
  return cd_none();
}

METHOD(set, symmetric_difference, "symmetric_difference(self, other, /)",
       "A new set of what is in just one of the two.")
{
  return set_symmetric_with(vm, self, args[0]);
}

METHOD(set, symmetric_difference_update, "symmetric_difference_update(self, other, /)",
       "Makes this set what was in just one of the two.")
{
  return set_symmetric_update_with(vm, self, args[0]) ? cd_none() : NO_REF;
}


METHOD(set, isdisjoint, "isdisjoint(self, other, /)", "True if the two have no element in common.")
{
  Value walk = args[0], container = self;
  if (cd_is(self, walk)) return cd_bool(cd_set_count(self) == 0);
  if (cd_is_any_set(walk) && cd_set_count(walk) > cd_set_count(self)) {
    walk = self;
    container = args[0];
  }
  Ref iterator = cd_iter(vm, walk), item;
  if (!iterator) return NO_REF;
  Find found = FIND_MISSING;
  Next next = NEXT_DONE;
  while (found == FIND_MISSING && (next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    int64_t hash;
    SetEntry *e;
    found = cd_dict_hash_key(vm, item, &hash) ? set_lookup(vm, cd_as_set(container), item, hash, &e) : FIND_ERROR;
    cd_drop(vm, item);
  }
  cd_drop(vm, iterator);
  return next == NEXT_ERROR || found == FIND_ERROR ? NO_REF : cd_bool(found == FIND_MISSING);
}

METHOD(set, issubset, "issubset(self, other, /)", "Is every element of this set in the other?")
{
  bool holds;
  Ref other = cd_is_any_set(args[0]) ? cd_dup(args[0]) : cd_set_new(vm, args[0]);
  bool ok = other && set_is_subset(vm, cd_as_set(self), cd_as_set(other), &holds);
  cd_drop(vm, other);
  return ok ? cd_bool(holds) : NO_REF;
}

METHOD(set, issuperset, "issuperset(self, other, /)", "Is every element of the other in this set?")
{
  bool holds = true;
  if (cd_is_any_set(args[0])) return set_is_subset(vm, cd_as_set(args[0]), cd_as_set(self), &holds) ? cd_bool(holds) : NO_REF;
  Ref iterator = cd_iter(vm, args[0]), item;
  if (!iterator) return NO_REF;
  Next next = NEXT_DONE;
  while (holds && (next = cd_next(vm, iterator, &item)) == NEXT_ITEM) {
    bool ok = set_contains(vm, self, item, &holds);
    cd_drop(vm, item);
    if (!ok) next = NEXT_ERROR;
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_ERROR ? NO_REF : cd_bool(holds);
}

METHOD(set, __contains__, "__contains__(self, item, /)", "x.__contains__(y) <==> y in x.")
{
  bool found;
  return set_contains(vm, self, args[0], &found) ? cd_bool(found) : NO_REF;
}

METHOD(set, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  Ref list = cd_list_from(vm, self), arguments = list ? cd_tuple1(vm, list) : NO_REF;
  cd_drop(vm, list);
  if (!arguments) return NO_REF;
  return cd_tuple3_steal(vm, cd_dup_object(cd_type_of(vm, self)), arguments, cd_call_method0(vm, self, N(__getstate__)));
}

METHOD(set, __sizeof__, "__sizeof__(self, /)", "S.__sizeof__() -> bytes that S takes")
{
  const Set *s = cd_as_set(self);
  size_t size = cd_type_of(vm, self)->basicsize + (s->table != s->small ? (s->mask + 1) * sizeof(SetEntry) : 0);
  return cd_from_small((int64_t)size);
}

CLASS_METHOD(set, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585") { return cd_generic_alias_new(vm, self, args[0]); }

// ---- iterator ----

typedef struct SetIterator {
  Object head;
  Value set;
  size_t count, left, position;
} SetIterator;   // set owned; NO_VALUE: exhausted; count SIZE_MAX: changed

static Ref set_iter(VM *vm, Value self)
{
  SetIterator *it = cd_object_new(vm, vm->types.set_iterator, sizeof *it);
  if (!it) return NO_REF;
  it->set = cd_dup(self);
  it->count = it->left = cd_set_count(self);
  return cd_from_object(it);
}

static void set_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((SetIterator *)self)->set); }
static void set_iterator_traverse(Object *self, VisitFn visit, void *context) { visit(context, ((SetIterator *)self)->set); }

static Next set_iterator_next(VM *vm, Value self, Ref *out)
{
  SetIterator *it = (SetIterator *)cd_object(self);
  if (!it->set) return NEXT_DONE;
  const Set *s = cd_as_set(it->set);
  if (it->count != s->count) {
    it->count = SIZE_MAX;
    cd_raise_runtime(vm, "Set changed size during iteration");
    return NEXT_ERROR;
  }
  while (it->position <= s->mask && !s->table[it->position].key) it->position++;
  if (it->position > s->mask) {
    cd_clear(vm, &it->set);
    return NEXT_DONE;
  }
  it->left--;
  *out = cd_dup(s->table[it->position++].key);
  return NEXT_ITEM;
}

METHOD(set_iterator, __length_hint__, "__length_hint__(self, /)", "How many items are probably left; a hint for list().")
{
  const SetIterator *it = (SetIterator *)cd_object(self);
  return cd_from_small(it->set && it->count == cd_set_count(it->set) ? (int64_t)it->left : 0);
}

METHOD(set_iterator, __reduce__, "__reduce__(self, /)", "Return state information for pickling.")
{
  SetIterator *it = (SetIterator *)cd_object(self);
  Ref list = cd_list_new(vm), copy = list && it->set ? set_iter(vm, it->set) : NO_REF;
  bool ok = list && (copy || !it->set);
  if (copy) {
    SetIterator *c = (SetIterator *)cd_object(copy);
    c->count = it->count;
    c->left = it->left;
    c->position = it->position;
    ok = cd_list_extend(vm, cd_as_list(list), copy);
  }
  Ref result = ok ? cd_builtin_reduce(vm, "iter", 1, cd_lend(&list), NO_REF) : NO_REF;
  cd_drop(vm, copy);
  cd_drop(vm, list);
  return result;
}

static const MethodDef *const set_iterator_methods[] = {&set_iterator___length_hint___def, &set_iterator___reduce___def, NULL};

const TypeSpec cd_set_iterator_spec = {
  .name = "set_iterator",
  .basicsize = sizeof(SetIterator),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .methods = set_iterator_methods,
  .slots = {
    .release = set_iterator_release,
    .traverse = set_iterator_traverse,
    .iter = cd_self_iter,
    .next = set_iterator_next,
  },
};

// ---- the types ----

static const MethodDef *const set_methods[] = {
  &set_add_def, &set_clear_def, &set___contains___def, &set_copy_def, &set_discard_def, &set_difference_def, &set_difference_update_def,
  &set_intersection_def, &set_intersection_update_def, &set_isdisjoint_def, &set_issubset_def, &set_issuperset_def, &set_pop_def,
  &set___reduce___def, &set_remove_def, &set___sizeof___def, &set_symmetric_difference_def, &set_symmetric_difference_update_def,
  &set_union_def, &set_update_def, &set___class_getitem___def, NULL};

static const MethodDef *const frozenset_methods[] = {&set___contains___def,
                                                     &frozenset_copy_def,
                                                     &set_difference_def,
                                                     &set_intersection_def,
                                                     &set_isdisjoint_def,
                                                     &set_issubset_def,
                                                     &set_issuperset_def,
                                                     &set___reduce___def,
                                                     &set___sizeof___def,
                                                     &set_symmetric_difference_def,
                                                     &set_union_def,
                                                     &set___class_getitem___def,
                                                     NULL};

#define SET_SHARED_SLOTS                                                          \
  .release = set_release_final, .traverse = set_traverse, .repr = set_repr, .compare = set_compare, .iter = set_iter, .len = set_len,   \
  .contains = set_contains, .or_ = set_or, .and_ = set_and, .subtract = set_sub, .xor_ = set_xor

const TypeSpec cd_set_spec = {
  .name = "set",
  .doc = "set() -> an empty set\nset(iterable) -> a set of the iterable's items\n\nElements without an order, each of them once.",
  .basicsize = sizeof(Set),
  .flags = TYPE_BASE | TYPE_GC | TYPE_SET | TYPE_VALUE_MATCH | TYPE_IMMUTABLE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Set, weaklist),
  .methods = set_methods,
  .slots = {
    SET_SHARED_SLOTS,
    .clear = set_release,
    .new_ = set_new_slot,
    .init = set_init,
    .hash = cd_hash_unhashable,
    .ior = set_ior,
    .iand = set_iand,
    .isubtract = set_isub,
    .ixor = set_ixor,
  },
};

const TypeSpec cd_frozenset_spec = {
  .name = "frozenset",
  .doc = "frozenset() -> an empty one\nfrozenset(iterable) -> one of the iterable's items\n\nA set that cannot change, and so can be "
         "hashed.",
  .basicsize = sizeof(Set),
  .flags = TYPE_BASE | TYPE_GC | TYPE_FROZENSET | TYPE_VALUE_MATCH | TYPE_IMMUTABLE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(Set, weaklist),
  .methods = frozenset_methods,
  .slots =
    {
      SET_SHARED_SLOTS,
      .clear = set_release,
      .new_ = frozenset_new_slot,
      .hash = frozenset_hash,
    },
};
