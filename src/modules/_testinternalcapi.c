// SPDX-License-Identifier: MIT
// _testinternalcapi.c: what CPython's test-suite asks of an interpreter to know which of its tests apply
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/str.h"

FUNCTION(testinternalcapi, get_config, "get_config()", "Start-up choices, as far as tests ask for them.")
{
  const Config *c = &vm->config;
  const struct { const char *name; int value; } rows[] = {
    {"code_debug_ranges", 1}, {"isolated", c->isolated}, {"use_environment", !c->ignore_environment}, {"dev_mode", c->dev_mode}, {"optimization_level", c->optimize},
    {"write_bytecode", !c->dont_write_bytecode}, {"verbose", c->verbose}, {"quiet", c->quiet}, {"inspect", c->inspect}, {"interactive", c->interactive},
    {"site_import", !c->no_site}, {"bytes_warning", c->bytes_warning}, {"int_max_str_digits", c->int_max_str_digits}, {"faulthandler", 0}, {"tracemalloc", 0},
  };
  Ref dict = cd_dict_new(vm);
  for (size_t i = 0; dict && i < ARRAY_LEN(rows); i++)
    if (!cd_dict_set_text(vm, dict, rows[i].name, cd_from_small(rows[i].value))) { cd_drop(vm, dict); return NO_REF; }
  return dict;
}

FUNCTION(testinternalcapi, get_recursion_depth, "get_recursion_depth()", "How deep calls are nested now.") { return cd_from_small(vm->thread->recursion_depth); }

static const MethodDef *const testinternalcapi_functions[] = {&testinternalcapi_get_config_def, &testinternalcapi_get_recursion_depth_def, NULL};

static bool testinternalcapi_exec(VM *vm, Value module) { return cd_module_add_int(vm, module, "SIZEOF_PYGC_HEAD", (int64_t)sizeof(void *)); }

const ModuleDef cd_module__testinternalcapi = {
  .name = "_testinternalcapi",
  .doc = "For CPython's test-suite.",
  .functions = testinternalcapi_functions,
  .exec = testinternalcapi_exec,
};
