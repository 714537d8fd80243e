// SPDX-License-Identifier: MIT
// _csv.c: reading and writing of comma-separated values
#include "base/utf8.h"
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

typedef enum { QUOTE_MINIMAL, QUOTE_ALL, QUOTE_NONNUMERIC, QUOTE_NONE } CsvQuoting;

typedef struct CsvState {
  Value error, dialects;                         // owned: exception class, dict of registered dialects
  Type *dialect, *reader, *writer;               // owned
  int64_t field_limit;
} CsvState;

static CsvState *csv_state(VM *vm) { return cd_state(vm, MODULE__csv); }
#define CSV_RAISE(vm, ...) cd_raise(vm, cd_as_type(csv_state(vm)->error), __VA_ARGS__)

// ---- dialect ----

#define CSV_UNSET INT64_C(-1)
typedef struct CsvDialect {
  Object head;
  bool doublequote, skipinitialspace, strict;
  CsvQuoting quoting;
  int64_t delimiter, quotechar, escapechar;      // code point or CSV_UNSET
  Value lineterminator;                          // owned str
} CsvDialect;

static inline CsvDialect *csv_dialect_of(Value v) { return (CsvDialect *)cd_object(v); }
static inline bool csv_is_dialect(VM *vm, Value v)
{
  return cd_is_object(v) && cd_type_is_subtype(cd_type_of(vm, v), csv_state(vm)->dialect);
}

static Ref csv_find_dialect(VM *vm, Value name)
{
  Ref dialect;
  Find found = cd_dict_find(vm, csv_state(vm)->dialects, name, &dialect);
  if (found == FIND_HIT) return dialect;
  return found == FIND_ERROR ? NO_REF : CSV_RAISE(vm, "unknown dialect");
}

static bool csv_one_char(VM *vm, const char *name, Value v, int64_t *out)
{
  if (cd_str_length(v) != 1) return cd_raise_type(vm, "\"%s\" must be a 1-character string", name);
  *out = cd_str_at(vm, v, 0);
  return true;
}

static bool csv_set_delimiter(VM *vm, Value v, int64_t *out)
{
  if (!v) return true;
  if (!cd_is_str(v)) return cd_raise_type(vm, "\"delimiter\" must be string, not %.200T", v);
  return csv_one_char(vm, "delimiter", v, out);
}

static bool csv_set_char_or_none(VM *vm, const char *name, Value v, int64_t *out)
{
  if (!v) return true;
  *out = CSV_UNSET;
  if (cd_is_none(v)) return true;
  if (!cd_is_str(v)) return cd_raise_type(vm, "\"%s\" must be string or None, not %.200T", name, v);
  return csv_one_char(vm, name, v, out);
}

static bool csv_set_flag(VM *vm, Value v, bool *out) { return !v || cd_truth(vm, v, out); }

static bool csv_set_quoting(VM *vm, Value v, CsvQuoting *out)
{
  int64_t n;
  if (!v) return true;
  if (!cd_is_small(v) && !cd_is_exact(v, vm->types.int_)) return cd_raise_type(vm, "\"quoting\" must be an integer");
  if (!cd_int_fits_i64(v, &n) || n < QUOTE_MINIMAL || n > QUOTE_NONE) return cd_raise_type(vm, "bad \"quoting\" value");
  *out = (CsvQuoting)n;
  return true;
}

static bool csv_set_terminator(VM *vm, Value v, Value *out)
{
  if (!v) return (*out = cd_str_from(vm, "\r\n")) != NO_VALUE;
  if (cd_is_none(v)) return cd_raise_type(vm, "lineterminator must be set");
  if (!cd_is_str(v)) return cd_raise_type(vm, "\"lineterminator\" must be a string");
  *out = cd_dup(v);
  return true;
}

enum {
  CSV_DIALECT,
  CSV_DELIMITER,
  CSV_DOUBLEQUOTE,
  CSV_ESCAPECHAR,
  CSV_LINETERMINATOR,
  CSV_QUOTECHAR,
  CSV_QUOTING,
  CSV_SKIPINITIALSPACE,
  CSV_STRICT,
  CSV_PARAMETERS
};
static const char *const csv_parameters[CSV_PARAMETERS] = {
  "dialect", "delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict"};

