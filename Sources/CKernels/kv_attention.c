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

#include "kv_attention_body.h"

const apus_kv_attention_kernels apus_kv_attention_portable = {QUERIES, half_store, half_attend, merge, finish};
const apus_kv_attention_kernels apus_kv_attention_int8_portable = {QUERIES, byte_store, byte_attend, merge, finish};
