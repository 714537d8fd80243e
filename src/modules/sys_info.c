// SPDX-License-Identifier: MIT
// sys_info.c: what sys tells about the interpreter: version, flags, number formats, paths
#include "modules/sys_parts.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/misc.h"
#include "objects/protocol.h"
#include "objects/set.h"
#include "objects/str.h"
#include "objects/tuple.h"

#include <float.h>
#include <gnu/libc-version.h>
#include <stdlib.h>

#define SYS_HEXVERSION 0x030b02f0
#define SYS_VERSION "3.11.2 (Cede 0.1.0, Jan  1 2026, 00:00:00) [GCC " __VERSION__ "]"

static const StructSpec version_spec = {
  "sys.version_info", "Version of the language and library, as a named tuple.",
  (const StructField[]){{"major", "Major release number"}, {"minor", "Minor release number"}, {"micro", "Patch release number"},
                        {"releaselevel", "'alpha', 'beta', 'candidate', or 'final'"}, {"serial", "Serial release number"}, {0}},
  5,
};

static const StructSpec flags_spec = {
  "sys.flags",
  "What was asked for on the command line or by environment variables.",
  (const StructField[]){{"debug", "-d"},
                        {"inspect", "-i"},
                        {"interactive", "-i"},
                        {"optimize", "-O or -OO"},
                        {"dont_write_bytecode", "-B"},
                        {"no_user_site", "-s"},
                        {"no_site", "-S"},
                        {"ignore_environment", "-E"},
                        {"verbose", "-v"},
                        {"bytes_warning", "-b"},
                        {"quiet", "-q"},
                        {"hash_randomization", "-R"},
                        {"isolated", "-I"},
                        {"dev_mode", "-X dev"},
                        {"utf8_mode", "-X utf8"},
                        {"warn_default_encoding", "-X warn_default_encoding"},
                        {"safe_path", "-P"},
                        {"int_max_str_digits", "-X int_max_str_digits"},
                        {0}},
  18,
};

static const StructSpec float_spec = {
  "sys.float_info",
  "Range and precision of float, as in the C header float.h.",
  (const StructField[]){{"max", "DBL_MAX -- maximum representable finite float"},
                        {"max_exp", "DBL_MAX_EXP -- maximum int e such that radix**(e-1) is representable"},
                        {"max_10_exp", "DBL_MAX_10_EXP -- maximum int e such that 10**e is representable"},
                        {"min", "DBL_MIN -- Minimum positive normalized float"},
                        {"min_exp", "DBL_MIN_EXP -- minimum int e such that radix**(e-1) is a normalized float"},
                        {"min_10_exp", "DBL_MIN_10_EXP -- minimum int e such that 10**e is a normalized float"},
                        {"dig", "DBL_DIG -- maximum number of decimal digits that can be faithfully represented in a float"},
                        {"mant_dig", "DBL_MANT_DIG -- mantissa digits"},
                        {"epsilon", "DBL_EPSILON -- Difference between 1 and the next representable float"},
                        {"radix", "FLT_RADIX -- radix of exponent"},
                        {"rounds", "FLT_ROUNDS -- rounding mode used for arithmetic operations"},
                        {0}},
  11,
};

static const StructSpec int_spec = {
  "sys.int_info",
  "How integers are stored, and the limits of their conversion.",
  (const StructField[]){{"bits_per_digit", "size of a digit in bits"},
                        {"sizeof_digit", "size in bytes of the C type used to represent a digit"},
                        {"default_max_str_digits", "maximum string conversion digits limitation"},
                        {"str_digits_check_threshold", "minimum positive value for int_max_str_digits"},
                        {0}},
  4,
};

static const StructSpec hash_spec = {
  "sys.hash_info",
  "Parameters of hash values.",
  (const StructField[]){{"width", "width of the type used for hashing, in bits"},
                        {"modulus", "prime number giving the modulus on which the hash function is based"},
                        {"inf", "value to be used for hash of a positive infinity"},
                        {"nan", "value to be used for hash of a nan"},
                        {"imag", "multiplier used for its imaginary part, a float"},
                        {"algorithm", "name of the algorithm for hashing of str, bytes and memoryviews"},
                        {"hash_bits", "internal output size of hash algorithm"},
                        {"seed_bits", "seed size of hash algorithm"},
                        {"cutoff", "small string optimization cutoff"},
                        {0}},
  9,
};

