// SPDX-License-Identifier: MIT
// sweep.c: runs each snippet again and again with the 1st, 2nd, 3rd ... allocation failing
//
// usage: sweep [-n MOST] [-s SECONDS] [-c COUNT] [-v] FILE [NAME ...]
//   -n MOST     at most so many points of failure a snippet, evenly spread; 0: all (the default)
//   -s SECONDS  a snippet is given up as hanging when one run of it takes longer (default 20)
//   -c COUNT    so many allocations in a row fail (default 1; 0: all from the first one on)
//   -v          one line for each snippet
//
// FILE holds snippets, each headed by a line "### name". A snippet leaves its outcome in `result`. With a failing allocation it must end in
// MemoryError or with the same result; nothing may be lost, and it must run as before afterwards. Each snippet runs in a child of its own.
#include "bytecode/code.h"
#include "cede.h"
#include "core/alloc.h"
#include "frontend/frontend.h"
#include "modules/sys.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Snippet { char *name, *source; size_t size; } Snippet;

static long most = 0, seconds = 20, in_a_row = 1;
static bool verbose;
static uint64_t current;                         // point of failure, for the alarm
static const char *current_name;

static char *read_all(const char *path)
{
  FILE *file = fopen(path, "rb");
  if (!file) { perror(path); exit(2); }
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *data = calloc(1, (size_t)size + 1);
  if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) { perror(path); exit(2); }
  fclose(file);
  return data;
}

// Cuts the text at its "### name" lines, in place.
static size_t split(char *text, Snippet **out)
{
  size_t count = 0;
  Snippet *all = NULL;
  for (char *at = strstr(text, "### "), *next; at; at = next) {
    char *line_end = strchr(at, '\n');
    if (!line_end) break;
    next = strstr(line_end, "\n### ");
    if (next) *next++ = 0;
    *line_end = 0;
    all = realloc(all, (count + 1) * sizeof *all);
    all[count++] = (Snippet){at + 4, line_end + 1, strlen(line_end + 1)};
  }
  *out = all;
  return count;
}

#ifdef __SANITIZE_ADDRESS__
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "exitcode=99:log_path=stdout"; }
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "exitcode=99:log_path=stdout"; }
#endif

typedef enum Outcome { RESULT, MEMORY, OTHER } Outcome;

// Is it a MemoryError, or one that was raised while another was handled, and so on, the first of them a MemoryError? Python code may make any
// exception of another.
static bool began_with_memory_error(VM *vm, Value exception)
{
  for (Value e = exception; cd_bits(e); e = cd_as_exception(e)->cause ? cd_as_exception(e)->cause : cd_as_exception(e)->context)
    if (cd_object(e)->type == vm->exc.MemoryError) return true;
  return false;
}

// Compiles and runs the snippet in a namespace of its own; *shown is repr(result) or what was raised, malloc'ed.
static Outcome run_once(VM *vm, const Snippet *s, uint64_t fail_at, char **shown)
{
  Outcome outcome = OTHER;
  Ref globals = cd_dict_new(vm), name = cd_str_from(vm, "<snippet>"), text = NO_REF;
  if (!globals || !name || !cd_dict_set_text(vm, globals, "__name__", name) || !cd_dict_set_text(vm, globals, "__builtins__", vm->builtins)) abort();
  alarm((unsigned)seconds);
  cd_alloc_fail_at(vm, fail_at, in_a_row ? (uint64_t)in_a_row : UINT64_MAX);
  Ref code = cd_compile(vm, s->source, s->size, name, MODE_EXEC, 0, -1);
  Ref done = code ? cd_eval_code(vm, (Code *)cd_object(code), globals, globals, NO_VALUE) : NO_REF;
  cd_alloc_fail_at(vm, 0, 0);
  alarm(0);
  if (!done && !vm->thread->raised) {
    *shown = strdup("failed without an exception");
  } else if (done && vm->thread->raised) {
    *shown = strdup("returned with an exception set");
    cd_clear_raised(vm);
  } else if (done) {
    Value found = cd_dict_get_text_borrow(vm, globals, "result");
    text = found ? cd_repr(vm, found) : cd_str_from(vm, "no result");
    *shown = strdup(text ? cd_str_data(text) : "repr failed");
    outcome = RESULT;
  } else {
    Ref exception = cd_take_raised(vm);
    if (began_with_memory_error(vm, exception)) outcome = MEMORY;
    text = cd_repr(vm, exception);
    *shown = strdup(text ? cd_str_data(text) : "repr failed");
    if (strstr(*shown, "MemoryError")) outcome = MEMORY;   // in a group
    cd_drop(vm, exception);
  }
  cd_clear_raised(vm);
  cd_drop(vm, text);
  cd_drop(vm, done);
  cd_drop(vm, code);
  cd_drop(vm, name);
  cd_drop(vm, globals);
  cd_gc_collect(vm, GC_GENERATIONS - 1);
  if (vm->thread->raised) { fprintf(stdout, "  exception left after a collection\n"); cd_clear_raised(vm); }
  return outcome;
}

static void hang(int number)
{
  (void)number;
  char line[200];
  int size = snprintf(line, sizeof line, "%s: hangs with allocation %llu failing\n", current_name, (unsigned long long)current);
  if (write(1, line, (size_t)size) < 0) _exit(98);
  _exit(97);
}

