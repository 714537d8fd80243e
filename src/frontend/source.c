// SPDX-License-Identifier: MIT
// source.c: source bytes to UTF-8 text: byte order mark, encoding declaration (PEP 263), line breaks
#include "frontend/parser.h"

#include "base/utf8.h"
#include "objects/bytes.h"
#include "objects/exception.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <stdio.h>

#define MAX_ENCODING 100

// SyntaxError of the whole source, which has no line; that of a file has no place at all.
static Ref source_error(VM *vm, Value filename, int flags, Ref message)
{
  Ref zero = cd_from_small(0), minus = cd_from_small(-1),
      place = message ? cd_tuple_of(vm, 4, (Value[]){filename, zero, minus, cd_none()}) : NO_REF;
  Ref error = place ? cd_exception_new(vm, vm->exc.SyntaxError, (Value[]){message, place}, flags & PYCF_FILE ? 1 : 2) : NO_REF;
  cd_drop(vm, place);
  cd_drop(vm, message);
  return error ? cd_raise_exception(vm, error) : NO_REF;
}

// A file without a declared encoding that is not UTF-8.
static Ref source_not_utf8(VM *vm, Value filename, const char *source, size_t bad)
{
  int line = 1;
  for (size_t i = 0; i < bad; i++) line += source[i] == '\n';
  char byte[8];
  snprintf(byte, sizeof byte, "\\x%02x", (unsigned char)source[bad]);
  return source_error(vm, filename, PYCF_FILE,
                      cd_str_format(vm,
                                    "Non-UTF-8 code starting with '%s' in file %U on line %d, but no encoding declared; "
                                    "see https://peps.python.org/pep-0263/ for details",
                                    byte, filename, line));
}

// The encoding that a comment line declares, in lower case and with the two common ones in one spelling. false: none.
static bool source_declaration(const char *line, const char *end, char name[MAX_ENCODING], bool *only_comment)
{
  const char *s = line;
  *only_comment = false;
  while (s < end && (*s == ' ' || *s == '\t' || *s == '\f')) s++;
  if (s < end && *s != '#' && *s != '\r') return false;
  *only_comment = true;
  for (; s + 6 < end; s++) {
    if (memcmp(s, "coding", 6) != 0 || (s[6] != ':' && s[6] != '=')) continue;
    const char *text = s + 7;
    while (text < end && (*text == ' ' || *text == '\t')) text++;
    size_t n = 0;
    for (; text < end && n < MAX_ENCODING - 1; text++, n++) {
      unsigned char c = (unsigned char)*text;
      if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') break;
      name[n] = (char)c;
    }
    if (!n) continue;
    name[n] = 0;
    char normal[13] = {0};
    for (size_t i = 0; i < 12 && i < n; i++)
      normal[i] = name[i] == '_' ? '-' : (char)((name[i] >= 'A' && name[i] <= 'Z') ? name[i] | 0x20 : name[i]);
    if (strcmp(normal, "utf-8") == 0 || strncmp(normal, "utf-8-", 6) == 0) strcpy(name, "utf-8");
    else if (strcmp(normal, "latin-1") == 0 || strcmp(normal, "iso-8859-1") == 0 || strcmp(normal, "iso-latin-1") == 0 ||
             strncmp(normal, "latin-1-", 8) == 0 || strncmp(normal, "iso-8859-1-", 11) == 0 || strncmp(normal, "iso-latin-1-", 12) == 0)
      strcpy(name, "iso-8859-1");
    return true;
  }
  return false;
}

// Looks in the first two lines; the second counts if the first is blank or a comment.
static bool source_encoding(const char *source, size_t size, char name[MAX_ENCODING])
{
  const char *end = source + size;
  for (int i = 0; i < 2 && source < end; i++) {
    const char *newline = memchr(source, '\n', (size_t)(end - source)), *carriage = memchr(source, '\r', (size_t)(end - source));
    const char *line_end = newline ? newline : end;
    if (carriage && carriage < line_end) line_end = carriage;
    bool only_comment;
    if (source_declaration(source, line_end, name, &only_comment)) return true;
    if (!only_comment) return false;
    source = line_end + (line_end + 1 < end && line_end[0] == '\r' && line_end[1] == '\n' ? 2 : 1);
  }
  return false;
}

