// SPDX-License-Identifier: MIT
// run.c: running programs the way a command line does, and the prompt's statements
#include "api/api.h"

#include "frontend/frontend.h"
#include "modules/import.h"
#include "modules/signals.h"
#include "objects/bytes.h"
#include "objects/list.h"
#include "vm/vm_api.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- __main__ ----

bool cd_main_module_init(VM *vm)
{
  Ref module = cd_module_new(vm, N(__main__)), annotations = NO_REF;
  bool ok = false;
  if (!module) return false;
  Value dict = cd_module_dict(module);
  if (!(annotations = cd_dict_new(vm))) goto done;
  ok = cd_dict_set(vm, dict, N(__builtins__), vm->builtins) && cd_dict_set(vm, dict, N(__annotations__), annotations) &&
       cd_dict_set(vm, vm->modules, N(__main__), module);
done:
  cd_drop(vm, annotations);
  cd_drop(vm, module);
  return ok;
}

Value cd_main_dict_borrow(VM *vm)
{
  Value module = cd_dict_get_name_borrow(vm, vm->modules, N(__main__));
  if (module && cd_is_exact(module, vm->types.module)) return cd_module_dict(module);
  cd_raise_runtime(vm, "lost __main__");
  return NO_VALUE;
}

bool cd_path_prepend(VM *vm, Value entry)
{
  Value path = cd_sys_get_borrow(vm, "path");
  return !path || !cd_is_list(path) || cd_list_insert(vm, cd_as_list(path), 0, entry);
}

static bool path_prepend_text(VM *vm, const char *text)
{
  if (vm->config.safe_path) return true;
  Ref entry = cd_fs_decode(vm, text, strlen(text));
  bool ok = entry && cd_path_prepend(vm, entry);
  cd_drop(vm, entry);
  return ok;
}

_Static_assert((int)CEDE_INTERRUPTED == CD_STATUS_INTERRUPTED, "the public name of it");

// The current exception, if any, decides the exit status.
static int run_finish(VM *vm, Ref result)
{
  int status = 0;
  if (!result || !cd_poll(vm)) status = cd_exit_status(vm);      // a signal that came with the last instruction counts
  cd_drop(vm, result);
  return status;
}

static Ref run_source(VM *vm, const char *source, size_t size, const char *filename, CompileMode mode, int flags)
{
  Value dict = cd_main_dict_borrow(vm);
  if (!dict) return NO_REF;
  Ref name = cd_fs_decode(vm, filename, strlen(filename));
  Ref code = name ? cd_compile(vm, source, size, name, mode, flags, -1) : NO_REF;
  cd_drop(vm, name);
  if (!code) return NO_REF;
  Ref globals = cd_dup(dict), result = cd_eval_code(vm, (Code *)cd_object(code), globals, globals, NO_VALUE);
  cd_drop(vm, code);
  cd_drop(vm, globals);
  return result;
}

int cede_run_text(CedeVM *vm, const char *source)
{
  cd_host_enter(vm);
  size_t size = strlen(source);
  char *text = cd_alloc(vm, size + 2);           // a final newline, as a file would have
  if (!text) return run_finish(vm, NO_REF);
  memcpy(text, source, size);
  memcpy(text + size, "\n", 2);
  Ref result = path_prepend_text(vm, "") ? run_source(vm, text, size + 1, "<string>", MODE_EXEC, PYCF_SOURCE_IS_UTF8) : NO_REF;
  cd_free(vm, text, size + 2);
  return run_finish(vm, result);
}

// runpy._run_module_as_main(name, alter_argv)
static Ref run_by_runpy(VM *vm, const char *name, bool alter_argv)
{
  Ref function = cd_import_attr(vm, "runpy", "_run_module_as_main"), text = cd_fs_decode(vm, name, strlen(name));
  Ref result = function && text ? cd_call2(vm, function, text, cd_bool(alter_argv)) : NO_REF;
  cd_drop(vm, function);
  cd_drop(vm, text);
  return result;
}

int cede_run_module(CedeVM *vm, const char *name)
{
  cd_host_enter(vm);
  char folder[PATH_MAX];
  if (!getcwd(folder, sizeof folder)) folder[0] = 0;
  return run_finish(vm, path_prepend_text(vm, folder) ? run_by_runpy(vm, name, true) : NO_REF);
}

// All bytes of a descriptor, with a NUL behind them.
typedef struct RunSource {
  char *data;
  size_t size, capacity;
  int error;
} RunSource;   // data NULL: errno in `error`, or 0 and MemoryError set

