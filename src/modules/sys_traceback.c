// SPDX-License-Identifier: MIT
// sys_traceback.c: exceptions as text: tracebacks with source lines and carets, causes, groups, notes, syntax errors
#include "modules/sys.h"
#include "base/utf8.h"
#include "bytecode/code.h"
#include "frontend/frontend.h"
#include "modules/sys_suggest.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRACE_INDENT = 4, TRACE_LIMIT = 1000, TRACE_REPEATS = 3, GROUP_WIDTH = 15, GROUP_DEPTH = 10 };

// Everything goes to one text, written at once: a stream that fails half way shows nothing half. In a group each line starts with
// `depth` * 2 spaces and a bar.
typedef struct TracePrinter {
  VM *vm;
  TextBuilder out;
  Ref seen;                                      // set of id(): exceptions printed already
  int depth;                                     // of groups
  bool need_close;                               // the frame around a group's last exception is still open
  Ref line_file;                                 // file whose text `line_text` is, or NO_REF
  Ref line_text;                                 // bytes
} TracePrinter;

static bool trace_indent(TracePrinter *p) { return cd_text_fill(&p->out, ' ', 2 * (size_t)p->depth); }
static bool trace_margin(TracePrinter *p) { return p->depth == 0 || (trace_indent(p) && cd_text_puts(&p->out, "| ")); }

static bool trace_line(TracePrinter *p, const char *text) { return trace_margin(p) && cd_text_puts(&p->out, text); }

// ---- source lines ----

// Opens the file as it is named in the code, or its last part in a folder of sys.path.
static int source_open(VM *vm, Value filename)
{
  Ref raw = cd_fs_encode(vm, filename);
  if (!raw) { cd_clear_raised(vm); return -1; }
  int fd = open(cd_bytes_data(raw), O_RDONLY | O_CLOEXEC);
  const char *slash = strrchr(cd_bytes_data(raw), '/'), *tail = slash ? slash + 1 : cd_bytes_data(raw);
  Value path = cd_sys_get_borrow(vm, "path");
  for (size_t i = 0; fd < 0 && *tail && *tail != '<' && cd_bits(path) && cd_is_list(path) && i < cd_list_size(path); i++) {
    Value folder = cd_list_item_borrow(path, i);
    if (!cd_is_str(folder)) continue;
    char name[4096];
    if (snprintf(name, sizeof name, "%s%s%s", cd_str_data(folder), cd_str_size(folder) ? "/" : "", tail) < (int)sizeof name)
      fd = open(name, O_RDONLY | O_CLOEXEC);
  }
  cd_drop(vm, raw);
  return fd;
}

static Ref source_read(VM *vm, int fd)
{
  struct stat info;
  Ref bytes = NO_REF;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size < INT64_C(1) << 28 &&
      (bytes = cd_bytes_new(vm, NULL, (size_t)info.st_size))) {
    size_t size = 0;
    ssize_t n;
    while (size < (size_t)info.st_size && (n = read(fd, cd_bytes_data(bytes) + size, (size_t)info.st_size - size)) > 0) size += (size_t)n;
    if (size < (size_t)info.st_size && !cd_bytes_resize(vm, &bytes, size)) bytes = NO_REF;
  }
  close(fd);
  cd_clear_raised(vm);
  return bytes;
}

// The encoding that a comment in the first two lines declares (PEP 263); out has room for 64.
static bool source_cookie(const char *data, size_t size, char *out)
{
  for (int line = 0; line < 2 && size; line++) {
    const char *newline = memchr(data, '\n', size);
    size_t length = newline ? (size_t)(newline - data) : size, i = 0;
    while (i < length && (data[i] == ' ' || data[i] == '\t' || data[i] == '\f')) i++;
    if (i < length && data[i] != '#' && data[i] != '\r') return false;
    for (; i + 7 < length; i++) {
      if (memcmp(data + i, "coding", 6) || (data[i + 6] != ':' && data[i + 6] != '=')) continue;
      size_t from = i + 7, n = 0;
      while (from < length && (data[from] == ' ' || data[from] == '\t')) from++;
      while (from < length && n < 63 &&
             (data[from] == '-' || data[from] == '_' || data[from] == '.' || (unsigned)((data[from] | 32) - 'a') < 26 ||
              (unsigned)(data[from] - '0') < 10))
        out[n++] = data[from++];
      out[n] = 0;
      return n > 0;
    }
    if (!newline) return false;
    size -= length + 1;
    data = newline + 1;
  }
  return false;
}

