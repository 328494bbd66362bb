#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define APUS_FMA
#define APUS_TABLE apus_gemm_avx2
#define GV 8
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define GROUP 6
#include "gemm_body.h"
#pragma clang attribute pop
#endif
