// The matrix product in vectors of GV floats; compiled once an instruction set by its includers, which define
// APUS_TABLE, GV, and GROUP, the rows whose sums fit in registers: a tile is GROUP rows by two vectors.
#include "CKernels.h"
#include <string.h>

#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define PANEL (2 * GV)
#define DEPTH 512 // of k taken at once, so that A's rows stay in the first level cache

// Rows of A are copied to a fixed distance, so that one register addresses them all, and at odd multiples of a cache
// line, so that they do not displace each other.
#define ROW_STEP (DEPTH + 16)
#define COLUMN_STEP 16

typedef float gv __attribute__((vector_size(4 * GV)));
typedef float gv_unaligned __attribute__((vector_size(4 * GV), aligned(4)));

INLINE gv fma_g(float a, gv b, gv c) {
#ifdef APUS_FMA
    return __builtin_elementwise_fma((gv)(a - (gv){0}), b, c);
#else
    return a * b + c;
#endif
}

/// c[m][nv * GV] (+)= A B with A's element (i, kk) at a[i * ai + kk * ak]; m, nv, ai and ak are constants.
INLINE void micro(size_t m, size_t nv, size_t ai, size_t ak, size_t k, const float *a, const float *b, float *c,
                  size_t ldc, int accumulate) {
    gv sums[GROUP][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < nv; v++)
            sums[i][v] = accumulate ? *(const gv_unaligned *)(c + i * ldc + v * GV) : (gv){0};
    for (size_t kk = 0; kk < k; kk++) {
        const gv_unaligned *row = (const gv_unaligned *)(b + kk * PANEL);
        gv b0 = row[0], b1 = nv > 1 ? row[1] : (gv){0};
#pragma clang loop unroll(full)
        for (size_t i = 0; i < m; i++) {
            float factor = a[i * ai + kk * ak];
            sums[i][0] = fma_g(factor, b0, sums[i][0]);
            if (nv > 1)
                sums[i][1] = fma_g(factor, b1, sums[i][1]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < nv; v++)
            *(gv_unaligned *)(c + i * ldc + v * GV) = sums[i][v];
}

typedef void micro_kernel(size_t k, const float *a, const float *b, float *c, size_t ldc, int accumulate);

#define MICRO(m)                                                                                                       \
    static void rows_narrow_##m(size_t k, const float *a, const float *b, float *c, size_t ldc, int accumulate) {      \
        micro(m, 1, ROW_STEP, 1, k, a, b, c, ldc, accumulate);                                                         \
    }                                                                                                                  \
    static void rows_wide_##m(size_t k, const float *a, const float *b, float *c, size_t ldc, int accumulate) {        \
        micro(m, 2, ROW_STEP, 1, k, a, b, c, ldc, accumulate);                                                         \
    }                                                                                                                  \
    static void columns_narrow_##m(size_t k, const float *a, const float *b, float *c, size_t ldc, int accumulate) {   \
        micro(m, 1, 1, COLUMN_STEP, k, a, b, c, ldc, accumulate);                                                      \
    }                                                                                                                  \
    static void columns_wide_##m(size_t k, const float *a, const float *b, float *c, size_t ldc, int accumulate) {     \
        micro(m, 2, 1, COLUMN_STEP, k, a, b, c, ldc, accumulate);                                                      \
    }
#define ENTRY(m)                                                                                                       \
    {                                                                                                                  \
        {rows_narrow_##m, rows_wide_##m}, { columns_narrow_##m, columns_wide_##m }                                     \
    }

MICRO(1)
MICRO(2)
MICRO(3)
MICRO(4)
MICRO(5)
MICRO(6)
#if GROUP > 6
MICRO(7)
MICRO(8)
MICRO(9)
MICRO(10)
MICRO(11)
MICRO(12)
MICRO(13)
MICRO(14)
#endif

// [rows - 1][transposed][wide]
static micro_kernel *const kernels[GROUP][2][2] = {
    ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4),  ENTRY(5),  ENTRY(6),
#if GROUP > 6
    ENTRY(7), ENTRY(8), ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12), ENTRY(13), ENTRY(14),
#endif
};

INLINE void copy_group(size_t m, size_t k, const float *a, size_t lda, int transposed, float *group) {
    if (transposed)
        for (size_t kk = 0; kk < k; kk++)
            for (size_t i = 0; i < m; i++)
                group[kk * COLUMN_STEP + i] = a[kk * lda + i];
    else
        for (size_t i = 0; i < m; i++)
            memcpy(group + i * ROW_STEP, a + i * lda, k * sizeof(float));
}

/// One panel's columns n < PANEL go through a full tile beside C.
static void edge(micro_kernel *kernel, size_t m, size_t n, size_t k, const float *a, const float *b, float *c,
                 size_t ldc, int accumulate) {
    float full[GROUP * PANEL] __attribute__((aligned(64))) = {0};
    if (accumulate)
        for (size_t i = 0; i < m; i++)
            memcpy(full + i * PANEL, c + i * ldc, n * sizeof(float));
    kernel(k, a, b, full, PANEL, accumulate);
    for (size_t i = 0; i < m; i++)
        memcpy(c + i * ldc, full + i * PANEL, n * sizeof(float));
}

static void tile(size_t m, size_t n, size_t k, const float *a, size_t lda, int transposed, const float *panels,
                 size_t depth, float *c, size_t ldc, int accumulate) {
    float group[DEPTH * 16 > GROUP * ROW_STEP ? DEPTH * 16 : GROUP * ROW_STEP] __attribute__((aligned(64)));
    size_t groups = (m + GROUP - 1) / GROUP;
    for (size_t k0 = 0; k0 < k || k0 == 0; k0 += DEPTH) {
        size_t part = k - k0 < DEPTH ? k - k0 : DEPTH;
        for (size_t g = 0; g < groups; g++) {
            // Groups of nearly equal size: a last group of one row would leave the arithmetic units idle.
            size_t first = m * g / groups, count = m * (g + 1) / groups - first;
            copy_group(count, part, transposed ? a + k0 * lda + first : a + first * lda + k0, lda, transposed, group);
            for (size_t j = 0; j < n; j += PANEL) {
                size_t width = n - j < PANEL ? n - j : PANEL;
                micro_kernel *kernel = kernels[count - 1][transposed != 0][width > GV];
                const float *b = panels + j * depth + k0 * PANEL;
                float *target = c + first * ldc + j;
                if (width == PANEL || width == GV)
                    kernel(part, group, b, target, ldc, accumulate || k0 > 0);
                else
                    edge(kernel, count, width, part, group, b, target, ldc, accumulate || k0 > 0);
            }
        }
    }
}

static void pack_rows(size_t n, size_t k, const float *b, size_t ld, float scale, float *panels) {
    for (size_t j = 0; j < n; j += PANEL, panels += k * PANEL)
        for (size_t kk = 0; kk < k; kk++)
            for (size_t i = 0; i < PANEL; i++)
                panels[kk * PANEL + i] = j + i < n ? scale * b[(j + i) * ld + kk] : 0;
}

static void pack_columns(size_t n, size_t k, const float *b, size_t ld, float scale, float *panels) {
    for (size_t j = 0; j < n; j += PANEL, panels += k * PANEL)
        for (size_t kk = 0; kk < k; kk++)
            for (size_t i = 0; i < PANEL; i++)
                panels[kk * PANEL + i] = j + i < n ? scale * b[kk * ld + j + i] : 0;
}

const apus_gemm_kernels APUS_TABLE = {
    .panel = PANEL,
    .group = GROUP,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .tile = tile,
};
