// Block-quantised products in plain C.
#include <math.h>

#include "quantized_rows_body.h"

/// The bits of one byte of a plane, from bit `first` on.
APUS_INLINE int plane_bits(const uint8_t *plane, int bits, int group, size_t byte, int first) {
    return (plane[(size_t)(group % bits) * 64 + byte] >> bits * (group / bits) & ((1 << bits) - 1)) << first;
}

APUS_INLINE int code_at(apus_block_format format, const uint8_t *block, int group, size_t byte) {
    const apus_block_traits traits = apus_traits[format];
    int code = plane_bits(block, traits.low_bits, group, byte, 0);
    if (traits.high_bits)
        code |= plane_bits(block + traits.low_bits * 64, traits.high_bits, group, byte, traits.low_bits);
    return traits.is_indexed ? apus_index_values[code] : code;
}

/// The integer dot products of `part` of a block with all columns.
APUS_INLINE void part_dots(apus_block_format format, const uint8_t *block, const int8_t *x, int32_t start, int part,
                           int32_t dots[APUS_PANEL_COLUMNS]) {
    const int groups = 8 / apus_traits[format].parts;
    for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++)
        dots[column] = start;
    for (int g = part * groups; g < (part + 1) * groups; g++)
        for (size_t byte = 0; byte < 4 * APUS_PANEL_COLUMNS; byte++)
            dots[byte / 4] += code_at(format, block, g, byte) * x[4 * g + (int)(byte % 4)];
}

/// The scale or minimum of a part of a block in one column.
APUS_INLINE float factor_at(apus_block_format format, const uint8_t *scales, const uint8_t *factors, size_t b, int part,
                            size_t column) {
    const uint16_t *halves = (const uint16_t *)(apus_has_factors(format) ? factors : scales);
    if (!apus_has_factors(format))
        return apus_half_to_float(halves[b * APUS_PANEL_COLUMNS + column]);
    const size_t row = b * apus_traits[format].parts + (size_t)part;
    return apus_half_to_float(halves[b / 8 * APUS_PANEL_COLUMNS + column]) *
           (float)(int8_t)scales[row * APUS_PANEL_COLUMNS + column];
}

APUS_INLINE void multiply_row(apus_block_format format, const uint8_t *panel, size_t blocks,
                              const apus_activation_block *tile, size_t row, float sums[APUS_PANEL_COLUMNS]) {
    const apus_block_traits traits = apus_traits[format];
    const apus_panel_view view = apus_view_panel(format, panel, blocks);
    for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++)
        sums[column] = 0;
    for (size_t b = 0; b < blocks; b++, tile++) {
        const uint8_t *codes = view.codes + b * apus_panel_block_bytes(format);
        for (int part = 0; part < traits.parts; part++) {
            const int32_t negative_sum = apus_part_sum(format, tile, row, part);
            const float scaled_sum = apus_part_scaled_sum(format, tile, row, part);
            int32_t dots[APUS_PANEL_COLUMNS];
            part_dots(format, codes, tile->values[row], traits.zero_point * negative_sum, part, dots);
            for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++) {
                const float scale = factor_at(format, view.scales, view.scale_factors, b, part, column);
                sums[column] = fmaf(scale * tile->scale[row], (float)dots[column], sums[column]);
                if (traits.has_minimum)
                    sums[column] = fmaf(factor_at(format, view.minima, view.minimum_factors, b, part, column),
                                        scaled_sum, sums[column]);
            }
        }
    }
}

APUS_INLINE void multiply_panels(apus_block_format format, const uint8_t *panels, size_t blocks,
                                 const apus_activation_block *tiles, size_t rows, float *out, size_t stride,
                                 size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        float sums[APUS_PANEL_COLUMNS];
        const apus_activation_block *tile = tiles + row / APUS_TILE_ROWS * blocks;
        for (size_t column = 0; column < columns; column++) {
            const size_t index = column % APUS_PANEL_COLUMNS;
            const uint8_t *panel = panels + column / APUS_PANEL_COLUMNS * apus_packed_bytes(format, blocks);
            if (index == 0)
                multiply_row(format, panel, blocks, tile, row % APUS_TILE_ROWS, sums);
            out[row * stride + column] = sums[index];
        }
    }
}

APUS_DISPATCH_MULTIPLY

static void saturate(size_t steps, const uint8_t *factors, int32_t *sums) {
    for (size_t step = 0; step < steps; step++) {
        __asm__ volatile("" : "+r"(factors));
        for (size_t i = 0; i < APUS_PEAK_SUMS * 16; i++)
            sums[i] += factors[i % 16] * (int8_t)factors[i % 16 + 16];
    }
}

const apus_quantized_kernels apus_quantized_portable = {quantize_rows, multiply, saturate, 16};
