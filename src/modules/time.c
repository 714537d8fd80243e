// SPDX-License-Identifier: MIT
// time.c: the time module: clocks, calendar time, sleeping
#include "core/lock.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/dict.h"
#include "objects/float.h"
#include "objects/int.h"
#include "objects/misc.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

typedef struct TimeState { Type *struct_time; } TimeState;       // owned

static TimeState *time_state(VM *vm) { return cd_state(vm, MODULE_time); }

enum { NANOSECONDS = 1000000000 };

// ---- clocks ----

static Ref time_seconds(VM *vm, struct timespec t) { return cd_float_new(vm, (double)t.tv_sec + (double)t.tv_nsec * 1e-9); }
static Ref time_nanoseconds(VM *vm, struct timespec t) { return cd_int_from_i64(vm, (int64_t)t.tv_sec * NANOSECONDS + t.tv_nsec); }

// As CPython rounds: one conversion from the whole number of nanoseconds.
static Ref time_clock(VM *vm, clockid_t clock, bool nanoseconds)
{
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  if (nanoseconds) return time_nanoseconds(vm, t);
  return cd_float_new(vm, (double)((int64_t)t.tv_sec * NANOSECONDS + t.tv_nsec) / 1e9);
}

FUNCTION(time, time, "time()", "time() -> floating point number\n\nReturn the seconds since the Epoch.")
{
  return time_clock(vm, CLOCK_REALTIME, false);
}
FUNCTION(time, time_ns, "time_ns()", "time_ns() -> int\n\nReturn the nanoseconds since the Epoch.")
{
  return time_clock(vm, CLOCK_REALTIME, true);
}
FUNCTION(time, monotonic, "monotonic()", "monotonic() -> float\n\nA clock that never goes backward.")
{
  return time_clock(vm, CLOCK_MONOTONIC, false);
}
FUNCTION(time, monotonic_ns, "monotonic_ns()", "monotonic_ns() -> int\n\nA clock that never goes backward, in nanoseconds.")
{
  return time_clock(vm, CLOCK_MONOTONIC, true);
}
FUNCTION(time, perf_counter, "perf_counter()", "perf_counter() -> float\n\nThe clock to measure short times with.")
{
  return time_clock(vm, CLOCK_MONOTONIC, false);
}
FUNCTION(time, perf_counter_ns, "perf_counter_ns()", "perf_counter_ns() -> int\n\nThe clock to measure short times with, in nanoseconds.")
{
  return time_clock(vm, CLOCK_MONOTONIC, true);
}
FUNCTION(time, process_time, "process_time()", "process_time() -> float\n\nProcessor time of this process, user and system together.")
{
  return time_clock(vm, CLOCK_PROCESS_CPUTIME_ID, false);
}
FUNCTION(time, process_time_ns, "process_time_ns()", "process_time_ns() -> int\n\nProcessor time of this process in nanoseconds.")
{
  return time_clock(vm, CLOCK_PROCESS_CPUTIME_ID, true);
}
FUNCTION(time, thread_time, "thread_time()", "thread_time() -> float\n\nProcessor time of this thread, user and system together.")
{
  return time_clock(vm, CLOCK_THREAD_CPUTIME_ID, false);
}
FUNCTION(time, thread_time_ns, "thread_time_ns()", "thread_time_ns() -> int\n\nProcessor time of this thread in nanoseconds.")
{
  return time_clock(vm, CLOCK_THREAD_CPUTIME_ID, true);
}

static bool time_clock_id(VM *vm, Value v, clockid_t *out)
{
  int id;
  if (!cd_to_c_int(vm, v, &id)) return false;
  *out = (clockid_t)id;
  return true;
}

FUNCTION(time, clock_gettime, "clock_gettime(clk_id, /)", "clock_gettime(clk_id) -> float\n\nReturn the time of a clock.")
{
  clockid_t clock;
  return time_clock_id(vm, args[0], &clock) ? time_clock(vm, clock, false) : NO_REF;
}

FUNCTION(time, clock_gettime_ns, "clock_gettime_ns(clk_id, /)",
         "clock_gettime_ns(clk_id) -> int\n\nReturn the time of a clock in nanoseconds.")
{
  clockid_t clock;
  return time_clock_id(vm, args[0], &clock) ? time_clock(vm, clock, true) : NO_REF;
}

