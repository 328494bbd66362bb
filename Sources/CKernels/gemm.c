#include "CKernels.h"

const apus_gemm_kernels apus_gemm_portable = {0}, apus_gemm_avx2 = {0}, apus_gemm_avx512 = {0};