static bool csv_bind_dialect(VM *vm, const Value *args, size_t nargs, Value kwnames, Value in[CSV_PARAMETERS])
{
  size_t named = kwnames ? cd_tuple_size(kwnames) : 0;
  memset(in, 0, CSV_PARAMETERS * sizeof(Value));
  if (nargs + named > CSV_PARAMETERS)
    return cd_raise_type(vm, "function takes at most %d arguments (%zu given)", CSV_PARAMETERS, nargs + named);
  for (size_t i = 0; i < nargs; i++) in[i] = args[i];
  for (size_t i = 0; i < named; i++) {
    Value name = cd_tuple_item_borrow(kwnames, i);
    size_t p = 0;
    while (p < CSV_PARAMETERS && !cd_str_is(name, csv_parameters[p])) p++;
    if (p == CSV_PARAMETERS) return cd_raise_type(vm, "'%U' is an invalid keyword argument for this function", name);
    if (in[p]) return cd_raise_type(vm, "argument for function given by name ('%U') and position (%zu)", name, p + 1);
    in[p] = args[nargs + i];
  }
  return true;
}

// Parameters that were not given come from attributes of the base dialect, if it has them.
static bool csv_inherit(VM *vm, Value base, Value in[CSV_PARAMETERS], Ref inherited[CSV_PARAMETERS])
{
  for (int i = CSV_DELIMITER; i < CSV_PARAMETERS; i++) {
    if (in[i]) continue;
    Ref name = cd_intern(vm, csv_parameters[i]);
    if (!name) return false;
    Find found = cd_getattr_find(vm, base, name, &inherited[i]);
    cd_drop(vm, name);
    if (found == FIND_ERROR) {
      inherited[i] = NO_REF;
      cd_clear_raised(vm);                       // attributes that fail count as absent
    } else if (found == FIND_MISSING) {
      inherited[i] = NO_REF;
    }
    in[i] = inherited[i];
  }
  return true;
}

static bool csv_fill_dialect(VM *vm, CsvDialect *d, const Value in[CSV_PARAMETERS])
{
  d->delimiter = ',';
  d->quotechar = '"';
  d->escapechar = CSV_UNSET;
  d->doublequote = true;
  if (!csv_set_delimiter(vm, in[CSV_DELIMITER], &d->delimiter) || !csv_set_flag(vm, in[CSV_DOUBLEQUOTE], &d->doublequote) ||
      !csv_set_char_or_none(vm, "escapechar", in[CSV_ESCAPECHAR], &d->escapechar) ||
      !csv_set_terminator(vm, in[CSV_LINETERMINATOR], &d->lineterminator) ||
      !csv_set_char_or_none(vm, "quotechar", in[CSV_QUOTECHAR], &d->quotechar) || !csv_set_quoting(vm, in[CSV_QUOTING], &d->quoting) ||
      !csv_set_flag(vm, in[CSV_SKIPINITIALSPACE], &d->skipinitialspace) || !csv_set_flag(vm, in[CSV_STRICT], &d->strict))
    return false;
  if (in[CSV_QUOTECHAR] && cd_is_none(in[CSV_QUOTECHAR]) && !in[CSV_QUOTING]) d->quoting = QUOTE_NONE;
  if (d->quoting != QUOTE_NONE && d->quotechar == CSV_UNSET) return cd_raise_type(vm, "quotechar must be set if quoting enabled");
  return true;
}

static Ref csv_make_dialect(VM *vm, Type *type, Value in[CSV_PARAMETERS])
{
  Ref base = NO_REF, inherited[CSV_PARAMETERS] = {NO_REF}, result = NO_REF;
  if (in[CSV_DIALECT] && !cd_is_none(in[CSV_DIALECT]) && cd_is_str(in[CSV_DIALECT])) {
    if (!(base = csv_find_dialect(vm, in[CSV_DIALECT]))) return NO_REF;
  } else if (in[CSV_DIALECT] && !cd_is_none(in[CSV_DIALECT])) {
    base = cd_dup(in[CSV_DIALECT]);
  }
  bool plain = base && csv_is_dialect(vm, base);
  for (int i = CSV_DELIMITER; i < CSV_PARAMETERS; i++) plain = plain && !in[i];
  if (plain) return base;
  if (!base || csv_inherit(vm, base, in, inherited)) {
    CsvDialect *d = cd_instance_new(vm, type);
    if (d) result = cd_from_object(d);
    if (d && !csv_fill_dialect(vm, d, in)) {
      cd_drop(vm, result);
      result = NO_REF;
    }
  }
  for (int i = 0; i < CSV_PARAMETERS; i++) cd_drop(vm, inherited[i]);
  cd_drop(vm, base);
  return result;
}

static Ref csv_dialect_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value in[CSV_PARAMETERS];
  return csv_bind_dialect(vm, args, nargs, kwnames, in) ? csv_make_dialect(vm, type, in) : NO_REF;
}