FUNCTION(time, clock_getres, "clock_getres(clk_id, /)",
         "clock_getres(clk_id) -> floating point number\n\nReturn the resolution of a clock.")
{
  clockid_t clock;
  struct timespec t;
  if (!time_clock_id(vm, args[0], &clock)) return NO_REF;
  return clock_getres(clock, &t) == 0 ? time_seconds(vm, t) : cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

// Seconds as a number to nanoseconds; `ceiling` rounds away from zero, as waiting needs it.
static bool time_to_nanoseconds(VM *vm, Value v, bool ceiling, int64_t *out)
{
  if (cd_is_float(v)) {
    double x = cd_float_value(v);
    if (isnan(x)) return cd_raise_value(vm, "Invalid value NaN (not a number)");
    x *= 1e9;
    x = ceiling ? (x < 0 ? floor(x) : ceil(x)) : floor(x);
    if (!(x >= -9223372036854775808.0 && x < 9223372036854775808.0))
      return cd_raise_overflow(vm, "timestamp too large to convert to C _PyTime_t");
    *out = (int64_t)x;
    return true;
  }
  int64_t seconds;
  Ref index = cd_index(vm, v);
  if (!index) return false;
  bool fits = cd_int_fits_i64(index, &seconds) && !__builtin_mul_overflow(seconds, (int64_t)NANOSECONDS, out);
  cd_drop(vm, index);
  return fits || cd_raise_overflow(vm, "timestamp too large to convert to C _PyTime_t");
}

static Ref time_set_clock(VM *vm, clockid_t clock, int64_t nanoseconds)
{
  struct timespec t = {nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS};
  if (t.tv_nsec < 0) t.tv_nsec += NANOSECONDS, t.tv_sec--;
  return clock_settime(clock, &t) == 0 ? cd_none() : cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

FUNCTION(time, clock_settime, "clock_settime(clk_id, time, /)", "clock_settime(clk_id, time)\n\nSet a clock.")
{
  clockid_t clock;
  int64_t t;
  return time_clock_id(vm, args[0], &clock) && time_to_nanoseconds(vm, args[1], false, &t) ? time_set_clock(vm, clock, t) : NO_REF;
}

FUNCTION(time, clock_settime_ns, "clock_settime_ns(clk_id, time, /)", "clock_settime_ns(clk_id, time)\n\nSet a clock, in nanoseconds.")
{
  clockid_t clock;
  int64_t t;
  return time_clock_id(vm, args[0], &clock) && cd_to_i64(vm, args[1], &t, vm->exc.OverflowError) ? time_set_clock(vm, clock, t) : NO_REF;
}

FUNCTION(time, pthread_getcpuclockid, "pthread_getcpuclockid(thread_id, /)",
         "pthread_getcpuclockid(thread_id) -> int\n\nReturn the clock of a thread's processor time.")
{
  uint64_t thread = 0;
  clockid_t clock;
  Ref index = cd_index(vm, args[0]);
  if (!index) return NO_REF;
  if (!cd_int_fits_u64(index, &thread)) cd_raise_overflow(vm, "int too large to convert");
  cd_drop(vm, index);
  if (cd_raised(vm)) return NO_REF;
  int error = pthread_getcpuclockid((pthread_t)thread, &clock);
  return error ? cd_raise_os(vm, error, NO_VALUE, NO_VALUE) : cd_from_small(clock);
}

FUNCTION(time, get_clock_info, "get_clock_info(name, /)",
         "get_clock_info(name: str) -> dict\n\nReturn what is known about a clock: implementation, monotonic, adjustable, resolution.")
{
  static const struct { const char *name, *implementation; clockid_t clock; bool monotonic, adjustable; } clocks[] = {
    {"time", "clock_gettime(CLOCK_REALTIME)", CLOCK_REALTIME, false, true},
    {"monotonic", "clock_gettime(CLOCK_MONOTONIC)", CLOCK_MONOTONIC, true, false},
    {"perf_counter", "clock_gettime(CLOCK_MONOTONIC)", CLOCK_MONOTONIC, true, false},
    {"process_time", "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", CLOCK_PROCESS_CPUTIME_ID, true, false},
    {"thread_time", "clock_gettime(CLOCK_THREAD_CPUTIME_ID)", CLOCK_THREAD_CPUTIME_ID, true, false},
  };
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "get_clock_info", "1", "str", args[0]);
  for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
    if (!cd_str_is(args[0], clocks[i].name)) continue;
    struct timespec t = {0, 1};
    clock_getres(clocks[i].clock, &t);
    Ref dict = cd_dict_new(vm);
    bool ok = dict && cd_dict_set_text_steal(vm, dict, "implementation", cd_str_from(vm, clocks[i].implementation)) &&
              cd_dict_set_text(vm, dict, "monotonic", cd_bool(clocks[i].monotonic)) &&
              cd_dict_set_text(vm, dict, "adjustable", cd_bool(clocks[i].adjustable)) &&
              cd_dict_set_text_steal(vm, dict, "resolution", time_seconds(vm, t));
    Ref info = ok ? cd_simple_namespace_new(vm, dict) : NO_REF;
    cd_drop(vm, dict);
    return info;
  }
  return cd_raise_value(vm, "unknown clock");
}

