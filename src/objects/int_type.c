// SPDX-License-Identifier: MIT
// int_type.c: the type int: constructor, operators, methods
#include "objects/bytes.h"
#include "objects/float.h"
#include "objects/instance.h"
#include "objects/int_private.h"
#include "objects/protocol.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

// ---- making ----

static size_t int_alloc_size(Object *self)
{
  int64_t size = ((Int *)self)->size;
  return offsetof(Int, limbs) + (size_t)(size < 0 ? -size : size) * sizeof(uint64_t);
}

// An instance of a subclass with the value of `plain`, which is consumed.
static Ref int_of_type(VM *vm, Type *type, Ref plain)
{
  if (!plain || type == vm->types.int_) return plain;
  IntView view;
  cd_int_view(plain, &view);
  Int *object = cd_object_new(vm, type, cd_var_size(type, offsetof(Int, limbs) + (size_t)view.size * sizeof(uint64_t)));
  if (object) {
    memcpy(object->limbs, view.limbs, (size_t)view.size * sizeof(uint64_t));
    object->size = view.negative ? -view.size : view.size;
  }
  cd_drop(vm, plain);
  return object ? cd_from_object(object) : NO_REF;
}

static Ref int_from_byte_text(VM *vm, const char *data, size_t size, int base)
{
  Ref quoted = cd_bytes_new(vm, data, size < 200 ? size : 200);
  Ref number = quoted ? cd_int_parse(vm, data, size, base, quoted) : NO_REF;
  cd_drop(vm, quoted);
  return number;
}

static Ref int_from_text_value(VM *vm, Value text, int base)     // str, bytes, bytearray or any buffer
{
  if (cd_is_str(text)) return cd_int_parse(vm, cd_str_data(text), cd_str_size(text), base, text);
  if (cd_is_bytes(text)) return int_from_byte_text(vm, cd_bytes_data(text), cd_bytes_size(text), base);
  Buffer buffer;
  if (!cd_get_buffer(vm, text, &buffer, BUFFER_SIMPLE)) return NO_REF;
  Ref number = int_from_byte_text(vm, buffer.data, (size_t)buffer.size, base);
  cd_release_buffer(vm, &buffer);
  return number;
}

static Ref int_from_any(VM *vm, Value x)
{
  if (cd_is_small(x)) return cd_dup(x);
  const TypeSlots *slots = &cd_type_of(vm, x)->slots;
  if (!slots->int_ && !slots->index) {
    if (cd_is_str(x) || cd_is_bytes(x) || cd_is_bytearray(x)) return int_from_text_value(vm, x, 10);
    if (cd_has_buffer(vm, x) && !cd_bits(cd_type_lookup_borrow(vm, cd_type_of(vm, x), N(__trunc__)))) return int_from_text_value(vm, x, 10);
  }
  return cd_to_int(vm, x);
}

static Ref int_from_text_and_base(VM *vm, Value x, Value base)
{
  int64_t b;
  if (!cd_to_i64(vm, base, &b, NULL)) return NO_REF;
  if ((b != 0 && b < 2) || b > 36) return cd_raise_value(vm, "int() base must be >= 2 and <= 36, or 0");
  if (!cd_is_str(x) && !cd_is_bytes(x) && !cd_is_bytearray(x))
    return cd_raise_type(vm, "int() can't convert non-string with explicit base");
  return int_from_text_value(vm, x, (int)b);
}

static Ref int_new_slot(VM *vm, Type *type, const Value *args, size_t nargs, Value kwnames)
{
  if (LIKELY(nargs == 1 && !cd_bits(kwnames))) return int_of_type(vm, type, int_from_any(vm, args[0]));
  size_t named = cd_bits(kwnames) ? cd_tuple_size(kwnames) : 0;
  if (nargs + named > 2) return cd_raise_type(vm, "int() takes at most 2 arguments (%zd given)", (int64_t)(nargs + named));
  Value base = nargs == 2 ? args[1] : NO_VALUE;
  for (size_t i = 0; i < named; i++) {
    Value name = cd_tuple_item_borrow(kwnames, i);
    if (!cd_str_is(name, "base") || cd_bits(base)) return cd_raise_type(vm, "'%U' is an invalid keyword argument for int()", name);
    base = args[nargs + i];
  }
  if (nargs == 0) return cd_bits(base) ? cd_raise_type(vm, "int() missing string argument") : int_of_type(vm, type, cd_from_small(0));
  return int_of_type(vm, type, cd_bits(base) ? int_from_text_and_base(vm, args[0], base) : int_from_any(vm, args[0]));
}

// ---- operators ----

