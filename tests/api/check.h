/* SPDX-License-Identifier: MIT */
/* check.h: what the hosts of this folder share. They are C99 and see cede.h only. */
#ifndef CHECK_H
#define CHECK_H

#include "cede.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1); \
    } \
  } while (0)

/* A VM without an installed library: up at once. */
static inline CedeVM *bare_vm(void)
{
  CedeOptions options;
  const char *error = NULL;
  cede_options_init(&options);
  options.stdlib = "";
  CedeVM *vm = cede_vm_new(&options, &error);
  if (!vm) fprintf(stderr, "no VM: %s\n", error);
  CHECK(vm);
  return vm;
}

/* Is the text of `value` (dropped) this one? */
static inline bool text_is(CedeVM *vm, CedeRef value, const char *want)
{
  size_t size;
  const char *text = cede_failed(value) ? NULL : cede_to_utf8(vm, value, &size);
  bool same = text && size == strlen(want) && !memcmp(text, want, size);
  if (!same) fprintf(stderr, "got %s, not %s\n", text ? text : "a failure", want);
  if (cede_raised(vm)) cede_print_exception(vm);
  cede_drop(vm, value);
  return same;
}

static inline bool repr_is(CedeVM *vm, CedeRef value, const char *want)
{
  CedeRef text = cede_repr(vm, value);
  cede_drop(vm, value);
  return text_is(vm, text, want);
}

static inline bool eval_is(CedeVM *vm, const char *expression, const char *want) { return repr_is(vm, cede_eval(vm, expression), want); }

/* Is this exception set? It is taken away. */
static inline bool raised_is(CedeVM *vm, const char *want)
{
  CHECK(cede_raised(vm));
  return repr_is(vm, cede_take_exception(vm), want) && !cede_raised(vm);
}

#endif
