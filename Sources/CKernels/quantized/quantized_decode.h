// GGUF's block formats, read one block of 32 weights at a time (`ggml-common.h`, `ggml-quants.c`).
#pragma once

#include "apus_convert.h"
#include "half.h"
#include "quantized_layout.h"

/// 32 weights. Scales come first in `factor` and `steps`, minima second.
typedef struct decoded_block {
    uint8_t codes[APUS_BLOCK];
    uint16_t factor[2]; // fp16
    int8_t steps[2][2]; // of each part, multiplied with the factor; not used by formats without factors
} decoded_block;

APUS_INLINE uint16_t half_at(const uint8_t *bytes) {
    uint16_t half;
    memcpy(&half, bytes, sizeof half);
    return half;
}

/// Codes of four bits: weights 0...15 in the low halves, 16...31 in the high ones.
APUS_INLINE void split_nibbles(const uint8_t *bytes, uint8_t codes[APUS_BLOCK]) {
    for (int i = 0; i < 16; i++) {
        codes[i] = bytes[i] & 15;
        codes[16 + i] = bytes[i] >> 4;
    }
}

/// The formats of 32 weights: factors, then perhaps fifth bits, then the other bits.
APUS_INLINE void decode_small(apus_block_format format, const uint8_t *source, decoded_block *out) {
    const apus_block_traits traits = apus_traits[format];
    out->factor[0] = half_at(source);
    if (traits.has_minimum)
        out->factor[1] = half_at(source + 2);
    source += traits.has_minimum ? 4 : 2;
    if (traits.low_bits == 8) {
        for (int i = 0; i < APUS_BLOCK; i++)
            out->codes[i] = source[i] ^ 0x80;
        return;
    }
    split_nibbles(source + 4 * traits.high_bits, out->codes);
    for (int i = 0; traits.high_bits && i < APUS_BLOCK; i++)
        out->codes[i] |= (source[i / 8] >> i % 8 & 1) << 4;
}

/// Q2_K and Q3_K: fields of two bits, four blocks to 32 bytes.
APUS_INLINE void split_pairs(const uint8_t *bytes, size_t b, uint8_t codes[APUS_BLOCK]) {
    for (int i = 0; i < APUS_BLOCK; i++)
        codes[i] = bytes[32 * (b / 4) + (size_t)i] >> 2 * (b % 4) & 3;
}

/// 16 bytes of scale and minimum, 64 of codes, factors.
APUS_INLINE void decode_q2_k(const uint8_t *source, size_t b, decoded_block *out) {
    split_pairs(source + 16, b, out->codes);
    for (size_t part = 0; part < 2; part++) {
        out->steps[0][part] = source[2 * b + part] & 15;
        out->steps[1][part] = (int8_t)(source[2 * b + part] >> 4);
    }
    out->factor[0] = half_at(source + 80);
    out->factor[1] = half_at(source + 82) ^ 0x8000; // the minimum is subtracted
}

/// 32 bytes of third bits, 64 of the others, 12 of scales, factor.
APUS_INLINE void decode_q3_k(const uint8_t *source, size_t b, decoded_block *out) {
    split_pairs(source + 32, b, out->codes);
    for (int i = 0; i < APUS_BLOCK; i++)
        out->codes[i] |= (source[i] >> b & 1) << 2;
    const uint8_t *scales = source + 96;
    for (size_t part = 0; part < 2; part++) {
        const size_t k = 2 * b + part;
        const int low = k < 8 ? scales[k] & 15 : scales[k - 8] >> 4;
        out->steps[0][part] = (int8_t)((low | (scales[8 + k % 4] >> 2 * (k / 4) & 3) << 4) - 32);
    }
    out->factor[0] = half_at(source + 108);
}

