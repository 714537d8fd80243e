// TEMPORARY: stands in until the real files land; whoever lands those deletes this file.
#include "objects/int.h"
#include "objects/float.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/bytes.h"
#include "objects/instance.h"
#include "bytecode/code.h"
#include "base/number_text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
static int64_t iv(Value v) { if (cd_is_small(v)) return cd_small(v); if (cd_is_bool(v)) return cd_is_true(v); Int *i = (Int *)cd_object(v); return i->size == 0 ? 0 : i->size < 0 ? -(int64_t)i->limbs[0] : (int64_t)i->limbs[0]; }
Ref cd_int_from_i64(VM *vm, int64_t i) { if (cd_fits_small(i)) return cd_from_small(i); Int *o = cd_object_new(vm, vm->types.int_, sizeof(Int) + 8); if (!o) return NO_REF; o->size = i < 0 ? -1 : 1; o->limbs[0] = i < 0 ? -(uint64_t)i : (uint64_t)i; return cd_from_object(o); }
Ref cd_int_from_u64(VM *vm, uint64_t i) { if (i <= SMALL_INT_MAX) return cd_from_small((int64_t)i); Int *o = cd_object_new(vm, vm->types.int_, sizeof(Int) + 8); if (!o) return NO_REF; o->size = 1; o->limbs[0] = i; return cd_from_object(o); }
int cd_int_sign(Value v) { int64_t i = iv(v); return i < 0 ? -1 : i > 0; }
bool cd_int_fits_i64(Value v, int64_t *o) { *o = iv(v); return true; }
bool cd_int_fits_u64(Value v, uint64_t *o) { *o = (uint64_t)iv(v); return cd_int_sign(v) >= 0; }
int cd_int_compare(Value a, Value b) { int64_t x = iv(a), y = iv(b); return x < y ? -1 : x > y; }
#define B(n, e) Ref n(VM *vm, Value a, Value b) { __int128 x = iv(a), y = iv(b), r; (void)y; e; if (r > INT64_MAX || r < INT64_MIN) return cd_raise_overflow(vm, "bridge: big int"); return cd_int_from_i64(vm, (int64_t)r); }
B(cd_int_subtract, r = x - y) B(cd_int_add, r = x + y) B(cd_int_multiply, r = x * y)
B(cd_int_floor_divide, if (!y) return cd_raise(vm, vm->exc.ZeroDivisionError, "integer division or modulo by zero"); r = x / y; if ((x % y) && ((x < 0) != (y < 0))) r--)
B(cd_int_remainder, if (!y) return cd_raise(vm, vm->exc.ZeroDivisionError, "integer division or modulo by zero"); r = x % y; if (r && ((r < 0) != (y < 0))) r += y)
B(cd_int_lshift, if (y > 60) y = 60; r = x << y)
B(cd_int_rshift_, r = y > 63 ? (x < 0 ? -1 : 0) : x >> y)
B(i_and, r = x & y) B(i_or, r = x | y) B(i_xor, r = x ^ y)
Ref cd_int_divmod(VM *vm, Value a, Value b) { return cd_tuple2_steal(vm, cd_int_floor_divide(vm, a, b), cd_int_remainder(vm, a, b)); }
Ref cd_int_from_bytes(VM *vm, const unsigned char *p, size_t n, bool little, bool s) { uint64_t r = 0; for (size_t i = 0; i < n && i < 8; i++) r |= (uint64_t)p[little ? i : n - 1 - i] << (8 * i); return cd_int_from_u64(vm, r); }
bool cd_int_to_bytes(VM *vm, Value v, unsigned char *p, size_t n, bool little, bool s) { uint64_t x = (uint64_t)iv(v); for (size_t i = 0; i < n; i++) p[little ? i : n - 1 - i] = i < 8 ? (unsigned char)(x >> (8 * i)) : 0; return true; }
Ref cd_int_exact(VM *vm, Value v) { return cd_int_from_i64(vm, iv(v)); }
Ref cd_int_to_text(VM *vm, Value v, int base) { char b[80]; char *p = b + 79; *p = 0; int64_t i = iv(v); uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i; do { int d = (int)(u % (unsigned)base); *--p = (char)(d < 10 ? '0' + d : 'a' + d - 10); u /= (unsigned)base; } while (u); if (i < 0) *--p = '-'; return cd_str_from(vm, p); }
int64_t cd_int_hash(Value v) { int64_t i = iv(v); return i == -1 ? -2 : i; }
Ref cd_int_from_text(VM *vm, const char *t, size_t n, int base) { char b[200]; size_t m = 0; for (size_t i = 0; i < n && m < 199; i++) if (t[i] != '_') b[m++] = t[i]; b[m] = 0; const char *q = b; if (base == 0 || base == 2 || base == 8 || base == 16) { if (q[0] == '0' && (q[1] | 32) == 'x') { base = 16; q += 2; } else if (q[0] == '0' && (q[1] | 32) == 'o') { base = 8; q += 2; } else if (q[0] == '0' && (q[1] | 32) == 'b') { base = 2; q += 2; } } char *e; uint64_t u = strtoull(q, &e, base ? base : 10); if (!m || *e) return cd_raise_value(vm, "invalid literal for int() with base %d: '%s'", base, b); return b[0] == '-' ? cd_int_from_i64(vm, (int64_t)u) : cd_int_from_u64(vm, u); }
bool cd_int_to_double(VM *vm, Value v, double *o) { *o = (double)iv(v); return true; }
size_t cd_int_bit_length(Value v) { int64_t i = iv(v); uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i; return u ? 64 - (size_t)__builtin_clzll(u) : 0; }
#define W(n, f) static Ref n(VM *vm, Value a, Value b) { if (!cd_is_int(a) || !cd_is_int(b)) return cd_not_implemented(); return f(vm, a, b); }
W(w_add, cd_int_add) W(w_sub, cd_int_subtract) W(w_mul, cd_int_multiply) W(w_fd, cd_int_floor_divide) W(w_rem, cd_int_remainder) W(w_ls, cd_int_lshift) W(w_rs, cd_int_rshift_) W(w_and, i_and) W(w_or, i_or) W(w_xor, i_xor) W(w_dm, cd_int_divmod)
static Ref td(VM *vm, Value a, Value b) { if (!cd_is_int(a) || !cd_is_int(b)) return cd_not_implemented(); return cd_float_new(vm, (double)iv(a) / (double)iv(b)); }
static Ref i_pow(VM *vm, Value a, Value b, Value m) { if (!cd_is_int(a) || !cd_is_int(b)) return cd_not_implemented(); __int128 r = 1; for (int64_t i = 0; i < iv(b); i++) { r *= iv(a); if (r > INT64_MAX || r < INT64_MIN) { return cd_int_from_i64(vm, INT64_MAX); } } return cd_int_from_i64(vm, (int64_t)r); }
static Ref i_repr(VM *vm, Value v) { return cd_int_to_text(vm, v, 10); }
static bool i_hash(VM *vm, Value v, int64_t *o) { *o = cd_int_hash(v); return true; }
static Ref i_cmp(VM *vm, Value a, Value b, CompareOp op) { if (!cd_is_int(a) || !cd_is_int(b)) return cd_not_implemented(); return cd_compare_ints(cd_int_compare(a, b), op); }
static bool i_truth(VM *vm, Value v, bool *o) { *o = iv(v) != 0; return true; }
static Ref i_neg(VM *vm, Value v) { return cd_int_from_i64(vm, -iv(v)); }
static Ref i_inv(VM *vm, Value v) { return cd_int_from_i64(vm, ~iv(v)); }
static Ref i_abs(VM *vm, Value v) { int64_t i = iv(v); return cd_int_from_i64(vm, i < 0 ? -i : i); }
static Ref i_float(VM *vm, Value v) { return cd_float_new(vm, (double)iv(v)); }
static Ref i_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kw) {
  Ref r; if (!nargs) r = cd_from_small(0); else if (cd_is_str(args[0])) { int64_t base = 10; if (nargs > 1 && !cd_to_i64(vm, args[1], &base, NULL)) return NO_REF; r = cd_int_from_text(vm, cd_str_data(args[0]), cd_str_size(args[0]), (int)base); } else r = cd_to_int(vm, args[0]);
  if (!r || type == vm->types.int_) return r;
  Int *o = cd_object_new(vm, type, cd_var_size(type, sizeof(Int) + 8)); if (!o) return NO_REF; int64_t i = iv(r); o->size = i < 0 ? -1 : i > 0; o->limbs[0] = i < 0 ? -(uint64_t)i : (uint64_t)i; return cd_from_object(o); }
