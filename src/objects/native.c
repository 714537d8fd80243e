// SPDX-License-Identifier: MIT
// native.c: functions written in C: their signatures, argument binding, and the objects that show them
#include "objects/dict.h"
#include "objects/function.h"
#include "objects/module.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGNATURE_MAX 40

// How CPython would have declared the function; decides the words of its error messages.
typedef enum { STYLE_NO_ARGS, STYLE_ONE, STYLE_POSITIONAL, STYLE_KEYWORDS } SignatureStyle;

// A parsed signature. Entries of the bound array: positional parameters, *args, keyword-only ones, **kwargs, as written.
struct Signature {
  uint32_t exact;                                // must be first: SignatureHead
  const char *name;                              // bare: "append"
  const char *display;                           // for messages: "list.append", "math.sqrt", "len"
  SignatureStyle style;
  uint32_t count;                                // entries
  uint32_t positional, posonly;
  uint32_t required;                             // leading positional parameters without default
  int32_t varargs, varkw;                        // entry, or -1
  bool simple;                                   // only positional parameters
  struct { Value name; bool required; } parameters[];   // names interned, owned
};

typedef struct BindCacheEntry { const void *key; Signature *signature; } BindCacheEntry;
typedef struct BindCache { BindCacheEntry *entries; uint32_t count, mask; } BindCache;

// ---- parsing ----

static const char *signature_skip_space(const char *p)
{
  while (isspace((unsigned char)*p)) p++;
  return p;
}

// End of a parameter: the comma or closing parenthesis at this level.
static const char *signature_parameter_end(const char *p)
{
  int depth = 0;
  for (; *p; p++) {
    if (*p == '\'' || *p == '"') {
      char quote = *p++;
      while (*p && *p != quote) p += *p == '\\' && p[1] ? 2 : 1;
      if (!*p) return p;
    } else if (strchr("([{", *p)) {
      depth++;
    } else if (strchr(")]}", *p)) {
      if (!depth--) return p;
    } else if (*p == ',' && !depth) {
      return p;
    }
  }
  return p;
}

static bool signature_add(VM *vm, Signature *s, const char *start, size_t size, bool required)
{
  if (s->count == SIGNATURE_MAX) return cd_raise_system(vm, "too many parameters in '%s'", s->name);
  Ref name = cd_intern_size(vm, start, size);
  if (!name) return false;
  s->parameters[s->count].name = name;
  s->parameters[s->count++].required = required;
  return true;
}

static bool signature_parse_parameters(VM *vm, Signature *s, const char *p, bool skip_first)
{
  bool keyword_only = false, first = true, defaulted = false;
  for (p = signature_skip_space(p); *p && *p != ')'; p = signature_skip_space(p)) {
    const char *end = signature_parameter_end(p), *name = p;
    while (*name == '*') name++;
    size_t stars = (size_t)(name - p), size = strcspn(name, " =,:)");
    bool required = !memchr(name, '=', (size_t)(end - name));
    if (*p == '/') {
      s->posonly = s->count;
    } else if (first && skip_first) {
      first = false;
    } else if (stars == 2) {
      s->varkw = (int32_t)s->count;
      if (!signature_add(vm, s, name, size, false)) return false;
    } else if (stars == 1 && size) {
      s->varargs = (int32_t)s->count;
      keyword_only = true;
      if (!signature_add(vm, s, name, size, false)) return false;
    } else if (stars == 1) {
      keyword_only = true;
    } else {
      if (!signature_add(vm, s, name, size, required)) return false;
      if (!keyword_only) {
        s->positional = s->count;
        if (!required) defaulted = true;
        if (!defaulted) s->required = s->count;
      }
    }
    first = false;
    p = *end == ',' ? end + 1 : end;
  }
  return true;
}

static void signature_choose_style(Signature *s, bool constructor)
{
  s->simple = s->positional == s->count;
  s->exact = s->simple ? s->count : UINT32_MAX;
  bool only_positional = s->posonly == s->positional && (s->count == s->positional || (s->varargs >= 0 && s->count == s->positional + 1));
  if (!only_positional) s->style = STYLE_KEYWORDS;
  else if (!s->count) s->style = STYLE_NO_ARGS;
  else if (s->count == 1 && s->required == 1 && !constructor) s->style = STYLE_ONE;
  else s->style = STYLE_POSITIONAL;
}

