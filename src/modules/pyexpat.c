// SPDX-License-Identifier: MIT
// pyexpat.c: XML parser objects over libexpat
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/dict.h"
#include "objects/exception.h"
#include "objects/int.h"
#include "objects/list.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#include <expat.h>
#include <limits.h>

enum { EXPAT_PIECE = 1 << 20, EXPAT_READ_SIZE = 2048, EXPAT_BUFFER_SIZE = 8192 };

// EXPAT_HANDLER(id, name of the attribute, name of expat's setter)
#define EXPAT_HANDLERS \
  EXPAT_HANDLER(StartElement, "StartElementHandler", XML_SetStartElementHandler) \
  EXPAT_HANDLER(EndElement, "EndElementHandler", XML_SetEndElementHandler) \
  EXPAT_HANDLER(ProcessingInstruction, "ProcessingInstructionHandler", XML_SetProcessingInstructionHandler) \
  EXPAT_HANDLER(CharacterData, "CharacterDataHandler", XML_SetCharacterDataHandler) \
  EXPAT_HANDLER(UnparsedEntityDecl, "UnparsedEntityDeclHandler", XML_SetUnparsedEntityDeclHandler) \
  EXPAT_HANDLER(NotationDecl, "NotationDeclHandler", XML_SetNotationDeclHandler) \
  EXPAT_HANDLER(StartNamespaceDecl, "StartNamespaceDeclHandler", XML_SetStartNamespaceDeclHandler) \
  EXPAT_HANDLER(EndNamespaceDecl, "EndNamespaceDeclHandler", XML_SetEndNamespaceDeclHandler) \
  EXPAT_HANDLER(Comment, "CommentHandler", XML_SetCommentHandler) \
  EXPAT_HANDLER(StartCdataSection, "StartCdataSectionHandler", XML_SetStartCdataSectionHandler) \
  EXPAT_HANDLER(EndCdataSection, "EndCdataSectionHandler", XML_SetEndCdataSectionHandler) \
  EXPAT_HANDLER(Default, "DefaultHandler", XML_SetDefaultHandler) \
  EXPAT_HANDLER(DefaultExpand, "DefaultHandlerExpand", XML_SetDefaultHandlerExpand) \
  EXPAT_HANDLER(NotStandalone, "NotStandaloneHandler", XML_SetNotStandaloneHandler) \
  EXPAT_HANDLER(ExternalEntityRef, "ExternalEntityRefHandler", XML_SetExternalEntityRefHandler) \
  EXPAT_HANDLER(StartDoctypeDecl, "StartDoctypeDeclHandler", XML_SetStartDoctypeDeclHandler) \
  EXPAT_HANDLER(EndDoctypeDecl, "EndDoctypeDeclHandler", XML_SetEndDoctypeDeclHandler) \
  EXPAT_HANDLER(EntityDecl, "EntityDeclHandler", XML_SetEntityDeclHandler) \
  EXPAT_HANDLER(XmlDecl, "XmlDeclHandler", XML_SetXmlDeclHandler) \
  EXPAT_HANDLER(ElementDecl, "ElementDeclHandler", XML_SetElementDeclHandler) \
  EXPAT_HANDLER(AttlistDecl, "AttlistDeclHandler", XML_SetAttlistDeclHandler) \
  EXPAT_HANDLER(SkippedEntity, "SkippedEntityHandler", XML_SetSkippedEntityHandler)

typedef enum ExpatHandler {
#define EXPAT_HANDLER(id, name, setter) EXPAT_##id,
  EXPAT_HANDLERS
#undef EXPAT_HANDLER
  EXPAT_HANDLER_COUNT
} ExpatHandler;

typedef struct ExpatState {
  Value error;                                   // owned
  Type *parser_type;                             // owned
} ExpatState;

static inline ExpatState *expat_state(VM *vm) { return cd_state(vm, MODULE_pyexpat); }

// expat calls back with this as its user data, which is why it knows its VM. An exception raised by a handler stays set; the handlers are
// taken off then, so that nothing runs until expat has come to its end.
typedef struct ExpatParser {
  Object head;
  VM *vm;
  XML_Parser parser;
  bool parsing, in_callback;
  bool ordered_attributes, specified_attributes, namespace_prefixes;
  char *buffer;                                  // character data not reported yet; NULL: none is kept
  size_t buffer_size, buffer_used;
  Value intern;                                  // owned dict: names, each kept once
  Value parent;                                  // owned: the parser this one is for an external entity of
  Value handlers[EXPAT_HANDLER_COUNT];           // owned; NO_VALUE: none
} ExpatParser;

static inline ExpatParser *expat_of(Value v) { return (ExpatParser *)cd_object(v); }

// ---- errors ----

static Ref expat_raise(VM *vm, ExpatParser *p, enum XML_Error code)
{
  int64_t line = (int64_t)XML_GetErrorLineNumber(p->parser), column = (int64_t)XML_GetErrorColumnNumber(p->parser);
  Ref text = cd_str_format(vm, "%s: line %lld, column %lld", XML_ErrorString(code), (long long)line, (long long)column);
  Ref error = text ? cd_call1(vm, expat_state(vm)->error, text) : NO_REF;
  cd_drop(vm, text);
  if (!error) return NO_REF;
  if (cd_setattr_text(vm, error, "code", cd_from_small(code)) && cd_setattr_text(vm, error, "offset", cd_from_small(column)) &&
      cd_setattr_text(vm, error, "lineno", cd_from_small(line)))
    return cd_raise_exception(vm, error);
  cd_drop(vm, error);
  return NO_REF;
}

typedef struct ExpatInstaller { void (*install)(XML_Parser parser, bool on); } ExpatInstaller;
static const ExpatInstaller expat_installers[EXPAT_HANDLER_COUNT];

static void expat_drop_handlers(VM *vm, ExpatParser *p)
{
  for (int i = 0; i < EXPAT_HANDLER_COUNT; i++) {
    if (!cd_bits(p->handlers[i])) continue;
    expat_installers[i].install(p->parser, false);
    cd_clear(vm, &p->handlers[i]);
  }
}

