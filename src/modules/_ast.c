// SPDX-License-Identifier: MIT
// _ast.c: the classes of syntax tree nodes, and trees of C structs to and from trees of their instances
#include "frontend/ast.h"
#include "frontend/parser.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/instance.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// Everything here walks descriptions of the nodes, made from ast.def: which fields a node has, of which kind, and where in its struct.
// Fields of a node are laid out one after the other, each aligned to its size, so their places follow from their kinds.

// ---- kinds of fields ----

typedef enum FieldType {
  FIELD_identifier,
  FIELD_string,
  FIELD_constant,
  FIELD_int,
  FIELD_expr_context,
  FIELD_boolop,
  FIELD_operator,
  FIELD_unaryop,
  FIELD_cmpop,   // ORDER: ast enums
  FIELD_stmt,
  FIELD_expr,
  FIELD_pattern,
  FIELD_type_param,
  FIELD_mod,   // ORDER: ast sums
  FIELD_excepthandler,
  FIELD_type_ignore,
  FIELD_comprehension,
  FIELD_arguments,
  FIELD_arg,
  FIELD_keyword,
  FIELD_alias,
  FIELD_withitem,
  FIELD_match_case,
  FIELD_TYPES
} FieldType;
typedef enum Quantity { QUANTITY_END, QUANTITY_ONE, QUANTITY_OPT, QUANTITY_SEQ, QUANTITY_SEQ_OPT, QUANTITY_EXTRA } Quantity;
typedef struct Field { const char *name; uint8_t type, quantity; } Field;
static inline bool field_is_sequence(const Field *field) { return field->quantity >= QUANTITY_SEQ; }

#define ONE(type, name) {#name, FIELD_##type, QUANTITY_ONE},
#define OPT(type, name) {#name, FIELD_##type, QUANTITY_OPT},
#define SEQ(type, name) {#name, FIELD_##type, QUANTITY_SEQ},
#define SEQ_OPT(type, name) {#name, FIELD_##type, QUANTITY_SEQ_OPT},
#define EXTRA(type, name) {#name, FIELD_##type, QUANTITY_EXTRA},

// ---- classes ----

// One class for each node and enum value. ORDER: ast.def
typedef enum NodeClass {
#define MOD(name, fields) CLASS_##name,
#define STMT(name, fields) CLASS_##name,
#define EXPR(name, fields) CLASS_##name,
#define PATTERN(name, fields) CLASS_##name,
#define TYPE_PARAM(name, fields) CLASS_##name,
#define PRODUCT(name, Struct, fields) CLASS_##name,
#define PRODUCT_AT(name, Struct, fields) CLASS_##name,
#define CONTEXT(name) CLASS_##name,
#define BOOLOP(name) CLASS_##name,
#define OPERATOR(name) CLASS_##name,
#define UNARYOP(name) CLASS_##name,
#define CMPOP(name) CLASS_##name,
#include "frontend/ast.def"
  NODE_CLASS_COUNT
} NodeClass;

typedef struct NodeDef { const char *name; uint8_t type; Field fields[8]; } NodeDef;
static const NodeDef ast_nodes[NODE_CLASS_COUNT] = {
#define MOD(name, fields) {#name, FIELD_mod, {fields {NULL, 0, 0}}},
#define STMT(name, fields) {#name, FIELD_stmt, {fields {NULL, 0, 0}}},
#define EXPR(name, fields) {#name, FIELD_expr, {fields {NULL, 0, 0}}},
#define PATTERN(name, fields) {#name, FIELD_pattern, {fields {NULL, 0, 0}}},
#define TYPE_PARAM(name, fields) {#name, FIELD_type_param, {fields {NULL, 0, 0}}},
#define FIELD_ExceptHandler FIELD_excepthandler
#define FIELD_TypeIgnore FIELD_type_ignore
#define PRODUCT(name, Struct, fields) {#name, FIELD_##name, {fields}},
#define PRODUCT_AT(name, Struct, fields) {#name, FIELD_##name, {fields}},
#define CONTEXT(name) {#name, FIELD_expr_context, {{NULL, 0, 0}}},
#define BOOLOP(name) {#name, FIELD_boolop, {{NULL, 0, 0}}},
#define OPERATOR(name) {#name, FIELD_operator, {{NULL, 0, 0}}},
#define UNARYOP(name) {#name, FIELD_unaryop, {{NULL, 0, 0}}},
#define CMPOP(name) {#name, FIELD_cmpop, {{NULL, 0, 0}}},
#include "frontend/ast.def"
};

