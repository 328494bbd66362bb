// Matrix products C (+)= A B in single precision.
//
// Both factors are packed beforehand: B into panels of `panel` columns, each [k][panel], with zeros after the last
// column; A into groups of up to `group` rows, each [k][lanes]. Each element of C is one chain of multiply-adds in
// ascending k that starts from C or from 0: neither the split into tiles nor the number of rows changes a bit of it.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct apus_gemm_kernels {
    size_t panel; // columns of B in a panel
    size_t group; // rows of C computed together
    size_t lanes; // distance from one k to the next in a packed group of rows, >= group

    /// Packs the n columns of B, times `scale`, from its transpose b = [n][k] with `ld` between rows.
    void (*pack_rows)(size_t n, size_t k, const float *b, size_t ld, float scale, float *panels);
    /// Packs the n columns of B, times `scale`, from b = [k][n] with `ld` between rows.
    void (*pack_columns)(size_t n, size_t k, const float *b, size_t ld, float scale, float *panels);
    /// Packs m <= group rows of A, which is a[m][k], or, when `transposed`, a[k][m], with `lda` between its rows.
    void (*pack_group)(size_t m, size_t k, const float *a, size_t lda, int transposed, float *group);
    /// C[m][n] = A B, or += when `accumulate`, for one packed group of m rows. The panels have `depth` >= k rows, of
    /// which the first k are used.
    void (*multiply)(size_t m, size_t n, size_t k, const float *group, const float *panels, size_t depth, float *c,
                     size_t ldc, int accumulate);
    /// The same for any number of rows that are not packed; A as for `pack_group`.
    void (*tile)(size_t m, size_t n, size_t k, const float *a, size_t lda, int transposed, const float *panels,
                 size_t depth, float *c, size_t ldc, int accumulate);
    /// `steps` times group * panel multiply-adds, to measure the processor's peak. `factors` are `panel` floats, `sums`
    /// group * panel.
    void (*saturate)(size_t steps, const float *factors, float *sums);
} apus_gemm_kernels;

extern const apus_gemm_kernels apus_gemm_portable, apus_gemm_avx2, apus_gemm_avx512;

/// The same with both factors rounded to bfloat16 (to nearest even; denormal numbers count as zero) and sums in single
/// precision, two products per step: a unit is two consecutive elements of k, the first in the low half, and k and
/// depth count units.
typedef struct apus_bf16_kernels {
    size_t panel, group, lanes;

    /// Packs the n columns of B from its transpose b = [n][elements].
    void (*pack_rows)(size_t n, size_t elements, const float *b, size_t ld, uint32_t *panels);
    /// Packs the n columns of B, b[elements][n].
    void (*pack_columns)(size_t n, size_t elements, const float *b, size_t ld, uint32_t *panels);
    /// Packs m <= group rows of A, a[m][elements], or of its transpose a[elements][m].
    void (*pack_group)(size_t m, size_t elements, const float *a, size_t lda, int transposed, uint32_t *group);
    void (*multiply)(size_t m, size_t n, size_t k, const uint32_t *group, const uint32_t *panels, size_t depth,
                     float *c, size_t ldc, int accumulate);
    /// `steps` times group * panel pairs of multiply-adds.
    void (*saturate)(size_t steps, const uint32_t *factors, float *sums);
} apus_bf16_kernels;

/// The bfloat16 kernels for `isa`, or NULL if it or this processor has none.
const apus_bf16_kernels *apus_bf16_for(apus_isa isa);
