// SPDX-License-Identifier: MIT
// ops.c: the parts of instructions that need not be fast
#include "vm/eval.h"

#include "coro/generator.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/iterator.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

// ---- names ----

static Ref ops_not_defined(VM *vm, Value name) { return cd_raise_name(vm, name, "name '%U' is not defined", name); }

// A name in a mapping that may be any object: dicts are asked directly.
static Find ops_find(VM *vm, Value mapping, Value name, Ref *out)
{
  if (cd_is_exact(mapping, vm->types.dict)) return cd_dict_find(vm, mapping, name, out);
  Ref v = cd_getitem(vm, mapping, name);
  if (cd_bits(v)) { *out = v; return FIND_HIT; }
  return cd_swallow(vm, vm->exc.KeyError) ? FIND_MISSING : FIND_ERROR;
}

static Find ops_find_global(VM *vm, Frame *frame, Value name, Ref *out)
{
  Find found = cd_is_dict(frame->globals) && !cd_is_exact(frame->globals, vm->types.dict) ? ops_find(vm, frame->globals, name, out)
                                                                                        : cd_dict_find(vm, frame->globals, name, out);
  return found == FIND_MISSING ? ops_find(vm, frame->builtins, name, out) : found;
}

Ref cd_load_global(VM *vm, Frame *frame, Value name)
{
  Ref v;
  Find found = ops_find_global(vm, frame, name, &v);
  if (found == FIND_MISSING) return ops_not_defined(vm, name);
  return found == FIND_HIT ? v : NO_REF;
}

// A name used by a type parameter's bound or the like, right in a class: base[0] is the class's namespace, base[1] the name, base[2] the
// cell of a function around or None.
Ref cd_load_in_class(VM *vm, Frame *frame, const Value *base)
{
  Ref v;
  Find found = ops_find(vm, base[0], base[1], &v);
  if (found != FIND_MISSING) return found == FIND_HIT ? v : NO_REF;
  if (!cd_is_exact(base[2], vm->types.cell)) return cd_load_global(vm, frame, base[1]);
  Value value = ((Cell *)cd_object(base[2]))->value;
  return cd_bits(value)
           ? cd_dup(value)
           : cd_raise_name(vm, base[1], "cannot access free variable '%U' where it is not associated with a value in enclosing scope",
                           base[1]);
}

Ref cd_load_name(VM *vm, Frame *frame, Value name)
{
  Ref v;
  if (!cd_bits(frame->locals)) return cd_raise_system(vm, "no locals when loading '%U'", name);
  Find found = ops_find(vm, frame->locals, name, &v);
  if (found == FIND_MISSING) {
    if (cd_is(frame->locals, frame->globals)) found = ops_find(vm, frame->builtins, name, &v);
    else found = ops_find_global(vm, frame, name, &v);
  }
  if (found == FIND_MISSING) return ops_not_defined(vm, name);
  return found == FIND_HIT ? v : NO_REF;
}

bool cd_store_name(VM *vm, Frame *frame, Value name, Value value)
{
  if (!cd_bits(frame->locals)) { cd_raise_system(vm, "no locals found when storing '%U'", name); return false; }
  if (cd_is_exact(frame->locals, vm->types.dict)) return cd_dict_set(vm, frame->locals, name, value);
  return cd_setitem(vm, frame->locals, name, value);
}

bool cd_delete_name(VM *vm, Frame *frame, Value name)
{
  if (!cd_bits(frame->locals)) { cd_raise_system(vm, "no locals when deleting '%U'", name); return false; }
  if (cd_is_exact(frame->locals, vm->types.dict)) {
    Find found = cd_dict_delete(vm, frame->locals, name);
    if (found == FIND_MISSING) ops_not_defined(vm, name);
    return found == FIND_HIT;
  }
  if (cd_setitem(vm, frame->locals, name, NO_VALUE)) return true;
  if (cd_swallow(vm, vm->exc.KeyError)) ops_not_defined(vm, name);
  return false;
}

bool cd_delete_global(VM *vm, Frame *frame, Value name)
{
  Find found = cd_dict_delete(vm, frame->globals, name);
  if (found == FIND_MISSING) ops_not_defined(vm, name);
  return found == FIND_HIT;
}

Ref cd_unbound_local(VM *vm, const Code *code, uint32_t reg)
{
  if (reg >= code->local_count) return cd_unbound_cell(vm, code, reg);
  return cd_raise(vm, vm->exc.UnboundLocalError, "cannot access local variable '%U' where it is not associated with a value",
                  cd_tuple_item_borrow(code->varnames, reg));
}

