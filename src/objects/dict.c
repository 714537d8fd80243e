// SPDX-License-Identifier: MIT
// dict.c: insertion-ordered hash tables; the picture is above `struct Dict` in dict.h, views and iterators are in dict_views.c
#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- the index table ----
//
// A slot holds an entry number, or SLOT_EMPTY (ends a probe) or SLOT_DELETED (does not). Its width follows from the number of slots, so
// that the numbers (at most two thirds of the slots) fit a signed integer. Probing visits hash, then mixes in its upper bits bit by bit.

enum { SLOT_EMPTY = -1, SLOT_DELETED = -2 };
#define DICT_MIN_SLOTS 8
#define DICT_MAX_SLOTS (UINT32_C(1) << 31)

static inline size_t dict_slot_width(size_t slots) { return slots <= 128 ? 1 : slots <= 32768 ? 2 : 4; }
static inline size_t dict_usable(size_t slots) { return slots / 3 * 2 + slots % 3 * 2 / 3; }

static inline int32_t dict_slot(const Dict *d, size_t i)
{
  if (d->mask < 128) return ((const int8_t *)d->index)[i];
  if (d->mask < 32768) return ((const int16_t *)d->index)[i];
  return ((const int32_t *)d->index)[i];
}

static inline void dict_set_slot(Dict *d, size_t i, int32_t entry)
{
  if (d->mask < 128) ((int8_t *)d->index)[i] = (int8_t)entry;
  else if (d->mask < 32768) ((int16_t *)d->index)[i] = (int16_t)entry;
  else ((int32_t *)d->index)[i] = entry;
}

#define DICT_PROBE(d, hash) size_t i = (size_t)(hash) & (d)->mask, perturb = (size_t)(hash)
#define DICT_PROBE_NEXT(d) (perturb >>= 5, i = (i * 5 + perturb + 1) & (d)->mask)

static inline size_t dict_block_size(size_t capacity, size_t slots)
{
  return capacity * sizeof(DictEntry) + slots * dict_slot_width(slots);
}

static void dict_free_block(VM *vm, DictEntry *entries, size_t capacity, uint32_t mask)
{
  if (entries) cd_free(vm, entries, dict_block_size(capacity, (size_t)mask + 1));
}

// Enters number `entry` for a hash that is known to be absent.
static void dict_index_add(Dict *d, int64_t hash, int32_t entry)
{
  DICT_PROBE(d, hash);
  int32_t n;
  while ((n = dict_slot(d, i)) >= 0) DICT_PROBE_NEXT(d);
  d->filled += n == SLOT_EMPTY;
  dict_set_slot(d, i, entry);
}

static void dict_index_remove(Dict *d, int64_t hash, int32_t entry)
{
  DICT_PROBE(d, hash);
  while (dict_slot(d, i) != entry) DICT_PROBE_NEXT(d);
  dict_set_slot(d, i, SLOT_DELETED);
}

// Moves the live entries to a new block with room for at least `wanted`. Runs no Python.
static bool dict_resize(VM *vm, Dict *d, size_t wanted)
{
  size_t slots = DICT_MIN_SLOTS;
  while (dict_usable(slots) < wanted) {
    slots *= 2;
    if (slots > DICT_MAX_SLOTS) return cd_raise_memory(vm);
  }
  size_t capacity = dict_usable(slots);
  DictEntry *entries = cd_alloc(vm, dict_block_size(capacity, slots)), *old = d->entries;
  if (!entries) return false;
  size_t old_capacity = d->capacity, old_used = d->used, used = 0;
  uint32_t old_mask = d->mask;

  d->entries = entries;
  d->index = entries + capacity;
  d->capacity = capacity;
  d->mask = (uint32_t)(slots - 1);
  d->version = 0;
  d->filled = 0;
  memset(d->index, 0xFF, slots * dict_slot_width(slots));
  for (size_t n = 0; n < old_used; n++) {
    if (!old[n].key) continue;
    entries[used] = old[n];
    dict_index_add(d, old[n].hash, (int32_t)used++);
  }
  d->used = used;
  d->first = 0;
  dict_free_block(vm, old, old_capacity, old_mask);
  return true;
}

// No room for one more entry. popitem() gives entries back but not their index slots, so these are counted apart.
static inline bool dict_is_full(const Dict *d) { return d->used == d->capacity || d->filled >= d->capacity; }

static NO_INLINE bool dict_grow(VM *vm, Dict *d)
{
  return dict_resize(vm, d, d->count + d->count / 2 + (d->count < 64 ? d->count / 2 : 0) + 1);
}

// ---- lookup ----

static inline bool dict_is_plain_str(VM *vm, Value key) { return cd_is_exact(key, vm->types.str); }

