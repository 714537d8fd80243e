// SPDX-License-Identifier: MIT
// _locale.c: the C library's locale, for locale.py
#include "modules/module_list.h"
#include "modules/sys.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"

#include <errno.h>
#include <langinfo.h>
#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

typedef struct LocaleState { Value error; } LocaleState;         // class, owned

static LocaleState *locale_state(VM *vm) { return cd_state(vm, MODULE__locale); }

static Ref locale_text(VM *vm, const char *text) { return cd_str_decode_utf8(vm, text, strlen(text), "surrogateescape"); }

FUNCTION(locale, setlocale, "setlocale(category, locale=<unrepresentable>, /)",
         "Set a category of the process's locale, or tell what it is.")
{
  int category;
  if (!cd_to_c_int(vm, args[0], &category)) return NO_REF;
  const char *wanted = NULL, *result;
  if (cd_bits(args[1]) && !cd_is_none(args[1])) {
    if (!cd_is_str(args[1])) return cd_raise_arg_type(vm, "setlocale", "2", "str or None", args[1]);
    if (!(wanted = cd_str_utf8(vm, args[1], NULL))) return NO_REF;
  }
  result = category < 0 || category > 12 ? NULL : setlocale(category, wanted);
  if (result) return locale_text(vm, result);
  return cd_raise(vm, cd_as_type(locale_state(vm)->error),
                  wanted                          ? "unsupported locale setting"
                  : category < 0 || category > 12 ? "unsupported locale setting"
                                                  : "locale query failed");
}

// "\3\3\0" -> [3, 3, 0]
static Ref locale_grouping(VM *vm, const char *s)
{
  Ref list = cd_list_new(vm);
  if (!list || !*s) return list;
  for (; *s && *s != CHAR_MAX; s++)
    if (!cd_list_append(vm, cd_as_list(list), cd_from_small(*s))) goto fail;
  if (cd_list_append(vm, cd_as_list(list), cd_from_small(*s))) return list;
fail:
  cd_drop(vm, list);
  return NO_REF;
}

FUNCTION(locale, localeconv, "localeconv()", "Return the conventions of the locale for numbers and money, as a dict.")
{
  Ref dict = cd_dict_new(vm);
  if (!dict) return NO_REF;
  const struct lconv *l = localeconv();
  const struct { const char *name, *text;
  } texts[] = {
    {"decimal_point", l->decimal_point},     {"thousands_sep", l->thousands_sep},         {"int_curr_symbol", l->int_curr_symbol},
    {"currency_symbol", l->currency_symbol}, {"mon_decimal_point", l->mon_decimal_point}, {"mon_thousands_sep", l->mon_thousands_sep},
    {"positive_sign", l->positive_sign},     {"negative_sign", l->negative_sign},
  };
  const struct { const char *name; char number;
  } numbers[] = {
    {"int_frac_digits", l->int_frac_digits}, {"frac_digits", l->frac_digits},     {"p_cs_precedes", l->p_cs_precedes},
    {"p_sep_by_space", l->p_sep_by_space},   {"n_cs_precedes", l->n_cs_precedes}, {"n_sep_by_space", l->n_sep_by_space},
    {"p_sign_posn", l->p_sign_posn},         {"n_sign_posn", l->n_sign_posn},
  };
  bool ok = cd_dict_set_text_steal(vm, dict, "grouping", locale_grouping(vm, l->grouping)) &&
            cd_dict_set_text_steal(vm, dict, "mon_grouping", locale_grouping(vm, l->mon_grouping));
  for (size_t i = 0; ok && i < ARRAY_LEN(texts); i++) ok = cd_dict_set_text_steal(vm, dict, texts[i].name, locale_text(vm, texts[i].text));
  for (size_t i = 0; ok && i < ARRAY_LEN(numbers); i++) ok = cd_dict_set_text(vm, dict, numbers[i].name, cd_from_small(numbers[i].number));
  if (ok) return dict;
  cd_drop(vm, dict);
  return NO_REF;
}

// Code points as wide characters: C compares and transforms those by the locale.
static wchar_t *locale_wide(VM *vm, Value text, size_t *room)
{
  size_t length = cd_str_length(text);
  *room = (length + 1) * sizeof(wchar_t);
  wchar_t *wide = cd_alloc(vm, *room);
  for (size_t i = 0; wide && i < length; i++) wide[i] = (wchar_t)cd_str_at(vm, text, i);
  if (wide) wide[length] = 0;
  return wide;
}

FUNCTION(locale, strcoll, "strcoll(os1, os2, /)", "Compare two strings by the locale: negative, zero or positive.")
{
  for (int i = 0; i < 2; i++)
    if (!cd_is_str(args[i])) return cd_raise_arg_type(vm, "strcoll", i ? "2" : "1", "str", args[i]);
  for (int i = 0; i < 2; i++)
    if (memchr(cd_str_data(args[i]), 0, cd_str_size(args[i]))) return cd_raise_value(vm, "embedded null character");
  size_t room_a, room_b;
  wchar_t *a = locale_wide(vm, args[0], &room_a), *b = a ? locale_wide(vm, args[1], &room_b) : NULL;
  Ref result = b ? cd_from_small(wcscoll(a, b)) : NO_REF;
  if (b) cd_free(vm, b, room_b);
  if (a) cd_free(vm, a, room_a);
  return result;
}

