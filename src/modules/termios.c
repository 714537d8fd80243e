// SPDX-License-Identifier: MIT
// termios.c: control of terminals
#include "modules/posix.h"
#include "modules/waiting.h"
#include "objects/exception.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <asm/ioctls.h>
#include <linux/serial.h>
#include <linux/tty.h>

typedef struct TermiosState { Value error; } TermiosState;       // class, owned

static TermiosState *termios_state(VM *vm) { return cd_state(vm, MODULE_termios); }

// termios.error(errno, text)
static Ref termios_fail(VM *vm)
{
  int error = errno;
  Ref text = cd_str_from(vm, strerror(error)), e = NO_REF;
  if (text) e = cd_exception_new(vm, cd_as_type(termios_state(vm)->error), (Value[]){cd_from_small(error), text}, 2);
  cd_drop(vm, text);
  return cd_raise_exception(vm, e);
}


static bool termios_fd(VM *vm, Value v, int *out) { return cd_descriptor(vm, v, out); }

FUNCTION(termios, tcgetattr, "tcgetattr(fd, /)",
         "Get the attributes of a terminal.\n\nReturns a list [iflag, oflag, cflag, lflag, ispeed, ospeed, cc]; cc is a list of the "
         "special\ncharacters, as bytes of length one, but the entries VMIN and VTIME are integers when ICANON is off.")
{
  int fd;
  struct termios t;
  if (!termios_fd(vm, args[0], &fd)) return NO_REF;
  if (tcgetattr(fd, &t) < 0) return termios_fail(vm);
  Ref characters = cd_list_new(vm), list = NO_REF;
  bool raw = !(t.c_lflag & ICANON);
  for (size_t i = 0; characters && i < NCCS; i++) {
    char c = (char)t.c_cc[i];
    Ref item = raw && (i == VMIN || i == VTIME) ? cd_from_small(t.c_cc[i]) : cd_bytes_new(vm, &c, 1);
    if (!item || !cd_list_append_steal(vm, cd_as_list(characters), item)) cd_drop(vm, characters), characters = NO_REF;
  }
  if (characters) {
    Value items[7] = {cd_from_small(t.c_iflag), cd_from_small(t.c_oflag), cd_from_small(t.c_cflag), cd_from_small(t.c_lflag),
                      cd_from_small(cfgetispeed(&t)), cd_from_small(cfgetospeed(&t)), characters};
    list = cd_list_of(vm, 7, items);
  }
  cd_drop(vm, characters);
  return list;
}

static bool termios_characters(VM *vm, Value list, struct termios *t)
{
  if (!cd_is_list(list) || cd_list_size(list) != NCCS) return cd_raise_type(vm, "tcsetattr: attributes[6] must be %d element list", NCCS);
  for (size_t i = 0; i < NCCS; i++) {
    Value v = cd_list_item_borrow(list, i);
    int64_t n;
    if (cd_is_bytes(v) && cd_bytes_size(v) == 1) t->c_cc[i] = (cc_t)cd_bytes_data(v)[0];
    else if (cd_is_int(v) && cd_int_fits_i64(v, &n)) t->c_cc[i] = (cc_t)n;
    else return cd_raise_type(vm, "tcsetattr: elements of attributes must be characters or integers");
  }
  return true;
}

FUNCTION(termios, tcsetattr, "tcsetattr(fd, when, attributes, /)",
         "Set the attributes of a terminal, a list as tcgetattr() returns it.\n\nwhen is TCSANOW: at once; TCSADRAIN: after what is "
         "written has been sent; TCSAFLUSH: then, and what\nwas not read is thrown away.")
{
  int fd, when;
  if (!termios_fd(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &when)) return NO_REF;
  if (!cd_is_list(args[2]) || cd_list_size(args[2]) != 7) return cd_raise_type(vm, "tcsetattr, arg 3: must be 7 element list");
  struct termios t;
  if (tcgetattr(fd, &t) < 0) return termios_fail(vm);
  int64_t numbers[6];
  for (size_t i = 0; i < 6; i++)
    if (!cd_to_i64(vm, cd_list_item_borrow(args[2], i), &numbers[i], vm->exc.OverflowError)) return NO_REF;
  t.c_iflag = (tcflag_t)numbers[0];
  t.c_oflag = (tcflag_t)numbers[1];
  t.c_cflag = (tcflag_t)numbers[2];
  t.c_lflag = (tcflag_t)numbers[3];
  if (!termios_characters(vm, cd_list_item_borrow(args[2], 6), &t)) return NO_REF;
  if (cfsetispeed(&t, (speed_t)numbers[4]) < 0 || cfsetospeed(&t, (speed_t)numbers[5]) < 0) return termios_fail(vm);
  return tcsetattr(fd, when, &t) < 0 ? termios_fail(vm) : cd_none();
}