static void run_source_free(VM *vm, RunSource *source)
{
  cd_free(vm, source->data, source->capacity + 1);
  source->data = NULL;
}

static bool run_source_grow(VM *vm, RunSource *source)
{
  size_t capacity = source->data ? source->capacity * 2 : 1 << 16;
  char *grown = cd_realloc(vm, source->data, source->data ? source->capacity + 1 : 0, capacity + 1);
  if (!grown) return false;
  source->data = grown;
  source->capacity = capacity;
  return true;
}

static RunSource read_descriptor(VM *vm, int fd)
{
  RunSource source = {0};
  for (;;) {
    if (source.size == source.capacity && !run_source_grow(vm, &source)) break;
    ssize_t got = read(fd, source.data + source.size, source.capacity - source.size);
    if (got == 0) {
      source.data[source.size] = 0;
      return source;
    }
    if (got > 0) source.size += (size_t)got;
    else if (errno != EINTR) { source.error = errno; break; }
    else if (!cd_poll(vm)) break;
  }
  run_source_free(vm, &source);
  return source;
}

static int cannot_open(VM *vm, const char *path, int error)
{
  fprintf(stderr, "%s: can't open file '%s': [Errno %d] %s\n", vm->config.executable ? vm->config.executable : "cede", path, error,
          strerror(error));
  return 2;
}

static bool set_main_text(VM *vm, const char *name, const char *value)
{
  Value dict = cd_main_dict_borrow(vm);
  Ref text = dict ? cd_fs_decode(vm, value, strlen(value)) : NO_REF;
  bool ok = text && cd_dict_set_text(vm, dict, name, text);
  cd_drop(vm, text);
  return ok;
}

// The folder of the script, links resolved, goes in front of sys.path.
static bool prepend_script_folder(VM *vm, const char *path)
{
  char real[PATH_MAX];
  if (!realpath(path, real)) return path_prepend_text(vm, "");
  char *slash = strrchr(real, '/');
  if (slash) slash[slash == real] = 0;
  return path_prepend_text(vm, real);
}

