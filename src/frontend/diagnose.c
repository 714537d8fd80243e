// SPDX-License-Identifier: MIT
// diagnose.c: says what is wrong with a source that did not parse, in CPython's words and places
#include "frontend/peg.h"

#include "base/utf8.h"
#include "objects/float.h"
#include "objects/raise.h"
#include "objects/str.h"

#include <stdarg.h>

// ---- places ----

static const Token *diagnosis_last(const Diagnosis *d) { return d->fill ? &d->tokens.items[d->fill - 1] : NULL; }

// Where a line begins; lines past the end begin there.
static const char *diagnosis_line(const Diagnosis *d, int32_t line)
{
  const char *s = d->source;
  for (int32_t i = d->first_line; i < line; i++) {
    const char *newline = memchr(s, '\n', (size_t)(d->end - s));
    if (!newline || newline + 1 > d->end) break;
    s = newline + 1;
  }
  return s;
}

static const char *diagnosis_line_end(const Diagnosis *d, const char *s)
{
  const char *newline = memchr(s, '\n', (size_t)(d->end - s));
  return newline ? newline : d->end;
}

// How far the source was read when the last token was made.
static void diagnosis_cursor(const Diagnosis *d, int32_t *line, int32_t *column)
{
  const Token *last = diagnosis_last(d);
  *line = last->end_line;
  *column = last->end_column;
  if (last->column < 0) *column = (int32_t)(last->text - diagnosis_line(d, last->line));
  else if (last->kind == TOKEN_NEWLINE) *column += 1;
  if (d->field && last->column >= 0 && *line == d->first_line) *column -= d->column_base;
}

// Does a backslash join the line that begins at token `i` to the one before?
static bool diagnosis_is_continued(const Diagnosis *d, int32_t i)
{
  const Token *token = &d->tokens.items[i], *before = token - 1;
  if (i == 0 || before->column < 0 || before->kind == TOKEN_NEWLINE || token->column < 0) return false;
  for (const char *s = before->text + before->size; s < token->text; s++) {
    if (*s == '#') s = diagnosis_line_end(d, s);
    else if (*s == '\\') return true;
  }
  return false;
}

// The line that the reader has in its buffer. It begins earlier when a token or a backslash joins lines.
static int32_t diagnosis_buffer_line(const Diagnosis *d, int32_t line)
{
  for (int32_t i = d->fill - 1; i >= 0; i--) {
    const Token *token = &d->tokens.items[i];
    if (token->end_line < line) break;
    if (token->line < line) { line = token->line; continue; }
    bool first = i == 0 || token[-1].end_line < line;
    if (first && token->line == line && diagnosis_is_continued(d, i)) line = token[-1].end_line;
  }
  return line;
}

// The text that a SyntaxError shows for `line`.
static void diagnosis_text(const Diagnosis *d, int32_t line, const char **text, const char **text_end)
{
  int32_t current, column;
  diagnosis_cursor(d, &current, &column);
  if (current > line) {
    *text = diagnosis_line(d, line);
    *text_end = diagnosis_line_end(d, *text);
    return;
  }
  *text = diagnosis_line(d, diagnosis_buffer_line(d, current));
  *text_end = diagnosis_line_end(d, diagnosis_line(d, current));
  if (*text_end < d->end) ++*text_end;
}

// Characters before byte `offset` of the text, counting one that is cut in two.
static int32_t diagnosis_characters(const char *text, const char *end, int32_t offset)
{
  if (offset > end - text) return (int32_t)cd_utf8_count(text, (size_t)(end - text)) + (offset > end - text);
  int32_t n = 0;
  for (const char *s = text; s < text + offset; s += cd_utf8_len((unsigned char)*s)) n++;
  return n;
}

// ---- raising ----