// The name behind a cell register; *free tells whether it is a free variable.
static Value ops_cell_name(const Code *code, uint32_t reg, bool *free)
{
  *free = false;
  for (uint32_t i = 0; i < code->cell_count; i++)
    if (code->cell_registers[i] == reg) return cd_tuple_item_borrow(code->cellvars, i);
  *free = true;
  return cd_tuple_item_borrow(code->freevars, reg - code->first_free);
}

Ref cd_unbound_cell(VM *vm, const Code *code, uint32_t reg)
{
  bool free;
  Value name = ops_cell_name(code, reg, &free);
  if (!free)
    return cd_raise(vm, vm->exc.UnboundLocalError, "cannot access local variable '%U' where it is not associated with a value", name);
  return cd_raise_name(vm, name, "cannot access free variable '%U' where it is not associated with a value in enclosing scope", name);
}

Ref cd_load_class_cell(VM *vm, Frame *frame, uint32_t reg)
{
  bool free;
  Value name = ops_cell_name(frame->code, reg, &free);
  Ref v;
  Find found = cd_bits(frame->locals) ? ops_find(vm, frame->locals, name, &v) : FIND_MISSING;
  if (found == FIND_HIT) return v;
  if (found == FIND_ERROR) return NO_REF;
  Value value = ((Cell *)cd_object(frame->registers[reg]))->value;
  return cd_bits(value) ? cd_dup(value) : cd_unbound_cell(vm, frame->code, reg);
}

Ref cd_load_build_class(VM *vm, Frame *frame)
{
  Ref v;
  Find found = ops_find(vm, frame->builtins, N(__build_class__), &v);
  if (found == FIND_MISSING) return cd_raise(vm, vm->exc.NameError, "__build_class__ not found");
  return found == FIND_HIT ? v : NO_REF;
}

bool cd_setup_annotations(VM *vm, Frame *frame)
{
  if (!cd_bits(frame->locals)) { cd_raise_system(vm, "no locals found when setting up annotations"); return false; }
  Ref v;
  Find found = ops_find(vm, frame->locals, N(__annotations__), &v);
  if (found == FIND_HIT) { cd_drop(vm, v); return true; }
  if (found == FIND_ERROR) return false;
  Ref dict = cd_dict_new(vm);
  if (!cd_bits(dict)) return false;
  bool ok = cd_store_name(vm, frame, N(__annotations__), dict);
  cd_drop(vm, dict);
  return ok;
}

// ---- unpacking ----

static void ops_drop_items(VM *vm, Value *items, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++) cd_clear(vm, &items[i]);
}

static Ref ops_unpack_iter(VM *vm, Value sequence)
{
  Ref it = cd_iter(vm, sequence);
  if (!cd_bits(it) && cd_raised_is(vm, vm->exc.TypeError) && cd_is_not_iterable(vm, sequence)) {
    cd_clear_raised(vm);
    cd_raise_type(vm, "cannot unpack non-iterable %T object", sequence);
  }
  return it;
}

// Items into out[0..count); false with those got so far dropped.
static bool ops_unpack_items(VM *vm, Value it, uint32_t count, uint32_t after, bool star, Value *out)
{
  for (uint32_t i = 0; i < count; i++) {
    Ref item = NO_REF;
    Next next = cd_next(vm, it, &item);
    if (next == NEXT_ITEM) { out[i] = item; continue; }
    if (next == NEXT_DONE) {
      if (star) cd_raise_value(vm, "not enough values to unpack (expected at least %d, got %d)", (int)(count + after), (int)i);
      else cd_raise_value(vm, "not enough values to unpack (expected %d, got %d)", (int)count, (int)i);
    }
    ops_drop_items(vm, out, i);
    return false;
  }
  return true;
}

bool cd_unpack_sequence(VM *vm, Value sequence, uint32_t count, Value *out)
{
  Ref it = ops_unpack_iter(vm, sequence);
  if (!cd_bits(it)) return false;
  bool ok = ops_unpack_items(vm, it, count, 0, false, out);
  if (ok) {
    Ref surplus = NO_REF;
    Next next = cd_next(vm, it, &surplus);
    if (next == NEXT_ITEM) {
      cd_drop(vm, surplus);
      cd_raise_value(vm, "too many values to unpack (expected %d)", (int)count);
    }
    if (next != NEXT_DONE) { ops_drop_items(vm, out, count); ok = false; }
  }
  cd_drop(vm, it);
  return ok;
}