// ---- sleeping ----

FUNCTION(time, sleep, "sleep(object, /)", "sleep(seconds)\n\nDelay execution for a number of seconds, which may be a fraction.")
{
  int64_t nanoseconds;
  if (!cd_audit(vm, "time.sleep", 1, args) || !time_to_nanoseconds(vm, args[0], true, &nanoseconds)) return NO_REF;
  if (nanoseconds < 0) return cd_raise_value(vm, "sleep length must be non-negative");
  struct timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  int64_t fraction = deadline.tv_nsec + nanoseconds % NANOSECONDS;
  if (__builtin_add_overflow(deadline.tv_sec, nanoseconds / NANOSECONDS + fraction / NANOSECONDS, &deadline.tv_sec))
    return cd_raise_overflow(vm, "timestamp + sleep length overflow");
  deadline.tv_nsec = fraction % NANOSECONDS;
  for (;;) {
    if (!cd_poll(vm)) return NO_REF;             // a signal's handler may end the sleep by raising
    Thread *me = cd_unlock(vm);
    int error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
    cd_relock(vm, me);
    if (error == 0) return cd_none();
    if (error != EINTR) return cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
  }
}

// ---- calendar time ----

static const StructSpec time_struct_spec = {
  "time.struct_time",
  "Calendar time: year, month, day, hours, minutes, seconds, day of the week and of the year,\nand whether daylight saving time is in "
  "effect; a tuple with names.",
  (const StructField[]){{"tm_year", "year, for example, 1993"},
                        {"tm_mon", "1 (January) to 12"},
                        {"tm_mday", "1 to 31"},
                        {"tm_hour", "hours, range [0, 23]"},
                        {"tm_min", "minutes, range [0, 59]"},
                        {"tm_sec", "seconds, range [0, 61])"},
                        {"tm_wday", "0 (Monday) to 6 (Sunday)"},
                        {"tm_yday", "1 to 366, counted from new year"},
                        {"tm_isdst", "is it summer time: 1 yes, 0 no, -1 unknown"},
                        {"tm_zone", "abbreviation of timezone name"},
                        {"tm_gmtoff", "offset from UTC in seconds"},
                        {0}},
  9,
};

static Ref time_from_tm(VM *vm, const struct tm *t)
{
  Ref zone = t->tm_zone ? cd_str_decode_utf8(vm, t->tm_zone, strlen(t->tm_zone), "surrogateescape") : cd_none();
  if (!zone) return NO_REF;
  Value items[11] = {
    cd_from_small((int64_t)t->tm_year + 1900),
    cd_from_small(t->tm_mon + 1),
    cd_from_small(t->tm_mday),
    cd_from_small(t->tm_hour),
    cd_from_small(t->tm_min),
    cd_from_small(t->tm_sec),
    cd_from_small((t->tm_wday + 6) % 7),
    cd_from_small(t->tm_yday + 1),
    cd_from_small(t->tm_isdst),
    zone,
    cd_from_small(t->tm_gmtoff),
  };
  Ref result = cd_struct_new(vm, time_state(vm)->struct_time, items);
  cd_drop(vm, zone);
  return result;
}

