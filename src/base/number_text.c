// SPDX-License-Identifier: MIT
// number_text.c: doubles to and from decimal text
#include "base/number_text.h"
#include "base/power_table.h"

#include <gmp.h>
#include <math.h>

// A double is c * 2**q with an integer c below 2**53.
typedef struct DoubleParts { uint64_t c; int q; } DoubleParts;

enum { DOUBLE_BIAS = 1075 };                     // exponent field to q

static inline uint64_t double_bits(double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static DoubleParts double_parts(double x)
{
  uint64_t bits = double_bits(x), fraction = bits & ((UINT64_C(1) << 52) - 1);
  int field = (int)(bits >> 52 & 0x7FF);
  return field ? (DoubleParts){fraction | UINT64_C(1) << 52, field - DOUBLE_BIAS} : (DoubleParts){fraction, 1 - DOUBLE_BIAS};
}

// Decimal digits of n, not 0, without trailing zeros, which go to *zeros. Returns how many.
static int number_put_digits(char *out, uint64_t n, int *zeros)
{
  char reversed[20];
  int count = 0;
  *zeros = 0;
  while (n % 10 == 0) { n /= 10; ++*zeros; }
  for (; n; n /= 10) reversed[count++] = (char)('0' + n % 10);
  for (int i = 0; i < count; i++) out[i] = reversed[count - 1 - i];
  return count;
}

static void number_finish_digits(uint64_t n, int exponent, char *digits, int *count, int *point)   // n * 10**exponent
{
  int zeros;
  if (n == 0) { *count = 0; *point = 0; return; }
  *count = number_put_digits(digits, n, &zeros);
  *point = *count + zeros + exponent;
}

// ---- shortest digits ----

// Raffaello Giulietti's "Schubfach": among the decimals that read back as x there are some of one length 10**k; a 128-bit power of ten
// is enough to place the bounds of the interval and x itself, in units of 10**k / 4, exactly enough to choose.

// The upper 64 bits of g * n / 2**64, the lowest bit set if anything was cut off.
static inline uint64_t double_round_to_odd(uint64_t g_high, uint64_t g_low, uint64_t n)
{
  unsigned __int128 low = (unsigned __int128)g_low * n, high = (unsigned __int128)g_high * n + (uint64_t)(low >> 64);
  return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

static uint64_t double_schubfach(DoubleParts x, bool lower_is_closer, int *exponent)
{
  bool odd = x.c & 1;
  int k = (x.q * 1262611 - (lower_is_closer ? 524031 : 0)) >> 22;          // floor(log10(2**q)), of 3/4 of it at powers of two
  int h = x.q + ((-k * 1741647) >> 19) + 1;                                // q + floor(log2(10**-k)) + 1
  const uint64_t *row = power_table[-k - POWER_TABLE_FIRST];
  bool exact = -k >= 0 && -k <= 55;                                        // the method wants powers rounded up
  uint64_t g_high = row[0], g_low = row[1] + !exact;
  uint64_t lower = double_round_to_odd(g_high, g_low, (4 * x.c - 2 + lower_is_closer) << h) + odd;
  uint64_t middle = double_round_to_odd(g_high, g_low, 4 * x.c << h);
  uint64_t upper = double_round_to_odd(g_high, g_low, (4 * x.c + 2) << h) - odd;
  uint64_t s = middle / 4;
  if (s >= 10) {                                                           // one digit less?
    uint64_t tens = s / 10;
    bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;
    if (down != up) { *exponent = k + 1; return tens + up; }
  }
  *exponent = k;
  bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
  if (down != up) return s + up;
  return s + (middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1)));
}

static uint64_t double_shortest(double x, int *exponent)
{
  DoubleParts parts = double_parts(x);
  *exponent = 0;
  if (parts.q <= 0 && parts.q > -53 && !(parts.c & ((UINT64_C(1) << -parts.q) - 1))) return parts.c >> -parts.q;
  bool lower_is_closer = parts.c == UINT64_C(1) << 52 && parts.q > 1 - DOUBLE_BIAS;
  return double_schubfach(parts, lower_is_closer, exponent);
}

