// Block-quantised products with AVX-512 VNNI: `vpdpbusd` adds four products of unsigned and signed bytes exactly.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))),   \
                             apply_to = function)
#include "quantized_rows_avx512.h"

static inline __m512i broadcast4(const void *four) {
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm512_set1_epi32(value);
}

static inline __m512 load_halves(const uint16_t *halves) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

/// The integer dot products of one block of `panels` panels, `panel_bytes` apart, with `rows` rows of a tile: the first
/// panel's, then the second's.
static inline __attribute__((always_inline)) void block_dots(apus_block_format format, const uint8_t *weights,
                                                             size_t panel_bytes, int panels,
                                                             const apus_activation_block *x, int first, int rows,
                                                             __m512i dots[APUS_TILE_ROWS]) {
    const __m512i nibble = _mm512_set1_epi8(15);
    for (int i = 0; i < panels * rows; i++)
        dots[i] = _mm512_mullo_epi32(broadcast4(&x->negative_sum[first + i % rows]),
                                     _mm512_set1_epi32(apus_block_zero_point(format)));
    for (int g = 0; g < (format == APUS_Q8_0 ? 8 : 4); g++) {
        __m512i low[2], high[2];
        for (int p = 0; p < panels; p++) {
            const __m512i w = _mm512_load_si512(weights + p * panel_bytes + g * 64);
            low[p] = format == APUS_Q8_0 ? w : _mm512_and_si512(w, nibble);
            high[p] = _mm512_and_si512(_mm512_srli_epi16(w, 4), nibble);
        }
        for (int i = 0; i < panels * rows; i++)
            dots[i] = _mm512_dpbusd_epi32(dots[i], low[i / rows], broadcast4(x->values[first + i % rows] + 4 * g));
        for (int i = 0; format != APUS_Q8_0 && i < panels * rows; i++)
            dots[i] =
                _mm512_dpbusd_epi32(dots[i], high[i / rows], broadcast4(x->values[first + i % rows] + 16 + 4 * g));
    }
}

/// One panel times `rows` <= 8 rows of a tile, or two panels times 4 rows, so that each loaded activation is used
/// twice; inlined with constant `format`, `panels` and `rows`, so that all sums stay in registers. For each block it
/// prefetches `step` of the bytes at `ahead`.
static inline __attribute__((always_inline)) void multiply_tile(apus_block_format format, const uint8_t *panel,
                                                                size_t panel_bytes, int panels, size_t blocks,
                                                                const apus_activation_block *tile, int first, int rows,
                                                                float *out, size_t stride, __mmask16 mask,
                                                                const uint8_t *ahead, size_t step) {
    const size_t block_bytes = apus_panel_block_bytes(format);
    const uint8_t *start = panel;
    __m512 sums[APUS_TILE_ROWS];
    for (int i = 0; i < panels * rows; i++)
        sums[i] = _mm512_setzero_ps();
    for (size_t b = 0; b < blocks; b++, tile++, panel += block_bytes) {
        apus_prefetch(ahead + b * step, step);
        __m512i dots[APUS_TILE_ROWS];
        block_dots(format, panel, panel_bytes, panels, tile, first, rows, dots);
        for (int p = 0; p < panels; p++) {
            const uint8_t *at = start + p * panel_bytes;
            const __m512 scale = load_halves(apus_panel_scales(format, at, blocks) + b * APUS_PANEL_COLUMNS);
            for (int r = 0, i = p * rows; r < rows; r++, i++)
                sums[i] = _mm512_fmadd_ps(_mm512_mul_ps(scale, _mm512_set1_ps(tile->scale[first + r])),
                                          _mm512_cvtepi32_ps(dots[i]), sums[i]);
            if (format != APUS_Q4_1)
                continue;
            const __m512 minimum = load_halves(apus_panel_minima(format, at, blocks) + b * APUS_PANEL_COLUMNS);
            for (int r = 0, i = p * rows; r < rows; r++, i++)
                sums[i] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(tile->scaled_sum[first + r]), sums[i]);
        }
    }
    for (int i = 0; i < panels * rows; i++)
        _mm512_mask_storeu_ps(out + (size_t)(i % rows) * stride + i / rows * APUS_PANEL_COLUMNS, mask, sums[i]);
}

