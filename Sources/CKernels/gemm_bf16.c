// The matrix product with factors rounded to bfloat16 and single precision sums, for AVX512_BF16.
#include "CKernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma"))),             \
                             apply_to = function)
#include <immintrin.h>

#define GV 16
#define GROUP 14
#include "gemm_vector.h"

#define UNIT 2
typedef uint32_t unit; // two elements, the first in the low half

INLINE gv multiply_add(uint32_t a, const uint32_t *b, gv c) {
    return (gv)_mm512_dpbf16_ps((__m512)c, (__m512bh)_mm512_set1_epi32((int)a), (__m512bh)_mm512_loadu_si512(b));
}

/// The bfloat16 nearest to x, to even when two are.
INLINE uint32_t rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (bits >> 16) | 0x40;
    return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

INLINE void copy_rows(size_t m, size_t k, const float *a, size_t lda, uint32_t *group) {
    for (size_t i = 0; i < m; i++, a += lda, group += ROW_STEP) {
        size_t kk = 0;
        for (; kk + 32 <= k; kk += 32)
            _mm512_storeu_si512(group + kk / 2,
                                (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(a + kk + 16), _mm512_loadu_ps(a + kk)));
        for (; kk < k; kk += 2)
            group[kk / 2] = rounded(a[kk]) | (kk + 1 < k ? rounded(a[kk + 1]) << 16 : 0);
    }
}

#include "gemm_tile.h"

static void pack_rows(size_t n, size_t k, const float *b, size_t ld, uint32_t *panels) {
    for (size_t j = 0; j < n; j += PANEL)
        for (size_t kk = 0; kk < k; kk += 2, panels += PANEL)
            for (size_t i = 0; i < PANEL; i++) {
                const float *pair = b + (j + i) * ld + kk;
                panels[i] = j + i < n ? rounded(pair[0]) | (kk + 1 < k ? rounded(pair[1]) << 16 : 0) : 0;
            }
}

static void multiply(size_t m, size_t n, size_t k, const float *a, size_t lda, const uint32_t *panels, float *c,
                     size_t ldc, int accumulate) {
    tile(m, n, k, a, lda, 0, panels, k, c, ldc, accumulate);
}

static const apus_bf16_kernels bf16 = {.panel = PANEL, .group = GROUP, .pack_rows = pack_rows, .tile = multiply};

#pragma clang attribute pop
#endif

const apus_bf16_kernels *apus_bf16_for(apus_isa isa) {
#if defined(__x86_64__)
    if (isa == APUS_ISA_AVX512_VNNI && __builtin_cpu_supports("avx512bf16"))
        return &bf16;
#endif
    (void)isa;
    return NULL;
}