void cd_double_shortest(double x, char *digits, int *count, int *point)
{
  int exponent;
  if (x == 0) { digits[0] = '0'; *count = *point = 1; return; }
  uint64_t n = double_shortest(x, &exponent);
  number_finish_digits(n, exponent, digits, count, point);
}

int cd_double_repr(double x, char out[DOUBLE_REPR_SIZE])
{
  char *p = out, digits[24];
  int count, point;
  if (isnan(x)) { memcpy(out, "nan", 4); return 3; }
  if (signbit(x)) *p++ = '-';
  if (isinf(x)) { memcpy(p, "inf", 4); return (int)(p + 3 - out); }
  cd_double_shortest(x, digits, &count, &point);
  if (point > -4 && point <= 16) {
    int whole = point > 0 ? point : 1;
    for (int i = 0; i < whole; i++) *p++ = point > 0 && i < count ? digits[i] : '0';
    *p++ = '.';
    for (int i = point; i < 0; i++) *p++ = '0';
    int from = point > 0 ? point : 0;
    if (from >= count) *p++ = '0';
    for (int i = from; i < count; i++) *p++ = digits[i];
  } else {
    *p++ = digits[0];
    if (count > 1) *p++ = '.';
    for (int i = 1; i < count; i++) *p++ = digits[i];
    int exponent = point - 1, magnitude = exponent < 0 ? -exponent : exponent;
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    if (magnitude >= 100) *p++ = (char)('0' + magnitude / 100);
    *p++ = (char)('0' + magnitude / 10 % 10);
    *p++ = (char)('0' + magnitude % 10);
  }
  *p = 0;
  return (int)(p - out);
}

// ---- a given number of digits ----

// Large integers on the stack. The largest ones: 2**1074 times 17 digits, 10**1110 and what parsing needs for 800 digits.
enum { NUMBER_LIMBS = 128 };
typedef struct NumberBig { mp_size_t size; mp_limb_t limbs[NUMBER_LIMBS]; } NumberBig;

static void number_multiply(NumberBig *n, uint64_t factor)
{
  mp_limb_t carry = mpn_mul_1(n->limbs, n->limbs, n->size, factor);
  if (carry) n->limbs[n->size++] = carry;
}

static void number_multiply_power5(NumberBig *n, int power)
{
  static const uint64_t five27 = UINT64_C(7450580596923828125);
  for (; power >= 27; power -= 27) number_multiply(n, five27);
  uint64_t rest = 1;
  for (; power > 0; power--) rest *= 5;
  if (rest > 1) number_multiply(n, rest);
}

static void number_shift_left(NumberBig *n, unsigned bits)
{
  unsigned words = bits / 64;
  if (words) {
    mpn_copyd(n->limbs + words, n->limbs, n->size);
    mpn_zero(n->limbs, words);
    n->size += words;
  }
  mp_limb_t carry = bits % 64 ? mpn_lshift(n->limbs, n->limbs, n->size, bits % 64) : 0;
  if (carry) n->limbs[n->size++] = carry;
}

// All digits of |x|, not 0: at most 767, 309 of them before the point. Returns how many; *point as in the header.
static int double_all_digits(double x, char *digits, int *point)
{
  DoubleParts parts = double_parts(x);
  NumberBig n = {1, {parts.c}};
  if (parts.q >= 0) number_shift_left(&n, (unsigned)parts.q);
  else number_multiply_power5(&n, -parts.q);     // c / 2**k is c * 5**k / 10**k
  int count = (int)mpn_get_str((unsigned char *)digits, 10, n.limbs, n.size), skip = 0;
  while (skip < count && digits[skip] == 0) skip++;
  count -= skip;
  for (int i = 0; i < count; i++) digits[i] = (char)(digits[i + skip] + '0');
  *point = count + (parts.q < 0 ? parts.q : 0);
  return count;
}

