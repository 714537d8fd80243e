// SPDX-License-Identifier: MIT
// multibyte_runs.h: where the tables of CPython's codecs and the C library's converters differ; included by multibyte_codecs.c alone
#define NO CHARSET_NOTHING
#define DEC CHARSET_DECODE
#define ENC CHARSET_ENCODE
#define TWO CHARSET_BOTH

static const CharsetRun runs_gbk[] = {
  {0x80, NO, 1, DEC}, {NO, 0x20AC, 1, ENC},
  {0},
};
static const CharsetRun runs_gb18030[] = {
  {0xA6D9, 0xE78D, 7, TWO}, {0xA6EC, 0xE794, 2, TWO}, {0xA6F3, 0xE796, 1, TWO}, {0xA8BC, 0xE7C7, 1, TWO}, {0xFE51, 0xE816, 3, TWO},
  {0xFE59, 0xE81E, 1, TWO}, {0xFE61, 0xE826, 1, TWO}, {0xFE66, 0xE82B, 2, TWO}, {0xFE6C, 0xE831, 2, TWO}, {0xFE76, 0xE83B, 1, TWO},
  {0xFE7E, 0xE843, 1, TWO}, {0xFE90, 0xE854, 2, TWO}, {0xFEA0, 0xE864, 1, TWO}, {0x8135F437, 0x1E3F, 1, TWO},
  {0x82359037, 0x9FB4, 3, TWO}, {0x82359130, 0x9FB7, 5, TWO}, {0x84318236, 0xFE10, 4, TWO}, {0x84318330, 0xFE14, 6, TWO},
  {0x95329031, 0x20087, 1, ENC}, {0x95329033, 0x20089, 1, ENC}, {0x95329730, 0x200CC, 1, ENC}, {0x9536B937, 0x215D7, 1, ENC},
  {0x9630BA35, 0x2298F, 1, ENC}, {0x9635B630, 0x241FE, 1, ENC},
  {0},
};
static const CharsetRun runs_big5hkscs[] = {
  {0xA15A, 0x2574, 1, TWO}, {0xA1C3, 0xFFE3, 1, TWO}, {0xA1C5, 0x2CD, 1, TWO}, {0x80, NO, 1, DEC}, {0x877A, NO, 5, DEC},
  {0x87A1, NO, 63, DEC}, {0xA1FE, 0xFF0F, 1, DEC}, {0xA240, 0xFF3C, 1, DEC}, {0xA2CC, 0x5341, 1, DEC}, {0xA2CE, 0x5345, 1, DEC},
  {NO, 0x80, 1, ENC}, {NO, 0xE6, 1, ENC}, {NO, 0x259, 2, ENC}, {NO, 0x28C, 1, ENC}, {NO, 0x2E5, 1, ENC}, {NO, 0x2E9, 1, ENC},
  {NO, 0x31F7, 1, ENC}, {NO, 0x34E6, 1, ENC}, {NO, 0x3875, 1, ENC}, {NO, 0x3AF5, 1, ENC}, {NO, 0x3EEC, 1, ENC}, {NO, 0x40B4, 1, ENC},
  {NO, 0x4131, 1, ENC}, {NO, 0x4181, 1, ENC}, {NO, 0x430A, 1, ENC}, {NO, 0x44E1, 1, ENC}, {NO, 0x46AE, 1, ENC}, {NO, 0x492F, 2, ENC},
  {NO, 0x524F, 1, ENC}, {NO, 0x544C, 1, ENC}, {NO, 0x57B3, 1, ENC}, {NO, 0x5818, 1, ENC}, {NO, 0x5896, 1, ENC}, {NO, 0x62C1, 1, ENC},
  {NO, 0x6660, 1, ENC}, {NO, 0x6782, 1, ENC}, {NO, 0x6A29, 1, ENC}, {NO, 0x706E, 1, ENC}, {NO, 0x73C4, 1, ENC}, {NO, 0x744C, 1, ENC},
  {NO, 0x74C6, 1, ENC}, {NO, 0x79D0, 1, ENC}, {NO, 0x7A2C, 1, ENC}, {NO, 0x7A32, 1, ENC}, {NO, 0x7A72, 1, ENC}, {NO, 0x7AFC, 1, ENC},
  {NO, 0x7BAE, 1, ENC}, {NO, 0x7BC5, 1, ENC}, {NO, 0x8484, 1, ENC}, {NO, 0x8504, 1, ENC}, {NO, 0x8613, 1, ENC}, {NO, 0x889D, 1, ENC},
  {NO, 0x8B8F, 1, ENC}, {NO, 0x9046, 1, ENC}, {NO, 0x9218, 1, ENC}, {NO, 0x942F, 1, ENC}, {NO, 0x974A, 1, ENC}, {NO, 0x9F96, 2, ENC},
  {NO, 0x9FC7, 5, ENC}, {NO, 0x20A8A, 1, ENC}, {NO, 0x21D53, 1, ENC}, {NO, 0x224BC, 1, ENC}, {NO, 0x224C1, 1, ENC}, {NO, 0x224C9, 1, ENC},
  {NO, 0x224CC, 1, ENC}, {NO, 0x231EA, 1, ENC}, {NO, 0x2325E, 1, ENC}, {NO, 0x235BB, 1, ENC}, {NO, 0x2368E, 1, ENC},
  {NO, 0x2369E, 1, ENC}, {NO, 0x24161, 1, ENC}, {NO, 0x258DE, 1, ENC}, {NO, 0x25D99, 1, ENC}, {NO, 0x25DB9, 1, ENC},
  {NO, 0x26021, 1, ENC}, {NO, 0x26E88, 1, ENC}, {NO, 0x27B65, 1, ENC}, {NO, 0x2890D, 1, ENC}, {NO, 0x2ADFF, 1, ENC},
  {0},
};
static const CharsetRun runs_shift_jis[] = {
  {NO, 0xFFE0, 3, ENC},
  {0},
};
static const CharsetRun runs_cp932[] = {
  {0x80, 0x80, 1, TWO}, {0xA0, 0xF8F0, 1, TWO}, {0xFD, 0xF8F1, 3, TWO}, {NO, 0xA5, 1, ENC}, {NO, 0x2014, 1, ENC}, {NO, 0x203E, 1, ENC},
  {0},
};
static const CharsetRun runs_euc_jp[] = {
  {0x80, NO, 14, DEC}, {0x90, NO, 16, DEC}, {0x8FA2B7, 0x7E, 1, DEC}, {NO, 0x80, 14, ENC}, {NO, 0x90, 16, ENC}, {NO, 0xFF5E, 1, ENC},
  {0},
};
static const CharsetRun runs_euc_jp_2000[] = {                   // the same, without what JIS X 0213:2000 has under other characters
  {0x80, NO, 14, DEC}, {0x90, NO, 16, DEC}, {0x8FA2B7, 0x7E, 1, DEC}, {NO, 0x80, 14, ENC}, {NO, 0x90, 16, ENC}, {NO, 0xFF5E, 1, ENC},
  {NO, 0x7626, 1, ENC}, {NO, 0x7E6B, 1, ENC}, {NO, 0x9B1C, 1, ENC},
  {0},
};
static const CharsetRun runs_shift_jis_2004[] = {
  {0x815C, 0x2015, 1, TWO}, {0x815F, 0x5C, 1, TWO}, {0x81B0, 0x7E, 1, TWO}, {0x81D4, 0x2985, 2, TWO}, {NO, 0x2014, 1, ENC},
  {NO, 0xFF3C, 1, ENC}, {NO, 0xFF5E, 3, ENC},
  {0},
};
static const CharsetRun runs_shift_jisx0213[] = {
  {0x815C, 0x2015, 1, TWO}, {0x815F, 0x5C, 1, TWO}, {0x81B0, 0x7E, 1, TWO}, {0x81D4, 0x2985, 2, TWO}, {0xFC5A, 0x9B1D, 1, TWO},
  {0x879F, NO, 1, DEC}, {0x889E, NO, 1, DEC}, {0x9873, NO, 1, DEC}, {0x989E, NO, 1, DEC}, {0xEAA5, NO, 1, DEC}, {0xEFF8, NO, 5, DEC},
  {NO, 0x2014, 1, ENC}, {NO, 0x4FF1, 1, ENC}, {NO, 0x525D, 1, ENC}, {NO, 0x541E, 1, ENC}, {NO, 0x5653, 1, ENC}, {NO, 0x59F8, 1, ENC},
  {NO, 0x5C5B, 1, ENC}, {NO, 0x5E77, 1, ENC}, {NO, 0x7626, 1, ENC}, {NO, 0x7E6B, 1, ENC}, {NO, 0x9B1C, 1, ENC}, {NO, 0xFF3C, 1, ENC},
  {NO, 0xFF5E, 3, ENC}, {NO, 0x20B9F, 1, ENC},
  {0},
};
static const CharsetRun runs_euc_kr[] = {
  {0x80, NO, 32, DEC}, {0xA2E8, NO, 1, DEC}, {NO, 0x80, 32, ENC}, {NO, 0x20A9, 1, ENC}, {NO, 0x327E, 1, ENC},
  {0},
};
static const CharsetRun runs_johab[] = {
  {0x8441, 0x3000, 1, DEC}, {0x8442, 0x3131, 2, DEC}, {0x8445, 0x3134, 1, DEC}, {0x8448, 0x3137, 1, DEC}, {0x8449, 0x3139, 1, DEC},
  {0x8451, 0x3141, 1, DEC}, {0x8453, 0x3142, 1, DEC}, {0x8455, 0x3145, 4, DEC}, {0x8459, 0x314A, 5, DEC}, {0xD9E8, NO, 1, DEC},
  {NO, 0x20A9, 1, ENC}, {NO, 0x327E, 1, ENC},
  {0},
};
static const CharsetRun runs_big5[] = {
  {0xA145, 0x2022, 1, TWO}, {0xA14E, 0xFF64, 1, TWO}, {0xA1C2, 0x203E, 1, TWO}, {0xA1E3, 0x223C, 1, TWO}, {0xA1F2, 0x2641, 1, TWO},
  {0xA1F3, 0x2609, 1, TWO}, {0xA241, 0xFF0F, 1, TWO}, {0xA242, 0xFF3C, 1, TWO}, {0xA244, 0xA5, 1, TWO}, {0xA246, 0xA2, 2, TWO},
  {0xC6A1, 0x30FE, 1, TWO}, {0xC6A2, 0x309D, 2, TWO}, {0xC6A4, 0x3005, 1, TWO}, {0xC6A5, 0x3041, 83, TWO}, {0xC6F8, 0x30A1, 7, TWO},
  {0xC740, 0x30A8, 63, TWO}, {0xC7A1, 0x30E7, 16, TWO}, {0xC7B1, 0x414, 2, TWO}, {0xC7B3, 0x401, 1, TWO}, {0xC7B4, 0x416, 7, TWO},
  {0xC7BB, 0x423, 19, TWO}, {0xC7CE, 0x451, 1, TWO}, {0xC7CF, 0x436, 26, TWO}, {0xC7E9, 0x2460, 10, TWO}, {0xC7F3, 0x2474, 10, TWO},
  {0x80, NO, 1, DEC}, {0xA3E1, NO, 1, DEC}, {0xC7FD, NO, 2, DEC}, {0xC840, NO, 63, DEC}, {0xC8A1, NO, 94, DEC}, {0xF9D6, NO, 41, DEC},
  {NO, 0x80, 1, ENC}, {NO, 0xAF, 1, ENC}, {NO, 0x2027, 1, ENC}, {NO, 0x20AC, 1, ENC}, {NO, 0x2215, 1, ENC}, {NO, 0x2295, 1, ENC},
  {NO, 0x2299, 1, ENC}, {NO, 0x2551, 13, ENC}, {NO, 0x255F, 2, ENC}, {NO, 0x2562, 8, ENC}, {NO, 0x256B, 2, ENC}, {NO, 0x2593, 1, ENC},
  {NO, 0x58BB, 1, ENC}, {NO, 0x5AFA, 1, ENC}, {NO, 0x6052, 1, ENC}, {NO, 0x7881, 1, ENC}, {NO, 0x7CA7, 1, ENC}, {NO, 0x88CF, 1, ENC},
  {NO, 0x92B9, 1, ENC}, {NO, 0xF6B1, 408, ENC}, {NO, 0xFE51, 1, ENC}, {NO, 0xFE68, 1, ENC}, {NO, 0xFF5E, 1, ENC}, {NO, 0xFFE0, 2, ENC},
  {NO, 0xFFE5, 1, ENC},
  {0},
};
static const CharsetRun runs_cp950[] = {
  {0xC6A1, 0x30FE, 1, TWO}, {0xC6A2, 0x309D, 2, TWO}, {0xC6A4, 0x3005, 1, TWO}, {0xC6A5, 0x3041, 83, TWO}, {0xC6F8, 0x30A1, 7, TWO},
  {0xC740, 0x30A8, 63, TWO}, {0xC7A1, 0x30E7, 16, TWO}, {0xC7B1, 0x414, 2, TWO}, {0xC7B3, 0x401, 1, TWO}, {0xC7B4, 0x416, 7, TWO},
  {0xC7BB, 0x423, 19, TWO}, {0xC7CE, 0x451, 1, TWO}, {0xC7CF, 0x436, 26, TWO}, {0xC7E9, 0x2460, 10, TWO}, {0xC7F3, 0x2474, 10, TWO},
  {0x80, NO, 1, DEC}, {0xC7FD, NO, 2, DEC}, {0xC840, NO, 63, DEC}, {0xC8A1, NO, 94, DEC}, {NO, 0x80, 1, ENC}, {0xA246, 0xA2, 2, ENC},
  {0xA244, 0xA5, 1, ENC}, {0xA145, 0x2022, 1, ENC}, {0xA1C2, 0x203E, 1, ENC}, {0xA1E3, 0x223C, 1, ENC}, {0xA1F3, 0x2609, 1, ENC},
  {0xA1F2, 0x2641, 1, ENC}, {NO, 0xF6B1, 408, ENC}, {0xA14E, 0xFF64, 1, ENC},
  {0},
};
static const CharsetRun runs_euc_jis_2004[] = {
  {0x815C, 0x2015, 1, TWO}, {0x81D4, 0x2985, 2, TWO}, {NO, 0x2014, 1, ENC}, {NO, 0xFF5F, 2, ENC},
  {0},
};
static const CharsetRun runs_euc_jisx0213[] = {
  {0x815C, 0x2015, 1, TWO}, {0x81D4, 0x2985, 2, TWO}, {0xFC5A, 0x9B1D, 1, TWO}, {0x879F, NO, 1, DEC}, {0x889E, NO, 1, DEC},
  {0x9873, NO, 1, DEC}, {0x989E, NO, 1, DEC}, {0xEAA5, NO, 1, DEC}, {0xEFF8, NO, 5, DEC}, {NO, 0x2014, 1, ENC}, {NO, 0x4FF1, 1, ENC},
  {NO, 0x525D, 1, ENC}, {NO, 0x541E, 1, ENC}, {NO, 0x5653, 1, ENC}, {NO, 0x59F8, 1, ENC}, {NO, 0x5C5B, 1, ENC}, {NO, 0x5E77, 1, ENC},
  {NO, 0x7626, 1, ENC}, {NO, 0x7E6B, 1, ENC}, {NO, 0x9B1C, 1, ENC}, {NO, 0xFF5F, 2, ENC}, {NO, 0x20B9F, 1, ENC},
  {0},
};

#undef NO
#undef DEC
#undef ENC
#undef TWO
