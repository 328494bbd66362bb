// The matrix product with factors rounded to bfloat16 and sums in single precision, for AVX512_BF16.
#include "CKernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma"))),             \
                             apply_to = function)
#include <immintrin.h>

#define GV 16
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define GROUP 14
#include "gemm_vector.h"

typedef uint32_t unit; // two elements, the first in the low half

INLINE gv multiply_add(uint32_t a, const uint32_t *b, gv c) {
    return (gv)_mm512_dpbf16_ps((__m512)c, (__m512bh)_mm512_set1_epi32((int)a), (__m512bh)_mm512_loadu_si512(b));
}

/// The bfloat16 nearest to x, ties to even.
INLINE uint32_t rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (bits >> 16) | 0x40;
    return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

#include "gemm_tile.h"

INLINE uint32_t rounded_pair(const float *p, size_t left) {
    return rounded(p[0]) | (left > 1 ? rounded(p[1]) << 16 : 0);
}

/// Packs up to GV rows of length k of a[m][k] side by side: out[(k + 1) / 2][step].
INLINE void pack_block(size_t m, size_t k, const float *a, size_t lda, uint32_t *out, size_t step) {
    size_t kk = 0;
    for (; kk + 2 * GV <= k; kk += 2 * GV) {
        gv rows[GV];
#pragma clang loop unroll(full)
        for (size_t r = 0; r < GV; r++) {
            const float *p = a + r * lda + kk;
            rows[r] = r < m ? (gv)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(p + GV), _mm512_loadu_ps(p)) : (gv){0};
        }
        transpose(rows);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < GV; r++)
            _mm512_storeu_si512(out + (kk / 2 + r) * step, (__m512i)rows[r]);
    }
    for (; kk < k; kk += 2)
        for (size_t r = 0; r < GV; r++)
            out[kk / 2 * step + r] = r < m ? rounded_pair(a + r * lda + kk, k - kk) : 0;
}

/// Packs up to GV columns of a[k][m], in the same layout: two rows become one.
INLINE void pack_columns_block(size_t m, size_t k, const float *a, size_t lda, uint32_t *out, size_t step) {
    const __mmask16 mask = (__mmask16)((1u << m) - 1);
    const __m512i interleaved = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                                 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (size_t kk = 0; kk < k; kk += 2, a += 2 * lda, out += step) {
        __m512 low = _mm512_maskz_loadu_ps(mask, a);
        __m512 high = kk + 1 < k ? _mm512_maskz_loadu_ps(mask, a + lda) : _mm512_setzero_ps();
        __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        _mm512_storeu_si512(out, _mm512_permutexvar_epi16(interleaved, both));
    }
}

/// group[(k + 1) / 2][GROUP_LANES]
static void pack_group(size_t m, size_t k, const float *a, size_t lda, int transposed, uint32_t *group) {
    if (transposed)
        pack_columns_block(m, k, a, lda, group, GROUP_LANES);
    else
        pack_block(m, k, a, lda, group, GROUP_LANES);
}

/// panels[n / PANEL][(k + 1) / 2][PANEL]
static void pack_rows(size_t n, size_t k, const float *b, size_t ld, uint32_t *panels) {
    for (size_t j = 0; j < n; j += PANEL, panels += (k + 1) / 2 * PANEL)
        for (size_t half = 0; half < PANEL; half += GV) {
            size_t first = j + half < n ? j + half : n;
            pack_block(n - first < GV ? n - first : GV, k, b + first * ld, ld, panels + half, PANEL);
        }
}

static void pack_columns(size_t n, size_t k, const float *b, size_t ld, uint32_t *panels) {
    for (size_t j = 0; j < n; j += PANEL, panels += (k + 1) / 2 * PANEL)
        for (size_t half = 0; half < PANEL; half += GV) {
            size_t first = j + half < n ? j + half : n;
            pack_columns_block(n - first < GV ? n - first : GV, k, b + first, ld, panels + half, PANEL);
        }
}

static const apus_bf16_kernels bf16 = {
    .panel = PANEL,
    .group = GROUP,
    .lanes = GROUP_LANES,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .pack_group = pack_group,
    .multiply = multiply,
    .saturate = saturate,
};

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
