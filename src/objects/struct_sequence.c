// SPDX-License-Identifier: MIT
// struct_sequence.c: tuples with named fields, such as os.stat_result; some fields may show by name only
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// A struct type is a subclass of tuple whose items hold all fields; the tuple's size counts the visible ones, and the hidden ones lie
// behind them. The numbers are in the type's dict: n_fields, n_sequence_fields, n_unnamed_fields.

static int64_t struct_count(VM *vm, const Type *type, const char *which)
{
  Value count = NO_VALUE;
  for (const Type *t = type; t && !count; t = t->base) count = cd_dict_get_text_borrow(vm, t->dict, which);
  return count && cd_is_small(count) ? cd_small(count) : 0;
}

// The spec of one struct type, made for it; subclasses share it. alloc_size needs the total without a VM.
typedef struct StructTypeSpec { TypeSpec spec; size_t total; } StructTypeSpec;

static size_t struct_total(const Type *type) { return ((const StructTypeSpec *)type->spec)->total; }

static size_t struct_alloc_size(Object *self) { return sizeof(Tuple) + struct_total(self->type) * sizeof(Value); }

static void struct_traverse(Object *self, VisitFn visit, void *context)
{
  Tuple *tuple = (Tuple *)self;
  size_t total = struct_total(self->type);
  for (size_t i = 0; i < total; i++) visit(context, tuple->items[i]);
}
static void struct_release(VM *vm, Object *self)
{
  Tuple *tuple = (Tuple *)self;
  size_t total = struct_total(self->type);
  for (size_t i = 0; i < total; i++) cd_clear(vm, &tuple->items[i]);
}

static Tuple *struct_allocate(VM *vm, Type *type)
{
  size_t total = struct_total(type);
  Tuple *tuple = cd_object_new(vm, type, cd_var_size(type, sizeof(Tuple) + total * sizeof(Value)));
  if (tuple) tuple->size = (size_t)struct_count(vm, type, "n_sequence_fields");
  return tuple;
}

Ref cd_struct_new(VM *vm, Type *type, const Value *items)
{
  Tuple *tuple = struct_allocate(vm, type);
  if (!tuple) return NO_REF;
  size_t total = struct_total(type);
  for (size_t i = 0; i < total; i++) tuple->items[i] = items[i] ? cd_dup(items[i]) : cd_none();
  return cd_from_object(tuple);
}

// Name of field number i, or NO_VALUE for an unnamed one. Borrowed.
static Value struct_field_name(VM *vm, const Type *type, size_t i)
{
  Value names = NO_VALUE;
  for (const Type *t = type; t && !names; t = t->base) names = cd_dict_get_text_borrow(vm, t->dict, "__struct_fields__");
  if (!names) return NO_VALUE;
  Value name = cd_tuple_item_borrow(names, i);
  return cd_is_str(name) ? name : NO_VALUE;
}

static Ref struct_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  static const char spec[] = "structseq(sequence, dict=None)";
  Value in[2];
  Ref owned[2];
  if (!cd_bind_text(vm, spec, args, nargs, kwnames, in, owned)) return NO_REF;
  size_t visible = (size_t)struct_count(vm, type, "n_sequence_fields"), total = struct_total(type);
  Value extra = in[1];
  if (extra && !cd_is_dict(extra)) return cd_raise_type(vm, "%.500s() takes a dict as second arg, if any", cd_type_name(type));
  Ref sequence = cd_tuple_from(vm, in[0]);
  if (!sequence) {
    if (cd_swallow(vm, vm->exc.TypeError)) cd_raise_type(vm, "constructor requires a sequence");
    return NO_REF;
  }
  size_t given = cd_tuple_size(sequence);
  Tuple *tuple = NULL;
  const char *name = cd_type_name(type);
  if (given < visible)
    cd_raise_type(vm, "%.500s() takes %s%zu-sequence (%zu-sequence given)", name, visible != total ? "an at least " : "a ", visible, given);
  else if (given > total)
    cd_raise_type(vm, "%.500s() takes %s%zu-sequence (%zu-sequence given)", name, visible != total ? "an at most " : "a ", total, given);
  else if ((tuple = struct_allocate(vm, type))) {
    for (size_t i = 0; i < total; i++) {
      Value field = i >= given && extra ? struct_field_name(vm, type, i) : NO_VALUE;
      Value value = i < given ? cd_tuple_item_borrow(sequence, i) : field ? cd_dict_get_name_borrow(vm, extra, field) : NO_VALUE;
      tuple->items[i] = value ? cd_dup(value) : cd_none();
    }
  }
  cd_drop(vm, sequence);
  return cd_from_object(tuple);
}

