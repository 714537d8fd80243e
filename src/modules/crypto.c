// SPDX-License-Identifier: MIT
// crypto.c: opening libcrypto
#include "modules/crypto.h"

#include "objects/raise.h"

#include <dlfcn.h>
#include <pthread.h>

#define CRYPTO_TEXT(x) #x
#define CRYPTO_FILE(version) "libcrypto.so." CRYPTO_TEXT(version)

// Written under `crypto_once` only, and alike whoever does it: what a dynamic linker keeps in the table of a program.
Crypto cd_crypto;
static const char *crypto_missing;
static pthread_once_t crypto_once = PTHREAD_ONCE_INIT;

static void crypto_load(void)
{
  void *library = dlopen(CRYPTO_FILE(OPENSSL_SHLIB_VERSION), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    crypto_missing = CRYPTO_FILE(OPENSSL_SHLIB_VERSION);
    return;
  }
#define CRYPTO_LOAD(name) \
  if (!(cd_crypto.name##_ = (__typeof__(cd_crypto.name##_))dlsym(library, #name))) crypto_missing = #name;
  CRYPTO_FUNCTIONS(CRYPTO_LOAD)
#undef CRYPTO_LOAD
}

bool cd_crypto_open(VM *vm)
{
  pthread_once(&crypto_once, crypto_load);
  if (!crypto_missing) return true;
  cd_raise(vm, vm->exc.ImportError, "OpenSSL cannot be used here: %s is missing", crypto_missing);
  return false;
}
