// SPDX-License-Identifier: MIT
// arena.c: bump allocation in blocks that grow with the arena
#include "base/arena.h"

struct ArenaBlock {
  ArenaBlock *next;
  size_t size;                                   // of the block, this header included
};

enum { ARENA_FIRST_BLOCK = 4096, ARENA_LARGEST_BLOCK = 1 << 20 };

void cd_arena_init(Arena *arena, void *(*alloc)(void *, size_t), void (*free)(void *, void *, size_t), void *ctx)
{
  *arena = (Arena){.alloc = alloc, .free = free, .ctx = ctx};
}

void cd_arena_clear(Arena *arena)
{
  for (ArenaBlock *block = arena->head, *next; block; block = next) {
    next = block->next;
    arena->free(arena->ctx, block, block->size);
  }
  arena->head = NULL;
  arena->next = arena->end = NULL;
  arena->total = 0;
}

// Makes a new block, with room for `size` bytes, the one to take from. What was free in the previous one is given up.
static bool arena_grow(Arena *arena, size_t size)
{
  size_t usual = arena->total < ARENA_FIRST_BLOCK     ? ARENA_FIRST_BLOCK
                 : arena->total > ARENA_LARGEST_BLOCK ? ARENA_LARGEST_BLOCK
                                                      : arena->total;
  size_t needed = size + sizeof(ArenaBlock), block_size = needed > usual ? needed : usual;
  ArenaBlock *block = arena->alloc(arena->ctx, block_size);
  if (!block) return false;
  block->size = block_size;
  block->next = arena->head;
  arena->head = block;
  arena->total += block_size;
  arena->next = (char *)(block + 1);
  arena->end = (char *)block + block_size;
  return true;
}

void *cd_arena_alloc(Arena *arena, size_t size)
{
  if (size > SIZE_MAX / 2) return NULL;
  size = (size + 7) & ~(size_t)7;
  if ((size_t)(arena->end - arena->next) < size && !arena_grow(arena, size)) return NULL;
  void *p = arena->next;
  arena->next += size;
  return memset(p, 0, size);
}

char *cd_arena_copy(Arena *arena, const char *bytes, size_t size)
{
  char *copy = cd_arena_alloc(arena, size + 1);
  if (copy && size) memcpy(copy, bytes, size);
  return copy;
}
