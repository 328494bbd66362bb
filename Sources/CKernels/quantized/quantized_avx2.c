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

static inline __m256 load_halves(const uint8_t *halves) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

/// The scales or minima of a part of a block in 8 columns from `column` on.
APUS_INLINE __m256 load_factors(apus_block_format format, const uint8_t *scales, const uint8_t *factors, size_t b,
                                int part, size_t column) {
    if (!apus_has_factors(format))
        return load_halves(scales + b * apus_panel_scale_bytes(format) + column * 2);
    const size_t row = b * apus_traits[format].parts + (size_t)part;
    const __m128i steps = _mm_loadl_epi64((const __m128i *)(scales + row * APUS_PANEL_COLUMNS + column));
    return _mm256_mul_ps(load_halves(factors + (b / 8 * APUS_PANEL_COLUMNS + column) * 2),
                         _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(steps)));
}

/// The bits of a plane for one group of four inputs of 8 columns, from bit `first` on.
APUS_INLINE __m256i load_plane(const uint8_t *plane, int bits, int group, int first) {
    const __m256i bytes = _mm256_load_si256((const __m256i *)(plane + group % bits * 64));
    const int shift = bits * (group / bits) - first;
    const __m256i shifted = shift > 0   ? _mm256_srli_epi16(bytes, shift)
                            : shift < 0 ? _mm256_slli_epi16(bytes, -shift)
                                        : bytes;
    return bits == 8 ? bytes : _mm256_and_si256(shifted, _mm256_set1_epi8((char)(((1 << bits) - 1) << first)));
}

APUS_INLINE __m256i load_codes(apus_block_format format, const uint8_t *block, int group) {
    const apus_block_traits traits = apus_traits[format];
    __m256i codes = load_plane(block, traits.low_bits, group, 0);
    if (traits.high_bits) {
        const uint8_t *high = block + traits.low_bits * 64;
        codes = _mm256_or_si256(codes, load_plane(high, traits.high_bits, group, traits.low_bits));
    }
    if (!traits.is_indexed)
        return codes;
    const __m128i values = _mm_loadu_si128((const __m128i *)apus_index_values);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), codes);
}

/// The bits of a code as the product sees it.
APUS_INLINE int code_bits(apus_block_format format) {
    return apus_traits[format].is_indexed ? 8 : apus_traits[format].low_bits + apus_traits[format].high_bits;
}

/// The group of four inputs that is number `index` of a part.
APUS_INLINE int part_group(int parts, int part, int index) { return parts == 1 ? apus_group(index) : part * 4 + index; }

/// Products of one group of four inputs in 8 columns with a row, added in pairs. Codes of 8 bits become magnitudes, at
/// most 128, whose signs move to the row; the zero point disappears with the sign.
APUS_INLINE __m256i group_products(int is_wide, __m256i codes, const int8_t *x, int group) {
    const __m256i values = broadcast4(x + 4 * group);
    if (!is_wide)
        return _mm256_maddubs_epi16(codes, values);
    const __m256i w = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(values, w));
}

/// The integer dot products of a block of 4-bit codes, 8 columns: `part_dots` in a form that compiles to code without
/// spilled sums, for the most common formats.
APUS_INLINE void nibble_dots(const uint8_t *weights, const int8_t (*x)[APUS_BLOCK], int rows, __m256i dots[4]) {
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

/// The integer dot products of a part of a block, 8 columns. Sums of two products with codes of b < 8 bits, at most
/// 2 * (2^b - 1) * 127, are added in 16 bits as long as they fit: eight sums with 4 bits make 30,480.
APUS_INLINE void part_dots(apus_block_format format, const uint8_t *weights, const apus_activation_block *x, int first,
                           int rows, int part, __m256i dots[4]) {
    const int parts = apus_traits[format].parts, groups = 8 / parts, bits = code_bits(format), is_wide = bits == 8;
    const int together = is_wide ? 1 : bits == 6 ? 2 : bits == 5 ? 4 : groups, step = is_wide ? 1 : 2;
    const int zero_point = is_wide ? 0 : apus_traits[format].zero_point;
    for (int r = 0; r < rows; r++)
        dots[r] = _mm256_set1_epi32(zero_point * apus_part_sum(format, x, (size_t)(first + r), part));
    if (bits == 4 && parts == 1) {
        nibble_dots(weights, x->values + first, rows, dots);
        return;
    }
    __m256i pairs[4];
    for (int r = 0; r < rows; r++)
        pairs[r] = _mm256_setzero_si256();
    for (int index = 0; index < groups; index += step) {
        const int group = part_group(parts, part, index), next = part_group(parts, part, index + step - 1);
        const __m256i codes = load_codes(format, weights, group), next_codes = load_codes(format, weights, next);
        for (int r = 0; r < rows; r++) {
            __m256i products = group_products(is_wide, codes, x->values[first + r], group);
            if (step == 2)
                products = _mm256_add_epi16(products, group_products(0, next_codes, x->values[first + r], next));
            pairs[r] = _mm256_add_epi16(pairs[r], products);
        }
        if ((index + step) % together)
            continue;
        for (int r = 0; r < rows; r++) {
            dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs[r], _mm256_set1_epi16(1)));
            pairs[r] = _mm256_setzero_si256();
        }
    }
}