static int expat_refuse_entity(XML_Parser parser, const XML_Char *context, const XML_Char *base, const XML_Char *system_id,
                               const XML_Char *public_id)
{
  return XML_STATUS_ERROR;
}

// A handler raised: no other one runs.
static void expat_stop(ExpatParser *p)
{
  expat_drop_handlers(p->vm, p);
  XML_SetExternalEntityRefHandler(p->parser, expat_refuse_entity);
  XML_StopParser(p->parser, XML_FALSE);
}

// ---- calling handlers ----

static Ref expat_text_size(VM *vm, const XML_Char *text, size_t size) { return cd_str_decode_utf8(vm, text, size, NULL); }
static Ref expat_text(VM *vm, const XML_Char *text) { return text ? expat_text_size(vm, text, strlen(text)) : cd_none(); }

// The same object for the same name.
static Ref expat_name(ExpatParser *p, const XML_Char *text)
{
  VM *vm = p->vm;
  Ref name = expat_text(vm, text);
  if (!name || !text || !p->intern) return name;
  Ref kept = cd_dict_setdefault(vm, p->intern, name, name);
  cd_drop(vm, name);
  return kept;
}

static bool expat_flush(ExpatParser *p);

// handler(*args); args are stolen, NO_REF among them: failed already.
static Ref expat_call(ExpatParser *p, ExpatHandler which, size_t count, Ref *args)
{
  VM *vm = p->vm;
  bool ok = true, outer = p->in_callback;
  Ref handler = cd_dup(p->handlers[which]), result = NO_REF;
  for (size_t i = 0; i < count; i++) ok &= cd_bits(args[i]) != 0;
  if (ok) {
    p->in_callback = true;
    result = cd_call(vm, handler, cd_lend(args), count, NO_VALUE);
    p->in_callback = outer;
  }
  for (size_t i = 0; i < count; i++) cd_drop(vm, args[i]);
  cd_drop(vm, handler);
  if (!result) expat_stop(p);
  return result;
}

// Is there anything to call? What was kept of the text before goes out first.
static bool expat_ready(ExpatParser *p, ExpatHandler which)
{
  return cd_bits(p->handlers[which]) && expat_flush(p) && cd_bits(p->handlers[which]);
}

#define EXPAT_CALL(p, which, ...) \
  do { \
    Ref args_[] = {__VA_ARGS__}; \
    cd_drop((p)->vm, expat_call(p, which, ARRAY_LEN(args_), args_)); \
  } while (0)

static bool expat_report_text(ExpatParser *p, const char *text, size_t size)
{
  if (!cd_bits(p->handlers[EXPAT_CharacterData])) return true;
  Ref args[] = {expat_text_size(p->vm, text, size)}, result = expat_call(p, EXPAT_CharacterData, 1, args);
  cd_drop(p->vm, result);
  return cd_bits(result) != 0;
}

static bool expat_flush(ExpatParser *p)
{
  size_t size = p->buffer_used;
  if (!p->buffer || size == 0) return true;
  p->buffer_used = 0;
  return expat_report_text(p, p->buffer, size);
}

static void expat_on_CharacterData(void *data, const XML_Char *text, int size)
{
  ExpatParser *p = data;
  size_t bytes = (size_t)size;
  if (!p->buffer) { (void)expat_report_text(p, text, bytes); return; }
  if (p->buffer_used + bytes > p->buffer_size && (!expat_flush(p) || !cd_bits(p->handlers[EXPAT_CharacterData]))) return;
  if (p->buffer && bytes <= p->buffer_size - p->buffer_used) {
    memcpy(p->buffer + p->buffer_used, text, bytes);
    p->buffer_used += bytes;
  } else {
    (void)expat_report_text(p, text, bytes);
  }
}

static Ref expat_attributes(ExpatParser *p, const XML_Char **attributes)
{
  VM *vm = p->vm;
  size_t count = 0;
  if (p->specified_attributes) count = (size_t)XML_GetSpecifiedAttributeCount(p->parser);
  else while (attributes[count]) count += 2;
  Ref container = p->ordered_attributes ? cd_list_with_capacity(vm, count) : cd_dict_new(vm);
  for (size_t i = 0; container && i < count; i += 2) {
    Ref name = expat_name(p, attributes[i]), value = name ? expat_text(vm, attributes[i + 1]) : NO_REF;
    bool ok = value &&
              (p->ordered_attributes ? cd_list_append(vm, cd_as_list(container), name) && cd_list_append(vm, cd_as_list(container), value)
                                     : cd_dict_set(vm, container, name, value));
    cd_drop(vm, name);
    cd_drop(vm, value);
    if (!ok) cd_forget(vm, &container);
  }
  return container;
}

static void expat_on_StartElement(void *data, const XML_Char *name, const XML_Char **attributes)
{
  ExpatParser *p = data;
  if (!expat_ready(p, EXPAT_StartElement)) return;
  Ref container = expat_attributes(p, attributes);
  EXPAT_CALL(p, EXPAT_StartElement, container ? expat_name(p, name) : NO_REF, container);
}

static void expat_on_EndElement(void *data, const XML_Char *name)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_EndElement)) EXPAT_CALL(p, EXPAT_EndElement, expat_name(p, name));
}

static void expat_on_ProcessingInstruction(void *data, const XML_Char *target, const XML_Char *text)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_ProcessingInstruction))
    EXPAT_CALL(p, EXPAT_ProcessingInstruction, expat_name(p, target), expat_text(p->vm, text));
}

static void expat_on_UnparsedEntityDecl(void *data, const XML_Char *entity, const XML_Char *base, const XML_Char *system_id,
                                        const XML_Char *public_id, const XML_Char *notation)
{
  ExpatParser *p = data;
  if (!expat_ready(p, EXPAT_UnparsedEntityDecl)) return;
  EXPAT_CALL(p, EXPAT_UnparsedEntityDecl, expat_name(p, entity), expat_name(p, base), expat_name(p, system_id), expat_name(p, public_id),
             expat_name(p, notation));
}

static void expat_on_NotationDecl(void *data, const XML_Char *name, const XML_Char *base, const XML_Char *system_id,
                                  const XML_Char *public_id)
{
  ExpatParser *p = data;
  if (!expat_ready(p, EXPAT_NotationDecl)) return;
  EXPAT_CALL(p, EXPAT_NotationDecl, expat_name(p, name), expat_name(p, base), expat_name(p, system_id), expat_name(p, public_id));
}