// Line number `line` of a file as a str without its newline; NO_REF with nothing set when it can't be had.
static Ref source_line(TracePrinter *p, Value filename, int line)
{
  VM *vm = p->vm;
  if (line <= 0 || !cd_is_str(filename)) return NO_REF;
  bool same = p->line_file && cd_str_equal(p->line_file, filename);
  if (!same) {
    int fd = source_open(vm, filename);
    Ref text = fd < 0 ? NO_REF : source_read(vm, fd);
    cd_drop(vm, p->line_text);
    cd_drop(vm, p->line_file);
    p->line_text = text;
    p->line_file = cd_dup(filename);
  }
  if (!p->line_text) return NO_REF;
  const char *data = cd_bytes_data(p->line_text), *end = data + cd_bytes_size(p->line_text);
  char encoding[64] = "utf-8";
  if (end - data >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3)) data += 3;
  else source_cookie(data, (size_t)(end - data), encoding);
  for (int i = 1; i < line; i++) {
    const char *newline = memchr(data, '\n', (size_t)(end - data));
    if (!newline) return NO_REF;
    data = newline + 1;
  }
  if (data >= end) return NO_REF;
  const char *newline = memchr(data, '\n', (size_t)(end - data));
  size_t size = newline ? (size_t)(newline - data) : (size_t)(end - data);
  if (size && data[size - 1] == '\r') size--;
  Ref text = cd_decode(vm, data, size, encoding, "replace");
  if (!text) cd_clear_raised(vm);
  return text;
}

// ---- one level of a traceback ----

static size_t trace_char_offset(Value text, int32_t byte_column)
{
  size_t size = cd_str_size(text), at = byte_column < 0 ? 0 : (size_t)byte_column;
  return cd_str_position(text, at > size ? size : at);
}

// Start and end of the marked range and of the part with the other mark, in characters of the line.
typedef struct CaretRange { size_t start, end, left, right; bool anchors; } CaretRange;

static bool trace_caret_range(TracePrinter *p, Value text, Position position, CaretRange *range)
{
  const char *data = cd_str_data(text);
  size_t size = cd_str_size(text);
  range->start = trace_char_offset(text, position.column);
  range->anchors = false;
  if (position.line != position.end_line) {
    while (size && (data[size - 1] == ' ' || data[size - 1] == '\t' || data[size - 1] == '\f')) size--;
    range->end = cd_str_position(text, size);
  } else {
    range->end = trace_char_offset(text, position.end_column);
    size_t from = (size_t)position.column, to = (size_t)position.end_column, left, right;
    if (from <= to && to <= size && cd_expression_anchors(p->vm, data + from, to - from, &left, &right)) {
      range->anchors = true;
      range->left = cd_str_position(text, from + left);
      range->right = cd_str_position(text, from + right);
    }
  }
  size_t indent = 0;
  while (indent < size && (data[indent] == ' ' || data[indent] == '\t' || data[indent] == '\f')) indent++;
  // Marks under a whole line say nothing.
  return range->anchors || range->end - range->start != cd_str_length(text) - indent;
}

static bool trace_carets(TracePrinter *p, Value text, size_t indent, Position position)
{
  CaretRange range;
  if (position.line < 0 || position.end_line < 0 || position.column < 0 || position.end_column < 0) return true;
  if (!trace_caret_range(p, text, position, &range)) return true;
  if (!trace_margin(p) || !cd_text_fill(&p->out, ' ', TRACE_INDENT)) return false;
  for (size_t i = indent; i < range.end; i++) {
    bool marked = range.anchors && i >= range.left && i < range.right;
    char c = i < range.start ? ' ' : !range.anchors || marked ? '^' : '~';
    if (!cd_text_char(&p->out, (unsigned char)c)) return false;
  }
  return cd_text_char(&p->out, '\n');
}

