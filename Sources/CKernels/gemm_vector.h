// Vectors of GV floats, and how the factors of a product lie. The vectors are as wide as the registers,
// unlike those of vector.h, since no sum here runs across lanes.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// All vector functions here are inlined: none of them has an ABI.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))

#define PANEL (2 * GV)
#define DEPTH 768 // of k taken at once, so that A's rows stay in the first level cache

// Rows of A are copied to a fixed distance, so that one register addresses them all, and at odd multiples of a cache
// line, so that they do not displace each other.
#define ROW_STEP (DEPTH + 16)
#define COLUMN_STEP 16

typedef float gv __attribute__((vector_size(4 * GV)));
typedef float gv_unaligned __attribute__((vector_size(4 * GV), aligned(4)));

INLINE gv load_g(const float *p) { return *(const gv_unaligned *)p; }

INLINE void store_g(float *p, gv v) { *(gv_unaligned *)p = v; }

/// The factor in every lane: 0 is taken from it, which changes no number.
INLINE gv splat_g(float factor) { return factor - (gv){0}; }