// Columns count from 1 here, as the exception shows them.
static void diagnosis_raise(Diagnosis *d, Type *type, Ref message, int32_t line, int32_t column, int32_t end_line, int32_t end_column)
{
  VM *vm = d->vm;
  if (d->failed) {                               // the first error counts
    cd_drop(vm, message);
    return;
  }
  d->failed = true;
  const char *text, *end;
  if (d->field && message) {
    column -= d->column_base;
    end_column -= d->column_base;
    Ref whole = cd_str_format(vm, "f-string: %U", message);
    cd_drop(vm, message);
    message = whole;
  }
  diagnosis_text(d, line, &text, &end);
  if (d->characters) {
    column = diagnosis_characters(text, end, column);
    if (end_column > 0) end_column = diagnosis_characters(text, end, end_column);
  }
  Ref shown = message ? cd_str_decode_utf8(vm, text, (size_t)(end - text), "replace") : NO_REF;
  cd_raise_syntax(vm, type, message, d->filename, line, column, end_line, end_column, shown);
}

static void diagnosis_raise_last(Diagnosis *d, Type *type, Ref message)
{
  const Token *last = diagnosis_last(d);
  int32_t line, column;
  if (!last) {
    diagnosis_raise(d, type, message, 0, 0, 0, -1);
    return;
  }
  diagnosis_cursor(d, &line, &column);
  if (last->column >= 0) column = last->column + 1;
  diagnosis_raise(d, type, message, last->line, column, last->end_line, last->end_column >= 0 ? last->end_column + 1 : -1);
}

bool cd_diagnosis_fail(Diagnosis *d, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  diagnosis_raise_last(d, d->vm->exc.SyntaxError, cd_str_vformat(d->vm, format, args));
  va_end(args);
  return false;
}

void cd_diagnosis_since(Diagnosis *d, int version, const char *what)
{
  int limit = d->flags & PYCF_FEATURE_VERSION;   // one more than the version
  if (limit && limit - 1 < version) cd_diagnosis_fail(d, "%s only supported in Python 3.%d and greater", what, version);
}

// From token `first` to token `last`.
static void diagnosis_raise_tokens(Diagnosis *d, const Token *first, const Token *last, Ref message)
{
  diagnosis_raise(d, d->vm->exc.SyntaxError, message, first->line, first->column + 1, last->end_line, last->end_column + 1);
}

Ref cd_diagnosis_error(Diagnosis *d, const Token *place, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(d->vm, format, args);
  va_end(args);
  if (place) diagnosis_raise_tokens(d, place, place, message);
  else diagnosis_raise_last(d, d->vm->exc.SyntaxError, message);
  return NO_REF;
}

void cd_diagnosis_expected(Diagnosis *d, int kind)
{
  const Token *token = &d->tokens.items[d->mark];
  diagnosis_raise_tokens(d, token, token, cd_str_format(d->vm, "expected '%s'", cd_token_text(kind)));
}

// ---- reading tokens ----

static void diagnosis_never_closed(Diagnosis *d)
{
  const OpenBracket *open = &d->tokens.brackets[d->tokens.bracket_count - 1];
  diagnosis_raise(d, d->vm->exc.SyntaxError, cd_str_format(d->vm, "'%c' was never closed", open->bracket), open->line, open->column + 1,
                  open->line, 0);
}

// What the lexer found, as it is.
static void diagnosis_raise_lexer(Diagnosis *d)
{
  const LexError *error = &d->tokens.error;
  Ref text = cd_str_decode_utf8(d->vm, error->text, (size_t)(error->text_end - error->text), "replace");
  d->failed = true;
  cd_raise_syntax(d->vm, error->type, cd_dup(error->message), d->filename, error->line, error->offset, error->end_line, error->end_offset,
                  text);
}

bool cd_diagnosis_fetch(Diagnosis *d)
{
  if (d->fill == (int32_t)d->tokens.count) return false;
  const Token *token = &d->tokens.items[d->fill];
  if (d->asking && ((token->kind == TOKEN_ERROR && d->tokens.error.at_end) || (token->column < 0 && token->text >= d->end))) {
    d->open = d->failed = true;
    return false;
  }
  d->fill++;
  if (token->kind != TOKEN_ERROR) return true;
  if (d->flags & PYCF_INTERACTIVE && d->tokens.error.at_end && d->mistakes) return true;     // nothing is known of the lines to come
  const LexError *error = &d->tokens.error;
  if (!error->message) diagnosis_never_closed(d);
  else if (error->place_is_token) diagnosis_raise_last(d, error->type, cd_dup(error->message));
  else diagnosis_raise_lexer(d);
  return false;
}

