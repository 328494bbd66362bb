// Block-quantised products with AVX-512 VNNI: `vpdpbusd` adds four products of unsigned and signed bytes exactly.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))),   \
                             apply_to = function)
#include "quantized_rows_body.h"

// With so few rows the weights come from memory no faster than they are used.
#define STREAMED_ROWS 4

static inline __m512i broadcast4(const void *four) {
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm512_set1_epi32(value);
}

static inline __m512 load_halves(const uint16_t *halves) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

/// The integer dot products of one block with `rows` rows.
static inline __attribute__((always_inline)) void block_dots(apus_block_format format, const uint8_t *weights,
                                                             const apus_activation_block *x, int rows,
                                                             __m512i dots[APUS_TILE_ROWS]) {
    const __m512i nibble = _mm512_set1_epi8(15);
    for (int r = 0; r < rows; r++)
        dots[r] = format == APUS_Q4_1 ? _mm512_setzero_si512() : broadcast4(&x->start[r]);
    if (format == APUS_Q8_0) {
        for (int g = 0; g < 8; g++) {
            const __m512i w = _mm512_load_si512(weights + g * 64);
            for (int r = 0; r < rows; r++)
                dots[r] = _mm512_dpbusd_epi32(dots[r], w, broadcast4(x->values[r] + 4 * g));
        }
        return;
    }
    for (int g = 0; g < 4; g++) {
        const __m512i w = _mm512_load_si512(weights + g * 64);
        const __m512i low = _mm512_and_si512(w, nibble);
        const __m512i high = _mm512_and_si512(_mm512_srli_epi16(w, 4), nibble);
        for (int r = 0; r < rows; r++)
            dots[r] = _mm512_dpbusd_epi32(dots[r], low, broadcast4(x->values[r] + 4 * g));
        for (int r = 0; r < rows; r++)
            dots[r] = _mm512_dpbusd_epi32(dots[r], high, broadcast4(x->values[r] + 16 + 4 * g));
    }
}

/// One panel times `rows` <= 8 rows; inlined with constant `format` and `rows`, so that all sums stay in registers.
static inline __attribute__((always_inline)) void multiply_tile(apus_block_format format, const uint8_t *panel,
                                                                size_t blocks, const apus_activation_block *tile,
                                                                int rows, float *out, size_t stride, __mmask16 mask) {
    const size_t block_bytes = apus_panel_block_bytes(format);
    const uint8_t *start = panel;
    const uint16_t *scales = apus_panel_scales(format, panel, blocks);
    const uint16_t *minima = apus_panel_minima(format, panel, blocks);
    __m512 sums[APUS_TILE_ROWS];
    for (int r = 0; r < rows; r++)
        sums[r] = _mm512_setzero_ps();
    for (size_t b = 0; b < blocks; b++, tile++, panel += block_bytes) {
        if (rows <= STREAMED_ROWS)
            apus_prefetch_block(format, start, b);
        __m512i dots[APUS_TILE_ROWS];
        block_dots(format, panel, tile, rows, dots);
        const __m512 scale = load_halves(scales + b * APUS_PANEL_COLUMNS);
        for (int r = 0; r < rows; r++)
            sums[r] = _mm512_fmadd_ps(_mm512_mul_ps(scale, _mm512_set1_ps(tile->scale[r])), _mm512_cvtepi32_ps(dots[r]),
                                      sums[r]);
        if (format == APUS_Q4_1) {
            const __m512 minimum = load_halves(minima + b * APUS_PANEL_COLUMNS);
            for (int r = 0; r < rows; r++)
                sums[r] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(tile->scaled_sum[r]), sums[r]);
        }
    }
    for (int r = 0; r < rows; r++)
        _mm512_mask_storeu_ps(out + (size_t)r * stride, mask, sums[r]);
}

static inline __attribute__((always_inline)) void multiply_panel(apus_block_format format, const uint8_t *panel,
                                                                 size_t blocks, const apus_activation_block *tile,
                                                                 size_t rows, float *out, size_t stride,
                                                                 __mmask16 mask) {
    for (; rows >= 8; rows -= 8, tile += blocks, out += 8 * stride)
        multiply_tile(format, panel, blocks, tile, 8, out, stride, mask);
    // clang-format off
    switch (rows) {
    case 1: multiply_tile(format, panel, blocks, tile, 1, out, stride, mask); break;
    case 2: multiply_tile(format, panel, blocks, tile, 2, out, stride, mask); break;
    case 3: multiply_tile(format, panel, blocks, tile, 3, out, stride, mask); break;
    case 4: multiply_tile(format, panel, blocks, tile, 4, out, stride, mask); break;
    case 5: multiply_tile(format, panel, blocks, tile, 5, out, stride, mask); break;
    case 6: multiply_tile(format, panel, blocks, tile, 6, out, stride, mask); break;
    case 7: multiply_tile(format, panel, blocks, tile, 7, out, stride, mask); break;
    }
    // clang-format on
}

static void multiply(apus_block_format format, const uint8_t *panel, size_t blocks, const apus_activation_block *tiles,
                     size_t rows, float *out, size_t stride, size_t columns) {
    const __mmask16 mask = (__mmask16)((1u << columns) - 1);
    switch (format) {
    case APUS_Q4_0:
        multiply_panel(APUS_Q4_0, panel, blocks, tiles, rows, out, stride, mask);
        break;
    case APUS_Q4_1:
        multiply_panel(APUS_Q4_1, panel, blocks, tiles, rows, out, stride, mask);
        break;
    case APUS_Q8_0:
        multiply_panel(APUS_Q8_0, panel, blocks, tiles, rows, out, stride, mask);
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

const apus_quantized_kernels apus_quantized_avx512 = {quantize_rows, multiply, saturate, 64};
#endif
