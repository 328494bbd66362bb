// Products with weights in GGUF's block formats: 32 consecutive weights share a scale (and, in Q4_1, a minimum).
//
// Weights are repacked into panels of 16 output columns, so that one register holds four consecutive inputs of all 16.
// Activations are quantised to 8 bits per block of 32. The integer dot product of a block is exact; then one fp32
// multiply-add applies the scales and, in Q4_1, a second one applies the minimum. Blocks are added in their order. All
// instruction sets give the same bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    APUS_BLOCK = 32,         // weights that share a scale
    APUS_PANEL_COLUMNS = 16, // output columns interleaved in a panel
    APUS_TILE_ROWS = 8,      // activation rows interleaved in a tile
    APUS_PEAK_SUMS = 12,     // vectors of sums that `saturate` keeps in registers
};

typedef enum apus_block_format {
    APUS_Q4_0 = 0, // fp16 scale, 16 bytes of nibbles with zero point 8
    APUS_Q4_1 = 1, // fp16 scale, fp16 minimum, 16 bytes of nibbles
    APUS_Q8_0 = 2, // fp16 scale, 32 signed bytes
} apus_block_format;

/// One block of 32 inputs of eight activation rows. Slots of missing rows are never read.
typedef struct apus_activation_block {
    int8_t values[APUS_TILE_ROWS][APUS_BLOCK];
    float scale[APUS_TILE_ROWS];
    float scaled_sum[APUS_TILE_ROWS];     // scale * sum of values
    int32_t negative_sum[APUS_TILE_ROWS]; // times a zero point, the initial value of an integer dot product
} apus_activation_block;

/// The bytes of a block in GGUF.
size_t apus_block_bytes(apus_block_format format);

/// Bytes of a panel of `blocks` blocks, a multiple of 64.
///
/// A panel holds, in this order: per block the weights as [4 or 8 registers][16 columns][4 inputs] unsigned bytes, in
/// the 4-bit formats with inputs 0..15 in the low nibbles and 16..31 in the high ones; per block 16 fp16 scales; in
/// Q4_1 per block 16 fp16 minima.
size_t apus_panel_bytes(apus_block_format format, size_t blocks);

/// Packs 16 rows of GGUF blocks into `panel`; a null row is packed as zeros.
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