// Seconds since the Epoch, rounded down; omitted or None is now.
static bool time_t_argument(VM *vm, Value v, time_t *out)
{
  if (!cd_bits(v) || cd_is_none(v)) { *out = time(NULL); return true; }
  if (cd_is_float(v)) {
    double x = cd_float_value(v);
    if (isnan(x)) return cd_raise_value(vm, "Invalid value NaN (not a number)");
    x = floor(x);
    if (!(x >= -9223372036854775808.0 && x < 9223372036854775808.0))
      return cd_raise_overflow(vm, "timestamp out of range for platform time_t");
    *out = (time_t)x;
    return true;
  }
  Ref index = cd_index(vm, v);
  if (!index) return false;
  int64_t t = 0;
  bool fits = cd_int_fits_i64(index, &t);
  cd_drop(vm, index);
  *out = (time_t)t;
  return fits || cd_raise_overflow(vm, "timestamp out of range for platform time_t");
}

FUNCTION(time, gmtime, "gmtime(seconds=None, /)",
         "gmtime([seconds]) -> (tm_year, tm_mon, tm_mday, tm_hour, tm_min,\n                       tm_sec, tm_wday, tm_yday, "
         "tm_isdst)\n\nConvert seconds since the Epoch to a time tuple in UTC; without an argument, now.")
{
  time_t t;
  struct tm parts;
  if (!time_t_argument(vm, args[0], &t)) return NO_REF;
  return gmtime_r(&t, &parts) ? time_from_tm(vm, &parts) : cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
}

FUNCTION(time, localtime, "localtime(seconds=None, /)",
         "localtime([seconds]) -> (tm_year,tm_mon,tm_mday,tm_hour,tm_min,\n                          "
         "tm_sec,tm_wday,tm_yday,tm_isdst)\n\nConvert seconds since the Epoch to a time tuple in local time; without an argument, now.")
{
  time_t t;
  struct tm parts;
  if (!time_t_argument(vm, args[0], &t)) return NO_REF;
  errno = 0;
  return localtime_r(&t, &parts) ? time_from_tm(vm, &parts) : cd_raise_os(vm, errno ? errno : EINVAL, NO_VALUE, NO_VALUE);
}

// A time tuple or struct_time as C has it. The text of the zone is borrowed from the tuple.
static bool time_tuple(VM *vm, Value v, const char *function, struct tm *out)
{
  memset(out, 0, sizeof *out);
  if (!cd_is_tuple(v)) return cd_raise_type(vm, "Tuple or struct_time argument required");
  if (cd_tuple_size(v) != 9) return cd_raise_type(vm, "%s(): illegal time tuple argument", function);
  int parts[9];
  for (size_t i = 0; i < 9; i++)
    if (!cd_to_c_int(vm, cd_tuple_item_borrow(v, i), &parts[i])) return false;
  if (parts[0] < INT32_MIN + 1900) return cd_raise_overflow(vm, "year out of range");
  *out = (struct tm){.tm_year = parts[0] - 1900,
                     .tm_mon = parts[1] - 1,
                     .tm_mday = parts[2],
                     .tm_hour = parts[3],
                     .tm_min = parts[4],
                     .tm_sec = parts[5],
                     .tm_wday = (parts[6] + 1) % 7,
                     .tm_yday = parts[7] - 1,
                     .tm_isdst = parts[8]};
  if (cd_type_of(vm, v) != time_state(vm)->struct_time) return true;
  Value zone = cd_as_tuple(v)->items[9], offset = cd_as_tuple(v)->items[10];
  int64_t seconds;
  if (cd_is_str(zone)) out->tm_zone = (char *)(uintptr_t)cd_str_data(zone);
  if (cd_is_int(offset) && cd_int_fits_i64(offset, &seconds)) out->tm_gmtoff = (long)seconds;
  return true;
}

// What C's functions would index their tables with must be in range; zero months and days are taken as the first.
static bool time_check_tuple(VM *vm, struct tm *t)
{
  if (t->tm_mon == -1) t->tm_mon = 0;
  else if (t->tm_mon < 0 || t->tm_mon > 11) return cd_raise_value(vm, "month out of range");
  if (t->tm_mday == 0) t->tm_mday = 1;
  else if (t->tm_mday < 0 || t->tm_mday > 31) return cd_raise_value(vm, "day of month out of range");
  if (t->tm_hour < 0 || t->tm_hour > 23) return cd_raise_value(vm, "hour out of range");
  if (t->tm_min < 0 || t->tm_min > 59) return cd_raise_value(vm, "minute out of range");
  if (t->tm_sec < 0 || t->tm_sec > 61) return cd_raise_value(vm, "seconds out of range");
  if (t->tm_wday < 0) return cd_raise_value(vm, "day of week out of range");
  if (t->tm_yday == -1) t->tm_yday = 0;
  else if (t->tm_yday < 0 || t->tm_yday > 365) return cd_raise_value(vm, "day of year out of range");
  return true;
}

