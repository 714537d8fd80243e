// SPDX-License-Identifier: MIT
// builtins.c: the builtins module: names, attributes, iteration, classes
#include "modules/builtins.h"
#include "coro/generator.h"
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/iterator.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

// Functions whose signature can't be told in Python's notation: they have no __text_signature__.
#define BUILTIN_RAW(name, sig, doc) METHOD_DEF_RAW_(builtins_##name, #name, sig, doc, METHOD_NO_SIGNATURE)

// ---- iteration ----

FUNCTION(builtins, all, "all(iterable, /)", "True if bool(x) is True for every x in iterable; True for an empty one.")
{
  Ref iter = cd_iter(vm, args[0]), item = NO_REF;
  if (!iter) return NO_REF;
  Next next;
  bool truth = true;
  while (truth && (next = cd_next(vm, iter, &item)) == NEXT_ITEM) {
    bool ok = cd_truth(vm, item, &truth);
    cd_drop(vm, item);
    if (!ok) { next = NEXT_ERROR; break; }
  }
  cd_drop(vm, iter);
  if (truth && next == NEXT_ERROR) return NO_REF;
  return cd_raised(vm) ? NO_REF : cd_bool(truth);
}

FUNCTION(builtins, any, "any(iterable, /)", "True if bool(x) is True for some x in iterable; False for an empty one.")
{
  Ref iter = cd_iter(vm, args[0]), item = NO_REF;
  if (!iter) return NO_REF;
  Next next = NEXT_DONE;
  bool truth = false;
  while (!truth && (next = cd_next(vm, iter, &item)) == NEXT_ITEM) {
    bool ok = cd_truth(vm, item, &truth);
    cd_drop(vm, item);
    if (!ok) break;
  }
  cd_drop(vm, iter);
  return cd_raised(vm) ? NO_REF : cd_bool(truth);
}

FUNCTION(builtins, aiter, "aiter(async_iterable, /)", "Return an asynchronous iterator for an asynchronous iterable.")
{
  Type *type = cd_type_of(vm, args[0]);
  if (!type->slots.aiter) return cd_raise_type(vm, "'%T' object is not an async iterable", args[0]);
  Ref iterator = type->slots.aiter(vm, args[0]);
  if (iterator && !cd_type_of(vm, iterator)->slots.anext) {
    cd_raise_type(vm, "aiter() returned not an async iterator of type '%T'", iterator);
    cd_drop(vm, iterator);
    return NO_REF;
  }
  return iterator;
}

FUNCTION_RAW(builtins, anext, "anext(aiterator, default=<unrepresentable>, /)",
             "Return the next item of the asynchronous iterator, to be awaited.\n\nIf default is given and the iterator is exhausted, that "
             "is the result instead of a\nStopAsyncIteration.")
{
  if (!cd_no_keywords(vm, "anext", kwnames) || !cd_check_positional(vm, "anext", nargs, 1, 2)) return NO_REF;
  Type *type = cd_type_of(vm, args[0]);
  if (!type->slots.anext) return cd_raise_type(vm, "'%T' object is not an async iterator", args[0]);
  Ref awaitable = type->slots.anext(vm, args[0]);
  if (!awaitable || nargs == 1) return awaitable;
  Ref with_default = cd_anext_awaitable_new(vm, awaitable, args[1]);
  cd_drop(vm, awaitable);
  return with_default;
}

BUILTIN_RAW(iter, "iter(object)",
            "iter(iterable) -> iterator\niter(callable, sentinel) -> iterator\n\nIn the second form the callable is called until it "
            "returns the sentinel.")
{
  if (!cd_no_keywords(vm, "iter", kwnames) || !cd_check_positional(vm, "iter", nargs, 1, 2)) return NO_REF;
  if (nargs == 1) return cd_iter(vm, args[0]);
  if (!cd_is_callable(vm, args[0])) return cd_raise_type(vm, "iter(v, w): v must be callable");
  return cd_callable_iterator_new(vm, args[0], args[1]);
}