static inline __attribute__((always_inline)) void multiply_panel(apus_block_format format, const uint8_t *panel,
                                                                 size_t blocks, const apus_activation_block *tile,
                                                                 size_t rows, float *out, size_t stride,
                                                                 __mmask16 mask) {
    for (; rows >= 8; rows -= 8, tile += blocks, out += 8 * stride)
        multiply_tile(format, panel, 0, 1, blocks, tile, 0, 8, out, stride, mask, panel, 0);
    const uint8_t *ahead = panel + APUS_STREAM_DISTANCE;
    const size_t step = apus_panel_bytes(format, 1);
    // clang-format off
    switch (rows) {
    case 1: multiply_tile(format, panel, 0, 1, blocks, tile, 0, 1, out, stride, mask, ahead, step); break;
    case 2: multiply_tile(format, panel, 0, 1, blocks, tile, 0, 2, out, stride, mask, ahead, step); break;
    case 3: multiply_tile(format, panel, 0, 1, blocks, tile, 0, 3, out, stride, mask, ahead, step); break;
    case 4: multiply_tile(format, panel, 0, 1, blocks, tile, 0, 4, out, stride, mask, ahead, step); break;
    case 5: multiply_tile(format, panel, 0, 1, blocks, tile, 0, 5, out, stride, mask, ahead, step); break;
    case 6: multiply_tile(format, panel, 0, 1, blocks, tile, 0, 6, out, stride, mask, ahead, step); break;
    case 7: multiply_tile(format, panel, 0, 1, blocks, tile, 0, 7, out, stride, mask, ahead, step); break;
    }
    // clang-format on
}

/// Multiplies panels in pairs, and by whole tiles, as long as there are both; meanwhile prefetches the next pair.
static inline __attribute__((always_inline)) void multiply_panels(apus_block_format format, const uint8_t *panel,
                                                                  size_t blocks, const apus_activation_block *tiles,
                                                                  size_t rows, float *out, size_t stride,
                                                                  size_t columns) {
    const size_t bytes = apus_panel_bytes(format, blocks), whole = rows / APUS_TILE_ROWS;
    for (; whole > 0 && columns >= 2 * APUS_PANEL_COLUMNS; columns -= 2 * APUS_PANEL_COLUMNS) {
        const size_t step = (apus_panel_bytes(format, 1) + whole - 1) / whole;
        for (size_t t = 0; t < 2 * whole; t++)
            multiply_tile(format, panel, bytes, 2, blocks, tiles + t / 2 * blocks, t % 2 * 4, 4, out + t * 4 * stride,
                          stride, 0xFFFF, panel + 2 * bytes + t * blocks * step, step);
        for (int p = 0; p < 2; p++, panel += bytes, out += APUS_PANEL_COLUMNS)
            multiply_panel(format, panel, blocks, tiles + whole * blocks, rows % APUS_TILE_ROWS,
                           out + whole * APUS_TILE_ROWS * stride, stride, 0xFFFF);
    }
    for (; columns > 0; panel += bytes, out += APUS_PANEL_COLUMNS) {
        const size_t width = columns < APUS_PANEL_COLUMNS ? columns : APUS_PANEL_COLUMNS;
        multiply_panel(format, panel, blocks, tiles, rows, out, stride, (__mmask16)((1u << width) - 1));
        columns -= width;
    }
}

static void multiply(apus_block_format format, const uint8_t *panels, size_t blocks, const apus_activation_block *tiles,
                     size_t rows, float *out, size_t stride, size_t columns) {
    switch (format) {
    case APUS_Q4_0:
        multiply_panels(APUS_Q4_0, panels, blocks, tiles, rows, out, stride, columns);
        break;
    case APUS_Q4_1:
        multiply_panels(APUS_Q4_1, panels, blocks, tiles, rows, out, stride, columns);
        break;
    case APUS_Q8_0:
        multiply_panels(APUS_Q8_0, panels, blocks, tiles, rows, out, stride, columns);
        break;
    }
}

static void saturate(size_t steps, const uint8_t *factors, int32_t *sums) {
    __m512i in_registers[APUS_PEAK_SUMS];
#pragma clang loop unroll(full)
    for (int i = 0; i < APUS_PEAK_SUMS; i++)
        in_registers[i] = _mm512_loadu_si512(sums + i * 16);
    const __m512i factor = _mm512_loadu_si512(factors);
    for (size_t step = 0; step < steps; step++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < APUS_PEAK_SUMS; i++)
            in_registers[i] = _mm512_dpbusd_epi32(in_registers[i], factor, factor);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < APUS_PEAK_SUMS; i++)
        _mm512_storeu_si512(sums + i * 16, in_registers[i]);
}

#pragma clang attribute pop

const apus_quantized_kernels apus_quantized_avx512 = {quantize_tile, multiply, saturate, 64};
#endif
