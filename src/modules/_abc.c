// SPDX-License-Identifier: MIT
// _abc.c: what abc.ABCMeta does: abstract methods, registration, cached instance and subclass checks
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"

// A set of classes that does not keep them alive: weak references by address. A reference whose class is gone, or whose address
// now belongs to another class, counts as absent; growing throws such entries out.
typedef struct WeakTypes { Value *refs; uint32_t used, mask; } WeakTypes;        // refs owned; mask 0: no table

typedef struct AbcData {
  Object head;
  WeakTypes registry, cache, negative;
  uint64_t negative_version;                     // the negative cache is for this value of the counter
} AbcData;

typedef struct AbcState { Type *data_type; uint64_t counter; } AbcState;

static AbcState *abc_state(VM *vm) { return cd_state(vm, MODULE__abc); }

// ---- weak sets of classes ----

static uint32_t weak_types_hash(const Type *type) { return (uint32_t)((uint64_t)(uintptr_t)type * UINT64_C(0x9E3779B97F4A7C15) >> 40); }

static bool weak_types_has(const WeakTypes *set, const Type *type)
{
  if (!set->mask) return false;
  for (uint32_t i = weak_types_hash(type) & set->mask; set->refs[i]; i = (i + 1) & set->mask)
    if (((Weakref *)cd_object(set->refs[i]))->referent == &type->head) return true;
  return false;
}

static void weak_types_put(Value *refs, uint32_t mask, const Object *referent, Ref ref)
{
  uint32_t i = weak_types_hash((const Type *)referent) & mask;
  while (refs[i]) i = (i + 1) & mask;
  refs[i] = ref;
}

static void weak_types_clear(VM *vm, WeakTypes *set)
{
  WeakTypes old = *set;
  *set = (WeakTypes){0};
  if (!old.mask) return;
  for (uint32_t i = 0; i <= old.mask; i++) cd_clear(vm, &old.refs[i]);
  cd_free(vm, old.refs, (old.mask + 1) * sizeof(Value));
}

static bool weak_types_grow(VM *vm, WeakTypes *set)
{
  uint32_t live = 0;
  for (uint32_t i = 0; set->mask && i <= set->mask; i++)
    if (set->refs[i] && ((Weakref *)cd_object(set->refs[i]))->referent) live++;
  uint32_t size = 8;
  while (size < live * 2 + 4) size *= 2;
  Value *refs = cd_alloc_zeroed(vm, size * sizeof(Value));
  if (!refs) return false;
  WeakTypes old = *set;
  *set = (WeakTypes){refs, live, size - 1};
  for (uint32_t i = 0; old.mask && i <= old.mask; i++) {
    if (!old.refs[i]) continue;
    const Object *referent = ((Weakref *)cd_object(old.refs[i]))->referent;
    if (referent) weak_types_put(refs, size - 1, referent, cd_take(&old.refs[i]));
    else cd_clear(vm, &old.refs[i]);
  }
  if (old.mask) cd_free(vm, old.refs, (old.mask + 1) * sizeof(Value));
  return true;
}

static bool weak_types_add(VM *vm, WeakTypes *set, Type *type)
{
  if (weak_types_has(set, type)) return true;
  Ref ref = cd_weakref_new(vm, cd_type_value(type), NO_VALUE);
  if (!ref) return false;
  if ((set->used + 1) * 3 > set->mask * 2 && !weak_types_grow(vm, set)) {
    cd_drop(vm, ref);
    return false;
  }
  weak_types_put(set->refs, set->mask, &type->head, ref);
  set->used++;
  return true;
}

// A Python set of the weak references, for _get_dump.
static Ref weak_types_as_set(VM *vm, const WeakTypes *set)
{
  Ref result = cd_set_new(vm, NO_VALUE);
  for (uint32_t i = 0; result && set->mask && i <= set->mask; i++) {
    if (!set->refs[i] || !((Weakref *)cd_object(set->refs[i]))->referent) continue;
    if (!cd_set_add(vm, result, set->refs[i])) {
      cd_drop(vm, result);
      return NO_REF;
    }
  }
  return result;
}

