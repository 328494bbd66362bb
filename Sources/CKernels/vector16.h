// Vectors of 16 floats that the compiler maps to one, two or four registers, so that one source serves all instruction
// sets. Included inside a `target` attribute; AVX-512 needs "avx512f" there, AVX2 "avx2,fma,f16c".
#pragma once

#include "half.h"

// Vectors are passed only to inlined functions, so their calling convention does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))

typedef float float16v __attribute__((ext_vector_type(16)));
typedef int32_t int16v __attribute__((ext_vector_type(16)));
typedef uint32_t uint16v __attribute__((ext_vector_type(16)));
typedef int16_t short16v __attribute__((ext_vector_type(16)));
typedef int8_t byte16v __attribute__((ext_vector_type(16)));

INLINE float16v splat(float value) { return (float16v)value; }

INLINE float16v load16(const float *from) {
    float16v v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store16(float *to, float16v v) { memcpy(to, &v, sizeof v); }

INLINE int16v bits16(float16v v) {
    int16v bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

INLINE float16v from_bits16(int16v bits) {
    float16v v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/// `yes` where `mask` is all ones, `no` where it is zero.
INLINE float16v select16(int16v mask, float16v yes, float16v no) { return mask ? yes : no; }

/// The larger number; `b` if one is a NaN.
INLINE float16v max16(float16v a, float16v b) { return a > b ? a : b; }
