# A thin layer over the CMake presets; every target stands on its own.

SHELL := /bin/bash

SOURCES := $(wildcard src/base/*.c src/core/*.c src/objects/*.c src/bytecode/*.c src/frontend/*.c src/vm/*.c src/coro/*.c src/loop/*.c \
  src/modules/*.c src/api/*.c)
CHECK_FLAGS := -std=gnu11 -D_GNU_SOURCE -Isrc -Iinclude -Ibuild/generated -fsyntax-only

.PHONY: help release debug asan test bench owners clang layers symbols words amalgam format clean

help:           ## this list
	@sed -n 's/^\([a-z ]*\): .*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

release debug asan:  ## the program, by the preset of that name
	@. tools/setup.sh && setup_build $@

test:           ## every test
	./test

bench:          ## speed beside the installed CPython
	bench/run

owners:         ## type-checks who owns references: Ref and Value as different pointer types
	@tools/each $(SOURCES) -- $(CC) $(CHECK_FLAGS) -DCEDE_CHECK_OWNERS

clang:          ## what clang says of the sources that gcc builds
	@tools/each $(SOURCES) src/cli/*.c -- clang $(CHECK_FLAGS) $(shell pkg-config --cflags libedit) -Wall -Wextra -Wno-unused-parameter

layers:         ## the include graph; fails when a file includes a later layer
	@tools/layers.py

symbols:        ## names that the linker sees: cede_ is public, cd_ internal, and there is no other; no data is writable
	@tools/symbols.py build/libcede_core.a

words:          ## docstrings and comments that are the reference's, not ours
	@tools/own_words.py build/cede

amalgam:        ## the library as one file, build/amalgam/cede.c, with its header
	@tools/amalgamate.py build/amalgam && $(CC) -std=gnu11 -fsyntax-only -Wno-deprecated-declarations $(shell pkg-config --cflags libedit openssl) build/amalgam/cede.c

format:         ## wraps statements that are longer than 140 columns
	@tools/format.py

clean:          ## removes what was built
	rm -rf build build-debug build-asan
