#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct apus_gemm_kernels {
    int unused; // a struct needs a member until the first kernel lands
} apus_gemm_kernels;

extern const apus_gemm_kernels apus_gemm_portable, apus_gemm_avx2, apus_gemm_avx512;