static const StructSpec thread_spec = {
  "sys.thread_info",
  "How threads are implemented.",
  (const StructField[]){{"name", "name of the thread implementation"},
                        {"lock", "name of the lock implementation"},
                        {"version", "name and version of the thread library"},
                        {0}},
  3,
};

// Adds a structure made from the spec and its items (each stolen). `names` is where in the module.
static bool info_add_struct(VM *vm, Value module, const char *name, const StructSpec *spec, Ref *items, size_t count)
{
  Type *type = cd_struct_type_new(vm, spec, spec == &version_spec || spec == &flags_spec);   // of those there is one
  bool ok = type != NULL;
  for (size_t i = 0; i < count; i++) ok = ok && items[i];
  Ref value = ok ? cd_struct_new(vm, type, cd_lend(items)) : NO_REF;
  for (size_t i = 0; i < count; i++) cd_drop(vm, items[i]);
  cd_drop_object(vm, type);
  return cd_module_add(vm, module, name, value);
}

static bool info_add_flags(VM *vm, Value module)
{
  const Config *c = &vm->config;
  Ref items[] = {
    cd_from_small(c->debug),
    cd_from_small(c->inspect),
    cd_from_small(c->interactive),
    cd_from_small(c->optimize),
    cd_from_small(c->dont_write_bytecode),
    cd_from_small(c->no_user_site),
    cd_from_small(c->no_site),
    cd_from_small(c->ignore_environment),
    cd_from_small(c->verbose),
    cd_from_small(c->bytes_warning),
    cd_from_small(c->quiet),
    cd_from_small(!(c->hash_seed_fixed && c->hash_seed == 0)),
    cd_from_small(c->isolated),
    cd_bool(c->dev_mode),
    cd_from_small(c->utf8_mode),
    cd_from_small(c->warn_default_encoding),
    cd_bool(c->safe_path),
    cd_from_small(c->int_max_str_digits == 4300 ? -1 : c->int_max_str_digits),
  };
  return info_add_struct(vm, module, "flags", &flags_spec, items, ARRAY_LEN(items));
}

static bool info_add_numbers(VM *vm, Value module)
{
  Ref floats[] = {
    cd_float_new(vm, DBL_MAX),
    cd_from_small(DBL_MAX_EXP),
    cd_from_small(DBL_MAX_10_EXP),
    cd_float_new(vm, DBL_MIN),
    cd_from_small(DBL_MIN_EXP),
    cd_from_small(DBL_MIN_10_EXP),
    cd_from_small(DBL_DIG),
    cd_from_small(DBL_MANT_DIG),
    cd_float_new(vm, DBL_EPSILON),
    cd_from_small(FLT_RADIX),
    cd_from_small(1),
  };
  Ref ints[] = {cd_from_small(30), cd_from_small(4), cd_from_small(4300), cd_from_small(640)};
  Ref hashes[] = {
    cd_from_small(64),
    cd_int_from_u64(vm, HASH_MODULUS),
    cd_from_small(HASH_INF),
    cd_from_small(0),
    cd_from_small((int64_t)HASH_IMAG),
    cd_str_from(vm, "siphash13"),
    cd_from_small(64),
    cd_from_small(128),
    cd_from_small(0),
  };
  return info_add_struct(vm, module, "float_info", &float_spec, floats, ARRAY_LEN(floats)) &&
         info_add_struct(vm, module, "int_info", &int_spec, ints, ARRAY_LEN(ints)) &&
         info_add_struct(vm, module, "hash_info", &hash_spec, hashes, ARRAY_LEN(hashes));
}

static bool info_add_threads(VM *vm, Value module)
{
  Ref items[] = {cd_str_from(vm, "pthread"), cd_str_from(vm, "semaphore"), cd_str_format(vm, "NPTL %s", gnu_get_libc_version())};
  return info_add_struct(vm, module, "thread_info", &thread_spec, items, ARRAY_LEN(items));
}