// "list.append" for a method, "math.sqrt" for a module's function, bare in builtins.
static char *signature_display(VM *vm, const char *name, size_t size, Value self, Type *type)
{
  const char *owner = type ? cd_str_data(type->qualname) : NULL;
  if (!type && self && cd_is_object(self) && cd_type_is_subtype(cd_object(self)->type, vm->types.module)) {
    Value module = ((Module *)cd_object(self))->name;
    if (module && cd_is_str(module) && !cd_str_is(module, "builtins")) owner = cd_str_data(module);
  }
  size_t room = size + (owner ? strlen(owner) + 1 : 0) + 1;
  char *text = cd_alloc(vm, room);
  if (text && owner) snprintf(text, room, "%s.%.*s", owner, (int)size, name);
  else if (text) snprintf(text, room, "%.*s", (int)size, name);
  return text;
}

static Signature *signature_parse(VM *vm, const char *text, Value self, Type *type, bool skip_first, bool constructor)
{
  size_t name_size = strcspn(text, "(");
  size_t room = sizeof(Signature) + SIGNATURE_MAX * sizeof(((Signature *)0)->parameters[0]);
  Signature *s = cd_alloc_zeroed(vm, room);
  char *name = s ? cd_alloc(vm, name_size + 1) : NULL;
  if (!name) return NULL;
  memcpy(name, text, name_size);
  name[name_size] = 0;
  s->name = name;
  s->varargs = s->varkw = -1;
  if (!(s->display = signature_display(vm, text, name_size, self, type))) return NULL;
  if (text[name_size] && !signature_parse_parameters(vm, s, text + name_size + 1, skip_first)) return NULL;
  signature_choose_style(s, constructor);
  size_t used = sizeof(Signature) + s->count * sizeof s->parameters[0];
  Signature *fitted = cd_realloc(vm, s, room, used);
  return fitted ? fitted : s;
}

// ---- the cache: by address of the description ----

