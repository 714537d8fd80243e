// SPDX-License-Identifier: MIT
// builtins_run.c: builtins that run code: compile eval exec __build_class__ __import__
#include "modules/builtins.h"
#include "bytecode/code.h"
#include "frontend/frontend.h"
#include "modules/import.h"
#include "modules/source_text.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

enum {
  RUN_FUTURE_FLAGS = CO_FUTURE_DIVISION | CO_FUTURE_ABSOLUTE_IMPORT | CO_FUTURE_WITH_STATEMENT | CO_FUTURE_PRINT_FUNCTION |
                     CO_FUTURE_UNICODE_LITERALS | CO_FUTURE_BARRY_AS_BDFL | CO_FUTURE_GENERATOR_STOP | CO_FUTURE_ANNOTATIONS |
                     CO_CEDE_YIELD_FROM_ASYNC,
  RUN_COMPILE_FLAGS = PYCF_DONT_IMPLY_DEDENT | PYCF_ONLY_AST | PYCF_TYPE_COMMENTS | PYCF_ALLOW_TOP_LEVEL_AWAIT |
                      PYCF_ALLOW_INCOMPLETE_INPUT,
  RUN_OBSOLETE_FLAGS = CO_NESTED,
};

// Code compiled at run time obeys the __future__ statements of whoever compiles it.
static int run_inherited_flags(VM *vm)
{
  Frame *frame = vm->thread->frame;
  return frame ? (int)frame->code->flags & RUN_FUTURE_FLAGS : 0;
}

static bool run_is_ast(VM *vm, Value v)
{
  for (const Type *type = cd_type_of(vm, v); type; type = type->base)
    if (type->spec && (!strcmp(type->spec->name, "ast.AST") || !strcmp(type->spec->name, "_ast.AST"))) return true;
  return false;
}

// ---- compile ----

static bool run_mode(VM *vm, Value mode, int flags, CompileMode *out)
{
  static const char *const names[] = {"exec", "eval", "single", "func_type"};
  for (int i = 0; i < 4; i++) {
    if (!cd_str_is(mode, names[i])) continue;
    if (i == 3 && !(flags & PYCF_ONLY_AST)) return cd_raise_value(vm, "compile() mode 'func_type' requires flag PyCF_ONLY_AST");
    *out = (CompileMode)i;
    return true;
  }
  return cd_raise_value(vm, flags & PYCF_ONLY_AST ? "compile() mode must be 'exec', 'eval', 'single' or 'func_type'"
                                                  : "compile() mode must be 'exec', 'eval' or 'single'");
}

FUNCTION(builtins, compile, "compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)",
         "Compile source to a code object for exec() or eval().\n\n"
         "source is a str, bytes or an AST of a module, statement or expression; filename is for\nmessages; mode is 'exec' for a module, "
         "'single' for an interactive statement, 'eval' for an\n"
         "expression. flags select __future__ features and compiler options; dont_inherit keeps out\nthose that are in effect where "
         "compile() is called.")
{
  int flags = 0, dont_inherit = 0, optimize = -1, version = -1;
  Ref filename = cd_source_filename(vm, args[1]), result = NO_REF;
  if (!filename) return NO_REF;
  if (!cd_is_str(args[2])) { cd_raise_arg_type(vm, "compile", "mode", "str", args[2]); goto done; }
  if (cd_bits(args[3]) && !cd_to_c_int(vm, args[3], &flags)) goto done;
  bool no_inherit = false;
  if (cd_bits(args[4]) && !cd_truth(vm, args[4], &no_inherit)) goto done;
  dont_inherit = no_inherit;
  if (cd_bits(args[5]) && !cd_to_c_int(vm, args[5], &optimize)) goto done;
  if (cd_bits(args[6]) && !cd_to_c_int(vm, args[6], &version)) goto done;
  if (flags & ~(RUN_FUTURE_FLAGS | RUN_COMPILE_FLAGS | RUN_OBSOLETE_FLAGS)) {
    cd_raise_value(vm, "compile(): unrecognised flags");
    goto done;
  }
  if (optimize < -1 || optimize > 2) { cd_raise_value(vm, "compile(): invalid optimize value"); goto done; }
  if (!dont_inherit) flags |= run_inherited_flags(vm);
  if (flags & PYCF_ONLY_AST && version >= 0 && version < PYCF_FEATURE_VERSION) flags |= version + 1;
  CompileMode mode;
  if (!run_mode(vm, args[2], flags, &mode)) goto done;
  if (run_is_ast(vm, args[0])) {
    result = flags & PYCF_ONLY_AST ? cd_dup(args[0]) : cd_compile_ast(vm, args[0], filename, mode, flags, optimize);
    goto done;
  }
  SourceText source;
  if (!cd_source_text_init(vm, &source, args[0], "compile", "string, bytes or AST")) goto done;
  if (cd_audit(vm, "compile", 2, (Value[]){args[0], filename}))
    result = cd_source_text_compile(vm, &source, filename, mode, flags, optimize);
  cd_source_text_clear(vm, &source);
done:
  cd_drop(vm, filename);
  return result;
}

