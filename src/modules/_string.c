// SPDX-License-Identifier: MIT
// _string.c: what string.Formatter needs to read formats
#include "modules/module_list.h"
#include "objects/protocol.h"
#include "objects/str_format.h"
#include "objects/tuple.h"
#include "objects/type.h"

typedef struct StringState {
  Type *formatter_iterator, *field_name_iterator;                // owned
} StringState;

// Both iterators walk a str by its bytes.
typedef struct FormatIterator {
  Object head;
  Value text;                                    // owned
  size_t offset, end;
} FormatIterator;

static Ref format_iterator_new(VM *vm, Type *type, Value text, size_t offset, size_t end)
{
  FormatIterator *it = cd_object_new(vm, type, sizeof *it);
  if (!it) return NO_REF;
  it->text = cd_dup(text);
  it->offset = offset;
  it->end = end;
  return cd_from_object(it);
}

static void format_iterator_release(VM *vm, Object *self) { cd_clear(vm, &((FormatIterator *)self)->text); }
static Ref format_iterator_iter(VM *vm, Value self) { return cd_dup(self); }

static Ref format_part_str(VM *vm, FormatPart part) { return cd_str_new(vm, part.start, (size_t)(part.end - part.start)); }

static Next formatter_iterator_next(VM *vm, Value self, Ref *out)
{
  FormatIterator *it = (FormatIterator *)cd_object(self);
  const char *data = cd_str_data(it->text), *p = data + it->offset;
  FormatField f;
  Next next = cd_format_next_field(vm, &p, data + it->end, &f);
  if (next != NEXT_ITEM) return next;
  it->offset = (size_t)(p - data);
  Ref literal = format_part_str(vm, f.literal), name = f.present ? format_part_str(vm, f.name) : cd_none();
  Ref spec = !f.present ? cd_none() : f.spec.start ? format_part_str(vm, f.spec) : cd_str_ascii(vm, "", 0);
  Ref conversion = f.conversion ? cd_str_from_char(vm, f.conversion) : cd_none();
  Ref tuple = literal && name && spec && conversion ? cd_tuple_new(vm, 4) : NO_REF;
  if (!tuple) {
    cd_drop(vm, literal);
    cd_drop(vm, name);
    cd_drop(vm, spec);
    cd_drop(vm, conversion);
    return NEXT_ERROR;
  }
  cd_tuple_set(tuple, 0, literal);
  cd_tuple_set(tuple, 1, name);
  cd_tuple_set(tuple, 2, spec);
  cd_tuple_set(tuple, 3, conversion);
  *out = tuple;
  return NEXT_ITEM;
}

static Next field_name_iterator_next(VM *vm, Value self, Ref *out)
{
  FormatIterator *it = (FormatIterator *)cd_object(self);
  const char *data = cd_str_data(it->text), *p = data + it->offset;
  bool is_attribute;
  FormatPart part;
  int64_t index;
  Next next = cd_format_name_next(vm, &p, data + it->end, &is_attribute, &part, &index);
  if (next != NEXT_ITEM) return next;
  it->offset = (size_t)(p - data);
  *out = cd_tuple2_steal(vm, cd_bool(is_attribute), index >= 0 && !is_attribute ? cd_from_small(index) : format_part_str(vm, part));
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

static const TypeSpec formatter_iterator_spec = {
  .name = "formatteriterator",
  .basicsize = sizeof(FormatIterator),
  .flags = TYPE_NO_NEW,
  .slots = {.release = format_iterator_release, .iter = format_iterator_iter, .next = formatter_iterator_next},
};
static const TypeSpec field_name_iterator_spec = {
  .name = "fieldnameiterator",
  .basicsize = sizeof(FormatIterator),
  .flags = TYPE_NO_NEW,
  .slots = {.release = format_iterator_release, .iter = format_iterator_iter, .next = field_name_iterator_next},
};

METHOD_DEF_(_string_formatter_parser, "formatter_parser", "formatter_parser(format, /)",
            "Iterate over the pieces of a format: (literal, field name, specification, conversion).", METHOD_NO_SIGNATURE)
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "expected str, got %T", args[0]);
  StringState *state = cd_state(vm, MODULE__string);
  return format_iterator_new(vm, state->formatter_iterator, args[0], 0, cd_str_size(args[0]));
}

METHOD_DEF_(_string_formatter_field_name_split, "formatter_field_name_split", "formatter_field_name_split(name, /)",
            "Split a field's name: its first part, and an iterator over (is attribute, key) for the others.", METHOD_NO_SIGNATURE)
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "expected str, got %T", args[0]);
  StringState *state = cd_state(vm, MODULE__string);
  const char *data = cd_str_data(args[0]), *rest;
  FormatPart name = {data, data + cd_str_size(args[0])}, first;
  int64_t index;
  if (!cd_format_name_first(vm, name, &first, &index, &rest)) return NO_REF;
  return cd_tuple2_steal(vm, index >= 0 ? cd_from_small(index) : format_part_str(vm, first),
                         format_iterator_new(vm, state->field_name_iterator, args[0], (size_t)(rest - data), cd_str_size(args[0])));
}

static bool string_exec(VM *vm, Value module)
{
  StringState *state = cd_state(vm, MODULE__string);
  return (state->formatter_iterator = cd_type_from_spec(vm, &formatter_iterator_spec, NO_VALUE)) &&
         (state->field_name_iterator = cd_type_from_spec(vm, &field_name_iterator_spec, NO_VALUE));
}

static void string_traverse(void *p, VisitFn visit, void *context)
{
  StringState *state = p;
  visit(context, cd_type_value(state->formatter_iterator));
  visit(context, cd_type_value(state->field_name_iterator));
}

static void string_clear(VM *vm, void *p)
{
  StringState *state = p;
  cd_drop_object(vm, state->formatter_iterator);
  cd_drop_object(vm, state->field_name_iterator);
  *state = (StringState){0};
}

static const MethodDef *const string_functions[] = {&_string_formatter_parser_def, &_string_formatter_field_name_split_def, NULL};

const ModuleDef cd_module__string = {
  .name = "_string",
  .doc = "What string.Formatter needs to read formats.",
  .functions = string_functions,
  .state_size = sizeof(StringState),
  .exec = string_exec,
  .traverse = string_traverse,
  .clear = string_clear,
};
