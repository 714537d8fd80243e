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
  struct TimerHandle *timer;                     // owned by the heap
} TimerSlot;

typedef struct TimerHeap {
  TimerSlot *slots;
  uint32_t count, capacity;
  uint64_t next_sequence;
} TimerHeap;

#define TIMER_NOWHERE UINT32_MAX                 // TimerHandle.place of a timer that is in no heap

MUST_USE bool cd_timer_heap_push(VM *vm, TimerHeap *heap, struct TimerHandle *timer);          // takes a reference of its own
MUST_USE Ref cd_timer_heap_pop(VM *vm, TimerHeap *heap);                                       // the earliest; count > 0
MUST_USE Ref cd_timer_heap_remove(VM *vm, TimerHeap *heap, struct TimerHandle *timer);         // the heap's reference
void cd_timer_heap_clear(VM *vm, TimerHeap *heap);                                             // runs Python

#endif
