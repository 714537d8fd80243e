// SPDX-License-Identifier: MIT
// ssl_certificate.c: X.509 certificates as Python values. They come from peers: nothing in them is trusted
#include "modules/ssl.h"
#include "objects/dict.h"

// ---- pieces ----

// The text that a memory BIO has collected; the BIO is emptied.
static Ref ssl_text_of(VM *vm, BIO *bio)
{
  char *data;
  long size = BIO_get_mem_data(bio, &data);
  Ref text = size < 0 ? cd_raise_memory(vm) : cd_str_decode_utf8(vm, data, (size_t)size, "strict");
  (void)BIO_reset(bio);
  return text;
}

static Ref ssl_object_text(VM *vm, const ASN1_OBJECT *object, bool numbers)
{
  char small[256];
  int size = OBJ_obj2txt(small, sizeof small, object, numbers);
  if (size < 0) return ssl_raise_queue(vm);
  if (size == 0) return cd_none();
  if (size < (int)sizeof small) return cd_str_decode_utf8(vm, small, (size_t)size, "strict");
  char *large = cd_alloc(vm, (size_t)size + 1);
  if (!large) return NO_REF;
  OBJ_obj2txt(large, size + 1, object, numbers);
  Ref text = cd_str_decode_utf8(vm, large, (size_t)size, "strict");
  cd_free(vm, large, (size_t)size + 1);
  return text;
}

// (name of the attribute, its value)
static Ref ssl_name_entry(VM *vm, X509_NAME_ENTRY *entry)
{
  unsigned char *data = NULL;
  Ref name = ssl_object_text(vm, X509_NAME_ENTRY_get_object(entry), false);
  if (!name) return NO_REF;
  int size = ASN1_STRING_to_UTF8(&data, X509_NAME_ENTRY_get_data(entry));
  Ref value = size < 0 ? ssl_raise_queue(vm) : cd_str_decode_utf8(vm, (char *)data, (size_t)size, "strict");
  if (size >= 0) CRYPTO_free(data, "ssl_certificate.c", __LINE__);
  return cd_tuple2_steal(vm, name, value);
}

static Ref ssl_list_to_tuple(VM *vm, Ref list, bool ok)
{
  Ref tuple = ok ? cd_list_to_tuple(vm, list) : NO_REF;
  cd_drop(vm, list);
  return tuple;
}

// A tuple of sets of attributes, each a tuple of pairs.
static Ref ssl_name_tuple(VM *vm, const X509_NAME *name)
{
  Ref sets = cd_list_new(vm), set = NO_REF;
  bool ok = sets != NO_REF;
  int last = -1;
  for (int i = 0, n = X509_NAME_entry_count(name); ok && i < n; i++) {
    X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
    if (set && X509_NAME_ENTRY_set(entry) != last)
      ok = cd_list_append_steal(vm, cd_as_list(sets), ssl_list_to_tuple(vm, cd_move(&set), true));
    last = X509_NAME_ENTRY_set(entry);
    ok = ok && (set || (set = cd_list_new(vm))) && cd_list_append_steal(vm, cd_as_list(set), ssl_name_entry(vm, entry));
  }
  if (ok && set) ok = cd_list_append_steal(vm, cd_as_list(sets), ssl_list_to_tuple(vm, cd_move(&set), true));
  cd_drop(vm, set);
  return sets ? ssl_list_to_tuple(vm, sets, ok) : NO_REF;
}

// ---- alternative names ----

static Ref ssl_pair(VM *vm, const char *name, Ref value) { return cd_tuple2_steal(vm, cd_str_from(vm, name), value); }

static Ref ssl_ip_text(VM *vm, const ASN1_OCTET_STRING *ip)
{
  const unsigned char *p = ASN1_STRING_get0_data(ip);
  if (ASN1_STRING_length(ip) == 4) return cd_str_format(vm, "%d.%d.%d.%d", p[0], p[1], p[2], p[3]);
  if (ASN1_STRING_length(ip) != 16) return cd_str_from(vm, "<invalid>");
  char text[40];
  int size = 0;
  for (int i = 0; i < 16; i += 2) size += snprintf(text + size, sizeof text - (size_t)size, i ? ":%X" : "%X", p[i] << 8 | p[i + 1]);
  return cd_str_from(vm, text);
}

