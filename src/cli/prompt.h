// SPDX-License-Identifier: MIT
// prompt.h: the interactive prompt
#ifndef CEDE_CLI_PROMPT_H
#define CEDE_CLI_PROMPT_H

#include "cede.h"

// Reads statements from standard input until its end or SystemExit. Line editing, history and completion when it is a terminal. Exit
// status.
int prompt_run(CedeVM *vm, bool banner);

#endif
