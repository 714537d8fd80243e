// SPDX-License-Identifier: MIT
// _sre.c: the engine of the re module: Pattern, Match and Scanner over PCRE2 and its JIT
#define PCRE2_CODE_UNIT_WIDTH 8
#include "modules/module_list.h"
#include "modules/re_translate.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <ctype.h>
#include <pcre2.h>

#define SRE_MAGIC 20220615
#define JIT_MATCH_LIMIT 20000000                 // after so much backtracking the slower, interruptible matcher takes over
#define JIT_STACK_MAX ((size_t)32 << 20)
#define HEAP_LIMIT_KIB (256u << 10)

// How a match is tied to the subject. Each is compiled at its first use: PCRE2's JIT takes no such option at match time.
typedef enum { TIE_SEARCH, TIE_MATCH, TIE_FULL, TIE_COUNT } Tie;

typedef struct Pattern {
  Object head;
  Weakref *weaklist;
  Value pattern, groupindex, indexgroup;         // owned: str or bytes or None; dict; tuple
  int64_t flags;
  uint32_t groups;
  bool is_bytes;
  ReTranslation translation;
  pcre2_code *code[TIE_COUNT], *slow[TIE_COUNT]; // NULL: not compiled yet; slow ones have callouts
  pcre2_match_data *data;                        // lent out while a match runs; NULL then
} Pattern;

typedef struct Match {
  Object head;
  Value string, pattern, regs;                   // owned; regs is a cache or NO_VALUE
  int64_t pos, endpos, lastindex;                // lastindex -1: none
  uint32_t groups;
  int64_t spans[];                               // (groups + 1) * 2, in characters; -1: no match
} Match;

typedef struct Scanner {
  Object head;
  Value pattern, string;                         // owned
  int64_t pos, endpos;                           // characters
  bool must_advance, executing;
} Scanner;

typedef struct SreState {
  Type *pattern, *match, *scanner, *iterator;
  CaseTable cases;
  pcre2_general_context *general;
  pcre2_compile_context *compile;
  pcre2_match_context *match_context, *slow_context;
  pcre2_jit_stack *stack;
} SreState;

static inline SreState *sre_state(VM *vm) { return cd_state(vm, MODULE__sre); }
static Pattern *as_pattern(Value v) { return (Pattern *)cd_object(v); }
static Match *as_match(Value v) { return (Match *)cd_object(v); }

// ---- PCRE2's memory is the VM's ----

typedef union SizedBlock { size_t size; max_align_t align; } SizedBlock;
static void *sre_malloc(size_t size, void *vm)
{
  SizedBlock *block = cd_alloc(vm, size + sizeof *block);
  if (!block) return NULL;
  block->size = size + sizeof *block;
  return block + 1;
}
static void sre_free(void *p, void *vm)
{
  if (!p) return;
  SizedBlock *block = (SizedBlock *)p - 1;
  cd_free(vm, block, block->size);
}

static int slow_callout(pcre2_callout_block *block, void *data)
{
  VM *vm = data;
  return block->callout_number == 255 && !cd_poll(vm) ? PCRE2_ERROR_CALLOUT : 0;
}

static bool sre_contexts(VM *vm, SreState *s)
{
  if (s->slow_context) return true;
  if (!s->general) s->general = pcre2_general_context_create(sre_malloc, sre_free, vm);
  if (s->general && !s->compile) s->compile = pcre2_compile_context_create(s->general);
  if (s->general && !s->match_context) s->match_context = pcre2_match_context_create(s->general);
  if (s->general && !s->stack) s->stack = pcre2_jit_stack_create(64 << 10, JIT_STACK_MAX, s->general);
  if (s->general) s->slow_context = pcre2_match_context_create(s->general);
  if (!s->compile || !s->match_context || !s->stack || !s->slow_context) return cd_raised(vm) ? false : cd_raise_memory(vm);
  pcre2_set_newline(s->compile, PCRE2_NEWLINE_LF);
  pcre2_set_compile_extra_options(s->compile, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
  pcre2_set_parens_nest_limit(s->compile, 20000);
  pcre2_set_match_limit(s->match_context, JIT_MATCH_LIMIT);
  pcre2_set_heap_limit(s->match_context, HEAP_LIMIT_KIB);
  pcre2_jit_stack_assign(s->match_context, NULL, s->stack);
  pcre2_set_match_limit(s->slow_context, UINT32_MAX);
  pcre2_set_depth_limit(s->slow_context, UINT32_MAX);
  pcre2_set_heap_limit(s->slow_context, HEAP_LIMIT_KIB);
  pcre2_set_callout(s->slow_context, slow_callout, vm);
  return true;
}

static pcre2_code *pattern_code(VM *vm, Pattern *p, Tie tie, bool slow)
{
  pcre2_code **slot = slow ? &p->slow[tie] : &p->code[tie];
  if (*slot) return *slot;
  SreState *s = sre_state(vm);
  int error;
  size_t offset;
  uint32_t options = PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
  if (!p->is_bytes) options |= PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK;
  if (tie != TIE_SEARCH) options |= PCRE2_ANCHORED;
  if (tie == TIE_FULL) options |= PCRE2_ENDANCHORED;
  if (slow) options |= PCRE2_AUTO_CALLOUT;
  *slot = pcre2_compile((PCRE2_SPTR)p->translation.text, p->translation.size, options, &error, &offset, s->compile);
  if (!*slot) {
    char message[256];
    if (cd_raised(vm)) return NULL;
    pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof message);
    cd_raise(vm, error == PCRE2_ERROR_NOMEMORY ? vm->exc.MemoryError : vm->exc.OverflowError, "regular expression is too large or not supported: %s", message);
    return NULL;
  }
  if (!slow) pcre2_jit_compile(*slot, PCRE2_JIT_COMPLETE);   // without JIT the interpreter runs
  return *slot;
}

// ---- subjects ----

// The text that is searched. Offsets inside are bytes; Python's are characters. A remembered pair of both makes conversions in
// order cheap.
typedef struct Subject {
  Value string;                                  // borrowed
  Buffer buffer;                                 // for bytes-like objects
  const char *data;
  size_t size;                                   // bytes
  int64_t length;                                // characters
  bool is_bytes, plain;                          // plain: a character is a byte
  size_t known_byte;
  int64_t known_char;
} Subject;

