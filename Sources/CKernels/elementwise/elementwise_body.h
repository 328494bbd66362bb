// The elementwise kernels in 16-lane vectors; compiled once per instruction set by the including files, which define
// APUS_TABLE, the name of the table.
#include "CKernels.h"
#include "vector.h"

static void add(size_t n, float *x, const float *y, float scale) {
    for (size_t i = 0; i < n; i += LANES)
        store_some(x + i, n - i, fma_v(splat(scale), load_some(y + i, n - i, 0), load_some(x + i, n - i, 0)));
}

static void scale(size_t n, float *x, float factor) {
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

static void multiply(size_t n, float *x, const float *y) {
    for (size_t i = 0; i < n; i++)
        x[i] *= y[i];
}

static void add_bias(size_t rows, size_t columns, float *x, const float *bias) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            x[r * columns + i] += bias[i];
}

static void column_sums(size_t rows, size_t columns, size_t from, size_t to, const float *x, float *sums) {
    for (size_t i = from; i < to; i += LANES) {
        vf sum = splat(0);
        for (size_t r = 0; r < rows; r++)
            sum += load_some(x + r * columns + i, to - i, 0);
        store_some(sums + i, to - i, sum);
    }
}

INLINE float dot(size_t n, const float *a, const float *b) {
    vf sum = splat(0);
    for (size_t i = 0; i < n; i += LANES)
        sum = fma_v(load_some(a + i, n - i, 0), load_some(b + i, n - i, 0), sum);
    return sum_lanes(sum);
}

static float squared_norm(size_t n, const float *x) { return dot(n, x, x); }

static void row_dots(size_t rows, size_t columns, const float *a, size_t lda, const float *b, size_t ldb,
                     float *result) {
    for (size_t r = 0; r < rows; r++)
        result[r] = dot(columns, a + r * lda, b + r * ldb);
}

static void rms_norm(size_t rows, size_t columns, const float *x, const float *weight, float epsilon, float *y) {
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        float inverse = 1.0f / sqrtf(dot(columns, x, x) / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++)
            y[i] = x[i] * inverse * weight[i];
    }
}

// With n = x * inverse and g = dy * weight: dx = inverse * (g - n * mean(g * n)).
static void rms_norm_backward(size_t rows, size_t columns, const float *x, const float *weight, float epsilon,
                              const float *dy, float *dx, float *inverses) {
    for (size_t r = 0; r < rows; r++, x += columns, dy += columns, dx += columns) {
        float inverse = 1.0f / sqrtf(dot(columns, x, x) / (float)columns + epsilon);
        vf sum = splat(0);
        for (size_t i = 0; i < columns; i += LANES) {
            size_t n = columns - i;
            sum = fma_v(load_some(dy + i, n, 0) * load_some(weight + i, n, 0), load_some(x + i, n, 0), sum);
        }
        float shrink = sum_lanes(sum) / (float)columns * inverse * inverse;
        for (size_t i = 0; i < columns; i++)
            dx[i] = inverse * (dy[i] * weight[i] - x[i] * shrink);
        inverses[r] = inverse;
    }
}

static void rms_norm_weight_gradient(size_t rows, size_t columns, size_t from, size_t to, const float *x,
                                     const float *inverse, const float *dy, float *dweight) {
    for (size_t i = from; i < to; i += LANES) {
        vf sum = splat(0);
        for (size_t r = 0; r < rows; r++) {
            size_t at = r * columns + i;
            sum = fma_v(load_some(x + at, to - i, 0) * splat(inverse[r]), load_some(dy + at, to - i, 0), sum);
        }
        store_some(dweight + i, to - i, sum);
    }
}

INLINE float row_mean(size_t columns, const float *x) {
    vf sum = splat(0);
    for (size_t i = 0; i < columns; i += LANES)
        sum += load_some(x + i, columns - i, 0);
    return sum_lanes(sum) / (float)columns;
}

INLINE float inverse_deviation(size_t columns, const float *x, float mean, float epsilon) {
    vf sum = splat(0);
    for (size_t i = 0; i < columns; i += LANES) {
        vf centred = load_some(x + i, columns - i, mean) - splat(mean);
        sum = fma_v(centred, centred, sum);
    }
    return 1.0f / sqrtf(sum_lanes(sum) / (float)columns + epsilon);
}

static void layer_norm(size_t rows, size_t columns, const float *x, const float *weight, const float *bias,
                       float epsilon, float *y) {
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        float mean = row_mean(columns, x);
        float inverse = inverse_deviation(columns, x, mean, epsilon);
        for (size_t i = 0; i < columns; i++)
            y[i] = (x[i] - mean) * inverse * weight[i] + bias[i];
    }
}