FUNCTION(locale, strxfrm, "strxfrm(string, /)", "Return a string that compares, code point by code point, as this one does by the locale.")
{
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "strxfrm", "", "str", args[0]);
  if (memchr(cd_str_data(args[0]), 0, cd_str_size(args[0]))) return cd_raise_value(vm, "embedded null character");
  size_t room;
  wchar_t *wide = locale_wide(vm, args[0], &room);
  if (!wide) return NO_REF;
  errno = 0;
  size_t size = wcsxfrm(NULL, wide, 0) + 1;
  wchar_t *out = errno && errno != ERANGE ? NULL : cd_alloc_array(vm, size, sizeof *out);
  if (!out) {
    cd_free(vm, wide, room);
    return cd_raised(vm) ? NO_REF : cd_raise_os(vm, errno, NO_VALUE, NO_VALUE);
  }
  wcsxfrm(out, wide, size);
  TextBuilder text;
  cd_text_init(&text, vm);
  bool ok = true;
  for (size_t i = 0; ok && out[i]; i++) ok = cd_text_char(&text, (uint32_t)out[i] & 0x1FFFFF);
  cd_free(vm, out, size * sizeof *out);
  cd_free(vm, wide, room);
  if (ok) return cd_text_finish(&text);
  cd_text_clear(&text);
  return NO_REF;
}

FUNCTION(locale, getencoding, "getencoding()", "Return the encoding of text in the process's locale.")
{
  const char *name = vm->config.utf8_mode ? "utf-8" : nl_langinfo(CODESET);
  return locale_text(vm, *name ? name : "utf-8");
}

static const struct { const char *name; int value;
} locale_items[] = {
#define ITEM(name) {#name, name},
  ITEM(DAY_1) ITEM(DAY_2) ITEM(DAY_3) ITEM(DAY_4) ITEM(DAY_5) ITEM(DAY_6) ITEM(DAY_7) ITEM(ABDAY_1) ITEM(ABDAY_2) ITEM(ABDAY_3)
    ITEM(ABDAY_4) ITEM(ABDAY_5) ITEM(ABDAY_6) ITEM(ABDAY_7) ITEM(MON_1) ITEM(MON_2) ITEM(MON_3) ITEM(MON_4) ITEM(MON_5) ITEM(MON_6)
      ITEM(MON_7) ITEM(MON_8) ITEM(MON_9) ITEM(MON_10) ITEM(MON_11) ITEM(MON_12) ITEM(ABMON_1) ITEM(ABMON_2) ITEM(ABMON_3) ITEM(ABMON_4)
        ITEM(ABMON_5) ITEM(ABMON_6) ITEM(ABMON_7) ITEM(ABMON_8) ITEM(ABMON_9) ITEM(ABMON_10) ITEM(ABMON_11) ITEM(ABMON_12) ITEM(RADIXCHAR)
          ITEM(THOUSEP) ITEM(CRNCYSTR) ITEM(D_FMT) ITEM(D_T_FMT) ITEM(T_FMT) ITEM(AM_STR) ITEM(PM_STR) ITEM(CODESET) ITEM(T_FMT_AMPM)
            ITEM(ERA) ITEM(ERA_D_FMT) ITEM(ERA_D_T_FMT) ITEM(ERA_T_FMT) ITEM(ALT_DIGITS) ITEM(YESEXPR) ITEM(NOEXPR) ITEM(_DATE_FMT)
#undef ITEM
};

FUNCTION(locale, nl_langinfo, "nl_langinfo(key, /)", "Return a text of the locale, named by a number such as DAY_1.")
{
  int key;
  if (!cd_to_c_int(vm, args[0], &key)) return NO_REF;
  for (size_t i = 0; i < ARRAY_LEN(locale_items); i++)
    if (locale_items[i].value == key) return locale_text(vm, nl_langinfo(key));
  return cd_raise_value(vm, "unsupported langinfo constant");
}

// ---- message catalogs ----

static bool locale_optional(VM *vm, Value v, const char *function, const char *position, const char **out)
{
  *out = NULL;
  if (cd_is_none(v)) return true;
  if (!cd_is_str(v)) return cd_raise_arg_type(vm, function, position, "str or None", v);
  return (*out = cd_str_utf8(vm, v, NULL)) != NULL;
}

static Ref locale_or_none(VM *vm, const char *text) { return text ? locale_text(vm, text) : cd_none(); }

FUNCTION(locale, gettext, "gettext(msg, /)", "gettext(msg) -> string\nReturn the translation of a message.")
{
  const char *message = cd_is_str(args[0]) ? cd_str_utf8(vm, args[0], NULL) : (cd_raise_arg_type(vm, "gettext", "", "str", args[0]), NULL);
  return message ? locale_text(vm, gettext(message)) : NO_REF;
}