// After a parser's error: a mistake that the lexer finds further on counts more, and so does a bracket that is never closed, if it was
// opened on an earlier line than that of the error.
static void diagnosis_read_on(Diagnosis *d)
{
  const Token *last = diagnosis_last(d), *end = &d->tokens.items[d->tokens.count - 1];
  const LexError *error = &d->tokens.error;
  if (end->kind != TOKEN_ERROR || d->fill == (int32_t)d->tokens.count || d->flags & PYCF_INTERACTIVE) return;
  if (error->direct) {
    cd_clear_raised(d->vm);
    diagnosis_raise_lexer(d);
  } else if (d->tokens.bracket_count && last->line > d->tokens.brackets[d->tokens.bracket_count - 1].line) {
    cd_clear_raised(d->vm);
    d->failed = false;
    diagnosis_never_closed(d);
  }
}

// Has the lexer seen the end of the source? It has when a token that might have been longer ends there.
static bool diagnosis_at_end(const Diagnosis *d)
{
  const Token *last = diagnosis_last(d);
  if (!last) return false;
  if (last->kind == TOKEN_ERROR) return d->tokens.error.at_end;
  if (last->kind == TOKEN_ENDMARKER || (last->column < 0 && last->text >= d->end)) return true;
  return last->kind != TOKEN_STRING && last->kind != TOKEN_NEWLINE && last->text + last->size >= d->end;
}

// ---- what goes wrong ----

static const Node *diagnosis_item(const Node *node, int i) { return node->items[i - 1]; }
static const Token *diagnosis_first(const Diagnosis *d, const Node *node) { return &d->tokens.items[node->first]; }

// The last token of a node that is no line break.
static const Token *diagnosis_end(const Diagnosis *d, const Node *node)
{
  int32_t last = node->last;
  while (last > node->first && d->tokens.items[last].kind <= TOKEN_DEDENT) last--;
  return &d->tokens.items[last];
}

static const Node *diagnosis_raise_nodes(Diagnosis *d, const Node *first, const Node *last, Ref message)
{
  diagnosis_raise_tokens(d, diagnosis_first(d, first), diagnosis_end(d, last), message);
  return NULL;
}

// The message with the node's kind or text put in.
static Ref diagnosis_word(Diagnosis *d, const char *text, const Node *node)
{
  const char *mark = strchr(text, '%');
  if (!mark) return cd_str_from(d->vm, text);
  TextBuilder out;
  cd_text_init(&out, d->vm);
  const Token *token = diagnosis_first(d, node);
  bool ok = cd_text_put(&out, text, (size_t)(mark - text)) &&
            (mark[1] == 'E' ? cd_text_puts(&out, cd_peg_node_text(node)) : cd_text_put(&out, token->text, token->size)) &&
            cd_text_puts(&out, mark + 2);
  if (ok) return cd_text_finish(&out);
  cd_text_clear(&out);
  return NO_REF;
}

void cd_diagnosis_no_block(Diagnosis *d, const char *statement, int32_t first)
{
  const Token *token = &d->tokens.items[first];
  diagnosis_raise_last(d, d->vm->exc.IndentationError,
                       cd_str_format(d->vm, "expected an indented block after %s on line %d", statement, token->line));
}

const Node *cd_diagnosis_mistake(Diagnosis *d, const PegMistake *m, const Node *node)
{
  if (m->action) return m->action->fn(d, node);
  VM *vm = d->vm;
  if (m->block) {
    Ref message = m->first ? cd_str_format(vm, "expected an indented block after %s on line %d", m->text,
                                           diagnosis_first(d, diagnosis_item(node, m->first))->line)
                           : cd_str_from(vm, "expected an indented block");
    diagnosis_raise_last(d, vm->exc.IndentationError, message);
    return NULL;
  }
  if (!m->first) {
    diagnosis_raise_last(d, vm->exc.SyntaxError, cd_str_from(vm, m->text));
    return NULL;
  }
  const Node *first = diagnosis_item(node, m->first);
  Ref message = diagnosis_word(d, m->text, first);
  if (m->last >= 0) return diagnosis_raise_nodes(d, first, m->last ? diagnosis_item(node, m->last) : first, message);
  int32_t line, column;
  diagnosis_cursor(d, &line, &column);
  const Token *token = diagnosis_first(d, first);
  diagnosis_raise(d, vm->exc.SyntaxError, message, token->line, token->column + 1, line, column);
  return NULL;
}

