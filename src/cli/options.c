// SPDX-License-Identifier: MIT
// options.c: command line and environment, in CPython's spelling
#include "options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage_text[] =
  "usage: %s [option] ... [-c cmd | -m mod | file | -] [arg] ...\n";
static const char help_text[] = "Options:\n"
                                "-b      warn about str(bytes) and comparing bytes with str (-bb: raise)\n"
                                "-B      do not write compiled modules to __pycache__; also PYTHONDONTWRITEBYTECODE=x\n"
                                "-c cmd  run cmd, the last option\n"
                                "-d      debug flag; also PYTHONDEBUG=x\n"
                                "-E      ignore PYTHON* variables\n"
                                "-h      this text, then exit; also --help\n"
                                "-i      the prompt after the program; also PYTHONINSPECT=x\n"
                                "-I      isolated: implies -E, -P and -s\n"
                                "-m mod  run a module as a script, the last option\n"
                                "-O      no assert statements, __debug__ is False; also PYTHONOPTIMIZE=x\n"
                                "-OO     as -O, and no docstrings\n"
                                "-P      do not put an unsafe folder in front of sys.path; also PYTHONSAFEPATH\n"
                                "-q      no banner at the prompt\n"
                                "-R      hashes of str and bytes differ from run to run, as without PYTHONHASHSEED\n"
                                "-s      no user site folder; also PYTHONNOUSERSITE\n"
                                "-S      do not import site\n"
                                "-u      unbuffered stdout and stderr; also PYTHONUNBUFFERED=x\n"
                                "-v      say what is imported, and from where; also PYTHONVERBOSE=x\n"
                                "-V      version, then exit; also --version\n"
                                "-W arg  warning filter: action:message:category:module:lineno; also PYTHONWARNINGS=arg\n"
                                "-x      skip the first line of the source\n"
                                "-X opt  implementation option: dev, utf8, int_max_str_digits=N, pycache_prefix=PATH,\n"
                                "        asyncgen=compat|safe|strict, pep828, no_debug_ranges, importtime, faulthandler, tracemalloc\n"
                                "file    program read from a script file; a folder or zip file with __main__.py\n"
                                "-       program read from standard input (default; the prompt if it is a terminal)\n"
                                "arg ... passed to the program in sys.argv[1:]\n"
                                "\n"
                                "CEDE_STDLIB names the folder of the Python library to use. --help-env lists the variables, "
                                "--help-xoptions the options after -X, --help-all both.\n";

static const char variables_text[] =
  "Variables:\n"
  "CEDE_ASYNCGEN               -X asyncgen\n"
  "CEDE_STDLIB                 folder of the Python library; empty: none\n"
  "NO_COLOR                    no colours at the prompt\n"
  "PYTHONDEBUG                 -d\n"
  "PYTHONDEVMODE               -X dev\n"
  "PYTHONDONTWRITEBYTECODE     -B\n"
  "PYTHONFAULTHANDLER          -X faulthandler\n"
  "PYTHONHASHSEED              random, or a number that hashes of str and bytes depend on\n"
  "PYTHONHOME                  folder whose lib/python3.11 is the library\n"
  "PYTHONINSPECT               -i\n"
  "PYTHONINTMAXSTRDIGITS       -X int_max_str_digits\n"
  "PYTHONIOENCODING            encoding[:errors] of stdin, stdout and stderr\n"
  "PYTHONNODEBUGRANGES         -X no_debug_ranges\n"
  "PYTHONNOUSERSITE            -s\n"
  "PYTHONOPTIMIZE              -O, or how often\n"
  "PYTHONPATH                  folders in front of sys.path, with ':' between them\n"
  "PYTHONPROFILEIMPORTTIME     -X importtime\n"
  "PYTHONPYCACHEPREFIX         -X pycache_prefix\n"
  "PYTHONSAFEPATH              -P\n"
  "PYTHONUNBUFFERED            -u\n"
  "PYTHONUTF8                  -X utf8\n"
  "PYTHONVERBOSE               -v, or how often\n"
  "PYTHONWARNDEFAULTENCODING   -X warn_default_encoding\n"
  "PYTHONWARNINGS              -W, with ',' between them\n"
  "XDG_CACHE_HOME, HOME        where cede/ is, for compiled modules of libraries that can't be written to\n";
