# SPDX-License-Identifier: MIT
# make_unicode.py: writes unicode_tables.h and unicode_names.h from the files of the Unicode Character Database
#
#   python3 tools/make_unicode.py /usr/share/unicode OUTDIR
#
# The database on disk may be newer than the one the language version is defined by. Characters younger than VERSION (DerivedAge.txt) are
# left out, and the few properties that were changed afterwards are put back. (3.11's stringprep asserts that unidata_version is 14.0.0.)
import bz2
import os
import sys

VERSION = (14, 0)
CODES = 0x110000

# Characters that Unicode 15 made lowercase and cased (superscript letters); they were not before.
NOT_YET_LOWERCASE = {0x10FC, 0xA7F2, 0xA7F3, 0xA7F4, 0xAB69}

# What Unicode 3.2 said otherwise about characters it had, for unicodedata.ucd_3_2_0: first-last:value.
OLD_3_2 = {
  "category": (
    "A7:So AA:Ll AD:Pd B6:So BA:Ll 294:Ll 2B9-2BA:Sk 2C6-2CF:Sk 2EC:Sk 374:Sk 5BE:Po 6DE:Me F14:So 10D0-10F8:Lo "
    "1369-1371:Nd 13A0-13F4:Lo 166D:Po 1734:Mn 17B4-17B5:Mc 1885-1886:Lo 200B:Zs 2071:Ll 207F:Ll 2118:So 2132:So 2183:Nl "
    "2308-230B:Sm 23B4:Ps 23B5:Pe 23B6:Po 302E-302F:Mn 30FB:Pc A015:Lo FD3E:Ps FD3F:Pe FF65:Pc 10341:Lo"),
  "bidirectional": (
    "2B:ET 2D:ET 2F:ES AD:ON 6DD:AL 6DE:NSM 70F:BN CBF:NSM CC6:NSM 1734:NSM 17B4-17B5:L 1885-1886:L 202F:WS 2044:ON "
    "207A-207B:ET 208A-208B:ET 2132:ON 2212:ET 2460-2487:EN 24EA:EN 2800-28FF:ON 302E-302F:NSM FB29:ET FE62-FE63:ET FF0B:ET "
    "FF0D:ET FF0F:ES FFF9-FFFB:BN 1D6DB:L 1D715:L 1D74F:L 1D789:L 1D7C3:L"),
  "east_asian_width": (
    "231A-231B:N 25FD-25FE:N 2648-2653:N"),
  "mirrored": (
    "F3A-F3D:0 169B-169C:0 29A1:1 FE59-FE5E:0 FE64-FE65:0 1D6DB:0 1D715:0 1D74F:0 1D789:0 1D7C3:0"),
  "decimal": (
    "B2:2 B3:3 B9:1 1369:1 136A:2 136B:3 136C:4 136D:5 136E:6 136F:7 1370:8 1371:9 2070:0 2074:4 2075:5 2076:6 2077:7 "
    "2078:8 2079:9 2080:0 2081:1 2082:2 2083:3 2084:4 2085:5 2086:6 2087:7 2088:8 2089:9"),
}

FLAGS = ("ALPHA DECIMAL DIGIT NUMERIC SPACE LINEBREAK UPPER LOWER TITLE PRINTABLE CASED CASE_IGNORABLE "
         "ID_START ID_CONTINUE SPECIAL_CASE MIRRORED").split()
FLAG = {name: 1 << i for i, name in enumerate(FLAGS)}
CATEGORIES = "Cn Lu Ll Lt Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Lm Lo Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So".split()
BIDI = [""] + "L LRE LRO R AL RLE RLO PDF EN ES ET AN CS NSM BN B S WS ON LRI RLI FSI PDI".split()
WIDTHS = "F N H W Na A".split()                              # the first is what unassigned code points have
FORMS = "NFD NFKD NFC NFKC".split()


class Char:
  def __init__(self):
    self.name = ""
    self.category = "Cn"
    self.combining = 0
    self.bidi = ""
    self.decomposition = ""
    self.decimal = self.digit = None
    self.numeric = None
    self.mirrored = False
    self.upper = self.lower = self.title = None
    self.width = "N"


def fields_of(path, packed=False):
  opener = bz2.open if packed else open
  with opener(path, "rt", encoding="utf-8") as file:
    for line in file:
      line = line.partition("#")[0].strip()
      if line:
        yield [field.strip() for field in line.split("\t" if packed else ";")]


def code_range(text):
  first, _, last = text.partition("..")
  return range(int(first, 16), int(last or first, 16) + 1)


