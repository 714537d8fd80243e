// SPDX-License-Identifier: MIT
// async_report.c: errors about an async generator that name both sides: who made it, and who is driving it
#include "coro/coro.h"

#include "objects/dict.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"

// ---- who drives it ----

// The generator that waits for `generator`, directly or through an awaitable of it; NULL: none that is known.
static Generator *report_waiter(VM *vm, const Generator *generator)
{
  for (Generator *g = vm->live_generators; g; g = g->live_next) {
    if (g == generator || g->frame.state != FRAME_DELEGATING) continue;
    if (cd_generator_drives(vm, cd_generator_sub_borrow(&g->frame)) == generator) return g;
  }
  return NULL;
}

// The coroutine at the top, which may belong to a task. While the chain runs its frames say it, else every level is looked for.
static Generator *report_root(VM *vm, Generator *generator)
{
  for (;;) {
    Frame *back = cd_generator_is_running(vm, generator) ? generator->frame.back : NULL;
    Generator *above = back && back->flags & FRAME_IS_GENERATOR ? cd_generator_of(back) : back ? NULL : report_waiter(vm, generator);
    if (!above) return generator;
    generator = above;
  }
}

static Ref report_call(VM *vm, Value object, const char *method)
{
  Ref name = cd_intern(vm, method);
  Ref result = cd_bits(name) ? cd_call_method0(vm, object, name) : NO_REF;
  cd_drop(vm, name);
  return result;
}

// Name of the one among `tasks`, an iterator, whose coroutine is `root`.
static Ref report_name_among(VM *vm, Value tasks, const Generator *root)
{
  Ref task;
  while (cd_next(vm, tasks, &task) == NEXT_ITEM) {
    Ref coroutine = report_call(vm, task, "get_coro");
    bool found = cd_bits(coroutine) && cd_is_object(coroutine) && cd_object(coroutine) == &root->head;
    Ref name = found ? report_call(vm, task, "get_name") : NO_REF;
    cd_drop(vm, coroutine);
    cd_drop(vm, task);
    if (found || cd_raised(vm)) return name;
  }
  return NO_REF;
}

// Name of the running loop's task that drives `root`; NO_REF: it is in none. Sets no exception.
static Ref report_task_name(VM *vm, const Generator *root)
{
  Value asyncio = vm->modules ? cd_dict_get_text_borrow(vm, vm->modules, "asyncio") : NO_VALUE;
  Ref tasks = cd_bits(asyncio) ? report_call(vm, asyncio, "all_tasks") : NO_REF;
  Ref iterator = cd_bits(tasks) ? cd_iter(vm, tasks) : NO_REF;
  Ref name = cd_bits(iterator) ? report_name_among(vm, iterator, root) : NO_REF;
  cd_drop(vm, iterator);
  cd_drop(vm, tasks);
  cd_clear_raised(vm);
  return name;
}

// ---- texts ----

// " (created at FILE:LINE)", or nothing.
Ref cd_async_creation(VM *vm, const Generator *generator)
{
  const Code *creator = generator->creator_code;
  int line = creator ? cd_code_line(creator, generator->creator_unit) : -1;
  return line < 0 ? cd_str_from(vm, "") : cd_str_format(vm, " (created at %S:%d)", creator->filename, line);
}

static Ref report_task(VM *vm, Generator *generator)
{
  if (!cd_coroutines_reveal(vm)) cd_clear_raised(vm);
  Ref name = report_task_name(vm, report_root(vm, generator));
  if (!cd_bits(name)) return cd_str_from(vm, "");
  Ref text = cd_str_format(vm, " in task %R", name);
  cd_drop(vm, name);
  return text;
}

// RuntimeError: `operation` of a generator that is being driven by somebody else.
Ref cd_async_raise_running(VM *vm, Generator *generator, const char *operation)
{
  if (vm->asyncgen_mode == ASYNCGEN_COMPAT) return cd_raise_runtime(vm, "%s: asynchronous generator is already running", operation);
  Frame *frame = &generator->frame;
  const char *state = cd_generator_is_running(vm, generator) ? "running" : "suspended";
  int line = cd_frame_line(frame);
  Ref created = cd_async_creation(vm, generator), task = cd_bits(created) ? report_task(vm, generator) : NO_REF;
  if (cd_bits(task))
    cd_raise_runtime(vm, "%s: asynchronous generator %R%U is running%U (%s at %S:%d)", operation, cd_generator_qualname(generator), created,
                     task, state, frame->code->filename, line);
  cd_drop(vm, created);
  cd_drop(vm, task);
  return NO_REF;
}
