// SPDX-License-Identifier: MIT
// search.h: finding bytes in bytes
#ifndef CEDE_BASE_SEARCH_H
#define CEDE_BASE_SEARCH_H

#include "base/platform.h"

// Offset of the first or last occurrence, or -1. An empty needle is found at 0 and at `size`.
int64_t cd_search_first(const char *text, size_t size, const char *needle, size_t needle_size);
int64_t cd_search_last(const char *text, size_t size, const char *needle, size_t needle_size);
// Non-overlapping occurrences of a needle that is not empty; stops after `limit` of them.
size_t cd_search_count(const char *text, size_t size, const char *needle, size_t needle_size, size_t limit);

#endif
