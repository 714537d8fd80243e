// SPDX-License-Identifier: MIT
// streams.c: sys.stdin, sys.stdout, sys.stderr
#include "api/api.h"

#include "modules/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

// The name that the codec has for itself. An unknown one stays as it is, for the stream to complain.
static Ref stream_codec_name(VM *vm, const char *text, size_t size)
{
  Ref given = cd_str_new(vm, text, size), lookup = given ? cd_import_attr(vm, "codecs", "lookup") : NO_REF;
  Ref info = lookup ? cd_call1(vm, lookup, given) : NO_REF, name = info ? cd_getattr(vm, info, N(name)) : NO_REF;
  cd_drop(vm, lookup);
  cd_drop(vm, info);
  if (!name) {
    cd_clear_raised(vm);
    return given;
  }
  cd_drop(vm, given);
  return name;
}

// "encoding:errors" from the host, either part may be missing.
static bool stream_codec(VM *vm, const char *default_errors, Ref *encoding, Ref *errors)
{
  const char *setting = vm->config.stdio_encoding, *colon = setting ? strchr(setting, ':') : NULL;
  size_t size = setting ? (colon ? (size_t)(colon - setting) : strlen(setting)) : 0;
  *encoding = size ? stream_codec_name(vm, setting, size) : cd_str_from(vm, "utf-8");
  if (size && !strcmp(default_errors, "surrogateescape")) default_errors = "strict";    // that is for the locale's own encoding
  *errors = cd_str_from(vm, colon && colon[1] && strcmp(default_errors, "backslashreplace") ? colon + 1 : default_errors);
  return *encoding && *errors;
}

static bool stream_in_c_locale(void)
{
  const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return !strcmp(value, "C") || !strcmp(value, "POSIX") || !strncmp(value, "C.", 2);
  }
  return true;
}

static Ref std_stream_new(VM *vm, int fd, const char *name)
{
  bool input = fd == 0, terminal = isatty(fd), unbuffered = vm->config.unbuffered && !input;
  if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) return cd_none();
  Ref encoding = NO_REF, errors = NO_REF, buffer = NO_REF, stream = NO_REF, label = NO_REF, raw = NO_REF;
  const char *default_errors = fd == 2 ? "backslashreplace" : stream_in_c_locale() ? "surrogateescape" : "strict";
  if (!stream_codec(vm, default_errors, &encoding, &errors)) goto done;
  if (!(buffer = cd_io_open(vm, cd_from_small(fd), input ? "rb" : "wb", unbuffered ? 0 : -1, NO_VALUE, NO_VALUE, NO_VALUE, false,
                            NO_VALUE)))
    goto done;
  if (!(label = cd_str_from(vm, name))) goto done;
  raw = cd_dup(unbuffered ? buffer : cd_io_raw_borrow(buffer));
  if (!cd_io_set_own(vm, raw, io_state(vm)->file_io, N(name), label)) goto done;
  Ref newline = input ? cd_none() : cd_str_from(vm, "\n");
  if (!newline) goto done;
  Value arguments[6] = {buffer, encoding, errors, newline, cd_bool(fd == 2 || terminal), cd_bool(unbuffered)};
  stream = cd_call(vm, cd_type_value(io_state(vm)->text_wrapper), arguments, 6, NO_VALUE);
  cd_drop(vm, newline);
  if (!stream) goto done;
  Ref mode = cd_str_from(vm, input ? "r" : "w");
  if (!mode || !cd_io_set_own(vm, stream, io_state(vm)->text_wrapper, N(mode), mode)) {
    cd_drop(vm, stream);
    stream = NO_REF;
  }
  cd_drop(vm, mode);
done:
  cd_drop(vm, encoding);
  cd_drop(vm, errors);
  cd_drop(vm, buffer);
  cd_drop(vm, label);
  cd_drop(vm, raw);
  return stream;
}

bool cd_streams_init(VM *vm)
{
  static const char *const names[3][3] = {
    {"<stdin>", "stdin", "__stdin__"}, {"<stdout>", "stdout", "__stdout__"}, {"<stderr>", "stderr", "__stderr__"}};
  Ref io = cd_import(vm, "_io");
  if (!io) return false;
  Value open = cd_dict_get_text_borrow(vm, cd_module_dict(io), "open");   // the builtin is this very function
  bool added = open && cd_dict_set_text(vm, vm->builtins_dict, "open", open);
  cd_drop(vm, io);
  if (!added) return false;
  for (int fd = 0; fd < 3; fd++) {
    Ref stream = std_stream_new(vm, fd, names[fd][0]);
    bool ok = stream && cd_sys_set(vm, names[fd][1], stream) && cd_sys_set(vm, names[fd][2], stream);
    cd_drop(vm, stream);
    if (!ok) return false;
  }
  return true;
}
