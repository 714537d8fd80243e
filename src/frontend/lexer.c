// SPDX-License-Identifier: MIT
// lexer.c: source text to an array of tokens; the lexical analysis chapter of the language reference
#include "frontend/lexer.h"
#include "frontend/parse.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/raise.h"
#include "objects/str.h"

#include <stdarg.h>
#include <stdio.h>

// All tokens are made in one pass before parsing begins: the parser can then look ahead and go back at no cost. Bad source stops the pass
// with an ERROR token, which counts only if the parser gets as far as that.
//
// The source always ends with a NUL that is not part of it, so one character can be read at `cur` without asking for the end; a
// NUL inside the source ends it too (compile() refuses such text before).

typedef struct Lexer {
  VM *vm;
  Tokens *out;
  const char *cur, *end, *line_start;
  const char *start;                             // of the token being read
  int32_t line;
  int32_t token_line;                            // line of `start`, for tokens of several lines
  const char *token_line_start;
  int flags;
  CompileMode mode;
  bool check_formatted;
  bool at_line_start;
  int indent;                                    // index of the innermost level
  int indents[MAX_INDENTS], alternate[MAX_INDENTS];   // columns with tabs to 8, and to 1
} Lexer;

// ---- character classes ----

enum { CLASS_OTHER, CLASS_NAME, CLASS_DIGIT, CLASS_QUOTE, CLASS_SPACE };

// Letters, '_', and all bytes of non-ASCII characters may be in names; which of the latter really may is checked afterwards.
static const uint8_t lexer_classes[256] = {
  ['a' ... 'z'] = CLASS_NAME, ['A' ... 'Z'] = CLASS_NAME, ['_'] = CLASS_NAME, [128 ... 255] = CLASS_NAME, ['0' ... '9'] = CLASS_DIGIT,
  ['"'] = CLASS_QUOTE, ['\''] = CLASS_QUOTE, [' '] = CLASS_SPACE, ['\t'] = CLASS_SPACE, ['\f'] = CLASS_SPACE,
};
static inline int lexer_class(char c) { return lexer_classes[(unsigned char)c]; }
static inline bool lexer_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool lexer_is_name(char c) { return lexer_class(c) == CLASS_NAME || lexer_class(c) == CLASS_DIGIT; }

const char *cd_token_text(int kind)
{
  static const char *const texts[] = {
#define TOKEN(kind, text) text,
#define KEYWORD(kind, text) text,
#define PUNCTUATION(kind, text) text,
#include "frontend/tokens.def"
  };
  return texts[kind];
}

// ---- tokens ----

static NO_INLINE bool lexer_grow(Lexer *lexer)
{
  Tokens *out = lexer->out;
  size_t capacity = out->capacity ? out->capacity * 2 : (size_t)(lexer->end - out->source) / 6 + 16;
  Token *items = cd_realloc(lexer->vm, out->items, out->capacity * sizeof(Token), capacity * sizeof(Token));
  if (!items) return false;
  out->items = items;
  out->capacity = capacity;
  return true;
}

// Adds a token from `start` to `cur`, on one line.
static inline Token *lexer_add(Lexer *lexer, int kind)
{
  Tokens *out = lexer->out;
  if (UNLIKELY(out->count == out->capacity) && !lexer_grow(lexer)) return NULL;
  Token *token = &out->items[out->count++];
  token->kind = (uint8_t)kind;
  token->flags = 0;
  token->text = lexer->start;
  token->size = (uint32_t)(lexer->cur - lexer->start);
  token->line = token->end_line = lexer->line;
  token->column = (int32_t)(lexer->start - lexer->line_start);
  token->end_column = (int32_t)(lexer->cur - lexer->line_start);
  return token;
}

// Adds a token that has no place in the text. At the end of the source it belongs to the last line.
static Token *lexer_add_mark(Lexer *lexer, int kind)
{
  lexer->start = lexer->cur;
  Token *token = lexer_add(lexer, kind);
  if (!token) return NULL;
  if (lexer->cur >= lexer->end && lexer->cur == lexer->line_start) token->line = token->end_line = lexer->line - 1;
  token->column = token->end_column = -1;
  token->size = 0;
  return token;
}

// ---- errors ----

// Every error ends the pass: the token functions return false, and cd_lex tells an ERROR token from a lack of memory.
static bool lexer_fail(Lexer *lexer, Type *type, const char *text, const char *text_end, int32_t line, int32_t offset, int32_t end_offset)
{
  LexError *error = &lexer->out->error;
  error->type = type;
  error->text = text;
  error->text_end = text_end;
  error->line = error->end_line = line;
  error->offset = offset;
  error->end_offset = end_offset;
  return lexer_add_mark(lexer, TOKEN_ERROR) && false;
}

static const char *lexer_line_end(Lexer *lexer, const char *from)
{
  const char *newline = memchr(from, '\n', (size_t)(lexer->end - from));
  return newline ? newline : lexer->end;
}

static int32_t lexer_chars(const char *from, const char *to) { return (int32_t)cd_utf8_count(from, (size_t)(to - from)); }

