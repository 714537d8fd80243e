// SPDX-License-Identifier: MIT
// alloc.c: the VM's allocator: size classes on free lists, counted and limited; new objects
#include "core/alloc.h"
#include "core/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

// Requests up to SMALL_LIMIT bytes are rounded up to a multiple of 8 and served from a free list for that size; an empty list is
// refilled by cutting a piece off the current chunk. Chunks go back to the system only with the VM, so the lists need no bookkeeping.
// Larger requests go to malloc and sit in a doubly linked list, so that a VM can be thrown away without visiting its objects.
//
// While cd_alloc_fail_at is in force the limit is 0, so that each request takes the slow path and is counted there; nothing else pays for
// it.

enum {
  SMALL_LIMIT = 512,
  SMALL_STEP = 8,
  SIZE_CLASS_COUNT = SMALL_LIMIT / SMALL_STEP + 1,
  CHUNK_SIZE = 256 * 1024,
  FIRST_CHUNK_SIZE = 64 * 1024,
  TABLE_SIZE = 64 * 1024                         // tables from this size on have pages of their own
};

typedef struct FreeBlock { struct FreeBlock *next; } FreeBlock;
typedef struct Chunk { struct Chunk *next; size_t size; } Chunk;
typedef struct LargeBlock {
  struct LargeBlock *next, *previous;
  size_t size;
  bool is_object, mapped;
} LargeBlock;   // mapped: pages of its own
_Static_assert(sizeof(LargeBlock) % 16 == 0 && sizeof(Chunk) % 16 == 0, "large blocks stay 16-byte aligned");

struct Alloc {
  uint64_t limit;                                // UINT64_MAX: none; 0 while requests are counted
  char *next, *end;                              // uncut part of the newest chunk
  FreeBlock *free[SIZE_CLASS_COUNT];
  Chunk *chunks;
  LargeBlock large;                              // ring head
  uint64_t fail_first, fail_end, requests;       // requests number [fail_first, fail_end) are refused; fail_first 0: none
  uint64_t blocks;                               // live ones; sys.getallocatedblocks()
};

static void large_give_back(LargeBlock *block)
{
  if (UNLIKELY(block->mapped)) munmap(block, sizeof *block + block->size);
  else free(block);
}

bool cd_alloc_init(VM *vm)
{
  Alloc *alloc = calloc(1, sizeof *alloc);
  if (!alloc) return false;
  alloc->limit = vm->config.memory_limit ? vm->config.memory_limit : UINT64_MAX;
  alloc->large.next = alloc->large.previous = &alloc->large;
  vm->alloc = alloc;
#ifdef CEDE_DEBUG
  const char *fail = getenv("CEDE_ALLOC_FAIL");
  if (fail) cd_alloc_fail_at(vm, (uint64_t)atoll(fail), 1);
#endif
  return true;
}

void cd_alloc_finish(VM *vm)
{
  Alloc *alloc = vm->alloc;
  if (!alloc) return;
  for (LargeBlock *block = alloc->large.next, *next; block != &alloc->large; block = next) {
    next = block->next;
    large_give_back(block);
  }
  for (Chunk *chunk = alloc->chunks, *next; chunk; chunk = next) {
    next = chunk->next;
    free(chunk);
  }
  free(alloc);
  vm->alloc = NULL;
  vm->bytes_used = 0;
}

static uint64_t alloc_limit(VM *vm) { return vm->config.memory_limit ? vm->config.memory_limit : UINT64_MAX; }

void cd_alloc_set_limit(VM *vm, uint64_t limit)
{
  vm->config.memory_limit = limit;
  if (!vm->alloc->fail_first) vm->alloc->limit = alloc_limit(vm);
}

void cd_alloc_fail_at(VM *vm, uint64_t first, uint64_t count)
{
  Alloc *alloc = vm->alloc;
  alloc->fail_first = first;
  alloc->fail_end = first + count < first ? UINT64_MAX : first + count;
  if (first) alloc->requests = 0;
  alloc->limit = first ? 0 : alloc_limit(vm);
}

uint64_t cd_alloc_fail_requests(VM *vm) { return vm->alloc->requests; }

uint64_t cd_alloc_blocks(VM *vm) { return vm->alloc->blocks; }

// NULL with MemoryError set.
static COLD void *alloc_refuse(VM *vm)
{
  if (vm->raise_memory) vm->raise_memory(vm);
  return NULL;
}

// Behind the fast check against alloc->limit: may `size` more bytes be used?
static COLD bool alloc_over_limit(VM *vm, size_t size)
{
  Alloc *alloc = vm->alloc;
  uint64_t limit = alloc->limit;
  if (alloc->fail_first) {
    alloc->requests++;
    if (alloc->requests >= alloc->fail_first && alloc->requests < alloc->fail_end) return true;
    limit = alloc_limit(vm);
  }
  return vm->bytes_used > limit || size > limit - vm->bytes_used;
}