// next(it) where the value of the end counts. Classes written in Python are asked through __next__ itself, so that the very StopIteration
// they raise comes out.
static Ref builtins_step(VM *vm, Value iterator)
{
  Type *type = cd_type_of(vm, iterator);
  Ref item = NO_REF;
  if (!type->slots.next) return cd_raise_type(vm, "'%T' object is not an iterator", iterator);
  if (type->slots.send && !(type->flags & TYPE_HEAP)) {
    SendResult result = type->slots.send(vm, iterator, cd_none(), &item);
    if (result == YIELDED) return item;
    if (result == RETURNED) {
      if (cd_is_none(item)) cd_raise_stop_iteration(vm, NO_VALUE);
      else cd_raise_stop_iteration(vm, item);
      cd_drop(vm, item);
    }
    return NO_REF;
  }
  if (type->flags & TYPE_HEAP && !(type->spec && type->spec->slots.next == type->slots.next)) {
    Ref method = NO_REF;
    if (cd_lookup_special(vm, iterator, N(__next__), &method) != FIND_HIT)
      return cd_raised(vm) ? NO_REF : cd_raise_type(vm, "'%T' object is not an iterator", iterator);
    item = cd_call0(vm, method);
    cd_drop(vm, method);
    return item;
  }
  Next next = type->slots.next(vm, iterator, &item);
  if (next == NEXT_ITEM) return item;
  if (next == NEXT_DONE && !cd_raised(vm)) cd_raise_stop_iteration(vm, NO_VALUE);
  return NO_REF;
}

METHOD_DEF_RAW_(builtins_next, "next", "next(iterator)",
                "next(iterator[, default])\n\nReturn the next item of the iterator. At the end, default is returned where one\nwas given.",
                METHOD_NO_SIGNATURE | METHOD_NEXT)
{
  if (!cd_no_keywords(vm, "next", kwnames) || !cd_check_positional(vm, "next", nargs, 1, 2)) return NO_REF;
  Ref item = builtins_step(vm, args[0]);
  if (item || nargs == 1 || !cd_swallow(vm, vm->exc.StopIteration)) return item;
  return cd_dup(args[1]);
}

FUNCTION(builtins, len, "len(obj, /)", "How many items the container holds.")
{
  int64_t length;
  return cd_len(vm, args[0], &length) ? cd_int_from_i64(vm, length) : NO_REF;
}

METHOD_DEF_RAW_(builtins_sorted, "sorted", "sorted(iterable, /, *, key=None, reverse=False)",
                "Return a new list with the items of iterable in ascending order.\n\nA key function can be given to compare by, and "
                "reverse asks for descending order.",
                0)
{
  if (!cd_check_positional(vm, "sorted", nargs, 1, 1)) return NO_REF;
  Ref list = cd_list_from(vm, args[0]), sort = list ? cd_intern(vm, "sort") : NO_REF, method = sort ? cd_getattr(vm, list, sort) : NO_REF;
  Ref result = method ? cd_call(vm, method, args + nargs, 0, kwnames) : NO_REF;
  cd_drop(vm, sort);
  cd_drop(vm, method);
  if (result) return list;
  cd_drop(vm, list);
  return NO_REF;
}

// ---- attributes ----

static bool builtins_check_name(VM *vm, const char *message, Value name)
{
  return cd_is_str(name) || cd_raise_type(vm, message, name);
}

BUILTIN_RAW(getattr, "getattr(object, name)",
            "getattr(object, name[, default]) -> value\n\ngetattr(x, 'y') is x.y. If default is given, it is returned when there is no "
            "such attribute.")
{
  if (!cd_no_keywords(vm, "getattr", kwnames) || !cd_check_positional(vm, "getattr", nargs, 2, 3)) return NO_REF;
  if (!builtins_check_name(vm, "attribute name must be string, not '%T'", args[1])) return NO_REF;
  if (nargs == 2) return cd_getattr(vm, args[0], args[1]);
  Ref value = NO_REF;
  Find find = cd_getattr_find(vm, args[0], args[1], &value);
  return find == FIND_HIT ? value : find == FIND_MISSING ? cd_dup(args[2]) : NO_REF;
}

