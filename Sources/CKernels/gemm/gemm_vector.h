// Vectors of GV floats, and the layout of a product's factors. The vectors are as wide as the registers, unlike those
// of vector.h, since no sum here runs across lanes.
//
// Including files define GV, and LOW and HIGH: the interleaved lanes of two vectors' halves.
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

/// The factor in every lane. The subtraction of 0 changes no number.
INLINE gv splat_g(float factor) { return factor - (gv){0}; }

/// Transposes GV rows of GV lanes: each round interleaves the lanes of rows i and i + GV / 2, which moves one bit of
/// the row number into the lane number.
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