static void expat_on_StartNamespaceDecl(void *data, const XML_Char *prefix, const XML_Char *uri)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_StartNamespaceDecl)) EXPAT_CALL(p, EXPAT_StartNamespaceDecl, expat_name(p, prefix), expat_name(p, uri));
}

static void expat_on_EndNamespaceDecl(void *data, const XML_Char *prefix)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_EndNamespaceDecl)) EXPAT_CALL(p, EXPAT_EndNamespaceDecl, expat_name(p, prefix));
}

static void expat_on_Comment(void *data, const XML_Char *text)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_Comment)) EXPAT_CALL(p, EXPAT_Comment, expat_text(p->vm, text));
}

static void expat_call_empty(ExpatParser *p, ExpatHandler which)
{
  if (expat_ready(p, which)) cd_drop(p->vm, expat_call(p, which, 0, NULL));
}

static void expat_on_StartCdataSection(void *data) { expat_call_empty(data, EXPAT_StartCdataSection); }
static void expat_on_EndCdataSection(void *data) { expat_call_empty(data, EXPAT_EndCdataSection); }
static void expat_on_EndDoctypeDecl(void *data) { expat_call_empty(data, EXPAT_EndDoctypeDecl); }

static void expat_on_Default(void *data, const XML_Char *text, int size)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_Default)) EXPAT_CALL(p, EXPAT_Default, expat_text_size(p->vm, text, (size_t)size));
}

static void expat_on_DefaultExpand(void *data, const XML_Char *text, int size)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_DefaultExpand)) EXPAT_CALL(p, EXPAT_DefaultExpand, expat_text_size(p->vm, text, (size_t)size));
}

// What a handler answered, as expat wants it. 0 (stop) when it raised.
static int expat_answer(ExpatParser *p, Ref result)
{
  int answer = 0;
  if (!result) return 0;
  if (!cd_to_c_int(p->vm, result, &answer)) {
    expat_stop(p);
    answer = 0;
  }
  cd_drop(p->vm, result);
  return answer;
}

static int expat_on_NotStandalone(void *data)
{
  ExpatParser *p = data;
  return expat_ready(p, EXPAT_NotStandalone) ? expat_answer(p, expat_call(p, EXPAT_NotStandalone, 0, NULL)) : 0;
}

// The one that gets the parser; its user data is ours all the same.
static int expat_on_ExternalEntityRef(XML_Parser parser, const XML_Char *context, const XML_Char *base, const XML_Char *system_id,
                                      const XML_Char *public_id)
{
  ExpatParser *p = XML_GetUserData(parser);
  if (!expat_ready(p, EXPAT_ExternalEntityRef)) return 0;
  Ref args[] = {expat_text(p->vm, context), expat_name(p, base), expat_name(p, system_id), expat_name(p, public_id)};
  return expat_answer(p, expat_call(p, EXPAT_ExternalEntityRef, ARRAY_LEN(args), args));
}

static void expat_on_StartDoctypeDecl(void *data, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                                      int has_subset)
{
  ExpatParser *p = data;
  if (!expat_ready(p, EXPAT_StartDoctypeDecl)) return;
  EXPAT_CALL(p, EXPAT_StartDoctypeDecl, expat_name(p, name), expat_name(p, system_id), expat_name(p, public_id), cd_from_small(has_subset));
}

static void expat_on_EntityDecl(void *data, const XML_Char *name, int is_parameter, const XML_Char *value, int size, const XML_Char *base,
                                const XML_Char *system_id, const XML_Char *public_id, const XML_Char *notation)
{
  ExpatParser *p = data;
  if (!expat_ready(p, EXPAT_EntityDecl)) return;
  EXPAT_CALL(p, EXPAT_EntityDecl, expat_name(p, name), cd_from_small(is_parameter),
             value ? expat_text_size(p->vm, value, (size_t)size) : cd_none(), expat_name(p, base), expat_name(p, system_id),
             expat_name(p, public_id), expat_name(p, notation));
}

static void expat_on_XmlDecl(void *data, const XML_Char *version, const XML_Char *encoding, int standalone)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_XmlDecl))
    EXPAT_CALL(p, EXPAT_XmlDecl, expat_text(p->vm, version), expat_text(p->vm, encoding), cd_from_small(standalone));
}

// (type, quantifier, name, (children...)). As deep as the declaration nests.
static Ref expat_model(ExpatParser *p, const XML_Content *model)
{
  VM *vm = p->vm;
  if (!cd_enter_recursion(vm, " in an element declaration")) return NO_REF;
  Ref children = cd_tuple_new(vm, model->numchildren), name = NO_REF, result = NO_REF;
  for (unsigned i = 0; children && i < model->numchildren; i++) {
    Ref child = expat_model(p, &model->children[i]);
    if (child) cd_tuple_set(children, i, child);
    else cd_forget(vm, &children);
  }
  if (children) name = expat_name(p, model->name);
  if (name) {
    Value items[] = {cd_from_small(model->type), cd_from_small(model->quant), name, children};
    result = cd_tuple_of(vm, ARRAY_LEN(items), items);
  }
  cd_drop(vm, name);
  cd_drop(vm, children);
  cd_leave_recursion(vm);
  return result;
}

static void expat_on_ElementDecl(void *data, const XML_Char *name, XML_Content *model)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_ElementDecl)) {
    Ref tuple = expat_model(p, model);
    EXPAT_CALL(p, EXPAT_ElementDecl, tuple ? expat_name(p, name) : NO_REF, tuple);
  }
  XML_FreeContentModel(p->parser, model);
}

static void expat_on_AttlistDecl(void *data, const XML_Char *element, const XML_Char *attribute, const XML_Char *type,
                                 const XML_Char *fallback, int required)
{
  ExpatParser *p = data;
  if (!expat_ready(p, EXPAT_AttlistDecl)) return;
  EXPAT_CALL(p, EXPAT_AttlistDecl, expat_name(p, element), expat_name(p, attribute), expat_text(p->vm, type), expat_text(p->vm, fallback),
             cd_from_small(required));
}

