// Tiles of a matrix product over packed panels, in vectors of GV sums.
//
// Its includers define the arithmetic: `unit`, which holds UNIT consecutive elements of k; `multiply_add`; `copy_rows`
// and, with APUS_COLUMNS, `copy_columns`, which bring some rows of A next to each other; and GROUP, the rows whose sums
// fit in registers: a tile is GROUP rows by two vectors.
#pragma once

/// c[m][nv * GV] (+)= A B with A's element (i, kk) at a[i * ai + kk * ak]; m, nv, ai and ak are constants.
INLINE void micro(size_t m, size_t nv, size_t ai, size_t ak, size_t k, const unit *a, const unit *b, float *c,
                  size_t ldc, int accumulate) {
    gv sums[GROUP][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < nv; v++)
            sums[i][v] = accumulate ? load_g(c + i * ldc + v * GV) : (gv){0};
    for (size_t kk = 0; kk < k; kk++) {
        const unit *row = b + kk * PANEL;
#pragma clang loop unroll(full)
        for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
            for (size_t v = 0; v < nv; v++)
                sums[i][v] = multiply_add(a[i * ai + kk * ak], row + v * GV, sums[i][v]);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < nv; v++)
            store_g(c + i * ldc + v * GV, sums[i][v]);
}

typedef void micro_kernel(size_t k, const unit *a, const unit *b, float *c, size_t ldc, int accumulate);

#define MICRO(name, m, nv, ai, ak)                                                                                     \
    static void name(size_t k, const unit *a, const unit *b, float *c, size_t ldc, int accumulate) {                   \
        micro(m, nv, ai, ak, k, a, b, c, ldc, accumulate);                                                             \
    }
#define MICRO_ROWS(m)                                                                                                  \
    MICRO(rows_narrow_##m, m, 1, ROW_STEP, 1)                                                                          \
    MICRO(rows_wide_##m, m, 2, ROW_STEP, 1)
#define ENTRY_ROWS(m) {rows_narrow_##m, rows_wide_##m},

#if GROUP == 14
#define FOR_EACH_GROUP(f) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14)
#else
#define FOR_EACH_GROUP(f) f(1) f(2) f(3) f(4) f(5) f(6)
#endif

FOR_EACH_GROUP(MICRO_ROWS)

// [rows - 1][wide]
static micro_kernel *const row_kernels[GROUP][2] = {FOR_EACH_GROUP(ENTRY_ROWS)};

#ifdef APUS_COLUMNS
// With a constant number of columns a copy is a few moves.
#define MICRO_COLUMNS(m)                                                                                               \
    MICRO(columns_narrow_##m, m, 1, 1, COLUMN_STEP)                                                                    \
    MICRO(columns_wide_##m, m, 2, 1, COLUMN_STEP)                                                                      \
    static void copy_columns_##m(size_t k, const float *a, size_t lda, unit *group) {                                  \
        copy_columns(m, k, a, lda, group);                                                                             \
    }
#define ENTRY_COLUMNS(m) {columns_narrow_##m, columns_wide_##m},
#define ENTRY_COPY(m) copy_columns_##m,

FOR_EACH_GROUP(MICRO_COLUMNS)

static micro_kernel *const column_kernels[GROUP][2] = {FOR_EACH_GROUP(ENTRY_COLUMNS)};
static void (*const column_copies[GROUP])(size_t k, const float *a, size_t lda,
                                          unit *group) = {FOR_EACH_GROUP(ENTRY_COPY)};
#endif

/// Copies the elements k0..<k0 + k of m rows of A, the first of them `first`, and returns the kernels that read the
/// copy.
INLINE micro_kernel *const *copy_group(size_t m, size_t first, size_t k0, size_t k, const float *a, size_t lda,
                                       int transposed, unit *group) {
#ifdef APUS_COLUMNS
    if (transposed) {
        column_copies[m - 1](k, a + k0 * lda + first, lda, group);
        return column_kernels[m - 1];
    }
#endif
    copy_rows(m, k, a + first * lda + k0, lda, group);
    return row_kernels[m - 1];
}

/// Fewer columns than a kernel writes go through a full tile beside C.
static void edge(micro_kernel *kernel, size_t m, size_t n, size_t k, const unit *a, const unit *b, float *c, size_t ldc,
                 int accumulate) {
    float full[GROUP * PANEL] __attribute__((aligned(64)));
    if (accumulate)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < PANEL; j++)
                full[i * PANEL + j] = j < n ? c[i * ldc + j] : 0;
    kernel(k, a, b, full, PANEL, accumulate);
    for (size_t i = 0; i < m; i++)
        memcpy(c + i * ldc, full + i * PANEL, n * sizeof(float));
}

/// C (+)= A B as `apus_gemm_kernels.tile` says.
static void tile(size_t m, size_t n, size_t k, const float *a, size_t lda, int transposed, const unit *panels,
                 size_t depth, float *c, size_t ldc, int accumulate) {
    unit group[DEPTH * COLUMN_STEP > GROUP * ROW_STEP ? DEPTH * COLUMN_STEP : GROUP * ROW_STEP]
        __attribute__((aligned(64)));
    size_t groups = (m + GROUP - 1) / GROUP, panel_units = (depth + UNIT - 1) / UNIT;
    for (size_t k0 = 0; k0 < k || k0 == 0; k0 += DEPTH * UNIT) {
        size_t part = k - k0 < DEPTH * UNIT ? k - k0 : DEPTH * UNIT, units = (part + UNIT - 1) / UNIT;
        for (size_t g = 0; g < groups; g++) {
            // Groups of nearly equal size: a last group of one row would leave the arithmetic units idle.
            size_t first = m * g / groups, count = m * (g + 1) / groups - first;
            micro_kernel *const *kernels = copy_group(count, first, k0, part, a, lda, transposed, group);
            for (size_t j = 0; j < n; j += PANEL) {
                size_t width = n - j < PANEL ? n - j : PANEL;
                micro_kernel *kernel = kernels[width > GV];
                const unit *b = panels + j * panel_units + k0 / UNIT * PANEL;
                float *target = c + first * ldc + j;
                if (width == PANEL || width == GV)
                    kernel(units, group, b, target, ldc, accumulate || k0 > 0);
                else
                    edge(kernel, count, width, units, group, b, target, ldc, accumulate || k0 > 0);
            }
        }
    }
}
