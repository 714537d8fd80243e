// SPDX-License-Identifier: MIT
// _warnings.c: warnings: where they come from, which are shown, and how
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"
#include "vm/vm_api.h"

#include <stdio.h>

// The Python module `warnings` shares the three objects and may replace them; what it has counts once it is imported.
typedef struct WarningsState {
  Value filters;                                 // list of (action, message, category, module, line), owned
  Value once_registry;                           // dict, owned
  Value default_action;                          // str, owned
  int64_t filters_version;                       // registries of another version are out of date
  bool options_read;                             // sys.warnoptions was given to the module `warnings`
} WarningsState;

static WarningsState *warnings_state(VM *vm) { return cd_state(vm, MODULE__warnings); }

// ---- the Python module ----

// warnings.<name>, a new reference. NO_REF without an exception: not there.
static Ref warnings_attribute(VM *vm, const char *name, bool import)
{
  Ref module = import && !vm->finalizing
                 ? cd_import(vm, "warnings")
                 : cd_dup(cd_is_dict(vm->modules) ? cd_dict_get_text_borrow(vm, vm->modules, "warnings") : NO_VALUE);
  if (!module) {
    if (cd_swallow(vm, vm->exc.ImportError)) {}
    return NO_REF;
  }
  if (cd_is_none(module)) return NO_REF;
  Ref key = cd_intern(vm, name), value = NO_REF;
  if (key && cd_getattr_find(vm, module, key, &value) != FIND_HIT) value = NO_REF;
  cd_drop(vm, key);
  cd_drop(vm, module);
  return value;
}

// Options -W take effect when `warnings` is imported: see to that before the first warning.
static bool warnings_read_options(VM *vm)
{
  WarningsState *state = warnings_state(vm);
  if (state->options_read || vm->finalizing) return true;        // nothing can be imported at the end
  state->options_read = true;
  Value options = cd_sys_get_borrow(vm, "warnoptions");
  if (!cd_bits(options) || !cd_is_list(options) || !cd_list_size(options) || !vm->started) return true;
  Ref module = cd_import(vm, "warnings");
  if (!module) return cd_swallow(vm, vm->exc.ImportError);
  cd_drop(vm, module);
  return true;
}

// ---- registries: which warnings a module has given ----

// Has it been given? `set` notes it. A registry of an older version is emptied.
static bool registry_check(VM *vm, Value registry, Value key, bool set, bool *given)
{
  WarningsState *state = warnings_state(vm);
  Ref version = NO_REF, entry = NO_REF;
  *given = false;
  Ref version_key = cd_intern(vm, "version");
  Find find = version_key ? cd_dict_find(vm, registry, version_key, &version) : FIND_ERROR;
  bool ok = find != FIND_ERROR;
  bool current = find == FIND_HIT && cd_is_small(version) && cd_small(version) == state->filters_version;
  cd_drop(vm, version);
  if (ok && !current) {
    cd_dict_clear(vm, registry);
    ok = cd_dict_set(vm, registry, version_key, cd_from_small(state->filters_version));
  } else if (ok) {
    find = cd_dict_find(vm, registry, key, &entry);
    ok = find != FIND_ERROR && (find == FIND_MISSING || cd_truth(vm, entry, given));
    cd_drop(vm, entry);
  }
  cd_drop(vm, version_key);
  return ok && (*given || !set || cd_dict_set(vm, registry, key, cd_true()));
}

static bool registry_note_text(VM *vm, Value registry, Value text, Value category, bool *given)
{
  Ref key = cd_tuple2(vm, text, category);
  bool ok = key && registry_check(vm, registry, key, true, given);
  cd_drop(vm, key);
  return ok;
}

// ---- filters ----

// None matches all, a plain str itself; anything else is a compiled pattern.
static bool filter_matches(VM *vm, Value pattern, Value text, bool *out)
{
  if (cd_is_none(pattern)) { *out = true; return true; }
  if (cd_is_exact(pattern, vm->types.str)) return cd_equal(vm, pattern, text, out);
  Ref name = cd_intern(vm, "match"), result = name ? cd_call_method1(vm, pattern, name, text) : NO_REF;
  bool ok = result && cd_truth(vm, result, out);
  cd_drop(vm, name);
  cd_drop(vm, result);
  return ok;
}

