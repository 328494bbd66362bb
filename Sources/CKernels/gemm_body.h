// The single precision matrix product; compiled once an instruction set by its includers, which define APUS_TABLE, GV
// (the floats of a vector), LOW and HIGH (the lanes of two vectors' halves, taken in turn), and GROUP.
#include "CKernels.h"
#include "gemm_vector.h"

#define UNIT 1
typedef float unit;

INLINE gv multiply_add(float a, const float *b, gv c) {
#ifdef APUS_FMA
    return __builtin_elementwise_fma(splat_g(a), load_g(b), c);
#else
    return splat_g(a) * load_g(b) + c;
#endif
}

INLINE void copy_rows(size_t m, size_t k, const float *a, size_t lda, float *group) {
    for (size_t i = 0; i < m; i++)
        memcpy(group + i * ROW_STEP, a + i * lda, k * sizeof(float));
}

#define APUS_COLUMNS
INLINE void copy_columns(size_t m, size_t k, const float *a, size_t lda, float *group) {
    for (size_t kk = 0; kk < k; kk++)
        memcpy(group + kk * COLUMN_STEP, a + kk * lda, m * sizeof(float));
}

#include "gemm_tile.h"

/// Turns GV rows of GV floats into columns: each round of taking the lanes of row i and row i + GV / 2 in turn moves
/// one bit of the row number into the lane number.
INLINE void transpose(gv rows[GV]) {
    gv turned[GV];
#pragma clang loop unroll(full)
    for (size_t round = 1; round < GV; round *= 2) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < GV / 2; i++) {
            turned[2 * i] = __builtin_shufflevector(rows[i], rows[i + GV / 2], LOW);
            turned[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + GV / 2], HIGH);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < GV; i++)
            rows[i] = turned[i];
    }
}

/// Packs GV columns of a panel from GV rows of length k.
static void pack_block(size_t k, const float *b, size_t ld, float scale, float *panel) {
    gv factor = splat_g(scale);
    size_t kk = 0;
    for (; kk + GV <= k; kk += GV) {
        gv rows[GV];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < GV; i++)
            rows[i] = load_g(b + i * ld + kk) * factor;
        transpose(rows);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < GV; i++)
            store_g(panel + (kk + i) * PANEL, rows[i]);
    }
    for (; kk < k; kk++)
        for (size_t i = 0; i < GV; i++)
            panel[kk * PANEL + i] = scale * b[i * ld + kk];
}

static void pack_rows(size_t n, size_t k, const float *b, size_t ld, float scale, float *panels) {
    for (size_t j = 0; j < n; j += PANEL, panels += k * PANEL)
        for (size_t half = 0; half < PANEL; half += GV) {
            if (j + half + GV <= n) {
                pack_block(k, b + (j + half) * ld, ld, scale, panels + half);
                continue;
            }
            for (size_t kk = 0; kk < k; kk++)
                for (size_t i = half; i < half + GV; i++)
                    panels[kk * PANEL + i] = j + i < n ? scale * b[(j + i) * ld + kk] : 0;
        }
}

static void pack_columns(size_t n, size_t k, const float *b, size_t ld, float scale, float *panels) {
    gv factor = splat_g(scale);
    for (size_t kk = 0; kk < k; kk++, b += ld)
        for (size_t j = 0; j < n; j += PANEL) {
            float *row = panels + j * k + kk * PANEL;
            if (j + PANEL <= n) {
                store_g(row, load_g(b + j) * factor);
                store_g(row + GV, load_g(b + j + GV) * factor);
                continue;
            }
            for (size_t i = 0; i < PANEL; i++)
                row[i] = j + i < n ? scale * b[j + i] : 0;
        }
}

const apus_gemm_kernels APUS_TABLE = {
    .panel = PANEL,
    .group = GROUP,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .tile = tile,
};