static bool trace_source(TracePrinter *p, Value filename, int line, Position position)
{
  VM *vm = p->vm;
  Ref text = source_line(p, filename, line);
  if (!text) return true;
  const char *data = cd_str_data(text);
  size_t indent = 0, size = cd_str_size(text);
  while (indent < size && (data[indent] == ' ' || data[indent] == '\t' || data[indent] == '\f')) indent++;
  bool ok = trace_margin(p) && cd_text_fill(&p->out, ' ', TRACE_INDENT) && cd_text_put(&p->out, data + indent, size - indent) &&
            cd_text_char(&p->out, '\n') && trace_carets(p, text, indent, position);
  cd_drop(vm, text);
  return ok;
}

static uint32_t trace_entry_unit(VM *vm, const Traceback *entry)
{
  uint32_t unit = 0;
  if (!cd_traceback_unit(vm, entry, &unit)) cd_clear_raised(vm);
  return unit;
}

static int trace_entry_line(VM *vm, const Traceback *entry)
{
  const Frame *frame = entry->frame->frame;
  if (entry->lineno >= 0 || !frame) return entry->lineno;
  return cd_code_line(frame->code, trace_entry_unit(vm, entry));
}

static bool trace_entry(TracePrinter *p, const Traceback *entry)
{
  const Code *code = entry->frame->frame->code;
  int line = trace_entry_line(p->vm, entry);
  Position position = entry->unit >= 0 && !p->vm->config.no_debug_ranges ? cd_code_position(code, trace_entry_unit(p->vm, entry))
                                                                         : (Position){-1, -1, -1, -1};
  if (!trace_margin(p) || !cd_text_format(&p->out, "  File \"%S\", line %d, in %S\n", code->filename, line, code->name)) return false;
  return trace_source(p, code->filename, line, position);
}

static bool trace_repeated(TracePrinter *p, int64_t count)
{
  count -= TRACE_REPEATS;
  return trace_margin(p) &&
         cd_text_format(&p->out, "  [Previous line repeated %lld more time%s]\n", (long long)count, count == 1 ? "" : "s");
}

static int64_t trace_limit(VM *vm)
{
  Value limit = cd_sys_get_borrow(vm, "tracebacklimit");
  int64_t n;
  if (!cd_bits(limit) || !cd_is_int(limit)) return TRACE_LIMIT;
  if (!cd_int_fits_i64(limit, &n)) return cd_int_sign(limit) < 0 ? 0 : TRACE_LIMIT;
  return n < 0 ? 0 : n;
}

static bool trace_entries(TracePrinter *p, const Traceback *entry)
{
  int64_t depth = 0, limit = trace_limit(p->vm), repeats = 0;
  for (const Traceback *t = entry; t; t = t->next) depth++;
  for (; entry && depth > limit; depth--) entry = entry->next;
  const Code *last = NULL;
  int last_line = -1;
  for (; entry; entry = entry->next) {
    if (!entry->frame->frame) continue;
    const Code *code = entry->frame->frame->code;
    int line = trace_entry_line(p->vm, entry);
    bool same = last && line == last_line && line != -1 && cd_str_equal(code->filename, last->filename) &&
                cd_str_equal(code->name, last->name);
    if (!same) {
      if (repeats > TRACE_REPEATS && !trace_repeated(p, repeats)) return false;
      last = code;
      last_line = line;
      repeats = 0;
    }
    if (++repeats <= TRACE_REPEATS && !trace_entry(p, entry)) return false;
  }
  return repeats <= TRACE_REPEATS || trace_repeated(p, repeats);
}

static bool trace_traceback(TracePrinter *p, Value exception)
{
  VM *vm = p->vm;
  Value traceback = cd_as_exception(exception)->traceback;
  if (!cd_bits(traceback) || !cd_is_exact(traceback, vm->types.traceback)) return true;
  if (trace_limit(vm) <= 0) return true;
  bool group = cd_is_instance_of(vm, exception, vm->exc.BaseExceptionGroup);
  if (group && p->depth == 1) {
    if (!trace_indent(p) || !cd_text_puts(&p->out, "+ ")) return false;
  } else if (!trace_margin(p)) {
    return false;
  }
  return cd_text_puts(&p->out, group ? "Exception Group Traceback (most recent call last):\n" : "Traceback (most recent call last):\n") &&
         trace_entries(p, (const Traceback *)cd_object(traceback));
}

