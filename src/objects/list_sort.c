// SPDX-License-Identifier: MIT
// list_sort.c: list.sort: a stable, adaptive merge sort with galloping, and compares specialised by what the keys are
#include "objects/float.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

// The list is empty while its items are sorted, so whatever __lt__ or the key function does to it can't disturb the sort; it is
// reported at the end. Keys and items live in two parallel arrays (one, when there is no key function).
//
// Natural runs are found (a strictly descending one is reversed), short ones extended by binary insertion to `min_run`, and pending
// runs merged by the "powersort" rule (Munro and Wild 2018): each boundary gets the depth it would have in a nearly optimal merge
// tree. Merging trims what is in place already and gallops (exponential search) when one side keeps winning. At every moment the two
// arrays and `temporary` hold each item exactly once, or a merge in progress puts the rest back before it returns, error or not.

typedef struct Sorter Sorter;
typedef int (*SortLess)(Sorter *s, Value a, Value b);            // a < b: 1, 0, or -1 with an exception set

typedef struct SortRun { size_t start, length; int power; } SortRun;

struct Sorter {
  VM *vm;
  SortLess less;
  SortLess tuple_less;                           // for keys that are tuples: compares first items
  Value *keys, *items;                           // items NULL: keys are the items
  size_t size;
  Value *temporary;                              // room for temporary_size keys, then as many items
  size_t temporary_size;
  int min_gallop;
  SortRun runs[90];
  int run_count;
};

#define SORT_MIN_GALLOP 7

// ---- compares ----

static int sort_less_small(Sorter *s UNUSED, Value a, Value b) { return cd_small(a) < cd_small(b); }
static int sort_less_float(Sorter *s UNUSED, Value a, Value b) { return cd_float_value(a) < cd_float_value(b); }
static int sort_less_str(Sorter *s UNUSED, Value a, Value b) { return cd_str_compare(a, b) < 0; }

static int sort_truth_steal(VM *vm, Ref result)
{
  bool truth;
  if (!result) return -1;
  if (cd_is_bool(result)) return cd_is_true(result);
  bool ok = cd_truth(vm, result, &truth);
  cd_drop(vm, result);
  return ok ? truth : -1;
}

static int sort_less_any(Sorter *s, Value a, Value b) { return sort_truth_steal(s->vm, cd_compare(s->vm, a, b, COMPARE_LT)); }

// Both of one type whose compare slot is native or not, but needs no reflection.
static int sort_less_same_type(Sorter *s, Value a, Value b)
{
  Ref result = cd_type_of(s->vm, a)->slots.compare(s->vm, a, b, COMPARE_LT);
  if (!cd_is_not_implemented(result)) return sort_truth_steal(s->vm, result);
  return sort_less_any(s, a, b);
}

// Tuples: the first items that differ decide; usually those at index 0, whose kind is known.
static int sort_less_tuple(Sorter *s, Value a, Value b)
{
  const Tuple *x = cd_as_tuple(a), *y = cd_as_tuple(b);
  size_t i, common = x->size < y->size ? x->size : y->size;
  for (i = 0; i < common; i++) {
    bool equal;
    if (!cd_equal(s->vm, x->items[i], y->items[i], &equal)) return -1;
    if (!equal) break;
  }
  if (i == common) return x->size < y->size;
  return i == 0 ? s->tuple_less(s, x->items[0], y->items[0]) : sort_less_any(s, x->items[i], y->items[i]);
}

// The compare that fits every key at keys[i * stride] seen through `get`.
static SortLess sort_choose_scalar(VM *vm, const Value *keys, size_t size, bool first_items)
{
  bool small = true, floats = true, strs = true, same = true;
  Type *type = NULL;
  for (size_t i = 0; i < size; i++) {
    Value v = first_items ? cd_tuple_item_borrow(keys[i], 0) : keys[i];
    Type *t = cd_type_of(vm, v);
    if (!type) type = t;
    same = same && t == type;
    small = small && cd_is_small(v);
    floats = floats && t == vm->types.float_;
    strs = strs && t == vm->types.str;
    if (!same && !small && !floats && !strs) return sort_less_any;
  }
  if (small) return sort_less_small;
  if (floats) return sort_less_float;
  if (strs) return sort_less_str;
  return same && type->slots.compare && !(type->flags & TYPE_HEAP) ? sort_less_same_type : sort_less_any;
}

static void sort_choose(Sorter *s)
{
  bool tuples = s->size > 0;
  for (size_t i = 0; i < s->size && tuples; i++) tuples = cd_is_exact(s->keys[i], s->vm->types.tuple) && cd_tuple_size(s->keys[i]) > 0;
  s->less = tuples ? sort_less_tuple : sort_choose_scalar(s->vm, s->keys, s->size, false);
  s->tuple_less = tuples ? sort_choose_scalar(s->vm, s->keys, s->size, true) : NULL;
}