static Ref struct_repr(VM *vm, Value self)
{
  Type *type = cd_type_of(vm, self);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_format(&text, "%s(", cd_type_name(type));
  for (size_t i = 0; ok && i < cd_tuple_size(self); i++) {
    Value name = struct_field_name(vm, type, i);
    ok = (!i || cd_text_puts(&text, ", ")) && (!name || (cd_text_str(&text, name) && cd_text_puts(&text, "="))) &&
         cd_text_repr(&text, cd_tuple_item_borrow(self, i));
  }
  if (ok && cd_text_puts(&text, ")")) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

METHOD(struct, __reduce__, "__reduce__(self, /)", NULL)
{
  Type *type = cd_type_of(vm, self);
  size_t visible = cd_tuple_size(self), total = struct_total(type);
  Ref items = cd_tuple_of(vm, visible, cd_as_tuple(self)->items), hidden = cd_dict_new(vm);
  bool ok = items && hidden;
  for (size_t i = visible; ok && i < total; i++) {
    Value name = struct_field_name(vm, type, i);
    if (name) ok = cd_dict_set(vm, hidden, name, cd_as_tuple(self)->items[i]);
  }
  Ref arguments = ok ? cd_tuple2(vm, items, hidden) : NO_REF;
  cd_drop(vm, items);
  cd_drop(vm, hidden);
  return cd_tuple2_steal(vm, cd_dup_object(type), arguments);
}

static const MethodDef *const struct_methods[] = {&struct___reduce___def, NULL};
static const TypeSpec struct_spec = {
  .basicsize = sizeof(Tuple),
  .flags = TYPE_GC,
  .methods = struct_methods,
  .slots =
    {.release = struct_release, .traverse = struct_traverse, .alloc_size = struct_alloc_size, .repr = struct_repr, .new_ = struct_new_slot},
};

// Adds the member descriptors, the tuple of names, the counts and __match_args__.
static bool struct_add_fields(VM *vm, Type *type, const StructSpec *spec, size_t total)
{
  Ref names = cd_tuple_new(vm, total), match = cd_list_new(vm);
  bool ok = names && match;
  size_t unnamed = 0;
  for (size_t i = 0; ok && i < total; i++) {
    const StructField *field = &spec->fields[i];
    if (!*field->name) {
      cd_tuple_set(names, i, cd_none());
      unnamed++;
      continue;
    }
    Ref name = cd_intern(vm, field->name);
    if (!(ok = name != NO_REF)) break;
    cd_tuple_set(names, i, cd_dup(name));
    MemberDef def = {field->name, (uint32_t)(offsetof(Tuple, items) + i * sizeof(Value)), MEMBER_VALUE_OR_NONE, false, field->doc};
    ok = cd_dict_set_text_steal(vm, type->dict, field->name, cd_member_new(vm, type, &def));
    if (ok && i < (size_t)spec->visible) ok = cd_list_append(vm, cd_as_list(match), name);
    cd_drop(vm, name);
  }
  for (size_t i = 0; names && i < total; i++)
    if (!cd_tuple_item_borrow(names, i)) cd_tuple_set(names, i, cd_none());
  ok = ok && cd_dict_set_text(vm, type->dict, "__struct_fields__", names) &&
       cd_dict_set_text_steal(vm, type->dict, "__match_args__", cd_list_to_tuple(vm, match)) &&
       cd_dict_set_text_steal(vm, type->dict, "n_sequence_fields", cd_from_small(spec->visible)) &&
       cd_dict_set_text_steal(vm, type->dict, "n_fields", cd_from_small((int64_t)total)) &&
       cd_dict_set_text_steal(vm, type->dict, "n_unnamed_fields", cd_from_small((int64_t)unnamed));
  cd_drop(vm, names);
  cd_drop(vm, match);
  return ok;
}

Type *cd_struct_type_new(VM *vm, const StructSpec *spec)
{
  size_t total = 0;
  while (spec->fields[total].name) total++;
  StructTypeSpec *made = cd_alloc(vm, sizeof *made);           // lives as long as the VM
  if (!made) return NULL;
  made->spec = struct_spec;
  made->spec.name = spec->name;
  made->spec.doc = spec->doc;
  made->total = total;
  Type *type = cd_type_from_spec(vm, &made->spec, cd_type_value(vm->types.tuple));
  if (!type) return NULL;
  (void)cd_type_dict(vm, type);                  // the fields are to follow what every such type has
  if (struct_add_fields(vm, type, spec, total)) {
    cd_type_modified(vm, type);
    return type;
  }
  cd_drop_object(vm, type);
  return NULL;
}
