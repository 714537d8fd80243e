// SPDX-License-Identifier: MIT
// ssl_library.h: libssl, and what TLS needs of libcrypto, opened when _ssl is first imported; crypto.h tells why and how
#ifndef CEDE_MODULES_SSL_LIBRARY_H
#define CEDE_MODULES_SSL_LIBRARY_H

#define OPENSSL_SUPPRESS_DEPRECATED              // TLS 1.0 and 1.1 can still be asked for by name
#include "modules/crypto.h"

#include <openssl/bio.h>
#include <openssl/comp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define SSL_FUNCTIONS(X) \
  X(ASN1_OBJECT_free) \
  X(ASN1_OCTET_STRING_free) \
  X(ASN1_STRING_get0_data) \
  X(ASN1_STRING_length) \
  X(ASN1_STRING_to_UTF8) \
  X(ASN1_TIME_print) \
  X(AUTHORITY_INFO_ACCESS_free) \
  X(BIO_clear_flags) \
  X(BIO_ctrl) \
  X(BIO_ctrl_pending) \
  X(BIO_free) \
  X(BIO_free_all) \
  X(BIO_get_data) \
  X(BIO_get_new_index) \
  X(BIO_meth_free) \
  X(BIO_meth_new) \
  X(BIO_meth_set_create) \
  X(BIO_meth_set_ctrl) \
  X(BIO_meth_set_read) \
  X(BIO_meth_set_write) \
  X(BIO_new) \
  X(BIO_new_file) \
  X(BIO_new_fp) \
  X(BIO_new_mem_buf) \
  X(BIO_puts) \
  X(BIO_read) \
  X(BIO_s_mem) \
  X(BIO_set_data) \
  X(BIO_set_flags) \
  X(BIO_set_init) \
  X(BIO_test_flags) \
  X(BIO_up_ref) \
  X(BIO_write) \
  X(COMP_get_type) \
  X(CRL_DIST_POINTS_free) \
  X(CRYPTO_free) \
  X(DH_free) \
  X(GENERAL_NAMES_free) \
  X(GENERAL_NAME_print) \
  X(OBJ_nid2obj) \
  X(OBJ_obj2nid) \
  X(OBJ_obj2txt) \
  X(OBJ_sn2nid) \
  X(OBJ_txt2obj) \
  X(OPENSSL_cleanse) \
  X(OPENSSL_sk_find) \
  X(OPENSSL_sk_num) \
  X(OPENSSL_sk_value) \
  X(OSSL_default_cipher_list) \
  X(OpenSSL_version) \
  X(OpenSSL_version_num) \
  X(PEM_read_bio_DHparams) \
  X(PEM_read_bio_X509) \
  X(PEM_write_bio_X509) \
  X(RAND_add) \
  X(RAND_bytes) \
  X(RAND_status) \
  X(SSL_CIPHER_description) \
  X(SSL_CIPHER_get_auth_nid) \
  X(SSL_CIPHER_get_bits) \
  X(SSL_CIPHER_get_cipher_nid) \
  X(SSL_CIPHER_get_digest_nid) \
  X(SSL_CIPHER_get_id) \
  X(SSL_CIPHER_get_kx_nid) \
  X(SSL_CIPHER_get_name) \
  X(SSL_CIPHER_get_version) \
  X(SSL_CIPHER_is_aead) \
  X(SSL_CTX_callback_ctrl) \
  X(SSL_CTX_check_private_key) \
  X(SSL_CTX_clear_options) \
  X(SSL_CTX_ctrl) \
  X(SSL_CTX_free) \
  X(SSL_CTX_get0_param) \
  X(SSL_CTX_get_cert_store) \
  X(SSL_CTX_get_default_passwd_cb) \
  X(SSL_CTX_get_default_passwd_cb_userdata) \
  X(SSL_CTX_get_num_tickets) \
  X(SSL_CTX_get_options) \
  X(SSL_CTX_get_security_level) \
  X(SSL_CTX_get_verify_mode) \
  X(SSL_CTX_load_verify_locations) \
  X(SSL_CTX_new) \
  X(SSL_CTX_set_alpn_protos) \
  X(SSL_CTX_set_alpn_select_cb) \
  X(SSL_CTX_set_cipher_list) \
  X(SSL_CTX_set_default_passwd_cb) \
  X(SSL_CTX_set_default_passwd_cb_userdata) \
  X(SSL_CTX_set_default_verify_paths) \
  X(SSL_CTX_set_keylog_callback) \
  X(SSL_CTX_set_msg_callback) \
  X(SSL_CTX_set_num_tickets) \
  X(SSL_CTX_set_options) \
  X(SSL_CTX_set_session_id_context) \
  X(SSL_CTX_set_verify) \
  X(SSL_CTX_use_PrivateKey_file) \
  X(SSL_CTX_use_certificate_chain_file) \
  X(SSL_SESSION_dup) \
  X(SSL_SESSION_free) \
  X(SSL_SESSION_get0_cipher) \
  X(SSL_SESSION_get_id) \
  X(SSL_SESSION_get_ticket_lifetime_hint) \
  X(SSL_SESSION_get_time) \
  X(SSL_SESSION_get_timeout) \
  X(SSL_SESSION_has_ticket) \
  X(SSL_ctrl) \
  X(SSL_do_handshake) \
  X(SSL_free) \
  X(SSL_get0_alpn_selected) \
  X(SSL_get0_param) \
  X(SSL_get0_verified_chain) \
  X(SSL_get1_peer_certificate) \
  X(SSL_get_SSL_CTX) \
  X(SSL_get_ciphers) \
  X(SSL_get_client_ciphers) \
  X(SSL_get_current_cipher) \
  X(SSL_get_current_compression) \
  X(SSL_get_error) \
  X(SSL_get_ex_data) \
  X(SSL_get_finished) \
  X(SSL_get_peer_cert_chain) \
  X(SSL_get_peer_finished) \
  X(SSL_get_servername) \
  X(SSL_get_session) \
  X(SSL_get_shutdown) \
  X(SSL_get_verify_callback) \
  X(SSL_get_verify_mode) \
  X(SSL_get_verify_result) \
  X(SSL_get_version) \
  X(SSL_is_init_finished) \
  X(SSL_new) \
  X(SSL_pending) \
  X(SSL_read_ex) \
  X(SSL_select_next_proto) \
  X(SSL_session_reused) \
  X(SSL_set_SSL_CTX) \
  X(SSL_set_accept_state) \
  X(SSL_set_bio) \
  X(SSL_set_connect_state) \
  X(SSL_set_ex_data) \
  X(SSL_set_msg_callback) \
  X(SSL_set_post_handshake_auth) \
  X(SSL_set_read_ahead) \
  X(SSL_set_session) \
  X(SSL_set_verify) \
  X(SSL_shutdown) \
  X(SSL_verify_client_post_handshake) \
  X(SSL_write_ex) \
  X(TLS_client_method) \
  X(TLS_method) \
  X(TLS_server_method) \
  X(TLSv1_1_method) \
  X(TLSv1_2_method) \
  X(TLSv1_method) \
  X(X509V3_EXT_d2i) \
  X(X509_NAME_ENTRY_get_data) \
  X(X509_NAME_ENTRY_get_object) \
  X(X509_NAME_ENTRY_set) \
  X(X509_NAME_entry_count) \
  X(X509_NAME_get_entry) \
  X(X509_NAME_print_ex) \
  X(X509_OBJECT_get0_X509) \
  X(X509_OBJECT_get_type) \
  X(X509_STORE_add_cert) \
  X(X509_STORE_get0_objects) \
  X(X509_VERIFY_PARAM_clear_flags) \
  X(X509_VERIFY_PARAM_get_flags) \
  X(X509_VERIFY_PARAM_set1_host) \
  X(X509_VERIFY_PARAM_set1_ip) \
  X(X509_VERIFY_PARAM_set_flags) \
  X(X509_VERIFY_PARAM_set_hostflags) \
  X(X509_check_ca) \
  X(X509_cmp) \
  X(X509_free) \
  X(X509_get0_notAfter) \
  X(X509_get0_notBefore) \
  X(X509_get_default_cert_dir) \
  X(X509_get_default_cert_dir_env) \
  X(X509_get_default_cert_file) \
  X(X509_get_default_cert_file_env) \
  X(X509_get_ext) \
  X(X509_get_ext_by_NID) \
  X(X509_get_ext_d2i) \
  X(X509_get_issuer_name) \
  X(X509_get_serialNumber) \
  X(X509_get_subject_name) \
  X(X509_get_version) \
  X(X509_subject_name_hash) \
  X(X509_up_ref) \
  X(X509_verify_cert_error_string) \
  X(a2i_IPADDRESS) \
  X(d2i_X509_bio) \
  X(i2a_ASN1_INTEGER) \
  X(i2d_X509)