bool cd_unpack_ex(VM *vm, Value sequence, uint32_t before, uint32_t after, Value *out)
{
  Ref it = ops_unpack_iter(vm, sequence);
  if (!cd_bits(it)) return false;
  bool ok = ops_unpack_items(vm, it, before, after, true, out);
  Ref list = ok ? cd_list_from(vm, it) : NO_REF;
  cd_drop(vm, it);
  if (!ok) return false;
  if (!cd_bits(list)) { ops_drop_items(vm, out, before); return false; }
  List *rest = cd_as_list(list);
  if (rest->size < after) {
    cd_raise_value(vm, "not enough values to unpack (expected at least %d, got %zu)", (int)(before + after), before + rest->size);
    ops_drop_items(vm, out, before);
    cd_drop(vm, list);
    return false;
  }
  out[before] = list;
  size_t start = rest->size - after;
  for (uint32_t i = 0; i < after; i++) out[before + 1 + i] = rest->items[start + i];     // moves
  rest->size = start;
  return true;
}

// ---- text ----

Ref cd_format_value(VM *vm, Value v, int conversion, Value spec)
{
  Ref converted;
  switch (conversion) {
  case 1: converted = cd_str(vm, v); break;
  case 2: converted = cd_repr(vm, v); break;
  case 3: converted = cd_ascii(vm, v); break;
  default: converted = cd_dup(v); break;
  }
  if (!cd_bits(converted)) return NO_REF;
  if (cd_is_exact(converted, vm->types.str) && (!cd_bits(spec) || cd_str_size(spec) == 0)) return converted;
  Ref text = cd_format(vm, converted, spec);
  cd_drop(vm, converted);
  return text;
}

Ref cd_build_string(VM *vm, const Value *pieces, uint32_t count)
{
  size_t size = 0, length = 0;
  for (uint32_t i = 0; i < count; i++) {
    size += cd_str_size(pieces[i]);
    length += cd_str_length(pieces[i]);
  }
  char small[512];
  small[0] = 0;
  char *data = size <= sizeof small ? small : cd_alloc(vm, size);
  if (!data) return NO_REF;
  char *to = data;
  for (uint32_t i = 0; i < count; i++) {
    memcpy(to, cd_str_data(pieces[i]), cd_str_size(pieces[i]));
    to += cd_str_size(pieces[i]);
  }
  Ref text = cd_str_known(vm, data, size, length);
  if (data != small) cd_free(vm, data, size);
  return text;
}

// ---- calls with unpacked arguments ----

// The callable as error messages name it: "module.qualname()", or its str.
static Ref ops_callable_name(VM *vm, Value callable)
{
  Ref qualname, module;
  Find found = cd_getattr_find(vm, callable, N(__qualname__), &qualname);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING) return cd_str(vm, callable);
  found = cd_getattr_find(vm, callable, N(__module__), &module);
  if (found == FIND_ERROR) { cd_drop(vm, qualname); return NO_REF; }
  Ref result;
  if (found == FIND_HIT && !cd_is_none(module) && !cd_str_is(module, "builtins")) result = cd_str_format(vm, "%S.%S()", module, qualname);
  else result = cd_str_format(vm, "%S()", qualname);
  if (found == FIND_HIT) cd_drop(vm, module);
  cd_drop(vm, qualname);
  return result;
}

// Has no way to be iterated: the words of a TypeError depend on it.
bool cd_is_not_iterable(VM *vm, Value v)
{
  Type *type = cd_type_of(vm, v);
  return !type->slots.iter && !type->slots.getitem;
}

bool cd_extend_display(VM *vm, Value list, Value iterable)
{
  if (cd_list_extend(vm, cd_as_list(list), iterable)) return true;
  if (cd_raised_is(vm, vm->exc.TypeError) && cd_is_not_iterable(vm, iterable)) {
    cd_clear_raised(vm);
    cd_raise_type(vm, "Value after * must be an iterable, not %T", iterable);
  }
  return false;
}

bool cd_update_display(VM *vm, Value dict, Value mapping)
{
  if (cd_dict_merge(vm, dict, mapping, true)) return true;
  if (cd_swallow(vm, vm->exc.AttributeError)) cd_raise_type(vm, "'%T' object is not a mapping", mapping);
  return false;
}