bool cd_dict_hash_key(VM *vm, Value key, int64_t *hash)
{
  if (cd_is_small(key)) {
    int64_t n = cd_small(key);
    if (LIKELY(n > SMALL_INT_MIN + 1 && n < SMALL_INT_MAX)) {
      *hash = n == -1 ? -2 : n;
      return true;
    }
  } else if (dict_is_plain_str(vm, key)) {
    Str *s = (Str *)cd_object(key);
    *hash = LIKELY(s->hash != -1) ? s->hash : cd_str_hash(vm, key);
    return true;
  }
  return cd_hash(vm, key, hash);
}

// Entry of an exact str in a dict that holds nothing else, or -1. Nearly always the first entry seen is the very same object.
static ALWAYS_INLINE int64_t dict_lookup_str(const Dict *d, Value key, int64_t hash)
{
  if (UNLIKELY(!d->mask)) return -1;
  DICT_PROBE(d, hash);
  for (;; DICT_PROBE_NEXT(d)) {
    int32_t n = dict_slot(d, i);
    if (n >= 0) {
      const DictEntry *e = &d->entries[n];
      if (LIKELY(cd_is(e->key, key)) || (e->hash == hash && cd_str_equal(e->key, key))) return n;
    } else if (n == SLOT_EMPTY) {
      return -1;
    }
  }
}

// Same for any keys. When __eq__ changed the dict, the search starts again.
static NO_INLINE Find dict_lookup_any(VM *vm, Dict *d, Value key, int64_t hash, int64_t *out)
{
restart:
  *out = -1;
  if (!d->mask) return FIND_MISSING;
  DICT_PROBE(d, hash);
  for (;; DICT_PROBE_NEXT(d)) {
    int32_t n = dict_slot(d, i);
    if (n == SLOT_EMPTY) return FIND_MISSING;
    if (n < 0) continue;
    const DictEntry *entries = d->entries, *e = &entries[n];
    if (cd_is(e->key, key)) {
      *out = n;
      return FIND_HIT;
    }
    if (e->hash != hash) continue;
    bool equal;
    Ref start = cd_dup(e->key);
    bool ok = cd_equal(vm, start, key, &equal);
    bool same = d->entries == entries && (size_t)n < d->used && cd_is(d->entries[n].key, start);
    cd_drop(vm, start);
    if (!ok) return FIND_ERROR;
    if (!same) goto restart;
    if (equal) {
      *out = n;
      return FIND_HIT;
    }
  }
}

static ALWAYS_INLINE Find dict_lookup(VM *vm, Dict *d, Value key, int64_t hash, int64_t *out)
{
  if (LIKELY(d->str_keys && dict_is_plain_str(vm, key))) {
    *out = dict_lookup_str(d, key, hash);
    return *out >= 0 ? FIND_HIT : FIND_MISSING;
  }
  return dict_lookup_any(vm, d, key, hash, out);
}

Find cd_dict_lookup(VM *vm, Dict *dict, Value key, int64_t hash, int64_t *entry) { return dict_lookup(vm, dict, key, hash, entry); }

Find cd_dict_find_hash(VM *vm, Value dict, Value key, int64_t hash, Ref *out)
{
  Dict *d = cd_as_dict(dict);
  int64_t n;
  Find found = dict_lookup(vm, d, key, hash, &n);
  if (found == FIND_HIT) *out = cd_dup(d->entries[n].value);
  return found;
}

Find cd_dict_find(VM *vm, Value dict, Value key, Ref *out)
{
  int64_t hash;
  return cd_dict_hash_key(vm, key, &hash) ? cd_dict_find_hash(vm, dict, key, hash, out) : FIND_ERROR;
}

static inline int64_t dict_name_hash(VM *vm, Value name)
{
  int64_t hash = cd_as_str(name)->hash;
  return LIKELY(hash != -1) ? hash : cd_str_hash(vm, name);
}

// A name in a dict with odd keys: their __eq__ may run; an error counts as absent, and an exception that is already set stays.
static COLD Value dict_get_name_odd(VM *vm, Dict *d, Value name)
{
  Ref raised = cd_take_raised(vm);
  int64_t n, hash;
  Find found = cd_dict_hash_key(vm, name, &hash) ? dict_lookup_any(vm, d, name, hash, &n) : FIND_ERROR;
  if (found == FIND_ERROR) cd_clear_raised(vm);
  if (raised) cd_restore_raised(vm, raised);
  return found == FIND_HIT ? d->entries[n].value : NO_VALUE;
}

Value cd_dict_get_name_borrow(VM *vm, Value dict, Value name)
{
  Dict *d = cd_as_dict(dict);
  if (UNLIKELY(!d->str_keys || !dict_is_plain_str(vm, name))) return dict_get_name_odd(vm, d, name);
  int64_t n = dict_lookup_str(d, name, dict_name_hash(vm, name));
  return n >= 0 ? d->entries[n].value : NO_VALUE;
}

