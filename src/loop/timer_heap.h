// SPDX-License-Identifier: MIT
// timer_heap.h: timers by deadline
#ifndef CEDE_LOOP_TIMER_HEAP_H
#define CEDE_LOOP_TIMER_HEAP_H

#include "core/vm.h"

// A heap of four children to a node, the earliest on top; equal deadlines in order of arrival. Each timer knows its place, so that a
// cancelled one leaves at once: nothing dead is ever in the heap.
typedef struct TimerSlot {
  double when;
  uint64_t sequence;
  Object *owner;                                 // owned by the heap: a TimerHandle, or the future of a sleep()
  uint32_t *place;                               // in the owner: the index of this slot, or TIMER_NOWHERE
} TimerSlot;

typedef struct TimerHeap {
  TimerSlot *slots;
  uint32_t count, capacity;
  uint64_t next_sequence;
} TimerHeap;

#define TIMER_NOWHERE UINT32_MAX                 // of a timer that is in no heap

MUST_USE bool cd_timer_heap_push(VM *vm, TimerHeap *heap, double when, void *owner, uint32_t *place);   // takes a reference of its own
MUST_USE Ref cd_timer_heap_pop(VM *vm, TimerHeap *heap);         // the earliest; count > 0
MUST_USE Ref cd_timer_heap_remove(VM *vm, TimerHeap *heap, uint32_t place);                             // the heap's reference
void cd_timer_heap_clear(VM *vm, TimerHeap *heap);                                             // runs Python

#endif