static bool subject_open(VM *vm, Subject *s, Value string)
{
  *s = (Subject){.string = string};
  if (cd_is_str(string)) {
    s->data = cd_str_data(string);
    s->size = cd_str_size(string);
    s->length = (int64_t)cd_str_length(string);
    s->plain = cd_as_str(string)->ascii;
    return true;
  }
  if (!cd_has_buffer(vm, string)) return cd_raise_type(vm, "expected string or bytes-like object, got '%T'", string);
  if (!cd_get_buffer(vm, string, &s->buffer, BUFFER_SIMPLE)) return false;
  s->data = s->buffer.data;
  s->size = (size_t)s->buffer.size;
  s->length = s->buffer.size;
  s->is_bytes = s->plain = true;
  return true;
}
static void subject_close(VM *vm, Subject *s)
{
  if (s->is_bytes) cd_release_buffer(vm, &s->buffer);
}
static int64_t subject_char(Subject *s, size_t byte)
{
  if (s->plain) return (int64_t)byte;
  if (byte >= s->known_byte) s->known_char += (int64_t)cd_utf8_count(s->data + s->known_byte, byte - s->known_byte);
  else if (byte > s->known_byte / 2) s->known_char -= (int64_t)cd_utf8_count(s->data + byte, s->known_byte - byte);
  else s->known_char = (int64_t)cd_utf8_count(s->data, byte);
  s->known_byte = byte;
  return s->known_char;
}
static size_t subject_byte(VM *vm, Subject *s, int64_t character)
{
  if (s->plain) return (size_t)character;
  if (character == s->known_char) return s->known_byte;
  size_t byte = character >= s->length ? s->size : cd_str_offset(vm, s->string, (size_t)character);
  s->known_byte = byte;
  s->known_char = character;
  return byte;
}
// A piece as str or bytes, by bytes.
static Ref subject_piece(VM *vm, Subject *s, size_t from, size_t to)
{
  if (s->is_bytes) return from == 0 && to == s->size && cd_is_exact(s->string, vm->types.bytes) ? cd_dup(s->string) : cd_bytes_new(vm, s->data + from, to - from);
  if (from == 0 && to == s->size && cd_is_exact(s->string, vm->types.str)) return cd_dup(s->string);
  return s->plain ? cd_str_ascii(vm, s->data + from, to - from) : cd_str_new(vm, s->data + from, to - from);
}
// A piece of any string by characters; the slice Python code would take.
static Ref string_slice(VM *vm, Value string, int64_t from, int64_t to)
{
  if (cd_is_exact(string, vm->types.str)) return cd_str_slice(vm, string, (size_t)from, (size_t)to);
  if (cd_is_exact(string, vm->types.bytes)) return cd_bytes_new(vm, cd_bytes_data(string) + from, (size_t)(to - from));
  Subject s;
  if (!subject_open(vm, &s, string)) return NO_REF;
  if (from > s.length) from = s.length;
  if (to > s.length) to = s.length;
  size_t a = subject_byte(vm, &s, from), b = subject_byte(vm, &s, to);
  Ref piece = subject_piece(vm, &s, a, b);
  subject_close(vm, &s);
  return piece;
}

// ---- running ----

// One series of matches of a pattern over a subject.
typedef struct Run {
  Pattern *pattern;                              // borrowed
  Subject subject;
  size_t start, end;                             // bytes: where the next match may start; where the subject ends for it
  int64_t pos, endpos;                           // characters, as the Match shows them
  bool must_advance;                             // an empty match at start does not count
  pcre2_match_data *data;
  PCRE2_SIZE *spans;
} Run;

static bool run_open(VM *vm, Run *r, Pattern *p, Value string, int64_t pos, int64_t endpos)
{
  *r = (Run){.pattern = p};
  if (!subject_open(vm, &r->subject, string)) return false;
  if (!cd_is_none(p->pattern) && r->subject.is_bytes != p->is_bytes) {
    subject_close(vm, &r->subject);
    return cd_raise_type(vm, p->is_bytes ? "cannot use a bytes pattern on a string-like object" : "cannot use a string pattern on a bytes-like object");
  }
  int64_t length = r->subject.length;
  r->pos = pos < 0 ? 0 : pos > length ? length : pos;
  r->endpos = endpos < 0 ? 0 : endpos > length ? length : endpos;
  r->start = subject_byte(vm, &r->subject, r->pos);
  r->end = r->endpos == length ? r->subject.size : subject_byte(vm, &r->subject, r->endpos);
  r->data = p->data;
  p->data = NULL;
  if (!r->data && !(r->data = pcre2_match_data_create(p->groups + 1, sre_state(vm)->general))) {
    subject_close(vm, &r->subject);
    return cd_raised(vm) ? false : cd_raise_memory(vm);
  }
  r->spans = pcre2_get_ovector_pointer(r->data);
  return true;
}
static void run_close(VM *vm, Run *r)
{
  if (r->pattern->data) pcre2_match_data_free(r->data);
  else r->pattern->data = r->data;
  subject_close(vm, &r->subject);
}

static Find run_error(VM *vm, int status)
{
  if (cd_raised(vm)) return FIND_ERROR;
  switch (status) {
  case PCRE2_ERROR_NOMEMORY:
  case PCRE2_ERROR_HEAPLIMIT: cd_raise_memory(vm); break;
  case PCRE2_ERROR_DEPTHLIMIT:
  case PCRE2_ERROR_RECURSELOOP: cd_raise_recursion(vm, " in a regular expression"); break;
  default: cd_raise_runtime(vm, "internal error in regular expression engine (%d)", status);
  }
  return FIND_ERROR;
}