bool cd_merge_keywords(VM *vm, Value dict, Value mapping, Value callable)
{
  if (cd_dict_merge(vm, dict, mapping, false)) return true;
  if (cd_raised_is(vm, vm->exc.AttributeError)) {
    cd_clear_raised(vm);
    Ref name = ops_callable_name(vm, callable);
    if (cd_bits(name)) cd_raise_type(vm, "%U argument after ** must be a mapping, not %T", name, mapping);
    cd_drop(vm, name);
  } else if (cd_raised_is(vm, vm->exc.KeyError)) {
    Ref raised = cd_take_raised(vm);
    Value args = cd_as_exception(raised)->args;
    if (!cd_bits(args) || cd_tuple_size(args) != 1) { cd_restore_raised(vm, raised); return false; }
    Ref name = ops_callable_name(vm, callable);
    Value key = cd_tuple_item_borrow(args, 0);
    if (cd_bits(name)) cd_raise_type(vm, "%U got multiple values for keyword argument '%S'", name, key);
    cd_drop(vm, name);
    cd_drop(vm, raised);
  }
  return false;
}

Ref cd_call_unpacked(VM *vm, Value callable, Value positional, Value keywords)
{
  Ref tuple;
  if (cd_is_exact(positional, vm->types.tuple)) {
    tuple = cd_dup(positional);
  } else {
    if (cd_is_not_iterable(vm, positional)) {
      Ref name = ops_callable_name(vm, callable);
      if (cd_bits(name)) cd_raise_type(vm, "%U argument after * must be an iterable, not %T", name, positional);
      cd_drop(vm, name);
      return NO_REF;
    }
    tuple = cd_tuple_from(vm, positional);
    if (!cd_bits(tuple)) return NO_REF;
  }
  Ref result = NO_REF;
  if (cd_bits(keywords) && !cd_is_exact(keywords, vm->types.dict)) {
    Ref dict = cd_dict_new(vm);
    if (cd_bits(dict) && cd_merge_keywords(vm, dict, keywords, callable)) result = cd_call_ex(vm, callable, tuple, dict);
    cd_drop(vm, dict);
  } else {
    result = cd_call_ex(vm, callable, tuple, keywords);
  }
  cd_drop(vm, tuple);
  return result;
}

Ref cd_make_function(VM *vm, Frame *frame, Value *parts, uint32_t flags)
{
  Ref made = cd_function_new(vm, (Code *)cd_object(parts[0]), frame->globals, NO_VALUE);
  if (!cd_bits(made)) return NO_REF;
  Function *function = (Function *)cd_object(made);
  uint32_t i = 0;
  cd_clear(vm, &parts[i++]);
  if (flags & 1) cd_replace(vm, &function->defaults, cd_take(&parts[i++]));
  if (flags & 2) cd_replace(vm, &function->kwdefaults, cd_take(&parts[i++]));
  if (flags & 4) cd_replace(vm, &function->annotations, cd_take(&parts[i++]));
  if (flags & 8) cd_replace(vm, &function->closure, cd_take(&parts[i++]));
  if (flags & 16) cd_replace(vm, &function->type_params, cd_take(&parts[i++]));
  return made;
}

// ---- with ----

bool cd_with_enter(VM *vm, Value manager, bool async, Ref *exit, Ref *entered)
{
  Ref enter_method, exit_method;
  const char *protocol = async ? "asynchronous context manager" : "context manager";
  Find found = cd_lookup_special(vm, manager, async ? N(__aenter__) : N(__enter__), &enter_method);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) {
    cd_raise_type(vm, "'%T' object does not support the %s protocol", manager, protocol);
    return false;
  }
  found = cd_lookup_special(vm, manager, async ? N(__aexit__) : N(__exit__), &exit_method);
  if (found != FIND_HIT) {
    cd_drop(vm, enter_method);
    if (found == FIND_MISSING)
      cd_raise_type(vm, "'%T' object does not support the %s protocol (missed %s method)", manager, protocol,
                    async ? "__aexit__" : "__exit__");
    return false;
  }
  Ref value = cd_call0(vm, enter_method);
  cd_drop(vm, enter_method);
  if (!cd_bits(value)) { cd_drop(vm, exit_method); return false; }
  *exit = exit_method;
  *entered = value;
  return true;
}

// ---- match ----

