// SPDX-License-Identifier: MIT
// literal.h: string literals, as parser and diagnosis share them; private to this folder
#ifndef CEDE_FRONTEND_LITERAL_H
#define CEDE_FRONTEND_LITERAL_H

#include "frontend/parse.h"
#include "objects/str.h"

#define MAX_FIELD_DEPTH 20                       // of f-strings within fields of f-strings

// The text between the quotes of a STRING token.
void cd_literal_body(const Token *token, const char **text, const char **end);
// Appends [text, end), a part of the literal `token`, with its escapes replaced.
MUST_USE bool cd_literal_decode(Parser *p, TextBuilder *out, const Token *token, const char *text, const char *end);

#endif
