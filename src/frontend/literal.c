// SPDX-License-Identifier: MIT
// literal.c: the values of number and string literals, and f-strings
#include "frontend/literal.h"

#include "base/number_text.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/bytes.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/raise.h"
#include "objects/str.h"

// ---- numbers ----

// Copies a literal without its underscores into the compilation's memory.
static char *literal_without_underscores(Parser *p, const Token *token, size_t *size)
{
  char *text = cd_ast_alloc(p->ast, token->size + 1), *out = text;
  if (!text) return NULL;
  for (uint32_t i = 0; i < token->size; i++)
    if (token->text[i] != '_') *out++ = token->text[i];
  *size = (size_t)(out - text);
  return text;
}

static Ref literal_number(Parser *p, const Token *token)
{
  const char *s = token->text;
  size_t size = token->size;
  if (size <= 18) {                              // most often: few decimal digits, and no more
    int64_t i = 0;
    size_t k = 0;
    while (k < size && s[k] >= '0' && s[k] <= '9') i = i * 10 + (s[k++] - '0');
    if (k == size) return cd_from_small(i);
  }
  if (s[0] == '0' && size > 2 && ((s[1] | 0x20) == 'x' || (s[1] | 0x20) == 'o' || (s[1] | 0x20) == 'b'))
    return cd_int_from_text(p->vm, s, size, 0);
  if (memchr(s, '_', size) && !(s = literal_without_underscores(p, token, &size))) return NO_REF;
  double x;
  if ((s[size - 1] | 0x20) == 'j') {
    cd_double_parse(s, size - 1, &x);
    return cd_complex_new(p->vm, 0, x);
  }
  if (memchr(s, '.', size) || memchr(s, 'e', size) || memchr(s, 'E', size)) {
    cd_double_parse(s, size, &x);
    return cd_float_new(p->vm, x);
  }
  return cd_int_from_text(p->vm, s, size, 10);
}

Value cd_parse_number(Parser *p, const Token *token)
{
  Ref number = literal_number(p, token);
  if (!number && cd_raised_is(p->vm, p->vm->exc.ValueError)) {   // too many digits
    Ref error = cd_take_raised(p->vm);
    if (p->diagnosis)
      cd_diagnosis_error(p->diagnosis, token, "%S - Consider hexadecimal for huge integer literals to avoid decimal conversion limits.",
                         error);
    cd_drop(p->vm, error);
  }
  return cd_ast_own(p->ast, number);
}

// ---- escapes ----

// What went wrong in an escape sequence, for the message; places count from the start of the literal's text.
typedef struct EscapeError { const char *reason; size_t start, end; } EscapeError;

// `escape` is the first bad one of the token's text, behind its backslash.
static bool literal_warn_escape(Parser *p, const Token *token, const char *escape)
{
  if (p->diagnosis || token->text <= p->warned) return true;
  p->warned = token->text;
  bool octal = *escape >= '0' && *escape <= '7';
  char text[4] = {escape[0], 0};
  if (octal) text[1] = escape[1], text[2] = escape[2];
  Ref message = cd_str_format(p->vm, "invalid %sescape sequence '\\%s'", octal ? "octal " : "", text);
  return cd_parser_warn(p, p->vm->exc.DeprecationWarning, token, message);
}

static int literal_hex(char c)
{
  return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

// Reads `digits` hexadecimal digits. Returns how many there were.
static int literal_hex_digits(const char *s, const char *end, int digits, uint32_t *out)
{
  int i = 0;
  *out = 0;
  for (; i < digits && s + i < end && literal_hex(s[i]) >= 0; i++) *out = *out << 4 | (uint32_t)literal_hex(s[i]);
  return i;
}

// The escapes that both kinds of literal have. `*s` is behind the backslash; returns -1 when there is none of them. Octal ones may be too
// big.
static int literal_simple_escape(const char **s, const char *end)
{
  char c = *(*s)++;
  switch (c) {
  case '\\': case '\'': case '"': return c;
  case 'a': return '\a';
  case 'b': return '\b';
  case 'f': return '\f';
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  case 'v': return '\v';
  case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': {
    int value = c - '0';
    for (int i = 0; i < 2 && *s < end && **s >= '0' && **s <= '7'; i++) value = value * 8 + (*(*s)++ - '0');
    return value;
  }
  default:
    (*s)--;
    return -1;
  }
}