// One value of a mapping pattern: subject.get(key, sentinel), so that defaultdicts do not grow.
bool cd_match_keys(VM *vm, Value subject, Value keys, Ref *out)
{
  size_t count = cd_tuple_size(keys);
  if (count == 0) return cd_bits(*out = cd_dup(vm->empty_tuple));
  Ref get = cd_getattr(vm, subject, N(get)), sentinel = NO_REF, seen = NO_REF, values = NO_REF;
  if (!cd_bits(get)) return false;
  if (!cd_bits(sentinel = cd_list_new(vm)) || !cd_bits(seen = cd_set_new(vm, NO_VALUE)) || !cd_bits(values = cd_tuple_new(vm, count)))
    goto fail;
  for (size_t i = 0; i < count; i++) {
    Value key = cd_tuple_item_borrow(keys, i);
    Find repeated = cd_set_contains(vm, seen, key);
    if (repeated == FIND_ERROR || (repeated == FIND_MISSING && !cd_set_add(vm, seen, key))) goto fail;
    if (repeated == FIND_HIT) { cd_raise_value(vm, "mapping pattern checks duplicate key (%R)", key); goto fail; }
    Ref value = cd_call2(vm, get, key, sentinel);
    if (!cd_bits(value)) goto fail;
    if (cd_is(value, sentinel)) {
      cd_drop(vm, value);
      cd_drop(vm, values);
      values = cd_none();
      break;
    }
    cd_tuple_set(values, i, value);
  }
  cd_drop(vm, get);
  cd_drop(vm, sentinel);
  cd_drop(vm, seen);
  *out = values;
  return true;

fail:
  cd_drop(vm, get);
  cd_drop(vm, sentinel);
  cd_drop(vm, seen);
  cd_drop(vm, values);
  return false;
}

// subject.name for a class pattern; each name at most once.
static Find match_attribute(VM *vm, Value subject, Value cls, Value name, Value seen, Ref *out)
{
  Find repeated = cd_set_contains(vm, seen, name);
  if (repeated == FIND_ERROR) return FIND_ERROR;
  if (repeated == FIND_HIT) {
    cd_raise_type(vm, "%N() got multiple sub-patterns for attribute %R", cd_as_type(cls), name);
    return FIND_ERROR;
  }
  if (!cd_set_add(vm, seen, name)) return FIND_ERROR;
  return cd_getattr_find(vm, subject, name, out);
}

static bool match_positional(VM *vm, Value subject, Value cls, uint32_t positional, Value seen, Value list, bool *matched)
{
  Ref match_args;
  Find found = cd_getattr_find(vm, cls, N(__match_args__), &match_args);
  if (found == FIND_ERROR) return false;
  bool self = found == FIND_MISSING && (cd_as_type(cls)->flags & TYPE_VALUE_MATCH);
  if (found == FIND_MISSING) match_args = cd_dup(vm->empty_tuple);
  if (!cd_is_exact(match_args, vm->types.tuple)) {
    cd_raise_type(vm, "%N.__match_args__ must be a tuple (got %T)", cd_as_type(cls), match_args);
    goto fail;
  }
  size_t allowed = self ? 1 : cd_tuple_size(match_args);
  if (allowed < positional) {
    cd_raise_type(vm, "%N() accepts %zu positional sub-pattern%s (%d given)", cd_as_type(cls), allowed, allowed == 1 ? "" : "s",
                  (int)positional);
    goto fail;
  }
  if (self) {
    if (!cd_list_append(vm, cd_as_list(list), subject)) goto fail;
  } else {
    for (uint32_t i = 0; i < positional && *matched; i++) {
      Value name = cd_tuple_item_borrow(match_args, i);
      if (!cd_is_exact(name, vm->types.str)) {
        cd_raise_type(vm, "__match_args__ elements must be strings (got %T)", name);
        goto fail;
      }
      Ref value;
      Find got = match_attribute(vm, subject, cls, name, seen, &value);
      if (got == FIND_ERROR) goto fail;
      if (got == FIND_MISSING) *matched = false;
      else if (!cd_list_append_steal(vm, cd_as_list(list), value)) goto fail;
    }
  }
  cd_drop(vm, match_args);
  return true;

fail:
  cd_drop(vm, match_args);
  return false;
}

bool cd_match_class(VM *vm, Value subject, Value cls, Value names, uint32_t positional, Ref *out)
{
  if (!cd_is_type(cls)) { cd_raise_type(vm, "called match pattern must be a type"); return false; }
  bool matched;
  if (!cd_isinstance(vm, subject, cls, &matched)) return false;
  if (!matched) { *out = cd_none(); return true; }
  Ref seen = cd_set_new(vm, NO_VALUE), list = NO_REF;
  if (!cd_bits(seen) || !cd_bits(list = cd_list_new(vm))) goto fail;
  if (positional && !match_positional(vm, subject, cls, positional, seen, list, &matched)) goto fail;
  for (size_t i = 0; i < cd_tuple_size(names) && matched; i++) {
    Ref value;
    Find got = match_attribute(vm, subject, cls, cd_tuple_item_borrow(names, i), seen, &value);
    if (got == FIND_ERROR) goto fail;
    if (got == FIND_MISSING) matched = false;
    else if (!cd_list_append_steal(vm, cd_as_list(list), value)) goto fail;
  }
  Ref result = matched ? cd_list_to_tuple(vm, list) : cd_none();
  if (!cd_bits(result)) goto fail;
  cd_drop(vm, seen);
  cd_drop(vm, list);
  *out = result;
  return true;

fail:
  cd_drop(vm, seen);
  cd_drop(vm, list);
  return false;
}