// An error that ends at `cur`: its offset is that of the last character read.
static bool lexer_error_range(Lexer *lexer, int32_t offset, int32_t end_offset, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  Ref message = cd_str_vformat(lexer->vm, format, args);
  va_end(args);
  if (!message) return false;
  lexer->out->error.message = message;
  lexer->out->error.direct = true;
  if (offset < 0) offset = lexer_chars(lexer->line_start, lexer->cur);
  return lexer_fail(lexer, lexer->vm->exc.SyntaxError, lexer->line_start, lexer_line_end(lexer, lexer->line_start), lexer->line, offset,
                    end_offset < 0 ? offset : end_offset);
}
#define lexer_error(lexer, ...) lexer_error_range(lexer, -1, -1, __VA_ARGS__)

// The same at a given place of the line, with the line break in its text, as errors that the parser words have.
static bool lexer_error_line(Lexer *lexer, Type *type, int32_t offset, int32_t end_offset, const char *text)
{
  Ref message = cd_str_from(lexer->vm, text);
  if (!message) return false;
  lexer->out->error.message = message;
  const char *line_end = lexer_line_end(lexer, lexer->line_start);
  if (line_end < lexer->end) line_end++;
  return lexer_fail(lexer, type, lexer->line_start, line_end, lexer->line, offset, end_offset);
}

static bool lexer_unexpected_end(Lexer *lexer)
{
  LexError *error = &lexer->out->error;
  error->at_end = true;
  if (!lexer->out->bracket_count) {
    error->place_is_token = true;
    return lexer_error_line(lexer, lexer->vm->exc.SyntaxError, 0, 0, "unexpected EOF while parsing");
  }
  return lexer_fail(lexer, lexer->vm->exc.SyntaxError, lexer->line_start, lexer->cur, lexer->line, 0, 0);
}

static bool lexer_indent_error(Lexer *lexer)
{
  return lexer_error_line(lexer, lexer->vm->exc.TabError, 1, 0, "inconsistent use of tabs and spaces in indentation");
}

// ---- lines ----

// Behind a backslash: the line goes on in the next one.
static bool lexer_continue_line(Lexer *lexer)
{
  if (*lexer->cur != '\n') {
    if (lexer->cur < lexer->end) lexer->cur += cd_utf8_len((unsigned char)*lexer->cur);
    int32_t offset = lexer_chars(lexer->line_start, lexer->cur);
    return lexer_error_line(lexer, lexer->vm->exc.SyntaxError, offset, 0, "unexpected character after line continuation character");
  }
  lexer->cur++;
  if (lexer->cur >= lexer->end) return lexer_unexpected_end(lexer);
  lexer->line++;
  lexer->line_start = lexer->cur;
  return true;
}

// Makes the INDENT and DEDENT tokens of a line that begins at column `col`.
static bool lexer_change_indent(Lexer *lexer, int col, int alternate)
{
  VM *vm = lexer->vm;
  if (col == lexer->indents[lexer->indent]) return alternate == lexer->alternate[lexer->indent] || lexer_indent_error(lexer);
  if (col > lexer->indents[lexer->indent]) {
    if (lexer->indent + 1 >= MAX_INDENTS) {
      lexer->cur = lexer_line_end(lexer, lexer->cur);
      return lexer_error_line(lexer, vm->exc.IndentationError, 1, 0, "too many levels of indentation");
    }
    if (alternate <= lexer->alternate[lexer->indent]) return lexer_indent_error(lexer);
    lexer->indent++;
    lexer->indents[lexer->indent] = col;
    lexer->alternate[lexer->indent] = alternate;
    return lexer_add_mark(lexer, TOKEN_INDENT);
  }
  int level = lexer->indent;
  while (level > 0 && col < lexer->indents[level]) level--;
  if (col != lexer->indents[level]) {
    lexer->cur = lexer_line_end(lexer, lexer->cur);
    if (lexer->cur < lexer->end) lexer->cur++;
    lexer->out->error.place_is_token = true;
    return lexer_error_line(lexer, vm->exc.IndentationError, 0, 0, "unindent does not match any outer indentation level");
  }
  if (alternate != lexer->alternate[level]) return lexer_indent_error(lexer);
  for (; lexer->indent > level; lexer->indent--)
    if (!lexer_add_mark(lexer, TOKEN_DEDENT)) return false;
  return true;
}

static bool lexer_add_type_comment(Lexer *lexer, bool *found);

// At the start of a line: measures the indentation. Blank lines are passed over.
static bool lexer_start_line(Lexer *lexer)
{
  for (;;) {
    int col = 0, alternate = 0, continued_col = 0, continued_alternate = 0;
    const char *p = lexer->cur;
    for (;; p++) {
      if (*p == ' ') col++, alternate++;
      else if (*p == '\t') col = (col / 8 + 1) * 8, alternate++;
      else if (*p == '\f') col = alternate = 0;
      else if (*p == '\\') {                     // indentation counts up to the first backslash
        if (!continued_col) continued_col = col, continued_alternate = alternate;
        lexer->cur = p + 1;
        if (!lexer_continue_line(lexer)) return false;
        p = lexer->cur - 1;
      } else break;
    }
    bool first = lexer->line == 1;
    if (UNLIKELY(lexer->flags & PYCF_INTERACTIVE) && ((*p == '\n' && p == lexer->cur) || (first && (*p == '\n' || *p == '#')))) {
      lexer->at_line_start = false;              // the caller makes a NEWLINE of it
      lexer->cur = p;
      return lexer_change_indent(lexer, 0, 0);
    }
    lexer->cur = p;
    if (*p == '#') {
      if (UNLIKELY(lexer->flags & PYCF_TYPE_COMMENTS)) {
        bool found;                              // a line of its own
        if (!lexer_add_type_comment(lexer, &found)) return false;
        if (found) {
          lexer->at_line_start = false;
          return true;
        }
      } else {
        lexer->cur = lexer_line_end(lexer, p);
      }
      p = lexer->cur;
    }
    if (*p == '\n' && p < lexer->end) {
      lexer->cur = p + 1;
      lexer->line++;
      lexer->line_start = lexer->cur;
      continue;
    }
    if (continued_col) col = continued_col, alternate = continued_alternate;
    lexer->at_line_start = false;
    return lexer_change_indent(lexer, col, alternate);
  }
}