// The living classes as a list: a registry may change while it is walked.
static Ref weak_types_as_list(VM *vm, const WeakTypes *set)
{
  Ref list = cd_list_new(vm);
  for (uint32_t i = 0; list && set->mask && i <= set->mask; i++) {
    Ref type = set->refs[i] ? cd_weakref_get(set->refs[i]) : NO_REF;
    if (type && !cd_list_append_steal(vm, cd_as_list(list), type)) {
      cd_drop(vm, list);
      return NO_REF;
    }
  }
  return list;
}

// ---- _abc._abc_data ----

static void abc_data_release(VM *vm, Object *self)
{
  AbcData *data = (AbcData *)self;
  weak_types_clear(vm, &data->registry);
  weak_types_clear(vm, &data->cache);
  weak_types_clear(vm, &data->negative);
}

static Ref abc_data_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  AbcData *data = cd_object_new(vm, type, type->basicsize);
  if (data) data->negative_version = abc_state(vm)->counter;
  return cd_from_object(data);
}

static const TypeSpec abc_data_spec = {
  .name = "_abc._abc_data", .doc = "Internal state held by ABC machinery.", .basicsize = sizeof(AbcData),
  .slots = {.release = abc_data_release, .new_ = abc_data_new}};

// The data of an ABC, owned through *keep. NULL: exception.
static AbcData *abc_data_of(VM *vm, Value cls, Ref *keep)
{
  *keep = cd_getattr(vm, cls, N(_abc_impl));
  if (!*keep) return NULL;
  if (cd_is_exact(*keep, abc_state(vm)->data_type)) return (AbcData *)cd_object(*keep);
  cd_raise_type(vm, "_abc_impl is set to a wrong type");
  cd_drop(vm, *keep);
  return NULL;
}

// ---- abstract methods ----

static bool abc_is_abstract(VM *vm, Value value, bool *out)
{
  Ref flag;
  *out = false;
  Find found = cd_getattr_find(vm, value, N(__isabstractmethod__), &flag);
  if (found != FIND_HIT) return found == FIND_MISSING;
  bool ok = cd_truth(vm, flag, out);
  cd_drop(vm, flag);
  return ok;
}

static bool abc_collect_own(VM *vm, Value cls, Value abstracts)
{
  Ref dict = cd_getattr(vm, cls, N(__dict__));
  Ref items = dict ? cd_call_method0(vm, dict, N(items)) : NO_REF;
  Ref list = items ? cd_list_from(vm, items) : NO_REF;
  bool ok = list != NO_REF;
  for (size_t i = 0; ok && i < cd_list_size(list); i++) {
    Value pair = cd_list_item_borrow(list, i);
    bool abstract;
    ok = abc_is_abstract(vm, cd_tuple_item_borrow(pair, 1), &abstract) &&
         (!abstract || cd_set_add(vm, abstracts, cd_tuple_item_borrow(pair, 0)));
  }
  cd_drop(vm, dict);
  cd_drop(vm, items);
  cd_drop(vm, list);
  return ok;
}

static bool abc_collect_from_base(VM *vm, Value cls, Value base, Value abstracts)
{
  Ref names, iterator, name;
  Find found = cd_getattr_find(vm, base, N(__abstractmethods__), &names);
  if (found != FIND_HIT) return found == FIND_MISSING;
  iterator = cd_iter(vm, names);
  cd_drop(vm, names);
  if (!iterator) return false;
  bool ok = true;
  Next next = NEXT_DONE;
  while (ok && (next = cd_next(vm, iterator, &name)) == NEXT_ITEM) {
    Ref value;
    bool abstract = false;
    Find here = cd_getattr_find(vm, cls, name, &value);
    ok = here != FIND_ERROR;
    if (here == FIND_HIT) {
      ok = abc_is_abstract(vm, value, &abstract) && (!abstract || cd_set_add(vm, abstracts, name));
      cd_drop(vm, value);
    }
    cd_drop(vm, name);
  }
  cd_drop(vm, iterator);
  return ok && next != NEXT_ERROR;
}