static bool looks_like_zip(const char *path)
{
  char head[4] = {0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool zip = read(fd, head, 4) == 4 && !memcmp(head, "PK\3\4", 4);
  close(fd);
  return zip;
}

static char *absolute_path(const char *path)
{
  char folder[PATH_MAX], *result;
  if (path[0] == '/' || !getcwd(folder, sizeof folder)) return strdup(path);
  return asprintf(&result, "%s/%s", folder, path) < 0 ? NULL : result;
}

// What a script finds of itself in __main__.
static bool set_main_file(VM *vm, const char *path, bool compiled)
{
  Value dict = cd_main_dict_borrow(vm);
  Ref file = dict ? cd_fs_decode(vm, path, strlen(path)) : NO_REF;
  bool ok = file && cd_dict_set(vm, dict, N(__file__), file) && cd_dict_set_text(vm, dict, "__cached__", cd_none()) &&
            cd_import_main_loader(vm, dict, file, compiled);
  cd_drop(vm, file);
  return ok;
}

static Ref run_compiled(VM *vm, const char *data, size_t size)
{
  Value dict = cd_main_dict_borrow(vm);
  Ref code = dict ? cd_import_compiled(vm, data, size) : NO_REF;
  if (!code) return NO_REF;
  Ref globals = cd_dup(dict), result = cd_eval_code(vm, (Code *)cd_object(code), globals, globals, NO_VALUE);
  cd_drop(vm, code);
  cd_drop(vm, globals);
  return result;
}

int cede_run_file(CedeVM *vm, const char *path)
{
  cd_host_enter(vm);
  struct stat info;
  if (stat(path, &info) < 0) {
    char *full = absolute_path(path);
    int status = cannot_open(vm, full ? full : path, errno);
    free(full);
    return status;
  }
  if (S_ISDIR(info.st_mode) || looks_like_zip(path)) {
    Ref entry = cd_fs_decode(vm, path, strlen(path));
    bool ok = entry && cd_path_prepend(vm, entry);
    cd_drop(vm, entry);
    return run_finish(vm, ok ? run_by_runpy(vm, "__main__", false) : NO_REF);
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot_open(vm, path, errno);
  RunSource source = read_descriptor(vm, fd);
  close(fd);
  if (!source.data) return source.error ? cannot_open(vm, path, source.error) : run_finish(vm, NO_REF);
  char *full = absolute_path(path);              // as CPython since 3.9
  bool compiled = strlen(path) > 4 && !strcmp(path + strlen(path) - 4, ".pyc");
  const char *first_end = vm->config.skip_first_line ? memchr(source.data, '\n', source.size) : source.data;
  size_t skip = first_end ? (size_t)(first_end - (const char *)source.data)
                          : source.size;   // the newline stays, and with it the other lines' numbers
  Ref result = NO_REF;
  if (full && prepend_script_folder(vm, path) && set_main_file(vm, full, compiled))
    result = compiled ? run_compiled(vm, source.data, source.size)
                      : run_source(vm, source.data + skip, source.size - skip, full, MODE_EXEC, PYCF_FILE);
  free(full);
  run_source_free(vm, &source);
  return run_finish(vm, result);
}

int cede_run_stdin(CedeVM *vm)
{
  cd_host_enter(vm);
  RunSource source = read_descriptor(vm, 0);
  if (source.error == EBADF) return 0;           // a closed standard input is an empty one
  if (!source.data) return source.error ? cannot_open(vm, "<stdin>", source.error) : run_finish(vm, NO_REF);
  Ref result = path_prepend_text(vm, "") && set_main_text(vm, "__file__", "<stdin>")
                 ? run_source(vm, source.data, source.size, "<stdin>", MODE_EXEC, PYCF_FILE)
                 : NO_REF;
  run_source_free(vm, &source);
  return run_finish(vm, result);
}

// ---- the prompt ----

CedeFeed cede_feed(CedeVM *vm, const char *source, int *status)
{
  cd_host_enter(vm);
  size_t size = strlen(source);
  if (strspn(source, " \t\n") == size) return CEDE_FEED_DONE;
  if (cd_statement_is_open(vm, source, size)) return CEDE_FEED_MORE;
  Value dict = cd_main_dict_borrow(vm);
  Ref name = dict ? cd_str_from(vm, "<stdin>") : NO_REF;
  if (!name) goto failed;
  Ref code = cd_compile(vm, source, size, name, MODE_SINGLE, PYCF_SOURCE_IS_UTF8 | PYCF_INTERACTIVE, -1);
  cd_drop(vm, name);
  if (!code) goto failed;
  Ref globals = cd_dup(dict), result = cd_eval_code(vm, (Code *)cd_object(code), globals, globals, NO_VALUE);
  cd_drop(vm, code);
  cd_drop(vm, globals);
  if (!result) goto failed;
  cd_drop(vm, result);
  if (!cd_flush_streams(vm)) cd_clear_raised(vm);
  return CEDE_FEED_DONE;

failed:
  if (cd_raised_is(vm, vm->exc.SystemExit)) {
    *status = cd_exit_status(vm);
    return CEDE_FEED_EXIT;
  }
  cd_print_exception(vm);
  if (!cd_flush_streams(vm)) cd_clear_raised(vm);
  return CEDE_FEED_DONE;
}

const char *cede_prompt(CedeVM *vm, bool more)
{
  cd_host_enter(vm);
  const char *name = more ? "ps2" : "ps1", *fallback = more ? "... " : ">>> ";
  Value prompt = cd_sys_get_borrow(vm, name);
  if (!prompt) {
    Ref text = cd_str_from(vm, fallback);
    if (!text || !cd_sys_set(vm, name, text)) cd_clear_raised(vm);
    cd_drop(vm, text);
    return fallback;
  }
  Ref shown = cd_str(vm, prompt);
  if (!shown || !cd_sys_set(vm, "_cede_prompt", shown)) {   // kept there while the caller reads it
    cd_clear_raised(vm);
    cd_drop(vm, shown);
    return fallback;
  }
  const char *text = cd_str_data(shown);
  cd_drop(vm, shown);
  return text;
}

void cede_complete(CedeVM *vm, const char *text, void (*each)(void *context, const char *completion), void *context)
{
  cd_host_enter(vm);
  Ref cls = cd_import_attr(vm, "rlcompleter", "Completer"), completer = NO_REF, start = NO_REF;
  Value dict = cd_main_dict_borrow(vm);
  if (cls && dict) completer = cd_call1(vm, cls, dict);
  if (completer) start = cd_str_from(vm, text);
  for (int state = 0; start; state++) {
    Ref method = cd_getattr_text(vm, completer, "complete"), found = method ? cd_call2(vm, method, start, cd_from_small(state)) : NO_REF;
    cd_drop(vm, method);
    bool more = found && cd_is_str(found);
    if (more) each(context, cd_str_data(found));
    cd_drop(vm, found);
    if (!more) break;
  }
  cd_drop(vm, start);
  cd_drop(vm, completer);
  cd_drop(vm, cls);
  cd_clear_raised(vm);
}

void cede_interrupt(CedeVM *vm) { cd_signals_interrupt(vm); }