// The next match from run->start on, its spans in bytes in run->spans.
static Find run_next(VM *vm, Run *r, Tie tie)
{
  if (r->start > r->end) return FIND_MISSING;
  SreState *s = sre_state(vm);
  pcre2_code *code = pattern_code(vm, r->pattern, tie, false);
  if (!code) return FIND_ERROR;
  uint32_t options = PCRE2_NO_UTF_CHECK | (r->must_advance ? PCRE2_NOTEMPTY_ATSTART : 0);
  int status = pcre2_match(code, (PCRE2_SPTR)r->subject.data, r->end, r->start, options, r->data, s->match_context);
  if (status == PCRE2_ERROR_MATCHLIMIT || status == PCRE2_ERROR_JIT_STACKLIMIT) {
    if (!(code = pattern_code(vm, r->pattern, tie, true))) return FIND_ERROR;
    status = pcre2_match(code, (PCRE2_SPTR)r->subject.data, r->end, r->start, options | PCRE2_NO_JIT, r->data, s->slow_context);
  }
  if (status == PCRE2_ERROR_NOMATCH) return FIND_MISSING;
  if (status < 0) return run_error(vm, status);
  for (uint32_t i = (uint32_t)status; i <= r->pattern->groups; i++) r->spans[2 * i] = r->spans[2 * i + 1] = PCRE2_UNSET;
  return cd_poll(vm) ? FIND_HIT : FIND_ERROR;
}
// After a match: the next one starts at its end, and is not empty there if this one was.
static void run_advance(Run *r)
{
  r->must_advance = r->spans[0] == r->spans[1];
  r->start = r->spans[1];
}

// Which group was closed last: of those with the furthest end the one whose parenthesis closes last.
static int64_t run_last_index(const Run *r)
{
  int64_t best = -1;
  for (uint32_t i = 1; i <= r->pattern->groups; i++) {
    if (r->spans[2 * i] == PCRE2_UNSET) continue;
    const uint16_t *order = r->pattern->translation.close_order;
    if (best < 0 || r->spans[2 * i + 1] > r->spans[2 * best + 1] || (r->spans[2 * i + 1] == r->spans[2 * best + 1] && order[i] > order[best])) best = i;
  }
  return best;
}

static Ref run_match(VM *vm, Run *r)
{
  uint32_t groups = r->pattern->groups;
  Match *m = cd_object_new(vm, sre_state(vm)->match, sizeof *m + (size_t)(groups + 1) * 2 * sizeof(int64_t));
  if (!m) return NO_REF;
  m->groups = groups;
  m->string = cd_dup(r->subject.string);
  m->pattern = cd_dup_object(r->pattern);
  m->pos = r->pos;
  m->endpos = r->endpos;
  m->lastindex = run_last_index(r);
  for (uint32_t i = 0; i < (groups + 1) * 2; i++) m->spans[i] = r->spans[i] == PCRE2_UNSET ? -1 : subject_char(&r->subject, r->spans[i]);
  return cd_from_object(m);
}

// A group's text, or `missing` (borrowed) when it took no part.
static Ref run_group(VM *vm, Run *r, uint32_t group, Value missing)
{
  if (r->spans[2 * group] == PCRE2_UNSET) return missing ? cd_dup(missing) : r->subject.is_bytes ? cd_bytes_new(vm, "", 0) : cd_str_new(vm, "", 0);
  return subject_piece(vm, &r->subject, r->spans[2 * group], r->spans[2 * group + 1]);
}

// ---- Pattern: searching ----

static bool range_arguments(VM *vm, const Value *args, int64_t *pos, int64_t *endpos)
{
  *pos = 0;
  *endpos = INT64_MAX;
  return (!args[0] || cd_to_i64(vm, args[0], pos, NULL)) && (!args[1] || cd_to_i64(vm, args[1], endpos, NULL));
}

static Ref pattern_once(VM *vm, Value self, const Value *args, Tie tie)
{
  Run r;
  int64_t pos, endpos;
  if (!range_arguments(vm, args + 1, &pos, &endpos) || !run_open(vm, &r, as_pattern(self), args[0], pos, endpos)) return NO_REF;
  Find found = run_next(vm, &r, tie);
  Ref result = found == FIND_HIT ? run_match(vm, &r) : found == FIND_MISSING ? cd_none() : NO_REF;
  run_close(vm, &r);
  return result;
}
METHOD(pattern, match, "match(self, /, string, pos=0, endpos=9223372036854775807)", "Match at the beginning of the string, or None.")
{
  return pattern_once(vm, self, args, TIE_MATCH);
}
METHOD(pattern, fullmatch, "fullmatch(self, /, string, pos=0, endpos=9223372036854775807)", "Match the whole string, or None.")
{
  return pattern_once(vm, self, args, TIE_FULL);
}
METHOD(pattern, search, "search(self, /, string, pos=0, endpos=9223372036854775807)", "The first match in the string, or None.")
{
  return pattern_once(vm, self, args, TIE_SEARCH);
}

// What findall gives for one match: the text, the only group, or a tuple of groups.
static Ref findall_item(VM *vm, Run *r)
{
  uint32_t groups = r->pattern->groups;
  if (groups <= 1) return run_group(vm, r, groups, NO_VALUE);
  Ref tuple = cd_tuple_new(vm, groups);
  for (uint32_t i = 1; tuple && i <= groups; i++) {
    Ref text = run_group(vm, r, i, NO_VALUE);
    if (!text) cd_drop(vm, cd_take(&tuple));
    else cd_tuple_set(tuple, i - 1, text);
  }
  return tuple;
}
METHOD(pattern, findall, "findall(self, /, string, pos=0, endpos=9223372036854775807)", "All matches that don't overlap, as a list of texts or of tuples of groups.")
{
  Run r;
  int64_t pos, endpos;
  if (!range_arguments(vm, args + 1, &pos, &endpos) || !run_open(vm, &r, as_pattern(self), args[0], pos, endpos)) return NO_REF;
  Ref list = cd_list_new(vm);
  Find found = FIND_ERROR;
  while (list && (found = run_next(vm, &r, TIE_SEARCH)) == FIND_HIT) {
    Ref item = findall_item(vm, &r);
    if (!item || !cd_list_append_steal(vm, cd_as_list(list), item)) {
      found = FIND_ERROR;
      break;
    }
    run_advance(&r);
  }
  run_close(vm, &r);
  if (list && found == FIND_ERROR) cd_drop(vm, cd_take(&list));
  return list;
}

