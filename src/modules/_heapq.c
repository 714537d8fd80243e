// SPDX-License-Identifier: MIT
// _heapq.c: heaps in lists: each item is not greater than its children at 2i+1 and 2i+2
#include "modules/module_list.h"
#include "objects/list.h"
#include "objects/protocol.h"

// Comparing runs Python, which may change the list: its size is checked after each comparison.
typedef struct Heap {
  List *list;
  bool largest_first;                            // the _max functions
} Heap;

// `name` is "heappop() argument" and so on, for the message.
static bool heap_init(VM *vm, const char *name, Value v, bool largest_first, Heap *out)
{
  if (!cd_is_list(v)) return cd_raise_type(vm, "%s must be list, not %T", name, v);
  *out = (Heap){cd_as_list(v), largest_first};
  return true;
}

// Must a come before b?
static bool heap_compare(VM *vm, const Heap *heap, Value a, Value b, bool *out)
{
  if (cd_both_small(a, b)) {
    *out = heap->largest_first ? cd_small(b) < cd_small(a) : cd_small(a) < cd_small(b);
    return true;
  }
  Ref x = cd_dup(a), y = cd_dup(b), answer = heap->largest_first ? cd_compare(vm, y, x, COMPARE_LT) : cd_compare(vm, x, y, COMPARE_LT);
  bool ok = answer && cd_truth(vm, answer, out);
  cd_drop(vm, answer);
  cd_drop(vm, x);
  cd_drop(vm, y);
  return ok;
}

static bool heap_before(VM *vm, const Heap *heap, Value a, Value b, bool *out)
{
  size_t size = heap->list->size;
  if (!heap_compare(vm, heap, a, b, out)) return false;
  return heap->list->size == size || cd_raise_runtime(vm, "list changed size during iteration");
}

static void heap_swap(List *list, size_t i, size_t j)
{
  Value t = list->items[i];
  list->items[i] = list->items[j];
  list->items[j] = t;
}

// Moves the item at `position` up towards `top` until its parent is before it.
static bool heap_rise(VM *vm, const Heap *heap, size_t top, size_t position)
{
  List *list = heap->list;
  while (position > top) {
    size_t parent = (position - 1) / 2;
    bool before;
    if (!heap_before(vm, heap, list->items[position], list->items[parent], &before)) return false;
    if (!before) break;
    heap_swap(list, position, parent);
    position = parent;
  }
  return true;
}

// Moves the item at `position` all the way down to a leaf, along the smaller children, then up again: fewer comparisons than stopping
// early, as an item from the end usually belongs near the end.
static bool heap_sink(VM *vm, const Heap *heap, size_t position)
{
  List *list = heap->list;
  size_t top = position, limit = list->size / 2;
  while (position < limit) {
    size_t child = 2 * position + 1;
    if (child + 1 < list->size) {
      bool before;
      if (!heap_before(vm, heap, list->items[child], list->items[child + 1], &before)) return false;
      if (!before) child++;
    }
    heap_swap(list, position, child);
    position = child;
  }
  return heap_rise(vm, heap, top, position);
}

static Ref heap_pop(VM *vm, const char *name, Value v, bool largest_first)
{
  Heap heap;
  if (!heap_init(vm, name, v, largest_first, &heap)) return NO_REF;
  List *list = heap.list;
  if (list->size == 0) return cd_raise_index(vm, "index out of range");
  Ref last = cd_list_pop(vm, list, list->size - 1);
  if (!last || list->size == 0) return last;
  Ref first = cd_take(&list->items[0]);
  list->items[0] = last;
  if (heap_sink(vm, &heap, 0)) return first;
  cd_drop(vm, first);
  return NO_REF;
}

static Ref heap_replace(VM *vm, const char *name, Value v, Value item, bool largest_first)
{
  Heap heap;
  if (!heap_init(vm, name, v, largest_first, &heap)) return NO_REF;
  if (heap.list->size == 0) return cd_raise_index(vm, "index out of range");
  Ref first = cd_take(&heap.list->items[0]);
  heap.list->items[0] = cd_dup(item);
  if (heap_sink(vm, &heap, 0)) return first;
  cd_drop(vm, first);
  return NO_REF;
}

static Ref heap_order(VM *vm, const char *name, Value v, bool largest_first)
{
  Heap heap;
  if (!heap_init(vm, name, v, largest_first, &heap)) return NO_REF;
  for (size_t i = heap.list->size / 2; i-- > 0;)
    if (!heap_sink(vm, &heap, i)) return NO_REF;
  return cd_none();
}

