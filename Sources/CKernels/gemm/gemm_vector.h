// Vectors of GV floats, and how the factors of a product lie. The vectors are as wide as the registers,
// unlike those of vector.h, since no sum here runs across lanes.
//
// Includers define GV, and LOW and HIGH: the lanes of two vectors' halves, taken in turn.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// All vector functions here are inlined: none of them has an ABI.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))

#define PANEL (2 * GV)
#define GROUP_LANES ((GROUP + 7) / 8 * 8)

typedef float gv __attribute__((vector_size(4 * GV)));
typedef float gv_unaligned __attribute__((vector_size(4 * GV), aligned(4)));

INLINE gv load_g(const float *p) { return *(const gv_unaligned *)p; }

INLINE void store_g(float *p, gv v) { *(gv_unaligned *)p = v; }

/// The factor in every lane: 0 is taken from it, which changes no number.
INLINE gv splat_g(float factor) { return factor - (gv){0}; }

/// Turns GV rows of GV lanes into columns: each round of taking the lanes of row i and row i + GV / 2 in turn moves
/// one bit of the row number into the lane number.
INLINE void transpose(gv rows[GV]) {
    gv turned[GV];
#pragma clang loop unroll(full)
    for (size_t round = 1; round < GV; round *= 2) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < GV / 2; i++) {
            turned[2 * i] = __builtin_shufflevector(rows[i], rows[i + GV / 2], LOW);
            turned[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + GV / 2], HIGH);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < GV; i++)
            rows[i] = turned[i];
    }
}
