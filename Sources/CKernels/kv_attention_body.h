// Paged attention over vectors of 16 floats; compiled once an instruction set, inside its `target` attribute.
//
// The including file defines QUERIES, how many queries share the reading of a page, and
//   float16v fma16(float16v a, float16v b, float16v c)     a * b + c
//   float16v load_halves(const uint16_t *)                 16 halves to fp32
//   void store_halves(uint16_t *, float16v)                16 fp32 to halves
#include <math.h>
#include <stdbool.h>

#include "apus_kv_attention.h"

/// e^x for x <= 0, to 2 units in the last place; exactly 0 below -87, where the result would soon be subnormal.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts so that r is exact; then Cephes' polynomial for e^r.
INLINE float16v exp16(float16v x) {
    const int16v vanishes = x < splat(-87);
    const float16v rounder = splat(0x1.8p23f); // adding it rounds to an integer
    const float16v shifted = fma16(x, splat(0x1.715476p+0f), rounder);
    const float16v n = shifted - rounder;
    const float16v r = fma16(n, splat(0x1.bd0106p-13f), fma16(n, splat(-0x1.63p-1f), x));
    float16v p = splat(1.9875691500e-4f);
    p = fma16(p, r, splat(1.3981999507e-3f));
    p = fma16(p, r, splat(8.3334519073e-3f));
    p = fma16(p, r, splat(4.1665795894e-2f));
    p = fma16(p, r, splat(1.6666665459e-1f));
    p = fma16(p, r, splat(5.0000001201e-1f));
    p = fma16(p, r * r, r) + splat(1);
    // p's exponent grows by n; where x vanishes n is nonsense, so is the product, and neither is used.
    const uint16v exponent = (__builtin_convertvector(bits16(shifted) - bits16(rounder), uint16v) + 127) << 23;
    const float16v power = from_bits16(__builtin_convertvector(exponent, int16v));
    return from_bits16(bits16(p * power) & ~vanishes);
}

/// The largest element, in all places.
INLINE float16v largest(float16v v) {
    v = max16(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    v = max16(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
    v = max16(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    return max16(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
}

/// The sum of all elements, by halves.
INLINE float total(float16v v) {
    v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return v[0] + v[1];
}

// So few queries use keys and values faster than they come from memory: it pays to ask for them early, into the
// second-level cache, which has the longer queue.
#define FEW_QUERIES 6
// How many pages early.
#define PAGES_AHEAD 2

/// A span's sums of up to QUERIES queries, and the queries, interleaved and scaled.
typedef struct span_work {
    float16v maximum[QUERIES]; // the same in all places
    float16v weight[QUERIES];  // by place in the page
    float queries[APUS_KV_MAX_HEAD][QUERIES];
    float values[QUERIES][APUS_KV_MAX_HEAD];
} span_work;

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
    const float16v old = exp16(splat(state->maximum - maximum)), new = exp16(splat(later->maximum - maximum));
    for (size_t d = 0; d < head_size; d += 16)
        store16(state->values + d, fma16(load16(later->values + d), new, load16(state->values + d) * old));
    state->weight = later->weight * new[0] + state->weight *old[0];
    state->maximum = maximum;
}

static void finish(const apus_attention_state *state, size_t head_size, float *out) {
    for (size_t d = 0; d < head_size; d++)
        out[d] = state->values[d] / state->weight;
}

INLINE float16v load_bytes(const int8_t *bytes) {
    byte16v v;
    memcpy(&v, bytes, sizeof v);
    return __builtin_convertvector(v, float16v);
}

#define ELEMENT uint16_t
#define NAME(f) half_##f
#define LOAD load_halves
#define SCALED 0
#include "kv_attention_pages.h"
#undef ELEMENT
#undef NAME
#undef LOAD
#undef SCALED

#define ELEMENT int8_t
#define NAME(f) byte_##f
#define LOAD load_bytes
#define SCALED 1
#include "kv_attention_pages.h"
