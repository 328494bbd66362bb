// The instruction sets of this processor, and the table of kernels of each.
#include "CKernels.h"

static const apus_kernels tables[] = {
    {APUS_ISA_PORTABLE, &apus_elementwise_portable, &apus_gemm_portable, &apus_quantized_portable,
     &apus_kv_attention_portable, &apus_kv_attention_float_portable, &apus_kv_attention_int16_portable,
     &apus_kv_attention_int8_portable},
#if defined(__x86_64__)
    {APUS_ISA_AVX2, &apus_elementwise_avx2, &apus_gemm_avx2, &apus_quantized_avx2, &apus_kv_attention_avx2,
     &apus_kv_attention_float_avx2, &apus_kv_attention_int16_avx2, &apus_kv_attention_int8_avx2},
    {APUS_ISA_AVX512_VNNI, &apus_elementwise_avx512, &apus_gemm_avx512, &apus_quantized_avx512,
     &apus_kv_attention_avx512, &apus_kv_attention_float_avx512, &apus_kv_attention_int16_avx512,
     &apus_kv_attention_int8_avx512},
#endif
};

apus_isa apus_isa_best(void) {
#if defined(__x86_64__)
    // The compiler's own check also asks the operating system, which must save the wider registers.
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        return APUS_ISA_AVX512_VNNI;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
        return APUS_ISA_AVX2;
#endif
    return APUS_ISA_PORTABLE;
}

const apus_kernels *apus_kernels_for(apus_isa isa) { return &tables[isa]; }