static bool filter_applies(VM *vm, Value filter, Value category, Value text, int64_t line, Value module, bool *out)
{
  bool match = false;
  *out = false;
  if (!filter_matches(vm, cd_tuple_item_borrow(filter, 1), text, &match)) return false;
  if (!match) return true;
  if (!filter_matches(vm, cd_tuple_item_borrow(filter, 3), module, &match)) return false;
  if (!match) return true;
  if (!cd_issubclass(vm, category, cd_tuple_item_borrow(filter, 2), &match)) return false;
  if (!match) return true;
  int64_t wanted;
  if (!cd_to_i64(vm, cd_tuple_item_borrow(filter, 4), &wanted, vm->exc.OverflowError)) return false;
  *out = wanted == 0 || wanted == line;
  return true;
}

// What `warnings` had last stays in force when it has it no more.
static Ref warnings_keep(VM *vm, Value *slot, Ref current)
{
  cd_replace(vm, slot, cd_dup(current));
  return current;
}

static Ref filter_default_action(VM *vm)
{
  Ref action = warnings_attribute(vm, "defaultaction", false);
  if (!action) return cd_raised(vm) ? NO_REF : cd_dup(warnings_state(vm)->default_action);
  if (cd_is_str(action)) return warnings_keep(vm, &warnings_state(vm)->default_action, action);
  cd_raise_type(vm, "_warnings.defaultaction must be a string, not '%T'", action);
  cd_drop(vm, action);
  return NO_REF;
}

// The action for a warning, a new reference; *item gets the filter that said so, or None.
static Ref filter_action(VM *vm, Value category, Value text, int64_t line, Value module, Ref *item)
{
  Ref filters = warnings_attribute(vm, "filters", false), action = NO_REF;
  if (!filters) {
    if (cd_raised(vm)) return NO_REF;
    filters = cd_dup(warnings_state(vm)->filters);
  }
  if (!cd_is_list(filters)) { cd_raise_value(vm, "_warnings.filters must be a list"); goto done; }
  warnings_keep(vm, &warnings_state(vm)->filters, filters);
  for (size_t i = 0; i < cd_list_size(filters); i++) {
    Ref filter = cd_dup(cd_list_item_borrow(filters, i));
    bool applies = false, ok = true;
    if (!cd_is_tuple(filter) || cd_tuple_size(filter) != 5) ok = cd_raise_value(vm, "_warnings.filters item %zu isn't a 5-tuple", i);
    else if (!cd_is_str(cd_tuple_item_borrow(filter, 0)))
      ok = cd_raise_type(vm, "action must be a string, not '%T'", cd_tuple_item_borrow(filter, 0));
    else ok = filter_applies(vm, filter, category, text, line, module, &applies);
    if (ok && applies) {
      action = cd_dup(cd_tuple_item_borrow(filter, 0));
      *item = filter;
      goto done;
    }
    cd_drop(vm, filter);
    if (!ok) goto done;
  }
  if ((action = filter_default_action(vm))) *item = cd_none();
done:
  cd_drop(vm, filters);
  return action;
}

// ---- showing ----

// Without the Python module: "file:line: Category: text" and the source line.
static bool warning_show_plain(VM *vm, Value filename, int64_t line, Value text, Value category, Value source_line)
{
  Ref name = cd_getattr(vm, category, N(__name__));
  if (!name) return false;
  cd_sys_write_stderr(vm, "%U:%lld: %S: %S\n", filename, (long long)line, name, text);
  cd_drop(vm, name);
  if (!cd_bits(source_line) || !cd_is_str(source_line)) return cd_show_source_line(vm, filename, (int)line);
  const char *data = cd_str_data(source_line);
  while (*data == ' ' || *data == '\t' || *data == '\f') data++;
  cd_sys_write_stderr(vm, "  %s\n", data);
  return true;
}

typedef struct Warning {
  Value category, text, message;                 // message: the Warning instance
  Value filename, module, registry;              // registry dict, or NO_VALUE
  int64_t line;
  Value source_line, source;                     // or NO_VALUE
} Warning;

static bool warning_show(VM *vm, const Warning *w)
{
  Ref show = warnings_attribute(vm, "_showwarnmsg", cd_bits(w->source) != 0);
  if (!show) return !cd_raised(vm) && warning_show_plain(vm, w->filename, w->line, w->text, w->category, w->source_line);
  Ref class_ = NO_REF, message = NO_REF, result = NO_REF;
  if (!cd_is_callable(vm, show)) {
    cd_raise_type(vm, "warnings._showwarnmsg() must be set to a callable");
  } else if (!(class_ = warnings_attribute(vm, "WarningMessage", false))) {
    if (!cd_raised(vm)) cd_raise_runtime(vm, "unable to get warnings.WarningMessage");
  } else {
    Value args[7] = {
      w->message, w->category, w->filename, cd_from_small(w->line), cd_none(), cd_none(), cd_bits(w->source) ? w->source : cd_none()};
    message = cd_call(vm, class_, args, 7, NO_VALUE);
    result = message ? cd_call1(vm, show, message) : NO_REF;
  }
  cd_drop(vm, class_);
  cd_drop(vm, message);
  cd_drop(vm, show);
  cd_drop(vm, result);
  return result != NO_REF;
}

