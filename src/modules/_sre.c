// SPDX-License-Identifier: MIT
// _sre.c: RePattern, Match and ReScanner, the types behind the library's re
#include "modules/module_list.h"
#include "modules/re_program.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/generic_alias.h"
#include "objects/instance.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/misc.h"
#include "objects/protocol.h"
#include "objects/str_private.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"

#include <ctype.h>

enum { SRE_MAGIC = 20220615, SRE_CODE_SIZE = 4 };
#define SRE_MAX_REPEAT UINT32_MAX
#define SRE_MAX_GROUPS INT64_C(1073741823)

typedef struct SreState {
  Type *pattern, *match, *scanner, *iterator;    // owned
  RePcre *pcre;
} SreState;

typedef struct RePattern {
  Object head;
  Weakref *weaklist;
  Value pattern;                                 // str, bytes, or None
  Value groupindex;                              // dict: name -> number
  Value indexgroup;                              // tuple: number -> name or None
  uint32_t *code;
  size_t code_size;
  uint32_t groups;
  int64_t flags;
  bool bytes, generic;                           // generic: made without a text; takes both kinds of subjects
  ReTree tree;
  uint64_t locale_mark;                          // of the locale the tree was read in, if it depends on it
  RePcreForms forms;
  ReCode *instructions;                          // of our own engine; NULL until needed
} RePattern;

typedef struct Match {
  Object head;
  Value string;                                  // the subject
  Value pattern;                                 // owned RePattern
  Value regs;                                    // tuple, made when first asked for
  int64_t pos, endpos;
  uint32_t groups, last_group;                   // last_group 0: none
  bool text;                                     // subject is str: offsets are of its UTF-8
  size_t offsets[];                              // 2 * (groups + 1) bytes; RE_UNSET
} Match;

static inline RePattern *pattern_of(Value v) { return (RePattern *)cd_object(v); }
static inline Match *match_of(Value v) { return (Match *)cd_object(v); }

// ---- subjects ----

// A subject in use. `from` is where to start, in bytes; pos and endpos are what the caller gave, put into range.
typedef struct Subject {
  Value string;                                  // borrowed
  Buffer buffer;                                 // of a bytes-like object
  ReSubject bytes;
  size_t from, size;                             // size: of the whole subject, in bytes
  int64_t pos, endpos;
  bool text;
} Subject;

typedef struct ReScanner {
  Object head;
  Value pattern, string;                         // owned
  Subject subject;                               // open while the scanner lives
  int64_t start;                                 // byte offset of the next try; -1: over
  bool must_advance;
} ReScanner;

static bool subject_bounds(VM *vm, Value pos, Value endpos, int64_t *out_pos, int64_t *out_end)
{
  *out_pos = 0;
  *out_end = INT64_MAX;
  return (!pos || cd_to_ssize(vm, pos, out_pos)) && (!endpos || cd_to_ssize(vm, endpos, out_end));
}

static int64_t subject_clamp(int64_t i, int64_t length) { return i < 0 ? 0 : i > length ? length : i; }

static bool subject_open(VM *vm, Subject *s, const RePattern *pattern, Value string, int64_t pos, int64_t endpos)
{
  *s = (Subject){.string = string, .text = cd_is_str(string)};
  s->buffer.owner = NO_VALUE;
  int64_t length;
  if (s->text) {
    s->bytes.data = cd_str_data(string);
    s->bytes.utf8 = !cd_as_str(string)->ascii;
    s->size = cd_str_size(string);
    length = (int64_t)cd_str_length(string);
  } else {
    if (!cd_has_buffer(vm, string) || !cd_get_buffer(vm, string, &s->buffer, BUFFER_SIMPLE)) {
      s->buffer.owner = NO_VALUE;
      if (!cd_raised(vm)) cd_raise_type(vm, "expected string or bytes-like object, got '%.200T'", string);
      return false;
    }
    s->bytes.data = s->buffer.data;
    length = (int64_t)(s->size = (size_t)s->buffer.size);
  }
  if (!pattern->generic && s->text == pattern->bytes) {
    cd_release_buffer(vm, &s->buffer);
    return cd_raise_type(vm, pattern->bytes ? "cannot use a bytes pattern on a string-like object"
                                            : "cannot use a string pattern on a bytes-like object");
  }
  s->pos = subject_clamp(pos, length);
  s->endpos = subject_clamp(endpos, length);
  s->from = s->text ? cd_str_offset(vm, string, (size_t)s->pos) : (size_t)s->pos;
  s->bytes.end = s->text ? cd_str_offset(vm, string, (size_t)s->endpos) : (size_t)s->endpos;
  if (!s->bytes.data) s->bytes.data = "";
  return true;
}

static void subject_close(VM *vm, Subject *s) { cd_release_buffer(vm, &s->buffer); }

// Bytes [from, to) of the subject as str or bytes.
static Ref subject_slice(VM *vm, const Subject *s, size_t from, size_t to)
{
  if (s->text) return cd_str_piece(vm, s->string, from, to);
  if (from == 0 && to == s->size && cd_is_exact(s->string, vm->types.bytes)) return cd_dup(s->string);
  return cd_bytes_new(vm, s->bytes.data + from, to - from);
}

// ---- running ----

static uint64_t pattern_locale_mark(void)
{
  uint64_t mark = 0xCBF29CE484222325u;
  for (int c = 128; c < 256; c++) mark = (mark ^ (uint64_t)(tolower(c) | toupper(c) << 8 | (isalnum(c) != 0) << 16)) * 0x100000001B3u;
  return mark;
}

// Reads the tree anew if the locale has changed.
static bool pattern_check_locale(VM *vm, RePattern *p)
{
  uint64_t mark = pattern_locale_mark();
  if (mark == p->locale_mark) return true;
  ReTree tree;
  if (!cd_re_tree_read(vm, &tree, p->code, p->code_size, p->groups, p->bytes)) return false;
  cd_re_pcre_clear(vm, &p->forms);
  cd_re_tree_clear(&p->tree);
  p->tree = tree;
  p->instructions = NULL;
  p->locale_mark = mark;
  return true;
}