static uint32_t bind_cache_hash(const void *key) { return (uint32_t)(((uintptr_t)key >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> 40); }

static Signature *bind_cache_find(VM *vm, const void *key)
{
  BindCache *cache = vm->bind_cache;
  if (!cache) return NULL;
  for (uint32_t i = bind_cache_hash(key) & cache->mask; cache->entries[i].key; i = (i + 1) & cache->mask)
    if (cache->entries[i].key == key) return cache->entries[i].signature;
  return NULL;
}

static void bind_cache_insert(BindCacheEntry *entries, uint32_t mask, BindCacheEntry entry)
{
  uint32_t i = bind_cache_hash(entry.key) & mask;
  while (entries[i].key) i = (i + 1) & mask;
  entries[i] = entry;
}

static bool bind_cache_add(VM *vm, const void *key, Signature *signature)
{
  BindCache *cache = vm->bind_cache;
  if (!cache) {
    if (!(cache = cd_alloc_zeroed(vm, sizeof *cache))) return false;
    if (!(cache->entries = cd_alloc_zeroed(vm, 256 * sizeof(BindCacheEntry)))) {
      cd_free(vm, cache, sizeof *cache);
      return false;
    }
    cache->mask = 255;
    vm->bind_cache = cache;
  }
  if (cache->count * 3 > cache->mask * 2) {
    uint32_t mask = cache->mask * 2 + 1;
    BindCacheEntry *grown = cd_alloc_zeroed(vm, (mask + 1) * sizeof *grown);
    if (!grown) return false;
    for (uint32_t i = 0; i <= cache->mask; i++)
      if (cache->entries[i].key) bind_cache_insert(grown, mask, cache->entries[i]);
    cd_free(vm, cache->entries, (cache->mask + 1) * sizeof(BindCacheEntry));
    cache->entries = grown;
    cache->mask = mask;
  }
  bind_cache_insert(cache->entries, cache->mask, (BindCacheEntry){key, signature});
  cache->count++;
  return true;
}

static NO_INLINE const Signature *signature_of(VM *vm, const MethodDef *def, Value self, Type *type)
{
  Signature *s = bind_cache_find(vm, def);
  if (s) return s;
  bool skip_first = type && !(def->flags & METHOD_STATIC);
  if (!(s = signature_parse(vm, def->signature, self, type, skip_first, false))) return NULL;
  return bind_cache_add(vm, def, s) ? s : NULL;
}

// ---- binding ----

static bool bind_wrong_count(VM *vm, const Signature *s, size_t nargs)
{
  if (s->style == STYLE_NO_ARGS) return cd_raise_type(vm, "%s() takes no arguments (%zu given)", s->display, nargs);
  if (s->style == STYLE_ONE) return cd_raise_type(vm, "%s() takes exactly one argument (%zu given)", s->display, nargs);
  return cd_check_positional(vm, s->name, nargs, s->required, s->positional);
}

static bool bind_too_many(VM *vm, const Signature *s, size_t nargs, size_t nkw)
{
  if (s->style != STYLE_KEYWORDS) return bind_wrong_count(vm, s, nargs);
  if (nargs + nkw > s->count && s->varkw < 0)
    return cd_raise_type(vm, "%.200s() takes at most %u %sargument%s (%zu given)", s->name, s->count, nargs ? "" : "keyword ",
                         s->count == 1 ? "" : "s", nargs + nkw);
  if (!s->positional) return cd_raise_type(vm, "%.200s() takes no positional arguments", s->name);
  return cd_raise_type(vm, "%.200s() takes %s %u positional argument%s (%zu given)", s->name,
                       s->required < s->positional ? "at most" : "exactly", s->positional, s->positional == 1 ? "" : "s", nargs);
}

static int32_t bind_find_parameter(const Signature *s, Value name)
{
  for (uint32_t i = s->posonly; i < s->count; i++)
    if (cd_is(s->parameters[i].name, name) && (int32_t)i != s->varargs && (int32_t)i != s->varkw) return (int32_t)i;
  for (uint32_t i = s->posonly; i < s->count; i++)
    if ((int32_t)i != s->varargs && (int32_t)i != s->varkw && cd_str_equal(s->parameters[i].name, name)) return (int32_t)i;
  return -1;
}

// Spreads keyword arguments; *unknown is the first that fits no parameter, *twice the entry of one given by position too.
static bool bind_keywords(VM *vm, const Signature *s, const Value *values, Value kwnames, Value *out, Ref owned[2], Value *unknown,
                          int32_t *twice)
{
  for (size_t i = 0; i < cd_tuple_size(kwnames); i++) {
    Value name = cd_tuple_item_borrow(kwnames, i);
    int32_t at = bind_find_parameter(s, name);
    if (at >= 0) {
      if (out[at]) *twice = at;
      else out[at] = values[i];
    } else if (s->varkw >= 0) {
      if (!owned[1] && !(owned[1] = cd_dict_new(vm))) return false;
      if (!cd_dict_set(vm, owned[1], name, values[i])) return false;
      out[s->varkw] = owned[1];
    } else if (!*unknown) {
      *unknown = name;
    }
  }
  return true;
}

static bool bind_check_required(VM *vm, const Signature *s, const Value *out, size_t nargs)
{
  if (s->posonly && nargs < s->posonly && nargs < s->required) {
    uint32_t least = s->required < s->posonly ? s->required : s->posonly;
    if (s->style != STYLE_KEYWORDS) return bind_wrong_count(vm, s, nargs);
    return cd_raise_type(vm, "%.200s() takes %s %u positional argument%s (%zu given)", s->name,
                         s->varargs >= 0 || least < s->positional ? "at least" : "exactly", least, least == 1 ? "" : "s", nargs);
  }
  for (uint32_t i = 0; i < s->count; i++)
    if (s->parameters[i].required && !out[i])
      return cd_raise_type(vm, "%.200s() missing required argument '%U' (pos %u)", s->name, s->parameters[i].name, i + 1);
  return true;
}

bool cd_bind(VM *vm, const Signature *s, const Value *args, size_t nargs, Value kwnames, Value *out, Ref owned[2])
{
  size_t nkw = kwnames ? cd_tuple_size(kwnames) : 0;
  owned[0] = owned[1] = NO_REF;
  if (nkw && s->style != STYLE_KEYWORDS) return cd_raise_type(vm, "%.200s() takes no keyword arguments", s->display);
  if (nargs > s->positional && s->varargs < 0) return bind_too_many(vm, s, nargs, nkw);
  if (nargs + nkw > s->count && s->varargs < 0 && s->varkw < 0) return bind_too_many(vm, s, nargs, nkw);
  size_t direct = nargs < s->positional ? nargs : s->positional;
  for (size_t i = 0; i < direct; i++) out[i] = args[i];
  for (size_t i = direct; i < s->count; i++) out[i] = NO_VALUE;
  if (s->varargs >= 0) {
    if (!(owned[0] = cd_tuple_of(vm, nargs - direct, args + direct))) return false;
    out[s->varargs] = owned[0];
  }
  Value unknown = NO_VALUE;
  int32_t twice = -1;
  if (nkw && !bind_keywords(vm, s, args + nargs, kwnames, out, owned, &unknown, &twice)) goto fail;
  if (nargs < s->required || s->count > s->positional || nkw) {
    if (!bind_check_required(vm, s, out, nargs)) goto fail;
  }
  if (twice >= 0) {
    cd_raise_type(vm, "argument for %.200s() given by name ('%U') and position (%d)", s->name, s->parameters[twice].name, twice + 1);
    goto fail;
  }
  if (!unknown) return true;
  cd_raise_type(vm, "'%U' is an invalid keyword argument for %.200s()", unknown, s->name);

fail:
  cd_drop(vm, owned[0]);
  cd_drop(vm, owned[1]);
  owned[0] = owned[1] = NO_REF;
  return false;
}

bool cd_bind_text(VM *vm, const char *spec, const Value *args, size_t nargs, Value kwnames, Value *out, Ref owned[2])
{
  owned[0] = owned[1] = NO_REF;
  Signature *s = bind_cache_find(vm, spec);
  if (UNLIKELY(!s)) {
    if (!(s = signature_parse(vm, spec, NO_VALUE, NULL, false, true)) || !bind_cache_add(vm, spec, s)) return false;
  }
  return cd_bind(vm, s, args, nargs, kwnames, out, owned);
}

bool cd_no_keywords(VM *vm, const char *name, Value kwnames)
{
  return !kwnames || !cd_tuple_size(kwnames) || cd_raise_type(vm, "%s() takes no keyword arguments", name);
}

bool cd_check_positional(VM *vm, const char *name, size_t nargs, size_t min, size_t max)
{
  if (nargs >= min && nargs <= max) return true;
  const char *how = min == max ? "" : nargs < min ? "at least " : "at most ";
  size_t bound = nargs < min ? min : max;
  return cd_raise_type(vm, "%.200s expected %s%zu argument%s, got %zu", name, how, bound, bound == 1 ? "" : "s", nargs);
}

// Class methods name the class they are called on: "X.__init_subclass__() takes no keyword arguments".
static COLD Ref native_class_misuse(VM *vm, const Signature *s, Value self, const Value *args, size_t nargs, Value kwnames)
{
  Value bound[SIGNATURE_MAX];
  Ref owned[2], name = cd_str_format(vm, "%U.%s", cd_as_type(self)->qualname, s->name);
  size_t size = sizeof(Signature) + s->count * sizeof s->parameters[0];
  Signature *named = name ? cd_alloc(vm, size) : NULL;
  if (named) {
    memcpy(named, s, size);
    named->display = cd_str_data(name);
    if (cd_bind(vm, named, args, nargs, kwnames, bound, owned)) CD_ASSERT(false);
    cd_free(vm, named, size);
  }
  cd_drop(vm, name);
  return NO_REF;
}

static NO_INLINE Ref native_call_slow(VM *vm, const MethodDef *def, const Signature *s, Value self, const Value *args, size_t nargs,
                                      Value kwnames)
{
  Value bound[SIGNATURE_MAX];
  Ref owned[2];
  bool fits = nargs >= s->required && nargs <= s->positional && (!kwnames || !cd_tuple_size(kwnames));
  if (UNLIKELY(def->flags & METHOD_CLASS && !fits && s->simple && s->style != STYLE_KEYWORDS && cd_is_type(self)))
    return native_class_misuse(vm, s, self, args, nargs, kwnames);
  if (!cd_bind(vm, s, args, nargs, kwnames, bound, owned)) return NO_REF;
  Ref result = def->fn(vm, self, bound);
  cd_drop(vm, owned[0]);
  cd_drop(vm, owned[1]);
  return result;
}

Ref cd_native_bind_call(VM *vm, const MethodDef *def, const Signature **signature, Value self, Type *type, const Value *args, size_t nargs,
                        Value kwnames)
{
  if (def->flags & METHOD_RAW_ARGS) return def->raw(vm, self, args, nargs, kwnames);
  const Signature *s = *signature;
  if (UNLIKELY(!s) && !(s = *signature = signature_of(vm, def, self, type))) return NO_REF;
  if (LIKELY(s->simple && (!kwnames || !cd_tuple_size(kwnames)))) {
    if (LIKELY(nargs == s->count)) return def->fn(vm, self, args);
    if (nargs < s->count && nargs >= s->required) {
      Value bound[SIGNATURE_MAX];
      for (size_t i = 0; i < nargs; i++) bound[i] = args[i];
      for (size_t i = nargs; i < s->count; i++) bound[i] = NO_VALUE;
      return def->fn(vm, self, bound);
    }
  }
  return native_call_slow(vm, def, s, self, args, nargs, kwnames);
}

// ---- __text_signature__ ----

Ref cd_text_signature(VM *vm, const char *signature, const char *receiver)
{
  const char *open = signature ? strchr(signature, '(') : NULL;
  if (!open) return cd_none();
  if (!receiver) return cd_str_from(vm, open);
  const char *rest = signature_skip_space(open + 1);
  if (strcmp(receiver, "$module") != 0) {        // the first parameter is the receiver
    const char *end = signature_parameter_end(rest);
    return cd_str_format(vm, "(%s%s", receiver, end);
  }
  bool slash = strstr(open, "/,") || strstr(open, "/)");
  if (*rest == ')') return cd_str_from(vm, "($module, /)");
  return cd_str_format(vm, slash ? "($module, %s" : "($module, /, %s", rest);
}

static const char *native_receiver(const MethodDef *def, bool method)
{
  if (!method) return "$module";
  return def->flags & METHOD_STATIC ? NULL : def->flags & METHOD_CLASS ? "$type" : "$self";
}

static Ref native_signature_text(VM *vm, const MethodDef *def, bool method)
{
  if (def->flags & METHOD_NO_SIGNATURE) return cd_none();
  return cd_text_signature(vm, def->signature, native_receiver(def, method));
}

static Ref native_doc_text(VM *vm, const MethodDef *def) { return def->doc ? cd_str_from(vm, def->doc) : cd_none(); }

// ---- builtin_function_or_method ----

Ref cd_native_new(VM *vm, const MethodDef *def, Value self, Value module)
{
  Native *native = cd_object_new(vm, vm->types.native, sizeof *native);
  if (!native) return NO_REF;
  native->def = def;
  native->self = self ? cd_dup(self) : NO_REF;
  native->module = module ? cd_dup(module) : NO_REF;
  return cd_from_object(native);
}

static Ref native_bind(VM *vm, const MethodDescriptor *descriptor, Value self)
{
  Ref bound = cd_native_new(vm, descriptor->def, self, NO_VALUE);
  if (!bound) return NO_REF;
  Native *native = (Native *)cd_object(bound);
  native->signature = descriptor->signature;
  native->type = descriptor->type;               // kept alive by self's type
  return bound;
}

static Native *native_of(Value v) { return (Native *)cd_object(v); }

static bool native_is_function(VM *vm, const Native *native)
{
  if (native->def->flags & METHOD_STATIC && native->type) return false;
  return !native->self ||
         (cd_is_object(native->self) && !cd_is_type(native->self) && cd_type_is_subtype(cd_object(native->self)->type, vm->types.module));
}

static Ref native_call_slot(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  Native *native = native_of(callable);
  return cd_native_call(vm, native->def, &native->signature, native->self, native->type, args, nargs, kwnames);
}

static Ref native_repr_slot(VM *vm, Value self)
{
  Native *native = native_of(self);
  if (native_is_function(vm, native)) return cd_str_format(vm, "<built-in function %s>", native->def->name);
  Value receiver = native->self ? native->self : cd_type_value(native->type);
  char address[32];
  snprintf(address, sizeof address, "0x%llx", (unsigned long long)cd_bits(receiver));
  return cd_str_format(vm, "<built-in method %s of %s object at %s>", native->def->name, cd_type_name(cd_type_of(vm, receiver)), address);
}

static Ref native_compare_slot(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || !cd_is_exact(other, vm->types.native) || !cd_is_exact(self, vm->types.native))
    return cd_not_implemented();
  const Native *a = native_of(self), *b = native_of(other);
  bool equal = a->def == b->def && cd_is(a->self, b->self);
  return cd_bool(equal == (op == COMPARE_EQ));
}