// `# type: ...` with PYCF_TYPE_COMMENTS, at a '#': a token if it is one. Goes to the end of the line.
static bool lexer_add_type_comment(Lexer *lexer, bool *found)
{
  const char *p = lexer->cur + 1, *end = lexer_line_end(lexer, lexer->cur);
  *found = false;
  while (p < end && (*p == ' ' || *p == '\t')) p++;
  if (end - p < 5 || memcmp(p, "type:", 5) != 0) {
    lexer->cur = end;
    return true;
  }
  for (p += 5; p < end && (*p == ' ' || *p == '\t'); p++) {}
  bool ignore = end - p >= 6 && memcmp(p, "ignore", 6) == 0 && (end - p == 6 || !((unsigned char)p[6] >= 128 || lexer_is_name(p[6])));
  *found = !ignore;
  lexer->start = ignore ? p + 6 : p;
  lexer->cur = end;
  if (!ignore) return lexer_add(lexer, TOKEN_TYPE_COMMENT);
  Tokens *out = lexer->out;
  if (out->ignore_count == out->ignore_capacity) {
    size_t capacity = out->ignore_capacity ? out->ignore_capacity * 2 : 8;
    Token *ignores = cd_realloc(lexer->vm, out->ignores, out->ignore_capacity * sizeof *ignores, capacity * sizeof *ignores);
    if (!ignores) return false;
    out->ignores = ignores;
    out->ignore_capacity = capacity;
  }
  out->ignores[out->ignore_count++] = (Token){
    .kind = TOKEN_TYPE_IGNORE, .text = lexer->start, .size = (uint32_t)(end - lexer->start), .line = lexer->line};
  return true;
}

// ---- names ----

static int lexer_keyword(const char *text, size_t size)
{
#define KEYWORD_IS(word, kind) (size == sizeof word - 1 && memcmp(text, word, sizeof word - 1) == 0 ? TOKEN_##kind : TOKEN_NAME)
#define KEYWORD_OR(word, kind, other) (size == sizeof word - 1 && memcmp(text, word, sizeof word - 1) == 0 ? TOKEN_##kind : other)
  switch (text[0]) {
  case 'F': return KEYWORD_IS("False", FALSE);
  case 'N': return KEYWORD_IS("None", NONE);
  case 'T': return KEYWORD_IS("True", TRUE);
  case 'a':
    return size == 2   ? KEYWORD_IS("as", AS)
           : size == 3 ? KEYWORD_IS("and", AND)
                       : KEYWORD_OR("async", ASYNC, KEYWORD_OR("await", AWAIT, KEYWORD_IS("assert", ASSERT)));
  case 'b': return KEYWORD_IS("break", BREAK);
  case 'c': return KEYWORD_OR("class", CLASS, KEYWORD_IS("continue", CONTINUE));
  case 'd': return KEYWORD_OR("def", DEF, KEYWORD_IS("del", DEL));
  case 'e': return KEYWORD_OR("else", ELSE, KEYWORD_OR("elif", ELIF, KEYWORD_IS("except", EXCEPT)));
  case 'f': return KEYWORD_OR("for", FOR, KEYWORD_OR("from", FROM, KEYWORD_IS("finally", FINALLY)));
  case 'g': return KEYWORD_IS("global", GLOBAL);
  case 'i': return size == 2 ? KEYWORD_OR("if", IF, KEYWORD_OR("in", IN, KEYWORD_IS("is", IS))) : KEYWORD_IS("import", IMPORT);
  case 'l': return KEYWORD_IS("lambda", LAMBDA);
  case 'n': return KEYWORD_OR("not", NOT, KEYWORD_IS("nonlocal", NONLOCAL));
  case 'o': return KEYWORD_IS("or", OR);
  case 'p': return KEYWORD_IS("pass", PASS);
  case 'r': return KEYWORD_OR("return", RETURN, KEYWORD_IS("raise", RAISE));
  case 't': return KEYWORD_IS("try", TRY);
  case 'w': return KEYWORD_OR("with", WITH, KEYWORD_IS("while", WHILE));
  case 'y': return KEYWORD_IS("yield", YIELD);
  default: return TOKEN_NAME;
  }
#undef KEYWORD_IS
#undef KEYWORD_OR
}

static bool lexer_check_utf8(Lexer *lexer)
{
  VM *vm = lexer->vm;
  Ref text = cd_str_decode_utf8(vm, lexer->start, (size_t)(lexer->cur - lexer->start), NULL);
  if (text) {
    cd_drop(vm, text);
    return true;
  }
  Ref error = cd_take_raised(vm);
  lexer->out->error.message = cd_str_format(vm, "(unicode error) %S", error);
  cd_drop(vm, error);
  if (!lexer->out->error.message) return false;
  lexer->out->error.place_is_token = true;
  return lexer_fail(lexer, vm->exc.SyntaxError, lexer->line_start, lexer->cur, lexer->line, 0, 0);
}