// With n = (x - mean) * inverse and g = dy * weight: dx = inverse * (g - mean(g) - n * mean(g * n)).
static void layer_norm_backward(size_t rows, size_t columns, const float *x, const float *weight, float epsilon,
                                const float *dy, float *dx, float *means, float *inverses) {
    for (size_t r = 0; r < rows; r++, x += columns, dy += columns, dx += columns) {
        float mean = row_mean(columns, x);
        float inverse = inverse_deviation(columns, x, mean, epsilon);
        vf sum = splat(0), product = splat(0);
        for (size_t i = 0; i < columns; i += LANES) {
            size_t n = columns - i;
            vf g = load_some(dy + i, n, 0) * load_some(weight + i, n, 0);
            sum += g;
            product = fma_v(g, load_some(x + i, n, mean) - splat(mean), product);
        }
        float g_mean = sum_lanes(sum) / (float)columns;
        float shrink = sum_lanes(product) / (float)columns * inverse * inverse;
        for (size_t i = 0; i < columns; i++)
            dx[i] = inverse * (dy[i] * weight[i] - g_mean - (x[i] - mean) * shrink);
        means[r] = mean;
        inverses[r] = inverse;
    }
}

static void layer_norm_weight_gradient(size_t rows, size_t columns, size_t from, size_t to, const float *x,
                                       const float *mean, const float *inverse, const float *dy, float *dweight) {
    for (size_t i = from; i < to; i += LANES) {
        vf sum = splat(0);
        for (size_t r = 0; r < rows; r++) {
            size_t at = r * columns + i;
            vf normal = (load_some(x + at, to - i, 0) - splat(mean[r])) * splat(inverse[r]);
            sum = fma_v(normal, load_some(dy + at, to - i, 0), sum);
        }
        store_some(dweight + i, to - i, sum);
    }
}

static void swiglu(size_t rows, size_t columns, const float *gate_up, float *y) {
    for (size_t r = 0; r < rows; r++, gate_up += 2 * columns, y += columns)
        for (size_t i = 0; i < columns; i += LANES) {
            size_t n = columns - i;
            vf gate = load_some(gate_up + i, n, 0);
            store_some(y + i, n, gate * sigmoid_v(gate) * load_some(gate_up + columns + i, n, 0));
        }
}

static void swiglu_backward(size_t rows, size_t columns, const float *gate_up, const float *dy, float *dgate_up) {
    for (size_t r = 0; r < rows; r++, gate_up += 2 * columns, dgate_up += 2 * columns, dy += columns)
        for (size_t i = 0; i < columns; i += LANES) {
            size_t n = columns - i;
            vf gate = load_some(gate_up + i, n, 0), up = load_some(gate_up + columns + i, n, 0);
            vf d = load_some(dy + i, n, 0), s = sigmoid_v(gate);
            store_some(dgate_up + i, n, d * up * s * (splat(1) + gate * (splat(1) - s)));
            store_some(dgate_up + columns + i, n, d * gate * s);
        }
}

// 0.5 x (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): the second form loses no digits near 0.
#define GELU_LINEAR 1.5957691216057308f // 2 sqrt(2/pi)
#define GELU_CUBIC 0.044715f

static void gelu(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i += LANES) {
        vf v = load_some(x + i, n - i, 0);
        vf twice = splat(GELU_LINEAR) * fma_v(v * v * v, splat(GELU_CUBIC), v);
        store_some(y + i, n - i, v * sigmoid_v(twice));
    }
}

static void gelu_backward(size_t n, const float *x, const float *dy, float *dx) {
    for (size_t i = 0; i < n; i += LANES) {
        vf v = load_some(x + i, n - i, 0);
        vf s = sigmoid_v(splat(GELU_LINEAR) * fma_v(v * v * v, splat(GELU_CUBIC), v));
        vf slope = splat(GELU_LINEAR) * fma_v(v * v, splat(3 * GELU_CUBIC), splat(1));
        store_some(dx + i, n - i, load_some(dy + i, n - i, 0) * fma_v(v * s * (splat(1) - s), slope, s));
    }
}

static void rotate(size_t rows, size_t heads, size_t half, float *x, size_t ld, const float *cosines,
                   const float *sines, float direction) {
    for (size_t r = 0; r < rows; r++)
        for (size_t h = 0; h < heads; h++) {
            float *low = x + r * ld + h * 2 * half, *high = low + half;
            for (size_t i = 0; i < half; i++) {
                float c = cosines[r * half + i], s = direction * sines[r * half + i];
                float a = low[i], b = high[i];
                low[i] = a * c - b * s;
                high[i] = b * c + a * s;
            }
        }
}

INLINE float row_max(size_t n, const float *x) {
    vf largest = splat(-INFINITY);
    for (size_t i = 0; i < n; i += LANES)
        largest = max_v(load_some(x + i, n - i, -INFINITY), largest);
    return max_lanes(largest);
}