FUNCTION(_heapq, heappush, "heappush(heap, item, /)", "Puts an item on the heap, which stays a heap.")
{
  Heap heap;
  if (!heap_init(vm, "heappush() argument 1", args[0], false, &heap) || !cd_list_append(vm, heap.list, args[1])) return NO_REF;
  return heap_rise(vm, &heap, 0, heap.list->size - 1) ? cd_none() : NO_REF;
}
FUNCTION(_heapq, heappop, "heappop(heap, /)", "Takes the smallest item off the heap; the rest stays a heap.")
{
  return heap_pop(vm, "heappop() argument", args[0], false);
}
FUNCTION(
  _heapq, heapreplace, "heapreplace(heap, item, /)",
  "heappop() and then heappush(), in one step; the heap keeps its size.\n\nThis is faster than heappop() followed by heappush(), and fits "
  "heaps of a fixed\nsize. The value returned may be larger than item!  A conditional replacement:\n\n    if item > heap[0]:\n        "
  "item = heapreplace(heap, item)")
{
  return heap_replace(vm, "heapreplace() argument 1", args[0], args[1], false);
}
FUNCTION(
  _heapq, heappushpop, "heappushpop(heap, item, /)",
  "heappush() and then heappop(), in one step.\n\nThis is faster than heappush() followed by heappop().")
{
  Heap heap;
  bool before;
  if (!heap_init(vm, "heappushpop() argument 1", args[0], false, &heap)) return NO_REF;
  if (heap.list->size == 0) return cd_dup(args[1]);
  if (!heap_compare(vm, &heap, heap.list->items[0], args[1], &before)) return NO_REF;
  if (!before) return cd_dup(args[1]);
  if (heap.list->size == 0) return cd_raise_index(vm, "index out of range");
  return heap_replace(vm, "heappushpop() argument 1", args[0], args[1], false);
}
FUNCTION(_heapq, heapify, "heapify(heap, /)", "Makes a list a heap, without a second list, in linear time.")
{
  return heap_order(vm, "heapify() argument", args[0], false);
}
FUNCTION(_heapq, _heappop_max, "_heappop_max(heap, /)", "Maxheap variant of heappop.")
{
  return heap_pop(vm, "_heappop_max() argument", args[0], true);
}
FUNCTION(_heapq, _heapreplace_max, "_heapreplace_max(heap, item, /)", "Maxheap variant of heapreplace.")
{
  return heap_replace(vm, "_heapreplace_max() argument 1", args[0], args[1], true);
}
FUNCTION(_heapq, _heapify_max, "_heapify_max(heap, /)", "Maxheap variant of heapify.")
{
  return heap_order(vm, "_heapify_max() argument", args[0], true);
}

static bool heapq_exec(VM *vm, Value module)
{
  return cd_module_add_text(vm, module, "__about__",
                            "Heaps\n\nA heap is a list in which heap[k] <= heap[2*k+1] and heap[k] <= heap[2*k+2] for all k, as far "
                            "as\nthese items exist. So heap[0] is the smallest item. "
                            "The list is a tree: the children of item k\nare items 2*k+1 and 2*k+2. Adding an item or taking the smallest "
                            "one moves items along one path\nof that tree only, "
                            "which takes time proportional to the logarithm of the number of items.\n\nThis makes heaps good for priority "
                            "queues and schedulers, for merging sorted sources, and "
                            "for\nfinding the few largest or smallest of many items.\n");
}

static const MethodDef *const heapq_functions[] = {
  &_heapq_heappush_def,     &_heapq_heappushpop_def,      &_heapq_heappop_def,
  &_heapq_heapreplace_def,  &_heapq_heapify_def,          &_heapq__heappop_max_def,
  &_heapq__heapify_max_def, &_heapq__heapreplace_max_def, NULL,
};

const ModuleDef cd_module__heapq = {
  .name = "_heapq",
  .doc = "Heap queues, also called priority queues.\n\nheap = []            # an empty heap\nheappush(heap, item) # add an item\nitem = "
         "heappop(heap) # take the smallest "
         "item\nitem = heap[0]       # the smallest item\nheapify(x)           # make a list a heap, in linear time",
  .functions = heapq_functions,
  .exec = heapq_exec,
};
