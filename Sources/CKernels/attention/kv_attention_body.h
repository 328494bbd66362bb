// Paged attention over vectors of 16 floats; compiled once per instruction set, inside its `target` attribute.
//
// The including file defines QUERIES, the number of queries that share one reading of a page, and
//   float16v fma16(float16v a, float16v b, float16v c)     a * b + c
//   float16v load_halves(const uint16_t *)                 16 halves to fp32
//   void store_halves(uint16_t *, float16v)                16 fp32 to halves
//   wide32 load_wide(const int16_t *), widen(const int8_t *)       32 integers, as 16 bits
//   int16v dot_pairs(int16v sums, wide32 pairs, const int16_t *)   sums + pairs [16][2] times two others
#include <math.h>
#include <stdbool.h>

#include "apus_kv_attention.h"

/// 2^x for x <= 0, to 2 units in the last place; exactly 0 below -125, where the result would soon be subnormal.
///
/// x = n + r with |r| <= 1/2; then Cephes' polynomial for 2^r.
INLINE float16v exp2_16(float16v x) {
    const int16v vanishes = x < splat(-125);
    const float16v rounder = splat(0x1.8p23f); // adding this rounds to an integer
    const float16v shifted = x + rounder;
    const float16v r = x - (shifted - rounder);
    float16v p = splat(1.535336188319500e-4f);
    p = fma16(p, r, splat(1.339887440266574e-3f));
    p = fma16(p, r, splat(9.618437357674640e-3f));
    p = fma16(p, r, splat(5.550332471162809e-2f));
    p = fma16(p, r, splat(2.402264791363012e-1f));
    p = fma16(p, r, splat(6.931472028550421e-1f));
    p = fma16(p, r, splat(1));
    // p's exponent grows by n. For vanishing x, n and the product are meaningless, but neither is used.
    const uint16v exponent = (__builtin_convertvector(bits16(shifted) - bits16(rounder), uint16v) + 127) << 23;
    const float16v power = from_bits16(__builtin_convertvector(exponent, int16v));
    return from_bits16(bits16(p * power) & ~vanishes);
}

typedef float float8v __attribute__((ext_vector_type(8)));
typedef float float4v __attribute__((ext_vector_type(4)));

/// The larger of two numbers; `b` if one is a NaN.
INLINE float larger(float a, float b) { return a > b ? a : b; }

/// The largest element, computed by halves.
INLINE float largest(float16v v) {
    const float8v eight = v.lo > v.hi ? v.lo : v.hi;
    const float4v four = eight.lo > eight.hi ? eight.lo : eight.hi;
    return larger(larger(four[0], four[2]), larger(four[1], four[3]));
}

/// The sum of all elements, computed by halves.
INLINE float total(float16v v) {
    const float8v eight = v.lo + v.hi;
    const float4v four = eight.lo + eight.hi;
    return (four[0] + four[2]) + (four[1] + four[3]);
}

// With so few queries, keys and values are used faster than memory delivers them. They are prefetched early, into the
// second-level cache, which has the longer queue.
#define FEW_QUERIES 6
#define LOG2_E 0x1.715476p+0f

/// Merges the sums of a later span into those of the spans before it.
static void merge(apus_attention_state *state, const apus_attention_state *later, size_t head_size) {
    if (later->weight == 0)
        return;
    if (state->weight == 0) {
        memcpy(state->values, later->values, head_size * sizeof(float));
        state->weight = later->weight;
        state->maximum = later->maximum;
        return;
    }
    const float maximum = state->maximum > later->maximum ? state->maximum : later->maximum;
    const float16v old = exp2_16(splat(state->maximum - maximum)), new = exp2_16(splat(later->maximum - maximum));
    for (size_t d = 0; d < head_size; d += 16)
        store16(state->values + d, fma16(load16(later->values + d), new, load16(state->values + d) * old));
    state->weight = later->weight * new[0] + state->weight *old[0];
    state->maximum = maximum;
}

static void finish(const apus_attention_state *state, size_t head_size, float *out) {
    for (size_t d = 0; d < head_size; d++)
        out[d] = state->values[d] / state->weight;
}

// The cases of a switch over the number of queries.
#define ATTEND_UP_TO_3 ATTEND_SPAN(1) ATTEND_SPAN(2) ATTEND_SPAN(3)
#define ATTEND_UP_TO_6 ATTEND_UP_TO_3 ATTEND_SPAN(4) ATTEND_SPAN(5) ATTEND_SPAN(6)
#define ATTEND_UP_TO_9 ATTEND_UP_TO_6 ATTEND_SPAN(7) ATTEND_SPAN(8) ATTEND_SPAN(9)
#if QUERIES >= 12
#define ATTEND_SPANS ATTEND_UP_TO_9 ATTEND_SPAN(10) ATTEND_SPAN(11) ATTEND_SPAN(12)
#elif QUERIES >= 6
#define ATTEND_SPANS ATTEND_UP_TO_6
#else
#define ATTEND_SPANS ATTEND_UP_TO_3
#endif

// The number of pages by which few queries prefetch ahead.
#define PAGES_AHEAD 2

#define ELEMENT uint16_t
#define NAME(f) half_##f
#define LOAD load_halves
#define STORE store_halves
#include "kv_attention_floats.h"
#undef ELEMENT
#undef NAME
#undef LOAD
#undef STORE

#define ELEMENT float
#define NAME(f) float_##f
#define LOAD load16
#define STORE store16
#include "kv_attention_floats.h"
#undef ELEMENT
#undef NAME
#undef LOAD
#undef STORE

#include "kv_attention_rounding.h"

#define ELEMENT int16_t
#define NAME(f) int16_##f
#define LARGEST_ELEMENT 2047
#define LARGEST_QUERY 4095
#define LARGEST_WEIGHT 16383
#define LOAD load_wide
#include "kv_attention_integers.h"
#undef ELEMENT
#undef NAME
#undef LARGEST_ELEMENT
#undef LARGEST_QUERY
#undef LARGEST_WEIGHT
#undef LOAD

#define ELEMENT int8_t
#define NAME(f) int8_##f
#define LARGEST_ELEMENT 127
#define LARGEST_QUERY 32767
#define LARGEST_WEIGHT 32767
#define LOAD widen
#include "kv_attention_integers.h"