// reader(iterable, dialect='excel', **options) and the like: the dialect out of what follows the first argument.
static Ref csv_dialect_from_call(VM *vm, const Value *args, size_t nargs, Value kwnames)
{
  if (nargs < 1 || nargs > 2)
    return cd_raise_type(vm, " expected at %s argument%s, got %zu", nargs ? "most 2" : "least 1", nargs ? "s" : "", nargs);
  return csv_dialect_new(vm, csv_state(vm)->dialect, args + 1, nargs - 1, kwnames);
}

static void csv_dialect_release(VM *vm, Object *self) { cd_clear(vm, &((CsvDialect *)self)->lineterminator); }

static Ref csv_char_value(VM *vm, int64_t c) { return c == CSV_UNSET ? cd_none() : cd_str_from_char(vm, (uint32_t)c); }
static Ref csv_dialect_get_delimiter(VM *vm, Value self) { return csv_char_value(vm, csv_dialect_of(self)->delimiter); }
static Ref csv_dialect_get_escapechar(VM *vm, Value self) { return csv_char_value(vm, csv_dialect_of(self)->escapechar); }
static Ref csv_dialect_get_quotechar(VM *vm, Value self) { return csv_char_value(vm, csv_dialect_of(self)->quotechar); }
static Ref csv_dialect_get_quoting(VM *vm UNUSED, Value self) { return cd_from_small(csv_dialect_of(self)->quoting); }
static Ref csv_dialect_get_lineterminator(VM *vm UNUSED, Value self) { return cd_dup(csv_dialect_of(self)->lineterminator); }

METHOD(csv_dialect, __reduce__, "__reduce__(self, /)", "raises an exception to avoid pickling")
{
  return cd_raise_type(vm, "cannot pickle '%.100s' instances", cd_str_data(cd_type_of(vm, self)->name));
}
METHOD(csv_dialect, __reduce_ex__, "__reduce_ex__(self, protocol, /)", "raises an exception to avoid pickling")
{
  return cd_raise_type(vm, "cannot pickle '%.100s' instances", cd_str_data(cd_type_of(vm, self)->name));
}

static const GetSetDef csv_dialect_getset[] = {
  {"delimiter", NULL, csv_dialect_get_delimiter, NULL}, {"escapechar", NULL, csv_dialect_get_escapechar, NULL},
  {"lineterminator", NULL, csv_dialect_get_lineterminator, NULL}, {"quotechar", NULL, csv_dialect_get_quotechar, NULL},
  {"quoting", NULL, csv_dialect_get_quoting, NULL}, {0}};
static const MemberDef csv_dialect_members[] = {
  {"skipinitialspace", offsetof(CsvDialect, skipinitialspace), MEMBER_BOOL8, false, NULL},
  {"doublequote", offsetof(CsvDialect, doublequote), MEMBER_BOOL8, false, NULL},
  {"strict", offsetof(CsvDialect, strict), MEMBER_BOOL8, false, NULL}, {0}};
static const MethodDef *const csv_dialect_methods[] = {&csv_dialect___reduce___def, &csv_dialect___reduce_ex___def, NULL};

static const TypeSpec csv_dialect_spec = {
  .name = "_csv.Dialect",
  .doc = "CSV dialect\n\nThe Dialect type records CSV dialect options.\n",
  .basicsize = sizeof(CsvDialect),
  .flags = TYPE_BASE | TYPE_IMMUTABLE,
  .methods = csv_dialect_methods,
  .getset = csv_dialect_getset,
  .members = csv_dialect_members,
  .slots = {.release = csv_dialect_release, .new_ = csv_dialect_new},
};

// ---- reader ----

typedef enum {
  CSV_START_RECORD,
  CSV_START_FIELD,
  CSV_ESCAPED,
  CSV_IN_FIELD,
  CSV_IN_QUOTED,
  CSV_ESCAPED_IN_QUOTED,
  CSV_QUOTE_IN_QUOTED,
  CSV_EAT_NEWLINE,
  CSV_AFTER_ESCAPED_NEWLINE,
} CsvParse;

typedef struct CsvReader {
  Object head;
  Value lines;                                   // owned iterator
  Value dialect;                                 // owned
  int64_t line_num;
} CsvReader;

// One record being read. The field so far is in `text`, in UTF-8.
typedef struct CsvScan {
  VM *vm;
  const CsvDialect *dialect;
  Value fields;
  TextBuilder text;
  CsvParse state;
  bool numeric;
} CsvScan;