// ---- large blocks: malloc, linked ----

static void *large_link(VM *vm, LargeBlock *block, size_t size)
{
  Alloc *alloc = vm->alloc;
  block->size = size;
  block->is_object = block->mapped = false;
  block->next = alloc->large.next;
  block->previous = &alloc->large;
  block->next->previous = alloc->large.next = block;
  vm->bytes_used += size;
  alloc->blocks++;
  return block + 1;
}

static void *large_new(VM *vm, size_t size, bool zeroed)
{
  if (alloc_over_limit(vm, size) || size > PTRDIFF_MAX - sizeof(LargeBlock)) return alloc_refuse(vm);
  LargeBlock *block = zeroed ? calloc(1, sizeof *block + size) : malloc(sizeof *block + size);
  return block ? large_link(vm, block, size) : alloc_refuse(vm);
}

static void *large_map(VM *vm, size_t size)
{
  if (alloc_over_limit(vm, size) || size > PTRDIFF_MAX - sizeof(LargeBlock)) return alloc_refuse(vm);
  LargeBlock *block = mmap(NULL, sizeof *block + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return alloc_refuse(vm);
  large_link(vm, block, size);
  block->mapped = true;
  return block + 1;
}

static void large_free(VM *vm, void *p, size_t size UNUSED)
{
  LargeBlock *block = (LargeBlock *)p - 1;
  CD_ASSERT(block->size == size && "cd_free got a size that differs from the one asked for");
  block->next->previous = block->previous;
  block->previous->next = block->next;
  vm->bytes_used -= block->size;
  vm->alloc->blocks--;
#if CD_ALLOC_CHECKED
  memset(block + 1, 0xDD, block->size);
#endif
  large_give_back(block);
}

static void *large_resize(VM *vm, void *p, size_t old UNUSED, size_t size)
{
  LargeBlock *block = (LargeBlock *)p - 1;
  CD_ASSERT(block->size == old && "cd_realloc got a size that differs from the one asked for");
  size_t before = block->size;
  if ((size > before && alloc_over_limit(vm, size - before)) || size > PTRDIFF_MAX - sizeof(LargeBlock))
    return alloc_refuse(vm);
  LargeBlock *moved = block->mapped ? mremap(block, sizeof *block + before, sizeof *block + size, MREMAP_MAYMOVE)
                                    : realloc(block, sizeof *block + size);
  if (!moved || (void *)moved == MAP_FAILED) return alloc_refuse(vm);
  moved->size = size;
  moved->next->previous = moved->previous->next = moved;
  vm->bytes_used += size - before;
  return moved + 1;
}

// ---- small blocks ----

#if CD_ALLOC_CHECKED
static inline bool alloc_is_small(size_t size UNUSED) { return false; }
#else
static inline bool alloc_is_small(size_t size) { return size <= SMALL_LIMIT; }
#endif

// Bytes really taken for a small request; 0 counts as one step.
static inline size_t small_class(size_t size) { return size ? (size + SMALL_STEP - 1) / SMALL_STEP : 1; }

static NO_INLINE void *small_refill(VM *vm, size_t bytes)
{
  Alloc *alloc = vm->alloc;
  if ((size_t)(alloc->end - alloc->next) < bytes) {
    // What is left of the old chunk becomes one free block of its size: it is a multiple of the step and smaller than any request that
    // failed.
    size_t rest = (size_t)(alloc->end - alloc->next);
    if (rest) {
      FreeBlock *block = (FreeBlock *)alloc->next;
      block->next = alloc->free[rest / SMALL_STEP];
      alloc->free[rest / SMALL_STEP] = block;
      alloc->next = alloc->end;
    }
    size_t size = alloc->chunks ? CHUNK_SIZE : FIRST_CHUNK_SIZE;
    Chunk *chunk = malloc(size);
    if (!chunk) return NULL;
    chunk->next = alloc->chunks;
    chunk->size = size;
    alloc->chunks = chunk;
    alloc->next = (char *)(chunk + 1);
    alloc->end = (char *)chunk + size;
  }
  void *p = alloc->next;
  alloc->next += bytes;
  return p;
}

static ALWAYS_INLINE void *small_new(VM *vm, size_t size)
{
  Alloc *alloc = vm->alloc;
  size_t class = small_class(size), bytes = class * SMALL_STEP;
  if (UNLIKELY(vm->bytes_used + bytes > alloc->limit) && alloc_over_limit(vm, bytes)) return alloc_refuse(vm);
  void *p = alloc->free[class];
  if (LIKELY(p != NULL)) alloc->free[class] = ((FreeBlock *)p)->next;
  else if (!(p = small_refill(vm, bytes))) return alloc_refuse(vm);
  vm->bytes_used += bytes;
  alloc->blocks++;
  return p;
}

static ALWAYS_INLINE void small_free(VM *vm, void *p, size_t size)
{
  Alloc *alloc = vm->alloc;
  size_t class = small_class(size);
  ((FreeBlock *)p)->next = alloc->free[class];
  alloc->free[class] = p;
  vm->bytes_used -= class * SMALL_STEP;
  alloc->blocks--;
}

// ---- the interface ----

void *cd_alloc(VM *vm, size_t size) { return LIKELY(alloc_is_small(size)) ? small_new(vm, size) : large_new(vm, size, false); }

void *cd_alloc_zeroed(VM *vm, size_t size)
{
  if (!alloc_is_small(size)) return large_new(vm, size, true);
  void *p = small_new(vm, size);
  return p ? memset(p, 0, size) : NULL;
}

void cd_free(VM *vm, void *p, size_t size)
{
  if (!p) return;
  if (LIKELY(alloc_is_small(size))) small_free(vm, p, size);
  else large_free(vm, p, size);
}

void *cd_realloc(VM *vm, void *p, size_t old, size_t size)
{
  if (!p) return cd_alloc(vm, size);
  if (alloc_is_small(old) && alloc_is_small(size) && small_class(old) == small_class(size)) return p;
  if (!alloc_is_small(old) && !alloc_is_small(size)) return large_resize(vm, p, old, size);
  void *moved = cd_alloc(vm, size);
  if (!moved) return NULL;
  memcpy(moved, p, old < size ? old : size);
  cd_free(vm, p, old);
  return moved;
}

void *cd_realloc_table(VM *vm, void *p, size_t old, size_t size)
{
  if (size < TABLE_SIZE || old >= TABLE_SIZE || CD_ALLOC_CHECKED) return cd_realloc(vm, p, old, size);
  void *moved = large_map(vm, size);
  if (!moved) return NULL;
  if (p) memcpy(moved, p, old);
  cd_free(vm, p, old);
  return moved;
}

void *cd_alloc_array(VM *vm, size_t count, size_t size)
{
  size_t bytes;
  return __builtin_mul_overflow(count, size, &bytes) ? alloc_refuse(vm) : cd_alloc(vm, bytes);
}

#if CD_ALLOC_CHECKED
void cd_alloc_each_object(VM *vm, void (*each)(void *context, Object *object), void *context)
{
  LargeBlock *ring = &vm->alloc->large;
  for (LargeBlock *block = ring->next; block != ring; block = block->next)
    if (block->is_object) each(context, (Object *)(block + 1));
}
#endif

// ---- objects ----

// Clears the first n bytes, at least 16, of a small block: two stores that overlap for the sizes of most objects.
static ALWAYS_INLINE void small_clear(char *p, size_t n)
{
  if (n <= 32) {
    memset(p, 0, 16);
    memset(p + n - 16, 0, 16);
  } else if (n <= 64) {
    memset(p, 0, 32);
    memset(p + n - 32, 0, 32);
  } else if (n <= 128) {
    memset(p, 0, 64);
    memset(p + n - 64, 0, 64);
  } else {
    memset(p, 0, n);
  }
}

// With MemoryError set on failure; the header is complete afterwards and everything behind it, up to `zeroed`, is zero.
static ALWAYS_INLINE void *object_new_untracked(VM *vm, Type *type, size_t size, size_t zeroed)
{
  CD_ASSERT(size >= sizeof(Object));
  Object *object;
  if (LIKELY(alloc_is_small(size))) {
    if (UNLIKELY(!(object = small_new(vm, size)))) return NULL;
    small_clear((char *)object, zeroed);
  } else {
    if (UNLIKELY(!(object = large_new(vm, size, zeroed == size)))) return NULL;
    if (zeroed < size) memset(object, 0, zeroed);
  }
#if CD_ALLOC_CHECKED
  ((LargeBlock *)object - 1)->is_object = true;
#endif
  object->refcount = 1;
  object->type = type;
  if (type->flags & TYPE_HEAP) type->head.refcount++;
  return object;
}

void cd_object_free(VM *vm, Object *object)
{
  Type *type = object->type;
  size_t size = cd_object_size(object);
  if (object->gc & GC_TRACKED) cd_gc_untrack(vm, object);
  cd_free(vm, object, size);
  if (type->flags & TYPE_HEAP) cd_drop_object(vm, type);
}

void *cd_object_new_part(VM *vm, Type *type, size_t size, size_t zeroed)
{
  if (type->flags & (TYPE_GC | TYPE_HEAP)) return cd_object_new(vm, type, size);   // storage of subclasses lies behind the items
  return object_new_untracked(vm, type, size, zeroed);
}

void *cd_object_new(VM *vm, Type *type, size_t size)
{
  Object *object = object_new_untracked(vm, type, size, size);
  if (UNLIKELY(!object) || !(type->flags & TYPE_GC)) return object;
  if (UNLIKELY(!cd_gc_track(vm, object))) {
    cd_free(vm, object, size);
    if (type->flags & TYPE_HEAP) cd_drop_object(vm, type);
    return NULL;
  }
  return object;
}