FUNCTION(builtins, hasattr, "hasattr(obj, name, /)",
         "Tell whether the object has an attribute of this name: whether getattr() raises no\nAttributeError.")
{
  if (!builtins_check_name(vm, "attribute name must be string, not '%T'", args[1])) return NO_REF;
  Ref value = NO_REF;
  Find find = cd_getattr_find(vm, args[0], args[1], &value);
  cd_drop(vm, value);
  return find == FIND_ERROR ? NO_REF : cd_bool(find == FIND_HIT);
}

FUNCTION(builtins, setattr, "setattr(obj, name, value, /)", "Set the named attribute: setattr(x, 'y', v) is x.y = v.")
{
  if (!builtins_check_name(vm, "attribute name must be string, not '%T'", args[1])) return NO_REF;
  return cd_setattr(vm, args[0], args[1], args[2]) ? cd_none() : NO_REF;
}

FUNCTION(builtins, delattr, "delattr(obj, name, /)", "Delete the named attribute: delattr(x, 'y') is del x.y.")
{
  if (!builtins_check_name(vm, "attribute name must be string, not '%T'", args[1])) return NO_REF;
  return cd_setattr(vm, args[0], args[1], NO_VALUE) ? cd_none() : NO_REF;
}

// ---- namespaces ----

FUNCTION(builtins, globals, "globals()", "Return the dictionary of the current module's global variables.")
{
  Frame *frame = vm->thread->frame;
  return frame ? cd_dup(frame->globals) : cd_raise_system(vm, "globals(): no current frame");
}

static Ref builtins_current_locals(VM *vm)
{
  Frame *frame = vm->thread->frame;
  return frame ? cd_frame_locals(vm, frame) : cd_raise_system(vm, "frame does not exist");
}

FUNCTION(
  builtins, locals, "locals()",
  "Return a dictionary of the current scope's local variables.\n\nIn a function it is a snapshot: writing to it changes no variable.")
{
  return builtins_current_locals(vm);
}

BUILTIN_RAW(vars, "vars(object=<unrepresentable>)",
            "vars([object]) -> dictionary\n\nWithout an argument like locals(), with one its __dict__.")
{
  if (!cd_no_keywords(vm, "vars", kwnames) || !cd_check_positional(vm, "vars", nargs, 0, 1)) return NO_REF;
  if (nargs == 0) return builtins_current_locals(vm);
  Ref dict = NO_REF;
  Find find = cd_getattr_find(vm, args[0], N(__dict__), &dict);
  if (find == FIND_MISSING) cd_raise_type(vm, "vars() argument must have __dict__ attribute");
  return find == FIND_HIT ? dict : NO_REF;
}

static Ref builtins_sort_names(VM *vm, Ref list)
{
  if (!list || cd_list_sort(vm, cd_as_list(list), NO_VALUE, false)) return list;
  cd_drop(vm, list);
  return NO_REF;
}

static Ref builtins_dir_of_locals(VM *vm)
{
  Ref locals = builtins_current_locals(vm);
  if (!locals) return NO_REF;
  Ref keys = cd_call_method0(vm, locals, N(keys)), list = keys ? cd_list_from(vm, keys) : NO_REF;
  cd_drop(vm, keys);
  cd_drop(vm, locals);
  return builtins_sort_names(vm, list);
}

BUILTIN_RAW(dir, "dir(object=<unrepresentable>)",
            "dir([object]) -> list of strings\n\nWithout an argument the names in the current scope, else names of attributes of "
            "the\nobject, in alphabetical order. __dir__() decides.")
{
  if (!cd_no_keywords(vm, "dir", kwnames) || !cd_check_positional(vm, "dir", nargs, 0, 1)) return NO_REF;
  if (nargs == 0) return builtins_dir_of_locals(vm);
  Ref method = NO_REF;
  Find find = cd_lookup_special(vm, args[0], N(__dir__), &method);
  if (find == FIND_MISSING) return cd_raise_type(vm, "object does not provide __dir__");
  if (find == FIND_ERROR) return NO_REF;
  Ref names = cd_call0(vm, method), list = names ? cd_list_from(vm, names) : NO_REF;
  cd_drop(vm, method);
  cd_drop(vm, names);
  return builtins_sort_names(vm, list);
}

// ---- objects ----

FUNCTION(builtins, callable, "callable(obj, /)",
         "Tell whether the object can be called, as functions and classes can.\n\nInstances of classes with a __call__() method are "
         "callable, too.")
{
  return cd_bool(cd_is_callable(vm, args[0]));
}