#define CSV_END INT64_C(-2)                      // the end of a line, as a character

static inline CsvReader *csv_reader_of(Value v) { return (CsvReader *)cd_object(v); }

static bool csv_save_field(CsvScan *s)
{
  VM *vm = s->vm;
  Ref field = cd_text_finish(&s->text);
  if (field && s->numeric) {
    s->numeric = false;
    Ref number = cd_float_from_text(vm, field);
    cd_drop(vm, field);
    field = number;
  }
  return field && cd_list_append_steal(vm, cd_as_list(s->fields), field);
}

static inline bool csv_add(CsvScan *s, int64_t c)
{
  int64_t limit = csv_state(s->vm)->field_limit;
  if ((int64_t)s->text.length >= limit) return CSV_RAISE(s->vm, "field larger than field limit (%lld)", (long long)limit);
  return cd_text_char(&s->text, (uint32_t)c);
}

static bool csv_end_field(CsvScan *s, int64_t c)         // at a newline or the end of the line
{
  s->state = c == CSV_END ? CSV_START_RECORD : CSV_EAT_NEWLINE;
  return csv_save_field(s);
}

static bool csv_char_start_field(CsvScan *s, int64_t c)
{
  const CsvDialect *d = s->dialect;
  if (c == '\n' || c == '\r' || c == CSV_END) return csv_end_field(s, c);
  if (c == d->quotechar && d->quoting != QUOTE_NONE) s->state = CSV_IN_QUOTED;
  else if (c == d->escapechar) s->state = CSV_ESCAPED;
  else if (c == ' ' && d->skipinitialspace) {}
  else if (c == d->delimiter) return csv_save_field(s);
  else {
    if (d->quoting == QUOTE_NONNUMERIC) s->numeric = true;
    s->state = CSV_IN_FIELD;
    return csv_add(s, c);
  }
  return true;
}

static bool csv_char_in_field(CsvScan *s, int64_t c)
{
  const CsvDialect *d = s->dialect;
  if (c == '\n' || c == '\r' || c == CSV_END) return csv_end_field(s, c);
  if (c == d->escapechar) s->state = CSV_ESCAPED;
  else if (c == d->delimiter) {
    s->state = CSV_START_FIELD;
    return csv_save_field(s);
  } else return csv_add(s, c);
  return true;
}

static bool csv_char_in_quoted(CsvScan *s, int64_t c)
{
  const CsvDialect *d = s->dialect;
  if (c == CSV_END) return true;
  if (c == d->escapechar) s->state = CSV_ESCAPED_IN_QUOTED;
  else if (c == d->quotechar && d->quoting != QUOTE_NONE) s->state = d->doublequote ? CSV_QUOTE_IN_QUOTED : CSV_IN_FIELD;
  else return csv_add(s, c);
  return true;
}

static bool csv_char_after_quote(CsvScan *s, int64_t c)
{
  const CsvDialect *d = s->dialect;
  if (d->quoting != QUOTE_NONE && c == d->quotechar) {
    s->state = CSV_IN_QUOTED;
    return csv_add(s, c);
  }
  if (c == d->delimiter) {
    s->state = CSV_START_FIELD;
    return csv_save_field(s);
  }
  if (c == '\n' || c == '\r' || c == CSV_END) return csv_end_field(s, c);
  if (d->strict) return CSV_RAISE(s->vm, "'%c' expected after '%c'", (int)d->delimiter, (int)d->quotechar);
  s->state = CSV_IN_FIELD;
  return csv_add(s, c);
}

static bool csv_char(CsvScan *s, int64_t c)
{
  switch (s->state) {
  case CSV_START_RECORD:
    if (c == CSV_END) return true;
    if (c == '\n' || c == '\r') {
      s->state = CSV_EAT_NEWLINE;
      return true;
    }
    s->state = CSV_START_FIELD;
    return csv_char_start_field(s, c);
  case CSV_START_FIELD: return csv_char_start_field(s, c);
  case CSV_ESCAPED:
    s->state = c == '\n' || c == '\r' ? CSV_AFTER_ESCAPED_NEWLINE : CSV_IN_FIELD;
    return csv_add(s, c == CSV_END ? '\n' : c);
  case CSV_AFTER_ESCAPED_NEWLINE:
    if (c == CSV_END) return true;
    return csv_char_in_field(s, c);
  case CSV_IN_FIELD: return csv_char_in_field(s, c);
  case CSV_IN_QUOTED: return csv_char_in_quoted(s, c);
  case CSV_ESCAPED_IN_QUOTED:
    s->state = CSV_IN_QUOTED;
    return csv_add(s, c == CSV_END ? '\n' : c);
  case CSV_QUOTE_IN_QUOTED: return csv_char_after_quote(s, c);
  case CSV_EAT_NEWLINE:
    if (c == '\n' || c == '\r') return true;
    if (c == CSV_END) {
      s->state = CSV_START_RECORD;
      return true;
    }
    return CSV_RAISE(s->vm, "new-line character seen in unquoted field - do you need to open the file in universal-newline mode?");
  }
  UNREACHABLE();
}

