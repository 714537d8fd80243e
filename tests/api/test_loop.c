/* SPDX-License-Identifier: MIT */
/* test_loop.c: a host that turns the event loop: steps, deadlines, descriptors, posts from other threads, futures, functions, async iterators */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static CedeVM *library_vm(void)
{
  CedeOptions options;
  const char *error = NULL;
  cede_options_init(&options);
  CedeVM *vm = cede_vm_new(&options, &error);
  if (!vm) fprintf(stderr, "no VM: %s\n", error);
  CHECK(vm);
  return vm;
}

static void run(CedeVM *vm, const char *source)
{
  bool ok = cede_exec(vm, source, "<test>");
  if (!ok) cede_print_exception(vm);
  CHECK(ok);
}

/* Waits as a host would: in poll(), never longer than the loop allows. */
static void turn(CedeVM *vm)
{
  bool more;
  int64_t wait = cede_loop_next_deadline(vm);
  struct pollfd fd = {cede_loop_fd(vm), POLLIN, 0};
  CHECK(fd.fd >= 0);
  poll(&fd, 1, wait < 0 || wait > 1000 ? 1000 : (int)wait);
  bool ok = cede_loop_step(vm, 0, &more);
  if (!ok) cede_print_exception(vm);
  CHECK(ok);
}

static void turn_until(CedeVM *vm, CedeRef future)
{
  for (int i = 0; i < 10000 && !cede_future_done(vm, future); i++) turn(vm);
  CHECK(!cede_raised(vm) && cede_future_done(vm, future));
}

static CedeRef spawn(CedeVM *vm, const char *expression)
{
  CedeRef coroutine = cede_eval(vm, expression), task = cede_spawn(vm, coroutine);
  if (cede_failed(task)) cede_print_exception(vm);
  CHECK(!cede_failed(task));
  cede_drop(vm, coroutine);
  return task;
}

static bool result_is(CedeVM *vm, CedeRef future, const char *want)
{
  turn_until(vm, future);
  bool same = repr_is(vm, cede_future_result(vm, future), want);
  cede_drop(vm, future);
  return same;
}

static void timers_and_sockets(CedeVM *vm)
{
  CedeRef loop = cede_loop(vm);
  CHECK(!cede_failed(loop) && cede_loop_next_deadline(vm) == -1);
  cede_drop(vm, loop);
  run(vm, "import asyncio\n"
          "async def sleep_twice():\n"
          "  await asyncio.sleep(0.01)\n"
          "  await asyncio.sleep(0.01)\n"
          "  return 'slept'\n"
          "async def talk():\n"
          "  async def echo(reader, writer):\n"
          "    writer.write((await reader.readline()).upper())\n"
          "    writer.close()\n"
          "  server = await asyncio.start_server(echo, '127.0.0.1', 0)\n"
          "  reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())\n"
          "  writer.write(b'hello\\n')\n"
          "  answer = await reader.read()\n"
          "  writer.close()\n"
          "  server.close()\n"
          "  return answer\n");
  CedeRef task = spawn(vm, "sleep_twice()");
  CHECK(cede_loop_next_deadline(vm) == 0 && cede_loop_step(vm, 0, NULL));
  int64_t wait = cede_loop_next_deadline(vm);
  CHECK(wait >= 0 && wait <= 10);
  CHECK(result_is(vm, task, "'slept'"));
  CHECK(result_is(vm, spawn(vm, "talk()"), "b'HELLO\\n'"));
  CedeRef coroutine = cede_eval(vm, "talk()");
  CHECK(repr_is(vm, cede_run_until_complete(vm, coroutine), "b'HELLO\\n'"));
  cede_drop(vm, coroutine);
}

/* ---- posts ---- */

static int posts, wakes;
static void count_wake(void *data)
{
  (void)data;
  __atomic_add_fetch(&wakes, 1, __ATOMIC_SEQ_CST);
}
static bool posted(CedeVM *vm, void *data)
{
  posts++;
  CedeRef value = cede_int(vm, 42);
  bool ok = cede_future_set_result(vm, *(CedeRef *)data, value);
  cede_drop(vm, value);
  return ok;
}
static bool failing_post(CedeVM *vm, void *data)
{
  (void)data;
  cede_raise(vm, "KeyError", "posted");
  return false;
}

typedef struct Poster { CedeVM *vm; CedeRef future; } Poster;
static void *post_later(void *data)
{
  Poster *poster = data;
  usleep(20000);
  CHECK(cede_post(poster->vm, posted, &poster->future));
  return NULL;
}

