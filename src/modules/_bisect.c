// SPDX-License-Identifier: MIT
// _bisect.c: searching in and inserting into sorted sequences
#include "modules/module_list.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"

// Is `x` (a key) before the item's key (right), or the item's key before x (left)? Runs Python.
static bool bisect_less(VM *vm, Value x, Value item, Value key, bool right, bool *less)
{
  Ref item_key = cd_bits(key) && !cd_is_none(key) ? cd_call1(vm, key, item) : cd_dup(item);
  if (!item_key) return false;
  Ref answer = right ? cd_compare(vm, x, item_key, COMPARE_LT) : cd_compare(vm, item_key, x, COMPARE_LT);
  cd_drop(vm, item_key);
  bool ok = answer && cd_truth(vm, answer, less);
  cd_drop(vm, answer);
  return ok;
}

static Ref bisect_item(VM *vm, Value sequence, int64_t i)
{
  if (cd_is_exact(sequence, vm->types.list) && i < (int64_t)cd_list_size(sequence)) return cd_dup(cd_list_item_borrow(sequence, (size_t)i));
  Ref index = cd_int_from_i64(vm, i), item = index ? cd_getitem(vm, sequence, index) : NO_REF;
  cd_drop(vm, index);
  return item;
}

// args: a, x, lo, hi, key. `x` may be a key made of args[1].
static bool bisect_search(VM *vm, const Value *args, Value x, bool right, int64_t *out)
{
  int64_t low = 0, high = -1;
  if (cd_bits(args[2]) && !cd_to_i64(vm, args[2], &low, vm->exc.OverflowError)) return false;
  if (cd_bits(args[3]) && !cd_is_none(args[3]) && !cd_to_i64(vm, args[3], &high, vm->exc.OverflowError)) return false;
  if (low < 0) return cd_raise_value(vm, "lo must be non-negative");
  if (high == -1 && !cd_len(vm, args[0], &high)) return false;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    bool less;
    Ref item = bisect_item(vm, args[0], middle);
    bool ok = item && bisect_less(vm, x, item, args[4], right, &less);
    cd_drop(vm, item);
    if (!ok) return false;
    if (less == right) high = middle;
    else low = middle + 1;
  }
  *out = low;
  return true;
}

static Ref bisect_find(VM *vm, const Value *args, bool right)
{
  int64_t index;
  return bisect_search(vm, args, args[1], right, &index) ? cd_int_from_i64(vm, index) : NO_REF;
}

static Ref bisect_insert(VM *vm, const Value *args, bool right)
{
  int64_t index;
  Ref x = cd_bits(args[4]) && !cd_is_none(args[4]) ? cd_call1(vm, args[4], args[1]) : cd_dup(args[1]);
  bool found = x && bisect_search(vm, args, x, right, &index);
  cd_drop(vm, x);
  if (!found) return NO_REF;
  if (cd_is_exact(args[0], vm->types.list)) return cd_list_insert(vm, cd_as_list(args[0]), index, args[1]) ? cd_none() : NO_REF;
  Ref position = cd_int_from_i64(vm, index),
      result = position ? cd_call_method(vm, args[0], N(insert), (Value[]){position, args[1]}, 2) : NO_REF;
  cd_drop(vm, position);
  if (!result) return NO_REF;
  cd_drop(vm, result);
  return cd_none();
}

FUNCTION(_bisect, bisect_right, "bisect_right(a, x, lo=0, hi=None, *, key=None)",
         "Where to put x into the sorted list a so that it stays sorted.\n\nAll items before it are <= x, all behind it are > x: with "
         "equal items, x comes\nafter them. lo (default 0) and hi (default len(a)) bound the slice of a to be\nsearched. With a key "
         "function, keys of items are compared with x.")
{
  return bisect_find(vm, args, true);
}
FUNCTION(_bisect, bisect_left, "bisect_left(a, x, lo=0, hi=None, *, key=None)",
         "Where to put x into the sorted list a so that it stays sorted.\n\nAll items before it are < x, all behind it are >= x: with "
         "equal items, x comes\nbefore them. lo (default 0) and hi (default len(a)) bound the slice of a to be\nsearched. With a key "
         "function, keys of items are compared with x.")
{
  return bisect_find(vm, args, false);
}
FUNCTION(_bisect, insort_right, "insort_right(a, x, lo=0, hi=None, *, key=None)",
         "Puts x into the sorted list a where it belongs.\n\nWith equal items, x goes behind them. lo (default 0) and hi (default len(a))\n"
         "bound the slice of a to be searched.")
{
  return bisect_insert(vm, args, true);
}
FUNCTION(_bisect, insort_left, "insort_left(a, x, lo=0, hi=None, *, key=None)",
         "Puts x into the sorted list a where it belongs.\n\nWith equal items, x goes before them. lo (default 0) and hi (default len(a))\n"
         "bound the slice of a to be searched.")
{
  return bisect_insert(vm, args, false);
}

static const MethodDef *const bisect_functions[] = {
  &_bisect_bisect_right_def, &_bisect_bisect_left_def, &_bisect_insort_right_def, &_bisect_insort_left_def, NULL,
};

const ModuleDef cd_module__bisect = {
  .name = "_bisect",
  .doc = "Bisection: finding places in a sorted list, so that it need not be sorted after each insertion.",
  .functions = bisect_functions,
};