class Database:
  def __init__(self, folder):
    self.folder = folder
    self.age = {}
    for text, version in self.read("DerivedAge.txt"):
      version = tuple(map(int, version.split(".")))
      for code in code_range(text):
        self.age[code] = version
    self.chars = {}
    self.read_characters()
    self.derived = self.read_properties("DerivedCoreProperties.txt")
    self.linebreaks = set()
    for text, kind, *_ in self.read("LineBreak.txt"):
      if kind in ("BK", "CR", "LF", "NL"):
        self.linebreaks.update(code_range(text))
    for text, width, *_ in self.read("EastAsianWidth.txt"):
      for code in code_range(text):
        if code in self.chars:
          self.chars[code].width = width
    self.read_numeric()
    self.read_normalization()
    self.read_cases()
    if VERSION < (15, 0):
      for prop in ("Lowercase", "Cased"):
        self.derived[prop] -= NOT_YET_LOWERCASE

  def read(self, name):
    return fields_of(os.path.join(self.folder, name))

  def known(self, code):
    return self.age.get(code, (99,)) <= VERSION

  def read_characters(self):
    first = None
    for row in self.read("UnicodeData.txt"):
      code = int(row[0], 16)
      if row[1].endswith(", First>"):
        first = code
        continue
      codes = [code] if first is None else range(first, code + 1)
      first = None
      for code in codes:
        if not self.known(code) and row[2] not in ("Co", "Cs"):
          continue
        char = self.chars[code] = Char()
        char.name = row[1]
        char.category = row[2]
        char.combining = int(row[3])
        char.bidi = row[4]
        char.decomposition = row[5]
        char.decimal = int(row[6]) if row[6] else None
        char.digit = int(row[7]) if row[7] else None
        char.numeric = row[8] or None
        char.mirrored = row[9] == "Y"
        char.upper, char.lower, char.title = (int(text, 16) if text else None for text in row[12:15])

  def read_properties(self, name):
    found = {}
    for text, prop, *_ in self.read(name):
      codes = found.setdefault(prop, set())
      codes.update(code for code in code_range(text) if code in self.chars)
    return found

  def read_numeric(self):
    path = os.path.join(self.folder, "Unihan_NumericValues.txt.bz2")
    for text, _kind, value in fields_of(path, packed=True):
      code = int(text[2:], 16)
      if code in self.chars:
        self.chars[code].numeric = value.split()[0]

  def read_normalization(self):
    self.quick = {}
    self.excluded = set()
    for row in self.read("DerivedNormalizationProps.txt"):
      if row[1] == "Full_Composition_Exclusion":
        self.excluded.update(code_range(row[0]))
      elif row[1].endswith("_QC"):
        shift = FORMS.index(row[1][:-3]) * 2
        for code in code_range(row[0]):
          if code in self.chars:
            self.quick[code] = self.quick.get(code, 0) | {"M": 1, "N": 2}[row[2]] << shift

  def read_cases(self):
    self.special = {}
    for row in self.read("SpecialCasing.txt"):
      if len(row) > 5 and row[4]:
        continue                                                  # conditional: final sigma is code, languages are not Python's
      lower, title, upper = ([int(c, 16) for c in text.split()] for text in row[1:4])
      self.special[int(row[0], 16)] = {"lower": lower, "title": title, "upper": upper}
    self.folded = {}
    for text, status, mapping, *_ in self.read("CaseFolding.txt"):
      if status in "CF":
        self.folded[int(text, 16)] = [int(c, 16) for c in mapping.split()]

  def simple(self, code, which):
    char = self.chars[code]
    if which == "title" and char.title is None:
      return char.upper if char.upper is not None else code
    value = getattr(char, which)
    return code if value is None else value

  def full(self, code, which):
    return self.special.get(code, {}).get(which) or [self.simple(code, which)]

  def fold(self, code):
    return self.folded.get(code, [code])

  def flags(self, code):
    char = self.chars[code]
    bits = 0

    def put(name, condition):
      nonlocal bits
      if condition:
        bits |= FLAG[name]
    has = lambda prop: code in self.derived[prop]
    put("ALPHA", char.category in ("Lm", "Lt", "Lu", "Ll", "Lo"))
    put("DECIMAL", char.decimal is not None)
    put("DIGIT", char.digit is not None)
    put("NUMERIC", char.numeric is not None)
    put("SPACE", char.category == "Zs" or char.bidi in ("WS", "B", "S"))
    put("LINEBREAK", code in self.linebreaks or char.bidi == "B")
    put("UPPER", has("Uppercase"))
    put("LOWER", has("Lowercase"))
    put("TITLE", char.category == "Lt")
    put("PRINTABLE", code == 0x20 or char.category not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"))
    put("CASED", has("Cased"))
    put("CASE_IGNORABLE", has("Case_Ignorable"))
    put("ID_START", has("XID_Start") or code == ord("_"))
    put("ID_CONTINUE", has("XID_Continue"))
    put("MIRRORED", char.mirrored)
    put("SPECIAL_CASE", self.needs_special(code))
    return bits

  def needs_special(self, code):
    simple = [self.simple(code, which) for which in ("upper", "lower", "title")]
    full = [self.full(code, which) for which in ("upper", "lower", "title")]
    return full != [[c] for c in simple] or self.fold(code) != self.full(code, "lower")


# ---- output ----

def write_array(out, kind, name, values, per_line=24):
  values = list(values)
  print(f"static const {kind} {name}[{len(values)}] = {{", file=out)
  for i in range(0, len(values), per_line):
    print("  " + ",".join(str(v) for v in values[i:i + per_line]) + ",", file=out)
  print("};", file=out)


def unsigned(values):
  top = max(values)
  return "uint8_t" if top < 0x100 else "uint16_t" if top < 0x10000 else "uint32_t"


def two_stage(values):
  """Splits `values` into equal blocks stored once each; picks the block size that takes the least room."""
  best = None
  for shift in range(4, 10):
    size = 1 << shift
    blocks, index, data = {}, [], []
    for start in range(0, len(values), size):
      block = tuple(values[start:start + size])
      if block not in blocks:
        blocks[block] = len(blocks)
        data.extend(block)
      index.append(blocks[block])
    width = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4}
    room = len(index) * width[unsigned(index)] + len(data) * width[unsigned(data)]
    if best is None or room < best[0]:
      best = room, shift, index, data
  return best[1:]