// A kind that has no form of its own: as OpenSSL prints it, "kind:value".
static Ref ssl_printed_name(VM *vm, BIO *bio, GENERAL_NAME *name)
{
  switch (name->type) {
    case GEN_OTHERNAME: case GEN_X400: case GEN_EDIPARTY: case GEN_RID: break;
    default:
      if (!cd_warn(vm, vm->exc.RuntimeWarning, 1, "Unknown general name type %d", name->type)) return NO_REF;
  }
  (void)BIO_reset(bio);
  GENERAL_NAME_print(bio, name);
  char *data;
  long size = BIO_get_mem_data(bio, &data);
  const char *colon = size > 0 ? memchr(data, ':', (size_t)size) : NULL;
  if (!colon) return cd_raise_value(vm, "Invalid value %.200s", size > 0 ? "in a general name" : "");
  size_t kind = (size_t)(colon - data);
  return cd_tuple2_steal(vm, cd_str_decode_utf8(vm, data, kind, "strict"),
                         cd_str_decode_utf8(vm, colon + 1, (size_t)size - kind - 1, "strict"));
}

static Ref ssl_ia5_text(VM *vm, const ASN1_IA5STRING *s)
{
  return cd_str_decode_utf8(vm, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s), "strict");
}

static Ref ssl_general_name(VM *vm, BIO *bio, GENERAL_NAME *name)
{
  switch (name->type) {
    case GEN_DIRNAME: return ssl_pair(vm, "DirName", ssl_name_tuple(vm, name->d.dirn));
    case GEN_EMAIL: return ssl_pair(vm, "email", ssl_ia5_text(vm, name->d.rfc822Name));
    case GEN_DNS: return ssl_pair(vm, "DNS", ssl_ia5_text(vm, name->d.dNSName));
    case GEN_URI: return ssl_pair(vm, "URI", ssl_ia5_text(vm, name->d.uniformResourceIdentifier));
    case GEN_IPADD: return ssl_pair(vm, "IP Address", ssl_ip_text(vm, name->d.iPAddress));
    case GEN_RID: return ssl_pair(vm, "Registered ID", ssl_object_text(vm, name->d.registeredID, true));
    default: return ssl_printed_name(vm, bio, name);
  }
}

// All names of all extensions of the kind; None when there is no such extension.
static Ref ssl_alternative_names(VM *vm, X509 *certificate, BIO *bio)
{
  Ref list = NO_REF;
  bool ok = true;
  for (int at = -1; ok && (at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, at)) >= 0;) {
    GENERAL_NAMES *names = X509V3_EXT_d2i(X509_get_ext(certificate, at));
    ok = names || ssl_raise_text(vm, "No method for internalizing subjectAltName!");
    if (ok && !cd_bits(list)) ok = cd_bits(list = cd_list_new(vm));
    for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++)
      ok = cd_list_append_steal(vm, cd_as_list(list), ssl_general_name(vm, bio, sk_GENERAL_NAME_value(names, i)));
    GENERAL_NAMES_free(names);
  }
  if (!list) return ok ? cd_none() : NO_REF;
  return ssl_list_to_tuple(vm, list, ok);
}

// ---- other extensions ----

// The URIs for one method of access to information of the authority; None when there are none.
static Ref ssl_authority_uris(VM *vm, X509 *certificate, int method)
{
  AUTHORITY_INFO_ACCESS *info = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
  if (!info) return cd_none();
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  for (int i = 0; ok && i < sk_ACCESS_DESCRIPTION_num(info); i++) {
    ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(info, i);
    if (OBJ_obj2nid(a->method) != method || a->location->type != GEN_URI) continue;
    ok = cd_list_append_steal(vm, cd_as_list(list), ssl_ia5_text(vm, a->location->d.uniformResourceIdentifier));
  }
  AUTHORITY_INFO_ACCESS_free(info);
  bool empty = ok && cd_list_size(list) == 0;
  Ref tuple = list ? ssl_list_to_tuple(vm, list, ok) : NO_REF;
  if (!tuple || !empty) return tuple;
  cd_drop(vm, tuple);
  return cd_none();
}

