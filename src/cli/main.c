// SPDX-License-Identifier: MIT
// main.c: the program `cede`: a host like any other, over include/cede.h
#include "options.h"
#include "prompt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int run_target(CedeVM *vm, const CommandLine *line)
{
  switch (line->kind) {
  case RUN_TEXT: return cede_run_text(vm, line->target);
  case RUN_MODULE: return cede_run_module(vm, line->target);
  case RUN_FILE: return cede_run_file(vm, line->target);
  case RUN_STDIN: return cede_run_stdin(vm);
  case RUN_PROMPT: return prompt_run(vm, !line->options.quiet);
  case RUN_NOTHING: break;
  }
  return line->status;
}

static int run_line(const CommandLine *line)
{
  const char *error = "out of memory";
  CedeVM *vm = cede_vm_new(&line->options, &error);
  if (!vm) {
    fprintf(stderr, "cede: cannot start: %s\n", error);
    return 1;
  }
  int status = run_target(vm, line);
  bool inspect = line->options.inspect || (!line->options.ignore_environment && getenv("PYTHONINSPECT") && *getenv("PYTHONINSPECT"));
  if (inspect && line->kind != RUN_PROMPT && line->kind != RUN_STDIN) status = prompt_run(vm, false);
  int flushed = cede_vm_free(vm);
  return flushed ? flushed : status;               // what could not be written decides
}

// A shell that runs a script goes on after a program that exits, with whatever status, but not after one that SIGINT ended.
static void end_by_interrupt(void)
{
  signal(SIGINT, SIG_DFL);
  kill(getpid(), SIGINT);
  exit(128 + SIGINT);                            // SIGINT is blocked
}

int main(int argc, char **argv)
{
  CommandLine line;
  command_line_read(&line, argc, argv);
  int status = line.kind == RUN_NOTHING ? line.status : run_line(&line);
  command_line_free(&line);
  if (status == CEDE_INTERRUPTED) end_by_interrupt();
  return status;
}
