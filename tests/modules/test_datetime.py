# datetime: arithmetic, parsing, formatting, time zones, comparison, pickling, limits. The library's two forms of the module, in C and in
# Python, word their errors differently: only the kinds are printed
import copy
import datetime as d
import pickle

UTC, EAST = d.timezone.utc, d.timezone(d.timedelta(hours=5, minutes=30), "EAST")
values = [d.date(1, 1, 1), d.date(2024, 2, 29), d.date(9999, 12, 31), d.time(), d.time(23, 59, 59, 999999), d.time(1, 2, 3, tzinfo=EAST), d.datetime(1970, 1, 1), d.datetime(2024, 2, 29, 13, 5, 9, 70, UTC), d.datetime(1, 1, 1, tzinfo=EAST),
          d.datetime(2020, 10, 25, 2, 30, fold=1), d.timedelta(), d.timedelta(-1, 5, 7), d.timedelta.max, d.timedelta(weeks=1, hours=2, milliseconds=3.5), UTC, EAST, d.timezone(-d.timedelta(seconds=3661))]
for v in values:
    print(repr(v), "|", v, "|", hash(v) == hash(copy.copy(v)), pickle.loads(pickle.dumps(v)) == v, copy.deepcopy(v) == v)
    for name in ("isoformat", "ctime", "weekday", "isoweekday", "timetuple", "toordinal", "utcoffset", "tzname", "dst", "utctimetuple", "total_seconds", "timetz", "date", "time"):
        if name == "time" and not isinstance(v, d.datetime): continue
        try: print("  ", name, getattr(v, name)())
        except AttributeError: pass
        except Exception as e: print("  ", name, type(e).__name__)
    if hasattr(v, "strftime"):
        print("  ", v.strftime("%Y-%m-%d %H:%M:%S.%f %j %U %w %a %b %y %I %p %z %Z %% %G %V %u") if getattr(v, "year", 1000) >= 1000 else v.strftime("%d %m %H"), format(v, "%d/%m" if hasattr(v, "day") else "%H"), f"{v}")
for a in values[:14]:
    for b in values[:14]:
        if {type(a), type(b)} == {d.date, d.datetime}: continue          # there the two forms disagree about a - b
        row = []
        for op in ("a + b", "a - b", "a < b", "a == b", "a // b", "a / b", "a % b", "divmod(a, b)"):
            try: row.append(str(eval(op)))
            except (TypeError, OverflowError, ZeroDivisionError) as e: row.append(type(e).__name__)
        print(repr(a)[9:40], "~", repr(b)[9:40], row)
