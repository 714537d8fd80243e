// SPDX-License-Identifier: MIT
// diagnose_fstring.c: what is wrong with an f-string, by the rules of Python 3.11
#include "frontend/literal.h"
#include "frontend/peg.h"

#include "base/utf8.h"
#include "objects/raise.h"

// In 3.11 the string ends at the first closing quote; fields are found in its text afterwards, and the expression in each is parsed by
// itself, in parentheses. All errors but those of the expressions are reported at the token behind the string.
typedef struct FieldReader {
  Diagnosis *d;
  const Token *token;
  const char *at, *end;
  bool raw;
} FieldReader;

static bool formatted_text(FieldReader *r, int level);

static bool formatted_expects_brace(FieldReader *r) { return cd_diagnosis_fail(r->d, "f-string: expecting '}'"); }
static bool formatted_is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f'; }

// Where the nodes of an expression behind `brace` are taken to be: 3.11 leaves the blanks of the line before it out of account.
static int32_t formatted_column(const FieldReader *r, const char *brace, int32_t line)
{
  const char *s = brace + 1;
  while (*s != '}' && *s != '\n' && (*s == ' ' || *s == '\t' || *s == '\f')) s++;
  int32_t before = line == r->token->line ? r->token->column : 0;
  if (*s == '}' || *s == '\n') return before;
  for (s = brace; s > r->token->text && *s != '\n';) s--;
  return before + (int32_t)(brace - s) - (*s == '\n');
}

// Parses [text, end) in parentheses.
static bool formatted_expression(FieldReader *r, const char *text, const char *end)
{
  VM *vm = r->d->vm;
  const char *s = text;
  while (s < end && formatted_is_blank(*s)) s++;
  if (s == end)
    return *end == '!' || *end == ':' || *end == '=' ? cd_diagnosis_fail(r->d, "f-string: expression required before '%c'", *end)
                                                     : cd_diagnosis_fail(r->d, "f-string: empty expression not allowed");
  if (r->d->field_depth >= MAX_FIELD_DEPTH) return cd_diagnosis_fail(r->d, "f-string: expressions nested too deeply");
  size_t size = (size_t)(end - text) + 4;
  char *source = cd_alloc(vm, size);
  Diagnosis *inner = source ? cd_alloc_zeroed(vm, sizeof *inner) : NULL;
  if (inner) {
    source[0] = '(';
    memcpy(source + 1, text, (size_t)(end - text));
    memcpy(source + size - 3, ")\n", 3);
    int32_t line = r->token->line;
    for (s = r->token->text; s < text; s++) line += *s == '\n';
    inner->source = source;
    inner->end = source + size - 1;
    inner->filename = r->d->filename;
    inner->mode = MODE_EVAL;
    inner->flags = r->d->flags & ~PYCF_TYPE_COMMENTS;
    inner->field = true;
    inner->first_line = line;
    inner->column_base = formatted_column(r, text - 1, line);
    inner->field_depth = r->d->field_depth + 1;
    cd_diagnosis_run(vm, inner);
  }
  cd_free(vm, inner, sizeof *inner);
  if (source) cd_free(vm, source, size);
  if (cd_raised(vm)) r->d->failed = true;
  return !r->d->failed;
}

// A string within a field; `at` is at its quote. Goes to its last character. false: it does not end.
static bool formatted_skip_string(FieldReader *r)
{
  char quote = *r->at;
  bool triple = r->at + 2 < r->end && r->at[1] == quote && r->at[2] == quote;
  if (triple) r->at += 2;
  for (r->at++; r->at < r->end; r->at++) {
    if (*r->at == '\\') return cd_diagnosis_fail(r->d, "f-string expression part cannot include a backslash");
    if (*r->at != quote) continue;
    if (!triple) return true;
    if (r->at + 2 < r->end && r->at[1] == quote && r->at[2] == quote) {
      r->at += 2;
      return true;
    }
  }
  return cd_diagnosis_fail(r->d, "f-string: unterminated string");
}

