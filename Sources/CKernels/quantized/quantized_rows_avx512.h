// Quantisation of a whole tile of activations with AVX-512: `quantize_block` for eight rows together.
#pragma once
#include "quantized_rows_body.h"

// Reduces the eight 32-bit lanes of each of eight rows, two rows to a register, by `operation`, in the rows' order.
#define FOLD_ROWS(name, operation)                                                                                     \
    static inline __m256i name(const __m512i pairs[4]) {                                                               \
        __m512i fours[2];                                                                                              \
        for (int i = 0; i < 2; i++)                                                                                    \
            fours[i] = operation(_mm512_unpacklo_epi32(pairs[2 * i], pairs[2 * i + 1]),                                \
                                 _mm512_unpackhi_epi32(pairs[2 * i], pairs[2 * i + 1]));                               \
        const __m512i eights =                                                                                         \
            operation(_mm512_unpacklo_epi64(fours[0], fours[1]), _mm512_unpackhi_epi64(fours[0], fours[1]));           \
        const __m512i rows = operation(eights, _mm512_shuffle_i64x2(eights, eights, 0xB1));                            \
        const __m512i order = _mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 0, 0, 0, 0, 0, 0, 0, 0);                     \
        return _mm512_castsi512_si256(_mm512_permutexvar_epi32(order, rows));                                          \
    }

FOLD_ROWS(largest_of_rows, _mm512_max_epu32)
FOLD_ROWS(sums_of_rows, _mm512_add_epi32)

/// The scales of one block of eight rows, `stride` floats apart; for now the sums' fields hold the scales' inverses.
static inline void measure_block(const float *x, size_t stride, apus_activation_block *out) {
    const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
    __m512i rows[APUS_TILE_ROWS], pairs[4];
    for (int r = 0; r < APUS_TILE_ROWS; r++)
        rows[r] = _mm512_max_epu32(_mm512_and_si512(_mm512_loadu_si512(x + r * stride), magnitude),
                                   _mm512_and_si512(_mm512_loadu_si512(x + r * stride + 16), magnitude));
    for (int p = 0; p < 4; p++)
        pairs[p] = _mm512_max_epu32(_mm512_shuffle_i64x2(rows[2 * p], rows[2 * p + 1], 0x44),
                                    _mm512_shuffle_i64x2(rows[2 * p], rows[2 * p + 1], 0xEE));
    const __m256 largest = _mm256_castsi256_ps(largest_of_rows(pairs)), most = _mm256_set1_ps(127);
    // A NaN counts as not less.
    const __mmask8 counts = _mm256_cmp_ps_mask(largest, _mm256_set1_ps(SMALLEST_LARGEST), _CMP_NLT_UQ);
    _mm256_storeu_ps(out->scale, _mm256_maskz_div_ps(counts, largest, most));
    _mm256_storeu_ps(out->scaled_sum, _mm256_maskz_div_ps(counts, most, largest));
}

static inline void store_negative(__m256i sums, int16_t out[APUS_TILE_ROWS]) {
    _mm_storeu_si128((__m128i *)out, _mm256_cvtepi32_epi16(_mm256_sub_epi32(_mm256_setzero_si256(), sums)));
}

/// The values of a measured block, and their sums.
static inline void round_block(const float *x, size_t stride, apus_activation_block *out) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i pairs[4], first[4];
    for (int p = 0; p < 4; p++) {
        __m512i words[2];
        for (int i = 0, r = 2 * p; i < 2; i++, r++) {
            const __m512 inverse = _mm512_set1_ps(out->scaled_sum[r]), least = _mm512_set1_ps(-127);
            __m512i halves[2];
            for (int h = 0; h < 2; h++) {
                const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x + r * stride + 16 * h), inverse);
                halves[h] = _mm512_cvtps_epi32(_mm512_max_ps(scaled, least)); // a NaN is -127
            }
            words[i] = _mm512_packs_epi32(halves[0], halves[1]);
        }
        // Packing works lane by lane.
        const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(words[0], words[1]));
        _mm512_storeu_si512(out->values[2 * p], bytes);
        pairs[p] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), bytes);
        first[p] = _mm512_maskz_mov_epi32(0x0F0F, pairs[p]);
    }
    const __m256i sum = sums_of_rows(pairs);
    _mm256_storeu_ps(out->scaled_sum, _mm256_mul_ps(_mm256_loadu_ps(out->scale), _mm256_cvtepi32_ps(sum)));
    store_negative(sum, out->negative_sum);
    store_negative(sums_of_rows(first), out->negative_first_sum);
}

/// `quantize_rows` with the interface of all instruction sets. A whole tile takes two passes: in a single pass, each
/// block would wait for its division.
static void quantize_tile(const float *x, size_t stride, size_t rows, size_t blocks, apus_activation_block *tile) {
    if (rows < APUS_TILE_ROWS) {
        quantize_rows(x, stride, rows, blocks, tile);
        return;
    }
    for (size_t b = 0; b < blocks; b++)
        measure_block(x + b * APUS_BLOCK, stride, tile + b);
    for (size_t b = 0; b < blocks; b++)
        round_block(x + b * APUS_BLOCK, stride, tile + b);
}
