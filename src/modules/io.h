// SPDX-License-Identifier: MIT
// io.h: structures that the files of the _io module share
#ifndef CEDE_MODULES_IO_H
#define CEDE_MODULES_IO_H

#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "objects/weakref.h"

#define IO_BUFFER_SIZE 8192

// Head of every stream object: attributes and weak references work on all of them.
typedef struct IoBase {
  Object head;
  AttributeHead attributes;
  Weakref *weaklist;
  bool base_closed;                              // IOBase.close() has run
} IoBase;

typedef struct FileIo {
  IoBase base;
  int fd;                                        // -1: closed
  int8_t seekable;                               // -1: not known yet
  bool created, readable, writable, appending, close_fd, finalizing;
  int64_t block_size;
} FileIo;

// State of the module, one in each VM.
typedef struct IoState {
  Type *io_base, *raw_base, *buffered_base, *text_base;
  Type *file_io, *bytes_io, *bytes_io_buffer, *string_io;
  Type *buffered_reader, *buffered_writer, *buffered_random, *buffered_pair;
  Type *text_wrapper, *newline_decoder;
  Value unsupported;                             // io.UnsupportedOperation, owned; NO_VALUE until it is needed
  Value names[24];                               // interned method names, ORDER: io_names; owned
} IoState;

enum {   // ORDER: io_names
  IO_READINTO,
  IO_READALL,
  IO_READABLE,
  IO_WRITABLE,
  IO_SEEKABLE,
  IO_CLOSED,
  IO_FILENO,
  IO_ISATTY,
  IO_READ1,
  IO_TRUNCATE,
  IO_PEEK,
  IO_NEWLINES,
  IO_SETSTATE,
  IO_GETSTATE,
  IO_RESET,
  IO_RAW,
  IO_BUFFER,
  IO_DEALLOC_WARN,
  IO_READINTO1,
  IO_WRITELINES,
  IO_DETACH,
  IO_FINALIZING,
  IO_NAME_COUNT
};

static inline IoState *io_state(VM *vm) { return cd_state(vm, MODULE__io); }
static inline Value io_name(VM *vm, int which) { return io_state(vm)->names[which]; }

#define IO_BASE_TYPE_FLAGS (TYPE_BASE | TYPE_GC | TYPE_HAS_DICT | TYPE_HAS_WEAKREFS | TYPE_STREAM | TYPE_IMMUTABLE)
#define IO_BASE_OFFSETS .dict_offset = offsetof(IoBase, attributes), .weaklist_offset = offsetof(IoBase, weaklist)

extern const TypeSpec cd_io_base_spec, cd_io_raw_base_spec, cd_io_buffered_base_spec, cd_io_text_base_spec, cd_io_file_spec,
  cd_io_bytes_spec, cd_io_bytes_buffer_spec, cd_io_string_spec, cd_io_reader_spec, cd_io_writer_spec, cd_io_random_spec, cd_io_pair_spec,
  cd_io_text_spec, cd_io_newline_decoder_spec;

Value cd_io_unsupported_type(VM *vm);                            // io.UnsupportedOperation, borrowed; NO_VALUE: exception set
Ref cd_io_unsupported(VM *vm, const char *message);              // raises it
// `closed` attribute of any stream, as Python code sees it.
MUST_USE bool cd_io_is_closed(VM *vm, Value stream, bool *out);
// ValueError "I/O operation on closed file." when it is closed.
MUST_USE bool cd_io_check_closed(VM *vm, Value stream);
MUST_USE bool cd_io_check_flag(VM *vm, Value stream, int name, const char *message);   // calls readable(), writable() or seekable()
MUST_USE bool cd_io_writable_buffer(VM *vm, Value target, Buffer *out);              // what readinto() fills; else a TypeError
// What stream.NAME() answers, or for IO_READ1 whether there is such a method, found without a look at any class: of a FileIO or a buffer
// over one that is open and has no attributes which could hide a method. false: the stream must be asked.
MUST_USE bool cd_io_known(VM *vm, Value stream, int name, bool *out);
MUST_USE bool cd_io_file_known(VM *vm, Value stream, int name, bool *out);
MUST_USE bool cd_io_is_flushed(VM *vm, Value stream);            // surely: nothing waits in it, and flush() is the native one
MUST_USE bool cd_io_buffer_is_flushed(VM *vm, Value stream);
Value cd_io_raw_borrow(Value buffer);                            // of a native buffer
// Has no attributes of its own but perhaps one, called `name`.
bool cd_io_has_only(Value stream, Value name);
// stream.name = value, for a name that is no descriptor of the class if that is `exact`.
MUST_USE bool cd_io_set_own(VM *vm, Value stream, Type *exact, Value name, Value value);
// Calls stream.method(), drops the result.
MUST_USE bool cd_io_call_void(VM *vm, Value stream, Value name);
// An optional size argument: NO_VALUE, None or an index. -1 for none.
MUST_USE bool cd_io_size(VM *vm, Value v, int64_t *out);
Ref cd_io_forward(VM *vm, Value target, int name);               // target.name()
void cd_io_base_finalize(VM *vm, Value self);
// Is the pending exception an OSError with errno EINTR? Then it is dropped, after signal handlers ran; an exception of theirs stays.
bool cd_io_trap_interrupt(VM *vm);
Ref cd_io_open(VM *vm, Value file, const char *mode, int64_t buffering, Value encoding, Value errors, Value newline, bool close_fd,
               Value opener);

// FileIO by the C side: bytes moved, -1 exception, -2 would block
int64_t cd_io_fd_read(VM *vm, FileIo *file, char *data, int64_t size);
int64_t cd_io_fd_write(VM *vm, FileIo *file, const char *data, int64_t size);
bool cd_io_is_plain_file(VM *vm, Value raw);                     // an exact, open FileIO

// Universal newline translation in C. `pending_cr` carries a '\r' at the end of a chunk over. Result str; seen collects SEEN_ bits.
enum { SEEN_CR = 1, SEEN_LF = 2, SEEN_CRLF = 4 };
MUST_USE Ref cd_io_translate_newlines(VM *vm, Value text, bool translate, bool final, bool *pending_cr, int *seen);
MUST_USE Ref cd_io_newlines_value(VM *vm, int seen);             // None, a str or a tuple
// Where the next line of text[start, size) ends (byte offset behind its newline), or -1; *consumed... see io_text.c
int64_t cd_io_line_end(const char *text, size_t size, size_t start, bool translate, bool universal, const char *newline);

#endif
