// The layout of a panel.
//
// A panel holds, in this order: the codes of each block of 32 inputs; the scales; the minima; in formats of 256 weights
// the fp16 factors of the scales and the fp16 factors of the minima.
//
// The bits of codes lie in planes: a low one of 2, 4 or 8 bits and perhaps a high one of 1 or 2 bits. A plane of n bits
// is n registers of [16 columns][4 inputs] bytes. Inputs 4 g ... 4 g + 3 are bits n * (g / n) and up of register g % n.
#pragma once

#include "apus_quantized.h"

#define APUS_INLINE static inline __attribute__((always_inline))

typedef struct apus_block_traits {
    uint16_t weights, bytes;     // of a GGUF block
    uint8_t low_bits, high_bits; // of the planes of a code
    uint8_t zero_point;          // the code, or the table's entry, that means zero
    uint8_t parts;               // scales for 32 weights
    uint8_t has_minimum;
    uint8_t is_indexed; // codes are indices into `apus_index_values`
} apus_block_traits;

static const apus_block_traits apus_traits[] = {
    [APUS_Q4_0] = {.weights = 32, .bytes = 18, .low_bits = 4, .zero_point = 8, .parts = 1},
    [APUS_Q4_1] = {.weights = 32, .bytes = 20, .low_bits = 4, .parts = 1, .has_minimum = 1},
    [APUS_Q5_0] = {.weights = 32, .bytes = 22, .low_bits = 4, .high_bits = 1, .zero_point = 16, .parts = 1},
    [APUS_Q5_1] = {.weights = 32, .bytes = 24, .low_bits = 4, .high_bits = 1, .parts = 1, .has_minimum = 1},
    [APUS_Q8_0] = {.weights = 32, .bytes = 34, .low_bits = 8, .zero_point = 128, .parts = 1},
    [APUS_IQ4_NL] = {.weights = 32, .bytes = 18, .low_bits = 4, .zero_point = 128, .parts = 1, .is_indexed = 1},
    [APUS_Q2_K] = {.weights = 256, .bytes = 84, .low_bits = 2, .parts = 2, .has_minimum = 1},
    [APUS_Q3_K] = {.weights = 256, .bytes = 110, .low_bits = 2, .high_bits = 1, .zero_point = 4, .parts = 2},
    [APUS_Q4_K] = {.weights = 256, .bytes = 144, .low_bits = 4, .parts = 1, .has_minimum = 1},
    [APUS_Q5_K] = {.weights = 256, .bytes = 176, .low_bits = 4, .high_bits = 1, .parts = 1, .has_minimum = 1},
    [APUS_Q6_K] = {.weights = 256, .bytes = 210, .low_bits = 4, .high_bits = 2, .zero_point = 32, .parts = 2},
    [APUS_IQ4_XS] = {.weights = 256, .bytes = 136, .low_bits = 4, .zero_point = 128, .parts = 1, .is_indexed = 1},
};

/// Writes `use` with each format, so that each can have code of its own.
#define APUS_EACH_FORMAT(use)                                                                                          \
    use(APUS_Q4_0) use(APUS_Q4_1) use(APUS_Q5_0) use(APUS_Q5_1) use(APUS_Q8_0) use(APUS_IQ4_NL) use(APUS_Q2_K)         \
        use(APUS_Q3_K) use(APUS_Q4_K) use(APUS_Q5_K) use(APUS_Q6_K) use(APUS_IQ4_XS)

/// The table of IQ4_NL and IQ4_XS, plus the zero point 128.
static const uint8_t apus_index_values[16] = {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241};

/// Bytes of the codes of 32 inputs.
APUS_INLINE size_t apus_panel_block_bytes(apus_block_format format) {
    return (size_t)(apus_traits[format].low_bits + apus_traits[format].high_bits) * APUS_PANEL_COLUMNS * 4;
}

/// Whether the scales are fp16 factors times small integers.
APUS_INLINE int apus_has_factors(apus_block_format format) { return apus_traits[format].weights > APUS_BLOCK; }

