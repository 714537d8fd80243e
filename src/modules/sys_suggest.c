// SPDX-License-Identifier: MIT
// sys_suggest.c: names that look like a mistyped one
#include "modules/sys_suggest.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

// Edit distance with weights: a letter put in, taken out or replaced costs MOVE, another case of the same letter CASE. Only names that
// change in no more than a third of their letters are offered.
enum { SUGGEST_MOVE = 2, SUGGEST_CASE = 1, SUGGEST_MAX_CANDIDATES = 750, SUGGEST_MAX_SIZE = 40 };

static size_t suggest_replace_cost(char a, char b)
{
  if (a == b) return 0;
  if ((a & 31) != (b & 31)) return SUGGEST_MOVE;
  char lower_a = a >= 'A' && a <= 'Z' ? (char)(a + 32) : a, lower_b = b >= 'A' && b <= 'Z' ? (char)(b + 32) : b;
  return lower_a == lower_b ? SUGGEST_CASE : SUGGEST_MOVE;
}

// The distance, or limit + 1 when it is larger than `limit`.
static size_t suggest_distance(const char *a, size_t a_size, const char *b, size_t b_size, size_t limit)
{
  while (a_size && b_size && *a == *b) a++, b++, a_size--, b_size--;
  while (a_size && b_size && a[a_size - 1] == b[b_size - 1]) a_size--, b_size--;
  if (!a_size || !b_size) return (a_size + b_size) * SUGGEST_MOVE;
  if (a_size > SUGGEST_MAX_SIZE || b_size > SUGGEST_MAX_SIZE) return limit + 1;
  if (b_size < a_size) {
    const char *text = a;
    size_t size = a_size;
    a = b, a_size = b_size, b = text, b_size = size;
  }
  if ((b_size - a_size) * SUGGEST_MOVE > limit) return limit + 1;
  size_t row[SUGGEST_MAX_SIZE], result = 0;
  for (size_t i = 0; i < a_size; i++) row[i] = (i + 1) * SUGGEST_MOVE;
  for (size_t j = 0; j < b_size; j++) {
    size_t distance = result = j * SUGGEST_MOVE, minimum = SIZE_MAX;
    for (size_t i = 0; i < a_size; i++) {
      size_t replaced = distance + suggest_replace_cost(b[j], a[i]);
      distance = row[i];
      size_t moved = (result < distance ? result : distance) + SUGGEST_MOVE;
      result = moved < replaced ? moved : replaced;
      row[i] = result;
      if (result < minimum) minimum = result;
    }
    if (minimum > limit) return limit + 1;
  }
  return result;
}

static Ref suggest_among(VM *vm, Ref names, Value wanted)
{
  if (!names) return NO_REF;
  Ref best = NO_REF;
  size_t best_distance = SIZE_MAX, count = cd_list_size(names), size = cd_str_size(wanted);
  for (size_t i = 0; count < SUGGEST_MAX_CANDIDATES && i < count; i++) {
    Value name = cd_list_item_borrow(names, i);
    if (!cd_is_str(name) || cd_str_equal(name, wanted)) continue;
    size_t limit = (size + cd_str_size(name) + 3) * SUGGEST_MOVE / 6;
    if (limit > best_distance - 1) limit = best_distance - 1;
    size_t distance = suggest_distance(cd_str_data(wanted), size, cd_str_data(name), cd_str_size(name), limit);
    if (distance > limit || (best && distance >= best_distance)) continue;
    cd_drop(vm, best);
    best = cd_dup(name);
    best_distance = distance;
  }
  cd_drop(vm, names);
  return best;
}

static Ref suggest_attribute(VM *vm, const AttributeException *e)
{
  if (!cd_bits(e->object) || !cd_bits(e->name) || !cd_is_str(e->name)) return NO_REF;
  Ref names = cd_object_dir(vm, e->object);
  if (names && (!cd_is_list(names) || !cd_list_sort(vm, cd_as_list(names), NO_VALUE, false))) { cd_drop(vm, names); return NO_REF; }
  return suggest_among(vm, names, e->name);
}

// Local names of the frame where the error happened, then its globals, then builtins.
static Ref suggest_name(VM *vm, const NameException *e)
{
  if (!cd_bits(e->name) || !cd_is_str(e->name) || !cd_bits(e->traceback) || !cd_is_exact(e->traceback, vm->types.traceback)) return NO_REF;
  const Traceback *entry = (const Traceback *)cd_object(e->traceback);
  while (entry->next) entry = entry->next;
  const Frame *frame = entry->frame->frame;
  if (!frame || !frame->code) return NO_REF;
  const Value tuples[] = {frame->code->varnames, frame->code->cellvars, frame->code->freevars};
  Ref names = cd_list_new(vm);
  for (size_t i = 0; names && i < ARRAY_LEN(tuples); i++)
    if (cd_bits(tuples[i]) && !cd_list_extend(vm, cd_as_list(names), tuples[i])) { cd_drop(vm, names); return NO_REF; }
  Ref found = suggest_among(vm, names, e->name);
  if (!found && cd_bits(frame->globals) && cd_is_dict(frame->globals))
    found = suggest_among(vm, cd_dict_keys_list(vm, frame->globals), e->name);
  if (!found && cd_bits(frame->builtins) && cd_is_dict(frame->builtins))
    found = suggest_among(vm, cd_dict_keys_list(vm, frame->builtins), e->name);
  return found;
}

Ref cd_exception_suggestion(VM *vm, Value exception)
{
  if (cd_is_exact(exception, vm->exc.AttributeError)) return suggest_attribute(vm, (const AttributeException *)cd_object(exception));
  if (cd_is_exact(exception, vm->exc.NameError)) return suggest_name(vm, (const NameException *)cd_object(exception));
  return NO_REF;
}