// Notes the warning in its registry as its action wants it. *given: it was shown before.
static bool warning_register(VM *vm, const Warning *w, Value action, Value item, Value key, bool *given)
{
  *given = false;
  if (cd_str_is(action, "always")) return true;
  if (cd_bits(w->registry) && !cd_dict_set(vm, w->registry, key, cd_true())) return false;
  if (cd_str_is(action, "once")) {
    Ref registry = warnings_attribute(vm, "onceregistry", false);
    if (!registry) {
      if (cd_raised(vm)) return false;
      registry = cd_dup(warnings_state(vm)->once_registry);
    }
    if (cd_is_dict(registry)) warnings_keep(vm, &warnings_state(vm)->once_registry, registry);
    bool ok = cd_is_dict(registry) ? registry_note_text(vm, registry, w->text, w->category, given)
                                   : (bool)cd_raise_type(vm, "_warnings.onceregistry must be a dict, not '%T'", registry);
    cd_drop(vm, registry);
    return ok;
  }
  if (cd_str_is(action, "module")) return !cd_bits(w->registry) || registry_note_text(vm, w->registry, w->text, w->category, given);
  return cd_str_is(action, "default") || cd_raise_runtime(vm, "Unrecognized action (%R) in warnings.filters:\n %R", action, item);
}

static bool warning_decide(VM *vm, const Warning *w)
{
  Ref key = cd_tuple3(vm, w->text, w->category, cd_from_small(w->line)), action = NO_REF, item = NO_REF;
  bool given = false, ok = key != NO_REF;
  if (ok && cd_bits(w->registry)) ok = registry_check(vm, w->registry, key, false, &given);
  if (!ok || given) goto done;
  if (!(action = filter_action(vm, w->category, w->text, w->line, w->module, &item))) { ok = false; goto done; }
  if (cd_str_is(action, "error")) {
    cd_raise_exception(vm, cd_dup(w->message));
    ok = false;
  } else if (!cd_str_is(action, "ignore")) {
    ok = warning_register(vm, w, action, item, key, &given);
    if (ok && !given) ok = warning_show(vm, w);
  }
done:
  cd_drop(vm, key);
  cd_drop(vm, action);
  cd_drop(vm, item);
  return ok;
}

// message: text or a Warning, whose class then counts as category. module NO_VALUE: made from the file name.
static bool warning_give(VM *vm, Value category, Value message, Value filename, int64_t line, Value module, Value registry,
                         Value source_line, Value source)
{
  Ref text = NO_REF, instance = NO_REF, own_module = NO_REF;
  if (cd_bits(registry) && cd_is_none(registry)) return true;
  if (cd_bits(registry) && !cd_is_dict(registry)) return cd_raise_type(vm, "'registry' must be a dict or None");
  if (!warnings_read_options(vm)) return false;
  bool ok = true;
  if (!cd_bits(module)) {
    size_t size = cd_str_size(filename);
    const char *data = cd_str_data(filename);
    if (size == 0) own_module = cd_str_from(vm, "<unknown>");
    else own_module = cd_str_new(vm, data, size > 3 && !memcmp(data + size - 3, ".py", 3) ? size - 3 : size);
    module = own_module;
    ok = cd_bits(own_module) != 0;
  }
  if (ok && cd_is_instance_of(vm, message, vm->exc.Warning)) {
    instance = cd_dup(message);
    text = cd_str(vm, message);
    category = cd_type_value(cd_type_of(vm, message));
  } else if (ok) {
    text = cd_dup(message);
    instance = cd_call1(vm, category, message);
  }
  if (ok && text && instance) {
    Warning w = {category, text, instance, filename, module, registry, line, source_line, source};
    ok = warning_decide(vm, &w);
  } else {
    ok = false;
  }
  cd_drop(vm, text);
  cd_drop(vm, instance);
  cd_drop(vm, own_module);
  return ok;
}

// ---- finding the place ----

// Frames of importlib do not count for stacklevel.
static bool warning_internal_frame(const Frame *frame)
{
  const char *name = frame->code && cd_is_str(frame->code->filename) ? cd_str_data(frame->code->filename) : "";
  return strstr(name, "importlib") && strstr(name, "_bootstrap");
}