/// Bytes of the scales, or of the minima, of 32 inputs: int8[parts][16] beside factors, or else fp16[16].
APUS_INLINE size_t apus_panel_scale_bytes(apus_block_format format) {
    return APUS_PANEL_COLUMNS * (apus_has_factors(format) ? apus_traits[format].parts : sizeof(uint16_t));
}

/// Bytes of the factors of the scales, or of the minima: fp16[blocks / 8][16].
APUS_INLINE size_t apus_panel_factor_bytes(apus_block_format format, size_t blocks) {
    return apus_has_factors(format) ? blocks / 8 * APUS_PANEL_COLUMNS * sizeof(uint16_t) : 0;
}

APUS_INLINE size_t apus_packed_bytes(apus_block_format format, size_t blocks) {
    const size_t scales = blocks * apus_panel_scale_bytes(format) + apus_panel_factor_bytes(format, blocks);
    const size_t bytes = blocks * apus_panel_block_bytes(format) + scales * (1 + apus_traits[format].has_minimum);
    return (bytes + 63) / 64 * 64;
}

/// Where the parts of a panel begin.
typedef struct apus_panel_view {
    const uint8_t *codes, *scales, *minima, *scale_factors, *minimum_factors;
} apus_panel_view;

APUS_INLINE apus_panel_view apus_view_panel(apus_block_format format, const uint8_t *panel, size_t blocks) {
    apus_panel_view view = {.codes = panel};
    const size_t scales = blocks * apus_panel_scale_bytes(format), has_minimum = apus_traits[format].has_minimum;
    view.scales = panel + blocks * apus_panel_block_bytes(format);
    view.minima = view.scales + scales;
    view.scale_factors = view.minima + has_minimum * scales;
    view.minimum_factors = view.scale_factors + apus_panel_factor_bytes(format, blocks);
    return view;
}

/// The sum of a row's values that a part of a block is multiplied with, times -1.
APUS_INLINE int32_t apus_part_sum(apus_block_format format, const apus_activation_block *block, size_t row, int part) {
    if (apus_traits[format].parts == 1)
        return block->negative_sum[row];
    return part == 0 ? block->negative_first_sum[row] : block->negative_sum[row] - block->negative_first_sum[row];
}

/// That sum times the row's scale, without the sign.
APUS_INLINE float apus_part_scaled_sum(apus_block_format format, const apus_activation_block *block, size_t row,
                                       int part) {
    if (apus_traits[format].parts == 1)
        return block->scaled_sum[row];
    return block->scale[row] * (float)-apus_part_sum(format, block, row, part);
}

/// The groups of four inputs in the order in which kernels take them: the two that share a register of a plane of four
/// bits follow each other.
APUS_INLINE int apus_group(int index) { return index / 2 + index % 2 * 4; }

/// The distance at which a pass over few rows, which needs weights as fast as memory delivers them, prefetches.
#define APUS_STREAM_DISTANCE (16 << 10)

/// Prefetches `count` bytes into the second-level cache: only its queue is long enough to hide the memory's latency.
APUS_INLINE void apus_prefetch(const uint8_t *bytes, size_t count) {
    for (size_t line = 0; line < count; line += 64)
        __builtin_prefetch(bytes + line, 0, 2);
}

/// The bytes that such a pass prefetches for each block.
APUS_INLINE size_t apus_stream_step(apus_block_format format, size_t blocks) {
    return (apus_packed_bytes(format, blocks) + blocks - 1) / blocks;
}

/// Defines `multiply` of a table of kernels, which calls `multiply_panels` with a constant format.
#define APUS_DISPATCH_MULTIPLY                                                                                         \
    static void multiply(apus_block_format format, const uint8_t *panels, size_t blocks,                               \
                         const apus_activation_block *tiles, size_t rows, float *out, size_t stride, size_t columns) { \
        switch (format) { APUS_EACH_FORMAT(APUS_MULTIPLY_PANELS) }                                                     \
    }
#define APUS_MULTIPLY_PANELS(format)                                                                                   \
    case format:                                                                                                       \
        multiply_panels(format, panels, blocks, tiles, rows, out, stride, columns);                                    \
        break;