static bool abc_compute_abstract(VM *vm, Value cls)
{
  Ref abstracts = cd_set_new(vm, NO_VALUE), bases = NO_REF, frozen = NO_REF;
  bool ok = abstracts && abc_collect_own(vm, cls, abstracts) && (bases = cd_getattr(vm, cls, N(__bases__)));
  if (ok && !cd_is_tuple(bases)) ok = cd_raise_type(vm, "__bases__ is not tuple");
  for (size_t i = 0; ok && i < cd_tuple_size(bases); i++) ok = abc_collect_from_base(vm, cls, cd_tuple_item_borrow(bases, i), abstracts);
  ok = ok && (frozen = cd_frozenset_new(vm, abstracts)) && cd_setattr(vm, cls, N(__abstractmethods__), frozen);
  cd_drop(vm, abstracts);
  cd_drop(vm, bases);
  cd_drop(vm, frozen);
  return ok;
}

// __abc_tpflags__ in a class body says that match statements see instances as sequences (1 << 5) or mappings (1 << 6).
static bool abc_take_flags(VM *vm, Type *type)
{
  Value found = cd_dict_get_name_borrow(vm, type->dict, N(__abc_tpflags__));
  int64_t bits;
  if (!found) return true;
  if (cd_is_int(found) && cd_int_fits_i64(found, &bits)) {
    if ((bits & 0x60) == 0x60) return cd_raise_type(vm, "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING");
    if (bits & 0x20) type->flags |= TYPE_SEQUENCE;
    if (bits & 0x40) type->flags |= TYPE_MAPPING;
  }
  return cd_type_set_attr(vm, type, N(__abc_tpflags__), NO_VALUE);
}

FUNCTION(_abc, _abc_init, "_abc_init(self, /)", "Prepares a new abstract class. For the abc module only.")
{
  if (!abc_compute_abstract(vm, args[0])) return NO_REF;
  Ref data = abc_data_new(vm, abc_state(vm)->data_type, NULL, 0, NO_VALUE);
  bool ok = data && cd_setattr(vm, args[0], N(_abc_impl), data) && (!cd_is_type(args[0]) || abc_take_flags(vm, cd_as_type(args[0])));
  cd_drop(vm, data);
  return ok ? cd_none() : NO_REF;
}

// ---- registration ----

static void abc_mark_collection(Type *type, uint32_t flag)
{
  if ((type->flags & (TYPE_SEQUENCE | TYPE_MAPPING)) == flag || type->flags & TYPE_IMMUTABLE) return;
  type->flags = (type->flags & ~(uint32_t)(TYPE_SEQUENCE | TYPE_MAPPING)) | flag;
  for (uint32_t i = 0; i < type->subclass_count; i++)
    if (type->subclasses[i]) abc_mark_collection(type->subclasses[i], flag);
}

FUNCTION(_abc, _abc_register, "_abc_register(self, subclass, /)",
         "What ABCMeta.register() does. For the abc module only.")
{
  bool yes;
  if (!cd_is_type(args[1])) return cd_raise_type(vm, "Can only register classes");
  if (!cd_issubclass(vm, args[1], args[0], &yes)) return NO_REF;
  if (yes) return cd_dup(args[1]);
  // Already a subclass the other way round: registering would make a loop.
  if (!cd_issubclass(vm, args[0], args[1], &yes)) return NO_REF;
  if (yes) return cd_raise_runtime(vm, "Refusing to create an inheritance cycle");
  Ref keep;
  AbcData *data = abc_data_of(vm, args[0], &keep);
  if (!data) return NO_REF;
  bool ok = weak_types_add(vm, &data->registry, cd_as_type(args[1]));
  cd_drop(vm, keep);
  if (!ok) return NO_REF;
  abc_state(vm)->counter++;                      // negative caches are out of date
  uint32_t flag = cd_is_type(args[0]) ? cd_as_type(args[0])->flags & (TYPE_SEQUENCE | TYPE_MAPPING) : 0;
  if (flag) abc_mark_collection(cd_as_type(args[1]), flag);
  return cd_dup(args[1]);
}

