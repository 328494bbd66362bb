// Paged attention with AVX-512: a vector of 16 is one register.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))),   \
                             apply_to = function)
#include "vector16.h"

#define QUERIES 12

INLINE float16v fma16(float16v a, float16v b, float16v c) { return __builtin_elementwise_fma(a, b, c); }

INLINE float16v load_halves(const uint16_t *halves) {
    return (float16v)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

INLINE void store_halves(uint16_t *halves, float16v v) {
    _mm256_storeu_si256((__m256i *)halves, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
}

typedef __m512i wide32;

INLINE wide32 widen(const int8_t *bytes) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)bytes)); }

INLINE wide32 load_wide(const int16_t *integers) { return _mm512_loadu_si512(integers); }

INLINE int16v dot_pairs(int16v sums, wide32 pairs, const int16_t *two) {
    int32_t both;
    memcpy(&both, two, sizeof both);
    return (int16v)_mm512_dpwssd_epi32((__m512i)sums, pairs, _mm512_set1_epi32(both));
}

#include "kv_attention_body.h"
#pragma clang attribute pop

const apus_kv_attention_kernels apus_kv_attention_avx512 = {QUERIES, half_store, half_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_float_avx512 = {QUERIES, float_store, float_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int16_avx512 = {QUERIES, int16_store, int16_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int8_avx512 = {QUERIES, int8_store, int8_attend, merge, finish};
#endif
