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

#include "kv_attention_body.h"
#pragma clang attribute pop

const apus_kv_attention_kernels apus_kv_attention_avx2 = {QUERIES, half_store, half_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int8_avx2 = {QUERIES, byte_store, byte_attend, merge, finish};
#endif
