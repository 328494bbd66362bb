#include "CKernels.h"

const apus_quantized_kernels apus_quantized_portable = {0}, apus_quantized_avx2 = {0}, apus_quantized_avx512 = {0};
