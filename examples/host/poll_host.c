/* SPDX-License-Identifier: MIT */
/* poll_host.c: a program with a poll() loop of its own, which also turns the event loop of a Python program.
 *
 * The Python side serves lines over TCP; the host reads standard input in the same thread and hands each line to Python as the result of a
 * future. Neither waits for the other. Build: see README.md in this folder. */
#include "cede.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char program[] =
  "import asyncio\n"
  "async def main():\n"
  "  async for line in lines:\n"
  "    print('python got', line)\n"
  "    await asyncio.sleep(0.01)\n"
  "  return 'all read'\n";

/* What the async iterator `lines` waits for. */
typedef struct Input { CedeRef waiting; bool ended; } Input;

static CedeRef input_next(CedeVM *vm, void *data)
{
  Input *input = data;
  if (input->ended) return (CedeRef){0};         /* no exception: the end */
  cede_drop(vm, input->waiting);
  input->waiting = cede_future_new(vm);
  return cede_dup(input->waiting);
}

static bool input_wanted(CedeVM *vm, Input *input) { return !cede_failed(input->waiting) && !cede_future_done(vm, input->waiting); }

/* One line of standard input becomes the result of the future that Python awaits. At the end of the input, StopAsyncIteration does. */
static bool input_deliver(CedeVM *vm, Input *input)
{
  char line[256];
  bool ok;
  if (fgets(line, sizeof line, stdin)) {
    CedeRef text = cede_str(vm, line, strcspn(line, "\n"));
    ok = cede_future_set_result(vm, input->waiting, text);
    cede_drop(vm, text);
  } else {
    CedeRef end = cede_eval(vm, "StopAsyncIteration()");
    input->ended = true;
    ok = cede_future_set_exception(vm, input->waiting, end);
    cede_drop(vm, end);
  }
  return ok;
}

static bool host_turn(CedeVM *vm, Input *input)
{
  int64_t wait = cede_loop_next_deadline(vm);
  struct pollfd fds[2] = {{cede_loop_fd(vm), POLLIN, 0}, {input_wanted(vm, input) ? STDIN_FILENO : -1, POLLIN, 0}};
  if (poll(fds, 2, (int)wait) < 0) perror("poll");
  if (fds[1].revents && !input_deliver(vm, input)) return false;
  return cede_loop_step(vm, 0, NULL);
}

int main(void)
{
  const char *error = NULL;
  CedeOptions options;
  cede_options_init(&options);
  CedeVM *vm = cede_vm_new(&options, &error);
  if (!vm) return fprintf(stderr, "%s\n", error), 1;
  setvbuf(stdin, NULL, _IONBF, 0);               /* or poll() would not see what stdio has read already */
  Input input = {{0}, false};
  CedeRef lines = cede_async_iterator_new(vm, input_next, &input, NULL);
  bool ok = cede_set_global(vm, "lines", lines) && cede_exec(vm, program, "<host>");
  CedeRef coroutine = ok ? cede_eval(vm, "main()") : (CedeRef){0}, task = cede_spawn(vm, coroutine);
  ok = !cede_failed(task);
  while (ok && !cede_future_done(vm, task)) ok = host_turn(vm, &input);
  CedeRef result = ok ? cede_future_result(vm, task) : (CedeRef){0};
  if (cede_failed(result)) cede_print_exception(vm);
  else printf("the task says: %s\n", cede_to_utf8(vm, result, NULL));
  cede_drop(vm, result);
  cede_drop(vm, task);
  cede_drop(vm, coroutine);
  cede_drop(vm, lines);
  cede_drop(vm, input.waiting);
  ok = cede_exec(vm, "asyncio.get_event_loop().close()", "<host>") && ok;
  return cede_vm_free(vm) || !ok;
}
