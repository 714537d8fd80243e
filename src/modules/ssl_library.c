// SPDX-License-Identifier: MIT
// ssl_library.c: opening libssl
#include "modules/ssl_library.h"

#include "objects/raise.h"

#include <dlfcn.h>
#include <pthread.h>

#define SSL_LIBRARY_TEXT(x) #x
#define SSL_LIBRARY_FILE(version) "libssl.so." SSL_LIBRARY_TEXT(version)

// Written under `ssl_library_once` only, and alike whoever does it.
SslLibrary cd_ssl_library;
static const char *ssl_library_missing;
static pthread_once_t ssl_library_once = PTHREAD_ONCE_INIT;

static void ssl_library_load(void)
{
  void *library = dlopen(SSL_LIBRARY_FILE(OPENSSL_SHLIB_VERSION), RTLD_NOW | RTLD_LOCAL);      // libcrypto's names are found through it
  if (!library) {
    ssl_library_missing = SSL_LIBRARY_FILE(OPENSSL_SHLIB_VERSION);
    return;
  }
#define SSL_LOAD(name) \
  if (!(cd_ssl_library.name##_ = (__typeof__(cd_ssl_library.name##_))dlsym(library, #name))) ssl_library_missing = #name;
  SSL_FUNCTIONS(SSL_LOAD)
#undef SSL_LOAD
  if (!ssl_library_missing && !(cd_ssl_library.transport = cd_ssl_transport_method())) ssl_library_missing = "memory";
}

bool cd_ssl_library_open(VM *vm)
{
  if (!cd_crypto_open(vm)) return false;
  pthread_once(&ssl_library_once, ssl_library_load);
  if (!ssl_library_missing) return true;
  cd_raise(vm, vm->exc.ImportError, "OpenSSL cannot be used here: %s is missing", ssl_library_missing);
  return false;
}
