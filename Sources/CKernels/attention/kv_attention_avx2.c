// Paged attention with AVX2, FMA and F16C: a vector of 16 is two registers.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector16.h"

#define QUERIES 6

INLINE float16v fma16(float16v a, float16v b, float16v c) { return __builtin_elementwise_fma(a, b, c); }

INLINE float16v load_halves(const uint16_t *halves) {
    const __m256 parts[2] = {_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves)),
                             _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + 8)))};
    float16v v;
    memcpy(&v, parts, sizeof v);
    return v;
}

INLINE void store_halves(uint16_t *halves, float16v v) {
    __m256 parts[2];
    memcpy(parts, &v, sizeof v);
    _mm_storeu_si128((__m128i *)halves, _mm256_cvtps_ph(parts[0], _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i *)(halves + 8), _mm256_cvtps_ph(parts[1], _MM_FROUND_TO_NEAREST_INT));
}

typedef struct wide32 {
    __m256i half[2];
} wide32;

INLINE wide32 widen(const int8_t *bytes) {
    return (wide32){{_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)bytes)),
                     _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(bytes + 16)))}};
}

INLINE wide32 load_wide(const int16_t *integers) {
    return (wide32){
        {_mm256_loadu_si256((const __m256i *)integers), _mm256_loadu_si256((const __m256i *)(integers + 16))}};
}

INLINE int16v dot_pairs(int16v sums, wide32 pairs, const int16_t *two) {
    int32_t both;
    memcpy(&both, two, sizeof both);
    __m256i parts[2];
    memcpy(parts, &sums, sizeof sums);
    for (int i = 0; i < 2; i++)
        parts[i] = _mm256_add_epi32(parts[i], _mm256_madd_epi16(pairs.half[i], _mm256_set1_epi32(both)));
    memcpy(&sums, parts, sizeof sums);
    return sums;
}

#include "kv_attention_body.h"
#pragma clang attribute pop

const apus_kv_attention_kernels apus_kv_attention_avx2 = {QUERIES, half_store, half_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_float_avx2 = {QUERIES, float_store, float_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int16_avx2 = {QUERIES, int16_store, int16_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int8_avx2 = {QUERIES, int8_store, int8_attend, merge, finish};
#endif
