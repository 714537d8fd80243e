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
// behind them. For Python the numbers are in the type's dict too: n_fields, n_sequence_fields, n_unnamed_fields.

// The spec of one struct type, made for it. It tells the numbers of fields without a VM.
typedef struct StructTypeSpec {
  TypeSpec spec;
  const StructSpec *from;
  size_t total;
} StructTypeSpec;

static size_t struct_total(const Type *type) { return ((const StructTypeSpec *)type->spec)->total; }
static size_t struct_visible(const Type *type) { return (size_t)((const StructTypeSpec *)type->spec)->from->visible; }

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
  if (tuple) tuple->size = struct_visible(type);
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

// Name of field number i, or NULL for an unnamed one.
static const char *struct_field_name(const Type *type, size_t i)
{
  const char *name = ((const StructTypeSpec *)type->spec)->from->fields[i].name;
  return *name ? name : NULL;
}

static Ref struct_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  static const char spec[] = "structseq(sequence, dict=None)";
  Value in[2];
  Ref owned[2];
  if (!cd_bind_text(vm, spec, args, nargs, kwnames, in, owned)) return NO_REF;
  size_t visible = struct_visible(type), total = struct_total(type);
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
      const char *field = i >= given && extra ? struct_field_name(type, i) : NULL;
      Value value = i < given ? cd_tuple_item_borrow(sequence, i) : field ? cd_dict_get_text_borrow(vm, extra, field) : NO_VALUE;
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
    const char *name = struct_field_name(type, i);
    ok = (!i || cd_text_puts(&text, ", ")) && (!name || cd_text_format(&text, "%s=", name)) &&
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
    const char *name = struct_field_name(type, i);
    if (name) ok = cd_dict_set_text(vm, hidden, name, cd_as_tuple(self)->items[i]);
  }
  Ref arguments = ok ? cd_tuple2(vm, items, hidden) : NO_REF;
  cd_drop(vm, items);
  cd_drop(vm, hidden);
  return cd_tuple2_steal(vm, cd_dup_object(type), arguments);
}

// Adds the member descriptors, the counts and __match_args__.
static bool struct_fill(VM *vm, Type *type)
{
  const StructTypeSpec *made = (const StructTypeSpec *)type->spec;
  Ref match = cd_list_new(vm);
  bool ok = match != NO_REF;
  int64_t unnamed = 0;
  for (size_t i = 0; ok && i < made->total; i++) {
    const StructField *field = &made->from->fields[i];
    if (!*field->name) {
      unnamed++;
      continue;
    }
    MemberDef def = {field->name, (uint32_t)(offsetof(Tuple, items) + i * sizeof(Value)), MEMBER_VALUE_OR_NONE, false, field->doc};
    ok = cd_dict_set_text_steal(vm, type->dict, field->name, cd_member_new(vm, type, &def)) &&
         (i >= (size_t)made->from->visible || cd_list_append_steal(vm, cd_as_list(match), cd_intern(vm, field->name)));
  }
  ok = ok && cd_dict_set_text_steal(vm, type->dict, "__match_args__", cd_list_to_tuple(vm, match)) &&
       cd_dict_set_text(vm, type->dict, "n_sequence_fields", cd_from_small(made->from->visible)) &&
       cd_dict_set_text(vm, type->dict, "n_fields", cd_from_small((int64_t)made->total)) &&
       cd_dict_set_text(vm, type->dict, "n_unnamed_fields", cd_from_small(unnamed));
  cd_drop(vm, match);
  return ok;
}

static const MethodDef *const struct_methods[] = {&struct___reduce___def, NULL};
static const TypeSpec struct_spec = {
  .basicsize = sizeof(Tuple),
  .flags = TYPE_GC,
  .methods = struct_methods,
  .fill = struct_fill,
  .slots =
    {.release = struct_release, .traverse = struct_traverse, .alloc_size = struct_alloc_size, .repr = struct_repr, .new_ = struct_new_slot},
};

Type *cd_struct_type_new(VM *vm, const StructSpec *spec, bool no_new)
{
  StructTypeSpec *made = cd_alloc(vm, sizeof *made);           // lives as long as the VM
  if (!made) return NULL;
  made->spec = struct_spec;
  made->spec.name = spec->name;
  made->spec.doc = spec->doc;
  if (no_new) {
    made->spec.flags |= TYPE_NO_NEW;
    made->spec.slots.new_ = NULL;
  }
  made->from = spec;
  for (made->total = 0; spec->fields[made->total].name;) made->total++;
  return cd_type_from_spec(vm, &made->spec, cd_type_value(vm->types.tuple));
}