def write_two_stage(out, name, values):
  shift, index, data = two_stage(values)
  print(f"enum {{ {name.upper()}_SHIFT = {shift} }};", file=out)
  write_array(out, unsigned(index), name + "_index", index)
  write_array(out, unsigned(data), name + "_data", data)


def write_records(db, out):
  numerics = {None: 0}
  records = {(0, 0, 0, 0, -1, -1, 0, 0, 0, 0, 0, 0): 0}
  numbers = [0] * CODES
  for code, char in db.chars.items():
    numeric = numerics.setdefault(char.numeric, len(numerics))
    record = (db.simple(code, "upper") - code, db.simple(code, "lower") - code, db.simple(code, "title") - code,
              db.flags(code), -1 if char.decimal is None else char.decimal, -1 if char.digit is None else char.digit,
              CATEGORIES.index(char.category), BIDI.index(char.bidi), char.combining, WIDTHS.index(char.width),
              db.quick.get(code, 0), numeric)
    numbers[code] = records.setdefault(record, len(records))
  for i, name in enumerate(FLAGS):
    print(f"#define CHAR_{name} 0x{1 << i:x}u", file=out)
  print("typedef struct CharRecord {\n  int32_t upper, lower, title;\n  uint16_t flags;\n  int8_t decimal, digit;\n"
        "  uint8_t category, bidi, combining, width, quick, numeric;\n} CharRecord;", file=out)
  print(f"static const CharRecord unicode_records[{len(records)}] = {{", file=out)
  for record in records:
    print("  {" + ",".join(map(str, record)) + "},", file=out)
  print("};", file=out)
  write_two_stage(out, "unicode_record", numbers)
  print(f"static const double unicode_numerics[{len(numerics)}] = {{", file=out)
  for text in numerics:
    over, _, under = (text or "0").partition("/")
    print(f"  {over}.0 / {under or 1}.0,", file=out)
  print("};", file=out)
  for name, texts in (("categories", CATEGORIES), ("bidi_names", BIDI), ("width_names", WIDTHS)):
    print(f"static const char unicode_{name}[][4] = {{" + ", ".join(f'"{t}"' for t in texts) + "};", file=out)


def write_special_cases(db, out):
  print("// Full mappings of the characters with CHAR_SPECIAL_CASE, sorted; unused places are 0.", file=out)
  print("typedef struct SpecialCase { uint32_t code, upper[3], lower[3], title[3], folded[3]; } SpecialCase;", file=out)
  rows = []
  for code in sorted(db.chars):
    if db.needs_special(code):
      rows.append((code, db.full(code, "upper"), db.full(code, "lower"), db.full(code, "title"), db.fold(code)))
  print(f"static const SpecialCase unicode_special_cases[{len(rows)}] = {{", file=out)
  for code, *mappings in rows:
    print(f"  {{{code}," + ",".join("{" + ",".join(map(str, m)) + "}" for m in mappings) + "},", file=out)
  print("};", file=out)


