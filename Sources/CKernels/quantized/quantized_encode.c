// Rounding of weights to blocks, bit for bit as ggml's reference does it.
#include "half.h"
#include "quantized_layout.h"

/// The nearest integer in -127...127, halves away from zero. The largest number below 0.5 is added, because 0.5 itself
/// would lift the number just below 0.5 to 1.
static inline int8_t nearest_byte(float value) {
    value = value > -127 ? value : -127; // also for a NaN
    value = value < 127 ? value : 127;
    return (int8_t)(int32_t)(value + (value < 0 ? -0x1.fffffep-2f : 0x1.fffffep-2f));
}

void apus_quantize_q8_0(const float *x, size_t blocks, uint8_t *out) {
    for (size_t b = 0; b < blocks; b++, x += APUS_BLOCK, out += apus_block_bytes(APUS_Q8_0)) {
        // Bit patterns of magnitudes have the order of the numbers, with infinity and then NaN on top.
        uint32_t largest = 0;
        for (size_t i = 0; i < APUS_BLOCK; i++) {
            const uint32_t bits = apus_float_bits(x[i]) & 0x7FFFFFFFu;
            largest = bits > largest ? bits : largest;
        }
        const float scale = apus_float_from_bits(largest) / 127;
        const float inverse = scale > 0 ? 1 / scale : 0;
        const uint16_t half = largest < 0x7F800000u ? apus_float_to_half(scale) : 0x7E00;
        memcpy(out, &half, sizeof half);
        int8_t values[APUS_BLOCK];
        for (size_t i = 0; i < APUS_BLOCK; i++)
            values[i] = nearest_byte(x[i] * inverse);
        memcpy(out + sizeof half, values, sizeof values);
    }
}