// ---- moving keys and items together ----

static inline void sort_put(Sorter *s, Value *keys, size_t to, const Value *from_keys, size_t from)
{
  keys[to] = from_keys[from];
  if (!s->items) return;
  // The item of a key sits at the same index of `items`, or behind the keys in `temporary`.
  Value *items = keys == s->temporary ? keys + s->temporary_size : s->items;
  const Value *from_items = from_keys == s->temporary ? from_keys + s->temporary_size : s->items;
  items[to] = from_items[from];
}

static void sort_move(Sorter *s, Value *keys, size_t to, const Value *from_keys, size_t from, size_t count)
{
  memmove(keys + to, from_keys + from, count * sizeof(Value));
  if (!s->items) return;
  Value *items = keys == s->temporary ? keys + s->temporary_size : s->items;
  const Value *from_items = from_keys == s->temporary ? from_keys + s->temporary_size : s->items;
  memmove(items + to, from_items + from, count * sizeof(Value));
}

static void sort_reverse_values(Value *values, size_t count)
{
  for (size_t i = 0, j = count; i + 1 < j; i++) {
    Value v = values[--j];
    values[j] = values[i];
    values[i] = v;
  }
}

static void sort_reverse(Sorter *s, size_t start, size_t count)
{
  sort_reverse_values(s->keys + start, count);
  if (s->items) sort_reverse_values(s->items + start, count);
}

static bool sort_need(Sorter *s, size_t count)
{
  if (count <= s->temporary_size) return true;
  size_t width = s->items ? 2 : 1;
  cd_free(s->vm, s->temporary, s->temporary_size * width * sizeof(Value));
  s->temporary_size = 0;
  s->temporary = cd_alloc_array(s->vm, count * width, sizeof(Value));
  if (!s->temporary) return false;
  s->temporary_size = count;
  return true;
}

// ---- runs ----

// Length of the run at `start`, at most `limit`; afterwards it ascends.
static bool sort_find_run(Sorter *s, size_t start, size_t limit, size_t *length)
{
  Value *k = s->keys + start;
  size_t n = 1;
  if (limit == 1) {
    *length = 1;
    return true;
  }
  int less = s->less(s, k[1], k[0]);
  if (less < 0) return false;
  bool descending = less;
  for (n = 2; n < limit; n++) {
    less = s->less(s, k[n], k[n - 1]);
    if (less < 0) return false;
    if ((less != 0) != descending) break;
  }
  if (descending) sort_reverse(s, start, n);
  *length = n;
  return true;
}

// Inserts keys[sorted..length) into the ascending keys[0..sorted) at `start`.
static bool sort_insert(Sorter *s, size_t start, size_t sorted, size_t length)
{
  Value *k = s->keys + start;
  for (; sorted < length; sorted++) {
    Value pivot = k[sorted], item = s->items ? s->items[start + sorted] : NO_VALUE;
    size_t low = 0, high = sorted;
    while (low < high) {
      size_t middle = low + (high - low) / 2;
      int less = s->less(s, pivot, k[middle]);
      if (less < 0) return false;
      if (less) high = middle;
      else low = middle + 1;
    }
    memmove(k + low + 1, k + low, (sorted - low) * sizeof(Value));
    k[low] = pivot;
    if (!s->items) continue;
    memmove(s->items + start + low + 1, s->items + start + low, (sorted - low) * sizeof(Value));
    s->items[start + low] = item;
  }
  return true;
}

// ---- galloping ----

// Number of keys in the ascending a[0..n) that belong before `key`: those < key, or <= key with `after_equal`.
static int sort_belongs(Sorter *s, Value in_run, Value key, bool after_equal)
{
  if (!after_equal) return s->less(s, in_run, key);
  int less = s->less(s, key, in_run);
  return less < 0 ? -1 : !less;
}

// Binary search in [low, high).
static bool sort_search(Sorter *s, Value key, const Value *a, size_t low, size_t high, bool after_equal, size_t *out)
{
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int before = sort_belongs(s, a[middle], key, after_equal);
    if (before < 0) return false;
    if (before) low = middle + 1;
    else high = middle;
  }
  *out = low;
  return true;
}

// The same by steps of 1, 3, 7, ... from the left end, then a binary search between the last two.
static bool sort_gallop_left(Sorter *s, Value key, const Value *a, size_t n, bool after_equal, size_t *out)
{
  size_t low = 0, step = 1, probe = 0;
  while (probe < n) {
    int before = sort_belongs(s, a[probe], key, after_equal);
    if (before < 0) return false;
    if (!before) return sort_search(s, key, a, low, probe, after_equal, out);
    low = probe + 1;
    probe += step;
    step *= 2;
  }
  return sort_search(s, key, a, low, n, after_equal, out);
}