// PEP 3131: after normalisation each character must be an identifier character. Characters that are none are reported one by one.
static bool lexer_check_name(Lexer *lexer)
{
  if (UNLIKELY(lexer->flags & PYCF_BAD_UTF8) && !lexer_check_utf8(lexer)) return false;
  const char *p = lexer->start;
  bool first = true;
  while (p < lexer->cur) {
    uint32_t c = cd_utf8_next(&p);
    if (first ? cd_char_is_id_start(c) : cd_char_is_id_continue(c)) {
      first = false;
      continue;
    }
    lexer->cur = p;
    char hex[12];
    snprintf(hex, sizeof hex, "%04X", (unsigned)c);
    if (!cd_char_is_printable(c)) return lexer_error(lexer, "invalid non-printable character U+%s", hex);
    char text[5] = {0};
    cd_utf8_put(text, c);
    return lexer_error(lexer, "invalid character '%s' (U+%s)", text, hex);
  }
  return true;
}

static bool lexer_read_string(Lexer *lexer, int flags);

// String prefixes: any of b u r f in the allowed pairs, before a quote. Returns the flags, -1 when `text` is no prefix.
static int lexer_prefix(const char *text, size_t size)
{
  int flags = 0;
  if (size > 2) return -1;
  for (size_t i = 0; i < size; i++) {
    int flag;
    switch (text[i] | 0x20) {
    case 'b': flag = TOKEN_BYTES; break;
    case 'u': flag = TOKEN_UNICODE; break;
    case 'r': flag = TOKEN_RAW; break;
    case 'f': flag = TOKEN_FORMATTED; break;
    default: return -1;
    }
    if (flags && (flag == TOKEN_UNICODE || (flags & TOKEN_UNICODE) || flag == flags || (flag != TOKEN_RAW && flags != TOKEN_RAW)))
      return -1;
    flags |= flag;
  }
  return flags;
}

static bool lexer_read_name(Lexer *lexer)
{
  const char *p = lexer->start;
  unsigned char bits = 0;
  while (lexer_is_name(*p)) bits |= (unsigned char)*p++;
  lexer->cur = p;
  size_t size = (size_t)(p - lexer->start);
  if (UNLIKELY(lexer_class(*p) == CLASS_QUOTE) && size <= 2) {
    int flags = lexer_prefix(lexer->start, size);
    if (flags >= 0) return lexer_read_string(lexer, flags);
  }
  int kind = size <= 8 && size >= 2 ? lexer_keyword(lexer->start, size) : TOKEN_NAME;
  if (UNLIKELY(bits & 0x80) && !lexer_check_name(lexer)) return false;
  Token *token = lexer_add(lexer, kind);
  if (!token) return false;
  if (bits & 0x80) token->flags = TOKEN_NON_ASCII;
  return true;
}

// ---- numbers ----

// Is the text at `p` a keyword that may stand right behind a number: `1if x else 2`? That is deprecated, but not an error.
static bool lexer_number_may_end(const char *p)
{
  static const char *const words[] = {"and", "else", "for", "if", "in", "is", "or", "not"};
  for (size_t i = 0; i < ARRAY_LEN(words); i++) {
    size_t size = strlen(words[i]);
    if (strncmp(p, words[i], size) == 0 && (words[i][0] == 'i' || !lexer_is_name(p[size]))) return true;
  }
  return false;
}

static bool lexer_end_number(Lexer *lexer, const char *kind)
{
  if (LIKELY(!lexer_is_name(*lexer->cur))) return lexer_add(lexer, TOKEN_NUMBER);
  if (!lexer_number_may_end(lexer->cur)) return lexer_error(lexer, "invalid %s literal", kind);
  Tokens *out = lexer->out;
  if (out->warning_count == out->warning_capacity) {
    size_t capacity = out->warning_capacity ? out->warning_capacity * 2 : 8;
    LexWarning *warnings = cd_realloc(lexer->vm, out->warnings, out->warning_capacity * sizeof *warnings, capacity * sizeof *warnings);
    if (!warnings) return false;
    out->warnings = warnings;
    out->warning_capacity = capacity;
  }
  out->warnings[out->warning_count++] = (LexWarning){.token = out->count, .kind = kind};
  return lexer_add(lexer, TOKEN_NUMBER);
}

// Digits with single underscores between them; the first has been seen.
static bool lexer_read_digits(Lexer *lexer)
{
  for (;;) {
    while (lexer_is_digit(*lexer->cur)) lexer->cur++;
    if (*lexer->cur != '_') return true;
    lexer->cur++;
    if (!lexer_is_digit(*lexer->cur)) return lexer_error(lexer, "invalid decimal literal");
  }
}

static bool lexer_in_radix(char c, int radix)
{
  if (radix == 16) return lexer_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
  return c >= '0' && c < '0' + radix;
}