// ---- the rest ----

bool cd_print_expr(VM *vm, Value v)
{
  Ref hook;
  Find found = cd_dict_find(vm, vm->sys_dict, N(displayhook), &hook);
  if (found == FIND_MISSING) cd_raise_runtime(vm, "lost sys.displayhook");
  if (found != FIND_HIT) return false;
  Ref result = cd_call1(vm, hook, v);
  cd_drop(vm, hook);
  cd_drop(vm, result);
  return cd_bits(result) != 0;
}

Ref cd_get_yield_from_iter(VM *vm, const Code *code, Value v)
{
  if (cd_is_exact(v, vm->types.generator)) return cd_dup(v);
  if (cd_is_exact(v, vm->types.coroutine)) {
    if (code->flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE)) return cd_dup(v);
    return cd_raise_type(vm, "cannot 'yield from' a coroutine object in a non-coroutine generator");
  }
  return cd_iter(vm, v);
}

Ref cd_get_async_iter(VM *vm, Value v)
{
  Type *type = cd_type_of(vm, v);
  if (!type->slots.aiter) return cd_raise_type(vm, "'async for' requires an object with __aiter__ method, got %T", v);
  Ref it = type->slots.aiter(vm, v);
  if (cd_bits(it) && !cd_type_of(vm, it)->slots.anext) {
    cd_raise_type(vm, "'async for' received an object from __aiter__ that does not implement __anext__: %T", it);
    cd_drop(vm, it);
    return NO_REF;
  }
  return it;
}

// ---- wide operands ----