static bool sort_gallop_right(Sorter *s, Value key, const Value *a, size_t n, bool after_equal, size_t *out)
{
  size_t high = n, step = 1, distance = 1;       // a[n - distance] is probed
  while (distance <= n) {
    int before = sort_belongs(s, a[n - distance], key, after_equal);
    if (before < 0) return false;
    if (before) return sort_search(s, key, a, n - distance + 1, high, after_equal, out);
    high = n - distance;
    distance += step;
    step *= 2;
  }
  return sort_search(s, key, a, 0, high, after_equal, out);
}

// ---- merging ----

// Left run is the shorter: it moves to `temporary`, then merging goes upwards. What remains of it is put back at the end in any case.
static bool sort_merge_low(Sorter *s, size_t start, size_t left, size_t right)
{
  if (!sort_need(s, left)) return false;
  sort_move(s, s->temporary, 0, s->keys, start, left);
  size_t i = 0, j = start + left, end = j + right, to = start;
  bool ok = true;
  size_t wins_left = 0, wins_right = 0;
  while (i < left && j < end) {
    if (wins_left < (size_t)s->min_gallop && wins_right < (size_t)s->min_gallop) {
      int less = s->less(s, s->keys[j], s->temporary[i]);
      if (less < 0) { ok = false; break; }
      if (less) { sort_put(s, s->keys, to++, s->keys, j++); wins_right++; wins_left = 0; }
      else { sort_put(s, s->keys, to++, s->temporary, i++); wins_left++; wins_right = 0; }
      continue;
    }
    size_t a, b;
    if (!sort_gallop_left(s, s->keys[j], s->temporary + i, left - i, true, &a)) { ok = false; break; }
    sort_move(s, s->keys, to, s->temporary, i, a);
    to += a;
    i += a;
    if (i == left) break;
    if (!sort_gallop_left(s, s->temporary[i], s->keys + j, end - j, false, &b)) { ok = false; break; }
    sort_move(s, s->keys, to, s->keys, j, b);
    to += b;
    j += b;
    if (a >= SORT_MIN_GALLOP || b >= SORT_MIN_GALLOP) { if (s->min_gallop > 1) s->min_gallop--; }
    else { s->min_gallop += 2; wins_left = wins_right = 0; }
  }
  sort_move(s, s->keys, to, s->temporary, i, left - i);
  return ok;
}

// Mirror image: the right run moves to `temporary`, merging goes downwards from the end.
static bool sort_merge_high(Sorter *s, size_t start, size_t left, size_t right)
{
  if (!sort_need(s, right)) return false;
  sort_move(s, s->temporary, 0, s->keys, start + left, right);
  size_t i = left, j = right, to = start + left + right;         // counts that remain; `to` is one past the next free place
  bool ok = true;
  size_t wins_left = 0, wins_right = 0;
  while (i > 0 && j > 0) {
    if (wins_left < (size_t)s->min_gallop && wins_right < (size_t)s->min_gallop) {
      int less = s->less(s, s->temporary[j - 1], s->keys[start + i - 1]);
      if (less < 0) { ok = false; break; }
      if (less) { sort_put(s, s->keys, --to, s->keys, start + --i); wins_left++; wins_right = 0; }
      else { sort_put(s, s->keys, --to, s->temporary, --j); wins_right++; wins_left = 0; }
      continue;
    }
    size_t keep, a, b;
    if (!sort_gallop_right(s, s->temporary[j - 1], s->keys + start, i, true, &keep)) { ok = false; break; }
    a = i - keep;
    to -= a;
    i = keep;
    sort_move(s, s->keys, to, s->keys, start + i, a);
    if (i == 0) break;
    if (!sort_gallop_right(s, s->keys[start + i - 1], s->temporary, j, false, &keep)) { ok = false; break; }
    b = j - keep;
    to -= b;
    j = keep;
    sort_move(s, s->keys, to, s->temporary, j, b);
    if (a >= SORT_MIN_GALLOP || b >= SORT_MIN_GALLOP) { if (s->min_gallop > 1) s->min_gallop--; }
    else { s->min_gallop += 2; wins_left = wins_right = 0; }
  }
  sort_move(s, s->keys, to - j, s->temporary, 0, j);
  return ok;
}

