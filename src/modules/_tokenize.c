// SPDX-License-Identifier: MIT
// _tokenize.c: the compiler's tokens, for tokenize
#include "frontend/lexer.h"
#include "frontend/parser.h"
#include "modules/module_list.h"
#include "objects/bytes.h"
#include "objects/protocol.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

typedef struct TokenizeState { Type *iterator; } TokenizeState;  // owned

// The whole source is read when the iterator is made; its mistakes are raised in their turn.
typedef struct TokenizerIter {
  Object head;
  Value source;                                  // owned: the bytes that the tokens are in
  Tokens tokens;
  size_t next;
  const char *buffer;                            // where the line of the last token begins: earlier than it, if lines are joined
} TokenizerIter;

static Ref tokenizer_iter_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  Value source;
  Ref owned[2] = {NO_REF, NO_REF}, filename = NO_REF;
  if (!cd_bind_text(vm, "tokenizeriter(source)", args, nargs, kwnames, &source, owned)) return NO_REF;
  size_t size;
  const char *text = NULL;
  int flags = PYCF_SOURCE_IS_UTF8;
  TokenizerIter *it = NULL;
  if (!cd_is_str(source)) cd_raise_type(vm, "tokenizeriter() argument 'source' must be str, not %T", source);
  else if (!(text = cd_str_utf8(vm, source, &size))) size = 0;
  else if (memchr(text, 0, size)) cd_raise_value(vm, "embedded null character");
  else if ((filename = cd_str_from(vm, "<string>"))) it = cd_instance_new(vm, type);
  bool ok = it && (it->source = cd_source_decode(vm, text, size, filename, MODE_EXEC, &flags, &it->buffer, &size)) &&
            cd_lex(vm, &it->tokens, it->buffer, it->buffer + size, (LexOptions){.mode = MODE_EXEC, .line = 1});
  if (it && !ok) cd_drop_object(vm, it);
  cd_drop(vm, filename);
  cd_drop(vm, owned[0]);
  cd_drop(vm, owned[1]);
  return ok ? cd_from_object(it) : NO_REF;
}

static void tokenizer_iter_release(VM *vm, Object *self)
{
  TokenizerIter *it = (TokenizerIter *)self;
  if (it->tokens.vm) cd_tokens_clear(&it->tokens);
  it->tokens.vm = NULL;
  cd_clear(vm, &it->source);
}

static Ref tokenizer_iter_iter(VM *vm UNUSED, Value self) { return cd_dup(self); }

// token.py's number of a kind.
static int tokenizer_number(const Token *token)
{
  static const uint8_t numbers[TOKEN_KINDS] = {
    [TOKEN_NAME] = 1,
    [TOKEN_NUMBER] = 2,
    [TOKEN_STRING] = 3,
    [TOKEN_NEWLINE] = 4,
    [TOKEN_INDENT] = 5,
    [TOKEN_DEDENT] = 6,
    [TOKEN_LPAR] = 7,
    [TOKEN_RPAR] = 8,
    [TOKEN_LSQB] = 9,
    [TOKEN_RSQB] = 10,
    [TOKEN_COLON] = 11,
    [TOKEN_COMMA] = 12,
    [TOKEN_SEMI] = 13,
    [TOKEN_PLUS] = 14,
    [TOKEN_MINUS] = 15,
    [TOKEN_STAR] = 16,
    [TOKEN_SLASH] = 17,
    [TOKEN_VBAR] = 18,
    [TOKEN_AMPER] = 19,
    [TOKEN_LESS] = 20,
    [TOKEN_GREATER] = 21,
    [TOKEN_EQUAL] = 22,
    [TOKEN_DOT] = 23,
    [TOKEN_PERCENT] = 24,
    [TOKEN_LBRACE] = 25,
    [TOKEN_RBRACE] = 26,
    [TOKEN_EQ_EQUAL] = 27,
    [TOKEN_NOT_EQUAL] = 28,
    [TOKEN_LESS_EQUAL] = 29,
    [TOKEN_GREATER_EQUAL] = 30,
    [TOKEN_TILDE] = 31,
    [TOKEN_CIRCUMFLEX] = 32,
    [TOKEN_LEFT_SHIFT] = 33,
    [TOKEN_RIGHT_SHIFT] = 34,
    [TOKEN_DOUBLE_STAR] = 35,
    [TOKEN_PLUS_EQUAL] = 36,
    [TOKEN_MINUS_EQUAL] = 37,
    [TOKEN_STAR_EQUAL] = 38,
    [TOKEN_SLASH_EQUAL] = 39,
    [TOKEN_PERCENT_EQUAL] = 40,
    [TOKEN_AMPER_EQUAL] = 41,
    [TOKEN_VBAR_EQUAL] = 42,
    [TOKEN_CIRCUMFLEX_EQUAL] = 43,
    [TOKEN_LEFT_SHIFT_EQUAL] = 44,
    [TOKEN_RIGHT_SHIFT_EQUAL] = 45,
    [TOKEN_DOUBLE_STAR_EQUAL] = 46,
    [TOKEN_DOUBLE_SLASH] = 47,
    [TOKEN_DOUBLE_SLASH_EQUAL] = 48,
    [TOKEN_AT] = 49,
    [TOKEN_AT_EQUAL] = 50,
    [TOKEN_ARROW] = 51,
    [TOKEN_ELLIPSIS] = 52,
    [TOKEN_COLON_EQUAL] = 53,
    [TOKEN_UNKNOWN] = 54,
    [TOKEN_AWAIT] = 55,
    [TOKEN_ASYNC] = 56,
  };
  return numbers[token->kind] ? numbers[token->kind] : 1;        // keywords are names
}