// CPython words these errors by way of its unicode_escape codec, to which non-ASCII characters are shown as ten-character escapes:
// positions count so.
static size_t literal_codec_position(const char *text, const char *at)
{
  size_t n = 0;
  for (const char *s = text; s < at; s += cd_utf8_len((unsigned char)*s)) n += (unsigned char)*s < 0x80 ? 1 : 10;
  return n;
}

// \x \u \U \N. *s is at the letter.
static bool literal_unicode_escape(Parser *p, TextBuilder *out, const char *text, const char **s, const char *end)
{
  const char *letter = *s, *stop = letter + 1, *reason;
  uint32_t c;
  if (*letter == 'N') {
    reason = "malformed \\N character escape";
    if (stop < end && *stop == '{') {
      const char *close = memchr(stop, '}', (size_t)(end - stop));
      if (close && close > stop + 1) {
        if (cd_char_lookup(stop + 1, (size_t)(close - stop - 1), &c)) {
          *s = close + 1;
          return cd_text_char(out, c);
        }
        reason = "unknown Unicode character name";
        stop = close + 1;
      } else {
        stop = close ? close : end;
      }
    }
  } else {
    int digits = *letter == 'x' ? 2 : *letter == 'u' ? 4 : 8;
    int found = literal_hex_digits(stop, end, digits, &c);
    stop += found;
    if (found == digits && c <= 0x10FFFF) {
      *s = stop;
      return cd_text_char(out, c);
    }
    reason = found == digits ? "illegal Unicode character"
             : digits == 2   ? "truncated \\xXX escape"
             : digits == 4   ? "truncated \\uXXXX escape"
                             : "truncated \\UXXXXXXXX escape";
  }
  if (!p->diagnosis) return false;
  size_t first = literal_codec_position(text, letter - 1), last = literal_codec_position(text, stop) - 1;
  if (first == last)
    return cd_diagnosis_error(p->diagnosis, NULL, "(unicode error) 'unicodeescape' codec can't decode byte 0x5c in position %zu: %s", first,
                              reason);
  return cd_diagnosis_error(p->diagnosis, NULL, "(unicode error) 'unicodeescape' codec can't decode bytes in position %zu-%zu: %s", first,
                            last, reason);
}

// Appends the text of a literal, or of a part of one, with its escapes replaced.
bool cd_literal_decode(Parser *p, TextBuilder *out, const Token *token, const char *text, const char *end)
{
  const char *s = text, *invalid = NULL;
  while (s < end) {
    const char *backslash = memchr(s, '\\', (size_t)(end - s));
    if (!backslash) backslash = end;
    if (backslash > s && !cd_text_put(out, s, (size_t)(backslash - s))) return false;
    if ((s = backslash + 1) > end) break;
    if (s == end) {                              // of an f-string's text, before a field
      if (!invalid) invalid = s;
      if (!cd_text_put(out, "\\", 1)) return false;
      break;
    }
    if (*s == '\n') { s++; continue; }
    if (*s == 'x' || *s == 'u' || *s == 'U' || *s == 'N') {
      if (!literal_unicode_escape(p, out, text, &s, end)) return false;
      continue;
    }
    const char *escape = s;
    int c = literal_simple_escape(&s, end);
    if (!invalid && ((c < 0 && (unsigned char)*escape < 0x80) || c > 0377)) invalid = escape;
    if (c < 0 ? !cd_text_put(out, "\\", 1) : !cd_text_char(out, (uint32_t)c)) return false;
  }
  return !invalid || literal_warn_escape(p, token, invalid);
}

