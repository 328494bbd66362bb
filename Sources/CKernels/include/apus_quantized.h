#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct apus_quantized_kernels {
    int unused; // a struct needs a member until the first kernel lands
} apus_quantized_kernels;

extern const apus_quantized_kernels apus_quantized_portable, apus_quantized_avx2, apus_quantized_avx512;