/// Adds a part of a block to the sums of `rows` rows in 8 columns from `column` on.
APUS_INLINE void add_part(apus_block_format format, apus_panel_view view, const uint8_t *codes, size_t b, int part,
                          size_t column, const apus_activation_block *x, int first, int rows, __m256 sums[4]) {
    __m256i dots[4];
    part_dots(format, codes, x, first, rows, part, dots);
    const __m256 scale = load_factors(format, view.scales, view.scale_factors, b, part, column);
    for (int r = 0; r < rows; r++)
        sums[r] = _mm256_fmadd_ps(_mm256_mul_ps(scale, _mm256_set1_ps(x->scale[first + r])),
                                  _mm256_cvtepi32_ps(dots[r]), sums[r]);
    if (!apus_traits[format].has_minimum)
        return;
    const __m256 minimum = load_factors(format, view.minima, view.minimum_factors, b, part, column);
    for (int r = 0; r < rows; r++)
        sums[r] = _mm256_fmadd_ps(minimum, _mm256_set1_ps(apus_part_scaled_sum(format, x, (size_t)(first + r), part)),
                                  sums[r]);
}

/// Columns `column`..<`column` + 8 of a panel times rows `first`..<`first` + `rows` of a tile; inlined with constant
/// `format` and `rows` <= 4, so that all sums stay in registers. For each block it prefetches `step` bytes of later
/// panels.
APUS_INLINE void multiply_half(apus_block_format format, const uint8_t *panel, size_t blocks,
                               const apus_activation_block *tile, int first, int rows, size_t column, float *out,
                               size_t stride, size_t step) {
    const apus_panel_view view = apus_view_panel(format, panel, blocks);
    __m256 sums[4];
    for (int r = 0; r < rows; r++)
        sums[r] = _mm256_setzero_ps();
    const uint8_t *codes = panel + column * 4;
    for (size_t b = 0; b < blocks; b++, tile++, codes += apus_panel_block_bytes(format)) {
        apus_prefetch(panel + APUS_STREAM_DISTANCE + b * step, step);
        for (int part = 0; part < apus_traits[format].parts; part++)
            add_part(format, view, codes, b, part, column, tile, first, rows, sums);
    }
    for (int r = 0; r < rows; r++)
        _mm256_storeu_ps(out + (size_t)r * stride, sums[r]);
}

/// `rows` <= 4 rows times a whole panel.
APUS_INLINE void multiply_rows(apus_block_format format, const uint8_t *panel, size_t blocks,
                               const apus_activation_block *tile, int first, int rows, float *out, size_t stride,
                               size_t ahead) {
    multiply_half(format, panel, blocks, tile, first, rows, 0, out, stride, ahead);
    multiply_half(format, panel, blocks, tile, first, rows, 8, out + 8, stride, 0);
}

APUS_INLINE void multiply_panel(apus_block_format format, const uint8_t *panel, size_t blocks,
                                const apus_activation_block *tiles, size_t rows, float *out, size_t stride,
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
        const size_t ahead = row == 0 ? apus_stream_step(format, blocks) : 0;
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

APUS_INLINE void multiply_panels(apus_block_format format, const uint8_t *panel, size_t blocks,
                                 const apus_activation_block *tiles, size_t rows, float *out, size_t stride,
                                 size_t columns) {
    for (size_t done = 0; done < columns; done += APUS_PANEL_COLUMNS, panel += apus_packed_bytes(format, blocks)) {
        const size_t width = columns - done < APUS_PANEL_COLUMNS ? columns - done : APUS_PANEL_COLUMNS;
        multiply_panel(format, panel, blocks, tiles, rows, out + done, stride, width);
    }
}

APUS_DISPATCH_MULTIPLY

/// Sums of 16 bits, as in `part_dots`.
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
