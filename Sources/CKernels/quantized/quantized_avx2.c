// Block-quantised products with AVX2. `vpmaddubsw` adds two products of unsigned and signed bytes in 16 bits and
// saturates there, so the operands are kept small enough that saturation never happens.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "quantized_rows_body.h"

static inline __m256i broadcast4(const void *four) {
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm256_set1_epi32(value);
}

static inline __m256 load_halves(const uint16_t *halves) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

/// Half a block of nibbles, 8 columns: eight sums of two products, at most 8 * 2 * 15 * 127 = 30,480, fit 16 bits.
static inline __attribute__((always_inline)) void nibble_dots(const uint8_t *weights, const int8_t (*x)[APUS_BLOCK],
                                                              int rows, __m256i dots[4]) {
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i pairs[4];
    for (int r = 0; r < rows; r++)
        pairs[r] = _mm256_setzero_si256();
    for (int g = 0; g < 4; g++) {
        const __m256i w = _mm256_load_si256((const __m256i *)(weights + g * 64));
        const __m256i low = _mm256_and_si256(w, nibble);
        const __m256i high = _mm256_and_si256(_mm256_srli_epi16(w, 4), nibble);
        for (int r = 0; r < rows; r++) {
            const __m256i first = _mm256_maddubs_epi16(low, broadcast4(x[r] + 4 * g));
            const __m256i second = _mm256_maddubs_epi16(high, broadcast4(x[r] + 16 + 4 * g));
            pairs[r] = _mm256_add_epi16(pairs[r], _mm256_add_epi16(first, second));
        }
    }
    for (int r = 0; r < rows; r++)
        dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs[r], _mm256_set1_epi16(1)));
}

/// Half a block of bytes, 8 columns: weights become magnitudes, at most 128, and their signs move to the activations: a
/// sum of two products is at most 2 * 128 * 127 = 32,512. The zero point disappears with the sign.
static inline __attribute__((always_inline)) void byte_dots(const uint8_t *weights, const int8_t (*x)[APUS_BLOCK],
                                                            int rows, __m256i dots[4]) {
    for (int g = 0; g < 8; g++) {
        const __m256i stored = _mm256_load_si256((const __m256i *)(weights + g * 64));
        const __m256i w = _mm256_xor_si256(stored, _mm256_set1_epi8(-128));
        const __m256i magnitude = _mm256_abs_epi8(w);
        for (int r = 0; r < rows; r++) {
            const __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(broadcast4(x[r] + 4 * g), w));
            dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        }
    }
}

/// Columns `column`..<`column` + 8 of a panel times rows `first`..<`first` + `rows` of a tile; inlined with constant
/// `format` and `rows` <= 4, so that all sums stay in registers. For each block it prefetches `step` bytes of later
/// panels.
static inline __attribute__((always_inline)) void multiply_half(apus_block_format format, const uint8_t *panel,
                                                                size_t blocks, const apus_activation_block *tile,
                                                                int first, int rows, size_t column, float *out,
                                                                size_t stride, size_t step) {
    const uint16_t *scales = apus_panel_scales(format, panel, blocks) + column;
    const uint16_t *minima = apus_panel_minima(format, panel, blocks) + column;
    const uint8_t *weights = panel + column * 4;
    __m256 sums[4];
    for (int r = 0; r < rows; r++)
        sums[r] = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++, tile++, weights += apus_panel_block_bytes(format)) {
        apus_prefetch(panel + APUS_STREAM_DISTANCE + b * step, step);
        __m256i dots[4];
        for (int r = 0; r < rows; r++)
            dots[r] = format == APUS_Q4_0 ? _mm256_mullo_epi32(broadcast4(&tile->negative_sum[first + r]),
                                                               _mm256_set1_epi32(apus_block_zero_point(format)))
                                          : _mm256_setzero_si256();
        if (format == APUS_Q8_0) {
            byte_dots(weights, tile->values + first, rows, dots);
        } else {
            nibble_dots(weights, tile->values + first, rows, dots);
        }
        const __m256 scale = load_halves(scales + b * APUS_PANEL_COLUMNS);
        for (int r = 0; r < rows; r++)
            sums[r] = _mm256_fmadd_ps(_mm256_mul_ps(scale, _mm256_set1_ps(tile->scale[first + r])),
                                      _mm256_cvtepi32_ps(dots[r]), sums[r]);
        if (format == APUS_Q4_1) {
            const __m256 minimum = load_halves(minima + b * APUS_PANEL_COLUMNS);
            for (int r = 0; r < rows; r++)
                sums[r] = _mm256_fmadd_ps(minimum, _mm256_set1_ps(tile->scaled_sum[first + r]), sums[r]);
        }
    }
    for (int r = 0; r < rows; r++)
        _mm256_storeu_ps(out + (size_t)r * stride, sums[r]);
}

