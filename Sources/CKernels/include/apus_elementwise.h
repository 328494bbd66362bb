#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct apus_elementwise_kernels {
    int unused; // a struct needs a member until the first kernel lands
} apus_elementwise_kernels;

extern const apus_elementwise_kernels apus_elementwise_portable, apus_elementwise_avx2, apus_elementwise_avx512;