static bool sort_merge(Sorter *s, int n)         // runs n and n + 1
{
  SortRun *a = &s->runs[n], *b = &s->runs[n + 1];
  size_t start = a->start, left = a->length, right = b->length, skip, keep;
  a->length += right;
  memmove(b, b + 1, (size_t)(s->run_count - n - 2) * sizeof *b);
  s->run_count--;
  // Items of the left run that are in place, and of the right run likewise.
  if (!sort_gallop_left(s, s->keys[start + left], s->keys + start, left, true, &skip)) return false;
  start += skip;
  left -= skip;
  if (left == 0) return true;
  if (!sort_gallop_right(s, s->keys[start + left - 1], s->keys + start + left, right, false, &keep)) return false;
  right = keep;
  if (right == 0) return true;
  return left <= right ? sort_merge_low(s, start, left, right) : sort_merge_high(s, start, left, right);
}

// Depth of the boundary between two runs: the first binary digit in which their midpoints, as fractions of the whole, differ.
static int sort_power(const SortRun *a, const SortRun *b, size_t size)
{
  uint64_t x = 2 * (uint64_t)a->start + a->length, y = x + a->length + b->length, n = 2 * (uint64_t)size;
  int power = 0;
  for (;; power++) {
    x *= 2;
    y *= 2;
    bool high_x = x >= n, high_y = y >= n;
    if (high_x != high_y) return power;
    if (high_x) {
      x -= n;
      y -= n;
    }
  }
}

static size_t sort_min_run(size_t n)
{
  size_t odd = 0;
  while (n >= 64) {
    odd |= n & 1;
    n >>= 1;
  }
  return n + odd;
}

static bool sort_run_all(Sorter *s)
{
  size_t start = 0, min_run = sort_min_run(s->size);
  while (start < s->size) {
    size_t left = s->size - start, length;
    if (!cd_poll(s->vm) || !sort_find_run(s, start, left, &length)) return false;
    if (length < min_run) {
      size_t wanted = left < min_run ? left : min_run;
      if (!sort_insert(s, start, length, wanted)) return false;
      length = wanted;
    }
    SortRun run = {start, length, 0};
    if (s->run_count > 0) {
      int power = sort_power(&s->runs[s->run_count - 1], &run, s->size);
      while (s->run_count > 1 && s->runs[s->run_count - 2].power > power)
        if (!sort_merge(s, s->run_count - 2)) return false;
      s->runs[s->run_count - 1].power = power;
    }
    s->runs[s->run_count++] = run;
    start += length;
  }
  while (s->run_count > 1)
    if (!sort_merge(s, s->run_count - 2)) return false;
  return true;
}

// ---- the method ----

static bool sort_make_keys(Sorter *s, Value key)
{
  Value *keys = cd_alloc_array(s->vm, s->size, sizeof(Value));
  if (!keys) return false;
  for (size_t i = 0; i < s->size; i++) {
    if (!(keys[i] = cd_call1(s->vm, key, s->items[i]))) {
      while (i-- > 0) cd_drop(s->vm, cd_take(&keys[i]));
      cd_free(s->vm, keys, s->size * sizeof(Value));
      return false;
    }
  }
  s->keys = keys;
  return true;
}

static bool sort_values(VM *vm, Value *items, size_t size, Value key, bool reverse)
{
  Sorter s = {.vm = vm, .keys = items, .size = size, .min_gallop = SORT_MIN_GALLOP};
  bool keyed = key && !cd_is_none(key);
  if (keyed) {
    s.items = items;
    if (!sort_make_keys(&s, key)) return false;
  }
  // Reversing before and after keeps equal items in their order.
  if (reverse) sort_reverse(&s, 0, size);
  bool ok = true;
  if (size > 1) {
    sort_choose(&s);
    ok = sort_run_all(&s);
  }
  if (reverse) sort_reverse(&s, 0, size);
  if (s.temporary) cd_free(vm, s.temporary, s.temporary_size * (keyed ? 2 : 1) * sizeof(Value));
  if (keyed) {
    for (size_t i = 0; i < size; i++) cd_drop(vm, cd_take(&s.keys[i]));
    cd_free(vm, s.keys, size * sizeof(Value));
  }
  return ok;
}

bool cd_list_sort(VM *vm, List *list, Value key, bool reverse)
{
  Value *items = list->items;
  size_t size = list->size, capacity = list->capacity;
  list->items = NULL;
  list->size = list->capacity = 0;

  bool ok = sort_values(vm, items, size, key, reverse);
  bool modified = list->items != NULL;           // any growth gives the list a block, even if it is empty again
  List changed = *list;
  list->items = items;
  list->size = size;
  list->capacity = capacity;
  if (modified) {
    for (size_t i = changed.size; i-- > 0;) cd_drop(vm, cd_take(&changed.items[i]));
    cd_free(vm, changed.items, changed.capacity * sizeof(Value));
    if (ok) return cd_raise_value(vm, "list modified during sort");
  }
  return ok;
}