// ---- eval and exec ----

static bool run_is_mapping(VM *vm, Value v)
{
  return cd_type_of(vm, v)->slots.getitem && !cd_is_str(v) && !cd_is_tuple(v) && !cd_is_list(v);
}

static bool run_add_builtins(VM *vm, Value globals)
{
  if (cd_bits(cd_dict_get_name_borrow(vm, globals, N(__builtins__)))) return true;
  Frame *frame = vm->thread->frame;
  Value builtins = frame && cd_bits(frame->builtins) ? frame->builtins : vm->builtins_dict;
  return cd_dict_set(vm, globals, N(__builtins__), builtins);
}

// Fills in omitted namespaces from the running frame. *locals_ref is to be dropped.
static bool run_namespaces(VM *vm, const char *function, Value *globals, Value *locals, Ref *locals_ref)
{
  *locals_ref = NO_REF;
  bool no_globals = !cd_bits(*globals) || cd_is_none(*globals), no_locals = !cd_bits(*locals) || cd_is_none(*locals);
  if (no_globals) {
    Frame *frame = vm->thread->frame;
    if (!frame) return cd_raise_system(vm, "%s must be given globals and locals when called without a frame", function);
    *globals = frame->globals;
    if (no_locals) {
      if (!(*locals_ref = cd_frame_locals(vm, frame))) return false;
      *locals = *locals_ref;
    }
  } else if (no_locals) {
    *locals = *globals;
  }
  return run_add_builtins(vm, *globals);
}

static Ref run_code(VM *vm, Value code, Value globals, Value locals, Value closure)
{
  if (!cd_audit(vm, "exec", 1, &code)) return NO_REF;
  return cd_eval_code(vm, (Code *)cd_object(code), globals, locals, closure);
}

FUNCTION(builtins, eval, "eval(source, globals=None, locals=None, /)",
         "Evaluate an expression, given as text or as a code object, in the given namespaces.\n\nglobals is a dict, locals any mapping; "
         "they default to the current ones. If only globals is\ngiven, it serves as both.")
{
  Value globals = args[1], locals = args[2];
  Ref locals_ref = NO_REF, result = NO_REF, code = NO_REF;
  if (cd_bits(locals) && !cd_is_none(locals) && !run_is_mapping(vm, locals)) return cd_raise_type(vm, "locals must be a mapping");
  if (cd_bits(globals) && !cd_is_none(globals) && !cd_is_dict(globals))
    return cd_raise_type(vm, run_is_mapping(vm, globals) ? "globals must be a real dict; try eval(code, {}, mapping)"
                                                         : "globals must be a dict");
  if (!run_namespaces(vm, "eval", &globals, &locals, &locals_ref)) goto done;
  if (cd_is_exact(args[0], vm->types.code)) {
    if (((Code *)cd_object(args[0]))->free_count) cd_raise_type(vm, "code object passed to eval() may not contain free variables");
    else result = run_code(vm, args[0], globals, locals, NO_VALUE);
    goto done;
  }
  SourceText source;
  if (!cd_source_text_init(vm, &source, args[0], "eval", "string, bytes or code")) goto done;
  while (source.size && (*source.data == ' ' || *source.data == '\t')) source.data++, source.size--;
  if (cd_audit(vm, "compile", 2, (Value[]){args[0], cd_none()}))
    code = cd_source_text_compile(vm, &source, N(angle_string), MODE_EVAL, run_inherited_flags(vm), -1);
  cd_source_text_clear(vm, &source);
  if (code) result = run_code(vm, code, globals, locals, NO_VALUE);
done:
  cd_drop(vm, code);
  cd_drop(vm, locals_ref);
  return result;
}

