// SPDX-License-Identifier: MIT
// builtins_io.c: print and input
#include "modules/builtins.h"
#include "modules/sys.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <unistd.h>

// ---- print ----

typedef struct PrintOptions { Value sep, end, file; bool flush; } PrintOptions;

static bool print_text_option(VM *vm, const char *name, Value v, Value *out)
{
  if (cd_is_none(v)) return true;
  if (!cd_is_str(v)) return cd_raise_type(vm, "%s must be None or a string, not %T", name, v);
  *out = v;
  return true;
}

static bool print_options(VM *vm, const Value *values, Value kwnames, PrintOptions *options)
{
  for (size_t k = 0; cd_bits(kwnames) && k < cd_tuple_size(kwnames); k++) {
    Value name = cd_tuple_item_borrow(kwnames, k);
    if (cd_str_is(name, "sep")) { if (!print_text_option(vm, "sep", values[k], &options->sep)) return false; }
    else if (cd_str_is(name, "end")) { if (!print_text_option(vm, "end", values[k], &options->end)) return false; }
    else if (cd_str_is(name, "file")) options->file = values[k];
    else if (cd_str_is(name, "flush")) { if (!cd_truth(vm, values[k], &options->flush)) return false; }
    else return cd_raise_type(vm, "'%U' is an invalid keyword argument for print()", name);
  }
  return true;
}

static bool print_write(VM *vm, Value write, Value text)
{
  Ref result = cd_call1(vm, write, text);
  cd_drop(vm, result);
  return result != NO_REF;
}

// write(str(item)) for an item, as file.write sees it: one call each, like CPython.
static bool print_item(VM *vm, Value write, Value item)
{
  if (cd_is_exact(item, vm->types.str)) return print_write(vm, write, item);
  Ref text = cd_str(vm, item);
  bool ok = text && print_write(vm, write, text);
  cd_drop(vm, text);
  return ok;
}

METHOD_DEF_RAW_(builtins_print, "print", "print(*args, sep=' ', end='\\n', file=None, flush=False)",
                "Print the values to a stream, sys.stdout by default.\n\n  sep\n    text between values.\n  end\n    text after the last "
                "value.\n  file\n    an object with a write() method.\n  flush\n    whether to flush the stream.",
                0)
{
  PrintOptions options = {.end = NO_VALUE};
  if (!print_options(vm, args + nargs, kwnames, &options)) return NO_REF;
  Ref file = cd_dup(options.file);
  if (!file || cd_is_none(file)) {
    file = cd_dup(cd_sys_get_borrow(vm, "stdout"));
    if (!file) return cd_raise_runtime(vm, "lost sys.stdout");
    if (cd_is_none(file)) return cd_none();      // a program without standard output
  }
  Ref write = cd_getattr(vm, file, N(write)), space = NO_REF;
  bool ok = write != NO_REF;
  if (ok && !cd_bits(options.sep) && nargs > 1) ok = (options.sep = space = cd_str_from_char(vm, ' ')) != NO_REF;
  for (size_t i = 0; ok && i < nargs; i++) ok = (i == 0 || print_write(vm, write, options.sep)) && print_item(vm, write, args[i]);
  if (ok && cd_bits(options.end)) {
    ok = print_write(vm, write, options.end);
  } else if (ok) {
    Ref newline = cd_str_from_char(vm, '\n');
    ok = newline && print_write(vm, write, newline);
    cd_drop(vm, newline);
  }
  cd_drop(vm, space);
  cd_drop(vm, write);
  if (ok && options.flush) {
    Ref result = cd_call_method0(vm, file, N(flush));
    ok = result != NO_REF;
    cd_drop(vm, result);
  }
  cd_drop(vm, file);
  return ok ? cd_none() : NO_REF;
}

// ---- input ----

static Ref input_stream(VM *vm, const char *name)
{
  Ref stream = cd_dup(cd_sys_get_borrow(vm, name));
  if (!stream || cd_is_none(stream)) return cd_raise_runtime(vm, "input(): lost sys.%s", name);
  return stream;
}

static void input_flush(VM *vm, Value stream)
{
  Ref result = cd_call_method0(vm, stream, N(flush));
  if (!result) cd_clear_raised(vm);
  cd_drop(vm, result);
}

// file.readline() without its newline; EOFError at the end.
static Ref input_read_line(VM *vm, Value stream)
{
  Ref line = cd_call_method0(vm, stream, N(readline));
  if (!line) return NO_REF;
  if (!cd_is_str(line)) {
    cd_drop(vm, line);
    return cd_raise_type(vm, "object.readline() returned non-string");
  }
  size_t length = cd_str_length(line);
  if (!length) {
    cd_drop(vm, line);
    return cd_raise(vm, vm->exc.EOFError, "EOF when reading a line");
  }
  if (cd_str_data(line)[cd_str_size(line) - 1] != '\n') return line;
  Ref text = cd_str_slice(vm, line, 0, length - 1);
  cd_drop(vm, line);
  return text;
}

FUNCTION(builtins, input, "input(prompt='', /)",
         "Read a line of text from standard input, without its newline.\n\nThe prompt, if any, is written to standard output first. "
         "EOFError tells the end of input.")
{
  Ref in = input_stream(vm, "stdin"), out = in ? input_stream(vm, "stdout") : NO_REF, err = out ? input_stream(vm, "stderr") : NO_REF,
      line = NO_REF;
  Value prompt = args[0];
  if (!err) goto done;
  if (!cd_audit(vm, "builtins.input", 1, (Value[]){cd_bits(prompt) ? prompt : cd_none()})) goto done;
  input_flush(vm, err);
  if (cd_bits(prompt)) {
    Ref write = cd_getattr(vm, out, N(write));
    bool ok = write && print_item(vm, write, prompt);
    cd_drop(vm, write);
    if (!ok) goto done;
  }
  input_flush(vm, out);
  line = input_read_line(vm, in);
  if (line && !cd_audit(vm, "builtins.input/result", 1, &(Value){line})) cd_drop(vm, line), line = NO_REF;
done:
  cd_drop(vm, in);
  cd_drop(vm, out);
  cd_drop(vm, err);
  return line;
}

const MethodDef *const cd_builtins_io_functions[] = {&builtins_print_def, &builtins_input_def, NULL};