METHOD(pattern, split, "split(self, /, string, maxsplit=0)", "The pieces between matches, with the groups of the matches in between.")
{
  Run r;
  int64_t most = 0, done = 0;
  if (args[1] && !cd_to_i64(vm, args[1], &most, vm->exc.OverflowError)) return NO_REF;
  if (!run_open(vm, &r, as_pattern(self), args[0], 0, INT64_MAX)) return NO_REF;
  Ref list = cd_list_new(vm), piece;
  size_t last = 0;
  Find found = FIND_MISSING;
  while (list && (!most || done < most) && (found = run_next(vm, &r, TIE_SEARCH)) == FIND_HIT) {
    piece = subject_piece(vm, &r.subject, last, r.spans[0]);
    if (!piece || !cd_list_append_steal(vm, cd_as_list(list), piece)) goto fail;
    for (uint32_t i = 1; i <= r.pattern->groups; i++)
      if (!(piece = run_group(vm, &r, i, cd_none())) || !cd_list_append_steal(vm, cd_as_list(list), piece)) goto fail;
    last = r.spans[1];
    done++;
    run_advance(&r);
  }
  if (!list || found == FIND_ERROR) goto fail;
  piece = subject_piece(vm, &r.subject, last, r.subject.size);
  if (!piece || !cd_list_append_steal(vm, cd_as_list(list), piece)) goto fail;
  run_close(vm, &r);
  return list;
fail:
  run_close(vm, &r);
  cd_drop(vm, list);
  return NO_REF;
}

// ---- Pattern: replacing ----

// What a replacement is: a literal (no backslash), or a function of the match.
static Ref sub_filter(VM *vm, Value self, Value replacement, bool *callable)
{
  *callable = cd_is_callable(vm, replacement);
  if (*callable) return cd_dup(replacement);
  bool literal = false;
  if (cd_is_str(replacement)) literal = !memchr(cd_str_data(replacement), '\\', cd_str_size(replacement));
  else if (cd_has_buffer(vm, replacement)) {
    Buffer buffer;
    if (!cd_get_buffer(vm, replacement, &buffer, BUFFER_SIMPLE)) return NO_REF;
    literal = !memchr(buffer.data, '\\', (size_t)buffer.size);
    cd_release_buffer(vm, &buffer);
  }
  if (literal) return cd_dup(replacement);
  Ref compile = cd_import_attr(vm, "re", "_subx"), filter = compile ? cd_call2(vm, compile, self, replacement) : NO_REF;
  cd_drop(vm, compile);
  if (filter) *callable = cd_is_callable(vm, filter);
  return filter;
}

static Ref join_pieces(VM *vm, Value list, Subject *s)
{
  Ref empty = s->is_bytes ? cd_bytes_new(vm, "", 0) : cd_str_new(vm, "", 0), result;
  if (!empty) return NO_REF;
  result = cd_list_size(list) == 0 ? cd_dup(empty) : cd_call_method1(vm, empty, N(join), list);
  cd_drop(vm, empty);
  return result;
}

static Ref pattern_replace(VM *vm, Value self, const Value *args, bool with_count)
{
  Run r;
  int64_t most = 0, done = 0;
  bool callable;
  if (args[2] && !cd_to_i64(vm, args[2], &most, vm->exc.OverflowError)) return NO_REF;
  Ref filter = sub_filter(vm, self, args[0], &callable), list = NO_REF, piece, result = NO_REF;
  if (!filter) return NO_REF;
  if (!run_open(vm, &r, as_pattern(self), args[1], 0, INT64_MAX)) {
    cd_drop(vm, filter);
    return NO_REF;
  }
  size_t last = 0;
  Find found = FIND_MISSING;
  if (!(list = cd_list_new(vm))) goto done;
  while ((!most || done < most) && (found = run_next(vm, &r, TIE_SEARCH)) == FIND_HIT) {
    size_t from = r.spans[0], to = r.spans[1];
    run_advance(&r);
    if (from > last && (!(piece = subject_piece(vm, &r.subject, last, from)) || !cd_list_append_steal(vm, cd_as_list(list), piece))) goto done;
    if (callable) {
      Ref match = run_match(vm, &r);
      piece = match ? cd_call1(vm, filter, match) : NO_REF;
      cd_drop(vm, match);
    } else piece = cd_dup(filter);
    if (!piece) goto done;
    if (cd_is_none(piece)) cd_drop(vm, piece);
    else if (!cd_list_append_steal(vm, cd_as_list(list), piece)) goto done;
    last = to;
    done++;
  }
  if (found == FIND_ERROR) goto done;
  if (done == 0 && !r.subject.is_bytes && cd_is_exact(args[1], vm->types.str)) result = cd_dup(args[1]);
  else {
    if (last < r.subject.size && (!(piece = subject_piece(vm, &r.subject, last, r.subject.size)) || !cd_list_append_steal(vm, cd_as_list(list), piece))) goto done;
    result = join_pieces(vm, list, &r.subject);
  }
  if (result && with_count) result = cd_tuple2_steal(vm, result, cd_int_from_i64(vm, done));
done:
  run_close(vm, &r);
  cd_drop(vm, list);
  cd_drop(vm, filter);
  return result;
}
METHOD(pattern, sub, "sub(self, /, repl, string, count=0)", "The string with matches replaced by repl: a template, or a function of the match.")
{
  return pattern_replace(vm, self, args, false);
}
METHOD(pattern, subn, "subn(self, /, repl, string, count=0)", "(string with matches replaced, number of replacements).")
{
  return pattern_replace(vm, self, args, true);
}

// ---- scanners ----

