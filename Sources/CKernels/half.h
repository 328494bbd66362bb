// Half precision in plain C, for processors without conversion instructions and for code that is not hot.
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint32_t apus_float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float apus_float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// The fp32 number that a half stands for. Normal numbers get their exponent by a multiplication with 2^-112, which
/// also handles infinities and NaNs. For subnormal numbers the mantissa is put below 0.5, and then 0.5 is subtracted.
static inline float apus_half_to_float(uint16_t half) {
    const uint32_t word = (uint32_t)half << 16;
    const uint32_t twice = word + word;
    const float normal = apus_float_from_bits((twice >> 4) + (0xE0u << 23)) * 0x1.0p-112f;
    const float subnormal = apus_float_from_bits((twice >> 17) | (126u << 23)) - 0.5f;
    const uint32_t magnitude = apus_float_bits(twice < (1u << 27) ? subnormal : normal);
    return apus_float_from_bits((word & 0x80000000u) | magnitude);
}

/// The nearest half, ties to even; too large numbers become infinite. The additions round: they push out the bits that
/// do not fit a half.
static inline uint16_t apus_float_to_half(float value) {
    const uint32_t word = apus_float_bits(value);
    const uint32_t twice = word + word;
    const float magnitude = apus_float_from_bits(word & 0x7FFFFFFFu);
    const float base = (magnitude * 0x1.0p+112f) * 0x1.0p-110f;
    uint32_t bias = twice & 0xFF000000u;
    if (bias < 0x71000000u)
        bias = 0x71000000u;
    const uint32_t bits = apus_float_bits(apus_float_from_bits((bias >> 1) + 0x07800000u) + base);
    const uint32_t rounded = ((bits >> 13) & 0x7C00u) + (bits & 0x0FFFu);
    return (uint16_t)((word >> 16 & 0x8000u) | (twice > 0xFF000000u ? 0x7E00u : rounded));
}
