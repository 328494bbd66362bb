// Paged attention in plain C.
#include "vector16.h"

#define QUERIES 3

INLINE float16v fma16(float16v a, float16v b, float16v c) { return a * b + c; }

INLINE float16v load_halves(const uint16_t *halves) {
    float16v v;
    for (int i = 0; i < 16; i++)
        v[i] = apus_half_to_float(halves[i]);
    return v;
}

INLINE void store_halves(uint16_t *halves, float16v v) {
    for (int i = 0; i < 16; i++)
        halves[i] = apus_float_to_half(v[i]);
}

typedef struct wide32 {
    int16v even, odd;
} wide32;

INLINE wide32 widen(const int8_t *bytes) {
    wide32 wide;
    for (int i = 0; i < 16; i++) {
        wide.even[i] = bytes[2 * i];
        wide.odd[i] = bytes[2 * i + 1];
    }
    return wide;
}

INLINE wide32 load_wide(const int16_t *integers) {
    wide32 wide;
    for (int i = 0; i < 16; i++) {
        wide.even[i] = integers[2 * i];
        wide.odd[i] = integers[2 * i + 1];
    }
    return wide;
}

INLINE int16v dot_pairs(int16v sums, wide32 pairs, const int16_t *two) {
    return sums + pairs.even * (int32_t)two[0] + pairs.odd * (int32_t)two[1];
}

#include "kv_attention_body.h"

const apus_kv_attention_kernels apus_kv_attention_portable = {QUERIES, half_store, half_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_float_portable = {QUERIES, float_store, float_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int16_portable = {QUERIES, int16_store, int16_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int8_portable = {QUERIES, int8_store, int8_attend, merge, finish};