static bool csv_scan_line(CsvScan *s, Value line)
{
  const char *p = cd_str_data(line), *end = p + cd_str_size(line);
  while (p < end)
    if (!csv_char(s, cd_utf8_next(&p))) return false;
  return csv_char(s, CSV_END);
}

// Reads lines until a record is complete. NEXT_DONE: no more lines.
static Next csv_scan_record(CsvScan *s, CsvReader *reader)
{
  VM *vm = s->vm;
  do {
    Ref line, lines = cd_dup(reader->lines);
    Next next = cd_next(vm, lines, &line);
    cd_drop(vm, lines);
    if (next == NEXT_ERROR) return next;
    if (next == NEXT_DONE) {
      if (s->text.length == 0 && s->state != CSV_IN_QUOTED) return NEXT_DONE;
      if (!s->dialect->strict) return csv_save_field(s) ? NEXT_ITEM : NEXT_ERROR;
      CSV_RAISE(vm, "unexpected end of data");
      return NEXT_ERROR;
    }
    bool ok = cd_is_str(line) || CSV_RAISE(vm, "iterator should return strings, not %.200T (the file should be opened in text mode)", line);
    if (ok) reader->line_num++;
    ok = ok && csv_scan_line(s, line);
    cd_drop(vm, line);
    if (!ok) return NEXT_ERROR;
  } while (s->state != CSV_START_RECORD);
  return NEXT_ITEM;
}

static Next csv_reader_next(VM *vm, Value self, Ref *out)
{
  CsvReader *reader = csv_reader_of(self);
  if (!reader->lines) return NEXT_DONE;
  Ref fields = cd_list_new(vm), dialect = cd_dup(reader->dialect), keep = cd_dup(self);
  Next next = NEXT_ERROR;
  if (fields) {
    CsvScan scan = {.vm = vm, .dialect = csv_dialect_of(dialect), .fields = fields};
    cd_text_init(&scan.text, vm);
    next = csv_scan_record(&scan, reader);
    cd_text_clear(&scan.text);
  }
  cd_drop(vm, dialect);
  cd_drop(vm, keep);
  if (next == NEXT_ITEM) *out = fields;
  else cd_drop(vm, fields);
  return next;
}

static void csv_reader_release(VM *vm, Object *self)
{
  CsvReader *reader = (CsvReader *)self;
  cd_clear(vm, &reader->lines);
  cd_clear(vm, &reader->dialect);
}

static void csv_reader_traverse(Object *self, VisitFn visit, void *context)
{
  CsvReader *reader = (CsvReader *)self;
  visit(context, reader->lines);
  visit(context, reader->dialect);
}

static const MemberDef csv_reader_members[] = {{"dialect", offsetof(CsvReader, dialect), MEMBER_VALUE, false, NULL},
                                               {"line_num", offsetof(CsvReader, line_num), MEMBER_I64, false, NULL},
                                               {0}};

static const TypeSpec csv_reader_spec = {
  .name = "_csv.reader",
  .doc = "CSV reader\n\nAn iterator over the rows of a CSV text, each a list of fields.\n",
  .basicsize = sizeof(CsvReader),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .members = csv_reader_members,
  .slots = {.release = csv_reader_release,
            .traverse = csv_reader_traverse,
            .clear = csv_reader_release,
            .iter = cd_self_iter,
            .next = csv_reader_next},
};

METHOD_DEF_RAW_(csv_module_reader, "reader", "reader(iterable, dialect='excel', **options)",
                "csv_reader = reader(iterable [, dialect='excel'] [optional keyword args])\n\n"
                "The iterable can be any object that returns a line of input for each iteration, such as a file or a list. The\n"
                "optional dialect is the name of a registered dialect or an object with its attributes; keyword arguments override them.\n"
                "The result is an iterator over records: lists of strings.\n", METHOD_NO_SIGNATURE)
{
  if (nargs < 1 || nargs > 2) return csv_dialect_from_call(vm, args, nargs, kwnames);
  CsvReader *reader = cd_object_new(vm, csv_state(vm)->reader, sizeof *reader);
  if (!reader) return NO_REF;
  reader->lines = cd_iter(vm, args[0]);
  if (reader->lines) reader->dialect = csv_dialect_from_call(vm, args, nargs, kwnames);
  if (reader->dialect) return cd_from_object(reader);
  cd_drop(vm, cd_from_object(reader));
  return NO_REF;
}

