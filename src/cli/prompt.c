// SPDX-License-Identifier: MIT
// prompt.c: read, compile, run, print; editing by libedit
#include "prompt.h"

#include <editline/readline.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// libedit's completion callback gets no context argument, so the prompt that runs is reachable here; there is one terminal.
static struct {
  CedeVM *vm;
  char **found;
  size_t count, next;
} completion;

static void completion_add(void *context, const char *text)
{
  (void)context;
  char **found = realloc(completion.found, (completion.count + 1) * sizeof *found);
  if (!found) return;
  completion.found = found;
  found[completion.count] = strdup(text);
  if (found[completion.count]) completion.count++;
}

static char *completion_generate(const char *text, int state)
{
  if (state == 0) {
    for (size_t i = completion.next; i < completion.count; i++) free(completion.found[i]);
    completion.count = completion.next = 0;
    cede_complete(completion.vm, text, completion_add, NULL);
  }
  return completion.next < completion.count ? completion.found[completion.next++] : NULL;   // readline frees it
}

static char **complete_line(const char *text, int start, int end)
{
  (void)end;
  rl_attempted_completion_over = 1;
  if (start == 0 && !*text) {                    // a tab on an empty line indents
    rl_insert_text("    ");
    return NULL;
  }
  return rl_completion_matches(text, completion_generate);
}

static char *history_path(void)
{
  const char *home = getenv("HOME");
  char *path = NULL;
  if (!home || asprintf(&path, "%s/.cede_history", home) < 0) return NULL;
  return path;
}

// Control-C while a line is edited must drop the line; libedit restarts its read unless the handler jumps out.
static sigjmp_buf interrupt_jump;
static volatile sig_atomic_t editing;

static void on_interrupt(int signal_number)
{
  (void)signal_number;
  if (editing) siglongjmp(interrupt_jump, 1);
  cede_interrupt(completion.vm);
}

static char *read_line(const char *text, bool terminal)
{
  if (terminal) return readline(text);
  fputs(text, stderr);
  char *line = NULL;
  size_t room = 0;
  ssize_t size = getline(&line, &room, stdin);
  if (size < 0) {
    free(line);
    return NULL;
  }
  if (size && line[size - 1] == '\n') line[size - 1] = 0;
  return line;
}

static char *append_line(char *source, const char *line)
{
  size_t old = source ? strlen(source) : 0, size = strlen(line);
  char *grown = realloc(source, old + size + 2);
  if (!grown) { fputs("cede: out of memory\n", stderr); exit(1); }
  memcpy(grown + old, line, size);
  memcpy(grown + old + size, "\n", 2);
  return grown;
}

static void print_banner(bool terminal)
{
  const char *bold = terminal && !getenv("NO_COLOR") ? "\033[1m" : "", *plain = *bold ? "\033[0m" : "";
  fprintf(stderr, "%sCede %s%s (Python 3.11)\nType \"help\", \"copyright\", \"credits\" or \"license\" for more information.\n", bold,
          CEDE_VERSION, plain);
}

static void editing_start(CedeVM *vm)
{
  completion.vm = vm;
  rl_readline_name = "cede";
  rl_attempted_completion_function = complete_line;
  rl_completer_word_break_characters = " \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?";
  rl_completion_append_character = 0;
  using_history();
  char *path = history_path();
  if (path) read_history(path);
  free(path);
}

static void editing_end(void)
{
  char *path = history_path();
  if (path) {
    stifle_history(2000);
    write_history(path);
  }
  free(path);
}

static int prompt_loop(CedeVM *vm, bool terminal)
{
  struct sigaction action = {.sa_handler = on_interrupt}, previous;
  int status = 0;
  char *volatile source = NULL;
  sigaction(SIGINT, NULL, &previous);
  for (;;) {
    if (sigsetjmp(interrupt_jump, 1)) {
      editing = 0;
      sigaction(SIGINT, &previous, NULL);
      fputs("\nKeyboardInterrupt\n", stderr);
      free(source);
      source = NULL;
      continue;
    }
    if (terminal) sigaction(SIGINT, &action, NULL);
    editing = terminal;
    char *line = read_line(cede_prompt(vm, source != NULL), terminal);
    editing = 0;
    if (terminal) sigaction(SIGINT, &previous, NULL);
    if (!line) {
      if (source) cede_feed(vm, append_line(source, ""), &status);
      fputs("\n", terminal ? stdout : stderr);
      break;
    }
    if (terminal && *line) add_history(line);
    source = append_line(source, line);
    free(line);
    CedeFeed result = cede_feed(vm, source, &status);
    if (result == CEDE_FEED_MORE) continue;
    free(source);
    source = NULL;
    if (result == CEDE_FEED_EXIT) break;
  }
  free(source);
  return status;
}

int prompt_run(CedeVM *vm, bool banner)
{
  bool terminal = isatty(0) && isatty(1);
  if (banner) print_banner(terminal);
  completion.vm = vm;
  if (terminal) editing_start(vm);
  int status = prompt_loop(vm, terminal);
  if (terminal) editing_end();
  return status;
}