static bool info_add_implementation(VM *vm, Value module)
{
  Value version = cd_dict_get_text_borrow(vm, cd_module_dict(module), "version_info");
  Ref dict = cd_dict_new(vm);
  bool ok = dict && cd_dict_set_text_steal(vm, dict, "name", cd_str_from(vm, "cede")) &&
            cd_dict_set_text_steal(vm, dict, "cache_tag", cd_str_from(vm, "cede-311")) && cd_dict_set_text(vm, dict, "version", version) &&
            cd_dict_set_text(vm, dict, "hexversion", cd_from_small(SYS_HEXVERSION)) &&
            cd_dict_set_text_steal(vm, dict, "_multiarch", cd_str_from(vm, "x86_64-linux-gnu"));
  Ref implementation = ok ? cd_simple_namespace_new(vm, dict) : NO_REF;
  cd_drop(vm, dict);
  return cd_module_add(vm, module, "implementation", implementation);
}

static bool info_add_version(VM *vm, Value module)
{
  Ref items[] = {cd_from_small(3), cd_from_small(11), cd_from_small(2), cd_str_from(vm, "final"), cd_from_small(0)};
  Ref git = cd_str_from(vm, "Cede");
  return cd_module_add_text(vm, module, "version", SYS_VERSION) && cd_module_add_int(vm, module, "hexversion", SYS_HEXVERSION) &&
         cd_module_add(vm, module, "_git", cd_tuple3_steal(vm, git, cd_dup(vm->empty_str), cd_dup(vm->empty_str))) &&
         cd_module_add_text(vm, module, "_framework", "") && cd_module_add_int(vm, module, "api_version", 1013) &&
         cd_module_add_text(vm, module, "copyright", "Copyright (c) the Cede authors.") &&
         cd_module_add_text(vm, module, "platform", "linux") && cd_module_add_int(vm, module, "maxsize", INT64_MAX) &&
         cd_module_add_int(vm, module, "maxunicode", 0x10FFFF) && cd_module_add_text(vm, module, "byteorder", "little") &&
         cd_module_add_text(vm, module, "abiflags", "") && cd_module_add_text(vm, module, "float_repr_style", "short") &&
         cd_module_add_text(vm, module, "platlibdir", "lib") &&
         info_add_struct(vm, module, "version_info", &version_spec, items, ARRAY_LEN(items)) && info_add_implementation(vm, module);
}

// ---- names of modules ----

