// SPDX-License-Identifier: MIT
// _stat.c: what the bits of a file's mode mean
#include "modules/module_list.h"
#include "objects/int.h"
#include "objects/protocol.h"
#include "objects/str.h"

#include <sys/stat.h>

static bool stat_mode(VM *vm, Value v, unsigned *out)
{
  uint64_t mode;
  Ref index = cd_index(vm, v);
  if (!index) return false;
  bool negative = cd_int_sign(index) < 0, fits = cd_int_fits_u64(index, &mode);
  cd_drop(vm, index);
  if (negative) return cd_raise_overflow(vm, "can't convert negative value to unsigned int");
  if (!fits) return cd_raise_overflow(vm, "Python int too large to convert to C unsigned long");
  if (mode > UINT32_MAX) return cd_raise_overflow(vm, "mode out of range");
  *out = (unsigned)mode;
  return true;
}

static Ref stat_is(VM *vm, Value v, unsigned kind)
{
  unsigned mode;
  return stat_mode(vm, v, &mode) ? cd_bool(kind && (mode & S_IFMT) == kind) : NO_REF;
}

#define STAT_TEST(name, kind, what) \
  FUNCTION(_stat, name, #name "(mode, /)", "Whether the mode is that of " what ".") { return stat_is(vm, args[0], kind); }
STAT_TEST(S_ISDIR, S_IFDIR, "a directory")
STAT_TEST(S_ISCHR, S_IFCHR, "a character special device file")
STAT_TEST(S_ISBLK, S_IFBLK, "a block special device file")
STAT_TEST(S_ISREG, S_IFREG, "a regular file")
STAT_TEST(S_ISFIFO, S_IFIFO, "a FIFO (named pipe)")
STAT_TEST(S_ISLNK, S_IFLNK, "a symbolic link")
STAT_TEST(S_ISSOCK, S_IFSOCK, "a socket")
STAT_TEST(S_ISDOOR, 0, "a door")
STAT_TEST(S_ISPORT, 0, "an event port")
STAT_TEST(S_ISWHT, 0, "a whiteout")
#undef STAT_TEST

FUNCTION(_stat, S_IMODE, "S_IMODE(mode, /)", "The part of a file's mode that os.chmod() can set.")
{
  unsigned mode;
  return stat_mode(vm, args[0], &mode) ? cd_from_small(mode & 07777) : NO_REF;
}

FUNCTION(_stat, S_IFMT, "S_IFMT(mode, /)", "The part of a file's mode that says what kind of file it is.")
{
  unsigned mode;
  return stat_mode(vm, args[0], &mode) ? cd_from_small(mode & S_IFMT) : NO_REF;
}

static char stat_kind_letter(unsigned mode)
{
  switch (mode & S_IFMT) {
    case S_IFREG: return '-';
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFBLK: return 'b';
    case S_IFCHR: return 'c';
    case S_IFIFO: return 'p';
    case S_IFSOCK: return 's';
    default: return '?';
  }
}

FUNCTION(_stat, filemode, "filemode(mode, /)", "A file's mode as ls shows it: '-rwxrwxrwx'.")
{
  unsigned mode;
  char text[10];
  if (!stat_mode(vm, args[0], &mode)) return NO_REF;
  text[0] = stat_kind_letter(mode);
  for (int i = 0; i < 9; i++) text[1 + i] = mode & (0400u >> i) ? "rwx"[i % 3] : '-';
  if (mode & S_ISUID) text[3] = mode & S_IXUSR ? 's' : 'S';
  if (mode & S_ISGID) text[6] = mode & S_IXGRP ? 's' : 'S';
  if (mode & S_ISVTX) text[9] = mode & S_IXOTH ? 't' : 'T';
  return cd_str_ascii(vm, text, sizeof text);
}

static const struct { const char *name; int64_t value; } stat_constants[] = {
#define STAT_BITS(name) {#name, name},
  STAT_BITS(S_IFDIR) STAT_BITS(S_IFCHR) STAT_BITS(S_IFBLK) STAT_BITS(S_IFREG) STAT_BITS(S_IFIFO) STAT_BITS(S_IFLNK) STAT_BITS(S_IFSOCK)
  STAT_BITS(S_ISUID) STAT_BITS(S_ISGID) STAT_BITS(S_ISVTX) STAT_BITS(S_IREAD) STAT_BITS(S_IWRITE) STAT_BITS(S_IEXEC)
  STAT_BITS(S_IRWXU) STAT_BITS(S_IRUSR) STAT_BITS(S_IWUSR) STAT_BITS(S_IXUSR) STAT_BITS(S_IRWXG) STAT_BITS(S_IRGRP)
  STAT_BITS(S_IWGRP) STAT_BITS(S_IXGRP) STAT_BITS(S_IRWXO) STAT_BITS(S_IROTH) STAT_BITS(S_IWOTH) STAT_BITS(S_IXOTH)
#undef STAT_BITS
  {"S_IFDOOR", 0}, {"S_IFPORT", 0}, {"S_IFWHT", 0}, {"S_ENFMT", S_ISGID},
  // flags of BSD's and Apple's file systems
  {"UF_NODUMP", 0x1}, {"UF_IMMUTABLE", 0x2}, {"UF_APPEND", 0x4}, {"UF_OPAQUE", 0x8}, {"UF_NOUNLINK", 0x10}, {"UF_COMPRESSED", 0x20},
  {"UF_HIDDEN", 0x8000}, {"SF_ARCHIVED", 0x10000}, {"SF_IMMUTABLE", 0x20000}, {"SF_APPEND", 0x40000}, {"SF_NOUNLINK", 0x100000},
  {"SF_SNAPSHOT", 0x200000},
  // places in the tuple that os.stat() returns
  {"ST_MODE", 0}, {"ST_INO", 1}, {"ST_DEV", 2}, {"ST_NLINK", 3}, {"ST_UID", 4}, {"ST_GID", 5}, {"ST_SIZE", 6}, {"ST_ATIME", 7},
  {"ST_MTIME", 8}, {"ST_CTIME", 9},
};

static bool stat_exec(VM *vm, Value module)
{
  for (size_t i = 0; i < ARRAY_LEN(stat_constants); i++)
    if (!cd_module_add_int(vm, module, stat_constants[i].name, stat_constants[i].value)) return false;
  return true;
}

static const MethodDef *const stat_functions[] = {
  &_stat_S_ISDIR_def, &_stat_S_ISCHR_def, &_stat_S_ISBLK_def, &_stat_S_ISREG_def, &_stat_S_ISFIFO_def, &_stat_S_ISLNK_def,
  &_stat_S_ISSOCK_def, &_stat_S_ISDOOR_def, &_stat_S_ISPORT_def, &_stat_S_ISWHT_def, &_stat_S_IMODE_def, &_stat_S_IFMT_def,
  &_stat_filemode_def, NULL,
};

const ModuleDef cd_module__stat = {
  .name = "_stat",
  .doc = "The bits of st_mode: kinds of file (S_IF...), permissions (S_I...), functions that test them (S_IS...), flags of other systems\n"
         "(UF_..., SF_...), and the places in the tuple that os.stat() returns (ST_...).",
  .functions = stat_functions,
  .exec = stat_exec,
};