static const char *tokenizer_line_start(const TokenizerIter *it, const char *s)
{
  while (s > it->tokens.source && s[-1] != '\n') s--;
  return s;
}

// Does a backslash join the lines of two tokens?
static bool tokenizer_is_joined(const Token *before, const Token *token)
{
  if (before->column < 0 || before->kind == TOKEN_NEWLINE || token->column < 0) return false;
  for (const char *s = before->text + before->size; s < token->text; s++) {
    if (*s == '#') while (*s != '\n') s++;
    else if (*s == '\\') return true;
  }
  return false;
}

static Next tokenizer_iter_next(VM *vm, Value self, Ref *out)
{
  TokenizerIter *it = (TokenizerIter *)cd_object(self);
  if (it->next >= it->tokens.count) return NEXT_DONE;
  const Token *token = &it->tokens.items[it->next], *before = it->next ? token - 1 : NULL;
  if (token->kind == TOKEN_ENDMARKER) return NEXT_DONE;
  if (token->kind == TOKEN_ERROR) {              // the lexer's own words are raised; what the parser has words for just ends the tokens
    const LexError *e = &it->tokens.error;
    it->next = it->tokens.count;
    if (!e->direct) return NEXT_DONE;
    Ref line = cd_str_decode_utf8(vm, e->text, (size_t)(e->text_end - e->text), "replace"), filename = cd_str_from(vm, "<string>");
    if (filename) cd_raise_syntax(vm, e->type, cd_dup(e->message), filename, e->line, e->offset, e->end_line, e->end_offset, line);
    else cd_drop(vm, line);
    cd_drop(vm, filename);
    return NEXT_ERROR;
  }
  it->next++;
  const char *at = token->text;
  if (at == it->tokens.source_end && at > it->tokens.source) at--;     // the blocks that end with the source
  if (!before || (before->end_line < token->line && !tokenizer_is_joined(before, token))) it->buffer = tokenizer_line_start(it, at);
  const char *end = memchr(token->text + token->size, '\n', (size_t)(it->tokens.source_end - token->text - token->size));
  if (!end) end = it->tokens.source_end - 1;
  size_t size = token->column < 0 ? 0 : token->size;
  Ref items[] = {cd_str_new(vm, token->text, size),
                 cd_from_small(tokenizer_number(token)),
                 cd_from_small(token->line),
                 cd_from_small(token->end_line),
                 cd_from_small(token->column),
                 cd_from_small(token->end_column),
                 cd_str_decode_utf8(vm, it->buffer, (size_t)(end + 1 - it->buffer), "replace")};
  *out = items[0] && items[6] ? cd_tuple_of(vm, 7, cd_lend(items)) : NO_REF;
  cd_drop(vm, items[0]);
  cd_drop(vm, items[6]);
  return *out ? NEXT_ITEM : NEXT_ERROR;
}

static const TypeSpec tokenizer_iter_spec = {
  .name = "_tokenize.TokenizerIter",
  .basicsize = sizeof(TokenizerIter),
  .slots = {.new_ = tokenizer_iter_new, .release = tokenizer_iter_release, .iter = tokenizer_iter_iter, .next = tokenizer_iter_next},
};

static bool tokenize_exec(VM *vm, Value module)
{
  TokenizeState *state = cd_state(vm, MODULE__tokenize);
  if (!state->iterator && !(state->iterator = cd_type_from_spec(vm, &tokenizer_iter_spec, NO_VALUE))) return false;
  return cd_module_add(vm, module, "TokenizerIter", cd_dup(cd_type_value(state->iterator)));
}

static void tokenize_state_traverse(void *p, VisitFn visit, void *context)
{
  visit(context, cd_type_value(((TokenizeState *)p)->iterator));
}
static void tokenize_state_clear(VM *vm, void *p)
{
  TokenizeState *state = p;
  Type *iterator = state->iterator;
  state->iterator = NULL;
  cd_drop_object(vm, iterator);
}

const ModuleDef cd_module__tokenize = {
  .name = "_tokenize",
  .state_size = sizeof(TokenizeState),
  .exec = tokenize_exec,
  .traverse = tokenize_state_traverse,
  .clear = tokenize_state_clear,
};