Value cd_dict_get_text_borrow(VM *vm, Value dict, const char *name)
{
  Dict *d = cd_as_dict(dict);
  if (LIKELY(d->str_keys)) {                     // the key lives for the search only: nothing is allocated, nothing can fail
    size_t size = strlen(name);
    Str key = {.head = {.refcount = 1, .type = vm->types.str},
               .hash = cd_hash_bytes(vm->hash_key, name, size),
               .size = size,
               .data = (char *)(uintptr_t)name};
    int64_t n = dict_lookup_str(d, cd_from_object(&key), key.hash);
    return n >= 0 ? d->entries[n].value : NO_VALUE;
  }
  Ref raised = cd_take_raised(vm), key = cd_str_from(vm, name);
  Value value = NO_VALUE;
  if (key) value = cd_dict_get_name_borrow(vm, dict, key);
  else cd_clear_raised(vm);
  cd_drop(vm, key);
  if (raised) cd_restore_raised(vm, raised);
  return value;
}

int64_t cd_dict_entry_of(VM *vm, Value dict, Value name)
{
  Dict *d = cd_as_dict(dict);
  if (!d->str_keys || !dict_is_plain_str(vm, name)) return -1;
  (void)cd_dict_version(vm, d);
  return dict_lookup_str(d, name, dict_name_hash(vm, name));
}

// ---- making and changing ----

Ref cd_dict_new(VM *vm)
{
  Dict *d = cd_object_new(vm, vm->types.dict, sizeof(Dict));
  if (!d) return NO_REF;
  d->str_keys = true;
  return cd_from_object(d);
}

Ref cd_dict_with_capacity(VM *vm, size_t count)
{
  Ref dict = cd_dict_new(vm);
  if (!dict || !count || dict_resize(vm, cd_as_dict(dict), count)) return dict;
  cd_drop(vm, dict);
  return NO_REF;
}

// Appends an entry for a key that is absent; takes both references, on failure too.
static inline bool dict_append(VM *vm, Dict *d, Ref key, int64_t hash, Ref value)
{
  if (UNLIKELY(dict_is_full(d)) && !dict_grow(vm, d)) {
    cd_drop(vm, key);
    cd_drop(vm, value);
    return false;
  }
  if (d->str_keys && !dict_is_plain_str(vm, key)) d->str_keys = false;
  dict_index_add(d, hash, (int32_t)d->used);
  d->entries[d->used++] = (DictEntry){hash, key, value};
  d->count++;
  d->version = 0;
  return true;
}

static inline bool dict_set_steal(VM *vm, Dict *d, Value key, int64_t hash, Ref value)
{
  int64_t n;
  Ref held = cd_dup(key);                        // before __eq__ runs
  Find found = dict_lookup(vm, d, held, hash, &n);
  if (found == FIND_MISSING) return dict_append(vm, d, held, hash, value);
  if (found == FIND_HIT) cd_replace(vm, &d->entries[n].value, value);
  else cd_drop(vm, value);
  cd_drop(vm, held);
  return found != FIND_ERROR;
}

bool cd_dict_set_hash(VM *vm, Value dict, Value key, int64_t hash, Value value)
{
  return dict_set_steal(vm, cd_as_dict(dict), key, hash, cd_dup(value));
}

bool cd_dict_set(VM *vm, Value dict, Value key, Value value)
{
  int64_t hash;
  return cd_dict_hash_key(vm, key, &hash) && dict_set_steal(vm, cd_as_dict(dict), key, hash, cd_dup(value));
}

bool cd_dict_set_text_steal(VM *vm, Value dict, const char *name, Ref value)
{
  if (!value) return false;
  Ref key = cd_intern(vm, name);
  if (!key) {
    cd_drop(vm, value);
    return false;
  }
  bool ok = dict_set_steal(vm, cd_as_dict(dict), key, dict_name_hash(vm, key), value);
  cd_drop(vm, key);
  return ok;
}

bool cd_dict_set_text(VM *vm, Value dict, const char *name, Value value) { return cd_dict_set_text_steal(vm, dict, name, cd_dup(value)); }

// Takes entry `n` out; key and value go to the caller.
static void dict_remove_entry(Dict *d, int64_t n, Ref *key, Ref *value)
{
  DictEntry *e = &d->entries[n];
  dict_index_remove(d, e->hash, (int32_t)n);
  *key = cd_take(&e->key);
  *value = cd_take(&e->value);
  d->count--;
  d->version = 0;
  if ((size_t)n == d->first) d->first++;
}

static Find dict_pop_hash(VM *vm, Dict *d, Value key, int64_t hash, Ref *out)
{
  int64_t n;
  Find found = dict_lookup(vm, d, key, hash, &n);
  if (found != FIND_HIT) return found;
  Ref old_key;
  dict_remove_entry(d, n, &old_key, out);
  cd_drop(vm, old_key);
  return FIND_HIT;
}

Find cd_dict_pop_hash(VM *vm, Value dict, Value key, int64_t hash, Ref *out) { return dict_pop_hash(vm, cd_as_dict(dict), key, hash, out); }

Find cd_dict_pop(VM *vm, Value dict, Value key, Ref *out)
{
  Dict *d = cd_as_dict(dict);
  int64_t hash;
  return cd_dict_hash_key(vm, key, &hash) ? dict_pop_hash(vm, d, key, hash, out) : FIND_ERROR;
}