// ---- writer ----

typedef struct CsvWriter { Object head; Value write, dialect; } CsvWriter;       // owned

static inline CsvWriter *csv_writer_of(Value v) { return (CsvWriter *)cd_object(v); }

static bool csv_text_has(const char *p, size_t size, int64_t c)
{
  for (const char *end = p + size; p < end;)
    if (cd_utf8_next(&p) == c) return true;
  return false;
}

// The field's text with what needs escaping escaped; *quoted is set when it has to stand in quotes.
static bool csv_escape_field(VM *vm, const CsvDialect *d, TextBuilder *out, Value field, bool *quoted)
{
  const char *p = cd_str_data(field), *end = p + cd_str_size(field);
  const char *terminator = cd_str_data(d->lineterminator);
  size_t terminator_size = cd_str_size(d->lineterminator);
  while (p < end) {
    int64_t c = cd_utf8_next(&p);
    bool escape = false;
    if (c == d->delimiter || c == d->escapechar || c == d->quotechar || csv_text_has(terminator, terminator_size, c)) {
      if (d->quoting == QUOTE_NONE) escape = true;
      else if (c == d->quotechar && d->doublequote) {
        if (!cd_text_char(out, (uint32_t)d->quotechar)) return false;
      } else if (c == d->quotechar || c == d->escapechar) escape = true;
      if (!escape) *quoted = true;
      if (escape && d->escapechar == CSV_UNSET) return CSV_RAISE(vm, "need to escape, but no escapechar set");
      if (escape && !cd_text_char(out, (uint32_t)d->escapechar)) return false;
    }
    if (!cd_text_char(out, (uint32_t)c)) return false;
  }
  return true;
}

static bool csv_join_text(VM *vm, const CsvDialect *d, TextBuilder *record, Value text, bool quoted)
{
  TextBuilder field;
  cd_text_init(&field, vm);
  bool ok = !text || csv_escape_field(vm, d, &field, text, &quoted);
  ok = ok && (!quoted || cd_text_char(record, (uint32_t)d->quotechar)) && cd_text_put(record, field.data ? field.data : "", field.size) &&
       (!quoted || cd_text_char(record, (uint32_t)d->quotechar));
  cd_text_clear(&field);
  return ok;
}

static bool csv_is_number(VM *vm, Value v)
{
  const TypeSlots *slots = &cd_type_of(vm, v)->slots;
  return slots->index || slots->int_ || slots->float_ || cd_is_complex(v);
}

static bool csv_join_value(VM *vm, const CsvDialect *d, TextBuilder *record, Value value, size_t number)
{
  bool quoted = d->quoting == QUOTE_ALL || (d->quoting == QUOTE_NONNUMERIC && !csv_is_number(vm, value));
  if (number && !cd_text_char(record, (uint32_t)d->delimiter)) return false;
  Ref text = cd_is_none(value) ? NO_REF : cd_is_str(value) ? cd_dup(value) : cd_str(vm, value);
  if (!text && !cd_is_none(value)) return false;
  bool ok = csv_join_text(vm, d, record, text, quoted);
  cd_drop(vm, text);
  return ok;
}

static bool csv_join_row(VM *vm, const CsvDialect *d, TextBuilder *record, Value row)
{
  Ref iterator = cd_iter(vm, row), value;
  if (!iterator) {
    if (cd_swallow(vm, vm->exc.TypeError)) CSV_RAISE(vm, "iterable expected, not %.200T", row);
    return false;
  }
  Next next;
  size_t count = 0;
  while ((next = cd_next(vm, iterator, &value)) == NEXT_ITEM) {
    bool ok = csv_join_value(vm, d, record, value, count++);
    cd_drop(vm, value);
    if (!ok) break;
  }
  cd_drop(vm, iterator);
  if (next != NEXT_DONE) return false;
  if (count > 0 && record->length == 0) {        // one empty field: without quotes it would be an empty line
    if (d->quoting == QUOTE_NONE) return CSV_RAISE(vm, "single empty field record must be quoted");
    if (!csv_join_text(vm, d, record, NO_VALUE, true)) return false;
  }
  return cd_text_str(record, d->lineterminator);
}