static ReResult pattern_run(VM *vm, RePattern *p, ReRequest *request)
{
  SreState *state = cd_state(vm, MODULE__sre);
  if (!state || !state->pcre) { cd_raise_runtime(vm, "_sre is gone"); return RE_RUN_ERROR; }
  if (request->start > request->subject->end) return RE_RUN_NO;
  if (UNLIKELY(p->tree.locale) && !pattern_check_locale(vm, p)) return RE_RUN_ERROR;
  ReResult result = cd_re_pcre_run(vm, state->pcre, &p->forms, &p->tree, request);
  if (LIKELY(result != RE_RUN_UNFIT)) return result;
  if (!p->instructions && !(p->instructions = cd_re_assemble(vm, &p->tree))) return RE_RUN_ERROR;
  return cd_re_backtrack(vm, &p->tree, p->instructions, request);
}

static Ref match_new(VM *vm, Value pattern, const Subject *s, const ReRequest *request)
{
  SreState *state = cd_state(vm, MODULE__sre);
  const RePattern *p = pattern_of(pattern);
  size_t size = 2 * ((size_t)p->groups + 1) * sizeof(size_t);
  Match *m = cd_object_new(vm, state->match, sizeof *m + size);
  if (!m) return NO_REF;
  m->groups = p->groups;
  m->string = cd_dup(s->string);
  m->pattern = cd_dup(pattern);
  m->pos = s->pos;
  m->endpos = s->endpos;
  m->text = s->text;
  m->last_group = request->last_group;
  memcpy(m->offsets, request->offsets, size);
  return cd_from_object(m);
}

// Room for the offsets of a match; small ones on the C stack.
typedef struct Offsets { size_t small[2 * 12], *items; } Offsets;

static bool offsets_open(VM *vm, Offsets *o, const RePattern *p)
{
  o->items = o->small;
  return p->groups < 12 || (o->items = cd_alloc_array(vm, 2 * ((size_t)p->groups + 1), sizeof *o->items));
}
static void offsets_close(VM *vm, Offsets *o, const RePattern *p)
{
  if (o->items != o->small) cd_free(vm, o->items, 2 * ((size_t)p->groups + 1) * sizeof *o->items);
}

// ---- RePattern: match, search, fullmatch ----

static Ref pattern_try(VM *vm, Value self, const Value *args, ReMode mode)
{
  RePattern *p = pattern_of(self);
  Subject s;
  Offsets offsets;
  int64_t pos, endpos;
  if (!subject_bounds(vm, args[1], args[2], &pos, &endpos) || !subject_open(vm, &s, p, args[0], pos, endpos)) return NO_REF;
  Ref match = NO_REF;
  if (offsets_open(vm, &offsets, p)) {
    ReRequest request = {.subject = &s.bytes, .start = s.from, .mode = mode, .offsets = offsets.items};
    ReResult result = pattern_run(vm, p, &request);
    match = result == RE_RUN_YES ? match_new(vm, self, &s, &request) : result == RE_RUN_NO ? cd_none() : NO_REF;
    offsets_close(vm, &offsets, p);
  }
  subject_close(vm, &s);
  return match;
}

METHOD(pattern, match, "match(self, /, string, pos=0, endpos=sys.maxsize)",
       "Matches zero or more characters at the beginning of the string.")
{
  return pattern_try(vm, self, args, RE_MATCH);
}
METHOD(pattern, fullmatch, "fullmatch(self, /, string, pos=0, endpos=sys.maxsize)", "Matches against all of the string.")
{
  return pattern_try(vm, self, args, RE_FULLMATCH);
}
METHOD(pattern, search, "search(self, /, string, pos=0, endpos=sys.maxsize)",
       "Looks for the first place in the string where the pattern matches.\n\nReturns None if there is none.")
{
  return pattern_try(vm, self, args, RE_SEARCH);
}

// ---- walking through all matches ----

typedef struct Walk {
  Subject subject;
  Offsets offsets;
  ReRequest request;
  RePattern *pattern;                              // kept alive by the caller
} Walk;

static bool walk_open(VM *vm, Walk *w, Value pattern, Value string, int64_t pos, int64_t endpos)
{
  w->pattern = pattern_of(pattern);
  if (!subject_open(vm, &w->subject, w->pattern, string, pos, endpos)) return false;
  if (!offsets_open(vm, &w->offsets, w->pattern)) { subject_close(vm, &w->subject); return false; }
  w->request = (ReRequest){.subject = &w->subject.bytes, .start = w->subject.from, .mode = RE_SEARCH, .offsets = w->offsets.items};
  return true;
}

static void walk_close(VM *vm, Walk *w)
{
  offsets_close(vm, &w->offsets, w->pattern);
  subject_close(vm, &w->subject);
}

// The next match; the one after it starts at its end, and is not empty there if this one is empty.
static ReResult walk_next(VM *vm, Walk *w)
{
  ReResult result = pattern_run(vm, w->pattern, &w->request);
  if (result != RE_RUN_YES) return result;
  w->request.start = w->offsets.items[1];
  w->request.not_empty_at_start = w->offsets.items[0] == w->offsets.items[1];
  return cd_poll(vm) ? RE_RUN_YES : RE_RUN_ERROR;
}

// Text of a group of the last match; `fallback` (borrowed) if it took no part.
static Ref walk_group(VM *vm, const Walk *w, uint32_t group, Value fallback)
{
  const size_t *span = w->offsets.items + 2 * group;
  if (span[0] != RE_UNSET) return subject_slice(vm, &w->subject, span[0], span[1]);
  return fallback ? cd_dup(fallback) : subject_slice(vm, &w->subject, 0, 0);
}

static Ref walk_groups(VM *vm, const Walk *w)
{
  uint32_t groups = w->pattern->groups;
  if (groups <= 1) return walk_group(vm, w, groups, NO_VALUE);
  Ref tuple = cd_tuple_new(vm, groups);
  for (uint32_t i = 0; tuple && i < groups; i++) {
    Ref text = walk_group(vm, w, i + 1, NO_VALUE);
    if (!text) { cd_drop(vm, tuple); return NO_REF; }
    cd_tuple_set(tuple, i, text);
  }
  return tuple;
}