/// x = exp(x - largest); returns the sum.
INLINE float exponentials(size_t n, float *x, float largest) {
    vf sum = splat(0);
    for (size_t i = 0; i < n; i += LANES) {
        vf e = exp_v(load_some(x + i, n - i, -INFINITY) - splat(largest));
        store_some(x + i, n - i, e);
        sum += e;
    }
    return sum_lanes(sum);
}

static void softmax(size_t rows, size_t columns, float *x) {
    for (size_t r = 0; r < rows; r++, x += columns)
        scale(columns, x, 1.0f / exponentials(columns, x, row_max(columns, x)));
}

static void softmax_backward(size_t rows, size_t columns, const float *y, const float *dy, float *dx) {
    for (size_t r = 0; r < rows; r++, y += columns, dy += columns, dx += columns) {
        float mean = dot(columns, y, dy);
        for (size_t i = 0; i < columns; i++)
            dx[i] = y[i] * (dy[i] - mean);
    }
}

// With z = factor * x, m its maximum and p its softmax: entropy = log(sum(exp(z - m))) - sum(p * (z - m)).
static void log_sum_exp(size_t rows, size_t columns, const float *x, float factor, float *result, float *entropy) {
    for (size_t r = 0; r < rows; r++, x += columns) {
        float largest = factor * row_max(columns, x);
        vf sum = splat(0), weighted = splat(0);
        for (size_t i = 0; i < columns; i += LANES) {
            vf z = fma_v(load_some(x + i, columns - i, -1e30f), splat(factor), splat(-largest));
            vf e = exp_v(z);
            sum += e;
            weighted = fma_v(e, z, weighted);
        }
        float total = sum_lanes(sum), logarithm = logf(total);
        result[r] = largest + logarithm;
        entropy[r] = logarithm - sum_lanes(weighted) / total;
    }
}

static void scaled_softmax(size_t rows, size_t columns, float *x, float factor, const float *normalizer,
                           const float *coefficients) {
    for (size_t r = 0; r < rows; r++, x += columns)
        for (size_t i = 0; i < columns; i += LANES) {
            vf z = fma_v(load_some(x + i, columns - i, 0), splat(factor), splat(-normalizer[r]));
            store_some(x + i, columns - i, splat(coefficients[r]) * exp_v(z));
        }
}

static void adamw(size_t n, float *parameters, const float *gradients, float *moment1, float *moment2,
                  apus_adamw_step step) {
    float decay = 1.0f - step.learning_rate * step.weight_decay;
    float rate = step.learning_rate / step.correction1, root = 1.0f / sqrtf(step.correction2);
    for (size_t i = 0; i < n; i++) {
        float g = gradients[i] * step.gradient_scale;
        float m = moment1[i] + (1.0f - step.beta1) * (g - moment1[i]);
        float v = step.beta2 * moment2[i] + (1.0f - step.beta2) * (g * g);
        moment1[i] = m;
        moment2[i] = v;
        parameters[i] = parameters[i] * decay - rate * m / (sqrtf(v) * root + step.epsilon);
    }
}

static void attention_softmax(size_t rows, size_t columns, float *scores, size_t ld, const int32_t *visible,
                              float *normalizer, size_t normalizer_ld) {
    for (size_t r = 0; r < rows; r++, scores += ld) {
        size_t n = (size_t)visible[r];
        float largest = row_max(n, scores);
        float sum = exponentials(n, scores, largest);
        scale(n, scores, 1.0f / sum);
        for (size_t i = n; i < columns; i++)
            scores[i] = 0;
        normalizer[r * normalizer_ld] = largest + logf(sum);
    }
}

static void attention_probabilities(size_t rows, size_t columns, float *scores, size_t ld, const int32_t *visible,
                                    const float *normalizer, size_t normalizer_ld) {
    for (size_t r = 0; r < rows; r++, scores += ld) {
        size_t n = (size_t)visible[r];
        exponentials(n, scores, normalizer[r * normalizer_ld]);
        for (size_t i = n; i < columns; i++)
            scores[i] = 0;
    }
}

static void attention_score_gradient(size_t rows, size_t columns, const float *p, float *dp, size_t ld,
                                     const float *delta, float factor) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            dp[r * ld + i] = p[r * ld + i] * (dp[r * ld + i] - delta[r]) * factor;
}

const apus_elementwise_kernels APUS_TABLE = {
    .add = add,
    .scale = scale,
    .multiply = multiply,
    .add_bias = add_bias,
    .column_sums = column_sums,
    .squared_norm = squared_norm,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .rms_norm_weight_gradient = rms_norm_weight_gradient,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .layer_norm_weight_gradient = layer_norm_weight_gradient,
    .swiglu = swiglu,
    .swiglu_backward = swiglu_backward,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .rotate = rotate,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .log_sum_exp = log_sum_exp,
    .scaled_softmax = scaled_softmax,
    .adamw = adamw,
    .attention_softmax = attention_softmax,
    .attention_probabilities = attention_probabilities,
    .attention_score_gradient = attention_score_gradient,
    .row_dots = row_dots,
};