static Frame *warning_next_external(Frame *frame)
{
  do frame = frame->back;
  while (frame && warning_internal_frame(frame));
  return frame;
}

static Frame *warning_frame(VM *vm, int64_t stacklevel)
{
  Frame *frame = vm->thread->frame;
  if (stacklevel <= 0 || (frame && warning_internal_frame(frame))) {
    while (--stacklevel > 0 && frame) frame = frame->back;
  } else {
    while (--stacklevel > 0 && frame) frame = warning_next_external(frame);
  }
  return frame;
}

static bool warning_from_frame(VM *vm, Value category, Value message, int64_t stacklevel, Value source)
{
  Frame *frame = warning_frame(vm, stacklevel);
  Value globals = frame ? frame->globals : vm->sys_dict;
  Ref filename = frame ? cd_dup(frame->code->filename) : cd_dup(N(sys)), registry = NO_REF, module = NO_REF;
  int line = frame ? cd_frame_line(frame) : 1;
  bool ok = false;
  if (!filename) return false;
  Find find = cd_dict_find(vm, globals, N(__warningregistry__), &registry);
  if (find == FIND_ERROR) goto done;
  if (find == FIND_MISSING && (!(registry = cd_dict_new(vm)) || !cd_dict_set(vm, globals, N(__warningregistry__), registry))) goto done;
  find = cd_dict_find(vm, globals, N(__name__), &module);
  if (find == FIND_ERROR) goto done;
  if (find == FIND_MISSING || (!cd_is_none(module) && !cd_is_str(module))) cd_drop(vm, module), module = cd_dup(N(angle_string));
  ok = warning_give(vm, category, message, filename, line, module, registry, NO_VALUE, source);
done:
  cd_drop(vm, filename);
  cd_drop(vm, registry);
  cd_drop(vm, module);
  return ok;
}

static bool warnings_hook(VM *vm, Type *category, Value message, int stacklevel, Value source)
{
  if (!vm->module_state || !cd_state(vm, MODULE__warnings)) return true;
  return warning_from_frame(vm, cd_type_value(category), message, stacklevel, source);
}

// ---- functions ----

static bool warnings_category(VM *vm, Value message, Value *category)
{
  if (cd_is_instance_of(vm, message, vm->exc.Warning)) {
    *category = cd_type_value(cd_type_of(vm, message));
    return true;
  }
  if (!cd_bits(*category) || cd_is_none(*category)) *category = cd_type_value(vm->exc.UserWarning);
  bool subclass = false;
  if (cd_is_type(*category) && !cd_issubclass(vm, *category, cd_type_value(vm->exc.Warning), &subclass)) return false;
  return subclass || cd_raise_type(vm, "category must be a Warning subclass, not '%T'", *category);
}

FUNCTION(warnings, warn, "warn(message, category=None, stacklevel=1, source=None)",
         "Give a warning: show it, ignore it or raise it as an exception, as the filters say.")
{
  Value category = args[1], source = cd_bits(args[3]) && !cd_is_none(args[3]) ? args[3] : NO_VALUE;
  int64_t stacklevel = 1;
  if (cd_bits(args[2]) && !cd_to_i64(vm, args[2], &stacklevel, vm->exc.OverflowError)) return NO_REF;
  if (!warnings_category(vm, args[0], &category)) return NO_REF;
  return warning_from_frame(vm, category, args[0], stacklevel, source) ? cd_none() : NO_REF;
}

// Line `line` of the module's source as its loader has it; None or NO_REF without an exception: not to be had.
static Ref warnings_source_line(VM *vm, Value globals, int64_t line)
{
  Ref loader = NO_REF, name = NO_REF, source = NO_REF, result = NO_REF, get = NO_REF, lines = NO_REF;
  Find found = cd_dict_find(vm, globals, N(__loader__), &loader);
  if (found == FIND_HIT) found = cd_dict_find(vm, globals, N(__name__), &name);
  Ref key = cd_intern(vm, "get_source");
  if (found == FIND_HIT && key && cd_getattr_find(vm, loader, key, &get) == FIND_HIT) source = cd_call1(vm, get, name);
  if (source && cd_is_str(source)) {
    Ref split = cd_intern(vm, "splitlines"), plain = split ? cd_str_exact(vm, source) : NO_REF;
    lines = plain ? cd_call_method0(vm, plain, split) : NO_REF;
    cd_drop(vm, plain);
    cd_drop(vm, split);
    if (lines && cd_is_list(lines) && line >= 1 && (size_t)line <= cd_list_size(lines))
      result = cd_dup(cd_list_item_borrow(lines, (size_t)line - 1));
    else if (lines) cd_raise_index(vm, "list index out of range");
  }
  cd_drop(vm, key);
  cd_drop(vm, loader);
  cd_drop(vm, name);
  cd_drop(vm, get);
  cd_drop(vm, source);
  cd_drop(vm, lines);
  return result;
}