static void expat_on_SkippedEntity(void *data, const XML_Char *name, int is_parameter)
{
  ExpatParser *p = data;
  if (expat_ready(p, EXPAT_SkippedEntity)) EXPAT_CALL(p, EXPAT_SkippedEntity, expat_name(p, name), cd_from_small(is_parameter));
}

#define EXPAT_HANDLER(id, name, setter) \
  static void expat_install_##id(XML_Parser parser, bool on) { setter(parser, on ? expat_on_##id : NULL); }
EXPAT_HANDLERS
#undef EXPAT_HANDLER
static const ExpatInstaller expat_installers[EXPAT_HANDLER_COUNT] = {
#define EXPAT_HANDLER(id, name, setter) {expat_install_##id},
  EXPAT_HANDLERS
#undef EXPAT_HANDLER
};

// Encodings that expat does not know: any codec of ours that takes single bytes.
static int expat_unknown_encoding(void *data, const XML_Char *name, XML_Encoding *info)
{
  VM *vm = ((ExpatParser *)data)->vm;
  char all[256];
  for (int i = 0; i < 256; i++) all[i] = (char)i;
  if (cd_raised(vm)) return XML_STATUS_ERROR;
  Ref text = cd_decode(vm, all, sizeof all, name, "replace");
  if (!text) return XML_STATUS_ERROR;
  bool fits = cd_str_length(text) == 256;
  for (size_t i = 0; fits && i < 256; i++) {
    uint32_t c = cd_str_at(vm, text, i);
    info->map[i] = c == 0xFFFD ? -1 : (int)c;
  }
  cd_drop(vm, text);
  info->data = NULL;
  info->convert = NULL;
  info->release = NULL;
  if (fits) return XML_STATUS_OK;
  cd_raise_value(vm, "multi-byte encodings are not supported");
  return XML_STATUS_ERROR;
}

// ---- parser objects ----

static Ref expat_adopt(VM *vm, XML_Parser parser, Value intern, Value parent)
{
  ExpatParser *p = parser ? cd_object_new(vm, expat_state(vm)->parser_type, sizeof *p) : NULL;
  if (!p) {
    if (parser) XML_ParserFree(parser);
    return parser ? NO_REF : cd_raise_memory(vm);
  }
  p->vm = vm;
  p->parser = parser;
  p->buffer_size = EXPAT_BUFFER_SIZE;
  p->intern = cd_dup(intern);
  p->parent = cd_dup(parent);
  XML_SetUserData(parser, p);
  XML_SetUnknownEncodingHandler(parser, expat_unknown_encoding, p);
  return cd_from_object(p);
}

static void expat_parser_clear(VM *vm, Object *self)
{
  ExpatParser *p = (ExpatParser *)self;
  if (p->parser) expat_drop_handlers(vm, p);
  cd_clear(vm, &p->intern);
}

static void expat_parser_release(VM *vm, Object *self)
{
  ExpatParser *p = (ExpatParser *)self;
  expat_parser_clear(vm, self);
  if (p->parser) XML_ParserFree(p->parser);      // before its parent, whose tables it uses
  p->parser = NULL;
  if (p->buffer) cd_free(vm, p->buffer, p->buffer_size);
  p->buffer = NULL;
  cd_clear(vm, &p->parent);
}

static void expat_parser_traverse(Object *self, VisitFn visit, void *context)
{
  ExpatParser *p = (ExpatParser *)self;
  visit(context, p->intern);
  visit(context, p->parent);
  for (int i = 0; i < EXPAT_HANDLER_COUNT; i++) visit(context, p->handlers[i]);
}

// A str parameter without NUL; NULL in *out for None where that may be.
static bool expat_c_text(VM *vm, Value v, const char *function, const char *name, bool or_none, const char **out)
{
  size_t size;
  *out = NULL;
  if (or_none && (!cd_bits(v) || cd_is_none(v))) return true;
  if (!cd_is_str(v)) return cd_raise_type(vm, "%s() argument %s must be %s, not %T", function, name, or_none ? "str or None" : "str", v);
  if (!(*out = cd_str_utf8(vm, v, &size))) return false;
  return strlen(*out) == size || cd_raise_value(vm, "embedded null character");
}

FUNCTION(pyexpat, ParserCreate, "ParserCreate(encoding=None, namespace_separator=None, intern=<unrepresentable>)",
         "A parser to be fed with XML.")
{
  const char *encoding, *separator;
  if (!expat_c_text(vm, args[0], "ParserCreate", "'encoding'", true, &encoding) ||
      !expat_c_text(vm, args[1], "ParserCreate", "'namespace_separator'", true, &separator))
    return NO_REF;
  if (separator && strlen(separator) > 1) return cd_raise_value(vm, "namespace_separator must be at most one character, omitted, or None");
  Ref intern = cd_dup(args[2]);
  if (cd_bits(intern) && cd_is_none(intern)) intern = NO_REF;
  else if (!cd_bits(intern) && !(intern = cd_dict_new(vm))) return NO_REF;
  if (intern && !cd_is_dict(intern)) {
    cd_drop(vm, intern);
    return cd_raise_type(vm, "intern must be a dictionary");
  }
  Ref parser = expat_adopt(vm, XML_ParserCreate_MM(encoding, NULL, separator), intern, NO_VALUE);
  cd_drop(vm, intern);
  return parser;
}

FUNCTION(pyexpat, ErrorString, "ErrorString(code, /)", "The text of an error number.")
{
  int64_t code;
  if (!cd_to_i64(vm, args[0], &code, vm->exc.OverflowError)) return NO_REF;
  const char *text = code >= 0 && code < INT_MAX ? XML_ErrorString((enum XML_Error)code) : NULL;
  return text ? cd_str_from(vm, text) : cd_none();
}

// ---- parsing ----

static bool expat_enter(VM *vm, ExpatParser *p)
{
  if (p->parsing) return cd_raise_runtime(vm, "the parser is in use: a handler of it runs");
  p->parsing = true;
  return true;
}

