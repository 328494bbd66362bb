// A packed group of rows times packed panels, in vectors of GV sums.
//
// The including files define the arithmetic: `unit`, one or more consecutive elements of k, and `multiply_add`; and
// GROUP, the number of rows whose sums fit in registers: a tile is GROUP rows by two vectors.
#pragma once

/// c[m][nv * GV] (+)= A B with A's element (i, kk) at a[kk * GROUP_LANES + i]; m and nv are constants.
INLINE void micro(size_t m, size_t nv, size_t k, const unit *a, const unit *b, float *c, size_t ldc, int accumulate) {
    gv sums[GROUP][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < nv; v++)
            sums[i][v] = accumulate ? load_g(c + i * ldc + v * GV) : (gv){0};
    for (size_t kk = 0; kk < k; kk++) {
        // One or two rows need the panels faster than memory delivers them without prefetching.
#pragma clang loop unroll(full)
        for (size_t v = 0; m <= 2 && v < nv; v++)
            __builtin_prefetch(b + kk * PANEL + v * GV + (16 << 10) / sizeof(unit), 0, 2);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
            for (size_t v = 0; v < nv; v++)
                sums[i][v] = multiply_add(a[kk * GROUP_LANES + i], b + kk * PANEL + v * GV, sums[i][v]);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < nv; v++)
            store_g(c + i * ldc + v * GV, sums[i][v]);
}

typedef void micro_kernel(size_t k, const unit *a, const unit *b, float *c, size_t ldc, int accumulate);

#define MICRO(name, m, nv)                                                                                             \
    static void name(size_t k, const unit *a, const unit *b, float *c, size_t ldc, int accumulate) {                   \
        micro(m, nv, k, a, b, c, ldc, accumulate);                                                                     \
    }
#define MICROS(m) MICRO(narrow_##m, m, 1) MICRO(wide_##m, m, 2)
#define ENTRY(m) {narrow_##m, wide_##m},

#if GROUP == 14
#define FOR_EACH_GROUP(f) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14)
#else
#define FOR_EACH_GROUP(f) f(1) f(2) f(3) f(4) f(5) f(6)
#endif

FOR_EACH_GROUP(MICROS)

// [rows - 1][wide]
static micro_kernel *const micro_kernels[GROUP][2] = {FOR_EACH_GROUP(ENTRY)};

/// Writes fewer columns than a kernel does, by way of a full tile beside C.
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

static void multiply(size_t m, size_t n, size_t k, const unit *group, const unit *panels, size_t depth, float *c,
                     size_t ldc, int accumulate) {
    for (size_t j = 0; j < n; j += PANEL) {
        size_t width = n - j < PANEL ? n - j : PANEL;
        micro_kernel *kernel = micro_kernels[m - 1][width > GV];
        if (width == PANEL || width == GV)
            kernel(k, group, panels + j * depth, c + j, ldc, accumulate);
        else
            edge(kernel, m, width, k, group, panels + j * depth, c + j, ldc, accumulate);
    }
}

/// `steps` times GROUP by PANEL multiply-adds whose sums stay in registers: the processor's peak. `factors` are GV
/// units, `sums` GROUP * PANEL floats.
static void saturate(size_t steps, const unit *factors, float *sums) {
    gv in_registers[GROUP][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < GROUP; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < 2; v++)
            in_registers[i][v] = load_g(sums + i * PANEL + v * GV);
    for (size_t step = 0; step < steps; step++) {
        // Hides that the factors stay the same, or the compiler would compute their product only once.
        __asm__ volatile("" : "+r"(factors));
#pragma clang loop unroll(full)
        for (size_t i = 0; i < GROUP; i++)
#pragma clang loop unroll(full)
            for (size_t v = 0; v < 2; v++)
                in_registers[i][v] = multiply_add(factors[0], factors, in_registers[i][v]);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < GROUP; i++)
#pragma clang loop unroll(full)
        for (size_t v = 0; v < 2; v++)
            store_g(sums + i * PANEL + v * GV, in_registers[i][v]);
}
