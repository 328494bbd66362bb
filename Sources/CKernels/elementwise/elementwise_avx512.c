#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)
#define APUS_FMA
#define APUS_TABLE apus_elementwise_avx512
#include "elementwise_body.h"
#pragma clang attribute pop
#endif