static bool literal_decode_bytes(Parser *p, char *out, size_t *size, const Token *token, const char *text, const char *end)
{
  char *start = out;
  const char *invalid = NULL;
  for (const char *s = text; s < end; ) {
    if (*s != '\\') { *out++ = *s++; continue; }
    s++;
    if (*s == '\n') { s++; continue; }
    if (*s == 'x') {
      uint32_t c;
      if (literal_hex_digits(s + 1, end, 2, &c) < 2) {
        if (!p->diagnosis) return false;
        return cd_diagnosis_error(p->diagnosis, NULL, "(value error) invalid \\x escape at position %zu", (size_t)(s - 1 - text));
      }
      *out++ = (char)c;
      s += 3;
      continue;
    }
    const char *escape = s;
    int c = literal_simple_escape(&s, end);
    if (!invalid && (c < 0 || c > 0377)) invalid = escape;
    *out++ = c < 0 ? '\\' : (char)c;
  }
  *size = (size_t)(out - start);
  return !invalid || literal_warn_escape(p, token, invalid);
}

// ---- plain strings ----

// The text between the quotes.
void cd_literal_body(const Token *token, const char **text, const char **end)
{
  const char *s = token->text;
  int quotes = token->flags & TOKEN_TRIPLE ? 3 : 1;
  while (*s != '"' && *s != '\'') s++;
  *text = s + quotes;
  *end = token->text + token->size - quotes;
}

static Ref literal_bytes(Parser *p, const Token *first, const Token *last)
{
  size_t room = 0, used = 0;
  for (const Token *t = first; t <= last; t++) {
    room += t->size;
    if (!(t->flags & TOKEN_NON_ASCII)) continue;
    return p->diagnosis ? cd_diagnosis_error(p->diagnosis, NULL, "bytes can only contain ASCII literal characters") : NO_REF;
  }
  char *buffer = cd_alloc(p->vm, room);
  if (!buffer) return NO_REF;
  Ref result = NO_REF;
  for (const Token *t = first; t <= last; t++) {
    const char *text, *end;
    cd_literal_body(t, &text, &end);
    size_t size = (size_t)(end - text);
    if ((t->flags & TOKEN_RAW) || !(t->flags & TOKEN_ESCAPES)) memcpy(buffer + used, text, size);
    else if (!literal_decode_bytes(p, buffer + used, &size, t, text, end)) goto done;
    used += size;
  }
  result = cd_bytes_new(p->vm, buffer, used);
done:
  cd_free(p->vm, buffer, room);
  return result;
}

static bool literal_append(Parser *p, TextBuilder *out, const Token *token)
{
  const char *text, *end;
  cd_literal_body(token, &text, &end);
  if ((token->flags & TOKEN_RAW) || !(token->flags & TOKEN_ESCAPES)) return text == end || cd_text_put(out, text, (size_t)(end - text));
  return cd_literal_decode(p, out, token, text, end);
}

static Ref literal_text(Parser *p, const Token *first, const Token *last)
{
  if (first == last && ((first->flags & TOKEN_RAW) || !(first->flags & TOKEN_ESCAPES))) {
    const char *text, *end;
    cd_literal_body(first, &text, &end);
    return first->flags & TOKEN_NON_ASCII ? cd_str_new(p->vm, text, (size_t)(end - text)) : cd_str_ascii(p->vm, text, (size_t)(end - text));
  }
  TextBuilder out;
  cd_text_init(&out, p->vm);
  for (const Token *t = first; t <= last; t++)
    if (!literal_append(p, &out, t)) {
      cd_text_clear(&out);
      return NO_REF;
    }
  return cd_text_finish(&out);
}

// ---- f-strings ----