Find cd_dict_delete(VM *vm, Value dict, Value key)
{
  Ref value;
  Find found = cd_dict_pop(vm, dict, key, &value);
  if (found == FIND_HIT) cd_drop(vm, value);
  return found;
}

Find cd_dict_popitem(VM *vm, Value dict, Ref *key, Ref *value)
{
  Dict *d = cd_as_dict(dict);
  if (d->count == 0) return FIND_MISSING;
  while (!d->entries[d->used - 1].key) d->used--;
  dict_remove_entry(d, (int64_t)d->used - 1, key, value);
  if (--d->used < d->first) d->first = d->used;
  return FIND_HIT;
}

Ref cd_dict_setdefault(VM *vm, Value dict, Value key, Value fallback)
{
  Dict *d = cd_as_dict(dict);
  int64_t hash, n;
  if (!cd_dict_hash_key(vm, key, &hash)) return NO_REF;
  Find found = dict_lookup(vm, d, key, hash, &n);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_HIT) return cd_dup(d->entries[n].value);
  return dict_append(vm, d, cd_dup(key), hash, cd_dup(fallback)) ? cd_dup(fallback) : NO_REF;
}

// Rebuilds with `gap` free entries in front.
static bool dict_make_front_gap(VM *vm, Dict *d, size_t gap)
{
  if (!dict_resize(vm, d, d->count + gap + d->count / 4 + 1)) return false;
  memmove(d->entries + gap, d->entries, d->used * sizeof(DictEntry));
  memset(d->entries, 0, gap * sizeof(DictEntry));
  d->used += gap;
  d->first = gap;
  d->filled = 0;
  memset(d->index, 0xFF, ((size_t)d->mask + 1) * dict_slot_width((size_t)d->mask + 1));
  for (size_t n = gap; n < d->used; n++) dict_index_add(d, d->entries[n].hash, (int32_t)n);
  return true;
}

// Deleted entries are the free room at either end; when there is none, the block is rebuilt with some.
bool cd_dict_move_entry(VM *vm, Dict *d, int64_t entry, bool last)
{
  Value key = d->entries[entry].key;
  while (d->first < d->used && !d->entries[d->first].key) d->first++;
  if (last ? (size_t)entry + 1 == d->used : (size_t)entry == d->first) return true;
  if (last ? dict_is_full(d) : d->first == 0 || d->filled >= d->capacity) {
    if (!(last ? dict_grow(vm, d) : dict_make_front_gap(vm, d, d->count / 2 + 4))) return false;
    for (entry = 0; !cd_is(d->entries[entry].key, key);) entry++;    // the same object, for keys are unique
  }
  DictEntry e = d->entries[entry];
  size_t to = last ? d->used++ : --d->first;
  dict_index_remove(d, e.hash, (int32_t)entry);
  d->entries[entry].key = d->entries[entry].value = NO_VALUE;
  dict_index_add(d, e.hash, (int32_t)to);
  d->entries[to] = e;
  d->version = 0;
  return true;
}

void cd_dict_clear(VM *vm, Value dict)
{
  Dict *d = cd_as_dict(dict);
  DictEntry *entries = d->entries;
  size_t used = d->used, capacity = d->capacity;
  uint32_t mask = d->mask;
  d->entries = NULL;
  d->index = NULL;
  d->count = d->used = d->capacity = d->first = 0;
  d->mask = d->version = d->filled = 0;
  d->str_keys = true;
  for (size_t i = 0; i < used; i++) {
    cd_drop(vm, cd_take(&entries[i].key));
    cd_drop(vm, cd_take(&entries[i].value));
  }
  dict_free_block(vm, entries, capacity, mask);
}

// ---- copying and merging ----

// Fills the empty dict `to` with a block that mirrors `from`, which has no deleted entries.
static bool dict_clone_block(VM *vm, Dict *to, const Dict *from)
{
  size_t size = dict_block_size(from->capacity, (size_t)from->mask + 1);
  DictEntry *entries = cd_alloc(vm, size);
  if (!entries) return false;
  dict_free_block(vm, to->entries, to->capacity, to->mask);
  memcpy(entries, from->entries, size);
  for (size_t i = 0; i < from->used; i++) {
    (void)cd_dup(entries[i].key);
    (void)cd_dup(entries[i].value);
  }
  to->entries = entries;
  to->index = entries + from->capacity;
  to->capacity = from->capacity;
  to->mask = from->mask;
  to->count = from->count;
  to->used = from->used;
  to->first = 0;
  to->filled = from->filled;
  to->str_keys = from->str_keys;
  to->version = 0;
  return true;
}

// `override` 0: keep what is there; 1: replace; 2: KeyError(key) for a repeated key.
static bool dict_put_merged(VM *vm, Dict *d, Value key, int64_t hash, Value value, int override)
{
  if (override == 1) return dict_set_steal(vm, d, key, hash, cd_dup(value));
  int64_t n;
  Find found = dict_lookup(vm, d, key, hash, &n);
  if (found == FIND_MISSING) return dict_append(vm, d, cd_dup(key), hash, cd_dup(value));
  if (found == FIND_HIT && override == 2) cd_raise_key(vm, key);
  return found == FIND_HIT && override == 0;
}

