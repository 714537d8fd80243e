// SPDX-License-Identifier: MIT
// linetable.c: where in the source each instruction comes from
#include "bytecode/code.h"

// One entry an instruction. Its first byte is  units - 1 | kind << 2, then by kind:
//
//   SAME    nothing: the position of the entry before
//   NONE    nothing: no position
//   LINE    line step
//   SHORT   column (a byte), width (a byte): on the line of the entry before
//   WIDE    line step, column, width: ends on the same line
//   LONG    line step, end_line - line, column, end_column
//
// Line steps count from the last entry that had a line. Numbers are little-endian groups of seven bits; steps, widths and columns are
// zigzag coded.
enum { POSITION_SAME, POSITION_NONE, POSITION_LINE, POSITION_SHORT, POSITION_WIDE, POSITION_LONG };

static bool linetable_reserve(PositionWriter *w)
{
  enum { LARGEST = 32 };
  if (w->capacity - w->size >= LARGEST) return true;
  uint32_t capacity = w->capacity ? w->capacity * 2 : 256;
  uint8_t *data = cd_realloc(w->vm, w->data, w->capacity, capacity);
  if (!data) return false;
  w->data = data;
  w->capacity = capacity;
  return true;
}

static void linetable_number(PositionWriter *w, int64_t signed_number)
{
  uint64_t n = (uint64_t)signed_number << 1 ^ (uint64_t)(signed_number >> 63);
  for (; n >= 0x80; n >>= 7) w->data[w->size++] = (uint8_t)(n | 0x80);
  w->data[w->size++] = (uint8_t)n;
}

static bool position_equal(Position a, Position b)
{
  return a.line == b.line && a.column == b.column && a.end_line == b.end_line && a.end_column == b.end_column;
}

// `last.line` is 0 at first; while the last entry had no position, last.end_line is -1 and last.line still the line to count from.
bool cd_position_write(PositionWriter *w, uint32_t units, Position p)
{
  if (!linetable_reserve(w)) return false;
  uint8_t head = (uint8_t)(units - 1);
  if (p.line < 0) {
    w->data[w->size++] = head | POSITION_NONE << 2;
    w->last.end_line = -1;
    return true;
  }
  if (p.end_line < 0 || p.column < 0 || p.end_column < 0 || w->vm->config.no_debug_ranges)
    p.end_line = p.column = p.end_column = -2;   // distinct from "no position"
  int64_t step = (int64_t)p.line - w->last.line;
  if (w->last.end_line != -1 && position_equal(p, w->last)) {
    w->data[w->size++] = head | POSITION_SAME << 2;
    return true;
  }
  int64_t width = (int64_t)p.end_column - p.column;
  if (p.end_line == -2) {
    w->data[w->size++] = head | POSITION_LINE << 2;
    linetable_number(w, step);
  } else if (p.end_line == p.line && step == 0 && p.column < 256 && width >= 0 && width < 256) {
    w->data[w->size++] = head | POSITION_SHORT << 2;
    w->data[w->size++] = (uint8_t)p.column;
    w->data[w->size++] = (uint8_t)width;
  } else if (p.end_line == p.line) {
    w->data[w->size++] = head | POSITION_WIDE << 2;
    linetable_number(w, step);
    linetable_number(w, p.column);
    linetable_number(w, width);
  } else {
    w->data[w->size++] = head | POSITION_LONG << 2;
    linetable_number(w, step);
    linetable_number(w, (int64_t)p.end_line - p.line);
    linetable_number(w, p.column);
    linetable_number(w, p.end_column);
  }
  w->last = p;
  return true;
}

// ---- reading ----