static bool native_hash_slot(VM *vm, Value self, int64_t *out)
{
  const Native *native = native_of(self);
  *out = cd_hash_pointer((const void *)(uintptr_t)(cd_bits(native->self) ^ (uintptr_t)native->def));
  return true;
}

static Ref native_get_name(VM *vm, Value self) { return cd_intern(vm, native_of(self)->def->name); }
static Ref native_get_doc(VM *vm, Value self) { return native_doc_text(vm, native_of(self)->def); }
static Ref native_get_text_signature(VM *vm, Value self)
{
  Native *native = native_of(self);
  return native_signature_text(vm, native->def, !native_is_function(vm, native));
}
static Ref native_get_self(VM *vm, Value self)
{
  Native *native = native_of(self);
  if (native->self) return cd_dup(native->self);
  return native->type ? cd_dup_object(native->type) : cd_none();
}
static Ref native_get_qualname(VM *vm, Value self)
{
  Native *native = native_of(self);
  if (native_is_function(vm, native)) return cd_intern(vm, native->def->name);
  Type *type = !native->self ? native->type : cd_is_type(native->self) ? cd_as_type(native->self) : cd_type_of(vm, native->self);
  Ref qualname = cd_getattr(vm, cd_type_value(type), N(__qualname__));
  Ref text = NO_REF;
  if (qualname && !cd_is_str(qualname)) cd_raise_type(vm, "<method>.__class__.__qualname__ is not a unicode object");
  else if (qualname) text = cd_str_format(vm, "%U.%s", qualname, native->def->name);
  cd_drop(vm, qualname);
  return text;
}
static Ref native_get_module(VM *vm, Value self) { return native_of(self)->module ? cd_dup(native_of(self)->module) : cd_none(); }
static bool native_set_module(VM *vm, Value self, Value value)
{
  cd_replace(vm, &native_of(self)->module, value ? cd_dup(value) : NO_REF);
  return true;
}