METHOD(pattern, findall, "findall(self, /, string, pos=0, endpos=sys.maxsize)",
       "Return a list of all matches: their texts, or their groups if the pattern has any.")
{
  Walk w;
  int64_t pos, endpos;
  if (!subject_bounds(vm, args[1], args[2], &pos, &endpos) || !walk_open(vm, &w, self, args[0], pos, endpos)) return NO_REF;
  Ref list = cd_list_new(vm);
  ReResult result = list ? RE_RUN_YES : RE_RUN_ERROR;
  while (result == RE_RUN_YES && (result = walk_next(vm, &w)) == RE_RUN_YES)
    if (!cd_list_append_steal(vm, cd_as_list(list), walk_groups(vm, &w))) result = RE_RUN_ERROR;
  walk_close(vm, &w);
  if (result == RE_RUN_NO) return list;
  cd_drop(vm, list);
  return NO_REF;
}

METHOD(pattern, split, "split(self, /, string, maxsplit=0)", "Split the string at the matches; groups are put between the pieces.")
{
  Walk w;
  int64_t max = 0;
  if (args[1] && !cd_to_ssize(vm, args[1], &max)) return NO_REF;
  if (!walk_open(vm, &w, self, args[0], 0, INT64_MAX)) return NO_REF;
  Ref list = cd_list_new(vm);
  ReResult result = list ? RE_RUN_YES : RE_RUN_ERROR;
  size_t from = 0;
  for (int64_t n = 0; result == RE_RUN_YES && (max == 0 || n < max); n++) {
    if ((result = walk_next(vm, &w)) != RE_RUN_YES) break;
    if (!cd_list_append_steal(vm, cd_as_list(list), subject_slice(vm, &w.subject, from, w.offsets.items[0]))) result = RE_RUN_ERROR;
    for (uint32_t g = 1; result == RE_RUN_YES && g <= w.pattern->groups; g++)
      if (!cd_list_append_steal(vm, cd_as_list(list), walk_group(vm, &w, g, cd_none()))) result = RE_RUN_ERROR;
    from = w.offsets.items[1];
  }
  bool ok = result != RE_RUN_ERROR && cd_list_append_steal(vm, cd_as_list(list), subject_slice(vm, &w.subject, from, w.subject.size));
  walk_close(vm, &w);
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

// ---- replacing ----

// What sub() puts in: a text, what a function returns for the match, or a template read by the library into ([(place, group)...],
// [text or None...]).
typedef struct Replacement {
  enum { REPLACE_TEXT, REPLACE_CALL, REPLACE_TEMPLATE } kind;
  Ref value, places, texts;                      // owned; value: the text or the callable
} Replacement;

static bool replacement_is_plain(VM *vm, Value template)
{
  if (cd_is_str(template)) return !memchr(cd_str_data(template), '\\', cd_str_size(template));
  Buffer buffer;
  if (!cd_has_buffer(vm, template)) return false;
  if (!cd_get_buffer(vm, template, &buffer, BUFFER_SIMPLE)) { cd_clear_raised(vm); return false; }
  bool plain = buffer.size == 0 || !memchr(buffer.data, '\\', (size_t)buffer.size);
  cd_release_buffer(vm, &buffer);
  return plain;
}

// The library turns a template into a text or into a function; that one's default argument is the template as it was read.
static bool replacement_use_template(VM *vm, Replacement *r)
{
  Ref defaults;
  Find found = cd_getattr_find(vm, r->value, N(__defaults__), &defaults);
  if (found != FIND_HIT) return found == FIND_MISSING;
  Value parsed = cd_is_tuple(defaults) && cd_tuple_size(defaults) == 1 ? cd_tuple_item_borrow(defaults, 0) : NO_VALUE;
  if (parsed && cd_is_tuple(parsed) && cd_tuple_size(parsed) == 2 && cd_is_list(cd_tuple_item_borrow(parsed, 0)) &&
      cd_is_list(cd_tuple_item_borrow(parsed, 1))) {
    r->kind = REPLACE_TEMPLATE;
    r->places = cd_dup(cd_tuple_item_borrow(parsed, 0));
    r->texts = cd_dup(cd_tuple_item_borrow(parsed, 1));
  }
  cd_drop(vm, defaults);
  return true;
}

static void replacement_close(VM *vm, Replacement *r);

static bool replacement_open(VM *vm, Replacement *r, Value pattern, Value template)
{
  *r = (Replacement){.kind = cd_is_callable(vm, template) ? REPLACE_CALL : REPLACE_TEXT};
  if (r->kind == REPLACE_CALL || replacement_is_plain(vm, template)) {
    r->value = cd_dup(template);
    return true;
  }
  Ref reader = cd_import_attr(vm, "re", "_subx");
  r->value = reader ? cd_call2(vm, reader, pattern, template) : NO_REF;
  cd_drop(vm, reader);
  if (!r->value) return false;
  if (!cd_is_callable(vm, r->value)) return true;
  r->kind = REPLACE_CALL;
  if (replacement_use_template(vm, r)) return true;
  replacement_close(vm, r);
  return false;
}

static void replacement_close(VM *vm, Replacement *r)
{
  cd_drop(vm, r->value);
  cd_drop(vm, r->places);
  cd_drop(vm, r->texts);
}

// Appends the template's pieces, with the match's groups in their places.
static bool replacement_put_template(VM *vm, const Replacement *r, const Walk *w, Value list)
{
  size_t place = 0, places = cd_list_size(r->places);
  for (size_t i = 0; i < cd_list_size(r->texts); i++) {
    Ref piece = cd_dup(cd_list_item_borrow(r->texts, i));
    Value at = place < places ? cd_list_item_borrow(r->places, place) : NO_VALUE;
    if (at && cd_is_tuple(at) && cd_tuple_size(at) == 2 && cd_is(cd_tuple_item_borrow(at, 0), cd_from_small((int64_t)i))) {
      int64_t group;
      place++;
      cd_forget(vm, &piece);
      if (!cd_to_i64(vm, cd_tuple_item_borrow(at, 1), &group, NULL)) return false;
      if (group < 0 || group > w->pattern->groups) return cd_raise_index(vm, "no such group");
      piece = walk_group(vm, w, (uint32_t)group, NO_VALUE);
    }
    if (piece && cd_is_none(piece)) continue;
    if (!cd_list_append_steal(vm, cd_as_list(list), piece)) return false;
  }
  return true;
}

static bool replacement_put(VM *vm, const Replacement *r, Walk *w, Value pattern, Value list)
{
  if (r->kind == REPLACE_TEMPLATE) return replacement_put_template(vm, r, w, list);
  Ref piece = NO_REF;
  if (r->kind == REPLACE_TEXT) {
    piece = cd_dup(r->value);
  } else {
    Ref match = match_new(vm, pattern, &w->subject, &w->request);
    if (!match) return false;
    piece = cd_call1(vm, r->value, match);
    cd_drop(vm, match);
  }
  if (piece && cd_is_none(piece)) return true;
  return cd_list_append_steal(vm, cd_as_list(list), piece);
}

static Ref pattern_join(VM *vm, const Walk *w, Value list)
{
  Ref joiner = subject_slice(vm, &w->subject, 0, 0), joined = NO_REF;
  if (!joiner || cd_list_size(list) == 0) return joiner;
  joined = w->subject.text ? cd_str_join(vm, joiner, list) : cd_call_method1(vm, joiner, N(join), list);
  cd_drop(vm, joiner);
  return joined;
}

static Ref pattern_replace(VM *vm, Value self, const Value *args, int64_t *replaced)
{
  Walk w;
  Replacement r;
  int64_t count = 0;
  *replaced = 0;
  if (args[2] && !cd_to_ssize(vm, args[2], &count)) return NO_REF;
  if (!replacement_open(vm, &r, self, args[0])) return NO_REF;
  if (!walk_open(vm, &w, self, args[1], 0, INT64_MAX)) { replacement_close(vm, &r); return NO_REF; }
  Ref list = cd_list_new(vm), result = NO_REF;
  ReResult run = list ? RE_RUN_YES : RE_RUN_ERROR;
  size_t from = 0;
  while (run == RE_RUN_YES && (count == 0 || *replaced < count)) {
    if ((run = walk_next(vm, &w)) != RE_RUN_YES) break;
    size_t start = w.offsets.items[0], end = w.offsets.items[1];
    if (from < start && !cd_list_append_steal(vm, cd_as_list(list), subject_slice(vm, &w.subject, from, start))) run = RE_RUN_ERROR;
    if (run == RE_RUN_YES && !replacement_put(vm, &r, &w, self, list)) run = RE_RUN_ERROR;
    from = end;
    ++*replaced;
  }
  bool ok = run != RE_RUN_ERROR;
  if (ok && *replaced == 0 && (cd_is_exact(args[1], vm->types.str) || cd_is_exact(args[1], vm->types.bytes))) result = cd_dup(args[1]);
  else if (ok &&
           (from >= w.subject.size || cd_list_append_steal(vm, cd_as_list(list), subject_slice(vm, &w.subject, from, w.subject.size))))
    result = pattern_join(vm, &w, list);
  cd_drop(vm, list);
  walk_close(vm, &w);
  replacement_close(vm, &r);
  return result;
}

METHOD(pattern, sub, "sub(self, /, repl, string, count=0)",
       "Return the string with the leftmost matches, not overlapping, replaced by repl.")
{
  int64_t replaced;
  return pattern_replace(vm, self, args, &replaced);
}
METHOD(pattern, subn, "subn(self, /, repl, string, count=0)", "Return (new string, number of replacements) as sub() would make them.")
{
  int64_t replaced;
  Ref text = pattern_replace(vm, self, args, &replaced);
  return text ? cd_tuple2_steal(vm, text, cd_from_small(replaced)) : NO_REF;
}

// ---- ReScanner ----

static Ref re_scanner_new(VM *vm, Type *type, Value pattern, const Value *args)
{
  int64_t pos, endpos;
  if (!subject_bounds(vm, args[1], args[2], &pos, &endpos)) return NO_REF;
  ReScanner *scanner = cd_object_new(vm, type, sizeof *scanner);
  if (!scanner) return NO_REF;
  if (!subject_open(vm, &scanner->subject, pattern_of(pattern), args[0], pos, endpos)) { cd_drop_object(vm, scanner); return NO_REF; }
  scanner->pattern = cd_dup(pattern);
  scanner->string = cd_dup(args[0]);
  scanner->start = (int64_t)scanner->subject.from;
  return cd_from_object(scanner);
}

// The next match, or None.
static Ref re_scanner_step(VM *vm, Value self, ReMode mode)
{
  ReScanner *scanner = (ReScanner *)cd_object(self);
  RePattern *p = pattern_of(scanner->pattern);
  Offsets offsets;
  if (scanner->start < 0) return cd_none();
  if (!offsets_open(vm, &offsets, p)) return NO_REF;
  ReRequest request = {.subject = &scanner->subject.bytes, .start = (size_t)scanner->start, .mode = mode,
                       .not_empty_at_start = scanner->must_advance, .offsets = offsets.items};
  ReResult result = pattern_run(vm, p, &request);
  Ref match = result == RE_RUN_YES  ? match_new(vm, scanner->pattern, &scanner->subject, &request)
              : result == RE_RUN_NO ? cd_none()
                                    : NO_REF;
  if (result == RE_RUN_NO) scanner->start = -1;
  if (result == RE_RUN_YES) {
    scanner->must_advance = offsets.items[0] == offsets.items[1];
    scanner->start = (int64_t)offsets.items[1];
  }
  offsets_close(vm, &offsets, p);
  return match;
}

METHOD(re_scanner, match, "match(self, /)", "Match where the last match ended.") { return re_scanner_step(vm, self, RE_MATCH); }
METHOD(re_scanner, search, "search(self, /)", "Look for the next match.") { return re_scanner_step(vm, self, RE_SEARCH); }

static Next re_scanner_iterator_next(VM *vm, Value self, Ref *out)
{
  Ref match = re_scanner_step(vm, self, RE_SEARCH);
  if (!match) return NEXT_ERROR;
  if (cd_is_none(match)) return NEXT_DONE;
  *out = match;
  return NEXT_ITEM;
}

static Ref re_scanner_iterator_iter(VM *vm, Value self) { return cd_dup(self); }

static void re_scanner_release(VM *vm, Object *self)
{
  ReScanner *scanner = (ReScanner *)self;
  subject_close(vm, &scanner->subject);
  cd_clear(vm, &scanner->pattern);
  cd_clear(vm, &scanner->string);
}
static void re_scanner_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((ReScanner *)self)->pattern);
  visit(context, ((ReScanner *)self)->string);
  visit(context, ((ReScanner *)self)->subject.buffer.owner);
}