static bool exec_check_closure(VM *vm, const Code *code, Value closure)
{
  bool none = !cd_bits(closure) || cd_is_none(closure);
  if (code->free_count == 0) return none || cd_raise_type(vm, "cannot use a closure with this code object");
  bool ok = !none && cd_is_exact(closure, vm->types.tuple) && cd_tuple_size(closure) == code->free_count;
  for (size_t i = 0; ok && i < code->free_count; i++) ok = cd_is_exact(cd_tuple_item_borrow(closure, i), vm->types.cell);
  return ok || cd_raise_type(vm, "code object requires a closure of exactly length %zu", (size_t)code->free_count);
}

FUNCTION(builtins, exec, "exec(source, globals=None, locals=None, /, *, closure=None)",
         "Run statements, given as text or as a code object, in the given namespaces.\n\nglobals is a dict, locals any mapping; they "
         "default to the current ones. If only globals is\ngiven, it serves as both. "
         "closure is a tuple of cells for a code object with free variables.")
{
  Value globals = args[1], locals = args[2], closure = args[3];
  Ref locals_ref = NO_REF, result = NO_REF, code = NO_REF;
  if (cd_bits(globals) && !cd_is_none(globals) && !cd_is_dict(globals))
    return cd_raise_type(vm, "exec() globals must be a dict, not %T", globals);
  if (cd_bits(locals) && !cd_is_none(locals) && !run_is_mapping(vm, locals))
    return cd_raise_type(vm, "locals must be a mapping or None, not %T", locals);
  if (!run_namespaces(vm, "exec", &globals, &locals, &locals_ref)) goto done;
  if (cd_is_exact(args[0], vm->types.code)) {
    const Code *object = (const Code *)cd_object(args[0]);
    if (exec_check_closure(vm, object, closure)) result = run_code(vm, args[0], globals, locals, object->free_count ? closure : NO_VALUE);
    goto done;
  }
  if (cd_bits(closure) && !cd_is_none(closure)) { cd_raise_type(vm, "closure can only be used when source is a code object"); goto done; }
  SourceText source;
  if (!cd_source_text_init(vm, &source, args[0], "exec", "string, bytes or code")) goto done;
  if (cd_audit(vm, "compile", 2, (Value[]){args[0], cd_none()}))
    code = cd_source_text_compile(vm, &source, N(angle_string), MODE_EXEC, run_inherited_flags(vm), -1);
  cd_source_text_clear(vm, &source);
  if (code) result = run_code(vm, code, globals, locals, NO_VALUE);
done:
  cd_drop(vm, code);
  cd_drop(vm, locals_ref);
  if (!result) return NO_REF;
  cd_drop(vm, result);
  return cd_none();
}

// ---- class statements ----

