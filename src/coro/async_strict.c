// SPDX-License-Identifier: MIT
// async_strict.c: -X asyncgen=strict: errors for generators and coroutines that nobody ends, and for yields out of a cancel scope (PEP 789)
#include "coro/coro.h"

#include "objects/dict.h"
#include "objects/function.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- what is dropped ----

static void strict_report(VM *vm, Generator *generator, const char *before, const char *after)
{
  Ref raised = cd_take_raised(vm), self = cd_dup_object(generator), created = cd_async_creation(vm, generator);
  if (cd_bits(created)) cd_raise_runtime(vm, "%s %R%U %s", before, cd_generator_qualname(generator), created, after);
  cd_write_unraisable(vm, self);
  cd_drop(vm, created);
  cd_drop(vm, self);
  cd_restore_raised(vm, raised);
}

void cd_async_report_unawaited(VM *vm, Generator *coroutine) { strict_report(vm, coroutine, "coroutine", "was never awaited"); }

void cd_async_report_dropped(VM *vm, Generator *generator)
{
  const Frame *frame = &generator->frame;
  if (generator->closed || frame->state == FRAME_DONE) return;
  if (frame->state == FRAME_CREATED) {
    if (frame->code->handler_count) strict_report(vm, generator, "asynchronous generator", "was never iterated, so its cleanup never runs");
    return;
  }
  strict_report(vm, generator, "asynchronous generator", "was dropped before it was finished or closed");
}

// ---- yields ----

// Classes that cancel what runs inside their `with` or `async with`; a module stands for its submodules too.
typedef struct ScopeClass { const char *module, *name; } ScopeClass;
static const ScopeClass strict_scopes[] = {{"asyncio", "Timeout"},   {"asyncio", "TaskGroup"}, {"async_timeout", "Timeout"},
                                           {"anyio", "CancelScope"}, {"anyio", "TaskGroup"},   {"trio", "CancelScope"},
                                           {"trio", "NurseryManager"}};

// Text of a str that is borrowed; "" where it has none. Sets no exception.
static const char *strict_text(VM *vm, Value v, size_t *size)
{
  const char *text = cd_bits(v) && cd_is_str(v) ? cd_str_utf8(vm, v, size) : NULL;
  if (text) return text;
  cd_clear_raised(vm);
  *size = 0;
  return "";
}

static bool strict_is_scope_class(VM *vm, const Type *type)
{
  size_t size;
  const char *module = strict_text(vm, cd_bits(type->dict) ? cd_dict_get_text_borrow(vm, type->dict, "__module__") : NO_VALUE, &size);
  for (size_t i = 0; i < ARRAY_LEN(strict_scopes); i++) {
    size_t length = strlen(strict_scopes[i].module);
    if (size < length || memcmp(module, strict_scopes[i].module, length) || (module[length] && module[length] != '.')) continue;
    if (cd_str_is(type->name, strict_scopes[i].name)) return true;
  }
  return false;
}

// The manager of a `with` under way whose bound __exit__ or __aexit__ waits in a temporary; NO_VALUE: no cancel scope.
static Value strict_scope_of(VM *vm, Value temporary)
{
  if (!cd_bits(temporary) || !cd_is_exact(temporary, vm->types.method)) return NO_VALUE;
  const Method *method = (Method *)cd_object(temporary);
  if (!cd_is_exact(method->function, vm->types.function)) return NO_VALUE;
  Value name = ((Function *)cd_object(method->function))->name;
  if (!cd_str_is(name, "__aexit__") && !cd_str_is(name, "__exit__")) return NO_VALUE;
  Value mro = cd_type_of(vm, method->self)->mro;
  for (size_t i = 0; i < cd_tuple_size(mro); i++)
    if (strict_is_scope_class(vm, cd_as_type(cd_tuple_item_borrow(mro, i)))) return method->self;
  return NO_VALUE;
}

// A generator behind @asynccontextmanager yields once, and whoever entered it leaves it in the same task.
static bool strict_is_context_manager(VM *vm, const Generator *generator)
{
  static const char file[] = "contextlib.py";
  const Code *creator = generator->creator_code;
  if (!creator || !cd_str_is(creator->name, "__init__")) return false;
  size_t size, length = sizeof file - 1;
  const char *path = strict_text(vm, creator->filename, &size);
  return size >= length && !memcmp(path + size - length, file, length);
}

bool cd_async_check_yield(VM *vm, Frame *frame)
{
  const Code *code = frame->code;
  if (!(code->flags & CO_ASYNC_GENERATOR)) return true;
  Generator *generator = cd_generator_of(frame);
  for (uint32_t i = code->first_temp; i < code->register_count; i++) {
    Value scope = strict_scope_of(vm, frame->registers[i]);
    if (!cd_bits(scope) || strict_is_context_manager(vm, generator)) continue;
    Ref created = cd_async_creation(vm, generator);
    if (cd_bits(created))
      cd_raise_runtime(vm, "asynchronous generator %R%U must not yield inside %T: it would cancel whatever its consumer does then",
                       cd_generator_qualname(generator), created, scope);
    cd_drop(vm, created);
    return false;
  }
  return true;
}