METHOD(native, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  Native *native = native_of(self);
  if (native_is_function(vm, native)) return cd_intern(vm, native->def->name);
  Ref getattr = cd_getattr(vm, vm->builtins, N(getattr));
  Ref where = cd_tuple2_steal(vm, native_get_self(vm, self), cd_intern(vm, native->def->name));
  return cd_tuple2_steal(vm, getattr, where);
}

static void native_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, ((Native *)self)->self);
  visit(context, ((Native *)self)->module);
}
static void native_release(VM *vm, Object *self)
{
  cd_clear(vm, &((Native *)self)->self);
  cd_clear(vm, &((Native *)self)->module);
}

static const MethodDef *const native_methods[] = {&native___reduce___def, NULL};
static const GetSetDef native_getset[] = {
  {"__doc__", NULL, native_get_doc, NULL},
  {"__name__", NULL, native_get_name, NULL},
  {"__qualname__", NULL, native_get_qualname, NULL},
  {"__self__", NULL, native_get_self, NULL},
  {"__text_signature__", NULL, native_get_text_signature, NULL},
  {"__module__", NULL, native_get_module, native_set_module},
  {0},
};
const TypeSpec cd_native_spec = {
  .name = "builtin_function_or_method",
  .basicsize = sizeof(Native),
  .flags = TYPE_GC | TYPE_HAS_WEAKREFS | TYPE_NO_NEW,
  .weaklist_offset = offsetof(Native, weaklist),
  .methods = native_methods,
  .getset = native_getset,
  .slots = {.release = native_release,
            .traverse = native_traverse,
            .repr = native_repr_slot,
            .hash = native_hash_slot,
            .call = native_call_slot,
            .compare = native_compare_slot},
};