FUNCTION(builtins, id, "id(obj, /)", "Return the identity of an object: a number that no other object has while this one lives.")
{
  return cd_int_from_u64(vm, cd_bits(args[0]));
}

FUNCTION(builtins, hash, "hash(obj, /)", "Return the hash value of an object. Objects that compare equal have the same one.")
{
  int64_t hash;
  return cd_hash(vm, args[0], &hash) ? cd_int_from_i64(vm, hash) : NO_REF;
}

FUNCTION(builtins, repr, "repr(obj, /)", "Return the text form of an object, for programmers.") { return cd_repr(vm, args[0]); }

FUNCTION(builtins, ascii, "ascii(obj, /)", "Like repr(), with every character outside ASCII escaped by \\x, \\u or \\U.")
{
  return cd_ascii(vm, args[0]);
}

FUNCTION(builtins, format, "format(value, format_spec='', /)", "Return value.__format__(format_spec).")
{
  if (cd_bits(args[1]) && !cd_is_str(args[1])) return cd_raise_arg_type(vm, "format", "2", "str", args[1]);
  return cd_format(vm, args[0], args[1]);
}

FUNCTION(
  builtins, isinstance, "isinstance(obj, class_or_tuple, /)",
  "Tell whether the object is an instance of a class or of one of its subclasses.\n\nA tuple of classes, or X | Y, asks for any of them.")
{
  bool result;
  return cd_isinstance(vm, args[0], args[1], &result) ? cd_bool(result) : NO_REF;
}

FUNCTION(builtins, issubclass, "issubclass(cls, class_or_tuple, /)",
         "Tell whether the class derives from another or is the same.\n\nA tuple of classes, or X | Y, asks for any of them.")
{
  bool result;
  return cd_issubclass(vm, args[0], args[1], &result) ? cd_bool(result) : NO_REF;
}

// ---- characters ----

FUNCTION(builtins, chr, "chr(i, /)", "Return the string of one character with this code point; 0 <= i <= 0x10ffff.")
{
  int64_t c;
  Ref index = cd_index(vm, args[0]);
  if (!index) return NO_REF;
  bool fits = cd_int_fits_i64(index, &c);
  bool c_int = fits && c >= INT32_MIN && c <= INT32_MAX;
  bool negative = cd_int_sign(index) < 0;
  cd_drop(vm, index);
  if (!c_int)
    return cd_raise_overflow(vm, negative && fits ? "signed integer is less than minimum"
                                 : fits           ? "signed integer is greater than maximum"
                                                  : "Python int too large to convert to C long");
  if (c < 0 || c > 0x10FFFF) return cd_raise_value(vm, "chr() arg not in range(0x110000)");
  return cd_str_from_char(vm, (uint32_t)c);
}

FUNCTION(builtins, ord, "ord(c, /)", "Return the code point of a string of one character.")
{
  size_t size;
  if (cd_is_str(args[0])) {
    if ((size = cd_str_length(args[0])) == 1) return cd_from_small(cd_str_at(vm, args[0], 0));
  } else if (cd_is_bytes(args[0])) {
    if ((size = cd_bytes_size(args[0])) == 1) return cd_from_small((unsigned char)cd_bytes_data(args[0])[0]);
  } else if (cd_is_bytearray(args[0])) {
    ByteArray *array = cd_as_bytearray(args[0]);
    if ((size = array->size) == 1) return cd_from_small((unsigned char)array->data[0]);
  } else {
    return cd_raise_type(vm, "ord() expected string of length 1, but %T found", args[0]);
  }
  return cd_raise_type(vm, "ord() expected a character, but string of length %zu found", size);
}

BUILTIN_RAW(breakpoint, "breakpoint(*args, **kws)",
            "breakpoint(*args, **kws)\n\nCall sys.breakpointhook(*args, **kws), which by default starts the pdb debugger.")
{
  if (!cd_audit(vm, "builtins.breakpoint", 1, (Value[]){cd_from_small((int64_t)((uint64_t)(uintptr_t)vm->builtins >> 3))})) return NO_REF;
  Ref hook = cd_dup(cd_sys_get_borrow(vm, "breakpointhook"));
  if (!hook) return cd_raise_runtime(vm, "lost sys.breakpointhook");
  Ref result = cd_call(vm, hook, args, nargs, kwnames);
  cd_drop(vm, hook);
  return result;
}