// Goes to the end of the expression, at `!`, `:`, `=` or `}`, or at the end of the text.
static bool formatted_find_end(FieldReader *r)
{
  char open[MAX_BRACKETS];
  int depth = 0;
  for (; r->at < r->end; r->at++) {
    char c = *r->at, next = r->at + 1 < r->end ? r->at[1] : 0;
    switch (c) {
    case '\\': return cd_diagnosis_fail(r->d, "f-string expression part cannot include a backslash");
    case '#': return cd_diagnosis_fail(r->d, "f-string expression part cannot include '#'");
    case '"': case '\'':
      if (!formatted_skip_string(r)) return false;
      continue;
    case '(': case '[': case '{':
      if (depth >= MAX_BRACKETS) return cd_diagnosis_fail(r->d, "f-string: too many nested parenthesis");
      open[depth++] = c;
      continue;
    case '!': case ':': case '=': case '<': case '>':
      if (depth) continue;
      if (next == '=' && c != ':') { r->at++; continue; }
      if (c == '<' || c == '>') continue;
      return true;
    case '}':
      if (!depth) return true;
      // fall through
    case ')': case ']': {
      if (!depth) return cd_diagnosis_fail(r->d, "f-string: unmatched '%c'", c);
      char opening = open[--depth];
      if (c != (opening == '(' ? ')' : opening == '[' ? ']' : '}'))
        return cd_diagnosis_fail(r->d, "f-string: closing parenthesis '%c' does not match opening parenthesis '%c'", c, opening);
    }
    }
  }
  return !depth || cd_diagnosis_fail(r->d, "f-string: unmatched '%c'", open[depth - 1]);
}

// A field, at its '{'.
static bool formatted_field(FieldReader *r, int level)
{
  if (level >= 2) return cd_diagnosis_fail(r->d, "f-string: expressions nested too deeply");
  const char *text = ++r->at;
  if (!formatted_find_end(r)) return false;
  if (r->at >= r->end) return formatted_expects_brace(r);
  if (!formatted_expression(r, text, r->at)) return false;
  if (*r->at == '=') {
    r->at++;
    while (r->at < r->end && (formatted_is_blank(*r->at) || *r->at == '\r' || *r->at == '\v')) r->at++;
    if (r->at >= r->end) return formatted_expects_brace(r);
  }
  if (*r->at == '!') {
    r->at++;
    if (r->at >= r->end) return formatted_expects_brace(r);
    char conversion = *r->at++;
    if (conversion != 's' && conversion != 'r' && conversion != 'a')
      return cd_diagnosis_fail(r->d, "f-string: invalid conversion character: expected 's', 'r', or 'a'");
    if (r->at >= r->end) return formatted_expects_brace(r);
  }
  if (*r->at == ':') {
    r->at++;
    if (r->at >= r->end) return formatted_expects_brace(r);
    if (!formatted_text(r, level + 1)) return false;
  }
  if (r->at >= r->end || *r->at != '}') return formatted_expects_brace(r);
  r->at++;
  return true;
}

// Text up to a brace. *doubled: that was two braces, which stand for one, and more text follows.
static bool formatted_literal(FieldReader *r, int level, bool *doubled)
{
  const char *start = r->at, *stop = r->end;
  *doubled = false;
  while (r->at < r->end) {
    char c = *r->at++;
    if (c == '\\' && !r->raw && r->at < r->end) {
      c = *r->at++;
      if (c == 'N') {
        if (r->at < r->end && *r->at++ == '{')
          while (r->at < r->end && *r->at++ != '}') {}
        continue;
      }
    }
    if (c != '{' && c != '}') continue;
    if (level == 0) {
      if (r->at < r->end && *r->at == c) {
        stop = r->at++;
        *doubled = true;
        break;
      }
      if (c == '}') {
        r->at--;
        return cd_diagnosis_fail(r->d, "f-string: single '}' is not allowed");
      }
    }
    stop = --r->at;
    break;
  }
  if (r->raw || stop == start) return true;
  TextBuilder text;
  cd_text_init(&text, r->d->vm);
  bool ok = cd_literal_decode(&r->d->parser, &text, r->token, start, stop);
  cd_text_clear(&text);
  return ok;
}

static bool formatted_text(FieldReader *r, int level)
{
  for (;;) {
    bool doubled;
    if (!formatted_literal(r, level, &doubled)) return false;
    if (doubled) continue;
    if (r->at >= r->end || *r->at == '}') break;
    if (!formatted_field(r, level)) return false;
  }
  if (level && (r->at >= r->end || *r->at != '}')) return formatted_expects_brace(r);
  return true;
}

void cd_diagnose_formatted(Diagnosis *d, const Token *token)
{
  FieldReader r = {.d = d, .token = token, .raw = token->flags & TOKEN_RAW};
  cd_literal_body(token, &r.at, &r.end);
  formatted_text(&r, 0);
}