static const MethodDef *const re_scanner_methods[] = {&re_scanner_match_def, &re_scanner_search_def, NULL};
static const MemberDef re_scanner_members[] = {{"pattern", offsetof(ReScanner, pattern), MEMBER_VALUE, false, NULL},
                                               {NULL, 0, 0, false, NULL}};

static const TypeSpec re_scanner_spec = {
  .name = "_sre.SRE_Scanner",
  .basicsize = sizeof(ReScanner),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = re_scanner_methods,
  .members = re_scanner_members,
  .slots = {.release = re_scanner_release, .traverse = re_scanner_traverse},
};
// What finditer() returns.
static const TypeSpec re_scanner_iterator_spec = {
  .name = "callable_iterator",
  .basicsize = sizeof(ReScanner),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_LIBRARY_ITERATOR,
  .slots = {.release = re_scanner_release,
            .traverse = re_scanner_traverse,
            .iter = re_scanner_iterator_iter,
            .next = re_scanner_iterator_next},
};

METHOD(pattern, finditer, "finditer(self, /, string, pos=0, endpos=sys.maxsize)",
       "Return an iterator over all matches, not overlapping, as Match objects.")
{
  return re_scanner_new(vm, ((SreState *)cd_state(vm, MODULE__sre))->iterator, self, args);
}
METHOD(pattern, scanner, "scanner(self, /, string, pos=0, endpos=sys.maxsize)", "Return an object that matches one time after the other.")
{
  return re_scanner_new(vm, ((SreState *)cd_state(vm, MODULE__sre))->scanner, self, args);
}