static size_t i_size(Object *o) { return sizeof(Int) + 8; }
METHOD(int, bit_length, "bit_length(self, /)", "") { return cd_from_small((int64_t)cd_int_bit_length(self)); }
METHOD(int, __format__, "__format__(self, spec, /)", "") { return cd_str(vm, self); }
METHOD(int, to_bytes, "to_bytes(self, /, length=1, byteorder='big', *, signed=False)", "") { Ref b = cd_bytes_new(vm, NULL, (size_t)iv(args[0])); if (b) cd_int_to_bytes(vm, self, (unsigned char *)cd_bytes_data(b), cd_bytes_size(b), args[1] && cd_str_is(args[1], "little"), false); return b; }
CLASS_METHOD(int, from_bytes, "from_bytes(type, /, bytes, byteorder='big', *, signed=False)", "") { Buffer b; if (!cd_get_buffer(vm, args[0], &b, 0)) return NO_REF; Ref r = cd_int_from_bytes(vm, (unsigned char *)b.data, (size_t)b.size, args[1] && cd_str_is(args[1], "little"), false); cd_release_buffer(vm, &b); return r; }
static const MethodDef *const int_methods[] = {&int_to_bytes_def, &int_from_bytes_def, &int_bit_length_def, &int___format___def, NULL};
#define ISLOTS .repr = i_repr, .hash = i_hash, .compare = i_cmp, .add = w_add, .subtract = w_sub, .multiply = w_mul, .true_divide = td, .floor_divide = w_fd, .remainder = w_rem, .divmod = w_dm, .lshift = w_ls, .rshift = w_rs, .and_ = w_and, .or_ = w_or, .xor_ = w_xor, .power = i_pow, .negative = i_neg, .positive = cd_int_exact, .absolute = i_abs, .invert = i_inv, .int_ = cd_int_exact, .index = cd_int_exact, .float_ = i_float, .truth = i_truth, .alloc_size = i_size
const TypeSpec cd_int_spec = {.name = "int", .basicsize = sizeof(Int), .flags = TYPE_BASE | TYPE_INT | TYPE_VALUE_MATCH, .methods = int_methods, .slots = {ISLOTS, .new_ = i_new}};
static Ref b_repr(VM *vm, Value v) { return cd_str_from(vm, cd_is_true(v) ? "True" : "False"); }
static Ref b_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kw) { bool t = false; if (nargs && !cd_truth(vm, args[0], &t)) return NO_REF; return cd_bool(t); }
const TypeSpec cd_bool_spec = {.name = "bool", .basicsize = sizeof(Int), .flags = TYPE_INT | TYPE_VALUE_MATCH, .slots = {.repr = b_repr, .new_ = b_new}};
Ref cd_float_box(VM *vm, double x) { Float *f = cd_object_new(vm, vm->types.float_, sizeof *f); if (!f) return NO_REF; f->value = x; return cd_from_object(f); }
static bool fv(Value v, double *o) { if (cd_is_float(v)) { *o = cd_float_value(v); return true; } if (cd_is_int(v)) { *o = (double)iv(v); return true; } return false; }
#define F(n, e) static Ref n(VM *vm, Value a, Value b) { double x, y; if (!fv(a, &x) || !fv(b, &y)) return cd_not_implemented(); return cd_float_new(vm, e); }
F(f_add, x + y) F(f_sub, x - y) F(f_mul, x * y) F(f_div, x / y) F(f_fd, floor(x / y)) F(f_rem, fmod(x, y))
static Ref f_repr(VM *vm, Value v) { char b[DOUBLE_REPR_SIZE]; cd_double_repr(cd_float_value(v), b); return cd_str_from(vm, b); }
static bool f_hash(VM *vm, Value v, int64_t *o) { *o = cd_hash_double(cd_float_value(v)); return true; }
static Ref f_cmp(VM *vm, Value a, Value b, CompareOp op) { double x, y; if (!fv(a, &x) || !fv(b, &y)) return cd_not_implemented(); switch (op) { case COMPARE_LT: return cd_bool(x < y); case COMPARE_LE: return cd_bool(x <= y); case COMPARE_EQ: return cd_bool(x == y); case COMPARE_NE: return cd_bool(x != y); case COMPARE_GT: return cd_bool(x > y); default: return cd_bool(x >= y); } }
static bool f_truth(VM *vm, Value v, bool *o) { *o = cd_float_value(v) != 0; return true; }
static Ref f_neg(VM *vm, Value v) { return cd_float_new(vm, -cd_float_value(v)); }
static Ref f_abs(VM *vm, Value v) { return cd_float_new(vm, fabs(cd_float_value(v))); }
static Ref f_int(VM *vm, Value v) { return cd_int_from_i64(vm, (int64_t)cd_float_value(v)); }
static Ref f_pos(VM *vm, Value v) { return cd_float_new(vm, cd_float_value(v)); }
static Ref f_pow(VM *vm, Value a, Value b, Value m) { double x, y; if (!fv(a, &x) || !fv(b, &y)) return cd_not_implemented(); return cd_float_new(vm, pow(x, y)); }
Ref cd_float_from_text(VM *vm, Value t) { char *e; double d = strtod(cd_str_data(t), &e); return cd_float_new(vm, d); }
static Ref f_new(VM *vm, Type *type, const Value *args, size_t nargs, Value kw) { if (!nargs) return cd_float_new(vm, 0); if (cd_is_str(args[0])) return cd_float_from_text(vm, args[0]); double d; return cd_to_double(vm, args[0], &d) ? cd_float_new(vm, d) : NO_REF; }
const TypeSpec cd_float_spec = {.name = "float", .basicsize = sizeof(Float), .flags = TYPE_BASE | TYPE_FLOAT, .slots = {.repr = f_repr, .hash = f_hash, .compare = f_cmp, .add = f_add, .subtract = f_sub, .multiply = f_mul, .true_divide = f_div, .floor_divide = f_fd, .remainder = f_rem, .negative = f_neg, .absolute = f_abs, .truth = f_truth, .int_ = f_int, .float_ = f_pos, .positive = f_pos, .power = f_pow, .new_ = f_new}};
Ref cd_complex_new(VM *vm, double r, double i) { Complex *c = cd_object_new(vm, vm->types.complex, sizeof *c); if (!c) return NO_REF; c->real = r; c->imag = i; return cd_from_object(c); }
const TypeSpec cd_complex_spec = {.name = "complex", .basicsize = sizeof(Complex), .flags = TYPE_BASE | TYPE_COMPLEX};
Ref cd_format_float(VM *vm, Value v, Value s) { return cd_str(vm, v); }
__attribute__((weak)) const TypeSpec cd_memoryview_spec = {.name = "memoryview", .basicsize = 64, .flags = 0};
__attribute__((weak)) const TypeSpec cd_memory_iterator_spec = {.name = "memory_iterator", .basicsize = 64};
__attribute__((weak)) Ref cd_code_load(VM *vm, const char *d, size_t n) { return cd_raise_value(vm, "bridge"); }
__attribute__((weak)) Ref cd_code_dump(VM *vm, Value c) { return cd_raise_value(vm, "bridge"); }
__attribute__((weak)) const char *cd_code_verify(VM *vm, const Code *code, char *buffer, size_t size) { return NULL; }