// ---- the module ----

static const MethodDef *const builtins_functions[] = {
  &builtins_all_def,      &builtins_any_def,     &builtins_aiter_def,      &builtins_anext_def,
  &builtins_iter_def,     &builtins_next_def,    &builtins_len_def,        &builtins_sorted_def,
  &builtins_getattr_def,  &builtins_hasattr_def, &builtins_setattr_def,    &builtins_delattr_def,
  &builtins_globals_def,  &builtins_locals_def,  &builtins_vars_def,       &builtins_dir_def,
  &builtins_callable_def, &builtins_id_def,      &builtins_hash_def,       &builtins_repr_def,
  &builtins_ascii_def,    &builtins_format_def,  &builtins_isinstance_def, &builtins_issubclass_def,
  &builtins_chr_def,      &builtins_ord_def,     &builtins_breakpoint_def, NULL,
};

static bool builtins_add_functions(VM *vm, Value module, const MethodDef *const *functions)
{
  for (; *functions; functions++)
    if (!cd_module_add(vm, module, (*functions)->name, cd_native_new(vm, *functions, module, ((Module *)cd_object(module))->name)))
      return false;
  return true;
}

static bool builtins_add_types(VM *vm, Value module)
{
  const struct { const char *name; Type *type; } types[] = {
    {"bool", vm->types.bool_}, {"memoryview", vm->types.memoryview}, {"bytearray", vm->types.bytearray}, {"bytes", vm->types.bytes},
    {"classmethod", vm->types.classmethod}, {"complex", vm->types.complex}, {"dict", vm->types.dict}, {"enumerate", vm->types.enumerate},
    {"filter", vm->types.filter}, {"float", vm->types.float_}, {"frozenset", vm->types.frozenset}, {"property", vm->types.property},
    {"int", vm->types.int_}, {"list", vm->types.list}, {"map", vm->types.map}, {"object", vm->types.object}, {"range", vm->types.range},
    {"reversed", vm->types.reversed}, {"set", vm->types.set}, {"slice", vm->types.slice}, {"staticmethod", vm->types.staticmethod},
    {"str", vm->types.str}, {"super", vm->types.super}, {"tuple", vm->types.tuple}, {"type", vm->types.type}, {"zip", vm->types.zip},
  };
  for (size_t i = 0; i < ARRAY_LEN(types); i++)
    if (!cd_module_add(vm, module, types[i].name, cd_dup(cd_type_value(types[i].type)))) return false;
#define EXCEPTION(name, base, layout, doc) if (!cd_module_add(vm, module, #name, cd_dup(cd_type_value(vm->exc.name)))) return false;
#include "core/exceptions.def"
#undef EXCEPTION
  return cd_module_add(vm, module, "EnvironmentError", cd_dup(cd_type_value(vm->exc.OSError))) &&
         cd_module_add(vm, module, "IOError", cd_dup(cd_type_value(vm->exc.OSError)));
}

static bool builtins_fill(VM *vm, Value module)
{
  return builtins_add_functions(vm, module, cd_builtins_run_functions) && builtins_add_functions(vm, module, builtins_functions) &&
         builtins_add_functions(vm, module, cd_builtins_io_functions) && builtins_add_functions(vm, module, cd_builtins_number_functions) &&
         cd_module_add(vm, module, "None", cd_none()) && cd_module_add(vm, module, "Ellipsis", cd_ellipsis()) &&
         cd_module_add(vm, module, "NotImplemented", cd_not_implemented()) && cd_module_add(vm, module, "False", cd_false()) &&
         cd_module_add(vm, module, "True", cd_true()) && builtins_add_types(vm, module) &&
         cd_module_add(vm, module, "__debug__", cd_bool(vm->config.optimize == 0));
}

const ModuleDef cd_module_builtins = {
  .name = "builtins",
  .doc = "Functions, exceptions and other objects that are there without an import.",
  .exec = builtins_fill,
};