#define INT_BINARY(name, function)                                                \
  static Ref int_##name##_slot(VM *vm, Value a, Value b)                          \
  {                                                                               \
    return cd_both_small(a, b) || (cd_is_int(a) && cd_is_int(b)) ? function(vm, a, b) : cd_not_implemented(); \
  }
INT_BINARY(add, cd_int_add)
INT_BINARY(subtract, cd_int_subtract)
INT_BINARY(multiply, cd_int_multiply)
INT_BINARY(true_divide, cd_int_true_divide)
INT_BINARY(floor_divide, cd_int_floor_divide)
INT_BINARY(remainder, cd_int_remainder)
INT_BINARY(divmod, cd_int_divmod)
INT_BINARY(lshift, cd_int_lshift)
INT_BINARY(rshift, cd_int_rshift)
#undef INT_BINARY

static Ref int_bitwise_slot(VM *vm, Value a, Value b, char op)
{
  return cd_is_int(a) && cd_is_int(b) ? cd_int_bitwise(vm, a, b, op) : cd_not_implemented();
}
static Ref int_and_slot(VM *vm, Value a, Value b) { return int_bitwise_slot(vm, a, b, '&'); }
static Ref int_or_slot(VM *vm, Value a, Value b) { return int_bitwise_slot(vm, a, b, '|'); }
static Ref int_xor_slot(VM *vm, Value a, Value b) { return int_bitwise_slot(vm, a, b, '^'); }

static Ref int_power_slot(VM *vm, Value base, Value exponent, Value modulus)
{
  if (!cd_is_int(base) || !cd_is_int(exponent) || (!cd_is_none(modulus) && !cd_is_int(modulus))) return cd_not_implemented();
  return cd_int_power(vm, base, exponent, modulus);
}

static Ref int_absolute_slot(VM *vm, Value self) { return cd_int_sign(self) < 0 ? cd_int_negate(vm, self) : cd_int_exact(vm, self); }

static Ref int_float_slot(VM *vm, Value self)
{
  double x;
  return cd_int_to_double(vm, self, &x) ? cd_float_new(vm, x) : NO_REF;
}

static bool int_truth_slot(VM *vm UNUSED, Value self, bool *out)
{
  *out = cd_int_sign(self) != 0;
  return true;
}

static bool int_hash_slot(VM *vm UNUSED, Value self, int64_t *out)
{
  *out = cd_int_hash(self);
  return true;
}

static Ref int_compare_slot(VM *vm UNUSED, Value self, Value other, CompareOp op)
{
  if (!cd_is_int(self) || !cd_is_int(other)) return cd_not_implemented();
  return cd_compare_ints(cd_int_compare(self, other), op);
}

static Ref int_repr_slot(VM *vm, Value self) { return cd_int_to_text(vm, self, 10); }

// ---- methods ----

METHOD_DEF_(int_conjugate, "conjugate", "conjugate(self)", "Return self, the complex conjugate of any int.", METHOD_NO_SIGNATURE)
{
  return cd_int_exact(vm, self);
}
METHOD_DEF_(int___trunc__, "__trunc__", "__trunc__(self)", "Truncating an int returns itself.", METHOD_NO_SIGNATURE)
{
  return cd_int_exact(vm, self);
}
METHOD_DEF_(int___floor__, "__floor__", "__floor__(self)", "The floor of an int is itself.", METHOD_NO_SIGNATURE)
{
  return cd_int_exact(vm, self);
}
METHOD_DEF_(int___ceil__, "__ceil__", "__ceil__(self)", "The ceiling of an int is itself.", METHOD_NO_SIGNATURE)
{
  return cd_int_exact(vm, self);
}

METHOD(int, bit_length, "bit_length(self, /)",
       "Number of bits that the binary form needs.\n\n>>> bin(37)\n'0b100101'\n>>> (37).bit_length()\n6")
{
  return cd_int_from_u64(vm, cd_int_bit_length(self));
}

METHOD(int, bit_count, "bit_count(self, /)",
       "Number of ones in the binary form of the absolute value.\n\n>>> bin(13)\n'0b1101'\n>>> (13).bit_count()\n3")
{
  IntView view;
  cd_int_view(self, &view);
  return cd_int_from_u64(vm, view.size ? mpn_popcount(view.limbs, view.size) : 0);
}

METHOD(int, as_integer_ratio, "as_integer_ratio(self, /)",
       "Return a pair of ints whose ratio is the number; the denominator is 1.\n\n>>> (10).as_integer_ratio()\n(10, 1)\n>>> "
       "(0).as_integer_ratio()\n(0, 1)")
{
  return cd_tuple2_steal(vm, cd_int_exact(vm, self), cd_from_small(1));
}