// The pieces of one expression of adjacent strings, at least one of them formatted. Text gathers in `text` until a field comes.
typedef struct Formatted {
  Parser *p;
  const Token *first, *last, *token;             // token: the literal at hand
  TextBuilder text;
  size_t mark;                                   // pieces are above it on the parser's stack
  const char *line_start, *place;                // of the last place asked for; that place, and its line
  int32_t line;
} Formatted;

static void literal_span(Expr *e, const Token *first, const Token *last)
{
  e->line = first->line;
  e->column = first->column;
  e->end_line = last->end_line;
  e->end_column = last->end_column;
}

static Expr *literal_node(Formatted *f, ExprKind kind)
{
  Expr *e = cd_expr_new(f->p->ast, kind);
  if (e) literal_span(e, f->first, f->last);
  return e;
}

static bool literal_set_kind(Parser *p, Expr *e, const Token *first)
{
  if (!(first->flags & TOKEN_UNICODE)) return true;
  return (e->as.Constant.kind = cd_ast_name(p->ast, "u", 1));
}

// Makes a piece of the text gathered so far.
static bool literal_flush(Formatted *f)
{
  if (!f->text.size) return true;
  Value value = cd_ast_own(f->p->ast, cd_text_finish(&f->text));
  Expr *e = value ? literal_node(f, EXPR_Constant) : NULL;
  if (!e || !literal_set_kind(f->p, e, f->first)) return false;
  e->as.Constant.value = value;
  return cd_parser_push(f->p, &f->p->stack, e);
}

// Line and column of `at`, which is not before the last place asked for.
static int32_t literal_column(Formatted *f, const char *at)
{
  const char *newline;
  while (f->place < at && (newline = memchr(f->place, '\n', (size_t)(at - f->place)))) {
    f->place = f->line_start = newline + 1;
    f->line++;
  }
  f->place = at;
  return (int32_t)(at - f->line_start);
}

static bool literal_is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

// Reads the expression in [text, end) as if it stood in parentheses.
static Expr *literal_field_expression(Formatted *f, const char *text, const char *end)
{
  Parser *p = f->p;
  Tokens tokens;
  int32_t column = literal_column(f, text - 1);
  LexOptions options = {.mode = MODE_EVAL, .flags = p->flags & ~PYCF_TYPE_COMMENTS, .line = f->line, .column = column, .field = true};
  Expr *e = NULL;
  if (p->field_depth >= MAX_FIELD_DEPTH || !cd_lex(p->vm, &tokens, text - 1, end + 1, options)) return NULL;
  const Token *saved = p->token;
  p->token = tokens.items;
  p->field_depth++;
  e = cd_parse_star_expressions(p);
  if (e && !cd_parser_is(p, TOKEN_ENDMARKER)) e = NULL;
  bool speaks = cd_bits(p->ast->filename);       // cd_literal_is_good() only looks
  if (e && speaks && tokens.warning_count && !cd_parser_warn_numbers(p, &tokens)) e = NULL;
  p->field_depth--;
  p->token = saved;
  cd_tokens_clear(&tokens);
  return e;
}

// Where the expression of a field ends: at a `!`, `:`, `=` or `}` outside brackets and strings. NULL: nowhere.
static const char *literal_field_end(Formatted *f, const char *s, const char *end)
{
  int nesting = 0;
  while (s < end) {
    const char *after = cd_lex_skip_string(s, end);
    if (!after) return NULL;
    if (after > s) {
      if ((f->token->flags & TOKEN_RAW) && memchr(s, '\\', (size_t)(after - s))) return NULL;
      s = after;
      continue;
    }
    char c = *s, next = s + 1 < end ? s[1] : 0;
    switch (c) {
    case '(': case '[': case '{': nesting++; break;
    case ')': case ']':
      if (--nesting < 0) return NULL;
      break;
    case '}':
      if (nesting-- == 0) return s;
      break;
    case '#':
      while (s < end && *s != '\n') s++;
      continue;
    case '\\': return NULL;
    case '!': case '=': case '<': case '>':
      if (next == '=') s++;
      else if (nesting == 0 && (c == '!' || c == '=')) return s;
      break;
    case ':':
      if (nesting == 0) return s;
      break;
    }
    s++;
    if (cd_lex_is_name(c)) while (s < end && cd_lex_is_name(*s)) s++;
  }
  return NULL;
}

