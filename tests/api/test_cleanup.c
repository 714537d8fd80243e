/* SPDX-License-Identifier: MIT */
/* test_cleanup.c: modes of async cleanup, and the list of generators, as a host sees them */
#include "check.h"

static const char program[] =
  "log = []\n"
  "async def ticker():\n"
  "  try:\n"
  "    yield 1\n"
  "    yield 2\n"
  "  finally: log.append('closed')\n"
  "async def consumer():\n"
  "  async for i in ticker():\n"
  "    break\n"
  "  log.append('after')\n"
  "def run():\n"
  "  log.clear()\n"
  "  try: consumer().send(None)\n"
  "  except StopIteration: pass\n"
  "  return ' '.join(log)\n";

int main(void)
{
  CedeOptions options;
  cede_options_init(&options);
  options.stdlib = "";
  options.asyncgen = CEDE_ASYNCGEN_COMPAT;
  CedeVM *vm = cede_vm_new(&options, NULL);
  CHECK(vm && cede_run_text(vm, program) == 0);
  CHECK(text_is(vm, cede_eval(vm, "run()"), "closed after"));    /* no hook, and nothing to await: closed as it is dropped */
  CHECK(text_is(vm, cede_eval(vm, "__import__('sys').get_asyncgen_mode()"), "compat"));
  cede_set_asyncgen(vm, CEDE_ASYNCGEN_STRICT);
  CHECK(text_is(vm, cede_eval(vm, "__import__('sys').get_asyncgen_mode()"), "strict"));
  cede_set_asyncgen(vm, CEDE_ASYNCGEN_SAFE);
  CHECK(text_is(vm, cede_eval(vm, "run()"), "closed after"));
  CHECK(repr_is(vm, cede_live_generators(vm), "[]"));
  CHECK(cede_run_text(vm, "kept = (i for i in 'ab')\nnext(kept)") == 0);
  CedeRef list = cede_live_generators(vm), rest = cede_eval(vm, "lambda rows: [row[1:] for row in rows]");
  CHECK(repr_is(vm, cede_call(vm, rest, &list, 1), "[('suspended', '<string>', 1)]"));
  cede_drop(vm, list);
  cede_drop(vm, rest);
  return cede_vm_free(vm);
}