// ---- checks ----

static Ref abc_ask(VM *vm, Value cls, Value subclass) { return cd_call_method1(vm, cls, N(__subclasscheck__), subclass); }

FUNCTION(_abc, _abc_instancecheck, "_abc_instancecheck(self, instance, /)",
         "What isinstance() asks an abstract class. For the abc module only.")
{
  Ref keep, subclass = NO_REF, result = NO_REF;
  AbcData *data = abc_data_of(vm, args[0], &keep);
  if (!data) return NO_REF;
  if (!(subclass = cd_getattr(vm, args[1], N(__class__)))) goto done;
  Type *subtype = cd_type_of(vm, args[1]);
  if (cd_is_type(subclass) && weak_types_has(&data->cache, cd_as_type(subclass))) {
    result = cd_true();
    goto done;
  }
  if (cd_is(subclass, cd_type_value(subtype))) {
    if (data->negative_version == abc_state(vm)->counter && weak_types_has(&data->negative, subtype)) result = cd_false();
    else result = abc_ask(vm, args[0], subclass);
    goto done;
  }
  result = abc_ask(vm, args[0], subclass);
  bool yes;
  if (result && cd_truth(vm, result, &yes)) {
    if (!yes) {
      cd_drop(vm, result);
      result = abc_ask(vm, args[0], cd_type_value(subtype));
    }
  } else {
    cd_drop(vm, result);
    result = NO_REF;
  }

done:
  cd_drop(vm, subclass);
  cd_drop(vm, keep);
  return result;
}

static bool abc_any_in_list(VM *vm, Value subclass, Value list, bool *out)
{
  for (size_t i = 0; !*out && i < cd_list_size(list); i++) {
    Ref candidate = cd_dup(cd_list_item_borrow(list, i));
    bool ok = cd_issubclass(vm, subclass, candidate, out);
    cd_drop(vm, candidate);
    if (!ok) return false;
  }
  return true;
}

// The answer by __subclasshook__, inheritance, registered classes and subclasses, in this order.
static bool abc_decide(VM *vm, Value cls, AbcData *data, Type *subclass, bool *out)
{
  Value sub = cd_type_value(subclass);
  *out = false;
  Ref hook = cd_call_method1(vm, cls, N(__subclasshook__), sub);
  if (!hook) return false;
  if (cd_is_bool(hook)) {
    *out = cd_is_true(hook);
    return true;
  }
  bool known = cd_is_not_implemented(hook);
  cd_drop(vm, hook);
  if (!known) return cd_raise(vm, vm->exc.AssertionError, "__subclasshook__ must return either False, True, or NotImplemented");
  if (cd_is_type(cls) && cd_type_is_subtype(subclass, cd_as_type(cls))) return *out = true;
  if (data->registry.used) {
    Ref registered = weak_types_as_list(vm, &data->registry);
    bool ok = registered && abc_any_in_list(vm, sub, registered, out);
    cd_drop(vm, registered);
    if (!ok || *out) return ok;
  }
  Ref subclasses = cd_call_method0(vm, cls, N(__subclasses__));
  if (!subclasses) return false;
  bool ok = cd_is_list(subclasses) ? abc_any_in_list(vm, sub, subclasses, out)
                                   : (bool)cd_raise_type(vm, "__subclasses__() must return a list");
  cd_drop(vm, subclasses);
  return ok;
}