static bool literal_pieces(Formatted *f, const char **s, const char *end, int level);

// A format specification behind its colon, up to the '}'.
static Expr *literal_format_spec(Formatted *f, const char **s, const char *end, int level)
{
  TextBuilder outer = f->text;
  cd_text_init(&f->text, f->p->vm);
  size_t mark = f->p->stack.count;
  Expr *e = literal_node(f, EXPR_JoinedStr);
  if (e)
    literal_span(e, f->token, f->token);   // a format and the text at its end are in one token; fields and the text before them span all
  if (e && !literal_pieces(f, s, end, level + 1)) e = NULL;
  bool text = f->text.size;
  if (e && !literal_flush(f)) e = NULL;
  if (e && text) literal_span(f->p->stack.items[f->p->stack.count - 1], f->token, f->token);
  if (e && !cd_parser_pop(f->p, &f->p->stack, mark, &e->as.JoinedStr.values.count, &e->as.JoinedStr.values.items)) e = NULL;
  cd_text_clear(&f->text);
  f->text = outer;
  return e;
}

// A replacement field behind its '{', up to and with its '}'.
static bool literal_field(Formatted *f, const char **at, const char *end, int level)
{
  const char *text = *at, *s;
  if (level >= 2 || !(s = literal_field_end(f, text, end))) return false;
  const char *blank = text;
  while (blank < s && literal_is_space(*blank)) blank++;
  if (blank == s) return false;
  Expr *value = literal_field_expression(f, text, s);
  Expr *e = value ? literal_node(f, EXPR_FormattedValue) : NULL;
  if (!e) return false;
  e->as.FormattedValue.value = value;
  bool debug = *s == '=';
  int version = f->p->flags & PYCF_FEATURE_VERSION;
  if (debug && f->p->diagnosis && version && version < 9)
    cd_diagnosis_error(f->p->diagnosis, NULL, "f-string: self documenting expressions are only supported in Python 3.8 and greater");
  if (debug) {                                   // f"{x=}": the text of the expression goes before its value
    for (s++; s < end && literal_is_space(*s); s++) {}
    if (!cd_text_put(&f->text, text, (size_t)(s - text))) return false;
  }
  int conversion = -1;
  if (s < end && *s == '!') {
    s++;
    if (s >= end || (*s != 's' && *s != 'r' && *s != 'a')) return false;
    conversion = *s++;
  }
  if (s < end && *s == ':') {
    s++;
    if (!(e->as.FormattedValue.format_spec = literal_format_spec(f, &s, end, level))) return false;
  }
  if (s >= end || *s != '}') return false;
  *at = s + 1;
  e->as.FormattedValue.conversion = debug && conversion < 0 && !e->as.FormattedValue.format_spec ? 'r' : conversion;
  return literal_flush(f) && cd_parser_push(f->p, &f->p->stack, e);
}

// Where the text up to the next field ends. At level 0 a doubled brace is text; *doubled says that it ends with one.
static const char *literal_text_end(Formatted *f, const char *s, const char *end, int level, bool *doubled)
{
  bool raw = f->token->flags & TOKEN_RAW;
  *doubled = false;
  while (s < end) {
    char c = *s++;
    if (c == '\\' && !raw && s < end) {
      c = *s++;
      if (c == 'N' && s < end && *s == '{') {
        while (s < end && *s != '}') s++;
        if (s < end) s++;
        continue;
      }
      if (c != '{' && c != '}') continue;
    }
    if (c != '{' && c != '}') continue;
    if (level == 0 && s < end && *s == c) {
      *doubled = true;
      return s;
    }
    return s - 1;
  }
  return s;
}