static Ref scanner_make(VM *vm, Value pattern, const Value *args)
{
  int64_t pos, endpos;
  Run r;
  if (!range_arguments(vm, args + 1, &pos, &endpos) || !run_open(vm, &r, as_pattern(pattern), args[0], pos, endpos)) return NO_REF;
  pos = r.pos;
  endpos = r.endpos;
  run_close(vm, &r);
  Scanner *s = cd_object_new(vm, sre_state(vm)->scanner, sizeof *s);
  if (!s) return NO_REF;
  s->pattern = cd_dup(pattern);
  s->string = cd_dup(args[0]);
  s->pos = pos;
  s->endpos = endpos;
  return cd_from_object(s);
}
static Ref scanner_step(VM *vm, Value self, Tie tie)
{
  Scanner *s = (Scanner *)cd_object(self);
  Run r;
  if (s->executing) return cd_raise_value(vm, "regular expression scanner already executing");
  if (s->pos < 0) return cd_none();
  if (!run_open(vm, &r, as_pattern(s->pattern), s->string, s->pos, s->endpos)) return NO_REF;
  r.must_advance = s->must_advance;
  s->executing = true;
  Find found = run_next(vm, &r, tie);
  s->executing = false;
  Ref result = found == FIND_HIT ? run_match(vm, &r) : found == FIND_MISSING ? cd_none() : NO_REF;
  if (found == FIND_HIT) {
    run_advance(&r);
    s->must_advance = r.must_advance;
    s->pos = subject_char(&r.subject, r.start);
  } else if (found == FIND_MISSING) s->pos = -1;
  run_close(vm, &r);
  return result;
}
METHOD(scanner, match, "match(self, /)", "The match right here, or None.")
{
  return scanner_step(vm, self, TIE_MATCH);
}
METHOD(scanner, search, "search(self, /)", "The next match, or None.")
{
  return scanner_step(vm, self, TIE_SEARCH);
}
static Next scanner_next(VM *vm, Value self, Ref *out)
{
  Ref match = scanner_step(vm, self, TIE_SEARCH);
  if (!match) return NEXT_ERROR;
  if (cd_is_none(match)) return NEXT_DONE;
  *out = match;
  return NEXT_ITEM;
}
static void scanner_release(VM *vm, Object *self)
{
  cd_clear(vm, &((Scanner *)self)->pattern);
  cd_clear(vm, &((Scanner *)self)->string);
}
static void scanner_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Scanner *)self)->pattern);
  visit(context, ((Scanner *)self)->string);
}
static const MethodDef *const scanner_methods[] = {&scanner_match_def, &scanner_search_def, NULL};
static const MemberDef scanner_members[] = {{"pattern", offsetof(Scanner, pattern), MEMBER_VALUE, false, "The pattern."}, {NULL, 0, 0, false, NULL}};
static const TypeSpec scanner_spec = {.name = "_sre.SRE_Scanner", .basicsize = sizeof(Scanner), .flags = TYPE_GC | TYPE_NO_NEW, .methods = scanner_methods,
                                      .members = scanner_members, .slots = {.release = scanner_release, .traverse = scanner_traverse}};

// finditer's iterator is a scanner that has no methods.
static Ref iterator_iter(VM *vm, Value self) { return cd_dup(self); }
static const TypeSpec iterator_spec = {.name = "_sre.MatchIterator", .basicsize = sizeof(Scanner), .flags = TYPE_GC | TYPE_NO_NEW,
                                       .slots = {.release = scanner_release, .traverse = scanner_traverse, .iter = iterator_iter, .next = scanner_next}};

METHOD(pattern, scanner, "scanner(self, /, string, pos=0, endpos=9223372036854775807)", "An object that matches step by step.")
{
  return scanner_make(vm, self, args);
}
METHOD(pattern, finditer, "finditer(self, /, string, pos=0, endpos=9223372036854775807)", "An iterator of all matches that don't overlap.")
{
  Ref scanner = scanner_make(vm, self, args);
  if (!scanner) return NO_REF;
  Scanner *it = cd_object_new(vm, sre_state(vm)->iterator, sizeof *it), *from = (Scanner *)cd_object(scanner);
  if (it) {
    it->pattern = cd_take(&from->pattern);
    it->string = cd_take(&from->string);
    it->pos = from->pos;
    it->endpos = from->endpos;
  }
  cd_drop(vm, scanner);
  return cd_from_object(it);
}

// ---- Pattern: the rest ----

METHOD(pattern, __copy__, "__copy__(self, /)", "The pattern itself.")
{
  return cd_dup(self);
}
METHOD(pattern, __deepcopy__, "__deepcopy__(self, memo, /)", "The pattern itself.")
{
  return cd_dup(self);
}
static Ref sre_class_item(VM *vm, Value self, Value item) { return cd_call2(vm, cd_type_value(vm->types.generic_alias), self, item); }
CLASS_METHOD(pattern, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585.")
{
  return sre_class_item(vm, self, args[0]);
}

static Ref pattern_get_groupindex(VM *vm, Value self) { return cd_call1(vm, cd_type_value(vm->types.mappingproxy), as_pattern(self)->groupindex); }

static Ref pattern_repr(VM *vm, Value self)
{
  static const struct { int64_t flag; const char *name; } names[] = {
    {1, "re.TEMPLATE"}, {2, "re.IGNORECASE"}, {4, "re.LOCALE"}, {8, "re.MULTILINE"}, {16, "re.DOTALL"}, {64, "re.VERBOSE"}, {128, "re.DEBUG"}, {256, "re.ASCII"}};
  Pattern *p = as_pattern(self);
  int64_t flags = p->flags;
  if (!p->is_bytes && (flags & (SRE_FLAG_LOCALE | SRE_FLAG_UNICODE | SRE_FLAG_ASCII)) == SRE_FLAG_UNICODE) flags &= ~(int64_t)SRE_FLAG_UNICODE;
  TextBuilder out;
  cd_text_init(&out, vm);
  bool ok = cd_text_format(&out, "re.compile(%.200R", p->pattern), first = true;
  for (size_t i = 0; ok && i < ARRAY_LEN(names); i++)
    if (flags & names[i].flag) {
      ok = cd_text_puts(&out, first ? ", " : "|") && cd_text_puts(&out, names[i].name);
      flags &= ~names[i].flag;
      first = false;
    }
  if (ok && flags) ok = cd_text_format(&out, "%s0x%x", first ? ", " : "|", (unsigned)flags);
  ok = ok && cd_text_puts(&out, ")");
  if (ok) return cd_text_finish(&out);
  cd_text_clear(&out);
  return NO_REF;
}

static bool pattern_hash(VM *vm, Value self, int64_t *out)
{
  if (!cd_hash(vm, as_pattern(self)->pattern, out)) return false;
  *out ^= as_pattern(self)->flags * 1000003 ^ as_pattern(self)->groups;
  if (*out == -1) *out = -2;
  return true;
}
static Ref pattern_compare(VM *vm, Value a, Value b, CompareOp op)
{
  Type *type = sre_state(vm)->pattern;
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !cd_is_exact(a, type) || !cd_is_exact(b, type)) return cd_not_implemented();
  bool equal = cd_is(a, b);
  Pattern *x = as_pattern(a), *y = as_pattern(b);
  if (!equal && x->flags == y->flags && x->is_bytes == y->is_bytes && x->translation.size == y->translation.size &&
      !memcmp(x->translation.text, y->translation.text, x->translation.size) && !cd_equal(vm, x->pattern, y->pattern, &equal))
    return NO_REF;
  return cd_bool(equal == (op == COMPARE_EQ));
}