// What one call of expat came to: 1, or an exception.
static Ref expat_result(VM *vm, ExpatParser *p, enum XML_Status status)
{
  if (cd_raised(vm)) return NO_REF;
  if (status == XML_STATUS_ERROR) return expat_raise(vm, p, XML_GetErrorCode(p->parser));
  return expat_flush(p) ? cd_from_small(status) : NO_REF;
}

static Ref expat_parse(VM *vm, ExpatParser *p, const char *data, size_t size, bool final)
{
  while (size > EXPAT_PIECE) {
    enum XML_Status status = XML_Parse(p->parser, data, EXPAT_PIECE, 0);
    if (status != XML_STATUS_OK || cd_raised(vm)) return expat_result(vm, p, status);
    data += EXPAT_PIECE;
    size -= EXPAT_PIECE;
    if (!cd_poll(vm)) return NO_REF;
  }
  return expat_result(vm, p, XML_Parse(p->parser, data, (int)size, final));
}

METHOD(xmlparser, Parse, "Parse(self, data, isfinal=False, /)", "Parse XML data.\n\n'isfinal' should be true at end of input.")
{
  ExpatParser *p = expat_of(self);
  Buffer buffer = {0};
  bool final = false;
  size_t size;
  const char *data;
  if (cd_bits(args[1]) && !cd_truth(vm, args[1], &final)) return NO_REF;
  if (cd_is_str(args[0])) {
    if (!(data = cd_str_utf8(vm, args[0], &size)) || !expat_enter(vm, p)) return NO_REF;
    (void)XML_SetEncoding(p->parser, "utf-8");   // refused once parsing has begun, and then not needed
  } else {
    if (!cd_get_buffer(vm, args[0], &buffer, BUFFER_SIMPLE)) return NO_REF;
    data = buffer.data;
    size = (size_t)buffer.size;
    if (!expat_enter(vm, p)) { cd_release_buffer(vm, &buffer); return NO_REF; }
  }
  Ref result = expat_parse(vm, p, data, size, final);
  p->parsing = false;
  if (cd_bits(buffer.owner)) cd_release_buffer(vm, &buffer);
  return result;
}

// One read() of the file into expat's own room. *got is 0 at the end.
static bool expat_read(VM *vm, ExpatParser *p, Value read, int *got)
{
  Ref piece = cd_call1(vm, read, cd_from_small(EXPAT_READ_SIZE));
  if (!piece) return false;
  Buffer buffer;
  bool ok = (cd_is_bytes(piece) || cd_is_bytearray(piece)) ||
            cd_raise_type(vm, "read() did not return a bytes object (type=%.400T)", piece);
  if (ok && (ok = cd_get_buffer(vm, piece, &buffer, BUFFER_SIMPLE))) {
    void *room = NULL;
    if (buffer.size > EXPAT_READ_SIZE)
      ok = cd_raise_value(vm, "read() returned too much data: %d bytes requested, %zd returned", EXPAT_READ_SIZE, (ssize_t)buffer.size);
    else if (!(room = XML_GetBuffer(p->parser, EXPAT_READ_SIZE)))
      ok = expat_raise(vm, p, XML_GetErrorCode(p->parser));
    if (ok) memcpy(room, buffer.data, (size_t)buffer.size);
    *got = (int)buffer.size;
    cd_release_buffer(vm, &buffer);
  }
  cd_drop(vm, piece);
  return ok;
}

METHOD(xmlparser, ParseFile, "ParseFile(self, file, /)", "Reads a file of XML to its end.")
{
  ExpatParser *p = expat_of(self);
  Ref read, result = NO_REF;
  Find found = cd_getattr_find(vm, args[0], N(read), &read);
  if (found == FIND_MISSING) return cd_raise_type(vm, "argument must have 'read' attribute");
  if (found == FIND_ERROR) return NO_REF;
  if (expat_enter(vm, p)) {
    int got = 0;
    do {
      cd_drop(vm, result);
      result = expat_read(vm, p, read, &got) ? expat_result(vm, p, XML_ParseBuffer(p->parser, got, got == 0)) : NO_REF;
    } while (result && got && cd_poll(vm));
    if (cd_raised(vm)) cd_forget(vm, &result);
    p->parsing = false;
  }
  cd_drop(vm, read);
  return result;
}

METHOD(xmlparser, SetBase, "SetBase(self, base, /)", "Sets what relative URLs are relative to.")
{
  const char *base;
  if (!expat_c_text(vm, args[0], "SetBase", "1", false, &base)) return NO_REF;
  return XML_SetBase(expat_of(self)->parser, base) ? cd_none() : cd_raise_memory(vm);
}

METHOD(xmlparser, GetBase, "GetBase(self, /)", "The base URL that was set.")
{
  return expat_text(vm, XML_GetBase(expat_of(self)->parser));
}

METHOD(xmlparser, GetInputContext, "GetInputContext(self, /)",
       "Return the text of the input that caused the current event, as it stands there.\n\nOf a long event, such as a start tag with many "
       "attributes, a part may be missing.")
{
  ExpatParser *p = expat_of(self);
  int offset, size;
  if (!p->in_callback) return cd_none();
  const char *text = XML_GetInputContext(p->parser, &offset, &size);
  return text ? cd_bytes_new(vm, text + offset, (size_t)(size - offset)) : cd_none();
}

METHOD(xmlparser, SetParamEntityParsing, "SetParamEntityParsing(self, flag, /)",
       "Says whether parameter entities and the external DTD subset are read.\n\nThe flag is one of XML_PARAM_ENTITY_PARSING_NEVER,\n"
       "XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE and XML_PARAM_ENTITY_PARSING_ALWAYS.\nReturns true if it could be set.")
{
  int flag;
  if (!cd_to_c_int(vm, args[0], &flag)) return NO_REF;
  return cd_from_small(XML_SetParamEntityParsing(expat_of(self)->parser, (enum XML_ParamEntityParsing)flag));
}

METHOD(xmlparser, UseForeignDTD, "UseForeignDTD(self, flag=True, /)",
       "Lets the program stand in for an external subset where the document names none.")
{
  ExpatParser *p = expat_of(self);
  bool flag = true;
  if (cd_bits(args[0]) && !cd_truth(vm, args[0], &flag)) return NO_REF;
  enum XML_Error code = XML_UseForeignDTD(p->parser, flag ? XML_TRUE : XML_FALSE);
  return code == XML_ERROR_NONE ? cd_none() : expat_raise(vm, p, code);
}