// Cuts `digits` to the first `keep` (may be negative), half to even; strips zeros.
static void digits_round(char *digits, int *count, int *point, int64_t keep)
{
  if (keep < 0) { *count = 0; return; }
  if (keep < *count) {
    int n = (int)keep;
    bool tail = digits[n] > '5' || (digits[n] == '5' && *count > n + 1);           // no trailing zeros: any further digit counts
    bool tie = digits[n] == '5' && *count == n + 1;
    bool up = tail || (tie && n > 0 && (digits[n - 1] & 1));
    if (up) while (n > 0 && digits[n - 1] == '9') n--;
    if (up && n == 0) { digits[n++] = '1'; ++*point; }
    else if (up) digits[n - 1]++;
    *count = n;
  }
  while (*count > 0 && digits[*count - 1] == '0') --*count;
}

// |x| * 10**scale rounded half to even, when that is certain from one fused multiplication: the product is below 2**52, so its fraction is
// exact, and the rounding error of the product decides ties.
static bool double_scaled(double x, int scale, uint64_t *out)
{
  static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (scale < 0 || scale >= (int)ARRAY_LEN(tens)) return false;
  double product = x * tens[scale];
  if (!(product < 0x1p52) || product < 1e-280) return false;
  double error = fma(x, tens[scale], -product);
  uint64_t n = (uint64_t)product;
  double fraction = product - (double)n;
  bool up = fraction > 0.5 || (fraction == 0.5 && (error > 0 || (error == 0 && (n & 1))));
  *out = n + up;
  return true;
}

void cd_double_significant(double x, int ndigits, char *digits, int *count, int *point)
{
  static const uint64_t tens[] = {
    1,         10,         100,         1000,         10000,         100000,         1000000,         10000000,
    100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000};
  uint64_t n;
  x = fabs(x);
  if (x == 0) { *count = 0; *point = 1; return; }
  if (ndigits <= 15) {
    // floor(log10(x)) or one less; when it was less, the scaled number has one digit too many.
    int field = (int)(double_bits(x) >> 52), magnitude = ((field - 1023) * 1262611) >> 22;
    int scale = ndigits - 1 - magnitude;
    if (double_scaled(x, scale, &n) && (n < tens[ndigits] || double_scaled(x, --scale, &n)) && n >= tens[ndigits - 1]) {
      number_finish_digits(n, -scale, digits, count, point);
      return;
    }
  }
  *count = double_all_digits(x, digits, point);
  while (*count > 0 && digits[*count - 1] == '0') --*count;
  digits_round(digits, count, point, ndigits);
}

void cd_double_fixed(double x, int ndigits, char *digits, int *count, int *point)
{
  uint64_t n;
  x = fabs(x);
  if (x == 0) { *count = 0; *point = 1; return; }
  if (double_scaled(x, ndigits, &n)) {
    number_finish_digits(n, -ndigits, digits, count, point);
    if (*count == 0) *point = -ndigits;
    return;
  }
  *count = double_all_digits(x, digits, point);
  while (*count > 0 && digits[*count - 1] == '0') --*count;
  digits_round(digits, count, point, (int64_t)*point + ndigits);
  if (*count == 0) *point = -ndigits;
}

// ---- reading ----

enum { NUMBER_DIGITS_MAX = 800 };                // of a decimal; no double's bound needs more than 768 to be told from its neighbours

// A decimal as read: 0.d1d2d3... * 10**point.
typedef struct Decimal {
  int count;
  bool cut;                                      // digits that are not all 0 were left out
  int64_t point;
  char digits[NUMBER_DIGITS_MAX];
} Decimal;