// ---- targets ----

typedef enum { TARGET_STAR, TARGET_DEL, TARGET_FOR } TargetUse;

static const Node *diagnosis_bad_target(const Node *node, TargetUse use);

static const Node *diagnosis_bad_element(const Node *node, TargetUse use)
{
  for (uint32_t i = 0; i < node->count; i++) {
    const Node *item = node->items[i], *bad;
    if (!item || item->kind == NODE_Token) continue;
    bad = item->kind == NODE_Other || item->kind == NODE_Sequence ? diagnosis_bad_element(item, use) : diagnosis_bad_target(item, use);
    if (bad) return bad;
  }
  return NULL;
}

// The part of an expression that cannot be assigned to, or deleted; NULL: there is none.
static const Node *diagnosis_bad_target(const Node *node, TargetUse use)
{
  switch (node->kind) {
  case NODE_List: case NODE_Tuple: return diagnosis_bad_element(node, use);
  case NODE_Starred: return use == TARGET_DEL ? node : diagnosis_bad_target(diagnosis_item(node, 2), use);
  case NODE_Compare:                             // `for a in b` reads `a in b` as a comparison
    if (use != TARGET_FOR) return node;
    return diagnosis_item(diagnosis_item(diagnosis_item(node, 2), 1), 1)->kind == NODE_In
             ? diagnosis_bad_target(diagnosis_item(node, 1), use)
             : NULL;
  case NODE_Name: case NODE_Attribute: case NODE_Subscript: return NULL;
  default: return node;
  }
}

static const Node *diagnosis_raise_target(Diagnosis *d, const Node *node, TargetUse use)
{
  const Node *bad = diagnosis_bad_target(node, use);
  if (!bad) return NULL;
  return diagnosis_raise_nodes(d, bad, bad,
                               cd_str_format(d->vm, use == TARGET_DEL ? "cannot delete %s" : "cannot assign to %s", cd_peg_node_text(bad)));
}

static const Node *diagnosis_bad_assignment_target(Diagnosis *d, const Node *node)
{
  return diagnosis_raise_target(d, diagnosis_item(node, 2), TARGET_STAR);
}
static const Node *diagnosis_bad_with_target(Diagnosis *d, const Node *node)
{
  return diagnosis_raise_target(d, diagnosis_item(node, 3), TARGET_STAR);
}
static const Node *diagnosis_bad_del_target(Diagnosis *d, const Node *node)
{
  return diagnosis_raise_target(d, diagnosis_item(node, 2), TARGET_DEL);
}
static const Node *diagnosis_bad_loop_target(Diagnosis *d, const Node *node)
{
  return diagnosis_raise_target(d, diagnosis_item(node, 2), TARGET_FOR);
}

// Checks of what the grammar reads as a primary.
static const Node *diagnosis_target(Diagnosis *d, const Node *node)
{
  (void)d;
  return diagnosis_bad_target(diagnosis_item(node, 2), TARGET_STAR) ? NULL : node;
}
static const Node *diagnosis_single_target(Diagnosis *d, const Node *node)
{
  (void)d;
  const Node *target = diagnosis_item(node, 1);
  return target->kind == NODE_Name || target->kind == NODE_Attribute || target->kind == NODE_Subscript ? target : NULL;
}
static const Node *diagnosis_del_target(Diagnosis *d, const Node *node)
{
  (void)d;
  return diagnosis_bad_target(diagnosis_item(node, 1), TARGET_DEL) ? NULL : node;
}

// ---- other mistakes ----

static bool diagnosis_is_legacy(const Diagnosis *d, const Node *node)
{
  const Token *token = diagnosis_first(d, node);
  return node->kind != NODE_Other && node->first == node->last && token->kind == TOKEN_NAME &&
         ((token->size == 5 && memcmp(token->text, "print", 5) == 0) || (token->size == 4 && memcmp(token->text, "exec", 4) == 0));
}