for text in ("d.timedelta(1) * 2.5", "d.timedelta(1) / 7", "d.timedelta(1) // 7", "d.timedelta(hours=1) * -3", "abs(d.timedelta(-5, 3))", "-d.timedelta(microseconds=1)", "+d.timedelta(1)", "bool(d.timedelta())", "d.timedelta(0.1, 0.2, 0.7)", "d.timedelta(days=10 ** 9)",
             "d.timedelta('x')", "d.timedelta(seconds=1e-7)", "d.timedelta(microseconds=0.5), d.timedelta(microseconds=1.5)", "d.date(2023, 2, 29)", "d.date(0, 1, 1)", "d.date(10000, 1, 1)", "d.date(2020, 13, 1)", "d.date(1.5, 1, 1)", "d.date('x', 1, 1)", "d.time(24)",
             "d.time(0, 60)", "d.datetime(2020, 1, 1, fold=2)", "d.datetime(2020, 1)", "d.date.fromisoformat('2020-02-30')", "d.date.fromisoformat('20200229')", "d.date.fromisoformat('2020-W09-6')", "d.date.fromisoformat('2020W096')", "d.date.fromisoformat('2020-1-1')",
             "d.datetime.fromisoformat('2020-01-02T03:04:05.678901+05:30')", "d.datetime.fromisoformat('20200102T030405,5Z')", "d.datetime.fromisoformat('2020-01-02 03')", "d.datetime.fromisoformat('2020-01-02T25:00')", "d.datetime.fromisoformat('x')",
             "d.datetime.fromisoformat('2020-01-02T03:04:05.1234567')", "d.time.fromisoformat('T12:30')", "d.time.fromisoformat('12:30:15.5+01:00:30')", "d.time.fromisoformat('12:3')", "d.datetime.strptime('29 Feb 2024 13:05 +0530', '%d %b %Y %H:%M %z')",
             "d.datetime.strptime('x', '%d')", "d.datetime.strptime('1 2', '%d')", "d.datetime.strptime('2024 60', '%Y %j')", "d.datetime.strptime('12:00 PM', '%I:%M %p').time()", "d.datetime.strptime('2020-10-6', '%G-%V-%u')", "d.datetime.fromtimestamp(0, UTC)",
             "d.datetime.fromtimestamp(1e10 + 0.123456, UTC)", "d.datetime.fromtimestamp(1e20, UTC)", "d.datetime.fromtimestamp(float('nan'), UTC)", "d.datetime.utcfromtimestamp(-1.5)", "d.date.fromordinal(1), d.date.fromordinal(730000)", "d.date.fromordinal(0)",
             "d.date.fromisocalendar(2020, 53, 7)", "d.date.fromisocalendar(2021, 53, 1)", "values[7].timestamp()", "values[7].astimezone(EAST)", "values[7].astimezone(d.timezone(-d.timedelta(hours=9)))", "values[6].replace(year=2000, tzinfo=UTC)", "values[7].replace(fold=1).fold",
             "values[7].replace(month=13)", "values[1].replace(day=1)", "d.datetime.combine(values[1], values[5])", "values[7] == values[7].astimezone(EAST)", "values[6] == values[7]", "d.timezone(d.timedelta(hours=24))", "d.timezone(1)", "d.timezone(d.timedelta(0)) is UTC", "d.timezone(d.timedelta(0), 'Z')",
             "UTC.utcoffset(None), UTC.tzname(None), UTC.dst(None)", "EAST.fromutc(values[6])", "EAST.fromutc(values[6].replace(tzinfo=EAST))", "d.tzinfo().utcoffset(None)", "d.MINYEAR, d.MAXYEAR, d.UTC", "d.date.min, d.date.max, d.date.resolution, d.time.min, d.datetime.max", "values[7].isoformat(' ', 'minutes'), values[7].isoformat(timespec='milliseconds')",
             "values[7].isoformat(timespec='x')", "values[4].isoformat('hours')", "values[1].isocalendar().week", "sorted(values[:3], reverse=True)", "min(values[6], values[9])", "values[1] in {d.date(2024, 2, 29)}", "values[7].timetz()", "d.date.today() <= d.datetime.now().date()", "d.datetime.now(UTC).tzinfo"):
    try: print(text, "->", eval(text))
    except Exception as e: print(text, "->", type(e).__name__)


class Zone(d.tzinfo):
    def utcoffset(self, t): return d.timedelta(hours=2 if t and 4 <= t.month < 10 else 1)
    def dst(self, t): return d.timedelta(hours=1 if t and 4 <= t.month < 10 else 0)
    def tzname(self, t): return "SUMMER" if self.dst(t) else "WINTER"
    def __repr__(self): return "Zone()"


for month in (1, 7):
    t = d.datetime(2024, month, 1, 12, tzinfo=Zone())
    print(t, t.tzname(), t.utctimetuple(), t.astimezone(UTC), d.datetime(2024, month, 1, 12, tzinfo=UTC).astimezone(Zone()), repr(t), t.strftime("%Z %z"))


class Day(d.date):
    def __new__(cls, *a, mark=None): self = super().__new__(cls, *a); self.mark = mark; return self


day = Day(2020, 1, 1, mark=5)
print(str(day), day.mark, type(day + d.timedelta(1)).__name__, day.replace(year=2021), type(Day.today()).__name__, day == d.date(2020, 1, 1))