static void pattern_release(VM *vm, Object *self)
{
  Pattern *p = (Pattern *)self;
  for (int i = 0; i < TIE_COUNT; i++) {
    pcre2_code_free(p->code[i]);
    pcre2_code_free(p->slow[i]);
  }
  pcre2_match_data_free(p->data);
  cd_re_translation_clear(vm, &p->translation);
  cd_clear(vm, &p->pattern);
  cd_clear(vm, &p->groupindex);
  cd_clear(vm, &p->indexgroup);
}
static void pattern_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Pattern *)self)->pattern);
  visit(context, ((Pattern *)self)->groupindex);
  visit(context, ((Pattern *)self)->indexgroup);
}

static Ref pattern_get_flags(VM *vm, Value self) { return cd_int_from_i64(vm, as_pattern(self)->flags); }
static Ref pattern_get_groups(VM *vm, Value self) { return cd_from_small(as_pattern(self)->groups); }

static const MethodDef *const pattern_methods[] = {
  &pattern_match_def, &pattern_fullmatch_def, &pattern_search_def, &pattern_sub_def, &pattern_subn_def, &pattern_findall_def, &pattern_finditer_def,
  &pattern_split_def, &pattern_scanner_def, &pattern___copy___def, &pattern___deepcopy___def, &pattern___class_getitem___def, NULL};
static const GetSetDef pattern_getset[] = {{"groupindex", "Names of groups and their numbers.", pattern_get_groupindex, NULL},
                                           {"flags", "The flags, those written in the pattern included.", pattern_get_flags, NULL},
                                           {"groups", "Number of groups.", pattern_get_groups, NULL},
                                           {NULL, NULL, NULL, NULL}};
static const MemberDef pattern_members[] = {{"pattern", offsetof(Pattern, pattern), MEMBER_VALUE, false, "The text it was made from."}, {NULL, 0, 0, false, NULL}};
static const TypeSpec pattern_spec = {.name = "re.Pattern", .doc = "A compiled regular expression.", .basicsize = sizeof(Pattern),
                                      .flags = TYPE_GC | TYPE_NO_NEW | TYPE_HAS_WEAKREFS, .weaklist_offset = offsetof(Pattern, weaklist), .methods = pattern_methods,
                                      .getset = pattern_getset, .members = pattern_members,
                                      .slots = {.repr = pattern_repr, .hash = pattern_hash, .compare = pattern_compare, .release = pattern_release,
                                                .traverse = pattern_traverse}};

// ---- Match ----

// Number of a group given by number or name; -1: no such group (IndexError set).
static int64_t match_group_number(VM *vm, Match *m, Value v)
{
  int64_t number = -1;
  if (cd_is_int(v) || cd_type_of(vm, v)->slots.index) {
    if (!cd_to_i64(vm, v, &number, NULL)) return -1;
  } else {
    Ref found;
    Find hit = cd_dict_find(vm, as_pattern(m->pattern)->groupindex, v, &found);
    if (hit == FIND_ERROR) cd_clear_raised(vm);
    if (hit == FIND_HIT) {
      if (!cd_int_fits_i64(found, &number)) number = -1;
      cd_drop(vm, found);
    }
  }
  if (number >= 0 && number <= m->groups) return number;
  cd_raise_index(vm, "no such group");
  return -1;
}
static Ref match_text(VM *vm, Match *m, int64_t group, Value missing)
{
  if (m->spans[2 * group] < 0) return cd_dup(missing);
  return string_slice(vm, m->string, m->spans[2 * group], m->spans[2 * group + 1]);
}
static Ref match_text_of(VM *vm, Match *m, Value group)
{
  int64_t number = match_group_number(vm, m, group);
  return number < 0 ? NO_REF : match_text(vm, m, number, cd_none());
}

METHOD_RAW(match, group, "group(self, /, *groups)", "Text of a group by number or name, of the whole match by default; of several as a tuple.")
{
  Match *m = as_match(self);
  if (!cd_no_keywords(vm, "group", kwnames)) return NO_REF;
  if (nargs == 0) return match_text(vm, m, 0, cd_none());
  if (nargs == 1) return match_text_of(vm, m, args[0]);
  Ref tuple = cd_tuple_new(vm, nargs);
  for (size_t i = 0; tuple && i < nargs; i++) {
    Ref text = match_text_of(vm, m, args[i]);
    if (!text) cd_drop(vm, cd_take(&tuple));
    else cd_tuple_set(tuple, i, text);
  }
  return tuple;
}
static Ref match_getitem(VM *vm, Value self, Value key) { return match_text_of(vm, as_match(self), key); }

METHOD(match, groups, "groups(self, /, default=None)", "Texts of all groups as a tuple; default for those that took no part.")
{
  Match *m = as_match(self);
  Ref tuple = cd_tuple_new(vm, m->groups);
  for (uint32_t i = 1; tuple && i <= m->groups; i++) {
    Ref text = match_text(vm, m, i, args[0] ? args[0] : (Value)cd_none());
    if (!text) cd_drop(vm, cd_take(&tuple));
    else cd_tuple_set(tuple, i - 1, text);
  }
  return tuple;
}
METHOD(match, groupdict, "groupdict(self, /, default=None)", "Texts of the named groups as a dict; default for those that took no part.")
{
  Match *m = as_match(self);
  Ref dict = cd_dict_new(vm);
  Value name, number;
  for (size_t i = 0; dict && cd_dict_each(as_pattern(m->pattern)->groupindex, &i, &name, &number);) {
    int64_t group;
    Ref text = cd_int_fits_i64(number, &group) && group <= m->groups ? match_text(vm, m, group, args[0] ? args[0] : (Value)cd_none()) : NO_REF;
    if (!text || !cd_dict_set(vm, dict, name, text)) cd_drop(vm, cd_take(&dict));
    cd_drop(vm, text);
  }
  return dict;
}