static const Node *diagnosis_legacy_statement(Diagnosis *d, const Node *node)
{
  const Node *name = diagnosis_item(node, 1);
  if (!diagnosis_is_legacy(d, name)) return NULL;
  const char *word = diagnosis_first(d, name)->size == 5 ? "print" : "exec";
  return diagnosis_raise_nodes(d, name, diagnosis_item(node, 3),
                               cd_str_format(d->vm, "Missing parentheses in call to '%s'. Did you mean %s(...)?", word, word));
}

// A soft keyword, or the beginning of one.
static const Node *diagnosis_soft_keyword(Diagnosis *d, const Node *node)
{
  const Token *token = diagnosis_first(d, node);
  bool soft = strncmp(token->text, "match", token->size) == 0 || strncmp(token->text, "case", token->size) == 0 ||
              strncmp(token->text, "_", token->size) == 0;
  return soft ? node : NULL;
}

static const Node *diagnosis_forgotten_comma(Diagnosis *d, const Node *node)
{
  const Node *left = diagnosis_item(node, 2), *right = diagnosis_item(node, 3);
  if (diagnosis_is_legacy(d, left) || !d->levels[d->mark - 1]) return NULL;
  return diagnosis_raise_nodes(d, left, right, cd_str_from(d->vm, "invalid syntax. Perhaps you forgot a comma?"));
}

static const Node *diagnosis_missing_colon(Diagnosis *d, const Node *node)
{
  const Node *key = diagnosis_item(node, 4);
  const Token *first = diagnosis_first(d, key), *last = diagnosis_end(d, key);
  diagnosis_raise(d, d->vm->exc.SyntaxError, cd_str_from(d->vm, "':' expected after dictionary key"), first->line, last->end_column,
                  last->end_line, 0);
  return NULL;
}

static const Node *diagnosis_annotated(Diagnosis *d, const Node *node)
{
  const Node *left = diagnosis_item(node, 1);
  bool display = left->kind == NODE_List || left->kind == NODE_Tuple;
  return diagnosis_raise_nodes(d, left, left,
                               display ? cd_str_format(d->vm, "only single target (not %s) can be annotated", cd_peg_node_text(left))
                                       : cd_str_from(d->vm, "illegal target for annotation"));
}

// ---- arguments ----

// What ends a comprehension: its last condition, or what it runs over.
static const Node *diagnosis_comprehension_end(const Node *clauses)
{
  const Node *last = diagnosis_item(clauses, (int)clauses->count), *ifs = diagnosis_item(last, 6);
  if (!ifs || !ifs->count) return diagnosis_item(last, 5);
  return diagnosis_item(diagnosis_item(ifs, (int)ifs->count), 2);
}

// A generator expression without parentheses may be the only argument of a call; a class has no such arguments at all.
static const Node *diagnosis_bare_generator(Diagnosis *d, const Node *node)
{
  const Node *element = diagnosis_item(node, 1);
  if (element->kind == NODE_Sequence) {
    if (element->count == 1) return NULL;
    element = diagnosis_item(element, (int)element->count);
    if (element->kind == NODE_Keyword || element->kind == NODE_DoubleStarred) return NULL;
  }
  return diagnosis_raise_nodes(d, element, diagnosis_comprehension_end(diagnosis_item(node, 2)),
                               cd_str_from(d->vm, "Generator expression must be parenthesized"));
}

static const Node *diagnosis_argument_order(Diagnosis *d, const Node *node)
{
  const Node *arguments = diagnosis_item(node, 1);
  bool keyword = false, mapping = false;
  for (uint32_t i = 0; i < arguments->count; i++) {
    const Node *argument = arguments->items[i];
    if (argument->kind == NODE_DoubleStarred) mapping = true;
    else if (argument->kind == NODE_Keyword) keyword = true;
    else if (argument->kind == NODE_Starred ? mapping : mapping || keyword) {
      if (argument->kind == NODE_Starred)
        return diagnosis_raise_nodes(d, arguments->items[0], arguments->items[i - 1],
                                     cd_str_from(d->vm, "iterable argument unpacking follows keyword argument unpacking"));
      cd_diagnosis_fail(d, mapping ? "positional argument follows keyword argument unpacking"
                                   : "positional argument follows keyword argument");
      return NULL;
    }
  }
  return NULL;
}