FUNCTION(warnings, warn_explicit,
         "warn_explicit(message, category, filename, lineno, module=None, registry=None, module_globals=None, source=None)",
         "Give a warning with its place told by the caller: file, line, module, and the dict in which the\nmodule's warnings are noted.")
{
  Value source = cd_bits(args[7]) && !cd_is_none(args[7]) ? args[7] : NO_VALUE,
        module = cd_bits(args[4]) && !cd_is_none(args[4]) ? args[4] : NO_VALUE;
  Value category = args[1];
  int line;
  if (!cd_is_str(args[2])) return cd_raise_arg_type(vm, "warn_explicit", "3", "str", args[2]);
  if (!cd_to_c_int(vm, args[3], &line)) return NO_REF;
  if (!cd_is_instance_of(vm, args[0], vm->exc.Warning) && !warnings_category(vm, args[0], &category)) return NO_REF;
  Ref source_line = NO_REF;
  if (cd_bits(args[6]) && !cd_is_none(args[6])) {
    if (!cd_is_dict(args[6])) return cd_raise_type(vm, "module_globals must be a dict, not '%T'", args[6]);
    source_line = warnings_source_line(vm, args[6], line);
    if (cd_raised(vm)) return NO_REF;
  }
  bool ok = warning_give(vm, category, args[0], args[2], line, module, args[5], source_line, source);
  cd_drop(vm, source_line);
  return ok ? cd_none() : NO_REF;
}

FUNCTION(warnings, _filters_mutated, "_filters_mutated()", "Tell that the list of filters was changed.")
{
  warnings_state(vm)->filters_version++;
  return cd_none();
}

static const MethodDef *const warnings_functions[] = {&warnings_warn_def, &warnings_warn_explicit_def, &warnings__filters_mutated_def,
                                                      NULL};

// ---- the module ----

static bool warnings_add_filter(VM *vm, Value list, const char *action, Type *category, const char *module)
{
  Ref name = cd_intern(vm, action), place = module ? cd_intern(vm, module) : cd_none(), tuple = NO_REF;
  if (name && place) {
    Value items[5] = {name, cd_none(), cd_type_value(category), place, cd_from_small(0)};
    tuple = cd_tuple_of(vm, 5, items);
  }
  cd_drop(vm, name);
  cd_drop(vm, place);
  return tuple && cd_list_append_steal(vm, cd_as_list(list), tuple);
}

static bool warnings_exec(VM *vm, Value module)
{
  WarningsState *state = warnings_state(vm);
  if (!cd_bits(state->filters)) {
    if (!(state->filters = cd_list_new(vm)) || !(state->once_registry = cd_dict_new(vm)) ||
        !(state->default_action = cd_intern(vm, "default")))
      return false;
    if (!warnings_add_filter(vm, state->filters, "default", vm->exc.DeprecationWarning, "__main__") ||
        !warnings_add_filter(vm, state->filters, "ignore", vm->exc.DeprecationWarning, NULL) ||
        !warnings_add_filter(vm, state->filters, "ignore", vm->exc.PendingDeprecationWarning, NULL) ||
        !warnings_add_filter(vm, state->filters, "ignore", vm->exc.ImportWarning, NULL) ||
        !warnings_add_filter(vm, state->filters, "ignore", vm->exc.ResourceWarning, NULL))
      return false;
    vm->warn = warnings_hook;
  }
  return cd_module_add(vm, module, "filters", cd_dup(state->filters)) &&
         cd_module_add(vm, module, "_onceregistry", cd_dup(state->once_registry)) &&
         cd_module_add(vm, module, "_defaultaction", cd_dup(state->default_action));
}

static void warnings_clear(VM *vm, void *state_)
{
  WarningsState *state = state_;
  vm->warn = NULL;
  cd_clear(vm, &state->filters);
  cd_clear(vm, &state->once_registry);
  cd_clear(vm, &state->default_action);
}

const ModuleDef cd_module__warnings = {
  .name = "_warnings",
  .doc = "What warnings.py needs quickly, and warnings that native code gives.",
  .functions = warnings_functions,
  .state_size = sizeof(WarningsState),
  .exec = warnings_exec,
  .clear = warnings_clear,
};