// What a field type is as a class: an abstract one with variants, or (variants NULL) a record that is its own class.
typedef struct TypeDef {
  const char *name;
  NodeClass first, last;
  uint16_t size;                                 // of the struct
  uint16_t fields;                               // where its fields begin
  uint16_t position;                             // where its position begins; 0: none... or at 0 for records, see `positioned`
  bool sum, positioned;
} TypeDef;
#define SUM_DEF(type, Struct, first, last, positioned) \
  [FIELD_##type] = {#type, CLASS_##first, CLASS_##last, sizeof(Struct), offsetof(Struct, as), 4, true, positioned}
#define ENUM_DEF(type, first, last) [FIELD_##type] = {#type, CLASS_##first, CLASS_##last, 0, 0, 0, true, false}
#define RECORD_DEF(type, Struct, class_, start, positioned) \
  [FIELD_##type] = {#type, CLASS_##class_, CLASS_##class_, sizeof(Struct), start, 0, false, positioned}
static const TypeDef ast_types[FIELD_TYPES] = {
  SUM_DEF(mod, Mod, Module, FunctionType, false),
  SUM_DEF(stmt, Stmt, FunctionDef, TypeAlias, true),
  SUM_DEF(expr, Expr, BoolOp, Slice, true),
  SUM_DEF(pattern, Pattern, MatchValue, MatchOr, true),
  SUM_DEF(type_param, TypeParam, TypeVar, TypeVarTuple, true),
  ENUM_DEF(expr_context, Load, Del),
  ENUM_DEF(boolop, And, Or),
  ENUM_DEF(operator, Add, FloorDiv),
  ENUM_DEF(unaryop, Invert, USub),
  ENUM_DEF(cmpop, Eq, NotIn),
  RECORD_DEF(excepthandler, ExceptHandler, ExceptHandler, 16, true),
  RECORD_DEF(type_ignore, TypeIgnore, TypeIgnore, 0, false),
  RECORD_DEF(comprehension, Comprehension, comprehension, 0, false),
  RECORD_DEF(arguments, Arguments, arguments, 0, false),
  RECORD_DEF(arg, Arg, arg, 16, true),
  RECORD_DEF(keyword, Keyword, keyword, 16, true),
  RECORD_DEF(alias, Alias, alias, 16, true),
  RECORD_DEF(withitem, WithItem, withitem, 0, false),
  RECORD_DEF(match_case, MatchCase, match_case, 0, false),
  [FIELD_identifier] = {.name = "identifier"},
  [FIELD_string] = {.name = "string"},
  [FIELD_constant] = {.name = "constant"},
  [FIELD_int] = {.name = "int"},
};
// These two records are the only variant of an abstract class.
static bool type_has_base(int type) { return ast_types[type].sum || type == FIELD_excepthandler || type == FIELD_type_ignore; }

// Bytes that a field takes, which is also its alignment but for sequences.
static size_t field_size(const Field *field)
{
  if (field_is_sequence(field)) return sizeof(ExprSeq);
  return field->type >= FIELD_int && field->type <= FIELD_cmpop ? 4 : 8;
}
static size_t field_place(const Field *field, size_t at) { return field_size(field) == 4 ? at : (at + 7) & ~(size_t)7; }

enum { POSITION_FIELDS = 4 };
static const char *const ast_position_names[POSITION_FIELDS] = {"lineno", "col_offset", "end_lineno", "end_col_offset"};

typedef struct AstState {
  Type *base;                                    // AST; borrowed from the module, like all of these
  Value bases[FIELD_TYPES];                      // abstract classes; owned
  Value classes[NODE_CLASS_COUNT];                    // owned
  Value names[NODE_CLASS_COUNT][8];                   // of fields, interned; owned
  Value position_names[POSITION_FIELDS];         // owned
  Value singletons[NODE_CLASS_COUNT];                 // one instance of each class without fields; owned
  Value fields_name, attributes_name;            // _fields, _attributes; owned
} AstState;

// ---- AST, the root of the classes ----

typedef struct AstNode { Object head; AttributeHead attributes; } AstNode;

// The names in type(self)._fields as a sequence.
static bool ast_fields_of(VM *vm, Value self, Ref *out)
{
  AstState *state = cd_state(vm, MODULE__ast);
  Find found = cd_getattr_find(vm, cd_type_value(cd_type_of(vm, self)), state->fields_name, out);
  if (found == FIND_ERROR) return false;
  if (found == FIND_MISSING) {
    *out = NO_REF;
    return true;
  }
  Ref fields = cd_fast_sequence(vm, *out, "_fields must be a sequence");
  cd_drop(vm, *out);
  *out = fields;
  return fields;
}

static bool ast_init_keywords(VM *vm, Value self, Value fields, const Value *args, size_t nargs, Value kwnames)
{
  for (size_t i = 0; i < cd_tuple_size(kwnames); i++) {
    Value key = cd_tuple_item_borrow(kwnames, i);
    for (size_t k = 0; k < nargs; k++) {
      size_t count;
      const Value *names = cd_sequence_items(fields, &count);
      bool same;
      if (k >= count) break;
      if (!cd_equal(vm, names[k], key, &same)) return false;
      if (same) return cd_raise_type(vm, "%.400s got multiple values for argument %R", cd_type_name(cd_type_of(vm, self)), key);
    }
    if (!cd_setattr(vm, self, key, args[nargs + i])) return false;
  }
  return true;
}

static bool ast_init(VM *vm, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Ref fields;
  if (!ast_fields_of(vm, self, &fields)) return false;
  size_t count = 0;
  if (fields) cd_sequence_items(fields, &count);
  bool ok = true;
  if (nargs > count) {
    ok = cd_raise_type(vm, "%.400s constructor takes at most %zu positional argument%s", cd_type_name(cd_type_of(vm, self)), count,
                       count == 1 ? "" : "s");
    goto done;
  }
  for (size_t i = 0; ok && i < nargs; i++) {
    const Value *names = cd_sequence_items(fields, &count);
    if (i >= count) break;
    Ref name = cd_dup(names[i]);
    ok = cd_setattr(vm, self, name, args[i]);
    cd_drop(vm, name);
  }
  if (ok && kwnames) ok = ast_init_keywords(vm, self, fields, args, nargs, kwnames);
done:
  cd_drop(vm, fields);
  return ok;
}

// Arguments are for __init__ alone.
static Ref ast_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs UNUSED, Value kwnames UNUSED)
{
  Object *self = cd_instance_new(vm, type);
  return self ? cd_from_object(self) : NO_REF;
}

METHOD(ast, __reduce__, "__reduce__(self, /)", "What pickle and copy keep: the class and the attributes.")
{
  Ref dict = cd_instance_dict(vm, cd_object(self));
  if (!dict) return NO_REF;
  Ref result = cd_dict_count(dict) ? cd_tuple3(vm, cd_type_value(cd_type_of(vm, self)), vm->empty_tuple, dict)
                                   : cd_tuple2(vm, cd_type_value(cd_type_of(vm, self)), vm->empty_tuple);
  cd_drop(vm, dict);
  return result;
}

static Ref ast_get_dict(VM *vm, Value self) { return cd_instance_dict(vm, cd_object(self)); }
static bool ast_set_dict(VM *vm, Value self, Value value)
{
  if (!value) return cd_raise_type(vm, "cannot delete __dict__");
  if (!cd_is_dict(value)) return cd_raise_type(vm, "__dict__ must be set to a dictionary, not a '%T'", value);
  return cd_instance_set_dict(vm, cd_object(self), value);
}

static const MethodDef *const ast_methods[] = {&ast___reduce___def, NULL};
static const GetSetDef ast_getset[] = {{"__dict__", NULL, ast_get_dict, ast_set_dict}, {0}};
static const TypeSpec ast_spec = {
  .name = "ast.AST",
  .basicsize = sizeof(AstNode),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_DICT,
  .dict_offset = offsetof(AstNode, attributes),
  .methods = ast_methods,
  .getset = ast_getset,
  .slots = {.new_ = ast_new, .init = ast_init},
};

// ---- making the classes ----

static const char *field_mark(const Field *field) { return field_is_sequence(field) ? "*" : field->quantity == QUANTITY_OPT ? "?" : ""; }

// "Return(expr? value)"
static bool ast_describe(TextBuilder *text, const NodeDef *node)
{
  if (!cd_text_puts(text, node->name)) return false;
  const char *separator = "(";
  for (const Field *f = node->fields; f->name; f++) {
    if (f->quantity == QUANTITY_EXTRA) continue;
    if (!cd_text_format(text, "%s%s%s %s", separator, ast_types[f->type].name, field_mark(f), f->name)) return false;
    separator = ", ";
  }
  return separator[0] == '(' || cd_text_puts(text, ")");
}

// "boolop = And | Or"; variants with fields stand one on a line.
static Ref ast_describe_sum(VM *vm, const TypeDef *type)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = cd_text_format(&text, "%s = ", type->name), lines = false;
  for (int c = type->first; c <= (int)type->last; c++) lines |= ast_nodes[c].fields[0].name != NULL;
  for (int c = type->first; ok && c <= (int)type->last; c++) {
    if (c == CLASS_TypeAlias) continue;
    if (c > (int)type->first)
      ok = lines ? cd_text_puts(&text, "\n") && cd_text_fill(&text, ' ', strlen(type->name) + 1) && cd_text_puts(&text, "| ")
                 : cd_text_puts(&text, " | ");
    ok = ok && ast_describe(&text, &ast_nodes[c]);
  }
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

static Ref ast_describe_node(VM *vm, const NodeDef *node)
{
  TextBuilder text;
  cd_text_init(&text, vm);
  if (ast_describe(&text, node)) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

static Ref ast_position_tuple(VM *vm, AstState *state, bool positioned)
{
  return positioned ? cd_tuple_of(vm, POSITION_FIELDS, state->position_names) : cd_dup(vm->empty_tuple);
}

// class NAME(BASE): with the given namespace (stolen); added to the module.
static Ref ast_make_class(VM *vm, Value module, const char *name, Value base, Ref doc, Ref fields, Ref attributes, const char *const *nones)
{
  Ref dict = cd_dict_new(vm), text = cd_str_from(vm, name), bases = cd_tuple1(vm, base), cls = NO_REF;
  bool ok = dict && text && bases && cd_dict_set_text(vm, dict, "_fields", fields) && cd_dict_set_text(vm, dict, "__match_args__", fields);
  ok = ok && cd_dict_set_text_steal(vm, dict, "__module__", cd_str_from(vm, "ast")) && cd_dict_set_text(vm, dict, "__doc__", doc);
  if (ok && attributes) ok = cd_dict_set_text(vm, dict, "_attributes", attributes);
  for (; ok && *nones; nones++) ok = cd_dict_set_text_steal(vm, dict, *nones, cd_none());
  if (ok) cls = cd_call3(vm, cd_type_value(vm->types.type), text, bases, dict);
  cd_drop(vm, dict);
  cd_drop(vm, text);
  cd_drop(vm, bases);
  cd_drop(vm, doc);
  cd_drop(vm, fields);
  cd_drop(vm, attributes);
  return cls && cd_module_add(vm, module, name, cd_dup(cls)) ? cls : NO_REF;
}

static Ref ast_field_tuple(VM *vm, AstState *state, int class_)
{
  size_t count = 0;
  for (const Field *f = ast_nodes[class_].fields; f->name; f++) count += f->quantity != QUANTITY_EXTRA;
  return cd_tuple_of(vm, count, state->names[class_]);   // extra fields come last
}

static bool ast_make_base(VM *vm, Value module, AstState *state, int type)
{
  static const char *const none[] = {NULL}, *const ends[] = {"end_lineno", "end_col_offset", NULL};
  const TypeDef *def = &ast_types[type];
  Ref doc = ast_describe_sum(vm, def), attributes = doc ? ast_position_tuple(vm, state, def->positioned) : NO_REF;
  if (!attributes) {
    cd_drop(vm, doc);
    return false;
  }
  state->bases[type] = ast_make_class(vm, module, def->name, cd_type_value(state->base), doc, cd_dup(vm->empty_tuple), attributes,
                                      def->positioned ? ends : none);
  return state->bases[type];
}

static bool ast_make_node(VM *vm, Value module, AstState *state, int class_)
{
  const NodeDef *node = &ast_nodes[class_];
  const TypeDef *type = &ast_types[node->type];
  bool own = !type_has_base(node->type);
  const char *nones[12];
  size_t n = 0, k = 0;
  for (const Field *f = node->fields; f->name; f++, k++) {
    if (f->quantity == QUANTITY_OPT) nones[n++] = f->name;
    if (!(state->names[class_][k] = cd_intern(vm, f->name))) return false;
  }
  if (own && type->positioned) nones[n++] = "end_lineno", nones[n++] = "end_col_offset";
  nones[n] = NULL;
  Ref doc = ast_describe_node(vm, node), fields = doc ? ast_field_tuple(vm, state, class_) : NO_REF;
  Ref attributes = fields && own ? ast_position_tuple(vm, state, type->positioned) : NO_REF;
  if (!fields || (own && !attributes)) {
    cd_drop(vm, doc);
    cd_drop(vm, fields);
    return false;
  }
  Value base = own ? cd_type_value(state->base) : state->bases[node->type];
  if (!(state->classes[class_] = ast_make_class(vm, module, node->name, base, doc, fields, attributes, nones))) return false;
  if (node->type >= FIELD_expr_context && node->type <= FIELD_cmpop)
    return (state->singletons[class_] = cd_call0(vm, state->classes[class_]));
  return true;
}

static bool ast_exec(VM *vm, Value module)
{
  AstState *state = cd_state(vm, MODULE__ast);
  if (!(state->base = cd_module_add_type(vm, module, &ast_spec, NO_VALUE))) return false;
  if (!(state->fields_name = cd_intern(vm, "_fields")) || !(state->attributes_name = cd_intern(vm, "_attributes"))) return false;
  for (int i = 0; i < POSITION_FIELDS; i++)
    if (!(state->position_names[i] = cd_intern(vm, ast_position_names[i]))) return false;
  static const char *const empty[] = {"_fields", "__match_args__", "_attributes"};
  for (size_t i = 0; i < ARRAY_LEN(empty); i++)
    if (!cd_setattr_text(vm, cd_type_value(state->base), empty[i], vm->empty_tuple)) return false;
  for (int type = 0; type < FIELD_TYPES; type++)
    if (ast_types[type].last && type_has_base(type) && !ast_make_base(vm, module, state, type)) return false;
  for (int c = 0; c < NODE_CLASS_COUNT; c++)
    if (!ast_make_node(vm, module, state, c)) return false;
  return cd_module_add_int(vm, module, "PyCF_ALLOW_TOP_LEVEL_AWAIT", PYCF_ALLOW_TOP_LEVEL_AWAIT) &&
         cd_module_add_int(vm, module, "PyCF_ONLY_AST", PYCF_ONLY_AST) &&
         cd_module_add_int(vm, module, "PyCF_TYPE_COMMENTS", PYCF_TYPE_COMMENTS);
}

static void ast_traverse(void *p, VisitFn visit, void *context)
{
  AstState *state = p;
  for (int i = 0; i < FIELD_TYPES; i++) visit(context, state->bases[i]);
  for (int i = 0; i < NODE_CLASS_COUNT; i++) visit(context, state->classes[i]), visit(context, state->singletons[i]);
}

static void ast_clear(VM *vm, void *p)
{
  AstState *state = p;
  for (int i = 0; i < FIELD_TYPES; i++) cd_clear(vm, &state->bases[i]);
  for (int i = 0; i < NODE_CLASS_COUNT; i++) {
    cd_clear(vm, &state->singletons[i]);
    cd_clear(vm, &state->classes[i]);
    for (int k = 0; k < 8; k++) cd_clear(vm, &state->names[i][k]);
  }
  for (int i = 0; i < POSITION_FIELDS; i++) cd_clear(vm, &state->position_names[i]);
  cd_clear(vm, &state->fields_name);
  cd_clear(vm, &state->attributes_name);
}

const ModuleDef cd_module__ast = {
  .name = "_ast", .state_size = sizeof(AstState), .exec = ast_exec, .traverse = ast_traverse, .clear = ast_clear,
};

// The module is made when the first tree is asked for.
static AstState *ast_state(VM *vm)
{
  Ref module = cd_import(vm, "_ast");
  cd_drop(vm, module);
  return module ? cd_state(vm, MODULE__ast) : NULL;
}

bool cd_ast_is_object(VM *vm, Value v, bool *out)
{
  AstState *state = ast_state(vm);
  return state && cd_isinstance(vm, v, cd_type_value(state->base), out);
}

// ---- C structs to objects ----

typedef struct AstWriter { VM *vm; AstState *state; } AstWriter;

static Ref ast_node_object(AstWriter *w, int type, const void *node);

// One item: of a field, or of a sequence.
static Ref ast_item_object(AstWriter *w, int type, const void *place)
{
  switch (type) {
  case FIELD_identifier: case FIELD_string: case FIELD_constant: {
    Value v = *(const Value *)place;
    return v ? cd_dup(v) : cd_none();
  }
  case FIELD_int: return cd_from_small(*(const int32_t *)place);
  case FIELD_expr_context: case FIELD_boolop: case FIELD_operator: case FIELD_unaryop: case FIELD_cmpop:
    return cd_dup(w->state->singletons[(int)ast_types[type].first + *(const int32_t *)place]);
  default: {
    const void *node = *(void *const *)place;
    return node ? ast_node_object(w, type, node) : cd_none();
  }
  }
}

static Ref ast_list_object(AstWriter *w, const Field *field, const ExprSeq *seq)
{
  Ref list = cd_list_with_capacity(w->vm, seq->count);
  size_t step = field->type == FIELD_cmpop ? sizeof(int32_t) : sizeof(void *);
  for (size_t i = 0; list && i < seq->count; i++) {
    Ref item = ast_item_object(w, field->type, (const char *)seq->items + i * step);
    if (item && cd_list_append_steal(w->vm, cd_as_list(list), item)) continue;
    cd_drop(w->vm, list);
    return NO_REF;
  }
  return list;
}

static bool ast_set(AstWriter *w, Value object, Value name, Ref value)
{
  bool ok = value && cd_generic_setattr(w->vm, object, name, value);
  cd_drop(w->vm, value);
  return ok;
}

// A node with fields newer than Python 3.11's says so itself: its class does not list them.
static bool ast_set_extra(AstWriter *w, Value object, int class_, size_t index, Ref list)
{
  bool used = list && cd_list_size(list);
  if (!list || !used) {
    cd_drop(w->vm, list);
    return list;
  }
  Ref fields = cd_tuple_of(w->vm, index + 1, w->state->names[class_]);
  return ast_set(w, object, w->state->names[class_][index], list) && ast_set(w, object, w->state->fields_name, fields);
}

static bool ast_fill_object(AstWriter *w, Value object, int class_, const void *node, const TypeDef *type)
{
  size_t at = type->fields, index = 0;
  for (const Field *f = ast_nodes[class_].fields; f->name; f++, index++) {
    at = field_place(f, at);
    const char *place = (const char *)node + at;
    at += field_size(f);
    Ref value = field_is_sequence(f) ? ast_list_object(w, f, (const ExprSeq *)place) : ast_item_object(w, f->type, place);
    if (f->quantity == QUANTITY_EXTRA) {
      if (!ast_set_extra(w, object, class_, index, value)) return false;
    } else if (!ast_set(w, object, w->state->names[class_][index], value)) {
      return false;
    }
  }
  if (!type->positioned) return true;
  const int32_t *position = (const int32_t *)((const char *)node + type->position);
  for (int i = 0; i < POSITION_FIELDS; i++)
    if (!ast_set(w, object, w->state->position_names[i], cd_from_small(position[i]))) return false;
  return true;
}

static Ref ast_node_object(AstWriter *w, int field_type, const void *node)
{
  const TypeDef *type = &ast_types[field_type];
  int class_ = (int)type->first + (type->sum ? *(const int32_t *)node : 0);
  if (!cd_enter_recursion(w->vm, " during ast construction")) return NO_REF;
  Object *made = cd_instance_new(w->vm, cd_as_type(w->state->classes[class_]));
  Ref object = made ? cd_from_object(made) : NO_REF;
  if (object && !ast_fill_object(w, object, class_, node, type)) {
    cd_drop(w->vm, object);
    object = NO_REF;
  }
  cd_leave_recursion(w->vm);
  return object;
}

Ref cd_ast_to_object(VM *vm, Ast *ast UNUSED, Mod *mod)
{
  AstWriter w = {vm, ast_state(vm)};
  return w.state ? ast_node_object(&w, FIELD_mod, mod) : NO_REF;
}

// ---- objects to C structs ----

typedef struct AstReader { VM *vm; Ast *ast; AstState *state; } AstReader;

static bool ast_read_node(AstReader *r, int type, Value object, void **out);

// Which variant of the abstract class is the object? -1: error.
static int ast_variant(AstReader *r, const TypeDef *type, Value object)
{
  Value own = cd_type_value(cd_type_of(r->vm, object));
  for (int c = type->first; c <= (int)type->last; c++)           // most often an exact instance
    if (cd_is(own, r->state->classes[c])) return c;
  for (int c = type->first; c <= (int)type->last; c++) {
    bool is;
    if (!cd_isinstance(r->vm, object, r->state->classes[c], &is)) return -1;
    if (is) return c;
  }
  cd_raise_type(r->vm, "expected some sort of %s, but got %R", type->name, object);
  return -1;
}

static bool ast_read_int(AstReader *r, Value object, int32_t *out)
{
  int value;
  if (!cd_is_int(object)) return cd_raise_value(r->vm, "invalid integer value: %R", object);
  if (!cd_to_c_int(r->vm, object, &value)) return false;
  *out = value;
  return true;
}

static bool ast_read_item(AstReader *r, int type, Value object, void *place)
{
  switch (type) {
  case FIELD_identifier:
    if (cd_is_none(object)) return true;
    if (!cd_is_str(object) || cd_type_of(r->vm, object) != r->vm->types.str)
      return cd_raise_type(r->vm, "AST identifier must be of type str");
    return (*(Value *)place = cd_ast_own(r->ast, cd_str_intern(r->vm, cd_dup(object))));
  case FIELD_string:
    if (cd_is_none(object)) return true;
    if (!cd_is_str(object) && !cd_is_bytes(object)) return cd_raise_type(r->vm, "AST string must be of type str");
    return (*(Value *)place = cd_ast_own(r->ast, cd_dup(object)));
  case FIELD_constant: return (*(Value *)place = cd_ast_own(r->ast, cd_dup(object)));
  case FIELD_int: return ast_read_int(r, object, place);
  case FIELD_expr_context: case FIELD_boolop: case FIELD_operator: case FIELD_unaryop: case FIELD_cmpop: {
    int class_ = ast_variant(r, &ast_types[type], object);
    if (class_ < 0) return false;
    *(int32_t *)place = class_ - (int)ast_types[type].first;
    return true;
  }
  default:
    if (cd_is_none(object) && ast_types[type].sum) return true;
    return ast_read_node(r, type, object, place);
  }
}

static bool ast_read_list(AstReader *r, const char *owner, const Field *field, Value object, ExprSeq *seq)
{
  if (!cd_is_list(object)) return cd_raise_type(r->vm, "%s field \"%s\" must be a list, not a %T", owner, field->name, object);
  size_t count = cd_list_size(object), step = field->type == FIELD_cmpop ? sizeof(int32_t) : sizeof(void *);
  if (!count) return true;
  char *items = cd_ast_array(r->ast, count, step);
  if (!items) return false;
  seq->count = count;
  seq->items = (Expr **)items;
  for (size_t i = 0; i < count; i++) {
    Ref item = cd_dup(cd_list_item_borrow(object, i));
    bool ok = ast_read_item(r, field->type, item, items + i * step);
    cd_drop(r->vm, item);
    if (!ok) return false;
    if (cd_list_size(object) != count) return cd_raise_runtime(r->vm, "%s field \"%s\" changed size during iteration", owner, field->name);
  }
  return true;
}

// Nothing that was read: the field is needed.
static bool ast_is_absent(const Field *field, const char *place)
{
  return field->quantity == QUANTITY_ONE && (field->type < FIELD_int || field->type > FIELD_cmpop) && *(void *const *)place == NULL;
}

static bool ast_read_fields(AstReader *r, Value object, int class_, char *node, const TypeDef *type)
{
  const NodeDef *def = &ast_nodes[class_];
  size_t at = type->fields, index = 0;
  for (const Field *f = def->fields; f->name; f++, index++) {
    at = field_place(f, at);
    char *place = node + at;
    at += field_size(f);
    Ref value;
    Find found = cd_getattr_find(r->vm, object, r->state->names[class_][index], &value);
    if (found == FIND_ERROR) return false;
    if (found == FIND_MISSING) {
      if (f->quantity == QUANTITY_OPT || f->quantity == QUANTITY_EXTRA) continue;
      return cd_raise_type(r->vm, "required field \"%s\" missing from %s", f->name, def->name);
    }
    bool ok = true;
    if (field_is_sequence(f)) ok = ast_read_list(r, def->name, f, value, (ExprSeq *)place);
    else if (f->quantity != QUANTITY_OPT || !cd_is_none(value)) ok = ast_read_item(r, f->type, value, place);
    cd_drop(r->vm, value);
    if (!ok) return false;
  }
  return true;
}

static bool ast_check_present(AstReader *r, int class_, const char *node, const TypeDef *type)
{
  const NodeDef *def = &ast_nodes[class_];
  size_t at = type->fields;
  for (const Field *f = def->fields; f->name; f++) {
    at = field_place(f, at);
    if (ast_is_absent(f, node + at)) return cd_raise_value(r->vm, "field '%s' is required for %s", f->name, def->name);
    at += field_size(f);
  }
  return true;
}

static bool ast_read_position(AstReader *r, Value object, const TypeDef *type, int32_t *position)
{
  for (int i = 0; i < POSITION_FIELDS; i++) {
    Ref value;
    Find found = cd_getattr_find(r->vm, object, r->state->position_names[i], &value);
    if (found == FIND_ERROR) return false;
    if (i >= 2 && (found == FIND_MISSING || cd_is_none(value))) {
      position[i] = position[i - 2];
      continue;
    }
    if (found == FIND_MISSING) return cd_raise_type(r->vm, "required field \"%s\" missing from %s", ast_position_names[i], type->name);
    bool ok = ast_read_int(r, value, &position[i]);
    cd_drop(r->vm, value);
    if (!ok) return false;
  }
  return true;
}

static bool ast_read_node_fields(AstReader *r, int field_type, Value object, void **out)
{
  const TypeDef *type = &ast_types[field_type];
  char *node = cd_ast_alloc(r->ast, type->size);
  if (!node) return false;
  // abstract classes read the position first, records last: as CPython does
  bool first = type_has_base(field_type);
  if (first && type->positioned && !ast_read_position(r, object, type, (int32_t *)(node + type->position))) return false;
  int class_ = first ? ast_variant(r, type, object) : (int)type->first;
  if (class_ < 0) return false;
  if (type->sum) *(int32_t *)node = class_ - (int)type->first;
  if (!ast_read_fields(r, object, class_, node, type)) return false;
  if (!first && type->positioned && !ast_read_position(r, object, type, (int32_t *)(node + type->position))) return false;
  if (!ast_check_present(r, class_, node, type)) return false;
  *out = node;
  return true;
}

static bool ast_read_node(AstReader *r, int type, Value object, void **out)
{
  char where[48] = " while traversing '";
  strcat(strcat(where, ast_types[type].name), "' node");
  if (!cd_enter_recursion(r->vm, where)) return false;
  bool ok = ast_read_node_fields(r, type, object, out);
  cd_leave_recursion(r->vm);
  return ok;
}

Mod *cd_ast_from_object(VM *vm, Ast *ast, Value tree, CompileMode mode)
{
  static const NodeClass wanted[] = {
    [MODE_EXEC] = CLASS_Module, [MODE_EVAL] = CLASS_Expression, [MODE_SINGLE] = CLASS_Interactive, [MODE_FUNC_TYPE] = CLASS_FunctionType};
  AstReader r = {vm, ast, ast_state(vm)};
  if (!r.state) return NULL;
  bool is;
  void *mod;
  if (!cd_isinstance(vm, tree, r.state->classes[wanted[mode]], &is)) return NULL;
  if (!is) return cd_raise_type(vm, "expected %s node, got %.400s", ast_nodes[wanted[mode]].name, cd_type_name(cd_type_of(vm, tree))), NULL;
  if (!ast_read_node(&r, FIELD_mod, tree, &mod)) return NULL;
  return cd_ast_validate(vm, mod) ? mod : NULL;
}