// ---- method_descriptor, classmethod_descriptor ----

Ref cd_method_descriptor_new(VM *vm, Type *type, const MethodDef *def)
{
  if (def->flags & METHOD_STATIC) {
    Ref native = cd_native_new(vm, def, NO_VALUE, NO_VALUE);
    if (!native) return NO_REF;
    native_of(native)->type = type;
    Ref wrapped = cd_staticmethod_new(vm, native);
    cd_drop(vm, native);
    return wrapped;
  }
  Type *kind = def->flags & METHOD_CLASS ? vm->types.class_method_descriptor : vm->types.method_descriptor;
  MethodDescriptor *descriptor = cd_object_new(vm, kind, sizeof *descriptor);
  if (!descriptor) return NO_REF;
  descriptor->type = (Type *)cd_object(cd_dup_object(type));
  descriptor->def = def;
  if (!(type->flags & TYPE_HEAP)) cd_gc_untrack(vm, &descriptor->head);     // lives as long as the VM
  if ((descriptor->name = cd_intern(vm, def->name))) return cd_from_object(descriptor);
  cd_drop_object(vm, descriptor);
  return NO_REF;
}

static MethodDescriptor *method_descriptor_of(Value v) { return (MethodDescriptor *)cd_object(v); }

static bool method_descriptor_accepts(VM *vm, const MethodDescriptor *descriptor, Value self)
{
  Type *kind = cd_type_of(vm, self);
  if (LIKELY(kind == descriptor->type) || cd_type_is_subtype(kind, descriptor->type)) return true;
  return cd_raise_type(vm, "descriptor '%s' for '%.100s' objects doesn't apply to a '%.100s' object", descriptor->def->name,
                       cd_type_name(descriptor->type), cd_type_name(kind));
}

