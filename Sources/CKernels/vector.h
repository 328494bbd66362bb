// Vectors of sixteen floats, for bodies that are compiled once per instruction set.
//
// The width is the same everywhere (the compiler splits a vector over narrower registers), so that sums add up in the
// same order on every processor. Including files define APUS_FMA if their instruction set has fused multiply-add.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

// All vector functions here are inlined: none of them has an ABI.
#pragma clang diagnostic ignored "-Wpsabi"

#define LANES 16

typedef float vf __attribute__((vector_size(64)));
typedef float vf_unaligned __attribute__((vector_size(64), aligned(4)));
typedef int32_t vi __attribute__((vector_size(64)));

#define INLINE static inline __attribute__((always_inline))

INLINE vf splat(float x) { return (vf){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

INLINE vf load(const float *p) { return *(const vf_unaligned *)p; }

INLINE void store(float *p, vf v) { *(vf_unaligned *)p = v; }

/// The first min(n, 16) floats at `p`, with `fill` in the remaining lanes.
INLINE vf load_some(const float *p, size_t n, float fill) {
    if (n >= LANES)
        return load(p);
    float lanes[LANES];
    for (size_t i = 0; i < LANES; i++)
        lanes[i] = i < n ? p[i] : fill;
    return load(lanes);
}

INLINE void store_some(float *p, size_t n, vf v) {
    if (n >= LANES) {
        store(p, v);
        return;
    }
    float lanes[LANES];
    store(lanes, v);
    for (size_t i = 0; i < n; i++)
        p[i] = lanes[i];
}

INLINE vf fma_v(vf a, vf b, vf c) {
#ifdef APUS_FMA
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE vf select_v(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }

/// The larger number; a NaN in `a` stays.
INLINE vf max_v(vf a, vf b) { return select_v(a < b, b, a); }

/// The sum of the lanes, halves first: ((0+8)+(4+12))+...
INLINE float sum_lanes(vf v) {
    float a[LANES];
    store(a, v);
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++)
            a[i] += a[i + width];
    return a[0];
}

INLINE float max_lanes(vf v) {
    float a[LANES], largest;
    store(a, v);
    largest = a[0];
    for (size_t i = 1; i < LANES; i++)
        largest = largest < a[i] || a[i] != a[i] ? a[i] : largest;
    return largest;
}

/// e to the x, within 2 units in the last place; 0 below -87.3, capped above 88.37, NaN for NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, then the Taylor-like polynomial of Cephes' expf and an exact scaling by 2^n.
INLINE vf exp_v(vf x) {
    vi underflow = x < splat(-87.33654f);
    x = select_v(x > splat(88.37626f), splat(88.37626f), x);
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    vf magic = splat(12582912.0f);
    vf shifted = fma_v(x, splat(1.44269504088896341f), magic);
    vf n = shifted - magic;
    vf r = fma_v(n, splat(-0.693359375f), x);
    r = fma_v(n, splat(2.12194440e-4f), r);
    vf p = splat(1.9875691500e-4f);
    p = fma_v(p, r, splat(1.3981999507e-3f));
    p = fma_v(p, r, splat(8.3334519073e-3f));
    p = fma_v(p, r, splat(4.1665795894e-2f));
    p = fma_v(p, r, splat(1.6666665459e-1f));
    p = fma_v(p, r, splat(5.0000001201e-1f));
    p = fma_v(p, r * r, r) + splat(1.0f);
    vf result = (vf)((vi)p + ((vi)shifted << 23));
    return (vf)(~underflow & (vi)result);
}

INLINE vf sigmoid_v(vf x) { return splat(1.0f) / (splat(1.0f) + exp_v(-x)); }
