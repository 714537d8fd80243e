// SPDX-License-Identifier: MIT
// timer_heap.c: timers by deadline
#include "loop/loop.h"

#include "objects/raise.h"

enum { TIMER_CHILDREN = 4 };

static inline bool timer_slot_before(const TimerSlot *a, const TimerSlot *b)
{
  return a->when < b->when || (a->when == b->when && a->sequence < b->sequence);
}

static inline void timer_heap_put(TimerHeap *heap, uint32_t place, TimerSlot slot)
{
  heap->slots[place] = slot;
  *slot.place = place;
}

static void timer_heap_up(TimerHeap *heap, uint32_t place, TimerSlot slot)
{
  while (place) {
    uint32_t parent = (place - 1) / TIMER_CHILDREN;
    if (!timer_slot_before(&slot, &heap->slots[parent])) break;
    timer_heap_put(heap, place, heap->slots[parent]);
    place = parent;
  }
  timer_heap_put(heap, place, slot);
}

static void timer_heap_down(TimerHeap *heap, uint32_t place, TimerSlot slot)
{
  for (;;) {
    uint64_t first = (uint64_t)place * TIMER_CHILDREN + 1;
    if (first >= heap->count) break;
    uint32_t best = (uint32_t)first, end = heap->count - best < TIMER_CHILDREN ? heap->count : best + TIMER_CHILDREN;
    for (uint32_t i = best + 1; i < end; i++)
      if (timer_slot_before(&heap->slots[i], &heap->slots[best])) best = i;
    if (!timer_slot_before(&heap->slots[best], &slot)) break;
    timer_heap_put(heap, place, heap->slots[best]);
    place = best;
  }
  timer_heap_put(heap, place, slot);
}

bool cd_timer_heap_push(VM *vm, TimerHeap *heap, double when, void *owner, uint32_t *place)
{
  if (heap->count == heap->capacity) {
    if (heap->capacity >= UINT32_MAX / 2) return cd_raise_memory(vm);
    uint32_t capacity = heap->capacity ? heap->capacity * 2 : 16;
    TimerSlot *slots = cd_realloc(vm, heap->slots, heap->capacity * sizeof *slots, capacity * sizeof *slots);
    if (!slots) return false;
    heap->slots = slots;
    heap->capacity = capacity;
  }
  cd_dup_object(owner);
  timer_heap_up(heap, heap->count++, (TimerSlot){when, heap->next_sequence++, owner, place});
  return true;
}

Ref cd_timer_heap_remove(VM *vm, TimerHeap *heap, uint32_t place)
{
  CD_ASSERT(place < heap->count && *heap->slots[place].place == place);
  TimerSlot gone = heap->slots[place], last = heap->slots[--heap->count];
  *gone.place = TIMER_NOWHERE;
  if (place < heap->count) {
    if (place && timer_slot_before(&last, &heap->slots[(place - 1) / TIMER_CHILDREN])) timer_heap_up(heap, place, last);
    else timer_heap_down(heap, place, last);
  }
  if (heap->capacity > 64 && heap->count < heap->capacity / 8) { // a burst of timers is over
    uint32_t capacity = heap->capacity / 4;
    TimerSlot *slots = cd_realloc(vm, heap->slots, heap->capacity * sizeof *slots, capacity * sizeof *slots);
    if (slots) heap->slots = slots, heap->capacity = capacity;
    else cd_clear_raised(vm);
  }
  return cd_from_object(gone.owner);
}

Ref cd_timer_heap_pop(VM *vm, TimerHeap *heap) { return cd_timer_heap_remove(vm, heap, 0); }

void cd_timer_heap_clear(VM *vm, TimerHeap *heap)
{
  while (heap->count) {
    TimerSlot gone = heap->slots[--heap->count];
    *gone.place = TIMER_NOWHERE;
    cd_drop_object(vm, gone.owner);
  }
  cd_free(vm, heap->slots, heap->capacity * sizeof *heap->slots);
  heap->slots = NULL;
  heap->capacity = 0;
}