static bool expat_keep_text(VM *vm, ExpatParser *p, bool keep);

METHOD(xmlparser, ExternalEntityParserCreate, "ExternalEntityParserCreate(self, context, encoding=None, /)",
       "A parser for an external entity, with the context that the\nExternalEntityRefHandler was given.")
{
  ExpatParser *p = expat_of(self);
  const char *context, *encoding;
  if (!expat_c_text(vm, args[0], "ExternalEntityParserCreate", "1", true, &context) ||
      !expat_c_text(vm, args[1], "ExternalEntityParserCreate", "2", true, &encoding))
    return NO_REF;
  Ref result = expat_adopt(vm, XML_ExternalEntityParserCreate(p->parser, context, encoding), p->intern, self);
  if (!result) return NO_REF;
  ExpatParser *child = expat_of(result);
  child->buffer_size = p->buffer_size;
  child->ordered_attributes = p->ordered_attributes;
  child->specified_attributes = p->specified_attributes;
  child->namespace_prefixes = p->namespace_prefixes;
  for (int i = 0; i < EXPAT_HANDLER_COUNT; i++) {
    child->handlers[i] = cd_dup(p->handlers[i]);
    expat_installers[i].install(child->parser, cd_bits(child->handlers[i]) != 0);
  }
  // the two default handlers share a place in expat: the one that is there counts
  if (cd_bits(child->handlers[EXPAT_Default])) expat_install_Default(child->parser, true);
  if (!p->buffer || expat_keep_text(vm, child, true)) return result;
  cd_drop(vm, result);
  return NO_REF;
}

static const MethodDef *const xmlparser_methods[] = {
  &xmlparser_Parse_def, &xmlparser_ParseFile_def, &xmlparser_SetBase_def, &xmlparser_GetBase_def, &xmlparser_GetInputContext_def,
  &xmlparser_ExternalEntityParserCreate_def, &xmlparser_SetParamEntityParsing_def, &xmlparser_UseForeignDTD_def, NULL,
};

// ---- attributes ----

static bool expat_set_handler(VM *vm, Value self, ExpatHandler which, Value value)
{
  ExpatParser *p = expat_of(self);
  if (!cd_bits(value)) return cd_raise_runtime(vm, "Cannot delete attribute");
  if (which == EXPAT_CharacterData && !expat_flush(p)) return false;
  bool on = !cd_is_none(value);
  // Inside a callback expat may go on to call what it has at hand; ours then finds nothing to call.
  if (on || !(which == EXPAT_CharacterData && p->in_callback)) expat_installers[which].install(p->parser, on);
  cd_replace(vm, &p->handlers[which], on ? cd_dup(value) : NO_REF);
  return true;
}

static Ref expat_get_handler(Value self, ExpatHandler which)
{
  Value handler = expat_of(self)->handlers[which];
  return cd_bits(handler) ? cd_dup(handler) : cd_none();
}

#define EXPAT_HANDLER(id, name, setter) \
  static Ref expat_get_##id(VM *vm, Value self) { return expat_get_handler(self, EXPAT_##id); } \
  static bool expat_set_##id(VM *vm, Value self, Value value) { return expat_set_handler(vm, self, EXPAT_##id, value); }
EXPAT_HANDLERS
#undef EXPAT_HANDLER

static bool expat_flag(VM *vm, Value value, bool *out)
{
  if (!cd_bits(value)) return cd_raise_runtime(vm, "Cannot delete attribute");
  return cd_truth(vm, value, out);
}

// Begins or ends to keep text for larger pieces.
static bool expat_keep_text(VM *vm, ExpatParser *p, bool keep)
{
  if (keep == (p->buffer != NULL)) return true;
  if (!keep) {
    if (!expat_flush(p)) return false;
    cd_free(vm, p->buffer, p->buffer_size);
    p->buffer = NULL;
  } else {
    p->buffer = cd_alloc(vm, p->buffer_size);
  }
  p->buffer_used = 0;
  return !keep || p->buffer;
}

static Ref expat_get_buffer_text(VM *vm, Value self) { return cd_bool(expat_of(self)->buffer != NULL); }
static bool expat_set_buffer_text(VM *vm, Value self, Value value)
{
  bool keep;
  return expat_flag(vm, value, &keep) && expat_keep_text(vm, expat_of(self), keep);
}

static Ref expat_get_buffer_used(VM *vm, Value self) { return cd_from_small((int64_t)expat_of(self)->buffer_used); }
static Ref expat_get_buffer_size(VM *vm, Value self) { return cd_from_small((int64_t)expat_of(self)->buffer_size); }
static bool expat_set_buffer_size(VM *vm, Value self, Value value)
{
  ExpatParser *p = expat_of(self);
  int64_t size;
  if (!cd_bits(value)) return cd_raise_runtime(vm, "Cannot delete attribute");
  if (!cd_is_int(value)) return cd_raise_type(vm, "buffer_size must be an integer");
  if (!cd_to_ssize(vm, value, &size)) return false;
  if (size == (int64_t)p->buffer_size) return true;
  if (size <= 0) return cd_raise_value(vm, "buffer_size must be greater than zero");
  if (size > INT_MAX) return cd_raise_value(vm, "buffer_size must not be greater than %d", INT_MAX);
  bool keep = p->buffer != NULL;
  if (!expat_keep_text(vm, p, false)) return false;
  if (p->buffer) return cd_raise_runtime(vm, "buffer_size was changed by a handler");
  p->buffer_size = (size_t)size;
  return !keep || expat_keep_text(vm, p, true);
}