static Ref method_descriptor_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  MethodDescriptor *descriptor = method_descriptor_of(callable);
  if (UNLIKELY(!nargs))
    return cd_raise_type(vm, "unbound method %s.%s() needs an argument", cd_type_name(descriptor->type), descriptor->def->name);
  if (!method_descriptor_accepts(vm, descriptor, args[0])) return NO_REF;
  return cd_native_call(vm, descriptor->def, &descriptor->signature, args[0], descriptor->type, args + 1, nargs - 1, kwnames);
}

static Ref method_descriptor_get(VM *vm, Value self, Value instance, Value owner)
{
  if (!instance) return cd_dup(self);
  MethodDescriptor *descriptor = method_descriptor_of(self);
  return method_descriptor_accepts(vm, descriptor, instance) ? native_bind(vm, descriptor, instance) : NO_REF;
}

static Ref class_method_descriptor_get(VM *vm, Value self, Value instance, Value owner)
{
  MethodDescriptor *descriptor = method_descriptor_of(self);
  if (!owner) {
    if (!instance)
      return cd_raise_type(vm, "descriptor '%s' for type '%.100s' needs either an object or a type", descriptor->def->name,
                           cd_type_name(descriptor->type));
    owner = cd_type_value(cd_type_of(vm, instance));
  }
  if (!cd_is_type(owner))
    return cd_raise_type(vm, "descriptor '%s' for type '%.100s' needs a type, not a '%.100s' as arg 2", descriptor->def->name,
                         cd_type_name(descriptor->type), cd_type_name(cd_type_of(vm, owner)));
  if (!cd_type_is_subtype(cd_as_type(owner), descriptor->type))
    return cd_raise_type(vm, "descriptor '%s' requires a subtype of '%.100s' but received '%.100s'", descriptor->def->name,
                         cd_type_name(descriptor->type), cd_type_name(cd_as_type(owner)));
  return native_bind(vm, descriptor, owner);
}

