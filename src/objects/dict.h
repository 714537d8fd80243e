// SPDX-License-Identifier: MIT
// dict.h: insertion-ordered hash tables
#ifndef CEDE_OBJECTS_DICT_H
#define CEDE_OBJECTS_DICT_H

#include "core/vm.h"

typedef struct DictEntry { int64_t hash; Value key, value; } DictEntry;    // key NO_VALUE: deleted

// A compact dict: `entries[0..used)` in insertion order (some deleted), and behind them an index table of 1, 2 or 4-byte
// slots (power of two, `mask` + 1) that maps hashes to entry numbers by open addressing. `version` changes whenever the key set or the
// place of an entry changes, NOT when the value of a present key is replaced: caches of globals and builtins compare it and then read
// entries[i].value. Unique over all dicts of the VM; 0 until somebody asks by cd_dict_entry_of(), so that ordinary insertions use no
// numbers up.
struct Dict {
  Object head;
  size_t count;                                  // live entries
  size_t used, capacity;                         // entries in use (with deleted ones), entries allocated
  uint32_t mask;                                 // index slots - 1; 0: no table yet
  uint32_t version;
  size_t first;                                  // no live entry before this one
  uint32_t filled;                               // index slots in use or marked deleted; the rest ends every probe
  bool str_keys;                                 // every key is an exact str: lookups of str need no __eq__
  DictEntry *entries;                            // one block: entries, then index
  void *index;
};

MUST_USE Ref cd_dict_new(VM *vm);
MUST_USE Ref cd_dict_with_capacity(VM *vm, size_t count);
MUST_USE Ref cd_dict_copy(VM *vm, Value dict);
static inline size_t cd_dict_count(Value d) { return cd_as_dict(d)->count; }
// Lookups run __hash__ and __eq__ unless key is an exact str (the name variants). HIT gives a new reference.
MUST_USE Find cd_dict_find(VM *vm, Value dict, Value key, Ref *out);
MUST_USE Find cd_dict_find_hash(VM *vm, Value dict, Value key, int64_t hash, Ref *out);
// Exact str key: runs Python only when the dict holds odd keys with equal hashes; NO_VALUE: absent (never an exception). Borrowed until the
// dict changes.
Value cd_dict_get_name_borrow(VM *vm, Value dict, Value name);
Value cd_dict_get_text_borrow(VM *vm, Value dict, const char *name);
MUST_USE bool cd_dict_set(VM *vm, Value dict, Value key, Value value);
MUST_USE bool cd_dict_set_hash(VM *vm, Value dict, Value key, int64_t hash, Value value);
MUST_USE bool cd_dict_set_text(VM *vm, Value dict, const char *name, Value value);   // interns name
MUST_USE bool cd_dict_set_text_steal(VM *vm, Value dict, const char *name, Ref value);   // NO_REF value: returns false
MUST_USE Find cd_dict_delete(VM *vm, Value dict, Value key);     // MISSING: no exception
MUST_USE Find cd_dict_pop(VM *vm, Value dict, Value key, Ref *out);
MUST_USE Find cd_dict_pop_hash(VM *vm, Value dict, Value key, int64_t hash, Ref *out);
MUST_USE Ref cd_dict_setdefault(VM *vm, Value dict, Value key, Value fallback);
MUST_USE bool cd_dict_update(VM *vm, Value dict, Value other);   // dict.update(other): mapping or pairs
// {**a} and f(**kw): override false raises KeyError(key) on a repeat.
MUST_USE bool cd_dict_merge(VM *vm, Value dict, Value mapping, bool override);
void cd_dict_clear(VM *vm, Value dict);
// for (size_t i = 0; cd_dict_each(d, &i, &key, &value);)  borrowed; the dict must not change
static inline bool cd_dict_each(Value dict, size_t *i, Value *key, Value *value)
{
  const Dict *d = cd_as_dict(dict);
  if (*i < d->first) *i = d->first;
  while (*i < d->used) {
    const DictEntry *e = &d->entries[(*i)++];
    if (cd_bits(e->key)) { *key = e->key; *value = e->value; return true; }
  }
  return false;
}
MUST_USE Ref cd_dict_keys_list(VM *vm, Value dict);
MUST_USE Ref cd_dict_values_list(VM *vm, Value dict);
MUST_USE Ref cd_dict_items_list(VM *vm, Value dict);
MUST_USE Ref cd_dict_view_new(VM *vm, Type *type, Value dict);   // type: vm->types.dict_keys, dict_values, dict_items or a subclass
// Takes the last entry out. MISSING when empty.
MUST_USE Find cd_dict_popitem(VM *vm, Value dict, Ref *key, Ref *value);
// Key lookup that also tells the entry number (-1: absent); runs Python. For containers built on dicts.
MUST_USE Find cd_dict_lookup(VM *vm, Dict *dict, Value key, int64_t hash, int64_t *entry);
MUST_USE bool cd_dict_update_args(VM *vm, Value self, const char *name, const Value *args, size_t nargs,
                                  Value kwnames);   // update(other=(), /, **kwargs)
MUST_USE bool cd_dict_hash_key(VM *vm, Value key, int64_t *hash);
MUST_USE Ref cd_dict_iterator_new(VM *vm, Type *type, Value dict);   // type: one of the six dict iterators, or a subclass
// Moves a present entry behind all others, or in front of them. For OrderedDict.
MUST_USE bool cd_dict_move_entry(VM *vm, Dict *dict, int64_t entry, bool last);
// A number that stays while no key comes, goes or moves; never 0.
static inline uint32_t cd_dict_version(VM *vm, Dict *dict)
{
  while (!dict->version) dict->version = ++vm->dict_version;
  return dict->version;
}
extern const TypeSpec cd_dict_spec;
typedef struct DictView { Object head; Value dict; } DictView;   // owned; dict_keys, dict_values, dict_items
// For inline caches: entry number of a str key, or -1; sets dict->version if it is 0. Valid while dict->version is unchanged
// (entries[i].value is current as long as keys are).
int64_t cd_dict_entry_of(VM *vm, Value dict, Value name);

#endif
