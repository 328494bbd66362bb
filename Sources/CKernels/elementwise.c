#include "CKernels.h"

const apus_elementwise_kernels apus_elementwise_portable = {0}, apus_elementwise_avx2 = {0}, apus_elementwise_avx512 = {0};