// ---- RePattern: the rest ----

METHOD(pattern, __copy__, "__copy__(self, /)", NULL) { return cd_dup(self); }
METHOD(pattern, __deepcopy__, "__deepcopy__(self, memo, /)", NULL) { return cd_dup(self); }
CLASS_METHOD(pattern, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}
METHOD(pattern, __sizeof__, "__sizeof__(self, /)", "Return the size in memory, in bytes.")
{
  return cd_from_small((int64_t)(sizeof(RePattern) + pattern_of(self)->code_size * sizeof(uint32_t) + pattern_of(self)->tree.arena.total));
}

static bool pattern_put_flags(TextBuilder *text, int64_t flags)
{
  static const char *const names[] = {"re.TEMPLATE", "re.IGNORECASE", "re.LOCALE", "re.MULTILINE", "re.DOTALL", "re.UNICODE", "re.VERBOSE",
                                      "re.DEBUG", "re.ASCII"};
  const char *separator = ", ";
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    if (!(flags & 1 << i)) continue;
    if (!cd_text_puts(text, separator) || !cd_text_puts(text, names[i])) return false;
    flags &= ~(INT64_C(1) << i);
    separator = "|";
  }
  return !flags || cd_text_format(text, "%s0x%llx", separator, (unsigned long long)flags);
}

static Ref pattern_repr(VM *vm, Value self)
{
  const RePattern *p = pattern_of(self);
  int64_t flags = p->flags;
  enum { LOCALE = 4, UNICODE = 32, ASCII = 256 };
  if (!p->bytes && (flags & (LOCALE | UNICODE | ASCII)) == UNICODE) flags &= ~(int64_t)UNICODE;
  TextBuilder text;
  cd_text_init(&text, vm);
  if (cd_text_format(&text, "re.compile(%.200R", p->pattern) && pattern_put_flags(&text, flags) && cd_text_puts(&text, ")"))
    return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

static bool pattern_hash(VM *vm, Value self, int64_t *out)
{
  const RePattern *p = pattern_of(self);
  if (!cd_hash(vm, p->pattern, out)) return false;
  *out ^= cd_hash_bytes(vm->hash_key, p->code, p->code_size * sizeof *p->code) ^ p->flags ^ p->bytes ^ p->groups;
  if (*out == -1) *out = -2;
  return true;
}

static Ref pattern_compare(VM *vm, Value self, Value other, CompareOp op)
{
  const SreState *state = cd_state(vm, MODULE__sre);
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !cd_is_exact(self, state->pattern) || !cd_is_exact(other, state->pattern))
    return cd_not_implemented();
  const RePattern *a = pattern_of(self), *b = pattern_of(other);
  bool equal = a == b || (a->flags == b->flags && a->bytes == b->bytes && a->code_size == b->code_size &&
                          memcmp(a->code, b->code, a->code_size * sizeof *a->code) == 0);
  if (equal && !cd_equal(vm, a->pattern, b->pattern, &equal)) return NO_REF;
  return cd_bool(equal == (op == COMPARE_EQ));
}

static void pattern_release(VM *vm, Object *self)
{
  RePattern *p = (RePattern *)self;
  cd_re_pcre_clear(vm, &p->forms);
  if (p->tree.root) cd_re_tree_clear(&p->tree);
  cd_free(vm, p->code, p->code_size * sizeof *p->code);
  p->code = NULL;
  p->code_size = 0;
  cd_clear(vm, &p->pattern);
  cd_clear(vm, &p->groupindex);
  cd_clear(vm, &p->indexgroup);
}

static void pattern_traverse(Object *self, VisitFn visit, void *context)
{
  RePattern *p = (RePattern *)self;
  visit(context, p->pattern);
  visit(context, p->groupindex);
  visit(context, p->indexgroup);
}

static Ref pattern_get_groupindex(VM *vm, Value self) { return cd_mappingproxy_new(vm, pattern_of(self)->groupindex); }