// Is more alive after the run than before, every time?
static bool leaks(VM *vm, const Snippet *s, uint64_t at)
{
  for (int i = 0; i < 3; i++) {
    char *shown = NULL;
    uint64_t before = cd_alloc_blocks(vm);
    run_once(vm, s, at, &shown);
    free(shown);
    if (cd_alloc_blocks(vm) <= before) return false;
  }
  return true;
}

#if CD_ALLOC_CHECKED
typedef struct Row { Type *type; long count; } Row;
static Row rows[2000];
static size_t row_count;
static void count_row(void *context, Object *object)
{
  size_t i = 0;
  while (i < row_count && rows[i].type != object->type) i++;
  if (i == 2000) return;
  if (i == row_count) rows[row_count++] = (Row){object->type, 0};
  rows[i].count += *(long *)context;
}
static void show_growth(VM *vm, const Snippet *s, uint64_t at)
{
  char *shown = NULL;
  row_count = 0;
  cd_alloc_each_object(vm, count_row, &(long){-1});
  run_once(vm, s, at, &shown);
  free(shown);
  cd_alloc_each_object(vm, count_row, &(long){1});
  for (size_t i = 0; i < row_count; i++)
    if (rows[i].count) printf("    %+ld %s\n", rows[i].count, cd_type_name(rows[i].type));
}
#else
static void show_growth(VM *vm, const Snippet *s, uint64_t at) { (void)vm, (void)s, (void)at; }
#endif

static int sweep(const Snippet *s)
{
  current_name = s->name;
  signal(SIGALRM, hang);
  CedeOptions options;
  cede_options_init(&options);
  options.no_site = options.hash_seed_fixed = true;
  const char *error = NULL;
  VM *vm = cede_vm_new(&options, &error);
  if (!vm) { printf("%s: no VM: %s\n", s->name, error); return 1; }
  char *want = NULL, *shown = NULL;
  Outcome outcome = RESULT;
  for (int i = 0; i < 3; i++) {
    free(want);
    outcome = run_once(vm, s, i == 2 ? UINT64_MAX : 0, &want);
  }
  uint64_t total = cd_alloc_fail_requests(vm), faults = 0;
  if (outcome != RESULT) { printf("%s: does not run: %s\n", s->name, want); return 1; }
  if (leaks(vm, s, 0)) { printf("%s: leaks without any failure\n", s->name); show_growth(vm, s, 0); return 1; }
  uint64_t points = most && total > (uint64_t)most ? (uint64_t)most : total;
  for (uint64_t i = 0; i < points && faults < 5; i++) {
    current = points == total ? i + 1 : 1 + (uint64_t)((double)i * (double)total / (double)points);
    uint64_t before = cd_alloc_blocks(vm);
    outcome = run_once(vm, s, current, &shown);
    if (outcome == OTHER || (outcome == RESULT && strcmp(shown, want))) {
      printf("%s: allocation %llu of %llu failing: %s\n", s->name, (unsigned long long)current, (unsigned long long)total, shown);
      if (outcome == RESULT) printf("    instead of %s\n", want);
      faults++;
    }
    free(shown);
    if (cd_alloc_blocks(vm) > before && leaks(vm, s, current)) {
      printf("%s: allocation %llu of %llu failing: leaks\n", s->name, (unsigned long long)current, (unsigned long long)total);
      show_growth(vm, s, current);
      faults++;
    }
  }
  current = 0;
  outcome = run_once(vm, s, 0, &shown);
  if (outcome != RESULT || strcmp(shown, want)) { printf("%s: afterwards: %s\n    instead of %s\n", s->name, shown, want); faults++; }
  if (verbose) printf("%s: %llu points of %llu\n", s->name, (unsigned long long)points, (unsigned long long)total);
  free(shown);
  free(want);
  cede_vm_free(vm);
  return faults != 0;
}

int main(int argc, char **argv)
{
  for (int option; (option = getopt(argc, argv, "n:s:c:v")) >= 0;) {
    if (option == 'n') most = atol(optarg);
    else if (option == 's') seconds = atol(optarg);
    else if (option == 'c') in_a_row = atol(optarg);
    else if (option == 'v') verbose = true;
    else return 2;
  }
  if (optind >= argc) return 2;
  size_t count, run = 0, bad = 0;
  Snippet *all;
  char *text = read_all(argv[optind]);
  count = split(text, &all);
  for (size_t i = 0; i < count; i++) {
    bool wanted = optind + 1 == argc;
    for (int k = optind + 1; k < argc; k++) wanted |= !strcmp(argv[k], all[i].name);
    if (!wanted) continue;
    run++;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      if (!getenv("SWEEP_STDERR") && !freopen("/dev/null", "w", stderr)) _exit(2);   // what handlers of unraisable exceptions say
      int failed = sweep(&all[i]);
      fflush(stdout);
      _exit(failed);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) printf("%s: killed by signal %d\n", all[i].name, WTERMSIG(status));
    else if (WEXITSTATUS(status) > 1 && WEXITSTATUS(status) != 97) printf("%s: exit status %d\n", all[i].name, WEXITSTATUS(status));
    bad += status != 0;
  }
  printf("%zu snippets, %zu bad\n", run, bad);
  free(all);
  free(text);
  return bad ? 1 : 0;
}