static int info_compare_names(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool info_add_module_names(VM *vm, Value module)
{
  const char *names[] = {
#define NATIVE_MODULE(id, name) name,
#include "modules/modules.def"
#undef NATIVE_MODULE
  };
  qsort(names, ARRAY_LEN(names), sizeof *names, info_compare_names);
  Ref tuple = cd_tuple_new(vm, ARRAY_LEN(names));
  for (size_t i = 0; tuple && i < ARRAY_LEN(names); i++) {
    Ref name = cd_intern(vm, names[i]);
    if (!name) { cd_drop(vm, tuple); return false; }
    cd_tuple_set(tuple, i, name);
  }
  return cd_module_add(vm, module, "builtin_module_names", tuple);
}

static Ref info_stdlib_module_names(VM *vm)
{
  static const char *const names[] = {
#define STDLIB(name) #name,
#include "modules/stdlib_names.def"
#undef STDLIB
  };
  Ref set = cd_frozenset_new(vm, NO_VALUE);
  for (size_t i = 0; set && i < ARRAY_LEN(names); i++) {
    Ref name = cd_str_ascii(vm, names[i], strlen(names[i]));
    if (!name || !cd_set_add(vm, set, name)) { cd_drop(vm, name); cd_drop(vm, set); return NO_REF; }
    cd_drop(vm, name);
  }
  return set;
}

bool cd_sys_complete(VM *vm, Value module)
{
  static const char name[] = "stdlib_module_names";
  return cd_dict_get_text_borrow(vm, cd_module_dict(module), name) || cd_module_add(vm, module, name, info_stdlib_module_names(vm));
}

// ---- paths and arguments ----

static Ref info_fs_text(VM *vm, const char *text) { return text ? cd_fs_decode(vm, text, strlen(text)) : cd_dup(vm->empty_str); }

static Ref info_text_list(VM *vm, int count, char *const *texts)
{
  Ref list = cd_list_new(vm);
  for (int i = 0; list && i < count; i++)
    if (!cd_list_append_steal(vm, cd_as_list(list), info_fs_text(vm, texts[i]))) { cd_drop(vm, list); return NO_REF; }
  return list;
}

// "-X name=value" -> {name: value}, "-X name" -> {name: True}.
static Ref info_x_options(VM *vm)
{
  Ref dict = cd_dict_new(vm);
  for (int i = 0; dict && i < vm->config.x_option_count; i++) {
    const char *option = vm->config.x_options[i], *equals = strchr(option, '=');
    Ref name = cd_fs_decode(vm, option, equals ? (size_t)(equals - option) : strlen(option));
    Ref value = !name ? NO_REF : equals ? cd_fs_decode(vm, equals + 1, strlen(equals + 1)) : cd_true();
    bool ok = value && cd_dict_set(vm, dict, name, value);
    cd_drop(vm, name);
    cd_drop(vm, value);
    if (!ok) { cd_drop(vm, dict); return NO_REF; }
  }
  return dict;
}

static bool info_append_path(VM *vm, Value list, const char *text, size_t size)
{
  Ref entry = cd_fs_decode(vm, text, size);
  return entry && cd_list_append_steal(vm, cd_as_list(list), entry);
}

// PYTHONPATH's folders, then the installed library: its zip file, its folder, its extension modules.
static Ref info_path(VM *vm)
{
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  for (const char *p = vm->config.path_variable; ok && p && *p;) {
    const char *end = strchr(p, ':');
    size_t size = end ? (size_t)(end - p) : strlen(p);
    ok = info_append_path(vm, list, p, size);
    p = end ? end + 1 : p + size;
  }
  const char *stdlib = vm->config.stdlib;
  if (ok && stdlib && *stdlib) {
    const char *slash = strrchr(stdlib, '/');
    Ref folder = cd_fs_decode(vm, stdlib, slash ? (size_t)(slash - stdlib) : 0), whole = folder ? info_fs_text(vm, stdlib) : NO_REF;
    ok = whole && cd_list_append_steal(vm, cd_as_list(list), cd_str_format(vm, "%U/python311.zip", folder)) &&
         cd_list_append(vm, cd_as_list(list), whole) &&
         cd_list_append_steal(vm, cd_as_list(list), cd_str_format(vm, "%U/lib-dynload", whole));
    cd_drop(vm, folder);
    cd_drop(vm, whole);
  }
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

// The installation's root: stdlib is PREFIX/lib/python3.11.
static Ref info_prefix(VM *vm)
{
  const char *stdlib = vm->config.stdlib ? vm->config.stdlib : "", *end = stdlib + strlen(stdlib);
  for (int i = 0; i < 2 && end > stdlib; i++)
    while (end > stdlib && *--end != '/') {}
  return end > stdlib ? cd_fs_decode(vm, stdlib, (size_t)(end - stdlib)) : cd_str_from(vm, "/usr");
}

static bool info_add_paths(VM *vm, Value module)
{
  const Config *c = &vm->config;
  static const char *const prefixes[] = {"prefix", "exec_prefix", "base_prefix", "base_exec_prefix"};
  for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
    if (!cd_module_add(vm, module, prefixes[i], info_prefix(vm))) return false;
  Ref stdlib = c->stdlib && *c->stdlib ? info_fs_text(vm, c->stdlib) : cd_none();
  return cd_module_add(vm, module, "executable", info_fs_text(vm, c->executable)) &&
         cd_module_add(vm, module, "_base_executable", info_fs_text(vm, c->executable)) && cd_module_add(vm, module, "_home", cd_none()) &&
         cd_module_add(vm, module, "_stdlib_dir", stdlib) &&
         cd_module_add(vm, module, "argv", info_text_list(vm, c->argc ? c->argc : 1, c->argc ? c->argv : (char *const[]){(char *)""})) &&
         cd_module_add(vm, module, "orig_argv", info_text_list(vm, c->orig_argc, c->orig_argv)) &&
         cd_module_add(vm, module, "warnoptions", info_text_list(vm, c->warn_option_count, c->warn_options)) &&
         cd_module_add(vm, module, "_xoptions", info_x_options(vm)) && cd_module_add(vm, module, "path", info_path(vm)) &&
         cd_module_add(vm, module, "dont_write_bytecode", cd_bool(c->dont_write_bytecode)) &&
         cd_module_add(vm, module, "pycache_prefix", c->pycache_prefix ? info_fs_text(vm, c->pycache_prefix) : cd_none());
}

bool cd_sys_add_info(VM *vm, Value module)
{
  return info_add_version(vm, module) && info_add_numbers(vm, module) && info_add_threads(vm, module) && info_add_flags(vm, module) &&
         info_add_module_names(vm, module) && info_add_paths(vm, module) && cd_module_add(vm, module, "modules", cd_dup(vm->modules));
}