// PEP 560: bases that are no classes say what stands in their place. A new list, or NO_REF with nothing set when nothing changed.
static Ref class_update_bases(VM *vm, Value bases)
{
  Ref list = NO_REF;
  for (size_t i = 0; i < cd_tuple_size(bases); i++) {
    Value base = cd_tuple_item_borrow(bases, i);
    Ref method = NO_REF, entries;
    Find find = cd_is_type(base) ? FIND_MISSING : cd_getattr_find(vm, base, N(__mro_entries__), &method);
    if (find == FIND_ERROR) goto fail;
    if (find == FIND_MISSING) {
      if (list && !cd_list_append(vm, cd_as_list(list), base)) goto fail;
      continue;
    }
    entries = cd_call1(vm, method, bases);
    cd_drop(vm, method);
    if (!entries) goto fail;
    if (!cd_is_tuple(entries)) {
      cd_raise_type(vm, "__mro_entries__ must return a tuple");
      cd_drop(vm, entries);
      goto fail;
    }
    bool ok = list || (list = cd_list_of(vm, i, cd_as_tuple(bases)->items));
    ok = ok && cd_list_extend(vm, cd_as_list(list), entries);
    cd_drop(vm, entries);
    if (!ok) goto fail;
  }
  return list;
fail:
  cd_drop(vm, list);
  return NO_REF;
}

// The arguments of a class statement laid out for metaclass(name, bases, namespace, **keywords): three values, then those of the keywords
// but for `metaclass`.
typedef struct ClassCall { Value *values; size_t capacity; Ref kwnames; Value metaclass; } ClassCall;

static void class_call_clear(VM *vm, ClassCall *call)
{
  cd_free(vm, call->values, call->capacity * sizeof(Value));
  cd_drop(vm, call->kwnames);
}

static bool class_call_init(VM *vm, ClassCall *call, const Value *values, Value kwnames)
{
  size_t count = cd_bits(kwnames) ? cd_tuple_size(kwnames) : 0, kept = 0;
  *call = (ClassCall){.capacity = 3 + count};
  if (!(call->values = cd_alloc_array(vm, call->capacity, sizeof(Value)))) return false;
  for (size_t i = 0; i < count; i++)
    if (cd_str_is(cd_tuple_item_borrow(kwnames, i), "metaclass")) call->metaclass = values[i];
    else call->values[3 + kept++] = values[i];
  if (!kept) return true;
  if (!(call->kwnames = cd_tuple_new(vm, kept))) return false;
  for (size_t i = 0, k = 0; i < count; i++)
    if (!cd_str_is(cd_tuple_item_borrow(kwnames, i), "metaclass"))
      cd_tuple_set(call->kwnames, k++, cd_dup(cd_tuple_item_borrow(kwnames, i)));
  return true;
}

// The metaclass that counts, a new reference.
static Ref class_metaclass(VM *vm, Value given, Value bases)
{
  Value meta = given;
  if (!cd_bits(meta))
    meta = cd_tuple_size(bases) ? cd_type_value(cd_type_of(vm, cd_tuple_item_borrow(bases, 0))) : cd_type_value(vm->types.type);
  return cd_is_type(meta) ? cd_metaclass_of(vm, meta, bases) : cd_dup(meta);
}

// metaclass.__prepare__(name, bases, **keywords), or an empty dict.
static Ref class_prepare(VM *vm, Value meta, const ClassCall *call)
{
  Ref method = NO_REF;
  Find find = cd_getattr_find(vm, meta, N(__prepare__), &method);
  if (find == FIND_ERROR) return NO_REF;
  if (find == FIND_MISSING) return cd_dict_new(vm);
  // The keyword values lie behind three slots; the call wants them behind two.
  Value name = call->values[0], bases = call->values[1];
  call->values[1] = name;
  call->values[2] = bases;
  Ref namespace_ = cd_call(vm, method, call->values + 1, 2, call->kwnames);
  call->values[0] = name;
  call->values[1] = bases;
  cd_drop(vm, method);
  if (namespace_ && !run_is_mapping(vm, namespace_)) {
    cd_raise_type(vm, "%s.__prepare__() must return a mapping, not %T", cd_is_type(meta) ? cd_type_name(cd_as_type(meta)) : "<metaclass>",
                  namespace_);
    cd_drop(vm, namespace_);
    return NO_REF;
  }
  return namespace_;
}