static Ref expat_get_ordered_attributes(VM *vm, Value self) { return cd_bool(expat_of(self)->ordered_attributes); }
static bool expat_set_ordered_attributes(VM *vm, Value self, Value value)
{
  return expat_flag(vm, value, &expat_of(self)->ordered_attributes);
}
static Ref expat_get_specified_attributes(VM *vm, Value self) { return cd_bool(expat_of(self)->specified_attributes); }
static bool expat_set_specified_attributes(VM *vm, Value self, Value value)
{
  return expat_flag(vm, value, &expat_of(self)->specified_attributes);
}
static Ref expat_get_namespace_prefixes(VM *vm, Value self) { return cd_bool(expat_of(self)->namespace_prefixes); }
static bool expat_set_namespace_prefixes(VM *vm, Value self, Value value)
{
  ExpatParser *p = expat_of(self);
  if (!expat_flag(vm, value, &p->namespace_prefixes)) return false;
  XML_SetReturnNSTriplet(p->parser, p->namespace_prefixes);
  return true;
}

static Ref expat_get_error_code(VM *vm, Value self) { return cd_from_small(XML_GetErrorCode(expat_of(self)->parser)); }
static Ref expat_get_line(VM *vm, Value self) { return cd_from_small((int64_t)XML_GetCurrentLineNumber(expat_of(self)->parser)); }
static Ref expat_get_column(VM *vm, Value self) { return cd_from_small((int64_t)XML_GetCurrentColumnNumber(expat_of(self)->parser)); }
static Ref expat_get_byte(VM *vm, Value self) { return cd_from_small((int64_t)XML_GetCurrentByteIndex(expat_of(self)->parser)); }

static const GetSetDef xmlparser_getset[] = {
#define EXPAT_HANDLER(id, name, setter) {name, NULL, expat_get_##id, expat_set_##id},
  EXPAT_HANDLERS
#undef EXPAT_HANDLER
  {"ErrorCode", NULL, expat_get_error_code, NULL},
  {"ErrorLineNumber", NULL, expat_get_line, NULL},
  {"ErrorColumnNumber", NULL, expat_get_column, NULL},
  {"ErrorByteIndex", NULL, expat_get_byte, NULL},
  {"CurrentLineNumber", NULL, expat_get_line, NULL},
  {"CurrentColumnNumber", NULL, expat_get_column, NULL},
  {"CurrentByteIndex", NULL, expat_get_byte, NULL},
  {"buffer_size", NULL, expat_get_buffer_size, expat_set_buffer_size},
  {"buffer_text", NULL, expat_get_buffer_text, expat_set_buffer_text},
  {"buffer_used", NULL, expat_get_buffer_used, NULL},
  {"namespace_prefixes", NULL, expat_get_namespace_prefixes, expat_set_namespace_prefixes},
  {"ordered_attributes", NULL, expat_get_ordered_attributes, expat_set_ordered_attributes},
  {"specified_attributes", NULL, expat_get_specified_attributes, expat_set_specified_attributes},
  {0},
};

static const MemberDef xmlparser_members[] = {
  {"intern", offsetof(ExpatParser, intern), MEMBER_VALUE_OR_NONE, false, NULL},
  {0},
};

static const TypeSpec xmlparser_spec = {
  .name = "pyexpat.xmlparser",
  .doc = "XML parser",
  .basicsize = sizeof(ExpatParser),
  .flags = TYPE_GC | TYPE_NO_NEW,
  .methods = xmlparser_methods,
  .getset = xmlparser_getset,
  .members = xmlparser_members,
  .slots = {.release = expat_parser_release, .traverse = expat_parser_traverse, .clear = expat_parser_clear},
};

// ---- the module ----

typedef struct ExpatConstant { const char *name; int value; } ExpatConstant;

#define EXPAT_ERROR(name) {"XML_ERROR_" #name, XML_ERROR_##name}
static const ExpatConstant expat_errors[] = {
  EXPAT_ERROR(NO_MEMORY),
  EXPAT_ERROR(SYNTAX),
  EXPAT_ERROR(NO_ELEMENTS),
  EXPAT_ERROR(INVALID_TOKEN),
  EXPAT_ERROR(UNCLOSED_TOKEN),
  EXPAT_ERROR(PARTIAL_CHAR),
  EXPAT_ERROR(TAG_MISMATCH),
  EXPAT_ERROR(DUPLICATE_ATTRIBUTE),
  EXPAT_ERROR(JUNK_AFTER_DOC_ELEMENT),
  EXPAT_ERROR(PARAM_ENTITY_REF),
  EXPAT_ERROR(UNDEFINED_ENTITY),
  EXPAT_ERROR(RECURSIVE_ENTITY_REF),
  EXPAT_ERROR(ASYNC_ENTITY),
  EXPAT_ERROR(BAD_CHAR_REF),
  EXPAT_ERROR(BINARY_ENTITY_REF),
  EXPAT_ERROR(ATTRIBUTE_EXTERNAL_ENTITY_REF),
  EXPAT_ERROR(MISPLACED_XML_PI),
  EXPAT_ERROR(UNKNOWN_ENCODING),
  EXPAT_ERROR(INCORRECT_ENCODING),
  EXPAT_ERROR(UNCLOSED_CDATA_SECTION),
  EXPAT_ERROR(EXTERNAL_ENTITY_HANDLING),
  EXPAT_ERROR(NOT_STANDALONE),
  EXPAT_ERROR(UNEXPECTED_STATE),
  EXPAT_ERROR(ENTITY_DECLARED_IN_PE),
  EXPAT_ERROR(FEATURE_REQUIRES_XML_DTD),
  EXPAT_ERROR(CANT_CHANGE_FEATURE_ONCE_PARSING),
  EXPAT_ERROR(UNBOUND_PREFIX),
  EXPAT_ERROR(UNDECLARING_PREFIX),
  EXPAT_ERROR(INCOMPLETE_PE),
  EXPAT_ERROR(XML_DECL),
  EXPAT_ERROR(TEXT_DECL),
  EXPAT_ERROR(PUBLICID),
  EXPAT_ERROR(SUSPENDED),
  EXPAT_ERROR(NOT_SUSPENDED),
  EXPAT_ERROR(ABORTED),
  EXPAT_ERROR(FINISHED),
  EXPAT_ERROR(SUSPEND_PE),
  EXPAT_ERROR(RESERVED_PREFIX_XML),
  EXPAT_ERROR(RESERVED_PREFIX_XMLNS),
  EXPAT_ERROR(RESERVED_NAMESPACE_URI),
  EXPAT_ERROR(INVALID_ARGUMENT),
  EXPAT_ERROR(NO_BUFFER),
  EXPAT_ERROR(AMPLIFICATION_LIMIT_BREACH),
};

