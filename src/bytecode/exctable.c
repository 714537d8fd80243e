// SPDX-License-Identifier: MIT
// exctable.c: which handler an exception goes to
#include "bytecode/code.h"

#include "objects/bytes.h"

// The compiler makes ranges that do not overlap, sorted by their start.
const Handler *cd_code_handler(const Code *code, uint32_t unit)
{
  uint32_t low = 0, high = code->handler_count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (code->handlers[middle].end <= unit) low = middle + 1;
    else high = middle;
  }
  return low < code->handler_count && code->handlers[low].start <= unit ? &code->handlers[low] : NULL;
}

// co_exceptiontable: four 32-bit numbers a range, little-endian.
Ref cd_code_exception_table(VM *vm, const Code *code)
{
  Ref bytes = cd_bytes_new(vm, NULL, code->handler_count * sizeof(Handler));
  if (bytes && code->handler_count) memcpy(cd_bytes_data(bytes), code->handlers, code->handler_count * sizeof(Handler));
  return bytes;
}