static Ref time_text(VM *vm, const struct tm *t)
{
  static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  snprintf(text, sizeof text, "%s %s%3d %.2d:%.2d:%.2d %lld", days[t->tm_wday], months[t->tm_mon], t->tm_mday, t->tm_hour, t->tm_min,
           t->tm_sec, (long long)t->tm_year + 1900);
  return cd_str_from(vm, text);
}

static bool time_now(struct tm *out)
{
  time_t now = time(NULL);
  return localtime_r(&now, out) != NULL;
}

FUNCTION(time, asctime, "asctime(tuple=None, /)",
         "asctime([tuple]) -> string\n\nConvert a time tuple to text like 'Sat Jun 06 16:26:11 1998'; without an argument, now.")
{
  struct tm t;
  if (!cd_bits(args[0])) return time_now(&t) ? time_text(vm, &t) : cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  return time_tuple(vm, args[0], "asctime", &t) && time_check_tuple(vm, &t) ? time_text(vm, &t) : NO_REF;
}

METHOD_DEF_(time_ctime, "ctime", "ctime(seconds=None, /)",
            "ctime(seconds) -> string\n\nConvert seconds since the Epoch to text in local time, as asctime(localtime(seconds)).",
            METHOD_NO_SIGNATURE)
{
  time_t t;
  struct tm parts;
  if (!time_t_argument(vm, args[0], &t)) return NO_REF;
  errno = 0;
  return localtime_r(&t, &parts) ? time_text(vm, &parts) : cd_raise_os(vm, errno ? errno : EINVAL, NO_VALUE, NO_VALUE);
}

FUNCTION(time, mktime, "mktime(tuple, /)",
         "mktime(tuple) -> seconds since the Epoch\n\nThe local time in the tuple, as one number.")
{
  struct tm t;
  if (!time_tuple(vm, args[0], "mktime", &t)) return NO_REF;
  t.tm_wday = -1;                                // tells -1 as a result from an error
  time_t seconds = mktime(&t);
  if (seconds == (time_t)-1 && t.tm_wday == -1) return cd_raise_overflow(vm, "mktime argument out of range");
  return cd_float_new(vm, (double)seconds);
}

// strftime() that grows its buffer: an empty result can't be told from one that is too small, so there is a bound.
static Ref time_format(VM *vm, const char *format, size_t size, const struct tm *t)
{
  for (size_t room = size + 128;; room *= 2) {
    char *out = cd_alloc(vm, room);
    if (!out) return NO_REF;
    size_t n = strftime(out, room, format, t);
    Ref text = n || room > 256 * (size + 1) ? cd_str_decode_utf8(vm, out, n, "surrogateescape") : NO_REF;
    cd_free(vm, out, room);
    if (text || cd_raised(vm)) return text;
  }
}

FUNCTION(time, strftime, "strftime(format, tuple=None, /)",
         "strftime(format[, tuple]) -> string\n\nConvert a time tuple to text by a format such as '%Y-%m-%d %H:%M'; without a tuple, now.")
{
  struct tm t;
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "strftime", "1", "str", args[0]);
  if (!cd_bits(args[1])) {
    if (!time_now(&t)) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  } else if (!time_tuple(vm, args[1], "strftime", &t) || !time_check_tuple(vm, &t)) {
    return NO_REF;
  }
  t.tm_isdst = t.tm_isdst < -1 ? -1 : t.tm_isdst > 1 ? 1 : t.tm_isdst;
  size_t size = cd_str_size(args[0]);
  if (memchr(cd_str_data(args[0]), 0, size)) return cd_raise_value(vm, "embedded null character");
  return size ? time_format(vm, cd_str_data(args[0]), size, &t) : cd_dup(vm->empty_str);
}

FUNCTION_RAW(time, strptime, "strptime(string, format='%a %b %d %H:%M:%S %Y', /)",
             "strptime(string, format) -> struct_time\n\nConvert text to a time tuple by a format, as strftime() has it.")
{
  Ref function = cd_import_attr(vm, "_strptime", "_strptime_time"),
      result = function ? cd_call(vm, function, args, nargs, kwnames) : NO_REF;
  cd_drop(vm, function);
  return result;
}

