// SPDX-License-Identifier: MIT
// platform.h: compiler attributes and assertions; the only file that knows which compiler runs
#ifndef CEDE_BASE_PLATFORM_H
#define CEDE_BASE_PLATFORM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_USE __attribute__((warn_unused_result))
#define NO_INLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define COLD __attribute__((cold, noinline))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define UNUSED __attribute__((unused))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define UNREACHABLE() __builtin_unreachable()
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_ADDRESS__)
#define CEDE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CEDE_ASAN 1
#endif
#endif

#ifdef CEDE_DEBUG
#define CD_ASSERT(x) assert(x)
#else
#define CD_ASSERT(x) ((void)0)
#endif

#endif