// "\r\n" and "\r" become "\n"; with `complete` the last line gets a line break if it has none.
static Ref source_lines(VM *vm, const char *text, size_t size, bool complete)
{
  bool add = complete && size && text[size - 1] != '\n' && text[size - 1] != '\r';
  const char *carriage = memchr(text, '\r', size);
  Ref out = cd_bytes_new(vm, NULL, size + add);
  if (!out) return NO_REF;
  char *to = cd_bytes_data(out);
  size_t used = size;
  if (!carriage) {
    memcpy(to, text, size);
  } else {
    used = (size_t)(carriage - text);
    memcpy(to, text, used);
    for (size_t i = used; i < size; i++) {
      if (text[i] != '\r') { to[used++] = text[i]; continue; }
      to[used++] = '\n';
      if (i + 1 < size && text[i + 1] == '\n') i++;
    }
  }
  if (add) to[used++] = '\n';
  to[used] = 0;
  if (used != size + add && !cd_bytes_resize(vm, &out, used)) return NO_REF;
  return out;
}

static Ref source_decode_as(VM *vm, const char *source, size_t size, const char *encoding, Value filename, int flags, bool complete)
{
  Ref text = cd_decode(vm, source, size, encoding, NULL);
  if (text) {
    Ref lines = source_lines(vm, cd_str_data(text), cd_str_size(text), complete);
    cd_drop(vm, text);
    return lines;
  }
  if (cd_raised_is(vm, vm->exc.LookupError)) {
    Ref error = cd_take_raised(vm);
    bool unknown = cd_str_starts_with(((Exception *)cd_object(error))->args ? cd_tuple_item_borrow(((Exception *)cd_object(error))->args, 0)
                                                                            : NO_VALUE,
                                      "unknown encoding");
    Ref message = unknown ? cd_str_format(vm, flags & PYCF_FILE ? "encoding problem: %s" : "unknown encoding: %s", encoding)
                          : cd_str_format(vm, "%S", error);
    cd_drop(vm, error);
    return source_error(vm, filename, flags, message);
  }
  if (!cd_raised_is(vm, vm->exc.ValueError)) return NO_REF;
  Ref error = cd_take_raised(vm);
  Ref message = cd_str_format(vm, "%S", error);
  cd_drop(vm, error);
  return source_error(vm, filename, flags, message);
}

Ref cd_source_decode(VM *vm, const char *source, size_t size, Value filename, CompileMode mode, int *flags, const char **text,
                     size_t *text_size)
{
  char encoding[MAX_ENCODING];
  bool complete = mode == MODE_EXEC, mark = false, declared = false;
  Ref out;
  if (!(*flags & (PYCF_SOURCE_IS_UTF8 | PYCF_IGNORE_COOKIE))) {
    if (size >= 3 && memcmp(source, "\xEF\xBB\xBF", 3) == 0) mark = true, source += 3, size -= 3;
    declared = source_encoding(source, size, encoding);
    if (declared && strcmp(encoding, "utf-8") != 0) {
      if (mark) return source_error(vm, filename, *flags, cd_str_format(vm, "encoding problem: %s with BOM", encoding));
      if (!(out = source_decode_as(vm, source, size, encoding, filename, *flags, complete))) return NO_REF;
      goto done;
    }
    size_t count;
    bool ascii;
    size_t good = cd_utf8_check(source, size, false, &count, &ascii, NULL);
    if (good != size && *flags & PYCF_FILE && !declared) return source_not_utf8(vm, filename, source, good);
    if (good != size) *flags |= PYCF_BAD_UTF8;
  } else {
    declared = true;
  }
  if (!(out = source_lines(vm, source, size, complete))) return NO_REF;
done:
  if (declared || mark) *flags |= PYCF_KNOWN_ENCODING;
  *text = cd_bytes_data(out);
  *text_size = cd_bytes_size(out);
  return out;
}
