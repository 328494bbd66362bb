// Elementwise operations, normalisations, losses and the optimiser, over contiguous rows of floats.
//
// `rows` and `columns` are extents of row-major matrices; `ld` is the distance between rows if it differs from
// `columns`. Sums run over sixteen lanes and then a fixed tree. A gradient that sums over rows adds them in ascending
// order and gets a range of columns, so that threads split columns and never a sum.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct apus_adamw_step {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
    float correction1, correction2; // 1 - beta^step
    float gradient_scale;           // multiplies the gradient first: global norm clipping
} apus_adamw_step;

typedef struct apus_elementwise_kernels {
    /// x += scale * y
    void (*add)(size_t n, float *x, const float *y, float scale);
    /// x *= scale
    void (*scale)(size_t n, float *x, float scale);
    /// x = x * y
    void (*multiply)(size_t n, float *x, const float *y);
    /// x[row] += bias
    void (*add_bias)(size_t rows, size_t columns, float *x, const float *bias);
    /// sums[column] = sum over rows of x[row][column], for the columns from..<to
    void (*column_sums)(size_t rows, size_t columns, size_t from, size_t to, const float *x, float *sums);
    /// The sum of squares.
    float (*squared_norm)(size_t n, const float *x);

    /// y = x * weight / sqrt(mean(x^2) + epsilon) in each row
    void (*rms_norm)(size_t rows, size_t columns, const float *x, const float *weight, float epsilon, float *y);
    /// dx from dy; inverse[row] receives 1 / sqrt(mean(x^2) + epsilon)
    void (*rms_norm_backward)(size_t rows, size_t columns, const float *x, const float *weight, float epsilon,
                              const float *dy, float *dx, float *inverse);
    /// dweight[column] = sum over rows of dy * x * inverse[row], for the columns from..<to
    void (*rms_norm_weight_gradient)(size_t rows, size_t columns, size_t from, size_t to, const float *x,
                                     const float *inverse, const float *dy, float *dweight);
    /// y = (x - mean) / sqrt(variance + epsilon) * weight + bias in each row
    void (*layer_norm)(size_t rows, size_t columns, const float *x, const float *weight, const float *bias,
                       float epsilon, float *y);
    /// dx from dy; mean[row] and inverse[row] receive the row's statistics
    void (*layer_norm_backward)(size_t rows, size_t columns, const float *x, const float *weight, float epsilon,
                                const float *dy, float *dx, float *mean, float *inverse);
    /// dweight[column] = sum over rows of dy * (x - mean[row]) * inverse[row], for the columns from..<to
    void (*layer_norm_weight_gradient)(size_t rows, size_t columns, size_t from, size_t to, const float *x,
                                       const float *mean, const float *inverse, const float *dy, float *dweight);

    /// y = silu(gate) * up, with gate_up = [rows][gate: columns, up: columns]
    void (*swiglu)(size_t rows, size_t columns, const float *gate_up, float *y);
    void (*swiglu_backward)(size_t rows, size_t columns, const float *gate_up, const float *dy, float *dgate_up);
    /// y = gelu(x), in the tanh form
    void (*gelu)(size_t n, const float *x, float *y);
    void (*gelu_backward)(size_t n, const float *x, const float *dy, float *dx);

    /// Rotates the pairs (i, i + half) of the first `heads` heads, each of 2 * half columns, in each row. The angles'
    /// cosines and sines are [rows][half]; `direction` is 1, or -1 for the inverse.
    void (*rotate)(size_t rows, size_t heads, size_t half, float *x, size_t ld, const float *cosines,
                   const float *sines, float direction);

    /// Replaces each row by its softmax.
    void (*softmax)(size_t rows, size_t columns, float *x);
    /// dx = y * (dy - sum(y * dy)) in each row, y the softmax
    void (*softmax_backward)(size_t rows, size_t columns, const float *y, const float *dy, float *dx);
    /// log(sum(exp(scale * x))) of each row, and the entropy of the softmax of scale * x
    void (*log_sum_exp)(size_t rows, size_t columns, const float *x, float scale, float *result, float *entropy);
    /// x[row] = coefficients[row] * softmax(scale * x)[row], `normalizer` from `log_sum_exp`
    void (*scaled_softmax)(size_t rows, size_t columns, float *x, float scale, const float *normalizer,
                           const float *coefficients);

    /// PyTorch's AdamW: decoupled weight decay, bias-corrected moments.
    void (*adamw)(size_t n, float *parameters, const float *gradients, float *moment1, float *moment2,
                  apus_adamw_step step);

    /// Attention scores to probabilities: in row r of `scores` the first visible[r] columns become exp(s - max) / sum,
    /// the others up to `columns` become 0. normalizer[r] = max + log(sum).
    void (*attention_softmax)(size_t rows, size_t columns, float *scores, size_t ld, const int32_t *visible,
                              float *normalizer, size_t normalizer_ld);
    /// The same probabilities from known normalizers: exp(s - normalizer[r]) in visible columns, 0 in the others.
    void (*attention_probabilities)(size_t rows, size_t columns, float *scores, size_t ld, const int32_t *visible,
                                    const float *normalizer, size_t normalizer_ld);
    /// dp = p * (dp - delta[r]) * scale
    void (*attention_score_gradient)(size_t rows, size_t columns, const float *p, float *dp, size_t ld,
                                     const float *delta, float scale);
    /// result[r] = sum over columns of a[r] * b[r]
    void (*row_dots)(size_t rows, size_t columns, const float *a, size_t lda, const float *b, size_t ldb,
                     float *result);
} apus_elementwise_kernels;

extern const apus_elementwise_kernels apus_elementwise_portable, apus_elementwise_avx2, apus_elementwise_avx512;
