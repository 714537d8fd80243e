// SPDX-License-Identifier: MIT
// re_pcre.c: running expressions with PCRE2; the only file that includes its header
#include "modules/re_program.h"

#include "objects/raise.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum {
  PCRE_FIRST_LIMIT = 20000000,                   // steps before matching goes over to the interruptible form
  PCRE_NEST_LIMIT = 2500,
  PCRE_STACK_START = 64 * 1024,
  PCRE_STACK_MAX = 64 * 1024 * 1024,
  PCRE_POLL_EVERY = 2048,                        // callouts
};

struct RePcre {
  VM *vm;
  pcre2_general_context *general;
  pcre2_compile_context *compile;
  pcre2_match_context *quick, *patient;          // with a limit of steps; with callouts
  pcre2_jit_stack *stack;                        // made at the first need
  bool stack_busy;                               // a match that was interrupted by Python code, which matches, too
  unsigned callouts;
};

// ---- memory: PCRE2 frees without telling the size, so it is kept in front ----

static void *pcre_malloc(size_t size, void *context)
{
  VM *vm = context;
  size_t *block = size < SIZE_MAX / 2 ? cd_alloc(vm, size + 16) : NULL;
  if (!block) {
    cd_clear_raised(vm);                         // PCRE2 reports it by its own code
    return NULL;
  }
  *block = size + 16;
  return (char *)block + 16;
}

static void pcre_free(void *p, void *context)
{
  if (!p) return;
  size_t *block = (size_t *)((char *)p - 16);
  cd_free(context, block, *block);
}

static int pcre_callout(pcre2_callout_block *block, void *context)
{
  RePcre *pcre = context;
  if (++pcre->callouts % PCRE_POLL_EVERY) return 0;
  return cd_poll(pcre->vm) ? 0 : PCRE2_ERROR_CALLOUT;
}