static Ref csv_write_row(VM *vm, Value self, Value row)
{
  Ref dialect = cd_dup(csv_writer_of(self)->dialect), result = NO_REF;
  TextBuilder record;
  cd_text_init(&record, vm);
  bool ok = csv_join_row(vm, csv_dialect_of(dialect), &record, row);
  Ref line = ok ? cd_text_finish(&record) : NO_REF;
  if (!ok) cd_text_clear(&record);
  if (line) result = cd_call1(vm, csv_writer_of(self)->write, line);
  cd_drop(vm, line);
  cd_drop(vm, dialect);
  return result;
}

METHOD(
  csv_writer, writerow, "writerow(self, row, /)",
  "writerow(iterable)\n\nWrites the fields as one row.  What is no text is written as str() has it.")
{
  return csv_write_row(vm, self, args[0]);
}

METHOD(csv_writer, writerows, "writerows(self, rows, /)",
       "writerows(iterable of iterables)\n\nWrites each of them as a row.  What is no text is written as str() has it.")
{
  Ref iterator = cd_iter(vm, args[0]), row;
  if (!iterator) return NO_REF;
  Next next;
  while ((next = cd_next(vm, iterator, &row)) == NEXT_ITEM) {
    Ref result = csv_write_row(vm, self, row);
    cd_drop(vm, row);
    cd_drop(vm, result);
    if (!result) break;
  }
  cd_drop(vm, iterator);
  return next == NEXT_DONE ? cd_none() : NO_REF;
}

static void csv_writer_release(VM *vm, Object *self)
{
  CsvWriter *writer = (CsvWriter *)self;
  cd_clear(vm, &writer->write);
  cd_clear(vm, &writer->dialect);
}

static void csv_writer_traverse(Object *self, VisitFn visit, void *context)
{
  CsvWriter *writer = (CsvWriter *)self;
  visit(context, writer->write);
  visit(context, writer->dialect);
}

static const MethodDef *const csv_writer_methods[] = {&csv_writer_writerow_def, &csv_writer_writerows_def, NULL};
static const MemberDef csv_writer_members[] = {{"dialect", offsetof(CsvWriter, dialect), MEMBER_VALUE, false, NULL}, {0}};

static const TypeSpec csv_writer_spec = {
  .name = "_csv.writer",
  .doc = "CSV writer\n\nWrites sequences as the rows of a CSV text.\n",
  .basicsize = sizeof(CsvWriter),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = csv_writer_methods,
  .members = csv_writer_members,
  .slots = {.release = csv_writer_release, .traverse = csv_writer_traverse, .clear = csv_writer_release},
};

METHOD_DEF_RAW_(
  csv_module_writer, "writer", "writer(fileobj, dialect='excel', **options)",
  "csv_writer = csv.writer(fileobj [, dialect='excel'] [optional keyword args])\n\n"
  "fileobj is any object with a write() method; each record is given to it as one string. For the other arguments see reader.\n",
  METHOD_NO_SIGNATURE)
{
  if (nargs < 1 || nargs > 2) return csv_dialect_from_call(vm, args, nargs, kwnames);
  CsvWriter *writer = cd_object_new(vm, csv_state(vm)->writer, sizeof *writer);
  if (!writer) return NO_REF;
  Ref write = NO_REF;
  Find found = cd_getattr_find(vm, args[0], N(write), &write);
  writer->write = found == FIND_HIT ? write : NO_REF;
  if (found == FIND_MISSING || (found == FIND_HIT && !cd_is_callable(vm, write)))
    cd_raise_type(vm, "argument 1 must have a \"write\" method");
  else if (found == FIND_HIT) writer->dialect = csv_dialect_from_call(vm, args, nargs, kwnames);
  if (writer->dialect) return cd_from_object(writer);
  cd_drop(vm, cd_from_object(writer));
  return NO_REF;
}

// ---- the registry ----

METHOD_DEF_RAW_(
  csv_register_dialect, "register_dialect", "register_dialect(name[, dialect[, **fmtparams]])",
  "Makes a dialect known under a name.\n\n    dialect = csv.register_dialect(name[, dialect[, **fmtparams]])",
  METHOD_NO_SIGNATURE)
{
  if (nargs < 1 || nargs > 2) return csv_dialect_from_call(vm, args, nargs, kwnames);
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "dialect name must be a string");
  Ref dialect = csv_dialect_from_call(vm, args, nargs, kwnames);
  bool ok = dialect && cd_dict_set(vm, csv_state(vm)->dialects, args[0], dialect);
  cd_drop(vm, dialect);
  return ok ? cd_none() : NO_REF;
}

