// Block-quantised products in plain C.
#include <math.h>

#include "quantized_rows_body.h"

static void block_dots(apus_block_format format, const uint8_t *weights, const int8_t *x, int32_t start,
                       int32_t dots[APUS_PANEL_COLUMNS]) {
    const size_t groups = format == APUS_Q8_0 ? 8 : 4;
    for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++)
        dots[column] = start;
    for (size_t g = 0; g < groups; g++) {
        for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++) {
            for (size_t i = 0; i < 4; i++) {
                const int32_t byte = weights[(g * APUS_PANEL_COLUMNS + column) * 4 + i];
                if (format == APUS_Q8_0) {
                    dots[column] += byte * x[g * 4 + i];
                } else {
                    dots[column] += (byte & 15) * x[g * 4 + i] + (byte >> 4) * x[16 + g * 4 + i];
                }
            }
        }
    }
}

static void multiply_row(apus_block_format format, const uint8_t *panel, size_t blocks,
                         const apus_activation_block *tile, size_t row, float sums[APUS_PANEL_COLUMNS]) {
    const uint16_t *scales = apus_panel_scales(format, panel, blocks);
    const uint16_t *minima = apus_panel_minima(format, panel, blocks);
    for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++)
        sums[column] = 0;
    for (size_t b = 0; b < blocks; b++) {
        int32_t dots[APUS_PANEL_COLUMNS];
        block_dots(format, panel + b * apus_panel_block_bytes(format), tile[b].values[row],
                   apus_block_zero_point(format) * tile[b].negative_sum[row], dots);
        for (size_t column = 0; column < APUS_PANEL_COLUMNS; column++) {
            const size_t at = b * APUS_PANEL_COLUMNS + column;
            const float scale = apus_half_to_float(scales[at]) * tile[b].scale[row];
            sums[column] = fmaf(scale, (float)dots[column], sums[column]);
            if (format == APUS_Q4_1)
                sums[column] = fmaf(apus_half_to_float(minima[at]), tile[b].scaled_sum[row], sums[column]);
        }
    }
}

static void multiply(apus_block_format format, const uint8_t *panels, size_t blocks, const apus_activation_block *tiles,
                     size_t rows, float *out, size_t stride, size_t columns) {
    for (size_t row = 0; row < rows; row++) {
        float sums[APUS_PANEL_COLUMNS];
        const apus_activation_block *tile = tiles + row / APUS_TILE_ROWS * blocks;
        for (size_t column = 0; column < columns; column++) {
            const size_t place = column % APUS_PANEL_COLUMNS;
            const uint8_t *panel = panels + column / APUS_PANEL_COLUMNS * apus_panel_bytes(format, blocks);
            if (place == 0)
                multiply_row(format, panel, blocks, tile, row % APUS_TILE_ROWS, sums);
            out[row * stride + column] = sums[place];
        }
    }
}

static void saturate(size_t steps, const uint8_t *factors, int32_t *sums) {
    for (size_t step = 0; step < steps; step++) {
        __asm__ volatile("" : "+r"(factors));
        for (size_t i = 0; i < APUS_PEAK_SUMS * 16; i++)
            sums[i] += factors[i % 16] * (int8_t)factors[i % 16 + 16];
    }
}

const apus_quantized_kernels apus_quantized_portable = {quantize_rows, multiply, saturate, 16};