static bool dict_merge_dict(VM *vm, Dict *d, Dict *other, int override)
{
  if (d == other || other->count == 0) return true;
  if (d->used == 0 && other->count == other->used && other->capacity < 2 * other->count + DICT_MIN_SLOTS)
    return dict_clone_block(vm, d, other);
  if (d->capacity - d->used < other->count && !dict_resize(vm, d, d->count + other->count)) return false;
  size_t used = other->used;
  for (size_t i = other->first; i < other->used; i++) {
    if (!other->entries[i].key) continue;
    DictEntry e = other->entries[i];
    Ref key = cd_dup(e.key), value = cd_dup(e.value);
    bool ok = dict_put_merged(vm, d, key, e.hash, value, override);
    cd_drop(vm, key);
    cd_drop(vm, value);
    if (!ok) return false;
    if (other->used != used) return cd_raise_runtime(vm, "dict mutated during update");
  }
  return true;
}

static bool dict_merge_key(VM *vm, Dict *d, Value mapping, Value key, int override)
{
  int64_t hash, n;
  if (override != 1) {
    if (!cd_dict_hash_key(vm, key, &hash)) return false;
    Find found = dict_lookup(vm, d, key, hash, &n);
    if (found == FIND_ERROR) return false;
    if (found == FIND_HIT) return override == 0 || cd_raise_key(vm, key);
  }
  Ref value = cd_getitem(vm, mapping, key);
  if (!value) return false;
  bool ok = cd_dict_set(vm, cd_from_object(d), key, value);
  cd_drop(vm, value);
  return ok;
}