// The compiler widens the operands of few instructions; the others' operands always fit.
int cd_wide_instruction(VM *vm, Frame *frame, const Instr *pc)
{
  const Instr *next = pc + 1;
  uint32_t a = (uint32_t)pc->a << 16 | next->a, b = (uint32_t)pc->b << 16 | next->b, c = (uint32_t)pc->c << 16 | next->c;
  Value *r = frame->registers;
  const Code *code = frame->code;
  uint32_t first_temp = code->first_temp;
  int units = 1 + cd_opcode_units[next->op];
  Ref v = NO_REF;
#define WIDE_NAME(i) cd_tuple_item_borrow(code->names, i)
#define WIDE_CONSUME(i) do { if ((i) >= first_temp) cd_clear(vm, &r[i]); } while (0)
  if (next->op >= OP_ADD && next->op <= OP_IPOWER_K) {
    v = cd_arithmetic(vm, r[b], cd_tuple_item_borrow(code->consts, c), next->op);
    if (cd_bits(v)) WIDE_CONSUME(b);
  } else if (next->op >= OP_LT_K && next->op <= OP_GE_K) {
    v = cd_compare(vm, r[b], cd_tuple_item_borrow(code->consts, c), (CompareOp)(next->op - OP_LT_K));
    if (cd_bits(v)) WIDE_CONSUME(b);
  } else switch (next->op) {
  case OP_LOAD_CONST: v = cd_dup(cd_tuple_item_borrow(code->consts, b)); break;
  case OP_COPY: v = cd_dup(r[b]); break;
  case OP_MOVE: v = b >= first_temp ? cd_take(&r[b]) : cd_dup(r[b]); break;
  case OP_LOAD_NOTHING: r[a] = NO_VALUE; return units;
  case OP_LOAD_NAME: v = cd_load_name(vm, frame, WIDE_NAME(b)); break;
  case OP_LOAD_GLOBAL: v = cd_load_global(vm, frame, WIDE_NAME(b)); break;
  case OP_STORE_NAME: if (!cd_store_name(vm, frame, WIDE_NAME(a), r[b])) return -1; WIDE_CONSUME(b); return units;
  case OP_STORE_GLOBAL: if (!cd_dict_set(vm, frame->globals, WIDE_NAME(a), r[b])) return -1; WIDE_CONSUME(b); return units;
  case OP_DELETE_NAME: return cd_delete_name(vm, frame, WIDE_NAME(a)) ? units : -1;
  case OP_DELETE_GLOBAL: return cd_delete_global(vm, frame, WIDE_NAME(a)) ? units : -1;
  case OP_CHECK_LOCAL: if (!cd_bits(r[a])) { cd_unbound_local(vm, code, a); return -1; } return units;
  case OP_CLEAR_LOCAL: case OP_DROP: case OP_ASYNC_CLOSE: cd_clear(vm, &r[a]); return units;
  case OP_LOAD_ATTR: v = cd_getattr(vm, r[b], WIDE_NAME(c)); if (cd_bits(v)) WIDE_CONSUME(b); break;
  case OP_LOAD_METHOD: {
    v = cd_getattr(vm, r[b], WIDE_NAME(c));
    if (!cd_bits(v)) return -1;
    WIDE_CONSUME(b);
    r[a + 1] = NO_VALUE;
    break;
  }
  case OP_STORE_ATTR: if (!cd_setattr(vm, r[a], WIDE_NAME(b), r[c])) return -1; WIDE_CONSUME(c); WIDE_CONSUME(a); return units;
  case OP_DELETE_ATTR: if (!cd_setattr(vm, r[a], WIDE_NAME(b), NO_VALUE)) return -1; WIDE_CONSUME(a); return units;
  case OP_GET_ITEM_K: v = cd_getitem(vm, r[b], cd_tuple_item_borrow(code->consts, c)); if (cd_bits(v)) WIDE_CONSUME(b); break;
  case OP_IMPORT_NAME:
    v = cd_import_name(vm, frame, WIDE_NAME(c), r[b], r[b + 1]);
    if (cd_bits(v)) { cd_clear(vm, &r[b]); cd_clear(vm, &r[b + 1]); }
    break;
  case OP_IMPORT_FROM: v = cd_import_from(vm, r[b], WIDE_NAME(c)); break;
  case OP_UNPACK_EX: {
    Ref sequence = b >= first_temp ? cd_take(&r[b]) : cd_dup(r[b]);
    bool ok = cd_unpack_ex(vm, sequence, c & 0xFF, c >> 8, &r[a]);
    cd_drop(vm, sequence);
    return ok ? units : -1;
  }
  default: cd_raise_system(vm, "instruction %s has no wide form", cd_opcode_names[next->op]); return -1;
  }
#undef WIDE_NAME
#undef WIDE_CONSUME
  if (!cd_bits(v)) return -1;
  cd_replace(vm, &r[a], v);
  return units;
}

// ---- operators, where the loop has no short way ----

static const uint8_t ops_binary[] = {                       // ORDER: binary (bytecode/opcodes.def)
  BINARY_ADD, BINARY_SUBTRACT, BINARY_MULTIPLY, BINARY_MATMUL, BINARY_TRUE_DIVIDE, BINARY_FLOOR_DIVIDE, BINARY_REMAINDER,
  BINARY_LSHIFT, BINARY_RSHIFT, BINARY_AND, BINARY_XOR, BINARY_OR, BINARY_POWER,
};

BinaryOp cd_binary_op_of(uint32_t op) { return (BinaryOp)ops_binary[(op - OP_ADD) >> 2]; }

// `s += piece` on a local that holds the only reference grows in place.
Ref cd_arithmetic(VM *vm, Value a, Value b, uint32_t op)
{
  BinaryOp kind = cd_binary_op_of(op);
  return (op - OP_ADD) & 2 ? cd_inplace(vm, a, b, kind) : cd_binary(vm, a, b, kind);
}

int cd_compare_slow(VM *vm, Value a, Value b, uint32_t op, Ref *out)
{
  CompareOp kind = (CompareOp)(op >= OP_LT_K ? op - OP_LT_K : op - OP_LT);
  Ref r = cd_compare(vm, a, b, kind);
  *out = r;
  return cd_bits(r) ? (cd_is_true(r) ? 1 : cd_is_false(r) ? 0 : 2) : -1;
}

int cd_slow_truth(VM *vm, Value v)            // -1: exception
{
  bool truth;
  return cd_truth(vm, v, &truth) ? truth : -1;
}

// ---- slices ----

