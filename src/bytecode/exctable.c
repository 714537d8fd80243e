// SPDX-License-Identifier: MIT
// exctable.c: which handler an exception goes to
#include "bytecode/code.h"

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