static int64_t position_number(PositionReader *r)
{
  uint64_t n = 0;
  for (int shift = 0; r->p < r->end && shift < 63; shift += 7) {
    uint8_t byte = *r->p++;
    n |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  return (int64_t)(n >> 1 ^ -(n & 1));
}

PositionReader cd_position_reader(const Code *code)
{
  return (PositionReader){.p = code->positions, .end = code->positions + code->positions_size};
}

bool cd_position_read(PositionReader *r, uint32_t *units, Position *out)
{
  if (r->p >= r->end) return false;
  uint8_t head = *r->p++;
  *units = (head & 3u) + 1;
  Position *p = &r->current;
  switch (head >> 2) {
  case POSITION_SAME: break;
  case POSITION_NONE: *out = (Position){-1, -1, -1, -1}; return true;
  case POSITION_SHORT:
    p->column = r->p < r->end ? *r->p++ : 0;
    p->end_column = p->column + (r->p < r->end ? *r->p++ : 0);
    p->end_line = p->line;
    break;
  case POSITION_WIDE:
    p->end_line = p->line = (int32_t)((uint32_t)p->line + (uint32_t)position_number(r));
    p->column = (int32_t)position_number(r);
    p->end_column = (int32_t)((uint32_t)p->column + (uint32_t)position_number(r));
    break;
  case POSITION_LONG:
    p->line = (int32_t)((uint32_t)p->line + (uint32_t)position_number(r));
    p->end_line = (int32_t)((uint32_t)p->line + (uint32_t)position_number(r));
    p->column = (int32_t)position_number(r);
    p->end_column = (int32_t)position_number(r);
    break;
  default:                                       // LINE, and whatever a damaged table holds
    p->line = (int32_t)((uint32_t)p->line + (uint32_t)position_number(r));
    p->end_line = p->column = p->end_column = -1;
    break;
  }
  *out = *p;
  return true;
}

// A mark every so many entries makes looking up a position in long code cheap. Short code, which is nearly all of it, is read from the
// start.
typedef struct PositionMark { uint32_t unit, offset; Position current; } PositionMark;
enum { MARK_EVERY = 64, MARK_FROM_SIZE = 1024 };

bool cd_code_mark_positions(VM *vm, Code *code)
{
  PositionReader reader = cd_position_reader(code);
  Position position;
  uint32_t units, entries = 0, at = 0;
  if (code->positions_size < MARK_FROM_SIZE) return true;
  while (cd_position_read(&reader, &units, &position)) entries++;
  uint32_t marks = entries / MARK_EVERY;
  if (!marks) return true;
  if (!(code->marks = cd_alloc_array(vm, marks, sizeof *code->marks))) return false;
  code->mark_count = marks;
  reader = cd_position_reader(code);
  for (uint32_t i = 0; cd_position_read(&reader, &units, &position); ) {
    at += units;
    if (++i % MARK_EVERY == 0) code->marks[i / MARK_EVERY - 1] = (PositionMark){at, (uint32_t)(reader.p - code->positions), reader.current};
  }
  return true;
}

void cd_code_unmark_positions(VM *vm, Code *code) { cd_free(vm, code->marks, code->mark_count * sizeof *code->marks); }

Position cd_code_position(const Code *code, uint32_t unit)
{
  PositionReader reader = cd_position_reader(code);
  Position position;
  uint32_t units, low = 0, high = code->mark_count;
  uint64_t at = 0;
  while (low < high) {                           // the last mark at or before the unit
    uint32_t middle = (low + high) / 2;
    if (code->marks[middle].unit <= unit) low = middle + 1;
    else high = middle;
  }
  if (low) {
    const PositionMark *mark = &code->marks[low - 1];
    at = mark->unit;
    reader.p = code->positions + mark->offset;
    reader.current = mark->current;
  }
  for (; cd_position_read(&reader, &units, &position); at += units)
    if (unit < at + units) return position;
  return (Position){-1, -1, -1, -1};
}

int32_t cd_code_line(const Code *code, uint32_t unit)
{
  if (code->unit_lines) return unit < code->unit_count ? code->unit_lines[unit] : -1;
  return cd_code_position(code, unit).line;
}

bool cd_code_index_lines(VM *vm, Code *code)
{
  if (code->unit_lines) return true;
  int32_t *lines = cd_alloc_array(vm, code->unit_count, sizeof *lines);
  if (!lines) return false;
  for (uint32_t i = 0; i < code->unit_count; i++) lines[i] = -1;
  PositionReader reader = cd_position_reader(code);
  Position position;
  uint32_t units, at = 0;
  while (at < code->unit_count && cd_position_read(&reader, &units, &position))
    for (; units && at < code->unit_count; units--) lines[at++] = position.line;
  code->unit_lines = lines;
  return true;
}