// ---- syntax errors ----

typedef struct SyntaxPlace { Ref message, filename, text; int64_t line, offset, end_line, end_offset; } SyntaxPlace;

static Ref syntax_attribute(VM *vm, Value e, const char *name)
{
  Ref v = cd_getattr_text(vm, e, name);
  if (!v) cd_clear_raised(vm);
  return v;
}

static bool syntax_number(VM *vm, Value e, const char *name, bool optional, int64_t fallback, int64_t *out)
{
  Ref v = syntax_attribute(vm, e, name);
  if (!v) return false;
  bool ok = optional && cd_is_none(v) ? (*out = fallback, true) : cd_is_int(v) && cd_int_fits_i64(v, out);
  cd_drop(vm, v);
  return ok;
}

static void syntax_place_clear(VM *vm, SyntaxPlace *place)
{
  cd_drop(vm, place->message);
  cd_drop(vm, place->filename);
  cd_drop(vm, place->text);
}

// Reads what a SyntaxError, or anything that looks like one, says about its place.
static bool syntax_place(VM *vm, Value e, SyntaxPlace *place)
{
  *place = (SyntaxPlace){0};
  if ((place->message = syntax_attribute(vm, e, "msg")) && (place->filename = syntax_attribute(vm, e, "filename")) &&
      syntax_number(vm, e, "lineno", false, 0, &place->line) && syntax_number(vm, e, "offset", true, -1, &place->offset) &&
      syntax_number(vm, e, "end_lineno", true, place->line, &place->end_line) &&
      syntax_number(vm, e, "end_offset", true, -1, &place->end_offset) && (place->text = syntax_attribute(vm, e, "text")))
    return true;
  syntax_place_clear(vm, place);
  return false;
}

static bool syntax_text(TracePrinter *p, Value text, int64_t offset, int64_t end_offset)
{
  const char *data = cd_str_data(text);
  int64_t size = (int64_t)cd_str_size(text), carets = end_offset > 0 && end_offset > offset ? end_offset - offset : 1;
  offset--;                                      // columns count from 1
  while (size && (*data == ' ' || *data == '\t' || *data == '\f')) data++, size--, offset--;
  if (size && data[size - 1] == '\n') size--;
  if (offset > size) offset = size;
  // Of several lines the one that holds the offset is shown.
  for (const char *newline; size > 0 && (newline = memchr(data, '\n', (size_t)size)) != NULL;) {
    int64_t length = newline - data;
    if (length >= offset) break;
    data += length + 1;
    size -= length + 1;
    offset -= length + 1;
  }
  if (!trace_margin(p) || !cd_text_puts(&p->out, "    ") || !cd_text_put(&p->out, data, (size_t)size) || !cd_text_char(&p->out, '\n'))
    return false;
  if (offset < 0) return true;
  return trace_margin(p) && cd_text_puts(&p->out, "    ") && cd_text_fill(&p->out, ' ', (size_t)offset) &&
         cd_text_fill(&p->out, '^', (size_t)carets) && cd_text_char(&p->out, '\n');
}

static bool syntax_print(TracePrinter *p, const SyntaxPlace *place)
{
  bool ok = trace_margin(p) &&
            (cd_is_none(place->filename) ? cd_text_format(&p->out, "  File \"<string>\", line %lld\n", (long long)place->line)
                                         : cd_text_format(&p->out, "  File \"%S\", line %lld\n", place->filename, (long long)place->line));
  if (!ok || cd_is_none(place->text) || !cd_is_str(place->text)) return ok;
  int64_t size = (int64_t)cd_str_size(place->text), end_offset = place->end_line > place->line ? size : place->end_offset;
  if (end_offset > size + 1) end_offset = size + 1;
  return syntax_text(p, place->text, place->offset, end_offset);
}