// PEP 3135: the cell that zero-argument super() reads must hold the class that was made.
static bool class_check_cell(VM *vm, Value cell, Value cls, Value name)
{
  if (!cd_is_exact(cell, vm->types.cell)) return true;
  Value content = ((Cell *)cd_object(cell))->value;
  if (cd_bits(content) && cd_is(content, cls)) return true;
  if (!cd_bits(content))
    return cd_raise_runtime(vm, "__class__ not set defining %R as %R. Was __classcell__ propagated to type.__new__?", name, cls);
  return cd_raise_type(vm, "__class__ set to %R defining %R as %R", content, name, cls);
}

static Ref build_class_from(VM *vm, const Function *body, Value meta, Value original_bases, ClassCall *call)
{
  Ref namespace_ = class_prepare(vm, meta, call), cell = NO_REF, cls = NO_REF;
  if (!namespace_) return NO_REF;
  cell = cd_eval_code(vm, body->code, body->globals, namespace_, body->closure);
  if (cell && cd_bits(original_bases)) {
    Ref key = cd_dup(N(__orig_bases__));
    if (!cd_setitem(vm, namespace_, key, original_bases)) cd_drop(vm, cell), cell = NO_REF;
    cd_drop(vm, key);
  }
  if (cell) {
    call->values[2] = namespace_;
    cls = cd_call(vm, meta, call->values, 3, call->kwnames);
    if (cls && cd_is_type(cls) && !class_check_cell(vm, cell, cls, call->values[0])) cd_drop(vm, cls), cls = NO_REF;
  }
  cd_drop(vm, cell);
  cd_drop(vm, namespace_);
  return cls;
}

METHOD_DEF_RAW_(builtins___build_class__, "__build_class__", "__build_class__(func, name, /, *bases, metaclass=None, **kwds)",
                "__build_class__(func, name, /, *bases, [metaclass], **kwds) -> class\n\nWhat a class statement calls.",
                METHOD_NO_SIGNATURE)
{
  if (nargs < 2) return cd_raise_type(vm, "__build_class__: not enough arguments");
  if (!cd_is_exact(args[0], vm->types.function)) return cd_raise_type(vm, "__build_class__: func must be a function");
  if (!cd_is_str(args[1])) return cd_raise_type(vm, "__build_class__: name is not a string");
  Ref original = cd_tuple_of(vm, nargs - 2, args + 2), bases = NO_REF, meta = NO_REF, cls = NO_REF;
  ClassCall call = {0};
  if (!original) return NO_REF;
  Ref list = class_update_bases(vm, original);
  if (!list && cd_raised(vm)) goto done;
  bases = list ? cd_list_to_tuple(vm, list) : cd_dup(original);
  cd_drop(vm, list);
  if (!bases || !class_call_init(vm, &call, args + nargs, kwnames)) goto done;
  if (!(meta = class_metaclass(vm, call.metaclass, bases))) goto done;
  call.values[0] = args[1];
  call.values[1] = bases;
  cls = build_class_from(vm, (const Function *)cd_object(args[0]), meta, list ? original : NO_VALUE, &call);
done:
  class_call_clear(vm, &call);
  cd_drop(vm, meta);
  cd_drop(vm, bases);
  cd_drop(vm, original);
  return cls;
}

// ---- import ----

FUNCTION(builtins, __import__, "__import__(name, globals=None, locals=None, fromlist=(), level=0)",
         "Import a module; what the import statement calls.\n\nFor `import a.b` the result is a, for `from a.b import c` (a fromlist that "
         "is not empty) it is\na.b. level is the number of dots of a relative import; programs want importlib.import_module().")
{
  int level = 0;
  if (cd_bits(args[4]) && !cd_to_c_int(vm, args[4], &level)) return NO_REF;
  Value globals = cd_bits(args[1]) && !cd_is_none(args[1]) ? args[1] : NO_VALUE;
  Value fromlist = cd_bits(args[3]) && !cd_is_none(args[3]) ? args[3] : NO_VALUE;
  return cd_import_dunder(vm, args[0], globals, fromlist, level);
}

const MethodDef *const cd_builtins_run_functions[] = {
  &builtins___build_class___def, &builtins___import___def, &builtins_compile_def, &builtins_eval_def, &builtins_exec_def, NULL,
};
