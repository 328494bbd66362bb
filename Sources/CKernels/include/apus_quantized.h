// Products with weights in GGUF's block formats: 16 or 32 consecutive weights share a scale and perhaps a minimum.
//
// Weights are repacked into panels of 16 output columns, so that one register holds four consecutive inputs of all 16.
// Activations are quantised to 8 bits per block of 32. The integer dot product of weights with a common scale is exact;
// then one fp32 multiply-add applies the scales and, in formats with minima, a second one applies the minimum. Blocks
// are added in their order. All instruction sets give the same bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    APUS_BLOCK = 32,         // activations that share a scale
    APUS_PANEL_COLUMNS = 16, // output columns interleaved in a panel
    APUS_TILE_ROWS = 8,      // activation rows interleaved in a tile
    APUS_PEAK_SUMS = 12,     // vectors of sums that `saturate` keeps in registers
};

/// GGUF's block formats (`ggml-common.h`). A weight is scale * (code - zero point), or scale * code + minimum.
///
/// A block of the first six has 32 weights and an fp16 scale. One of the others has 256 weights and fp16 factors, which
/// are multiplied with small integers to give the scale and minimum of each 16 or 32 weights.
typedef enum apus_block_format {
    APUS_Q4_0 = 0,
    APUS_Q4_1,
    APUS_Q5_0,
    APUS_Q5_1,
    APUS_Q8_0,
    APUS_IQ4_NL, // 4-bit indices into a table of 16 bytes
    APUS_Q2_K,
    APUS_Q3_K,
    APUS_Q4_K,
    APUS_Q5_K,
    APUS_Q6_K,
    APUS_IQ4_XS,
} apus_block_format;

/// One block of 32 inputs of eight activation rows. Slots of missing rows are never read.
typedef struct apus_activation_block {
    int8_t values[APUS_TILE_ROWS][APUS_BLOCK];
    float scale[APUS_TILE_ROWS];
    float scaled_sum[APUS_TILE_ROWS]; // scale * sum of values
    // Times a zero point, the initial values of integer dot products: of the whole block, and of inputs 0..15.
    int16_t negative_sum[APUS_TILE_ROWS], negative_first_sum[APUS_TILE_ROWS];
} apus_activation_block;

/// The weights in a GGUF block: 32 or 256.
size_t apus_block_weights(apus_block_format format);

/// The bytes of a GGUF block.
size_t apus_block_bytes(apus_block_format format);

/// Bytes of a panel of `blocks` * 32 inputs, which are whole GGUF blocks; a multiple of 64.
size_t apus_panel_bytes(apus_block_format format, size_t blocks);

/// Packs 16 rows of GGUF blocks, `blocks` * 32 inputs each, into `panel`; a null row is packed as zeros.
void apus_pack_panel(apus_block_format format, const uint8_t *const rows[APUS_PANEL_COLUMNS], size_t blocks,
                     uint8_t *panel);

/// Rounds `blocks` * 32 floats to Q8_0 as ggml does: the largest magnitude of a block becomes 127, ties round away from
/// zero. A block with a non-finite element gets a scale that is not a number.
void apus_quantize_q8_0(const float *x, size_t blocks, uint8_t *out);

/// Writes the weights of one column of a panel to `out`[blocks * 32].
void apus_unpack_column(apus_block_format format, const uint8_t *panel, size_t blocks, size_t column, float *out);

typedef struct apus_quantized_kernels {
    /// Quantises `rows` <= 8 rows of x, `stride` floats apart, into one tile of `blocks` blocks. A row with a
    /// non-finite element gets a non-finite scale.
    void (*quantize_rows)(const float *x, size_t stride, size_t rows, size_t blocks, apus_activation_block *tile);

    /// out[row][column] = sum over inputs of x[row][input] * w[column][input], for the first `columns` columns of
    /// consecutive panels and `rows` rows in ceil(rows / 8) consecutive tiles; rows of `out` are `stride` floats apart.
    void (*multiply)(apus_block_format format, const uint8_t *panels, size_t blocks, const apus_activation_block *tiles,
                     size_t rows, float *out, size_t stride, size_t columns);

    /// `steps` times APUS_PEAK_SUMS multiplications of vectors of bytes, each added to its own sums, to measure the
    /// processor's peak. `factors` are 64 bytes, `sums` APUS_PEAK_SUMS * 16 integers.
    void (*saturate)(size_t steps, const uint8_t *factors, int32_t *sums);
    size_t peak_bytes; // bytes of these vectors
} apus_quantized_kernels;

extern const apus_quantized_kernels apus_quantized_portable, apus_quantized_avx2, apus_quantized_avx512;