static const char x_options_text[] =
  "Options after -X:\n"
  "-X asyncgen=MODE            who closes asynchronous generators: compat, safe (default) or strict\n"
  "-X asyncio=stdlib           the installed library's asyncio, not the one that is built in\n"
  "-X dev                      development mode: warnings, faulthandler, checks\n"
  "-X faulthandler             print a traceback at a crash\n"
  "-X importtime               print how long each import takes\n"
  "-X int_max_str_digits=N     longest decimal text of an int, from 640; 0: any\n"
  "-X no_debug_ranges          no columns in tracebacks\n"
  "-X pep828                   `yield from` in asynchronous generators, as in Python 3.16\n"
  "-X pycache_prefix=PATH      a folder tree for compiled modules in place of __pycache__\n"
  "-X tracemalloc              accepted\n"
  "-X utf8[=0|1]               UTF-8 for all text, whatever the locale says\n"
  "-X warn_default_encoding    warn where a file is opened without an encoding\n";

static const char *variable(const CommandLine *line, const char *name)
{
  if (line->options.ignore_environment) return NULL;
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

static int variable_flag(const CommandLine *line, const char *name, int current)
{
  const char *value = variable(line, name);
  if (!value) return current;
  char *end;
  long n = strtol(value, &end, 10);
  int level = *end || n < 0 || n > INT_MAX ? 1 : (int)n;
  return level > current ? level : current;
}

static void command_line_stop(CommandLine *line, int status)
{
  line->kind = RUN_NOTHING;
  line->status = status;
}

static void usage_error(CommandLine *line, const char *program, const char *format, const char *detail)
{
  fprintf(stderr, format, detail);
  fprintf(stderr, usage_text, program);
  fprintf(stderr, "Try `%s -h' for more information.\n", program);
  command_line_stop(line, 2);
}

static void option_list_add(OptionList *list, const char *text)
{
  char **items = realloc(list->items, (size_t)(list->count + 1) * sizeof *items), *copy = strdup(text);
  if (!items || !copy) { fputs("cede: out of memory\n", stderr); exit(1); }
  list->items = items;
  items[list->count++] = copy;
}

static void option_list_free(OptionList *list)
{
  for (int i = 0; i < list->count; i++) free(list->items[i]);
  free(list->items);
}

static const char *x_option(const OptionList *list, const char *name)
{
  size_t size = strlen(name);
  for (int i = list->count - 1; i >= 0; i--)
    if (!strncmp(list->items[i], name, size) && (list->items[i][size] == 0 || list->items[i][size] == '='))
      return list->items[i][size] ? list->items[i] + size + 1 : "";
  return NULL;
}

static void add_warning_options(CommandLine *line)
{
  OptionList *all = &line->warnings, *given = &line->given_warnings;
  if (line->options.dev_mode) option_list_add(all, "default");
  const char *value = variable(line, "PYTHONWARNINGS");
  if (value) {
    char *copy = strdup(value), *rest = copy;
    for (char *item; rest && (item = strsep(&rest, ","));)
      if (*item) option_list_add(all, item);
    free(copy);
  }
  for (int i = 0; i < given->count; i++) option_list_add(all, given->items[i]);
  if (line->options.bytes_warning > 1) option_list_add(all, "error::BytesWarning");
  else if (line->options.bytes_warning) option_list_add(all, "default::BytesWarning");
}

static bool read_hash_seed(CommandLine *line, const char *program)
{
  const char *value = variable(line, "PYTHONHASHSEED");
  if (!value || !strcmp(value, "random") || line->random_hashes) return true;
  char *end;
  unsigned long long seed = strtoull(value, &end, 10);
  if (*end || end == value || seed > UINT32_MAX || *value == '-') {
    fprintf(stderr, "%s: PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]\n", program);
    command_line_stop(line, 1);
    return false;
  }
  line->options.hash_seed_fixed = true;
  line->options.hash_seed = seed;
  return true;
}

static bool read_digits_limit(CommandLine *line, const char *program)
{
  const char *value = x_option(&line->x, "int_max_str_digits"), *source = "-X int_max_str_digits: invalid limit";
  if (!value) {
    value = variable(line, "PYTHONINTMAXSTRDIGITS");
    source = "PYTHONINTMAXSTRDIGITS: invalid limit";
  }
  if (!value) return true;
  char *end;
  long limit = strtol(value, &end, 10);
  if (end == value || *end || limit < 0 || limit > INT_MAX || (limit && limit < 640)) {
    fprintf(stderr, "%s: %s; must be >= 640 or 0 for unlimited.\n", program, source);
    command_line_stop(line, 1);
    return false;
  }
  line->options.int_max_str_digits = (int)limit;
  return true;
}

static bool read_asyncgen_mode(CommandLine *line, const char *program)
{
  static const char *const modes[] = {"safe", "compat", "strict"};               // ORDER: CedeAsyncgen
  const char *value = x_option(&line->x, "asyncgen");
  if (!value) value = variable(line, "CEDE_ASYNCGEN");
  if (!value) return true;
  for (int i = 0; i < 3; i++) {
    if (strcmp(value, modes[i])) continue;
    line->options.asyncgen = (CedeAsyncgen)i;
    return true;
  }
  fprintf(stderr, "%s: -X asyncgen: must be compat, safe or strict, not \"%s\"\n", program, value);
  command_line_stop(line, 1);
  return false;
}

static void read_environment(CommandLine *line)
{
  CedeOptions *o = &line->options;
  o->debug = variable_flag(line, "PYTHONDEBUG", o->debug);
  o->inspect = variable(line, "PYTHONINSPECT") ? 1 : o->inspect;
  o->optimize = variable_flag(line, "PYTHONOPTIMIZE", o->optimize);
  o->dont_write_bytecode = variable(line, "PYTHONDONTWRITEBYTECODE") ? 1 : o->dont_write_bytecode;
  o->no_user_site = variable(line, "PYTHONNOUSERSITE") ? 1 : o->no_user_site;
  o->verbose = variable_flag(line, "PYTHONVERBOSE", o->verbose);
  o->unbuffered = variable(line, "PYTHONUNBUFFERED") ? 1 : o->unbuffered;
  o->safe_path = variable(line, "PYTHONSAFEPATH") ? 1 : o->safe_path;
  o->dev_mode = variable(line, "PYTHONDEVMODE") ? 1 : o->dev_mode;
  o->warn_default_encoding = variable(line, "PYTHONWARNDEFAULTENCODING") ? 1 : o->warn_default_encoding;
  const char *utf8 = variable(line, "PYTHONUTF8");
  if (utf8) o->utf8_mode = *utf8 != '0';
  o->path_variable = variable(line, "PYTHONPATH");
  o->stdio_encoding = variable(line, "PYTHONIOENCODING");
  o->pycache_prefix = variable(line, "PYTHONPYCACHEPREFIX");
}

static void read_x_options(CommandLine *line)
{
  const OptionList *x = &line->x;
  CedeOptions *o = &line->options;
  const char *value;
  if (x_option(x, "dev")) o->dev_mode = 1;
  if ((value = x_option(x, "utf8"))) o->utf8_mode = *value != '0';
  if (x_option(x, "warn_default_encoding")) o->warn_default_encoding = 1;
  if ((value = x_option(x, "pycache_prefix"))) o->pycache_prefix = *value ? value : NULL;
  if (x_option(x, "pep828")) o->pep828 = true;
}

// Absolute path of the running program.
static char *find_executable(const char *argv0)
{
  static const char proc[] = "/proc/self/exe";
  char buffer[PATH_MAX];
  if (argv0 && strchr(argv0, '/') && realpath(argv0, buffer)) return strdup(buffer);
  ssize_t size = readlink(proc, buffer, sizeof buffer - 1);
  if (size <= 0) return strdup("");
  buffer[size] = 0;
  return strdup(buffer);
}

// What the environment says about the library's folder, or NULL.
static const char *find_library(CommandLine *line)
{
  const char *library = getenv("CEDE_STDLIB"), *home = variable(line, "PYTHONHOME");
  if (library || !home) return library;
  if (asprintf(&line->library, "%.*s/lib/python3.11", (int)strcspn(home, ":"), home) < 0) line->library = NULL;
  return line->library;
}

// The letters of one argument such as -Sc. Returns false when no more options follow.
static bool read_short_options(CommandLine *line, int argc, char **argv, int *i)
{
  CedeOptions *o = &line->options;
  for (const char *p = argv[*i] + 1; *p; p++) {
    const char *argument = NULL;
    if (strchr("cmWX", *p)) {
      argument = p[1] ? p + 1 : ++*i < argc ? argv[*i] : NULL;
      if (!argument) {
        char letter[2] = {*p, 0};
        usage_error(line, argv[0], "Argument expected for the -%s option\n", letter);
        return false;
      }
    }
    switch (*p) {
    case 'b': o->bytes_warning++; break;
    case 'B': o->dont_write_bytecode = 1; break;
    case 'd': o->debug++; break;
    case 'E': o->ignore_environment = 1; break;
    case 'i': o->inspect = o->interactive = 1; break;
    case 'I': o->isolated = o->ignore_environment = o->no_user_site = o->safe_path = 1; break;
    case 'O': o->optimize++; break;
    case 'P': o->safe_path = 1; break;
    case 'q': o->quiet = 1; break;
    case 'R': line->random_hashes = true; break;
    case 's': o->no_user_site = 1; break;
    case 'S': o->no_site = 1; break;
    case 't': break;
    case 'u': o->unbuffered = 1; break;
    case 'v': o->verbose++; break;
    case 'x': o->skip_first_line = true; break;
    case 'V': line->version++; break;
    case 'h':
    case '?':
      printf(usage_text, argv[0]);
      fputs(help_text, stdout);
      command_line_stop(line, 0);
      return false;
    case 'W': option_list_add(&line->given_warnings, argument); return true;
    case 'X': option_list_add(&line->x, argument); return true;
    case 'c':
      line->kind = RUN_TEXT;
      line->target = argument;
      return false;
    case 'm':
      line->kind = RUN_MODULE;
      line->target = argument;
      return false;
    default: {
      char letter[2] = {*p, 0};
      usage_error(line, argv[0], "Unknown option: -%s\n", letter);
      return false;
    }
    }
  }
  return true;
}

static void set_argv(CommandLine *line, const char *first, char **rest, int count)
{
  line->argv = calloc((size_t)count + 2, sizeof *line->argv);
  if (!line->argv) { fputs("cede: out of memory\n", stderr); exit(1); }
  line->argv[0] = strdup(first);
  for (int i = 0; i < count; i++) line->argv[i + 1] = rest[i];
  line->options.argc = count + 1;
  line->options.argv = line->argv;
}

static void print_version(const CommandLine *line)
{
  printf("Python 3.11 (Cede %s)\n", CEDE_VERSION);
  if (line->version > 1) printf("compiled by %s\n", __VERSION__);
}

// --help-env, --help-xoptions, --help-all
static bool print_long_help(CommandLine *line, const char *program, const char *argument)
{
  bool all = !strcmp(argument, "--help-all"), variables = all || !strcmp(argument, "--help-env"),
       x = all || !strcmp(argument, "--help-xoptions");
  if (all) printf(usage_text, program);
  if (all) fputs(help_text, stdout);
  if (variables) fputs(variables_text, stdout);
  if (x) fputs(x_options_text, stdout);
  if (variables || x) command_line_stop(line, 0);
  return variables || x;
}

void command_line_read(CommandLine *line, int argc, char **argv)
{
  memset(line, 0, sizeof *line);
  cede_options_init(&line->options);
  line->kind = RUN_STDIN;
  int i = 1;
  for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
    if (!strcmp(argv[i], "--")) { i++; break; }
    if (!strcmp(argv[i], "--help")) argv[i] = "-h";
    if (!strcmp(argv[i], "--version")) argv[i] = "-V";
    if (!strcmp(argv[i], "--check-hash-based-pycs")) { i++; continue; }
    if (print_long_help(line, argv[0], argv[i])) return;
    if (!strncmp(argv[i], "--", 2)) { usage_error(line, argv[0], "unknown option %s\n", argv[i]); return; }
    if (!read_short_options(line, argc, argv, &i)) { i++; break; }
  }
  if (line->kind == RUN_NOTHING) return;
  if (line->version) {
    print_version(line);
    command_line_stop(line, 0);
    return;
  }
  if (line->kind == RUN_TEXT) set_argv(line, "-c", argv + i, argc - i);
  else if (line->kind == RUN_MODULE) set_argv(line, "-m", argv + i, argc - i);
  else if (i < argc && strcmp(argv[i], "-")) {
    line->kind = RUN_FILE;
    line->target = argv[i];
    set_argv(line, argv[i], argv + i + 1, argc - i - 1);
  } else {
    bool dash = i < argc;
    set_argv(line, dash ? "-" : "", argv + i + dash, argc - i - dash);
    if (isatty(0) || line->options.interactive) line->kind = RUN_PROMPT;
  }
  read_environment(line);
  read_x_options(line);
  if (!read_hash_seed(line, argv[0]) || !read_digits_limit(line, argv[0]) || !read_asyncgen_mode(line, argv[0])) return;
  add_warning_options(line);
  line->options.warn_options = line->warnings.items;
  line->options.warn_option_count = line->warnings.count;
  line->options.x_options = line->x.items;
  line->options.x_option_count = line->x.count;
  line->options.orig_argv = argv;
  line->options.orig_argc = argc;
  line->options.executable = find_executable(argv[0]);
  line->options.stdlib = find_library(line);
  line->options.ends_with_process = true;
  line->options.install_signal_handlers = true;
  if (line->kind == RUN_PROMPT) line->options.interactive = 1;
}

void command_line_free(CommandLine *line)
{
  if (line->argv) free(line->argv[0]);
  free(line->argv);
  free(line->library);
  option_list_free(&line->given_warnings);
  option_list_free(&line->warnings);
  option_list_free(&line->x);
  free((void *)line->options.executable);
}