static bool ssl_point_uris(VM *vm, List *list, const DIST_POINT *point)
{
  if (!point->distpoint || point->distpoint->type != 0) return true;             // a name relative to the issuer
  GENERAL_NAMES *names = point->distpoint->name.fullname;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_URI && !cd_list_append_steal(vm, list, ssl_ia5_text(vm, name->d.uniformResourceIdentifier))) return false;
  }
  return true;
}

static Ref ssl_revocation_uris(VM *vm, X509 *certificate)
{
  CRL_DIST_POINTS *points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
  if (!points) return cd_none();
  Ref list = cd_list_new(vm);
  bool ok = list != NO_REF;
  for (int i = 0; ok && i < sk_DIST_POINT_num(points); i++) ok = ssl_point_uris(vm, cd_as_list(list), sk_DIST_POINT_value(points, i));
  CRL_DIST_POINTS_free(points);
  bool empty = ok && cd_list_size(list) == 0;
  Ref tuple = list ? ssl_list_to_tuple(vm, list, ok) : NO_REF;
  if (!tuple || !empty) return tuple;
  cd_drop(vm, tuple);
  return cd_none();
}

// ---- the whole ----

static bool ssl_put(VM *vm, Value dict, const char *name, Ref value) { return cd_dict_set_text_steal(vm, dict, name, value); }

static bool ssl_put_unless_none(VM *vm, Value dict, const char *name, Ref value)
{
  return (value && cd_is_none(value)) || ssl_put(vm, dict, name, value);
}

static Ref ssl_serial_text(VM *vm, X509 *certificate, BIO *bio)
{
  return i2a_ASN1_INTEGER(bio, X509_get_serialNumber(certificate)) < 0 ? ssl_raise_queue(vm) : ssl_text_of(vm, bio);
}

static Ref ssl_time_text(VM *vm, const ASN1_TIME *time, BIO *bio)
{
  ASN1_TIME_print(bio, time);
  return ssl_text_of(vm, bio);
}

static bool ssl_certificate_fill(VM *vm, Value dict, X509 *x, BIO *bio)
{
  return ssl_put(vm, dict, "subject", ssl_name_tuple(vm, X509_get_subject_name(x))) &&
         ssl_put(vm, dict, "issuer", ssl_name_tuple(vm, X509_get_issuer_name(x))) &&
         ssl_put(vm, dict, "version", cd_int_from_i64(vm, X509_get_version(x) + 1)) &&
         ssl_put(vm, dict, "serialNumber", ssl_serial_text(vm, x, bio)) &&
         ssl_put(vm, dict, "notBefore", ssl_time_text(vm, X509_get0_notBefore(x), bio)) &&
         ssl_put(vm, dict, "notAfter", ssl_time_text(vm, X509_get0_notAfter(x), bio)) &&
         ssl_put_unless_none(vm, dict, "subjectAltName", ssl_alternative_names(vm, x, bio)) &&
         ssl_put_unless_none(vm, dict, "OCSP", ssl_authority_uris(vm, x, NID_ad_OCSP)) &&
         ssl_put_unless_none(vm, dict, "caIssuers", ssl_authority_uris(vm, x, NID_ad_ca_issuers)) &&
         ssl_put_unless_none(vm, dict, "crlDistributionPoints", ssl_revocation_uris(vm, x));
}

Ref cd_ssl_certificate_dict(VM *vm, X509 *certificate)
{
  BIO *bio = BIO_new(BIO_s_mem());
  if (!bio) return cd_raise_memory(vm);
  Ref dict = cd_dict_new(vm);
  bool ok = dict && ssl_certificate_fill(vm, dict, certificate, bio);
  BIO_free(bio);
  ERR_clear_error();                             // extensions that cannot be parsed leave theirs there
  if (ok) return dict;
  cd_drop(vm, dict);
  return NO_REF;
}

Ref cd_ssl_certificate_der(VM *vm, X509 *certificate)
{
  unsigned char *data = NULL;
  int size = i2d_X509(certificate, &data);
  if (size < 0) return ssl_raise_queue(vm);
  Ref bytes = cd_bytes_new(vm, (char *)data, (size_t)size);
  CRYPTO_free(data, "ssl_certificate.c", __LINE__);
  return bytes;
}

