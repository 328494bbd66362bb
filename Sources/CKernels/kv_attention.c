#include "CKernels.h"

const apus_kv_attention_kernels apus_kv_attention_portable = {0}, apus_kv_attention_avx2 = {0}, apus_kv_attention_avx512 = {0};
