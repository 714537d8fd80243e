# SPDX-License-Identifier: MIT
# clocks and calendar time
import time
print(time.gmtime(0), time.strftime("%Y-%m-%d", time.gmtime(86400)), time.asctime(time.gmtime(0)))
time.sleep(0)
def t(f, *a):
    try: print(f(*a))
    except BaseException as e: print(type(e).__name__, e)
for f in (time.gmtime, time.localtime, time.ctime):
    for a in (1e300, float("nan"), "x", -1, 0.9, 2**70): t(f, a)
for a in (-1, "x", float("nan"), 1e300, 2**70): t(time.sleep, a)
for a in (1, (1,2), (2000,13,1,0,0,0,0,1,0), (2000,1,1,0,0,0,0,1,0), (2000,1,32,0,0,0,0,1,0), (2000,1,1,25,0,0,0,1,0), (2000,0,0,0,0,0,0,0,0), (1,2,3,4,5,6,7,8,"x")):
    t(time.asctime, a); t(time.strftime, "%c %j %U", a)
t(time.mktime, (2000,1,1,0,0,0,0,1,0)); t(time.strftime, "a\0b"); t(time.strftime, 3); t(time.strftime, "")
t(time.get_clock_info, "x"); t(time.get_clock_info, 3)
for n in ("time", "monotonic", "perf_counter", "process_time", "thread_time"): t(time.get_clock_info, n)
print(time.struct_time(range(9)), time.struct_time(range(11)).tm_gmtoff)
t(time.struct_time, range(8)); t(time.struct_time, 3)
print(time.timezone, time.altzone, time.daylight, time.tzname)
a=time.monotonic(); b=time.monotonic_ns(); print(a*1e9 <= b+1000)