// Text and fields until the end, or in a format specification until a '}'.
static bool literal_pieces(Formatted *f, const char **at, const char *end, int level)
{
  const char *s = *at;
  while (s < end) {
    bool doubled;
    const char *stop = literal_text_end(f, s, end, level, &doubled);
    if (stop > s) {
      if ((f->token->flags & TOKEN_RAW) || !(f->token->flags & TOKEN_ESCAPES)) {
        if (!cd_text_put(&f->text, s, (size_t)(stop - s))) return false;
      } else if (!cd_literal_decode(f->p, &f->text, f->token, s, stop)) {
        return false;
      }
    }
    s = stop;
    if (doubled) { s++; continue; }
    if (s >= end) break;
    if (*s == '}') {
      *at = s;
      return level > 0;
    }
    s++;
    if (!literal_field(f, &s, end, level)) return false;
  }
  *at = s;
  return true;
}

static Expr *literal_formatted(Parser *p, const Token *first, const Token *last)
{
  Formatted f = {.p = p, .first = first, .last = last, .mark = p->stack.count};
  cd_text_init(&f.text, p->vm);
  Expr *e = NULL;
  for (const Token *t = first; t <= last; t++) {
    f.token = t;
    if (!(t->flags & TOKEN_FORMATTED)) {
      if (!literal_append(p, &f.text, t)) goto done;
      continue;
    }
    const char *text, *end;
    cd_literal_body(t, &text, &end);
    f.line = t->line;
    // Columns of a field that is diagnosed on its own count from a line of the file that is not in its text.
    ptrdiff_t before = t->text - p->source;
    f.line_start = t->text - (t->column < before ? t->column : before);
    f.place = t->text;
    if (!literal_pieces(&f, &text, end, 0)) goto done;
  }
  if (!literal_flush(&f) || !(e = literal_node(&f, EXPR_JoinedStr))) goto done;
  if (!cd_parser_pop(p, &p->stack, f.mark, &e->as.JoinedStr.values.count, &e->as.JoinedStr.values.items)) e = NULL;
done:
  cd_text_clear(&f.text);
  return e;
}

Expr *cd_parse_strings(Parser *p)
{
  const Token *first = p->token, *last;
  int flags = 0;
  for (; cd_parser_is(p, TOKEN_STRING); p->token++) flags |= p->token->flags;
  last = p->token - 1;
  if (flags & TOKEN_BYTES)
    for (const Token *t = first; t <= last; t++)
      if (!(t->flags & TOKEN_BYTES))
        return p->diagnosis ? (cd_diagnosis_error(p->diagnosis, NULL, "cannot mix bytes and nonbytes literals"), NULL) : NULL;
  if (flags & TOKEN_FORMATTED) return literal_formatted(p, first, last);

  Value value = cd_ast_own(p->ast, flags & TOKEN_BYTES ? literal_bytes(p, first, last) : literal_text(p, first, last));
  Expr *e = value ? cd_expr_new(p->ast, EXPR_Constant) : NULL;
  if (!e || !literal_set_kind(p, e, first)) return NULL;
  e->as.Constant.value = value;
  PARSER_SPAN(p, e, first);
  return e;
}

bool cd_literal_is_good(VM *vm, const Token *token, int flags)
{
  Token tokens[2] = {*token, {.kind = TOKEN_ENDMARKER}};
  Ast ast;
  Parser p = {.vm = vm, .ast = &ast, .token = tokens, .flags = flags, .warned = (const char *)UINTPTR_MAX};
  if (!cd_ast_init(&ast, vm, NO_VALUE)) return false;
  bool ok = cd_parse_strings(&p);
  cd_clear_raised(vm);
  cd_free(vm, p.stack.items, p.stack.capacity * sizeof(void *));
  cd_free(vm, p.keywords.items, p.keywords.capacity * sizeof(void *));
  cd_ast_clear(&ast);
  return ok;
}
