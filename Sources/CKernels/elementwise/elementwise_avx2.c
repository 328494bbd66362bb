#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define APUS_FMA
#define APUS_TABLE apus_elementwise_avx2
#include "elementwise_body.h"
#pragma clang attribute pop
#endif