static void posts_from_threads(CedeVM *vm)
{
  pthread_t thread;
  Poster poster = {vm, cede_future_new(vm)};
  CHECK(!cede_failed(poster.future) && cede_loop_on_wake(vm, count_wake, NULL));
  CHECK(cede_set_global(vm, "answer", poster.future));
  run(vm, "async def wait_for_answer():\n  return await answer + 1\n");
  CedeRef task = spawn(vm, "wait_for_answer()");
  CHECK(!pthread_create(&thread, NULL, post_later, &poster));
  CHECK(result_is(vm, task, "43") && posts == 1 && wakes >= 1);
  pthread_join(thread, NULL);
  cede_drop(vm, poster.future);
  CHECK(cede_loop_on_wake(vm, NULL, NULL));
  CHECK(cede_post(vm, failing_post, NULL) && cede_loop_next_deadline(vm) == 0);
  CHECK(!cede_loop_step(vm, 0, NULL) && raised_is(vm, "KeyError('posted')"));
}

/* ---- functions, futures, async iterators ---- */

static int released;
static void count_release(void *data) { *(int *)data += 1; }

static CedeRef add(CedeVM *vm, void *data, const CedeRef *args, size_t count)
{
  int64_t sum = 0, one;
  (void)data;
  for (size_t i = 0; i < count; i++) {
    if (!cede_to_int(vm, args[i], &one)) return (CedeRef){0};
    sum += one;
  }
  return cede_int(vm, sum);
}
static CedeRef forget_exception(CedeVM *vm, void *data, const CedeRef *args, size_t count)
{
  (void)vm, (void)data, (void)args, (void)count;
  return (CedeRef){0};
}
/* Returns an awaitable: a future that is done at once. */
static CedeRef soon(CedeVM *vm, void *data, const CedeRef *args, size_t count)
{
  CedeRef future = cede_future_new(vm);
  (void)data;
  if (count != 1) {
    cede_drop(vm, future);
    return cede_raise(vm, "TypeError", "soon() takes one argument");
  }
  if (!cede_failed(future)) CHECK(cede_future_set_result(vm, future, args[0]));
  return future;
}
static CedeRef next_number(CedeVM *vm, void *data)
{
  int *left = data;
  if (!*left) return (CedeRef){0};
  CedeRef number = cede_int(vm, (*left)--), future = soon(vm, NULL, &number, 1);
  cede_drop(vm, number);
  return future;
}

static void functions(CedeVM *vm)
{
  CedeRef function = cede_function_new(vm, "add", add, &released, count_release);
  CHECK(cede_set_global(vm, "add", function));
  cede_drop(vm, function);
  CHECK(eval_is(vm, "add(1, 2, 3)", "6") && eval_is(vm, "add.__name__", "'add'"));
  CHECK(cede_failed(cede_eval(vm, "add('x')")) && raised_is(vm, "TypeError(\"'str' object cannot be interpreted as an integer\")"));
  CHECK(cede_failed(cede_eval(vm, "add(x=1)")) && raised_is(vm, "TypeError('add() takes no keyword arguments')"));
  run(vm, "del add\n");
  CHECK(released == 1);
  function = cede_function_new(vm, "lost", forget_exception, NULL, NULL);
  CHECK(cede_failed(cede_call(vm, function, NULL, 0)) && raised_is(vm, "SystemError('lost() failed without setting an exception')"));
  cede_drop(vm, function);

  int left = 3;
  CedeRef wait = cede_function_new(vm, "soon", soon, NULL, NULL), numbers = cede_async_iterator_new(vm, next_number, &left, NULL);
  CHECK(cede_set_global(vm, "soon", wait) && cede_set_global(vm, "numbers", numbers));
  cede_drop(vm, wait);
  cede_drop(vm, numbers);
  run(vm, "async def collect():\n  return [await soon(n * 10) async for n in numbers]\n");
  CHECK(result_is(vm, spawn(vm, "collect()"), "[30, 20, 10]"));
  run(vm, "del numbers, soon\n");
}

static void exceptions(CedeVM *vm)
{
  CedeRef future = cede_future_new(vm), text = cede_str(vm, "x", 1);
  CHECK(cede_failed(cede_future_result(vm, future)) && raised_is(vm, "InvalidStateError('Result is not set.')"));
  CedeRef error = cede_eval(vm, "ValueError('from C')");
  CHECK(cede_future_set_exception(vm, future, error));
  CHECK(cede_failed(cede_future_result(vm, future)) && raised_is(vm, "ValueError('from C')"));
  CHECK(!cede_future_set_result(vm, future, text) && raised_is(vm, "InvalidStateError('invalid state')"));
  CHECK(!cede_future_done(vm, text) && raised_is(vm, "TypeError(\"a future is required, not 'str'\")"));
  CHECK(cede_failed(cede_spawn(vm, text)) && cede_raised(vm));
  cede_drop(vm, cede_take_exception(vm));
  cede_drop(vm, error);
  cede_drop(vm, future);
  cede_drop(vm, text);
}

int main(void)
{
  CedeVM *vm = library_vm();
  timers_and_sockets(vm);
  posts_from_threads(vm);
  functions(vm);
  exceptions(vm);
  run(vm, "asyncio.get_event_loop().close()\n");
  CHECK(cede_vm_free(vm) == 0);
  return 0;
}
