// SPDX-License-Identifier: MIT
// test_number_text.c: doubles to and from text against the C library's correctly rounded conversions
#include "base/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t test_state = 88172645463325252;
static int test_failures;

static uint64_t test_random(void)
{
  test_state ^= test_state << 13;
  test_state ^= test_state >> 7;
  return test_state ^= test_state << 17;
}

static void test_fail(const char *what, double x, const char *got)
{
  if (++test_failures <= 20) printf("%s of %.17g (%a): %s\n", what, x, x, got);
}

static bool test_same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

// "d.ddde+xx" to digits and point, zeros stripped.
static void test_split(const char *text, char *digits, int *count, int *point)
{
  *count = 0;
  const char *p = text;
  for (; *p != 'e'; p++)
    if (*p >= '0' && *p <= '9') digits[(*count)++] = *p;
  *point = atoi(p + 1) + 1;
  while (*count > 0 && digits[*count - 1] == '0') --*count;
}

static void test_one(double x)
{
  char repr[DOUBLE_REPR_SIZE], text[1600], digits[800], expected[1600];
  int count, point, n, where;
  double back;
  size_t size = (size_t)cd_double_repr(x, repr);
  if (strlen(repr) != size) test_fail("length of repr", x, repr);
  if (!test_same(strtod(repr, NULL), x)) test_fail("repr", x, repr);
  if (cd_double_parse(repr, size, &back) != size || !test_same(back, x)) test_fail("reading repr", x, repr);
  cd_double_shortest(x, digits, &count, &point);
  if (count > 1) {                               // no shorter one reads back as x
    snprintf(text, sizeof text, "%.*e", count - 2, x);
    if (test_same(strtod(text, NULL), x)) test_fail("shortest", x, repr);
  }
  if (count == 17 || count == 16) {              // and of its length it is the nearest, if that reads back
    snprintf(text, sizeof text, "%.*e", count - 1, x);
    if (test_same(strtod(text, NULL), x)) {
      test_split(text, expected, &n, &where);
      if (n != count || where != point || memcmp(digits, expected, (size_t)n)) test_fail("nearest", x, repr);
    }
  }
  int wanted = 1 + (int)(test_random() % 30);
  cd_double_significant(x, wanted, digits, &count, &point);
  snprintf(text, sizeof text, "%.*e", wanted - 1, x);
  test_split(text, expected, &n, &where);
  if (n != count || (n && where != point) || memcmp(digits, expected, (size_t)n)) test_fail("significant", x, text);
  wanted = (int)(test_random() % 25);
  cd_double_fixed(x, wanted, digits, &count, &point);
  snprintf(text, sizeof text, "%.*f", wanted, fabs(x));
  char *dot = strchr(text, '.');
  where = (int)(dot ? dot - text : (long)strlen(text));
  n = 0;
  for (char *p = text; *p; p++)
    if (*p != '.' && (n || *p != '0')) expected[n++] = *p;
    else if (*p == '0') where--;
  while (n > 0 && expected[n - 1] == '0') n--;
  if (n != count || (n && where != point) || memcmp(digits, expected, (size_t)n)) test_fail("fixed", x, text);
  int precision = (int)(test_random() % 40);
  snprintf(text, sizeof text, "%.*e", precision, x);
  if (cd_double_parse(text, strlen(text), &back) != strlen(text) || !test_same(back, strtod(text, NULL))) test_fail("reading", x, text);
}

// Exactly half way between neighbours, and one digit above and below.
static void test_half_way(double x)
{
  char text[1600];
  double back;
  if (!isfinite(nextafter(x, HUGE_VAL))) return;
  __float128 middle = ((__float128)x + (__float128)nextafter(x, HUGE_VAL)) / 2;
  if (fabs(x) < 1e-300) return;
  // long double holds the middle exactly
  snprintf(text, sizeof text, "%.1100Lf", (long double)middle);
  cd_double_parse(text, strlen(text), &back);
  if (!test_same(back, strtod(text, NULL))) test_fail("half way", x, "");
  text[strlen(text) - 1] = '1';
  cd_double_parse(text, strlen(text), &back);
  if (!test_same(back, strtod(text, NULL))) test_fail("above half way", x, "");
}

int main(void)
{
  static const char *const texts[] = {
    "0", "-0.0", "1.", ".5", "1e400", "-1e400", "1e-400", "2.4703282292062327208e-324", "2.4703282292062328e-324", "4.9406564584124654e-324",
    "2.2250738585072011e-308", "2.2250738585072012e-308", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e308",
    "1.7976931348623159e308", "9007199254740993", "9007199254740992.999999999999999999999999", "123456789012345678901234567890e-10", "1e23", "8.5e22",
    "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001e105", "1e00000000000000000000001",
    "7.2057594037927933e+16", "6929495644600919.5", "3.518437208883201171875E13", "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
  };
  for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
    double x;
    if (cd_double_parse(texts[i], strlen(texts[i]), &x) != strlen(texts[i]) || !test_same(x, strtod(texts[i], NULL))) test_fail("text", x, texts[i]);
  }
  static const char *const partial[] = {"", "0", ".", "0", "e5", "0", "1e", "1", "1e+", "1", "+.e3", "0", "1.5.5", "3", "12x", "2", "-", "0", "1_0", "1"};
  for (size_t i = 0; i < ARRAY_LEN(partial); i += 2) {
    double x;
    if (cd_double_parse(partial[i], strlen(partial[i]), &x) != (size_t)atoi(partial[i + 1])) test_fail("length of", 0, partial[i]);
  }
  for (int i = 1; i < 2047; i++) {
    uint64_t bits = (uint64_t)i << 52;
    for (int j = -2; j <= 2; j++) {
      uint64_t near = bits + (uint64_t)(int64_t)j;
      double x;
      memcpy(&x, &near, sizeof x);
      test_one(x);
      test_half_way(x);
    }
  }
  for (int i = 0; i < 300000; i++) {
    uint64_t bits = test_random();
    double x;
    memcpy(&x, &bits, sizeof x);
    if (!isfinite(x)) continue;
    test_one(x);
    if (i % 50 == 0) test_half_way(x);
    test_one((double)(int64_t)(test_random() >> 12) / (double)(1 << (test_random() % 31)));
    test_one((double)(int64_t)(test_random() % 1000000) / 1000.0);
    test_one((double)(test_random() % 100000) + 0.5);
  }
  test_one(5e-324);
  test_one(1.7976931348623157e308);
  return test_failures != 0;
}