FUNCTION(locale, dgettext, "dgettext(domain, msg, /)", "dgettext(domain, msg) -> string\nReturn the translation of a message in a domain.")
{
  const char *domain, *message;
  if (!locale_optional(vm, args[0], "dgettext", "1", &domain) || !cd_is_str(args[1]) || !(message = cd_str_utf8(vm, args[1], NULL)))
    return cd_raised(vm) ? NO_REF : cd_raise_arg_type(vm, "dgettext", "2", "str", args[1]);
  return locale_text(vm, dgettext(domain, message));
}

FUNCTION(locale, dcgettext, "dcgettext(domain, msg, category, /)", "Return the translation of a message in a domain and a category.")
{
  const char *domain, *message;
  int category;
  if (!locale_optional(vm, args[0], "dcgettext", "1", &domain) || !cd_is_str(args[1]) || !(message = cd_str_utf8(vm, args[1], NULL)))
    return cd_raised(vm) ? NO_REF : cd_raise_arg_type(vm, "dcgettext", "2", "str", args[1]);
  return cd_to_c_int(vm, args[2], &category) ? locale_text(vm, dcgettext(domain, message, category)) : NO_REF;
}

FUNCTION(locale, textdomain, "textdomain(domain, /)", "Set the domain of messages, or tell it.")
{
  const char *domain;
  if (!locale_optional(vm, args[0], "textdomain", "", &domain)) return NO_REF;
  return locale_or_none(vm, textdomain(domain));
}

FUNCTION(locale, bindtextdomain, "bindtextdomain(domain, dir, /)", "Set the folder of a domain's message catalogs, or tell it.")
{
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "bindtextdomain", "1", "str", args[0]);
  const char *domain = cd_str_utf8(vm, args[0], NULL), *folder = NULL;
  if (!domain) return NO_REF;
  if (!*domain) return cd_raise(vm, cd_as_type(locale_state(vm)->error), "domain must be a non-empty string");
  Ref bytes = cd_is_none(args[1]) ? NO_REF : cd_fs_encode(vm, args[1]);
  if (cd_raised(vm)) return NO_REF;
  if (bytes) folder = cd_bytes_data(bytes);
  const char *result = bindtextdomain(domain, folder);
  int error = errno;
  cd_drop(vm, bytes);
  return result ? locale_text(vm, result) : cd_raise_os(vm, error, NO_VALUE, NO_VALUE);
}

FUNCTION(locale, bind_textdomain_codeset, "bind_textdomain_codeset(domain, codeset, /)",
         "Set the encoding of a domain's messages, or tell it.")
{
  if (!cd_is_str(args[0])) return cd_raise_arg_type(vm, "bind_textdomain_codeset", "1", "str", args[0]);
  const char *domain = cd_str_utf8(vm, args[0], NULL), *codeset;
  if (!domain || !locale_optional(vm, args[1], "bind_textdomain_codeset", "2", &codeset)) return NO_REF;
  return locale_or_none(vm, bind_textdomain_codeset(domain, codeset));
}

static const MethodDef *const locale_functions[] = {
  &locale_setlocale_def, &locale_localeconv_def, &locale_strcoll_def, &locale_strxfrm_def, &locale_getencoding_def, &locale_nl_langinfo_def,
  &locale_gettext_def, &locale_dgettext_def, &locale_dcgettext_def, &locale_textdomain_def, &locale_bindtextdomain_def,
  &locale_bind_textdomain_codeset_def, NULL,
};

static bool locale_exec(VM *vm, Value module)
{
  static const struct { const char *name; int value; } categories[] = {
    {"LC_CTYPE", LC_CTYPE}, {"LC_TIME", LC_TIME}, {"LC_COLLATE", LC_COLLATE}, {"LC_MONETARY", LC_MONETARY}, {"LC_MESSAGES", LC_MESSAGES},
    {"LC_NUMERIC", LC_NUMERIC}, {"LC_ALL", LC_ALL}, {"CHAR_MAX", CHAR_MAX},
  };
  LocaleState *state = locale_state(vm);
  for (size_t i = 0; i < ARRAY_LEN(categories); i++)
    if (!cd_module_add_int(vm, module, categories[i].name, categories[i].value)) return false;
  for (size_t i = 0; i < ARRAY_LEN(locale_items); i++)
    if (!cd_module_add_int(vm, module, locale_items[i].name, locale_items[i].value)) return false;
  if (!cd_bits(state->error) && !(state->error = cd_exception_type_new(vm, "locale.Error", NULL, cd_type_value(vm->exc.Exception))))
    return false;
  return cd_module_add(vm, module, "Error", cd_dup(state->error));
}

static void locale_clear(VM *vm, void *state) { cd_clear(vm, &((LocaleState *)state)->error); }

const ModuleDef cd_module__locale = {
  .name = "_locale",
  .doc = "The C library's locale, for locale.py.",
  .functions = locale_functions,
  .state_size = sizeof(LocaleState),
  .exec = locale_exec,
  .clear = locale_clear,
};