static Ref match_edge(VM *vm, Value self, Value group, int which)
{
  int64_t number = group ? match_group_number(vm, as_match(self), group) : 0;
  return number < 0 ? NO_REF : cd_int_from_i64(vm, as_match(self)->spans[2 * number + which]);
}
METHOD(match, start, "start(self, group=0, /)", "Where a group starts; -1 if it took no part.")
{
  return match_edge(vm, self, args[0], 0);
}
METHOD(match, end, "end(self, group=0, /)", "Where a group ends; -1 if it took no part.")
{
  return match_edge(vm, self, args[0], 1);
}
static Ref span_pair(VM *vm, Match *m, int64_t group)
{
  return cd_tuple2_steal(vm, cd_int_from_i64(vm, m->spans[2 * group]), cd_int_from_i64(vm, m->spans[2 * group + 1]));
}
METHOD(match, span, "span(self, group=0, /)", "(start, end) of a group.")
{
  int64_t number = args[0] ? match_group_number(vm, as_match(self), args[0]) : 0;
  return number < 0 ? NO_REF : span_pair(vm, as_match(self), number);
}
METHOD(match, expand, "expand(self, /, template)", "The template with its references filled in from this match.")
{
  Ref function = cd_import_attr(vm, "re", "_expand"), result = function ? cd_call3(vm, function, as_match(self)->pattern, self, args[0]) : NO_REF;
  cd_drop(vm, function);
  return result;
}
METHOD(match, __copy__, "__copy__(self, /)", "The match itself.")
{
  return cd_dup(self);
}
METHOD(match, __deepcopy__, "__deepcopy__(self, memo, /)", "The match itself.")
{
  return cd_dup(self);
}
CLASS_METHOD(match, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585.")
{
  return sre_class_item(vm, self, args[0]);
}

static Ref match_get_lastindex(VM *vm, Value self) { return as_match(self)->lastindex < 0 ? cd_none() : cd_from_small(as_match(self)->lastindex); }
static Ref match_get_lastgroup(VM *vm, Value self)
{
  Match *m = as_match(self);
  Value names = as_pattern(m->pattern)->indexgroup;
  return m->lastindex >= 0 && (size_t)m->lastindex < cd_tuple_size(names) ? cd_dup(cd_tuple_item_borrow(names, (size_t)m->lastindex)) : cd_none();
}
static Ref match_get_regs(VM *vm, Value self)
{
  Match *m = as_match(self);
  if (m->regs) return cd_dup(m->regs);
  Ref regs = cd_tuple_new(vm, m->groups + 1);
  for (uint32_t i = 0; regs && i <= m->groups; i++) {
    Ref pair = span_pair(vm, m, i);
    if (!pair) cd_drop(vm, cd_take(&regs));
    else cd_tuple_set(regs, i, pair);
  }
  if (regs) m->regs = cd_dup(regs);
  return regs;
}
static Ref match_repr(VM *vm, Value self)
{
  Match *m = as_match(self);
  Ref text = match_text(vm, m, 0, cd_none());
  Ref result = text ? cd_str_format(vm, "<re.Match object; span=(%lld, %lld), match=%.50R>", (long long)m->spans[0], (long long)m->spans[1], text) : NO_REF;
  cd_drop(vm, text);
  return result;
}
static bool match_truth(VM *vm, Value self, bool *out)
{
  *out = true;
  return true;
}
static void match_release(VM *vm, Object *self)
{
  cd_clear(vm, &((Match *)self)->string);
  cd_clear(vm, &((Match *)self)->pattern);
  cd_clear(vm, &((Match *)self)->regs);
}
static void match_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Match *)self)->string);
  visit(context, ((Match *)self)->pattern);
  visit(context, ((Match *)self)->regs);
}
static size_t match_size(Object *self) { return sizeof(Match) + (size_t)(((Match *)self)->groups + 1) * 2 * sizeof(int64_t); }

static const MethodDef *const match_methods[] = {&match_group_def, &match_start_def, &match_end_def, &match_span_def, &match_groups_def, &match_groupdict_def,
                                                 &match_expand_def, &match___copy___def, &match___deepcopy___def, &match___class_getitem___def, NULL};
static const GetSetDef match_getset[] = {{"lastindex", "Number of the group that was closed last, or None.", match_get_lastindex, NULL},
                                         {"lastgroup", "Name of the group that was closed last, or None.", match_get_lastgroup, NULL},
                                         {"regs", "Spans of all groups.", match_get_regs, NULL},
                                         {NULL, NULL, NULL, NULL}};
static const MemberDef match_members[] = {{"string", offsetof(Match, string), MEMBER_VALUE, false, "The string that was searched."},
                                          {"re", offsetof(Match, pattern), MEMBER_VALUE, false, "The pattern."},
                                          {"pos", offsetof(Match, pos), MEMBER_I64, false, "Where the search began."},
                                          {"endpos", offsetof(Match, endpos), MEMBER_I64, false, "Where the search would have ended."},
                                          {NULL, 0, 0, false, NULL}};
static const TypeSpec match_spec = {.name = "re.Match", .doc = "What a regular expression found.", .basicsize = sizeof(Match), .flags = TYPE_GC | TYPE_NO_NEW,
                                    .methods = match_methods, .getset = match_getset, .members = match_members,
                                    .slots = {.repr = match_repr, .getitem = match_getitem, .truth = match_truth, .release = match_release,
                                              .traverse = match_traverse, .alloc_size = match_size}};

// ---- the module ----

