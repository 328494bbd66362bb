// Causal attention of queries over a paged cache of keys and values, in half or single precision or in integers with
// scales.
//
// A page holds 16 positions of one key-value head. Pages of floats hold transposed keys, [head size][16], so that the
// scores of 16 positions need no horizontal sums, then values, [16][head size]; arithmetic is fp32. In pages of
// integers of 16 or 8 bits, each position's key is in multiples of its own scale, and so is its value; queries and
// weights are rounded as well, and products are integer products (`kv_attention_integers.h`).
//
// A query's result depends only on the query and on the keys and values it sees, and has one order of computation:
// positions are summed span by span (256 positions, counted from the start of the sequence), each span in chunks with a
// running maximum, and spans are merged in their order.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    APUS_KV_PAGE = 16,        // positions in a page
    APUS_KV_SPAN = 256,       // positions that are reduced apart from others
    APUS_KV_MAX_HEAD = 256,   // largest head size; all are multiples of 16
    APUS_KV_MAX_QUERIES = 12, // upper bound on queries that share one reading of a page
};

/// The pages of one sequence in one layer, for one key-value head.
typedef struct apus_kv_pages {
    void *base;           // page 0 of this layer and head
    size_t stride;        // bytes from one page to the next of the same head
    const int32_t *table; // the page of positions 16 i ..< 16 i + 16
    size_t head_size;
} apus_kv_pages;

/// A query's result over some spans. A weight of zero means that the query has seen nothing and that the other fields
/// are not set: with any position seen, the weight is at least the largest score's, which is 1.
typedef struct apus_attention_state {
    float values[APUS_KV_MAX_HEAD]; // sum of weight * value
    float weight;                   // sum of weights 2^(score - maximum)
    float maximum;                  // largest score, a logarithm to base 2
} apus_attention_state;

typedef struct apus_kv_attention_kernels {
    /// The number of queries whose sums fit this instruction set's registers: the upper bound for `attend`.
    size_t queries;

    /// Writes `count` consecutive positions, from `start` on, to their pages. Rows of fp32 keys and values, [head
    /// size], are `stride` floats apart.
    void (*store)(const float *keys, const float *values, size_t stride, size_t start, size_t count,
                  const apus_kv_pages *pages);

    /// Merges spans `first_span`..<`end_span` into `count` states. Query i, [head size], is multiplied by `scale` and
    /// sees positions 0..<limits[i]; limits must not descend.
    void (*attend)(const float *const *queries, const size_t *limits, size_t count, float scale,
                   const apus_kv_pages *pages, size_t first_span, size_t end_span, apus_attention_state *states);

    /// Merges the positions of `later` into `state`, whose positions come first.
    void (*merge)(apus_attention_state *state, const apus_attention_state *later, size_t head_size);

    /// The weighted mean of the values that a state has seen.
    void (*finish)(const apus_attention_state *state, size_t head_size, float *out);
} apus_kv_attention_kernels;

extern const apus_kv_attention_kernels apus_kv_attention_portable, apus_kv_attention_avx2, apus_kv_attention_avx512;
extern const apus_kv_attention_kernels apus_kv_attention_float_portable, apus_kv_attention_float_avx2,
    apus_kv_attention_float_avx512;
extern const apus_kv_attention_kernels apus_kv_attention_int16_portable, apus_kv_attention_int16_avx2,
    apus_kv_attention_int16_avx512;
extern const apus_kv_attention_kernels apus_kv_attention_int8_portable, apus_kv_attention_int8_avx2,
    apus_kv_attention_int8_avx512;
