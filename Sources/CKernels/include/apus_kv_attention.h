#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct apus_kv_attention_kernels {
    int unused; // a struct needs a member until the first kernel lands
} apus_kv_attention_kernels;

extern const apus_kv_attention_kernels apus_kv_attention_portable, apus_kv_attention_avx2, apus_kv_attention_avx512;