static Ref class_method_descriptor_call(VM *vm, Value callable, const Value *args, size_t nargs, Value kwnames)
{
  MethodDescriptor *descriptor = method_descriptor_of(callable);
  if (!nargs)
    return cd_raise_type(vm, "descriptor '%s' of '%.100s' object needs an argument", descriptor->def->name, cd_type_name(descriptor->type));
  Ref bound = class_method_descriptor_get(vm, callable, NO_VALUE, args[0]);
  Ref result = bound ? cd_call(vm, bound, args + 1, nargs - 1, kwnames) : NO_REF;
  cd_drop(vm, bound);
  return result;
}

static Ref method_descriptor_repr(VM *vm, Value self)
{
  MethodDescriptor *descriptor = method_descriptor_of(self);
  return cd_str_format(vm, "<method '%s' of '%s' objects>", descriptor->def->name, cd_type_name(descriptor->type));
}

static Ref method_descriptor_doc(VM *vm, Value self) { return native_doc_text(vm, method_descriptor_of(self)->def); }
static Ref method_descriptor_text_signature(VM *vm, Value self) { return native_signature_text(vm, method_descriptor_of(self)->def, true); }
static Ref method_descriptor_qualname(VM *vm, Value self)
{
  MethodDescriptor *descriptor = method_descriptor_of(self);
  return cd_str_format(vm, "%U.%s", descriptor->type->qualname, descriptor->def->name);
}
static Ref method_descriptor_name(VM *vm, Value self) { return cd_dup(method_descriptor_of(self)->name); }
static Ref method_descriptor_objclass(VM *vm, Value self) { return cd_dup_object(method_descriptor_of(self)->type); }

METHOD(method_descriptor, __reduce__, "__reduce__(self, /)", "Helper for pickle.")
{
  MethodDescriptor *descriptor = method_descriptor_of(self);
  Ref getattr = cd_getattr(vm, vm->builtins, N(getattr));
  return cd_tuple2_steal(vm, getattr, cd_tuple2(vm, cd_type_value(descriptor->type), descriptor->name));
}

static void method_descriptor_traverse(Object *self, VisitFn visit, void *context)
{
  visit(context, cd_type_value(((MethodDescriptor *)self)->type));
}
static void method_descriptor_release(VM *vm, Object *self)
{
  MethodDescriptor *descriptor = (MethodDescriptor *)self;
  cd_drop_object(vm, descriptor->type);
  cd_clear(vm, &descriptor->name);
}

static const MethodDef *const method_descriptor_methods[] = {&method_descriptor___reduce___def, NULL};
static const GetSetDef method_descriptor_getset[] = {
  {"__doc__", NULL, method_descriptor_doc, NULL},
  {"__text_signature__", NULL, method_descriptor_text_signature, NULL},
  {"__qualname__", NULL, method_descriptor_qualname, NULL},
  {"__name__", NULL, method_descriptor_name, NULL},
  {"__objclass__", NULL, method_descriptor_objclass, NULL},
  {0},
};
const TypeSpec cd_method_descriptor_spec = {
  .name = "method_descriptor",
  .basicsize = sizeof(MethodDescriptor),
  .flags = TYPE_NO_NEW | TYPE_METHOD_DESCRIPTOR | TYPE_GC,
  .methods = method_descriptor_methods,
  .getset = method_descriptor_getset,
  .slots = {.release = method_descriptor_release, .traverse = method_descriptor_traverse, .repr = method_descriptor_repr,
            .call = method_descriptor_call, .descr_get = method_descriptor_get},
};
const TypeSpec cd_class_method_descriptor_spec = {
  .name = "classmethod_descriptor",
  .basicsize = sizeof(MethodDescriptor),
  .flags = TYPE_NO_NEW | TYPE_GC,
  .getset = method_descriptor_getset,
  .slots = {.release = method_descriptor_release, .traverse = method_descriptor_traverse, .repr = method_descriptor_repr,
            .call = class_method_descriptor_call, .descr_get = class_method_descriptor_get},
};