// start, stop and count of a slice whose parts are None or small ints. false: others, or a step of 0.
static bool ops_slice_bounds(const Value *parts, uint32_t count, int64_t length, int64_t *start, int64_t *step, int64_t *n)
{
  for (uint32_t i = 0; i < count; i++)
    if (!cd_is_none(parts[i]) && !cd_is_small(parts[i])) return false;
  int64_t by = count == 3 && cd_is_small(parts[2]) ? cd_small(parts[2]) : 1;
  if (by == 0) return false;
  int64_t low = by < 0 ? -1 : 0, high = by < 0 ? length - 1 : length, bounds[2];
  for (int i = 0; i < 2; i++) {
    if (cd_is_none(parts[i])) {
      bounds[i] = (i == 0) == (by > 0) ? low : high;
      continue;
    }
    int64_t at = cd_small(parts[i]);
    if (at < 0) at += length;
    bounds[i] = at < low ? low : at > high ? high : at;
  }
  *start = bounds[0];
  *step = by;
  if (by > 0) *n = bounds[1] > bounds[0] ? (bounds[1] - bounds[0] - 1) / by + 1 : 0;
  else *n = bounds[0] > bounds[1] ? (bounds[0] - bounds[1] - 1) / -by + 1 : 0;
  return true;
}

// container[a:b:c] without a slice object, for the builtin sequences. NO_REF without an exception: some other case.
Ref cd_get_slice(VM *vm, Value container, const Value *parts, uint32_t count)
{
  if (!cd_is_object(container)) return NO_REF;
  Type *type = cd_object(container)->type;
  bool list = type == vm->types.list, tuple = type == vm->types.tuple, str = type == vm->types.str;
  if (!list && !tuple && !str && type != vm->types.bytes) return NO_REF;
  size_t length = list    ? cd_list_size(container)
                  : tuple ? cd_tuple_size(container)
                  : str   ? cd_str_length(container)
                          : cd_bytes_size(container);
  int64_t start, step, n;
  if (!ops_slice_bounds(parts, count, (int64_t)length, &start, &step, &n)) return NO_REF;
  if (str) return cd_str_steps(vm, container, start, step, n);
  if (tuple && step != 1) return NO_REF;
  if (tuple) return n == (int64_t)length ? cd_dup(container) : cd_tuple_of(vm, (size_t)n, cd_as_tuple(container)->items + start);
  if (!list) return cd_bytes_steps(vm, container, start, step, n);
  if (step == 1) return cd_list_of(vm, (size_t)n, cd_as_list(container)->items + start);
  Ref made = cd_list_with_capacity(vm, (size_t)n);
  if (!cd_bits(made)) return NO_REF;
  List *to = cd_as_list(made);
  const Value *items = cd_as_list(container)->items;
  for (int64_t i = 0; i < n; i++) to->items[i] = cd_dup(items[start + i * step]);
  to->size = (size_t)n;
  return made;
}

// list[a:b] = list of the same length, or reversed() of one. false without an exception: some other case.
bool cd_set_slice(VM *vm, Value container, const Value *parts, uint32_t count, Value value)
{
  Type *type = vm->types.list;
  int64_t start, step, n;
  if (!cd_is_exact(container, type)) return false;
  ListIterator *reversed = cd_is_exact(value, vm->types.list_reverse_iterator) ? (ListIterator *)cd_object(value) : NULL;
  if (reversed) value = reversed->list;
  if (!cd_bits(value) || !cd_is_exact(value, type) || cd_is(container, value)) return false;
  List *to = cd_as_list(container), *from = cd_as_list(value);
  if (!ops_slice_bounds(parts, count, (int64_t)to->size, &start, &step, &n) || step != 1 || n != (int64_t)from->size) return false;
  if (reversed && reversed->index != from->size) return false;
  Value *target = to->items + start, *items = from->items;
  for (int64_t i = 0; i < n; i++)
    if (cd_is_object(target[i])) return false;                   // dropping those could change the lists
  if (reversed) {
    for (int64_t i = 0; i < n; i++) target[i] = cd_dup(items[n - 1 - i]);
    reversed->index = 0;
    cd_clear(vm, &reversed->list);
  } else {
    for (int64_t i = 0; i < n; i++) target[i] = cd_dup(items[i]);
  }
  return true;
}

// iter(range(*args)) of small ints. NO_REF without an exception: others.
Ref cd_iterate_range(VM *vm, const Value *args, uint32_t nargs)
{
  if (nargs < 1 || nargs > 3) return NO_REF;
  for (uint32_t i = 0; i < nargs; i++)
    if (!cd_is_small(args[i])) return NO_REF;
  return cd_range_iterator_new(vm, nargs == 1 ? 0 : cd_small(args[0]), cd_small(args[nargs > 1]), nargs == 3 ? cd_small(args[2]) : 1);
}
