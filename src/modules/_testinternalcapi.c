// SPDX-License-Identifier: MIT
// _testinternalcapi.c: what CPython's test-suite asks of an interpreter to know which of its tests apply
#include "modules/module_list.h"
#include "objects/dict.h"
#include "objects/str.h"
#include "objects/tuple.h"

FUNCTION(testinternalcapi, get_config, "get_config()", "Start-up choices, as far as tests ask for them.")
{
  const Config *c = &vm->config;
  const struct { const char *name; int value;
  } rows[] = {
    {"code_debug_ranges", 1},
    {"isolated", c->isolated},
    {"use_environment", !c->ignore_environment},
    {"dev_mode", c->dev_mode},
    {"optimization_level", c->optimize},
    {"write_bytecode", !c->dont_write_bytecode},
    {"verbose", c->verbose},
    {"quiet", c->quiet},
    {"inspect", c->inspect},
    {"interactive", c->interactive},
    {"site_import", !c->no_site},
    {"bytes_warning", c->bytes_warning},
    {"int_max_str_digits", c->int_max_str_digits},
    {"faulthandler", 0},
    {"tracemalloc", 0},
  };
  Ref dict = cd_dict_new(vm);
  for (size_t i = 0; dict && i < ARRAY_LEN(rows); i++)
    if (!cd_dict_set_text(vm, dict, rows[i].name, cd_from_small(rows[i].value))) { cd_drop(vm, dict); return NO_REF; }
  return dict;
}

FUNCTION(testinternalcapi, get_recursion_depth, "get_recursion_depth()", "How deep calls are nested now.")
{
  return cd_from_small(vm->thread->recursion_depth);
}

#if CD_ALLOC_CHECKED
typedef struct CensusRow { Type *type; int64_t objects, references; } CensusRow;
typedef struct Census { CensusRow *rows; size_t count, capacity; } Census;

static void census_count(void *context, Object *object)
{
  Census *census = context;
  size_t i = 0;
  while (i < census->count && census->rows[i].type != object->type) i++;
  if (i == census->capacity) return;             // a type made meanwhile: there is none, nothing runs here
  if (i == census->count) census->rows[census->count++] = (CensusRow){object->type, 0, 0};
  census->rows[i].objects++;
  census->rows[i].references += object->refcount;
}

static void census_count_types(void *context, Object *object)
{
  if (object->type->flags & TYPE_TYPE) (*(size_t *)context)++;
}

FUNCTION(testinternalcapi, live_objects, "live_objects()", "{type: (objects, references to them)} of the whole VM; debug builds only.")
{
  Census census = {0};
  cd_alloc_each_object(vm, census_count_types, &census.capacity);
  census.capacity += 512;                        // the builtin types, which are no objects of the allocator's
  if (!(census.rows = cd_alloc_array(vm, census.capacity, sizeof *census.rows))) return NO_REF;
  cd_alloc_each_object(vm, census_count, &census);
  Ref dict = cd_dict_new(vm);
  for (size_t i = 0; dict && i < census.count; i++) {
    Ref pair = cd_tuple_of(vm, 2, (Value[]){cd_from_small(census.rows[i].objects), cd_from_small(census.rows[i].references)});
    bool ok = pair && cd_dict_set(vm, dict, cd_type_value(census.rows[i].type), pair);
    cd_drop(vm, pair);
    if (!ok) cd_clear(vm, &dict);
  }
  cd_free(vm, census.rows, census.capacity * sizeof *census.rows);
  return dict;
}
#endif

static const MethodDef *const testinternalcapi_functions[] = {
  &testinternalcapi_get_config_def, &testinternalcapi_get_recursion_depth_def,
#if CD_ALLOC_CHECKED
  &testinternalcapi_live_objects_def,
#endif
  NULL,
};

static bool testinternalcapi_exec(VM *vm, Value module)
{
  return cd_module_add_int(vm, module, "SIZEOF_PYGC_HEAD", (int64_t)sizeof(void *));
}

const ModuleDef cd_module__testinternalcapi = {
  .name = "_testinternalcapi",
  .doc = "For CPython's test-suite.",
  .functions = testinternalcapi_functions,
  .exec = testinternalcapi_exec,
};