// Reads digits and point. false: no digit at all.
static bool decimal_read_digits(Decimal *d, const char **text, const char *end)
{
  const char *p = *text;
  bool any = false, after_point = false;
  d->count = 0;
  d->point = 0;
  d->cut = false;
  for (; p < end; p++) {
    if (*p == '.' && !after_point) { after_point = true; continue; }
    if (*p < '0' || *p > '9') break;
    any = true;
    if (d->count == 0 && *p == '0') {
      d->point -= after_point;
      continue;
    }
    d->point += !after_point;
    if (d->count < NUMBER_DIGITS_MAX) d->digits[d->count++] = *p;
    else d->cut |= *p != '0';
  }
  *text = p;
  return any;
}

// "e+12" if it is there in full; the value is kept within what matters.
static int64_t decimal_read_exponent(const char **text, const char *end)
{
  const char *p = *text;
  if (p == end || (*p | 0x20) != 'e') return 0;
  p++;
  bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  if (p == end || *p < '0' || *p > '9') return 0;
  int64_t exponent = 0;
  for (; p < end && *p >= '0' && *p <= '9'; p++)
    if (exponent < INT64_C(1) << 55) exponent = exponent * 10 + (*p - '0');
  *text = p;
  return negative ? -exponent : exponent;
}

static double double_of_bits(uint64_t bits)
{
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Daniel Lemire's method: w * 10**q by one or two multiplications with the truncated power. false: too close to a tie to be sure.
static bool double_from_product(uint64_t w, int64_t q, double *out)
{
  if (w == 0 || q < POWER_TABLE_FIRST) { *out = 0; return true; }
  if (q > 308) { *out = HUGE_VAL; return true; }
  int zeros = __builtin_clzll(w);
  const uint64_t *row = power_table[q - POWER_TABLE_FIRST];
  uint64_t row_low = row[1] + (q < 0 && q >= -27);                         // the method wants these rounded up
  w <<= zeros;
  unsigned __int128 first = (unsigned __int128)w * row[0];
  uint64_t high = (uint64_t)(first >> 64), low = (uint64_t)first;
  if ((high & 0x1FF) == 0x1FF) {
    uint64_t more = (uint64_t)((unsigned __int128)w * row_low >> 64);
    low += more;
    if (more > low) high++;
  }
  if (low == UINT64_MAX && (q < -27 || q > 55)) return false;
  int top = (int)(high >> 63), shift = top + 9;
  uint64_t mantissa = high >> shift;
  int64_t exponent = ((217706 * q) >> 16) + 63 + top - zeros + 1023;
  if (exponent <= 0) {                                                     // subnormal
    if (1 - exponent >= 64) { *out = 0; return true; }
    mantissa >>= 1 - exponent;
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    *out = double_of_bits(mantissa);                                       // a carry into bit 52 makes the smallest normal one
    return true;
  }
  if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~UINT64_C(1);   // a tie
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >> 53) { mantissa >>= 1; exponent++; }
  *out = exponent >= 0x7FF ? HUGE_VAL : double_of_bits((mantissa & ~(UINT64_C(1) << 52)) | (uint64_t)exponent << 52);
  return true;
}

double cd_double_round(uint64_t top, bool sticky, int64_t exponent)
{
  int64_t field = exponent + 63 + 1023;
  if (field >= 0x7FF) return HUGE_VAL;
  int drop = field > 0 ? 11 : field > -53 ? (int)(12 - field) : 64;        // bits below the last one that is kept
  if (drop == 64) return top > UINT64_C(1) << 63 || sticky ? (field == -52 ? 0x1p-1074 : 0) : 0;
  uint64_t kept = drop < 64 ? top >> drop : 0, rest = top << (64 - drop), half = UINT64_C(1) << 63;
  kept += rest > half || (rest == half && (sticky || (kept & 1)));
  return double_of_bits(field > 0 ? kept + ((uint64_t)(field - 1) << 52) : kept);    // a carry moves on to the exponent, up to infinity
}