FUNCTION(csv, unregister_dialect, "unregister_dialect(name)", "Forgets the dialect of that name.")
{
  Find found = cd_dict_delete(vm, csv_state(vm)->dialects, args[0]);
  if (found == FIND_HIT) return cd_none();
  return found == FIND_ERROR ? NO_REF : CSV_RAISE(vm, "unknown dialect");
}

FUNCTION(csv, get_dialect, "get_dialect(name)", "The dialect of that name.")
{
  return csv_find_dialect(vm, args[0]);
}
FUNCTION(csv, list_dialects, "list_dialects()", "The names of all dialects, in a list.")
{
  return cd_dict_keys_list(vm, csv_state(vm)->dialects);
}

FUNCTION(csv, field_size_limit, "field_size_limit(new_limit=<unrepresentable>)",
         "csv.field_size_limit([limit])\n\nSets how long a field may be. Returns what it was; without an argument nothing\nis set.")
{
  CsvState *s = csv_state(vm);
  int64_t old = s->field_limit;
  if (args[0]) {
    if (!cd_is_small(args[0]) && !cd_is_exact(args[0], vm->types.int_)) return cd_raise_type(vm, "limit must be an integer");
    if (!cd_int_fits_i64(args[0], &s->field_limit)) return cd_raise_overflow(vm, "Python int too large to convert to C long");
  }
  return cd_int_from_i64(vm, old);
}

// ---- the module ----

static bool csv_exec(VM *vm, Value module)
{
  CsvState *s = csv_state(vm);
  s->field_limit = 128 * 1024;
  if (!(s->dialects = cd_dict_new(vm)) || !(s->error = cd_exception_type_new(vm, "_csv.Error", NULL, cd_type_value(vm->exc.Exception))) ||
      !(s->dialect = cd_type_from_spec(vm, &csv_dialect_spec, NO_VALUE)) ||
      !(s->reader = cd_type_from_spec(vm, &csv_reader_spec, NO_VALUE)) || !(s->writer = cd_type_from_spec(vm, &csv_writer_spec, NO_VALUE)))
    return false;
  return cd_module_add(vm, module, "Dialect", cd_dup_object(s->dialect)) && cd_module_add(vm, module, "Reader", cd_dup_object(s->reader)) &&
         cd_module_add(vm, module, "Writer", cd_dup_object(s->writer)) && cd_module_add(vm, module, "Error", cd_dup(s->error)) &&
         cd_module_add(vm, module, "_dialects", cd_dup(s->dialects)) && cd_module_add_text(vm, module, "__version__", "1.0") &&
         cd_module_add_int(vm, module, "QUOTE_MINIMAL", QUOTE_MINIMAL) && cd_module_add_int(vm, module, "QUOTE_ALL", QUOTE_ALL) &&
         cd_module_add_int(vm, module, "QUOTE_NONNUMERIC", QUOTE_NONNUMERIC) && cd_module_add_int(vm, module, "QUOTE_NONE", QUOTE_NONE);
}

static void csv_traverse(void *p, VisitFn visit, void *context)
{
  CsvState *s = p;
  visit(context, s->error);
  visit(context, s->dialects);
  visit(context, cd_type_value(s->dialect));
  visit(context, cd_type_value(s->reader));
  visit(context, cd_type_value(s->writer));
}

static void csv_clear(VM *vm, void *p)
{
  CsvState old = *(CsvState *)p;
  memset(p, 0, sizeof old);
  cd_drop(vm, cd_from_bits(cd_bits(old.error)));
  cd_drop(vm, cd_from_bits(cd_bits(old.dialects)));
  cd_drop_object(vm, old.dialect);
  cd_drop_object(vm, old.reader);
  cd_drop_object(vm, old.writer);
}

static const MethodDef *const csv_functions[] = {
  &csv_module_reader_def, &csv_module_writer_def, &csv_list_dialects_def, &csv_register_dialect_def, &csv_unregister_dialect_def,
  &csv_get_dialect_def, &csv_field_size_limit_def, NULL};

const ModuleDef cd_module__csv = {
  .name = "_csv",
  .doc = "CSV parsing and writing.\n\nThis module provides classes that assist in the reading and writing\nof Comma Separated Value (CSV) "
         "files. Its readers and writers take a dialect, which says how fields are\n"
         "separated and quoted; dialects can be registered by name.\n",
  .functions = csv_functions,
  .state_size = sizeof(CsvState),
  .exec = csv_exec,
  .traverse = csv_traverse,
  .clear = csv_clear,
};
