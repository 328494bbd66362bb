// Paged attention with AVX-512: a vector of 16 is one register.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))),              \
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

#include "kv_attention_body.h"
#pragma clang attribute pop

const apus_kv_attention_kernels apus_kv_attention_avx512 = {QUERIES, half_store, half_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int8_avx512 = {QUERIES, byte_store, byte_attend, merge, finish};
#endif