METHOD(int, __getnewargs__, "__getnewargs__(self, /)", NULL)
{
  Ref number = cd_int_exact(vm, self), args_tuple = number ? cd_tuple1(vm, number) : NO_REF;
  cd_drop(vm, number);
  return args_tuple;
}

METHOD(int, __sizeof__, "__sizeof__(self, /)", "Size in memory, in bytes.")
{
  return cd_from_small((int64_t)(cd_is_object(self) ? cd_object_size(cd_object(self)) : sizeof(Value)));
}

METHOD(int, __format__, "__format__(self, format_spec, /)", "Format the number by the format specification.")
{
  if (!cd_is_str(args[0])) return cd_raise_type(vm, "__format__() argument must be str, not %T", args[0]);
  return cd_format_int(vm, self, args[0]);
}

// The multiple of `unit` (> 0) nearest to n, half to even multiples.
static Ref int_round_to(VM *vm, Value n, Value unit)
{
  Ref pair = cd_int_divmod(vm, n, unit);
  if (!pair) return NO_REF;
  Value quotient = cd_tuple_item_borrow(pair, 0), rest = cd_tuple_item_borrow(pair, 1);
  Ref twice = cd_int_add(vm, rest, rest), odd = twice ? cd_int_bitwise(vm, quotient, cd_from_small(1), '&') : NO_REF, result = NO_REF;
  if (odd) {
    int order = cd_int_compare(twice, unit);
    result = cd_int_subtract(vm, n, rest);
    if (result && (order > 0 || (order == 0 && cd_int_sign(odd)))) {
      Ref up = cd_int_add(vm, result, unit);
      cd_drop(vm, result);
      result = up;
    }
  }
  cd_drop(vm, twice);
  cd_drop(vm, odd);
  cd_drop(vm, pair);
  return result;
}

METHOD_DEF_(int___round__, "__round__", "__round__(self, ndigits=<unrepresentable>, /)",
            "Rounding an int returns itself; with negative ndigits, the nearest multiple of a power of ten.", 0)
{
  int64_t digits;
  if (!cd_bits(args[0])) return cd_int_exact(vm, self);
  if (!cd_to_i64(vm, args[0], &digits, NULL)) return NO_REF;
  if (digits >= 0) return cd_int_exact(vm, self);
  if (digits < -(int64_t)(cd_int_bit_length(self) / 3) - 2) return cd_from_small(0);    // less than half of 10**-digits
  Ref unit = cd_int_power(vm, cd_from_small(10), cd_from_small(-digits), NO_VALUE);
  Ref result = unit ? int_round_to(vm, self, unit) : NO_REF;
  cd_drop(vm, unit);
  return result;
}

static bool int_byte_order(VM *vm, const char *function, Value order, bool *little)
{
  *little = false;
  if (!cd_bits(order)) return true;
  if (!cd_is_str(order)) return cd_raise_arg_type(vm, function, "byteorder", "str", order);
  *little = cd_str_is(order, "little");
  return *little || cd_str_is(order, "big") || cd_raise_value(vm, "byteorder must be either 'little' or 'big'");
}

METHOD(int, to_bytes, "to_bytes(self, /, length=1, byteorder='big', *, signed=False)",
       "Return the number as bytes.\n\n  length\n    Number of bytes; OverflowError if the number does not fit.\n  byteorder\n    'big': "
       "the most significant byte comes "
       "first. 'little': it comes last.\n    sys.byteorder is the machine's own.\n  signed\n    Use two's complement; otherwise a negative "
       "number is an "
       "OverflowError.")
{
  int64_t length = 1;
  bool little, is_signed = false;
  if (cd_bits(args[0]) && !cd_to_i64(vm, args[0], &length, vm->exc.OverflowError)) return NO_REF;
  if (!int_byte_order(vm, "to_bytes", args[1], &little)) return NO_REF;
  if (cd_bits(args[2]) && !cd_truth(vm, args[2], &is_signed)) return NO_REF;
  if (length < 0) return cd_raise_value(vm, "length argument must be non-negative");
  Ref bytes = cd_bytes_new(vm, NULL, (size_t)length);
  if (!bytes || cd_int_to_bytes(vm, self, (unsigned char *)cd_bytes_data(bytes), (size_t)length, little, is_signed)) return bytes;
  cd_drop(vm, bytes);
  return NO_REF;
}