static const Node *diagnosis_class_argument_order(Diagnosis *d, const Node *node)
{
  const Node *arguments = diagnosis_item(node, 1);
  uint32_t i = 0, last;
  while (i < arguments->count && arguments->items[i]->kind != NODE_Keyword) i++;
  while (i < arguments->count && arguments->items[i]->kind == NODE_Keyword) i++;
  if (i == arguments->count) return node;
  if (!d->mistakes) return NULL;
  for (last = i; last + 1 < arguments->count && arguments->items[last + 1]->kind != NODE_Keyword;) last++;
  return diagnosis_raise_nodes(d, arguments->items[i], arguments->items[last],
                               cd_str_from(d->vm, "positional patterns follow keyword patterns"));
}

// ---- parameters ----

// A parameter with a default comes before one without, or a slash comes twice.
static const Node *diagnosis_parameter_order(Diagnosis *d, const Node *node)
{
  const Node *all = diagnosis_item(node, 1);
  bool defaults = false, slash = false;
  for (uint32_t i = 0; i < all->count; i++) {
    const Node *p = diagnosis_item(all->items[i], 1);
    if (p->kind == NODE_DefaultParameter) defaults = true;
    else if (p->kind == NODE_Slash ? !slash : !defaults) slash |= p->kind == NODE_Slash;
    else if (!d->mistakes) return NULL;
    else
      return diagnosis_raise_nodes(
        d, p, p, cd_str_from(d->vm, p->kind == NODE_Slash ? "/ may appear only once" : "non-default argument follows default argument"));
  }
  return node;
}

// ---- literals ----

static const Node *diagnosis_number(Diagnosis *d, const Node *node)
{
  const Token *token = diagnosis_first(d, node);
  if (memchr(token->text, '_', token->size)) cd_diagnosis_since(d, 6, "Underscores in numeric literals are");
  if (d->failed) return NULL;
  if (!cd_parse_number(&d->parser, diagnosis_first(d, node))) {
    d->failed = true;
    return NULL;
  }
  return cd_peg_node(d, NODE_Constant, node->first, node->last);
}

static const Node *diagnosis_check_number(Diagnosis *d, const Node *node, bool imaginary)
{
  Value v = cd_parse_number(&d->parser, diagnosis_first(d, node));
  if (!v) {
    d->failed = true;
    return NULL;
  }
  if (cd_is_complex(v) == imaginary) return node;
  return diagnosis_raise_nodes(d, node, node,
                               cd_str_format(d->vm, "%s number required in complex literal", imaginary ? "imaginary" : "real"));
}
// A number of a pattern: 1, -1, 1 + 2j.
static const Node *diagnosis_complex_literal(Diagnosis *d, const Node *node)
{
  const Node *second = diagnosis_item(node, 3);
  if (second && !diagnosis_check_number(d, diagnosis_item(node, 2), false)) return NULL;
  if (second && !diagnosis_check_number(d, diagnosis_item(second, 2), true)) return NULL;
  return node;
}

// With source that is no UTF-8, literals must be checked one by one.
static bool diagnosis_check_utf8(Diagnosis *d, const Token *token)
{
  size_t count;
  bool ascii;
  if (!(d->flags & PYCF_BAD_UTF8) || !(token->flags & TOKEN_NON_ASCII)) return true;
  const char *text = token->text;
  if (token->kind == TOKEN_STRING) while (*text != '"' && *text != '\'') text++;
  size_t skipped = (size_t)(text - token->text), size = token->size - skipped;
  if (token->kind == TOKEN_STRING) {
    size_t quotes = token->flags & TOKEN_TRIPLE ? 3 : 1;
    text += quotes;
    size -= 2 * quotes;
  }
  if (cd_utf8_check(text, size, false, &count, &ascii, NULL) == size) return true;
  Ref decoded = cd_str_decode_utf8(d->vm, text, size, NULL);
  if (decoded) {
    cd_drop(d->vm, decoded);
    return true;
  }
  Ref error = cd_take_raised(d->vm);
  cd_diagnosis_fail(d, "(unicode error) %S", error);
  cd_drop(d->vm, error);
  return false;
}