// Behind "0x", "0o" or "0b".
static bool lexer_read_radix(Lexer *lexer, int radix, const char *kind)
{
  do {
    if (*lexer->cur == '_') lexer->cur++;
    if (!lexer_in_radix(*lexer->cur, radix)) {
      if (!lexer_is_digit(*lexer->cur)) return lexer_error(lexer, "invalid %s literal", kind);
      char digit = *lexer->cur++;
      return lexer_error(lexer, "invalid digit '%c' in %s literal", digit, kind);
    }
    while (lexer_in_radix(*lexer->cur, radix)) lexer->cur++;
  } while (*lexer->cur == '_');
  if (lexer_is_digit(*lexer->cur)) {
    char digit = *lexer->cur++;
    return lexer_error(lexer, "invalid digit '%c' in %s literal", digit, kind);
  }
  return lexer_end_number(lexer, kind);
}

// From the point on: fraction, exponent, imaginary unit.
static bool lexer_read_fraction(Lexer *lexer)
{
  if (*lexer->cur == '.') {
    lexer->cur++;
    if (lexer_is_digit(*lexer->cur) && !lexer_read_digits(lexer)) return false;
  }
  if ((*lexer->cur | 0x20) == 'e') {
    const char *e = lexer->cur++;
    if (*lexer->cur == '+' || *lexer->cur == '-') {
      lexer->cur++;
      if (!lexer_is_digit(*lexer->cur)) return lexer_error(lexer, "invalid decimal literal");
    } else if (!lexer_is_digit(*lexer->cur)) {
      lexer->cur = e;
      return lexer_end_number(lexer, "decimal");
    }
    if (!lexer_read_digits(lexer)) return false;
  }
  if ((*lexer->cur | 0x20) == 'j') {
    lexer->cur++;
    return lexer_end_number(lexer, "imaginary");
  }
  return lexer_end_number(lexer, "decimal");
}

static bool lexer_read_number(Lexer *lexer)
{
  lexer->cur = lexer->start;
  if (*lexer->cur != '0') return lexer_read_digits(lexer) && lexer_read_fraction(lexer);
  lexer->cur++;
  switch (*lexer->cur | 0x20) {
  case 'x': lexer->cur++; return lexer_read_radix(lexer, 16, "hexadecimal");
  case 'o': lexer->cur++; return lexer_read_radix(lexer, 8, "octal");
  case 'b': lexer->cur++; return lexer_read_radix(lexer, 2, "binary");
  }
  for (;;) {
    if (*lexer->cur == '_') {
      lexer->cur++;
      if (!lexer_is_digit(*lexer->cur)) return lexer_error(lexer, "invalid decimal literal");
    }
    if (*lexer->cur != '0') break;
    lexer->cur++;
  }
  if (!lexer_is_digit(*lexer->cur)) return lexer_read_fraction(lexer);
  const char *zeros_end = lexer->cur + 1;
  if (!lexer_read_digits(lexer)) return false;
  char c = *lexer->cur | 0x20;
  if (*lexer->cur == '.' || c == 'e' || c == 'j') return lexer_read_fraction(lexer);
  return lexer_error_range(lexer, (int32_t)(lexer->start + 1 - lexer->line_start), (int32_t)(zeros_end - lexer->line_start),
                           "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers");
}

// ---- strings ----

// Does the string end at `close` by the old rules, too, or do its fields parse?
static bool lexer_formatted_is_good(Lexer *lexer, const char *text, const char *close, char quote, bool triple, int flags)
{
  for (const char *s = text; s < close; s++) {
    if (*s == '\\') { s++; continue; }
    if (*s == '\n' && !triple) break;
    if (*s == quote && (!triple || (s[1] == quote && s[2] == quote))) {
      if (s + (triple ? 3 : 1) == close) return true;
      break;
    }
  }
  Token token = {.kind = TOKEN_STRING,
                 .flags = (uint8_t)(flags | TOKEN_ESCAPES | TOKEN_NON_ASCII),
                 .text = lexer->start,
                 .size = (uint32_t)(close - lexer->start),
                 .line = lexer->line,
                 .end_line = lexer->line,
                 .column = (int32_t)(lexer->start - lexer->line_start)};
  return cd_literal_is_good(lexer->vm, &token, lexer->flags);
}

// Reads from the opening quote at `cur`; `start` is at the prefix.
static bool lexer_read_string(Lexer *lexer, int flags)
{
  const char *p = lexer->cur;
  char quote = *p++;
  bool triple = p[0] == quote && p[1] == quote;
  int32_t line = lexer->line;
  const char *line_start = lexer->line_start;
  unsigned char bits = 0;

  if (triple) p += 2, flags |= TOKEN_TRIPLE;
  if (flags & TOKEN_FORMATTED) {
    const char *close = cd_lex_formatted_end(p, lexer->end, quote, triple, flags & TOKEN_RAW);
    if (close && lexer->check_formatted && !lexer_formatted_is_good(lexer, p, close, quote, triple, flags)) close = NULL;
    for (; close && p < close; p++) {
      bits |= (unsigned char)*p;
      if (*p == '\\') flags |= TOKEN_ESCAPES;
      if (*p == '\n') lexer->line++, lexer->line_start = p + 1;
    }
    if (close) goto done;
  }
  for (;;) {
    char c = *p;
    if (c == quote) {
      if (!triple) { p++; break; }
      if (p[1] == quote && p[2] == quote) { p += 3; break; }
    } else if (c == '\\') {
      flags |= TOKEN_ESCAPES;
      p++;
      bits |= (unsigned char)*p;
      if (p < lexer->end && *p == '\n') lexer->line++, lexer->line_start = p + 1;
      if (p < lexer->end) p++;
      continue;
    } else if (c == '\n' || p >= lexer->end) {
      if (!triple || p >= lexer->end) goto unterminated;
      lexer->line++;
      lexer->line_start = p + 1;
    }
    bits |= (unsigned char)c;
    p++;
  }
done:
  lexer->cur = p;
  Token *token = lexer_add(lexer, TOKEN_STRING);
  if (!token) return false;
  token->flags = (uint8_t)(flags | (bits & 0x80 ? TOKEN_NON_ASCII : 0));
  token->line = line;
  token->column = (int32_t)(lexer->start - line_start);
  return true;

unterminated:;
  int32_t last_line = lexer->line;
  if (p >= lexer->end) {
    lexer->out->error.at_end = true;
    if (p > lexer->line_start || last_line == line) {} else last_line--;   // the empty line behind the last line break is none
  }
  lexer->line = line;
  lexer->line_start = line_start;
  lexer->cur = lexer->start + 1;
  if (!triple) lexer->out->error.at_end = p >= lexer->end;
  return triple ? lexer_error(lexer, "unterminated triple-quoted string literal (detected at line %d)", last_line)
                : lexer_error(lexer, "unterminated string literal (detected at line %d)", last_line);
}