// bytes(v), by __bytes__, buffer or iteration.
static Ref int_source_bytes(VM *vm, Value v)
{
  Ref method, bytes;
  if (cd_is_exact(v, vm->types.bytes)) return cd_dup(v);
  Find found = cd_lookup_special(vm, v, N(__bytes__), &method);
  if (found == FIND_ERROR) return NO_REF;
  if (found == FIND_MISSING) {
    if (cd_is_int(v) || cd_is_str(v)) return cd_raise_type(vm, "cannot convert '%T' object to bytes", v);
    return cd_bytes_from_value(vm, v);
  }
  bytes = cd_call0(vm, method);
  cd_drop(vm, method);
  if (!bytes || cd_is_bytes(bytes)) return bytes;
  cd_raise_type(vm, "__bytes__ returned non-bytes (type %T)", bytes);
  cd_drop(vm, bytes);
  return NO_REF;
}

CLASS_METHOD(int, from_bytes, "from_bytes(type, /, bytes, byteorder='big', *, signed=False)",
             "Return the int that the bytes stand for.\n\n  bytes\n    An object with a buffer or __bytes__, or an iterable of byte "
             "values.\n  byteorder\n    'big': the "
             "most significant byte comes first. 'little': it comes last.\n    sys.byteorder is the machine's own.\n  signed\n    Whether "
             "the bytes are two's "
             "complement.")
{
  bool little, is_signed = false;
  if (!int_byte_order(vm, "from_bytes", args[1], &little)) return NO_REF;
  if (cd_bits(args[2]) && !cd_truth(vm, args[2], &is_signed)) return NO_REF;
  Ref bytes = int_source_bytes(vm, args[0]);
  if (!bytes) return NO_REF;
  Ref number = cd_int_from_bytes(vm, (unsigned char *)cd_bytes_data(bytes), cd_bytes_size(bytes), little, is_signed);
  cd_drop(vm, bytes);
  if (!number || cd_is(self, cd_type_value(vm->types.int_))) return number;
  Ref converted = cd_call1(vm, self, number);
  cd_drop(vm, number);
  return converted;
}

static Ref int_get_zero(VM *vm UNUSED, Value self UNUSED) { return cd_from_small(0); }
static Ref int_get_one(VM *vm UNUSED, Value self UNUSED) { return cd_from_small(1); }

static const GetSetDef int_getset[] = {
  {"real", "its real part, a float", cd_int_exact, NULL},
  {"imag", "its imaginary part, a float", int_get_zero, NULL},
  {"numerator", "of the fraction that it is: the number itself", cd_int_exact, NULL},
  {"denominator", "of the fraction that it is: always 1", int_get_one, NULL},
  {0},
};

static const MethodDef *const int_methods[] = {
  &int_conjugate_def,      &int_bit_length_def,
  &int_bit_count_def,      &int_to_bytes_def,
  &int_from_bytes_def,     &int_as_integer_ratio_def,
  &int___trunc___def,      &int___floor___def,
  &int___ceil___def,       &int___round___def,
  &int___getnewargs___def, &int___format___def,
  &int___sizeof___def,     NULL,
};

const TypeSpec cd_int_spec = {
  .name = "int",
  .doc = "int([x]) -> integer\nint(x, base=10) -> integer\n\nConvert a number or text to an integer; without arguments return 0. Of a "
         "number x it is\n"
         "x.__int__(), which for floats truncates towards zero.\n\nText (str, bytes or bytearray) holds an integer literal in the given "
         "base, possibly with a sign\nand "
         "surrounded by whitespace. Bases are 2 to 36, and 0 for what the prefix of the literal says.\n>>> int('0b100', base=0)\n4",
  .basicsize = sizeof(Int),
  .flags = TYPE_BASE | TYPE_INT | TYPE_IMMUTABLE | TYPE_VALUE_MATCH,
  .methods = int_methods,
  .getset = int_getset,
  .slots =
    {
      .alloc_size = int_alloc_size,
      .repr = int_repr_slot,
      .hash = int_hash_slot,
      .compare = int_compare_slot,
      .new_ = int_new_slot,
      .add = int_add_slot,
      .subtract = int_subtract_slot,
      .multiply = int_multiply_slot,
      .true_divide = int_true_divide_slot,
      .floor_divide = int_floor_divide_slot,
      .remainder = int_remainder_slot,
      .divmod = int_divmod_slot,
      .lshift = int_lshift_slot,
      .rshift = int_rshift_slot,
      .and_ = int_and_slot,
      .xor_ = int_xor_slot,
      .or_ = int_or_slot,
      .power = int_power_slot,
      .negative = cd_int_negate,
      .positive = cd_int_exact,
      .absolute = int_absolute_slot,
      .invert = cd_int_invert,
      .int_ = cd_int_exact,
      .float_ = int_float_slot,
      .index = cd_int_exact,
      .truth = int_truth_slot,
    },
};