RePcre *cd_re_pcre_new(VM *vm)
{
  RePcre *pcre = cd_alloc_zeroed(vm, sizeof *pcre);
  if (!pcre) return NULL;
  pcre->vm = vm;
  pcre->general = pcre2_general_context_create(pcre_malloc, pcre_free, vm);
  if (pcre->general) {
    pcre->compile = pcre2_compile_context_create(pcre->general);
    pcre->quick = pcre2_match_context_create(pcre->general);
    pcre->patient = pcre2_match_context_create(pcre->general);
  }
  if (!pcre->compile || !pcre->quick || !pcre->patient) {
    cd_re_pcre_free(vm, pcre);
    cd_raise_memory(vm);
    return NULL;
  }
  pcre2_set_newline(pcre->compile, PCRE2_NEWLINE_LF);
  pcre2_set_compile_extra_options(pcre->compile, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
  pcre2_set_parens_nest_limit(pcre->compile, PCRE_NEST_LIMIT);
  pcre2_set_match_limit(pcre->quick, PCRE_FIRST_LIMIT);
  pcre2_set_match_limit(pcre->patient, UINT32_MAX);
  pcre2_set_depth_limit(pcre->quick, UINT32_MAX);
  pcre2_set_depth_limit(pcre->patient, UINT32_MAX);
  pcre2_set_heap_limit(pcre->quick, UINT32_MAX);
  pcre2_set_heap_limit(pcre->patient, UINT32_MAX);
  pcre2_set_callout(pcre->patient, pcre_callout, pcre);
  return pcre;
}

void cd_re_pcre_free(VM *vm, RePcre *pcre)
{
  if (!pcre) return;
  if (pcre->stack) pcre2_jit_stack_free(pcre->stack);
  pcre2_match_context_free(pcre->patient);
  pcre2_match_context_free(pcre->quick);
  pcre2_compile_context_free(pcre->compile);
  pcre2_general_context_free(pcre->general);
  cd_free(vm, pcre, sizeof *pcre);
}

void cd_re_pcre_clear(VM *vm, RePcreForms *forms)
{
  for (int wide = 0; wide < 2; wide++)
    for (int mode = 0; mode < RE_MODES; mode++)
      for (int patient = 0; patient < 2; patient++) pcre2_code_free(forms->forms[wide][mode][patient].code);
  pcre2_match_data_free(forms->match_data);
  *forms = (RePcreForms){0};
}

// ---- compiling ----

static bool pcre_compile(VM *vm, RePcre *pcre, RePcreCode *form, const ReTree *tree, bool wide, ReMode mode, bool patient)
{
  RePcreText text;
  form->tried = true;
  if (!cd_re_translate(vm, tree, wide ? 0x10FFFF : tree->bytes ? 255 : 127, mode, &text)) return !cd_raised(vm);
  uint32_t options = PCRE2_DOTALL | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
  if (wide) options |= PCRE2_UTF | PCRE2_NO_UTF_CHECK;
  if (mode != RE_SEARCH) options |= PCRE2_ANCHORED;
  if (patient) options |= PCRE2_AUTO_CALLOUT;
  int error;
  size_t offset;
  form->code = pcre2_compile((PCRE2_SPTR)text.text, text.size, options, &error, &offset, pcre->compile);
  cd_free(vm, text.text, text.capacity);
  if (!form->code) return error != PCRE2_ERROR_HEAP_FAILED || cd_raise_memory(vm);
  form->jit = pcre2_jit_compile(form->code, PCRE2_JIT_COMPLETE) == 0;
  return true;
}

// ---- matching ----

static pcre2_match_data *pcre_take_data(RePcre *pcre, RePcreForms *forms, const ReTree *tree)
{
  pcre2_match_data *data = forms->match_data;
  forms->match_data = NULL;
  return data ? data : pcre2_match_data_create(tree->groups + 1, pcre->general);
}

static void pcre_give_data(RePcreForms *forms, pcre2_match_data *data)
{
  if (forms->match_data) pcre2_match_data_free(data);
  else forms->match_data = data;
}

static void pcre_read_result(pcre2_match_data *data, const ReTree *tree, ReRequest *request)
{
  const size_t *ovector = pcre2_get_ovector_pointer(data);
  memcpy(request->offsets, ovector, 2 * (tree->groups + 1) * sizeof *ovector);   // PCRE2_UNSET is RE_UNSET
  request->last_group = 0;
  if (tree->groups_in_repeats) {
    PCRE2_SPTR mark = pcre2_get_mark(data);
    if (mark) request->last_group = (uint32_t)strtoul((const char *)mark, NULL, 10);
    return;
  }
  for (uint32_t i = tree->groups; i-- > 0 && !request->last_group;)
    if (ovector[2 * tree->closing[i]] != PCRE2_UNSET) request->last_group = tree->closing[i];
}
_Static_assert(PCRE2_UNSET == RE_UNSET, "offsets are copied as they are");

static int pcre_match(RePcre *pcre, const RePcreCode *form, const ReRequest *request, pcre2_match_data *data, bool patient)
{
  pcre2_match_context *context = patient ? pcre->patient : pcre->quick;
  uint32_t options = request->not_empty_at_start ? PCRE2_NOTEMPTY_ATSTART : 0;
  PCRE2_SPTR subject = (PCRE2_SPTR)request->subject->data;
  size_t size = request->subject->end;
  if (form->jit) {
    bool stack = !pcre->stack_busy &&
                 (pcre->stack || (pcre->stack = pcre2_jit_stack_create(PCRE_STACK_START, PCRE_STACK_MAX, pcre->general)));
    pcre2_jit_stack_assign(context, NULL, stack ? pcre->stack : NULL);
    pcre->stack_busy |= stack;
    int result = pcre2_jit_match(form->code, subject, size, request->start, options, data, context);
    if (stack) pcre->stack_busy = false;
    if (result != PCRE2_ERROR_JIT_STACKLIMIT) return result;
  }
  return pcre2_match(form->code, subject, size, request->start, options | PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, context);
}

ReResult cd_re_pcre_run(VM *vm, RePcre *pcre, RePcreForms *forms, const ReTree *tree, ReRequest *request)
{
  bool wide = request->subject->utf8;
  pcre2_match_data *data = NULL;
  int result = PCRE2_ERROR_MATCHLIMIT;
  for (int patient = 0; patient < 2 && result == PCRE2_ERROR_MATCHLIMIT; patient++) {
    RePcreCode *form = &forms->forms[wide][request->mode][patient];
    if (!form->tried && !pcre_compile(vm, pcre, form, tree, wide, request->mode, patient)) { result = PCRE2_ERROR_CALLOUT; break; }
    if (!form->code) {
      if (data) pcre_give_data(forms, data);
      return RE_RUN_UNFIT;
    }
    if (patient && !cd_poll(vm)) { result = PCRE2_ERROR_CALLOUT; break; }
    if (!data && !(data = pcre_take_data(pcre, forms, tree))) { cd_raise_memory(vm); return RE_RUN_ERROR; }
    result = pcre_match(pcre, form, request, data, patient);
  }
  if (result >= 0) pcre_read_result(data, tree, request);
  if (data) pcre_give_data(forms, data);
  if (result >= 0) return RE_RUN_YES;
  if (result == PCRE2_ERROR_NOMATCH) return RE_RUN_NO;
  if (result == PCRE2_ERROR_CALLOUT) return RE_RUN_ERROR;
  if (result == PCRE2_ERROR_NOMEMORY || result == PCRE2_ERROR_HEAPLIMIT) cd_raise_memory(vm);
  else cd_raise_runtime(vm, "internal error in regular expression engine (%d)", result);
  return RE_RUN_ERROR;
}
