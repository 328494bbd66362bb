#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define APUS_FMA
#define APUS_TABLE apus_gemm_avx2
#define GV 8
#define GROUP 6
#include "gemm_body.h"
#pragma clang attribute pop
#endif