typedef struct SslLibrary {
#define SSL_MEMBER(name) __typeof__(name) *name##_;
  SSL_FUNCTIONS(SSL_MEMBER)
#undef SSL_MEMBER
  BIO_METHOD *transport;                         // BIOs over sockets; see ssl_socket.c
} SslLibrary;

extern SslLibrary cd_ssl_library;                // filled once in a process; the same addresses for every VM

MUST_USE bool cd_ssl_library_open(VM *vm);       // libcrypto too; false: ImportError
BIO_METHOD *cd_ssl_transport_method(void);       // ssl_socket.c; NULL: out of memory

#define ASN1_OBJECT_free cd_ssl_library.ASN1_OBJECT_free_
#define ASN1_OCTET_STRING_free cd_ssl_library.ASN1_OCTET_STRING_free_
#define ASN1_STRING_get0_data cd_ssl_library.ASN1_STRING_get0_data_
#define ASN1_STRING_length cd_ssl_library.ASN1_STRING_length_
#define ASN1_STRING_to_UTF8 cd_ssl_library.ASN1_STRING_to_UTF8_
#define ASN1_TIME_print cd_ssl_library.ASN1_TIME_print_
#define AUTHORITY_INFO_ACCESS_free cd_ssl_library.AUTHORITY_INFO_ACCESS_free_
#define BIO_clear_flags cd_ssl_library.BIO_clear_flags_
#define BIO_ctrl cd_ssl_library.BIO_ctrl_
#define BIO_ctrl_pending cd_ssl_library.BIO_ctrl_pending_
#define BIO_free cd_ssl_library.BIO_free_
#define BIO_free_all cd_ssl_library.BIO_free_all_
#define BIO_get_data cd_ssl_library.BIO_get_data_
#define BIO_get_new_index cd_ssl_library.BIO_get_new_index_
#define BIO_meth_free cd_ssl_library.BIO_meth_free_
#define BIO_meth_new cd_ssl_library.BIO_meth_new_
#define BIO_meth_set_create cd_ssl_library.BIO_meth_set_create_
#define BIO_meth_set_ctrl cd_ssl_library.BIO_meth_set_ctrl_
#define BIO_meth_set_read cd_ssl_library.BIO_meth_set_read_
#define BIO_meth_set_write cd_ssl_library.BIO_meth_set_write_
#define BIO_new cd_ssl_library.BIO_new_
#define BIO_new_file cd_ssl_library.BIO_new_file_
#define BIO_new_fp cd_ssl_library.BIO_new_fp_
#define BIO_new_mem_buf cd_ssl_library.BIO_new_mem_buf_
#define BIO_puts cd_ssl_library.BIO_puts_
#define BIO_read cd_ssl_library.BIO_read_
#define BIO_s_mem cd_ssl_library.BIO_s_mem_
#define BIO_set_data cd_ssl_library.BIO_set_data_
#define BIO_set_flags cd_ssl_library.BIO_set_flags_
#define BIO_set_init cd_ssl_library.BIO_set_init_
#define BIO_test_flags cd_ssl_library.BIO_test_flags_
#define BIO_up_ref cd_ssl_library.BIO_up_ref_
#define BIO_write cd_ssl_library.BIO_write_
#define COMP_get_type cd_ssl_library.COMP_get_type_
#define CRL_DIST_POINTS_free cd_ssl_library.CRL_DIST_POINTS_free_
#define CRYPTO_free cd_ssl_library.CRYPTO_free_
#define DH_free cd_ssl_library.DH_free_
#define GENERAL_NAMES_free cd_ssl_library.GENERAL_NAMES_free_
#define GENERAL_NAME_print cd_ssl_library.GENERAL_NAME_print_
#define OBJ_nid2obj cd_ssl_library.OBJ_nid2obj_
#define OBJ_obj2nid cd_ssl_library.OBJ_obj2nid_
#define OBJ_obj2txt cd_ssl_library.OBJ_obj2txt_
#define OBJ_sn2nid cd_ssl_library.OBJ_sn2nid_
#define OBJ_txt2obj cd_ssl_library.OBJ_txt2obj_
#define OPENSSL_cleanse cd_ssl_library.OPENSSL_cleanse_
#define OPENSSL_sk_find cd_ssl_library.OPENSSL_sk_find_
#define OPENSSL_sk_num cd_ssl_library.OPENSSL_sk_num_
#define OPENSSL_sk_value cd_ssl_library.OPENSSL_sk_value_
#define OSSL_default_cipher_list cd_ssl_library.OSSL_default_cipher_list_
#define OpenSSL_version cd_ssl_library.OpenSSL_version_
#define OpenSSL_version_num cd_ssl_library.OpenSSL_version_num_
#define PEM_read_bio_DHparams cd_ssl_library.PEM_read_bio_DHparams_
#define PEM_read_bio_X509 cd_ssl_library.PEM_read_bio_X509_
#define PEM_write_bio_X509 cd_ssl_library.PEM_write_bio_X509_
#define RAND_add cd_ssl_library.RAND_add_
#define RAND_bytes cd_ssl_library.RAND_bytes_
#define RAND_status cd_ssl_library.RAND_status_
#define SSL_CIPHER_description cd_ssl_library.SSL_CIPHER_description_
#define SSL_CIPHER_get_auth_nid cd_ssl_library.SSL_CIPHER_get_auth_nid_
#define SSL_CIPHER_get_bits cd_ssl_library.SSL_CIPHER_get_bits_
#define SSL_CIPHER_get_cipher_nid cd_ssl_library.SSL_CIPHER_get_cipher_nid_
#define SSL_CIPHER_get_digest_nid cd_ssl_library.SSL_CIPHER_get_digest_nid_
#define SSL_CIPHER_get_id cd_ssl_library.SSL_CIPHER_get_id_
#define SSL_CIPHER_get_kx_nid cd_ssl_library.SSL_CIPHER_get_kx_nid_
#define SSL_CIPHER_get_name cd_ssl_library.SSL_CIPHER_get_name_
#define SSL_CIPHER_get_version cd_ssl_library.SSL_CIPHER_get_version_
#define SSL_CIPHER_is_aead cd_ssl_library.SSL_CIPHER_is_aead_
#define SSL_CTX_callback_ctrl cd_ssl_library.SSL_CTX_callback_ctrl_
#define SSL_CTX_check_private_key cd_ssl_library.SSL_CTX_check_private_key_
#define SSL_CTX_clear_options cd_ssl_library.SSL_CTX_clear_options_
#define SSL_CTX_ctrl cd_ssl_library.SSL_CTX_ctrl_
#define SSL_CTX_free cd_ssl_library.SSL_CTX_free_
#define SSL_CTX_get0_param cd_ssl_library.SSL_CTX_get0_param_
#define SSL_CTX_get_cert_store cd_ssl_library.SSL_CTX_get_cert_store_
#define SSL_CTX_get_default_passwd_cb cd_ssl_library.SSL_CTX_get_default_passwd_cb_
#define SSL_CTX_get_default_passwd_cb_userdata cd_ssl_library.SSL_CTX_get_default_passwd_cb_userdata_
#define SSL_CTX_get_num_tickets cd_ssl_library.SSL_CTX_get_num_tickets_
#define SSL_CTX_get_options cd_ssl_library.SSL_CTX_get_options_
#define SSL_CTX_get_security_level cd_ssl_library.SSL_CTX_get_security_level_
#define SSL_CTX_get_verify_mode cd_ssl_library.SSL_CTX_get_verify_mode_
#define SSL_CTX_load_verify_locations cd_ssl_library.SSL_CTX_load_verify_locations_
#define SSL_CTX_new cd_ssl_library.SSL_CTX_new_
#define SSL_CTX_set_alpn_protos cd_ssl_library.SSL_CTX_set_alpn_protos_
#define SSL_CTX_set_alpn_select_cb cd_ssl_library.SSL_CTX_set_alpn_select_cb_
#define SSL_CTX_set_cipher_list cd_ssl_library.SSL_CTX_set_cipher_list_
#define SSL_CTX_set_default_passwd_cb cd_ssl_library.SSL_CTX_set_default_passwd_cb_
#define SSL_CTX_set_default_passwd_cb_userdata cd_ssl_library.SSL_CTX_set_default_passwd_cb_userdata_
#define SSL_CTX_set_default_verify_paths cd_ssl_library.SSL_CTX_set_default_verify_paths_
#define SSL_CTX_set_keylog_callback cd_ssl_library.SSL_CTX_set_keylog_callback_
#define SSL_CTX_set_msg_callback cd_ssl_library.SSL_CTX_set_msg_callback_
#define SSL_CTX_set_num_tickets cd_ssl_library.SSL_CTX_set_num_tickets_
#define SSL_CTX_set_options cd_ssl_library.SSL_CTX_set_options_
#define SSL_CTX_set_session_id_context cd_ssl_library.SSL_CTX_set_session_id_context_
#define SSL_CTX_set_verify cd_ssl_library.SSL_CTX_set_verify_
#define SSL_CTX_use_PrivateKey_file cd_ssl_library.SSL_CTX_use_PrivateKey_file_
#define SSL_CTX_use_certificate_chain_file cd_ssl_library.SSL_CTX_use_certificate_chain_file_
#define SSL_SESSION_dup cd_ssl_library.SSL_SESSION_dup_
#define SSL_SESSION_free cd_ssl_library.SSL_SESSION_free_
#define SSL_SESSION_get0_cipher cd_ssl_library.SSL_SESSION_get0_cipher_
#define SSL_SESSION_get_id cd_ssl_library.SSL_SESSION_get_id_
#define SSL_SESSION_get_ticket_lifetime_hint cd_ssl_library.SSL_SESSION_get_ticket_lifetime_hint_
#define SSL_SESSION_get_time cd_ssl_library.SSL_SESSION_get_time_
#define SSL_SESSION_get_timeout cd_ssl_library.SSL_SESSION_get_timeout_
#define SSL_SESSION_has_ticket cd_ssl_library.SSL_SESSION_has_ticket_
#define SSL_ctrl cd_ssl_library.SSL_ctrl_
#define SSL_do_handshake cd_ssl_library.SSL_do_handshake_
#define SSL_free cd_ssl_library.SSL_free_
#define SSL_get0_alpn_selected cd_ssl_library.SSL_get0_alpn_selected_
#define SSL_get0_param cd_ssl_library.SSL_get0_param_
#define SSL_get0_verified_chain cd_ssl_library.SSL_get0_verified_chain_
#define SSL_get1_peer_certificate cd_ssl_library.SSL_get1_peer_certificate_
#define SSL_get_SSL_CTX cd_ssl_library.SSL_get_SSL_CTX_
#define SSL_get_ciphers cd_ssl_library.SSL_get_ciphers_
#define SSL_get_client_ciphers cd_ssl_library.SSL_get_client_ciphers_
#define SSL_get_current_cipher cd_ssl_library.SSL_get_current_cipher_
#define SSL_get_current_compression cd_ssl_library.SSL_get_current_compression_
#define SSL_get_error cd_ssl_library.SSL_get_error_
#define SSL_get_ex_data cd_ssl_library.SSL_get_ex_data_
#define SSL_get_finished cd_ssl_library.SSL_get_finished_
#define SSL_get_peer_cert_chain cd_ssl_library.SSL_get_peer_cert_chain_
#define SSL_get_peer_finished cd_ssl_library.SSL_get_peer_finished_
#define SSL_get_servername cd_ssl_library.SSL_get_servername_
#define SSL_get_session cd_ssl_library.SSL_get_session_
#define SSL_get_shutdown cd_ssl_library.SSL_get_shutdown_
#define SSL_get_verify_callback cd_ssl_library.SSL_get_verify_callback_
#define SSL_get_verify_mode cd_ssl_library.SSL_get_verify_mode_
#define SSL_get_verify_result cd_ssl_library.SSL_get_verify_result_
#define SSL_get_version cd_ssl_library.SSL_get_version_
#define SSL_is_init_finished cd_ssl_library.SSL_is_init_finished_
#define SSL_new cd_ssl_library.SSL_new_
#define SSL_pending cd_ssl_library.SSL_pending_
#define SSL_read_ex cd_ssl_library.SSL_read_ex_
#define SSL_select_next_proto cd_ssl_library.SSL_select_next_proto_
#define SSL_session_reused cd_ssl_library.SSL_session_reused_
#define SSL_set_SSL_CTX cd_ssl_library.SSL_set_SSL_CTX_
#define SSL_set_accept_state cd_ssl_library.SSL_set_accept_state_
#define SSL_set_bio cd_ssl_library.SSL_set_bio_
#define SSL_set_connect_state cd_ssl_library.SSL_set_connect_state_
#define SSL_set_ex_data cd_ssl_library.SSL_set_ex_data_
#define SSL_set_msg_callback cd_ssl_library.SSL_set_msg_callback_
#define SSL_set_post_handshake_auth cd_ssl_library.SSL_set_post_handshake_auth_
#define SSL_set_read_ahead cd_ssl_library.SSL_set_read_ahead_
#define SSL_set_session cd_ssl_library.SSL_set_session_
#define SSL_set_verify cd_ssl_library.SSL_set_verify_
#define SSL_shutdown cd_ssl_library.SSL_shutdown_
#define SSL_verify_client_post_handshake cd_ssl_library.SSL_verify_client_post_handshake_
#define SSL_write_ex cd_ssl_library.SSL_write_ex_
#define TLS_client_method cd_ssl_library.TLS_client_method_
#define TLS_method cd_ssl_library.TLS_method_
#define TLS_server_method cd_ssl_library.TLS_server_method_
#define TLSv1_1_method cd_ssl_library.TLSv1_1_method_
#define TLSv1_2_method cd_ssl_library.TLSv1_2_method_
#define TLSv1_method cd_ssl_library.TLSv1_method_
#define X509V3_EXT_d2i cd_ssl_library.X509V3_EXT_d2i_
#define X509_NAME_ENTRY_get_data cd_ssl_library.X509_NAME_ENTRY_get_data_
#define X509_NAME_ENTRY_get_object cd_ssl_library.X509_NAME_ENTRY_get_object_
#define X509_NAME_ENTRY_set cd_ssl_library.X509_NAME_ENTRY_set_
#define X509_NAME_entry_count cd_ssl_library.X509_NAME_entry_count_
#define X509_NAME_get_entry cd_ssl_library.X509_NAME_get_entry_
#define X509_NAME_print_ex cd_ssl_library.X509_NAME_print_ex_
#define X509_OBJECT_get0_X509 cd_ssl_library.X509_OBJECT_get0_X509_
#define X509_OBJECT_get_type cd_ssl_library.X509_OBJECT_get_type_
#define X509_STORE_add_cert cd_ssl_library.X509_STORE_add_cert_
#define X509_STORE_get0_objects cd_ssl_library.X509_STORE_get0_objects_
#define X509_VERIFY_PARAM_clear_flags cd_ssl_library.X509_VERIFY_PARAM_clear_flags_
#define X509_VERIFY_PARAM_get_flags cd_ssl_library.X509_VERIFY_PARAM_get_flags_
#define X509_VERIFY_PARAM_set1_host cd_ssl_library.X509_VERIFY_PARAM_set1_host_
#define X509_VERIFY_PARAM_set1_ip cd_ssl_library.X509_VERIFY_PARAM_set1_ip_
#define X509_VERIFY_PARAM_set_flags cd_ssl_library.X509_VERIFY_PARAM_set_flags_
#define X509_VERIFY_PARAM_set_hostflags cd_ssl_library.X509_VERIFY_PARAM_set_hostflags_
#define X509_check_ca cd_ssl_library.X509_check_ca_
#define X509_cmp cd_ssl_library.X509_cmp_
#define X509_free cd_ssl_library.X509_free_
#define X509_get0_notAfter cd_ssl_library.X509_get0_notAfter_
#define X509_get0_notBefore cd_ssl_library.X509_get0_notBefore_
#define X509_get_default_cert_dir cd_ssl_library.X509_get_default_cert_dir_
#define X509_get_default_cert_dir_env cd_ssl_library.X509_get_default_cert_dir_env_
#define X509_get_default_cert_file cd_ssl_library.X509_get_default_cert_file_
#define X509_get_default_cert_file_env cd_ssl_library.X509_get_default_cert_file_env_
#define X509_get_ext cd_ssl_library.X509_get_ext_
#define X509_get_ext_by_NID cd_ssl_library.X509_get_ext_by_NID_
#define X509_get_ext_d2i cd_ssl_library.X509_get_ext_d2i_
#define X509_get_issuer_name cd_ssl_library.X509_get_issuer_name_
#define X509_get_serialNumber cd_ssl_library.X509_get_serialNumber_
#define X509_get_subject_name cd_ssl_library.X509_get_subject_name_
#define X509_get_version cd_ssl_library.X509_get_version_
#define X509_subject_name_hash cd_ssl_library.X509_subject_name_hash_
#define X509_up_ref cd_ssl_library.X509_up_ref_
#define X509_verify_cert_error_string cd_ssl_library.X509_verify_cert_error_string_
#define a2i_IPADDRESS cd_ssl_library.a2i_IPADDRESS_
#define d2i_X509_bio cd_ssl_library.d2i_X509_bio_
#define i2a_ASN1_INTEGER cd_ssl_library.i2a_ASN1_INTEGER_
#define i2d_X509 cd_ssl_library.i2d_X509_

#endif
