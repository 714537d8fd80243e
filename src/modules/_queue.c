// SPDX-License-Identifier: MIT
// _queue.c: SimpleQueue: an unbounded queue between threads whose put() can be called from anywhere, even a signal handler or __del__
#include "modules/module_list.h"
#include "modules/wait.h"
#include "objects/exception.h"
#include "objects/generic_alias.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <math.h>

// A ring like deque's. The semaphore counts the items, so whoever got through it finds one.
typedef struct SimpleQueue {
  Object head;
  Value *ring;                                   // owned items; item i is at (first + i) & (capacity - 1)
  size_t first, size, capacity;
  sem_t ready;
  Weakref *weaklist;
} SimpleQueue;

typedef struct QueueState { Value empty; } QueueState;           // owned: the exception class

static inline SimpleQueue *simple_queue_of(Value v) { return (SimpleQueue *)cd_object(v); }

static Ref simple_queue_new(VM *vm, Type *type, const Value *args UNUSED, size_t nargs, Value kwnames)
{
  if (nargs) return cd_raise_type(vm, "%s() takes no positional arguments", cd_str_data(type->name));
  if (!cd_no_keywords(vm, cd_str_data(type->name), kwnames)) return NO_REF;
  SimpleQueue *q = cd_instance_new(vm, type);
  if (!q) return NO_REF;
  sem_init(&q->ready, 0, 0);
  return cd_from_object(q);
}

static void simple_queue_clear(VM *vm, Object *self)
{
  SimpleQueue *q = (SimpleQueue *)self;
  while (q->size && sem_trywait(&q->ready) == 0) {
    Ref item = cd_take(&q->ring[q->first]);
    q->first = (q->first + 1) & (q->capacity - 1);
    q->size--;
    cd_drop(vm, item);
  }
}

static void simple_queue_release(VM *vm, Object *self)
{
  SimpleQueue *q = (SimpleQueue *)self;
  simple_queue_clear(vm, self);
  cd_free(vm, q->ring, q->capacity * sizeof(Value));
  sem_destroy(&q->ready);
}

static void simple_queue_traverse(Object *self, VisitFn visit, void *context)
{
  SimpleQueue *q = (SimpleQueue *)self;
  for (size_t i = 0; i < q->size; i++) visit(context, q->ring[(q->first + i) & (q->capacity - 1)]);
}

static bool simple_queue_put_item(VM *vm, SimpleQueue *q, Value item)
{
  if (q->size == q->capacity) {
    size_t capacity = q->capacity ? q->capacity * 2 : 8;
    Value *ring = cd_alloc_array(vm, capacity, sizeof(Value));
    if (!ring) return false;
    for (size_t i = 0; i < q->size; i++) ring[i] = q->ring[(q->first + i) & (q->capacity - 1)];
    cd_free(vm, q->ring, q->capacity * sizeof(Value));
    q->ring = ring;
    q->capacity = capacity;
    q->first = 0;
  }
  q->ring[(q->first + q->size++) & (q->capacity - 1)] = cd_dup(item);
  sem_post(&q->ready);
  return true;
}

static Ref simple_queue_take(VM *vm, Value self, int64_t timeout)
{
  Ref keep = cd_dup(self);
  SimpleQueue *q = simple_queue_of(self);
  WaitResult result = cd_wait_semaphore(vm, &q->ready, timeout);
  Ref item = NO_REF;
  if (result == WAIT_DONE) {
    item = cd_take(&q->ring[q->first]);
    q->first = (q->first + 1) & (q->capacity - 1);
    q->size--;
  } else if (result == WAIT_TIMEOUT) {
    cd_raise_no_args(vm, cd_as_type(((QueueState *)cd_state(vm, MODULE__queue))->empty));
  }
  cd_drop(vm, keep);
  return item;
}

// Seconds to nanoseconds.
static bool simple_queue_timeout(VM *vm, Value v, int64_t *out)
{
  double seconds;
  if (cd_is_float(v)) {
    if (!cd_to_double(vm, v, &seconds)) return false;
    if (isnan(seconds)) return cd_raise_value(vm, "Invalid value NaN (not a number)");
  } else {
    Ref i = cd_index(vm, v);
    bool ok = i && cd_int_to_double(vm, i, &seconds);
    cd_drop(vm, i);
    if (!ok) return false;
  }
  if (seconds < 0) return cd_raise_value(vm, "'timeout' must be a non-negative number");
  if (seconds * 1e9 >= 9.2e18) return cd_raise_overflow(vm, "timestamp too large to convert to C _PyTime_t");
  *out = (int64_t)ceil(seconds * 1e9);
  return true;
}