/// `rows` <= 4 rows times a whole panel.
static inline __attribute__((always_inline)) void multiply_rows(apus_block_format format, const uint8_t *panel,
                                                                size_t blocks, const apus_activation_block *tile,
                                                                int first, int rows, float *out, size_t stride,
                                                                size_t ahead) {
    multiply_half(format, panel, blocks, tile, first, rows, 0, out, stride, ahead);
    multiply_half(format, panel, blocks, tile, first, rows, 8, out + 8, stride, 0);
}

static inline __attribute__((always_inline)) void multiply_panel(apus_block_format format, const uint8_t *panel,
                                                                 size_t blocks, const apus_activation_block *tiles,
                                                                 size_t rows, float *out, size_t stride,
                                                                 size_t columns) {
    for (size_t row = 0; row < rows; row += 4) {
        const apus_activation_block *tile = tiles + row / APUS_TILE_ROWS * blocks;
        const int first = (int)(row % APUS_TILE_ROWS);
        const size_t count = rows - row < 4 ? rows - row : 4;
        // The last panel of a matrix may have more columns than the output.
        float narrow[4 * APUS_PANEL_COLUMNS];
        const int whole = columns == APUS_PANEL_COLUMNS;
        float *target = whole ? out + row * stride : narrow;
        const size_t step = whole ? stride : APUS_PANEL_COLUMNS;
        // The first rows prefetch the weights that the other rows find in the cache.
        const size_t ahead = row == 0 ? apus_panel_bytes(format, 1) : 0;
        // clang-format off
        switch (count) {
        case 1: multiply_rows(format, panel, blocks, tile, first, 1, target, step, ahead); break;
        case 2: multiply_rows(format, panel, blocks, tile, first, 2, target, step, ahead); break;
        case 3: multiply_rows(format, panel, blocks, tile, first, 3, target, step, ahead); break;
        case 4: multiply_rows(format, panel, blocks, tile, first, 4, target, step, ahead); break;
        }
        // clang-format on
        for (size_t r = 0; !whole && r < count; r++)
            memcpy(out + (row + r) * stride, narrow + r * step, columns * sizeof(float));
    }
}

static inline __attribute__((always_inline)) void multiply_panels(apus_block_format format, const uint8_t *panel,
                                                                  size_t blocks, const apus_activation_block *tiles,
                                                                  size_t rows, float *out, size_t stride,
                                                                  size_t columns) {
    for (size_t done = 0; done < columns; done += APUS_PANEL_COLUMNS, panel += apus_panel_bytes(format, blocks)) {
        const size_t width = columns - done < APUS_PANEL_COLUMNS ? columns - done : APUS_PANEL_COLUMNS;
        multiply_panel(format, panel, blocks, tiles, rows, out + done, stride, width);
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

/// Sums of 16 bits, as in `nibble_dots`.
static void saturate(size_t steps, const uint8_t *factors, int32_t *sums) {
    __m256i in_registers[APUS_PEAK_SUMS];
#pragma clang loop unroll(full)
    for (int i = 0; i < APUS_PEAK_SUMS; i++)
        in_registers[i] = _mm256_loadu_si256((const __m256i *)(sums + i * 16));
    for (size_t step = 0; step < steps; step++) {
        // Hides that the factors stay the same, or the compiler would compute their product only once.
        __asm__ volatile("" : "+r"(factors));
        const __m256i factor = _mm256_loadu_si256((const __m256i *)factors);
#pragma clang loop unroll(full)
        for (int i = 0; i < APUS_PEAK_SUMS; i++)
            in_registers[i] = _mm256_add_epi16(
                in_registers[i], _mm256_maddubs_epi16(factor, _mm256_loadu_si256((const __m256i *)(factors + 32))));
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < APUS_PEAK_SUMS; i++)
        _mm256_storeu_si256((__m256i *)(sums + i * 16), in_registers[i]);
}

#pragma clang attribute pop

const apus_quantized_kernels apus_quantized_avx2 = {quantize_rows, multiply, saturate, 32};
#endif
