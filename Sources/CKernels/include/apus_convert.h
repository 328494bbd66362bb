// Conversion of stored elements to fp32. Exact: every value of these formats is an fp32 number.
#pragma once

#include "apus_quantized.h"

/// IEEE half precision.
void apus_convert_f16(const uint8_t *bytes, size_t count, float *out);

/// The upper half of an fp32 number.
void apus_convert_bf16(const uint8_t *bytes, size_t count, float *out);

/// `blocks` GGUF blocks of 32 elements.
void apus_convert_blocks(apus_block_format format, const uint8_t *bytes, size_t blocks, float *out);