static bool dict_merge_mapping(VM *vm, Dict *d, Value mapping, int override)
{
  Ref keys = cd_call_method0(vm, mapping, N(keys));
  if (!keys) return false;
  Ref iterator = cd_iter(vm, keys), key;
  cd_drop(vm, keys);
  if (!iterator) return false;
  Next next;
  while ((next = cd_next(vm, iterator, &key)) == NEXT_ITEM) {
    bool ok = dict_merge_key(vm, d, mapping, key, override);
    cd_drop(vm, key);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

static bool dict_merge(VM *vm, Value dict, Value other, int override)
{
  if (cd_is_dict(other) && cd_type_of(vm, other)->slots.iter == vm->types.dict->slots.iter)
    return dict_merge_dict(vm, cd_as_dict(dict), cd_as_dict(other), override);
  return dict_merge_mapping(vm, cd_as_dict(dict), other, override);
}

bool cd_dict_merge(VM *vm, Value dict, Value mapping, bool override) { return dict_merge(vm, dict, mapping, override ? 1 : 2); }

static bool dict_set_pair(VM *vm, Value dict, Value item, size_t number)
{
  Ref pair = cd_fast_sequence(vm, item, "");
  if (!pair) {
    if (cd_swallow(vm, vm->exc.TypeError))
      cd_raise_type(vm, "cannot convert dictionary update sequence element #%zu to a sequence", number);
    return false;
  }
  size_t size;
  const Value *items = cd_sequence_items(pair, &size);
  bool ok = size == 2;
  if (ok) {
    Ref key = cd_dup(items[0]), value = cd_dup(items[1]);
    ok = cd_dict_set(vm, dict, key, value);
    cd_drop(vm, key);
    cd_drop(vm, value);
  } else {
    cd_raise_value(vm, "dictionary update sequence element #%zu has length %zu; 2 is required", number, size);
  }
  cd_drop(vm, pair);
  return ok;
}

static bool dict_update_pairs(VM *vm, Value dict, Value iterable)
{
  Ref iterator = cd_iter(vm, iterable), item;
  if (!iterator) return false;
  Next next;
  for (size_t number = 0; (next = cd_next(vm, iterator, &item)) == NEXT_ITEM; number++) {
    bool ok = dict_set_pair(vm, dict, item, number);
    cd_drop(vm, item);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

bool cd_dict_update(VM *vm, Value dict, Value other)
{
  if (cd_is_exact(other, vm->types.dict)) return dict_merge(vm, dict, other, 1);
  Ref keys;
  Find found = cd_getattr_find(vm, other, N(keys), &keys);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) return dict_update_pairs(vm, dict, other);
  cd_drop(vm, keys);
  return dict_merge(vm, dict, other, 1);
}

bool cd_dict_update_args(VM *vm, Value self, const char *name, const Value *args, size_t nargs, Value kwnames)
{
  if (!cd_check_positional(vm, name, nargs, 0, 1)) return false;
  if (nargs && !cd_dict_update(vm, self, args[0])) return false;
  size_t count = kwnames ? cd_tuple_size(kwnames) : 0;
  for (size_t i = 0; i < count; i++)
    if (!cd_dict_set(vm, self, cd_tuple_item_borrow(kwnames, i), args[nargs + i])) return false;
  return true;
}

Ref cd_dict_copy(VM *vm, Value dict)
{
  Ref copy = cd_dict_new(vm);
  if (copy && !dict_merge_dict(vm, cd_as_dict(copy), cd_as_dict(dict), 1)) {
    cd_drop(vm, copy);
    return NO_REF;
  }
  return copy;
}

static Ref dict_list(VM *vm, Value dict, bool keys)
{
  Dict *d = cd_as_dict(dict);
  Ref result = cd_list_with_capacity(vm, d->count);
  if (!result) return NO_REF;
  List *list = cd_as_list(result);
  for (size_t i = d->first; i < d->used; i++)
    if (d->entries[i].key) list->items[list->size++] = cd_dup(keys ? d->entries[i].key : d->entries[i].value);
  return result;
}

Ref cd_dict_keys_list(VM *vm, Value dict) { return dict_list(vm, dict, true); }
Ref cd_dict_values_list(VM *vm, Value dict) { return dict_list(vm, dict, false); }

Ref cd_dict_items_list(VM *vm, Value dict)
{
  Dict *d = cd_as_dict(dict);
  Ref result = cd_list_with_capacity(vm, d->count);
  if (!result) return NO_REF;
  for (size_t i = d->first; i < d->used; i++) {
    if (!d->entries[i].key) continue;
    Ref pair = cd_tuple2(vm, d->entries[i].key, d->entries[i].value);
    if (!pair || !cd_list_append_steal(vm, cd_as_list(result), pair)) {
      cd_drop(vm, result);
      return NO_REF;
    }
  }
  return result;
}

// ---- lifetime ----

static Ref dict_new_slot(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Dict *d = cd_instance_new(vm, type);
  if (!d) return NO_REF;
  d->str_keys = true;
  return cd_from_object(d);
}

static bool dict_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  return cd_dict_update_args(vm, self, "dict", args, nargs, kwnames);
}

static void dict_release(VM *vm, Object *self) { cd_dict_clear(vm, cd_from_object(self)); }

static void dict_traverse(Object *self, VisitFn visit, void *context)
{
  Dict *d = (Dict *)self;
  for (size_t i = d->first; i < d->used; i++) {
    visit(context, d->entries[i].key);
    visit(context, d->entries[i].value);
  }
}

// ---- text and comparison ----

static bool dict_repr_items(VM *vm, Dict *d, TextBuilder *text)
{
  bool ok = true, first = true;
  for (size_t i = d->first; ok && i < d->used; i++) {
    if (!d->entries[i].key) continue;
    Ref key = cd_dup(d->entries[i].key), value = cd_dup(d->entries[i].value);
    ok = (first || cd_text_puts(text, ", ")) && cd_text_repr(text, key) && cd_text_puts(text, ": ") && cd_text_repr(text, value);
    first = false;
    cd_drop(vm, key);
    cd_drop(vm, value);
  }
  return ok;
}

static Ref dict_repr(VM *vm, Value self)
{
  Dict *d = cd_as_dict(self);
  ReprState state = cd_repr_enter(vm, self);
  if (state != REPR_FRESH) return state == REPR_INSIDE ? cd_str_from(vm, "{...}") : NO_REF;
  if (d->count == 0) {
    cd_repr_leave(vm, self);
    return cd_str_from(vm, "{}");
  }
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_puts(&text, "{") && dict_repr_items(vm, d, &text) && cd_text_puts(&text, "}");
  cd_repr_leave(vm, self);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

// Is `other`'s value for this entry equal? The entry may vanish while comparing.
static bool dict_entry_equal(VM *vm, DictEntry e, Dict *other, bool *equal)
{
  int64_t n;
  Ref key = cd_dup(e.key), value = cd_dup(e.value);
  *equal = false;
  Find found = dict_lookup(vm, other, key, e.hash, &n);
  bool ok = found != FIND_ERROR;
  if (found == FIND_HIT) {
    Ref theirs = cd_dup(other->entries[n].value);
    ok = cd_equal(vm, value, theirs, equal);
    cd_drop(vm, theirs);
  }
  cd_drop(vm, key);
  cd_drop(vm, value);
  return ok;
}

static Ref dict_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if (!cd_is_dict(self) || !cd_is_dict(other) || (op != COMPARE_EQ && op != COMPARE_NE)) return cd_not_implemented();
  Dict *a = cd_as_dict(self), *b = cd_as_dict(other);
  bool equal = a->count == b->count;
  for (size_t i = a->first; equal && i < a->used; i++)
    if (a->entries[i].key && !dict_entry_equal(vm, a->entries[i], b, &equal)) return NO_REF;
  return cd_bool(equal == (op == COMPARE_EQ));
}

// ---- subscripts ----

static bool dict_len(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)cd_dict_count(self);
  return true;
}

static COLD Ref dict_missing(VM *vm, Value self, Value key)
{
  if (!cd_is_exact(self, vm->types.dict)) {
    Ref missing;
    Find found = cd_lookup_special(vm, self, N(__missing__), &missing);
    if (found == FIND_ERROR) return NO_REF;
    if (found == FIND_HIT) {
      Ref result = cd_call1(vm, missing, key);
      cd_drop(vm, missing);
      return result;
    }
  }
  return cd_raise_key(vm, key);
}

static Ref dict_getitem(VM *vm, Value self, Value key)
{
  Ref value;
  Find found = cd_dict_find(vm, self, key, &value);
  if (LIKELY(found == FIND_HIT)) return value;
  return found == FIND_ERROR ? NO_REF : dict_missing(vm, self, key);
}

static bool dict_setitem(VM *vm, Value self, Value key, Value value)
{
  if (value) return cd_dict_set(vm, self, key, value);
  Find found = cd_dict_delete(vm, self, key);
  return found == FIND_HIT || (found == FIND_MISSING && cd_raise_key(vm, key));
}

static bool dict_contains(VM *vm, Value self, Value item, bool *out)
{
  int64_t hash, n;
  if (!cd_dict_hash_key(vm, item, &hash)) return false;
  Find found = dict_lookup(vm, cd_as_dict(self), item, hash, &n);
  *out = found == FIND_HIT;
  return found != FIND_ERROR;
}

static Ref dict_or(VM *vm, Value left, Value right)
{
  if (!cd_is_dict(left) || !cd_is_dict(right)) return cd_not_implemented();
  Ref result = cd_dict_copy(vm, left);
  if (result && !cd_dict_update(vm, result, right)) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

static Ref dict_inplace_or(VM *vm, Value left, Value right) { return cd_dict_update(vm, left, right) ? cd_dup(left) : NO_REF; }

// ---- methods ----

METHOD(dict, __contains__, "__contains__(self, key, /)", "Does the dictionary have this key?")
{
  bool found;
  return dict_contains(vm, self, args[0], &found) ? cd_bool(found) : NO_REF;
}

METHOD(dict, __getitem__, "__getitem__(self, key, /)", "x.__getitem__(y) <==> x[y]") { return dict_getitem(vm, self, args[0]); }

METHOD(dict, __sizeof__, "__sizeof__(self, /)", "D.__sizeof__() -> bytes that D takes")
{
  Dict *d = cd_as_dict(self);
  size_t size = cd_type_of(vm, self)->basicsize;
  if (d->entries) size += dict_block_size(d->capacity, (size_t)d->mask + 1);
  return cd_from_small((int64_t)size);
}

METHOD(dict, get, "get(self, key, default=None, /)", "The value stored under key; default where there is none.")
{
  Ref value;
  Find found = cd_dict_find(vm, self, args[0], &value);
  if (found == FIND_HIT) return value;
  if (found == FIND_ERROR) return NO_REF;
  return args[1] ? cd_dup(args[1]) : cd_none();
}

METHOD(dict, setdefault, "setdefault(self, key, default=None, /)",
       "The value under key, which first becomes default where the key is missing.\n\nThe value stored under key; default where there is "
       "none.")
{
  return cd_dict_setdefault(vm, self, args[0], args[1] ? args[1] : cd_none());
}

METHOD_RAW(dict, pop, "pop(key[, default])",
           "D.pop(key[, default]) -> takes the key out and gives its value.\n\nA missing key gives default where one was passed; "
           "otherwise,\nraise a KeyError.")
{
  if (!cd_no_keywords(vm, "dict.pop", kwnames) || !cd_check_positional(vm, "pop", nargs, 1, 2)) return NO_REF;
  Ref value;
  Find found = FIND_MISSING;
  if (cd_dict_count(self) || nargs == 1) found = cd_dict_pop(vm, self, args[0], &value);
  if (found == FIND_HIT) return value;
  if (found == FIND_ERROR) return NO_REF;
  return nargs == 2 ? cd_dup(args[1]) : cd_raise_key(vm, args[0]);
}

METHOD(dict, popitem, "popitem(self, /)",
       "Takes the newest pair out and returns it as (key, value).\n\nWhat went in last comes out first.\nKeyError when nothing is left.")
{
  Ref key, value;
  if (cd_dict_popitem(vm, self, &key, &value) == FIND_HIT) return cd_tuple2_steal(vm, key, value);
  Ref text = cd_str_from(vm, "popitem(): dictionary is empty");
  if (!text) return NO_REF;
  cd_raise_with(vm, vm->exc.KeyError, text);
  cd_drop(vm, text);
  return NO_REF;
}

METHOD_RAW(dict, update, "update([E, ]**F)",
           "D.update([E, ]**F) -> None.\n\nPuts what E and F hold into D. E is a mapping, known by its keys(), or an\niterable of (key, "
           "value) pairs; F, the keywords, comes last.")
{
  return cd_dict_update_args(vm, self, "update", args, nargs, kwnames) ? cd_none() : NO_REF;
}

// Keys of exact dicts and sets come with their hashes.
static bool dict_fill_from_hashed(VM *vm, Value result, Value keys, Value value)
{
  Dict *d = cd_as_dict(result);
  bool set = cd_is_any_set(keys);
  size_t count = set ? cd_set_count(keys) : cd_dict_count(keys), i = set ? 0 : cd_as_dict(keys)->first;
  if (count && !dict_resize(vm, d, count)) return false;
  for (;; i++) {
    Value key;
    int64_t hash;
    if (set) {
      const Set *s = cd_as_set(keys);
      if (i > s->mask) return true;
      key = s->table[i].key;
      hash = s->table[i].hash;
    } else {
      const Dict *from = cd_as_dict(keys);
      if (i >= from->used) return true;
      key = from->entries[i].key;
      hash = from->entries[i].hash;
    }
    if (key && !dict_set_steal(vm, d, key, hash, cd_dup(value))) return false;
  }
}

static bool dict_fill_from_keys(VM *vm, Value result, Value iterable, Value value)
{
  if (cd_is_exact(result, vm->types.dict) && cd_as_dict(result)->used == 0 && !cd_is(result, iterable) &&
      (cd_is_exact(iterable, vm->types.dict) || cd_is_exact(iterable, vm->types.set) || cd_is_exact(iterable, vm->types.frozenset)))
    return dict_fill_from_hashed(vm, result, iterable, value);
  Ref iterator = cd_iter(vm, iterable), key;
  if (!iterator) return false;
  bool exact = cd_is_exact(result, vm->types.dict);
  Next next;
  while ((next = cd_next(vm, iterator, &key)) == NEXT_ITEM) {
    bool ok = exact ? cd_dict_set(vm, result, key, value) : cd_setitem(vm, result, key, value);
    cd_drop(vm, key);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE;
}

CLASS_METHOD(dict, fromkeys, "fromkeys(type, iterable, value=None, /)",
             "A new dictionary that gives every key of the iterable the same value.")
{
  Ref result = cd_call0(vm, self);
  if (result && !dict_fill_from_keys(vm, result, args[0], args[1] ? args[1] : cd_none())) {
    cd_drop(vm, result);
    return NO_REF;
  }
  return result;
}

METHOD(dict, clear, "clear(self, /)", "D.clear() -> None.  Remove all items from D.")
{
  cd_dict_clear(vm, self);
  return cd_none();
}

METHOD(dict, copy, "copy(self, /)", "D.copy() -> a new dict with the same keys and values") { return cd_dict_copy(vm, self); }
METHOD(dict, keys, "keys(self, /)", "D.keys() -> a live view of the keys, with set operations")
{
  return cd_dict_view_new(vm, vm->types.dict_keys, self);
}
METHOD(dict, items, "items(self, /)", "D.items() -> a live view of the (key, value) pairs, with set operations")
{
  return cd_dict_view_new(vm, vm->types.dict_items, self);
}
METHOD(dict, values, "values(self, /)", "D.values() -> a live view of the values")
{
  return cd_dict_view_new(vm, vm->types.dict_values, self);
}
METHOD(dict, __reversed__, "__reversed__(self, /)", "Walks the keys from the last to the first.")
{
  return cd_dict_iterator_new(vm, vm->types.dict_reverse_key_iterator, self);
}
CLASS_METHOD(dict, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585") { return cd_generic_alias_new(vm, self, args[0]); }

static Ref dict_iter(VM *vm, Value self) { return cd_dict_iterator_new(vm, vm->types.dict_key_iterator, self); }

static const MethodDef *const dict_methods[] = {
  &dict___contains___def, &dict___getitem___def, &dict___sizeof___def, &dict_get_def, &dict_setdefault_def, &dict_pop_def,
  &dict_popitem_def, &dict_keys_def, &dict_items_def, &dict_values_def, &dict_update_def, &dict_fromkeys_def, &dict_clear_def,
  &dict_copy_def, &dict___reversed___def, &dict___class_getitem___def, NULL};

const TypeSpec cd_dict_spec = {
  .name = "dict",
  .doc = "dict() -> an empty dictionary\ndict(mapping) -> one with the keys and values of a mapping\ndict(iterable) -> one from (key, "
         "value) pairs; a later pair wins\ndict(**kwargs) -> one whose keys are the keywords, as in dict(one=1, two=2)",
  .basicsize = sizeof(Dict),
  .flags = TYPE_BASE | TYPE_GC | TYPE_DICT | TYPE_MAPPING | TYPE_VALUE_MATCH | TYPE_IMMUTABLE,
  .methods = dict_methods,
  .slots = {
    .release = dict_release,
    .traverse = dict_traverse,
    .clear = dict_release,
    .new_ = dict_new_slot,
    .init = dict_init,
    .repr = dict_repr,
    .hash = cd_hash_unhashable,
    .compare = dict_compare,
    .iter = dict_iter,
    .len = dict_len,
    .getitem = dict_getitem,
    .setitem = dict_setitem,
    .contains = dict_contains,
    .or_ = dict_or,
    .ior = dict_inplace_or,
  },
};
