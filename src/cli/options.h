// SPDX-License-Identifier: MIT
// options.h: the command line and the PYTHON* variables
#ifndef CEDE_CLI_OPTIONS_H
#define CEDE_CLI_OPTIONS_H

#include "cede.h"

typedef enum { RUN_PROMPT, RUN_TEXT, RUN_MODULE, RUN_FILE, RUN_STDIN, RUN_NOTHING } RunKind;

typedef struct OptionList { char **items; int count; } OptionList;   // owned texts, in order

typedef struct CommandLine {
  RunKind kind;
  const char *target;                            // command text (with a newline added), module name or path
  bool isolated_stdin;
  bool random_hashes;                            // -R: whatever PYTHONHASHSEED says
  int version;                                   // -V given this often
  int status;                                    // for RUN_NOTHING
  char *library;                                 // from PYTHONHOME; owned
  CedeOptions options;
  char **argv;                                   // what becomes sys.argv; owned
  OptionList given_warnings, warnings, x;        // arguments of -W; those with what variables and other options add; of -X
} CommandLine;

// Reads everything; prints help, version or a usage error itself and then says RUN_NOTHING with a status.
void command_line_read(CommandLine *line, int argc, char **argv);
void command_line_free(CommandLine *line);

#endif