/// Q4_K and Q5_K: factors, 12 bytes of scales and minima of six bits, perhaps 32 of fifth bits, 128 of the others.
APUS_INLINE void decode_q45_k(apus_block_format format, const uint8_t *source, size_t b, decoded_block *out) {
    const uint8_t *scales = source + 4, *fifth = source + 16;
    const uint8_t *nibbles = fifth + (format == APUS_Q5_K ? 32 : 0) + 32 * (b / 2);
    for (int i = 0; i < APUS_BLOCK; i++)
        out->codes[i] = (nibbles[i] >> 4 * (b % 2) & 15) | (format == APUS_Q5_K ? (fifth[i] >> b & 1) << 4 : 0);
    if (b < 4) {
        out->steps[0][0] = scales[b] & 63;
        out->steps[1][0] = scales[b + 4] & 63;
    } else {
        out->steps[0][0] = (int8_t)((scales[b + 4] & 15) | scales[b - 4] >> 6 << 4);
        out->steps[1][0] = (int8_t)(scales[b + 4] >> 4 | scales[b] >> 6 << 4);
    }
    out->factor[0] = half_at(source);
    out->factor[1] = half_at(source + 2) ^ 0x8000; // the minimum is subtracted
}

/// 128 bytes of the lower four bits, 64 of the upper two, 16 signed scales, factor.
APUS_INLINE void decode_q6_k(const uint8_t *source, size_t b, decoded_block *out) {
    const uint8_t *low = source + 64 * (b / 4) + 32 * (b % 2), *high = source + 128 + 32 * (b / 4);
    for (int i = 0; i < APUS_BLOCK; i++)
        out->codes[i] = (low[i] >> 4 * (b / 2 % 2) & 15) | (high[i] >> 2 * (b % 4) & 3) << 4;
    memcpy(out->steps[0], source + 192 + 2 * b, 2);
    out->factor[0] = half_at(source + 208);
}

/// Factor, upper two bits of the scales, lower four bits, 128 bytes of indices.
APUS_INLINE void decode_iq4_xs(const uint8_t *source, size_t b, decoded_block *out) {
    split_nibbles(source + 8 + 16 * b, out->codes);
    const int low = source[4 + b / 2] >> 4 * (b % 2) & 15;
    out->steps[0][0] = (int8_t)((low | (half_at(source + 2) >> 2 * b & 3) << 4) - 32);
    out->factor[0] = half_at(source);
}

/// Reads block `b` of 32 weights of a GGUF block.
APUS_INLINE void decode_block(apus_block_format format, const uint8_t *source, size_t b, decoded_block *out) {
    switch (format) {
    case APUS_Q4_0:
    case APUS_Q4_1:
    case APUS_Q5_0:
    case APUS_Q5_1:
    case APUS_Q8_0:
    case APUS_IQ4_NL:
        decode_small(format, source, out);
        break;
    case APUS_Q2_K:
        decode_q2_k(source, b, out);
        break;
    case APUS_Q3_K:
        decode_q3_k(source, b, out);
        break;
    case APUS_Q4_K:
    case APUS_Q5_K:
        decode_q45_k(format, source, b, out);
        break;
    case APUS_Q6_K:
        decode_q6_k(source, b, out);
        break;
    case APUS_IQ4_XS:
        decode_iq4_xs(source, b, out);
        break;
    }
}

/// The scale or minimum of a part. The product is exact.
APUS_INLINE float block_factor(apus_block_format format, const decoded_block *block, int kind, int part) {
    const float factor = apus_half_to_float(block->factor[kind]);
    return apus_has_factors(format) ? factor * (float)block->steps[kind][part] : factor;
}

/// The weights in fp32. Only the addition of the minimum rounds.
APUS_INLINE void block_floats(apus_block_format format, const decoded_block *block, float out[APUS_BLOCK]) {
    const apus_block_traits traits = apus_traits[format];
    for (int part = 0; part < traits.parts; part++) {
        const float scale = block_factor(format, block, 0, part);
        const float minimum = traits.has_minimum ? block_factor(format, block, 1, part) : 0;
        for (int i = part * 16; i < (traits.parts == 1 ? APUS_BLOCK : part * 16 + 16); i++) {
            const int code = traits.is_indexed ? apus_index_values[block->codes[i]] : block->codes[i];
            const float weight = scale * (float)(code - traits.zero_point);
            out[i] = traits.has_minimum ? weight + minimum : weight;
        }
    }
}