static const Node *diagnosis_strings(Diagnosis *d, const Node *node)
{
  bool formatted = false;
  const Token *first = diagnosis_first(d, node);
  for (int32_t i = 0; i <= node->last - node->first; i++) {
    if (!diagnosis_check_utf8(d, first + i)) return NULL;
    formatted |= (first[i].flags & TOKEN_FORMATTED) != 0;
  }
  if (formatted) cd_diagnosis_since(d, 6, "Format strings are");
  if (d->failed) return NULL;
  d->parser.token = first;
  d->parser.depth = 0;
  if (!cd_parse_strings(&d->parser) && (!cd_raised(d->vm) || (formatted && cd_raised_is(d->vm, d->vm->exc.SyntaxError)))) {
    Ref found = cd_raised(d->vm) ? cd_take_raised(d->vm) : NO_REF;     // a bad escape: but a brace before it counts more
    d->failed = false;
    for (const Token *t = first; t <= first + (node->last - node->first) && !d->failed; t++)
      if (t->flags & TOKEN_FORMATTED) cd_diagnose_formatted(d, t);
    if (found && !d->failed) cd_raise_exception(d->vm, found);
    else cd_drop(d->vm, found);
    if (!found && !d->failed) cd_diagnosis_fail(d, "f-string: invalid syntax");
  }
  d->parser.stack.count = d->parser.keywords.count = 0;
  if (cd_raised(d->vm)) {
    d->failed = true;
    return NULL;
  }
  return cd_peg_node(d, formatted ? NODE_JoinedStr : NODE_Constant, node->first, node->last);
}

static const PegAction diagnosis_actions[] = {
  {"target", diagnosis_target},
  {"single_target", diagnosis_single_target},
  {"del_target", diagnosis_del_target},
  {"bad_target", diagnosis_bad_assignment_target},
  {"bad_with_target", diagnosis_bad_with_target},
  {"bad_del_target", diagnosis_bad_del_target},
  {"bad_loop_target", diagnosis_bad_loop_target},
  {"annotated", diagnosis_annotated},
  {"legacy_statement", diagnosis_legacy_statement},
  {"forgotten_comma", diagnosis_forgotten_comma},
  {"soft_keyword", diagnosis_soft_keyword},
  {"missing_colon", diagnosis_missing_colon},
  {"bare_generator", diagnosis_bare_generator},
  {"argument_order", diagnosis_argument_order},
  {"class_argument_order", diagnosis_class_argument_order},
  {"parameter_order", diagnosis_parameter_order},
  {"number", diagnosis_number},
  {"complex_literal", diagnosis_complex_literal},
  {"strings", diagnosis_strings},
  {NULL, NULL},
};

// ---- the two passes ----

static void *diagnosis_take_memory(void *vm, size_t size) { return cd_alloc(vm, size); }
static void diagnosis_free_memory(void *vm, void *p, size_t size) { cd_free(vm, p, size); }

static bool diagnosis_count_levels(Diagnosis *d)
{
  if (!(d->levels = cd_arena_alloc(&d->arena, d->tokens.count + 1))) return false;
  uint8_t level = 0;
  for (size_t i = 0; i < d->tokens.count; i++) {
    switch (d->tokens.items[i].kind) {
    case TOKEN_LPAR: case TOKEN_LSQB: case TOKEN_LBRACE: level++; break;
    case TOKEN_RPAR: case TOKEN_RSQB: case TOKEN_RBRACE: level--; break;
    }
    d->levels[i] = level;
  }
  return true;
}

// In interactive mode only blanks and comments may follow the statement.
static bool diagnosis_is_alone(const Diagnosis *d)
{
  for (int32_t i = d->mark; i < (int32_t)d->tokens.count; i++) {
    int kind = d->tokens.items[i].kind;
    if (kind != TOKEN_NEWLINE && kind != TOKEN_ENDMARKER) return false;
  }
  return true;
}

// The first line of an f-string's expression counts from where it stands in its file; that is taken away again from all columns shown.
static void diagnosis_move_first_line(Diagnosis *d)
{
  for (size_t i = 0; i < d->tokens.count; i++) {
    Token *token = &d->tokens.items[i];
    if (token->column < 0) continue;
    if (token->line == d->first_line) token->column += d->column_base;
    if (token->end_line == d->first_line) token->end_column += d->column_base;
  }
}

