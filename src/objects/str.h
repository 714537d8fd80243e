// SPDX-License-Identifier: MIT
// str.h: immutable text; UTF-8 inside (lone surrogates kept as in WTF-8)
#ifndef CEDE_OBJECTS_STR_H
#define CEDE_OBJECTS_STR_H

#include "core/vm.h"

#include <stdarg.h>

// `data` is valid WTF-8 and NUL-terminated. For non-ASCII text `index` is built at the first positional access: byte
// offsets of every 64th code point, so that s[i] is O(1). A text that was built or grown by += may have its bytes in a block of their own:
// then `inlined` holds just that block's capacity.
struct Str {
  Object head;
  int64_t hash;                                  // -1: not computed
  size_t size;                                   // bytes
  size_t length;                                 // code points
  bool ascii, interned;
  uint32_t *index;                               // length/64 + 1 entries, or NULL
  char *data;                                    // `inlined` or the block
  char inlined[];
};

static inline const char *cd_str_data(Value s) { return cd_as_str(s)->data; }      // borrowed, NUL-terminated
static inline size_t cd_str_size(Value s) { return cd_as_str(s)->size; }
static inline size_t cd_str_length(Value s) { return cd_as_str(s)->length; }

// Trusted bytes: valid WTF-8.
MUST_USE Ref cd_str_new(VM *vm, const char *data, size_t size);
MUST_USE Ref cd_str_from(VM *vm, const char *text);                              // NUL-terminated, valid
MUST_USE Ref cd_str_ascii(VM *vm, const char *data, size_t size);                // known ASCII: no scan
MUST_USE Ref cd_str_known(VM *vm, const char *data, size_t size, size_t length); // known code point count
// Untrusted bytes: UnicodeDecodeError, or with errors ("surrogateescape", ...; NULL strict) handled.
MUST_USE Ref cd_str_decode_utf8(VM *vm, const char *data, size_t size, const char *errors);
MUST_USE Ref cd_str_from_char(VM *vm, uint32_t c);                               // shared for c < 256
MUST_USE Ref cd_str_format(VM *vm, const char *format, ...);                     // directives as in raise.h
MUST_USE Ref cd_str_vformat(VM *vm, const char *format, va_list args);
// Takes over a block from cd_alloc: `capacity` bytes, of which `size` are used and the next is NUL.
MUST_USE Ref cd_str_adopt(VM *vm, char *data, size_t size, size_t length, size_t capacity);
// Drops the intern table at the VM's end (the strings live on as they are).
void cd_interned_finish(VM *vm);
// An interned str: equal text, same object. Steals s (an exact str; others are returned as they are).
MUST_USE Ref cd_str_intern(VM *vm, Ref s);
MUST_USE Ref cd_intern(VM *vm, const char *text);
MUST_USE Ref cd_intern_size(VM *vm, const char *data, size_t size);
MUST_USE Ref cd_intern_unchecked(VM *vm, const char *data, size_t size, bool *bad);   // *bad, and nothing set: the text is no WTF-8
MUST_USE Ref cd_str_exact(VM *vm, Value s);                                      // subclass instance -> plain str

bool cd_str_equal(Value a, Value b);                                             // both str; runs nothing
bool cd_str_is(Value s, const char *text);                                       // any value: is it a str with this text?
int cd_str_compare(Value a, Value b);                                            // code point order
int64_t cd_str_hash(VM *vm, Value s);                                            // cached
uint32_t cd_str_at(VM *vm, Value s, size_t i);                                   // code point; i < length
size_t cd_str_offset(VM *vm, Value s, size_t i);                                 // byte offset of code point i (i == length: size)
size_t cd_str_position(Value s, size_t offset);                                  // code point number of a byte offset
void cd_str_index(VM *vm, Value s);                                              // makes the next positions O(1); no exception
MUST_USE Ref cd_str_slice(VM *vm, Value s, size_t start, size_t stop);           // code points
MUST_USE Ref cd_str_steps(VM *vm, Value s, int64_t start, int64_t step, int64_t count);   // every step-th code point; all within s
MUST_USE Ref cd_str_concat(VM *vm, Value a, Value b);
// *slot += piece; in place when *slot is the only reference. Keeps the old value on failure.
MUST_USE bool cd_str_append(VM *vm, Value *slot, Value piece);
MUST_USE Ref cd_str_join(VM *vm, Value separator, Value iterable);
int64_t cd_str_find(VM *vm, Value s, Value needle, int64_t start, int64_t stop); // code points, -1: absent
bool cd_str_starts_with(Value s, const char *prefix);
// UTF-8 for the outside: a UnicodeEncodeError if there are surrogates. Borrowed while s lives. NULL: exception.
const char *cd_str_utf8(VM *vm, Value s, size_t *size);
bool cd_str_has_surrogates(Value s);
// File names: os.fsencode / os.fsdecode (surrogateescape).
MUST_USE Ref cd_fs_encode(VM *vm, Value path);   // str, bytes or os.PathLike -> bytes; refuses NUL with ValueError "embedded null byte"
MUST_USE Ref cd_fs_decode(VM *vm, const char *bytes, size_t size);

// ---- building ----
// Collects pieces of text; ends in one str. Every call returns false with MemoryError.
typedef struct TextBuilder {
  VM *vm;
  char *data;
  size_t size, capacity, length;                 // bytes, bytes, code points
  bool ascii;
} TextBuilder;
void cd_text_init(TextBuilder *text, VM *vm);
MUST_USE bool cd_text_put(TextBuilder *text, const char *data, size_t size);     // valid WTF-8
MUST_USE bool cd_text_puts(TextBuilder *text, const char *ascii);
MUST_USE bool cd_text_put_ascii(TextBuilder *text, const char *data, size_t size);   // no scan
MUST_USE bool cd_text_reserve(TextBuilder *text, size_t size);                   // room for so many bytes; only saves time
MUST_USE bool cd_text_wide(TextBuilder *text, uint32_t c);                       // cd_text_char in full
static inline bool cd_text_char(TextBuilder *text, uint32_t c)
{
  if (UNLIKELY(c >= 0x80 || text->capacity - text->size < 2)) return cd_text_wide(text, c);
  text->data[text->size++] = (char)c;
  text->length++;
  return true;
}
MUST_USE bool cd_text_fill(TextBuilder *text, uint32_t c, size_t count);
MUST_USE bool cd_text_str(TextBuilder *text, Value s);
MUST_USE bool cd_text_repr(TextBuilder *text, Value v);                          // runs Python
MUST_USE bool cd_text_format(TextBuilder *text, const char *format, ...);
MUST_USE Ref cd_text_finish(TextBuilder *text);                                  // the builder is empty afterwards
void cd_text_clear(TextBuilder *text);

// ---- codecs (objects/codec.c) ----
MUST_USE Ref cd_encode(VM *vm, Value s, const char *encoding, const char *errors);   // -> bytes; NULL: utf-8, strict
MUST_USE Ref cd_decode(VM *vm, const char *data, size_t size, const char *encoding, const char *errors);

// ---- formatting (objects/str_format.c, objects/number_format.c) ----
MUST_USE Ref cd_str_percent(VM *vm, Value format, Value args);                   // format % args
MUST_USE Ref cd_format_int(VM *vm, Value v, Value spec);                         // int.__format__
MUST_USE Ref cd_format_float(VM *vm, Value v, Value spec);
MUST_USE Ref cd_format_complex(VM *vm, Value v, Value spec);
MUST_USE Ref cd_format_str(VM *vm, Value v, Value spec);

#endif