static const GetSetDef pattern_getset[] = {
  {"groupindex", "A dictionary mapping group names to group numbers.", pattern_get_groupindex, NULL},
  {NULL, NULL, NULL, NULL},
};
static const MemberDef pattern_members[] = {
  {"pattern", offsetof(RePattern, pattern), MEMBER_VALUE, false, "The pattern string from which the RE object was compiled."},
  {"flags", offsetof(RePattern, flags), MEMBER_I64, false, "The regex matching flags."},
  {"groups", offsetof(RePattern, groups), MEMBER_U32, false, "The number of capturing groups in the pattern."},
  {NULL, 0, 0, false, NULL},
};
static const MethodDef *const pattern_methods[] = {
  &pattern_match_def, &pattern_fullmatch_def, &pattern_search_def, &pattern_sub_def, &pattern_subn_def, &pattern_findall_def,
  &pattern_split_def, &pattern_finditer_def, &pattern_scanner_def, &pattern___copy___def, &pattern___deepcopy___def,
  &pattern___class_getitem___def, &pattern___sizeof___def, NULL,
};
static const TypeSpec pattern_spec = {
  .name = "re.Pattern",
  .doc = "Compiled regular expression object.",
  .basicsize = sizeof(RePattern),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE | TYPE_HAS_WEAKREFS,
  .weaklist_offset = offsetof(RePattern, weaklist),
  .methods = pattern_methods,
  .getset = pattern_getset,
  .members = pattern_members,
  .slots =
    {.release = pattern_release, .traverse = pattern_traverse, .repr = pattern_repr, .hash = pattern_hash, .compare = pattern_compare},
};

// ---- Match ----

static size_t match_alloc_size(Object *self) { return sizeof(Match) + 2 * ((size_t)((Match *)self)->groups + 1) * sizeof(size_t); }

static void match_release(VM *vm, Object *self)
{
  Match *m = (Match *)self;
  cd_clear(vm, &m->string);
  cd_clear(vm, &m->pattern);
  cd_clear(vm, &m->regs);
}
static void match_traverse(Object *self, VisitFn visit, void *context)
{
  Match *m = (Match *)self;
  visit(context, m->string);
  visit(context, m->pattern);
  visit(context, m->regs);
}

// A group's number from a number or a name; IndexError "no such group".
static bool match_group_number(VM *vm, const Match *m, Value key, uint32_t *out)
{
  int64_t i = -1;
  if (!key) {
    i = 0;
  } else if (cd_is_small(key)) {
    i = cd_small(key);
  } else if (cd_is_int(key) || cd_type_of(vm, key)->slots.index) {
    if (!cd_to_i64(vm, key, &i, NULL)) return false;
  } else {
    Ref number;
    Find found = cd_dict_find(vm, pattern_of(m->pattern)->groupindex, key, &number);
    if (found == FIND_ERROR) cd_clear_raised(vm);
    if (found == FIND_HIT) {
      if (cd_is_small(number)) i = cd_small(number);
      cd_drop(vm, number);
    }
  }
  if (i < 0 || i > m->groups) return cd_raise_index(vm, "no such group");
  *out = (uint32_t)i;
  return true;
}

static Ref match_text(VM *vm, const Match *m, uint32_t group, Value fallback)
{
  size_t from = m->offsets[2 * group], to = m->offsets[2 * group + 1];
  if (from == RE_UNSET || cd_is_none(m->string)) return cd_dup(fallback);
  if (m->text) return cd_str_piece(vm, m->string, from, to);
  if (cd_is_exact(m->string, vm->types.bytes) && from == 0 && to == cd_bytes_size(m->string)) return cd_dup(m->string);
  Buffer buffer;
  if (!cd_get_buffer(vm, m->string, &buffer, BUFFER_SIMPLE)) return NO_REF;
  size_t size = (size_t)buffer.size;             // a bytearray may be shorter now
  if (to > size) to = size;
  if (from > to) from = to;
  Ref bytes = cd_bytes_new(vm, buffer.data + from, to - from);
  cd_release_buffer(vm, &buffer);
  return bytes;
}

static int64_t match_position(VM *vm, const Match *m, size_t offset)
{
  if (offset == RE_UNSET || !m->text) return offset == RE_UNSET ? -1 : (int64_t)offset;
  cd_str_index(vm, m->string);                   // whoever asks once will ask again
  return (int64_t)cd_str_position(m->string, offset);
}

METHOD_DEF_RAW_(
  match_group, "group", "group(self, /, *groups)",
  "group([group1, ...]) -> str or tuple.\n\nText of one group, by number or name, or a tuple of several; 0 is the whole match.",
  METHOD_NO_SIGNATURE)
{
  const Match *m = match_of(self);
  uint32_t group;
  if (!cd_no_keywords(vm, "re.Match.group", kwnames)) return NO_REF;
  if (nargs <= 1) return match_group_number(vm, m, nargs ? args[0] : NO_VALUE, &group) ? match_text(vm, m, group, cd_none()) : NO_REF;
  Ref tuple = cd_tuple_new(vm, nargs);
  for (size_t i = 0; tuple && i < nargs; i++) {
    Ref text = match_group_number(vm, m, args[i], &group) ? match_text(vm, m, group, cd_none()) : NO_REF;
    if (!text) { cd_drop(vm, tuple); return NO_REF; }
    cd_tuple_set(tuple, i, text);
  }
  return tuple;
}

static Ref match_getitem(VM *vm, Value self, Value key)
{
  uint32_t group;
  return match_group_number(vm, match_of(self), key, &group) ? match_text(vm, match_of(self), group, cd_none()) : NO_REF;
}

METHOD(match, groups, "groups(self, /, default=None)", "Return a tuple with the texts of all groups, default for those that took no part.")
{
  const Match *m = match_of(self);
  Ref tuple = cd_tuple_new(vm, m->groups);
  for (uint32_t i = 0; tuple && i < m->groups; i++) {
    Ref text = match_text(vm, m, i + 1, args[0] ? args[0] : cd_none());
    if (!text) { cd_drop(vm, tuple); return NO_REF; }
    cd_tuple_set(tuple, i, text);
  }
  return tuple;
}