METHOD(
  simple_queue, get, "get(self, block=True, timeout=None)",
  "Takes the oldest item out and returns it.\n\nWhile there is none it waits, for ever if timeout is None, or for that many\nseconds, "
  "after which it raises Empty. block=False does not wait at all,\nwhatever timeout says.")
{
  bool block = true;
  int64_t timeout = -1;
  if (args[0] && !cd_truth(vm, args[0], &block)) return NO_REF;
  if (block && args[1] && !cd_is_none(args[1]) && !simple_queue_timeout(vm, args[1], &timeout)) return NO_REF;
  return simple_queue_take(vm, self, block ? timeout : 0);
}

METHOD(simple_queue, get_nowait, "get_nowait(self, /)",
       "get(block=False).\n\nEmpty is raised where it would have to wait. Otherwise\nraise the Empty exception.")
{
  return simple_queue_take(vm, self, 0);
}
METHOD(simple_queue, put, "put(self, item, block=True, timeout=None)",
       "Put the item on the queue.\n\nblock and timeout change nothing: there is always room.  They are there because\nQueue.put() has "
       "them.")
{
  return simple_queue_put_item(vm, simple_queue_of(self), args[0]) ? cd_none() : NO_REF;
}
METHOD(simple_queue, put_nowait, "put_nowait(self, item)",
       "put(item), which never waits.\n\nIt is there because Queue has it.")
{
  return simple_queue_put_item(vm, simple_queue_of(self), args[0]) ? cd_none() : NO_REF;
}
METHOD(simple_queue, empty, "empty(self, /)", "Is it empty now? By the time one looks, that may have changed.")
{
  return cd_bool(simple_queue_of(self)->size == 0);
}
METHOD(simple_queue, qsize, "qsize(self, /)", "How many items there are now; that may change at once.")
{
  return cd_from_small((int64_t)simple_queue_of(self)->size);
}
CLASS_METHOD(simple_queue, __class_getitem__, "__class_getitem__(type, item, /)", "See PEP 585")
{
  return cd_generic_alias_new(vm, self, args[0]);
}

static const MethodDef *const simple_queue_methods[] = {
  &simple_queue_empty_def, &simple_queue_get_def, &simple_queue_get_nowait_def, &simple_queue_put_def, &simple_queue_put_nowait_def,
  &simple_queue_qsize_def, &simple_queue___class_getitem___def, NULL};

static const TypeSpec simple_queue_spec = {
  .name = "_queue.SimpleQueue",
  .doc = "SimpleQueue()\n--\n\nSimple, unbounded, reentrant FIFO queue.",
  .basicsize = sizeof(SimpleQueue),
  .flags = TYPE_BASE | TYPE_GC | TYPE_HAS_WEAKREFS | TYPE_IMMUTABLE,
  .weaklist_offset = offsetof(SimpleQueue, weaklist),
  .methods = simple_queue_methods,
  .slots = {.release = simple_queue_release, .traverse = simple_queue_traverse, .clear = simple_queue_clear, .new_ = simple_queue_new},
};

static bool queue_exec(VM *vm, Value module)
{
  QueueState *s = cd_state(vm, MODULE__queue);
  s->empty = cd_exception_type_new(vm, "_queue.Empty", "Exception raised by Queue.get(block=0)/get_nowait().",
                                   cd_type_value(vm->exc.Exception));
  return s->empty && cd_module_add(vm, module, "Empty", cd_dup(s->empty)) && cd_module_add_type(vm, module, &simple_queue_spec, NO_VALUE);
}

static void queue_traverse(void *p, VisitFn visit, void *context) { visit(context, ((QueueState *)p)->empty); }
static void queue_clear(VM *vm, void *p) { cd_clear(vm, &((QueueState *)p)->empty); }

const ModuleDef cd_module__queue = {
  .name = "_queue",
  .doc = "The native part of the queue module.\nPrograms use queue, not this.",
  .state_size = sizeof(QueueState),
  .exec = queue_exec,
  .traverse = queue_traverse,
  .clear = queue_clear,
};
