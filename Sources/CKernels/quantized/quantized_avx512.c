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

static inline __m512 load_halves(const uint8_t *halves) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

/// The scales or minima of a part of a block.
APUS_INLINE __m512 load_factors(apus_block_format format, const uint8_t *scales, const uint8_t *factors, size_t b,
                                int part) {
    if (!apus_has_factors(format))
        return load_halves(scales + b * apus_panel_scale_bytes(format));
    const size_t row = b * apus_traits[format].parts + (size_t)part;
    const __m128i steps = _mm_loadu_si128((const __m128i *)(scales + row * APUS_PANEL_COLUMNS));
    return _mm512_mul_ps(load_halves(factors + b / 8 * APUS_PANEL_COLUMNS * 2),
                         _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(steps)));
}

/// The bits of a plane for one group of four inputs of all columns, from bit `first` on.
APUS_INLINE __m512i load_plane(const uint8_t *plane, int bits, int group, int first) {
    const __m512i bytes = _mm512_load_si512(plane + group % bits * 64);
    const int shift = bits * (group / bits) - first;
    const __m512i shifted = shift > 0   ? _mm512_srli_epi16(bytes, (unsigned)shift)
                            : shift < 0 ? _mm512_slli_epi16(bytes, (unsigned)-shift)
                                        : bytes;
    return bits == 8 ? bytes : _mm512_and_si512(shifted, _mm512_set1_epi8((char)(((1 << bits) - 1) << first)));
}

APUS_INLINE __m512i load_codes(apus_block_format format, const uint8_t *block, int group) {
    const apus_block_traits traits = apus_traits[format];
    __m512i codes = load_plane(block, traits.low_bits, group, 0);
    if (traits.high_bits) {
        const uint8_t *high = block + traits.low_bits * 64;
        codes = _mm512_or_si512(codes, load_plane(high, traits.high_bits, group, traits.low_bits));
    }
    if (!traits.is_indexed)
        return codes;
    const __m128i values = _mm_loadu_si128((const __m128i *)apus_index_values);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), codes);
}

/// The integer dot products of one block of `panels` panels, `panel_bytes` apart, with `rows` rows of a tile: for each
/// part the first panel's, then the second's.
APUS_INLINE void block_dots(apus_block_format format, const uint8_t *weights, size_t panel_bytes, int panels,
                            const apus_activation_block *x, int first, int rows, __m512i dots[2][APUS_TILE_ROWS]) {
    const int parts = apus_traits[format].parts;
    for (int part = 0; part < parts; part++)
        for (int i = 0; i < panels * rows; i++)
            dots[part][i] = _mm512_set1_epi32(apus_traits[format].zero_point *
                                              apus_part_sum(format, x, (size_t)(first + i % rows), part));
    for (int index = 0; index < 8; index++) {
        const int group = apus_group(index), part = group * parts / 8;
        __m512i codes[2];
        for (int p = 0; p < panels; p++)
            codes[p] = load_codes(format, weights + (size_t)p * panel_bytes, group);
        for (int i = 0; i < panels * rows; i++)
            dots[part][i] = _mm512_dpbusd_epi32(dots[part][i], codes[i / rows],
                                                broadcast4(x->values[first + i % rows] + 4 * group));
    }
}

/// Adds a part of a block of one panel to the sums of `rows` rows.
APUS_INLINE void add_part(apus_block_format format, apus_panel_view view, size_t b, int part,
                          const apus_activation_block *x, int first, int rows, const __m512i *dots, __m512 *sums) {
    const __m512 scale = load_factors(format, view.scales, view.scale_factors, b, part);
    for (int r = 0; r < rows; r++)
        sums[r] = _mm512_fmadd_ps(_mm512_mul_ps(scale, _mm512_set1_ps(x->scale[first + r])),
                                  _mm512_cvtepi32_ps(dots[r]), sums[r]);
    if (!apus_traits[format].has_minimum)
        return;
    const __m512 minimum = load_factors(format, view.minima, view.minimum_factors, b, part);
    for (int r = 0; r < rows; r++)
        sums[r] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(apus_part_scaled_sum(format, x, (size_t)(first + r), part)),
                                  sums[r]);
}

/// One panel times `rows` <= 8 rows of a tile, or two panels times 4 rows, so that each loaded activation is used
/// twice; inlined with constant `format`, `panels` and `rows`, so that all sums stay in registers. For each block it
/// prefetches `step` of the bytes at `ahead`.
APUS_INLINE void multiply_tile(apus_block_format format, const uint8_t *panel, size_t panel_bytes, int panels,
                               size_t blocks, const apus_activation_block *tile, int first, int rows, float *out,
                               size_t stride, __mmask16 mask, const uint8_t *ahead, size_t step) {
    const size_t block_bytes = apus_panel_block_bytes(format);
    const uint8_t *codes = panel;
    __m512 sums[APUS_TILE_ROWS];
    for (int i = 0; i < panels * rows; i++)
        sums[i] = _mm512_setzero_ps();
    for (size_t b = 0; b < blocks; b++, tile++, codes += block_bytes) {
        apus_prefetch(ahead + b * step, step);
        __m512i dots[2][APUS_TILE_ROWS];
        block_dots(format, codes, panel_bytes, panels, tile, first, rows, dots);
        for (int p = 0; p < panels; p++) {
            const apus_panel_view view = apus_view_panel(format, panel + (size_t)p * panel_bytes, blocks);
            for (int part = 0; part < apus_traits[format].parts; part++)
                add_part(format, view, b, part, tile, first, rows, dots[part] + p * rows, sums + p * rows);
        }
    }
    for (int i = 0; i < panels * rows; i++)
        _mm512_mask_storeu_ps(out + (size_t)(i % rows) * stride + i / rows * APUS_PANEL_COLUMNS, mask, sums[i]);
}

APUS_INLINE void multiply_panel(apus_block_format format, const uint8_t *panel, size_t blocks,
                                const apus_activation_block *tile, size_t rows, float *out, size_t stride,
                                __mmask16 mask) {
    for (; rows >= 8; rows -= 8, tile += blocks, out += 8 * stride)
        multiply_tile(format, panel, 0, 1, blocks, tile, 0, 8, out, stride, mask, panel, 0);
    const uint8_t *ahead = panel + APUS_STREAM_DISTANCE;
    const size_t step = apus_stream_step(format, blocks);
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
APUS_INLINE void multiply_panels(apus_block_format format, const uint8_t *panel, size_t blocks,
                                 const apus_activation_block *tiles, size_t rows, float *out, size_t stride,
                                 size_t columns) {
    const size_t bytes = apus_packed_bytes(format, blocks), whole = rows / APUS_TILE_ROWS;
    for (; whole > 0 && columns >= 2 * APUS_PANEL_COLUMNS; columns -= 2 * APUS_PANEL_COLUMNS) {
        const size_t step = (apus_stream_step(format, blocks) + whole - 1) / whole;
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

APUS_DISPATCH_MULTIPLY

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