def write_cased(db, out):
  for which in ("lower", "upper"):
    print(f"// Characters with another {which} case.", file=out)
    write_array(out, "uint32_t", f"unicode_with_{which}", [c for c in sorted(db.chars) if db.full(c, which)[0] != c], 16)


def write_decompositions(db, out):
  tags = [""]
  data = [0]                                                      # offset 0: none
  offsets = [0] * CODES
  seen = {}
  pairs = []
  for code, char in sorted(db.chars.items()):
    if not char.decomposition:
      continue
    tag, _, rest = char.decomposition.partition("> ") if char.decomposition[0] == "<" else ("", "", char.decomposition)
    tag = tag + ">" if tag else ""
    if tag not in tags:
      tags.append(tag)
    codes = [int(c, 16) for c in rest.split()]
    entry = (tags.index(tag) << 8 | len(codes), *codes)
    if entry not in seen:
      seen[entry] = len(data)
      data.extend(entry)
    offsets[code] = seen[entry]
    if not tag and len(codes) == 2 and code not in db.excluded:
      pairs.append((codes[0], codes[1], code))
  print("static const char *const unicode_decomposition_tags[] = {" + ", ".join(f'"{t}"' for t in tags) + "};", file=out)
  print("// At a character's offset: tag << 8 | count, then the code points.", file=out)
  write_array(out, "uint32_t", "unicode_decompositions", data)
  write_two_stage(out, "unicode_decomposition", offsets)
  print("// Primary composites, sorted by first and second.", file=out)
  print(f"static const struct {{ uint32_t first, second, composed; }} unicode_compositions[{len(pairs)}] = {{", file=out)
  for pair in sorted(pairs):
    print("  {%d,%d,%d}," % pair, file=out)
  print("};", file=out)


def ranges_of(codes):
  result = []
  for code in sorted(codes):
    if result and result[-1][1] == code - 1:
      result[-1][1] = code
    else:
      result.append([code, code])
  return result


def write_ranges(out, name, ranges):
  print(f"static const uint32_t {name}[{len(ranges)}][2] = {{", file=out)
  print("  " + ",".join(f"{{{a},{b}}}" for a, b in ranges), file=out)
  print("};", file=out)


def write_old(db, out):
  codes = {"category": CATEGORIES.index, "bidirectional": BIDI.index, "east_asian_width": WIDTHS.index, "mirrored": int, "decimal": int}
  print("// What Unicode 3.2 said otherwise.", file=out)
  print("typedef struct OldProperty { uint32_t first, last; int value; } OldProperty;", file=out)
  for field, text in OLD_3_2.items():
    rows = []
    for entry in text.split():
      span, _, value = entry.partition(":")
      first, _, last = span.partition("-")
      rows.append(f"{{0x{first},0x{last or first},{codes[field](value)}}}")
    print(f"static const OldProperty unicode_old_{field}[{len(rows)}] = {{\n  {','.join(rows)}\n}};", file=out)
  rows = [row for row in db.read("NormalizationCorrections.txt") if row[3] != "3.2.0"]
  print("// Decompositions corrected after 3.2: code point, what it was.", file=out)
  print(f"static const uint32_t unicode_old_decompositions[{len(rows)}][2] = {{" +
        ",".join(f"{{0x{row[0]},0x{row[1]}}}" for row in rows) + "};", file=out)


# Names: words are numbered, the SHORT ones that save most with one byte, the others with two; the words of each group are in
# alphabetical order, so that a word's number is found by bisection. Names follow each other in order of code point, each ended by a zero
# byte, which occurs nowhere else. A last "@" stands for the code point in hexadecimal.
SHORT = 200