static bool read_code(VM *vm, Value list, uint32_t **out)
{
  size_t count = cd_list_size(list);
  uint32_t *code = cd_alloc_array(vm, count + 1, sizeof *code);
  if (!code) return false;
  for (size_t i = 0; i < count; i++) {
    Value item = cd_list_item_borrow(list, i);
    uint64_t word;
    if (!cd_is_int(item) || !cd_int_fits_u64(item, &word) || word > UINT32_MAX) {
      cd_free(vm, code, (count + 1) * sizeof *code);
      return cd_raise_overflow(vm, "regular expression code size limit exceeded");
    }
    code[i] = (uint32_t)word;
  }
  *out = code;
  return true;
}

FUNCTION(_sre, compile, "compile(pattern, flags, code, groups, groupindex, indexgroup)", "Make a Pattern from instructions of re/_compiler.py.")
{
  SreState *state = sre_state(vm);
  int64_t flags, groups;
  uint32_t *code;
  if (!cd_to_i64(vm, args[1], &flags, vm->exc.OverflowError) || !cd_to_i64(vm, args[3], &groups, vm->exc.OverflowError)) return NO_REF;
  if (!cd_is_list(args[2])) return cd_raise_type(vm, "compile() argument 'code' must be list, not %T", args[2]);
  if (!cd_is_dict(args[4])) return cd_raise_type(vm, "compile() argument 'groupindex' must be dict, not %T", args[4]);
  if (!cd_is_tuple(args[5])) return cd_raise_type(vm, "compile() argument 'indexgroup' must be tuple, not %T", args[5]);
  if (groups < 0 || groups > 65534) return cd_raise_overflow(vm, "too many groups in a regular expression");
  if (!cd_re_case_table(vm, &state->cases) || !sre_contexts(vm, state)) return NO_REF;
  Pattern *p = cd_object_new(vm, state->pattern, sizeof *p);
  if (!p) return NO_REF;
  Ref made = cd_from_object(p);
  p->pattern = cd_dup(args[0]);
  p->groupindex = cd_dup(args[4]);
  p->indexgroup = cd_dup(args[5]);
  p->flags = flags;
  p->is_bytes = cd_is_none(args[0]) ? !(flags & SRE_FLAG_UNICODE) : !cd_is_str(args[0]);
  size_t count = cd_list_size(args[2]);
  if (!read_code(vm, args[2], &code)) goto fail;
  bool ok = cd_re_translate(vm, &state->cases, code, count, (uint32_t)groups, !p->is_bytes, &p->translation);
  cd_free(vm, code, (count + 1) * sizeof *code);
  if (!ok) goto fail;
  p->groups = (uint32_t)groups;
  return made;
fail:
  cd_drop(vm, made);
  return NO_REF;
}

FUNCTION(_sre, getcodesize, "getcodesize()", "Bytes of one instruction word.")
{
  return cd_from_small(4);
}

static bool sre_char(VM *vm, Value v, uint32_t *out)
{
  int character;
  if (!cd_to_c_int(vm, v, &character)) return false;
  *out = (uint32_t)character;
  return true;
}
FUNCTION(_sre, ascii_iscased, "ascii_iscased(character, /)", "Does the ASCII character have another case?")
{
  uint32_t c;
  return sre_char(vm, args[0], &c) ? cd_bool(c < 128 && isalpha((int)c)) : NO_REF;
}
FUNCTION(_sre, unicode_iscased, "unicode_iscased(character, /)", "Does the character have another case?")
{
  uint32_t c;
  return sre_char(vm, args[0], &c) ? cd_bool(cd_char_simple_lower(c) != c || cd_char_simple_upper(c) != c) : NO_REF;
}
FUNCTION(_sre, ascii_tolower, "ascii_tolower(character, /)", "The ASCII character's lower case.")
{
  uint32_t c;
  return sre_char(vm, args[0], &c) ? cd_from_small(c >= 'A' && c <= 'Z' ? c + 32 : c) : NO_REF;
}
FUNCTION(_sre, unicode_tolower, "unicode_tolower(character, /)", "The character's lower case.")
{
  uint32_t c;
  return sre_char(vm, args[0], &c) ? cd_from_small(cd_char_simple_lower(c)) : NO_REF;
}

static bool sre_exec(VM *vm, Value module)
{
  SreState *state = sre_state(vm);
  return (state->pattern = cd_type_from_spec(vm, &pattern_spec, NO_VALUE)) && (state->match = cd_type_from_spec(vm, &match_spec, NO_VALUE)) &&
         (state->scanner = cd_type_from_spec(vm, &scanner_spec, NO_VALUE)) && (state->iterator = cd_type_from_spec(vm, &iterator_spec, NO_VALUE)) &&
         cd_module_add_int(vm, module, "MAGIC", SRE_MAGIC) && cd_module_add_int(vm, module, "CODESIZE", 4) &&
         cd_module_add_int(vm, module, "MAXREPEAT", SRE_MAXREPEAT) && cd_module_add_int(vm, module, "MAXGROUPS", 1073741823) &&
         cd_module_add_text(vm, module, "copyright", "Cede's regular expressions run on PCRE2");
}

static void sre_clear(VM *vm, void *data)
{
  SreState *s = data;
  Type **types[] = {&s->pattern, &s->match, &s->scanner, &s->iterator};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) {
    Type *type = *types[i];
    *types[i] = NULL;
    cd_drop_object(vm, type);
  }
  pcre2_match_context_free(s->slow_context);
  pcre2_match_context_free(s->match_context);
  pcre2_jit_stack_free(s->stack);
  pcre2_compile_context_free(s->compile);
  pcre2_general_context_free(s->general);
  cd_free(vm, s->cases.pairs, s->cases.capacity * sizeof *s->cases.pairs);
  *s = (SreState){0};
}

static const MethodDef *const sre_functions[] = {&_sre_compile_def, &_sre_getcodesize_def, &_sre_ascii_iscased_def, &_sre_unicode_iscased_def,
                                                 &_sre_ascii_tolower_def, &_sre_unicode_tolower_def, NULL};
const ModuleDef cd_module__sre = {"_sre", "Regular expressions: the engine of the re module.", sre_functions, sizeof(SreState), sre_exec, NULL, sre_clear};
