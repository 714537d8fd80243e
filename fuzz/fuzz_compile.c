// SPDX-License-Identifier: MIT
// fuzz_compile.c: libFuzzer on lexer, parser and compiler
//
// The first byte of an input chooses the mode and the options of compile(), the rest is source. What compiles goes through a cache file and
// back; every fourth input is parsed to a tree that is compiled from there.
#include "bytecode/code.h"
#include "cede.h"
#include "core/alloc.h"
#include "frontend/frontend.h"
#include "objects/bytes.h"
#include "objects/raise.h"
#include "objects/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUTS_PER_VM = 5000 };
static VM *vm;
static int inputs;

static void open_vm(void)
{
  CedeOptions options;
  cede_options_init(&options);
  options.stdlib = "";
  options.no_site = options.hash_seed_fixed = true;
  options.memory_limit = (uint64_t)512 << 20;
  if (vm) cede_vm_free(vm);
  if (!(vm = cede_vm_new(&options, NULL))) abort();
}

// Code that was written and read again must have survived.
static void through_cache(Value code)
{
  Ref bytes = cd_code_dump(vm, code);
  if (bytes) cd_drop(vm, cd_code_load(vm, cd_bytes_data(bytes), cd_bytes_size(bytes)));
  cd_drop(vm, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (!size) return 0;
  if (!vm || inputs++ % INPUTS_PER_VM == 0) open_vm();
  uint8_t choice = data[0];
  CompileMode mode = choice & 3;
  bool tree = (choice & 12) == 12;
  int flags = (choice & 16 ? PYCF_SOURCE_IS_UTF8 : 0) | (choice & 32 ? PYCF_ALLOW_TOP_LEVEL_AWAIT : 0) | (choice & 64 ? PYCF_TYPE_COMMENTS : 0) |
              (choice & 128 ? PYCF_DONT_IMPLY_DEDENT | PYCF_ALLOW_INCOMPLETE_INPUT : 0) | (tree || mode == MODE_FUNC_TYPE ? PYCF_ONLY_AST : 0);
  if (flags & PYCF_SOURCE_IS_UTF8) {             // a promise that the caller keeps
    Ref text = cd_str_decode_utf8(vm, (const char *)data + 1, size - 1, "strict");
    if (!text) { cd_clear_raised(vm); flags &= ~PYCF_SOURCE_IS_UTF8; }
    cd_drop(vm, text);
  }
  Ref name = cd_str_from(vm, "<fuzz>");
  Ref result = name ? cd_compile(vm, (const char *)data + 1, size - 1, name, mode, flags, choice >> 6) : NO_REF;
  if (!result != cd_raised(vm)) abort();
  if (result && tree && mode != MODE_FUNC_TYPE) {
    Ref code = cd_compile_ast(vm, result, name, mode, flags & ~PYCF_ONLY_AST, 0);
    cd_drop(vm, result);
    result = code;
  }
  if (result && cd_is_exact(result, vm->types.code)) through_cache(result);
  cd_clear_raised(vm);
  cd_drop(vm, result);
  cd_drop(vm, name);
  return 0;
}
