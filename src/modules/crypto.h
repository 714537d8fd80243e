// SPDX-License-Identifier: MIT
// crypto.h: libcrypto, opened when the first module that needs it is imported
#ifndef CEDE_MODULES_CRYPTO_H
#define CEDE_MODULES_CRYPTO_H

#include "core/vm.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

// Loading and relocating libcrypto takes longer than all the rest of a start. So it is no dependency of the program: the modules that hash
// call cd_crypto_open() when they are imported, and the macros below lead the usual names through a table of addresses, as the dynamic
// linker's own table would.
#define CRYPTO_FUNCTIONS(X) \
  X(ERR_clear_error) \
  X(ERR_lib_error_string) \
  X(ERR_peek_last_error) \
  X(ERR_reason_error_string) \
  X(EVP_DigestFinal) \
  X(EVP_DigestFinalXOF) \
  X(EVP_DigestFinal_ex) \
  X(EVP_DigestInit_ex) \
  X(EVP_DigestUpdate) \
  X(EVP_MAC_CTX_dup) \
  X(EVP_MAC_CTX_free) \
  X(EVP_MAC_CTX_new) \
  X(EVP_MAC_fetch) \
  X(EVP_MAC_final) \
  X(EVP_MAC_free) \
  X(EVP_MAC_init) \
  X(EVP_MAC_update) \
  X(EVP_MD_CTX_copy) \
  X(EVP_MD_CTX_copy_ex) \
  X(EVP_MD_CTX_free) \
  X(EVP_MD_CTX_get0_md) \
  X(EVP_MD_CTX_new) \
  X(EVP_MD_do_all_provided) \
  X(EVP_MD_fetch) \
  X(EVP_MD_free) \
  X(EVP_MD_get0_name) \
  X(EVP_MD_get_block_size) \
  X(EVP_MD_get_flags) \
  X(EVP_MD_get_size) \
  X(EVP_MD_get_type) \
  X(EVP_MD_up_ref) \
  X(EVP_PBE_scrypt) \
  X(EVP_default_properties_is_fips_enabled) \
  X(EVP_get_digestbyname) \
  X(OBJ_nid2ln) \
  X(OBJ_nid2sn) \
  X(OSSL_PARAM_construct_end) \
  X(OSSL_PARAM_construct_utf8_string) \
  X(PKCS5_PBKDF2_HMAC)

typedef struct Crypto {
#define CRYPTO_MEMBER(name) __typeof__(name) *name##_;
  CRYPTO_FUNCTIONS(CRYPTO_MEMBER)
#undef CRYPTO_MEMBER
} Crypto;

extern Crypto cd_crypto;                         // filled once in a process; the same addresses for every VM

MUST_USE bool cd_crypto_open(VM *vm);            // false: ImportError

#define ERR_clear_error cd_crypto.ERR_clear_error_
#define ERR_lib_error_string cd_crypto.ERR_lib_error_string_
#define ERR_peek_last_error cd_crypto.ERR_peek_last_error_
#define ERR_reason_error_string cd_crypto.ERR_reason_error_string_
#define EVP_DigestFinal cd_crypto.EVP_DigestFinal_
#define EVP_DigestFinalXOF cd_crypto.EVP_DigestFinalXOF_
#define EVP_DigestFinal_ex cd_crypto.EVP_DigestFinal_ex_
#define EVP_DigestInit_ex cd_crypto.EVP_DigestInit_ex_
#define EVP_DigestUpdate cd_crypto.EVP_DigestUpdate_
#define EVP_MAC_CTX_dup cd_crypto.EVP_MAC_CTX_dup_
#define EVP_MAC_CTX_free cd_crypto.EVP_MAC_CTX_free_
#define EVP_MAC_CTX_new cd_crypto.EVP_MAC_CTX_new_
#define EVP_MAC_fetch cd_crypto.EVP_MAC_fetch_
#define EVP_MAC_final cd_crypto.EVP_MAC_final_
#define EVP_MAC_free cd_crypto.EVP_MAC_free_
#define EVP_MAC_init cd_crypto.EVP_MAC_init_
#define EVP_MAC_update cd_crypto.EVP_MAC_update_
#define EVP_MD_CTX_copy cd_crypto.EVP_MD_CTX_copy_
#define EVP_MD_CTX_copy_ex cd_crypto.EVP_MD_CTX_copy_ex_
#define EVP_MD_CTX_free cd_crypto.EVP_MD_CTX_free_
#define EVP_MD_CTX_get0_md cd_crypto.EVP_MD_CTX_get0_md_
#define EVP_MD_CTX_new cd_crypto.EVP_MD_CTX_new_
#define EVP_MD_do_all_provided cd_crypto.EVP_MD_do_all_provided_
#define EVP_MD_fetch cd_crypto.EVP_MD_fetch_
#define EVP_MD_free cd_crypto.EVP_MD_free_
#define EVP_MD_get0_name cd_crypto.EVP_MD_get0_name_
#define EVP_MD_get_block_size cd_crypto.EVP_MD_get_block_size_
#define EVP_MD_get_flags cd_crypto.EVP_MD_get_flags_
#define EVP_MD_get_size cd_crypto.EVP_MD_get_size_
#define EVP_MD_get_type cd_crypto.EVP_MD_get_type_
#define EVP_MD_up_ref cd_crypto.EVP_MD_up_ref_
#define EVP_PBE_scrypt cd_crypto.EVP_PBE_scrypt_
#define EVP_default_properties_is_fips_enabled cd_crypto.EVP_default_properties_is_fips_enabled_
#define EVP_get_digestbyname cd_crypto.EVP_get_digestbyname_
#define OBJ_nid2ln cd_crypto.OBJ_nid2ln_
#define OBJ_nid2sn cd_crypto.OBJ_nid2sn_
#define OSSL_PARAM_construct_end cd_crypto.OSSL_PARAM_construct_end_
#define OSSL_PARAM_construct_utf8_string cd_crypto.OSSL_PARAM_construct_utf8_string_
#define PKCS5_PBKDF2_HMAC cd_crypto.PKCS5_PBKDF2_HMAC_

#endif