// ---- the last line, and notes ----

static bool trace_type_name(TracePrinter *p, Value exception)
{
  VM *vm = p->vm;
  Type *type = cd_type_of(vm, exception);
  Ref module = cd_type_module(vm, type);
  bool ok;
  if (!module || !cd_is_str(module)) {
    cd_clear_raised(vm);
    ok = cd_text_puts(&p->out, "<unknown>.");
  } else {
    ok = cd_str_is(module, "builtins") || cd_str_is(module, "__main__") || (cd_text_str(&p->out, module) && cd_text_char(&p->out, '.'));
  }
  cd_drop(vm, module);
  return ok && cd_text_str(&p->out, type->qualname);
}

static bool trace_message(TracePrinter *p, Value exception, Value value)
{
  VM *vm = p->vm;
  if (!trace_margin(p) || !trace_type_name(p, exception)) return false;
  bool ok = true;
  if (!cd_is_none(value)) {
    Ref text = cd_str(vm, value);
    if (!text) {
      cd_clear_raised(vm);
      ok = cd_text_puts(&p->out, ": <exception str() failed>");
    } else if (cd_str_size(text)) {
      ok = cd_text_puts(&p->out, ": ") && cd_text_str(&p->out, text);
    }
    cd_drop(vm, text);
  }
  if (ok) {
    Ref suggestion = cd_exception_suggestion(vm, exception);
    if (suggestion) ok = cd_text_format(&p->out, ". Did you mean: '%S'?", suggestion);
    else cd_clear_raised(vm);
    cd_drop(vm, suggestion);
  }
  return ok && cd_text_char(&p->out, '\n');
}

static bool trace_note(TracePrinter *p, Value note)
{
  VM *vm = p->vm;
  Ref text = cd_str(vm, note);
  if (!text) {
    cd_clear_raised(vm);
    return trace_line(p, "<note str() failed>\n");
  }
  bool ok = true;
  const char *data = cd_str_data(text), *end = data + cd_str_size(text);
  while (ok) {
    const char *newline = memchr(data, '\n', (size_t)(end - data)), *stop = newline ? newline : end;
    ok = trace_margin(p) && cd_text_put(&p->out, data, (size_t)(stop - data)) && cd_text_char(&p->out, '\n');
    if (!newline) break;
    data = newline + 1;
  }
  cd_drop(vm, text);
  return ok;
}

static bool trace_notes(TracePrinter *p, Value exception)
{
  VM *vm = p->vm;
  Ref notes = NO_REF;
  if (cd_getattr_find(vm, exception, N(__notes__), &notes) != FIND_HIT) { cd_clear_raised(vm); return true; }
  bool ok = true, sequence = cd_is_list(notes) || cd_is_tuple(notes);
  Ref list = NO_REF;
  if (!sequence && !cd_is_str(notes) && !cd_is_bytes(notes) && !cd_is_dict(notes) && cd_type_of(vm, notes)->slots.getitem &&
      cd_type_of(vm, notes)->slots.len)
    sequence = true;
  if (sequence && !(list = cd_list_from(vm, notes))) { cd_clear_raised(vm); sequence = false; }
  if (!sequence) {
    Ref text = cd_repr(vm, notes);
    if (!text) cd_clear_raised(vm);
    ok = trace_margin(p) && (text ? cd_text_str(&p->out, text) : cd_text_puts(&p->out, "<__notes__ repr() failed>"));
    cd_drop(vm, text);
  }
  for (size_t i = 0; ok && list && i < cd_list_size(list); i++) ok = trace_note(p, cd_list_item_borrow(list, i));
  cd_drop(vm, list);
  cd_drop(vm, notes);
  return ok;
}

// ---- one exception, without what led to it ----

static bool trace_single(TracePrinter *p, Value exception)
{
  VM *vm = p->vm;
  if (!trace_traceback(p, exception)) return false;
  SyntaxPlace place;
  Ref marker = NO_REF;
  bool has_place = cd_getattr_find(vm, exception, N(print_file_and_line), &marker) == FIND_HIT && syntax_place(vm, exception, &place);
  cd_clear_raised(vm);
  cd_drop(vm, marker);
  bool ok = !has_place || syntax_print(p, &place);
  ok = ok && trace_message(p, exception, has_place ? place.message : exception) && trace_notes(p, exception);
  if (has_place) syntax_place_clear(vm, &place);
  return ok;
}

