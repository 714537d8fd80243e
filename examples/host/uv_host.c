/* SPDX-License-Identifier: MIT */
/* uv_host.c: a program that lives in its own uv_loop_t, in which the event loop of a Python program is one descriptor and one timer.
 *
 * A repeating timer of the host ticks, and a worker thread posts into the VM, while Python sleeps and answers. Build: see README.md here. */
#include "cede.h"

#include <stdio.h>
#include <uv.h>

static const char program[] =
  "import asyncio\n"
  "async def main():\n"
  "  await asyncio.sleep(0.05)\n"
  "  print('python: waiting for the worker')\n"
  "  print('python: the worker says', await answer)\n"
  "  await asyncio.sleep(0.05)\n"
  "  return 'done'\n";

typedef struct Host {
  CedeVM *vm;
  CedeRef task, answer;
  uv_poll_t readable;                            /* the loop's descriptor */
  uv_timer_t due, ticks;                         /* the loop's next deadline; something of the host's own */
  uv_work_t work;
  int ticked;
} Host;

static void host_stop(Host *host)
{
  uv_close((uv_handle_t *)&host->readable, NULL);
  uv_close((uv_handle_t *)&host->due, NULL);
  uv_close((uv_handle_t *)&host->ticks, NULL);
}

static void host_on_due(uv_timer_t *timer);

/* One step of the VM's loop, then the timer is set to when the next one is due. */
static void host_step(Host *host)
{
  bool more;
  if (!cede_loop_step(host->vm, 0, &more)) cede_print_exception(host->vm);
  if (cede_future_done(host->vm, host->task)) {
    host_stop(host);
    return;
  }
  int64_t wait = more ? 0 : cede_loop_next_deadline(host->vm);
  if (wait < 0) uv_timer_stop(&host->due);
  else uv_timer_start(&host->due, host_on_due, (uint64_t)wait, 0);
}

static void host_on_due(uv_timer_t *timer) { host_step(timer->data); }
static void host_on_readable(uv_poll_t *poll, int status, int events)
{
  (void)status, (void)events;
  host_step(poll->data);
}
static void host_on_tick(uv_timer_t *timer) { ((Host *)timer->data)->ticked++; }

/* Called by the VM's loop, in its thread, after worker_run() posted it from another one. */
static bool worker_said(CedeVM *vm, void *data)
{
  Host *host = data;
  CedeRef number = cede_int(vm, 42);
  bool ok = cede_future_set_result(vm, host->answer, number);
  cede_drop(vm, number);
  return ok;
}
static void worker_run(uv_work_t *work)
{
  Host *host = work->data;
  uv_sleep(100);
  cede_post(host->vm, worker_said, host);        /* makes the descriptor readable */
}
static void worker_over(uv_work_t *work, int status) { (void)work, (void)status; }

int main(void)
{
  const char *error = NULL;
  CedeOptions options;
  Host host = {0};
  cede_options_init(&options);
  if (!(host.vm = cede_vm_new(&options, &error))) return fprintf(stderr, "%s\n", error), 1;
  host.answer = cede_future_new(host.vm);
  bool ok = cede_set_global(host.vm, "answer", host.answer) && cede_exec(host.vm, program, "<host>");
  CedeRef coroutine = ok ? cede_eval(host.vm, "main()") : (CedeRef){0};
  host.task = cede_spawn(host.vm, coroutine);
  if (cede_failed(host.task)) return cede_print_exception(host.vm), 1;

  uv_loop_t *loop = uv_default_loop();
  uv_poll_init(loop, &host.readable, cede_loop_fd(host.vm));
  uv_timer_init(loop, &host.due);
  uv_timer_init(loop, &host.ticks);
  host.readable.data = host.due.data = host.ticks.data = host.work.data = &host;
  uv_poll_start(&host.readable, UV_READABLE, host_on_readable);
  uv_timer_start(&host.due, host_on_due, 0, 0);
  uv_timer_start(&host.ticks, host_on_tick, 10, 10);
  uv_queue_work(loop, &host.work, worker_run, worker_over);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);

  CedeRef result = cede_future_result(host.vm, host.task);
  if (cede_failed(result)) cede_print_exception(host.vm);
  else printf("host: the task says %s, and I ticked %s\n", cede_to_utf8(host.vm, result, NULL), host.ticked > 5 ? "all the while" : "too seldom");
  cede_drop(host.vm, result);
  cede_drop(host.vm, host.task);
  cede_drop(host.vm, host.answer);
  cede_drop(host.vm, coroutine);
  ok = cede_exec(host.vm, "asyncio.get_event_loop().close()", "<host>");
  return cede_vm_free(host.vm) || !ok;
}