METHOD(match, groupdict, "groupdict(self, /, default=None)",
       "Return a dictionary of the named groups, with default for those that took no part.")
{
  const Match *m = match_of(self);
  Ref dict = cd_dict_new(vm);
  Value name, number;
  for (size_t i = 0; dict && cd_dict_each(pattern_of(m->pattern)->groupindex, &i, &name, &number);) {
    uint32_t group;
    Ref text = match_group_number(vm, m, number, &group) ? match_text(vm, m, group, args[0] ? args[0] : cd_none()) : NO_REF;
    bool ok = text && cd_dict_set(vm, dict, name, text);
    cd_drop(vm, text);
    if (!ok) { cd_drop(vm, dict); return NO_REF; }
  }
  return dict;
}

METHOD(match, start, "start(self, group=0, /)", "Return where the group starts, -1 if it took no part.")
{
  uint32_t group;
  const Match *m = match_of(self);
  return match_group_number(vm, m, args[0], &group) ? cd_from_small(match_position(vm, m, m->offsets[2 * group])) : NO_REF;
}
METHOD(match, end, "end(self, group=0, /)", "Return where the group ends, -1 if it took no part.")
{
  uint32_t group;
  const Match *m = match_of(self);
  return match_group_number(vm, m, args[0], &group) ? cd_from_small(match_position(vm, m, m->offsets[2 * group + 1])) : NO_REF;
}

static Ref match_span_of(VM *vm, const Match *m, uint32_t group)
{
  return cd_tuple2_steal(vm, cd_from_small(match_position(vm, m, m->offsets[2 * group])),
                         cd_from_small(match_position(vm, m, m->offsets[2 * group + 1])));
}
METHOD(match, span, "span(self, group=0, /)", "Return (start, end) of the group, (-1, -1) if it took no part.")
{
  uint32_t group;
  return match_group_number(vm, match_of(self), args[0], &group) ? match_span_of(vm, match_of(self), group) : NO_REF;
}

METHOD(match, expand, "expand(self, /, template)", "Return the template with its escapes replaced, as sub() does it.")
{
  Ref expand = cd_import_attr(vm, "re", "_expand");
  Ref result = expand ? cd_call3(vm, expand, match_of(self)->pattern, self, args[0]) : NO_REF;
  cd_drop(vm, expand);
  return result;
}