#define EXPAT_MODEL(name) {"XML_" #name, XML_##name}
static const ExpatConstant expat_model_constants[] = {
  EXPAT_MODEL(CTYPE_EMPTY), EXPAT_MODEL(CTYPE_ANY),   EXPAT_MODEL(CTYPE_MIXED), EXPAT_MODEL(CTYPE_NAME), EXPAT_MODEL(CTYPE_CHOICE),
  EXPAT_MODEL(CTYPE_SEQ),   EXPAT_MODEL(CQUANT_NONE), EXPAT_MODEL(CQUANT_OPT),  EXPAT_MODEL(CQUANT_REP), EXPAT_MODEL(CQUANT_PLUS),
};

// A module inside this one, entered in sys.modules too.
static Ref expat_submodule(VM *vm, Value module, const char *qualified_name, const char *doc)
{
  Ref name = cd_intern(vm, qualified_name), part = name ? cd_module_new(vm, name) : NO_REF;
  if (part && (!cd_module_add_text(vm, part, "__doc__", doc) || !cd_dict_set(vm, vm->modules, name, part) ||
               !cd_module_add(vm, module, strchr(qualified_name, '.') + 1, cd_dup(part))))
    cd_forget(vm, &part);
  cd_drop(vm, name);
  return part;
}

// XML_ERROR_X = message, codes[message] = number, messages[number] = message
static bool expat_fill_errors(VM *vm, Value part)
{
  Ref codes = cd_dict_new(vm), messages = cd_dict_new(vm);
  bool ok = codes && messages;
  for (size_t i = 0; ok && i < ARRAY_LEN(expat_errors); i++) {
    Ref text = cd_str_from(vm, XML_ErrorString((enum XML_Error)expat_errors[i].value));
    Value number = cd_from_small(expat_errors[i].value);
    ok = text && cd_module_add(vm, part, expat_errors[i].name, cd_dup(text)) && cd_dict_set(vm, codes, text, number) &&
         cd_dict_set(vm, messages, number, text);
    cd_drop(vm, text);
  }
  ok = ok && cd_module_add(vm, part, "codes", cd_dup(codes)) && cd_module_add(vm, part, "messages", cd_dup(messages));
  cd_drop(vm, codes);
  cd_drop(vm, messages);
  return ok;
}

static bool expat_add_features(VM *vm, Value module)
{
  Ref list = cd_list_new(vm);
  bool ok = cd_bits(list) != 0;
  for (const XML_Feature *f = XML_GetFeatureList(); ok && f->feature != XML_FEATURE_END; f++)
    ok = cd_list_append_steal(vm, cd_as_list(list), cd_tuple2_steal(vm, cd_str_from(vm, f->name), cd_int_from_i64(vm, f->value)));
  return cd_module_add(vm, module, "features", ok ? cd_move(&list) : NO_REF) || (cd_drop(vm, list), false);
}

static Ref expat_version_tuple(VM *vm)
{
  XML_Expat_Version v = XML_ExpatVersionInfo();
  return cd_tuple3(vm, cd_from_small(v.major), cd_from_small(v.minor), cd_from_small(v.micro));
}

static bool expat_exec(VM *vm, Value module)
{
  ExpatState *state = expat_state(vm);
  if (!cd_bits(state->error) &&
      !(state->error = cd_exception_type_new(vm, "xml.parsers.expat.ExpatError", NULL, cd_type_value(vm->exc.Exception)))) return false;
  if (!state->parser_type && !(state->parser_type = cd_type_from_spec(vm, &xmlparser_spec, NO_VALUE))) return false;
  if (!cd_module_add(vm, module, "error", cd_dup(state->error)) || !cd_module_add(vm, module, "ExpatError", cd_dup(state->error)) ||
      !cd_module_add(vm, module, "XMLParserType", cd_dup(cd_type_value(state->parser_type))) ||
      !cd_module_add_text(vm, module, "EXPAT_VERSION", XML_ExpatVersion()) || !cd_module_add_text(vm, module, "native_encoding", "UTF-8") ||
      !cd_module_add(vm, module, "version_info", expat_version_tuple(vm)) || !expat_add_features(vm, module) ||
      !cd_module_add_int(vm, module, "XML_PARAM_ENTITY_PARSING_NEVER", XML_PARAM_ENTITY_PARSING_NEVER) ||
      !cd_module_add_int(vm, module, "XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE", XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE) ||
      !cd_module_add_int(vm, module, "XML_PARAM_ENTITY_PARSING_ALWAYS", XML_PARAM_ENTITY_PARSING_ALWAYS))
    return false;
  Ref errors = expat_submodule(vm, module, "pyexpat.errors", "Texts and numbers of errors."), model = NO_REF;
  bool ok = errors && expat_fill_errors(vm, errors) &&
            (model = expat_submodule(vm, module, "pyexpat.model", "Numbers in the content models that ElementDeclHandler gets."));
  for (size_t i = 0; ok && i < ARRAY_LEN(expat_model_constants); i++)
    ok = cd_module_add_int(vm, model, expat_model_constants[i].name, expat_model_constants[i].value);
  cd_drop(vm, errors);
  cd_drop(vm, model);
  return ok;
}

static void expat_traverse(void *p, VisitFn visit, void *context)
{
  ExpatState *state = p;
  visit(context, state->error);
  visit(context, cd_type_value(state->parser_type));
}

static void expat_clear(VM *vm, void *p)
{
  ExpatState *state = p;
  Type *parser_type = state->parser_type;
  state->parser_type = NULL;
  cd_clear(vm, &state->error);
  cd_drop_object(vm, parser_type);
}

static const MethodDef *const expat_functions[] = {&pyexpat_ParserCreate_def, &pyexpat_ErrorString_def, NULL};

const ModuleDef cd_module_pyexpat = {
  .name = "pyexpat",
  .doc = "Python wrapper for Expat parser.",
  .functions = expat_functions,
  .state_size = sizeof(ExpatState),
  .exec = expat_exec,
  .traverse = expat_traverse,
  .clear = expat_clear,
};