def encode_words(words):
  counts = {}
  for name in words:
    for word in name:
      counts[word] = counts.get(word, 0) + 1
  ranked = sorted(counts, key=lambda word: (-counts[word], word))
  groups = [sorted(ranked[:SHORT]), sorted(ranked[SHORT:])]
  codes = {word: bytes([i + 1]) for i, word in enumerate(groups[0])}
  for i, word in enumerate(groups[1]):
    codes[word] = bytes([SHORT + 1 + i // 255, 1 + i % 255])
  return groups, codes


def c_string(out, name, data):
  write_array(out, "uint8_t", name, data, 40)


def write_words(out, name, words):
  offsets, text = [0], ""
  for word in words:
    text += word
    offsets.append(len(text))
  c_string(out, f"unicode_{name}_text", text.encode())
  write_array(out, unsigned(offsets), f"unicode_{name}_start", offsets)


def write_names(db, out):
  algorithmic = ("<", "HANGUL SYLLABLE", "CJK UNIFIED IDEOGRAPH-")
  names = {code: char.name for code, char in sorted(db.chars.items()) if not char.name.startswith(algorithmic)}
  for code, name in names.items():
    if name.endswith(f"-{code:04X}"):
      names[code] = name[:-len(f"{code:04X}")] + "@"
  aliases = []
  for text, alias, *_ in db.read("NameAliases.txt"):
    code = int(text, 16)
    if code in db.chars:
      aliases.append((alias, code))
  sequences = [(row[0], [int(c, 16) for c in row[1].split()]) for row in db.read("NamedSequences.txt")]
  sequences = [(name, codes) for name, codes in sequences if all(code in db.chars for code in codes)]
  groups, codes = encode_words([name.split(" ") for name in names.values()])
  print(f"enum {{ NAME_SHORT_WORDS = {SHORT}, NAME_LONG_WORDS = {len(groups[1])}, NAME_BLOCK = 32 }};", file=out)
  write_words(out, "short", groups[0])
  write_words(out, "long", groups[1])
  data, blocks = bytearray(b"\0"), []
  for i, name in enumerate(names.values()):
    if i % 32 == 0:
      blocks.append(len(data))
    data += b"".join(codes[word] for word in name.split(" ")) + b"\0"
  c_string(out, "unicode_name_data", data)
  write_array(out, "uint32_t", "unicode_name_blocks", blocks)
  print("// Named code points: first, last, number of the first.", file=out)
  rows, number = [], 0
  for first, last in ranges_of(names):
    rows.append(f"{{{first},{last},{number}}}")
    number += last - first + 1
  print(f"static const uint32_t unicode_name_ranges[{len(rows)}][3] = {{\n  {','.join(rows)}\n}};", file=out)
  longest = max([len(name) for name in names.values()] + [len(a) for a, _ in aliases] + [len(s) for s, _ in sequences])
  print(f"enum {{ NAME_LONGEST = {longest} }};", file=out)
  aliases.sort()
  print(f"static const struct {{ const char *name; uint32_t code; }} unicode_name_aliases[{len(aliases)}] = {{", file=out)
  for alias, code in aliases:
    print(f'  {{"{alias}",{code}}},', file=out)
  print("};", file=out)
  sequences.sort()
  print("static const struct { const char *name; uint8_t count; uint32_t codes[4]; } "
        f"unicode_name_sequences[{len(sequences)}] = {{", file=out)
  for name, codes in sequences:
    print(f'  {{"{name}",{len(codes)},{{{",".join(map(str, codes))}}}}},', file=out)
  print("};", file=out)
  ideographs = ranges_of(code for code, char in db.chars.items() if char.name.startswith("<CJK Ideograph"))
  write_ranges(out, "unicode_ideographs", ideographs)
  jamo = [[], [], []]
  for text, short in ((row[0], row[1]) for row in db.read("Jamo.txt")):
    jamo[0 if int(text, 16) < 0x1160 else 1 if int(text, 16) < 0x11A8 else 2].append(short)
  jamo[2].insert(0, "")
  for name, parts in zip(("leading", "vowel", "trailing"), jamo):
    print(f"static const char unicode_jamo_{name}[][4] = {{" + ", ".join(f'"{p}"' for p in parts) + "};", file=out)


def write_file(path, purpose, *writers):
  with open(path + ".new", "w", encoding="ascii") as out:
    print(f"// {os.path.basename(path)}: {purpose}; made by tools/make_unicode.py, do not edit", file=out)
    for writer in writers:
      writer(out)
  os.replace(path + ".new", path)


def main():
  folder, target = sys.argv[1:]
  db = Database(folder)
  version = "%d.%d.0" % VERSION
  write_file(os.path.join(target, "unicode_tables.h"), f"character properties of Unicode {version}",
             lambda out: print(f'#define UNICODE_VERSION_TEXT "{version}"', file=out),
             lambda out: write_records(db, out), lambda out: write_special_cases(db, out), lambda out: write_cased(db, out),
             lambda out: write_decompositions(db, out),
             lambda out: write_ranges(out, "unicode_in_3_2", ranges_of(code for code, char in db.chars.items()
                                                                     if db.age.get(code, (99,)) <= (3, 2))),
             lambda out: write_old(db, out))
  write_file(os.path.join(target, "unicode_names.h"), f"character names of Unicode {version}", lambda out: write_names(db, out))


if __name__ == "__main__":
  main()