// ---- the time zone ----

// Offsets are told from winter and summer of this year; the names come with them.
static bool time_set_zone(VM *vm, Value module)
{
  tzset();
  struct tm t;
  time_t year = (time_t)((365 * 24 + 6) * 3600), now = time(NULL);
  time_t january = now / year * year, july = january + year / 2;
  char names[2][64] = {"   ", "   "};
  long offsets[2];
  for (int i = 0; i < 2; i++) {
    time_t at = i ? july : january;
    if (!localtime_r(&at, &t)) return cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
    offsets[i] = -t.tm_gmtoff;
    snprintf(names[i], sizeof names[i], "%s", t.tm_zone ? t.tm_zone : "   ");
  }
  int winter = offsets[0] < offsets[1];          // south of the equator summer is in January
  Ref first = cd_str_decode_utf8(vm, names[winter], strlen(names[winter]), "surrogateescape");
  Ref second = cd_str_decode_utf8(vm, names[!winter], strlen(names[!winter]), "surrogateescape");
  return cd_module_add(vm, module, "tzname", cd_tuple2_steal(vm, first, second)) &&
         cd_module_add_int(vm, module, "timezone", offsets[winter]) && cd_module_add_int(vm, module, "altzone", offsets[!winter]) &&
         cd_module_add_int(vm, module, "daylight", offsets[0] != offsets[1]);
}

FUNCTION(time, tzset, "tzset()", "tzset()\n\nTake over a change of the environment variable TZ.")
{
  return time_set_zone(vm, self) ? cd_none() : NO_REF;
}

static const MethodDef *const time_functions[] = {
  &time_time_def,
  &time_time_ns_def,
  &time_clock_gettime_def,
  &time_clock_gettime_ns_def,
  &time_clock_settime_def,
  &time_clock_settime_ns_def,
  &time_clock_getres_def,
  &time_pthread_getcpuclockid_def,
  &time_sleep_def,
  &time_gmtime_def,
  &time_localtime_def,
  &time_asctime_def,
  &time_ctime_def,
  &time_mktime_def,
  &time_strftime_def,
  &time_strptime_def,
  &time_tzset_def,
  &time_monotonic_def,
  &time_monotonic_ns_def,
  &time_process_time_def,
  &time_process_time_ns_def,
  &time_thread_time_def,
  &time_thread_time_ns_def,
  &time_perf_counter_def,
  &time_perf_counter_ns_def,
  &time_get_clock_info_def,
  NULL,
};

static bool time_exec(VM *vm, Value module)
{
  static const struct { const char *name; int clock;
  } clocks[] = {
    {"CLOCK_REALTIME", CLOCK_REALTIME},
    {"CLOCK_MONOTONIC", CLOCK_MONOTONIC},
    {"CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW},
    {"CLOCK_PROCESS_CPUTIME_ID", CLOCK_PROCESS_CPUTIME_ID},
    {"CLOCK_THREAD_CPUTIME_ID", CLOCK_THREAD_CPUTIME_ID},
    {"CLOCK_BOOTTIME", CLOCK_BOOTTIME},
    {"CLOCK_TAI", CLOCK_TAI},
  };
  TimeState *state = time_state(vm);
  if (!state->struct_time && !(state->struct_time = cd_struct_type_new(vm, &time_struct_spec, false))) return false;
  for (size_t i = 0; i < ARRAY_LEN(clocks); i++)
    if (!cd_module_add_int(vm, module, clocks[i].name, clocks[i].clock)) return false;
  return time_set_zone(vm, module) && cd_module_add_int(vm, module, "_STRUCT_TM_ITEMS", 11) &&
         cd_module_add(vm, module, "struct_time", cd_dup(cd_type_value(state->struct_time)));
}

static void time_clear(VM *vm, void *state)
{
  cd_drop_object(vm, ((TimeState *)state)->struct_time);
  ((TimeState *)state)->struct_time = NULL;
}

const ModuleDef cd_module_time = {
  .name = "time",
  .doc = "Clocks and calendar time.\n\nTime is told in seconds since the Epoch (the start of 1970 in UTC), or as a tuple of nine "
         "integers\nfrom the year down to the seconds, the day of the week (Monday is 0) and of the year, and the\ndaylight saving flag.",
  .functions = time_functions,
  .state_size = sizeof(TimeState),
  .exec = time_exec,
  .clear = time_clear,
};