// ---- chains and groups ----

static bool trace_exception(TracePrinter *p, Value exception);

static bool trace_chained(TracePrinter *p, Value exception, const char *tag)
{
  bool need_close = p->need_close;
  p->need_close = false;
  if (!cd_enter_recursion(p->vm, " in print_chained")) { cd_clear_raised(p->vm); return true; }
  bool ok = trace_exception(p, exception);
  cd_leave_recursion(p->vm);
  p->need_close = need_close;
  return ok && trace_line(p, "\n") && trace_line(p, tag) && trace_line(p, "\n");
}

static bool trace_was_seen(TracePrinter *p, Value exception)
{
  Find find = cd_set_contains(p->vm, p->seen, cd_from_small((int64_t)(cd_bits(exception) >> 3)));
  if (find == FIND_ERROR) cd_clear_raised(p->vm);
  return find != FIND_MISSING;
}

static bool trace_causes(TracePrinter *p, Value exception)
{
  const Exception *e = cd_as_exception(exception);
  Ref cause = cd_dup(e->cause), context = cd_dup(e->context);
  bool ok = true;
  if (cause && cd_is_exception(cause)) {
    if (!trace_was_seen(p, cause)) ok = trace_chained(p, cause, "The above exception was the direct cause of the following exception:\n");
  } else if (context && cd_is_exception(context) && !e->suppress_context) {
    if (!trace_was_seen(p, context))
      ok = trace_chained(p, context, "During handling of the above exception, another exception occurred:\n");
  }
  cd_drop(p->vm, cause);
  cd_drop(p->vm, context);
  return ok;
}

static bool trace_group_item(TracePrinter *p, Value exceptions, size_t i)
{
  bool truncated = i >= GROUP_WIDTH, ok;
  if (!trace_indent(p) || !cd_text_puts(&p->out, i == 0 ? "+-" : "  ")) return false;
  ok = truncated ? cd_text_puts(&p->out, "+---------------- ... ----------------\n")
                 : cd_text_format(&p->out, "+---------------- %zu ----------------\n", i + 1);
  if (!ok) return false;
  p->depth++;
  size_t count = cd_tuple_size(exceptions);
  if (truncated) {
    size_t left = count - GROUP_WIDTH;
    ok = trace_margin(p) && cd_text_format(&p->out, "and %zu more exception%s\n", left, left > 1 ? "s" : "");
  } else if (cd_enter_recursion(p->vm, " in print_exception_group")) {
    ok = trace_exception(p, cd_tuple_item_borrow(exceptions, i));
    cd_leave_recursion(p->vm);
  } else {
    cd_clear_raised(p->vm);
  }
  bool last = i + 1 == count || i == GROUP_WIDTH;
  if (ok && last && p->need_close) {
    ok = trace_indent(p) && cd_text_puts(&p->out, "+------------------------------------\n");
    p->need_close = false;
  }
  p->depth--;
  return ok;
}

static bool trace_group(TracePrinter *p, Value exception)
{
  VM *vm = p->vm;
  if (p->depth > GROUP_DEPTH) return trace_margin(p) && cd_text_format(&p->out, "... (max_group_depth is %d)\n", GROUP_DEPTH);
  if (p->depth == 0) p->depth++;
  bool ok = trace_single(p, exception);
  Ref exceptions = cd_dup(((GroupException *)cd_object(exception))->exceptions);
  size_t count = exceptions ? cd_tuple_size(exceptions) : 0, shown = count <= GROUP_WIDTH ? count : GROUP_WIDTH + 1;
  p->need_close = false;
  for (size_t i = 0; ok && i < shown; i++) {
    if (i + 1 == shown) p->need_close = true;    // the closing line may come from an inner group
    ok = trace_group_item(p, exceptions, i);
  }
  cd_drop(vm, exceptions);
  if (p->depth == 1) p->depth--;
  return ok;
}

