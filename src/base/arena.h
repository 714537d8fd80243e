// SPDX-License-Identifier: MIT
// arena.h: bump allocation for things that die together; one per compilation
#ifndef CEDE_BASE_ARENA_H
#define CEDE_BASE_ARENA_H

#include "base/platform.h"

typedef struct ArenaBlock ArenaBlock;

// Memory comes from `alloc`/`free` given at init, so that a VM's limit and its failure sweep apply.
typedef struct Arena {
  ArenaBlock *head;
  char *next, *end;                              // free part of the newest block
  size_t total;                                  // bytes taken from `alloc`
  void *(*alloc)(void *ctx, size_t size);
  void (*free)(void *ctx, void *p, size_t size);
  void *ctx;
} Arena;

void cd_arena_init(Arena *arena, void *(*alloc)(void *, size_t), void (*free)(void *, void *, size_t), void *ctx);
void cd_arena_clear(Arena *arena);               // frees every block; the arena is empty and usable again

// `size` zeroed bytes, aligned to 8; NULL when memory is out (no exception is set here).
void *cd_arena_alloc(Arena *arena, size_t size);
char *cd_arena_copy(Arena *arena, const char *bytes, size_t size);   // adds a NUL

#endif
