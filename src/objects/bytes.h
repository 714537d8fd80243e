// SPDX-License-Identifier: MIT
// bytes.h: bytes and bytearray
#ifndef CEDE_OBJECTS_BYTES_H
#define CEDE_OBJECTS_BYTES_H

#include "core/vm.h"

struct Bytes {
  Object head;
  int64_t hash;                                  // -1: not computed
  size_t size;
  char data[];                                   // NUL-terminated
};
struct ByteArray {
  Object head;
  char *data;                                    // start of the block is `block`; data moves up as the front is deleted
  char *block;
  size_t size, capacity;                         // capacity of block; one byte of it is a NUL
  int exports;                                   // live buffers: resizing raises BufferError
};

static inline char *cd_bytes_data(Value v) { return ((Bytes *)cd_object(v))->data; }
static inline size_t cd_bytes_size(Value v) { return ((Bytes *)cd_object(v))->size; }
MUST_USE Ref cd_bytes_new(VM *vm, const char *data, size_t size);   // data NULL: uninitialised, fill through cd_bytes_data before sharing
MUST_USE Ref cd_bytes_from_value(VM *vm, Value v);                  // bytes(v): buffer or iterable of ints
// `count` bytes, every step-th from start; all within v.
MUST_USE Ref cd_bytes_steps(VM *vm, Value v, int64_t start, int64_t step, int64_t count);
bool cd_bytes_resize(VM *vm, Ref *slot, size_t size);               // only while unshared; *slot NO_REF on failure
MUST_USE Ref cd_bytearray_new(VM *vm, const char *data, size_t size);
MUST_USE bool cd_bytearray_resize(VM *vm, ByteArray *array, size_t size);   // BufferError while exported

// ---- building ----
// Collects bytes right inside a bytes object. Every call returns false with MemoryError.
typedef struct ByteBuilder {
  VM *vm;
  Ref bytes;                                     // owned; NO_REF until the first put
  size_t size;                                   // in use
} ByteBuilder;
void cd_byte_builder_init(ByteBuilder *builder, VM *vm);
// Room for `size` more bytes: where to write them; then add what was written to builder->size. NULL: MemoryError.
MUST_USE char *cd_byte_builder_reserve(ByteBuilder *builder, size_t size);
MUST_USE bool cd_byte_builder_put(ByteBuilder *builder, const char *data, size_t size);
MUST_USE bool cd_byte_builder_byte(ByteBuilder *builder, unsigned byte);
MUST_USE bool cd_byte_builder_fill(ByteBuilder *builder, char byte, size_t count);
MUST_USE Ref cd_byte_builder_finish(ByteBuilder *builder);       // bytes; the builder is empty afterwards
void cd_byte_builder_clear(ByteBuilder *builder);

#endif