#define TERMIOS_CALL(name, parameter, doc, call)                                  \
  FUNCTION(termios, name, #name "(fd, " parameter ", /)", doc)                    \
  {                                                                               \
    int fd, n, status;                                                            \
    if (!termios_fd(vm, args[0], &fd) || !cd_to_c_int(vm, args[1], &n)) return NO_REF; \
    Thread *me = cd_unlock(vm);                                                   \
    status = call;                                                                \
    cd_relock(vm, me);                                                            \
    return status < 0 ? termios_fail(vm) : cd_none();                             \
  }
TERMIOS_CALL(tcsendbreak, "duration", "Send a break on a terminal; duration 0 is a quarter to half a second.", tcsendbreak(fd, n))
TERMIOS_CALL(tcflush, "queue", "Throw away what is queued: TCIFLUSH input, TCOFLUSH output, TCIOFLUSH both.", tcflush(fd, n))
TERMIOS_CALL(tcflow, "action", "Stop or restart: TCOOFF and TCOON output, TCIOFF and TCION input.", tcflow(fd, n))
#undef TERMIOS_CALL

FUNCTION(termios, tcdrain, "tcdrain(fd, /)", "Wait until everything written to a terminal has been sent.")
{
  int fd, status;
  if (!termios_fd(vm, args[0], &fd)) return NO_REF;
  Thread *me = cd_unlock(vm);
  status = tcdrain(fd);
  cd_relock(vm, me);
  return status < 0 ? termios_fail(vm) : cd_none();
}

FUNCTION(termios, tcgetwinsize, "tcgetwinsize(fd, /)", "Get the size of a terminal as a tuple (rows, columns).")
{
  int fd;
  struct winsize size;
  if (!termios_fd(vm, args[0], &fd)) return NO_REF;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0) return termios_fail(vm);
  return cd_tuple2(vm, cd_from_small(size.ws_row), cd_from_small(size.ws_col));
}

FUNCTION(termios, tcsetwinsize, "tcsetwinsize(fd, winsize, /)", "Set the size of a terminal from a sequence (rows, columns).")
{
  int fd, rows = 0, columns = 0;
  if (!termios_fd(vm, args[0], &fd)) return NO_REF;
  if (!cd_is_tuple(args[1]) && !cd_is_list(args[1])) return cd_raise_type(vm, "tcsetwinsize, arg 2: must be a two-item sequence");
  Ref pair = cd_tuple_from(vm, args[1]);
  bool ok = pair && (cd_tuple_size(pair) == 2 || cd_raise_type(vm, "tcsetwinsize, arg 2: must be a two-item sequence"));
  ok = ok && cd_to_c_int(vm, cd_tuple_item_borrow(pair, 0), &rows) && cd_to_c_int(vm, cd_tuple_item_borrow(pair, 1), &columns);
  cd_drop(vm, pair);
  if (!ok) return NO_REF;
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0) return termios_fail(vm);
  size.ws_row = (unsigned short)rows;
  size.ws_col = (unsigned short)columns;
  if (size.ws_row != rows || size.ws_col != columns) return cd_raise_overflow(vm, "winsize value(s) out of range.");
  return ioctl(fd, TIOCSWINSZ, &size) < 0 ? termios_fail(vm) : cd_none();
}

static const MethodDef *const termios_functions[] = {
  &termios_tcgetattr_def, &termios_tcsetattr_def, &termios_tcsendbreak_def, &termios_tcdrain_def, &termios_tcflush_def, &termios_tcflow_def,
  &termios_tcgetwinsize_def, &termios_tcsetwinsize_def, NULL,
};

static bool termios_exec(VM *vm, Value module)
{
  static const struct { const char *name; int64_t value; } constants[] = {
#include "modules/termios_constants.h"
  };
  TermiosState *state = termios_state(vm);
  for (size_t i = 0; i < ARRAY_LEN(constants); i++)
    if (!cd_module_add_int(vm, module, constants[i].name, constants[i].value)) return false;
  if (!cd_bits(state->error) && !(state->error = cd_exception_type_new(vm, "termios.error", NULL, cd_type_value(vm->exc.Exception))))
    return false;
  return cd_module_add(vm, module, "error", cd_dup(state->error));
}

static void termios_clear(VM *vm, void *state) { cd_clear(vm, &((TermiosState *)state)->error); }

const ModuleDef cd_module_termios = {
  .name = "termios",
  .doc = "Control of terminals, as POSIX has it. All functions take a descriptor, an int or an object with\na fileno() method.",
  .functions = termios_functions,
  .state_size = sizeof(TermiosState),
  .exec = termios_exec,
  .clear = termios_clear,
};
