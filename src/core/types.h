// SPDX-License-Identifier: MIT
// types.h: names of the structures that headers mention; declares, defines nothing
#ifndef CEDE_CORE_TYPES_H
#define CEDE_CORE_TYPES_H

#include "base/platform.h"

typedef struct VM VM;
typedef struct Thread Thread;                    // one Python thread of a VM
typedef struct Object Object;
typedef struct Type Type;
typedef struct TypeSpec TypeSpec;
typedef struct MethodDef MethodDef;
typedef struct Buffer Buffer;

typedef struct Str Str;
typedef struct Bytes Bytes;
typedef struct ByteArray ByteArray;
typedef struct Int Int;
typedef struct Float Float;
typedef struct Complex Complex;
typedef struct List List;
typedef struct Tuple Tuple;
typedef struct Dict Dict;
typedef struct Set Set;
typedef struct Slice Slice;
typedef struct Range Range;
typedef struct Cell Cell;
typedef struct Function Function;
typedef struct Method Method;
typedef struct Native Native;
typedef struct Module Module;
typedef struct Exception Exception;
typedef struct Traceback Traceback;
typedef struct Shape Shape;
typedef struct Instance Instance;
typedef struct Weakref Weakref;

typedef struct Code Code;
typedef struct Frame Frame;
typedef struct FrameObject FrameObject;
typedef struct Generator Generator;

#endif
