// The kernels' C interface: plain functions over pointers and explicit extents, no allocation, no globals.
//
// There is one table of functions per instruction set; the caller picks a table once (`apus_kernels_for`) and keeps it.
// Every output element is reduced in one fixed order, whatever is computed beside it: the number of rows in a call, the
// split over threads and the batch never change a bit of a result.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum apus_isa {
    APUS_ISA_PORTABLE = 0,
    APUS_ISA_AVX2 = 1,        // AVX2, FMA and F16C
    APUS_ISA_AVX512_VNNI = 2, // AVX-512 F, BW, DQ, VL and VNNI
} apus_isa;

/// The widest instruction set that this processor and operating system support.
apus_isa apus_isa_best(void);

/// Tells the processor that this thread waits in a loop.
static inline void apus_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#include "apus_convert.h"
#include "apus_elementwise.h"
#include "apus_gemm.h"
#include "apus_kv_attention.h"
#include "apus_memory.h"
#include "apus_quantized.h"

/// All kernels of one instruction set.
typedef struct apus_kernels {
    apus_isa isa;
    const apus_elementwise_kernels *elementwise;
    const apus_gemm_kernels *gemm;
    const apus_quantized_kernels *quantized;
    const apus_kv_attention_kernels *kv_attention;       // over halves
    const apus_kv_attention_kernels *kv_attention_float; // over 32-bit floats
    const apus_kv_attention_kernels *kv_attention_int16; // over integers with scales
    const apus_kv_attention_kernels *kv_attention_int8;
} apus_kernels;

/// The table of `isa`, which lives for ever. The caller has checked that the processor supports it.
const apus_kernels *apus_kernels_for(apus_isa isa);