static void diagnosis_passes(Diagnosis *d)
{
  static const PegRule starts[] = {
    [MODE_EXEC] = PEG_file, [MODE_EVAL] = PEG_single_expression, [MODE_SINGLE] = PEG_interactive, [MODE_FUNC_TYPE] = PEG_function_type};
  VM *vm = d->vm;
  PegRule start = d->field ? PEG_replacement_field : starts[d->mode];
  if (cd_peg_run(d, start)) {
    if (d->mode == MODE_SINGLE && !d->field && !diagnosis_is_alone(d))
      cd_diagnosis_fail(d, "multiple statements found while compiling a single statement");
    return;
  }
  if ((d->flags & PYCF_ALLOW_INCOMPLETE_INPUT) && diagnosis_at_end(d)) {
    cd_clear_raised(vm);
    d->failed = false;
    cd_diagnosis_fail(d, "incomplete input");
    return;
  }
  if (d->failed && !cd_raised_is(vm, vm->exc.SyntaxError)) return;
  int32_t last = d->fill - 1;
  if (!d->failed) {
    cd_peg_reset(d);
    cd_peg_run(d, start);
  }
  if (d->failed) {
    if (cd_raised_is(vm, vm->exc.SyntaxError) && !diagnosis_at_end(d)) diagnosis_read_on(d);
    return;
  }
  const Token *token = &d->tokens.items[last];
  if (token->kind == TOKEN_INDENT || token->kind == TOKEN_DEDENT) {
    diagnosis_raise_last(d, vm->exc.IndentationError,
                         cd_str_from(vm, token->kind == TOKEN_INDENT ? "unexpected indent" : "unexpected unindent"));
    return;
  }
  diagnosis_raise_tokens(d, token, token, cd_str_from(vm, "invalid syntax"));
  diagnosis_read_on(d);
}

void cd_diagnosis_run(VM *vm, Diagnosis *d)
{
  d->vm = vm;
  cd_arena_init(&d->arena, diagnosis_take_memory, diagnosis_free_memory, vm);
  LexOptions options = {.mode = d->field ? MODE_EVAL : d->mode, .flags = d->flags, .line = d->first_line, .check_formatted = true};
  bool ast = cd_ast_init(&d->ast, vm, d->filename);
  d->parser = (Parser){.vm = vm, .ast = &d->ast, .source = d->source, .flags = d->flags, .mode = d->mode, .diagnosis = d};
  if (cd_lex(vm, &d->tokens, d->source, d->end, options) && diagnosis_count_levels(d) && cd_peg_prepare(d, diagnosis_actions)) {
    if (d->field) diagnosis_move_first_line(d);
    if (d->asking) cd_peg_run(d, PEG_interactive);
    else diagnosis_passes(d);
  }
  cd_free(vm, d->parser.stack.items, d->parser.stack.capacity * sizeof(void *));
  cd_free(vm, d->parser.keywords.items, d->parser.keywords.capacity * sizeof(void *));
  if (ast) cd_ast_clear(&d->ast);
  cd_tokens_clear(&d->tokens);
  cd_arena_clear(&d->arena);
}

void cd_diagnose(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int flags)
{
  Diagnosis *d = cd_alloc_zeroed(vm, sizeof *d);
  if (!d) return;
  d->source = source;
  d->end = source + size;
  d->filename = filename;
  d->mode = mode;
  d->flags = flags;
  d->characters = flags & PYCF_KNOWN_ENCODING;
  d->first_line = 1;
  cd_diagnosis_run(vm, d);
  cd_free(vm, d, sizeof *d);
}

bool cd_statement_is_open(VM *vm, const char *source, size_t size)
{
  Diagnosis *d = cd_alloc_zeroed(vm, sizeof *d);
  Ref filename = d ? cd_str_from(vm, "<stdin>") : NO_REF;
  bool open = false;
  if (filename) {
    d->source = source;
    d->end = source + size;
    d->filename = filename;
    d->mode = MODE_SINGLE;
    d->flags = PYCF_SOURCE_IS_UTF8 | PYCF_INTERACTIVE;
    d->first_line = 1;
    d->asking = true;
    cd_diagnosis_run(vm, d);
    open = d->open;
  }
  cd_clear_raised(vm);                           // what is wrong shows when the statement is compiled
  cd_drop(vm, filename);
  if (d) cd_free(vm, d, sizeof *d);
  return open;
}