FUNCTION(_abc, _abc_subclasscheck, "_abc_subclasscheck(self, subclass, /)",
         "What issubclass() asks an abstract class. For the abc module only.")
{
  if (!cd_is_type(args[1])) return cd_raise_type(vm, "issubclass() arg 1 must be a class");
  Ref keep;
  AbcData *data = abc_data_of(vm, args[0], &keep);
  if (!data) return NO_REF;
  Type *subclass = cd_as_type(args[1]);
  AbcState *state = abc_state(vm);
  bool answer = false, ok = true;
  if (weak_types_has(&data->cache, subclass)) {
    answer = true;
  } else {
    if (data->negative_version < state->counter) {
      weak_types_clear(vm, &data->negative);
      data->negative_version = state->counter;
    }
    if (!weak_types_has(&data->negative, subclass)) {
      ok = abc_decide(vm, args[0], data, subclass, &answer);
      if (ok) ok = weak_types_add(vm, answer ? &data->cache : &data->negative, subclass);
    }
  }
  cd_drop(vm, keep);
  return ok ? cd_bool(answer) : NO_REF;
}

FUNCTION(_abc, _get_dump, "_get_dump(self, /)", "What the class has registered and cached, for debugging.")
{
  Ref keep;
  AbcData *data = abc_data_of(vm, args[0], &keep);
  if (!data) return NO_REF;
  Ref registry = weak_types_as_set(vm, &data->registry), cache = weak_types_as_set(vm, &data->cache),
      negative = weak_types_as_set(vm, &data->negative), version = cd_int_from_u64(vm, data->negative_version), result = NO_REF;
  if (registry && cache && negative && version) result = cd_tuple_of(vm, 4, (Value[]){registry, cache, negative, version});
  cd_drop(vm, registry);
  cd_drop(vm, cache);
  cd_drop(vm, negative);
  cd_drop(vm, version);
  cd_drop(vm, keep);
  return result;
}

FUNCTION(_abc, _reset_registry, "_reset_registry(self, /)", "Forgets what was registered with a class.")
{
  Ref keep;
  AbcData *data = abc_data_of(vm, args[0], &keep);
  if (!data) return NO_REF;
  weak_types_clear(vm, &data->registry);
  cd_drop(vm, keep);
  return cd_none();
}

FUNCTION(_abc, _reset_caches, "_reset_caches(self, /)", "Forgets what was found out about subclasses of a class.")
{
  Ref keep;
  AbcData *data = abc_data_of(vm, args[0], &keep);
  if (!data) return NO_REF;
  weak_types_clear(vm, &data->cache);
  weak_types_clear(vm, &data->negative);
  cd_drop(vm, keep);
  return cd_none();
}

FUNCTION(
  _abc, get_cache_token, "get_cache_token()",
  "What answers of abstract classes are cached under.\n\nA value that stays equal as long as the answers of abstract classes can be\n"
  "cached. register() on any abstract class changes it.")
{
  return cd_int_from_u64(vm, abc_state(vm)->counter);
}

static bool abc_exec(VM *vm, Value module)
{
  return (abc_state(vm)->data_type = cd_type_from_spec(vm, &abc_data_spec, NO_VALUE)) != NULL;
}
static void abc_clear(VM *vm, void *state)
{
  cd_drop_object(vm, ((AbcState *)state)->data_type);
  ((AbcState *)state)->data_type = NULL;
}
static void abc_traverse(void *state, VisitFn visit, void *context)
{
  if (((AbcState *)state)->data_type) visit(context, cd_type_value(((AbcState *)state)->data_type));
}

static const MethodDef *const abc_functions[] = {
  &_abc__abc_init_def, &_abc__abc_register_def, &_abc__abc_instancecheck_def, &_abc__abc_subclasscheck_def,
  &_abc__get_dump_def, &_abc__reset_registry_def, &_abc__reset_caches_def, &_abc_get_cache_token_def, NULL};
const ModuleDef cd_module__abc = {.name = "_abc",
                                  .doc = "What abc.ABCMeta does at each class and each isinstance().",
                                  .functions = abc_functions,
                                  .state_size = sizeof(AbcState),
                                  .exec = abc_exec,
                                  .traverse = abc_traverse,
                                  .clear = abc_clear};
