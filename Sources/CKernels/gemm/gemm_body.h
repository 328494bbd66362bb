// The single precision matrix product; compiled once per instruction set by the including files, which define
// APUS_TABLE, GV (the floats of a vector), LOW and HIGH (the interleaved lanes of two vectors' halves), and GROUP.
#include "CKernels.h"
#include "gemm_vector.h"

typedef float unit;

INLINE gv multiply_add(float a, const float *b, gv c) {
#ifdef APUS_FMA
    return __builtin_elementwise_fma(splat_g(a), load_g(b), c);
#else
    return splat_g(a) * load_g(b) + c;
#endif
}

#include "gemm_tile.h"

/// group[k][GROUP_LANES] from a[m][k], up to GV rows at a time.
INLINE void pack_group_rows(size_t m, size_t k, const float *a, size_t lda, float *group) {
    for (size_t i = 0; i < m; i += GV, a += GV * lda, group += GV) {
        size_t count = m - i < GV ? m - i : GV, kk = 0;
        for (; kk + GV <= k; kk += GV) {
            gv rows[GV];
#pragma clang loop unroll(full)
            for (size_t r = 0; r < GV; r++)
                rows[r] = r < count ? load_g(a + r * lda + kk) : (gv){0};
            transpose(rows);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < GV; r++)
                store_g(group + (kk + r) * GROUP_LANES, rows[r]);
        }
        for (; kk < k; kk++)
            for (size_t r = 0; r < count; r++)
                group[kk * GROUP_LANES + r] = a[r * lda + kk];
    }
}

// With a constant number of columns, a copy takes a few moves.
#define COPY_COLUMNS(m)                                                                                                \
    static void copy_columns_##m(size_t k, const float *a, size_t lda, float *group) {                                 \
        for (size_t kk = 0; kk < k; kk++)                                                                              \
            memcpy(group + kk * GROUP_LANES, a + kk * lda, m * sizeof(float));                                         \
    }
#define ENTRY_COPY(m) copy_columns_##m,

FOR_EACH_GROUP(COPY_COLUMNS)

static void (*const column_copies[GROUP])(size_t k, const float *a, size_t lda,
                                          float *group) = {FOR_EACH_GROUP(ENTRY_COPY)};

static void pack_group(size_t m, size_t k, const float *a, size_t lda, int transposed, float *group) {
    if (transposed)
        column_copies[m - 1](k, a, lda, group);
    else
        pack_group_rows(m, k, a, lda, group);
}

#define DEPTH 512 // of k per pass, so that a group stays in the first-level cache

static void tile(size_t m, size_t n, size_t k, const float *a, size_t lda, int transposed, const float *panels,
                 size_t depth, float *c, size_t ldc, int accumulate) {
    float group[DEPTH * GROUP_LANES] __attribute__((aligned(64)));
    size_t groups = (m + GROUP - 1) / GROUP;
    for (size_t k0 = 0; k0 < k || k0 == 0; k0 += DEPTH) {
        size_t part = k - k0 < DEPTH ? k - k0 : DEPTH;
        for (size_t g = 0; g < groups; g++) {
            // Groups of nearly equal size: a last group of one row would leave the arithmetic units idle.
            size_t first = m * g / groups, count = m * (g + 1) / groups - first;
            const float *rows = transposed ? a + k0 * lda + first : a + first * lda + k0;
            pack_group(count, part, rows, lda, transposed, group);
            multiply(count, n, part, group, panels + k0 * PANEL, depth, c + first * ldc, ldc, accumulate || k0 > 0);
        }
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
    .lanes = GROUP_LANES,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .pack_group = pack_group,
    .multiply = multiply,
    .tile = tile,
    .saturate = saturate,
};
