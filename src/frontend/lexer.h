// SPDX-License-Identifier: MIT
// lexer.h: source text to an array of tokens
#ifndef CEDE_FRONTEND_LEXER_H
#define CEDE_FRONTEND_LEXER_H

#include "frontend/frontend.h"

typedef enum TokenKind {
#define TOKEN(kind, text) TOKEN_##kind,
#define KEYWORD(kind, text) TOKEN_##kind,
#define PUNCTUATION(kind, text) TOKEN_##kind,
#include "frontend/tokens.def"
  TOKEN_KINDS
} TokenKind;

enum { TOKEN_FIRST_KEYWORD = TOKEN_FALSE, TOKEN_LAST_KEYWORD = TOKEN_YIELD };
static inline bool cd_token_is_keyword(int kind) { return kind >= TOKEN_FIRST_KEYWORD && kind <= TOKEN_LAST_KEYWORD; }

// Token.flags
enum { TOKEN_ESCAPES = 1,                         // STRING: has a backslash
       TOKEN_NON_ASCII = 2,                       // STRING, NAME
       TOKEN_FORMATTED = 4, TOKEN_BYTES = 8, TOKEN_RAW = 16, TOKEN_UNICODE = 32, TOKEN_TRIPLE = 64,   // STRING: prefixes and quotes
       TOKEN_ALTERNATE = 128 };                   // NOT_EQUAL: spelt "<>"

// INDENT, DEDENT and ENDMARKER have no place: column is -1, and `text` is how far the source was read when they were found.
typedef struct Token {
  uint8_t kind, flags;
  uint32_t size;
  const char *text;                              // in the source
  int32_t line, column, end_line, end_column;    // lines from 1, UTF-8 bytes from 0
} Token;

// What stopped the lexer, as SyntaxError shows it (offsets count characters from 1; 0 and -1 are shown as they are).
typedef struct LexError {
  Type *type;
  Value message;                                 // owned; NO_VALUE: see `unclosed` or no error
  int32_t line, offset, end_line, end_offset;
  const char *text, *text_end;                   // the source line
  bool place_is_token;                           // the place is that of the ERROR token, by the rules for parser errors
  bool direct;                                   // worded by the lexer: counts more than a parser's error before it
  bool at_end;                                   // the source ended too early: more input may help
} LexError;

// A bracket that is open.
typedef struct OpenBracket { char bracket; int32_t line, column; } OpenBracket;
#define MAX_BRACKETS 200
#define MAX_INDENTS 100

// "invalid decimal literal" for `1if x else y`; told when the parser gets to that token.
typedef struct LexWarning { size_t token; const char *kind; } LexWarning;

// The tokens of one source. Ends with ENDMARKER or ERROR.
typedef struct Tokens {
  VM *vm;
  const char *source, *source_end;               // NUL after it
  Token *items;
  size_t count, capacity;
  LexError error;
  OpenBracket brackets[MAX_BRACKETS];            // still open at the end
  int bracket_count;
  LexWarning *warnings;                          // "invalid decimal literal" and the like, by token
  size_t warning_count, warning_capacity;
  Token *ignores;                                // "# type: ignore" comments; they are not among the tokens
  size_t ignore_count, ignore_capacity;
} Tokens;

// How a source is read.
typedef struct LexOptions {
  CompileMode mode;
  int flags;                                     // PYCF_
  int32_t line;                                  // of the first character
  int32_t column;
  bool field;                                    // an f-string's replacement field with the characters around it: they become parentheses
  bool check_formatted;                          // an f-string with its own quotes in fields counts only if these are expressions
} LexOptions;

// Reads all tokens of [source, end). Bad source ends in an ERROR token and is not an exception; false: MemoryError.
MUST_USE bool cd_lex(VM *vm, Tokens *tokens, const char *source, const char *end, LexOptions options);
void cd_tokens_clear(Tokens *tokens);
// Where the f-string ends whose replacement fields may hold any quotes (PEP 701): behind its closing quote; NULL if it does not end so.
const char *cd_lex_formatted_end(const char *body, const char *end, char quote, bool triple, bool raw);
// The string literal that begins at `p`, prefix included: its end; `p` if there is none here; NULL if it does not end.
const char *cd_lex_skip_string(const char *p, const char *end);
static inline bool cd_lex_is_name(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9') || (unsigned char)c >= 128;
}
const char *cd_token_text(int kind);             // "if", "+=", or a description

#endif