const char *cd_lex_skip_string(const char *p, const char *end)
{
  const char *start = p;
  while (p - start < 2 && ((*p | 0x20) == 'r' || (*p | 0x20) == 'b' || (*p | 0x20) == 'u' || (*p | 0x20) == 'f')) p++;
  int flags = lexer_class(*p) == CLASS_QUOTE ? lexer_prefix(start, (size_t)(p - start)) : -1;
  if (flags < 0) return start;
  char quote = *p++;
  bool triple = p[0] == quote && p[1] == quote;
  if (triple) p += 2;
  if (flags & TOKEN_FORMATTED) return cd_lex_formatted_end(p, end, quote, triple, flags & TOKEN_RAW);
  for (; p < end; p++) {
    if (*p == '\\') { p++; continue; }
    if (*p == quote && (!triple || (p[1] == quote && p[2] == quote))) return p + (triple ? 3 : 1);
    if (*p == '\n' && !triple) return NULL;
  }
  return NULL;
}

// Skips the replacement field behind its '{', up to behind its '}'. NULL: it does not end properly.
static const char *lexer_skip_field(const char *p, const char *end, char quote, bool triple, bool raw, int depth)
{
  int nesting = 0;
  if (depth > MAX_BRACKETS) return NULL;
  while (p < end) {
    const char *after = cd_lex_skip_string(p, end);
    if (!after) return NULL;
    if (after > p) { p = after; continue; }
    switch (*p) {
    case '(': case '[': case '{': nesting++; break;
    case ')': case ']':
      if (--nesting < 0) return NULL;
      break;
    case '}':
      if (nesting-- == 0) return p + 1;
      break;
    case '#':                                    // a comment: only a field of several lines goes on after it
      while (p < end && *p != '\n') p++;
      continue;
    case '!':
      if (p[1] == '=') p++;
      break;
    case ':':
      if (nesting) break;
      for (p++; p < end; ) {                     // the format: text with fields
        if (*p == '}') return p + 1;
        if (*p == '\n' && !triple) return NULL;
        if (*p == quote && (!triple || (p[1] == quote && p[2] == quote))) return NULL;
        if (*p == '\\' && !raw) { p += 2; continue; }
        if (*p++ == '{' && !(p = lexer_skip_field(p, end, quote, triple, raw, depth + 1))) return NULL;
      }
      return NULL;
    }
    if (lexer_is_name(*p)) while (p < end && lexer_is_name(*p)) p++;
    else p++;
  }
  return NULL;
}

const char *cd_lex_formatted_end(const char *p, const char *end, char quote, bool triple, bool raw)
{
  while (p < end) {
    char c = *p;
    if (c == quote && (!triple || (p[1] == quote && p[2] == quote))) return p + (triple ? 3 : 1);
    if (c == '\n' && !triple) return NULL;
    if (c == '\\') {
      p++;
      if (!raw && p[0] == 'N' && p[1] == '{') {  // a character's name, not a field
        while (p < end && *p != '}' && *p != quote && *p != '\n') p++;
        continue;
      }
      if (*p != '{' && *p != '}') p++;
      continue;
    }
    p++;
    if (c != '{') continue;
    if (*p == '{') { p++; continue; }
    if (!(p = lexer_skip_field(p, end, quote, triple, raw, 0))) return NULL;
  }
  return NULL;
}

// ---- brackets and operators ----

static bool lexer_open_bracket(Lexer *lexer, int kind)
{
  Tokens *out = lexer->out;
  if (out->bracket_count >= MAX_BRACKETS) return lexer_error(lexer, "too many nested parentheses");
  out->brackets[out->bracket_count++] = (OpenBracket){*lexer->start, lexer->line, (int32_t)(lexer->start - lexer->line_start)};
  return lexer_add(lexer, kind);
}

static bool lexer_close_bracket(Lexer *lexer, int kind, char opening)
{
  Tokens *out = lexer->out;
  char c = *lexer->start;
  if (!out->bracket_count) return lexer_error(lexer, "unmatched '%c'", c);
  OpenBracket *open = &out->brackets[--out->bracket_count];
  if (open->bracket == opening) return lexer_add(lexer, kind);
  if (open->line != lexer->line)
    return lexer_error(lexer, "closing parenthesis '%c' does not match opening parenthesis '%c' on line %d", c, open->bracket, open->line);
  return lexer_error(lexer, "closing parenthesis '%c' does not match opening parenthesis '%c'", c, open->bracket);
}