METHOD(match, __copy__, "__copy__(self, /)", NULL) { return cd_dup(self); }
METHOD(match, __deepcopy__, "__deepcopy__(self, memo, /)", NULL) { return cd_dup(self); }
CLASS_METHOD(match, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static Ref match_repr(VM *vm, Value self)
{
  const Match *m = match_of(self);
  Ref text = match_text(vm, m, 0, cd_none());
  Ref repr = text ? cd_str_format(vm, "<re.Match object; span=(%lld, %lld), match=%.50R>", (long long)match_position(vm, m, m->offsets[0]),
                                  (long long)match_position(vm, m, m->offsets[1]), text) : NO_REF;
  cd_drop(vm, text);
  return repr;
}

static Ref match_get_lastindex(VM *vm, Value self)
{
  return match_of(self)->last_group ? cd_from_small(match_of(self)->last_group) : cd_none();
}
static Ref match_get_lastgroup(VM *vm, Value self)
{
  const Match *m = match_of(self);
  Value names = pattern_of(m->pattern)->indexgroup;
  return m->last_group && m->last_group < cd_tuple_size(names) ? cd_dup(cd_tuple_item_borrow(names, m->last_group)) : cd_none();
}
static Ref match_get_regs(VM *vm, Value self)
{
  Match *m = match_of(self);
  if (m->regs) return cd_dup(m->regs);
  Ref regs = cd_tuple_new(vm, (size_t)m->groups + 1);
  for (uint32_t i = 0; regs && i <= m->groups; i++) {
    Ref span = match_span_of(vm, m, i);
    if (!span) { cd_drop(vm, regs); return NO_REF; }
    cd_tuple_set(regs, i, span);
  }
  if (!regs) return NO_REF;
  m->regs = regs;
  return cd_dup(m->regs);
}

static const GetSetDef match_getset[] = {
  {"lastindex", "The integer index of the last matched capturing group.", match_get_lastindex, NULL},
  {"lastgroup", "The name of the last matched capturing group.", match_get_lastgroup, NULL},
  {"regs", NULL, match_get_regs, NULL},
  {NULL, NULL, NULL, NULL},
};
static const MemberDef match_members[] = {
  {"string", offsetof(Match, string), MEMBER_VALUE, false, "The string passed to match() or search()."},
  {"re", offsetof(Match, pattern), MEMBER_VALUE, false, "The regular expression object."},
  {"pos", offsetof(Match, pos), MEMBER_I64, false, "The index into the string at which the RE engine started looking for a match."},
  {"endpos", offsetof(Match, endpos), MEMBER_I64, false, "The index into the string beyond which the RE engine will not go."},
  {NULL, 0, 0, false, NULL},
};
static const MethodDef *const match_methods[] = {
  &match_group_def, &match_start_def, &match_end_def, &match_span_def, &match_groups_def, &match_groupdict_def, &match_expand_def,
  &match___copy___def, &match___deepcopy___def, &match___class_getitem___def, NULL,
};
static const TypeSpec match_spec = {
  .name = "re.Match",
  .doc = "The result of re.match() and re.search().\nMatch objects always have a boolean value of True.",
  .basicsize = sizeof(Match),
  .flags = TYPE_GC | TYPE_NO_NEW | TYPE_IMMUTABLE,
  .methods = match_methods,
  .getset = match_getset,
  .members = match_members,
  .slots =
    {.release = match_release, .traverse = match_traverse, .alloc_size = match_alloc_size, .repr = match_repr, .getitem = match_getitem},
};

// ---- functions ----

// The list of codes as an array. False: exception.
static bool sre_read_codes(VM *vm, Value list, uint32_t **out)
{
  size_t size = cd_list_size(list);
  uint32_t *code = cd_alloc_array(vm, size, sizeof *code);
  if (!code) return false;
  for (size_t i = 0; i < size; i++) {
    Value item = i < cd_list_size(list) ? cd_list_item_borrow(list, i) : NO_VALUE;
    uint64_t n;
    bool ok = item && cd_is_int(item);
    if (!ok) cd_raise_type(vm, "an integer is required");
    else if (!cd_int_fits_u64(item, &n) || n > UINT32_MAX) ok = cd_raise_overflow(vm, "regular expression code size limit exceeded");
    if (!ok) { cd_free(vm, code, size * sizeof *code); return false; }
    code[i] = (uint32_t)n;
  }
  *out = code;
  return true;
}

// The checks on what isn't code.
static bool sre_check_arguments(VM *vm, const Value *args, int64_t *flags, int64_t *groups)
{
  if (!cd_is_list(args[2])) return cd_raise_arg_type(vm, "compile", "code", "list", args[2]);
  if (!cd_is_dict(args[4])) return cd_raise_arg_type(vm, "compile", "groupindex", "dict", args[4]);
  if (!cd_is_tuple(args[5])) return cd_raise_arg_type(vm, "compile", "indexgroup", "tuple", args[5]);
  if (!cd_to_ssize(vm, args[1], flags) || !cd_to_ssize(vm, args[3], groups)) return false;
  if (*groups < 0 || *groups > SRE_MAX_GROUPS) return cd_raise_runtime(vm, "invalid SRE code");
  return cd_is_none(args[0]) || cd_is_str(args[0]) || cd_has_buffer(vm, args[0]) ||
         cd_raise_type(vm, "expected string or bytes-like object, got '%.200T'", args[0]);
}

FUNCTION(_sre, compile, "compile(pattern, flags, code, groups, groupindex, indexgroup)", "Make a Pattern from codes.")
{
  SreState *state = cd_state(vm, MODULE__sre);
  int64_t flags, groups;
  uint32_t *code;
  if (!sre_check_arguments(vm, args, &flags, &groups) || !sre_read_codes(vm, args[2], &code)) return NO_REF;
  RePattern *p = cd_object_new(vm, state->pattern, sizeof *p);
  if (!p) { cd_free(vm, code, cd_list_size(args[2]) * sizeof *code); return NO_REF; }
  p->code = code;
  p->code_size = cd_list_size(args[2]);
  p->pattern = cd_dup(args[0]);
  p->groupindex = cd_dup(args[4]);
  p->indexgroup = cd_dup(args[5]);
  p->flags = flags;
  p->groups = (uint32_t)groups;
  p->generic = cd_is_none(args[0]);
  p->bytes = !p->generic && !cd_is_str(args[0]);
  if (cd_re_tree_read(vm, &p->tree, p->code, p->code_size, p->groups, p->bytes)) {
    p->locale_mark = p->tree.locale ? pattern_locale_mark() : 0;
    return cd_from_object(p);
  }
  cd_drop_object(vm, p);
  return NO_REF;
}

static bool sre_character(VM *vm, Value v, uint32_t *out)
{
  int c;
  if (!cd_to_c_int(vm, v, &c)) return false;
  *out = (uint32_t)c;
  return true;
}

FUNCTION(_sre, getcodesize, "getcodesize()", "Bytes of a code.") { return cd_from_small(SRE_CODE_SIZE); }
FUNCTION(_sre, ascii_iscased, "ascii_iscased(character, /)", "Is it an ASCII letter?")
{
  uint32_t c;
  return sre_character(vm, args[0], &c) ? cd_bool((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) : NO_REF;
}
FUNCTION(_sre, unicode_iscased, "unicode_iscased(character, /)", "Has it another lower or upper case?")
{
  uint32_t c;
  return sre_character(vm, args[0], &c) ? cd_bool(cd_re_lower(c) != c || cd_re_upper(c) != c) : NO_REF;
}
FUNCTION(_sre, ascii_tolower, "ascii_tolower(character, /)", "Its lower case, if it is an ASCII letter.")
{
  uint32_t c;
  return sre_character(vm, args[0], &c) ? cd_from_small(c >= 'A' && c <= 'Z' ? c + 32 : c) : NO_REF;
}
FUNCTION(_sre, unicode_tolower, "unicode_tolower(character, /)", "Its lower case.")
{
  uint32_t c;
  return sre_character(vm, args[0], &c) ? cd_from_small(cd_re_lower(c)) : NO_REF;
}

static const MethodDef *const sre_functions[] = {
  &_sre_compile_def, &_sre_getcodesize_def, &_sre_ascii_iscased_def, &_sre_unicode_iscased_def, &_sre_ascii_tolower_def,
  &_sre_unicode_tolower_def, NULL,
};

static bool sre_exec(VM *vm, Value module)
{
  SreState *state = cd_state(vm, MODULE__sre);
  return (state->pcre = cd_re_pcre_new(vm)) && (state->pattern = cd_type_from_spec(vm, &pattern_spec, NO_VALUE)) &&
         (state->match = cd_type_from_spec(vm, &match_spec, NO_VALUE)) &&
         (state->scanner = cd_type_from_spec(vm, &re_scanner_spec, NO_VALUE)) &&
         (state->iterator = cd_type_from_spec(vm, &re_scanner_iterator_spec, NO_VALUE)) &&
         cd_module_add_int(vm, module, "MAGIC", SRE_MAGIC) && cd_module_add_int(vm, module, "CODESIZE", SRE_CODE_SIZE) &&
         cd_module_add_int(vm, module, "MAXREPEAT", SRE_MAX_REPEAT) && cd_module_add_int(vm, module, "MAXGROUPS", SRE_MAX_GROUPS);
}

static void sre_traverse(void *p, VisitFn visit, void *context)
{
  SreState *state = p;
  Type *types[] = {state->pattern, state->match, state->scanner, state->iterator};
  for (size_t i = 0; i < ARRAY_LEN(types); i++) visit(context, cd_type_value(types[i]));
}

static void sre_clear(VM *vm, void *p)
{
  SreState *state = p, old = *state;
  *state = (SreState){0};
  cd_re_pcre_free(vm, old.pcre);                 // expressions that still live need it only to run
  cd_drop_object(vm, old.pattern);
  cd_drop_object(vm, old.match);
  cd_drop_object(vm, old.scanner);
  cd_drop_object(vm, old.iterator);
}

const ModuleDef cd_module__sre = {
  .name = "_sre",
  .functions = sre_functions,
  .state_size = sizeof(SreState),
  .exec = sre_exec,
  .traverse = sre_traverse,
  .clear = sre_clear,
};