// The exact quotient of large integers decides. |point| < 400 + count, count <= 801.
static double decimal_exact(Decimal *d)
{
  NumberBig n, divisor = {1, {1}};
  unsigned char values[NUMBER_DIGITS_MAX + 1];
  int count = d->count;
  for (int i = 0; i < count; i++) values[i] = (unsigned char)(d->digits[i] - '0');
  if (d->cut) values[count++] = 1;                                         // just above what was kept
  n.size = mpn_set_str(n.limbs, values, (size_t)count, 10);
  int power = (int)d->point - count;
  int64_t exponent = power;                                                // of two; fives go to one side or the other
  if (power >= 0) {
    number_multiply_power5(&n, power);
    number_shift_left(&n, 64);                                             // two limbs at the least
    exponent -= 64;
  } else {
    number_multiply_power5(&divisor, -power);
    int lack = (int)(mpn_sizeinbase(divisor.limbs, (size_t)divisor.size, 2) - mpn_sizeinbase(n.limbs, (size_t)n.size, 2)) + 66;
    if (lack > 0) {
      number_shift_left(&n, (unsigned)lack);
      exponent -= lack;
    }
  }
  mp_limb_t quotient[NUMBER_LIMBS + 1], remainder[NUMBER_LIMBS];
  mpn_tdiv_qr(quotient, remainder, 0, n.limbs, n.size, divisor.limbs, divisor.size);
  mp_size_t size = n.size - divisor.size + 1;
  while (size > 1 && !quotient[size - 1]) size--;
  bool sticky = !mpn_zero_p(remainder, divisor.size);
  int zeros = __builtin_clzll(quotient[size - 1]);
  uint64_t top = quotient[size - 1] << zeros;
  exponent += (size - 1) * 64 - zeros;
  if (size > 1) {
    if (zeros) top |= quotient[size - 2] >> (64 - zeros);
    sticky |= (quotient[size - 2] << zeros) != 0;
    for (mp_size_t i = 0; i + 2 < size; i++) sticky |= quotient[i] != 0;
  }
  return cd_double_round(top, sticky, exponent);
}

static double decimal_to_double(Decimal *d)
{
  while (d->count > 0 && d->digits[d->count - 1] == '0' && !d->cut) d->count--;
  if (d->count == 0 || d->point < -400) return 0;
  if (d->point > 400) return HUGE_VAL;
  uint64_t w = 0;
  int used = d->count < 19 ? d->count : 19;
  for (int i = 0; i < used; i++) w = w * 10 + (uint64_t)(d->digits[i] - '0');
  double low, high;
  int64_t q = d->point - used;
  if (double_from_product(w, q, &low)) {
    if (used == d->count && !d->cut) return low;
    if (double_from_product(w + 1, q, &high) && low == high) return low;
  }
  return decimal_exact(d);
}

size_t cd_double_parse(const char *text, size_t size, double *out)
{
  static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *p = text, *end = text + size;
  bool negative = size && *p == '-';
  if (size && (*p == '-' || *p == '+')) p++;
  Decimal d;
  if (!decimal_read_digits(&d, &p, end)) return 0;
  int64_t exponent = decimal_read_exponent(&p, end);
  if (__builtin_add_overflow(d.point, exponent, &d.point)) d.point = exponent < 0 ? INT64_MIN : INT64_MAX;
  double x;
  int64_t scale = d.point - d.count;
  if (d.count <= 15 && scale >= -22 && scale <= 22) {                      // both factors are exact, so one rounding
    uint64_t n = 0;
    for (int i = 0; i < d.count; i++) n = n * 10 + (uint64_t)(d.digits[i] - '0');
    x = scale < 0 ? (double)n / tens[-scale] : (double)n * tens[scale];
  } else {
    x = decimal_to_double(&d);
  }
  *out = negative ? -x : x;
  return (size_t)(p - text);
}
