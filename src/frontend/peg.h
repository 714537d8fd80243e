// SPDX-License-Identifier: MIT
// peg.h: a recogniser that follows grammar.def
#ifndef CEDE_FRONTEND_PEG_H
#define CEDE_FRONTEND_PEG_H

#include "frontend/parse.h"

// Kinds of nodes; the second column is what messages call them.
#define PEG_NODES(NODE)                                                                                                                   \
  NODE(Token, "token")                                                                                                                    \
  NODE(Other, "expression") NODE(Sequence, "sequence") NODE(Keyword, "keyword") NODE(DoubleStarred, "keyword") NODE(For, "comprehension") \
    NODE(In, "comparison") NODE(Parameter, "parameter") NODE(DefaultParameter, "parameter") NODE(Slash, "parameter") NODE(Name, "name")   \
      NODE(Attribute, "attribute") NODE(Subscript, "subscript") NODE(Starred, "starred") NODE(List, "list") NODE(Tuple, "tuple")          \
        NODE(Lambda, "lambda") NODE(Call, "function call") NODE(BoolOp, "expression") NODE(BinOp, "expression")                           \
          NODE(UnaryOp, "expression") NODE(GeneratorExp, "generator expression") NODE(Yield, "yield expression")                          \
            NODE(Await, "await expression") NODE(ListComp, "list comprehension") NODE(SetComp, "set comprehension")                       \
              NODE(DictComp, "dict comprehension") NODE(Dict, "dict literal") NODE(Set, "set display")                                    \
                NODE(JoinedStr, "f-string expression") NODE(Constant, "literal") NODE(None, "None") NODE(True, "True")                    \
                  NODE(False, "False") NODE(Ellipsis, "ellipsis") NODE(Compare, "comparison") NODE(IfExp, "conditional expression")       \
                    NODE(NamedExpr, "named expression")
typedef enum NodeKind {
#define NODE(name, text) NODE_##name,
  PEG_NODES(NODE)
#undef NODE
} NodeKind;

// What was recognised, from token `first` to token `last`.
typedef struct Node {
  uint8_t kind;
  uint32_t count;
  int32_t first, last;
  const struct Node *const *items;               // one for each item of the alternative; NULL for lookaheads and for absent optional items
} Node;

typedef enum PegRule {
#define RULE(name, text) PEG_##name,
#define MEMO(name, text) PEG_##name,
#define PLAIN(name, text) PEG_##name,
#define PARAMETERS(name, text) PEG_##name,
#define MISTAKE(name, text) PEG_##name,
#define MISTAKE_MEMO(name, text) PEG_##name,
#include "frontend/grammar.def"
  PEG_RULES
} PegRule;

typedef struct Peg Peg;
typedef struct PegAction { const char *name; const Node *(*fn)(struct Diagnosis *d, const Node *node); } PegAction;

// What goes wrong has a message: `text` with its places. NULL: nothing; the alternative fails.
typedef struct PegMistake {
  const PegAction *action;                       // or NULL: the rest
  int first, last;                               // items, from 1; first 0: the last token; last 0: only the first, -1: up to the last token
  bool block;
  const char *text;
} PegMistake;

// One source being diagnosed.
typedef struct Diagnosis {
  VM *vm;
  Arena arena;
  Peg *grammar;
  Tokens tokens;
  uint8_t *levels;                               // open brackets behind each token
  struct PegMemo **memos;                        // by token
  int32_t mark, fill;                            // next token; tokens read so far
  int depth;
  bool mistakes;                                 // the second pass
  bool lambda;                                   // whose parameters are being read
  bool failed;                                   // an exception is set: stop
  bool asking, open;                             // cd_statement_is_open: the end of the source was reached
  const char *source, *end;
  Value filename;                                // borrowed
  CompileMode mode;
  int flags;
  bool field;                                    // an f-string's expression
  int field_depth;
  bool characters;                               // offsets count characters, not bytes
  int32_t first_line, column_base;               // of the source; what is subtracted from columns
  Parser parser;                                 // for literals
  Ast ast;
} Diagnosis;

// ---- peg.c ----
bool cd_peg_prepare(Diagnosis *d, const PegAction *actions);
void cd_peg_reset(Diagnosis *d);                 // for another pass
const Node *cd_peg_run(Diagnosis *d, PegRule start);
const Node *cd_peg_node(Diagnosis *d, NodeKind kind, int32_t first, int32_t last);
const char *cd_peg_node_text(const Node *node);  // what messages call it

// ---- diagnose.c ----
// Reads token number d->fill. false: it is an error, and raised.
bool cd_diagnosis_fetch(Diagnosis *d);
const Node *cd_diagnosis_mistake(Diagnosis *d, const PegMistake *mistake, const Node *node);
// "expected 'x'" at the next token.
void cd_diagnosis_expected(Diagnosis *d, int kind);
// No block behind a statement that begins at token `first`.
void cd_diagnosis_no_block(Diagnosis *d, const char *statement, int32_t first);
// What only newer versions than the one asked for have.
void cd_diagnosis_since(Diagnosis *d, int version, const char *what);
// Raises at the last token read.
bool cd_diagnosis_fail(Diagnosis *d, const char *format, ...);
void cd_diagnosis_run(VM *vm, Diagnosis *d);   // d: source, end, filename, mode, flags, field, characters, first_line, column_base are set

// ---- diagnose_fstring.c ----
// Reads an f-string as Python 3.11 does, to find what is wrong with it.
void cd_diagnose_formatted(Diagnosis *d, const Token *token);

#endif