static bool trace_exception(TracePrinter *p, Value exception)
{
  VM *vm = p->vm;
  if (!cd_set_add(vm, p->seen, cd_from_small((int64_t)(cd_bits(exception) >> 3)))) return false;
  if (!trace_causes(p, exception)) return false;
  return cd_is_instance_of(vm, exception, vm->exc.BaseExceptionGroup) ? trace_group(p, exception) : trace_single(p, exception);
}

// ---- output ----

static void trace_write_fd(const char *data, size_t size)
{
  while (size) {
    ssize_t n = write(2, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    data += n;
    size -= (size_t)n;
  }
}

// Ends the printer: its text goes to the file, or to descriptor 2.
static bool trace_finish(TracePrinter *p, bool ok, Value file)
{
  VM *vm = p->vm;
  cd_drop(vm, p->seen);
  cd_drop(vm, p->line_file);
  cd_drop(vm, p->line_text);
  if (!ok) { cd_text_clear(&p->out); return false; }
  Ref text = cd_text_finish(&p->out);
  if (!text) return false;
  if (!cd_bits(file) || cd_is_none(file)) {
    trace_write_fd(cd_str_data(text), cd_str_size(text));
  } else {
    Ref result = cd_call_method1(vm, file, N(write), text);
    ok = result != NO_REF;
    cd_drop(vm, result);
  }
  cd_drop(vm, text);
  return ok;
}

bool cd_print_exception_to(VM *vm, Value file, Value exception)
{
  TracePrinter p = {.vm = vm};
  cd_text_init(&p.out, vm);
  Ref held = cd_dup(exception), held_file = cd_dup(file);
  bool ok = (p.seen = cd_set_new(vm, NO_VALUE)) && trace_exception(&p, exception);
  ok = trace_finish(&p, ok, held_file);
  cd_drop(vm, held);
  cd_drop(vm, held_file);
  return ok;
}

bool cd_show_source_line(VM *vm, Value filename, int line)
{
  TracePrinter p = {.vm = vm};
  Ref text = source_line(&p, filename, line);
  if (text) {
    const char *data = cd_str_data(text);
    while (*data == ' ' || *data == '\t' || *data == '\f') data++;
    cd_sys_write_stderr(vm, "  %s\n", data);
  }
  cd_drop(vm, text);
  cd_drop(vm, p.line_file);
  cd_drop(vm, p.line_text);
  return true;
}

bool cd_print_unraisable_body(VM *vm, Value type, Value value, Value traceback)
{
  TracePrinter p = {.vm = vm};
  cd_text_init(&p.out, vm);
  bool ok = true;
  if (cd_is_exact(traceback, vm->types.traceback) && trace_limit(vm) > 0)
    ok = cd_text_puts(&p.out, "Traceback (most recent call last):\n") && trace_entries(&p, (const Traceback *)cd_object(traceback));
  if (ok && cd_is_type(type)) {
    Ref module = cd_type_module(vm, cd_as_type(type));
    if (!module || !cd_is_str(module)) {
      cd_clear_raised(vm);
      ok = cd_text_puts(&p.out, "<unknown>.");
    } else if (!cd_str_is(module, "builtins") && !cd_str_is(module, "__main__")) {
      ok = cd_text_str(&p.out, module) && cd_text_char(&p.out, '.');
    }
    cd_drop(vm, module);
    ok = ok && cd_text_str(&p.out, cd_as_type(type)->qualname);
    if (ok && !cd_is_none(value)) {
      Ref text = cd_str(vm, value);
      if (!text) {
        cd_clear_raised(vm);
        ok = cd_text_puts(&p.out, ": <exception str() failed>");
      } else {
        ok = cd_text_puts(&p.out, ": ") && cd_text_str(&p.out, text);
      }
      cd_drop(vm, text);
    }
    ok = ok && cd_text_char(&p.out, '\n');
  }
  Ref file = cd_dup(cd_sys_get_borrow(vm, "stderr"));
  ok = trace_finish(&p, ok, file);
  cd_drop(vm, file);
  return ok;
}
