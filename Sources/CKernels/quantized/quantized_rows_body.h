// Quantisation of activations; compiled once per instruction set, inside its `target` attribute.
//
// Plain C for the compiler to vectorise. Every step is exactly rounded, so that all instruction sets agree.
#include "half.h"
#include "quantized_layout.h"

// Below this, 127 / largest overflows; such a block counts as zero.
#define SMALLEST_LARGEST 0x1p-100f
// Adding this rounds to an integer: the mantissa has no bits left for a fraction.
#define ROUNDER 0x1.8p23f

static inline void quantize_block(const float *x, size_t row, apus_activation_block *out) {
    // Bit patterns of magnitudes have the order of the numbers, with infinity and then NaN on top.
    uint32_t largest_bits = 0;
    for (size_t i = 0; i < APUS_BLOCK; i++) {
        const uint32_t bits = apus_float_bits(x[i]) & 0x7FFFFFFFu;
        largest_bits = bits > largest_bits ? bits : largest_bits;
    }
    const float largest = apus_float_from_bits(largest_bits);
    const int is_zero = largest < SMALLEST_LARGEST;
    const float inverse = is_zero ? 0 : 127 / largest;
    int8_t *values = out->values[row];
    int32_t sum = 0, first_sum = 0;
    for (size_t i = 0; i < APUS_BLOCK; i++) {
        float scaled = x[i] * inverse;          // rounds to at most 127
        scaled = scaled > -127 ? scaled : -127; // also for a NaN
        const int32_t value = (int32_t)(apus_float_bits(scaled + ROUNDER) - apus_float_bits(ROUNDER));
        values[i] = (int8_t)value;
        sum += value;
        first_sum += i < APUS_BLOCK / 2 ? value : 0;
    }
    const float scale = is_zero ? 0 : largest / 127;
    out->scale[row] = scale;
    out->scaled_sum[row] = scale * (float)sum;
    out->negative_sum[row] = (int16_t)-sum;
    out->negative_first_sum[row] = (int16_t)-first_sum;
}

static void quantize_rows(const float *x, size_t stride, size_t rows, size_t blocks, apus_activation_block *tile) {
    for (size_t row = 0; row < rows; row++)
        for (size_t b = 0; b < blocks; b++)
            quantize_block(x + row * stride + b * APUS_BLOCK, row, tile + b);
}