// ---- the type ----

static Ref ssl_certificate_new(VM *vm, X509 *native)
{
  SslCertificate *certificate = native ? cd_object_new(vm, ssl_state(vm)->certificate, sizeof *certificate) : NULL;
  if (!certificate) return native ? NO_REF : ssl_raise_queue(vm);
  if (X509_up_ref(native)) certificate->native = native;
  return cd_from_object(certificate);
}

Ref cd_ssl_certificate_list(VM *vm, STACK_OF(X509) *stack, X509 *first)
{
  Ref list = cd_list_new(vm);
  bool ok = list && (!first || cd_list_append_steal(vm, cd_as_list(list), ssl_certificate_new(vm, first)));
  for (int i = 0; ok && i < sk_X509_num(stack); i++)
    ok = cd_list_append_steal(vm, cd_as_list(list), ssl_certificate_new(vm, sk_X509_value(stack, i)));
  if (ok) return list;
  cd_drop(vm, list);
  return NO_REF;
}

static void ssl_certificate_release(VM *vm UNUSED, Object *self)
{
  X509_free(((SslCertificate *)self)->native);
  ((SslCertificate *)self)->native = NULL;
}

static Ref ssl_certificate_pem(VM *vm, X509 *certificate)
{
  BIO *bio = BIO_new(BIO_s_mem());
  if (!bio) return cd_raise_memory(vm);
  Ref text = PEM_write_bio_X509(bio, certificate) ? ssl_text_of(vm, bio) : ssl_raise_queue(vm);
  BIO_free(bio);
  return text;
}

METHOD_DEF_(ssl_certificate_public_bytes, "public_bytes", "public_bytes(self, /, format=Encoding.PEM)",
            "The certificate as PEM text or as DER bytes.", 0)
{
  int format = SSL_ENCODING_PEM;
  if (cd_bits(args[0]) && !cd_to_c_int(vm, args[0], &format)) return NO_REF;
  if (format == SSL_ENCODING_PEM) return ssl_certificate_pem(vm, ssl_certificate_of(self)->native);
  if (format == SSL_ENCODING_DER) return cd_ssl_certificate_der(vm, ssl_certificate_of(self)->native);
  return cd_raise_value(vm, "Unsupported format");
}

METHOD_DEF_(ssl_certificate_get_info, "get_info", "get_info(self, /)", "The certificate as a dict.", 0)
{
  return cd_ssl_certificate_dict(vm, ssl_certificate_of(self)->native);
}

static Ref ssl_certificate_repr(VM *vm, Value self)
{
  BIO *bio = BIO_new(BIO_s_mem());
  if (!bio) return cd_raise_memory(vm);
  X509_NAME_print_ex(bio, X509_get_subject_name(ssl_certificate_of(self)->native), 0, XN_FLAG_RFC2253);
  Ref subject = ssl_text_of(vm, bio), text = subject ? cd_str_format(vm, "<%s %R>", "_ssl.Certificate", subject) : NO_REF;
  BIO_free(bio);
  cd_drop(vm, subject);
  return text;
}

static bool ssl_certificate_hash(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = (int64_t)X509_subject_name_hash(ssl_certificate_of(self)->native);
  return true;
}

static Ref ssl_certificate_compare(VM *vm, Value self, Value other, CompareOp op)
{
  if ((op != COMPARE_EQ && op != COMPARE_NE) || cd_type_of(vm, other) != ssl_state(vm)->certificate) return cd_not_implemented();
  return cd_bool((X509_cmp(ssl_certificate_of(self)->native, ssl_certificate_of(other)->native) == 0) == (op == COMPARE_EQ));
}

static const MethodDef *const ssl_certificate_methods[] = {&ssl_certificate_public_bytes_def, &ssl_certificate_get_info_def, NULL};

const TypeSpec cd_ssl_certificate_spec = {
  .name = "_ssl.Certificate",
  .basicsize = sizeof(SslCertificate),
  .flags = TYPE_IMMUTABLE | TYPE_NO_NEW,
  .methods = ssl_certificate_methods,
  .slots = {.release = ssl_certificate_release,
            .repr = ssl_certificate_repr,
            .hash = ssl_certificate_hash,
            .compare = ssl_certificate_compare},
};