// An operator whose first character c is read, `cur` is behind it.
static bool lexer_read_operator(Lexer *lexer, char c)
{
  const char *p = lexer->cur;
  int kind, size = 0;                            // size: more characters
#define DOUBLE_OR_EQUAL(plain, equal, twice, twice_equal) \
  (p[0] == '='   ? (size = 1, TOKEN_##equal)              \
   : p[0] != c   ? TOKEN_##plain                          \
   : p[1] == '=' ? (size = 2, TOKEN_##twice_equal)        \
                 : (size = 1, TOKEN_##twice))
#define OR_EQUAL(plain, equal) (p[0] == '=' ? (size = 1, TOKEN_##equal) : TOKEN_##plain)
  switch (c) {
  case '(': return lexer_open_bracket(lexer, TOKEN_LPAR);
  case '[': return lexer_open_bracket(lexer, TOKEN_LSQB);
  case '{': return lexer_open_bracket(lexer, TOKEN_LBRACE);
  case ')': return lexer_close_bracket(lexer, TOKEN_RPAR, '(');
  case ']': return lexer_close_bracket(lexer, TOKEN_RSQB, '[');
  case '}': return lexer_close_bracket(lexer, TOKEN_RBRACE, '{');
  case ',': kind = TOKEN_COMMA; break;
  case ';': kind = TOKEN_SEMI; break;
  case '~': kind = TOKEN_TILDE; break;
  case ':': kind = OR_EQUAL(COLON, COLON_EQUAL); break;
  case '=': kind = OR_EQUAL(EQUAL, EQ_EQUAL); break;
  case '+': kind = OR_EQUAL(PLUS, PLUS_EQUAL); break;
  case '%': kind = OR_EQUAL(PERCENT, PERCENT_EQUAL); break;
  case '&': kind = OR_EQUAL(AMPER, AMPER_EQUAL); break;
  case '|': kind = OR_EQUAL(VBAR, VBAR_EQUAL); break;
  case '^': kind = OR_EQUAL(CIRCUMFLEX, CIRCUMFLEX_EQUAL); break;
  case '@': kind = OR_EQUAL(AT, AT_EQUAL); break;
  case '!': kind = OR_EQUAL(UNKNOWN, NOT_EQUAL); break;
  case '*': kind = DOUBLE_OR_EQUAL(STAR, STAR_EQUAL, DOUBLE_STAR, DOUBLE_STAR_EQUAL); break;
  case '/': kind = DOUBLE_OR_EQUAL(SLASH, SLASH_EQUAL, DOUBLE_SLASH, DOUBLE_SLASH_EQUAL); break;
  case '>': kind = DOUBLE_OR_EQUAL(GREATER, GREATER_EQUAL, RIGHT_SHIFT, RIGHT_SHIFT_EQUAL); break;
  case '<':
    if (*p == '>') kind = TOKEN_NOT_EQUAL, size = 1;
    else kind = DOUBLE_OR_EQUAL(LESS, LESS_EQUAL, LEFT_SHIFT, LEFT_SHIFT_EQUAL);
    break;
  case '-': kind = *p == '>' ? (size = 1, TOKEN_ARROW) : OR_EQUAL(MINUS, MINUS_EQUAL); break;
  case '.': kind = p[0] == '.' && p[1] == '.' ? (size = 2, TOKEN_ELLIPSIS) : TOKEN_DOT; break;
  default: {
    if (c >= ' ' && c < 127) { kind = TOKEN_UNKNOWN; break; }
    char hex[8];
    snprintf(hex, sizeof hex, "%04X", (unsigned char)c);
    return lexer_error(lexer, "invalid non-printable character U+%s", hex);
  }
  }
  lexer->cur += size;
  Token *token = lexer_add(lexer, kind);
  if (token && c == '<' && kind == TOKEN_NOT_EQUAL) token->flags = TOKEN_ALTERNATE;
  return token;
#undef DOUBLE_OR_EQUAL
#undef OR_EQUAL
}

// ---- the loop ----

// The end of the source. Interactive input gets the line break that its reader left out, and the block that it is in ends, unless
// the caller says that more may follow.
static bool lexer_finish(Lexer *lexer)
{
  Tokens *out = lexer->out;
  if (out->bracket_count) return lexer_unexpected_end(lexer);
  if (lexer->mode == MODE_SINGLE && out->count) {
    if (!lexer_add_mark(lexer, TOKEN_NEWLINE)) return false;
    bool in_block = lexer->indent && !(lexer->flags & PYCF_DONT_IMPLY_DEDENT);
    for (; in_block && lexer->indent; lexer->indent--)
      if (!lexer_add_mark(lexer, TOKEN_DEDENT)) return false;
    if (in_block && !lexer_add_mark(lexer, TOKEN_NEWLINE)) return false;         // a block wants an empty line behind it
  }
  return lexer_add_mark(lexer, TOKEN_ENDMARKER);
}

// A line break with the comment before it.
static bool lexer_add_newline(Lexer *lexer, const char *start)
{
  lexer->start = start;
  if (!lexer_add(lexer, TOKEN_NEWLINE)) return false;
  lexer->cur++;
  lexer->line++;
  lexer->line_start = lexer->cur;
  lexer->at_line_start = true;
  return true;
}

// Reads tokens until the end or an error.
static bool lexer_run(Lexer *lexer)
{
  for (;;) {
    if (lexer->at_line_start && !lexer->out->bracket_count) {
      if (!lexer_start_line(lexer)) return false;
    }
    while (lexer_class(*lexer->cur) == CLASS_SPACE) lexer->cur++;
    if (UNLIKELY(lexer->cur >= lexer->end)) return lexer_finish(lexer);
    lexer->start = lexer->cur;
    char c = *lexer->cur;
    bool ok = true;
    switch (lexer_class(c)) {
    case CLASS_NAME: ok = lexer_read_name(lexer); break;
    case CLASS_DIGIT: ok = lexer_read_number(lexer); break;
    case CLASS_QUOTE: ok = lexer_read_string(lexer, 0); break;
    default:
      if (c == '\n') {
        if (!lexer->out->bracket_count) { ok = lexer_add_newline(lexer, lexer->cur); break; }
        lexer->cur++;
        lexer->line++;
        lexer->line_start = lexer->cur;
      } else if (c == '#') {
        const char *comment = lexer->cur;
        bool found = false;
        if (UNLIKELY(lexer->flags & PYCF_TYPE_COMMENTS)) ok = lexer_add_type_comment(lexer, &found);
        else lexer->cur = lexer_line_end(lexer, lexer->cur);
        if (ok && !found && !lexer->out->bracket_count && *lexer->cur == '\n' && lexer->cur < lexer->end)
          ok = lexer_add_newline(lexer, comment);
      } else if (c == '\\') {
        lexer->cur++;
        ok = lexer_continue_line(lexer);
      } else if (c == '.' && lexer_is_digit(lexer->cur[1])) {
        ok = lexer_read_fraction(lexer);
      } else {
        lexer->cur++;
        ok = lexer_read_operator(lexer, c);
      }
    }
    if (UNLIKELY(!ok)) return false;
  }
}

// The first and last characters of a field's text stand for parentheses.
static bool lexer_run_field(Lexer *lexer)
{
  const char *end = lexer->end;
  lexer->end = end - 1;
  lexer->start = lexer->cur++;
  if (!lexer_open_bracket(lexer, TOKEN_LPAR)) return false;
  for (;;) {
    while (lexer_class(*lexer->cur) == CLASS_SPACE) lexer->cur++;
    if (lexer->cur >= lexer->end) break;
    lexer->start = lexer->cur;
    char c = *lexer->cur;
    bool ok = true;
    switch (lexer_class(c)) {
    case CLASS_NAME: ok = lexer_read_name(lexer); break;
    case CLASS_DIGIT: ok = lexer_read_number(lexer); break;
    case CLASS_QUOTE: ok = lexer_read_string(lexer, 0); break;
    default:
      lexer->cur++;
      if (c == '\n') lexer->line++, lexer->line_start = lexer->cur;
      else if (c == '#') lexer->cur = lexer_line_end(lexer, lexer->cur);
      else if (c == '\\') ok = lexer_continue_line(lexer);
      else if (c == '.' && lexer_is_digit(*lexer->cur)) lexer->cur--, ok = lexer_read_fraction(lexer);
      else ok = lexer_read_operator(lexer, c);
    }
    if (!ok) return false;
  }
  lexer->start = lexer->cur++;
  lexer->out->bracket_count = 0;
  return lexer_add(lexer, TOKEN_RPAR) && lexer_add_mark(lexer, TOKEN_ENDMARKER);
}

bool cd_lex(VM *vm, Tokens *tokens, const char *source, const char *end, LexOptions options)
{
  memset(tokens, 0, offsetof(Tokens, brackets));
  tokens->bracket_count = 0;
  tokens->warnings = NULL;
  tokens->ignores = NULL;
  tokens->warning_count = tokens->warning_capacity = tokens->ignore_count = tokens->ignore_capacity = 0;
  tokens->vm = vm;
  tokens->source = source;
  tokens->source_end = end;
  Lexer lexer = {.vm = vm,
                 .out = tokens,
                 .cur = source,
                 .end = end,
                 .line_start = source - options.column,
                 .start = source,
                 .line = options.line,
                 .flags = options.flags,
                 .mode = options.mode,
                 .check_formatted = options.check_formatted,
                 .at_line_start = true};
  bool ok = options.field ? lexer_run_field(&lexer) : lexer_run(&lexer);
  return ok || (tokens->count && tokens->items[tokens->count - 1].kind == TOKEN_ERROR && !cd_raised(vm));
}

void cd_tokens_clear(Tokens *tokens)
{
  VM *vm = tokens->vm;
  if (!vm) return;
  cd_free(vm, tokens->items, tokens->capacity * sizeof(Token));
  cd_free(vm, tokens->warnings, tokens->warning_capacity * sizeof *tokens->warnings);
  cd_free(vm, tokens->ignores, tokens->ignore_capacity * sizeof *tokens->ignores);
  cd_clear(vm, &tokens->error.message);
  tokens->items = NULL;
  tokens->warnings = NULL;
  tokens->ignores = NULL;
  tokens->ignore_capacity = 0;
  tokens->count = tokens->capacity = tokens->warning_capacity = 0;
}
